/* SPDX-License-Identifier: Apache-2.0 */
#include "samples.h"

#include "sdk/types/layout.h"
#include "test/alloc.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static beamc_arena *arena;

static void set_up(void)
{
    arena = beamc_arena_new();
}

static void tear_down(void)
{
    beamc_arena_free(arena);
}

/* ---- equality -------------------------------------------------------------------------------- */

BEAMC_KV(other_count, string, int64)
BEAMC_ITERABLE(other_counts, int64)

#define RENAMED(F) F(string, store) F(int64, cents) F(timestamp, at)
BEAMC_ROW(renamed, RENAMED)

#define SAME(F) F(string, shop) F(int64, cents) F(timestamp, at)
BEAMC_ROW(same, SAME)

START_TEST(type_equality_is_of_structure)
{
    ck_assert(beamc_type_equal(BEAMC_TYPE(word_count), BEAMC_TYPE(other_count)));
    ck_assert(beamc_type_equal(BEAMC_TYPE(sale), BEAMC_TYPE(same)));
    ck_assert(!beamc_type_equal(BEAMC_TYPE(word_count), BEAMC_TYPE(pair)));
    ck_assert(!beamc_type_equal(BEAMC_TYPE(int64), BEAMC_TYPE(timestamp)));
    ck_assert(!beamc_type_equal(BEAMC_TYPE(string), BEAMC_TYPE(bytes)));
    ck_assert(!beamc_type_equal(BEAMC_TYPE(nothing), BEAMC_TYPE(global_window)));
}
END_TEST

START_TEST(type_equality_looks_at_names_of_fields_and_at_logical_types)
{
    ck_assert(!beamc_type_equal(BEAMC_TYPE(sale), BEAMC_TYPE(renamed)));
    ck_assert(!beamc_type_equal(BEAMC_TYPE(int64), BEAMC_TYPE(date)));
    ck_assert(beamc_type_equal(BEAMC_TYPE(date), BEAMC_TYPE(date)));
}
END_TEST

START_TEST(type_equality_passes_length_prefixes_and_forms_of_iterables)
{
    const beamc_field inner[1] = { { "value", BEAMC_TYPE(int64) } };
    const beamc_type prefixed = { "int64", BEAMC_KIND_LENGTH_PREFIX, 8, 8, inner, 1,
                                  NULL,    NULL,                     NULL };
    const beamc_field element[1] = { { "element", &prefixed } };
    beamc_type backed = beamc_type_counts;
    backed.kind = BEAMC_KIND_STATE_BACKED_ITERABLE;
    backed.fields = element;
    ck_assert(beamc_type_equal(&prefixed, BEAMC_TYPE(int64)));
    ck_assert(beamc_type_equal(&backed, BEAMC_TYPE(counts)));
    ck_assert(beamc_type_equal(BEAMC_TYPE(other_counts), &backed));
}
END_TEST

START_TEST(type_is_deterministic_if_equal_values_have_equal_bytes)
{
    ck_assert(beamc_type_is_deterministic(BEAMC_TYPE(word_count)));
    ck_assert(beamc_type_is_deterministic(BEAMC_TYPE(sale)));
    ck_assert(beamc_type_is_deterministic(BEAMC_TYPE(tags)));
    ck_assert(beamc_type_is_deterministic(BEAMC_TYPE(decimal)));
    ck_assert(beamc_type_is_deterministic(BEAMC_TYPE(interval_window)));
    ck_assert(!beamc_type_is_deterministic(BEAMC_TYPE(pair)));
    ck_assert(!beamc_type_is_deterministic(BEAMC_TYPE(grouped)));
    ck_assert(!beamc_type_is_deterministic(BEAMC_TYPE(prices)));
    ck_assert(!beamc_type_is_deterministic(BEAMC_TYPE(everything)));
}
END_TEST

