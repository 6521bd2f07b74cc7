/* SPDX-License-Identifier: Apache-2.0 */
/* What a run shows: lines where there is no terminal, a block drawn in place where there is. */
#include "runners/main/console.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

static char *text;
static size_t size;
static FILE *file;
static beamc__console *console;

static void open_console(beamc__console_mode mode)
{
    file = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(file);
    console = beamc__console_new(file, mode);
    ck_assert_ptr_nonnull(console);
    beamc__console_set_size(console, 24, 100);
}

static void tear_down(void)
{
    beamc__console_free(console);
    fclose(file);
    free(text);
}

static const beamc_stage_progress first_done = {
    "ReadText+extract_words", BEAMC_STAGE_DONE, 1234567, 12300000, 4, 4, 1000, 1410
};
static const beamc_stage_progress second_waiting = {
    "CountPerElement+format_count+WriteText", BEAMC_STAGE_WAITING, 0, 0, 0, 0, 0, 0
};
static const beamc_stage_progress second_done = {
    "CountPerElement+format_count+WriteText", BEAMC_STAGE_DONE, 5, 0, 2, 2, 1410, 1420
};

static void progress(const beamc_stage_progress *stages, size_t count, int64_t spilled)
{
    const beamc_progress now = { stages, count, spilled };

    beamc__console_progress(console, &now);
    fflush(file);
}

START_TEST(without_a_terminal_ends_of_stages_are_lines)
{
    const beamc_stage_progress before[] = { first_done, second_waiting };
    const beamc_stage_progress after[] = { first_done, second_done };

    open_console(BEAMC__CONSOLE_PLAIN);
    progress(before, 2, 0);
    const char *line = "stage 1 of 2 done: ReadText+extract_words: 1,234,567 elements, 3.01 M/s, "
                       "12.3 MB written, 4 of 4 bundles, 0.41 s\n";
    ck_assert_str_eq(text, line);
    progress(before, 2, 0);
    ck_assert_str_eq(text, line);
    progress(after, 2, 0);
    ck_assert_str_eq(text + strlen(line),
                     "stage 2 of 2 done: CountPerElement+format_count+WriteText: 5 elements, "
                     "500 /s, 0 B written, 2 of 2 bundles, 0.01 s\n");
}
END_TEST

START_TEST(on_a_terminal_a_block_is_drawn_in_place)
{
    const beamc_stage_progress before[] = { first_done, second_waiting };
    const beamc_stage_progress after[] = { first_done, second_done };
    const char *block =
        "      stage                                           elements      rate  written "
        "bundles      time\033[K\n"
        "done  ReadText+extract_words                         1,234,567  3.01 M/s  12.3 MB     "
        "4/4    0.41 s\033[K\n"
        "wait  CountPerElement+format_count+WriteText\033[K\n";

    open_console(BEAMC__CONSOLE_TERMINAL);
    progress(before, 2, 0);
    ck_assert_str_eq(text, block);
    size_t at = size;
    progress(after, 2, 2000000);
    ck_assert_int_eq(strncmp(text + at, "\033[3A\r\033[J", 8), 0);
    ck_assert_ptr_nonnull(strstr(text + at, "done  CountPerElement+format_count+WriteText "));
    ck_assert_ptr_nonnull(strstr(text + at, "      2.00 MB spilled to disk\033[K\n"));
}
END_TEST

START_TEST(what_is_said_stands_above_the_block_until_the_end)
{
    const beamc_stage_progress stages[] = { second_waiting };
    const beamc_log_entry entry = { .level = BEAMC_LOG_WARN, .message = "no words", .transform = "extract" };

    open_console(BEAMC__CONSOLE_TERMINAL);
    progress(stages, 1, 0);
    char *block = strdup(text);
    ck_assert_ptr_nonnull(block);
    size_t at = size;
    beamc__console_log(console, &entry);
    fflush(file);
    ck_assert_int_eq(strncmp(text + at, "\033[2A\r\033[JWARN [extract] no words\n", 32), 0);
    ck_assert_str_eq(text + size - strlen(block), block);
    at = size;
    beamc__console_say(console, "ending");
    fflush(file);
    ck_assert_int_eq(strncmp(text + at, "\033[2A\r\033[Jending\n", 15), 0);
    ck_assert_str_eq(text + size - strlen(block), block);
    at = size;
    beamc__console_finish(console);
    beamc__console_say(console, "done in %d s", 3);
    fflush(file);
    ck_assert_str_eq(text + at, "done in 3 s\n");
    free(block);
}
END_TEST

