/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns as elements, and the transforms that give the files they match. */
#include "sdk/io/patterns.h"

#include "sdk/io/local_files.h"
#include "sdk/pipeline/graph.h"

beamc_error *beamc__path_of(const char **out, beamc_string path, beamc_arena *arena)
{
    *out = NULL;
    if (path.size > 0 && memchr(path.data, '\0', path.size) != NULL)
        return beamc_error_new(BEAMC_EINVAL, "a file's path has a NUL byte: %.*s",
                               BEAMC_STR(path));
    *out = beamc_arena_strndup(arena, path.data, path.size);
    return *out == NULL ? beamc_error_nomem() : NULL;
}

beamc_error *beamc__pattern_match(beamc_file_list *out, beamc_string pattern,
                                  beamc_empty_match empty_match, beamc_arena *arena)
{
    const char *text;

    BEAMC_TRY(beamc__path_of(&text, pattern, arena));
    BEAMC_TRY(beamc_files_match(out, text, arena));
    if (out->count > 0 || empty_match == BEAMC_EMPTY_MATCH_ALLOWED)
        return NULL;
    if (!beamc_pattern_is_wild(text))
        return beamc_error_new(BEAMC_ENOENT, "there is no file %s", text);
    if (empty_match == BEAMC_EMPTY_MATCH_ALLOWED_IF_WILD)
        return NULL;
    return beamc_error_new(BEAMC_ENOENT, "no file matches %s", text);
}

beamc_error *beamc__pattern_check(const char *pattern, beamc_empty_match empty_match)
{
    const beamc_filesystem *filesystem;
    beamc_file_list files;

    BEAMC_TRY(beamc_filesystem_find(&filesystem, pattern));
    if (filesystem != &beamc__local_files)
        return NULL;
    beamc_arena *arena = beamc_arena_new();
    if (arena == NULL)
        return beamc_error_nomem();
    beamc_error *err =
        beamc__pattern_match(&files, beamc_string_of(pattern), empty_match, arena);
    beamc_arena_free(arena);
    return err;
}

beamc_error *beamc__empty_match_of(beamc_empty_match *out, beamc_empty_match given,
                                   beamc_empty_match by_default)
{
    if ((int)given < BEAMC_EMPTY_MATCH_DEFAULT || given > BEAMC_EMPTY_MATCH_ALLOWED)
        return beamc_error_new(BEAMC_EINVAL, "empty_match %d is none of those known", (int)given);
    *out = given == BEAMC_EMPTY_MATCH_DEFAULT ? by_default : given;
    return NULL;
}

beamc_pcollection beamc__pattern_create(beamc_location at, beamc_pipeline *pipeline,
                                        const char *pattern)
{
    beamc_string value = beamc_string_of(pattern);

    return beamc_create_at(at, beamc_named_root(pipeline, "Pattern"), &beamc_type_string, &value,
                           1);
}

beamc_pcollection beamc__io_refuse(beamc_location at, beamc_pipeline *pipeline, const char *name,
                                   beamc_error *take_error)
{
    return beamc__fail_with(pipeline, at, beamc_error_wrap(take_error, "transform %s", name));
}

beamc_error *beamc__io_need_strings(beamc_pcollection in)
{
    const beamc_type *type = beamc_pcollection_type(in);

    if (type == NULL)
        return beamc_error_new(BEAMC_EINVAL, "is given no PCollection");
    if (!beamc_type_equal(type, &beamc_type_string))
        return beamc_error_new(BEAMC_ETYPE, "takes string, but is given %s", type->name);
    return NULL;
}

beamc_pcollection beamc__io_step(beamc_location at, beamc_pcollection in, const char *step,
                                 const beamc_dofn *dofn, const void *config)
{
    beamc_par_do_options options = { .config = config };
    beamc__par_do_spec spec = { .name = step, .dofn = dofn, .options = &options };

    return beamc__par_do_add(at, in, &spec);
}

/* ---- match ----------------------------------------------------------------------------------- */

#define MATCH_CONFIG(F) F(int64, empty_match)
BEAMC_ROW(match_config, MATCH_CONFIG)

static beamc_error *give_files(beamc_context *ctx, const void *element)
{
    const match_config *config = beamc_config(ctx);
    beamc_file_list files;

    BEAMC_TRY(beamc__pattern_match(&files, *(const beamc_string *)element,
                                   (beamc_empty_match)config->empty_match, ctx->arena));
    for (size_t i = 0; i < files.count; i++) {
        const beamc_file_info *info = &files.files[i];
        beamc_file file = { beamc_string_of(info->path), (int64_t)info->size, info->modified };
        BEAMC_TRY(beamc_emit(ctx, &file));
    }
    return NULL;
}

static const beamc_dofn match_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc.match_files" },
    .input = &beamc_type_string,
    .output = &beamc_type_beamc_file,
    .process = give_files,
    .config = &beamc_type_match_config,
};
BEAMC_REGISTER(match_fn)

static void display_pattern(const void *config, beamc_display *display)
{
    beamc_display_string(display, "filePattern", "File Pattern",
                         beamc_string_of((const char *)config));
}

static beamc_pcollection add_match(beamc_location at, beamc_pcollection patterns,
                                   beamc_empty_match empty_match)
{
    match_config config = { (int64_t)empty_match };
    beamc_pcollection out = beamc__io_step(at, patterns, "Match", &match_fn, &config);

    beamc_leave_at(at, out.pipeline, &out, 1);
    return out;
}

beamc_pcollection beamc_match_files_at(beamc_location at, beamc_pipeline *pipeline,
                                       const char *pattern, beamc_empty_match empty_match)
{
    if (!beamc__pipeline_is_good(pipeline))
        return beamc__no_collection(pipeline);
    const char *name = beamc__next_name(pipeline, "MatchFiles");
    beamc_error *err = NULL;
    if (pattern == NULL || pattern[0] == '\0')
        err = beamc_error_new(BEAMC_EINVAL, "is given no pattern of files");
    if (err == NULL)
        err = beamc__empty_match_of(&empty_match, empty_match, BEAMC_EMPTY_MATCH_REFUSED);
    if (err == NULL)
        err = beamc__pattern_check(pattern, empty_match);
    if (err != NULL)
        return beamc__io_refuse(at, pipeline, name, err);

    beamc_composite_options options = { .display = display_pattern, .config = pattern };
    beamc_enter_at(at, pipeline, "MatchFiles", &options);
    return add_match(at, beamc__pattern_create(at, pipeline, pattern), empty_match);
}

beamc_pcollection beamc_match_all_files_at(beamc_location at, beamc_pcollection patterns,
                                           beamc_empty_match empty_match)
{
    beamc_pipeline *pipeline = patterns.pipeline;

    if (!beamc__pipeline_is_good(pipeline))
        return beamc__no_collection(pipeline);
    const char *name = beamc__next_name(pipeline, "MatchAllFiles");
    beamc_error *err = beamc__io_need_strings(patterns);
    if (err == NULL)
        err = beamc__empty_match_of(&empty_match, empty_match, BEAMC_EMPTY_MATCH_ALLOWED_IF_WILD);
    if (err != NULL)
        return beamc__io_refuse(at, pipeline, name, err);
    beamc_enter_at(at, pipeline, "MatchAllFiles", NULL);
    return add_match(at, patterns, empty_match);
}
