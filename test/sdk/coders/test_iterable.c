/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/coders/parts.h"
#include "test/alloc.h"
#include "test/fuzz/round_trip.h"
#include "test/sdk/types/samples.h"

#include <check.h>
#include <stdlib.h>

static beamc_arena *arena;
static beamc_buffer out;

static void set_up(void)
{
    arena = beamc_arena_new();
    beamc_buffer_init(&out);
}

static void tear_down(void)
{
    beamc_buffer_dispose(&out);
    beamc_arena_free(arena);
}

/* ---- state ----------------------------------------------------------------------------------- */

/* State that is given in pages of page_size bytes; the continuation token is the place. */
typedef struct {
    const uint8_t *data;
    size_t size;
    size_t page_size;
    size_t fail_at;   /* the get that fails, counted from 1 */
    size_t gets;
    size_t open;      /* pages not released */
} paged_state;

typedef struct {
    uint8_t *bytes; /* of exactly the page's size */
    size_t next;
} page_owner;

static beamc_error *get_page(const beamc__state_fetch *fetch, beamc_bytes token, beamc_bytes from,
                             beamc__state_page *page)
{
    paged_state *state = fetch->ctx;
    size_t at = 0;
    ck_assert_uint_eq(token.size, 3);
    if (++state->gets == state->fail_at)
        return beamc_error_new(BEAMC_EIO, "the runner is gone");
    if (from.size > 0) {
        ck_assert_uint_eq(from.size, sizeof(at));
        memcpy(&at, from.data, sizeof(at));
    }
    size_t size = state->size - at < state->page_size ? state->size - at : state->page_size;
    page_owner *owner = malloc(sizeof(*owner));
    uint8_t *bytes = malloc(size == 0 ? 1 : size);
    if (owner == NULL || bytes == NULL) {
        free(owner);
        free(bytes);
        return beamc_error_nomem();
    }
    memcpy(bytes, state->data + at, size);
    *owner = (page_owner){ bytes, at + size };
    *page = (beamc__state_page){ bytes, size, (const uint8_t *)&owner->next, 0, owner };
    if (at + size < state->size)
        page->next_size = sizeof(owner->next);
    state->open++;
    return NULL;
}

static void release_page(const beamc__state_fetch *fetch, beamc__state_page *page)
{
    page_owner *owner = page->owner;
    free(owner->bytes);
    free(owner);
    ((paged_state *)fetch->ctx)->open--;
}

static beamc__state_fetch fetch_of(paged_state *state)
{
    return (beamc__state_fetch){ get_page, release_page, state };
}

static const char backed_bytes[] =
    "\xff\xff\xff\xff\x02\xc8\x01\xe8\x07\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x03tok";

static beamc_type backed_of(const beamc_type *plain)
{
    beamc_type type = *plain;
    type.kind = BEAMC_KIND_STATE_BACKED_ITERABLE;
    return type;
}

START_TEST(state_backed_iterable_goes_on_in_pages_of_any_size)
{
    static const uint8_t rest[] = { 0x01, 0xac, 0x02, 0x80, 0x80, 0x01, 0x00 };
    static const int64_t expected[] = { 200, 1000, 1, 300, 16384, 0 };
    const beamc_type type = backed_of(BEAMC_TYPE(counts));
    for (size_t page_size = 1; page_size <= sizeof(rest) + 1; page_size++) {
        paged_state state = { rest, sizeof(rest), page_size, 0, 0, 0 };
        const beamc__state_fetch fetch = fetch_of(&state);
        const beamc__decode_context context = { arena, &fetch };
        beamc_reader in = beamc_reader_of(backed_bytes, sizeof(backed_bytes) - 1);
        const beamc_iterable *iterable = round_trip_decode(&type, true, &in, &context);
        ck_assert_ptr_nonnull(iterable);
        for (int walk = 0; walk < 2; walk++) {
            beamc_iterator iterator;
            int64_t value;
            size_t count = 0;
            beamc_iterate(&iterator, iterable);
            while (beamc_next(&iterator, &value))
                ck_assert_int_eq(value, expected[count++]);
            ck_assert(!beamc_next(&iterator, &value));
            ck_assert_ptr_null(beamc_iterator_finish(&iterator));
            ck_assert_uint_eq(count, 6);
            ck_assert_uint_eq(state.open, 0);
        }
        int64_t count;
        ck_assert_ptr_null(beamc_iterable_count(&count, iterable));
        ck_assert_int_eq(count, 6);
        ck_assert(round_trip(&type, true, (const uint8_t *)backed_bytes, sizeof(backed_bytes) - 1,
                             &context));
        ck_assert_uint_eq(state.open, 0);
    }
}
END_TEST

