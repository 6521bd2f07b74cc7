/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/windowing/window_fn.h"
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>

#define END_OF_TIME (BEAMC_TIMESTAMP_MAX_GLOBAL + 1)
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static beamc__window_fn fn_of(beamc_windowing windowing)
{
    beamc__window_fn fn;
    ck_assert_int_eq(beamc__window_fn_init(&fn, &windowing), BEAMC_OK);
    return fn;
}

/* The windows of the assigner, decoded; answers how many. */
static size_t decode_all(const beamc__window_assigner *assigner, beamc_interval_window *out,
                         size_t room)
{
    beamc_reader in = beamc_reader_of(assigner->windows, assigner->windows_size);
    size_t count = 0;
    while (beamc_reader_left(&in) > 0) {
        ck_assert_uint_lt(count, room);
        ck_assert_int_eq(beamc__interval_decode(&out[count++], &in), BEAMC_OK);
    }
    ck_assert_uint_eq(count, assigner->window_count);
    return count;
}

static size_t assign(beamc_windowing windowing, beamc_timestamp at, beamc_interval_window *out,
                     size_t room)
{
    beamc__window_fn fn = fn_of(windowing);
    beamc__window_assigner assigner;
    ck_assert_int_eq(beamc__window_assigner_init(&assigner, &fn), BEAMC_OK);
    beamc__window_assign(&assigner, at);
    size_t count = decode_all(&assigner, out, room);
    beamc__window_assigner_dispose(&assigner);
    return count;
}

static void check_one(beamc_windowing windowing, beamc_timestamp at, beamc_timestamp start,
                      beamc_timestamp end)
{
    beamc_interval_window window[2];
    ck_assert_uint_eq(assign(windowing, at, window, 2), 1);
    ck_assert_int_eq(window[0].start, start);
    ck_assert_int_eq(window[0].end, end);
}

/* ---- assigning ------------------------------------------------------------------------------- */

START_TEST(global_window_has_no_bytes)
{
    const beamc_timestamp at[] = { INT64_MIN, BEAMC_TIMESTAMP_MIN, 0, BEAMC_TIMESTAMP_MAX, INT64_MAX };
    beamc__window_fn fn = fn_of(beamc_global_windows());
    beamc__window_assigner assigner;
    ck_assert_int_eq(beamc__window_assigner_init(&assigner, &fn), BEAMC_OK);
    for (size_t i = 0; i < COUNT(at); i++) {
        beamc__window_assign(&assigner, at[i]);
        ck_assert_uint_eq(assigner.window_count, 1);
        ck_assert_uint_eq(assigner.windows_size, 0);
    }
    beamc__window_assigner_dispose(&assigner);
}
END_TEST

START_TEST(fixed_windows_floor_also_before_the_epoch)
{
    beamc_windowing shifted = beamc_fixed_windows(10);
    shifted.offset = 3;
    check_one(beamc_fixed_windows(10), 0, 0, 10);
    check_one(beamc_fixed_windows(10), 9, 0, 10);
    check_one(beamc_fixed_windows(10), 10, 10, 20);
    check_one(beamc_fixed_windows(10), -1, -10, 0);
    check_one(beamc_fixed_windows(10), -10, -10, 0);
    check_one(beamc_fixed_windows(10), -11, -20, -10);
    check_one(shifted, 2, -7, 3);
    check_one(shifted, 3, 3, 13);
    check_one(shifted, -8, -17, -7);
}
END_TEST