START_TEST(type_layout_is_that_of_c)
{
    size_t at = 0;
    size_t offsets[] = { offsetof(everything, flag),    offsetof(everything, tiny),
                         offsetof(everything, small),   offsetof(everything, medium),
                         offsetof(everything, large),   offsetof(everything, single),
                         offsetof(everything, real),    offsetof(everything, text),
                         offsetof(everything, raw),     offsetof(everything, at),
                         offsetof(everything, price),   offsetof(everything, day),
                         offsetof(everything, exactly), offsetof(everything, maybe),
                         offsetof(everything, comment), offsetof(everything, labels),
                         offsetof(everything, numbers), offsetof(everything, costs),
                         offsetof(everything, last),    offsetof(everything, first),
                         offsetof(everything, all),     offsetof(everything, votes) };
    const beamc_type *type = BEAMC_TYPE(everything);
    ck_assert_uint_eq(type->field_count, sizeof(offsets) / sizeof(offsets[0]));
    for (size_t i = 0; i < type->field_count; i++)
        ck_assert_uint_eq(beamc__next_offset(type->fields[i].type, &at), offsets[i]);
    ck_assert_uint_eq(BEAMC_ALIGN_UP(at, type->align), type->size);
    ck_assert_uint_eq(beamc_kv_value_offset(BEAMC_TYPE(grouped)), offsetof(grouped, value));
    ck_assert_uint_eq(beamc__nullable_offset(BEAMC_TYPE(maybe_sale)), offsetof(maybe_sale, value));
    ck_assert_uint_eq(beamc__entry_size(BEAMC_TYPE(prices)), sizeof(prices_entry));
}
END_TEST

/* ---- iterables ------------------------------------------------------------------------------- */

START_TEST(iterable_of_an_array_can_be_walked_again)
{
    beamc_iterable iterable = beamc_iterable_of_array(BEAMC_TYPE(int64), sample_votes, 3);
    beamc_iterator outer;
    beamc_iterator inner;
    int64_t x;
    int64_t y;
    size_t steps = 0;
    beamc_iterate(&outer, &iterable);
    while (beamc_next(&outer, &x)) {
        beamc_iterate(&inner, &iterable);
        while (beamc_next(&inner, &y))
            ck_assert_int_eq(y, sample_votes[steps++ % 3]);
        ck_assert_ptr_null(beamc_iterator_finish(&inner));
    }
    ck_assert_ptr_null(beamc_iterator_finish(&outer));
    ck_assert_uint_eq(steps, 9);
}
END_TEST

START_TEST(iterable_count_does_without_ops)
{
    beamc_iterable empty = { NULL, BEAMC_TYPE(int64), NULL, 0 };
    int64_t count = 7;
    ck_assert_ptr_null(beamc_iterable_count(&count, &empty));
    ck_assert_int_eq(count, 0);
    beamc_iterable iterable = beamc_iterable_of_array(BEAMC_TYPE(int64), sample_votes, 3);
    ck_assert_ptr_null(beamc_iterable_count(&count, &iterable));
    ck_assert_int_eq(count, 3);
}
END_TEST

/* ---- order ----------------------------------------------------------------------------------- */

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

#define ASSERT_ORDER(type, a, b, expected)                                                         \
    do {                                                                                           \
        ck_assert_int_eq(sign(beamc_compare(type, a, b)), expected);                               \
        ck_assert_int_eq(sign(beamc_compare(type, b, a)), -(expected));                            \
    } while (0)

START_TEST(compare_orders_numbers_by_value)
{
    static const double sorted[] = { -INFINITY, -1, 0, DBL_TRUE_MIN, 1, INFINITY, NAN };
    size_t count = sizeof(sorted) / sizeof(sorted[0]);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            ck_assert_int_eq(sign(beamc_compare(BEAMC_TYPE(float64), &sorted[i], &sorted[j])),
                             sign((int)i - (int)j));
    const double zeros[] = { 0.0, -0.0 };
    ASSERT_ORDER(BEAMC_TYPE(float64), &zeros[0], &zeros[1], 0);
    const int64_t numbers[] = { INT64_MIN, INT64_MAX };
    ASSERT_ORDER(BEAMC_TYPE(int64), &numbers[0], &numbers[1], -1);
}
END_TEST

START_TEST(compare_orders_text_by_bytes)
{
    const beamc_string sorted[] = { { NULL, 0 }, { "a", 1 },        { "a\0", 2 },
                                    { "ab", 2 }, { "b", 1 }, { "\xc3\xa9", 2 } };
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++)
            ck_assert_int_eq(sign(beamc_compare(BEAMC_TYPE(string), &sorted[i], &sorted[j])),
                             sign(i - j));
}
END_TEST

