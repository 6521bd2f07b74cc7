/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/state_store.h"

#include "test/alloc.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static beamc_bytes text(const char *of)
{
    return (beamc_bytes){ (const uint8_t *)of, strlen(of) };
}

/* A response of @size bytes; @goes_on: another page follows. */
static beamc__state_block *block_of(size_t size, bool goes_on)
{
    FN(StateResponse) *response = calloc(1, sizeof(*response));
    FN(StateGetResponse) *get = calloc(1, sizeof(*get));

    ck_assert(response != NULL && get != NULL);
    fn(state_response__init)(response);
    fn(state_get_response__init)(get);
    response->id = strdup("1");
    response->response_case = FNK(STATE_RESPONSE__RESPONSE_GET);
    response->get = get;
    get->data = (ProtobufCBinaryData){ size, malloc(size + 1) };
    if (goes_on)
        get->continuation_token = (ProtobufCBinaryData){ 1, (uint8_t *)strdup("n") };
    beamc__state_block *block = beamc__state_block_new(response);
    ck_assert_ptr_nonnull(block);
    return block;
}

static void put(beamc__state_store *store, const char *name, const char *part, size_t size,
                bool is_first, bool goes_on)
{
    beamc__state_block *block = block_of(size, goes_on);
    ck_assert_int_eq(beamc__state_store_put(store, text(name), text(part), block, is_first),
                     BEAMC_OK);
    beamc__state_block_unref(block);
}

static bool has(beamc__state_store *store, const char *name, const char *part)
{
    beamc__state_block *block = beamc__state_store_get(store, text(name), text(part));
    beamc__state_block_unref(block);
    return block != NULL;
}

static bool not_x(void *ctx, beamc_bytes name)
{
    (void)ctx;
    return name.data[0] != 'x';
}

START_TEST(what_was_used_least_lately_goes)
{
    beamc__state_store *store = beamc__state_store_new(5000);
    char name[20];

    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "entry %d", i);
        put(store, name, "", 1000, true, false);
        ck_assert(has(store, name, ""));
        if (i > 0)
            ck_assert(has(store, "entry 0", ""));
        ck_assert_uint_le(beamc__state_store_tell(store).bytes, 5000);
    }
    ck_assert_uint_eq(beamc__state_store_tell(store).entries, 4);
    ck_assert(has(store, "entry 98", ""));
    ck_assert(!has(store, "entry 50", ""));
    put(store, "huge", "", 5001, true, false);
    ck_assert(!has(store, "huge", ""));
    ck_assert(has(store, "entry 98", ""));
    beamc__state_store_free(store);
}
END_TEST

START_TEST(many_entries_are_found)
{
    beamc__state_store *store = beamc__state_store_new(SIZE_MAX);
    char name[20];

    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "%d", i);
        put(store, name, "a", 1, true, false);
        put(store, name, "b", 1, true, false);
    }
    for (int i = 0; i < 5000; i += 2) {
        snprintf(name, sizeof(name), "%d", i);
        beamc__state_store_drop(store, text(name));
    }
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "%d", i);
        ck_assert_int_eq(has(store, name, "a"), i % 2);
        ck_assert_int_eq(has(store, name, "b"), i % 2);
        ck_assert(!has(store, name, "c"));
    }
    beamc__state_store_stats stats = beamc__state_store_tell(store);
    ck_assert_uint_eq(stats.entries, 2500);
    ck_assert_uint_eq(stats.hits, 5000);
    ck_assert_uint_eq(stats.misses, 10000);
    beamc__state_store_free(store);
}
END_TEST

/* A large cell comes in many pages, each asked for by the token that the one before it gave. */
START_TEST(many_pages_of_an_entry_are_found)
{
    beamc__state_store *store = beamc__state_store_new(SIZE_MAX);
    beamc__state_store *copy = beamc__state_store_new(SIZE_MAX);
    char part[20];

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 4000; i++) {
            snprintf(part, sizeof(part), "%d", i);
            ck_assert(!has(store, "large", part));
            put(store, "large", part, 1, i == 0, i < 3999);
            ck_assert(has(store, "large", part));
        }
        for (int i = 0; i < 4000; i++) {
            snprintf(part, sizeof(part), "%d", i);
            ck_assert(has(store, "large", part));
            ck_assert(!has(store, "small", part));
        }
        if (round == 0) {
            ck_assert_int_eq(beamc__state_store_copy(store, copy, not_x, NULL), BEAMC_OK);
            ck_assert_uint_eq(beamc__state_store_tell(copy).bytes,
                              beamc__state_store_tell(store).bytes);
            ck_assert_int_eq(beamc__state_store_close(store, text("large")), BEAMC_OK);
            ck_assert_uint_eq(beamc__state_store_tell(store).bytes, 0);
            beamc__state_store_drop(store, text("large"));
        }
    }
    ck_assert_uint_eq(beamc__state_store_tell(store).entries, 1);
    beamc__state_store_drop(store, text("large"));
    ck_assert_uint_eq(beamc__state_store_tell(store).bytes, 0);
    beamc__state_store_free(store);
    ck_assert(has(copy, "large", "3999"));
    beamc__state_store_free(copy);
}
END_TEST

