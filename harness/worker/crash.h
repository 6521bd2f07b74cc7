/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a process by SIGSEGV, SIGBUS, SIGFPE, SIGILL or SIGABRT, told before it is over.
 *
 *     thread that crashes             watcher                      listeners
 *       takes its stack  --pipe-->  whose thread is it?    <-----  "transform parse: element 41: "
 *       stands still                tells standard error
 *                                                          ----->  tells the runner
 *       dies of the signal <-pipe-
 *
 * All that may allocate or wait is done by the watcher, a thread that does nothing else, since the
 * one that crashed may hold any lock.  It dies in any case, after CRASH_MS at the latest, as it would
 * have without all this: by the same signal, with the same core dump.
 *
 * A process has its handlers once, so they belong to a program's start. */
#ifndef BEAMC_WORKER_CRASH_H
#define BEAMC_WORKER_CRASH_H

#include "harness/worker/stack.h"
#include <signal.h>

#define BEAMC__CRASH_MS 5000 /* for all that is told */

/* What the thread was doing. */
typedef struct {
    char instruction[256]; /* each empty: not known */
    char transform[512];   /* its id */
    char name[512];        /* the same, for people */
    char phase[32];
    uint64_t element; /* of the transform, in this bundle; 0: none */
} beamc__crash_place;

typedef struct {
    int signal;
    const beamc__crash_place *place; /* NULL: the thread belongs to none of the listeners */
    const char *message; /* "transform parse: element 41: segmentation fault (SIGSEGV) ..." */
    const char *stack;   /* lines */
} beamc__crash;

/* Who knows what threads do, and whom to tell.  Called on the watcher's thread, while the one that
 * crashed stands still with whatever locks it holds: whoever needs a lock only tries to get it. */
typedef struct beamc__crash_listener beamc__crash_listener;
struct beamc__crash_listener {
    bool (*find)(beamc__crash_listener *self, pid_t thread, beamc__crash_place *out);
    void (*tell)(beamc__crash_listener *self, const beamc__crash *crash, bool is_mine); /* may be NULL */
    beamc__crash_listener *next;
};

/* Installs the handlers, and that for stacks of other threads.  A signal that has a handler already is
 * left to it, sanitizers' for one, unless @replace.  Can be called again, as often as it is ended. */
BEAMC_MUST_USE beamc_error *beamc__crash_watch(bool replace);
/* Restores what was there before. */
void beamc__crash_unwatch(void);

/* The listener is borrowed until it leaves.  Any thread; also while nobody watches. */
void beamc__crash_join(beamc__crash_listener *listener);
void beamc__crash_leave(beamc__crash_listener *listener);

/* ---- room for the handler -------------------------------------------------------------------- */

/* A stack for handlers of the calling thread, without which one that has used up its own dies
 * unheard.  It ends before the thread.  Where nobody watches, or it cannot be had, there is none. */
typedef struct {
    void *memory;
} beamc__crash_stack;

void beamc__crash_stack_begin(beamc__crash_stack *out);
void beamc__crash_stack_end(beamc__crash_stack *stack);

#endif
