/* SPDX-License-Identifier: Apache-2.0 */
/* A harness worker: serves a runner over Beam's Fn API until the runner has had enough.
 *
 *     runner --control--> instructions --> bundle threads --> exec
 *            --data-----> inboxes -----------^     |
 *            <-data------ elements <---------------+
 *            <-state----> side inputs
 *            <-logging--- entries
 *
 * Its threads are its own: one for control, state, log and status, one for data, and one for each
 * bundle that runs.  Many workers can run in one process. */
#ifndef BEAMC_WORKER_WORKER_H
#define BEAMC_WORKER_WORKER_H

#include <beamc/dofn.h>
#include <beamc/log.h>

typedef struct beamc__worker beamc__worker;

/* All of it is borrowed for the call, but for the functions: as long as the worker. */
typedef struct {
    const char *id;          /* sent with every call, as worker_id */
    const char *control_url;
    const char *logging_url; /* NULL: entries go to standard error */
    const char *status_url;  /* NULL: none */
    const beamc_function *const *functions;
    size_t function_count;
    bool short_ids;            /* the runner takes metrics by short ids alone */
    bool embed_output;         /* the runner takes elements in the answer to a bundle */
    size_t flush_size;         /* bytes that a bundle emits into one port until they go; 0: 64 KB */
    int64_t flush_ms;          /* what a bundle emits waits no longer; 0: until there is enough */
    bool sample_elements;      /* for SampleData: some, and those that fail */
    bool sample_errors;        /* only those */
    beamc_log_level log_level; /* 0: INFO */
    const beamc_log_overrides *log_overrides; /* of it, as long as the worker; or NULL */
    size_t state_cache_size;   /* bytes of answers about state that outlive a bundle; 0: 100 MB */
    int64_t idle_ms;           /* of copies of DoFns, after which they are torn down; 0: a minute */
    int64_t ready_ms;          /* for the runner's servers to come up; 0: a minute */
    int64_t lull_ms;  /* of a DoFn without progress, after which the log is told; 0: 5 minutes */
    int64_t stuck_ms; /* the same, after which the bundle is given up, and then give_up is called, */
    void (*give_up)(void); /* which may end the process, since no thread can be; 0, NULL: neither */
} beamc__worker_options;

/** Starts serving.  Does not wait for the runner: one that is not there is told by beamc__worker_wait.
 *  beamc__rpc_init was called. */
BEAMC_MUST_USE beamc_error *beamc__worker_start(beamc__worker **out,
                                                const beamc__worker_options *options);

/** Waits until the runner ended the control stream, or beamc__worker_stop was called; bundles under
 *  way are then ended.  An error: the stream broke while bundles ran, or was never there. */
BEAMC_MUST_USE beamc_error *beamc__worker_wait(beamc__worker *worker);

/** Lets beamc__worker_wait return soon.  Any thread. */
void beamc__worker_stop(beamc__worker *worker);

/** Stops it and waits for its threads.  Accepts NULL. */
void beamc__worker_free(beamc__worker *take_worker);

#endif
