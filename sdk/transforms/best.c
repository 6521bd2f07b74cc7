/* SPDX-License-Identifier: Apache-2.0 */
/* The best N of many values. */
#include "sdk/transforms/best.h"

#include "sdk/types/layout.h"
#include <stdlib.h>

/* What a value points into: its own encoding.  (What containers inside it need besides comes from
 * the arena and is not reused.) */
typedef struct {
    uint8_t *bytes;
    size_t capacity;
} backing;

typedef struct {
    size_t count;
    size_t capacity;
    size_t stride;
    bool flat;          /* values point to nothing: no backings */
    char *values;       /* a heap: none is better than those below it */
    backing *backings;
    char *room;         /* one value, for swapping */
} heap;

/* ---- as an iterable -------------------------------------------------------------------------- */

static void heap_start(const beamc_iterable *iterable BEAMC_UNUSED,
                       beamc_iterator *iterator BEAMC_UNUSED)
{
}

static bool heap_next(beamc_iterator *iterator, void *value)
{
    const heap *self = iterator->iterable->source;

    if (iterator->state[0] == self->count)
        return false;
    if (self->stride > 0)
        memcpy(value, self->values + iterator->state[0] * self->stride, self->stride);
    iterator->state[0]++;
    return true;
}

static int64_t heap_count(const beamc_iterable *iterable)
{
    return (int64_t)((const heap *)iterable->source)->count;
}

static const beamc_iterable_ops heap_ops = { heap_start, heap_next, heap_count, NULL };

beamc_iterable beamc__best_new(const beamc_type *type)
{
    beamc_iterable empty = { NULL, type, NULL, 0 };

    return empty;
}

/* ---- the heap -------------------------------------------------------------------------------- */

static bool better(const beamc__best_order *order, const void *a, const void *b)
{
    int way = 0;

    if (order->field != NULL)
        way = beamc_compare(order->field, beamc__at(a, order->field_offset),
                            beamc__at(b, order->field_offset));
    if (way == 0)
        way = beamc_compare(order->type, a, b);
    return order->smallest ? way < 0 : way > 0;
}

static char *value_at(const heap *self, size_t index)
{
    return self->values + index * self->stride;
}

static void swap_values(heap *self, size_t a, size_t b)
{
    memcpy(self->room, value_at(self, a), self->stride);
    memcpy(value_at(self, a), value_at(self, b), self->stride);
    memcpy(value_at(self, b), self->room, self->stride);
    if (self->flat)
        return;
    backing swap = self->backings[a];
    self->backings[a] = self->backings[b];
    self->backings[b] = swap;
}

static void sift_up(heap *self, const beamc__best_order *order, size_t at)
{
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!better(order, value_at(self, parent), value_at(self, at)))
            return;
        swap_values(self, parent, at);
        at = parent;
    }
}

static void sift_down(heap *self, const beamc__best_order *order)
{
    size_t at = 0;

    for (;;) {
        size_t worst = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < self->count; child++)
            if (better(order, value_at(self, worst), value_at(self, child)))
                worst = child;
        if (worst == at)
            return;
        swap_values(self, worst, at);
        at = worst;
    }
}

static beamc_error *grow(heap *self, beamc_arena *arena)
{
    size_t capacity = self->capacity == 0 ? 4 : 2 * self->capacity;
    char *values = beamc_arena_calloc(arena, capacity, self->stride);
    backing *backings = self->flat ? NULL : beamc_arena_calloc(arena, capacity, sizeof(*backings));

    if (values == NULL || (backings == NULL && !self->flat))
        return beamc_error_nomem();
    if (self->count > 0) {
        memcpy(values, self->values, self->count * self->stride);
        if (!self->flat)
            memcpy(backings, self->backings, self->count * sizeof(*backings));
    }
    self->values = values;
    self->backings = backings;
    self->capacity = capacity;
    return NULL;
}

static int back_value(heap *self, size_t index, const beamc_type *type, const beamc_buffer *encoded,
                      beamc_arena *arena)
{
    backing *back = &self->backings[index];

    if (back->capacity < encoded->size) {
        size_t capacity = 2 * back->capacity > encoded->size ? 2 * back->capacity : encoded->size;
        back->bytes = beamc_arena_alloc(arena, capacity);
        if (back->bytes == NULL)
            return BEAMC_ENOMEM;
        back->capacity = capacity;
    }
    if (encoded->size > 0)
        memcpy(back->bytes, encoded->data, encoded->size);
    beamc_reader in = beamc_reader_of(back->bytes, encoded->size);
    return beamc_decode(type, value_at(self, index), false, &in, arena);
}

