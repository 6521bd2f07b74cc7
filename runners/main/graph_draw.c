/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a graph into a file whose name's end says how.  SVG is made by graphviz's `dot`, started
 * without a shell: it reads a temporary file and writes where the drawing is then renamed from. */
#include "graph.h"
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

typedef void graph_writer(const beamc__graph *graph, beamc_buffer *out);

static const char *end_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash != NULL ? slash : path, '.');

    return dot != NULL ? dot : "";
}

bool beamc__graph_can_draw(const char *path)
{
    const char *end = end_of(path);

    return strcmp(end, ".dot") == 0 || strcmp(end, ".json") == 0 || strcmp(end, ".svg") == 0;
}

static beamc_error *write_all(int fd, const beamc_buffer *bytes, const char *path)
{
    size_t done = 0;

    while (done < bytes->size) {
        ssize_t n = write(fd, bytes->data + done, bytes->size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return beamc_error_system(errno, "writing %s", path);
        done += (size_t)n;
    }
    return NULL;
}

static beamc_error *write_file(const char *path, const beamc_buffer *bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

    if (fd < 0)
        return beamc_error_system(errno, "%s", path);
    beamc_error *error = write_all(fd, bytes, path);
    if (close(fd) < 0 && error == NULL)
        error = beamc_error_system(errno, "writing %s", path);
    return error;
}

static beamc_error *wait_for(pid_t child, const char *path)
{
    int status;

    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return beamc_error_system(errno, "waiting for graphviz's dot");
    if (WIFSIGNALED(status))
        return beamc_error_new(BEAMC_EIO, "graphviz's dot was ended by signal %d while drawing %s",
                               WTERMSIG(status), path);
    if (WEXITSTATUS(status) != 0)
        return beamc_error_new(BEAMC_EIO, "graphviz's dot could not draw %s: exit status %d", path,
                               WEXITSTATUS(status));
    return NULL;
}

static beamc_error *spawn_dot(pid_t *child, int input, const char *path)
{
    char *const argv[] = { (char *)"dot", (char *)"-Tsvg", (char *)"-o", (char *)path, NULL };
    posix_spawn_file_actions_t actions;

    int code = posix_spawn_file_actions_init(&actions);
    if (code != 0)
        return beamc_error_system(code, "starting graphviz's dot");
    code = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    if (code == 0)
        code = posix_spawnp(child, "dot", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (code == ENOENT)
        return beamc_error_new(BEAMC_ENOENT,
                               "graphviz is not installed, so there can be no SVG: apt-get install "
                               "graphviz, or draw into a file that ends in .dot");
    return code != 0 ? beamc_error_system(code, "starting graphviz's dot") : NULL;
}

static beamc_error *write_svg(const char *path, const beamc_buffer *dot)
{
    pid_t child;
    FILE *file = tmpfile();

    if (file == NULL)
        return beamc_error_system(errno, "temporary file");
    int fd = fileno(file);
    beamc_error *error = write_all(fd, dot, "temporary file");
    if (error == NULL && lseek(fd, 0, SEEK_SET) < 0)
        error = beamc_error_system(errno, "temporary file");
    if (error == NULL)
        error = spawn_dot(&child, fd, path);
    if (error == NULL)
        error = wait_for(child, path);
    fclose(file);
    return error;
}

static beamc_error *draw_beside(const beamc__graph *graph, const char *path, const char *beside)
{
    bool json = strcmp(end_of(path), ".json") == 0;
    graph_writer *writer = json ? beamc__graph_write_json : beamc__graph_write_dot;
    beamc_buffer text;
    beamc_error *error;

    beamc_buffer_init(&text);
    writer(graph, &text);
    if (beamc_buffer_failed(&text))
        error = beamc_error_nomem();
    else if (strcmp(end_of(path), ".svg") == 0)
        error = write_svg(beside, &text);
    else
        error = write_file(beside, &text);
    beamc_buffer_dispose(&text);
    return error;
}

beamc_error *beamc__graph_draw(const beamc__graph *graph, const char *path)
{
    if (!beamc__graph_can_draw(path))
        return beamc_error_new(BEAMC_EINVAL, "--graph=%s: the name must end in .dot, .svg or .json",
                               path);
    size_t size = strlen(path) + 32;
    char *beside = (char *)malloc(size);
    if (beside == NULL)
        return beamc_error_nomem();
    snprintf(beside, size, "%s.%ld.tmp", path, (long)getpid());
    beamc_error *error = draw_beside(graph, path, beside);
    if (error == NULL && rename(beside, path) < 0)
        error = beamc_error_system(errno, "%s", path);
    if (error != NULL)
        unlink(beside);
    free(beside);
    return error;
}
