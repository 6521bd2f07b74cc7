/* SPDX-License-Identifier: Apache-2.0 */
/* A worker pool whose workers are processes: one for each StartWorker, started as a runner starts
 * the command of a PROCESS environment, with the endpoints of the request as flags. */
#ifndef BEAMC_CONTAINER_PROCESS_POOL_H
#define BEAMC_CONTAINER_PROCESS_POOL_H

#include <beamc/log.h>

/* Where pools are looked for if nothing else is said. */
#define BEAMC__POOL_PORT 50000

typedef struct beamc__process_pool beamc__process_pool;

/* All of it is borrowed as long as the pool. */
typedef struct {
    const char *url;              /* where to listen; NULL: a free port of this machine only */
    const char *const *command;   /* the program's path and its first arguments; NULL ends them */
    const char *refuser;          /* a beamc-boot, which comes in the place of a worker that ended
                                   * before it told that it serves (serving.h), to say so; NULL:
                                   * workers are of a kind that does not tell */
    const char *semi_persist_dir; /* where workers keep their files; NULL: /tmp */
    int grace_ms;                 /* from asking a worker to end to killing it; 0: 5 s */
    const beamc_log_target *log;  /* gets who comes and goes, and how; may be NULL */
} beamc__process_pool_options;

/* Each worker has a directory of its own, which goes with it.  beamc__rpc_init was called. */
BEAMC_MUST_USE beamc_error *beamc__process_pool_start(beamc__process_pool **out,
                                                      const beamc__process_pool_options *options);

/* Borrowed. */
const char *beamc__process_pool_url(const beamc__process_pool *pool);

/* Stops serving; asks all workers to end, kills those that do not within some seconds, and with
 * each whatever it has started.  Accepts NULL. */
void beamc__process_pool_free(beamc__process_pool *pool);

/* A program that is a pool, until SIGINT, SIGTERM or SIGHUP: starts one and frees it. */
BEAMC_MUST_USE beamc_error *beamc__process_pool_serve(const beamc__process_pool_options *options);

#endif
