/* SPDX-License-Identifier: Apache-2.0 */
/* What runners say when no worker came, in the words of who chose how workers start. */
#ifndef BEAMC_PORTABLE_WORKER_HINT_H
#define BEAMC_PORTABLE_WORKER_HINT_H

#include "runners/portable/worker_environment.h"

/* Adds what it most likely means to the error of a job, if a runner's words in it are known. */
beamc_error *beamc__worker_hint(beamc_error *take_error, beamc__workers workers);

#endif
