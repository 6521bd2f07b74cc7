/* SPDX-License-Identifier: Apache-2.0 */
/* The program beamc as such: finding commands, help, and what is refused with which words. */
#include "runners/cli/cli.h"
#include "runners/cli/command.h"
#include "runners/cli/print.h"
#include "test/check_has.h"
#include "test/runners/cli/cli_run.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void unset(void)
{
    unsetenv("BEAMC_JOB_ENDPOINT");
}

START_TEST(help_lists_every_command)
{
    const char *const lines[] = { "--help", "help", "-h" };
    const cli_run *run = cli("%s", lines[_i]);

    ck_assert_int_eq(run->status, 0);
    ck_assert_str_eq(run->err, "");
    for (size_t i = 0; i < beamc__command_count; i++) {
        check_has(run->out, beamc__commands[i]->name);
        check_has(run->out, beamc__commands[i]->summary);
    }
}
END_TEST

/* The longest line of a text. */
static size_t longest_line(const char *text)
{
    size_t longest = 0;

    for (const char *line = text; *line != '\0'; line += *line == '\n') {
        size_t size = strcspn(line, "\n");
        longest = size > longest ? size : longest;
        line += size;
    }
    return longest;
}

START_TEST(every_command_has_help_with_examples)
{
    for (size_t i = 0; i < beamc__command_count; i++) {
        const beamc__command *command = beamc__commands[i];
        char usage[256];
        const cli_run *run = cli("help %s", command->name);
        ck_assert_int_eq(run->status, 0);
        snprintf(usage, sizeof(usage), "usage: beamc %s", command->name);
        check_has(run->out, usage);
        check_has(run->out, "Examples:\n  beamc ");
        check_has(run->out, "  --help ");
        ck_assert_uint_le(longest_line(run->out), 100);
        char *text = strdup(run->out);
        run = cli("%s --help", command->name);
        ck_assert_int_eq(run->status, 0);
        ck_assert_str_eq(run->out, text);
        free(text);
    }
}
END_TEST

START_TEST(a_group_lists_its_commands)
{
    const cli_run *run = cli("help jobs");

    ck_assert_int_eq(run->status, 0);
    check_has(run->out, "  jobs list ");
    run = cli("jobs --help");
    ck_assert_int_eq(run->status, 0);
    check_has(run->out, "  jobs list ");
    run = cli("jobs");
    ck_assert_int_eq(run->status, 2);
    ck_assert_str_eq(run->out, "");
    check_has(run->err, "  jobs list ");
}
END_TEST

static const struct {
    const char *line, *said;
} refused[] = {
    { "jbos list", "beamc: there is no command 'jbos'; did you mean beamc jobs list?\n" },
    { "jobs lsit", "beamc: there is no command 'jobs lsit'; did you mean beamc jobs list?\n" },
    { "help jobs lst", "beamc: there is no command 'jobs lst'; did you mean beamc jobs list?\n" },
    { "list", "beamc: there is no command 'list'; did you mean beamc jobs list?\n" },
    { "frobnicate", "beamc: there is no command 'frobnicate'; beamc --help lists them all\n" },
    { "--json jobs list",
      "beamc: --json: options come behind a command; beamc --help lists the commands\n" },
    { "jobs --json list",
      "beamc: --json: options come behind a command; beamc --help lists the commands\n" },
    { "jobs list --jsno", "beamc jobs list: unknown option --jsno; did you mean --json?\n" },
    { "jobs list --runner=flink",
      "beamc jobs list: unknown option --runner; --help lists them all\n" },
    { "jobs list 17",
      "beamc jobs list: what is '17' for? beamc help jobs list says what it takes\n" },
    { "jobs list", "beamc jobs list: which job server? give --job_endpoint=HOST:PORT, or set "
                   "BEAMC_JOB_ENDPOINT\n" },
    { "jobs list --job_endpoint=here", "beamc jobs list: endpoint here: the port is missing\n" },
    { "jobs list --job_endpoint=localhost:1 --job_server_timeout=0",
      "beamc jobs list: --job_server_timeout=0: it is more than 0 seconds\n" },
    { "jobs list --job_server_timeout=soon", "beamc jobs list: --job_server_timeout=soon: the "
                                             "value must be a whole number, such as 42\n" },
};

START_TEST(what_is_wrong_is_said)
{
    const cli_run *run = cli("%s", refused[_i].line);

    ck_assert_str_eq(run->err, refused[_i].said);
    ck_assert_str_eq(run->out, "");
    ck_assert_int_eq(run->status, 2);
}
END_TEST

START_TEST(without_a_command_the_help_is_an_error)
{
    const cli_run *run = cli("%s", "");

    ck_assert_int_eq(run->status, 2);
    ck_assert_str_eq(run->out, "");
    check_has(run->err, "usage: beamc COMMAND");
}
END_TEST

START_TEST(the_version_is_told)
{
    const cli_run *run = cli("--version");

    ck_assert_int_eq(run->status, 0);
    check_has(run->out, "beamc ");
}
END_TEST

START_TEST(output_that_is_lost_is_an_error)
{
    const char *const argv[] = { "beamc", "--help" };
    FILE *full = fopen("/dev/full", "w");

    ck_assert_ptr_nonnull(full);
    ck_assert_int_eq(beamc__cli(2, argv, full, stderr), 1);
    fclose(full);
}
END_TEST

/* Jobs may be called anything. */
START_TEST(names_do_not_order_the_terminal_about)
{
    char *said = NULL;
    size_t size = 0;
    const beamc__call call = { .out = open_memstream(&said, &size) };
    beamc_buffer text;

    ck_assert_ptr_nonnull(call.out);
    beamc_buffer_init(&text);
    beamc_buffer_append_string(&text, "a\tb\x1b[31mc\x7f \xc2\x9b"
                                      "2J \xc3\xa9\xe2\x94\x80\xc2\xa0\n\r");
    ck_assert_ptr_null(beamc__print(&call, &text));
    fclose(call.out);
    ck_assert_str_eq(said, "a\tb?[31mc? ??2J \xc3\xa9\xe2\x94\x80\xc2\xa0\n?");
    free(said);
}
END_TEST

Suite *suite_cli(void)
{
    Suite *suite = suite_create("cli");
    TCase *tc = tcase_create("cli");

    tcase_add_checked_fixture(tc, unset, NULL);
    tcase_add_loop_test(tc, help_lists_every_command, 0, 3);
    tcase_add_test(tc, every_command_has_help_with_examples);
    tcase_add_test(tc, a_group_lists_its_commands);
    tcase_add_loop_test(tc, what_is_wrong_is_said, 0, (int)(sizeof(refused) / sizeof(refused[0])));
    tcase_add_test(tc, without_a_command_the_help_is_an_error);
    tcase_add_test(tc, the_version_is_told);
    tcase_add_test(tc, output_that_is_lost_is_an_error);
    tcase_add_test(tc, names_do_not_order_the_terminal_about);
    suite_add_tcase(suite, tc);
    return suite;
}
