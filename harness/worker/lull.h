/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles that do not get on: a DoFn that is still at one element after minutes.  It may be at work, or
 * wait for something that will never come; its stack tells. */
#ifndef BEAMC_WORKER_LULL_H
#define BEAMC_WORKER_LULL_H

#include "harness/worker/activity.h"

typedef struct {
    beamc__activities *activities;
    const beamc_log_target *log; /* gets a warning, and again after twice the time */
    const beamc_log_overrides *overrides; /* of its level, by the transforms' names; may be NULL */
    int64_t after_ms;
    int64_t limit_ms; /* 0: none.  Past it: */
    void (*give_up)(void *ctx, beamc__activity *activity, const beamc__activity_view *view,
                    const char *message, const char *stack);
    void *ctx;
} beamc__lulls;

/* Looks at all bundles, after they were sampled. */
void beamc__lulls_check(const beamc__lulls *lulls, int64_t now_ms);

#endif