START_TEST(compare_puts_null_first_and_walks_parts_in_order)
{
    const maybe_int64 null = { false, 5 };
    const maybe_int64 lowest = { true, INT64_MIN };
    ASSERT_ORDER(BEAMC_TYPE(maybe_int64), &null, &lowest, -1);
    ASSERT_ORDER(BEAMC_TYPE(sale), &sample_sales[0], &sample_sales[1], -1);
    const word_count a = { { "a", 1 }, 2 };
    const word_count b = { { "a", 1 }, 3 };
    ASSERT_ORDER(BEAMC_TYPE(word_count), &a, &b, -1);
    const tags few = { sample_tags, 2 };
    const tags more = { sample_tags, 3 };
    ASSERT_ORDER(BEAMC_TYPE(tags), &few, &more, -1);
    const beamc_iterable short_one = beamc_iterable_of_array(BEAMC_TYPE(int64), sample_votes, 2);
    const beamc_iterable long_one = beamc_iterable_of_array(BEAMC_TYPE(int64), sample_votes, 3);
    ASSERT_ORDER(BEAMC_TYPE(counts), &short_one, &long_one, -1);
}
END_TEST

START_TEST(compare_of_maps_does_not_look_at_order)
{
    const prices_entry other[] = { { { "a", 1 }, 1 }, { { "b", 1 }, 2 } };
    const prices_entry bigger[] = { { { "a", 1 }, 1 }, { { "b", 1 }, 3 } };
    const prices a = { sample_prices, 2 };
    const prices b = { other, 2 };
    const prices c = { bigger, 2 };
    const prices d = { sample_prices, 1 };
    ASSERT_ORDER(BEAMC_TYPE(prices), &a, &b, 0);
    ASSERT_ORDER(BEAMC_TYPE(prices), &a, &c, -1);
    ASSERT_ORDER(BEAMC_TYPE(prices), &a, &d, -1);
}
END_TEST

START_TEST(compare_of_maps_counts_entries_that_are_there_twice)
{
    const prices_entry twice[] = { { { "a", 1 }, 1 }, { { "a", 1 }, 1 } };
    const prices a = { twice, 1 };
    const prices b = { twice, 2 };
    ASSERT_ORDER(BEAMC_TYPE(prices), &a, &b, -1);
    ASSERT_ORDER(BEAMC_TYPE(prices), &b, &b, 0);
}
END_TEST

static beamc_decimal decimal(int64_t scale, const char *bytes, size_t size)
{
    return (beamc_decimal){ scale, { (const uint8_t *)bytes, size } };
}

