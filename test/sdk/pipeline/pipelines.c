/* SPDX-License-Identifier: Apache-2.0 */
#include "test/sdk/pipeline/pipelines.h"
#include <inttypes.h>

BEAMC_KV(word_count, string, int64)
BEAMC_KV(score, string, float64)

#define SALE(F) F(string, shop) F(int64, cents) F(timestamp, at)
BEAMC_ROW(sale, SALE)

BEAMC_KV(shop_sale, string, sale)
BEAMC_ITERABLE(counts, int64)
BEAMC_ITERABLE(sales, sale)

#define JOINED(F) F(counts, counts) F(sales, sales)
BEAMC_ROW(joined, JOINED)

#define LIMITS(F) F(int64, least) F(int64, most)
BEAMC_ROW(limits, LIMITS)

/* ---- functions -------------------------------------------------------------------------------- */

BEAMC_DOFN(split_words, string, string)
{
    beamc_words words = beamc_words_of(*element);
    beamc_string word;
    while (beamc_words_next(&words, &word))
        BEAMC_TRY(beamc_emit(ctx, &word));
    return NULL;
}

BEAMC_DOFN(pair_with_one, string, word_count)
{
    word_count pair = { *element, 1 };
    return beamc_emit(ctx, &pair);
}

BEAMC_DOFN(format_count, word_count, string)
{
    return beamc_emitf(ctx, "%.*s: %" PRId64, BEAMC_STR(element->key), element->value);
}

BEAMC_DOFN(make_sale, word_count, shop_sale)
{
    shop_sale out = { element->key, { element->key, element->value, 0 } };
    return beamc_emit(ctx, &out);
}

BEAMC_DOFN(discard, string, nothing)
{
    return NULL;
}

static const beamc_dofn_output limit_outputs[] = { { "low", &beamc_type_word_count },
                                                   { "high", &beamc_type_word_count } };

static const beamc_dofn_side limit_sides[] = {
    { "factor", &beamc_type_int64, BEAMC_VIEW_SINGLETON },
    { "extra", &beamc_type_word_count, BEAMC_VIEW_MULTIMAP },
    { "all", &beamc_type_string, BEAMC_VIEW_ITERABLE },
};

static void show_limits(const void *config, beamc_display *display)
{
    beamc_display_int64(display, "least", "Least count", ((const limits *)config)->least);
    beamc_display_bool(display, "open", NULL, true);
    beamc_display_double(display, "share", "Share", 0.5);
    beamc_display_string(display, "unit", "Unit", beamc_string_of("words"));
}

BEAMC_DOFN_WITH(limit_counts, word_count, word_count, .config = &beamc_type_limits,
                .outputs = limit_outputs, .output_count = 2, .sides = limit_sides, .side_count = 3,
                .display = show_limits)
{
    const limits *config = beamc_config(ctx);
    size_t output = element->value < config->least ? 1 : element->value > config->most ? 2 : 0;
    return beamc_emit_to(ctx, output, element);
}

BEAMC_COMBINE(sum, int64, int64, int64)

static beamc_error *sum_create(beamc_combine_context *ctx BEAMC_UNUSED, int64_t *accumulator)
{
    *accumulator = 0;
    return NULL;
}

static beamc_error *sum_add(beamc_combine_context *ctx BEAMC_UNUSED, int64_t *accumulator,
                            const int64_t *input)
{
    *accumulator += *input;
    return NULL;
}

static beamc_error *sum_merge(beamc_combine_context *ctx BEAMC_UNUSED, int64_t *accumulator,
                              int64_t *other)
{
    *accumulator += *other;
    return NULL;
}

static beamc_error *sum_extract(beamc_combine_context *ctx BEAMC_UNUSED, int64_t *accumulator,
                                int64_t *output)
{
    *output = *accumulator;
    return NULL;
}

/* ---- pipelines -------------------------------------------------------------------------------- */

static beamc_pcollection create_lines(beamc_pipeline *p)
{
    static const beamc_string lines[] = { { "to be or", 8 }, { "not to be", 9 } };
    return beamc_create(p, BEAMC_TYPE(string), lines, 2);
}

static beamc_pcollection create_pairs(beamc_pipeline *p)
{
    return beamc_par_do(beamc_par_do(create_lines(p), &split_words), &pair_with_one);
}

static void build_empty(beamc_pipeline *p)
{
    (void)p;
}

static void build_impulse(beamc_pipeline *p)
{
    beamc_impulse(p);
}

static void build_word_count(beamc_pipeline *p)
{
    beamc_pcollection counts = beamc_combine_per_key(create_pairs(p), &sum);
    beamc_par_do(beamc_par_do(beamc_named(counts, "Format"), &format_count), &discard);
}

static void build_group(beamc_pipeline *p)
{
    beamc_pcollection grouped = beamc_group_by_key(create_pairs(p));
    beamc_combine_grouped_values(grouped, &sum);
}

static void build_sides(beamc_pipeline *p)
{
    int64_t factor = 2;
    limits config = { 2, 10 };
    beamc_pcollection pairs = create_pairs(p);
    beamc_side_input sides[] = {
        { beamc_create(p, BEAMC_TYPE(int64), &factor, 1), &factor },
        { pairs, NULL },
        { create_lines(p), NULL },
    };
    beamc_par_do_options options = { .config = &config, .sides = sides, .side_count = 3 };
    beamc_pcollection out = beamc_par_do_with(pairs, &limit_counts, &options);
    beamc_pcollection parts[] = { out, beamc_tagged(out, "low"), beamc_tagged(out, "high") };
    beamc_flatten(parts, 3);
}

