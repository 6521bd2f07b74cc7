/* SPDX-License-Identifier: Apache-2.0 */
/* Iterables (beam:coder:iterable:v1, state_backed_iterable:v1):
 *
 *     known length      int32 count >= 0 | elements
 *     unknown length    int32 -1 | blocks of (varint n > 0 | n elements) | varint 0
 *     state-backed      int32 -1 | blocks | varint -1 | nested bytes: token of the rest
 *
 * A decoded iterable is a handle on these bytes.  They are checked once, when the handle is made, and
 * decoded element by element on each walk.  A walk whose elements need memory has an arena of its
 * own, emptied at each step, so walks may be nested and never disturb each other. */
#include "sdk/coders/parts.h"
#include "sdk/types/layout.h"

#include <stdlib.h>

/* Slots of beamc_iterator.state. */
enum {
    AT,    /* const uint8_t *: the next element */
    END,   /* const uint8_t * */
    LEFT,  /* elements left in the block, or in all */
    PHASE, /* what follows once none is left, see below */
    ARENA, /* beamc_arena *, NULL if elements need no memory */
    PAGES  /* page_walk *, NULL before the first page */
};

enum { PHASE_COUNTED, PHASE_BLOCKS, PHASE_PAGES, PHASE_DONE };

/* A walk over pages. */
typedef struct {
    beamc__state_page page;
    bool has_page;
    beamc_buffer joined; /* an element cut by the end of a page, and the page after it */
} page_walk;

static const beamc_iterable_ops counted_ops;
static const beamc_iterable_ops blocks_ops;
static const beamc_iterable_ops paged_ops;

#define BLOCK_TOKEN UINT64_MAX /* varint -1 */

/* ---- bytes ---------------------------------------------------------------------------------- */

static int skip_elements(const beamc_type *element, uint64_t count, beamc_reader *in,
                         const beamc__decode_context *context)
{
    int64_t size = beamc__type_fixed_size(element);
    if (size == 0)
        return BEAMC_OK;
    if (size > 0) {
        if (count > beamc_reader_left(in) / (uint64_t)size)
            return BEAMC_ESHORT;
        in->at += count * (uint64_t)size;
        return BEAMC_OK;
    }
    int rc = BEAMC_OK;
    while (count-- > 0 && rc == BEAMC_OK)
        rc = beamc__skip(element, true, in, context);
    return rc;
}

/* Checks an iterable's encoding; @token gets the state token, no data if there is none. */
static int skip_iterable(const beamc_type *type, beamc_reader *in,
                         const beamc__decode_context *context, bool *has_token, beamc_bytes *token)
{
    const beamc_type *element = type->fields[0].type;
    *has_token = false;
    if (beamc_reader_left(in) < 4)
        return BEAMC_ESHORT;
    uint64_t limit = beamc__type_fixed_size(element) == 0 ? BEAMC__EMPTY_VALUES_MAX : INT64_MAX;
    uint32_t count = beamc__load_be32(in->at);
    in->at += 4;
    if (count <= INT32_MAX)
        return count > limit ? BEAMC_ELIMIT : skip_elements(element, count, in, context);
    if (count != UINT32_MAX)
        return BEAMC_ECORRUPT;

    for (uint64_t left = limit;;) {
        uint64_t block;
        int rc = beamc__varint_decode(in, &block);
        if (rc < 0 || block == 0)
            return rc;
        if (block == BLOCK_TOKEN && type->kind == BEAMC_KIND_STATE_BACKED_ITERABLE) {
            *has_token = true;
            return beamc__bytes_decode(token, true, in);
        }
        if (block > left)
            return block > INT64_MAX ? BEAMC_ECORRUPT : BEAMC_ELIMIT;
        left -= block;
        if ((rc = skip_elements(element, block, in, context)) < 0)
            return rc;
    }
}

int beamc__iterable_skip(const beamc_type *type, beamc_reader *in,
                         const beamc__decode_context *context)
{
    bool has_token;
    beamc_bytes token;
    int rc = skip_iterable(type, in, context, &has_token, &token);
    if (rc == BEAMC_OK && has_token && context->fetch == NULL)
        return BEAMC_EUNSUPPORTED;
    return rc;
}

beamc_iterable beamc__iterable_of_bytes(const beamc_type *element, const uint8_t *bytes,
                                        size_t size)
{
    bool counted = beamc__load_be32(bytes) != UINT32_MAX;
    beamc_iterable iterable = { counted ? &counted_ops : &blocks_ops, element, bytes, size };
    return iterable;
}

