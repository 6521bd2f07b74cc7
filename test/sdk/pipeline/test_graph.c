/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused when a pipeline is built, and in which words. */
#include "sdk/pipeline/graph.h"
#include "test/alloc.h"
#include "test/sdk/pipeline/pipelines.h"
#include <check.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

BEAMC_KV(pair, string, int64)
BEAMC_KV(weight, float64, int64)
BEAMC_KV(other_pair, int64, int64)
BEAMC_ITERABLE(pair_values, int64)
BEAMC_ITERABLE(texts, string)

#define TWO(F) F(pair_values, first) F(pair_values, second)
BEAMC_ROW(two, TWO)
#define WRONG(F) F(pair_values, first) F(texts, second)
BEAMC_ROW(wrong, WRONG)

/* ---- functions -------------------------------------------------------------------------------- */

BEAMC_DOFN(graph_shout, string, string)
{
    return beamc_emit(ctx, element);
}

static const beamc_dofn_side graph_sides[] = {
    { "one", &beamc_type_int64, BEAMC_VIEW_SINGLETON },
    { "many", NULL, BEAMC_VIEW_MULTIMAP },
};

static const beamc_dofn_output graph_outputs[] = { { "rest", &beamc_type_string } };

BEAMC_DOFN_WITH(graph_sided, string, string, .sides = graph_sides, .side_count = 2,
                .outputs = graph_outputs, .output_count = 1)
{
    return NULL;
}

BEAMC_DOFN_WITH(graph_configured, string, string, .config = &beamc_type_int64)
{
    return NULL;
}

static beamc_error *refuse_all(const beamc_dofn *dofn BEAMC_UNUSED,
                               const beamc_type *input BEAMC_UNUSED,
                               const void *config BEAMC_UNUSED, beamc_arena *arena BEAMC_UNUSED,
                               beamc_dofn_types *out BEAMC_UNUSED)
{
    return beamc_error_new(BEAMC_ETYPE, "it takes nothing");
}

BEAMC_DOFN_WITH(graph_choosy, string, string, .infer = refuse_all)
{
    return NULL;
}

static const beamc_dofn_output graph_bad_outputs[] = { { "output", &beamc_type_string } };

BEAMC_DOFN_WITH(graph_bad_tag, string, string, .outputs = graph_bad_outputs, .output_count = 1)
{
    return NULL;
}

static const beamc_dofn_side graph_bad_sides[] = { { "input", NULL, BEAMC_VIEW_ITERABLE } };

BEAMC_DOFN_WITH(graph_bad_side, string, string, .sides = graph_bad_sides, .side_count = 1)
{
    return NULL;
}

static beamc_error *never_called(beamc_context *ctx BEAMC_UNUSED, const void *element BEAMC_UNUSED)
{
    return NULL;
}

/* Made by hand and not registered. */
static const beamc_dofn graph_unknown = { .function = { BEAMC_FUNCTION_DOFN, "graph_unknown" },
                                          .process = never_called };

BEAMC_COMBINE(graph_sum, int64, int64, int64)

static beamc_error *graph_sum_create(beamc_combine_context *ctx BEAMC_UNUSED, int64_t *accumulator)
{
    *accumulator = 0;
    return NULL;
}

static beamc_error *graph_sum_add(beamc_combine_context *ctx BEAMC_UNUSED, int64_t *accumulator,
                                  const int64_t *input)
{
    *accumulator += *input;
    return NULL;
}

static beamc_error *graph_sum_merge(beamc_combine_context *ctx BEAMC_UNUSED, int64_t *accumulator,
                                    int64_t *other)
{
    *accumulator += *other;
    return NULL;
}

static beamc_error *graph_sum_extract(beamc_combine_context *ctx BEAMC_UNUSED, int64_t *accumulator,
                                      int64_t *output)
{
    *output = *accumulator;
    return NULL;
}

/* ---- sources ---------------------------------------------------------------------------------- */

static beamc_pcollection strings(beamc_pipeline *p)
{
    return beamc_create(p, BEAMC_TYPE(string), NULL, 0);
}

