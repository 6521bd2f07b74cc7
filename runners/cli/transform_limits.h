/* SPDX-License-Identifier: Apache-2.0 */
/* What transforms want of a runner, and which runners cannot do it. */
#ifndef BEAMC_CLI_TRANSFORM_LIMITS_H
#define BEAMC_CLI_TRANSFORM_LIMITS_H

#include "findings.h"
#include "runner_kind.h"
#include "runners/main/graph.h"

enum { BEAMC__LIMITS_NAME_SIZE = 512 };

void beamc__check_limits(beamc__findings *findings, const beamc__graph *graph,
                         beamc__runner_mode runner);

/* How many transforms are so; @name: the first of them and how many others there are. */
size_t beamc__limits_splittable(const beamc__graph *graph, char name[BEAMC__LIMITS_NAME_SIZE]);
size_t beamc__limits_test_streams(const beamc__graph *graph, char name[BEAMC__LIMITS_NAME_SIZE]);

#endif
