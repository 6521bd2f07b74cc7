/* SPDX-License-Identifier: Apache-2.0 */
/* A hash of bytes: quick for the short keys of elements, good in all 64 bits.  The same on every
 * machine and in every run, because the partition of a key depends on it. */
#ifndef BEAMC_BASE_HASH_H
#define BEAMC_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t beamc__hash_mix(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Little-endian. */
static inline uint64_t beamc__load64(const uint8_t *p)
{
    uint64_t value;
    memcpy(&value, p, sizeof(value));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

static inline uint64_t beamc__load32(const uint8_t *p)
{
    uint32_t value;
    memcpy(&value, p, sizeof(value));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap32(value);
#endif
    return value;
}

/* Reads every byte once or twice, never past the end. */
static inline uint64_t beamc__hash(const void *bytes, size_t size)
{
    const uint64_t k0 = UINT64_C(0x9e3779b97f4a7c15);
    const uint64_t k1 = UINT64_C(0xd6e8feb86659fd93);
    const uint64_t k2 = UINT64_C(0xa0761d6478bd642f);
    const uint8_t *p = (const uint8_t *)bytes;
    uint64_t seed = (uint64_t)size * k0;
    size_t left = size;

    while (left > 16) {
        seed = beamc__hash_mix(beamc__load64(p) ^ k1, beamc__load64(p + 8) ^ seed ^ k2);
        p += 16;
        left -= 16;
    }
    uint64_t a = 0;
    uint64_t b = 0;
    if (left >= 8) {
        a = beamc__load64(p);
        b = beamc__load64(p + left - 8);
    } else if (left >= 4) {
        a = beamc__load32(p);
        b = beamc__load32(p + left - 4);
    } else if (left > 0) {
        a = (uint64_t)p[0] << 16 | (uint64_t)p[left >> 1] << 8 | p[left - 1];
    }
    /* Not k0: with one byte the seed is k0, and the product would be 0 whatever the byte. */
    return beamc__hash_mix(beamc__hash_mix(a ^ k1, b ^ seed ^ k2), k1 ^ seed);
}

#endif
