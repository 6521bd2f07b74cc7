/* SPDX-License-Identifier: Apache-2.0 */
/* Local files through the table: matching, reading, writing, names; and what goes wrong. */
#include <beamc/filesystem.h>

#include "scratch.h"
#include "test/alloc.h"
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void make_tree(void)
{
    const char *files[] = { "a.txt", "b.txt", "c.log", ".hidden.txt", "d/a.txt",  "d/e/a.txt",
                            "d/e/b", "[x]",   "d/.g/a.txt", "two words.txt" };

    scratch_run("mkdir -p d/e d/.g empty dir.txt");
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        scratch_write_text(files[i], files[i]);
    scratch_run("ln -s a.txt link.txt; ln -s nowhere.txt broken.txt; ln -s .. d/loop");
}

/* What matches, each with a blank behind. */
static const char *match(const char *pattern, beamc_arena *arena)
{
    beamc_file_list files;
    beamc_error *err = beamc_files_match(&files, pattern, arena);
    char *names = beamc_arena_strdup(arena, "");

    ck_assert_msg(err == NULL, "%s", err == NULL ? "" : scratch_text(err));
    for (size_t i = 0; i < files.count; i++)
        names = beamc_arena_printf(arena, "%s%s ", names, files.files[i].path);
    return names;
}

typedef struct {
    const char *pattern;
    const char *matches;
} match_case;

static const match_case match_cases[] = {
    { "a.txt", "a.txt " },
    { "nothing", "" },
    { "nothing/at/all", "" },
    { "a.txt/b", "" },
    { "*.txt", "a.txt b.txt link.txt two words.txt " },
    { "./*.txt", "./a.txt ./b.txt ./link.txt ./two words.txt " },
    { "?.*", "a.txt b.txt c.log " },
    { ".*.txt", ".hidden.txt " },
    { "[ab].txt", "a.txt b.txt " },
    { "\\[x\\]", "[x] " },
    { "[x]", "" },
    { "*/a.txt", "d/a.txt " },
    { "d*/e/*", "d/e/a.txt d/e/b " },
    { "empty/*", "" },
    { "**", "[x] a.txt b.txt c.log d/a.txt d/e/a.txt d/e/b link.txt two words.txt " },
    { "**/a.txt", "a.txt d/a.txt d/e/a.txt " },
    { "d/**", "d/a.txt d/e/a.txt d/e/b " },
    { "*/**/a.txt", "d/a.txt d/e/a.txt " },
    { "d//a.txt", "d/a.txt " },
    { "a.txt/", "" },
    { "*.t?t/", "" },
    { "/proc/self/stat[u-v]s", "/proc/self/status " },
};

START_TEST(patterns_find_files)
{
    beamc_arena *arena = beamc_arena_new();

    make_tree();
    ck_assert_str_eq(match(match_cases[_i].pattern, arena), match_cases[_i].matches);
    beamc_arena_free(arena);
}
END_TEST

START_TEST(file_urls_are_local_files)
{
    beamc_arena *arena = beamc_arena_new();
    const char *here = scratch_path();

    make_tree();
    ck_assert_str_eq(match(beamc_arena_printf(arena, "file://%s/?.log", here), arena),
                     beamc_arena_printf(arena, "file://%s/c.log ", here));
    beamc_input *input;
    ck_assert_ptr_null(
        beamc_input_open(&input, beamc_arena_printf(arena, "FILE://%s/c.log", here)));
    beamc_input_close(input);
    beamc_arena_free(arena);
}
END_TEST

START_TEST(a_match_says_size_and_time)
{
    beamc_arena *arena = beamc_arena_new();
    beamc_file_list files;

    scratch_write_text("x", "12345");
    scratch_run("touch -d '2001-02-03 04:05:06.789 UTC' x");
    ck_assert_ptr_null(beamc_files_match(&files, "x", arena));
    ck_assert_uint_eq(files.count, 1);
    ck_assert_uint_eq(files.files[0].size, 5);
    ck_assert_int_eq(files.files[0].modified, INT64_C(981173106789));
    ck_assert(!files.files[0].sequential);
    ck_assert_ptr_null(beamc_files_match(&files, "/dev/null", arena));
    ck_assert(files.files[0].sequential);
    beamc_arena_free(arena);
}
END_TEST

