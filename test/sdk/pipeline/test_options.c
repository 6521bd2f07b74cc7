/* SPDX-License-Identifier: Apache-2.0 */
/* Options: what a command line may look like, what is refused and with which words. */
#include "sdk/pipeline/options.h"
#include "test/alloc.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const beamc_option_spec own[] = {
    { "min_count", "words seen less often are left out", "1", false, BEAMC_OPTION_INT64, NULL },
    { "keyword", "what to look for", NULL, true, BEAMC_OPTION_STRING, NULL },
    { "exact", "whole words only", NULL, false, BEAMC_OPTION_BOOL, NULL },
    { "ratio", NULL, NULL, false, BEAMC_OPTION_DOUBLE, NULL },
    { "gap", "ends a session", "10m", false, BEAMC_OPTION_DURATION, NULL },
    { "limit", NULL, NULL, false, BEAMC_OPTION_SIZE, NULL },
    { "tags", NULL, NULL, false, BEAMC_OPTION_LIST, NULL },
    { "output", "where the words go", "words", false, BEAMC_OPTION_STRING, "DIR" },
};

static beamc_options *options;

static void tear_down(void)
{
    test_alloc_fail_at(-1);
    beamc_options_free(options);
    options = NULL;
}

/* Splits @line at blanks and parses it. */
static beamc_error *parse(const char *line, const beamc_option_spec *specs, size_t count)
{
    static char text[512];
    const char *argv[32] = { "/usr/bin/prog" };
    int argc = 1;

    snprintf(text, sizeof(text), "%s", line);
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    beamc_options_free(options);
    return beamc_options_parse(&options, argc, argv, specs, count);
}

static void parse_ok(const char *line)
{
    beamc_error *error = parse(line, NULL, 0);
    ck_assert_msg(error == NULL, "%s: %s", line, beamc_error_message(error));
    ck_assert_ptr_nonnull(options);
}

static void parse_own(const char *line)
{
    beamc_error *error = parse(line, own, COUNT(own));
    ck_assert_msg(error == NULL, "%s: %s", line, beamc_error_message(error));
}

static void check_refused(beamc_error *error, const char *message)
{
    char text[512];

    ck_assert_ptr_nonnull(error);
    ck_assert_ptr_null(options);
    ck_assert_int_eq(beamc_error_code(error), BEAMC_EINVAL);
    beamc_error_print(error, text, sizeof(text));
    ck_assert_str_eq(text, message);
    beamc_error_free(error);
}

START_TEST(values_come_with_equals_or_as_the_next_argument)
{
    static const char *const lines[] = {
        "--input=a --job_name=b", "--input a --job_name b",  "--input a --jobName b",
        "--input=a --job-name=b", "--input x --input a --JobName=b",
    };

    parse_ok(lines[_i]);
    ck_assert_str_eq(beamc_option(options, "input"), "a");
    ck_assert_str_eq(beamc_option(options, "job_name"), "b");
    ck_assert(beamc_option_given(options, "input"));
    ck_assert(!beamc_option_given(options, "output"));
    ck_assert_str_eq(beamc_options_program(options), "prog");
    ck_assert_ptr_null(beamc_options_error(options));
}
END_TEST

START_TEST(a_value_may_be_empty_or_hold_equals)
{
    parse_ok("--input= --output=a=b --job_name -5");
    ck_assert_str_eq(beamc_option(options, "input"), "");
    ck_assert_str_eq(beamc_option(options, "output"), "a=b");
    ck_assert_str_eq(beamc_option(options, "job_name"), "-5");
}
END_TEST

static const struct {
    const char *line;
    bool streaming;
} booleans[] = {
    { "", false },
    { "--streaming", true },
    { "--streaming --quiet", true },
    { "--streaming=true", true },
    { "--streaming=1", true },
    { "--streaming=yes", true },
    { "--streaming true", true },
    { "--streaming false", false },
    { "--streaming=False", false },
    { "--no_streaming", false },
    { "--noStreaming", false },
    { "--no-streaming", false },
    { "--streaming --no_streaming", false },
    { "--no_streaming --streaming", true },
};

START_TEST(booleans_have_many_spellings)
{
    parse_ok(booleans[_i].line);
    ck_assert_int_eq(beamc_option_bool(options, "streaming", false), booleans[_i].streaming);
}
END_TEST

