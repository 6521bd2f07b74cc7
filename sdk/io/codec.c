/* SPDX-License-Identifier: Apache-2.0 */
/* Each compression is a table of functions over its library's stream.  The libraries' counters are
 * 32 bits wide, so input and output are offered in pieces. */
#include "sdk/io/codec.h"

#include <bzlib.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
    PIECE = 1 << 30,      /* what is offered to a library at once */
    GZIP_WINDOW = 15 + 16, /* the largest window, with gzip's header and not zlib's */
    OUT_STEP = 64 << 10   /* room made for compressed bytes at a time */
};

static size_t piece(size_t size)
{
    return size < PIECE ? size : PIECE;
}

/* ---- names ---------------------------------------------------------------------------------- */

static bool ends_with(const char *name, size_t size, const char *ending)
{
    size_t length = strlen(ending);
    return size >= length && strncasecmp(name + size - length, ending, length) == 0;
}

beamc_compression beamc_compression_of_name(const char *name, size_t size)
{
    if (ends_with(name, size, ".gz"))
        return BEAMC_COMPRESSION_GZIP;
    if (ends_with(name, size, ".zst") || ends_with(name, size, ".zstd"))
        return BEAMC_COMPRESSION_ZSTD;
    if (ends_with(name, size, ".bz2"))
        return BEAMC_COMPRESSION_BZIP2;
    return BEAMC_COMPRESSION_NONE;
}

const char *beamc_compression_name(beamc_compression compression)
{
    switch (compression) {
    case BEAMC_COMPRESSION_AUTO:
        return "auto";
    case BEAMC_COMPRESSION_NONE:
        return "none";
    case BEAMC_COMPRESSION_GZIP:
        return "gzip";
    case BEAMC_COMPRESSION_ZSTD:
        return "zstd";
    case BEAMC_COMPRESSION_BZIP2:
        return "bzip2";
    }
    return "unknown";
}

static beamc_error *unknown_compression(beamc_compression compression)
{
    return beamc_error_new(BEAMC_EINVAL, "compression %d is none of those known",
                           (int)compression);
}

/* ---- decompressing -------------------------------------------------------------------------- */

typedef enum {
    BETWEEN, /* at the start, or between members: the input may end here */
    INSIDE,
    PADDING  /* gzip: zeros after the last member, as tapes have them */
} decoder_state;

struct beamc__decoder {
    beamc_compression compression;
    decoder_state state;
    bool begun; /* the library's stream is set up */
    union {
        z_stream gzip;
        ZSTD_DStream *zstd;
        bz_stream bzip2;
    } as;
};

static void end_stream(beamc__decoder *decoder)
{
    if (!decoder->begun)
        return;
    decoder->begun = false;
    switch (decoder->compression) {
    case BEAMC_COMPRESSION_GZIP:
        inflateEnd(&decoder->as.gzip);
        break;
    case BEAMC_COMPRESSION_ZSTD:
        ZSTD_freeDStream(decoder->as.zstd);
        break;
    default:
        BZ2_bzDecompressEnd(&decoder->as.bzip2);
    }
}

static beamc_error *begin_stream(beamc__decoder *decoder)
{
    memset(&decoder->as, 0, sizeof(decoder->as));
    switch (decoder->compression) {
    case BEAMC_COMPRESSION_GZIP:
        decoder->begun = inflateInit2(&decoder->as.gzip, GZIP_WINDOW) == Z_OK;
        break;
    case BEAMC_COMPRESSION_ZSTD:
        decoder->as.zstd = ZSTD_createDStream();
        decoder->begun = decoder->as.zstd != NULL;
        break;
    default:
        decoder->begun = BZ2_bzDecompressInit(&decoder->as.bzip2, 0, 0) == BZ_OK;
    }
    return decoder->begun ? NULL : beamc_error_nomem();
}