START_TEST(what_cannot_be_matched_is_told)
{
    beamc_arena *arena = beamc_arena_new();
    beamc_file_list files;
    char *longer = malloc(6001);

    make_tree();
    ck_assert_str_eq(scratch_text(beamc_files_match(&files, "d/e", arena)),
                     "d/e is a directory; a pattern such as d/e/* names the files in it");
    ck_assert_str_eq(scratch_text(beamc_files_match(&files, "moon://a/b", arena)),
                     "moon://a/b: there is no file system for moon://");
    ck_assert_str_eq(scratch_text(beamc_files_match(&files, "", arena)),
                     "a file's path is empty");
    memset(longer, 'a', 6000);
    longer[6000] = '\0';
    ck_assert_ptr_nonnull(strstr(scratch_text(beamc_files_match(&files, longer, arena)),
                                 "File name too long"));
    scratch_run("ln -s round round");
    ck_assert_str_eq(scratch_text(beamc_files_match(&files, "round", arena)),
                     "round: Too many levels of symbolic links");
    free(longer);
    beamc_arena_free(arena);
}
END_TEST

START_TEST(files_are_read_from_any_place)
{
    beamc_input *input;
    char bytes[16];
    size_t got;

    scratch_write_text("x", "0123456789");
    ck_assert_ptr_null(beamc_input_open(&input, "x"));
    ck_assert_ptr_null(beamc_input_read_at(input, bytes, 3, 4, &got));
    ck_assert_uint_eq(got, 3);
    ck_assert_mem_eq(bytes, "456", 3);
    ck_assert_ptr_null(beamc_input_read_at(input, bytes, 16, 8, &got));
    ck_assert_uint_eq(got, 2);
    ck_assert_ptr_null(beamc_input_read_at(input, bytes, 16, 10, &got));
    ck_assert_uint_eq(got, 0);
    beamc_input_close(input);
}
END_TEST

START_TEST(what_cannot_be_read_is_told)
{
    beamc_input *input;
    char bytes[16];
    size_t got;

    ck_assert_str_eq(scratch_text(beamc_input_open(&input, "nothing")),
                     "nothing: No such file or directory");
    ck_assert_ptr_null(input);
    scratch_run("mkdir d");
    ck_assert_ptr_null(beamc_input_open(&input, "d"));
    ck_assert_str_eq(scratch_text(beamc_input_read_at(input, bytes, 16, 7, &got)),
                     "d: byte 7: Is a directory");
    beamc_input_close(input);
    beamc_input_close(NULL);
}
END_TEST

START_TEST(files_are_written_renamed_and_removed)
{
    beamc_output *output;
    beamc_file_info info;

    ck_assert_ptr_null(beamc_directory_make("a/b//c"));
    ck_assert_ptr_null(beamc_directory_make("a/b/c/"));
    ck_assert_ptr_null(beamc_output_create(&output, "a/b/c/x", false));
    ck_assert_ptr_null(beamc_output_write(output, "hello", 5));
    ck_assert_ptr_null(beamc_output_close(output, true));
    ck_assert_ptr_null(beamc_output_create(&output, "a/b/c/x", true));
    ck_assert_ptr_null(beamc_output_write(output, " again", 6));
    ck_assert_ptr_null(beamc_output_close(output, false));
    scratch_write_text("a/y", "old");
    ck_assert_ptr_null(beamc_file_rename("a/b/c/x", "a/y"));
    beamc_buffer bytes = scratch_read("a/y");
    ck_assert_str_eq((char *)bytes.data, "hello again");
    beamc_buffer_dispose(&bytes);
    ck_assert_ptr_null(beamc_file_stat(&info, "a/y"));
    ck_assert_uint_eq(info.size, 11);
    ck_assert_ptr_null(beamc_file_remove("a/y"));
    beamc_error *err = beamc_file_remove("a/y");
    ck_assert_int_eq(beamc_error_code(err), BEAMC_ENOENT);
    beamc_error_free(err);
    err = beamc_file_stat(&info, "a/y");
    ck_assert_int_eq(beamc_error_code(err), BEAMC_ENOENT);
    beamc_error_free(err);
    err = beamc_file_rename("a/y", "a/z");
    ck_assert_int_eq(beamc_error_code(err), BEAMC_ENOENT);
    ck_assert_str_eq(scratch_text(err), "renaming a/y to a/z: No such file or directory");
}
END_TEST

START_TEST(a_directory_is_removed_with_all_in_it)
{
    make_tree();
    scratch_run("mkdir keep; echo k >keep/k; ln -s ../../keep d/e/keep");
    ck_assert_str_eq(scratch_text(beamc_directory_remove("d", false)),
                     "removing d: Directory not empty");
    ck_assert_ptr_null(beamc_directory_remove("empty", false));
    ck_assert_ptr_null(beamc_directory_remove("d", true));
    ck_assert(!scratch_exists("d"));
    ck_assert(scratch_exists("keep/k"));
    ck_assert_ptr_null(beamc_directory_remove("d", true));
    ck_assert_str_eq(scratch_text(beamc_directory_remove("a.txt", true)),
                     "removing a.txt: Not a directory");
}
END_TEST

