/* SPDX-License-Identifier: Apache-2.0 */
/* The portable runner: a pipeline goes to a job server and is followed there.
 *
 *     collect files -> start a server? -> describe options -> workers? -> Prepare -> stage -> Run
 *         -> follow -> metrics -> stop what was started
 *
 * What can be wrong here is found before the server has heard of the job. */
#include <beamc/portable.h>

#include "proto/urns.h"
#include "runners/portable/artifacts.h"
#include "runners/portable/job_client.h"
#include "runners/portable/job_follow.h"
#include "runners/portable/job_metrics.h"
#include "runners/portable/job_name.h"
#include "runners/portable/log_options.h"
#include "runners/portable/loopback.h"
#include "runners/portable/options_json.h"
#include "runners/portable/pool_probe.h"
#include "runners/portable/server.h"
#include "runners/portable/staging.h"
#include "runners/portable/worker_environment.h"
#include "runners/portable/worker_hint.h"
#include "runners/result/result.h"
#include "sdk/base/build_id.h"
#include "sdk/pipeline/graph.h"
#include "sdk/pipeline/options.h"
#include "sdk/rpc/endpoint.h"
#include "sdk/rpc/rpc.h"
#include <stdio.h>
#include <string.h>

enum { TIMEOUT_MS = 60000, POOL_MS = 3000, NAME_SIZE = 256, TEXT_SIZE = 4096 };

/* One run, from one end to the other. */
typedef struct {
    const beamc_portable_options *options;
    beamc_pipeline *pipeline;
    beamc_arena *arena;
    beamc_log_target log;
    int64_t timeout_ms;
    beamc__job_tls tls;
    beamc__workers workers;
    beamc__worker_options_given workers_given;
    const char *pool;    /* that workers are asked for at; NULL: none, or our own */
    const char *command; /* that workers are started as; NULL: none, or this program */
    beamc__artifacts artifacts;
    beamc__server *server;     /* ours; NULL: one was given */
    beamc__loopback *loopback; /* NULL: workers are elsewhere */
    beamc__job_client *client;
    char name[NAME_SIZE];
    const char *job_id; /* NULL: the job does not run yet */
    const PB(Pipeline) *proto;
    JOB(JobState__Enum) state;
    bool options_are_known; /* to the server, too */
} run;

static bool is_set(const volatile int *flag)
{
    return flag != NULL && __atomic_load_n(flag, __ATOMIC_RELAXED) != 0;
}

static beamc_error *check_cancelled(const run *of)
{
    if (!is_set(of->options->cancel))
        return NULL;
    return beamc_error_new(BEAMC_ECANCELLED, "cancelled before the job was started");
}

/* ---- what goes with the job ------------------------------------------------------------------ */

static beamc_error *describe(run *of, JOB(DescribePipelineOptionsResponse) **out)
{
    /* The first call: where nobody listens, this is what fails. */
    BEAMC_TRY(beamc_error_wrap(beamc__job_describe_options(of->client, out, of->arena),
                               "job server (--job_endpoint)"));
    return check_cancelled(of);
}

/* Old runners want to be told that the Fn API is meant. */
static bool add_experiment(beamc__json_object *json, beamc_arena *arena)
{
    static const char key[] = "beam:option:experiments:v1";
    static const char experiment[] = "beam_fn_api";
    const beamc__json_value *given = beamc__json_object_get(json, key);
    size_t count = given == NULL ? 0 : given->list_value->n_values;
    beamc__json_value *list = beamc__json_value_list(arena, count + 1);
    beamc__json_value *one = beamc__json_value_text(arena, experiment);

    if (list == NULL || one == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(given->list_value->values[i]->string_value, experiment) == 0)
            return true;
        list->list_value->values[i] = given->list_value->values[i];
    }
    list->list_value->values[count] = one;
    list->list_value->n_values = count + 1;
    return beamc__json_object_set(json, key, list, arena);
}

static beamc_error *make_options(run *of, beamc__json_object **out)
{
    JOB(DescribePipelineOptionsResponse) *described;
    char *build_id = beamc_arena_calloc(of->arena, 1, BEAMC__BUILD_ID_SIZE);

    if (build_id == NULL)
        return beamc_error_nomem();
    BEAMC_TRY(describe(of, &described));
    of->options_are_known = true;
    BEAMC_TRY(beamc__options_to_json(out, of->options->options, described, of->arena));
    if (!beamc__options_json_set(*out, "job_name", of->name, of->arena) ||
        !add_experiment(*out, of->arena))
        return beamc_error_nomem();
    /* A worker of another build would not have our functions as they are here. */
    if (beamc__build_id(build_id) &&
        !beamc__options_json_set(*out, BEAMC_TEXT_BUILD_ID_OPTION, build_id, of->arena))
        return beamc_error_nomem();
    return NULL;
}

