/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/coders/fast.h"

#include "sdk/coders/logical.h"
#include "sdk/coders/parts.h"
#include "sdk/types/layout.h"

int beamc__varint_decode_long(beamc_reader *in, uint64_t *out)
{
    const uint8_t *p = in->at;
    size_t left = beamc_reader_left(in);
    uint64_t value = 0;

    for (unsigned n = 0; n < BEAMC__VARINT_MAX; n++) {
        if (n == left)
            return BEAMC_ESHORT;
        if (n == BEAMC__VARINT_MAX - 1 && p[n] > 1)
            return BEAMC_ECORRUPT; /* more than 64 bits */
        value |= (uint64_t)(p[n] & 0x7f) << (7 * n);
        if ((p[n] & 0x80) == 0) {
            *out = value;
            in->at = p + n + 1;
            return BEAMC_OK;
        }
    }
    return BEAMC_ECORRUPT;
}

/* ---- bytes and text ------------------------------------------------------------------------- */

static int encode_logical_bytes(const beamc_type *type, const beamc_bytes *value, bool nested,
                                beamc_buffer *out)
{
    size_t padding;
    int rc = beamc__logical_padding(type, value, &padding);
    if (rc < 0)
        return rc;
    if (nested && (rc = beamc__varint_encode(value->size + padding, out)) < 0)
        return rc;
    if ((rc = beamc__bytes_encode(value->data, value->size, false, out)) < 0)
        return rc;
    if (padding > 0) {
        uint8_t *to = beamc_buffer_reserve(out, padding);
        if (to == NULL)
            return BEAMC_ENOMEM;
        memset(to, beamc__logical_pad(type), padding);
        out->size += padding;
    }
    return BEAMC_OK;
}

static int decode_logical_bytes(const beamc_type *type, beamc_bytes *value, bool nested,
                                beamc_reader *in, const beamc__decode_context *context)
{
    size_t padding;
    int rc = beamc__bytes_decode(value, nested, in);
    if (rc < 0)
        return rc;
    if (beamc__logical_padding(type, value, &padding) < 0)
        return BEAMC_ECORRUPT;
    if (padding > 0) {
        uint8_t *padded = beamc_arena_alloc(context->arena, value->size + padding);
        if (padded == NULL)
            return BEAMC_ENOMEM;
        if (value->size > 0)
            memcpy(padded, value->data, value->size);
        memset(padded + value->size, beamc__logical_pad(type), padding);
        value->data = padded;
        value->size += padding;
    }
    return BEAMC_OK;
}

static int skip_bytes(const beamc_type *type, bool nested, beamc_reader *in)
{
    beamc_bytes value;
    size_t padding;
    int rc = beamc__bytes_decode(&value, nested, in);
    if (rc == BEAMC_OK && type->logical != NULL &&
        beamc__logical_padding(type, &value, &padding) < 0)
        return BEAMC_ECORRUPT;
    return rc;
}

/* Nothing is carried as empty bytes, which every runner knows. */
static int skip_void(bool nested, beamc_reader *in)
{
    beamc_bytes value;
    int rc = beamc__bytes_decode(&value, nested, in);
    return rc == BEAMC_OK && value.size > 0 ? BEAMC_ECORRUPT : rc;
}

/* ---- small things --------------------------------------------------------------------------- */

static int decode_flag(bool *value, beamc_reader *in)
{
    if (in->at == in->end)
        return BEAMC_ESHORT;
    if (*in->at > 1)
        return BEAMC_ECORRUPT;
    *value = *in->at++ == 1;
    return BEAMC_OK;
}

static int encode_byte(uint8_t byte, beamc_buffer *out)
{
    beamc_buffer_append_byte(out, byte);
    return out->failed ? BEAMC_ENOMEM : BEAMC_OK;
}

static int encode_int16(int16_t value, beamc_buffer *out)
{
    uint8_t *to = beamc_buffer_reserve(out, 2);
    if (to == NULL)
        return BEAMC_ENOMEM;
    to[0] = (uint8_t)((uint16_t)value >> 8);
    to[1] = (uint8_t)value;
    out->size += 2;
    return BEAMC_OK;
}

static int encode_float(float value, beamc_buffer *out)
{
    uint32_t bits = 0x7fc00000; /* all NaNs are one */
    uint8_t *to = beamc_buffer_reserve(out, 4);
    if (to == NULL)
        return BEAMC_ENOMEM;
    if (value == value)
        memcpy(&bits, &value, sizeof(bits));
    beamc__store_be32(to, bits);
    out->size += 4;
    return BEAMC_OK;
}

