/* SPDX-License-Identifier: Apache-2.0 */
/* Calls are answered on the queue's thread, which must not wait, so each worker has a thread that
 * does: for the worker to end by itself, or for StopWorker.  A worker goes as soon as either has
 * happened, since runners wait for its connections to end. */
#include "pool.h"

#include "sdk/rpc/pack.h"
#include "sdk/rpc/server.h"
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { MESSAGE_SIZE = 1024 };

typedef struct entry entry;
struct entry {
    entry *next;
    beamc__pool *pool;
    uv_thread_t thread;
    void *worker; /* NULL: it is going, or gone; guarded, as all below */
    bool stopped; /* its name is free again */
    bool ended;   /* the thread does no more */
    char id[];
};

struct beamc__pool {
    const beamc__pool_kind *kind;
    void *ctx;
    const beamc_log_target *log; /* may be NULL */
    bool tell;
    beamc__rpc_queue *queue;
    beamc__rpc_server *server;
    beamc__rpc_service service;
    uv_mutex_t lock;
    entry *first; /* guarded, as all below */
    size_t started;
    bool ending;
};

/* ---- workers --------------------------------------------------------------------------------- */

static void log_end(beamc__pool *pool, const char *id, bool wanted, beamc_error *take_error)
{
    char text[MESSAGE_SIZE];

    if (pool->log != NULL && take_error != NULL && !wanted) {
        beamc_error_print(take_error, text, sizeof(text));
        beamc_log_to(pool->log, BEAMC_LOG_WARN, "worker %s: %s", id, text);
    } else if (pool->log != NULL && pool->tell) {
        beamc_log_to(pool->log, BEAMC_LOG_INFO, "worker %s: %s", id, wanted ? "stopped" : "ended");
    }
    beamc_error_free(take_error); /* whoever stops a worker does not mind how it ends */
}

static void run_worker(void *ctx)
{
    entry *one = ctx;
    beamc__pool *pool = one->pool;

    beamc_error *error = pool->kind->wait(one->worker);
    uv_mutex_lock(&pool->lock);
    void *worker = one->worker;
    bool wanted = one->stopped || pool->ending;
    one->worker = NULL;
    uv_mutex_unlock(&pool->lock);
    log_end(pool, one->id, wanted, error);
    pool->kind->free(worker);
    uv_mutex_lock(&pool->lock);
    one->ended = true;
    uv_mutex_unlock(&pool->lock);
}

static entry *find(beamc__pool *pool, const char *id)
{
    entry *one = pool->first;

    while (one != NULL && (one->stopped || one->worker == NULL || strcmp(one->id, id) != 0))
        one = one->next;
    return one;
}

/* Forgets those that are gone; all of them, waiting for each, if @all. */
static void sweep(beamc__pool *pool, bool all)
{
    entry *gone = NULL;

    uv_mutex_lock(&pool->lock);
    for (entry **at = &pool->first; *at != NULL;) {
        entry *one = *at;
        if (!all && !one->ended) {
            at = &one->next;
            continue;
        }
        *at = one->next;
        one->next = gone;
        gone = one;
    }
    uv_mutex_unlock(&pool->lock);
    for (entry *one; (one = gone) != NULL;) {
        gone = one->next;
        uv_thread_join(&one->thread);
        free(one);
    }
}

/* ---- calls; queue's thread ------------------------------------------------------------------- */

static bool is_given(const PB(ApiServiceDescriptor) *endpoint)
{
    return endpoint != NULL && endpoint->url[0] != '\0';
}

static beamc_error *start_worker(beamc__pool *pool, const FN(StartWorkerRequest) *request)
{
    size_t size = strlen(request->worker_id) + 1;

    if (size == 1 || !is_given(request->control_endpoint))
        return beamc_error_new(BEAMC_EINVAL, "worker '%s': %s is missing", request->worker_id,
                               size == 1 ? "its id" : "the control endpoint");
    uv_mutex_lock(&pool->lock);
    bool known = find(pool, request->worker_id) != NULL;
    uv_mutex_unlock(&pool->lock);
    if (known)
        return beamc_error_new(BEAMC_EEXIST, "worker '%s' is already running", request->worker_id);
    sweep(pool, false);
    entry *one = calloc(1, sizeof(*one) + size);
    if (one == NULL)
        return beamc_error_nomem();
    one->pool = pool;
    memcpy(one->id, request->worker_id, size);
    beamc_error *error = pool->kind->start(pool->ctx, &one->worker, request);
    if (error == NULL && uv_thread_create(&one->thread, run_worker, one) < 0) {
        pool->kind->stop(one->worker);
        beamc_error_free(pool->kind->wait(one->worker)); /* it was stopped */
        pool->kind->free(one->worker);
        error = beamc_error_new(BEAMC_ELIMIT, "no thread can be started");
    }
    if (error != NULL) {
        free(one);
        return beamc_error_wrap(error, "worker '%s'", request->worker_id);
    }
    uv_mutex_lock(&pool->lock);
    one->next = pool->first;
    pool->first = one;
    pool->started++;
    uv_mutex_unlock(&pool->lock);
    return NULL;
}