START_TEST(lists_grow)
{
    parse_ok("--experiments=a --streaming --experiments b,c,,d=1");
    ck_assert_uint_eq(beamc_option_count(options, "experiments"), 4);
    ck_assert_str_eq(beamc_option_value(options, "experiments", 0), "a");
    ck_assert_str_eq(beamc_option_value(options, "experiments", 1), "b");
    ck_assert_str_eq(beamc_option_value(options, "experiments", 3), "d=1");
    ck_assert_ptr_null(beamc_option_value(options, "experiments", 4));
    ck_assert_str_eq(beamc_option(options, "experiments"), "a,b,c,,d=1");
    ck_assert_uint_eq(beamc_option_count(options, "labels"), 0);

    char line[400] = "--experiments=0";
    for (int i = 1; i < 100; i++)
        snprintf(line + strlen(line), sizeof(line) - strlen(line), ",%d", i);
    parse_ok(line);
    ck_assert_uint_eq(beamc_option_count(options, "experiments"), 100);
    ck_assert_str_eq(beamc_option_value(options, "experiments", 99), "99");
}
END_TEST

START_TEST(a_programs_own_options_have_kinds_and_defaults)
{
    parse_own("--keyword=k");
    ck_assert_int_eq(beamc_option_int64(options, "min_count", 9), 1);
    ck_assert_str_eq(beamc_option(options, "output"), "words");
    ck_assert(beamc_option_bool(options, "exact", true));
    ck_assert(!beamc_option_bool(options, "exact", false));
    ck_assert_double_eq(beamc_option_double(options, "ratio", 0.25), 0.25);
    ck_assert_int_eq(beamc_option_duration(options, "gap", 0), 600000);
    ck_assert_uint_eq(beamc_option_size(options, "limit", 77), 77);
    ck_assert_str_eq(beamc_option_or(options, "ratio", "x"), "x");

    parse_own("--keyword=k --minCount=3 --exact --ratio=1e-3 --gap=1h30m --limit=2K --tags=a,b");
    ck_assert_int_eq(beamc_option_int64(options, "min_count", 9), 3);
    ck_assert(beamc_option_bool(options, "exact", false));
    ck_assert_double_eq(beamc_option_double(options, "ratio", 0), 1e-3);
    ck_assert_int_eq(beamc_option_duration(options, "gap", 0), 5400000);
    ck_assert_uint_eq(beamc_option_size(options, "limit", 0), 2048);
    ck_assert_uint_eq(beamc_option_count(options, "tags"), 2);
    ck_assert_ptr_null(beamc_options_error(options));
}
END_TEST

static const struct {
    const char *text;
    uint64_t size;
} sizes[] = {
    { "0", 0 },
    { "9223372036854775807", INT64_MAX },
    { "256MB", 256000000 },
    { "256M", 256u << 20 },
    { "256MiB", 256u << 20 },
    { "1.5g", 3u << 29 },
    { "10b", 10 },
    { "2T", UINT64_C(2) << 40 },
    { "3kb", 3000 },
    { "0.5KB", 500 },
};

START_TEST(sizes_have_units)
{
    uint64_t size = 1;
    ck_assert_int_eq(beamc__option_read_size(&size, sizes[_i].text), BEAMC_OK);
    ck_assert_uint_eq(size, sizes[_i].size);
}
END_TEST

static const struct {
    const char *text;
    int64_t ms;
} durations[] = {
    { "0", 0 },           { "250ms", 250 },       { "10s", 10000 },  { "1.5s", 1500 },
    { "5m", 300000 },     { "1h30m", 5400000 },   { "2d", 172800000 }, { "1d2h3m4s5ms", 93784005 },
};

START_TEST(durations_have_units)
{
    int64_t ms = -1;
    ck_assert_int_eq(beamc__option_read_duration(&ms, durations[_i].text), BEAMC_OK);
    ck_assert_int_eq(ms, durations[_i].ms);
}
END_TEST

