/* SPDX-License-Identifier: Apache-2.0 */
/* Levels of single transforms, DoFns and source files (beamc_log_override).
 *
 * A transform or a DoFn has its level before it logs, so that one comparison is all that a call below
 * it costs.  Files are told apart where they log: then the target has the lowest level of all, and
 * what passes that is looked at again. */
#ifndef BEAMC_BASE_LOG_LEVELS_H
#define BEAMC_BASE_LOG_LEVELS_H

#include <beamc/log.h>

struct beamc_log_files {
    const beamc_log_overrides *overrides;
    beamc_log_level others; /* of files without one */
};

/* Sets the level of @target for what @function (may be NULL) logs in @transform: @general where
 * @overrides (borrowed as long as the target; NULL: none) do not say another.  @files is room that
 * the target may borrow. */
void beamc__log_levels_set(beamc_log_target *target, beamc_log_files *files,
                           const beamc_log_overrides *overrides, beamc_log_level general,
                           const char *transform, const char *function);

/* The level of what @file (NULL: unknown) logs. */
beamc_log_level beamc__log_level_of_file(const beamc_log_files *files, const char *file);

#endif
