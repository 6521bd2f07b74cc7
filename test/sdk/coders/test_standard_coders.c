/* SPDX-License-Identifier: Apache-2.0 */
/* Beam's standard_coders.yaml: the encodings that all SDKs agree on.  No case is left out. */
#include "test/alloc.h"
#include "test/fuzz/round_trip.h"
#include "vectors.h"

#include "sdk/coders/type_proto.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

/* The file of Beam 2.77.0; fewer would mean that something was not read. */
enum { CASES = 45, EXAMPLES = 124 };

static beamc_arena *arena;
static vector_case *cases;
static size_t case_count;

static void set_up(void)
{
    char path[4096];
    const char *build = getenv("BUILD");
    snprintf(path, sizeof(path), "%s/test/standard_coders.txt", build == NULL ? "." : build);
    arena = beamc_arena_new();
    cases = vectors_load(path, &case_count, arena);
    if (cases == NULL)
        ck_abort_msg("%s is missing: `make test` writes it from what "
                     "scripts/fetch_beam_wheel.sh fetches", path);
}

static void tear_down(void)
{
    beamc_arena_free(arena);
}

typedef void (*example_check)(const vector_case *test, const vector_example *example,
                              const beamc_type *type, bool nested,
                              const beamc__decode_context *context);

/* Calls @check for each example in each of its contexts. */
static void for_all(example_check check)
{
    for (size_t i = 0; i < case_count; i++) {
        const beamc_type *type = vector_type(&cases[i], arena);
        const beamc__state_fetch fetch = vector_fetch(&cases[i]);
        const beamc__decode_context context = { arena, &fetch };
        for (size_t j = 0; j < cases[i].example_count; j++)
            for (int nested = 0; nested < 2; nested++)
                if (cases[i].contexts[nested])
                    check(&cases[i], &cases[i].examples[j], type, nested != 0, &context);
    }
}

START_TEST(standard_coders_are_all_there)
{
    size_t examples = 0;
    for (size_t i = 0; i < case_count; i++)
        examples += cases[i].example_count;
    ck_assert_uint_eq(case_count, CASES);
    ck_assert_uint_eq(examples, EXAMPLES);
}
END_TEST

static void check_encode(const vector_case *test, const vector_example *example,
                         const beamc_type *type, bool nested,
                         const beamc__decode_context *context)
{
    beamc_buffer out;
    if (!test->exact)
        return;
    void *value = beamc_arena_calloc(context->arena, 1, type->size);
    vector_value(type, value, &example->value, context->arena);
    beamc_buffer_init(&out);
    ck_assert_int_eq(beamc_encode(type, value, nested, &out), BEAMC_OK);
    ck_assert_msg(out.size == example->encoded.size &&
                      (out.size == 0 || memcmp(out.data, example->encoded.data, out.size) == 0),
                  "case %d", test->index);
    beamc_buffer_dispose(&out);
}

START_TEST(standard_coders_encode_as_beam_does)
{
    for_all(check_encode);
}
END_TEST

static void check_decode(const vector_case *test, const vector_example *example,
                         const beamc_type *type, bool nested,
                         const beamc__decode_context *context)
{
    void *expected = beamc_arena_calloc(context->arena, 1, type->size);
    vector_value(type, expected, &example->value, context->arena);
    beamc_reader in = beamc_reader_of(example->encoded.data, example->encoded.size);
    void *value = round_trip_decode(type, nested, &in, context);
    ck_assert_msg(value != NULL, "case %d", test->index);
    ck_assert_msg(in.at == in.end, "case %d", test->index);
    ck_assert_msg(beamc_compare(type, value, expected) == 0, "case %d", test->index);
    ck_assert_msg(beamc_compare(type, expected, value) == 0, "case %d", test->index);

    beamc_buffer text;
    beamc_buffer expected_text;
    beamc_buffer_init(&text);
    beamc_buffer_init(&expected_text);
    beamc_print(type, value, &text);
    beamc_print(type, expected, &expected_text);
    ck_assert_uint_eq(text.size, expected_text.size);
    if (text.size > 0)
        ck_assert_mem_eq(text.data, expected_text.data, text.size);
    beamc_buffer_dispose(&text);
    beamc_buffer_dispose(&expected_text);
}

START_TEST(standard_coders_decode_as_beam_does)
{
    for_all(check_decode);
}
END_TEST

static void check_round_trip(const vector_case *test, const vector_example *example,
                             const beamc_type *type, bool nested,
                             const beamc__decode_context *context)
{
    ck_assert_msg(round_trip(type, nested, example->encoded.data, example->encoded.size, context),
                  "case %d", test->index);
}

START_TEST(standard_coders_round_trip)
{
    for_all(check_round_trip);
}
END_TEST

static void check_truncations(const vector_case *test, const vector_example *example,
                              const beamc_type *type, bool nested,
                              const beamc__decode_context *context)
{
    for (size_t size = 0; size < example->encoded.size; size++) {
        /* Memory of its own, so that reading on is seen. */
        uint8_t *cut = malloc(size + 1);
        memcpy(cut, example->encoded.data, size);
        uint8_t *exact = realloc(cut, size == 0 ? 1 : size);
        bool decoded = round_trip(type, nested, exact, size, context);
        ck_assert_msg(!nested || !decoded, "case %d, cut at %zu", test->index, size);
        if (!decoded) {
            beamc_reader in = beamc_reader_of(exact, size);
            void *value = beamc_arena_calloc(context->arena, 1, type->size);
            ck_assert_int_eq(beamc__decode(type, value, nested, &in, context), BEAMC_ESHORT);
        }
        free(exact);
    }
}

