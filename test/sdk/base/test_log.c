/* SPDX-License-Identifier: Apache-2.0 */
/* Logging: what reaches a sink, and how. */
#include "sdk/base/log_levels.h"
#include "test/alloc.h"
#include <beamc/log.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    int count;
    beamc_log_entry last;
    char message[5000];
} capture;

static void capture_write(void *ctx, const beamc_log_entry *entry)
{
    capture *captured = ctx;

    captured->count++;
    captured->last = *entry;
    snprintf(captured->message, sizeof(captured->message), "%s", entry->message);
}

static capture captured;
static const beamc_log_sink sink = { capture_write, &captured };

static int evaluated;

static int evaluate(void)
{
    return ++evaluated;
}

START_TEST(entries_carry_where_they_come_from)
{
    const beamc_log_target target = { &sink, BEAMC_LOG_INFO, "instruction-7", "Count/ParDo",
                                      NULL };

    beamc_log_to(&target, BEAMC_LOG_WARN, "evicted %d of %d", 3, 10);
    int line = __LINE__ - 1;
    ck_assert_int_eq(captured.count, 1);
    ck_assert_int_eq(captured.last.level, BEAMC_LOG_WARN);
    ck_assert_str_eq(captured.message, "evicted 3 of 10");
    ck_assert_str_eq(captured.last.instruction, "instruction-7");
    ck_assert_str_eq(captured.last.transform, "Count/ParDo");
    ck_assert_str_eq(captured.last.file, __FILE__);
    ck_assert_int_eq(captured.last.line, line);
    ck_assert_int_gt(captured.last.time_ms, INT64_C(1700000000000));
}
END_TEST

START_TEST(a_level_decides_before_anything_is_formatted)
{
    for (int limit = BEAMC_LOG_TRACE; limit <= BEAMC_LOG_CRITICAL; limit++) {
        const beamc_log_target target = { .sink = &sink, .level = (beamc_log_level)limit };
        for (int level = BEAMC_LOG_TRACE; level <= BEAMC_LOG_CRITICAL; level++) {
            captured.count = evaluated = 0;
            beamc_log_to(&target, (beamc_log_level)level, "%d", evaluate());
            ck_assert_int_eq(captured.count, level >= limit);
            ck_assert_int_eq(evaluated, level >= limit);
        }
    }
}
END_TEST

START_TEST(without_a_sink_entries_are_dropped)
{
    const beamc_log_target target = { .level = BEAMC_LOG_TRACE };

    beamc_log_to(&target, BEAMC_LOG_CRITICAL, "%d", evaluate());
    beamc_log_write(&target, BEAMC_LOG_CRITICAL, __FILE__, __LINE__, "text");
    ck_assert_int_eq(evaluated, 0);
}
END_TEST

