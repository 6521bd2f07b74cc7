/* SPDX-License-Identifier: Apache-2.0 */
/* beamc image and beamc worker-pool: their command lines, and the pool from its start to SIGTERM.
 */
#include "harness/container/spawn.h"
#include "test/check_has.h"
#include "test/program.h"
#include "test/runners/cli/cli_run.h"
#include "test/sdk/io/scratch.h"

#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char beamc[PATH_MAX];

static void set_up(void)
{
    test_program(beamc, sizeof(beamc), "beamc");
    scratch_setup();
}

static void check_fails(const char *line, int status, const char *err)
{
    const cli_run *run = cli("%s", line);

    check_has(run->err, err);
    ck_assert_str_eq(run->out, "");
    ck_assert_int_eq(run->status, status);
}

START_TEST(an_image_is_named_after_its_program)
{
    /* A program of ours, though not by its looks. */
    scratch_run("{ printf '\\177ELF\\2\\1\\1'; head -c 9 /dev/zero; printf '\\2\\0\\76\\0';"
                " head -c 34 /dev/zero; printf '\\70\\0'; head -c 8 /dev/zero;"
                " printf beamc_build_id; } >words");
    const cli_run *run = cli("image words");
    check_has(run->err, "image localhost/words:latest for linux/amd64: ");
    check_has(run->err, "docker load -i words-image.tar");
    ck_assert_str_eq(run->out, "words-image.tar\n");
    ck_assert_int_eq(run->status, 0);
    ck_assert(scratch_exists("words-image.tar"));
    run = cli("image words --tag=w:1 --output=w");
    check_has(run->err, "skopeo copy oci:w:w:1 ");
    ck_assert_str_eq(run->out, "w\n");
    ck_assert(scratch_exists("w/index.json"));
}
END_TEST

START_TEST(images_that_cannot_be_made_are_told)
{
    check_fails("image missing", 1, "beamc image: missing: No such file or directory");
    scratch_write_text("text", "no program");
    check_fails("image text", 1, "beamc image: text: this is no program");
    check_fails("image text --tag=A:1", 2, "an image cannot be called \"A:1\"");
    check_fails("image a b", 2, "what is 'b' for?");
}
END_TEST

START_TEST(pools_that_cannot_be_are_told)
{
    check_fails("worker-pool --port=70000", 2, "--port=70000: it is 0 to 65535");
    check_fails("worker-pool --port=-1", 2, "--port=-1");
    check_fails("worker-pool --program=missing", 2,
                "--program=missing: this is no program that can be started");
}
END_TEST

START_TEST(a_program_that_cannot_be_loaded_is_told)
{
    /* Of this system, but for one name in it. */
    scratch_run("sed 's/libc\\.so\\.6/libq.so.6/g' /bin/true >lacks && chmod +x lacks");
    check_fails("worker-pool --program=lacks", 1, "/lacks cannot be loaded: its loader ");
}
END_TEST

START_TEST(a_pool_starts_and_ends)
{
    const char *const args[] = { beamc, "worker-pool", "--port=0", "--program=/bin/sh", NULL };
    char line[256];
    pid_t pid;
    int status;

    ck_assert_int_eq(mkfifo("said", 0600), 0);
    int said = open("said", O_RDWR | O_CLOEXEC);
    const beamc__spawn_options options = { .path = beamc, .args = args, .output = said };
    ck_assert_int_eq(beamc__spawn(&pid, &options), 0);
    struct pollfd one = { said, POLLIN, 0 };
    ck_assert_int_eq(poll(&one, 1, 60000), 1);
    ssize_t size = read(said, line, sizeof(line) - 1);
    ck_assert_int_gt(size, 0);
    line[size] = '\0';
    check_has(line, "worker pool: ready at 127.0.0.1:");
    ck_assert_int_eq(kill(pid, SIGTERM), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    close(said);
}
END_TEST

Suite *suite_cli_workers(void)
{
    Suite *suite = suite_create("cli_workers");
    TCase *tc = tcase_create("cli_workers");

    tcase_add_checked_fixture(tc, set_up, scratch_teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, an_image_is_named_after_its_program);
    tcase_add_test(tc, images_that_cannot_be_made_are_told);
    tcase_add_test(tc, pools_that_cannot_be_are_told);
    tcase_add_test(tc, a_program_that_cannot_be_loaded_is_told);
    tcase_add_test(tc, a_pool_starts_and_ends);
    suite_add_tcase(suite, tc);
    return suite;
}
