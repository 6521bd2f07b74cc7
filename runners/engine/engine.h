/* SPDX-License-Identifier: Apache-2.0 */
/* The engine: runs a Runner API Pipeline on this machine's cores.
 *
 *     pipeline -> leaves -> stages -> bundles on worker threads -> collections, shuffles -> ...
 *
 * Results do not depend on the number of threads, on which bundle is done first, or on memory: parts
 * are cut by what was written, and what bundles write is ordered by their indexes. */
#ifndef BEAMC_ENGINE_ENGINE_H
#define BEAMC_ENGINE_ENGINE_H

#include "proto/beam.h"
#include "runners/engine/executor.h"
#include <beamc/direct.h>

/* Runs @pipeline to its end.  Cells of *metrics name transforms and PCollections by id.  The calling
 * thread watches over the workers and tells progress. */
BEAMC_MUST_USE beamc_error *beamc__engine_run(const PB(Pipeline) *pipeline,
                                              beamc__executor *executor,
                                              const beamc_direct_options *options,
                                              beamc__metrics *metrics);

#endif
