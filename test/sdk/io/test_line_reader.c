/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of ranges: every cut of a file gives each line once, whatever the blocks. */
#include "sdk/io/line_reader.h"

#include "scratch.h"
#include "test/alloc.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* Lines, each in brackets. */
static void show_lines(beamc__line_reader *reader, const char *path, uint64_t start, uint64_t end,
                       beamc_buffer *out)
{
    beamc_string line;
    beamc_error *err = beamc__line_reader_open(reader, path, BEAMC_COMPRESSION_AUTO, start, end);

    ck_assert_ptr_null(err);
    while (beamc__line_reader_next(reader, &line, &err)) {
        beamc_buffer_append_byte(out, '[');
        beamc_buffer_append(out, line.data, line.size);
        beamc_buffer_append_byte(out, ']');
    }
    ck_assert_ptr_null(err);
}

typedef struct {
    const char *text;
    const char *lines;     /* as show_lines has them */
    const char *delimiter; /* NULL: newlines */
    bool keep;
} line_case;

static const line_case line_cases[] = {
    { "", "", NULL, false },
    { "a", "[a]", NULL, false },
    { "\n", "[]", NULL, false },
    { "\r\n", "[]", NULL, false },
    { "\n\n\n", "[][][]", NULL, false },
    { "a\nb\nc", "[a][b][c]", NULL, false },
    { "a\nb\nc\n", "[a][b][c]", NULL, false },
    { "a\r\nb\r\nc\r\n", "[a][b][c]", NULL, false },
    { "a\r\nb\nc\r", "[a][b][c\r]", NULL, false },
    { "\r\n\r\n\n\r\n", "[][][][]", NULL, false },
    { "a\rb\r\rc\r\r\n", "[a\rb\r\rc\r]", NULL, false },
    { "abc\n\ndefghi\njk\nl", "[abc][][defghi][jk][l]", NULL, false },
    { "no line ends here at all", "[no line ends here at all]", NULL, false },
    { "\xff\xfe\n\xc3\n", "[\xff\xfe][\xc3]", NULL, false },
    { "a\nb\r\n\nc", "[a\n][b\r\n][\n][c]", NULL, true },
    { "a;b;;c\n;", "[a][b][][c\n]", ";", false },
    { "a;b;;c", "[a;][b;][;][c]", ";", true },
    { "a<>b<><>c<d><>", "[a][b][][c<d>]", "<>", false },
    { "<><><", "[][][<]", "<>", false },
    { "a<>b<>c", "[a<>][b<>][c]", "<>", true },
    { "aXYZbXYXYZcXY", "[a][bXY][cXY]", "XYZ", false },
    { "a\r\nb\nc\r\n", "[a][b\nc]", "\r\n", false },
    { "1----=2---=----=3", "[1][2---=][3]", "----=", false },
};

/* All cuts into three ranges, with blocks of every small size. */
START_TEST(every_cut_gives_each_line_once)
{
    const line_case *test = &line_cases[_i];
    size_t size = strlen(test->text);
    beamc_buffer out = { 0 };

    scratch_write_text("x", test->text);
    for (size_t block = 1; block < 12; block += block < 4 ? 1 : 3) {
        beamc__line_options options = { { NULL, 0 }, test->keep, block };
        if (test->delimiter != NULL)
            options.delimiter = beamc_string_of(test->delimiter);
        beamc__line_reader reader;
        ck_assert_ptr_null(beamc__line_reader_init(&reader, &options));
        for (size_t first = 0; first <= size; first++) {
            for (size_t second = first; second <= size; second++) {
                beamc_buffer_clear(&out);
                show_lines(&reader, "x", 0, first, &out);
                show_lines(&reader, "x", first, second, &out);
                show_lines(&reader, "x", second, second % 2 ? size : BEAMC__TO_END, &out);
                beamc_buffer_append_byte(&out, '\0');
                ck_assert_str_eq((char *)out.data, test->lines);
            }
        }
        beamc__line_reader_dispose(&reader);
    }
    beamc_buffer_dispose(&out);
}
END_TEST

