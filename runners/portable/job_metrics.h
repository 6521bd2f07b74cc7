/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics that a job server has of a job. */
#ifndef BEAMC_PORTABLE_JOB_METRICS_H
#define BEAMC_PORTABLE_JOB_METRICS_H

#include "harness/exec/metrics.h"
#include "runners/portable/job_client.h"

/* Asks for them and adds them to @to: those that are committed, if the runner tells any; kinds of
 * metrics that are not known here are left out.  After an error some may have been added. */
BEAMC_MUST_USE beamc_error *beamc__job_metrics_add(beamc__metrics *to, beamc__job_client *client,
                                                   const char *job_id);

#endif
