/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/coders/iterable_head.h"

#include "sdk/coders/parts.h"
#include "sdk/types/layout.h"

/* ---- of encoded values ----------------------------------------------------------------------- */

/* A walk over the values' encodings, without decoding them. */
typedef struct {
    beamc_reader in;
    bool has_blocks;
    uint64_t count; /* left in the block, or in all */
} byte_walk;

static byte_walk start_walk(beamc_bytes bytes)
{
    byte_walk walk = { beamc_reader_of(bytes.data + 4, bytes.size - 4), false,
                       beamc__load_be32(bytes.data) };

    walk.has_blocks = walk.count == UINT32_MAX;
    if (walk.has_blocks)
        walk.count = 0;
    return walk;
}

/* False at the end of what is there. */
static bool next_value(byte_walk *walk, const beamc_type *element, beamc_bytes *out,
                       const beamc__decode_context *context)
{
    if (walk->count == 0 && walk->has_blocks &&
        (beamc__varint_decode(&walk->in, &walk->count) < 0 || walk->count > INT64_MAX))
        walk->count = 0; /* a token */
    if (walk->count == 0)
        return false;
    walk->count--;
    out->data = walk->in.at;
    if (beamc__skip(element, true, &walk->in, context) < 0)
        return false; /* a token in the value: it is not all here */
    out->size = (size_t)(walk->in.at - out->data);
    return true;
}

/* Copies values into bytes of their own, as long as they fit. */
static int head_of_bytes(beamc_iterable *out, const beamc_type *element, beamc_bytes bytes,
                         size_t *left, beamc_arena *arena)
{
    const beamc__decode_context context = { arena, NULL };
    size_t room = bytes.size < *left ? bytes.size : *left;
    uint8_t *copy = beamc_arena_alloc(arena, 4 + room);
    byte_walk walk = start_walk(bytes);
    size_t size = 0;
    uint32_t count = 0;
    beamc_bytes value;

    if (copy == NULL)
        return BEAMC_ENOMEM;
    while (count < INT32_MAX && next_value(&walk, element, &value, &context) &&
           value.size <= room - size) {
        if (value.size > 0)
            memcpy(copy + 4 + size, value.data, value.size);
        size += value.size;
        count++;
    }
    if (count == 0)
        return BEAMC_ENOENT;
    beamc__store_be32(copy, count);
    *left -= size;
    *out = beamc__iterable_of_bytes(element, copy, 4 + size);
    return BEAMC_OK;
}

/* ---- of values in memory --------------------------------------------------------------------- */

static bool has_iterable(const beamc_type *type)
{
    if (type->kind == BEAMC_KIND_ITERABLE || type->kind == BEAMC_KIND_STATE_BACKED_ITERABLE)
        return true;
    for (size_t i = 0; i < type->field_count; i++) {
        if (has_iterable(type->fields[i].type))
            return true;
    }
    return false;
}

static int head_of_array(beamc_iterable *out, const beamc_iterable *array, size_t *left, bool *cut)
{
    const beamc_type *element = array->element;
    size_t count = 0;
    size_t size = 0;
    beamc_buffer text;

    if (array->size == 0) {
        *out = *array;
        return BEAMC_OK;
    }
    if (has_iterable(element)) /* of a kind of its own */
        return BEAMC_ENOENT;
    beamc_buffer_init(&text);
    for (; count < array->size && count < BEAMC__EMPTY_VALUES_MAX; count++) {
        const void *value = (const char *)array->source + count * element->size;
        beamc_buffer_clear(&text);
        if (beamc_encode(element, value, true, &text) < 0 || text.size > *left - size)
            break;
        size += text.size;
    }
    beamc_buffer_dispose(&text);
    if (count == 0)
        return BEAMC_ENOENT;
    *left -= size;
    *cut |= count < array->size;
    *out = beamc_iterable_of_array(element, array->source, count);
    return BEAMC_OK;
}

int beamc__iterable_head(beamc_iterable *out, const beamc_iterable *iterable, size_t *left,
                         bool *cut, beamc_arena *arena)
{
    beamc_bytes bytes;
    bool is_all;

    if (iterable->ops == NULL) {
        *out = *iterable;
        return BEAMC_OK;
    }
    if (beamc__iterable_is_array(iterable))
        return head_of_array(out, iterable, left, cut);
    if (!beamc__iterable_bytes(iterable, &bytes, &is_all))
        return BEAMC_ENOENT;
    if (is_all && bytes.size <= *left) {
        *left -= bytes.size;
        *out = *iterable;
        return BEAMC_OK;
    }
    *cut = true;
    return head_of_bytes(out, iterable->element, bytes, left, arena);
}
