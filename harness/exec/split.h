/* SPDX-License-Identifier: Apache-2.0 */
/* Splitting a source between elements, as Beam's ProcessBundleSplitRequest and its response say it.
 * Positions are those of the elements in the channel, from 0. */
#ifndef BEAMC_EXEC_SPLIT_H
#define BEAMC_EXEC_SPLIT_H

#include <stddef.h>
#include <stdint.h>

/* Where a runner wants to split: DesiredSplit. */
typedef struct {
    double fraction;        /* of what is left, to keep: 0 to 1 */
    int64_t estimate;       /* of all elements of the channel */
    const int64_t *allowed; /* positions to split at, in any order; none: all */
    size_t allowed_count;
} beamc__desired_split;

/* Where it was split: ChannelSplit.  No element lies between the two. */
typedef struct {
    int64_t last_primary;
    int64_t first_residual;
} beamc__channel_split;

#endif
