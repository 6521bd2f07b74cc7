/* SPDX-License-Identifier: Apache-2.0 */
#include <beamc/type.h>

#include "sdk/types/layout.h"

#include <stdlib.h>

#define PLAIN(word, shown, kind, ctype)                                                            \
    const beamc_type beamc_type_##word = { shown, kind, sizeof(ctype), BEAMC_ALIGN_OF(ctype),      \
                                           NULL,  0,    NULL,          NULL,                       \
                                           NULL }

#define EMPTY(word, shown, kind)                                                                   \
    const beamc_type beamc_type_##word = { shown, kind, 0, 1, NULL, 0, NULL, NULL, NULL }

EMPTY(nothing, "nothing", BEAMC_KIND_VOID);
PLAIN(bytes, "bytes", BEAMC_KIND_BYTES, beamc_bytes);
PLAIN(string, "string", BEAMC_KIND_STRING, beamc_string);
PLAIN(boolean, "boolean", BEAMC_KIND_BOOL, bool);
PLAIN(int64, "int64", BEAMC_KIND_INT64, int64_t);
PLAIN(float64, "float64", BEAMC_KIND_DOUBLE, double);
PLAIN(int8, "int8", BEAMC_KIND_INT8, int8_t);
PLAIN(int16, "int16", BEAMC_KIND_INT16, int16_t);
PLAIN(int32, "int32", BEAMC_KIND_INT32, int32_t);
PLAIN(float32, "float32", BEAMC_KIND_FLOAT, float);
PLAIN(timestamp, "timestamp", BEAMC_KIND_TIMESTAMP, beamc_timestamp);
PLAIN(decimal, "decimal", BEAMC_KIND_DECIMAL, beamc_decimal);
EMPTY(global_window, "global_window", BEAMC_KIND_GLOBAL_WINDOW);
PLAIN(interval_window, "interval_window", BEAMC_KIND_INTERVAL_WINDOW, beamc_interval_window);

static const beamc_logical_type date_logical = { "beam:logical_type:date:v1", NULL, NULL, NULL, 0 };

const beamc_type beamc_type_date = {
    "date", BEAMC_KIND_INT64, sizeof(int64_t), BEAMC_ALIGN_OF(int64_t), NULL, 0, &date_logical,
    NULL,   NULL
};

static const beamc_logical_type micros_instant_logical = { "beam:logical_type:micros_instant:v1",
                                                           NULL, NULL, NULL, 0 };

static const beamc_field micros_instant_fields[2] = { { "seconds", &beamc_type_int64 },
                                                      { "micros", &beamc_type_int64 } };

const beamc_type beamc_type_micros_instant = { "micros_instant",
                                               BEAMC_KIND_ROW,
                                               sizeof(beamc_micros_instant),
                                               BEAMC_ALIGN_OF(beamc_micros_instant),
                                               micros_instant_fields,
                                               2,
                                               &micros_instant_logical,
                                               NULL,
                                               NULL };

static beamc_kind plain_kind(const beamc_type *type)
{
    return type->kind == BEAMC_KIND_STATE_BACKED_ITERABLE ? BEAMC_KIND_ITERABLE : type->kind;
}

static bool logical_equal(const beamc_logical_type *a, const beamc_logical_type *b)
{
    if (a == b)
        return true;
    if (a == NULL || b == NULL || strcmp(a->urn, b->urn) != 0 ||
        a->payload_size != b->payload_size ||
        (a->argument_type == NULL) != (b->argument_type == NULL))
        return false;
    if (a->payload_size > 0 && memcmp(a->payload, b->payload, a->payload_size) != 0)
        return false;
    if (a->argument_type == NULL)
        return true;
    if (!beamc_type_equal(a->argument_type, b->argument_type) ||
        (a->argument == NULL) != (b->argument == NULL))
        return false;
    return a->argument == NULL || beamc_compare(a->argument_type, a->argument, b->argument) == 0;
}

/* The field at encoding position @at. */
static uint32_t position(const beamc_type *row, size_t at)
{
    const beamc__row_info *info = (const beamc__row_info *)row->extra;
    return info == NULL ? (uint32_t)at : info->order[at];
}

static bool rows_equal(const beamc_type *a, const beamc_type *b)
{
    for (size_t i = 0; i < a->field_count; i++)
        if (strcmp(a->fields[i].name, b->fields[i].name) != 0 || position(a, i) != position(b, i))
            return false;
    return true;
}

bool beamc_type_equal(const beamc_type *a, const beamc_type *b)
{
    a = beamc_type_bare(a);
    b = beamc_type_bare(b);
    if (a == b)
        return true;
    if (plain_kind(a) != plain_kind(b) || a->size != b->size || a->align != b->align ||
        a->field_count != b->field_count || !logical_equal(a->logical, b->logical))
        return false;
    if (a->kind == BEAMC_KIND_ROW && !rows_equal(a, b))
        return false;
    /* One coder may serve several types of a program: their names are part of them. */
    if (a->kind == BEAMC_KIND_CUSTOM &&
        (strcmp(a->coder->urn, b->coder->urn) != 0 || strcmp(a->name, b->name) != 0))
        return false;
    for (size_t i = 0; i < a->field_count; i++)
        if (!beamc_type_equal(a->fields[i].type, b->fields[i].type))
            return false;
    return true;
}

