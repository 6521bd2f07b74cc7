/* SPDX-License-Identifier: Apache-2.0 */
/* A worker that a well-behaved runner drives: bundles, side inputs, metrics, logs, its end. */
#include "test/harness/worker/fns.h"

#include "proto/urns.h"
#include "test/process.h"
#include <check.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

static fn_peer *runner;
static beamc__worker *worker;

static void begin_with(const beamc__worker_options *options)
{
    runner = fn_peer_new();
    worker = fn_peer_worker(runner, options);
}

static void begin(void)
{
    begin_with(NULL);
}

static void finish(void)
{
    fn_peer_finish(runner, worker);
}

static void check_bundle(const char *instruction, const char *descriptor, const char *words,
                         const char *lines)
{
    fn_peer_process(runner, instruction, descriptor);
    fn_peer_put(runner, instruction, "in", words);
    fn_peer_done(runner, instruction);
    ck_assert_str_eq(fn_peer_lines(runner, instruction, "out"), lines);
}

/* ---- bundles --------------------------------------------------------------------------------- */

START_TEST(a_bundle_goes_from_source_to_sink)
{
    begin();
    worker_give(runner, "d1", worker_fn_echo);
    check_bundle("i1", "d1", "to be or not", "to\nbe\nor\nnot\n");
    check_bundle("i2", "d1", "to be", "to\nbe\n");
    ck_assert_int_eq(fn_peer_asked(runner), 1);
    static const fn_service services[] = { FN_CONTROL, FN_DATA, FN_LOGGING, FN_STATUS };
    for (size_t i = 0; i < 4; i++)
        ck_assert_str_eq(fn_peer_worker_id(runner, services[i]), "worker-1");
    finish();
}
END_TEST

START_TEST(each_sink_ends_once_by_a_message_of_its_own)
{
    static const char *const words[] = { "", "a b c", "aa bb", "a bb" };
    static const char *const lines[] = { "", "", "aa\nbb\n", "bb\n" };
    static const char *const all[] = { "", "a\nb\nc\n", "aa\nbb\n", "a\nbb\n" };

    begin();
    worker_give(runner, "d1", worker_fn_twice);
    fn_peer_process(runner, "i1", "d1");
    fn_peer_put(runner, "i1", "in", words[_i]);
    fn_peer_done(runner, "i1");
    ck_assert_str_eq(fn_peer_lines(runner, "i1", "out"), lines[_i]);
    ck_assert_str_eq(fn_peer_lines(runner, "i1", "out2"), all[_i]);
    const char *const sinks[] = { "out", "out2" };
    for (size_t i = 0; i < 2; i++) {
        const fn_output *output = fn_peer_output(runner, "i1", sinks[i]);
        ck_assert_int_eq(output->lasts, 1);
        ck_assert(!output->with_data);
        ck_assert(!output->after);
    }
    finish();
}
END_TEST

START_TEST(elements_may_come_before_the_bundle)
{
    begin();
    worker_give(runner, "d1", worker_fn_echo);
    check_bundle("i1", "d1", "x", "x\n"); /* opens the stream */
    fn_peer_put(runner, "i2", "in", "early bird");
    /* Seen by now: the stream keeps its order. */
    check_bundle("i3", "d1", "y", "y\n");
    fn_peer_process(runner, "i2", "d1");
    fn_peer_done(runner, "i2");
    ck_assert_str_eq(fn_peer_lines(runner, "i2", "out"), "early\nbird\n");
    finish();
}
END_TEST

START_TEST(elements_come_in_any_number_of_messages)
{
    beamc_buffer bytes;

    begin();
    worker_give(runner, "d1", worker_fn_echo);
    fn_peer_process(runner, "i1", "d1");
    beamc_buffer_init(&bytes);
    for (int i = 0; i < 3; i++) {
        beamc_buffer_clear(&bytes);
        fn_element(&bytes, "ab", 2);
        fn_element(&bytes, "", 0);
        /* The last message of elements is the end as well. */
        fn_peer_put_bytes(runner, "i1", "in", bytes.data, bytes.size, i == 2);
        if (i < 2)
            fn_peer_put_bytes(runner, "i1", "in", NULL, 0, false);
    }
    beamc_buffer_dispose(&bytes);
    fn_peer_done(runner, "i1");
    ck_assert_str_eq(fn_peer_lines(runner, "i1", "out"), "ab\n\nab\n\nab\n\n");
    finish();
}
END_TEST

