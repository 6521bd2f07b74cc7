/* SPDX-License-Identifier: Apache-2.0 */
/* The files that workers need: the program itself and what --files_to_stage names. */
#ifndef BEAMC_PORTABLE_ARTIFACTS_H
#define BEAMC_PORTABLE_ARTIFACTS_H

#include "proto/beam.h"
#include "sdk/base/sha256.h"
#include <beamc/arena.h>

/* A file of this machine, and where it goes below the worker's directory. */
typedef struct {
    const char *path;
    const char *name; /* one part: no slash, not "." or ".." */
    uint64_t size;
    char sha256[BEAMC__SHA256_TEXT_SIZE];
    PB(ArtifactInformation) *information; /* how a pipeline and a job server speak of it */
} beamc__artifact;

typedef struct {
    beamc__artifact *items;
    size_t count;
} beamc__artifacts;

/* Reads all of @paths, and the program first if @program; in @arena.  A file that is not there, or
 * cannot be read, or has the name of another, is an error. */
BEAMC_MUST_USE beamc_error *beamc__artifacts_collect(beamc__artifacts *out, bool program,
                                                     const char *const *paths, size_t path_count,
                                                     beamc_arena *arena);

/* The one that @information tells of; NULL if it is none of ours. */
const beamc__artifact *beamc__artifacts_find(const beamc__artifacts *artifacts,
                                             const PB(ArtifactInformation) *information);

#endif
