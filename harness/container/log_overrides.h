/* SPDX-License-Identifier: Apache-2.0 */
/* Log levels of single places, as the option sdk_harness_log_level_overrides has them:
 *
 *     {"extract_words": "DEBUG", "org.apache.beam.sdk.io": "WARN"}
 *
 * Names of other SDKs' loggers may be among them, and name nothing here. */
#ifndef BEAMC_CONTAINER_LOG_OVERRIDES_H
#define BEAMC_CONTAINER_LOG_OVERRIDES_H

#include "proto/beam.h"
#include <beamc/arena.h>
#include <beamc/log.h>

/* Reads @object (NULL: nothing), from which names are borrowed; the list is in @arena.  Members that
 * are no levels are left out, and *@wrong (may be NULL) gets the name of the first, or NULL. */
BEAMC_MUST_USE beamc_error *beamc__log_overrides_read(beamc_log_overrides *out,
                                                      const Google__Protobuf__Struct *object,
                                                      const char **wrong, beamc_arena *arena);

#endif
