/* SPDX-License-Identifier: Apache-2.0 */
/* The values of a key in batches, for what is cheaper done to many at once: a request to a service,
 * a write to a table.  For bounded input: values are grouped first, so batches are as full as they
 * can be. */
#ifndef BEAMC_BATCHES_H
#define BEAMC_BATCHES_H

#include <beamc/pipeline.h>

BEAMC_EXTERN_C_BEGIN

typedef struct {
    int64_t max_values; /* in a batch; 0: no limit */
    int64_t max_bytes;  /* of a batch's encoded values, except of one that is larger alone; 0: no
                           limit.  One of both limits must be given. */
} beamc_batch_options;

/** KV<K, V> -> KV<K, Iterable<V>>, any number of times per key and window.  A batch is in memory
 *  as a whole. */
BEAMC_API beamc_pcollection beamc_group_into_batches_at(beamc_location at, beamc_pcollection in,
                                                        beamc_batch_options options);
#define beamc_group_into_batches(in, options)                                                      \
    beamc_group_into_batches_at(BEAMC_HERE, in, options)

BEAMC_EXTERN_C_END

#endif
