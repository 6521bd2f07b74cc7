/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/short_ids.h"

#include "test/harness/exec/kit.h"
#include <check.h>
#include <stdio.h>

/* A counter of a transform, whose id may be long. */
static const char *id_of(beamc__short_ids *ids, const char *transform, const char *payload)
{
    PB(MonitoringInfo) info = PBK(MONITORING_INFO__INIT);
    PB(MonitoringInfo__LabelsEntry) label = PBK(MONITORING_INFO__LABELS_ENTRY__INIT);
    PB(MonitoringInfo__LabelsEntry) *labels[] = { &label };

    info.urn = "beam:metric:user:sum_int64:v1";
    info.type = "beam:metrics:sum_int64:v1";
    info.labels = labels;
    info.n_labels = 1;
    label.key = "PTRANSFORM";
    label.value = (char *)transform;
    info.payload = (ProtobufCBinaryData){ strlen(payload), (uint8_t *)payload };
    return beamc__short_ids_of(ids, &info);
}

START_TEST(a_metric_has_one_id_whatever_its_value)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    beamc__short_ids *ids = beamc__short_ids_new("w/");
    char transform[20], text[100];

    for (int round = 0; round < 2; round++) {
        for (int i = 1; i <= 100; i++) {
            snprintf(transform, sizeof(transform), "t%d", i);
            if (i < 36)
                snprintf(text, sizeof(text), "w/%c", digits[i]);
            else
                snprintf(text, sizeof(text), "w/%c%c", digits[i / 36], digits[i % 36]);
            ck_assert_str_eq(id_of(ids, transform, round == 0 ? "1" : "22"), text);
        }
    }
    beamc__short_ids_free(ids);
}
END_TEST

START_TEST(ids_lead_back_to_their_metric)
{
    static char name[5000];
    beamc__short_ids *ids = beamc__short_ids_new("");
    beamc_arena *arena = beamc_arena_new();

    memset(name, 'n', sizeof(name) - 1);
    const char *small = id_of(ids, "small", "1");
    const char *large = id_of(ids, name, "1");
    const PB(MonitoringInfo) *info = beamc__short_ids_info(ids, large, arena);
    ck_assert_str_eq(info->labels[0]->value, name);
    ck_assert_uint_eq(info->payload.len, 0);
    info = beamc__short_ids_info(ids, small, arena);
    ck_assert_str_eq(info->labels[0]->value, "small");
    ck_assert_str_eq(info->urn, "beam:metric:user:sum_int64:v1");
    ck_assert_ptr_null(beamc__short_ids_info(ids, "zz", arena));
    ck_assert_ptr_null(beamc__short_ids_info(ids, "", arena));
    beamc_arena_free(arena);
    beamc__short_ids_free(ids);
    beamc__short_ids_free(NULL);
}
END_TEST

Suite *suite_short_ids(void)
{
    Suite *suite = suite_create("short_ids");
    TCase *tc = tcase_create("all");

    tcase_add_test(tc, a_metric_has_one_id_whatever_its_value);
    tcase_add_test(tc, ids_lead_back_to_their_metric);
    suite_add_tcase(suite, tc);
    return suite;
}