static const struct {
    beamc_option_kind kind;
    const char *text;
    int code;
} wrong[] = {
    { BEAMC_OPTION_INT64, "", BEAMC_EINVAL },
    { BEAMC_OPTION_INT64, "1x", BEAMC_EINVAL },
    { BEAMC_OPTION_INT64, " 1", BEAMC_EINVAL },
    { BEAMC_OPTION_INT64, "1.0", BEAMC_EINVAL },
    { BEAMC_OPTION_INT64, "9223372036854775808", BEAMC_ELIMIT },
    { BEAMC_OPTION_DOUBLE, "", BEAMC_EINVAL },
    { BEAMC_OPTION_DOUBLE, "1,5", BEAMC_EINVAL },
    { BEAMC_OPTION_DOUBLE, "1e999", BEAMC_ELIMIT },
    { BEAMC_OPTION_BOOL, "", BEAMC_EINVAL },
    { BEAMC_OPTION_BOOL, "maybe", BEAMC_EINVAL },
    { BEAMC_OPTION_SIZE, "", BEAMC_EINVAL },
    { BEAMC_OPTION_SIZE, "-1", BEAMC_EINVAL },
    { BEAMC_OPTION_SIZE, "1XB", BEAMC_EINVAL },
    { BEAMC_OPTION_SIZE, "MB", BEAMC_EINVAL },
    { BEAMC_OPTION_SIZE, "infMB", BEAMC_EINVAL },
    { BEAMC_OPTION_SIZE, "1 MB", BEAMC_EINVAL },
    { BEAMC_OPTION_SIZE, "99999999999G", BEAMC_ELIMIT },
    { BEAMC_OPTION_DURATION, "", BEAMC_EINVAL },
    { BEAMC_OPTION_DURATION, "5", BEAMC_EINVAL },
    { BEAMC_OPTION_DURATION, "5s5", BEAMC_EINVAL },
    { BEAMC_OPTION_DURATION, "-5s", BEAMC_EINVAL },
    { BEAMC_OPTION_DURATION, "5y", BEAMC_EINVAL },
    { BEAMC_OPTION_DURATION, "1e300d", BEAMC_ELIMIT },
};

START_TEST(wrong_values_are_refused)
{
    ck_assert_int_eq(beamc__option_check(wrong[_i].kind, wrong[_i].text), wrong[_i].code);
}
END_TEST

START_TEST(numbers_keep_all_digits)
{
    int64_t whole;
    double number;

    ck_assert_int_eq(beamc__option_read_int64(&whole, "-9223372036854775808"), BEAMC_OK);
    ck_assert_int_eq(whole, INT64_MIN);
    ck_assert_int_eq(beamc__option_read_double(&number, "-0.1e1"), BEAMC_OK);
    ck_assert_double_eq(number, -1);
    ck_assert_int_eq(beamc__option_read_double(&number, "inf"), BEAMC_OK);
}
END_TEST

static const struct {
    const char *line;
    const char *message;
} refused[] = {
    { "--inptu=x", "unknown option --inptu; did you mean --input?" },
    { "--inputs x", "unknown option --inputs; did you mean --input?" },
    { "--direct_num=2", "unknown option --direct_num; did you mean --direct_num_workers?" },
    { "--jobname=a", "unknown option --jobname; did you mean --job_name?" },
    { "--memoryBugdet=1", "unknown option --memoryBugdet; did you mean --memory_budget?" },
    { "--qqqqqqqq", "unknown option --qqqqqqqq; --help lists them all" },
    { "--no_input", "unknown option --no_input; did you mean --input?" },
    { "--no_quiet=true", "--no_quiet takes no value" },
    { "--input", "--input needs a value: --input=PATTERN" },
    { "--input --output=x", "--input needs a value: --input=PATTERN" },
    { "--direct_num_workers", "--direct_num_workers needs a value: --direct_num_workers=NUMBER" },
    { "--direct_num_workers=two",
      "--direct_num_workers=two: the value must be a whole number, such as 42" },
    { "--memory_budget=12parsecs",
      "--memory_budget=12parsecs: the value must be a size, such as 256MB" },
    { "--memory_budget=1e40T", "--memory_budget=1e40T: the number is too large" },
    { "--quiet=perhaps", "--quiet=perhaps: the value must be true or false" },
    { "file.txt", "'file.txt' belongs to no option; options are --name=value" },
    { "--streaming maybe", "'maybe' belongs to no option; options are --name=value" },
    { "--", "'--' belongs to no option; options are --name=value" },
    { "-", "'-' belongs to no option; options are --name=value" },
    { "-input x", "-input: options begin with two dashes: --input" },
    { "--=x", "unknown option --; --help lists them all" },
};

