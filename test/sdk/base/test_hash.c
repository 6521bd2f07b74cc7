/* SPDX-License-Identifier: Apache-2.0 */
/* The hash: reads no byte too many, is the same everywhere, and spreads. */
#include "sdk/base/hash.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* In memory of exactly that size, for AddressSanitizer. */
START_TEST(every_byte_counts)
{
    size_t size = (size_t)_i;
    uint8_t *bytes = malloc(size == 0 ? 1 : size);

    ck_assert_ptr_nonnull(bytes);
    memset(bytes, 0, size == 0 ? 1 : size);
    uint64_t hash = beamc__hash(bytes, size);
    ck_assert(hash == beamc__hash(bytes, size));
    for (size_t i = 0; i < size; i++) {
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] = (uint8_t)(1 << bit);
            ck_assert(beamc__hash(bytes, size) != hash);
        }
        bytes[i] = 0;
    }
    free(bytes);
}
END_TEST

START_TEST(zeros_of_different_sizes_differ)
{
    const uint8_t zeros[100] = { 0 };

    for (size_t a = 0; a < sizeof(zeros); a++)
        for (size_t b = 0; b < a; b++)
            ck_assert(beamc__hash(zeros, a) != beamc__hash(zeros, b));
}
END_TEST

/* Written down once: partitions of data on disk and between machines depend on it. */
START_TEST(values_never_change)
{
    static const struct {
        const char *key;
        uint64_t hash;
    } known[] = {
        { "", UINT64_C(0xa1c4c6ce604dfa9c) },
        { "a", UINT64_C(0x39e66f43e47dd0b2) },
        { "word", UINT64_C(0xc93f8c74462b145b) },
        { "eight by", UINT64_C(0x563ce8801473cd25) },
        { "seventeen bytes..", UINT64_C(0xb834fe16b06ec33b) },
        { "more than thirty-two bytes of some key", UINT64_C(0xe633d947c7bddc27) },
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        ck_assert_msg(beamc__hash(known[i].key, strlen(known[i].key)) == known[i].hash, "\"%s\"",
                      known[i].key);
}
END_TEST

/* Counts how keys fall into 1024 buckets by the bits from @shift on; the sum of squares shows
 * whether they do as chance would: 1023 degrees of freedom, standard deviation 45. */
static double chi_squared(int kind, int shift)
{
    enum { KEYS = 200000, BUCKETS = 1024 };
    static int buckets[BUCKETS];
    double sum = 0;

    memset(buckets, 0, sizeof(buckets));
    for (int64_t i = 0; i < KEYS; i++) {
        char key[32];
        int64_t number = i * (kind == 1 ? 4096 : 1);
        size_t size = sizeof(number);
        memcpy(key, &number, size);
        if (kind == 2)
            size = (size_t)snprintf(key, sizeof(key), "user-%d", (int)i);
        buckets[beamc__hash(key, size) >> shift & (BUCKETS - 1)]++;
    }
    for (int i = 0; i < BUCKETS; i++) {
        double off = buckets[i] - (double)KEYS / BUCKETS;
        sum += off * off / ((double)KEYS / BUCKETS);
    }
    return sum;
}

START_TEST(all_bits_spread)
{
    for (int shift = 0; shift <= 54; shift += 6)
        ck_assert_msg(chi_squared(_i, shift) < 1023 + 6 * 45, "bits from %d: %f", shift,
                      chi_squared(_i, shift));
}
END_TEST

Suite *suite_hash(void)
{
    Suite *suite = suite_create("hash");
    TCase *tc = tcase_create("hash");

    tcase_add_loop_test(tc, every_byte_counts, 0, 70);
    tcase_add_test(tc, zeros_of_different_sizes_differ);
    tcase_add_test(tc, values_never_change);
    tcase_add_loop_test(tc, all_bits_spread, 0, 3);
    suite_add_tcase(suite, tc);
    return suite;
}
