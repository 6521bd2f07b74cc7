/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups are put off until there are some of them: then the memory that each needs is asked for
 * before the first of them waits for its own. */
#include "harness/exec/op_combine.h"

#define BATCH BEAMC__PRECOMBINE_BATCH
#define WINDOW_COST 128 /* bytes of an entry in window_ids, about */

typedef beamc__precombine precombine;

/* What lies before a large accumulator. */
typedef struct {
    beamc_timestamp timestamp; /* folded */
    _Alignas(max_align_t) uint8_t accumulator[];
} large;

static beamc_error *flush(precombine *op);

static large *large_of(const beamc__slot *slot)
{
    large *entry;
    memcpy(&entry, slot->accumulator, sizeof(entry));
    return entry;
}

static void *accumulator_of(const precombine *op, beamc__slot *slot)
{
    return op->is_small ? slot->accumulator : large_of(slot)->accumulator;
}

/* ---- adding ----------------------------------------------------------------------------------- */

/* Makes the accumulator of a slot that is new. */
static beamc_error *create(precombine *op, beamc__slot *slot, beamc_timestamp timestamp)
{
    beamc__combine *base = &op->base;

    if (!op->is_small) {
        size_t size = base->ctx.accumulator->size;
        large *made = beamc_arena_calloc(op->table.arena, 1, sizeof(large) + size);
        memcpy(slot->accumulator, &made, sizeof(made));
        if (made == NULL)
            return beamc_error_nomem();
        made->timestamp = timestamp;
    }
    return base->fn->create(&base->ctx, accumulator_of(op, slot));
}

beamc_error *beamc__precombine_add(precombine *op, beamc__slot *slot, bool is_new,
                                   const void *input, beamc_timestamp timestamp)
{
    beamc__combine *base = &op->base;

    if (BEAMC_UNLIKELY(slot == NULL))
        return beamc_error_nomem();
    if (BEAMC_UNLIKELY(is_new))
        BEAMC_TRY(create(op, slot, timestamp));
    if (!op->is_small) {
        large *entry = large_of(slot);
        entry->timestamp =
            beamc__output_time_fold(base->op.input->output_time, entry->timestamp, timestamp);
    }
    return beamc__combine_add(base, accumulator_of(op, slot), input, base->other);
}

static beamc_error *add_to_slot(precombine *op, const beamc__slot *like, const void *input,
                                beamc_timestamp timestamp)
{
    bool is_new;
    beamc__slot *slot = beamc__combine_table_find(&op->table, like, &is_new);

    return beamc__precombine_add(op, slot, is_new, input, timestamp);
}

/* ---- waiting ---------------------------------------------------------------------------------- */

static inline void *input_of(precombine *op, beamc__slot *waiting)
{
    return op->input_size <= sizeof(waiting->accumulator) ? waiting->accumulator
                                                          : op->inputs[waiting - op->waiting];
}

static void tell_memory(precombine *op, size_t bytes)
{
    __atomic_store_n(&op->base.op.memory, bytes, __ATOMIC_RELAXED);
}

beamc_error *beamc__precombine_drain(precombine *op)
{
    beamc__slot *end = op->next;

    op->next = op->waiting;
    /* Text waits without its hash. */
    for (beamc__slot *like = op->waiting; op->is_text && like < end; like++)
        beamc__slot_prepare_words(like, 0, like->key[0], like->key[1]);
    for (beamc__slot *like = op->waiting; like < end; like++)
        beamc__combine_table_prefetch_slot(&op->table, like);
    for (beamc__slot *like = op->waiting; like < end; like++)
        BEAMC_TRY(add_to_slot(op, like, input_of(op, like), 0));
    /* Whether the next ones fit, so that the table never grows past its limit. */
    size_t table = beamc__combine_table_bytes(&op->table, BATCH);
    size_t windows = op->window_count * WINDOW_COST;
    size_t most = op->base.op.plan->options.combine_memory;
    if (BEAMC_UNLIKELY((table > most || windows > most - table) && op->table.count > 0))
        return flush(op);
    tell_memory(op, table + windows);
    return NULL;
}