static beamc_pcollection numbers(beamc_pipeline *p)
{
    return beamc_create(beamc_named_root(p, "Numbers"), BEAMC_TYPE(int64), NULL, 0);
}

static beamc_pcollection pairs(beamc_pipeline *p)
{
    return beamc_create(beamc_named_root(p, "Pairs"), BEAMC_TYPE(pair), NULL, 0);
}

static beamc_pcollection weights(beamc_pipeline *p)
{
    return beamc_create(beamc_named_root(p, "Weights"), BEAMC_TYPE(weight), NULL, 0);
}

static beamc_pcollection other_pairs(beamc_pipeline *p)
{
    return beamc_create(beamc_named_root(p, "Others"), BEAMC_TYPE(other_pair), NULL, 0);
}

/* ---- what is wrong ---------------------------------------------------------------------------- */

static void wrong_input(beamc_pipeline *p)
{
    beamc_par_do(pairs(p), &graph_shout);
}

static void wrong_input_renamed(beamc_pipeline *p)
{
    beamc_par_do(beamc_named(pairs(p), "Shout"), &graph_shout);
}

static void unknown_dofn(beamc_pipeline *p)
{
    beamc_par_do(strings(p), &graph_unknown);
}

static void no_dofn(beamc_pipeline *p)
{
    beamc_par_do(strings(p), NULL);
}

static void no_combine_fn(beamc_pipeline *p)
{
    beamc_combine_per_key(pairs(p), NULL);
}

static void combine_fn_as_dofn(beamc_pipeline *p)
{
    beamc_par_do(strings(p), (const beamc_dofn *)(const void *)&graph_sum);
}

static void no_config(beamc_pipeline *p)
{
    beamc_par_do(strings(p), &graph_configured);
}

static void config_without_type(beamc_pipeline *p)
{
    int64_t config = 1;
    beamc_par_do_options options = { .config = &config };
    beamc_par_do_with(strings(p), &graph_shout, &options);
}

static void infer_refuses(beamc_pipeline *p)
{
    beamc_par_do(strings(p), &graph_choosy);
}

static void bad_output_tag(beamc_pipeline *p)
{
    beamc_par_do(strings(p), &graph_bad_tag);
}

static void bad_side_name(beamc_pipeline *p)
{
    beamc_par_do(strings(p), &graph_bad_side);
}

static void no_such_tag(beamc_pipeline *p)
{
    beamc_tagged(beamc_par_do(strings(p), &graph_shout), "rest");
}

static void no_sides(beamc_pipeline *p)
{
    beamc_par_do(strings(p), &graph_sided);
}

static void with_sides(beamc_pipeline *p, beamc_pcollection in, beamc_pcollection one,
                       beamc_pcollection many, const void *many_default)
{
    beamc_side_input sides[] = { { one, NULL }, { many, many_default } };
    beamc_par_do_options options = { .sides = sides, .side_count = 2 };
    (void)p;
    beamc_par_do_with(in, &graph_sided, &options);
}

static void wrong_side_type(beamc_pipeline *p)
{
    beamc_pcollection both = pairs(p);
    with_sides(p, strings(p), both, both, NULL);
}

static void multimap_of_no_kv(beamc_pipeline *p)
{
    beamc_pcollection both = numbers(p);
    with_sides(p, strings(p), both, both, NULL);
}

static void multimap_of_bad_key(beamc_pipeline *p)
{
    with_sides(p, strings(p), numbers(p), weights(p), NULL);
}

static void default_of_multimap(beamc_pipeline *p)
{
    static const pair nothing = { { NULL, 0 }, 0 };
    with_sides(p, strings(p), numbers(p), pairs(p), &nothing);
}

static void side_in_sessions(beamc_pipeline *p)
{
    with_sides(p, beamc_window_into(strings(p), beamc_fixed_windows(5)), numbers(p),
               beamc_window_into(pairs(p), beamc_session_windows(5)), NULL);
}

