/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/arena_proto.h"

static void *allocate(void *arena, size_t size)
{
    return beamc_arena_alloc(arena, size);
}

static void release(void *arena BEAMC_UNUSED, void *memory BEAMC_UNUSED)
{
}

ProtobufCAllocator beamc__arena_allocator(beamc_arena *arena)
{
    return (ProtobufCAllocator){ allocate, release, arena };
}
