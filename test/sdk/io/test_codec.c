/* SPDX-License-Identifier: Apache-2.0 */
/* Compressing and decompressing, and the bytes of compressed files. */
#include "sdk/io/codec.h"

#include "sdk/io/byte_source.h"
#include "scratch.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static const beamc_compression compressions[] = { BEAMC_COMPRESSION_GZIP, BEAMC_COMPRESSION_ZSTD,
                                                  BEAMC_COMPRESSION_BZIP2 };
static const char *const tools[] = { "gzip", "zstd -q", "bzip2" };
static const char *const endings[] = { ".gz", ".zst", ".bz2" };

enum { COMPRESSIONS = 3 };

/* Text of @size bytes that compresses somewhat. */
static uint8_t *make_text(size_t size)
{
    uint8_t *text = malloc(size + 1);
    uint32_t random = 1;

    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < size; i++) {
        random = random * 1664525 + 1013904223;
        text[i] = random >> 28 == 0 ? '\n' : (uint8_t)('a' + (random >> 30));
    }
    return text;
}

static void encode(beamc_compression compression, const uint8_t *bytes, size_t size, size_t step,
                   beamc_buffer *out)
{
    beamc__encoder *encoder;

    ck_assert_ptr_null(beamc__encoder_new(&encoder, compression));
    for (size_t at = 0; at < size; at += step)
        ck_assert_ptr_null(beamc__encoder_step(encoder, bytes + at,
                                               size - at < step ? size - at : step, false, out));
    ck_assert_ptr_null(beamc__encoder_step(encoder, NULL, 0, true, out));
    beamc__encoder_free(encoder);
}

/* Decodes in steps of so many bytes of input and output. */
static beamc_error *decode(beamc_compression compression, const beamc_buffer *packed,
                           size_t in_step, size_t out_step, beamc_buffer *out)
{
    beamc__decoder *decoder;
    beamc_error *err = NULL;
    size_t got;

    ck_assert_ptr_null(beamc__decoder_new(&decoder, compression));
    for (size_t at = 0; err == NULL && at <= packed->size; at += in_step) {
        size_t left = packed->size - at;
        beamc_reader in = beamc_reader_of(packed->data + at, left < in_step ? left : in_step);
        do {
            ck_assert_ptr_nonnull(beamc_buffer_reserve(out, out_step));
            err = beamc__decoder_step(decoder, &in, out->data + out->size, out_step, &got);
            out->size += got;
        } while (err == NULL && (got > 0 || in.at < in.end));
    }
    if (err == NULL)
        err = beamc__decoder_finish(decoder);
    beamc__decoder_free(decoder);
    return err;
}

START_TEST(what_was_compressed_comes_back)
{
    const size_t sizes[] = { 0, 1, 100, 1000, 300000 };
    beamc_compression compression = compressions[_i];

    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        uint8_t *text = make_text(sizes[s]);
        for (size_t step = 1; step <= 1000000; step *= 1000) {
            if (step == 1 && sizes[s] > 1000)
                continue;
            beamc_buffer packed = { 0 };
            beamc_buffer out = { 0 };
            encode(compression, text, sizes[s], step, &packed);
            ck_assert_ptr_null(decode(compression, &packed, step, step, &out));
            ck_assert_uint_eq(out.size, sizes[s]);
            ck_assert(out.size == 0 || memcmp(out.data, text, out.size) == 0);
            beamc_buffer_dispose(&packed);
            beamc_buffer_dispose(&out);
        }
        free(text);
    }
}
END_TEST

START_TEST(members_follow_one_another)
{
    beamc_compression compression = compressions[_i];

    for (size_t step = 1; step < 100; step += 7) {
        beamc_buffer packed = { 0 };
        beamc_buffer out = { 0 };
        beamc__encoder *encoder;
        ck_assert_ptr_null(beamc__encoder_new(&encoder, compression));
        ck_assert_ptr_null(beamc__encoder_step(encoder, "one ", 4, true, &packed));
        ck_assert_ptr_null(beamc__encoder_step(encoder, "", 0, true, &packed));
        ck_assert_ptr_null(beamc__encoder_step(encoder, "two", 3, true, &packed));
        beamc__encoder_free(encoder);
        ck_assert_ptr_null(decode(compression, &packed, step, 2, &out));
        ck_assert_uint_eq(out.size, 7);
        ck_assert_mem_eq(out.data, "one two", 7);
        beamc_buffer_dispose(&packed);
        beamc_buffer_dispose(&out);
    }
}
END_TEST