beamc_error *beamc__decoder_new(beamc__decoder **out, beamc_compression compression)
{
    beamc_error *err;

    *out = NULL;
    if (compression != BEAMC_COMPRESSION_GZIP && compression != BEAMC_COMPRESSION_ZSTD &&
        compression != BEAMC_COMPRESSION_BZIP2)
        return unknown_compression(compression);
    beamc__decoder *decoder = calloc(1, sizeof(*decoder));
    if (decoder == NULL)
        return beamc_error_nomem();
    decoder->compression = compression;
    if ((err = begin_stream(decoder)) != NULL) {
        beamc__decoder_free(decoder);
        return err;
    }
    *out = decoder;
    return NULL;
}

void beamc__decoder_free(beamc__decoder *decoder)
{
    if (decoder == NULL)
        return;
    end_stream(decoder);
    free(decoder);
}

beamc_error *beamc__decoder_reset(beamc__decoder *decoder)
{
    decoder->state = BETWEEN;
    switch (decoder->compression) {
    case BEAMC_COMPRESSION_GZIP:
        inflateReset(&decoder->as.gzip);
        return NULL;
    case BEAMC_COMPRESSION_ZSTD:
        ZSTD_DCtx_reset(decoder->as.zstd, ZSTD_reset_session_only);
        return NULL;
    default:
        end_stream(decoder);
        return begin_stream(decoder);
    }
}

/* Takes zeros; anything else begins a member. */
static void skip_padding(beamc__decoder *decoder, beamc_reader *in)
{
    while (in->at < in->end && *in->at == 0)
        in->at++;
    if (in->at < in->end)
        decoder->state = BETWEEN;
}

static beamc_error *step_gzip(beamc__decoder *decoder, beamc_reader *in, uint8_t *to, size_t size,
                              size_t *got)
{
    z_stream *stream = &decoder->as.gzip;

    if (decoder->state == PADDING) {
        skip_padding(decoder, in);
        if (in->at == in->end)
            return NULL;
    }
    decoder->state = INSIDE;
    size_t offered = piece(beamc_reader_left(in));
    size_t room = piece(size);
    stream->next_in = (Bytef *)(uintptr_t)in->at;
    stream->avail_in = (uInt)offered;
    stream->next_out = to;
    stream->avail_out = (uInt)room;
    int rc = inflate(stream, Z_NO_FLUSH);
    in->at += offered - stream->avail_in;
    *got = room - stream->avail_out;
    switch (rc) {
    case Z_OK:
    case Z_BUF_ERROR: /* neither input nor room */
        return NULL;
    case Z_STREAM_END:
        inflateReset(stream);
        decoder->state = PADDING;
        return NULL;
    case Z_MEM_ERROR:
        return beamc_error_nomem();
    default:
        return beamc_error_new(BEAMC_ECORRUPT, "gzip: %s",
                               stream->msg != NULL ? stream->msg : "malformed data");
    }
}

static beamc_error *step_zstd(beamc__decoder *decoder, beamc_reader *in, uint8_t *to, size_t size,
                              size_t *got)
{
    ZSTD_inBuffer input = { in->at, beamc_reader_left(in), 0 };
    ZSTD_outBuffer output = { to, size, 0 };
    size_t rc = ZSTD_decompressStream(decoder->as.zstd, &output, &input);

    in->at += input.pos;
    *got = output.pos;
    if (ZSTD_isError(rc)) {
        if (ZSTD_getErrorCode(rc) == ZSTD_error_memory_allocation)
            return beamc_error_nomem();
        return beamc_error_new(BEAMC_ECORRUPT, "zstd: %s", ZSTD_getErrorName(rc));
    }
    decoder->state = rc == 0 ? BETWEEN : INSIDE;
    return NULL;
}