/* Without memory for a larger index pages are found all the same. */
START_TEST(an_index_need_not_grow)
{
    beamc__state_store *store = beamc__state_store_new(SIZE_MAX);
    char part[20];

    for (int i = 0; i < 100; i++) {
        beamc__state_block *block = block_of(1, false);
        snprintf(part, sizeof(part), "%d", i);
        test_alloc_fail_at(i == 0 ? 2 : 1); /* after those of the entry and of the page */
        ck_assert_int_eq(beamc__state_store_put(store, text("large"), text(part), block, true),
                         BEAMC_OK);
        test_alloc_fail_at(-1);
        beamc__state_block_unref(block);
    }
    for (int i = 0; i < 100; i++) {
        snprintf(part, sizeof(part), "%d", i);
        ck_assert(has(store, "large", part));
    }
    beamc__state_store_free(store);
}
END_TEST

/* Pages that were taken live on without their entry. */
START_TEST(blocks_outlive_the_store)
{
    beamc__state_store *store = beamc__state_store_new(5000);

    put(store, "a", "", 10, true, false);
    beamc__state_block *block = beamc__state_store_get(store, text("a"), text(""));
    beamc__state_store_drop(store, text("a"));
    ck_assert_uint_eq(beamc__state_store_tell(store).bytes, 0);
    beamc__state_store_free(store);
    ck_assert_uint_eq(beamc__state_block_response(block)->get->data.len, 10);
    beamc__state_block_unref(block);
}
END_TEST

START_TEST(closed_entries_stay_empty)
{
    beamc__state_store *store = beamc__state_store_new(5000);

    put(store, "a", "", 10, true, false);
    ck_assert_int_eq(beamc__state_store_close(store, text("a")), BEAMC_OK);
    ck_assert_int_eq(beamc__state_store_close(store, text("b")), BEAMC_OK);
    ck_assert(!has(store, "a", ""));
    put(store, "a", "", 10, true, false);
    put(store, "b", "", 10, true, false);
    put(store, "c", "", 10, true, false);
    ck_assert(!has(store, "a", "") && !has(store, "b", "") && has(store, "c", ""));
    for (int i = 0; i < 10; i++)
        put(store, i % 2 == 0 ? "d" : "e", "", 4000, true, false); /* they are not what has to go */
    put(store, "a", "", 10, true, false);
    ck_assert(!has(store, "a", ""));
    beamc__state_store_free(store);
}
END_TEST

START_TEST(whole_entries_are_copied)
{
    beamc__state_store *from = beamc__state_store_new(50000);
    beamc__state_store *to = beamc__state_store_new(5000);

    put(from, "whole", "", 10, true, true);
    put(from, "whole", "n", 10, false, false);
    put(from, "lacks its end", "", 10, true, true);
    put(from, "lacks its start", "n", 10, false, false);
    put(from, "too large", "", 4000, true, true);
    put(from, "too large", "n", 4000, false, false);
    put(from, "x", "", 10, true, false);
    ck_assert_int_eq(beamc__state_store_close(from, text("closed")), BEAMC_OK);
    ck_assert_int_eq(beamc__state_store_copy(from, to, not_x, NULL), BEAMC_OK);
    ck_assert_uint_eq(beamc__state_store_tell(to).entries, 1);
    ck_assert(has(to, "whole", "") && has(to, "whole", "n"));
    beamc__state_store_free(from);
    ck_assert(has(to, "whole", ""));
    beamc__state_store_free(to);
}
END_TEST

Suite *suite_state_store(void)
{
    Suite *suite = suite_create("state_store");
    TCase *tc = tcase_create("store");

    tcase_add_test(tc, what_was_used_least_lately_goes);
    tcase_add_test(tc, many_entries_are_found);
    tcase_add_test(tc, many_pages_of_an_entry_are_found);
    tcase_add_test(tc, an_index_need_not_grow);
    tcase_add_test(tc, blocks_outlive_the_store);
    tcase_add_test(tc, closed_entries_stay_empty);
    tcase_add_test(tc, whole_entries_are_copied);
    suite_add_tcase(suite, tc);
    return suite;
}
