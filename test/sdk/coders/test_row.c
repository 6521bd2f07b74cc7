/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/coders/logical.h"
#include "sdk/coders/type_proto.h"
#include "sdk/types/layout.h"
#include "test/fuzz/round_trip.h"
#include "test/sdk/types/samples.h"

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

#define ASSERT_ENCODED(type, value, bytes)                                                         \
    do {                                                                                           \
        beamc_buffer_clear(&out);                                                                  \
        ck_assert_int_eq(beamc_encode(type, value, true, &out), BEAMC_OK);                         \
        ck_assert_uint_eq(out.size, sizeof(bytes) - 1);                                            \
        ck_assert_mem_eq(out.data, bytes, sizeof(bytes) - 1);                                      \
        ck_assert(round_trip(type, true, out.data, out.size, &context));                           \
    } while (0)

static int decode_code(const beamc_type *type, const char *bytes, size_t size)
{
    beamc_reader in = beamc_reader_of(bytes, size);
    beamc_reader skipped = in;
    void *value = beamc_arena_calloc(arena, 1, type->size);
    int rc = beamc__decode(type, value, true, &in, &context);
    ck_assert_int_eq(beamc__skip(type, true, &skipped, &context), rc);
    return rc;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

#define TWO(F) F(int64, number) F(string, text)
BEAMC_ROW(two, TWO)
#define NULLS(F) F(maybe_int64, number) F(maybe_string, text) F(boolean, flag)
BEAMC_ROW(nulls, NULLS)
#define SMALL(F) F(int16, small) F(float32, single)
BEAMC_ROW(small_row, SMALL)
#define LISTS(F) F(maybe_numbers, numbers) F(prices, costs)
BEAMC_ROW(lists, LISTS)
BEAMC_NULLABLE(flag, boolean)
#define TEN(F)                                                                                     \
    F(flag, a) F(flag, b) F(flag, c) F(flag, d) F(flag, e) F(flag, f) F(flag, g) F(flag, h)        \
    F(flag, i) F(flag, j)
BEAMC_ROW(ten, TEN)
#define OUTER(F) F(nulls, inner)
BEAMC_ROW(outer, OUTER)

START_TEST(row_is_a_count_nulls_and_fields)
{
    const two a = { 300, { "ab", 2 } };
    ASSERT_ENCODED(BEAMC_TYPE(two), &a, "\x02\x00\xac\x02\x02" "ab");
    const nulls b = { { false, 0 }, { true, { "x", 1 } }, true };
    ASSERT_ENCODED(BEAMC_TYPE(nulls), &b, "\x03\x01\x01\x01x\x01");
    const small_row c = { -2, 1.5f };
    ASSERT_ENCODED(BEAMC_TYPE(small_row), &c, "\x02\x00\xff\xfe\x3f\xc0\x00\x00");
    const outer d = { b };
    ASSERT_ENCODED(BEAMC_TYPE(outer), &d, "\x01\x00\x03\x01\x01\x01x\x01");
}
END_TEST

START_TEST(row_holds_lists_and_maps)
{
    const maybe_int64 numbers[] = { { true, 1 }, { false, 0 } };
    const prices_entry costs[] = { { { "k", 1 }, 1 } };
    const lists a = { { numbers, 2 }, { costs, 1 } };
    ASSERT_ENCODED(BEAMC_TYPE(lists), &a,
                   "\x02\x00\x00\x00\x00\x02\x01\x01\x00\x00\x00\x00\x01\x01k\x01");
    const lists empty = { { NULL, 0 }, { NULL, 0 } };
    ASSERT_ENCODED(BEAMC_TYPE(lists), &empty, "\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00");
}
END_TEST

START_TEST(row_counts_nulls_from_the_lowest_bit)
{
    ten row;
    memset(&row, 1, sizeof(row));
    row.j.present = false;
    ASSERT_ENCODED(BEAMC_TYPE(ten), &row,
                   "\x0a\x02\x00\x02\x01\x01\x01\x01\x01\x01\x01\x01\x01");
}
END_TEST

START_TEST(row_of_every_kind_round_trips)
{
    const everything row = sample_everything();
    ck_assert_int_eq(beamc_encode(BEAMC_TYPE(everything), &row, true, &out), BEAMC_OK);
    ck_assert(round_trip(BEAMC_TYPE(everything), true, out.data, out.size, &context));
    for (size_t cut = 0; cut < out.size; cut++)
        ck_assert_int_eq(decode_code(BEAMC_TYPE(everything), (const char *)out.data, cut),
                         BEAMC_ESHORT);
    everything decoded;
    beamc_reader in = beamc_reader_of(out.data, out.size);
    ck_assert_int_eq(beamc_decode(BEAMC_TYPE(everything), &decoded, true, &in, arena), BEAMC_OK);
    ck_assert_int_eq(beamc_compare(BEAMC_TYPE(everything), &row, &decoded), 0);
}
END_TEST

START_TEST(row_of_an_older_schema_lacks_fields_that_may_be_null)
{
    nulls row;
    beamc_reader in = beamc_reader_of("\x00\x00", 2);
    const ten *all_null = round_trip_decode(BEAMC_TYPE(ten), true, &in, &context);
    ck_assert_ptr_nonnull(all_null);
    ck_assert(!all_null->a.present && !all_null->j.present);
    in = beamc_reader_of("\x01\x00\x01", 3);
    const ten *one = round_trip_decode(BEAMC_TYPE(ten), true, &in, &context);
    ck_assert_ptr_nonnull(one);
    ck_assert(one->a.present && !one->b.present);
    in = beamc_reader_of("\x01\x00\x01", 3);
    ck_assert_int_eq(beamc_decode(BEAMC_TYPE(nulls), &row, true, &in, arena), BEAMC_ECORRUPT);
}
END_TEST

START_TEST(row_takes_a_bitmap_that_is_cut_or_long)
{
    /* Some SDKs drop zero bytes at the end of the bitmap. */
    ck_assert_int_eq(decode_code(BEAMC_TYPE(ten), "\x0a\x01\x01\1\1\1\1\1\1\1\1\1", 12), BEAMC_OK);
    ck_assert_int_eq(decode_code(BEAMC_TYPE(two), "\x02\x02\x00\x00\x01\x00", 6), BEAMC_OK);
}
END_TEST

START_TEST(row_rejects_what_is_malformed)
{
    ck_assert_int_eq(decode_code(BEAMC_TYPE(two), "\x03\x00\x01\x00\x00", 5), BEAMC_ECORRUPT);
    ck_assert_int_eq(decode_code(BEAMC_TYPE(two), "\x02\x01\x01\x00", 4), BEAMC_ECORRUPT);
    ck_assert_int_eq(decode_code(BEAMC_TYPE(nulls), "\x03\x01\x08\x00\x00\x01", 6), BEAMC_ECORRUPT);
    ck_assert_int_eq(decode_code(BEAMC_TYPE(nulls), "\x03\x02\x00\x01\x00\x00\x01", 7),
                     BEAMC_ECORRUPT);
    ck_assert_int_eq(decode_code(BEAMC_TYPE(lists), "\x02\x00\x80\x00\x00\x00", 6), BEAMC_ECORRUPT);
    ck_assert_int_eq(decode_code(BEAMC_TYPE(lists), "\x02\x00\x7f\xff\xff\xff\x00", 7),
                     BEAMC_ESHORT);
}
END_TEST

START_TEST(row_of_huge_counts_takes_no_memory)
{
    /* A count of 200, of which two are there, each 40 bytes in memory. */
    char bytes[260] = "\x00\x00\x00\xc8\x03\x00";
    memset(bytes + 4, 0xff, sizeof(bytes) - 4);
    size_t before = beamc_arena_used(arena);
    beamc_array value;
    beamc_reader in = beamc_reader_of(bytes, sizeof(bytes));
    ck_assert_int_lt(beamc_decode(BEAMC_TYPE(sales), &value, true, &in, arena), BEAMC_OK);
    ck_assert_uint_eq(beamc_arena_used(arena), before);
}
END_TEST

/* ---- logical types --------------------------------------------------------------------------- */

static beamc_type limited(const beamc_type *type, beamc_logical_type *logical, const char *urn,
                          const int32_t *argument)
{
    beamc_type copy = *type;
    *logical = (beamc_logical_type){ urn, BEAMC_TYPE(int32), argument, NULL, 0 };
    copy.logical = logical;
    return copy;
}

START_TEST(logical_types_check_lengths)
{
    static const int32_t five = 5;
    static const struct {
        const char *urn;
        bool text;
        const char *value;
        const char *encoded; /* NULL: too long */
        size_t size;
    } cases[] = {
        { BEAMC__FIXED_CHAR_URN, true, "ABCDE", "\x05" "ABCDE", 6 },
        { BEAMC__FIXED_CHAR_URN, true, "AB", "\x05" "AB   ", 6 },
        { BEAMC__FIXED_CHAR_URN, true, "\xc3\xa9", "\x06\xc3\xa9    ", 7 },
        { BEAMC__FIXED_CHAR_URN, true, "ABCDEF", NULL, 0 },
        { BEAMC__VAR_CHAR_URN, true, "AB", "\x02" "AB", 3 },
        { BEAMC__VAR_CHAR_URN, true, "ABCDEF", NULL, 0 },
        { BEAMC__FIXED_BYTES_URN, false, "AB", "\x05" "AB\0\0\0", 6 },
        { BEAMC__FIXED_BYTES_URN, false, "ABCDEF", NULL, 0 },
        { BEAMC__VAR_BYTES_URN, false, "AB", "\x02" "AB", 3 },
        { BEAMC__VAR_BYTES_URN, false, "ABCDEF", NULL, 0 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        beamc_logical_type logical;
        const beamc_type *plain = cases[i].text ? BEAMC_TYPE(string) : BEAMC_TYPE(bytes);
        const beamc_type type = limited(plain, &logical, cases[i].urn, &five);
        const beamc_string value = beamc_string_of(cases[i].value);
        beamc_buffer_clear(&out);
        int rc = beamc_encode(&type, &value, true, &out);
        if (cases[i].encoded == NULL) {
            ck_assert_int_eq(rc, BEAMC_EINVAL);
            ck_assert_int_eq(beamc_encode(plain, &value, true, &out), BEAMC_OK);
            ck_assert_int_eq(decode_code(&type, (const char *)out.data, out.size), BEAMC_ECORRUPT);
        } else {
            ck_assert_int_eq(rc, BEAMC_OK);
            ck_assert_uint_eq(out.size, cases[i].size);
            ck_assert_mem_eq(out.data, cases[i].encoded, out.size);
            ck_assert(round_trip(&type, true, out.data, out.size, &context));
        }
    }
}
END_TEST

START_TEST(logical_types_pad_what_comes_in_too_short)
{
    static const int32_t four = 4;
    beamc_logical_type logical;
    const beamc_type type = limited(BEAMC_TYPE(string), &logical, BEAMC__FIXED_CHAR_URN, &four);
    beamc_string value;
    beamc_reader in = beamc_reader_of("\x02" "AB", 3);
    ck_assert_int_eq(beamc_decode(&type, &value, true, &in, arena), BEAMC_OK);
    ck_assert(beamc_string_equal(value, beamc_string_of("AB  ")));
}
END_TEST

START_TEST(micros_instant_has_less_than_a_million_micros)
{
    beamc_micros_instant value = { 1, 999999 };
    ASSERT_ENCODED(BEAMC_TYPE(micros_instant), &value, "\x02\x00\x01\xbf\x84\x3d");
    value.micros++;
    ck_assert_int_eq(beamc_encode(BEAMC_TYPE(micros_instant), &value, true, &out), BEAMC_EINVAL);
    ck_assert_int_eq(decode_code(BEAMC_TYPE(micros_instant), "\x02\x00\x01\xc0\x84\x3d", 6),
                     BEAMC_ECORRUPT);
    value.micros = -1;
    ck_assert_int_eq(beamc_encode(BEAMC_TYPE(micros_instant), &value, true, &out), BEAMC_EINVAL);
}
END_TEST

#define SECONDS(F) F(int64, seconds) F(int16, subseconds)
BEAMC_ROW(seconds, SECONDS)

START_TEST(timestamp_has_as_many_subseconds_as_its_precision)
{
    for (int32_t precision = 0, limit = 1; precision <= 4; precision++, limit *= 10) {
        beamc_logical_type logical;
        const beamc_type type =
            limited(BEAMC_TYPE(seconds), &logical, BEAMC__TIMESTAMP_URN, &precision);
        seconds value = { -2, (int16_t)(limit - 1) };
        ck_assert_int_eq(beamc_encode(&type, &value, true, &out), BEAMC_OK);
        value.subseconds++;
        ck_assert_int_eq(beamc_encode(&type, &value, true, &out), BEAMC_EINVAL);
    }
}
END_TEST

START_TEST(logical_types_that_are_not_known_are_their_representation)
{
    beamc_type type = beamc_type_int64;
    const beamc_logical_type logical = { "beam:logical_type:of_someone:v1", NULL, NULL, NULL, 0 };
    const int64_t value = 300;
    type.logical = &logical;
    ASSERT_ENCODED(&type, &value, "\xac\x02");
}
END_TEST

START_TEST(decimal_is_written_as_short_as_can_be)
{
    static const uint8_t zeros[] = { 0, 0, 0x80 };
    static const uint8_t ones[] = { 0xff, 0xff, 0x7f };
    const beamc_decimal a = { 1, { zeros, 3 } };
    ASSERT_ENCODED(BEAMC_TYPE(decimal), &a, "\x01\x02\x00\x80");
    const beamc_decimal b = { 1, { ones, 3 } };
    ASSERT_ENCODED(BEAMC_TYPE(decimal), &b, "\x01\x02\xff\x7f");
    const beamc_decimal c = { 0, { NULL, 0 } };
    ASSERT_ENCODED(BEAMC_TYPE(decimal), &c, "\x00\x01\x00");
}
END_TEST

Suite *suite_row(void);

Suite *suite_row(void)
{
    Suite *suite = suite_create("row");
    TCase *tc = tcase_create("row");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, row_is_a_count_nulls_and_fields);
    tcase_add_test(tc, row_holds_lists_and_maps);
    tcase_add_test(tc, row_counts_nulls_from_the_lowest_bit);
    tcase_add_test(tc, row_of_every_kind_round_trips);
    tcase_add_test(tc, row_of_an_older_schema_lacks_fields_that_may_be_null);
    tcase_add_test(tc, row_takes_a_bitmap_that_is_cut_or_long);
    tcase_add_test(tc, row_rejects_what_is_malformed);
    tcase_add_test(tc, row_of_huge_counts_takes_no_memory);
    tcase_add_test(tc, logical_types_check_lengths);
    tcase_add_test(tc, logical_types_pad_what_comes_in_too_short);
    tcase_add_test(tc, micros_instant_has_less_than_a_million_micros);
    tcase_add_test(tc, timestamp_has_as_many_subseconds_as_its_precision);
    tcase_add_test(tc, logical_types_that_are_not_known_are_their_representation);
    tcase_add_test(tc, decimal_is_written_as_short_as_can_be);
    suite_add_tcase(suite, tc);
    return suite;
}
