/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/exec/combine_table.h"

#include "sdk/base/hash.h"
#include <stdlib.h>

#define CAPACITY_FIRST 1024
#define HEAD_SIZE offsetof(beamc__slot, accumulator)

_Static_assert(sizeof(beamc__slot) == 32 && HEAD_SIZE == 24, "two slots in a cache line");

static beamc__slot *slots_new(size_t capacity)
{
    beamc__slot *slots = aligned_alloc(64, capacity * sizeof(*slots));
    if (slots != NULL)
        memset(slots, 0, capacity * sizeof(*slots));
    return slots;
}

int beamc__combine_table_init(beamc__combine_table *table)
{
    memset(table, 0, sizeof(*table));
    table->slots = slots_new(CAPACITY_FIRST);
    table->arena = beamc_arena_new();
    if (table->slots == NULL || table->arena == NULL) {
        beamc__combine_table_dispose(table);
        return BEAMC_ENOMEM;
    }
    table->capacity = CAPACITY_FIRST;
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

static void set_long_key(beamc__slot *slot, const beamc__long_key *key)
{
    memcpy(slot->key + 7, &key, sizeof(key));
}

static const beamc__long_key *long_key(const beamc__slot *slot)
{
    const beamc__long_key *key;
    memcpy(&key, slot->key + 7, sizeof(key));
    return key;
}

void beamc__slot_prepare(beamc__slot *slot, uint32_t window, const void *key, size_t size)
{
    uint64_t hash = beamc__hash(key, size) + window * UINT64_C(0x9e3779b97f4a7c15);

    slot->hash = (uint32_t)(hash ^ hash >> 32);
    slot->window = window;
    memset(slot->key, 0, sizeof(slot->key));
    if (BEAMC_LIKELY(size <= BEAMC__KEY_INLINE)) {
        slot->size = (uint8_t)(size + 1);
        memcpy(slot->key, key, size);
        return;
    }
    /* Until it is in the table: the bytes themselves, and how many (cut to 7 bytes of size). */
    slot->size = BEAMC__KEY_LONG;
    memcpy(slot->key, &size, 7);
    memcpy(slot->key + 7, &key, sizeof(key));
}

static inline bool same_head(const beamc__slot *a, const beamc__slot *b)
{
    uint64_t x[3];
    uint64_t y[3];

    memcpy(x, a, HEAD_SIZE);
    memcpy(y, b, HEAD_SIZE);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2])) == 0;
}

static size_t prepared_size(const beamc__slot *like)
{
    size_t size = 0;
    memcpy(&size, like->key, 7);
    return size;
}

static const uint8_t *prepared_bytes(const beamc__slot *like)
{
    const uint8_t *bytes;
    memcpy(&bytes, like->key + 7, sizeof(bytes));
    return bytes;
}

static bool same_long(const beamc__slot *slot, const beamc__slot *like)
{
    if (slot->size != BEAMC__KEY_LONG || slot->hash != like->hash || slot->window != like->window)
        return false;
    const beamc__long_key *key = long_key(slot);
    return key->size == prepared_size(like) && memcmp(key->bytes, prepared_bytes(like), key->size) == 0;
}

static bool grow(beamc__combine_table *table)
{
    size_t capacity = table->capacity * 4;
    beamc__slot *slots = slots_new(capacity);

    if (slots == NULL)
        return false;
    for (size_t i = 0; i < table->capacity; i++) {
        if (table->slots[i].size == 0)
            continue;
        size_t at = table->slots[i].hash & (capacity - 1);
        while (slots[at].size != 0)
            at = (at + 1) & (capacity - 1);
        slots[at] = table->slots[i];
    }
    free(table->slots);
    table->slots = slots;
    table->capacity = capacity;
    return true;
}

static bool keep_long_key(beamc__combine_table *table, beamc__slot *slot, const beamc__slot *like)
{
    size_t size = prepared_size(like);

    if (size > UINT32_MAX)
        return false;
    beamc__long_key *key = beamc_arena_alloc(table->arena, sizeof(*key) + size);
    if (key == NULL)
        return false;
    key->size = (uint32_t)size;
    memcpy(key->bytes, prepared_bytes(like), size);
    memset(slot->key, 0, sizeof(slot->key));
    set_long_key(slot, key);
    return true;
}

beamc__slot *beamc__combine_table_find(beamc__combine_table *table, const beamc__slot *like,
                                       bool *is_new)
{
    bool is_long = like->size == BEAMC__KEY_LONG;
    size_t mask = table->capacity - 1;
    size_t at = like->hash & mask;

    *is_new = false;
    for (; table->slots[at].size != 0; at = (at + 1) & mask) {
        beamc__slot *slot = &table->slots[at];
        if (BEAMC_LIKELY(!is_long) ? same_head(slot, like) : same_long(slot, like))
            return slot;
    }
    if (BEAMC_UNLIKELY(2 * table->count >= table->capacity)) {
        if (!grow(table))
            return NULL;
        return beamc__combine_table_find(table, like, is_new);
    }
    beamc__slot *slot = &table->slots[at];
    memcpy(slot, like, HEAD_SIZE);
    if (is_long && !keep_long_key(table, slot, like)) {
        memset(slot, 0, sizeof(*slot));
        return NULL;
    }
    slot->accumulator.small = 0;
    table->count++;
    *is_new = true;
    return slot;
}

const uint8_t *beamc__slot_key(const beamc__slot *slot, size_t *size)
{
    if (slot->size != BEAMC__KEY_LONG) {
        *size = slot->size - 1u;
        return slot->key;
    }
    const beamc__long_key *key = long_key(slot);
    *size = key->size;
    return key->bytes;
}
