/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#include "stream_core.h"
#include <grpc/support/alloc.h>
#include <stdlib.h>

enum { SEND_LIMIT = 1 << 20, RING_MIN = 8 };

/* What a message costs beside its bytes, so that a queue of empty ones is bounded too. */
enum { MESSAGE_COST = 64 };

/* Messages up to this size are put into one packet with those waiting behind them. */
enum { TOGETHER_MAX = 16 << 10 };

/* Other languages accept 8 KB of metadata, with percent signs. */
enum { TEXT_MAX = 4000 };

/* ---- life ---- */

static void cancel(beamc__rpc_link *link)
{
    beamc__rpc_stream_cancel(BEAMC__RPC_CONTAINER(link, beamc__rpc_stream, link));
}

beamc__rpc_stream *beamc__rpc_stream_ref(beamc__rpc_stream *stream)
{
    __atomic_fetch_add(&stream->refs, 1, __ATOMIC_RELAXED);
    return stream;
}

static size_t cost(const beamc__rpc_message *message)
{
    return beamc__rpc_message_size(message) + MESSAGE_COST;
}

static beamc__rpc_message *pop(beamc__rpc_stream *stream)
{
    beamc__rpc_message *message = stream->waiting[stream->first];

    stream->first = (stream->first + 1) % stream->capacity;
    stream->count--;
    return message;
}

static void drop_waiting(beamc__rpc_stream *stream)
{
    while (stream->count > 0) {
        beamc__rpc_message *message = pop(stream);
        stream->unsent -= cost(message);
        beamc__rpc_message_unref(message);
    }
}

