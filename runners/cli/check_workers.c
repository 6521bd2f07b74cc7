/* SPDX-License-Identifier: Apache-2.0 */
#include "check_workers.h"

#include "proto/unpack.h"
#include "proto/urns.h"
#include "runners/main/number.h"
#include "runners/portable/pool_probe.h"
#include "runners/portable/worker_environment.h"
#include "sdk/base/arena_proto.h"
#include "sdk/pipeline/graph.h"
#include <string.h>

typedef struct {
    beamc__findings *findings;
    const beamc_portable_options *options;
    const char *program;
    bool is_local; /* the job server is on this machine, and so may be the workers */
    int64_t timeout_ms;
    beamc_arena *arena;
} check;

/* ---- processes ------------------------------------------------------------------------------- */

static void check_process(const check *of, const char *command)
{
    if (!of->is_local) {
        beamc__find(of->findings, BEAMC__FINDING_WARNING,
                    "workers are started as %s, which must be there on each of the runner's "
                    "machines; from here this cannot be seen",
                    command);
        return;
    }
    if (command[0] != '/')
        beamc__find(of->findings, BEAMC__FINDING_WARNING,
                    "workers are started as %s, which is looked for from the runner's directory: "
                    "give an absolute path",
                    command);
    if (!beamc__find_error(of->findings, beamc__workers_check_command(command)))
        beamc__find(of->findings, BEAMC__FINDING_OK, "workers are started as %s", command);
}

/* ---- worker pools ---------------------------------------------------------------------------- */

static void check_pool(const check *of, const char *url)
{
    beamc__rpc_queue *queue;

    beamc_error *error = beamc__rpc_queue_new(&queue, "beamc-doctor");
    if (error == NULL) {
        error = beamc__pool_probe(url, queue, of->timeout_ms, of->arena);
        beamc__rpc_queue_free(queue);
    }
    error = beamc_error_wrap(error, "worker pool (--environment_type=EXTERNAL)");
    if (!beamc__find_error(of->findings, error))
        beamc__find(of->findings, BEAMC__FINDING_OK, "the worker pool at %s answers", url);
}

/* ---- the environment ------------------------------------------------------------------------- */

static void check_loopback(const check *of)
{
    if (of->is_local)
        beamc__find(of->findings, BEAMC__FINDING_OK,
                    "workers are threads of the program (LOOPBACK)");
    else
        beamc__find(
            of->findings, BEAMC__FINDING_WARNING,
            "workers are threads of the program (LOOPBACK), which the runner at %s can only "
            "reach if it is on this machine: give another --environment_type",
            of->options->job_endpoint);
}

/* What the message that the runner gets says. */
static beamc_error *check_message(const check *of, const beamc__environment *environment)
{
    ProtobufCAllocator allocator = beamc__arena_allocator(of->arena);
    const beamc_bytes *payload = &environment->payload;

    if (strcmp(environment->urn, BEAMC_URN_ENV_DOCKER) == 0) {
        const PB(DockerPayload) *docker =
            BEAMC__UNPACK(PB(DockerPayload), pb(docker_payload__descriptor), &allocator,
                          payload->size, payload->data);
        if (docker == NULL)
            return beamc_error_nomem();
        beamc__check_image(of->findings, docker->container_image, of->is_local, of->timeout_ms);
    } else if (strcmp(environment->urn, BEAMC_URN_ENV_PROCESS) == 0) {
        const PB(ProcessPayload) *process =
            BEAMC__UNPACK(PB(ProcessPayload), pb(process_payload__descriptor), &allocator,
                          payload->size, payload->data);
        if (process == NULL)
            return beamc_error_nomem();
        check_process(of, process->command);
    } else {
        const PB(ExternalPayload) *external =
            BEAMC__UNPACK(PB(ExternalPayload), pb(external_payload__descriptor), &allocator,
                          payload->size, payload->data);
        if (external == NULL || external->endpoint == NULL)
            return beamc_error_nomem();
        check_pool(of, external->endpoint->url);
    }
    return NULL;
}

/* Made as for a run, so that what a run refuses is refused here. */
static beamc_error *check_environment(const check *of, beamc__workers workers,
                                      const beamc__worker_options_given *given)
{
    const beamc__artifacts none = { NULL, 0 };
    beamc_pipeline *pipeline;

    if (workers == BEAMC__WORKERS_LOOPBACK) {
        check_loopback(of);
        return NULL;
    }
    /* Without a command it is the program itself. */
    if (workers == BEAMC__WORKERS_PROCESS && given->config == NULL && given->option_count == 0) {
        if (of->program != NULL)
            check_process(of, of->program);
        return NULL;
    }
    pipeline = beamc_pipeline_new(NULL, 0);
    if (pipeline == NULL)
        return beamc_error_nomem();
    beamc_error *error = beamc__workers_set(pipeline, workers, given, NULL, &none);
    if (error == NULL)
        error = check_message(of, &pipeline->environment);
    beamc_pipeline_free(pipeline);
    return error;
}

/* ---- files ----------------------------------------------------------------------------------- */

static beamc_error *check_files(const check *of, beamc__workers workers)
{
    const beamc_portable_options *options = of->options;
    bool with_program = workers != BEAMC__WORKERS_LOOPBACK && of->program != NULL;
    const char **paths = beamc_arena_calloc(of->arena, options->file_count + 1, sizeof(*paths));
    char text[BEAMC__NUMBER_SIZE];
    beamc__artifacts files;
    size_t count = 0;
    uint64_t size = 0;

    if (paths == NULL)
        return beamc_error_nomem();
    if (with_program)
        paths[count++] = of->program;
    for (size_t i = 0; i < options->file_count; i++)
        paths[count++] = options->files_to_stage[i];
    if (count == 0)
        return NULL;
    BEAMC_TRY(beamc__artifacts_collect(&files, false, paths, count, of->arena));
    for (size_t i = 0; i < files.count; i++)
        size += files.items[i].size;
    beamc__find(of->findings, BEAMC__FINDING_OK, "%zu file%s to stage can be read: %s", files.count,
                files.count == 1 ? "" : "s", beamc__number_bytes(text, (int64_t)size));
    return NULL;
}

void beamc__check_workers(beamc__findings *findings, const beamc_portable_options *options,
                          const char *program, int64_t timeout_ms)
{
    const beamc__worker_options_given given = {
        options->environment_type,    options->environment_config,
        options->environment_options, options->environment_option_count,
        options->container_image,
    };
    check of = {
        .findings = findings,
        .options = options,
        .program = program,
        .is_local =
            options->job_endpoint == NULL || beamc__endpoint_is_local(options->job_endpoint),
        .timeout_ms = timeout_ms,
        .arena = beamc_arena_new(),
    };
    beamc__workers workers;

    if (of.arena == NULL) {
        beamc__find_error(findings, beamc_error_nomem());
        return;
    }
    if (!beamc__find_error(findings, beamc__workers_choose(&workers, &given, of.is_local))) {
        beamc__find_error(findings, check_environment(&of, workers, &given));
        beamc__find_error(findings, check_files(&of, workers));
    }
    beamc_arena_free(of.arena);
}
