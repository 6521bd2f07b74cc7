/* SPDX-License-Identifier: Apache-2.0 */
#include "job_server.h"

#include "proto/urns.h"
#include "runners/portable/job_client.h"
#include "sdk/rpc/rpc.h"
#include "sdk/rpc/server.h"
#include "test/sdk/rpc/packed.h"
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define JOBS    "/org.apache.beam.model.job_management.v1.JobService/"
#define STAGING "/org.apache.beam.model.job_management.v1.ArtifactStagingService/"

enum { FILES_MAX = 8 };

typedef struct {
    const char *name;
    beamc_buffer bytes;
} staged_file;

/* All of it is the queue's thread's while the server listens, and the test's after the run. */
struct job_server {
    job_script script;
    beamc__rpc_queue *queue;
    beamc__rpc_server *server;
    beamc__rpc_service service;
    beamc_arena *arena;
    char url[64];
    char staging_url[64];
    char text[4096];
    JOB(PrepareJobRequest) *prepared;
    PB(ArtifactInformation) **wanted; /* by the environments of the pipeline */
    size_t wanted_count;
    size_t next; /* of them */
    staged_file files[FILES_MAX];
    size_t file_count;
    size_t largest_chunk;
    int runs;
    int cancels;
    int drains;
    bool has_jobs;
    PB(Pipeline) *pipeline; /* of job-1; NULL: none was given */
    int state_streams;
    int message_streams;
    JOB(JobState__Enum) state;
    beamc__rpc_stream *states; /* of a job that goes on; NULL: none */
    beamc__rpc_stream *messages;
};

/* ---- options, Prepare, Run, Cancel ----------------------------------------------------------- */

static void on_describe(void *ctx, beamc__rpc_stream *stream,
                        beamc__rpc_message *request BEAMC_UNUSED)
{
    static const struct {
        const char *name;
        JOB(PipelineOptionType__Enum) type;
    } options[] = {
        { "server_text", JOBK(PIPELINE_OPTION_TYPE__ENUM__STRING) },
        { "server_truth", JOBK(PIPELINE_OPTION_TYPE__ENUM__BOOLEAN) },
        { "server_whole", JOBK(PIPELINE_OPTION_TYPE__ENUM__INTEGER) },
        { "server_number", JOBK(PIPELINE_OPTION_TYPE__ENUM__NUMBER) },
        { "server_list", JOBK(PIPELINE_OPTION_TYPE__ENUM__ARRAY) },
        { "server_object", JOBK(PIPELINE_OPTION_TYPE__ENUM__OBJECT) },
    };
    enum { COUNT = sizeof(options) / sizeof(*options) };
    job_server *server = ctx;
    JOB(DescribePipelineOptionsResponse) response = JOBK(DESCRIBE_PIPELINE_OPTIONS_RESPONSE__INIT);
    JOB(PipelineOptionDescriptor) descriptors[COUNT];
    JOB(PipelineOptionDescriptor) *list[COUNT];

    if (server->script == OPTIONS_ARE_SECRET || server->script == SERVER_IS_NONE) {
        beamc__rpc_stream_finish(stream, BEAMC__RPC_UNIMPLEMENTED, "unknown method");
        return;
    }
    for (size_t i = 0; i < COUNT; i++) {
        job(pipeline_option_descriptor__init)(&descriptors[i]);
        descriptors[i].name = (char *)options[i].name;
        descriptors[i].type = options[i].type;
        if (server->script == OPTIONS_ARE_FLINKS)
            descriptors[i].group = (char *)"org.apache.beam.runners.flink.FlinkPipelineOptions";
        list[i] = &descriptors[i];
    }
    response.options = list;
    response.n_options = COUNT;
    packed_reply(stream, &response.base);
}

static void note_wanted(job_server *server)
{
    const PB(Components) *components = server->prepared->pipeline->components;

    /* All environments are of one worker. */
    ck_assert_uint_gt(components->n_environments, 0);
    server->wanted = components->environments[0]->value->dependencies;
    server->wanted_count = components->environments[0]->value->n_dependencies;
}

