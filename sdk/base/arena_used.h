/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an arena holds anything, cheap enough to ask after each element. */
#ifndef BEAMC_BASE_ARENA_USED_H
#define BEAMC_BASE_ARENA_USED_H

#include <beamc/arena.h>
#include <string.h>

/* False for an arena that is new, reset, or rewound to its start.  The top block is the first member
 * of the struct. */
static inline bool beamc__arena_holds(const beamc_arena *arena)
{
    const void *top;
    memcpy(&top, arena, sizeof(top));
    return top != NULL;
}

/* Ends all that it holds; keeps its blocks. */
static inline void beamc__arena_rewind_all(beamc_arena *arena)
{
    const beamc_arena_mark start = { NULL, 0 };
    if (BEAMC_UNLIKELY(beamc__arena_holds(arena)))
        beamc_arena_rewind(arena, start);
}

#endif
