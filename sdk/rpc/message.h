/* SPDX-License-Identifier: Apache-2.0 */
/* A message as bytes: a list of slices, counted because the threads of a call outlive each other.
 *
 *     received:  the slices as they came off the wire, not copied; elements straddle them
 *     to send:   what was appended, in order; owned slices are sent without copying
 *
 * While it is being written a message has one owner; once sent or received it is not changed, and
 * may be read and counted from any thread.  All of them must be gone before beamc__rpc_shutdown. */
#ifndef BEAMC_RPC_MESSAGE_H
#define BEAMC_RPC_MESSAGE_H

#include <beamc/buffer.h>

/* gRPC's limit: lengths are 31 bits in most languages. */
#define BEAMC__RPC_MESSAGE_MAX 0x7fffffff

typedef struct {
    const uint8_t *data;
    size_t size;
} beamc__rpc_slice;

typedef struct beamc__rpc_message beamc__rpc_message;

/* An empty message with one reference; NULL: no memory. */
beamc__rpc_message *beamc__rpc_message_new(void);

/* A message of a copy of @size bytes, or of the bytes of @take_buffer, which is then empty; NULL:
 * no memory, or too many bytes (then the buffer is disposed of, too). */
beamc__rpc_message *beamc__rpc_message_copy(const void *bytes, size_t size);
beamc__rpc_message *beamc__rpc_message_of(beamc_buffer *take_buffer);

/* A message with room for @size bytes, which the caller writes to *@out at once. */
beamc__rpc_message *beamc__rpc_message_sized(uint8_t **out, size_t size);

beamc__rpc_message *beamc__rpc_message_ref(beamc__rpc_message *message);
/* Accepts NULL.  Any thread. */
void beamc__rpc_message_unref(beamc__rpc_message *message);

/* Appends a copy.  BEAMC_OK, BEAMC_ENOMEM, or BEAMC_ELIMIT over BEAMC__RPC_MESSAGE_MAX. */
BEAMC_MUST_USE int beamc__rpc_message_append(beamc__rpc_message *message, const void *bytes,
                                             size_t size);

/* Appends bytes without copying; they stay as they are until @release(@ctx), which is called once,
 * also if this fails.  That happens on any thread, deep inside the transport: it may not call
 * anything of this room, nor take a lock that is held while this room is called.  A NULL @release
 * is for bytes that outlive the message. */
BEAMC_MUST_USE int beamc__rpc_message_append_owned(beamc__rpc_message *message, const void *bytes,
                                                   size_t size, void (*release)(void *ctx),
                                                   void *ctx);

size_t beamc__rpc_message_size(const beamc__rpc_message *message);

/* The slices, none of them empty; borrowed from the message. */
const beamc__rpc_slice *beamc__rpc_message_slices(const beamc__rpc_message *message, size_t *count);

/* All of it in one piece: borrowed from the message if it is one slice, else a copy that
 * *@take_copy is set to, to be freed by the caller.  NULL: no memory. */
const uint8_t *beamc__rpc_message_flat(const beamc__rpc_message *message, uint8_t **take_copy);

#endif
