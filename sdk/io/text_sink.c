/* SPDX-License-Identifier: Apache-2.0 */
/* The DoFns that write text into files of their own. */
#include "sdk/io/text_sink.h"

#include "sdk/base/table.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

beamc__text_format beamc__text_sink_format(const beamc__text_sink *sink)
{
    beamc__text_format format = { .compression = (beamc_compression)sink->compression,
                                  .delimiter = sink->delimiter,
                                  .header = sink->header,
                                  .footer = sink->footer,
                                  .sync = sink->sync };
    return format;
}

/* ---- names of the files ---------------------------------------------------------------------- */

/* Each copy of a DoFn has a number of its own, and counts its files. */
typedef struct {
    uint64_t id;
    uint64_t next;
} file_names;

static beamc_error *begin_names(file_names *names)
{
    names->next = 0;
    if (getrandom(&names->id, sizeof(names->id), 0) != (ssize_t)sizeof(names->id))
        return beamc_error_new(BEAMC_EIO, "the system has no random numbers");
    return NULL;
}

static beamc_error *begin_file(beamc__text_writer *writer, const beamc__text_format *format,
                               const beamc__text_sink *sink, file_names *names)
{
    size_t size = sink->temporary.size + 64;
    char *path = malloc(size);

    if (path == NULL)
        return beamc_error_nomem();
    snprintf(path, size, "%.*s/%016" PRIx64 "-%08" PRIu64, BEAMC_STR(sink->temporary), names->id,
             names->next++);
    beamc_error *err = beamc__text_writer_begin(writer, format, path);
    free(path);
    return err;
}

/* Ends the file and tells of it, in @window (NULL: the global one). */
static beamc_error *give_file(beamc_context *ctx, beamc__text_writer *writer,
                              const beamc_interval_window *window)
{
    const char *path = beamc_arena_strdup(ctx->arena, writer->path);
    beamc_timestamp time = window == NULL ? BEAMC_TIMESTAMP_MAX_GLOBAL : window->end - 1;

    if (path == NULL)
        return beamc_error_nomem();
    BEAMC_TRY(beamc__text_writer_end(writer));
    beamc__keyed_written written = { 0, { beamc_string_of(path), -1 } };
    return beamc_emit_windowed(ctx, 0, &written, time, window);
}

/* ---- one file per bundle --------------------------------------------------------------------- */

typedef struct {
    beamc__text_format format;
    beamc__text_writer writer;
    file_names names;
    uint64_t max_bytes;
} bundle_sink;

static uint64_t max_bytes_of(const beamc__text_sink *sink)
{
    return sink->max_bytes > 0 ? (uint64_t)sink->max_bytes : UINT64_MAX;
}

static beamc_error *set_up_bundle(beamc_context *ctx)
{
    bundle_sink *self = beamc_instance(ctx);

    self->format = beamc__text_sink_format(beamc_config(ctx));
    self->max_bytes = max_bytes_of(beamc_config(ctx));
    return begin_names(&self->names);
}

static beamc_error *write_bundle(beamc_context *ctx, const void *element)
{
    bundle_sink *self = beamc_instance(ctx);

    if (BEAMC_UNLIKELY(self->writer.path == NULL))
        BEAMC_TRY(begin_file(&self->writer, &self->format, beamc_config(ctx), &self->names));
    BEAMC_TRY(beamc__text_writer_line(&self->writer, *(const beamc_string *)element));
    if (BEAMC_UNLIKELY(beamc__text_writer_bytes(&self->writer) >= self->max_bytes))
        return give_file(ctx, &self->writer, NULL);
    return NULL;
}

static beamc_error *finish_bundle(beamc_context *ctx)
{
    bundle_sink *self = beamc_instance(ctx);
    return self->writer.path == NULL ? NULL : give_file(ctx, &self->writer, NULL);
}

static void tear_down_bundle(beamc_context *ctx)
{
    bundle_sink *self = beamc_instance(ctx);
    beamc__text_writer_dispose(&self->writer);
}

const beamc_dofn beamc__write_bundle_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc.write_text" },
    .input = &beamc_type_string,
    .output = &beamc_type_beamc__keyed_written,
    .process = write_bundle,
    .setup = set_up_bundle,
    .finish_bundle = finish_bundle,
    .teardown = tear_down_bundle,
    .config = &beamc_type_beamc__text_sink,
    .instance_size = sizeof(bundle_sink),
};
BEAMC_REGISTER(beamc__write_bundle_fn)