beamc_iterable beamc__iterable_of_pages(const beamc_type *element, const beamc__paged *paged)
{
    beamc_iterable iterable = { &paged_ops, element, paged, 0 };
    return iterable;
}

bool beamc__iterable_bytes(const beamc_iterable *iterable, beamc_bytes *out, bool *is_all)
{
    *is_all = iterable->ops == &counted_ops || iterable->ops == &blocks_ops;
    if (*is_all) {
        *out = (beamc_bytes){ iterable->source, iterable->size };
        return true;
    }
    if (iterable->ops != &paged_ops)
        return false;
    const beamc__paged *paged = iterable->source;
    *out = (beamc_bytes){ paged->bytes, paged->size };
    return paged->bytes != NULL;
}

int beamc__iterable_decode(const beamc_type *type, beamc_iterable *iterable, beamc_reader *in,
                           const beamc__decode_context *context)
{
    const beamc_type *element = type->fields[0].type;
    const uint8_t *bytes = in->at;
    bool has_token;
    beamc_bytes token = { NULL, 0 };
    int rc = skip_iterable(type, in, context, &has_token, &token);
    if (rc < 0)
        return rc;

    size_t size = (size_t)(in->at - bytes);
    if (!has_token && (context->fetch == NULL || !beamc__type_is_state_backed(element))) {
        *iterable = beamc__iterable_of_bytes(element, bytes, size);
        return BEAMC_OK;
    }
    if (context->fetch == NULL)
        return BEAMC_EUNSUPPORTED;
    beamc__paged *paged = beamc_arena_alloc(context->arena, sizeof(*paged));
    if (paged == NULL)
        return BEAMC_ENOMEM;
    *paged = (beamc__paged){ bytes, size, has_token, token, context->fetch };
    *iterable = beamc__iterable_of_pages(element, paged);
    return BEAMC_OK;
}

/* ---- walks ---------------------------------------------------------------------------------- */

static void fail(beamc_iterator *iterator, beamc_error *take_error)
{
    beamc_error_free(iterator->error); /* the first one stopped the walk, so there is none */
    iterator->error = take_error;
    iterator->state[LEFT] = 0;
    iterator->state[PHASE] = PHASE_DONE;
}

static void start_bytes(beamc_iterator *iterator, const uint8_t *bytes, size_t size)
{
    const uint8_t *end = bytes + size;
    uint32_t count = UINT32_MAX;
    if (size >= 4) {
        count = beamc__load_be32(bytes);
        bytes += 4;
    }
    iterator->state[AT] = (uintptr_t)bytes;
    iterator->state[END] = (uintptr_t)end;
    iterator->state[LEFT] = count == UINT32_MAX ? 0 : count;
    iterator->state[PHASE] = count == UINT32_MAX ? PHASE_BLOCKS : PHASE_COUNTED;
}

static void start_arena(beamc_iterator *iterator)
{
    if (!beamc__type_needs_memory(iterator->iterable->element))
        return;
    beamc_arena *arena = beamc_arena_new();
    if (arena == NULL)
        fail(iterator, beamc_error_nomem());
    iterator->state[ARENA] = (uintptr_t)arena;
}

static void inline_start(const beamc_iterable *iterable, beamc_iterator *iterator)
{
    start_bytes(iterator, iterable->source, iterable->size);
    start_arena(iterator);
}

static void inline_end(beamc_iterator *iterator)
{
    beamc_arena_free((beamc_arena *)iterator->state[ARENA]);
    iterator->state[ARENA] = 0;
    iterator->state[LEFT] = 0;
    iterator->state[PHASE] = PHASE_DONE;
}

static int decode_next(beamc_iterator *iterator, void *value, const beamc__state_fetch *fetch)
{
    beamc_reader in = { (const uint8_t *)iterator->state[AT],
                        (const uint8_t *)iterator->state[END] };
    const beamc__decode_context context = { (beamc_arena *)iterator->state[ARENA], fetch };
    if (context.arena != NULL)
        beamc_arena_reset(context.arena);
    int rc = beamc__decode(iterator->iterable->element, value, true, &in, &context);
    if (BEAMC_LIKELY(rc == BEAMC_OK))
        iterator->state[AT] = (uintptr_t)in.at;
    return rc;
}

