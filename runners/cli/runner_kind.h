/* SPDX-License-Identifier: Apache-2.0 */
/* The runners whose limits are known. */
#ifndef BEAMC_CLI_RUNNER_KIND_H
#define BEAMC_CLI_RUNNER_KIND_H

#include "proto/beam.h"
#include <stdbool.h>

typedef enum {
    BEAMC__RUNNER_OTHER, /* or not known yet */
    BEAMC__RUNNER_DIRECT,
    BEAMC__RUNNER_PRISM,
    BEAMC__RUNNER_FLINK,
    BEAMC__RUNNER_SPARK
} beamc__runner_kind;

/* "Flink"; "the runner" for others. */
const char *beamc__runner_name(beamc__runner_kind kind);

/* By --runner: OTHER for "portable", and for what is no name. */
beamc__runner_kind beamc__runner_of_name(const char *name);

/* By the options that a job server describes, in groups named by the classes of the runner. */
beamc__runner_kind beamc__runner_of_options(const JOB(DescribePipelineOptionsResponse) *described);

/* Runners that run bounded and unbounded pipelines by different parts of themselves are two. */
typedef enum {
    BEAMC__MODE_DIRECT,
    BEAMC__MODE_PRISM,
    BEAMC__MODE_FLINK_BATCH,
    BEAMC__MODE_FLINK_STREAMING,
    BEAMC__MODE_SPARK_BATCH,
    BEAMC__MODE_SPARK_STREAMING,
    BEAMC__MODES
} beamc__runner_mode;

/* Of a kind that is known. */
beamc__runner_mode beamc__runner_mode_of(beamc__runner_kind kind, bool streams);
const char *beamc__runner_mode_name(beamc__runner_mode mode); /* "Flink in batch mode" */

#endif
