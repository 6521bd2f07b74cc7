/* SPDX-License-Identifier: Apache-2.0 */
/* Compressing and decompressing bytes as they come: gzip with any number of members, zstd with any
 * number of frames, bzip2 with any number of streams. */
#ifndef BEAMC_IO_CODEC_H
#define BEAMC_IO_CODEC_H

#include <beamc/buffer.h>
#include <beamc/compression.h>

typedef struct beamc__decoder beamc__decoder;
typedef struct beamc__encoder beamc__encoder;

/* @compression is none of AUTO and NONE. */
BEAMC_MUST_USE beamc_error *beamc__decoder_new(beamc__decoder **out, beamc_compression compression);
void beamc__decoder_free(beamc__decoder *decoder); /* accepts NULL */

/* Back to the start of a file, keeping its memory. */
BEAMC_MUST_USE beamc_error *beamc__decoder_reset(beamc__decoder *decoder);

/* Takes from @in and fills @to, as far as either goes; *@got bytes were written.  Asks for more
 * input by leaving none; when that has ended, call beamc__decoder_finish. */
BEAMC_MUST_USE beamc_error *beamc__decoder_step(beamc__decoder *decoder, beamc_reader *in,
                                                uint8_t *to, size_t size, size_t *got);

/* After the last byte of input: whether it was whole. */
BEAMC_MUST_USE beamc_error *beamc__decoder_finish(const beamc__decoder *decoder);

BEAMC_MUST_USE beamc_error *beamc__encoder_new(beamc__encoder **out, beamc_compression compression);
void beamc__encoder_free(beamc__encoder *encoder); /* accepts NULL */

/* Appends what @size bytes become to @out; @end: with the end of the member, frame or stream, after
 * which the next bytes begin another.  Ending one that has no bytes gives an empty one. */
BEAMC_MUST_USE beamc_error *beamc__encoder_step(beamc__encoder *encoder, const void *bytes,
                                                size_t size, bool end, beamc_buffer *out);

#endif