static void on_prepare(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *request)
{
    job_server *server = ctx;
    JOB(PrepareJobResponse) response = JOBK(PREPARE_JOB_RESPONSE__INIT);
    PB(ApiServiceDescriptor) endpoint = PBK(API_SERVICE_DESCRIPTOR__INIT);

    server->prepared = packed_read(request, &job(prepare_job_request__descriptor), server->arena);
    note_wanted(server);
    if (server->script == PREPARE_IS_SILENT) {
        server->states = beamc__rpc_stream_ref(stream);
        return;
    }
    if (server->script == PREPARE_IS_REFUSED) {
        beamc__rpc_stream_finish(stream, BEAMC__RPC_INVALID_ARGUMENT, "this is no pipeline");
        return;
    }
    endpoint.url = server->staging_url;
    response.preparation_id = (char *)"prepared-1";
    response.staging_session_token = (char *)"token-1";
    response.artifact_staging_endpoint = server->script == STAGING_IS_NOWHERE ? NULL : &endpoint;
    packed_reply(stream, &response.base);
}

static void on_run(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *message)
{
    job_server *server = ctx;
    JOB(RunJobResponse) response = JOBK(RUN_JOB_RESPONSE__INIT);
    const JOB(RunJobRequest) *request =
        packed_read(message, &job(run_job_request__descriptor), server->arena);

    ck_assert_str_eq(request->preparation_id, "prepared-1");
    server->runs++;
    server->state = JOBK(JOB_STATE__ENUM__RUNNING);
    response.job_id = (char *)"job-1";
    packed_reply(stream, &response.base);
}

/* Since when a job is in a state: a second for each of Beam's numbers. */
static Google__Protobuf__Timestamp time_of(JOB(JobState__Enum) state)
{
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;

    time.seconds = 1800000000 + (int64_t)state;
    time.nanos = 5000000;
    return time;
}

static void send_state(beamc__rpc_stream *stream, JOB(JobState__Enum) state)
{
    JOB(JobStateEvent) event = JOBK(JOB_STATE_EVENT__INIT);
    Google__Protobuf__Timestamp time = time_of(state);

    event.state = state;
    event.timestamp = &time;
    packed_send(stream, &event.base);
}

/* Ends a job that goes on. */
static void end_job(job_server *server, JOB(JobState__Enum) state)
{
    server->state = state;
    if (server->states != NULL) {
        send_state(server->states, server->state);
        beamc__rpc_stream_finish(server->states, BEAMC__RPC_OK, NULL);
    }
    if (server->messages != NULL)
        beamc__rpc_stream_finish(server->messages, BEAMC__RPC_OK, NULL);
}

static void on_cancel(void *ctx, beamc__rpc_stream *stream,
                      beamc__rpc_message *request BEAMC_UNUSED)
{
    job_server *server = ctx;
    JOB(CancelJobResponse) response = JOBK(CANCEL_JOB_RESPONSE__INIT);

    server->cancels++;
    if (server->script == JOB_GOES_ON_FOR_EVER) {
        beamc__rpc_stream_finish(stream, BEAMC__RPC_INTERNAL, "not now");
        return;
    }
    response.state = JOBK(JOB_STATE__ENUM__CANCELLING);
    packed_reply(stream, &response.base);
    end_job(server, JOBK(JOB_STATE__ENUM__CANCELLED));
}

static void on_drain(void *ctx, beamc__rpc_stream *stream,
                     beamc__rpc_message *request BEAMC_UNUSED)
{
    job_server *server = ctx;
    JOB(DrainJobResponse) response = JOBK(DRAIN_JOB_RESPONSE__INIT);

    if (server->script != JOB_CAN_BE_DRAINED) {
        beamc__rpc_stream_finish(stream, BEAMC__RPC_UNIMPLEMENTED, "unknown method");
        return;
    }
    server->drains++;
    response.state = JOBK(JOB_STATE__ENUM__DRAINING);
    packed_reply(stream, &response.base);
    end_job(server, JOBK(JOB_STATE__ENUM__DRAINED));
}

static void on_get_state(void *ctx, beamc__rpc_stream *stream,
                         beamc__rpc_message *request BEAMC_UNUSED)
{
    job_server *server = ctx;
    JOB(JobStateEvent) event = JOBK(JOB_STATE_EVENT__INIT);

    Google__Protobuf__Timestamp time = time_of(server->state);

    event.state = server->state;
    event.timestamp = &time;
    packed_reply(stream, &event.base);
}

