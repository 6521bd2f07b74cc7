/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/exec/metrics.h"

#include "proto/urns.h"
#include "test/alloc.h"
#include <beamc/arena.h>
#include <check.h>

static const char *const urns[] = {
    [BEAMC__CELL_SUM] = BEAMC_URN_METRIC_USER_SUM_INT64,
    [BEAMC__CELL_DISTRIBUTION] = BEAMC_URN_METRIC_USER_DISTRIBUTION_INT64,
    [BEAMC__CELL_LATEST] = BEAMC_URN_METRIC_USER_LATEST_INT64,
    [BEAMC__CELL_STRING_SET] = BEAMC_URN_METRIC_USER_SET_STRING,
};

static beamc__cell *cell_of(beamc__metrics *metrics, beamc__cell_kind kind)
{
    beamc__metric_id id = { urns[kind], "t1", NULL, "space", "name" };
    beamc__cell *cell = beamc__metrics_cell(metrics, &id, kind);
    ck_assert_ptr_nonnull(cell);
    return cell;
}

static void insert(beamc__cell *cell, const char *text)
{
    ck_assert_int_eq(beamc__cell_insert(cell, beamc_string_of(text)), BEAMC_OK);
}

/* Some of each. */
static void fill(beamc__metrics *metrics, int64_t base)
{
    beamc__cell_add(cell_of(metrics, BEAMC__CELL_SUM), base);
    beamc__cell_add(cell_of(metrics, BEAMC__CELL_SUM), -1);
    beamc__cell_update(cell_of(metrics, BEAMC__CELL_DISTRIBUTION), base);
    beamc__cell_update(cell_of(metrics, BEAMC__CELL_DISTRIBUTION), -base);
    beamc__cell_set(cell_of(metrics, BEAMC__CELL_LATEST), base, 1000 + base);
    insert(cell_of(metrics, BEAMC__CELL_STRING_SET), base % 2 == 0 ? "even" : "odd");
    insert(cell_of(metrics, BEAMC__CELL_STRING_SET), "both");
}

static void check_filled(beamc__metrics *metrics)
{
    const beamc__cell *cell = cell_of(metrics, BEAMC__CELL_SUM);
    ck_assert_int_eq(cell->value, 5 + 8 - 2);
    cell = cell_of(metrics, BEAMC__CELL_DISTRIBUTION);
    ck_assert_int_eq(cell->count, 4);
    ck_assert_int_eq(cell->sum, 0);
    ck_assert_int_eq(cell->min, -8);
    ck_assert_int_eq(cell->max, 8);
    cell = cell_of(metrics, BEAMC__CELL_LATEST);
    ck_assert_int_eq(cell->value, 8);
    ck_assert_int_eq(cell->time_ms, 1008);
    cell = cell_of(metrics, BEAMC__CELL_STRING_SET);
    ck_assert_uint_eq(cell->string_count, 3);
    const char *const sorted[] = { "both", "even", "odd" };
    for (size_t i = 0; i < 3; i++)
        ck_assert(beamc_string_equal(cell->strings[i], beamc_string_of(sorted[i])));
}

START_TEST(metrics_add_up_in_any_order)
{
    beamc__metrics *parts[2] = { beamc__metrics_new(), beamc__metrics_new() };
    beamc__metrics *whole = beamc__metrics_new();

    fill(parts[0], 5);
    fill(parts[1], 8);
    ck_assert_int_eq(beamc__metrics_merge(whole, parts[_i]), BEAMC_OK);
    ck_assert_int_eq(beamc__metrics_merge(whole, parts[1 - _i]), BEAMC_OK);
    check_filled(whole);
    for (int i = 0; i < 2; i++)
        beamc__metrics_free(parts[i]);
    beamc__metrics_free(whole);
}
END_TEST

