/* SPDX-License-Identifier: Apache-2.0 */
/* beamc doctor: before a job is submitted, or after it failed. */
#include "check_options.h"
#include "check_pipeline.h"
#include "check_server.h"
#include "check_workers.h"
#include "commands.h"
#include "doctor_program.h"
#include "follow.h"
#include "pipeline_of.h"
#include "runners/portable/job_name.h"
#include "sdk/pipeline/options.h"
#include "sdk/rpc/rpc.h"
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define OPTION(option_name, option_placeholder, option_help)                                       \
    {                                                                                              \
        .name = option_name, .help = option_help, .placeholder = option_placeholder                \
    }
#define OPTIONS(option_name, option_placeholder, option_help)                                      \
    {                                                                                              \
        .name = option_name, .help = option_help, .placeholder = option_placeholder,               \
        .kind = BEAMC_OPTION_LIST                                                                  \
    }

static const beamc_option_spec options[] = {
    OPTION("job", "ID", "tells why this job failed, and no more"),
    OPTION(
        "runner", "NAME",
        "direct, prism, flink, spark or portable; portable if there is a job server, else direct"),
    BEAMC__CONNECTION_OPTIONS,
    OPTION("environment_type", "TYPE", "LOOPBACK, PROCESS, DOCKER or EXTERNAL: how workers start"),
    OPTION("environment_config", "TEXT",
           "image, {\"command\": ...} or host:port, as the type wants"),
    OPTIONS("environment_options", "K=V,...", "the same as single options"),
    OPTION("sdk_container_image", "IMAGE", "the image of the workers"),
    OPTIONS("files_to_stage", "FILE", "files that workers find in their directory"),
    OPTION("prism_location", "FILE", "the prism program, if no server is given"),
    OPTION("flink_job_server_jar", "FILE", "the job server of Flink, likewise"),
    OPTION("spark_job_server_jar", "FILE", "the job server of Spark, likewise"),
    OPTION("job_server_java_launcher", "FILE", "what starts these jars"),
    { .name = "streaming", .help = "the input has no end", .kind = BEAMC_OPTION_BOOL },
    BEAMC__COMMAND_HELP,
};

enum { OPTION_COUNT = sizeof(options) / sizeof(options[0]) };

/* ---- why a job failed ------------------------------------------------------------------------ */

static void forget(void *ctx BEAMC_UNUSED, const JOB(JobMessage) *message BEAMC_UNUSED)
{
}

static beamc_error *explain_job(const beamc__call *call, beamc__connection *connection, int *status)
{
    beamc__follow follow = { .on_message = forget };
    char text[4096];

    BEAMC_TRY(beamc__connection_job(connection, beamc_option(call->options, "job"), &follow.info));
    JOB(JobState__Enum) state = follow.info->state;
    /* Of a server that lists no jobs it is not known yet. */
    if (state == JOBK(JOB_STATE__ENUM__UNSPECIFIED))
        BEAMC_TRY(beamc__job_state(connection->client, follow.info->job_id, &state));
    if (!beamc__job_state_is_final(state)) {
        fprintf(call->out, "job %s has not ended: it is %s\n", follow.info->job_id,
                beamc__job_state_name(state));
        return NULL;
    }
    beamc_error *error = beamc__follow_job(&follow, call, connection, status);
    if (error == NULL) {
        fprintf(call->out, "job %s did not fail: it is %s\n", follow.info->job_id,
                beamc__job_state_name(follow.state));
        return NULL;
    }
    if (!beamc__job_state_is_final(follow.state))
        return error;
    beamc_error_print(error, text, sizeof(text));
    beamc_error_free(error);
    fprintf(call->out, "%s\n", text);
    *status = BEAMC__EXIT_FAILED;
    return NULL;
}

/* ---- what is to be checked ------------------------------------------------------------------- */

/* The command line that a run would have: that of the program, and then what was given to us. */
typedef struct {
    beamc_options *options; /* owned */
    beamc__runner_kind runner;
    beamc_portable_options portable; /* borrows from options; unless the runner is direct */
    bool is_portable;
} plan;

/* The value of the variable that stands in for --job_endpoint; NULL: it is not needed, or not set.
 */
static const char *endpoint_variable(const beamc_options *given)
{
    const char *value = getenv("BEAMC_JOB_ENDPOINT");

    if (beamc_option_given(given, "job_endpoint"))
        return NULL;
    return value == NULL || value[0] == '\0' ? NULL : value;
}