static bool all_fields(const beamc_type *type, bool (*holds)(const beamc_type *type))
{
    for (size_t i = 0; i < type->field_count; i++)
        if (!holds(type->fields[i].type))
            return false;
    return true;
}

static bool any_field(const beamc_type *type, bool (*holds)(const beamc_type *type))
{
    for (size_t i = 0; i < type->field_count; i++)
        if (holds(type->fields[i].type))
            return true;
    return false;
}

bool beamc_type_is_deterministic(const beamc_type *type)
{
    switch (type->kind) {
    case BEAMC_KIND_DOUBLE:
    case BEAMC_KIND_FLOAT:
    case BEAMC_KIND_MAP:
    case BEAMC_KIND_ITERABLE:
    case BEAMC_KIND_STATE_BACKED_ITERABLE:
    case BEAMC_KIND_WINDOWED_VALUE:
    case BEAMC_KIND_PARAM_WINDOWED_VALUE:
    case BEAMC_KIND_TIMER:
        return false;
    case BEAMC_KIND_CUSTOM:
        return type->coder->deterministic;
    default:
        return all_fields(type, beamc_type_is_deterministic);
    }
}

bool beamc__type_needs_memory(const beamc_type *type)
{
    switch (type->kind) {
    case BEAMC_KIND_BYTES:
    case BEAMC_KIND_STRING:
        return type->logical != NULL; /* may be padded */
    case BEAMC_KIND_ITERABLE:
        return beamc__type_is_state_backed(type);
    case BEAMC_KIND_STATE_BACKED_ITERABLE:
    case BEAMC_KIND_ARRAY:
    case BEAMC_KIND_MAP:
    case BEAMC_KIND_CUSTOM_WINDOW:
    case BEAMC_KIND_WINDOWED_VALUE:
    case BEAMC_KIND_PARAM_WINDOWED_VALUE:
    case BEAMC_KIND_TIMER:
    case BEAMC_KIND_SHARDED_KEY:
    case BEAMC_KIND_CUSTOM:
        return true;
    default:
        return any_field(type, beamc__type_needs_memory);
    }
}

bool beamc__type_is_state_backed(const beamc_type *type)
{
    return type->kind == BEAMC_KIND_STATE_BACKED_ITERABLE ||
           any_field(type, beamc__type_is_state_backed);
}

bool beamc__type_is_flat(const beamc_type *type)
{
    switch (type->kind) {
    case BEAMC_KIND_VOID:
    case BEAMC_KIND_BOOL:
    case BEAMC_KIND_INT64:
    case BEAMC_KIND_DOUBLE:
    case BEAMC_KIND_INT8:
    case BEAMC_KIND_INT16:
    case BEAMC_KIND_INT32:
    case BEAMC_KIND_FLOAT:
    case BEAMC_KIND_TIMESTAMP:
    case BEAMC_KIND_GLOBAL_WINDOW:
    case BEAMC_KIND_INTERVAL_WINDOW:
        return true;
    case BEAMC_KIND_KV:
    case BEAMC_KIND_NULLABLE:
    case BEAMC_KIND_ROW:
    case BEAMC_KIND_LENGTH_PREFIX:
        return all_fields(type, beamc__type_is_flat);
    default:
        return false;
    }
}

int64_t beamc__type_fixed_size(const beamc_type *type)
{
    switch (type->kind) {
    case BEAMC_KIND_GLOBAL_WINDOW:
        return 0;
    case BEAMC_KIND_INT8:
        return 1;
    case BEAMC_KIND_INT16:
        return 2;
    case BEAMC_KIND_FLOAT:
        return 4;
    case BEAMC_KIND_DOUBLE:
    case BEAMC_KIND_TIMESTAMP:
        return 8;
    case BEAMC_KIND_KV: {
        int64_t key = beamc__type_fixed_size(type->fields[0].type);
        int64_t value = beamc__type_fixed_size(type->fields[1].type);
        return key < 0 || value < 0 ? -1 : key + value;
    }
    default:
        return -1;
    }
}

void beamc__scratch_init(beamc__scratch *scratch, const beamc_type *type)
{
    scratch->heap = NULL;
    scratch->value = scratch->small;
    if (type->size > sizeof(scratch->small) || type->align > BEAMC_ALIGN_OF(max_align_t)) {
        size_t align = type->align < sizeof(void *) ? sizeof(void *) : type->align;
        scratch->heap = aligned_alloc(align, BEAMC_ALIGN_UP(type->size, align));
        scratch->value = scratch->heap;
    }
    if (scratch->value != NULL)
        memset(scratch->value, 0, type->size);
}

void beamc__scratch_dispose(beamc__scratch *scratch)
{
    free(scratch->heap);
    scratch->heap = NULL;
}
