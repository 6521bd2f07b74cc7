/* SPDX-License-Identifier: Apache-2.0 */
#include "peer.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

peer the_peer;

/* ---- waiting ---- */

/* With the lock; fails the test when it takes too long. */
static void wait_changed(uv_cond_t *cond, uv_mutex_t *lock, uint64_t until)
{
    uint64_t now = uv_hrtime();

    if (now >= until || uv_cond_timedwait(cond, lock, until - now) == UV_ETIMEDOUT) {
        uv_mutex_unlock(lock);
        ck_abort_msg("waited too long");
    }
}

static uint64_t patience(void)
{
    return uv_hrtime() + (uint64_t)PATIENCE_MS * 1000000;
}

/* ---- calls of one request ---- */

static void echo(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *request)
{
    (void)ctx;
    beamc__rpc_reply(stream, request);
}

static void fail_call(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *request)
{
    uint8_t *copy;
    const uint8_t *bytes = beamc__rpc_message_flat(request, &copy);
    beamc_error *error = beamc_error_new(BEAMC_ENOENT, "no such thing: %.*s",
                                         (int)beamc__rpc_message_size(request), bytes);

    (void)ctx;
    free(copy);
    beamc__rpc_stream_fail(stream, error);
    beamc_error_free(error);
}

typedef struct {
    uv_thread_t thread;
    beamc__rpc_stream *stream;
    beamc__rpc_message *request;
} later_call;

static void answer_later(void *ctx)
{
    later_call *call = ctx;

    beamc__rpc_reply(call->stream, call->request);
    beamc__rpc_message_unref(call->request);
    beamc__rpc_stream_unref(call->stream);
}

static later_call later_calls[8];
static int later_count;

static void later(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *request)
{
    later_call *call = &later_calls[later_count++];

    (void)ctx;
    call->stream = beamc__rpc_stream_ref(stream);
    call->request = beamc__rpc_message_ref(request);
    uv_thread_create(&call->thread, answer_later, call);
}

static void hold(beamc__rpc_stream *stream)
{
    uv_mutex_lock(&the_peer.lock);
    beamc__rpc_stream *old = the_peer.held;
    the_peer.held = beamc__rpc_stream_ref(stream);
    uv_cond_broadcast(&the_peer.changed);
    uv_mutex_unlock(&the_peer.lock);
    beamc__rpc_stream_unref(old);
}

static void never(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *request)
{
    (void)ctx;
    (void)request;
    hold(stream);
}

static void reply_text(beamc__rpc_stream *stream, const char *text)
{
    beamc__rpc_message *message = beamc__rpc_message_copy(text, strlen(text));

    beamc__rpc_reply(stream, message);
    beamc__rpc_message_unref(message);
}

static void metadata(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *request)
{
    char key[100];
    uint8_t *copy;

    (void)ctx;
    snprintf(key, sizeof(key), "%.*s", (int)beamc__rpc_message_size(request),
             (const char *)beamc__rpc_message_flat(request, &copy));
    free(copy);
    const char *value = beamc__rpc_stream_metadata(stream, key);
    reply_text(stream, value == NULL ? "(none)" : value);
}

static void time_left(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *request)
{
    int64_t left = beamc__rpc_stream_time_left(stream);

    (void)ctx;
    (void)request;
    /* On its way the time is rounded up, and read by another clock. */
    reply_text(stream, left < 0 ? "none" : left > 0 && left < 2 * PATIENCE_MS ? "some" : "wrong");
}

/* ---- streams ---- */

static void opened(void)
{
    uv_mutex_lock(&the_peer.lock);
    the_peer.open++;
    uv_cond_broadcast(&the_peer.changed);
    uv_mutex_unlock(&the_peer.lock);
}

