/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/exec/samples.h"

#include <beamc/arena.h>
#include <check.h>
#include <stdio.h>

static beamc_arena *arena;
static beamc__samples *samples;

static void begin(bool only_errors)
{
    arena = beamc_arena_new();
    samples = beamc__samples_new(only_errors);
    ck_assert(arena != NULL && samples != NULL);
}

static void finish(void)
{
    beamc__samples_free(samples);
    beamc_arena_free(arena);
}

static void add(const char *id, const char *element, const char *error)
{
    const beamc__sample_error what = { "i1", "t1", error };
    beamc__samples_add(samples, id, (beamc_bytes){ (const uint8_t *)element, strlen(element) },
                       error == NULL ? NULL : &what);
}

/* The elements of @id, or of all, as text. */
static const char *take(const char *id)
{
    FN(SampleDataResponse) *response = beamc_arena_calloc(arena, 1, sizeof(*response));
    char *ids[] = { (char *)id };
    beamc_buffer text;

    fn(sample_data_response__init)(response);
    ck_assert_int_eq(beamc__samples_take(samples, ids, id != NULL, response, arena), BEAMC_OK);
    beamc_buffer_init(&text);
    for (size_t i = 0; i < response->n_element_samples; i++) {
        beamc_buffer_printf(&text, "%s:", response->element_samples[i]->key);
        const FN(SampleDataResponse__ElementList) *list = response->element_samples[i]->value;
        for (size_t k = 0; k < list->n_elements; k++) {
            const FN(SampledElement) *one = list->elements[k];
            ck_assert_int_gt(one->sample_timestamp->seconds, 1600000000);
            beamc_buffer_printf(&text, " %.*s", (int)one->element.len, one->element.data);
            if (one->exception != NULL)
                beamc_buffer_printf(&text, "(%s %s %s)", one->exception->instruction_id,
                                    one->exception->transform_id, one->exception->error);
        }
        beamc_buffer_append_byte(&text, '\n');
    }
    beamc_buffer_append_byte(&text, '\0');
    const char *copy = beamc_arena_strdup(arena, (const char *)text.data);
    beamc_buffer_dispose(&text);
    return copy;
}

START_TEST(the_last_ten_are_kept_until_they_are_taken)
{
    char number[20];

    begin(false);
    ck_assert_str_eq(take(NULL), "");
    for (int i = 0; i < 13; i++) {
        snprintf(number, sizeof(number), "%d", i);
        add("p1", number, NULL);
    }
    add("p2", "x", "it broke");
    ck_assert_str_eq(take("p3"), "");
    ck_assert_str_eq(take("p2"), "p2: x(i1 t1 it broke)\n");
    add("p2", "", NULL);
    ck_assert_str_eq(take(NULL), "p1: 3 4 5 6 7 8 9 10 11 12\np2: \n");
    ck_assert_str_eq(take(NULL), "");
    finish();
}
END_TEST

START_TEST(the_first_ones_are_wanted_and_then_a_few)
{
    int wanted = 0;

    begin(_i == 1);
    for (uint64_t seen = 1; seen <= 5000; seen++)
        wanted += beamc__samples_want(samples, seen);
    ck_assert_int_eq(wanted, _i == 1 ? 0 : 15);
    finish();
}
END_TEST

Suite *suite_samples(void)
{
    Suite *suite = suite_create("samples");
    TCase *tc = tcase_create("samples");

    tcase_add_test(tc, the_last_ten_are_kept_until_they_are_taken);
    tcase_add_loop_test(tc, the_first_ones_are_wanted_and_then_a_few, 0, 2);
    suite_add_tcase(suite, tc);
    return suite;
}
