/* SPDX-License-Identifier: Apache-2.0 */
/* Entries on their way to a runner that takes them, is slow, goes away, or has had enough. */
#include "harness/worker/log_stream.h"

#include "harness/worker/log_limit.h"
#include "test/harness/worker/fns.h"
#include <check.h>
#include <math.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static fn_peer *runner;
static beamc__rpc_queue *queue;
static beamc__log_stream *stream;
static int written; /* what goes to standard error can be read here */
static int own_stderr;

static void begin(void)
{
    beamc__rpc_channel *channel;
    int ends[2];

    runner = fn_peer_new();
    exec_ok(beamc__rpc_queue_new(&queue, "log"));
    exec_ok(beamc__rpc_channel_new(&channel, queue, fn_peer_url(runner), NULL));
    exec_ok(beamc__log_stream_open(&stream, queue, channel));
    fn_peer_wait_open(runner, FN_LOGGING, 1);
    ck_assert_int_eq(pipe(ends), 0);
    own_stderr = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    written = ends[0];
}

static void end(void)
{
    beamc__log_stream_free(stream);
    dup2(own_stderr, STDERR_FILENO);
    close(own_stderr);
    close(written);
    beamc__rpc_queue_free(queue);
    fn_peer_free(runner);
}

static void write_entry(const beamc_log_entry *entry)
{
    const beamc_log_sink *sink = beamc__log_stream_sink(stream);
    sink->write(sink->ctx, entry);
}

static void write_text(beamc_log_level level, const char *text)
{
    const beamc_log_target target = { .sink = beamc__log_stream_sink(stream),
                                      .level = BEAMC_LOG_TRACE };
    beamc_log_to(&target, level, "%s", text);
}

/* Waits until standard error has @part. */
static void wait_written(const char *part)
{
    char text[65536];
    size_t size = 0;

    for (;;) {
        ssize_t got = read(written, text + size, sizeof(text) - 1 - size);
        ck_assert_int_gt(got, 0);
        size += (size_t)got;
        text[size] = '\0';
        if (strstr(text, part) != NULL)
            return;
    }
}

/* ---- entries --------------------------------------------------------------------------------- */

START_TEST(entries_say_all_that_is_known)
{
    const beamc_log_entry all = { .level = BEAMC_LOG_WARN,
                                  .time_ms = 1234567890123,
                                  .message = "m\xffssage",
                                  .instruction = "i1",
                                  .transform = "t1",
                                  .file = "dir/f.c",
                                  .line = 42,
                                  .trace = "  #0 main\n" };
    const beamc_log_entry little = { .level = BEAMC_LOG_INFO, .message = "little" };

    begin();
    write_entry(&all);
    write_entry(&little);
    const FN(LogEntry) *entry = fn_peer_log(runner, "ssage");
    ck_assert_int_eq(entry->severity, FNK(LOG_ENTRY__SEVERITY__ENUM__WARN));
    ck_assert_int_eq(entry->timestamp->seconds, 1234567890);
    ck_assert_int_eq(entry->timestamp->nanos, 123000000);
    ck_assert_ptr_null(strchr(entry->message, '\xff')); /* which is no UTF-8 */
    ck_assert_str_eq(entry->instruction_id, "i1");
    ck_assert_str_eq(entry->transform_id, "t1");
    ck_assert_str_eq(entry->log_location, "dir/f.c:42");
    ck_assert_str_eq(entry->trace, "  #0 main\n");
    ck_assert_str_ne(entry->thread, "");
    entry = fn_peer_log(runner, "little");
    ck_assert_str_eq(entry->instruction_id, "");
    ck_assert_str_eq(entry->log_location, "");
    end();
}
END_TEST

static const Google__Protobuf__Value *member(const FN(LogEntry) *entry, const char *name)
{
    for (size_t i = 0; i < entry->custom_data->n_fields; i++) {
        if (strcmp(entry->custom_data->fields[i]->key, name) == 0)
            return entry->custom_data->fields[i]->value;
    }
    ck_abort_msg("no field %s", name);
}

static void check_text(const FN(LogEntry) *entry, const char *name, const char *expected)
{
    const Google__Protobuf__Value *value = member(entry, name);

    ck_assert_int_eq(value->kind_case, GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE);
    ck_assert_str_eq(value->string_value, expected);
}

static void check_number(const FN(LogEntry) *entry, const char *name, double expected)
{
    const Google__Protobuf__Value *value = member(entry, name);

    ck_assert_int_eq(value->kind_case, GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE);
    ck_assert_double_eq(value->number_value, expected);
}

