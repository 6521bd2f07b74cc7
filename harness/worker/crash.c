/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/crash.h"

#include "harness/worker/symbols.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum {
    HANDLER_STACK = 64 << 10,
    MESSAGE_SIZE = 2048,
    PIECE = 4096,  /* a pipe that has room takes so much without waiting */
    STDERR_MS = 200, /* for whoever reads it */
    STEP_MS = 100,
    TRIES = 50, TRY_MS = 2
};

static const struct {
    int number;
    const char *name, *text;
} fatal[] = {
    { SIGSEGV, "SIGSEGV", "segmentation fault" },
    { SIGBUS, "SIGBUS", "bus error" },
    { SIGFPE, "SIGFPE", "arithmetic error" },
    { SIGILL, "SIGILL", "illegal instruction" },
    { SIGABRT, "SIGABRT", "aborted" },
};

enum { FATAL_COUNT = sizeof(fatal) / sizeof(*fatal) };

/* A process has one table of handlers, so there is one of these. */
static struct {
    pthread_mutex_t lock; /* guards what is not atomic and not said otherwise */
    int users; /* atomic to read */
    struct sigaction before[FATAL_COUNT];
    bool ours[FATAL_COUNT];
    pthread_t watcher;
    int wake[2], done[2]; /* pipes */
    beamc__crash_stack main_stack;
    beamc__crash_listener *listeners;
    pid_t process;    /* a child that was forked has the handlers, but no watcher */
    pid_t watcher_id; /* atomic */
    pid_t crashed;    /* atomic; the thread: 0: none yet.  It alone writes what follows */
    pid_t walking;    /* atomic: while the thread reads its stack, which may be broken */
    sigjmp_buf broken;
    int signal, code;
    pid_t sender;
    uintptr_t address;
    beamc__stack stack;
    bool told; /* atomic */
    char message[MESSAGE_SIZE]; /* the watcher's */
    char trace[BEAMC__STACK_TEXT];
} watch = { .lock = PTHREAD_MUTEX_INITIALIZER };

static pid_t thread_id(void)
{
    return (pid_t)syscall(SYS_gettid);
}

/* ---- the thread that crashes ----------------------------------------------------------------- */

/* A call through a pointer to nothing leaves no place in a function to begin with: let it begin at
 * the call. */
static void return_from_nowhere(ucontext_t *context, const siginfo_t *info)
{
    if (info->si_code <= 0 || beamc__stack_interrupted(context) != (uintptr_t)info->si_addr)
        return;
#if defined(__x86_64__)
    greg_t *registers = context->uc_mcontext.gregs;
    uintptr_t back;
    memcpy(&back, (const void *)(uintptr_t)registers[REG_RSP], sizeof(back));
    registers[REG_RIP] = (greg_t)(back - 1);
    registers[REG_RSP] += (greg_t)sizeof(back);
#elif defined(__aarch64__)
    context->uc_mcontext.pc = context->uc_mcontext.regs[30] - 4;
#endif
}

/* The walk reads memory that the crash may have spoilt.  If it crashes, too, the handler comes again
 * and jumps back here: the frames so far are what there is. */
static void walk_stack(ucontext_t *context, const siginfo_t *info)
{
    const mcontext_t as_it_was = context->uc_mcontext;

    if (sigsetjmp(watch.broken, 1) == 0) {
        __atomic_store_n(&watch.walking, thread_id(), __ATOMIC_RELEASE);
        if (watch.signal == SIGSEGV || watch.signal == SIGBUS)
            return_from_nowhere(context, info);
        beamc__stack_take(&watch.stack, beamc__stack_interrupted(context));
    }
    __atomic_store_n(&watch.walking, 0, __ATOMIC_RELEASE);
    context->uc_mcontext = as_it_was;
}

