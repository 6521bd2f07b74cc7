/* SPDX-License-Identifier: Apache-2.0 */
/* Results made of metrics. */
#ifndef BEAMC_RESULT_RESULT_H
#define BEAMC_RESULT_RESULT_H

#include "harness/exec/metrics.h"
#include <beamc/result.h>

/* From cells whose ids name transforms and PCollections of @pipeline; all is copied. */
BEAMC_MUST_USE beamc_error *beamc__result_new(beamc_result **out, const beamc__metrics *metrics,
                                              const PB(Pipeline) *pipeline);

#endif
