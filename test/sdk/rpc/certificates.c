/* SPDX-License-Identifier: Apache-2.0 */
#include "certificates.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static char directory[100];

static void run(const char *command)
{
    if (system(command) != 0)
        ck_abort_msg("did not work: %s", command);
}

static void make_certificates(void)
{
    const char *base = getenv("TMP");
    char command[2000];

    snprintf(directory, sizeof(directory), "%s/rpc-XXXXXX", base == NULL ? "/tmp" : base);
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(command, sizeof(command),
             "cd %s && exec >log 2>&1 && set -e\n"
             "key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'\n"
             "for ca in ca other; do\n"
             "  openssl req -x509 $key -keyout $ca.key -out $ca.pem -days 2 -subj /CN=$ca\n"
             "done\n"
             "sign() {\n"
             "  openssl req $key -keyout $1.key -out $1.csr -subj /CN=$1\n"
             "  echo \"subjectAltName=$2\" >$1.ext\n"
             "  openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
             "-extfile $1.ext -out $1.pem\n"
             "}\n"
             "sign server DNS:localhost,IP:127.0.0.1\n"
             "sign wrong DNS:elsewhere.example\n"
             "sign client DNS:client.example\n"
             "openssl pkey -in client.key -aes128 -passout pass:secret -out locked.key\n"
             "{ echo -----BEGIN CERTIFICATE-----; echo x; echo -----END CERTIFICATE-----; } "
             ">bad.pem\n",
             directory);
    run(command);
}

const char *certificates(const char *name)
{
    static char paths[4][200];
    static int next;

    if (directory[0] == '\0')
        make_certificates();
    next = (next + 1) % 4;
    snprintf(paths[next], sizeof(paths[next]), "%s/%s", directory, name);
    return paths[next];
}

beamc__rpc_tls certificates_load(const char *roots, const char *own)
{
    char certificate[100], key[100];
    beamc__rpc_tls tls;

    snprintf(certificate, sizeof(certificate), "%s.pem", own == NULL ? "" : own);
    snprintf(key, sizeof(key), "%s.key", own == NULL ? "" : own);
    ck_assert_ptr_null(beamc__rpc_tls_load(&tls, roots == NULL ? NULL : certificates(roots),
                                           own == NULL ? NULL : certificates(certificate),
                                           own == NULL ? NULL : certificates(key)));
    return tls;
}

void certificates_remove(void)
{
    char command[200];

    if (directory[0] == '\0')
        return;
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    run(command);
    directory[0] = '\0';
}