/* ---- the job --------------------------------------------------------------------------------- */

/* A job server with TLS need not say that its other endpoint has it, too. */
static const beamc__rpc_tls *tls_of_staging(const run *of, const char *endpoint)
{
    return beamc__rpc_endpoint_security(endpoint) == BEAMC__RPC_SECURITY_PLAIN
               ? NULL
               : beamc__job_client_tls(of->client);
}

static beamc_error *stage(run *of, const JOB(PrepareJobResponse) *prepared)
{
    const char *endpoint = of->options->artifact_endpoint;

    if (endpoint == NULL && prepared->artifact_staging_endpoint != NULL)
        endpoint = prepared->artifact_staging_endpoint->url;
    /* A server without staging is one for jobs without files. */
    if (endpoint == NULL || endpoint[0] == '\0') {
        if (of->artifacts.count == 0)
            return NULL;
        return beamc_error_new(BEAMC_EUNSUPPORTED,
                               "the job server %s takes no files, and the job has %zu",
                               beamc__job_client_endpoint(of->client), of->artifacts.count);
    }
    const beamc__staging_options options = {
        .queue = beamc__job_client_queue(of->client),
        .endpoint = endpoint,
        .tls = tls_of_staging(of, endpoint),
        .token = prepared->staging_session_token,
        .timeout_ms = of->timeout_ms,
        .cancel = of->options->cancel,
    };
    return beamc__staging_serve(&of->artifacts, &options);
}

static beamc_error *submit(run *of)
{
    JOB(PrepareJobRequest) request = JOBK(PREPARE_JOB_REQUEST__INIT);
    JOB(PrepareJobResponse) *prepared;
    PB(Pipeline) *proto;

    BEAMC_TRY(make_options(of, &request.pipeline_options));
    BEAMC_TRY(beamc__pipeline_to_proto(&proto, of->pipeline, of->arena));
    of->proto = proto;
    request.pipeline = proto;
    request.job_name = (char *)beamc__text_copy(of->arena, of->name, strlen(of->name));
    if (request.job_name == NULL)
        return beamc_error_nomem();
    BEAMC_TRY(beamc__job_prepare(of->client, &request, &prepared, of->arena));
    BEAMC_TRY(stage(of, prepared));
    BEAMC_TRY(check_cancelled(of));
    return beamc__job_run(of->client, prepared->preparation_id, &of->job_id, of->arena);
}

static void on_state(void *ctx, JOB(JobState__Enum) state)
{
    const run *of = ctx;

    if (of->options->state != NULL)
        of->options->state(of->options->state_ctx, of->job_id, beamc__job_state_name(state));
}

static beamc_error *follow(run *of)
{
    const beamc__job_follow_options options = {
        .job_id = of->job_id,
        .log = &of->log,
        .on_state = on_state,
        .ctx = of,
        .cancel = of->options->cancel,
        .leave = of->options->leave,
    };
    beamc_error *error = beamc__job_follow(of->client, &options, &of->state);

    if (error == NULL || !is_set(of->options->leave) || beamc__job_state_is_final(of->state))
        return error;
    beamc_error_free(error); /* it says the same without what to do next */
    if (of->server != NULL || of->loopback != NULL)
        return beamc_error_new(BEAMC_ECANCELLED,
                               "job %s was left, and ends with this program, which %s it",
                               of->job_id, of->server != NULL ? "serves" : "works for");
    const char *tls = beamc__job_tls_line(&of->tls, of->arena);
    return beamc_error_new(BEAMC_ECANCELLED,
                           "job %s was left while it is %s; to follow it: beamc jobs watch %s "
                           "--job_endpoint=%s%s",
                           of->job_id, beamc__job_state_name(of->state), of->job_id,
                           of->options->job_endpoint, tls == NULL ? "" : tls);
}

/* ---- the result ------------------------------------------------------------------------------ */

