/* SPDX-License-Identifier: Apache-2.0 */
/* Rows, and the kinds that are only in rows (beam:coder:row:v1):
 *
 *     varint count of fields | nested bytes: bit i set = field i is null | values that are not null
 *
 * Bits and values are in encoding position order, which is field order unless the schema says
 * otherwise.  A row of an older schema has fewer fields: the missing ones are null. */
#include "sdk/coders/logical.h"
#include "sdk/coders/parts.h"
#include "sdk/types/layout.h"

/* A walk over the fields in encoding position order. */
typedef struct {
    const beamc_type *row;
    size_t next; /* position */
    size_t at;   /* end of the field before, if there is no table of offsets */
} field_walk;

static const beamc_type *next_field(field_walk *walk, size_t *offset)
{
    const beamc__row_info *info = walk->row->extra;
    size_t position = walk->next++;
    if (info == NULL) {
        const beamc_type *type = walk->row->fields[position].type;
        *offset = beamc__next_offset(type, &walk->at);
        return type;
    }
    uint32_t index = info->order[position];
    *offset = info->offsets[index];
    return walk->row->fields[index].type;
}

static size_t bitmap_size(size_t fields)
{
    return (fields + 7) / 8;
}

/* Appends the bitmap of nulls. */
static int encode_nulls(const beamc_type *type, const void *value, beamc_buffer *out)
{
    size_t size = bitmap_size(type->field_count);
    uint8_t *to = beamc_buffer_reserve(out, size + BEAMC__VARINT_MAX);
    if (to == NULL)
        return BEAMC_ENOMEM;
    uint8_t *bits = beamc__varint_put(to, size);
    bool any = false;
    memset(bits, 0, size);

    field_walk walk = { type, 0, 0 };
    for (size_t i = 0; i < type->field_count; i++) {
        size_t offset;
        const beamc_type *field = next_field(&walk, &offset);
        if (field->kind == BEAMC_KIND_NULLABLE && !*(const bool *)beamc__at(value, offset)) {
            bits[i / 8] |= (uint8_t)(1u << (i % 8));
            any = true;
        }
    }
    if (!any) {
        *to = 0;
        bits = to + 1;
        size = 0;
    }
    out->size = (size_t)(bits + size - out->data);
    return BEAMC_OK;
}

int beamc__row_encode(const beamc_type *type, const void *value, beamc_buffer *out)
{
    int rc = BEAMC_OK;
    if (type->logical != NULL && (rc = beamc__logical_check_row(type, value)) < 0)
        return rc;
    if ((rc = beamc__varint_encode(type->field_count, out)) < 0)
        return rc;
    if ((rc = encode_nulls(type, value, out)) < 0)
        return rc;

    field_walk walk = { type, 0, 0 };
    for (size_t i = 0; i < type->field_count && rc == BEAMC_OK; i++) {
        size_t offset;
        const beamc_type *field = next_field(&walk, &offset);
        const void *part = beamc__at(value, offset);
        if (field->kind == BEAMC_KIND_NULLABLE) {
            if (!*(const bool *)part)
                continue;
            part = beamc__at(part, beamc__nullable_offset(field));
            field = field->fields[0].type;
        }
        rc = beamc__encode(field, part, true, out);
    }
    return rc;
}

/* The count of fields and the bitmap; checks that bits are set for fields only. */
static int decode_head(const beamc_type *type, beamc_reader *in, size_t *count, beamc_bytes *nulls)
{
    uint64_t number;
    int rc = beamc__varint_decode(in, &number);
    if (rc < 0)
        return rc;
    if (number > type->field_count)
        return BEAMC_ECORRUPT;
    *count = (size_t)number;
    if ((rc = beamc__bytes_decode(nulls, true, in)) < 0)
        return rc;
    for (size_t byte = *count / 8; byte < nulls->size; byte++) {
        unsigned allowed = byte == *count / 8 ? (1u << (*count % 8)) - 1 : 0;
        if ((nulls->data[byte] & ~allowed) != 0)
            return BEAMC_ECORRUPT;
    }
    return BEAMC_OK;
}

