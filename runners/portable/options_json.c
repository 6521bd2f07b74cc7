/* SPDX-License-Identifier: Apache-2.0 */
/* Whole numbers travel as texts, since JSON's have no more than 53 bits here; all runners read
 * them so. */
#include "options_json.h"

#include "sdk/pipeline/graph.h"
#include "sdk/pipeline/options.h"
#include <string.h>

/* Workers and runners have nothing to do with these. */
static const char *const local[] = {
    "runner",
    "graph",
    "dry_run",
    "quiet",
    "help",
    "version",
    "direct_num_workers",
    "memory_budget",
    "tls_roots",
    "tls_certificate",
    "tls_private_key",
    "files_to_stage",
    "prism_location",
    "flink_job_server_jar",
    "spark_job_server_jar",
    "job_server_java_launcher",
    "job_server_jvm_properties",
};

/* A text on the command line, but an object for workers. */
#define LOG_OVERRIDES "sdk_harness_log_level_overrides"

typedef struct {
    const beamc_options *options;
    const JOB(DescribePipelineOptionsResponse) *described;
    beamc__json_object *out;
    beamc_arena *arena;
} writer;

static bool is_local(const char *name)
{
    for (size_t i = 0; i < sizeof(local) / sizeof(*local); i++)
        if (strcmp(local[i], name) == 0)
            return true;
    return false;
}

/* A copy that is UTF-8. */
static beamc__json_value *text_value(beamc_arena *arena, const char *text)
{
    text = beamc__text_copy(arena, text, strlen(text));
    return text == NULL ? NULL : beamc__json_value_text(arena, text);
}

static bool set_member(beamc__json_object *object, const char *name, beamc__json_value *value,
                       beamc_arena *arena)
{
    const char *key = beamc_arena_printf(arena, "beam:option:%s:v1", name);

    return key != NULL && beamc__json_object_set(object, key, value, arena);
}

bool beamc__options_json_set(beamc__json_object *object, const char *name, const char *text,
                             beamc_arena *arena)
{
    const char *key = beamc_arena_printf(arena, "beam:option:%s:v1", name);

    if (key == NULL)
        return false;
    return text == NULL || beamc__json_object_get(object, key) != NULL ||
           set_member(object, name, text_value(arena, text), arena);
}

/* ---- options that this program knows --------------------------------------------------------- */

static beamc__json_value *list_value(beamc_arena *arena, const char *const *items, size_t count)
{
    beamc__json_value *list = beamc__json_value_list(arena, count);

    for (size_t i = 0; list != NULL && i < count; i++) {
        beamc__json_value *item = text_value(arena, items[i]);
        if (item == NULL)
            return NULL;
        list->list_value->values[list->list_value->n_values++] = item;
    }
    return list;
}

/* The texts were checked when the command line was read. */
static beamc__json_value *known_value(const writer *to, beamc_option_kind kind,
                                      const beamc__option_values *values)
{
    bool truth = false;
    double number = 0;

    switch (kind) {
    case BEAMC_OPTION_BOOL:
        (void)!beamc__option_read_bool(&truth, values->items[0]);
        return beamc__json_value_bool(to->arena, truth);
    case BEAMC_OPTION_DOUBLE:
        (void)!beamc__option_read_double(&number, values->items[0]);
        return beamc__json_value_number(to->arena, number);
    case BEAMC_OPTION_LIST:
        return list_value(to->arena, values->items, values->count);
    case BEAMC_OPTION_STRING:
    case BEAMC_OPTION_INT64:
    case BEAMC_OPTION_SIZE:
    case BEAMC_OPTION_DURATION:
        break;
    }
    return text_value(to->arena, values->items[0]);
}

/* As workers of all SDKs read it.  What is no JSON was refused when the command line was read; from
 * whoever has not asked for that it goes as it is. */
