/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle that runs, as others than its thread see it: how far it is, and what can be split off.
 * Any thread; a view never waits for user code. */
#ifndef BEAMC_EXEC_BUNDLE_VIEW_H
#define BEAMC_EXEC_BUNDLE_VIEW_H

#include "harness/exec/plan.h"
#include <uv.h>

struct beamc__bundle_view {
    bool fenced;   /* see beamc__data_channel_prepare */
    uv_mutex_t lock;
    beamc__plan *plan; /* guarded; NULL: it has not begun, or has ended */
};

BEAMC_MUST_USE int beamc__bundle_view_init(beamc__bundle_view *view, bool fenced);
void beamc__bundle_view_dispose(beamc__bundle_view *view);

/* The plan's thread, when the bundle begins (@plan) and ends (NULL). */
void beamc__bundle_view_set(beamc__bundle_view *view, beamc__plan *plan);

/* Adds the metrics of the bundle as far as it is to @into; nothing unless it runs. */
BEAMC_MUST_USE beamc_error *beamc__bundle_view_report(beamc__bundle_view *view,
                                                      beamc__metrics *into);

/* Splits the channel of the source @transform_id; false: it cannot be split. */
bool beamc__bundle_view_split(beamc__bundle_view *view, const char *transform_id,
                              const beamc__desired_split *desired, beamc__channel_split *out);

#endif
