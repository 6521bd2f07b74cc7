/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/status.h"

#include "harness/worker/stack.h"
#include "harness/worker/threads.h"
#include "sdk/rpc/pack.h"
#include "sdk/rpc/stream.h"
#include <dirent.h>
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#define METHOD "/org.apache.beam.model.fn_execution.v1.BeamFnWorkerStatus/WorkerStatus"
#define SEND_LIMIT ((size_t)16 << 20)
#define ASKED_MAX 16 /* questions that wait */

enum { LINE_SIZE = 512, DEAF_MAX = 4 };

struct beamc__status {
    beamc__status_parts parts;
    beamc__rpc_channel *channel;
    beamc__rpc_stream *stream;
    uv_thread_t thread;
    bool has_thread;
    uv_mutex_t lock; /* guards what follows */
    uv_cond_t changed;
    char *asked[ASKED_MAX]; /* ids, owned */
    size_t asked_count;
    bool ending;
};

/* ---- memory ---------------------------------------------------------------------------------- */

static void print_transform_memory(void *ctx, const char *transform, size_t bytes)
{
    beamc_buffer_printf(ctx, "  transform %s: %zu bytes\n", transform, bytes);
}

static void print_memory(const beamc__status *status, beamc_buffer *text)
{
    size_t resident = 0;

    (void)uv_resident_set_memory(&resident); /* 0 where it is not known */
    beamc_buffer_printf(text, "memory\n  resident: %zu bytes\n", resident);
#if defined(__GLIBC__)
    const struct mallinfo2 heap = mallinfo2();
    beamc_buffer_printf(text, "  heap: %zu bytes in use, %zu free, %zu in mappings of their own\n",
                        heap.uordblks, heap.fordblks, heap.hblkhd);
#endif
    beamc__descriptors_memory(status->parts.descriptors, print_transform_memory, text);
}

/* ---- stacks ---------------------------------------------------------------------------------- */

/* False: it did not answer. */
static bool print_stack(beamc_buffer *text, pid_t thread)
{
    char *lines = malloc(BEAMC__STACK_TEXT);
    beamc__stack stack;

    if (lines == NULL || !beamc__stack_of(thread, &stack)) {
        free(lines);
        return false;
    }
    beamc__stack_print(&stack, lines, BEAMC__STACK_TEXT);
    beamc_buffer_printf(text, "%s", lines);
    free(lines);
    return true;
}

/* ---- bundles --------------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void print_place(beamc_buffer *text, const beamc__plan_place *place, int64_t there_ms,
                        int64_t still_ms)
{
    beamc_buffer_printf(text, "    transform %s (%s): %s", place->transform, place->name,
                        place->phase);
    if (place->element > 0)
        beamc_buffer_printf(text, ", element %" PRIu64, place->element);
    beamc_buffer_printf(text, ", for %" PRId64 " ms, nothing moved for %" PRId64 " ms\n", there_ms,
                        still_ms);
}

static void print_bundle(void *ctx, beamc__activity *activity BEAMC_UNUSED,
                         const beamc__activity_view *view)
{
    const beamc__plan_place *place = &view->place;
    beamc_buffer *text = ctx;
    int64_t now = now_ms();

    beamc_buffer_printf(text,
                        "  %s: descriptor %s, thread %d, for %" PRId64 " ms, %" PRId64
                        " elements read\n",
                        view->instruction, view->descriptor, (int)view->thread,
                        now - view->began_ms, view->elements);
    if (place->transform != NULL)
        print_place(text, place, now - view->there_ms, now - view->still_ms);
    print_stack(text, view->thread);
}

/* ---- threads --------------------------------------------------------------------------------- */

/* The first line of a thread's file; empty if it is gone. */
static void read_line(const char *thread, const char *name, char *out, size_t size)
{
    char path[LINE_SIZE];

    out[0] = '\0';
    snprintf(path, sizeof(path), "/proc/self/task/%s/%s", thread, name);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    if (fgets(out, (int)size, file) != NULL)
        out[strcspn(out, "\n")] = '\0';
    fclose(file);
}

static const char *state_text(char state)
{
    static const struct {
        char state;
        const char *text;
    } texts[] = { { 'R', "runs" }, { 'S', "waits" }, { 'D', "waits for a disk" }, { 'T', "stopped" } };

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        if (texts[i].state == state)
            return texts[i].text;
    }
    return "ends";
}

/* "42 (name) S ppid ... utime stime": fields after the last parenthesis. */
static void print_times(beamc_buffer *text, const char *stat)
{
    const char *at = strrchr(stat, ')');
    unsigned long user, system;
    char state;

    if (at == NULL || sscanf(at + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &state,
                             &user, &system) != 3)
        return;
    beamc_buffer_printf(text, ": %s, %lu ms of processor time", state_text(state),
                        (user + system) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK));
}

/* @deaf: how many have not answered; a few of those are enough waiting.  Bundles' threads are idle, or
 * have been shown with the bundles. */
static void print_thread(beamc_buffer *text, const char *thread, int *deaf)
{
    char name[LINE_SIZE], stat[2 * LINE_SIZE];

    read_line(thread, "comm", name, sizeof(name));
    read_line(thread, "stat", stat, sizeof(stat));
    beamc_buffer_printf(text, "  %s %s", thread, name);
    print_times(text, stat);
    beamc_buffer_append_byte(text, '\n');
    if (*deaf < DEAF_MAX && strcmp(name, BEAMC__THREAD_NAME) != 0)
        *deaf += !print_stack(text, (pid_t)strtol(thread, NULL, 10));
}