START_TEST(windows_are_cut_at_both_ends_of_time)
{
    const beamc_timestamp last = BEAMC_TIMESTAMP_MAX_GLOBAL;
    beamc_timestamp end = BEAMC_TIMESTAMP_MIN / 1000 * 1000; /* truncates towards the epoch */
    check_one(beamc_fixed_windows(1000), BEAMC_TIMESTAMP_MIN, BEAMC_TIMESTAMP_MIN, end);
    check_one(beamc_fixed_windows(1000), INT64_MIN, BEAMC_TIMESTAMP_MIN, end);
    check_one(beamc_fixed_windows(1000), last, last / 1000 * 1000, END_OF_TIME);
    check_one(beamc_fixed_windows(1000), BEAMC_TIMESTAMP_MAX, last, END_OF_TIME);
    check_one(beamc_fixed_windows(1000), INT64_MAX, last, END_OF_TIME);
    check_one(beamc_fixed_windows(BEAMC_TIMESTAMP_MAX), last, 0, END_OF_TIME);
    check_one(beamc_session_windows(1000), last, last, END_OF_TIME);
    check_one(beamc_session_windows(BEAMC_TIMESTAMP_MAX), BEAMC_TIMESTAMP_MAX, last, END_OF_TIME);
    check_one(beamc_sliding_windows(1000, 1000), BEAMC_TIMESTAMP_MAX, last, END_OF_TIME);
}
END_TEST

START_TEST(session_starts_at_its_element)
{
    check_one(beamc_session_windows(5), 7, 7, 12);
    check_one(beamc_session_windows(5), -7, -7, -2);
}
END_TEST

static const struct {
    int64_t size, period, offset;
} slidings[] = { { 10, 5, 0 }, { 10, 3, 1 },  { 10, 10, 9 }, { 3, 10, 0 },
                 { 1, 1, 0 },  { 7, 20, 19 }, { 60, 1, 0 } };

/* All multiples of the period in (at - size, at]. */
START_TEST(sliding_windows_are_all_that_hold_the_element)
{
    beamc_windowing windowing = beamc_sliding_windows(slidings[_i].size, slidings[_i].period);
    beamc_interval_window windows[64];
    windowing.offset = slidings[_i].offset;
    for (beamc_timestamp at = -100; at <= 100; at++) {
        size_t count = assign(windowing, at, windows, COUNT(windows));
        size_t expected = 0;
        for (beamc_timestamp start = at; start > at - windowing.size; start--) {
            if ((start - windowing.offset) % windowing.period != 0)
                continue;
            ck_assert_uint_lt(expected, count);
            ck_assert_int_eq(windows[expected].start, start);
            ck_assert_int_eq(windows[expected].end, start + windowing.size);
            expected++;
        }
        ck_assert_uint_eq(count, expected);
    }
}
END_TEST

/* What the assigner keeps must be what it would compute anew. */
START_TEST(kept_windows_are_right)
{
    beamc_windowing windowings[COUNT(slidings) + 2] = { beamc_fixed_windows(7),
                                                        beamc_session_windows(3) };
    for (size_t i = 0; i < COUNT(slidings); i++) {
        windowings[2 + i] = beamc_sliding_windows(slidings[i].size, slidings[i].period);
        windowings[2 + i].offset = slidings[i].offset;
    }
    for (size_t i = 0; i < COUNT(windowings); i++) {
        beamc__window_fn fn = fn_of(windowings[i]);
        beamc__window_assigner kept;
        ck_assert_int_eq(beamc__window_assigner_init(&kept, &fn), BEAMC_OK);
        uint64_t random = 12345;
        for (int n = 0; n < 300; n++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            beamc_timestamp at = (beamc_timestamp)(random >> 33) % 50 - 25;
            beamc_interval_window a[64];
            beamc_interval_window b[64];
            beamc__window_assign(&kept, at);
            size_t count = decode_all(&kept, a, COUNT(a));
            ck_assert_uint_eq(count, assign(windowings[i], at, b, COUNT(b)));
            ck_assert_mem_eq(a, b, count * sizeof(*a));
        }
        beamc__window_assigner_dispose(&kept);
    }
}
END_TEST

START_TEST(opaque_function_assigns_nothing)
{
    beamc__window_fn fn = { .opaque = true, .most = 1 };
    beamc__window_assigner assigner;
    ck_assert_int_eq(beamc__window_assigner_init(&assigner, &fn), BEAMC_EUNSUPPORTED);
    beamc__window_assigner_dispose(&assigner);
}
END_TEST

