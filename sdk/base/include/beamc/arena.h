/* SPDX-License-Identifier: Apache-2.0 */
/* An arena: memory that ends all at once, or back to a mark.
 *
 *     [block]->[block]->[block]
 *                          ^ top: allocations go here, a mark remembers block and offset
 *
 * Failure is sticky: after one failed allocation it answers NULL until reset, so a run of
 * allocations needs one check.  Under AddressSanitizer each allocation is a malloc of its own, so
 * that use after a rewind is caught.  Owner thread only. */
#ifndef BEAMC_ARENA_H
#define BEAMC_ARENA_H

#include <beamc/error.h>
#include <stdint.h>

BEAMC_EXTERN_C_BEGIN

typedef struct beamc_arena beamc_arena;

/* Where an arena stood; valid until the arena is rewound to an earlier mark, reset or freed. */
typedef struct {
    void *block;
    size_t used;
} beamc_arena_mark;

/** NULL if there is no memory. */
BEAMC_API BEAMC_MUST_USE beamc_arena *beamc_arena_new(void);
/** Ends everything.  Accepts NULL. */
BEAMC_API void beamc_arena_free(beamc_arena *arena);

/** @size bytes aligned for any type, not cleared; size 0 gives a valid pointer.  NULL: no memory. */
BEAMC_API void *beamc_arena_alloc(beamc_arena *arena, size_t size);

/** Cleared, for @count things of @size; NULL also when their product overflows. */
BEAMC_API void *beamc_arena_calloc(beamc_arena *arena, size_t count, size_t size);

/** A copy of @size bytes.  As all that follow: NULL without memory. */
BEAMC_API void *beamc_arena_memdup(beamc_arena *arena, const void *bytes, size_t size);

/** A copy of a string, or of its first @size bytes, ended by NUL. */
BEAMC_API char *beamc_arena_strdup(beamc_arena *arena, const char *string);
BEAMC_API char *beamc_arena_strndup(beamc_arena *arena, const char *bytes, size_t size);

/** A formatted string, ended by NUL. */
BEAMC_API char *beamc_arena_printf(beamc_arena *arena, const char *format, ...) BEAMC_PRINTF(2, 3);

/** Where it stands now. */
BEAMC_API beamc_arena_mark beamc_arena_save(const beamc_arena *arena);
/** Ends everything allocated since @mark; blocks are kept for reuse. */
BEAMC_API void beamc_arena_rewind(beamc_arena *arena, beamc_arena_mark mark);
/** Ends everything and clears a failure; keeps one block. */
BEAMC_API void beamc_arena_reset(beamc_arena *arena);

/** True after a failed allocation, until reset. */
BEAMC_API bool beamc_arena_failed(const beamc_arena *arena);
/** Bytes handed out since the last reset (after rewinds: of what is left). */
BEAMC_API size_t beamc_arena_used(const beamc_arena *arena);

BEAMC_EXTERN_C_END

#endif