static beamc_error *step_bzip2(beamc__decoder *decoder, beamc_reader *in, uint8_t *to, size_t size,
                               size_t *got)
{
    bz_stream *stream = &decoder->as.bzip2;

    if (decoder->state == PADDING) { /* a stream ended, and there is more */
        end_stream(decoder);
        BEAMC_TRY(begin_stream(decoder));
    }
    decoder->state = INSIDE;
    size_t offered = piece(beamc_reader_left(in));
    size_t room = piece(size);
    stream->next_in = (char *)(uintptr_t)in->at;
    stream->avail_in = (unsigned)offered;
    stream->next_out = (char *)to;
    stream->avail_out = (unsigned)room;
    int rc = BZ2_bzDecompress(stream);
    in->at += offered - stream->avail_in;
    *got = room - stream->avail_out;
    switch (rc) {
    case BZ_OK:
        return NULL;
    case BZ_STREAM_END:
        decoder->state = PADDING;
        return NULL;
    case BZ_MEM_ERROR:
        return beamc_error_nomem();
    case BZ_DATA_ERROR_MAGIC:
        return beamc_error_new(BEAMC_ECORRUPT, "bzip2: no bzip2 header");
    default:
        return beamc_error_new(BEAMC_ECORRUPT, "bzip2: malformed data");
    }
}

beamc_error *beamc__decoder_step(beamc__decoder *decoder, beamc_reader *in, uint8_t *to,
                                 size_t size, size_t *got)
{
    *got = 0;
    if (decoder->state != INSIDE && in->at == in->end)
        return NULL;
    switch (decoder->compression) {
    case BEAMC_COMPRESSION_GZIP:
        return step_gzip(decoder, in, to, size, got);
    case BEAMC_COMPRESSION_ZSTD:
        return step_zstd(decoder, in, to, size, got);
    default:
        return step_bzip2(decoder, in, to, size, got);
    }
}

beamc_error *beamc__decoder_finish(const beamc__decoder *decoder)
{
    if (decoder->state != INSIDE)
        return NULL;
    return beamc_error_new(BEAMC_ESHORT, "%s: %s", beamc_compression_name(decoder->compression),
                           beamc_code_text(BEAMC_ESHORT));
}

/* ---- compressing ---------------------------------------------------------------------------- */

struct beamc__encoder {
    beamc_compression compression;
    bool begun; /* gzip, zstd: the library's stream is set up; bzip2: inside a stream */
    union {
        z_stream gzip;
        ZSTD_CStream *zstd;
        bz_stream bzip2;
    } as;
};

static beamc_error *begin_encoder(beamc__encoder *encoder)
{
    memset(&encoder->as, 0, sizeof(encoder->as));
    switch (encoder->compression) {
    case BEAMC_COMPRESSION_GZIP:
        encoder->begun = deflateInit2(&encoder->as.gzip, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
                                      GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) == Z_OK;
        break;
    case BEAMC_COMPRESSION_ZSTD:
        encoder->as.zstd = ZSTD_createCStream();
        encoder->begun = encoder->as.zstd != NULL;
        break;
    default:
        encoder->begun = BZ2_bzCompressInit(&encoder->as.bzip2, 9, 0, 0) == BZ_OK;
    }
    return encoder->begun ? NULL : beamc_error_nomem();
}

beamc_error *beamc__encoder_new(beamc__encoder **out, beamc_compression compression)
{
    *out = NULL;
    if (compression != BEAMC_COMPRESSION_GZIP && compression != BEAMC_COMPRESSION_ZSTD &&
        compression != BEAMC_COMPRESSION_BZIP2)
        return unknown_compression(compression);
    beamc__encoder *encoder = calloc(1, sizeof(*encoder));
    if (encoder == NULL)
        return beamc_error_nomem();
    encoder->compression = compression;
    *out = encoder;
    return NULL;
}

static void end_encoder(beamc__encoder *encoder)
{
    if (!encoder->begun)
        return;
    encoder->begun = false;
    switch (encoder->compression) {
    case BEAMC_COMPRESSION_GZIP:
        deflateEnd(&encoder->as.gzip);
        break;
    case BEAMC_COMPRESSION_ZSTD:
        ZSTD_freeCStream(encoder->as.zstd);
        break;
    default:
        BZ2_bzCompressEnd(&encoder->as.bzip2);
    }
}

