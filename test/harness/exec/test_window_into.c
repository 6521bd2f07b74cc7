/* SPDX-License-Identifier: Apache-2.0 */
#include "test/harness/exec/kit.h"

#include "proto/urns.h"
#include <check.h>

static exec_kit *kit_of(beamc_windowing before, beamc_windowing assigned, beamc_windowing after)
{
    exec_kit *kit = exec_kit_new();

    exec_collection(kit, "p0", BEAMC_TYPE(int64), before);
    exec_collection(kit, "p1", BEAMC_TYPE(int64), after);
    exec_source(kit, "in", "p0");
    exec_window_into(kit, "window", "p0", assigned, "p1");
    exec_sink(kit, "out", "p1");
    return kit;
}

static void put(exec_kit *kit, int64_t value, beamc_timestamp timestamp)
{
    exec_put(kit, "in", BEAMC_TYPE(int64), &value, timestamp);
}

START_TEST(elements_get_the_windows_of_their_timestamps)
{
    const beamc_windowing windowings[] = {
        beamc_global_windows(),          beamc_fixed_windows(10),     beamc_sliding_windows(10, 5),
        beamc_sliding_windows(5, 10),    beamc_session_windows(7),
    };
    const char *const expected[] = {
        "1 @-1\n2 @0\n3 @7\n4 @9\n5 @10\n",
        "1 @-1 [-10,0)\n2 @0 [0,10)\n3 @7 [0,10)\n4 @9 [0,10)\n5 @10 [10,20)\n",
        "1 @-1 [-5,5) [-10,0)\n2 @0 [0,10) [-5,5)\n3 @7 [5,15) [0,10)\n4 @9 [5,15) [0,10)\n"
        "5 @10 [10,20) [5,15)\n",
        "2 @0 [0,5)\n5 @10 [10,15)\n", /* the others are between two windows */
        "1 @-1 [-1,6)\n2 @0 [0,7)\n3 @7 [7,14)\n4 @9 [9,16)\n5 @10 [10,17)\n",
    };
    const beamc_timestamp timestamps[] = { -1, 0, 7, 9, 10 };
    exec_kit *kit = kit_of(beamc_global_windows(), windowings[_i], windowings[_i]);

    for (int64_t i = 0; i < 5; i++)
        put(kit, i + 1, timestamps[i]);
    exec_check(kit, "out", expected[_i]);
    exec_kit_free(kit);
}
END_TEST

START_TEST(windows_before_are_forgotten)
{
    exec_kit *kit = kit_of(beamc_fixed_windows(10), beamc_fixed_windows(3), beamc_fixed_windows(3));
    const beamc_interval_window windows[] = { { 0, 10 }, { 10, 20 } };
    int64_t value = 1;

    exec_put_in(kit, "in", BEAMC_TYPE(int64), &value, 5, windows, 2);
    exec_check(kit, "out", "1 @5 [3,6)\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(the_output_must_have_such_windows)
{
    exec_kit *kit =
        kit_of(beamc_global_windows(), beamc_fixed_windows(10), beamc_global_windows());

    exec_check_error(kit, BEAMC_ETYPE, "transform window: beam:window_fn:fixed_windows:v1 does not");
    exec_kit_free(kit);
    kit = kit_of(beamc_fixed_windows(10), beamc_global_windows(), beamc_fixed_windows(10));
    exec_check_error(kit, BEAMC_ETYPE, "transform window: beam:window_fn:global_windows:v1 does not");
    exec_kit_free(kit);
}
END_TEST

static void spoil(exec_kit *kit, PB(FunctionSpec) *fn, uint8_t *bytes)
{
    PB(WindowIntoPayload) payload = PBK(WINDOW_INTO_PAYLOAD__INIT);
    ProtobufCBinaryData *to = &exec_find_transform(kit, "window")->spec->payload;

    payload.window_fn = fn;
    to->data = bytes;
    to->len = pb(window_into_payload__pack)(&payload, bytes);
}

START_TEST(what_is_no_window_function_is_refused)
{
    uint8_t bytes[64];
    PB(FunctionSpec) fn = PBK(FUNCTION_SPEC__INIT);
    const beamc_windowing windowing = beamc_fixed_windows(10);
    exec_kit *kit = kit_of(windowing, windowing, windowing);

    spoil(kit, NULL, bytes);
    exec_check_error(kit, BEAMC_ECORRUPT, "transform window: it has no window function");
    fn.urn = "beam:window_fn:pickled_python:v1";
    spoil(kit, &fn, bytes);
    exec_check_error(kit, BEAMC_EUNSUPPORTED,
                     "transform window: beam:window_fn:pickled_python:v1 is another SDK's");
    fn.urn = BEAMC_URN_WINDOW_FN_FIXED_WINDOWS;
    spoil(kit, &fn, bytes);
    exec_check_error(kit, BEAMC_EINVAL, "transform window: ");
    fn.payload = (ProtobufCBinaryData){ 2, (uint8_t *)"\x0a\x09" };
    spoil(kit, &fn, bytes);
    exec_check_error(kit, BEAMC_ECORRUPT, "transform window: ");
    exec_find_transform(kit, "window")->spec->payload.len--;
    exec_check_error(kit, BEAMC_ECORRUPT, "transform window: its WindowIntoPayload is malformed");
    exec_find_transform(kit, "window")->n_outputs = 0;
    exec_check_error(kit, BEAMC_ECORRUPT, "transform window: it has one input and one output");
    exec_kit_free(kit);
}
END_TEST

Suite *suite_window_into(void)
{
    Suite *suite = suite_create("window_into");
    TCase *tc = tcase_create("assign");
    tcase_add_loop_test(tc, elements_get_the_windows_of_their_timestamps, 0, 5);
    tcase_add_test(tc, windows_before_are_forgotten);
    tcase_add_test(tc, the_output_must_have_such_windows);
    tcase_add_test(tc, what_is_no_window_function_is_refused);
    suite_add_tcase(suite, tc);
    return suite;
}
