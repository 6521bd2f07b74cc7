/* SPDX-License-Identifier: Apache-2.0 */
/* Values as text for people:
 *
 *     string      as it is                       row        {shop: north, cents: 250}
 *     bytes       as it is, others as \x00       KV         (key, value)
 *     number      250, 0.1, NaN, Infinity        map        {a: 1, b: 2}
 *     timestamp   2020-08-13T14:14:14.123Z       iterable   [1, 2]
 *     null        null                           window     [start, end)
 */
#include <beamc/type.h>

#include "sdk/types/decimal.h"
#include "sdk/types/layout.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void print_escaped(const beamc_bytes *bytes, beamc_buffer *out)
{
    for (size_t i = 0; i < bytes->size; i++) {
        uint8_t byte = bytes->data[i];
        if (byte >= 0x20 && byte < 0x7f && byte != '\\')
            beamc_buffer_append_byte(out, byte);
        else
            beamc_buffer_printf(out, "\\x%02x", byte);
    }
}

/* The fewest digits that give the same number back. */
static void print_real(double value, int digits, int digits_max, beamc_buffer *out)
{
    char text[40];
    if (isnan(value)) {
        beamc_buffer_append_string(out, "NaN");
        return;
    }
    if (isinf(value)) {
        beamc_buffer_append_string(out, value < 0 ? "-Infinity" : "Infinity");
        return;
    }
    for (;; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (digits >= digits_max ||
            (digits_max < 10 ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value))
            break;
    }
    beamc_buffer_append_string(out, text);
}

