/* SPDX-License-Identifier: Apache-2.0 */
/* The direct runner: the graph becomes a Pipeline message, which the engine runs with exec as its
 * harness. */
#include <beamc/direct.h>

#include "proto/unpack.h"
#include "runners/direct/local_executor.h"
#include "runners/result/result.h"
#include "runners/engine/engine.h"
#include "sdk/base/arena_proto.h"
#include "sdk/pipeline/graph.h"

static beamc_error *run_proto(beamc_pipeline *pipeline, const PB(Pipeline) *proto,
                              const beamc_direct_options *options, beamc_result **out)
{
    static const beamc_log_sink stderr_sink = { beamc_log_write_stderr, NULL };
    beamc__local_executor executor;
    beamc__plan_options plan_options = {
        .functions = pipeline->functions,
        .function_count = pipeline->function_count,
        .log = options->log != NULL ? options->log : &stderr_sink,
        .log_level = options->log_level != 0 ? options->log_level : BEAMC_LOG_INFO,
        .log_overrides = &options->log_overrides,
    };
    beamc__metrics *metrics = beamc__metrics_new();

    if (metrics == NULL || beamc__local_executor_init(&executor, &plan_options) < 0) {
        beamc__metrics_free(metrics);
        return beamc_error_nomem();
    }
    beamc_error *error = beamc__engine_run(proto, &executor.executor, options, metrics);
    if (error == NULL && out != NULL)
        error = beamc__result_new(out, metrics, proto);
    beamc__local_executor_dispose(&executor);
    beamc__metrics_free(metrics);
    return error;
}

static beamc_error *unpack_and_run(beamc_pipeline *pipeline, const beamc_buffer *bytes,
                                   const beamc_direct_options *options, beamc_result **out)
{
    beamc_arena *arena = beamc_arena_new();

    if (arena == NULL)
        return beamc_error_nomem();
    ProtobufCAllocator allocator = beamc__arena_allocator(arena);
    const PB(Pipeline) *proto = BEAMC__UNPACK(PB(Pipeline), pb(pipeline__descriptor), &allocator,
                                              bytes->size, bytes->data);
    beamc_error *error = proto == NULL ? beamc_error_nomem() /* we have packed it ourselves */
                                       : run_proto(pipeline, proto, options, out);
    beamc_arena_free(arena);
    return error;
}

beamc_error *beamc_run_direct(beamc_result **out, beamc_pipeline *pipeline,
                              const beamc_direct_options *options)
{
    static const beamc_direct_options defaults;
    beamc_buffer bytes;

    if (out != NULL)
        *out = NULL;
    beamc_buffer_init(&bytes);
    beamc_error *error = beamc_pipeline_serialize(pipeline, &bytes);
    if (error == NULL)
        error = unpack_and_run(pipeline, &bytes, options == NULL ? &defaults : options, out);
    beamc_buffer_dispose(&bytes);
    beamc__pipeline_ended(pipeline, error == NULL);
    return error;
}
