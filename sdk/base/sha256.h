/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 of bytes and of files: how staged files are told apart and checked. */
#ifndef BEAMC_BASE_SHA256_H
#define BEAMC_BASE_SHA256_H

#include <beamc/error.h>
#include <stdint.h>

/* 64 hexadecimal digits in lower case, and a NUL. */
enum { BEAMC__SHA256_TEXT_SIZE = 65 };

typedef struct beamc__sha256 beamc__sha256;

/* Of nothing so far; NULL: no memory. */
BEAMC_MUST_USE beamc__sha256 *beamc__sha256_new(void);
void beamc__sha256_free(beamc__sha256 *hash); /* accepts NULL */

/* BEAMC_OK or BEAMC_ENOMEM. */
BEAMC_MUST_USE int beamc__sha256_update(beamc__sha256 *hash, const void *bytes, size_t size);

/* Of all that was given; then it begins anew. */
BEAMC_MUST_USE int beamc__sha256_finish(beamc__sha256 *hash, char out[BEAMC__SHA256_TEXT_SIZE]);

/* Of a regular file; *@size, unless NULL, is how many bytes it has.  Errors name the file. */
BEAMC_MUST_USE beamc_error *beamc__sha256_file(char out[BEAMC__SHA256_TEXT_SIZE], uint64_t *size,
                                               const char *path);

#endif
