/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/threads.h"

#include "harness/worker/crash.h"
#include <pthread.h>
#include <stdlib.h>
#include <uv.h>

typedef struct task task;
struct task {
    task *next;
    void (*run)(void *arg);
    void *arg;
};

struct beamc__threads {
    uv_mutex_t lock; /* guards all of it */
    uv_cond_t changed;
    task *first;
    task **last;
    size_t waiting; /* tasks that nobody has taken */
    size_t idle;    /* threads, and those whose tasks are over but for a moment */
    uv_thread_t *all;
    size_t count, most;
    bool ending;
};

beamc__threads *beamc__threads_new(size_t most)
{
    beamc__threads *threads = calloc(1, sizeof(*threads));

    if (threads == NULL)
        return NULL;
    threads->all = calloc(most, sizeof(*threads->all));
    if (threads->all == NULL || uv_mutex_init(&threads->lock) < 0) {
        free(threads->all);
        free(threads);
        return NULL;
    }
    if (uv_cond_init(&threads->changed) < 0) {
        uv_mutex_destroy(&threads->lock);
        free(threads->all);
        free(threads);
        return NULL;
    }
    threads->last = &threads->first;
    threads->most = most;
    return threads;
}

/* Whether the task of this thread said that it is over. */
static __thread bool is_over;

void beamc__threads_over(beamc__threads *threads)
{
    uv_mutex_lock(&threads->lock);
    threads->idle += !is_over;
    is_over = true;
    uv_mutex_unlock(&threads->lock);
}

static void work(void *arg)
{
    beamc__threads *threads = arg;
    beamc__crash_stack stack;

    /* Not that of the thread that made it. */
    pthread_setname_np(pthread_self(), BEAMC__THREAD_NAME);
    beamc__crash_stack_begin(&stack);
    uv_mutex_lock(&threads->lock);
    for (;;) {
        threads->idle += !is_over;
        while (threads->first == NULL && !threads->ending)
            uv_cond_wait(&threads->changed, &threads->lock);
        threads->idle--;
        is_over = false;
        task *taken = threads->first;
        if (taken == NULL)
            break;
        threads->first = taken->next;
        if (threads->first == NULL)
            threads->last = &threads->first;
        threads->waiting--;
        uv_mutex_unlock(&threads->lock);
        taken->run(taken->arg);
        free(taken);
        uv_mutex_lock(&threads->lock);
    }
    uv_mutex_unlock(&threads->lock);
    beamc__crash_stack_end(&stack);
}

void beamc__threads_end(beamc__threads *threads)
{
    if (threads == NULL)
        return;
    uv_mutex_lock(&threads->lock);
    threads->ending = true;
    uv_cond_broadcast(&threads->changed);
    uv_mutex_unlock(&threads->lock);
    for (; threads->count > 0; threads->count--)
        uv_thread_join(&threads->all[threads->count - 1]);
}

void beamc__threads_free(beamc__threads *threads)
{
    if (threads == NULL)
        return;
    beamc__threads_end(threads);
    uv_cond_destroy(&threads->changed);
    uv_mutex_destroy(&threads->lock);
    free(threads->all);
    free(threads);
}

/* With the lock: sees to it that somebody takes the newest task. */
static beamc_error *provide_thread(beamc__threads *threads)
{
    if (threads->ending)
        return beamc_error_new(BEAMC_ECANCELLED, "the worker is stopped");
    if (threads->idle >= threads->waiting || threads->count == threads->most)
        return NULL;
    int rc = uv_thread_create(&threads->all[threads->count], work, threads);
    if (rc == 0) {
        threads->count++;
        return NULL;
    }
    return threads->count > 0 ? NULL /* one of these will come to it */
                              : beamc_error_new(BEAMC_EIO, "starting a thread: %s",
                                                uv_strerror(rc));
}

beamc_error *beamc__threads_start(beamc__threads *threads, void (*run)(void *arg), void *arg)
{
    task *made = malloc(sizeof(*made));

    if (made == NULL)
        return beamc_error_nomem();
    *made = (task){ NULL, run, arg };
    uv_mutex_lock(&threads->lock);
    threads->waiting++;
    beamc_error *error = provide_thread(threads);
    if (error == NULL) {
        *threads->last = made;
        threads->last = &made->next;
        uv_cond_signal(&threads->changed);
    } else {
        threads->waiting--;
        free(made);
    }
    uv_mutex_unlock(&threads->lock);
    return error;
}
