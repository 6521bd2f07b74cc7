/* SPDX-License-Identifier: Apache-2.0 */
/* What a DoFn may ask and emit, and what is told when it goes wrong. */
#include "test/harness/exec/kit.h"

#include "proto/urns.h"
#include "sdk/coders/windowed.h"
#include <check.h>
#include <inttypes.h>
#include <stdio.h>

static void put_strings(exec_kit *kit, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        beamc_string text = beamc_string_of(texts[i]);
        exec_put(kit, "in", BEAMC_TYPE(string), &text, (beamc_timestamp)i);
    }
}

static const char *const abc[] = { "a", "bb", "ccc" };

/* in -> fn -> out, of strings, in @windowing. */
static exec_kit *kit_of(const beamc_dofn *dofn, beamc_windowing windowing)
{
    exec_kit *kit = exec_kit_new();

    exec_collection(kit, "p0", BEAMC_TYPE(string), windowing);
    exec_collection(kit, "p1", BEAMC_TYPE(string), windowing);
    exec_source(kit, "in", "p0");
    exec_par_do(kit, "fn", "p0", dofn, "p1");
    exec_sink(kit, "out", "p1");
    return kit;
}

/* ---- outputs ----------------------------------------------------------------------------------- */

static const beamc_dofn_output sizes[] = { { "size", BEAMC_TYPE(int64) },
                                           { "unused", BEAMC_TYPE(float64) } };

BEAMC_DOFN_WITH(par_do_sizes, string, string, .outputs = sizes, .output_count = 2)
{
    int64_t size = (int64_t)element->size;

    BEAMC_TRY(beamc_emit_to(ctx, 1, &size));
    BEAMC_TRY(beamc_emit_at(ctx, 1, &size, beamc_context_timestamp(ctx) + 10));
    return beamc_emitf(ctx, "%.*s of %" PRId64, BEAMC_STR(*element), size);
}

START_TEST(tagged_outputs_are_in_the_order_of_the_table)
{
    exec_kit *kit = exec_kit_new();
    const char *const ids[] = { "p0", "main" };

    for (size_t i = 0; i < 2; i++)
        exec_collection(kit, ids[i], BEAMC_TYPE(string), beamc_global_windows());
    exec_collection(kit, "sizes", BEAMC_TYPE(int64), beamc_global_windows());
    exec_collection(kit, "unused", BEAMC_TYPE(float64), beamc_global_windows());
    exec_source(kit, "in", "p0");
    exec_par_do_options options = { .outputs = { "main", "sizes", "unused" } };
    exec_par_do_with(kit, "fn", "p0", &par_do_sizes, &options);
    exec_sink(kit, "out", "main");
    exec_sink(kit, "out2", "sizes");
    put_strings(kit, abc, 3);
    exec_check(kit, "out", "a of 1 @0\nbb of 2 @1\nccc of 3 @2\n");
    ck_assert_str_eq(exec_lines(kit, "out2"), "1 @0\n1 @10\n2 @1\n2 @11\n3 @2\n3 @12\n");
    exec_kit_free(kit);
}
END_TEST

BEAMC_DOFN(par_do_long_format, string, string)
{
    return beamc_emitf(ctx, "%0*d", (int)element->size * 200, 7);
}

START_TEST(formatted_text_may_be_long)
{
    exec_kit *kit = kit_of(&par_do_long_format, beamc_global_windows());

    put_strings(kit, abc, 3);
    exec_ok(exec_run(kit));
    ck_assert_uint_eq(strlen(exec_lines(kit, "out")), 200 + 400 + 600 + 3 * strlen(" @0\n"));
    exec_kit_free(kit);
}
END_TEST

BEAMC_DOFN(par_do_wrong_size, string, string)
{
    int32_t value = 1;
    return beamc_emit(ctx, &value);
}

BEAMC_DOFN(par_do_wrong_output, string, string)
{
    return element->size == 2 ? beamc_emit_to(ctx, 1, element) : NULL;
}

BEAMC_DOFN(par_do_back_in_time, string, string)
{
    return beamc_emit_at(ctx, 0, element, beamc_context_timestamp(ctx) - 1);
}

BEAMC_DOFN(par_do_out_of_time, string, string)
{
    return beamc_emit_at(ctx, 0, element, INT64_MAX);
}

BEAMC_DOFN(par_do_wrong_window, string, string)
{
    const beamc_interval_window window = { 0, 10 };
    return beamc_emit_windowed(ctx, 0, element, 5, &window);
}

BEAMC_DOFN(par_do_backward_window, string, string)
{
    const beamc_interval_window window = { 10, 0 };
    return beamc_emit_windowed(ctx, 0, element, 5, &window);
}

