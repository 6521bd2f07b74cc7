/* SPDX-License-Identifier: Apache-2.0 */
/* A runner may start one process and expect several workers: ProvisionInfo.sibling_worker_ids.  The
 * process that was started starts the others, which are told so, and waits for them in the end. */
#ifndef BEAMC_CONTAINER_SIBLINGS_H
#define BEAMC_CONTAINER_SIBLINGS_H

#include "harness/container/provision.h"
#include <sys/types.h>

typedef struct {
    pid_t *pids; /* in the arena that they were started with */
    size_t count;
} beamc__siblings;

/* Starts this program once more for each of the ids but our own; none if we were started so.  They
 * end no later than we do. */
BEAMC_MUST_USE beamc_error *beamc__siblings_start(beamc__siblings *out,
                                                  const beamc__worker_flags *flags,
                                                  const FN(ProvisionInfo) *info,
                                                  beamc_arena *arena);

/* Waits for all; an error for the first that ended badly. */
BEAMC_MUST_USE beamc_error *beamc__siblings_wait(const beamc__siblings *siblings);

#endif
