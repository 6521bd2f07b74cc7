/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/log_limit.h"

#include <check.h>
#include <stdlib.h>

static const char file[] = "f.c";
static beamc__log_limit limit;

/* How many of @count entries at once may go. */
static int pass(int line, int64_t now_ms, int count)
{
    uint64_t left_out;
    int passed = 0;

    for (int i = 0; i < count; i++)
        passed += beamc__log_limit_pass(&limit, file, line, now_ms, &left_out);
    return passed;
}

START_TEST(a_place_has_a_burst_and_then_a_rate)
{
    ck_assert_int_eq(pass(1, 5000, 3 * BEAMC__LOG_BURST), BEAMC__LOG_BURST);
    ck_assert_int_eq(pass(1, 5000, 10), 0);
    ck_assert_int_eq(pass(1, 5009, 10), 0);
    ck_assert_int_eq(pass(1, 5010, 10), 1);
    ck_assert_int_eq(pass(1, 6010, 1000), BEAMC__LOG_PER_SECOND);
    ck_assert_int_eq(pass(1, 9000000, 2 * BEAMC__LOG_BURST), BEAMC__LOG_BURST);
}
END_TEST

START_TEST(places_have_limits_of_their_own)
{
    uint64_t left_out;

    ck_assert_int_eq(pass(1, 0, 2 * BEAMC__LOG_BURST), BEAMC__LOG_BURST);
    ck_assert_int_eq(pass(2, 0, 2 * BEAMC__LOG_BURST), BEAMC__LOG_BURST);
    ck_assert(beamc__log_limit_pass(&limit, "other.c", 1, 0, &left_out));
}
END_TEST

START_TEST(what_is_left_out_is_counted)
{
    uint64_t left_out;

    pass(1, 0, BEAMC__LOG_BURST);
    for (uint64_t i = 1; i <= 3; i++) {
        ck_assert(!beamc__log_limit_pass(&limit, file, 1, 0, &left_out));
        ck_assert_uint_eq(left_out, i);
    }
    ck_assert(beamc__log_limit_pass(&limit, file, 1, 10, &left_out));
    ck_assert_uint_eq(left_out, 3);
    ck_assert(beamc__log_limit_pass(&limit, file, 1, 20, &left_out));
    ck_assert_uint_eq(left_out, 0);
}
END_TEST

START_TEST(clocks_may_be_set_back)
{
    pass(1, 100000, BEAMC__LOG_BURST);
    ck_assert_int_eq(pass(1, 50000, 10), 0);
    ck_assert_int_eq(pass(1, 50010, 10), 1);
}
END_TEST

START_TEST(places_past_the_most_have_no_limit)
{
    for (int line = 1; line <= BEAMC__LOG_PLACES; line++)
        ck_assert_int_eq(pass(line, 0, 1), 1);
    ck_assert_int_eq(pass(BEAMC__LOG_PLACES + 1, 0, 2 * BEAMC__LOG_BURST), 2 * BEAMC__LOG_BURST);
    ck_assert_int_eq(pass(BEAMC__LOG_PLACES, 0, 2 * BEAMC__LOG_BURST), BEAMC__LOG_BURST - 1);
}
END_TEST

Suite *suite_log_limit(void)
{
    Suite *suite = suite_create("log_limit");
    TCase *tc = tcase_create("log_limit");

    tcase_add_test(tc, a_place_has_a_burst_and_then_a_rate);
    tcase_add_test(tc, places_have_limits_of_their_own);
    tcase_add_test(tc, what_is_left_out_is_counted);
    tcase_add_test(tc, clocks_may_be_set_back);
    tcase_add_test(tc, places_past_the_most_have_no_limit);
    suite_add_tcase(suite, tc);
    return suite;
}
