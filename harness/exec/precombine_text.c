/* SPDX-License-Identifier: Apache-2.0 */
/* The precombine of short text in the global window, with inputs of a word that can wait and
 * accumulators in the slots: all that is left of the general way.  An element is its key's bytes,
 * copied into the next place; all else is done for many of them at once:
 *
 *     hash, ask for the place in the index  |  look there, ask for the slot  |  compare, add
 */
#include "harness/exec/op_combine.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

#define BATCH BEAMC__PRECOMBINE_BATCH
#define ALWAYS_INLINE inline __attribute__((always_inline))

typedef beamc__precombine precombine;

/* ---- many ------------------------------------------------------------------------------------- */

static __attribute__((noinline)) beamc_error *add_slowly(precombine *op, const beamc__slot *like)
{
    bool is_new;
    beamc__slot *slot = beamc__combine_table_find_slow(&op->table, like, &is_new);

    return beamc__precombine_add(op, slot, is_new, like->accumulator, 0);
}

/* Of keys in one window, neither of them long. */
static inline bool same_key(const beamc__slot *slot, const beamc__slot *like)
{
    return ((slot->key[0] ^ like->key[0]) | (slot->key[1] ^ like->key[1])) == 0;
}

/* Where the first entry of the index is no match, the next that may be one: the number of its slot, or
 * 0.  Out of line, as it is rare. */
static __attribute__((noinline)) uint32_t next_number(const uint32_t *index, size_t mask,
                                                      uint32_t hash)
{
    size_t at = hash & mask;

    while (index[at] != 0 && ((index[at] ^ hash) & ~BEAMC__SLOT_NUMBER) != 0)
        at = (at + 1) & mask;
    return index[at] & BEAMC__SLOT_NUMBER;
}

/* @counts: the function's add only counts. */
static ALWAYS_INLINE beamc_error *add_all(precombine *op, bool counts)
{
    beamc_combine_context *ctx = &op->base.ctx;
    beamc_error *(*add)(beamc_combine_context *, void *, const void *) = op->base.fn->add;
    const uint32_t *index = op->table.index;
    const size_t mask = op->table.capacity - 1;
    beamc__slot *slots = op->table.slots;
    uint32_t numbers[BATCH];

    for (size_t i = 0; i < BATCH; i++) {
        beamc__slot *like = &op->waiting[i];
        like->place = beamc__slot_hash(0, like->key[0], like->key[1]);
        __builtin_prefetch(&index[like->place & mask]);
    }
    for (size_t i = 0; i < BATCH; i++) {
        uint32_t hash = (uint32_t)op->waiting[i].place;
        uint32_t entry = index[hash & mask];
        uint32_t number = entry & BEAMC__SLOT_NUMBER;
        if (BEAMC_UNLIKELY(((entry ^ hash) & ~BEAMC__SLOT_NUMBER) != 0))
            number = next_number(index, mask, hash);
        numbers[i] = number;
        __builtin_prefetch(&slots[number], 1);
    }
    for (size_t i = 0; i < BATCH; i++) {
        beamc__slot *slot = &slots[numbers[i]];
        if (BEAMC_UNLIKELY(!same_key(slot, &op->waiting[i]))) {
            BEAMC_TRY(add_slowly(op, &op->waiting[i]));
            slots = op->table.slots; /* which may have moved; their numbers have not */
        } else if (counts) {
            int64_t count;
            memcpy(&count, slot->accumulator, sizeof(count));
            count++;
            memcpy(slot->accumulator, &count, sizeof(count));
        } else {
            BEAMC_TRY(add(ctx, slot->accumulator, op->waiting[i].accumulator));
        }
    }
    return NULL;
}

static __attribute__((noinline)) beamc_error *take_all(precombine *op)
{
    op->next = op->waiting;
    BEAMC_TRY(beamc__plan_look_up(op->base.op.plan));
    beamc_error *error = op->base.fn->counts ? add_all(op, true) : add_all(op, false);
    if (BEAMC_LIKELY(error == NULL))
        error = beamc__precombine_drain(op); /* nothing waits: only if it has become too large */
    return beamc__op_pass(&op->base.op, error);
}

