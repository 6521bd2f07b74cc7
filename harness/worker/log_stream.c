/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/log_stream.h"

#include "proto/beam.h"
#include "sdk/base/utf8.h"
#include "sdk/rpc/pack.h"
#include <stdlib.h>
#include <uv.h>

#define METHOD "/org.apache.beam.model.fn_execution.v1.BeamFnLogging/Logging"
#define WAITING_MAX 10000             /* entries */
#define END_MS 2000                   /* for the last entries */
#define SEND_LIMIT ((size_t)4 << 20)

typedef struct entry entry;
struct entry {
    entry *next;
    beamc_log_level level;
    int64_t time_ms;
    const char *instruction; /* these lie behind the struct, or are NULL */
    const char *transform;
    const char *message;
    const char *location;
    const char *trace;
    char thread[16]; /* that logged it */
};

struct beamc__log_stream {
    beamc_log_sink sink;
    beamc__rpc_queue *queue;
    beamc__rpc_channel *channel;
    beamc__rpc_stream *stream;
    uv_mutex_t lock; /* guards what follows */
    uv_cond_t changed;
    entry *first;
    entry **last;
    size_t waiting;
    bool posted;
    bool ended; /* the call */
    beamc__rpc_task task;
};

/* ---- entries --------------------------------------------------------------------------------- */

static char *put(char *to, const char **field, const char *text)
{
    if (text == NULL)
        return to;
    size_t size = strlen(text) + 1;
    memcpy(to, text, size);
    beamc__utf8_clean(to);
    *field = to;
    return to + size;
}

