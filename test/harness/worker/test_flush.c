/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/flush.h"

#include <check.h>

#define KB ((size_t)1 << 10)

static int takes;

/* Sends @count messages from @due on. */
static size_t sent(beamc__flush *flush, size_t due, int count)
{
    for (int i = 0; i < count; i++)
        due = beamc__flush_sent(flush, due);
    return due;
}

START_TEST(messages_get_larger_for_a_runner_that_may_take_no_more)
{
    beamc__flush flush;
    size_t sum = 0;

    takes = 0;
    size_t due = beamc__flush_start(&flush, 0, &takes);
    for (int i = 0; i < 100; i++) {
        sum += due;
        due = beamc__flush_sent(&flush, due);
    }
    ck_assert_uint_eq(due, 4096 * KB);
    ck_assert_uint_ge(sum, 150000 * KB);
}
END_TEST

START_TEST(a_runner_that_took_many_gets_small_ones)
{
    beamc__flush flush, next;

    takes = 0;
    size_t due = beamc__flush_start(&flush, 0, &takes);
    due = sent(&flush, due, 127);
    ck_assert_uint_eq(due, 4096 * KB);
    due = sent(&flush, due, 1);
    ck_assert_uint_eq(due, 512 * KB);
    ck_assert_uint_eq(sent(&flush, due, 100), 512 * KB);

    due = beamc__flush_start(&next, 0, &takes);
    ck_assert_uint_eq(due, 64 * KB);
    ck_assert_uint_eq(sent(&next, due, 100), 512 * KB);
}
END_TEST

START_TEST(a_runner_that_takes_no_more_gets_large_ones_again)
{
    beamc__flush flush;

    takes = 1;
    size_t due = sent(&flush, beamc__flush_start(&flush, 0, &takes), 50);
    ck_assert_uint_eq(due, 512 * KB);
    beamc__flush_stuck(&flush);
    ck_assert_int_eq(takes, 0);
    ck_assert_uint_eq(sent(&flush, due, 127), 4096 * KB);
    ck_assert_int_eq(takes, 0);
    sent(&flush, due, 1);
    ck_assert_int_eq(takes, 1);
}
END_TEST

START_TEST(what_was_told_stays)
{
    beamc__flush flush;

    takes = 0;
    ck_assert_uint_eq(sent(&flush, beamc__flush_start(&flush, 1000, &takes), 200), 1000);
    ck_assert_int_eq(takes, 0);
    ck_assert_uint_eq(beamc__flush_start(&flush, SIZE_MAX, &takes), 65536 * KB);
}
END_TEST

Suite *suite_flush(void)
{
    Suite *suite = suite_create("flush");
    TCase *tc = tcase_create("flush");

    tcase_add_test(tc, messages_get_larger_for_a_runner_that_may_take_no_more);
    tcase_add_test(tc, a_runner_that_took_many_gets_small_ones);
    tcase_add_test(tc, a_runner_that_takes_no_more_gets_large_ones_again);
    tcase_add_test(tc, what_was_told_stays);
    suite_add_tcase(suite, tc);
    return suite;
}