/* ---- jobs ------------------------------------------------------------------------------------ */

static void on_jobs(void *ctx, beamc__rpc_stream *stream,
                    beamc__rpc_message *request BEAMC_UNUSED)
{
    enum { COUNT = 3 };
    static const char *const names[COUNT][2] = {
        { "job-20", "second-2" }, { "job-1", "first-1" }, { "job-2", "second-1" }
    };
    job_server *server = ctx;
    JOB(GetJobsResponse) response = JOBK(GET_JOBS_RESPONSE__INIT);
    JOB(JobInfo) infos[COUNT];
    JOB(JobInfo) *list[COUNT];
    Google__Protobuf__Struct options = GOOGLE__PROTOBUF__STRUCT__INIT;
    Google__Protobuf__Struct__FieldsEntry input = GOOGLE__PROTOBUF__STRUCT__FIELDS_ENTRY__INIT;
    Google__Protobuf__Value text = GOOGLE__PROTOBUF__VALUE__INIT;
    Google__Protobuf__Struct__FieldsEntry *fields[] = { &input };

    if (server->script == JOBS_ARE_SECRET || server->script == SERVER_IS_NONE) {
        beamc__rpc_stream_finish(stream, BEAMC__RPC_UNIMPLEMENTED, "unknown method");
        return;
    }
    text.kind_case = GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE;
    text.string_value = (char *)"some \"words\"";
    input.key = (char *)"beam:option:input:v1";
    input.value = &text;
    options.fields = fields;
    options.n_fields = 1;
    for (size_t i = 0; i < COUNT; i++) {
        job(job_info__init)(&infos[i]);
        infos[i].job_id = (char *)names[i][0];
        infos[i].job_name = (char *)names[i][1];
        infos[i].state = i == 1 ? server->state : JOBK(JOB_STATE__ENUM__DONE);
        infos[i].pipeline_options = &options;
        list[i] = &infos[i];
    }
    response.job_info = list;
    response.n_job_info = server->has_jobs ? COUNT : 0;
    packed_reply(stream, &response.base);
}

static void on_pipeline(void *ctx, beamc__rpc_stream *stream,
                        beamc__rpc_message *request BEAMC_UNUSED)
{
    job_server *server = ctx;
    JOB(GetJobPipelineResponse) response = JOBK(GET_JOB_PIPELINE_RESPONSE__INIT);

    if (server->script == JOB_HAS_NO_PIPELINE) {
        beamc__rpc_stream_finish(stream, BEAMC__RPC_UNIMPLEMENTED, "unknown method");
        return;
    }
    response.pipeline = server->pipeline;
    packed_reply(stream, &response.base);
}

/* ---- metrics --------------------------------------------------------------------------------- */

static void on_metrics(void *ctx, beamc__rpc_stream *stream,
                       beamc__rpc_message *request BEAMC_UNUSED)
{
    static const uint8_t forty_two[] = { 42 };
    job_server *server = ctx;
    JOB(GetJobMetricsResponse) response = JOBK(GET_JOB_METRICS_RESPONSE__INIT);
    JOB(MetricResults) results = JOBK(METRIC_RESULTS__INIT);
    PB(MonitoringInfo) info = PBK(MONITORING_INFO__INIT);
    PB(MonitoringInfo) strange = PBK(MONITORING_INFO__INIT);
    PB(MonitoringInfo) *infos[] = { &strange, &info };
    PB(MonitoringInfo__LabelsEntry) labels[3];
    PB(MonitoringInfo__LabelsEntry) *list[] = { &labels[0], &labels[1], &labels[2] };
    static const char *const pairs[][2] = {
        { BEAMC_LABEL_PTRANSFORM, "a stage" },
        { BEAMC_LABEL_NAMESPACE, "space" },
        { BEAMC_LABEL_NAME, "answers" },
    };

    if (server->script == JOB_HAS_NO_METRICS) {
        beamc__rpc_stream_finish(stream, BEAMC__RPC_NOT_FOUND, "nobody counted");
        return;
    }
    for (size_t i = 0; i < 3; i++) {
        pb(monitoring_info__labels_entry__init)(&labels[i]);
        labels[i].key = (char *)pairs[i][0];
        labels[i].value = (char *)pairs[i][1];
    }
    strange.urn = strange.type = (char *)"beam:metrics:of_tomorrow:v1";
    info.urn = (char *)BEAMC_URN_METRIC_USER_SUM_INT64;
    info.type = (char *)BEAMC_URN_METRIC_TYPE_SUM_INT64;
    info.labels = list;
    info.n_labels = 3;
    info.payload.data = (uint8_t *)forty_two;
    info.payload.len = sizeof(forty_two);
    results.attempted = infos;
    results.n_attempted = 2;
    response.metrics = &results;
    packed_reply(stream, &response.base);
}

