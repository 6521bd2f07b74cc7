/* SPDX-License-Identifier: Apache-2.0 */
/* ReadText: patterns become ranges of files, ranges are spread over the workers, each gives the
 * lines that begin in it.
 *
 *     Pattern ── Match ── Reshuffle ── Read ──> lines
 */
#include <beamc/text_io.h>

#include "sdk/io/line_reader.h"
#include "sdk/io/local_files.h"
#include "sdk/io/patterns.h"
#include "sdk/io/ranges.h"
#include "sdk/pipeline/graph.h"

/* Of both DoFns. */
#define TEXT_FORMAT(F)                                                                             \
    F(int64, compression)                                                                          \
    F(int64, skip_lines) F(string, delimiter) F(boolean, keep_delimiter) F(int64, least_range)     \
        F(int64, empty_match)
BEAMC_ROW(text_format, TEXT_FORMAT)

/* [start, end) of a file; end < 0: all there is. */
#define TEXT_RANGE(F)                                                                              \
    F(string, path) F(int64, start) F(int64, end) F(int64, compression) F(int64, skip_lines)
BEAMC_ROW(text_range, TEXT_RANGE)

/* ---- both ------------------------------------------------------------------------------------ */

static beamc_error *set_up_reader(beamc_context *ctx)
{
    const text_format *format = beamc_config(ctx);
    beamc__line_options options = { .delimiter = format->delimiter,
                                    .keep_delimiter = format->keep_delimiter };

    return beamc__line_reader_init(beamc_instance(ctx), &options);
}

static void tear_down_reader(beamc_context *ctx)
{
    beamc__line_reader_dispose(beamc_instance(ctx));
}

/* ---- from patterns to ranges ----------------------------------------------------------------- */

static beamc_compression compression_of(const text_format *format, const char *path)
{
    if (format->compression != BEAMC_COMPRESSION_AUTO)
        return (beamc_compression)format->compression;
    return beamc_compression_of_name(path, strlen(path));
}

/* Where the lines that are wanted begin. */
static beamc_error *find_body(beamc__line_reader *reader, const beamc_file_info *file,
                              int64_t skip_lines, uint64_t *start)
{
    beamc_string line;
    beamc_error *err =
        beamc__line_reader_open(reader, file->path, BEAMC_COMPRESSION_NONE, 0, file->size);

    *start = file->size;
    for (int64_t i = 0; err == NULL && i < skip_lines; i++)
        if (!beamc__line_reader_next(reader, &line, &err))
            break;
    if (err == NULL)
        *start = beamc__line_reader_position(reader);
    beamc__line_reader_close(reader);
    return err;
}

static beamc_error *give_whole(beamc_context *ctx, const beamc_file_info *file,
                               beamc_compression compression)
{
    const text_format *format = beamc_config(ctx);
    text_range range = { beamc_string_of(file->path), 0, -1, (int64_t)compression,
                         format->skip_lines };

    if (compression == BEAMC_COMPRESSION_NONE && file->size > 0)
        range.end = (int64_t)file->size;
    return beamc_emit(ctx, &range);
}

/* Headers are found here, so that they may be longer than a range. */
static beamc_error *give_ranges(beamc_context *ctx, const beamc_file_info *file,
                                uint64_t range_size)
{
    const text_format *format = beamc_config(ctx);
    beamc_compression compression = compression_of(format, file->path);
    uint64_t count = beamc__range_count(file->size, range_size);
    uint64_t body = 0;

    if (compression != BEAMC_COMPRESSION_NONE || count == 1)
        return give_whole(ctx, file, compression);
    if (format->skip_lines > 0)
        BEAMC_TRY(find_body(beamc_instance(ctx), file, format->skip_lines, &body));
    for (uint64_t i = 0; i < count; i++) {
        uint64_t start = body + beamc__range_start(file->size - body, count, i);
        uint64_t end = body + beamc__range_start(file->size - body, count, i + 1);
        text_range range = { beamc_string_of(file->path), (int64_t)start, (int64_t)end,
                             (int64_t)compression, 0 };
        if (start == end)
            continue;
        BEAMC_TRY(beamc_emit(ctx, &range));
    }
    return NULL;
}

