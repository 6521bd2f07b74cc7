/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes of ranges. */
#include "sdk/io/ranges.h"

static const uint64_t least_size = UINT64_C(8) << 20;
static const uint64_t most_size = UINT64_C(64) << 20;
static const uint64_t usual_count = 16;

uint64_t beamc__range_size(uint64_t total, uint64_t least)
{
    uint64_t count = 1;

    if (least == 0)
        least = least_size;
    if (total / usual_count > most_size)
        return least > most_size ? least : most_size;
    while (count < usual_count && total / (2 * count) >= least)
        count *= 2;
    uint64_t size = total / count + (total % count != 0);
    return size == 0 ? 1 : size;
}

uint64_t beamc__range_count(uint64_t size, uint64_t range_size)
{
    uint64_t count = size / range_size;

    if (size % range_size >= range_size - range_size / 2)
        count++;
    return count == 0 ? 1 : count;
}

uint64_t beamc__range_start(uint64_t size, uint64_t count, uint64_t index)
{
    uint64_t rest = size % count;

    return size / count * index + (index < rest ? index : rest);
}
