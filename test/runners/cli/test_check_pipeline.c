/* SPDX-License-Identifier: Apache-2.0 */
/* What runners cannot do: each limit is told where it is one, and nowhere else. */
#include "runners/cli/check_pipeline.h"

#include "proto/urns.h"
#include <beamc/pipeline.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

BEAMC_DOFN(hand_on, bytes, bytes)
{
    return beamc_emit(ctx, element);
}

/* ---- pipelines ------------------------------------------------------------------------------- */

static PB(Pipeline) *pipeline; /* Impulse and ParDo, to be changed by a test */
static char found[1 << 14];

static void set_up(void)
{
    beamc_pipeline *built = beamc_pipeline_new(BEAMC_PROGRAM_FUNCTIONS);
    beamc_buffer bytes;

    ck_assert_ptr_nonnull(built);
    beamc_buffer_init(&bytes);
    beamc_par_do(beamc_impulse(built), &hand_on);
    ck_assert_ptr_null(beamc_pipeline_serialize(built, &bytes));
    pipeline = pb(pipeline__unpack)(NULL, bytes.size, bytes.data);
    ck_assert_ptr_nonnull(pipeline);
    beamc_buffer_dispose(&bytes);
    beamc_pipeline_free(built);
}

static void tear_down(void)
{
    pb(pipeline__free_unpacked)(pipeline, NULL);
}

/* The leaf with this URN. */
static PB(PTransform) *leaf(const char *urn)
{
    for (size_t i = 0; i < pipeline->components->n_transforms; i++) {
        PB(PTransform) *transform = pipeline->components->transforms[i]->value;
        if (transform->spec != NULL && strcmp(transform->spec->urn, urn) == 0)
            return transform;
    }
    ck_abort_msg("no %s", urn);
}

static void set_text(char **to, const char *text)
{
    if (*to != protobuf_c_empty_string)
        free(*to);
    *to = strdup(text);
    ck_assert_ptr_nonnull(*to);
}

/* Changes the payload of the ParDo. */
static void change_par_do(void (*change)(PB(ParDoPayload) *payload))
{
    ProtobufCBinaryData *bytes = &leaf(BEAMC_URN_PARDO)->spec->payload;
    PB(ParDoPayload) *payload = pb(par_do_payload__unpack)(NULL, bytes->len, bytes->data);

    ck_assert_ptr_nonnull(payload);
    change(payload);
    free(bytes->data);
    bytes->len = pb(par_do_payload__get_packed_size)(payload);
    bytes->data = malloc(bytes->len);
    ck_assert_ptr_nonnull(bytes->data);
    pb(par_do_payload__pack)(payload, bytes->data);
    pb(par_do_payload__free_unpacked)(payload, NULL);
}

/* What is found, in @found; the number of problems. */
static size_t check_on(beamc__runner_kind runner, bool streaming, size_t *warnings)
{
    size_t size = pb(pipeline__get_packed_size)(pipeline);
    uint8_t *bytes = malloc(size);
    FILE *file = tmpfile();
    beamc__findings findings = { .out = file };
    beamc__graph *graph;

    ck_assert_ptr_nonnull(bytes);
    ck_assert_ptr_nonnull(file);
    pb(pipeline__pack)(pipeline, bytes);
    beamc_error *error = beamc__graph_read(&graph, bytes, size, "test");
    ck_assert_msg(error == NULL, "%s", beamc_error_message(error));
    free(bytes);
    beamc__check_pipeline(&findings, graph, runner, streaming, true);
    beamc__graph_free(graph);
    rewind(file);
    found[fread(found, 1, sizeof(found) - 1, file)] = '\0';
    fclose(file);
    if (warnings != NULL)
        *warnings = findings.counts[BEAMC__FINDING_WARNING];
    return findings.counts[BEAMC__FINDING_PROBLEM];
}

/* ---- what a transform wants ------------------------------------------------------------------ */

static void add_state_of(PB(ParDoPayload) *payload, const char *protocol)
{
    PB(ParDoPayload__StateSpecsEntry) *entry = malloc(sizeof(*entry));

    pb(par_do_payload__state_specs_entry__init)(entry);
    entry->key = strdup("cell");
    entry->value = malloc(sizeof(*entry->value));
    pb(state_spec__init)(entry->value);
    entry->value->protocol = malloc(sizeof(*entry->value->protocol));
    pb(function_spec__init)(entry->value->protocol);
    entry->value->protocol->urn = strdup(protocol);
    payload->state_specs = malloc(sizeof(entry));
    payload->state_specs[0] = entry;
    payload->n_state_specs = 1;
}

