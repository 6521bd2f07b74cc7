/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks of this thread and of others, and the names of functions in them. */
#include "harness/worker/stack.h"

#include "harness/worker/symbols.h"
#include "test/check_has.h"
#include "test/harness/exec/kit.h"
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

/* ---- names ----------------------------------------------------------------------------------- */

static __attribute__((noinline)) int named_here(int x)
{
    return x + 1;
}

START_TEST(static_functions_have_names)
{
    char text[300];

    beamc__symbol_print((uintptr_t)named_here, text, sizeof(text));
    check_has(text, "named_here+0x0 (run_tests+0x");
    ck_assert(beamc__symbol_is_own((uintptr_t)named_here));
}
END_TEST

START_TEST(functions_of_libraries_have_names)
{
    char text[300];

    beamc__symbol_print((uintptr_t)uv_strerror, text, sizeof(text));
    check_has(text, "uv_strerror+0x");
}
END_TEST

START_TEST(addresses_without_a_file_are_numbers)
{
    char text[300];
    int here = 0;

    beamc__symbol_print(16, text, sizeof(text));
    ck_assert_str_eq(text, "0x10");
    beamc__symbol_print((uintptr_t)&here, text, sizeof(text));
    check_has(text, "0x");
    ck_assert(!beamc__symbol_is_own((uintptr_t)&here));
}
END_TEST

START_TEST(names_are_cut_where_there_is_no_room)
{
    char text[8];

    beamc__symbol_print((uintptr_t)named_here, text, sizeof(text));
    ck_assert_str_eq(text, "named_h");
}
END_TEST

/* ---- stacks ---------------------------------------------------------------------------------- */

static __attribute__((noinline)) void take_here(beamc__stack *out)
{
    beamc__stack_take(out, 0);
    ck_assert_uint_gt(out->count, 1); /* and no tail call */
}

START_TEST(a_thread_takes_its_own_stack)
{
    char text[BEAMC__STACK_TEXT], little[64];
    beamc__stack stack;

    take_here(&stack);
    beamc__stack_print(&stack, text, sizeof(text));
    check_has(text, "take_here+0x");
    check_has(text, "a_thread_takes_its_own_stack");
    beamc__stack_print(&stack, little, sizeof(little));
    ck_assert_int_eq(strncmp(text, little, sizeof(little) - 1), 0);
    ck_assert(beamc__stack_of((pid_t)syscall(SYS_gettid), &stack));
}
END_TEST

static int go_down(int depth, beamc__stack *out);
static int (*volatile go_on)(int depth, beamc__stack *out) = go_down; /* no loop is made of it */

static int go_down(int depth, beamc__stack *out)
{
    if (depth == 0)
        beamc__stack_take(out, 0);
    return depth == 0 ? 0 : go_on(depth - 1, out) + named_here(depth);
}

START_TEST(deep_stacks_are_cut)
{
    beamc__stack stack;

    go_down(1000, &stack);
    ck_assert_uint_eq(stack.count, BEAMC__STACK_MOST);
}
END_TEST

/* ---- of other threads ------------------------------------------------------------------------ */

typedef struct {
    uv_thread_t thread;
    uv_sem_t is_there, may_go;
    pid_t id;
} other;

static void be_there(void *arg)
{
    other *self = arg;

    /* gcc 12's thread sanitizer loses a signal that comes while it prepares a thread's first call
     * that can block: here there is one in which none is sent yet. */
    uv_sem_post(&self->may_go);
    uv_sem_wait(&self->may_go);
    self->id = (pid_t)syscall(SYS_gettid);
    uv_sem_post(&self->is_there);
    uv_sem_wait(&self->may_go);
    uv_sem_post(&self->is_there); /* so that the call before is none in place of this one */
}

static void begin(other *out)
{
    ck_assert_int_eq(uv_sem_init(&out->is_there, 0), 0);
    ck_assert_int_eq(uv_sem_init(&out->may_go, 0), 0);
    ck_assert_int_eq(uv_thread_create(&out->thread, be_there, out), 0);
    uv_sem_wait(&out->is_there);
}

