/* SPDX-License-Identifier: Apache-2.0 */
/* A worker leads a process group, and whatever it starts is in it: with the worker the group is
 * killed, and since we take in orphans, reaped.
 *
 *     StartWorker --spawn--> running --its end, or: SIGTERM, 5 s, SIGKILL--> zombie --group--> gone
 *
 * A runner that has asked for a worker waits for it for ever.  So if one ended by itself, and
 * before the runner can have heard of it, another process takes its place, which comes and says
 * that. */
#include "process_pool.h"

#include "harness/container/pool.h"
#include "harness/container/serving.h"
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
    FLAGS = 7,       /* that a worker is told, at most */
    END_SIZE = 256,  /* of the words for how a process ended */
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
    const beamc__process_pool_options *options;
    beamc_arena *arena; /* of what follows */
    const char *id;
    const char *directory;
    const char *serving;  /* the file by which it tells that it serves */
    const char **refusal; /* the command line of who takes its place, but for the reason, which is
                           * its last; NULL: nobody does */
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
    if (one->serving != NULL)
        (void)unlink(one->serving); /* it need not be there */
    if (one->end >= 0)
        close(one->end);
    if (one->wake >= 0)
        close(one->wake);
    beamc_arena_free(one->arena);
    free(one);
}

/* @number tells it from the pool's other workers. */
static process *new_process(const beamc__process_pool *pool, const char *id, unsigned number)
{
    process *one = calloc(1, sizeof(*one));

    if (one == NULL)
        return NULL;
    one->end = one->wake = -1;
    one->options = &pool->options;
    one->arena = beamc_arena_new();
    if (one->arena != NULL) {
        one->id = beamc_arena_strdup(one->arena, id);
        one->directory = beamc_arena_printf(one->arena, "%s/%u", pool->directory, number);
        one->serving = beamc_arena_printf(one->arena, "%s/%u.serving", pool->directory, number);
    }
    if (one->arena != NULL && !beamc_arena_failed(one->arena))
        return one;
    end_process(one);
    return NULL;
}

static bool add_flag(beamc_arena *arena, const char **at, const char *name, const char *value)
{
    *at = beamc_arena_printf(arena, "--%s=%s", name, value);
    return *at != NULL;
}

/* The command, behind it what the request says, and room for one more. */
static const char **make_args(const char *const *command, const process *one,
                              const FN(StartWorkerRequest) *request)
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
    size_t count = 0;

    while (command[count] != NULL)
        count++;
    const char **args = beamc_arena_calloc(one->arena, count + FLAGS + 1, sizeof(*args));
    if (args == NULL)
        return NULL;
    memcpy(args, command, count * sizeof(*args));
    if (!add_flag(one->arena, &args[count++], "id", one->id) ||
        !add_flag(one->arena, &args[count++], "semi_persist_dir", one->directory))
        return NULL;
    for (size_t i = 0; i < sizeof(endpoints) / sizeof(*endpoints); i++) {
        const PB(ApiServiceDescriptor) *endpoint = endpoints[i].endpoint;
        if (endpoint != NULL && endpoint->url[0] != '\0' &&
            !add_flag(one->arena, &args[count++], endpoints[i].name, endpoint->url))
            return NULL;
    }
    return args;
}

/* The params of a job's environment become variables of its workers', like `env` of PROCESS. */
static const char *const *make_changes(const process *one, const FN(StartWorkerRequest) *request)
{
    const char **changes = beamc_arena_calloc(one->arena, request->n_params + 2, sizeof(*changes));
    size_t count = 0;

    if (changes == NULL)
        return NULL;
    if (one->options->refuser != NULL)
        changes[count++] =
            beamc_arena_printf(one->arena, BEAMC__SERVING_VARIABLE "=%s", one->serving);
    for (size_t i = 0; i < request->n_params; i++) {
        const char *name = request->params[i]->key;
        if (name[0] != '\0' && strchr(name, '=') == NULL)
            changes[count++] =
                beamc_arena_printf(one->arena, "%s=%s", name, request->params[i]->value);
        else if (one->options->log != NULL)
            beamc_log_to(one->options->log, BEAMC_LOG_WARN,
                         "worker %s: its param \"%s\" cannot be the name of a variable", one->id,
                         name);
    }
    return beamc_arena_failed(one->arena) ? NULL : changes;
}