START_TEST(more_stages_than_rows_show_those_that_run)
{
    beamc_stage_progress stages[50];

    for (int i = 0; i < 50; i++)
        stages[i] = second_waiting;
    stages[30].state = BEAMC_STAGE_RUNNING;
    stages[30].name = "the one";
    stages[0].state = BEAMC_STAGE_DONE;
    open_console(BEAMC__CONSOLE_TERMINAL);
    progress(stages, 50, 0);
    ck_assert_ptr_nonnull(strstr(text, "\nrun   the one "));
    ck_assert_ptr_nonnull(strstr(text, "\n      besides: 1 done, 0 running, 48 waiting\033[K\n"));
    progress(stages, 1, 0);
    ck_assert_ptr_nonnull(strstr(text, "\033[3A\r\033[J"));
}
END_TEST

START_TEST(quiet_shows_log_entries_only)
{
    const beamc_stage_progress stages[] = { first_done };
    const beamc_log_entry entry = { .level = BEAMC_LOG_ERROR, .message = "trouble" };

    open_console(BEAMC__CONSOLE_QUIET);
    progress(stages, 1, 0);
    beamc__console_say(console, "done");
    beamc__console_log(console, &entry);
    fflush(file);
    ck_assert_str_eq(text, "ERROR trouble\n");
}
END_TEST

START_TEST(long_lines_are_cut)
{
    static char name[5000];
    beamc_stage_progress stages[] = { first_done };
    beamc_log_entry entry = { .level = BEAMC_LOG_INFO, .message = name };

    memset(name, 'x', sizeof(name) - 1);
    stages[0].name = name;
    open_console(BEAMC__CONSOLE_TERMINAL);
    beamc__console_set_size(console, 2, 10);
    progress(stages, 1, 0);
    ck_assert_str_eq(text, "      sta\033[K\ndone  xxx\033[K\n");
    beamc__console_say(console, "%s", name);
    beamc__console_log(console, &entry);
    fflush(file);
    ck_assert_ptr_nonnull(strstr(text, "INFO xxx"));
    ck_assert_uint_gt(size, 5000);
}
END_TEST

START_TEST(a_file_is_no_terminal)
{
    FILE *plain = tmpfile();

    ck_assert_ptr_nonnull(plain);
    open_console(BEAMC__CONSOLE_PLAIN);
    ck_assert_int_eq(beamc__console_mode_of(plain, false), BEAMC__CONSOLE_PLAIN);
    ck_assert_int_eq(beamc__console_mode_of(plain, true), BEAMC__CONSOLE_QUIET);
    fclose(plain);
}
END_TEST

Suite *suite_console(void)
{
    Suite *suite = suite_create("console");
    TCase *tc = tcase_create("console");

    tcase_add_checked_fixture(tc, NULL, tear_down);
    tcase_add_test(tc, without_a_terminal_ends_of_stages_are_lines);
    tcase_add_test(tc, on_a_terminal_a_block_is_drawn_in_place);
    tcase_add_test(tc, what_is_said_stands_above_the_block_until_the_end);
    tcase_add_test(tc, more_stages_than_rows_show_those_that_run);
    tcase_add_test(tc, quiet_shows_log_entries_only);
    tcase_add_test(tc, long_lines_are_cut);
    tcase_add_test(tc, a_file_is_no_terminal);
    suite_add_tcase(suite, tc);
    return suite;
}
