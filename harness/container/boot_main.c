/* SPDX-License-Identifier: Apache-2.0 */
/* beamc-boot: what a container starts.  Asks what it is to be, fetches its files, and becomes the
 * program that was staged, which is told the same endpoints.
 *
 *     beamc-boot --id=1-1 --provision_endpoint=localhost:40001
 *
 * Which of several staged files is the program: the one whose role says so, else the one that the
 * submitting program names first. */
#include "harness/container/fetch.h"
#include "harness/container/provision.h"
#include "sdk/rpc/rpc.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_SIZE 4096

typedef struct {
    char *program; /* NULL: none was staged */
    char **argv;
} next_program;

static const beamc__fetched *program_of(const beamc__fetched *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (files[i].is_program)
            return &files[i];
    }
    return count == 0 ? NULL : &files[0];
}

static char *argument(beamc_arena *arena, const char *name, const char *value)
{
    return beamc_arena_printf(arena, "--%s=%s", name, value);
}

static beamc_error *arguments_for(next_program *out, const beamc__worker_flags *flags,
                                  beamc_arena *arena)
{
    const struct {
        const char *name, *value;
    } all[] = {
        { "id", flags->id },
        { "provision_endpoint", flags->provision_endpoint },
        { "control_endpoint", flags->control_endpoint },
        { "logging_endpoint", flags->logging_endpoint },
        { "status_endpoint", flags->status_endpoint },
        { "artifact_endpoint", flags->artifact_endpoint },
        { "semi_persist_dir", flags->semi_persist_dir },
    };
    size_t count = 0;

    out->argv = beamc_arena_calloc(arena, 3 + sizeof(all) / sizeof(*all), sizeof(*out->argv));
    if (out->argv == NULL)
        return beamc_error_nomem();
    out->argv[count++] = out->program;
    out->argv[count++] = "--worker";
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        if (all[i].value != NULL)
            out->argv[count++] = argument(arena, all[i].name, all[i].value);
    }
    return beamc_arena_failed(arena) ? beamc_error_nomem() : NULL;
}

static beamc_error *fetch(next_program *out, const beamc__worker_flags *flags,
                          const FN(ProvisionInfo) *info, beamc__rpc_queue *queue,
                          beamc_arena *arena)
{
    const char *semi_persist_dir = flags->semi_persist_dir == NULL ? "/tmp" : flags->semi_persist_dir;
    beamc__fetched *files;
    size_t count;

    if (info == NULL || info->n_dependencies == 0)
        return beamc_error_new(BEAMC_ENOENT, "no program was staged for this worker");
    if (flags->artifact_endpoint == NULL)
        return beamc_error_new(BEAMC_EINVAL, "nobody names the artifact endpoint");
    const char *dir = beamc_arena_printf(arena, "%s/%s/staged", semi_persist_dir, flags->id);
    if (dir == NULL)
        return beamc_error_nomem();
    BEAMC_TRY(beamc__fetch_all(&files, &count, queue, flags->artifact_endpoint, flags->id,
                               info->dependencies, info->n_dependencies, dir, arena));
    const beamc__fetched *program = program_of(files, count);
    if (program == NULL)
        return beamc_error_new(BEAMC_ENOENT, "no program was staged for this worker");
    if (chmod(program->path, 0755) < 0)
        return beamc_error_system(errno, "making %s executable", program->path);
    out->program = (char *)program->path;
    return NULL;
}

static beamc_error *prepare(next_program *out, int argc, char **argv, beamc_arena *arena)
{
    beamc__worker_flags flags;
    const FN(ProvisionInfo) *info;
    beamc__rpc_queue *queue;
    int unknown;

    BEAMC_TRY(beamc__worker_flags_read(&flags, argc, argv, arena, &unknown));
    if (unknown > 0)
        fprintf(stderr, "beamc-boot: %d arguments are not known and have no effect\n", unknown);
    BEAMC_TRY(beamc__rpc_queue_new(&queue, "beamc-boot"));
    beamc_error *error = beamc__provision(&flags, queue, arena, &info);
    if (error == NULL)
        error = fetch(out, &flags, info, queue, arena);
    beamc__rpc_queue_free(queue);
    return error != NULL ? error : arguments_for(out, &flags, arena);
}

static int report(beamc_error *take_error)
{
    char text[TEXT_SIZE];

    beamc_error_print(take_error, text, sizeof(text));
    beamc_error_free(take_error);
    fprintf(stderr, "beamc-boot: %s\n", text);
    return 1;
}

int main(int argc, char **argv)
{
    beamc_arena *arena = beamc_arena_new();
    next_program next = { NULL, NULL };

    if (arena == NULL)
        return report(beamc_error_nomem());
    beamc__rpc_init();
    beamc_error *error = prepare(&next, argc, argv, arena);
    beamc__rpc_shutdown();
    if (error == NULL) {
        execv(next.program, next.argv);
        error = beamc_error_system(errno, "starting %s", next.program);
    }
    beamc_arena_free(arena);
    return report(error);
}
