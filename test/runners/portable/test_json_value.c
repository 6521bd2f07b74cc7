/* SPDX-License-Identifier: Apache-2.0 */
/* JSON texts: what is read, and what is wrong where. */
#include "runners/portable/json_value.h"
#include "test/alloc.h"
#include "test/runners/portable/job_server.h"
#include "test/sdk/io/scratch.h"
#include <check.h>
#include <stdio.h>
#include <string.h>

static beamc_arena *arena;

static void set_up(void)
{
    arena = beamc_arena_new();
    ck_assert_ptr_nonnull(arena);
}

static void tear_down(void)
{
    test_alloc_fail_at(-1);
    beamc_arena_free(arena);
}

static const struct {
    const char *text;
    const char *read; /* NULL: the same */
} good[] = {
    { "null", NULL },
    { " true\n", "true" },
    { "false", NULL },
    { "0", NULL },
    { "-1.5e+3", "-1500" },
    { "\"\"", NULL },
    { "\"a\\\"b\\\\c\\/\\n\"", "\"a\"b\\c/\n\"" },
    { "\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"", "\"A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
    { "[]", NULL },
    { "[1, 2 ,3,\t4,5]", "[1,2,3,4,5]" },
    { "{}", NULL },
    { "{ \"a\" : [ { \"b\" : null } ] , \"c\" : \"d\" }", "{\"a\":[{\"b\":null}],\"c\":\"d\"}" },
    { "{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5}", NULL },
    { "{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}" },
};

START_TEST(values_are_read)
{
    beamc__json_value *value;
    beamc_buffer out;

    ck_assert_str_eq(scratch_text(beamc__json_parse(&value, good[_i].text, arena)), "ok");
    beamc_buffer_init(&out);
    json_write(&out, value);
    beamc_buffer_append_byte(&out, '\0');
    ck_assert_str_eq((const char *)out.data, good[_i].read != NULL ? good[_i].read : good[_i].text);
    beamc_buffer_dispose(&out);
}
END_TEST

static const struct {
    const char *text;
    const char *message;
} bad[] = {
    { "", "character 1: a value is missing" },
    { "  ", "character 3: a value is missing" },
    { "nul", "character 1: a value is missing" },
    { "truely", "character 5: something follows the value" },
    { "01", "character 1: a value is missing" },
    { "1.", "character 1: a value is missing" },
    { "1e", "character 1: a value is missing" },
    { "+1", "character 1: a value is missing" },
    { ".5", "character 1: a value is missing" },
    { "\"a", "character 3: the text has no end" },
    { "\"a\\", "character 4: unknown escape in a text" },
    { "\"a\\x\"", "character 4: unknown escape in a text" },
    { "\"a\nb\"", "character 3: control characters in a text must be escaped" },
    { "\"\\u12g4\"", "character 4: \\u needs four hexadecimal digits" },
    { "\"\\u0000\"", "character 4: \\u0000 cannot be part of a text" },
    { "\"\\ud83d\"", "character 4: half of a surrogate pair" },
    { "\"\\ude00\\ud83d\"", "character 4: half of a surrogate pair" },
    { "[1", "character 3: ',' or ']' is missing" },
    { "[1,]", "character 4: a value is missing" },
    { "{1:2}", "character 2: the name of a member is missing" },
    { "{\"a\"}", "character 5: ':' is missing" },
    { "{\"a\":1", "character 7: ',' or '}' is missing" },
    { "{\"a\":1,}", "character 8: the name of a member is missing" },
};

START_TEST(what_is_wrong_is_said_with_its_place)
{
    beamc__json_value *value;

    ck_assert_str_eq(scratch_text(beamc__json_parse(&value, bad[_i].text, arena)), bad[_i].message);
}
END_TEST

START_TEST(nesting_has_a_limit)
{
    char text[2 * BEAMC__JSON_DEPTH + 3] = "";
    beamc__json_value *value;

    memset(text, '[', BEAMC__JSON_DEPTH);
    memset(text + BEAMC__JSON_DEPTH, ']', BEAMC__JSON_DEPTH);
    ck_assert_str_eq(scratch_text(beamc__json_parse(&value, text, arena)), "ok");
    memset(text, '[', BEAMC__JSON_DEPTH + 1);
    memset(text + BEAMC__JSON_DEPTH + 1, ']', BEAMC__JSON_DEPTH + 1);
    ck_assert_str_eq(scratch_text(beamc__json_parse(&value, text, arena)),
                     "character 26: too many objects and lists in each other");
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    for (long n = 0;; n++) {
        beamc__json_value *value;
        beamc_arena_free(arena);
        arena = beamc_arena_new();
        test_alloc_fail_at(n);
        beamc_error *error = beamc__json_parse(&value, "{\"a\":[1,\"b\",true,null,{}]}", arena);
        bool failed = test_alloc_failed();
        test_alloc_fail_at(-1);
        ck_assert_int_eq(beamc_error_code(error), failed ? BEAMC_ENOMEM : BEAMC_OK);
        beamc_error_free(error);
        if (!failed)
            break;
    }
}
END_TEST

Suite *suite_json_value(void)
{
    Suite *suite = suite_create("json_value");
    TCase *tc = tcase_create("json_value");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, values_are_read, 0, sizeof(good) / sizeof(*good));
    tcase_add_loop_test(tc, what_is_wrong_is_said_with_its_place, 0, sizeof(bad) / sizeof(*bad));
    tcase_add_test(tc, nesting_has_a_limit);
    tcase_add_test(tc, every_allocation_may_fail);
    suite_add_tcase(suite, tc);
    return suite;
}