static beamc_error *match_text(beamc_context *ctx, const void *element)
{
    const text_format *format = beamc_config(ctx);
    beamc_file_list files;
    uint64_t total = 0;

    BEAMC_TRY(beamc__pattern_match(&files, *(const beamc_string *)element,
                                   (beamc_empty_match)format->empty_match, ctx->arena));
    for (size_t i = 0; i < files.count; i++)
        total += files.files[i].size;
    uint64_t range_size = beamc__range_size(total, (uint64_t)format->least_range);
    for (size_t i = 0; i < files.count; i++)
        BEAMC_TRY(give_ranges(ctx, &files.files[i], range_size));
    return NULL;
}

static const beamc_dofn match_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc.match_text" },
    .input = &beamc_type_string,
    .output = &beamc_type_text_range,
    .process = match_text,
    .setup = set_up_reader,
    .teardown = tear_down_reader,
    .config = &beamc_type_text_format,
    .instance_size = sizeof(beamc__line_reader),
};
BEAMC_REGISTER(match_fn)

/* ---- from ranges to lines -------------------------------------------------------------------- */

static beamc_error *open_range(beamc_context *ctx, const text_range *range, const char **path)
{
    beamc__line_reader *reader = beamc_instance(ctx);
    beamc_string line;
    beamc_error *err;

    BEAMC_TRY(beamc__path_of(path, range->path, ctx->arena));
    if (range->start < 0 || (range->end >= 0 && range->end < range->start))
        return beamc_error_new(BEAMC_ECORRUPT, "%s has no range from %lld to %lld", *path,
                               (long long)range->start, (long long)range->end);
    err = beamc__line_reader_open(reader, *path, (beamc_compression)range->compression,
                                  (uint64_t)range->start,
                                  range->end < 0 ? BEAMC__TO_END : (uint64_t)range->end);
    for (int64_t i = 0; err == NULL && i < range->skip_lines; i++)
        if (!beamc__line_reader_next(reader, &line, &err))
            break;
    return err;
}

static beamc_error *read_lines(beamc_context *ctx, const void *element)
{
    beamc__line_reader *reader = beamc_instance(ctx);
    const char *path;
    beamc_string line;
    beamc_error *err = open_range(ctx, element, &path);

    if (err == NULL) {
        while (beamc__line_reader_next(reader, &line, &err))
            if (BEAMC_UNLIKELY((err = beamc_emit_value(ctx, 0, &line)) != NULL))
                break;
    }
    beamc__line_reader_close(reader);
    return err;
}

static beamc_error *read_file_lines(beamc_context *ctx, const void *element)
{
    beamc__line_reader *reader = beamc_instance(ctx);
    const char *path;
    beamc_file_line line;
    beamc_error *err = open_range(ctx, element, &path);

    if (err == NULL) {
        line.key = beamc_string_of(path);
        while (beamc__line_reader_next(reader, &line.value, &err))
            if (BEAMC_UNLIKELY((err = beamc_emit_value(ctx, 0, &line)) != NULL))
                break;
    }
    beamc__line_reader_close(reader);
    return err;
}

static const beamc_dofn read_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc.read_lines" },
    .input = &beamc_type_text_range,
    .output = &beamc_type_string,
    .process = read_lines,
    .setup = set_up_reader,
    .teardown = tear_down_reader,
    .config = &beamc_type_text_format,
    .instance_size = sizeof(beamc__line_reader),
};
BEAMC_REGISTER(read_fn)

static const beamc_dofn read_file_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc.read_file_lines" },
    .input = &beamc_type_text_range,
    .output = &beamc_type_beamc_file_line,
    .process = read_file_lines,
    .setup = set_up_reader,
    .teardown = tear_down_reader,
    .config = &beamc_type_text_format,
    .instance_size = sizeof(beamc__line_reader),
};
BEAMC_REGISTER(read_file_fn)

/* ---- building -------------------------------------------------------------------------------- */

static const beamc_read_text_options default_options = { .compression = BEAMC_COMPRESSION_AUTO };

static beamc_error *read_options(text_format *out, const beamc_read_text_options *options,
                                 beamc_empty_match by_default)
{
    beamc_empty_match empty_match;

    if ((int)options->compression < BEAMC_COMPRESSION_AUTO ||
        options->compression > BEAMC_COMPRESSION_BZIP2)
        return beamc_error_new(BEAMC_EINVAL, "compression %d is none of those known",
                               (int)options->compression);
    if (options->skip_header_lines < 0)
        return beamc_error_new(BEAMC_EINVAL, "skip_header_lines is %lld",
                               (long long)options->skip_header_lines);
    if (options->min_range_bytes > INT64_MAX)
        return beamc_error_new(BEAMC_EINVAL, "min_range_bytes is too large");
    if (beamc__delimiter_overlaps(options->delimiter))
        return beamc_error_new(BEAMC_EINVAL,
                               "the delimiter overlaps itself, so that lines could be cut in more "
                               "than one way");
    BEAMC_TRY(beamc__empty_match_of(&empty_match, options->empty_match, by_default));
    *out = (text_format){ .compression = (int64_t)options->compression,
                          .skip_lines = options->skip_header_lines,
                          .delimiter = options->delimiter,
                          .keep_delimiter = options->keep_delimiter,
                          .least_range = (int64_t)options->min_range_bytes,
                          .empty_match = (int64_t)empty_match };
    return NULL;
}