BEAMC_DOFN(par_do_global_window, string, string)
{
    return beamc_emit_windowed(ctx, 0, element, 5, NULL);
}

BEAMC_DOFN(par_do_no_side, string, string)
{
    beamc_iterable all;
    return beamc_side_iterable(ctx, 0, &all);
}

static beamc_error *emit_in_setup(beamc_context *ctx)
{
    beamc_string text = beamc_string_of("early");
    return beamc_emit(ctx, &text);
}

static beamc_error *emit_windowed_in_setup(beamc_context *ctx)
{
    beamc_string text = beamc_string_of("early");
    return beamc_emit_windowed(ctx, 0, &text, 0, NULL);
}

BEAMC_DOFN_WITH(par_do_emit_in_setup, string, string, .setup = emit_in_setup)
{
    return NULL;
}

BEAMC_DOFN_WITH(par_do_emit_windowed_in_setup, string, string, .setup = emit_windowed_in_setup)
{
    return NULL;
}

BEAMC_DOFN(par_do_user_error, string, string)
{
    return element->size == 3 ? beamc_error_new(BEAMC_EUSER, "%.*s is too long", BEAMC_STR(*element))
                              : NULL;
}

static const struct {
    const beamc_dofn *dofn;
    beamc_code code;
    const char *error;
} refused[] = {
    { &par_do_wrong_size, BEAMC_ETYPE,
      "transform fn: element 1: kit.c:7: emits a value of 4 bytes to output 0 of string" },
    { &par_do_wrong_output, BEAMC_ETYPE,
      "transform fn: element 2: kit.c:7: emits to output 1, but has 1 output" },
    { &par_do_back_in_time, BEAMC_EINVAL,
      "transform fn: element 1: kit.c:7: emits at -1 ms, before its element's 0 ms" },
    { &par_do_out_of_time, BEAMC_EINVAL, "transform fn: element 1: kit.c:7: emits at" },
    { &par_do_wrong_window, BEAMC_EINVAL,
      "transform fn: element 1: kit.c:7: emits into an interval, but the windows of its output" },
    { &par_do_backward_window, BEAMC_EINVAL,
      "transform fn: element 1: kit.c:7: emits into a window from 10 to 0 ms" },
    { &par_do_no_side, BEAMC_EINVAL,
      "transform fn: element 1: kit.c:7: asks for a side input, but has none" },
    { &par_do_emit_in_setup, BEAMC_EINVAL,
      "transform fn: setup: kit.c:7: setup and teardown belong to no bundle: they cannot emit" },
    { &par_do_emit_windowed_in_setup, BEAMC_EINVAL,
      "transform fn: setup: kit.c:7: setup and teardown belong to no bundle: they cannot emit" },
    { &par_do_user_error, BEAMC_EUSER, "transform fn: element 3: kit.c:7: ccc is too long" },
};

START_TEST(what_a_dofn_does_wrong_is_told_with_its_place)
{
    exec_kit *kit = kit_of(refused[_i].dofn, beamc_global_windows());

    put_strings(kit, abc, 3);
    exec_check_error(kit, refused[_i].code, refused[_i].error);
    exec_kit_free(kit);
}
END_TEST

START_TEST(the_global_window_is_none_of_intervals)
{
    exec_kit *kit = kit_of(&par_do_global_window, beamc_fixed_windows(10));
    const beamc_interval_window window = { 0, 10 };
    beamc_string text = { "x", 1 };

    exec_put_in(kit, "in", BEAMC_TYPE(string), &text, 0, &window, 1);
    exec_check_error(kit, BEAMC_EINVAL, "emits into the global window, but the windows of its output");
    exec_kit_free(kit);
}
END_TEST

/* ---- errors of what comes after ---------------------------------------------------------------- */

BEAMC_DOFN(par_do_swallows, string, string)
{
    beamc_error_free(beamc_emit(ctx, element)); /* wrong of it, and to be noticed */
    return NULL;
}

BEAMC_DOFN(par_do_wraps, string, string)
{
    return beamc_error_wrap(beamc_emit(ctx, element), "sending %.*s", BEAMC_STR(*element));
}

BEAMC_DOFN(par_do_swallows_then_fails, string, string)
{
    beamc_error_free(beamc_emit(ctx, element)); /* wrong of it */
    return element->size < 3 ? NULL : beamc_error_new(BEAMC_EUSER, "an error of its own");
}

BEAMC_DOFN(par_do_fails, string, string)
{
    return beamc_error_new(BEAMC_EUSER, "always");
}

