/* SPDX-License-Identifier: Apache-2.0 */
/* beamc jobs list */
#include "commands.h"
#include "connection.h"
#include "print.h"
#include "runners/main/json.h"
#include <stdlib.h>
#include <string.h>

static const beamc_option_spec options[] = {
    BEAMC__CONNECTION_OPTIONS,
    BEAMC__PRINT_JSON_OPTION,
    BEAMC__COMMAND_HELP,
};

/* By name, then by id: those of one pipeline are together. */
static int compare(const void *a, const void *b)
{
    const JOB(JobInfo) *x = *(JOB(JobInfo) *const *)a;
    const JOB(JobInfo) *y = *(JOB(JobInfo) *const *)b;
    int order = strcmp(x->job_name, y->job_name);

    return order != 0 ? order : strcmp(x->job_id, y->job_id);
}

static void write_json(const JOB(GetJobsResponse) *jobs, beamc_buffer *text)
{
    beamc__json json = { .out = text, .first = true };

    beamc__json_open(&json, NULL, '[');
    for (size_t i = 0; i < jobs->n_job_info; i++) {
        beamc__json_open(&json, NULL, '{');
        beamc__json_string(&json, "id", jobs->job_info[i]->job_id);
        beamc__json_string(&json, "name", jobs->job_info[i]->job_name);
        beamc__json_string(&json, "state", beamc__job_state_name(jobs->job_info[i]->state));
        beamc__json_close(&json, '}');
    }
    beamc__json_close(&json, ']');
    beamc_buffer_append_byte(text, '\n');
}

static void write_table(const JOB(GetJobsResponse) *jobs, beamc_buffer *text)
{
    size_t columns[2] = { strlen("ID"), strlen("STATE") };

    for (size_t i = 0; i < jobs->n_job_info; i++) {
        beamc__print_widen(&columns[0], jobs->job_info[i]->job_id);
        beamc__print_widen(&columns[1], beamc__job_state_name(jobs->job_info[i]->state));
    }
    beamc_buffer_printf(text, "%-*s  %-*s  NAME\n", (int)columns[0], "ID", (int)columns[1],
                        "STATE");
    for (size_t i = 0; i < jobs->n_job_info; i++)
        beamc_buffer_printf(text, "%-*s  %-*s  %s\n", (int)columns[0], jobs->job_info[i]->job_id,
                            (int)columns[1], beamc__job_state_name(jobs->job_info[i]->state),
                            jobs->job_info[i]->job_name);
}

static beamc_error *list(const beamc__call *call, beamc__connection *connection,
                         int *status BEAMC_UNUSED)
{
    JOB(GetJobsResponse) *jobs;
    beamc_buffer text;

    BEAMC_TRY(beamc__job_list(connection->client, &jobs, connection->arena));
    if (jobs->n_job_info > 0)
        qsort(jobs->job_info, jobs->n_job_info, sizeof(*jobs->job_info), compare);
    beamc_buffer_init(&text);
    if (beamc_option_bool(call->options, "json", false))
        write_json(jobs, &text);
    else if (jobs->n_job_info == 0)
        fprintf(call->err, "the job server at %s has no jobs\n",
                beamc__job_client_endpoint(connection->client));
    else
        write_table(jobs, &text);
    return beamc__print(call, &text);
}

static beamc_error *run(const beamc__call *call, int *status)
{
    return beamc__connection_with(call, status, list);
}

const beamc__command beamc__command_jobs_list = {
    .name = "jobs list",
    .takes = "",
    .summary = "the jobs that a job server has",
    .help = "Shows id, state and name of each job that the server knows: those that run, and\n"
            "those that have ended for as long as it keeps them. The id is what other commands\n"
            "want.\n"
            "\n"
            "Examples:\n"
            "  beamc jobs list --job_endpoint=localhost:8099\n"
            "  export BEAMC_JOB_ENDPOINT=localhost:8099\n"
            "  beamc jobs list --json | jq -r '.[] | select(.state == \"RUNNING\") | .id'",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .run = run,
};
