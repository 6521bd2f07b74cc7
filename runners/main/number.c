/* SPDX-License-Identifier: Apache-2.0 */
#include "number.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *beamc__number_count(char out[BEAMC__NUMBER_SIZE], int64_t value)
{
    char digits[24];
    size_t at = 0;

    int size = snprintf(digits, sizeof(digits), "%" PRId64, value);
    for (int i = 0; i < size; i++) {
        if (i > 0 && digits[i - 1] != '-' && (size - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

/* 3 digits that matter: 1.23, 12.3, 123. */
static void print_scaled(char *out, double value, const char *unit)
{
    int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;

    snprintf(out, BEAMC__NUMBER_SIZE, "%.*f %s", decimals, value, unit);
}

const char *beamc__number_bytes(char out[BEAMC__NUMBER_SIZE], int64_t bytes)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
    double value = (double)bytes;
    size_t unit = 0;

    if (bytes < 1000) {
        snprintf(out, BEAMC__NUMBER_SIZE, "%" PRId64 " B", bytes);
        return out;
    }
    for (; value >= 999.5; unit++)
        value /= 1000;
    print_scaled(out, value, units[unit]);
    return out;
}

const char *beamc__number_rate(char out[BEAMC__NUMBER_SIZE], int64_t count, int64_t ms)
{
    static const char *const units[] = { "/s", "k/s", "M/s", "G/s", "T/s", "P/s", "E/s" };
    size_t unit = 0;

    out[0] = '\0';
    if (ms <= 0)
        return out;
    double value = (double)count * 1000 / (double)ms;
    for (; value >= 999.5 && unit + 1 < sizeof(units) / sizeof(*units); unit++)
        value /= 1000;
    print_scaled(out, value, units[unit]);
    return out;
}

const char *beamc__number_time(char out[BEAMC__NUMBER_SIZE], int64_t ms)
{
    int64_t seconds = (ms + 500) / 1000;

    if (ms < 59950)
        snprintf(out, BEAMC__NUMBER_SIZE, ms < 9995 ? "%.2f s" : "%.1f s", (double)ms / 1000);
    else if (seconds < 3600)
        snprintf(out, BEAMC__NUMBER_SIZE, "%" PRId64 " min %" PRId64 " s", seconds / 60,
                 seconds % 60);
    else
        snprintf(out, BEAMC__NUMBER_SIZE, "%" PRId64 " h %" PRId64 " min", seconds / 3600,
                 seconds / 60 % 60);
    return out;
}

const char *beamc__number_double(char out[BEAMC__NUMBER_SIZE], double value)
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, BEAMC__NUMBER_SIZE, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            break;
    }
    return out;
}
