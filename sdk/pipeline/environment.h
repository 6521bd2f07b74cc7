/* SPDX-License-Identifier: Apache-2.0 */
/* The environments of a pipeline's message: one for each set of resource hints that transforms
 * have, all for the same worker. */
#ifndef BEAMC_PIPELINE_ENVIRONMENT_H
#define BEAMC_PIPELINE_ENVIRONMENT_H

#include "sdk/pipeline/graph.h"

/* The hints that hold for @transform: of itself and of the composites around it.  RAM and CPUs: the
 * largest; the accelerator: the innermost. */
beamc__hints beamc__hints_of(const beamc__transform *transform);
bool beamc__hints_equal(const beamc__hints *a, const beamc__hints *b);

/* The message, in @arena. */
BEAMC_MUST_USE beamc_error *beamc__environment_write(PB(Environment) **out,
                                                     const beamc__environment *environment,
                                                     const beamc__hints *hints, beamc_arena *arena);

#endif
