/* SPDX-License-Identifier: Apache-2.0 */
#include "packed.h"

#include "sdk/rpc/pack.h"
#include <check.h>

void *packed_read(const beamc__rpc_message *message, const ProtobufCMessageDescriptor *type,
                  beamc_arena *arena)
{
    ProtobufCMessage *out;

    ck_assert_ptr_null(beamc__rpc_unpack(&out, message, type, arena));
    return out;
}

static beamc__rpc_message *pack(const ProtobufCMessage *one)
{
    beamc__rpc_message *message = beamc__rpc_pack(one);

    ck_assert_ptr_nonnull(message);
    return message;
}

void packed_reply(beamc__rpc_stream *stream, const ProtobufCMessage *response)
{
    beamc__rpc_message *message = pack(response);

    beamc__rpc_reply(stream, message);
    beamc__rpc_message_unref(message);
}

beamc__rpc_sent packed_send(beamc__rpc_stream *stream, const ProtobufCMessage *one)
{
    beamc__rpc_message *message = pack(one);

    beamc__rpc_sent sent = beamc__rpc_stream_try_send(stream, message);
    ck_assert_int_ne(sent, BEAMC__RPC_NOMEM);
    beamc__rpc_message_unref(message);
    return sent;
}
