/* SPDX-License-Identifier: Apache-2.0 */
#include "job_client.h"

#include "sdk/rpc/endpoint.h"
#include "sdk/rpc/pack.h"
#include <stdlib.h>

struct beamc__job_client {
    beamc__rpc_queue *queue;
    beamc__rpc_channel *channel;
    beamc__rpc_tls tls; /* what was read for it */
    bool has_tls;
    int64_t timeout_ms;
};

static beamc_error *open_client(beamc__job_client *client, const char *endpoint,
                                const beamc__job_tls *tls)
{
    BEAMC_TRY(beamc__job_tls_load(&client->tls, tls, endpoint));
    client->has_tls = beamc__rpc_endpoint_security(endpoint) == BEAMC__RPC_SECURITY_TLS;
    BEAMC_TRY(beamc__rpc_queue_new(&client->queue, "beamc-job"));
    const beamc__rpc_channel_options options = { .tls = beamc__job_client_tls(client) };
    return beamc__rpc_channel_new(&client->channel, client->queue, endpoint, &options);
}

beamc_error *beamc__job_client_new(beamc__job_client **out, const char *endpoint,
                                   const beamc__job_tls *tls, int64_t timeout_ms)
{
    beamc__job_client *client = calloc(1, sizeof(*client));

    *out = NULL;
    if (client == NULL)
        return beamc_error_nomem();
    client->timeout_ms = timeout_ms;
    beamc_error *error = open_client(client, endpoint, tls);
    if (error != NULL) {
        beamc__job_client_free(client);
        return error;
    }
    *out = client;
    return NULL;
}

void beamc__job_client_free(beamc__job_client *client)
{
    if (client == NULL)
        return;
    beamc__rpc_channel_free(client->channel);
    beamc__rpc_queue_free(client->queue);
    beamc__rpc_tls_dispose(&client->tls);
    free(client);
}

beamc__rpc_channel *beamc__job_client_channel(beamc__job_client *client)
{
    return client->channel;
}

beamc__rpc_queue *beamc__job_client_queue(beamc__job_client *client)
{
    return client->queue;
}

int64_t beamc__job_client_timeout(const beamc__job_client *client)
{
    return client->timeout_ms;
}

const beamc__rpc_tls *beamc__job_client_tls(const beamc__job_client *client)
{
    return client->has_tls ? &client->tls : NULL;
}

const char *beamc__job_client_endpoint(const beamc__job_client *client)
{
    return beamc__rpc_channel_url(client->channel);
}

/* ---- calls ----------------------------------------------------------------------------------- */

static beamc_error *call(beamc__job_client *client, const char *method,
                         const ProtobufCMessage *request, const ProtobufCMessageDescriptor *type,
                         ProtobufCMessage **out, beamc__rpc_code *code, beamc_arena *arena)
{
    return beamc__rpc_call_packed(out, code, client->channel, method, request, type, arena,
                                  client->timeout_ms);
}