static beamc_error *fill_result(run *of, beamc_result **out, beamc__metrics *metrics)
{
    char text[NAME_SIZE];

    beamc_error *error = beamc__job_metrics_add(metrics, of->client, of->job_id);
    if (beamc_error_code(error) == BEAMC_ENOMEM)
        return error;
    if (error != NULL) {
        /* The job is done all the same. */
        beamc_error_print(error, text, sizeof(text));
        beamc_log_to(&of->log, BEAMC_LOG_WARN, "there are no metrics: %s", text);
        beamc_error_free(error);
    }
    return beamc__result_new(out, metrics, of->proto);
}

static beamc_error *make_result(run *of, beamc_result **out)
{
    beamc__metrics *metrics = beamc__metrics_new();

    if (metrics == NULL)
        return beamc_error_nomem();
    beamc_error *error = fill_result(of, out, metrics);
    beamc__metrics_free(metrics);
    return error;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static bool server_is_local(const run *of)
{
    return of->options->job_endpoint == NULL ||
           beamc__endpoint_is_local(of->options->job_endpoint);
}

/* Prism starts it where it is itself, and waits for ever for a worker that was not started.  Other
 * servers hand jobs to clusters, whose machines may have what this one has not. */
static beamc_error *check_command(const run *of)
{
    char text[TEXT_SIZE];

    if (of->command == NULL || of->command[0] != '/' || !server_is_local(of))
        return NULL;
    beamc_error *error = beamc__workers_check_command(of->command);
    if (error == NULL || of->options->server == BEAMC_SERVER_PRISM)
        return error;
    beamc_error_print(error, text, sizeof(text));
    beamc_log_to(&of->log, BEAMC_LOG_WARN, "on this machine, %s", text);
    beamc_error_free(error);
    return NULL;
}

static beamc_error *collect(run *of)
{
    const beamc_portable_options *options = of->options;

    BEAMC_TRY(beamc__job_name_check(options->job_name));
    BEAMC_TRY(beamc__job_tls_check(&of->tls, options->job_endpoint));
    of->workers_given = (beamc__worker_options_given){
        options->environment_type,    options->environment_config,
        options->environment_options, options->environment_option_count,
        options->container_image,
    };
    BEAMC_TRY(beamc__workers_choose(&of->workers, &of->workers_given, server_is_local(of)));
    BEAMC_TRY(beamc__workers_pool(&of->pool, of->workers, &of->workers_given, of->arena));
    BEAMC_TRY(beamc__workers_command(&of->command, of->workers, &of->workers_given, of->arena));
    BEAMC_TRY(check_command(of));
    /* Workers in this process have the program already. */
    return beamc__artifacts_collect(&of->artifacts, of->workers != BEAMC__WORKERS_LOOPBACK,
                                    options->files_to_stage, options->file_count, of->arena);
}

static beamc_error *connect_to_server(run *of)
{
    const char *endpoint = of->options->job_endpoint;

    if (endpoint == NULL && of->options->server == BEAMC_SERVER_NONE)
        return beamc_error_new(BEAMC_EINVAL,
                               "--job_endpoint=HOST:PORT of the job server is needed");
    if (endpoint == NULL) {
        BEAMC_TRY(beamc__server_start(&of->server, of->options, of->timeout_ms));
        endpoint = beamc__server_endpoint(of->server);
    }
    return beamc__job_client_new(&of->client, endpoint, &of->tls, of->timeout_ms);
}

static beamc_error *set_workers(run *of)
{
    const beamc__loopback_options options = {
        .functions = of->pipeline->functions,
        .function_count = of->pipeline->function_count,
        .log_level = of->options->log_level,
        .log_overrides = &of->options->log_overrides,
        /* Nobody looks at what a server of ours writes. */
        .log_here = of->server != NULL,
        .log = &of->log,
    };

    if (of->workers == BEAMC__WORKERS_LOOPBACK)
        BEAMC_TRY(beamc__loopback_start(&of->loopback, &options));
    return beamc__workers_set(of->pipeline, of->workers, &of->workers_given,
                              of->loopback == NULL ? NULL : beamc__loopback_url(of->loopback),
                              &of->artifacts);
}

/* Some runners wait for ever for a pool that is not there, and Prism ends of what is none.  Only
 * what is on this machine for us and for the server is the same for both. */
static beamc_error *check_pool(run *of)
{
    if (of->pool == NULL || !beamc__endpoint_is_local(of->pool) ||
        !beamc__endpoint_is_local(beamc__job_client_endpoint(of->client)))
        return NULL;
    return beamc_error_wrap(beamc__pool_probe(of->pool, beamc__job_client_queue(of->client),
                                              POOL_MS, of->arena),
                            "there is no worker pool (beamc worker-pool starts one)");
}

/* A server of ours that has ended says more than the calls that failed by it. */
static beamc_error *blame_server(run *of, beamc_error *take_error)
{
    beamc_error *ended = of->server == NULL ? NULL : beamc__server_check(of->server);

    if (ended == NULL)
        return take_error;
    if (take_error == NULL) {
        beamc_error_free(ended); /* after the job was done */
        return NULL;
    }
    beamc_error_free(take_error);
    return ended;
}

/* Which options there are only a server knows, but if there is none, one that is nearly one of ours
 * is the likelier reason: --job_endpont. */
static beamc_error *blame_option(run *of, beamc_error *take_error)
{
    const beamc_options *options = of->options->options;
    const beamc__option_unknown *unknown = options == NULL ? NULL : options->unknown;
    char text[TEXT_SIZE];

    if (take_error == NULL || of->options_are_known ||
        beamc_error_code(take_error) == BEAMC_ECANCELLED)
        return take_error;
    for (; unknown != NULL; unknown = unknown->next) {
        const char *nearest = beamc__option_nearest(options, unknown->name, NULL);
        if (nearest == NULL)
            continue;
        beamc_error_print(take_error, text, sizeof(text));
        beamc_error_free(take_error);
        return beamc_error_new(BEAMC_EINVAL, "--%s: did you mean --%s? %s", unknown->given,
                               nearest, text);
    }
    return take_error;
}

static beamc_error *run_job(run *of, beamc_result **out)
{
    BEAMC_TRY(beamc__pipeline_check(of->pipeline));
    BEAMC_TRY(collect(of));
    BEAMC_TRY(connect_to_server(of));
    BEAMC_TRY(check_pool(of));
    BEAMC_TRY(set_workers(of));
    BEAMC_TRY(submit(of));
    BEAMC_TRY(beamc__worker_hint(follow(of), of->workers));
    return out == NULL ? NULL : make_result(of, out);
}

static beamc_error *run_all(run *of, beamc_result **out)
{
    of->arena = beamc_arena_new();
    if (of->arena == NULL)
        return beamc_error_nomem();
    beamc__job_name_choose(of->name, sizeof(of->name), of->options);
    beamc_error *error = blame_option(of, blame_server(of, run_job(of, out)));
    /* Workers first: they are cut off otherwise, and would say so. */
    beamc__loopback_free(of->loopback);
    beamc__job_client_free(of->client);
    beamc__server_free(of->server);
    beamc_arena_free(of->arena);
    return error;
}

/* Accepted, so that scripts need not change, but not kept quiet about. */
static void warn_without_effect(const run *of)
{
    static const char *const names[] = {
        "resource_hints",
        "number_of_worker_harness_threads",
        "max_cache_memory_usage_percent",
        "grouping_table_max_size_mb",
        "bundle_processor_cache_timeout",
    };

    for (size_t i = 0; of->options->options != NULL && i < sizeof(names) / sizeof(*names); i++)
        if (beamc_option_given(of->options->options, names[i]))
            beamc_log_to(&of->log, BEAMC_LOG_WARN, "--%s has no effect on workers in C", names[i]);
}

beamc_error *beamc_run_portable(beamc_result **out, beamc_pipeline *pipeline,
                                const beamc_portable_options *options)
{
    static const beamc_portable_options defaults;
    static const beamc_log_sink standard_error = { beamc_log_write_stderr, NULL };

    if (out != NULL)
        *out = NULL;
    if (options == NULL)
        options = &defaults;
    run of = {
        .options = options,
        .pipeline = pipeline,
        .timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS,
        .tls = { options->tls_roots, options->tls_certificate, options->tls_private_key },
        .log = { .sink = options->log == NULL ? &standard_error : options->log,
                 .level = options->log_level == 0 ? BEAMC_LOG_INFO : options->log_level },
    };
    warn_without_effect(&of);
    beamc__rpc_init();
    beamc_error *error = run_all(&of, out);
    beamc__rpc_shutdown();
    beamc__pipeline_ended(pipeline, error == NULL);
    return error;
}

/* ---- options of a command line --------------------------------------------------------------- */

static const struct {
    const char *name;
    const char *other; /* as other SDKs say it */
    beamc_server server;
    const char *location; /* the option that says where the server is */
    const char *master;
} runners[] = {
    { "portable", "PortableRunner", BEAMC_SERVER_NONE, NULL, NULL },
    { "prism", "PrismRunner", BEAMC_SERVER_PRISM, "prism_location", NULL },
    { "flink", "FlinkRunner", BEAMC_SERVER_FLINK, "flink_job_server_jar", "flink_master" },
    { "spark", "SparkRunner", BEAMC_SERVER_SPARK, "spark_job_server_jar", "spark_master_url" },
};

enum { RUNNERS = sizeof(runners) / sizeof(*runners) };

static size_t find_runner(const char *name)
{
    size_t i = 0;

    while (i < RUNNERS && strcasecmp(name, runners[i].name) != 0 &&
           strcasecmp(name, runners[i].other) != 0)
        i++;
    return i;
}

bool beamc_portable_has_runner(const char *name)
{
    return find_runner(name) < RUNNERS;
}

static const char *const *list_of(const beamc_options *options, const char *name, size_t *count)
{
    const beamc__option_values *values = beamc__option_values_of(options, name);

    *count = values == NULL ? 0 : values->count;
    return values == NULL ? NULL : values->items;
}

/* What changes what a command line does, and is not done here: to run the job all the same would be
 * something else than was asked for. */
static beamc_error *refuse_options(const beamc_options *options)
{
    static const struct {
        const char *name;
        const char *instead;
    } refused[] = {
        { "output_executable_path", "a job can be run, but not be written into a jar" },
        { "flink_submit_uber_jar", "jobs go to a job server; give --flink_master=HOST:PORT" },
        { "spark_submit_uber_jar", "jobs go to a job server; give --spark_master_url=URL" },
    };

    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        const beamc__option_values *given = beamc__option_values_of(options, refused[i].name);
        if (given != NULL && strcasecmp(given->items[0], "false") != 0)
            return beamc_error_new(BEAMC_EUNSUPPORTED, "--%s: %s", refused[i].name,
                                   refused[i].instead);
    }
    return NULL;
}