static void closed(void *ctx, beamc__rpc_stream *stream, const beamc__rpc_status *status)
{
    (void)ctx;
    (void)stream;
    uv_mutex_lock(&the_peer.lock);
    the_peer.open--;
    if (status->code != BEAMC__RPC_OK)
        the_peer.cancelled++;
    uv_cond_broadcast(&the_peer.changed);
    uv_mutex_unlock(&the_peer.lock);
}

/* Echo: one message may wait for room, and then nothing is read. */
typedef struct {
    beamc__rpc_message *stuck;
    bool ending;
} echo_state;

static void echo_message(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *message)
{
    echo_state *state = ctx;

    if (beamc__rpc_stream_try_send(stream, message) == BEAMC__RPC_FULL) {
        state->stuck = beamc__rpc_message_ref(message);
        beamc__rpc_stream_pause(stream);
    }
}

static void echo_writable(void *ctx, beamc__rpc_stream *stream)
{
    echo_state *state = ctx;
    beamc__rpc_message *stuck = state->stuck;

    state->stuck = NULL;
    if (stuck == NULL)
        return;
    echo_message(ctx, stream, stuck);
    beamc__rpc_message_unref(stuck);
    if (state->stuck == NULL)
        beamc__rpc_stream_resume(stream);
}

static void finish_ok(void *ctx, beamc__rpc_stream *stream)
{
    (void)ctx;
    beamc__rpc_stream_finish(stream, BEAMC__RPC_OK, NULL);
}

static void echo_end(void *ctx, beamc__rpc_stream *stream, const beamc__rpc_status *status)
{
    echo_state *state = ctx;

    beamc__rpc_message_unref(state->stuck);
    free(state);
    closed(NULL, stream, status);
}

static const beamc__rpc_stream_handlers echo_handlers = {
    .on_message = echo_message,
    .on_half_close = finish_ok,
    .on_writable = echo_writable,
    .on_end = echo_end,
};

static void open_echo(void *ctx, beamc__rpc_stream *stream)
{
    (void)ctx;
    opened();
    beamc__rpc_stream_accept(stream, &echo_handlers, calloc(1, sizeof(echo_state)), NULL);
}

typedef struct {
    size_t left;
    size_t size;
    unsigned from;
} many_state;

static void many_writable(void *ctx, beamc__rpc_stream *stream)
{
    many_state *state = ctx;

    while (state->left > 0) {
        beamc__rpc_message *message = make_pattern(state->size, state->from);
        beamc__rpc_sent sent = beamc__rpc_stream_try_send(stream, message);
        beamc__rpc_message_unref(message);
        if (sent != BEAMC__RPC_SENT)
            return;
        state->left--;
        state->from++;
    }
    beamc__rpc_stream_finish(stream, BEAMC__RPC_OK, NULL);
}

static void many_message(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *message)
{
    many_state *state = ctx;
    char text[100];
    uint8_t *copy;

    snprintf(text, sizeof(text), "%.*s", (int)beamc__rpc_message_size(message),
             (const char *)beamc__rpc_message_flat(message, &copy));
    free(copy);
    sscanf(text, "%zu %zu", &state->left, &state->size);
    many_writable(ctx, stream);
}

static void many_end(void *ctx, beamc__rpc_stream *stream, const beamc__rpc_status *status)
{
    free(ctx);
    closed(NULL, stream, status);
}

static const beamc__rpc_stream_handlers many_handlers = {
    .on_message = many_message,
    .on_writable = many_writable,
    .on_end = many_end,
};

static void open_many(void *ctx, beamc__rpc_stream *stream)
{
    (void)ctx;
    opened();
    beamc__rpc_stream_accept(stream, &many_handlers, calloc(1, sizeof(many_state)), NULL);
}

static void sum_message(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *message)
{
    size_t *sum = ctx;

    (void)stream;
    *sum += beamc__rpc_message_size(message);
}

static void sum_half_close(void *ctx, beamc__rpc_stream *stream)
{
    size_t *sum = ctx;
    char text[40];

    snprintf(text, sizeof(text), "%zu", *sum);
    reply_text(stream, text);
}