START_TEST(what_is_wrong_is_said)
{
    check_refused(parse(refused[_i].line, NULL, 0), refused[_i].message);
}
END_TEST

START_TEST(another_runner_may_know_more)
{
    static const char *const expected[][3] = {
        { "faster_copy", "fasterCopy", NULL },
        { "checkpoints", "checkpoints", "2" },
        { "no_sharing", "no-sharing", NULL },
        { "mode", "mode", "a=b" },
    };

    parse_ok("--fasterCopy --checkpoints 2 --no-sharing --mode=a=b --runner flink");
    const beamc__option_unknown *unknown = options->unknown;
    for (size_t i = 0; i < COUNT(expected); i++, unknown = unknown->next) {
        ck_assert_ptr_nonnull(unknown);
        ck_assert_str_eq(unknown->name, expected[i][0]);
        ck_assert_str_eq(unknown->given, expected[i][1]);
        ck_assert_pstr_eq(unknown->value, expected[i][2]);
    }
    ck_assert_ptr_null(unknown);
    /* The last runner counts. */
    check_refused(parse("--runner=flink --fasterCopy --runner=direct", NULL, 0),
                  "unknown option --fasterCopy; --help lists them all");
    check_refused(parse("--runner=flink --=x", NULL, 0),
                  "unknown option --; --help lists them all");
}
END_TEST

START_TEST(a_name_without_end_is_unknown)
{
    char line[500] = "--";

    memset(line + 2, 'N', 300);
    beamc_error *error = parse(line, NULL, 0);
    ck_assert_int_eq(beamc_error_code(error), BEAMC_EINVAL);
    beamc_error_free(error);
}
END_TEST

START_TEST(a_needed_option_is_asked_for)
{
    check_refused(parse("", own, COUNT(own)), "option --keyword is needed: what to look for");
    parse_own("--help");
    ck_assert(beamc_option_bool(options, "help", false));
    parse_own("-h");
    ck_assert(beamc_option_bool(options, "help", false));
    parse_own("--version");
    ck_assert(beamc_option_bool(options, "version", false));
}
END_TEST

START_TEST(what_goes_wrong_when_asking_sticks)
{
    parse_ok("--job_name=x");
    ck_assert_str_eq(beamc_option(options, "input"), "");
    ck_assert_str_eq(beamc_error_message(beamc_options_error(options)),
                     "option --input is needed: files to read, e.g. 'logs/*.txt'");
    ck_assert_str_eq(beamc_option(options, "output"), "");
    ck_assert_ptr_nonnull(strstr(beamc_error_message(beamc_options_error(options)), "--input"));

    parse_ok("");
    ck_assert_str_eq(beamc_option(options, "colour"), "");
    ck_assert_str_eq(beamc_error_message(beamc_options_error(options)),
                     "the program asks for option --colour, which is not in its table of options "
                     "(see beamc_main_options)");

    parse_ok("--job_name=x");
    ck_assert_int_eq(beamc_option_int64(options, "job_name", 4), 4);
    ck_assert_str_eq(beamc_error_message(beamc_options_error(options)),
                     "--job_name=x: the value must be a whole number, such as 42");
    beamc_option_double(options, "job_name", 4);
    beamc_option_size(options, "job_name", 4);
    beamc_option_bool(options, "job_name", true);
    beamc_option_duration(options, "job_name", 4);
    ck_assert_ptr_null(beamc_option_value(options, "colour", 0));
    ck_assert_uint_eq(beamc_option_count(options, "colour"), 0);
}
END_TEST

START_TEST(a_programs_table_is_checked)
{
    static const beamc_option_spec bad_name[] = { { .name = "Min-Count" } };
    static const beamc_option_spec no_name[] = { { .help = "x" } };
    static const beamc_option_spec twice[] = { { .name = "a" }, { .name = "a" } };
    static const beamc_option_spec bad_default[] = {
        { .name = "a", .default_value = "x", .kind = BEAMC_OPTION_INT64 }
    };

    check_refused(parse("", bad_name, 1), "the program's option 0 is named 'Min-Count'; names are "
                                          "made of small letters, digits and _");
    check_refused(parse("", no_name, 1), "the program's option 0 is named ''; names are made of "
                                         "small letters, digits and _");
    check_refused(parse("", twice, 2), "the program has two options named a");
    check_refused(parse("", bad_default, 1), "default of a program's option: --a=x: the value must "
                                             "be a whole number, such as 42");
}
END_TEST