static int skip_fixed(size_t size, beamc_reader *in)
{
    if (beamc_reader_left(in) < size)
        return BEAMC_ESHORT;
    in->at += size;
    return BEAMC_OK;
}

/* ---- length prefix, nullable, sharded key ---------------------------------------------------- */

static int encode_length_prefix(const beamc_type *type, const void *value, beamc_buffer *out)
{
    /* The size comes first and is known last: guess that it takes one byte, else make room. */
    size_t start = out->size;
    int rc = encode_byte(0, out);
    if (rc < 0 || (rc = beamc__encode(type->fields[0].type, value, false, out)) < 0)
        return rc;

    size_t size = out->size - start - 1;
    size_t more = beamc__varint_size(size) - 1;
    if (more > 0) {
        if (beamc_buffer_reserve(out, more) == NULL)
            return BEAMC_ENOMEM;
        memmove(out->data + start + 1 + more, out->data + start + 1, size);
        out->size += more;
    }
    beamc__varint_put(out->data + start, size);
    return BEAMC_OK;
}

/* The bytes behind a length prefix as a reader of their own. */
static int open_prefix(beamc_reader *in, beamc_reader *inner)
{
    size_t size;
    int rc = beamc__size_decode(in, &size);
    if (rc < 0)
        return rc;
    *inner = beamc_reader_of(in->at, size);
    in->at += size;
    return BEAMC_OK;
}

/* What ends inside a length prefix is malformed, not short: no more input would help. */
static int close_prefix(int rc, const beamc_reader *inner)
{
    if (rc == BEAMC_ESHORT || (rc == BEAMC_OK && inner->at != inner->end))
        return BEAMC_ECORRUPT;
    return rc;
}

static int decode_length_prefix(const beamc_type *type, void *value, beamc_reader *in,
                                const beamc__decode_context *context)
{
    beamc_reader inner;
    int rc = open_prefix(in, &inner);
    if (rc < 0)
        return rc;
    return close_prefix(beamc__decode(type->fields[0].type, value, false, &inner, context), &inner);
}

static int skip_length_prefix(const beamc_type *type, beamc_reader *in,
                              const beamc__decode_context *context)
{
    beamc_reader inner;
    int rc = open_prefix(in, &inner);
    if (rc < 0)
        return rc;
    return close_prefix(beamc__skip(type->fields[0].type, false, &inner, context), &inner);
}

static int encode_nullable(const beamc_type *type, const void *value, bool nested,
                           beamc_buffer *out)
{
    bool present = *(const bool *)value;
    int rc = encode_byte(present, out);
    if (rc < 0 || !present)
        return rc;
    return beamc__encode(type->fields[0].type, beamc__at(value, beamc__nullable_offset(type)),
                         nested, out);
}

static int decode_nullable(const beamc_type *type, void *value, bool nested, beamc_reader *in,
                           const beamc__decode_context *context)
{
    bool present = false;
    int rc = decode_flag(&present, in);
    if (rc < 0)
        return rc;
    memset(value, 0, type->size);
    *(bool *)value = present;
    if (!present)
        return BEAMC_OK;
    return beamc__decode(type->fields[0].type,
                         beamc__at_mutable(value, beamc__nullable_offset(type)), nested, in,
                         context);
}

static int encode_sharded_key(const beamc_type *type, const beamc_sharded_key *value,
                              beamc_buffer *out)
{
    int rc = beamc__bytes_encode(value->shard.data, value->shard.size, true, out);
    return rc < 0 ? rc : beamc__encode(type->fields[0].type, value->key, true, out);
}

static int decode_sharded_key(const beamc_type *type, beamc_sharded_key *value, beamc_reader *in,
                              const beamc__decode_context *context)
{
    int rc = beamc__bytes_decode(&value->shard, true, in);
    if (rc < 0)
        return rc;
    void *key = beamc__decode_room(type->fields[0].type, context);
    if (key == NULL)
        return BEAMC_ENOMEM;
    value->key = key;
    return beamc__decode(type->fields[0].type, key, true, in, context);
}

int beamc__custom_skip(const beamc_type *type, bool nested, beamc_reader *in,
                       const beamc__decode_context *context)
{
    beamc_arena_mark mark = beamc_arena_save(context->arena);
    void *value = beamc__decode_room(type, context);
    if (value == NULL)
        return BEAMC_ENOMEM;
    int rc = type->coder->decode(type, value, nested, in, context->arena);
    beamc_arena_rewind(context->arena, mark);
    return rc;
}

/* ---- by kind -------------------------------------------------------------------------------- */

