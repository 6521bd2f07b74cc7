/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/threads.h"

#include "test/harness/exec/kit.h"
#include <check.h>
#include <uv.h>

typedef struct {
    uv_barrier_t *barrier; /* where it meets the others; NULL: nowhere */
    int *count;            /* atomic */
} task;

static void run(void *arg)
{
    const task *one = arg;

    if (one->barrier != NULL)
        uv_barrier_wait(one->barrier);
    __atomic_fetch_add(one->count, 1, __ATOMIC_RELAXED);
}

/* None of them ends before all have begun. */
START_TEST(tasks_run_at_the_same_time)
{
    beamc__threads *threads = beamc__threads_new(100);
    int count = 0;
    task tasks[5];
    uv_barrier_t barriers[5]; /* until all have left them */

    for (int round = 0; round < 5; round++) {
        ck_assert_int_eq(uv_barrier_init(&barriers[round], 65), 0);
        tasks[round] = (task){ &barriers[round], &count };
        for (int i = 0; i < 64; i++)
            exec_ok(beamc__threads_start(threads, run, &tasks[round]));
        uv_barrier_wait(&barriers[round]);
    }
    beamc__threads_free(threads);
    for (int round = 0; round < 5; round++)
        uv_barrier_destroy(&barriers[round]);
    ck_assert_int_eq(count, 5 * 64);
}
END_TEST

START_TEST(tasks_wait_where_there_are_too_many)
{
    beamc__threads *threads = beamc__threads_new(2);
    int count = 0;
    task one = { NULL, &count };

    for (int i = 0; i < 1000; i++)
        exec_ok(beamc__threads_start(threads, run, &one));
    beamc__threads_end(threads);
    ck_assert_int_eq(count, 1000);
    exec_expect(beamc__threads_start(threads, run, &one), BEAMC_ECANCELLED, "stopped");
    ck_assert_int_eq(count, 1000);
    beamc__threads_free(threads);
    beamc__threads_free(NULL);
}
END_TEST

Suite *suite_threads(void)
{
    Suite *suite = suite_create("threads");
    TCase *tc = tcase_create("all");

    tcase_add_test(tc, tasks_run_at_the_same_time);
    tcase_add_test(tc, tasks_wait_where_there_are_too_many);
    suite_add_tcase(suite, tc);
    return suite;
}
