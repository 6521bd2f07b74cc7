/* SPDX-License-Identifier: Apache-2.0 */
/* Keys have a table whose slots are in order of the hashes' first bits that differ, so that to sort
 * the keys by hash is a walk over the slots with few corrections.  That order is the one in which
 * data too large for memory is divided, too: divided or not, the groups come in the same order. */
#include "runners/engine/grouping.h"
#include "sdk/base/hash.h"
#include <stdlib.h>

enum {
    TABLE_BITS_MIN = 8,
    BATCH = 16
};

int beamc__grouping_init(beamc__grouping *grouping, const beamc__shuffle_options *options)
{
    memset(grouping, 0, sizeof(*grouping));
    grouping->options = options;
    grouping->limit = SIZE_MAX;
    grouping->arena = beamc_arena_new();
    return grouping->arena == NULL ? BEAMC_ENOMEM : BEAMC_OK;
}

void beamc__grouping_dispose(beamc__grouping *grouping)
{
    free(grouping->keys);
    free(grouping->slots);
    free(grouping->pairs);
    free(grouping->times);
    free(grouping->links);
    free(grouping->pair_slots);
    free(grouping->windows);
    free(grouping->window_slots);
    free(grouping->now);
    free(grouping->ids);
    free(grouping->order);
    free(grouping->merged);
    free(grouping->scratch);
    free(grouping->values);
    beamc_arena_free(grouping->arena);
    memset(grouping, 0, sizeof(*grouping));
}

static bool is_global(const beamc__grouping *grouping)
{
    return grouping->options->fn.form == BEAMC__WINDOW_FORM_GLOBAL;
}

void beamc__grouping_start(beamc__grouping *grouping)
{
    grouping->key_count = 0;
    grouping->pair_count = 0;
    grouping->window_count = 0;
    grouping->now_count = 0;
    grouping->id_count = 0;
    grouping->id_at = 0;
    grouping->order_count = 0;
    grouping->head_serial = UINT64_MAX;
    beamc_arena_reset(grouping->arena);
    if (grouping->slots != NULL)
        memset(grouping->slots, 0, sizeof(*grouping->slots) << grouping->slot_bits);
    if (grouping->pair_slots != NULL)
        memset(grouping->pair_slots, 0, sizeof(*grouping->pair_slots) << grouping->pair_slot_bits);
    if (grouping->window_slots != NULL)
        memset(grouping->window_slots, 0,
               sizeof(*grouping->window_slots) << grouping->window_slot_bits);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static int reserve_more(beamc__grouping *grouping, void *array, size_t *room, size_t need,
                        size_t item)
{
    size_t wanted = *room < 32 ? 64 : 2 * *room;
    void *memory;
    size_t bytes;

    memcpy(&memory, array, sizeof(memory));
    if (wanted < need)
        wanted = need;
    if (__builtin_mul_overflow(wanted, item, &bytes))
        return BEAMC_ENOMEM;
    size_t more = bytes - *room * item;
    if (more > grouping->limit - (grouping->memory < grouping->limit ? grouping->memory
                                                                     : grouping->limit))
        return BEAMC_ELIMIT;
    memory = realloc(memory, bytes);
    if (memory == NULL)
        return BEAMC_ENOMEM;
    memcpy(array, &memory, sizeof(memory));
    *room = wanted;
    grouping->memory += more;
    return BEAMC_OK;
}

/* Room for @need items in all in the array at @array. */
static inline int reserve(beamc__grouping *grouping, void *array, size_t *room, size_t need,
                          size_t item)
{
    if (BEAMC_LIKELY(need <= *room))
        return BEAMC_OK;
    return reserve_more(grouping, array, room, need, item);
}

/* Makes a table of twice the slots, all free. */
static int double_table(beamc__grouping *grouping, void *slots, unsigned *bits, size_t item)
{
    unsigned wanted = *bits == 0 ? TABLE_BITS_MIN : *bits + 1;
    size_t before = *bits == 0 ? 0 : item << *bits;
    size_t bytes = item << wanted;
    void *old;

    if (wanted > 32)
        return BEAMC_ELIMIT;
    if (grouping->memory > grouping->limit || bytes > grouping->limit - grouping->memory)
        return BEAMC_ELIMIT; /* for a moment there are both */
    void *made = calloc(1, bytes);
    if (made == NULL)
        return BEAMC_ENOMEM;
    memcpy(&old, slots, sizeof(old));
    free(old);
    memcpy(slots, &made, sizeof(made));
    *bits = wanted;
    grouping->memory += bytes - before;
    return BEAMC_OK;
}

/* ---- keys ------------------------------------------------------------------------------------ */

static const uint8_t *key_bytes(const beamc__group_key *key)
{
    return key->size <= 8 ? (const uint8_t *)&key->word : (const uint8_t *)(uintptr_t)key->word;
}

/* A short key as a number, its bytes in their order in memory.  Reads 8 bytes. */
static inline uint64_t short_word(const uint8_t *key, size_t size)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t word;
    memcpy(&word, key, 8);
    return size == 0 ? 0 : word & (~UINT64_C(0) >> (64 - 8 * size));
#else
    uint64_t word = 0;
    memcpy(&word, key, size);
    return word;
#endif
}

