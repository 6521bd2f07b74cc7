/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics of a bundle as its answers carry them: in full, and as payloads by short id. */
#ifndef BEAMC_WORKER_REPORT_H
#define BEAMC_WORKER_REPORT_H

#include "harness/exec/metrics.h"
#include "harness/worker/short_ids.h"

/* Fills in @response's metrics; all of them are in @arena.  @in_full: not by short id alone. */
BEAMC_MUST_USE beamc_error *beamc__report_bundle(FN(ProcessBundleResponse) *response,
                                                 const beamc__metrics *metrics, bool in_full,
                                                 beamc__short_ids *ids, beamc_arena *arena);
BEAMC_MUST_USE beamc_error *beamc__report_progress(FN(ProcessBundleProgressResponse) *response,
                                                   const beamc__metrics *metrics, bool in_full,
                                                   beamc__short_ids *ids, beamc_arena *arena);

#endif
