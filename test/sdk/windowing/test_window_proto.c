/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/windowing/window_proto.h"
#include "test/alloc.h"
#include <check.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const beamc_windowing windowings[] = {
    { BEAMC_WINDOW_GLOBAL, 0, 0, 0, 0, BEAMC_OUTPUT_END_OF_WINDOW },
    { BEAMC_WINDOW_GLOBAL, 0, 0, 0, 5000, BEAMC_OUTPUT_EARLIEST },
    { BEAMC_WINDOW_FIXED, 1, 0, 0, 0, BEAMC_OUTPUT_END_OF_WINDOW },
    { BEAMC_WINDOW_FIXED, 60001, 0, 1500, 1, BEAMC_OUTPUT_LATEST },
    { BEAMC_WINDOW_FIXED, BEAMC_TIMESTAMP_MAX, 0, 0, 0, BEAMC_OUTPUT_END_OF_WINDOW },
    { BEAMC_WINDOW_SLIDING, 60000, 1001, 999, 0, BEAMC_OUTPUT_END_OF_WINDOW },
    { BEAMC_WINDOW_SLIDING, 10, 20, 0, 0, BEAMC_OUTPUT_END_OF_WINDOW },
    { BEAMC_WINDOW_SESSIONS, 90000, 0, 0, 0, BEAMC_OUTPUT_END_OF_WINDOW },
};

START_TEST(strategy_comes_back_as_it_was)
{
    const beamc_windowing *windowing = &windowings[_i];
    beamc_arena *arena = beamc_arena_new();
    beamc__strategy read;
    beamc__window_fn fn;
    PB(WindowingStrategy) *strategy = beamc__strategy_write(windowing, "c1", "e1", arena);
    ck_assert_ptr_nonnull(strategy);
    ck_assert_str_eq(strategy->window_coder_id, "c1");
    ck_assert_str_eq(strategy->environment_id, "e1");
    ck_assert_int_eq(strategy->assigns_to_one_window,
                     windowing->kind != BEAMC_WINDOW_SLIDING || windowing->size <= windowing->period);
    ck_assert_ptr_null(beamc__strategy_read(&read, strategy, NULL));
    ck_assert_int_eq(beamc__window_fn_init(&fn, windowing), BEAMC_OK);
    ck_assert_mem_eq(&read.fn, &fn, sizeof(fn));
    ck_assert_int_eq(read.allowed_lateness, windowing->allowed_lateness);
    ck_assert_int_eq(read.output_time, windowing->output_time);
    ck_assert_int_eq(read.needs_merge, windowing->kind == BEAMC_WINDOW_SESSIONS);
    beamc_arena_free(arena);
}
END_TEST

START_TEST(merged_sessions_need_no_merge)
{
    beamc_windowing windowing = beamc_session_windows(5);
    beamc_arena *arena = beamc_arena_new();
    beamc__strategy read;
    PB(WindowingStrategy) *strategy = beamc__strategy_write(&windowing, "c1", "e1", arena);
    strategy->merge_status = PBK(MERGE_STATUS__ENUM__ALREADY_MERGED);
    ck_assert_ptr_null(beamc__strategy_read(&read, strategy, NULL));
    ck_assert(!read.needs_merge);
    beamc_arena_free(arena);
}
END_TEST

static const struct {
    const char *coder;
    beamc__window_form form;
} foreign[] = {
    { NULL, BEAMC__WINDOW_FORM_UNKNOWN },
    { "beam:coder:pickled_python:v1", BEAMC__WINDOW_FORM_UNKNOWN },
    { "beam:coder:global_window:v1", BEAMC__WINDOW_FORM_GLOBAL },
    { "beam:coder:interval_window:v1", BEAMC__WINDOW_FORM_INTERVAL },
    { "beam:coder:custom_window:v1", BEAMC__WINDOW_FORM_CUSTOM },
};

START_TEST(foreign_window_function_is_opaque)
{
    PB(FunctionSpec) coder_spec = PBK(FUNCTION_SPEC__INIT);
    PB(Coder) coder = PBK(CODER__INIT);
    PB(FunctionSpec) spec = PBK(FUNCTION_SPEC__INIT);
    PB(WindowingStrategy) strategy = PBK(WINDOWING_STRATEGY__INIT);
    beamc__strategy read;
    spec.urn = (char *)"beam:window_fn:pickled_python:v1";
    strategy.window_fn = &spec;
    strategy.merge_status = PBK(MERGE_STATUS__ENUM__NEEDS_MERGE);
    coder_spec.urn = (char *)foreign[_i].coder;
    coder.spec = &coder_spec;
    ck_assert_ptr_null(
        beamc__strategy_read(&read, &strategy, foreign[_i].coder == NULL ? NULL : &coder));
    ck_assert(read.fn.opaque && read.fn.merges && read.needs_merge);
    ck_assert_int_eq(read.fn.form, foreign[_i].form);
}
END_TEST

