/* SPDX-License-Identifier: Apache-2.0 */
/* A worker whose runner, network or DoFns misbehave. */
#include "test/harness/worker/fns.h"

#include "sdk/base/utf8.h"
#include <check.h>
#include <stdio.h>

static fn_peer *runner;
static beamc__worker *worker;

static void begin(void)
{
    runner = fn_peer_new();
    worker = fn_peer_worker(runner, NULL);
    worker_give(runner, "echo", worker_fn_echo);
    worker_give(runner, "fail", worker_fn_fail);
    worker_give(runner, "gate", worker_fn_gate);
    worker_give(runner, "side", worker_fn_side);
    fn_peer_side(runner, "side0", NULL, "one");
}

/* Whether the worker is as good as new, by a bundle of @instruction. */
static void check_serves(const char *instruction)
{
    fn_peer_process(runner, instruction, "side");
    fn_peer_put(runner, instruction, "in", "x y");
    fn_peer_done(runner, instruction);
    ck_assert_str_eq(fn_peer_lines(runner, instruction, "out"), "x: one\ny: one\n");
}

/* A bundle that has begun, the @count'th of the test, and is not at its end. */
static void begin_bundle(const char *instruction, int count)
{
    beamc_buffer bytes;

    fn_peer_process(runner, instruction, "gate");
    fn_peer_wait_open(runner, FN_DATA, count); /* again, if it broke */
    beamc_buffer_init(&bytes);
    fn_element(&bytes, "wait", 4);
    fn_peer_put_bytes(runner, instruction, "in", bytes.data, bytes.size, false);
    beamc_buffer_dispose(&bytes);
    worker_gate_wait(count);
}

static void finish(void)
{
    fn_peer_finish(runner, worker);
}

/* ---- failing bundles ------------------------------------------------------------------------- */

START_TEST(failing_dofns_fail_their_bundle_only)
{
    begin();
    for (int i = 0; i < 3; i++) {
        char id[20];
        snprintf(id, sizeof(id), "i%d", i);
        fn_peer_process(runner, id, "fail");
        fn_peer_put(runner, id, "in", "good bad ugly");
        const char *error = fn_peer_failed(runner, id, "no good: bad");
        ck_assert_ptr_nonnull(strstr(error, "fn"));
        /* The copy of the DoFn is torn down at once. */
        ck_assert_int_eq(__atomic_load_n(&worker_teardowns, __ATOMIC_RELAXED), i + 1);
        fn_peer_put(runner, id, "in", "too late");
    }
    check_serves("next");
    finish();
}
END_TEST

/* Receivers refuse messages with such texts.  Long ones are cut, in the middle of a character. */
START_TEST(texts_that_are_no_utf8_are_told)
{
    static const char *const begins[] = { "bad\xff\xc3x", "bad\xff\xc3xy" };
    char word[6000];
    beamc_buffer bytes;

    begin();
    size_t size = (size_t)snprintf(word, sizeof(word), "%s", begins[_i]);
    for (; size + 2 < sizeof(word); size += 2)
        memcpy(word + size, "\xc3\xa9", 2);
    beamc_buffer_init(&bytes);
    fn_element(&bytes, word, size);
    fn_peer_process(runner, "i1", "fail");
    fn_peer_put_bytes(runner, "i1", "in", bytes.data, bytes.size, true);
    beamc_buffer_dispose(&bytes);
    const char *error = fn_peer_failed(runner, "i1", "bad??x");
    size = strlen(error);
    ck_assert_uint_ge(size, 4000);
    for (size_t step, at = 0; at < size; at += step) {
        step = beamc__utf8_char(error + at, size - at);
        ck_assert_uint_gt(step, 0);
    }
    check_serves("next");
    finish();
}
END_TEST

