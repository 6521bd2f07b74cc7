/* SPDX-License-Identifier: Apache-2.0 */
/* The budget, and temporary files that leave nothing behind. */
#include "runners/engine/store.h"
#include "test/alloc.h"
#include "test/process.h"
#include <check.h>
#include <uv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void assert_ok(beamc_error *err)
{
    char text[300] = "";

    if (err != NULL)
        beamc_error_print(err, text, sizeof(text));
    ck_assert_msg(err == NULL, "%s", text);
}

static beamc__store *make_store(uint64_t budget, int workers, const char *where)
{
    beamc__store_options options = { budget, where, workers };
    beamc__store *store;

    assert_ok(beamc__store_new(&store, &options));
    return store;
}

START_TEST(half_of_the_budget_is_for_what_is_held)
{
    beamc__store *store = make_store(1000, 1, NULL);

    ck_assert(beamc__store_take(store, 400));
    ck_assert(beamc__store_take(store, 100));
    ck_assert(beamc__store_take(store, 0));
    ck_assert(!beamc__store_take(store, 1));
    ck_assert_uint_eq(beamc__store_memory(store), 500);
    beamc__store_force(store, 100);
    ck_assert(!beamc__store_take(store, 0));
    beamc__store_give(store, 200);
    ck_assert(beamc__store_take(store, 100));
    ck_assert_uint_eq(beamc__store_memory(store), 500);
    beamc__store_give(store, 500);
    ck_assert_uint_eq(beamc__store_memory(store), 0);
    beamc__store_free(store);
}
END_TEST

START_TEST(the_other_half_is_for_readers)
{
    beamc__store *store = make_store(256 << 20, 4, NULL);

    ck_assert_uint_eq(beamc__store_share(store), 32 << 20);
    ck_assert_uint_eq(beamc__store_buffer_size(store, 64, 1000, 50000), 50000);
    ck_assert_uint_eq(beamc__store_buffer_size(store, 1 << 20, 1000, 50000), 1000);
    beamc__store_free(store);
    store = make_store(0, 4, NULL);
    ck_assert_uint_ge(beamc__store_share(store), 1 << 20);
    ck_assert(!beamc__store_take(store, 1));
    beamc__store_free(store);
}
END_TEST

START_TEST(what_is_spilled_is_read_again)
{
    char where[] = "/tmp/beamc-test-XXXXXX";
    char block[5000];
    char again[sizeof(block)];
    uint64_t offsets[20];

    ck_assert_ptr_nonnull(mkdtemp(where));
    beamc__store *store = make_store(0, 1, where);
    beamc__spill *spill = beamc__spill_new(store);
    ck_assert_ptr_nonnull(spill);
    for (int i = 0; i < 20; i++) {
        memset(block, i, sizeof(block));
        assert_ok(beamc__spill_write(spill, block, sizeof(block) - (size_t)i, &offsets[i]));
    }
    ck_assert_int_eq(count_entries(where), 2); /* nothing to be found, even if we are killed */
    beamc__spill_drop(spill, offsets[3], sizeof(block) - 3);
    for (int i = 19; i >= 0; i--) {
        if (i == 3)
            continue;
        memset(block, i, sizeof(block));
        assert_ok(beamc__spill_read(spill, offsets[i], again, sizeof(block) - (size_t)i));
        ck_assert_int_eq(memcmp(block, again, sizeof(block) - (size_t)i), 0);
    }
    beamc_error *err = beamc__spill_read(spill, offsets[19], again, sizeof(again));
    ck_assert_int_eq(beamc_error_code(err), BEAMC_EIO);
    beamc_error_free(err);
    ck_assert_uint_eq(beamc__store_spilled(store), 20 * sizeof(block) - 190);
    beamc__spill_free(spill);
    beamc__spill_free(NULL);
    beamc__store_free(store);
    ck_assert_int_eq(rmdir(where), 0);
}
END_TEST

typedef struct {
    beamc__spill *spill;
    int number;
    bool ok;
} writer;

static void write_and_read(void *context)
{
    writer *me = context;
    char block[3000];
    char again[sizeof(block)];

    me->ok = true;
    for (int i = 0; i < 50 && me->ok; i++) {
        uint64_t offset;
        memset(block, me->number * 50 + i, sizeof(block));
        beamc_error *err = beamc__spill_write(me->spill, block, sizeof(block), &offset);
        if (err == NULL)
            err = beamc__spill_read(me->spill, offset, again, sizeof(block));
        me->ok = err == NULL && memcmp(block, again, sizeof(block)) == 0;
        beamc_error_free(err);
    }
}

START_TEST(threads_share_a_file)
{
    beamc__store *store = make_store(0, 1, NULL);
    beamc__spill *spill = beamc__spill_new(store);
    uv_thread_t ids[4];
    writer writers[4];

    for (int i = 0; i < 4; i++) {
        writers[i] = (writer){ spill, i, false };
        ck_assert_int_eq(uv_thread_create(&ids[i], write_and_read, &writers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        uv_thread_join(&ids[i]);
        ck_assert(writers[i].ok);
    }
    beamc__spill_free(spill);
    beamc__store_free(store);
}
END_TEST

START_TEST(a_directory_that_is_none_is_an_error)
{
    static const char *const wheres[] = { "/no/such/directory", "/dev/null" };

    for (size_t i = 0; i < 2; i++) {
        beamc__store *store = make_store(0, 1, wheres[i]);
        beamc__spill *spill = beamc__spill_new(store);
        uint64_t offset;
        char text[200];
        beamc_error *err = beamc__spill_write(spill, "x", 1, &offset);
        ck_assert_ptr_nonnull(err);
        beamc_error_print(err, text, sizeof(text));
        ck_assert_ptr_nonnull(strstr(text, wheres[i]));
        ck_assert_ptr_nonnull(strstr(text, strerror(i == 0 ? 2 : 20)));
        beamc_error_free(err);
        beamc__spill_free(spill);
        beamc__store_free(store);
    }
}
END_TEST

Suite *suite_store(void)
{
    Suite *suite = suite_create("store");
    TCase *tc = tcase_create("store");

    tcase_add_test(tc, half_of_the_budget_is_for_what_is_held);
    tcase_add_test(tc, the_other_half_is_for_readers);
    tcase_add_test(tc, what_is_spilled_is_read_again);
    tcase_add_test(tc, threads_share_a_file);
    tcase_add_test(tc, a_directory_that_is_none_is_an_error);
    suite_add_tcase(suite, tc);
    return suite;
}
