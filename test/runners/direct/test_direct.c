/* SPDX-License-Identifier: Apache-2.0 */
/* Whole pipelines: the same lines for any number of workers and any memory, and what goes wrong told
 * by name. */
#include <beamc/direct.h>

#include "test/alloc.h"
#include <check.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

BEAMC_KV(pair, string, int64)
BEAMC_KV(number_pair, int64, int64)
BEAMC_ITERABLE(int64s, int64)
BEAMC_KV(group, string, int64s)
BEAMC_ITERABLE(groups_of, group)
BEAMC_KV(text_pair, string, string)
BEAMC_ITERABLE(strings, string)

#define S(text) { text, sizeof(text) - 1 }

/* ---- collecting in memory -------------------------------------------------------------------------- */

typedef struct {
    pthread_mutex_t lock; /* guards the text */
    beamc_buffer text;
} box;

#define LABEL(F) F(int64, address) F(string, label)
BEAMC_ROW(direct_label, LABEL)

static void print_windows(beamc_context *ctx, beamc_buffer *out)
{
    beamc_interval_window window;
    beamc_pane pane = beamc_context_pane(ctx);
    uint32_t at = 0;

    if (beamc_context_timestamp(ctx) != BEAMC_TIMESTAMP_MIN)
        beamc_buffer_printf(out, " @%" PRId64, beamc_context_timestamp(ctx));
    while (beamc_element_next_interval(ctx->info, &at, &window))
        beamc_buffer_printf(out, " [%" PRId64 ",%" PRId64 ")", window.start, window.end);
    if (pane.timing == BEAMC_PANE_ON_TIME)
        beamc_buffer_append_string(out, " on time");
}

static beamc_error *direct_collect_call(beamc_context *ctx, const void *element)
{
    const direct_label *config = beamc_config(ctx);
    box *to = (box *)(intptr_t)config->address;

    pthread_mutex_lock(&to->lock);
    if (config->label.size > 0)
        beamc_buffer_printf(&to->text, "%.*s: ", BEAMC_STR(config->label));
    beamc_print(ctx->input, element, &to->text);
    print_windows(ctx, &to->text);
    beamc_buffer_append_byte(&to->text, '\n');
    bool failed = beamc_buffer_failed(&to->text);
    pthread_mutex_unlock(&to->lock);
    return failed ? beamc_error_nomem() : NULL;
}

static const beamc_dofn direct_collect = {
    .function = { BEAMC_FUNCTION_DOFN, "direct_collect" },
    .process = direct_collect_call,
    .config = &beamc_type_direct_label,
};
BEAMC_REGISTER(direct_collect)

static box *the_box; /* of the test that builds a pipeline */

static void collect(beamc_pcollection in, const char *label)
{
    direct_label config = { (intptr_t)the_box, beamc_string_of(label) };
    beamc_par_do_options options = { .config = &config };
    beamc_par_do_with(in, &direct_collect, &options);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The box's lines in order, for the caller to free; the box is empty then. */
static char *take_lines(box *from)
{
    size_t size = from->text.size;
    char *text = malloc(size + 1);
    char *sorted = malloc(size + 1);
    size_t count = 0;

    ck_assert(text != NULL && sorted != NULL);
    if (size > 0)
        memcpy(text, from->text.data, size);
    text[size] = '\0';
    for (size_t i = 0; i < size; i++)
        count += text[i] == '\n';
    char **lines = calloc(count + 1, sizeof(*lines));
    ck_assert_ptr_nonnull(lines);
    char *rest = text;
    for (size_t i = 0; i < count; i++)
        lines[i] = strsep(&rest, "\n");
    qsort(lines, count, sizeof(*lines), by_text);
    char *to = sorted;
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(lines[i]);
        memcpy(to, lines[i], length);
        to += length;
        *to++ = '\n';
    }
    *to = '\0';
    free(lines);
    free(text);
    beamc_buffer_clear(&from->text);
    return sorted;
}

/* ---- running --------------------------------------------------------------------------------------- */

static const beamc_direct_options settings[] = {
    { .workers = 1 },
    { .workers = 2 },
    { .workers = 8 },
    { .workers = 1, .memory_budget = 1 },
    { .workers = 3, .memory_budget = 1 },
    { .workers = 2, .memory_budget = 1 << 20 },
};
enum { SETTINGS = sizeof(settings) / sizeof(*settings) };

static beamc_pipeline *new_pipeline(void)
{
    beamc_pipeline *pipeline = beamc_pipeline_new(BEAMC_PROGRAM_FUNCTIONS);
    ck_assert_ptr_nonnull(pipeline);
    return pipeline;
}

static void no_error(beamc_error *error)
{
    char text[512];

    if (error == NULL)
        return;
    beamc_error_print(error, text, sizeof(text));
    ck_abort_msg("%s", text);
}

static box *new_box(void)
{
    box *made = calloc(1, sizeof(*made));

    ck_assert_ptr_nonnull(made);
    pthread_mutex_init(&made->lock, NULL);
    the_box = made;
    return made;
}

static void free_box(box *old)
{
    pthread_mutex_destroy(&old->lock);
    beamc_buffer_dispose(&old->text);
    free(old);
}

static char *run_lines(void (*build)(beamc_pipeline *p), const beamc_direct_options *options)
{
    box *lines = new_box();
    beamc_pipeline *pipeline = new_pipeline();

    build(pipeline);
    no_error(beamc_run_direct(NULL, pipeline, options));
    beamc_pipeline_free(pipeline);
    char *text = take_lines(lines);
    free_box(lines);
    return text;
}

