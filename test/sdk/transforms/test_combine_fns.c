/* SPDX-License-Identifier: Apache-2.0 */
/* The CombineFns by themselves: values are spread over accumulators in many ways, the accumulators
 * sent through their coder or not, and the result must always be the same. */
#include <beamc/aggregate.h>

#include "sdk/transforms/top.h"
#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

BEAMC_KV(score, string, int64)
#define PERSON(F) F(string, name) F(int64, age)
BEAMC_ROW(person, PERSON)

typedef struct {
    const beamc_combine_fn *fn;
    const void *config;
    const beamc_type *input;
    const void *values;
    size_t count;
} combining;

static void check_no(beamc_error *error)
{
    char text[256];

    if (error == NULL)
        return;
    beamc_error_print(error, text, sizeof(text));
    ck_abort_msg("%s", text);
}

/* The accumulator as it comes out of its coder; what it borrows from goes to @arena. */
static void send(const beamc_type *type, void *accumulator, beamc_arena *arena)
{
    beamc_buffer bytes;

    beamc_buffer_init(&bytes);
    ck_assert_int_eq(beamc_encode(type, accumulator, true, &bytes), BEAMC_OK);
    uint8_t *copy = beamc_arena_memdup(arena, bytes.data, bytes.size);
    beamc_reader in = beamc_reader_of(copy, bytes.size);
    beamc_buffer_dispose(&bytes);
    memset(accumulator, 0xee, type->size);
    ck_assert_int_eq(beamc_decode(type, accumulator, true, &in, arena), BEAMC_OK);
}

/* Combines with @parts accumulators: value i goes to accumulator i % parts.  Answers the error of
 * extract, else the result in @text. */
static beamc_error *combine(const combining *use, size_t parts, bool sends, char *text, size_t size)
{
    beamc_arena *arena = beamc_arena_new();
    const beamc_combine_fn *fn = use->fn;
    beamc_combine_types types = { fn->accumulator, fn->output };

    if (fn->infer != NULL)
        check_no(fn->infer(fn, use->input, use->config, arena, &types));
    beamc_combine_context ctx = { .arena = arena, .config = use->config,
                                  .input = use->input, .accumulator = types.accumulator,
                                  .output = types.output };
    char *accumulators = beamc_arena_calloc(arena, parts, types.accumulator->size);
    for (size_t i = 0; i < parts; i++)
        check_no(fn->create(&ctx, accumulators + i * types.accumulator->size));
    for (size_t i = 0; i < use->count; i++)
        check_no(fn->add(&ctx, accumulators + i % parts * types.accumulator->size,
                         (const char *)use->values + i * use->input->size));
    for (size_t i = 0; sends && i < parts; i++)
        send(types.accumulator, accumulators + i * types.accumulator->size, arena);
    for (size_t i = 1; i < parts; i++)
        check_no(fn->merge(&ctx, accumulators, accumulators + i * types.accumulator->size));
    if (sends)
        send(types.accumulator, accumulators, arena);
    void *output = beamc_arena_calloc(arena, 1, types.output->size);
    beamc_error *error = fn->extract(&ctx, accumulators, output);
    if (error == NULL) {
        beamc_buffer printed;
        beamc_buffer_init(&printed);
        beamc_print(types.output, output, &printed);
        snprintf(text, size, "%.*s", (int)printed.size, (const char *)printed.data);
        beamc_buffer_dispose(&printed);
    }
    beamc_arena_free(arena);
    return error;
}

static void check_result(const combining *use, const char *expected)
{
    char text[1024];

    for (size_t parts = 1; parts <= 5; parts++)
        for (int sends = 0; sends <= 1; sends++) {
            check_no(combine(use, parts, sends != 0, text, sizeof(text)));
            if (strcmp(text, expected) != 0)
                ck_abort_msg("%s with %zu accumulators, %ssent: %s, not %s", use->fn->function.name,
                             parts, sends ? "" : "not ", text, expected);
        }
}

static void check_failure(const combining *use, const char *part)
{
    char text[1024];

    for (size_t parts = 1; parts <= 3; parts++) {
        beamc_error *error = combine(use, parts, true, text, sizeof(text));
        ck_assert_ptr_nonnull(error);
        beamc_error_print(error, text, sizeof(text));
        ck_assert_ptr_nonnull(strstr(text, part));
        beamc_error_free(error);
    }
}

#define USE(fn, config, word, values)                                                              \
    {                                                                                              \
        fn, config, BEAMC_TYPE(word), values, sizeof(values) / sizeof((values)[0])                 \
    }

/* ---- numbers --------------------------------------------------------------------------------- */

static const int64_t numbers[] = { 5, -7, 12, 0, 5, 3, -7, 100 };

