/* SPDX-License-Identifier: Apache-2.0 */
/* Whether somebody listens somewhere, and what they speak does not matter. */
#ifndef BEAMC_PORTABLE_REACH_H
#define BEAMC_PORTABLE_REACH_H

#include <beamc/error.h>

/* Connects to any of the addresses of @host, with at most @timeout_ms for each; the error is that
 * of the last. */
BEAMC_MUST_USE beamc_error *beamc__reach(const char *host, unsigned port, int timeout_ms);

/* The same for the cluster @master that a job server of Flink or Spark is told of: "host:8081",
 * "spark://host:7077".  One that is no such address ("[local]", "local[4]", "yarn") is not tried.
 * @standard_port is that of an address without; 0: without one it is none. */
BEAMC_MUST_USE beamc_error *beamc__reach_cluster(const char *master, unsigned standard_port,
                                                 int timeout_ms);

#endif