/* ---- states and messages --------------------------------------------------------------------- */

/* Streams send all they have at once; nothing more comes from the client. */
static const beamc__rpc_stream_handlers quiet = { 0 };

static JOB(JobState__Enum) end_of(job_script script)
{
    switch (script) {
    case JOB_FAILS:
    case JOB_FAILS_IN_SILENCE:
        return JOBK(JOB_STATE__ENUM__FAILED);
    case JOB_IS_DRAINED:
        return JOBK(JOB_STATE__ENUM__DRAINED);
    default:
        return JOBK(JOB_STATE__ENUM__DONE);
    }
}

static bool goes_on(const job_server *server)
{
    if (beamc__job_state_is_final(server->state))
        return false; /* it was ended */
    switch (server->script) {
    case JOB_GOES_ON:
    case JOB_GOES_ON_FOR_EVER:
    case JOB_CAN_BE_DRAINED:
    case JOB_INTERRUPTS:
        return true;
    default:
        return false;
    }
}

static void on_states(void *ctx, beamc__rpc_stream *stream)
{
    job_server *server = ctx;

    beamc__rpc_stream_accept(stream, &quiet, server, NULL);
    send_state(stream, JOBK(JOB_STATE__ENUM__STOPPED));
    send_state(stream, JOBK(JOB_STATE__ENUM__RUNNING));
    send_state(stream, JOBK(JOB_STATE__ENUM__RUNNING));
    server->state_streams++;
    if (goes_on(server)) {
        server->states = beamc__rpc_stream_ref(stream);
        return;
    }
    if (server->script == JOB_LOSES_STREAMS && server->state_streams == 1) {
        beamc__rpc_stream_finish(stream, BEAMC__RPC_UNAVAILABLE, "a proxy gave up");
        return;
    }
    if (!beamc__job_state_is_final(server->state))
        server->state = end_of(server->script);
    send_state(stream, server->state);
    beamc__rpc_stream_finish(stream, BEAMC__RPC_OK, NULL);
}

static void say(beamc__rpc_stream *stream, JOB(JobMessage__MessageImportance) importance,
                const char *text)
{
    JOB(JobMessagesResponse) response = JOBK(JOB_MESSAGES_RESPONSE__INIT);
    JOB(JobMessage) message = JOBK(JOB_MESSAGE__INIT);

    message.importance = importance;
    message.message_text = (char *)text;
    message.time = (char *)"at noon";
    message.message_id = (char *)"m";
    response.response_case = JOBK(JOB_MESSAGES_RESPONSE__RESPONSE_MESSAGE_RESPONSE);
    response.message_response = &message;
    packed_send(stream, &response.base);
}

#define IMPORTANCE(name) JOBK(JOB_MESSAGE__MESSAGE_IMPORTANCE__##name)

