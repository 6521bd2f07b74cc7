/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/instructions.h"

#include "test/harness/exec/kit.h"
#include <check.h>
#include <stdio.h>

static beamc__inbox_load load;

/* Whether elements for @id would be kept. */
static bool is_wanted(beamc__instructions *instructions, const char *id)
{
    beamc__inbox *inbox = beamc__instructions_inbox(instructions, id, strlen(id));

    beamc__inbox_unref(inbox);
    return inbox != NULL;
}

static int begin(beamc__instructions *instructions, const char *id)
{
    beamc__inbox *inbox;
    int rc = beamc__instructions_begin(instructions, id, (void *)id, &inbox);

    ck_assert((inbox != NULL) == (rc == BEAMC_OK));
    beamc__inbox_unref(inbox);
    return rc;
}

START_TEST(what_comes_early_is_kept_for_the_bundle)
{
    beamc__instructions *instructions = beamc__instructions_new(&load);
    beamc__inbox *begun;
    int bundle;

    beamc__inbox *early = beamc__instructions_inbox(instructions, "i1 and more", 2);
    ck_assert_int_eq(beamc__instructions_begin(instructions, "i1", &bundle, &begun), BEAMC_OK);
    ck_assert_ptr_eq(early, begun);
    beamc__inbox *later = beamc__instructions_inbox(instructions, "i1", 2);
    ck_assert_ptr_eq(later, begun);
    beamc__inbox_unref(early);
    beamc__inbox_unref(begun);
    beamc__inbox_unref(later);
    ck_assert_int_eq(begin(instructions, "i1"), BEAMC_EEXIST);
    beamc__instructions_end(instructions, "i1");
    ck_assert(!is_wanted(instructions, "i1"));
    ck_assert_int_eq(begin(instructions, "i1"), BEAMC_EEXIST);
    ck_assert(is_wanted(instructions, "i2")); /* and is never begun */
    beamc__instructions_free(instructions);
}
END_TEST

static void count(void *ctx, const beamc__instruction *at)
{
    ck_assert_str_eq(at->id, at->bundle);
    ++*(int *)ctx;
}

START_TEST(only_those_that_run_are_visited)
{
    beamc__instructions *instructions = beamc__instructions_new(&load);
    int visits = 0;

    ck_assert_int_eq(begin(instructions, "i1"), BEAMC_OK);
    ck_assert_int_eq(begin(instructions, "i2"), BEAMC_OK);
    ck_assert_int_eq(begin(instructions, "i3"), BEAMC_OK);
    beamc__instructions_end(instructions, "i2");
    ck_assert(is_wanted(instructions, "early"));
    ck_assert(beamc__instructions_visit(instructions, "i1", count, &visits));
    ck_assert(!beamc__instructions_visit(instructions, "i2", count, &visits));
    ck_assert(!beamc__instructions_visit(instructions, "early", count, &visits));
    ck_assert(!beamc__instructions_visit(instructions, "never", count, &visits));
    ck_assert_int_eq(visits, 1);
    beamc__instructions_visit_all(instructions, count, &visits);
    ck_assert_int_eq(visits, 3);
    beamc__instructions_free(instructions);
}
END_TEST

START_TEST(thousands_of_ended_ones_are_remembered)
{
    beamc__instructions *instructions = beamc__instructions_new(&load);
    char id[20];

    for (int i = 0; i < 9000; i++) {
        snprintf(id, sizeof(id), "i%d", i);
        ck_assert_int_eq(begin(instructions, id), BEAMC_OK);
        beamc__instructions_end(instructions, id);
    }
    ck_assert(!is_wanted(instructions, "i8999"));
    ck_assert(!is_wanted(instructions, "i1000"));
    ck_assert(is_wanted(instructions, "i0"));
    beamc__instructions_free(instructions);
}
END_TEST

START_TEST(closing_fails_what_runs_and_what_came)
{
    beamc__instructions *instructions = beamc__instructions_new(&load);
    beamc__inbox *begun;
    beamc__block *block;
    beamc_bytes bytes;

    ck_assert_int_eq(beamc__instructions_begin(instructions, "i1", "i1", &begun), BEAMC_OK);
    ck_assert(is_wanted(instructions, "early"));
    if (_i == 0)
        beamc__instructions_close(instructions, "broken");
    else
        beamc__instructions_stop(instructions, "broken");
    exec_expect(beamc__inbox_take(begun, "in", &bytes, &block, NULL), BEAMC_EIO, "broken");
    beamc__inbox_unref(begun);
    ck_assert_int_eq(begin(instructions, "next"), _i == 0 ? BEAMC_OK : BEAMC_ECANCELLED);
    beamc__instructions_free(instructions);
}
END_TEST

Suite *suite_instructions(void)
{
    Suite *suite = suite_create("instructions");
    TCase *tc = tcase_create("all");

    tcase_add_test(tc, what_comes_early_is_kept_for_the_bundle);
    tcase_add_test(tc, only_those_that_run_are_visited);
    tcase_add_test(tc, thousands_of_ended_ones_are_remembered);
    tcase_add_loop_test(tc, closing_fails_what_runs_and_what_came, 0, 2);
    suite_add_tcase(suite, tc);
    return suite;
}
