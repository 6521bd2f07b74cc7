/* SPDX-License-Identifier: Apache-2.0 */
/* beamc jobs logs */
#include "commands.h"
#include "follow.h"
#include "print.h"
#include "runners/main/json.h"
#include <string.h>

static const beamc_option_spec options[] = {
    BEAMC__FOLLOW_LEVEL_OPTION("DEBUG"),
    BEAMC__PRINT_JSON_OPTION,
    BEAMC__CONNECTION_OPTIONS,
    BEAMC__COMMAND_HELP,
};

typedef struct {
    const beamc__call *call;
    beamc_log_level level;
    bool json;
    beamc_buffer text; /* of one message */
} log_writer;

static void write_json(const JOB(JobMessage) *message, beamc_log_level level, beamc_buffer *text)
{
    beamc__json json = { .out = text, .first = true, .flat = true };

    beamc__json_open(&json, NULL, '{');
    beamc__json_string(&json, "time", message->time);
    beamc__json_string(&json, "level", beamc_log_level_name(level));
    beamc__json_string(&json, "id", message->message_id);
    beamc__json_string(&json, "text", message->message_text);
    beamc__json_close(&json, '}');
    beamc_buffer_append_byte(text, '\n');
}

static void write_line(const JOB(JobMessage) *message, beamc_log_level level, beamc_buffer *text)
{
    size_t size = strlen(message->message_text);

    while (size > 0 && message->message_text[size - 1] == '\n')
        size--;
    beamc_buffer_printf(text, "%s%s%-5s %.*s\n", message->time, message->time[0] == '\0' ? "" : " ",
                        beamc_log_level_name(level), (int)size, message->message_text);
}

static void on_message(void *ctx, const JOB(JobMessage) *message)
{
    log_writer *writer = ctx;
    beamc_log_level level = beamc__job_message_level(message->importance);

    if (level < writer->level)
        return;
    beamc_buffer_clear(&writer->text);
    if (writer->json)
        write_json(message, level, &writer->text);
    else
        write_line(message, level, &writer->text);
    if (beamc_buffer_failed(&writer->text))
        return; /* of this size; the next may be smaller */
    fwrite(writer->text.data, 1, writer->text.size, writer->call->out);
    fflush(writer->call->out);
}

static beamc_error *logs(const beamc__call *call, beamc__connection *connection, int *status)
{
    log_writer writer = { .call = call, .json = beamc_option_bool(call->options, "json", false) };
    beamc__follow follow = { .on_message = on_message, .ctx = &writer };

    BEAMC_TRY(beamc__follow_level(&writer.level, call, status));
    BEAMC_TRY(beamc__connection_job(connection, call->arguments[0], &follow.info));
    beamc_buffer_init(&writer.text);
    beamc_error *error = beamc__follow_job(&follow, call, connection, status);
    beamc_buffer_dispose(&writer.text);
    if (!beamc__job_state_is_final(follow.state))
        return error;
    beamc_error_free(error); /* why it failed is in the messages */
    return NULL;
}

static beamc_error *run(const beamc__call *call, int *status)
{
    return beamc__connection_with(call, status, logs);
}

const beamc__command beamc__command_jobs_logs = {
    .name = "jobs logs",
    .takes = "ID",
    .summary = "the messages of a job, whole",
    .help = "Shows the messages that the server has of a job, with their levels and all of their\n"
            "lines, and those that come until the job has ended. Runners send what their own\n"
            "processes have to say; what workers log is also here with some runners (Prism), and\n"
            "in the logs of the cluster with others (Flink, Spark).\n"
            "\n"
            "The exit status is 0 however the job ended; 130 after Ctrl-C, which leaves the job\n"
            "as it is. ID may also be the name of a job, or the beginning of either.\n"
            "\n"
            "Examples:\n"
            "  beamc jobs logs job-001 --job_endpoint=localhost:8073\n"
            "  beamc jobs logs job-001 --level=WARN\n"
            "  beamc jobs logs job-001 --json | jq -r 'select(.level == \"ERROR\") | .text'",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .least = 1,
    .most = 1,
    .run = run,
};
