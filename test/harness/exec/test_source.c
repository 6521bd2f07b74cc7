/* SPDX-License-Identifier: Apache-2.0 */
/* Ports: elements as bytes and as groups, in the coders that runners make of ours, cut anywhere. */
#include "test/harness/exec/kit.h"

#include "proto/urns.h"
#include "sdk/coders/windowed.h"
#include <check.h>
#include <inttypes.h>
#include <stdio.h>

BEAMC_KV(port_pair, string, bytes)
BEAMC_KV(port_number, string, int64)
BEAMC_ITERABLE(port_numbers, int64)
BEAMC_ITERABLE(port_pairs, port_number)
BEAMC_KV(port_group, string, port_numbers)
BEAMC_KV(port_nested_group, string, port_pairs)

static const char *global_window(exec_kit *kit)
{
    return exec_coder_of(kit, BEAMC_URN_CODER_GLOBAL_WINDOW, NULL, NULL);
}

static const char *windowed(exec_kit *kit, const char *value)
{
    return exec_coder_of(kit, BEAMC_URN_CODER_WINDOWED_VALUE, value, global_window(kit));
}

static const char *prefixed(exec_kit *kit, const char *inner)
{
    return exec_coder_of(kit, BEAMC_URN_CODER_LENGTH_PREFIX, inner, NULL);
}

/* in -> out, of pairs. */
static exec_kit *pairs_kit(void)
{
    exec_kit *kit = exec_kit_new();

    exec_collection(kit, "p0", &beamc_type_port_pair, beamc_global_windows());
    return kit;
}

/* timestamp 0, one global window, no firing */
#define HEAD "\x80\0\0\0\0\0\0\0" "\0\0\0\x01" "\x0f"

START_TEST(elements_come_in_chunks_of_any_size)
{
    exec_kit *kit = pairs_kit();
    const size_t chunks[] = { 0, 1, 40, 1000 };

    exec_source(kit, "in", "p0");
    exec_sink(kit, "out", "p0");
    for (int i = 0; i < 4; i++) {
        port_pair pair = { { "key", (size_t)i }, { (const uint8_t *)"value", 5 } };
        exec_put(kit, "in", &beamc_type_port_pair, &pair, i);
    }
    for (size_t i = 0; i < 4; i++) {
        exec_set_chunk(kit, chunks[i]);
        exec_check(kit, "out",
                   "(, value) @0\n(k, value) @1\n(ke, value) @2\n(key, value) @3\n");
    }
    exec_kit_free(kit);
}
END_TEST

/* Short text and numbers have ways of their own. */
START_TEST(text_and_numbers_of_any_length_come_out_as_they_went_in)
{
    static const int64_t numbers[] = { 0, 1, 127, 128, 255, 256, 16383, 16384, INT64_MAX, -1 };
    char text[] = "the quick brown fox jumps over the lazy dog", expected[100];
    exec_kit *kit = exec_kit_new();

    exec_collection(kit, "p0", &beamc_type_port_number, beamc_global_windows());
    exec_source(kit, "in", "p0");
    exec_sink(kit, "out", "p0");
    for (size_t length = 0; length < sizeof(text); length++) {
        int64_t number = numbers[length % (sizeof(numbers) / sizeof(*numbers))];
        port_number pair = { { text, length }, number };
        exec_clear(kit);
        exec_put(kit, "in", &beamc_type_port_number, &pair, 7);
        snprintf(expected, sizeof(expected), "(%.*s, %" PRId64 ") @7\n", (int)length, text, number);
        exec_check(kit, "out", expected);
    }
    exec_kit_free(kit);
}
END_TEST

/* What a runner makes of KV<string, bytes> if it knows neither: the key and the value in prefixes,
 * around the coders themselves. */
