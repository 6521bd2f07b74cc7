/* SPDX-License-Identifier: Apache-2.0 */
/* Calls are answered on the queue's thread, which must not wait; so workers that were stopped are
 * ended by a thread of their own.
 *
 *     StartWorker --> running --StopWorker--> stopped --> reaper: free */
#include "loopback.h"

#include "harness/worker/worker.h"
#include "proto/beam.h"
#include "sdk/rpc/pack.h"
#include "sdk/rpc/server.h"
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { MESSAGE_SIZE = 1024 };

typedef struct entry entry;
struct entry {
    entry *next;
    beamc__worker *worker;
    char id[];
};

struct beamc__loopback {
    beamc__loopback_options options;
    beamc__rpc_queue *queue;
    beamc__rpc_server *server;
    beamc__rpc_service service;
    uv_mutex_t lock;
    uv_cond_t changed;
    uv_thread_t reaper;
    bool has_reaper;
    entry *running; /* guarded, as all below */
    entry *stopped;
    size_t started;
    bool ending;
};

/* ---- calls; queue's thread ---------------------------------------------------------------------- */

static entry **find(beamc__loopback *pool, const char *id)
{
    entry **at = &pool->running;

    while (*at != NULL && strcmp((*at)->id, id) != 0)
        at = &(*at)->next;
    return at;
}

/* NULL for an endpoint that is not given. */
static const char *url_of(const PB(ApiServiceDescriptor) *endpoint)
{
    return endpoint == NULL || endpoint->url[0] == '\0' ? NULL : endpoint->url;
}

static beamc_error *start_worker(beamc__loopback *pool, const FN(StartWorkerRequest) *request)
{
    const beamc__worker_options options = {
        .id = request->worker_id,
        .control_url = url_of(request->control_endpoint),
        .logging_url = pool->options.log_here ? NULL : url_of(request->logging_endpoint),
        .functions = pool->options.functions,
        .function_count = pool->options.function_count,
        .log_level = pool->options.log_level,
    };
    size_t size = strlen(request->worker_id) + 1;

    if (size == 1 || options.control_url == NULL)
        return beamc_error_new(BEAMC_EINVAL, "worker '%s': %s is missing", request->worker_id,
                               size == 1 ? "its id" : "the control endpoint");
    uv_mutex_lock(&pool->lock);
    bool known = *find(pool, request->worker_id) != NULL;
    uv_mutex_unlock(&pool->lock);
    if (known)
        return beamc_error_new(BEAMC_EEXIST, "worker '%s' is already running",
                               request->worker_id);
    entry *one = calloc(1, sizeof(*one) + size);
    if (one == NULL)
        return beamc_error_nomem();
    memcpy(one->id, request->worker_id, size);
    beamc_error *error = beamc__worker_start(&one->worker, &options);
    if (error != NULL) {
        free(one);
        return beamc_error_wrap(error, "worker '%s'", request->worker_id);
    }
    uv_mutex_lock(&pool->lock);
    one->next = pool->running;
    pool->running = one;
    pool->started++;
    uv_mutex_unlock(&pool->lock);
    return NULL;
}

static beamc_error *stop_worker(beamc__loopback *pool, const char *id)
{
    uv_mutex_lock(&pool->lock);
    entry **at = find(pool, id);
    entry *one = *at;
    if (one != NULL) {
        *at = one->next;
        one->next = pool->stopped;
        pool->stopped = one;
        /* Before the reaper can have it. */
        beamc__worker_stop(one->worker);
        uv_cond_signal(&pool->changed);
    }
    uv_mutex_unlock(&pool->lock);
    return one != NULL ? NULL : beamc_error_new(BEAMC_ENOENT, "no worker '%s' is running", id);
}

static void answer(beamc__rpc_stream *stream, const ProtobufCMessage *response)
{
    beamc__rpc_message *message = beamc__rpc_pack(response);

    if (message != NULL)
        beamc__rpc_reply(stream, message);
    else
        beamc__rpc_stream_finish(stream, BEAMC__RPC_RESOURCE_EXHAUSTED, "out of memory");
    beamc__rpc_message_unref(message);
}

/* The pool's errors are texts in its answers. */
static void answer_start(beamc__loopback *pool, beamc__rpc_stream *stream,
                         const FN(StartWorkerRequest) *request)
{
    FN(StartWorkerResponse) response = FNK(START_WORKER_RESPONSE__INIT);
    char text[MESSAGE_SIZE];
    beamc_error *error = start_worker(pool, request);

    if (error != NULL) {
        beamc_error_print(error, text, sizeof(text));
        response.error = text;
    }
    beamc_error_free(error);
    answer(stream, &response.base);
}

