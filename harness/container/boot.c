/* SPDX-License-Identifier: Apache-2.0 */
#include "boot.h"

#include "harness/container/elf.h"
#include "harness/container/fetch.h"
#include "harness/container/first_process.h"
#include "harness/container/job_options.h"
#include "harness/container/process_pool.h"
#include "harness/container/refusal.h"
#include "proto/urns.h"
#include "sdk/rpc/rpc.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_SIZE = 4096 };

/* ---- the program that was staged ------------------------------------------------------------- */

static const beamc__fetched *program_of(const beamc__fetched *files, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (files[i].is_program)
            return &files[i];
    for (size_t i = 0; i < count; i++)
        if (strcmp(files[i].name, BEAMC_TEXT_STAGED_PROGRAM) == 0)
            return &files[i];
    return count == 0 ? NULL : &files[0];
}

/* Workers on one machine share the directory, and each has its own part of it. */
static beamc_error *directory_for(const char **out, const beamc__worker_flags *flags,
                                  beamc_arena *arena)
{
    const char *parent = flags->semi_persist_dir == NULL ? "/tmp" : flags->semi_persist_dir;

    if (!beamc__fetch_name_is_safe(flags->id))
        return beamc_error_new(BEAMC_EINVAL, "a worker's id may not be \"%s\"", flags->id);
    *out = beamc_arena_printf(arena, "%s/%s/staged", parent, flags->id);
    return *out == NULL ? beamc_error_nomem() : NULL;
}

static beamc_error *fetch(char **program, const beamc__worker_flags *flags,
                          const FN(ProvisionInfo) *info, beamc_arena *arena)
{
    beamc__fetch_options options = { .url = flags->artifact_endpoint, .worker_id = flags->id };
    beamc__job_options job;
    beamc__fetched *files;
    size_t count = 0;

    if (info == NULL || info->n_dependencies == 0)
        return beamc_error_new(BEAMC_ENOENT, "no program was staged for this worker");
    if (options.url == NULL)
        return beamc_error_new(BEAMC_EINVAL, "nobody names the artifact endpoint");
    beamc__job_options_read(&job, info->pipeline_options);
    options.trust = job.trust_files;
    BEAMC_TRY(directory_for(&options.directory, flags, arena));
    BEAMC_TRY(beamc__rpc_queue_new(&options.queue, "beamc-boot"));
    beamc_error *error =
        beamc__fetch_all(&files, &count, info->dependencies, info->n_dependencies, &options, arena);
    beamc__rpc_queue_free(options.queue);
    if (error != NULL)
        return error;
    const beamc__fetched *found = program_of(files, count);
    if (found == NULL)
        return beamc_error_new(BEAMC_ENOENT, "no program was staged for this worker");
    if (chmod(found->path, 0755) < 0)
        return beamc_error_system(errno, "making %s executable", found->path);
    *program = (char *)found->path;
    return NULL;
}

/* The kernel's words are about the file, which is there, where it means the loader. */
static beamc_error *explain_exec(int problem, const char *program)
{
    if (problem == ENOENT)
        return beamc_error_new(BEAMC_ENOENT,
                               "the staged program %s needs a loader and libraries that are not "
                               "here; link it statically, or make an image with it: beamc image",
                               program);
    if (problem == ENOEXEC)
        return beamc_error_new(BEAMC_EUNSUPPORTED,
                               "the staged program %s is for another kind of machine", program);
    return beamc_error_system(problem, "starting the staged program %s", program);
}

beamc_error *beamc__boot(const beamc__worker_flags *flags, const FN(ProvisionInfo) *info,
                         beamc_arena *arena)
{
    char *program = NULL;

    BEAMC_TRY(fetch(&program, flags, info, arena));
    const char *const *args = beamc__worker_flags_write(flags, program, arena);
    if (args == NULL)
        return beamc_error_nomem();
    /* A program that its loader gives up ends before it can say so. */
    BEAMC_TRY(beamc_error_wrap(beamc__elf_check(program, arena),
                               "the staged program %s cannot be loaded on this machine; link it "
                               "statically, or make an image with it (beamc image)",
                               program));
    beamc__rpc_shutdown();
    execv(program, (char *const *)args);
    beamc_error *error = explain_exec(errno, program);
    beamc__rpc_init();
    return error;
}

/* ---- the program beamc-boot ------------------------------------------------------------------ */

static int report(const beamc_error *error)
{
    char text[TEXT_SIZE];

    beamc_error_print(error, text, sizeof(text));
    fprintf(stderr, "beamc-boot: %s\n", text);
    return 1;
}

static beamc_error *boot(int argc, char **argv, beamc_arena *arena, beamc__worker_flags *flags)
{
    const FN(ProvisionInfo) *info = NULL;
    int unknown;

    BEAMC_TRY(beamc__worker_flags_read(flags, argc, argv, arena, &unknown));
    if (unknown > 0)
        fprintf(stderr, "beamc-boot: %d arguments are not known and have no effect\n", unknown);
    if (flags->refusal != NULL)
        return beamc_error_new(BEAMC_EUNSUPPORTED, "%s", flags->refusal);
    BEAMC_TRY(beamc__provision(flags, arena, &info));
    return beamc__boot(flags, info, arena);
}

/* The value of "--name=value"; @bare for "--name"; NULL: it is not there. */
static const char *find_flag(int argc, char *const *argv, const char *name, const char *bare)
{
    size_t size = strlen(name);

    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], name, size) != 0)
            continue;
        if (argv[i][size] == '=')
            return argv[i] + size + 1;
        if (argv[i][size] == '\0')
            return bare;
    }
    return NULL;
}

static bool is_pool(int argc, char *const *argv)
{
    const char *given = find_flag(argc, argv, "--worker_pool", "true");

    return given != NULL && strcmp(given, "true") == 0;
}

/* Whoever reaches it can have it run programs, so others than this machine's must be let in by name:
 * the port of a container that is published, for one, is reached at another address. */
static int serve_pool(int argc, char *const *argv)
{
    static const beamc_log_sink sink = { beamc_log_write_stderr, NULL };
    const beamc_log_target log = { .sink = &sink, .level = BEAMC_LOG_INFO };
    const char *const command[] = { "/proc/self/exe", NULL };
    const char *given = find_flag(argc, argv, "--worker_pool_address", NULL);
    char url[32];

    snprintf(url, sizeof(url), "127.0.0.1:%d", BEAMC__POOL_PORT);
    const beamc__process_pool_options options = {
        .url = given == NULL ? url : given, .command = command, .refuser = command[0], .log = &log
    };
    beamc_error *error = beamc__process_pool_serve(&options);
    int status = error == NULL ? 0 : report(error);
    beamc_error_free(error);
    return status;
}

int beamc__boot_main(int argc, char **argv)
{
    beamc__worker_flags flags = { 0 };
    beamc_arena *arena;

    if (is_pool(argc, argv))
        return serve_pool(argc, argv);
    arena = beamc_arena_new();
    beamc__first_process_begin();
    beamc__rpc_init();
    beamc_error *error = arena == NULL ? beamc_error_nomem() : boot(argc, argv, arena, &flags);
    /* Who sent us to refuse has told it here. */
    int status = flags.refusal != NULL ? EXIT_FAILURE : report(error);
    beamc__refusal_serve(&flags, error);
    beamc_error_free(error);
    beamc__rpc_shutdown();
    beamc_arena_free(arena);
    return status;
}