/* Puts the element of the prepared slot among those that wait. */
static inline beamc_error *wait(precombine *op, beamc__slot *like, const void *input)
{
    if (BEAMC_LIKELY(op->input_size == 8))
        memcpy(like->accumulator, input, 8);
    else
        memcpy(input_of(op, like), input, op->input_size);
    beamc__combine_table_prefetch(&op->table, like);
    op->next = like + 1;
    if (BEAMC_UNLIKELY(op->next == op->waiting + BATCH))
        return beamc__precombine_drain(op);
    return NULL;
}

/* ---- windows ---------------------------------------------------------------------------------- */

static beamc_error *new_window(precombine *op, const beamc_element_info *info)
{
    const beamc__node *node = op->base.op.input;

    if (op->window_count == op->window_capacity) {
        size_t capacity = op->window_capacity == 0 ? 16 : 2 * op->window_capacity;
        beamc__precombine_window *more =
            beamc_arena_alloc(op->table.arena, capacity * sizeof(*more));
        if (more == NULL)
            return beamc_error_nomem();
        if (op->window_count > 0)
            memcpy(more, op->windows, op->window_count * sizeof(*more));
        op->windows = more;
        op->window_capacity = capacity;
    }
    beamc__precombine_window *window = &op->windows[op->window_count];
    window->bytes = beamc_arena_memdup(op->table.arena, info->windows, info->windows_size);
    window->size = info->windows_size;
    if (window->bytes == NULL)
        return beamc_error_nomem();
    int rc = beamc__window_max_timestamp(node->window_fn.form, info->windows, info->windows_size,
                                         &window->max_timestamp);
    if (rc < 0)
        return beamc_error_new((beamc_code)rc, "the end of a window: %s", beamc_code_text(rc));
    if (beamc__table_put(op->window_ids, info->windows, info->windows_size,
                         (void *)(uintptr_t)(op->window_count + 1)) < 0)
        return beamc_error_nomem();
    op->last_window = (uint32_t)op->window_count++;
    return NULL;
}

/* Sets op->last_window to the number of the one window of @info. */
static inline beamc_error *find_window(precombine *op, const beamc_element_info *info)
{
    if (BEAMC_LIKELY(op->last_window < op->window_count)) {
        const beamc__precombine_window *last = &op->windows[op->last_window];
        if (BEAMC_LIKELY(last->size == info->windows_size &&
                         (last->size == 0 || memcmp(last->bytes, info->windows, last->size) == 0)))
            return NULL;
    }
    uintptr_t id = (uintptr_t)beamc__table_get(op->window_ids, info->windows, info->windows_size);
    if (id == 0)
        return new_window(op, info);
    op->last_window = (uint32_t)(id - 1);
    return NULL;
}

/* No window is left of those before; where all is text there is always the global one. */
static beamc_error *start_windows(precombine *op)
{
    op->windows = NULL;
    op->window_count = 0;
    op->window_capacity = 0;
    op->last_window = 0;
    return op->is_text ? new_window(op, &beamc_element_info_initial) : NULL;
}

/* ---- taking ----------------------------------------------------------------------------------- */

/* Prepares the slot of any key. */
static beamc_error *prepare(precombine *op, beamc__slot *slot, const void *key)
{
    if (op->form == BEAMC__KEY_IS_TEXT) {
        const beamc_bytes *text = key;
        beamc__slot_prepare(slot, op->last_window, text->data, text->size);
        return NULL;
    }
    if (op->form == BEAMC__KEY_IS_INT64) {
        beamc__slot_prepare(slot, op->last_window, key, sizeof(int64_t));
        return NULL;
    }
    beamc_buffer_clear(&op->key);
    int rc = beamc__encode(op->base.in->fields[0].type, key, true, &op->key);
    if (rc < 0)
        return beamc_error_new((beamc_code)rc, "a key of %s: %s", op->base.in->fields[0].type->name,
                               beamc_code_text(rc));
    beamc__slot_prepare(slot, op->last_window, op->key.data, op->key.size);
    return NULL;
}

