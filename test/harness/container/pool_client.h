/* SPDX-License-Identifier: Apache-2.0 */
/* A runner that asks a worker pool for workers; what cannot be fails the test. */
#ifndef BEAMC_TEST_POOL_CLIENT_H
#define BEAMC_TEST_POOL_CLIENT_H

#include "proto/beam.h"

typedef struct pool_client pool_client;

/* gRPC was started. */
pool_client *pool_client_new(const char *url);
void pool_client_free(pool_client *client); /* accepts NULL */

/* The pool's errors; "" is none.  Valid as long as the client. */
const char *pool_client_start(pool_client *client, const FN(StartWorkerRequest) *request);
const char *pool_client_stop(pool_client *client, const char *id);

#endif
