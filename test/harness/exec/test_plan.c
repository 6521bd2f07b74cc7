/* SPDX-License-Identifier: Apache-2.0 */
/* Building plans, the order in which their parts are called, and descriptors that are wrong. */
#include "test/harness/exec/kit.h"

#include "harness/exec/op.h"
#include "proto/urns.h"
#include <check.h>
#include <stdio.h>

BEAMC_KV(plan_pair, string, int64)
BEAMC_ITERABLE(plan_numbers, int64)
BEAMC_KV(plan_group, string, plan_numbers)

#define STRING_AT(kit, source, text, time)                                                         \
    do {                                                                                           \
        beamc_string put_text = beamc_string_of(text);                                             \
        exec_put(kit, source, BEAMC_TYPE(string), &put_text, time);                                \
    } while (0)

/* ---- a DoFn that writes down when it is called --------------------------------------------------- */

#define DIARY(F) F(int64, address) F(string, name) F(string, fails)
BEAMC_ROW(diary, DIARY)

typedef struct {
    char text[1024];
} diary_book;

static beamc_error *note(beamc_context *ctx, const char *what)
{
    const diary *config = beamc_config(ctx);
    diary_book *book = (diary_book *)(intptr_t)config->address;
    size_t size = strlen(book->text);

    snprintf(book->text + size, sizeof(book->text) - size, "%.*s.%s ", BEAMC_STR(config->name), what);
    if (beamc_string_equal(config->fails, beamc_string_of(what)))
        return beamc_error_new(BEAMC_EUSER, "no %s today", what);
    return NULL;
}

static beamc_error *diary_setup(beamc_context *ctx)
{
    return note(ctx, "setup");
}

static beamc_error *diary_start(beamc_context *ctx)
{
    return note(ctx, "start");
}

static beamc_error *diary_finish(beamc_context *ctx)
{
    beamc_string last = beamc_string_of("last");

    BEAMC_TRY(note(ctx, "finish"));
    return beamc_emit(ctx, &last);
}

static void diary_teardown(beamc_context *ctx)
{
    (void)!note(ctx, "teardown");
}

BEAMC_DOFN_WITH(plan_diary_fn, string, string, .config = &beamc_type_diary, .setup = diary_setup,
                .start_bundle = diary_start, .finish_bundle = diary_finish,
                .teardown = diary_teardown)
{
    BEAMC_TRY(note(ctx, "process"));
    return beamc_emit(ctx, element);
}

/* in -> a -> b -> out */
static exec_kit *diary_kit(diary_book *book, const char *a_fails, const char *b_fails)
{
    exec_kit *kit = exec_kit_new();
    const char *const collections[] = { "p1", "p2", "p3" };
    const char *const names[] = { "a", "b" };
    const char *const fails[] = { a_fails, b_fails };

    memset(book, 0, sizeof(*book));
    for (size_t i = 0; i < 3; i++)
        exec_collection(kit, collections[i], BEAMC_TYPE(string), beamc_global_windows());
    /* The sink first: descriptors are maps, in no order. */
    exec_sink(kit, "out", "p3");
    for (size_t i = 2; i-- > 0;) {
        diary config = { (intptr_t)book, beamc_string_of(names[i]), beamc_string_of(fails[i]) };
        beamc_buffer frozen;
        beamc_buffer_init(&frozen);
        ck_assert_int_eq(beamc_encode(&beamc_type_diary, &config, false, &frozen), BEAMC_OK);
        exec_par_do_options options = { .outputs = { collections[i + 1] },
                                        .config = { frozen.data, frozen.size } };
        exec_par_do_with(kit, names[i], collections[i], &plan_diary_fn, &options);
        beamc_buffer_dispose(&frozen);
    }
    exec_source(kit, "in", "p1");
    STRING_AT(kit, "in", "x", 0);
    return kit;
}

START_TEST(consumers_start_before_producers_and_finish_after)
{
    diary_book book;
    exec_kit *kit = diary_kit(&book, "", "");

    exec_check(kit, "out", "x @0\nlast\nlast\n");
    ck_assert_str_eq(book.text, "a.setup b.setup b.start a.start a.process b.process a.finish "
                                "b.process b.finish ");
    memset(&book, 0, sizeof(book));
    exec_check(kit, "out", "x @0\nlast\nlast\n");
    ck_assert_str_eq(book.text,
                     "b.start a.start a.process b.process a.finish b.process b.finish ");
    memset(&book, 0, sizeof(book));
    exec_kit_free(kit);
    ck_assert_str_eq(book.text, "a.teardown b.teardown ");
}
END_TEST

