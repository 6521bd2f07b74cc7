/* SPDX-License-Identifier: Apache-2.0 */
/* Streams from within; the client's side and the server's share them. */
#ifndef BEAMC_RPC_STREAM_CORE_H
#define BEAMC_RPC_STREAM_CORE_H

#include "channel_core.h"
#include "stream.h"

/* One batch of each kind may be under way, and each has its tag:
 *
 *     sent      [initial metadata] [a message] [half-close or status]
 *     received  a message
 *     head      client: the server's initial metadata, without which no message comes
 *     closed    the end of the call
 *
 * `ops` counts them.  Once `closed` is back no batch is begun; when the last is back the call ends.
 */
struct beamc__rpc_stream {
    beamc__rpc_link link; /* among `calls` */
    beamc__rpc_calls *calls;
    beamc__rpc_queue *queue;
    int refs; /* atomic; the call has one until it ends */
    bool is_server;
    const beamc__rpc_stream_handlers *handlers; /* NULL: none wants to know */
    void *ctx;
    char *method; /* owned */
    gpr_timespec deadline;

    uv_mutex_t lock;
    uv_cond_t room;
    grpc_call *core; /* NULL once the call has ended */
    unsigned ops;
    bool over; /* `closed` is back */

    beamc__rpc_tag sent;
    beamc__rpc_task send_failed;
    beamc__rpc_message **waiting; /* a ring of `capacity` */
    size_t first;
    size_t count;
    size_t capacity;
    size_t unsent; /* costs of those waiting and the one under way */
    size_t send_limit;
    size_t under_way; /* cost of that one */
    grpc_byte_buffer *sending;
    bool is_sending;
    bool head_due;
    bool head_sent;
    bool was_full;
    bool finishing; /* nothing is accepted any more */
    bool finished;  /* half-close or status is on its way */
    beamc__rpc_code finish_code;
    char *finish_text; /* owned, or NULL */

    beamc__rpc_tag received;
    beamc__rpc_task receive_failed;
    grpc_byte_buffer *receiving;
    bool is_receiving;
    bool accepted;
    bool paused;
    bool received_all;
    bool draining; /* what still comes is dropped */

    beamc__rpc_tag closed;
    beamc__rpc_task close_failed;

    /* Client. */
    beamc__rpc_tag head;
    grpc_metadata_array head_metadata;
    beamc__rpc_ending ending;
    beamc__rpc_where where;
    beamc__rpc_verdict verdict;

    /* Server. */
    int cancelled;
    char *peer;     /* owned */
    char *metadata; /* owned: key NUL value NUL ... NUL */
    void (*unary)(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *request);
    void *unary_ctx;
    bool asked; /* the one request has come */
};

/* With one reference; NULL: no memory.  Takes no core call yet. */
beamc__rpc_stream *beamc__rpc_stream_new(const char *method, size_t method_size);

/* Lets the call go on: what is due is sent, and received. */
void beamc__rpc_stream_pump(beamc__rpc_stream *stream);

/* Begins the batch that ends the call, after which it may end at any time. */
void beamc__rpc_stream_begin_close(beamc__rpc_stream *stream, const grpc_op *op);

#endif
