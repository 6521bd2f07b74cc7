/* SPDX-License-Identifier: Apache-2.0 */
/* Text files being written, and the names of shards. */
#include "sdk/io/text_writer.h"

#include "sdk/io/shard_name.h"
#include "scratch.h"
#include "test/alloc.h"
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static const beamc_compression compressions[] = { BEAMC_COMPRESSION_NONE, BEAMC_COMPRESSION_GZIP,
                                                  BEAMC_COMPRESSION_ZSTD,
                                                  BEAMC_COMPRESSION_BZIP2 };
static const char *const unpackers[] = { "cat", "gzip -dc", "zstd -qdc", "bzip2 -dc" };

static beamc__text_format plain_format(void)
{
    beamc__text_format format = { .compression = BEAMC_COMPRESSION_NONE, .delimiter = { "\n", 1 } };
    return format;
}

/* Lines 1 to @last, each as often as it says itself on top of that: a few long ones. */
static beamc_error *write_numbers(beamc__text_writer *writer, const beamc__text_format *format,
                                  unsigned last, unsigned suspend_each)
{
    char line[700];

    BEAMC_TRY(beamc__text_writer_begin(writer, format, "x"));
    for (unsigned i = 1; i <= last; i++) {
        beamc_string string = { line, 0 };
        string.size = (size_t)snprintf(line, sizeof(line), "%0*u", i % 100 == 0 ? 600 : 1, i);
        BEAMC_TRY(beamc__text_writer_line(writer, string));
        if (suspend_each != 0 && i % suspend_each == 0)
            BEAMC_TRY(beamc__text_writer_suspend(writer));
    }
    return beamc__text_writer_end(writer);
}

static void check_numbers(unsigned last, const char *unpacker)
{
    char command[300];

    snprintf(command, sizeof(command),
             "seq 1 %u | awk '{ printf($1 %% 100 ? \"%%d\\n\" : \"%%0600d\\n\", $1) }' >want; "
             "%s <x | cmp - want",
             last, unpacker);
    scratch_run(command);
}

START_TEST(lines_come_out_as_they_went_in)
{
    const size_t buffers[] = { 1, 100, 4096, 0 };
    const unsigned suspends[] = { 0, 1000, 7 };

    for (size_t b = 0; b < 4; b++) {
        for (size_t s = 0; s < 3; s++) {
            beamc__text_format format = plain_format();
            beamc__text_writer writer = { 0 };
            format.compression = compressions[_i];
            format.buffer_size = buffers[b];
            format.sync = s == 0;
            for (int again = 0; again < 2; again++)
                ck_assert_ptr_null(write_numbers(&writer, &format, 1500, suspends[s]));
            beamc__text_writer_dispose(&writer);
            check_numbers(1500, unpackers[_i]);
        }
    }
}
END_TEST

START_TEST(empty_files_are_files)
{
    beamc__text_format format = plain_format();
    beamc__text_writer writer = { 0 };
    char command[100];

    format.compression = compressions[_i];
    ck_assert_ptr_null(write_numbers(&writer, &format, 0, 0));
    snprintf(command, sizeof(command), "test \"$(%s <x | wc -c)\" = 0", unpackers[_i]);
    scratch_run(command);
    if (_i > 0)
        scratch_run("test -s x");
    beamc__text_writer_dispose(&writer);
}
END_TEST

START_TEST(headers_footers_and_delimiters_are_written)
{
    beamc__text_format format = plain_format();
    beamc__text_writer writer = { 0 };

    format.header = beamc_string_of("HEAD");
    format.footer = beamc_string_of("FOOT");
    format.delimiter = beamc_string_of("|-|");
    ck_assert_ptr_null(write_numbers(&writer, &format, 3, 0));
    beamc_buffer text = scratch_read("x");
    ck_assert_str_eq((char *)text.data, "HEAD|-|1|-|2|-|3|-|FOOT|-|");
    beamc_buffer_dispose(&text);
    ck_assert_ptr_null(write_numbers(&writer, &format, 0, 0));
    text = scratch_read("x");
    ck_assert_str_eq((char *)text.data, "HEAD|-|FOOT|-|");
    beamc_buffer_dispose(&text);
    beamc__text_writer_dispose(&writer);
}
END_TEST