static void wait_until_told(void)
{
    static const char alone[] = "beamc: the process crashed, and its watcher does not answer\n";
    struct pollfd done = { .fd = watch.done[0], .events = POLLIN };

    (void)!write(watch.wake[1], "", 1);
    /* In steps: while the machine stands still nothing is told. */
    for (int left = BEAMC__CRASH_MS; left > 0 && poll(&done, 1, STEP_MS) <= 0;)
        left -= STEP_MS;
    if (!__atomic_load_n(&watch.told, __ATOMIC_ACQUIRE))
        (void)!write(STDERR_FILENO, alone, sizeof(alone) - 1);
}

/* As it would have died: where a machine's instruction was the reason, by doing it once more. */
static void die(int number, const siginfo_t *info)
{
    signal(number, SIG_DFL);
    if (info->si_code <= 0 || number == SIGABRT)
        syscall(SYS_tgkill, getpid(), thread_id(), number);
}

static void on_crash(int number, siginfo_t *info, void *context)
{
    pid_t me = thread_id();
    pid_t nobody = 0;

    if (__atomic_load_n(&watch.walking, __ATOMIC_ACQUIRE) == me)
        siglongjmp(watch.broken, 1);
    if (getpid() != watch.process || __atomic_load_n(&watch.watcher_id, __ATOMIC_ACQUIRE) == me) {
        die(number, info);
        return;
    }
    if (!__atomic_compare_exchange_n(&watch.crashed, &nobody, me, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        while (nobody != me) /* another was first, and ends the process */
            pause();
        die(number, info);
        return;
    }
    watch.signal = number;
    watch.code = info->si_code;
    watch.sender = info->si_code <= 0 ? info->si_pid : 0;
    watch.address = (uintptr_t)info->si_addr;
    walk_stack(context, info);
    wait_until_told();
    die(number, info);
}

/* ---- the watcher ----------------------------------------------------------------------------- */

static void nap(void)
{
    const struct timespec time = { .tv_nsec = TRY_MS * 1000000L };
    nanosleep(&time, NULL);
}

/* The thread that crashed may be the one that holds it. */
static bool try_lock(void)
{
    for (int i = 0; i < TRIES; i++) {
        if (pthread_mutex_trylock(&watch.lock) == 0)
            return true;
        nap();
    }
    return false;
}

/* Appends to watch.message, as far as there is room. */
static void say(size_t *at, const char *format, ...) BEAMC_PRINTF(2, 3);

static void say(size_t *at, const char *format, ...)
{
    size_t room = sizeof(watch.message) - *at;
    va_list args;

    va_start(args, format);
    int length = vsnprintf(watch.message + *at, room, format, args);
    va_end(args);
    if (length > 0)
        *at += (size_t)length < room ? (size_t)length : room - 1;
}

/* What the C library does between abort() and the signal, where it is part of the program. */
static bool is_of_abort(const char *function)
{
    static const char *const starts[] = { "__pthread_kill", "pthread_kill", "raise", "gsignal",
                                          "abort",          "__assert",     "__libc_message",
                                          "malloc_printerr" };

    for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
        if (strncmp(function, starts[i], strlen(starts[i])) == 0)
            return true;
    }
    return false;
}

/* The innermost function of the program itself: a library that aborts or was given bad pointers is not
 * where people look first. */
static void print_function(char *out, size_t size)
{
    for (size_t i = 0; i < watch.stack.count; i++) {
        if (!beamc__symbol_is_own(watch.stack.frames[i]))
            continue;
        beamc__symbol_print(watch.stack.frames[i], out, size);
        if (watch.signal != SIGABRT || !is_of_abort(out))
            return;
    }
    beamc__symbol_print(watch.stack.frames[0], out, size);
}

