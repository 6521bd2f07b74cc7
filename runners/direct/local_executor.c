/* SPDX-License-Identifier: Apache-2.0 */
/* Plans are pooled by stage: a bundle takes an idle one or makes one, so that there are as many as
 * bundles ran at once and each DoFn is set up that often. */
#include "runners/direct/local_executor.h"

#include <stdlib.h>
#include <uv.h>

typedef struct pooled pooled;
struct pooled {
    beamc__plan *plan;
    pooled *next_idle;
    pooled *next; /* of all */
};

typedef struct {
    const FN(ProcessBundleDescriptor) *descriptor;
    uv_mutex_t lock; /* guards the lists */
    pooled *all;
    pooled *idle;
} local_stage;

static beamc_error *stage_start(beamc__executor *self BEAMC_UNUSED,
                                const FN(ProcessBundleDescriptor) *descriptor, void **out)
{
    local_stage *stage = calloc(1, sizeof(*stage));

    if (stage == NULL)
        return beamc_error_nomem();
    if (uv_mutex_init(&stage->lock) < 0) {
        free(stage);
        return beamc_error_nomem();
    }
    stage->descriptor = descriptor;
    *out = stage;
    return NULL;
}

static beamc_error *take_plan(const beamc__local_executor *executor, local_stage *stage,
                              pooled **out)
{
    uv_mutex_lock(&stage->lock);
    *out = stage->idle;
    if (*out != NULL)
        stage->idle = (*out)->next_idle;
    uv_mutex_unlock(&stage->lock);
    if (*out != NULL)
        return NULL;

    pooled *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return beamc_error_nomem();
    beamc_error *error = beamc__plan_new(&made->plan, stage->descriptor, &executor->options);
    if (error != NULL) {
        free(made);
        return error;
    }
    uv_mutex_lock(&stage->lock);
    made->next = stage->all;
    stage->all = made;
    uv_mutex_unlock(&stage->lock);
    *out = made;
    return NULL;
}

static void give_plan(local_stage *stage, pooled *plan)
{
    uv_mutex_lock(&stage->lock);
    plan->next_idle = stage->idle;
    stage->idle = plan;
    uv_mutex_unlock(&stage->lock);
}

static beamc_error *run(beamc__executor *self, void *stage, const beamc__bundle *bundle,
                        beamc__metrics *metrics)
{
    pooled *taken;

    BEAMC_TRY(take_plan((const beamc__local_executor *)self, stage, &taken));
    /* A plan that failed is not used again; it stays in the list of all until the stage ends. */
    BEAMC_TRY(beamc__plan_run(taken->plan, bundle));
    BEAMC_TRY(beamc__plan_report(taken->plan, metrics));
    give_plan(stage, taken);
    return NULL;
}

static void sample(beamc__executor *self BEAMC_UNUSED, void *arg, int64_t elapsed_ms)
{
    local_stage *stage = arg;

    uv_mutex_lock(&stage->lock);
    for (pooled *each = stage->all; each != NULL; each = each->next)
        beamc__plan_sample(each->plan, elapsed_ms);
    uv_mutex_unlock(&stage->lock);
}

static void stage_end(beamc__executor *self BEAMC_UNUSED, void *arg)
{
    local_stage *stage = arg;

    for (pooled *next, *each = stage->all; each != NULL; each = next) {
        next = each->next;
        beamc__plan_free(each->plan);
        free(each);
    }
    uv_mutex_destroy(&stage->lock);
    free(stage);
}

void beamc__local_executor_init(beamc__local_executor *out, const beamc__plan_options *options)
{
    out->executor = (beamc__executor){ stage_start, run, sample, stage_end };
    out->options = *options;
}
