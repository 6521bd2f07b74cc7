/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/log_stream.h"

#include "harness/worker/log_entry.h"
#include "harness/worker/log_limit.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#define METHOD "/org.apache.beam.model.fn_execution.v1.BeamFnLogging/Logging"
#define SEND_LIMIT ((size_t)4 << 20)
#define BATCH_BYTES ((size_t)1 << 20)

enum {
    WAITING_MAX = 10000, /* entries */
    BATCH = 1000,        /* in one message */
    TRACES = 10,         /* stacks of errors in a second, which cost as much as a thousand entries */
    END_MS = 2000,       /* for the last entries */
    CONNECT_MS = 200,
    STEP_NS = 10000000,  /* of waiting */
    RETRY_FIRST_MS = 500, RETRY_MOST_MS = 10000
};

typedef enum {
    OPEN,
    BROKEN, /* it may be opened again */
    OVER
} call_state;

struct beamc__log_stream {
    beamc_log_sink sink;
    beamc__rpc_queue *queue;
    beamc__rpc_channel *channel;
    beamc__rpc_task task;
    uv_mutex_t lock; /* guards what follows */
    uv_cond_t changed;
    beamc__rpc_stream *call;
    call_state state;
    beamc__log_entry *first;
    beamc__log_entry **last;
    size_t waiting;
    bool posted;    /* the task */
    bool finishing; /* our side of the call is ended */
    int64_t retry_ms, next_try_ms;
    uint64_t spilled, lost; /* since it was told */
    int64_t traces_second;
    int traces; /* in that second */
    beamc__log_limit limit;
};

/* ---- what does not go to the runner ---------------------------------------------------------- */

/* With the lock, so that no two of us count on the same room. */
static void spill(beamc__log_stream *stream, const beamc_log_entry *entry)
{
    if (beamc__log_entry_spill(entry))
        stream->spilled++;
    else
        stream->lost++;
}

/* With the lock: those from @first on, and frees them. */
static void spill_list(beamc__log_stream *stream, beamc__log_entry *take_first)
{
    for (beamc__log_entry *next, *each = take_first; each != NULL; each = next) {
        const beamc_log_entry entry = { .level = each->level,
                                        .message = each->message,
                                        .transform = each->transform,
                                        .fields = each->fields,
                                        .field_count = each->field_count };
        next = each->next;
        spill(stream, &entry);
        beamc__log_entry_free(each);
    }
}

