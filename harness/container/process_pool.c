/* SPDX-License-Identifier: Apache-2.0 */
/* A worker leads a process group, and whatever it starts is in it: with the worker the group is
 * killed, and since we take in orphans, reaped.
 *
 *     StartWorker --spawn--> running --its end, or: SIGTERM, 5 s, SIGKILL--> zombie --group--> gone
 */
#include "process_pool.h"

#include "harness/container/pool.h"
#include "harness/container/spawn.h"
#include "sdk/rpc/rpc.h"
#include <beamc/arena.h>
#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    GRACE_MS = 5000, /* from SIGTERM to SIGKILL */
    FLAGS = 6,       /* that a worker is told, at most */
    DIRECTORIES = 16 /* that may be open at once while a tree is removed */
};

struct beamc__process_pool {
    beamc__process_pool_options options;
    beamc__pool *pool;
    char *directory; /* of all that is below: one for each worker */
    unsigned count;  /* of workers so far; queue's thread */
};

typedef struct {
    pid_t pid;
    int end;  /* readable when the process has ended */
    int wake; /* readable when it is to end */
    int grace_ms;
    char *directory;
} process;

/* ---- directories ----------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *status BEAMC_UNUSED,
                      int kind BEAMC_UNUSED, struct FTW *at BEAMC_UNUSED)
{
    (void)remove(path); /* what cannot be removed stays */
    return 0;
}

/* Accepts NULL. */
static void remove_tree(const char *path)
{
    if (path != NULL)
        (void)nftw(path, remove_one, DIRECTORIES, FTW_DEPTH | FTW_PHYS);
}

/* ---- a worker -------------------------------------------------------------------------------- */

static void end_process(void *worker)
{
    process *one = worker;

    if (one == NULL)
        return;
    remove_tree(one->directory);
    if (one->end >= 0)
        close(one->end);
    if (one->wake >= 0)
        close(one->wake);
    free(one->directory);
    free(one);
}

static bool add_flag(beamc_arena *arena, const char **at, const char *name, const char *value)
{
    *at = beamc_arena_printf(arena, "--%s=%s", name, value);
    return *at != NULL;
}

/* The command, and behind it what the request says. */
static const char *const *make_args(const beamc__process_pool *pool, const process *one,
                                    const FN(StartWorkerRequest) *request, beamc_arena *arena)
{
    const struct {
        const char *name;
        const PB(ApiServiceDescriptor) *endpoint;
    } endpoints[] = {
        { "control_endpoint", request->control_endpoint },
        { "logging_endpoint", request->logging_endpoint },
        { "artifact_endpoint", request->artifact_endpoint },
        { "provision_endpoint", request->provision_endpoint },
    };
    const char *const *command = pool->options.command;
    size_t count = 0;

    while (command[count] != NULL)
        count++;
    const char **args = beamc_arena_calloc(arena, count + FLAGS + 1, sizeof(*args));
    if (args == NULL)
        return NULL;
    memcpy(args, command, count * sizeof(*args));
    if (!add_flag(arena, &args[count++], "id", request->worker_id) ||
        !add_flag(arena, &args[count++], "semi_persist_dir", one->directory))
        return NULL;
    for (size_t i = 0; i < sizeof(endpoints) / sizeof(*endpoints); i++) {
        const PB(ApiServiceDescriptor) *endpoint = endpoints[i].endpoint;
        if (endpoint != NULL && endpoint->url[0] != '\0' &&
            !add_flag(arena, &args[count++], endpoints[i].name, endpoint->url))
            return NULL;
    }
    return args;
}

/* The params of a job's environment become variables of its workers', like `env` of PROCESS. */
static const char *const *make_changes(const beamc__process_pool *pool,
                                       const FN(StartWorkerRequest) *request, beamc_arena *arena)
{
    const char **changes = beamc_arena_calloc(arena, request->n_params + 1, sizeof(*changes));
    size_t count = 0;

    if (changes == NULL)
        return NULL;
    for (size_t i = 0; i < request->n_params; i++) {
        const char *name = request->params[i]->key;
        if (name[0] != '\0' && strchr(name, '=') == NULL)
            changes[count++] = beamc_arena_printf(arena, "%s=%s", name, request->params[i]->value);
        else if (pool->options.log != NULL)
            beamc_log_to(pool->options.log, BEAMC_LOG_WARN,
                         "worker %s: its param \"%s\" cannot be the name of a variable",
                         request->worker_id, name);
    }
    return beamc_arena_failed(arena) ? NULL : changes;
}

