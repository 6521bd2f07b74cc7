/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/copy.h"

#include <check.h>

/* Neither more nor less than asked for. */
START_TEST(as_many_bytes_are_copied_as_asked_for)
{
    const uint8_t from[16] = "0123456789abcdef";
    uint8_t to[18];

    for (size_t size = 0; size <= 16; size++) {
        memset(to, '.', sizeof(to));
        beamc__copy_16(to + 1, from, size);
        ck_assert_mem_eq(to + 1, from, size);
        ck_assert_int_eq(to[0], '.');
        for (size_t at = size + 1; at < sizeof(to); at++)
            ck_assert_int_eq(to[at], '.');
    }
}
END_TEST

Suite *suite_copy(void)
{
    Suite *suite = suite_create("copy");
    TCase *tc = tcase_create("copy");

    tcase_add_test(tc, as_many_bytes_are_copied_as_asked_for);
    suite_add_tcase(suite, tc);
    return suite;
}
