/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be done when a run is over. */
#include "sdk/pipeline/graph.h"

struct beamc__end_call {
    void (*run)(void *arg, bool succeeded);
    void *arg;
    beamc__end_call *next;
};

void beamc_pipeline_on_end(beamc_pipeline *pipeline, void (*fn)(void *arg, bool succeeded),
                           void *arg)
{
    if (!beamc__pipeline_is_good(pipeline))
        return;
    beamc__end_call *call = beamc_arena_alloc(pipeline->arena, sizeof(*call));
    if (call == NULL) {
        beamc_pipeline_fail(pipeline, beamc_location_of(NULL, 0), beamc_error_nomem());
        return;
    }
    *call = (beamc__end_call){ fn, arg, pipeline->end_calls };
    pipeline->end_calls = call;
}

void beamc__pipeline_ended(beamc_pipeline *pipeline, bool succeeded)
{
    while (pipeline->end_calls != NULL) {
        const beamc__end_call *call = pipeline->end_calls;
        pipeline->end_calls = call->next;
        call->run(call->arg, succeeded);
    }
}