static void on_messages(void *ctx, beamc__rpc_stream *stream)
{
    job_server *server = ctx;

    beamc__rpc_stream_accept(stream, &quiet, server, NULL);
    if (server->script == JOB_HAS_NO_MESSAGES) {
        beamc__rpc_stream_finish(stream, BEAMC__RPC_UNIMPLEMENTED, "unknown method");
        return;
    }
    server->message_streams++;
    say(stream, IMPORTANCE(JOB_MESSAGE_BASIC), "it begins");
    if (goes_on(server)) {
        server->messages = beamc__rpc_stream_ref(stream);
        if (server->script == JOB_INTERRUPTS)
            ck_assert_int_eq(kill(getpid(), SIGINT), 0);
        return;
    }
    if (server->script == JOB_LOSES_STREAMS && server->message_streams == 1) {
        beamc__rpc_stream_finish(stream, BEAMC__RPC_UNAVAILABLE, "a proxy gave up");
        return;
    }
    say(stream, IMPORTANCE(JOB_MESSAGE_DETAILED), "a detail");
    say(stream, IMPORTANCE(JOB_MESSAGE_WARNING), "a warning");
    if (server->script == JOB_FAILS) {
        say(stream, IMPORTANCE(JOB_MESSAGE_ERROR), "an error before");
        say(stream, IMPORTANCE(JOB_MESSAGE_ERROR),
            "java.lang.RuntimeException: bundle failed\n\tat org.x.Y.z(Y.java:1)\n"
            "Caused by: java.util.concurrent.ExecutionException: java.lang.RuntimeException: "
            "Error received from SDK harness for instruction 4: transform Square: no root\n"
            "\tat org.x.Z.z(Z.java:2)\n");
    }
    beamc__rpc_stream_finish(stream, BEAMC__RPC_OK, NULL);
}

/* ---- staging --------------------------------------------------------------------------------- */

static void ask_for(beamc__rpc_stream *stream, PB(ArtifactInformation) *artifact)
{
    JOB(ArtifactRequestWrapper) wrapper = JOBK(ARTIFACT_REQUEST_WRAPPER__INIT);
    JOB(GetArtifactRequest) request = JOBK(GET_ARTIFACT_REQUEST__INIT);

    request.artifact = artifact;
    wrapper.request_case = JOBK(ARTIFACT_REQUEST_WRAPPER__REQUEST_GET_ARTIFACT);
    wrapper.get_artifact = &request;
    packed_send(stream, &wrapper.base);
}

static void ask_for_next(job_server *server, beamc__rpc_stream *stream)
{
    if (server->next == server->wanted_count) {
        beamc__rpc_stream_finish(stream, BEAMC__RPC_OK, NULL);
        return;
    }
    PB(ArtifactInformation) *artifact = server->wanted[server->next];
    PB(ArtifactStagingToRolePayload) *role = pb(artifact_staging_to_role_payload__unpack)(
        NULL, artifact->role_payload.len, artifact->role_payload.data);
    ck_assert_ptr_nonnull(role);
    ck_assert_uint_lt(server->file_count, FILES_MAX);
    staged_file *file = &server->files[server->file_count++];
    file->name = beamc_arena_strdup(server->arena, role->staged_name);
    beamc_buffer_init(&file->bytes);
    pb(artifact_staging_to_role_payload__free_unpacked)(role, NULL);
    ask_for(stream, artifact);
}

static void ask_for_passwords(beamc__rpc_stream *stream)
{
    PB(ArtifactInformation) artifact = PBK(ARTIFACT_INFORMATION__INIT);
    PB(ArtifactFilePayload) file = PBK(ARTIFACT_FILE_PAYLOAD__INIT);
    uint8_t packed[64];

    file.path = (char *)"/etc/passwd";
    artifact.type_urn = (char *)BEAMC_URN_ARTIFACT_TYPE_FILE;
    artifact.type_payload.data = packed;
    artifact.type_payload.len = pb(artifact_file_payload__pack)(&file, packed);
    ask_for(stream, &artifact);
}

/* After the token. */
static void begin_staging(job_server *server, beamc__rpc_stream *stream)
{
    JOB(ArtifactRequestWrapper) wrapper = JOBK(ARTIFACT_REQUEST_WRAPPER__INIT);
    JOB(ResolveArtifactsRequest) request = JOBK(RESOLVE_ARTIFACTS_REQUEST__INIT);

    if (server->script == STAGING_IS_SILENT)
        return;
    if (server->script == STAGING_WANTS_MORE) {
        ask_for_passwords(stream);
        return;
    }
    request.artifacts = server->wanted;
    request.n_artifacts = server->wanted_count;
    wrapper.request_case = JOBK(ARTIFACT_REQUEST_WRAPPER__REQUEST_RESOLVE_ARTIFACT);
    wrapper.resolve_artifact = &request;
    packed_send(stream, &wrapper.base);
}