static const beamc__rpc_stream_handlers sum_handlers = {
    .on_message = sum_message,
    .on_half_close = sum_half_close,
    .on_end = many_end,
};

static void open_sum(void *ctx, beamc__rpc_stream *stream)
{
    (void)ctx;
    opened();
    beamc__rpc_stream_accept(stream, &sum_handlers, calloc(1, sizeof(size_t)), NULL);
}

static void hold_half_close(void *ctx, beamc__rpc_stream *stream)
{
    uv_mutex_lock(&the_peer.lock);
    the_peer.half_closed = true;
    uv_cond_broadcast(&the_peer.changed);
    uv_mutex_unlock(&the_peer.lock);
    finish_ok(ctx, stream);
}

static const beamc__rpc_stream_handlers hold_handlers = {
    .on_half_close = hold_half_close,
    .on_end = closed,
};

static void open_hold(void *ctx, beamc__rpc_stream *stream)
{
    const beamc__rpc_stream_options options = { .paused = true };

    (void)ctx;
    opened();
    beamc__rpc_stream_accept(stream, &hold_handlers, NULL, &options);
    hold(stream);
}

static void open_refuse(void *ctx, beamc__rpc_stream *stream)
{
    (void)ctx;
    beamc__rpc_stream_finish(stream, BEAMC__RPC_ABORTED, "not today");
}

static void chop_message(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *message)
{
    (void)ctx;
    (void)message;
    beamc__rpc_stream_pause(stream);
    beamc__rpc_stream_finish(stream, BEAMC__RPC_ABORTED, "chopped");
}

static const beamc__rpc_stream_handlers chop_handlers = {
    .on_message = chop_message,
    .on_end = closed,
};

static void open_chop(void *ctx, beamc__rpc_stream *stream)
{
    (void)ctx;
    opened();
    beamc__rpc_stream_accept(stream, &chop_handlers, NULL, NULL);
}

/* ---- the server ---- */

static const beamc__rpc_method calls[] = {
    { .path = "/test.Calls/Echo", .unary = echo },
    { .path = "/test.Calls/Fail", .unary = fail_call },
    { .path = "/test.Calls/Later", .unary = later },
    { .path = "/test.Calls/Never", .unary = never },
    { .path = "/test.Calls/Metadata", .unary = metadata },
    { .path = "/test.Calls/TimeLeft", .unary = time_left },
};

static const beamc__rpc_method streams[] = {
    { .path = "/test.Streams/Echo", .open = open_echo },
    { .path = "/test.Streams/Many", .open = open_many },
    { .path = "/test.Streams/Sum", .open = open_sum },
    { .path = "/test.Streams/Hold", .open = open_hold },
    { .path = "/test.Streams/Refuse", .open = open_refuse },
    { .path = "/test.Streams/Chop", .open = open_chop },
};

beamc__rpc_server *peer_server(const beamc__rpc_server_options *options)
{
    const beamc__rpc_service services[] = {
        { calls, sizeof(calls) / sizeof(calls[0]), NULL, NULL },
        { streams, sizeof(streams) / sizeof(streams[0]), NULL, the_peer.bulk_queue },
    };
    beamc__rpc_server *server = NULL;

    must(beamc__rpc_server_new(&server, the_peer.server_queue, services, 2, options));
    ck_assert_ptr_nonnull(server);
    return server;
}

beamc__rpc_channel *peer_channel(const char *url, const beamc__rpc_channel_options *options)
{
    beamc__rpc_channel *channel = NULL;

    must(beamc__rpc_channel_new(&channel, the_peer.client_queue, url, options));
    ck_assert_ptr_nonnull(channel);
    return channel;
}

