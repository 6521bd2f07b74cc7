/* SPDX-License-Identifier: Apache-2.0 */
#include "test/fuzz/round_trip.h"
#include "test/sdk/types/samples.h"

#include <check.h>
#include <math.h>

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

static void expect_bytes(const void *bytes, size_t size)
{
    ck_assert_uint_eq(out.size, size);
    if (size > 0)
        ck_assert_mem_eq(out.data, bytes, size);
}

/* ---- varints --------------------------------------------------------------------------------- */

START_TEST(varint_round_trips_at_every_length)
{
    for (int bits = 0; bits <= 64; bits++) {
        for (int step = -1; step <= 1; step++) {
            uint64_t value = (bits == 64 ? 0 : UINT64_C(1) << bits) + (uint64_t)step;
            uint64_t decoded = 42;
            beamc_buffer_clear(&out);
            ck_assert_int_eq(beamc__varint_encode(value, &out), BEAMC_OK);
            ck_assert_uint_eq(out.size, beamc__varint_size(value));
            beamc_reader in = beamc_reader_of(out.data, out.size);
            ck_assert_int_eq(beamc__varint_decode(&in, &decoded), BEAMC_OK);
            ck_assert_uint_eq(decoded, value);
            ck_assert_ptr_eq(in.at, in.end);
            for (size_t cut = 0; cut < out.size; cut++) {
                decoded = 42;
                in = beamc_reader_of(out.data, cut);
                ck_assert_int_eq(beamc__varint_decode(&in, &decoded), BEAMC_ESHORT);
                ck_assert_uint_eq(decoded, 42);
            }
        }
    }
}
END_TEST

START_TEST(varint_rejects_more_than_64_bits)
{
    uint8_t bytes[11];
    uint64_t value;
    memset(bytes, 0xff, sizeof(bytes));
    beamc_reader in = beamc_reader_of(bytes, sizeof(bytes));
    ck_assert_int_eq(beamc__varint_decode(&in, &value), BEAMC_ECORRUPT);
    bytes[9] = 0x02;
    in = beamc_reader_of(bytes, sizeof(bytes));
    ck_assert_int_eq(beamc__varint_decode(&in, &value), BEAMC_ECORRUPT);
    bytes[9] = 0x80;
    bytes[10] = 0x00;
    in = beamc_reader_of(bytes, sizeof(bytes));
    ck_assert_int_eq(beamc__varint_decode(&in, &value), BEAMC_ECORRUPT);
}
END_TEST

/* ---- what is malformed ----------------------------------------------------------------------- */

static const beamc_field prefixed_fields[1] = { { "value", BEAMC_TYPE(int64) } };
static const beamc_type prefixed = { "int64", BEAMC_KIND_LENGTH_PREFIX, 8, 8, prefixed_fields, 1,
                                     NULL,    NULL,                     NULL };