static void on_chunk(job_server *server, beamc__rpc_stream *stream,
                     const JOB(ArtifactResponseWrapper) *wrapper)
{
    const ProtobufCBinaryData *data = &wrapper->get_artifact_response->data;

    ck_assert_uint_gt(server->file_count, 0);
    beamc_buffer_append(&server->files[server->file_count - 1].bytes, data->data, data->len);
    if (data->len > server->largest_chunk)
        server->largest_chunk = data->len;
    if (server->script == STAGING_BREAKS) {
        beamc__rpc_stream_finish(stream, BEAMC__RPC_RESOURCE_EXHAUSTED, "the disk is full");
    } else if (wrapper->is_last) {
        server->next++;
        ask_for_next(server, stream);
    }
}

static void on_staging_message(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *message)
{
    job_server *server = ctx;
    const JOB(ArtifactResponseWrapper) *wrapper =
        packed_read(message, &job(artifact_response_wrapper__descriptor), server->arena);

    switch (wrapper->response_case) {
    case JOBK(ARTIFACT_RESPONSE_WRAPPER__RESPONSE_RESOLVE_ARTIFACT_RESPONSE):
        ck_assert_uint_eq(wrapper->resolve_artifact_response->n_replacements, server->wanted_count);
        ask_for_next(server, stream);
        break;
    case JOBK(ARTIFACT_RESPONSE_WRAPPER__RESPONSE_GET_ARTIFACT_RESPONSE):
        on_chunk(server, stream, wrapper);
        break;
    default:
        ck_assert_str_eq(wrapper->staging_token, "token-1");
        begin_staging(server, stream);
        break;
    }
}

static void on_staging(void *ctx, beamc__rpc_stream *stream)
{
    static const beamc__rpc_stream_handlers handlers = { .on_message = on_staging_message };

    beamc__rpc_stream_accept(stream, &handlers, ctx, NULL);
}

/* ---- the server ------------------------------------------------------------------------------ */

static const beamc__rpc_method methods[] = {
    { .path = JOBS "DescribePipelineOptions", .unary = on_describe },
    { .path = JOBS "Prepare", .unary = on_prepare },
    { .path = JOBS "Run", .unary = on_run },
    { .path = JOBS "Cancel", .unary = on_cancel },
    { .path = JOBS "Drain", .unary = on_drain },
    { .path = JOBS "GetJobs", .unary = on_jobs },
    { .path = JOBS "GetPipeline", .unary = on_pipeline },
    { .path = JOBS "GetState", .unary = on_get_state },
    { .path = JOBS "GetJobMetrics", .unary = on_metrics },
    { .path = JOBS "GetStateStream", .open = on_states },
    { .path = JOBS "GetMessageStream", .open = on_messages },
    { .path = STAGING "ReverseArtifactRetrievalService", .open = on_staging },
};

static void listen_on(job_server *server, const beamc__rpc_tls *tls, const char *scheme)
{
    const beamc__rpc_server_options options = { .tls = tls };

    ck_assert_ptr_null(
        beamc__rpc_server_new(&server->server, server->queue, &server->service, 1, &options));
    const char *url = beamc__rpc_server_url(server->server);
    snprintf(server->url, sizeof(server->url), "%s%s", tls == NULL ? "" : "https://", url);
    snprintf(server->staging_url, sizeof(server->staging_url), "%s%s", scheme, url);
}

static job_server *start(job_script script, bool has_jobs, const void *pipeline, size_t size,
                         const beamc__rpc_tls *tls, const char *scheme)
{
    job_server *server = calloc(1, sizeof(*server));

    beamc__rpc_init();
    ck_assert_ptr_nonnull(server);
    server->script = script;
    server->arena = beamc_arena_new();
    ck_assert_ptr_nonnull(server->arena);
    server->has_jobs = has_jobs;
    if (has_jobs) {
        server->state = JOBK(JOB_STATE__ENUM__RUNNING);
        server->pipeline = pb(pipeline__unpack)(NULL, size, pipeline);
        ck_assert_ptr_nonnull(server->pipeline);
    }
    ck_assert_ptr_null(beamc__rpc_queue_new(&server->queue, "job-server"));
    server->service =
        (beamc__rpc_service){ methods, sizeof(methods) / sizeof(*methods), server, NULL };
    listen_on(server, tls, scheme);
    return server;
}

