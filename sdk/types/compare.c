/* SPDX-License-Identifier: Apache-2.0 */
#include <beamc/type.h>

#include "sdk/types/decimal.h"
#include "sdk/types/layout.h"

#include <inttypes.h>

#define COMPARE(a, b) ((a) < (b) ? -1 : (a) > (b))

static int compare_bytes(const beamc_bytes *a, const beamc_bytes *b)
{
    size_t size = a->size < b->size ? a->size : b->size;
    int order = size == 0 ? 0 : memcmp(a->data, b->data, size);
    return order != 0 ? order : COMPARE(a->size, b->size);
}

static int compare_doubles(double a, double b)
{
    bool a_nan = a != a;
    bool b_nan = b != b;
    return a_nan || b_nan ? a_nan - b_nan : COMPARE(a, b);
}

/* A value on its own that may not be there. */
static int compare_boxed(const beamc_type *type, const void *a, const void *b)
{
    if (a == NULL || b == NULL)
        return (a != NULL) - (b != NULL);
    return beamc_compare(type, a, b);
}

static int compare_parts(const beamc_type *type, const void *a, const void *b)
{
    size_t at = 0;
    int order = 0;
    for (size_t i = 0; i < type->field_count && order == 0; i++) {
        const beamc_type *field = type->fields[i].type;
        size_t offset = beamc__next_offset(field, &at);
        order = beamc_compare(field, beamc__at(a, offset), beamc__at(b, offset));
    }
    return order;
}

static int compare_nullables(const beamc_type *type, const void *a, const void *b)
{
    bool a_present = *(const bool *)a;
    bool b_present = *(const bool *)b;
    size_t offset = beamc__nullable_offset(type);
    if (!a_present || !b_present)
        return a_present - b_present;
    return beamc_compare(type->fields[0].type, beamc__at(a, offset), beamc__at(b, offset));
}

/* Element by element.  A walk that fails counts as ended: an order cannot say so. */
static int compare_iterables(const beamc_type *element, const beamc_iterable *a,
                             const beamc_iterable *b)
{
    beamc__scratch x;
    beamc__scratch y;
    beamc_iterator walk_a;
    beamc_iterator walk_b;
    int order = 0;

    beamc__scratch_init(&x, element);
    beamc__scratch_init(&y, element);
    beamc_iterate(&walk_a, a);
    beamc_iterate(&walk_b, b);
    while (order == 0 && x.value != NULL && y.value != NULL) {
        bool more_a = beamc_next(&walk_a, x.value);
        bool more_b = beamc_next(&walk_b, y.value);
        if (!more_a || !more_b) {
            order = more_a - more_b;
            break;
        }
        order = beamc_compare(element, x.value, y.value);
    }
    beamc_error_free(beamc_iterator_finish(&walk_a)); /* see above */
    beamc_error_free(beamc_iterator_finish(&walk_b));
    beamc__scratch_dispose(&x);
    beamc__scratch_dispose(&y);
    return order;
}

static int compare_arrays(const beamc_type *type, const beamc_array *a, const beamc_array *b)
{
    const beamc_type *element = type->fields[0].type;
    size_t count = a->count < b->count ? a->count : b->count;
    for (size_t i = 0; i < count; i++) {
        int order = beamc_compare(element, beamc__at(a->items, i * element->size),
                                  beamc__at(b->items, i * element->size));
        if (order != 0)
            return order;
    }
    return COMPARE(a->count, b->count);
}

static int compare_entries(const beamc_type *map, const void *a, const void *b)
{
    size_t offset = beamc_kv_value_offset(map);
    int order = beamc_compare(map->fields[0].type, a, b);
    if (order != 0)
        return order;
    return beamc_compare(map->fields[1].type, beamc__at(a, offset), beamc__at(b, offset));
}

/* The entry that follows @last in order (NULL: the first); entries that are equal follow each other
 * as they lie. */
static const void *next_entry(const beamc_type *map, const beamc_array *array, const void *last)
{
    size_t step = beamc__entry_size(map);
    const void *best = NULL;
    for (size_t i = 0; i < array->count; i++) {
        const void *entry = beamc__at(array->items, i * step);
        int after = last == NULL ? 1 : compare_entries(map, entry, last);
        if (after < 0 || (after == 0 && (const char *)entry <= (const char *)last))
            continue;
        if (best == NULL || compare_entries(map, entry, best) < 0)
            best = entry;
    }
    return best;
}

/* As if both were sorted.  Takes time by the square of the count and no memory. */
static int compare_maps(const beamc_type *map, const beamc_array *a, const beamc_array *b)
{
    const void *x = NULL;
    const void *y = NULL;
    if (map->fields[0].type->size + map->fields[1].type->size == 0)
        return COMPARE(a->count, b->count);
    for (;;) {
        x = next_entry(map, a, x);
        y = next_entry(map, b, y);
        if (x == NULL || y == NULL)
            return (x != NULL) - (y != NULL);
        int order = compare_entries(map, x, y);
        if (order != 0)
            return order;
    }
}

static int compare_panes(const beamc_pane *a, const beamc_pane *b)
{
    if (a->index != b->index)
        return COMPARE(a->index, b->index);
    if (a->non_speculative_index != b->non_speculative_index)
        return COMPARE(a->non_speculative_index, b->non_speculative_index);
    if (a->timing != b->timing)
        return COMPARE(a->timing, b->timing);
    if (a->is_first != b->is_first)
        return a->is_first - b->is_first;
    return a->is_last - b->is_last;
}

