/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of one element. */
#include "test/sdk/transforms/collect.h"

#include <beamc/map.h>
#include <beamc/timestamps.h>
#include <check.h>

static const int64_t numbers[] = { 1, 2, 3, 4, 5, -6 };
#define NUMBERS beamc_create(collect_pipeline(), BEAMC_TYPE(int64), numbers, 6)

BEAMC_MAP_FN(square, int64, int64)
{
    return *element * *element;
}

BEAMC_FILTER_FN(is_even, int64)
{
    return *element % 2 == 0;
}

BEAMC_FLAT_MAP_FN(count_down, int64, int64)
{
    for (int64_t i = *element; i > 0; i--)
        BEAMC_TRY(beamc_emit(ctx, &i));
    return NULL;
}

START_TEST(map_gives_one_for_each)
{
    collect_check(beamc_map(NUMBERS, &square), "1\n4\n9\n16\n25\n36");
}
END_TEST

START_TEST(filter_keeps_some)
{
    collect_check(beamc_filter(NUMBERS, &is_even), "2\n4\n-6");
}
END_TEST

START_TEST(flat_map_gives_any_number)
{
    collect_check(beamc_flat_map(beamc_filter(NUMBERS, &is_even), &count_down),
                  "2\n1\n4\n3\n2\n1");
}
END_TEST

/* ---- partition ------------------------------------------------------------------------------- */

BEAMC_PARTITION_FN(by_rest, int64, 3)
{
    return (*element + 6) % 3;
}

BEAMC_PARTITION_FN(by_many, int64, 64)
{
    return *element + 6;
}

BEAMC_PARTITION_FN(by_nothing, int64, 1)
{
    return *element < 0;
}

START_TEST(partition_sends_each_to_its_output)
{
    static const char *const expected[] = { "3\n-6", "1\n4", "2\n5" };
    beamc_pcollection parts[3];

    beamc_partition(parts, 3, NUMBERS, &by_rest);
    for (int i = 0; i < 3; i++)
        if (i != _i)
            beamc_map(parts[i], &square);
    collect_check(parts[_i], expected[_i]);
}
END_TEST

START_TEST(partition_has_up_to_64_outputs)
{
    beamc_pcollection parts[64];

    beamc_partition(parts, 64, NUMBERS, &by_many);
    collect_check(beamc_flatten(parts, 64), "1\n2\n3\n4\n5\n-6");
}
END_TEST

START_TEST(partition_refuses_another_number_of_outputs)
{
    beamc_pcollection parts[4];

    beamc_partition(parts, 4, NUMBERS, &by_rest);
    collect_check_refused(parts[3], "by_rest: has 3 partitions, not 4");
}
END_TEST

START_TEST(partition_outside_stops_the_pipeline)
{
    beamc_pcollection part;

    beamc_partition(&part, 1, NUMBERS, &by_nothing);
    collect_check_error(part, "partition 1 is not in [0, 1)");
}
END_TEST

/* ---- logging, flattening --------------------------------------------------------------------- */

START_TEST(log_elements_passes_all_on)
{
    static const beamc_log_elements_options options = { BEAMC_LOG_DEBUG, "seen ", true, true };
    beamc_pcollection in = beamc_window_into(NUMBERS, beamc_fixed_windows(1000));

    in = beamc_log_elements(beamc_log_elements(in, NULL), &options);
    collect_check(in, "1\n2\n3\n4\n5\n-6");
}
END_TEST

START_TEST(log_elements_refuses_a_wrong_level)
{
    static const beamc_log_elements_options options = { .level = (beamc_log_level)99 };

    collect_check_refused(beamc_log_elements(NUMBERS, &options), "there is no level 99");
}
END_TEST

BEAMC_ITERABLE(int64s, int64)

BEAMC_DOFN(up_to, int64, int64s)
{
    int64_t values[8];
    size_t count = 0;

    for (int64_t i = 1; i <= *element; i++)
        values[count++] = i;
    beamc_iterable all = beamc_iterable_of_array(BEAMC_TYPE(int64), values, count);
    return beamc_emit(ctx, &all);
}

START_TEST(flatten_iterables_gives_each_value)
{
    beamc_pcollection lists = beamc_par_do(beamc_filter(NUMBERS, &is_even), &up_to);

    collect_check(beamc_flatten_iterables(lists), "1\n2\n1\n2\n3\n4");
}
END_TEST

START_TEST(flatten_iterables_refuses_others)
{
    collect_check_refused(beamc_flatten_iterables(NUMBERS), "takes Iterable<T>, but gets int64");
}
END_TEST

Suite *suite_map(void);
Suite *suite_map(void)
{
    Suite *suite = suite_create("map");
    TCase *tc = tcase_create("map");

    tcase_add_test(tc, map_gives_one_for_each);
    tcase_add_test(tc, filter_keeps_some);
    tcase_add_test(tc, flat_map_gives_any_number);
    tcase_add_loop_test(tc, partition_sends_each_to_its_output, 0, 3);
    tcase_add_test(tc, partition_has_up_to_64_outputs);
    tcase_add_test(tc, partition_refuses_another_number_of_outputs);
    tcase_add_test(tc, partition_outside_stops_the_pipeline);
    tcase_add_test(tc, log_elements_passes_all_on);
    tcase_add_test(tc, log_elements_refuses_a_wrong_level);
    tcase_add_test(tc, flatten_iterables_gives_each_value);
    tcase_add_test(tc, flatten_iterables_refuses_others);
    suite_add_tcase(suite, tc);
    return suite;
}