START_TEST(setups_that_fail_are_tried_again)
{
    begin();
    worker_give(runner, "setup", worker_fn_setup);
    __atomic_store_n(&worker_setup_fails, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++) {
        const char *id = i == 0 ? "i0" : "i1";
        fn_peer_process(runner, id, "setup");
        fn_peer_failed(runner, id, "no database today");
        /* What was on its way for it does no harm. */
        fn_peer_wait_open(runner, FN_DATA, 1);
        fn_peer_put(runner, id, "in", "a b c");
    }
    __atomic_store_n(&worker_setup_fails, 0, __ATOMIC_RELAXED);
    fn_peer_process(runner, "i2", "setup");
    fn_peer_put(runner, "i2", "in", "a b c");
    fn_peer_done(runner, "i2");
    ck_assert_str_eq(fn_peer_lines(runner, "i2", "out"), "a\nb\nc\n");
    finish();
}
END_TEST

START_TEST(descriptors_that_nobody_knows_fail_the_bundle)
{
    begin();
    fn_peer_process(runner, "i1", "no such descriptor");
    fn_peer_failed(runner, "i1", "descriptor no such descriptor");
    check_serves("next");
    /* It may be there the next time. */
    worker_give(runner, "no such descriptor", worker_fn_echo);
    fn_peer_process(runner, "i2", "no such descriptor");
    fn_peer_put(runner, "i2", "in", "a");
    fn_peer_done(runner, "i2");
    finish();
}
END_TEST

/* That there is none is told to all who wait, too; one after the other would have to wait for their turn. */
START_TEST(descriptors_that_nobody_knows_are_asked_for_once)
{
    enum { BUNDLES = 8 };
    char id[20], active[60];

    begin();
    fn_peer_hold_descriptors(runner);
    for (int i = 0; i < BUNDLES; i++) {
        snprintf(id, sizeof(id), "i%d", i);
        snprintf(active, sizeof(active), "%s: descriptor unheard of", id);
        fn_peer_process(runner, id, "unheard of");
        while (strstr(fn_peer_status(runner), active) == NULL)
            ; /* it begins */
    }
    fn_peer_release_descriptors(runner);
    for (int i = 0; i < BUNDLES; i++) {
        snprintf(id, sizeof(id), "i%d", i);
        fn_peer_failed(runner, id, "descriptor unheard of");
    }
    ck_assert_int_lt(fn_peer_asked(runner), BUNDLES / 2); /* the last may have come too late */
    check_serves("next");
    finish();
}
END_TEST

static void send_register(const char *instruction, const char *id)
{
    FN(InstructionRequest) request = FNK(INSTRUCTION_REQUEST__INIT);
    FN(RegisterRequest) asked = FNK(REGISTER_REQUEST__INIT);
    beamc_bytes packed = fn_peer_descriptor(runner, id);
    FN(ProcessBundleDescriptor) *descriptor =
        fn(process_bundle_descriptor__unpack)(NULL, packed.size, packed.data);
    FN(ProcessBundleDescriptor) *list[] = { descriptor };

    ck_assert_ptr_nonnull(descriptor);
    asked.process_bundle_descriptor = list;
    asked.n_process_bundle_descriptor = 1;
    request.instruction_id = (char *)instruction;
    request.request_case = FNK(INSTRUCTION_REQUEST__REQUEST_REGISTER);
    request.register_ = &asked;
    fn_peer_send(runner, FN_CONTROL, &request);
    fn(process_bundle_descriptor__free_unpacked)(descriptor, NULL);
}