START_TEST(bundles_may_wait_for_each_other)
{
    begin();
    worker_give(runner, "d1", worker_fn_gate);
    fn_peer_process(runner, "i1", "d1");
    fn_peer_put(runner, "i1", "in", "wait");
    worker_gate_wait(1);
    ck_assert(!fn_peer_has_response(runner, "i1"));
    check_bundle("i2", "d1", "go", "go\n");
    fn_peer_done(runner, "i1");
    ck_assert_str_eq(fn_peer_lines(runner, "i1", "out"), "wait\n");
    finish();
}
END_TEST

static long held_by_worker(void)
{
    static const char what[] = "wait for their bundles: ";
    const char *at = strstr(fn_peer_status(runner), what);

    ck_assert_ptr_nonnull(at);
    return strtol(at + strlen(what), NULL, 10);
}

/* Much is sent to a bundle that is busy: a little of it is read.  But all is when a bundle starts whose
 * elements come behind. */
START_TEST(elements_of_busy_bundles_wait_outside)
{
    enum { MESSAGES = 40, SIZE = 1 << 20, ENOUGH = 2 << 20 };
    beamc_buffer bytes;

    begin();
    worker_give(runner, "d1", worker_fn_gate);
    fn_peer_process(runner, "busy", "d1");
    beamc_buffer_init(&bytes);
    fn_element(&bytes, "wait", 4);
    fn_peer_put_bytes(runner, "busy", "in", bytes.data, bytes.size, false);
    worker_gate_wait(1);

    char *text = calloc(1, SIZE);
    beamc_buffer_clear(&bytes);
    fn_element(&bytes, text, SIZE);
    for (int i = 0; i < MESSAGES; i++)
        fn_peer_put_bytes(runner, "busy", "in", bytes.data, bytes.size, i == MESSAGES - 1);
    while (held_by_worker() < SIZE)
        ; /* it comes */
    for (int i = 0; i < 100; i++)
        ck_assert_int_lt(held_by_worker(), ENOUGH);

    check_bundle("i2", "d1", "small", "small\n");
    ck_assert(!fn_peer_has_response(runner, "busy"));
    worker_gate_open();
    fn_peer_done(runner, "busy");
    ck_assert_uint_gt(fn_peer_output(runner, "busy", "out")->bytes.size, MESSAGES * bytes.size);
    beamc_buffer_dispose(&bytes);
    free(text);
    finish();
}
END_TEST

/* So much waits for a busy bundle that nothing more is read.  What it takes makes room for one that starves,
 * though it works on that for long. */
START_TEST(elements_that_are_taken_make_room)
{
    enum { MESSAGES = 32, SIZE = 8 << 20 };
    beamc_buffer bytes;

    begin();
    worker_give(runner, "d1", worker_fn_gate);
    fn_peer_process(runner, "busy", "d1");
    beamc_buffer_init(&bytes);
    fn_element(&bytes, "wait", 4);
    fn_peer_put_bytes(runner, "busy", "in", bytes.data, bytes.size, false);
    worker_gate_wait(1);
    fn_peer_process(runner, "hungry", "d1");

    char *text = calloc(1, SIZE);
    fn_element(&bytes, text, SIZE); /* behind one that waits */
    for (int i = 0; i < MESSAGES; i++)
        fn_peer_put_bytes(runner, "busy", "in", bytes.data, bytes.size, i == MESSAGES - 1);
    fn_peer_put(runner, "hungry", "in", "small");
    while (held_by_worker() < MESSAGES * SIZE)
        ; /* it comes */
    ck_assert(!fn_peer_has_response(runner, "hungry"));
    worker_gate_admit();
    fn_peer_done(runner, "hungry");
    beamc_buffer_dispose(&bytes);
    free(text);
    beamc__worker_stop(worker); /* the rest is as above */
    worker_gate_open();
    exec_ok(beamc__worker_wait(worker));
    beamc__worker_free(worker);
    fn_peer_free(runner);
}
END_TEST

