/* SPDX-License-Identifier: Apache-2.0 */
/* The nearest name: which slips are seen through, and what is like nothing. */
#include "sdk/base/nearest.h"
#include <check.h>
#include <string.h>

static const char *const names[] = { "jobs list", "jobs watch", "graph", "doctor",
                                     "storage_level" };

static const char *nearest_to(const char *name)
{
    beamc__nearest nearest;

    beamc__nearest_init(&nearest, name);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        beamc__nearest_try(&nearest, names[i]);
    return nearest.found;
}

static const struct {
    const char *name, *nearest;
} cases[] = {
    { "jobs list", "jobs list" },
    { "jobs lsit", "jobs list" },
    { "graaph", "graph" },
    { "docter", "doctor" },
    { "storage", "storage_level" },
    { "strage_level", "storage_level" },
    { "stor", "storage_level" },
    { "pancake", NULL },
    { "", NULL },
};

START_TEST(slips_of_the_finger_are_seen_through)
{
    const char *nearest = nearest_to(cases[_i].name);

    if (cases[_i].nearest == NULL)
        ck_assert_ptr_null(nearest);
    else
        ck_assert_str_eq(nearest, cases[_i].nearest);
}
END_TEST

START_TEST(a_name_without_end_is_near_to_none)
{
    char name[4 * BEAMC__NEAREST_SIZE];
    beamc__nearest nearest;

    memset(name, 'a', sizeof(name));
    for (size_t size = BEAMC__NEAREST_SIZE - 1; size < sizeof(name); size++) {
        name[size] = '\0';
        ck_assert_ptr_null(nearest_to(name));
        beamc__nearest_init(&nearest, "a");
        beamc__nearest_try(&nearest, name);
        ck_assert_ptr_null(nearest.found);
        name[size] = 'a';
    }
}
END_TEST

Suite *suite_nearest(void)
{
    Suite *suite = suite_create("nearest");
    TCase *tc = tcase_create("nearest");

    tcase_add_loop_test(tc, slips_of_the_finger_are_seen_through, 0,
                        (int)(sizeof(cases) / sizeof(cases[0])));
    tcase_add_test(tc, a_name_without_end_is_near_to_none);
    suite_add_tcase(suite, tc);
    return suite;
}
