/* SPDX-License-Identifier: Apache-2.0 */
/* Control: takes instructions, lets bundles run, answers all others at once. */
#include "harness/worker/worker_core.h"

#include "harness/worker/report.h"
#include "sdk/base/utf8.h"
#include "sdk/rpc/pack.h"

typedef beamc__running_bundle bundle;

/* ---- answering ------------------------------------------------------------------------------- */

void beamc__answer(beamc__worker *worker, FN(InstructionResponse) *response,
                   const char *instruction_id)
{
    response->instruction_id = (char *)instruction_id;
    beamc__rpc_message *message = beamc__rpc_pack(&response->base);
    beamc__rpc_sent sent = message == NULL ? BEAMC__RPC_NOMEM
                                           : beamc__rpc_stream_try_send(worker->control, message);
    /* Without its answer the runner would wait: it sees the stream end.  One that the runner has ended is
     * left alone, or its end would look like ours. */
    if (sent != BEAMC__RPC_SENT && sent != BEAMC__RPC_ENDED)
        beamc__rpc_stream_cancel(worker->control);
    beamc__rpc_message_unref(message);
}

void beamc__answer_text(beamc__worker *worker, const char *instruction_id, const char *error)
{
    FN(InstructionResponse) response = FNK(INSTRUCTION_RESPONSE__INIT);

    response.error = (char *)error;
    beamc__answer(worker, &response, instruction_id);
}

void beamc__answer_error(beamc__worker *worker, const char *instruction_id, beamc_error *take_error)
{
    char text[BEAMC__WORKER_ERROR_SIZE];

    beamc_error_print(take_error, text, sizeof(text));
    beamc_error_free(take_error);
    beamc__utf8_clean(text); /* users' text, and cut */
    beamc__answer_text(worker, instruction_id, text);
}

/* ---- the other instructions ------------------------------------------------------------------ */

/* A question about a bundle.  It is answered while the bundle cannot end, so that no answer comes
 * after the bundle's own. */
typedef struct {
    beamc__worker *worker;
    const FN(InstructionRequest) *request;
    beamc_arena *arena;
} question;

static beamc_error *fill_progress(const question *asked, bundle *of,
                                  FN(ProcessBundleProgressResponse) *answer)
{
    beamc__worker *worker = asked->worker;
    beamc__metrics *metrics = beamc__metrics_new();

    if (metrics == NULL)
        return beamc_error_nomem();
    beamc_error *error = beamc__bundle_view_report(&of->view, metrics);
    if (error == NULL)
        error =
            beamc__report_progress(answer, metrics, !worker->short_ids, worker->ids, asked->arena);
    beamc__metrics_free(metrics);
    answer->optional_consuming_received_data_case = FNK(
        PROCESS_BUNDLE_PROGRESS_RESPONSE__OPTIONAL_CONSUMING_RECEIVED_DATA_CONSUMING_RECEIVED_DATA);
    answer->consuming_received_data = __atomic_load_n(&of->consuming, __ATOMIC_RELAXED);
    return error;
}

/* @at is NULL for an instruction that does not run: then nothing is known, which is no error. */
static void answer_progress(void *ctx, const beamc__instruction *at)
{
    const question *asked = ctx;
    FN(InstructionResponse) response = FNK(INSTRUCTION_RESPONSE__INIT);
    FN(ProcessBundleProgressResponse) answer = FNK(PROCESS_BUNDLE_PROGRESS_RESPONSE__INIT);
    beamc_error *error = at == NULL ? NULL : fill_progress(asked, at->bundle, &answer);

    if (error != NULL) {
        beamc__answer_error(asked->worker, asked->request->instruction_id, error);
        return;
    }
    response.response_case = FNK(INSTRUCTION_RESPONSE__RESPONSE_PROCESS_BUNDLE_PROGRESS);
    response.process_bundle_progress = &answer;
    beamc__answer(asked->worker, &response, asked->request->instruction_id);
}