/* Sends so many elements of 1 KB, and the mark of the end. */
static void put_many(const char *instruction, int count)
{
    char text[1000] = "";
    beamc_buffer bytes;

    beamc_buffer_init(&bytes);
    for (int i = 0; i < count; i++)
        fn_element(&bytes, text, sizeof(text));
    fn_peer_put_bytes(runner, instruction, "in", bytes.data, bytes.size, true);
    beamc_buffer_dispose(&bytes);
}

/* Java's runners take a hundred messages of a bundle, and then none before its response. */
START_TEST(much_output_goes_in_few_messages)
{
    begin();
    worker_give(runner, "d1", worker_fn_echo);
    fn_peer_process(runner, "i1", "d1");
    put_many("i1", 30000);
    fn_peer_done(runner, "i1");
    const fn_output *output = fn_peer_output(runner, "i1", "out");
    ck_assert_uint_gt(output->bytes.size, 30000 * 1000);
    ck_assert_int_lt(output->messages, 100);
    finish();
}
END_TEST

START_TEST(bundles_are_answered_though_nobody_takes_their_elements)
{
    begin();
    worker_give(runner, "d1", worker_fn_echo);
    check_bundle("i1", "d1", "a", "a\n");
    fn_peer_pause(runner, FN_DATA);
    fn_peer_process(runner, "i2", "d1");
    put_many("i2", 10000);
    fn_peer_done(runner, "i2");
    fn_peer_resume(runner, FN_DATA);
    ck_assert_uint_gt(fn_peer_output(runner, "i2", "out")->bytes.size, 10000 * 1000);
    finish();
}
END_TEST

START_TEST(bundles_run_64_at_a_time)
{
    char id[20];

    begin();
    worker_give(runner, "d1", worker_fn_gate);
    for (int i = 0; i < 64; i++) {
        snprintf(id, sizeof(id), "i%d", i);
        fn_peer_process(runner, id, "d1");
        fn_peer_put(runner, id, "in", "wait here");
    }
    worker_gate_wait(64);
    ck_assert_int_eq(fn_peer_asked(runner), 1);
    worker_gate_open();
    for (int i = 0; i < 64; i++) {
        snprintf(id, sizeof(id), "i%d", i);
        fn_peer_done(runner, id);
        ck_assert_str_eq(fn_peer_lines(runner, id, "out"), "wait\nhere\n");
    }
    finish();
}
END_TEST

START_TEST(small_bundles_are_many)
{
    const int count = 2000;
    char id[20], word[20], line[22];

    begin();
    worker_give(runner, "d1", worker_fn_echo);
    for (int i = 0; i < count; i++) {
        snprintf(id, sizeof(id), "i%d", i);
        snprintf(word, sizeof(word), "word%d", i);
        fn_peer_process(runner, id, "d1");
        fn_peer_put(runner, id, "in", word);
        if (i % 50 == 49)
            fn_peer_done(runner, id);
    }
    for (int i = 0; i < count; i++) {
        snprintf(id, sizeof(id), "i%d", i);
        snprintf(line, sizeof(line), "word%d\n", i);
        fn_peer_done(runner, id);
        ck_assert_str_eq(fn_peer_lines(runner, id, "out"), line);
    }
    finish();
}
END_TEST

START_TEST(elements_of_10_mb_go_through)
{
    const size_t size = (size_t)10 << 20;
    char *text = malloc(size);
    beamc_buffer bytes;

    begin();
    worker_give(runner, "d1", worker_fn_echo);
    fn_peer_process(runner, "i1", "d1");
    beamc_buffer_init(&bytes);
    for (int i = 0; i < 3; i++) {
        memset(text, 'a' + i, size);
        beamc_buffer_clear(&bytes);
        fn_element(&bytes, text, size);
        fn_peer_put_bytes(runner, "i1", "in", bytes.data, bytes.size, i == 2);
    }
    fn_peer_done(runner, "i1");
    const fn_output *output = fn_peer_output(runner, "i1", "out");
    ck_assert_uint_eq(output->bytes.size, 3 * bytes.size);
    ck_assert_int_eq(memcmp(output->bytes.data + 2 * bytes.size, bytes.data, bytes.size), 0);
    beamc_buffer_dispose(&bytes);
    free(text);
    finish();
}
END_TEST

