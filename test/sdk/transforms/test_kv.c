/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and values, and elements as text. */
#include "test/sdk/transforms/collect.h"

#include <beamc/aggregate.h>
#include <beamc/kv.h>
#include <check.h>

#define S(text) { text, sizeof(text) - 1 }

BEAMC_KV(score, string, int64)
BEAMC_KV(flag, boolean, string)
BEAMC_KV(place, int64, string)
#define PERSON(F) F(string, name) F(int64, age)
BEAMC_ROW(person, PERSON)

static const score scores[] = { { S("a"), 1 }, { S("b"), -2 }, { S("a"), 3 } };
#define SCORES beamc_create(collect_pipeline(), BEAMC_TYPE(score), scores, 3)

/* Key and value differ in size and alignment. */
static const flag flags[] = { { true, S("yes") }, { false, S("") } };
#define FLAGS beamc_create(collect_pipeline(), BEAMC_TYPE(flag), flags, 2)

static const person people[] = { { S("Ann"), 30 }, { S("Bob"), 25 } };
#define PEOPLE beamc_create(collect_pipeline(), BEAMC_TYPE(person), people, 2)

START_TEST(keys_and_values)
{
    collect_check(beamc_keys(SCORES), "a\nb\na");
    collect_check(beamc_values(SCORES), "1\n-2\n3");
    collect_check(beamc_keys(FLAGS), "true\nfalse");
    collect_check(beamc_to_string_kvs(FLAGS, NULL), "true,yes\nfalse,");
}
END_TEST

START_TEST(swapped)
{
    collect_check(beamc_kv_swap(SCORES), "(1, a)\n(-2, b)\n(3, a)");
    collect_check(beamc_kv_swap(FLAGS), "(yes, true)\n(, false)");
    collect_check(beamc_kv_swap(beamc_kv_swap(FLAGS)), "(true, yes)\n(false, )");
}
END_TEST

START_TEST(only_kvs_have_keys_and_values)
{
    collect_check_refused(beamc_keys(PEOPLE), "takes KV<K, V>, but gets person");
    collect_check_refused(beamc_values(PEOPLE), "takes KV<K, V>, but gets person");
    collect_check_refused(beamc_kv_swap(PEOPLE), "takes KV<K, V>, but gets person");
    collect_check_refused(beamc_to_string_kvs(PEOPLE, NULL), "takes KV<K, V>, but gets person");
}
END_TEST

BEAMC_KEY_FN(by_age, person, int64)
{
    return element->age;
}

START_TEST(with_keys_of_a_function)
{
    collect_check(beamc_with_keys(PEOPLE, &by_age),
                  "(30, {name: Ann, age: 30})\n(25, {name: Bob, age: 25})");
}
END_TEST

START_TEST(with_a_constant_key)
{
    static const beamc_string name = S("all of them");
    static const place where = { 7, S("here") };

    collect_check(beamc_with_constant_key(beamc_keys(SCORES), BEAMC_TYPE(string), &name),
                  "(all of them, a)\n(all of them, b)\n(all of them, a)");
    collect_check(beamc_with_constant_key(beamc_values(SCORES), BEAMC_TYPE(place), &where),
                  "((7, here), 1)\n((7, here), -2)\n((7, here), 3)");
}
END_TEST

START_TEST(to_string_of_anything)
{
    collect_check(beamc_to_string(PEOPLE), "{name: Ann, age: 30}\n{name: Bob, age: 25}");
    collect_check(beamc_to_string(beamc_values(SCORES)), "1\n-2\n3");
    collect_check(beamc_to_string_kvs(SCORES, " -> "), "a -> 1\nb -> -2\na -> 3");
}
END_TEST

START_TEST(to_string_of_iterables)
{
    beamc_pcollection lists = beamc_values(beamc_to_list_per_key(SCORES));

    collect_check(beamc_to_string_iterables(lists, NULL), "1,3\n-2");
    lists = beamc_to_list_globally(beamc_values(SCORES));
    collect_check(beamc_to_string_iterables(lists, "; "), "-2; 1; 3");
    collect_check_refused(beamc_to_string_iterables(SCORES, NULL),
                          "takes Iterable<T>, but gets KV");
}
END_TEST

Suite *suite_kv(void);
Suite *suite_kv(void)
{
    Suite *suite = suite_create("kv");
    TCase *tc = tcase_create("kv");

    tcase_add_test(tc, keys_and_values);
    tcase_add_test(tc, swapped);
    tcase_add_test(tc, only_kvs_have_keys_and_values);
    tcase_add_test(tc, with_keys_of_a_function);
    tcase_add_test(tc, with_a_constant_key);
    tcase_add_test(tc, to_string_of_anything);
    tcase_add_test(tc, to_string_of_iterables);
    suite_add_tcase(suite, tc);
    return suite;
}