/* The bytes were checked, so only memory can be short; but a custom coder may say anything. */
static beamc_error *element_error(const beamc_iterator *iterator, int rc)
{
    if (rc == BEAMC_ENOMEM)
        return beamc_error_nomem();
    return beamc_error_new((beamc_code)rc, "value of type %s", iterator->iterable->element->name);
}

static bool counted_next(beamc_iterator *iterator, void *value)
{
    if (iterator->state[LEFT] == 0)
        return false;
    iterator->state[LEFT]--;
    int rc = decode_next(iterator, value, NULL);
    if (BEAMC_UNLIKELY(rc < 0))
        fail(iterator, element_error(iterator, rc));
    return rc == BEAMC_OK;
}

static int64_t counted_count(const beamc_iterable *iterable)
{
    return beamc__load_be32(iterable->source);
}

/* Opens the next block; without one, goes on to @after. */
static void next_block(beamc_iterator *iterator, int after)
{
    beamc_reader in = { (const uint8_t *)iterator->state[AT],
                        (const uint8_t *)iterator->state[END] };
    uint64_t count = 0;
    if (in.at == in.end || beamc__varint_decode(&in, &count) < 0 || count == 0 ||
        count == BLOCK_TOKEN) {
        iterator->state[PHASE] = (uintptr_t)after;
        return;
    }
    iterator->state[AT] = (uintptr_t)in.at;
    iterator->state[LEFT] = (uintptr_t)count;
}

static bool blocks_next(beamc_iterator *iterator, void *value)
{
    if (iterator->state[LEFT] == 0 && iterator->state[PHASE] == PHASE_BLOCKS)
        next_block(iterator, PHASE_DONE);
    return counted_next(iterator, value);
}

static const beamc_iterable_ops counted_ops = { inline_start, counted_next, counted_count,
                                                inline_end };
static const beamc_iterable_ops blocks_ops = { inline_start, blocks_next, NULL, inline_end };

/* ---- pages ---------------------------------------------------------------------------------- */

static void paged_start(const beamc_iterable *iterable, beamc_iterator *iterator)
{
    const beamc__paged *paged = iterable->source;
    if (paged->bytes != NULL)
        start_bytes(iterator, paged->bytes, paged->size);
    else
        iterator->state[PHASE] = PHASE_PAGES;
    start_arena(iterator);
}

static void release_page(const beamc__paged *paged, page_walk *walk)
{
    if (walk->has_page && paged->fetch->release != NULL)
        paged->fetch->release(paged->fetch, &walk->page);
    walk->has_page = false;
}

static void paged_end(beamc_iterator *iterator)
{
    const beamc__paged *paged = iterator->iterable->source;
    page_walk *walk = (page_walk *)iterator->state[PAGES];
    if (walk != NULL) {
        release_page(paged, walk);
        beamc_buffer_dispose(&walk->joined);
        free(walk);
    }
    iterator->state[PAGES] = 0;
    inline_end(iterator);
}

static page_walk *open_pages(beamc_iterator *iterator)
{
    page_walk *walk = (page_walk *)iterator->state[PAGES];
    if (walk != NULL)
        return walk;
    walk = calloc(1, sizeof(*walk));
    if (walk == NULL) {
        fail(iterator, beamc_error_nomem());
        return NULL;
    }
    iterator->state[PAGES] = (uintptr_t)walk;
    iterator->state[AT] = iterator->state[END] = 0;
    return walk;
}

/* Goes on to the next page; bytes that are left of the one before come first.  False at the end of
 * all pages and on an error. */
static bool next_page(beamc_iterator *iterator, page_walk *walk)
{
    const beamc__paged *paged = iterator->iterable->source;
    beamc_bytes from = { walk->page.next, walk->page.next_size };
    if (walk->has_page && from.size == 0)
        return false;

    beamc__state_page page = { NULL, 0, NULL, 0, NULL };
    beamc_error *error = paged->fetch->get(paged->fetch, paged->token, from, &page);
    if (error != NULL) {
        fail(iterator, error);
        return false;
    }
    const uint8_t *at = (const uint8_t *)iterator->state[AT];
    size_t left = (size_t)(iterator->state[END] - iterator->state[AT]);
    const uint8_t *data = page.data;
    size_t size = page.size;
    if (left > 0) {
        if (at >= walk->joined.data && walk->joined.size > 0 &&
            at < walk->joined.data + walk->joined.size) {
            memmove(walk->joined.data, at, left);
            walk->joined.size = left;
        } else {
            beamc_buffer_clear(&walk->joined);
            beamc_buffer_append(&walk->joined, at, left);
        }
        beamc_buffer_append(&walk->joined, page.data, page.size);
        data = walk->joined.data;
        size = walk->joined.size;
    }
    release_page(paged, walk);
    walk->page = page;
    walk->has_page = true;
    if (left > 0 && beamc_buffer_failed(&walk->joined)) {
        fail(iterator, beamc_error_nomem());
        return false;
    }
    iterator->state[AT] = (uintptr_t)data;
    iterator->state[END] = (uintptr_t)(data + size);
    return true;
}