void peer_setup(void)
{
    beamc__rpc_init();
    memset(&the_peer, 0, sizeof(the_peer));
    uv_mutex_init(&the_peer.lock);
    uv_cond_init(&the_peer.changed);
    must(beamc__rpc_queue_new(&the_peer.client_queue, "client"));
    must(beamc__rpc_queue_new(&the_peer.server_queue, "server"));
    must(beamc__rpc_queue_new(&the_peer.bulk_queue, "bulk"));
    the_peer.server = peer_server(NULL);
    the_peer.channel = peer_channel(beamc__rpc_server_url(the_peer.server), NULL);
}

void peer_teardown(void)
{
    beamc__rpc_channel_free(the_peer.channel);
    beamc__rpc_server_free(the_peer.server);
    for (; later_count > 0; later_count--)
        uv_thread_join(&later_calls[later_count - 1].thread);
    beamc__rpc_stream_unref(the_peer.held);
    beamc__rpc_queue_free(the_peer.client_queue);
    beamc__rpc_queue_free(the_peer.server_queue);
    beamc__rpc_queue_free(the_peer.bulk_queue);
    uv_cond_destroy(&the_peer.changed);
    uv_mutex_destroy(&the_peer.lock);
    beamc__rpc_shutdown();
}

beamc__rpc_stream *peer_held(void)
{
    uint64_t until = patience();

    uv_mutex_lock(&the_peer.lock);
    while (the_peer.held == NULL)
        wait_changed(&the_peer.changed, &the_peer.lock, until);
    beamc__rpc_stream *stream = the_peer.held;
    the_peer.held = NULL;
    uv_mutex_unlock(&the_peer.lock);
    return stream;
}

void peer_wait_closed(void)
{
    uint64_t until = patience();

    uv_mutex_lock(&the_peer.lock);
    while (the_peer.open > 0)
        wait_changed(&the_peer.changed, &the_peer.lock, until);
    uv_mutex_unlock(&the_peer.lock);
}

/* ---- an inbox ---- */

static void inbox_message(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *message)
{
    inbox *box = ctx;

    (void)stream;
    uv_mutex_lock(&box->lock);
    box->count++;
    box->bytes += beamc__rpc_message_size(message);
    if (box->keep)
        box->kept[box->kept_count++] = beamc__rpc_message_ref(message);
    uv_cond_broadcast(&box->changed);
    uv_mutex_unlock(&box->lock);
}

static void inbox_writable(void *ctx, beamc__rpc_stream *stream)
{
    inbox *box = ctx;

    (void)stream;
    uv_mutex_lock(&box->lock);
    box->writable++;
    uv_cond_broadcast(&box->changed);
    uv_mutex_unlock(&box->lock);
}

static void inbox_end(void *ctx, beamc__rpc_stream *stream, const beamc__rpc_status *status)
{
    inbox *box = ctx;

    (void)stream;
    uv_mutex_lock(&box->lock);
    box->ended = true;
    box->ends++;
    box->code = status->code;
    beamc_error_print(status->error, box->text, sizeof(box->text));
    uv_cond_broadcast(&box->changed);
    uv_mutex_unlock(&box->lock);
}

const beamc__rpc_stream_handlers inbox_handlers = {
    .on_message = inbox_message,
    .on_writable = inbox_writable,
    .on_end = inbox_end,
};

void inbox_open(inbox *box, beamc__rpc_channel *channel, const char *method,
                const beamc__rpc_stream_options *options)
{
    bool keep = box->keep;

    memset(box, 0, sizeof(*box));
    box->keep = keep;
    uv_mutex_init(&box->lock);
    uv_cond_init(&box->changed);
    must(beamc__rpc_stream_open(&box->stream, channel, method, &inbox_handlers, box, options));
}

void inbox_close(inbox *box)
{
    ck_assert(box->ended);
    ck_assert_int_eq(box->ends, 1);
    for (size_t i = 0; i < box->kept_count; i++)
        beamc__rpc_message_unref(box->kept[i]);
    beamc__rpc_stream_unref(box->stream);
    uv_cond_destroy(&box->changed);
    uv_mutex_destroy(&box->lock);
}