static inline bool key_equal(const beamc__group_key *key, uint64_t hash, uint64_t word,
                             const uint8_t *bytes, size_t size)
{
    if (key->hash != hash || key->size != size)
        return false;
    return size <= 8 ? key->word == word
                     : memcmp((const uint8_t *)(uintptr_t)key->word, bytes, size) == 0;
}

static inline size_t key_slot(const beamc__grouping *grouping, uint64_t hash)
{
    return grouping->bits > 63 ? 0 : (size_t)(hash << grouping->bits >> (64 - grouping->slot_bits));
}

static int grow_key_slots(beamc__grouping *grouping)
{
    int rc = double_table(grouping, &grouping->slots, &grouping->slot_bits,
                          sizeof(*grouping->slots));
    if (rc < 0)
        return rc;
    size_t mask = ((size_t)1 << grouping->slot_bits) - 1;
    for (size_t i = 0; i < grouping->key_count; i++) {
        size_t at = key_slot(grouping, grouping->keys[i].hash);
        while (grouping->slots[at].key != 0)
            at = (at + 1) & mask;
        grouping->slots[at].tag = (uint32_t)grouping->keys[i].hash;
        grouping->slots[at].key = (uint32_t)i + 1;
    }
    return BEAMC_OK;
}

static int add_pair(beamc__grouping *grouping)
{
    size_t need = grouping->pair_count + 1;
    int rc;

    if (need >= UINT32_MAX)
        return BEAMC_ELIMIT;
    if ((rc = reserve(grouping, &grouping->pairs, &grouping->pair_room, need,
                      sizeof(*grouping->pairs))) < 0)
        return rc;
    if (beamc__shuffle_keeps_time(grouping->options)) {
        if ((rc = reserve(grouping, &grouping->times, &grouping->time_room, need,
                          sizeof(*grouping->times))) < 0)
            return rc;
        grouping->times[need - 1] =
            grouping->options->output_time == BEAMC_OUTPUT_LATEST ? INT64_MIN : INT64_MAX;
    }
    memset(&grouping->pairs[grouping->pair_count++], 0, sizeof(*grouping->pairs));
    return BEAMC_OK;
}

/* Adds a key that is not there yet. */
static int add_key(beamc__grouping *grouping, uint64_t hash, uint64_t word, const uint8_t *bytes,
                   size_t size)
{
    size_t need = grouping->key_count + 1;
    int rc;

    if (need >= UINT32_MAX)
        return BEAMC_ELIMIT;
    if ((grouping->slot_bits == 0 || need > ((size_t)3 << grouping->slot_bits >> 2)) &&
        (rc = grow_key_slots(grouping)) < 0)
        return rc;
    if ((rc = reserve(grouping, &grouping->keys, &grouping->key_room, need,
                      sizeof(*grouping->keys))) < 0)
        return rc;
    if (is_global(grouping) && (rc = add_pair(grouping)) < 0)
        return rc;
    if (size > 8 && grouping->copies) {
        bytes = beamc_arena_memdup(grouping->arena, bytes, size);
        if (bytes == NULL)
            return BEAMC_ENOMEM;
    }
    beamc__group_key *key = &grouping->keys[grouping->key_count++];
    key->hash = hash;
    key->word = size <= 8 ? word : (uint64_t)(uintptr_t)bytes;
    key->size = (uint32_t)size;
    key->first = 0;

    size_t mask = ((size_t)1 << grouping->slot_bits) - 1;
    size_t at = key_slot(grouping, hash);
    while (grouping->slots[at].key != 0)
        at = (at + 1) & mask;
    grouping->slots[at].tag = (uint32_t)hash;
    grouping->slots[at].key = (uint32_t)grouping->key_count;
    return BEAMC_OK;
}

