/* SPDX-License-Identifier: Apache-2.0 */
/* The library's transforms: what pipelines of every Beam SDK are made of.
 *
 *     map.h         map, filter, flat map, partition, logging of elements, flattening of iterables
 *     kv.h          keys, values, swapping, giving keys, turning elements into text
 *     timestamps.h  giving elements timestamps, and making timestamps and windows part of them
 *     aggregate.h   count, sum, mean, min, max, top, sample, distinct, latest, lists
 *     assert_that.h assertions inside a pipeline, for tests on any runner
 *     batches.h     values of a key in groups of a limited size
 *     regex.h       regular expressions
 *
 * All follow pipeline.h: f_at(location, ...) and a macro f(...), errors of construction stick to
 * the pipeline, each is one named transform in the graph (beamc_named gives it another name). */
#ifndef BEAMC_TRANSFORMS_H
#define BEAMC_TRANSFORMS_H

#include <beamc/aggregate.h>
#include <beamc/assert_that.h>
#include <beamc/batches.h>
#include <beamc/kv.h>
#include <beamc/map.h>
#include <beamc/regex.h>
#include <beamc/timestamps.h>

#endif
