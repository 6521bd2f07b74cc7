/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include "stream_core.h"
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <stdio.h>
#include <stdlib.h>

enum { METADATA_MAX = 1 << 20 };

/* Other SDKs' workers ping every 20 seconds; hanging up on them helps nobody. */
enum { PING_STRIKES = 0 };

/* Waits for one call of a method, or of any method that no service has. */
typedef struct {
    beamc__rpc_tag tag;
    beamc__rpc_server *server;
    const beamc__rpc_method *method; /* NULL: any other */
    void *ctx;
    void *registered;
    beamc__rpc_queue *queue;
    grpc_call *core;
    grpc_call_details details; /* of any other */
    gpr_timespec deadline;
    grpc_metadata_array metadata;
} door;

struct beamc__rpc_server {
    grpc_server *core;
    beamc__rpc_queue *queue;
    beamc__rpc_endpoint endpoint;
    unsigned port;
    char *url;
    beamc__rpc_calls calls;
    door *doors;
    size_t door_count;
    beamc__rpc_tag down; /* the core has shut down */
    uv_mutex_t lock;     /* guards the three below */
    uv_cond_t changed;
    size_t waiting; /* doors that wait for a call */
    bool is_down;
    bool stopped; /* owner thread */
};

/* ---- a call comes in ---- */

static const beamc__rpc_stream_handlers unary_handlers;

void beamc__rpc_stream_accept(beamc__rpc_stream *stream, const beamc__rpc_stream_handlers *handlers,
                              void *ctx, const beamc__rpc_stream_options *options)
{
    stream->handlers = handlers;
    stream->ctx = ctx;
    uv_mutex_lock(&stream->lock);
    stream->accepted = true;
    stream->head_due = handlers != &unary_handlers;
    if (options != NULL) {
        stream->paused = options->paused;
        if (options->send_limit > 0)
            stream->send_limit = options->send_limit;
    }
    uv_mutex_unlock(&stream->lock);
    beamc__rpc_stream_pump(stream);
}

static void on_request(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *request)
{
    (void)ctx;
    if (stream->asked) {
        beamc__rpc_stream_finish(stream, BEAMC__RPC_INVALID_ARGUMENT, "more than one request");
        return;
    }
    stream->asked = true;
    stream->unary(stream->unary_ctx, stream, request);
}

static void on_requests_end(void *ctx, beamc__rpc_stream *stream)
{
    (void)ctx;
    if (!stream->asked)
        beamc__rpc_stream_finish(stream, BEAMC__RPC_INVALID_ARGUMENT, "no request");
}

static const beamc__rpc_stream_handlers unary_handlers = {
    .on_message = on_request,
    .on_half_close = on_requests_end,
};

/* The core's slices end with the call, and a stream may outlive it. */
static char *copy_metadata(const grpc_metadata_array *metadata)
{
    size_t size = 1;

    for (size_t i = 0; i < metadata->count; i++)
        size += GRPC_SLICE_LENGTH(metadata->metadata[i].key) +
                GRPC_SLICE_LENGTH(metadata->metadata[i].value) + 2;
    char *text = malloc(size);
    char *at = text;
    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < 2 * metadata->count; i++) {
        const grpc_metadata *one = &metadata->metadata[i / 2];
        const grpc_slice *slice = i % 2 == 0 ? &one->key : &one->value;
        memcpy(at, GRPC_SLICE_START_PTR(*slice), GRPC_SLICE_LENGTH(*slice));
        at += GRPC_SLICE_LENGTH(*slice);
        *at++ = '\0';
    }
    *at = '\0';
    return text;
}

static beamc__rpc_stream *new_stream(const door *at)
{
    beamc__rpc_stream *stream =
        at->method != NULL
            ? beamc__rpc_stream_new(at->method->path, strlen(at->method->path))
            : beamc__rpc_stream_new((const char *)GRPC_SLICE_START_PTR(at->details.method),
                                    GRPC_SLICE_LENGTH(at->details.method));

    if (stream == NULL)
        return NULL;
    char *peer = grpc_call_get_peer(at->core);
    stream->peer = strdup(peer);
    gpr_free(peer);
    stream->metadata = copy_metadata(&at->metadata);
    stream->is_server = true;
    stream->calls = &at->server->calls;
    stream->queue = at->queue;
    stream->deadline = at->method != NULL ? at->deadline : at->details.deadline;
    if (stream->peer == NULL || stream->metadata == NULL ||
        !beamc__rpc_calls_add(stream->calls, &stream->link)) {
        beamc__rpc_stream_unref(stream);
        return NULL;
    }
    return stream;
}

