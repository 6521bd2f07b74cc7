/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a combine: each by itself, over windows, keys of all sizes, and short of memory. */
#include "test/harness/exec/kit.h"

#include "proto/urns.h"
#include <beamc/aggregate.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

BEAMC_KV(tally, string, int64)
BEAMC_KV(number_count, int64, int64)
BEAMC_KV(bytes_count, bytes, int64)
BEAMC_KV(nested_count, tally, int64)
BEAMC_KV(flag_count, boolean, int64)
BEAMC_KV(texts, string, string)
BEAMC_ITERABLE(numbers, int64)
BEAMC_KV(group, string, numbers)

#define MEAN(F) F(int64, sum) F(int64, count)
BEAMC_ROW(mean, MEAN)
BEAMC_KV(mean_of, string, mean)
BEAMC_KV(mean_out, string, float64)
BEAMC_ITERABLE(means, mean)
BEAMC_KV(mean_group, string, means)

/* ---- CombineFns ---------------------------------------------------------------------------------- */

BEAMC_COMBINE(combine_sum, int64, int64, int64)

static beamc_error *combine_sum_create(beamc_combine_context *ctx BEAMC_UNUSED, int64_t *accumulator)
{
    *accumulator = 0;
    return NULL;
}

static beamc_error *combine_sum_add(beamc_combine_context *ctx BEAMC_UNUSED, int64_t *accumulator,
                                    const int64_t *input)
{
    if (*input == 666)
        return beamc_error_new(BEAMC_EUSER, "not this number");
    *accumulator += *input;
    return NULL;
}

static beamc_error *combine_sum_merge(beamc_combine_context *ctx BEAMC_UNUSED, int64_t *accumulator,
                                      int64_t *other)
{
    *accumulator += *other;
    return NULL;
}

static beamc_error *combine_sum_extract(beamc_combine_context *ctx BEAMC_UNUSED,
                                        int64_t *accumulator, int64_t *output)
{
    *output = *accumulator;
    return NULL;
}

BEAMC_COMBINE(combine_mean, int64, mean, float64)

static beamc_error *combine_mean_create(beamc_combine_context *ctx BEAMC_UNUSED, mean *accumulator)
{
    *accumulator = (mean){ 0, 0 };
    return NULL;
}

static beamc_error *combine_mean_add(beamc_combine_context *ctx BEAMC_UNUSED, mean *accumulator,
                                     const int64_t *input)
{
    accumulator->sum += *input;
    accumulator->count++;
    return NULL;
}

static beamc_error *combine_mean_merge(beamc_combine_context *ctx BEAMC_UNUSED, mean *accumulator,
                                       mean *other)
{
    accumulator->sum += other->sum;
    accumulator->count += other->count;
    return NULL;
}

static beamc_error *combine_mean_extract(beamc_combine_context *ctx BEAMC_UNUSED, mean *accumulator,
                                         double *output)
{
    *output = (double)accumulator->sum / (double)accumulator->count;
    return NULL;
}

/* Texts one after the other in memory of the context; made smaller by cutting at 20 bytes. */
static beamc_error *combine_cut(beamc_combine_context *ctx, void *accumulator);
BEAMC_COMBINE_WITH(combine_texts, string, string, string, .compact = combine_cut)

static beamc_error *combine_cut(beamc_combine_context *ctx BEAMC_UNUSED, void *accumulator)
{
    beamc_string *text = accumulator;
    text->size = text->size < 20 ? text->size : 20;
    return NULL;
}

static beamc_error *combine_texts_create(beamc_combine_context *ctx BEAMC_UNUSED,
                                         beamc_string *accumulator)
{
    *accumulator = (beamc_string){ "", 0 };
    return NULL;
}

static beamc_error *combine_texts_add(beamc_combine_context *ctx, beamc_string *accumulator,
                                      const beamc_string *input)
{
    char *joined = beamc_arena_alloc(ctx->arena, accumulator->size + input->size);

    if (joined == NULL)
        return beamc_error_nomem();
    memcpy(joined, accumulator->data, accumulator->size);
    memcpy(joined + accumulator->size, input->data, input->size);
    *accumulator = (beamc_string){ joined, accumulator->size + input->size };
    return NULL;
}

static beamc_error *combine_texts_merge(beamc_combine_context *ctx, beamc_string *accumulator,
                                        beamc_string *other)
{
    return combine_texts_add(ctx, accumulator, other);
}

static beamc_error *combine_texts_extract(beamc_combine_context *ctx BEAMC_UNUSED,
                                          beamc_string *accumulator, beamc_string *output)
{
    *output = *accumulator;
    return NULL;
}

