/* SPDX-License-Identifier: Apache-2.0 */
/* Pipelines as messages, written as a line for each transform:
 *
 *     "impulse I -> p1;"               root I, which makes PCollection p1
 *     "pardo A p1 side=p2 -> p3 p4;"   main input p1, a side input p2, outputs p3 and p4
 *     "gbk G p3 -> p5;"  "flatten F p1 p2 p2 -> p6;"  "reshuffle R p6 -> p7;"  "window W p1 -> p2;"
 *     "combine C p1 -> p2;"            with nothing inside
 *     "composite X A B;"               A and B are inside of X
 *     "pardo@other A p1 -> p2;"        in another environment
 *
 * PCollections are of KV<bytes, bytes> in the global window, and made when they are named first.
 * The functions of ParDos are no real ones: for tests of graphs, which do not look at them. */
#ifndef BEAMC_TEST_PIPELINE_KIT_H
#define BEAMC_TEST_PIPELINE_KIT_H

#include "proto/beam.h"
#include <beamc/arena.h>

/* All in @arena; what is wrong with @text fails the test. */
PB(Pipeline) *pipeline_of(beamc_arena *arena, const char *text);

PB(PTransform) *pipeline_transform(PB(Pipeline) *pipeline, const char *id);
PB(PCollection) *pipeline_collection(PB(Pipeline) *pipeline, const char *id);
void pipeline_add_coder(PB(Pipeline) *pipeline, beamc_arena *arena, const char *id, const char *urn,
                        const char *first, const char *second);

#endif