static const struct {
    const char *a, *b;
    const char *error;
    const char *calls;
} failing[] = {
    { "setup", "", "transform a: setup: kit.c:7: no setup today", "a.setup a.teardown " },
    { "", "setup", "transform b: setup: kit.c:7: no setup today",
      "a.setup b.setup a.teardown b.teardown " },
    { "", "start", "transform b: start_bundle: kit.c:7: no start today",
      "a.setup b.setup b.start a.teardown b.teardown " },
    { "process", "", "transform a: element 1: kit.c:7: no process today",
      "a.setup b.setup b.start a.start a.process a.teardown b.teardown " },
    { "", "process", "transform b: element 1: kit.c:7: no process today",
      "a.setup b.setup b.start a.start a.process b.process a.teardown b.teardown " },
    { "finish", "", "transform a: finish_bundle: kit.c:7: no finish today",
      "a.setup b.setup b.start a.start a.process b.process a.finish a.teardown b.teardown " },
    { "", "finish", "transform b: finish_bundle: kit.c:7: no finish today",
      "a.setup b.setup b.start a.start a.process b.process a.finish b.process b.finish "
      "a.teardown b.teardown " },
};

START_TEST(an_error_names_its_place_and_all_that_was_set_up_is_torn_down_once)
{
    diary_book book;
    exec_kit *kit = diary_kit(&book, failing[_i].a, failing[_i].b);
    char text[256];

    beamc_error *error = exec_run(kit);
    ck_assert_ptr_nonnull(error);
    ck_assert_int_eq(beamc_error_code(error), BEAMC_EUSER);
    beamc_error_print(error, text, sizeof(text));
    ck_assert_str_eq(text, failing[_i].error);
    beamc_error_free(error);
    exec_kit_free(kit);
    ck_assert_str_eq(book.text, failing[_i].calls);
}
END_TEST

/* ---- shapes ------------------------------------------------------------------------------------ */

BEAMC_DOFN(plan_pass, string, string)
{
    return beamc_emit(ctx, element);
}

static exec_kit *strings_kit(size_t collections)
{
    exec_kit *kit = exec_kit_new();

    for (size_t i = 0; i < collections; i++) {
        char id[8];
        snprintf(id, sizeof(id), "p%zu", i);
        exec_collection(kit, id, BEAMC_TYPE(string), beamc_global_windows());
    }
    exec_source(kit, "in", "p0");
    STRING_AT(kit, "in", "one", 0);
    STRING_AT(kit, "in", "two", 1);
    return kit;
}

