/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/activity.h"

#include "sdk/base/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

enum { TRIES = 50, TRY_MS = 2 };

struct beamc__activities {
    uv_mutex_t lock; /* guards the list and all that is in it */
    uv_cond_t unpinned;
    beamc__activity *first;
};

beamc__activities *beamc__activities_new(void)
{
    beamc__activities *activities = calloc(1, sizeof(*activities));

    if (activities == NULL)
        return NULL;
    if (uv_mutex_init(&activities->lock) < 0) {
        free(activities);
        return NULL;
    }
    if (uv_cond_init(&activities->unpinned) < 0) {
        uv_mutex_destroy(&activities->lock);
        free(activities);
        return NULL;
    }
    return activities;
}

void beamc__activities_free(beamc__activities *activities)
{
    if (activities == NULL)
        return;
    uv_cond_destroy(&activities->unpinned);
    uv_mutex_destroy(&activities->lock);
    free(activities);
}

/* ---- the thread's side ----------------------------------------------------------------------- */

/* With the lock. */
static void wait_unpinned(beamc__activity *activity)
{
    while (activity->pins > 0)
        uv_cond_wait(&activity->all->unpinned, &activity->all->lock);
}

static void at_plan(beamc__plan_watch *self, const beamc__plan *plan)
{
    beamc__activity *activity = (beamc__activity *)self;

    uv_mutex_lock(&activity->all->lock);
    wait_unpinned(activity);
    activity->plan = plan;
    uv_mutex_unlock(&activity->all->lock);
}

void beamc__activity_begin(beamc__activities *activities, beamc__activity *out,
                           const char *instruction, const char *descriptor,
                           const int64_t *elements)
{
    int64_t now = beamc__now_ms();

    *out = (beamc__activity){ .watch = { at_plan },
                              .all = activities,
                              .elements = elements,
                              .seen = { .instruction = instruction,
                                        .descriptor = descriptor,
                                        .thread = (pid_t)syscall(SYS_gettid),
                                        .began_ms = now,
                                        .there_ms = now,
                                        .still_ms = now } };
    uv_mutex_lock(&activities->lock);
    out->next = activities->first;
    activities->first = out;
    uv_mutex_unlock(&activities->lock);
}

void beamc__activity_end(beamc__activity *activity)
{
    beamc__activities *all = activity->all;

    uv_mutex_lock(&all->lock);
    wait_unpinned(activity);
    beamc__activity **at = &all->first;
    while (*at != activity)
        at = &(*at)->next;
    *at = activity->next;
    uv_mutex_unlock(&all->lock);
}

/* ---- the others' ----------------------------------------------------------------------------- */

/* With the lock.  Transforms are compared by their texts' addresses: another plan is another place. */
static void sample(beamc__activity *activity, int64_t now)
{
    beamc__activity_view *seen = &activity->seen;
    beamc__plan_place before = seen->place;

    seen->place = (beamc__plan_place){ 0 };
    if (activity->plan != NULL)
        beamc__plan_look(activity->plan, &seen->place);
    seen->elements = __atomic_load_n(activity->elements, __ATOMIC_RELAXED);
    bool is_there = seen->place.transform == before.transform && seen->place.phase == before.phase;
    if (!is_there)
        seen->there_ms = now;
    if (!is_there || seen->place.moved != before.moved) {
        seen->still_ms = now;
        activity->tell_ms = 0;
    }
}

void beamc__activities_sample(beamc__activities *activities, int64_t now)
{
    uv_mutex_lock(&activities->lock);
    for (beamc__activity *each = activities->first; each != NULL; each = each->next)
        sample(each, now);
    uv_mutex_unlock(&activities->lock);
}

void beamc__activities_visit(beamc__activities *activities,
                             void (*visit)(void *ctx, beamc__activity *activity,
                                           const beamc__activity_view *view),
                             void *ctx)
{
    uv_mutex_lock(&activities->lock);
    for (beamc__activity *each = activities->first; each != NULL;) {
        sample(each, beamc__now_ms());
        const beamc__activity_view view = each->seen;
        each->pins++; /* stays in the list, too */
        uv_mutex_unlock(&activities->lock);
        visit(ctx, each, &view);
        uv_mutex_lock(&activities->lock);
        if (--each->pins == 0)
            uv_cond_broadcast(&activities->unpinned);
        each = each->next;
    }
    uv_mutex_unlock(&activities->lock);
}

/* The thread that crashed may hold it. */
static bool try_lock(beamc__activities *activities)
{
    const struct timespec nap = { .tv_nsec = TRY_MS * 1000000L };

    for (int i = 0; i < TRIES; i++) {
        if (uv_mutex_trylock(&activities->lock) == 0)
            return true;
        nanosleep(&nap, NULL);
    }
    return false;
}

static void fill_place(const beamc__activity *activity, beamc__crash_place *out)
{
    beamc__plan_place place = { 0 };

    snprintf(out->instruction, sizeof(out->instruction), "%s", activity->seen.instruction);
    if (activity->plan != NULL)
        beamc__plan_look(activity->plan, &place);
    if (place.transform == NULL)
        return;
    snprintf(out->transform, sizeof(out->transform), "%s", place.transform);
    snprintf(out->name, sizeof(out->name), "%s", place.name);
    snprintf(out->phase, sizeof(out->phase), "%s", place.phase);
    out->element = place.element;
}

bool beamc__activities_find_crashed(beamc__activities *activities, pid_t thread,
                                    beamc__crash_place *out)
{
    if (!try_lock(activities))
        return false;
    const beamc__activity *found = activities->first;
    while (found != NULL && found->seen.thread != thread)
        found = found->next;
    if (found != NULL)
        fill_place(found, out);
    uv_mutex_unlock(&activities->lock);
    return found != NULL;
}
