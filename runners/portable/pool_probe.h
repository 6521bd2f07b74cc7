/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a server is a worker pool. */
#ifndef BEAMC_PORTABLE_POOL_PROBE_H
#define BEAMC_PORTABLE_POOL_PROBE_H

#include "sdk/rpc/queue.h"
#include <beamc/arena.h>

/* Asks the server at @url, within @timeout_ms.  Starts nothing. */
BEAMC_MUST_USE beamc_error *beamc__pool_probe(const char *url, beamc__rpc_queue *queue,
                                              int64_t timeout_ms, beamc_arena *arena);

#endif
