/* SPDX-License-Identifier: Apache-2.0 */
/* What the bundle threads of a worker are doing, for others to see: the status, lulls, crashes.
 *
 * A bundle's thread says when it begins, which plan works for it, and when it ends.  Where in the plan
 * it is, others look up themselves, so that it costs the thread nothing. */
#ifndef BEAMC_WORKER_ACTIVITY_H
#define BEAMC_WORKER_ACTIVITY_H

#include "harness/exec/plan.h"
#include "harness/worker/crash.h"
#include <sys/types.h>

typedef struct beamc__activities beamc__activities;
typedef struct beamc__activity beamc__activity;

/* NULL: no memory. */
BEAMC_MUST_USE beamc__activities *beamc__activities_new(void);
/* All have ended.  Accepts NULL. */
void beamc__activities_free(beamc__activities *activities);

/* One as others see it. */
typedef struct {
    const char *instruction;
    const char *descriptor;
    pid_t thread;            /* its kernel id */
    int64_t elements;        /* that the bundle has read */
    int64_t began_ms;        /* of the monotonic clock, as all times here */
    beamc__plan_place place; /* transform NULL: in none */
    int64_t there_ms;        /* since when it is at that transform, as far as was sampled */
    int64_t still_ms;        /* since when nothing has moved there, likewise */
} beamc__activity_view;

/* Part of the bundle.  All is the list's, and guarded by its lock. */
struct beamc__activity {
    beamc__plan_watch watch; /* first; for beamc__bundle.watch */
    beamc__activities *all;
    beamc__activity *next;
    const int64_t *elements;
    const beamc__plan *plan; /* NULL: none */
    int pins;                /* of those who look; the thread waits for them */
    beamc__activity_view seen;
    int64_t tell_ms; /* when the lull there is (next) worth an entry; of lull.c */
};

/* The calling thread works for a bundle.  Texts and @elements (atomic) are borrowed until the end. */
void beamc__activity_begin(beamc__activities *activities, beamc__activity *out,
                           const char *instruction, const char *descriptor,
                           const int64_t *elements);
/* Waits for those who look at it. */
void beamc__activity_end(beamc__activity *activity);

/* Notes where all of them are, which is what the times above go by. */
void beamc__activities_sample(beamc__activities *activities, int64_t now_ms);

/* Calls @visit with each, without the lock: it may take its time.  The view's texts, and the
 * activity, are there until it returns. */
void beamc__activities_visit(beamc__activities *activities,
                             void (*visit)(void *ctx, beamc__activity *activity,
                                           const beamc__activity_view *view),
                             void *ctx);

/* What @thread was doing when it crashed; false: nothing that is known here.  Waits for no lock for
 * long. */
bool beamc__activities_find_crashed(beamc__activities *activities, pid_t thread,
                                    beamc__crash_place *out);

#endif
