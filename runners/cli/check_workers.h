/* SPDX-License-Identifier: Apache-2.0 */
/* Whether workers can come about as --environment_type and its like say, and have their files. */
#ifndef BEAMC_CLI_CHECK_WORKERS_H
#define BEAMC_CLI_CHECK_WORKERS_H

#include "findings.h"
#include <beamc/portable.h>

/* @program is the file of the program that has the pipeline; NULL: it is not known.  Elsewhere than
 * on this machine little can be seen. */
void beamc__check_workers(beamc__findings *findings, const beamc_portable_options *options,
                          const char *program, int64_t timeout_ms);

/* A container image, by the command line of docker or podman. */
void beamc__check_image(beamc__findings *findings, const char *image, bool is_local,
                        int64_t timeout_ms);

#endif