START_TEST(beams_table_is_sound)
{
    for (size_t i = 0; i < beamc__options_known_count; i++) {
        const beamc_option_spec *spec = &beamc__options_known[i].spec;
        if (spec->default_value != NULL)
            ck_assert_msg(beamc__option_check(spec->kind, spec->default_value) == BEAMC_OK,
                          "default of %s", spec->name);
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(spec->name, beamc__options_known[j].spec.name);
    }
}
END_TEST

START_TEST(help_shows_everything_in_lines_of_100)
{
    beamc_buffer out;

    parse_own("--help");
    beamc_buffer_init(&out);
    beamc_options_help(options, &out);
    beamc_buffer_append_byte(&out, '\0');
    ck_assert(!beamc_buffer_failed(&out));
    const char *text = (const char *)out.data;
    for (size_t i = 0; i < beamc__options_known_count; i++)
        ck_assert_ptr_nonnull(strstr(text, beamc__options_known[i].spec.name));
    ck_assert_ptr_nonnull(strstr(text, "usage: prog --name=value"));
    ck_assert_ptr_nonnull(strstr(text, "  --min_count=NUMBER              words seen less often "
                                       "are left out (default 1)\n"));
    ck_assert_ptr_nonnull(strstr(text, "  --keyword=TEXT                  what to look for "
                                       "(needed)\n"));
    /* The program's takes the place of Beam's. */
    ck_assert_ptr_nonnull(strstr(text, "--output=DIR"));
    ck_assert_ptr_null(strstr(text, "--output=PREFIX"));
    ck_assert_ptr_nonnull(strstr(text, "--no_operator_chaining"));
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
        ck_assert_msg(strcspn(line, "\n") <= 100, "%.*s", (int)strcspn(line, "\n"), line);
    beamc_buffer_dispose(&out);
}
END_TEST

static void gather(void *ctx, const char *name)
{
    snprintf((char *)ctx + strlen((char *)ctx), 200, "%s ", name);
}

START_TEST(options_without_effect_here_are_told)
{
    char names[400] = "";

    parse_ok("--flink_master=x --input=y --direct_num_workers=2 --streaming");
    beamc__options_without_effect(options, gather, names);
    ck_assert_str_eq(names, "streaming flink_master ");
}
END_TEST

/* ---- command lines of commands --------------------------------------------------------------- */

static beamc_error *parse_command(int argc, const char *const *argv)
{
    beamc_options_free(options);
    return beamc__options_parse_line(&options, BEAMC__OPTION_LINE_COMMAND, argc, argv, own,
                                     COUNT(own));
}

START_TEST(a_command_takes_arguments_between_options)
{
    const char *argv[] = { "beamc try", "a", "--exact", "1", "--keyword", "k", "-", "",
                           "--",        "--exact=0", "--" };

    ck_assert_ptr_null(parse_command(COUNT(argv), argv));
    ck_assert_str_eq(beamc_options_program(options), "beamc try");
    ck_assert(beamc_option_bool(options, "exact", false));
    ck_assert_str_eq(beamc_option(options, "keyword"), "k");
    const char *const arguments[] = { "a", "1", "-", "", "--exact=0", "--" };
    ck_assert_uint_eq(options->arguments.count, COUNT(arguments));
    for (size_t i = 0; i < COUNT(arguments); i++)
        ck_assert_str_eq(options->arguments.items[i], arguments[i]);
}
END_TEST

START_TEST(a_command_knows_its_own_options_only)
{
    const char *const beams[] = { "try", "--keyword=k", "--runner=flink", "--server_text=1" };
    const char *const unknown[] = { "try", "--keyword=k", "--limits=3" };
    const char *const dashes[] = { "try", "-keyword", "k" };

    check_refused(parse_command(COUNT(beams), beams),
                  "unknown option --runner; --help lists them all");
    check_refused(parse_command(COUNT(unknown), unknown),
                  "unknown option --limits; did you mean --limit?");
    check_refused(parse_command(COUNT(dashes), dashes),
                  "-keyword: options begin with two dashes: --keyword");
    check_refused(parse_command(1, beams), "option --keyword is needed: what to look for");
}
END_TEST

