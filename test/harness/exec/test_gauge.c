/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes of elements: of the first in a bundle, and of one in each 1,024 that a source gives. */
#include "test/harness/exec/kit.h"

#include "harness/exec/metrics.h"
#include "proto/urns.h"
#include <check.h>
#include <stdio.h>

BEAMC_KV(gauge_pair, string, int64)

#define POINT(F) F(string, name) F(float64, x)
BEAMC_ROW(gauge_point, POINT)

BEAMC_DOFN(gauge_pass, int64, int64)
{
    return beamc_emit(ctx, element);
}

/* Each number goes to one of two outputs. */
static const beamc_dofn_output gauge_odd[] = { { "odd", BEAMC_TYPE(int64) } };

BEAMC_DOFN_WITH(gauge_sort, int64, int64, .outputs = gauge_odd, .output_count = 1)
{
    return beamc_emit_to(ctx, (size_t)(*element & 1), element);
}

static exec_kit *kit;

static void begin(void)
{
    kit = exec_kit_new();
    exec_set_byte_sizes(kit);
}

static void finish(void)
{
    exec_kit_free(kit);
}

static void collect(const char *id, const beamc_type *type)
{
    exec_collection(kit, id, type, beamc_global_windows());
}

/* All in one piece. */
static void put_numbers(int64_t from, int64_t count)
{
    beamc_buffer bytes;

    beamc_buffer_init(&bytes);
    for (int64_t i = from; i < from + count; i++) {
        beamc_buffer_append(&bytes, EXEC_HEAD, sizeof(EXEC_HEAD) - 1);
        ck_assert_int_eq(beamc_encode(BEAMC_TYPE(int64), &i, true, &bytes), BEAMC_OK);
    }
    ck_assert(!beamc_buffer_failed(&bytes));
    exec_put_bytes(kit, "in", bytes.data, bytes.size);
    beamc_buffer_dispose(&bytes);
}

/* What the bundle says of the sizes in @id, as "count sum min max"; "none". */
static const char *sizes(const char *id)
{
    const beamc__metric_id name = { .urn = BEAMC_URN_METRIC_SAMPLED_BYTE_SIZE, .pcollection = id };
    beamc__metrics *metrics = beamc__metrics_new();
    char text[100] = "none";

    exec_ok(beamc__plan_report(exec_plan(kit), metrics));
    const beamc__cell *cell = beamc__metrics_cell(metrics, &name, BEAMC__CELL_DISTRIBUTION);
    if (cell->count > 0)
        snprintf(text, sizeof(text), "%d %d %d %d", (int)cell->count, (int)cell->sum,
                 (int)cell->min, (int)cell->max);
    beamc__metrics_free(metrics);
    return beamc_arena_strdup(exec_arena(kit), text);
}

START_TEST(elements_are_measured_now_and_then)
{
    begin();
    collect("p0", BEAMC_TYPE(int64));
    collect("p1", BEAMC_TYPE(int64));
    exec_source(kit, "in", "p0");
    exec_par_do(kit, "a", "p0", &gauge_pass, "p1");
    exec_sink(kit, "out", "p1");
    /* Of 1 byte and of 2: 100, 1124 and 2148 are measured. */
    const int64_t pieces = _i == 0 ? 1 : 30;
    exec_set_chunk(kit, 1);
    for (int64_t i = 0; i < pieces; i++)
        put_numbers(100 + i * (3000 / pieces), 3000 / pieces);
    exec_ok(exec_run(kit));
    ck_assert_str_eq(sizes("p0"), "3 5 1 2");
    ck_assert_str_eq(sizes("p1"), "3 5 1 2");
    /* The next bundle begins with none. */
    exec_clear(kit);
    put_numbers(200, 1);
    exec_ok(exec_run(kit));
    ck_assert_str_eq(sizes("p0"), "1 2 2 2");
    ck_assert_str_eq(sizes("p1"), "1 2 2 2");
    exec_clear(kit);
    exec_ok(exec_run(kit));
    ck_assert_str_eq(sizes("p0"), "none");
    ck_assert_str_eq(sizes("p1"), "none");
    finish();
}
END_TEST

START_TEST(each_pcollection_is_measured_by_itself)
{
    static const char *const ids[] = { "p0", "p1", "p2", "p3" };

    begin();
    for (size_t i = 0; i < 4; i++)
        collect(ids[i], BEAMC_TYPE(int64));
    exec_source(kit, "in", "p0");
    exec_par_do_with(kit, "sort", "p0", &gauge_sort,
                     &(exec_par_do_options){ .outputs = { "p1", "p2" } });
    exec_flatten(kit, "flat", (const char *[]){ "p1", "p1", "p2" }, 3, "p3");
    exec_sink(kit, "even", "p1"); /* one more consumer */
    exec_sink(kit, "all", "p3");
    put_numbers(127, 2); /* the odd one has a byte, the even one two */
    exec_ok(exec_run(kit));
    ck_assert_str_eq(sizes("p0"), "1 1 1 1");
    ck_assert_str_eq(sizes("p1"), "1 2 2 2");
    ck_assert_str_eq(sizes("p2"), "1 1 1 1");
    ck_assert_str_eq(sizes("p3"), "1 1 1 1");
    finish();
}
END_TEST

