/* SPDX-License-Identifier: Apache-2.0 */
/* The table: entries in the order they came, and slots of an open-addressing hash with their
 * numbers.
 *
 *     slots    [ 0 | 2 | 0 | 0 | 1 | 0 | 3 | 0 ]      number of the entry plus one; 0: free
 *     entries  [ first, second, third ]
 */
#include "table.h"
#include "hash.h"
#include <stdlib.h>
#include <string.h>

enum { SLOTS_MIN = 16 };

typedef struct {
    uint64_t hash;
    size_t size;
    char *key; /* owned, ends in NUL */
    void *value;
} entry;

struct beamc__table {
    entry *entries;
    size_t count;
    size_t capacity; /* of entries: half of the slots */
    size_t *slots;
    size_t mask; /* slots - 1; 0: none yet */
};

beamc__table *beamc__table_new(void)
{
    return calloc(1, sizeof(beamc__table));
}

void beamc__table_free(beamc__table *table)
{
    if (table == NULL)
        return;
    for (size_t i = 0; i < table->count; i++)
        free(table->entries[i].key);
    free(table->entries);
    free(table->slots);
    free(table);
}

/* The slot of the key: its own, or the free one where it would go.  There are slots. */
static size_t *find_slot(const beamc__table *table, uint64_t hash, const void *key, size_t size)
{
    for (size_t at = (size_t)hash & table->mask;; at = (at + 1) & table->mask) {
        size_t *slot = &table->slots[at];
        if (*slot == 0)
            return slot;
        const entry *found = &table->entries[*slot - 1];
        if (found->hash == hash && found->size == size &&
            (size == 0 || memcmp(found->key, key, size) == 0))
            return slot;
    }
}

static const entry *find(const beamc__table *table, const void *key, size_t size)
{
    if (table->count == 0)
        return NULL;
    size_t number = *find_slot(table, beamc__hash(key, size), key, size);
    return number == 0 ? NULL : &table->entries[number - 1];
}

void *beamc__table_get(const beamc__table *table, const void *key, size_t size)
{
    const entry *found = find(table, key, size);
    return found == NULL ? NULL : found->value;
}

void *beamc__table_gets(const beamc__table *table, const char *key)
{
    return beamc__table_get(table, key, strlen(key));
}

/* Doubles the room.  Where one of both allocations fails the table is as it was. */
static int grow(beamc__table *table)
{
    size_t slot_count = table->mask == 0 ? SLOTS_MIN : 2 * (table->mask + 1);
    entry *entries = reallocarray(table->entries, slot_count / 2, sizeof(*entries));
    if (entries == NULL)
        return BEAMC_ENOMEM;
    table->entries = entries;
    size_t *slots = calloc(slot_count, sizeof(*slots));
    if (slots == NULL)
        return BEAMC_ENOMEM;

    free(table->slots);
    table->slots = slots;
    table->mask = slot_count - 1;
    table->capacity = slot_count / 2;
    for (size_t i = 0; i < table->count; i++) {
        size_t at = (size_t)entries[i].hash & table->mask;
        while (slots[at] != 0)
            at = (at + 1) & table->mask;
        slots[at] = i + 1;
    }
    return BEAMC_OK;
}

int beamc__table_put(beamc__table *table, const void *key, size_t size, void *value)
{
    uint64_t hash = beamc__hash(key, size);

    if (table->mask != 0) {
        size_t number = *find_slot(table, hash, key, size);
        if (number != 0) {
            table->entries[number - 1].value = value;
            return BEAMC_OK;
        }
    }
    if (table->count == table->capacity) {
        int rc = grow(table);
        if (rc < 0)
            return rc;
    }
    char *copy = size == SIZE_MAX ? NULL : malloc(size + 1);
    if (copy == NULL)
        return BEAMC_ENOMEM;
    if (size > 0)
        memcpy(copy, key, size);
    copy[size] = '\0';
    *find_slot(table, hash, key, size) = table->count + 1;
    table->entries[table->count++] = (entry){ hash, size, copy, value };
    return BEAMC_OK;
}

int beamc__table_puts(beamc__table *table, const char *key, void *value)
{
    return beamc__table_put(table, key, strlen(key), value);
}

size_t beamc__table_count(const beamc__table *table)
{
    return table->count;
}

const char *beamc__table_key(const beamc__table *table, size_t index)
{
    return table->entries[index].key;
}

void *beamc__table_value(const beamc__table *table, size_t index)
{
    return table->entries[index].value;
}
