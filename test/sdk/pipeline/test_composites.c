/* SPDX-License-Identifier: Apache-2.0 */
/* The composites of sdk/pipeline at work. */
#include "test/sdk/transforms/collect.h"
#include <beamc/pipeline.h>
#include <check.h>
#include <inttypes.h>

BEAMC_KV(key_number, string, int64)
BEAMC_KV(key_text, string, string)
BEAMC_ITERABLE(numbers_of_key, int64)
BEAMC_ITERABLE(texts_of_key, string)

#define BOTH(F) F(numbers_of_key, numbers) F(texts_of_key, texts)
BEAMC_ROW(both_of_key, BOTH)
BEAMC_KV(joined_both, string, both_of_key)

/* The least and the sum: an accumulator that is no plain number. */
#define SPAN(F) F(int64, least) F(int64, sum) F(int64, count)
BEAMC_ROW(composites_span, SPAN)

/* ---- functions -------------------------------------------------------------------------------- */

/* Puts a number at the timestamp it says. */
BEAMC_DOFN(composites_at_itself, int64, int64)
{
    return beamc_emit_at(ctx, 0, element, *element);
}

BEAMC_DOFN_WITH(composites_say_place, int64, string, .observes_window = true)
{
    beamc_interval_window window;
    if (!beamc_context_window(ctx, &window))
        return beamc_emitf(ctx, "%" PRId64 " @%" PRId64, *element, beamc_context_timestamp(ctx));
    return beamc_emitf(ctx, "%" PRId64 " @%" PRId64 " [%" PRId64 ", %" PRId64 ")", *element,
                       beamc_context_timestamp(ctx), window.start, window.end);
}

/* Walks each iterable twice, the second one in the middle of the first. */
static beamc_error *sum_numbers(const beamc_iterable *numbers, int64_t *sum)
{
    beamc_iterator iterator;
    int64_t number;
    beamc_iterate(&iterator, numbers);
    while (beamc_next(&iterator, &number))
        *sum += number;
    return beamc_iterator_finish(&iterator);
}

BEAMC_DOFN(composites_say_joined, joined_both, string)
{
    int64_t sum = 0;
    int64_t sizes = 0;
    int64_t texts = 0;
    beamc_string text;
    beamc_iterator iterator;

    BEAMC_TRY(sum_numbers(&element->value.numbers, &sum));
    beamc_iterate(&iterator, &element->value.texts);
    while (beamc_next(&iterator, &text)) {
        texts++;
        sizes += (int64_t)text.size;
        BEAMC_TRY(sum_numbers(&element->value.numbers, &sum));
    }
    BEAMC_TRY(beamc_iterator_finish(&iterator));
    return beamc_emitf(ctx, "%.*s: %" PRId64 ", %" PRId64 " of %" PRId64 " bytes",
                       BEAMC_STR(element->key), sum, texts, sizes);
}

BEAMC_COMBINE(composites_range, int64, composites_span, string)

static beamc_error *composites_range_create(beamc_combine_context *ctx BEAMC_UNUSED,
                                            composites_span *accumulator)
{
    *accumulator = (composites_span){ INT64_MAX, 0, 0 };
    return NULL;
}

static beamc_error *composites_range_add(beamc_combine_context *ctx BEAMC_UNUSED,
                                         composites_span *accumulator, const int64_t *input)
{
    if (*input < accumulator->least)
        accumulator->least = *input;
    accumulator->sum += *input;
    accumulator->count++;
    return NULL;
}

static beamc_error *composites_range_merge(beamc_combine_context *ctx BEAMC_UNUSED,
                                           composites_span *accumulator, composites_span *other)
{
    if (other->least < accumulator->least)
        accumulator->least = other->least;
    accumulator->sum += other->sum;
    accumulator->count += other->count;
    return NULL;
}

static beamc_error *composites_range_extract(beamc_combine_context *ctx,
                                             composites_span *accumulator, beamc_string *output)
{
    const char *text = accumulator->count == 0
                           ? "nothing"
                           : beamc_arena_printf(ctx->arena, "%" PRId64 " least, %" PRId64 " of %" PRId64,
                                                accumulator->least, accumulator->sum,
                                                accumulator->count);
    if (text == NULL)
        return beamc_error_nomem();
    *output = beamc_string_of(text);
    return NULL;
}

/* ---- sources ---------------------------------------------------------------------------------- */

static beamc_pcollection create_numbers(beamc_pipeline *p, int64_t count)
{
    int64_t numbers[64];
    for (int64_t i = 0; i < count; i++)
        numbers[i] = i + 1;
    return beamc_create(p, BEAMC_TYPE(int64), numbers, (size_t)count);
}

static beamc_pcollection create_pairs(beamc_pipeline *p, int64_t count)
{
    key_number pairs[64];
    for (int64_t i = 0; i < count; i++)
        pairs[i] = (key_number){ beamc_string_of(i % 2 == 0 ? "even" : "odd"), i };
    return beamc_create(p, BEAMC_TYPE(key_number), pairs, (size_t)count);
}