START_TEST(long_messages_are_whole_or_cut_without_memory)
{
    const beamc_log_target target = { .sink = &sink, .level = BEAMC_LOG_INFO };
    char text[4000];

    memset(text, 'z', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (size_t length = 1020; length < 1030; length++) {
        beamc_log_to(&target, BEAMC_LOG_INFO, "%.*s", (int)length, text);
        ck_assert_uint_eq(strlen(captured.message), length);
    }
    beamc_log_to(&target, BEAMC_LOG_INFO, "%s", text);
    ck_assert_str_eq(captured.message, text);

    test_alloc_fail_at(0);
    beamc_log_to(&target, BEAMC_LOG_INFO, "%s", text);
    test_alloc_fail_at(-1);
    ck_assert_uint_eq(strlen(captured.message), 1023);
}
END_TEST

START_TEST(lines_on_standard_error)
{
    static const beamc_log_sink standard_error = { beamc_log_write_stderr, NULL };
    beamc_log_target target = { .sink = &standard_error,
                                .level = BEAMC_LOG_INFO,
                                .transform = "Count" };
    char text[200] = "";
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(saved, 0);
    ck_assert_int_ge(dup2(fileno(file), STDERR_FILENO), 0);
    beamc_log_to(&target, BEAMC_LOG_NOTICE, "first %d", 1);
    target.transform = NULL;
    beamc_log_to(&target, BEAMC_LOG_ERROR, "second");
    beamc_log_fields_to(&target, BEAMC_LOG_INFO, "third", beamc_log_text("word", "a-b"),
                        beamc_log_text("quoted", "two \"words\"\n\t\\"), beamc_log_text("none", ""),
                        beamc_log_int64("least", INT64_MIN), beamc_log_float64("tenth", 0.1),
                        beamc_log_boolean("yes", true), beamc_log_text_of("cut", "abcdef", 3));
    ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
    rewind(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    ck_assert_str_eq(text, "NOTICE [Count] first 1\nERROR second\n"
                           "INFO third word=a-b quoted=\"two \\\"words\\\"\\n\\x09\\\\\" none=\"\" "
                           "least=-9223372036854775808 tenth=0.1 yes=true cut=abc\n");
    fclose(file);
    close(saved);
}
END_TEST

START_TEST(fields_go_with_a_plain_message)
{
    beamc_log_target target = { .sink = &sink, .level = BEAMC_LOG_INFO, .transform = "Count" };

    captured.count = evaluated = 0;
    beamc_log_fields_to(&target, BEAMC_LOG_DEBUG, "100%", beamc_log_int64("n", evaluate()));
    ck_assert_int_eq(captured.count + evaluated, 0);
    beamc_log_fields_to(&target, BEAMC_LOG_INFO, "100%", beamc_log_int64("n", evaluate()),
                        beamc_log_text("t", "x"));
    int line = __LINE__ - 1;
    ck_assert_int_eq(captured.count, 1);
    ck_assert_int_eq(evaluated, 1);
    ck_assert_str_eq(captured.message, "100%");
    ck_assert_str_eq(captured.last.transform, "Count");
    ck_assert_str_eq(captured.last.file, __FILE__);
    ck_assert_int_le(abs(captured.last.line - line), 1);
    ck_assert_uint_eq(captured.last.field_count, 2);
    target.sink = NULL;
    beamc_log_fields_to(&target, BEAMC_LOG_CRITICAL, "nowhere", beamc_log_int64("n", evaluate()));
    ck_assert_int_eq(evaluated, 1);
}
END_TEST

/* ---- levels of single places ----------------------------------------------------------------- */

static const beamc_log_override some[] = {
    { "Count", BEAMC_LOG_ERROR },
    { "Count/inner", BEAMC_LOG_DEBUG },
    { "words", BEAMC_LOG_TRACE },
    { "org.other.Logger", BEAMC_LOG_CRITICAL }, /* might be a file */
    { "", BEAMC_LOG_TRACE },
};

static const struct {
    const char *transform;
    const char *function;
    beamc_log_level level;
} places[] = {
    { "Count", "words", BEAMC_LOG_ERROR },
    { "Count/other", "words", BEAMC_LOG_ERROR },
    { "Count/inner", NULL, BEAMC_LOG_DEBUG },
    { "Count/inner/most", NULL, BEAMC_LOG_DEBUG },
    { "Count/innermost", NULL, BEAMC_LOG_ERROR },
    { "Counts", "words", BEAMC_LOG_TRACE }, /* the function only where no transform is named */
    { "Counts", "word", BEAMC_LOG_INFO },
    { NULL, NULL, BEAMC_LOG_INFO },
};

START_TEST(transforms_and_functions_have_levels)
{
    const beamc_log_overrides overrides = { some, sizeof(some) / sizeof(*some) };
    beamc_log_target target = { .sink = &sink };
    beamc_log_files files;

    beamc__log_levels_set(&target, &files, &overrides, BEAMC_LOG_INFO, places[_i].transform,
                          places[_i].function);
    ck_assert_int_eq(target.level, places[_i].level);
    beamc__log_levels_set(&target, &files, NULL, BEAMC_LOG_NOTICE, places[_i].transform, NULL);
    ck_assert_int_eq(target.level, BEAMC_LOG_NOTICE);
    ck_assert_ptr_null(target.files);
}
END_TEST

static const beamc_log_override of_files[] = {
    { "some.c", BEAMC_LOG_ERROR },
    { "base/test_log.c", BEAMC_LOG_DEBUG },
    { "log.c", BEAMC_LOG_CRITICAL }, /* the end of a name is not the end of a path */
    { "test_log.c", BEAMC_LOG_WARN },
    { "named", BEAMC_LOG_WARN },
};

static int count_of(const beamc_log_target *target, beamc_log_level level)
{
    captured.count = 0;
    beamc_log_to(target, level, "here");
    beamc_log_fields_to(target, level, "here", beamc_log_int64("n", 1));
    return captured.count;
}

/* This file's DEBUG entries go, those of other files below INFO do not. */
START_TEST(files_have_levels)
{
    const beamc_log_overrides overrides = { of_files, sizeof(of_files) / sizeof(*of_files) };
    beamc_log_target target = { .sink = &sink };
    beamc_log_files files;

    beamc__log_levels_set(&target, &files, &overrides, BEAMC_LOG_INFO, "t", "f");
    ck_assert_int_eq(target.level, BEAMC_LOG_DEBUG);
    ck_assert_int_eq(count_of(&target, BEAMC_LOG_TRACE), 0);
    ck_assert_int_eq(count_of(&target, BEAMC_LOG_DEBUG), 2);
    captured.count = 0;
    beamc_log_write(&target, BEAMC_LOG_DEBUG, "src/other.c", 1, "there");
    beamc_log_write(&target, BEAMC_LOG_WARN, "src/some.c", 1, "there");
    beamc_log_write(&target, BEAMC_LOG_DEBUG, NULL, 0, "nowhere");
    ck_assert_int_eq(captured.count, 0);
    beamc_log_write(&target, BEAMC_LOG_INFO, "src/other.c", 1, "there");
    beamc_log_write(&target, BEAMC_LOG_ERROR, "some.c", 1, "there");
    beamc_log_write(&target, BEAMC_LOG_INFO, NULL, 0, "nowhere");
    ck_assert_int_eq(captured.count, 3);
    /* A transform that is named has its level, whatever the file. */
    beamc__log_levels_set(&target, &files, &overrides, BEAMC_LOG_INFO, "named/inner", "f");
    ck_assert_int_eq(count_of(&target, BEAMC_LOG_INFO), 0);
    ck_assert_int_eq(count_of(&target, BEAMC_LOG_WARN), 2);
}
END_TEST

START_TEST(level_names_go_both_ways)
{
    static const char *const names[] = { NULL,     "TRACE", "DEBUG", "INFO",
                                         "NOTICE", "WARN",  "ERROR", "CRITICAL" };
    beamc_log_level level = BEAMC_LOG_NOTICE;

    for (int i = BEAMC_LOG_TRACE; i <= BEAMC_LOG_CRITICAL; i++) {
        ck_assert_str_eq(beamc_log_level_name((beamc_log_level)i), names[i]);
        ck_assert(beamc_log_level_parse(&level, names[i]));
        ck_assert_int_eq(level, i);
    }
    ck_assert(beamc_log_level_parse(&level, "WARNING"));
    ck_assert_int_eq(level, BEAMC_LOG_WARN);
    ck_assert(beamc_log_level_parse(&level, "OFF"));
    ck_assert_int_eq(level, BEAMC_LOG_CRITICAL);
    level = BEAMC_LOG_NOTICE;
    ck_assert(!beamc_log_level_parse(&level, "LOUD"));
    ck_assert(!beamc_log_level_parse(&level, "UNSPECIFIED"));
    ck_assert(!beamc_log_level_parse(&level, ""));
    ck_assert_int_eq(level, BEAMC_LOG_NOTICE);
    ck_assert_str_eq(beamc_log_level_name((beamc_log_level)0), "UNSPECIFIED");
    ck_assert_str_eq(beamc_log_level_name((beamc_log_level)99), "UNSPECIFIED");
}
END_TEST

Suite *suite_log(void)
{
    Suite *suite = suite_create("log");
    TCase *tc = tcase_create("log");

    tcase_add_test(tc, entries_carry_where_they_come_from);
    tcase_add_test(tc, a_level_decides_before_anything_is_formatted);
    tcase_add_test(tc, without_a_sink_entries_are_dropped);
    tcase_add_test(tc, long_messages_are_whole_or_cut_without_memory);
    tcase_add_test(tc, lines_on_standard_error);
    tcase_add_test(tc, fields_go_with_a_plain_message);
    tcase_add_loop_test(tc, transforms_and_functions_have_levels, 0,
                        sizeof(places) / sizeof(*places));
    tcase_add_test(tc, files_have_levels);
    tcase_add_test(tc, level_names_go_both_ways);
    suite_add_tcase(suite, tc);
    return suite;
}
