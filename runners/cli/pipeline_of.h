/* SPDX-License-Identifier: Apache-2.0 */
/* Pipelines, from where a command may get them: as the bytes of Beam's message. */
#ifndef BEAMC_CLI_PIPELINE_OF_H
#define BEAMC_CLI_PIPELINE_OF_H

#include "connection.h"

/* Each appends to @out. */

/* "-": standard input. */
BEAMC_MUST_USE beamc_error *beamc__pipeline_of_file(beamc_buffer *out, const char *path);

/* As the server has it. */
BEAMC_MUST_USE beamc_error *beamc__pipeline_of_job(beamc_buffer *out, beamc__connection *connection,
                                                   const char *job_id);

#endif