/* The key's number, or negative: not there. */
static inline int64_t find_key(const beamc__grouping *grouping, uint64_t hash, uint64_t word,
                               const uint8_t *bytes, size_t size)
{
    if (BEAMC_UNLIKELY(grouping->slot_bits == 0))
        return -1;
    size_t mask = ((size_t)1 << grouping->slot_bits) - 1;
    for (size_t at = key_slot(grouping, hash);; at = (at + 1) & mask) {
        beamc__group_slot slot = grouping->slots[at];
        if (slot.key == 0)
            return -1;
        if (slot.tag == (uint32_t)hash &&
            key_equal(&grouping->keys[slot.key - 1], hash, word, bytes, size))
            return slot.key - 1;
    }
}

/* ---- windows --------------------------------------------------------------------------------- */

static int grow_window_slots(beamc__grouping *grouping)
{
    int rc = double_table(grouping, &grouping->window_slots, &grouping->window_slot_bits,
                          sizeof(*grouping->window_slots));
    if (rc < 0)
        return rc;
    size_t mask = ((size_t)1 << grouping->window_slot_bits) - 1;
    for (size_t i = 0; i < grouping->window_count; i++) {
        size_t at = beamc__hash(grouping->windows[i].bytes, grouping->windows[i].size) & mask;
        while (grouping->window_slots[at] != 0)
            at = (at + 1) & mask;
        grouping->window_slots[at] = (uint32_t)i + 1;
    }
    return BEAMC_OK;
}

static int append_window(beamc__grouping *grouping, const uint8_t *bytes, size_t size)
{
    int rc = reserve(grouping, &grouping->windows, &grouping->window_room,
                     grouping->window_count + 1, sizeof(*grouping->windows));
    if (rc < 0)
        return rc;
    grouping->windows[grouping->window_count].bytes = bytes;
    grouping->windows[grouping->window_count].size = size;
    grouping->window_count++;
    return BEAMC_OK;
}

/* The slot of a window, or the free one where it belongs. */
static size_t window_slot(const beamc__grouping *grouping, const uint8_t *bytes, size_t size)
{
    size_t mask = ((size_t)1 << grouping->window_slot_bits) - 1;
    size_t at = beamc__hash(bytes, size) & mask;

    for (; grouping->window_slots[at] != 0; at = (at + 1) & mask) {
        const beamc__group_window *window = &grouping->windows[grouping->window_slots[at] - 1];
        if (window->size == size && (size == 0 || memcmp(window->bytes, bytes, size) == 0))
            break;
    }
    return at;
}

/* The number of a window, which is added if it is new.  The table must not grow for one that is
 * there: windows that came of merging are not in it, and must not get in. */
static int number_window(beamc__grouping *grouping, const uint8_t *bytes, size_t size,
                         uint32_t *out)
{
    size_t at = 0;
    int rc;

    if (grouping->window_slot_bits > 0) {
        at = window_slot(grouping, bytes, size);
        if (grouping->window_slots[at] != 0) {
            *out = grouping->window_slots[at] - 1;
            return BEAMC_OK;
        }
    }
    if (grouping->window_slot_bits == 0 ||
        grouping->window_count >= ((size_t)1 << grouping->window_slot_bits >> 1)) {
        if ((rc = grow_window_slots(grouping)) < 0)
            return rc;
        at = window_slot(grouping, bytes, size);
    }
    if (grouping->copies) {
        bytes = beamc_arena_memdup(grouping->arena, bytes, size);
        if (bytes == NULL)
            return BEAMC_ENOMEM;
    }
    if ((rc = append_window(grouping, bytes, size)) < 0)
        return rc;
    *out = (uint32_t)grouping->window_count - 1;
    grouping->window_slots[at] = (uint32_t)grouping->window_count;
    return BEAMC_OK;
}

