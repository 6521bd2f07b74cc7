/* SPDX-License-Identifier: Apache-2.0 */
/* WriteText as it is built; what it does is in text_sink.c and finalize.c. */
#include <beamc/text_io.h>

#include "sdk/io/local_files.h"
#include "sdk/io/patterns.h"
#include "sdk/io/shard_name.h"
#include "sdk/io/text_sink.h"
#include "sdk/pipeline/graph.h"
#include <inttypes.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static const beamc_write_text_options default_options = { .num_shards = 0 };

/* ---- configuration --------------------------------------------------------------------------- */

static beamc_string string_or_none(const char *text)
{
    return beamc_string_of(text == NULL ? "" : text);
}

/* By the clock that files are dated with, which may be a little behind. */
static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A name that no other run has, beside the final names. */
static const char *temporary_path(beamc_arena *arena, const char *prefix)
{
    const char *slash = strrchr(prefix, '/');
    int size = slash == NULL ? 0 : (int)(slash + 1 - prefix);
    uint64_t random = 0;

    /* Without random numbers, process and time tell runs apart well enough. */
    (void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
    return beamc_arena_printf(arena, "%.*s.temp-beamc-%" PRIx64 "-%ld-%016" PRIx64, size, prefix,
                              (uint64_t)now_ms(), (long)getpid(), random);
}

/* Whether the directory of the files could take them. */
static beamc_error *check_directory(const char *prefix, beamc_arena *arena)
{
    const char *slash = strrchr(prefix, '/');
    const char *directory = ".";

    if (slash != NULL)
        directory = beamc_arena_strndup(arena, prefix, (size_t)(slash + 1 - prefix));
    if (directory == NULL)
        return beamc_error_nomem();
    return beamc_error_wrap(beamc_directory_check_writable(directory), "writing to %s", prefix);
}

static beamc_error *check_options(const beamc_write_text_options *options, const char *prefix,
                                  bool windowed)
{
    const beamc_filesystem *filesystem;

    if (prefix == NULL || prefix[0] == '\0')
        return beamc_error_new(BEAMC_EINVAL, "is given no name for the files to write");
    BEAMC_TRY(beamc_filesystem_find(&filesystem, prefix));
    if ((int)options->compression < BEAMC_COMPRESSION_AUTO ||
        options->compression > BEAMC_COMPRESSION_BZIP2)
        return beamc_error_new(BEAMC_EINVAL, "compression %d is none of those known",
                               (int)options->compression);
    if (options->num_shards < 0 || options->num_shards > INT32_MAX)
        return beamc_error_new(BEAMC_EINVAL, "num_shards is %" PRId64, options->num_shards);
    if (options->max_bytes > INT64_MAX)
        return beamc_error_new(BEAMC_EINVAL, "max_bytes is too large");
    if (options->max_bytes > 0 && options->num_shards > 0)
        return beamc_error_new(BEAMC_EINVAL,
                               "max_bytes and num_shards cannot both say how many files there are");
    if (options->suffix != NULL && strchr(options->suffix, '/') != NULL)
        return beamc_error_new(BEAMC_EINVAL, "the suffix \"%s\" has a '/'", options->suffix);
    if (options->shard_template == NULL)
        return NULL;
    return beamc__shard_template_check(beamc_string_of(options->shard_template),
                                       options->num_shards == 1, windowed);
}

static beamc_compression compression_of(const beamc_write_text_options *options)
{
    if (options->compression != BEAMC_COMPRESSION_AUTO)
        return options->compression;
    beamc_string suffix = string_or_none(options->suffix);
    return beamc_compression_of_name(suffix.data, suffix.size);
}

static beamc_error *read_options(beamc__text_sink *out, const beamc_write_text_options *options,
                                 const char *prefix, bool windowed, beamc_arena *arena)
{
    const char *usual = windowed ? BEAMC__SHARD_TEMPLATE_WINDOWED : BEAMC__SHARD_TEMPLATE;

    BEAMC_TRY(check_options(options, prefix, windowed));
    if (!options->without_validation)
        BEAMC_TRY(check_directory(prefix, arena));
    BEAMC_TRY(beamc__local_absolute(&prefix, prefix, false, arena));
    const char *temporary = temporary_path(arena, prefix);
    if (temporary == NULL)
        return beamc_error_nomem();
    *out = (beamc__text_sink){
        .prefix = beamc_string_of(prefix),
        .suffix = string_or_none(options->suffix),
        .shard_template =
            beamc_string_of(options->shard_template == NULL ? usual : options->shard_template),
        .temporary = beamc_string_of(temporary),
        .num_shards = options->num_shards,
        .header = string_or_none(options->header),
        .footer = string_or_none(options->footer),
        .delimiter = options->delimiter.size == 0 ? beamc_string_of("\n") : options->delimiter,
        .compression = (int64_t)compression_of(options),
        .max_bytes = (int64_t)options->max_bytes,
        .always = !windowed && !options->skip_if_empty,
        .windowed = windowed,
        .sync = options->sync,
        .started = now_ms(),
    };
    return NULL;
}

static void display_write(const void *config, beamc_display *display)
{
    const beamc__text_sink *sink = config;
    beamc_compression compression = (beamc_compression)sink->compression;

    beamc_display_string(display, "filePrefix", "Output File Prefix", sink->prefix);
    beamc_display_string(display, "shardNameTemplate", "Output Shard Name Template",
                         sink->shard_template);
    if (sink->suffix.size > 0)
        beamc_display_string(display, "fileSuffix", "Output File Suffix", sink->suffix);
    if (sink->num_shards > 0)
        beamc_display_int64(display, "numShards", "Maximum Output Shards", sink->num_shards);
    if (sink->max_bytes > 0)
        beamc_display_int64(display, "maxBytes", "Maximum Bytes of a File", sink->max_bytes);
    beamc_display_string(display, "compressionType", "Compression Type",
                         beamc_string_of(beamc_compression_name(compression)));
    if (sink->header.size > 0)
        beamc_display_string(display, "header", "File Header", sink->header);
    if (sink->footer.size > 0)
        beamc_display_string(display, "footer", "File Footer", sink->footer);
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* Files, each told of by a KV<0, written>. */
static beamc_pcollection add_writers(beamc_location at, beamc_pcollection lines,
                                     const beamc__text_sink *sink)
{
    if (sink->num_shards > 0) {
        beamc_pcollection keyed =
            beamc__io_step(at, lines, "AssignShards", &beamc__assign_shard_fn, sink);
        beamc_pcollection shards =
            beamc_group_by_key_at(at, beamc_named(keyed, "GroupByShard"));
        return beamc__io_step(at, shards, "WriteShards", &beamc__write_shard_fn, sink);
    }
    return beamc__io_step(at, lines, "WriteBundles",
                          sink->windowed ? &beamc__write_windows_fn : &beamc__write_bundle_fn,
                          sink);
}

/* In the global window, with a first element that is always there, so that finalize is called. */
static beamc_pcollection add_start(beamc_location at, beamc_pcollection written)
{
    const beamc__keyed_written start = { 0, { { "", 0 }, -1 } };
    beamc_pipeline *pipeline = written.pipeline;
    beamc_pcollection both[2] = {
        beamc_create_at(at, beamc_named_root(pipeline, "Start"),
                        &beamc_type_beamc__keyed_written, &start, 1),
        written,
    };

    return beamc_flatten_at(at, pipeline, both, 2, &beamc_type_beamc__keyed_written);
}

/* When a run fails or is interrupted, what it wrote goes away with its directory. */
static void remove_temporary(void *arg, bool succeeded)
{
    (void)succeeded; /* then it is gone, or holds what repeated bundles left over */
    /* There is nobody left to tell, and the final names are not concerned. */
    beamc_error_free(beamc_directory_remove(arg, true));
}

beamc_pcollection beamc_write_text_at(beamc_location at, beamc_pcollection lines,
                                      const char *prefix, const beamc_write_text_options *options)
{
    beamc_pipeline *pipeline = lines.pipeline;
    beamc__text_sink sink;

    if (!beamc__pipeline_is_good(pipeline))
        return beamc__no_collection(pipeline);
    const char *name = beamc__next_name(pipeline, "WriteText");
    beamc_arena *arena = beamc_pipeline_arena(pipeline);
    bool windowed = beamc_pcollection_windowing(lines).kind != BEAMC_WINDOW_GLOBAL;
    beamc_error *err = beamc__io_need_strings(lines);
    if (err == NULL)
        err = read_options(&sink, options == NULL ? &default_options : options, prefix, windowed,
                           arena);
    if (err != NULL)
        return beamc__io_refuse(at, pipeline, name, err);

    beamc_composite_options composite = { .display = display_write, .config = &sink };
    beamc_enter_at(at, pipeline, "WriteText", &composite);
    beamc_pcollection written = add_writers(at, lines, &sink);
    if (sink.always)
        written = add_start(at, written);
    beamc_pcollection gathered = beamc_group_by_key_at(at, beamc_named(written, "Gather"));
    beamc_pcollection names =
        beamc__io_step(at, gathered, "Finalize", &beamc__finalize_fn, &sink);
    beamc_leave_at(at, pipeline, &names, 1);
    if (beamc__pipeline_is_good(pipeline))
        beamc_pipeline_on_end(pipeline, remove_temporary,
                              (void *)(uintptr_t)sink.temporary.data);
    return names;
}
