/* SPDX-License-Identifier: Apache-2.0 */
/* What the client side's files share: channels from within, and the way calls end. */
#ifndef BEAMC_RPC_CHANNEL_CORE_H
#define BEAMC_RPC_CHANNEL_CORE_H

#include "channel.h"
#include "core.h"

struct beamc__rpc_channel {
    grpc_channel *core;
    beamc__rpc_queue *queue;
    beamc__rpc_endpoint endpoint;
    beamc__rpc_calls calls;
    bool tls;
    bool wait_for_ready;
    int64_t timeout_ms;
    grpc_metadata *metadata; /* sent with each call; over `texts` */
    size_t metadata_count;
    char *texts;
};

/* A call of the core's, with one reference. */
grpc_call *beamc__rpc_core_call(beamc__rpc_channel *channel, const char *method,
                                gpr_timespec deadline);

/* Where RECV_STATUS_ON_CLIENT writes to. */
typedef struct {
    grpc_status_code code;
    grpc_slice details;
    const char *error_string;
    grpc_metadata_array metadata;
} beamc__rpc_ending;

void beamc__rpc_ending_init(beamc__rpc_ending *ending);
void beamc__rpc_ending_dispose(beamc__rpc_ending *ending);

/* Fill in what is not zero in an op that is. */
void beamc__rpc_op_head(grpc_op *op, beamc__rpc_channel *channel);
void beamc__rpc_op_status(grpc_op *op, beamc__rpc_ending *ending);

/* The call's method, timeout and channel, as errors tell them. */
typedef struct {
    beamc__rpc_channel *channel;
    const char *method;
    int64_t timeout_ms;
} beamc__rpc_where;

/* Turns an ending into a status and gives it to @told.  If the time was up before there was a
 * connection, it first finds out why there is none, which takes another turn of the queue: both
 * are needed until then.  The error is @told's to free.  Queue thread. */
typedef struct beamc__rpc_verdict beamc__rpc_verdict;
struct beamc__rpc_verdict {
    const beamc__rpc_where *where;
    const beamc__rpc_ending *ending;
    void (*told)(beamc__rpc_verdict *verdict, beamc__rpc_code code, beamc_error *take_error);
};
void beamc__rpc_verdict_start(beamc__rpc_verdict *verdict);

/* Finds out why there is no connection: @told gets NULL if it is none of the usual reasons, or
 * there is one by now. */
typedef void beamc__rpc_told(void *ctx, const char *reason);
BEAMC_MUST_USE beamc_error *beamc__rpc_probe_start(beamc__rpc_channel *channel,
                                                   beamc__rpc_told *told, void *ctx);

#endif
