/* SPDX-License-Identifier: Apache-2.0 */
/* A worker process that crashes, in a child: what the runner hears of it, and how it dies.
 *
 * Sanitizers have handlers of their own for most of these signals.  A program leaves them alone, and
 * so the sanitizer's report is what one gets; but here it is our report that is looked at, so the child
 * replaces them.  What crashes is not sanitized, or it would not come to the signal. */
#include "harness/worker/crash.h"

#include "harness/container/serve.h"
#include "sdk/rpc/rpc.h"
#include "test/check_has.h"
#include "test/harness/worker/fns.h"
#include <beamc/pipeline.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

/* ---- functions that crash -------------------------------------------------------------------- */

/* The thread sanitizer lets no signal come while a handler runs, so a crash in one is the end. */
#if defined(__SANITIZE_THREAD__)
#define BLOCKS_IN_HANDLERS 1
#else
#define BLOCKS_IN_HANDLERS 0
#endif

#define RAW __attribute__((noinline, no_sanitize("address", "undefined", "thread")))

static volatile int zero, result;

RAW static int read_nothing(void)
{
    const volatile int *nothing = (const volatile int *)(intptr_t)zero;
    return *nothing;
}

RAW static int divide_by_nothing(void)
{
#if defined(__x86_64__)
    return 7 / zero; /* 1 would need no division */
#else
    return raise(SIGFPE);
#endif
}

RAW static int do_nothing_sensible(void)
{
    __builtin_trap();
}

/* Beyond the end of a file there is no memory. */
RAW static int read_past_the_end(void)
{
    char name[] = "/tmp/beamc-crash-XXXXXX";
    int file = mkstemp(name);
    const volatile char *bytes;

    ck_assert_int_ge(file, 0);
    unlink(name);
    bytes = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0);
    return bytes[100];
}

RAW static int give_up_work(void)
{
    abort();
}

RAW static int call_nothing(void)
{
    int (*volatile nothing)(void) = (int (*)(void))(intptr_t)zero;
    return nothing() + 1;
}

RAW static int go_deep(int depth)
{
    volatile char room[4096];

    room[depth % 4096] = 1;
    return zero == 0 ? go_deep(depth + 1) + room[0] : 0;
}

RAW static int go_too_deep(void)
{
    return go_deep(0) + 1;
}

/* What a saved frame says is wrong, too. */
RAW static int spoil_the_stack(void)
{
    volatile uintptr_t *here = (volatile uintptr_t *)__builtin_frame_address(0);

    for (int i = 0; i < 64; i++)
        here[i] = 0x10;
    return *(volatile int *)(intptr_t)zero;
}

static const struct {
    const char *word;
    int (*crash)(void);
    int signal;
    const char *function; /* that is named */
    const char *text;
} crashes[] = {
    { "segv", read_nothing, SIGSEGV, "read_nothing+0x", "segmentation fault (SIGSEGV) at address 0x0" },
    { "fpe", divide_by_nothing, SIGFPE, "divide_by_nothing+0x", "arithmetic error (SIGFPE)" },
    { "ill", do_nothing_sensible, SIGILL, "do_nothing_sensible+0x", "illegal instruction (SIGILL)" },
    { "bus", read_past_the_end, SIGBUS, "read_past_the_end+0x", "bus error (SIGBUS) at address 0x" },
    { "abrt", give_up_work, SIGABRT, "give_up_work+0x", "aborted (SIGABRT) in give_up_work" },
    { "call", call_nothing, SIGSEGV, "call_nothing+0x", "segmentation fault (SIGSEGV) at address 0x0" },
    { "deep", go_too_deep, SIGSEGV, "go_deep+0x", "segmentation fault (SIGSEGV) at address 0x" },
};

enum { CRASHES = sizeof(crashes) / sizeof(*crashes) };

static void crash_at(beamc_string word)
{
    for (size_t i = 0; i < CRASHES; i++) {
        if (word.size == strlen(crashes[i].word) &&
            memcmp(word.data, crashes[i].word, word.size) == 0)
            result = crashes[i].crash();
    }
    if (word.size == 5 && memcmp(word.data, "spoil", 5) == 0)
        result = spoil_the_stack();
}

BEAMC_DOFN(crash_fn, string, string)
{
    crash_at(*element);
    return beamc_emit(ctx, element);
}

