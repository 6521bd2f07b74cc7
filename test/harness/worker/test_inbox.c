/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/inbox.h"

#include "test/harness/exec/kit.h"
#include <check.h>
#include <uv.h>

static int released;

static void count_release(void *ctx)
{
    (void)ctx;
    __atomic_fetch_add(&released, 1, __ATOMIC_RELAXED);
}

static void put(beamc__inbox *inbox, const char *source, const char *text, bool is_last)
{
    beamc__block *block = beamc__block_new(count_release, NULL);
    const beamc_bytes bytes = { (const uint8_t *)text, strlen(text) };

    ck_assert_ptr_nonnull(block);
    ck_assert_int_eq(beamc__inbox_put(inbox, source, strlen(source), bytes, block, is_last),
                     BEAMC_OK);
    beamc__block_unref(block);
}

/* NULL: the end must come. */
static void check_take(beamc__inbox *inbox, const char *source, const char *text)
{
    beamc_bytes bytes;
    beamc__block *block;

    exec_ok(beamc__inbox_take(inbox, source, &bytes, &block, NULL));
    ck_assert_ptr_eq(block == NULL ? NULL : text, text);
    ck_assert_uint_eq(bytes.size, text == NULL ? 0 : strlen(text));
    if (text != NULL)
        ck_assert_int_eq(memcmp(bytes.data, text, bytes.size), 0);
    beamc__block_unref(block);
}

START_TEST(whoever_waits_may_be_nudged)
{
    beamc__inbox_load load = { 0 };
    beamc__inbox *inbox = beamc__inbox_new(&load);
    beamc_bytes bytes;
    beamc__block *block;
    bool nudged = false;

    beamc__inbox_nudge(inbox);
    exec_ok(beamc__inbox_take(inbox, "a", &bytes, &block, &nudged));
    ck_assert(nudged && block == NULL && bytes.size == 0);
    /* What is there comes first, and the end ends it. */
    beamc__inbox_nudge(inbox);
    put(inbox, "a", "one", true);
    nudged = false;
    exec_ok(beamc__inbox_take(inbox, "a", &bytes, &block, &nudged));
    ck_assert(!nudged && bytes.size == 3);
    beamc__block_unref(block);
    exec_ok(beamc__inbox_take(inbox, "a", &bytes, &block, &nudged));
    ck_assert(!nudged && block == NULL);
    beamc__inbox_unref(inbox);
}
END_TEST

START_TEST(sources_have_queues_of_their_own)
{
    beamc__inbox_load load = { 0 };
    beamc__inbox *inbox = beamc__inbox_new(&load);

    put(inbox, "a", "one", false);
    put(inbox, "b", "two", false);
    put(inbox, "a", "three", true);
    put(inbox, "b", "", true);
    put(inbox, "a", "after the end", false);
    ck_assert_int_eq(load.held, 11);
    ck_assert_int_eq(released, 2); /* what was empty or late is not kept */
    check_take(inbox, "b", "two");
    check_take(inbox, "b", NULL);
    check_take(inbox, "a", "one");
    check_take(inbox, "a", "three");
    check_take(inbox, "a", NULL);
    check_take(inbox, "a", NULL);
    ck_assert_int_eq(load.held, 0);
    ck_assert_int_eq(released, 5);
    beamc__inbox_unref(inbox);
}
END_TEST

START_TEST(what_is_left_is_released)
{
    beamc__inbox_load load = { 0 };
    beamc__inbox *inbox = beamc__inbox_new(&load);

    for (int i = 0; i < 10; i++)
        put(inbox, i % 2 == 0 ? "a" : "b", "left", i == 9);
    if (_i == 1) {
        beamc__inbox_close(inbox, NULL);
        ck_assert_int_eq(released, 10);
        put(inbox, "a", "too late", false);
        ck_assert_int_eq(released, 11);
        ck_assert_int_eq(load.held, 0);
    }
    beamc__inbox_unref(beamc__inbox_ref(inbox));
    beamc__inbox_unref(inbox);
    ck_assert_int_eq(load.held, 0);
    ck_assert_int_eq(released, 10 + _i);
}
END_TEST

START_TEST(closing_tells_the_first_error)
{
    beamc__inbox_load load = { 0 };
    beamc__inbox *inbox = beamc__inbox_new(&load);
    beamc_bytes bytes;
    beamc__block *block;

    put(inbox, "a", "dropped", true);
    beamc__inbox_close(inbox, beamc_error_new(BEAMC_EIO, "the line is dead"));
    beamc__inbox_close(inbox, beamc_error_new(BEAMC_EIO, "and buried"));
    exec_expect(beamc__inbox_take(inbox, "a", &bytes, &block, NULL), BEAMC_EIO, "the line is dead");
    exec_expect(beamc__inbox_take(inbox, "a", &bytes, &block, NULL), BEAMC_ECANCELLED, "cancelled");
    beamc__inbox_unref(inbox);
}
END_TEST

static void take_all(void *arg)
{
    beamc__inbox *inbox = arg;
    beamc__block *block;
    beamc_bytes bytes;
    size_t size = 0;

    do {
        exec_ok(beamc__inbox_take(inbox, "a", &bytes, &block, NULL));
        size += bytes.size;
        beamc__block_unref(block);
    } while (block != NULL);
    ck_assert_uint_eq(size, 4000);
}

