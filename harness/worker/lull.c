/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/lull.h"

#include "harness/worker/stack.h"
#include "sdk/base/log_levels.h"
#include "sdk/base/log_trace.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { MESSAGE_SIZE = 1024 };

typedef struct {
    const beamc__lulls *lulls;
    int64_t now_ms;
} check;

static void print_time(char *out, size_t size, int64_t ms)
{
    if (ms < 1000)
        snprintf(out, size, "%" PRId64 " ms", ms);
    else if (ms < 60000)
        snprintf(out, size, "%" PRId64 " s", ms / 1000);
    else
        snprintf(out, size, "%" PRId64 " min %" PRId64 " s", ms / 60000, ms / 1000 % 60);
}

static void print_message(char *out, size_t size, const beamc__plan_place *place, int64_t ms)
{
    char time[64];

    print_time(time, sizeof(time), ms);
    if (place->element > 0)
        snprintf(out, size, "transform %s: element %" PRIu64 ": not done after %s", place->name,
                 place->element, time);
    else
        snprintf(out, size, "transform %s: %s: not done after %s", place->name, place->phase, time);
}

/* Lines of its stack, to be freed; NULL: it cannot be had. */
static char *stack_of(const beamc__activity_view *view)
{
    beamc__stack stack;

    if (!beamc__stack_of(view->thread, &stack))
        return NULL;
    char *text = malloc(BEAMC__STACK_TEXT);
    if (text != NULL)
        beamc__stack_print(&stack, text, BEAMC__STACK_TEXT);
    return text;
}

static void tell(const check *of, beamc__activity *activity, const beamc__activity_view *view,
                 int64_t still_ms, bool is_over)
{
    const beamc__lulls *lulls = of->lulls;
    char message[MESSAGE_SIZE];
    char *stack = stack_of(view);

    print_message(message, sizeof(message), &view->place, still_ms);
    if (is_over) {
        lulls->give_up(lulls->ctx, activity, view, message, stack);
    } else {
        beamc_log_target target = *lulls->log;
        beamc_log_files files;
        beamc__log_levels_set(&target, &files, lulls->overrides, target.level, view->place.name,
                              NULL);
        target.instruction = view->instruction;
        target.transform = view->place.transform;
        beamc__log_trace(&target, BEAMC_LOG_WARN, message, stack);
    }
    free(stack);
}

/* A source waits for the runner: it is not a DoFn. */
static void check_one(void *ctx, beamc__activity *activity, const beamc__activity_view *view)
{
    const check *of = ctx;
    int64_t still = of->now_ms - view->still_ms;

    if (view->place.transform == NULL || view->place.is_source)
        return;
    bool is_over = of->lulls->limit_ms > 0 && still >= of->lulls->limit_ms;
    int64_t tell_ms = __atomic_load_n(&activity->tell_ms, __ATOMIC_RELAXED);
    if (still < (tell_ms == 0 ? of->lulls->after_ms : tell_ms) && !is_over)
        return;
    __atomic_store_n(&activity->tell_ms, 2 * still, __ATOMIC_RELAXED);
    tell(of, activity, view, still, is_over);
}

void beamc__lulls_check(const beamc__lulls *lulls, int64_t now_ms)
{
    check of = { lulls, now_ms };

    beamc__activities_visit(lulls->activities, check_one, &of);
}
