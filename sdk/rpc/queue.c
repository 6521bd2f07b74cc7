/* SPDX-License-Identifier: Apache-2.0 */
/* The core has no call that puts an event of ours into a queue.  An empty batch on any call does
 * it, so each queue has a call that goes nowhere. */
#include "queue.h"

#include "core.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_SIZE = 16 };

#define NEVER UINT64_MAX

struct beamc__rpc_queue {
    grpc_completion_queue *core;
    uv_thread_t thread;
    char name[NAME_SIZE];
    grpc_channel *nowhere;
    grpc_call *poster; /* a call to nowhere */
    uv_mutex_t lock;   /* guards all below */
    beamc__rpc_task *tasks;
    beamc__rpc_task **tail;
    bool woken; /* `wakeup` is on its way */
    beamc__rpc_tag wakeup;
    beamc__rpc_timer *timers; /* the first due first */
    uint64_t next_due;        /* of the first, or NEVER; read without the lock */
};

static void on_wakeup(beamc__rpc_tag *tag, bool ok)
{
    beamc__rpc_queue *queue = BEAMC__RPC_CONTAINER(tag, beamc__rpc_queue, wakeup);

    (void)ok;
    uv_mutex_lock(&queue->lock);
    beamc__rpc_task *task = queue->tasks;
    queue->tasks = NULL;
    queue->tail = &queue->tasks;
    queue->woken = false;
    uv_mutex_unlock(&queue->lock);
    for (beamc__rpc_task *next; task != NULL; task = next) {
        next = task->next;
        task->run(task);
    }
}

/* With the lock. */
static void set_next_due(beamc__rpc_queue *queue)
{
    __atomic_store_n(&queue->next_due, queue->timers == NULL ? NEVER : queue->timers->due,
                     __ATOMIC_RELAXED);
}

/* With the lock. */
static bool unlink_timer(beamc__rpc_queue *queue, beamc__rpc_timer *timer)
{
    if (!timer->waits)
        return false;
    beamc__rpc_timer **at = &queue->timers;
    while (*at != timer)
        at = &(*at)->next;
    *at = timer->next;
    timer->waits = false;
    set_next_due(queue);
    return true;
}

/* With the lock.  There are few timers: a list does. */
static void link_timer(beamc__rpc_queue *queue, beamc__rpc_timer *timer)
{
    beamc__rpc_timer **at = &queue->timers;

    while (*at != NULL && (*at)->due <= timer->due)
        at = &(*at)->next;
    timer->next = *at;
    *at = timer;
    timer->waits = true;
    set_next_due(queue);
}

static void run_timers(beamc__rpc_queue *queue)
{
    uint64_t now = uv_hrtime();

    uv_mutex_lock(&queue->lock);
    while (queue->timers != NULL && queue->timers->due <= now) {
        beamc__rpc_timer *timer = queue->timers;
        unlink_timer(queue, timer);
        uv_mutex_unlock(&queue->lock);
        timer->task.run(&timer->task);
        uv_mutex_lock(&queue->lock);
    }
    uv_mutex_unlock(&queue->lock);
}

/* Runs the timers that are due; answers when the next will be. */
static gpr_timespec next_deadline(beamc__rpc_queue *queue)
{
    uint64_t due = __atomic_load_n(&queue->next_due, __ATOMIC_RELAXED);

    if (due == NEVER)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    if (due <= uv_hrtime()) {
        run_timers(queue);
        due = __atomic_load_n(&queue->next_due, __ATOMIC_RELAXED);
    }
    if (due == NEVER)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    uint64_t now = uv_hrtime();
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_nanos(due > now ? (int64_t)(due - now) : 0, GPR_TIMESPAN));
}