/* Reads a stored head: its time and the numbers of its windows. */
static int set_head(beamc__grouping *grouping, const beamc__head *head)
{
    static const uint8_t none[1] = { 0 };
    beamc_reader in = { none, none };
    uint32_t window;
    int rc;

    grouping->head_serial = head->serial;
    if (head->size > 0)
        in = beamc_reader_of(head->bytes, head->size);
    if (beamc__shuffle_keeps_time(grouping->options) && head->size > 0 &&
        beamc__timestamp_decode(&in, &grouping->time) < 0)
        return BEAMC_ECORRUPT;
    if (is_global(grouping))
        return BEAMC_OK;
    grouping->now_count = 0;
    do {
        const uint8_t *start = in.at;
        if (in.at < in.end && beamc__shuffle_skip_window(grouping->options, &in) < 0)
            return BEAMC_ECORRUPT;
        if ((rc = number_window(grouping, start, (size_t)(in.at - start), &window)) < 0 ||
            (rc = reserve(grouping, &grouping->now, &grouping->now_room, grouping->now_count + 1,
                          sizeof(*grouping->now))) < 0)
            return rc;
        grouping->now[grouping->now_count++] = window;
    } while (in.at < in.end);
    return BEAMC_OK;
}

/* ---- pairs ----------------------------------------------------------------------------------- */

static size_t pair_hash(uint32_t key, uint32_t window)
{
    return (size_t)beamc__hash_mix((uint64_t)key << 32 | window, UINT64_C(0x9e3779b97f4a7c15));
}

static int grow_pair_slots(beamc__grouping *grouping)
{
    int rc = double_table(grouping, &grouping->pair_slots, &grouping->pair_slot_bits,
                          sizeof(*grouping->pair_slots));
    if (rc < 0)
        return rc;
    size_t mask = ((size_t)1 << grouping->pair_slot_bits) - 1;
    for (size_t i = 0; i < grouping->pair_count; i++) {
        size_t at = pair_hash(grouping->links[i].key, grouping->links[i].window) & mask;
        while (grouping->pair_slots[at] != 0)
            at = (at + 1) & mask;
        grouping->pair_slots[at] = (uint32_t)i + 1;
    }
    return BEAMC_OK;
}

static int append_pair(beamc__grouping *grouping, uint32_t key, uint32_t window)
{
    int rc = add_pair(grouping);

    if (rc < 0)
        return rc;
    rc = reserve(grouping, &grouping->links, &grouping->link_room, grouping->pair_count,
                 sizeof(*grouping->links));
    if (rc < 0) {
        grouping->pair_count--;
        return rc;
    }
    grouping->links[grouping->pair_count - 1] =
        (beamc__group_link){ .key = key, .window = window };
    return BEAMC_OK;
}

/* The slot of a pair, or the free one where it belongs. */
static size_t pair_slot(const beamc__grouping *grouping, uint32_t key, uint32_t window)
{
    size_t mask = ((size_t)1 << grouping->pair_slot_bits) - 1;
    size_t at = pair_hash(key, window) & mask;

    for (; grouping->pair_slots[at] != 0; at = (at + 1) & mask) {
        const beamc__group_link *link = &grouping->links[grouping->pair_slots[at] - 1];
        if (link->key == key && link->window == window)
            break;
    }
    return at;
}

/* The pair of a key and a window, which is added if it is new. */
static int number_pair(beamc__grouping *grouping, uint32_t key, uint32_t window, uint32_t *out)
{
    size_t at = 0;
    int rc;

    if (BEAMC_LIKELY(grouping->pair_slot_bits > 0)) {
        at = pair_slot(grouping, key, window);
        if (grouping->pair_slots[at] != 0) {
            *out = grouping->pair_slots[at] - 1;
            return BEAMC_OK;
        }
    }
    if (grouping->pair_slot_bits == 0 ||
        grouping->pair_count >= ((size_t)1 << grouping->pair_slot_bits >> 1)) {
        if ((rc = grow_pair_slots(grouping)) < 0)
            return rc;
        at = pair_slot(grouping, key, window);
    }
    if ((rc = append_pair(grouping, key, window)) < 0)
        return rc;
    *out = (uint32_t)grouping->pair_count - 1;
    grouping->pair_slots[at] = (uint32_t)grouping->pair_count;
    grouping->links[*out].next = grouping->keys[key].first;
    grouping->keys[key].first = (uint32_t)grouping->pair_count;
    return BEAMC_OK;
}

/* ---- the first pass -------------------------------------------------------------------------- */