START_TEST(decode_rejects_what_is_malformed)
{
    static const struct {
        const beamc_type *type;
        const char *bytes;
        size_t size;
        int code;
    } cases[] = {
        { BEAMC_TYPE(boolean), "\x02", 1, BEAMC_ECORRUPT },
        { BEAMC_TYPE(nothing), "\x01x", 2, BEAMC_ECORRUPT },
        { BEAMC_TYPE(string), "\x03no", 3, BEAMC_ESHORT },
        { BEAMC_TYPE(bytes), "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, BEAMC_ESHORT },
        { BEAMC_TYPE(maybe_int64), "\x02\x00", 2, BEAMC_ECORRUPT },
        { &prefixed, "\x02\x00\x00", 3, BEAMC_ECORRUPT },     /* a byte too many inside */
        { &prefixed, "\x01\x80", 2, BEAMC_ECORRUPT },         /* ends inside */
        { BEAMC_TYPE(counts), "\xff\xff\xff\xfe", 4, BEAMC_ECORRUPT },
        { BEAMC_TYPE(counts), "\x7f\xff\xff\xff\x00", 5, BEAMC_ESHORT },
        { BEAMC_TYPE(counts), "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 14,
          BEAMC_ECORRUPT }, /* a token where none may be */
        { BEAMC_TYPE(int32), "\xff\xff\xff\xff\x1f", 5, BEAMC_ECORRUPT },
        { BEAMC_TYPE(interval_window), "\x00\x00\x00\x00\x00\x00\x00\x01\x02", 9, BEAMC_ECORRUPT },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        max_align_t value[8];
        beamc_reader in = beamc_reader_of(cases[i].bytes, cases[i].size);
        ck_assert_msg(beamc_decode(cases[i].type, value, true, &in, arena) == cases[i].code,
                      "case %zu", i);
        in = beamc_reader_of(cases[i].bytes, cases[i].size);
        ck_assert_msg(beamc__skip(cases[i].type, true, &in, &context) == cases[i].code, "case %zu",
                      i);
    }
}
END_TEST

START_TEST(int32_takes_five_or_ten_bytes)
{
    static const char *const bytes[] = { "\xff\xff\xff\xff\x0f",
                                         "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" };
    for (int i = 0; i < 2; i++) {
        int32_t value = 0;
        beamc_reader in = beamc_reader_of(bytes[i], strlen(bytes[i]));
        ck_assert_int_eq(beamc_decode(BEAMC_TYPE(int32), &value, true, &in, arena), BEAMC_OK);
        ck_assert_int_eq(value, -1);
    }
    const int32_t value = -1;
    ck_assert_int_eq(beamc_encode(BEAMC_TYPE(int32), &value, true, &out), BEAMC_OK);
    expect_bytes(bytes[0], 5);
}
END_TEST

START_TEST(nothing_is_empty_bytes)
{
    ck_assert_int_eq(beamc_encode(BEAMC_TYPE(nothing), "", true, &out), BEAMC_OK);
    expect_bytes("\0", 1);
    beamc_buffer_clear(&out);
    ck_assert_int_eq(beamc_encode(BEAMC_TYPE(nothing), "", false, &out), BEAMC_OK);
    expect_bytes("", 0);
}
END_TEST

START_TEST(nans_are_all_encoded_as_one)
{
    const uint64_t odd = UINT64_C(0xfff8000000000001);
    double value;
    memcpy(&value, &odd, sizeof(value));
    ck_assert_int_eq(beamc_encode(BEAMC_TYPE(float64), &value, true, &out), BEAMC_OK);
    expect_bytes("\x7f\xf8\0\0\0\0\0\0", 8);
    beamc_buffer_clear(&out);
    const float single = -NAN;
    ck_assert_int_eq(beamc_encode(BEAMC_TYPE(float32), &single, true, &out), BEAMC_OK);
    expect_bytes("\x7f\xc0\0\0", 4);
}
END_TEST

START_TEST(kv_gives_its_context_to_the_value)
{
    const beamc_field fields[2] = { { "key", BEAMC_TYPE(string) }, { "value", BEAMC_TYPE(bytes) } };
    const beamc_type type = { "KV", BEAMC_KIND_KV, 32, 8, fields, 2, NULL, NULL, NULL };
    const struct {
        beamc_string key;
        beamc_bytes value;
    } kv = { { "k", 1 }, { (const uint8_t *)"vv", 2 } };
    ck_assert_int_eq(beamc_encode(&type, &kv, false, &out), BEAMC_OK);
    expect_bytes("\x01kvv", 4);
    ck_assert(round_trip(&type, false, out.data, out.size, &context));
    beamc_buffer_clear(&out);
    ck_assert_int_eq(beamc_encode(&type, &kv, true, &out), BEAMC_OK);
    expect_bytes("\x01k\x02vv", 5);
    ck_assert(round_trip(&type, true, out.data, out.size, &context));
}
END_TEST

START_TEST(length_prefix_grows_with_what_it_holds)
{
    static const char text[20000] = "";
    const beamc_field fields[1] = { { "value", BEAMC_TYPE(string) } };
    const beamc_type type = { "string", BEAMC_KIND_LENGTH_PREFIX, sizeof(beamc_string), 8, fields,
                              1,        NULL,                     NULL,                 NULL };
    static const size_t sizes[] = { 0, 1, 127, 128, 129, 16383, 16384, 20000 };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const beamc_string value = { text, sizes[i] };
        beamc_buffer_clear(&out);
        ck_assert_int_eq(beamc_encode(&type, &value, true, &out), BEAMC_OK);
        ck_assert_uint_eq(out.size, sizes[i] + beamc__varint_size(sizes[i]));
        ck_assert(round_trip(&type, true, out.data, out.size, &context));
        ck_assert(round_trip(BEAMC_TYPE(string), true, out.data, out.size, &context));
    }
}
END_TEST

