/* SPDX-License-Identifier: Apache-2.0 */
/* Fills shard templates in. */
#include "sdk/io/shard_name.h"

#include <inttypes.h>

/* The size of the run of one byte that begins at @at. */
static size_t run_size(beamc_string text, size_t at)
{
    size_t end = at + 1;

    while (end < text.size && text.data[end] == text.data[at])
        end++;
    return end - at;
}

beamc_error *beamc__shard_template_check(beamc_string shard_template, bool one_shard, bool windowed)
{
    bool shard = memchr(shard_template.data, 'S', shard_template.size) != NULL;
    bool window = memchr(shard_template.data, 'W', shard_template.size) != NULL;

    if (memchr(shard_template.data, '/', shard_template.size) != NULL)
        return beamc_error_new(BEAMC_EINVAL, "the shard template \"%.*s\" has a '/'",
                               BEAMC_STR(shard_template));
    if (!shard && !one_shard)
        return beamc_error_new(BEAMC_EINVAL,
                               "the shard template \"%.*s\" gives several shards one name: it "
                               "has no S",
                               BEAMC_STR(shard_template));
    if (!window && windowed)
        return beamc_error_new(BEAMC_EINVAL,
                               "the shard template \"%.*s\" gives several windows one name: it "
                               "has no W",
                               BEAMC_STR(shard_template));
    if (window && !windowed)
        return beamc_error_new(BEAMC_EINVAL,
                               "the shard template \"%.*s\" has a W, but there is only the "
                               "global window",
                               BEAMC_STR(shard_template));
    return NULL;
}

void beamc__shard_name(beamc_buffer *out, beamc_string shard_template, uint64_t shard,
                       uint64_t count, const beamc_interval_window *window)
{
    for (size_t at = 0; at < shard_template.size;) {
        size_t size = run_size(shard_template, at);
        switch (shard_template.data[at]) {
        case 'S':
            beamc_buffer_printf(out, "%0*" PRIu64, (int)size, shard);
            break;
        case 'N':
            beamc_buffer_printf(out, "%0*" PRIu64, (int)size, count);
            break;
        case 'W':
            if (window != NULL) {
                beamc__print_time(out, window->start);
                beamc_buffer_append_byte(out, '-');
                beamc__print_time(out, window->end);
            }
            break;
        default:
            beamc_buffer_append(out, shard_template.data + at, size);
        }
        at += size;
    }
}

/* Times reach further than struct tm's libraries promise, so the calendar is done here: days are
 * counted from 0000-03-01, in eras of 400 years. */
void beamc__print_time(beamc_buffer *out, beamc_timestamp time)
{
    enum { DAY_MS = 86400000, ERA_DAYS = 146097, EPOCH_DAYS = 719468 };
    int64_t day = time / DAY_MS;
    int64_t ms = time % DAY_MS;

    if (ms < 0) {
        ms += DAY_MS;
        day--;
    }
    day += EPOCH_DAYS;
    int64_t era = (day >= 0 ? day : day - (ERA_DAYS - 1)) / ERA_DAYS;
    int64_t of_era = day - era * ERA_DAYS;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    int64_t of_month = of_year - (153 * month + 2) / 5 + 1;
    year += era * 400;
    month += month < 10 ? 3 : -9;
    if (month <= 2)
        year++;
    beamc_buffer_printf(out, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02d", year, (int)month,
                        (int)of_month, (int)(ms / 3600000), (int)(ms / 60000 % 60),
                        (int)(ms / 1000 % 60));
    if (ms % 1000 != 0)
        beamc_buffer_printf(out, ".%03d", (int)(ms % 1000));
    beamc_buffer_append_byte(out, 'Z');
}
