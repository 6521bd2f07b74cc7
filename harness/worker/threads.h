/* SPDX-License-Identifier: Apache-2.0 */
/* Threads for bundles.  A runner may need many bundles to run at once, one waiting for another's
 * output, so a task starts at once on a thread that is idle or new; only past a large number of
 * threads tasks wait. */
#ifndef BEAMC_WORKER_THREADS_H
#define BEAMC_WORKER_THREADS_H

#include <beamc/error.h>

#define BEAMC__THREAD_NAME "beamc-bundle" /* of each of them */

typedef struct beamc__threads beamc__threads;

/* @most: threads at the same time.  NULL: no memory. */
BEAMC_MUST_USE beamc__threads *beamc__threads_new(size_t most);
/* Waits for all tasks and ends the threads; tasks that come now are refused.  Accepts NULL. */
void beamc__threads_end(beamc__threads *threads);
/* Ends them, if that was not done.  Nobody starts a task any more.  Accepts NULL. */
void beamc__threads_free(beamc__threads *threads);

/* Runs @run(@arg) soon.  Any thread.  An error: no memory, no thread could be started and there is
 * none, or they were ended; then it does not run. */
BEAMC_MUST_USE beamc_error *beamc__threads_start(beamc__threads *threads, void (*run)(void *arg),
                                                 void *arg);

/* For a task, on its thread, that will wait for nothing any more: the thread counts as idle from now
 * on.  So whoever is told by the task's last words, and starts another, gets no new thread for it. */
void beamc__threads_over(beamc__threads *threads);

#endif
