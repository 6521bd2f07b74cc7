/* SPDX-License-Identifier: Apache-2.0 */
/* The job server that a command is about. */
#ifndef BEAMC_CLI_CONNECTION_H
#define BEAMC_CLI_CONNECTION_H

#include "command.h"
#include "runners/portable/job_client.h"

/* A client of it, and memory for its answers. */
typedef struct {
    beamc__job_client *client;
    beamc_arena *arena;
} beamc__connection;

/* The options that say which one. */
#define BEAMC__CONNECTION_OPTIONS                                                                  \
    { .name = "job_endpoint",                                                                      \
      .help = "the job server; if not given, what BEAMC_JOB_ENDPOINT says; "                       \
              "https://HOST:PORT if it speaks TLS",                                                \
      .placeholder = "HOST:PORT" },                                                                \
        { .name = "tls_roots",                                                                     \
          .help = "what verifies a job server with TLS; if not given, the system's roots",         \
          .placeholder = "FILE" },                                                                 \
        { .name = "tls_certificate",                                                               \
          .help = "our certificate, for a job server that asks for one",                           \
          .placeholder = "FILE" },                                                                 \
        { .name = "tls_private_key",                                                               \
          .help = "its key; all three are PEM files",                                              \
          .placeholder = "FILE" },                                                                 \
    {                                                                                              \
        .name = "job_server_timeout", .help = "seconds that the job server may take to answer",    \
        .kind = BEAMC_OPTION_INT64, .default_value = "10"                                          \
    }

/* As given, or by the environment variable; NULL: by neither. */
const char *beamc__connection_endpoint(const beamc__call *call);

/* Starts gRPC, too.  Nothing is sent yet.  *@status is set if the options are wrong.  What is left
 * by an error needs no closing. */
BEAMC_MUST_USE beamc_error *beamc__connection_open(beamc__connection *out, const beamc__call *call,
                                                   int *status);
void beamc__connection_close(beamc__connection *connection);

/* What a command does with a job server. */
typedef beamc_error *beamc__connection_use(const beamc__call *call, beamc__connection *connection,
                                           int *status);

/* Opens a connection, uses it and closes it: most of a command's run. */
BEAMC_MUST_USE beamc_error *beamc__connection_with(const beamc__call *call, int *status,
                                                   beamc__connection_use *use);

/* What the server tells of the job that @text means: its id or name, or the beginning of either, if
 * that is so of one job only.  Of a server that lists no jobs it is the id. */
BEAMC_MUST_USE beamc_error *beamc__connection_job(beamc__connection *connection, const char *text,
                                                  const JOB(JobInfo) **out);

#endif
