/* SPDX-License-Identifier: Apache-2.0 */
/* Log entries with a stack of calls. */
#ifndef BEAMC_BASE_LOG_TRACE_H
#define BEAMC_BASE_LOG_TRACE_H

#include <beamc/log.h>

/* Logs @message as it is.  @trace: lines that end in a newline, or NULL. */
void beamc__log_trace(const beamc_log_target *target, beamc_log_level level, const char *message,
                      const char *trace);

#endif
