/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a combine:
 *
 *     precombine   KV<K, In>            -> KV<K, Acc>   many into one, before the shuffle
 *     merge        KV<K, Iterable<Acc>> -> KV<K, Acc>
 *     extract      KV<K, Acc>           -> KV<K, Out>
 *     convert      KV<K, In>            -> KV<K, Acc>
 *     grouped      KV<K, Iterable<In>>  -> KV<K, Out>   all at once, where nothing is lifted
 *
 * Function.part: In or Out may be the accumulator itself, see function.proto. */
#include "harness/exec/combine_table.h"
#include "harness/exec/op.h"

#include "proto/unpack.h"
#include "proto/urns.h"
#include "sdk/base/table.h"
#include "sdk/pipeline/functions.h"
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

#define BATCH 16      /* look-ups that are put off */
#define INPUT_MAX 16  /* bytes of an input that may be put off */
#define WINDOW_COST 128 /* bytes of an entry in window_ids, about */

typedef struct {
    beamc__op op;
    const beamc_combine_fn *fn;
    beamc_combine_context ctx;
    bool adds_accumulators; /* FROM_ACCUMULATOR */
    bool gives_accumulator; /* TO_ACCUMULATOR */
    const beamc_type *in;   /* the KV that comes, bare */
    const beamc_type *out;  /* the KV that goes, bare */
    size_t in_offset, out_offset; /* of their values */
    size_t key_size;
    void *result;      /* one element of out */
    void *accumulator; /* one */
    void *other;       /* one value that comes */
} combine;

/* ---- steps ------------------------------------------------------------------------------------ */

/* Adds one input, or merges one that is an accumulator already.  @scratch has room for it. */
static inline beamc_error *add(combine *op, void *accumulator, const void *input, void *scratch)
{
    if (BEAMC_LIKELY(!op->adds_accumulators))
        return op->fn->add(&op->ctx, accumulator, input);
    memcpy(scratch, input, op->ctx.accumulator->size); /* merge may change it */
    return op->fn->merge(&op->ctx, accumulator, scratch);
}

static beamc_error *send(combine *op, const beamc_element_info *info, const void *key)
{
    memcpy(op->result, key, op->key_size);
    return beamc__op_emit(&op->op, 0, info, op->result);
}

/* From op->accumulator to the value in op->result. */
static beamc_error *extract(combine *op)
{
    void *value = (char *)op->result + op->out_offset;

    if (!op->gives_accumulator)
        return op->fn->extract(&op->ctx, op->accumulator, value);
    if (op->fn->compact != NULL)
        BEAMC_TRY(op->fn->compact(&op->ctx, op->accumulator));
    memcpy(value, op->accumulator, op->ctx.accumulator->size);
    return NULL;
}

static beamc_error *create(combine *op)
{
    memset(op->accumulator, 0, op->ctx.accumulator->size);
    return op->fn->create(&op->ctx, op->accumulator);
}

/* Puts all values of an iterable into a new accumulator. */
static beamc_error *fold(combine *op, const beamc_iterable *values, bool merges)
{
    beamc_iterator iterator;
    beamc_error *error;

    BEAMC_TRY(create(op));
    beamc_iterate(&iterator, values);
    while (beamc_next(&iterator, op->other)) {
        error = merges || op->adds_accumulators
                    ? op->fn->merge(&op->ctx, op->accumulator, op->other)
                    : op->fn->add(&op->ctx, op->accumulator, op->other);
        if (error != NULL) {
            beamc_error_free(beamc_iterator_finish(&iterator)); /* none: the walk went well */
            return error;
        }
    }
    return beamc_iterator_finish(&iterator);
}

static const beamc_iterable *values_of(const combine *op, const void *element)
{
    return (const beamc_iterable *)(const void *)((const char *)element + op->in_offset);
}

