/* SPDX-License-Identifier: Apache-2.0 */
/* Where elements are sampled: a tap stands before whatever receives those of a PCollection.  There is
 * one only where samples are wanted. */
#include "harness/exec/op.h"

#include "sdk/coders/iterable_head.h"
#include "sdk/types/layout.h"
#include <stdio.h>

typedef struct {
    beamc_receiver receiver; /* first */
    beamc__plan *plan;
    const beamc__node *node;
    beamc_receiver *to;
    bool has_iterable;
    uint64_t seen;
} tap;

#define ERROR_SIZE    4096
#define CUT           "\n(the sample has the first values only of the element's iterables)"
#define ITERABLES_MAX ((size_t)64 << 10) /* bytes of iterables in a sample */

/* ---- iterables ------------------------------------------------------------------------------- */

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

/* Whether shorten reaches all iterables: none is behind a pointer. */
static bool can_be_shortened(const beamc_type *type)
{
    if (is_iterable(type) || !has_iterable(type))
        return true;
    if (!holds_parts(type))
        return false;
    for (size_t i = 0; i < type->field_count; i++) {
        if (!can_be_shortened(type->fields[i].type))
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

/* ---- sampling -------------------------------------------------------------------------------- */

/* @error (NULL: none) is told of what was cut. */
static void sample(tap *at, const void *value, const beamc__sample_error *error)
{
    beamc__sample_error both;
    char text[ERROR_SIZE + sizeof(CUT)];
    beamc_buffer bytes;
    bool cut = false;

    beamc_buffer_init(&bytes);
    int rc = at->has_iterable ? encode_shortened(at->node->type, value, &bytes, &cut)
                              : beamc_encode(at->node->type, value, true, &bytes);
    if (cut && error != NULL) {
        snprintf(text, sizeof(text), "%s" CUT, error->error);
        both = *error;
        both.error = text;
        error = &both;
    }
    if (rc == BEAMC_OK)
        beamc__samples_add(at->plan->options.samples, at->node->id,
                           (beamc_bytes){ bytes.data, bytes.size }, error);
    beamc_buffer_dispose(&bytes);
}

/* The innermost tap is the first to see an error, with the element that met it. */
static void sample_error(tap *at, const void *value, const beamc_error *error)
{
    beamc__plan *plan = at->plan;
    char text[ERROR_SIZE];

    if (plan->error_sampled || plan->failed == NULL || plan->bundle == NULL ||
        beamc_error_code(error) == BEAMC_ECANCELLED)
        return;
    plan->error_sampled = true;
    beamc_error_print(error, text, sizeof(text));
    const beamc__sample_error what = { plan->bundle->instruction_id, plan->failed->id, text };
    sample(at, value, &what);
}

static beamc_error *tap_process(beamc_receiver *self, const beamc_element_info *info,
                                const void *value)
{
    tap *at = (tap *)self;

    if (BEAMC_UNLIKELY(beamc__samples_want(at->plan->options.samples, ++at->seen)))
        sample(at, value, NULL);
    beamc_error *error = at->to->process(at->to, info, value);
    if (BEAMC_UNLIKELY(error != NULL))
        sample_error(at, value, error);
    return error;
}

beamc_error *beamc__tap_insert(beamc__plan *plan, beamc__node *node)
{
    if (plan->options.samples == NULL || node->producer == NULL ||
        !can_be_shortened(node->type))
        return NULL;
    tap *made = beamc_arena_calloc(plan->arena, 1, sizeof(*made));
    if (made == NULL)
        return beamc_error_nomem();
    made->receiver.process = tap_process;
    made->plan = plan;
    made->node = node;
    made->to = node->receiver;
    made->has_iterable = has_iterable(node->type);
    node->receiver = &made->receiver;
    return NULL;
}
