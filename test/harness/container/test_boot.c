/* SPDX-License-Identifier: Apache-2.0 */
/* What a container starts: beamc-boot and programs themselves, against a scripted runner.  What
 * goes wrong is told to whoever is waiting for the worker. */
#include "harness/container/spawn.h"
#include "harness/container/serve.h"
#include "sdk/base/build_id.h"
#include "test/harness/container/boot_peer.h"
#include "test/program.h"
#include "test/sdk/io/scratch.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#define OTHER_BUILD "0123456789abcdef0123456789abcdef01234567"

static boot_peer *peer;
static char boot_program[PATH_MAX], wordcount[PATH_MAX];
static char provision[128], semi_persist_dir[PATH_MAX];

static void setup(void)
{
    test_program(boot_program, sizeof(boot_program), "beamc-boot");
    test_program(wordcount, sizeof(wordcount), "wordcount");
    scratch_setup();
    peer = boot_peer_new();
    snprintf(provision, sizeof(provision), "--provision_endpoint=%s", boot_peer_url(peer));
    snprintf(semi_persist_dir, sizeof(semi_persist_dir), "--semi_persist_dir=%s", scratch_path());
}

static void teardown(void)
{
    boot_peer_free(peer);
    scratch_teardown();
}

static bool has_said(const char *part)
{
    beamc_buffer said = scratch_read("said");
    bool has = strstr((char *)said.data, part) != NULL;

    beamc_buffer_dispose(&said);
    return has;
}