static beamc_error *merge_one(combine *op, const beamc_element_info *info, const void *element)
{
    BEAMC_TRY(fold(op, values_of(op, element), true));
    if (op->fn->compact != NULL)
        BEAMC_TRY(op->fn->compact(&op->ctx, op->accumulator));
    memcpy((char *)op->result + op->out_offset, op->accumulator, op->ctx.accumulator->size);
    return send(op, info, element);
}

static beamc_error *extract_one(combine *op, const beamc_element_info *info, const void *element)
{
    memcpy(op->accumulator, (const char *)element + op->in_offset, op->ctx.accumulator->size);
    BEAMC_TRY(extract(op));
    return send(op, info, element);
}

static beamc_error *convert_one(combine *op, const beamc_element_info *info, const void *element)
{
    BEAMC_TRY(create(op));
    BEAMC_TRY(add(op, op->accumulator, (const char *)element + op->in_offset, op->other));
    memcpy((char *)op->result + op->out_offset, op->accumulator, op->ctx.accumulator->size);
    return send(op, info, element);
}

static beamc_error *grouped_one(combine *op, const beamc_element_info *info, const void *element)
{
    BEAMC_TRY(fold(op, values_of(op, element), false));
    BEAMC_TRY(extract(op));
    return send(op, info, element);
}

/* One element, with the arena given back after it. */
#define PROCESS(name, one)                                                                         \
    static beamc_error *name(beamc_receiver *self, const beamc_element_info *info,                 \
                             const void *element)                                                  \
    {                                                                                              \
        combine *op = (combine *)self;                                                             \
        beamc__count_up(&op->op.count);                                                                            \
        beamc__op *outer = beamc__plan_enter(op->op.plan, &op->op);                                \
        beamc_error *error = one(op, info, element);                                               \
        beamc__plan_leave(op->op.plan, outer);                                                     \
        beamc__arena_rewind_all(op->ctx.arena);                                                    \
        return beamc__op_pass(&op->op, error);                                                     \
    }

PROCESS(merge_process, merge_one)
PROCESS(extract_process, extract_one)
PROCESS(convert_process, convert_one)
PROCESS(grouped_process, grouped_one)

static void combine_free(beamc__op *head)
{
    combine *op = (combine *)head;
    beamc_arena_free(op->ctx.arena);
}

/* ---- precombine ------------------------------------------------------------------------------- */

/* A window that has keys in the table; its number is its place in the list. */
typedef struct {
    const uint8_t *bytes;
    uint32_t size;
    beamc_timestamp max_timestamp;
} table_window;

typedef struct {
    beamc__slot slot;
    _Alignas(16) uint8_t input[INPUT_MAX];
} pending;

/* What lies before a large accumulator. */
typedef struct {
    beamc_timestamp timestamp; /* folded */
    _Alignas(max_align_t) uint8_t accumulator[];
} large;

typedef enum { KEY_TEXT, KEY_INT64, KEY_ENCODED } key_form;

typedef struct {
    combine base;
    beamc__combine_table table;
    key_form form;
    bool is_small;      /* accumulators lie in the slots */
    bool can_wait;      /* inputs can be copied as they are and put off */
    size_t input_size;
    pending *next;        /* the first free place of the batch */
    pending batch[BATCH];
    beamc__table *window_ids; /* encoded window -> 1 + number */
    table_window *windows;    /* in the table's arena */
    size_t window_count, window_capacity;
    uint32_t last_window;
    beamc_buffer key; /* scratch: an encoded key */
} precombine;

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

/* Makes the accumulator of a slot that is new; adds the input to it. */
static beamc_error *add_to_found(precombine *op, beamc__slot *slot, bool is_new, const void *input,
                                 beamc_timestamp timestamp)
{
    combine *base = &op->base;

    if (BEAMC_UNLIKELY(slot == NULL))
        return beamc_error_nomem();
    if (BEAMC_UNLIKELY(is_new)) {
        if (!op->is_small) {
            size_t size = base->ctx.accumulator->size;
            large *made = beamc_arena_calloc(op->table.arena, 1, sizeof(large) + size);
            memcpy(slot->accumulator, &made, sizeof(made));
            if (made == NULL)
                return beamc_error_nomem();
            made->timestamp = timestamp;
        }
        BEAMC_TRY(base->fn->create(&base->ctx, accumulator_of(op, slot)));
    }
    if (!op->is_small) {
        large *entry = large_of(slot);
        entry->timestamp =
            beamc__output_time_fold(base->op.input->output_time, entry->timestamp, timestamp);
    }
    return add(base, accumulator_of(op, slot), input, base->other);
}