static void side_in_windows(beamc_pipeline *p)
{
    with_sides(p, strings(p), numbers(p), beamc_window_into(pairs(p), beamc_fixed_windows(5)),
               NULL);
}

static void missing_side(beamc_pipeline *p)
{
    beamc_pcollection none = { p, 0 };
    with_sides(p, strings(p), numbers(p), none, NULL);
}

static void group_strings(beamc_pipeline *p)
{
    beamc_group_by_key(strings(p));
}

static void group_doubles(beamc_pipeline *p)
{
    beamc_group_by_key(weights(p));
}

static void combine_doubles(beamc_pipeline *p)
{
    beamc_combine_per_key(weights(p), &graph_sum);
}

static void combine_strings(beamc_pipeline *p)
{
    beamc_combine_globally(strings(p), &graph_sum);
}

static void combine_windows(beamc_pipeline *p)
{
    beamc_combine_globally(beamc_window_into(numbers(p), beamc_fixed_windows(5)), &graph_sum);
}

static void combine_ungrouped(beamc_pipeline *p)
{
    beamc_combine_grouped_values(pairs(p), &graph_sum);
}

static void bad_fanout(beamc_pipeline *p)
{
    beamc_combine_options options = { .fanout = -1 };
    beamc_combine_globally_with(numbers(p), &graph_sum, &options);
}

static void flatten_types(beamc_pipeline *p)
{
    beamc_pcollection in[] = { strings(p), numbers(p) };
    beamc_flatten(in, 2);
}

static void flatten_windows(beamc_pipeline *p)
{
    beamc_pcollection in[] = { strings(p),
                               beamc_window_into(strings(p), beamc_fixed_windows(5)) };
    beamc_flatten(in, 2);
}

static void flatten_lateness(beamc_pipeline *p)
{
    beamc_windowing late = beamc_global_windows();
    late.allowed_lateness = 1;
    beamc_pcollection in[] = { strings(p), beamc_window_into(strings(p), late) };
    beamc_flatten(in, 2);
}

static void flatten_nothing(beamc_pipeline *p)
{
    beamc_flatten_at(BEAMC_HERE, p, NULL, 0, NULL);
}

static void bad_windows(beamc_pipeline *p)
{
    beamc_window_into(strings(p), beamc_fixed_windows(0));
}

static void create_without_type(beamc_pipeline *p)
{
    beamc_create(p, NULL, NULL, 0);
}

static void create_without_values(beamc_pipeline *p)
{
    beamc_create(p, BEAMC_TYPE(int64), NULL, 3);
}

static void leave_outside(beamc_pipeline *p)
{
    beamc_leave(p);
}

static void leave_twice(beamc_pipeline *p)
{
    beamc_enter(p, "Once", NULL);
    beamc_leave(p);
    beamc_leave(p);
}

static void stay_inside(beamc_pipeline *p)
{
    beamc_enter(p, "Outer", NULL);
    strings(p);
    beamc_enter(p, "Inner", NULL);
}

static void enter_without_name(beamc_pipeline *p)
{
    beamc_enter(p, "", NULL);
}

static void payload_without_urn(beamc_pipeline *p)
{
    beamc_composite_options options = { .payload = "x", .payload_size = 1 };
    beamc_enter(p, "Anonymous", &options);
}

static void leave_with_nothing(beamc_pipeline *p)
{
    beamc_pcollection none = { p, 0 };
    beamc_enter(p, "Hollow", NULL);
    beamc_leave_at(BEAMC_HERE, p, &none, 1);
}

static void join_keys(beamc_pipeline *p)
{
    beamc_pcollection in[] = { pairs(p), other_pairs(p) };
    beamc_co_group_by_key(in, 2, BEAMC_TYPE(two));
}

static void join_values(beamc_pipeline *p)
{
    beamc_pcollection in[] = { pairs(p), pairs(p) };
    beamc_co_group_by_key(in, 2, BEAMC_TYPE(wrong));
}

static void join_count(beamc_pipeline *p)
{
    beamc_pcollection in[] = { pairs(p) };
    beamc_co_group_by_key(in, 1, BEAMC_TYPE(two));
}

