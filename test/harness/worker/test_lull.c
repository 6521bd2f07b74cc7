/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles that do not get on: what the log and the status say of them, and when they are given up. */
#include "harness/worker/lull.h"

#include "harness/worker/stack.h"
#include "test/check_has.h"
#include "test/harness/worker/fns.h"
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* So soon that a slow machine is over it anywhere: tests look at the place that they wait for. */
enum { SOON_MS = 50 };

static const char at_gate[] = "transform fn: element 2: not done after ";

static fn_peer *runner;
static beamc__worker *worker;
static int given_up; /* atomic */

static void give_up(void)
{
    __atomic_fetch_add(&given_up, 1, __ATOMIC_RELAXED);
}

static void begin_with(int64_t lull_ms, int64_t stuck_ms)
{
    const beamc__worker_options options = {
        .id = "worker-1", .lull_ms = lull_ms, .stuck_ms = stuck_ms, .give_up = give_up
    };

    runner = fn_peer_new();
    worker = fn_peer_worker(runner, &options);
    worker_give(runner, "d1", worker_fn_gate);
}

/* A bundle that stays at its second element. */
static void begin_waiting(const char *instruction)
{
    fn_peer_process(runner, instruction, "d1");
    fn_peer_put(runner, instruction, "in", "fine wait");
    worker_gate_wait(1);
}

static void finish(void)
{
    fn_peer_finish(runner, worker);
}

/* ---- the log --------------------------------------------------------------------------------- */

START_TEST(lulls_are_told_with_their_place_and_stack)
{
    exec_ok(beamc__stack_listen());
    begin_with(SOON_MS, 0);
    begin_waiting("i1");
    const FN(LogEntry) *entry = fn_peer_log(runner, at_gate);
    ck_assert_int_eq(entry->severity, FNK(LOG_ENTRY__SEVERITY__ENUM__WARN));
    ck_assert_str_eq(entry->instruction_id, "i1");
    ck_assert_str_eq(entry->transform_id, "fn");
    /* A thread that has no processor for a while tells no stack; it is asked again. */
    for (int nth = 2; strstr(entry->trace, "worker_gate") == NULL; nth++)
        entry = fn_peer_nth_log(runner, at_gate, nth);
    worker_gate_open();
    fn_peer_done(runner, "i1");
    ck_assert_str_eq(fn_peer_lines(runner, "i1", "out"), "fine\nwait\n");
    finish();
    beamc__stack_unlisten();
}
END_TEST

/* A lull is of the place where the bundle is, and so is the level. */
START_TEST(lulls_have_the_level_of_their_transform)
{
    static const beamc_log_override override[] = { { "fn", BEAMC_LOG_WARN },
                                                   { "fn", BEAMC_LOG_CRITICAL } };
    const beamc_log_overrides overrides = { &override[_i], 1 };
    const beamc__worker_options options = { .id = "worker-1",
                                            .log_level = _i == 0 ? BEAMC_LOG_CRITICAL
                                                                 : BEAMC_LOG_INFO,
                                            .log_overrides = &overrides,
                                            .lull_ms = SOON_MS,
                                            .stuck_ms = _i == 0 ? 0 : 3 * SOON_MS };

    runner = fn_peer_new();
    worker = fn_peer_worker(runner, &options);
    worker_give(runner, "d1", worker_fn_gate);
    begin_waiting("i1");
    if (_i == 0) {
        fn_peer_log(runner, "not done after ");
    } else {
        /* It is told when it is given up, which is critical, and not before. */
        ck_assert_int_eq(fn_peer_log(runner, "not done after ")->severity,
                         FNK(LOG_ENTRY__SEVERITY__ENUM__CRITICAL));
        fn_peer_failed(runner, "i1", "not done after ");
    }
    worker_gate_open();
    if (_i == 0)
        fn_peer_done(runner, "i1");
    finish();
}
END_TEST

START_TEST(programs_that_asked_for_no_handlers_get_no_stacks)
{
    begin_with(SOON_MS, 0);
    begin_waiting("i1");
    const FN(LogEntry) *entry = fn_peer_log(runner, "not done after ");
    ck_assert_str_eq(entry->trace, "");
    worker_gate_open();
    fn_peer_done(runner, "i1");
    finish();
}
END_TEST

/* The time that the @nth entry tells: not less than that, and less than *most. */
static int64_t told_ms(int nth, int64_t *most)
{
    const FN(LogEntry) *entry = fn_peer_nth_log(runner, at_gate, nth);
    const char *text = strstr(entry->message, at_gate) + strlen(at_gate);
    char unit[8];
    int64_t number;

    ck_assert_int_eq(sscanf(text, "%" SCNd64 " %7s", &number, unit), 2);
    int64_t unit_ms = strcmp(unit, "ms") == 0 ? 1 : strcmp(unit, "s") == 0 ? 1000 : 60000;
    *most = (number + 1) * unit_ms;
    return number * unit_ms;
}

