/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share of the gRPC core; nobody else includes this.
 *
 * Two orders make the rest readable.  Of locks: calls before a call's own; none is held while a
 * handler runs.  Of threads: a batch may be started by any thread, but its tag comes back on the
 * thread of the call's queue, and only there handlers run. */
#ifndef BEAMC_RPC_CORE_H
#define BEAMC_RPC_CORE_H

#include "endpoint.h"
#include "message.h"
#include "queue.h"
#include "status.h"
#include <grpc/grpc.h>
#include <uv.h>

#define BEAMC__RPC_CONTAINER(pointer, type, member)                                                \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* What a completion queue gives back: part of a longer-lived object.  Queue thread. */
typedef struct beamc__rpc_tag beamc__rpc_tag;
struct beamc__rpc_tag {
    void (*done)(beamc__rpc_tag *tag, bool ok);
    int armed; /* atomic */
};

/* What the caller wrote before this is seen by done.  The core does that too, but a sanitizer does
 * not see into it. */
static inline void *beamc__rpc_tag_arm(beamc__rpc_tag *tag)
{
    __atomic_store_n(&tag->armed, 1, __ATOMIC_RELEASE);
    return tag;
}

grpc_completion_queue *beamc__rpc_queue_core(beamc__rpc_queue *queue);

/* ---- messages ---- */

/* Takes @take_buffer; NULL: no memory, and the buffer is gone. */
beamc__rpc_message *beamc__rpc_message_received(grpc_byte_buffer *take_buffer);

/* The message for one send; destroyed by the caller. */
grpc_byte_buffer *beamc__rpc_message_to_core(beamc__rpc_message *message);

/* ---- the calls of a channel or server ---- */

/* One call among them. */
typedef struct beamc__rpc_link beamc__rpc_link;
struct beamc__rpc_link {
    beamc__rpc_link *next;
    beamc__rpc_link *prev;
    void (*cancel)(beamc__rpc_link *link); /* with the lock of the calls held */
};

typedef struct {
    uv_mutex_t lock;
    uv_cond_t less;       /* there is one less */
    beamc__rpc_link head; /* of a ring */
    bool closed;          /* no more may come */
} beamc__rpc_calls;

int beamc__rpc_calls_init(beamc__rpc_calls *calls);
void beamc__rpc_calls_dispose(beamc__rpc_calls *calls);

/* False, and not added, once they are closed. */
bool beamc__rpc_calls_add(beamc__rpc_calls *calls, beamc__rpc_link *link);
void beamc__rpc_calls_remove(beamc__rpc_calls *calls, beamc__rpc_link *link);
/* No more may be added; those there are cancelled. */
void beamc__rpc_calls_close(beamc__rpc_calls *calls);
void beamc__rpc_calls_cancel(beamc__rpc_calls *calls);
/* Waits until there are none. */
void beamc__rpc_calls_wait(beamc__rpc_calls *calls);

/* ---- times ---- */

/* From now; 0 is never. */
gpr_timespec beamc__rpc_deadline(int64_t timeout_ms);

/* A slice over bytes that outlive it. */
static inline grpc_slice beamc__rpc_static_slice(const char *string)
{
    return grpc_slice_from_static_string(string);
}

#endif
