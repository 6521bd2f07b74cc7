/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a runner can do what a pipeline asks of it. */
#ifndef BEAMC_CLI_CHECK_PIPELINE_H
#define BEAMC_CLI_CHECK_PIPELINE_H

#include "findings.h"
#include "runner_kind.h"
#include "runners/main/graph.h"

/* @streaming: --streaming was given.  @has_environments: those of the message are those of the run.
 */
void beamc__check_pipeline(beamc__findings *findings, const beamc__graph *graph,
                           beamc__runner_kind runner, bool streaming, bool has_environments);

#endif