static beamc_error *run_error(void (*build)(beamc_pipeline *p), const beamc_direct_options *options)
{
    box *lines = new_box();
    beamc_pipeline *pipeline = new_pipeline();

    build(pipeline);
    beamc_error *error = beamc_run_direct(NULL, pipeline, options);
    beamc_pipeline_free(pipeline);
    free_box(lines);
    return error;
}

/* ---- pipelines and what they give ------------------------------------------------------------------ */

static const pair pairs[] = { { S("a"), 1 }, { S("b"), 2 }, { S("a"), 3 }, { S("c"), 4 } };
static const int64_t times[] = { 0, 4, 9, 10, 11, 25 };

BEAMC_DOFN(direct_at_its_number, int64, pair)
{
    pair out = { { "odd", 3 }, *element };
    if (*element % 2 == 0)
        out.key = (beamc_string){ "even", 4 };
    return beamc_emit_at(ctx, 0, &out, *element);
}

static beamc_pcollection timed(beamc_pipeline *p)
{
    return beamc_par_do(beamc_create(p, BEAMC_TYPE(int64), times, 6), &direct_at_its_number);
}

BEAMC_COMBINE(direct_sum, int64, int64, int64)

static beamc_error *direct_sum_create(beamc_combine_context *ctx BEAMC_UNUSED, int64_t *accumulator)
{
    *accumulator = 0;
    return NULL;
}

static beamc_error *direct_sum_add(beamc_combine_context *ctx BEAMC_UNUSED, int64_t *accumulator,
                                   const int64_t *input)
{
    *accumulator += *input;
    return NULL;
}

static beamc_error *direct_sum_merge(beamc_combine_context *ctx BEAMC_UNUSED, int64_t *accumulator,
                                     int64_t *other)
{
    *accumulator += *other;
    return NULL;
}

static beamc_error *direct_sum_extract(beamc_combine_context *ctx BEAMC_UNUSED,
                                       int64_t *accumulator, int64_t *output)
{
    *output = *accumulator;
    return NULL;
}

static void build_nothing(beamc_pipeline *p BEAMC_UNUSED)
{
}

static void build_create(beamc_pipeline *p)
{
    collect(beamc_create(p, &beamc_type_pair, pairs, 4), "");
    collect(beamc_create(p, &beamc_type_pair, NULL, 0), "none");
    collect(beamc_impulse(p), "impulse");
}

static void build_group(beamc_pipeline *p)
{
    collect(beamc_group_by_key(beamc_create(p, &beamc_type_pair, pairs, 4)), "");
    collect(beamc_group_by_key(beamc_create(p, &beamc_type_pair, NULL, 0)), "none");
}

static void build_fixed(beamc_pipeline *p)
{
    collect(beamc_group_by_key(beamc_window_into(timed(p), beamc_fixed_windows(10))), "");
}

static void build_sliding(beamc_pipeline *p)
{
    collect(beamc_combine_per_key(beamc_window_into(timed(p), beamc_sliding_windows(10, 5)),
                                  &direct_sum), "");
}

static void build_sessions(beamc_pipeline *p)
{
    beamc_windowing windowing = beamc_session_windows(6);
    collect(beamc_group_by_key(beamc_window_into(timed(p), windowing)), "group");
    collect(beamc_combine_per_key(beamc_window_into(timed(p), windowing), &direct_sum), "sum");
    windowing.output_time = BEAMC_OUTPUT_EARLIEST;
    collect(beamc_combine_per_key(beamc_window_into(timed(p), windowing), &direct_sum), "early");
    windowing.output_time = BEAMC_OUTPUT_LATEST;
    collect(beamc_combine_per_key(beamc_window_into(timed(p), windowing), &direct_sum), "late");
}

static void build_regroup(beamc_pipeline *p)
{
    beamc_pcollection groups = beamc_group_by_key(beamc_create(p, &beamc_type_pair, pairs, 4));
    collect(beamc_group_by_key(groups), "");
}

static void build_combines(beamc_pipeline *p)
{
    beamc_combine_options fanout = { .fanout = 3 };
    beamc_pcollection in = beamc_create(p, &beamc_type_pair, pairs, 4);
    beamc_pcollection numbers = beamc_create(p, BEAMC_TYPE(int64), times, 6);

    collect(beamc_combine_per_key(in, &direct_sum), "key");
    collect(beamc_combine_per_key_with(in, &direct_sum, &fanout), "hot key");
    collect(beamc_combine_globally(numbers, &direct_sum), "all");
    collect(beamc_combine_globally_with(numbers, &direct_sum, &fanout), "hot all");
    collect(beamc_combine_globally(beamc_create(p, BEAMC_TYPE(int64), NULL, 0), &direct_sum), "none");
    collect(beamc_combine_grouped_values(beamc_group_by_key(in), &direct_sum), "grouped");
}