static inline size_t placed_size(size_t value_size)
{
    if (BEAMC_LIKELY(value_size <= BEAMC__GROUP_INLINE))
        return 1 + value_size;
    return beamc__varint_size(value_size) + sizeof(uintptr_t);
}

static inline int count_value(beamc__grouping *grouping, uint32_t pair, size_t size)
{
    grouping->pairs[pair].bytes += size;
    grouping->pairs[pair].count++;
    if (beamc__shuffle_keeps_time(grouping->options))
        grouping->times[pair] = beamc__output_time_fold(grouping->options->output_time,
                                                        grouping->times[pair], grouping->time);
    if (grouping->copies) {
        grouping->id_count++;
        return BEAMC_OK;
    }
    int rc = reserve(grouping, &grouping->ids, &grouping->id_room, grouping->id_count + 1,
                     sizeof(*grouping->ids));
    if (BEAMC_LIKELY(rc == BEAMC_OK))
        grouping->ids[grouping->id_count++] = pair;
    return rc;
}

/* Records under one head, some at a time: the memory that is needed for each comes from where it is
 * while the others are being worked on. */
typedef struct {
    size_t count;
    beamc__record records[BATCH];
    uint64_t hashes[BATCH];
} batch;

static int read_batch(beamc__grouping *grouping, beamc_reader *in, beamc__head *head, batch *out)
{
    int rc;

    for (out->count = 0; out->count < BATCH && in->at < in->end; out->count++) {
        beamc__record *record = &out->records[out->count];
        const uint8_t *before = in->at;
        beamc__head head_before = *head;
        if (BEAMC_UNLIKELY((rc = beamc__record_next(in, record, head)) < 0))
            return rc;
        if (BEAMC_UNLIKELY(head->serial != grouping->head_serial)) {
            if (out->count > 0) { /* the first of the next batch */
                in->at = before;
                *head = head_before;
                return BEAMC_OK;
            }
            if ((rc = set_head(grouping, head)) < 0)
                return rc;
        }
        uint64_t hash = beamc__hash(record->key, record->key_size);
        out->hashes[out->count] = hash;
        if (BEAMC_LIKELY(grouping->slot_bits > 0))
            __builtin_prefetch(&grouping->slots[key_slot(grouping, hash)]);
    }
    return BEAMC_OK;
}

static void prefetch_keys(const beamc__grouping *grouping, const batch *of)
{
    for (size_t i = 0; grouping->slot_bits > 0 && i < of->count; i++) {
        uint32_t key = grouping->slots[key_slot(grouping, of->hashes[i])].key;
        if (key == 0)
            continue;
        __builtin_prefetch(&grouping->keys[key - 1]);
        if (is_global(grouping))
            __builtin_prefetch(&grouping->pairs[key - 1], 1);
    }
}

int beamc__grouping_add(beamc__grouping *grouping, const uint8_t *bytes, size_t size)
{
    const bool global = is_global(grouping);
    beamc_reader in = beamc_reader_of(bytes, size);
    beamc__head head = { NULL, 0, 0 };
    batch some;
    int rc;

    grouping->head_serial = UINT64_MAX;
    while (in.at < in.end) {
        if ((rc = read_batch(grouping, &in, &head, &some)) < 0)
            return rc;
        prefetch_keys(grouping, &some);
        for (size_t n = 0; n < some.count; n++) {
            const beamc__record *record = &some.records[n];
            uint64_t word = record->key_size <= 8 ? short_word(record->key, record->key_size) : 0;
            int64_t key =
                find_key(grouping, some.hashes[n], word, record->key, record->key_size);
            if (BEAMC_UNLIKELY(key < 0)) {
                if ((rc = add_key(grouping, some.hashes[n], word, record->key,
                                  record->key_size)) < 0)
                    return rc;
                key = (int64_t)grouping->key_count - 1;
            }
            size_t placed =
                grouping->copies ? 1 + record->value_size : placed_size(record->value_size);
            if (global) {
                if ((rc = count_value(grouping, (uint32_t)key, placed)) < 0)
                    return rc;
                continue;
            }
            for (size_t i = 0; i < grouping->now_count; i++) {
                uint32_t pair;
                if ((rc = number_pair(grouping, (uint32_t)key, grouping->now[i], &pair)) < 0 ||
                    (rc = count_value(grouping, pair, placed)) < 0)
                    return rc;
            }
        }
    }
    return BEAMC_OK;
}

/* ---- ordering -------------------------------------------------------------------------------- */