typedef struct {
    const char *pattern; /* NULL: patterns are elements */
    const text_format *format;
} display_config;

static void display_read(const void *config, beamc_display *display)
{
    const display_config *read = config;
    beamc_compression compression = (beamc_compression)read->format->compression;

    if (read->pattern != NULL)
        beamc_display_string(display, "filePattern", "File Pattern",
                             beamc_string_of(read->pattern));
    beamc_display_string(display, "compressionType", "Compression Type",
                         beamc_string_of(beamc_compression_name(compression)));
    if (read->format->skip_lines > 0)
        beamc_display_int64(display, "skipHeaderLines", "Header Lines Skipped",
                            read->format->skip_lines);
    if (read->format->delimiter.size > 0)
        beamc_display_string(display, "delimiter", "Delimiter", read->format->delimiter);
}

static void enter(beamc_location at, beamc_pipeline *pipeline, const char *name,
                  const char *pattern, const text_format *format)
{
    display_config config = { pattern, format };
    beamc_composite_options options = { .display = display_read, .config = &config };

    beamc_enter_at(at, pipeline, name, &options);
}

/* What is in both composites, and their end. */
static beamc_pcollection add_steps(beamc_location at, beamc_pcollection patterns,
                                   const text_format *format, bool with_filename)
{
    const beamc_dofn *read = with_filename ? &read_file_fn : &read_fn;
    beamc_pcollection ranges = beamc__io_step(at, patterns, "Match", &match_fn, format);
    beamc_pcollection spread = beamc_reshuffle_at(at, ranges);
    beamc_pcollection lines = beamc__io_step(at, spread, "Read", read, format);

    beamc_leave_at(at, lines.pipeline, &lines, 1);
    return lines;
}

beamc_pcollection beamc_read_text_at(beamc_location at, beamc_pipeline *pipeline,
                                     const char *pattern, const beamc_read_text_options *options)
{
    text_format format;

    if (!beamc__pipeline_is_good(pipeline))
        return beamc__no_collection(pipeline);
    const char *name = beamc__next_name(pipeline, "ReadText");
    const char *absolute = pattern;
    if (options == NULL)
        options = &default_options;
    beamc_error *err = read_options(&format, options, BEAMC_EMPTY_MATCH_REFUSED);
    if (err == NULL && (pattern == NULL || pattern[0] == '\0'))
        err = beamc_error_new(BEAMC_EINVAL, "is given no pattern of files to read");
    if (err == NULL && !options->without_validation)
        err = beamc__pattern_check(pattern, (beamc_empty_match)format.empty_match);
    /* Names that are elements are as the pattern has them. */
    if (err == NULL && !options->with_filename)
        err = beamc__local_absolute(&absolute, pattern, true, beamc_pipeline_arena(pipeline));
    if (err != NULL)
        return beamc__io_refuse(at, pipeline, name, err);

    enter(at, pipeline, "ReadText", pattern, &format);
    return add_steps(at, beamc__pattern_create(at, pipeline, absolute), &format,
                     options->with_filename);
}

beamc_pcollection beamc_read_all_text_at(beamc_location at, beamc_pcollection patterns,
                                         const beamc_read_text_options *options)
{
    beamc_pipeline *pipeline = patterns.pipeline;
    text_format format;

    if (!beamc__pipeline_is_good(pipeline))
        return beamc__no_collection(pipeline);
    const char *name = beamc__next_name(pipeline, "ReadAllText");
    if (options == NULL)
        options = &default_options;
    beamc_error *err = read_options(&format, options, BEAMC_EMPTY_MATCH_ALLOWED_IF_WILD);
    if (err == NULL)
        err = beamc__io_need_strings(patterns);
    if (err != NULL)
        return beamc__io_refuse(at, pipeline, name, err);

    enter(at, pipeline, "ReadAllText", NULL, &format);
    return add_steps(at, patterns, &format, options->with_filename);
}
