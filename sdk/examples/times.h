/* SPDX-License-Identifier: Apache-2.0 */
/* Times as text, for the examples that have windows: "2026-03-02T08:05:12Z". */
#ifndef EXAMPLES_TIMES_H
#define EXAMPLES_TIMES_H

#include <beamc/type.h>
#include <stdio.h>
#include <time.h>

enum { TIME_SIZE = 40 };

/* Reads a time at the start of @text; answers its length there, 0 if there is none. */
static inline size_t time_read(beamc_timestamp *out, beamc_string text)
{
    char copy[TIME_SIZE];
    struct tm tm = { 0 };
    int used = 0;

    snprintf(copy, sizeof(copy), "%.*s", BEAMC_STR(text));
    int fields = sscanf(copy, "%4d-%2d-%2dT%2d:%2d:%2dZ%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
                        &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &used);
    if (fields < 6 || used == 0)
        return 0;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *out = (beamc_timestamp)timegm(&tm) * 1000;
    return (size_t)used;
}

static inline const char *time_write(char out[TIME_SIZE], beamc_timestamp time)
{
    time_t seconds = (time_t)(time / 1000);
    struct tm tm;

    if (gmtime_r(&seconds, &tm) == NULL || strftime(out, TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        snprintf(out, TIME_SIZE, "%lld ms", (long long)time);
    return out;
}

#endif
