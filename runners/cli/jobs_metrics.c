/* SPDX-License-Identifier: Apache-2.0 */
/* beamc jobs metrics */
#include "commands.h"
#include "connection.h"
#include "print.h"
#include "runners/main/json.h"
#include "runners/main/number.h"
#include "runners/main/summary.h"
#include "runners/portable/job_metrics.h"
#include "runners/result/result.h"
#include <string.h>

static const beamc_option_spec options[] = {
    BEAMC__PRINT_JSON_OPTION,
    BEAMC__CONNECTION_OPTIONS,
    BEAMC__COMMAND_HELP,
};

/* ---- JSON ------------------------------------------------------------------------------------ */

static void write_distribution(beamc__json *json, const beamc_metric_value *value)
{
    beamc__json_int(json, "count", value->count);
    beamc__json_int(json, "sum", value->sum);
    if (value->count == 0)
        return;
    beamc__json_int(json, "min", value->min);
    beamc__json_int(json, "max", value->max);
    beamc__json_double(json, "mean", (double)value->sum / (double)value->count);
}

static void write_strings(beamc__json *json, const beamc_metric_value *value)
{
    beamc__json_open(json, "strings", '[');
    for (size_t i = 0; i < value->string_count; i++)
        beamc__json_bytes(json, NULL, value->strings[i].data, value->strings[i].size);
    beamc__json_close(json, ']');
}

static void write_metric(beamc__json *json, const beamc_metric_value *value)
{
    static const char *const kinds[] = {
        [BEAMC_METRIC_COUNTER] = "counter",
        [BEAMC_METRIC_DISTRIBUTION] = "distribution",
        [BEAMC_METRIC_GAUGE] = "gauge",
        [BEAMC_METRIC_STRING_SET] = "string_set",
    };

    beamc__json_open(json, NULL, '{');
    beamc__json_string(json, "transform", value->transform);
    beamc__json_string(json, "namespace", value->space);
    beamc__json_string(json, "name", value->name);
    beamc__json_string(json, "kind", kinds[value->kind]);
    if (value->kind == BEAMC_METRIC_DISTRIBUTION)
        write_distribution(json, value);
    else if (value->kind == BEAMC_METRIC_STRING_SET)
        write_strings(json, value);
    else
        beamc__json_int(json, "value", value->value);
    beamc__json_close(json, '}');
}

static void write_json(const char *id, const beamc_result *result, beamc_buffer *text)
{
    beamc__json json = { .out = text, .first = true };

    beamc__json_open(&json, NULL, '{');
    beamc__json_string(&json, "job", id);
    beamc__json_open(&json, "metrics", '[');
    for (size_t i = 0; i < beamc_result_metric_count(result); i++)
        write_metric(&json, beamc_result_metric(result, i));
    beamc__json_close(&json, ']');
    beamc__json_open(&json, "pcollections", '[');
    for (size_t i = 0; i < beamc_result_pcollection_count(result); i++) {
        const beamc_pcollection_count *count = beamc_result_pcollection(result, i);
        beamc__json_open(&json, NULL, '{');
        beamc__json_string(&json, "name", count->pcollection);
        beamc__json_int(&json, "elements", count->elements);
        beamc__json_close(&json, '}');
    }
    beamc__json_close(&json, ']');
    beamc__json_close(&json, '}');
    beamc_buffer_append_byte(text, '\n');
}

/* ---- a table --------------------------------------------------------------------------------- */

static void write_table(const beamc_result *result, beamc_buffer *text)
{
    char number[BEAMC__NUMBER_SIZE];
    size_t columns = 0;

    beamc__summary_metrics(result, text);
    if (beamc_result_pcollection_count(result) > 0)
        beamc_buffer_append_string(text, "elements of\n");
    for (size_t i = 0; i < beamc_result_pcollection_count(result); i++)
        beamc__print_widen(&columns, beamc_result_pcollection(result, i)->pcollection);
    for (size_t i = 0; i < beamc_result_pcollection_count(result); i++) {
        const beamc_pcollection_count *count = beamc_result_pcollection(result, i);
        beamc_buffer_printf(text, "  %-*s  %s\n", (int)columns, count->pcollection,
                            beamc__number_count(number, count->elements));
    }
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* Which names the metrics' ids; of a server that keeps none, ids are names. */
static beamc_error *read_pipeline(const PB(Pipeline) **out, beamc__connection *connection,
                                  const char *id)
{
    JOB(GetJobPipelineResponse) *response;
    beamc_error *error = beamc__job_pipeline(connection->client, id, &response, connection->arena);

    if (beamc_error_code(error) == BEAMC_ENOMEM)
        return error;
    if (error == NULL && response->pipeline != NULL && response->pipeline->components != NULL) {
        *out = response->pipeline;
        return NULL;
    }
    beamc_error_free(error); /* the metrics are what was asked for */
    PB(Pipeline) *pipeline = beamc_arena_alloc(connection->arena, sizeof(*pipeline));
    PB(Components) *components = beamc_arena_alloc(connection->arena, sizeof(*components));
    if (pipeline == NULL || components == NULL)
        return beamc_error_nomem();
    pb(pipeline__init)(pipeline);
    pb(components__init)(components);
    pipeline->components = components;
    *out = pipeline;
    return NULL;
}

static beamc_error *ask(beamc_result **out, beamc__connection *connection, const char *id)
{
    const PB(Pipeline) *pipeline = NULL;
    beamc__metrics *metrics;

    BEAMC_TRY(read_pipeline(&pipeline, connection, id));
    metrics = beamc__metrics_new();
    if (metrics == NULL)
        return beamc_error_nomem();
    beamc_error *error = beamc__job_metrics_add(metrics, connection->client, id);
    if (error == NULL)
        error = beamc__result_new(out, metrics, pipeline);
    beamc__metrics_free(metrics);
    return error;
}

static beamc_error *show(const beamc__call *call, beamc__connection *connection,
                         int *status BEAMC_UNUSED)
{
    const JOB(JobInfo) *info;
    beamc_result *result;
    beamc_buffer text;

    BEAMC_TRY(beamc__connection_job(connection, call->arguments[0], &info));
    BEAMC_TRY(ask(&result, connection, info->job_id));
    beamc_buffer_init(&text);
    if (beamc_option_bool(call->options, "json", false))
        write_json(info->job_id, result, &text);
    else
        write_table(result, &text);
    beamc_result_free(result);
    if (!beamc_buffer_failed(&text) && text.size == 0)
        fprintf(call->err, "job %s has no metrics\n", info->job_id);
    return beamc__print(call, &text);
}

static beamc_error *run(const beamc__call *call, int *status)
{
    return beamc__connection_with(call, status, show);
}

const beamc__command beamc__command_jobs_metrics = {
    .name = "jobs metrics",
    .takes = "ID",
    .summary = "counters and other metrics of a job, and how many elements went where",
    .help = "Shows the metrics that a job's DoFns count, by transform, and how many elements each\n"
            "PCollection has had. They are those that are committed where the runner tells\n"
            "(Prism), and else those of all attempts (Flink, Spark). While a job runs they grow.\n"
            "ID may also be the name of a job, or the beginning of either.\n"
            "\n"
            "Examples:\n"
            "  beamc jobs metrics job-001 --job_endpoint=localhost:8073\n"
            "  beamc jobs metrics job-001 --json |\n"
            "      jq '.metrics[] | select(.name == \"empty_lines\") | .value'",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .least = 1,
    .most = 1,
    .run = run,
};