static beamc_error *spawn(beamc__process_pool *pool, process *one,
                          const FN(StartWorkerRequest) *request, beamc_arena *arena)
{
    const char *path = pool->options.command[0];
    const beamc__spawn_options options = { .path = path,
                                           .args = make_args(pool, one, request, arena),
                                           .changes = make_changes(pool, request, arena),
                                           .output = -1 };

    if (options.args == NULL || options.changes == NULL)
        return beamc_error_nomem();
    if (mkdir(one->directory, 0700) < 0)
        return beamc_error_system(errno, "making directory %s", one->directory);
    one->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (one->wake < 0)
        return beamc_error_system(errno, "watching a process");
    int problem = beamc__spawn(&one->pid, &options);
    if (problem != 0)
        return beamc_error_system(problem, "starting %s", path);
    one->end = pidfd_open(one->pid, 0);
    if (one->end >= 0)
        return NULL;
    problem = errno;
    kill(-one->pid, SIGKILL);
    while (waitpid(one->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return beamc_error_system(problem, "watching %s", path);
}

static beamc_error *start(void *ctx, void **out, const FN(StartWorkerRequest) *request)
{
    beamc__process_pool *pool = ctx;
    beamc_arena *arena = beamc_arena_new();
    process *one = calloc(1, sizeof(*one));
    beamc_error *error = NULL;

    if (one != NULL) {
        one->end = one->wake = -1;
        one->grace_ms = pool->options.grace_ms > 0 ? pool->options.grace_ms : GRACE_MS;
        if (asprintf(&one->directory, "%s/%u", pool->directory, pool->count++) < 0)
            one->directory = NULL;
    }
    if (arena == NULL || one == NULL || one->directory == NULL)
        error = beamc_error_nomem();
    else
        error = spawn(pool, one, request, arena);
    beamc_arena_free(arena);
    if (error != NULL) {
        end_process(one);
        return error;
    }
    *out = one;
    return NULL;
}

/* Whether the process has ended before @timeout_ms; -1: waits for ever, but for `wake`. */
static bool has_ended(const process *one, int timeout_ms)
{
    struct pollfd both[] = { { one->end, POLLIN, 0 }, { one->wake, POLLIN, 0 } };
    int watched = timeout_ms < 0 ? 2 : 1;

    while (poll(both, (nfds_t)watched, timeout_ms) < 0 && errno == EINTR)
        continue;
    return both[0].revents != 0;
}

/* The group outlives its leader by who is still in it. */
static int reap(const process *one)
{
    int status = 0;
    pid_t pid;

    kill(-one->pid, SIGKILL);
    while ((pid = waitpid(one->pid, &status, 0)) < 0 && errno == EINTR)
        continue;
    while ((pid = waitpid(-one->pid, NULL, 0)) > 0 || (pid < 0 && errno == EINTR))
        continue;
    return status;
}

static beamc_error *wait_for(void *worker)
{
    const process *one = worker;

    if (!has_ended(one, -1)) {
        kill(-one->pid, SIGTERM);
        if (!has_ended(one, one->grace_ms)) {
            kill(-one->pid, SIGKILL);
            while (!has_ended(one, GRACE_MS))
                continue;
        }
    }
    int status = reap(one);
    if (WIFSIGNALED(status))
        return beamc_error_new(BEAMC_EIO, "process %d was ended by signal %d (%s)", (int)one->pid,
                               WTERMSIG(status), strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) != 0)
        return beamc_error_new(BEAMC_EIO, "process %d ended with status %d", (int)one->pid,
                               WEXITSTATUS(status));
    return NULL;
}

static void stop(void *worker)
{
    (void)eventfd_write(((const process *)worker)->wake, 1); /* full is as good */
}

static const beamc__pool_kind processes = {
    .start = start, .wait = wait_for, .stop = stop, .free = end_process
};

/* ---- the pool -------------------------------------------------------------------------------- */

static beamc_error *start_pool(beamc__process_pool *pool)
{
    const beamc__pool_options options = { .kind = &processes,
                                          .ctx = pool,
                                          .url = pool->options.url,
                                          .log = pool->options.log,
                                          .tell = true };
    const char *parent = pool->options.semi_persist_dir;

    if (asprintf(&pool->directory, "%s/beamc-pool-XXXXXX", parent == NULL ? "/tmp" : parent) < 0) {
        pool->directory = NULL;
        return beamc_error_nomem();
    }
    if (mkdtemp(pool->directory) == NULL) {
        beamc_error *error = beamc_error_system(errno, "making directory %s", pool->directory);
        free(pool->directory);
        pool->directory = NULL;
        return error;
    }
    return beamc__pool_start(&pool->pool, &options);
}

beamc_error *beamc__process_pool_start(beamc__process_pool **out,
                                       const beamc__process_pool_options *options)
{
    beamc__process_pool *pool = calloc(1, sizeof(*pool));

    *out = NULL;
    if (pool == NULL)
        return beamc_error_nomem();
    pool->options = *options;
    /* Whatever a worker leaves behind comes to us. */
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    beamc_error *error = start_pool(pool);
    if (error != NULL) {
        beamc__process_pool_free(pool);
        return error;
    }
    *out = pool;
    return NULL;
}

const char *beamc__process_pool_url(const beamc__process_pool *pool)
{
    return beamc__pool_url(pool->pool);
}

void beamc__process_pool_free(beamc__process_pool *pool)
{
    if (pool == NULL)
        return;
    beamc__pool_free(pool->pool);
    remove_tree(pool->directory);
    free(pool->directory);
    free(pool);
}

beamc_error *beamc__process_pool_serve(const beamc__process_pool_options *options)
{
    beamc__process_pool *pool;
    sigset_t ends;
    int number = 0;

    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGHUP);
    /* Before there are threads, which then block them, too. */
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    beamc__rpc_init();
    beamc_error *error = beamc__process_pool_start(&pool, options);
    if (error == NULL) {
        if (options->log != NULL)
            beamc_log_to(options->log, BEAMC_LOG_INFO, "worker pool: ready at %s",
                         beamc__process_pool_url(pool));
        while (sigwait(&ends, &number) != 0)
            continue;
        if (options->log != NULL)
            beamc_log_to(options->log, BEAMC_LOG_INFO, "worker pool: ends by %s",
                         strsignal(number));
        beamc__process_pool_free(pool);
    }
    beamc__rpc_shutdown();
    return error;
}
