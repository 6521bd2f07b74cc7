/* SPDX-License-Identifier: Apache-2.0 */
/* From what a container, a pool or a runner starts to the program that is the worker: asks what it
 * is to be, fetches its files, and becomes the program that was staged, which is told the same
 * endpoints. */
#ifndef BEAMC_CONTAINER_BOOT_H
#define BEAMC_CONTAINER_BOOT_H

#include "harness/container/provision.h"

/* What the entry of an image is called: /opt/apache/beam/boot. */
#define BEAMC__BOOT_NAME "boot"

/* Fetches what @info lists, and becomes the program among it; returns only if that fails.  The
 * program: the file whose role says so, else the one that is named as beamc's programs stage
 * themselves, else the first.  Ends gRPC, which was begun once, and begins it again. */
BEAMC_MUST_USE beamc_error *beamc__boot(const beamc__worker_flags *flags,
                                        const FN(ProvisionInfo) *info, beamc_arena *arena);

/* A program that does no more: from its command line to its exit status.  With --worker_pool it is
 * a pool of processes like itself, with --refusal=WHY a worker that answers everything with that. */
int beamc__boot_main(int argc, char **argv);

#endif
