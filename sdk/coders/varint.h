/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers on the wire: varints (7 bits a byte, least first, high bit: more follow) and big-endian
 * words.  Inline, since every element has some. */
#ifndef BEAMC_CODERS_VARINT_H
#define BEAMC_CODERS_VARINT_H

#include <beamc/buffer.h>

#define BEAMC__VARINT_MAX 10

static inline uint64_t beamc__load_be64(const uint8_t *p)
{
    uint64_t value;
    memcpy(&value, p, sizeof(value));
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap64(value) : value;
}

static inline uint32_t beamc__load_be32(const uint8_t *p)
{
    uint32_t value;
    memcpy(&value, p, sizeof(value));
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap32(value) : value;
}

static inline void beamc__store_be64(uint8_t *p, uint64_t value)
{
    value = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap64(value) : value;
    memcpy(p, &value, sizeof(value));
}

static inline void beamc__store_be32(uint8_t *p, uint32_t value)
{
    value = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap32(value) : value;
    memcpy(p, &value, sizeof(value));
}

/* Writes @value at @to, where BEAMC__VARINT_MAX bytes fit; answers where it ends. */
static inline uint8_t *beamc__varint_put(uint8_t *to, uint64_t value)
{
    while (value >= 0x80) {
        *to++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *to++ = (uint8_t)value;
    return to;
}

static inline size_t beamc__varint_size(uint64_t value)
{
    return (size_t)(9 * (64 - __builtin_clzll(value | 1)) + 64) / 64;
}

/* A varint of more than two bytes, or one that ends too early. */
int beamc__varint_decode_long(beamc_reader *in, uint64_t *out);

/* BEAMC_OK, BEAMC_ESHORT, or BEAMC_ECORRUPT for more than 10 bytes or 64 bits; *out is written on
 * success only. */
static inline int beamc__varint_decode(beamc_reader *in, uint64_t *out)
{
    if (BEAMC_LIKELY(in->at < in->end && *in->at < 0x80)) {
        *out = *in->at++;
        return BEAMC_OK;
    }
    if (beamc_reader_left(in) >= 2 && in->at[1] < 0x80) {
        *out = (uint64_t)in->at[1] << 7 | (in->at[0] & 0x7f);
        in->at += 2;
        return BEAMC_OK;
    }
    return beamc__varint_decode_long(in, out);
}

/* Reads a size and checks that so many bytes are left. */
static inline int beamc__size_decode(beamc_reader *in, size_t *out)
{
    uint64_t size;
    int rc = beamc__varint_decode(in, &size);
    if (BEAMC_UNLIKELY(rc < 0))
        return rc;
    if (BEAMC_UNLIKELY(size > beamc_reader_left(in)))
        return BEAMC_ESHORT;
    *out = (size_t)size;
    return BEAMC_OK;
}

static inline int beamc__varint_encode(uint64_t value, beamc_buffer *out)
{
    uint8_t *to = beamc_buffer_reserve(out, BEAMC__VARINT_MAX);
    if (BEAMC_UNLIKELY(to == NULL))
        return BEAMC_ENOMEM;
    out->size = (size_t)(beamc__varint_put(to, value) - out->data);
    return BEAMC_OK;
}

static inline int beamc__be64_encode(uint64_t value, beamc_buffer *out)
{
    uint8_t *to = beamc_buffer_reserve(out, 8);
    if (BEAMC_UNLIKELY(to == NULL))
        return BEAMC_ENOMEM;
    beamc__store_be64(to, value);
    out->size += 8;
    return BEAMC_OK;
}

static inline int beamc__be64_decode(beamc_reader *in, uint64_t *out)
{
    if (BEAMC_UNLIKELY(beamc_reader_left(in) < 8))
        return BEAMC_ESHORT;
    *out = beamc__load_be64(in->at);
    in->at += 8;
    return BEAMC_OK;
}

/* Timestamps: the top bit flipped, so that bytes sort as times do. */
static inline int beamc__timestamp_encode(int64_t timestamp, beamc_buffer *out)
{
    return beamc__be64_encode((uint64_t)timestamp ^ UINT64_C(0x8000000000000000), out);
}

static inline int beamc__timestamp_decode(beamc_reader *in, int64_t *out)
{
    uint64_t bits;
    int rc = beamc__be64_decode(in, &bits);
    if (BEAMC_LIKELY(rc == BEAMC_OK))
        *out = (int64_t)(bits ^ UINT64_C(0x8000000000000000));
    return rc;
}

#endif
