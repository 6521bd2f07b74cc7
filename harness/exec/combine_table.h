/* SPDX-License-Identifier: Apache-2.0 */
/* The table behind combine lifting: from window and key to an accumulator.
 *
 *     index   [ ][3][ ][ ][1][ ][2][ ]     by hash, open addressing; 4 bytes each, half full at most
 *     slots   [-][1][2][3]                 32 bytes each, in the order in which the keys came
 *
 *     slot    hash 4 | window 4 | size+1 1 | key 15 | accumulator 8
 *
 * What is frequent comes early, and so lies close together: the slots of the frequent keys share
 * cache lines with each other, and no memory is spent on slots that are free.  The index is small
 * enough to be kept rather empty, so that most searches end where they begin.
 *
 * Keys of up to 15 bytes and accumulators of up to 8 lie in the slot; what is larger lies in the
 * arena.  Keys are raw bytes: of text its bytes, of int64 its 8, of all other types their encoding. */
#ifndef BEAMC_EXEC_COMBINE_TABLE_H
#define BEAMC_EXEC_COMBINE_TABLE_H

#include "sdk/base/hash.h"
#include <beamc/arena.h>

#define BEAMC__CAPACITY_FIRST 1024 /* of the index */
#define BEAMC__KEY_INLINE 15
#define BEAMC__KEY_LONG 0xffu /* in place of size+1: the key's bytes are elsewhere */

/* An entry of the index: the number of a slot, and above it the first bits of its hash. */
#define BEAMC__SLOT_NUMBER 0xffffffu

typedef union {
    struct {
        uint64_t place; /* hash, and window << 32: its number with the table's user */
        uint64_t key[2]; /* the first byte is the size plus 1 */
        uint8_t accumulator[8];
    };
    uint8_t bytes[32];
} beamc__slot;

typedef struct {
    uint32_t *index;    /* owned; 0: free */
    size_t capacity;    /* of the index, a power of 2; the slots are half as many */
    beamc__slot *slots; /* owned, mapped; 1 to count: number 0 is like no key */
    size_t count;
    beamc_arena *arena; /* owned: long keys, and whatever the user puts there */
} beamc__combine_table;

BEAMC_MUST_USE int beamc__combine_table_init(beamc__combine_table *table);
void beamc__combine_table_dispose(beamc__combine_table *table);

/* Forgets everything, but keeps its memory. */
void beamc__combine_table_clear(beamc__combine_table *table);

static inline bool beamc__combine_table_fits(size_t count, size_t capacity)
{
    return 2 * count <= capacity && count <= BEAMC__SLOT_NUMBER;
}

/* Bytes that a table needs for what this one holds and @more keys (2 or more), as far as these lie in
 * their slots; SIZE_MAX: it cannot hold so many.  It may have grown larger for what was in it before. */
size_t beamc__combine_table_bytes(const beamc__combine_table *table, size_t more);

static inline bool beamc__slot_is_long(const beamc__slot *slot)
{
    return (slot->key[0] & 0xff) == BEAMC__KEY_LONG;
}

static inline uint32_t beamc__slot_window(const beamc__slot *slot)
{
    return (uint32_t)(slot->place >> 32);
}

/* ---- preparing a slot's head: what finds it; the accumulator is left alone ---------------------- */

static inline uint32_t beamc__slot_hash(uint32_t window, uint64_t first, uint64_t second)
{
    const uint64_t k0 = UINT64_C(0x9e3779b97f4a7c15);
    const uint64_t k1 = UINT64_C(0xd6e8feb86659fd93);
    return (uint32_t)beamc__hash_mix(first ^ k0, second ^ k1 ^ (uint64_t)window << 24);
}

/* From the two words of a short key. */
static inline void beamc__slot_prepare_words(beamc__slot *slot, uint32_t window, uint64_t first,
                                             uint64_t second)
{
    slot->place = beamc__slot_hash(window, first, second) | (uint64_t)window << 32;
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

/* Fetches what the next call needs; that one what a search for @like needs. */
static inline void beamc__combine_table_prefetch(const beamc__combine_table *table,
                                                 const beamc__slot *like)
{
    __builtin_prefetch(&table->index[(uint32_t)like->place & (table->capacity - 1)]);
}

/* The slot where a search begins; mostly it ends there, too. */
static inline beamc__slot *beamc__combine_table_first(const beamc__combine_table *table,
                                                      const beamc__slot *like)
{
    uint32_t entry = table->index[(uint32_t)like->place & (table->capacity - 1)];
    return &table->slots[entry & BEAMC__SLOT_NUMBER];
}

static inline void beamc__combine_table_prefetch_slot(const beamc__combine_table *table,
                                                      const beamc__slot *like)
{
    __builtin_prefetch(beamc__combine_table_first(table, like), 1);
}

/* 0: the heads are the same.  Word by word: the accumulator behind them was most likely just written,
 * and a load that covers it would have to wait for that. */
static inline uint64_t beamc__slot_differs(const beamc__slot *a, const beamc__slot *b)
{
    return (a->place ^ b->place) | (a->key[0] ^ b->key[0]) | (a->key[1] ^ b->key[1]);
}

/* As below, after the first slot was looked at. */
beamc__slot *beamc__combine_table_find_slow(beamc__combine_table *table, const beamc__slot *like,
                                            bool *is_new);

/* The slot for @like, new if *is_new: then its accumulator is zero.  NULL: no memory.  Slots move at
 * the next call. */
static inline beamc__slot *beamc__combine_table_find(beamc__combine_table *table,
                                                     const beamc__slot *like, bool *is_new)
{
    beamc__slot *first = beamc__combine_table_first(table, like);

    *is_new = false;
    if (BEAMC_LIKELY(beamc__slot_differs(first, like) == 0) && !beamc__slot_is_long(like))
        return first;
    return beamc__combine_table_find_slow(table, like, is_new);
}

/* The key of a slot, borrowed. */
const uint8_t *beamc__slot_key(const beamc__slot *slot, size_t *size);

#endif
