/* SPDX-License-Identifier: Apache-2.0 */
#include "runners/direct/local_executor.h"

#include "harness/exec/plan_pool.h"

static beamc_error *stage_start(beamc__executor *self, const FN(ProcessBundleDescriptor) *descriptor,
                                void **out)
{
    const beamc__local_executor *executor = (const beamc__local_executor *)self;

    *out = beamc__plan_pool_new(descriptor, &executor->options);
    return *out == NULL ? beamc_error_nomem() : NULL;
}

static beamc_error *run(beamc__executor *self BEAMC_UNUSED, void *stage,
                        const beamc__bundle *bundle, beamc__metrics *metrics)
{
    return beamc__plan_pool_run(stage, bundle, metrics);
}

static void sample(beamc__executor *self BEAMC_UNUSED, void *stage, int64_t elapsed_ms)
{
    beamc__plan_pool_sample(stage, elapsed_ms);
}

static void stage_end(beamc__executor *self BEAMC_UNUSED, void *stage)
{
    beamc__plan_pool_free(stage);
}

void beamc__local_executor_init(beamc__local_executor *out, const beamc__plan_options *options)
{
    out->executor = (beamc__executor){ stage_start, run, sample, stage_end };
    out->options = *options;
}
