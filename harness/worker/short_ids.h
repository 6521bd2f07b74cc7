/* SPDX-License-Identifier: Apache-2.0 */
/* Short ids of metrics: a number in base 36 for each (urn, type, labels), given once and kept for the
 * life of the control stream.  Any thread. */
#ifndef BEAMC_WORKER_SHORT_IDS_H
#define BEAMC_WORKER_SHORT_IDS_H

#include "proto/beam.h"
#include <beamc/arena.h>

typedef struct beamc__short_ids beamc__short_ids;

/* Ids begin with @prefix, so that those of several workers of a job differ: a runner may keep them by
 * job.  NULL: no memory. */
BEAMC_MUST_USE beamc__short_ids *beamc__short_ids_new(const char *prefix);
void beamc__short_ids_free(beamc__short_ids *ids);

/* The id of @info's metric, borrowed from @ids; NULL: no memory. */
const char *beamc__short_ids_of(beamc__short_ids *ids, const PB(MonitoringInfo) *info);

/* The metric of an id, without its payload, in @arena; NULL: no such id, or no memory. */
PB(MonitoringInfo) *beamc__short_ids_info(beamc__short_ids *ids, const char *id,
                                          beamc_arena *arena);

#endif
