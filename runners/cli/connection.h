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
      .help = "the job server; if not given, what BEAMC_JOB_ENDPOINT says",                        \
      .placeholder = "HOST:PORT" },                                                                \
    {                                                                                              \
        .name = "job_server_timeout", .help = "seconds that the job server may take to answer",    \
        .kind = BEAMC_OPTION_INT64, .default_value = "10"                                          \
    }

/* As given, or by the environment variable; NULL: by neither. */
const char *beamc__connection_endpoint(const beamc__call *call);

/* Starts gRPC, too.  Nothing is sent yet.  What is left by an error needs no closing. */
BEAMC_MUST_USE beamc_error *beamc__connection_open(beamc__connection *out,
                                                   const beamc__call *call);
void beamc__connection_close(beamc__connection *connection);

#endif
