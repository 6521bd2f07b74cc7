/* SPDX-License-Identifier: Apache-2.0 */
#include "mailbox.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* Messages that may wait before streams are paused, and until they go on. */
enum { FULL = 256, GOES_ON = 64, MESSAGE_SIZE = 2048 };

typedef struct item item;
struct item {
    item *next;
    beamc__mail mail;
};

typedef struct {
    beamc__mailbox *mailbox;
    size_t number;
    beamc__rpc_stream *stream; /* NULL: not opened */
    item end;                  /* of the stream: needs no memory when it comes */
    bool ended;                /* it is among the items, or was taken; guarded */
    bool taken;                /* it was taken; the taker's */
    bool out_of_memory;        /* a message was lost; queue's thread */
} slot;

struct beamc__mailbox {
    uv_mutex_t lock;
    uv_cond_t came;
    item *first; /* guarded, as all below */
    item **end;
    size_t count;
    bool paused;
    slot slots[BEAMC__MAILBOX_STREAMS];
};

beamc__mailbox *beamc__mailbox_new(void)
{
    beamc__mailbox *mailbox = calloc(1, sizeof(*mailbox));

    if (mailbox == NULL || uv_mutex_init(&mailbox->lock) < 0) {
        free(mailbox);
        return NULL;
    }
    if (uv_cond_init(&mailbox->came) < 0) {
        uv_mutex_destroy(&mailbox->lock);
        free(mailbox);
        return NULL;
    }
    mailbox->end = &mailbox->first;
    for (size_t i = 0; i < BEAMC__MAILBOX_STREAMS; i++) {
        mailbox->slots[i].mailbox = mailbox;
        mailbox->slots[i].number = i;
    }
    return mailbox;
}

/* ---- queue's thread -------------------------------------------------------------------------- */

/* Locked. */
static void put(beamc__mailbox *mailbox, item *one)
{
    one->next = NULL;
    *mailbox->end = one;
    mailbox->end = &one->next;
    mailbox->count++;
    uv_cond_signal(&mailbox->came);
}

static void on_message(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *message)
{
    slot *from = ctx;
    beamc__mailbox *mailbox = from->mailbox;
    item *one = calloc(1, sizeof(*one));

    if (one == NULL) {
        from->out_of_memory = true;
        beamc__rpc_stream_cancel(stream);
        return;
    }
    one->mail.stream = from->number;
    one->mail.message = beamc__rpc_message_ref(message);
    uv_mutex_lock(&mailbox->lock);
    put(mailbox, one);
    bool full = mailbox->count >= FULL;
    mailbox->paused = mailbox->paused || full;
    /* Under the lock, so that it does not come after the taker's resume. */
    if (full)
        beamc__rpc_stream_pause(stream);
    uv_mutex_unlock(&mailbox->lock);
}

static beamc_error *copy_error(const beamc_error *error)
{
    char message[MESSAGE_SIZE];

    beamc_error_print(error, message, sizeof(message));
    return beamc_error_new(beamc_error_code(error), "%s", message);
}

static void on_end(void *ctx, beamc__rpc_stream *stream BEAMC_UNUSED,
                   const beamc__rpc_status *status)
{
    slot *from = ctx;
    beamc__mail *mail = &from->end.mail;

    mail->stream = from->number;
    mail->message = NULL;
    mail->code = status->code;
    mail->error = NULL;
    if (from->out_of_memory)
        mail->error = beamc_error_nomem();
    else if (status->error != NULL)
        mail->error = copy_error(status->error);
    uv_mutex_lock(&from->mailbox->lock);
    from->ended = true;
    put(from->mailbox, &from->end);
    uv_mutex_unlock(&from->mailbox->lock);
}

/* ---- the taker's thread ---------------------------------------------------------------------- */

