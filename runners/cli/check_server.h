/* SPDX-License-Identifier: Apache-2.0 */
/* Whether there is a job server where one is said to be. */
#ifndef BEAMC_CLI_CHECK_SERVER_H
#define BEAMC_CLI_CHECK_SERVER_H

#include "findings.h"
#include "runner_kind.h"
#include <beamc/portable.h>

/* Looks at the server of @options, which runs or would be started; @expected is what --runner says.
 * Answers which runner it is of. */
beamc__runner_kind beamc__check_server(beamc__findings *findings,
                                       const beamc_portable_options *options,
                                       beamc__runner_kind expected, int64_t timeout_ms);

#endif
