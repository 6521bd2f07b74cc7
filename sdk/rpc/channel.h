/* SPDX-License-Identifier: Apache-2.0 */
/* The client's side: a connection to one endpoint, and calls of one request and one response.
 * Streams are in stream.h.
 *
 * Nothing is sent and nobody is connected before the first call.  A channel reconnects by itself; a
 * call that was under way when the connection was lost fails.  Each channel has a connection of its
 * own, so that one's bulk data does not delay another's small messages. */
#ifndef BEAMC_RPC_CHANNEL_H
#define BEAMC_RPC_CHANNEL_H

#include "message.h"
#include "queue.h"
#include "status.h"
#include "tls.h"

typedef struct beamc__rpc_channel beamc__rpc_channel;

/* Sent with each call.  Keys are lower case; values are printable ASCII. */
typedef struct {
    const char *key;
    const char *value;
} beamc__rpc_metadata;

typedef struct {
    const beamc__rpc_tls *tls; /* NULL: plaintext, or as the URL says (endpoint.h) */
    const beamc__rpc_metadata *metadata;
    size_t metadata_count;
    bool wait_for_ready;  /* calls wait for the server to come up instead of failing at once; they
                           * need a timeout */
    bool use_proxy;       /* obey http_proxy and its like; workers' endpoints do not */
    int64_t timeout_ms;   /* of calls that give none; 0: none */
    size_t window;        /* bytes of a stream that may come before they are asked for; 0: the
                           * transport finds out what the connection can carry, and probes for it */
    int64_t keepalive_ms; /* ping an idle connection that has calls this often; 0: never.  Servers
                           * of others hang up on those that ping often */
} beamc__rpc_channel_options;

/** All of @options is borrowed for the call; NULL is all zero. */
BEAMC_MUST_USE beamc_error *beamc__rpc_channel_new(beamc__rpc_channel **out,
                                                   beamc__rpc_queue *queue, const char *url,
                                                   const beamc__rpc_channel_options *options);

/** Cancels all calls, waits until the handlers of each were told its end, and hangs up.  Not on the
 *  queue's thread.  Accepts NULL. */
void beamc__rpc_channel_free(beamc__rpc_channel *channel);

/** Cancels all calls and refuses new ones; does not wait.  Any thread. */
void beamc__rpc_channel_close(beamc__rpc_channel *channel);

/** As it was given.  Any thread. */
const char *beamc__rpc_channel_url(const beamc__rpc_channel *channel);

/** Connects, and waits until that worked.  The error says why it did not.  Any thread but the
 *  queue's. */
BEAMC_MUST_USE beamc_error *beamc__rpc_channel_connect(beamc__rpc_channel *channel,
                                                       int64_t timeout_ms);

/* How a call ended: @response is NULL unless that is OK.  Both are borrowed.  Queue thread. */
typedef void beamc__rpc_done(void *ctx, const beamc__rpc_status *status,
                             beamc__rpc_message *response);

/** Starts a call of @method, "/package.Service/Method", and answers at once; @done is called
 * exactly once unless there is an error now.  @timeout_ms 0: the channel's.  Any thread. */
BEAMC_MUST_USE beamc_error *beamc__rpc_call_start(beamc__rpc_channel *channel, const char *method,
                                                  beamc__rpc_message *request, int64_t timeout_ms,
                                                  beamc__rpc_done *done, void *ctx);

/** Makes a call and waits.  *@response is owned by the caller; *@code, unless NULL, is how it ended
 *  by gRPC's codes.  Any thread but the queue's. */
BEAMC_MUST_USE beamc_error *beamc__rpc_call(beamc__rpc_message **response, beamc__rpc_code *code,
                                            beamc__rpc_channel *channel, const char *method,
                                            beamc__rpc_message *request, int64_t timeout_ms);

#endif
