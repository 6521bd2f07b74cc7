/* SPDX-License-Identifier: Apache-2.0 */
/* The server's side: services are tables of methods, on the queues that they choose. */
#ifndef BEAMC_RPC_SERVER_H
#define BEAMC_RPC_SERVER_H

#include "stream.h"
#include "tls.h"

typedef struct beamc__rpc_server beamc__rpc_server;

/* One of the two functions is set. */
typedef struct {
    const char *path; /* "/package.Service/Method" */
    /* One request, one response: answered by beamc__rpc_reply or beamc__rpc_stream_fail, now or
     * later (then with a reference of @stream kept), from any thread.  @request is borrowed. */
    void (*unary)(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *request);
    /* Any number of either: calls beamc__rpc_stream_accept, or ends the stream. */
    void (*open)(void *ctx, beamc__rpc_stream *stream);
} beamc__rpc_method;

/* Borrowed as long as the server exists. */
typedef struct {
    const beamc__rpc_method *methods;
    size_t count;
    void *ctx;
    beamc__rpc_queue *queue; /* where its handlers run; NULL: the server's */
} beamc__rpc_service;

typedef struct {
    const char *url; /* where to listen; NULL: "127.0.0.1:0", a free port of this machine only */
    const beamc__rpc_tls *tls; /* NULL: plaintext.  With roots, clients need certificates */
} beamc__rpc_server_options;

/** Listens and serves.  @services and the queues live as long as the server; other paths are
 *  answered UNIMPLEMENTED.  @options is borrowed for the call; NULL is all zero. */
BEAMC_MUST_USE beamc_error *beamc__rpc_server_new(beamc__rpc_server **out, beamc__rpc_queue *queue,
                                                  const beamc__rpc_service *services, size_t count,
                                                  const beamc__rpc_server_options *options);

/** What a client on this machine connects to, e.g. "127.0.0.1:41231"; borrowed. */
const char *beamc__rpc_server_url(const beamc__rpc_server *server);
/** 0 on a unix socket. */
unsigned beamc__rpc_server_port(const beamc__rpc_server *server);

/** Accepts no more calls, lets those under way end for @grace_ms (0: no time), then cancels them;
 *  returns when all have ended and their handlers know.  Once; not on a thread of its queues. */
void beamc__rpc_server_stop(beamc__rpc_server *server, int64_t grace_ms);

/** Stops it, if that was not done.  Accepts NULL. */
void beamc__rpc_server_free(beamc__rpc_server *server);

/** In a method's open: from here on @handlers are called with @ctx.  @options may be NULL. */
void beamc__rpc_stream_accept(beamc__rpc_stream *stream, const beamc__rpc_stream_handlers *handlers,
                              void *ctx, const beamc__rpc_stream_options *options);

#endif