START_TEST(a_runner_may_put_length_prefixes_around_parts)
{
    const bool around_key[] = { true, false, true, true };
    const bool around_value[] = { false, true, true, true };
    const bool around_all[] = { false, false, false, true };
    exec_kit *kit = pairs_kit();
    const char *key = exec_coder(kit, BEAMC_TYPE(string));
    const char *value = exec_coder(kit, BEAMC_TYPE(bytes));
    uint8_t bytes[64];
    size_t size = 0;

    if (around_key[_i])
        key = prefixed(kit, key);
    if (around_value[_i])
        value = prefixed(kit, value);
    const char *pair = exec_coder_of(kit, BEAMC_URN_CODER_KV, key, value);
    if (around_all[_i])
        pair = prefixed(kit, pair);
    exec_port(kit, "in", "p0", windowed(kit, pair), true);
    exec_port(kit, "out", "p0", windowed(kit, pair), false);
    exec_sink(kit, "plain", "p0");
    memcpy(bytes, HEAD, 13);
    size = 13;
    /* Inside a prefix the last part is not nested: "k" = 01 6b either way, since string alone in a
     * prefix is its text. */
    if (around_all[_i])
        bytes[size++] = 5;
    memcpy(bytes + size, "\x01k\x02vv", 5);
    size += 5;
    exec_put_bytes(kit, "in", bytes, size);
    exec_check(kit, "out", "(k, vv) @0\n");
    ck_assert_str_eq(exec_lines(kit, "plain"), "(k, vv) @0\n");
    exec_kit_free(kit);
}
END_TEST

/* The PCollection with prefixes, the port without, and the other way round. */
START_TEST(the_port_says_how_bytes_are_read)
{
    exec_kit *kit = exec_kit_new();
    const char *number = exec_coder(kit, BEAMC_TYPE(int64));
    const char *long_number = prefixed(kit, number);

    exec_collection_of(kit, "p0", _i == 0 ? number : long_number, beamc_global_windows());
    exec_port(kit, "in", "p0", windowed(kit, _i == 0 ? long_number : number), true);
    exec_port(kit, "out", "p0", windowed(kit, _i == 0 ? number : long_number), false);
    exec_put_bytes(kit, "in", _i == 0 ? HEAD "\x02\xac\x02" : HEAD "\xac\x02", _i == 0 ? 16 : 15);
    exec_check(kit, "out", "300 @0\n");
    exec_kit_free(kit);
}
END_TEST

static exec_kit *numbers_kit(const char **port)
{
    exec_kit *kit = exec_kit_new();
    PB(Coder) *coder;

    exec_collection(kit, "p0", BEAMC_TYPE(int64), beamc_fixed_windows(10));
    *port = exec_coder_of(kit, BEAMC_URN_CODER_PARAM_WINDOWED_VALUE,
                          exec_coder(kit, BEAMC_TYPE(int64)),
                          exec_coder_of(kit, BEAMC_URN_CODER_INTERVAL_WINDOW, NULL, NULL));
    coder = exec_descriptor(kit)->coders[exec_descriptor(kit)->n_coders - 1]->value;
    /* at 5, in [0,10), no firing, and the empty value */
    static uint8_t payload[] = { 0x80, 0, 0, 0, 0, 0, 0, 5,  0, 0,    0, 1,
                                 0x80, 0, 0, 0, 0, 0, 0, 10, 10, 0x0f, 0 };
    coder->spec->payload = (ProtobufCBinaryData){ sizeof(payload), payload };
    return kit;
}