static void join_windows(beamc_pipeline *p)
{
    beamc_pcollection in[] = { pairs(p), beamc_window_into(pairs(p), beamc_fixed_windows(5)) };
    beamc_co_group_by_key(in, 2, BEAMC_TYPE(two));
}

static void join_strings(beamc_pipeline *p)
{
    beamc_pcollection in[] = { strings(p), pairs(p) };
    beamc_co_group_by_key(in, 2, BEAMC_TYPE(two));
}

static void reshuffle_nothing(beamc_pipeline *p)
{
    beamc_pcollection none = { p, 77 };
    beamc_reshuffle(none);
}

static void fail_by_hand(beamc_pipeline *p)
{
    beamc_pipeline_fail(p, BEAMC_HERE, beamc_error_new(BEAMC_EINVAL, "the user says no"));
    wrong_input(p); /* the first error counts */
}

static const struct {
    void (*build)(beamc_pipeline *p);
    beamc_code code;
    const char *says;
} faults[] = {
    { wrong_input, BEAMC_ETYPE,
      "transform graph_shout takes string, but Pairs gives KV<string, int64>" },
    { wrong_input_renamed, BEAMC_ETYPE,
      "transform Shout takes string, but Pairs gives KV<string, int64>" },
    { unknown_dofn, BEAMC_ENOENT,
      "graph_unknown is not known to the worker: define it with BEAMC_DOFN" },
    { no_dofn, BEAMC_EINVAL, "a transform is given no DoFn" },
    { no_combine_fn, BEAMC_EINVAL, "a transform is given no CombineFn" },
    { combine_fn_as_dofn, BEAMC_EINVAL, "graph_sum is not the table of a DoFn" },
    { no_config, BEAMC_EINVAL, "transform graph_configured needs a configuration of type int64" },
    { config_without_type, BEAMC_EINVAL,
      "transform graph_shout is given a configuration, but its table has no type for it" },
    { infer_refuses, BEAMC_ETYPE, "transform graph_choosy after Create: it takes nothing" },
    { bad_output_tag, BEAMC_EINVAL,
      "transform graph_bad_tag: tag \"output\" of output 1 is taken" },
    { bad_side_name, BEAMC_EINVAL,
      "transform graph_bad_side: name \"input\" of side input 0 is taken" },
    { no_such_tag, BEAMC_ENOENT, "transform graph_shout has no output \"rest\"" },
    { no_sides, BEAMC_EINVAL, "transform graph_sided has 2 side inputs, but is given 0" },
    { wrong_side_type, BEAMC_ETYPE,
      "transform graph_sided: side input one is of int64, but Pairs gives KV<string, int64>" },
    { multimap_of_no_kv, BEAMC_ETYPE,
      "transform graph_sided: side input many is a multimap of KVs, but Numbers gives int64" },
    { multimap_of_bad_key, BEAMC_ETYPE,
      "transform graph_sided: side input many: float64 cannot be a key, because equal values may be "
      "encoded differently" },
    { default_of_multimap, BEAMC_EINVAL,
      "transform graph_sided: side input many has a default, but is no singleton" },
    { side_in_sessions, BEAMC_EINVAL,
      "transform graph_sided: side input many is in sessions, which no window of the main input "
      "belongs to" },
    { side_in_windows, BEAMC_EINVAL,
      "transform graph_sided: side input many is in windows, but the main input is in the global "
      "one" },
    { missing_side, BEAMC_EINVAL, "transform graph_sided is given no PCollection" },
    { group_strings, BEAMC_ETYPE, "transform GroupByKey takes a KV, but Create gives string" },
    { group_doubles, BEAMC_ETYPE,
      "transform GroupByKey: float64 cannot be a key, because equal values may be encoded "
      "differently" },
    { combine_doubles, BEAMC_ETYPE,
      "transform graph_sum: float64 cannot be a key, because equal values may be encoded "
      "differently" },
    { combine_strings, BEAMC_ETYPE, "transform graph_sum combines int64, but Create gives string" },
    { combine_windows, BEAMC_EINVAL,
      "transform graph_sum: empty windows cannot have a default, but WindowInto is not in the "
      "global window: set without_default" },
    { combine_ungrouped, BEAMC_ETYPE,
      "transform graph_sum takes a KV of an iterable, but Pairs gives KV<string, int64>" },
    { bad_fanout, BEAMC_EINVAL, "transform graph_sum: a fan-out of -1 is not in [0, 1000000]" },
    { flatten_types, BEAMC_ETYPE,
      "transform Flatten: Numbers gives int64, but the others give string" },
    { flatten_windows, BEAMC_EINVAL,
      "transform Flatten: Create is in the global window, but WindowInto in fixed windows of 5 ms" },
    { flatten_lateness, BEAMC_EINVAL,
      "transform Flatten: Create is in the global window, but WindowInto in the global window with "
      "a lateness of 1 ms" },
    { flatten_nothing, BEAMC_EINVAL, "transform Flatten has neither inputs nor a type" },
    { bad_windows, BEAMC_EINVAL,
      "transform WindowInto: fixed windows of 0 ms: the size must be above 0" },
    { create_without_type, BEAMC_EINVAL, "transform Create is given no type" },
    { create_without_values, BEAMC_EINVAL, "transform Create: 3 values at NULL" },
    { leave_outside, BEAMC_EINVAL, "beamc_leave without an open composite" },
    { leave_twice, BEAMC_EINVAL, "beamc_leave without an open composite" },
    { stay_inside, BEAMC_EINVAL, "composite Outer/Inner is entered here but never left" },
    { enter_without_name, BEAMC_EINVAL, "a composite has no name" },
    { payload_without_urn, BEAMC_EINVAL, "composite Anonymous has a payload but no URN" },
    { leave_with_nothing, BEAMC_EINVAL, "transform Hollow is given no PCollection" },
    { join_keys, BEAMC_ETYPE,
      "transform CoGroupByKey: keys are string, but Others gives KV<int64, int64>" },
    { join_values, BEAMC_ETYPE,
      "transform CoGroupByKey: field second is Iterable<string>, but Pairs_2 gives KV<string, "
      "int64>" },
    { join_count, BEAMC_ETYPE,
      "transform CoGroupByKey joins 1 inputs: two is no row of so many iterables" },
    { join_windows, BEAMC_EINVAL,
      "transform CoGroupByKey: Pairs and WindowInto are windowed differently" },
    { join_strings, BEAMC_ETYPE, "transform CoGroupByKey takes a KV, but Create gives string" },
    { reshuffle_nothing, BEAMC_EINVAL, "transform Reshuffle is given no PCollection" },
    { fail_by_hand, BEAMC_EINVAL, "the user says no" },
};

