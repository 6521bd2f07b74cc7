/* SPDX-License-Identifier: Apache-2.0 */
/* Samples of elements with iterables: cut to what is at hand, in the PCollection's own coder. */
#include "test/harness/exec/kit.h"

#include "proto/urns.h"
#include <check.h>

#define TOKEN "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\3tok" /* instead of another block */

BEAMC_ITERABLE(tap_numbers, int64)
BEAMC_KV(tap_group, string, tap_numbers)

static exec_kit *kit;
static beamc__samples *samples;
static beamc_arena *arena;

static void begin(void)
{
    kit = exec_kit_new();
    arena = beamc_arena_new();
    samples = beamc__samples_new(false);
    ck_assert(arena != NULL && samples != NULL);
    exec_set_samples(kit, samples);
}

static void finish(void)
{
    exec_kit_free(kit);
    beamc__samples_free(samples);
    beamc_arena_free(arena);
}

static const char *of(const char *urn, const char *first, const char *second)
{
    return exec_coder_of(kit, urn, first, second);
}

static const char *leaf(const char *urn)
{
    return of(urn, NULL, NULL);
}

/* Elements are looked at and go nowhere. */
static void connect(const char *coder)
{
    exec_collection_of(kit, "p0", coder, beamc_global_windows());
    exec_source(kit, "in", "p0");
}

#define PUT(value) exec_put_literal(kit, "in", value)

/* Runs, and checks that the one sample of @id is @expected; no data: that there is none. */
static void check_sample(const char *id, const void *expected, size_t size)
{
    FN(SampleDataResponse) response = FNK(SAMPLE_DATA_RESPONSE__INIT);
    char *ids[] = { (char *)id };

    ck_assert_int_eq(beamc__samples_take(samples, ids, 1, &response, arena), BEAMC_OK);
    ck_assert_uint_eq(response.n_element_samples, expected != NULL);
    if (expected == NULL)
        return;
    const FN(SampleDataResponse__ElementList) *list = response.element_samples[0]->value;
    ck_assert_uint_eq(list->n_elements, 1);
    ck_assert_uint_eq(list->elements[0]->element.len, size);
    ck_assert_mem_eq(list->elements[0]->element.data, expected, size);
}

#define CHECK(id, bytes) check_sample(id, bytes, sizeof(bytes) - 1)

static void connect_groups(const char *iterable_urn)
{
    connect(of(BEAMC_URN_CODER_KV, leaf(BEAMC_URN_CODER_STRING_UTF8),
               of(iterable_urn, leaf(BEAMC_URN_CODER_VARINT), NULL)));
}

static const char *const iterables[] = { BEAMC_URN_CODER_ITERABLE,
                                         BEAMC_URN_CODER_STATE_BACKED_ITERABLE };

START_TEST(small_iterables_are_sampled_whole)
{
    static const char *const cases[] = { "\1k\0\0\0\2\5\7", "\1k\0\0\0\0",
                                         "\1k\xff\xff\xff\xff\1\5\1\7\0" };
    static const size_t sizes[] = { 8, 6, 11 };

    begin();
    connect_groups(iterables[_i % 2]);
    char element[64] = EXEC_HEAD;
    size_t head = sizeof(EXEC_HEAD) - 1;
    memcpy(element + head, cases[_i / 2], sizes[_i / 2]);
    exec_put_bytes(kit, "in", element, head + sizes[_i / 2]);
    exec_ok(exec_run(kit));
    check_sample("p0", cases[_i / 2], sizes[_i / 2]);
    finish();
}
END_TEST

/* The rest of such an iterable would have to be fetched. */
START_TEST(of_state_backed_ones_what_is_at_hand_is_sampled)
{
    begin();
    connect_groups(BEAMC_URN_CODER_STATE_BACKED_ITERABLE);
    PUT("\1k\xff\xff\xff\xff\2\5\7\1\x09" TOKEN);
    exec_ok(exec_run(kit));
    CHECK("p0", "\1k\0\0\0\3\5\7\x09");
    ck_assert_uint_eq(exec_state_calls(kit), 0);
    finish();
}
END_TEST

