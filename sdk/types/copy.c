/* SPDX-License-Identifier: Apache-2.0 */
/* Deep copies, into an arena.  An iterable is copied as its encoding, which is smaller than its
 * values and can be walked as often. */
#include <beamc/type.h>

#include "sdk/coders/parts.h"
#include "sdk/types/layout.h"

static int copy_bytes(beamc_bytes *to, const beamc_bytes *from, beamc_arena *arena)
{
    uint8_t *data = beamc_arena_memdup(arena, from->data, from->size);
    if (data == NULL)
        return BEAMC_ENOMEM;
    to->data = data;
    to->size = from->size;
    return BEAMC_OK;
}

/* A copy of one value of @type on its own. */
static int copy_boxed(const beamc_type *type, const void **to, const void *from,
                      beamc_arena *arena)
{
    *to = NULL;
    if (from == NULL) /* a value that nobody set */
        return BEAMC_OK;
    void *copy = beamc_arena_alloc(arena, type->size);
    if (copy == NULL)
        return BEAMC_ENOMEM;
    *to = copy;
    return beamc_copy(type, copy, from, arena);
}

static int copy_iterable(const beamc_type *element, beamc_iterable *to, const beamc_iterable *from,
                         beamc_arena *arena)
{
    beamc_buffer buffer;
    if (from->ops == NULL) {
        *to = *from;
        return BEAMC_OK;
    }
    beamc_buffer_init(&buffer);
    int rc = beamc__iterable_encode(from, element, &buffer);
    if (rc == BEAMC_OK) {
        uint8_t *bytes = beamc_arena_memdup(arena, buffer.data, buffer.size);
        if (bytes == NULL)
            rc = BEAMC_ENOMEM;
        else
            *to = beamc__iterable_of_bytes(element, bytes, buffer.size);
    }
    beamc_buffer_dispose(&buffer);
    return rc;
}

static int copy_array(const beamc_type *type, beamc_array *to, const beamc_array *from,
                      beamc_arena *arena)
{
    bool map = type->kind == BEAMC_KIND_MAP;
    size_t step = map ? beamc__entry_size(type) : type->fields[0].type->size;
    size_t value_offset = map ? beamc_kv_value_offset(type) : 0;
    char *item = beamc_arena_calloc(arena, from->count, step);
    if (item == NULL)
        return BEAMC_ENOMEM;
    to->items = item;
    to->count = from->count;
    for (size_t i = 0; i < from->count; i++) {
        const char *source = (const char *)from->items + i * step;
        char *target = item + i * step;
        int rc = beamc_copy(type->fields[0].type, target, source, arena);
        if (rc == BEAMC_OK && map)
            rc = beamc_copy(type->fields[1].type, target + value_offset, source + value_offset,
                            arena);
        if (rc < 0)
            return rc;
    }
    return BEAMC_OK;
}

static int copy_row(const beamc_type *type, void *to, const void *from, beamc_arena *arena)
{
    size_t at = 0;
    for (size_t i = 0; i < type->field_count; i++) {
        const beamc_type *field = type->fields[i].type;
        size_t offset = beamc__next_offset(field, &at);
        int rc = beamc_copy(field, beamc__at_mutable(to, offset), beamc__at(from, offset), arena);
        if (rc < 0)
            return rc;
    }
    return BEAMC_OK;
}

static int copy_nullable(const beamc_type *type, void *to, const void *from, beamc_arena *arena)
{
    size_t offset = beamc__nullable_offset(type);
    memset(to, 0, type->size);
    if (!*(const bool *)from)
        return BEAMC_OK;
    *(bool *)to = true;
    return beamc_copy(type->fields[0].type, beamc__at_mutable(to, offset), beamc__at(from, offset),
                      arena);
}

static int copy_windowed_value(const beamc_type *type, beamc_windowed_value *to,
                               const beamc_windowed_value *from, beamc_arena *arena)
{
    *to = *from;
    int rc = copy_iterable(type->fields[1].type, &to->windows, &from->windows, arena);
    return rc < 0 ? rc : copy_boxed(type->fields[0].type, &to->value, from->value, arena);
}

static int copy_timer(const beamc_type *type, beamc_timer *to, const beamc_timer *from,
                      beamc_arena *arena)
{
    *to = *from;
    const beamc_bytes tag = { (const uint8_t *)from->tag.data, from->tag.size };
    beamc_bytes copied;
    int rc = copy_bytes(&copied, &tag, arena);
    if (rc < 0)
        return rc;
    to->tag.data = (const char *)copied.data;
    rc = copy_iterable(type->fields[1].type, &to->windows, &from->windows, arena);
    return rc < 0 ? rc : copy_boxed(type->fields[0].type, &to->key, from->key, arena);
}

static int copy_sharded_key(const beamc_type *type, beamc_sharded_key *to,
                            const beamc_sharded_key *from, beamc_arena *arena)
{
    int rc = copy_bytes(&to->shard, &from->shard, arena);
    return rc < 0 ? rc : copy_boxed(type->fields[0].type, &to->key, from->key, arena);
}

int beamc_copy(const beamc_type *type, void *to, const void *from, beamc_arena *arena)
{
    if (beamc__type_is_flat(type)) {
        if (type->size > 0)
            memcpy(to, from, type->size);
        return BEAMC_OK;
    }
    switch (type->kind) {
    case BEAMC_KIND_BYTES:
    case BEAMC_KIND_STRING:
        return copy_bytes(to, from, arena);
    case BEAMC_KIND_KV:
    case BEAMC_KIND_ROW:
    case BEAMC_KIND_LENGTH_PREFIX:
        return copy_row(type, to, from, arena);
    case BEAMC_KIND_ITERABLE:
    case BEAMC_KIND_STATE_BACKED_ITERABLE:
        return copy_iterable(type->fields[0].type, to, from, arena);
    case BEAMC_KIND_NULLABLE:
        return copy_nullable(type, to, from, arena);
    case BEAMC_KIND_ARRAY:
    case BEAMC_KIND_MAP:
        return copy_array(type, to, from, arena);
    case BEAMC_KIND_DECIMAL:
        ((beamc_decimal *)to)->scale = ((const beamc_decimal *)from)->scale;
        return copy_bytes(&((beamc_decimal *)to)->unscaled,
                          &((const beamc_decimal *)from)->unscaled, arena);
    case BEAMC_KIND_CUSTOM_WINDOW:
        ((beamc_custom_window *)to)->max_timestamp =
            ((const beamc_custom_window *)from)->max_timestamp;
        return copy_boxed(type->fields[0].type, &((beamc_custom_window *)to)->window,
                          ((const beamc_custom_window *)from)->window, arena);
    case BEAMC_KIND_WINDOWED_VALUE:
    case BEAMC_KIND_PARAM_WINDOWED_VALUE:
        return copy_windowed_value(type, to, from, arena);
    case BEAMC_KIND_TIMER:
        return copy_timer(type, to, from, arena);
    case BEAMC_KIND_SHARDED_KEY:
        return copy_sharded_key(type, to, from, arena);
    case BEAMC_KIND_CUSTOM:
        return type->coder->copy(type, to, from, arena);
    default:
        return BEAMC_ETYPE;
    }
}
