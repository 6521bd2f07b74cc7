/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/exec/metrics.h"

#include "proto/urns.h"
#include "sdk/base/table.h"
#include "sdk/coders/varint.h"
#include <stdlib.h>

struct beamc__metrics {
    beamc__table *cells; /* by a key made of the id's strings */
    beamc_buffer key;    /* scratch */
};

beamc__metrics *beamc__metrics_new(void)
{
    beamc__metrics *metrics = calloc(1, sizeof(*metrics));
    if (metrics == NULL)
        return NULL;
    metrics->cells = beamc__table_new();
    if (metrics->cells == NULL) {
        free(metrics);
        return NULL;
    }
    return metrics;
}

static void cell_free(beamc__cell *cell)
{
    for (size_t i = 0; i < cell->string_count; i++)
        free((char *)cell->strings[i].data);
    free(cell->strings);
    free(cell);
}

static void free_cells(beamc__metrics *metrics)
{
    for (size_t i = 0; i < beamc__table_count(metrics->cells); i++)
        cell_free(beamc__table_value(metrics->cells, i));
}

void beamc__metrics_free(beamc__metrics *metrics)
{
    if (metrics == NULL)
        return;
    free_cells(metrics);
    beamc__table_free(metrics->cells);
    beamc_buffer_dispose(&metrics->key);
    free(metrics);
}

static void cell_empty(beamc__cell *cell)
{
    for (size_t i = 0; i < cell->string_count; i++)
        free((char *)cell->strings[i].data);
    cell->string_count = 0;
    cell->value = 0;
    cell->count = 0;
    cell->sum = 0;
    cell->min = INT64_MAX;
    cell->max = INT64_MIN;
    cell->time_ms = INT64_MIN;
}

void beamc__metrics_clear(beamc__metrics *metrics)
{
    for (size_t i = 0; i < beamc__table_count(metrics->cells); i++)
        cell_empty(beamc__table_value(metrics->cells, i));
}

static void append_part(beamc_buffer *key, const char *part)
{
    /* A missing label differs from an empty one. */
    beamc_buffer_append_byte(key, part != NULL);
    if (part != NULL)
        beamc_buffer_append(key, part, strlen(part) + 1);
}

/* The key holds all of the strings, so the cell's id points into the table's copy of it. */
static const char *point_part(const char **at)
{
    const char *part = *at + 1;
    if (**at == 0) {
        *at += 1;
        return NULL;
    }
    *at = part + strlen(part) + 1;
    return part;
}

beamc__cell *beamc__metrics_cell(beamc__metrics *metrics, const beamc__metric_id *id,
                                 beamc__cell_kind kind)
{
    beamc_buffer *key = &metrics->key;

    beamc_buffer_clear(key);
    append_part(key, id->urn);
    append_part(key, id->transform);
    append_part(key, id->pcollection);
    append_part(key, id->space);
    append_part(key, id->name);
    if (beamc_buffer_failed(key))
        return NULL;
    beamc__cell *cell = beamc__table_get(metrics->cells, key->data, key->size);
    if (cell != NULL)
        return cell;
    cell = calloc(1, sizeof(*cell));
    if (cell == NULL)
        return NULL;
    if (beamc__table_put(metrics->cells, key->data, key->size, cell) < 0) {
        free(cell);
        return NULL;
    }
    const char *at = beamc__table_key(metrics->cells, beamc__table_count(metrics->cells) - 1);
    cell->id.urn = point_part(&at);
    cell->id.transform = point_part(&at);
    cell->id.pcollection = point_part(&at);
    cell->id.space = point_part(&at);
    cell->id.name = point_part(&at);
    cell->kind = kind;
    cell_empty(cell);
    return cell;
}

/* A number that another thread may read. */
static void put(int64_t *to, int64_t value)
{
    __atomic_store_n(to, value, __ATOMIC_RELAXED);
}

static int64_t get(const int64_t *from)
{
    return __atomic_load_n(from, __ATOMIC_RELAXED);
}