START_TEST(nul_bytes_are_bytes)
{
    beamc__line_reader reader;
    beamc_string line;
    beamc_error *err;

    scratch_write("x", "a\0b\n\0\n", 6);
    ck_assert_ptr_null(beamc__line_reader_init(&reader, NULL));
    ck_assert_ptr_null(
        beamc__line_reader_open(&reader, "x", BEAMC_COMPRESSION_NONE, 0, BEAMC__TO_END));
    ck_assert(beamc__line_reader_next(&reader, &line, &err));
    ck_assert_uint_eq(line.size, 3);
    ck_assert_mem_eq(line.data, "a\0b", 3);
    ck_assert_uint_eq(beamc__line_reader_position(&reader), 4);
    ck_assert(beamc__line_reader_next(&reader, &line, &err));
    ck_assert_uint_eq(line.size, 1);
    ck_assert(!beamc__line_reader_next(&reader, &line, &err));
    ck_assert_ptr_null(err);
    beamc__line_reader_dispose(&reader);
}
END_TEST

/* Lines of many sizes around the blocks' own, with "\r\n" on every place of a block's border. */
START_TEST(lines_cross_blocks)
{
    enum { LINES = 4000 };
    beamc_buffer text = { 0 };
    beamc__line_reader reader;
    beamc_string line;
    beamc_error *err;
    const size_t blocks[] = { 1, 16, 100, 4096, 0 };

    for (unsigned i = 0; i < LINES; i++) {
        for (unsigned j = 0; j < i * 7919 % 211; j++)
            beamc_buffer_append_byte(&text, (uint8_t)('a' + i % 26));
        beamc_buffer_append_string(&text, i % 3 == 0 ? "\n" : "\r\n");
    }
    scratch_write("x", text.data, text.size);
    for (size_t b = 0; b < sizeof(blocks) / sizeof(blocks[0]); b++) {
        beamc__line_options options = { { NULL, 0 }, false, blocks[b] };
        ck_assert_ptr_null(beamc__line_reader_init(&reader, &options));
        ck_assert_ptr_null(
            beamc__line_reader_open(&reader, "x", BEAMC_COMPRESSION_NONE, 0, text.size));
        for (unsigned i = 0; i < LINES; i++) {
            ck_assert(beamc__line_reader_next(&reader, &line, &err));
            ck_assert_uint_eq(line.size, i * 7919 % 211);
            for (size_t j = 0; j < line.size; j++)
                ck_assert_int_eq(line.data[j], (char)('a' + i % 26));
        }
        ck_assert(!beamc__line_reader_next(&reader, &line, &err));
        ck_assert_ptr_null(err);
        beamc__line_reader_dispose(&reader);
    }
    beamc_buffer_dispose(&text);
}
END_TEST

static const char *const packers[] = { "gzip", "zstd -q", "bzip2" };
static const char *const packed_names[] = { "x.gz", "x.zst", "x.bz2" };

START_TEST(compressed_lines_are_the_same)
{
    char command[100];
    beamc_buffer plain = { 0 };
    beamc_buffer packed = { 0 };
    beamc__line_reader reader;

    scratch_run("seq 1 200000 >x");
    snprintf(command, sizeof(command), "%s -c x >%s", packers[_i], packed_names[_i]);
    scratch_run(command);
    ck_assert_ptr_null(beamc__line_reader_init(&reader, NULL));
    for (int again = 0; again < 2; again++) {
        beamc_buffer_clear(&plain);
        beamc_buffer_clear(&packed);
        show_lines(&reader, "x", 0, BEAMC__TO_END, &plain);
        show_lines(&reader, packed_names[_i], 0, BEAMC__TO_END, &packed);
        ck_assert_uint_eq(plain.size, packed.size);
        ck_assert_mem_eq(plain.data, packed.data, plain.size);
    }
    beamc__line_reader_dispose(&reader);
    beamc_buffer_dispose(&plain);
    beamc_buffer_dispose(&packed);
}
END_TEST

