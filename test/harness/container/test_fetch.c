/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's files come whole or not at all, some at a time, and stay below their directory. */
#include "harness/container/fetch.h"

#include "test/harness/container/boot_peer.h"
#include "test/sdk/io/scratch.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static boot_peer *peer;
static beamc_arena *arena;
static beamc__fetched *files;
static size_t count;

static void setup(void)
{
    scratch_setup();
    peer = boot_peer_new();
    arena = beamc_arena_new();
}

static void teardown(void)
{
    boot_peer_free(peer);
    beamc_arena_free(arena);
    scratch_teardown();
}

static const char *fetch_as(bool trust)
{
    size_t listed;
    PB(ArtifactInformation) **list = boot_peer_files(peer, &listed);
    const beamc__fetch_options options = { .queue = boot_peer_queue(peer),
                                           .url = boot_peer_url(peer),
                                           .worker_id = "1",
                                           .directory = "a/staged",
                                           .trust = trust,
                                           .pause_ms = 1 };

    return scratch_text(beamc__fetch_all(&files, &count, list, listed, &options, arena));
}

static const char *fetch(void)
{
    return fetch_as(false);
}

static void check_file(const char *path, const char *text)
{
    beamc_buffer bytes = scratch_read(path);

    ck_assert_str_eq((char *)bytes.data, text);
    beamc_buffer_dispose(&bytes);
}

START_TEST(files_come_in_the_order_they_are_listed)
{
    boot_peer_file(peer, "worker", "the program", NULL);
    boot_peer_file(peer, "lib/table.csv", "1,2\n", NULL);
    boot_peer_file(peer, "empty", "", NULL);
    ck_assert_str_eq(fetch(), "ok");
    ck_assert_uint_eq(count, 3);
    ck_assert_str_eq(files[0].name, "worker");
    ck_assert_str_eq(files[1].path, "a/staged/lib/table.csv");
    check_file(files[0].path, "the program");
    check_file(files[1].path, "1,2\n");
    check_file(files[2].path, "");
    char *left = scratch_list("a");
    ck_assert_str_eq(left, "staged ");
    free(left);
}
END_TEST

START_TEST(a_download_that_breaks_is_tried_three_times)
{
    boot_peer_file(peer, "worker", "the program", NULL);
    boot_peer_fail(peer, 2);
    ck_assert_str_eq(fetch(), "ok");
    ck_assert_int_eq(boot_peer_downloads(peer), 3);
    check_file("a/staged/worker", "the program");
    boot_peer_fail(peer, 3);
    const char *text = fetch();
    ck_assert_msg(strstr(text, "artifact worker: ") != NULL && strstr(text, "broken off") != NULL,
                  "%s", text);
    ck_assert_int_eq(boot_peer_downloads(peer), 6);
}
END_TEST

START_TEST(what_has_another_hash_is_not_there)
{
    boot_peer_file(peer, "worker", "the program", ZEROS);
    ck_assert_ptr_nonnull(strstr(fetch(), "artifact worker: its SHA-256 is "));
    ck_assert_ptr_nonnull(strstr(fetch(), ", not " ZEROS));
    char *left = scratch_list("a/staged");
    ck_assert_str_eq(left, "");
    free(left);
    ck_assert_str_eq(fetch_as(true), "ok");
    check_file("a/staged/worker", "the program");
}
END_TEST

START_TEST(names_that_leave_the_directory_are_refused_before_anything_is_fetched)
{
    boot_peer_file(peer, "good", "x", NULL);
    boot_peer_file(peer, "../evil", "y", NULL);
    ck_assert_str_eq(fetch(), "an artifact may not be named \"../evil\"");
    ck_assert_int_eq(boot_peer_downloads(peer), 0);
    ck_assert(!scratch_exists("a/evil"));
}
END_TEST

START_TEST(a_file_that_is_listed_twice_is_fetched_once)
{
    boot_peer_file(peer, "worker", "the program", NULL);
    boot_peer_file(peer, "worker", "the program", NULL);
    ck_assert_str_eq(fetch(), "ok");
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(boot_peer_downloads(peer), 1);
    boot_peer_file(peer, "worker", "another", NULL);
    ck_assert_str_eq(fetch(), "two different artifacts are named \"worker\"");
}
END_TEST

START_TEST(ten_are_fetched_at_once_and_no_more)
{
    char name[16];

    for (int i = 0; i < 25; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        boot_peer_file(peer, name, name, NULL);
    }
    boot_peer_gather(peer, 10);
    ck_assert_str_eq(fetch(), "ok");
    ck_assert_uint_eq(count, 25);
    ck_assert_int_eq(boot_peer_at_once(peer), 10);
    check_file("a/staged/f24", "f24");
}
END_TEST

START_TEST(without_files_nobody_is_asked)
{
    ck_assert_str_eq(fetch(), "ok");
    ck_assert_uint_eq(count, 0);
}
END_TEST

Suite *suite_fetch(void)
{
    Suite *suite = suite_create("fetch");
    TCase *tc = tcase_create("fetch");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, files_come_in_the_order_they_are_listed);
    tcase_add_test(tc, a_download_that_breaks_is_tried_three_times);
    tcase_add_test(tc, what_has_another_hash_is_not_there);
    tcase_add_test(tc, names_that_leave_the_directory_are_refused_before_anything_is_fetched);
    tcase_add_test(tc, a_file_that_is_listed_twice_is_fetched_once);
    tcase_add_test(tc, ten_are_fetched_at_once_and_no_more);
    tcase_add_test(tc, without_files_nobody_is_asked);
    suite_add_tcase(suite, tc);
    return suite;
}