/* LogEntry.custom_data is JSON, which has no numbers of 64 bits. */
START_TEST(fields_become_custom_data)
{
    char text[] = "gone before it is sent";
    const beamc_log_field fields[] = {
        beamc_log_text("text", text),
        beamc_log_text_of("bytes", "a\0b\xff" "c", 5),
        beamc_log_int64("few", -3),
        beamc_log_int64("most exact", INT64_C(1) << 53),
        beamc_log_int64("many", INT64_MIN),
        beamc_log_float64("half", 0.5),
        beamc_log_float64("nan", NAN),
        beamc_log_float64("least", -INFINITY),
        beamc_log_boolean("yes", true),
        beamc_log_text("", ""),
    };
    beamc_log_entry entry = { .level = BEAMC_LOG_INFO,
                              .message = "with fields",
                              .fields = fields,
                              .field_count = sizeof(fields) / sizeof(*fields) };

    begin();
    write_entry(&entry);
    memset(text, 'x', sizeof(text));
    const FN(LogEntry) *got = fn_peer_log(runner, "with fields");
    ck_assert_ptr_nonnull(got->custom_data);
    ck_assert_uint_eq(got->custom_data->n_fields, entry.field_count);
    check_text(got, "text", "gone before it is sent");
    check_text(got, "bytes", "a?b?c");
    check_number(got, "few", -3);
    check_number(got, "most exact", 9007199254740992);
    check_text(got, "many", "-9223372036854775808");
    check_number(got, "half", 0.5);
    check_text(got, "nan", "NaN");
    check_text(got, "least", "-Infinity");
    ck_assert_int_eq(member(got, "yes")->kind_case, GOOGLE__PROTOBUF__VALUE__KIND_BOOL_VALUE);
    ck_assert(member(got, "yes")->bool_value);
    check_text(got, "", "");
    write_text(BEAMC_LOG_INFO, "without");
    ck_assert_ptr_null(fn_peer_log(runner, "without")->custom_data);
    end();
}
END_TEST

START_TEST(severities_are_beams)
{
    begin();
    for (int level = BEAMC_LOG_TRACE; level <= BEAMC_LOG_CRITICAL; level++) {
        const char *name = beamc_log_level_name((beamc_log_level)level);
        write_text((beamc_log_level)level, name);
        ck_assert_int_eq(fn_peer_log(runner, name)->severity, level);
    }
    end();
}
END_TEST

START_TEST(errors_come_with_a_stack_but_not_all_of_many)
{
    int traces = 0;

    begin();
    write_text(BEAMC_LOG_WARN, "no trace");
    ck_assert_str_eq(fn_peer_log(runner, "no trace")->trace, "");
    for (int i = 0; i < 500; i++)
        write_text(BEAMC_LOG_ERROR, "trace");
    ck_assert_ptr_nonnull(strstr(fn_peer_nth_log(runner, "trace", 2)->trace,
                                 "errors_come_with_a_stack_but_not_all_of_many"));
    for (int i = 0; i < 500; i++)
        traces += *fn_peer_nth_log(runner, "trace", i + 2)->trace != '\0';
    ck_assert_int_ge(traces, 10);
    ck_assert_int_lt(traces, 500);
    end();
}
END_TEST

/* ---- too many -------------------------------------------------------------------------------- */

/* An entry for each element. */
static void write_each(int count)
{
    beamc_log_entry entry = { .level = BEAMC_LOG_INFO,
                              .message = "an element",
                              .instruction = "i1",
                              .transform = "t1",
                              .file = "f.c",
                              .line = 7 };

    for (int i = 0; i < count; i++)
        write_entry(&entry);
}

START_TEST(elements_that_all_log_are_left_out)
{
    begin();
    write_each(5 * BEAMC__LOG_BURST);
    const FN(LogEntry) *note = fn_peer_log(runner, "entries of f.c:7 are left out: more than 1000");
    ck_assert_str_eq(note->transform_id, "t1");
    ck_assert_int_eq(note->severity, FNK(LOG_ENTRY__SEVERITY__ENUM__INFO));
    write_text(BEAMC_LOG_INFO, "others are not");
    fn_peer_log(runner, "others are not");
    ck_assert_int_eq(fn_peer_log_count(runner, "an element"), BEAMC__LOG_BURST);
    end();
}
END_TEST

/* The queue is full before all are written, and what does not fit is on standard error, or lost since
 * nobody reads that: none is waited for, and none is forgotten. */
