/* SPDX-License-Identifier: Apache-2.0 */
#include "signals.h"
#include <signal.h>
#include <stdlib.h>
#include <uv.h>

enum { WATCHED = 2 };

static const int watched[WATCHED] = { SIGINT, SIGTERM };

struct beamc__signals {
    uv_loop_t loop; /* of the thread */
    uv_signal_t handles[WATCHED];
    uv_async_t stop;
    uv_thread_t thread;
    beamc__console *console;
    beamc__signals_use use;
    volatile int came; /* written by the thread, atomically */
    volatile int left; /* likewise */
};

/* What follows from the first one, for people. */
static const char *const first_words[] = {
    [BEAMC__SIGNALS_END] = "ending the pipeline; once more kills it",
    [BEAMC__SIGNALS_CANCEL] = "cancelling the job; once more leaves it as it is",
    [BEAMC__SIGNALS_LEAVE] = "leaving the job as it is; once more kills this program",
};

/* Loop thread. */
static void on_first(beamc__signals *signals, int number)
{
    if (signals->use == BEAMC__SIGNALS_LEAVE)
        __atomic_store_n(&signals->left, number, __ATOMIC_RELAXED);
    __atomic_store_n(&signals->came, number, __ATOMIC_RELAXED);
    beamc__console_say(signals->console, "%s: %s", number == SIGINT ? "Ctrl-C" : "SIGTERM",
                       first_words[signals->use]);
}

/* Loop thread. */
static void on_signal(uv_signal_t *handle, int number)
{
    beamc__signals *signals = (beamc__signals *)handle->data;

    if (__atomic_load_n(&signals->came, __ATOMIC_RELAXED) == 0) {
        on_first(signals, number);
    } else if (signals->use == BEAMC__SIGNALS_CANCEL &&
               __atomic_load_n(&signals->left, __ATOMIC_RELAXED) == 0) {
        __atomic_store_n(&signals->left, number, __ATOMIC_RELAXED);
        beamc__console_say(signals->console, "leaving the job; once more kills this program");
    } else {
        for (int i = 0; i < WATCHED; i++)
            uv_signal_stop(&signals->handles[i]);
        raise(number);
    }
}

/* Loop thread. */
static void on_stop(uv_async_t *handle)
{
    beamc__signals *signals = (beamc__signals *)handle->data;

    for (int i = 0; i < WATCHED; i++)
        uv_close((uv_handle_t *)&signals->handles[i], NULL);
    uv_close((uv_handle_t *)&signals->stop, NULL);
}

static void run_loop(void *ctx)
{
    beamc__signals *signals = (beamc__signals *)ctx;

    uv_run(&signals->loop, UV_RUN_DEFAULT);
}

static int start(beamc__signals *signals)
{
    int code = uv_async_init(&signals->loop, &signals->stop, on_stop);

    signals->stop.data = signals;
    for (int i = 0; i < WATCHED; i++) {
        signals->handles[i].data = signals;
        if (code == 0)
            code = uv_signal_init(&signals->loop, &signals->handles[i]);
        if (code == 0)
            code = uv_signal_start(&signals->handles[i], on_signal, watched[i]);
    }
    if (code == 0)
        code = uv_thread_create(&signals->thread, run_loop, signals);
    return code;
}

static void close_handle(uv_handle_t *handle, void *ctx)
{
    (void)ctx;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* Ends a loop that no thread runs. */
static void close_loop(uv_loop_t *loop)
{
    uv_walk(loop, close_handle, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
}

beamc_error *beamc__signals_new(beamc__signals **out, beamc__console *console,
                                beamc__signals_use use)
{
    beamc__signals *signals = (beamc__signals *)calloc(1, sizeof(*signals));

    *out = NULL;
    if (signals == NULL)
        return beamc_error_nomem();
    signals->console = console;
    signals->use = use;
    int code = uv_loop_init(&signals->loop);
    if (code == 0 && (code = start(signals)) != 0)
        close_loop(&signals->loop);
    if (code != 0) {
        free(signals);
        return beamc_error_new(BEAMC_EIO, "watching for signals: %s", uv_strerror(code));
    }
    *out = signals;
    return NULL;
}

void beamc__signals_free(beamc__signals *signals)
{
    if (signals == NULL)
        return;
    uv_async_send(&signals->stop);
    uv_thread_join(&signals->thread);
    close_loop(&signals->loop);
    free(signals);
}

const volatile int *beamc__signals_came(const beamc__signals *signals)
{
    return &signals->came;
}

const volatile int *beamc__signals_left(const beamc__signals *signals)
{
    return &signals->left;
}
