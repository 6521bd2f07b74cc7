/* SPDX-License-Identifier: Apache-2.0 */
/* Encode, decode and skip a value by its type.  The kinds of most elements (int64, string, bytes,
 * double, and a KV of those) are done inline here, all others in coder.c.
 *
 * An element is encoded straight into the outgoing buffer and decoded in place: text and bytes point
 * into the input, so decoding them costs no copy.  Leaf code: BEAMC_OK or a negative beamc_code.
 * After an error the reader or the buffer may stand in the middle of the value. */
#ifndef BEAMC_CODERS_FAST_H
#define BEAMC_CODERS_FAST_H

#include "sdk/base/copy.h"
#include "sdk/coders/state_fetch.h"
#include "sdk/coders/varint.h"

/* What decoding may need besides the bytes. */
typedef struct {
    beamc_arena *arena;              /* for values that hold more than the input does */
    const beamc__state_fetch *fetch; /* borrowed as long as the value; NULL: tokens are refused with
                                        BEAMC_EUNSUPPORTED */
} beamc__decode_context;

/* Any kind. */
BEAMC_MUST_USE int beamc__encode_any(const beamc_type *type, const void *value, bool nested,
                                     beamc_buffer *out);
BEAMC_MUST_USE int beamc__decode_any(const beamc_type *type, void *value, bool nested,
                                     beamc_reader *in, const beamc__decode_context *context);

/* Moves @in behind one value, checking all of it: what skips well also decodes well, as far as there
 * is memory.  @context is used for custom coders only. */
BEAMC_MUST_USE int beamc__skip(const beamc_type *type, bool nested, beamc_reader *in,
                               const beamc__decode_context *context);

static inline int beamc__bytes_encode(const void *data, size_t size, bool nested, beamc_buffer *out)
{
    uint8_t *to = beamc_buffer_reserve(out, size + BEAMC__VARINT_MAX);
    if (BEAMC_UNLIKELY(to == NULL))
        return BEAMC_ENOMEM;
    if (nested)
        to = beamc__varint_put(to, size);
    if (size > 0)
        memcpy(to, data, size);
    out->size = (size_t)(to + size - out->data);
    return BEAMC_OK;
}

static inline int beamc__bytes_decode(beamc_bytes *value, bool nested, beamc_reader *in)
{
    size_t size = beamc_reader_left(in);
    if (nested) {
        int rc = beamc__size_decode(in, &size);
        if (BEAMC_UNLIKELY(rc < 0))
            return rc;
    }
    value->data = in->at;
    value->size = size;
    in->at += size;
    return BEAMC_OK;
}