START_TEST(every_truncation_is_told)
{
    beamc_compression compression = compressions[_i];
    beamc_buffer packed = { 0 };
    uint8_t *text = make_text(200);

    encode(compression, text, 200, 200, &packed);
    for (size_t size = 1; size < packed.size; size++) {
        beamc_buffer cut = { packed.data, size, size, false };
        beamc_buffer out = { 0 };
        beamc_error *err = decode(compression, &cut, size, 1000, &out);
        ck_assert_int_eq(beamc_error_code(err), BEAMC_ESHORT);
        beamc_error_free(err);
        beamc_buffer_dispose(&out);
    }
    free(text);
    beamc_buffer_dispose(&packed);
}
END_TEST

START_TEST(every_changed_byte_is_survived)
{
    beamc_compression compression = compressions[_i];
    beamc_buffer packed = { 0 };
    uint8_t *text = make_text(200);
    size_t told = 0;

    encode(compression, text, 200, 200, &packed);
    for (size_t at = 0; at < packed.size; at++) {
        packed.data[at] ^= 0x55;
        beamc_buffer out = { 0 };
        beamc_error *err = decode(compression, &packed, packed.size, 1000, &out);
        told += err != NULL;
        beamc_error_free(err);
        beamc_buffer_dispose(&out);
        packed.data[at] ^= 0x55;
    }
    ck_assert_uint_gt(told, packed.size / 2);
    free(text);
    beamc_buffer_dispose(&packed);
}
END_TEST

START_TEST(gzip_may_be_padded_with_zeros)
{
    beamc_buffer packed = { 0 };
    beamc_buffer out = { 0 };
    const uint8_t zeros[100] = { 0 };

    encode(BEAMC_COMPRESSION_GZIP, (const uint8_t *)"abc", 3, 3, &packed);
    beamc_buffer_append(&packed, zeros, sizeof(zeros));
    ck_assert_ptr_null(decode(BEAMC_COMPRESSION_GZIP, &packed, 7, 100, &out));
    ck_assert_uint_eq(out.size, 3);
    beamc_buffer_append(&packed, "x", 1);
    beamc_error *err = decode(BEAMC_COMPRESSION_GZIP, &packed, 1000, 100, &out);
    ck_assert_int_eq(beamc_error_code(err), BEAMC_ESHORT); /* a member's first byte? no more came */
    beamc_error_free(err);
    beamc_buffer_append(&packed, "yz", 2);
    err = decode(BEAMC_COMPRESSION_GZIP, &packed, 1000, 100, &out);
    ck_assert_str_eq(scratch_text(err), "gzip: incorrect header check");
    beamc_buffer_dispose(&packed);
    beamc_buffer_dispose(&out);
}
END_TEST

START_TEST(names_tell_the_compression)
{
    ck_assert_int_eq(beamc_compression_of_name("a.gz", 4), BEAMC_COMPRESSION_GZIP);
    ck_assert_int_eq(beamc_compression_of_name("a.GZ", 4), BEAMC_COMPRESSION_GZIP);
    ck_assert_int_eq(beamc_compression_of_name("a.zst", 5), BEAMC_COMPRESSION_ZSTD);
    ck_assert_int_eq(beamc_compression_of_name("a.bz2", 5), BEAMC_COMPRESSION_BZIP2);
    ck_assert_int_eq(beamc_compression_of_name("a.bz2", 4), BEAMC_COMPRESSION_NONE);
    ck_assert_int_eq(beamc_compression_of_name(".gz", 3), BEAMC_COMPRESSION_GZIP);
    ck_assert_int_eq(beamc_compression_of_name("gz", 2), BEAMC_COMPRESSION_NONE);
}
END_TEST