/* As they are encoded within others. */
START_TEST(all_kinds_of_elements_have_a_size)
{
    const gauge_pair pair = { beamc_string_of("four"), 300 };
    const gauge_point point = { beamc_string_of("four"), 0.5 };
    const double number = 1.5;
    const beamc_string text = beamc_string_of("text");
    const struct {
        const beamc_type *type;
        const void *value;
        const char *size;
    } kinds[] = {
        { BEAMC_TYPE(gauge_pair), &pair, "1 7 7 7" },
        { BEAMC_TYPE(gauge_point), &point, "1 15 15 15" }, /* two of them for what is null */
        { BEAMC_TYPE(float64), &number, "1 8 8 8" },
        { BEAMC_TYPE(string), &text, "1 5 5 5" },
    };

    begin();
    collect("p0", kinds[_i].type);
    exec_source(kit, "in", "p0");
    exec_put(kit, "in", kinds[_i].type, kinds[_i].value, 0);
    exec_ok(exec_run(kit));
    ck_assert_str_eq(sizes("p0"), kinds[_i].size);
    finish();
}
END_TEST

/* Nothing is fetched for it. */
START_TEST(iterables_are_measured_if_all_of_them_is_at_hand)
{
    const char *numbers = exec_coder_of((begin(), kit), BEAMC_URN_CODER_VARINT, NULL, NULL);
    const char *values =
        exec_coder_of(kit, BEAMC_URN_CODER_STATE_BACKED_ITERABLE, numbers, NULL);
    const char *key = exec_coder_of(kit, BEAMC_URN_CODER_STRING_UTF8, NULL, NULL);

    exec_collection_of(kit, "p0", exec_coder_of(kit, BEAMC_URN_CODER_KV, key, values),
                       beamc_global_windows());
    exec_source(kit, "in", "p0");
    if (_i == 0)
        exec_put_literal(kit, "in", "\1k\0\0\0\3\5\7\x09");
    else
        exec_put_literal(kit, "in", "\1k\xff\xff\xff\xff\2\5\7"
                                    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\3tok");
    exec_ok(exec_run(kit));
    ck_assert_str_eq(sizes("p0"), _i == 0 ? "1 9 9 9" : "none");
    ck_assert_uint_eq(exec_state_calls(kit), 0);
    finish();
}
END_TEST

START_TEST(nothing_is_measured_where_nobody_asks)
{
    kit = exec_kit_new();
    collect("p0", BEAMC_TYPE(int64));
    exec_source(kit, "in", "p0");
    put_numbers(0, 2);
    exec_ok(exec_run(kit));
    ck_assert_str_eq(sizes("p0"), "none");
    finish();
}
END_TEST

/* A tap is behind the gauge. */
START_TEST(measured_elements_are_sampled_all_the_same)
{
    FN(SampleDataResponse) response = FNK(SAMPLE_DATA_RESPONSE__INIT);
    beamc__samples *samples = beamc__samples_new(false);

    begin();
    exec_set_samples(kit, samples);
    collect("p0", BEAMC_TYPE(int64));
    exec_source(kit, "in", "p0");
    put_numbers(5, 1);
    exec_ok(exec_run(kit));
    ck_assert_str_eq(sizes("p0"), "1 1 1 1");
    ck_assert_int_eq(beamc__samples_take(samples, NULL, 0, &response, exec_arena(kit)), BEAMC_OK);
    ck_assert_uint_eq(response.n_element_samples, 1);
    finish();
    beamc__samples_free(samples);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    begin();
    collect("p0", BEAMC_TYPE(int64));
    exec_source(kit, "in", "p0");
    put_numbers(5, 1);
    exec_fail_allocations(kit, 5);
    finish();
}
END_TEST

Suite *suite_gauge(void)
{
    Suite *suite = suite_create("gauge");
    TCase *tc = tcase_create("all");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, elements_are_measured_now_and_then, 0, 2);
    tcase_add_test(tc, each_pcollection_is_measured_by_itself);
    tcase_add_loop_test(tc, all_kinds_of_elements_have_a_size, 0, 4);
    tcase_add_loop_test(tc, iterables_are_measured_if_all_of_them_is_at_hand, 0, 2);
    tcase_add_test(tc, nothing_is_measured_where_nobody_asks);
    tcase_add_test(tc, measured_elements_are_sampled_all_the_same);
    tcase_add_test(tc, every_allocation_may_fail);
    suite_add_tcase(suite, tc);
    return suite;
}
