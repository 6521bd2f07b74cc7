/* SPDX-License-Identifier: Apache-2.0 */
/* What the core says about a failed call, in words that help.  Private to this room. */
#ifndef BEAMC_RPC_EXPLAIN_H
#define BEAMC_RPC_EXPLAIN_H

#include "status.h"
#include <stdint.h>

typedef struct {
    const char *url;    /* of the endpoint */
    const char *method; /* "/package.Service/Method" */
    bool tls;           /* the channel uses it */
    int64_t timeout_ms; /* of the call; 0: none */
    beamc__rpc_code code;
    const char *details; /* the status message */
    bool from_peer;      /* the server sent it; else the core made it */
    const char *reason;  /* why there is no connection, if that is known; else NULL */
} beamc__rpc_failure;

/* NULL for OK. */
beamc_error *beamc__rpc_explain(const beamc__rpc_failure *failure);

/* The part of @details that says why there is no connection, put better; or NULL if it is about
 * something else.  Written to @out of @size. */
const char *beamc__rpc_explain_connect(const char *details, bool tls, char *out, size_t size);

#endif