static void add_bag(PB(ParDoPayload) *payload)
{
    add_state_of(payload, BEAMC_URN_USER_STATE_BAG);
}

static void add_map(PB(ParDoPayload) *payload)
{
    add_state_of(payload, BEAMC_URN_USER_STATE_MULTIMAP);
}

static void add_list(PB(ParDoPayload) *payload)
{
    add_state_of(payload, BEAMC_URN_USER_STATE_ORDERED_LIST);
}

static void add_timer(PB(ParDoPayload) *payload)
{
    PB(ParDoPayload__TimerFamilySpecsEntry) *entry = malloc(sizeof(*entry));

    pb(par_do_payload__timer_family_specs_entry__init)(entry);
    entry->key = strdup("ts-a");
    entry->value = malloc(sizeof(*entry->value));
    pb(timer_family_spec__init)(entry->value);
    payload->timer_family_specs = malloc(sizeof(entry));
    payload->timer_family_specs[0] = entry;
    payload->n_timer_family_specs = 1;
}

static void add_expiration(PB(ParDoPayload) *payload)
{
    set_text(&payload->on_window_expiration_timer_family_spec, "ts-a");
}

static void finalize(PB(ParDoPayload) *payload)
{
    payload->requests_finalization = true;
}

static void sort_input(PB(ParDoPayload) *payload)
{
    payload->requires_time_sorted_input = true;
}

static void keep_input(PB(ParDoPayload) *payload)
{
    payload->requires_stable_input = true;
}

static void split(PB(ParDoPayload) *payload)
{
    set_text(&payload->restriction_coder_id, "c1");
}

static void make_foreign(PB(ParDoPayload) *payload)
{
    set_text(&payload->do_fn->urn, "beam:dofn:pickled_python_info:v1");
}

enum { DIRECT = 1, PRISM = 2, FLINK = 4, FLINK_STREAM = 8, SPARK = 16, SPARK_STREAM = 32 };

static const struct {
    beamc__runner_kind kind;
    bool streaming;
    int bit;
} runners[] = {
    { BEAMC__RUNNER_DIRECT, false, DIRECT }, { BEAMC__RUNNER_PRISM, false, PRISM },
    { BEAMC__RUNNER_FLINK, false, FLINK },   { BEAMC__RUNNER_FLINK, true, FLINK_STREAM },
    { BEAMC__RUNNER_SPARK, false, SPARK },   { BEAMC__RUNNER_SPARK, true, SPARK_STREAM },
};

enum { RUNNERS = sizeof(runners) / sizeof(runners[0]) };

static const struct {
    void (*want)(PB(ParDoPayload) *payload);
    int cannot; /* all others can */
    const char *said;
} wants[] = {
    { add_bag, DIRECT | SPARK_STREAM, "hand_on has state, which " },
    { add_map, DIRECT | FLINK | FLINK_STREAM | SPARK | SPARK_STREAM, "map" },
    { add_list, DIRECT | FLINK | FLINK_STREAM | SPARK | SPARK_STREAM, "ordered list" },
    { add_timer, DIRECT | SPARK_STREAM, "has timers" },
    { add_expiration, DIRECT | FLINK | FLINK_STREAM | SPARK | SPARK_STREAM, "expires" },
    { finalize, DIRECT | FLINK | SPARK | SPARK_STREAM, "finalized" },
    { sort_input, DIRECT | SPARK | SPARK_STREAM, "sorted by time" },
    { keep_input, DIRECT | SPARK | SPARK_STREAM | PRISM, "stable input" },
    { split, DIRECT, "is splittable" },
    { make_foreign, DIRECT, "not made with beamc" },
};

START_TEST(what_a_transform_wants_is_told_where_it_cannot_be_had)
{
    change_par_do(wants[_i].want);
    for (size_t i = 0; i < RUNNERS; i++) {
        size_t problems = check_on(runners[i].kind, runners[i].streaming, NULL);
        bool cannot = (wants[_i].cannot & runners[i].bit) != 0;
        ck_assert_msg((problems > 0) == cannot, "runner %zu:\n%s", i, found);
        if (cannot)
            ck_assert_msg(strstr(found, wants[_i].said) != NULL, "%s", found);
    }
}
END_TEST

START_TEST(a_plain_pipeline_is_for_all_runners)
{
    for (size_t i = 0; i < RUNNERS; i++)
        ck_assert_msg(check_on(runners[i].kind, runners[i].streaming, NULL) == 0, "%s", found);
    check_on(BEAMC__RUNNER_PRISM, false, NULL);
    ck_assert_ptr_nonnull(strstr(found, "ok       Prism can run all 2 transforms\n"));
}
END_TEST

