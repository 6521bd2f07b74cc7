/* SPDX-License-Identifier: Apache-2.0 */
#include "connection.h"

#include "sdk/base/nearest.h"
#include "sdk/rpc/rpc.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *beamc__connection_endpoint(const beamc__call *call)
{
    const char *given = beamc_option_or(call->options, "job_endpoint", NULL);

    if (given != NULL)
        return given;
    given = getenv("BEAMC_JOB_ENDPOINT");
    return given != NULL && given[0] != '\0' ? given : NULL;
}

beamc_error *beamc__connection_open(beamc__connection *out, const beamc__call *call, int *status)
{
    const char *endpoint = beamc__connection_endpoint(call);
    int64_t seconds = beamc_option_int64(call->options, "job_server_timeout", 0);
    const beamc__job_tls tls = { beamc_option_or(call->options, "tls_roots", NULL),
                                 beamc_option_or(call->options, "tls_certificate", NULL),
                                 beamc_option_or(call->options, "tls_private_key", NULL) };

    out->client = NULL;
    if (endpoint == NULL)
        return beamc__command_usage(status, "which job server? give --job_endpoint=HOST:PORT, or "
                                            "set BEAMC_JOB_ENDPOINT");
    if (seconds <= 0 || seconds > INT32_MAX)
        return beamc__command_usage(
            status, "--job_server_timeout=%" PRId64 ": it is more than 0 seconds", seconds);
    out->arena = beamc_arena_new();
    if (out->arena == NULL)
        return beamc_error_nomem();
    beamc__rpc_init();
    beamc_error *error = beamc__job_client_new(&out->client, endpoint, &tls, seconds * 1000);
    if (error == NULL)
        return NULL;
    if (beamc_error_code(error) == BEAMC_EINVAL)
        *status = BEAMC__EXIT_USAGE; /* it is no address, or not one for these options */
    beamc__connection_close(out);
    return error;
}

void beamc__connection_close(beamc__connection *connection)
{
    beamc__job_client_free(connection->client);
    beamc_arena_free(connection->arena);
    beamc__rpc_shutdown();
}

beamc_error *beamc__connection_with(const beamc__call *call, int *status,
                                    beamc__connection_use *use)
{
    beamc__connection connection;

    BEAMC_TRY(beamc__connection_open(&connection, call, status));
    beamc_error *error = use(call, &connection, status);
    beamc__connection_close(&connection);
    return error;
}

/* ---- which job ------------------------------------------------------------------------------- */

/* The only one that @is likes; *@count: how many. */
static const JOB(JobInfo) *only_one(const JOB(GetJobsResponse) *jobs, const char *text,
                                    bool (*is)(const JOB(JobInfo) *info, const char *text),
                                    size_t *count)
{
    const JOB(JobInfo) *found = NULL;

    *count = 0;
    for (size_t i = 0; i < jobs->n_job_info; i++) {
        if (is(jobs->job_info[i], text)) {
            found = jobs->job_info[i];
            ++*count;
        }
    }
    return *count == 1 ? found : NULL;
}

static bool has_id(const JOB(JobInfo) *info, const char *text)
{
    return strcmp(info->job_id, text) == 0;
}

static bool has_name(const JOB(JobInfo) *info, const char *text)
{
    return strcmp(info->job_name, text) == 0;
}

static bool begins_with(const JOB(JobInfo) *info, const char *text)
{
    size_t size = strlen(text);

    return size > 0 &&
           (strncmp(info->job_id, text, size) == 0 || strncmp(info->job_name, text, size) == 0);
}

static beamc_error *no_job(const beamc__connection *connection, const JOB(GetJobsResponse) *jobs,
                           const char *text)
{
    const char *endpoint = beamc__job_client_endpoint(connection->client);
    beamc__nearest nearest;

    beamc__nearest_init(&nearest, text);
    for (size_t i = 0; i < jobs->n_job_info; i++) {
        beamc__nearest_try(&nearest, jobs->job_info[i]->job_id);
        beamc__nearest_try(&nearest, jobs->job_info[i]->job_name);
    }
    if (nearest.found == NULL)
        return beamc_error_new(BEAMC_ENOENT,
                               "the job server at %s has no job %s; beamc jobs list shows those "
                               "that it has",
                               endpoint, text);
    return beamc_error_new(BEAMC_ENOENT, "the job server at %s has no job %s; did you mean %s?",
                           endpoint, text, nearest.found);
}

beamc_error *beamc__connection_job(beamc__connection *connection, const char *text,
                                   const JOB(JobInfo) **out)
{
    static bool (*const ways[])(const JOB(JobInfo) *, const char *) = { has_id, has_name,
                                                                        begins_with };
    JOB(GetJobsResponse) *jobs;
    size_t count;

    /* A shell's variable that is not set must not mean a job without a name. */
    if (text[0] == '\0')
        return beamc_error_new(BEAMC_EINVAL, "the ID is empty; beamc jobs list shows those that "
                                             "there are");
    beamc_error *error = beamc__job_list(connection->client, &jobs, connection->arena);
    if (beamc_error_code(error) == BEAMC_EUNSUPPORTED) {
        beamc_error_free(error); /* then only it knows what ids there are */
        JOB(JobInfo) *info = beamc_arena_alloc(connection->arena, sizeof(*info));
        if (info == NULL)
            return beamc_error_nomem();
        job(job_info__init)(info);
        info->job_id = (char *)text;
        *out = info;
        return NULL;
    }
    if (error != NULL)
        return error;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        *out = only_one(jobs, text, ways[i], &count);
        if (*out != NULL)
            return NULL;
        if (count > 1)
            return beamc_error_new(BEAMC_ENOENT,
                                   "%zu jobs at %s are meant by %s: give the whole id, which beamc "
                                   "jobs list shows",
                                   count, beamc__job_client_endpoint(connection->client), text);
    }
    return no_job(connection, jobs, text);
}