int beamc__encode_any(const beamc_type *type, const void *value, bool nested, beamc_buffer *out)
{
    switch (type->kind) {
    case BEAMC_KIND_VOID:
        return nested ? encode_byte(0, out) : BEAMC_OK;
    case BEAMC_KIND_BYTES:
    case BEAMC_KIND_STRING:
        return encode_logical_bytes(type, value, nested, out);
    case BEAMC_KIND_BOOL:
        return encode_byte(*(const bool *)value, out);
    case BEAMC_KIND_INT64:
        return beamc__varint_encode((uint64_t)*(const int64_t *)value, out);
    case BEAMC_KIND_DOUBLE:
        return beamc__double_encode(*(const double *)value, out);
    case BEAMC_KIND_KV:
        return beamc__encode(type, value, nested, out);
    case BEAMC_KIND_ITERABLE:
    case BEAMC_KIND_STATE_BACKED_ITERABLE:
        return beamc__iterable_encode(value, type->fields[0].type, out);
    case BEAMC_KIND_NULLABLE:
        return encode_nullable(type, value, nested, out);
    case BEAMC_KIND_ROW:
        return beamc__row_encode(type, value, out);
    case BEAMC_KIND_LENGTH_PREFIX:
        return encode_length_prefix(type, value, out);
    case BEAMC_KIND_INT8:
        return encode_byte((uint8_t)*(const int8_t *)value, out);
    case BEAMC_KIND_INT16:
        return encode_int16(*(const int16_t *)value, out);
    case BEAMC_KIND_INT32:
        return beamc__varint_encode((uint32_t)*(const int32_t *)value, out);
    case BEAMC_KIND_FLOAT:
        return encode_float(*(const float *)value, out);
    case BEAMC_KIND_ARRAY:
    case BEAMC_KIND_MAP:
        return beamc__array_encode(type, value, out);
    case BEAMC_KIND_TIMESTAMP:
        return beamc__timestamp_encode(*(const beamc_timestamp *)value, out);
    case BEAMC_KIND_DECIMAL:
        return beamc__decimal_encode(value, out);
    case BEAMC_KIND_GLOBAL_WINDOW:
    case BEAMC_KIND_INTERVAL_WINDOW:
    case BEAMC_KIND_CUSTOM_WINDOW:
    case BEAMC_KIND_WINDOWED_VALUE:
    case BEAMC_KIND_PARAM_WINDOWED_VALUE:
    case BEAMC_KIND_TIMER:
        return beamc__windowed_encode(type, value, nested, out);
    case BEAMC_KIND_SHARDED_KEY:
        return encode_sharded_key(type, value, out);
    case BEAMC_KIND_CUSTOM:
        return type->coder->encode(type, value, nested, out);
    }
    return BEAMC_ETYPE;
}

int beamc__decode_any(const beamc_type *type, void *value, bool nested, beamc_reader *in,
                      const beamc__decode_context *context)
{
    switch (type->kind) {
    case BEAMC_KIND_VOID:
        return skip_void(nested, in);
    case BEAMC_KIND_BYTES:
    case BEAMC_KIND_STRING:
        return decode_logical_bytes(type, value, nested, in, context);
    case BEAMC_KIND_BOOL:
        return decode_flag(value, in);
    case BEAMC_KIND_INT64:
        return beamc__varint_decode(in, value);
    case BEAMC_KIND_DOUBLE:
        return beamc__double_decode(value, in);
    case BEAMC_KIND_KV:
        return beamc__decode(type, value, nested, in, context);
    case BEAMC_KIND_ITERABLE:
    case BEAMC_KIND_STATE_BACKED_ITERABLE:
        return beamc__iterable_decode(type, value, in, context);
    case BEAMC_KIND_NULLABLE:
        return decode_nullable(type, value, nested, in, context);
    case BEAMC_KIND_ROW:
        return beamc__row_decode(type, value, in, context);
    case BEAMC_KIND_LENGTH_PREFIX:
        return decode_length_prefix(type, value, in, context);
    case BEAMC_KIND_INT8:
        if (in->at == in->end)
            return BEAMC_ESHORT;
        *(int8_t *)value = (int8_t)*in->at++;
        return BEAMC_OK;
    case BEAMC_KIND_INT16:
        if (beamc_reader_left(in) < 2)
            return BEAMC_ESHORT;
        *(int16_t *)value = (int16_t)(in->at[0] << 8 | in->at[1]);
        in->at += 2;
        return BEAMC_OK;
    case BEAMC_KIND_INT32:
        return beamc__int32_decode(value, in);
    case BEAMC_KIND_FLOAT: {
        if (beamc_reader_left(in) < 4)
            return BEAMC_ESHORT;
        uint32_t bits = beamc__load_be32(in->at);
        memcpy(value, &bits, sizeof(bits));
        in->at += 4;
        return BEAMC_OK;
    }
    case BEAMC_KIND_ARRAY:
    case BEAMC_KIND_MAP:
        return beamc__array_decode(type, value, in, context);
    case BEAMC_KIND_TIMESTAMP:
        return beamc__timestamp_decode(in, value);
    case BEAMC_KIND_DECIMAL:
        return beamc__decimal_decode(value, in);
    case BEAMC_KIND_GLOBAL_WINDOW:
    case BEAMC_KIND_INTERVAL_WINDOW:
    case BEAMC_KIND_CUSTOM_WINDOW:
    case BEAMC_KIND_WINDOWED_VALUE:
    case BEAMC_KIND_PARAM_WINDOWED_VALUE:
    case BEAMC_KIND_TIMER:
        return beamc__windowed_decode(type, value, nested, in, context);
    case BEAMC_KIND_SHARDED_KEY:
        return decode_sharded_key(type, value, in, context);
    case BEAMC_KIND_CUSTOM:
        return type->coder->decode(type, value, nested, in, context->arena);
    }
    return BEAMC_ETYPE;
}

