/* SPDX-License-Identifier: Apache-2.0 */
/* Logging: what reaches a sink, and how. */
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
    const beamc_log_target target = { &sink, BEAMC_LOG_INFO, "instruction-7", "Count/ParDo" };

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
        const beamc_log_target target = { &sink, (beamc_log_level)limit, NULL, NULL };
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
    const beamc_log_target target = { NULL, BEAMC_LOG_TRACE, NULL, NULL };

    beamc_log_to(&target, BEAMC_LOG_CRITICAL, "%d", evaluate());
    beamc_log_write(&target, BEAMC_LOG_CRITICAL, __FILE__, __LINE__, "text");
    ck_assert_int_eq(evaluated, 0);
}
END_TEST

START_TEST(long_messages_are_whole_or_cut_without_memory)
{
    const beamc_log_target target = { &sink, BEAMC_LOG_INFO, NULL, NULL };
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
    beamc_log_target target = { &standard_error, BEAMC_LOG_INFO, NULL, "Count" };
    char text[200] = "";
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(saved, 0);
    ck_assert_int_ge(dup2(fileno(file), STDERR_FILENO), 0);
    beamc_log_to(&target, BEAMC_LOG_NOTICE, "first %d", 1);
    target.transform = NULL;
    beamc_log_to(&target, BEAMC_LOG_ERROR, "second");
    ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
    rewind(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    ck_assert_str_eq(text, "NOTICE [Count] first 1\nERROR second\n");
    fclose(file);
    close(saved);
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
    tcase_add_test(tc, level_names_go_both_ways);
    suite_add_tcase(suite, tc);
    return suite;
}
