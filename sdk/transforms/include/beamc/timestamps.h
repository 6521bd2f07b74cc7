/* SPDX-License-Identifier: Apache-2.0 */
/* Event time of elements: giving them timestamps, and making timestamps and windows data.
 *
 *     BEAMC_TIMESTAMP_FN(sold_at, sale) { return element->at; }
 *     beamc_pcollection stamped = beamc_with_timestamps(sales, &sold_at);
 *     beamc_pcollection same = beamc_with_timestamps_of(sales, "at", 0);
 *
 * Windows do not change with timestamps: apply beamc_window_into after. */
#ifndef BEAMC_TIMESTAMPS_H
#define BEAMC_TIMESTAMPS_H

#include <beamc/pipeline.h>

BEAMC_EXTERN_C_BEGIN

/** Emits @value with @timestamp, which may be earlier than the element's by at most
 *  @allowed_skew milliseconds; an error if it is earlier, or outside Beam's range. */
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_emit_skewed(beamc_context *ctx, size_t output,
                                                        const void *value,
                                                        beamc_timestamp timestamp,
                                                        int64_t allowed_skew);

/** BEAMC_TIMESTAMP_FN(name, word) { return the element's timestamp in milliseconds; }.  One that
 *  is earlier than the timestamp the element has already is an error. */
#define BEAMC_TIMESTAMP_FN(name, word) BEAMC_SKEWED_TIMESTAMP_FN(name, word, 0)

/** The same; timestamps may go back by @skew milliseconds.  (Elements may so become late.) */
#define BEAMC_SKEWED_TIMESTAMP_FN(name, word, skew)                                                \
    static beamc_timestamp name##_timestamp(beamc_context *ctx, const beamc_t_##word *element);    \
    static beamc_error *name##_call(beamc_context *ctx, const void *element)                       \
    {                                                                                              \
        return beamc_emit_skewed(                                                                  \
            ctx, 0, element, name##_timestamp(ctx, (const beamc_t_##word *)element), skew);        \
    }                                                                                              \
    BEAMC_PLAIN_DOFN(name, &beamc_type_##word, &beamc_type_##word, name##_call, NULL, 0)           \
    static beamc_timestamp name##_timestamp(beamc_context *ctx BEAMC_UNUSED,                       \
                                            const beamc_t_##word *element BEAMC_UNUSED)

/** T -> T with timestamps by @fn, a BEAMC_TIMESTAMP_FN. */
#define beamc_with_timestamps(in, fn) beamc_par_do_at(BEAMC_HERE, in, fn, NULL)

/** T -> T: the timestamp is in the element: at @field ("at"; "value.at" in the value of a KV; NULL:
 *  the element itself), a timestamp, a micros_instant or an int64 of milliseconds.  It may go back
 *  by @allowed_skew milliseconds. */
BEAMC_API beamc_pcollection beamc_with_timestamps_of_at(beamc_location at, beamc_pcollection in,
                                                        const char *field, int64_t allowed_skew);
#define beamc_with_timestamps_of(in, field, allowed_skew)                                          \
    beamc_with_timestamps_of_at(BEAMC_HERE, in, field, allowed_skew)

/** T -> KV<int64, T>: each with its timestamp in milliseconds. */
BEAMC_API beamc_pcollection beamc_reify_timestamps_at(beamc_location at, beamc_pcollection in);
#define beamc_reify_timestamps(in) beamc_reify_timestamps_at(BEAMC_HERE, in)

/** T -> KV<interval_window, T>: each with its window, once per window.  The global window is
 *  [BEAMC_TIMESTAMP_MIN, BEAMC_TIMESTAMP_MAX_GLOBAL + 1). */
BEAMC_API beamc_pcollection beamc_reify_windows_at(beamc_location at, beamc_pcollection in);
#define beamc_reify_windows(in) beamc_reify_windows_at(BEAMC_HERE, in)

BEAMC_EXTERN_C_END

#endif
