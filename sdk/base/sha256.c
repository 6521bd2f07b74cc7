/* SPDX-License-Identifier: Apache-2.0 */
#include "sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIGEST_SIZE = 32, READ_SIZE = 256 * 1024 };

struct beamc__sha256 {
    EVP_MD_CTX *context;
};

/* The library fails here only without memory: the algorithm is always there. */
static int begin(beamc__sha256 *hash)
{
    return EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL) == 1 ? BEAMC_OK : BEAMC_ENOMEM;
}

beamc__sha256 *beamc__sha256_new(void)
{
    beamc__sha256 *hash = calloc(1, sizeof(*hash));

    if (hash == NULL)
        return NULL;
    hash->context = EVP_MD_CTX_new();
    if (hash->context == NULL || begin(hash) < 0) {
        beamc__sha256_free(hash);
        return NULL;
    }
    return hash;
}

void beamc__sha256_free(beamc__sha256 *hash)
{
    if (hash == NULL)
        return;
    EVP_MD_CTX_free(hash->context);
    free(hash);
}

int beamc__sha256_update(beamc__sha256 *hash, const void *bytes, size_t size)
{
    return EVP_DigestUpdate(hash->context, bytes, size) == 1 ? BEAMC_OK : BEAMC_ENOMEM;
}

int beamc__sha256_finish(beamc__sha256 *hash, char out[BEAMC__SHA256_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[DIGEST_SIZE];

    if (EVP_DigestFinal_ex(hash->context, digest, NULL) != 1)
        return BEAMC_ENOMEM;
    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[2 * DIGEST_SIZE] = '\0';
    return begin(hash);
}

static beamc_error *update_from(beamc__sha256 *hash, uint64_t *size, int file, const char *path)
{
    unsigned char *chunk = malloc(READ_SIZE);
    beamc_error *error = NULL;
    ssize_t got = 1;

    if (chunk == NULL)
        return beamc_error_nomem();
    while (error == NULL && got > 0) {
        got = read(file, chunk, READ_SIZE);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got < 0)
            error = beamc_error_system(errno, "%s", path);
        else if (beamc__sha256_update(hash, chunk, (size_t)got) < 0)
            error = beamc_error_nomem();
        else
            *size += (uint64_t)got;
    }
    free(chunk);
    return error;
}

static beamc_error *hash_open(char out[BEAMC__SHA256_TEXT_SIZE], uint64_t *size, int file,
                              const char *path)
{
    struct stat about;

    if (fstat(file, &about) < 0)
        return beamc_error_system(errno, "%s", path);
    if (!S_ISREG(about.st_mode))
        return beamc_error_new(BEAMC_EINVAL, "%s: this is %s, not a file", path,
                               S_ISDIR(about.st_mode) ? "a directory" : "a device or pipe");
    beamc__sha256 *hash = beamc__sha256_new();
    beamc_error *error = hash == NULL ? beamc_error_nomem() : update_from(hash, size, file, path);
    if (error == NULL && beamc__sha256_finish(hash, out) < 0)
        error = beamc_error_nomem();
    beamc__sha256_free(hash);
    return error;
}

beamc_error *beamc__sha256_file(char out[BEAMC__SHA256_TEXT_SIZE], uint64_t *size, const char *path)
{
    uint64_t counted = 0;
    /* Opening a pipe would wait for its other end. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (file < 0)
        return beamc_error_system(errno, "%s", path);
    beamc_error *error = hash_open(out, &counted, file, path);
    close(file);
    if (error == NULL && size != NULL)
        *size = counted;
    return error;
}
