/* SPDX-License-Identifier: Apache-2.0 */
/* How the bytes of a file are compressed. */
#ifndef BEAMC_COMPRESSION_H
#define BEAMC_COMPRESSION_H

#include <beamc/error.h>

BEAMC_EXTERN_C_BEGIN

typedef enum {
    BEAMC_COMPRESSION_AUTO = 0, /* as the name ends: .gz, .zst, .bz2; else none */
    BEAMC_COMPRESSION_NONE,
    BEAMC_COMPRESSION_GZIP,
    BEAMC_COMPRESSION_ZSTD,
    BEAMC_COMPRESSION_BZIP2
} beamc_compression;

/** What a name's ending says; of @size bytes. */
BEAMC_API beamc_compression beamc_compression_of_name(const char *name, size_t size);

/** "gzip". */
BEAMC_API const char *beamc_compression_name(beamc_compression compression);

BEAMC_EXTERN_C_END

#endif