START_TEST(bytes_are_counted)
{
    beamc__text_format format = plain_format();
    beamc__text_writer writer = { 0 };

    format.buffer_size = 3;
    ck_assert_ptr_null(beamc__text_writer_begin(&writer, &format, "x"));
    ck_assert_uint_eq(beamc__text_writer_bytes(&writer), 0);
    for (int i = 1; i < 10; i++) {
        ck_assert_ptr_null(beamc__text_writer_line(&writer, beamc_string_of("ab")));
        ck_assert_uint_eq(beamc__text_writer_bytes(&writer), 3 * i);
    }
    ck_assert_ptr_null(beamc__text_writer_line(&writer, beamc_string_of("longer")));
    ck_assert_uint_eq(beamc__text_writer_bytes(&writer), 34);
    beamc__text_writer_dispose(&writer);
}
END_TEST

START_TEST(abandoned_files_go_away)
{
    beamc__text_format format = plain_format();
    beamc__text_writer writer = { 0 };

    format.buffer_size = 2;
    ck_assert_ptr_null(beamc__text_writer_begin(&writer, &format, "x"));
    ck_assert_ptr_null(beamc__text_writer_line(&writer, beamc_string_of("something")));
    ck_assert(scratch_exists("x"));
    beamc__text_writer_abandon(&writer);
    ck_assert(!scratch_exists("x"));
    ck_assert_ptr_null(beamc__text_writer_begin(&writer, &format, "y"));
    ck_assert_ptr_null(beamc__text_writer_line(&writer, beamc_string_of("something")));
    ck_assert_ptr_null(beamc__text_writer_suspend(&writer));
    ck_assert(scratch_exists("y"));
    beamc__text_writer_dispose(&writer);
    ck_assert(!scratch_exists("y"));
}
END_TEST

START_TEST(a_full_disk_is_told)
{
    beamc__text_format format = plain_format();
    beamc__text_writer writer = { 0 };

    format.compression = compressions[_i];
    ck_assert_ptr_null(beamc__text_writer_begin(&writer, &format, "/dev/full"));
    ck_assert_ptr_null(beamc__text_writer_line(&writer, beamc_string_of("x")));
    ck_assert_str_eq(scratch_text(beamc__text_writer_end(&writer)),
                     "writing /dev/full: No space left on device");
    free(writer.path); /* or it would be removed */
    writer.path = strdup("x");
    beamc__text_writer_dispose(&writer);
}
END_TEST

START_TEST(a_size_limit_is_told_and_leaves_nothing)
{
    struct rlimit limit = { 1000, 1000 };
    beamc__text_format format = plain_format();
    beamc__text_writer writer = { 0 };

    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_str_eq(scratch_text(write_numbers(&writer, &format, 1000, 0)),
                     "writing x: File too large");
    beamc__text_writer_dispose(&writer);
    ck_assert(!scratch_exists("x"));
}
END_TEST

START_TEST(no_memory_is_told)
{
    beamc__text_format format = plain_format();

    format.buffer_size = 3000;
    format.compression = compressions[_i];
    for (long n = 0;; n++) {
        beamc__text_writer writer = { 0 };
        test_alloc_fail_at(n);
        beamc_error *err = write_numbers(&writer, &format, 1000, 400);
        bool failed = test_alloc_failed();
        beamc__text_writer_dispose(&writer);
        test_alloc_fail_at(-1);
        ck_assert_int_eq(beamc_error_code(err), failed ? BEAMC_ENOMEM : BEAMC_OK);
        beamc_error_free(err);
        if (!failed)
            break;
        ck_assert(!scratch_exists("x"));
    }
}
END_TEST

/* ---- names ---------------------------------------------------------------------------------- */

typedef struct {
    const char *shard_template;
    uint64_t shard;
    uint64_t count;
    const char *name;
} name_case;

static const name_case name_cases[] = {
    { BEAMC__SHARD_TEMPLATE, 3, 12, "-00003-of-00012" },
    { BEAMC__SHARD_TEMPLATE, 123456, 1234567, "-123456-of-1234567" },
    { "", 0, 1, "" },
    { "-SS", 1, 2, "-01" },
    { "_S.N_", 1, 2, "_1.2_" },
    { BEAMC__SHARD_TEMPLATE_WINDOWED, 0, 1,
      "-2024-02-29T00:00:00Z-2024-02-29T00:00:00.500Z-00000-of-00001" },
};

