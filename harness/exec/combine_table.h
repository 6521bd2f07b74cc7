/* SPDX-License-Identifier: Apache-2.0 */
/* The table behind combine lifting: from window and key to an accumulator, open addressing.
 *
 *     slot, 32 bytes:  hash 4 | window 4 | size+1 1 | key 15 | accumulator 8
 *
 * Keys of up to 15 bytes and accumulators of up to 8 lie in the slot, so that finding and adding
 * touches one cache line; what is larger lies in the arena.  A hash names a pair of slots, which
 * share a line and are both compared, three words each, before any branch.
 * Keys are raw bytes: of text its bytes, of int64 its 8, of all other types their encoding. */
#ifndef BEAMC_EXEC_COMBINE_TABLE_H
#define BEAMC_EXEC_COMBINE_TABLE_H

#include "sdk/base/hash.h"
#include <beamc/arena.h>

#define BEAMC__CAPACITY_FIRST 1024 /* slots */
#define BEAMC__KEY_INLINE 15
#define BEAMC__KEY_LONG 0xffu /* in place of size+1: the key's bytes are elsewhere */

typedef union {
    struct {
        uint64_t place; /* hash, and window << 32: its number with the table's user */
        uint64_t key[2]; /* the first byte is the size plus 1; 0: the slot is free */
        uint8_t accumulator[8];
    };
    uint8_t bytes[32];
} beamc__slot;

typedef struct {
    beamc__slot *slots; /* owned */
    size_t capacity;    /* a power of 2 */
    size_t count;
    beamc_arena *arena; /* owned: long keys, and whatever the user puts there */
} beamc__combine_table;

BEAMC_MUST_USE int beamc__combine_table_init(beamc__combine_table *table);
void beamc__combine_table_dispose(beamc__combine_table *table);

/* Forgets everything, but keeps its slots. */
void beamc__combine_table_clear(beamc__combine_table *table);
/* Gives the slots back, too; it must have been cleared.  Where slots lie then depends on nothing that
 * was in the table before. */
BEAMC_MUST_USE int beamc__combine_table_shrink(beamc__combine_table *table);

/* Four fifths full at most: a smaller table misses the caches less than it probes more. */
static inline bool beamc__combine_table_fits(size_t count, size_t capacity)
{
    return 5 * count <= 4 * capacity;
}

/* Bytes that a table needs for what this one holds and @more keys (2 or more), as far as these lie in
 * their slots.  It may have grown larger for what was in it before. */
static inline size_t beamc__combine_table_bytes(const beamc__combine_table *table, size_t more)
{
    size_t count = table->count + more;
    size_t capacity = (size_t)2 << (63 - __builtin_clzll(count - 1)); /* the next power of 2 */

    if (!beamc__combine_table_fits(count, capacity))
        capacity *= 2;
    if (capacity < BEAMC__CAPACITY_FIRST)
        capacity = BEAMC__CAPACITY_FIRST;
    return capacity * sizeof(beamc__slot) + beamc_arena_used(table->arena);
}

static inline bool beamc__slot_is_free(const beamc__slot *slot)
{
    return (slot->key[0] & 0xff) == 0;
}

static inline bool beamc__slot_is_long(const beamc__slot *slot)
{
    return (slot->key[0] & 0xff) == BEAMC__KEY_LONG;
}

static inline uint32_t beamc__slot_window(const beamc__slot *slot)
{
    return (uint32_t)(slot->place >> 32);
}

/* ---- preparing a slot's head: what finds it; the accumulator is left alone ---------------------- */

/* From the two words of a short key. */
static inline void beamc__slot_prepare_words(beamc__slot *slot, uint32_t window, uint64_t first,
                                             uint64_t second)
{
    const uint64_t k0 = UINT64_C(0x9e3779b97f4a7c15);
    const uint64_t k1 = UINT64_C(0xd6e8feb86659fd93);
    uint64_t hash = beamc__hash_mix(first ^ k0, second ^ k1 ^ (uint64_t)window << 24);

    slot->place = (hash & UINT32_MAX) | (uint64_t)window << 32;
    slot->key[0] = first;
    slot->key[1] = second;
}

/* The two words of a key of up to 15 bytes: size plus 1, bytes, zeros. */
static inline void beamc__key_words(const uint8_t *key, size_t size, uint64_t *first,
                                    uint64_t *second)
{
    uint64_t low = 0;
    uint64_t high = 0;

    if (size >= 8) {
        low = beamc__load64(key);
        high = beamc__load64(key + size - 8) >> 1 >> (8 * (16 - size) - 1);
    } else if (size >= 4) {
        low = beamc__load32(key) | beamc__load32(key + size - 4) << (8 * (size - 4));
    } else if (size > 0) {
        size_t middle = size >> 1;
        low = (uint64_t)key[0] | (uint64_t)key[middle] << (8 * middle) |
              (uint64_t)key[size - 1] << (8 * (size - 1));
    }
    *first = (size + 1) | low << 8;
    *second = low >> 56 | high << 8;
}

/* Any key.  A long one's bytes are borrowed until it is found or added. */
void beamc__slot_prepare(beamc__slot *slot, uint32_t window, const void *key, size_t size);

/* ---- finding ----------------------------------------------------------------------------------- */

/* The pair of slots where a search begins. */
static inline beamc__slot *beamc__combine_table_home(const beamc__combine_table *table,
                                                     const beamc__slot *like)
{
    return &table->slots[like->place & (table->capacity - 2)];
}

static inline void beamc__combine_table_prefetch(const beamc__combine_table *table,
                                                 const beamc__slot *like)
{
    __builtin_prefetch(beamc__combine_table_home(table, like), 1);
}

/* 0: the heads are the same. */
static inline uint64_t beamc__slot_differs(const beamc__slot *a, const beamc__slot *b)
{
    return (a->place ^ b->place) | (a->key[0] ^ b->key[0]) | (a->key[1] ^ b->key[1]);
}

/* As below, after the first slots were looked at. */
beamc__slot *beamc__combine_table_find_slow(beamc__combine_table *table, const beamc__slot *like,
                                            bool *is_new);

/* The slot for @like, new if *is_new: then its accumulator is zero.  NULL: no memory.  The slot moves
 * at the next call. */
static inline beamc__slot *beamc__combine_table_find(beamc__combine_table *table,
                                                     const beamc__slot *like, bool *is_new)
{
    beamc__slot *home = beamc__combine_table_home(table, like);
    uint64_t first = beamc__slot_differs(home, like);
    uint64_t second = beamc__slot_differs(home + 1, like);

    *is_new = false;
    if (BEAMC_LIKELY((first == 0) | (second == 0)) && !beamc__slot_is_long(like))
        return home + (second == 0);
    return beamc__combine_table_find_slow(table, like, is_new);
}

/* The key of a slot, borrowed. */
const uint8_t *beamc__slot_key(const beamc__slot *slot, size_t *size);

#endif