START_TEST(behind_a_program_all_is_the_programs)
{
    const char *argv[] = { "beamc try", "--keyword", "k", "prog", "--exact", "--unknown", "x", "--" };

    ck_assert_ptr_null(beamc__options_parse_line(&options, BEAMC__OPTION_LINE_PREFIX, COUNT(argv),
                                                 argv, own, COUNT(own)));
    ck_assert(!beamc_option_given(options, "exact"));
    ck_assert_uint_eq(options->arguments.count, COUNT(argv) - 3);
    for (size_t i = 0; i < options->arguments.count; i++)
        ck_assert_str_eq(options->arguments.items[i], argv[i + 3]);
}
END_TEST

START_TEST(a_foreign_line_may_have_any_option)
{
    const char *argv[] = { "doctor", "--runner=direct", "--min_count", "3", "--flag", "--input=x" };

    ck_assert_ptr_null(beamc__options_parse_line(&options, BEAMC__OPTION_LINE_FOREIGN, COUNT(argv),
                                                 argv, NULL, 0));
    ck_assert_str_eq(beamc_option(options, "input"), "x");
    ck_assert_str_eq(options->unknown->name, "min_count");
    ck_assert_str_eq(options->unknown->value, "3");
    ck_assert_str_eq(options->unknown->next->name, "flag");
}
END_TEST

START_TEST(no_memory_is_an_error)
{
    const char *argv[] = { "prog", "--keyword=a,b", "--tags=1,2,3,4,5", "--tags", "6", "--exact" };

    for (long n = 0;; n++) {
        test_alloc_fail_at(n);
        beamc_error *error = beamc_options_parse(&options, COUNT(argv), argv, own, COUNT(own));
        if (!test_alloc_failed()) {
            ck_assert_ptr_null(error);
            break;
        }
        ck_assert_int_eq(beamc_error_code(error), BEAMC_ENOMEM);
        ck_assert_ptr_null(options);
        beamc_error_free(error);
    }
    ck_assert_uint_eq(beamc_option_count(options, "tags"), 6);
}
END_TEST

Suite *suite_options(void)
{
    Suite *suite = suite_create("options");
    TCase *tc = tcase_create("options");

    tcase_add_checked_fixture(tc, NULL, tear_down);
    tcase_add_loop_test(tc, values_come_with_equals_or_as_the_next_argument, 0, 5);
    tcase_add_test(tc, a_value_may_be_empty_or_hold_equals);
    tcase_add_loop_test(tc, booleans_have_many_spellings, 0, (int)COUNT(booleans));
    tcase_add_test(tc, lists_grow);
    tcase_add_test(tc, a_programs_own_options_have_kinds_and_defaults);
    tcase_add_loop_test(tc, sizes_have_units, 0, (int)COUNT(sizes));
    tcase_add_loop_test(tc, durations_have_units, 0, (int)COUNT(durations));
    tcase_add_loop_test(tc, wrong_values_are_refused, 0, (int)COUNT(wrong));
    tcase_add_test(tc, numbers_keep_all_digits);
    tcase_add_loop_test(tc, what_is_wrong_is_said, 0, (int)COUNT(refused));
    tcase_add_test(tc, another_runner_may_know_more);
    tcase_add_test(tc, a_name_without_end_is_unknown);
    tcase_add_test(tc, a_needed_option_is_asked_for);
    tcase_add_test(tc, what_goes_wrong_when_asking_sticks);
    tcase_add_test(tc, a_programs_table_is_checked);
    tcase_add_test(tc, beams_table_is_sound);
    tcase_add_test(tc, help_shows_everything_in_lines_of_100);
    tcase_add_test(tc, options_without_effect_here_are_told);
    tcase_add_test(tc, a_command_takes_arguments_between_options);
    tcase_add_test(tc, a_command_knows_its_own_options_only);
    tcase_add_test(tc, behind_a_program_all_is_the_programs);
    tcase_add_test(tc, a_foreign_line_may_have_any_option);
    tcase_add_test(tc, no_memory_is_an_error);
    suite_add_tcase(suite, tc);
    return suite;
}