/* ---- kits ---------------------------------------------------------------------------------------- */

typedef struct {
    const char *urn;
    const beamc_type *in, *out;
    const beamc_combine_fn *fn;
    const beamc_type *accumulator;
    int part;
    beamc_windowing windowing;
} use;

static exec_kit *kit_of(const use *of)
{
    exec_kit *kit = exec_kit_new();

    exec_collection(kit, "p0", of->in, of->windowing);
    exec_collection(kit, "p1", of->out, of->windowing);
    exec_source(kit, "in", "p0");
    exec_combine(kit, "sum", of->urn, "p0", of->fn, of->accumulator, of->part, "p1");
    exec_sink(kit, "out", "p1");
    return kit;
}

#define PRECOMBINE BEAMC_URN_COMBINE_PER_KEY_PRECOMBINE
#define MERGE BEAMC_URN_COMBINE_PER_KEY_MERGE_ACCUMULATORS
#define EXTRACT BEAMC_URN_COMBINE_PER_KEY_EXTRACT_OUTPUTS
#define CONVERT BEAMC_URN_COMBINE_PER_KEY_CONVERT_TO_ACCUMULATORS
#define GROUPED BEAMC_URN_COMBINE_GROUPED_VALUES

static exec_kit *sums_kit(const char *urn, beamc_windowing windowing)
{
    use of = { urn, &beamc_type_tally, &beamc_type_tally, &combine_sum, BEAMC_TYPE(int64), 0,
               windowing };
    return kit_of(&of);
}

static void put(exec_kit *kit, const char *key, int64_t value, beamc_timestamp timestamp,
                const beamc_interval_window *windows, size_t count)
{
    tally pair = { beamc_string_of(key), value };
    exec_put_in(kit, "in", &beamc_type_tally, &pair, timestamp, windows, count);
}

#define LONG_KEY "a key of more than fifteen bytes"
#define GLOBAL_END " @9223371950454775"

/* ---- precombine ------------------------------------------------------------------------------- */

START_TEST(precombine_makes_one_of_many)
{
    exec_kit *kit = sums_kit(PRECOMBINE, beamc_global_windows());
    const char *const keys[] = { "a", "", "fifteen bytes..", "sixteen bytes...", LONG_KEY,
                                 LONG_KEY "!" };

    for (int run = 0; run < 2; run++) {
        for (int i = 0; i < 10; i++)
            for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++)
                put(kit, keys[k], 1 + (int64_t)k, i, NULL, 1);
        exec_check_sorted(kit, "out",
                          "(, 20)" GLOBAL_END "\n"
                          "(" LONG_KEY "!, 60)" GLOBAL_END "\n"
                          "(" LONG_KEY ", 50)" GLOBAL_END "\n"
                          "(a, 10)" GLOBAL_END "\n"
                          "(fifteen bytes.., 30)" GLOBAL_END "\n"
                          "(sixteen bytes..., 40)" GLOBAL_END "\n");
        exec_clear(kit);
    }
    exec_check(kit, "out", "");
    exec_kit_free(kit);
}
END_TEST

/* Numbers, bytes, KVs, booleans as keys, each many times. */
START_TEST(precombine_takes_keys_of_all_types)
{
    const beamc_type *const types[] = { &beamc_type_number_count, &beamc_type_bytes_count,
                                        &beamc_type_nested_count, &beamc_type_flag_count };
    const number_count numbers_in[] = { { 0, 1 }, { -1, 1 }, { INT64_MAX, 1 } };
    const bytes_count bytes_in[] = { { { (const uint8_t *)"\0\0", 2 }, 1 },
                                     { { (const uint8_t *)"\0", 1 }, 1 },
                                     { { NULL, 0 }, 1 } };
    const nested_count nested_in[] = { { { { "x", 1 }, 1 }, 1 },
                                       { { { "x", 1 }, 2 }, 1 },
                                       { { { LONG_KEY, sizeof(LONG_KEY) - 1 }, 2 }, 1 } };
    const flag_count flags_in[] = { { false, 1 }, { true, 1 }, { true, 0 } };
    const void *const values[] = { numbers_in, bytes_in, nested_in, flags_in };
    const char *const expected[] = {
        "(-1, 7)" GLOBAL_END "\n(0, 7)" GLOBAL_END "\n(9223372036854775807, 7)" GLOBAL_END "\n",
        "(, 7)" GLOBAL_END "\n(\\x00, 7)" GLOBAL_END "\n(\\x00\\x00, 7)" GLOBAL_END "\n",
        "((" LONG_KEY ", 2), 7)" GLOBAL_END "\n((x, 1), 7)" GLOBAL_END "\n((x, 2), 7)" GLOBAL_END
        "\n",
        "(false, 7)" GLOBAL_END "\n(true, 7)" GLOBAL_END "\n",
    };
    use of = { PRECOMBINE, types[_i], types[_i], &combine_sum, BEAMC_TYPE(int64), 0,
               beamc_global_windows() };
    exec_kit *kit = kit_of(&of);

    for (int i = 0; i < 7; i++)
        for (size_t k = 0; k < 3; k++)
            exec_put(kit, "in", types[_i], (const char *)values[_i] + k * types[_i]->size, i);
    exec_check_sorted(kit, "out", expected[_i]);
    exec_kit_free(kit);
}
END_TEST

