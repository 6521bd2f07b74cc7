/* SPDX-License-Identifier: Apache-2.0 */
/* All values in one list.  They lie one after the other in an array that doubles, behind a
 * beamc_iterable; sorted at the end, so that nobody can tell in which order they came. */
#include <beamc/aggregate.h>

#include "sdk/transforms/shape.h"
#include "sdk/types/layout.h"
#include <stdlib.h>

typedef struct {
    size_t count;
    size_t capacity;
    char *values;
} list;

static void list_start(const beamc_iterable *iterable BEAMC_UNUSED,
                       beamc_iterator *iterator BEAMC_UNUSED)
{
}

static bool list_next(beamc_iterator *iterator, void *value)
{
    const list *self = iterator->iterable->source;
    size_t stride = iterator->iterable->element->size;

    if (iterator->state[0] == self->count)
        return false;
    if (stride > 0)
        memcpy(value, self->values + iterator->state[0] * stride, stride);
    iterator->state[0]++;
    return true;
}

static int64_t list_count(const beamc_iterable *iterable)
{
    return (int64_t)((const list *)iterable->source)->count;
}

static const beamc_iterable_ops list_ops = { list_start, list_next, list_count, NULL };

/* ---- adding ---------------------------------------------------------------------------------- */

static beamc_error *append(list *self, const beamc_type *type, const void *value,
                           beamc_arena *arena)
{
    if (self->count == self->capacity) {
        size_t capacity = self->capacity == 0 ? 4 : 2 * self->capacity;
        char *values = beamc_arena_calloc(arena, capacity, type->size);
        if (values == NULL)
            return beamc_error_nomem();
        if (self->count > 0)
            memcpy(values, self->values, self->count * type->size);
        self->values = values;
        self->capacity = capacity;
    }
    int rc = beamc_copy(type, self->values + self->count * type->size, value, arena);
    if (rc < 0)
        return beamc_error_new((beamc_code)rc, "keeping a value of %s", type->name);
    self->count++;
    return NULL;
}

static beamc_error *append_all(list *self, const beamc_type *type, const beamc_iterable *values,
                               beamc_arena *arena)
{
    beamc__scratch scratch;
    beamc_iterator iterator;
    beamc_error *err = NULL;

    if (values->ops == NULL)
        return NULL;
    beamc__scratch_init(&scratch, type);
    if (scratch.value == NULL)
        return beamc_error_nomem();
    beamc_iterate(&iterator, values);
    while (err == NULL && beamc_next(&iterator, scratch.value))
        err = append(self, type, scratch.value, arena);
    beamc_error *walk = beamc_iterator_finish(&iterator);
    if (err == NULL)
        err = walk;
    else
        beamc_error_free(walk); /* the first error is the one to tell */
    beamc__scratch_dispose(&scratch);
    return err;
}

/* The list behind an accumulator; an iterable that is not ours (decoded, copied, empty) becomes
 * one. */
static beamc_error *open_list(list **out, beamc_iterable *accumulator, const beamc_type *type,
                              beamc_arena *arena)
{
    *out = NULL;
    if (BEAMC_LIKELY(accumulator->ops == &list_ops)) {
        *out = (list *)accumulator->source;
        return NULL;
    }
    list *self = beamc_arena_calloc(arena, 1, sizeof(*self));
    if (self == NULL)
        return beamc_error_nomem();
    BEAMC_TRY(append_all(self, type, accumulator, arena));
    accumulator->ops = &list_ops;
    accumulator->element = type;
    accumulator->source = self;
    accumulator->size = 0;
    *out = self;
    return NULL;
}

/* ---- the CombineFn --------------------------------------------------------------------------- */

static const beamc_type *type_in(const beamc_combine_context *ctx)
{
    return beamc__shape_bare(ctx->accumulator)->fields[0].type;
}

static beamc_error *infer_list(const beamc_combine_fn *fn BEAMC_UNUSED, const beamc_type *input,
                               const void *config BEAMC_UNUSED, beamc_arena *arena,
                               beamc_combine_types *out)
{
    BEAMC_TRY(beamc__shape_told(&out->accumulator, beamc_type_iterable(arena, input)));
    out->output = out->accumulator;
    return NULL;
}

static beamc_error *list_create(beamc_combine_context *ctx, void *accumulator)
{
    beamc_iterable *empty = accumulator;

    memset(empty, 0, sizeof(*empty));
    empty->element = type_in(ctx);
    return NULL;
}

static beamc_error *list_add(beamc_combine_context *ctx, void *accumulator, const void *input)
{
    const beamc_type *type = type_in(ctx);
    list *self;

    BEAMC_TRY(open_list(&self, accumulator, type, ctx->arena));
    return append(self, type, input, ctx->arena);
}

static beamc_error *list_merge(beamc_combine_context *ctx, void *accumulator, void *other)
{
    const beamc_type *type = type_in(ctx);
    list *self;

    BEAMC_TRY(open_list(&self, accumulator, type, ctx->arena));
    return append_all(self, type, other, ctx->arena);
}

static int in_order(const void *a, const void *b, void *type)
{
    return beamc_compare(type, a, b);
}

static beamc_error *list_extract(beamc_combine_context *ctx, void *accumulator, void *output)
{
    const beamc_type *type = type_in(ctx);
    list *self;

    BEAMC_TRY(open_list(&self, accumulator, type, ctx->arena));
    if (self->count > 0 && type->size > 0)
        qsort_r(self->values, self->count, type->size, in_order, (void *)(uintptr_t)type);
    *(beamc_iterable *)output = beamc_iterable_of_array(type, self->values, self->count);
    return NULL;
}

const beamc_combine_fn beamc_to_list_fn = {
    .function = { BEAMC_FUNCTION_COMBINE, "beamc_to_list_fn" },
    .create = list_create,
    .add = list_add,
    .merge = list_merge,
    .extract = list_extract,
    .infer = infer_list,
};
BEAMC_REGISTER(beamc_to_list_fn)

beamc_pcollection beamc_to_list_globally_at(beamc_location at, beamc_pcollection in)
{
    return beamc__apply_globally(at, in, "ToListGlobally", &beamc_to_list_fn, NULL, true);
}

beamc_pcollection beamc_to_list_per_key_at(beamc_location at, beamc_pcollection in)
{
    return beamc__apply_per_key(at, in, "ToListPerKey", &beamc_to_list_fn, NULL);
}
