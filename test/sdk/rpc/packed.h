/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf-c messages of scripted peers and of who talks to them; what cannot be fails the test. */
#ifndef BEAMC_TEST_PACKED_H
#define BEAMC_TEST_PACKED_H

#include "sdk/rpc/stream.h"
#include <beamc/arena.h>
#include <protobuf-c/protobuf-c.h>

/* The message of @type that came, in @arena. */
void *packed_read(const beamc__rpc_message *message, const ProtobufCMessageDescriptor *type,
                  beamc_arena *arena);

/* The answer to a call of one request. */
void packed_reply(beamc__rpc_stream *stream, const ProtobufCMessage *response);

/* Sends one of many; whether it goes. */
beamc__rpc_sent packed_send(beamc__rpc_stream *stream, const ProtobufCMessage *one);

#endif