static void process_with(const char *instruction, FN(Elements) *elements)
{
    FN(InstructionRequest) request = FNK(INSTRUCTION_REQUEST__INIT);
    FN(ProcessBundleRequest) process = FNK(PROCESS_BUNDLE_REQUEST__INIT);

    process.process_bundle_descriptor_id = "d1";
    process.elements = elements;
    request.instruction_id = (char *)instruction;
    request.request_case = FNK(INSTRUCTION_REQUEST__REQUEST_PROCESS_BUNDLE);
    request.process_bundle = &process;
    fn_peer_send(runner, FN_CONTROL, &request);
}

static void process_embedded(const char *instruction, beamc_buffer *bytes, bool is_last)
{
    FN(Elements) elements = FNK(ELEMENTS__INIT);
    FN(Elements__Data) data = FNK(ELEMENTS__DATA__INIT), end = data;
    FN(Elements__Data) *list[] = { &data, &end };

    data.instruction_id = end.instruction_id = (char *)instruction;
    data.transform_id = end.transform_id = "in";
    data.data = (ProtobufCBinaryData){ bytes->size, bytes->data };
    end.is_last = is_last;
    elements.data = list;
    elements.n_data = 2;
    process_with(instruction, &elements);
}

START_TEST(elements_may_come_with_the_request)
{
    beamc_buffer bytes;

    begin();
    worker_give(runner, "d1", worker_fn_fail);
    beamc_buffer_init(&bytes);
    fn_element(&bytes, "one", 3);
    fn_element(&bytes, "two", 3);
    process_embedded("i1", &bytes, true);
    fn_peer_done(runner, "i1");
    ck_assert_str_eq(fn_peer_lines(runner, "i1", "out"), "one\ntwo\n");
    process_embedded("i2", &bytes, false);
    fn_peer_failed(runner, "i2", "the end of port in");
    fn_element(&bytes, "bad", 3);
    fn_element(&bytes, "never seen", 10);
    process_embedded("i3", &bytes, true);
    fn_peer_failed(runner, "i3", "no good: bad");
    beamc_buffer_dispose(&bytes);
    check_bundle("i4", "d1", "x", "x\n");
    finish();
}
END_TEST

/* Where the request has a place for them and nothing is in it, nothing will come by the stream either. */
START_TEST(elements_that_come_with_the_request_are_all)
{
    FN(Elements) nothing = FNK(ELEMENTS__INIT), only_timers = nothing;
    FN(Elements__Timers) timers = FNK(ELEMENTS__TIMERS__INIT);
    FN(Elements__Timers) *list[] = { &timers };

    timers.instruction_id = "i2";
    timers.transform_id = "fn";
    timers.is_last = true;
    only_timers.timers = list;
    only_timers.n_timers = 1;
    begin();
    worker_give(runner, "d1", worker_fn_echo);
    process_with("i1", &nothing);
    fn_peer_failed(runner, "i1", "the end of port in");
    process_with("i2", &only_timers);
    fn_peer_failed(runner, "i2", "the end of port in");
    check_bundle("i3", "d1", "x", "x\n");
    finish();
}
END_TEST

/* ---- side inputs ----------------------------------------------------------------------------- */

/* All of a small bundle's elements, and its ends; or none, if some went out before. */
START_TEST(elements_may_go_with_the_answer)
{
    beamc__worker_options options = { .id = "w", .embed_output = true };
    const size_t size = (size_t)100 << 10;
    beamc_buffer bytes;

    begin_with(&options);
    worker_give(runner, "d1", worker_fn_twice);
    fn_peer_process(runner, "i1", "d1");
    fn_peer_put(runner, "i1", "in", "a b cc");
    const FN(ProcessBundleResponse) *done = fn_peer_done(runner, "i1");
    ck_assert_ptr_nonnull(done->elements);
    int lasts = 0;
    size_t elements = 0;
    for (size_t i = 0; i < done->elements->n_data; i++) {
        const FN(Elements__Data) *data = done->elements->data[i];
        ck_assert_str_eq(data->instruction_id, "i1");
        ck_assert(!data->is_last || data->data.len == 0);
        lasts += data->is_last;
        elements += data->data.len;
    }
    ck_assert_int_eq(lasts, 2);
    beamc_buffer_init(&bytes);
    fn_element(&bytes, "a", 1);
    fn_element(&bytes, "b", 1);
    fn_element(&bytes, "cc", 2);
    fn_element(&bytes, "cc", 2);
    ck_assert_uint_eq(elements, bytes.size);
    ck_assert_int_eq(fn_peer_data_count(runner), 0);

    beamc_buffer_clear(&bytes);
    char *text = calloc(1, size);
    fn_element(&bytes, text, size);
    free(text);
    fn_peer_process(runner, "i2", "d1");
    fn_peer_put_bytes(runner, "i2", "in", bytes.data, bytes.size, true);
    ck_assert_ptr_null(fn_peer_done(runner, "i2")->elements);
    ck_assert_uint_eq(fn_peer_output(runner, "i2", "out")->bytes.size, bytes.size);
    ck_assert_uint_eq(fn_peer_output(runner, "i2", "out2")->bytes.size, bytes.size);
    beamc_buffer_dispose(&bytes);
    finish();
}
END_TEST

