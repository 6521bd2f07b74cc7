/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns against paths. */
#include "sdk/io/glob.h"

#include "test/alloc.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *pattern;
    const char *path;
    bool matches;
} glob_case;

static const glob_case cases[] = {
    { "", "", true },
    { "", "a", false },
    { "a", "a", true },
    { "a", "ab", false },
    { "a", "A", false },
    { "?", "a", true },
    { "?", "", false },
    { "?", "/", false },
    { "*", "", true },
    { "*", "abc", true },
    { "*", "a/b", false },
    { "*", ".a", false },
    { ".*", ".a", true },
    { "?a", ".a", false },
    { "[.]a", ".a", false },
    { "a*", "a.b", true },
    { "*.txt", "a.txt", true },
    { "*.txt", "a.txt.gz", false },
    { "*.txt", ".txt", false },
    { "a*b*c", "aXbYbZc", true },
    { "a*b*c", "aXbYbZ", false },
    { "a?c/*.t", "abc/x.t", true },
    { "a*/b", "a/x/b", false },
    { "[abc]", "b", true },
    { "[abc]", "d", false },
    { "[a-c]x", "bx", true },
    { "[a-c]x", "dx", false },
    { "[!a-c]x", "dx", true },
    { "[!a-c]x", "ax", false },
    { "[^a-c]x", "dx", true },
    { "[]]", "]", true },
    { "[!]]", "]", false },
    { "[!]]", "a", true },
    { "[a-]", "-", true },
    { "[\\]]", "]", true },
    { "[\\a-c]", "b", true },
    { "a[/]b", "a/b", false },
    { "a[!x]b", "a/b", false },
    { "[a", "[a", true },
    { "[", "[", true },
    { "[]", "[]", true },
    { "\\*", "*", true },
    { "\\*", "a", false },
    { "\\\\", "\\", true },
    { "a\\", "a\\", true },
    { "**", "a/b/c", true },
    { "**", "", true },
    { "**", ".a", false },
    { "**", "a/.b/c", false },
    { "**/c", "c", true },
    { "**/c", "a/c", true },
    { "**/c", "a/b/c", true },
    { "**/c", "ac", false },
    { "**/c", "a/bc", false },
    { "**/c", ".a/c", false },
    { "a/**/c", "a/c", true },
    { "a/**/c", "a/b/c", true },
    { "a/**/c", "a/b/b/c", true },
    { "a/**/c", "ab/c", false },
    { "a/**", "a/b/c", true },
    { "a/**", "a", false },
    { "a**c", "a/b/c", true },
    { "a**c", "abc", true },
    { "**/*.txt", "x/y/z.txt", true },
    { "**/*.txt", "z.txt", true },
    { "**/**/x", "x", true },
    { "**/**/x", "a/x", true },
    { "***/x", "a/b/x", true },
    { "\xc3\xa4*", "\xc3\xa4", true },
};

START_TEST(patterns_match_as_told)
{
    const glob_case *test = &cases[_i];
    bool matches = !test->matches;

    ck_assert_int_eq(beamc__glob_match(&matches, test->pattern, strlen(test->pattern), test->path,
                                       strlen(test->path)),
                     BEAMC_OK);
    ck_assert_msg(matches == test->matches, "%s against %s", test->pattern, test->path);
}
END_TEST

/* Backtracking would take 30 to the power of 20 steps here. */
START_TEST(no_pattern_takes_long)
{
    const char *pattern = "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a**a**a**a**/**/**/b";
    char path[2000];
    bool matches = true;

    memset(path, 'a', sizeof(path));
    for (size_t i = 100; i < sizeof(path); i += 10)
        path[i] = '/';
    ck_assert_int_eq(
        beamc__glob_match(&matches, pattern, strlen(pattern), path, sizeof(path)), BEAMC_OK);
    ck_assert(!matches);
}
END_TEST

START_TEST(wildcards_are_told_from_names)
{
    const char *wild[] = { "*", "a?", "[a]", "\\a*", "**", "[!]]" };
    const char *plain[] = { "", "a", "\\*", "[", "[a", "a\\", "a]", "[a/b]" };

    for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++)
        ck_assert_msg(beamc__glob_is_wild(wild[i], strlen(wild[i])), "%s", wild[i]);
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        ck_assert_msg(!beamc__glob_is_wild(plain[i], strlen(plain[i])), "%s", plain[i]);
    ck_assert(beamc__glob_is_deep("a**", 3));
    ck_assert(!beamc__glob_is_deep("*a*", 3));
    ck_assert(!beamc__glob_is_deep("[**]", 4));
    ck_assert(!beamc__glob_is_deep("\\**", 3));
}
END_TEST

START_TEST(escapes_stand_for_names)
{
    char name[16];
    size_t size = beamc__glob_literal(name, "a\\*b\\", 5);

    ck_assert_uint_eq(size, 4);
    ck_assert_mem_eq(name, "a*b\\", 4);
}
END_TEST

START_TEST(no_memory_is_told)
{
    for (long n = 0;; n++) {
        bool matches = false;
        test_alloc_fail_at(n);
        int rc = beamc__glob_match(&matches, "a*", 2, "ab", 2);
        bool failed = test_alloc_failed();
        test_alloc_fail_at(-1);
        ck_assert_int_eq(rc, failed ? BEAMC_ENOMEM : BEAMC_OK);
        if (!failed)
            break;
    }
}
END_TEST

Suite *suite_glob(void);

Suite *suite_glob(void)
{
    Suite *suite = suite_create("glob");
    TCase *tc = tcase_create("glob");

    tcase_add_loop_test(tc, patterns_match_as_told, 0, sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tc, no_pattern_takes_long);
    tcase_add_test(tc, wildcards_are_told_from_names);
    tcase_add_test(tc, escapes_stand_for_names);
    tcase_add_test(tc, no_memory_is_told);
    suite_add_tcase(suite, tc);
    return suite;
}
