/* SPDX-License-Identifier: Apache-2.0 */
/* What a pipeline is made of, in a few lines. */
#ifndef BEAMC_CLI_PIPELINE_SUM_H
#define BEAMC_CLI_PIPELINE_SUM_H

#include "runners/main/graph.h"
#include "runners/main/json.h"

/* Each counts while it writes; false without memory. */
BEAMC_MUST_USE bool beamc__pipeline_sum_text(const beamc__graph *graph, beamc_buffer *out);
BEAMC_MUST_USE bool beamc__pipeline_sum_json(const beamc__graph *graph, beamc__json *json,
                                             const char *key);

/* "DOCKER name:tag": how an environment's workers come about. */
void beamc__environment_text(const PB(Environment) *environment, beamc_buffer *out);

#endif