static void answer_stop(beamc__loopback *pool, beamc__rpc_stream *stream,
                        const FN(StopWorkerRequest) *request)
{
    FN(StopWorkerResponse) response = FNK(STOP_WORKER_RESPONSE__INIT);
    char text[MESSAGE_SIZE];
    beamc_error *error = stop_worker(pool, request->worker_id);

    if (error != NULL) {
        beamc_error_print(error, text, sizeof(text));
        response.error = text;
    }
    beamc_error_free(error);
    answer(stream, &response.base);
}

static void on_call(beamc__loopback *pool, beamc__rpc_stream *stream, beamc__rpc_message *message,
                    const ProtobufCMessageDescriptor *type)
{
    beamc_arena *arena = beamc_arena_new();
    ProtobufCMessage *request = NULL;

    beamc_error *error = arena == NULL ? beamc_error_nomem()
                                       : beamc__rpc_unpack(&request, message, type, arena);
    if (error != NULL)
        beamc__rpc_stream_fail(stream, error);
    else if (type == &fn(start_worker_request__descriptor))
        answer_start(pool, stream, (const FN(StartWorkerRequest) *)request);
    else
        answer_stop(pool, stream, (const FN(StopWorkerRequest) *)request);
    beamc_error_free(error);
    beamc_arena_free(arena);
}

static void on_start(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *request)
{
    on_call(ctx, stream, request, &fn(start_worker_request__descriptor));
}

static void on_stop(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *request)
{
    on_call(ctx, stream, request, &fn(stop_worker_request__descriptor));
}

#define SERVICE "/org.apache.beam.model.fn_execution.v1.BeamFnExternalWorkerPool/"

static const beamc__rpc_method methods[] = {
    { .path = SERVICE "StartWorker", .unary = on_start },
    { .path = SERVICE "StopWorker", .unary = on_stop },
};

/* ---- the reaper -------------------------------------------------------------------------------- */

static void free_entry(entry *one)
{
    beamc__worker_free(one->worker);
    free(one);
}

static void reap(void *ctx)
{
    beamc__loopback *pool = ctx;

    uv_mutex_lock(&pool->lock);
    for (;;) {
        entry *one = pool->stopped;
        if (one != NULL) {
            pool->stopped = one->next;
            uv_mutex_unlock(&pool->lock);
            free_entry(one);
            uv_mutex_lock(&pool->lock);
        } else if (pool->ending) {
            break;
        } else {
            uv_cond_wait(&pool->changed, &pool->lock);
        }
    }
    uv_mutex_unlock(&pool->lock);
}

/* ---- the pool ---------------------------------------------------------------------------------- */

static beamc_error *start_serving(beamc__loopback *pool)
{
    if (uv_thread_create(&pool->reaper, reap, pool) < 0)
        return beamc_error_new(BEAMC_ELIMIT, "no thread can be started");
    pool->has_reaper = true;
    BEAMC_TRY(beamc__rpc_queue_new(&pool->queue, "beamc-pool"));
    pool->service = (beamc__rpc_service){ methods, sizeof(methods) / sizeof(*methods), pool, NULL };
    return beamc__rpc_server_new(&pool->server, pool->queue, &pool->service, 1, NULL);
}

beamc_error *beamc__loopback_start(beamc__loopback **out, const beamc__loopback_options *options)
{
    beamc__loopback *pool = calloc(1, sizeof(*pool));

    *out = NULL;
    if (pool == NULL || uv_mutex_init(&pool->lock) < 0) {
        free(pool);
        return beamc_error_nomem();
    }
    if (uv_cond_init(&pool->changed) < 0) {
        uv_mutex_destroy(&pool->lock);
        free(pool);
        return beamc_error_nomem();
    }
    pool->options = *options;
    beamc_error *error = start_serving(pool);
    if (error != NULL) {
        beamc__loopback_free(pool);
        return beamc_error_wrap(error, "starting a worker pool in this program");
    }
    *out = pool;
    return NULL;
}

const char *beamc__loopback_url(const beamc__loopback *pool)
{
    return beamc__rpc_server_url(pool->server);
}

size_t beamc__loopback_started(beamc__loopback *pool)
{
    uv_mutex_lock(&pool->lock);
    size_t started = pool->started;
    uv_mutex_unlock(&pool->lock);
    return started;
}

void beamc__loopback_free(beamc__loopback *pool)
{
    if (pool == NULL)
        return;
    /* No more calls from here on. */
    beamc__rpc_server_free(pool->server);
    for (entry *one = pool->running; one != NULL; one = one->next)
        beamc__worker_stop(one->worker);
    for (entry *one; (one = pool->running) != NULL;) {
        pool->running = one->next;
        free_entry(one);
    }
    uv_mutex_lock(&pool->lock);
    pool->ending = true;
    uv_cond_signal(&pool->changed);
    uv_mutex_unlock(&pool->lock);
    if (pool->has_reaper)
        uv_thread_join(&pool->reaper);
    beamc__rpc_queue_free(pool->queue);
    uv_cond_destroy(&pool->changed);
    uv_mutex_destroy(&pool->lock);
    free(pool);
}
