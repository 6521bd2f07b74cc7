/* SPDX-License-Identifier: Apache-2.0 */
#include "job_metrics.h"

static beamc_error *add_all(beamc__metrics *to, const JOB(MetricResults) *from)
{
    /* Runners that tell what is committed leave out nothing there. */
    size_t count = from->n_committed > 0 ? from->n_committed : from->n_attempted;
    PB(MonitoringInfo) **infos = from->n_committed > 0 ? from->committed : from->attempted;

    for (size_t i = 0; i < count; i++) {
        int code = beamc__metrics_add_proto(to, infos[i]);
        if (code == BEAMC_ENOMEM)
            return beamc_error_nomem();
        if (code < 0 && code != BEAMC_EUNSUPPORTED)
            return beamc_error_new((beamc_code)code, "metric %s of the job: %s", infos[i]->urn,
                                   beamc_code_text(code));
    }
    return NULL;
}

beamc_error *beamc__job_metrics_add(beamc__metrics *to, beamc__job_client *client,
                                    const char *job_id)
{
    JOB(GetJobMetricsResponse) *response;
    beamc_arena *arena = beamc_arena_new();

    if (arena == NULL)
        return beamc_error_nomem();
    beamc_error *error = beamc__job_metrics(client, job_id, &response, arena);
    if (error == NULL && response->metrics != NULL)
        error = add_all(to, response->metrics);
    beamc_arena_free(arena);
    return error;
}