static size_t room_for(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

static entry *entry_new(const beamc_log_entry *from)
{
    char location[512] = "";

    if (from->file != NULL)
        snprintf(location, sizeof(location), "%s:%d", from->file, from->line);
    entry *made = malloc(sizeof(*made) + room_for(from->message) + room_for(from->instruction) +
                         room_for(from->transform) + room_for(location) + room_for(from->trace));
    if (made == NULL)
        return NULL;
    *made = (entry){ .level = from->level, .time_ms = from->time_ms };
    char *to = (char *)(made + 1);
    to = put(to, &made->message, from->message);
    to = put(to, &made->instruction, from->instruction);
    to = put(to, &made->transform, from->transform);
    to = put(to, &made->location, location);
    put(to, &made->trace, from->trace);
    pthread_getname_np(pthread_self(), made->thread, sizeof(made->thread));
    return made;
}

static void write_stderr(const entry *from)
{
    beamc_log_entry plain = { .level = from->level,
                              .time_ms = from->time_ms,
                              .message = from->message,
                              .instruction = from->instruction,
                              .transform = from->transform,
                              .trace = from->trace };
    beamc_log_write_stderr(NULL, &plain);
}

static void write_sink(void *ctx, const beamc_log_entry *from)
{
    beamc__log_stream *stream = ctx;
    entry *made = entry_new(from);

    uv_mutex_lock(&stream->lock);
    bool refused = made == NULL || stream->ended || stream->waiting >= WAITING_MAX;
    if (!refused) {
        *stream->last = made;
        stream->last = &made->next;
        stream->waiting++;
        if (!stream->posted) {
            stream->posted = true;
            beamc__rpc_queue_post(stream->queue, &stream->task);
        }
    }
    uv_mutex_unlock(&stream->lock);
    if (refused) {
        beamc_log_write_stderr(NULL, from);
        free(made);
    }
}

/* ---- sending --------------------------------------------------------------------------------- */

/* Beam's severities have our levels' numbers. */
static void entry_to_proto(const entry *from, FN(LogEntry) *to,
                           Google__Protobuf__Timestamp *timestamp)
{
    fn(log_entry__init)(to);
    google__protobuf__timestamp__init(timestamp);
    timestamp->seconds = from->time_ms / 1000;
    timestamp->nanos = (int32_t)(from->time_ms % 1000) * 1000000;
    to->severity = (FN(LogEntry__Severity__Enum))from->level;
    to->timestamp = timestamp;
    to->message = (char *)from->message;
    if (from->instruction != NULL)
        to->instruction_id = (char *)from->instruction;
    if (from->transform != NULL)
        to->transform_id = (char *)from->transform;
    if (from->location != NULL)
        to->log_location = (char *)from->location;
    if (from->trace != NULL)
        to->trace = (char *)from->trace;
    to->thread = (char *)from->thread;
}

static beamc__rpc_message *make_message(const entry *first, size_t count)
{
    FN(LogEntry) *entries = calloc(count, sizeof(*entries));
    FN(LogEntry) **list = calloc(count, sizeof(*list));
    Google__Protobuf__Timestamp *times = calloc(count, sizeof(*times));
    beamc__rpc_message *message = NULL;

    if (entries != NULL && list != NULL && times != NULL) {
        FN(LogEntry__List) all = FNK(LOG_ENTRY__LIST__INIT);
        for (size_t i = 0; i < count; i++, first = first->next) {
            entry_to_proto(first, &entries[i], &times[i]);
            list[i] = &entries[i];
        }
        all.log_entries = list;
        all.n_log_entries = count;
        message = beamc__rpc_pack(&all.base);
    }
    free(entries);
    free(list);
    free(times);
    return message;
}

/* Once there is nothing the task is over, and the stream may be gone. */
static entry *take_all(beamc__log_stream *stream, size_t *count)
{
    uv_mutex_lock(&stream->lock);
    entry *first = stream->first;
    *count = stream->waiting;
    stream->first = NULL;
    stream->last = &stream->first;
    stream->waiting = 0;
    if (first == NULL) {
        stream->posted = false;
        uv_cond_broadcast(&stream->changed);
    }
    uv_mutex_unlock(&stream->lock);
    return first;
}

static void send_these(beamc__log_stream *stream, entry *take_first, size_t count)
{
    beamc__rpc_message *message = make_message(take_first, count);
    bool sent = message != NULL &&
                beamc__rpc_stream_try_send(stream->stream, message) == BEAMC__RPC_SENT;

    beamc__rpc_message_unref(message);
    for (entry *next, *each = take_first; each != NULL; each = next) {
        next = each->next;
        if (!sent)
            write_stderr(each);
        free(each);
    }
}

/* Queue thread. */
static void send_all(beamc__rpc_task *task)
{
    beamc__log_stream *stream =
        (beamc__log_stream *)(void *)((char *)task - offsetof(beamc__log_stream, task));
    size_t count;

    for (entry *first; (first = take_all(stream, &count)) != NULL;)
        send_these(stream, first, count);
}

/* ---- the stream ------------------------------------------------------------------------------ */

static void on_end(void *ctx, beamc__rpc_stream *call BEAMC_UNUSED,
                   const beamc__rpc_status *status BEAMC_UNUSED)
{
    beamc__log_stream *stream = ctx;

    uv_mutex_lock(&stream->lock);
    stream->ended = true;
    uv_cond_broadcast(&stream->changed);
    uv_mutex_unlock(&stream->lock);
}

static const beamc__rpc_stream_handlers handlers = { .on_end = on_end };

beamc_error *beamc__log_stream_open(beamc__log_stream **out, beamc__rpc_queue *queue,
                                    beamc__rpc_channel *take_channel)
{
    beamc__rpc_stream_options options = { .send_limit = SEND_LIMIT };
    beamc__log_stream *stream = calloc(1, sizeof(*stream));

    *out = NULL;
    if (stream == NULL || uv_mutex_init(&stream->lock) < 0 || uv_cond_init(&stream->changed) < 0) {
        free(stream);
        beamc__rpc_channel_free(take_channel);
        return beamc_error_nomem();
    }
    stream->channel = take_channel;
    stream->sink = (beamc_log_sink){ write_sink, stream };
    stream->queue = queue;
    stream->last = &stream->first;
    stream->task.run = send_all;
    beamc_error *error = beamc__rpc_stream_open(&stream->stream, take_channel, METHOD, &handlers,
                                                stream, &options);
    if (error != NULL) {
        beamc__log_stream_free(stream);
        return error;
    }
    *out = stream;
    return NULL;
}

/* Until the runner has ended the stream, which it does when it has read all of it, or time is up. */
bool beamc__log_stream_finish(beamc__log_stream *stream, int64_t ms)
{
    const uint64_t until = uv_hrtime() + (uint64_t)ms * 1000000;

    uv_mutex_lock(&stream->lock);
    while (stream->posted) /* the task is part of the stream: it must have run */
        uv_cond_wait(&stream->changed, &stream->lock);
    uv_mutex_unlock(&stream->lock);
    beamc__rpc_stream_half_close(stream->stream);
    uv_mutex_lock(&stream->lock);
    while (!stream->ended) {
        uint64_t now = uv_hrtime();
        if (now >= until || uv_cond_timedwait(&stream->changed, &stream->lock, until - now) < 0)
            break;
    }
    bool ended = stream->ended;
    uv_mutex_unlock(&stream->lock);
    return ended;
}

void beamc__log_stream_free(beamc__log_stream *stream)
{
    if (stream == NULL)
        return;
    if (stream->stream != NULL)
        beamc__log_stream_finish(stream, END_MS);
    beamc__rpc_channel_free(stream->channel);
    beamc__rpc_stream_unref(stream->stream);
    uv_cond_destroy(&stream->changed);
    uv_mutex_destroy(&stream->lock);
    free(stream);
}

const beamc_log_sink *beamc__log_stream_sink(const beamc__log_stream *stream)
{
    return &stream->sink;
}
