/* SPDX-License-Identifier: Apache-2.0 */
/* Aggregates as transforms: globally, per key, per window. */
#include "test/sdk/transforms/collect.h"

#include "test/alloc.h"
#include <beamc/aggregate.h>
#include <beamc/batches.h>
#include <beamc/kv.h>
#include <beamc/map.h>
#include <beamc/timestamps.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define S(text) { text, sizeof(text) - 1 }

BEAMC_KV(score, string, int64)
BEAMC_KV(weight, string, float64)
BEAMC_KV(nick, int64, string)
#define PERSON(F) F(string, name) F(int64, age)
BEAMC_ROW(person, PERSON)

static const int64_t numbers[] = { 3, 1, 3, 2, 3, 1 };
static const double reals[] = { 0.5, 2.25, 0.5, 1e100, -1e100 };
static const beamc_string words[] = { S("fig"), S("pear"), S("fig"), S("apple"), S("") };
static const score scores[] = { { S("a"), 5 }, { S("b"), 2 }, { S("a"), 7 },
                                { S("a"), 5 }, { S("b"), -1 } };
static const weight weights[] = { { S("a"), 0.5 }, { S("b"), 4 }, { S("a"), 1.5 } };
static const person people[] = { { S("Ann"), 30 }, { S("Bob"), 25 }, { S("Cid"), 41 } };
static const nick nicks[] = { { 1, S("x") }, { 2, S("zz") }, { 1, S("y") }, { 2, S("z") } };

#define CREATE(word, values)                                                                       \
    beamc_create(collect_pipeline(), BEAMC_TYPE(word), values, sizeof(values) / sizeof((values)[0]))
#define NOTHING(word) beamc_create(collect_pipeline(), BEAMC_TYPE(word), NULL, 0)

START_TEST(counts)
{
    collect_check(beamc_count_globally(CREATE(int64, numbers)), "6");
    collect_check(beamc_count_globally(NOTHING(string)), "0");
    collect_check(beamc_count_per_key(CREATE(score, scores)), "(a, 3)\n(b, 2)");
    collect_check(beamc_count_per_element(CREATE(int64, numbers)), "(1, 2)\n(2, 1)\n(3, 3)");
    collect_check(beamc_count_per_element(CREATE(string, words)),
                  "(fig, 2)\n(pear, 1)\n(apple, 1)\n(, 1)");
    collect_check(beamc_count_per_element(NOTHING(string)), "");
    collect_check(beamc_count_per_element(CREATE(person, people)),
                  "({name: Ann, age: 30}, 1)\n"
                  "({name: Bob, age: 25}, 1)\n"
                  "({name: Cid, age: 41}, 1)");
}
END_TEST

START_TEST(count_of_what_is_no_key)
{
    collect_check(beamc_count_per_element(CREATE(float64, reals)),
                  "(0.5, 2)\n(2.25, 1)\n(1e+100, 1)\n(-1e+100, 1)");
    collect_check(beamc_distinct(CREATE(weight, weights)), "(a, 0.5)\n(b, 4)\n(a, 1.5)");
}
END_TEST

START_TEST(distinct)
{
    collect_check(beamc_distinct(CREATE(int64, numbers)), "1\n2\n3");
    collect_check(beamc_distinct(CREATE(string, words)), "fig\npear\napple\n");
    collect_check(beamc_distinct(CREATE(float64, reals)), "0.5\n2.25\n1e+100\n-1e+100");
    collect_check(beamc_distinct(CREATE(score, scores)), "(a, 5)\n(b, 2)\n(a, 7)\n(b, -1)");
}
END_TEST

START_TEST(sum_and_mean)
{
    collect_check(beamc_sum_globally(CREATE(int64, numbers)), "13");
    collect_check(beamc_sum_globally(CREATE(float64, reals)), "3.25");
    collect_check(beamc_sum_globally(NOTHING(int64)), "0");
    collect_check(beamc_sum_per_key(CREATE(score, scores)), "(a, 17)\n(b, 1)");
    collect_check(beamc_sum_per_key(CREATE(weight, weights)), "(a, 2)\n(b, 4)");
    collect_check(beamc_mean_globally(CREATE(float64, reals)), "0.65");
    collect_check(beamc_mean_globally(NOTHING(float64)), "NaN");
    collect_check(beamc_mean_per_key(CREATE(score, scores)), "(a, 5.666666666666667)\n(b, 0.5)");
    collect_check(beamc_mean_per_key(CREATE(weight, weights)), "(a, 1)\n(b, 4)");
}
END_TEST