/* ---- checking -------------------------------------------------------------------------------- */

static const struct {
    beamc_windowing windowing;
    int code;
    const char *says;
} faults[] = {
    { { BEAMC_WINDOW_FIXED, 0, 0, 0, 0, BEAMC_OUTPUT_END_OF_WINDOW },
      BEAMC_EINVAL, "fixed windows of 0 ms: the size must be above 0" },
    { { BEAMC_WINDOW_FIXED, -5, 0, 0, 0, BEAMC_OUTPUT_END_OF_WINDOW },
      BEAMC_EINVAL, "fixed windows of -5 ms: the size must be above 0" },
    { { BEAMC_WINDOW_FIXED, 5, 0, 5, 0, BEAMC_OUTPUT_END_OF_WINDOW },
      BEAMC_EINVAL, "fixed windows of 5 ms from 5 ms: the offset must be in [0, size)" },
    { { BEAMC_WINDOW_FIXED, 5, 0, -1, 0, BEAMC_OUTPUT_END_OF_WINDOW },
      BEAMC_EINVAL, "fixed windows of 5 ms from -1 ms: the offset must be in [0, size)" },
    { { BEAMC_WINDOW_SLIDING, 5, 0, 0, 0, BEAMC_OUTPUT_END_OF_WINDOW },
      BEAMC_EINVAL, "sliding windows of 5 ms every 0 ms: the period must be above 0" },
    { { BEAMC_WINDOW_SLIDING, 5, 2, 2, 0, BEAMC_OUTPUT_END_OF_WINDOW },
      BEAMC_EINVAL, "sliding windows of 5 ms every 2 ms from 2 ms: the offset must be in [0, period)" },
    { { BEAMC_WINDOW_SLIDING, BEAMC__WINDOWS_MAX + 1, 1, 0, 0, BEAMC_OUTPUT_END_OF_WINDOW },
      BEAMC_ELIMIT,
      "sliding windows of 100001 ms every 1 ms: each element would be in too many of them" },
    { { BEAMC_WINDOW_SESSIONS, 0, 0, 0, 0, BEAMC_OUTPUT_END_OF_WINDOW },
      BEAMC_EINVAL, "sessions with a gap of 0 ms: the gap must be above 0" },
    { { BEAMC_WINDOW_SESSIONS, INT64_MAX, 0, 0, 0, BEAMC_OUTPUT_END_OF_WINDOW },
      BEAMC_EINVAL, NULL },
    { { (beamc_window_kind)9, 1, 0, 0, 0, BEAMC_OUTPUT_END_OF_WINDOW },
      BEAMC_EINVAL, "windows of kind 9: there is no such kind" },
    { { BEAMC_WINDOW_GLOBAL, 0, 0, 0, -1, BEAMC_OUTPUT_END_OF_WINDOW },
      BEAMC_EINVAL, "the global window with a lateness of -1 ms: the allowed lateness must not be negative" },
    { { BEAMC_WINDOW_GLOBAL, 0, 0, 0, 0, (beamc_output_time)3 },
      BEAMC_EINVAL, "the global window: there is no such output time" },
};

START_TEST(bad_windows_are_refused)
{
    char text[200];
    beamc__window_fn fn;
    ck_assert_int_eq(beamc__window_fn_init(&fn, &faults[_i].windowing), faults[_i].code);
    beamc_error *err = beamc__windowing_check(&faults[_i].windowing);
    ck_assert_ptr_nonnull(err);
    ck_assert_int_eq(beamc_error_code(err), faults[_i].code);
    beamc_error_print(err, text, sizeof(text));
    if (faults[_i].says != NULL)
        ck_assert_str_eq(text, faults[_i].says);
    beamc_error_free(err);
}
END_TEST