/* With a request and an answer of these types. */
#define CALL(client, name, request, type, out, code, arena)                                        \
    call(client, BEAMC__JOB_METHOD(name), &(request)->base, &job(type##__descriptor),              \
         (ProtobufCMessage **)(out), code, arena)

beamc_error *beamc__job_describe_options(beamc__job_client *client,
                                         JOB(DescribePipelineOptionsResponse) **out,
                                         beamc_arena *arena)
{
    static const JOB(DescribePipelineOptionsRequest) request =
        JOBK(DESCRIBE_PIPELINE_OPTIONS_REQUEST__INIT);
    beamc__rpc_code code = BEAMC__RPC_OK;

    beamc_error *error = CALL(client, "DescribePipelineOptions", &request,
                              describe_pipeline_options_response, out, &code, arena);
    if (code != BEAMC__RPC_UNIMPLEMENTED)
        return error;
    beamc_error_free(error); /* servers need not have this call */
    *out = beamc_arena_alloc(arena, sizeof(**out));
    if (*out == NULL)
        return beamc_error_nomem();
    job(describe_pipeline_options_response__init)(*out);
    return NULL;
}

beamc_error *beamc__job_prepare(beamc__job_client *client, const JOB(PrepareJobRequest) *request,
                                JOB(PrepareJobResponse) **out, beamc_arena *arena)
{
    return CALL(client, "Prepare", request, prepare_job_response, out, NULL, arena);
}

beamc_error *beamc__job_run(beamc__job_client *client, const char *preparation_id,
                            const char **job_id, beamc_arena *arena)
{
    JOB(RunJobRequest) request = JOBK(RUN_JOB_REQUEST__INIT);
    JOB(RunJobResponse) *response;

    request.preparation_id = (char *)preparation_id;
    BEAMC_TRY(CALL(client, "Run", &request, run_job_response, &response, NULL, arena));
    *job_id = response->job_id;
    return NULL;
}

beamc_error *beamc__job_state_event(beamc__job_client *client, const char *job_id,
                                    JOB(JobStateEvent) **out, beamc_arena *arena)
{
    JOB(GetJobStateRequest) request = JOBK(GET_JOB_STATE_REQUEST__INIT);

    request.job_id = (char *)job_id;
    return CALL(client, "GetState", &request, job_state_event, out, NULL, arena);
}

beamc_error *beamc__job_state(beamc__job_client *client, const char *job_id,
                              JOB(JobState__Enum) *state)
{
    JOB(JobStateEvent) *response;
    beamc_arena *arena = beamc_arena_new();

    if (arena == NULL)
        return beamc_error_nomem();
    beamc_error *error = beamc__job_state_event(client, job_id, &response, arena);
    if (error == NULL)
        *state = response->state;
    beamc_arena_free(arena);
    return error;
}

beamc_error *beamc__job_cancel(beamc__job_client *client, const char *job_id,
                               JOB(JobState__Enum) *state)
{
    JOB(CancelJobRequest) request = JOBK(CANCEL_JOB_REQUEST__INIT);
    JOB(CancelJobResponse) *response;
    beamc_arena *arena = beamc_arena_new();

    if (arena == NULL)
        return beamc_error_nomem();
    request.job_id = (char *)job_id;
    beamc_error *error =
        CALL(client, "Cancel", &request, cancel_job_response, &response, NULL, arena);
    if (error == NULL)
        *state = response->state;
    beamc_arena_free(arena);
    return error;
}

beamc_error *beamc__job_drain(beamc__job_client *client, const char *job_id,
                              JOB(JobState__Enum) *state)
{
    JOB(DrainJobRequest) request = JOBK(DRAIN_JOB_REQUEST__INIT);
    JOB(DrainJobResponse) *response;
    beamc_arena *arena = beamc_arena_new();

    if (arena == NULL)
        return beamc_error_nomem();
    request.job_id = (char *)job_id;
    beamc_error *error =
        CALL(client, "Drain", &request, drain_job_response, &response, NULL, arena);
    if (error == NULL)
        *state = response->state;
    beamc_arena_free(arena);
    return error;
}

beamc_error *beamc__job_list(beamc__job_client *client, JOB(GetJobsResponse) **out,
                             beamc_arena *arena)
{
    static const JOB(GetJobsRequest) request = JOBK(GET_JOBS_REQUEST__INIT);

    return CALL(client, "GetJobs", &request, get_jobs_response, out, NULL, arena);
}

beamc_error *beamc__job_metrics(beamc__job_client *client, const char *job_id,
                                JOB(GetJobMetricsResponse) **out, beamc_arena *arena)
{
    JOB(GetJobMetricsRequest) request = JOBK(GET_JOB_METRICS_REQUEST__INIT);

    request.job_id = (char *)job_id;
    return CALL(client, "GetJobMetrics", &request, get_job_metrics_response, out, NULL, arena);
}

beamc_error *beamc__job_pipeline(beamc__job_client *client, const char *job_id,
                                 JOB(GetJobPipelineResponse) **out, beamc_arena *arena)
{
    JOB(GetJobPipelineRequest) request = JOBK(GET_JOB_PIPELINE_REQUEST__INIT);

    request.job_id = (char *)job_id;
    return CALL(client, "GetPipeline", &request, get_job_pipeline_response, out, NULL, arena);
}

/* ---- states ---------------------------------------------------------------------------------- */

const char *beamc__job_state_name(JOB(JobState__Enum) state)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(&job(job_state__enum__descriptor), (int)state);

    return value == NULL ? "UNKNOWN" : value->name;
}

bool beamc__job_state_is_final(JOB(JobState__Enum) state)
{
    switch (state) {
    case JOBK(JOB_STATE__ENUM__DONE):
    case JOBK(JOB_STATE__ENUM__FAILED):
    case JOBK(JOB_STATE__ENUM__CANCELLED):
    case JOBK(JOB_STATE__ENUM__UPDATED):
    case JOBK(JOB_STATE__ENUM__DRAINED):
        return true;
    default:
        return false;
    }
}
