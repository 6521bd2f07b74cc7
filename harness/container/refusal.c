/* SPDX-License-Identifier: Apache-2.0 */
#include "refusal.h"

#include "harness/worker/log_stream.h"
#include "sdk/rpc/pack.h"
#include <uv.h>

#define CONTROL "/org.apache.beam.model.fn_execution.v1.BeamFnControl/Control"

enum { TEXT_SIZE = 4096, CONNECT_MS = 60000 };

typedef struct {
    const beamc__worker_flags *flags;
    char why[TEXT_SIZE];
    uv_mutex_t lock;
    uv_cond_t changed;
    bool ended; /* guarded */
} refusal;

/* ---- control; queue's thread ----------------------------------------------------------------- */

static beamc__rpc_message *answer_to(const refusal *of, beamc__rpc_message *message,
                                     beamc_arena *arena)
{
    FN(InstructionResponse) response = FNK(INSTRUCTION_RESPONSE__INIT);
    ProtobufCMessage *request;
    beamc_error *error =
        beamc__rpc_unpack(&request, message, &fn(instruction_request__descriptor), arena);

    if (error != NULL) {
        beamc_error_free(error); /* nobody knows whom to answer */
        return NULL;
    }
    response.instruction_id = ((FN(InstructionRequest) *)request)->instruction_id;
    response.error = (char *)of->why;
    return beamc__rpc_pack(&response.base);
}

static void on_message(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *message)
{
    beamc_arena *arena = beamc_arena_new();
    beamc__rpc_message *answer = arena == NULL ? NULL : answer_to(ctx, message, arena);

    /* A runner that is not even answered is to see that the worker is gone. */
    if (answer == NULL || beamc__rpc_stream_try_send(stream, answer) != BEAMC__RPC_SENT)
        beamc__rpc_stream_cancel(stream);
    beamc__rpc_message_unref(answer);
    beamc_arena_free(arena);
}

static void on_end(void *ctx, beamc__rpc_stream *stream BEAMC_UNUSED,
                   const beamc__rpc_status *status BEAMC_UNUSED)
{
    refusal *of = ctx;

    uv_mutex_lock(&of->lock);
    of->ended = true;
    uv_cond_signal(&of->changed);
    uv_mutex_unlock(&of->lock);
}

static const beamc__rpc_stream_handlers handlers = { .on_message = on_message, .on_end = on_end };

/* ---- saying it ------------------------------------------------------------------------------- */

/* A channel to @url, connected. */
static beamc_error *reach(beamc__rpc_channel **out, const refusal *of, beamc__rpc_queue *queue,
                          const char *url)
{
    beamc__rpc_metadata metadata[] = { { "worker_id", of->flags->id } };
    beamc__rpc_channel_options options = { .metadata = metadata, .metadata_count = 1 };

    BEAMC_TRY(beamc__rpc_channel_new(out, queue, url, &options));
    beamc_error *error = beamc__rpc_channel_connect(*out, CONNECT_MS);
    if (error != NULL)
        beamc__rpc_channel_free(*out);
    return error;
}

static beamc_error *answer_all(refusal *of, beamc__rpc_queue *queue)
{
    beamc__rpc_channel *channel;
    beamc__rpc_stream *stream;

    BEAMC_TRY(reach(&channel, of, queue, of->flags->control_endpoint));
    beamc_error *error = beamc__rpc_stream_open(&stream, channel, CONTROL, &handlers, of, NULL);
    if (error == NULL) {
        uv_mutex_lock(&of->lock);
        while (!of->ended)
            uv_cond_wait(&of->changed, &of->lock);
        uv_mutex_unlock(&of->lock);
        beamc__rpc_stream_unref(stream);
    }
    beamc__rpc_channel_free(channel);
    return error;
}

static beamc_error *log_why(const refusal *of, beamc__rpc_queue *queue)
{
    beamc__rpc_channel *channel;
    beamc__log_stream *log;

    if (of->flags->logging_endpoint == NULL)
        return NULL;
    BEAMC_TRY(reach(&channel, of, queue, of->flags->logging_endpoint));
    BEAMC_TRY(beamc__log_stream_open(&log, queue, channel));
    const beamc_log_target target = { beamc__log_stream_sink(log), BEAMC_LOG_INFO, NULL, NULL };
    beamc_log_to(&target, BEAMC_LOG_CRITICAL, "%s", of->why);
    beamc__log_stream_free(log);
    return NULL;
}

void beamc__refusal_serve(const beamc__worker_flags *flags, const beamc_error *why)
{
    refusal of = { .flags = flags };
    beamc__rpc_queue *queue;

    if (flags->id == NULL || flags->control_endpoint == NULL || uv_mutex_init(&of.lock) < 0)
        return;
    if (uv_cond_init(&of.changed) < 0) {
        uv_mutex_destroy(&of.lock);
        return;
    }
    beamc_error_print(why, of.why, sizeof(of.why));
    beamc_error *error = beamc__rpc_queue_new(&queue, "beamc-refusal");
    if (error == NULL) {
        beamc_error_free(log_why(&of, queue)); /* then it is told by the answers */
        error = answer_all(&of, queue);
        beamc__rpc_queue_free(queue);
    }
    beamc_error_free(error); /* then it is told by who called us */
    uv_cond_destroy(&of.changed);
    uv_mutex_destroy(&of.lock);
}
