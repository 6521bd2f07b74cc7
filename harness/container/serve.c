/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/container/serve.h"

#include "harness/container/boot.h"
#include "harness/container/first_process.h"
#include "harness/container/job_options.h"
#include "harness/container/log_overrides.h"
#include "harness/container/refusal.h"
#include "harness/container/serving.h"
#include "harness/container/siblings.h"
#include "harness/worker/crash.h"
#include "harness/worker/worker.h"
#include "proto/urns.h"
#include "sdk/base/build_id.h"
#include "sdk/rpc/rpc.h"
#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the allocator keeps for messages to come, from which size on it does not, and in how many heaps. */
#define KEPT_MEMORY (32 << 20)
#define OWN_PAGES (4 << 20)
#define HEAPS 2

bool beamc__serve_is_asked(int argc, char *const *argv)
{
    static const char *const signs[] = { "--worker", "--provision_endpoint", "--control_endpoint" };

    for (int i = 1; i < argc; i++) {
        for (size_t k = 0; k < sizeof(signs) / sizeof(*signs); k++) {
            size_t size = strlen(signs[k]);
            if (strncmp(argv[i], signs[k], size) == 0 &&
                (argv[i][size] == '\0' || argv[i][size] == '='))
                return true;
        }
    }
    return false;
}

/* A thread that is stuck cannot be ended, but by the end of its process.  The log is written. */
static void leave(void)
{
    _exit(EXIT_FAILURE);
}

/* As the worker has it: 0 is its own choice. */
static size_t cache_size(int64_t told)
{
    return told < 0 ? 0 : told == 0 ? 1 : (size_t)told;
}

static beamc_error *serve(const beamc__worker_flags *flags, const FN(ProvisionInfo) *info,
                          const beamc__job_options *job, const beamc_function *const *functions,
                          size_t count)
{
    beamc__worker_options options = {
        .id = flags->id,
        .control_url = flags->control_endpoint,
        .logging_url = flags->logging_endpoint,
        .status_url = flags->status_endpoint,
        .functions = functions,
        .function_count = count,
        .stuck_ms = job->element_timeout_ms,
        .give_up = leave,
        .short_ids = beamc__provision_has(info, BEAMC_URN_PROTOCOL_MONITORING_INFO_SHORT_IDS),
        .embed_output =
            beamc__provision_has(info, BEAMC_URN_PROTOCOL_CONTROL_RESPONSE_ELEMENTS_EMBEDDING),
        .flush_size = (size_t)job->data_buffer_size,
        .flush_ms = job->data_buffer_ms,
        .sample_elements = job->sample_data,
        .sample_errors = job->sample_exceptions,
        .log_level = job->log_level,
        .log_overrides = &job->log_overrides,
        .state_cache_size = cache_size(job->state_cache_size),
    };
    beamc__worker *worker;

    BEAMC_TRY(beamc__worker_start(&worker, &options));
    beamc__serving_tell();
    beamc_error *error = beamc__worker_wait(worker);
    beamc__worker_free(worker);
    return error;
}

/* ---- whose job it is ------------------------------------------------------------------------- */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* Functions travel by name: in another build the same name may stand for something else. */
static bool is_ours(const beamc__job_options *job, char own[BEAMC__BUILD_ID_SIZE])
{
    return job->build_id == NULL || !beamc__build_id(own) || strcmp(job->build_id, own) == 0;
}

static beamc_error *refuse_build(const beamc__job_options *job, const char *path, const char *own)
{
    return beamc_error_new(BEAMC_EUNSUPPORTED,
                           "the worker program %s is build %.12s, and job %s was submitted by "
                           "build %.12s: workers have to run the very program that submits",
                           path, own, job->job_name == NULL ? "this" : job->job_name,
                           job->build_id);
}

/* In an image made with a program, that program is what the container starts; it makes way for the
 * one that the job has staged, if that is another. */
static beamc_error *check_build(const beamc__worker_flags *flags, const FN(ProvisionInfo) *info,
                                const beamc__job_options *job, beamc_arena *arena)
{
    char path[PATH_MAX] = "", own[BEAMC__BUILD_ID_SIZE];

    if (is_ours(job, own))
        return NULL;
    ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[size < 0 ? 0 : size] = '\0';
    if (strcmp(last_part(path), BEAMC__BOOT_NAME) != 0 || info->n_dependencies == 0)
        return refuse_build(job, path, own);
    return beamc__boot(flags, info, arena);
}

static beamc_error *serve_in(beamc_arena *arena, int argc, char *const *argv,
                             const beamc_function *const *functions, size_t count)
{
    const FN(ProvisionInfo) *info;
    beamc__siblings siblings;
    beamc__worker_flags flags;
    beamc__job_options job;
    int unknown;

    BEAMC_TRY(beamc__worker_flags_read(&flags, argc, argv, arena, &unknown));
    BEAMC_TRY(beamc__provision(&flags, arena, &info));
    beamc__job_options_read(&job, info == NULL ? NULL : info->pipeline_options);
    BEAMC_TRY(beamc__log_overrides_read(&job.log_overrides, job.log_levels, NULL, arena));
    beamc_error *error = check_build(&flags, info, &job, arena);
    if (error == NULL)
        error = beamc__siblings_start(&siblings, &flags, info, arena);
    if (error != NULL) {
        beamc__refusal_serve(&flags, error);
        return error;
    }
    error = serve(&flags, info, &job, functions, count);
    beamc_error *others = beamc__siblings_wait(&siblings);
    if (error == NULL)
        return others;
    beamc_error_free(others); /* one reason is enough */
    return error;
}

/* A worker takes and drops messages of 64 KB all the time.  Left to itself the allocator gives their
 * memory back and asks for it again, page by page, which costs a worker that has little else to do a
 * seventh of its time; and each thread has a heap of its own, which keeps what it had at its busiest. */
static void keep_memory(void)
{
#if defined(M_TRIM_THRESHOLD) && defined(M_MMAP_THRESHOLD) && defined(M_ARENA_MAX)
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_MEMORY);
    (void)mallopt(M_MMAP_THRESHOLD, OWN_PAGES);
    (void)mallopt(M_ARENA_MAX, HEAPS);
#endif
}

beamc_error *beamc__serve(int argc, char *const *argv, const beamc_function *const *functions,
                          size_t count)
{
    beamc_arena *arena = beamc_arena_new();

    if (arena == NULL)
        return beamc_error_nomem();
    keep_memory();
    beamc__first_process_begin();
    beamc_error *unwatched = beamc__crash_watch(false);
    beamc__rpc_init();
    beamc_error *error = serve_in(arena, argc, argv, functions, count);
    beamc__rpc_shutdown();
    if (unwatched == NULL)
        beamc__crash_unwatch();
    beamc_error_free(unwatched); /* then a crash is as silent as ever, which is no reason not to work */
    if (error == NULL)
        beamc__first_process_end();
    beamc_arena_free(arena);
    return error;
}