START_TEST(nothing_at_hand_is_no_sample)
{
    begin();
    connect_groups(BEAMC_URN_CODER_STATE_BACKED_ITERABLE);
    PUT("\1k\xff\xff\xff\xff" TOKEN);
    exec_ok(exec_run(kit));
    check_sample("p0", NULL, 0);
    ck_assert_uint_eq(exec_state_calls(kit), 0);
    finish();
}
END_TEST

/* Values that are iterables themselves: the first is all here, the second is not. */
START_TEST(of_nested_ones_the_values_that_are_whole_are_sampled)
{
    begin();
    connect(of(BEAMC_URN_CODER_ITERABLE,
               of(BEAMC_URN_CODER_STATE_BACKED_ITERABLE, leaf(BEAMC_URN_CODER_VARINT), NULL), NULL));
    PUT("\0\0\0\2\0\0\0\1\5\xff\xff\xff\xff\1\7" TOKEN);
    exec_ok(exec_run(kit));
    CHECK("p0", "\0\0\0\1\0\0\0\1\5");
    ck_assert_uint_eq(exec_state_calls(kit), 0);
    finish();
}
END_TEST

/* 64 KB of iterables in an element, of one or of several; in blocks or not. */
START_TEST(large_iterables_are_cut)
{
    enum { MOST = 64 << 10, VALUES = 100000 };
    bool blocks = _i == 1;
    beamc_buffer bytes;

    begin();
    connect(of(BEAMC_URN_CODER_KV,
               of(BEAMC_URN_CODER_ITERABLE, leaf(BEAMC_URN_CODER_BOOL), NULL),
               of(BEAMC_URN_CODER_ITERABLE, leaf(BEAMC_URN_CODER_VARINT), NULL)));
    beamc_buffer_init(&bytes);
    beamc_buffer_append(&bytes, EXEC_HEAD "\0\0\0\1\1", sizeof(EXEC_HEAD "\0\0\0\1\1") - 1);
    if (blocks) {
        beamc_buffer_append(&bytes, "\xff\xff\xff\xff", 4);
        for (int i = 0; i < VALUES / 2; i++)
            beamc_buffer_append(&bytes, "\2\7\7", 3);
        beamc_buffer_append_byte(&bytes, 0);
    } else {
        beamc_buffer_append(&bytes, "\0\1\x86\xa0", 4);
        for (int i = 0; i < VALUES; i++)
            beamc_buffer_append_byte(&bytes, 7);
    }
    exec_put_bytes(kit, "in", bytes.data, bytes.size);
    exec_ok(exec_run(kit));
    beamc_buffer_clear(&bytes);
    beamc_buffer_append(&bytes, "\0\0\0\1\1\0\0\xff\xfb", 9); /* 5 bytes are the first one's */
    for (int i = 0; i < MOST - 5; i++)
        beamc_buffer_append_byte(&bytes, 7);
    check_sample("p0", bytes.data, bytes.size);
    beamc_buffer_dispose(&bytes);
    finish();
}
END_TEST

START_TEST(iterables_are_found_in_nullables_and_behind_prefixes)
{
    begin();
    const char *numbers =
        of(BEAMC_URN_CODER_STATE_BACKED_ITERABLE, leaf(BEAMC_URN_CODER_VARINT), NULL);
    const char *maybe = of(BEAMC_URN_CODER_NULLABLE, numbers, NULL);
    connect(of(BEAMC_URN_CODER_KV, of(BEAMC_URN_CODER_LENGTH_PREFIX, numbers, NULL),
               of(BEAMC_URN_CODER_KV, maybe, maybe)));
    PUT("\x14\xff\xff\xff\xff\1\5" TOKEN "\1\xff\xff\xff\xff\1\7" TOKEN "\0");
    exec_ok(exec_run(kit));
    CHECK("p0", "\5\0\0\0\1\5\1\0\0\0\1\7\0");
    ck_assert_uint_eq(exec_state_calls(kit), 0);
    finish();
}
END_TEST

