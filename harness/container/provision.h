/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker is told of itself: ProvisionService.GetProvisionInfo.  Some runners give nothing on the
 * command line but a worker's id and where this service is. */
#ifndef BEAMC_CONTAINER_PROVISION_H
#define BEAMC_CONTAINER_PROVISION_H

#include "proto/beam.h"
#include <beamc/arena.h>

/* What the command line says.  NULL: not said. */
typedef struct {
    const char *id;
    const char *provision_endpoint;
    const char *control_endpoint;
    const char *logging_endpoint;
    const char *artifact_endpoint;
    const char *status_endpoint;
    const char *semi_persist_dir; /* NULL: /tmp */
    const char *sibling;          /* started by another worker of the same process */
    const char *refusal;          /* why the worker whose place this is cannot serve */
} beamc__worker_flags;

/* Reads flags in the form --name=value or --name value out of @argv into @out, strings in @arena.  A
 * pair of quotes around a value is taken off: one runner starts processes without a shell and quotes
 * all the same.  Flags that are not known are counted in *unknown and passed over. */
BEAMC_MUST_USE beamc_error *beamc__worker_flags_read(beamc__worker_flags *out, int argc,
                                                     char *const *argv, beamc_arena *arena,
                                                     int *unknown);

/* The command line of a worker with these flags, for @program; NULL ends it.  NULL without memory. */
const char *const *beamc__worker_flags_write(const beamc__worker_flags *flags, const char *program,
                                             beamc_arena *arena);

/* Asks for the provision info and fills in what the flags leave open: in the info wins what is there,
 * as other SDKs' boot programs have it.  *info (may be NULL) is in @arena; NULL if there is no
 * provision endpoint. */
BEAMC_MUST_USE beamc_error *beamc__provision(beamc__worker_flags *flags, beamc_arena *arena,
                                             const FN(ProvisionInfo) **info);

/* Whether the runner has the capability @urn. */
bool beamc__provision_has(const FN(ProvisionInfo) *info, const char *urn);

#endif
