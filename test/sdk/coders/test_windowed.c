/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/coders/windowed.h"
#include "test/fuzz/round_trip.h"

#include <check.h>

static beamc_arena *arena;
static beamc__decode_context context;
static beamc_buffer out;

static void set_up(void)
{
    arena = beamc_arena_new();
    context = (beamc__decode_context){ arena, NULL };
    beamc_buffer_init(&out);
}

static void tear_down(void)
{
    beamc_buffer_dispose(&out);
    beamc_arena_free(arena);
}

static const beamc_field custom_fields[1] = { { "window", BEAMC_TYPE(interval_window) } };
static const beamc_type custom_window = {
    "custom", BEAMC_KIND_CUSTOM_WINDOW, sizeof(beamc_custom_window), 8, custom_fields, 1, NULL,
    NULL,     NULL
};

#define T0 "\x80\x00\x00\x00\x00\x01\x5f\x90" /* 90 s */
#define W1 "\x80\x00\x00\x00\x00\x01\xd4\xc0\xe0\xd4\x03" /* [60 s, 120 s) */
#define W2 "\x80\x00\x00\x00\x00\x00\x00\x0a\x0a" /* [0, 10 ms) */

static int decode_head(const beamc_type *type, const char *bytes, size_t size,
                       beamc_element_info *info, size_t *left)
{
    beamc_reader in = beamc_reader_of(bytes, size);
    int rc = beamc__element_info_decode(info, type, &in, &context);
    *left = beamc_reader_left(&in);
    return rc;
}

START_TEST(head_of_an_impulse_is_the_initial_info)
{
    static const char bytes[] = "\x7f\xdf\x3b\x64\x5a\x1c\xac\x09\x00\x00\x00\x01\x0f";
    beamc_element_info info;
    size_t left;
    ck_assert_int_eq(beamc__element_info_encode(&beamc_element_info_initial, &out), BEAMC_OK);
    ck_assert_uint_eq(out.size, sizeof(bytes) - 1);
    ck_assert_mem_eq(out.data, bytes, sizeof(bytes) - 1);
    ck_assert_int_eq(
        decode_head(BEAMC_TYPE(global_window), bytes, sizeof(bytes) - 1, &info, &left), BEAMC_OK);
    ck_assert_uint_eq(left, 0);
    ck_assert_int_eq(info.timestamp, BEAMC_TIMESTAMP_MIN);
    ck_assert_uint_eq(info.window_count, 1);
    ck_assert_uint_eq(info.windows_size, 0);
    ck_assert_int_eq(beamc_element_pane(&info).timing, BEAMC_PANE_UNKNOWN);
}
END_TEST

/* Each head, with a value behind it, is written as it was read. */
START_TEST(head_round_trips_for_all_windows)
{
    static const struct {
        const beamc_type *type;
        const char *bytes;
        size_t size;
        uint32_t windows;
    } cases[] = {
#define HEAD(type, bytes, windows) { type, bytes, sizeof(bytes) - 1, windows }
        HEAD(BEAMC_TYPE(global_window), T0 "\0\0\0\x01\x0f", 1),
        HEAD(BEAMC_TYPE(global_window), T0 "\0\0\0\x01\x24\x04\x00", 1),
        HEAD(BEAMC_TYPE(global_window), T0 "\0\0\0\x02\x07", 2),
        HEAD(BEAMC_TYPE(interval_window), T0 "\0\0\0\x01" W1 "\x0f", 1),
        HEAD(BEAMC_TYPE(interval_window), T0 "\0\0\0\x02" W1 W2 "\x10\x03", 2),
        HEAD(BEAMC_TYPE(interval_window), T0 "\0\0\0\x00\x0f", 0),
        HEAD(&custom_window, T0 "\0\0\0\x01" T0 W1 "\x18\x01", 1),
        HEAD(BEAMC_TYPE(string), T0 "\0\0\0\x01\x03win\x0f", 1),
        HEAD(BEAMC_TYPE(global_window), T0 "\0\0\0\x01\x8f\x02\x08\x01", 1), /* with metadata */
#undef HEAD
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        beamc_element_info info;
        size_t left;
        ck_assert_int_eq(decode_head(cases[i].type, cases[i].bytes, cases[i].size, &info, &left),
                         BEAMC_OK);
        ck_assert_uint_eq(left, 0);
        ck_assert_uint_eq(info.window_count, cases[i].windows);
        beamc_buffer_clear(&out);
        ck_assert_int_eq(beamc__element_info_encode(&info, &out), BEAMC_OK);
        ck_assert_uint_eq(out.size, cases[i].size);
        ck_assert_mem_eq(out.data, cases[i].bytes, out.size);
        for (size_t cut = 0; cut < cases[i].size; cut++)
            ck_assert_int_eq(decode_head(cases[i].type, cases[i].bytes, cut, &info, &left),
                             BEAMC_ESHORT);
    }
}
END_TEST

