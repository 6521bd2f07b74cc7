/* SPDX-License-Identifier: Apache-2.0 */
#include "siblings.h"

#include "harness/container/spawn.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define PROGRAM "/proc/self/exe"

static beamc_error *start_one(pid_t *pid, const beamc__worker_flags *flags, const char *id,
                              beamc_arena *arena)
{
    beamc__worker_flags own = *flags;

    own.id = id;
    own.sibling = "true";
    const char *const *args = beamc__worker_flags_write(&own, PROGRAM, arena);
    if (args == NULL)
        return beamc_error_nomem();
    const beamc__spawn_options options = { .path = PROGRAM, .args = args, .output = -1 };
    int problem = beamc__spawn(pid, &options);
    return problem == 0 ? NULL : beamc_error_system(problem, "starting sibling worker %s", id);
}

beamc_error *beamc__siblings_start(beamc__siblings *out, const beamc__worker_flags *flags,
                                   const FN(ProvisionInfo) *info, beamc_arena *arena)
{
    beamc_error *error = NULL;

    *out = (beamc__siblings){ NULL, 0 };
    if (info == NULL || info->n_sibling_worker_ids == 0 || flags->sibling != NULL)
        return NULL;
    out->pids = beamc_arena_calloc(arena, info->n_sibling_worker_ids, sizeof(*out->pids));
    if (out->pids == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; error == NULL && i < info->n_sibling_worker_ids; i++) {
        const char *id = info->sibling_worker_ids[i];
        if (strcmp(id, flags->id) == 0)
            continue;
        error = start_one(&out->pids[out->count], flags, id, arena);
        out->count += error == NULL;
    }
    if (error != NULL) {
        for (size_t i = 0; i < out->count; i++)
            kill(out->pids[i], SIGTERM);
        beamc_error_free(beamc__siblings_wait(out)); /* they were ended */
    }
    return error;
}

beamc_error *beamc__siblings_wait(const beamc__siblings *siblings)
{
    beamc_error *error = NULL;

    for (size_t i = 0; i < siblings->count; i++) {
        int status = 0;
        while (waitpid(siblings->pids[i], &status, 0) < 0 && errno == EINTR)
            continue;
        if (status != 0 && error == NULL)
            error = beamc_error_new(BEAMC_EIO, "a sibling worker, process %d, ended badly",
                                    (int)siblings->pids[i]);
    }
    return error;
}