/* All NaNs become one, so that equal doubles have equal bytes. */
static inline uint64_t beamc__double_bits(double value)
{
    uint64_t bits = UINT64_C(0x7ff8000000000000);
    if (BEAMC_LIKELY(value == value))
        memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static inline int beamc__double_encode(double value, beamc_buffer *out)
{
    return beamc__be64_encode(beamc__double_bits(value), out);
}

static inline int beamc__double_decode(double *value, beamc_reader *in)
{
    uint64_t bits;
    int rc = beamc__be64_decode(in, &bits);
    if (BEAMC_LIKELY(rc == BEAMC_OK))
        memcpy(value, &bits, sizeof(*value));
    return rc;
}

/* Not a KV of hot kinds; the others are called. */
static inline int beamc__encode_part(const beamc_type *type, const void *value, bool nested,
                                     beamc_buffer *out)
{
    if (BEAMC_LIKELY(type->logical == NULL)) {
        switch (type->kind) {
        case BEAMC_KIND_BYTES:
        case BEAMC_KIND_STRING: {
            const beamc_bytes *bytes = (const beamc_bytes *)value;
            return beamc__bytes_encode(bytes->data, bytes->size, nested, out);
        }
        case BEAMC_KIND_INT64:
            return beamc__varint_encode((uint64_t)*(const int64_t *)value, out);
        case BEAMC_KIND_DOUBLE:
            return beamc__double_encode(*(const double *)value, out);
        default:
            break;
        }
    }
    return beamc__encode_any(type, value, nested, out);
}

static inline int beamc__decode_part(const beamc_type *type, void *value, bool nested,
                                     beamc_reader *in, const beamc__decode_context *context)
{
    if (BEAMC_LIKELY(type->logical == NULL)) {
        switch (type->kind) {
        case BEAMC_KIND_BYTES:
        case BEAMC_KIND_STRING:
            return beamc__bytes_decode((beamc_bytes *)value, nested, in);
        case BEAMC_KIND_INT64:
            return beamc__varint_decode(in, (uint64_t *)value);
        case BEAMC_KIND_DOUBLE:
            return beamc__double_decode((double *)value, in);
        default:
            break;
        }
    }
    return beamc__decode_any(type, value, nested, in, context);
}

/* ---- plain values ------------------------------------------------------------------------------
 *
 * Where a buffer has room for all of an element, encoding its parts is only writing: for the hot kinds
 * alone, whose size is known before. */

static inline bool beamc__is_plain(const beamc_type *type)
{
    return type->logical == NULL &&
           (type->kind == BEAMC_KIND_BYTES || type->kind == BEAMC_KIND_STRING ||
            type->kind == BEAMC_KIND_INT64 || type->kind == BEAMC_KIND_DOUBLE);
}

/* At least as many bytes as the value takes, nested; never wraps, as the value is in memory. */
static inline size_t beamc__plain_bound(const beamc_type *type, const void *value)
{
    if (type->kind == BEAMC_KIND_BYTES || type->kind == BEAMC_KIND_STRING)
        return BEAMC__VARINT_MAX + ((const beamc_bytes *)value)->size;
    return BEAMC__VARINT_MAX;
}

/* As many as it takes. */
static inline size_t beamc__plain_size(const beamc_type *type, const void *value)
{
    if (type->kind == BEAMC_KIND_INT64)
        return beamc__varint_size((uint64_t)*(const int64_t *)value);
    if (type->kind == BEAMC_KIND_DOUBLE)
        return 8;
    size_t size = ((const beamc_bytes *)value)->size;
    return beamc__varint_size(size) + size;
}

/* Writes a plain value, nested, where there is room; answers where it ends. */
static inline uint8_t *beamc__plain_put(uint8_t *to, const beamc_type *type, const void *value)
{
    if (type->kind == BEAMC_KIND_INT64)
        return beamc__varint_put(to, (uint64_t)*(const int64_t *)value);
    if (type->kind == BEAMC_KIND_DOUBLE) {
        beamc__store_be64(to, beamc__double_bits(*(const double *)value));
        return to + 8;
    }
    const beamc_bytes *bytes = (const beamc_bytes *)value;
    to = beamc__varint_put(to, bytes->size);
    if (bytes->size > 16)
        memcpy(to, bytes->data, bytes->size);
    else
        beamc__copy_16(to, bytes->data, bytes->size);
    return to + bytes->size;
}

/* The usual varint, at bytes that are surely there: answers where it ends, or NULL for a longer one. */
static inline const uint8_t *beamc__varint_get(const uint8_t *at, uint64_t *out)
{
    uint64_t low = at[0], high = at[1], top = at[2];

    if (BEAMC_LIKELY(low < 0x80)) {
        *out = low;
        return at + 1;
    }
    if (BEAMC_LIKELY(high < 0x80)) {
        *out = high << 7 | (low & 0x7f);
        return at + 2;
    }
    *out = top << 14 | (high & 0x7f) << 7 | (low & 0x7f);
    return top < 0x80 ? at + 3 : NULL;
}

/* Reads a plain value, nested: answers where it ends.  NULL: it is longer than most, or near @end or
 * beyond; beamc__decode knows. */
static inline const uint8_t *beamc__plain_get(const beamc_type *type, void *value,
                                              const uint8_t *at, const uint8_t *end)
{
    beamc_bytes *bytes = (beamc_bytes *)value;
    uint64_t size;

    if (BEAMC_UNLIKELY(end - at < BEAMC__VARINT_MAX))
        return NULL;
    if (type->kind == BEAMC_KIND_INT64)
        return beamc__varint_get(at, (uint64_t *)value);
    if (type->kind == BEAMC_KIND_DOUBLE) {
        uint64_t bits = beamc__load_be64(at);
        memcpy(value, &bits, sizeof(bits));
        return at + sizeof(bits);
    }
    at = beamc__varint_get(at, &size);
    if (BEAMC_UNLIKELY(at == NULL || size > (size_t)(end - at)))
        return NULL;
    bytes->data = at;
    bytes->size = (size_t)size;
    return at + size;
}

/* The parts of an element that lies open: of a KV both, of any other only itself. */
typedef struct {
    const beamc_type *key;
    const beamc_type *rest; /* of a KV; NULL: it is none */
    size_t rest_offset;
    bool is_plain; /* all of it */
} beamc__parts;

static inline beamc__parts beamc__parts_of(const beamc_type *type)
{
    if (type->kind != BEAMC_KIND_KV)
        return (beamc__parts){ .key = type, .is_plain = beamc__is_plain(type) };
    const beamc_type *key = type->fields[0].type;
    const beamc_type *rest = type->fields[1].type;
    return (beamc__parts){ key, rest, beamc_kv_value_offset(type),
                           beamc__is_plain(key) && beamc__is_plain(rest) };
}

/* ---- any value --------------------------------------------------------------------------------- */

BEAMC_MUST_USE static inline int beamc__encode(const beamc_type *type, const void *value,
                                               bool nested, beamc_buffer *out)
{
    if (type->kind != BEAMC_KIND_KV)
        return beamc__encode_part(type, value, nested, out);

    int rc = beamc__encode_part(type->fields[0].type, value, true, out);
    if (BEAMC_UNLIKELY(rc < 0))
        return rc;
    const char *part = (const char *)value + beamc_kv_value_offset(type);
    return beamc__encode_part(type->fields[1].type, part, nested, out);
}

BEAMC_MUST_USE static inline int beamc__decode(const beamc_type *type, void *value, bool nested,
                                               beamc_reader *in,
                                               const beamc__decode_context *context)
{
    if (type->kind != BEAMC_KIND_KV)
        return beamc__decode_part(type, value, nested, in, context);

    int rc = beamc__decode_part(type->fields[0].type, value, true, in, context);
    if (BEAMC_UNLIKELY(rc < 0))
        return rc;
    char *part = (char *)value + beamc_kv_value_offset(type);
    return beamc__decode_part(type->fields[1].type, part, nested, in, context);
}

#endif