static int skip_two(const beamc_type *type, bool nested, beamc_reader *in,
                    const beamc__decode_context *context)
{
    int rc = beamc__skip(type->fields[0].type, true, in, context);
    return rc < 0 ? rc : beamc__skip(type->fields[1].type, nested, in, context);
}

int beamc__skip(const beamc_type *type, bool nested, beamc_reader *in,
                const beamc__decode_context *context)
{
    uint64_t number;
    int32_t small;
    size_t size;
    bool flag = false;
    beamc_decimal decimal;
    int rc;

    switch (type->kind) {
    case BEAMC_KIND_VOID:
        return skip_void(nested, in);
    case BEAMC_KIND_BYTES:
    case BEAMC_KIND_STRING:
        return skip_bytes(type, nested, in);
    case BEAMC_KIND_BOOL:
        return decode_flag(&flag, in);
    case BEAMC_KIND_INT64:
        return beamc__varint_decode(in, &number);
    case BEAMC_KIND_KV:
        return skip_two(type, nested, in, context);
    case BEAMC_KIND_ITERABLE:
    case BEAMC_KIND_STATE_BACKED_ITERABLE:
        return beamc__iterable_skip(type, in, context);
    case BEAMC_KIND_NULLABLE:
        rc = decode_flag(&flag, in);
        return rc < 0 || !flag ? rc : beamc__skip(type->fields[0].type, nested, in, context);
    case BEAMC_KIND_ROW:
        return beamc__row_skip(type, in, context);
    case BEAMC_KIND_LENGTH_PREFIX:
        return skip_length_prefix(type, in, context);
    case BEAMC_KIND_INT32:
        return beamc__int32_decode(&small, in);
    case BEAMC_KIND_ARRAY:
    case BEAMC_KIND_MAP:
        return beamc__array_skip(type, in, context);
    case BEAMC_KIND_DECIMAL:
        return beamc__decimal_decode(&decimal, in);
    case BEAMC_KIND_INT8:
        return skip_fixed(1, in);
    case BEAMC_KIND_INT16:
        return skip_fixed(2, in);
    case BEAMC_KIND_FLOAT:
        return skip_fixed(4, in);
    case BEAMC_KIND_DOUBLE:
    case BEAMC_KIND_TIMESTAMP:
        return skip_fixed(8, in);
    case BEAMC_KIND_GLOBAL_WINDOW:
    case BEAMC_KIND_INTERVAL_WINDOW:
    case BEAMC_KIND_CUSTOM_WINDOW:
    case BEAMC_KIND_WINDOWED_VALUE:
    case BEAMC_KIND_PARAM_WINDOWED_VALUE:
    case BEAMC_KIND_TIMER:
        return beamc__windowed_skip(type, nested, in, context);
    case BEAMC_KIND_SHARDED_KEY:
        rc = beamc__size_decode(in, &size);
        if (rc < 0)
            return rc;
        in->at += size;
        return beamc__skip(type->fields[0].type, true, in, context);
    case BEAMC_KIND_CUSTOM:
        return beamc__custom_skip(type, nested, in, context);
    }
    return BEAMC_ETYPE;
}

int beamc_encode(const beamc_type *type, const void *value, bool nested, beamc_buffer *out)
{
    size_t size = out->size;
    int rc = beamc__encode(type, value, nested, out);
    if (rc < 0 && !out->failed)
        out->size = size; /* no half value stays behind */
    return rc;
}

int beamc_decode(const beamc_type *type, void *value, bool nested, beamc_reader *in,
                 beamc_arena *arena)
{
    const beamc__decode_context context = { arena, NULL };
    return beamc__decode(type, value, nested, in, &context);
}