/* A sharded key has its key behind a pointer, which is the element's own. */
START_TEST(hidden_iterables_are_not_sampled)
{
    begin();
    connect(of(BEAMC_URN_CODER_SHARDED_KEY,
               of(BEAMC_URN_CODER_ITERABLE, leaf(BEAMC_URN_CODER_VARINT), NULL), NULL));
    PUT("\1s\0\0\0\1\5");
    exec_ok(exec_run(kit));
    check_sample("p0", NULL, 0);
    finish();
}
END_TEST

BEAMC_DOFN(tap_make_group, int64, tap_group)
{
    const int64_t values[] = { *element, 300 };
    tap_group group = { beamc_string_of("k"), beamc_iterable_of_array(BEAMC_TYPE(int64), values, 2) };

    return beamc_emit(ctx, &group);
}

START_TEST(what_a_function_has_in_memory_is_sampled)
{
    const int64_t value = 5;

    begin();
    exec_collection(kit, "p0", BEAMC_TYPE(int64), beamc_global_windows());
    exec_collection(kit, "p1", BEAMC_TYPE(tap_group), beamc_global_windows());
    exec_source(kit, "in", "p0");
    exec_par_do(kit, "fn", "p0", &tap_make_group, "p1");
    exec_sink(kit, "out", "p1");
    exec_put(kit, "in", BEAMC_TYPE(int64), &value, 0);
    exec_check(kit, "out", "(k, [5, 300]) @0\n");
    CHECK("p1", "\1k\0\0\0\2\5\xac\2");
    finish();
}
END_TEST

BEAMC_DOFN(tap_fail, tap_group, int64)
{
    (void)ctx, (void)element;
    return beamc_error_new(BEAMC_EUSER, "no");
}

/* All of it; or what is at hand, and then the error says so. */
START_TEST(the_group_that_failed_is_sampled)
{
    static const char cut[] = "first values only";
    FN(SampleDataResponse) response = FNK(SAMPLE_DATA_RESPONSE__INIT);

    begin();
    beamc__samples_free(samples);
    samples = beamc__samples_new(true); /* only that */
    exec_set_samples(kit, samples);
    connect_groups(BEAMC_URN_CODER_STATE_BACKED_ITERABLE);
    exec_collection(kit, "p1", BEAMC_TYPE(int64), beamc_global_windows());
    exec_par_do(kit, "fn", "p0", &tap_fail, "p1");
    exec_sink(kit, "out", "p1");
    if (_i == 0)
        PUT("\1k\xff\xff\xff\xff\2\5\7" TOKEN);
    else
        PUT("\1k\0\0\0\2\5\7");
    exec_check_error(kit, BEAMC_EUSER, "transform fn: element 1: ");
    ck_assert_int_eq(beamc__samples_take(samples, NULL, 0, &response, arena), BEAMC_OK);
    ck_assert_uint_eq(response.n_element_samples, 1);
    const FN(SampledElement) *found = response.element_samples[0]->value->elements[0];
    ck_assert_uint_eq(found->element.len, 8);
    ck_assert_mem_eq(found->element.data, "\1k\0\0\0\2\5\7", 8);
    ck_assert_ptr_nonnull(strstr(found->exception->error, "element 1: "));
    ck_assert_int_eq(strstr(found->exception->error, cut) != NULL, _i == 0);
    finish();
}
END_TEST

Suite *suite_tap(void)
{
    Suite *suite = suite_create("tap");
    TCase *tc = tcase_create("iterables");

    tcase_add_loop_test(tc, small_iterables_are_sampled_whole, 0, 6);
    tcase_add_test(tc, of_state_backed_ones_what_is_at_hand_is_sampled);
    tcase_add_test(tc, nothing_at_hand_is_no_sample);
    tcase_add_test(tc, of_nested_ones_the_values_that_are_whole_are_sampled);
    tcase_add_loop_test(tc, large_iterables_are_cut, 0, 2);
    tcase_add_test(tc, iterables_are_found_in_nullables_and_behind_prefixes);
    tcase_add_test(tc, hidden_iterables_are_not_sampled);
    tcase_add_test(tc, what_a_function_has_in_memory_is_sampled);
    tcase_add_loop_test(tc, the_group_that_failed_is_sampled, 0, 2);
    suite_add_tcase(suite, tc);
    return suite;
}