START_TEST(what_is_wrong_is_said_with_its_place)
{
    char text[500];
    beamc_buffer out;
    beamc_pipeline *p = test_pipeline_new();

    beamc_buffer_init(&out);
    faults[_i].build(p);
    beamc_error *err = beamc_pipeline_serialize(p, &out);
    ck_assert_ptr_nonnull(err);
    ck_assert_int_eq(beamc_error_code(err), faults[_i].code);
    beamc_error_print(err, text, sizeof(text));
    const char *colon = strstr(text, "test_graph.c:");
    ck_assert_msg(colon != NULL, "%s", text);
    const char *says = strstr(colon, ": ");
    ck_assert_ptr_nonnull(says);
    ck_assert_str_eq(says + 2, faults[_i].says);
    ck_assert_uint_eq(out.size, 0);
    beamc_error_free(err);
    beamc_buffer_dispose(&out);
    beamc_pipeline_free(p);
}
END_TEST

/* After an error everything goes on taking calls and changes nothing. */
START_TEST(building_goes_on_after_an_error)
{
    beamc_pipeline *p = test_pipeline_new();
    wrong_input(p);
    char before[200];
    char after[200];
    beamc_error_print(beamc_pipeline_error(p), before, sizeof(before));
    for (size_t i = 0; i < test_pipeline_count; i++)
        test_pipelines[i].build(p);
    for (size_t i = 0; i < COUNT(faults); i++)
        faults[i].build(p);
    beamc_error_print(beamc_pipeline_error(p), after, sizeof(after));
    ck_assert_str_eq(before, after);
    ck_assert_ptr_null(beamc_pcollection_type(strings(p)));
    beamc_pipeline_free(p);
}
END_TEST

