/* SPDX-License-Identifier: Apache-2.0 */
#include "check_server.h"

#include "runners/portable/job_client.h"
#include "runners/portable/server.h"
#include <inttypes.h>
#include <limits.h>
#include <uv.h>

/* Two calls that every job server has one of tell it from other servers that speak gRPC. */
static beamc_error *ask(beamc__job_client *client, JOB(DescribePipelineOptionsResponse) **described,
                        beamc_arena *arena)
{
    JOB(GetJobsResponse) *jobs;

    BEAMC_TRY(beamc__job_describe_options(client, described, arena));
    beamc_error *error = beamc__job_list(client, &jobs, arena);
    if (error == NULL)
        return NULL;
    if (beamc_error_code(error) != BEAMC_EUNSUPPORTED)
        return error;
    beamc_error_free(error); /* it knows neither call, or only the other */
    if ((*described)->n_options > 0)
        return NULL;
    return beamc_error_new(BEAMC_EUNSUPPORTED,
                           "the server at %s speaks gRPC, but is no job server of Beam: is this "
                           "the port of another service, such as artifacts or expansion?",
                           beamc__job_client_endpoint(client));
}

static beamc__runner_kind tell(beamc__findings *findings, const char *endpoint,
                               const JOB(DescribePipelineOptionsResponse) *described,
                               beamc__runner_kind expected, int64_t ms)
{
    beamc__runner_kind found = beamc__runner_of_options(described);

    if (found == BEAMC__RUNNER_OTHER) {
        beamc__find(findings, BEAMC__FINDING_OK,
                    "the job server at %s answers in %" PRId64 " ms; it does not say which runner "
                    "it is of%s",
                    endpoint, ms,
                    described->n_options == 0 ? " (Prism, for one, says nothing)" : "");
        return expected;
    }
    beamc__find(findings, BEAMC__FINDING_OK,
                "the job server at %s answers in %" PRId64
                " ms; it is that of %s, with %zu options",
                endpoint, ms, beamc__runner_name(found), described->n_options);
    if (expected != BEAMC__RUNNER_OTHER && expected != found)
        beamc__find(
            findings, BEAMC__FINDING_WARNING,
            "--runner names %s, but the job server at %s is that of %s: the job will be run "
            "by the latter",
            beamc__runner_name(expected), endpoint, beamc__runner_name(found));
    return found;
}

static beamc__runner_kind check_running(beamc__findings *findings, const char *endpoint,
                                        const beamc__job_tls *tls, beamc__runner_kind expected,
                                        int64_t timeout_ms)
{
    JOB(DescribePipelineOptionsResponse) *described = NULL;
    beamc__job_client *client = NULL;
    beamc_arena *arena = beamc_arena_new();

    beamc_error *error = arena == NULL
                             ? beamc_error_nomem()
                             : beamc__job_client_new(&client, endpoint, tls, timeout_ms);
    uint64_t start = uv_hrtime();
    if (error == NULL)
        error = ask(client, &described, arena);
    int64_t ms = (int64_t)((uv_hrtime() - start) / 1000000);
    if (!beamc__find_error(findings, beamc_error_wrap(error, "job server")))
        expected = tell(findings, endpoint, described, expected, ms);
    beamc__job_client_free(client);
    beamc_arena_free(arena);
    return expected;
}

beamc__runner_kind beamc__check_server(beamc__findings *findings,
                                       const beamc_portable_options *options,
                                       beamc__runner_kind expected, int64_t timeout_ms)
{
    const beamc__job_tls tls = { options->tls_roots, options->tls_certificate,
                                 options->tls_private_key };
    char path[PATH_MAX];

    if (options->job_endpoint != NULL)
        return check_running(findings, options->job_endpoint, &tls, expected, timeout_ms);
    if (beamc__find_error(findings, beamc__job_tls_check(&tls, NULL)))
        return expected;
    if (options->server == BEAMC_SERVER_NONE) {
        beamc__find(findings, BEAMC__FINDING_WARNING,
                    "which job server is not known: give --job_endpoint=HOST:PORT, or a --runner "
                    "that starts one: prism, flink or spark");
        return expected;
    }
    if (!beamc__find_error(findings, beamc__server_find(options, path, sizeof(path))))
        beamc__find(findings, BEAMC__FINDING_OK, "a job server of %s is started for the run: %s",
                    beamc__runner_name(expected), path);
    beamc__find_error(findings, beamc__server_check_cluster(options));
    return expected;
}