static bool is_null(beamc_bytes nulls, size_t position)
{
    return position / 8 < nulls.size && (nulls.data[position / 8] >> (position % 8) & 1) != 0;
}

int beamc__row_decode(const beamc_type *type, void *value, beamc_reader *in,
                      const beamc__decode_context *context)
{
    size_t count;
    beamc_bytes nulls;
    int rc = decode_head(type, in, &count, &nulls);
    if (rc < 0)
        return rc;

    memset(value, 0, type->size);
    field_walk walk = { type, 0, 0 };
    for (size_t i = 0; i < type->field_count; i++) {
        size_t offset;
        const beamc_type *field = next_field(&walk, &offset);
        void *part = beamc__at_mutable(value, offset);
        bool null = i >= count || is_null(nulls, i);
        if (field->kind == BEAMC_KIND_NULLABLE) {
            if (null)
                continue;
            *(bool *)part = true;
            part = beamc__at_mutable(part, beamc__nullable_offset(field));
            field = field->fields[0].type;
        } else if (null) {
            return BEAMC_ECORRUPT;
        }
        if ((rc = beamc__decode(field, part, true, in, context)) < 0)
            return rc;
    }
    if (type->logical != NULL && beamc__logical_check_row(type, value) < 0)
        return BEAMC_ECORRUPT;
    return BEAMC_OK;
}

/* Rows with a rule hold two numbers: they are decoded to be checked. */
static int skip_ruled(const beamc_type *type, beamc_reader *in,
                      const beamc__decode_context *context)
{
    beamc__scratch scratch;
    beamc__scratch_init(&scratch, type);
    int rc = scratch.value == NULL ? BEAMC_ENOMEM
                                   : beamc__row_decode(type, scratch.value, in, context);
    beamc__scratch_dispose(&scratch);
    return rc;
}

int beamc__row_skip(const beamc_type *type, beamc_reader *in, const beamc__decode_context *context)
{
    size_t count;
    beamc_bytes nulls;

    if (type->logical != NULL && beamc__logical_has_row_rule(type))
        return skip_ruled(type, in, context);
    int rc = decode_head(type, in, &count, &nulls);
    field_walk walk = { type, 0, 0 };
    for (size_t i = 0; i < type->field_count && rc == BEAMC_OK; i++) {
        size_t offset;
        const beamc_type *field = next_field(&walk, &offset);
        bool null = i >= count || is_null(nulls, i);
        if (field->kind == BEAMC_KIND_NULLABLE)
            field = field->fields[0].type;
        else if (null)
            return BEAMC_ECORRUPT;
        if (!null)
            rc = beamc__skip(field, true, in, context);
    }
    return rc;
}

/* ---- arrays and maps: int32 count, then the elements or entries ------------------------------ */

int beamc__array_encode(const beamc_type *type, const beamc_array *array, beamc_buffer *out)
{
    bool map = type->kind == BEAMC_KIND_MAP;
    size_t step = map ? beamc__entry_size(type) : type->fields[0].type->size;
    size_t value_offset = map ? beamc_kv_value_offset(type) : 0;
    const char *item = array->items;

    if (array->count > INT32_MAX)
        return BEAMC_ELIMIT;
    uint8_t *to = beamc_buffer_reserve(out, 4);
    if (to == NULL)
        return BEAMC_ENOMEM;
    beamc__store_be32(to, (uint32_t)array->count);
    out->size += 4;
    for (size_t i = 0; i < array->count; i++, item += step) {
        int rc = beamc__encode(type->fields[0].type, item, true, out);
        if (rc == BEAMC_OK && map)
            rc = beamc__encode(type->fields[1].type, item + value_offset, true, out);
        if (rc < 0)
            return rc;
    }
    return BEAMC_OK;
}