static beamc_error *open_stream(slot *to, beamc__rpc_channel *channel, const char *method,
                                beamc__rpc_message *request, bool half_close)
{
    static const beamc__rpc_stream_handlers handlers = { .on_message = on_message,
                                                         .on_end = on_end };

    BEAMC_TRY(beamc__rpc_stream_open(&to->stream, channel, method, &handlers, to, NULL));
    /* A call that has ended already says so itself. */
    if (request != NULL && beamc__rpc_stream_try_send(to->stream, request) == BEAMC__RPC_NOMEM) {
        beamc__rpc_stream_cancel(to->stream);
        return beamc_error_nomem();
    }
    if (half_close)
        beamc__rpc_stream_half_close(to->stream);
    return NULL;
}

beamc_error *beamc__mailbox_open(beamc__mailbox *mailbox, size_t number,
                                 beamc__rpc_channel *channel, const char *method,
                                 beamc__rpc_message *request, bool half_close)
{
    slot *to = &mailbox->slots[number];

    /* Of a stream that was here before. */
    beamc__rpc_stream_unref(to->stream);
    to->stream = NULL;
    to->ended = to->taken = to->out_of_memory = false;
    return open_stream(to, channel, method, request, half_close);
}

beamc__rpc_stream *beamc__mailbox_stream(beamc__mailbox *mailbox, size_t number)
{
    return mailbox->slots[number].stream;
}

bool beamc__mailbox_is_open(const beamc__mailbox *mailbox, size_t number)
{
    return mailbox->slots[number].stream != NULL && !mailbox->slots[number].taken;
}

/* Locked. */
static item *take_first(beamc__mailbox *mailbox)
{
    item *one = mailbox->first;

    if (one == NULL)
        return NULL;
    mailbox->first = one->next;
    if (mailbox->first == NULL)
        mailbox->end = &mailbox->first;
    mailbox->count--;
    return one;
}

/* Locked. */
static void go_on(beamc__mailbox *mailbox)
{
    if (!mailbox->paused || mailbox->count > GOES_ON)
        return;
    mailbox->paused = false;
    for (size_t i = 0; i < BEAMC__MAILBOX_STREAMS; i++)
        if (mailbox->slots[i].stream != NULL && !mailbox->slots[i].ended)
            beamc__rpc_stream_resume(mailbox->slots[i].stream);
}

bool beamc__mailbox_take(beamc__mailbox *mailbox, beamc__mail *out, int64_t timeout_ms)
{
    uint64_t until = uv_hrtime() + (uint64_t)timeout_ms * 1000000;

    uv_mutex_lock(&mailbox->lock);
    while (mailbox->first == NULL) {
        uint64_t now = uv_hrtime();
        if (now >= until || uv_cond_timedwait(&mailbox->came, &mailbox->lock, until - now) < 0)
            break;
    }
    item *one = take_first(mailbox);
    go_on(mailbox);
    uv_mutex_unlock(&mailbox->lock);
    if (one == NULL)
        return false;
    *out = one->mail;
    if (one->mail.message == NULL)
        mailbox->slots[out->stream].taken = true;
    else
        free(one);
    return true;
}

void beamc__mail_dispose(beamc__mail *mail)
{
    beamc__rpc_message_unref(mail->message);
    beamc_error_free(mail->error);
    memset(mail, 0, sizeof(*mail));
}

static bool has_open(const beamc__mailbox *mailbox)
{
    for (size_t i = 0; i < BEAMC__MAILBOX_STREAMS; i++)
        if (beamc__mailbox_is_open(mailbox, i))
            return true;
    return false;
}

void beamc__mailbox_free(beamc__mailbox *mailbox)
{
    beamc__mail mail;

    if (mailbox == NULL)
        return;
    for (size_t i = 0; i < BEAMC__MAILBOX_STREAMS; i++)
        if (beamc__mailbox_is_open(mailbox, i))
            beamc__rpc_stream_cancel(mailbox->slots[i].stream);
    while (has_open(mailbox)) {
        if (beamc__mailbox_take(mailbox, &mail, 1000))
            beamc__mail_dispose(&mail);
    }
    for (size_t i = 0; i < BEAMC__MAILBOX_STREAMS; i++)
        beamc__rpc_stream_unref(mailbox->slots[i].stream);
    uv_cond_destroy(&mailbox->came);
    uv_mutex_destroy(&mailbox->lock);
    free(mailbox);
}