/* ---- tests ------------------------------------------------------------------------------------ */

START_TEST(created_values_come_out)
{
    collect_check(create_numbers(collect_pipeline(), 3), "1\n2\n3\n");
}
END_TEST

START_TEST(nothing_created_is_nothing)
{
    collect_check(create_numbers(collect_pipeline(), 0), "");
}
END_TEST

START_TEST(reshuffle_keeps_all_that_comes_with_an_element)
{
    beamc_pcollection in = create_numbers(collect_pipeline(), 12);
    in = beamc_par_do(in, &composites_at_itself);
    in = beamc_reshuffle(beamc_window_into(in, beamc_sliding_windows(10, 5)));
    collect_check(beamc_par_do(in, &composites_say_place),
                  "1 @1 [-5, 5)\n1 @1 [0, 10)\n"
                  "10 @10 [10, 20)\n10 @10 [5, 15)\n"
                  "11 @11 [10, 20)\n11 @11 [5, 15)\n"
                  "12 @12 [10, 20)\n12 @12 [5, 15)\n"
                  "2 @2 [-5, 5)\n2 @2 [0, 10)\n"
                  "3 @3 [-5, 5)\n3 @3 [0, 10)\n"
                  "4 @4 [-5, 5)\n4 @4 [0, 10)\n"
                  "5 @5 [0, 10)\n5 @5 [5, 15)\n"
                  "6 @6 [0, 10)\n6 @6 [5, 15)\n"
                  "7 @7 [0, 10)\n7 @7 [5, 15)\n"
                  "8 @8 [0, 10)\n8 @8 [5, 15)\n"
                  "9 @9 [0, 10)\n9 @9 [5, 15)\n");
}
END_TEST

START_TEST(combined_globally)
{
    collect_check(beamc_combine_globally(create_numbers(collect_pipeline(), 50), &composites_range),
                  "1 least, 1275 of 50\n");
}
END_TEST

START_TEST(combined_nothing_gives_the_default)
{
    collect_check(beamc_combine_globally(create_numbers(collect_pipeline(), 0), &composites_range),
                  "nothing\n");
}
END_TEST

START_TEST(combined_nothing_without_default_is_nothing)
{
    beamc_combine_options options = { .without_default = true };
    collect_check(beamc_combine_globally_with(create_numbers(collect_pipeline(), 0),
                                              &composites_range, &options),
                  "");
}
END_TEST

START_TEST(fanout_changes_nothing)
{
    beamc_combine_options options = { .fanout = _i };
    beamc_pcollection in = create_pairs(collect_pipeline(), 50);
    collect_check(beamc_combine_per_key_with(in, &composites_range, &options),
                  "(even, 0 least, 600 of 25)\n(odd, 1 least, 625 of 25)\n");
}
END_TEST

START_TEST(fanout_changes_nothing_globally)
{
    beamc_combine_options options = { .fanout = _i };
    collect_check(beamc_combine_globally_with(create_numbers(collect_pipeline(), 50),
                                              &composites_range, &options),
                  "1 least, 1275 of 50\n");
}
END_TEST

START_TEST(joined_iterables_can_be_walked_in_one_another)
{
    const key_text texts[] = { { { "odd", 3 }, { "a", 1 } },
                               { { "odd", 3 }, { "bc", 2 } },
                               { { "none", 4 }, { "def", 3 } } };
    beamc_pipeline *p = collect_pipeline();
    beamc_pcollection in[] = { create_pairs(p, 4),
                               beamc_create(p, BEAMC_TYPE(key_text), texts, 3) };
    beamc_pcollection joined = beamc_co_group_by_key(in, 2, BEAMC_TYPE(both_of_key));
    collect_check(beamc_par_do(joined, &composites_say_joined),
                  "even: 2, 0 of 0 bytes\nnone: 0, 1 of 3 bytes\nodd: 12, 2 of 3 bytes\n");
}
END_TEST

Suite *suite_composites(void)
{
    Suite *suite = suite_create("composites");
    TCase *tc = tcase_create("composites");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, created_values_come_out);
    tcase_add_test(tc, nothing_created_is_nothing);
    tcase_add_test(tc, reshuffle_keeps_all_that_comes_with_an_element);
    tcase_add_test(tc, combined_globally);
    tcase_add_test(tc, combined_nothing_gives_the_default);
    tcase_add_test(tc, combined_nothing_without_default_is_nothing);
    tcase_add_loop_test(tc, fanout_changes_nothing, 0, 5);
    tcase_add_loop_test(tc, fanout_changes_nothing_globally, 2, 4);
    tcase_add_test(tc, joined_iterables_can_be_walked_in_one_another);
    suite_add_tcase(suite, tc);
    return suite;
}