/* Days since the epoch to a date of the Gregorian calendar, for all of int64_t's milliseconds. */
static void civil_date(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468; /* from 0000-03-01, where eras of 400 years start */
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * of_year + 2) / 153; /* months from March */
    *day = (int)(of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

static void print_timestamp(beamc_timestamp millis, beamc_buffer *out)
{
    const int64_t day_ms = 86400000;
    int64_t days = millis / day_ms - (millis % day_ms < 0);
    int64_t rest = millis % day_ms + (millis % day_ms < 0 ? day_ms : 0);
    int64_t year;
    int month;
    int day;
    civil_date(days, &year, &month, &day);
    beamc_buffer_printf(out, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02d.%03dZ", year, month, day,
                        (int)(rest / 3600000), (int)(rest / 60000 % 60), (int)(rest / 1000 % 60),
                        (int)(rest % 1000));
}

static void separate(bool first, beamc_buffer *out)
{
    if (!first)
        beamc_buffer_append_string(out, ", ");
}

static void print_boxed(const beamc_type *type, const void *value, beamc_buffer *out)
{
    if (value == NULL)
        beamc_buffer_append_string(out, "null");
    else
        beamc_print(type, value, out);
}

static void print_row(const beamc_type *type, const void *value, beamc_buffer *out)
{
    size_t at = 0;
    beamc_buffer_append_byte(out, '{');
    for (size_t i = 0; i < type->field_count; i++) {
        const beamc_type *field = type->fields[i].type;
        size_t offset = beamc__next_offset(field, &at);
        separate(i == 0, out);
        beamc_buffer_append_string(out, type->fields[i].name);
        beamc_buffer_append_string(out, ": ");
        beamc_print(field, beamc__at(value, offset), out);
    }
    beamc_buffer_append_byte(out, '}');
}

static void print_kv(const beamc_type *type, const void *value, beamc_buffer *out)
{
    beamc_buffer_append_byte(out, '(');
    beamc_print(type->fields[0].type, value, out);
    separate(false, out);
    beamc_print(type->fields[1].type, beamc__at(value, beamc_kv_value_offset(type)), out);
    beamc_buffer_append_byte(out, ')');
}

static void print_nullable(const beamc_type *type, const void *value, beamc_buffer *out)
{
    if (*(const bool *)value)
        beamc_print(type->fields[0].type, beamc__at(value, beamc__nullable_offset(type)), out);
    else
        beamc_buffer_append_string(out, "null");
}

static void print_iterable(const beamc_type *element, const beamc_iterable *iterable,
                           beamc_buffer *out)
{
    beamc__scratch scratch;
    beamc_iterator walk;
    char text[200];

    beamc__scratch_init(&scratch, element);
    beamc_buffer_append_byte(out, '[');
    beamc_iterate(&walk, iterable);
    for (bool first = true; scratch.value != NULL && beamc_next(&walk, scratch.value);
         first = false) {
        separate(first, out);
        beamc_print(element, scratch.value, out);
    }
    beamc_error *error = beamc_iterator_finish(&walk);
    if (error != NULL) { /* it is text for people: they are told there */
        beamc_error_print(error, text, sizeof(text));
        beamc_buffer_printf(out, " ... (%s)", text);
        beamc_error_free(error);
    }
    beamc_buffer_append_byte(out, ']');
    beamc__scratch_dispose(&scratch);
}

static void print_array(const beamc_type *type, const beamc_array *array, beamc_buffer *out)
{
    const beamc_type *element = type->fields[0].type;
    beamc_buffer_append_byte(out, '[');
    for (size_t i = 0; i < array->count; i++) {
        separate(i == 0, out);
        beamc_print(element, beamc__at(array->items, i * element->size), out);
    }
    beamc_buffer_append_byte(out, ']');
}

static void print_map(const beamc_type *type, const beamc_array *array, beamc_buffer *out)
{
    size_t offset = beamc_kv_value_offset(type);
    size_t step = beamc__entry_size(type);
    beamc_buffer_append_byte(out, '{');
    for (size_t i = 0; i < array->count; i++) {
        const void *entry = beamc__at(array->items, i * step);
        separate(i == 0, out);
        beamc_print(type->fields[0].type, entry, out);
        beamc_buffer_append_string(out, ": ");
        beamc_print(type->fields[1].type, beamc__at(entry, offset), out);
    }
    beamc_buffer_append_byte(out, '}');
}

static void print_interval_window(const beamc_interval_window *window, beamc_buffer *out)
{
    beamc_buffer_append_byte(out, '[');
    print_timestamp(window->start, out);
    separate(false, out);
    print_timestamp(window->end, out);
    beamc_buffer_append_byte(out, ')');
}

static void print_pane(const beamc_pane *pane, beamc_buffer *out)
{
    static const char *const timings[] = { "early", "on time", "late", "no firing" };
    unsigned timing = (unsigned)pane->timing;
    beamc_buffer_append_string(out, timing < 4 ? timings[timing] : "?");
    if (timing == BEAMC_PANE_UNKNOWN)
        return;
    beamc_buffer_printf(out, " %" PRId64, pane->index);
    if (pane->is_last)
        beamc_buffer_append_string(out, " last");
}

static void print_windowed_value(const beamc_type *type, const beamc_windowed_value *value,
                                 beamc_buffer *out)
{
    print_boxed(type->fields[0].type, value->value, out);
    beamc_buffer_append_string(out, " at ");
    print_timestamp(value->timestamp, out);
    beamc_buffer_append_string(out, " in ");
    print_iterable(type->fields[1].type, &value->windows, out);
    beamc_buffer_append_string(out, ", ");
    print_pane(&value->pane, out);
}

static void print_timer(const beamc_type *type, const beamc_timer *timer, beamc_buffer *out)
{
    beamc_buffer_append_string(out, "timer ");
    beamc_buffer_append(out, timer->tag.data, timer->tag.size);
    beamc_buffer_append_string(out, " of ");
    print_boxed(type->fields[0].type, timer->key, out);
    beamc_buffer_append_string(out, " in ");
    print_iterable(type->fields[1].type, &timer->windows, out);
    if (timer->clear) {
        beamc_buffer_append_string(out, ", cleared");
        return;
    }
    beamc_buffer_append_string(out, " at ");
    print_timestamp(timer->fire, out);
    beamc_buffer_append_string(out, ", hold ");
    print_timestamp(timer->hold, out);
}

static void print_custom(const beamc_type *type, const void *value, beamc_buffer *out)
{
    if (type->coder->print != NULL) {
        type->coder->print(type, value, out);
        return;
    }
    beamc_buffer bytes;
    beamc_buffer_init(&bytes);
    int rc = beamc_encode(type, value, false, &bytes);
    if (rc < 0)
        beamc_buffer_append_string(out, beamc_code_text(rc));
    for (size_t i = 0; rc == BEAMC_OK && i < bytes.size; i++)
        beamc_buffer_printf(out, "%02x", bytes.data[i]);
    beamc_buffer_dispose(&bytes);
}

void beamc_print(const beamc_type *type, const void *value, beamc_buffer *out)
{
    switch (type->kind) {
    case BEAMC_KIND_VOID:
        return;
    case BEAMC_KIND_BYTES:
        print_escaped(value, out);
        return;
    case BEAMC_KIND_STRING: {
        const beamc_string *string = value;
        beamc_buffer_append(out, string->data, string->size);
        return;
    }
    case BEAMC_KIND_BOOL:
        beamc_buffer_append_string(out, *(const bool *)value ? "true" : "false");
        return;
    case BEAMC_KIND_INT64:
        beamc_buffer_printf(out, "%" PRId64, *(const int64_t *)value);
        return;
    case BEAMC_KIND_INT8:
        beamc_buffer_printf(out, "%d", *(const int8_t *)value);
        return;
    case BEAMC_KIND_INT16:
        beamc_buffer_printf(out, "%d", *(const int16_t *)value);
        return;
    case BEAMC_KIND_INT32:
        beamc_buffer_printf(out, "%" PRId32, *(const int32_t *)value);
        return;
    case BEAMC_KIND_DOUBLE:
        print_real(*(const double *)value, 15, 17, out);
        return;
    case BEAMC_KIND_FLOAT:
        print_real(*(const float *)value, 6, 9, out);
        return;
    case BEAMC_KIND_KV:
        print_kv(type, value, out);
        return;
    case BEAMC_KIND_ITERABLE:
    case BEAMC_KIND_STATE_BACKED_ITERABLE:
        print_iterable(type->fields[0].type, value, out);
        return;
    case BEAMC_KIND_NULLABLE:
        print_nullable(type, value, out);
        return;
    case BEAMC_KIND_ROW:
        print_row(type, value, out);
        return;
    case BEAMC_KIND_LENGTH_PREFIX:
        beamc_print(type->fields[0].type, value, out);
        return;
    case BEAMC_KIND_ARRAY:
        print_array(type, value, out);
        return;
    case BEAMC_KIND_MAP:
        print_map(type, value, out);
        return;
    case BEAMC_KIND_TIMESTAMP:
        print_timestamp(*(const beamc_timestamp *)value, out);
        return;
    case BEAMC_KIND_DECIMAL:
        beamc__decimal_print(value, out);
        return;
    case BEAMC_KIND_GLOBAL_WINDOW:
        beamc_buffer_append_string(out, "global");
        return;
    case BEAMC_KIND_INTERVAL_WINDOW:
        print_interval_window(value, out);
        return;
    case BEAMC_KIND_CUSTOM_WINDOW:
        print_boxed(type->fields[0].type, ((const beamc_custom_window *)value)->window, out);
        return;
    case BEAMC_KIND_WINDOWED_VALUE:
    case BEAMC_KIND_PARAM_WINDOWED_VALUE:
        print_windowed_value(type, value, out);
        return;
    case BEAMC_KIND_TIMER:
        print_timer(type, value, out);
        return;
    case BEAMC_KIND_SHARDED_KEY: {
        const beamc_sharded_key *sharded = value;
        print_boxed(type->fields[0].type, sharded->key, out);
        beamc_buffer_append_byte(out, '@');
        print_escaped(&sharded->shard, out);
        return;
    }
    case BEAMC_KIND_CUSTOM:
        print_custom(type, value, out);
        return;
    }
}
