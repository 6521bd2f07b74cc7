/* SPDX-License-Identifier: Apache-2.0 */
/* A plan: what a ProcessBundleDescriptor becomes, a graph of operators that call one another.
 *
 *     source -> ParDo -> ParDo -> precombine -> sink
 *                  \-> ParDo -> sink
 *
 * It is made once per descriptor and thread, its DoFns are set up once, and it runs one bundle after
 * another.  Owner thread only, unless a function says otherwise. */
#ifndef BEAMC_EXEC_PLAN_H
#define BEAMC_EXEC_PLAN_H

#include "harness/exec/bundle.h"
#include "harness/exec/metrics.h"
#include "harness/exec/samples.h"
#include "harness/exec/split.h"
#include "proto/beam.h"
#include <beamc/dofn.h>

typedef struct {
    const beamc_function *const *functions; /* the program's; borrowed */
    size_t function_count;
    size_t combine_memory; /* bytes a precombine may hold before it sends; 0: 64 MiB */
    const beamc_log_sink *log; /* for setup and teardown; NULL: what they log is lost */
    beamc_log_level log_level;
    const beamc_log_overrides *log_overrides; /* of this level and of the bundles'; NULL: none */
    bool log_ids; /* log entries name transforms by their ids in the descriptor, as runners expect, and
                   * not by their names */
    bool byte_sizes;         /* how large elements are, of some, is reported */
    beamc__samples *samples; /* where elements are to be sampled; borrowed, NULL: not at all */
    beamc__plan_watch *watch; /* of the setup; may be NULL */
} beamc__plan_options;

/* Builds the plan of @descriptor (borrowed as long as the plan) and sets up its DoFns.  An error
 * names the transform, the PCollection or the coder that is wrong. */
BEAMC_MUST_USE beamc_error *beamc__plan_new(beamc__plan **out,
                                            const FN(ProcessBundleDescriptor) *descriptor,
                                            const beamc__plan_options *options);

/* Tears its DoFns down. */
void beamc__plan_free(beamc__plan *plan);

/* Runs a bundle.  After an error the plan is only good for being freed. */
BEAMC_MUST_USE beamc_error *beamc__plan_run(beamc__plan *plan, const beamc__bundle *bundle);

/* Adds the metrics of the bundle, as far as it is, or of the last one to @into.  Any thread, while the
 * plan lives. */
BEAMC_MUST_USE beamc_error *beamc__plan_report(const beamc__plan *plan, beamc__metrics *into);

/* Splits the channel of a source of the bundle that runs; false: it cannot be split, or there is no
 * such source.  Any thread, while the bundle runs. */
bool beamc__plan_split(beamc__plan *plan, const char *transform_id,
                       const beamc__desired_split *desired, beamc__channel_split *out);

/* Books @elapsed_ms to the transform that is at work.  Any thread, while the plan lives. */
void beamc__plan_sample(beamc__plan *plan, int64_t elapsed_ms);

/* Where a plan is, as others see it.  Texts live as long as the plan. */
typedef struct {
    const char *transform; /* its id in the descriptor; NULL: none is at work */
    const char *name;      /* unique name, for people */
    const char *phase;     /* "setup", "start_bundle", "process", "finish_bundle" */
    bool is_source;        /* it may be waiting for elements */
    uint64_t element;      /* of the transform in this bundle, from 1; 0: it processes none */
    uint64_t moved;        /* another number whenever an element has moved anywhere */
} beamc__plan_place;

/* Any thread, while the plan lives. */
void beamc__plan_look(const beamc__plan *plan, beamc__plan_place *out);

/* Calls @visit for each transform that holds memory from one element to the next, with the bytes that
 * it said last.  Any thread, while the plan lives. */
void beamc__plan_memory(const beamc__plan *plan,
                        void (*visit)(void *ctx, const char *transform, size_t bytes), void *ctx);

#endif
