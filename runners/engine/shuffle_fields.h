/* SPDX-License-Identifier: Apache-2.0 */
/* A shuffle, for those who write it and those who read it. */
#ifndef BEAMC_ENGINE_SHUFFLE_FIELDS_H
#define BEAMC_ENGINE_SHUFFLE_FIELDS_H

#include "runners/engine/segment.h"
#include "runners/engine/shuffle.h"
#include <uv.h>

/* What a bundle wrote. */
typedef struct {
    uint64_t bundle_index;
    beamc__segment *segments; /* owned */
    size_t segment_count;
} beamc__shuffle_output;

struct beamc__shuffle {
    beamc__shuffle_options options;
    beamc__store *store;
    beamc__spill *spill;
    uv_mutex_t lock;
    /* Under the lock; gone when finished. */
    beamc__shuffle_output *outputs; /* owned */
    size_t output_count;
    size_t output_room;
    /* Finished: */
    beamc__segment *segments; /* owned; by lane, then bundle index, then as they were written */
    size_t starts[BEAMC__LANES + 1];
    uint64_t count;
    uint64_t bytes;
    size_t part_count;
    uint32_t part_lanes[BEAMC__LANES + 1]; /* part i: lanes from [i] up to [i + 1] */
    uint64_t part_bytes[BEAMC__LANES];
};

/* What a stored head holds: the timestamp as it was encoded if it matters, and the windows. */
static inline bool beamc__shuffle_keeps_time(const beamc__shuffle_options *options)
{
    return options->output_time != BEAMC_OUTPUT_END_OF_WINDOW;
}

/* Moves @in behind one window. */
BEAMC_MUST_USE int beamc__shuffle_skip_window(const beamc__shuffle_options *options,
                                              beamc_reader *in);

#endif
