/* SPDX-License-Identifier: Apache-2.0 */
/* A server with methods that do what tests need, and what a client's stream has seen. */
#ifndef BEAMC_TEST_RPC_PEER_H
#define BEAMC_TEST_RPC_PEER_H

#include "sdk/rpc/channel.h"
#include "sdk/rpc/rpc.h"
#include "sdk/rpc/server.h"
#include "sdk/rpc/stream.h"
#include <uv.h>

/* How long a test waits for what must come. */
#define PATIENCE_MS 300000

/* Methods of one request:
 *     /test.Calls/Echo      answers the request
 *     /test.Calls/Fail      NOT_FOUND: "no such thing: " and the request
 *     /test.Calls/Later     answers from another thread
 *     /test.Calls/Never     does not answer
 *     /test.Calls/Metadata  the value of the metadata that the request names
 *     /test.Calls/TimeLeft  "none" or "some"
 * and of streams:
 *     /test.Streams/Echo    sends back what comes, as fast as it goes; ends at half-close
 *     /test.Streams/Many    a request "COUNT SIZE", answered by so many messages
 *     /test.Streams/Sum     counts the bytes, answered as a number at half-close
 *     /test.Streams/Hold    reads nothing until peer_resume, then drops it; ends at half-close
 *     /test.Streams/Refuse  ABORTED: "not today", whatever comes
 *     /test.Streams/Chop    ABORTED after the first message, with more of them unread */
typedef struct {
    beamc__rpc_queue *client_queue;
    beamc__rpc_queue *server_queue;
    beamc__rpc_queue *bulk_queue; /* of the streams */
    beamc__rpc_server *server;
    beamc__rpc_channel *channel;
    uv_mutex_t lock;
    uv_cond_t changed;
    beamc__rpc_stream *held; /* the last of Hold or Never */
    int open;                /* streams accepted and not ended */
    int cancelled;           /* of those that ended, the ones whose client went away */
    bool half_closed;        /* a held stream was, properly */
} peer;

/* Checked fixtures: the library, queues, a server on a free port, and a channel to it. */
void peer_setup(void);
void peer_teardown(void);
extern peer the_peer;

/* A server of one's own with them. */
beamc__rpc_server *peer_server(const beamc__rpc_server_options *options);
beamc__rpc_channel *peer_channel(const char *url, const beamc__rpc_channel_options *options);

/* Waits for a stream to be held; the reference is the caller's. */
beamc__rpc_stream *peer_held(void);
/* Waits until no stream is open on the server. */
void peer_wait_closed(void);

/* What has come to a stream.  Messages are kept while `keep` is set, else counted only. */
typedef struct {
    uv_mutex_t lock;
    uv_cond_t changed;
    beamc__rpc_stream *stream;
    size_t count;
    size_t bytes;
    bool keep;
    beamc__rpc_message *kept[1100];
    size_t kept_count;
    int writable;
    bool ended;
    int ends;
    beamc__rpc_code code;
    char text[1000];
} inbox;

extern const beamc__rpc_stream_handlers inbox_handlers;

void inbox_open(inbox *box, beamc__rpc_channel *channel, const char *method,
                const beamc__rpc_stream_options *options);
/* Unreferences the stream and all messages; the call must have ended. */
void inbox_close(inbox *box);
void inbox_wait_count(inbox *box, size_t count);
void inbox_wait_end(inbox *box);

/* Sends @size bytes of a pattern that begins at @from, waiting for room. */
void send_pattern(beamc__rpc_stream *stream, size_t size, unsigned from);
beamc__rpc_message *make_pattern(size_t size, unsigned from);
void check_pattern(const beamc__rpc_message *message, size_t size, unsigned from);

/* A call of one request with texts; the answer is valid until the next. */
const char *ask(beamc__rpc_channel *channel, const char *method, const char *request);
/* The error of one that must fail. */
const char *ask_failing(beamc__rpc_code *code, beamc__rpc_channel *channel, const char *method,
                        const char *request, int64_t timeout_ms);

/* All of an error as text, freed; valid until the next call. */
const char *error_text(beamc_error *take_error);
/* Fails the test on an error. */
void must(beamc_error *take_error);

#endif
