/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's files: fetched from the runner's ArtifactRetrievalService into a directory.
 *
 *     dependencies --resolve--> artifacts --get--> <dir>/<staged name>
 *
 * Names come from outside and stay below the directory; a file is there under its name only when it
 * is whole and has the hash that was promised. */
#ifndef BEAMC_CONTAINER_FETCH_H
#define BEAMC_CONTAINER_FETCH_H

#include "proto/beam.h"
#include "sdk/rpc/queue.h"
#include <beamc/arena.h>

typedef struct {
    const char *path; /* where it is now */
    const char *name; /* as it was staged */
    bool is_program;  /* its role says that it is the worker's program */
} beamc__fetched;

/* All of it is borrowed for the call. */
typedef struct {
    beamc__rpc_queue *queue;
    const char *url; /* of the ArtifactRetrievalService */
    const char *worker_id;
    const char *directory; /* made if it is not there */
    bool trust;            /* hashes are not checked */
    int64_t pause_ms; /* before a fetch that failed is tried again, and longer each time; 0: 1 s */
} beamc__fetch_options;

/* Fetches all of @dependencies, some at a time.  *@files are in @arena, in the order of the
 * dependencies. */
BEAMC_MUST_USE beamc_error *beamc__fetch_all(beamc__fetched **files, size_t *count,
                                             PB(ArtifactInformation) *const *dependencies,
                                             size_t dependency_count,
                                             const beamc__fetch_options *options,
                                             beamc_arena *arena);

/* Whether @name stays below the directory: not empty, not absolute, no part of it "..". */
bool beamc__fetch_name_is_safe(const char *name);

#endif