/* Whether what is given is about a job server and its workers. */
static bool is_about_a_server(const beamc_options *given)
{
    static const char *const names[] = { "job_endpoint", "environment_type", "environment_config",
                                         "environment_options", "sdk_container_image" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (beamc_option_given(given, names[i]))
            return true;
    return endpoint_variable(given) != NULL;
}

/* @runner: what to add if no other is named; NULL: nothing. */
static beamc_error *join(beamc_options **out, const beamc__call *call, const char *runner,
                         beamc_arena *arena)
{
    const char **argv =
        beamc_arena_calloc(arena, call->argument_count + OPTION_COUNT + 2, sizeof(*argv));
    int argc = 0;

    *out = NULL;
    if (argv == NULL)
        return beamc_error_nomem();
    argv[argc++] = call->name;
    if (runner != NULL)
        argv[argc++] = runner;
    for (size_t i = 1; i < call->argument_count; i++)
        argv[argc++] = call->arguments[i];
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *name = options[i].name;
        if (strcmp(name, "job") != 0 && strcmp(name, "help") != 0 &&
            beamc_option_given(call->options, name))
            argv[argc++] =
                beamc_arena_printf(arena, "--%s=%s", name, beamc_option(call->options, name));
    }
    if (beamc_arena_failed(arena))
        return beamc_error_nomem();
    return beamc__options_parse_line(out, BEAMC__OPTION_LINE_FOREIGN, argc, argv, NULL, 0);
}

static beamc_error *read_portable(plan *out, const char *runner)
{
    if (!beamc_portable_has_runner(runner))
        return beamc_error_new(
            BEAMC_EINVAL, "--runner=%s: it is direct, prism, flink, spark or portable", runner);
    BEAMC_TRY(beamc_portable_options_read(&out->portable, out->options));
    if (out->portable.job_endpoint == NULL)
        out->portable.job_endpoint = endpoint_variable(out->options);
    return NULL;
}

static beamc_error *read_plan(plan *out, const beamc__call *call, beamc_arena *arena)
{
    BEAMC_TRY(join(&out->options, call, NULL, arena));
    if (!beamc_option_given(out->options, "runner") && is_about_a_server(out->options)) {
        beamc_options_free(out->options);
        BEAMC_TRY(join(&out->options, call, "--runner=portable", arena));
    }
    const char *runner = beamc_option(out->options, "runner");
    out->runner = beamc__runner_of_name(runner);
    out->is_portable = out->runner != BEAMC__RUNNER_DIRECT;
    return out->is_portable ? read_portable(out, runner) : NULL;
}

/* ---- the checks ------------------------------------------------------------------------------ */

static void check_bytes(beamc__findings *findings, const plan *of, const beamc_buffer *bytes,
                        const char *name, bool has_environments)
{
    beamc__graph *graph;

    if (beamc__find_error(
            findings, beamc_error_wrap(beamc__graph_read(&graph, bytes->data, bytes->size, name),
                                       "the pipeline of %s", name)))
        return;
    beamc__find(findings, BEAMC__FINDING_OK, "%s has a pipeline of %zu transforms", name,
                graph->node_count);
    beamc__check_pipeline(findings, graph, of->runner,
                          beamc_option_bool(of->options, "streaming", false), has_environments);
    beamc__graph_free(graph);
}

/* @program is a program, or a file of a Pipeline. */
static void check_program(beamc__findings *findings, const plan *of, const beamc__call *call,
                          const char *program, int64_t timeout_ms)
{
    bool is_file = beamc__doctor_is_pipeline(program);
    beamc_buffer bytes;

    beamc_buffer_init(&bytes);
    beamc_error *error = is_file ? beamc__pipeline_of_file(&bytes, program)
                                 : beamc__doctor_run_program(&bytes, program, call->arguments,
                                                             call->argument_count, timeout_ms);
    if (!beamc__find_error(findings, error))
        check_bytes(findings, of, &bytes, program, is_file);
    beamc_buffer_dispose(&bytes);
}

