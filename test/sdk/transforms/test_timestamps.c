/* SPDX-License-Identifier: Apache-2.0 */
/* Timestamps given to elements and taken from them. */
#include "test/sdk/transforms/collect.h"

#include <beamc/aggregate.h>
#include <beamc/kv.h>
#include <beamc/timestamps.h>
#include <check.h>
#include <stdlib.h>

#define S(text) { text, sizeof(text) - 1 }

#define EVENT(F) F(string, what) F(timestamp, at) F(int64, ms) F(micros_instant, exact)
BEAMC_ROW(event, EVENT)
BEAMC_KV(keyed_event, int64, event)

static const event events[] = {
    { S("one"), 1000, 1001, { 1, 2000 } },
    { S("two"), 2500, 2501, { 2, 502999 } },
    { S("old"), -5000, -5001, { -6, 998000 } },
};
#define EVENTS beamc_create(collect_pipeline(), BEAMC_TYPE(event), events, 3)

BEAMC_TIMESTAMP_FN(event_at, event)
{
    return element->at;
}

BEAMC_TIMESTAMP_FN(earlier, event)
{
    return element->at - 1;
}

BEAMC_SKEWED_TIMESTAMP_FN(earlier_allowed, event, 1)
{
    return element->at - 1;
}

BEAMC_TIMESTAMP_FN(never, event)
{
    return INT64_MAX;
}

static beamc_pcollection times_of(beamc_pcollection in)
{
    return beamc_keys(beamc_reify_timestamps(in));
}

START_TEST(timestamps_by_function)
{
    collect_check(times_of(beamc_with_timestamps(EVENTS, &event_at)), "1000\n2500\n-5000");
}
END_TEST

START_TEST(timestamps_do_not_go_back)
{
    beamc_pcollection in = beamc_with_timestamps(EVENTS, &event_at);
    collect_check_error(beamc_with_timestamps(in, &earlier),
                        "1 ms earlier than the element's: a skew of 0");

    in = beamc_with_timestamps(EVENTS, &event_at);
    collect_check_error(beamc_with_timestamps_of(in, "ms", 0), "1 ms earlier");
}
END_TEST

START_TEST(timestamps_go_back_as_far_as_allowed)
{
    beamc_pcollection in = beamc_with_timestamps(EVENTS, &event_at);
    collect_check(times_of(beamc_with_timestamps(in, &earlier_allowed)), "999\n2499\n-5001");

    in = beamc_with_timestamps(EVENTS, &event_at);
    collect_check(times_of(beamc_with_timestamps_of(in, "ms", 1)), "1001\n2501\n-5001");
}
END_TEST

START_TEST(timestamps_have_a_range)
{
    collect_check_error(beamc_with_timestamps(EVENTS, &never), "is out of range");
}
END_TEST

BEAMC_KEY_FN(by_ms, event, int64)
{
    return element->ms;
}

START_TEST(timestamps_of_fields)
{
    collect_check(times_of(beamc_with_timestamps_of(EVENTS, "at", 0)), "1000\n2500\n-5000");
    collect_check(times_of(beamc_with_timestamps_of(EVENTS, "ms", 0)), "1001\n2501\n-5001");
    collect_check(times_of(beamc_with_timestamps_of(EVENTS, "exact", 0)), "1002\n2502\n-5002");

    beamc_pcollection keyed = beamc_with_keys(EVENTS, &by_ms);
    collect_check(times_of(beamc_with_timestamps_of(keyed, "value.at", 0)), "1000\n2500\n-5000");
    keyed = beamc_with_keys(EVENTS, &by_ms);
    collect_check(times_of(beamc_with_timestamps_of(keyed, "key", 0)), "1001\n2501\n-5001");
    beamc_pcollection keys = beamc_keys(beamc_with_keys(EVENTS, &by_ms));
    collect_check(times_of(beamc_with_timestamps_of(keys, NULL, 0)), "1001\n2501\n-5001");
}
END_TEST

START_TEST(timestamps_of_wrong_fields)
{
    collect_check_refused(beamc_with_timestamps_of(EVENTS, "when", 0), "no field \"when\"");
    collect_check_refused(beamc_with_timestamps_of(EVENTS, "what", 0), "\"what\" is string");
    collect_check_refused(beamc_with_timestamps_of(EVENTS, "at", -1), "a skew of -1 ms");
}
END_TEST

BEAMC_DOFN(show_window, event, string)
{
    return beamc_emitf(ctx, "%.*s", BEAMC_STR(element->what));
}

START_TEST(windows_of_elements)
{
    beamc_pcollection in = beamc_with_timestamps(EVENTS, &event_at);
    in = beamc_par_do(beamc_window_into(in, beamc_fixed_windows(2000)), &show_window);
    char *lines = collect_lines(beamc_to_string_kvs(beamc_reify_windows(in), "="));
    ck_assert_ptr_nonnull(strstr(lines, "1970-01-01T00:00:00.000Z"));
    ck_assert_ptr_nonnull(strstr(lines, "1970-01-01T00:00:02.000Z"));
    ck_assert_ptr_nonnull(strstr(lines, "1970-01-01T00:00:04.000Z"));
    ck_assert_ptr_nonnull(strstr(lines, "1969-12-31T23:59:54.000Z"));
    free(lines);

    in = beamc_with_timestamps(EVENTS, &event_at);
    in = beamc_window_into(in, beamc_sliding_windows(2000, 1000));
    in = beamc_count_globally(beamc_reify_windows(in));
    collect_check(in, "1\n1\n1\n1\n2"); /* two are in [1 s, 3 s) */

    in = beamc_count_per_element(beamc_keys(beamc_reify_windows(EVENTS)));
    collect_check(beamc_values(in), "3");
}
END_TEST

Suite *suite_timestamps(void);
Suite *suite_timestamps(void)
{
    Suite *suite = suite_create("timestamps");
    TCase *tc = tcase_create("timestamps");

    tcase_add_test(tc, timestamps_by_function);
    tcase_add_test(tc, timestamps_do_not_go_back);
    tcase_add_test(tc, timestamps_go_back_as_far_as_allowed);
    tcase_add_test(tc, timestamps_have_a_range);
    tcase_add_test(tc, timestamps_of_fields);
    tcase_add_test(tc, timestamps_of_wrong_fields);
    tcase_add_test(tc, windows_of_elements);
    suite_add_tcase(suite, tc);
    return suite;
}