START_TEST(templates_are_filled_in)
{
    const name_case *test = &name_cases[_i];
    beamc_interval_window window = { INT64_C(1709164800000), INT64_C(1709164800500) };
    beamc_buffer name = { 0 };

    beamc__shard_name(&name, beamc_string_of(test->shard_template), test->shard, test->count,
                      &window);
    beamc_buffer_append_byte(&name, '\0');
    ck_assert_str_eq((char *)name.data, test->name);
    beamc_buffer_dispose(&name);
}
END_TEST

START_TEST(templates_that_lose_files_are_refused)
{
    const beamc_string none = { "", 0 };
    const beamc_string full = { "-SS-W", 5 };

    ck_assert_ptr_null(beamc__shard_template_check(none, true, false));
    ck_assert_ptr_null(beamc__shard_template_check(full, false, true));
    ck_assert_str_eq(
        scratch_text(beamc__shard_template_check(none, false, false)),
        "the shard template \"\" gives several shards one name: it has no S");
    ck_assert_str_eq(
        scratch_text(beamc__shard_template_check(none, true, true)),
        "the shard template \"\" gives several windows one name: it has no W");
    ck_assert_str_eq(
        scratch_text(beamc__shard_template_check(full, false, false)),
        "the shard template \"-SS-W\" has a W, but there is only the global window");
    ck_assert_str_eq(scratch_text(beamc__shard_template_check(beamc_string_of("/S"), false, false)),
                     "the shard template \"/S\" has a '/'");
}
END_TEST

typedef struct {
    beamc_timestamp time;
    const char *text;
} time_case;

static const time_case time_cases[] = {
    { 0, "1970-01-01T00:00:00Z" },
    { -1, "1969-12-31T23:59:59.999Z" },
    { INT64_C(951782399000), "2000-02-28T23:59:59Z" },
    { INT64_C(951782400000), "2000-02-29T00:00:00Z" },
    { INT64_C(951868800000), "2000-03-01T00:00:00Z" },
    { INT64_C(4107542400000), "2100-03-01T00:00:00Z" },
    { INT64_C(-62135596800000), "0001-01-01T00:00:00Z" },
    { INT64_C(253402300799999), "9999-12-31T23:59:59.999Z" },
    { BEAMC_TIMESTAMP_MAX, "294247-01-10T04:00:54.775Z" },
    { BEAMC_TIMESTAMP_MIN, "-290308-12-21T19:59:05.225Z" },
};

START_TEST(times_are_printed)
{
    beamc_buffer text = { 0 };

    beamc__print_time(&text, time_cases[_i].time);
    beamc_buffer_append_byte(&text, '\0');
    ck_assert_str_eq((char *)text.data, time_cases[_i].text);
    beamc_buffer_dispose(&text);
}
END_TEST

Suite *suite_text_writer(void);

Suite *suite_text_writer(void)
{
    Suite *suite = suite_create("text_writer");
    TCase *tc = tcase_create("text_writer");

    tcase_add_checked_fixture(tc, scratch_setup, scratch_teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, lines_come_out_as_they_went_in, 0, 4);
    tcase_add_loop_test(tc, empty_files_are_files, 0, 4);
    tcase_add_test(tc, headers_footers_and_delimiters_are_written);
    tcase_add_test(tc, bytes_are_counted);
    tcase_add_test(tc, abandoned_files_go_away);
    tcase_add_loop_test(tc, a_full_disk_is_told, 0, 4);
    tcase_add_test(tc, a_size_limit_is_told_and_leaves_nothing);
    tcase_add_loop_test(tc, no_memory_is_told, 0, 4);
    suite_add_tcase(suite, tc);

    tc = tcase_create("names");
    tcase_add_loop_test(tc, templates_are_filled_in, 0, sizeof(name_cases) / sizeof(name_cases[0]));
    tcase_add_test(tc, templates_that_lose_files_are_refused);
    tcase_add_loop_test(tc, times_are_printed, 0, sizeof(time_cases) / sizeof(time_cases[0]));
    suite_add_tcase(suite, tc);
    return suite;
}