/* 100 MB of zeros, then a line; a range in the middle of the long line has none. */
static void make_long_line(void)
{
    scratch_run("truncate -s 104857600 x && printf '\\nshort\\n' >>x");
}

START_TEST(a_line_of_100_megabytes_is_a_line)
{
    enum { LONG = 104857600 };
    beamc__line_reader reader;
    beamc_string line;
    beamc_error *err;

    make_long_line();
    ck_assert_ptr_null(beamc__line_reader_init(&reader, NULL));
    ck_assert_ptr_null(
        beamc__line_reader_open(&reader, "x", BEAMC_COMPRESSION_NONE, 0, BEAMC__TO_END));
    ck_assert(beamc__line_reader_next(&reader, &line, &err));
    ck_assert_uint_eq(line.size, LONG);
    ck_assert(beamc__line_reader_next(&reader, &line, &err));
    ck_assert_uint_eq(line.size, 5);
    ck_assert(!beamc__line_reader_next(&reader, &line, &err));

    ck_assert_ptr_null(
        beamc__line_reader_open(&reader, "x", BEAMC_COMPRESSION_NONE, LONG / 2, LONG));
    ck_assert(!beamc__line_reader_next(&reader, &line, &err));
    ck_assert_ptr_null(err);
    ck_assert_uint_le(reader.capacity, 1 << 20); /* what was grown is not kept for ever */
    ck_assert_ptr_null(
        beamc__line_reader_open(&reader, "x", BEAMC_COMPRESSION_NONE, LONG, LONG + 7));
    ck_assert(beamc__line_reader_next(&reader, &line, &err));
    ck_assert_uint_eq(line.size, 5);
    beamc__line_reader_dispose(&reader);
}
END_TEST

START_TEST(a_line_too_long_for_memory_is_told)
{
    beamc__line_reader reader;
    beamc_string line;
    beamc_error *err = NULL;

    make_long_line();
    ck_assert_ptr_null(beamc__line_reader_init(&reader, NULL));
    ck_assert_ptr_null(
        beamc__line_reader_open(&reader, "x", BEAMC_COMPRESSION_NONE, 0, BEAMC__TO_END));
    test_alloc_fail_at(4);
    ck_assert(!beamc__line_reader_next(&reader, &line, &err));
    test_alloc_fail_at(-1);
    ck_assert_int_eq(beamc_error_code(err), BEAMC_ENOMEM);
    ck_assert_str_eq(scratch_text(err),
                     "x: no memory for the line at byte 0, longer than 4194304 bytes");
    beamc__line_reader_dispose(&reader);
}
END_TEST

START_TEST(a_file_that_became_shorter_is_told)
{
    beamc__line_reader reader;
    beamc_string line;
    beamc_error *err = NULL;

    scratch_write_text("x", "a\nb\n");
    ck_assert_ptr_null(beamc__line_reader_init(&reader, NULL));
    ck_assert_ptr_null(beamc__line_reader_open(&reader, "x", BEAMC_COMPRESSION_NONE, 0, 10));
    ck_assert(beamc__line_reader_next(&reader, &line, &err));
    ck_assert(beamc__line_reader_next(&reader, &line, &err));
    ck_assert(!beamc__line_reader_next(&reader, &line, &err));
    ck_assert_str_eq(scratch_text(err),
                     "x: ends at byte 4, but had 10 bytes or more when it was matched");
    err = beamc__line_reader_open(&reader, "x", BEAMC_COMPRESSION_NONE, 6, 10);
    ck_assert_str_eq(scratch_text(err),
                     "x: ends at byte 5, but had 10 bytes or more when it was matched");
    beamc__line_reader_dispose(&reader);
}
END_TEST

START_TEST(pipes_are_read)
{
    beamc__line_reader reader;
    beamc_buffer out = { 0 };

    scratch_run("mkfifo pipe; (printf 'one\\ntw'; printf 'o\\nthree') >pipe &");
    ck_assert_ptr_null(beamc__line_reader_init(&reader, NULL));
    show_lines(&reader, "pipe", 0, BEAMC__TO_END, &out);
    beamc_buffer_append_byte(&out, '\0');
    ck_assert_str_eq((char *)out.data, "[one][two][three]");
    beamc__line_reader_dispose(&reader);
    beamc_buffer_dispose(&out);
}
END_TEST