/* A program with these arguments, NULL for none; what it says goes to the file "said". */
static pid_t start(const char *program, const char *first, const char *second, const char *third)
{
    const char *const args[] = { program, first, second, third, NULL };
    int said = open("said", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const beamc__spawn_options options = { .path = program, .args = args, .output = said };
    pid_t pid;

    ck_assert_int_eq(beamc__spawn(&pid, &options), 0);
    close(said);
    return pid;
}

static pid_t start_boot(const char *first, const char *second, const char *third)
{
    return start(boot_program, first, second, third);
}

static int wait_for(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        ck_assert_int_eq(errno, EINTR);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void check_said(const char *part)
{
    beamc_buffer said = scratch_read("said");

    ck_assert_msg(strstr((char *)said.data, part) != NULL, "%s", (char *)said.data);
    beamc_buffer_dispose(&said);
}

START_TEST(boot_becomes_the_program_that_was_staged)
{
    char expected[3 * PATH_MAX];

    boot_peer_file(peer, "table.csv", "1,2\n", NULL);
    boot_peer_file(peer, "worker", "#!/bin/sh\nfor word; do echo \"$word\"; done\nexit 7\n", NULL);
    ck_assert_int_eq(wait_for(start_boot("--id=1-1", provision, semi_persist_dir)), 7);
    const char *url = boot_peer_url(peer);
    snprintf(expected, sizeof(expected),
             "--worker\n--id=1-1\n--provision_endpoint=%s\n--control_endpoint=%s\n"
             "--logging_endpoint=%s\n--artifact_endpoint=%s\n%s\n",
             url, url, url, url, semi_persist_dir);
    beamc_buffer said = scratch_read("said");
    ck_assert_str_eq((char *)said.data, expected);
    beamc_buffer_dispose(&said);
    ck_assert_str_eq(boot_peer_worker_id(peer), "1-1");
    ck_assert(scratch_exists("1-1/staged/table.csv"));
}
END_TEST

/* Whatever is wrong: the log has it, each instruction is answered with it, and it is an exit
 * status. */
static void check_refusal(const char *id, const char *part)
{
    pid_t pid = start_boot(id, provision, semi_persist_dir);

    ck_assert_ptr_nonnull(boot_peer_log(peer, part));
    boot_peer_send(peer, "i1");
    ck_assert_ptr_nonnull(strstr(boot_peer_answer(peer, "i1"), part));
    boot_peer_send(peer, "i2");
    ck_assert_ptr_nonnull(strstr(boot_peer_answer(peer, "i2"), part));
    boot_peer_wait_data(peer);
    boot_peer_dismiss(peer);
    ck_assert_int_eq(wait_for(pid), 1);
    check_said(part);
}

START_TEST(boot_says_that_nothing_was_staged)
{
    check_refusal("--id=1", "no program was staged for this worker");
}
END_TEST

START_TEST(boot_says_that_a_hash_is_wrong)
{
    /* Tried again after a second, and three. */
    boot_peer_file(peer, "worker", "#!/bin/sh\n", "00ff");
    check_refusal("--id=1", "artifact worker: its SHA-256 is");
}
END_TEST

START_TEST(boot_says_that_the_program_is_for_another_machine)
{
    boot_peer_file(peer, "worker", "\177ELF, but of what?", NULL);
    check_refusal("--id=1", "is for another kind of machine");
}
END_TEST

START_TEST(boot_says_that_the_program_lacks_its_loader)
{
    boot_peer_file(peer, "worker", "#!/nowhere/ld.so\n", NULL);
    check_refusal("--id=1", "needs a loader and libraries that are not here");
}
END_TEST

static const struct {
    const char *name, *other; /* what a program of this system needs, and what nobody has */
    const char *said;
} lacking[] = {
    { "libc.so.6", "libq.so.6", "libq.so.6: cannot open shared object file" },
    { "GLIBC_2.34", "GLIBC_9.34", "version `GLIBC_9.34' not found" },
};

START_TEST(boot_says_that_the_program_lacks_a_library)
{
    beamc_buffer program = scratch_read("/bin/true");
    size_t size = strlen(lacking[_i].name);
    bool found = false;

    for (uint8_t *at = program.data; at + size <= program.data + program.size; at++) {
        if (memcmp(at, lacking[_i].name, size) == 0) {
            memcpy(at, lacking[_i].other, size);
            found = true;
        }
    }
    /* Elsewhere the C library is another. */
    if (found) {
        boot_peer_bytes(peer, "worker", program.data, program.size);
        check_refusal("--id=1", lacking[_i].said);
        check_said("/1/staged/worker cannot be loaded on this machine; link it statically, or make "
                   "an image with it (beamc image): ");
    }
    beamc_buffer_dispose(&program);
}
END_TEST

START_TEST(an_id_does_not_lead_out_of_the_directory)
{
    boot_peer_file(peer, "worker", "#!/bin/sh\n", NULL);
    check_refusal("--id=../../x", "a worker's id may not be \"../../x\"");
    ck_assert_int_eq(boot_peer_downloads(peer), 0);
}
END_TEST

START_TEST(boot_needs_an_id)
{
    ck_assert_int_eq(wait_for(start_boot(provision, "--odd", NULL)), 1);
    check_said("1 arguments are not known");
    check_said("beamc-boot: a worker needs --id");
}
END_TEST

/* ---- the program itself ---------------------------------------------------------------------- */

typedef struct {
    beamc_error *error;
} served;

static void serve(void *ctx)
{
    char id[] = "--id=1-1";
    char *argv[] = { "program", id, provision };

    ((served *)ctx)->error = beamc__serve(3, argv, NULL, 0);
}

START_TEST(a_pool_listens_where_it_is_told)
{
    pid_t pid = start_boot("--worker_pool", "--worker_pool_address=127.0.0.2:0", NULL);

    while (!has_said("ready at 127.0.0.2:") && waitpid(pid, NULL, WNOHANG) == 0)
        uv_sleep(1);
    check_said("ready at 127.0.0.2:");
    kill(pid, SIGTERM);
    ck_assert_int_eq(wait_for(pid), 0);
    ck_assert_int_ne(wait_for(start_boot("--worker_pool", "--worker_pool_address=nowhere", NULL)), 0);
    check_said("nowhere");
}
END_TEST

START_TEST(a_program_refuses_the_jobs_of_another_build)
{
    char own[BEAMC__BUILD_ID_SIZE], part[256];
    served result;
    uv_thread_t thread;

    ck_assert(beamc__build_id(own));
    boot_peer_option(peer, "beamc_build_id", OTHER_BUILD);
    boot_peer_option(peer, "job_name", "wordcount-7");
    ck_assert_int_eq(uv_thread_create(&thread, serve, &result), 0);
    snprintf(part, sizeof(part),
             "is build %.12s, and job wordcount-7 was submitted by build 0123456789ab", own);
    ck_assert_ptr_nonnull(boot_peer_log(peer, part));
    boot_peer_send(peer, "i1");
    ck_assert_ptr_nonnull(strstr(boot_peer_answer(peer, "i1"), part));
    boot_peer_dismiss(peer);
    uv_thread_join(&thread);
    ck_assert_ptr_nonnull(strstr(scratch_text(result.error), part));
}
END_TEST

START_TEST(a_program_serves_the_jobs_of_its_own_build)
{
    char own[BEAMC__BUILD_ID_SIZE];
    served result;
    uv_thread_t thread;

    ck_assert(beamc__build_id(own));
    if (_i == 0)
        boot_peer_option(peer, "beamc_build_id", own);
    ck_assert_int_eq(uv_thread_create(&thread, serve, &result), 0);
    boot_peer_wait_came(peer, 1);
    boot_peer_dismiss(peer);
    uv_thread_join(&thread);
    ck_assert_str_eq(scratch_text(result.error), "ok");
}
END_TEST

START_TEST(a_program_starts_its_siblings_and_waits_for_them)
{
    boot_peer_sibling(peer, "1-1");
    boot_peer_sibling(peer, "1-2");
    boot_peer_sibling(peer, "1-3");
    pid_t pid = start(wordcount, "--id=1-1", provision, NULL);
    boot_peer_wait_worker(peer, "1-1");
    boot_peer_wait_worker(peer, "1-2");
    boot_peer_wait_worker(peer, "1-3");
    boot_peer_dismiss(peer);
    ck_assert_int_eq(wait_for(pid), 0);
    boot_peer_wait_went(peer, 3);
    /* Siblings have none of their own, though they are told the same. */
    ck_assert_int_eq(boot_peer_came(peer), 3);
}
END_TEST

Suite *suite_boot(void)
{
    Suite *suite = suite_create("boot");
    TCase *tc = tcase_create("boot");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, boot_becomes_the_program_that_was_staged);
    tcase_add_test(tc, boot_says_that_nothing_was_staged);
    tcase_add_test(tc, boot_says_that_a_hash_is_wrong);
    tcase_add_test(tc, boot_says_that_the_program_is_for_another_machine);
    tcase_add_test(tc, boot_says_that_the_program_lacks_its_loader);
    tcase_add_loop_test(tc, boot_says_that_the_program_lacks_a_library, 0, 2);
    tcase_add_test(tc, an_id_does_not_lead_out_of_the_directory);
    tcase_add_test(tc, boot_needs_an_id);
    tcase_add_test(tc, a_pool_listens_where_it_is_told);
    tcase_add_test(tc, a_program_refuses_the_jobs_of_another_build);
    tcase_add_loop_test(tc, a_program_serves_the_jobs_of_its_own_build, 0, 2);
    tcase_add_test(tc, a_program_starts_its_siblings_and_waits_for_them);
    suite_add_tcase(suite, tc);
    return suite;
}