static const struct {
    const beamc_dofn *dofn;
    const char *error;
} downstream[] = {
    { &par_do_swallows, "transform last failed, but the DoFn that emitted to it went on" },
    { &par_do_wraps, "sending a: transform last: element 1: kit.c:7: always" },
    { &par_do_swallows_then_fails, "transform fn: element 3: kit.c:7: an error of its own" },
};

START_TEST(errors_of_consumers_are_theirs)
{
    exec_kit *kit = kit_of(downstream[_i].dofn, beamc_global_windows());
    char text[256];

    exec_collection(kit, "p2", BEAMC_TYPE(string), beamc_global_windows());
    exec_par_do(kit, "last", "p1", &par_do_fails, "p2");
    put_strings(kit, abc, 3);
    beamc_error *error = exec_run(kit);
    beamc_error_print(error, text, sizeof(text));
    ck_assert_int_eq(beamc_error_code(error), BEAMC_EUSER);
    ck_assert_msg(strncmp(text, downstream[_i].error, strlen(downstream[_i].error)) == 0, "%s", text);
    beamc_error_free(error);
    exec_kit_free(kit);
}
END_TEST

/* ---- windows ----------------------------------------------------------------------------------- */

BEAMC_DOFN_WITH(par_do_show_window, string, string, .observes_window = true)
{
    beamc_interval_window window;
    beamc_pane pane = beamc_context_pane(ctx);

    if (!beamc_context_window(ctx, &window))
        return beamc_emitf(ctx, "%.*s nowhere", BEAMC_STR(*element));
    return beamc_emitf(ctx, "%.*s in %" PRId64 "%s", BEAMC_STR(*element), window.start,
                       pane.timing == BEAMC_PANE_UNKNOWN ? "" : ", fired");
}

BEAMC_DOFN(par_do_all_windows, string, string)
{
    return beamc_emit(ctx, element);
}

static const beamc_interval_window three[] = { { 0, 10 }, { 5, 15 }, { 10, 20 } };