/* ---- one file per bundle and window ---------------------------------------------------------- */

/* There may be very many windows in a bundle, in any order.  So their files are kept as little
 * buffers, and when too many have grown or been opened, all are suspended. */
enum {
    OPEN_FILES = 100,
    OPEN_ENCODERS = 16,           /* bzip2's take 8 MB */
    BUFFERED_BYTES = 64 << 20
};

typedef struct {
    beamc_interval_window window;
    beamc__text_writer writer;
    bool counted; /* among the open ones */
} window_file;

typedef struct {
    beamc__text_format format;
    file_names names;
    uint64_t max_bytes;
    beamc__table *files;   /* encoded window -> window_file */
    window_file *current;  /* of the window that was last written to */
    size_t open;           /* files that were opened since all were suspended */
    size_t buffered;       /* bytes of all buffers */
    bool can_suspend;
} windows_sink;

static beamc_error *set_up_windows(beamc_context *ctx)
{
    windows_sink *self = beamc_instance(ctx);
    const beamc__text_sink *sink = beamc_config(ctx);
    const beamc_filesystem *filesystem;
    char *path = strndup(sink->prefix.data, sink->prefix.size);

    if (path == NULL)
        return beamc_error_nomem();
    beamc_error *err = beamc_filesystem_find(&filesystem, path);
    free(path);
    if (err != NULL)
        return err;
    self->can_suspend = filesystem->can_append;
    self->format = beamc__text_sink_format(sink);
    self->max_bytes = max_bytes_of(sink);
    return begin_names(&self->names);
}

static void forget_files(windows_sink *self)
{
    size_t count = self->files == NULL ? 0 : beamc__table_count(self->files);

    for (size_t i = 0; i < count; i++) {
        window_file *file = beamc__table_value(self->files, i);
        beamc__text_writer_dispose(&file->writer);
        free(file);
    }
    beamc__table_free(self->files);
    self->files = NULL;
    self->current = NULL;
    self->open = 0;
    self->buffered = 0;
}

static beamc_error *suspend_files(windows_sink *self)
{
    for (size_t i = 0; i < beamc__table_count(self->files); i++) {
        window_file *file = beamc__table_value(self->files, i);
        file->counted = false;
        if (file->writer.path != NULL)
            BEAMC_TRY(beamc__text_writer_suspend(&file->writer));
    }
    self->open = 0;
    self->buffered = 0;
    return NULL;
}

static beamc_error *find_file(beamc_context *ctx, windows_sink *self, window_file **out)
{
    const beamc_element_info *info = ctx->info;

    *out = NULL;
    if (self->files == NULL && (self->files = beamc__table_new()) == NULL)
        return beamc_error_nomem();
    window_file *file = beamc__table_get(self->files, info->windows, info->windows_size);
    if (file == NULL) {
        if ((file = calloc(1, sizeof(*file))) == NULL)
            return beamc_error_nomem();
        if (!beamc_context_window(ctx, &file->window)) {
            free(file);
            return beamc_error_new(BEAMC_EUNSUPPORTED,
                                   "files of windows that are no intervals have no names");
        }
        if (beamc__table_put(self->files, info->windows, info->windows_size, file) < 0) {
            free(file);
            return beamc_error_nomem();
        }
    }
    *out = file;
    return NULL;
}

/* Whether @file is that of the element's window.  Intervals are compared as they are encoded. */
static bool is_of_element(const beamc_context *ctx, const window_file *file)
{
    beamc_interval_window window;

    return file != NULL && beamc_context_window(ctx, &window) &&
           window.start == file->window.start && window.end == file->window.end;
}

