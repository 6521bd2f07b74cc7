/* SPDX-License-Identifier: Apache-2.0 */
/* What comes by streams of a server, for a thread that may block.
 *
 *     stream 0 --\   queue's thread puts
 *     stream 1 ---> [message] [message] [end of 1] --> one thread takes, with a deadline
 *
 * A full mailbox pauses its streams, so a server that says much is slowed down. */
#ifndef BEAMC_PORTABLE_MAILBOX_H
#define BEAMC_PORTABLE_MAILBOX_H

#include "sdk/rpc/stream.h"

/* How many streams a mailbox may have. */
enum { BEAMC__MAILBOX_STREAMS = 2 };

typedef struct {
    size_t stream;               /* which one */
    beamc__rpc_message *message; /* NULL: the stream has ended, .. */
    beamc__rpc_code code;        /* .. so, .. */
    beamc_error *error;          /* .. and this is why; NULL: well */
} beamc__mail;

typedef struct beamc__mailbox beamc__mailbox;

BEAMC_MUST_USE beamc__mailbox *beamc__mailbox_new(void); /* NULL: no memory */
/* Cancels the streams and waits for their ends.  Not on their queue's thread; accepts NULL. */
void beamc__mailbox_free(beamc__mailbox *mailbox);

/* Opens stream number @number, which is not open.  @request (NULL: none) is sent at once, and then
 * no more if @half_close. */
BEAMC_MUST_USE beamc_error *beamc__mailbox_open(beamc__mailbox *mailbox, size_t number,
                                                beamc__rpc_channel *channel, const char *method,
                                                beamc__rpc_message *request, bool half_close);
/* Borrowed. */
beamc__rpc_stream *beamc__mailbox_stream(beamc__mailbox *mailbox, size_t number);
/* Whether it was opened and its end was not taken. */
bool beamc__mailbox_is_open(const beamc__mailbox *mailbox, size_t number);

/* Takes what has come, waiting up to @timeout_ms; false: nothing came.  The caller disposes of
 * *@out. */
bool beamc__mailbox_take(beamc__mailbox *mailbox, beamc__mail *out, int64_t timeout_ms);
void beamc__mail_dispose(beamc__mail *mail);

#endif
