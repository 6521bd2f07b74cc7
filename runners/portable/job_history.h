/* SPDX-License-Identifier: Apache-2.0 */
/* The states that a job has been in. */
#ifndef BEAMC_PORTABLE_JOB_HISTORY_H
#define BEAMC_PORTABLE_JOB_HISTORY_H

#include "runners/portable/job_client.h"

typedef struct {
    JOB(JobStateEvent) **events; /* in order; their timestamps may be NULL */
    size_t count;
} beamc__job_history;

/* Up to the state that the job is in now; all in @arena.  States that a server repeats are there
 * once. */
BEAMC_MUST_USE beamc_error *beamc__job_history_read(beamc__job_history *out,
                                                    beamc__job_client *client, const char *job_id,
                                                    beamc_arena *arena);

#endif
