/* SPDX-License-Identifier: Apache-2.0 */
/* Assertions inside pipelines: what holds, what does not, and what they say then. */
#include "test/sdk/transforms/collect.h"

#include <beamc/aggregate.h>
#include <beamc/assert_that.h>
#include <beamc/direct.h>
#include <beamc/kv.h>
#include <beamc/timestamps.h>
#include <check.h>
#include <math.h>
#include <string.h>

#define STRING(text) { text, sizeof(text) - 1 }

static const int64_t numbers[] = { 3, 1, 2, 3 };

BEAMC_COUNTER(held, "beamc_assert_that")

BEAMC_KV(string_count, string, int64)
BEAMC_NULLABLE(maybe_string, string)
BEAMC_MAP(prices, string, int64)
BEAMC_ARRAY(marks, float64)
#define GOODS(F) F(string, name) F(maybe_string, label) F(prices, by_shop) F(marks, given)
BEAMC_ROW(goods, GOODS)

/* Runs @pipeline with one worker and with three; the error, if any, has to contain @part;
 * NULL: there is none, and @count assertions have held. */
static void check_run(beamc_pipeline *pipeline, const char *part, int64_t count)
{
    static const int workers[] = { 1, 3 };

    for (size_t i = 0; i < sizeof(workers) / sizeof(workers[0]); i++) {
        beamc_direct_options options = { .workers = workers[i], .log_level = BEAMC_LOG_CRITICAL };
        beamc_result *result = NULL;
        char text[4096] = "";
        beamc_error *error = beamc_run_direct(&result, pipeline, &options);
        if (error != NULL)
            beamc_error_print(error, text, sizeof(text));
        if (part == NULL) {
            ck_assert_msg(error == NULL, "%s", text);
            ck_assert_int_eq(beamc_result_counter(result, &held), count);
        } else
            ck_assert_msg(strstr(text, part) != NULL, "'%s' does not say '%s'", text, part);
        beamc_error_free(error);
        beamc_result_free(result);
    }
    beamc_pipeline_free(pipeline);
}

START_TEST(elements_in_any_order_hold)
{
    static const int64_t expected[] = { 1, 3, 3, 2 };
    beamc_pipeline *pipeline = collect_pipeline();
    beamc_pcollection in = beamc_create(pipeline, BEAMC_TYPE(int64), numbers, 4);

    beamc_assert_that(in, expected, 4);
    beamc_assert_that_count(in, 4);
    check_run(pipeline, NULL, 2);
}
END_TEST

static const struct {
    int64_t expected[20];
    size_t count;
    const char *says;
} wrong[] = {
    { { 1, 2, 3 }, 3, "test_assert_that.c:81: 4 elements are not what is expected: unexpected 3" },
    { { 1, 2, 3, 3, 3, 7 }, 6, "missing 3, 7" },
    { { 1, 2, 3, 4 }, 4, "missing 4; unexpected 3" },
    { { 0 }, 0, "unexpected 1, 2, 3, 3" },
    { { 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 1, 2, 3, 3 }, 15, "18, 19 and 1 more" },
};
enum { WRONG = sizeof(wrong) / sizeof(wrong[0]) };

START_TEST(other_elements_fail_and_are_told)
{
    beamc_pipeline *pipeline = collect_pipeline();
    beamc_pcollection in = beamc_create(pipeline, BEAMC_TYPE(int64), numbers, 4);

    beamc_assert_that(in, wrong[_i].expected, wrong[_i].count);
    check_run(pipeline, wrong[_i].says, 0);
}
END_TEST

START_TEST(nothing_is_checked_too)
{
    static const int64_t one = 1;
    beamc_pipeline *pipeline = collect_pipeline();
    beamc_pcollection in = beamc_create(pipeline, BEAMC_TYPE(int64), NULL, 0);

    if (_i == 0) {
        beamc_assert_that_empty(in);
        beamc_assert_that_count(in, 0);
        check_run(pipeline, NULL, 2);
    } else if (_i == 1) {
        beamc_assert_that(in, &one, 1);
        check_run(pipeline, "0 elements are not what is expected: missing 1", 0);
    } else {
        beamc_assert_that_count(in, 1);
        check_run(pipeline, "0 elements, not 1", 0);
    }
}
END_TEST

BEAMC_TIMESTAMP_FN(at_itself, int64)
{
    return *element;
}

