/* SPDX-License-Identifier: Apache-2.0 */
/* A connection to a job server, and its calls of one request and one answer.  Answers are in
 * @arena. All calls wait, up to the time that the connection was given, and tell in one line what
 * went wrong; any thread. */
#ifndef BEAMC_PORTABLE_JOB_CLIENT_H
#define BEAMC_PORTABLE_JOB_CLIENT_H

#include "job_tls.h"
#include "proto/beam.h"
#include "sdk/rpc/channel.h"
#include <beamc/arena.h>

typedef struct beamc__job_client beamc__job_client;

/* @timeout_ms is for each call.  Connects with the first one. */
BEAMC_MUST_USE beamc_error *beamc__job_client_new(beamc__job_client **out, const char *endpoint,
                                                  const beamc__job_tls *tls, int64_t timeout_ms);
void beamc__job_client_free(beamc__job_client *client); /* accepts NULL */

/* What else can be called at that endpoint. */
beamc__rpc_channel *beamc__job_client_channel(beamc__job_client *client);
beamc__rpc_queue *beamc__job_client_queue(beamc__job_client *client);
int64_t beamc__job_client_timeout(const beamc__job_client *client);
/* What it speaks there; NULL: plaintext.  Borrowed. */
const beamc__rpc_tls *beamc__job_client_tls(const beamc__job_client *client);
/* As it was given. */
const char *beamc__job_client_endpoint(const beamc__job_client *client);

/* The options of the server's own; an answer without any from a server that describes none. */
BEAMC_MUST_USE beamc_error *beamc__job_describe_options(beamc__job_client *client,
                                                        JOB(DescribePipelineOptionsResponse) **out,
                                                        beamc_arena *arena);

BEAMC_MUST_USE beamc_error *beamc__job_prepare(beamc__job_client *client,
                                               const JOB(PrepareJobRequest) *request,
                                               JOB(PrepareJobResponse) **out, beamc_arena *arena);

/* *@job_id is in @arena. */
BEAMC_MUST_USE beamc_error *beamc__job_run(beamc__job_client *client, const char *preparation_id,
                                           const char **job_id, beamc_arena *arena);

BEAMC_MUST_USE beamc_error *beamc__job_state(beamc__job_client *client, const char *job_id,
                                             JOB(JobState__Enum) *state);

/* The same with the time since when. */
BEAMC_MUST_USE beamc_error *beamc__job_state_event(beamc__job_client *client, const char *job_id,
                                                   JOB(JobStateEvent) **out, beamc_arena *arena);

/* Asks for the end of a job; *@state is what it is then. */
BEAMC_MUST_USE beamc_error *beamc__job_cancel(beamc__job_client *client, const char *job_id,
                                              JOB(JobState__Enum) *state);

BEAMC_MUST_USE beamc_error *beamc__job_drain(beamc__job_client *client, const char *job_id,
                                             JOB(JobState__Enum) *state);

BEAMC_MUST_USE beamc_error *beamc__job_list(beamc__job_client *client, JOB(GetJobsResponse) **out,
                                            beamc_arena *arena);

BEAMC_MUST_USE beamc_error *beamc__job_metrics(beamc__job_client *client, const char *job_id,
                                               JOB(GetJobMetricsResponse) **out,
                                               beamc_arena *arena);

/* The pipeline as the server has it. */
BEAMC_MUST_USE beamc_error *beamc__job_pipeline(beamc__job_client *client, const char *job_id,
                                                JOB(GetJobPipelineResponse) **out,
                                                beamc_arena *arena);

/* "RUNNING"; numbers that Beam has no name for are "UNKNOWN". */
const char *beamc__job_state_name(JOB(JobState__Enum) state);
/* Whether a job in this state stays in it. */
bool beamc__job_state_is_final(JOB(JobState__Enum) state);

#define BEAMC__JOB_METHOD(name) "/org.apache.beam.model.job_management.v1.JobService/" name

#endif