static beamc_error *crash_in_setup(beamc_context *ctx BEAMC_UNUSED)
{
    result = read_nothing();
    return NULL;
}

BEAMC_DOFN_WITH(crash_setup_fn, string, string, .setup = crash_in_setup)
{
    return beamc_emit(ctx, element);
}

static beamc_error *crash_at_end(beamc_context *ctx BEAMC_UNUSED)
{
    result = read_nothing();
    return NULL;
}

BEAMC_DOFN_WITH(crash_finish_fn, string, string, .finish_bundle = crash_at_end)
{
    return beamc_emit(ctx, element);
}

/* ---- the child ------------------------------------------------------------------------------- */

static fn_peer *runner;
static pid_t child;
static int tell_child;   /* a pipe */
static int child_errors; /* its standard error */

/* As a program does that a runner starts. */
static void serve(const char *url)
{
    char control[100], logging[100];
    char *argv[] = { "program", "--id=worker-1", control, logging, NULL };

    snprintf(control, sizeof(control), "--control_endpoint=%s", url);
    snprintf(logging, sizeof(logging), "--logging_endpoint=%s", url);
    beamc_error *error = beamc__serve(4, argv, __start_beamc_functions,
                                      (size_t)(__stop_beamc_functions - __start_beamc_functions));
    _exit(error == NULL ? 0 : 1);
}

static void run_child(int told, int errors)
{
    const struct rlimit none = { 0, 0 };
    char url[64];

    setrlimit(RLIMIT_CORE, &none);
    dup2(errors, STDERR_FILENO);
    ssize_t size = read(told, url, sizeof(url) - 1);
    if (size <= 0 || beamc__crash_watch(true) != NULL)
        _exit(2);
    url[size] = '\0';
    serve(url);
}

