/* SPDX-License-Identifier: Apache-2.0 */
/* beamc jobs watch */
#include "commands.h"
#include "follow.h"

static const beamc_option_spec options[] = {
    BEAMC__FOLLOW_LEVEL_OPTION("INFO"),
    BEAMC__CONNECTION_OPTIONS,
    BEAMC__COMMAND_HELP,
};

static beamc_error *watch(const beamc__call *call, beamc__connection *connection, int *status)
{
    beamc__follow follow = { .level = BEAMC_LOG_INFO };

    BEAMC_TRY(beamc__follow_level(&follow.level, call, status));
    BEAMC_TRY(beamc__connection_job(connection, call->arguments[0], &follow.info));
    return beamc__follow_job(&follow, call, connection, status);
}

static beamc_error *run(const beamc__call *call, int *status)
{
    return beamc__connection_with(call, status, watch);
}

const beamc__command beamc__command_jobs_watch = {
    .name = "jobs watch",
    .takes = "ID",
    .summary = "states and messages of a job until it has ended",
    .help = "Shows what a job has been through, and what comes until it has ended. Of messages of\n"
            "many lines the one that says most is shown; beamc jobs logs shows them whole.\n"
            "\n"
            "The exit status is 0 if the job is DONE or DRAINED; 1 if it FAILED, was CANCELLED or\n"
            "UPDATED, or its server is gone; 130 after Ctrl-C, which leaves the job as it is. ID\n"
            "may also be the name of a job, or the beginning of either.\n"
            "\n"
            "Examples:\n"
            "  beamc jobs watch wordcount-20261128 --job_endpoint=localhost:8099\n"
            "  beamc jobs watch job-001 --level=ERROR && echo it has run",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .least = 1,
    .most = 1,
    .run = run,
};