static void print_message(const beamc__crash_place *place)
{
    char function[256];
    size_t at = 0;
    int kind = 0;

    if (place != NULL && place->name[0] != '\0')
        say(&at, "transform %s: ", place->name);
    if (place != NULL && place->element > 0)
        say(&at, "element %" PRIu64 ": ", place->element);
    else if (place != NULL && place->phase[0] != '\0')
        say(&at, "%s: ", place->phase);
    while (kind < FATAL_COUNT - 1 && fatal[kind].number != watch.signal)
        kind++;
    say(&at, "%s (%s)", fatal[kind].text, fatal[kind].name);
    if (watch.code <= 0 && watch.sender != getpid())
        say(&at, " sent by process %d", (int)watch.sender);
    else if (watch.code > 0 && watch.signal != SIGABRT)
        say(&at, " at address 0x%" PRIxPTR, watch.address);
    if (watch.stack.count == 0)
        return;
    print_function(function, sizeof(function));
    say(&at, " in %s", function);
}

/* Whoever should read standard error may not do so: then it is not worth waiting for. */
static void write_stderr(const char *text)
{
    struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };
    size_t left = strlen(text);

    while (left > 0 && poll(&ready, 1, STDERR_MS) > 0) {
        ssize_t wrote = write(STDERR_FILENO, text, left < PIECE ? left : PIECE);
        if (wrote <= 0)
            return;
        text += wrote;
        left -= (size_t)wrote;
    }
}

static void tell_stderr(const beamc__crash_place *place)
{
    write_stderr("CRITICAL ");
    write_stderr(watch.message);
    if (place != NULL && place->instruction[0] != '\0') {
        write_stderr(", instruction ");
        write_stderr(place->instruction);
    }
    write_stderr("\n");
    write_stderr(watch.trace);
    __atomic_store_n(&watch.told, true, __ATOMIC_RELEASE);
}

static void report(void)
{
    beamc__crash_place place = { 0 };
    bool locked = try_lock();
    beamc__crash_listener *owner = locked ? watch.listeners : NULL;

    while (owner != NULL && !owner->find(owner, watch.crashed, &place))
        owner = owner->next;
    print_message(owner == NULL ? NULL : &place);
    beamc__stack_print(&watch.stack, watch.trace, sizeof(watch.trace));
    tell_stderr(owner == NULL ? NULL : &place);
    const beamc__crash crash = { watch.signal, owner == NULL ? NULL : &place, watch.message,
                                 watch.trace };
    /* The one that matters first: there may be no time for the others. */
    if (owner != NULL && owner->tell != NULL)
        owner->tell(owner, &crash, true);
    for (beamc__crash_listener *each = locked ? watch.listeners : NULL; each != NULL;
         each = each->next) {
        if (each != owner && each->tell != NULL)
            each->tell(each, &crash, false);
    }
}

static void *watch_all(void *unused)
{
    char byte;

    pthread_setname_np(pthread_self(), "beamc-crash");
    __atomic_store_n(&watch.watcher_id, thread_id(), __ATOMIC_RELEASE);
    ssize_t got;
    do
        got = read(watch.wake[0], &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got == 1 && __atomic_load_n(&watch.crashed, __ATOMIC_ACQUIRE) != 0) {
        report();
        (void)!write(watch.done[1], "", 1);
    }
    return unused;
}

/* ---- room for the handler -------------------------------------------------------------------- */

static void stack_begin(beamc__crash_stack *out)
{
    stack_t now, ours = { .ss_size = HANDLER_STACK };

    out->memory = NULL;
    if (sigaltstack(NULL, &now) < 0 || (now.ss_flags & SS_DISABLE) == 0)
        return; /* somebody has seen to it */
    ours.ss_sp = out->memory = malloc(HANDLER_STACK);
    if (out->memory != NULL && sigaltstack(&ours, NULL) < 0) {
        free(out->memory);
        out->memory = NULL;
    }
}

void beamc__crash_stack_begin(beamc__crash_stack *out)
{
    out->memory = NULL;
    if (__atomic_load_n(&watch.users, __ATOMIC_RELAXED) > 0)
        stack_begin(out);
}

