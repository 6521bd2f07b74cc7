/* SPDX-License-Identifier: Apache-2.0 */
/* Serialized Pipelines: they are refused, or become stages that wait for earlier ones only and whose
 * descriptors hold all that they name; plans are made of these. */
#include "runners/engine/stage.h"

#include "harness/exec/plan.h"
#include "proto/unpack.h"
#include "sdk/base/arena_proto.h"
#include <stdlib.h>

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_stage(const beamc__stages *stages, const beamc__stage *stage)
{
    const FN(ProcessBundleDescriptor) *descriptor = stage->descriptor;

    require(stages->stages[stage->index] == stage);
    require(descriptor->n_transforms == stage->leaf_count + stage->output_count + 1);
    for (size_t i = 0; i < stage->wait_count; i++)
        require(stage->waits_for[i]->index < stage->index);
    for (size_t i = 0; i < stage->output_count; i++)
        require(stage->outputs[i].to_count > 0);
    for (size_t i = 0; i < descriptor->n_transforms; i++) {
        const PB(PTransform) *transform = descriptor->transforms[i]->value;
        for (size_t k = 0; k < transform->n_outputs; k++) {
            bool found = false;
            for (size_t p = 0; p < descriptor->n_pcollections; p++)
                found = found || strcmp(descriptor->pcollections[p]->key,
                                        transform->outputs[k]->value) == 0;
            require(found);
        }
    }
}

static void make_plan(const beamc__stage *stage)
{
    const beamc__plan_options options = { 0 };
    beamc__plan *plan;

    beamc_error *error = beamc__plan_new(&plan, stage->descriptor, &options);
    beamc_error_free(error); /* its functions may be anything */
    beamc__plan_free(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    beamc_arena *arena = beamc_arena_new();
    ProtobufCAllocator allocator = beamc__arena_allocator(arena);
    const PB(Pipeline) *pipeline =
        BEAMC__UNPACK(PB(Pipeline), pb(pipeline__descriptor), &allocator, size, data);
    beamc__leaves leaves;
    beamc__stages stages;

    if (pipeline != NULL) {
        beamc_error *error = beamc__leaves_read(&leaves, pipeline, arena);
        if (error == NULL)
            error = beamc__stages_make(&stages, &leaves);
        for (size_t i = 0; error == NULL && i < stages.stage_count; i++) {
            check_stage(&stages, stages.stages[i]);
            make_plan(stages.stages[i]);
        }
        beamc_error_free(error); /* that there is one is all that is asked here */
    }
    beamc_arena_free(arena);
    return 0;
}
