/* SPDX-License-Identifier: Apache-2.0 */
/* Worker pools whose workers are processes: here shell scripts.  None is left behind, and nothing
 * of what they started. */
#include "harness/container/process_pool.h"

#include "sdk/rpc/rpc.h"
#include "test/check_has.h"
#include "test/harness/container/boot_peer.h"
#include "test/harness/container/pool_client.h"
#include "test/program.h"
#include "test/sdk/io/scratch.h"
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

enum { PATIENCE_MS = 300000, LINE_SIZE = 4096 };

static beamc__process_pool *pool;
static pool_client *client;
static boot_peer *runner;   /* at control, too; NULL: none */
static const char *refuser; /* NULL: none */
static const char *control = "control:1";
static int words = -1; /* the end of a named pipe that workers write lines to */

static void set_up_words(void)
{
    scratch_setup();
    ck_assert_int_eq(mkfifo("words", 0600), 0);
    /* Open both ways, so that it never ends. */
    words = open("words", O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(words, 0);
}

static void tear_down_words(void)
{
    close(words);
    scratch_teardown();
}

static void set_up(void)
{
    set_up_words();
    beamc__rpc_init();
}

static void tear_down(void)
{
    beamc__process_pool_free(pool);
    pool_client_free(client);
    beamc__rpc_shutdown();
    /* No child is left, and no zombie. */
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
    tear_down_words();
}

static void start_pool_of(const char *const *command, const beamc_log_target *log)
{
    const beamc__process_pool_options options = { .command = command,
                                                  .refuser = refuser,
                                                  .semi_persist_dir = scratch_path(),
                                                  .grace_ms = 200,
                                                  .log = log };

    ck_assert_str_eq(scratch_text(beamc__process_pool_start(&pool, &options)), "ok");
    client = pool_client_new(beamc__process_pool_url(pool));
}

/* A pool of shells that run @script, in the test's directory. */
static void start_pool(const char *script, const beamc_log_target *log)
{
    static const char *command[] = { "/bin/sh", "-c", NULL, "worker", NULL };

    command[2] = script;
    start_pool_of(command, log);
}

/* The next line that a worker writes. */
static const char *next_words(void)
{
    static char line[LINE_SIZE];
    size_t size = 0;

    do {
        struct pollfd one = { words, POLLIN, 0 };
        ck_assert_int_eq(poll(&one, 1, PATIENCE_MS), 1);
        ck_assert_int_eq(read(words, line + size, 1), 1);
    } while (line[size++] != '\n' && size < sizeof(line));
    line[size - 1] = '\0';
    return line;
}

/* With @count params; the pool's error. */
static const char *start_with(const char *id, FN(StartWorkerRequest__ParamsEntry) *params,
                              size_t count)
{
    FN(StartWorkerRequest__ParamsEntry) *list[8];
    FN(StartWorkerRequest) request = FNK(START_WORKER_REQUEST__INIT);
    PB(ApiServiceDescriptor) endpoint = PBK(API_SERVICE_DESCRIPTOR__INIT);
    PB(ApiServiceDescriptor) provision = PBK(API_SERVICE_DESCRIPTOR__INIT);

    request.worker_id = (char *)id;
    endpoint.url = (char *)control;
    provision.url = (char *)(runner == NULL ? "provision:2" : control);
    request.control_endpoint = &endpoint;
    request.provision_endpoint = &provision;
    for (size_t i = 0; i < count; i++)
        list[i] = &params[i];
    request.params = list;
    request.n_params = count;
    return pool_client_start(client, &request);
}

static const char *start(const char *id)
{
    return start_with(id, NULL, 0);
}

static const char *stop(const char *id)
{
    return pool_client_stop(client, id);
}

/* Waits until nobody has this number any more. */
static void wait_gone(pid_t pid)
{
    for (int i = 0; kill(pid, 0) == 0; i++) {
        ck_assert_int_lt(i, PATIENCE_MS);
        poll(NULL, 0, 1);
    }
}

START_TEST(a_worker_is_told_what_the_runner_says)
{
    char expected[LINE_SIZE];

    start_pool("echo \"$@\" >words", NULL);
    ck_assert_str_eq(start("1-1"), "");
    const char *line = next_words();
    const char *directory = strstr(line, "--semi_persist_dir=");
    ck_assert_ptr_nonnull(directory);
    snprintf(expected, sizeof(expected),
             "--id=1-1 %.*s --control_endpoint=control:1 "
             "--provision_endpoint=provision:2",
             (int)strcspn(directory, " "), directory);
    ck_assert_str_eq(line, expected);
    ck_assert_ptr_nonnull(strstr(directory, "/beamc-pool-"));
}
END_TEST

START_TEST(params_are_variables_of_the_worker)
{
    static const char *const given[][2] = { { "FIRST", "1 = one" },
                                            { "HOME", "/elsewhere" },
                                            { "", "x" },
                                            { "a=b", "y" },
                                            { "EMPTY", "" } };
    FN(StartWorkerRequest__ParamsEntry) params[5];

    for (size_t i = 0; i < 5; i++) {
        fn(start_worker_request__params_entry__init)(&params[i]);
        params[i].key = (char *)given[i][0];
        params[i].value = (char *)given[i][1];
    }
    setenv("HOME", "/here", 1);
    setenv("OURS", "kept", 1);
    start_pool("echo \"$FIRST|$HOME|$OURS|${EMPTY-none}\" >words", NULL);
    ck_assert_str_eq(start_with("1-1", params, 5), "");
    ck_assert_str_eq(next_words(), "1 = one|/elsewhere|kept|");
}
END_TEST

START_TEST(a_worker_is_stopped_with_all_that_it_started)
{
    start_pool("sleep 1000 & echo $! >words; echo $$ >words; wait", NULL);
    ck_assert_str_eq(start("1-1"), "");
    pid_t child = atoi(next_words()), worker = atoi(next_words());
    ck_assert_str_eq(start("1-1"), "worker '1-1' is already running");
    ck_assert_str_eq(stop("1-1"), "");
    wait_gone(worker);
    wait_gone(child);
    /* Its name is free again. */
    ck_assert_str_eq(start("1-1"), "");
    next_words();
    ck_assert_int_ne(atoi(next_words()), worker);
    ck_assert_str_eq(stop("2-2"), "no worker '2-2' is running");
}
END_TEST

START_TEST(a_worker_that_does_not_want_to_end_is_killed)
{
    start_pool("trap '' TERM; echo $$ >words; while :; do sleep 1000; done", NULL);
    ck_assert_str_eq(start("1-1"), "");
    pid_t worker = atoi(next_words());
    ck_assert_str_eq(stop("1-1"), "");
    wait_gone(worker);
}
END_TEST

START_TEST(what_a_worker_leaves_behind_ends_with_it)
{
    start_pool("sleep 1000 & echo $! >words", NULL);
    ck_assert_str_eq(start("1-1"), "");
    wait_gone(atoi(next_words()));
}
END_TEST

START_TEST(all_end_with_the_pool_and_their_files_are_gone)
{
    pid_t workers[4];
    char id[16];

    start_pool("cd \"${2#*=}\" && mkdir deep && echo x >deep/file && cd - >/dev/null && "
               "echo $$ >words && sleep 1000",
               NULL);
    for (int i = 0; i < 4; i++) {
        snprintf(id, sizeof(id), "%d", i);
        ck_assert_str_eq(start(id), "");
        workers[i] = atoi(next_words());
    }
    beamc__process_pool_free(pool);
    pool = NULL;
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(kill(workers[i], 0), -1);
    char *left = scratch_list(".");
    ck_assert_str_eq(left, "words ");
    free(left);
}
END_TEST

/* ---- what is told ---------------------------------------------------------------------------- */

static void write_words(void *ctx BEAMC_UNUSED, const beamc_log_entry *entry)
{
    dprintf(words, "%s %s\n", beamc_log_level_name(entry->level), entry->message);
}

static const beamc_log_sink sink = { write_words, NULL };
static const beamc_log_target target = { .sink = &sink, .level = BEAMC_LOG_INFO };

START_TEST(who_comes_and_goes_is_told)
{
    start_pool("exit 3", &target);
    ck_assert_str_eq(start("1-1"), "");
    /* The end may be told before the answer is. */
    char first[LINE_SIZE];
    snprintf(first, sizeof(first), "%s", next_words());
    const char *second = next_words();
    bool in_order = strstr(first, "started") != NULL;
    const char *started = in_order ? first : second, *ended = in_order ? second : first;
    ck_assert_ptr_nonnull(strstr(started, "INFO worker 1-1: started for ipv4:127.0.0.1:"));
    ck_assert_ptr_nonnull(strstr(started, "; control is at control:1"));
    ck_assert_ptr_nonnull(strstr(ended, "WARN worker 1-1: process "));
    ck_assert_ptr_nonnull(strstr(ended, " ended with status 3"));
}
END_TEST

START_TEST(a_program_that_cannot_be_started_is_the_runners_to_know)
{
    static const char *const command[] = { "/nowhere/worker", NULL };
    const beamc__process_pool_options options = { .command = command,
                                                  .semi_persist_dir = scratch_path() };

    ck_assert_ptr_null(beamc__process_pool_start(&pool, &options));
    client = pool_client_new(beamc__process_pool_url(pool));
    ck_assert_str_eq(start("1-1"),
                     "worker '1-1': starting /nowhere/worker: No such file or directory");
}
END_TEST

/* ---- workers that end too soon --------------------------------------------------------------- */

static char boot[PATH_MAX], wordcount[PATH_MAX];

static void set_up_runner(void)
{
    test_program(boot, sizeof(boot), "beamc-boot");
    test_program(wordcount, sizeof(wordcount), "wordcount");
    set_up();
    runner = boot_peer_new();
    control = boot_peer_url(runner);
    refuser = boot;
}

static void tear_down_runner(void)
{
    boot_peer_free(runner);
    runner = NULL;
    refuser = NULL;
    control = "control:1";
    tear_down();
}

/* The next line of the pool's log that has @part. */
static void wait_log(const char *part)
{
    while (strstr(next_words(), part) == NULL)
        continue;
}

static void check_refused(const char *end)
{
    boot_peer_send(runner, "i1");
    const char *why = boot_peer_answer(runner, "i1");
    check_has(why, "the worker's process ");
    check_has(why, end);
    check_has(why, " before it could serve; what it wrote is in the output of its worker pool");
}

static const struct {
    const char *script, *end;
} too_soon[] = {
    { "exit 3", " ended with status 3" },
    { "exit 0", " ended with status 0" },
    { "kill -ILL $$", " was ended by signal 4 (Illegal instruction)" },
};

START_TEST(a_worker_that_ends_too_soon_is_spoken_for)
{
    start_pool(too_soon[_i].script, &target);
    ck_assert_str_eq(start("1-1"), "");
    check_refused(too_soon[_i].end);
    wait_log(too_soon[_i].end);
    boot_peer_dismiss(runner);
    wait_log("INFO worker 1-1: ended");
    ck_assert_int_eq(boot_peer_came(runner), 1);
}
END_TEST

START_TEST(who_speaks_for_a_worker_is_stopped_like_it)
{
    start_pool("exit 3", &target);
    ck_assert_str_eq(start("1-1"), "");
    ck_assert_str_eq(start("1-2"), "");
    boot_peer_wait_came(runner, 2);
    ck_assert_str_eq(start("1-1"), "worker '1-1' is already running");
    ck_assert_str_eq(stop("1-1"), "");
    boot_peer_wait_went(runner, 1);
    beamc__process_pool_free(pool);
    pool = NULL;
    boot_peer_wait_went(runner, 2);
}
END_TEST

START_TEST(a_worker_that_told_that_it_serves_is_not_spoken_for)
{
    start_pool(": >\"$BEAMC_WORKER_SERVING\"; exit 3", &target);
    ck_assert_str_eq(start("1-1"), "");
    wait_log(" ended with status 3");
    ck_assert_int_eq(boot_peer_came(runner), 0);
}
END_TEST

START_TEST(a_worker_that_was_stopped_is_not_spoken_for)
{
    start_pool("echo >words; sleep 1000", &target);
    ck_assert_str_eq(start("1-1"), "");
    ck_assert_str_eq(stop("1-1"), "");
    wait_log("INFO worker 1-1: stopped");
    ck_assert_int_eq(boot_peer_came(runner), 0);
}
END_TEST

START_TEST(without_anybody_who_could_nobody_is_spoken_for)
{
    refuser = NULL;
    start_pool("exit 3", &target);
    ck_assert_str_eq(start("1-1"), "");
    wait_log(" ended with status 3");
    ck_assert_int_eq(boot_peer_came(runner), 0);
}
END_TEST

START_TEST(programs_tell_that_they_serve)
{
    const char *const command[] = { wordcount, NULL };

    start_pool_of(command, &target);
    ck_assert_str_eq(start("1-1"), "");
    boot_peer_wait_came(runner, 1);
    boot_peer_dismiss(runner);
    wait_log("INFO worker 1-1: ended");
    ck_assert_int_eq(boot_peer_came(runner), 1);
}
END_TEST

START_TEST(boot_tells_that_it_refuses_by_itself)
{
    const char *const command[] = { boot, NULL };

    start_pool_of(command, &target);
    ck_assert_str_eq(start("1-1"), "");
    boot_peer_send(runner, "i1");
    check_has(boot_peer_answer(runner, "i1"), "no program was staged for this worker");
    boot_peer_dismiss(runner);
    wait_log(" ended with status 1");
    ck_assert_int_eq(boot_peer_came(runner), 1);
}
END_TEST

START_TEST(a_staged_program_that_ends_too_soon_is_spoken_for)
{
    const char *const command[] = { boot, NULL };

    boot_peer_file(runner, "worker", "#!/bin/sh\nexit 5\n", NULL);
    start_pool_of(command, &target);
    ck_assert_str_eq(start("1-1"), "");
    check_refused(" ended with status 5");
    boot_peer_dismiss(runner);
    wait_log("INFO worker 1-1: ended");
}
END_TEST

/* ---- a program that is a pool ---------------------------------------------------------------- */

START_TEST(a_program_is_a_pool_until_a_signal)
{
    static const char *const command[] = { "/bin/sh", "-c", "sleep 1000", NULL };
    const beamc__process_pool_options options = { .command = command,
                                                  .semi_persist_dir = scratch_path(),
                                                  .log = &target };
    const int number = _i == 0 ? SIGTERM : SIGINT;
    char expected[64];

    pid_t pid = fork();
    if (pid == 0) {
        beamc_error *error = beamc__process_pool_serve(&options);
        _exit(error == NULL ? 0 : 1);
    }
    ck_assert_ptr_nonnull(strstr(next_words(), "INFO worker pool: ready at 127.0.0.1:"));
    ck_assert_int_eq(kill(pid, number), 0);
    snprintf(expected, sizeof(expected), "INFO worker pool: ends by %s", strsignal(number));
    ck_assert_str_eq(next_words(), expected);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

Suite *suite_process_pool(void)
{
    Suite *suite = suite_create("process_pool");
    TCase *tc = tcase_create("process_pool"), *program = tcase_create("program");
    TCase *early = tcase_create("too_soon");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, a_worker_is_told_what_the_runner_says);
    tcase_add_test(tc, params_are_variables_of_the_worker);
    tcase_add_test(tc, a_worker_is_stopped_with_all_that_it_started);
    tcase_add_test(tc, a_worker_that_does_not_want_to_end_is_killed);
    tcase_add_test(tc, what_a_worker_leaves_behind_ends_with_it);
    tcase_add_test(tc, all_end_with_the_pool_and_their_files_are_gone);
    tcase_add_test(tc, who_comes_and_goes_is_told);
    tcase_add_test(tc, a_program_that_cannot_be_started_is_the_runners_to_know);
    suite_add_tcase(suite, tc);
    tcase_add_checked_fixture(early, set_up_runner, tear_down_runner);
    tcase_set_timeout(early, 30);
    tcase_add_loop_test(early, a_worker_that_ends_too_soon_is_spoken_for, 0,
                        sizeof(too_soon) / sizeof(*too_soon));
    tcase_add_test(early, who_speaks_for_a_worker_is_stopped_like_it);
    tcase_add_test(early, a_worker_that_told_that_it_serves_is_not_spoken_for);
    tcase_add_test(early, a_worker_that_was_stopped_is_not_spoken_for);
    tcase_add_test(early, without_anybody_who_could_nobody_is_spoken_for);
    tcase_add_test(early, programs_tell_that_they_serve);
    tcase_add_test(early, boot_tells_that_it_refuses_by_itself);
    tcase_add_test(early, a_staged_program_that_ends_too_soon_is_spoken_for);
    suite_add_tcase(suite, early);
    /* gRPC begins in the forked program. */
    tcase_add_checked_fixture(program, set_up_words, tear_down_words);
    tcase_set_timeout(program, 30);
    tcase_add_loop_test(program, a_program_is_a_pool_until_a_signal, 0, 2);
    suite_add_tcase(suite, program);
    return suite;
}