/* Control goes on while a descriptor is waited for, and so do bundles of others. */
START_TEST(descriptors_that_come_late_hold_up_nobody_else)
{
    begin();
    check_serves("first");
    fn_peer_hold_descriptors(runner);
    fn_peer_process(runner, "i1", "echo");
    fn_peer_process(runner, "i2", "echo");
    fn_peer_put(runner, "i1", "in", "a");
    fn_peer_put(runner, "i2", "in", "b");
    check_serves("second");
    send_register("r1", "gate");
    ck_assert_int_eq(fn_peer_response(runner, "r1", 1)->response_case,
                     FNK(INSTRUCTION_RESPONSE__RESPONSE_REGISTER));
    fn_peer_process(runner, "i3", "gate");
    fn_peer_put(runner, "i3", "in", "c");
    fn_peer_done(runner, "i3");
    ck_assert(!fn_peer_has_response(runner, "i1"));
    fn_peer_release_descriptors(runner);
    fn_peer_done(runner, "i1");
    fn_peer_done(runner, "i2");
    ck_assert_int_eq(fn_peer_asked(runner), 2); /* "side" and "echo": nobody asked twice */
    finish();
}
END_TEST

START_TEST(elements_that_are_cut_fail_the_bundle)
{
    beamc_buffer bytes;

    begin();
    beamc_buffer_init(&bytes);
    fn_element(&bytes, "whole", 5);
    fn_element(&bytes, "half", 4);
    for (size_t cut = 1; cut < 17; cut++) {
        char id[20];
        snprintf(id, sizeof(id), "i%zu", cut);
        fn_peer_process(runner, id, "echo");
        fn_peer_put_bytes(runner, id, "in", bytes.data, bytes.size - cut, false);
        fn_peer_failed(runner, id, "in");
    }
    beamc_buffer_dispose(&bytes);
    check_serves("next");
    finish();
}
END_TEST

/* ---- odd instructions ------------------------------------------------------------------------ */

START_TEST(ids_may_not_be_used_twice)
{
    begin();
    fn_peer_process(runner, "i1", "gate");
    fn_peer_put(runner, "i1", "in", "wait");
    worker_gate_wait(1);
    fn_peer_process(runner, "i1", "gate");
    fn_peer_failed(runner, "i1", "i1");
    worker_gate_open();
    ck_assert_str_eq(fn_peer_response(runner, "i1", 2)->error, "");
    fn_peer_process(runner, "i1", "gate"); /* it ended, and is still remembered */
    ck_assert_str_ne(fn_peer_response(runner, "i1", 3)->error, "");
    check_serves("next");
    finish();
}
END_TEST

static void send_request(int kind, const char *instruction, const char *about)
{
    FN(InstructionRequest) request = FNK(INSTRUCTION_REQUEST__INIT);
    FN(ProcessBundleProgressRequest) progress = FNK(PROCESS_BUNDLE_PROGRESS_REQUEST__INIT);
    FN(ProcessBundleSplitRequest) split = FNK(PROCESS_BUNDLE_SPLIT_REQUEST__INIT);
    FN(FinalizeBundleRequest) finalize = FNK(FINALIZE_BUNDLE_REQUEST__INIT);
    FN(MonitoringInfosMetadataRequest) infos = FNK(MONITORING_INFOS_METADATA_REQUEST__INIT);
    FN(HarnessMonitoringInfosRequest) harness = FNK(HARNESS_MONITORING_INFOS_REQUEST__INIT);

    request.instruction_id = (char *)instruction;
    request.request_case = (FN(InstructionRequest__RequestCase))kind;
    progress.instruction_id = split.instruction_id = finalize.instruction_id = (char *)about;
    switch (kind) {
    case FNK(INSTRUCTION_REQUEST__REQUEST_PROCESS_BUNDLE_PROGRESS):
        request.process_bundle_progress = &progress;
        break;
    case FNK(INSTRUCTION_REQUEST__REQUEST_PROCESS_BUNDLE_SPLIT):
        request.process_bundle_split = &split;
        break;
    case FNK(INSTRUCTION_REQUEST__REQUEST_FINALIZE_BUNDLE):
        request.finalize_bundle = &finalize;
        break;
    case FNK(INSTRUCTION_REQUEST__REQUEST_MONITORING_INFOS):
        request.monitoring_infos = &infos;
        break;
    default:
        request.harness_monitoring_infos = &harness;
        break;
    }
    fn_peer_send(runner, FN_CONTROL, &request);
}

