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

static beamc_error *run(beamc__executor *self, void *stage, const beamc__bundle *bundle,
                        beamc__metrics *metrics)
{
    const beamc__local_executor *executor = (const beamc__local_executor *)self;
    beamc__bundle watched = *bundle;
    beamc__crash_stack stack;
    beamc__activity activity;
    int64_t nothing = 0;

    beamc__crash_stack_begin(&stack);
    beamc__activity_begin(executor->activities, &activity, bundle->instruction_id, "",
                          bundle->elements_read == NULL ? &nothing : bundle->elements_read);
    watched.watch = &activity.watch;
    beamc_error *error = beamc__plan_pool_run(stage, &watched, metrics);
    beamc__activity_end(&activity);
    beamc__crash_stack_end(&stack);
    return error;
}

static bool find_crashed(beamc__crash_listener *self, pid_t thread, beamc__crash_place *out)
{
    const beamc__local_executor *executor =
        (const beamc__local_executor *)(const void *)((const char *)self -
                                                      offsetof(beamc__local_executor, crash));
    return beamc__activities_find_crashed(executor->activities, thread, out);
}

static void sample(beamc__executor *self BEAMC_UNUSED, void *stage, int64_t elapsed_ms)
{
    beamc__plan_pool_sample(stage, elapsed_ms);
}

static void stage_end(beamc__executor *self BEAMC_UNUSED, void *stage)
{
    beamc__plan_pool_free(stage);
}

int beamc__local_executor_init(beamc__local_executor *out, const beamc__plan_options *options)
{
    *out = (beamc__local_executor){ .executor = { stage_start, run, sample, stage_end },
                                    .options = *options,
                                    .activities = beamc__activities_new(),
                                    .crash = { .find = find_crashed } };
    if (out->activities == NULL)
        return BEAMC_ENOMEM;
    beamc__crash_join(&out->crash);
    return BEAMC_OK;
}

void beamc__local_executor_dispose(beamc__local_executor *executor)
{
    beamc__crash_leave(&executor->crash);
    beamc__activities_free(executor->activities);
}