static int decode_count(const beamc_type *type, beamc_reader *in, size_t *count)
{
    if (beamc_reader_left(in) < 4)
        return BEAMC_ESHORT;
    uint32_t number = beamc__load_be32(in->at);
    if (number > INT32_MAX)
        return BEAMC_ECORRUPT;
    if (number > BEAMC__EMPTY_VALUES_MAX && type->kind == BEAMC_KIND_ARRAY &&
        beamc__type_fixed_size(type->fields[0].type) == 0)
        return BEAMC_ELIMIT;
    in->at += 4;
    *count = number;
    return BEAMC_OK;
}

static int skip_items(const beamc_type *type, size_t count, beamc_reader *in,
                      const beamc__decode_context *context)
{
    const beamc_type *value = type->kind == BEAMC_KIND_MAP ? type->fields[1].type : NULL;
    for (size_t i = 0; i < count; i++) {
        int rc = beamc__skip(type->fields[0].type, true, in, context);
        if (rc == BEAMC_OK && value != NULL)
            rc = beamc__skip(value, true, in, context);
        if (rc < 0)
            return rc;
    }
    return BEAMC_OK;
}

int beamc__array_decode(const beamc_type *type, beamc_array *array, beamc_reader *in,
                        const beamc__decode_context *context)
{
    bool map = type->kind == BEAMC_KIND_MAP;
    size_t step = map ? beamc__entry_size(type) : type->fields[0].type->size;
    size_t value_offset = map ? beamc_kv_value_offset(type) : 0;
    size_t count;
    int rc = decode_count(type, in, &count);
    if (rc < 0)
        return rc;

    /* A count of a billion in five bytes must not take memory: all elements have to be there. */
    if (count > beamc_reader_left(in) && step > 0)
        return BEAMC_ESHORT;
    if (count > 64) {
        beamc_reader ahead = *in;
        if ((rc = skip_items(type, count, &ahead, context)) < 0)
            return rc;
    }
    char *item = beamc_arena_calloc(context->arena, count, step);
    if (item == NULL)
        return BEAMC_ENOMEM;
    array->items = item;
    array->count = count;
    for (size_t i = 0; i < count && rc == BEAMC_OK; i++, item += step) {
        rc = beamc__decode(type->fields[0].type, item, true, in, context);
        if (rc == BEAMC_OK && map)
            rc = beamc__decode(type->fields[1].type, item + value_offset, true, in, context);
    }
    return rc;
}

int beamc__array_skip(const beamc_type *type, beamc_reader *in,
                      const beamc__decode_context *context)
{
    size_t count;
    int rc = decode_count(type, in, &count);
    return rc < 0 ? rc : skip_items(type, count, in, context);
}

/* ---- numbers -------------------------------------------------------------------------------- */

/* Some SDKs write negative numbers in 10 bytes, as of 64 bits, most in 5. */
int beamc__int32_decode(int32_t *value, beamc_reader *in)
{
    uint64_t bits;
    int rc = beamc__varint_decode(in, &bits);
    if (rc < 0)
        return rc;
    if (bits > UINT32_MAX && bits < (uint64_t)INT64_C(-2147483648))
        return BEAMC_ECORRUPT;
    *value = (int32_t)(uint32_t)bits;
    return BEAMC_OK;
}

/* Scale, then the integer in as few bytes of two's complement as will do: none is 0. */
int beamc__decimal_encode(const beamc_decimal *decimal, beamc_buffer *out)
{
    static const uint8_t zero = 0;
    const uint8_t *p = decimal->unscaled.data;
    size_t size = decimal->unscaled.size;
    if (size == 0) {
        p = &zero;
        size = 1;
    }
    while (size > 1 && ((p[0] == 0 && p[1] < 0x80) || (p[0] == 0xff && p[1] >= 0x80))) {
        p++;
        size--;
    }
    int rc = beamc__varint_encode((uint64_t)decimal->scale, out);
    return rc < 0 ? rc : beamc__bytes_encode(p, size, true, out);
}

int beamc__decimal_decode(beamc_decimal *decimal, beamc_reader *in)
{
    uint64_t scale;
    int rc = beamc__varint_decode(in, &scale);
    if (rc < 0)
        return rc;
    decimal->scale = (int64_t)scale;
    return beamc__bytes_decode(&decimal->unscaled, true, in);
}