START_TEST(metrics_go_through_monitoring_infos)
{
    beamc__metrics *whole = beamc__metrics_new();
    beamc_arena *arena = beamc_arena_new();

    for (int64_t base = 5; base <= 8; base += 3) {
        beamc__metrics *part = beamc__metrics_new();
        PB(MonitoringInfo) **infos;
        size_t count;
        fill(part, base);
        (void)cell_of(whole, BEAMC__CELL_SUM);
        ck_assert_int_eq(beamc__metrics_to_proto(part, arena, &infos, &count), BEAMC_OK);
        ck_assert_uint_eq(count, 4);
        for (size_t i = 0; i < count; i++) {
            uint8_t bytes[256];
            size_t size = pb(monitoring_info__pack)(infos[i], bytes);
            PB(MonitoringInfo) *read = pb(monitoring_info__unpack)(NULL, size, bytes);
            ck_assert_ptr_nonnull(read);
            ck_assert_uint_eq(read->n_labels, 3);
            ck_assert_int_eq(beamc__metrics_add_proto(whole, read), BEAMC_OK);
            /* Cut anywhere it is refused. */
            for (size_t cut = 0; cut < read->payload.len; cut++) {
                beamc__metrics *other = beamc__metrics_new();
                PB(MonitoringInfo) shorter = *read;
                shorter.payload.len = cut;
                ck_assert_int_eq(beamc__metrics_add_proto(other, &shorter), BEAMC_ESHORT);
                beamc__metrics_free(other);
            }
            pb(monitoring_info__free_unpacked)(read, NULL);
        }
        beamc__metrics_free(part);
    }
    check_filled(whole);
    beamc_arena_free(arena);
    beamc__metrics_free(whole);
}
END_TEST

START_TEST(untouched_cells_are_left_out)
{
    beamc__metrics *metrics = beamc__metrics_new();
    beamc_arena *arena = beamc_arena_new();
    PB(MonitoringInfo) **infos;
    size_t count;

    fill(metrics, 5);
    beamc__cell *sum = cell_of(metrics, BEAMC__CELL_SUM);
    beamc__metrics_clear(metrics);
    ck_assert_ptr_eq(cell_of(metrics, BEAMC__CELL_SUM), sum);
    ck_assert_int_eq(beamc__metrics_to_proto(metrics, arena, &infos, &count), BEAMC_OK);
    ck_assert_uint_eq(count, 0);
    beamc__cell_add(sum, 0);
    ck_assert_int_eq(beamc__metrics_to_proto(metrics, arena, &infos, &count), BEAMC_OK);
    ck_assert_uint_eq(count, 1);
    beamc_arena_free(arena);
    beamc__metrics_free(metrics);
}
END_TEST

/* Python writes 0 for the least and the most of nothing. */
START_TEST(a_distribution_of_nothing_has_no_least)
{
    beamc__metrics *metrics = beamc__metrics_new();
    uint8_t nothing[] = { 0, 0, 0, 0 };
    PB(MonitoringInfo) info = PBK(MONITORING_INFO__INIT);

    info.urn = (char *)urns[BEAMC__CELL_DISTRIBUTION];
    info.type = BEAMC_URN_METRIC_TYPE_DISTRIBUTION_INT64;
    info.payload = (ProtobufCBinaryData){ sizeof(nothing), nothing };
    ck_assert_int_eq(beamc__metrics_add_proto(metrics, &info), BEAMC_OK);
    beamc__metric_id id = { .urn = info.urn };
    beamc__cell *cell = beamc__metrics_cell(metrics, &id, BEAMC__CELL_DISTRIBUTION);
    beamc__cell_update(cell, 7);
    ck_assert_int_eq(cell->count, 1);
    ck_assert_int_eq(cell->min, 7);
    ck_assert_int_eq(cell->max, 7);
    beamc__metrics_free(metrics);
}
END_TEST

START_TEST(labels_tell_cells_apart)
{
    beamc__metrics *metrics = beamc__metrics_new();
    const beamc__metric_id ids[] = {
        { "u", "t", NULL, "s", "n" }, { "u", "t", "", "s", "n" },  { "u", NULL, "t", "s", "n" },
        { "u", "t", "s", NULL, "n" }, { "u", "ts", NULL, "", "n" }, { "u", NULL, NULL, NULL, NULL },
        { "", NULL, NULL, NULL, "u" },
    };
    size_t count = sizeof(ids) / sizeof(*ids);

    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < count; i++)
            beamc__cell_add(beamc__metrics_cell(metrics, &ids[i], BEAMC__CELL_SUM), 1);
        ck_assert_uint_eq(beamc__metrics_count(metrics), count);
    }
    for (size_t i = 0; i < count; i++) {
        const beamc__cell *cell = beamc__metrics_at(metrics, i);
        ck_assert_int_eq(cell->value, 2);
        ck_assert_str_eq(cell->id.urn, ids[i].urn);
        ck_assert(ids[i].transform == NULL ? cell->id.transform == NULL
                                           : strcmp(cell->id.transform, ids[i].transform) == 0);
    }
    beamc__metrics_free(metrics);
}
END_TEST

