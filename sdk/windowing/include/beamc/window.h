/* SPDX-License-Identifier: Apache-2.0 */
/* Window functions: which windows an element with a timestamp belongs to.  Times in milliseconds;
 * Beam proto WindowingStrategy and standard_window_fns. */
#ifndef BEAMC_WINDOW_H
#define BEAMC_WINDOW_H

#include <beamc/element.h>

BEAMC_EXTERN_C_BEGIN

typedef enum {
    BEAMC_WINDOW_GLOBAL = 0,
    BEAMC_WINDOW_FIXED,
    BEAMC_WINDOW_SLIDING,
    BEAMC_WINDOW_SESSIONS
} beamc_window_kind;

typedef enum { /* WindowingStrategy's OutputTime: the timestamp of what a GroupByKey gives */
    BEAMC_OUTPUT_END_OF_WINDOW = 0,
    BEAMC_OUTPUT_LATEST,
    BEAMC_OUTPUT_EARLIEST
} beamc_output_time;

/* How a PCollection is windowed.  All zero: the global window, Beam's default strategy. */
typedef struct {
    beamc_window_kind kind;
    int64_t size;   /* fixed, sliding: > 0; sessions: the gap, > 0 */
    int64_t period; /* sliding: > 0 */
    int64_t offset; /* fixed: [0, size); sliding: [0, period) */
    int64_t allowed_lateness; /* >= 0; for the runner: how late elements may be */
    beamc_output_time output_time;
} beamc_windowing;

static inline beamc_windowing beamc_global_windows(void)
{
    beamc_windowing windowing = { BEAMC_WINDOW_GLOBAL, 0, 0, 0, 0, BEAMC_OUTPUT_END_OF_WINDOW };
    return windowing;
}

/** [k * size, (k + 1) * size). */
static inline beamc_windowing beamc_fixed_windows(int64_t size)
{
    beamc_windowing windowing = { BEAMC_WINDOW_FIXED, size, 0, 0, 0, BEAMC_OUTPUT_END_OF_WINDOW };
    return windowing;
}

/** A window of @size every @period: each element is in size / period of them. */
static inline beamc_windowing beamc_sliding_windows(int64_t size, int64_t period)
{
    beamc_windowing windowing = { BEAMC_WINDOW_SLIDING, size,
                                  period,               0,
                                  0,                    BEAMC_OUTPUT_END_OF_WINDOW };
    return windowing;
}

/** [t, t + gap) for each element; those of a key that overlap become one. */
static inline beamc_windowing beamc_session_windows(int64_t gap)
{
    beamc_windowing windowing = { BEAMC_WINDOW_SESSIONS, gap, 0, 0, 0, BEAMC_OUTPUT_END_OF_WINDOW };
    return windowing;
}

BEAMC_EXTERN_C_END

#endif
