/* SPDX-License-Identifier: Apache-2.0 */
/* A program that crashes while it runs a pipeline itself.  By abort(), which no sanitizer has a handler
 * for. */
#include <beamc/beamc.h>
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static __attribute__((noinline)) void lose_heart(void)
{
    abort();
}

BEAMC_DOFN(crash_late, int64, int64)
{
    if (*element == 3)
        lose_heart();
    return beamc_emit(ctx, element);
}

static void build(beamc_pipeline *p, const beamc_options *options BEAMC_UNUSED)
{
    static const int64_t numbers[] = { 1, 2, 3, 4 };

    beamc_par_do(beamc_create(p, BEAMC_TYPE(int64), numbers, 4), &crash_late);
}

/* Runs it in a child; what that wrote to standard error is added to @out. */
static int run(char *out, size_t size)
{
    const struct rlimit none = { 0, 0 };
    char *argv[] = { "program", "--direct_num_workers=1", NULL };
    int ends[2], status;
    size_t length = 0;

    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &none);
        dup2(ends[1], STDERR_FILENO);
        _exit(beamc_main(2, argv, build));
    }
    close(ends[1]);
    for (ssize_t got; (got = read(ends[0], out + length, size - 1 - length)) > 0;)
        length += (size_t)got;
    out[length] = '\0';
    close(ends[0]);
    while (waitpid(child, &status, 0) < 0)
        ck_assert_int_eq(errno, EINTR);
    return status;
}

START_TEST(programs_that_crash_say_in_which_transform)
{
    char text[65536];
    int status = run(text, sizeof(text));

    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "%x: %.4000s",
                  (unsigned)status, text);
    static const char *const parts[] = {
        "CRITICAL transform crash_late: element 3: aborted (SIGABRT) in lose_heart+0x", "  #0 ",
        "beamc__plan_run+0x"
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        ck_assert_msg(strstr(text, parts[i]) != NULL, "no \"%s\" in:\n%.4000s", parts[i], text);
}
END_TEST

Suite *suite_crash_report(void)
{
    Suite *suite = suite_create("crash_report");
    TCase *tc = tcase_create("crash_report");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, programs_that_crash_say_in_which_transform);
    suite_add_tcase(suite, tc);
    return suite;
}