static int compare_bytes(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    size_t size = a_size < b_size ? a_size : b_size;
    int order = size == 0 ? 0 : memcmp(a, b, size);

    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

static bool key_before(const beamc__group_key *a, const beamc__group_key *b)
{
    if (a->hash != b->hash)
        return a->hash < b->hash;
    return compare_bytes(key_bytes(a), a->size, key_bytes(b), b->size) < 0;
}

/* Writes the keys, sorted, to @out.  Slots are out of order by little, so it is by insertion. */
static void sort_keys(const beamc__grouping *grouping, uint32_t *out)
{
    size_t count = 0;

    for (size_t i = 0; count < grouping->key_count; i++) {
        if (i + BATCH < (size_t)1 << grouping->slot_bits && grouping->slots[i + BATCH].key != 0)
            __builtin_prefetch(&grouping->keys[grouping->slots[i + BATCH].key - 1]);
        if (grouping->slots[i].key == 0)
            continue;
        uint32_t key = grouping->slots[i].key - 1;
        size_t at = count++;
        while (at > 0 && key_before(&grouping->keys[key], &grouping->keys[out[at - 1]])) {
            out[at] = out[at - 1];
            at--;
        }
        out[at] = key;
    }
}

static int compare_pairs(const void *a, const void *b, void *context)
{
    const beamc__grouping *grouping = context;
    beamc__group_window x = beamc__grouping_window(grouping, *(const uint32_t *)a);
    beamc__group_window y = beamc__grouping_window(grouping, *(const uint32_t *)b);

    return compare_bytes(x.bytes, x.size, y.bytes, y.size);
}

static void sort_pairs(beamc__grouping *grouping, uint32_t *pairs, size_t count)
{
    if (count > 16) {
        qsort_r(pairs, count, sizeof(*pairs), compare_pairs, grouping);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        uint32_t moving = pairs[i];
        size_t at = i;
        for (; at > 0 && compare_pairs(&moving, &pairs[at - 1], grouping) < 0; at--)
            pairs[at] = pairs[at - 1];
        pairs[at] = moving;
    }
}

/* Makes the pair of a merged window out of its first one. */
static int start_merged(beamc__grouping *grouping, uint32_t key, beamc_interval_window interval)
{
    uint8_t encoded[BEAMC__WINDOW_SIZE_MAX];
    size_t size = beamc__interval_encode(interval, encoded);
    const uint8_t *bytes = beamc_arena_memdup(grouping->arena, encoded, size);

    if (bytes == NULL)
        return BEAMC_ENOMEM;
    int rc = append_window(grouping, bytes, size);
    if (rc < 0)
        return rc;
    return append_pair(grouping, key, (uint32_t)grouping->window_count - 1);
}

static void fold_pair(beamc__grouping *grouping, uint32_t into, uint32_t pair)
{
    grouping->pairs[into].bytes += grouping->pairs[pair].bytes;
    grouping->pairs[into].count += grouping->pairs[pair].count;
    if (beamc__shuffle_keeps_time(grouping->options))
        grouping->times[into] = beamc__output_time_fold(
            grouping->options->output_time, grouping->times[into], grouping->times[pair]);
    grouping->merged[pair] = into;
}

/* Merges the windows of one key's @count pairs; replaces those by the results. */
static int merge_pairs(beamc__grouping *grouping, uint32_t key, uint32_t *pairs, size_t *count)
{
    const uint32_t none = UINT32_MAX;
    size_t before = *count;
    beamc_arena_mark mark = beamc_arena_save(grouping->arena);
    beamc_interval_window *windows = beamc_arena_calloc(grouping->arena, before, sizeof(*windows));
    beamc_interval_window *merged = beamc_arena_calloc(grouping->arena, before, sizeof(*merged));
    uint32_t *order = beamc_arena_calloc(grouping->arena, before, sizeof(*order));
    uint32_t *group = beamc_arena_calloc(grouping->arena, before, sizeof(*group));
    uint32_t *result = beamc_arena_calloc(grouping->arena, before, sizeof(*result));

    if (windows == NULL || merged == NULL || order == NULL || group == NULL || result == NULL)
        return BEAMC_ENOMEM;
    for (size_t i = 0; i < before; i++) {
        beamc__group_window window = beamc__grouping_window(grouping, pairs[i]);
        beamc_reader in = beamc_reader_of(window.bytes, window.size);
        if (beamc__interval_decode(&windows[i], &in) < 0)
            return BEAMC_ECORRUPT;
    }
    size_t after = beamc__windows_merge(windows, before, order, group, merged);
    if (after == before) {
        beamc_arena_rewind(grouping->arena, mark);
        return BEAMC_OK;
    }
    /* A window that stayed alone keeps its pair: order is scratch again, for how many there are. */
    memset(order, 0, before * sizeof(*order));
    for (size_t i = 0; i < before; i++) {
        order[group[i]]++;
        result[group[i]] = none;
    }
    *count = 0;
    for (size_t i = 0; i < before; i++) {
        uint32_t pair = pairs[i];
        uint32_t *into = &result[group[i]];
        if (order[group[i]] == 1) {
            pairs[(*count)++] = pair;
            continue;
        }
        if (*into == none) {
            int rc = start_merged(grouping, key, merged[group[i]]);
            if (rc < 0)
                return rc;
            *into = (uint32_t)grouping->pair_count - 1;
            pairs[(*count)++] = *into;
        }
        fold_pair(grouping, *into, pair);
    }
    return BEAMC_OK; /* the scratch stays in the arena below the merged windows */
}

static int order_windows(beamc__grouping *grouping, const uint32_t *keys)
{
    size_t pair_count = grouping->pair_count;
    bool merges = grouping->options->fn.merges;
    int rc;

    if (merges) {
        rc = reserve(grouping, &grouping->merged, &grouping->merged_room, pair_count,
                     sizeof(*grouping->merged));
        if (rc < 0)
            return rc;
        for (size_t i = 0; i < pair_count; i++)
            grouping->merged[i] = (uint32_t)i;
    }
    for (size_t i = 0; i < grouping->key_count; i++) {
        uint32_t *pairs = grouping->order + grouping->order_count;
        size_t count = 0;
        uint32_t at = grouping->keys[keys[i]].first;
        for (; at != 0; at = grouping->links[at - 1].next)
            pairs[count++] = at - 1;
        if (merges && count > 1 && (rc = merge_pairs(grouping, keys[i], pairs, &count)) < 0)
            return rc;
        sort_pairs(grouping, pairs, count);
        grouping->order_count += count;
    }
    return BEAMC_OK;
}

int beamc__grouping_order(beamc__grouping *grouping)
{
    int rc = reserve(grouping, &grouping->order, &grouping->order_room, grouping->pair_count,
                     sizeof(*grouping->order));

    grouping->order_count = 0;
    if (rc < 0)
        return rc;
    if (is_global(grouping)) {
        sort_keys(grouping, grouping->order);
        grouping->order_count = grouping->key_count;
        return BEAMC_OK;
    }
    rc = reserve(grouping, &grouping->scratch, &grouping->scratch_room, grouping->key_count,
                 sizeof(*grouping->scratch));
    if (rc < 0)
        return rc;
    sort_keys(grouping, grouping->scratch);
    return order_windows(grouping, grouping->scratch);
}

/* ---- the second pass ------------------------------------------------------------------------- */

int beamc__grouping_place_start(beamc__grouping *grouping)
{
    uint64_t at = 0;

    for (size_t i = 0; i < grouping->order_count; i++) {
        if (i + BATCH < grouping->order_count)
            __builtin_prefetch(&grouping->pairs[grouping->order[i + BATCH]], 1);
        beamc__group_pair *pair = &grouping->pairs[grouping->order[i]];
        pair->at = at;
        at += pair->bytes;
    }
    grouping->id_at = 0;
    if (at > SIZE_MAX)
        return BEAMC_ENOMEM;
    return reserve(grouping, &grouping->values, &grouping->value_room, (size_t)at, 1);
}

static inline void place_value(uint8_t *to, const uint8_t *value, size_t size)
{
    if (BEAMC_LIKELY(size <= 16)) {
        *to = (uint8_t)size;
        beamc__copy_16(to + 1, value, size);
    } else if (size <= BEAMC__GROUP_INLINE) {
        *to = (uint8_t)size;
        memcpy(to + 1, value, size);
    } else {
        uintptr_t address = (uintptr_t)value;
        memcpy(beamc__varint_put(to, size), &address, sizeof(address));
    }
}

int beamc__grouping_place(beamc__grouping *grouping, const uint8_t *bytes, size_t size)
{
    const bool global = is_global(grouping);
    const uint32_t *merged = grouping->options->fn.merges ? grouping->merged : NULL;
    beamc_reader in = beamc_reader_of(bytes, size);
    beamc__head head = { NULL, 0, 0 };
    beamc__record record;
    size_t windows = 1;
    int rc;

    grouping->head_serial = UINT64_MAX;
    while (in.at < in.end) {
        if (BEAMC_UNLIKELY((rc = beamc__record_next(&in, &record, &head)) < 0))
            return rc;
        if (!global) {
            if (head.serial != grouping->head_serial && (rc = set_head(grouping, &head)) < 0)
                return rc;
            windows = grouping->now_count;
        }
        for (size_t i = 0; i < windows; i++) {
            uint32_t id = grouping->ids[grouping->id_at];
            if (BEAMC_LIKELY(grouping->id_at + BATCH < grouping->id_count))
                __builtin_prefetch(&grouping->pairs[grouping->ids[grouping->id_at + BATCH]], 1);
            grouping->id_at++;
            beamc__group_pair *pair = &grouping->pairs[merged == NULL ? id : merged[id]];
            place_value(grouping->values + pair->at, record.value, record.value_size);
            pair->at += placed_size(record.value_size);
        }
    }
    return BEAMC_OK;
}

/* ---- answers --------------------------------------------------------------------------------- */

int beamc__grouping_find(beamc__grouping *grouping, const beamc__head *head,
                         const beamc__record *record, const uint32_t **pairs, size_t *count)
{
    uint64_t hash = beamc__hash(record->key, record->key_size);
    uint64_t word = record->key_size <= 8 ? short_word(record->key, record->key_size) : 0;
    size_t windows = 1;
    int rc;

    if (head->serial != grouping->head_serial && (rc = set_head(grouping, head)) < 0)
        return rc;
    int64_t key = find_key(grouping, hash, word, record->key, record->key_size);
    if (key < 0)
        return BEAMC_ECORRUPT;
    if (!is_global(grouping))
        windows = grouping->now_count;
    rc = reserve(grouping, &grouping->scratch, &grouping->scratch_room, windows,
                 sizeof(*grouping->scratch));
    if (rc < 0)
        return rc;
    grouping->scratch[0] = (uint32_t)key;
    for (size_t i = 0; !is_global(grouping) && i < windows; i++) {
        uint32_t pair;
        if ((rc = number_pair(grouping, (uint32_t)key, grouping->now[i], &pair)) < 0)
            return rc;
        grouping->scratch[i] = grouping->options->fn.merges ? grouping->merged[pair] : pair;
    }
    *pairs = grouping->scratch;
    *count = windows;
    return BEAMC_OK;
}

void beamc__grouping_prefetch(const beamc__grouping *grouping, size_t from)
{
    if (from + BATCH >= grouping->order_count)
        return;
    uint32_t pair = grouping->order[from + BATCH];
    __builtin_prefetch(&grouping->pairs[pair]);
    if (is_global(grouping))
        __builtin_prefetch(&grouping->keys[pair]);
    else
        __builtin_prefetch(&grouping->links[pair]);
}

beamc_bytes beamc__grouping_key(const beamc__grouping *grouping, uint32_t pair)
{
    const beamc__group_key *key =
        &grouping->keys[is_global(grouping) ? pair : grouping->links[pair].key];

    return (beamc_bytes){ key_bytes(key), key->size };
}

beamc__group_window beamc__grouping_window(const beamc__grouping *grouping, uint32_t pair)
{
    static const uint8_t none[1] = { 0 };

    if (is_global(grouping))
        return (beamc__group_window){ none, 0 };
    return grouping->windows[grouping->links[pair].window];
}

beamc_timestamp beamc__grouping_timestamp(const beamc__grouping *grouping, uint32_t pair)
{
    beamc__group_window window = beamc__grouping_window(grouping, pair);
    beamc_timestamp folded =
        beamc__shuffle_keeps_time(grouping->options) ? grouping->times[pair] : 0;
    beamc_timestamp last;

    if (beamc__window_max_timestamp(grouping->options->fn.form, window.bytes, window.size, &last) <
        0)
        return folded; /* of an unknown kind; see beamc__shuffle_new */
    return beamc__output_time_finish(grouping->options->output_time, folded, last);
}
