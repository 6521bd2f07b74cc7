/* SPDX-License-Identifier: Apache-2.0 */
/* The BeamFnWorkerStatus stream: the runner asks, and is told in plain text what the worker has in hand,
 * its memory, and what its threads do.  Threads are asked for their stacks, which takes a moment, so
 * this has a thread of its own. */
#ifndef BEAMC_WORKER_STATUS_H
#define BEAMC_WORKER_STATUS_H

#include "harness/worker/activity.h"
#include "harness/worker/descriptors.h"

typedef struct beamc__status beamc__status;

/* What is told of; borrowed as long as the status. */
typedef struct {
    const char *worker_id;
    beamc__activities *activities;
    beamc__descriptors *descriptors;
    /* Adds what only the worker knows.  The status's thread. */
    void (*print_more)(void *ctx, beamc_buffer *text);
    void *ctx;
} beamc__status_parts;

/* Opens the stream over @take_channel, which is connected. */
BEAMC_MUST_USE beamc_error *beamc__status_open(beamc__status **out,
                                               beamc__rpc_channel *take_channel,
                                               const beamc__status_parts *parts);
/* Accepts NULL. */
void beamc__status_free(beamc__status *status);

#endif
