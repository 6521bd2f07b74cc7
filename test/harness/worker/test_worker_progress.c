/* SPDX-License-Identifier: Apache-2.0 */
/* What a runner asks about a bundle that runs: how far it is, and to give up the rest of it. */
#include "test/harness/worker/fns.h"

#include "proto/urns.h"
#include "sdk/coders/varint.h"
#include <check.h>
#include <stdio.h>

static fn_peer *runner;
static beamc__worker *worker;

static void begin(void)
{
    runner = fn_peer_new();
    worker = fn_peer_worker(runner, NULL);
    worker_give(runner, "gate", worker_fn_gate);
}

static void finish(void)
{
    fn_peer_finish(runner, worker);
}

static const FN(ProcessBundleProgressResponse) *ask_progress(const char *id, const char *about)
{
    fn_peer_ask_progress(runner, id, about);
    const FN(InstructionResponse) *response = fn_peer_response(runner, id, 1);
    ck_assert_str_eq(response->error, "");
    return response->process_bundle_progress;
}

/* The number of a metric, by its URN and a label; -7: it is not among them. */
static int64_t number_of(PB(MonitoringInfo) *const *infos, size_t count, const char *urn,
                         const char *label)
{
    for (size_t i = 0; i < count; i++) {
        bool has_label = false;
        uint64_t number;
        for (size_t k = 0; k < infos[i]->n_labels; k++)
            has_label |= strcmp(infos[i]->labels[k]->value, label) == 0;
        if (!has_label || strcmp(infos[i]->urn, urn) != 0)
            continue;
        beamc_reader in = beamc_reader_of(infos[i]->payload.data, infos[i]->payload.len);
        ck_assert_int_eq(beamc__varint_decode(&in, &number), BEAMC_OK);
        return (int64_t)number;
    }
    return -7;
}

#define NUMBER(response, urn, label)                                                               \
    number_of((response)->monitoring_infos, (response)->n_monitoring_infos, urn, label)

static const char read_index[] = BEAMC_URN_METRIC_DATA_CHANNEL_READ_INDEX;
static const char element_count[] = BEAMC_URN_METRIC_ELEMENT_COUNT;
static const char byte_size[] = BEAMC_URN_METRIC_SAMPLED_BYTE_SIZE; /* its first number: of how many */
static const char counter[] = BEAMC_URN_METRIC_USER_SUM_INT64;

/* ---- progress -------------------------------------------------------------------------------- */

START_TEST(progress_tells_how_far_a_bundle_is)
{
    begin();
    fn_peer_process(runner, "i1", "gate");
    fn_peer_put(runner, "i1", "in", "a b wait c d");
    worker_gate_wait(1);
    const FN(ProcessBundleProgressResponse) *progress = ask_progress("ask1", "i1");
    ck_assert_int_eq(NUMBER(progress, read_index, "in"), 2);
    ck_assert_int_eq(NUMBER(progress, element_count, "p0"), 3);
    ck_assert_int_eq(NUMBER(progress, element_count, "p1"), 2);
    ck_assert_int_eq(NUMBER(progress, byte_size, "p0"), 1);
    ck_assert_int_eq(NUMBER(progress, counter, "passed"), 3);
    ck_assert_uint_eq(progress->n_monitoring_data, progress->n_monitoring_infos);
    ck_assert(progress->consuming_received_data);
    worker_gate_open();
    const FN(ProcessBundleResponse) *done = fn_peer_done(runner, "i1");
    ck_assert_int_eq(NUMBER(done, read_index, "in"), 5);
    ck_assert_int_eq(NUMBER(done, element_count, "p0"), 5);
    ck_assert_int_eq(NUMBER(done, element_count, "p1"), 5);
    ck_assert_int_eq(NUMBER(done, byte_size, "p1"), 1);
    ck_assert_int_eq(NUMBER(done, counter, "passed"), 5);
    /* Nothing is told of what has ended, or was never there. */
    ck_assert_uint_eq(ask_progress("ask2", "i1")->n_monitoring_data, 0);
    ck_assert_uint_eq(ask_progress("ask3", "i9")->n_monitoring_data, 0);
    finish();
}
END_TEST

