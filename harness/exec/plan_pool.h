/* SPDX-License-Identifier: Apache-2.0 */
/* Plans of one descriptor, for bundles that run at the same time: a bundle takes an idle plan or one
 * is made, so that there are as many as ran at once, and each DoFn is set up that often.  Any
 * thread. */
#ifndef BEAMC_EXEC_PLAN_POOL_H
#define BEAMC_EXEC_PLAN_POOL_H

#include "harness/exec/plan.h"

typedef struct beamc__plan_pool beamc__plan_pool;

/* @descriptor is borrowed as long as the pool, @options too.  NULL: no memory. */
BEAMC_MUST_USE beamc__plan_pool *beamc__plan_pool_new(const FN(ProcessBundleDescriptor) *descriptor,
                                                      const beamc__plan_options *options);
/* Tears all plans down; no bundle runs any more.  Accepts NULL. */
void beamc__plan_pool_free(beamc__plan_pool *pool);

/* Runs a bundle by one of the plans and adds its metrics to @metrics if it succeeds.  A plan that
 * failed is torn down. */
BEAMC_MUST_USE beamc_error *beamc__plan_pool_run(beamc__plan_pool *pool,
                                                 const beamc__bundle *bundle,
                                                 beamc__metrics *metrics);

/* Tears down the plans that no bundle has taken for @ms: what they keep for the next one may be much, as
 * may be their number.  And whether there are such. */
void beamc__plan_pool_trim(beamc__plan_pool *pool, int64_t ms);
bool beamc__plan_pool_is_stale(beamc__plan_pool *pool, int64_t ms);

/* Books @elapsed_ms to the transforms at work. */
void beamc__plan_pool_sample(beamc__plan_pool *pool, int64_t elapsed_ms);

/* beamc__plan_memory of all plans. */
void beamc__plan_pool_memory(beamc__plan_pool *pool,
                             void (*visit)(void *ctx, const char *transform, size_t bytes),
                             void *ctx);

#endif
