/* SPDX-License-Identifier: Apache-2.0 */
/* Gives the files of a write their final names.  It may be called again after it failed half-way,
 * or after its success was not heard of: a file that is no more where it was, but under its final
 * name, is done. */
#include "sdk/io/shard_name.h"
#include "sdk/io/text_sink.h"

#include <inttypes.h>
#include <stdlib.h>

typedef struct {
    const char *path; /* NULL: an empty file is to be made */
    int64_t shard;
} written_file;

typedef struct {
    beamc_context *ctx;
    const beamc__text_sink *sink;
    beamc_interval_window interval;
    const beamc_interval_window *window; /* NULL: the global one */
    beamc_buffer files;                  /* written_file; owned */
    beamc_buffer name;                   /* the final name in work; owned */
} finalizing;

static written_file *file_at(const finalizing *f, uint64_t index)
{
    return (written_file *)(void *)f->files.data + index;
}

static uint64_t file_count(const finalizing *f)
{
    return f->files.size / sizeof(written_file);
}

static beamc_error *add_file(finalizing *f, const char *path, int64_t shard)
{
    written_file file = { path, shard };

    beamc_buffer_append(&f->files, &file, sizeof(file));
    return beamc_buffer_failed(&f->files) ? beamc_error_nomem() : NULL;
}

static int compare_files(const void *a, const void *b)
{
    const written_file *first = a;
    const written_file *second = b;

    if (first->shard != second->shard)
        return first->shard < second->shard ? -1 : 1;
    return first->path == NULL || second->path == NULL ? 0 : strcmp(first->path, second->path);
}

/* ---- which files ----------------------------------------------------------------------------- */

static beamc_error *gather(finalizing *f, const beamc_iterable *all)
{
    beamc_iterator iterator;
    beamc__written written;
    beamc_error *err = NULL;

    beamc_iterate(&iterator, all);
    while (err == NULL && beamc_next(&iterator, &written)) {
        if (written.path.size == 0)
            continue;
        const char *path =
            beamc_arena_strndup(f->ctx->arena, written.path.data, written.path.size);
        err = path == NULL ? beamc_error_nomem() : add_file(f, path, written.shard);
    }
    beamc_error *walk = beamc_iterator_finish(&iterator);
    if (err == NULL)
        return walk;
    beamc_error_free(walk); /* the first one is told */
    return err;
}

static void sort_files(finalizing *f)
{
    if (f->files.size > 0)
        qsort(f->files.data, file_count(f), sizeof(written_file), compare_files);
}

/* Numbers the shards, or adds those that no line fell into. */
static beamc_error *number_files(finalizing *f)
{
    uint64_t count = file_count(f);
    uint64_t wanted = (uint64_t)f->sink->num_shards;

    sort_files(f);
    if (wanted == 0) {
        if (count == 0 && f->sink->always)
            BEAMC_TRY(add_file(f, NULL, 0));
        for (uint64_t i = 0; i < count; i++)
            file_at(f, i)->shard = (int64_t)i;
        return NULL;
    }
    if (count == 0 && !f->sink->always)
        return NULL;
    int64_t next = 0;
    for (uint64_t i = 0; i < count; i++) {
        int64_t shard = file_at(f, i)->shard;
        if (shard < next || shard >= f->sink->num_shards)
            return beamc_error_new(BEAMC_ECORRUPT, "shard %" PRId64 " of %" PRIu64
                                   " was written twice, or is none of them", shard, wanted);
        for (; next < shard; next++)
            BEAMC_TRY(add_file(f, NULL, next));
        next = shard + 1;
    }
    for (; next < f->sink->num_shards; next++)
        BEAMC_TRY(add_file(f, NULL, next));
    sort_files(f);
    return NULL;
}

/* ---- names ----------------------------------------------------------------------------------- */

/* The final name of a file, in f->name, ended by NUL. */
static beamc_error *final_name(finalizing *f, const written_file *file, const char **out)
{
    const beamc__text_sink *sink = f->sink;
    beamc_buffer *name = &f->name;

    beamc_buffer_clear(name);
    beamc_buffer_append(name, sink->prefix.data, sink->prefix.size);
    beamc__shard_name(name, sink->shard_template, (uint64_t)file->shard, file_count(f), f->window);
    beamc_buffer_append(name, sink->suffix.data, sink->suffix.size);
    beamc_buffer_append_byte(name, '\0');
    *out = (const char *)name->data;
    return beamc_buffer_failed(name) ? beamc_error_nomem() : NULL;
}

/* Whether there is a file that was written at @since or later. */
static bool is_there(const char *path, beamc_timestamp since)
{
    beamc_file_info info;
    beamc_error *err = beamc_file_stat(&info, path);
    bool there = err == NULL && info.modified >= since;

    beamc_error_free(err); /* it is not there: the callers say what that means */
    return there;
}

