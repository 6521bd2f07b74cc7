/* SPDX-License-Identifier: Apache-2.0 */
/* A scripted job server: real gRPC on a free port of this machine, and no engine behind it.  It
 * takes a job, fetches its files, and lets it end as the script says. */
#ifndef BEAMC_TEST_JOB_SERVER_H
#define BEAMC_TEST_JOB_SERVER_H

#include "proto/beam.h"
#include "sdk/rpc/tls.h"
#include <beamc/arena.h>
#include <beamc/buffer.h>

/* What goes wrong; or nothing. */
typedef enum {
    JOB_IS_DONE,
    JOB_IS_DRAINED,
    JOB_FAILS, /* FAILED, and then the reason as a message */
    JOB_FAILS_IN_SILENCE,
    JOB_GOES_ON,          /* until it is cancelled */
    JOB_GOES_ON_FOR_EVER, /* cancelling it is an error */
    JOB_LOSES_STREAMS,    /* both streams break once, while it runs */
    JOB_HAS_NO_MESSAGES,  /* that call is not there */
    JOB_HAS_NO_METRICS,
    PREPARE_IS_REFUSED,
    PREPARE_IS_SILENT,
    STAGING_IS_SILENT,  /* after the token */
    STAGING_BREAKS,     /* after the first chunk */
    STAGING_WANTS_MORE, /* a file that is not the job's */
    STAGING_IS_NOWHERE, /* no endpoint */
    OPTIONS_ARE_SECRET, /* DescribePipelineOptions is not there */
    OPTIONS_ARE_FLINKS, /* by the class that they are said to be of */
    SERVER_IS_NONE,     /* neither is any other call of a job server */
    JOBS_ARE_SECRET,    /* neither is GetJobs */
    JOB_HAS_NO_PIPELINE,
    JOB_CAN_BE_DRAINED, /* goes on until then */
    JOB_INTERRUPTS      /* goes on, and sends SIGINT to this process once it is followed */
} job_script;

typedef struct job_server job_server;

/* Starts gRPC, too: in a test, not before Check forks. */
job_server *job_server_new(job_script script);
/* The same, with jobs that run already: "job-1", named "first-1", which follows the script and has
 * the @size bytes of @pipeline (copied), and two that are done: "job-2", named "second-1", and
 * "job-20", named "second-2". */
job_server *job_server_new_with_jobs(job_script script, const void *pipeline, size_t size);
/* The same by TLS, borrowed for the call; @scheme is written before the address for files. */
job_server *job_server_new_with_tls(job_script script, const beamc__rpc_tls *tls,
                                    const char *scheme);
void job_server_free(job_server *server);
const char *job_server_url(const job_server *server);

/* Hangs up on everybody and listens no more; not on its own thread. */
void job_server_kill(job_server *server);

/* Appends a value as JSON without blanks. */
void json_write(beamc_buffer *out, const Google__Protobuf__Value *value);

/* ---- what it got; valid as long as the server, after the run --------------------------------- */

/* NULL: nothing was prepared. */
const JOB(PrepareJobRequest) *job_server_prepared(job_server *server);
/* The value of an option, as JSON without blanks; "-" if it is not there.  Valid until the next
 * call. */
const char *job_server_option(job_server *server, const char *name);
/* How many files were fetched, and one of them by its name; NULL: it was not fetched. */
size_t job_server_file_count(job_server *server);
const beamc_buffer *job_server_file(job_server *server, const char *name);
/* The most bytes that came in one message. */
size_t job_server_largest_chunk(job_server *server);
int job_server_runs(job_server *server);
int job_server_cancels(job_server *server);
int job_server_drains(job_server *server);

#endif