static void serve(const door *at, beamc__rpc_stream *stream)
{
    if (at->method == NULL) {
        char text[300];
        snprintf(text, sizeof(text), "no such method: %s", stream->method);
        beamc__rpc_stream_finish(stream, BEAMC__RPC_UNIMPLEMENTED, text);
    } else if (at->method->unary != NULL) {
        stream->unary = at->method->unary;
        stream->unary_ctx = at->ctx;
        beamc__rpc_stream_accept(stream, &unary_handlers, NULL, NULL);
    } else {
        at->method->open(at->ctx, stream);
        if (stream->handlers == NULL)
            beamc__rpc_stream_finish(stream, BEAMC__RPC_INTERNAL, "not accepted");
    }
}

/* Takes the call of @at. */
static void take_call(const door *at)
{
    beamc__rpc_stream *stream = new_stream(at);

    if (stream == NULL) {
        /* No memory, or stopping: the core cancels what is dropped. */
        grpc_call_unref(at->core);
        return;
    }
    stream->core = at->core;
    beamc__rpc_stream_ref(stream);
    grpc_op op = { .op = GRPC_OP_RECV_CLOSE_ON_SERVER };
    op.data.recv_close_on_server.cancelled = &stream->cancelled;
    beamc__rpc_stream_begin_close(stream, &op);
    serve(at, stream);
    beamc__rpc_stream_unref(stream);
}

/* Asks for the next call; its tag always comes back. */
static bool wait_for_call(door *at)
{
    grpc_completion_queue *queue = beamc__rpc_queue_core(at->queue);
    grpc_call_error code;

    at->core = NULL;
    grpc_metadata_array_init(&at->metadata);
    void *tag = beamc__rpc_tag_arm(&at->tag);
    if (at->method == NULL) {
        grpc_call_details_init(&at->details);
        code = grpc_server_request_call(at->server->core, &at->core, &at->details, &at->metadata,
                                        queue, queue, tag);
    } else {
        code = grpc_server_request_registered_call(at->server->core, at->registered, &at->core,
                                                   &at->deadline, &at->metadata, NULL, queue, queue,
                                                   tag);
    }
    return code == GRPC_CALL_OK;
}

static void one_less(beamc__rpc_server *server)
{
    uv_mutex_lock(&server->lock);
    server->waiting--;
    uv_cond_broadcast(&server->changed);
    uv_mutex_unlock(&server->lock);
}

static void clean_door(door *at)
{
    grpc_metadata_array_destroy(&at->metadata);
    if (at->method == NULL)
        grpc_call_details_destroy(&at->details);
}

/* The queue's thread of this door. */
static void on_call(beamc__rpc_tag *tag, bool ok)
{
    door *at = BEAMC__RPC_CONTAINER(tag, door, tag);
    door taken = *at;

    if (!ok) {
        clean_door(&taken);
        one_less(at->server);
        return;
    }
    /* The next may come in on this connection while this one is begun. */
    bool waits = wait_for_call(at);
    take_call(&taken);
    clean_door(&taken);
    if (!waits)
        one_less(taken.server);
}

/* ---- making one ---- */

static grpc_arg int_arg(const char *key, int value)
{
    grpc_arg arg = { .type = GRPC_ARG_INTEGER, .key = (char *)key };

    arg.value.integer = value;
    return arg;
}

static grpc_server_credentials *make_credentials(const beamc__rpc_tls *tls)
{
    if (tls == NULL)
        return grpc_insecure_server_credentials_create();
    grpc_ssl_pem_key_cert_pair pair = { tls->private_key, tls->certificate };
    return grpc_ssl_server_credentials_create_ex(
        tls->roots, &pair, 1,
        tls->roots == NULL ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                           : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY,
        NULL);
}