/* Each kind is answered by its own, whether the bundle runs, has ended, or was never there. */
START_TEST(other_instructions_are_answered_meanwhile)
{
    static const int kinds[] = {
        FNK(INSTRUCTION_REQUEST__REQUEST_PROCESS_BUNDLE_PROGRESS),
        FNK(INSTRUCTION_REQUEST__REQUEST_PROCESS_BUNDLE_SPLIT),
        FNK(INSTRUCTION_REQUEST__REQUEST_FINALIZE_BUNDLE),
        FNK(INSTRUCTION_REQUEST__REQUEST_MONITORING_INFOS),
        FNK(INSTRUCTION_REQUEST__REQUEST_HARNESS_MONITORING_INFOS),
    };
    static const char *const about[] = { "running", "ended", "unheard of", "" };

    begin();
    check_serves("ended");
    fn_peer_process(runner, "running", "gate");
    fn_peer_put(runner, "running", "in", "wait");
    worker_gate_wait(1);
    for (size_t i = 0; i < 5; i++) {
        for (size_t j = 0; j < 4; j++) {
            char id[20];
            snprintf(id, sizeof(id), "ask%zu-%zu", i, j);
            send_request(kinds[i], id, about[j]);
            const FN(InstructionResponse) *response = fn_peer_response(runner, id, 1);
            ck_assert_str_eq(response->error, "");
            ck_assert_int_eq(response->response_case, kinds[i]);
        }
    }
    ck_assert(!fn_peer_has_response(runner, "running"));
    worker_gate_open();
    fn_peer_done(runner, "running");
    finish();
}
END_TEST

START_TEST(unknown_instructions_are_answered_by_an_error)
{
    /* instruction_id "odd", and a message of field 2000 */
    static const uint8_t odd[] = { 0x0a, 3, 'o', 'd', 'd', 0x82, 0x7d, 0 };

    begin();
    fn_peer_send_raw(runner, FN_CONTROL, odd, sizeof(odd));
    ck_assert_str_ne(fn_peer_response(runner, "odd", 1)->error, "");
    fn_peer_send_raw(runner, FN_CONTROL, NULL, 0); /* nothing is said, not even an id */
    ck_assert_str_ne(fn_peer_response(runner, "", 1)->error, "");
    check_serves("next");
    finish();
}
END_TEST

START_TEST(malformed_instructions_end_the_worker)
{
    static const uint8_t odd[] = { 0x0a, 200, 'x' };
    char text[1000];

    begin();
    check_serves("first");
    fn_peer_send_raw(runner, FN_CONTROL, odd, sizeof(odd));
    beamc_error *error = beamc__worker_wait(worker);
    beamc_error_print(error, text, sizeof(text));
    ck_assert_int_eq(beamc_error_code(error), BEAMC_ECORRUPT);
    ck_assert_ptr_nonnull(strstr(text, "worker worker-1"));
    beamc_error_free(error);
    beamc__worker_free(worker);
    fn_peer_free(runner);
}
END_TEST

/* ---- odd data -------------------------------------------------------------------------------- */

START_TEST(elements_for_nobody_are_dropped)
{
    begin();
    check_serves("first");
    fn_peer_put(runner, "first", "in", "after the end");
    fn_peer_put(runner, "never begins", "in", "a b c");
    fn_peer_put(runner, "", "", "");
    fn_peer_process(runner, "i1", "echo");
    fn_peer_put(runner, "i1", "no such port", "");
    fn_peer_put(runner, "i1", "in", "c");
    fn_peer_put(runner, "i1", "in", ""); /* another mark of the end */
    fn_peer_done(runner, "i1");
    ck_assert_str_eq(fn_peer_lines(runner, "i1", "out"), "c\n");
    check_serves("next");
    finish();
}
END_TEST

