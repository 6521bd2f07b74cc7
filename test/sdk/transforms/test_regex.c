/* SPDX-License-Identifier: Apache-2.0 */
/* Regular expressions. */
#include "test/sdk/transforms/collect.h"

#include <beamc/kv.h>
#include <beamc/regex.h>
#include <check.h>
#include <stdlib.h>

#define S(text) { text, sizeof(text) - 1 }

static const beamc_string lines[] = { S("id=12 id=345"), S("none"), S("id=6"), S("") };
#define LINES beamc_create(collect_pipeline(), BEAMC_TYPE(string), lines, 4)

static beamc_pcollection text(const char *line)
{
    beamc_string string = beamc_string_of(line);

    return beamc_create(collect_pipeline(), BEAMC_TYPE(string), &string, 1);
}

START_TEST(matches_is_of_the_whole_string)
{
    collect_check(beamc_regex_matches(LINES, "id=(\\d+)", NULL), "id=6");
    collect_check(beamc_regex_matches(LINES, "id=(\\d+)", "1"), "6");
    collect_check(beamc_regex_matches(LINES, "id=(?<number>\\d+)", "number"), "6");
    collect_check(beamc_regex_matches(LINES, "none|no", "0"), "none");
    collect_check(beamc_regex_matches(text("ab"), "(x)?ab", "1"), "");
}
END_TEST

START_TEST(find_is_of_the_first_part)
{
    collect_check(beamc_regex_find(LINES, "id=(\\d+)", NULL), "id=12\nid=6");
    collect_check(beamc_regex_find(LINES, "id=(\\d+)", "1"), "12\n6");
    collect_check(beamc_regex_find(LINES, "(?i)NONE", NULL), "none");
}
END_TEST

