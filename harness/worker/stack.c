/* SPDX-License-Identifier: Apache-2.0 */
/* Another thread's stack is taken by itself, in a signal handler:
 *
 *     asker                    asked thread
 *       state WANTED
 *       signal ------------->  WANTED -> TAKING
 *                              walks its stack
 *       waits on a pipe <----  TAKEN
 *
 * One at a time.  An asker that has no more patience takes the order back (WANTED -> IDLE); if the
 * walk has begun by then, its end must be waited for, since it writes into the one place there is. */
#include "harness/worker/stack.h"

#include "harness/worker/symbols.h"
#include "sdk/base/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#define PATIENCE_MS 500 /* for a thread that has no processor, or blocks signals */

/* ---- one's own ------------------------------------------------------------------------------- */

typedef struct {
    beamc__stack *out;
    uintptr_t from;
} walk;

static _Unwind_Reason_Code add_frame(struct _Unwind_Context *context, void *ctx)
{
    const walk *to = ctx;
    beamc__stack *out = to->out;
    int is_exact = 0;
    uintptr_t address = _Unwind_GetIPInfo(context, &is_exact);

    if (address == 0)
        return _URC_END_OF_STACK;
    /* What lies above the interrupted function is the handler's. */
    if (address == to->from)
        out->count = 0;
    /* A return address may be the start of the next line, or of the next function. */
    out->frames[out->count++] = is_exact ? address : address - 1;
    return out->count == BEAMC__STACK_MOST ? _URC_END_OF_STACK : _URC_NO_REASON;
}

void beamc__stack_take(beamc__stack *out, uintptr_t from)
{
    walk to = { out, from };

    out->count = 0;
    _Unwind_Backtrace(add_frame, &to);
}

uintptr_t beamc__stack_interrupted(const void *context)
{
#if defined(__x86_64__)
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.pc;
#else
    (void)context;
    return 0;
#endif
}

void beamc__stack_print(const beamc__stack *stack, char *out, size_t size)
{
    char name[200];
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < stack->count && at < size; i++) {
        beamc__symbol_print(stack->frames[i], name, sizeof(name));
        int length = snprintf(out + at, size - at, "  #%zu %s\n", i, name);
        at += length > 0 ? (size_t)length : 0;
    }
}

/* ---- another's ------------------------------------------------------------------------------- */

enum { IDLE, WANTED, TAKING, TAKEN };

/* A process has one table of handlers, so there is one of these. */
static struct {
    pthread_mutex_t lock; /* guards what is not atomic */
    int signal;           /* 0: nobody listens */
    int ends[2];          /* of the pipe */
    pid_t thread;         /* who is asked; atomic */
    int state;            /* atomic */
    beamc__stack stack;
} asking = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool change(int from, int to)
{
    return __atomic_compare_exchange_n(&asking.state, &from, to, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

static void on_ask(int number, siginfo_t *info, void *context)
{
    int saved = errno;

    (void)number;
    (void)info;
    /* One that comes late, after its asker has gone, finds no order for this thread. */
    if (__atomic_load_n(&asking.thread, __ATOMIC_ACQUIRE) == (pid_t)syscall(SYS_gettid) &&
        change(WANTED, TAKING)) {
        beamc__stack_take(&asking.stack, beamc__stack_interrupted(context));
        __atomic_store_n(&asking.state, TAKEN, __ATOMIC_RELEASE);
        (void)!write(asking.ends[1], "", 1); /* a full pipe wakes, too */
    }
    errno = saved;
}

/* The highest that is free: programs count from the lowest. */
static int free_signal(void)
{
    struct sigaction now;

    for (int number = SIGRTMAX; number >= SIGRTMIN; number--) {
        if (sigaction(number, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) == 0 &&
            now.sa_handler == SIG_DFL)
            return number;
    }
    return 0;
}

static beamc_error *listen_on(int number)
{
    struct sigaction action = { .sa_sigaction = on_ask,
                                .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK };

    if (number == 0)
        return beamc_error_new(BEAMC_ELIMIT, "all real-time signals are in use");
    if (pipe2(asking.ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return beamc_error_system(errno, "a pipe for stacks of threads");
    sigfillset(&action.sa_mask);
    if (sigaction(number, &action, NULL) < 0) {
        int code = errno;
        close(asking.ends[0]);
        close(asking.ends[1]);
        return beamc_error_system(code, "the handler for stacks of threads");
    }
    asking.signal = number;
    return NULL;
}

beamc_error *beamc__stack_listen(void)
{
    beamc__stack unused;

    beamc__stack_take(&unused, 0); /* what the first walk loads and allocates is there from now on */
    pthread_mutex_lock(&asking.lock);
    beamc_error *error = asking.signal != 0 ? NULL : listen_on(free_signal());
    pthread_mutex_unlock(&asking.lock);
    return error;
}

void beamc__stack_unlisten(void)
{
    pthread_mutex_lock(&asking.lock);
    if (asking.signal != 0) {
        /* Not the default, by which one that is still on its way would end the process. */
        signal(asking.signal, SIG_IGN);
        signal(asking.signal, SIG_DFL); /* which drops what is pending, ignored as it was */
        close(asking.ends[0]);
        close(asking.ends[1]);
        asking.signal = 0;
    }
    pthread_mutex_unlock(&asking.lock);
}

static void drain(void)
{
    char byte;

    while (read(asking.ends[0], &byte, 1) > 0)
        continue;
}

/* The byte of a walk that ended after its asker had gone may come at any time: it ends no wait. */
static void wait_for_end(void)
{
    struct pollfd end = { .fd = asking.ends[0], .events = POLLIN };
    int64_t until = beamc__now_ms() + PATIENCE_MS, left = PATIENCE_MS;

    while (left > 0 && __atomic_load_n(&asking.state, __ATOMIC_ACQUIRE) != TAKEN) {
        (void)poll(&end, 1, (int)left);
        drain();
        left = until - beamc__now_ms();
    }
}

/* With the lock. */
static bool ask(pid_t thread, beamc__stack *out)
{
    /* A walk that did not end in time still owns the place. */
    if (asking.signal == 0 || __atomic_load_n(&asking.state, __ATOMIC_ACQUIRE) == TAKING)
        return false;
    __atomic_store_n(&asking.thread, thread, __ATOMIC_RELEASE);
    __atomic_store_n(&asking.state, WANTED, __ATOMIC_RELEASE);
    if (syscall(SYS_tgkill, getpid(), thread, asking.signal) < 0) {
        __atomic_store_n(&asking.state, IDLE, __ATOMIC_RELEASE);
        return false;
    }
    wait_for_end();
    if (change(WANTED, IDLE))
        return false;
    if (__atomic_load_n(&asking.state, __ATOMIC_ACQUIRE) == TAKING)
        wait_for_end();
    if (!change(TAKEN, IDLE))
        return false;
    *out = asking.stack;
    return out->count > 0;
}

bool beamc__stack_of(pid_t thread, beamc__stack *out)
{
    if (thread == (pid_t)syscall(SYS_gettid)) {
        beamc__stack_take(out, 0);
        return out->count > 0;
    }
    pthread_mutex_lock(&asking.lock);
    bool taken = ask(thread, out);
    pthread_mutex_unlock(&asking.lock);
    return taken;
}