void beamc__crash_stack_end(beamc__crash_stack *stack)
{
    const stack_t none = { .ss_flags = SS_DISABLE };

    if (stack->memory == NULL)
        return;
    sigaltstack(&none, NULL);
    free(stack->memory);
    stack->memory = NULL;
}

/* ---- installing ------------------------------------------------------------------------------ */

static void close_pipe(int ends[2])
{
    close(ends[0]);
    close(ends[1]);
}

static beamc_error *start_watcher(void)
{
    if (pipe2(watch.wake, O_CLOEXEC) < 0)
        return beamc_error_system(errno, "a pipe");
    if (pipe2(watch.done, O_CLOEXEC) < 0) {
        int code = errno;
        close_pipe(watch.wake);
        return beamc_error_system(code, "a pipe");
    }
    int code = pthread_create(&watch.watcher, NULL, watch_all, NULL);
    if (code == 0)
        return NULL;
    close_pipe(watch.wake);
    close_pipe(watch.done);
    return beamc_error_system(code, "starting a thread");
}

static void stop_watcher(void)
{
    (void)!write(watch.wake[1], "", 1);
    pthread_join(watch.watcher, NULL);
    close_pipe(watch.wake);
    close_pipe(watch.done);
}

static void install(bool replace)
{
    /* Not deferred: a crash while the stack is walked must come at once. */
    struct sigaction action = { .sa_sigaction = on_crash,
                                .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };

    sigemptyset(&action.sa_mask);
    for (int i = 0; i < FATAL_COUNT; i++) {
        struct sigaction *before = &watch.before[i];
        watch.ours[i] = sigaction(fatal[i].number, NULL, before) == 0 &&
                        (replace || ((before->sa_flags & SA_SIGINFO) == 0 &&
                                     before->sa_handler == SIG_DFL)) &&
                        sigaction(fatal[i].number, &action, NULL) == 0;
    }
}

static void uninstall(void)
{
    for (int i = 0; i < FATAL_COUNT; i++) {
        if (watch.ours[i])
            sigaction(fatal[i].number, &watch.before[i], NULL);
    }
}

/* With the lock. */
static beamc_error *begin(bool replace)
{
    BEAMC_TRY(beamc__stack_listen());
    beamc_error *error = start_watcher();
    if (error != NULL) {
        beamc__stack_unlisten();
        return error;
    }
    watch.process = getpid();
    stack_begin(&watch.main_stack);
    install(replace);
    return NULL;
}

beamc_error *beamc__crash_watch(bool replace)
{
    pthread_mutex_lock(&watch.lock);
    beamc_error *error = watch.users > 0 ? NULL : begin(replace);
    __atomic_store_n(&watch.users, watch.users + (error == NULL), __ATOMIC_RELAXED);
    pthread_mutex_unlock(&watch.lock);
    return beamc_error_wrap(error, "watching for crashes");
}

void beamc__crash_unwatch(void)
{
    pthread_mutex_lock(&watch.lock);
    __atomic_store_n(&watch.users, watch.users - 1, __ATOMIC_RELAXED);
    if (watch.users == 0) {
        uninstall();
        stop_watcher();
        beamc__crash_stack_end(&watch.main_stack);
        beamc__stack_unlisten();
    }
    pthread_mutex_unlock(&watch.lock);
}

void beamc__crash_join(beamc__crash_listener *listener)
{
    pthread_mutex_lock(&watch.lock);
    listener->next = watch.listeners;
    watch.listeners = listener;
    pthread_mutex_unlock(&watch.lock);
}

void beamc__crash_leave(beamc__crash_listener *listener)
{
    pthread_mutex_lock(&watch.lock);
    for (beamc__crash_listener **at = &watch.listeners; *at != NULL; at = &(*at)->next) {
        if (*at == listener) {
            *at = listener->next;
            break;
        }
    }
    pthread_mutex_unlock(&watch.lock);
}
