/* SPDX-License-Identifier: Apache-2.0 */
#include "tls.h"

#include <beamc/buffer.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than any chain of certificates; keeps a path that is no PEM file from filling memory. */
#define PEM_MAX (4 << 20)

static beamc_error *read_stream(beamc_buffer *to, FILE *file, const char *path)
{
    while (to->size <= PEM_MAX) {
        uint8_t *room = beamc_buffer_reserve(to, 4096);
        if (room == NULL)
            return beamc_error_nomem();
        size_t size = fread(room, 1, 4096, file);
        to->size += size;
        if (ferror(file))
            return beamc_error_system(errno, "%s", path);
        if (size == 0)
            return NULL;
    }
    return beamc_error_new(BEAMC_ELIMIT, "%s: too long for a PEM file", path);
}

static beamc_error *read_pem(const char **out, const char *path)
{
    beamc_buffer text;
    FILE *file = path == NULL ? NULL : fopen(path, "re");

    *out = NULL;
    if (path == NULL)
        return NULL;
    if (file == NULL)
        return beamc_error_system(errno, "%s", path);
    beamc_buffer_init(&text);
    beamc_error *error = read_stream(&text, file, path);
    fclose(file);
    beamc_buffer_append_byte(&text, '\0');
    if (error == NULL && beamc_buffer_failed(&text))
        error = beamc_error_nomem();
    else if (error == NULL && strstr((char *)text.data, "-----BEGIN ") == NULL)
        error = beamc_error_new(BEAMC_ECORRUPT, "%s: no PEM file", path);
    if (error != NULL)
        beamc_buffer_dispose(&text);
    else
        *out = (char *)text.data;
    return error;
}

beamc_error *beamc__rpc_tls_load(beamc__rpc_tls *out, const char *roots_path,
                                 const char *certificate_path, const char *private_key_path)
{
    memset(out, 0, sizeof(*out));
    beamc_error *error = read_pem(&out->roots, roots_path);
    if (error == NULL)
        error = read_pem(&out->certificate, certificate_path);
    if (error == NULL)
        error = read_pem(&out->private_key, private_key_path);
    if (error != NULL)
        beamc__rpc_tls_dispose(out);
    return beamc_error_wrap(error, "TLS");
}

void beamc__rpc_tls_dispose(beamc__rpc_tls *tls)
{
    free((char *)tls->roots);
    free((char *)tls->certificate);
    if (tls->private_key != NULL)
        explicit_bzero((char *)tls->private_key, strlen(tls->private_key));
    free((char *)tls->private_key);
    memset(tls, 0, sizeof(*tls));
}

static beamc_error *check_pem(const char *text, const char *what, const char *label)
{
    const char *begin = text == NULL ? NULL : strstr(text, "-----BEGIN ");

    if (text == NULL || (begin != NULL && strstr(begin, label) != NULL))
        return NULL;
    return beamc_error_new(BEAMC_EINVAL, "TLS: the %s is no PEM text with \"BEGIN ... %s\"", what,
                           label);
}

beamc_error *beamc__rpc_tls_check(const beamc__rpc_tls *tls, bool is_server)
{
    if ((tls->certificate == NULL) != (tls->private_key == NULL))
        return beamc_error_new(BEAMC_EINVAL, "TLS: %s is missing",
                               tls->certificate == NULL ? "the certificate" : "the private key");
    if (is_server && tls->certificate == NULL)
        return beamc_error_new(BEAMC_EINVAL, "TLS: a server needs a certificate and its key");
    BEAMC_TRY(check_pem(tls->roots, "roots", "CERTIFICATE-----"));
    BEAMC_TRY(check_pem(tls->certificate, "certificate", "CERTIFICATE-----"));
    return check_pem(tls->private_key, "private key", "PRIVATE KEY-----");
}
