/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/exec/bundle_view.h"

int beamc__bundle_view_init(beamc__bundle_view *view, bool fenced)
{
    view->fenced = fenced;
    view->plan = NULL;
    return uv_mutex_init(&view->lock) < 0 ? BEAMC_ENOMEM : BEAMC_OK;
}

void beamc__bundle_view_dispose(beamc__bundle_view *view)
{
    uv_mutex_destroy(&view->lock);
}

void beamc__bundle_view_set(beamc__bundle_view *view, beamc__plan *plan)
{
    uv_mutex_lock(&view->lock);
    view->plan = plan;
    uv_mutex_unlock(&view->lock);
}

beamc_error *beamc__bundle_view_report(beamc__bundle_view *view, beamc__metrics *into)
{
    uv_mutex_lock(&view->lock);
    beamc_error *error = view->plan == NULL ? NULL : beamc__plan_report(view->plan, into);
    uv_mutex_unlock(&view->lock);
    return error;
}

bool beamc__bundle_view_split(beamc__bundle_view *view, const char *transform_id,
                              const beamc__desired_split *desired, beamc__channel_split *out)
{
    uv_mutex_lock(&view->lock);
    bool done =
        view->plan != NULL && beamc__plan_split(view->plan, transform_id, desired, out);
    uv_mutex_unlock(&view->lock);
    return done;
}