START_TEST(standard_coders_reject_every_truncation)
{
    for_all(check_truncations);
}
END_TEST

static void check_flips(const vector_case *test, const vector_example *example,
                        const beamc_type *type, bool nested,
                        const beamc__decode_context *context)
{
    static const uint8_t flips[] = { 0x01, 0x80, 0xff, 0x40 };
    size_t size = example->encoded.size;
    beamc_arena *scratch = beamc_arena_new();
    const beamc__decode_context own = { scratch, context->fetch };
    uint8_t *bytes = malloc(size + 1);
    (void)test;
    for (size_t i = 0; i < size * sizeof(flips); i++) {
        if (size > 0)
            memcpy(bytes, example->encoded.data, size);
        bytes[i / sizeof(flips)] ^= flips[i % sizeof(flips)];
        /* A flipped token is one that is not known, which the walk finds out and printing shows. */
        if (type->kind != BEAMC_KIND_STATE_BACKED_ITERABLE)
            round_trip(type, nested, bytes, size, &own);
        beamc_arena_reset(scratch);
    }
    free(bytes);
    beamc_arena_free(scratch);
}

START_TEST(standard_coders_survive_flipped_bytes)
{
    for_all(check_flips);
}
END_TEST

/* Decode, copy and encode; any step may say that there is no memory, no other error may come. */
static int use_memory(const beamc_type *type, bool nested, beamc_bytes bytes,
                      const beamc__state_fetch *fetch)
{
    beamc_arena *own = beamc_arena_new();
    if (own == NULL)
        return BEAMC_ENOMEM;
    const beamc__decode_context context = { own, fetch };
    beamc_buffer out;
    beamc_reader in = beamc_reader_of(bytes.data, bytes.size);
    void *value = beamc_arena_calloc(own, 1, type->size);
    void *copy = beamc_arena_calloc(own, 1, type->size);
    beamc_buffer_init(&out);
    int rc = value == NULL || copy == NULL ? BEAMC_ENOMEM
                                           : beamc__decode(type, value, nested, &in, &context);
    if (rc == BEAMC_OK)
        rc = beamc_copy(type, copy, value, own);
    if (rc == BEAMC_OK)
        rc = beamc_encode(type, copy, nested, &out);
    beamc_buffer_dispose(&out);
    beamc_arena_free(own);
    return rc;
}

static void check_no_memory(const vector_case *test, const vector_example *example,
                            const beamc_type *type, bool nested,
                            const beamc__decode_context *context)
{
    for (long n = 0;; n++) {
        test_alloc_fail_at(n);
        int rc = use_memory(type, nested, example->encoded, context->fetch);
        bool failed = test_alloc_failed();
        test_alloc_fail_at(-1);
        ck_assert_msg(rc == (failed ? BEAMC_ENOMEM : BEAMC_OK), "case %d, allocation %ld: %s",
                      test->index, n, beamc_code_name(rc));
        if (!failed)
            break;
    }
}

START_TEST(standard_coders_say_when_there_is_no_memory)
{
    for_all(check_no_memory);
}
END_TEST

static const PB(Coder) *find_in_set(void *ctx, const char *id)
{
    const beamc__coder_set *set = ctx;
    for (size_t i = 0; i < beamc__coder_set_count(set); i++)
        if (strcmp(beamc__coder_set_id(set, i), id) == 0)
            return beamc__coder_set_coder(set, i);
    return NULL;
}

START_TEST(standard_coders_become_coders_again)
{
    for (size_t i = 0; i < case_count; i++) {
        const beamc_type *type = vector_type(&cases[i], arena);
        beamc__coder_set *set = beamc__coder_set_new("coder");
        const char *id;
        const beamc_type *again;
        ck_assert_ptr_null(beamc__type_to_coder(&id, set, type));
        const beamc__coder_resolver resolver = { find_in_set, set, NULL, 0 };
        ck_assert_ptr_null(beamc__type_from_coder(&again, &resolver, id, arena));
        ck_assert_msg(beamc_type_equal(type, again), "case %d", cases[i].index);
        const PB(Coder) *coder = find_in_set(set, id);
        ck_assert_str_eq(coder->spec->urn, cases[i].coders[0].spec->urn);
        ck_assert_uint_eq(coder->spec->payload.len, cases[i].coders[0].spec->payload.len);
        beamc__coder_set_free(set);
    }
}
END_TEST

Suite *suite_standard_coders(void);

Suite *suite_standard_coders(void)
{
    Suite *suite = suite_create("standard_coders");
    TCase *tc = tcase_create("standard_coders");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, standard_coders_are_all_there);
    tcase_add_test(tc, standard_coders_encode_as_beam_does);
    tcase_add_test(tc, standard_coders_decode_as_beam_does);
    tcase_add_test(tc, standard_coders_round_trip);
    tcase_add_test(tc, standard_coders_reject_every_truncation);
    tcase_add_test(tc, standard_coders_survive_flipped_bytes);
    tcase_add_test(tc, standard_coders_say_when_there_is_no_memory);
    tcase_add_test(tc, standard_coders_become_coders_again);
    suite_add_tcase(suite, tc);
    return suite;
}