static void build_flatten(beamc_pipeline *p)
{
    beamc_pcollection a = beamc_create(p, &beamc_type_pair, pairs, 2);
    beamc_pcollection b = beamc_create(p, &beamc_type_pair, pairs + 2, 2);
    beamc_pcollection none = beamc_flatten_at(BEAMC_HERE, p, NULL, 0, &beamc_type_pair);
    beamc_pcollection many[] = { a, b, none, a, a };
    beamc_pcollection all = beamc_flatten(many, 5);
    beamc_pcollection twice[] = { all, all };

    collect(all, "all");
    collect(beamc_combine_per_key(all, &direct_sum), "sum");
    collect(beamc_combine_per_key(beamc_flatten(twice, 2), &direct_sum), "twice");
    collect(beamc_group_by_key(none), "none");
    collect(beamc_combine_per_key(none, &direct_sum), "none");
}

static const beamc_dofn_output parities[] = { { "odd", BEAMC_TYPE(int64) },
                                              { "pairs", &beamc_type_pair } };

BEAMC_DOFN_WITH(direct_split, int64, int64, .outputs = parities, .output_count = 2)
{
    pair both = { { "k", 1 }, *element };

    BEAMC_TRY(beamc_emit_to(ctx, *element % 2 == 0 ? 0 : 1, element));
    BEAMC_TRY(beamc_emit_to(ctx, 2, &both));
    both.value *= 100;
    return beamc_emit_to(ctx, 2, &both);
}

/* Several outputs of one stage that flow into one grouping. */
static void build_outputs(beamc_pipeline *p)
{
    beamc_pcollection even = beamc_par_do(beamc_create(p, BEAMC_TYPE(int64), times, 6),
                                          &direct_split);
    beamc_pcollection both[] = { even, beamc_tagged(even, "odd") };
    beamc_pcollection tagged = beamc_tagged(even, "pairs");
    beamc_pcollection again[] = { tagged, tagged };

    collect(even, "even");
    collect(beamc_tagged(even, "odd"), "odd");
    collect(beamc_combine_globally(beamc_flatten(both, 2), &direct_sum), "sum");
    collect(beamc_group_by_key(beamc_flatten(again, 2)), "twice");
}

static void build_reshuffle(beamc_pipeline *p)
{
    beamc_pcollection windowed = beamc_window_into(timed(p), beamc_fixed_windows(10));
    collect(beamc_reshuffle(beamc_reshuffle(windowed)), "");
    collect(beamc_reshuffle(beamc_group_by_key(windowed)), "groups");
}

static const beamc_dofn_side look_sides[] = {
    { "all", BEAMC_TYPE(int64), BEAMC_VIEW_ITERABLE },
    { "one", BEAMC_TYPE(int64), BEAMC_VIEW_SINGLETON },
    { "map", &beamc_type_pair, BEAMC_VIEW_MULTIMAP },
};

BEAMC_DOFN_WITH(direct_look, pair, string, .sides = look_sides, .side_count = 3)
{
    beamc_iterable all, found;
    int64_t one, count;
    int64_t sum = 0;
    int64_t value;
    beamc_iterator iterator;

    BEAMC_TRY(beamc_side_iterable(ctx, 0, &all));
    BEAMC_TRY(beamc_iterable_count(&count, &all));
    BEAMC_TRY(beamc_side_singleton(ctx, 1, &one));
    BEAMC_TRY(beamc_side_lookup(ctx, 2, &element->key, &found));
    beamc_iterate(&iterator, &found);
    while (beamc_next(&iterator, &value))
        sum += value;
    BEAMC_TRY(beamc_iterator_finish(&iterator));
    return beamc_emitf(ctx, "%.*s %d: %d of all, one %d, found %d", BEAMC_STR(element->key),
                       (int)element->value, (int)count, (int)one, (int)sum);
}

BEAMC_DOFN(direct_value, pair, int64)
{
    return beamc_emit(ctx, &element->value);
}

static void build_sides(beamc_pipeline *p)
{
    const int64_t seven = 7;
    beamc_pcollection in = beamc_create(p, &beamc_type_pair, pairs, 4);
    beamc_pcollection numbers = beamc_par_do(in, &direct_value);
    beamc_side_input sides[] = {
        { numbers, NULL }, { beamc_combine_globally(numbers, &direct_sum), NULL }, { in, NULL }
    };
    beamc_par_do_options options = { .sides = sides, .side_count = 3 };

    collect(beamc_par_do_with(in, &direct_look, &options), "");
    sides[0].from = sides[1].from = beamc_create(p, BEAMC_TYPE(int64), NULL, 0);
    sides[1].default_value = &seven;
    sides[2].from = beamc_combine_per_key(in, &direct_sum);
    collect(beamc_par_do_with(in, &direct_look, &options), "empty");
}

static void build_window_sides(beamc_pipeline *p)
{
    const int64_t seven = 7;
    beamc_combine_options bare = { .without_default = true };
    beamc_pcollection in = beamc_window_into(timed(p), beamc_fixed_windows(5));
    beamc_pcollection wide = beamc_window_into(timed(p), beamc_fixed_windows(10));
    beamc_pcollection numbers = beamc_par_do(wide, &direct_value);
    beamc_side_input sides[] = {
        { numbers, NULL },
        { beamc_combine_globally_with(numbers, &direct_sum, &bare), &seven },
        { timed(p), NULL },
    };
    beamc_par_do_options options = { .sides = sides, .side_count = 3 };

    collect(beamc_par_do_with(in, &direct_look, &options), "");
}

#define JOINED(F) F(int64s, numbers) F(strings, names)
BEAMC_ROW(direct_joined, JOINED)

