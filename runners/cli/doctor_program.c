/* SPDX-License-Identifier: Apache-2.0 */
/* A program is run with --dry_run and --graph=FILE.pb, in a directory of its own for that file. */
#include "doctor_program.h"

#include "pipeline_of.h"
#include "runners/portable/child.h"
#include "runners/portable/path.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS_SIZE = 1024 };

bool beamc__doctor_is_pipeline(const char *path)
{
    size_t size = strlen(path);

    return strcmp(path, "-") == 0 || (size > 3 && strcmp(path + size - 3, ".pb") == 0);
}

beamc_error *beamc__doctor_find_program(const char *typed, char *out, size_t size)
{
    char found[PATH_MAX], path[PATH_MAX];

    if (strchr(typed, '/') == NULL) {
        if (!beamc__path_find(typed, found, sizeof(found)))
            return beamc_error_new(BEAMC_ENOENT,
                                   "%s is no program in the PATH: write ./%s for one "
                                   "in this directory",
                                   typed, typed);
        typed = found;
    }
    if (realpath(typed, path) == NULL)
        return beamc_error_system(errno, "%s", typed);
    if (!beamc__path_is_program(path))
        return beamc_error_new(BEAMC_EINVAL, "%s cannot be executed", typed);
    snprintf(out, size, "%s", path);
    return NULL;
}

/* What it said is told behind @failed. */
static beamc_error *wait_for(beamc__child *child, const char *path, const char *failed,
                             int64_t timeout_ms)
{
    char words[WORDS_SIZE];
    int status;

    bool ended = beamc__child_wait(child, timeout_ms, &status);
    beamc__child_words(child, words, sizeof(words));
    if (!ended)
        return beamc_error_new(BEAMC_ETIMEOUT, "%s has not ended within %lld s%s", path,
                               (long long)(timeout_ms / 1000), words);
    if (WIFSIGNALED(status))
        return beamc_error_new(BEAMC_EIO, "%s was ended by signal %d%s", path,
                               WTERMSIG(status), words);
    if (WEXITSTATUS(status) != 0)
        return beamc_error_new(BEAMC_EIO, "%s%s", failed, words);
    return NULL;
}

static beamc_error *run_program(const char *path, const char **args, const char *failed,
                                int64_t timeout_ms)
{
    const beamc__child_options options = { path, path, args, NULL };
    beamc__child *child;

    BEAMC_TRY(beamc__child_start(&child, &options));
    beamc_error *error = wait_for(child, path, failed, timeout_ms);
    beamc__child_free(child);
    return error;
}

/* On the direct runner a program refuses what it does not know, and --help ends it there. */
beamc_error *beamc__doctor_ask_option(const char *path, const char *option, int64_t timeout_ms)
{
    const char *args[] = { path, "--runner=direct", option, "--help", NULL };

    return run_program(path, args, "an option is wrong", timeout_ms);
}

static beamc_error *run_into(beamc_buffer *out, const char *path, const char *file,
                             const char **args, int64_t timeout_ms)
{
    BEAMC_TRY(run_program(path, args, "the pipeline cannot be built", timeout_ms));
    if (access(file, R_OK) < 0)
        return beamc_error_new(BEAMC_ENOENT,
                               "%s wrote no pipeline for --graph=FILE.pb: is it made "
                               "with beamc?",
                               path);
    return beamc__pipeline_of_file(out, file);
}

beamc_error *beamc__doctor_run_program(beamc_buffer *out, const char *path,
                                       const char *const *arguments, size_t count,
                                       int64_t timeout_ms)
{
    const char *parent = getenv("TMPDIR");
    char directory[PATH_MAX], file[PATH_MAX + 16], graph[PATH_MAX + 32];
    const char **args = calloc(count + 4, sizeof(*args));
    size_t n = 0;

    if (args == NULL)
        return beamc_error_nomem();
    snprintf(directory, sizeof(directory), "%s/beamc-doctor-XXXXXX",
             parent == NULL || parent[0] == '\0' ? "/tmp" : parent);
    if (mkdtemp(directory) == NULL) {
        free(args);
        return beamc_error_system(errno, "%s", directory);
    }
    snprintf(file, sizeof(file), "%s/graph.pb", directory);
    snprintf(graph, sizeof(graph), "--graph=%s", file);
    args[n++] = path;
    for (size_t i = 1; i < count; i++)
        args[n++] = arguments[i];
    args[n++] = "--dry_run";
    args[n++] = graph;
    beamc_error *error = run_into(out, path, file, args, timeout_ms);
    unlink(file);
    rmdir(directory);
    free(args);
    return error;
}