void inbox_wait_count(inbox *box, size_t count)
{
    uint64_t until = patience();

    uv_mutex_lock(&box->lock);
    while (box->count < count && !box->ended)
        wait_changed(&box->changed, &box->lock, until);
    size_t have = box->count;
    uv_mutex_unlock(&box->lock);
    if (have < count)
        ck_abort_msg("%zu of %zu messages, then the end: %s", have, count, box->text);
}

void inbox_wait_end(inbox *box)
{
    uint64_t until = patience();

    uv_mutex_lock(&box->lock);
    while (!box->ended)
        wait_changed(&box->changed, &box->lock, until);
    uv_mutex_unlock(&box->lock);
}

/* ---- messages ---- */

beamc__rpc_message *make_pattern(size_t size, unsigned from)
{
    uint8_t *to = NULL;
    beamc__rpc_message *message = beamc__rpc_message_sized(&to, size);

    ck_assert_ptr_nonnull(message);
    for (size_t i = 0; i < size; i++)
        to[i] = (uint8_t)((i * 2654435761u + from) >> 8);
    return message;
}

void check_pattern(const beamc__rpc_message *message, size_t size, unsigned from)
{
    size_t count, at = 0;
    const beamc__rpc_slice *slices = beamc__rpc_message_slices(message, &count);
    beamc__rpc_message *want = make_pattern(size, from);
    const uint8_t *bytes = size == 0 ? NULL : beamc__rpc_message_slices(want, &(size_t){ 0 })->data;

    ck_assert_uint_eq(beamc__rpc_message_size(message), size);
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_gt(slices[i].size, 0);
        ck_assert_uint_le(slices[i].size, size - at);
        ck_assert_int_eq(memcmp(slices[i].data, bytes + at, slices[i].size), 0);
        at += slices[i].size;
    }
    ck_assert_uint_eq(at, size);
    beamc__rpc_message_unref(want);
}

void send_pattern(beamc__rpc_stream *stream, size_t size, unsigned from)
{
    beamc__rpc_message *message = make_pattern(size, from);

    must(beamc__rpc_stream_send(stream, message, PATIENCE_MS));
    beamc__rpc_message_unref(message);
}

/* ---- texts ---- */

const char *error_text(beamc_error *take_error)
{
    static char text[2000];

    beamc_error_print(take_error, text, sizeof(text));
    beamc_error_free(take_error);
    return text;
}

void must(beamc_error *take_error)
{
    if (take_error != NULL)
        ck_abort_msg("%s", error_text(take_error));
}

const char *ask(beamc__rpc_channel *channel, const char *method, const char *request)
{
    static char answer[1000];
    beamc__rpc_message *message = beamc__rpc_message_copy(request, strlen(request));
    beamc__rpc_message *response = NULL;
    beamc__rpc_code code;
    uint8_t *copy;

    must(beamc__rpc_call(&response, &code, channel, method, message, PATIENCE_MS));
    ck_assert_int_eq(code, BEAMC__RPC_OK);
    snprintf(answer, sizeof(answer), "%.*s", (int)beamc__rpc_message_size(response),
             (const char *)beamc__rpc_message_flat(response, &copy));
    free(copy);
    beamc__rpc_message_unref(response);
    beamc__rpc_message_unref(message);
    return answer;
}

const char *ask_failing(beamc__rpc_code *code, beamc__rpc_channel *channel, const char *method,
                        const char *request, int64_t timeout_ms)
{
    beamc__rpc_message *message = beamc__rpc_message_copy(request, strlen(request));
    beamc__rpc_message *response = NULL;
    beamc_error *error = beamc__rpc_call(&response, code, channel, method, message, timeout_ms);

    ck_assert_ptr_null(response);
    ck_assert_ptr_nonnull(error);
    beamc__rpc_message_unref(message);
    return error_text(error);
}