typedef FN(ProcessBundleSplitResponse__ChannelSplit) channel_split;

/* Splits what can be split of what is desired; elements themselves are not. */
static beamc_error *fill_split(const question *asked, bundle *of,
                               FN(ProcessBundleSplitResponse) *answer)
{
    const FN(ProcessBundleSplitRequest) *request = asked->request->process_bundle_split;
    beamc_arena *arena = asked->arena;

    answer->channel_splits =
        beamc_arena_calloc(arena, request->n_desired_splits + 1, sizeof(*answer->channel_splits));
    channel_split *splits =
        beamc_arena_calloc(arena, request->n_desired_splits + 1, sizeof(*splits));
    if (beamc_arena_failed(arena))
        return beamc_error_nomem();
    for (size_t i = 0; i < request->n_desired_splits; i++) {
        const FN(ProcessBundleSplitRequest__DesiredSplit) *one = request->desired_splits[i]->value;
        beamc__channel_split at;
        if (one == NULL)
            continue;
        const beamc__desired_split desired = { one->fraction_of_remainder,
                                               one->estimated_input_elements,
                                               one->allowed_split_points,
                                               one->n_allowed_split_points };
        if (!beamc__bundle_view_split(&of->view, request->desired_splits[i]->key, &desired, &at))
            continue;
        channel_split *split = &splits[answer->n_channel_splits];
        fn(process_bundle_split_response__channel_split__init)(split);
        split->transform_id = request->desired_splits[i]->key;
        split->last_primary_element = at.last_primary;
        split->first_residual_element = at.first_residual;
        answer->channel_splits[answer->n_channel_splits++] = split;
    }
    return NULL;
}

/* As above: what does not run cannot be split. */
static void answer_split(void *ctx, const beamc__instruction *at)
{
    const question *asked = ctx;
    FN(InstructionResponse) response = FNK(INSTRUCTION_RESPONSE__INIT);
    FN(ProcessBundleSplitResponse) answer = FNK(PROCESS_BUNDLE_SPLIT_RESPONSE__INIT);
    beamc_error *error = at == NULL ? NULL : fill_split(asked, at->bundle, &answer);

    if (error != NULL) {
        beamc__answer_error(asked->worker, asked->request->instruction_id, error);
        return;
    }
    response.response_case = FNK(INSTRUCTION_RESPONSE__RESPONSE_PROCESS_BUNDLE_SPLIT);
    response.process_bundle_split = &answer;
    beamc__answer(asked->worker, &response, asked->request->instruction_id);
}

static void answer_about(beamc__worker *worker, const FN(InstructionRequest) *request,
                         const char *instruction_id, beamc_arena *arena,
                         void (*answer)(void *ctx, const beamc__instruction *at))
{
    question asked = { worker, request, arena };

    if (!beamc__instructions_visit(worker->instructions, instruction_id, answer, &asked))
        answer(&asked, NULL);
}

static void finalize(beamc__worker *worker, const FN(InstructionRequest) *request)
{
    FN(InstructionResponse) response = FNK(INSTRUCTION_RESPONSE__INIT);
    FN(FinalizeBundleResponse) answer = FNK(FINALIZE_BUNDLE_RESPONSE__INIT);

    response.response_case = FNK(INSTRUCTION_RESPONSE__RESPONSE_FINALIZE_BUNDLE);
    response.finalize_bundle = &answer;
    beamc__answer(worker, &response, request->instruction_id);
}

static void harness_infos(beamc__worker *worker, const FN(InstructionRequest) *request)
{
    FN(InstructionResponse) response = FNK(INSTRUCTION_RESPONSE__INIT);
    FN(HarnessMonitoringInfosResponse) answer = FNK(HARNESS_MONITORING_INFOS_RESPONSE__INIT);

    response.response_case = FNK(INSTRUCTION_RESPONSE__RESPONSE_HARNESS_MONITORING_INFOS);
    response.harness_monitoring_infos = &answer;
    beamc__answer(worker, &response, request->instruction_id);
}