START_TEST(a_missing_file_is_told)
{
    beamc__line_reader reader;
    beamc_string line;
    beamc_error *err = NULL;

    ck_assert_ptr_null(beamc__line_reader_init(&reader, NULL));
    ck_assert_str_eq(
        scratch_text(beamc__line_reader_open(&reader, "x", BEAMC_COMPRESSION_NONE, 0, 10)),
        "x: No such file or directory");
    ck_assert(!beamc__line_reader_next(&reader, &line, &err)); /* and there is nothing to read */
    ck_assert_ptr_null(err);
    beamc__line_reader_dispose(&reader);
}
END_TEST

START_TEST(delimiters_that_overlap_are_known)
{
    const char *overlap[] = { "aa", "aba", "abcab", "----", "\n\n" };
    const char *apart[] = { "", "a", "ab", "aab", "\r\n", "----=" };

    for (size_t i = 0; i < sizeof(overlap) / sizeof(overlap[0]); i++)
        ck_assert_msg(beamc__delimiter_overlaps(beamc_string_of(overlap[i])), "%s", overlap[i]);
    for (size_t i = 0; i < sizeof(apart) / sizeof(apart[0]); i++)
        ck_assert_msg(!beamc__delimiter_overlaps(beamc_string_of(apart[i])), "%s", apart[i]);
}
END_TEST

static beamc_error *count_lines(const char *path, size_t *count)
{
    beamc__line_options options = { { NULL, 0 }, false, 4 };
    beamc__line_reader reader;
    beamc_string line;

    *count = 0;
    BEAMC_TRY(beamc__line_reader_init(&reader, &options));
    beamc_error *err =
        beamc__line_reader_open(&reader, path, BEAMC_COMPRESSION_AUTO, 0, BEAMC__TO_END);
    while (err == NULL && beamc__line_reader_next(&reader, &line, &err))
        ++*count;
    beamc__line_reader_dispose(&reader);
    return err;
}

START_TEST(no_memory_is_told)
{
    size_t count;

    scratch_run("printf 'one\\nseventeen\\nthree\\n' >x; gzip -c x >x.gz");
    for (long n = 0;; n++) {
        test_alloc_fail_at(n);
        beamc_error *err = count_lines(_i == 0 ? "x" : "x.gz", &count);
        bool failed = test_alloc_failed();
        test_alloc_fail_at(-1);
        ck_assert_int_eq(beamc_error_code(err), failed ? BEAMC_ENOMEM : BEAMC_OK);
        beamc_error_free(err);
        if (!failed)
            break;
    }
    ck_assert_uint_eq(count, 3);
}
END_TEST

Suite *suite_line_reader(void);

Suite *suite_line_reader(void)
{
    Suite *suite = suite_create("line_reader");
    TCase *tc = tcase_create("line_reader");

    tcase_add_checked_fixture(tc, scratch_setup, scratch_teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, every_cut_gives_each_line_once, 0,
                        sizeof(line_cases) / sizeof(line_cases[0]));
    tcase_add_test(tc, nul_bytes_are_bytes);
    tcase_add_test(tc, lines_cross_blocks);
    tcase_add_loop_test(tc, compressed_lines_are_the_same, 0, 3);
    tcase_add_test(tc, a_line_of_100_megabytes_is_a_line);
    tcase_add_test(tc, a_line_too_long_for_memory_is_told);
    tcase_add_test(tc, a_file_that_became_shorter_is_told);
    tcase_add_test(tc, pipes_are_read);
    tcase_add_test(tc, a_missing_file_is_told);
    tcase_add_test(tc, delimiters_that_overlap_are_known);
    tcase_add_loop_test(tc, no_memory_is_told, 0, 2);
    suite_add_tcase(suite, tc);
    return suite;
}