static void print_threads(beamc_buffer *text)
{
    DIR *all = opendir("/proc/self/task");
    int deaf = 0;

    if (all == NULL)
        return;
    beamc_buffer_printf(text, "\nthreads\n");
    for (const struct dirent *each; (each = readdir(all)) != NULL;) {
        if (each->d_name[0] != '.')
            print_thread(text, each->d_name, &deaf);
    }
    closedir(all);
}

/* ---- answering ------------------------------------------------------------------------------- */

static void print_all(const beamc__status *status, beamc_buffer *text)
{
    const beamc__status_parts *parts = &status->parts;

    beamc_buffer_printf(text, "worker %s, process %d\n\n", parts->worker_id, (int)getpid());
    print_memory(status, text);
    parts->print_more(parts->ctx, text);
    beamc_buffer_printf(text, "\nactive bundles\n");
    beamc__activities_visit(parts->activities, print_bundle, text);
    print_threads(text);
    beamc_buffer_append_byte(text, '\0');
}

static void answer(const beamc__status *status, char *id)
{
    FN(WorkerStatusResponse) response = FNK(WORKER_STATUS_RESPONSE__INIT);
    beamc_buffer text;

    beamc_buffer_init(&text);
    print_all(status, &text);
    response.id = id;
    if (beamc_buffer_failed(&text))
        response.error = "out of memory";
    else
        response.status_info = (char *)text.data;
    beamc__rpc_message *message = beamc__rpc_pack(&response.base);
    if (message == NULL || beamc__rpc_stream_try_send(status->stream, message) != BEAMC__RPC_SENT)
        beamc__rpc_stream_cancel(status->stream);
    beamc__rpc_message_unref(message);
    beamc_buffer_dispose(&text);
}

static void run(void *arg)
{
    beamc__status *status = arg;

    pthread_setname_np(pthread_self(), "beamc-status");
    uv_mutex_lock(&status->lock);
    for (;;) {
        while (status->asked_count == 0 && !status->ending)
            uv_cond_wait(&status->changed, &status->lock);
        if (status->ending)
            break;
        char *id = status->asked[0];
        status->asked_count--;
        memmove(status->asked, status->asked + 1, status->asked_count * sizeof(*status->asked));
        uv_mutex_unlock(&status->lock);
        answer(status, id);
        free(id);
        uv_mutex_lock(&status->lock);
    }
    uv_mutex_unlock(&status->lock);
}

/* ---- the stream ------------------------------------------------------------------------------ */

/* NULL: malformed, or no memory. */
static char *read_question(beamc__rpc_message *message)
{
    beamc_arena *arena = beamc_arena_new();
    ProtobufCMessage *request;
    char *id = NULL;

    if (arena == NULL)
        return NULL;
    beamc_error *error =
        beamc__rpc_unpack(&request, message, &fn(worker_status_request__descriptor), arena);
    if (error == NULL)
        id = strdup(((FN(WorkerStatusRequest) *)request)->id);
    beamc_error_free(error); /* the stream is ended, which says as much */
    beamc_arena_free(arena);
    return id;
}

/* A runner that asks without waiting for answers is no runner. */
static void on_message(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *message)
{
    beamc__status *status = ctx;
    char *id = read_question(message);

    uv_mutex_lock(&status->lock);
    bool taken = id != NULL && status->asked_count < ASKED_MAX;
    if (taken) {
        status->asked[status->asked_count++] = id;
        uv_cond_signal(&status->changed);
    }
    uv_mutex_unlock(&status->lock);
    if (!taken) {
        free(id);
        beamc__rpc_stream_cancel(stream);
    }
}

static const beamc__rpc_stream_handlers handlers = { .on_message = on_message };

static beamc_error *open_all(beamc__status *status)
{
    const beamc__rpc_stream_options options = { .send_limit = SEND_LIMIT };
    int rc = uv_thread_create(&status->thread, run, status);

    if (rc < 0)
        return beamc_error_new(BEAMC_EIO, "starting a thread: %s", uv_strerror(rc));
    status->has_thread = true;
    return beamc__rpc_stream_open(&status->stream, status->channel, METHOD, &handlers, status,
                                  &options);
}

beamc_error *beamc__status_open(beamc__status **out, beamc__rpc_channel *take_channel,
                                const beamc__status_parts *parts)
{
    beamc__status *status = calloc(1, sizeof(*status));

    *out = NULL;
    if (status == NULL || uv_mutex_init(&status->lock) < 0) {
        free(status);
        beamc__rpc_channel_free(take_channel);
        return beamc_error_nomem();
    }
    if (uv_cond_init(&status->changed) < 0) {
        uv_mutex_destroy(&status->lock);
        free(status);
        beamc__rpc_channel_free(take_channel);
        return beamc_error_nomem();
    }
    status->parts = *parts;
    status->channel = take_channel;
    beamc_error *error = open_all(status);
    if (error != NULL) {
        beamc__status_free(status);
        return error;
    }
    *out = status;
    return NULL;
}

void beamc__status_free(beamc__status *status)
{
    if (status == NULL)
        return;
    uv_mutex_lock(&status->lock);
    status->ending = true;
    uv_cond_broadcast(&status->changed);
    uv_mutex_unlock(&status->lock);
    if (status->has_thread)
        uv_thread_join(&status->thread);
    beamc__rpc_channel_free(status->channel);
    beamc__rpc_stream_unref(status->stream);
    while (status->asked_count > 0)
        free(status->asked[--status->asked_count]);
    uv_cond_destroy(&status->changed);
    uv_mutex_destroy(&status->lock);
    free(status);
}