typedef FN(MonitoringInfosMetadataResponse__MonitoringInfoEntry) info_entry;

static void monitoring_infos(beamc__worker *worker, const FN(InstructionRequest) *request,
                             beamc_arena *arena)
{
    FN(InstructionResponse) response = FNK(INSTRUCTION_RESPONSE__INIT);
    FN(MonitoringInfosMetadataResponse) answer = FNK(MONITORING_INFOS_METADATA_RESPONSE__INIT);
    const FN(MonitoringInfosMetadataRequest) *asked = request->monitoring_infos;
    size_t count = asked->n_monitoring_info_id;

    answer.monitoring_info = beamc_arena_calloc(arena, count + 1, sizeof(info_entry *));
    for (size_t i = 0; answer.monitoring_info != NULL && i < count; i++) {
        info_entry *entry = beamc_arena_alloc(arena, sizeof(*entry));
        if (entry == NULL)
            break;
        fn(monitoring_infos_metadata_response__monitoring_info_entry__init)(entry);
        entry->key = asked->monitoring_info_id[i];
        entry->value = beamc__short_ids_info(worker->ids, entry->key, arena);
        if (entry->value != NULL)
            answer.monitoring_info[answer.n_monitoring_info++] = entry;
    }
    if (beamc_arena_failed(arena)) {
        beamc__answer_error(worker, request->instruction_id, beamc_error_nomem());
        return;
    }
    response.response_case = FNK(INSTRUCTION_RESPONSE__RESPONSE_MONITORING_INFOS);
    response.monitoring_infos = &answer;
    beamc__answer(worker, &response, request->instruction_id);
}

/* Where nothing is sampled there are no samples, which is an answer. */
static void sample_data(beamc__worker *worker, const FN(InstructionRequest) *request,
                        beamc_arena *arena)
{
    FN(InstructionResponse) response = FNK(INSTRUCTION_RESPONSE__INIT);
    FN(SampleDataResponse) answer = FNK(SAMPLE_DATA_RESPONSE__INIT);
    const FN(SampleDataRequest) *asked = request->sample_data;

    if (worker->samples != NULL &&
        beamc__samples_take(worker->samples, asked->pcollection_ids, asked->n_pcollection_ids,
                            &answer, arena) < 0) {
        beamc__answer_error(worker, request->instruction_id, beamc_error_nomem());
        return;
    }
    response.response_case = FNK(INSTRUCTION_RESPONSE__RESPONSE_SAMPLE_DATA);
    response.sample_data = &answer;
    beamc__answer(worker, &response, request->instruction_id);
}

static void register_descriptors(beamc__worker *worker, const FN(InstructionRequest) *request)
{
    FN(InstructionResponse) response = FNK(INSTRUCTION_RESPONSE__INIT);
    FN(RegisterResponse) answer = FNK(REGISTER_RESPONSE__INIT);
    const FN(RegisterRequest) *asked = request->register_;
    beamc_error *error = NULL;

    for (size_t i = 0; error == NULL && i < asked->n_process_bundle_descriptor; i++)
        error = beamc__descriptors_add(worker->descriptors, asked->process_bundle_descriptor[i]);
    if (error != NULL) {
        beamc__answer_error(worker, request->instruction_id, error);
        return;
    }
    response.response_case = FNK(INSTRUCTION_RESPONSE__RESPONSE_REGISTER);
    response.register_ = &answer;
    beamc__answer(worker, &response, request->instruction_id);
}