void beamc__encoder_free(beamc__encoder *encoder)
{
    if (encoder == NULL)
        return;
    end_encoder(encoder);
    free(encoder);
}

/* Each of these compresses one piece into the room there is; *@done: it took all of it, and with
 * @end has written the end. */
static void encode_gzip(beamc__encoder *encoder, beamc_reader *in, bool end, beamc_buffer *out,
                        bool *done)
{
    z_stream *stream = &encoder->as.gzip;
    size_t offered = piece(beamc_reader_left(in));
    bool last = offered == beamc_reader_left(in);

    stream->next_in = (Bytef *)(uintptr_t)in->at;
    stream->avail_in = (uInt)offered;
    stream->next_out = out->data + out->size;
    stream->avail_out = OUT_STEP;
    int rc = deflate(stream, end && last ? Z_FINISH : Z_NO_FLUSH);
    in->at += offered - stream->avail_in;
    out->size += OUT_STEP - stream->avail_out;
    *done = in->at == in->end && (end ? rc == Z_STREAM_END : stream->avail_out > 0);
    if (rc == Z_STREAM_END)
        deflateReset(stream);
}

static beamc_error *encode_zstd(beamc__encoder *encoder, beamc_reader *in, bool end,
                                beamc_buffer *out, bool *done)
{
    ZSTD_inBuffer input = { in->at, beamc_reader_left(in), 0 };
    ZSTD_outBuffer output = { out->data + out->size, OUT_STEP, 0 };
    size_t left = ZSTD_compressStream2(encoder->as.zstd, &output, &input,
                                       end ? ZSTD_e_end : ZSTD_e_continue);

    if (ZSTD_isError(left))
        return ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation
                   ? beamc_error_nomem()
                   : beamc_error_new(BEAMC_EIO, "zstd: %s", ZSTD_getErrorName(left));
    in->at += input.pos;
    out->size += output.pos;
    *done = in->at == in->end && (!end || left == 0);
    return NULL;
}

static void encode_bzip2(beamc__encoder *encoder, beamc_reader *in, bool end, beamc_buffer *out,
                         bool *done)
{
    bz_stream *stream = &encoder->as.bzip2;
    size_t offered = piece(beamc_reader_left(in));
    bool last = offered == beamc_reader_left(in);

    if (offered == 0 && !end) { /* the library takes that for an error */
        *done = true;
        return;
    }
    stream->next_in = (char *)(uintptr_t)in->at;
    stream->avail_in = (unsigned)offered;
    stream->next_out = (char *)out->data + out->size;
    stream->avail_out = OUT_STEP;
    int rc = BZ2_bzCompress(stream, end && last ? BZ_FINISH : BZ_RUN);
    in->at += offered - stream->avail_in;
    out->size += OUT_STEP - stream->avail_out;
    *done = in->at == in->end && (!end || rc == BZ_STREAM_END);
    if (rc == BZ_STREAM_END) /* it has no way to begin another one */
        end_encoder(encoder);
}

beamc_error *beamc__encoder_step(beamc__encoder *encoder, const void *bytes, size_t size, bool end,
                                 beamc_buffer *out)
{
    beamc_reader in = beamc_reader_of(bytes, size);
    bool done = false;

    if (!encoder->begun)
        BEAMC_TRY(begin_encoder(encoder));
    while (!done) {
        if (beamc_buffer_reserve(out, OUT_STEP) == NULL)
            return beamc_error_nomem();
        switch (encoder->compression) {
        case BEAMC_COMPRESSION_GZIP:
            encode_gzip(encoder, &in, end, out, &done);
            break;
        case BEAMC_COMPRESSION_ZSTD:
            BEAMC_TRY(encode_zstd(encoder, &in, end, out, &done));
            break;
        default:
            encode_bzip2(encoder, &in, end, out, &done);
        }
    }
    return NULL;
}
