/* SPDX-License-Identifier: Apache-2.0 */
/* What a harness answers behind a DoFn's context. */
#ifndef BEAMC_PIPELINE_CONTEXT_H
#define BEAMC_PIPELINE_CONTEXT_H

#include <beamc/dofn.h>

struct beamc_context_ops {
    beamc_error *(*side_iterable)(beamc_context *ctx, size_t side, beamc_iterable *out);
    beamc_error *(*side_singleton)(beamc_context *ctx, size_t side, void *out);
    beamc_error *(*side_lookup)(beamc_context *ctx, size_t side, const void *key,
                                beamc_iterable *out);
    /* @value or @string, by the metric's kind.  Failures stick to the bundle. */
    void (*metric)(beamc_context *ctx, const beamc_metric *metric, beamc_metric_kind kind,
                   int64_t value, beamc_string string);
    /* The receivers themselves: ctx->outputs may refuse plain emits between bundles' ends. */
    beamc_receiver *(*output)(beamc_context *ctx, size_t output);
    /* Whether the output's elements are in windows like @window (NULL: the global one), an error if
     * not; may be NULL. */
    beamc_error *(*check_window)(beamc_context *ctx, size_t output,
                                 const beamc_interval_window *window);
    /* Of the elements of side input @side; NULL: there is none. */
    const beamc_type *(*side_type)(const beamc_context *ctx, size_t side);
};

#endif