START_TEST(what_is_emitted_goes_when_there_is_enough)
{
    static const size_t sizes[] = { 1, 40, SIZE_MAX };
    static const int messages[] = { 5, 3, 2 }; /* of four elements of 19 bytes, and the mark */
    beamc__worker_options options = { .id = "w", .flush_size = sizes[_i] };

    begin_with(&options);
    worker_give(runner, "d1", worker_fn_echo);
    check_bundle("i1", "d1", "one two six ten", "one\ntwo\nsix\nten\n");
    ck_assert_int_eq(fn_peer_output(runner, "i1", "out")->messages, messages[_i]);
    finish();
}
END_TEST

/* Into a bundle that waits for more, and into one that is at work. */
START_TEST(what_is_emitted_may_have_to_go_soon)
{
    beamc__worker_options options = { .id = "w", .flush_ms = 5 };
    beamc_buffer bytes;

    begin_with(&options);
    worker_give(runner, "d1", worker_fn_echo);
    beamc_buffer_init(&bytes);
    fn_element(&bytes, "word", 4);
    fn_peer_process(runner, "i1", "d1");
    for (int i = 0; i < 5; i++) {
        fn_peer_put_bytes(runner, "i1", "in", bytes.data, bytes.size, false);
        fn_peer_wait_data(runner, i + 1);
        ck_assert(!fn_peer_has_response(runner, "i1"));
    }
    fn_peer_put(runner, "i1", "in", "end");
    fn_peer_done(runner, "i1");
    ck_assert_str_eq(fn_peer_lines(runner, "i1", "out"), "word\nword\nword\nword\nword\nend\n");
    beamc_buffer_dispose(&bytes);
    finish();
}
END_TEST

START_TEST(side_inputs_come_page_by_page)
{
    static const size_t pages[] = { 0, 1, 3, 7, 100 };

    begin();
    worker_give(runner, "d1", worker_fn_side);
    worker_give(runner, "d2", worker_fn_look);
    fn_peer_side(runner, "side0", NULL, "one two three");
    fn_peer_side(runner, "side0", "a", "alpha amber");
    fn_peer_set_page(runner, pages[_i]);
    check_bundle("i1", "d1", "x y", "x: one two three\ny: one two three\n");
    int asked = fn_peer_state_count(runner);
    check_bundle("i2", "d2", "a b a", "a: alpha amber\nb:\na: alpha amber\n");
    if (pages[_i] == 0) {
        ck_assert_int_eq(asked, 1); /* once in a bundle */
        ck_assert_int_eq(fn_peer_state_count(runner), 3);
    }
    ck_assert_str_eq(fn_peer_worker_id(runner, FN_STATE), "worker-1");
    finish();
}
END_TEST

START_TEST(answers_about_state_that_nobody_wants_are_dropped)
{
    begin();
    worker_give(runner, "d1", worker_fn_look);
    fn_peer_side(runner, "side0", "a", "alpha");
    fn_peer_babble(runner);
    check_bundle("i1", "d1", "a b", "a: alpha\nb:\n");
    check_bundle("i2", "d1", "b a", "b:\na: alpha\n");
    finish();
}
END_TEST

