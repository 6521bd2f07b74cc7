/* SPDX-License-Identifier: Apache-2.0 */
/* beamc graph */
#include "runners/main/graph.h"

#include "commands.h"
#include "pipeline_of.h"
#include "print.h"
#include <string.h>

static const beamc_option_spec options[] = {
    { .name = "job",
      .help = "draws the pipeline of this job, in place of a file",
      .placeholder = "ID" },
    { .name = "output",
      .help = "draws into FILE.dot, .svg (by graphviz), .json, .txt; .pb is Beam's message. If not "
              "given, text goes to standard output",
      .placeholder = "FILE",
      .kind = BEAMC_OPTION_LIST },
    BEAMC__CONNECTION_OPTIONS,
    BEAMC__COMMAND_HELP,
};

/* What to call the pipeline of a file: the last part of its path. */
static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (strcmp(path, "-") == 0)
        return "standard input";
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

static beamc_error *write_files(const beamc__call *call, const beamc__graph *graph)
{
    for (size_t i = 0; i < beamc_option_count(call->options, "output"); i++) {
        const char *path = beamc_option_value(call->options, "output", i);
        BEAMC_TRY(beamc__graph_draw(graph, path));
        fprintf(call->err, "the pipeline is drawn in %s\n", path);
    }
    return NULL;
}

static beamc_error *draw(const beamc__call *call, const beamc_buffer *bytes, const char *name)
{
    beamc__graph *graph;
    beamc_buffer text;

    BEAMC_TRY(
        beamc_error_wrap(beamc__graph_read(&graph, bytes->data, bytes->size, name), "%s", name));
    beamc_error *error;
    if (beamc_option_count(call->options, "output") > 0) {
        error = write_files(call, graph);
    } else {
        beamc_buffer_init(&text);
        beamc__graph_write_text(graph, &text);
        error = beamc__print(call, &text);
    }
    beamc__graph_free(graph);
    return error;
}

static beamc_error *draw_file(const beamc__call *call)
{
    const char *path = call->arguments[0];
    beamc_buffer bytes;

    beamc_buffer_init(&bytes);
    beamc_error *error = beamc__pipeline_of_file(&bytes, path);
    if (error == NULL)
        error = draw(call, &bytes, name_of(path));
    beamc_buffer_dispose(&bytes);
    return error;
}

static beamc_error *draw_job(const beamc__call *call, beamc__connection *connection,
                             int *status BEAMC_UNUSED)
{
    const JOB(JobInfo) *info;
    beamc_buffer bytes;

    BEAMC_TRY(beamc__connection_job(connection, beamc_option(call->options, "job"), &info));
    beamc_buffer_init(&bytes);
    beamc_error *error = beamc__pipeline_of_job(&bytes, connection, info->job_id);
    if (error == NULL)
        error = draw(call, &bytes, info->job_name[0] != '\0' ? info->job_name : info->job_id);
    beamc_buffer_dispose(&bytes);
    return error;
}

static beamc_error *run(const beamc__call *call, int *status)
{
    bool of_job = beamc_option_given(call->options, "job");

    if (of_job == (call->argument_count == 1))
        return beamc__command_usage(status, "give either a FILE or --job=ID");
    for (size_t i = 0; i < beamc_option_count(call->options, "output"); i++) {
        const char *path = beamc_option_value(call->options, "output", i);
        beamc_error *error = beamc__graph_check_path(path);
        if (error != NULL) {
            *status = BEAMC__EXIT_USAGE;
            return beamc_error_wrap(error, "--output=%s", path);
        }
    }
    return of_job ? beamc__connection_with(call, status, draw_job) : draw_file(call);
}

const beamc__command beamc__command_graph = {
    .name = "graph",
    .takes = "[FILE]",
    .summary = "draws a pipeline: a serialized one, or that of a job",
    .help = "Draws the pipeline of any SDK. FILE holds Beam's message Pipeline, as a program with\n"
            "--graph=FILE.pb writes it; - is standard input. Of a job it is the one that its\n"
            "server has, which may have changed it.\n"
            "\n"
            "Examples:\n"
            "  beamc graph words.pb\n"
            "  beamc graph words.pb --output=words.svg,words.json\n"
            "  beamc graph --job=job-001 --job_endpoint=localhost:8073 --output=job.dot",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .least = 0,
    .most = 1,
    .run = run,
};
