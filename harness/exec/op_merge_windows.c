/* SPDX-License-Identifier: Apache-2.0 */
/* beam:transform:merge_windows:v1: what becomes of the windows of a key, by the window function in
 * the payload (a FunctionSpec):
 *
 *     KV<nonce, iterable<window>>
 *     KV<nonce, KV<iterable<window>,                           those that stay as they are
 *                  iterable<KV<merged window, iterable<window>>>>>    and the others
 *
 * A window that is there twice counts once.  Where windows do not merge, all stay. */
#include "harness/exec/nonce_op.h"

#include "proto/unpack.h"
#include "sdk/windowing/window_proto.h"

typedef struct {
    beamc__nonce_op head;
    size_t merged_at;         /* in the answer */
    const beamc_type *window; /* as iterables of the output hold them */
    const beamc_type *merged; /* KV<window, iterable<window>>, as the second iterable holds it */
    size_t consumed_at;       /* in it */
    beamc_arena *arena;       /* of an element */
} merge_windows;

/* ---- where windows merge --------------------------------------------------------------------- */

/* The windows of one element, and what becomes of each. */
typedef struct {
    beamc_interval_window *windows;
    size_t count, capacity;
    uint32_t *order;
    uint32_t *group;
    beamc_interval_window *merged;
} merging;

static bool add_window(merging *all, beamc_interval_window window, beamc_arena *arena)
{
    if (all->count == all->capacity) {
        size_t capacity = all->capacity == 0 ? 16 : 2 * all->capacity;
        beamc_interval_window *more = beamc_arena_calloc(arena, capacity, sizeof(*more));
        if (more == NULL)
            return false;
        if (all->count > 0)
            memcpy(more, all->windows, all->count * sizeof(*more));
        all->windows = more;
        all->capacity = capacity;
    }
    all->windows[all->count++] = window;
    return true;
}

static beamc_error *gather(merging *all, const beamc_iterable *windows, beamc_arena *arena)
{
    beamc_iterator iterator;
    beamc_interval_window window;
    bool has_room = true;

    beamc_iterate(&iterator, windows);
    while (has_room && beamc_next(&iterator, &window))
        has_room = add_window(all, window, arena);
    beamc_error *error = beamc_iterator_finish(&iterator);
    if (error == NULL && has_room && all->count > UINT32_MAX)
        return beamc_error_new(BEAMC_ELIMIT, "%zu windows of one key", all->count);
    return error != NULL ? error : has_room ? NULL : beamc_error_nomem();
}

static bool same(const beamc_interval_window *a, const beamc_interval_window *b)
{
    return a->start == b->start && a->end == b->end;
}

/* Puts them in order and drops those that are there again. */
static void drop_twins(merging *all, const uint32_t *order, beamc_interval_window *room)
{
    size_t count = 0;

    for (size_t i = 0; i < all->count; i++) {
        const beamc_interval_window *next = &all->windows[order[i]];
        if (count == 0 || !same(&room[count - 1], next))
            room[count++] = *next;
    }
    if (count > 0)
        memcpy(all->windows, room, count * sizeof(*room));
    all->count = count;
}

/* Sets up both iterables; windows that merge are neighbours, as all are in order. */
static beamc_error *answer(merge_windows *op, const merging *all, size_t results)
{
    beamc_interval_window *kept = beamc_arena_calloc(op->arena, all->count, sizeof(*kept));
    char *merged = beamc_arena_calloc(op->arena, results, op->merged->size);
    char *to = beamc__nonce_op_answered(&op->head);
    size_t kept_count = 0;
    size_t merged_count = 0;

    if (kept == NULL || merged == NULL)
        return beamc_error_nomem();
    for (size_t first = 0, end; first < all->count; first = end) {
        for (end = first + 1; end < all->count && all->group[end] == all->group[first];)
            end++;
        if (end - first == 1) {
            kept[kept_count++] = all->windows[first];
            continue;
        }
        char *entry = merged + merged_count++ * op->merged->size;
        memcpy(entry, &all->merged[all->group[first]], sizeof(*all->merged));
        *(beamc_iterable *)(void *)(entry + op->consumed_at) =
            beamc_iterable_of_array(op->window, &all->windows[first], end - first);
    }
    *(beamc_iterable *)(void *)to = beamc_iterable_of_array(op->window, kept, kept_count);
    *(beamc_iterable *)(void *)(to + op->merged_at) =
        beamc_iterable_of_array(op->merged, merged, merged_count);
    return NULL;
}

static beamc_error *merge(merge_windows *op, const beamc_iterable *windows)
{
    merging all = { 0 };

    BEAMC_TRY(gather(&all, windows, op->arena));
    all.order = beamc_arena_calloc(op->arena, all.count, sizeof(*all.order));
    all.group = beamc_arena_calloc(op->arena, all.count, sizeof(*all.group));
    all.merged = beamc_arena_calloc(op->arena, all.count, sizeof(*all.merged));
    if (all.order == NULL || all.group == NULL || all.merged == NULL)
        return beamc_error_nomem();
    beamc__windows_merge(all.windows, all.count, all.order, all.group, all.merged);
    drop_twins(&all, all.order, all.merged);
    size_t results = beamc__windows_merge(all.windows, all.count, all.order, all.group, all.merged);
    return answer(op, &all, results);
}