static beamc__json_value *object_value(const writer *to, const beamc__option_values *values)
{
    beamc__json_value *value;
    const char *text = beamc__text_copy(to->arena, values->items[0], strlen(values->items[0]));

    if (text == NULL)
        return NULL;
    beamc_error *error = beamc__json_parse(&value, text, to->arena);
    if (error == NULL && beamc__json_as_object(value) != NULL)
        return value;
    beamc_error_free(error);
    return beamc__json_value_text(to->arena, text);
}

static bool write_known(const writer *to, const beamc_option_spec *spec)
{
    const beamc__option_values *values = beamc__option_values_of(to->options, spec->name);

    if (values == NULL || is_local(spec->name))
        return true;
    beamc__json_value *value = strcmp(spec->name, LOG_OVERRIDES) == 0
                                   ? object_value(to, values)
                                   : known_value(to, spec->kind, values);
    return set_member(to->out, spec->name, value, to->arena);
}

/* ---- options that the server describes ------------------------------------------------------- */

static const JOB(PipelineOptionDescriptor) *find_described(const writer *to, const char *name)
{
    if (to->described == NULL)
        return NULL;
    for (size_t i = 0; i < to->described->n_options; i++)
        if (strcmp(to->described->options[i]->name, name) == 0)
            return to->described->options[i];
    return NULL;
}

static beamc_error *must_be(const beamc__option_unknown *unknown, const char *what)
{
    return beamc_error_new(BEAMC_EINVAL, "--%s=%s: the runner takes %s", unknown->given,
                           unknown->value, what);
}

static beamc_error *read_object(beamc__json_value **out, const writer *to,
                                const beamc__option_unknown *unknown)
{
    const char *text = beamc__text_copy(to->arena, unknown->value, strlen(unknown->value));

    if (text == NULL)
        return beamc_error_nomem();
    beamc_error *error = beamc__json_parse(out, text, to->arena);
    if (error != NULL)
        return beamc_error_wrap(error, "--%s: the runner takes JSON", unknown->given);
    return beamc__json_as_object(*out) != NULL ? NULL : must_be(unknown, "a JSON object");
}

static beamc_error *described_value(beamc__json_value **out, const writer *to,
                                    const beamc__option_unknown *unknown,
                                    JOB(PipelineOptionType__Enum) type)
{
    const char *text = unknown->value;
    double number;
    int64_t whole;
    bool truth;

    switch (type) {
    case JOBK(PIPELINE_OPTION_TYPE__ENUM__BOOLEAN):
        if (beamc__option_read_bool(&truth, text) < 0)
            return must_be(unknown, "true or false");
        *out = beamc__json_value_bool(to->arena, truth);
        break;
    case JOBK(PIPELINE_OPTION_TYPE__ENUM__INTEGER):
        if (beamc__option_read_int64(&whole, text) < 0)
            return must_be(unknown, "a whole number");
        *out = text_value(to->arena, text);
        break;
    case JOBK(PIPELINE_OPTION_TYPE__ENUM__NUMBER):
        if (beamc__option_read_double(&number, text) < 0)
            return must_be(unknown, "a number");
        *out = beamc__json_value_number(to->arena, number);
        break;
    case JOBK(PIPELINE_OPTION_TYPE__ENUM__OBJECT):
        return read_object(out, to, unknown);
    default:
        *out = text_value(to->arena, text);
        break;
    }
    return *out == NULL ? beamc_error_nomem() : NULL;
}

static size_t count_parts(const char *text)
{
    size_t parts = 1;

    for (; *text != '\0'; text++)
        parts += *text == ',';
    return parts;
}

