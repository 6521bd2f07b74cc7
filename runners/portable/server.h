/* SPDX-License-Identifier: Apache-2.0 */
/* Job servers that are started for one run: Prism, and those of Flink and Spark. */
#ifndef BEAMC_PORTABLE_SERVER_H
#define BEAMC_PORTABLE_SERVER_H

#include <beamc/portable.h>

typedef struct beamc__server beamc__server;

/* Where the server of @options is, without starting it: to @out of @size > 0.  The error says how to
 * get it. */
BEAMC_MUST_USE beamc_error *beamc__server_find(const beamc_portable_options *options, char *out,
                                               size_t size);

/* An error if the cluster that the server is to hand jobs to is not there: job servers take a minute
 * to say so, and not which address they tried. */
BEAMC_MUST_USE beamc_error *beamc__server_check_cluster(const beamc_portable_options *options);

/* Finds and starts the server of @options and waits until it listens. */
BEAMC_MUST_USE beamc_error *
beamc__server_start(beamc__server **out, const beamc_portable_options *options, int64_t timeout_ms);

/* "localhost:41231"; borrowed. */
const char *beamc__server_endpoint(const beamc__server *server);

/* NULL while it runs; else how it ended. */
BEAMC_MUST_USE beamc_error *beamc__server_check(beamc__server *server);

/* Stops it.  Accepts NULL. */
void beamc__server_free(beamc__server *server);

#endif
