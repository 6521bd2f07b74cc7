/* SPDX-License-Identifier: Apache-2.0 */
/* A process that is a worker: from its command line to the end of the control stream. */
#ifndef BEAMC_CONTAINER_SERVE_H
#define BEAMC_CONTAINER_SERVE_H

#include <beamc/dofn.h>

/* Whether this command line starts a worker: it has --worker, or names an endpoint that only workers
 * are given. */
bool beamc__serve_is_asked(int argc, char *const *argv);

/* Serves with the program's functions until the runner has had enough. */
BEAMC_MUST_USE beamc_error *beamc__serve(int argc, char *const *argv,
                                         const beamc_function *const *functions, size_t count);

#endif