static void drain(beamc__rpc_queue *queue)
{
    for (;;) {
        grpc_event event = grpc_completion_queue_next(queue->core, next_deadline(queue), NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return;
        if (event.type != GRPC_OP_COMPLETE)
            continue;
        beamc__rpc_tag *tag = event.tag;
        (void)__atomic_load_n(&tag->armed, __ATOMIC_ACQUIRE);
        tag->done(tag, event.success != 0);
    }
}

static void run(void *ctx)
{
    beamc__rpc_queue *queue = ctx;

    pthread_setname_np(pthread_self(), queue->name);
    drain(queue);
}

/* Ends the core's part of it; the thread is not there or comes to its end by this. */
static void shut_down(beamc__rpc_queue *queue)
{
    grpc_call_unref(queue->poster);
    grpc_channel_destroy(queue->nowhere);
    grpc_completion_queue_shutdown(queue->core);
}

beamc_error *beamc__rpc_queue_new(beamc__rpc_queue **out, const char *name)
{
    beamc__rpc_queue *queue = calloc(1, sizeof(*queue));

    *out = NULL;
    if (queue == NULL)
        return beamc_error_nomem();
    snprintf(queue->name, sizeof(queue->name), "%s", name);
    queue->tail = &queue->tasks;
    queue->wakeup.done = on_wakeup;
    queue->next_due = NEVER;
    if (uv_mutex_init(&queue->lock) < 0) {
        free(queue);
        return beamc_error_nomem();
    }
    queue->core = grpc_completion_queue_create_for_next(NULL);
    queue->nowhere = grpc_lame_client_channel_create("nowhere", GRPC_STATUS_UNAVAILABLE, "");
    queue->poster =
        grpc_channel_create_call(queue->nowhere, NULL, 0, queue->core, beamc__rpc_static_slice("/"),
                                 NULL, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    int code = uv_thread_create(&queue->thread, run, queue);
    if (code < 0) {
        shut_down(queue);
        drain(queue);
        grpc_completion_queue_destroy(queue->core);
        uv_mutex_destroy(&queue->lock);
        free(queue);
        return beamc_error_new(BEAMC_EIO, "thread %s: %s", name, uv_strerror(code));
    }
    *out = queue;
    return NULL;
}

void beamc__rpc_queue_free(beamc__rpc_queue *queue)
{
    if (queue == NULL)
        return;
    shut_down(queue);
    uv_thread_join(&queue->thread);
    grpc_completion_queue_destroy(queue->core);
    uv_mutex_destroy(&queue->lock);
    free(queue);
}

bool beamc__rpc_queue_is_mine(const beamc__rpc_queue *queue)
{
    uv_thread_t self = uv_thread_self();

    return uv_thread_equal(&queue->thread, &self) != 0;
}

/* With the lock. */
static void wake(beamc__rpc_queue *queue)
{
    if (queue->woken)
        return;
    queue->woken = true;
    grpc_call_start_batch(queue->poster, NULL, 0, beamc__rpc_tag_arm(&queue->wakeup), NULL);
}

void beamc__rpc_queue_post(beamc__rpc_queue *queue, beamc__rpc_task *task)
{
    task->next = NULL;
    uv_mutex_lock(&queue->lock);
    *queue->tail = task;
    queue->tail = &task->next;
    wake(queue);
    uv_mutex_unlock(&queue->lock);
}

void beamc__rpc_timer_start(beamc__rpc_queue *queue, beamc__rpc_timer *timer, int64_t delay_ms)
{
    uint64_t due = uv_hrtime() + (uint64_t)(delay_ms > 0 ? delay_ms : 0) * 1000000;

    uv_mutex_lock(&queue->lock);
    unlink_timer(queue, timer);
    uint64_t expected = queue->next_due;
    timer->due = due;
    link_timer(queue, timer);
    /* The thread sleeps until a later time; its own handlers come back to look. */
    if (due < expected && !beamc__rpc_queue_is_mine(queue))
        wake(queue);
    uv_mutex_unlock(&queue->lock);
}

bool beamc__rpc_timer_stop(beamc__rpc_queue *queue, beamc__rpc_timer *timer)
{
    uv_mutex_lock(&queue->lock);
    bool waited = unlink_timer(queue, timer);
    uv_mutex_unlock(&queue->lock);
    return waited;
}

grpc_completion_queue *beamc__rpc_queue_core(beamc__rpc_queue *queue)
{
    return queue->core;
}

gpr_timespec beamc__rpc_deadline(int64_t timeout_ms)
{
    if (timeout_ms <= 0)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_millis(timeout_ms, GPR_TIMESPAN));
}
