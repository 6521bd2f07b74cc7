/* SPDX-License-Identifier: Apache-2.0 */
/* A sink that writes every element as a line to a file, one write each, so that all workers can
 * share it. */
#include "test/sdk/transforms/collect.h"

#include <beamc/direct.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COLLECT(F) F(string, path)
BEAMC_ROW(collect_config, COLLECT)

typedef struct {
    int file;
    beamc_buffer line;
} collector;

static beamc_error *open_collector(beamc_context *ctx)
{
    collector *self = beamc_instance(ctx);
    const collect_config *config = beamc_config(ctx);
    char path[128];

    beamc_buffer_init(&self->line);
    snprintf(path, sizeof(path), "%.*s", BEAMC_STR(config->path));
    self->file = open(path, O_WRONLY | O_APPEND);
    return self->file < 0 ? beamc_error_system(errno, "%s", path) : NULL;
}

static void close_collector(beamc_context *ctx)
{
    collector *self = beamc_instance(ctx);

    if (self->file >= 0)
        close(self->file);
    beamc_buffer_dispose(&self->line);
}

static beamc_error *collect(beamc_context *ctx, const void *element)
{
    collector *self = beamc_instance(ctx);

    beamc_buffer_clear(&self->line);
    beamc_print(ctx->input, element, &self->line);
    beamc_buffer_append_byte(&self->line, '\n');
    if (beamc_buffer_failed(&self->line))
        return beamc_error_nomem();
    ssize_t written = write(self->file, self->line.data, self->line.size);
    return written == (ssize_t)self->line.size ? NULL : beamc_error_system(errno, "collecting");
}

static const beamc_dofn collect_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "collect_fn" },
    .process = collect,
    .setup = open_collector,
    .teardown = close_collector,
    .config = BEAMC_TYPE(collect_config),
    .instance_size = sizeof(collector),
};
BEAMC_REGISTER(collect_fn)

beamc_pipeline *collect_pipeline(void)
{
    beamc_pipeline *pipeline = beamc_pipeline_new(BEAMC_PROGRAM_FUNCTIONS);

    ck_assert_ptr_nonnull(pipeline);
    return pipeline;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines of @text in order, joined again; @text is changed. */
static char *sort_lines(char *text)
{
    size_t size = strlen(text);
    size_t count = 0;
    char **lines = calloc(size + 1, sizeof(*lines));
    char *sorted = malloc(size + 2);
    char *end = sorted;
    char *rest = NULL;

    ck_assert(lines != NULL && sorted != NULL);
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        lines[count++] = line;
    qsort(lines, count, sizeof(*lines), by_text);
    *end = '\0';
    for (size_t i = 0; i < count; i++)
        end += sprintf(end, "%s%s", i == 0 ? "" : "\n", lines[i]);
    free(lines);
    return sorted;
}

static char *read_all(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t size = 0;

    ck_assert_ptr_nonnull(file);
    ssize_t length = getdelim(&text, &size, '\0', file);
    fclose(file);
    if (length < 0)
        text[0] = '\0';
    return text;
}

/* ---- runs ------------------------------------------------------------------------------------ */

static void fail_with(const char *file, int line, const beamc_error *error)
{
    char text[1024];

    beamc_error_print(error, text, sizeof(text));
    ck_abort_msg("%s:%d: %s", file, line, text);
}

static beamc_error *run(beamc_pipeline *pipeline, int workers)
{
    static const beamc_log_sink silent = { beamc_log_write_stderr, NULL };
    beamc_direct_options options = { .workers = workers,
                                     .log = &silent,
                                     .log_level = BEAMC_LOG_CRITICAL };

    return beamc_run_direct(NULL, pipeline, &options);
}

static void add_sink(beamc_pcollection in, char *path, size_t size)
{
    snprintf(path, size, "/tmp/beamc-collect-XXXXXX");
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    close(file);
    const collect_config config = { beamc_string_of(path) };
    const beamc_par_do_options options = { .config = &config };
    beamc_par_do_with(in, &collect_fn, &options);
}

static char *run_and_read(const char *file, int line, beamc_pipeline *pipeline, const char *path,
                          int workers)
{
    ck_assert_int_eq(truncate(path, 0), 0);
    beamc_error *error = run(pipeline, workers);
    if (error != NULL) {
        unlink(path);
        fail_with(file, line, error);
    }
    char *text = read_all(path);
    char *sorted = sort_lines(text);
    free(text);
    return sorted;
}

char *collect_lines_at(const char *file, int line, beamc_pcollection in)
{
    beamc_pipeline *pipeline = in.pipeline;
    char path[64];

    add_sink(in, path, sizeof(path));
    char *lines = run_and_read(file, line, pipeline, path, 2);
    unlink(path);
    beamc_pipeline_free(pipeline);
    return lines;
}

void collect_check_at(const char *file, int line, beamc_pcollection in, const char *expected)
{
    static const int workers[] = { 1, 3 };
    beamc_pipeline *pipeline = in.pipeline;
    char path[64];
    char *copy = strdup(expected);
    char *wanted = sort_lines(copy);

    add_sink(in, path, sizeof(path));
    for (size_t i = 0; i < sizeof(workers) / sizeof(workers[0]); i++) {
        char *lines = run_and_read(file, line, pipeline, path, workers[i]);
        if (strcmp(lines, wanted) != 0)
            ck_abort_msg("%s:%d: %d workers give\n%s\nnot\n%s", file, line, workers[i], lines,
                         wanted);
        free(lines);
    }
    unlink(path);
    free(wanted);
    free(copy);
    beamc_pipeline_free(pipeline);
}

static void check_text(const char *file, int line, const beamc_error *error, const char *part)
{
    char text[1024];

    if (error == NULL)
        ck_abort_msg("%s:%d: no error, but wanted \"%s\"", file, line, part);
    beamc_error_print(error, text, sizeof(text));
    if (strstr(text, part) == NULL)
        ck_abort_msg("%s:%d: the error is \"%s\", without \"%s\"", file, line, text, part);
}

void collect_check_error_at(const char *file, int line, beamc_pcollection in, const char *part)
{
    beamc_error *error = run(in.pipeline, 2);

    check_text(file, line, error, part);
    beamc_error_free(error);
    beamc_pipeline_free(in.pipeline);
}

void collect_check_refused_at(const char *file, int line, beamc_pcollection in, const char *part)
{
    check_text(file, line, beamc_pipeline_error(in.pipeline), part);
    beamc_pipeline_free(in.pipeline);
}