START_TEST(numbers_combine_alike_in_every_grouping)
{
    static const struct {
        const beamc_combine_fn *fn;
        const char *expected;
    } cases[] = {
        { &beamc_count_fn, "8" },
        { &beamc_sum_int64_fn, "111" },
        { &beamc_mean_int64_fn, "13.875" },
        { &beamc_min_fn, "-7" },
        { &beamc_max_fn, "100" },
        { &beamc_to_list_fn, "[-7, -7, 0, 3, 5, 5, 12, 100]" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const combining it = USE(cases[i].fn, NULL, int64, numbers);
        check_result(&it, cases[i].expected);
    }
}
END_TEST

START_TEST(sum_passes_int64_on_the_way_only)
{
    static const int64_t fits[] = { INT64_MAX, INT64_MAX, 1, -INT64_MAX,
                                    INT64_MIN, 6, INT64_MIN + 1, INT64_MAX };
    static const int64_t too_large[] = { INT64_MAX, 1 };
    static const int64_t too_small[] = { INT64_MIN, INT64_MIN, INT64_MIN };
    const combining ok = USE(&beamc_sum_int64_fn, NULL, int64, fits);
    const combining above = USE(&beamc_sum_int64_fn, NULL, int64, too_large);
    const combining below = USE(&beamc_sum_int64_fn, NULL, int64, too_small);
    const combining mean = USE(&beamc_mean_int64_fn, NULL, int64, too_small);

    check_result(&ok, "6");
    check_failure(&above, "does not fit int64");
    check_failure(&below, "does not fit int64");
    check_result(&mean, "-9.223372036854776e+18");
}
END_TEST

static double sum_of(const double *values, size_t count, size_t parts, bool sends)
{
    const combining it = { &beamc_sum_float64_fn, NULL, BEAMC_TYPE(float64), values, count };
    char text[64];

    check_no(combine(&it, parts, sends, text, sizeof(text)));
    return strtod(text, NULL);
}

START_TEST(sum_of_doubles_is_exact)
{
    static const double cancel[] = { 1e100, 1, -1e100, 1e-30, 3, -4, 1e16, 1, -1e16 };
    static const double tenths[] = { 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1 };
    static const double halves[] = { 9007199254740992.0, 1, 1e-300 };

    for (size_t parts = 1; parts <= 5; parts++)
        for (int sends = 0; sends <= 1; sends++) {
            ck_assert_double_eq(sum_of(cancel, 9, parts, sends), 1.0);
            ck_assert_double_eq(sum_of(tenths, 10, parts, sends), 1.0);
            ck_assert_double_eq(sum_of(halves, 3, parts, sends), 9007199254740994.0);
            ck_assert_double_eq(sum_of(NULL, 0, parts, sends), 0.0);
        }
}
END_TEST

START_TEST(sum_of_many_doubles_is_the_same_in_every_grouping)
{
    enum { COUNT = 5000 };
    static double values[COUNT];
    uint64_t state = 42;

    for (size_t i = 0; i < COUNT; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        values[i] = ldexp((double)(int64_t)state, (int)(state >> 58) - 40);
    }
    double once = sum_of(values, COUNT, 1, false);
    for (size_t parts = 2; parts < 40; parts += 7)
        ck_assert_double_eq(sum_of(values, COUNT, parts, true), once);
}
END_TEST

START_TEST(sum_knows_infinity)
{
    static const double up[] = { 1, INFINITY, 2 };
    static const double both[] = { INFINITY, 1, -INFINITY };
    static const double nan_too[] = { 1, NAN, 2 };

    for (size_t parts = 1; parts <= 4; parts++) {
        ck_assert_double_eq(sum_of(up, 3, parts, true), INFINITY);
        ck_assert(isnan(sum_of(both, 3, parts, true)));
        ck_assert(isnan(sum_of(nan_too, 3, parts, true)));
    }
}
END_TEST

START_TEST(mean_of_doubles)
{
    static const double values[] = { 0.5, 1e100, 1.5, -1e100 };
    const combining it = USE(&beamc_mean_float64_fn, NULL, float64, values);

    check_result(&it, "0.5");
}
END_TEST

START_TEST(nothing_combines_to_nothing)
{
    char text[64];
    const combining sum = { &beamc_sum_int64_fn, NULL, BEAMC_TYPE(int64), NULL, 0 };
    const combining list = { &beamc_to_list_fn, NULL, BEAMC_TYPE(string), NULL, 0 };
    const combining mean = { &beamc_mean_int64_fn, NULL, BEAMC_TYPE(int64), NULL, 0 };
    const combining min = { &beamc_min_fn, NULL, BEAMC_TYPE(int64), NULL, 0 };
    const combining max = { &beamc_max_fn, NULL, BEAMC_TYPE(string), NULL, 0 };

    check_result(&sum, "0");
    check_result(&list, "[]");
    check_no(combine(&mean, 2, true, text, sizeof(text)));
    ck_assert(isnan(strtod(text, NULL)));
    check_failure(&min, "of no values");
    check_failure(&max, "of no values");
}
END_TEST

/* ---- values with memory ---------------------------------------------------------------------- */

#define S(text) { text, sizeof(text) - 1 }

START_TEST(strings_combine_alike_in_every_grouping)
{
    static const beamc_string words[] = { S("pear"), S("apple"), S(""), S("fig"), S("apple"),
                                          S("a rather long name of a fruit nobody has tasted") };
    const beamc__top_config three = { 3, false, S("") };
    const beamc__top_config first = { 2, true, S("") };
    const beamc__top_config many = { 100, true, S("") };
    const combining min = USE(&beamc_min_fn, NULL, string, words);
    const combining max = USE(&beamc_max_fn, NULL, string, words);
    const combining top = USE(&beamc__top_fn, &three, string, words);
    const combining bottom = USE(&beamc__top_fn, &first, string, words);
    const combining all = USE(&beamc__top_fn, &many, string, words);
    const combining list = USE(&beamc_to_list_fn, NULL, string, words);

    check_result(&min, "");
    check_result(&max, "pear");
    check_result(&top, "[pear, fig, apple]");
    check_result(&bottom, "[, a rather long name of a fruit nobody has tasted]");
    check_result(&all,
                 "[, a rather long name of a fruit nobody has tasted, apple, apple, fig, pear]");
    check_result(&list,
                 "[, a rather long name of a fruit nobody has tasted, apple, apple, fig, pear]");
}
END_TEST

START_TEST(top_orders_by_a_field)
{
    static const person people[] = { { S("Ann"), 30 }, { S("Bob"), 25 }, { S("Cid"), 30 },
                                     { S("Dan"), 41 }, { S("Eve"), 19 } };
    static const score scores[] = { { S("x"), 3 }, { S("y"), 9 }, { S("z"), 1 } };
    const beamc__top_config oldest = { 3, false, S("age") };
    const beamc__top_config least = { 2, true, S("value") };
    const combining by_age = USE(&beamc__top_fn, &oldest, person, people);
    const combining by_value = USE(&beamc__top_fn, &least, score, scores);

    check_result(&by_age, "[{name: Dan, age: 41}, {name: Cid, age: 30}, {name: Ann, age: 30}]");
    check_result(&by_value, "[(z, 1), (x, 3)]");
}
END_TEST

START_TEST(top_refuses_what_has_no_order)
{
    static const struct {
        beamc__top_config config;
        const beamc_type *input;
        const char *part;
    } cases[] = {
        { { 0, false, S("") }, BEAMC_TYPE(int64), "a count of 0" },
        { { -1, false, S("") }, BEAMC_TYPE(int64), "a count of -1" },
        { { 3, false, S("size") }, BEAMC_TYPE(person), "no field \"size\"" },
        { { 3, false, S("age.years") }, BEAMC_TYPE(person), "no field \"years\"" },
        { { 3, false, S("age") }, BEAMC_TYPE(string), "no field \"age\"" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        beamc_arena *arena = beamc_arena_new();
        beamc_combine_types types = { NULL, NULL };
        char text[256];
        beamc_error *error =
            beamc__top_fn.infer(&beamc__top_fn, cases[i].input, &cases[i].config, arena, &types);
        ck_assert_ptr_nonnull(error);
        beamc_error_print(error, text, sizeof(text));
        ck_assert_msg(strstr(text, cases[i].part) != NULL, "%s", text);
        beamc_error_free(error);
        beamc_arena_free(arena);
    }
}
END_TEST

/* Values that come in rising order replace each other all the time. */
START_TEST(top_memory_does_not_grow_with_its_input)
{
    beamc_arena *arena = beamc_arena_new();
    beamc_combine_types types = { NULL, NULL };
    const beamc__top_config config = { 10, false, S("") };
    beamc_iterable accumulator;
    size_t early = 0;
    char text[64];

    check_no(beamc__top_fn.infer(&beamc__top_fn, BEAMC_TYPE(string), &config, arena, &types));
    beamc_combine_context ctx = { .arena = arena, .config = &config,
                                  .input = BEAMC_TYPE(string), .accumulator = types.accumulator,
                                  .output = types.output };
    check_no(beamc__top_fn.create(&ctx, &accumulator));
    for (int i = 0; i < 20000; i++) {
        snprintf(text, sizeof(text), "%0*d", 10 + i % 20, i);
        beamc_string value = beamc_string_of(text);
        check_no(beamc__top_fn.add(&ctx, &accumulator, &value));
        if (i == 1000)
            early = beamc_arena_used(arena);
    }
    ck_assert_uint_le(beamc_arena_used(arena), early + 4096);
    beamc_arena_free(arena);
}
END_TEST

Suite *suite_combine_fns(void);
Suite *suite_combine_fns(void)
{
    Suite *suite = suite_create("combine_fns");
    TCase *tc = tcase_create("combine_fns");

    tcase_add_test(tc, numbers_combine_alike_in_every_grouping);
    tcase_add_test(tc, sum_passes_int64_on_the_way_only);
    tcase_add_test(tc, sum_of_doubles_is_exact);
    tcase_add_test(tc, sum_of_many_doubles_is_the_same_in_every_grouping);
    tcase_add_test(tc, sum_knows_infinity);
    tcase_add_test(tc, mean_of_doubles);
    tcase_add_test(tc, nothing_combines_to_nothing);
    tcase_add_test(tc, strings_combine_alike_in_every_grouping);
    tcase_add_test(tc, top_orders_by_a_field);
    tcase_add_test(tc, top_refuses_what_has_no_order);
    tcase_add_test(tc, top_memory_does_not_grow_with_its_input);
    suite_add_tcase(suite, tc);
    return suite;
}
