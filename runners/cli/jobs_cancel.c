/* SPDX-License-Identifier: Apache-2.0 */
/* beamc jobs cancel, beamc jobs drain: two ways to end a job. */
#include "commands.h"
#include "follow.h"

static const beamc_option_spec options[] = {
    { .name = "wait",
      .help = "follows the job until it has ended",
      .kind = BEAMC_OPTION_BOOL,
      .default_value = "false" },
    BEAMC__CONNECTION_OPTIONS,
    BEAMC__COMMAND_HELP,
};

typedef struct {
    const char *verb; /* of its errors */
    beamc_error *(*ask)(beamc__job_client *client, const char *job_id, JOB(JobState__Enum) *state);
    JOB(JobState__Enum) end; /* the state that it leads to */
} ending;

static beamc_error *wait_for_end(const ending *by, beamc__follow *follow, const beamc__call *call,
                                 beamc__connection *connection, int *status)
{
    beamc_error *error = beamc__follow_job(follow, call, connection, status);

    if (follow->state != by->end)
        return error;
    beamc_error_free(error); /* that it was cancelled is what was asked for */
    return NULL;
}

static beamc_error *end_job(const ending *by, const beamc__call *call,
                            beamc__connection *connection, int *status)
{
    const char *endpoint = beamc__job_client_endpoint(connection->client);
    beamc__follow follow = { .level = BEAMC_LOG_INFO };
    JOB(JobState__Enum) state;

    BEAMC_TRY(beamc__connection_job(connection, call->arguments[0], &follow.info));
    const char *id = follow.info->job_id;
    if (beamc__job_state_is_final(follow.info->state))
        return beamc_error_new(BEAMC_EINVAL, "job %s has ended already: it is %s", id,
                               beamc__job_state_name(follow.info->state));
    beamc_error *error = by->ask(connection->client, id, &state);
    if (beamc_error_code(error) == BEAMC_EUNSUPPORTED)
        return beamc_error_wrap(error, "the job server at %s cannot %s jobs", endpoint, by->verb);
    if (error != NULL)
        return error;
    if (beamc_option_bool(call->options, "wait", false))
        return wait_for_end(by, &follow, call, connection, status);
    fprintf(call->out, "job %s: %s\n", id, beamc__job_state_name(state));
    return NULL;
}

static beamc_error *cancel(const beamc__call *call, beamc__connection *connection, int *status)
{
    static const ending by = { "cancel", beamc__job_cancel, JOBK(JOB_STATE__ENUM__CANCELLED) };

    return end_job(&by, call, connection, status);
}

static beamc_error *drain(const beamc__call *call, beamc__connection *connection, int *status)
{
    static const ending by = { "drain", beamc__job_drain, JOBK(JOB_STATE__ENUM__DRAINED) };

    return end_job(&by, call, connection, status);
}

static beamc_error *run_cancel(const beamc__call *call, int *status)
{
    return beamc__connection_with(call, status, cancel);
}

static beamc_error *run_drain(const beamc__call *call, int *status)
{
    return beamc__connection_with(call, status, drain);
}

const beamc__command beamc__command_jobs_cancel = {
    .name = "jobs cancel",
    .takes = "ID",
    .summary = "ends a job at once",
    .help = "Asks the server to end a job that runs, and shows the state that it is then in. What\n"
            "the job has not written yet is lost; text files appear whole or not at all.\n"
            "\n"
            "The exit status is 0 if the server has taken the request, and with --wait if the job\n"
            "is then CANCELLED. ID may also be the name of a job, or the beginning of either.\n"
            "\n"
            "Examples:\n"
            "  beamc jobs cancel job-001 --job_endpoint=localhost:8073\n"
            "  beamc jobs cancel job-001 --wait",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .least = 1,
    .most = 1,
    .run = run_cancel,
};

const beamc__command beamc__command_jobs_drain = {
    .name = "jobs drain",
    .takes = "ID",
    .summary = "ends a job after what it has read is done",
    .help = "Asks the server to read no more for a job, and to end it when all that was read is\n"
            "done. Few runners can: the job servers of Flink, Spark and Prism cannot.\n"
            "\n"
            "The exit status is 0 if the server has taken the request, and with --wait if the job\n"
            "is then DRAINED. ID may also be the name of a job, or the beginning of either.\n"
            "\n"
            "Examples:\n"
            "  beamc jobs drain job-001 --job_endpoint=localhost:8099 --wait\n"
            "  beamc jobs drain job-001 || beamc jobs cancel job-001",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .least = 1,
    .most = 1,
    .run = run_drain,
};