beamc_error *beamc_portable_options_read(beamc_portable_options *out, const beamc_options *options)
{
    const char *runner = beamc_option(options, "runner");
    int64_t seconds = beamc_option_int64(options, "job_server_timeout", 60);
    size_t found = find_runner(runner);

    if (found == RUNNERS)
        return beamc_error_new(
            BEAMC_EINVAL, "--runner=%s: it is direct, portable, prism, flink or spark", runner);
    if (seconds <= 0 || seconds > INT32_MAX)
        return beamc_error_new(BEAMC_EINVAL, "--job_server_timeout=%lld: more than 0 seconds",
                               (long long)seconds);
    BEAMC_TRY(refuse_options(options));
    BEAMC_TRY(beamc__log_options_read(&out->log_level, &out->log_overrides, options));
    out->server = runners[found].server;
    out->job_endpoint = beamc_option_or(options, "job_endpoint", NULL);
    out->artifact_endpoint = beamc_option_or(options, "artifact_endpoint", NULL);
    out->tls_roots = beamc_option_or(options, "tls_roots", NULL);
    out->tls_certificate = beamc_option_or(options, "tls_certificate", NULL);
    out->tls_private_key = beamc_option_or(options, "tls_private_key", NULL);
    out->job_name = beamc_option_or(options, "job_name", NULL);
    out->timeout_ms = seconds * 1000;
    out->environment_type = beamc_option_or(options, "environment_type", NULL);
    out->environment_config = beamc_option_or(options, "environment_config", NULL);
    out->environment_options =
        list_of(options, "environment_options", &out->environment_option_count);
    out->container_image = beamc_option_or(options, "sdk_container_image", NULL);
    out->files_to_stage = list_of(options, "files_to_stage", &out->file_count);
    if (runners[found].location != NULL)
        out->location = beamc_option_or(options, runners[found].location, NULL);
    if (runners[found].master != NULL)
        out->master = beamc_option_or(options, runners[found].master, NULL);
    out->java = beamc_option_or(options, "job_server_java_launcher", NULL);
    out->jvm_properties = list_of(options, "job_server_jvm_properties", &out->jvm_property_count);
    out->options = options;
    return NULL;
}
