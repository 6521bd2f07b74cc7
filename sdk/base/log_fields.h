/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of log entries as text. */
#ifndef BEAMC_BASE_LOG_FIELDS_H
#define BEAMC_BASE_LOG_FIELDS_H

#include <beamc/buffer.h>
#include <beamc/log.h>

/* Appends " shop=north note=\"two words\" cents=250". */
void beamc__log_fields_print(const beamc_log_entry *entry, beamc_buffer *out);

#endif