/* Puts a copy of @value at @index. */
static beamc_error *put(heap *self, size_t index, const beamc_type *type, const void *value,
                        beamc_arena *arena)
{
    beamc_buffer encoded;

    if (self->flat) {
        memcpy(value_at(self, index), value, self->stride);
        return NULL;
    }
    beamc_buffer_init(&encoded);
    int rc = beamc_encode(type, value, false, &encoded);
    if (rc == BEAMC_OK)
        rc = beamc_buffer_failed(&encoded) ? BEAMC_ENOMEM
                                           : back_value(self, index, type, &encoded, arena);
    beamc_buffer_dispose(&encoded);
    return rc < 0 ? beamc_error_new((beamc_code)rc, "keeping a value of %s", type->name) : NULL;
}

static beamc_error *add(heap *self, const beamc__best_order *order, const void *value,
                        beamc_arena *arena)
{
    if (self->count < order->limit) {
        if (self->count == self->capacity)
            BEAMC_TRY(grow(self, arena));
        BEAMC_TRY(put(self, self->count, order->type, value, arena));
        sift_up(self, order, self->count++);
        return NULL;
    }
    if (self->count == 0 || !better(order, value, self->values))
        return NULL;
    BEAMC_TRY(put(self, 0, order->type, value, arena));
    sift_down(self, order);
    return NULL;
}

static beamc_error *add_all(heap *self, const beamc__best_order *order,
                            const beamc_iterable *values, beamc_arena *arena)
{
    beamc__scratch scratch;
    beamc_iterator iterator;
    beamc_error *err = NULL;

    if (values->ops == NULL)
        return NULL;
    beamc__scratch_init(&scratch, order->type);
    if (scratch.value == NULL)
        return beamc_error_nomem();
    beamc_iterate(&iterator, values);
    while (err == NULL && beamc_next(&iterator, scratch.value))
        err = add(self, order, scratch.value, arena);
    beamc_error *walk = beamc_iterator_finish(&iterator);
    if (err == NULL)
        err = walk;
    else
        beamc_error_free(walk); /* the first error is the one to tell */
    beamc__scratch_dispose(&scratch);
    return err;
}

/* The heap behind @best; an iterable that is not ours (decoded, copied, empty) becomes it. */
static beamc_error *open_heap(heap **out, beamc_iterable *best, const beamc__best_order *order,
                              beamc_arena *arena)
{
    *out = NULL;
    if (BEAMC_LIKELY(best->ops == &heap_ops)) {
        *out = (heap *)best->source;
        return NULL;
    }
    heap *self = beamc_arena_calloc(arena, 1, sizeof(*self));
    char *room = beamc_arena_alloc(arena, order->type->size);
    if (self == NULL || room == NULL)
        return beamc_error_nomem();
    self->room = room;
    self->stride = order->type->size;
    self->flat = beamc__type_is_flat(order->type);
    BEAMC_TRY(add_all(self, order, best, arena));
    best->ops = &heap_ops;
    best->element = order->type;
    best->source = self;
    best->size = 0;
    *out = self;
    return NULL;
}

/* ---- what others call ------------------------------------------------------------------------ */

beamc_error *beamc__best_add(beamc_iterable *best, const beamc__best_order *order,
                             const void *value, beamc_arena *arena)
{
    heap *self;

    BEAMC_TRY(open_heap(&self, best, order, arena));
    return add(self, order, value, arena);
}

beamc_error *beamc__best_merge(beamc_iterable *best, const beamc__best_order *order,
                               const beamc_iterable *other, beamc_arena *arena)
{
    heap *self;

    BEAMC_TRY(open_heap(&self, best, order, arena));
    return add_all(self, order, other, arena);
}

static int best_first(const void *a, const void *b, void *order)
{
    if (better(order, a, b))
        return -1;
    return better(order, b, a) ? 1 : 0;
}

beamc_error *beamc__best_sorted(beamc_iterable *out, beamc_iterable *best,
                                const beamc__best_order *order, beamc_arena *arena)
{
    heap *self;

    BEAMC_TRY(open_heap(&self, best, order, arena));
    char *sorted = beamc_arena_calloc(arena, self->count, self->stride);
    if (sorted == NULL)
        return beamc_error_nomem();
    if (self->count > 0 && self->stride > 0) {
        memcpy(sorted, self->values, self->count * self->stride);
        qsort_r(sorted, self->count, self->stride, best_first, (void *)(uintptr_t)order);
    }
    *out = beamc_iterable_of_array(order->type, sorted, self->count);
    return NULL;
}