/* Whether an earlier call has given this name to a file of this run; older ones of the same name
 * are of an earlier run. */
static bool is_done(const finalizing *f, const char *name)
{
    return is_there(name, f->sink->started);
}

/* Before any name is given: whether all can be. */
static beamc_error *check_files(finalizing *f)
{
    for (uint64_t i = 0; i < file_count(f); i++) {
        const written_file *file = file_at(f, i);
        const char *name;
        if (file->path == NULL || is_there(file->path, INT64_MIN))
            continue;
        BEAMC_TRY(final_name(f, file, &name));
        if (!is_done(f, name))
            return beamc_error_new(BEAMC_ENOENT, "%s is gone, which was to become %s", file->path,
                                   name);
    }
    return NULL;
}

/* An empty file, with header and footer, to be renamed as the others. */
static beamc_error *make_empty(finalizing *f, written_file *file)
{
    beamc__text_format format = beamc__text_sink_format(f->sink);
    beamc__text_writer writer = { 0 };
    int64_t start = f->window == NULL ? 0 : f->window->start;
    int64_t end = f->window == NULL ? 0 : f->window->end;
    const char *path = beamc_arena_printf(
        f->ctx->arena, "%.*s/empty-%" PRId64 "-%" PRId64 "-%08" PRId64,
        BEAMC_STR(f->sink->temporary), start, end, file->shard);

    if (path == NULL)
        return beamc_error_nomem();
    beamc_error *err = beamc__text_writer_begin(&writer, &format, path);
    if (err == NULL)
        err = beamc__text_writer_end(&writer);
    beamc__text_writer_dispose(&writer);
    file->path = path;
    return err;
}

static beamc_error *rename_file(const finalizing *f, const char *path, const char *name)
{
    beamc_error *err = beamc_file_rename(path, name);

    if (beamc_error_code(err) == BEAMC_ENOENT && is_done(f, name)) {
        beamc_error_free(err);
        return NULL;
    }
    return err;
}

static beamc_error *name_files(finalizing *f)
{
    for (uint64_t i = 0; i < file_count(f); i++)
        if (file_at(f, i)->path == NULL)
            BEAMC_TRY(make_empty(f, file_at(f, i)));
    for (uint64_t i = 0; i < file_count(f); i++) {
        const char *name;
        BEAMC_TRY(final_name(f, file_at(f, i), &name));
        BEAMC_TRY(rename_file(f, file_at(f, i)->path, name));
    }
    for (uint64_t i = 0; i < file_count(f); i++) {
        const char *name;
        BEAMC_TRY(final_name(f, file_at(f, i), &name));
        beamc_string text = beamc_string_of(name);
        BEAMC_TRY(beamc_emit(f->ctx, &text));
    }
    return NULL;
}

/* In windows, other windows' files may still be in the directory: then it stays for them. */
static beamc_error *remove_temporary(finalizing *f)
{
    const char *path =
        beamc_arena_strndup(f->ctx->arena, f->sink->temporary.data, f->sink->temporary.size);

    if (path == NULL)
        return beamc_error_nomem();
    beamc_error *err = beamc_directory_remove(path, !f->sink->windowed);
    if (err != NULL && beamc_error_code(err) != BEAMC_ENOMEM && !f->sink->windowed)
        beamc_log(f->ctx, BEAMC_LOG_WARN, "%s could not be removed", path);
    beamc_error_free(err); /* all files are in place: what is left over is no failure */
    return NULL;
}

static beamc_error *finalize_files(finalizing *f, const beamc_iterable *all)
{
    BEAMC_TRY(gather(f, all));
    BEAMC_TRY(number_files(f));
    BEAMC_TRY(check_files(f));
    BEAMC_TRY(name_files(f));
    return remove_temporary(f);
}

static beamc_error *finalize(beamc_context *ctx, const void *element)
{
    const beamc__gathered *gathered = element;
    finalizing f = { .ctx = ctx, .sink = beamc_config(ctx) };

    if (beamc_context_window(ctx, &f.interval))
        f.window = &f.interval;
    beamc_error *err = finalize_files(&f, &gathered->value);
    beamc_buffer_dispose(&f.files);
    beamc_buffer_dispose(&f.name);
    return err;
}

const beamc_dofn beamc__finalize_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc.finalize_text" },
    .input = &beamc_type_beamc__gathered,
    .output = &beamc_type_string,
    .process = finalize,
    .config = &beamc_type_beamc__text_sink,
    .observes_window = true,
};
BEAMC_REGISTER(beamc__finalize_fn)