static beamc_error *write_window(beamc_context *ctx, const void *element)
{
    windows_sink *self = beamc_instance(ctx);
    size_t limit =
        self->format.compression == BEAMC_COMPRESSION_NONE ? OPEN_FILES : OPEN_ENCODERS;

    if (!is_of_element(ctx, self->current))
        BEAMC_TRY(find_file(ctx, self, &self->current));
    window_file *file = self->current;
    beamc__text_writer *writer = &file->writer;
    if (writer->path == NULL)
        BEAMC_TRY(begin_file(writer, &self->format, beamc_config(ctx), &self->names));
    size_t capacity = writer->capacity;
    BEAMC_TRY(beamc__text_writer_line(writer, *(const beamc_string *)element));
    self->buffered += writer->capacity - capacity;
    if (beamc__text_writer_bytes(writer) >= self->max_bytes)
        return give_file(ctx, writer, &file->window);
    if (writer->output != NULL && !file->counted) {
        file->counted = true;
        self->open++;
    }
    if (self->can_suspend && (self->open > limit || self->buffered > BUFFERED_BYTES))
        return suspend_files(self);
    return NULL;
}

static beamc_error *finish_windows(beamc_context *ctx)
{
    windows_sink *self = beamc_instance(ctx);
    size_t count = self->files == NULL ? 0 : beamc__table_count(self->files);

    for (size_t i = 0; i < count; i++) {
        window_file *file = beamc__table_value(self->files, i);
        if (file->writer.path != NULL)
            BEAMC_TRY(give_file(ctx, &file->writer, &file->window));
        beamc__text_writer_dispose(&file->writer);
    }
    forget_files(self);
    return NULL;
}

static void tear_down_windows(beamc_context *ctx)
{
    forget_files(beamc_instance(ctx));
}

const beamc_dofn beamc__write_windows_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc.write_windowed_text" },
    .input = &beamc_type_string,
    .output = &beamc_type_beamc__keyed_written,
    .process = write_window,
    .setup = set_up_windows,
    .finish_bundle = finish_windows,
    .teardown = tear_down_windows,
    .config = &beamc_type_beamc__text_sink,
    .instance_size = sizeof(windows_sink),
    .observes_window = true,
};
BEAMC_REGISTER(beamc__write_windows_fn)

/* ---- so many shards -------------------------------------------------------------------------- */

static beamc_error *assign_shard(beamc_context *ctx, const void *element)
{
    const beamc__text_sink *sink = beamc_config(ctx);
    int64_t *next = beamc_instance(ctx);
    beamc__shard_line line = { *next, *(const beamc_string *)element };

    *next = *next + 1 < sink->num_shards ? *next + 1 : 0;
    return beamc_emit(ctx, &line);
}

const beamc_dofn beamc__assign_shard_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc.assign_shard" },
    .input = &beamc_type_string,
    .output = &beamc_type_beamc__shard_line,
    .process = assign_shard,
    .config = &beamc_type_beamc__text_sink,
    .instance_size = sizeof(int64_t),
};
BEAMC_REGISTER(beamc__assign_shard_fn)

static beamc_error *write_lines(beamc__text_writer *writer, const beamc_iterable *lines)
{
    beamc_iterator iterator;
    beamc_string line;
    beamc_error *err = NULL;

    beamc_iterate(&iterator, lines);
    while (err == NULL && beamc_next(&iterator, &line))
        err = beamc__text_writer_line(writer, line);
    beamc_error *walk = beamc_iterator_finish(&iterator);
    if (err == NULL)
        return walk;
    beamc_error_free(walk); /* the first one is told */
    return err;
}

static beamc_error *write_shard(beamc_context *ctx, const void *element)
{
    const beamc__shard_lines *shard = element;
    bundle_sink *self = beamc_instance(ctx);

    BEAMC_TRY(begin_file(&self->writer, &self->format, beamc_config(ctx), &self->names));
    BEAMC_TRY(write_lines(&self->writer, &shard->value));
    const char *path = beamc_arena_strdup(ctx->arena, self->writer.path);
    if (path == NULL)
        return beamc_error_nomem();
    BEAMC_TRY(beamc__text_writer_end(&self->writer));
    beamc__keyed_written written = { 0, { beamc_string_of(path), shard->key } };
    return beamc_emit(ctx, &written);
}

const beamc_dofn beamc__write_shard_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc.write_shard" },
    .input = &beamc_type_beamc__shard_lines,
    .output = &beamc_type_beamc__keyed_written,
    .process = write_shard,
    .setup = set_up_bundle,
    .teardown = tear_down_bundle,
    .config = &beamc_type_beamc__text_sink,
    .instance_size = sizeof(bundle_sink),
};
BEAMC_REGISTER(beamc__write_shard_fn)
