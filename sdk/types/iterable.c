/* SPDX-License-Identifier: Apache-2.0 */
/* Iterables over memory, and what works for all of them. */
#include <beamc/type.h>

#include "sdk/types/layout.h"

enum { NEXT, LEFT }; /* slots of beamc_iterator.state */

static void array_start(const beamc_iterable *iterable, beamc_iterator *iterator)
{
    iterator->state[NEXT] = (uintptr_t)iterable->source;
    iterator->state[LEFT] = iterable->size;
}

static bool array_next(beamc_iterator *iterator, void *value)
{
    size_t size = iterator->iterable->element->size;
    if (iterator->state[LEFT] == 0)
        return false;
    if (size > 0)
        memcpy(value, (const void *)iterator->state[NEXT], size);
    iterator->state[NEXT] += size;
    iterator->state[LEFT]--;
    return true;
}

static int64_t array_count(const beamc_iterable *iterable)
{
    return (int64_t)iterable->size;
}

static const beamc_iterable_ops array_ops = { array_start, array_next, array_count, NULL };

beamc_iterable beamc_iterable_of_array(const beamc_type *element, const void *values, size_t count)
{
    beamc_iterable iterable = { &array_ops, element, values, count };
    return iterable;
}

bool beamc__iterable_is_array(const beamc_iterable *iterable)
{
    return iterable->ops == &array_ops;
}

beamc_error *beamc_iterable_count(int64_t *out, const beamc_iterable *iterable)
{
    beamc__scratch scratch;
    beamc_iterator iterator;

    *out = 0;
    if (iterable->ops == NULL)
        return NULL;
    int64_t known = iterable->ops->count == NULL ? -1 : iterable->ops->count(iterable);
    if (known >= 0) {
        *out = known;
        return NULL;
    }
    beamc__scratch_init(&scratch, iterable->element);
    if (scratch.value == NULL)
        return beamc_error_nomem();
    beamc_iterate(&iterator, iterable);
    while (beamc_next(&iterator, scratch.value))
        ++*out;
    beamc__scratch_dispose(&scratch);
    return beamc_iterator_finish(&iterator);
}