START_TEST(compare_orders_decimals_by_value)
{
    const beamc_decimal sorted[] = {
        decimal(-100, "\xff", 1),                 /* -1e100 */
        decimal(0, "\xff\x00", 2),                /* -256 */
        decimal(1, "\xff\x00", 2),                /* -25.6 */
        decimal(0, "\xff", 1),                    /* -1 */
        decimal(0, "", 0),                        /* 0 */
        decimal(INT64_MAX, "\x01", 1),            /* next to nothing */
        decimal(2, "\x7f", 1),                    /* 1.27 */
        decimal(1, "\x0d", 1),                    /* 1.3 */
        decimal(0, "\x02", 1),                    /* 2 */
        decimal(1, "\x14", 1),                    /* 2.0 */
        decimal(0, "\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10),
        decimal(INT64_MIN, "\x01", 1), /* far more */
    };
    int count = sizeof(sorted) / sizeof(sorted[0]);
    for (int i = 0; i < count; i++)
        for (int j = 0; j < count; j++)
            ck_assert_msg(sign(beamc_compare(BEAMC_TYPE(decimal), &sorted[i], &sorted[j])) ==
                              sign(i - j),
                          "%d and %d", i, j);
}
END_TEST

/* ---- print ----------------------------------------------------------------------------------- */

static const char *printed(const beamc_type *type, const void *value)
{
    beamc_buffer out;
    beamc_buffer_init(&out);
    beamc_print(type, value, &out);
    ck_assert(!beamc_buffer_failed(&out));
    const char *text = beamc_arena_strndup(arena, (const char *)out.data, out.size);
    beamc_buffer_dispose(&out);
    return text;
}

START_TEST(print_writes_rows_for_people)
{
    const everything row = sample_everything();
    ck_assert_str_eq(printed(BEAMC_TYPE(sale), &sample_sales[0]),
                     "{shop: north, cents: 250, at: 2020-08-13T14:14:14.123Z}");
    ck_assert_str_eq(
        printed(BEAMC_TYPE(everything), &row),
        "{flag: true, tiny: -8, small: -2, medium: -1, large: -9223372036854775808, single: 1.5, "
        "real: -2.5, text: caf\xc3\xa9, raw: \\x00\\xff, at: 1969-12-31T23:59:59.900Z, "
        "price: 3.1415, day: 18487, exactly: {seconds: 1597328054, micros: 123456}, maybe: 7, "
        "comment: null, labels: [new, , red], numbers: [1, null, -1], costs: {b: 2, a: 1}, "
        "last: {shop: north, cents: 250, at: 2020-08-13T14:14:14.123Z}, "
        "first: {shop: south, cents: -1, at: 1969-12-31T23:59:59.999Z}, "
        "all: [{shop: north, cents: 250, at: 2020-08-13T14:14:14.123Z}, "
        "{shop: south, cents: -1, at: 1969-12-31T23:59:59.999Z}], votes: [3, 1, 300]}");
}
END_TEST

START_TEST(print_gives_numbers_back_as_short_as_can_be)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = { { 0.1, "0.1" },        { -0.0, "-0" },  { 1e22, "1e+22" },
                  { 1.0 / 3, "0.333333333333333" },
                  { NAN, "NaN" },        { -NAN, "NaN" }, { -INFINITY, "-Infinity" } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *text = printed(BEAMC_TYPE(float64), &cases[i].value);
        if (!isnan(cases[i].value))
            ck_assert(strtod(text, NULL) == cases[i].value);
        ck_assert_int_eq(strncmp(text, cases[i].text, strlen(cases[i].text)), 0);
    }
    const float third = 0.1f;
    ck_assert_str_eq(printed(BEAMC_TYPE(float32), &third), "0.1");
}
END_TEST