START_TEST(state_backed_iterable_of_text_is_cut_anywhere)
{
    uint8_t rest[600];
    size_t size = 0;
    const beamc_field fields[1] = { { "element", BEAMC_TYPE(string) } };
    const beamc_type type = { "Iterable", BEAMC_KIND_STATE_BACKED_ITERABLE, sizeof(beamc_iterable),
                              8,          fields,                           1,
                              NULL,       NULL,                             NULL };
    for (uint8_t n = 0; n < 30; n++) {
        rest[size++] = n;
        memset(rest + size, n, n);
        size += n;
    }
    static const char bytes[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x03tok";
    for (size_t page_size = 1; page_size < 70; page_size++) {
        paged_state state = { rest, size, page_size, 0, 0, 0 };
        const beamc__state_fetch fetch = fetch_of(&state);
        const beamc__decode_context context = { arena, &fetch };
        beamc_reader in = beamc_reader_of(bytes, sizeof(bytes) - 1);
        const beamc_iterable *iterable = round_trip_decode(&type, true, &in, &context);
        beamc_iterator iterator;
        beamc_string value;
        size_t count = 0;
        beamc_iterate(&iterator, iterable);
        for (; beamc_next(&iterator, &value); count++) {
            ck_assert_uint_eq(value.size, count);
            for (size_t i = 0; i < count; i++)
                ck_assert_uint_eq((uint8_t)value.data[i], count);
        }
        ck_assert_ptr_null(beamc_iterator_finish(&iterator));
        ck_assert_uint_eq(count, 30);
        ck_assert_uint_eq(state.open, 0);
    }
}
END_TEST

START_TEST(state_backed_iterable_without_state_is_not_supported)
{
    const beamc_type type = backed_of(BEAMC_TYPE(counts));
    beamc_iterable value;
    beamc_reader in = beamc_reader_of(backed_bytes, sizeof(backed_bytes) - 1);
    ck_assert_int_eq(beamc_decode(&type, &value, true, &in, arena), BEAMC_EUNSUPPORTED);
}
END_TEST

/* Walks to the end; answers the error's code. */
static int walk_all(const beamc_iterable *iterable, size_t *count)
{
    beamc_iterator iterator;
    max_align_t value[8];
    *count = 0;
    beamc_iterate(&iterator, iterable);
    while (beamc_next(&iterator, value))
        ++*count;
    beamc_error *error = beamc_iterator_finish(&iterator);
    int code = (int)beamc_error_code(error);
    beamc_error_free(error);
    return code;
}

START_TEST(pages_tell_errors_of_state)
{
    static const uint8_t good[] = { 1, 2, 3, 4 };
    static const uint8_t cut[] = { 1, 2, 0x80 };
    static const uint8_t bad[] = { 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f };
    size_t count;
    paged_state state = { good, sizeof(good), 2, 2, 0, 0 };
    const beamc__state_fetch fetch = fetch_of(&state);
    const beamc__paged paged = { NULL, 0, true, { (const uint8_t *)"tok", 3 }, &fetch };
    const beamc_iterable iterable = beamc__iterable_of_pages(BEAMC_TYPE(int64), &paged);
    ck_assert_int_eq(walk_all(&iterable, &count), BEAMC_EIO);
    ck_assert_uint_eq(count, 2);
    state = (paged_state){ cut, sizeof(cut), 2, 0, 0, 0 };
    ck_assert_int_eq(walk_all(&iterable, &count), BEAMC_ESHORT);
    ck_assert_uint_eq(count, 2);
    state = (paged_state){ bad, sizeof(bad), 3, 0, 0, 0 };
    ck_assert_int_eq(walk_all(&iterable, &count), BEAMC_ECORRUPT);
    ck_assert_uint_eq(count, 1);
    state = (paged_state){ good, 0, 2, 0, 0, 0 };
    ck_assert_int_eq(walk_all(&iterable, &count), BEAMC_OK);
    ck_assert_uint_eq(count, 0);
    ck_assert_uint_eq(state.open, 0);
    /* Bytes for values that have none. */
    const beamc_iterable odd = beamc__iterable_of_pages(BEAMC_TYPE(global_window), &paged);
    state = (paged_state){ good, sizeof(good), 2, 0, 0, 0 };
    ck_assert_int_eq(walk_all(&odd, &count), BEAMC_ECORRUPT);
    ck_assert_uint_eq(state.open, 0);
}
END_TEST

START_TEST(pages_can_be_left_early)
{
    static const uint8_t good[] = { 1, 2, 3, 4 };
    paged_state state = { good, sizeof(good), 3, 0, 0, 0 };
    const beamc__state_fetch fetch = fetch_of(&state);
    const beamc__paged paged = { NULL, 0, true, { (const uint8_t *)"tok", 3 }, &fetch };
    const beamc_iterable iterable = beamc__iterable_of_pages(BEAMC_TYPE(int64), &paged);
    beamc_iterator iterator;
    int64_t value;
    beamc_iterate(&iterator, &iterable);
    ck_assert(beamc_next(&iterator, &value));
    ck_assert_ptr_null(beamc_iterator_finish(&iterator));
    ck_assert_uint_eq(state.open, 0);
}
END_TEST

START_TEST(pages_say_when_there_is_no_memory)
{
    static const uint8_t rest[] = { 2, 'a', 'b', 3, 'c', 'd', 'e' };
    for (long n = 0;; n++) {
        paged_state state = { rest, sizeof(rest), 2, 0, 0, 0 };
        const beamc__state_fetch fetch = fetch_of(&state);
        const beamc__paged paged = { NULL, 0, true, { (const uint8_t *)"tok", 3 }, &fetch };
        const beamc_iterable iterable = beamc__iterable_of_pages(BEAMC_TYPE(string), &paged);
        size_t count;
        test_alloc_fail_at(n);
        int code = walk_all(&iterable, &count);
        bool failed = test_alloc_failed();
        test_alloc_fail_at(-1);
        ck_assert_int_eq(code, failed ? BEAMC_ENOMEM : BEAMC_OK);
        ck_assert_uint_eq(state.open, 0);
        if (!failed)
            break;
    }
}
END_TEST

/* ---- inline ---------------------------------------------------------------------------------- */

START_TEST(iterable_of_groups_can_be_walked_in_nested_loops)
{
    grouped rows[3];
    static const char *const names[] = { "a", "b", "c" };
    for (size_t i = 0; i < 3; i++)
        rows[i] = (grouped){ beamc_string_of(names[i]),
                             beamc_iterable_of_array(BEAMC_TYPE(int64), sample_votes, i + 1) };
    const beamc_iterable made = beamc_iterable_of_array(BEAMC_TYPE(grouped), rows, 3);
    ck_assert_int_eq(beamc_encode(BEAMC_TYPE(groups), &made, true, &out), BEAMC_OK);

    beamc_iterable decoded;
    beamc_reader in = beamc_reader_of(out.data, out.size);
    ck_assert_int_eq(beamc_decode(BEAMC_TYPE(groups), &decoded, true, &in, arena), BEAMC_OK);
    beamc_iterator outer;
    beamc_iterator inner;
    grouped x;
    grouped y;
    int64_t total = 0;
    beamc_iterate(&outer, &decoded);
    while (beamc_next(&outer, &x)) {
        beamc_iterate(&inner, &decoded);
        while (beamc_next(&inner, &y)) {
            int64_t count;
            ck_assert_ptr_null(beamc_iterable_count(&count, &y.value));
            total += count;
        }
        ck_assert_ptr_null(beamc_iterator_finish(&inner));
        ck_assert_uint_eq(x.key.size, 1);
    }
    ck_assert_ptr_null(beamc_iterator_finish(&outer));
    ck_assert_int_eq(total, 3 * (1 + 2 + 3));
}
END_TEST

BEAMC_ITERABLE(tag_lists, tags)

/* Elements with memory of their own: each step of a walk ends those of the step before, and of no
 * other walk. */
START_TEST(iterable_keeps_memory_of_walks_apart)
{
    const tags lists[] = { { sample_tags, 1 }, { sample_tags, 2 }, { sample_tags, 3 } };
    const beamc_iterable made = beamc_iterable_of_array(BEAMC_TYPE(tags), lists, 3);
    ck_assert_int_eq(beamc_encode(BEAMC_TYPE(tag_lists), &made, true, &out), BEAMC_OK);
    beamc_iterable decoded;
    beamc_reader in = beamc_reader_of(out.data, out.size);
    ck_assert_int_eq(beamc_decode(BEAMC_TYPE(tag_lists), &decoded, true, &in, arena), BEAMC_OK);
    size_t used = beamc_arena_used(arena);

    beamc_iterator outer;
    beamc_iterator inner;
    tags x;
    tags y;
    size_t i = 0;
    beamc_iterate(&outer, &decoded);
    for (; beamc_next(&outer, &x); i++) {
        beamc_iterate(&inner, &decoded);
        while (beamc_next(&inner, &y))
            ck_assert(beamc_string_equal(y.items[0], sample_tags[0]));
        ck_assert_ptr_null(beamc_iterator_finish(&inner));
        ck_assert_int_eq(beamc_compare(BEAMC_TYPE(tags), &x, &lists[i]), 0);
    }
    ck_assert_ptr_null(beamc_iterator_finish(&outer));
    ck_assert_uint_eq(i, 3);
    ck_assert_uint_eq(beamc_arena_used(arena), used);
}
END_TEST

START_TEST(iterable_in_many_blocks_is_one)
{
    static const uint8_t bytes[] = { 0xff, 0xff, 0xff, 0xff, 1, 5, 2, 6, 7, 1, 8, 0 };
    beamc_iterable decoded;
    beamc_iterator walk;
    int64_t value;
    int64_t expected = 5;
    beamc_reader in = beamc_reader_of(bytes, sizeof(bytes));
    ck_assert_int_eq(beamc_decode(BEAMC_TYPE(counts), &decoded, true, &in, arena), BEAMC_OK);
    beamc_iterate(&walk, &decoded);
    while (beamc_next(&walk, &value))
        ck_assert_int_eq(value, expected++);
    ck_assert_ptr_null(beamc_iterator_finish(&walk));
    ck_assert_int_eq(expected, 9);
    const beamc__decode_context context = { arena, NULL };
    ck_assert(round_trip(BEAMC_TYPE(counts), true, bytes, sizeof(bytes), &context));
}
END_TEST

START_TEST(iterable_of_empty_values_has_a_limit)
{
    const beamc_field fields[1] = { { "element", BEAMC_TYPE(global_window) } };
    const beamc_type type = { "Iterable", BEAMC_KIND_ITERABLE, sizeof(beamc_iterable), 8, fields, 1,
                              NULL,       NULL,                NULL };
    static const uint8_t counted[] = { 0x7f, 0xff, 0xff, 0xff };
    static const uint8_t blocks[] = { 0xff, 0xff, 0xff, 0xff, 0x80, 0x80, 0x40, 1, 0 };
    beamc_iterable value;
    beamc_reader in = beamc_reader_of(counted, sizeof(counted));
    ck_assert_int_eq(beamc_decode(&type, &value, true, &in, arena), BEAMC_ELIMIT);
    in = beamc_reader_of(blocks, sizeof(blocks));
    ck_assert_int_eq(beamc_decode(&type, &value, true, &in, arena), BEAMC_ELIMIT);
}
END_TEST

START_TEST(iterable_needs_no_memory_for_plain_values)
{
    const beamc_iterable made = beamc_iterable_of_array(BEAMC_TYPE(int64), sample_votes, 3);
    ck_assert_int_eq(beamc_encode(BEAMC_TYPE(counts), &made, true, &out), BEAMC_OK);
    size_t used = beamc_arena_used(arena);
    beamc_iterable decoded;
    size_t count;
    beamc_reader in = beamc_reader_of(out.data, out.size);
    ck_assert_int_eq(beamc_decode(BEAMC_TYPE(counts), &decoded, true, &in, arena), BEAMC_OK);
    ck_assert_uint_eq(beamc_arena_used(arena), used);
    test_alloc_fail_at(0);
    ck_assert_int_eq(walk_all(&decoded, &count), BEAMC_OK);
    ck_assert(!test_alloc_failed());
    test_alloc_fail_at(-1);
    ck_assert_uint_eq(count, 3);
}
END_TEST

Suite *suite_iterable(void);

Suite *suite_iterable(void)
{
    Suite *suite = suite_create("iterable");
    TCase *tc = tcase_create("iterable");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, state_backed_iterable_goes_on_in_pages_of_any_size);
    tcase_add_test(tc, state_backed_iterable_of_text_is_cut_anywhere);
    tcase_add_test(tc, state_backed_iterable_without_state_is_not_supported);
    tcase_add_test(tc, pages_tell_errors_of_state);
    tcase_add_test(tc, pages_can_be_left_early);
    tcase_add_test(tc, pages_say_when_there_is_no_memory);
    tcase_add_test(tc, iterable_of_groups_can_be_walked_in_nested_loops);
    tcase_add_test(tc, iterable_keeps_memory_of_walks_apart);
    tcase_add_test(tc, iterable_in_many_blocks_is_one);
    tcase_add_test(tc, iterable_of_empty_values_has_a_limit);
    tcase_add_test(tc, iterable_needs_no_memory_for_plain_values);
    suite_add_tcase(suite, tc);
    return suite;
}
