/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for protobuf-c from an arena: what is unpacked ends with the arena.  Unpacking answers NULL
 * for bad bytes and for no memory alike; beamc_arena_failed tells which. */
#ifndef BEAMC_BASE_ARENA_PROTO_H
#define BEAMC_BASE_ARENA_PROTO_H

#include <beamc/arena.h>
#include <protobuf-c/protobuf-c.h>

ProtobufCAllocator beamc__arena_allocator(beamc_arena *arena);

#endif