START_TEST(one_head_may_be_for_all)
{
    const char *port;
    exec_kit *kit = numbers_kit(&port);

    exec_port(kit, "in", "p0", port, true);
    exec_port(kit, "bare", "p0", port, false);
    exec_sink(kit, "out", "p0");
    exec_put_bytes(kit, "in", "\x01\x02\xac\x02", 4);
    exec_check(kit, "out", "1 @5 [0,10)\n2 @5 [0,10)\n300 @5 [0,10)\n");
    ck_assert_str_eq(exec_lines(kit, "bare"), "1\n2\n300\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(elements_of_no_bytes_are_not_lost)
{
    exec_kit *kit = exec_kit_new();
    const char *nothing = exec_coder_of(kit, BEAMC_URN_CODER_GLOBAL_WINDOW, NULL, NULL);
    const char *port =
        exec_coder_of(kit, BEAMC_URN_CODER_PARAM_WINDOWED_VALUE, nothing, global_window(kit));

    exec_collection_of(kit, "p0", nothing, beamc_global_windows());
    exec_port(kit, "in", "p0", port, true);
    exec_port(kit, "out", "p0", port, false);
    exec_put_bytes(kit, "in", "\0\0\0", 3);
    exec_ok(exec_run(kit));
    size_t lines = 0;
    for (const char *at = exec_lines(kit, "out"); *at != '\0'; at++)
        lines += *at == '\n';
    ck_assert_uint_eq(lines, 3);
    exec_kit_free(kit);
}
END_TEST

/* ---- cut bytes ----------------------------------------------------------------------------------- */

START_TEST(bytes_cut_anywhere_are_an_error_with_the_element_and_its_place)
{
    uint8_t bytes[64];
    exec_kit *kit = exec_kit_new();
    const size_t one = 13 + 2 + 4 + 4;

    memcpy(bytes, HEAD "\x01k\0\0\0\x04\x01\x02\x03\x04", 13 + 10);
    memcpy(bytes + one, bytes, one);
    exec_collection(kit, "p0", &beamc_type_port_group, beamc_global_windows());
    exec_source(kit, "in", "p0");
    exec_sink(kit, "out", "p0");
    for (size_t cut = 1; cut < 2 * one; cut++) {
        exec_clear(kit);
        exec_put_bytes(kit, "in", bytes, cut);
        if (cut == one) {
            exec_check(kit, "out", "(k, [1, 2, 3, 4]) @0\n");
            continue;
        }
        exec_check_error(kit, BEAMC_ESHORT,
                         cut < one ? "transform in: element 1: " : "transform in: element 2: ");
        ck_assert_str_eq(exec_lines(kit, "out"), cut < one ? "" : "(k, [1, 2, 3, 4]) @0\n");
        exec_drop_plan(kit);
    }
    exec_kit_free(kit);
}
END_TEST

static const struct {
    const char *bytes;
    size_t size;
    const char *error;
} spoiled[] = {
    /* a window count of -2, a pane of form 7, an iterable's count of -2, a varint of 11 bytes */
    { "\x80\0\0\0\0\0\0\0\xff\xff\xff\xfe\x0f\0\0\0\0\0", 18, "timestamp and windows of" },
    { "\x80\0\0\0\0\0\0\0\0\0\0\x01\x7f\0\0\0\0\0", 18, "timestamp and windows of" },
    { HEAD "\x01k\xff\xff\xff\xfe", 19, "a value of" },
    { HEAD "\x01k\0\0\0\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 30, "a value of" },
};

START_TEST(bytes_that_are_wrong_are_an_error)
{
    exec_kit *kit = exec_kit_new();

    exec_collection(kit, "p0", &beamc_type_port_group, beamc_global_windows());
    exec_source(kit, "in", "p0");
    exec_put_bytes(kit, "in", spoiled[_i].bytes, spoiled[_i].size);
    exec_check_error(kit, BEAMC_ECORRUPT, spoiled[_i].error);
    exec_kit_free(kit);
}
END_TEST

/* ---- groups ------------------------------------------------------------------------------------- */

BEAMC_DOFN(port_walk_twice, port_group, string)
{
    beamc_iterator outer, inner;
    int64_t a, b;
    int64_t sum = 0;
    int64_t count = 0;

    /* A walk within a walk, then one that ends early. */
    beamc_iterate(&outer, &element->value);
    while (beamc_next(&outer, &a)) {
        beamc_iterate(&inner, &element->value);
        while (beamc_next(&inner, &b))
            sum += a * b;
        BEAMC_TRY(beamc_iterator_finish(&inner));
    }
    BEAMC_TRY(beamc_iterator_finish(&outer));
    beamc_iterate(&outer, &element->value);
    (void)beamc_next(&outer, &a);
    BEAMC_TRY(beamc_iterator_finish(&outer));
    BEAMC_TRY(beamc_iterable_count(&count, &element->value));
    return beamc_emitf(ctx, "%.*s: %d of %d", BEAMC_STR(element->key), (int)sum, (int)count);
}

static const int64_t some_numbers[] = { 1, 2, 3 };
static const beamc_string keys[] = { { "k", 1 }, { "empty", 5 } };

START_TEST(groups_can_be_walked_any_number_of_times)
{
    exec_kit *kit = exec_kit_new();
    const beamc_interval_window window = { 0, 10 };

    exec_collection(kit, "p0", &beamc_type_port_group, beamc_fixed_windows(10));
    exec_collection(kit, "p1", BEAMC_TYPE(string), beamc_fixed_windows(10));
    exec_source(kit, "in", "p0");
    exec_par_do(kit, "walk", "p0", &port_walk_twice, "p1");
    exec_sink(kit, "out", "p1");
    exec_sink(kit, "groups", "p0");
    exec_put_group(kit, "in", BEAMC_TYPE(string), &keys[0], BEAMC_TYPE(int64), some_numbers, 3,
                   &window);
    exec_put_group(kit, "in", BEAMC_TYPE(string), &keys[1], BEAMC_TYPE(int64), NULL, 0, &window);
    exec_check(kit, "out", "k: 36 of 3 @9 [0,10)\nempty: 0 of 0 @9 [0,10)\n");
    ck_assert_str_eq(exec_lines(kit, "groups"), "(k, [1, 2, 3]) @9 [0,10)\n(empty, []) @9 [0,10)\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(grouped_values_may_hold_pointers)
{
    exec_kit *kit = exec_kit_new();
    const port_number pairs[] = { { { "a", 1 }, 1 }, { { "b", 1 }, 2 } };

    exec_collection(kit, "p0", &beamc_type_port_nested_group, beamc_global_windows());
    exec_source(kit, "in", "p0");
    exec_sink(kit, "out", "p0");
    exec_put_group(kit, "in", BEAMC_TYPE(string), &keys[0], &beamc_type_port_number, pairs, 2, NULL);
    exec_check(kit, "out", "(k, [(a, 1), (b, 2)]) @9223371950454775\n");
    exec_kit_free(kit);
}
END_TEST

START_TEST(groups_need_a_source_of_groups)
{
    exec_kit *kit = pairs_kit();

    exec_source(kit, "in", "p0");
    exec_put_group(kit, "in", BEAMC_TYPE(string), &keys[0], BEAMC_TYPE(int64), some_numbers, 1, NULL);
    exec_check_error(kit, BEAMC_ETYPE,
                     "transform in: its elements are KV<string, bytes>, not groups");
    exec_kit_free(kit);
}
END_TEST

BEAMC_KV(port_text_group, int64, port_numbers)

/* A key and a value that have no end as varints. */
START_TEST(a_group_that_is_malformed_is_told)
{
    const uint64_t bits = UINT64_C(0xfefefefefefefefe);
    const int64_t zero = 0;
    double endless;
    exec_kit *kit = exec_kit_new();

    memcpy(&endless, &bits, sizeof(endless));
    exec_collection(kit, "p0", &beamc_type_port_text_group, beamc_global_windows());
    exec_source(kit, "in", "p0");
    exec_sink(kit, "out", "p0");
    if (_i == 0)
        exec_put_group(kit, "in", BEAMC_TYPE(float64), &endless, BEAMC_TYPE(int64), &zero, 1, NULL);
    else
        exec_put_group(kit, "in", BEAMC_TYPE(int64), &zero, BEAMC_TYPE(float64), &endless, 1, NULL);
    exec_check_error(kit, BEAMC_ESHORT,
                     _i == 0 ? "transform in: element 1: the key of" : "transform out: element 1: ");
    exec_kit_free(kit);
}
END_TEST

/* ---- the end of a bundle -------------------------------------------------------------------------- */

START_TEST(a_cancelled_bundle_ends)
{
    static volatile int cancel = 1;
    exec_kit *kit = pairs_kit();

    exec_source(kit, "in", "p0");
    exec_set_cancel(kit, &cancel);
    exec_check_error(kit, BEAMC_ECANCELLED, "cancelled");
    exec_kit_free(kit);
}
END_TEST

Suite *suite_source(void)
{
    Suite *suite = suite_create("source");
    TCase *tc = tcase_create("bytes");
    tcase_add_test(tc, elements_come_in_chunks_of_any_size);
    tcase_add_test(tc, text_and_numbers_of_any_length_come_out_as_they_went_in);
    tcase_add_loop_test(tc, a_runner_may_put_length_prefixes_around_parts, 0, 4);
    tcase_add_loop_test(tc, the_port_says_how_bytes_are_read, 0, 2);
    tcase_add_test(tc, one_head_may_be_for_all);
    tcase_add_test(tc, elements_of_no_bytes_are_not_lost);
    tcase_add_test(tc, bytes_cut_anywhere_are_an_error_with_the_element_and_its_place);
    tcase_add_loop_test(tc, bytes_that_are_wrong_are_an_error, 0,
                        sizeof(spoiled) / sizeof(*spoiled));
    tcase_add_test(tc, a_cancelled_bundle_ends);
    suite_add_tcase(suite, tc);

    tc = tcase_create("groups");
    tcase_add_test(tc, groups_can_be_walked_any_number_of_times);
    tcase_add_test(tc, grouped_values_may_hold_pointers);
    tcase_add_test(tc, groups_need_a_source_of_groups);
    tcase_add_loop_test(tc, a_group_that_is_malformed_is_told, 0, 2);
    suite_add_tcase(suite, tc);
    return suite;
}