START_TEST(print_writes_times_of_all_ages)
{
    static const struct {
        beamc_timestamp value;
        const char *text;
    } cases[] = { { 0, "1970-01-01T00:00:00.000Z" },
                  { -1, "1969-12-31T23:59:59.999Z" },
                  { 951782400000, "2000-02-29T00:00:00.000Z" },
                  { -2203891200000, "1900-03-01T00:00:00.000Z" },
                  { BEAMC_TIMESTAMP_MIN, "-290308-12-21T19:59:05.225Z" },
                  { BEAMC_TIMESTAMP_MAX, "294247-01-10T04:00:54.775Z" },
                  { INT64_MIN, "-292275055-05-16T16:47:04.192Z" },
                  { INT64_MAX, "292278994-08-17T07:12:55.807Z" } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        ck_assert_str_eq(printed(BEAMC_TYPE(timestamp), &cases[i].value), cases[i].text);
}
END_TEST

START_TEST(print_writes_decimals)
{
    static const struct {
        int64_t scale;
        const char *bytes;
        size_t size;
        const char *text;
    } cases[] = { { 0, "", 0, "0" },
                  { 1, "\x00", 1, "0.0" },
                  { 2, "\x05", 1, "0.05" },
                  { 3, "\xfe\x78\xe5", 3, "-100.123" },
                  { -2, "\x0c", 1, "12e2" },
                  { 40, "\x0c", 1, "12e-40" },
                  { INT64_MIN, "\x01", 1, "1e9223372036854775808" },
                  { 0, "\x80\x00\x00\x00\x00\x00\x00\x00\x00", 9, "-2361183241434822606848" },
                  { 9, "\x3b\x9a\xca\x00", 4, "1.000000000" } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const beamc_decimal value = decimal(cases[i].scale, cases[i].bytes, cases[i].size);
        ck_assert_str_eq(printed(BEAMC_TYPE(decimal), &value), cases[i].text);
    }
}
END_TEST

START_TEST(print_writes_pairs_groups_and_windows)
{
    const grouped group = { { "a", 1 },
                            beamc_iterable_of_array(BEAMC_TYPE(int64), sample_votes, 3) };
    ck_assert_str_eq(printed(BEAMC_TYPE(grouped), &group), "(a, [3, 1, 300])");
    const beamc_interval_window window = { 0, 60000 };
    ck_assert_str_eq(printed(BEAMC_TYPE(interval_window), &window),
                     "[1970-01-01T00:00:00.000Z, 1970-01-01T00:01:00.000Z)");
    ck_assert_str_eq(printed(BEAMC_TYPE(global_window), ""), "global");
    ck_assert_str_eq(printed(BEAMC_TYPE(nothing), ""), "");
}
END_TEST

/* ---- copy ------------------------------------------------------------------------------------ */

/* Overwrites what a copy must not point to. */
START_TEST(copy_is_deep)
{
    char text[] = "abc";
    uint8_t unscaled[] = { 0x7a, 0xb7 };
    int64_t votes[] = { 1, 2, 3 };
    everything row = sample_everything();
    everything copy;
    row.text = (beamc_string){ text, 3 };
    row.price.unscaled.data = unscaled;
    row.votes = beamc_iterable_of_array(BEAMC_TYPE(int64), votes, 3);
    ck_assert_int_eq(beamc_copy(BEAMC_TYPE(everything), &copy, &row, arena), BEAMC_OK);
    ck_assert_int_eq(beamc_compare(BEAMC_TYPE(everything), &copy, &row), 0);
    const char *before = printed(BEAMC_TYPE(everything), &row);
    memset(text, 'x', 3);
    memset(unscaled, 0, 2);
    memset(votes, 0, sizeof(votes));
    ck_assert_str_eq(printed(BEAMC_TYPE(everything), &copy), before);
    ck_assert_int_ne(beamc_compare(BEAMC_TYPE(everything), &copy, &row), 0);
}
END_TEST

static int copy_once(const everything *row)
{
    beamc_arena *own = beamc_arena_new();
    everything copy;
    int rc = own == NULL ? BEAMC_ENOMEM : beamc_copy(BEAMC_TYPE(everything), &copy, row, own);
    beamc_arena_free(own);
    return rc;
}

START_TEST(copy_says_when_there_is_no_memory)
{
    const everything row = sample_everything();
    for (long n = 0;; n++) {
        test_alloc_fail_at(n);
        int rc = copy_once(&row);
        bool failed = test_alloc_failed();
        test_alloc_fail_at(-1);
        ck_assert_int_eq(rc, failed ? BEAMC_ENOMEM : BEAMC_OK);
        if (!failed)
            break;
    }
}
END_TEST

Suite *suite_type(void);

Suite *suite_type(void)
{
    Suite *suite = suite_create("type");
    TCase *tc = tcase_create("type");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, type_equality_is_of_structure);
    tcase_add_test(tc, type_equality_looks_at_names_of_fields_and_at_logical_types);
    tcase_add_test(tc, type_equality_passes_length_prefixes_and_forms_of_iterables);
    tcase_add_test(tc, type_is_deterministic_if_equal_values_have_equal_bytes);
    tcase_add_test(tc, type_layout_is_that_of_c);
    tcase_add_test(tc, iterable_of_an_array_can_be_walked_again);
    tcase_add_test(tc, iterable_count_does_without_ops);
    tcase_add_test(tc, compare_orders_numbers_by_value);
    tcase_add_test(tc, compare_orders_text_by_bytes);
    tcase_add_test(tc, compare_puts_null_first_and_walks_parts_in_order);
    tcase_add_test(tc, compare_of_maps_does_not_look_at_order);
    tcase_add_test(tc, compare_of_maps_counts_entries_that_are_there_twice);
    tcase_add_test(tc, compare_orders_decimals_by_value);
    tcase_add_test(tc, print_writes_rows_for_people);
    tcase_add_test(tc, print_gives_numbers_back_as_short_as_can_be);
    tcase_add_test(tc, print_writes_times_of_all_ages);
    tcase_add_test(tc, print_writes_decimals);
    tcase_add_test(tc, print_writes_pairs_groups_and_windows);
    tcase_add_test(tc, copy_is_deep);
    tcase_add_test(tc, copy_says_when_there_is_no_memory);
    suite_add_tcase(suite, tc);
    return suite;
}
