/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a file one after the other, decompressed if need be. */
#ifndef BEAMC_IO_BYTE_SOURCE_H
#define BEAMC_IO_BYTE_SOURCE_H

#include "sdk/io/codec.h"
#include <beamc/filesystem.h>

/* Cleared to begin with; keeps its memory from file to file. */
typedef struct {
    beamc_input *input;  /* NULL: closed */
    char *path;
    uint64_t offset;     /* in the file, of the next byte to read */
    beamc_compression compression;
    beamc__decoder *decoder; /* of `decodes` */
    beamc_compression decodes;
    uint8_t *packed;     /* what was read but not yet decompressed lies in here */
    beamc_reader left;
    bool ended;          /* the file has no more bytes */
} beamc__byte_source;

/* Opens @path from @offset on; compressed files from 0 only.  @compression may be AUTO. */
BEAMC_MUST_USE beamc_error *beamc__byte_source_open(beamc__byte_source *source, const char *path,
                                                    beamc_compression compression,
                                                    uint64_t offset);
void beamc__byte_source_close(beamc__byte_source *source);
void beamc__byte_source_dispose(beamc__byte_source *source);

/* Up to @size bytes; *@got is 0 only at the end. */
BEAMC_MUST_USE beamc_error *beamc__byte_source_read(beamc__byte_source *source, void *to,
                                                    size_t size, size_t *got);

#endif
