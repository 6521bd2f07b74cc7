/* SPDX-License-Identifier: Apache-2.0 */
/* LOOPBACK: a worker pool inside the program that submits a job.  The runner asks it for workers,
 * and they are threads of this process, so that functions need no way to travel. */
#ifndef BEAMC_PORTABLE_LOOPBACK_H
#define BEAMC_PORTABLE_LOOPBACK_H

#include <beamc/dofn.h>
#include <beamc/log.h>

typedef struct beamc__loopback beamc__loopback;

typedef struct {
    const beamc_function *const *functions; /* borrowed as long as the pool */
    size_t function_count;
    beamc_log_level log_level;   /* of the workers; 0: INFO */
    const beamc_log_overrides *log_overrides; /* borrowed as long as the pool; may be NULL */
    bool log_here;               /* to standard error, not to the runner */
    const beamc_log_target *log; /* gets why workers ended badly, borrowed as well; may be NULL */
} beamc__loopback_options;

/* Serves BeamFnExternalWorkerPool on a free port that only this machine reaches. */
BEAMC_MUST_USE beamc_error *beamc__loopback_start(beamc__loopback **out,
                                                  const beamc__loopback_options *options);

/* Where: "127.0.0.1:41231"; borrowed. */
const char *beamc__loopback_url(const beamc__loopback *pool);

/* How many workers were started so far.  Any thread. */
size_t beamc__loopback_started(beamc__loopback *pool);

/* Stops serving, stops all workers and waits for them.  Accepts NULL. */
void beamc__loopback_free(beamc__loopback *pool);

#endif