void beamc__rpc_stream_unref(beamc__rpc_stream *stream)
{
    if (stream == NULL || __atomic_sub_fetch(&stream->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    drop_waiting(stream);
    free(stream->waiting);
    free(stream->method);
    free(stream->finish_text);
    free(stream->metadata);
    free(stream->peer);
    beamc__rpc_ending_dispose(&stream->ending);
    grpc_metadata_array_destroy(&stream->head_metadata);
    uv_cond_destroy(&stream->room);
    uv_mutex_destroy(&stream->lock);
    free(stream);
}

/* ---- batches ---- */

static void on_verdict(beamc__rpc_verdict *verdict, beamc__rpc_code code, beamc_error *take_error);

/* The call is over for its channel or server; the stream is not, as long as someone refers to it.
 */
static void leave(beamc__rpc_stream *stream)
{
    uv_mutex_lock(&stream->lock);
    grpc_call *core = stream->core;
    stream->core = NULL;
    uv_mutex_unlock(&stream->lock);
    grpc_call_unref(core);
    beamc__rpc_calls_remove(stream->calls, &stream->link);
    beamc__rpc_stream_unref(stream);
}

/* Queue thread.  Takes @take_error. */
static void tell_end(beamc__rpc_stream *stream, beamc__rpc_code code, beamc_error *take_error)
{
    beamc__rpc_status status = { code, take_error };

    if (stream->handlers != NULL && stream->handlers->on_end != NULL)
        stream->handlers->on_end(stream->ctx, stream, &status);
    beamc_error_free(take_error);
    leave(stream);
}

static void on_verdict(beamc__rpc_verdict *verdict, beamc__rpc_code code, beamc_error *take_error)
{
    tell_end(BEAMC__RPC_CONTAINER(verdict, beamc__rpc_stream, verdict), code, take_error);
}

static void end_on_server(beamc__rpc_stream *stream)
{
    bool is_late = beamc__rpc_stream_time_left(stream) == 0;

    if (!stream->cancelled)
        tell_end(stream, BEAMC__RPC_OK, NULL);
    else if (is_late)
        tell_end(stream, BEAMC__RPC_DEADLINE_EXCEEDED,
                 beamc_error_new(BEAMC_ETIMEOUT, "client %s: %s: its time is up",
                                 beamc__rpc_stream_peer(stream), stream->method));
    else
        tell_end(stream, BEAMC__RPC_CANCELLED,
                 beamc_error_new(BEAMC_ECANCELLED, "client %s: %s: cancelled, or went away",
                                 beamc__rpc_stream_peer(stream), stream->method));
}

/* Queue thread.  One batch is back. */
static void op_done(beamc__rpc_stream *stream)
{
    uv_mutex_lock(&stream->lock);
    bool at_end = --stream->ops == 0 && stream->over;
    uv_mutex_unlock(&stream->lock);
    if (!at_end)
        return;
    if (stream->is_server)
        end_on_server(stream);
    else
        beamc__rpc_verdict_start(&stream->verdict);
}

static bool begin(beamc__rpc_stream *stream, const grpc_op *op, beamc__rpc_tag *tag)
{
    uv_mutex_lock(&stream->lock);
    stream->ops++;
    grpc_call *core = stream->core;
    uv_mutex_unlock(&stream->lock);
    if (grpc_call_start_batch(core, op, 1, beamc__rpc_tag_arm(tag), NULL) == GRPC_CALL_OK)
        return true;
    uv_mutex_lock(&stream->lock);
    stream->ops--;
    uv_mutex_unlock(&stream->lock);
    return false;
}

void beamc__rpc_stream_begin_close(beamc__rpc_stream *stream, const grpc_op *op)
{
    if (begin(stream, op, &stream->closed))
        return;
    uv_mutex_lock(&stream->lock);
    stream->ops++;
    uv_mutex_unlock(&stream->lock);
    beamc__rpc_queue_post(stream->queue, &stream->close_failed);
}

/* ---- sending ---- */

static bool push(beamc__rpc_stream *stream, beamc__rpc_message *message)
{
    if (stream->count == stream->capacity) {
        size_t capacity = stream->capacity == 0 ? RING_MIN : 2 * stream->capacity;
        beamc__rpc_message **waiting = malloc(capacity * sizeof(*waiting));
        if (waiting == NULL)
            return false;
        for (size_t i = 0; i < stream->count; i++)
            waiting[i] = stream->waiting[(stream->first + i) % stream->capacity];
        free(stream->waiting);
        stream->waiting = waiting;
        stream->first = 0;
        stream->capacity = capacity;
    }
    stream->waiting[(stream->first + stream->count) % stream->capacity] =
        beamc__rpc_message_ref(message);
    stream->count++;
    stream->unsent += cost(message);
    return true;
}

static void set_head(grpc_op *op, beamc__rpc_stream *stream)
{
    if (stream->is_server)
        op->op = GRPC_OP_SEND_INITIAL_METADATA;
    else
        beamc__rpc_op_head(op, stream->where.channel);
}

static void set_finish(grpc_op *op, beamc__rpc_stream *stream, grpc_slice *details)
{
    if (!stream->is_server) {
        op->op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
        return;
    }
    op->op = GRPC_OP_SEND_STATUS_FROM_SERVER;
    op->data.send_status_from_server.status = (grpc_status_code)stream->finish_code;
    if (stream->finish_text != NULL) {
        *details = grpc_slice_from_copied_string(stream->finish_text);
        op->data.send_status_from_server.status_details = details;
    }
}

/* With the lock, which it gives back: the core works under none of ours.  While is_sending is set
 * nobody else begins to. */
static void pump_send(beamc__rpc_stream *stream)
{
    grpc_slice details = grpc_empty_slice();
    beamc__rpc_message *message = NULL;
    grpc_op ops[3];
    size_t count = 0;

    if (stream->is_sending || stream->over || stream->core == NULL) {
        uv_mutex_unlock(&stream->lock);
        return;
    }
    memset(ops, 0, sizeof(ops));
    if (!stream->head_sent && (stream->head_due || stream->count > 0 || stream->finishing)) {
        set_head(&ops[count++], stream);
        stream->head_sent = true;
    }
    if (stream->count > 0) {
        message = pop(stream);
        stream->under_way = cost(message);
        ops[count].op = GRPC_OP_SEND_MESSAGE;
        if (stream->count > 0 && beamc__rpc_message_size(message) <= TOGETHER_MAX)
            ops[count].flags = GRPC_WRITE_BUFFER_HINT;
        count++;
    }
    if (stream->finishing && !stream->finished && stream->count == 0) {
        set_finish(&ops[count++], stream, &details);
        stream->finished = true;
    }
    if (count > 0) {
        stream->is_sending = true;
        stream->ops++;
    }
    grpc_call *core = stream->core;
    uv_mutex_unlock(&stream->lock);
    if (count == 0)
        return;

    if (message != NULL) {
        stream->sending = beamc__rpc_message_to_core(message);
        beamc__rpc_message_unref(message);
        for (size_t i = 0; i < count; i++)
            if (ops[i].op == GRPC_OP_SEND_MESSAGE)
                ops[i].data.send_message.send_message = stream->sending;
    }
    if (grpc_call_start_batch(core, ops, count, beamc__rpc_tag_arm(&stream->sent), NULL) !=
        GRPC_CALL_OK)
        beamc__rpc_queue_post(stream->queue, &stream->send_failed);
    grpc_slice_unref(details);
}

/* With the lock.  Those who wait are not woken for each message, but once half of the queue is
 * empty: then they put in many before they wait again. */
static bool has_room(beamc__rpc_stream *stream)
{
    if (!stream->was_full || (stream->unsent > stream->send_limit / 2 && !stream->finishing))
        return false;
    stream->was_full = false;
    uv_cond_broadcast(&stream->room);
    return !stream->finishing;
}

/* Queue thread. */
static void on_sent(beamc__rpc_tag *tag, bool ok)
{
    beamc__rpc_stream *stream = BEAMC__RPC_CONTAINER(tag, beamc__rpc_stream, sent);

    grpc_byte_buffer_destroy(stream->sending);
    stream->sending = NULL;
    uv_mutex_lock(&stream->lock);
    stream->is_sending = false;
    stream->unsent -= stream->under_way;
    stream->under_way = 0;
    if (!ok) {
        /* The call is about to end. */
        stream->finishing = stream->finished = true;
        drop_waiting(stream);
    }
    bool writable = has_room(stream);
    /* Unread messages would keep a call from ending whose status is out. */
    if (stream->is_server && stream->finished)
        stream->draining = true;
    bool drain = stream->draining;
    pump_send(stream);
    if (drain)
        beamc__rpc_stream_pump(stream);
    if (writable && stream->handlers != NULL && stream->handlers->on_writable != NULL)
        stream->handlers->on_writable(stream->ctx, stream);
    op_done(stream);
}

static void on_send_failed(beamc__rpc_task *task)
{
    beamc__rpc_stream *stream = BEAMC__RPC_CONTAINER(task, beamc__rpc_stream, send_failed);

    beamc__rpc_stream_cancel(stream);
    on_sent(&stream->sent, false);
}

/* With the lock. */
static bool is_closed(const beamc__rpc_stream *stream)
{
    return stream->finishing || stream->over || stream->core == NULL;
}

/* With the lock. */
static beamc__rpc_sent accept_message(beamc__rpc_stream *stream, beamc__rpc_message *message)
{
    if (is_closed(stream))
        return BEAMC__RPC_ENDED;
    if (stream->unsent > 0 && stream->unsent + cost(message) > stream->send_limit) {
        stream->was_full = true;
        return BEAMC__RPC_FULL;
    }
    return push(stream, message) ? BEAMC__RPC_SENT : BEAMC__RPC_NOMEM;
}

beamc__rpc_sent beamc__rpc_stream_try_send(beamc__rpc_stream *stream, beamc__rpc_message *message)
{
    uv_mutex_lock(&stream->lock);
    beamc__rpc_sent sent = accept_message(stream, message);
    pump_send(stream);
    return sent;
}

beamc_error *beamc__rpc_stream_send(beamc__rpc_stream *stream, beamc__rpc_message *message,
                                    int64_t timeout_ms)
{
    uint64_t until = uv_hrtime() + (uint64_t)timeout_ms * 1000000;
    beamc__rpc_sent sent;

    if (beamc__rpc_queue_is_mine(stream->queue))
        return beamc_error_new(BEAMC_EINVAL, "%s: the queue's own thread must not wait",
                               stream->method);
    uv_mutex_lock(&stream->lock);
    while ((sent = accept_message(stream, message)) == BEAMC__RPC_FULL) {
        uint64_t now = uv_hrtime();
        if (timeout_ms <= 0)
            uv_cond_wait(&stream->room, &stream->lock);
        else if (now < until)
            uv_cond_timedwait(&stream->room, &stream->lock, until - now);
        else
            break;
    }
    pump_send(stream);
    switch (sent) {
    case BEAMC__RPC_SENT:
        return NULL;
    case BEAMC__RPC_FULL:
        return beamc_error_new(BEAMC_ETIMEOUT, "%s: the peer reads nothing for %lld ms",
                               stream->method, (long long)timeout_ms);
    case BEAMC__RPC_ENDED:
        return beamc_error_new(BEAMC_ECANCELLED, "%s: the call has ended", stream->method);
    case BEAMC__RPC_NOMEM:
        break;
    }
    return beamc_error_nomem();
}

beamc__rpc_sent beamc__rpc_stream_push(beamc__rpc_stream *stream, beamc__rpc_message *message)
{
    beamc__rpc_sent sent = BEAMC__RPC_ENDED;

    uv_mutex_lock(&stream->lock);
    if (!is_closed(stream))
        sent = push(stream, message) ? BEAMC__RPC_SENT : BEAMC__RPC_NOMEM;
    pump_send(stream);
    return sent;
}

size_t beamc__rpc_stream_unsent(beamc__rpc_stream *stream)
{
    uv_mutex_lock(&stream->lock);
    size_t unsent = stream->unsent;
    uv_mutex_unlock(&stream->lock);
    return unsent;
}

static void finish(beamc__rpc_stream *stream, beamc__rpc_code code, const char *text)
{
    uv_mutex_lock(&stream->lock);
    if (!stream->finishing) {
        stream->finishing = true;
        stream->finish_code = code;
        stream->finish_text = text == NULL ? NULL : strndup(text, TEXT_MAX);
        uv_cond_broadcast(&stream->room);
    }
    pump_send(stream);
}

void beamc__rpc_stream_half_close(beamc__rpc_stream *stream)
{
    if (!stream->is_server)
        finish(stream, BEAMC__RPC_OK, NULL);
}

void beamc__rpc_stream_finish(beamc__rpc_stream *stream, beamc__rpc_code code, const char *text)
{
    if (stream->is_server)
        finish(stream, code, text);
}

void beamc__rpc_stream_fail(beamc__rpc_stream *stream, const beamc_error *error)
{
    char text[TEXT_MAX + 1];

    beamc_error_print(error, text, sizeof(text));
    beamc__rpc_stream_finish(stream, beamc__rpc_code_of(beamc_error_code(error)),
                             error == NULL ? NULL : text);
}

void beamc__rpc_reply(beamc__rpc_stream *stream, beamc__rpc_message *response)
{
    uv_mutex_lock(&stream->lock);
    bool accepted = !stream->finishing && !stream->over && stream->core != NULL;
    if (accepted && push(stream, response))
        stream->finishing = true;
    else if (accepted)
        accepted = false;
    /* Message and status leave together. */
    pump_send(stream);
    if (!accepted)
        beamc__rpc_stream_finish(stream, BEAMC__RPC_RESOURCE_EXHAUSTED, "out of memory");
}

void beamc__rpc_stream_cancel(beamc__rpc_stream *stream)
{
    uv_mutex_lock(&stream->lock);
    if (stream->core != NULL)
        grpc_call_cancel(stream->core, NULL);
    uv_mutex_unlock(&stream->lock);
}

/* ---- receiving ---- */

/* With the lock, which it gives back. */
static void pump_receive(beamc__rpc_stream *stream)
{
    bool due = !stream->is_receiving && !stream->over && !stream->received_all &&
               stream->core != NULL && (stream->draining || (stream->accepted && !stream->paused));

    if (due) {
        stream->is_receiving = true;
        stream->ops++;
    }
    grpc_call *core = stream->core;
    uv_mutex_unlock(&stream->lock);
    if (!due)
        return;
    grpc_op op = { .op = GRPC_OP_RECV_MESSAGE };
    op.data.recv_message.recv_message = &stream->receiving;
    if (grpc_call_start_batch(core, &op, 1, beamc__rpc_tag_arm(&stream->received), NULL) !=
        GRPC_CALL_OK)
        beamc__rpc_queue_post(stream->queue, &stream->receive_failed);
}

void beamc__rpc_stream_pump(beamc__rpc_stream *stream)
{
    uv_mutex_lock(&stream->lock);
    pump_send(stream);
    uv_mutex_lock(&stream->lock);
    pump_receive(stream);
}

static void give_message(beamc__rpc_stream *stream, grpc_byte_buffer *take_buffer)
{
    bool wanted = stream->handlers != NULL && stream->handlers->on_message != NULL;

    uv_mutex_lock(&stream->lock);
    wanted = wanted && !stream->draining;
    uv_mutex_unlock(&stream->lock);
    if (!wanted) {
        grpc_byte_buffer_destroy(take_buffer);
        return;
    }
    beamc__rpc_message *message = beamc__rpc_message_received(take_buffer);
    if (message == NULL) {
        uv_mutex_lock(&stream->lock);
        grpc_call_cancel_with_status(stream->core, GRPC_STATUS_RESOURCE_EXHAUSTED, "out of memory",
                                     NULL);
        uv_mutex_unlock(&stream->lock);
        return;
    }
    stream->handlers->on_message(stream->ctx, stream, message);
    beamc__rpc_message_unref(message);
}

/* Queue thread. */
static void on_received(beamc__rpc_tag *tag, bool ok)
{
    beamc__rpc_stream *stream = BEAMC__RPC_CONTAINER(tag, beamc__rpc_stream, received);
    grpc_byte_buffer *buffer = stream->receiving;
    bool is_last = buffer == NULL;

    stream->receiving = NULL;
    if (!is_last)
        give_message(stream, buffer);
    else if (ok && stream->is_server && stream->handlers != NULL &&
             stream->handlers->on_half_close != NULL && !stream->draining &&
             !grpc_call_failed_before_recv_message(stream->core))
        stream->handlers->on_half_close(stream->ctx, stream);
    uv_mutex_lock(&stream->lock);
    stream->is_receiving = false;
    if (is_last)
        stream->received_all = true;
    pump_receive(stream);
    op_done(stream);
}

static void on_receive_failed(beamc__rpc_task *task)
{
    beamc__rpc_stream *stream = BEAMC__RPC_CONTAINER(task, beamc__rpc_stream, receive_failed);

    beamc__rpc_stream_cancel(stream);
    on_received(&stream->received, false);
}

void beamc__rpc_stream_pause(beamc__rpc_stream *stream)
{
    uv_mutex_lock(&stream->lock);
    stream->paused = true;
    uv_mutex_unlock(&stream->lock);
}

void beamc__rpc_stream_resume(beamc__rpc_stream *stream)
{
    uv_mutex_lock(&stream->lock);
    stream->paused = false;
    pump_receive(stream);
}

/* ---- the end ---- */

/* Queue thread. */
static void on_closed(beamc__rpc_tag *tag, bool ok)
{
    beamc__rpc_stream *stream = BEAMC__RPC_CONTAINER(tag, beamc__rpc_stream, closed);

    (void)ok;
    uv_mutex_lock(&stream->lock);
    stream->over = true;
    drop_waiting(stream);
    uv_cond_broadcast(&stream->room);
    uv_mutex_unlock(&stream->lock);
    op_done(stream);
}

/* Queue thread. */
static void on_close_failed(beamc__rpc_task *task)
{
    beamc__rpc_stream *stream = BEAMC__RPC_CONTAINER(task, beamc__rpc_stream, close_failed);

    beamc__rpc_stream_cancel(stream);
    stream->cancelled = 1;
    on_closed(&stream->closed, false);
}

/* Queue thread. */
static void on_head(beamc__rpc_tag *tag, bool ok)
{
    (void)ok;
    op_done(BEAMC__RPC_CONTAINER(tag, beamc__rpc_stream, head));
}

/* ---- making one ---- */

beamc__rpc_stream *beamc__rpc_stream_new(const char *method, size_t method_size)
{
    beamc__rpc_stream *stream = calloc(1, sizeof(*stream));

    if (stream == NULL)
        return NULL;
    stream->method = malloc(method_size + 1);
    if (stream->method != NULL) {
        memcpy(stream->method, method, method_size); /* a slice of the core: no NUL behind it */
        stream->method[method_size] = '\0';
    }
    if (stream->method == NULL || uv_mutex_init(&stream->lock) < 0) {
        free(stream->method);
        free(stream);
        return NULL;
    }
    if (uv_cond_init(&stream->room) < 0) {
        uv_mutex_destroy(&stream->lock);
        free(stream->method);
        free(stream);
        return NULL;
    }
    stream->refs = 1;
    stream->link.cancel = cancel;
    stream->sent.done = on_sent;
    stream->received.done = on_received;
    stream->closed.done = on_closed;
    stream->head.done = on_head;
    stream->send_failed.run = on_send_failed;
    stream->receive_failed.run = on_receive_failed;
    stream->close_failed.run = on_close_failed;
    stream->send_limit = SEND_LIMIT;
    stream->deadline = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    grpc_metadata_array_init(&stream->head_metadata);
    beamc__rpc_ending_init(&stream->ending);
    return stream;
}

static void open_core(beamc__rpc_stream *stream, beamc__rpc_channel *channel, int64_t timeout_ms)
{
    stream->calls = &channel->calls;
    stream->queue = channel->queue;
    stream->where = (beamc__rpc_where){ channel, stream->method, timeout_ms };
    stream->verdict = (beamc__rpc_verdict){ &stream->where, &stream->ending, on_verdict };
    stream->deadline = beamc__rpc_deadline(timeout_ms);
    stream->core = beamc__rpc_core_call(channel, stream->method, stream->deadline);
}

static beamc_error *refuse(beamc__rpc_stream **out, beamc_code code, const char *what)
{
    beamc__rpc_stream *stream = *out;
    beamc_error *error = beamc_error_new(code, "endpoint %s: %s: %s",
                                         stream->where.channel->endpoint.url, stream->method, what);

    *out = NULL;
    grpc_call_unref(stream->core);
    beamc__rpc_stream_unref(stream);
    return error;
}

beamc_error *beamc__rpc_stream_open(beamc__rpc_stream **out, beamc__rpc_channel *channel,
                                    const char *method, const beamc__rpc_stream_handlers *handlers,
                                    void *ctx, const beamc__rpc_stream_options *options)
{
    static const beamc__rpc_stream_options none = { 0 };
    beamc__rpc_stream *stream = beamc__rpc_stream_new(method, strlen(method));
    grpc_op op;

    *out = stream;
    if (stream == NULL)
        return beamc_error_nomem();
    if (options == NULL)
        options = &none;
    stream->handlers = handlers;
    stream->ctx = ctx;
    stream->accepted = true;
    stream->paused = options->paused;
    stream->head_due = true;
    if (options->send_limit > 0)
        stream->send_limit = options->send_limit;
    open_core(stream, channel, options->timeout_ms > 0 ? options->timeout_ms : channel->timeout_ms);
    if (!beamc__rpc_calls_add(&channel->calls, &stream->link))
        return refuse(out, BEAMC_ECANCELLED, "the channel is closed");

    beamc__rpc_stream_ref(stream);
    memset(&op, 0, sizeof(op));
    op.op = GRPC_OP_RECV_INITIAL_METADATA;
    op.data.recv_initial_metadata.recv_initial_metadata = &stream->head_metadata;
    uv_mutex_lock(&stream->lock);
    pump_send(stream);
    if (!begin(stream, &op, &stream->head))
        beamc__rpc_stream_cancel(stream);
    /* The call does not end before this one is back, so it comes last. */
    memset(&op, 0, sizeof(op));
    beamc__rpc_op_status(&op, &stream->ending);
    beamc__rpc_stream_begin_close(stream, &op);
    beamc__rpc_stream_pump(stream);
    return NULL;
}

/* ---- what is known of it ---- */

const char *beamc__rpc_stream_metadata(const beamc__rpc_stream *stream, const char *key)
{
    const char *at = stream->metadata;

    while (at != NULL && *at != '\0') {
        const char *value = at + strlen(at) + 1;
        if (strcmp(at, key) == 0)
            return value;
        at = value + strlen(value) + 1;
    }
    return NULL;
}

const char *beamc__rpc_stream_method(const beamc__rpc_stream *stream)
{
    return stream->method;
}

const char *beamc__rpc_stream_peer(const beamc__rpc_stream *stream)
{
    return stream->peer == NULL ? "" : stream->peer;
}

int64_t beamc__rpc_stream_time_left(const beamc__rpc_stream *stream)
{
    gpr_timespec deadline = stream->deadline;

    if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0)
        return -1;
    gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
    int64_t ms = left.tv_sec * 1000 + left.tv_nsec / 1000000;
    return ms > 0 ? ms : 0;
}
