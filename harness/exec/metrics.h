/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics as sets of cells that add up: of a bundle, of a stage, of a job. */
#ifndef BEAMC_EXEC_METRICS_H
#define BEAMC_EXEC_METRICS_H

#include "proto/beam.h"
#include <beamc/metric.h>

/* How a cell's payload is encoded and merged: Beam's type URNs. */
typedef enum {
    BEAMC__CELL_SUM,          /* sum_int64: value */
    BEAMC__CELL_DISTRIBUTION, /* distribution_int64: count, sum, min, max */
    BEAMC__CELL_LATEST,       /* latest_int64: value at time */
    BEAMC__CELL_STRING_SET    /* set_string */
} beamc__cell_kind;

/* What a metric is about; equal ids name the same cell.  Strings outlive the set, or are copied by
 * it: see beamc__metrics_cell. */
typedef struct {
    const char *urn;       /* of the MonitoringInfo */
    const char *transform; /* label PTRANSFORM, or NULL */
    const char *pcollection;
    const char *space; /* label NAMESPACE, or NULL */
    const char *name;
} beamc__metric_id;

typedef struct beamc__cell {
    beamc__metric_id id;
    beamc__cell_kind kind;
    int64_t value;
    int64_t time_ms;
    int64_t count, sum, min, max;
    beamc_string *strings; /* owned by the set, sorted by bytes */
    size_t string_count;
    size_t string_capacity;
} beamc__cell;

typedef struct beamc__metrics beamc__metrics;

BEAMC_MUST_USE beamc__metrics *beamc__metrics_new(void); /* NULL: no memory */
void beamc__metrics_free(beamc__metrics *metrics);
void beamc__metrics_clear(beamc__metrics *metrics);

/* The cell of @id (strings copied when it is new), empty at first; NULL: no memory. */
beamc__cell *beamc__metrics_cell(beamc__metrics *metrics, const beamc__metric_id *id,
                                 beamc__cell_kind kind);

/* Updates; ENOMEM only from strings.  One thread updates a cell; sums and distributions may be merged
 * into another set by a second one meanwhile, which then sees no more than was there when it ended. */
void beamc__cell_add(beamc__cell *cell, int64_t more);
void beamc__cell_update(beamc__cell *cell, int64_t value);
void beamc__cell_set(beamc__cell *cell, int64_t value, int64_t time_ms);
BEAMC_MUST_USE int beamc__cell_insert(beamc__cell *cell, beamc_string string);

/* Adds all of @from to @into.  ENOMEM may leave a part added. */
BEAMC_MUST_USE int beamc__metrics_merge(beamc__metrics *into, const beamc__metrics *from);

size_t beamc__metrics_count(const beamc__metrics *metrics);
const beamc__cell *beamc__metrics_at(const beamc__metrics *metrics, size_t index);

/* The set as MonitoringInfos in @arena; cells that were never touched are left out. */
BEAMC_MUST_USE int beamc__metrics_to_proto(const beamc__metrics *metrics, beamc_arena *arena,
                                           PB(MonitoringInfo) ***out, size_t *count);

/* Adds a MonitoringInfo of one of the kinds above; EUNSUPPORTED for other types, ECORRUPT. */
BEAMC_MUST_USE int beamc__metrics_add_proto(beamc__metrics *metrics, const PB(MonitoringInfo) *info);

#endif
