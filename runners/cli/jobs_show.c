/* SPDX-License-Identifier: Apache-2.0 */
/* beamc jobs show */
#include "commands.h"
#include "pipeline_of.h"
#include "pipeline_sum.h"
#include "print.h"
#include "runners/main/json.h"
#include "runners/portable/job_history.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const beamc_option_spec options[] = {
    BEAMC__PRINT_JSON_OPTION,
    BEAMC__CONNECTION_OPTIONS,
    BEAMC__COMMAND_HELP,
};

enum { TIME_SIZE = 40 };

/* What is shown. */
typedef struct {
    const JOB(JobInfo) *info;
    beamc__job_history history;
    beamc__graph *graph;   /* owned; NULL: there is none, .. */
    beamc_error *no_graph; /* .. and this is why; owned */
} job_facts;

/* ---- times and options ----------------------------------------------------------------------- */

/* "2026-11-28T13:59:27.123Z"; "" for none. */
static const char *time_text(char out[TIME_SIZE], const Google__Protobuf__Timestamp *at)
{
    struct tm parts;
    time_t seconds;
    size_t size;

    out[0] = '\0';
    if (at == NULL)
        return out;
    seconds = (time_t)at->seconds;
    if (gmtime_r(&seconds, &parts) == NULL ||
        (size = strftime(out, TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &parts)) == 0)
        return out;
    snprintf(out + size, TIME_SIZE - size, ".%03dZ", (int)(at->nanos / 1000000 % 1000));
    return out;
}

static void write_value(beamc__json *json, const char *key, const Google__Protobuf__Value *value)
{
    switch (value->kind_case) {
    case GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE:
        beamc__json_string(json, key, value->string_value);
        break;
    case GOOGLE__PROTOBUF__VALUE__KIND_BOOL_VALUE:
        beamc__json_bool(json, key, value->bool_value);
        break;
    case GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE:
        beamc__json_double(json, key, value->number_value);
        break;
    case GOOGLE__PROTOBUF__VALUE__KIND_LIST_VALUE:
        beamc__json_open(json, key, '[');
        for (size_t i = 0; i < value->list_value->n_values; i++)
            write_value(json, NULL, value->list_value->values[i]);
        beamc__json_close(json, ']');
        break;
    case GOOGLE__PROTOBUF__VALUE__KIND_STRUCT_VALUE:
        beamc__json_open(json, key, '{');
        for (size_t i = 0; i < value->struct_value->n_fields; i++)
            if (value->struct_value->fields[i]->value != NULL)
                write_value(json, value->struct_value->fields[i]->key,
                            value->struct_value->fields[i]->value);
        beamc__json_close(json, '}');
        break;
    default:
        beamc__json_null(json, key);
        break;
    }
}

/* "job_name" of "beam:option:job_name:v1". */
static void option_name(const char *key, const char **name, int *size)
{
    static const char before[] = "beam:option:", behind[] = ":v1";
    size_t length = strlen(key);

    *name = key;
    *size = (int)length;
    if (length > strlen(before) + strlen(behind) && strncmp(key, before, strlen(before)) == 0 &&
        strcmp(key + length - strlen(behind), behind) == 0) {
        *name += strlen(before);
        *size -= (int)(strlen(before) + strlen(behind));
    }
}

