/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the groups of records by tables on encoded keys and windows, in two passes: the first
 * counts, the second (in memory) puts the values of a group next to each other.
 *
 *     records --add--> (key, window) pairs, sized --order--> merged, sorted --place--> values
 *
 *     values   | group 0: value value value | group 1: value | ...
 *     value      size, varint | bytes, or the address of more than 32 bytes
 */
#ifndef BEAMC_ENGINE_GROUPING_H
#define BEAMC_ENGINE_GROUPING_H

#include "runners/engine/shuffle_fields.h"
#include <beamc/arena.h>

typedef struct {
    uint64_t hash;
    uint64_t word;  /* up to 8 bytes: the key itself; else where it is */
    uint32_t size;
    uint32_t first; /* pair + 1 */
} beamc__group_key;

/* A key in a window.  In the global window pair i is key i. */
typedef struct {
    uint64_t at;    /* where its next value is to be placed */
    uint64_t bytes; /* of its values */
    uint64_t count; /* of its values */
} beamc__group_pair;

typedef struct {
    uint32_t key;
    uint32_t window;
    uint32_t next; /* pair + 1 of the same key */
} beamc__group_link;

typedef struct {
    const uint8_t *bytes;
    size_t size;
} beamc__group_window;

typedef struct {
    uint32_t tag;
    uint32_t key; /* + 1; 0: free */
} beamc__group_slot;

/* Memory is kept from one use to the next.  Owner thread only. */
typedef struct {
    const beamc__shuffle_options *options;
    unsigned bits;   /* of the hashes that are the same for all keys, from the top */
    bool copies;     /* keys and windows are not there any more after a record */
    size_t limit;    /* of memory */
    size_t memory;   /* in arrays */
    beamc_arena *arena; /* owned */

    beamc__group_key *keys;
    size_t key_count, key_room;
    beamc__group_slot *slots; /* by hash, so that their order is about that of the hashes */
    unsigned slot_bits;

    beamc__group_pair *pairs;
    size_t pair_count, pair_room;
    beamc_timestamp *times; /* of pairs; if they matter */
    size_t time_room;
    beamc__group_link *links; /* of pairs; not in the global window */
    size_t link_room;
    uint32_t *pair_slots; /* + 1; by key and window */
    unsigned pair_slot_bits;

    beamc__group_window *windows;
    size_t window_count, window_room;
    uint32_t *window_slots; /* + 1 */
    unsigned window_slot_bits;

    /* The head of the records that are added: */
    uint64_t head_serial;
    beamc_timestamp time;
    uint32_t *now; /* its windows */
    size_t now_count, now_room;

    uint32_t *ids; /* the pair of each record and window, in order; not if copies */
    size_t id_count, id_room;
    size_t id_at; /* the next one to be placed */
    uint32_t *order; /* the groups: pairs */
    size_t order_count, order_room;
    uint32_t *merged; /* the pair that a pair became part of; only if windows merge */
    size_t merged_room;
    uint32_t *scratch;
    size_t scratch_room;
    uint8_t *values;
    size_t value_room;
} beamc__grouping;

/* Values larger than this are not copied. */
#define BEAMC__GROUP_INLINE 32

BEAMC_MUST_USE int beamc__grouping_init(beamc__grouping *grouping,
                                        const beamc__shuffle_options *options);
void beamc__grouping_dispose(beamc__grouping *grouping);

/* Forgets all groups.  The fields bits, copies and limit are set by the caller. */
void beamc__grouping_start(beamc__grouping *grouping);

/* All below answer BEAMC_OK, ENOMEM, ECORRUPT, or ELIMIT: it needs more memory than it may have. */

/* The first pass.  One segment (with slack, and kept unless copies). */
BEAMC_MUST_USE int beamc__grouping_add(beamc__grouping *grouping, const uint8_t *bytes,
                                       size_t size);

/* Between the passes: merges windows, orders groups. */
BEAMC_MUST_USE int beamc__grouping_order(beamc__grouping *grouping);

/* The second pass: all segments again, in the same order. */
BEAMC_MUST_USE int beamc__grouping_place_start(beamc__grouping *grouping);
BEAMC_MUST_USE int beamc__grouping_place(beamc__grouping *grouping, const uint8_t *bytes,
                                         size_t size);

/* After ordering, for walks of one's own: the pairs of a record that was added, one for each of its
 * windows, valid until the next call.  A head is read if its serial is another than the last. */
BEAMC_MUST_USE int beamc__grouping_find(beamc__grouping *grouping, const beamc__head *head,
                                        const beamc__record *record, const uint32_t **pairs,
                                        size_t *count);

/* Says that groups from @from of the order on will be asked for soon. */
void beamc__grouping_prefetch(const beamc__grouping *grouping, size_t from);

beamc_bytes beamc__grouping_key(const beamc__grouping *grouping, uint32_t pair);
beamc__group_window beamc__grouping_window(const beamc__grouping *grouping, uint32_t pair);
/* The timestamp of the group. */
beamc_timestamp beamc__grouping_timestamp(const beamc__grouping *grouping, uint32_t pair);

#endif
