/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/exec/samples.h"

#include "sdk/base/table.h"
#include <beamc/arena.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

/* As other harnesses have it: the first ones, and then now and then one. */
#define KEPT 10
#define EVERY 1000

typedef struct {
    beamc_bytes element; /* in the block, as all below */
    int64_t time_ms;
    bool has_error;
    beamc__sample_error error;
    void *block; /* owned; NULL: no sample */
} sample;

typedef struct {
    sample kept[KEPT];
    size_t next; /* to be replaced */
} ring;

struct beamc__samples {
    bool only_errors;
    uv_mutex_t lock;      /* guards what follows */
    beamc__table *rings; /* by PCollection */
};

beamc__samples *beamc__samples_new(bool only_errors)
{
    beamc__samples *samples = calloc(1, sizeof(*samples));

    if (samples == NULL)
        return NULL;
    samples->only_errors = only_errors;
    samples->rings = beamc__table_new();
    if (samples->rings == NULL || uv_mutex_init(&samples->lock) < 0) {
        beamc__table_free(samples->rings);
        free(samples);
        return NULL;
    }
    return samples;
}

void beamc__samples_free(beamc__samples *samples)
{
    if (samples == NULL)
        return;
    for (size_t i = 0; i < beamc__table_count(samples->rings); i++) {
        ring *of = beamc__table_value(samples->rings, i);
        for (size_t k = 0; k < KEPT; k++)
            free(of->kept[k].block);
        free(of);
    }
    beamc__table_free(samples->rings);
    uv_mutex_destroy(&samples->lock);
    free(samples);
}

bool beamc__samples_want(const beamc__samples *samples, uint64_t seen)
{
    return !samples->only_errors && (seen <= KEPT || seen % EVERY == 0);
}

/* ---- keeping --------------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static char *put(char *to, const char **field, const char *text)
{
    size_t size = strlen(text) + 1;

    memcpy(to, text, size);
    *field = to;
    return to + size;
}

static bool make(sample *out, beamc_bytes element, const beamc__sample_error *error)
{
    size_t size = element.size + 1;

    if (error != NULL)
        size += strlen(error->instruction_id) + strlen(error->transform_id) +
                strlen(error->error) + 3;
    char *block = malloc(size);
    if (block == NULL)
        return false;
    *out = (sample){ .element = { (uint8_t *)block, element.size },
                     .time_ms = now_ms(),
                     .has_error = error != NULL,
                     .block = block };
    if (element.size > 0)
        memcpy(block, element.data, element.size);
    if (error != NULL) {
        char *to = put(block + element.size, &out->error.instruction_id, error->instruction_id);
        to = put(to, &out->error.transform_id, error->transform_id);
        put(to, &out->error.error, error->error);
    }
    return true;
}

/* With the lock; NULL: no memory. */
static ring *ring_of(beamc__samples *samples, const char *id)
{
    ring *found = beamc__table_gets(samples->rings, id);

    if (found != NULL)
        return found;
    found = calloc(1, sizeof(*found));
    if (found != NULL && beamc__table_puts(samples->rings, id, found) < 0) {
        free(found);
        return NULL;
    }
    return found;
}

void beamc__samples_add(beamc__samples *samples, const char *pcollection_id, beamc_bytes element,
                        const beamc__sample_error *error)
{
    sample made;

    if (!make(&made, element, error))
        return;
    uv_mutex_lock(&samples->lock);
    ring *to = ring_of(samples, pcollection_id);
    if (to != NULL) {
        sample *place = &to->kept[to->next++ % KEPT];
        void *old = place->block;
        *place = made;
        made.block = old;
    }
    uv_mutex_unlock(&samples->lock);
    free(made.block);
}

/* ---- taking ---------------------------------------------------------------------------------- */

typedef FN(SampleDataResponse__ElementSamplesEntry) samples_entry;

typedef struct {
    FN(SampledElement) element; /* first */
    FN(SampledElement__Exception) exception;
    Google__Protobuf__Timestamp time;
} sampled;

static FN(SampledElement) *to_proto(const sample *from, beamc_arena *arena)
{
    sampled *made = beamc_arena_calloc(arena, 1, sizeof(*made));

    if (made == NULL)
        return NULL;
    fn(sampled_element__init)(&made->element);
    google__protobuf__timestamp__init(&made->time);
    made->time.seconds = from->time_ms / 1000;
    made->time.nanos = (int32_t)(from->time_ms % 1000) * 1000000;
    made->element.sample_timestamp = &made->time;
    made->element.element.len = from->element.size;
    made->element.element.data =
        beamc_arena_memdup(arena, from->element.data, from->element.size);
    if (from->has_error) {
        fn(sampled_element__exception__init)(&made->exception);
        made->exception.instruction_id = beamc_arena_strdup(arena, from->error.instruction_id);
        made->exception.transform_id = beamc_arena_strdup(arena, from->error.transform_id);
        made->exception.error = beamc_arena_strdup(arena, from->error.error);
        made->element.exception = &made->exception;
    }
    return beamc_arena_failed(arena) ? NULL : &made->element;
}

static int take_ring(ring *from, const char *id, FN(SampleDataResponse) *out, beamc_arena *arena)
{
    samples_entry *entry = beamc_arena_calloc(arena, 1, sizeof(*entry));
    FN(SampleDataResponse__ElementList) *list = beamc_arena_calloc(arena, 1, sizeof(*list));

    if (entry == NULL || list == NULL)
        return BEAMC_ENOMEM;
    fn(sample_data_response__element_samples_entry__init)(entry);
    fn(sample_data_response__element_list__init)(list);
    entry->key = beamc_arena_strdup(arena, id);
    entry->value = list;
    list->elements = beamc_arena_calloc(arena, KEPT, sizeof(*list->elements));
    if (entry->key == NULL || list->elements == NULL)
        return BEAMC_ENOMEM;
    for (size_t i = 0; i < KEPT; i++) {
        sample *one = &from->kept[(from->next + i) % KEPT]; /* the oldest first */
        if (one->block == NULL)
            continue;
        if ((list->elements[list->n_elements++] = to_proto(one, arena)) == NULL)
            return BEAMC_ENOMEM;
        free(one->block);
        one->block = NULL;
    }
    if (list->n_elements > 0)
        out->element_samples[out->n_element_samples++] = entry;
    return BEAMC_OK;
}

static bool is_wanted(const char *id, char *const *ids, size_t count)
{
    bool found = count == 0;

    for (size_t i = 0; i < count && !found; i++)
        found = strcmp(ids[i], id) == 0;
    return found;
}

int beamc__samples_take(beamc__samples *samples, char *const *ids, size_t count,
                        FN(SampleDataResponse) *out, beamc_arena *arena)
{
    uv_mutex_lock(&samples->lock);
    size_t rings = beamc__table_count(samples->rings);
    out->element_samples = beamc_arena_calloc(arena, rings + 1, sizeof(*out->element_samples));
    int rc = out->element_samples == NULL ? BEAMC_ENOMEM : BEAMC_OK;
    for (size_t i = 0; rc == BEAMC_OK && i < rings; i++) {
        const char *id = beamc__table_key(samples->rings, i);
        if (is_wanted(id, ids, count))
            rc = take_ring(beamc__table_value(samples->rings, i), id, out, arena);
    }
    uv_mutex_unlock(&samples->lock);
    return rc;
}
