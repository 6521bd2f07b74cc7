/* SPDX-License-Identifier: Apache-2.0 */
/* The other side of a worker: serves the Fn API, hands a worker bundles of the same elements, and
 * takes what it sends; as fast as it can, and keeping nothing.
 *
 *     feeder --control, data--> worker, a process of its own: in -> DoFn -> out */
#ifndef BEAMC_BENCH_FEEDER_H
#define BEAMC_BENCH_FEEDER_H

#include "test/bench/worker/descriptor.h"

typedef struct {
    const beamc_dofn *dofn; /* of fed to fed */
    size_t bundles;
    size_t concurrent; /* of these at once, at most FEEDER_CONCURRENT_MAX */
    size_t elements;   /* in each */
    size_t key_size;   /* of elements; see fed_page_make */
    size_t message_size;
} feeder_job;

#define FEEDER_CONCURRENT_MAX 1024

/* What a job took.  Memory is the worker's, resident, in bytes. */
typedef struct {
    double seconds;
    double worker_cpu, feeder_cpu; /* seconds */
    uint64_t bytes_in, bytes_out;  /* of the worker: elements, with what their messages cost */
    double wait_p50, wait_p99;     /* seconds of a bundle, from its request to its response */
    uint64_t memory_at_tenth;      /* after a tenth of the bundles */
    uint64_t memory_after;         /* the largest from then on */
    uint64_t memory_peak;
    int worker_threads; /* at the end */
    int worker_files;
} feeder_result;

typedef struct feeder feeder;

/* Starts a worker: @program with the flags of one.  NULL: it could not be, which was told. */
feeder *feeder_new(const char *program);
/* Runs a job; false after an error, which was told. */
bool feeder_run(feeder *feeder, const feeder_job *job, feeder_result *out);
/* Lets the worker go; false if it ended badly. */
bool feeder_free(feeder *feeder);

#endif