static bool next_in_pages(beamc_iterator *iterator, void *value)
{
    const beamc__paged *paged = iterator->iterable->source;
    page_walk *walk = open_pages(iterator);
    while (walk != NULL) {
        uintptr_t at = iterator->state[AT];
        int rc = BEAMC_ESHORT;
        if (at != iterator->state[END]) {
            rc = decode_next(iterator, value, paged->fetch);
            if (rc == BEAMC_OK && iterator->state[AT] != at)
                return true;
        }
        if (rc == BEAMC_ESHORT && next_page(iterator, walk))
            continue;
        if (iterator->error == NULL && at != iterator->state[END])
            fail(iterator, beamc_error_new(rc < 0 ? (beamc_code)rc : BEAMC_ECORRUPT,
                                           "value of type %s in state",
                                           iterator->iterable->element->name));
        break;
    }
    iterator->state[PHASE] = PHASE_DONE;
    return false;
}

static bool paged_next(beamc_iterator *iterator, void *value)
{
    const beamc__paged *paged = iterator->iterable->source;
    int after = paged->has_token ? PHASE_PAGES : PHASE_DONE;
    if (iterator->state[LEFT] == 0) {
        if (iterator->state[PHASE] == PHASE_BLOCKS)
            next_block(iterator, after);
        if (iterator->state[PHASE] == PHASE_PAGES)
            return next_in_pages(iterator, value);
    }
    if (iterator->state[LEFT] == 0)
        return false;
    iterator->state[LEFT]--;
    int rc = decode_next(iterator, value, paged->fetch);
    if (rc < 0)
        fail(iterator, element_error(iterator, rc));
    return rc == BEAMC_OK;
}

static const beamc_iterable_ops paged_ops = { paged_start, paged_next, NULL, paged_end };

/* ---- encoding ------------------------------------------------------------------------------- */

/* Appends the elements of a walk, each nested. */
static int encode_elements(const beamc_iterable *iterable, const beamc_type *element,
                           uint64_t *count, beamc_buffer *out)
{
    beamc__scratch scratch;
    beamc_iterator iterator;
    int rc = BEAMC_OK;

    beamc__scratch_init(&scratch, iterable->element);
    if (scratch.value == NULL)
        return BEAMC_ENOMEM;
    beamc_iterate(&iterator, iterable);
    while (rc == BEAMC_OK && beamc_next(&iterator, scratch.value)) {
        rc = beamc__encode(element, scratch.value, true, out);
        ++*count;
    }
    beamc_error *error = beamc_iterator_finish(&iterator);
    if (rc == BEAMC_OK)
        rc = (int)beamc_error_code(error);
    beamc_error_free(error); /* leaf code has only the code to give */
    beamc__scratch_dispose(&scratch);
    return rc;
}

int beamc__iterable_encode(const beamc_iterable *iterable, const beamc_type *element,
                           beamc_buffer *out)
{
    /* What came in encoded by the same coder goes out as it is. */
    if ((iterable->ops == &counted_ops || iterable->ops == &blocks_ops) &&
        iterable->element == element)
        return beamc__bytes_encode(iterable->source, iterable->size, false, out);

    size_t start = out->size;
    uint64_t count = 0;
    uint8_t *to = beamc_buffer_reserve(out, 4);
    if (to == NULL)
        return BEAMC_ENOMEM;
    memset(to, 0, 4);
    out->size += 4;
    if (iterable->ops == NULL)
        return BEAMC_OK;
    int rc = encode_elements(iterable, element, &count, out);
    if (rc < 0)
        return rc;
    if (count > INT32_MAX)
        return BEAMC_ELIMIT;
    beamc__store_be32(out->data + start, (uint32_t)count);
    return BEAMC_OK;
}
