/* SPDX-License-Identifier: Apache-2.0 */
/* Time that only goes forward, whatever the date is set to. */
#ifndef BEAMC_BASE_CLOCK_H
#define BEAMC_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds since some moment.  Async-signal-safe. */
static inline int64_t beamc__now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
