/* SPDX-License-Identifier: Apache-2.0 */
#include "tls.h"

#include <beamc/buffer.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
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

/* The library refuses what it cannot use by connecting to nothing, and does not say why; so it is
 * looked at before. */

/* The first certificate of @text; NULL: there is none that can be read. */
static X509 *read_certificate(const char *text)
{
    BIO *from = text == NULL ? NULL : BIO_new_mem_buf(text, -1);
    X509 *certificate = from == NULL ? NULL : PEM_read_bio_X509_AUX(from, NULL, NULL, NULL);

    BIO_free(from);
    return certificate;
}

static EVP_PKEY *read_key(const char *text)
{
    BIO *from = text == NULL ? NULL : BIO_new_mem_buf(text, -1);
    /* A password, so that nobody is asked for one. */
    EVP_PKEY *key = from == NULL ? NULL : PEM_read_bio_PrivateKey(from, NULL, NULL, (void *)"");

    BIO_free(from);
    return key;
}

static beamc_error *check_roots(const char *roots)
{
    X509 *first = read_certificate(roots);
    bool good = roots == NULL || first != NULL;

    X509_free(first);
    return good ? NULL
                : beamc_error_new(BEAMC_EINVAL, "TLS: no certificate can be read from the roots");
}

static beamc_error *check_own(const beamc__rpc_tls *tls)
{
    X509 *certificate = read_certificate(tls->certificate);
    EVP_PKEY *key = read_key(tls->private_key);
    const char *problem = NULL;

    if (tls->certificate != NULL && certificate == NULL)
        problem = "the certificate cannot be read";
    else if (tls->private_key != NULL && key == NULL)
        problem = "the private key cannot be read; it must not want a password";
    else if (certificate != NULL && X509_check_private_key(certificate, key) != 1)
        problem = "the private key is not that of the certificate";
    X509_free(certificate);
    EVP_PKEY_free(key);
    return problem == NULL ? NULL : beamc_error_new(BEAMC_EINVAL, "TLS: %s", problem);
}

beamc_error *beamc__rpc_tls_check(const beamc__rpc_tls *tls, bool is_server)
{
    if ((tls->certificate == NULL) != (tls->private_key == NULL))
        return beamc_error_new(BEAMC_EINVAL, "TLS: %s is missing",
                               tls->certificate == NULL ? "the certificate" : "the private key");
    if (is_server && tls->certificate == NULL)
        return beamc_error_new(BEAMC_EINVAL, "TLS: a server needs a certificate and its key");
    beamc_error *error = check_roots(tls->roots);
    if (error == NULL)
        error = check_own(tls);
    ERR_clear_error(); /* they are not the next caller's */
    return error;
}
