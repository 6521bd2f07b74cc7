/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/threads.h"

#include "test/harness/exec/kit.h"
#include "test/process.h"
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

typedef struct {
    beamc__threads *threads;
    int left; /* of a chain of tasks, each of which starts the next with its last words */
    uv_sem_t done;
} chain;

static void run_link(void *arg)
{
    chain *of = arg;

    beamc__threads_over(of->threads);
    beamc__threads_over(of->threads); /* said once more it is no second thread */
    if (--of->left > 0)
        exec_ok(beamc__threads_start(of->threads, run_link, of));
    else
        uv_sem_post(&of->done);
}

START_TEST(last_words_make_no_thread)
{
    chain of = { .threads = beamc__threads_new(100) };
    int count = 0;
    task one = { NULL, &count };

    ck_assert_int_eq(uv_sem_init(&of.done, 0), 0);
    int links[] = { 1, 100 }, counts[2];
    for (int i = 0; i < 2; i++) {
        of.left = links[i];
        exec_ok(beamc__threads_start(of.threads, run_link, &of));
        uv_sem_wait(&of.done);
        counts[i] = count_threads();
    }
    ck_assert_int_eq(counts[0], counts[1]);
    /* And it still is there for others. */
    exec_ok(beamc__threads_start(of.threads, run, &one));
    beamc__threads_free(of.threads);
    ck_assert_int_eq(count, 1);
    uv_sem_destroy(&of.done);
}
END_TEST

Suite *suite_threads(void)
{
    Suite *suite = suite_create("threads");
    TCase *tc = tcase_create("all");

    tcase_add_test(tc, tasks_run_at_the_same_time);
    tcase_add_test(tc, tasks_wait_where_there_are_too_many);
    tcase_add_test(tc, last_words_make_no_thread);
    suite_add_tcase(suite, tc);
    return suite;
}