static beamc_error *add_to_slot(precombine *op, const beamc__slot *like, const void *input,
                                beamc_timestamp timestamp)
{
    bool is_new;
    beamc__slot *slot = beamc__combine_table_find(&op->table, like, &is_new);

    return add_to_found(op, slot, is_new, input, timestamp);
}

static beamc_error *drain(precombine *op)
{
    const pending *end = op->next;

    op->next = op->batch;
    for (const pending *next = op->batch; next < end; next++) {
        bool is_new;
        beamc__slot *slot = beamc__combine_table_find(&op->table, &next->slot, &is_new);
        beamc_error *error =
            BEAMC_LIKELY(slot != NULL && !is_new && op->is_small)
                ? add(&op->base, slot->accumulator, next->input, op->base.other)
                : add_to_found(op, slot, is_new, next->input, 0);
        if (BEAMC_UNLIKELY(error != NULL))
            return error;
    }
    /* Whether the next ones fit, so that the table never grows past its limit. */
    size_t held = beamc__combine_table_bytes(&op->table, BATCH) + op->window_count * WINDOW_COST;
    __atomic_store_n(&op->base.op.memory, held, __ATOMIC_RELAXED);
    if (BEAMC_UNLIKELY(held > op->base.op.plan->options.combine_memory && op->table.count > 0))
        return flush(op);
    return NULL;
}