job_server *job_server_new(job_script script)
{
    return start(script, false, NULL, 0, NULL, "");
}

job_server *job_server_new_with_jobs(job_script script, const void *pipeline, size_t size)
{
    return start(script, true, pipeline, size, NULL, "");
}

job_server *job_server_new_with_tls(job_script script, const beamc__rpc_tls *tls,
                                    const char *scheme)
{
    return start(script, false, NULL, 0, tls, scheme);
}

void job_server_kill(job_server *server)
{
    beamc__rpc_server_free(server->server);
    server->server = NULL;
}

void job_server_free(job_server *server)
{
    job_server_kill(server);
    beamc__rpc_stream_unref(server->states);
    beamc__rpc_stream_unref(server->messages);
    beamc__rpc_queue_free(server->queue);
    for (size_t i = 0; i < server->file_count; i++)
        beamc_buffer_dispose(&server->files[i].bytes);
    if (server->pipeline != NULL)
        pb(pipeline__free_unpacked)(server->pipeline, NULL);
    beamc_arena_free(server->arena);
    free(server);
    beamc__rpc_shutdown();
}

const char *job_server_url(const job_server *server)
{
    return server->url;
}

/* ---- what it got ----------------------------------------------------------------------------- */

const JOB(PrepareJobRequest) *job_server_prepared(job_server *server)
{
    return server->prepared;
}

void json_write(beamc_buffer *out, const Google__Protobuf__Value *value)
{
    switch (value->kind_case) {
    case GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE:
        beamc_buffer_printf(out, "\"%s\"", value->string_value);
        break;
    case GOOGLE__PROTOBUF__VALUE__KIND_BOOL_VALUE:
        beamc_buffer_append_string(out, value->bool_value ? "true" : "false");
        break;
    case GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE:
        beamc_buffer_printf(out, "%g", value->number_value);
        break;
    case GOOGLE__PROTOBUF__VALUE__KIND_LIST_VALUE:
        beamc_buffer_append_byte(out, '[');
        for (size_t i = 0; i < value->list_value->n_values; i++) {
            beamc_buffer_append_string(out, i > 0 ? "," : "");
            json_write(out, value->list_value->values[i]);
        }
        beamc_buffer_append_byte(out, ']');
        break;
    case GOOGLE__PROTOBUF__VALUE__KIND_STRUCT_VALUE:
        beamc_buffer_append_byte(out, '{');
        for (size_t i = 0; i < value->struct_value->n_fields; i++) {
            beamc_buffer_printf(out, "%s\"%s\":", i > 0 ? "," : "",
                                value->struct_value->fields[i]->key);
            json_write(out, value->struct_value->fields[i]->value);
        }
        beamc_buffer_append_byte(out, '}');
        break;
    default:
        beamc_buffer_append_string(out, "null");
        break;
    }
}

const char *job_server_option(job_server *server, const char *name)
{
    const Google__Protobuf__Struct *options = server->prepared->pipeline_options;
    beamc_buffer text;
    char key[128];

    snprintf(key, sizeof(key), "beam:option:%s:v1", name);
    beamc_buffer_init(&text);
    beamc_buffer_append_string(&text, "");
    for (size_t i = 0; i < options->n_fields; i++)
        if (strcmp(options->fields[i]->key, key) == 0)
            json_write(&text, options->fields[i]->value);
    ck_assert(!beamc_buffer_failed(&text));
    snprintf(server->text, sizeof(server->text), "%.*s", text.size == 0 ? 1 : (int)text.size,
             text.size == 0 ? "-" : (const char *)text.data);
    beamc_buffer_dispose(&text);
    return server->text;
}

size_t job_server_file_count(job_server *server)
{
    return server->file_count;
}

const beamc_buffer *job_server_file(job_server *server, const char *name)
{
    for (size_t i = 0; i < server->file_count; i++)
        if (strcmp(server->files[i].name, name) == 0)
            return &server->files[i].bytes;
    return NULL;
}

size_t job_server_largest_chunk(job_server *server)
{
    return server->largest_chunk;
}

int job_server_runs(job_server *server)
{
    return server->runs;
}

int job_server_cancels(job_server *server)
{
    return server->cancels;
}

int job_server_drains(job_server *server)
{
    return server->drains;
}
