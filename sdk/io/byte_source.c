/* SPDX-License-Identifier: Apache-2.0 */
/* A file, its decoder if it has one, and the bytes between the two. */
#include "sdk/io/byte_source.h"

#include <stdlib.h>

enum { PACKED_SIZE = 128 << 10 };

static beamc_error *ready_decoder(beamc__byte_source *source)
{
    if (source->decoder != NULL && source->decodes == source->compression)
        return beamc__decoder_reset(source->decoder);
    beamc__decoder_free(source->decoder);
    source->decoder = NULL;
    source->decodes = source->compression;
    if (source->packed == NULL && (source->packed = malloc(PACKED_SIZE)) == NULL)
        return beamc_error_nomem();
    return beamc__decoder_new(&source->decoder, source->compression);
}

beamc_error *beamc__byte_source_open(beamc__byte_source *source, const char *path,
                                     beamc_compression compression, uint64_t offset)
{
    beamc_error *err = NULL;

    beamc__byte_source_close(source);
    if (compression == BEAMC_COMPRESSION_AUTO)
        compression = beamc_compression_of_name(path, strlen(path));
    source->compression = compression;
    source->offset = offset;
    source->ended = false;
    if ((source->path = strdup(path)) == NULL)
        return beamc_error_nomem();
    if (compression != BEAMC_COMPRESSION_NONE)
        err = ready_decoder(source);
    source->left = beamc_reader_of(source->packed, 0);
    if (err == NULL)
        err = beamc_input_open(&source->input, path);
    if (err != NULL)
        beamc__byte_source_close(source);
    return err;
}

void beamc__byte_source_close(beamc__byte_source *source)
{
    beamc_input_close(source->input);
    source->input = NULL;
    free(source->path);
    source->path = NULL;
}

void beamc__byte_source_dispose(beamc__byte_source *source)
{
    beamc__byte_source_close(source);
    beamc__decoder_free(source->decoder);
    free(source->packed);
    memset(source, 0, sizeof(*source));
}

static beamc_error *read_file(beamc__byte_source *source, void *to, size_t size, size_t *got)
{
    BEAMC_TRY(beamc_input_read_at(source->input, to, size, source->offset, got));
    source->offset += *got;
    source->ended = *got == 0;
    return NULL;
}

/* Says where in the file the bytes that were not understood begin. */
static beamc_error *at_position(const beamc__byte_source *source, beamc_error *take_cause)
{
    uint64_t position = source->offset - beamc_reader_left(&source->left);
    return beamc_error_wrap(take_cause, "%s: byte %llu", source->path,
                            (unsigned long long)position);
}

static beamc_error *read_packed(beamc__byte_source *source, void *to, size_t size, size_t *got)
{
    for (;;) {
        /* Also without input: what it took before may give more than there was room for. */
        beamc_error *err = beamc__decoder_step(source->decoder, &source->left, to, size, got);
        if (err != NULL)
            return at_position(source, err);
        if (*got > 0)
            return NULL;
        if (source->left.at < source->left.end)
            continue; /* between two members */
        if (source->ended)
            return at_position(source, beamc__decoder_finish(source->decoder));
        size_t packed;
        BEAMC_TRY(read_file(source, source->packed, PACKED_SIZE, &packed));
        source->left = beamc_reader_of(source->packed, packed);
    }
}

beamc_error *beamc__byte_source_read(beamc__byte_source *source, void *to, size_t size, size_t *got)
{
    *got = 0;
    if (source->compression != BEAMC_COMPRESSION_NONE)
        return read_packed(source, to, size, got);
    return read_file(source, to, size, got);
}