static beamc_error *new_window(precombine *op, const beamc_element_info *info)
{
    const beamc__node *node = op->base.op.input;

    if (op->window_count == op->window_capacity) {
        size_t capacity = op->window_capacity == 0 ? 16 : 2 * op->window_capacity;
        table_window *more = beamc_arena_alloc(op->table.arena, capacity * sizeof(*more));
        if (more == NULL)
            return beamc_error_nomem();
        if (op->window_count > 0)
            memcpy(more, op->windows, op->window_count * sizeof(*more));
        op->windows = more;
        op->window_capacity = capacity;
    }
    table_window *window = &op->windows[op->window_count];
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
        const table_window *last = &op->windows[op->last_window];
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

/* Prepares the slot of any key. */
static beamc_error *prepare(precombine *op, beamc__slot *slot, const void *element)
{
    if (op->form == KEY_TEXT) {
        const beamc_bytes *text = element;
        beamc__slot_prepare(slot, op->last_window, text->data, text->size);
        return NULL;
    }
    if (op->form == KEY_INT64) {
        beamc__slot_prepare(slot, op->last_window, element, sizeof(int64_t));
        return NULL;
    }
    beamc_buffer_clear(&op->key);
    int rc = beamc__encode(op->base.in->fields[0].type, element, true, &op->key);
    if (rc < 0)
        return beamc_error_new((beamc_code)rc, "a key of %s: %s", op->base.in->fields[0].type->name,
                               beamc_code_text(rc));
    beamc__slot_prepare(slot, op->last_window, op->key.data, op->key.size);
    return NULL;
}

/* Puts the element of the prepared slot into the batch. */
static inline beamc_error *wait(precombine *op, pending *next, const char *input)
{
    if (BEAMC_LIKELY(op->input_size == 8))
        memcpy(next->input, input, 8);
    else
        memcpy(next->input, input, op->input_size);
    beamc__combine_table_prefetch(&op->table, &next->slot);
    op->next = next + 1;
    if (BEAMC_UNLIKELY(op->next == op->batch + BATCH))
        return drain(op);
    return NULL;
}

static beamc_error *take(precombine *op, const beamc_element_info *info, const void *element)
{
    pending *next = op->next;
    const char *input = (const char *)element + op->base.in_offset;

    BEAMC_TRY(find_window(op, info));
    BEAMC_TRY(prepare(op, &next->slot, element));
    if (BEAMC_LIKELY(op->can_wait && !beamc__slot_is_long(&next->slot)))
        return wait(op, next, input);
    /* At once, but after those that wait; sending them may have made the windows start anew. */
    BEAMC_TRY(drain(op));
    BEAMC_TRY(find_window(op, info));
    beamc__slot now;
    BEAMC_TRY(prepare(op, &now, element));
    return add_to_slot(op, &now, input, info->timestamp);
}

static beamc_error *take_windows(precombine *op, const beamc_element_info *info,
                                 const void *element)
{
    beamc_element_info one = *info;
    beamc_reader in = beamc_reader_of(info->windows, info->windows_size);

    if (BEAMC_LIKELY(info->window_count == 1))
        return take(op, info, element);
    one.window_count = 1;
    for (uint32_t i = 0; i < info->window_count; i++) {
        one.windows = in.at;
        int rc = beamc__skip(op->base.op.input->window_type, true, &in, &op->base.op.plan->decode);
        if (rc < 0)
            return beamc_error_new((beamc_code)rc, "window %u of an element: %s", i,
                                   beamc_code_text(rc));
        one.windows_size = (uint32_t)(in.at - one.windows);
        BEAMC_TRY(take(op, &one, element));
    }
    return NULL;
}

static beamc_error *precombine_process(beamc_receiver *self, const beamc_element_info *info,
                                       const void *element)
{
    precombine *op = (precombine *)self;

    beamc__count_up(&op->base.op.count);
    beamc__op *outer = beamc__plan_enter(op->base.op.plan, &op->base.op);
    beamc_error *error = take_windows(op, info, element);
    beamc__plan_leave(op->base.op.plan, outer);
    return beamc__op_pass(&op->base.op, error);
}

/* ---- text keys in the global window -------------------------------------------------------------- */

/* Short text with inputs of a word that can wait and accumulators in the slots: all that is left of
 * the above.  @TARGET and @WORDS: how the two words of the key are loaded; @SAME: how a slot's head is
 * compared. */
#define TEXT_WAY(process_name, drain_name, TARGET, WORDS, SAME)                                    \
    TARGET static __attribute__((noinline)) beamc_error *drain_name(precombine *op)                \
    {                                                                                              \
        beamc_combine_context *ctx = &op->base.ctx;                                                \
        beamc_error *(*add_input)(beamc_combine_context *, void *, const void *) =                 \
            op->base.fn->add;                                                                      \
                                                                                                   \
        for (const pending *next = op->batch; next < op->batch + BATCH; next++) {                  \
            beamc__slot *slot = beamc__combine_table_home(&op->table, &next->slot);                \
            bool is_new = false;                                                                   \
            beamc_error *error;                                                                    \
            if (!SAME(slot, &next->slot) && !SAME(++slot, &next->slot))                            \
                slot = beamc__combine_table_find_slow(&op->table, &next->slot, &is_new);           \
            if (BEAMC_LIKELY(!is_new && slot != NULL))                                             \
                error = add_input(ctx, slot->accumulator, next->input);                            \
            else                                                                                   \
                error = add_to_found(op, slot, is_new, next->input, 0);                            \
            if (BEAMC_UNLIKELY(error != NULL))                                                     \
                return beamc__op_failed(&op->base.op, error);                                      \
        }                                                                                          \
        op->next = op->batch;                                                                      \
        return beamc__op_pass(&op->base.op, drain(op)); /* nothing waits: only if it is too large */ \
    }                                                                                              \
                                                                                                   \
    TARGET static beamc_error *process_name(beamc_receiver *self, const beamc_element_info *info,  \
                                            const void *element)                                   \
    {                                                                                              \
        precombine *op = (precombine *)self;                                                       \
        const beamc_bytes *key = element;                                                          \
        pending *next = op->next;                                                                  \
        uint64_t first, second;                                                                    \
                                                                                                   \
        if (BEAMC_UNLIKELY(key->size > BEAMC__KEY_INLINE || op->window_count == 0))                \
            return precombine_process(self, info, element);                                        \
        beamc__count_up(&op->base.op.count);                                                                       \
        op->next = next + 1;                                                                       \
        memcpy(next->input, (const char *)element + op->base.in_offset, 8);                        \
        WORDS(key->data, key->size, &first, &second);                                              \
        beamc__slot_prepare_words(&next->slot, 0, first, second);                                  \
        beamc__combine_table_prefetch(&op->table, &next->slot);                                    \
        if (BEAMC_UNLIKELY(next + 1 == op->batch + BATCH))                                         \
            return drain_name(op);                                                                 \
        return NULL;                                                                               \
    }

static inline bool same_head(const beamc__slot *slot, const beamc__slot *like)
{
    return beamc__slot_differs(slot, like) == 0;
}

#define NO_TARGET
TEXT_WAY(process_text, drain_text, NO_TARGET, beamc__key_words, same_head)

#if defined(__x86_64__) && defined(__GNUC__)
#define AVX512_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,bmi2")))

/* The same words by one load that reads just the key's bytes, whatever their number: no branch that
 * depends on it. */
AVX512_TARGET static inline void key_words_masked(const uint8_t *key, size_t size, uint64_t *first,
                                                  uint64_t *second)
{
    __mmask16 mask = (__mmask16)((1u << size) - 1);

    /* Nothing is read of an empty key, but from a page that is not there even that is slow. */
    if (BEAMC_UNLIKELY(size == 0)) {
        *first = 1;
        *second = 0;
        return;
    }
    __m128i bytes = _mm_bslli_si128(_mm_maskz_loadu_epi8(mask, key), 1);

    *first = (uint64_t)_mm_cvtsi128_si64(bytes) | (size + 1);
    *second = (uint64_t)_mm_extract_epi64(bytes, 1);
}

/* Three words of the four at once. */
AVX512_TARGET static inline bool same_head_masked(const beamc__slot *slot, const beamc__slot *like)
{
    __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)slot);
    __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)like);
    return _mm256_mask_cmpneq_epi64_mask(7, a, b) == 0;
}