/* Starts what is to be this worker. */
static beamc_error *spawn(process *one, const char *const *args, const char *const *changes)
{
    const beamc__spawn_options options = {
        .path = args[0], .args = args, .changes = changes, .output = -1
    };
    int problem = beamc__spawn(&one->pid, &options);

    if (problem != 0)
        return beamc_error_system(problem, "starting %s", args[0]);
    one->end = pidfd_open(one->pid, 0);
    if (one->end >= 0)
        return NULL;
    problem = errno;
    kill(-one->pid, SIGKILL);
    while (waitpid(one->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return beamc_error_system(problem, "watching %s", args[0]);
}

static beamc_error *start_process(process *one, const FN(StartWorkerRequest) *request)
{
    const char *const refuser[] = { one->options->refuser, NULL };
    const char *const *args = make_args(one->options->command, one, request);
    const char *const *changes = make_changes(one, request);

    if (refuser[0] != NULL)
        one->refusal = make_args(refuser, one, request);
    if (args == NULL || changes == NULL || (refuser[0] != NULL && one->refusal == NULL))
        return beamc_error_nomem();
    if (mkdir(one->directory, 0700) < 0)
        return beamc_error_system(errno, "making directory %s", one->directory);
    one->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (one->wake < 0)
        return beamc_error_system(errno, "watching a process");
    return spawn(one, args, changes);
}

static beamc_error *start(void *ctx, void **out, const FN(StartWorkerRequest) *request)
{
    beamc__process_pool *pool = ctx;
    process *one = new_process(pool, request->worker_id, pool->count++);

    beamc_error *error = one == NULL ? beamc_error_nomem() : start_process(one, request);
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

/* Waits until it is gone, with its group; answers its status. */
static int see_off(const process *one)
{
    int grace_ms = one->options->grace_ms > 0 ? one->options->grace_ms : GRACE_MS;

    if (!has_ended(one, -1)) {
        kill(-one->pid, SIGTERM);
        if (!has_ended(one, grace_ms)) {
            kill(-one->pid, SIGKILL);
            while (!has_ended(one, GRACE_MS))
                continue;
        }
    }
    return reap(one);
}

static beamc_error *explain_end(pid_t pid, int status)
{
    if (WIFSIGNALED(status))
        return beamc_error_new(BEAMC_EIO, "process %d was ended by signal %d (%s)", (int)pid,
                               WTERMSIG(status), strsignal(WTERMSIG(status)));
    return beamc_error_new(BEAMC_EIO, "process %d ended with status %d", (int)pid,
                           WEXITSTATUS(status));
}

/* Whether somebody has to say in its place that it is gone. */
static bool is_missed(const process *one)
{
    struct pollfd wake = { one->wake, POLLIN, 0 };

    return one->refusal != NULL && poll(&wake, 1, 0) == 0 && access(one->serving, F_OK) < 0;
}

/* Another process takes its place, and says how it ended. */
static beamc_error *refuse(process *one, beamc_error *take_end)
{
    char end[END_SIZE];
    size_t last = 0;

    beamc_error_print(take_end, end, sizeof(end));
    beamc_error_free(take_end);
    const char *why = beamc_arena_printf(one->arena,
                                         "the worker's %s before it could serve; what it wrote is "
                                         "in the output of its worker pool",
                                         end);
    while (one->refusal[last] != NULL)
        last++;
    if (why == NULL || !add_flag(one->arena, &one->refusal[last], "refusal", why))
        return beamc_error_nomem();
    if (one->options->log != NULL)
        beamc_log_to(one->options->log, BEAMC_LOG_WARN, "worker %s: %s before it could serve",
                     one->id, end);
    close(one->end);
    one->end = -1;
    BEAMC_TRY(spawn(one, one->refusal, NULL));
    (void)see_off(one); /* how it ends says nothing more */
    return NULL;
}

static beamc_error *wait_for(void *worker)
{
    process *one = worker;
    int status = see_off(one);

    if (!is_missed(one))
        return status == 0 ? NULL : explain_end(one->pid, status);
    return refuse(one, explain_end(one->pid, status));
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
