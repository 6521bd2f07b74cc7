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

static void write_message(const beamc__graph *graph, beamc_buffer *out)
{
    size_t size = pb(pipeline__get_packed_size)(graph->pipeline);
    uint8_t *at = beamc_buffer_reserve(out, size);

    if (at != NULL)
        out->size += pb(pipeline__pack)(graph->pipeline, at);
}

/* What a file is by the end of its name. */
typedef struct {
    const char *end;
    void (*write)(const beamc__graph *graph, beamc_buffer *out);
    bool by_dot; /* what was written is drawn by graphviz */
} form;

static const form forms[] = {
    { ".dot", beamc__graph_write_dot, false },   { ".svg", beamc__graph_write_dot, true },
    { ".json", beamc__graph_write_json, false }, { ".txt", beamc__graph_write_text, false },
    { ".pb", write_message, false },
};

static const char *end_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash != NULL ? slash : path, '.');

    return dot != NULL ? dot : "";
}

static const form *form_of(const char *path)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (strcmp(end_of(path), forms[i].end) == 0)
            return &forms[i];
    return NULL;
}

beamc_error *beamc__graph_check_path(const char *path)
{
    if (form_of(path) != NULL)
        return NULL;
    return beamc_error_new(BEAMC_EINVAL, "the name must end in .dot, .svg, .json, .txt or .pb");
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

static beamc_error *draw_beside(const beamc__graph *graph, const form *as, const char *beside)
{
    beamc_buffer text;
    beamc_error *error;

    beamc_buffer_init(&text);
    as->write(graph, &text);
    if (beamc_buffer_failed(&text))
        error = beamc_error_nomem();
    else
        error = as->by_dot ? write_svg(beside, &text) : write_file(beside, &text);
    beamc_buffer_dispose(&text);
    return error;
}

beamc_error *beamc__graph_draw(const beamc__graph *graph, const char *path)
{
    BEAMC_TRY(beamc__graph_check_path(path));
    size_t size = strlen(path) + 32;
    char *beside = (char *)malloc(size);
    if (beside == NULL)
        return beamc_error_nomem();
    snprintf(beside, size, "%s.%ld.tmp", path, (long)getpid());
    beamc_error *error = draw_beside(graph, form_of(path), beside);
    if (error == NULL && rename(beside, path) < 0)
        error = beamc_error_system(errno, "%s", path);
    if (error != NULL)
        unlink(beside);
    free(beside);
    return error;
}
