/* SPDX-License-Identifier: Apache-2.0 */
/* The table of byte strings. */
#include "sdk/base/table.h"
#include "test/alloc.h"
#include <check.h>
#include <stdio.h>
#include <string.h>

static beamc__table *table;
static int values[5000];

static void set_up(void)
{
    table = beamc__table_new();
    ck_assert_ptr_nonnull(table);
}

static void tear_down(void)
{
    test_alloc_fail_at(-1);
    beamc__table_free(table);
}

START_TEST(an_empty_table_has_nothing)
{
    ck_assert_uint_eq(beamc__table_count(table), 0);
    ck_assert_ptr_null(beamc__table_gets(table, "key"));
    ck_assert_ptr_null(beamc__table_get(table, NULL, 0));
    beamc__table_free(NULL);
}
END_TEST

START_TEST(many_keys_are_found_in_order_of_insertion)
{
    int count = sizeof(values) / sizeof(values[0]);
    char key[32];

    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof(key), "key %d", i * 7919);
        ck_assert_int_eq(beamc__table_puts(table, key, &values[i]), BEAMC_OK);
    }
    ck_assert_uint_eq(beamc__table_count(table), (size_t)count);
    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof(key), "key %d", i * 7919);
        ck_assert_ptr_eq(beamc__table_gets(table, key), &values[i]);
        ck_assert_str_eq(beamc__table_key(table, (size_t)i), key);
        ck_assert_ptr_eq(beamc__table_value(table, (size_t)i), &values[i]);
        snprintf(key, sizeof(key), "key %d", i * 7919 + 1);
        ck_assert_ptr_null(beamc__table_gets(table, key));
    }
}
END_TEST

START_TEST(putting_again_replaces)
{
    ck_assert_int_eq(beamc__table_puts(table, "a", &values[0]), BEAMC_OK);
    ck_assert_int_eq(beamc__table_puts(table, "b", &values[1]), BEAMC_OK);
    test_alloc_fail_at(0);
    ck_assert_int_eq(beamc__table_puts(table, "a", &values[2]), BEAMC_OK);
    ck_assert(!test_alloc_failed());
    ck_assert_uint_eq(beamc__table_count(table), 2);
    ck_assert_ptr_eq(beamc__table_gets(table, "a"), &values[2]);
    ck_assert_str_eq(beamc__table_key(table, 0), "a");
    ck_assert_ptr_eq(beamc__table_value(table, 0), &values[2]);
}
END_TEST

START_TEST(keys_are_bytes)
{
    static const struct {
        const char *bytes;
        size_t size;
    } keys[] = { { "", 0 }, { "\0", 1 }, { "\0\0", 2 }, { "a", 1 }, { "a\0", 2 }, { "a\0b", 3 } };
    size_t count = sizeof(keys) / sizeof(keys[0]);

    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(beamc__table_put(table, keys[i].bytes, keys[i].size, &values[i]),
                         BEAMC_OK);
    ck_assert_uint_eq(beamc__table_count(table), count);
    for (size_t i = 0; i < count; i++)
        ck_assert_ptr_eq(beamc__table_get(table, keys[i].bytes, keys[i].size), &values[i]);
    ck_assert_ptr_eq(beamc__table_get(table, NULL, 0), &values[0]);
}
END_TEST

START_TEST(keys_are_copied)
{
    char key[] = "mine";

    ck_assert_int_eq(beamc__table_puts(table, key, &values[0]), BEAMC_OK);
    key[0] = 'x';
    ck_assert_ptr_eq(beamc__table_gets(table, "mine"), &values[0]);
    ck_assert_ptr_null(beamc__table_gets(table, key));
}
END_TEST

/* The table goes on after a failure, and what failed can be done again. */
START_TEST(every_allocation_fails_once)
{
    char key[32];

    for (long n = 0;; n++) {
        beamc__table *mine = beamc__table_new();
        ck_assert_ptr_nonnull(mine);
        test_alloc_fail_at(n);
        for (int i = 0; i < 100; i++) {
            snprintf(key, sizeof(key), "%d", i);
            int rc = beamc__table_puts(mine, key, &values[i]);
            if (rc < 0) {
                ck_assert_int_eq(rc, BEAMC_ENOMEM);
                ck_assert_uint_eq(beamc__table_count(mine), (size_t)i);
                ck_assert_ptr_null(beamc__table_gets(mine, key));
                ck_assert_int_eq(beamc__table_puts(mine, key, &values[i]), BEAMC_OK);
            }
        }
        for (int i = 0; i < 100; i++) {
            snprintf(key, sizeof(key), "%d", i);
            ck_assert_ptr_eq(beamc__table_gets(mine, key), &values[i]);
        }
        beamc__table_free(mine);
        if (!test_alloc_failed())
            break;
    }
    test_alloc_fail_at(0);
    ck_assert_ptr_null(beamc__table_new());
}
END_TEST

Suite *suite_table(void)
{
    Suite *suite = suite_create("table");
    TCase *tc = tcase_create("table");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, an_empty_table_has_nothing);
    tcase_add_test(tc, many_keys_are_found_in_order_of_insertion);
    tcase_add_test(tc, putting_again_replaces);
    tcase_add_test(tc, keys_are_bytes);
    tcase_add_test(tc, keys_are_copied);
    tcase_add_test(tc, every_allocation_fails_once);
    suite_add_tcase(suite, tc);
    return suite;
}
