/* SPDX-License-Identifier: Apache-2.0 */
/* Following a job until it has ended or Ctrl-C comes: what the commands that do so share. */
#ifndef BEAMC_CLI_FOLLOW_H
#define BEAMC_CLI_FOLLOW_H

#include "connection.h"
#include "runners/portable/job_follow.h"

/* What is shown, and how it ended. */
typedef struct {
    const JOB(JobInfo) *info;
    beamc_log_level level; /* messages below are not shown; 0: none are */
    /* In place of lines for states and messages; may be NULL. */
    void (*on_message)(void *ctx, const JOB(JobMessage) *message);
    void *ctx;
    JOB(JobState__Enum) state; /* out: the last one */
} beamc__follow;

/* NULL if the job did what it should; else as beamc__job_follow.  After Ctrl-C *@status is that of
 * a signal. */
BEAMC_MUST_USE beamc_error *beamc__follow_job(beamc__follow *follow, const beamc__call *call,
                                              beamc__connection *connection, int *status);

/* Reads option "level"; *@status is set if it is none. */
BEAMC_MUST_USE beamc_error *beamc__follow_level(beamc_log_level *out, const beamc__call *call,
                                                int *status);

#define BEAMC__FOLLOW_LEVEL_OPTION(default_)                                                       \
    {                                                                                              \
        .name = "level",                                                                           \
        .help = "show messages of this level and above: DEBUG, INFO, WARN, ERROR",                 \
        .default_value = default_, .placeholder = "LEVEL"                                          \
    }

#endif
