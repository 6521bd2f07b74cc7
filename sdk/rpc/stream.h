/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of many messages, either way: the same object for a client and for a server.
 *
 * Sending: messages wait in a queue with a limit of bytes.  Over it beamc__rpc_stream_try_send says
 * "full" and on_writable tells when to come again, while beamc__rpc_stream_send waits.  The peer's
 * flow control empties the queue, so a slow reader there stops the writer here.
 *
 * Receiving: the next message is asked for when on_message has returned, unless the stream is
 * paused.  The transport buffers a little and then stops the peer.
 *
 * Handlers run on the queue's thread, one at a time.  on_end is the last of them, and comes exactly
 * once.  Streams are counted: they exist as long as somebody has a reference, also after their end.
 */
#ifndef BEAMC_RPC_STREAM_H
#define BEAMC_RPC_STREAM_H

#include "channel.h"

typedef struct beamc__rpc_stream beamc__rpc_stream;

/* Each may be NULL.  Queue thread; nothing may block. */
typedef struct {
    /* @message is borrowed. */
    void (*on_message)(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *message);
    /* Server: the client will send no more.  It still can receive. */
    void (*on_half_close)(void *ctx, beamc__rpc_stream *stream);
    /* After "full": at least half of the queue is empty. */
    void (*on_writable)(void *ctx, beamc__rpc_stream *stream);
    /* Client: the server's status, or why there is none.  Server: OK if the status that it gave
     * went out; else the client cancelled, went away or had no more time.  While paused the end is
     * not seen, if unread messages are before it. */
    void (*on_end)(void *ctx, beamc__rpc_stream *stream, const beamc__rpc_status *status);
} beamc__rpc_stream_handlers;

typedef struct {
    int64_t timeout_ms; /* of all of the call; 0: a client's channel's, a server none of its own */
    size_t send_limit;  /* bytes that may wait to be sent; 0: 1 MB.  A larger message goes alone */
    bool paused;        /* begin so */
} beamc__rpc_stream_options;

/** Calls @method.  *@out has one reference for the caller; it is set before any handler runs.
 *  @handlers is borrowed as long as the stream exists.  Any thread. */
BEAMC_MUST_USE beamc_error *beamc__rpc_stream_open(beamc__rpc_stream **out,
                                                   beamc__rpc_channel *channel, const char *method,
                                                   const beamc__rpc_stream_handlers *handlers,
                                                   void *ctx,
                                                   const beamc__rpc_stream_options *options);

/* Any thread for all that follow, unless they say otherwise. */

beamc__rpc_stream *beamc__rpc_stream_ref(beamc__rpc_stream *stream);
/** Accepts NULL.  Does not end the call. */
void beamc__rpc_stream_unref(beamc__rpc_stream *stream);

typedef enum {
    BEAMC__RPC_SENT,  /* accepted: it goes as soon as the peer takes it */
    BEAMC__RPC_FULL,  /* not accepted; on_writable follows */
    BEAMC__RPC_ENDED, /* not accepted: the call has ended, or was finished for sending */
    BEAMC__RPC_NOMEM  /* not accepted */
} beamc__rpc_sent;

/** Takes a reference of @message if it is accepted. */
BEAMC_MUST_USE beamc__rpc_sent beamc__rpc_stream_try_send(beamc__rpc_stream *stream,
                                                          beamc__rpc_message *message);

/** Waits for room.  @timeout_ms 0: as long as the call lasts.  Not on the queue's thread. */
BEAMC_MUST_USE beamc_error *beamc__rpc_stream_send(beamc__rpc_stream *stream,
                                                   beamc__rpc_message *message, int64_t timeout_ms);

/** Accepts @message however much waits: for those who must not wait any longer. */
BEAMC_MUST_USE beamc__rpc_sent beamc__rpc_stream_push(beamc__rpc_stream *stream,
                                                      beamc__rpc_message *message);

/** Bytes accepted and not yet taken by the transport. */
size_t beamc__rpc_stream_unsent(beamc__rpc_stream *stream);

/** Stops asking for messages.  From on_message it is at once; else one more may come. */
void beamc__rpc_stream_pause(beamc__rpc_stream *stream);
void beamc__rpc_stream_resume(beamc__rpc_stream *stream);

/** Client: sends no more, after what was accepted.  The server may go on. */
void beamc__rpc_stream_half_close(beamc__rpc_stream *stream);

/** Either side: ends the call at once.  What is unsent is dropped; on_end follows. */
void beamc__rpc_stream_cancel(beamc__rpc_stream *stream);

/** Server: ends the call with a status, after what was accepted.  @text may be NULL. */
void beamc__rpc_stream_finish(beamc__rpc_stream *stream, beamc__rpc_code code, const char *text);
/** The same with the code and the text of @error, borrowed; NULL is OK. */
void beamc__rpc_stream_fail(beamc__rpc_stream *stream, const beamc_error *error);

/** Server: answers a call of one request and ends it well.  Takes a reference of @response. */
void beamc__rpc_reply(beamc__rpc_stream *stream, beamc__rpc_message *response);

/** Server: the value of the client's metadata of that name, or NULL; borrowed from the stream. */
const char *beamc__rpc_stream_metadata(const beamc__rpc_stream *stream, const char *key);
/** "/package.Service/Method"; borrowed from the stream. */
const char *beamc__rpc_stream_method(const beamc__rpc_stream *stream);
/** Server: who called, as "ipv4:127.0.0.1:4711"; borrowed from the stream. */
const char *beamc__rpc_stream_peer(const beamc__rpc_stream *stream);
/** Milliseconds until the call's time is up, at least 0; -1 if it has all time. */
int64_t beamc__rpc_stream_time_left(const beamc__rpc_stream *stream);

#endif
