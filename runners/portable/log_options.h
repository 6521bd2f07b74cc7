/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line says about logging, for all runners. */
#ifndef BEAMC_PORTABLE_LOG_OPTIONS_H
#define BEAMC_PORTABLE_LOG_OPTIONS_H

#include <beamc/log.h>
#include <beamc/options.h>

/* Reads default_sdk_harness_log_level and sdk_harness_log_level_overrides.  The list belongs to
 * @options. */
BEAMC_MUST_USE beamc_error *beamc__log_options_read(beamc_log_level *level,
                                                    beamc_log_overrides *overrides,
                                                    const beamc_options *options);

#endif