/* Answers @request; true if it has taken the arena. */
static bool dispatch(beamc__worker *worker, const FN(InstructionRequest) *request,
                     beamc_arena *arena)
{
    switch ((int)request->request_case) {
    case FNK(INSTRUCTION_REQUEST__REQUEST_PROCESS_BUNDLE):
        beamc__process_bundle(worker, request, arena);
        return true;
    case FNK(INSTRUCTION_REQUEST__REQUEST_PROCESS_BUNDLE_PROGRESS):
        answer_about(worker, request, request->process_bundle_progress->instruction_id, arena,
                     answer_progress);
        break;
    case FNK(INSTRUCTION_REQUEST__REQUEST_PROCESS_BUNDLE_SPLIT):
        answer_about(worker, request, request->process_bundle_split->instruction_id, arena,
                     answer_split);
        break;
    case FNK(INSTRUCTION_REQUEST__REQUEST_FINALIZE_BUNDLE):
        finalize(worker, request);
        break;
    case FNK(INSTRUCTION_REQUEST__REQUEST_MONITORING_INFOS):
        monitoring_infos(worker, request, arena);
        break;
    case FNK(INSTRUCTION_REQUEST__REQUEST_HARNESS_MONITORING_INFOS):
        harness_infos(worker, request);
        break;
    case FNK(INSTRUCTION_REQUEST__REQUEST_SAMPLE_DATA):
        sample_data(worker, request, arena);
        break;
    case FNK(INSTRUCTION_REQUEST__REQUEST_REGISTER):
        register_descriptors(worker, request);
        break;
    default:
        beamc__answer_error(worker, request->instruction_id,
                            beamc_error_new(BEAMC_EUNSUPPORTED,
                                            "an instruction of kind %d is not known here",
                                            (int)request->request_case));
        break;
    }
    return false;
}

/* ---- the control stream ---------------------------------------------------------------------- */

/* Keeps the first error and lets the waiting thread go on. */
void beamc__worker_end(beamc__worker *worker, beamc_error *take_error)
{
    uv_mutex_lock(&worker->lock);
    if (worker->error == NULL && !worker->ended)
        worker->error = take_error;
    else
        beamc_error_free(take_error); /* it is over already */
    worker->ended = true;
    uv_cond_broadcast(&worker->changed);
    uv_mutex_unlock(&worker->lock);
}

static void on_message(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *message)
{
    beamc__worker *worker = ctx;
    beamc_arena *arena = beamc_arena_new();
    ProtobufCMessage *request;

    uv_mutex_lock(&worker->lock);
    worker->heard = true;
    uv_mutex_unlock(&worker->lock);
    beamc_error *error =
        arena == NULL
            ? beamc_error_nomem()
            : beamc__rpc_unpack(&request, message, &fn(instruction_request__descriptor), arena);
    if (error != NULL) {
        beamc__worker_end(worker, beamc_error_wrap(error, "an instruction of the runner"));
        beamc__rpc_stream_cancel(stream);
        beamc_arena_free(arena);
        return;
    }
    if (!dispatch(worker, (FN(InstructionRequest) *)request, arena))
        beamc_arena_free(arena);
}

/* The end of the stream is the end of the work, also where a runner just hangs up; but not while
 * bundles run, or before anything came. */
static void on_end(void *ctx, beamc__rpc_stream *stream BEAMC_UNUSED,
                   const beamc__rpc_status *status)
{
    beamc__worker *worker = ctx;
    beamc_error *error = NULL;
    char text[BEAMC__WORKER_ERROR_SIZE];

    uv_mutex_lock(&worker->lock);
    bool at_work = worker->active > 0 || !worker->heard;
    bool stopped = worker->stopped;
    uv_mutex_unlock(&worker->lock);
    if (status->error != NULL && at_work && !stopped) {
        beamc_error_print(status->error, text, sizeof(text));
        error = beamc_error_new(BEAMC_EIO, "the control stream: %s", text);
    }
    beamc__worker_end(worker, error);
    beamc__instructions_stop(worker->instructions, "the control stream has ended");
}

const beamc__rpc_stream_handlers beamc__control_handlers = { .on_message = on_message,
                                                             .on_end = on_end };