START_TEST(elements_of_all_windows_are_checked_together)
{
    static const int64_t expected[] = { 1, 2, 3, 3 };
    beamc_pipeline *pipeline = collect_pipeline();
    beamc_pcollection in = beamc_create(pipeline, BEAMC_TYPE(int64), numbers, 4);

    in = beamc_window_into(beamc_with_timestamps(in, &at_itself), beamc_fixed_windows(2));
    beamc_assert_that(in, expected, 4);
    beamc_assert_that_count(in, 4);
    check_run(pipeline, NULL, 2);
}
END_TEST

START_TEST(order_within_iterables_has_no_meaning)
{
    static const string_count words[] = { { STRING("a"), 2 }, { STRING("b"), 5 },
                                          { STRING("a"), 1 } };
    static const int64_t of_a[] = { 2, 1 };
    static const int64_t of_b[] = { 5, 6 };
    beamc_pipeline *pipeline = collect_pipeline();
    beamc_pcollection in = beamc_create(pipeline, BEAMC_TYPE(string_count), words, 3);
    const struct {
        beamc_string key;
        beamc_iterable values;
    } expected[] = {
        { STRING("b"), beamc_iterable_of_array(BEAMC_TYPE(int64), of_b, _i == 0 ? 1 : 2) },
        { STRING("a"), beamc_iterable_of_array(BEAMC_TYPE(int64), of_a, 2) },
    };

    beamc_assert_that(beamc_group_by_key(in), expected, 2);
    check_run(pipeline, _i == 0 ? NULL : "missing ", 1);
}
END_TEST

START_TEST(rows_are_compared_by_what_they_mean)
{
    static const prices_entry ab[] = { { STRING("a"), 1 }, { STRING("b"), 2 } };
    static const prices_entry ba[] = { { STRING("b"), 2 }, { STRING("a"), 1 } };
    static const double zero[] = { 0.0, NAN };
    static const double minus_zero[] = { -0.0, -NAN };
    const goods given = { STRING("lamp"), { true, STRING("x") }, { ab, 2 },
                          { zero, 2 } };
    goods expected = { STRING("lamp"), { true, STRING("x") }, { ba, 2 },
                       { minus_zero, 2 } };
    beamc_pipeline *pipeline = collect_pipeline();

    if (_i == 1)
        expected.label.present = false;
    if (_i == 2)
        expected.given.count = 1;
    beamc_assert_that(beamc_create(pipeline, BEAMC_TYPE(goods), &given, 1), &expected, 1);
    check_run(pipeline, _i == 0 ? NULL : "1 element is not what is expected: missing {name: lamp",
              1);
}
END_TEST

START_TEST(long_elements_are_cut_between_characters)
{
    char text[400];
    beamc_pipeline *pipeline = collect_pipeline();
    beamc_string value = { text, sizeof(text) };

    for (size_t i = 0; i < sizeof(text); i += 2)
        memcpy(text + i, "\xc3\xa4", 2);
    text[0] = 'x';
    text[1] = 'y';
    beamc_pcollection in = beamc_create(pipeline, BEAMC_TYPE(string), &value, 1);
    beamc_assert_that_empty(in);
    check_run(pipeline, "\xc3\xa4...", 0);
}
END_TEST

START_TEST(values_of_another_size_are_refused)
{
    static const int32_t expected[] = { 1 };
    beamc_pipeline *pipeline = collect_pipeline();

    beamc_assert_that(beamc_create(pipeline, BEAMC_TYPE(int64), numbers, 4), expected, 1);
    check_run(pipeline, "int64 has 8 bytes, and what is expected 4", 0);
}
END_TEST

Suite *suite_assert_that(void);
Suite *suite_assert_that(void)
{
    Suite *suite = suite_create("assert_that");
    TCase *tc = tcase_create("assert_that");

    tcase_add_test(tc, elements_in_any_order_hold);
    tcase_add_loop_test(tc, other_elements_fail_and_are_told, 0, WRONG);
    tcase_add_loop_test(tc, nothing_is_checked_too, 0, 3);
    tcase_add_test(tc, elements_of_all_windows_are_checked_together);
    tcase_add_loop_test(tc, order_within_iterables_has_no_meaning, 0, 2);
    tcase_add_loop_test(tc, rows_are_compared_by_what_they_mean, 0, 3);
    tcase_add_test(tc, long_elements_are_cut_between_characters);
    tcase_add_test(tc, values_of_another_size_are_refused);
    suite_add_tcase(suite, tc);
    return suite;
}