/* ---- one -------------------------------------------------------------------------------------- */

/* Neither empty, which would be a case of its own below, nor long. */
static inline bool is_short(const beamc_bytes *key)
{
    return BEAMC_LIKELY(key->size - 1 < BEAMC__KEY_INLINE);
}

static inline beamc_error *take_one(precombine *op)
{
    beamc__count_up(&op->base.op.count);
    op->next++;
    return BEAMC_UNLIKELY(op->next == op->waiting + BATCH) ? take_all(op) : NULL;
}

/* @SET_KEY: how the key's two words are set. */
#define TAKE(name, TARGET, SET_KEY)                                                                \
    TARGET static beamc_error *take_pair_##name(                                                   \
        beamc_receiver *self, const beamc_element_info *info, const void *element)                 \
    {                                                                                              \
        precombine *op = (precombine *)self;                                                       \
        const beamc_bytes *key = element;                                                          \
                                                                                                   \
        if (!is_short(key))                                                                        \
            return beamc__precombine_process(self, info, element);                                 \
        memcpy(op->next->accumulator, (const char *)element + op->base.in_offset, 8);              \
        SET_KEY(op->next, key->data, key->size);                                                   \
        return take_one(op);                                                                       \
    }                                                                                              \
                                                                                                   \
    TARGET static beamc_error *take_key_##name(                                                    \
        beamc_receiver *self, const beamc_element_info *info, const void *element)                 \
    {                                                                                              \
        precombine *op = (precombine *)(void *)((char *)self - offsetof(precombine, keys));        \
        const beamc_bytes *key = element;                                                          \
                                                                                                   \
        if (!is_short(key))                                                                        \
            return beamc__precombine_process_key(self, info, element);                             \
        SET_KEY(op->next, key->data, key->size);                                                   \
        return take_one(op);                                                                       \
    }

static inline void set_key(beamc__slot *slot, const uint8_t *key, size_t size)
{
    beamc__key_words(key, size, &slot->key[0], &slot->key[1]);
}

#define ANY_TARGET
TAKE(anywhere, ANY_TARGET, set_key)

#if defined(__x86_64__) && defined(__GNUC__)
#define AVX512_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,bmi2")))

/* The same words by one load that reads just the key's bytes, whatever their number: no branch that
 * depends on it. */
AVX512_TARGET static inline void set_key_masked(beamc__slot *slot, const uint8_t *key, size_t size)
{
    __mmask16 mask = (__mmask16)((2u << size) - 2);
    __m128i words = _mm_maskz_loadu_epi8(mask, key - 1);

    words = _mm_insert_epi8(words, (char)(size + 1), 0);
    _mm_storeu_si128((__m128i *)(void *)slot->key, words);
}

TAKE(masked, AVX512_TARGET, set_key_masked)

static bool has_masked_loads(void)
{
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("bmi2");
}
#else
#define take_pair_masked take_pair_anywhere
#define take_key_masked take_key_anywhere

static bool has_masked_loads(void)
{
    return false;
}
#endif

/* ---- choosing it ------------------------------------------------------------------------------ */

bool beamc__precombine_can_be_text(const precombine *op)
{
    return op->form == BEAMC__KEY_IS_TEXT && op->can_wait && op->input_size == 8 && op->is_small &&
           !op->base.adds_accumulators &&
           op->base.op.input->window_fn.form == BEAMC__WINDOW_FORM_GLOBAL;
}

void beamc__precombine_make_text(precombine *op)
{
    bool masked = has_masked_loads();

    op->is_text = true;
    op->base.op.receiver.process = masked ? take_pair_masked : take_pair_anywhere;
    op->keys.process = masked ? take_key_masked : take_key_anywhere;
}