START_TEST(a_dofn_that_looks_at_windows_gets_them_one_by_one)
{
    exec_kit *kit = kit_of(&par_do_show_window, beamc_sliding_windows(10, 5));
    beamc_string text = { "x", 1 };

    exec_put_in(kit, "in", BEAMC_TYPE(string), &text, 10, three, 3);
    exec_put_in(kit, "in", BEAMC_TYPE(string), &text, 11, three, 1);
    exec_check(kit, "out",
               "x in 0 @10 [0,10)\nx in 5 @10 [5,15)\nx in 10 @10 [10,20)\nx in 0 @11 [0,10)\n");
    exec_kit_free(kit);
    kit = kit_of(&par_do_show_window, beamc_global_windows());
    exec_put(kit, "in", BEAMC_TYPE(string), &text, 3);
    exec_check(kit, "out", "x nowhere @3\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(a_dofn_that_does_not_gets_an_element_once)
{
    exec_kit *kit = kit_of(&par_do_all_windows, beamc_sliding_windows(10, 5));
    beamc_string text = { "x", 1 };

    exec_put_in(kit, "in", BEAMC_TYPE(string), &text, 10, three, 3);
    exec_check(kit, "out", "x @10 [0,10) [5,15) [10,20)\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(an_element_in_no_window_is_nowhere)
{
    exec_kit *kit = kit_of(&par_do_all_windows, beamc_sliding_windows(10, 5));
    beamc_string text = { "x", 1 };

    exec_put_in(kit, "in", BEAMC_TYPE(string), &text, 10, three, 0);
    exec_put_in(kit, "in", BEAMC_TYPE(string), &text, 11, three, 1);
    exec_check(kit, "out", "x @11 [0,10)\n");
    exec_kit_free(kit);
}
END_TEST

static beamc_error *finish_plainly(beamc_context *ctx)
{
    beamc_string text = beamc_string_of("end");
    return beamc_emit(ctx, &text);
}

static beamc_error *finish_in_window(beamc_context *ctx)
{
    beamc_string text = beamc_string_of("end");
    return beamc_emit_windowed(ctx, 0, &text, 12, &three[2]);
}

BEAMC_DOFN_WITH(par_do_finish_plainly, string, string, .finish_bundle = finish_plainly)
{
    return NULL;
}

BEAMC_DOFN_WITH(par_do_finish_in_window, string, string, .finish_bundle = finish_in_window)
{
    return NULL;
}

START_TEST(outside_of_process_the_window_must_be_said)
{
    exec_kit *kit = kit_of(&par_do_finish_plainly, beamc_global_windows());

    exec_check(kit, "out", "end\n");
    exec_kit_free(kit);
    kit = kit_of(&par_do_finish_plainly, beamc_fixed_windows(10));
    exec_check_error(kit, BEAMC_EINVAL,
                     "transform fn: finish_bundle: kit.c:7: outside of process, say the timestamp");
    exec_kit_free(kit);
    kit = kit_of(&par_do_finish_in_window, beamc_fixed_windows(10));
    exec_check(kit, "out", "end @12 [10,20)\n");
    exec_kit_free(kit);
}
END_TEST

/* ---- metrics, logs, memory ----------------------------------------------------------------------- */

BEAMC_COUNTER(seen, "par_do")
BEAMC_DISTRIBUTION(lengths, "par_do")
BEAMC_GAUGE(newest, "par_do")
BEAMC_STRING_SET(words, "par_do")

BEAMC_DOFN(par_do_measures, string, string)
{
    beamc_counter_add(ctx, &seen, 2);
    beamc_distribution_update(ctx, &lengths, (int64_t)element->size);
    beamc_gauge_set(ctx, &newest, (int64_t)element->size * 10);
    beamc_string_set_add(ctx, &words, *element);
    return NULL;
}

START_TEST(metrics_are_of_the_last_bundle)
{
    exec_kit *kit = kit_of(&par_do_measures, beamc_global_windows());

    put_strings(kit, abc, 3);
    for (int run = 0; run < 2; run++) {
        beamc__metrics *metrics = beamc__metrics_new();
        exec_ok(exec_run(kit));
        exec_ok(beamc__plan_report(exec_plan(kit), metrics));
        beamc__metric_id id = { BEAMC_URN_METRIC_USER_SUM_INT64, "fn", NULL, "par_do", "seen" };
        ck_assert_int_eq(beamc__metrics_cell(metrics, &id, BEAMC__CELL_SUM)->value, 6);
        id.urn = BEAMC_URN_METRIC_USER_DISTRIBUTION_INT64;
        id.name = "lengths";
        const beamc__cell *cell = beamc__metrics_cell(metrics, &id, BEAMC__CELL_DISTRIBUTION);
        ck_assert_int_eq(cell->count, 3);
        ck_assert_int_eq(cell->sum, 6);
        ck_assert_int_eq(cell->min, 1);
        ck_assert_int_eq(cell->max, 3);
        id.urn = BEAMC_URN_METRIC_USER_LATEST_INT64;
        id.name = "newest";
        ck_assert_int_eq(beamc__metrics_cell(metrics, &id, BEAMC__CELL_LATEST)->value, 30);
        id.urn = BEAMC_URN_METRIC_USER_SET_STRING;
        id.name = "words";
        ck_assert_uint_eq(beamc__metrics_cell(metrics, &id, BEAMC__CELL_STRING_SET)->string_count, 3);
        beamc__metrics_free(metrics);
    }
    exec_kit_free(kit);
}
END_TEST

static const beamc_metric no_gauge = { BEAMC_METRIC_COUNTER, "par_do", "seen" };

BEAMC_DOFN(par_do_mixes_metrics, string, string)
{
    beamc_gauge_set(ctx, &no_gauge, 1);
    return NULL;
}

START_TEST(a_metric_used_as_another_kind_fails_the_bundle)
{
    exec_kit *kit = kit_of(&par_do_mixes_metrics, beamc_global_windows());

    put_strings(kit, abc, 3);
    exec_check_error(kit, BEAMC_EINVAL,
                     "transform fn: element 1: kit.c:7: metric par_do/seen is used as another kind");
    exec_kit_free(kit);
}
END_TEST

static beamc_error *log_setup(beamc_context *ctx)
{
    beamc_log(ctx, BEAMC_LOG_WARN, "setting up");
    return NULL;
}

static void log_teardown(beamc_context *ctx)
{
    beamc_log(ctx, BEAMC_LOG_WARN, "tearing down");
}

BEAMC_DOFN_WITH(par_do_logs, string, string, .setup = log_setup, .teardown = log_teardown)
{
    beamc_log(ctx, BEAMC_LOG_DEBUG, "not asked for");
    beamc_log(ctx, BEAMC_LOG_INFO, "got %.*s", BEAMC_STR(*element));
    return NULL;
}

static void write_log(void *ctx, const beamc_log_entry *entry)
{
    char *text = ctx;
    size_t size = strlen(text);

    snprintf(text + size, 512 - size, "%s %s: %s\n",
             entry->instruction == NULL ? "-" : entry->instruction, entry->transform,
             entry->message);
}

START_TEST(logs_name_the_transform_in_all_of_its_life)
{
    exec_kit *kit = kit_of(&par_do_logs, beamc_global_windows());
    char text[512] = "";
    const beamc_log_sink sink = { write_log, text };

    exec_set_log(kit, &sink);
    put_strings(kit, abc, 2);
    exec_ok(exec_run(kit));
    exec_kit_free(kit);
    ck_assert_str_eq(text, "- fn: setting up\nbundle fn: got a\nbundle fn: got bb\n"
                           "- fn: tearing down\n");
}
END_TEST

/* By the transform's name, by its DoFn's, by this file's: the level holds in setup and in bundles. */
START_TEST(single_places_have_log_levels)
{
    const struct {
        beamc_log_override override;
        const char *expected;
    } cases[] = {
        { { "fn", BEAMC_LOG_WARN }, "- fn: setting up\n- fn: tearing down\n" },
        { { "par_do_logs", BEAMC_LOG_ERROR }, "" },
        { { "fn", BEAMC_LOG_DEBUG },
          "- fn: setting up\nbundle fn: not asked for\nbundle fn: got a\n- fn: tearing down\n" },
        { { "exec/test_par_do.c", BEAMC_LOG_DEBUG },
          "- fn: setting up\nbundle fn: not asked for\nbundle fn: got a\n- fn: tearing down\n" },
        { { "test_par_do.c", BEAMC_LOG_WARN }, "- fn: setting up\n- fn: tearing down\n" },
        { { "other", BEAMC_LOG_DEBUG },
          "- fn: setting up\nbundle fn: got a\n- fn: tearing down\n" },
        { { "other.c", BEAMC_LOG_DEBUG },
          "- fn: setting up\nbundle fn: got a\n- fn: tearing down\n" },
    };
    const beamc_log_overrides overrides = { &cases[_i].override, 1 };
    exec_kit *kit = kit_of(&par_do_logs, beamc_global_windows());
    char text[512] = "";
    const beamc_log_sink sink = { write_log, text };

    exec_set_log(kit, &sink);
    exec_set_log_overrides(kit, &overrides);
    put_strings(kit, abc, 1);
    exec_ok(exec_run(kit));
    exec_kit_free(kit);
    ck_assert_str_eq(text, cases[_i].expected);
}
END_TEST

BEAMC_DOFN(par_do_borrows, string, string)
{
    char *copy = beamc_alloc(ctx, element->size);

    if (copy == NULL)
        return beamc_error_nomem();
    memcpy(copy, element->data, element->size);
    beamc_string text = { copy, element->size };
    return beamc_emit(ctx, &text);
}

START_TEST(memory_of_an_element_ends_with_it)
{
    exec_kit *kit = kit_of(&par_do_borrows, beamc_global_windows());

    put_strings(kit, abc, 3);
    exec_set_chunk(kit, 1);
    exec_check(kit, "out", "a @0\nbb @1\nccc @2\n");
    exec_kit_free(kit);
}
END_TEST

/* ---- types ------------------------------------------------------------------------------------- */

BEAMC_DOFN(par_do_numbers, int64, int64)
{
    return beamc_emit(ctx, element);
}

START_TEST(types_of_the_table_and_of_the_pipeline_agree)
{
    exec_kit *kit = kit_of(&par_do_numbers, beamc_global_windows());

    exec_check_error(kit, BEAMC_ETYPE,
                     "transform fn: par_do_numbers takes int64, but the pipeline has string");
    exec_kit_free(kit);
}
END_TEST

/* ---- descriptors that do not fit the library's DoFns --------------------------------------------- */

BEAMC_KV(fit_count, string, int64)
BEAMC_KV(fit_swapped, int64, string)
BEAMC_KV(fit_counted, fit_count, int64)
BEAMC_KV(fit_numbered, int64, fit_count)
BEAMC_ITERABLE(fit_strings, string)
BEAMC_ITERABLE(fit_pairs, fit_swapped)
BEAMC_KV(fit_group, string, fit_strings)
BEAMC_KV(fit_winners, string, fit_pairs)
BEAMC_KV(fit_sharded, fit_swapped, int64)       /* KV<KV<int64, string>, int64> */
BEAMC_KV(fit_encoded, bytes, int64)
BEAMC_KV(fit_reified, string, fit_encoded)      /* KV<string, KV<bytes, int64>> */
BEAMC_ITERABLE(fit_all_encoded, fit_encoded)
BEAMC_KV(fit_reshuffled, string, fit_all_encoded)
BEAMC_KV(fit_tag, int64, bytes)
BEAMC_KV(fit_tagged, string, fit_tag)
BEAMC_ITERABLE(fit_all_tagged, fit_tag)
BEAMC_KV(fit_to_join, string, fit_all_tagged)
#define FIT_ROW(F) F(fit_strings, a) F(fit_strings, b)
BEAMC_ROW(fit_row, FIT_ROW)
BEAMC_KV(fit_joined, string, fit_row)

static const beamc_type *const fit_types[] = {
    BEAMC_TYPE(string),         BEAMC_TYPE(int64),        &beamc_type_fit_count,
    &beamc_type_fit_swapped,    &beamc_type_fit_counted,  &beamc_type_fit_numbered,
    &beamc_type_fit_strings,    &beamc_type_fit_pairs,    &beamc_type_fit_group,
    &beamc_type_fit_winners,    &beamc_type_fit_sharded,  &beamc_type_fit_encoded,
    &beamc_type_fit_reified,    &beamc_type_fit_reshuffled, &beamc_type_fit_tagged,
    &beamc_type_fit_to_join,    &beamc_type_fit_joined,   BEAMC_TYPE(bytes),
};
#define FIT_TYPES (sizeof(fit_types) / sizeof(*fit_types))

extern const beamc_function *const __start_beamc_functions[];
extern const beamc_function *const __stop_beamc_functions[];

/* Appends a value of @type, nested: texts of three bytes, sevens, iterables of one value. */
static void fit_value(const beamc_type *type, beamc_buffer *out)
{
    switch (type->kind) {
    case BEAMC_KIND_INT64:
        beamc_buffer_append_byte(out, 7);
        return;
    case BEAMC_KIND_ROW: /* its size, and that nothing is null */
        beamc_buffer_append_byte(out, (uint8_t)type->field_count);
        beamc_buffer_append_byte(out, 0);
        break;
    case BEAMC_KIND_ITERABLE:
        beamc_buffer_append(out, "\0\0\0\1", 4);
        break;
    case BEAMC_KIND_KV:
        break;
    default:
        beamc_buffer_append(out, "\3abc", 4);
        return;
    }
    for (size_t i = 0; i < type->field_count; i++)
        fit_value(type->fields[i].type, out);
}

static void fit_put(exec_kit *kit, const beamc_type *type)
{
    beamc_buffer element;

    beamc_buffer_init(&element);
    ck_assert_int_eq(beamc__element_info_encode(&beamc_element_info_initial, &element), BEAMC_OK);
    fit_value(type, &element);
    exec_put_bytes(kit, "in", element.data, element.size);
    beamc_buffer_dispose(&element);
}

/* A plan of one DoFn; with a configuration, if it has one, of zeros, or of some text where only the DoFn
 * knows what it is. */
static exec_kit *fit_kit(const beamc_dofn *dofn, const beamc_type *in, const beamc_type *out)
{
    exec_kit *kit = exec_kit_new();
    exec_par_do_options options = { .outputs = { "p1", "p2", "p3" } };
    char zero[256] = "";
    beamc_buffer config;

    beamc_buffer_init(&config);
    if (dofn->config != NULL && dofn->thaw == NULL) {
        ck_assert_uint_le(dofn->config->size, sizeof(zero));
        ck_assert_int_eq(beamc_encode(dofn->config, zero, false, &config), BEAMC_OK);
        options.config = (beamc_bytes){ config.data, config.size };
    } else if (dofn->thaw != NULL) {
        options.config = (beamc_bytes){ (const uint8_t *)"abc", 3 };
    }
    exec_collection(kit, "p0", in, beamc_global_windows());
    exec_collection(kit, "p1", out, beamc_global_windows());
    for (size_t i = 0; i < 2; i++) {
        const char *id = options.outputs[1 + i];
        if (i < dofn->output_count)
            exec_collection(kit, id,
                            dofn->outputs[i].type != NULL ? dofn->outputs[i].type : out,
                            beamc_global_windows());
        else
            options.outputs[1 + i] = NULL;
    }
    exec_source(kit, "in", "p0");
    exec_par_do_with(kit, "fn", "p0", dofn, &options);
    exec_sink(kit, "out", "p1");
    beamc_buffer_dispose(&config);
    return kit;
}

static bool is_of_library(const beamc_function *function)
{
    return function->kind == BEAMC_FUNCTION_DOFN && (strncmp(function->name, "beamc_", 6) == 0 ||
                                                     strncmp(function->name, "beamc.", 6) == 0);
}

/* Whatever a descriptor says that the library's DoFns take and give, where their tables leave that
 * open: that is an error, or it is what they say themselves, and then a bundle can run. */
START_TEST(types_of_a_descriptor_must_be_what_a_dofn_says)
{
    size_t refused_types = 0;

    for (const beamc_function *const *f = __start_beamc_functions; f < __stop_beamc_functions; f++) {
        const beamc_dofn *dofn = (const beamc_dofn *)*f;
        if (!is_of_library(*f) || (dofn->input != NULL && dofn->output != NULL) ||
            dofn->output_count > 2 || dofn->side_count > 0)
            continue;
        for (size_t i = 0; i < FIT_TYPES; i++) {
            exec_kit *kit = fit_kit(dofn, fit_types[_i], fit_types[i]);
            fit_put(kit, fit_types[_i]);
            beamc_error *error = exec_run(kit);
            refused_types += error != NULL && beamc_error_code(error) == BEAMC_ETYPE;
            beamc_error_free(error);
            exec_kit_free(kit);
        }
    }
    ck_assert_uint_gt(refused_types, 0); /* how many depends on what is linked */
}
END_TEST

static const beamc_dofn *library_fn(const char *name)
{
    for (const beamc_function *const *f = __start_beamc_functions; f < __stop_beamc_functions; f++) {
        if (strcmp((*f)->name, name) == 0)
            return (const beamc_dofn *)*f;
    }
    ck_abort_msg("no function %s", name);
}

/* What is known of each: what fits is made and runs, with the length prefixes of a runner or without; the
 * rest is refused, whichever way it does not fit. */
static const struct {
    const char *name;
    const beamc_type *in;
    const beamc_type *out;
    const beamc_type *wrong; /* in place of the output */
    const char *error;
} fits[] = {
    { "beamc.spread", BEAMC_TYPE(string), &beamc_type_fit_swapped, &beamc_type_fit_count,
      "beamc.spread gives KV<int64, string>, but the pipeline has KV<string, int64>" },
    { "beamc.one_key", BEAMC_TYPE(int64), &beamc_type_fit_encoded, &beamc_type_fit_count,
      "beamc.one_key gives KV<bytes, int64>" },
    { "beamc.drop_key", &beamc_type_fit_count, BEAMC_TYPE(int64), BEAMC_TYPE(string),
      "beamc.drop_key gives int64, but the pipeline has string" },
    { "beamc.shard_key", &beamc_type_fit_count, &beamc_type_fit_sharded, &beamc_type_fit_count,
      "beamc.shard_key gives KV<KV<int64, string>, int64>" },
    { "beamc.unshard_key", &beamc_type_fit_sharded, &beamc_type_fit_count,
      &beamc_type_fit_swapped, "beamc.unshard_key gives KV<string, int64>" },
    { "beamc.reify", &beamc_type_fit_count, &beamc_type_fit_reified, &beamc_type_fit_tagged,
      "beamc.reify gives KV<string, KV<bytes, int64>>" },
    { "beamc.tag_value", &beamc_type_fit_count, &beamc_type_fit_tagged, &beamc_type_fit_reified,
      "beamc.tag_value gives KV<string, KV<int64, bytes>>" },
    { "beamc.join", &beamc_type_fit_to_join, &beamc_type_fit_joined, &beamc_type_fit_group,
      "joins no KV<string, Iterable<KV<int64, bytes>>> into KV<string, Iterable<string>>" },
    { "beamc.create", BEAMC_TYPE(bytes), &beamc_type_fit_joined, NULL, NULL },
    { "beamc_constant_key_fn", BEAMC_TYPE(int64), &beamc_type_fit_count, &beamc_type_fit_swapped,
      "gives KV<K, int64>, but the pipeline has KV<int64, string>" },
    { "beamc_decode_counted_fn", &beamc_type_fit_encoded, &beamc_type_fit_count,
      &beamc_type_fit_swapped, "gives KV<T, int64>, but the pipeline has KV<int64, string>" },
    { "beamc_encode_fn", &beamc_type_fit_count, BEAMC_TYPE(bytes), BEAMC_TYPE(int64),
      "beamc_encode_fn gives bytes, but the pipeline has int64" },
};

START_TEST(dofns_of_any_type_check_what_they_get)
{
    const beamc_dofn *dofn = library_fn(fits[_i].name);
    exec_kit *kit = fit_kit(dofn, fits[_i].in, fits[_i].out);

    fit_put(kit, fits[_i].in);
    exec_ok(exec_run(kit));
    exec_kit_free(kit);
    if (fits[_i].wrong == NULL)
        return;
    kit = fit_kit(dofn, fits[_i].in, fits[_i].wrong);
    exec_check_error(kit, BEAMC_ETYPE, fits[_i].error);
    exec_kit_free(kit);
}
END_TEST

START_TEST(a_configuration_must_be_there)
{
    static const char *const names[] = { "beamc.shard_key", "beamc.tag_value", "beamc.create",
                                         "beamc_constant_key_fn" };
    const beamc_dofn bare = { .function = { BEAMC_FUNCTION_DOFN, names[_i] } };
    exec_kit *kit = fit_kit(&bare, _i == 2 ? BEAMC_TYPE(bytes) : &beamc_type_fit_count,
                            &beamc_type_fit_count);

    exec_check_error(kit, BEAMC_ECORRUPT, "comes without its configuration");
    exec_kit_free(kit);
}
END_TEST

/* Its element is as large as the side input's type says. */
START_TEST(a_result_is_of_the_side_inputs_type)
{
    const beamc_dofn *dofn = library_fn("beamc.result_or_default");
    const beamc_type *types[] = { &beamc_type_fit_count, BEAMC_TYPE(int64) };
    const fit_count value = { { "abc", 3 }, 7 };

    for (int i = 0; i < 2; i++) {
        exec_kit *kit = exec_kit_new();
        exec_par_do_options options = { .outputs = { "p1" }, .sides = { { .collection = "s" } } };
        exec_collection(kit, "p0", BEAMC_TYPE(bytes), beamc_global_windows());
        exec_collection(kit, "s", &beamc_type_fit_count, beamc_global_windows());
        exec_collection(kit, "p1", types[i], beamc_global_windows());
        exec_source(kit, "in", "p0");
        exec_par_do_with(kit, "fn", "p0", dofn, &options);
        exec_sink(kit, "out", "p1");
        exec_put_side(kit, "result", NULL, NULL, NULL, &beamc_type_fit_count, &value, 1);
        fit_put(kit, BEAMC_TYPE(bytes));
        if (i == 0)
            exec_check(kit, "out", "(abc, 7)\n");
        else
            exec_check_error(kit, BEAMC_ETYPE, "gives int64, but its result is KV<string, int64>");
        exec_kit_free(kit);
    }
}
END_TEST

START_TEST(a_type_that_does_not_fit_is_told)
{
    const beamc_dofn keys = { .function = { BEAMC_FUNCTION_DOFN, "beamc_keys_fn" } };
    exec_kit *kit = fit_kit(&keys, &beamc_type_fit_count, BEAMC_TYPE(int64));

    exec_check_error(kit, BEAMC_ETYPE, "beamc_keys_fn gives string, but the pipeline has int64");
    exec_kit_free(kit);
    kit = fit_kit(&keys, BEAMC_TYPE(string), BEAMC_TYPE(string));
    exec_check_error(kit, BEAMC_ETYPE, "beamc_keys_fn: takes KV<K, V>, but gets string");
    exec_kit_free(kit);
}
END_TEST

Suite *suite_par_do(void)
{
    Suite *suite = suite_create("par_do");
    TCase *tc = tcase_create("outputs");
    tcase_add_test(tc, tagged_outputs_are_in_the_order_of_the_table);
    tcase_add_test(tc, formatted_text_may_be_long);
    suite_add_tcase(suite, tc);

    tc = tcase_create("types");
    tcase_add_loop_test(tc, types_of_a_descriptor_must_be_what_a_dofn_says, 0, FIT_TYPES);
    tcase_add_loop_test(tc, dofns_of_any_type_check_what_they_get, 0,
                        sizeof(fits) / sizeof(*fits));
    tcase_add_loop_test(tc, a_configuration_must_be_there, 0, 4);
    tcase_add_test(tc, a_result_is_of_the_side_inputs_type);
    tcase_add_test(tc, a_type_that_does_not_fit_is_told);
    suite_add_tcase(suite, tc);

    tc = tcase_create("errors");
    tcase_add_loop_test(tc, what_a_dofn_does_wrong_is_told_with_its_place, 0,
                        sizeof(refused) / sizeof(*refused));
    tcase_add_test(tc, the_global_window_is_none_of_intervals);
    tcase_add_loop_test(tc, errors_of_consumers_are_theirs, 0,
                        sizeof(downstream) / sizeof(*downstream));
    tcase_add_test(tc, types_of_the_table_and_of_the_pipeline_agree);
    suite_add_tcase(suite, tc);

    tc = tcase_create("windows");
    tcase_add_test(tc, a_dofn_that_looks_at_windows_gets_them_one_by_one);
    tcase_add_test(tc, a_dofn_that_does_not_gets_an_element_once);
    tcase_add_test(tc, an_element_in_no_window_is_nowhere);
    tcase_add_test(tc, outside_of_process_the_window_must_be_said);
    suite_add_tcase(suite, tc);

    tc = tcase_create("around");
    tcase_add_test(tc, metrics_are_of_the_last_bundle);
    tcase_add_test(tc, a_metric_used_as_another_kind_fails_the_bundle);
    tcase_add_test(tc, logs_name_the_transform_in_all_of_its_life);
    tcase_add_loop_test(tc, single_places_have_log_levels, 0, 7);
    tcase_add_test(tc, memory_of_an_element_ends_with_it);
    suite_add_tcase(suite, tc);
    return suite;
}
