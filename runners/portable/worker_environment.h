/* SPDX-License-Identifier: Apache-2.0 */
/* How a runner gets workers for our functions, as --environment_type and its like say it. */
#ifndef BEAMC_PORTABLE_WORKER_ENVIRONMENT_H
#define BEAMC_PORTABLE_WORKER_ENVIRONMENT_H

#include "runners/portable/artifacts.h"
#include <beamc/pipeline.h>

typedef enum {
    BEAMC__WORKERS_LOOPBACK, /* threads of this process, asked for at a worker pool inside it */
    BEAMC__WORKERS_EXTERNAL, /* asked for at a worker pool elsewhere */
    BEAMC__WORKERS_PROCESS,  /* a command that the runner starts */
    BEAMC__WORKERS_DOCKER    /* a container */
} beamc__workers;

/* All borrowed; NULL: not given. */
typedef struct {
    const char *type;           /* LOOPBACK .. */
    const char *config;         /* what the type wants */
    const char *const *options; /* the same in parts: "process_command=..", .. */
    size_t option_count;
    const char *image; /* of DOCKER, if config has none */
} beamc__worker_options_given;

/* The type.  If none is given: LOOPBACK, but DOCKER for an image, or a job server that is not on this
 * machine (@is_local). */
BEAMC_MUST_USE beamc_error *
beamc__workers_choose(beamc__workers *out, const beamc__worker_options_given *given, bool is_local);

/* Makes all functions of @pipeline run so.  @pool_url is that of our own pool; for LOOPBACK only.
 */
BEAMC_MUST_USE beamc_error *beamc__workers_set(beamc_pipeline *pipeline, beamc__workers workers,
                                               const beamc__worker_options_given *given,
                                               const char *pool_url,
                                               const beamc__artifacts *artifacts);

/* Where EXTERNAL workers are asked for, in @arena; NULL for other types. */
BEAMC_MUST_USE beamc_error *beamc__workers_pool(const char **out, beamc__workers workers,
                                                const beamc__worker_options_given *given,
                                                beamc_arena *arena);

/* What PROCESS workers are started as, in @arena; NULL for other types, and for this program. */
BEAMC_MUST_USE beamc_error *beamc__workers_command(const char **out, beamc__workers workers,
                                                   const beamc__worker_options_given *given,
                                                   beamc_arena *arena);

/* An error if @command cannot be started on this machine, which need not be the runner's. */
BEAMC_MUST_USE beamc_error *beamc__workers_check_command(const char *command);

/* Whether an endpoint is on this machine by its name. */
bool beamc__endpoint_is_local(const char *endpoint);

#endif