static beamc__log_entry *detach(beamc__log_stream *stream)
{
    beamc__log_entry *first = stream->first;

    stream->first = NULL;
    stream->last = &stream->first;
    stream->waiting = 0;
    return first;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* These are called with the lock. */

static void post(beamc__log_stream *stream)
{
    if (stream->posted)
        return;
    stream->posted = true;
    beamc__rpc_queue_post(stream->queue, &stream->task);
}

static void append(beamc__log_stream *stream, beamc__log_entry *take_entry)
{
    *stream->last = take_entry;
    stream->last = &take_entry->next;
    stream->waiting++;
    post(stream);
}

static void add(beamc__log_stream *stream, const beamc_log_entry *from, uintptr_t stack_from)
{
    bool has_room = stream->state == OPEN && !stream->finishing && stream->waiting < WAITING_MAX;
    beamc__log_entry *made = has_room ? beamc__log_entry_new(from, stack_from) : NULL;

    if (made != NULL)
        append(stream, made);
    else
        spill(stream, from);
}

/* An entry of our own, about others. */
static void add_note(beamc__log_stream *stream, const beamc_log_entry *about, const char *text)
{
    beamc_log_entry note = *about;

    note.message = text;
    note.trace = NULL;
    note.field_count = 0;
    add(stream, &note, 0);
}

static bool passes(beamc__log_stream *stream, const beamc_log_entry *from)
{
    uint64_t left_out;
    char text[600];

    /* What is not logged for elements has no need of a limit. */
    if (from->instruction == NULL || from->file == NULL || from->level >= BEAMC_LOG_CRITICAL)
        return true;
    bool goes = beamc__log_limit_pass(&stream->limit, from->file, from->line, from->time_ms,
                                        &left_out);
    if (goes && left_out > 0)
        snprintf(text, sizeof(text), "%" PRIu64 " entries of %s:%d were left out", left_out,
                 from->file, from->line);
    else if (!goes && left_out == 1)
        snprintf(text, sizeof(text),
                 "entries of %s:%d are left out: more than %d, and then %d in a second", from->file,
                 from->line, BEAMC__LOG_BURST, BEAMC__LOG_PER_SECOND);
    else
        return goes;
    add_note(stream, from, text);
    return goes;
}

static bool wants_trace(beamc__log_stream *stream, const beamc_log_entry *from)
{
    int64_t second = from->time_ms / 1000;

    if (from->level < BEAMC_LOG_ERROR || from->trace != NULL)
        return false;
    if (second != stream->traces_second) {
        stream->traces_second = second;
        stream->traces = 0;
    }
    return stream->traces++ < TRACES;
}

static void write_sink(void *ctx, const beamc_log_entry *from)
{
    beamc__log_stream *stream = ctx;
    uintptr_t caller = (uintptr_t)__builtin_return_address(0);

    uv_mutex_lock(&stream->lock);
    if (passes(stream, from))
        add(stream, from, wants_trace(stream, from) ? caller : 0);
    uv_mutex_unlock(&stream->lock);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* Told once the runner takes entries again. */
static void tell_spilled(beamc__log_stream *stream)
{
    const beamc_log_entry about = { .level = BEAMC_LOG_WARN,
                                    .time_ms = (int64_t)time(NULL) * 1000 };
    char text[200];

    if (stream->spilled + stream->lost == 0 || stream->state != OPEN || stream->finishing ||
        stream->waiting > WAITING_MAX / 2)
        return;
    snprintf(text, sizeof(text),
             "%" PRIu64 " log entries went to the worker's standard error, and %" PRIu64
             " are lost: the log service was away, or slow",
             stream->spilled, stream->lost);
    stream->spilled = stream->lost = 0;
    add_note(stream, &about, text);
}

/* With the lock: the next that go together; NULL: none.  Then the task is over, and the stream may be
 * gone. */
static beamc__log_entry *take_batch(beamc__log_stream *stream, size_t *count)
{
    beamc__log_entry *first = stream->first, **end = &stream->first;
    size_t bytes = 0;

    for (*count = 0; *end != NULL && *count < BATCH && bytes < BATCH_BYTES; end = &(*end)->next) {
        bytes += (*end)->size;
        ++*count;
    }
    if (*count == 0) {
        stream->posted = false;
        uv_cond_broadcast(&stream->changed);
        return NULL;
    }
    stream->first = *end;
    if (stream->first == NULL)
        stream->last = &stream->first;
    *end = NULL;
    stream->waiting -= *count;
    return first;
}

/* With the lock: puts a batch back before the others; on_writable lets the task go on. */
static void put_back(beamc__log_stream *stream, beamc__log_entry *first, size_t count)
{
    beamc__log_entry *last = first;

    while (last->next != NULL)
        last = last->next;
    last->next = stream->first;
    if (stream->first == NULL)
        stream->last = &last->next;
    stream->first = first;
    stream->waiting += count;
    stream->posted = false;
    uv_cond_broadcast(&stream->changed);
}

static void free_list(beamc__log_entry *first)
{
    for (beamc__log_entry *next; first != NULL; first = next) {
        next = first->next;
        beamc__log_entry_free(first);
    }
}

/* Queue thread. */
static void send_all(beamc__rpc_task *task)
{
    beamc__log_stream *stream =
        (beamc__log_stream *)(void *)((char *)task - offsetof(beamc__log_stream, task));
    size_t count;

    uv_mutex_lock(&stream->lock);
    for (beamc__log_entry *batch; (batch = take_batch(stream, &count)) != NULL;) {
        beamc__rpc_stream *call = beamc__rpc_stream_ref(stream->call);
        uv_mutex_unlock(&stream->lock);
        beamc__rpc_message *message = beamc__log_entries_pack(batch, count);
        beamc__rpc_sent sent =
            message == NULL ? BEAMC__RPC_NOMEM : beamc__rpc_stream_try_send(call, message);
        beamc__rpc_message_unref(message);
        beamc__rpc_stream_unref(call);
        uv_mutex_lock(&stream->lock);
        if (sent == BEAMC__RPC_FULL) {
            put_back(stream, batch, count);
            break;
        }
        if (sent == BEAMC__RPC_SENT)
            free_list(batch);
        else
            spill_list(stream, batch);
        tell_spilled(stream);
    }
    uv_mutex_unlock(&stream->lock);
}

/* ---- the call -------------------------------------------------------------------------------- */

static void on_writable(void *ctx, beamc__rpc_stream *call BEAMC_UNUSED)
{
    beamc__log_stream *stream = ctx;

    uv_mutex_lock(&stream->lock);
    if (stream->waiting > 0)
        post(stream);
    uv_mutex_unlock(&stream->lock);
}

/* The runner's end is the end; what it could not take any more is not lost for all that. */
static void on_end(void *ctx, beamc__rpc_stream *call BEAMC_UNUSED,
                   const beamc__rpc_status *status)
{
    beamc__log_stream *stream = ctx;
    char reason[512], text[600];

    uv_mutex_lock(&stream->lock);
    bool is_broken = status->error != NULL && !stream->finishing;
    stream->state = is_broken ? BROKEN : OVER;
    stream->next_try_ms = 0;
    if (is_broken) {
        beamc_error_print(status->error, reason, sizeof(reason));
        snprintf(text, sizeof(text), "the log goes on here: %s", reason);
        const beamc_log_entry entry = { .level = BEAMC_LOG_WARN, .message = text };
        (void)beamc__log_entry_spill(&entry); /* none of those that are counted */
    }
    spill_list(stream, detach(stream));
    uv_cond_broadcast(&stream->changed);
    uv_mutex_unlock(&stream->lock);
}

static const beamc__rpc_stream_handlers handlers = { .on_writable = on_writable, .on_end = on_end };

/* With the lock, so that its handlers come after all is set. */
static beamc_error *open_call(beamc__log_stream *stream)
{
    const beamc__rpc_stream_options options = { .send_limit = SEND_LIMIT };
    beamc__rpc_stream *call;

    BEAMC_TRY(beamc__rpc_stream_open(&call, stream->channel, METHOD, &handlers, stream, &options));
    beamc__rpc_stream_unref(stream->call);
    stream->call = call;
    stream->state = OPEN;
    stream->retry_ms = RETRY_FIRST_MS;
    return NULL;
}

void beamc__log_stream_mend(beamc__log_stream *stream, int64_t now_ms)
{
    uv_mutex_lock(&stream->lock);
    bool is_due = stream->state == BROKEN && !stream->finishing && now_ms >= stream->next_try_ms;
    uv_mutex_unlock(&stream->lock);
    if (!is_due)
        return;
    beamc_error *error = beamc__rpc_channel_connect(stream->channel, CONNECT_MS);
    uv_mutex_lock(&stream->lock);
    if (error == NULL && !stream->finishing)
        error = open_call(stream);
    if (error == NULL) {
        tell_spilled(stream);
    } else {
        stream->next_try_ms = now_ms + stream->retry_ms;
        stream->retry_ms *= 2;
        if (stream->retry_ms > RETRY_MOST_MS)
            stream->retry_ms = RETRY_MOST_MS;
    }
    uv_mutex_unlock(&stream->lock);
    beamc_error_free(error); /* it is tried again */
}

/* ---- beginning and end ----------------------------------------------------------------------- */

beamc_error *beamc__log_stream_open(beamc__log_stream **out, beamc__rpc_queue *queue,
                                    beamc__rpc_channel *take_channel)
{
    beamc__log_stream *stream = calloc(1, sizeof(*stream));

    *out = NULL;
    if (stream == NULL || uv_mutex_init(&stream->lock) < 0) {
        free(stream);
        beamc__rpc_channel_free(take_channel);
        return beamc_error_nomem();
    }
    if (uv_cond_init(&stream->changed) < 0) {
        uv_mutex_destroy(&stream->lock);
        free(stream);
        beamc__rpc_channel_free(take_channel);
        return beamc_error_nomem();
    }
    stream->channel = take_channel;
    stream->sink = (beamc_log_sink){ write_sink, stream };
    stream->queue = queue;
    stream->last = &stream->first;
    stream->task.run = send_all;
    uv_mutex_lock(&stream->lock);
    beamc_error *error = open_call(stream);
    uv_mutex_unlock(&stream->lock);
    if (error != NULL) {
        beamc__log_stream_free(stream);
        return error;
    }
    *out = stream;
    return NULL;
}

/* With the lock; false: there is none of the time left.  Time in which the machine stood still is none
 * that the runner had. */
static bool wait_changed(beamc__log_stream *stream, int64_t *left)
{
    const int64_t began = (int64_t)uv_hrtime();

    if (*left <= 0)
        return false;
    uv_cond_timedwait(&stream->changed, &stream->lock, STEP_NS);
    int64_t took = (int64_t)uv_hrtime() - began;
    *left -= took < 2 * STEP_NS ? took : 2 * STEP_NS;
    return true;
}

bool beamc__log_stream_finish(beamc__log_stream *stream, int64_t ms)
{
    int64_t left = ms * 1000000;

    uv_mutex_lock(&stream->lock);
    bool is_first = !stream->finishing;
    stream->finishing = true;
    while (stream->posted || (stream->waiting > 0 && stream->state == OPEN)) {
        if (!wait_changed(stream, &left))
            break;
    }
    beamc__rpc_stream *call = is_first && stream->call != NULL ? beamc__rpc_stream_ref(stream->call)
                                                               : NULL;
    uv_mutex_unlock(&stream->lock);
    if (call != NULL)
        beamc__rpc_stream_half_close(call);
    beamc__rpc_stream_unref(call);
    uv_mutex_lock(&stream->lock);
    /* The runner ends the call when it has read all of it. */
    while (stream->state == OPEN && wait_changed(stream, &left))
        continue;
    bool all = stream->state == OVER && stream->waiting == 0;
    uv_mutex_unlock(&stream->lock);
    return all;
}

void beamc__log_stream_free(beamc__log_stream *stream)
{
    if (stream == NULL)
        return;
    beamc__log_stream_finish(stream, END_MS);
    beamc__rpc_channel_free(stream->channel);
    uv_mutex_lock(&stream->lock);
    while (stream->posted) /* the task is part of the stream: it must have run */
        uv_cond_wait(&stream->changed, &stream->lock);
    spill_list(stream, detach(stream));
    uv_mutex_unlock(&stream->lock);
    beamc__rpc_stream_unref(stream->call);
    uv_cond_destroy(&stream->changed);
    uv_mutex_destroy(&stream->lock);
    free(stream);
}

const beamc_log_sink *beamc__log_stream_sink(const beamc__log_stream *stream)
{
    return &stream->sink;
}