START_TEST(maps_on_prism_are_warned_of)
{
    size_t warnings;

    change_par_do(add_map);
    ck_assert_uint_eq(check_on(BEAMC__RUNNER_PRISM, false, &warnings), 0);
    ck_assert_uint_eq(warnings, 1);
    ck_assert_ptr_nonnull(strstr(found, "does not always do right"));
}
END_TEST

START_TEST(what_has_no_end_needs_a_runner_for_that)
{
    pipeline->components->pcollections[0]->value->is_bounded = PBK(IS_BOUNDED__ENUM__UNBOUNDED);
    ck_assert_uint_eq(check_on(BEAMC__RUNNER_DIRECT, false, NULL), 1);
    ck_assert_ptr_nonnull(strstr(found, "the input has no end"));
    ck_assert_uint_eq(check_on(BEAMC__RUNNER_FLINK, false, NULL), 0);
    ck_assert_ptr_nonnull(strstr(found, "Flink in streaming mode"));
    change_par_do(split);
    ck_assert_uint_eq(check_on(BEAMC__RUNNER_SPARK, false, NULL), 1);
    ck_assert_ptr_nonnull(strstr(found, "which Spark cannot interrupt"));
}
END_TEST

/* ---- what a pipeline is made of -------------------------------------------------------------- */

START_TEST(a_requirement_that_nobody_knows_is_told)
{
    pipeline->requirements = malloc(sizeof(char *) * 2);
    pipeline->requirements[0] = strdup(BEAMC_URN_REQUIREMENT_STATEFUL);
    pipeline->requirements[1] = strdup("beam:requirement:of_tomorrow:v1");
    pipeline->n_requirements = 2;
    for (size_t i = 0; i < RUNNERS; i++) {
        ck_assert_uint_eq(check_on(runners[i].kind, runners[i].streaming, NULL), 1);
        ck_assert_ptr_nonnull(strstr(found, "requires beam:requirement:of_tomorrow:v1"));
    }
}
END_TEST

START_TEST(a_leaf_that_nobody_knows_is_told)
{
    set_text(&leaf(BEAMC_URN_PARDO)->spec->urn, "beam:transform:of_tomorrow:v1");
    for (size_t i = 0; i < RUNNERS; i++) {
        ck_assert_msg(check_on(runners[i].kind, runners[i].streaming, NULL) == 1, "%s", found);
        ck_assert_ptr_nonnull(strstr(found, "hand_on is beam:transform:of_tomorrow:v1, which "));
    }
}
END_TEST

START_TEST(test_streams_are_for_few)
{
    static const int can = PRISM | FLINK_STREAM;

    set_text(&leaf(BEAMC_URN_IMPULSE)->spec->urn, BEAMC_URN_TEST_STREAM);
    for (size_t i = 0; i < RUNNERS; i++)
        ck_assert_msg((check_on(runners[i].kind, runners[i].streaming, NULL) == 0) ==
                          ((can & runners[i].bit) != 0),
                      "%s", found);
}
END_TEST

START_TEST(an_environment_must_be_one_that_is_started)
{
    set_text(&pipeline->components->environments[0]->value->urn, BEAMC_URN_ENV_ANYOF);
    ck_assert_uint_eq(check_on(BEAMC__RUNNER_PRISM, false, NULL), 0);
    ck_assert_uint_eq(check_on(BEAMC__RUNNER_FLINK, false, NULL), 1);
    ck_assert_ptr_nonnull(
        strstr(found, "beam:env:anyof:v1, which Flink in batch mode cannot start"));
    set_text(&pipeline->components->environments[0]->value->urn, "beam:env:embedded_python:v1");
    ck_assert_uint_eq(check_on(BEAMC__RUNNER_PRISM, false, NULL), 1);
}
END_TEST

START_TEST(windows_of_others_are_not_for_prism)
{
    PB(WindowingStrategy) *strategy = pipeline->components->windowing_strategies[0]->value;

    set_text(&strategy->window_fn->urn, "beam:window_fn:pickled_python:v1");
    ck_assert_uint_eq(check_on(BEAMC__RUNNER_PRISM, false, NULL), 1);
    ck_assert_ptr_nonnull(strstr(found, "beam:window_fn:pickled_python:v1"));
    ck_assert_uint_eq(check_on(BEAMC__RUNNER_FLINK, true, NULL), 0);
    set_text(&strategy->window_fn->urn, BEAMC_URN_WINDOW_FN_SESSION_WINDOWS);
    strategy->output_time = PBK(OUTPUT_TIME__ENUM__EARLIEST_IN_PANE);
    strategy->accumulation_mode = PBK(ACCUMULATION_MODE__ENUM__RETRACTING);
    ck_assert_uint_eq(check_on(BEAMC__RUNNER_PRISM, false, NULL), 2);
    ck_assert_ptr_nonnull(strstr(found, "earliest or latest"));
    ck_assert_ptr_nonnull(strstr(found, "retracts"));
}
END_TEST

