/* SPDX-License-Identifier: Apache-2.0 */
/* Who executes bundles: exec in this process, or a worker of any SDK behind a connection.  The
 * engine knows no more of it than this. */
#ifndef BEAMC_ENGINE_EXECUTOR_H
#define BEAMC_ENGINE_EXECUTOR_H

#include "harness/exec/bundle.h"
#include "harness/exec/metrics.h"
#include "proto/beam.h"

typedef struct beamc__executor beamc__executor;
struct beamc__executor {
    /* Prepares for bundles of @descriptor (borrowed until stage_end); *stage is passed on below. */
    beamc_error *(*stage_start)(beamc__executor *self, const FN(ProcessBundleDescriptor) *descriptor,
                                void **stage);
    /* Runs one bundle and adds its metrics to @metrics if it succeeds.  Called by several threads
     * at once for one stage. */
    beamc_error *(*run)(beamc__executor *self, void *stage, const beamc__bundle *bundle,
                        beamc__metrics *metrics);
    /* Books @elapsed_ms to what is at work in the stage's bundles.  Any thread, while it runs. */
    void (*sample)(beamc__executor *self, void *stage, int64_t elapsed_ms);
    /* No bundle runs any more. */
    void (*stage_end)(beamc__executor *self, void *stage);
};

#endif