START_TEST(takers_wait_for_putters)
{
    beamc__inbox_load load = { 0 };
    beamc__inbox *inbox = beamc__inbox_new(&load);
    uv_thread_t thread;

    ck_assert_int_eq(uv_thread_create(&thread, take_all, inbox), 0);
    for (int i = 0; i < 1000; i++)
        put(inbox, "a", "four", false);
    put(inbox, "a", "", true);
    uv_thread_join(&thread);
    ck_assert_int_eq(load.held, 0);
    ck_assert_int_eq(released, 1001);
    beamc__inbox_unref(inbox);
}
END_TEST

typedef struct {
    beamc__inbox_load load;
    beamc__inbox *inbox;
} fed;

/* The one who waits would wait for ever, were this called too late or with the lock.  It does not wait
 * any more from the moment that there is something, not from when it runs again. */
static void feed(void *ctx)
{
    fed *of = ctx;

    ck_assert_int_eq(of->load.starved, 1);
    put(of->inbox, "b", "other", false);
    ck_assert_int_eq(of->load.starved, 1);
    put(of->inbox, "a", "found", false);
    ck_assert_int_eq(of->load.starved, 0);
}

START_TEST(who_has_to_wait_says_so_first)
{
    fed of = { .load = { .on_starved = feed, .ctx = &of } };

    of.inbox = beamc__inbox_new(&of.load);
    put(of.inbox, "a", "there", false);
    check_take(of.inbox, "a", "there");
    check_take(of.inbox, "a", "found");
    check_take(of.inbox, "a", "found");
    check_take(of.inbox, "b", "other");
    check_take(of.inbox, "b", "other");
    ck_assert_int_eq(of.load.held, 0);
    beamc__inbox_unref(of.inbox);
}
END_TEST

/* What is there of other sources does not keep those from being read that are waited for. */
static void feed_others(void *ctx)
{
    fed *of = ctx;

    ck_assert_int_eq(of->load.held, 0);
    put(of->inbox, "b", "more", false);
    ck_assert_int_eq(of->load.held, 0);
    put(of->inbox, "a", "found", false);
    ck_assert_int_eq(of->load.held, 14);
}

START_TEST(elements_of_other_sources_do_not_count_meanwhile)
{
    fed of = { .load = { .on_starved = feed_others, .ctx = &of } };

    of.inbox = beamc__inbox_new(&of.load);
    put(of.inbox, "b", "other", false);
    ck_assert_int_eq(of.load.held, 5);
    check_take(of.inbox, "a", "found");
    ck_assert_int_eq(of.load.held, 9);
    check_take(of.inbox, "b", "other");
    check_take(of.inbox, "b", "more");
    ck_assert_int_eq(of.load.held, 0);
    beamc__inbox_unref(of.inbox);
}
END_TEST

static void close_it(void *ctx)
{
    fed *of = ctx;
    beamc__inbox_close(of->inbox, beamc_error_new(BEAMC_EIO, "gone"));
}

START_TEST(nothing_is_counted_that_was_dropped)
{
    fed of = { .load = { .on_starved = close_it, .ctx = &of } };
    beamc_bytes bytes;
    beamc__block *block;

    of.inbox = beamc__inbox_new(&of.load);
    put(of.inbox, "b", "other", false);
    exec_expect(beamc__inbox_take(of.inbox, "a", &bytes, &block, NULL), BEAMC_EIO, "gone");
    ck_assert_int_eq(of.load.held, 0);
    ck_assert_int_eq(of.load.starved, 0);
    beamc__inbox_unref(of.inbox);
}
END_TEST

static void take_error(void *arg)
{
    beamc_bytes bytes;
    beamc__block *block;
    exec_expect(beamc__inbox_take(arg, "a", &bytes, &block, NULL), BEAMC_EIO, "gone");
}

START_TEST(closing_wakes_who_waits)
{
    beamc__inbox_load load = { 0 };
    beamc__inbox *inbox = beamc__inbox_new(&load);
    uv_thread_t thread;

    ck_assert_int_eq(uv_thread_create(&thread, take_error, inbox), 0);
    beamc__inbox_close(inbox, beamc_error_new(BEAMC_EIO, "gone"));
    uv_thread_join(&thread);
    beamc__inbox_unref(inbox);
}
END_TEST

Suite *suite_inbox(void)
{
    Suite *suite = suite_create("inbox");
    TCase *tc = tcase_create("all");

    tcase_add_test(tc, sources_have_queues_of_their_own);
    tcase_add_test(tc, whoever_waits_may_be_nudged);
    tcase_add_loop_test(tc, what_is_left_is_released, 0, 2);
    tcase_add_test(tc, closing_tells_the_first_error);
    tcase_add_test(tc, takers_wait_for_putters);
    tcase_add_test(tc, who_has_to_wait_says_so_first);
    tcase_add_test(tc, elements_of_other_sources_do_not_count_meanwhile);
    tcase_add_test(tc, nothing_is_counted_that_was_dropped);
    tcase_add_test(tc, closing_wakes_who_waits);
    suite_add_tcase(suite, tc);
    return suite;
}
