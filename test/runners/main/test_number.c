/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers for people. */
#include "runners/main/number.h"
#include <check.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    int64_t value;
    const char *text;
} counts[] = {
    { 0, "0" },
    { 999, "999" },
    { 1000, "1,000" },
    { -1000, "-1,000" },
    { -100, "-100" },
    { 1234567, "1,234,567" },
    { INT64_MAX, "9,223,372,036,854,775,807" },
    { INT64_MIN, "-9,223,372,036,854,775,808" },
};

START_TEST(counts_have_commas)
{
    char out[BEAMC__NUMBER_SIZE];
    ck_assert_str_eq(beamc__number_count(out, counts[_i].value), counts[_i].text);
}
END_TEST

static const struct {
    int64_t value;
    const char *text;
} sizes[] = {
    { 0, "0 B" },           { 999, "999 B" },       { 1000, "1.00 kB" },
    { 12345, "12.3 kB" },   { 999499, "999 kB" },   { 999500, "1.00 MB" },
    { 123456789, "123 MB" }, { INT64_MAX, "9.22 EB" },
};

START_TEST(sizes_have_three_digits)
{
    char out[BEAMC__NUMBER_SIZE];
    ck_assert_str_eq(beamc__number_bytes(out, sizes[_i].value), sizes[_i].text);
}
END_TEST

static const struct {
    int64_t ms;
    const char *text;
} times[] = {
    { 0, "0.00 s" },       { 414, "0.41 s" },          { 9994, "9.99 s" },
    { 9996, "10.0 s" },    { 59949, "59.9 s" },        { 59950, "1 min 0 s" },
    { 185000, "3 min 5 s" }, { 3599400, "59 min 59 s" }, { 7800000, "2 h 10 min" },
};

START_TEST(times_have_units)
{
    char out[BEAMC__NUMBER_SIZE];
    ck_assert_str_eq(beamc__number_time(out, times[_i].ms), times[_i].text);
}
END_TEST

START_TEST(rates_are_per_second)
{
    char out[BEAMC__NUMBER_SIZE];
    ck_assert_str_eq(beamc__number_rate(out, 5, 0), "");
    ck_assert_str_eq(beamc__number_rate(out, 5, 1000), "5.00 /s");
    ck_assert_str_eq(beamc__number_rate(out, 3200000, 1000), "3.20 M/s");
    ck_assert_str_eq(beamc__number_rate(out, 1, 4000), "0.25 /s");
    ck_assert_str_eq(beamc__number_rate(out, INT64_MAX, 1), "9223 E/s");
}
END_TEST

START_TEST(doubles_are_short_and_exact)
{
    char out[BEAMC__NUMBER_SIZE];
    ck_assert_str_eq(beamc__number_double(out, 0.1), "0.1");
    ck_assert_str_eq(beamc__number_double(out, 1e300), "1e+300");
    ck_assert_str_eq(beamc__number_double(out, 0.1 + 0.2), "0.30000000000000004");
    ck_assert_str_eq(beamc__number_double(out, -3), "-3");
}
END_TEST

Suite *suite_number(void)
{
    Suite *suite = suite_create("number");
    TCase *tc = tcase_create("number");

    tcase_add_loop_test(tc, counts_have_commas, 0, (int)COUNT(counts));
    tcase_add_loop_test(tc, sizes_have_three_digits, 0, (int)COUNT(sizes));
    tcase_add_loop_test(tc, times_have_units, 0, (int)COUNT(times));
    tcase_add_test(tc, rates_are_per_second);
    tcase_add_test(tc, doubles_are_short_and_exact);
    suite_add_tcase(suite, tc);
    return suite;
}