START_TEST(answers_about_state_may_be_errors)
{
    begin();
    worker_give(runner, "d1", worker_fn_side);
    fn_peer_side(runner, "side0", NULL, "one");
    fn_peer_refuse_state(runner, "the side input is gone");
    fn_peer_process(runner, "i1", "d1");
    fn_peer_put(runner, "i1", "in", "x");
    fn_peer_failed(runner, "i1", "the side input is gone");
    fn_peer_refuse_state(runner, NULL);
    check_bundle("i2", "d1", "x", "x: one\n");
    finish();
}
END_TEST

/* ---- copies of DoFns ------------------------------------------------------------------------- */

static void wait_teardowns(int count)
{
    while (__atomic_load_n(&worker_teardowns, __ATOMIC_RELAXED) < count)
        sched_yield(); /* the test's time limit is the deadline */
}

/* Until the bundle of instruction @about has its copy. */
static void wait_begun(const char *about)
{
    size_t told = 0;

    for (int i = 0; told == 0; i++) {
        char id[20];
        snprintf(id, sizeof(id), "ask%d", i);
        fn_peer_ask_progress(runner, id, about);
        told = fn_peer_response(runner, id, 1)->process_bundle_progress->n_monitoring_data;
    }
}

/* Those that no bundle has used for a while; the next one has a new copy. */
START_TEST(idle_copies_of_functions_are_torn_down)
{
    beamc__worker_options options = { .id = "w", .idle_ms = 1 };
    beamc_buffer bytes;

    begin_with(&options);
    worker_give(runner, "d1", worker_fn_fail);
    beamc_buffer_init(&bytes);
    fn_element(&bytes, "a", 1);
    fn_peer_process(runner, "busy", "d1");
    fn_peer_put_bytes(runner, "busy", "in", bytes.data, bytes.size, false);
    wait_begun("busy"); /* or it might take that of the first of these */
    for (int i = 0; i < 3; i++) {
        char id[20];
        snprintf(id, sizeof(id), "i%d", i);
        check_bundle(id, "d1", "b", "b\n");
        wait_teardowns(i + 1);
    }
    /* The copy at work is no idle one. */
    fn_peer_put(runner, "busy", "in", "c");
    fn_peer_done(runner, "busy");
    ck_assert_str_eq(fn_peer_lines(runner, "busy", "out"), "a\nc\n");
    wait_teardowns(4);
    beamc_buffer_dispose(&bytes);
    finish();
    ck_assert_int_eq(__atomic_load_n(&worker_teardowns, __ATOMIC_RELAXED), 4);
}
END_TEST

/* ---- metrics --------------------------------------------------------------------------------- */

static const PB(MonitoringInfo) *ask_info(const char *instruction, const char *id)
{
    FN(InstructionRequest) request = FNK(INSTRUCTION_REQUEST__INIT);
    FN(MonitoringInfosMetadataRequest) asked = FNK(MONITORING_INFOS_METADATA_REQUEST__INIT);
    char *ids[] = { (char *)id, "no such id" };

    request.instruction_id = (char *)instruction;
    request.request_case = FNK(INSTRUCTION_REQUEST__REQUEST_MONITORING_INFOS);
    request.monitoring_infos = &asked;
    asked.monitoring_info_id = ids;
    asked.n_monitoring_info_id = 2;
    fn_peer_send(runner, FN_CONTROL, &request);
    const FN(InstructionResponse) *response = fn_peer_response(runner, instruction, 1);
    ck_assert_str_eq(response->error, "");
    ck_assert_uint_eq(response->monitoring_infos->n_monitoring_info, 1);
    ck_assert_str_eq(response->monitoring_infos->monitoring_info[0]->key, id);
    ck_assert_uint_eq(response->monitoring_infos->monitoring_info[0]->value->payload.len, 0);
    return response->monitoring_infos->monitoring_info[0]->value;
}

/* The payload of counter "seen": a varint. */
static int seen_by_ids(const FN(ProcessBundleResponse) *response)
{
    int found = -1;
    char instruction[20];
    static int asked;

    for (size_t i = 0; i < response->n_monitoring_data; i++) {
        snprintf(instruction, sizeof(instruction), "ask%d", asked++);
        const PB(MonitoringInfo) *info = ask_info(instruction, response->monitoring_data[i]->key);
        if (strcmp(info->urn, "beam:metric:user:sum_int64:v1") == 0)
            found = response->monitoring_data[i]->value.data[0];
    }
    return found;
}