START_TEST(what_cannot_be_written_is_told)
{
    beamc_output *output;

    scratch_write_text("file", "");
    ck_assert_str_eq(scratch_text(beamc_output_create(&output, "no/x", false)),
                     "no/x: No such file or directory");
    ck_assert_str_eq(scratch_text(beamc_output_create(&output, "file/x", false)),
                     "file/x: Not a directory");
    ck_assert_str_eq(scratch_text(beamc_directory_make("file/x/y")),
                     "making directory file: Not a directory");
    ck_assert_str_eq(scratch_text(beamc_directory_make("/proc/no/x")),
                     "making directory /proc/no: No such file or directory");
    ck_assert_ptr_null(beamc_output_create(&output, "/dev/full", false));
    ck_assert_str_eq(scratch_text(beamc_output_write(output, "x", 1)),
                     "writing /dev/full: No space left on device");
    ck_assert_ptr_null(beamc_output_close(output, true));
}
END_TEST

START_TEST(a_size_limit_is_told)
{
    struct rlimit limit = { 1000, 1000 };
    char bytes[600] = { 0 };
    beamc_output *output;

    ck_assert_ptr_nonnull(signal(SIGXFSZ, SIG_IGN) == SIG_ERR ? NULL : bytes);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_ptr_null(beamc_output_create(&output, "x", false));
    ck_assert_ptr_null(beamc_output_write(output, bytes, sizeof(bytes)));
    ck_assert_str_eq(scratch_text(beamc_output_write(output, bytes, sizeof(bytes))),
                     "writing x: File too large");
    ck_assert_ptr_null(beamc_output_close(output, false));
}
END_TEST

START_TEST(directories_are_judged_without_making_them)
{
    scratch_write_text("file", "");
    ck_assert_ptr_null(beamc_directory_check_writable("."));
    ck_assert_ptr_null(beamc_directory_check_writable("new"));
    ck_assert_ptr_null(beamc_directory_check_writable("new/er/est"));
    ck_assert_ptr_null(beamc_directory_check_writable("/tmp/new/er"));
    ck_assert(!scratch_exists("new"));
    ck_assert_str_eq(scratch_text(beamc_directory_check_writable("file")),
                     "file: Not a directory");
    ck_assert_str_eq(scratch_text(beamc_directory_check_writable("file/x/y")),
                     "file/x/y: Not a directory");
}
END_TEST

START_TEST(no_memory_is_told)
{
    beamc_file_list files;

    make_tree();
    for (long n = 0;; n++) {
        beamc_arena *arena = beamc_arena_new();
        test_alloc_fail_at(n);
        beamc_error *err = beamc_files_match(&files, "**/[ab]*", arena);
        bool failed = test_alloc_failed();
        test_alloc_fail_at(-1);
        beamc_arena_free(arena);
        ck_assert_int_eq(beamc_error_code(err), failed ? BEAMC_ENOMEM : BEAMC_OK);
        beamc_error_free(err);
        if (!failed)
            break;
    }
}
END_TEST

Suite *suite_filesystem(void);

Suite *suite_filesystem(void)
{
    Suite *suite = suite_create("filesystem");
    TCase *tc = tcase_create("filesystem");

    tcase_add_checked_fixture(tc, scratch_setup, scratch_teardown);
    tcase_add_loop_test(tc, patterns_find_files, 0, sizeof(match_cases) / sizeof(match_cases[0]));
    tcase_add_test(tc, file_urls_are_local_files);
    tcase_add_test(tc, a_match_says_size_and_time);
    tcase_add_test(tc, what_cannot_be_matched_is_told);
    tcase_add_test(tc, files_are_read_from_any_place);
    tcase_add_test(tc, what_cannot_be_read_is_told);
    tcase_add_test(tc, files_are_written_renamed_and_removed);
    tcase_add_test(tc, a_directory_is_removed_with_all_in_it);
    tcase_add_test(tc, what_cannot_be_written_is_told);
    tcase_add_test(tc, a_size_limit_is_told);
    tcase_add_test(tc, directories_are_judged_without_making_them);
    tcase_add_test(tc, no_memory_is_told);
    suite_add_tcase(suite, tc);
    return suite;
}