START_TEST(coders_that_a_runner_does_not_know_are_counted)
{
    set_text(&pipeline->components->coders[0]->value->spec->urn, "beam:coder:pickled_python:v1");
    ck_assert_uint_eq(check_on(BEAMC__RUNNER_FLINK, false, NULL), 0);
    ck_assert_ptr_nonnull(strstr(
        found, "the others (beam:coder:pickled_python:v1) travel as bytes with their length"));
}
END_TEST

START_TEST(flink_takes_flattened_bytes_as_they_are)
{
    beamc_pipeline *built = beamc_pipeline_new(BEAMC_PROGRAM_FUNCTIONS);
    beamc_buffer bytes;

    beamc_buffer_init(&bytes);
    beamc_pcollection both[2];
    both[0] = beamc_impulse(built);
    both[1] = beamc_par_do(beamc_impulse(beamc_named_root(built, "Second")), &hand_on);
    beamc_flatten(both, 2);
    ck_assert_ptr_null(beamc_pipeline_serialize(built, &bytes));
    pb(pipeline__free_unpacked)(pipeline, NULL);
    pipeline = pb(pipeline__unpack)(NULL, bytes.size, bytes.data);
    beamc_buffer_dispose(&bytes);
    beamc_pipeline_free(built);
    ck_assert_uint_eq(check_on(BEAMC__RUNNER_FLINK, false, NULL), 0);
    /* The output of the flatten gets a coder of its own. */
    const PB(PTransform) *flatten = leaf(BEAMC_URN_FLATTEN);
    PB(Components) *components = pipeline->components;
    PB(Components__CodersEntry) *entry = malloc(sizeof(*entry));
    pb(components__coders_entry__init)(entry);
    entry->key = strdup("new");
    entry->value = malloc(sizeof(*entry->value));
    pb(coder__init)(entry->value);
    entry->value->spec = malloc(sizeof(*entry->value->spec));
    pb(function_spec__init)(entry->value->spec);
    entry->value->spec->urn = strdup(BEAMC_URN_CODER_STRING_UTF8);
    components->coders =
        realloc(components->coders, (components->n_coders + 1) * sizeof(*components->coders));
    components->coders[components->n_coders++] = entry;
    for (size_t i = 0; i < components->n_pcollections; i++)
        if (strcmp(components->pcollections[i]->key, flatten->outputs[0]->value) == 0)
            set_text(&components->pcollections[i]->value->coder_id, "new");
    ck_assert_uint_eq(check_on(BEAMC__RUNNER_FLINK, false, NULL), 1);
    ck_assert_ptr_nonnull(strstr(found, "flattens bytes into string"));
    ck_assert_uint_eq(check_on(BEAMC__RUNNER_PRISM, false, NULL), 0);
}
END_TEST

START_TEST(a_runner_that_is_not_known_has_no_limits)
{
    size_t warnings;

    change_par_do(add_bag);
    ck_assert_uint_eq(check_on(BEAMC__RUNNER_OTHER, false, &warnings), 0);
    ck_assert_uint_eq(warnings, 1);
}
END_TEST

Suite *suite_check_pipeline(void)
{
    Suite *suite = suite_create("check_pipeline");
    TCase *tc = tcase_create("check_pipeline");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, what_a_transform_wants_is_told_where_it_cannot_be_had, 0,
                        (int)(sizeof(wants) / sizeof(wants[0])));
    tcase_add_test(tc, a_plain_pipeline_is_for_all_runners);
    tcase_add_test(tc, maps_on_prism_are_warned_of);
    tcase_add_test(tc, what_has_no_end_needs_a_runner_for_that);
    tcase_add_test(tc, a_requirement_that_nobody_knows_is_told);
    tcase_add_test(tc, a_leaf_that_nobody_knows_is_told);
    tcase_add_test(tc, test_streams_are_for_few);
    tcase_add_test(tc, an_environment_must_be_one_that_is_started);
    tcase_add_test(tc, windows_of_others_are_not_for_prism);
    tcase_add_test(tc, coders_that_a_runner_does_not_know_are_counted);
    tcase_add_test(tc, flink_takes_flattened_bytes_as_they_are);
    tcase_add_test(tc, a_runner_that_is_not_known_has_no_limits);
    suite_add_tcase(suite, tc);
    return suite;
}