static void build_join(beamc_pipeline *p)
{
    static const text_pair names[] = { { S("a"), S("Ann") }, { S("z"), S("Zoe") } };
    beamc_pcollection in[] = { beamc_create(p, &beamc_type_pair, pairs, 4),
                               beamc_create(p, &beamc_type_text_pair, names, 2) };
    collect(beamc_co_group_by_key(in, 2, BEAMC_TYPE(direct_joined)), "");
}

#define END "9223371950454775"

static const struct {
    void (*build)(beamc_pipeline *p);
    const char *lines;
} cases[] = {
    { build_nothing, "" },
    { build_create, "(a, 1)\n(a, 3)\n(b, 2)\n(c, 4)\nimpulse: \n" },
    { build_group, "(a, [1, 3]) @" END " on time\n(b, [2]) @" END " on time\n(c, [4]) @" END
                   " on time\n" },
    { build_fixed, "(even, [0, 4]) @9 [0,10) on time\n(even, [10]) @19 [10,20) on time\n"
                   "(odd, [11]) @19 [10,20) on time\n(odd, [25]) @29 [20,30) on time\n"
                   "(odd, [9]) @9 [0,10) on time\n" },
    { build_sliding,
      "(even, 10) @14 [5,15) on time\n(even, 10) @19 [10,20) on time\n"
      "(even, 4) @4 [-5,5) on time\n(even, 4) @9 [0,10) on time\n"
      "(odd, 11) @19 [10,20) on time\n(odd, 20) @14 [5,15) on time\n"
      "(odd, 25) @29 [20,30) on time\n(odd, 25) @34 [25,35) on time\n"
      "(odd, 9) @9 [0,10) on time\n" },
    { build_sessions,
      "early: (even, 10) @10 [10,16) on time\nearly: (even, 4) @0 [0,10) on time\n"
      "early: (odd, 20) @9 [9,17) on time\nearly: (odd, 25) @25 [25,31) on time\n"
      "group: (even, [0, 4]) @9 [0,10) on time\ngroup: (even, [10]) @15 [10,16) on time\n"
      "group: (odd, [25]) @30 [25,31) on time\ngroup: (odd, [9, 11]) @16 [9,17) on time\n"
      "late: (even, 10) @10 [10,16) on time\nlate: (even, 4) @4 [0,10) on time\n"
      "late: (odd, 20) @11 [9,17) on time\nlate: (odd, 25) @25 [25,31) on time\n"
      "sum: (even, 10) @15 [10,16) on time\nsum: (even, 4) @9 [0,10) on time\n"
      "sum: (odd, 20) @16 [9,17) on time\nsum: (odd, 25) @30 [25,31) on time\n" },
    { build_regroup, "(a, [[1, 3]]) @" END " on time\n(b, [[2]]) @" END " on time\n(c, [[4]]) @" END
                     " on time\n" },
    { build_combines,
      "all: 59\ngrouped: (a, 4) @" END " on time\ngrouped: (b, 2) @" END " on time\n"
      "grouped: (c, 4) @" END " on time\nhot all: 59\nhot key: (a, 4) @" END " on time\n"
      "hot key: (b, 2) @" END " on time\nhot key: (c, 4) @" END " on time\nkey: (a, 4) @" END
      " on time\nkey: (b, 2) @" END " on time\nkey: (c, 4) @" END " on time\nnone: 0\n" },
    { build_flatten,
      "all: (a, 1)\nall: (a, 1)\nall: (a, 1)\nall: (a, 3)\nall: (b, 2)\nall: (b, 2)\nall: (b, 2)\n"
      "all: (c, 4)\nsum: (a, 6) @" END " on time\nsum: (b, 6) @" END " on time\nsum: (c, 4) @" END
      " on time\ntwice: (a, 12) @" END " on time\ntwice: (b, 12) @" END " on time\ntwice: (c, 8) @"
      END " on time\n" },
    { build_outputs,
      "even: 0\neven: 10\neven: 4\nodd: 11\nodd: 25\nodd: 9\nsum: 59\n"
      "twice: (k, [0, 0, 4, 400, 9, 900, 10, 1000, 11, 1100, 25, 2500, 0, 0, 4, 400, 9, 900, 10, "
      "1000, 11, 1100, 25, 2500]) @" END " on time\n" },
    { build_reshuffle,
      "(even, 0) @0 [0,10)\n(even, 10) @10 [10,20)\n(even, 4) @4 [0,10)\n(odd, 11) @11 [10,20)\n"
      "(odd, 25) @25 [20,30)\n(odd, 9) @9 [0,10)\n"
      "groups: (even, [0, 4]) @9 [0,10) on time\ngroups: (even, [10]) @19 [10,20) on time\n"
      "groups: (odd, [11]) @19 [10,20) on time\ngroups: (odd, [25]) @29 [20,30) on time\n"
      "groups: (odd, [9]) @9 [0,10) on time\n" },
    { build_sides,
      "a 1: 4 of all, one 10, found 4\na 3: 4 of all, one 10, found 4\n"
      "b 2: 4 of all, one 10, found 2\nc 4: 4 of all, one 10, found 4\n"
      "empty: a 1: 0 of all, one 7, found 4\nempty: a 3: 0 of all, one 7, found 4\n"
      "empty: b 2: 0 of all, one 7, found 2\nempty: c 4: 0 of all, one 7, found 4\n" },
    { build_window_sides,
      "even 0: 3 of all, one 13, found 14 @0 [0,5)\neven 10: 2 of all, one 21, found 14 @10 [10,15)\n"
      "even 4: 3 of all, one 13, found 14 @4 [0,5)\nodd 11: 2 of all, one 21, found 45 @11 [10,15)\n"
      "odd 25: 1 of all, one 25, found 45 @25 [25,30)\nodd 9: 3 of all, one 13, found 45 @9 [5,10)\n" },
    { build_join,
      "(a, {numbers: [1, 3], names: [Ann]}) @" END " on time\n"
      "(b, {numbers: [2], names: []}) @" END " on time\n"
      "(c, {numbers: [4], names: []}) @" END " on time\n"
      "(z, {numbers: [], names: [Zoe]}) @" END " on time\n" },
};
enum { CASES = sizeof(cases) / sizeof(*cases) };

