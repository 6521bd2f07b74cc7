/* SPDX-License-Identifier: Apache-2.0 */
/* TLS to a job server: that it is spoken is said by the endpoint, "https://host:port", and who both
 * sides are by files that options name. */
#ifndef BEAMC_PORTABLE_JOB_TLS_H
#define BEAMC_PORTABLE_JOB_TLS_H

#include "sdk/rpc/tls.h"
#include <beamc/arena.h>

/* Paths of PEM files, named after their options; all borrowed; NULL: not given. */
typedef struct {
    const char *roots;       /* --tls_roots: what verifies the server; not given: the system's */
    const char *certificate; /* --tls_certificate: our own, for a server that asks for one */
    const char *private_key; /* --tls_private_key: of that */
} beamc__job_tls;

/* Refuses files for an endpoint without TLS.  @endpoint NULL is that of a server that is started
 * for a run; those speak none. */
BEAMC_MUST_USE beamc_error *beamc__job_tls_check(const beamc__job_tls *files, const char *endpoint);

/* Reads them; *@out is to be disposed of. */
BEAMC_MUST_USE beamc_error *beamc__job_tls_load(beamc__rpc_tls *out, const beamc__job_tls *files,
                                                const char *endpoint);

/* As a command line has them, with a blank before each; NULL: no memory. */
const char *beamc__job_tls_line(const beamc__job_tls *files, beamc_arena *arena);

#endif