static void end(other *one)
{
    uv_sem_post(&one->may_go);
    uv_thread_join(&one->thread);
    uv_sem_destroy(&one->is_there);
    uv_sem_destroy(&one->may_go);
}

/* One that has no processor for a while does not answer in time; it is asked again. */
static void stack_of(const other *one, beamc__stack *out)
{
    for (int tries = 1; !beamc__stack_of(one->id, out); tries++)
        ck_assert_int_lt(tries, 100);
}

START_TEST(other_threads_are_asked_for_theirs)
{
    char text[BEAMC__STACK_TEXT];
    beamc__stack stack;
    other one;

    exec_ok(beamc__stack_listen());
    begin(&one);
    for (int i = 0; i < 20; i++) {
        stack_of(&one, &stack);
        beamc__stack_print(&stack, text, sizeof(text));
        check_has(text, "be_there+0x");
    }
    end(&one);
    ck_assert(!beamc__stack_of(one.id, &stack)); /* it is gone */
    beamc__stack_unlisten();
}
END_TEST

START_TEST(nobody_is_asked_without_a_handler)
{
    beamc__stack stack;
    other one;

    begin(&one);
    ck_assert(!beamc__stack_of(one.id, &stack));
    exec_ok(beamc__stack_listen());
    exec_ok(beamc__stack_listen()); /* which changes nothing */
    beamc__stack_unlisten();
    ck_assert(!beamc__stack_of(one.id, &stack));
    end(&one);
}
END_TEST

static void block_all(void *arg)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    be_there(arg);
    pthread_sigmask(SIG_UNBLOCK, &all, NULL); /* one that was asked in vain may answer now */
}

START_TEST(threads_that_do_not_answer_are_not_waited_for)
{
    beamc__stack stack;
    other deaf, one;

    exec_ok(beamc__stack_listen());
    ck_assert_int_eq(uv_sem_init(&deaf.is_there, 0), 0);
    ck_assert_int_eq(uv_sem_init(&deaf.may_go, 0), 0);
    ck_assert_int_eq(uv_thread_create(&deaf.thread, block_all, &deaf), 0);
    uv_sem_wait(&deaf.is_there);
    begin(&one);
    ck_assert(!beamc__stack_of(deaf.id, &stack));
    stack_of(&one, &stack);
    end(&deaf);
    stack_of(&one, &stack);
    end(&one);
    beamc__stack_unlisten();
}
END_TEST

static void unused_handler(int number BEAMC_UNUSED)
{
}

START_TEST(signals_that_a_program_uses_are_not_taken)
{
    struct sigaction action = { .sa_handler = unused_handler }, now;

    ck_assert_int_eq(sigaction(SIGRTMAX, &action, NULL), 0);
    exec_ok(beamc__stack_listen());
    ck_assert_int_eq(sigaction(SIGRTMAX, NULL, &now), 0);
    ck_assert(now.sa_handler == unused_handler);
    ck_assert_int_eq(sigaction(SIGRTMAX - 1, NULL, &now), 0);
    ck_assert((now.sa_flags & SA_SIGINFO) != 0);
    beamc__stack_unlisten();
    ck_assert_int_eq(sigaction(SIGRTMAX - 1, NULL, &now), 0);
    ck_assert(now.sa_handler == SIG_DFL);
}
END_TEST

Suite *suite_stack(void)
{
    Suite *suite = suite_create("stack");
    TCase *tc = tcase_create("stack");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, static_functions_have_names);
    tcase_add_test(tc, functions_of_libraries_have_names);
    tcase_add_test(tc, addresses_without_a_file_are_numbers);
    tcase_add_test(tc, names_are_cut_where_there_is_no_room);
    tcase_add_test(tc, a_thread_takes_its_own_stack);
    tcase_add_test(tc, deep_stacks_are_cut);
    tcase_add_test(tc, other_threads_are_asked_for_theirs);
    tcase_add_test(tc, nobody_is_asked_without_a_handler);
    tcase_add_test(tc, threads_that_do_not_answer_are_not_waited_for);
    tcase_add_test(tc, signals_that_a_program_uses_are_not_taken);
    suite_add_tcase(suite, tc);
    return suite;
}