/* Forks before gRPC is used, which does not outlive it. */
static void begin(void)
{
    int told[2], errors[2];

    ck_assert_int_eq(pipe(told), 0);
    ck_assert_int_eq(pipe(errors), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        run_child(told[0], errors[1]);
    close(told[0]);
    close(errors[1]);
    tell_child = told[1];
    child_errors = errors[0];
    runner = fn_peer_new();
    const char *url = fn_peer_url(runner);
    ck_assert_int_eq(write(tell_child, url, strlen(url)), (ssize_t)strlen(url));
    fn_peer_wait_open(runner, FN_CONTROL, 1);
}

static void check_death(int number)
{
    int status;

    while (waitpid(child, &status, 0) < 0)
        ck_assert_int_eq(errno, EINTR);
    ck_assert_msg(WIFSIGNALED(status), "status %x", (unsigned)status);
    ck_assert_int_eq(WTERMSIG(status), number);
}

/* All that it wrote; it has ended. */
static const char *errors(void)
{
    static char text[65536];
    size_t size = 0;

    for (ssize_t got; (got = read(child_errors, text + size, sizeof(text) - 1 - size)) > 0;)
        size += (size_t)got;
    text[size] = '\0';
    return text;
}

static void end(void)
{
    close(tell_child);
    close(child_errors);
    fn_peer_free(runner);
}

/* ---- tests ----------------------------------------------------------------------------------- */

START_TEST(a_crash_is_told_with_its_place_and_its_stack)
{
    char words[100];

    begin();
    worker_give(runner, "d1", &crash_fn);
    fn_peer_process(runner, "i1", "d1");
    snprintf(words, sizeof(words), "fine %s", crashes[_i].word);
    fn_peer_put(runner, "i1", "in", words);

    const FN(LogEntry) *entry = fn_peer_log(runner, crashes[_i].text);
    ck_assert_int_eq(entry->severity, FNK(LOG_ENTRY__SEVERITY__ENUM__CRITICAL));
    ck_assert_str_eq(entry->instruction_id, "i1");
    ck_assert_str_eq(entry->transform_id, "fn");
    check_has(entry->message, "transform fn: element 2: ");
    check_has(entry->message, crashes[_i].function);
    check_has(entry->trace, crashes[_i].function);
    if (crashes[_i].crash != go_too_deep) /* whose frames are more than are taken */
        check_has(entry->trace, "crash_fn");
    const char *answer = fn_peer_failed(runner, "i1", "transform fn: element 2: ");
    check_has(answer, crashes[_i].text);
    check_has(answer, crashes[_i].function);
    check_death(crashes[_i].signal);
    const char *written = errors();
    check_has(written, "CRITICAL transform fn: element 2: ");
    check_has(written, ", instruction i1\n");
    check_has(written, crashes[_i].function);
    end();
}
END_TEST

START_TEST(a_crash_in_setup_names_it)
{
    begin();
    worker_give(runner, "d1", &crash_setup_fn);
    fn_peer_process(runner, "i1", "d1");
    check_has(fn_peer_failed(runner, "i1", "transform fn: setup: segmentation fault"),
              "crash_in_setup");
    check_death(SIGSEGV);
    end();
}
END_TEST

START_TEST(a_crash_in_finish_bundle_names_it)
{
    begin();
    worker_give(runner, "d1", &crash_finish_fn);
    fn_peer_process(runner, "i1", "d1");
    fn_peer_put(runner, "i1", "in", "a b");
    check_has(fn_peer_failed(runner, "i1", "transform fn: finish_bundle: segmentation fault"),
              "crash_at_end");
    check_death(SIGSEGV);
    end();
}
END_TEST

START_TEST(a_spoilt_stack_is_no_second_crash)
{
    begin();
    worker_give(runner, "d1", &crash_fn);
    fn_peer_process(runner, "i1", "d1");
    fn_peer_put(runner, "i1", "in", "spoil");
    fn_peer_failed(runner, "i1", "transform fn: element 1: segmentation fault (SIGSEGV) at ");
    check_death(SIGSEGV);
    end();
}
END_TEST

/* The other bundles are not answered: to the runner they end with the worker. */
START_TEST(only_the_bundle_that_crashed_is_answered)
{
    begin();
    worker_give(runner, "d1", &crash_fn);
    fn_peer_process(runner, "i1", "d1");
    fn_peer_process(runner, "i2", "d1");
    fn_peer_wait_open(runner, FN_DATA, 1);
    fn_peer_put(runner, "i2", "in", "segv");
    fn_peer_failed(runner, "i2", "segmentation fault");
    check_death(SIGSEGV);
    fn_peer_wait_closed(runner, FN_CONTROL, 1);
    ck_assert(!fn_peer_has_response(runner, "i1"));
    end();
}
END_TEST

START_TEST(signals_from_outside_are_told_as_such)
{
    char part[100];

    begin();
    worker_give(runner, "d1", &crash_fn);
    ck_assert_int_eq(kill(child, SIGABRT), 0);
    snprintf(part, sizeof(part), "aborted (SIGABRT) sent by process %d", (int)getpid());
    const FN(LogEntry) *entry = fn_peer_log(runner, part);
    ck_assert_int_eq(entry->severity, FNK(LOG_ENTRY__SEVERITY__ENUM__CRITICAL));
    ck_assert_str_eq(entry->instruction_id, "");
    check_death(SIGABRT);
    end();
}
END_TEST

START_TEST(a_runner_that_does_not_listen_delays_nothing)
{
    begin();
    worker_give(runner, "d1", &crash_fn);
    fn_peer_process(runner, "i1", "d1");
    fn_peer_wait_open(runner, FN_DATA, 1);
    fn_peer_wait_open(runner, FN_LOGGING, 1);
    fn_peer_end(runner, FN_LOGGING, BEAMC__RPC_OK, NULL);
    fn_peer_wait_closed(runner, FN_LOGGING, 1);
    fn_peer_put(runner, "i1", "in", "segv");
    check_death(SIGSEGV);
    check_has(errors(), "CRITICAL transform fn: element 1: segmentation fault");
    end();
}
END_TEST

Suite *suite_crash(void)
{
    Suite *suite = suite_create("crash");
    TCase *tc = tcase_create("crash");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_crash_is_told_with_its_place_and_its_stack, 0, CRASHES);
    tcase_add_test(tc, a_crash_in_setup_names_it);
    tcase_add_test(tc, a_crash_in_finish_bundle_names_it);
    if (!BLOCKS_IN_HANDLERS)
        tcase_add_test(tc, a_spoilt_stack_is_no_second_crash);
    tcase_add_test(tc, only_the_bundle_that_crashed_is_answered);
    tcase_add_test(tc, signals_from_outside_are_told_as_such);
    tcase_add_test(tc, a_runner_that_does_not_listen_delays_nothing);
    suite_add_tcase(suite, tc);
    return suite;
}
