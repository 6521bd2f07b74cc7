/* SPDX-License-Identifier: Apache-2.0 */
/* Staging: a job server asks for the files of a job, one after the other, on a stream that we open.
 */
#ifndef BEAMC_PORTABLE_STAGING_H
#define BEAMC_PORTABLE_STAGING_H

#include "runners/portable/artifacts.h"
#include "sdk/rpc/channel.h"

typedef struct {
    beamc__rpc_queue *queue;
    const char *endpoint;
    const beamc__rpc_tls *tls;  /* NULL: plaintext, or as the endpoint says */
    const char *token;          /* of the prepared job */
    int64_t timeout_ms;         /* how long the server may say nothing */
    const volatile int *cancel; /* becomes non-zero to end it; may be NULL */
} beamc__staging_options;

/* Answers until the server has all.  Nothing but @artifacts is ever sent; a file that changed since
 * it was collected is an error. */
BEAMC_MUST_USE beamc_error *beamc__staging_serve(const beamc__artifacts *artifacts,
                                                 const beamc__staging_options *options);

#endif
