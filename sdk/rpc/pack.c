/* SPDX-License-Identifier: Apache-2.0 */
#include "pack.h"

#include "proto/unpack.h"
#include "sdk/base/arena_proto.h"
#include <stdlib.h>

beamc__rpc_message *beamc__rpc_pack(const ProtobufCMessage *message)
{
    uint8_t *to = NULL;
    size_t size = protobuf_c_message_get_packed_size(message);
    beamc__rpc_message *packed = beamc__rpc_message_sized(&to, size);

    if (packed != NULL && size > 0)
        protobuf_c_message_pack(message, to);
    return packed;
}

beamc_error *beamc__rpc_unpack(ProtobufCMessage **out, const beamc__rpc_message *message,
                               const ProtobufCMessageDescriptor *type, beamc_arena *arena)
{
    ProtobufCAllocator allocator = beamc__arena_allocator(arena);
    uint8_t *copy = NULL;
    const uint8_t *bytes = beamc__rpc_message_flat(message, &copy);

    *out = NULL;
    if (bytes == NULL)
        return beamc_error_nomem();
    *out = beamc__proto_unpack(type, &allocator, beamc__rpc_message_size(message), bytes);
    free(copy);
    if (*out != NULL)
        return NULL;
    if (beamc_arena_failed(arena))
        return beamc_error_nomem();
    return beamc_error_new(BEAMC_ECORRUPT, "%s: malformed message of %zu bytes", type->name,
                           beamc__rpc_message_size(message));
}

beamc_error *beamc__rpc_call_packed(ProtobufCMessage **response, beamc__rpc_code *code,
                                    beamc__rpc_channel *channel, const char *method,
                                    const ProtobufCMessage *request,
                                    const ProtobufCMessageDescriptor *type, beamc_arena *arena,
                                    int64_t timeout_ms)
{
    beamc__rpc_message *packed = beamc__rpc_pack(request);
    beamc__rpc_message *answer = NULL;

    *response = NULL;
    if (packed == NULL)
        return beamc_error_nomem();
    beamc_error *error = beamc__rpc_call(&answer, code, channel, method, packed, timeout_ms);
    beamc__rpc_message_unref(packed);
    if (error == NULL)
        error = beamc_error_wrap(beamc__rpc_unpack(response, answer, type, arena),
                                 "endpoint %s: %s", beamc__rpc_channel_url(channel), method);
    beamc__rpc_message_unref(answer);
    return error;
}