static beamc_error *take(precombine *op, const beamc_element_info *info, const void *key,
                         const void *input)
{
    beamc__slot *next = op->next;

    BEAMC_TRY(find_window(op, info));
    BEAMC_TRY(prepare(op, next, key));
    if (BEAMC_LIKELY(op->can_wait && !beamc__slot_is_long(next)))
        return wait(op, next, input);
    /* At once, but after those that wait; sending them may have made the windows start anew. */
    BEAMC_TRY(beamc__precombine_drain(op));
    BEAMC_TRY(find_window(op, info));
    beamc__slot now;
    BEAMC_TRY(prepare(op, &now, key));
    return add_to_slot(op, &now, input, info->timestamp);
}

static beamc_error *take_windows(precombine *op, const beamc_element_info *info, const void *key,
                                 const void *input)
{
    beamc_element_info one = *info;
    beamc_reader in = beamc_reader_of(info->windows, info->windows_size);

    if (BEAMC_LIKELY(info->window_count == 1))
        return take(op, info, key, input);
    one.window_count = 1;
    for (uint32_t i = 0; i < info->window_count; i++) {
        one.windows = in.at;
        int rc = beamc__skip(op->base.op.input->window_type, true, &in, &op->base.op.plan->decode);
        if (rc < 0)
            return beamc_error_new((beamc_code)rc, "window %u of an element: %s", i,
                                   beamc_code_text(rc));
        one.windows_size = (uint32_t)(in.at - one.windows);
        BEAMC_TRY(take(op, &one, key, input));
    }
    return NULL;
}

static inline beamc_error *process(precombine *op, const beamc_element_info *info, const void *key,
                                   const void *input)
{
    beamc__count_up(&op->base.op.count);
    BEAMC_TRY(beamc__op_look_up(&op->base.op));
    beamc__op *outer = beamc__plan_enter(op->base.op.plan, &op->base.op);
    beamc_error *error = take_windows(op, info, key, input);
    beamc__plan_leave(op->base.op.plan, outer);
    return beamc__op_pass(&op->base.op, error);
}

beamc_error *beamc__precombine_process(beamc_receiver *self, const beamc_element_info *info,
                                       const void *element)
{
    precombine *op = (precombine *)self;
    return process(op, info, element, (const char *)element + op->base.in_offset);
}

beamc_error *beamc__precombine_process_key(beamc_receiver *self, const beamc_element_info *info,
                                           const void *key)
{
    precombine *op = (precombine *)(void *)((char *)self - offsetof(precombine, keys));
    return process(op, info, key, op->paired);
}

/* ---- sending what was gathered ---------------------------------------------------------------- */

static beamc_error *key_from(precombine *op, const beamc__slot *slot)
{
    size_t size;
    const uint8_t *bytes = beamc__slot_key(slot, &size);

    if (op->form == BEAMC__KEY_IS_TEXT) {
        beamc_bytes text = { bytes, size };
        memcpy(op->base.result, &text, sizeof(text));
        return NULL;
    }
    if (op->form == BEAMC__KEY_IS_INT64) {
        memcpy(op->base.result, bytes, sizeof(int64_t));
        return NULL;
    }
    beamc_reader in = beamc_reader_of(bytes, size);
    int rc = beamc__decode(op->base.in->fields[0].type, op->base.result, true, &in,
                           &(beamc__decode_context){ op->table.arena, NULL });
    return rc < 0 ? beamc_error_new((beamc_code)rc, "a key: %s", beamc_code_text(rc)) : NULL;
}

static beamc_error *send_slot(precombine *op, beamc__slot *slot)
{
    static const uint8_t no_firing[1] = { BEAMC__PANE_NO_FIRING };
    beamc__combine *base = &op->base;
    const beamc__precombine_window *window = &op->windows[beamc__slot_window(slot)];
    void *accumulator = accumulator_of(op, slot);
    beamc_element_info info = { window->max_timestamp, window->bytes, window->size,
                                1,                     no_firing,     sizeof(no_firing) };

    if (!op->is_small)
        info.timestamp = beamc__output_time_finish(base->op.input->output_time,
                                                   large_of(slot)->timestamp,
                                                   window->max_timestamp);
    if (base->fn->compact != NULL)
        BEAMC_TRY(base->fn->compact(&base->ctx, accumulator));
    BEAMC_TRY(key_from(op, slot));
    memcpy((char *)base->result + base->out_offset, accumulator, base->ctx.accumulator->size);
    return beamc__op_emit(&base->op, 0, &info, base->result);
}

