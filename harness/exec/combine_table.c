/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/exec/combine_table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

/* A long key in the arena.  In a slot: 0xff, and its address as the second word; in one that is only
 * prepared, the size above the 0xff and the bytes' address. */
typedef struct {
    size_t size;
    uint8_t bytes[];
} long_key;

_Static_assert(sizeof(beamc__slot) == 32, "two slots in a cache line");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a key's first byte is a word's lowest");

static beamc__slot *slots_new(size_t capacity)
{
    size_t bytes = capacity * sizeof(beamc__slot);
    beamc__slot *slots = aligned_alloc(bytes < HUGE_PAGE ? 64 : HUGE_PAGE, bytes);

    if (slots == NULL)
        return NULL;
    /* Look-ups are all over it: fewer pages, fewer misses of their translations.  A hint: where it is
     * not taken nothing is wrong. */
    if (bytes >= HUGE_PAGE)
        (void)madvise(slots, bytes, MADV_HUGEPAGE);
    memset(slots, 0, bytes);
    return slots;
}

int beamc__combine_table_init(beamc__combine_table *table)
{
    memset(table, 0, sizeof(*table));
    table->slots = slots_new(BEAMC__CAPACITY_FIRST);
    table->arena = beamc_arena_new();
    if (table->slots == NULL || table->arena == NULL) {
        beamc__combine_table_dispose(table);
        return BEAMC_ENOMEM;
    }
    table->capacity = BEAMC__CAPACITY_FIRST;
    return BEAMC_OK;
}

void beamc__combine_table_dispose(beamc__combine_table *table)
{
    free(table->slots);
    beamc_arena_free(table->arena);
    memset(table, 0, sizeof(*table));
}

void beamc__combine_table_clear(beamc__combine_table *table)
{
    if (table->count > 0)
        memset(table->slots, 0, table->capacity * sizeof(*table->slots));
    table->count = 0;
    beamc_arena_reset(table->arena);
}

int beamc__combine_table_shrink(beamc__combine_table *table)
{
    if (table->capacity == BEAMC__CAPACITY_FIRST)
        return BEAMC_OK;
    beamc__slot *slots = slots_new(BEAMC__CAPACITY_FIRST);
    if (slots == NULL)
        return BEAMC_ENOMEM;
    free(table->slots);
    table->slots = slots;
    table->capacity = BEAMC__CAPACITY_FIRST;
    return BEAMC_OK;
}

void beamc__slot_prepare(beamc__slot *slot, uint32_t window, const void *key, size_t size)
{
    uint64_t first;
    uint64_t second;

    if (BEAMC_LIKELY(size <= BEAMC__KEY_INLINE)) {
        beamc__key_words(key, size, &first, &second);
        beamc__slot_prepare_words(slot, window, first, second);
        return;
    }
    beamc__slot_prepare_words(slot, window, beamc__hash(key, size), size);
    slot->key[0] = BEAMC__KEY_LONG | (uint64_t)size << 8;
    slot->key[1] = (uint64_t)(uintptr_t)key;
}

static bool same_long(const beamc__slot *slot, const beamc__slot *like)
{
    if (!beamc__slot_is_long(slot) || slot->place != like->place)
        return false;
    const long_key *key = (const long_key *)(uintptr_t)slot->key[1];
    return key->size == like->key[0] >> 8 &&
           memcmp(key->bytes, (const void *)(uintptr_t)like->key[1], key->size) == 0;
}

static bool same(const beamc__slot *slot, const beamc__slot *like)
{
    if (beamc__slot_is_long(like))
        return same_long(slot, like);
    return beamc__slot_differs(slot, like) == 0;
}

static bool grow(beamc__combine_table *table)
{
    size_t capacity = table->capacity * 2;
    beamc__slot *slots = slots_new(capacity);

    if (slots == NULL)
        return false;
    for (size_t i = 0; i < table->capacity; i++) {
        if (beamc__slot_is_free(&table->slots[i]))
            continue;
        size_t at = table->slots[i].place & (capacity - 2);
        while (!beamc__slot_is_free(&slots[at]))
            at = (at + 1) & (capacity - 1);
        slots[at] = table->slots[i];
    }
    free(table->slots);
    table->slots = slots;
    table->capacity = capacity;
    return true;
}

static bool keep_long_key(beamc__combine_table *table, beamc__slot *slot)
{
    size_t size = (size_t)(slot->key[0] >> 8);
    long_key *key = beamc_arena_alloc(table->arena, sizeof(*key) + size);

    if (key == NULL)
        return false;
    key->size = size;
    memcpy(key->bytes, (const void *)(uintptr_t)slot->key[1], size);
    slot->key[0] = BEAMC__KEY_LONG;
    slot->key[1] = (uint64_t)(uintptr_t)key;
    return true;
}

beamc__slot *beamc__combine_table_find_slow(beamc__combine_table *table, const beamc__slot *like,
                                            bool *is_new)
{
    size_t mask = table->capacity - 1;
    size_t at = like->place & (mask - 1);

    *is_new = false;
    for (; !beamc__slot_is_free(&table->slots[at]); at = (at + 1) & mask) {
        if (same(&table->slots[at], like))
            return &table->slots[at];
    }
    if (BEAMC_UNLIKELY(!beamc__combine_table_fits(table->count + 1, table->capacity)))
        return grow(table) ? beamc__combine_table_find_slow(table, like, is_new) : NULL;
    beamc__slot *slot = &table->slots[at];
    slot->place = like->place;
    slot->key[0] = like->key[0];
    slot->key[1] = like->key[1];
    memset(slot->accumulator, 0, sizeof(slot->accumulator));
    if (beamc__slot_is_long(like) && !keep_long_key(table, slot)) {
        memset(slot, 0, sizeof(*slot));
        return NULL;
    }
    table->count++;
    *is_new = true;
    return slot;
}

const uint8_t *beamc__slot_key(const beamc__slot *slot, size_t *size)
{
    if (!beamc__slot_is_long(slot)) {
        *size = (slot->key[0] & 0xff) - 1;
        return slot->bytes + offsetof(beamc__slot, key) + 1;
    }
    const long_key *key = (const long_key *)(uintptr_t)slot->key[1];
    *size = key->size;
    return key->bytes;
}