START_TEST(encode_leaves_nothing_of_what_fails)
{
    const beamc_interval_window window = { 2, 1 };
    const beamc_field fields[2] = { { "key", BEAMC_TYPE(int64) },
                                    { "value", BEAMC_TYPE(interval_window) } };
    const beamc_type type = { "KV", BEAMC_KIND_KV, 24, 8, fields, 2, NULL, NULL, NULL };
    const struct {
        int64_t key;
        beamc_interval_window value;
    } kv = { 1, window };
    beamc_buffer_append_string(&out, "before");
    ck_assert_int_eq(beamc_encode(&type, &kv, true, &out), BEAMC_EINVAL);
    expect_bytes("before", 6);
}
END_TEST

/* ---- a coder of one's own -------------------------------------------------------------------- */

/* Two numbers in one byte each. */
typedef struct {
    uint8_t x;
    uint8_t y;
} point;

static int encode_point(const beamc_type *type BEAMC_UNUSED, const void *value,
                        bool nested BEAMC_UNUSED, beamc_buffer *to)
{
    beamc_buffer_append(to, value, sizeof(point));
    return beamc_buffer_failed(to) ? BEAMC_ENOMEM : BEAMC_OK;
}

static int decode_point(const beamc_type *type BEAMC_UNUSED, void *value, bool nested BEAMC_UNUSED,
                        beamc_reader *in, beamc_arena *memory BEAMC_UNUSED)
{
    if (beamc_reader_left(in) < sizeof(point))
        return BEAMC_ESHORT;
    memcpy(value, in->at, sizeof(point));
    in->at += sizeof(point);
    return BEAMC_OK;
}

static int copy_point(const beamc_type *type BEAMC_UNUSED, void *to, const void *from,
                      beamc_arena *memory BEAMC_UNUSED)
{
    memcpy(to, from, sizeof(point));
    return BEAMC_OK;
}

static const beamc_coder_ops point_ops = { "beam:coder:point:v1", encode_point, decode_point,
                                           copy_point,            NULL,         NULL,
                                           true };
static const beamc_type point_type = { "point", BEAMC_KIND_CUSTOM, sizeof(point), 1, NULL, 0,
                                       NULL,    &point_ops,        NULL };

START_TEST(custom_coders_work_within_others)
{
    const beamc_field fields[1] = { { "element", &point_type } };
    const beamc_type points = { "points", BEAMC_KIND_ITERABLE, sizeof(beamc_iterable), 8, fields,
                                1,        NULL,                NULL,                   NULL };
    const point values[] = { { 1, 2 }, { 3, 4 } };
    const beamc_iterable iterable = beamc_iterable_of_array(&point_type, values, 2);
    ck_assert_int_eq(beamc_encode(&points, &iterable, true, &out), BEAMC_OK);
    expect_bytes("\0\0\0\x02\x01\x02\x03\x04", 8);
    ck_assert(round_trip(&points, true, out.data, out.size, &context));
    ck_assert(!round_trip(&points, true, out.data, out.size - 1, &context));
    ck_assert_int_lt(beamc_compare(&point_type, &values[0], &values[1]), 0);
    beamc_buffer_clear(&out);
    beamc_print(&points, &iterable, &out);
    expect_bytes("[0102, 0304]", 12);
}
END_TEST

Suite *suite_coder(void);

Suite *suite_coder(void)
{
    Suite *suite = suite_create("coder");
    TCase *tc = tcase_create("coder");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, varint_round_trips_at_every_length);
    tcase_add_test(tc, varint_rejects_more_than_64_bits);
    tcase_add_test(tc, decode_rejects_what_is_malformed);
    tcase_add_test(tc, int32_takes_five_or_ten_bytes);
    tcase_add_test(tc, nothing_is_empty_bytes);
    tcase_add_test(tc, nans_are_all_encoded_as_one);
    tcase_add_test(tc, kv_gives_its_context_to_the_value);
    tcase_add_test(tc, length_prefix_grows_with_what_it_holds);
    tcase_add_test(tc, encode_leaves_nothing_of_what_fails);
    tcase_add_test(tc, custom_coders_work_within_others);
    suite_add_tcase(suite, tc);
    return suite;
}