START_TEST(metrics_are_told_by_short_ids_or_in_full)
{
    beamc__worker_options options = { .id = "w", .short_ids = _i == 1 };
    int found = -1;

    begin_with(&options);
    worker_give(runner, "d1", worker_fn_count);
    check_bundle("i1", "d1", "a b c d", "a\nb\nc\nd\n");
    const FN(ProcessBundleResponse) *response = fn_peer_done(runner, "i1");
    ck_assert_int_eq(seen_by_ids(response), 4);
    ck_assert((response->n_monitoring_infos == 0) == options.short_ids);
    for (size_t i = 0; i < response->n_monitoring_infos; i++) {
        if (strcmp(response->monitoring_infos[i]->urn, "beam:metric:user:sum_int64:v1") == 0)
            found = response->monitoring_infos[i]->payload.data[0];
    }
    ck_assert_int_eq(found, options.short_ids ? -1 : 4);
    /* Ids are the same in each bundle, its values are its own. */
    check_bundle("i2", "d1", "a", "a\n");
    const FN(ProcessBundleResponse) *second = fn_peer_done(runner, "i2");
    ck_assert_int_eq(seen_by_ids(second), 1);
    ck_assert_uint_eq(second->n_monitoring_data, response->n_monitoring_data);
    ck_assert_str_eq(second->monitoring_data[0]->key, response->monitoring_data[0]->key);
    finish();
}
END_TEST

/* ---- logs, status ---------------------------------------------------------------------------- */

START_TEST(single_transforms_have_log_levels)
{
    static const beamc_log_override override = { "fn", BEAMC_LOG_WARN };
    static const beamc_log_overrides overrides = { &override, 1 };
    beamc__worker_options options = { .id = "w",
                                      .log_level = BEAMC_LOG_ERROR,
                                      .log_overrides = &overrides };

    begin_with(&options);
    worker_give(runner, "d1", worker_fn_log);
    check_bundle("i1", "d1", "hello", "hello\n");
    ck_assert_int_eq(fn_peer_log(runner, "got hello")->severity,
                     FNK(LOG_ENTRY__SEVERITY__ENUM__WARN));
    finish();
}
END_TEST

START_TEST(logs_name_instruction_and_transform)
{
    begin();
    worker_give(runner, "d1", worker_fn_log);
    check_bundle("i1", "d1", "hello", "hello\n");
    const FN(LogEntry) *entry = fn_peer_log(runner, "got hello");
    ck_assert_str_eq(entry->instruction_id, "i1");
    ck_assert_str_eq(entry->transform_id, "fn");
    ck_assert_int_eq(entry->severity, FNK(LOG_ENTRY__SEVERITY__ENUM__WARN));
    ck_assert_ptr_nonnull(strstr(entry->log_location, "fns.c:"));
    ck_assert_int_gt(entry->timestamp->seconds, 1600000000);
    ck_assert_ptr_eq(entry, fn_peer_log(runner, "got"));
    fn_peer_log(runner, "set up");
    /* The last words of DoFns are sent, too. */
    fn_peer_end(runner, FN_CONTROL, BEAMC__RPC_OK, NULL);
    exec_ok(beamc__worker_wait(worker));
    beamc__worker_free(worker);
    fn_peer_log(runner, "torn down");
    fn_peer_free(runner);
}
END_TEST

START_TEST(status_tells_what_runs)
{
    begin();
    worker_give(runner, "d1", worker_fn_gate);
    ck_assert_ptr_nonnull(strstr(fn_peer_status(runner), "worker worker-1"));
    fn_peer_process(runner, "busy", "d1");
    fn_peer_put(runner, "busy", "in", "wait");
    worker_gate_wait(1);
    ck_assert_ptr_nonnull(strstr(fn_peer_status(runner), "busy: descriptor d1"));
    worker_gate_open();
    fn_peer_done(runner, "busy");
    ck_assert_ptr_null(strstr(fn_peer_status(runner), "busy"));
    finish();
}
END_TEST

/* ---- its end --------------------------------------------------------------------------------- */