START_TEST(pipelines_give_the_same_however_they_run)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        char *lines = run_lines(cases[_i].build, &settings[i]);
        ck_assert_str_eq(lines, cases[_i].lines);
        free(lines);
    }
}
END_TEST

/* ---- larger -------------------------------------------------------------------------------------- */

BEAMC_DOFN(direct_expand, int64, number_pair)
{
    for (int64_t i = 0; i < 2000; i++) {
        number_pair out = { (*element * 2000 + i) * 7919 % 1000, i };
        BEAMC_TRY(beamc_emit(ctx, &out));
    }
    return NULL;
}

BEAMC_KV(direct_numbers, int64, int64s)

/* A sum that depends on the order of the values. */
BEAMC_DOFN(direct_digest, direct_numbers, number_pair)
{
    uint64_t digest = 0;
    beamc_iterator iterator;
    int64_t value;

    for (int walk = 0; walk < 2; walk++) {
        beamc_iterate(&iterator, &element->value);
        while (beamc_next(&iterator, &value))
            digest = digest * 31 + (uint64_t)value;
        BEAMC_TRY(beamc_iterator_finish(&iterator));
    }
    number_pair out = { element->key, (int64_t)(digest & INT32_MAX) };
    return beamc_emit(ctx, &out);
}

static void build_large(beamc_pipeline *p)
{
    int64_t seeds[100];
    for (int64_t i = 0; i < 100; i++)
        seeds[i] = i;
    beamc_pcollection many = beamc_par_do(
        beamc_reshuffle(beamc_create(p, BEAMC_TYPE(int64), seeds, 100)), &direct_expand);
    beamc_pcollection windowed = beamc_window_into(many, beamc_fixed_windows(10));

    collect(beamc_par_do(beamc_group_by_key(windowed), &direct_digest), "digest");
    collect(beamc_combine_per_key(many, &direct_sum), "sum");
}

/* 200,000 pairs: values of a group come in the same order, spilled or not. */
START_TEST(order_does_not_depend_on_threads_or_memory)
{
    char *first = NULL;

    for (size_t i = 0; i < SETTINGS; i++) {
        char *lines = run_lines(build_large, &settings[i]);
        if (first == NULL) {
            first = lines;
            continue;
        }
        ck_assert_msg(strcmp(lines, first) == 0, "setting %zu gives other lines", i);
        free(lines);
    }
    ck_assert_uint_gt(strlen(first), 20000);
    free(first);
}
END_TEST

/* ---- lives of DoFns ------------------------------------------------------------------------------ */

typedef struct {
    int setups, teardowns, starts, finishes, elements;
} lives;

static lives *lives_of(beamc_context *ctx)
{
    return (lives *)(intptr_t)((const direct_label *)beamc_config(ctx))->address;
}

static beamc_error *count_life(beamc_context *ctx, int *what, const char *name)
{
    const direct_label *config = beamc_config(ctx);

    __atomic_fetch_add(what, 1, __ATOMIC_RELAXED);
    if (beamc_string_equal(config->label, beamc_string_of(name)))
        return beamc_error_new(BEAMC_EUSER, "no %s today", name);
    return NULL;
}

static beamc_error *life_setup(beamc_context *ctx)
{
    return count_life(ctx, &lives_of(ctx)->setups, "setup");
}

static beamc_error *life_start(beamc_context *ctx)
{
    return count_life(ctx, &lives_of(ctx)->starts, "start");
}

static beamc_error *life_finish(beamc_context *ctx)
{
    return count_life(ctx, &lives_of(ctx)->finishes, "finish");
}

static void life_teardown(beamc_context *ctx)
{
    (void)!count_life(ctx, &lives_of(ctx)->teardowns, "teardown");
}

BEAMC_DOFN_WITH(direct_life, int64, int64, .config = &beamc_type_direct_label, .setup = life_setup,
                .start_bundle = life_start, .finish_bundle = life_finish, .teardown = life_teardown)
{
    BEAMC_TRY(count_life(ctx, &lives_of(ctx)->elements, *element == 50 ? "process" : "-"));
    return beamc_emit(ctx, element);
}

static lives *the_lives;
static const char *what_fails;

static void build_lives(beamc_pipeline *p)
{
    int64_t numbers[100];
    direct_label config = { (intptr_t)the_lives, beamc_string_of(what_fails) };
    beamc_par_do_options options = { .config = &config };

    for (int64_t i = 0; i < 100; i++)
        numbers[i] = i;
    beamc_pcollection in = beamc_reshuffle(beamc_create(p, BEAMC_TYPE(int64), numbers, 100));
    beamc_par_do_with(beamc_named(in, "Live"), &direct_life, &options);
}

