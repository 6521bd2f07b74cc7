/* SPDX-License-Identifier: Apache-2.0 */
/* The table behind combine lifting: from window and key to an accumulator, open addressing.
 *
 *     slot, 32 bytes:  hash 4 | window 4 | size+1 1 | key 15 | accumulator 8
 *
 * Keys of up to 15 bytes and accumulators of up to 8 lie in the slot, so that finding and adding
 * touches one cache line; what is larger lies in the arena.  Look-ups are put off in small batches
 * and their slots fetched ahead.  Keys are raw bytes: of text its bytes, of int64 its 8, of all other
 * types their encoding. */
#ifndef BEAMC_EXEC_COMBINE_TABLE_H
#define BEAMC_EXEC_COMBINE_TABLE_H

#include <beamc/arena.h>
#include <stdalign.h>

#define BEAMC__KEY_INLINE 15
#define BEAMC__KEY_LONG 0xff /* in `size`: the key's bytes are elsewhere */

typedef struct {
    uint32_t hash;
    uint32_t window; /* its number with the table's user */
    uint8_t size;    /* of the key plus 1; 0: the slot is free */
    uint8_t key[BEAMC__KEY_INLINE];
    union {
        uint64_t small;
        void *large;
        alignas(8) uint8_t bytes[8];
    } accumulator;
} beamc__slot;

typedef struct {
    uint32_t size;
    uint8_t bytes[];
} beamc__long_key;

typedef struct {
    beamc__slot *slots; /* owned */
    size_t capacity;    /* a power of 2 */
    size_t count;
    beamc_arena *arena; /* owned: long keys, and whatever the user puts there */
} beamc__combine_table;

BEAMC_MUST_USE int beamc__combine_table_init(beamc__combine_table *table);
void beamc__combine_table_dispose(beamc__combine_table *table);

/* Forgets everything. */
void beamc__combine_table_clear(beamc__combine_table *table);

/* Bytes it holds. */
static inline size_t beamc__combine_table_bytes(const beamc__combine_table *table)
{
    return table->capacity * sizeof(beamc__slot) + beamc_arena_used(table->arena);
}

/* Fills the part of a slot that finds it; accumulator is left alone.  A long key's bytes are
 * borrowed until it is found or added. */
void beamc__slot_prepare(beamc__slot *slot, uint32_t window, const void *key, size_t size);

static inline void beamc__combine_table_prefetch(const beamc__combine_table *table,
                                                 const beamc__slot *like)
{
    __builtin_prefetch(&table->slots[like->hash & (table->capacity - 1)], 1);
}

/* The slot for @like, new if *is_new: then its accumulator is zero.  NULL: no memory.  The slot moves
 * at the next call. */
beamc__slot *beamc__combine_table_find(beamc__combine_table *table, const beamc__slot *like,
                                       bool *is_new);

/* The key of a slot, borrowed. */
const uint8_t *beamc__slot_key(const beamc__slot *slot, size_t *size);

#endif
