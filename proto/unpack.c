/* SPDX-License-Identifier: Apache-2.0 */
/* A walk over the encoded fields, entering only those that the descriptor says are messages, comes
 * before the unpacking.  It takes nothing that protobuf-c would refuse, so what it has not seen is
 * not unpacked either. */
#include "unpack.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VARINT_MAX_BYTES 10

enum { WIRE_VARINT = 0, WIRE_64BIT = 1, WIRE_BYTES = 2, WIRE_32BIT = 5 };

/* Returns the bytes used, or 0 if there is no varint. */
static size_t read_varint(const uint8_t *at, const uint8_t *end, uint64_t *out)
{
    uint64_t value = 0;

    for (size_t n = 0; n < VARINT_MAX_BYTES && at + n < end; n++) {
        value |= (uint64_t)(at[n] & 0x7f) << (7 * n);
        if ((at[n] & 0x80) == 0) {
            *out = value;
            return n + 1;
        }
    }
    return 0;
}

static bool is_shallow(const ProtobufCMessageDescriptor *type, const uint8_t *at,
                       const uint8_t *end, int levels)
{
    while (at < end) {
        uint64_t tag, size;
        size_t used = read_varint(at, end, &tag);
        if (used == 0 || tag > UINT32_MAX)
            return false;
        at += used;
        switch (tag & 7) {
        case WIRE_VARINT:
            used = read_varint(at, end, &size);
            if (used == 0)
                return false;
            size = used;
            break;
        case WIRE_64BIT:
            size = 8;
            break;
        case WIRE_32BIT:
            size = 4;
            break;
        case WIRE_BYTES:
            used = read_varint(at, end, &size);
            if (used == 0)
                return false;
            at += used;
            break;
        default:
            return false;
        }
        if (size > (uint64_t)(end - at))
            return false;
        if ((tag & 7) == WIRE_BYTES) {
            const ProtobufCFieldDescriptor *field =
                protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3));
            if (field != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE &&
                (levels == 0 || !is_shallow(field->descriptor, at, at + size, levels - 1)))
                return false;
        }
        at += size;
    }
    return true;
}

ProtobufCMessage *beamc__proto_unpack(const ProtobufCMessageDescriptor *type,
                                      ProtobufCAllocator *allocator, size_t size,
                                      const uint8_t *bytes)
{
    if (size > 0 && !is_shallow(type, bytes, bytes + size, BEAMC__PROTO_DEPTH))
        return NULL;
    return protobuf_c_message_unpack(type, allocator, size, bytes);
}