/* One that waits for its elements is not stuck. */
START_TEST(progress_tells_whether_elements_are_waited_for)
{
    beamc_buffer bytes;
    char id[20];
    int asked = 0;

    begin();
    beamc_buffer_init(&bytes);
    fn_element(&bytes, "wait", 4);
    worker_gate_open();
    fn_peer_process(runner, "i1", "gate");
    fn_peer_put_bytes(runner, "i1", "in", bytes.data, bytes.size, false);
    worker_gate_wait(1);
    const FN(ProcessBundleProgressResponse) *progress;
    do {
        snprintf(id, sizeof(id), "ask%d", asked++);
        progress = ask_progress(id, "i1");
    } while (progress->consuming_received_data || NUMBER(progress, element_count, "p1") < 1);
    ck_assert_int_eq(NUMBER(progress, read_index, "in"), 0);
    fn_peer_put(runner, "i1", "in", "");
    fn_peer_done(runner, "i1");
    beamc_buffer_dispose(&bytes);
    finish();
}
END_TEST

/* At the end of the bundle there are none left. */
START_TEST(progress_tells_that_all_elements_are_consumed)
{
    begin();
    worker_give(runner, "late", worker_fn_late);
    fn_peer_process(runner, "i1", "late");
    fn_peer_put(runner, "i1", "in", "a b");
    worker_gate_wait(1);
    const FN(ProcessBundleProgressResponse) *progress = ask_progress("ask1", "i1");
    ck_assert(!progress->consuming_received_data);
    ck_assert_int_eq(NUMBER(progress, read_index, "in"), 2);
    worker_gate_open();
    fn_peer_done(runner, "i1");
    finish();
}
END_TEST

/* ---- splits ---------------------------------------------------------------------------------- */

static const FN(ProcessBundleSplitResponse) *ask_split(const char *id, const char *about,
                                                       const char *source, double fraction,
                                                       int64_t allowed)
{
    FN(InstructionRequest) request = FNK(INSTRUCTION_REQUEST__INIT);
    FN(ProcessBundleSplitRequest) split = FNK(PROCESS_BUNDLE_SPLIT_REQUEST__INIT);
    FN(ProcessBundleSplitRequest__DesiredSplitsEntry) entry =
        FNK(PROCESS_BUNDLE_SPLIT_REQUEST__DESIRED_SPLITS_ENTRY__INIT);
    FN(ProcessBundleSplitRequest__DesiredSplit) desired =
        FNK(PROCESS_BUNDLE_SPLIT_REQUEST__DESIRED_SPLIT__INIT);
    FN(ProcessBundleSplitRequest__DesiredSplitsEntry) *entries[] = { &entry };

    desired.fraction_of_remainder = fraction;
    desired.estimated_input_elements = 6;
    desired.allowed_split_points = &allowed;
    desired.n_allowed_split_points = allowed < 0 ? 0 : 1;
    entry.key = (char *)source;
    entry.value = &desired;
    split.instruction_id = (char *)about;
    split.desired_splits = entries;
    split.n_desired_splits = 1;
    request.instruction_id = (char *)id;
    request.request_case = FNK(INSTRUCTION_REQUEST__REQUEST_PROCESS_BUNDLE_SPLIT);
    request.process_bundle_split = &split;
    fn_peer_send(runner, FN_CONTROL, &request);
    const FN(InstructionResponse) *response = fn_peer_response(runner, id, 1);
    ck_assert_str_eq(response->error, "");
    ck_assert_uint_eq(response->process_bundle_split->n_primary_roots, 0);
    ck_assert_uint_eq(response->process_bundle_split->n_residual_roots, 0);
    return response->process_bundle_split;
}