TEXT_WAY(process_text_masked, drain_text_masked, AVX512_TARGET, key_words_masked, same_head_masked)

static bool has_masked_loads(void)
{
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("bmi2");
}
#else
#define process_text_masked process_text

static bool has_masked_loads(void)
{
    return false;
}
#endif

/* ---- sending what was gathered ---------------------------------------------------------------- */

static beamc_error *key_from(precombine *op, const beamc__slot *slot)
{
    size_t size;
    const uint8_t *bytes = beamc__slot_key(slot, &size);

    if (op->form == KEY_TEXT) {
        beamc_bytes text = { bytes, size };
        memcpy(op->base.result, &text, sizeof(text));
        return NULL;
    }
    if (op->form == KEY_INT64) {
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
    combine *base = &op->base;
    const table_window *window = &op->windows[beamc__slot_window(slot)];
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

/* Sends all and starts anew. */
static beamc_error *flush(precombine *op)
{
    for (size_t i = 0; op->table.count > 0 && i < op->table.capacity; i++) {
        if (!beamc__slot_is_free(&op->table.slots[i]))
            BEAMC_TRY(send_slot(op, &op->table.slots[i]));
    }
    beamc__combine_table_clear(&op->table);
    __atomic_store_n(&op->base.op.memory, op->table.capacity * sizeof(beamc__slot),
                     __ATOMIC_RELAXED);
    beamc__table_free(op->window_ids);
    op->window_ids = beamc__table_new();
    op->windows = NULL;
    op->window_count = 0;
    op->window_capacity = 0;
    op->last_window = 0;
    if (op->window_ids == NULL)
        return beamc_error_nomem();
    /* The windows of a key will be merged in the order in which they are sent. */
    if (op->base.op.input->window_fn.merges && beamc__combine_table_shrink(&op->table) < 0)
        return beamc_error_nomem();
    return NULL;
}

static beamc_error *precombine_finish(beamc__op *head)
{
    precombine *op = (precombine *)head;
    beamc__op *outer = beamc__plan_enter(head->plan, head);
    beamc_error *error = drain(op);

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

static beamc_error *precombine_init(precombine *op)
{
    combine *base = &op->base;
    const beamc_type *key = beamc__type_bare(base->in->fields[0].type);
    const beamc_type *input = base->in->fields[1].type;
    bool folds_time = base->op.input->output_time != BEAMC_OUTPUT_END_OF_WINDOW;

    op->window_ids = beamc__table_new();
    if (op->window_ids == NULL || beamc__combine_table_init(&op->table) < 0)
        return beamc_error_nomem();
    base->ctx.arena = op->table.arena;
    op->form = KEY_ENCODED;
    if (key->logical == NULL && (key->kind == BEAMC_KIND_STRING || key->kind == BEAMC_KIND_BYTES))
        op->form = KEY_TEXT;
    else if (key->logical == NULL && key->kind == BEAMC_KIND_INT64)
        op->form = KEY_INT64;
    op->is_small = !folds_time && base->ctx.accumulator->size <= 8 &&
                   base->ctx.accumulator->align <= 8;
    op->input_size = input->size;
    op->can_wait = !folds_time && is_flat(input) && input->size <= INPUT_MAX;
    op->next = op->batch;
    if (op->form == KEY_TEXT && op->can_wait && op->input_size == 8 && op->is_small &&
        !base->adds_accumulators &&
        base->op.input->window_fn.form == BEAMC__WINDOW_FORM_GLOBAL)
        base->op.receiver.process = has_masked_loads() ? process_text_masked : process_text;
    return NULL;
}

/* What comes in and goes out must be what the part and the function say. */
static beamc_error *check_types(const combine *op, beamc__combine_part part)
{
    const beamc_type *accumulator = op->ctx.accumulator;
    const beamc_type *in = op->in->fields[1].type;
    const beamc_type *out = op->out->fields[1].type;
    bool takes_iterable = part == BEAMC__COMBINE_MERGE || part == BEAMC__COMBINE_GROUPED;
    bool takes_accumulators =
        part == BEAMC__COMBINE_MERGE || part == BEAMC__COMBINE_EXTRACT || op->adds_accumulators;
    bool gives_accumulators = (part != BEAMC__COMBINE_EXTRACT && part != BEAMC__COMBINE_GROUPED) ||
                              op->gives_accumulator;

    if (takes_iterable) {
        if (in->kind != BEAMC_KIND_ITERABLE && in->kind != BEAMC_KIND_STATE_BACKED_ITERABLE)
            return beamc_error_new(BEAMC_ETYPE, "it takes KV<K, Iterable<V>>, not %s", op->in->name);
        in = in->fields[0].type;
    }
    const beamc_type *takes = takes_accumulators ? accumulator : op->ctx.input;
    const beamc_type *gives = gives_accumulators ? accumulator : op->ctx.output;
    if (takes != NULL && !beamc_type_equal(takes, in))
        return beamc_error_new(BEAMC_ETYPE, "%s takes %s, but gets %s", op->fn->function.name,
                               takes->name, in->name);
    if (gives != NULL && !beamc_type_equal(gives, out))
        return beamc_error_new(BEAMC_ETYPE, "%s gives %s, but its PCollection has %s",
                               op->fn->function.name, gives->name, out->name);
    if (!beamc_type_equal(op->in->fields[0].type, op->out->fields[0].type))
        return beamc_error_new(BEAMC_ETYPE, "keys of %s come in, of %s go out", op->in->name,
                               op->out->name);
    return NULL;
}

/* What the table says must be what there is. */
static beamc_error *check_declared(const combine *op, const char *what, const beamc_type *declared,
                                   const beamc_type *given)
{
    if (declared == NULL || given == NULL || beamc_type_equal(declared, given))
        return NULL;
    return beamc_error_new(BEAMC_ETYPE, "the %s of %s is %s, but the pipeline has %s", what,
                           op->fn->function.name, declared->name, given->name);
}

/* The types of this use: what the PCollections show, or what the table says or infers. */
static beamc_error *find_types(combine *op, beamc__combine_part part, beamc_arena *arena,
                               const beamc_type *accumulator)
{
    const beamc_type *in = op->in->fields[1].type;
    const beamc_combine_fn *fn = op->fn;
    bool has_inputs = part != BEAMC__COMBINE_MERGE && part != BEAMC__COMBINE_EXTRACT &&
                      !op->adds_accumulators;

    BEAMC_TRY(check_declared(op, "accumulator", fn->accumulator, accumulator));
    op->ctx.accumulator = accumulator != NULL ? accumulator : fn->accumulator;
    op->ctx.input = fn->input;
    op->ctx.output = fn->output;
    if (part == BEAMC__COMBINE_GROUPED && in->field_count == 1)
        in = in->fields[0].type;
    if (has_inputs) {
        op->ctx.input = beamc__type_bare(in);
        BEAMC_TRY(check_declared(op, "input", fn->input, op->ctx.input));
    } else if (op->ctx.accumulator == NULL && op->adds_accumulators) {
        op->ctx.accumulator = beamc__type_bare(in);
    }
    if (part == BEAMC__COMBINE_EXTRACT || part == BEAMC__COMBINE_GROUPED)
        op->ctx.output = beamc__type_bare(op->out->fields[1].type);
    if (op->ctx.output != fn->output && !op->gives_accumulator)
        BEAMC_TRY(check_declared(op, "output", fn->output, op->ctx.output));
    if (op->ctx.accumulator == NULL && has_inputs && fn->infer != NULL) {
        beamc_combine_types types = { NULL, NULL };
        BEAMC_TRY(fn->infer(fn, op->ctx.input, op->ctx.config, arena, &types));
        op->ctx.accumulator = types.accumulator;
        if (!op->gives_accumulator)
            BEAMC_TRY(check_declared(op, "output", types.output, op->ctx.output));
    }
    if (op->ctx.accumulator == NULL)
        return beamc_error_new(BEAMC_ETYPE, "%s does not say its accumulator's type",
                               fn->function.name);
    return NULL;
}

static beamc_error *find_kvs(combine *op, const beamc__op_spec *spec)
{
    if (spec->head.input == NULL || spec->head.output_count != 1)
        return beamc_error_new(BEAMC_ECORRUPT, "it has one input and one output");
    op->in = beamc__type_bare(spec->head.input->type);
    op->out = beamc__type_bare(spec->head.outputs[0]->type);
    if (op->in->kind != BEAMC_KIND_KV || op->out->kind != BEAMC_KIND_KV)
        return beamc_error_new(BEAMC_ETYPE, "it takes and gives KVs, not %s and %s", op->in->name,
                               op->out->name);
    op->in_offset = beamc_kv_value_offset(op->in);
    op->out_offset = beamc_kv_value_offset(op->out);
    op->key_size = op->in->fields[0].type->size;
    return NULL;
}

static beamc_error *combine_init(combine *op, const beamc__op_spec *spec,
                                 const CS(Function) *function, beamc__combine_part part,
                                 const beamc_type *accumulator)
{
    beamc_arena *arena = spec->plan->arena;
    void *config;

    BEAMC_TRY(find_kvs(op, spec));
    BEAMC_TRY(beamc__config_thaw(&config, spec->plan, function, op->fn->config, op->fn->thaw));
    op->ctx.config = config;
    op->adds_accumulators = function->part == CSK(FUNCTION__PART__FROM_ACCUMULATOR);
    op->gives_accumulator = function->part == CSK(FUNCTION__PART__TO_ACCUMULATOR);
    BEAMC_TRY(find_types(op, part, arena, accumulator));
    BEAMC_TRY(check_types(op, part));
    size_t other = op->in->fields[1].type->size;
    if (other < op->ctx.accumulator->size)
        other = op->ctx.accumulator->size;
    if (op->in->fields[1].type->field_count > 0 && other < op->in->fields[1].type->fields[0].type->size)
        other = op->in->fields[1].type->fields[0].type->size;
    op->result = beamc_arena_calloc(arena, 1, op->out->size);
    op->accumulator = beamc_arena_calloc(arena, 1, op->ctx.accumulator->size);
    op->other = beamc_arena_calloc(arena, 1, other);
    return beamc_arena_failed(arena) ? beamc_error_nomem() : NULL;
}

static beamc_error *make(beamc__op **out, const beamc__op_spec *spec, const CS(Function) *function,
                         beamc__combine_part part, const beamc_type *accumulator)
{
    static const beamc__op_ops ops = { .free = combine_free };
    static const beamc__op_ops precombine_ops = { .finish = precombine_finish,
                                                  .free = precombine_free };
    static beamc_error *(*const processes[])(beamc_receiver *, const beamc_element_info *,
                                             const void *) = {
        [BEAMC__COMBINE_PRECOMBINE] = precombine_process,
        [BEAMC__COMBINE_MERGE] = merge_process,
        [BEAMC__COMBINE_EXTRACT] = extract_process,
        [BEAMC__COMBINE_CONVERT] = convert_process,
        [BEAMC__COMBINE_GROUPED] = grouped_process,
    };
    bool is_precombine = part == BEAMC__COMBINE_PRECOMBINE;
    const beamc_combine_fn *fn = (const beamc_combine_fn *)beamc__function_find(
        spec->plan->options.functions, spec->plan->options.function_count, BEAMC_FUNCTION_COMBINE,
        function->name);

    if (fn == NULL)
        return beamc_error_new(BEAMC_ENOENT, "this program has no CombineFn %s", function->name);
    combine *op = beamc__op_alloc(spec, is_precombine ? sizeof(precombine) : sizeof(combine),
                                  is_precombine ? &precombine_ops : &ops, processes[part]);
    if (op == NULL)
        return beamc_error_nomem();
    *out = &op->op;
    op->fn = fn;
    BEAMC_TRY(combine_init(op, spec, function, part, accumulator));
    if (is_precombine)
        return precombine_init((precombine *)op);
    op->ctx.arena = beamc_arena_new();
    return op->ctx.arena == NULL ? beamc_error_nomem() : NULL;
}

beamc_error *beamc__op_combine_function(beamc__op **out, const beamc__op_spec *spec,
                                        const CS(Function) *function, beamc__combine_part part)
{
    return make(out, spec, function, part, NULL);
}

beamc_error *beamc__op_combine(beamc__op **out, const beamc__op_spec *spec,
                               beamc__combine_part part)
{
    ProtobufCAllocator allocator = beamc__arena_allocator(spec->plan->arena);
    const ProtobufCBinaryData *bytes = &spec->transform->spec->payload;
    const PB(CombinePayload) *payload =
        BEAMC__UNPACK(PB(CombinePayload), pb(combine_payload__descriptor), &allocator, bytes->len,
                      bytes->data);
    const CS(Function) *function;
    const beamc_type *accumulator;

    if (payload == NULL)
        return beamc_arena_failed(spec->plan->arena)
                   ? beamc_error_nomem()
                   : beamc_error_new(BEAMC_ECORRUPT, "its CombinePayload is malformed");
    BEAMC_TRY(beamc__function_unpack(&function, spec->plan, payload->combine_fn,
                                     BEAMC_URN_OWN_COMBINE_FN));
    BEAMC_TRY(spec->type_of(spec->plan, payload->accumulator_coder_id, &accumulator));
    return make(out, spec, function, part, beamc__type_bare(accumulator));
}