START_TEST(sum_and_mean_are_of_numbers)
{
    collect_check_refused(beamc_sum_globally(CREATE(string, words)),
                          "SumGlobally: takes int64 or float64, but gets string");
    collect_check_refused(beamc_mean_per_key(CREATE(nick, nicks)),
                          "MeanPerKey: takes KV<K, int64> or KV<K, float64>, but gets");
    collect_check_refused(beamc_sum_per_key(CREATE(int64, numbers)), "but gets int64");
}
END_TEST

START_TEST(sum_beyond_int64_stops_the_pipeline)
{
    static const int64_t large[] = { INT64_MAX, 2 };

    collect_check_error(beamc_sum_globally(CREATE(int64, large)), "does not fit int64");
}
END_TEST

START_TEST(min_and_max)
{
    collect_check(beamc_min_globally(CREATE(int64, numbers)), "1");
    collect_check(beamc_max_globally(CREATE(int64, numbers)), "3");
    collect_check(beamc_min_globally(CREATE(float64, reals)), "-1e+100");
    collect_check(beamc_max_globally(CREATE(string, words)), "pear");
    collect_check(beamc_max_globally(CREATE(person, people)), "{name: Cid, age: 41}");
    collect_check(beamc_min_globally(NOTHING(int64)), "");
    collect_check(beamc_max_globally(NOTHING(string)), "");
    collect_check(beamc_min_per_key(CREATE(score, scores)), "(a, 5)\n(b, -1)");
    collect_check(beamc_max_per_key(CREATE(score, scores)), "(a, 7)\n(b, 2)");
    collect_check(beamc_max_per_key(CREATE(nick, nicks)), "(1, y)\n(2, zz)");
}
END_TEST

START_TEST(top)
{
    collect_check(beamc_largest_globally(CREATE(int64, numbers), 2), "[3, 3]");
    collect_check(beamc_smallest_globally(CREATE(string, words), 3), "[, apple, fig]");
    collect_check(beamc_largest_globally(NOTHING(int64), 2), "[]");
    collect_check(beamc_largest_per_key(CREATE(score, scores), 2), "(a, [7, 5])\n(b, [2, -1])");
    collect_check(beamc_smallest_per_key(CREATE(nick, nicks), 1), "(1, [x])\n(2, [z])");
    collect_check(beamc_top_globally(CREATE(person, people), beamc_top_of(2, false, "age")),
                  "[{name: Cid, age: 41}, {name: Ann, age: 30}]");
    collect_check(beamc_top_globally(CREATE(score, scores), beamc_top_of(2, true, "value")),
                  "[(b, -1), (b, 2)]");
    collect_check_refused(beamc_top_globally(CREATE(int64, numbers), beamc_top_of(0, true, NULL)),
                          "a count of 0");
    collect_check_refused(beamc_top_per_key(CREATE(score, scores), beamc_top_of(1, true, "size")),
                          "has no field \"size\"");
}
END_TEST

/* ---- latest ---------------------------------------------------------------------------------- */

BEAMC_TIMESTAMP_FN(number_as_time, int64)
{
    return *element < 3 ? *element : 2;
}

BEAMC_TIMESTAMP_FN(score_as_time, score)
{
    return -element->value;
}

START_TEST(latest)
{
    beamc_pcollection in = beamc_with_timestamps(CREATE(int64, numbers), &number_as_time);
    collect_check(beamc_latest_globally(in), "3");
    in = beamc_with_timestamps(CREATE(score, scores), &score_as_time);
    collect_check(beamc_latest_globally(in), "(b, -1)");
    in = beamc_with_timestamps(CREATE(score, scores), &score_as_time);
    collect_check(beamc_latest_per_key(in), "(a, 5)\n(b, -1)");
    collect_check(beamc_latest_globally(NOTHING(score)), "");
    collect_check_refused(beamc_latest_per_key(CREATE(int64, numbers)), "takes KV<K, V>");
}
END_TEST

/* ---- windows --------------------------------------------------------------------------------- */

BEAMC_TIMESTAMP_FN(value_as_time, int64)
{
    return *element * 1000;
}