/* All that was given of a list's name, and each part between commas. */
static beamc__json_value *described_list(const writer *to, const char *name)
{
    size_t room = 0;

    for (const beamc__option_unknown *one = to->options->unknown; one != NULL; one = one->next)
        if (one->value != NULL)
            room += count_parts(one->value);
    beamc__json_value *list = beamc__json_value_list(to->arena, room);
    if (list == NULL)
        return NULL;
    for (const beamc__option_unknown *one = to->options->unknown; one != NULL; one = one->next) {
        const char *at = one->value;
        while (strcmp(one->name, name) == 0 && at != NULL && *at != '\0') {
            size_t size = strcspn(at, ",");
            const char *part = beamc_arena_strndup(to->arena, at, size);
            beamc__json_value *item = part == NULL ? NULL : text_value(to->arena, part);
            if (item == NULL)
                return NULL;
            if (size > 0)
                list->list_value->values[list->list_value->n_values++] = item;
            at += size + (at[size] == ',');
        }
    }
    return list;
}

static beamc_error *unknown_to_all(const writer *to, const beamc__option_unknown *unknown)
{
    size_t count = to->described == NULL ? 0 : to->described->n_options;
    const char **names = beamc_arena_calloc(to->arena, count, sizeof(*names));

    if (names == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < count; i++)
        names[i] = to->described->options[i]->name;
    const beamc__option_names more = { names, count };
    return beamc__option_unknown_error(to->options, unknown->given, strlen(unknown->given), &more);
}

/* "--no_x" for a truth x, or an error. */
static beamc_error *write_negated(const writer *to, const beamc__option_unknown *unknown)
{
    const JOB(PipelineOptionDescriptor) *found = NULL;

    if (strncmp(unknown->name, "no_", 3) == 0 && unknown->value == NULL)
        found = find_described(to, unknown->name + 3);
    if (found == NULL || found->type != JOBK(PIPELINE_OPTION_TYPE__ENUM__BOOLEAN))
        return unknown_to_all(to, unknown);
    return set_member(to->out, found->name, beamc__json_value_bool(to->arena, false), to->arena)
               ? NULL
               : beamc_error_nomem();
}

static beamc_error *write_unknown(const writer *to, const beamc__option_unknown *unknown)
{
    const JOB(PipelineOptionDescriptor) *found = find_described(to, unknown->name);
    const beamc__option_unknown truth = { unknown->name, unknown->given, "true", NULL };
    beamc__json_value *value;

    if (found == NULL)
        return write_negated(to, unknown);
    if (unknown->value == NULL && found->type == JOBK(PIPELINE_OPTION_TYPE__ENUM__BOOLEAN))
        unknown = &truth;
    if (unknown->value == NULL)
        return beamc_error_new(BEAMC_EINVAL, "--%s needs a value", unknown->given);
    if (found->type == JOBK(PIPELINE_OPTION_TYPE__ENUM__ARRAY))
        value = described_list(to, unknown->name);
    else
        BEAMC_TRY(described_value(&value, to, unknown, found->type));
    return set_member(to->out, found->name, value, to->arena) ? NULL : beamc_error_nomem();
}

/* ---- all of them ----------------------------------------------------------------------------- */

static beamc_error *write_all(const writer *to)
{
    for (size_t i = 0; i < to->options->spec_count; i++)
        if (!write_known(to, &to->options->specs[i]))
            return beamc_error_nomem();
    for (size_t i = 0; i < beamc__options_known_count; i++) {
        const beamc_option_spec *spec = &beamc__options_known[i].spec;
        /* A program's option of the same name was written, by its own kind. */
        if (beamc__option_find(to->options, spec->name) == spec && !write_known(to, spec))
            return beamc_error_nomem();
    }
    for (const beamc__option_unknown *unknown = to->options->unknown; unknown != NULL;
         unknown = unknown->next)
        BEAMC_TRY(write_unknown(to, unknown));
    return NULL;
}

beamc_error *beamc__options_to_json(beamc__json_object **out, const beamc_options *options,
                                    const JOB(DescribePipelineOptionsResponse) *described,
                                    beamc_arena *arena)
{
    *out = beamc__json_object_new(arena);
    if (*out == NULL)
        return beamc_error_nomem();
    if (options == NULL)
        return NULL;
    writer to = { options, described, *out, arena };
    return write_all(&to);
}
