/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/exec/combine_table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Where slots take so much, fewer and larger pages pay: look-ups are all over them. */
#define HUGE_SLOTS ((size_t)8 << 20)

/* A long key in the arena.  In a slot: 0xff, and its address as the second word; in one that is only
 * prepared, the size above the 0xff and the bytes' address. */
typedef struct {
    size_t size;
    uint8_t bytes[];
} long_key;

_Static_assert(sizeof(beamc__slot) == 32, "two slots in a cache line");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a key's first byte is a word's lowest");

/* ---- memory ---------------------------------------------------------------------------------- */

static size_t slots_bytes(size_t capacity)
{
    return (capacity / 2 + 1) * sizeof(beamc__slot);
}

/* Slots are mapped: their pages are moved, not copied, when they become more, they begin where a
 * cache line does, and those not used yet take no memory.  @capacity: of the index. */
static beamc__slot *slots_new(size_t capacity)
{
    void *slots = mmap(NULL, slots_bytes(capacity), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return slots == MAP_FAILED ? NULL : slots;
}

static void slots_free(beamc__slot *slots, size_t capacity)
{
    if (slots != NULL)
        munmap(slots, slots_bytes(capacity));
}

static bool slots_grow(beamc__combine_table *table, size_t capacity)
{
    void *slots = mremap(table->slots, slots_bytes(table->capacity), slots_bytes(capacity),
                         MREMAP_MAYMOVE);

    if (slots == MAP_FAILED)
        return false;
    table->slots = slots;
    /* A hint: where it is not taken nothing is wrong. */
    if (slots_bytes(capacity) >= HUGE_SLOTS)
        (void)madvise(slots, slots_bytes(capacity), MADV_HUGEPAGE);
    return true;
}

int beamc__combine_table_init(beamc__combine_table *table)
{
    memset(table, 0, sizeof(*table));
    table->capacity = BEAMC__CAPACITY_FIRST;
    table->index = calloc(table->capacity, sizeof(*table->index));
    table->slots = slots_new(table->capacity);
    table->arena = beamc_arena_new();
    if (table->index == NULL || table->slots == NULL || table->arena == NULL) {
        beamc__combine_table_dispose(table);
        return BEAMC_ENOMEM;
    }
    return BEAMC_OK;
}

void beamc__combine_table_dispose(beamc__combine_table *table)
{
    slots_free(table->slots, table->capacity);
    free(table->index);
    beamc_arena_free(table->arena);
    memset(table, 0, sizeof(*table));
}

void beamc__combine_table_clear(beamc__combine_table *table)
{
    if (table->count > 0)
        memset(table->index, 0, table->capacity * sizeof(*table->index));
    table->count = 0;
    beamc_arena_reset(table->arena);
}

size_t beamc__combine_table_bytes(const beamc__combine_table *table, size_t more)
{
    size_t count = table->count + more;
    size_t capacity = (size_t)4 << (63 - __builtin_clzll(count - 1)); /* twice the next power of 2 */

    if (count > BEAMC__SLOT_NUMBER)
        return SIZE_MAX;
    if (capacity < BEAMC__CAPACITY_FIRST)
        capacity = BEAMC__CAPACITY_FIRST;
    return capacity * sizeof(*table->index) + slots_bytes(capacity) +
           beamc_arena_used(table->arena);
}

/* Makes the index, and the slots, twice as large. */
static bool grow(beamc__combine_table *table)
{
    size_t capacity = table->capacity * 2;

    if (table->count >= BEAMC__SLOT_NUMBER)
        return false;
    uint32_t *index = calloc(capacity, sizeof(*index));
    if (index == NULL || !slots_grow(table, capacity)) {
        free(index);
        return false;
    }
    for (size_t number = 1; number <= table->count; number++) {
        uint32_t hash = (uint32_t)table->slots[number].place;
        size_t at = hash & (capacity - 1);
        while (index[at] != 0)
            at = (at + 1) & (capacity - 1);
        index[at] = (hash & ~BEAMC__SLOT_NUMBER) | (uint32_t)number;
    }
    free(table->index);
    table->index = index;
    table->capacity = capacity;
    return true;
}

/* ---- keys ------------------------------------------------------------------------------------ */

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
    uint32_t hash = (uint32_t)like->place;
    size_t mask = table->capacity - 1;
    size_t at = hash & mask;

    *is_new = false;
    for (uint32_t entry; (entry = table->index[at]) != 0; at = (at + 1) & mask) {
        beamc__slot *slot = &table->slots[entry & BEAMC__SLOT_NUMBER];
        if (((entry ^ hash) & ~BEAMC__SLOT_NUMBER) == 0 && same(slot, like))
            return slot;
    }
    if (BEAMC_UNLIKELY(!beamc__combine_table_fits(table->count + 1, table->capacity)))
        return grow(table) ? beamc__combine_table_find_slow(table, like, is_new) : NULL;
    beamc__slot *slot = &table->slots[table->count + 1];
    slot->place = like->place;
    slot->key[0] = like->key[0];
    slot->key[1] = like->key[1];
    memset(slot->accumulator, 0, sizeof(slot->accumulator));
    if (beamc__slot_is_long(like) && !keep_long_key(table, slot))
        return NULL;
    table->index[at] = (hash & ~BEAMC__SLOT_NUMBER) | (uint32_t)++table->count;
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
