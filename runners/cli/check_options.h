/* SPDX-License-Identifier: Apache-2.0 */
/* Whether somebody knows the options that are not Beam's: the program, or the runner. */
#ifndef BEAMC_CLI_CHECK_OPTIONS_H
#define BEAMC_CLI_CHECK_OPTIONS_H

#include "findings.h"
#include <beamc/portable.h>

/* Asks the job server of @options, which runs, and then the program at @program.  A server that
 * does not answer is no finding here. */
void beamc__check_options(beamc__findings *findings, const beamc_portable_options *options,
                          const char *program, int64_t timeout_ms);

#endif