START_TEST(each_copy_lives_once)
{
    lives counts;

    for (size_t i = 0; i < SETTINGS; i++) {
        memset(&counts, 0, sizeof(counts));
        the_lives = &counts;
        what_fails = "";
        no_error(run_error(build_lives, &settings[i]));
        ck_assert_int_eq(counts.elements, 100);
        ck_assert_int_ge(counts.setups, 1);
        ck_assert_int_le(counts.setups, settings[i].workers);
        ck_assert_int_eq(counts.setups, counts.teardowns);
        ck_assert_int_eq(counts.starts, counts.finishes);
        ck_assert_int_ge(counts.starts, counts.setups);
    }
}
END_TEST

static const struct {
    const char *what;
    const char *error;
} failing[] = {
    { "setup", "transform Live: setup: " },
    { "start", "transform Live: start_bundle: " },
    { "process", "transform Live: element " },
    { "finish", "transform Live: finish_bundle: " },
};

START_TEST(an_error_of_a_dofn_stops_the_pipeline)
{
    lives counts;
    char text[512];

    for (size_t i = 0; i < SETTINGS; i++) {
        memset(&counts, 0, sizeof(counts));
        the_lives = &counts;
        what_fails = failing[_i].what;
        beamc_error *error = run_error(build_lives, &settings[i]);
        beamc_error_print(error, text, sizeof(text));
        ck_assert_int_eq(beamc_error_code(error), BEAMC_EUSER);
        ck_assert_msg(strncmp(text, failing[_i].error, strlen(failing[_i].error)) == 0, "%s", text);
        ck_assert_ptr_nonnull(strstr(text, "test_direct.c:"));
        ck_assert_ptr_nonnull(strstr(text, "today"));
        ck_assert_int_eq(counts.setups, counts.teardowns);
        beamc_error_free(error);
    }
}
END_TEST

/* ---- errors -------------------------------------------------------------------------------------- */

BEAMC_DOFN(direct_wrong_emit, int64, int64)
{
    int32_t small = 1;
    return beamc_emit(ctx, &small);
}

static void build_wrong_emit(beamc_pipeline *p)
{
    beamc_par_do(beamc_create(p, BEAMC_TYPE(int64), times, 6), &direct_wrong_emit);
}

BEAMC_DOFN(direct_always_fails, int64, int64)
{
    return beamc_error_new(BEAMC_EUSER, "element %" PRId64 " is not wanted", *element);
}

BEAMC_DOFN(direct_swallow, int64, int64)
{
    beamc_error_free(beamc_emit(ctx, element)); /* wrong of it, and to be noticed */
    return NULL;
}

static void build_swallow(beamc_pipeline *p)
{
    beamc_pcollection in = beamc_create(p, BEAMC_TYPE(int64), times, 6);
    beamc_par_do(beamc_par_do(in, &direct_swallow), &direct_always_fails);
}

static void build_two_for_one(beamc_pipeline *p)
{
    beamc_pcollection in = beamc_create(p, &beamc_type_pair, pairs, 4);
    beamc_side_input sides[] = { { beamc_par_do(in, &direct_value), NULL },
                                 { beamc_par_do(in, &direct_value), NULL },
                                 { in, NULL } };
    beamc_par_do_options options = { .sides = sides, .side_count = 3 };
    beamc_par_do_with(in, &direct_look, &options);
}

static void build_wrong(beamc_pipeline *p)
{
    beamc_par_do(beamc_create(p, BEAMC_TYPE(int64), times, 6), &direct_value);
}

static const struct {
    void (*build)(beamc_pipeline *p);
    beamc_code code;
    const char *error;
} errors[] = {
    { build_wrong_emit, BEAMC_ETYPE, "emits a value of 4 bytes to output 0 of int64, which has 8" },
    { build_swallow, BEAMC_EUSER,
      "transform direct_always_fails failed, but the DoFn that emitted to it went on" },
    { build_two_for_one, BEAMC_EUSER, "side input one has more than one element" },
    { build_wrong, BEAMC_ETYPE, "direct_value" },
};

START_TEST(errors_are_told)
{
    char text[512];
    beamc_error *error = run_error(errors[_i].build, &settings[1]);

    beamc_error_print(error, text, sizeof(text));
    ck_assert_int_eq(beamc_error_code(error), errors[_i].code);
    ck_assert_msg(strstr(text, errors[_i].error) != NULL, "%s", text);
    beamc_error_free(error);
}
END_TEST

static void build_bad_place(beamc_pipeline *p)
{
    collect(beamc_group_by_key(beamc_create(p, &beamc_type_pair, pairs, 4)), "");
}

START_TEST(a_directory_that_is_missing_is_told)
{
    beamc_direct_options options = { .workers = 2, .memory_budget = 1,
                                     .temp_location = "/nowhere/at/all" };
    char text[512];
    beamc_error *error = run_error(build_bad_place, &options);

    beamc_error_print(error, text, sizeof(text));
    ck_assert_msg(error != NULL && strstr(text, "/nowhere/at/all") != NULL, "%s", text);
    beamc_error_free(error);
}
END_TEST

/* ---- cancelling ---------------------------------------------------------------------------------- */

static volatile int cancel;

