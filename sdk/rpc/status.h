/* SPDX-License-Identifier: Apache-2.0 */
/* How calls end: gRPC's status codes, and the errors they become. */
#ifndef BEAMC_RPC_STATUS_H
#define BEAMC_RPC_STATUS_H

#include <beamc/error.h>

/* name, value, the code of its error */
#define BEAMC__RPC_CODE_MAP(X)                                                                     \
    X(OK, 0, OK)                                                                                   \
    X(CANCELLED, 1, ECANCELLED)                                                                    \
    X(UNKNOWN, 2, EIO)                                                                             \
    X(INVALID_ARGUMENT, 3, EINVAL)                                                                 \
    X(DEADLINE_EXCEEDED, 4, ETIMEOUT)                                                              \
    X(NOT_FOUND, 5, ENOENT)                                                                        \
    X(ALREADY_EXISTS, 6, EEXIST)                                                                   \
    X(PERMISSION_DENIED, 7, EIO)                                                                   \
    X(RESOURCE_EXHAUSTED, 8, ELIMIT)                                                               \
    X(FAILED_PRECONDITION, 9, EINVAL)                                                              \
    X(ABORTED, 10, EIO)                                                                            \
    X(OUT_OF_RANGE, 11, EINVAL)                                                                    \
    X(UNIMPLEMENTED, 12, EUNSUPPORTED)                                                             \
    X(INTERNAL, 13, EIO)                                                                           \
    X(UNAVAILABLE, 14, EIO)                                                                        \
    X(DATA_LOSS, 15, ECORRUPT)                                                                     \
    X(UNAUTHENTICATED, 16, EIO)

typedef enum {
#define X(name, value, code) BEAMC__RPC_##name = value,
    BEAMC__RPC_CODE_MAP(X)
#undef X
} beamc__rpc_code;

/* How a call ended.  Borrowed for the callback that tells it. */
typedef struct {
    beamc__rpc_code code;
    const beamc_error *error; /* all of it in one line, with the endpoint; NULL for OK */
} beamc__rpc_status;

/* "UNAVAILABLE"; a number that is none of gRPC's is "UNKNOWN". */
const char *beamc__rpc_code_name(beamc__rpc_code code);

/* The code of the error that a status becomes, and of the status that an error becomes. */
beamc_code beamc__rpc_error_code(beamc__rpc_code code);
beamc__rpc_code beamc__rpc_code_of(beamc_code code);

#endif