static beamc_error *stop_worker(beamc__pool *pool, const char *id)
{
    uv_mutex_lock(&pool->lock);
    entry *one = find(pool, id);
    if (one != NULL) {
        one->stopped = true;
        pool->kind->stop(one->worker);
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
static void answer_start(beamc__pool *pool, beamc__rpc_stream *stream,
                         const FN(StartWorkerRequest) *request)
{
    FN(StartWorkerResponse) response = FNK(START_WORKER_RESPONSE__INIT);
    char text[MESSAGE_SIZE];
    const char *caller = beamc__rpc_stream_peer(stream);
    beamc_error *error = start_worker(pool, request);

    if (error != NULL) {
        beamc_error_print(error, text, sizeof(text));
        response.error = text;
    }
    if (pool->log != NULL && pool->tell && error != NULL)
        beamc_log_to(pool->log, BEAMC_LOG_WARN, "%s, as %s is told", text, caller);
    else if (pool->log != NULL && pool->tell)
        beamc_log_to(pool->log, BEAMC_LOG_INFO, "worker %s: started for %s; control is at %s",
                     request->worker_id, caller, request->control_endpoint->url);
    beamc_error_free(error);
    answer(stream, &response.base);
}

static void answer_stop(beamc__pool *pool, beamc__rpc_stream *stream,
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

static void on_call(beamc__pool *pool, beamc__rpc_stream *stream, beamc__rpc_message *message,
                    const ProtobufCMessageDescriptor *type)
{
    beamc_arena *arena = beamc_arena_new();
    ProtobufCMessage *request = NULL;

    beamc_error *error =
        arena == NULL ? beamc_error_nomem() : beamc__rpc_unpack(&request, message, type, arena);
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

/* ---- the pool -------------------------------------------------------------------------------- */

static beamc_error *start_serving(beamc__pool *pool, const char *url)
{
    const beamc__rpc_server_options options = { .url = url };

    BEAMC_TRY(beamc__rpc_queue_new(&pool->queue, "beamc-pool"));
    pool->service = (beamc__rpc_service){ methods, sizeof(methods) / sizeof(*methods), pool, NULL };
    return beamc__rpc_server_new(&pool->server, pool->queue, &pool->service, 1, &options);
}

beamc_error *beamc__pool_start(beamc__pool **out, const beamc__pool_options *options)
{
    beamc__pool *pool = calloc(1, sizeof(*pool));

    *out = NULL;
    if (pool == NULL || uv_mutex_init(&pool->lock) < 0) {
        free(pool);
        return beamc_error_nomem();
    }
    pool->kind = options->kind;
    pool->ctx = options->ctx;
    pool->log = options->log;
    pool->tell = options->tell;
    beamc_error *error = start_serving(pool, options->url);
    if (error != NULL) {
        beamc__pool_free(pool);
        return beamc_error_wrap(error, "starting a worker pool");
    }
    *out = pool;
    return NULL;
}

const char *beamc__pool_url(const beamc__pool *pool)
{
    return beamc__rpc_server_url(pool->server);
}

size_t beamc__pool_started(beamc__pool *pool)
{
    uv_mutex_lock(&pool->lock);
    size_t started = pool->started;
    uv_mutex_unlock(&pool->lock);
    return started;
}

void beamc__pool_free(beamc__pool *pool)
{
    if (pool == NULL)
        return;
    /* No more calls from here on. */
    beamc__rpc_server_free(pool->server);
    uv_mutex_lock(&pool->lock);
    pool->ending = true;
    for (entry *one = pool->first; one != NULL; one = one->next)
        if (one->worker != NULL)
            pool->kind->stop(one->worker);
    uv_mutex_unlock(&pool->lock);
    sweep(pool, true);
    beamc__rpc_queue_free(pool->queue);
    uv_mutex_destroy(&pool->lock);
    free(pool);
}
