/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf-c messages at the edges: packed into what is sent, unpacked from what came. */
#ifndef BEAMC_RPC_PACK_H
#define BEAMC_RPC_PACK_H

#include "channel.h"
#include <beamc/arena.h>
#include <protobuf-c/protobuf-c.h>

/* NULL: no memory, or over BEAMC__RPC_MESSAGE_MAX. */
beamc__rpc_message *beamc__rpc_pack(const ProtobufCMessage *message);

/* Unpacks into @arena, which *@out ends with.  Strings and bytes are copied. */
BEAMC_MUST_USE beamc_error *beamc__rpc_unpack(ProtobufCMessage **out,
                                              const beamc__rpc_message *message,
                                              const ProtobufCMessageDescriptor *type,
                                              beamc_arena *arena);

/* beamc__rpc_call with messages: *@response is of @type and ends with @arena. */
BEAMC_MUST_USE beamc_error *beamc__rpc_call_packed(ProtobufCMessage **response,
                                                   beamc__rpc_code *code,
                                                   beamc__rpc_channel *channel, const char *method,
                                                   const ProtobufCMessage *request,
                                                   const ProtobufCMessageDescriptor *type,
                                                   beamc_arena *arena, int64_t timeout_ms);

#endif