static void build_windows(beamc_pipeline *p)
{
    const beamc_windowing windowings[] = {
        beamc_fixed_windows(60000),
        beamc_sliding_windows(60000, 10000),
        beamc_session_windows(30000),
        beamc_global_windows(),
    };
    beamc_pcollection pairs = create_pairs(p);

    for (size_t i = 0; i < sizeof(windowings) / sizeof(*windowings); i++)
        beamc_group_by_key(beamc_window_into(pairs, windowings[i]));
    beamc_combine_options bare = { .without_default = true };
    beamc_pcollection numbers = beamc_create(p, BEAMC_TYPE(int64), NULL, 0);
    beamc_combine_globally_with(beamc_window_into(numbers, windowings[0]), &sum, &bare);
}

static void build_window_sides(beamc_pipeline *p)
{
    int64_t factor = 2;
    limits config = { 2, 10 };
    beamc_pcollection pairs = create_pairs(p);
    beamc_pcollection lines = beamc_window_into(create_lines(p), beamc_fixed_windows(3600000));
    beamc_side_input sides[] = {
        { beamc_create(p, BEAMC_TYPE(int64), &factor, 1), NULL },
        { beamc_window_into(pairs, beamc_fixed_windows(60000)), NULL },
        { lines, NULL },
    };
    beamc_par_do_options options = { .config = &config, .sides = sides, .side_count = 3 };
    beamc_par_do_with(beamc_window_into(pairs, beamc_fixed_windows(1000)), &limit_counts, &options);
}

static void build_combines(beamc_pipeline *p)
{
    const int64_t numbers[] = { 1, 2, 3 };
    beamc_pcollection in = beamc_create(p, BEAMC_TYPE(int64), numbers, 3);
    beamc_combine_options hot = { .fanout = 16 };

    beamc_combine_globally(in, &sum);
    beamc_combine_globally_with(in, &sum, &hot);
    beamc_combine_per_key_with(create_pairs(p), &sum, &hot);
}

static void build_reshuffle(beamc_pipeline *p)
{
    beamc_pcollection windowed = beamc_window_into(create_lines(p), beamc_fixed_windows(1000));
    beamc_par_do(beamc_reshuffle(beamc_reshuffle(windowed)), &split_words);
}

static void build_join(beamc_pipeline *p)
{
    beamc_pcollection pairs = create_pairs(p);
    beamc_pcollection in[] = { pairs, beamc_par_do(pairs, &make_sale) };
    beamc_co_group_by_key(in, 2, BEAMC_TYPE(joined));
}

static void build_flattens(beamc_pipeline *p)
{
    beamc_pcollection none = beamc_flatten_at(BEAMC_HERE, p, NULL, 0, BEAMC_TYPE(string));
    beamc_pcollection both[] = { none, create_lines(p), none };
    beamc_par_do(beamc_flatten(both, 3), &split_words);
}

static void show_outer(const void *config, beamc_display *display)
{
    beamc_display_string(display, "who", "Who", beamc_string_of((const char *)config));
}

static void build_composites(beamc_pipeline *p)
{
    beamc_composite_options outer = { .urn = "beam:transform:test_outer:v1",
                                      .payload = "abc",
                                      .payload_size = 3,
                                      .display = show_outer,
                                      .config = "me" };
    beamc_pcollection lines = create_lines(p);

    beamc_enter(p, "Outer", &outer);
    beamc_pcollection words = beamc_par_do(lines, &split_words);
    beamc_enter(p, "Inner", NULL);
    beamc_pcollection pairs = beamc_par_do(words, &pair_with_one);
    beamc_leave(p);
    beamc_enter(p, "Inner", NULL);
    beamc_pcollection again = beamc_par_do(words, &pair_with_one);
    beamc_leave_at(BEAMC_HERE, p, &again, 1);
    beamc_enter(p, "Nothing", NULL);
    beamc_leave(p);
    beamc_leave_at(BEAMC_HERE, p, &again, 1);
    beamc_par_do(pairs, &format_count);
}

static void build_hints(beamc_pipeline *p)
{
    beamc_composite_options outer = { .min_ram_bytes = UINT64_C(4) << 30, .cpu_count = 2 };
    beamc_par_do_options inner = { .min_ram_bytes = 1000,
                                   .cpu_count = 8,
                                   .accelerator = "type:nvidia-tesla-k80;count:1" };
    beamc_pcollection lines = create_lines(p);

    beamc_enter(p, "Large", &outer);
    beamc_pcollection words = beamc_par_do_with(lines, &split_words, &inner);
    beamc_par_do(words, &pair_with_one);
    beamc_leave(p);
    beamc_par_do(words, &pair_with_one);
}

const test_pipeline test_pipelines[] = {
    { "empty", build_empty },
    { "impulse", build_impulse },
    { "word_count", build_word_count },
    { "group", build_group },
    { "sides", build_sides },
    { "windows", build_windows },
    { "window_sides", build_window_sides },
    { "combines", build_combines },
    { "reshuffle", build_reshuffle },
    { "join", build_join },
    { "flattens", build_flattens },
    { "composites", build_composites },
    { "hints", build_hints },
};

const size_t test_pipeline_count = sizeof(test_pipelines) / sizeof(*test_pipelines);

beamc_pipeline *test_pipeline_new(void)
{
    return beamc_pipeline_new(BEAMC_PROGRAM_FUNCTIONS);
}