START_TEST(an_element_goes_to_all_consumers)
{
    exec_kit *kit = strings_kit(3);

    exec_par_do(kit, "a", "p0", &plan_pass, "p1");
    exec_par_do(kit, "b", "p0", &plan_pass, "p2");
    exec_sink(kit, "raw", "p0");
    exec_sink(kit, "left", "p1");
    exec_sink(kit, "right", "p2");
    exec_check(kit, "raw", "one @0\ntwo @1\n");
    ck_assert_str_eq(exec_lines(kit, "left"), "one @0\ntwo @1\n");
    ck_assert_str_eq(exec_lines(kit, "right"), "one @0\ntwo @1\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(a_flatten_takes_each_input_as_often_as_it_stands_there)
{
    exec_kit *kit = strings_kit(3);

    exec_par_do(kit, "a", "p0", &plan_pass, "p1");
    exec_flatten(kit, "flat", (const char *[]){ "p0", "p1", "p1", "p0", "p0" }, 5, "p2");
    exec_sink(kit, "out", "p2");
    exec_check_sorted(kit, "out",
                      "one @0\none @0\none @0\none @0\none @0\n"
                      "two @1\ntwo @1\ntwo @1\ntwo @1\ntwo @1\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(a_flatten_of_nothing_gives_nothing)
{
    exec_kit *kit = strings_kit(2);

    exec_flatten(kit, "flat", NULL, 0, "p1");
    exec_sink(kit, "out", "p1");
    exec_check(kit, "out", "");
    exec_kit_free(kit);
}
END_TEST

/* Gives its element over and over until it is told to stop. */
BEAMC_DOFN(plan_flood, string, string)
{
    for (;;)
        BEAMC_TRY(beamc_emit(ctx, element));
}

static volatile int plan_stopped;

BEAMC_DOFN_WITH(plan_stop, string, string, .light = true)
{
    plan_stopped = 1;
    return beamc_emit(ctx, element);
}

BEAMC_KV(plan_one, string, int64)

BEAMC_DOFN(plan_with_one, string, plan_one)
{
    plan_one pair = { *element, 1 };
    return beamc_emit(ctx, &pair);
}

BEAMC_COMBINE(plan_add, int64, int64, int64)

static beamc_error *plan_add_create(beamc_combine_context *ctx BEAMC_UNUSED, int64_t *sum)
{
    *sum = 0;
    return NULL;
}

static beamc_error *plan_add_add(beamc_combine_context *ctx BEAMC_UNUSED, int64_t *sum,
                                 const int64_t *more)
{
    *sum += *more;
    return NULL;
}

static beamc_error *plan_add_merge(beamc_combine_context *ctx BEAMC_UNUSED, int64_t *sum,
                                   int64_t *more)
{
    *sum += *more;
    return NULL;
}

static beamc_error *plan_add_extract(beamc_combine_context *ctx BEAMC_UNUSED, int64_t *sum,
                                     int64_t *out)
{
    *out = *sum;
    return NULL;
}

/* One element of the source may become so many that its end is far away: into a sink, through ParDos,
 * into a table of a combine. */
START_TEST(a_bundle_is_cancelled_within_an_element)
{
    exec_kit *kit = strings_kit(4);

    plan_stopped = 0;
    exec_set_cancel(kit, &plan_stopped);
    exec_par_do(kit, "flood", "p0", &plan_flood, "p1");
    exec_par_do(kit, "stop", "p1", &plan_stop, "p2");
    if (_i == 0) {
        exec_sink(kit, "out", "p2");
    } else if (_i == 1) {
        exec_par_do(kit, "pass", "p2", &plan_pass, "p3");
    } else {
        exec_collection(kit, "pairs", &beamc_type_plan_one, beamc_global_windows());
        exec_collection(kit, "sums", &beamc_type_plan_one, beamc_global_windows());
        exec_par_do(kit, "pair", "p2", &plan_with_one, "pairs");
        exec_combine(kit, "sum", BEAMC_URN_COMBINE_PER_KEY_PRECOMBINE, "pairs", &plan_add,
                     BEAMC_TYPE(int64), 0, "sums");
        exec_sink(kit, "out", "sums");
    }
    beamc_error *error = exec_run(kit);
    ck_assert_int_eq(beamc_error_code(error), BEAMC_ECANCELLED);
    beamc_error_free(error);
    exec_kit_free(kit);
}
END_TEST

static int plan_calls;

BEAMC_DOFN(plan_stop_slowly, string, string)
{
    plan_calls++;
    plan_stopped = 1;
    return beamc_emit(ctx, element);
}

START_TEST(a_cancelled_bundle_calls_no_dofn_again)
{
    exec_kit *kit = strings_kit(3);

    plan_stopped = plan_calls = 0;
    exec_set_cancel(kit, &plan_stopped);
    exec_par_do(kit, "flood", "p0", &plan_flood, "p1");
    exec_par_do(kit, "slow", "p1", &plan_stop_slowly, "p2");
    exec_sink(kit, "out", "p2");
    beamc_error *error = exec_run(kit);
    ck_assert_int_eq(beamc_error_code(error), BEAMC_ECANCELLED);
    ck_assert_int_eq(plan_calls, 1);
    beamc_error_free(error);
    exec_kit_free(kit);
}
END_TEST

START_TEST(elements_are_counted_by_pcollection)
{
    exec_kit *kit = strings_kit(4);
    beamc__metrics *metrics = beamc__metrics_new();
    const int64_t expected[] = { 2, 2, 4, 0 };

    exec_par_do(kit, "a", "p0", &plan_pass, "p1");
    exec_flatten(kit, "flat", (const char *[]){ "p0", "p1" }, 2, "p2");
    exec_sink(kit, "out", "p1");
    for (int run = 1; run < 3; run++) {
        exec_ok(exec_run(kit));
        exec_ok(beamc__plan_report(exec_plan(kit), metrics));
        for (size_t i = 0; i < 4; i++) {
            char id[8];
            snprintf(id, sizeof(id), "p%zu", i);
            beamc__metric_id name = { .urn = BEAMC_URN_METRIC_ELEMENT_COUNT, .pcollection = id };
            const beamc__cell *cell = beamc__metrics_cell(metrics, &name, BEAMC__CELL_SUM);
            ck_assert_int_eq(cell->value, run * expected[i]);
        }
        beamc__metric_id read = { .urn = BEAMC_URN_METRIC_DATA_CHANNEL_READ_INDEX,
                                  .transform = "in" };
        ck_assert_int_eq(beamc__metrics_cell(metrics, &read, BEAMC__CELL_SUM)->value, run * 2);
    }
    beamc__metrics_free(metrics);
    exec_kit_free(kit);
}
END_TEST

static beamc_error *sample_plan(beamc_context *ctx BEAMC_UNUSED)
{
    return NULL;
}

#define PLAN_OF(F) F(int64, kit)
BEAMC_ROW(plan_of, PLAN_OF)

BEAMC_DOFN_WITH(plan_sampled, string, string, .config = &beamc_type_plan_of, .setup = sample_plan)
{
    const plan_of *config = beamc_config(ctx);
    beamc__plan_sample(exec_plan((exec_kit *)(intptr_t)config->kit), 30);
    return beamc_emit(ctx, element);
}

START_TEST(time_is_booked_to_the_transform_at_work)
{
    exec_kit *kit = strings_kit(2);
    plan_of config = { (intptr_t)kit };
    beamc_buffer frozen;
    beamc__metrics *metrics = beamc__metrics_new();

    beamc_buffer_init(&frozen);
    ck_assert_int_eq(beamc_encode(&beamc_type_plan_of, &config, false, &frozen), BEAMC_OK);
    exec_par_do_options options = { .outputs = { "p1" }, .config = { frozen.data, frozen.size } };
    exec_par_do_with(kit, "a", "p0", &plan_sampled, &options);
    exec_sink(kit, "out", "p1");
    exec_ok(exec_run(kit));
    beamc__plan_sample(exec_plan(kit), 1000); /* nothing runs: booked nowhere */
    exec_ok(beamc__plan_report(exec_plan(kit), metrics));
    beamc__metric_id id = { .urn = BEAMC_URN_METRIC_PROCESS_BUNDLE_MSECS, .transform = "a" };
    ck_assert_int_eq(beamc__metrics_cell(metrics, &id, BEAMC__CELL_SUM)->value, 60);
    id.urn = BEAMC_URN_METRIC_TOTAL_MSECS;
    ck_assert_int_eq(beamc__metrics_cell(metrics, &id, BEAMC__CELL_SUM)->value, 60);
    id.transform = "in";
    ck_assert_int_eq(beamc__metrics_cell(metrics, &id, BEAMC__CELL_SUM)->value, 0);
    beamc__metrics_free(metrics);
    beamc_buffer_dispose(&frozen);
    exec_kit_free(kit);
}
END_TEST

START_TEST(a_bundle_without_its_input_or_output_is_refused)
{
    exec_kit *kit = strings_kit(1);
    beamc__bundle bundle = { .instruction_id = "b" };

    exec_sink(kit, "out", "p0");
    exec_ok(exec_make(kit));
    exec_expect(beamc__plan_run(exec_plan(kit), &bundle), BEAMC_ENOENT,
                "transform out: start_bundle: the bundle has no output for it");
    exec_kit_free(kit);
    kit = strings_kit(1);
    exec_ok(exec_make(kit));
    exec_expect(beamc__plan_run(exec_plan(kit), &bundle), BEAMC_ENOENT,
                "transform in: the bundle has no input for it");
    exec_kit_free(kit);
}
END_TEST

/* ---- descriptors that are wrong ------------------------------------------------------------------ */

/* in -> pass -> out, which the functions below spoil. */
static exec_kit *good_kit(void)
{
    exec_kit *kit = strings_kit(2);

    exec_par_do(kit, "a", "p0", &plan_pass, "p1");
    exec_sink(kit, "out", "p1");
    return kit;
}

static void no_input(exec_kit *kit)
{
    exec_find_transform(kit, "a")->n_inputs = 0;
}

static void input_missing(exec_kit *kit)
{
    exec_find_transform(kit, "a")->inputs[0]->value = "nothing";
}

static void output_missing(exec_kit *kit)
{
    exec_find_transform(kit, "a")->outputs[0]->value = "nothing";
}

static void output_tag_missing(exec_kit *kit)
{
    exec_find_transform(kit, "a")->outputs[0]->key = "other";
}

static void two_inputs(exec_kit *kit)
{
    exec_input(kit, "a", "more", "p0");
}

static void coder_missing(exec_kit *kit)
{
    exec_find_collection(kit, "p1")->coder_id = "nothing";
}

static void strategy_missing(exec_kit *kit)
{
    exec_find_collection(kit, "p1")->windowing_strategy_id = "nothing";
}

static void window_coder_missing(exec_kit *kit)
{
    exec_descriptor(kit)->windowing_strategies[1]->value->window_coder_id = "nothing";
}

static void window_fn_missing(exec_kit *kit)
{
    exec_descriptor(kit)->windowing_strategies[1]->value->window_fn = NULL;
}

static void coder_in_itself(exec_kit *kit)
{
    const char *id = exec_coder_of(kit, BEAMC_URN_CODER_ITERABLE, "x", NULL);
    for (size_t i = 0; i < exec_descriptor(kit)->n_coders; i++) {
        if (strcmp(exec_descriptor(kit)->coders[i]->key, id) == 0)
            exec_descriptor(kit)->coders[i]->value->component_coder_ids[0] = (char *)id;
    }
    exec_find_collection(kit, "p1")->coder_id = (char *)id;
}

static void coder_unknown(exec_kit *kit)
{
    exec_find_collection(kit, "p1")->coder_id =
        (char *)exec_coder_of(kit, "beam:coder:pickled_python:v1", NULL, NULL);
}

static void coder_empty(exec_kit *kit)
{
    exec_descriptor(kit)->coders[0]->value = NULL;
}

static void collection_empty(exec_kit *kit)
{
    exec_descriptor(kit)->pcollections[0]->value = NULL;
}

static void transform_empty(exec_kit *kit)
{
    exec_descriptor(kit)->transforms[1]->value = NULL;
}

static void spec_empty(exec_kit *kit)
{
    exec_find_transform(kit, "a")->spec = NULL;
}

static void composite(exec_kit *kit)
{
    static char *children[] = { "in" };
    exec_find_transform(kit, "a")->subtransforms = children;
    exec_find_transform(kit, "a")->n_subtransforms = 1;
}

static void urn_unknown(exec_kit *kit)
{
    exec_find_transform(kit, "a")->spec->urn = "beam:transform:flight:v1";
}

static void payload_malformed(exec_kit *kit)
{
    exec_find_transform(kit, "a")->spec->payload.len -= 1;
}

static void port_malformed(exec_kit *kit)
{
    exec_find_transform(kit, "in")->spec->payload.len -= 1;
}

static void payload_empty(exec_kit *kit)
{
    exec_find_transform(kit, "a")->spec->payload.len = 0;
}

static void port_empty(exec_kit *kit)
{
    exec_find_transform(kit, "in")->spec->payload.len = 0;
}

static void loop(exec_kit *kit)
{
    exec_collection(kit, "q", BEAMC_TYPE(string), beamc_global_windows());
    exec_par_do(kit, "round", "p1", &plan_pass, "q");
    exec_find_transform(kit, "a")->inputs[0]->value = "q";
}

static void two_producers(exec_kit *kit)
{
    exec_par_do(kit, "b", "p0", &plan_pass, "p1");
}

static void no_producer(exec_kit *kit)
{
    exec_collection(kit, "q", BEAMC_TYPE(string), beamc_global_windows());
    exec_find_transform(kit, "a")->inputs[0]->value = "q";
}

static void types_differ(exec_kit *kit)
{
    exec_find_collection(kit, "p1")->coder_id = (char *)exec_coder(kit, BEAMC_TYPE(int64));
}

static void port_of_no_windowed_values(exec_kit *kit)
{
    exec_port(kit, "in2", "p1", exec_coder(kit, BEAMC_TYPE(string)), true);
}

static void port_types_differ(exec_kit *kit)
{
    const char *number = exec_coder(kit, BEAMC_TYPE(int64));
    const char *window = exec_coder_of(kit, BEAMC_URN_CODER_GLOBAL_WINDOW, NULL, NULL);
    exec_port(kit, "out2", "p1",
              exec_coder_of(kit, BEAMC_URN_CODER_WINDOWED_VALUE, number, window), false);
}

static void source_with_input(exec_kit *kit)
{
    exec_input(kit, "in", "more", "p1");
}

static void sink_with_output(exec_kit *kit)
{
    exec_output(kit, "out", "more", "p0");
}

static void flatten_without_output(exec_kit *kit)
{
    exec_transform(kit, "flat", BEAMC_URN_FLATTEN, "", 0);
    exec_input(kit, "flat", "0", "p0");
}

static void flatten_input_missing(exec_kit *kit)
{
    exec_collection(kit, "q", BEAMC_TYPE(string), beamc_global_windows());
    exec_flatten(kit, "flat", (const char *[]){ "p0", "nothing" }, 2, "q");
}

static void function_unknown(exec_kit *kit)
{
    static const beamc_dofn unknown = { .function = { BEAMC_FUNCTION_DOFN, "plan_unknown" } };
    exec_collection(kit, "q", BEAMC_TYPE(string), beamc_global_windows());
    exec_par_do(kit, "b", "p0", &unknown, "q");
}

static void stateful(exec_kit *kit)
{
    PB(ParDoPayload) payload = PBK(PAR_DO_PAYLOAD__INIT);
    PB(FunctionSpec) spec = PBK(FUNCTION_SPEC__INIT);
    uint8_t bytes[64];

    payload.do_fn = &spec;
    payload.restriction_coder_id = "c1";
    exec_transform(kit, "b", BEAMC_URN_PARDO, bytes, pb(par_do_payload__pack)(&payload, bytes));
    exec_input(kit, "b", "in", "p0");
}

static void foreign_function(exec_kit *kit)
{
    PB(ParDoPayload) payload = PBK(PAR_DO_PAYLOAD__INIT);
    PB(FunctionSpec) spec = PBK(FUNCTION_SPEC__INIT);
    uint8_t bytes[64];

    payload.do_fn = &spec;
    spec.urn = "beam:dofn:pickled_python_info:v1";
    exec_transform(kit, "b", BEAMC_URN_PARDO, bytes, pb(par_do_payload__pack)(&payload, bytes));
    exec_input(kit, "b", "in", "p0");
}

static void function_malformed(exec_kit *kit)
{
    PB(ParDoPayload) payload = PBK(PAR_DO_PAYLOAD__INIT);
    PB(FunctionSpec) spec = PBK(FUNCTION_SPEC__INIT);
    uint8_t bytes[64];

    payload.do_fn = &spec;
    spec.urn = "beam:dofn:csdk:v1";
    spec.payload = (ProtobufCBinaryData){ 3, (uint8_t *)"\x0a\x10x" };
    exec_transform(kit, "b", BEAMC_URN_PARDO, bytes, pb(par_do_payload__pack)(&payload, bytes));
    exec_input(kit, "b", "in", "p0");
}

static void config_not_wanted(exec_kit *kit)
{
    exec_collection(kit, "q", BEAMC_TYPE(string), beamc_global_windows());
    exec_par_do_options options = { .outputs = { "q" }, .config = { (const uint8_t *)"x", 1 } };
    exec_par_do_with(kit, "b", "p0", &plan_pass, &options);
}

static void config_malformed(exec_kit *kit)
{
    exec_collection(kit, "q", BEAMC_TYPE(string), beamc_global_windows());
    exec_par_do_options options = { .outputs = { "q" }, .config = { (const uint8_t *)"x", 1 } };
    exec_par_do_with(kit, "b", "p0", &plan_diary_fn, &options);
}

static void too_many_outputs(exec_kit *kit)
{
    static const beamc_dofn_output more[] = { { "more", BEAMC_TYPE(string) } };
    static const beamc_dofn two = { .function = { BEAMC_FUNCTION_DOFN, "plan_pass" },
                                    .outputs = more,
                                    .output_count = 1 };
    exec_collection(kit, "q", BEAMC_TYPE(string), beamc_global_windows());
    exec_collection(kit, "r", BEAMC_TYPE(string), beamc_global_windows());
    exec_par_do_options options = { .outputs = { "q", "r" } };
    exec_par_do_with(kit, "b", "p0", &two, &options);
}

static const struct {
    void (*spoil)(exec_kit *kit);
    beamc_code code;
    const char *error;
} wrong[] = {
    { no_input, BEAMC_ECORRUPT, "transform a: it has no main input" },
    { input_missing, BEAMC_ENOENT, "transform a: its input nothing is not in the descriptor" },
    { output_missing, BEAMC_ENOENT, "transform a: its output nothing is not in the descriptor" },
    { output_tag_missing, BEAMC_ENOENT, "transform a: output output of plan_pass is not" },
    { two_inputs, BEAMC_ECORRUPT, "transform a: it has more than one main input" },
    { coder_missing, BEAMC_ENOENT, "PCollection p1: " },
    { strategy_missing, BEAMC_ENOENT, "PCollection p1: windowing strategy nothing is not" },
    { window_coder_missing, BEAMC_ENOENT, "PCollection p1: windowing strategy w1: " },
    { window_fn_missing, BEAMC_ECORRUPT, "PCollection p1: " },
    { coder_in_itself, BEAMC_ECORRUPT, "PCollection p1: " },
    { coder_unknown, BEAMC_EUNSUPPORTED, "PCollection p1: " },
    { coder_empty, BEAMC_ENOENT, "PCollection p0: " },
    { collection_empty, BEAMC_ECORRUPT, "PCollection p0 is empty" },
    { transform_empty, BEAMC_ECORRUPT, "transform a: it is no leaf with a URN" },
    { spec_empty, BEAMC_ECORRUPT, "transform a: it is no leaf with a URN" },
    { composite, BEAMC_ECORRUPT, "transform a: it is no leaf with a URN" },
    { urn_unknown, BEAMC_EUNSUPPORTED, "transform a: beam:transform:flight:v1 is no transform" },
    { payload_malformed, BEAMC_ECORRUPT, "transform a: its ParDoPayload is malformed" },
    { port_malformed, BEAMC_ECORRUPT, "transform in: its RemoteGrpcPort is malformed" },
    { payload_empty, BEAMC_EUNSUPPORTED, "transform a: its function is a missing one" },
    { port_empty, BEAMC_ENOENT, "transform in: " },
    { loop, BEAMC_ECORRUPT, "the descriptor has a loop" },
    { two_producers, BEAMC_ECORRUPT, "PCollection p1 is made by both a and b" },
    { no_producer, BEAMC_ECORRUPT, "transform a: its input q is made by no transform" },
    { types_differ, BEAMC_ETYPE, "plan_pass gives string, but the pipeline has int64" },
    { port_of_no_windowed_values, BEAMC_ETYPE, "transform in2: its port's coder" },
    { port_types_differ, BEAMC_ETYPE, "transform out2: its port holds int64, its PCollection string" },
    { source_with_input, BEAMC_ECORRUPT, "transform in: a source has one output and no inputs" },
    { sink_with_output, BEAMC_ECORRUPT, "transform out: a sink has one input and no outputs" },
    { flatten_without_output, BEAMC_ECORRUPT, "transform flat: a flatten has one output, not 0" },
    { flatten_input_missing, BEAMC_ENOENT, "transform flat: its input nothing is not in" },
    { function_unknown, BEAMC_ENOENT, "transform b: this program has no DoFn plan_unknown" },
    { stateful, BEAMC_EUNSUPPORTED, "transform b: it has state, timers or restrictions" },
    { foreign_function, BEAMC_EUNSUPPORTED,
      "transform b: its function is a beam:dofn:pickled_python_info:v1, not a beam:dofn:csdk:v1" },
    { function_malformed, BEAMC_ECORRUPT,
      "transform b: its function's payload of 3 bytes is malformed" },
    { config_not_wanted, BEAMC_ECORRUPT, "transform b: plan_pass takes no configuration" },
    { config_malformed, BEAMC_ECORRUPT, "transform b: the configuration of plan_diary_fn (diary) of 1" },
    { too_many_outputs, BEAMC_ECORRUPT, "transform b: plan_pass has 2 outputs here, but 1 in its" },
};

START_TEST(a_wrong_descriptor_is_refused_by_name)
{
    exec_kit *kit = good_kit();

    wrong[_i].spoil(kit);
    exec_check_error(kit, wrong[_i].code, wrong[_i].error);
    ck_assert_ptr_null(exec_plan(kit));
    exec_kit_free(kit);
}
END_TEST

/* ---- a type with a coder of its own --------------------------------------------------------------- */

typedef struct {
    uint16_t x, y;
} point;

static int point_encode(const beamc_type *type BEAMC_UNUSED, const void *value,
                        bool nested BEAMC_UNUSED, beamc_buffer *out)
{
    beamc_buffer_append(out, value, sizeof(point));
    return beamc_buffer_failed(out) ? BEAMC_ENOMEM : BEAMC_OK;
}

static int point_decode(const beamc_type *type BEAMC_UNUSED, void *value, bool nested BEAMC_UNUSED,
                        beamc_reader *in, beamc_arena *arena BEAMC_UNUSED)
{
    if (beamc_reader_left(in) < sizeof(point))
        return BEAMC_ESHORT;
    memcpy(value, in->at, sizeof(point));
    in->at += sizeof(point);
    return BEAMC_OK;
}

static int point_copy(const beamc_type *type BEAMC_UNUSED, void *to, const void *from,
                      beamc_arena *arena BEAMC_UNUSED)
{
    memcpy(to, from, sizeof(point));
    return BEAMC_OK;
}

static const beamc_coder_ops point_coder = { .urn = "beam:coder:plan_point:v1",
                                             .encode = point_encode,
                                             .decode = point_decode,
                                             .copy = point_copy };
typedef point beamc_t_point;
static const beamc_type beamc_type_point = { .name = "point",
                                             .kind = BEAMC_KIND_CUSTOM,
                                             .size = sizeof(point),
                                             .align = _Alignof(point),
                                             .coder = &point_coder };
BEAMC_KV(plan_point_count, point, int64)

BEAMC_DOFN(plan_swap_point, plan_point_count, string)
{
    return beamc_emitf(ctx, "%d/%d: %d", element->key.x, element->key.y, (int)element->value);
}

START_TEST(custom_types_are_known_by_the_functions_that_take_them)
{
    exec_kit *kit = exec_kit_new();
    plan_point_count value = { { 3, 4 }, 5 };
    const char *point_id = exec_coder_of(kit, "beam:coder:plan_point:v1", NULL, NULL);
    const char *number = exec_coder(kit, BEAMC_TYPE(int64));
    const char *kv = exec_coder_of(kit, BEAMC_URN_CODER_KV, point_id, number);

    exec_collection_of(kit, "p0", kv, beamc_global_windows());
    exec_collection(kit, "p1", BEAMC_TYPE(string), beamc_global_windows());
    exec_set_customs(kit, (const beamc_type *const[]){ &beamc_type_point }, 1);
    exec_source(kit, "in", "p0");
    exec_par_do(kit, "a", "p0", &plan_swap_point, "p1");
    exec_sink(kit, "out", "p1");
    exec_put(kit, "in", &beamc_type_plan_point_count, &value, 1);
    exec_check(kit, "out", "3/4: 5 @1\n");
    exec_kit_free(kit);
}
END_TEST

/* ---- no memory ---------------------------------------------------------------------------------- */

BEAMC_COMBINE(plan_sum, int64, int64, int64)

static beamc_error *plan_sum_create(beamc_combine_context *ctx BEAMC_UNUSED, int64_t *accumulator)
{
    *accumulator = 0;
    return NULL;
}

static beamc_error *plan_sum_add(beamc_combine_context *ctx BEAMC_UNUSED, int64_t *accumulator,
                                 const int64_t *input)
{
    *accumulator += *input;
    return NULL;
}

static beamc_error *plan_sum_merge(beamc_combine_context *ctx BEAMC_UNUSED, int64_t *accumulator,
                                   int64_t *other)
{
    *accumulator += *other;
    return NULL;
}

static beamc_error *plan_sum_extract(beamc_combine_context *ctx BEAMC_UNUSED, int64_t *accumulator,
                                     int64_t *output)
{
    *output = *accumulator;
    return NULL;
}

static const beamc_dofn_side plan_sides[] = { { "one", BEAMC_TYPE(int64), BEAMC_VIEW_SINGLETON },
                                              { "map", BEAMC_TYPE(plan_pair), BEAMC_VIEW_MULTIMAP } };
BEAMC_COUNTER(plan_seen, "plan")

BEAMC_DOFN_WITH(plan_look_up, plan_pair, plan_pair, .sides = plan_sides, .side_count = 2)
{
    plan_pair out = *element;
    beamc_iterable found;
    int64_t one;
    int64_t count;

    BEAMC_TRY(beamc_side_singleton(ctx, 0, &one));
    BEAMC_TRY(beamc_side_lookup(ctx, 1, &element->key, &found));
    BEAMC_TRY(beamc_iterable_count(&count, &found));
    beamc_counter_add(ctx, &plan_seen, 1);
    out.value += one + count;
    return beamc_emit(ctx, &out);
}

/* One of each, in sliding windows. */
static exec_kit *all_kit(void)
{
    const beamc_windowing windowing = beamc_sliding_windows(10, 5);
    const beamc_interval_window window = { 0, 10 };
    const int64_t one = 1;
    const int64_t numbers[] = { 1, 2, 3 };
    const char *const words[] = { "a", "b", "a key that is longer than fifteen bytes" };
    exec_kit *kit = exec_kit_new();
    const char *const ids[] = { "p0", "p1", "p2", "p3", "map" };

    for (size_t i = 0; i < 5; i++)
        exec_collection(kit, ids[i], &beamc_type_plan_pair, windowing);
    exec_collection(kit, "one", BEAMC_TYPE(int64), beamc_global_windows());
    exec_collection(kit, "groups", &beamc_type_plan_group, windowing);
    exec_source(kit, "in", "p0");
    exec_window_into(kit, "window", "p0", windowing, "p1");
    exec_par_do_options options = { .outputs = { "p2" },
                                    .sides = { { .collection = "one" }, { .collection = "map" } } };
    exec_par_do_with(kit, "look", "p1", &plan_look_up, &options);
    exec_combine(kit, "pre", BEAMC_URN_COMBINE_PER_KEY_PRECOMBINE, "p2", &plan_sum,
                 BEAMC_TYPE(int64), 0, "p3");
    exec_sink(kit, "out", "p3");
    exec_put_side(kit, "one", NULL, NULL, NULL, BEAMC_TYPE(int64), &one, 1);
    exec_put_side(kit, "map", &window, BEAMC_TYPE(string), &(beamc_string){ "a", 1 },
                  BEAMC_TYPE(int64), numbers, 3);
    for (size_t i = 0; i < 3; i++) {
        plan_pair pair = { beamc_string_of(words[i]), 1 };
        exec_put_in(kit, "in", &beamc_type_plan_pair, &pair, 7, &window, 1);
    }
    return kit;
}

START_TEST(every_allocation_may_fail)
{
    exec_kit *kit = all_kit();

    exec_fail_allocations(kit, 21);
    exec_kit_free(kit);
}
END_TEST

Suite *suite_plan(void)
{
    Suite *suite = suite_create("plan");
    TCase *tc = tcase_create("order");
    tcase_add_test(tc, consumers_start_before_producers_and_finish_after);
    tcase_add_loop_test(tc, an_error_names_its_place_and_all_that_was_set_up_is_torn_down_once, 0,
                        sizeof(failing) / sizeof(*failing));
    suite_add_tcase(suite, tc);

    tc = tcase_create("shapes");
    tcase_add_test(tc, an_element_goes_to_all_consumers);
    tcase_add_test(tc, a_flatten_takes_each_input_as_often_as_it_stands_there);
    tcase_add_test(tc, a_flatten_of_nothing_gives_nothing);
    tcase_add_loop_test(tc, a_bundle_is_cancelled_within_an_element, 0, 3);
    tcase_add_test(tc, a_cancelled_bundle_calls_no_dofn_again);
    tcase_add_test(tc, elements_are_counted_by_pcollection);
    tcase_add_test(tc, time_is_booked_to_the_transform_at_work);
    tcase_add_test(tc, a_bundle_without_its_input_or_output_is_refused);
    tcase_add_test(tc, custom_types_are_known_by_the_functions_that_take_them);
    suite_add_tcase(suite, tc);

    tc = tcase_create("wrong");
    tcase_add_loop_test(tc, a_wrong_descriptor_is_refused_by_name, 0,
                        sizeof(wrong) / sizeof(*wrong));
    suite_add_tcase(suite, tc);

    tc = tcase_create("memory");
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, every_allocation_may_fail);
    suite_add_tcase(suite, tc);
    return suite;
}
