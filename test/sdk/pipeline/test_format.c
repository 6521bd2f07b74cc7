/* SPDX-License-Identifier: Apache-2.0 */
/* Formatting gives what the C library gives, or says that it does not. */
#include "sdk/pipeline/format.h"

#include <check.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static bool format(char *out, size_t size, size_t *written, const char *text, ...)
{
    va_list args;

    va_start(args, text);
    bool ok = beamc__format(out, size, written, text, args);
    va_end(args);
    return ok;
}

/* Ours is the library's, and one byte less room is refused. */
#define SAME(...)                                                                                  \
    do {                                                                                           \
        char ours[512];                                                                            \
        char theirs[512];                                                                          \
        size_t written;                                                                            \
        size_t size = (size_t)snprintf(theirs, sizeof(theirs), __VA_ARGS__);                       \
        ck_assert(format(ours, sizeof(ours), &written, __VA_ARGS__));                              \
        ck_assert_uint_eq(written, size);                                                          \
        ck_assert_mem_eq(ours, theirs, size);                                                      \
        ck_assert(format(ours, size, &written, __VA_ARGS__));                                      \
        ck_assert(size == 0 || !format(ours, size - 1, &written, __VA_ARGS__));                    \
    } while (0)

START_TEST(formats_as_the_library_does)
{
    SAME("%s", "");
    SAME("plain");
    SAME("%.*s: %" PRId64, 3, "abcdef", INT64_C(-42));
    SAME("%.*s", 10, "abc");
    SAME("%d %i %u", INT_MIN, INT_MAX, UINT_MAX);
    SAME("%ld %li %lu", LONG_MIN, LONG_MAX, ULONG_MAX);
    SAME("%lld %lli %llu", LLONG_MIN, LLONG_MAX, ULLONG_MAX);
    SAME("%zu %zd %ju %jd", SIZE_MAX, (ssize_t)-1, UINTMAX_MAX, INTMAX_MIN);
    SAME("%d%%, %s, %c;", 0, "text", 'x');
}
END_TEST

START_TEST(leaves_what_is_rarer_to_the_library)
{
    char out[64];
    size_t written;

    ck_assert(!format(out, sizeof(out), &written, "%f", 1.0));
    ck_assert(!format(out, sizeof(out), &written, "%5d", 1));
    ck_assert(!format(out, sizeof(out), &written, "%-s", "x"));
    ck_assert(!format(out, sizeof(out), &written, "%x", 1u));
    ck_assert(!format(out, sizeof(out), &written, "%.2s", "xyz"));
    ck_assert(!format(out, sizeof(out), &written, "%.*s", -1, "x"));
    ck_assert(!format(out, sizeof(out), &written, "%ls", L"x"));
    ck_assert(!format(out, sizeof(out), &written, "%"));
}
END_TEST

START_TEST(no_bytes_need_no_address)
{
    char out[8];
    size_t written;

    ck_assert(format(out, sizeof(out), &written, "a%.*sb", 0, (const char *)NULL));
    ck_assert_uint_eq(written, 2);
    ck_assert_mem_eq(out, "ab", 2);
}
END_TEST

Suite *suite_format(void)
{
    Suite *suite = suite_create("format");
    TCase *tc = tcase_create("format");

    tcase_add_test(tc, formats_as_the_library_does);
    tcase_add_test(tc, leaves_what_is_rarer_to_the_library);
    tcase_add_test(tc, no_bytes_need_no_address);
    suite_add_tcase(suite, tc);
    return suite;
}