START_TEST(equality_looks_at_what_matters)
{
    beamc_windowing a = beamc_fixed_windows(5);
    beamc_windowing b = a;
    b.period = 9; /* of sliding windows only */
    ck_assert(beamc__windowing_equal(&a, &b));
    b.offset = 1;
    ck_assert(!beamc__windowing_equal(&a, &b));
    b = a;
    b.allowed_lateness = 1;
    ck_assert(!beamc__windowing_equal(&a, &b));
    b = a;
    b.output_time = BEAMC_OUTPUT_LATEST;
    ck_assert(!beamc__windowing_equal(&a, &b));
    b = beamc_session_windows(5);
    ck_assert(!beamc__windowing_equal(&a, &b));
}
END_TEST

/* ---- bytes ----------------------------------------------------------------------------------- */

START_TEST(interval_is_encoded_as_beam_does)
{
    const uint8_t expected[] = { 0x80, 0, 0, 0, 0, 1, 0xd4, 0xc0, 0xe0, 0xd4, 3 };
    beamc_interval_window window = { 60000, 120000 };
    beamc_interval_window read;
    uint8_t bytes[BEAMC__WINDOW_SIZE_MAX];
    size_t size = beamc__interval_encode(window, bytes);
    ck_assert_uint_eq(size, sizeof(expected));
    ck_assert_mem_eq(bytes, expected, size);
    for (size_t cut = 0; cut <= size; cut++) {
        beamc_reader in = beamc_reader_of(bytes, cut);
        ck_assert_int_eq(beamc__interval_decode(&read, &in), cut < size ? BEAMC_ESHORT : BEAMC_OK);
    }
    ck_assert_int_eq(read.start, window.start);
    ck_assert_int_eq(read.end, window.end);
    beamc_reader in = beamc_reader_of(bytes, size);
    ck_assert_int_eq(beamc__window_skip(BEAMC__WINDOW_FORM_INTERVAL, &in), BEAMC_OK);
    ck_assert_uint_eq(beamc_reader_left(&in), 0);
}
END_TEST

START_TEST(interval_before_all_numbers_is_refused)
{
    /* It ends at the least number there is and is longer than nothing. */
    const uint8_t bytes[] = { 0, 0, 0, 0, 0, 0, 0, 0, 1 };
    beamc_reader in = beamc_reader_of(bytes, sizeof(bytes));
    beamc_interval_window window;
    ck_assert_int_eq(beamc__interval_decode(&window, &in), BEAMC_ECORRUPT);
}
END_TEST

START_TEST(max_timestamp_by_form)
{
    uint8_t bytes[BEAMC__WINDOW_SIZE_MAX];
    size_t size = beamc__interval_encode((beamc_interval_window){ 5, 10 }, bytes);
    beamc_timestamp at;
    ck_assert_int_eq(
        beamc__window_max_timestamp(BEAMC__WINDOW_FORM_GLOBAL, bytes, 0, &at), BEAMC_OK);
    ck_assert_int_eq(at, BEAMC_TIMESTAMP_MAX_GLOBAL);
    ck_assert_int_eq(
        beamc__window_max_timestamp(BEAMC__WINDOW_FORM_INTERVAL, bytes, size, &at), BEAMC_OK);
    ck_assert_int_eq(at, 9);
    ck_assert_int_eq(
        beamc__window_max_timestamp(BEAMC__WINDOW_FORM_CUSTOM, bytes, size, &at), BEAMC_OK);
    ck_assert_int_eq(at, 10);
    ck_assert_int_eq(
        beamc__window_max_timestamp(BEAMC__WINDOW_FORM_INTERVAL, bytes, 7, &at), BEAMC_ESHORT);
    ck_assert_int_eq(beamc__window_max_timestamp(BEAMC__WINDOW_FORM_UNKNOWN, bytes, size, &at),
                     BEAMC_EUNSUPPORTED);
    beamc_reader in = beamc_reader_of(bytes, size);
    ck_assert_int_eq(beamc__window_skip(BEAMC__WINDOW_FORM_CUSTOM, &in), BEAMC_EUNSUPPORTED);
}
END_TEST

/* ---- merging --------------------------------------------------------------------------------- */