START_TEST(head_joins_windows_in_blocks)
{
    static const char one[] = T0 "\xff\xff\xff\xff\x02" W1 W2 "\x00\x0f";
    static const char two[] = T0 "\xff\xff\xff\xff\x01" W1 "\x01" W2 "\x00\x0f";
    static const char joined[] = T0 "\0\0\0\x02" W1 W2 "\x0f";
    beamc_element_info info;
    size_t left;
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(decode_head(BEAMC_TYPE(interval_window), i == 0 ? one : two,
                                     i == 0 ? sizeof(one) - 1 : sizeof(two) - 1, &info, &left),
                         BEAMC_OK);
        beamc_buffer_clear(&out);
        ck_assert_int_eq(beamc__element_info_encode(&info, &out), BEAMC_OK);
        ck_assert_uint_eq(out.size, sizeof(joined) - 1);
        ck_assert_mem_eq(out.data, joined, out.size);
    }
}
END_TEST

START_TEST(head_rejects_what_is_malformed)
{
    beamc_element_info info;
    size_t left;
    ck_assert_int_eq(
        decode_head(BEAMC_TYPE(global_window), T0 "\xff\xff\xff\xfe\x0f", 13, &info, &left),
        BEAMC_ECORRUPT);
    ck_assert_int_eq(
        decode_head(BEAMC_TYPE(global_window), T0 "\x7f\xff\xff\xff\x0f", 13, &info, &left),
        BEAMC_ELIMIT);
    ck_assert_int_eq(decode_head(BEAMC_TYPE(global_window), T0 "\0\0\0\x01\x3f\0\0\0", 16, &info,
                                 &left),
                     BEAMC_ECORRUPT);
}
END_TEST

START_TEST(element_gives_its_interval_windows)
{
    static const char bytes[] = T0 "\0\0\0\x02" W1 W2 "\x0f";
    beamc_element_info info;
    beamc_interval_window window;
    uint32_t at = 0;
    size_t left;
    ck_assert_int_eq(decode_head(BEAMC_TYPE(interval_window), bytes, sizeof(bytes) - 1, &info,
                                 &left),
                     BEAMC_OK);
    ck_assert(beamc_element_next_interval(&info, &at, &window));
    ck_assert_int_eq(window.start, 60000);
    ck_assert_int_eq(window.end, 120000);
    ck_assert(beamc_element_next_interval(&info, &at, &window));
    ck_assert_int_eq(window.start, 0);
    ck_assert_int_eq(window.end, 10);
    ck_assert(!beamc_element_next_interval(&info, &at, &window));
}
END_TEST

