/* SPDX-License-Identifier: Apache-2.0 */
/* A user's metrics: counted in a DoFn, summed over all bundles by the runner, shown at the end.
 *
 *     BEAMC_COUNTER(empty_lines, "wordcount")
 *     ...
 *     beamc_counter_add(ctx, &empty_lines, 1);
 *
 * A metric is a const name; its cell belongs to the DoFn's transform. */
#ifndef BEAMC_METRIC_H
#define BEAMC_METRIC_H

#include <beamc/type.h>

BEAMC_EXTERN_C_BEGIN

typedef enum {
    BEAMC_METRIC_COUNTER,      /* beam:metric:user:sum_int64:v1 */
    BEAMC_METRIC_DISTRIBUTION, /* beam:metric:user:distribution_int64:v1: count, sum, min, max */
    BEAMC_METRIC_GAUGE,        /* beam:metric:user:latest_int64:v1 */
    BEAMC_METRIC_STRING_SET    /* beam:metric:user:set_string:v1 */
} beamc_metric_kind;

typedef struct {
    beamc_metric_kind kind;
    const char *space; /* Beam's namespace */
    const char *name;
} beamc_metric;

#define BEAMC_COUNTER(name, space)                                                                 \
    static const beamc_metric name = { BEAMC_METRIC_COUNTER, space, #name };
#define BEAMC_DISTRIBUTION(name, space)                                                            \
    static const beamc_metric name = { BEAMC_METRIC_DISTRIBUTION, space, #name };
#define BEAMC_GAUGE(name, space)                                                                   \
    static const beamc_metric name = { BEAMC_METRIC_GAUGE, space, #name };
#define BEAMC_STRING_SET(name, space)                                                              \
    static const beamc_metric name = { BEAMC_METRIC_STRING_SET, space, #name };

struct beamc_context;

/* From a DoFn's functions, with its context.  A metric of another kind than the call's, and no
 * memory, are remembered and fail the bundle.  Bundle thread.
 *
 * Adds @more to a counter, counts @value in a distribution, sets a gauge to @value (of several bundles
 * the latest counts), adds @value (copied) to a set. */
BEAMC_API void beamc_counter_add(struct beamc_context *ctx, const beamc_metric *metric,
                                 int64_t more);
BEAMC_API void beamc_distribution_update(struct beamc_context *ctx, const beamc_metric *metric,
                                         int64_t value);
BEAMC_API void beamc_gauge_set(struct beamc_context *ctx, const beamc_metric *metric,
                               int64_t value);
BEAMC_API void beamc_string_set_add(struct beamc_context *ctx, const beamc_metric *metric,
                                    beamc_string value);

BEAMC_EXTERN_C_END

#endif