static beamc_error *read_all(beamc__byte_source *source, const char *path,
                             beamc_compression compression, beamc_buffer *out)
{
    size_t got;

    BEAMC_TRY(beamc__byte_source_open(source, path, compression, 0));
    do {
        ck_assert_ptr_nonnull(beamc_buffer_reserve(out, 1000));
        BEAMC_TRY(beamc__byte_source_read(source, out->data + out->size, 1000, &got));
        out->size += got;
    } while (got > 0);
    return NULL;
}

/* Files that the usual tools made, also put one behind the other. */
START_TEST(files_of_the_usual_tools_are_read)
{
    enum { SIZE = 500000 };
    uint8_t *text = make_text(SIZE);
    char command[300];
    char path[16];
    beamc__byte_source source = { 0 };
    beamc_buffer out = { 0 };

    snprintf(path, sizeof(path), "x%s", endings[_i]);
    scratch_write("x", text, SIZE);
    snprintf(command, sizeof(command), "%s -c x >%s && %s -c x >>%s", tools[_i], path, tools[_i],
             path);
    scratch_run(command);
    for (int again = 0; again < 2; again++) {
        beamc_buffer_clear(&out);
        ck_assert_ptr_null(read_all(&source, path, BEAMC_COMPRESSION_AUTO, &out));
        ck_assert_uint_eq(out.size, 2 * SIZE);
        ck_assert_mem_eq(out.data, text, SIZE);
        ck_assert_mem_eq(out.data + SIZE, text, SIZE);
    }
    beamc__byte_source_dispose(&source);
    beamc_buffer_dispose(&out);
    free(text);
}
END_TEST

START_TEST(bad_files_are_told_with_the_place)
{
    char path[16];
    beamc__byte_source source = { 0 };
    beamc_buffer packed = { 0 };
    beamc_buffer out = { 0 };

    snprintf(path, sizeof(path), "x%s", endings[_i]);
    encode(compressions[_i], (const uint8_t *)"abcabc", 6, 6, &packed);
    scratch_write(path, packed.data, packed.size - 3);
    beamc_error *err = read_all(&source, path, BEAMC_COMPRESSION_AUTO, &out);
    char expected[100];
    snprintf(expected, sizeof(expected), "%s: byte %zu: %s: input ends too early", path,
             packed.size - 3, beamc_compression_name(compressions[_i]));
    ck_assert_str_eq(scratch_text(err), expected);

    scratch_write_text(path, "this is no compressed file at all");
    err = read_all(&source, path, BEAMC_COMPRESSION_AUTO, &out);
    ck_assert_int_eq(beamc_error_code(err), BEAMC_ECORRUPT);
    ck_assert_int_eq(strncmp(scratch_text(err), path, strlen(path)), 0);

    scratch_write_text(path, ""); /* no members at all */
    out.size = 0;
    ck_assert_ptr_null(read_all(&source, path, BEAMC_COMPRESSION_AUTO, &out));
    ck_assert_uint_eq(out.size, 0);
    beamc__byte_source_dispose(&source);
    beamc_buffer_dispose(&packed);
    beamc_buffer_dispose(&out);
}
END_TEST

Suite *suite_codec(void);

Suite *suite_codec(void)
{
    Suite *suite = suite_create("codec");
    TCase *tc = tcase_create("codec");

    tcase_add_checked_fixture(tc, scratch_setup, scratch_teardown);
    tcase_add_loop_test(tc, what_was_compressed_comes_back, 0, COMPRESSIONS);
    tcase_add_loop_test(tc, members_follow_one_another, 0, COMPRESSIONS);
    tcase_add_loop_test(tc, every_truncation_is_told, 0, COMPRESSIONS);
    tcase_add_loop_test(tc, every_changed_byte_is_survived, 0, COMPRESSIONS);
    tcase_add_test(tc, gzip_may_be_padded_with_zeros);
    tcase_add_test(tc, names_tell_the_compression);
    tcase_add_loop_test(tc, files_of_the_usual_tools_are_read, 0, COMPRESSIONS);
    tcase_add_loop_test(tc, bad_files_are_told_with_the_place, 0, COMPRESSIONS);
    suite_add_tcase(suite, tc);
    return suite;
}