/* Joins whatever overlaps until nothing does. */
static size_t merge_slowly(beamc_interval_window *windows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++)
            if (beamc__window_join(&windows[i], &windows[j])) {
                windows[j] = windows[--count];
                i = 0;
                j = 0;
            }
    return count;
}

START_TEST(merging_is_the_same_as_joining_until_nothing_overlaps)
{
    uint64_t random = (uint64_t)_i + 1;
    beamc_interval_window windows[40] = { { 0, 0 } };
    beamc_interval_window slow[40];
    beamc_interval_window merged[40];
    uint32_t order[40];
    uint32_t group[40];
    size_t count = (size_t)_i % COUNT(windows);

    for (size_t i = 0; i < count; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        windows[i].start = (int64_t)(random >> 33) % 300 - 150;
        windows[i].end = windows[i].start + 1 + (int64_t)(random >> 13) % 12;
        slow[i] = windows[i];
    }
    size_t results = beamc__windows_merge(windows, count, order, group, merged);
    ck_assert_uint_eq(results, merge_slowly(slow, count));
    for (size_t i = 1; i < results; i++)
        ck_assert_int_le(merged[i - 1].end, merged[i].start);
    for (size_t i = 0; i < count; i++) {
        const beamc_interval_window *into = &merged[group[i]];
        ck_assert_uint_lt(group[i], results);
        ck_assert(into->start <= windows[i].start && windows[i].end <= into->end);
        ck_assert(i == 0 || windows[order[i - 1]].start <= windows[order[i]].start);
    }
    for (size_t i = 0; i < results; i++) {
        bool found = false;
        for (size_t j = 0; j < results; j++)
            found = found || memcmp(&slow[j], &merged[i], sizeof(*merged)) == 0;
        ck_assert(found);
    }
}
END_TEST

START_TEST(touching_windows_stay_apart)
{
    const beamc_interval_window windows[] = { { 10, 20 }, { 0, 10 } };
    beamc_interval_window merged[2];
    uint32_t order[2];
    uint32_t group[2];
    ck_assert_uint_eq(beamc__windows_merge(windows, 2, order, group, merged), 2);
    ck_assert_uint_eq(group[0], 1);
    ck_assert_uint_eq(group[1], 0);
}
END_TEST

/* ---- side inputs, timestamps ------------------------------------------------------------------ */

static const struct {
    beamc_windowing side;
    beamc_interval_window main_window;
    int code;
    beamc_interval_window expected;
} mappings[] = {
    { { BEAMC_WINDOW_FIXED, 100, 0, 0, 0, 0 }, { 40, 50 }, BEAMC_OK, { 0, 100 } },
    { { BEAMC_WINDOW_FIXED, 100, 0, 0, 0, 0 }, { 0, 100 }, BEAMC_OK, { 0, 100 } },
    { { BEAMC_WINDOW_FIXED, 100, 0, 0, 0, 0 }, { -10, 101 }, BEAMC_OK, { 100, 200 } },
    { { BEAMC_WINDOW_FIXED, 100, 0, 0, 0, 0 }, { -50, -10 }, BEAMC_OK, { -100, 0 } },
    { { BEAMC_WINDOW_SLIDING, 100, 30, 0, 0, 0 }, { 0, 100 }, BEAMC_OK, { 0, 100 } },
    { { BEAMC_WINDOW_SLIDING, 100, 30, 0, 0, 0 }, { 0, 101 }, BEAMC_OK, { 30, 130 } },
    { { BEAMC_WINDOW_SLIDING, 100, 100, 0, 0, 0 }, { 0, 101 }, BEAMC_OK, { 100, 200 } },
    { { BEAMC_WINDOW_SLIDING, 10, 100, 0, 0, 0 }, { 0, 11 }, BEAMC_ENOENT, { 0, 0 } },
    { { BEAMC_WINDOW_SLIDING, 10, 100, 0, 0, 0 }, { 0, 10 }, BEAMC_OK, { 0, 10 } },
    { { BEAMC_WINDOW_SESSIONS, 10, 0, 0, 0, 0 }, { 0, 10 }, BEAMC_EUNSUPPORTED, { 0, 0 } },
};

