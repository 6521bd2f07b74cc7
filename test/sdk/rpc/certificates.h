/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and certificates, made by openssl in a directory of the test's own: ca signed server (for
 * localhost and 127.0.0.1), wrong (for another name) and client; other signed nothing of it.
 * locked.key is client.key with a password; bad.pem looks like a certificate and is none. */
#ifndef BEAMC_TEST_CERTIFICATES_H
#define BEAMC_TEST_CERTIFICATES_H

#include "sdk/rpc/tls.h"

/* The path of "server.pem", "server.key" and so on, which the first call makes; valid for three
 * further calls. */
const char *certificates(const char *name);
/* Those texts, to be disposed of: @roots as "ca.pem", @own as "server"; NULL: none. */
beamc__rpc_tls certificates_load(const char *roots, const char *own);
void certificates_remove(void);

#endif