/* They are lost, so the bundle is, too. */
START_TEST(elements_for_ports_that_are_not_there_fail_the_bundle)
{
    begin();
    check_serves("first");
    fn_peer_process(runner, "i1", "echo");
    fn_peer_put(runner, "i1", "no such port", "a b");
    fn_peer_put(runner, "i1", "in", "c");
    fn_peer_failed(runner, "i1", "no such port");
    check_serves("next");
    finish();
}
END_TEST

START_TEST(elements_behind_the_end_fail_the_bundle)
{
    begin();
    check_serves("first");
    fn_peer_process(runner, "i1", "gate");
    fn_peer_put(runner, "i1", "in", "a wait");
    fn_peer_put(runner, "i1", "in", "b");
    worker_gate_wait(1);
    check_serves("second"); /* its elements came behind those */
    worker_gate_open();
    fn_peer_failed(runner, "i1", "behind its end");
    check_serves("next");
    finish();
}
END_TEST

/* Nobody waits there for elements. */
START_TEST(data_streams_with_names_are_refused)
{
    FN(InstructionRequest) request = FNK(INSTRUCTION_REQUEST__INIT);
    FN(ProcessBundleRequest) process = FNK(PROCESS_BUNDLE_REQUEST__INIT);

    begin();
    request.instruction_id = "i1";
    request.request_case = FNK(INSTRUCTION_REQUEST__REQUEST_PROCESS_BUNDLE);
    request.process_bundle = &process;
    process.process_bundle_descriptor_id = "echo";
    process.data_stream_id = "stream-7";
    fn_peer_send(runner, FN_CONTROL, &request);
    fn_peer_failed(runner, "i1", "data stream stream-7");
    check_serves("next");
    finish();
}
END_TEST

START_TEST(malformed_elements_break_the_stream_which_is_opened_again)
{
    static const uint8_t odd[][6] = {
        { 0x0a, 200, 'x' },              /* ends too early */
        { 0x0a, 3, 0x0a, 100, 'x' },     /* the same one level below */
        { 0x0f, 0xff, 0xff, 0xff, 0xff }, /* no such type */
    };

    begin();
    check_serves("first");
    begin_bundle("i1", 1);
    fn_peer_send_raw(runner, FN_DATA, odd[_i], 5);
    worker_gate_open();
    fn_peer_failed(runner, "i1", "");
    ck_assert_str_ne(fn_peer_response(runner, "i1", 1)->error, "");
    fn_peer_process(runner, "next", "side");
    fn_peer_wait_open(runner, FN_DATA, 2);
    fn_peer_put(runner, "next", "in", "x");
    fn_peer_done(runner, "next");
    finish();
}
END_TEST

/* Fields of other kinds are passed over, and a message may be of nothing. */
START_TEST(unknown_fields_of_elements_are_passed_over)
{
    static const uint8_t odd[] = { 0x12, 2, 0x0a, 0,                  /* timers */
                                   0x18, 5,                          /* a number */
                                   0x21, 1, 2, 3, 4, 5, 6, 7, 8,      /* 8 bytes */
                                   0x2d, 1, 2, 3, 4 };               /* 4 bytes */

    begin();
    check_serves("first");
    fn_peer_send_raw(runner, FN_DATA, odd, sizeof(odd));
    fn_peer_send_raw(runner, FN_DATA, odd, 0);
    check_serves("next");
    finish();
}
END_TEST

/* ---- broken streams -------------------------------------------------------------------------- */