BEAMC_DOFN(direct_endless, int64, int64)
{
    for (int64_t i = 0; i < INT64_C(1) << 40; i++) {
        if (__atomic_load_n(&cancel, __ATOMIC_RELAXED) != 0)
            return NULL;
        if (i == 1000)
            __atomic_store_n(&cancel, 1, __ATOMIC_RELAXED);
        BEAMC_TRY(beamc_emit(ctx, &i));
    }
    return NULL;
}

static void build_endless(beamc_pipeline *p)
{
    beamc_pcollection in = beamc_create(p, BEAMC_TYPE(int64), times, 6);
    beamc_pcollection out = beamc_par_do(beamc_reshuffle(in), &direct_endless);
    collect(beamc_combine_globally(beamc_reshuffle(out), &direct_sum), "");
}

START_TEST(a_run_can_be_cancelled)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        beamc_direct_options options = settings[i];
        options.cancel = &cancel;
        __atomic_store_n(&cancel, 0, __ATOMIC_RELAXED);
        beamc_error *error = run_error(build_endless, &options);
        ck_assert_int_eq(beamc_error_code(error), BEAMC_ECANCELLED);
        beamc_error_free(error);
    }
}
END_TEST

/* ---- logs ------------------------------------------------------------------------------------------ */

static beamc_error *log_setup(beamc_context *ctx)
{
    beamc_log(ctx, BEAMC_LOG_WARN, "set up");
    return NULL;
}

static void log_teardown(beamc_context *ctx)
{
    beamc_log(ctx, BEAMC_LOG_WARN, "torn down");
}

BEAMC_DOFN_WITH(direct_log, pair, pair, .setup = log_setup, .teardown = log_teardown)
{
    beamc_log(ctx, BEAMC_LOG_INFO, "not asked for");
    beamc_log(ctx, BEAMC_LOG_WARN, "%.*s", BEAMC_STR(element->key));
    return NULL;
}

static void write_log(void *ctx, const beamc_log_entry *entry)
{
    box *to = ctx;

    pthread_mutex_lock(&to->lock);
    beamc_buffer_printf(&to->text, "%s: %s\n", entry->transform, entry->message);
    pthread_mutex_unlock(&to->lock);
}

START_TEST(logs_go_to_the_sink_from_setup_to_teardown)
{
    box *lines = new_box();
    const beamc_log_sink sink = { write_log, lines };
    beamc_direct_options options = { .workers = 1, .log = &sink, .log_level = BEAMC_LOG_WARN };
    beamc_pipeline *p = new_pipeline();

    beamc_par_do(beamc_create(p, &beamc_type_pair, pairs, 2), &direct_log);
    no_error(beamc_run_direct(NULL, p, &options));
    beamc_pipeline_free(p);
    char *text = take_lines(lines);
    ck_assert_str_eq(text, "direct_log: a\ndirect_log: b\ndirect_log: set up\n"
                           "direct_log: torn down\n");
    free(text);
    free_box(lines);
}
END_TEST

START_TEST(a_transform_may_log_more_than_the_rest)
{
    static const beamc_log_override more = { "More", BEAMC_LOG_INFO };
    box *lines = new_box();
    const beamc_log_sink sink = { write_log, lines };
    beamc_direct_options options = { .workers = 1,
                                     .log = &sink,
                                     .log_level = BEAMC_LOG_ERROR,
                                     .log_overrides = { &more, 1 } };
    beamc_pipeline *p = new_pipeline();
    beamc_pcollection in = beamc_create(p, &beamc_type_pair, pairs, 1);

    beamc_par_do(in, &direct_log);
    beamc_par_do(beamc_named(in, "More"), &direct_log);
    no_error(beamc_run_direct(NULL, p, &options));
    beamc_pipeline_free(p);
    char *text = take_lines(lines);
    ck_assert_str_eq(text, "More: a\nMore: not asked for\nMore: set up\nMore: torn down\n");
    free(text);
    free_box(lines);
}
END_TEST

/* ---- metrics, progress ---------------------------------------------------------------------------- */

BEAMC_COUNTER(direct_seen, "direct")
BEAMC_DISTRIBUTION(direct_values, "direct")
BEAMC_STRING_SET(direct_keys, "direct")

BEAMC_DOFN(direct_measure, pair, pair)
{
    beamc_counter_add(ctx, &direct_seen, 1);
    beamc_distribution_update(ctx, &direct_values, element->value);
    beamc_string_set_add(ctx, &direct_keys, element->key);
    return beamc_emit(ctx, element);
}

static int64_t elements_of(const beamc_result *result, const char *pcollection)
{
    for (size_t i = 0; i < beamc_result_pcollection_count(result); i++) {
        const beamc_pcollection_count *count = beamc_result_pcollection(result, i);
        if (strcmp(count->pcollection, pcollection) == 0)
            return count->elements;
    }
    ck_abort_msg("no count of %s", pcollection);
}

