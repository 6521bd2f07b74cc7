/* SPDX-License-Identifier: Apache-2.0 */
/* A completion queue and the one thread that sits in it.
 *
 * Channels and servers are bound to a queue, and all their handlers run on its thread, one after
 * the other.  Handlers do not block: a thread that waits serves no other call.  What they need to
 * hand on goes to other threads; what other threads want done here they post. */
#ifndef BEAMC_RPC_QUEUE_H
#define BEAMC_RPC_QUEUE_H

#include <beamc/error.h>
#include <stdint.h>

typedef struct beamc__rpc_queue beamc__rpc_queue;

/** Starts the thread.  @name, of at most 15 bytes, is what debuggers and status pages show. */
BEAMC_MUST_USE beamc_error *beamc__rpc_queue_new(beamc__rpc_queue **out, const char *name);

/** Runs what was posted, and joins the thread: not from the thread itself.  Channels and servers of
 *  this queue are freed before it.  Accepts NULL. */
void beamc__rpc_queue_free(beamc__rpc_queue *queue);

/** Whether the caller is the queue's thread.  Any thread. */
bool beamc__rpc_queue_is_mine(const beamc__rpc_queue *queue);

/* Something posted: part of the poster's object, which lives until it is run. */
typedef struct beamc__rpc_task beamc__rpc_task;
struct beamc__rpc_task {
    beamc__rpc_task *next;
    void (*run)(beamc__rpc_task *task);
};

/** Runs @task on the queue's thread, in the order of posting.  Any thread, also the queue's own. */
void beamc__rpc_queue_post(beamc__rpc_queue *queue, beamc__rpc_task *task);

/* A task for later: part of its owner's object, zero but for task.run. */
typedef struct beamc__rpc_timer beamc__rpc_timer;
struct beamc__rpc_timer {
    beamc__rpc_task task;
    beamc__rpc_timer *next; /* the rest is the queue's */
    uint64_t due;
    bool waits;
};

/** Runs the timer's task on the queue's thread, once, in @delay_ms; one that waits already waits
 * anew. Any thread. */
void beamc__rpc_timer_start(beamc__rpc_queue *queue, beamc__rpc_timer *timer, int64_t delay_ms);

/** It will not run.  False if it did not wait: it has run, or does so at this moment on the queue's
 *  thread.  Timers are stopped before their queue is freed.  Any thread. */
bool beamc__rpc_timer_stop(beamc__rpc_queue *queue, beamc__rpc_timer *timer);

#endif