START_TEST(data_streams_that_break_fail_their_bundles_only)
{
    static const char *const told[] = { "CANCELLED", "ended the data stream", "gone" };

    begin();
    for (int i = 1; i <= 3; i++) {
        char id[20];
        snprintf(id, sizeof(id), "i%d", i);
        begin_bundle(id, i);
        if (_i == 0)
            fn_peer_cut(runner, FN_DATA);
        else
            fn_peer_end(runner, FN_DATA, _i == 1 ? BEAMC__RPC_OK : BEAMC__RPC_INTERNAL, "gone");
        worker_gate_open();
        fn_peer_failed(runner, id, told[_i]);
    }
    fn_peer_process(runner, "next", "side");
    fn_peer_wait_open(runner, FN_DATA, 4);
    fn_peer_put(runner, "next", "in", "x");
    fn_peer_done(runner, "next");
    ck_assert_str_eq(fn_peer_lines(runner, "next", "out"), "x: one\n");
    finish();
}
END_TEST

START_TEST(state_streams_that_break_fail_their_bundles_only)
{
    begin();
    check_serves("first");
    fn_peer_ignore_state(runner);
    fn_peer_process(runner, "i1", "side");
    fn_peer_put(runner, "i1", "in", "x");
    fn_peer_wait_state(runner, 2);
    fn_peer_cut(runner, FN_STATE);
    fn_peer_failed(runner, "i1", "state stream");
    fn_peer_process(runner, "i2", "side");
    fn_peer_put(runner, "i2", "in", "x");
    fn_peer_wait_open(runner, FN_STATE, 2);
    fn_peer_wait_state(runner, 3);
    fn_peer_end(runner, FN_STATE, BEAMC__RPC_OK, NULL);
    fn_peer_failed(runner, "i2", "state stream");
    fn_peer_process(runner, "i3", "echo");
    fn_peer_put(runner, "i3", "in", "x");
    fn_peer_done(runner, "i3");
    finish();
}
END_TEST

START_TEST(control_that_breaks_while_a_bundle_runs_is_an_error)
{
    char text[1000];

    begin();
    begin_bundle("i1", 1);
    if (_i == 0)
        fn_peer_cut(runner, FN_CONTROL);
    else
        fn_peer_end(runner, FN_CONTROL, BEAMC__RPC_INTERNAL, "it hurts");
    beamc_error *error = beamc__worker_wait(worker);
    worker_gate_open();
    beamc_error_print(error, text, sizeof(text));
    ck_assert_ptr_nonnull(error);
    ck_assert_msg(strstr(text, "control stream") != NULL, "%s", text);
    beamc_error_free(error);
    beamc__worker_free(worker);
    fn_peer_free(runner);
}
END_TEST

START_TEST(runners_that_are_not_there_are_an_error)
{
    beamc__worker_options options = { .id = "w", .control_url = "127.0.0.1:1", .ready_ms = 100 };
    char text[1000];

    runner = fn_peer_new(); /* starts gRPC */
    exec_ok(beamc__worker_start(&worker, &options));
    beamc_error *error = beamc__worker_wait(worker);
    beamc_error_print(error, text, sizeof(text));
    ck_assert_msg(strstr(text, "127.0.0.1:1") != NULL, "%s", text);
    beamc_error_free(error);
    beamc__worker_free(worker);
    fn_peer_free(runner);
}
END_TEST

/* The log and the status are not worth a bundle. */
START_TEST(workers_go_on_without_log_and_status)
{
    begin();
    check_serves("first");
    fn_peer_cut(runner, FN_LOGGING);
    fn_peer_cut(runner, FN_STATUS);
    fn_peer_wait_closed(runner, FN_LOGGING, 1);
    fn_peer_wait_closed(runner, FN_STATUS, 1);
    worker_give(runner, "log", worker_fn_log);
    fn_peer_process(runner, "i1", "log");
    fn_peer_put(runner, "i1", "in", "to_standard_error");
    fn_peer_done(runner, "i1");
    finish();
}
END_TEST

START_TEST(malformed_questions_for_the_status_end_that_stream_only)
{
    static const uint8_t odd[] = { 0x0a, 200, 'x' };

    begin();
    fn_peer_send_raw(runner, FN_STATUS, odd, sizeof(odd));
    fn_peer_wait_closed(runner, FN_STATUS, 1);
    check_serves("next");
    finish();
}
END_TEST