START_TEST(another_pipelines_collection_is_refused)
{
    char text[300];
    beamc_pipeline *p = test_pipeline_new();
    beamc_pipeline *q = test_pipeline_new();
    beamc_pcollection in[] = { strings(p), strings(q) };
    beamc_flatten(in, 2);
    ck_assert_ptr_null(beamc_pipeline_error(q));
    beamc_error_print(beamc_pipeline_error(p), text, sizeof(text));
    ck_assert_ptr_nonnull(strstr(text, "transform Flatten is given a PCollection of another pipeline"));
    beamc_pipeline_free(p);
    beamc_pipeline_free(q);
}
END_TEST

START_TEST(functions_of_one_name_are_refused)
{
    static const beamc_dofn twin = { .function = { BEAMC_FUNCTION_DOFN, "graph_shout" },
                                     .process = never_called };
    static const beamc_combine_fn cousin = { .function = { BEAMC_FUNCTION_COMBINE, "graph_shout" } };
    const beamc_function *functions[] = { &graph_shout.function, &graph_shout.function,
                                          &cousin.function, &twin.function };
    char text[200];
    beamc_pipeline *p = beamc_pipeline_new(functions, 3);
    ck_assert_ptr_null(beamc_pipeline_error(p));
    beamc_pipeline_free(p);
    p = beamc_pipeline_new(functions, 4);
    beamc_error_print(beamc_pipeline_error(p), text, sizeof(text));
    ck_assert_str_eq(text, "the program has two DoFns named graph_shout");
    beamc_pipeline_free(p);
}
END_TEST

START_TEST(names_that_repeat_are_numbered)
{
    beamc_pipeline *p = test_pipeline_new();
    const char *expected[] = { "Numbers", "Numbers_2", "Numbers_3", "Numbers_2_2" };
    for (int i = 0; i < 3; i++)
        numbers(p);
    beamc_create(beamc_named_root(p, "Numbers_2"), BEAMC_TYPE(int64), NULL, 0);
    size_t i = 0;
    for (const beamc__transform *t = p->root->first_child; t != NULL; t = t->next)
        ck_assert_str_eq(t->unique_name, expected[i++]);
    ck_assert_uint_eq(i, COUNT(expected));
    beamc_pipeline_free(p);
}
END_TEST

static const struct {
    const char *text;
    const char *copy;
} texts_to_copy[] = {
    { "", "" },
    { "Z\xc3\xa4hlen \xe2\x82\xac \xf0\x9f\x98\x80", "Z\xc3\xa4hlen \xe2\x82\xac \xf0\x9f\x98\x80" },
    { "Z\xe4hlen", "Z?hlen" },
    { "\xc0\xaf", "??" },
    { "\xe0\x80\x80", "???" },
    { "\xed\xa0\x80", "???" },
    { "\xf4\x90\x80\x80", "????" },
    { "\xff\x80", "??" },
    { "cut \xe2\x82", "cut ??" },
};

START_TEST(text_of_messages_is_utf_8)
{
    beamc_arena *arena = beamc_arena_new();
    const char *text = texts_to_copy[_i].text;
    ck_assert_str_eq(beamc__text_copy(arena, text, strlen(text)), texts_to_copy[_i].copy);
    beamc_arena_free(arena);
}
END_TEST

