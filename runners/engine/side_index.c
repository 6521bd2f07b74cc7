/* SPDX-License-Identifier: Apache-2.0 */
#include "runners/engine/side_index.h"

#include "sdk/base/table.h"
#include "sdk/coders/varint.h"
#include <stdlib.h>

/* Where the values of an entry lie. */
typedef struct {
    size_t start;
    size_t size;
} span;

struct beamc__side_index {
    beamc__store *store;
    size_t booked;
    beamc__table *entries; /* varint size of the window | window | key -> span */
    beamc_buffer values;
};

static void entry_name(beamc_buffer *name, beamc_bytes window, beamc_bytes key)
{
    beamc_buffer_clear(name);
    if (beamc__varint_encode(window.size, name) < 0)
        return; /* sticks to the buffer */
    beamc_buffer_append(name, window.data, window.size);
    beamc_buffer_append(name, key.data, key.size);
}

static beamc_error *add_group(beamc__side_index *index, const beamc__group *group,
                              beamc_buffer *name)
{
    uintptr_t cursor[4] = { 0 };
    beamc_bytes value;
    beamc_error *error = NULL;
    span *at = malloc(sizeof(*at));

    if (at == NULL)
        return beamc_error_nomem();
    at->start = index->values.size;
    group->ops->start(group, cursor);
    while ((error = group->ops->next(group, cursor, &value)) == NULL && value.data != NULL)
        beamc_buffer_append(&index->values, value.data, value.size);
    if (group->ops->end != NULL)
        group->ops->end(group, cursor);
    at->size = index->values.size - at->start;
    entry_name(name, (beamc_bytes){ group->info.windows, group->info.windows_size }, group->key);
    if (error == NULL && (beamc_buffer_failed(&index->values) || beamc_buffer_failed(name) ||
                          beamc__table_put(index->entries, name->data, name->size, at) < 0))
        error = beamc_error_nomem();
    if (error != NULL)
        free(at);
    return error;
}

static beamc_error *add_part(beamc__side_index *index, const beamc__shuffle *shuffle, size_t part,
                             beamc_buffer *name)
{
    beamc__shuffle_reader *reader;
    beamc__group group;
    bool got = true;

    BEAMC_TRY(beamc__shuffle_reader_new(&reader, shuffle, part));
    beamc_error *error = NULL;
    while (error == NULL && got) {
        error = beamc__shuffle_next(reader, &group, &got);
        if (error == NULL && got)
            error = add_group(index, &group, name);
    }
    beamc__shuffle_reader_free(reader);
    return error;
}

beamc_error *beamc__side_index_new(beamc__side_index **out, beamc__store *store,
                                   const beamc__shuffle *shuffle)
{
    beamc__side_index *index = calloc(1, sizeof(*index));
    beamc_error *error = NULL;
    beamc_buffer name;

    *out = NULL;
    if (index == NULL)
        return beamc_error_nomem();
    beamc_buffer_init(&name);
    index->store = store;
    index->entries = beamc__table_new();
    if (index->entries == NULL)
        error = beamc_error_nomem();
    for (size_t i = 0; error == NULL && i < beamc__shuffle_part_count(shuffle); i++)
        error = add_part(index, shuffle, i, &name);
    beamc_buffer_dispose(&name);
    if (error != NULL) {
        beamc__side_index_free(index);
        return error;
    }
    index->booked = index->values.capacity;
    beamc__store_force(store, index->booked);
    *out = index;
    return NULL;
}

void beamc__side_index_free(beamc__side_index *index)
{
    if (index == NULL)
        return;
    for (size_t i = 0; index->entries != NULL && i < beamc__table_count(index->entries); i++)
        free(beamc__table_value(index->entries, i));
    beamc__table_free(index->entries);
    beamc__store_give(index->store, index->booked);
    beamc_buffer_dispose(&index->values);
    free(index);
}

/* Names longer than this are looked up through memory of their own. */
#define NAME_SMALL 256

beamc_bytes beamc__side_index_get(const beamc__side_index *index, beamc_bytes window,
                                  beamc_bytes key)
{
    uint8_t small[NAME_SMALL];
    beamc_buffer name = { small, 0, sizeof(small), false };
    beamc_bytes none = { NULL, 0 };
    beamc_buffer large;

    beamc_buffer_init(&large);
    bool fits = BEAMC__VARINT_MAX + window.size + key.size <= sizeof(small);
    entry_name(fits ? &name : &large, window, key);
    const beamc_buffer *used = fits ? &name : &large;
    const span *at = used->failed ? NULL
                                  : beamc__table_get(index->entries, used->data, used->size);
    beamc_buffer_dispose(&large);
    if (at == NULL)
        return none;
    return (beamc_bytes){ index->values.data + at->start, at->size };
}