START_TEST(a_type_that_is_not_known_is_said)
{
    beamc__metrics *metrics = beamc__metrics_new();
    PB(MonitoringInfo) info = PBK(MONITORING_INFO__INIT);

    info.urn = "beam:metric:user:top_n_int64:v1";
    info.type = "beam:metrics:top_n_int64:v1";
    ck_assert_int_eq(beamc__metrics_add_proto(metrics, &info), BEAMC_EUNSUPPORTED);
    fill(metrics, 5);
    info.urn = (char *)urns[BEAMC__CELL_SUM];
    info.type = BEAMC_URN_METRIC_TYPE_SUM_INT64;
    info.payload = (ProtobufCBinaryData){ 1, (uint8_t *)"\x01" };
    ck_assert_int_eq(beamc__metrics_add_proto(metrics, &info), BEAMC_OK);
    info.type = BEAMC_URN_METRIC_TYPE_LATEST_INT64;
    ck_assert_int_eq(beamc__metrics_add_proto(metrics, &info), BEAMC_ECORRUPT);
    beamc__metrics_free(metrics);
}
END_TEST

START_TEST(sums_wrap_and_do_not_trap)
{
    beamc__metrics *metrics = beamc__metrics_new();
    beamc__cell *sum = cell_of(metrics, BEAMC__CELL_SUM);

    beamc__cell_add(sum, INT64_MAX);
    beamc__cell_add(sum, 1);
    ck_assert_int_eq(sum->value, INT64_MIN);
    beamc__cell *distribution = cell_of(metrics, BEAMC__CELL_DISTRIBUTION);
    beamc__cell_update(distribution, INT64_MIN);
    beamc__cell_update(distribution, INT64_MIN);
    ck_assert_int_eq(distribution->sum, 0);
    beamc__metrics_free(metrics);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    for (long n = 0;; n++) {
        beamc_arena *arena = beamc_arena_new();
        PB(MonitoringInfo) **infos;
        size_t count;
        int rc = BEAMC_ENOMEM;
        test_alloc_fail_at(n);
        beamc__metrics *metrics = beamc__metrics_new();
        for (int kind = 0; metrics != NULL && kind < 4; kind++) {
            beamc__metric_id id = { urns[kind], "t1", NULL, "space", "name" };
            beamc__cell *cell = beamc__metrics_cell(metrics, &id, (beamc__cell_kind)kind);
            if (cell == NULL)
                break;
            for (int i = 0; kind == BEAMC__CELL_STRING_SET && i < 20; i++) {
                char text[2] = { (char)('a' + i), '\0' };
                if (beamc__cell_insert(cell, beamc_string_of(text)) < 0)
                    break;
            }
            beamc__cell_update(cell, 1);
        }
        if (metrics != NULL)
            rc = beamc__metrics_to_proto(metrics, arena, &infos, &count);
        bool failed = test_alloc_failed();
        test_alloc_fail_at(-1);
        beamc__metrics_free(metrics);
        beamc_arena_free(arena);
        if (!failed) {
            ck_assert_int_eq(rc, BEAMC_OK);
            break;
        }
        ck_assert(rc == BEAMC_OK || rc == BEAMC_ENOMEM);
    }
}
END_TEST

Suite *suite_metrics(void)
{
    Suite *suite = suite_create("metrics");
    TCase *tc = tcase_create("cells");
    tcase_add_loop_test(tc, metrics_add_up_in_any_order, 0, 2);
    tcase_add_test(tc, metrics_go_through_monitoring_infos);
    tcase_add_test(tc, untouched_cells_are_left_out);
    tcase_add_test(tc, a_distribution_of_nothing_has_no_least);
    tcase_add_test(tc, labels_tell_cells_apart);
    tcase_add_test(tc, a_type_that_is_not_known_is_said);
    tcase_add_test(tc, sums_wrap_and_do_not_trap);
    tcase_add_test(tc, every_allocation_may_fail);
    suite_add_tcase(suite, tc);
    return suite;
}