START_TEST(types_are_told)
{
    beamc_pipeline *p = test_pipeline_new();
    beamc_windowing fixed = beamc_fixed_windows(5);
    beamc_pcollection grouped = beamc_group_by_key(beamc_window_into(pairs(p), fixed));
    ck_assert_str_eq(beamc_pcollection_type(grouped)->name, "KV<string, Iterable<int64>>");
    ck_assert_int_eq(beamc_pcollection_windowing(grouped).kind, BEAMC_WINDOW_FIXED);
    ck_assert_int_eq(beamc_pcollection_windowing(grouped).size, 5);
    beamc_pcollection summed = beamc_combine_grouped_values(grouped, &graph_sum);
    ck_assert(beamc_type_equal(beamc_pcollection_type(summed), BEAMC_TYPE(pair)));
    beamc_pipeline_free(p);
}
END_TEST

/* Types made by hand must lie as those of the macros. */
START_TEST(made_types_lie_as_the_macros_do)
{
    beamc_arena *arena = beamc_arena_new();
    const beamc_type *parts[] = { BEAMC_TYPE(string), BEAMC_TYPE(int64), BEAMC_TYPE(boolean),
                                  BEAMC_TYPE(nothing), BEAMC_TYPE(int16) };
    ck_assert(beamc_type_equal(
        beamc_type_kv(arena, BEAMC_TYPE(string), BEAMC_TYPE(int64)), BEAMC_TYPE(pair)));
    ck_assert(
        beamc_type_equal(beamc_type_iterable(arena, BEAMC_TYPE(string)), BEAMC_TYPE(texts)));
    for (size_t i = 0; i < COUNT(parts); i++) {
        const beamc_type *maybe = beamc_type_nullable(arena, parts[i]);
        ck_assert_uint_eq(maybe->size % maybe->align, 0);
        ck_assert_uint_ge(maybe->size, 1 + parts[i]->size);
        for (size_t j = 0; j < COUNT(parts); j++) {
            const beamc_type *kv = beamc_type_kv(arena, parts[i], parts[j]);
            ck_assert_uint_eq(kv->size % kv->align, 0);
            ck_assert_uint_ge(kv->size, beamc_kv_value_offset(kv) + parts[j]->size);
        }
    }
    ck_assert_ptr_null(beamc_type_kv(arena, BEAMC_TYPE(string), NULL));
    beamc_arena_free(arena);
}
END_TEST

/* Builds all of the test pipelines; the answer is borrowed from @p or owned by @out. */
static beamc_code build_and_serialize(beamc_pipeline *p, size_t index)
{
    beamc_buffer out;

    beamc_buffer_init(&out);
    test_pipelines[index].build(p);
    beamc_error *err = beamc_pipeline_serialize(p, &out);
    beamc_code code = beamc_error_code(err);
    beamc_error_free(err);
    beamc_buffer_dispose(&out);
    return code;
}

START_TEST(every_allocation_may_fail)
{
    for (long n = 0;; n++) {
        test_alloc_fail_at(n);
        beamc_pipeline *p = test_pipeline_new();
        beamc_code code = p == NULL ? BEAMC_ENOMEM : build_and_serialize(p, (size_t)_i);
        bool failed = test_alloc_failed();
        test_alloc_fail_at(-1);
        beamc_pipeline_free(p);
        ck_assert_int_eq(code, failed ? BEAMC_ENOMEM : BEAMC_OK);
        if (!failed)
            break;
    }
}
END_TEST

Suite *suite_graph(void)
{
    Suite *suite = suite_create("graph");
    TCase *tc = tcase_create("graph");
    tcase_add_loop_test(tc, what_is_wrong_is_said_with_its_place, 0, COUNT(faults));
    tcase_add_test(tc, building_goes_on_after_an_error);
    tcase_add_test(tc, another_pipelines_collection_is_refused);
    tcase_add_test(tc, functions_of_one_name_are_refused);
    tcase_add_test(tc, names_that_repeat_are_numbered);
    tcase_add_loop_test(tc, text_of_messages_is_utf_8, 0, COUNT(texts_to_copy));
    tcase_add_test(tc, types_are_told);
    tcase_add_test(tc, made_types_lie_as_the_macros_do);
    tcase_add_loop_test(tc, every_allocation_may_fail, 0, (int)test_pipeline_count);
    suite_add_tcase(suite, tc);
    return suite;
}
