/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 by the published examples, of files, and what is no file; the program's build id. */
#include "sdk/base/build_id.h"
#include "sdk/base/sha256.h"
#include "test/alloc.h"
#include "test/sdk/io/scratch.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EMPTY   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define MILLION "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

static void update(beamc__sha256 *hash, const char *text)
{
    ck_assert_int_eq(beamc__sha256_update(hash, text, strlen(text)), BEAMC_OK);
}

static void check_finish(beamc__sha256 *hash, const char *expected)
{
    char out[BEAMC__SHA256_TEXT_SIZE];

    ck_assert_int_eq(beamc__sha256_finish(hash, out), BEAMC_OK);
    ck_assert_str_eq(out, expected);
}

START_TEST(bytes_have_the_published_hashes)
{
    beamc__sha256 *hash = beamc__sha256_new();

    ck_assert_ptr_nonnull(hash);
    check_finish(hash, EMPTY);
    update(hash, "a");
    update(hash, "");
    update(hash, "bc");
    check_finish(hash, ABC);
    for (int i = 0; i < 1000000 / 8; i++)
        update(hash, "aaaaaaaa");
    check_finish(hash, MILLION);
    beamc__sha256_free(hash);
    beamc__sha256_free(NULL);
}
END_TEST

static const char *write_file(const char *name, const char *text, size_t times)
{
    FILE *file = fopen(name, "w");

    ck_assert_ptr_nonnull(file);
    while (times-- > 0)
        ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    return name;
}

START_TEST(files_have_the_hash_of_their_bytes)
{
    char out[BEAMC__SHA256_TEXT_SIZE];
    uint64_t size = 1;

    ck_assert_ptr_null(beamc__sha256_file(out, &size, write_file("empty", "", 0)));
    ck_assert_str_eq(out, EMPTY);
    ck_assert_uint_eq(size, 0);
    ck_assert_ptr_null(beamc__sha256_file(out, &size, write_file("large", "aaaaaaaaaa", 100000)));
    ck_assert_str_eq(out, MILLION);
    ck_assert_uint_eq(size, 1000000);
    ck_assert_ptr_null(beamc__sha256_file(out, NULL, write_file("abc", "abc", 1)));
    ck_assert_str_eq(out, ABC);
}
END_TEST

static void check_refused(const char *path, const char *reason)
{
    char out[BEAMC__SHA256_TEXT_SIZE];
    char expected[512];

    snprintf(expected, sizeof(expected), "%s: %s", path, reason);
    ck_assert_str_eq(scratch_text(beamc__sha256_file(out, NULL, path)), expected);
}

START_TEST(what_is_no_file_is_named)
{
    ck_assert_int_eq(mkfifo("pipe", 0600), 0);
    check_refused("pipe", "this is a device or pipe, not a file");
    check_refused("none", "No such file or directory");
    check_refused(".", "this is a directory, not a file");
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    char out[BEAMC__SHA256_TEXT_SIZE];
    const char *path = write_file("abc", "abc", 1);

    for (long n = 0;; n++) {
        test_alloc_fail_at(n);
        beamc_error *error = beamc__sha256_file(out, NULL, path);
        bool failed = test_alloc_failed();
        test_alloc_fail_at(-1);
        ck_assert_int_eq(beamc_error_code(error), failed ? BEAMC_ENOMEM : BEAMC_OK);
        beamc_error_free(error);
        if (!failed)
            break;
    }
    ck_assert_str_eq(out, ABC);
}
END_TEST

START_TEST(a_build_id_is_always_the_same)
{
    char a[BEAMC__BUILD_ID_SIZE];
    char b[BEAMC__BUILD_ID_SIZE];

    /* Linkers may be told to leave it out. */
    ck_assert_int_eq(beamc__build_id(a), a[0] != '\0');
    ck_assert_int_eq(beamc__build_id(b), b[0] != '\0');
    ck_assert_str_eq(a, b);
    ck_assert_uint_eq(strspn(a, "0123456789abcdef"), strlen(a));
}
END_TEST

Suite *suite_sha256(void)
{
    Suite *suite = suite_create("sha256");
    TCase *tc = tcase_create("sha256");

    tcase_add_checked_fixture(tc, scratch_setup, scratch_teardown);
    tcase_add_test(tc, bytes_have_the_published_hashes);
    tcase_add_test(tc, files_have_the_hash_of_their_bytes);
    tcase_add_test(tc, what_is_no_file_is_named);
    tcase_add_test(tc, every_allocation_may_fail);
    tcase_add_test(tc, a_build_id_is_always_the_same);
    suite_add_tcase(suite, tc);
    return suite;
}
