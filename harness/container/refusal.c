/* SPDX-License-Identifier: Apache-2.0 */
/* Answers go out on the queue's thread.  That is not enough for runners that wait for a worker's
 * data streams before they look at answers; so the caller's thread asks for the descriptors of
 * bundles and opens the streams that they name, on which nothing is ever sent. */
#include "refusal.h"

#include "harness/container/serving.h"
#include "harness/worker/log_stream.h"
#include "proto/unpack.h"
#include "proto/urns.h"
#include "sdk/base/arena_proto.h"
#include "sdk/rpc/pack.h"
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define SERVICE    "/org.apache.beam.model.fn_execution.v1."
#define CONTROL    SERVICE "BeamFnControl/Control"
#define DESCRIPTOR SERVICE "BeamFnControl/GetProcessBundleDescriptor"
#define DATA       SERVICE "BeamFnData/Data"

enum { TEXT_SIZE = 4096, CONNECT_MS = 60000 };

/* A name of which something is to be done once. */
typedef struct named named;
struct named {
    named *next;
    bool done;
    beamc__rpc_channel *channel; /* of a data stream */
    beamc__rpc_stream *stream;
    char name[];
};

typedef struct {
    const beamc__worker_flags *flags;
    beamc__rpc_queue *queue;
    named *urls; /* data streams; the caller's thread */
    char why[TEXT_SIZE];
    uv_mutex_t lock;
    uv_cond_t changed;
    named *descriptors; /* guarded, as what follows */
    bool ended;
} refusal;

/* Adds @name if it is new; false without memory. */
static bool add_name(named **list, const char *name)
{
    size_t size = strlen(name) + 1;

    for (const named *one = *list; one != NULL; one = one->next)
        if (strcmp(one->name, name) == 0)
            return true;
    named *one = calloc(1, sizeof(*one) + size);
    if (one == NULL)
        return false;
    memcpy(one->name, name, size);
    one->next = *list;
    *list = one;
    return true;
}

static void free_names(named *list)
{
    for (named *one; (one = list) != NULL;) {
        list = one->next;
        beamc__rpc_stream_unref(one->stream);
        beamc__rpc_channel_free(one->channel);
        free(one);
    }
}

/* ---- control; queue's thread ----------------------------------------------------------------- */

/* So that its data streams are opened. */
static void note_bundle(refusal *of, const FN(InstructionRequest) *request)
{
    if (request->request_case != FNK(INSTRUCTION_REQUEST__REQUEST_PROCESS_BUNDLE))
        return;
    uv_mutex_lock(&of->lock);
    /* Without memory the answer will have to do. */
    (void)add_name(&of->descriptors, request->process_bundle->process_bundle_descriptor_id);
    uv_cond_signal(&of->changed);
    uv_mutex_unlock(&of->lock);
}

