/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and counts of ranges. */
#include "sdk/io/ranges.h"

#include <check.h>

#define MB UINT64_C(1000000)
#define MIB (UINT64_C(1) << 20)

typedef struct {
    uint64_t total;
    uint64_t least;
    uint64_t count; /* of one file of that size */
} size_case;

static const size_case size_cases[] = {
    { 0, 0, 1 },
    { 1, 0, 1 },
    { 3 * MB, 0, 1 },
    { 16 * MIB, 0, 2 },
    { 20 * MB, 0, 2 },
    { 200 * MB, 0, 16 },
    { 1024 * MIB, 0, 16 },
    { 2048 * MIB, 0, 32 },
    { 1000000 * MIB, 0, 15625 },
    { 20 * MB, 1, 16 },
    { 20 * MB, 20 * MB, 1 },
    { 10, 1, 5 },
    { 3, 1, 2 },
    { 2000000 * MB, 500 * MB, 4000 },
};

START_TEST(counts_are_as_told)
{
    const size_case *test = &size_cases[_i];
    uint64_t size = beamc__range_size(test->total, test->least);

    ck_assert_uint_gt(size, 0);
    ck_assert_uint_eq(beamc__range_count(test->total, size), test->count);
}
END_TEST

START_TEST(ranges_cover_the_file)
{
    for (uint64_t size = 0; size < 40; size++) {
        for (uint64_t range = 1; range < 50; range++) {
            uint64_t count = beamc__range_count(size, range);
            ck_assert_uint_ge(count, 1);
            ck_assert_uint_eq(beamc__range_start(size, count, 0), 0);
            ck_assert_uint_eq(beamc__range_start(size, count, count), size);
            for (uint64_t i = 0; i < count; i++) {
                uint64_t one =
                    beamc__range_start(size, count, i + 1) - beamc__range_start(size, count, i);
                ck_assert_uint_le(one, size / count + 1);
                ck_assert_uint_ge(one, size / count);
            }
        }
    }
}
END_TEST

START_TEST(many_files_have_a_range_each)
{
    uint64_t size = beamc__range_size(200 * MB, 0);

    ck_assert_uint_eq(beamc__range_count(10, size), 1);
    ck_assert_uint_eq(beamc__range_count(size, size), 1);
    ck_assert_uint_eq(beamc__range_count(size + size / 2, size), 2);
}
END_TEST

Suite *suite_ranges(void);

Suite *suite_ranges(void)
{
    Suite *suite = suite_create("ranges");
    TCase *tc = tcase_create("ranges");

    tcase_add_loop_test(tc, counts_are_as_told, 0, sizeof(size_cases) / sizeof(size_cases[0]));
    tcase_add_test(tc, ranges_cover_the_file);
    tcase_add_test(tc, many_files_have_a_range_each);
    suite_add_tcase(suite, tc);
    return suite;
}