START_TEST(every_window_by_itself)
{
    static const int64_t times[] = { 1, 2, 11, 12, 13, 35 };
    struct {
        beamc_pcollection (*apply)(beamc_location at, beamc_pcollection in);
        const char *expected;
    } cases[] = {
        { beamc_count_globally_at, "2\n3\n1" },
        { beamc_sum_globally_at, "3\n36\n35" },
        { beamc_mean_globally_at, "1.5\n12\n35" },
        { beamc_min_globally_at, "1\n11\n35" },
        { beamc_max_globally_at, "2\n13\n35" },
        { beamc_latest_globally_at, "2\n13\n35" },
        { beamc_to_list_globally_at, "[1, 2]\n[11, 12, 13]\n[35]" },
        { beamc_distinct_at, "1\n2\n11\n12\n13\n35" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        beamc_pcollection in = beamc_with_timestamps(CREATE(int64, times), &value_as_time);
        in = beamc_window_into(in, beamc_fixed_windows(10000));
        collect_check(cases[i].apply(BEAMC_HERE, in), cases[i].expected);
    }
}
END_TEST

/* ---- sample, lists --------------------------------------------------------------------------- */

BEAMC_FLAT_MAP_FN(many, int64, int64)
{
    for (int64_t i = 0; i < 1000; i++) {
        int64_t value = *element * 1000 + i;
        BEAMC_TRY(beamc_emit(ctx, &value));
    }
    return NULL;
}

BEAMC_FLAT_MAP_FN(coins, int64, int64)
{
    for (int64_t i = 0; i < 500; i++) {
        int64_t value = i % 2;
        BEAMC_TRY(beamc_emit(ctx, &value));
    }
    return NULL;
}

BEAMC_KEY_FN(by_parity, int64, int64)
{
    return *element % 2;
}

static char *sample_of(const beamc_dofn *source, int64_t count, int64_t seed)
{
    beamc_pcollection in = beamc_flat_map(CREATE(int64, numbers), source);

    return collect_lines(beamc_flatten_iterables(beamc_sample_globally(in, count, seed)));
}

static size_t line_count(const char *lines)
{
    size_t count = *lines != '\0';

    for (; *lines != '\0'; lines++)
        count += *lines == '\n';
    return count;
}

START_TEST(sample_is_the_same_for_the_same_seed)
{
    char *first = sample_of(&many, 10, 1);
    char *again = sample_of(&many, 10, 1);
    char *other = sample_of(&many, 10, 2);

    ck_assert_uint_eq(line_count(first), 10);
    ck_assert_str_eq(first, again);
    ck_assert_str_ne(first, other);
    free(first);
    free(again);
    free(other);
}
END_TEST

/* Equal elements have chances of their own: of 3000 coins, half of a sample of 400 is heads. */
START_TEST(sample_draws_equal_elements_apart)
{
    char *lines = sample_of(&coins, 400, 7);
    int heads = 0;

    ck_assert_uint_eq(line_count(lines), 400);
    for (const char *at = lines; *at != '\0'; at++)
        heads += *at == '1';
    ck_assert_int_gt(heads, 140);
    ck_assert_int_lt(heads, 260);
    free(lines);
}
END_TEST

START_TEST(sample_of_few_is_all)
{
    char *lines = collect_lines(
        beamc_flatten_iterables(beamc_sample_globally(CREATE(int64, numbers), 100, 0)));
    ck_assert_str_eq(lines, "1\n1\n2\n3\n3\n3");
    free(lines);
    collect_check(beamc_sample_globally(NOTHING(int64), 5, 0), "[]");
    collect_check_refused(beamc_sample_globally(CREATE(int64, numbers), 0, 0),
                          "SampleGlobally: a sample of 0 elements");
}
END_TEST

START_TEST(sample_per_key)
{
    beamc_pcollection in = beamc_flat_map(CREATE(int64, numbers), &many);

    in = beamc_with_keys(in, &by_parity);
    beamc_pcollection sizes = beamc_count_per_element(
        beamc_flatten_iterables(beamc_values(beamc_sample_per_key(in, 5, 1))));
    char *lines = collect_lines(beamc_count_globally(sizes));
    int found = atoi(lines);
    ck_assert_int_gt(found, 5);
    ck_assert_int_le(found, 10);
    free(lines);
    collect_check(beamc_keys(beamc_sample_per_key(CREATE(score, scores), 1, 1)), "a\nb");
    collect_check(beamc_keys(beamc_sample_per_key(CREATE(weight, weights), 1, 1)), "a\nb");
}
END_TEST

START_TEST(sample_any)
{
    char *lines = collect_lines(beamc_sample_any(CREATE(int64, numbers), 4));
    ck_assert_uint_eq(line_count(lines), 4);
    free(lines);
    collect_check(beamc_sample_any(CREATE(string, words), 10), "fig\npear\nfig\napple\n");
    collect_check(beamc_sample_any(NOTHING(string), 10), "");
    collect_check_refused(beamc_sample_any(CREATE(int64, numbers), -1), "a sample of -1");
}
END_TEST

START_TEST(lists)
{
    collect_check(beamc_to_list_globally(CREATE(int64, numbers)), "[1, 1, 2, 3, 3, 3]");
    collect_check(beamc_to_list_globally(NOTHING(int64)), "[]");
    collect_check(beamc_to_list_per_key(CREATE(nick, nicks)), "(1, [x, y])\n(2, [z, zz])");
}
END_TEST

/* ---- many ------------------------------------------------------------------------------------ */

START_TEST(many_elements_on_many_workers)
{
    beamc_pcollection in = beamc_reshuffle(beamc_flat_map(CREATE(int64, numbers), &many));
    collect_check(beamc_count_globally(in), "6000");
    in = beamc_reshuffle(beamc_flat_map(CREATE(int64, numbers), &many));
    collect_check(beamc_count_globally(beamc_distinct(in)), "3000");
    in = beamc_reshuffle(beamc_flat_map(CREATE(int64, numbers), &many));
    collect_check(beamc_largest_globally(in, 3), "[3999, 3999, 3999]");
}
END_TEST

/* ---- no memory -------------------------------------------------------------------------------- */

static void build_all(beamc_pipeline *pipeline)
{
    static const beamc_string key = S("key");
    static const beamc_batch_options batches = { 2, 0 };
    beamc_pcollection reals_ = beamc_create(pipeline, BEAMC_TYPE(float64), reals, 5);
    beamc_pcollection scores_ = beamc_create(pipeline, BEAMC_TYPE(score), scores, 5);

    beamc_distinct(reals_);
    beamc_mean_globally(reals_);
    beamc_max_per_key(beamc_with_constant_key(reals_, BEAMC_TYPE(string), &key));
    beamc_latest_per_key(scores_);
    beamc_top_per_key(scores_, beamc_top_of(2, true, NULL));
    beamc_sample_per_key(scores_, 2, 1);
    beamc_sample_any(scores_, 2);
    beamc_to_string_iterables(beamc_to_list_globally(scores_), "; ");
    beamc_group_into_batches(beamc_kv_swap(scores_), batches);
}

START_TEST(every_failed_allocation_is_an_error)
{
    for (long n = 0;; n++) {
        test_alloc_fail_at(n);
        beamc_pipeline *pipeline = beamc_pipeline_new(BEAMC_PROGRAM_FUNCTIONS);
        if (pipeline != NULL)
            build_all(pipeline);
        bool failed = test_alloc_failed();
        test_alloc_fail_at(-1);
        if (pipeline != NULL) {
            const beamc_error *error = beamc_pipeline_error(pipeline);
            ck_assert_int_eq(beamc_error_code(error), failed ? BEAMC_ENOMEM : BEAMC_OK);
        }
        beamc_pipeline_free(pipeline);
        if (!failed)
            break;
    }
}
END_TEST

Suite *suite_aggregate(void);
Suite *suite_aggregate(void)
{
    Suite *suite = suite_create("aggregate");
    TCase *tc = tcase_create("aggregate");

    tcase_add_test(tc, counts);
    tcase_add_test(tc, count_of_what_is_no_key);
    tcase_add_test(tc, distinct);
    tcase_add_test(tc, sum_and_mean);
    tcase_add_test(tc, sum_and_mean_are_of_numbers);
    tcase_add_test(tc, sum_beyond_int64_stops_the_pipeline);
    tcase_add_test(tc, min_and_max);
    tcase_add_test(tc, top);
    tcase_add_test(tc, latest);
    tcase_add_test(tc, every_window_by_itself);
    tcase_add_test(tc, sample_is_the_same_for_the_same_seed);
    tcase_add_test(tc, sample_draws_equal_elements_apart);
    tcase_add_test(tc, sample_of_few_is_all);
    tcase_add_test(tc, sample_per_key);
    tcase_add_test(tc, sample_any);
    tcase_add_test(tc, lists);
    tcase_add_test(tc, many_elements_on_many_workers);
    tcase_add_test(tc, every_failed_allocation_is_an_error);
    suite_add_tcase(suite, tc);
    return suite;
}