START_TEST(side_window_holds_the_main_windows_end)
{
    beamc__window_fn side = fn_of(mappings[_i].side);
    uint8_t bytes[BEAMC__WINDOW_SIZE_MAX];
    uint8_t out[BEAMC__WINDOW_SIZE_MAX];
    size_t out_size;
    size_t size = beamc__interval_encode(mappings[_i].main_window, bytes);
    ck_assert_int_eq(beamc__window_map_side(&side, BEAMC__WINDOW_FORM_INTERVAL, bytes, size, out,
                                            &out_size),
                     mappings[_i].code);
    if (mappings[_i].code != BEAMC_OK)
        return;
    beamc_interval_window mapped;
    beamc_reader in = beamc_reader_of(out, out_size);
    ck_assert_int_eq(beamc__interval_decode(&mapped, &in), BEAMC_OK);
    ck_assert_int_eq(mapped.start, mappings[_i].expected.start);
    ck_assert_int_eq(mapped.end, mappings[_i].expected.end);
}
END_TEST

START_TEST(all_windows_map_to_the_global_one)
{
    beamc__window_fn side = fn_of(beamc_global_windows());
    uint8_t out[BEAMC__WINDOW_SIZE_MAX];
    size_t size = 99;
    ck_assert_int_eq(
        beamc__window_map_side(&side, BEAMC__WINDOW_FORM_UNKNOWN, out, 0, out, &size), BEAMC_OK);
    ck_assert_uint_eq(size, 0);
}
END_TEST

START_TEST(output_time_is_folded)
{
    const beamc_timestamp at[] = { 5, 3, 9 };
    const beamc_timestamp expected[] = { 100, 9, 3 };
    for (int how = BEAMC_OUTPUT_END_OF_WINDOW; how <= BEAMC_OUTPUT_EARLIEST; how++) {
        beamc_timestamp folded = at[0];
        for (size_t i = 1; i < COUNT(at); i++)
            folded = beamc__output_time_fold((beamc_output_time)how, folded, at[i]);
        ck_assert_int_eq(beamc__output_time_finish((beamc_output_time)how, folded, 100),
                         expected[how]);
        ck_assert_int_le(beamc__output_time_finish((beamc_output_time)how, folded, 2), 2);
    }
}
END_TEST

Suite *suite_window_fn(void)
{
    Suite *suite = suite_create("window_fn");
    TCase *tc = tcase_create("window_fn");
    tcase_add_test(tc, global_window_has_no_bytes);
    tcase_add_test(tc, fixed_windows_floor_also_before_the_epoch);
    tcase_add_test(tc, windows_are_cut_at_both_ends_of_time);
    tcase_add_test(tc, session_starts_at_its_element);
    tcase_add_loop_test(tc, sliding_windows_are_all_that_hold_the_element, 0, COUNT(slidings));
    tcase_add_test(tc, kept_windows_are_right);
    tcase_add_test(tc, opaque_function_assigns_nothing);
    tcase_add_loop_test(tc, bad_windows_are_refused, 0, COUNT(faults));
    tcase_add_test(tc, equality_looks_at_what_matters);
    tcase_add_test(tc, interval_is_encoded_as_beam_does);
    tcase_add_test(tc, interval_before_all_numbers_is_refused);
    tcase_add_test(tc, max_timestamp_by_form);
    tcase_add_loop_test(tc, merging_is_the_same_as_joining_until_nothing_overlaps, 0, 120);
    tcase_add_test(tc, touching_windows_stay_apart);
    tcase_add_loop_test(tc, side_window_holds_the_main_windows_end, 0, COUNT(mappings));
    tcase_add_test(tc, all_windows_map_to_the_global_one);
    tcase_add_test(tc, output_time_is_folded);
    suite_add_tcase(suite, tc);
    return suite;
}
