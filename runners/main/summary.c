/* SPDX-License-Identifier: Apache-2.0 */
#include "summary.h"
#include "number.h"
#include <stdio.h>
#include <string.h>

/* Strings of a set that are shown; the rest is counted. */
enum { STRINGS_SHOWN = 10, STRING_COLUMNS = 60, NAME_COLUMNS_MAX = 40 };

static void print_strings(const beamc_metric_value *value, beamc_buffer *out)
{
    beamc_buffer_printf(out, "%zu:", value->string_count);
    for (size_t i = 0; i < value->string_count && i < STRINGS_SHOWN; i++) {
        beamc_string string = value->strings[i];
        bool cut = string.size > STRING_COLUMNS;
        if (cut)
            string.size = STRING_COLUMNS;
        beamc_buffer_printf(out, "%s %.*s%s", i > 0 ? "," : "", BEAMC_STR(string),
                            cut ? "..." : "");
    }
    if (value->string_count > STRINGS_SHOWN)
        beamc_buffer_append_string(out, ", ...");
}

static void print_value(const beamc_metric_value *value, beamc_buffer *out)
{
    char a[BEAMC__NUMBER_SIZE], b[BEAMC__NUMBER_SIZE], c[BEAMC__NUMBER_SIZE];

    switch (value->kind) {
    case BEAMC_METRIC_COUNTER:
    case BEAMC_METRIC_GAUGE:
        beamc_buffer_append_string(out, beamc__number_count(a, value->value));
        break;
    case BEAMC_METRIC_DISTRIBUTION:
        beamc_buffer_printf(out, "%s values", beamc__number_count(a, value->count));
        if (value->count > 0)
            beamc_buffer_printf(out, ", %s to %s, mean %.4g",
                                beamc__number_count(b, value->min),
                                beamc__number_count(c, value->max),
                                (double)value->sum / (double)value->count);
        break;
    case BEAMC_METRIC_STRING_SET: print_strings(value, out); break;
    }
}

static size_t name_size(const beamc_metric_value *value)
{
    return strlen(value->space) + 1 + strlen(value->name);
}

void beamc__summary_metrics(const beamc_result *result, beamc_buffer *out)
{
    size_t count = beamc_result_metric_count(result);
    size_t width = 0;
    const char *transform = NULL;

    for (size_t i = 0; i < count; i++) {
        size_t size = name_size(beamc_result_metric(result, i));
        if (size > width && size <= NAME_COLUMNS_MAX)
            width = size;
    }
    for (size_t i = 0; i < count; i++) {
        const beamc_metric_value *value = beamc_result_metric(result, i);
        if (transform == NULL || strcmp(transform, value->transform) != 0)
            beamc_buffer_printf(out, "metrics of %s:\n", value->transform);
        transform = value->transform;
        size_t size = name_size(value);
        beamc_buffer_printf(out, "  %s/%s%*s  ", value->space, value->name,
                            size < width ? (int)(width - size) : 0, "");
        print_value(value, out);
        beamc_buffer_append_byte(out, '\n');
    }
}