static const beamc_interval_window sliding[] = { { 0, 10 }, { 5, 15 }, { 10, 20 } };

START_TEST(precombine_keeps_windows_apart)
{
    exec_kit *kit = sums_kit(PRECOMBINE, beamc_sliding_windows(10, 5));

    put(kit, "a", 1, 7, sliding, 2);
    put(kit, "a", 10, 12, sliding + 1, 2);
    put(kit, "b", 100, 12, sliding + 1, 2);
    put(kit, LONG_KEY, 1000, 7, sliding, 1);
    exec_check_sorted(kit, "out",
                      "(" LONG_KEY ", 1000) @9 [0,10)\n"
                      "(a, 1) @9 [0,10)\n"
                      "(a, 10) @19 [10,20)\n"
                      "(a, 11) @14 [5,15)\n"
                      "(b, 100) @14 [5,15)\n"
                      "(b, 100) @19 [10,20)\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(precombine_leaves_sessions_to_be_merged)
{
    exec_kit *kit = sums_kit(PRECOMBINE, beamc_session_windows(10));
    const beamc_interval_window windows[] = { { 0, 10 }, { 3, 13 } };

    put(kit, "a", 1, 0, &windows[0], 1);
    put(kit, "a", 2, 3, &windows[1], 1);
    put(kit, "a", 4, 0, &windows[0], 1);
    exec_check_sorted(kit, "out", "(a, 2) @12 [3,13)\n(a, 5) @9 [0,10)\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(the_output_time_may_be_the_earliest_or_the_latest)
{
    const beamc_output_time times[] = { BEAMC_OUTPUT_EARLIEST, BEAMC_OUTPUT_LATEST };
    const char *const expected[] = { "(" LONG_KEY ", 1) @4 [0,10)\n(a, 3) @2 [0,10)\n",
                                     "(" LONG_KEY ", 1) @4 [0,10)\n(a, 3) @7 [0,10)\n" };
    beamc_windowing windowing = beamc_fixed_windows(10);
    windowing.output_time = times[_i];
    exec_kit *kit = sums_kit(PRECOMBINE, windowing);

    put(kit, "a", 1, 5, sliding, 1);
    put(kit, "a", 1, 2, sliding, 1);
    put(kit, LONG_KEY, 1, 4, sliding, 1);
    put(kit, "a", 1, 7, sliding, 1);
    exec_check_sorted(kit, "out", expected[_i]);
    exec_kit_free(kit);
}
END_TEST

START_TEST(precombine_carries_large_accumulators)
{
    use of = { PRECOMBINE, &beamc_type_tally, &beamc_type_mean_of, &combine_mean, &beamc_type_mean,
               0, beamc_global_windows() };
    exec_kit *kit = kit_of(&of);

    for (int i = 1; i <= 20; i++) {
        put(kit, "a", i, 0, NULL, 1);
        put(kit, LONG_KEY, -i, 0, NULL, 1);
    }
    exec_check_sorted(kit, "out",
                      "(" LONG_KEY ", {sum: -210, count: 20})" GLOBAL_END "\n"
                      "(a, {sum: 210, count: 20})" GLOBAL_END "\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(precombine_makes_accumulators_smaller_before_it_sends_them)
{
    use of = { PRECOMBINE, &beamc_type_texts, &beamc_type_texts, &combine_texts,
               BEAMC_TYPE(string), 0, beamc_global_windows() };
    exec_kit *kit = kit_of(&of);

    for (int i = 0; i < 30; i++) {
        texts pair = { { "k", 1 }, { i % 2 == 0 ? "ab" : "c", i % 2 == 0 ? 2 : 1 } };
        exec_put(kit, "in", &beamc_type_texts, &pair, 0);
    }
    exec_check(kit, "out", "(k, abcabcabcabcabcabcab)" GLOBAL_END "\n");
    exec_kit_free(kit);
}
END_TEST

/* The sum of the values on all lines of an output, and how many lines there are. */
static int64_t total(exec_kit *kit, size_t *lines)
{
    int64_t sum = 0, value = 0;

    *lines = 0;
    /* Byte by byte: where strings are checked, functions of them look at all that follows. */
    for (const char *at = exec_lines(kit, "out"); *at != '\0'; at++) {
        if (*at == ',') {
            value = 0;
        } else if (*at >= '0' && *at <= '9') {
            value = 10 * value + (*at - '0');
        } else if (*at == ')') {
            sum += value;
            ++*lines;
            while (at[1] != '\n')
                at++;
        }
    }
    return sum;
}

/* From (k, n): n pairs with keys k, k + 1 and so on, so that tests can have many. */
BEAMC_DOFN(combine_expand, number_count, number_count)
{
    for (int64_t i = 0; i < element->value; i++) {
        number_count pair = { element->key + i, 1 };
        BEAMC_TRY(beamc_emit(ctx, &pair));
    }
    return NULL;
}

BEAMC_DOFN(combine_expand_long, number_count, tally)
{
    for (int64_t i = 0; i < element->value; i++) {
        char text[40];
        snprintf(text, sizeof(text), "a long key with the number %d", (int)(element->key + i));
        tally pair = { beamc_string_of(text), 1 };
        BEAMC_TRY(beamc_emit(ctx, &pair));
    }
    return NULL;
}

static exec_kit *many_kit(bool is_long, size_t memory)
{
    exec_kit *kit = exec_kit_new();
    const beamc_type *type = is_long ? &beamc_type_tally : &beamc_type_number_count;

    exec_collection(kit, "p0", &beamc_type_number_count, beamc_global_windows());
    exec_collection(kit, "p1", type, beamc_global_windows());
    exec_collection(kit, "p2", type, beamc_global_windows());
    exec_source(kit, "in", "p0");
    exec_par_do(kit, "expand", "p0", is_long ? &combine_expand_long : &combine_expand, "p1");
    exec_combine(kit, "sum", PRECOMBINE, "p1", &combine_sum, BEAMC_TYPE(int64), 0, "p2");
    exec_sink(kit, "out", "p2");
    exec_set_memory(kit, memory);
    return kit;
}

START_TEST(the_table_grows_with_its_keys)
{
    exec_kit *kit = many_kit(_i == 1, 0);
    const number_count ranges[] = { { 0, 20000 }, { 5000, 30000 } };
    size_t lines;

    exec_put(kit, "in", &beamc_type_number_count, &ranges[0], 0);
    exec_put(kit, "in", &beamc_type_number_count, &ranges[1], 0);
    exec_ok(exec_run(kit));
    ck_assert_int_eq(total(kit, &lines), 50000);
    ck_assert_uint_eq(lines, 35000);
    exec_kit_free(kit);
}
END_TEST

/* Past its memory it sends what it has: each key some more often, nothing lost, and it does not stay
 * past it. */
START_TEST(a_full_table_is_sent)
{
    const size_t memory[] = { 1, 24 << 10, 40 << 10 };
    const size_t most[] = { 30000, 30000, 15000 }; /* lines; 750 if it were never sent */
    exec_kit *kit = many_kit(_i % 2 == 1, memory[_i / 2]);
    number_count range = { 0, 300 };
    size_t lines;

    for (int i = 0; i < 100; i++) {
        range.key = i % 10 * 50;
        exec_put(kit, "in", &beamc_type_number_count, &range, 0);
    }
    exec_ok(exec_run(kit));
    ck_assert_int_eq(total(kit, &lines), 30000);
    ck_assert_uint_gt(lines, 750);
    ck_assert_uint_le(lines, most[_i / 2]);
    exec_kit_free(kit);
}
END_TEST

/* What a bundle sends does not depend on those before it. */
START_TEST(a_bundle_sends_the_same_after_any_other)
{
    const size_t memory = 600 << 10;
    number_count large = { 0, 12000 };
    number_count small = { 0, 3000 };
    exec_kit *fresh = many_kit(true, memory);
    exec_kit *used = many_kit(true, memory);

    exec_put(used, "in", &beamc_type_number_count, &large, 0);
    exec_ok(exec_run(used));
    exec_clear(used);
    for (int i = 0; i < 5; i++) {
        small.key = i * 2000;
        exec_put(fresh, "in", &beamc_type_number_count, &small, 0);
        exec_put(used, "in", &beamc_type_number_count, &small, 0);
    }
    exec_ok(exec_run(fresh));
    exec_ok(exec_run(used));
    size_t lines_fresh, lines_used;
    ck_assert_int_eq(total(fresh, &lines_fresh), total(used, &lines_used));
    ck_assert_uint_eq(lines_fresh, lines_used);
    exec_kit_free(fresh);
    exec_kit_free(used);
}
END_TEST

/* ---- elements that are only paired ------------------------------------------------------------- */

/* Its process would pair with another number: whether it was called shows. */
static const int64_t three = 3;

BEAMC_DOFN_WITH(combine_pair_text, string, tally, .light = true, .pairs_with = &three)
{
    tally pair = { *element, 1000 };
    return beamc_emit(ctx, &pair);
}

BEAMC_DOFN_WITH(combine_pair_number, int64, number_count, .light = true, .pairs_with = &three)
{
    number_count pair = { *element, 1000 };
    return beamc_emit(ctx, &pair);
}

/* "in" -> p0 -> "pair" -> p1 -> "sum" -> p2 -> "out" */
static exec_kit *paired_kit(const beamc_type *key, const beamc_type *pair, const beamc_dofn *dofn,
                            const beamc_combine_fn *fn, beamc_windowing windowing)
{
    exec_kit *kit = exec_kit_new();

    exec_collection(kit, "p0", key, windowing);
    exec_collection(kit, "p1", pair, windowing);
    exec_collection(kit, "p2", pair, windowing);
    exec_source(kit, "in", "p0");
    exec_par_do(kit, "pair", "p0", dofn, "p1");
    exec_combine(kit, "sum", PRECOMBINE, "p1", fn, BEAMC_TYPE(int64), 0, "p2");
    exec_sink(kit, "out", "p2");
    return kit;
}

static void put_text(exec_kit *kit, const char *text, beamc_timestamp timestamp,
                     const beamc_interval_window *windows, size_t count)
{
    beamc_string value = beamc_string_of(text);
    exec_put_in(kit, "in", BEAMC_TYPE(string), &value, timestamp, windows, count);
}

static void check_count(beamc__metrics *metrics, const char *collection, int64_t expected)
{
    beamc__metric_id id = { .urn = BEAMC_URN_METRIC_ELEMENT_COUNT, .pcollection = collection };

    ck_assert_int_eq(beamc__metrics_cell(metrics, &id, BEAMC__CELL_SUM)->value, expected);
}

/* Keys of 0 to 39 bytes, in order, some more often than others and more than are put off at once. */
START_TEST(what_is_only_paired_is_combined_by_itself)
{
    exec_kit *kit = paired_kit(BEAMC_TYPE(string), &beamc_type_tally, &combine_pair_text,
                               _i == 0 ? &combine_sum : &beamc_count_fn, beamc_global_windows());
    char key[64] = "";
    char expected[4096] = "";
    size_t at = 0;

    for (int run = 0; run < 2; run++) {
        int64_t elements = 0;
        at = 0;
        for (int round = 0; round < 5; round++) {
            for (int size = 0; size < 40; size++) {
                memset(key, 'k', sizeof(key));
                key[size] = '\0';
                for (int i = 0; i <= size % 4; i++, elements++)
                    put_text(kit, key, 0, NULL, 1);
                if (round == 0)
                    at += (size_t)snprintf(expected + at, sizeof(expected) - at,
                                           "(%s, %d)" GLOBAL_END "\n", key,
                                           5 * (size % 4 + 1) * (_i == 0 ? 3 : 1));
            }
        }
        exec_check(kit, "out", expected);
        beamc__metrics *metrics = beamc__metrics_new();
        exec_ok(beamc__plan_report(exec_plan(kit), metrics));
        check_count(metrics, "p0", elements);
        check_count(metrics, "p1", elements);
        check_count(metrics, "p2", 40);
        beamc__metrics_free(metrics);
        exec_clear(kit);
    }
    exec_kit_free(kit);
}
END_TEST

START_TEST(what_is_only_paired_keeps_its_windows_and_type)
{
    exec_kit *kit = paired_kit(BEAMC_TYPE(string), &beamc_type_tally, &combine_pair_text,
                               &combine_sum, beamc_fixed_windows(10));
    put_text(kit, "a", 5, &sliding[0], 1);
    put_text(kit, "a", 5, &sliding[0], 1);
    put_text(kit, LONG_KEY, 15, &sliding[2], 1);
    put_text(kit, "a", 15, &sliding[2], 1);
    exec_check_sorted(kit, "out",
                      "(" LONG_KEY ", 3) @19 [10,20)\n(a, 3) @19 [10,20)\n(a, 6) @9 [0,10)\n");
    exec_kit_free(kit);

    kit = paired_kit(BEAMC_TYPE(int64), &beamc_type_number_count, &combine_pair_number,
                     &combine_sum, beamc_global_windows());
    for (int64_t i = 0; i < 300; i++) {
        int64_t number = i % 3 - 1;
        exec_put(kit, "in", BEAMC_TYPE(int64), &number, 0);
    }
    exec_check_sorted(kit, "out",
                      "(-1, 300)" GLOBAL_END "\n(0, 300)" GLOBAL_END "\n(1, 300)" GLOBAL_END "\n");
    exec_kit_free(kit);
}
END_TEST

/* Where someone else reads the pairs, too, they must be there. */
START_TEST(pairs_that_are_read_twice_are_made)
{
    exec_kit *kit = paired_kit(BEAMC_TYPE(string), &beamc_type_tally, &combine_pair_text,
                               &combine_sum, beamc_global_windows());
    exec_sink(kit, "pairs", "p1");
    put_text(kit, "a", 0, NULL, 1);
    put_text(kit, "a", 0, NULL, 1);
    exec_check(kit, "out", "(a, 2000)" GLOBAL_END "\n");
    ck_assert_str_eq(exec_lines(kit, "pairs"), "(a, 1000) @0\n(a, 1000) @0\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(inputs_may_be_accumulators_already)
{
    use of = { PRECOMBINE, &beamc_type_mean_of, &beamc_type_mean_of, &combine_mean,
               &beamc_type_mean, CSK(FUNCTION__PART__FROM_ACCUMULATOR), beamc_global_windows() };
    exec_kit *kit = kit_of(&of);

    for (int i = 0; i < 3; i++) {
        mean_of pair = { { "k", 1 }, { 10, 4 } };
        exec_put(kit, "in", &beamc_type_mean_of, &pair, 0);
    }
    exec_check(kit, "out", "(k, {sum: 30, count: 12})" GLOBAL_END "\n");
    exec_kit_free(kit);
}
END_TEST

/* ---- the other parts ---------------------------------------------------------------------------- */

START_TEST(merge_takes_groups_of_accumulators)
{
    use of = { MERGE, &beamc_type_mean_group, &beamc_type_mean_of, &combine_mean, &beamc_type_mean,
               0, beamc_fixed_windows(10) };
    exec_kit *kit = kit_of(&of);
    const mean accumulators[] = { { 1, 1 }, { 2, 1 }, { 30, 3 } };
    beamc_string key = { "k", 1 };

    exec_put_group(kit, "in", BEAMC_TYPE(string), &key, &beamc_type_mean, accumulators, 3,
                   &sliding[0]);
    exec_put_group(kit, "in", BEAMC_TYPE(string), &key, &beamc_type_mean, accumulators, 0,
                   &sliding[2]);
    exec_check(kit, "out",
               "(k, {sum: 33, count: 5}) @9 [0,10)\n(k, {sum: 0, count: 0}) @19 [10,20)\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(extract_gives_the_output)
{
    use of = { EXTRACT, &beamc_type_mean_of, &beamc_type_mean_out, &combine_mean, &beamc_type_mean,
               0, beamc_fixed_windows(10) };
    exec_kit *kit = kit_of(&of);
    mean_of pair = { { "k", 1 }, { 10, 4 } };

    exec_put_in(kit, "in", &beamc_type_mean_of, &pair, 5, sliding, 1);
    exec_check(kit, "out", "(k, 2.5) @5 [0,10)\n");
    exec_kit_free(kit);
    of.out = &beamc_type_mean_of;
    of.part = CSK(FUNCTION__PART__TO_ACCUMULATOR);
    kit = kit_of(&of);
    exec_put_in(kit, "in", &beamc_type_mean_of, &pair, 5, sliding, 1);
    exec_check(kit, "out", "(k, {sum: 10, count: 4}) @5 [0,10)\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(convert_makes_each_input_an_accumulator)
{
    use of = { CONVERT, &beamc_type_tally, &beamc_type_mean_of, &combine_mean, &beamc_type_mean, 0,
               beamc_fixed_windows(10) };
    exec_kit *kit = kit_of(&of);

    put(kit, "a", 3, 5, sliding, 1);
    put(kit, "a", 4, 6, sliding, 1);
    exec_check(kit, "out",
               "(a, {sum: 3, count: 1}) @5 [0,10)\n(a, {sum: 4, count: 1}) @6 [0,10)\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(grouped_does_it_all_at_once)
{
    use of = { GROUPED, &beamc_type_group, &beamc_type_mean_out, &combine_mean, &beamc_type_mean, 0,
               beamc_fixed_windows(10) };
    const int64_t values[] = { 1, 2, 3, 4 };
    beamc_string key = { "k", 1 };
    exec_kit *kit = kit_of(&of);

    exec_put_group(kit, "in", BEAMC_TYPE(string), &key, BEAMC_TYPE(int64), values, 4, &sliding[0]);
    exec_check(kit, "out", "(k, 2.5) @9 [0,10)\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(precombine_merge_extract_is_the_whole)
{
    exec_kit *kit = exec_kit_new();

    exec_collection(kit, "p0", &beamc_type_tally, beamc_global_windows());
    exec_collection(kit, "p1", &beamc_type_mean_of, beamc_global_windows());
    exec_collection(kit, "p2", &beamc_type_mean_out, beamc_global_windows());
    exec_source(kit, "in", "p0");
    exec_combine(kit, "pre", PRECOMBINE, "p0", &combine_mean, &beamc_type_mean, 0, "p1");
    exec_combine(kit, "post", EXTRACT, "p1", &combine_mean, &beamc_type_mean, 0, "p2");
    exec_sink(kit, "out", "p2");
    for (int i = 0; i < 100; i++)
        put(kit, i % 2 == 0 ? "even" : "odd", i, 0, NULL, 1);
    exec_check_sorted(kit, "out", "(even, 49)" GLOBAL_END "\n(odd, 50)" GLOBAL_END "\n");
    exec_kit_free(kit);
}
END_TEST

/* ---- errors -------------------------------------------------------------------------------------- */

START_TEST(errors_of_the_function_name_the_transform)
{
    const char *const urns[] = { PRECOMBINE, CONVERT };
    exec_kit *kit = sums_kit(urns[_i], beamc_global_windows());

    put(kit, "a", 1, 0, NULL, 1);
    put(kit, "a", 666, 0, NULL, 1);
    exec_check_error(kit, BEAMC_EUSER,
                     _i == 0 ? "transform sum: finish_bundle: not this number"
                             : "transform sum: element 2: not this number");
    exec_kit_free(kit);
}
END_TEST

static const struct {
    const char *urn;
    const beamc_type *in, *out, *accumulator;
    const char *error;
} wrong[] = {
    { PRECOMBINE, BEAMC_TYPE(string), &beamc_type_tally, BEAMC_TYPE(int64),
      "it takes and gives KVs, not string and KV<string, int64>" },
    { PRECOMBINE, &beamc_type_texts, &beamc_type_tally, BEAMC_TYPE(int64),
      "the input of combine_sum is int64, but the pipeline has string" },
    { PRECOMBINE, &beamc_type_tally, &beamc_type_texts, BEAMC_TYPE(string),
      "the accumulator of combine_sum is int64, but the pipeline has string" },
    { PRECOMBINE, &beamc_type_tally, &beamc_type_texts, BEAMC_TYPE(int64),
      "combine_sum gives int64, but its PCollection has string" },
    { PRECOMBINE, &beamc_type_number_count, &beamc_type_tally, BEAMC_TYPE(int64),
      "keys of KV<int64, int64> come in, of KV<string, int64> go out" },
    { MERGE, &beamc_type_tally, &beamc_type_tally, BEAMC_TYPE(int64),
      "it takes KV<K, Iterable<V>>, not KV<string, int64>" },
    { MERGE, &beamc_type_mean_group, &beamc_type_tally, BEAMC_TYPE(int64),
      "combine_sum takes int64, but gets" },
    { EXTRACT, &beamc_type_tally, &beamc_type_texts, BEAMC_TYPE(int64),
      "the output of combine_sum is int64, but the pipeline has string" },
    { EXTRACT, &beamc_type_texts, &beamc_type_tally, BEAMC_TYPE(int64),
      "combine_sum takes int64, but gets" },
    { CONVERT, &beamc_type_tally, &beamc_type_texts, BEAMC_TYPE(int64),
      "combine_sum gives int64, but its PCollection has string" },
    { GROUPED, &beamc_type_mean_group, &beamc_type_tally, BEAMC_TYPE(int64),
      "the input of combine_sum is int64, but the pipeline has Row<sum" },
    { GROUPED, &beamc_type_group, &beamc_type_texts, BEAMC_TYPE(int64),
      "the output of combine_sum is int64, but the pipeline has string" },
};

START_TEST(types_must_fit_the_table)
{
    use of = { wrong[_i].urn, wrong[_i].in, wrong[_i].out, &combine_sum, wrong[_i].accumulator, 0,
               beamc_global_windows() };
    exec_kit *kit = kit_of(&of);

    exec_check_error(kit, BEAMC_ETYPE, wrong[_i].error);
    exec_kit_free(kit);
}
END_TEST

START_TEST(a_combine_is_known_and_well_formed)
{
    static const beamc_combine_fn unknown = { .function = { BEAMC_FUNCTION_COMBINE, "nobody" } };
    use of = { PRECOMBINE, &beamc_type_tally, &beamc_type_tally, &unknown, BEAMC_TYPE(int64), 0,
               beamc_global_windows() };
    exec_kit *kit = kit_of(&of);

    exec_check_error(kit, BEAMC_ENOENT, "transform sum: this program has no CombineFn nobody");
    exec_kit_free(kit);

    kit = sums_kit(PRECOMBINE, beamc_global_windows());
    exec_find_transform(kit, "sum")->spec->payload.len--;
    exec_check_error(kit, BEAMC_ECORRUPT, "transform sum: its CombinePayload is malformed");
    exec_kit_free(kit);

    kit = sums_kit(PRECOMBINE, beamc_global_windows());
    exec_find_transform(kit, "sum")->n_outputs = 0;
    exec_check_error(kit, BEAMC_ECORRUPT, "transform sum: it has one input and one output");
    exec_kit_free(kit);

    kit = sums_kit(PRECOMBINE, beamc_global_windows());
    exec_find_transform(kit, "sum")->spec->payload.len = 0;
    exec_check_error(kit, BEAMC_EUNSUPPORTED, "transform sum: its function is a missing one");
    exec_kit_free(kit);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    const beamc_windowing windowing = beamc_fixed_windows(10);
    use of[] = {
        { PRECOMBINE, &beamc_type_tally, &beamc_type_mean_of, &combine_mean, &beamc_type_mean, 0,
          windowing },
        { PRECOMBINE, &beamc_type_texts, &beamc_type_texts, &combine_texts, BEAMC_TYPE(string), 0,
          windowing },
        { CONVERT, &beamc_type_texts, &beamc_type_texts, &combine_texts, BEAMC_TYPE(string), 0,
          windowing },
    };
    exec_kit *kit = kit_of(&of[_i]);

    for (int i = 0; i < 3; i++) {
        texts text = { { LONG_KEY, sizeof(LONG_KEY) - 1 }, { "abc", 3 } };
        if (_i == 0)
            put(kit, LONG_KEY, 4, 5, sliding, 1);
        else
            exec_put_in(kit, "in", &beamc_type_texts, &text, 5, sliding, 1);
    }
    exec_fail_allocations(kit, 1);
    exec_kit_free(kit);
}
END_TEST

Suite *suite_combine(void)
{
    Suite *suite = suite_create("combine");
    TCase *tc = tcase_create("precombine");
    tcase_add_test(tc, precombine_makes_one_of_many);
    tcase_add_loop_test(tc, precombine_takes_keys_of_all_types, 0, 4);
    tcase_add_test(tc, precombine_keeps_windows_apart);
    tcase_add_test(tc, precombine_leaves_sessions_to_be_merged);
    tcase_add_loop_test(tc, the_output_time_may_be_the_earliest_or_the_latest, 0, 2);
    tcase_add_test(tc, precombine_carries_large_accumulators);
    tcase_add_test(tc, precombine_makes_accumulators_smaller_before_it_sends_them);
    tcase_add_loop_test(tc, the_table_grows_with_its_keys, 0, 2);
    tcase_add_loop_test(tc, a_full_table_is_sent, 0, 6);
    tcase_add_test(tc, a_bundle_sends_the_same_after_any_other);
    tcase_add_loop_test(tc, what_is_only_paired_is_combined_by_itself, 0, 2);
    tcase_add_test(tc, what_is_only_paired_keeps_its_windows_and_type);
    tcase_add_test(tc, pairs_that_are_read_twice_are_made);
    tcase_add_test(tc, inputs_may_be_accumulators_already);
    suite_add_tcase(suite, tc);

    tc = tcase_create("parts");
    tcase_add_test(tc, merge_takes_groups_of_accumulators);
    tcase_add_test(tc, extract_gives_the_output);
    tcase_add_test(tc, convert_makes_each_input_an_accumulator);
    tcase_add_test(tc, grouped_does_it_all_at_once);
    tcase_add_test(tc, precombine_merge_extract_is_the_whole);
    suite_add_tcase(suite, tc);

    tc = tcase_create("errors");
    tcase_add_loop_test(tc, errors_of_the_function_name_the_transform, 0, 2);
    tcase_add_loop_test(tc, types_must_fit_the_table, 0, sizeof(wrong) / sizeof(*wrong));
    tcase_add_test(tc, a_combine_is_known_and_well_formed);
    tcase_add_loop_test(tc, every_allocation_may_fail, 0, 3);
    suite_add_tcase(suite, tc);
    return suite;
}