/* Elements are counted once however many stages read them. */
START_TEST(metrics_are_summed_and_elements_counted_once)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        beamc_pipeline *p = new_pipeline();
        beamc_pcollection in = beamc_reshuffle(beamc_create(p, &beamc_type_pair, pairs, 4));
        beamc_pcollection measured =
            beamc_par_do(beamc_named(in, "Measure"), &direct_measure);
        beamc_pcollection groups = beamc_group_by_key(beamc_named(measured, "Group"));
        beamc_pcollection two[] = { measured, measured, in };
        (void)beamc_named(in, "Flat");
        beamc_pcollection flat = beamc_flatten(two, 3);
        beamc_pcollection again = beamc_reshuffle(beamc_named(measured, "Again"));
        beamc_result *result;
        box *lines = new_box();

        collect(groups, "");
        collect(groups, "");
        collect(beamc_group_by_key(groups), "");
        collect(again, "");
        beamc_group_by_key(flat);
        collect(beamc_combine_per_key(flat, &direct_sum), "");
        no_error(beamc_run_direct(&result, p, &settings[i]));
        ck_assert_int_eq(beamc_result_counter(result, &direct_seen), 4);
        ck_assert_int_eq(elements_of(result, "Measure.output"), 4);
        ck_assert_int_eq(elements_of(result, "Group.output"), 3);
        ck_assert_int_eq(elements_of(result, "Flat.output"), 12);
        ck_assert_uint_eq(beamc_result_metric_count(result), 3);
        for (size_t m = 0; m < 3; m++) {
            const beamc_metric_value *value = beamc_result_metric(result, m);
            ck_assert_str_eq(value->transform, "Measure");
            if (value->kind == BEAMC_METRIC_DISTRIBUTION) {
                ck_assert_int_eq(value->sum, 10);
                ck_assert_int_eq(value->max, 4);
            } else if (value->kind == BEAMC_METRIC_STRING_SET) {
                ck_assert_uint_eq(value->string_count, 3);
            }
        }
        beamc_result_free(result);
        beamc_pipeline_free(p);
        free_box(lines);
    }
}
END_TEST

typedef struct {
    int calls;
    size_t stages;
    int64_t elements;
    bool all_done;
} seen_progress;

static void see(void *ctx, const beamc_progress *progress)
{
    seen_progress *seen = ctx;

    seen->calls++;
    seen->stages = progress->stage_count;
    seen->elements = 0;
    seen->all_done = true;
    for (size_t i = 0; i < progress->stage_count; i++) {
        const beamc_stage_progress *stage = &progress->stages[i];
        ck_assert_int_le(stage->bundles_done, stage->bundles);
        seen->elements += stage->elements;
        seen->all_done = seen->all_done && stage->state == BEAMC_STAGE_DONE;
    }
}

START_TEST(progress_ends_with_all_done)
{
    seen_progress seen = { 0 };
    beamc_direct_options options = { .workers = 2, .progress = see, .progress_ctx = &seen,
                                     .progress_interval_ms = 1 };
    char *lines = run_lines(build_group, &options);

    ck_assert_int_ge(seen.calls, 1);
    ck_assert_uint_ge(seen.stages, 2);
    ck_assert_int_eq(seen.elements, 2 + 3); /* two impulses, three groups */
    ck_assert(seen.all_done);
    free(lines);
}
END_TEST

/* ---- no memory ------------------------------------------------------------------------------------ */

static void (*const scarce[])(beamc_pipeline *p) = { build_group, build_combines, build_sides,
                                                     build_sessions, build_outputs };

/* Fails allocation after allocation: of the first ones each, then further and further apart. */
START_TEST(allocations_may_fail)
{
    const beamc_direct_options options = { .workers = 1, .memory_budget = _i % 2 };
    long step = 1;

    for (long n = 0;; n += step) {
        box *lines = new_box();
        beamc_pipeline *pipeline = new_pipeline();
        scarce[_i / 2](pipeline);
        ck_assert_ptr_null(beamc_pipeline_error(pipeline));
        test_alloc_fail_at(n);
        beamc_error *error = beamc_run_direct(NULL, pipeline, &options);
        bool failed = test_alloc_failed();
        test_alloc_fail_at(-1);
        beamc_pipeline_free(pipeline);
        free_box(lines);
        if (!failed) {
            no_error(error);
            break;
        }
        if (error != NULL)
            ck_assert_int_eq(beamc_error_code(error), BEAMC_ENOMEM);
        beamc_error_free(error);
        step = 1 + n / 150;
    }
}
END_TEST

Suite *suite_direct(void)
{
    Suite *suite = suite_create("direct");
    TCase *tc = tcase_create("pipelines");
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, pipelines_give_the_same_however_they_run, 0, CASES);
    tcase_add_test(tc, order_does_not_depend_on_threads_or_memory);
    suite_add_tcase(suite, tc);

    tc = tcase_create("lives");
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, each_copy_lives_once);
    tcase_add_loop_test(tc, an_error_of_a_dofn_stops_the_pipeline, 0,
                        sizeof(failing) / sizeof(*failing));
    tcase_add_loop_test(tc, errors_are_told, 0, sizeof(errors) / sizeof(*errors));
    tcase_add_test(tc, a_directory_that_is_missing_is_told);
    tcase_add_test(tc, a_run_can_be_cancelled);
    suite_add_tcase(suite, tc);

    tc = tcase_create("told");
    tcase_add_test(tc, metrics_are_summed_and_elements_counted_once);
    tcase_add_test(tc, progress_ends_with_all_done);
    tcase_add_test(tc, logs_go_to_the_sink_from_setup_to_teardown);
    tcase_add_test(tc, a_transform_may_log_more_than_the_rest);
    suite_add_tcase(suite, tc);

    tc = tcase_create("memory");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, allocations_may_fail, 0, 2 * sizeof(scarce) / sizeof(*scarce));
    suite_add_tcase(suite, tc);
    return suite;
}
