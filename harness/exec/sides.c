/* SPDX-License-Identifier: Apache-2.0 */
/* Side inputs of a DoFn: fetched from state by window (and key), kept while the window stays the
 * same. */
#include "harness/exec/op.h"

#include "proto/unpack.h"
#include <stdlib.h>

typedef struct {
    const char *name; /* local tag */
    beamc_view view;
    const beamc__node *node;  /* of the side input */
    const beamc_type *type;   /* of its elements, bare */
    void *default_value;      /* NULL: none */
    /* what was fetched for the window below */
    uint8_t window[BEAMC__WINDOW_SIZE_MAX];
    size_t window_size;
    bool has_window;
    beamc__state_key key;  /* of the whole */
    beamc__paged paged;    /* over it */
    bool has_value;
    void *value;           /* a singleton */
    beamc_arena *arena;    /* of the singleton */
} side;

struct beamc__sides {
    beamc__plan *plan;
    const char *transform_id;
    const beamc__node *main;
    side *all;
    size_t count;
    beamc_buffer scratch;
};

/* ---- making ----------------------------------------------------------------------------------- */

static beamc_error *thaw_default(beamc__sides *sides, side *at, const ProtobufCBinaryData *bytes)
{
    beamc_reader in = beamc_reader_of(bytes->data, bytes->len);

    at->default_value = beamc_arena_calloc(sides->plan->arena, 1, at->type->size);
    if (at->default_value == NULL)
        return beamc_error_nomem();
    int rc = beamc_decode(at->type, at->default_value, true, &in, sides->plan->arena);
    if (rc < 0)
        return beamc_error_new((beamc_code)rc, "the default of side input %s: %s", at->name,
                               beamc_code_text(rc));
    return NULL;
}

/* The table's declaration must agree with what the pipeline has. */
static beamc_error *check_side(const side *at, const beamc_dofn_side *declared)
{
    if (at->view != declared->view)
        return beamc_error_new(BEAMC_ETYPE, "side input %s is asked for in another way than its "
                                            "function's table says",
                               at->name);
    if (declared->type != NULL && !beamc_type_equal(declared->type, at->type))
        return beamc_error_new(BEAMC_ETYPE, "side input %s takes %s, but the pipeline has %s",
                               at->name, declared->type->name, at->type->name);
    if (at->view == BEAMC_VIEW_MULTIMAP && at->type->kind != BEAMC_KIND_KV)
        return beamc_error_new(BEAMC_ETYPE, "side input %s is asked by key, but is of %s", at->name,
                               at->type->name);
    return NULL;
}

static beamc_error *side_init(beamc__sides *sides, side *at, const beamc__op_spec *spec,
                              const beamc_dofn_side *declared, const CS(Side) *from)
{
    const char *id = NULL;

    at->name = from->tag;
    at->view = (beamc_view)from->view;
    for (size_t i = 0; i < spec->transform->n_inputs; i++) {
        if (strcmp(spec->transform->inputs[i]->key, from->tag) == 0)
            id = spec->transform->inputs[i]->value;
    }
    at->node = id == NULL ? NULL : spec->find_node(spec->plan, id);
    if (at->node == NULL)
        return beamc_error_new(BEAMC_ENOENT, "side input %s is not in the descriptor", from->tag);
    at->type = beamc__type_bare(at->node->type);
    BEAMC_TRY(check_side(at, declared));
    if (from->optional_default_case == CSK(SIDE__OPTIONAL_DEFAULT_DEFAULT_VALUE))
        BEAMC_TRY(thaw_default(sides, at, &from->default_value));
    at->value = beamc_arena_calloc(spec->plan->arena, 1, at->type->size);
    at->arena = beamc_arena_new();
    return at->value == NULL || at->arena == NULL ? beamc_error_nomem() : NULL;
}

beamc_error *beamc__sides_new(beamc__sides **out, const beamc__op_spec *spec,
                              const beamc_dofn *dofn, const CS(Function) *function)
{
    beamc__sides *sides = beamc_arena_calloc(spec->plan->arena, 1, sizeof(*sides));

    *out = NULL;
    if (function->n_sides != dofn->side_count)
        return beamc_error_new(BEAMC_ECORRUPT, "%s has %zu side inputs here, but %zu in its table",
                               function->name, function->n_sides, dofn->side_count);
    if (sides == NULL)
        return beamc_error_nomem();
    sides->plan = spec->plan;
    sides->transform_id = spec->head.id;
    sides->main = spec->head.input;
    sides->all = beamc_arena_calloc(spec->plan->arena, function->n_sides, sizeof(side));
    if (sides->all == NULL)
        return beamc_error_nomem();
    *out = sides;
    for (size_t i = 0; i < function->n_sides; i++) {
        sides->count++;
        BEAMC_TRY(side_init(sides, &sides->all[i], spec, &dofn->sides[i], function->sides[i]));
    }
    return NULL;
}

void beamc__sides_free(beamc__sides *sides)
{
    if (sides == NULL)
        return;
    for (size_t i = 0; i < sides->count; i++)
        beamc_arena_free(sides->all[i].arena);
    beamc_buffer_dispose(&sides->scratch);
}

const beamc_type *beamc__sides_type(const beamc__sides *sides, size_t index)
{
    return index < sides->count ? sides->all[index].type : NULL;
}

static void forget(side *at)
{
    at->has_window = false;
    at->has_value = false;
    if (at->arena != NULL)
        beamc_arena_reset(at->arena);
}

void beamc__sides_start(beamc__sides *sides)
{
    for (size_t i = 0; i < sides->count; i++)
        forget(&sides->all[i]);
}

/* ---- asking ----------------------------------------------------------------------------------- */

