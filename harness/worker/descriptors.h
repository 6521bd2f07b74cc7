/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors of bundles by id: asked of the runner once, kept for the worker's life, each with its
 * pool of plans.  Any thread but a queue's. */
#ifndef BEAMC_WORKER_DESCRIPTORS_H
#define BEAMC_WORKER_DESCRIPTORS_H

#include "harness/exec/plan_pool.h"
#include "sdk/rpc/channel.h"

/* A place where a descriptor's elements come in or go out. */
typedef struct {
    const char *transform_id;
    const char *url;
} beamc__descriptor_port;

typedef struct {
    const FN(ProcessBundleDescriptor) *descriptor;
    beamc__plan_pool *pool;
    beamc__descriptor_port *sources;
    size_t source_count;
    beamc__descriptor_port *sinks;
    size_t sink_count;
    const char *state_url; /* NULL: there is no state */
} beamc__descriptor;

typedef struct beamc__descriptors beamc__descriptors;

/* @control (borrowed) is where they are asked for.  @options is borrowed as long as the object. */
BEAMC_MUST_USE beamc__descriptors *beamc__descriptors_new(beamc__rpc_channel *control,
                                                          const beamc__plan_options *options);
/* Tears all plans down; no bundle runs any more.  Accepts NULL. */
void beamc__descriptors_free(beamc__descriptors *descriptors);

/* The descriptor of @id, borrowed as long as the object.  Those who ask for the same one at the same
 * time wait for one answer. */
BEAMC_MUST_USE beamc_error *beamc__descriptors_get(beamc__descriptors *descriptors, const char *id,
                                                   const beamc__descriptor **out);

/* Adds one that the runner registered: a copy of it. */
BEAMC_MUST_USE beamc_error *beamc__descriptors_add(beamc__descriptors *descriptors,
                                                   const FN(ProcessBundleDescriptor) *descriptor);

/* Tears down the plans that were idle for @ms; and whether there are such. */
void beamc__descriptors_trim(beamc__descriptors *descriptors, int64_t ms);
bool beamc__descriptors_are_stale(beamc__descriptors *descriptors, int64_t ms);

/* Books @elapsed_ms to all transforms at work. */
void beamc__descriptors_sample(beamc__descriptors *descriptors, int64_t elapsed_ms);

/* beamc__plan_memory of all plans. */
void beamc__descriptors_memory(beamc__descriptors *descriptors,
                               void (*visit)(void *ctx, const char *transform, size_t bytes),
                               void *ctx);

#endif