static int compare_interval_windows(const beamc_interval_window *a, const beamc_interval_window *b)
{
    return a->end != b->end ? COMPARE(a->end, b->end) : COMPARE(a->start, b->start);
}

static int compare_custom_windows(const beamc_type *type, const beamc_custom_window *a,
                                  const beamc_custom_window *b)
{
    if (a->max_timestamp != b->max_timestamp)
        return COMPARE(a->max_timestamp, b->max_timestamp);
    return compare_boxed(type->fields[0].type, a->window, b->window);
}

static int compare_windowed_values(const beamc_type *type, const beamc_windowed_value *a,
                                   const beamc_windowed_value *b)
{
    if (a->timestamp != b->timestamp)
        return COMPARE(a->timestamp, b->timestamp);
    int order = compare_iterables(type->fields[1].type, &a->windows, &b->windows);
    if (order == 0)
        order = compare_panes(&a->pane, &b->pane);
    return order != 0 ? order : compare_boxed(type->fields[0].type, a->value, b->value);
}

static int compare_timers(const beamc_type *type, const beamc_timer *a, const beamc_timer *b)
{
    int order = compare_boxed(type->fields[0].type, a->key, b->key);
    if (order == 0)
        order = beamc_compare(&beamc_type_string, &a->tag, &b->tag);
    if (order == 0)
        order = compare_iterables(type->fields[1].type, &a->windows, &b->windows);
    if (order != 0 || a->clear || b->clear)
        return order != 0 ? order : a->clear - b->clear;
    if (a->fire != b->fire)
        return COMPARE(a->fire, b->fire);
    if (a->hold != b->hold)
        return COMPARE(a->hold, b->hold);
    return compare_panes(&a->pane, &b->pane);
}

static int compare_sharded_keys(const beamc_type *type, const beamc_sharded_key *a,
                                const beamc_sharded_key *b)
{
    int order = compare_bytes(&a->shard, &b->shard);
    return order != 0 ? order : compare_boxed(type->fields[0].type, a->key, b->key);
}

static int compare_custom(const beamc_type *type, const void *a, const void *b)
{
    if (type->coder->compare != NULL)
        return type->coder->compare(type, a, b);
    beamc_buffer x;
    beamc_buffer y;
    beamc_buffer_init(&x);
    beamc_buffer_init(&y);
    int order = 0; /* what cannot be encoded has no order */
    if (beamc_encode(type, a, true, &x) == BEAMC_OK && beamc_encode(type, b, true, &y) == BEAMC_OK)
        order = compare_bytes(&(const beamc_bytes){ x.data, x.size },
                              &(const beamc_bytes){ y.data, y.size });
    beamc_buffer_dispose(&x);
    beamc_buffer_dispose(&y);
    return order;
}

#define COMPARE_AS(ctype, a, b) COMPARE(*(const ctype *)(a), *(const ctype *)(b))

int beamc_compare(const beamc_type *type, const void *a, const void *b)
{
    switch (type->kind) {
    case BEAMC_KIND_VOID:
    case BEAMC_KIND_GLOBAL_WINDOW:
        return 0;
    case BEAMC_KIND_BYTES:
    case BEAMC_KIND_STRING:
        return compare_bytes(a, b);
    case BEAMC_KIND_BOOL:
        return *(const bool *)a - *(const bool *)b;
    case BEAMC_KIND_INT64:
    case BEAMC_KIND_TIMESTAMP:
        return COMPARE_AS(int64_t, a, b);
    case BEAMC_KIND_DOUBLE:
        return compare_doubles(*(const double *)a, *(const double *)b);
    case BEAMC_KIND_FLOAT:
        return compare_doubles(*(const float *)a, *(const float *)b);
    case BEAMC_KIND_INT8:
        return COMPARE_AS(int8_t, a, b);
    case BEAMC_KIND_INT16:
        return COMPARE_AS(int16_t, a, b);
    case BEAMC_KIND_INT32:
        return COMPARE_AS(int32_t, a, b);
    case BEAMC_KIND_KV:
    case BEAMC_KIND_ROW:
    case BEAMC_KIND_LENGTH_PREFIX:
        return compare_parts(type, a, b);
    case BEAMC_KIND_ITERABLE:
    case BEAMC_KIND_STATE_BACKED_ITERABLE:
        return compare_iterables(type->fields[0].type, a, b);
    case BEAMC_KIND_NULLABLE:
        return compare_nullables(type, a, b);
    case BEAMC_KIND_ARRAY:
        return compare_arrays(type, a, b);
    case BEAMC_KIND_MAP:
        return compare_maps(type, a, b);
    case BEAMC_KIND_DECIMAL:
        return beamc__decimal_compare(a, b);
    case BEAMC_KIND_INTERVAL_WINDOW:
        return compare_interval_windows(a, b);
    case BEAMC_KIND_CUSTOM_WINDOW:
        return compare_custom_windows(type, a, b);
    case BEAMC_KIND_WINDOWED_VALUE:
    case BEAMC_KIND_PARAM_WINDOWED_VALUE:
        return compare_windowed_values(type, a, b);
    case BEAMC_KIND_TIMER:
        return compare_timers(type, a, b);
    case BEAMC_KIND_SHARDED_KEY:
        return compare_sharded_keys(type, a, b);
    case BEAMC_KIND_CUSTOM:
        return compare_custom(type, a, b);
    }
    return 0;
}