START_TEST(a_slow_runner_delays_nobody)
{
    enum { COUNT = 40000 };
    char text[1000];
    unsigned long long spilled, lost;

    begin();
    fn_peer_hold_logs(runner, true);
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (int i = 0; i < COUNT; i++)
        write_text(BEAMC_LOG_INFO, text);
    fn_peer_hold_logs(runner, false);
    const FN(LogEntry) *note = fn_peer_log(runner, " went to the worker's standard error, and ");
    ck_assert_int_eq(sscanf(note->message, "%llu log entries went to the worker's standard error, "
                                           "and %llu are lost",
                            &spilled, &lost),
                     2);
    ck_assert_uint_gt(lost, 0);
    /* There is one note for all of them: it comes once half of the queue is free, and none is written
     * any more. */
    fn_peer_nth_log(runner, "xxx", COUNT - (int)(spilled + lost));
    end();
}
END_TEST

/* ---- runners that go ------------------------------------------------------------------------- */

START_TEST(a_call_that_broke_is_opened_again)
{
    begin();
    write_text(BEAMC_LOG_INFO, "before");
    fn_peer_log(runner, "before");
    fn_peer_end(runner, FN_LOGGING, BEAMC__RPC_UNAVAILABLE, "too much to do");
    wait_written("the log goes on here: ");
    write_text(BEAMC_LOG_INFO, "meanwhile");
    wait_written("INFO meanwhile");
    beamc__log_stream_mend(stream, 0);
    fn_peer_wait_open(runner, FN_LOGGING, 2);
    fn_peer_log(runner, "1 log entries went to the worker's standard error, and 0 are lost");
    write_text(BEAMC_LOG_INFO, "after");
    fn_peer_log(runner, "after");
    end();
}
END_TEST

START_TEST(runners_that_are_not_there_are_tried_again)
{
    begin();
    fn_peer_vanish(runner);
    wait_written("the log goes on here: ");
    for (int i = 0; i < 3; i++)
        beamc__log_stream_mend(stream, 100000 * i);
    write_text(BEAMC_LOG_INFO, "nobody");
    wait_written("INFO nobody");
    end();
}
END_TEST

START_TEST(a_runner_that_ended_the_call_has_had_enough)
{
    begin();
    fn_peer_end(runner, FN_LOGGING, BEAMC__RPC_OK, NULL);
    fn_peer_wait_closed(runner, FN_LOGGING, 1);
    ck_assert(beamc__log_stream_finish(stream, 60000)); /* which waits for the end to come here */
    beamc__log_stream_mend(stream, 100000);
    write_text(BEAMC_LOG_INFO, "nobody");
    wait_written("INFO nobody");
    end();
}
END_TEST

/* ---- the end --------------------------------------------------------------------------------- */

START_TEST(the_end_waits_until_the_runner_has_all)
{
    begin();
    for (int i = 0; i < 5000; i++)
        write_text(BEAMC_LOG_INFO, "one of many");
    ck_assert(beamc__log_stream_finish(stream, 60000));
    ck_assert_int_eq(fn_peer_log_count(runner, "one of many"), 5000);
    write_text(BEAMC_LOG_INFO, "too late");
    wait_written("INFO too late");
    end();
}
END_TEST

START_TEST(the_end_does_not_wait_for_ever)
{
    begin();
    fn_peer_hold_logs(runner, true);
    write_text(BEAMC_LOG_INFO, "never read");
    ck_assert(!beamc__log_stream_finish(stream, 50));
    end();
}
END_TEST

Suite *suite_log_stream(void)
{
    Suite *suite = suite_create("log_stream");
    TCase *tc = tcase_create("log_stream");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, entries_say_all_that_is_known);
    tcase_add_test(tc, fields_become_custom_data);
    tcase_add_test(tc, severities_are_beams);
    tcase_add_test(tc, errors_come_with_a_stack_but_not_all_of_many);
    tcase_add_test(tc, elements_that_all_log_are_left_out);
    tcase_add_test(tc, a_slow_runner_delays_nobody);
    tcase_add_test(tc, a_call_that_broke_is_opened_again);
    tcase_add_test(tc, runners_that_are_not_there_are_tried_again);
    tcase_add_test(tc, a_runner_that_ended_the_call_has_had_enough);
    tcase_add_test(tc, the_end_waits_until_the_runner_has_all);
    tcase_add_test(tc, the_end_does_not_wait_for_ever);
    suite_add_tcase(suite, tc);
    return suite;
}
