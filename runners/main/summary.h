/* SPDX-License-Identifier: Apache-2.0 */
/* What a run shows when it has ended well: how long it took, and the user's metrics. */
#ifndef BEAMC_MAIN_SUMMARY_H
#define BEAMC_MAIN_SUMMARY_H

#include <beamc/buffer.h>
#include <beamc/result.h>

/* Appends the metrics as a table, transform by transform; nothing if there are none. */
void beamc__summary_metrics(const beamc_result *result, beamc_buffer *out);

#endif
