/* SPDX-License-Identifier: Apache-2.0 */
/* Unpacking of messages from outside. */
#ifndef BEAMC_PROTO_UNPACK_H
#define BEAMC_PROTO_UNPACK_H

#include <protobuf-c/protobuf-c.h>

/* How many messages may lie within each other; the same as in other languages' libraries. */
#define BEAMC__PROTO_DEPTH 100

/* As protobuf_c_message_unpack(), which follows schemas, triggers and options into themselves as
 * deep as the bytes say and runs out of stack.  This one refuses what is deeper than
 * BEAMC__PROTO_DEPTH before anything is allocated.  NULL for bad bytes and for no memory alike.
 *
 *     PB(Schema) *schema = BEAMC__UNPACK(PB(Schema), pb(schema__descriptor), NULL, size, bytes); */
ProtobufCMessage *beamc__proto_unpack(const ProtobufCMessageDescriptor *type,
                                      ProtobufCAllocator *allocator, size_t size,
                                      const uint8_t *bytes);

#define BEAMC__UNPACK(type, descriptor, allocator, size, bytes) \
    ((type *)beamc__proto_unpack(&(descriptor), allocator, size, bytes))

#endif
