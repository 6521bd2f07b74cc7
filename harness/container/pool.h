/* SPDX-License-Identifier: Apache-2.0 */
/* A worker pool, as BeamFnExternalWorkerPool has it: a runner asks for workers and sends them away.
 * What a worker is, its kind says: processes (process_pool.h), or threads of the program that
 * submits a job (runners/portable/loopback.h). */
#ifndef BEAMC_CONTAINER_POOL_H
#define BEAMC_CONTAINER_POOL_H

#include "proto/beam.h"
#include <beamc/log.h>

typedef struct beamc__pool beamc__pool;

typedef struct {
    /* Starts the worker that @request wants, whose id and control endpoint are there.  Answers
     * soon: calls are served by the same thread. */
    beamc_error *(*start)(void *ctx, void **worker, const FN(StartWorkerRequest) *request);
    /* Waits until it has ended; NULL if it did so well.  Once, on a thread of the worker's own. */
    beamc_error *(*wait)(void *worker);
    /* Lets `wait` return soon, if it has not yet.  Any thread. */
    void (*stop)(void *worker);
    void (*free)(void *worker); /* after all of these */
} beamc__pool_kind;

/* All of it is borrowed as long as the pool, but for the URL. */
typedef struct {
    const beamc__pool_kind *kind;
    void *ctx;                   /* of its start */
    const char *url;             /* where to listen; NULL: a free port of this machine only */
    const beamc_log_target *log; /* gets why workers ended badly; may be NULL */
    bool tell;                   /* and who comes and goes */
} beamc__pool_options;

BEAMC_MUST_USE beamc_error *beamc__pool_start(beamc__pool **out,
                                              const beamc__pool_options *options);

/* What a client on this machine connects to: "127.0.0.1:41231"; borrowed. */
const char *beamc__pool_url(const beamc__pool *pool);

/* How many workers were started so far.  Any thread. */
size_t beamc__pool_started(beamc__pool *pool);

/* Stops serving, stops all workers and waits for them.  Accepts NULL. */
void beamc__pool_free(beamc__pool *pool);

#endif
