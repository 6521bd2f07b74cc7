/* SPDX-License-Identifier: Apache-2.0 */
/* The best N of many values: a heap with the worst of them on top, behind a beamc_iterable, so that
 * an accumulator has a coder that everyone knows.
 *
 *     beamc_iterable {ops, element, source} -> heap: values[], each with the bytes it points into
 *
 * Memory comes from an arena and is bounded by the values kept, not by those seen: a value that
 * comes in place of another one reuses its bytes. */
#ifndef BEAMC_TRANSFORMS_BEST_H
#define BEAMC_TRANSFORMS_BEST_H

#include <beamc/arena.h>
#include <beamc/type.h>

typedef struct {
    const beamc_type *type;
    size_t limit;        /* N */
    bool smallest;       /* the first by beamc_compare are the best, not the last */
    size_t field_offset; /* compare this part first */
    const beamc_type *field;
} beamc__best_order;

/* An empty one. */
beamc_iterable beamc__best_new(const beamc_type *type);

/* Keeps a copy of @value if it is among the best so far. */
BEAMC_MUST_USE beamc_error *beamc__best_add(beamc_iterable *best, const beamc__best_order *order,
                                            const void *value, beamc_arena *arena);

/* Adds all values of @other, any iterable of the type. */
BEAMC_MUST_USE beamc_error *beamc__best_merge(beamc_iterable *best, const beamc__best_order *order,
                                              const beamc_iterable *other, beamc_arena *arena);

/* What is kept, the best one first; what the values point to stays with @best. */
BEAMC_MUST_USE beamc_error *beamc__best_sorted(beamc_iterable *out, beamc_iterable *best,
                                               const beamc__best_order *order, beamc_arena *arena);

#endif