START_TEST(workers_end_when_the_runner_has_had_enough)
{
    static const beamc__rpc_code codes[] = { BEAMC__RPC_OK, BEAMC__RPC_CANCELLED,
                                             BEAMC__RPC_UNAVAILABLE };

    begin();
    worker_give(runner, "d1", worker_fn_echo);
    check_bundle("i1", "d1", "a", "a\n");
    fn_peer_end(runner, FN_CONTROL, codes[_i], "done");
    exec_ok(beamc__worker_wait(worker));
    beamc__worker_free(worker);
    fn_peer_free(runner);
}
END_TEST

START_TEST(workers_stop_when_told_to)
{
    begin();
    worker_give(runner, "d1", worker_fn_echo);
    fn_peer_process(runner, "i1", "d1"); /* nothing comes for it */
    fn_peer_wait_open(runner, FN_DATA, 1);
    beamc__worker_stop(worker);
    exec_ok(beamc__worker_wait(worker));
    beamc__worker_free(worker);
    fn_peer_wait_closed(runner, FN_CONTROL, 1);
    fn_peer_wait_closed(runner, FN_DATA, 1);
    fn_peer_wait_closed(runner, FN_LOGGING, 1);
    fn_peer_wait_closed(runner, FN_STATUS, 1);
    fn_peer_free(runner);
}
END_TEST

START_TEST(workers_leave_nothing_behind)
{
    int threads = 0, descriptors = 0;

    for (int i = 0; i < 200; i++) {
        begin();
        worker_give(runner, "d1", worker_fn_side);
        fn_peer_side(runner, "side0", NULL, "one");
        check_bundle("i1", "d1", "x y", "x: one\ny: one\n");
        finish();
        if (i == 5) {
            threads = count_threads();
            descriptors = count_descriptors();
        }
    }
    /* One left by each worker would be 194 more; those of the transport come and go. */
    wait_for_few(threads + 21, descriptors + 21);
}
END_TEST

Suite *suite_worker(void)
{
    Suite *suite = suite_create("worker");
    TCase *tc = tcase_create("bundles");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_bundle_goes_from_source_to_sink);
    tcase_add_loop_test(tc, each_sink_ends_once_by_a_message_of_its_own, 0, 4);
    tcase_add_test(tc, elements_may_come_before_the_bundle);
    tcase_add_test(tc, elements_come_in_any_number_of_messages);
    tcase_add_test(tc, elements_may_come_with_the_request);
    tcase_add_test(tc, elements_that_come_with_the_request_are_all);
    tcase_add_test(tc, elements_may_go_with_the_answer);
    tcase_add_loop_test(tc, what_is_emitted_goes_when_there_is_enough, 0, 3);
    tcase_add_test(tc, what_is_emitted_may_have_to_go_soon);
    tcase_add_test(tc, bundles_may_wait_for_each_other);
    tcase_add_test(tc, elements_of_busy_bundles_wait_outside);
    tcase_add_test(tc, elements_that_are_taken_make_room);
    tcase_add_test(tc, much_output_goes_in_few_messages);
    tcase_add_test(tc, bundles_are_answered_though_nobody_takes_their_elements);
    tcase_add_test(tc, bundles_run_64_at_a_time);
    tcase_add_test(tc, small_bundles_are_many);
    tcase_add_test(tc, elements_of_10_mb_go_through);
    suite_add_tcase(suite, tc);

    tc = tcase_create("around");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, side_inputs_come_page_by_page, 0, 5);
    tcase_add_test(tc, answers_about_state_that_nobody_wants_are_dropped);
    tcase_add_test(tc, answers_about_state_may_be_errors);
    tcase_add_test(tc, idle_copies_of_functions_are_torn_down);
    tcase_add_loop_test(tc, metrics_are_told_by_short_ids_or_in_full, 0, 2);
    tcase_add_test(tc, logs_name_instruction_and_transform);
    tcase_add_test(tc, single_transforms_have_log_levels);
    tcase_add_test(tc, status_tells_what_runs);
    suite_add_tcase(suite, tc);

    tc = tcase_create("end");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, workers_end_when_the_runner_has_had_enough, 0, 3);
    tcase_add_test(tc, workers_stop_when_told_to);
    tcase_add_test(tc, workers_leave_nothing_behind);
    suite_add_tcase(suite, tc);
    return suite;
}
