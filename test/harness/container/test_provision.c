/* SPDX-License-Identifier: Apache-2.0 */
/* The flags of a worker, and the names that its files may have. */
#include "harness/container/fetch.h"
#include "harness/container/provision.h"
#include "harness/container/serve.h"

#include <check.h>
#include <string.h>

#define COUNT(list) (int)(sizeof(list) / sizeof(*(list)))

static beamc_arena *arena;

static void setup(void)
{
    arena = beamc_arena_new();
    ck_assert_ptr_nonnull(arena);
}

static void teardown(void)
{
    beamc_arena_free(arena);
}

START_TEST(flags_come_in_both_forms_and_without_quotes)
{
    char *argv[] = { "worker",  "--id='1-2'",   "--provision_endpoint", "localhost:1",
                     "--odd=1", "-id2=x",       "--logging_endpoint=\"h:2\"",
                     "--semi_persist_dir=/var/'x'" };
    beamc__worker_flags flags;
    int unknown;

    ck_assert_ptr_null(beamc__worker_flags_read(&flags, COUNT(argv), argv, arena, &unknown));
    ck_assert_str_eq(flags.id, "1-2");
    ck_assert_str_eq(flags.provision_endpoint, "localhost:1");
    ck_assert_str_eq(flags.logging_endpoint, "h:2");
    ck_assert_str_eq(flags.semi_persist_dir, "/var/'x'");
    ck_assert_ptr_null(flags.control_endpoint);
    ck_assert_int_eq(unknown, 2);
}
END_TEST

START_TEST(a_flag_without_its_value_is_an_error)
{
    char *argv[] = { "worker", "--id" };
    beamc__worker_flags flags;
    int unknown;
    beamc_error *error = beamc__worker_flags_read(&flags, COUNT(argv), argv, arena, &unknown);

    ck_assert_int_eq(beamc_error_code(error), BEAMC_EINVAL);
    beamc_error_free(error);
}
END_TEST

START_TEST(a_worker_needs_an_id_and_somewhere_to_ask)
{
    beamc__worker_flags flags = { 0 };
    const FN(ProvisionInfo) *info;

    beamc_error *error = beamc__provision(&flags, arena, &info);
    ck_assert_str_eq(beamc_error_message(error), "a worker needs --id");
    beamc_error_free(error);
    flags.id = "1";
    error = beamc__provision(&flags, arena, &info);
    ck_assert_int_eq(beamc_error_code(error), BEAMC_EINVAL);
    beamc_error_free(error);
    /* With the control endpoint at hand nobody is asked. */
    flags.control_endpoint = "localhost:1";
    ck_assert_ptr_null(beamc__provision(&flags, arena, &info));
    ck_assert_ptr_null(info);
    ck_assert(!beamc__provision_has(info, "beam:protocol:monitoring_info_short_ids:v1"));
}
END_TEST

START_TEST(a_program_knows_when_it_is_a_worker)
{
    static const struct {
        char *argument;
        bool is_worker;
    } cases[] = {
        { "--worker", true },
        { "--provision_endpoint=localhost:1", true },
        { "--control_endpoint=localhost:1", true },
        { "--worker_machine_type=x", false },
        { "--input=--worker", false },
        { "worker", false },
    };
    char *argv[] = { "program", cases[_i].argument };

    ck_assert(beamc__serve_is_asked(COUNT(argv), argv) == cases[_i].is_worker);
}
END_TEST

START_TEST(names_of_files_stay_below_their_directory)
{
    static const struct {
        const char *name;
        bool is_safe;
    } cases[] = {
        { "worker", true },   { "lib/a.so", true }, { "..a", true },   { "a..", true },
        { "", false },        { "/etc/x", false },  { "..", false },   { "../x", false },
        { "a/../x", false },  { "a/..", false },    { ".", false },    { "a//b", false },
        { "a/", false },      { "./a", false },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        ck_assert_msg(beamc__fetch_name_is_safe(cases[i].name) == cases[i].is_safe, "\"%s\"",
                      cases[i].name);
}
END_TEST

Suite *suite_provision(void)
{
    Suite *suite = suite_create("provision");
    TCase *tc = tcase_create("provision");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, flags_come_in_both_forms_and_without_quotes);
    tcase_add_test(tc, a_flag_without_its_value_is_an_error);
    tcase_add_test(tc, a_worker_needs_an_id_and_somewhere_to_ask);
    tcase_add_loop_test(tc, a_program_knows_when_it_is_a_worker, 0, 6);
    tcase_add_test(tc, names_of_files_stay_below_their_directory);
    suite_add_tcase(suite, tc);
    return suite;
}
