/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/utf8.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const char *from, *to;
} pair;

static const pair pairs[] = {
    { "", "" },
    { "plain\ttext", "plain\ttext" },
    { "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80" },
    { "\xff", "?" },
    { "a\x80z", "a?z" },
    { "\xc3", "?" },             /* cut */
    { "\xe2\x82", "??" },
    { "\xf0\x9f\x98", "???" },
    { "\xe2\x82z", "??z" },
    { "\xc0\xaf", "??" },         /* too long */
    { "\xe0\x80\xaf", "???" },
    { "\xf0\x80\x80\xaf", "????" },
    { "\xed\xa0\x80", "???" },     /* a surrogate */
    { "\xed\x9f\xbf", "\xed\x9f\xbf" },
    { "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
    { "\xf4\x90\x80\x80", "????" }, /* past the last */
    { "\xf5\x80\x80\x80", "????" },
};
enum { PAIRS = sizeof(pairs) / sizeof(*pairs) };

START_TEST(what_is_no_utf8_is_marked)
{
    char text[20];

    snprintf(text, sizeof(text), "%s", pairs[_i].from);
    beamc__utf8_clean(text);
    ck_assert_str_eq(text, pairs[_i].to);
}
END_TEST

START_TEST(characters_have_their_length)
{
    static const char four[] = "\xf0\x9f\x98\x80";

    for (size_t size = 0; size < 4; size++)
        ck_assert_uint_eq(beamc__utf8_char(four, size), 0);
    ck_assert_uint_eq(beamc__utf8_char(four, 4), 4);
    ck_assert_uint_eq(beamc__utf8_char("\0", 1), 1);
}
END_TEST

Suite *suite_utf8(void)
{
    Suite *suite = suite_create("utf8");
    TCase *tc = tcase_create("all");

    tcase_add_loop_test(tc, what_is_no_utf8_is_marked, 0, PAIRS);
    tcase_add_test(tc, characters_have_their_length);
    suite_add_tcase(suite, tc);
    return suite;
}