static int64_t sum_of(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* Last, for who sees it counts on the rest. */
static void count(beamc__cell *cell, int64_t more)
{
    __atomic_store_n(&cell->count, cell->count + more, __ATOMIC_RELEASE);
}

void beamc__cell_add(beamc__cell *cell, int64_t more)
{
    put(&cell->value, sum_of(cell->value, more));
    count(cell, 1);
}

void beamc__cell_update(beamc__cell *cell, int64_t value)
{
    put(&cell->sum, sum_of(cell->sum, value));
    if (value < cell->min)
        put(&cell->min, value);
    if (value > cell->max)
        put(&cell->max, value);
    count(cell, 1);
}

void beamc__cell_set(beamc__cell *cell, int64_t value, int64_t time_ms)
{
    /* At the same time the larger wins, so that the order of bundles does not matter. */
    if (time_ms < cell->time_ms || (time_ms == cell->time_ms && value < cell->value))
        return;
    cell->count++;
    cell->value = value;
    cell->time_ms = time_ms;
}

static int compare_strings(beamc_string a, beamc_string b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

int beamc__cell_insert(beamc__cell *cell, beamc_string string)
{
    size_t low = 0;
    size_t high = cell->string_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_strings(cell->strings[middle], string);
        if (order == 0)
            return BEAMC_OK;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (cell->string_count == cell->string_capacity) {
        size_t capacity = cell->string_capacity == 0 ? 8 : 2 * cell->string_capacity;
        beamc_string *more = realloc(cell->strings, capacity * sizeof(*more));
        if (more == NULL)
            return BEAMC_ENOMEM;
        cell->strings = more;
        cell->string_capacity = capacity;
    }
    char *copy = malloc(string.size + 1);
    if (copy == NULL)
        return BEAMC_ENOMEM;
    if (string.size > 0)
        memcpy(copy, string.data, string.size);
    memmove(cell->strings + low + 1, cell->strings + low,
            (cell->string_count - low) * sizeof(*cell->strings));
    cell->strings[low] = (beamc_string){ copy, string.size };
    cell->string_count++;
    cell->count++;
    return BEAMC_OK;
}

static int merge_cell(beamc__cell *into, const beamc__cell *from)
{
    const int64_t updates = __atomic_load_n(&from->count, __ATOMIC_ACQUIRE);

    switch (from->kind) {
    case BEAMC__CELL_SUM:
        into->value = sum_of(into->value, get(&from->value));
        into->count += updates;
        return BEAMC_OK;
    case BEAMC__CELL_DISTRIBUTION:
        if (updates <= 0)
            return BEAMC_OK; /* of nothing: its least and most mean nothing */
        into->count += updates;
        into->sum = sum_of(into->sum, get(&from->sum));
        if (get(&from->min) < into->min)
            into->min = get(&from->min);
        if (get(&from->max) > into->max)
            into->max = get(&from->max);
        return BEAMC_OK;
    case BEAMC__CELL_LATEST:
        if (updates > 0)
            beamc__cell_set(into, from->value, from->time_ms);
        return BEAMC_OK;
    case BEAMC__CELL_STRING_SET:
        for (size_t i = 0; i < from->string_count; i++) {
            if (beamc__cell_insert(into, from->strings[i]) < 0)
                return BEAMC_ENOMEM;
        }
        return BEAMC_OK;
    }
    return BEAMC_OK;
}

int beamc__metrics_merge(beamc__metrics *into, const beamc__metrics *from)
{
    for (size_t i = 0; i < beamc__metrics_count(from); i++) {
        const beamc__cell *cell = beamc__metrics_at(from, i);
        beamc__cell *target = beamc__metrics_cell(into, &cell->id, cell->kind);
        if (target == NULL || merge_cell(target, cell) < 0)
            return BEAMC_ENOMEM;
    }
    return BEAMC_OK;
}

size_t beamc__metrics_count(const beamc__metrics *metrics)
{
    return beamc__table_count(metrics->cells);
}

const beamc__cell *beamc__metrics_at(const beamc__metrics *metrics, size_t index)
{
    return beamc__table_value(metrics->cells, index);
}

/* ---- as Beam's messages ----------------------------------------------------------------------- */

static const char *const types[] = {
    [BEAMC__CELL_SUM] = BEAMC_URN_METRIC_TYPE_SUM_INT64,
    [BEAMC__CELL_DISTRIBUTION] = BEAMC_URN_METRIC_TYPE_DISTRIBUTION_INT64,
    [BEAMC__CELL_LATEST] = BEAMC_URN_METRIC_TYPE_LATEST_INT64,
    [BEAMC__CELL_STRING_SET] = BEAMC_URN_METRIC_TYPE_SET_STRING,
};

static int encode_payload(const beamc__cell *cell, beamc_buffer *out)
{
    int rc = BEAMC_OK;

    switch (cell->kind) {
    case BEAMC__CELL_SUM:
        return beamc__varint_encode((uint64_t)cell->value, out);
    case BEAMC__CELL_DISTRIBUTION:
        rc = beamc__varint_encode((uint64_t)cell->count, out);
        rc = rc < 0 ? rc : beamc__varint_encode((uint64_t)cell->sum, out);
        rc = rc < 0 ? rc : beamc__varint_encode((uint64_t)cell->min, out);
        return rc < 0 ? rc : beamc__varint_encode((uint64_t)cell->max, out);
    case BEAMC__CELL_LATEST:
        rc = beamc__varint_encode((uint64_t)cell->time_ms, out);
        return rc < 0 ? rc : beamc__varint_encode((uint64_t)cell->value, out);
    case BEAMC__CELL_STRING_SET: {
        uint8_t count[4];
        beamc__store_be32(count, (uint32_t)cell->string_count);
        beamc_buffer_append(out, count, sizeof(count));
        for (size_t i = 0; rc == BEAMC_OK && i < cell->string_count; i++) {
            rc = beamc__varint_encode(cell->strings[i].size, out);
            beamc_buffer_append(out, cell->strings[i].data, cell->strings[i].size);
        }
        return beamc_buffer_failed(out) ? BEAMC_ENOMEM : rc;
    }
    }
    return rc;
}

typedef PB(MonitoringInfo__LabelsEntry) label_entry;

static bool add_label(PB(MonitoringInfo) *info, beamc_arena *arena, const char *key,
                      const char *value)
{
    if (value == NULL)
        return true;
    label_entry *entry = beamc_arena_alloc(arena, sizeof(*entry));
    if (entry == NULL)
        return false;
    pb(monitoring_info__labels_entry__init)(entry);
    entry->key = (char *)key;
    entry->value = beamc_arena_strdup(arena, value);
    info->labels[info->n_labels++] = entry;
    return entry->value != NULL;
}

static PB(MonitoringInfo) *cell_to_proto(const beamc__cell *cell, beamc_arena *arena,
                                         beamc_buffer *payload)
{
    PB(MonitoringInfo) *info = beamc_arena_alloc(arena, sizeof(*info));
    label_entry **labels = beamc_arena_alloc(arena, 4 * sizeof(label_entry *));

    beamc_buffer_clear(payload);
    if (info == NULL || labels == NULL || encode_payload(cell, payload) < 0)
        return NULL;
    pb(monitoring_info__init)(info);
    info->urn = beamc_arena_strdup(arena, cell->id.urn);
    info->type = (char *)types[cell->kind];
    info->payload.len = payload->size;
    info->payload.data = beamc_arena_memdup(arena, payload->data, payload->size);
    info->labels = labels;
    if (info->urn == NULL || info->payload.data == NULL ||
        !add_label(info, arena, BEAMC_LABEL_PTRANSFORM, cell->id.transform) ||
        !add_label(info, arena, BEAMC_LABEL_PCOLLECTION, cell->id.pcollection) ||
        !add_label(info, arena, BEAMC_LABEL_NAMESPACE, cell->id.space) ||
        !add_label(info, arena, BEAMC_LABEL_NAME, cell->id.name))
        return NULL;
    return info;
}

int beamc__metrics_to_proto(const beamc__metrics *metrics, beamc_arena *arena,
                            PB(MonitoringInfo) ***out, size_t *count)
{
    size_t all = beamc__metrics_count(metrics);
    PB(MonitoringInfo) **infos = beamc_arena_calloc(arena, all + 1, sizeof(*infos));
    beamc_buffer payload;
    int rc = infos == NULL ? BEAMC_ENOMEM : BEAMC_OK;

    beamc_buffer_init(&payload);
    *count = 0;
    for (size_t i = 0; rc == BEAMC_OK && i < all; i++) {
        const beamc__cell *cell = beamc__metrics_at(metrics, i);
        if (cell->count == 0)
            continue;
        infos[*count] = cell_to_proto(cell, arena, &payload);
        if (infos[(*count)++] == NULL)
            rc = BEAMC_ENOMEM;
    }
    beamc_buffer_dispose(&payload);
    *out = rc < 0 ? NULL : infos;
    return rc;
}

static int decode_strings(beamc__cell *cell, beamc_reader *in)
{
    if (beamc_reader_left(in) < 4)
        return BEAMC_ESHORT;
    uint32_t count = beamc__load_be32(in->at);
    in->at += 4;
    for (uint32_t i = 0; i < count; i++) {
        size_t size;
        int rc = beamc__size_decode(in, &size);
        if (rc < 0)
            return rc;
        beamc_string string = { (const char *)in->at, size };
        in->at += size;
        if (beamc__cell_insert(cell, string) < 0)
            return BEAMC_ENOMEM;
    }
    return BEAMC_OK;
}

static int decode_numbers(beamc_reader *in, int64_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t number;
        int rc = beamc__varint_decode(in, &number);
        if (rc < 0)
            return rc;
        numbers[i] = (int64_t)number;
    }
    return BEAMC_OK;
}

static int merge_payload(beamc__cell *cell, beamc_reader *in)
{
    beamc__cell other = { .kind = cell->kind, .count = 1 };
    int64_t numbers[4] = { 0 };
    int rc = BEAMC_OK;

    switch (cell->kind) {
    case BEAMC__CELL_SUM:
        rc = decode_numbers(in, numbers, 1);
        other.value = numbers[0];
        break;
    case BEAMC__CELL_DISTRIBUTION:
        rc = decode_numbers(in, numbers, 4);
        other.count = numbers[0];
        other.sum = numbers[1];
        other.min = numbers[2];
        other.max = numbers[3];
        break;
    case BEAMC__CELL_LATEST:
        rc = decode_numbers(in, numbers, 2);
        other.time_ms = numbers[0];
        other.value = numbers[1];
        break;
    case BEAMC__CELL_STRING_SET:
        return decode_strings(cell, in);
    }
    return rc < 0 ? rc : merge_cell(cell, &other);
}

int beamc__metrics_add_proto(beamc__metrics *metrics, const PB(MonitoringInfo) *info)
{
    beamc__metric_id id = { .urn = info->urn };
    size_t kind = 0;

    while (kind < sizeof(types) / sizeof(*types) && strcmp(types[kind], info->type) != 0)
        kind++;
    if (kind == sizeof(types) / sizeof(*types))
        return BEAMC_EUNSUPPORTED;
    for (size_t i = 0; i < info->n_labels; i++) {
        const char *key = info->labels[i]->key;
        const char *value = info->labels[i]->value;
        if (strcmp(key, BEAMC_LABEL_PTRANSFORM) == 0)
            id.transform = value;
        else if (strcmp(key, BEAMC_LABEL_PCOLLECTION) == 0)
            id.pcollection = value;
        else if (strcmp(key, BEAMC_LABEL_NAMESPACE) == 0)
            id.space = value;
        else if (strcmp(key, BEAMC_LABEL_NAME) == 0)
            id.name = value;
    }
    beamc__cell *cell = beamc__metrics_cell(metrics, &id, (beamc__cell_kind)kind);
    if (cell == NULL)
        return BEAMC_ENOMEM;
    if (cell->kind != (beamc__cell_kind)kind)
        return BEAMC_ECORRUPT;
    beamc_reader in = beamc_reader_of(info->payload.data, info->payload.len);
    return merge_payload(cell, &in);
}