/* The bundle stands at element 1 of 6; it is split before each of those behind. */
START_TEST(bundles_are_split_at_every_point)
{
    static const char *const words[] = { "a", "wait", "c", "d", "e", "f" };
    char expected[40] = "";

    begin();
    fn_peer_process(runner, "i1", "gate");
    fn_peer_put(runner, "i1", "in", "a wait c d e f");
    worker_gate_wait(1);
    const FN(ProcessBundleSplitResponse) *split = ask_split("s1", "i1", "in", 0.5, _i);
    ck_assert_uint_eq(split->n_channel_splits, 1);
    ck_assert_str_eq(split->channel_splits[0]->transform_id, "in");
    ck_assert_int_eq(split->channel_splits[0]->last_primary_element, _i - 1);
    ck_assert_int_eq(split->channel_splits[0]->first_residual_element, _i);
    worker_gate_open();
    const FN(ProcessBundleResponse) *done = fn_peer_done(runner, "i1");
    for (int i = 0; i < _i; i++) {
        strcat(expected, words[i]);
        strcat(expected, "\n");
    }
    ck_assert_str_eq(fn_peer_lines(runner, "i1", "out"), expected);
    ck_assert_int_eq(NUMBER(done, read_index, "in"), _i);
    ck_assert_int_eq(NUMBER(done, element_count, "p0"), _i);
    ck_assert_int_eq(NUMBER(done, element_count, "p1"), _i);
    finish();
}
END_TEST

START_TEST(what_cannot_be_split_is_not)
{
    begin();
    fn_peer_process(runner, "i1", "gate");
    fn_peer_put(runner, "i1", "in", "a wait c");
    worker_gate_wait(1);
    ck_assert_uint_eq(ask_split("s1", "i1", "elsewhere", 0.5, -1)->n_channel_splits, 0);
    ck_assert_uint_eq(ask_split("s2", "i1", "in", 0.5, 1)->n_channel_splits, 0);
    ck_assert_uint_eq(ask_split("s3", "i9", "in", 0.5, -1)->n_channel_splits, 0);
    worker_gate_open();
    fn_peer_done(runner, "i1");
    ck_assert_str_eq(fn_peer_lines(runner, "i1", "out"), "a\nwait\nc\n");
    ck_assert_uint_eq(ask_split("s4", "i1", "in", 0.5, -1)->n_channel_splits, 0);
    finish();
}
END_TEST

/* Again and again, up to the element in work; elements that come later are dropped, too. */
START_TEST(a_bundle_is_split_many_times)
{
    begin();
    fn_peer_process(runner, "i1", "gate");
    beamc_buffer bytes;
    beamc_buffer_init(&bytes);
    fn_element(&bytes, "wait", 4);
    fn_peer_put_bytes(runner, "i1", "in", bytes.data, bytes.size, false);
    worker_gate_wait(1);
    static const int64_t residuals[] = { 4, 3, 2, 1 };
    for (int i = 0; i < 4; i++) {
        char id[20];
        snprintf(id, sizeof(id), "s%d", i);
        const FN(ProcessBundleSplitResponse) *split = ask_split(id, "i1", "in", 1, residuals[i]);
        ck_assert_uint_eq(split->n_channel_splits, 1);
        ck_assert_int_eq(split->channel_splits[0]->first_residual_element, residuals[i]);
    }
    ck_assert_uint_eq(ask_split("s4", "i1", "in", 0, -1)->n_channel_splits, 0);
    fn_peer_put(runner, "i1", "in", "b c d e f");
    worker_gate_open();
    fn_peer_done(runner, "i1");
    ck_assert_str_eq(fn_peer_lines(runner, "i1", "out"), "wait\n");
    beamc_buffer_dispose(&bytes);
    finish();
}
END_TEST

/* ---- samples --------------------------------------------------------------------------------- */