/* Sends all, in the order in which keys came, and starts anew. */
static beamc_error *flush(precombine *op)
{
    for (size_t i = 1; i <= op->table.count; i++)
        BEAMC_TRY(send_slot(op, &op->table.slots[i]));
    beamc__combine_table_clear(&op->table);
    tell_memory(op, beamc__combine_table_bytes(&op->table, op->table.capacity / 2));
    beamc__table_free(op->window_ids);
    op->window_ids = beamc__table_new();
    if (op->window_ids == NULL)
        return beamc_error_nomem();
    return start_windows(op);
}

static beamc_error *precombine_finish(beamc__op *head)
{
    precombine *op = (precombine *)head;
    beamc__op *outer = beamc__plan_enter(head->plan, head);
    beamc_error *error = beamc__precombine_drain(op);

    if (error == NULL)
        error = flush(op);
    beamc__plan_leave(head->plan, outer);
    return error;
}

static void precombine_free(beamc__op *head)
{
    precombine *op = (precombine *)head;

    beamc__combine_table_dispose(&op->table);
    beamc__table_free(op->window_ids);
    beamc_buffer_dispose(&op->key);
}

/* ---- making ----------------------------------------------------------------------------------- */

const beamc__op_ops beamc__precombine_ops = { .finish = precombine_finish, .free = precombine_free };

/* Holds no pointers, so that a copy of its bytes is a copy of it. */
static bool is_flat(const beamc_type *type)
{
    switch (type->kind) {
    case BEAMC_KIND_VOID:
    case BEAMC_KIND_BOOL:
    case BEAMC_KIND_INT8:
    case BEAMC_KIND_INT16:
    case BEAMC_KIND_INT32:
    case BEAMC_KIND_INT64:
    case BEAMC_KIND_FLOAT:
    case BEAMC_KIND_DOUBLE:
    case BEAMC_KIND_TIMESTAMP:
        return true;
    case BEAMC_KIND_KV:
    case BEAMC_KIND_ROW:
    case BEAMC_KIND_NULLABLE:
    case BEAMC_KIND_LENGTH_PREFIX:
        for (size_t i = 0; i < type->field_count; i++) {
            if (!is_flat(type->fields[i].type))
                return false;
        }
        return true;
    default:
        return false;
    }
}

static beamc__precombine_key key_form(const beamc_type *key)
{
    if (key->logical == NULL && (key->kind == BEAMC_KIND_STRING || key->kind == BEAMC_KIND_BYTES))
        return BEAMC__KEY_IS_TEXT;
    if (key->logical == NULL && key->kind == BEAMC_KIND_INT64)
        return BEAMC__KEY_IS_INT64;
    return BEAMC__KEY_IS_ENCODED;
}

beamc_error *beamc__precombine_init(precombine *op)
{
    beamc__combine *base = &op->base;
    const beamc_type *input = base->in->fields[1].type;
    bool folds_time = base->op.input->output_time != BEAMC_OUTPUT_END_OF_WINDOW;

    op->window_ids = beamc__table_new();
    if (op->window_ids == NULL || beamc__combine_table_init(&op->table) < 0)
        return beamc_error_nomem();
    base->ctx.arena = op->table.arena;
    op->form = key_form(beamc__type_bare(base->in->fields[0].type));
    op->is_small = !folds_time && base->ctx.accumulator->size <= 8 &&
                   base->ctx.accumulator->align <= 8;
    op->input_size = input->size;
    op->can_wait = !folds_time && is_flat(input) && input->size <= BEAMC__PRECOMBINE_INPUT;
    op->next = op->waiting;
    op->keys.process = beamc__precombine_process_key;
    if (beamc__precombine_can_be_text(op))
        beamc__precombine_make_text(op);
    return start_windows(op);
}

beamc_receiver *beamc__precombine_keys(beamc__op *head, const int64_t *paired)
{
    precombine *op = (precombine *)head;

    if (head->ops != &beamc__precombine_ops ||
        beamc__type_bare(op->base.in->fields[1].type)->kind != BEAMC_KIND_INT64)
        return NULL;
    op->paired = paired;
    for (size_t i = 0; i < BATCH; i++)
        memcpy(op->waiting[i].accumulator, paired, sizeof(*paired));
    return &op->keys;
}
