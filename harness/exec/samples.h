/* SPDX-License-Identifier: Apache-2.0 */
/* Elements that were seen lately, some for each PCollection, for people who look at a pipeline while it
 * runs; and those at which something went wrong.  Any thread. */
#ifndef BEAMC_EXEC_SAMPLES_H
#define BEAMC_EXEC_SAMPLES_H

#include "proto/beam.h"
#include <beamc/type.h>

typedef struct beamc__samples beamc__samples;

/* @only_errors: elements at which nothing went wrong are not kept.  NULL: no memory. */
BEAMC_MUST_USE beamc__samples *beamc__samples_new(bool only_errors);
void beamc__samples_free(beamc__samples *samples); /* accepts NULL */

/* Whether the element number @seen (from 1) of a PCollection is one to be kept. */
bool beamc__samples_want(const beamc__samples *samples, uint64_t seen);

/* What went wrong; NULL for an element that went well.  Borrowed. */
typedef struct {
    const char *instruction_id;
    const char *transform_id;
    const char *error;
} beamc__sample_error;

/* Keeps an element (nested encoding) in place of an older one.  Without memory it is lost. */
void beamc__samples_add(beamc__samples *samples, const char *pcollection_id, beamc_bytes element,
                        const beamc__sample_error *error);

/* Moves the samples of @ids (none: of all PCollections) into @out, in @arena. */
BEAMC_MUST_USE int beamc__samples_take(beamc__samples *samples, char *const *ids, size_t count,
                                       FN(SampleDataResponse) *out, beamc_arena *arena);

#endif