static int compare_options(const void *a, const void *b)
{
    return strcmp((*(Google__Protobuf__Struct__FieldsEntry *const *)a)->key,
                  (*(Google__Protobuf__Struct__FieldsEntry *const *)b)->key);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static bool write_json(const job_facts *of, beamc_buffer *text)
{
    beamc__json json = { .out = text, .first = true };
    char when[TIME_SIZE];

    beamc__json_open(&json, NULL, '{');
    beamc__json_string(&json, "id", of->info->job_id);
    beamc__json_string(&json, "name", of->info->job_name);
    beamc__json_string(&json, "state", beamc__job_state_name(of->info->state));
    beamc__json_open(&json, "states", '[');
    for (size_t i = 0; i < of->history.count; i++) {
        const JOB(JobStateEvent) *event = of->history.events[i];
        beamc__json_open(&json, NULL, '{');
        beamc__json_string(&json, "state", beamc__job_state_name(event->state));
        beamc__json_string(&json, "time", time_text(when, event->timestamp));
        beamc__json_close(&json, '}');
    }
    beamc__json_close(&json, ']');
    beamc__json_open(&json, "options", '{');
    const Google__Protobuf__Struct *given = of->info->pipeline_options;
    for (size_t i = 0; given != NULL && i < given->n_fields; i++)
        if (given->fields[i]->value != NULL)
            write_value(&json, given->fields[i]->key, given->fields[i]->value);
    beamc__json_close(&json, '}');
    bool ok = of->graph == NULL || beamc__pipeline_sum_json(of->graph, &json, "pipeline");
    beamc__json_close(&json, '}');
    beamc_buffer_append_byte(text, '\n');
    return ok;
}

/* ---- text ------------------------------------------------------------------------------------ */

static void write_states(const job_facts *of, beamc_buffer *text)
{
    char when[TIME_SIZE];

    beamc_buffer_append_string(text, "\nstates\n");
    for (size_t i = 0; i < of->history.count; i++) {
        const JOB(JobStateEvent) *event = of->history.events[i];
        beamc_buffer_printf(text, "  %-24s  %s\n",
                            event->timestamp == NULL ? "-" : time_text(when, event->timestamp),
                            beamc__job_state_name(event->state));
    }
}

static void write_options(const job_facts *of, beamc_buffer *text)
{
    const Google__Protobuf__Struct *given = of->info->pipeline_options;
    beamc__json json = { .out = text, .first = true, .flat = true };

    if (given == NULL || given->n_fields == 0)
        return;
    beamc_buffer_append_string(text, "\noptions\n");
    for (size_t i = 0; i < given->n_fields; i++) {
        const char *name;
        int size;
        if (given->fields[i]->value == NULL)
            continue;
        option_name(given->fields[i]->key, &name, &size);
        beamc_buffer_printf(text, "  %.*s = ", size, name);
        json.first = true;
        write_value(&json, NULL, given->fields[i]->value);
        beamc_buffer_append_byte(text, '\n');
    }
}

static bool write_text(const job_facts *of, beamc_buffer *text)
{
    char why[512];

    beamc_buffer_printf(text, "job    %s\nname   %s\nstate  %s\n", of->info->job_id,
                        of->info->job_name, beamc__job_state_name(of->info->state));
    write_states(of, text);
    write_options(of, text);
    if (of->graph != NULL) {
        beamc_buffer_append_string(text, "\npipeline\n");
        return beamc__pipeline_sum_text(of->graph, text);
    }
    beamc_error_print(of->no_graph, why, sizeof(why));
    beamc_buffer_printf(text, "\nits pipeline cannot be shown: %s\n", why);
    return true;
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* A job whose pipeline the server does not tell is shown all the same. */
static beamc_error *read_graph(job_facts *of, beamc__connection *connection)
{
    beamc_buffer bytes;

    beamc_buffer_init(&bytes);
    beamc_error *error = beamc__pipeline_of_job(&bytes, connection, of->info->job_id);
    if (error == NULL)
        error = beamc__graph_read(&of->graph, bytes.data, bytes.size, of->info->job_name);
    beamc_buffer_dispose(&bytes);
    if (beamc_error_code(error) == BEAMC_ENOMEM)
        return error;
    of->no_graph = error;
    return NULL;
}

static void sort_options(const JOB(JobInfo) *info)
{
    Google__Protobuf__Struct *given = info->pipeline_options;

    if (given != NULL && given->n_fields > 0)
        qsort(given->fields, given->n_fields, sizeof(*given->fields), compare_options);
}

static beamc_error *show(const beamc__call *call, beamc__connection *connection,
                         int *status BEAMC_UNUSED)
{
    job_facts of = { .graph = NULL };
    beamc_buffer text;

    BEAMC_TRY(beamc__connection_job(connection, call->arguments[0], &of.info));
    BEAMC_TRY(beamc__job_history_read(&of.history, connection->client, of.info->job_id,
                                      connection->arena));
    BEAMC_TRY(read_graph(&of, connection));
    sort_options(of.info);
    beamc_buffer_init(&text);
    bool json = beamc_option_bool(call->options, "json", false);
    text.failed = !(json ? write_json(&of, &text) : write_text(&of, &text)) || text.failed;
    beamc__graph_free(of.graph);
    beamc_error_free(of.no_graph); /* it was shown */
    return beamc__print(call, &text);
}

static beamc_error *run(const beamc__call *call, int *status)
{
    return beamc__connection_with(call, status, show);
}

const beamc__command beamc__command_jobs_show = {
    .name = "jobs show",
    .takes = "ID",
    .summary = "all that a job server knows of a job",
    .help = "Shows the states that a job has been in, its options as the server has them, and\n"
            "what its pipeline is made of. beamc graph --job=ID draws the pipeline; beamc jobs\n"
            "metrics and beamc jobs logs show what it counts and says. ID may also be the name of\n"
            "a job, or the beginning of either.\n"
            "\n"
            "Examples:\n"
            "  beamc jobs show job-001 --job_endpoint=localhost:8073\n"
            "  beamc jobs show job-001 --json | jq '.states[-1]'",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .least = 1,
    .most = 1,
    .run = run,
};
