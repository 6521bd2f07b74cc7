/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that waits for the process is the one that starts it: the kernel's promise to end the
 * process with us (PR_SET_PDEATHSIG) is about the thread. */
#include "child.h"

#include "harness/container/spawn.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

enum {
    GRACE_MS = 5000,      /* from SIGTERM to SIGKILL */
    TAIL_SIZE = 64 << 10, /* of the file, where its last words are looked for */
    LINE_SIZE = 512
};

struct beamc__child {
    char *name;
    int log;                             /* descriptor of a file without a name */
    const beamc__child_options *options; /* until it is started */
    uv_thread_t thread;
    bool has_thread;
    uv_mutex_t lock;
    uv_cond_t changed;
    pid_t pid;   /* guarded, as all below */
    int problem; /* errno of a start that failed */
    bool started;
    bool ended;
    int status; /* of waitpid */
};

/* ---- starting -------------------------------------------------------------------------------- */

/* The file has no name, so that it ends with the last who has it open. */
static beamc_error *open_log(beamc__child *child)
{
    const char *directory = getenv("TMPDIR");
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/beamc-server-XXXXXX",
             directory == NULL || directory[0] == '\0' ? "/tmp" : directory);
    child->log = mkostemp(path, O_CLOEXEC | O_APPEND);
    if (child->log < 0)
        return beamc_error_system(errno, "%s", path);
    unlink(path);
    return NULL;
}

static void watch(void *ctx)
{
    beamc__child *child = ctx;
    pid_t pid = 0;
    int status = 0;

    const beamc__spawn_options options = {
        .path = child->options->path,
        .args = child->options->args,
        .changes = child->options->changes,
        .output = child->log,
    };
    int problem = beamc__spawn(&pid, &options);
    uv_mutex_lock(&child->lock);
    child->pid = pid;
    child->problem = problem;
    child->started = true;
    child->ended = problem != 0;
    uv_cond_broadcast(&child->changed);
    uv_mutex_unlock(&child->lock);
    if (problem != 0)
        return;
    /* It stays a zombie until all know, so that its number is nobody else's. */
    siginfo_t info;
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
        continue;
    uv_mutex_lock(&child->lock);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    child->status = status;
    child->ended = true;
    uv_cond_broadcast(&child->changed);
    uv_mutex_unlock(&child->lock);
}

static beamc_error *start(beamc__child *child)
{
    child->name = strdup(child->options->name);
    if (child->name == NULL)
        return beamc_error_nomem();
    BEAMC_TRY(open_log(child));
    if (uv_thread_create(&child->thread, watch, child) < 0)
        return beamc_error_new(BEAMC_ELIMIT, "no thread can be started");
    child->has_thread = true;
    uv_mutex_lock(&child->lock);
    while (!child->started)
        uv_cond_wait(&child->changed, &child->lock);
    int problem = child->problem;
    uv_mutex_unlock(&child->lock);
    return problem == 0 ? NULL : beamc_error_system(problem, "%s", child->options->path);
}

beamc_error *beamc__child_start(beamc__child **out, const beamc__child_options *options)
{
    beamc__child *child = calloc(1, sizeof(*child));

    *out = NULL;
    if (child == NULL || uv_mutex_init(&child->lock) < 0) {
        free(child);
        return beamc_error_nomem();
    }
    if (uv_cond_init(&child->changed) < 0) {
        uv_mutex_destroy(&child->lock);
        free(child);
        return beamc_error_nomem();
    }
    child->log = -1;
    child->options = options;
    beamc_error *error = start(child);
    child->options = NULL;
    if (error != NULL) {
        beamc__child_free(child);
        return beamc_error_wrap(error, "starting %s", options->name);
    }
    *out = child;
    return NULL;
}

/* ---- its end --------------------------------------------------------------------------------- */

/* How Go and Java begin to say why a program ends; a long trace follows. */
static bool is_reason(const char *line)
{
    static const char *const starts[] = { "panic: ", "fatal error: ", "Exception in thread " };

    for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++)
        if (strncmp(line, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

/* The reason that @tail gives, or its last line that holds something; after ": ". */
static void find_words(char *tail, char *out, size_t size)
{
    out[0] = '\0';
    for (char *rest = tail, *line; (line = strsep(&rest, "\r\n")) != NULL;) {
        line += strspn(line, " \t");
        if (line[0] != '\0')
            snprintf(out, size, ": %s", line);
        if (is_reason(line))
            return;
    }
}

void beamc__child_output(const beamc__child *child, char *out, size_t size)
{
    off_t end = lseek(child->log, 0, SEEK_END);
    off_t most = (off_t)size - 1;

    ssize_t got = pread(child->log, out, size - 1, end > most ? end - most : 0);
    out[got > 0 ? got : 0] = '\0';
}

void beamc__child_words(const beamc__child *child, char *out, size_t size)
{
    char *tail = malloc(TAIL_SIZE + 1);

    out[0] = '\0';
    if (tail == NULL)
        return;
    beamc__child_output(child, tail, TAIL_SIZE + 1);
    find_words(tail, out, size);
    free(tail);
}

bool beamc__child_wait(beamc__child *child, int64_t timeout_ms, int *status)
{
    uint64_t until = uv_hrtime() + (uint64_t)timeout_ms * 1000000;
    uint64_t now;

    uv_mutex_lock(&child->lock);
    while (!child->ended && (now = uv_hrtime()) < until)
        uv_cond_timedwait(&child->changed, &child->lock, until - now);
    bool ended = child->ended;
    *status = child->status;
    uv_mutex_unlock(&child->lock);
    return ended;
}

beamc_error *beamc__child_check(beamc__child *child)
{
    char words[LINE_SIZE];

    uv_mutex_lock(&child->lock);
    bool ended = child->ended;
    int status = child->status;
    uv_mutex_unlock(&child->lock);
    if (!ended)
        return NULL;
    beamc__child_words(child, words, sizeof(words));
    if (WIFSIGNALED(status))
        return beamc_error_new(BEAMC_EIO, "%s was ended by signal %d%s", child->name,
                               WTERMSIG(status), words);
    return beamc_error_new(BEAMC_EIO, "%s ended with status %d%s", child->name, WEXITSTATUS(status),
                           words);
}

static void stop(beamc__child *child)
{
    uint64_t until = uv_hrtime() + (uint64_t)GRACE_MS * 1000000;

    uv_mutex_lock(&child->lock);
    if (!child->ended)
        kill(child->pid, SIGTERM);
    while (!child->ended) {
        uint64_t now = uv_hrtime();
        if (now >= until) {
            kill(child->pid, SIGKILL);
            until = UINT64_MAX;
        }
        uv_cond_timedwait(&child->changed, &child->lock,
                          until == UINT64_MAX ? 1000000000 : until - now);
    }
    uv_mutex_unlock(&child->lock);
}

void beamc__child_free(beamc__child *child)
{
    if (child == NULL)
        return;
    if (child->has_thread) {
        stop(child);
        uv_thread_join(&child->thread);
    }
    if (child->log >= 0)
        close(child->log);
    free(child->name);
    uv_cond_destroy(&child->changed);
    uv_mutex_destroy(&child->lock);
    free(child);
}