/* Duration{seconds, nanos} as size of fixed windows. */
static PB(FunctionSpec) spec_of(uint8_t *bytes, int64_t seconds, int32_t nanos)
{
    PB(FixedWindowsPayload) payload = PBK(FIXED_WINDOWS_PAYLOAD__INIT);
    Google__Protobuf__Duration size = GOOGLE__PROTOBUF__DURATION__INIT;
    PB(FunctionSpec) spec = PBK(FUNCTION_SPEC__INIT);
    size.seconds = seconds;
    size.nanos = nanos;
    payload.size = &size;
    spec.urn = (char *)BEAMC__URN_FIXED_WINDOWS;
    spec.payload.data = bytes;
    spec.payload.len = pb(fixed_windows_payload__pack)(&payload, bytes);
    return spec;
}

static const struct {
    int64_t seconds;
    int32_t nanos;
    int code;
} sizes[] = {
    { 1, 0, BEAMC_OK },
    { 0, 1000000, BEAMC_OK },
    { 0, 0, BEAMC_EINVAL },
    { -1, 0, BEAMC_EINVAL },
    { 1, 1, BEAMC_EUNSUPPORTED },
    { 1, 2000000000, BEAMC_ECORRUPT },
    { INT64_MAX, 0, BEAMC_ECORRUPT },
    { INT64_MIN, 0, BEAMC_ECORRUPT },
};

START_TEST(sizes_from_outside_are_checked)
{
    uint8_t bytes[64];
    beamc__window_fn fn;
    PB(FunctionSpec) spec = spec_of(bytes, sizes[_i].seconds, sizes[_i].nanos);
    beamc_error *err = beamc__window_fn_read(&fn, &spec);
    ck_assert_int_eq(beamc_error_code(err), sizes[_i].code);
    beamc_error_free(err);
}
END_TEST

START_TEST(every_truncation_is_refused_or_read)
{
    uint8_t bytes[64];
    beamc__window_fn fn;
    PB(FunctionSpec) spec = spec_of(bytes, 1, 5000000);
    size_t full = spec.payload.len;
    for (spec.payload.len = 0; spec.payload.len < full; spec.payload.len++) {
        beamc_error *err = beamc__window_fn_read(&fn, &spec);
        ck_assert_ptr_nonnull(err); /* without its size: EINVAL */
        beamc_error_free(err);
    }
}
END_TEST

START_TEST(spec_may_be_missing)
{
    PB(WindowingStrategy) strategy = PBK(WINDOWING_STRATEGY__INIT);
    beamc__strategy read;
    beamc_error *err = beamc__strategy_read(&read, &strategy, NULL);
    ck_assert_int_eq(beamc_error_code(err), BEAMC_ECORRUPT);
    beamc_error_free(err);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    uint8_t bytes[64];
    beamc__window_fn fn;
    PB(FunctionSpec) spec = spec_of(bytes, 1, 0);
    for (long n = 0;; n++) {
        test_alloc_fail_at(n);
        beamc_error *err = beamc__window_fn_read(&fn, &spec);
        bool failed = test_alloc_failed();
        test_alloc_fail_at(-1);
        ck_assert_int_eq(beamc_error_code(err), failed ? BEAMC_ENOMEM : BEAMC_OK);
        beamc_error_free(err);
        if (!failed)
            break;
    }
}
END_TEST

Suite *suite_window_proto(void)
{
    Suite *suite = suite_create("window_proto");
    TCase *tc = tcase_create("window_proto");
    tcase_add_loop_test(tc, strategy_comes_back_as_it_was, 0, COUNT(windowings));
    tcase_add_test(tc, merged_sessions_need_no_merge);
    tcase_add_loop_test(tc, foreign_window_function_is_opaque, 0, COUNT(foreign));
    tcase_add_loop_test(tc, sizes_from_outside_are_checked, 0, COUNT(sizes));
    tcase_add_test(tc, every_truncation_is_refused_or_read);
    tcase_add_test(tc, spec_may_be_missing);
    tcase_add_test(tc, every_allocation_may_fail);
    suite_add_tcase(suite, tc);
    return suite;
}