static const FN(SampleDataResponse) *ask_samples(const char *id)
{
    FN(InstructionRequest) request = FNK(INSTRUCTION_REQUEST__INIT);
    FN(SampleDataRequest) sample = FNK(SAMPLE_DATA_REQUEST__INIT);

    request.instruction_id = (char *)id;
    request.request_case = FNK(INSTRUCTION_REQUEST__REQUEST_SAMPLE_DATA);
    request.sample_data = &sample;
    fn_peer_send(runner, FN_CONTROL, &request);
    const FN(InstructionResponse) *response = fn_peer_response(runner, id, 1);
    ck_assert_str_eq(response->error, "");
    return response->sample_data;
}

static const FN(SampleDataResponse__ElementList) *samples_of(const FN(SampleDataResponse) *from,
                                                             const char *pcollection)
{
    for (size_t i = 0; i < from->n_element_samples; i++) {
        if (strcmp(from->element_samples[i]->key, pcollection) == 0)
            return from->element_samples[i]->value;
    }
    return NULL;
}

/* Not at all, all that are wanted, only those that fail. */
START_TEST(elements_are_sampled_where_that_is_wanted)
{
    beamc__worker_options options = { .id = "w",
                                      .sample_elements = _i == 1,
                                      .sample_errors = _i == 2 };

    runner = fn_peer_new();
    worker = fn_peer_worker(runner, &options);
    worker_give(runner, "fail", worker_fn_fail);
    fn_peer_process(runner, "i1", "fail");
    fn_peer_put(runner, "i1", "in", "a b");
    fn_peer_done(runner, "i1");
    fn_peer_process(runner, "i2", "fail");
    fn_peer_put(runner, "i2", "in", "c bad d");
    fn_peer_failed(runner, "i2", "no good");
    const FN(SampleDataResponse) *samples = ask_samples("s1");
    const FN(SampleDataResponse__ElementList) *in = samples_of(samples, "p0");
    const FN(SampleDataResponse__ElementList) *out = samples_of(samples, "p1");
    if (_i == 0) {
        ck_assert_uint_eq(samples->n_element_samples, 0);
        finish();
        return;
    }
    /* a, b, c, bad, and bad again for its error */
    ck_assert_uint_eq(in->n_elements, _i == 1 ? 5 : 1);
    ck_assert_int_eq(out == NULL ? 0 : (int)out->n_elements, _i == 1 ? 3 : 0);
    const FN(SampledElement) *failed = in->elements[in->n_elements - 1];
    ck_assert_uint_eq(failed->element.len, 4);
    ck_assert_int_eq(memcmp(failed->element.data, "\3bad", 4), 0);
    ck_assert_str_eq(failed->exception->instruction_id, "i2");
    ck_assert_str_eq(failed->exception->transform_id, "fn");
    ck_assert_ptr_nonnull(strstr(failed->exception->error, "no good"));
    ck_assert_uint_eq(ask_samples("s2")->n_element_samples, 0);
    finish();
}
END_TEST

Suite *suite_worker_progress(void)
{
    Suite *suite = suite_create("worker_progress");
    TCase *tc = tcase_create("progress");

    tcase_add_test(tc, progress_tells_how_far_a_bundle_is);
    tcase_add_test(tc, progress_tells_whether_elements_are_waited_for);
    tcase_add_test(tc, progress_tells_that_all_elements_are_consumed);
    suite_add_tcase(suite, tc);
    tc = tcase_create("splits");
    tcase_add_loop_test(tc, bundles_are_split_at_every_point, 2, 6);
    tcase_add_test(tc, what_cannot_be_split_is_not);
    tcase_add_test(tc, a_bundle_is_split_many_times);
    suite_add_tcase(suite, tc);
    tc = tcase_create("samples");
    tcase_add_loop_test(tc, elements_are_sampled_where_that_is_wanted, 0, 3);
    suite_add_tcase(suite, tc);
    return suite;
}