static beamc_error *set_url(beamc__rpc_server *server)
{
    const char *host = server->endpoint.host;

    if (host == NULL) {
        server->url = strdup(server->endpoint.target);
        return server->url == NULL ? beamc_error_nomem() : NULL;
    }
    if (strcmp(host, "0.0.0.0") == 0)
        host = "127.0.0.1";
    else if (strcmp(host, "::") == 0)
        host = "::1";
    size_t size = strlen(host) + 10;
    server->url = malloc(size);
    if (server->url == NULL)
        return beamc_error_nomem();
    snprintf(server->url, size, strchr(host, ':') == NULL ? "%s:%u" : "[%s]:%u", host,
             server->port);
    return NULL;
}

static beamc_error *listen_on(beamc__rpc_server *server, const beamc__rpc_tls *tls)
{
    grpc_server_credentials *credentials = make_credentials(tls);

    if (credentials == NULL)
        return beamc_error_new(BEAMC_EINVAL, "TLS: the certificate or the key cannot be used");
    int port = grpc_server_add_http2_port(server->core, server->endpoint.target, credentials);
    grpc_server_credentials_release(credentials);
    if (port <= 0) {
        BEAMC_TRY(beamc__rpc_endpoint_try_bind(&server->endpoint));
        return beamc_error_new(BEAMC_EINVAL,
                               tls == NULL ? "the address cannot be listened on"
                                           : "TLS: the certificate or the key cannot be used");
    }
    if (server->endpoint.host != NULL)
        server->port = (unsigned)port;
    return set_url(server);
}

static size_t count_methods(const beamc__rpc_service *services, size_t count)
{
    size_t methods = 0;

    for (size_t i = 0; i < count; i++)
        methods += services[i].count;
    return methods;
}

static void init_door(beamc__rpc_server *server, const beamc__rpc_method *method,
                      const beamc__rpc_service *service)
{
    door *at = &server->doors[server->door_count++];

    at->tag.done = on_call;
    at->server = server;
    at->method = method;
    at->queue = server->queue;
    if (service != NULL) {
        at->ctx = service->ctx;
        if (service->queue != NULL)
            at->queue = service->queue;
    }
    grpc_server_register_completion_queue(server->core, beamc__rpc_queue_core(at->queue), NULL);
    if (method != NULL)
        at->registered =
            grpc_server_register_method(server->core, method->path, NULL, GRPC_SRM_PAYLOAD_NONE, 0);
}

static beamc_error *make_doors(beamc__rpc_server *server, const beamc__rpc_service *services,
                               size_t count)
{
    server->doors = calloc(count_methods(services, count) + 1, sizeof(*server->doors));
    if (server->doors == NULL)
        return beamc_error_nomem();
    init_door(server, NULL, NULL);
    for (size_t i = 0; i < count; i++) {
        for (size_t m = 0; m < services[i].count; m++) {
            const beamc__rpc_method *method = &services[i].methods[m];
            init_door(server, method, &services[i]);
            if (server->doors[server->door_count - 1].registered == NULL)
                return beamc_error_new(BEAMC_EEXIST, "method %s is served twice", method->path);
        }
    }
    return NULL;
}

/* Queue thread. */
static void on_down(beamc__rpc_tag *tag, bool ok)
{
    beamc__rpc_server *server = BEAMC__RPC_CONTAINER(tag, beamc__rpc_server, down);

    (void)ok;
    uv_mutex_lock(&server->lock);
    server->is_down = true;
    uv_cond_broadcast(&server->changed);
    uv_mutex_unlock(&server->lock);
}

static void start(beamc__rpc_server *server)
{
    grpc_server_start(server->core);
    server->waiting = server->door_count;
    for (size_t i = 0; i < server->door_count; i++)
        if (!wait_for_call(&server->doors[i]))
            one_less(server);
}

static beamc_error *init_locks(beamc__rpc_server *server)
{
    if (uv_mutex_init(&server->lock) < 0)
        return beamc_error_nomem();
    if (uv_cond_init(&server->changed) < 0) {
        uv_mutex_destroy(&server->lock);
        return beamc_error_nomem();
    }
    if (beamc__rpc_calls_init(&server->calls) == BEAMC_OK)
        return NULL;
    uv_cond_destroy(&server->changed);
    uv_mutex_destroy(&server->lock);
    return beamc_error_nomem();
}