START_TEST(find_all_gives_every_match)
{
    static const struct {
        const char *text, *pattern, *expected;
    } cases[] = {
        { "id=12 id=345", "\\d+", "12\n345" },
        { "abc", "x*", "" },
        { "axxb", "x+|b", "xx\nb" },
        { "\xc3\xa9t\xc3\xa9", "\xc3\xa9|t", "\xc3\xa9\nt\n\xc3\xa9" },
        { "a\xff" "b", "[ab]", "a\nb" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        collect_check(beamc_regex_find_all(text(cases[i].text), cases[i].pattern, NULL),
                      cases[i].expected);
    collect_check(beamc_regex_find_all(LINES, "id=(\\d)", "1"), "1\n3\n6");
}
END_TEST

START_TEST(groups_come_together)
{
    collect_check(beamc_regex_matches_groups(text("k: v"), "(\\w+)(x)?: (.*)"), "[k: v, k, , v]");
    collect_check(beamc_regex_find_groups(LINES, "i(d)=(\\d)"), "[id=1, d, 1]\n[id=6, d, 6]");
}
END_TEST

START_TEST(kvs_of_two_groups)
{
    collect_check(beamc_regex_matches_kv(text("k: v"), "(?<key>\\w+): (.*)", "key", "2"), "(k, v)");
    collect_check(beamc_regex_find_kv(LINES, "(id)=(\\d+)", "2", "1"), "(12, id)\n(6, id)");
}
END_TEST

START_TEST(replacing)
{
    static const struct {
        const char *text, *pattern, *with, *all, *first;
    } cases[] = {
        { "banana", "a", "o", "bonono", "bonana" },
        { "banana", "(b)(a)", "$2${1}", "abnana", "abnana" },
        { "banana", "(?<x>an)", "<${x}$$>", "b<an$><an$>a", "b<an$>ana" },
        { "banana", "a", "", "bnn", "bnana" },
        { "none", "x", "y", "none", "none" },
        { "ab", "", "-", "-a-b-", "-ab" },
        { "a\xff" "a", "a", "b", "b\xff" "b", "b\xff" "a" },
        { "aaaa", "a",
          "a replacement that is much longer than what it replaces, so that there is no room ",
          "a replacement that is much longer than what it replaces, so that there is no room "
          "a replacement that is much longer than what it replaces, so that there is no room "
          "a replacement that is much longer than what it replaces, so that there is no room "
          "a replacement that is much longer than what it replaces, so that there is no room ",
          "a replacement that is much longer than what it replaces, so that there is no room aaa" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        collect_check(beamc_regex_replace_all(text(cases[i].text), cases[i].pattern, cases[i].with),
                      cases[i].all);
        collect_check(beamc_regex_replace_first(text(cases[i].text), cases[i].pattern,
                                                cases[i].with),
                      cases[i].first);
    }
}
END_TEST

START_TEST(splitting)
{
    static const struct {
        const char *text, *pattern, *without, *with;
    } cases[] = {
        { "a,b,,c,", ",", "<a>\n<b>\n<c>", "<a>\n<b>\n<>\n<c>\n<>" },
        { "abc", "", "<a>\n<b>\n<c>", "<>\n<a>\n<b>\n<c>\n<>" },
        { "\xc3\xa9t", "", "<\xc3\xa9>\n<t>", "<>\n<\xc3\xa9>\n<t>\n<>" },
        { "whole", ",", "<whole>", "<whole>" },
        { "", ",", "", "<>" },
        { "a1b22c", "\\d+", "<a>\n<b>\n<c>", "<a>\n<b>\n<c>" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        beamc_pcollection pieces = beamc_regex_split(text(cases[i].text), cases[i].pattern, false);
        collect_check(beamc_regex_replace_all(pieces, "^(.*)$", "<$1>"), cases[i].without);
        pieces = beamc_regex_split(text(cases[i].text), cases[i].pattern, true);
        collect_check(beamc_regex_replace_all(pieces, "^(.*)$", "<$1>"), cases[i].with);
    }
}
END_TEST

START_TEST(wrong_patterns_are_refused_when_built)
{
#define REFUSED(transform, ...) collect_check_refused(transform(LINES, __VA_ARGS__), part)
    const char *part = "pattern \"a(b\" at offset 3: missing";
    REFUSED(beamc_regex_find, "a(b", NULL);
    part = "pattern \"[z-a]\" at offset 3";
    REFUSED(beamc_regex_matches, "[z-a]", NULL);
    part = "pattern \"(a)\" has no group \"2\"";
    REFUSED(beamc_regex_find, "(a)", "2");
    REFUSED(beamc_regex_find_kv, "(a)", "1", "2");
    REFUSED(beamc_regex_replace_all, "(a)", "$2");
    part = "pattern \"(a)\" has no group \"x\"";
    REFUSED(beamc_regex_find, "(a)", "x");
    REFUSED(beamc_regex_replace_first, "(a)", "b${x}");
    part = "no group after $";
    REFUSED(beamc_regex_replace_all, "a", "b$");
    REFUSED(beamc_regex_replace_all, "(a)", "${1");
}
END_TEST

START_TEST(runaway_patterns_stop_the_pipeline)
{
    char line[40];

    memset(line, 'a', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    const char *pattern = "(*NO_JIT)(*NO_START_OPT)(*LIMIT_MATCH=1000)(a+)+b";
    collect_check_error(beamc_regex_matches(text(line), pattern, NULL),
                        "(*LIMIT_MATCH=1000)(a+)+b\": match limit exceeded");
}
END_TEST

Suite *suite_regex(void);
Suite *suite_regex(void)
{
    Suite *suite = suite_create("regex");
    TCase *tc = tcase_create("regex");

    tcase_add_test(tc, matches_is_of_the_whole_string);
    tcase_add_test(tc, find_is_of_the_first_part);
    tcase_add_test(tc, find_all_gives_every_match);
    tcase_add_test(tc, groups_come_together);
    tcase_add_test(tc, kvs_of_two_groups);
    tcase_add_test(tc, replacing);
    tcase_add_test(tc, splitting);
    tcase_add_test(tc, wrong_patterns_are_refused_when_built);
    tcase_add_test(tc, runaway_patterns_stop_the_pipeline);
    suite_add_tcase(suite, tc);
    return suite;
}