START_TEST(pane_is_written_as_short_as_can_be)
{
    static const struct {
        beamc_pane pane;
        const char *bytes;
        size_t size;
    } cases[] = {
        { { true, true, BEAMC_PANE_UNKNOWN, 0, 0 }, "\x0f", 1 },
        { { true, true, BEAMC_PANE_ON_TIME, 0, 0 }, "\x07", 1 },
        { { true, false, BEAMC_PANE_ON_TIME, 0, 0 }, "\x05", 1 },
        { { true, false, BEAMC_PANE_EARLY, 0, -1 }, "\x11\x00", 2 },
        { { false, false, BEAMC_PANE_EARLY, 3, -1 }, "\x10\x03", 2 },
        { { false, false, BEAMC_PANE_ON_TIME, 4, 0 }, "\x24\x04\x00", 3 },
        { { false, false, BEAMC_PANE_LATE, 1, 1 }, "\x18\x01", 2 },
        { { false, true, BEAMC_PANE_LATE, 5, 1 }, "\x2a\x05\x01", 3 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        beamc_pane decoded;
        beamc_buffer_clear(&out);
        ck_assert_int_eq(beamc__pane_encode(&cases[i].pane, &out), BEAMC_OK);
        ck_assert_uint_eq(out.size, cases[i].size);
        ck_assert_mem_eq(out.data, cases[i].bytes, out.size);
        beamc_reader in = beamc_reader_of(out.data, out.size);
        ck_assert_int_eq(beamc__pane_decode(&decoded, &in), BEAMC_OK);
        ck_assert_int_eq(decoded.is_first, cases[i].pane.is_first);
        ck_assert_int_eq(decoded.is_last, cases[i].pane.is_last);
        ck_assert_int_eq(decoded.timing, cases[i].pane.timing);
        ck_assert_int_eq(decoded.index, cases[i].pane.index);
        ck_assert_int_eq(decoded.non_speculative_index, cases[i].pane.non_speculative_index);
    }
}
END_TEST

START_TEST(interval_windows_of_all_times_round_trip)
{
    static const beamc_interval_window windows[] = {
        { BEAMC_TIMESTAMP_MIN, BEAMC_TIMESTAMP_MAX },
        { INT64_MIN, INT64_MAX },
        { INT64_MIN, INT64_MIN },
        { -1, 0 },
    };
    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
        beamc_interval_window decoded;
        beamc_buffer_clear(&out);
        ck_assert_int_eq(beamc__interval_window_encode(&windows[i], &out), BEAMC_OK);
        beamc_reader in = beamc_reader_of(out.data, out.size);
        ck_assert_int_eq(beamc__interval_window_decode(&decoded, &in), BEAMC_OK);
        ck_assert_int_eq(decoded.start, windows[i].start);
        ck_assert_int_eq(decoded.end, windows[i].end);
    }
}
END_TEST

START_TEST(param_window_without_payload_is_the_global_window)
{
    beamc__param_window head;
    const beamc_bytes none = { NULL, 0 };
    int64_t count;
    ck_assert_int_eq(
        beamc__param_window_decode(&head, none, BEAMC_TYPE(global_window), &context), BEAMC_OK);
    ck_assert_int_eq(head.timestamp, BEAMC_TIMESTAMP_MIN);
    ck_assert_ptr_null(beamc_iterable_count(&count, &head.windows));
    ck_assert_int_eq(count, 1);
    ck_assert_int_lt(
        beamc__param_window_decode(&head, none, BEAMC_TYPE(interval_window), &context), 0);
}
END_TEST

Suite *suite_windowed(void);

Suite *suite_windowed(void)
{
    Suite *suite = suite_create("windowed");
    TCase *tc = tcase_create("windowed");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, head_of_an_impulse_is_the_initial_info);
    tcase_add_test(tc, head_round_trips_for_all_windows);
    tcase_add_test(tc, head_joins_windows_in_blocks);
    tcase_add_test(tc, head_rejects_what_is_malformed);
    tcase_add_test(tc, element_gives_its_interval_windows);
    tcase_add_test(tc, pane_is_written_as_short_as_can_be);
    tcase_add_test(tc, interval_windows_of_all_times_round_trip);
    tcase_add_test(tc, param_window_without_payload_is_the_global_window);
    suite_add_tcase(suite, tc);
    return suite;
}
