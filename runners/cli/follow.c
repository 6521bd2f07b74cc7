/* SPDX-License-Identifier: Apache-2.0 */
#include "follow.h"

#include "runners/main/signals.h"

typedef struct {
    beamc__follow *follow;
    beamc__console *console;
} following;

static void on_state(void *ctx, JOB(JobState__Enum) state)
{
    const following *in = ctx;

    if (in->follow->on_message == NULL)
        beamc__console_say(in->console, "job %s: %s", in->follow->info->job_id,
                           beamc__job_state_name(state));
}

static void on_message(void *ctx, const JOB(JobMessage) *message)
{
    const following *in = ctx;

    in->follow->on_message(in->follow->ctx, message);
}

static beamc_error *follow_to_end(following *in, beamc__connection *connection, int *status)
{
    const beamc_log_sink sink = { beamc__console_log, in->console };
    const beamc_log_target log = { .sink = &sink, .level = in->follow->level };
    beamc__signals *signals;

    BEAMC_TRY(beamc__signals_new(&signals, in->console, BEAMC__SIGNALS_LEAVE));
    const beamc__job_follow_options options = {
        .job_id = in->follow->info->job_id,
        .log = in->follow->level == 0 ? NULL : &log,
        .on_state = on_state,
        .on_message = in->follow->on_message == NULL ? NULL : on_message,
        .ctx = in,
        .leave = beamc__signals_left(signals),
    };
    beamc_error *error = beamc__job_follow(connection->client, &options, &in->follow->state);
    int number = __atomic_load_n(beamc__signals_left(signals), __ATOMIC_RELAXED);
    beamc__signals_free(signals);
    if (number != 0 && beamc_error_code(error) == BEAMC_ECANCELLED)
        *status = BEAMC__EXIT_SIGNAL + number;
    return error;
}

beamc_error *beamc__follow_job(beamc__follow *follow, const beamc__call *call,
                               beamc__connection *connection, int *status)
{
    /* What Ctrl-C means is no part of what was asked for. */
    FILE *file = follow->on_message == NULL ? call->out : call->err;
    following in = { follow, beamc__console_new(file, BEAMC__CONSOLE_PLAIN) };

    if (in.console == NULL)
        return beamc_error_nomem();
    beamc_error *error = follow_to_end(&in, connection, status);
    beamc__console_free(in.console);
    return error;
}

beamc_error *beamc__follow_level(beamc_log_level *out, const beamc__call *call, int *status)
{
    const char *text = beamc_option(call->options, "level");

    if (beamc_log_level_parse(out, text))
        return NULL;
    return beamc__command_usage(
        status, "--level=%s: it is TRACE, DEBUG, INFO, NOTICE, WARN, ERROR or CRITICAL", text);
}