static beamc_error *process_merging(beamc_receiver *self, const beamc_element_info *info,
                                    const void *value)
{
    merge_windows *op = (merge_windows *)self;
    beamc__op *head = &op->head.op;

    beamc__count_up(&head->count);
    BEAMC_TRY(beamc__op_look_up(head));
    beamc_error *error = merge(op, beamc__nonce_op_asked(&op->head, value));
    error = error != NULL ? beamc__op_failed(head, error)
                          : beamc__nonce_op_send(&op->head, info, value);
    beamc_arena_reset(op->arena);
    return error;
}

/* ---- where they do not ----------------------------------------------------------------------- */

static beamc_error *process_same(beamc_receiver *self, const beamc_element_info *info,
                                 const void *value)
{
    merge_windows *op = (merge_windows *)self;
    char *to = beamc__nonce_op_answered(&op->head);

    beamc__count_up(&op->head.op.count);
    BEAMC_TRY(beamc__op_look_up(&op->head.op));
    memcpy(to, beamc__nonce_op_asked(&op->head, value), sizeof(beamc_iterable));
    *(beamc_iterable *)(void *)(to + op->merged_at) = beamc_iterable_of_array(op->merged, NULL, 0);
    return beamc__nonce_op_send(&op->head, info, value);
}

/* ---- making ---------------------------------------------------------------------------------- */

static void merge_windows_free(beamc__op *head)
{
    merge_windows *op = (merge_windows *)head;
    beamc_arena_free(op->arena);
}

/* What an iterable holds; NULL: @type is none. */
static const beamc_type *held_by(const beamc_type *type)
{
    type = beamc__type_bare(type);
    return type->kind == BEAMC_KIND_ITERABLE || type->kind == BEAMC_KIND_STATE_BACKED_ITERABLE
               ? type->fields[0].type
               : NULL;
}

/* Whether @type is an iterable of what @window is. */
static bool holds(const beamc_type *type, const beamc_type *window)
{
    const beamc_type *held = held_by(type);
    return held != NULL && beamc_type_equal(held, window);
}

/* Whether the types are as above, of the same windows throughout. */
static bool read_types(merge_windows *op)
{
    const beamc_type *window = held_by(op->head.asked);
    const beamc_type *both = op->head.answered;

    if (window == NULL || both->kind != BEAMC_KIND_KV || !holds(both->fields[0].type, window))
        return false;
    op->window = held_by(both->fields[0].type);
    op->merged_at = beamc_kv_value_offset(both);
    op->merged = held_by(both->fields[1].type);
    if (op->merged == NULL)
        return false;
    const beamc_type *entry = beamc__type_bare(op->merged);
    if (entry->kind != BEAMC_KIND_KV || !beamc_type_equal(entry->fields[0].type, window) ||
        !holds(entry->fields[1].type, window))
        return false;
    op->consumed_at = beamc_kv_value_offset(entry);
    return true;
}

static beamc_error *read_window_fn(merge_windows *op, const beamc__op_spec *spec)
{
    ProtobufCAllocator allocator = beamc__arena_allocator(spec->plan->arena);
    const ProtobufCBinaryData *payload = &spec->transform->spec->payload;
    const PB(FunctionSpec) *named = BEAMC__UNPACK(PB(FunctionSpec), pb(function_spec__descriptor),
                                                  &allocator, payload->len, payload->data);
    beamc__window_fn fn;

    if (named == NULL)
        return beamc_arena_failed(spec->plan->arena)
                   ? beamc_error_nomem()
                   : beamc_error_new(BEAMC_ECORRUPT, "the FunctionSpec of its window function is "
                                                     "malformed");
    if (*named->urn == '\0')
        return beamc_error_new(BEAMC_ECORRUPT, "it has no window function");
    BEAMC_TRY(beamc__window_fn_read(&fn, named));
    if (fn.opaque)
        return beamc_error_new(BEAMC_EUNSUPPORTED, "%s is another SDK's window function",
                               named->urn);
    if (!fn.merges)
        return NULL;
    op->head.op.receiver.process = process_merging;
    if (beamc__type_bare(op->window)->kind != BEAMC_KIND_INTERVAL_WINDOW)
        return beamc_error_new(BEAMC_ETYPE, "%s does not merge windows of %s", named->urn,
                               op->window->name);
    return NULL;
}

beamc_error *beamc__op_merge_windows(beamc__op **out, const beamc__op_spec *spec)
{
    static const beamc__op_ops ops = { .free = merge_windows_free };
    merge_windows *op = beamc__op_alloc(spec, sizeof(*op), &ops, process_same);

    if (op == NULL)
        return beamc_error_nomem();
    *out = &op->head.op;
    op->arena = beamc_arena_new();
    if (op->arena == NULL)
        return beamc_error_nomem();
    BEAMC_TRY(beamc__nonce_op_init(&op->head));
    if (!read_types(op))
        return beamc_error_new(BEAMC_ETYPE,
                               "it takes windows, Iterable<W>, and gives KV<Iterable<W>, "
                               "Iterable<KV<W, Iterable<W>>>>, not %s and %s",
                               op->head.asked->name, op->head.answered->name);
    return read_window_fn(op, spec);
}
