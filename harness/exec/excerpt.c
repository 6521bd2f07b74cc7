/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/exec/excerpt.h"

#include "sdk/coders/iterable_head.h"
#include "sdk/types/layout.h"
#include <beamc/arena.h>

#define ITERABLES_MAX ((size_t)64 << 10) /* bytes of iterables in an excerpt */

static bool is_iterable(const beamc_type *type)
{
    return type->kind == BEAMC_KIND_ITERABLE || type->kind == BEAMC_KIND_STATE_BACKED_ITERABLE;
}

static bool has_iterable(const beamc_type *type)
{
    if (is_iterable(type))
        return true;
    for (size_t i = 0; i < type->field_count; i++) {
        if (type->fields[i].type != NULL && has_iterable(type->fields[i].type))
            return true;
    }
    return false;
}

/* Kinds whose parts lie in the value itself. */
static bool holds_parts(const beamc_type *type)
{
    return type->kind == BEAMC_KIND_KV || type->kind == BEAMC_KIND_ROW ||
           type->kind == BEAMC_KIND_NULLABLE || type->kind == BEAMC_KIND_LENGTH_PREFIX;
}

/* Where none is behind a pointer, which shorten does not follow. */
bool beamc__excerpt_is_possible(const beamc_type *type)
{
    if (is_iterable(type) || !has_iterable(type))
        return true;
    if (!holds_parts(type))
        return false;
    for (size_t i = 0; i < type->field_count; i++) {
        if (!beamc__excerpt_is_possible(type->fields[i].type))
            return false;
    }
    return true;
}

/* Iterables may have no end to speak of, and the rest of one may have to be asked for: they are cut to
 * the values that are here and fit into *left, which the same coder encodes; *cut says if one was.
 * BEAMC_ENOENT: none of the values of one is. */
static int shorten(const beamc_type *type, void *value, size_t *left, bool *cut, beamc_arena *arena)
{
    size_t at = 0;

    if (is_iterable(type))
        return beamc__iterable_head(value, value, left, cut, arena);
    if (!has_iterable(type))
        return BEAMC_OK;
    if (type->kind == BEAMC_KIND_NULLABLE) {
        if (!*(const bool *)value)
            return BEAMC_OK;
        at = beamc__nullable_offset(type);
    }
    for (size_t i = 0; i < type->field_count; i++) {
        const beamc_type *part = type->fields[i].type;
        int rc =
            shorten(part, beamc__at_mutable(value, beamc__next_offset(part, &at)), left, cut, arena);
        if (rc < 0)
            return rc;
    }
    return BEAMC_OK;
}

static int encode_shortened(const beamc_type *type, const void *value, beamc_buffer *out, bool *cut)
{
    beamc_arena *arena = beamc_arena_new();
    void *copy = arena == NULL ? NULL : beamc_arena_memdup(arena, value, type->size);
    size_t left = ITERABLES_MAX;
    int rc = copy == NULL ? BEAMC_ENOMEM : shorten(type, copy, &left, cut, arena);

    if (rc == BEAMC_OK)
        rc = beamc_encode(type, copy, true, out);
    beamc_arena_free(arena);
    return rc;
}

int beamc__excerpt_encode(const beamc_type *type, const void *value, beamc_buffer *out, bool *cut)
{
    *cut = false;
    return has_iterable(type) ? encode_shortened(type, value, out, cut)
                              : beamc_encode(type, value, true, out);
}
