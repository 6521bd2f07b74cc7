/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/exec/combine_table.h"

#include "test/alloc.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static beamc__combine_table table;

static void set_up(void)
{
    ck_assert_int_eq(beamc__combine_table_init(&table), BEAMC_OK);
}

static void tear_down(void)
{
    beamc__combine_table_dispose(&table);
}

/* Finds or makes the slot of a key, adds @more to the number in it and answers the sum. */
static uint64_t add(uint32_t window, const void *key, size_t size, uint64_t more, bool *is_new)
{
    beamc__slot like;
    uint64_t sum;

    beamc__slot_prepare(&like, window, key, size);
    beamc__slot *slot = beamc__combine_table_find(&table, &like, is_new);
    ck_assert_ptr_nonnull(slot);
    memcpy(&sum, slot->accumulator, sizeof(sum));
    if (*is_new)
        ck_assert_uint_eq(sum, 0);
    sum += more;
    memcpy(slot->accumulator, &sum, sizeof(sum));
    return sum;
}

/* Keys that begin alike, of all sizes around the limit, of zeros and of ones. */
START_TEST(keys_of_all_sizes_are_told_apart)
{
    const uint8_t fills[] = { 0, 1, 0xff };
    uint8_t key[40];
    bool is_new;

    for (uint64_t round = 1; round <= 3; round++) {
        for (size_t fill = 0; fill < 3; fill++) {
            memset(key, fills[fill], sizeof(key));
            for (size_t size = 0; size <= sizeof(key); size++) {
                for (uint32_t window = 0; window < 3; window++) {
                    uint64_t sum = add(window, key, size, 1, &is_new);
                    bool seen = round > 1 || (size == 0 && fill > 0);
                    ck_assert_int_eq(is_new, !seen);
                    if (size > 0)
                        ck_assert_uint_eq(sum, round);
                }
            }
        }
    }
    ck_assert_uint_eq(table.count, 3 * (3 * sizeof(key) + 1));
}
END_TEST

START_TEST(one_byte_makes_another_key)
{
    uint8_t key[24];
    bool is_new;

    for (size_t size = 1; size <= sizeof(key); size++) {
        memset(key, 'k', sizeof(key));
        add(0, key, size, 1, &is_new);
        ck_assert(is_new);
        for (size_t i = 0; i < size; i++) {
            key[i] ^= 1;
            add(0, key, size, 1, &is_new);
            ck_assert(is_new);
            key[i] ^= 1;
        }
        add(0, key, size, 1, &is_new);
        ck_assert(!is_new);
    }
}
END_TEST

/* Short and long keys, many times the first capacity; every slot gives its key back. */
START_TEST(it_grows_and_keeps_all)
{
    enum { KEYS = 20000 };
    char key[64];
    bool is_new;

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < KEYS; i++) {
            int size = snprintf(key, sizeof(key), i % 3 == 0 ? "%d" : "%030d", i);
            ck_assert_uint_eq(add((uint32_t)i % 5, key, (size_t)size, 1, &is_new),
                              (uint64_t)round + 1);
            ck_assert_int_eq(is_new, round == 0);
        }
    }
    ck_assert_uint_eq(table.count, KEYS);
    for (size_t i = 1; i <= table.count; i++) {
        const beamc__slot *slot = &table.slots[i];
        size_t size;
        const uint8_t *bytes = beamc__slot_key(slot, &size);
        snprintf(key, sizeof(key), "%.*s", (int)size, (const char *)bytes);
        int number = atoi(key);
        ck_assert_int_eq(number, (int)i - 1); /* in the order in which they came */
        ck_assert_uint_eq(beamc__slot_window(slot), (uint32_t)number % 5);
    }
}
END_TEST

static size_t bytes_of(size_t capacity)
{
    return capacity * sizeof(*table.index) + (capacity / 2 + 1) * sizeof(*table.slots);
}

START_TEST(it_says_what_it_will_need)
{
    bool is_new;

    ck_assert_uint_eq(beamc__combine_table_bytes(&table, 2), bytes_of(BEAMC__CAPACITY_FIRST));
    for (uint64_t i = 0; i < 5000; i++) {
        size_t needed = beamc__combine_table_bytes(&table, 2);
        add(0, &i, sizeof(i), 1, &is_new);
        ck_assert_uint_le(bytes_of(table.capacity), needed);
    }
    size_t grown = table.capacity;
    beamc__combine_table_clear(&table);
    ck_assert_uint_eq(table.count, 0);
    ck_assert_uint_eq(table.capacity, grown);
    ck_assert_uint_eq(beamc__combine_table_bytes(&table, 2), bytes_of(BEAMC__CAPACITY_FIRST));
    ck_assert_uint_eq(beamc__combine_table_bytes(&table, BEAMC__SLOT_NUMBER + 1), SIZE_MAX);
    add(0, "x", 1, 1, &is_new);
    ck_assert(is_new);
}
END_TEST

START_TEST(a_cleared_table_is_empty)
{
    bool is_new;

    for (int round = 0; round < 3; round++) {
        add(0, "short", 5, 1, &is_new);
        ck_assert(is_new);
        add(0, "a key of more than fifteen bytes", 32, 1, &is_new);
        ck_assert(is_new);
        beamc__combine_table_clear(&table);
    }
}
END_TEST

/* With no memory it answers NULL and holds what it held. */
START_TEST(without_memory_it_keeps_what_it_has)
{
    beamc__slot like;
    bool is_new;
    uint64_t i = 0;

    for (; beamc__combine_table_fits(table.count + 1, table.capacity); i++)
        add(0, &i, sizeof(i), 1, &is_new);
    test_alloc_fail_at(0);
    beamc__slot_prepare(&like, 0, &i, sizeof(i));
    ck_assert_ptr_null(beamc__combine_table_find(&table, &like, &is_new));
    test_alloc_fail_at(-1);
    for (uint64_t k = 0; k < i; k++)
        ck_assert_uint_eq(add(0, &k, sizeof(k), 1, &is_new), 2);
    add(0, &i, sizeof(i), 1, &is_new);
    ck_assert(is_new);

    test_alloc_fail_at(0);
    beamc__slot_prepare(&like, 0, "a key of more than fifteen bytes", 32);
    beamc__slot *slot = beamc__combine_table_find(&table, &like, &is_new);
    bool failed = test_alloc_failed();
    test_alloc_fail_at(-1);
    ck_assert((slot == NULL) == failed);
}
END_TEST

Suite *suite_combine_table(void)
{
    Suite *suite = suite_create("combine_table");
    TCase *tc = tcase_create("keys");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, keys_of_all_sizes_are_told_apart);
    tcase_add_test(tc, one_byte_makes_another_key);
    tcase_add_test(tc, it_grows_and_keeps_all);
    tcase_add_test(tc, it_says_what_it_will_need);
    tcase_add_test(tc, a_cleared_table_is_empty);
    tcase_add_test(tc, without_memory_it_keeps_what_it_has);
    suite_add_tcase(suite, tc);
    return suite;
}