static void init_core(beamc__rpc_server *server)
{
    grpc_arg list[] = {
        int_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, -1),
        int_arg(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, -1),
        int_arg(GRPC_ARG_MAX_METADATA_SIZE, METADATA_MAX),
        /* Two servers on one port would each get some of the calls. */
        int_arg(GRPC_ARG_ALLOW_REUSEPORT, 0),
        int_arg(GRPC_ARG_HTTP2_MAX_PING_STRIKES, PING_STRIKES),
    };
    grpc_channel_args args = { sizeof(list) / sizeof(list[0]), list };

    server->core = grpc_server_create(&args, NULL);
    grpc_server_register_completion_queue(server->core, beamc__rpc_queue_core(server->queue), NULL);
}

static beamc_error *open_server(beamc__rpc_server *server, const beamc__rpc_service *services,
                                size_t count, const beamc__rpc_server_options *options)
{
    const char *url = options->url == NULL ? "127.0.0.1:0" : options->url;
    const beamc__rpc_tls *tls;

    BEAMC_TRY(beamc__rpc_endpoint_parse(&server->endpoint, url, true));
    BEAMC_TRY(beamc__rpc_endpoint_tls(&tls, &server->endpoint, options->tls));
    if (tls != NULL)
        BEAMC_TRY(beamc_error_wrap(beamc__rpc_tls_check(tls, true), "server on %s", url));
    BEAMC_TRY(make_doors(server, services, count));
    BEAMC_TRY(beamc_error_wrap(listen_on(server, tls), "server on %s", url));
    start(server);
    return NULL;
}

beamc_error *beamc__rpc_server_new(beamc__rpc_server **out, beamc__rpc_queue *queue,
                                   const beamc__rpc_service *services, size_t count,
                                   const beamc__rpc_server_options *options)
{
    static const beamc__rpc_server_options none = { 0 };
    beamc__rpc_server *server = calloc(1, sizeof(*server));

    *out = NULL;
    if (server == NULL)
        return beamc_error_nomem();
    server->queue = queue;
    server->down.done = on_down;
    beamc_error *error = init_locks(server);
    if (error != NULL) {
        free(server);
        return error;
    }
    init_core(server);
    error = open_server(server, services, count, options == NULL ? &none : options);
    if (error != NULL) {
        beamc__rpc_server_free(server);
        return error;
    }
    *out = server;
    return NULL;
}

const char *beamc__rpc_server_url(const beamc__rpc_server *server)
{
    return server->url;
}

unsigned beamc__rpc_server_port(const beamc__rpc_server *server)
{
    return server->port;
}

/* ---- stopping ---- */

static void wait_down(beamc__rpc_server *server, int64_t timeout_ms)
{
    uint64_t until = uv_hrtime() + (uint64_t)timeout_ms * 1000000;

    uv_mutex_lock(&server->lock);
    while (!server->is_down) {
        uint64_t now = uv_hrtime();
        if (timeout_ms < 0)
            uv_cond_wait(&server->changed, &server->lock);
        else if (now < until)
            uv_cond_timedwait(&server->changed, &server->lock, until - now);
        else
            break;
    }
    uv_mutex_unlock(&server->lock);
}

void beamc__rpc_server_stop(beamc__rpc_server *server, int64_t grace_ms)
{
    if (server->stopped)
        return;
    server->stopped = true;
    grpc_server_shutdown_and_notify(server->core, beamc__rpc_queue_core(server->queue),
                                    beamc__rpc_tag_arm(&server->down));
    wait_down(server, grace_ms > 0 ? grace_ms : 0);
    beamc__rpc_calls_close(&server->calls);
    grpc_server_cancel_all_calls(server->core);
    wait_down(server, -1);
    uv_mutex_lock(&server->lock);
    while (server->waiting > 0)
        uv_cond_wait(&server->changed, &server->lock);
    uv_mutex_unlock(&server->lock);
    beamc__rpc_calls_wait(&server->calls);
}

void beamc__rpc_server_free(beamc__rpc_server *server)
{
    if (server == NULL)
        return;
    beamc__rpc_server_stop(server, 0);
    grpc_server_destroy(server->core);
    beamc__rpc_endpoint_dispose(&server->endpoint);
    beamc__rpc_calls_dispose(&server->calls);
    uv_cond_destroy(&server->changed);
    uv_mutex_destroy(&server->lock);
    free(server->url);
    free(server->doors);
    free(server);
}
