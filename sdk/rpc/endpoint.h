/* SPDX-License-Identifier: Apache-2.0 */
/* The address of a service, as people and runners write it:
 *
 *     host:port   1.2.3.4:port   [::1]:port   ipv4:1.2.3.4:port   ipv6:[::1]:port
 *     dns:host:port   dns:///host:port   http://host:port   grpc://host:port
 *     unix:path   unix:///absolute/path   unix-abstract:name
 *
 * and with TLS:
 *
 *     https://host:port   grpcs://host:port */
#ifndef BEAMC_RPC_ENDPOINT_H
#define BEAMC_RPC_ENDPOINT_H

#include "tls.h"

/* What an address says of how it is spoken to. */
typedef enum {
    BEAMC__RPC_SECURITY_UNSAID, /* nothing: "host:port" */
    BEAMC__RPC_SECURITY_PLAIN,  /* "http://", "grpc://" */
    BEAMC__RPC_SECURITY_TLS     /* "https://", "grpcs://" */
} beamc__rpc_security;

typedef struct {
    char *url;        /* as it was given, for messages; owned */
    char *target;     /* as the library wants it; owned */
    char *host;       /* without brackets; NULL for unix; owned */
    unsigned port;    /* 0 for unix */
    const char *path; /* of a unix socket: part of target; NULL if it is none */
    beamc__rpc_security security;
} beamc__rpc_endpoint;

/* Takes @url apart.  Port 0 is allowed only if @listen: it means any free one. */
BEAMC_MUST_USE beamc_error *beamc__rpc_endpoint_parse(beamc__rpc_endpoint *out, const char *url,
                                                      bool listen);
void beamc__rpc_endpoint_dispose(beamc__rpc_endpoint *endpoint);

/* What @url says by its beginning, be the rest as it may. */
beamc__rpc_security beamc__rpc_endpoint_security(const char *url);

/* What to speak there if @given (NULL: plaintext) is wanted where nothing is said: *@out is @given,
 * or an empty one for an address that says TLS, or NULL for plaintext.  An error if they contradict
 * each other. */
BEAMC_MUST_USE beamc_error *beamc__rpc_endpoint_tls(const beamc__rpc_tls **out,
                                                    const beamc__rpc_endpoint *endpoint,
                                                    const beamc__rpc_tls *given);

/* Says why an address cannot be listened on, by trying; NULL if it can. */
BEAMC_MUST_USE beamc_error *beamc__rpc_endpoint_try_bind(const beamc__rpc_endpoint *endpoint);

#endif