static void check_all(beamc__findings *findings, plan *of, const beamc__call *call)
{
    int64_t timeout_ms = beamc_option_int64(call->options, "job_server_timeout", 10) * 1000;
    const char *given = call->argument_count == 0 ? NULL : call->arguments[0];
    bool is_pipeline = given != NULL && beamc__doctor_is_pipeline(given);
    char program[PATH_MAX] = "";

    if (given != NULL && !is_pipeline &&
        beamc__find_error(findings, beamc__doctor_find_program(given, program, sizeof(program))))
        given = NULL;
    /* A pipeline in a file is nothing that is about to be run. */
    if (of->is_portable && (!is_pipeline || of->portable.job_endpoint != NULL)) {
        of->runner = beamc__check_server(findings, &of->portable, of->runner, timeout_ms);
        /* Workers of a pipeline from a file are as it says. */
        if (!is_pipeline)
            beamc__check_workers(findings, &of->portable, program[0] == '\0' ? NULL : program,
                                 timeout_ms);
    }
    if (of->is_portable)
        beamc__find_error(findings, beamc__job_name_check(of->portable.job_name));
    if (of->is_portable && of->portable.job_endpoint != NULL && program[0] != '\0')
        beamc__check_options(findings, &of->portable, program, timeout_ms);
    if (given != NULL)
        check_program(findings, of, call, is_pipeline ? given : program, timeout_ms);
}

static beamc_error *check(const beamc__call *call, int *status)
{
    beamc__findings findings = { .out = call->out };
    plan of = { .options = NULL };
    beamc_arena *arena = beamc_arena_new();

    if (arena == NULL)
        return beamc_error_nomem();
    beamc_error *error = read_plan(&of, call, arena);
    if (error == NULL && !of.is_portable && call->argument_count == 0)
        error = beamc_error_new(BEAMC_EINVAL, "what is to be looked at? give a PROGRAM, a "
                                              "--job_endpoint, or the --job that failed");
    if (error == NULL) {
        beamc__rpc_init();
        check_all(&findings, &of, call);
        beamc__rpc_shutdown();
        beamc__findings_sum(&findings);
    }
    if (error != NULL)
        *status = BEAMC__EXIT_USAGE; /* all that it reads is the command line */
    else if (findings.counts[BEAMC__FINDING_PROBLEM] > 0)
        *status = BEAMC__EXIT_FAILED;
    beamc_options_free(of.options);
    beamc_arena_free(arena);
    return error;
}

static beamc_error *run(const beamc__call *call, int *status)
{
    int64_t seconds = beamc_option_int64(call->options, "job_server_timeout", 10);
    bool of_job = beamc_option_given(call->options, "job");

    if (seconds <= 0 || seconds > INT32_MAX)
        return beamc__command_usage(
            status, "--job_server_timeout=%" PRId64 ": it is more than 0 seconds", seconds);
    if (of_job && call->argument_count > 0)
        return beamc__command_usage(status, "give either a PROGRAM or --job=ID");
    if (of_job)
        return beamc__connection_with(call, status, explain_job);
    return check(call, status);
}

const beamc__command beamc__command_doctor = {
    .name = "doctor",
    .takes = "[PROGRAM ...]",
    .summary = "what would go wrong with a job; why one did",
    .help =
        "Put it before the command line of a program: it looks at what the run would need,\n"
        "and runs nothing. Each finding is a line that begins with ok, warning or problem,\n"
        "and says what to do:\n"
        "\n"
        "  the job server is there, is one, and which runner's; or can be started\n"
        "  workers can start: the image is here and for this machine, the command is a\n"
        "    program, the worker pool answers; files to stage can be read\n"
        "  the program or the job server knows each option\n"
        "  the runner can do what the pipeline wants: state, timers, side inputs, windows\n"
        "\n"
        "PROGRAM may also be a file of Beam's message Pipeline, FILE.pb, of any SDK. Options\n"
        "before it are doctor's and count more than those behind it, which are the program's.\n"
        "With --job it tells the first cause of a failed job in one line. The exit status is\n"
        "0 if there is no problem, else 1.\n"
        "\n"
        "Examples:\n"
        "  beamc doctor --job_endpoint=localhost:8099\n"
        "  beamc doctor build/bin/wordcount --runner=flink --job_endpoint=localhost:8099 \\\n"
        "      --environment_type=DOCKER --sdk_container_image=words:1 --input=x --output=y\n"
        "  beamc doctor --runner=spark pipeline.pb\n"
        "  beamc doctor --job=job-001 --job_endpoint=localhost:8073",
    .options = options,
    .option_count = OPTION_COUNT,
    .least = 0,
    .most = SIZE_MAX,
    .takes_command = true,
    .run = run,
};