static beamc__rpc_message *answer_to(refusal *of, beamc__rpc_message *message, beamc_arena *arena)
{
    FN(InstructionResponse) response = FNK(INSTRUCTION_RESPONSE__INIT);
    ProtobufCMessage *request;
    beamc_error *error =
        beamc__rpc_unpack(&request, message, &fn(instruction_request__descriptor), arena);

    if (error != NULL) {
        beamc_error_free(error); /* nobody knows whom to answer */
        return NULL;
    }
    note_bundle(of, (FN(InstructionRequest) *)request);
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

static const beamc__rpc_stream_handlers no_handlers;

/* Opens the data stream to @url, if there is none.  One that cannot be opened is not missed more
 * than before. */
static void open_data(refusal *of, const char *url)
{
    if (!add_name(&of->urls, url) || of->urls->done || strcmp(of->urls->name, url) != 0)
        return;
    of->urls->done = true;
    beamc_error *error = reach(&of->urls->channel, of, of->queue, url);
    if (error != NULL)
        of->urls->channel = NULL;
    else
        error = beamc__rpc_stream_open(&of->urls->stream, of->urls->channel, DATA, &no_handlers, of,
                                       NULL);
    beamc_error_free(error);
}

static void open_port(refusal *of, const PB(PTransform) *transform, beamc_arena *arena)
{
    const PB(FunctionSpec) *spec = transform == NULL ? NULL : transform->spec;
    ProtobufCAllocator allocator = beamc__arena_allocator(arena);

    if (spec == NULL || (strcmp(spec->urn, BEAMC_URN_DATA_SOURCE) != 0 &&
                         strcmp(spec->urn, BEAMC_URN_DATA_SINK) != 0))
        return;
    const FN(RemoteGrpcPort) *port =
        BEAMC__UNPACK(FN(RemoteGrpcPort), fn(remote_grpc_port__descriptor), &allocator,
                      spec->payload.len, spec->payload.data);
    if (port != NULL && port->api_service_descriptor != NULL)
        open_data(of, port->api_service_descriptor->url);
}

static void open_ports(refusal *of, beamc__rpc_channel *control, const char *id)
{
    FN(GetProcessBundleDescriptorRequest)
    request = FNK(GET_PROCESS_BUNDLE_DESCRIPTOR_REQUEST__INIT);
    beamc_arena *arena = beamc_arena_new();
    ProtobufCMessage *response;

    if (arena == NULL)
        return;
    request.process_bundle_descriptor_id = (char *)id;
    beamc_error *error =
        beamc__rpc_call_packed(&response, NULL, control, DESCRIPTOR, &request.base,
                               &fn(process_bundle_descriptor__descriptor), arena, CONNECT_MS);
    if (error == NULL) {
        const FN(ProcessBundleDescriptor) *from = (FN(ProcessBundleDescriptor) *)response;
        for (size_t i = 0; i < from->n_transforms; i++)
            open_port(of, from->transforms[i]->value, arena);
    }
    beamc_error_free(error); /* the answer has gone out all the same */
    beamc_arena_free(arena);
}

/* The next descriptor to look at; NULL: control has ended. */
static const char *next_descriptor(refusal *of)
{
    named *one = NULL;

    uv_mutex_lock(&of->lock);
    while (!of->ended && one == NULL) {
        for (one = of->descriptors; one != NULL && one->done;)
            one = one->next;
        if (one == NULL)
            uv_cond_wait(&of->changed, &of->lock);
    }
    if (of->ended)
        one = NULL;
    if (one != NULL)
        one->done = true;
    uv_mutex_unlock(&of->lock);
    return one == NULL ? NULL : one->name;
}

static beamc_error *answer_all(refusal *of)
{
    beamc__rpc_channel *channel;
    beamc__rpc_stream *stream;
    const char *id;

    BEAMC_TRY(reach(&channel, of, of->queue, of->flags->control_endpoint));
    beamc_error *error = beamc__rpc_stream_open(&stream, channel, CONTROL, &handlers, of, NULL);
    if (error == NULL) {
        while ((id = next_descriptor(of)) != NULL)
            open_ports(of, channel, id);
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
    const beamc_log_target target = { .sink = beamc__log_stream_sink(log),
                                      .level = BEAMC_LOG_INFO };
    beamc_log_to(&target, BEAMC_LOG_CRITICAL, "%s", of->why);
    beamc__log_stream_free(log);
    return NULL;
}

void beamc__refusal_serve(const beamc__worker_flags *flags, const beamc_error *why)
{
    refusal of = { .flags = flags };

    if (flags->id == NULL || flags->control_endpoint == NULL || uv_mutex_init(&of.lock) < 0)
        return;
    if (uv_cond_init(&of.changed) < 0) {
        uv_mutex_destroy(&of.lock);
        return;
    }
    beamc__serving_tell();
    beamc_error_print(why, of.why, sizeof(of.why));
    beamc_error *error = beamc__rpc_queue_new(&of.queue, "beamc-refusal");
    if (error == NULL) {
        beamc_error_free(log_why(&of, of.queue)); /* then it is told by the answers */
        error = answer_all(&of);
        free_names(of.urls);
        free_names(of.descriptors);
        beamc__rpc_queue_free(of.queue);
    }
    beamc_error_free(error); /* then it is told by who called us */
    uv_cond_destroy(&of.changed);
    uv_mutex_destroy(&of.lock);
}
