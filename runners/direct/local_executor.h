/* SPDX-License-Identifier: Apache-2.0 */
/* Executes bundles by exec in this process: function calls, no sockets, no copies. */
#ifndef BEAMC_DIRECT_LOCAL_EXECUTOR_H
#define BEAMC_DIRECT_LOCAL_EXECUTOR_H

#include "harness/exec/plan.h"
#include "harness/worker/activity.h"
#include "runners/engine/executor.h"

typedef struct {
    beamc__executor executor; /* first */
    beamc__plan_options options;
    beamc__activities *activities;
    beamc__crash_listener crash; /* a program that crashes says in which transform */
} beamc__local_executor;

BEAMC_MUST_USE int beamc__local_executor_init(beamc__local_executor *out,
                                              const beamc__plan_options *options);
void beamc__local_executor_dispose(beamc__local_executor *executor);

#endif
