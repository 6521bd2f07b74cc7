/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks of calls: one's own, and those of other threads, which are asked by a signal. */
#ifndef BEAMC_WORKER_STACK_H
#define BEAMC_WORKER_STACK_H

#include <beamc/error.h>
#include <stdint.h>
#include <sys/types.h>

enum { BEAMC__STACK_MOST = 48, BEAMC__STACK_TEXT = BEAMC__STACK_MOST * 128 };

/* Addresses of the instructions that are under way, the innermost first. */
typedef struct {
    uintptr_t frames[BEAMC__STACK_MOST];
    size_t count;
} beamc__stack;

/* The caller's.  In a signal handler, @from is the instruction that was interrupted, where the stack
 * shall begin; 0: here.  Async-signal-safe. */
void beamc__stack_take(beamc__stack *out, uintptr_t from);

/* The instruction that the handler with @context interrupted; 0 on machines where it is not known. */
uintptr_t beamc__stack_interrupted(const void *context);

/* Writes a line for each frame, as snprintf does; BEAMC__STACK_TEXT bytes are usually enough. */
void beamc__stack_print(const beamc__stack *stack, char *out, size_t size);

/* ---- of other threads ------------------------------------------------------------------------ */

/* Lets them be taken, by a handler for a real-time signal that nobody uses: for a program's start.
 * An error: there is none. */
BEAMC_MUST_USE beamc_error *beamc__stack_listen(void);
/* No longer.  No stack is being taken. */
void beamc__stack_unlisten(void);

/* That of the thread with kernel id @thread.  False: nobody listens, it is gone, or did not answer
 * in time.  A call in which it waits may end early, as by any signal (EINTR).  Any thread. */
bool beamc__stack_of(pid_t thread, beamc__stack *out);

#endif