static beamc_error *find(beamc__sides *sides, size_t index, side **out)
{
    if (index >= sides->count)
        return beamc_error_new(BEAMC_EINVAL, "asks for side input %zu, but has %zu", index,
                               sides->count);
    *out = &sides->all[index];
    return NULL;
}

static beamc_error *no_window(const side *at, int rc)
{
    return beamc_error_new((beamc_code)rc, "side input %s has no window for the element's: %s",
                           at->name, beamc_code_text(rc));
}

/* Makes the side's window the one for the element's. */
static beamc_error *turn_to(beamc__sides *sides, side *at, const beamc_element_info *info)
{
    uint8_t window[BEAMC__WINDOW_SIZE_MAX];
    size_t size = 0;

    if (at->has_window && at->node->window_fn.form == BEAMC__WINDOW_FORM_GLOBAL)
        return NULL;
    int rc = beamc__window_map_side(&at->node->window_fn, sides->main->window_fn.form,
                                    info->windows, info->windows_size, window, &size);
    if (rc < 0)
        return no_window(at, rc);
    if (at->has_window && at->window_size == size && memcmp(at->window, window, size) == 0)
        return NULL;
    forget(at);
    memcpy(at->window, window, size);
    at->window_size = size;
    at->has_window = true;
    at->key = (beamc__state_key){ .kind = BEAMC__STATE_ITERABLE_SIDE_INPUT,
                                  .transform_id = sides->transform_id,
                                  .id = at->name,
                                  .window = { at->window, at->window_size } };
    at->paged = (beamc__paged){ .has_token = true,
                                .token = { (const uint8_t *)&at->key, sizeof(at->key) },
                                .fetch = &sides->plan->key_fetch };
    return NULL;
}

beamc_error *beamc__sides_iterable(beamc__sides *sides, const beamc_element_info *info, size_t index,
                                   beamc_arena *arena BEAMC_UNUSED, beamc_iterable *out)
{
    side *at = NULL;

    BEAMC_TRY(find(sides, index, &at));
    if (at->view == BEAMC_VIEW_MULTIMAP)
        return beamc_error_new(BEAMC_EINVAL, "side input %s is a multimap: use beamc_side_lookup",
                               at->name);
    BEAMC_TRY(turn_to(sides, at, info));
    *out = beamc__iterable_of_pages(at->node->type, &at->paged);
    return NULL;
}

/* Reads the one element into at->value. */
static beamc_error *fetch_one(side *at)
{
    beamc_iterable all = beamc__iterable_of_pages(at->node->type, &at->paged);
    beamc_iterator iterator;
    int rc = BEAMC_OK;
    size_t count = 0;

    beamc_iterate(&iterator, &all);
    /* Values end at the next call, so the first is copied before a second is asked for. */
    void *value = beamc_arena_calloc(at->arena, 1, at->type->size);
    while (value != NULL && rc == BEAMC_OK && count < 2 && beamc_next(&iterator, value)) {
        if (count++ == 0)
            rc = beamc_copy(at->type, at->value, value, at->arena);
    }
    BEAMC_TRY(beamc_iterator_finish(&iterator));
    if (value == NULL || rc < 0)
        return beamc_error_nomem();
    if (count == 1) {
        at->has_value = true;
        return NULL;
    }
    if (count > 1)
        return beamc_error_new(BEAMC_EUSER, "side input %s has more than one element", at->name);
    if (at->default_value == NULL)
        return beamc_error_new(BEAMC_EUSER, "side input %s has no element and no default",
                               at->name);
    memcpy(at->value, at->default_value, at->type->size);
    at->has_value = true;
    return NULL;
}

beamc_error *beamc__sides_singleton(beamc__sides *sides, const beamc_element_info *info,
                                    size_t index, void *out)
{
    side *at = NULL;

    BEAMC_TRY(find(sides, index, &at));
    if (at->view != BEAMC_VIEW_SINGLETON)
        return beamc_error_new(BEAMC_EINVAL, "side input %s is no singleton", at->name);
    BEAMC_TRY(turn_to(sides, at, info));
    if (!at->has_value)
        BEAMC_TRY(fetch_one(at));
    memcpy(out, at->value, at->type->size);
    return NULL;
}

/* What an iterable over one key's values needs, in the element's arena. */
typedef struct {
    beamc__paged paged;
    beamc__state_key key;
} lookup;

beamc_error *beamc__sides_lookup(beamc__sides *sides, const beamc_element_info *info, size_t index,
                                 const void *key, beamc_arena *arena, beamc_iterable *out)
{
    side *at = NULL;

    BEAMC_TRY(find(sides, index, &at));
    if (at->view != BEAMC_VIEW_MULTIMAP)
        return beamc_error_new(BEAMC_EINVAL, "side input %s is no multimap", at->name);
    BEAMC_TRY(turn_to(sides, at, info));
    beamc_buffer_clear(&sides->scratch);
    int rc = beamc__encode(at->type->fields[0].type, key, true, &sides->scratch);
    if (rc < 0)
        return beamc_error_new((beamc_code)rc, "a key of side input %s: %s", at->name,
                               beamc_code_text(rc));
    lookup *made = beamc_arena_alloc(arena, sizeof(*made));
    const uint8_t *bytes = beamc_arena_memdup(arena, sides->scratch.data, sides->scratch.size);
    if (made == NULL || bytes == NULL)
        return beamc_error_nomem();
    made->key = at->key;
    made->key.kind = BEAMC__STATE_MULTIMAP_SIDE_INPUT;
    made->key.key = (beamc_bytes){ bytes, sides->scratch.size };
    made->paged = at->paged;
    made->paged.token = (beamc_bytes){ (const uint8_t *)&made->key, sizeof(made->key) };
    *out = beamc__iterable_of_pages(at->type->fields[1].type, &made->paged);
    return NULL;
}
