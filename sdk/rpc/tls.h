/* SPDX-License-Identifier: Apache-2.0 */
/* What the two sides of a TLS connection are known by: PEM texts, read from files or given. */
#ifndef BEAMC_RPC_TLS_H
#define BEAMC_RPC_TLS_H

#include <beamc/error.h>

/* All borrowed; NULL is none. */
typedef struct {
    const char *roots;       /* whom to believe.  A client without: those of the system; a server
                              * with: it asks its clients for certificates, and requires them */
    const char *certificate; /* our own with those that signed it: a server's always; a client's for
                              * a server that asks */
    const char *private_key; /* of the certificate */
    const char *server_name; /* a client's: the name in the server's certificate, if it is not the
                              * host of the endpoint */
} beamc__rpc_tls;

/* Reads the three from files; a NULL path is none.  The texts are owned by *@out. */
BEAMC_MUST_USE beamc_error *beamc__rpc_tls_load(beamc__rpc_tls *out, const char *roots_path,
                                                const char *certificate_path,
                                                const char *private_key_path);
/* Frees what load has read, the key wiped. */
void beamc__rpc_tls_dispose(beamc__rpc_tls *tls);

/* Refuses texts that cannot be used: no certificate in them, a key that is of another one, or one
 * of the two without the other. */
BEAMC_MUST_USE beamc_error *beamc__rpc_tls_check(const beamc__rpc_tls *tls, bool is_server);

#endif
