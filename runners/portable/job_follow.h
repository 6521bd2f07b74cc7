/* SPDX-License-Identifier: Apache-2.0 */
/* Following a job to its end: its states, its messages, and whether the server is still there. */
#ifndef BEAMC_PORTABLE_JOB_FOLLOW_H
#define BEAMC_PORTABLE_JOB_FOLLOW_H

#include "runners/portable/job_client.h"
#include <beamc/log.h>

typedef struct {
    const char *job_id;
    const beamc_log_target *log; /* gets the job's messages, a line each; may be NULL */
    /* Called with each message as it came, in place of @log; may be NULL. */
    void (*on_message)(void *ctx, const JOB(JobMessage) *message);
    /* Called when the state changes; may be NULL. */
    void (*on_state)(void *ctx, JOB(JobState__Enum) state);
    void *ctx;
    /* Become non-zero; each may be NULL. */
    const volatile int *cancel; /* cancels the job and goes on following it */
    const volatile int *leave;  /* ends the following, not the job */
} beamc__job_follow_options;

/* Returns when the job is in a final state, which *@state is then: NULL if it has done what it
 * should.  Else the error says why it failed, was cancelled (BEAMC_ECANCELLED), was left behind
 * (BEAMC_ECANCELLED, and *@state is not final), or that the server is gone. */
BEAMC_MUST_USE beamc_error *beamc__job_follow(beamc__job_client *client,
                                              const beamc__job_follow_options *options,
                                              JOB(JobState__Enum) *state);

/* What the importance of a message is among levels of logs. */
beamc_log_level beamc__job_message_level(JOB(JobMessage__MessageImportance) importance);

#endif
