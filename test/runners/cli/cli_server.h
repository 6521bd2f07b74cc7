/* SPDX-License-Identifier: Apache-2.0 */
/* What commands of a test are about: a scripted job server, and a small pipeline. */
#ifndef BEAMC_TEST_CLI_SERVER_H
#define BEAMC_TEST_CLI_SERVER_H

#include "test/runners/portable/job_server.h"

/* Of a test, which is a process; NULL: none was started. */
extern job_server *cli_server;

/* For checked fixtures: the directory of scratch.h, and an environment that names no server; the
 * server's end. */
void cli_server_setup(void);
void cli_server_teardown(void);

/* Starts a server with jobs, of which the first has the pipeline.  The environment has its address,
 * as from the others. */
void cli_serve(job_script script);
/* One without jobs, with certificate "server"; @roots as in certificates_load. */
void cli_serve_with_tls(const char *roots);

/* Writes the pipeline: an Impulse, and a ParDo named "copy". */
void cli_pipeline_write(const char *path);

#endif