/* ---- stopping -------------------------------------------------------------------------------- */

/* Bundles come while the worker is freed: none of them is waited for longer than it runs. */
START_TEST(workers_stop_in_the_middle_of_everything)
{
    for (int round = 0; round < 20; round++) {
        begin();
        fn_peer_ignore_state(runner);
        for (int i = 0; i < 20; i++) {
            char id[20];
            snprintf(id, sizeof(id), "i%d", i);
            fn_peer_process(runner, id, i % 2 == 0 ? "echo" : "side");
            if (i == round)
                fn_peer_wait_open(runner, FN_DATA, 1);
            if (i > round)
                fn_peer_put(runner, id, "in", "a b c");
        }
        beamc__worker_stop(worker);
        beamc_error_free(beamc__worker_wait(worker)); /* it may have ended with bundles under way */
        beamc__worker_free(worker);
        fn_peer_free(runner);
    }
}
END_TEST

/* The peer is gone, connections and all. */
START_TEST(servers_that_vanish_end_the_worker)
{
    char text[1000];

    begin();
    begin_bundle("i1", 1);
    fn_peer_vanish(runner);
    beamc_error *error = beamc__worker_wait(worker);
    worker_gate_open();
    beamc_error_print(error, text, sizeof(text));
    ck_assert_msg(strstr(text, "control stream") != NULL, "%s", text);
    beamc_error_free(error);
    beamc__worker_free(worker);
    fn_peer_free(runner);
}
END_TEST

Suite *suite_worker_faults(void)
{
    Suite *suite = suite_create("worker_faults");
    TCase *tc = tcase_create("bundles");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, failing_dofns_fail_their_bundle_only);
    tcase_add_loop_test(tc, texts_that_are_no_utf8_are_told, 0, 2);
    tcase_add_test(tc, setups_that_fail_are_tried_again);
    tcase_add_test(tc, descriptors_that_nobody_knows_fail_the_bundle);
    tcase_add_test(tc, descriptors_that_nobody_knows_are_asked_for_once);
    tcase_add_test(tc, descriptors_that_come_late_hold_up_nobody_else);
    tcase_add_test(tc, elements_that_are_cut_fail_the_bundle);
    suite_add_tcase(suite, tc);

    tc = tcase_create("messages");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, ids_may_not_be_used_twice);
    tcase_add_test(tc, other_instructions_are_answered_meanwhile);
    tcase_add_test(tc, unknown_instructions_are_answered_by_an_error);
    tcase_add_test(tc, malformed_instructions_end_the_worker);
    tcase_add_test(tc, elements_for_nobody_are_dropped);
    tcase_add_test(tc, elements_for_ports_that_are_not_there_fail_the_bundle);
    tcase_add_test(tc, elements_behind_the_end_fail_the_bundle);
    tcase_add_test(tc, data_streams_with_names_are_refused);
    tcase_add_loop_test(tc, malformed_elements_break_the_stream_which_is_opened_again, 0, 3);
    tcase_add_test(tc, unknown_fields_of_elements_are_passed_over);
    suite_add_tcase(suite, tc);

    tc = tcase_create("streams");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, data_streams_that_break_fail_their_bundles_only, 0, 3);
    tcase_add_test(tc, state_streams_that_break_fail_their_bundles_only);
    tcase_add_loop_test(tc, control_that_breaks_while_a_bundle_runs_is_an_error, 0, 2);
    tcase_add_test(tc, runners_that_are_not_there_are_an_error);
    tcase_add_test(tc, workers_go_on_without_log_and_status);
    tcase_add_test(tc, malformed_questions_for_the_status_end_that_stream_only);
    tcase_add_test(tc, workers_stop_in_the_middle_of_everything);
    tcase_add_test(tc, servers_that_vanish_end_the_worker);
    suite_add_tcase(suite, tc);
    return suite;
}