START_TEST(lulls_are_told_again_after_twice_the_time)
{
    begin_with(SOON_MS, 0);
    begin_waiting("i1");
    /* At 1, 2 and 4 times the time or later. */
    int64_t before = SOON_MS / 2, most;
    for (int nth = 1; nth <= 3; nth++) {
        int64_t now = told_ms(nth, &most);
        ck_assert_int_gt(most, 2 * before);
        before = now;
    }
    worker_gate_open();
    fn_peer_done(runner, "i1");
    finish();
}
END_TEST

START_TEST(waiting_for_elements_is_no_lull)
{
    begin_with(SOON_MS, 0);
    fn_peer_process(runner, "idle", "d1");
    begin_waiting("i1");
    fn_peer_nth_log(runner, at_gate, 3); /* by now it would have been told */
    ck_assert_int_eq(fn_peer_log_count(runner, "transform in: "), 0);
    worker_gate_open();
    fn_peer_put(runner, "idle", "in", "");
    fn_peer_done(runner, "idle");
    fn_peer_done(runner, "i1");
    finish();
}
END_TEST

/* ---- giving up ------------------------------------------------------------------------------- */

START_TEST(what_takes_too_long_is_given_up)
{
    begin_with(10 * 60 * 1000, SOON_MS);
    begin_waiting("i1");
    fn_peer_failed(runner, "i1", "not done after ");
    const FN(LogEntry) *entry = fn_peer_log(runner, "not done after ");
    ck_assert_int_eq(entry->severity, FNK(LOG_ENTRY__SEVERITY__ENUM__CRITICAL));
    ck_assert_str_eq(entry->instruction_id, "i1");
    fn_peer_wait_closed(runner, FN_LOGGING, 1); /* the last that is sent before the process ends */
    worker_gate_open();
    finish();
    ck_assert_int_gt(__atomic_load_n(&given_up, __ATOMIC_RELAXED), 0);
}
END_TEST

/* A program goes on if it cannot be ended: then the bundle, at its end, is not answered again. */
START_TEST(what_was_given_up_is_answered_once)
{
    begin_with(10 * 60 * 1000, SOON_MS);
    begin_waiting("i1");
    fn_peer_failed(runner, "i1", "not done after ");
    worker_gate_open();
    fn_peer_process(runner, "i2", "d1");
    fn_peer_put(runner, "i2", "in", "a");
    fn_peer_response(runner, "i2", 1); /* whether or not it took too long, too */
    ck_assert_int_eq(fn_peer_output(runner, "i1", "out")->lasts, 1); /* it came to its end */
    fn_peer_end(runner, FN_CONTROL, BEAMC__RPC_OK, NULL);
    exec_ok(beamc__worker_wait(worker));
    beamc__worker_free(worker);
    ck_assert_int_eq(fn_peer_response_count(runner, "i1"), 1);
    ck_assert_int_eq(fn_peer_response_count(runner, "i2"), 1);
    fn_peer_free(runner);
}
END_TEST

/* ---- the status ------------------------------------------------------------------------------ */

START_TEST(the_status_shows_bundles_and_threads)
{
    exec_ok(beamc__stack_listen());
    begin_with(0, 0);
    begin_waiting("busy");
    const char *status = fn_peer_status(runner);
    for (int tries = 1; strstr(status, "worker_gate") == NULL && tries < 100; tries++)
        status = fn_peer_status(runner); /* the thread had no processor to answer with */
    check_has(status, "worker_gate");
    check_has(status, "worker worker-1, process ");
    check_has(status, "\n  resident: ");
    check_has(status, "\n  elements that wait for their bundles: ");
    check_has(status, "\nstate cache\n  0 of ");
    check_has(status, "\n  busy: descriptor d1, thread ");
    check_has(status, " elements read\n    transform fn (fn): process, element 2, for ");
    check_has(status, " beamc-bundle: ");
    check_has(status, " beamc-streams: ");
    check_has(status, " beamc-status: runs");
    worker_gate_open();
    fn_peer_done(runner, "busy");
    finish();
    beamc__stack_unlisten();
}
END_TEST

Suite *suite_lull(void)
{
    Suite *suite = suite_create("lull");
    TCase *tc = tcase_create("lull");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, lulls_are_told_with_their_place_and_stack);
    tcase_add_loop_test(tc, lulls_have_the_level_of_their_transform, 0, 2);
    tcase_add_test(tc, programs_that_asked_for_no_handlers_get_no_stacks);
    tcase_add_test(tc, lulls_are_told_again_after_twice_the_time);
    tcase_add_test(tc, waiting_for_elements_is_no_lull);
    tcase_add_test(tc, what_takes_too_long_is_given_up);
    tcase_add_test(tc, what_was_given_up_is_answered_once);
    tcase_add_test(tc, the_status_shows_bundles_and_threads);
    suite_add_tcase(suite, tc);
    return suite;
}
