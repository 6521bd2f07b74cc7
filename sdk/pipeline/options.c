/* SPDX-License-Identifier: Apache-2.0 */
/* Reads command lines and answers what they say.  Values are kept as text under the option's
 * canonical name (job_name) and were checked to be of the option's kind. */
#include "options.h"
#include "sdk/base/nearest.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_SIZE = BEAMC__NEAREST_SIZE };

/* ---- names ----------------------------------------------------------------------------------- */

static const beamc_option_spec *find_known(const char *name)
{
    for (size_t i = 0; i < beamc__options_known_count; i++)
        if (strcmp(beamc__options_known[i].spec.name, name) == 0)
            return &beamc__options_known[i].spec;
    return NULL;
}

static const beamc_option_spec *find_own(const beamc_options *options, const char *name)
{
    for (size_t i = 0; i < options->spec_count; i++)
        if (strcmp(options->specs[i].name, name) == 0)
            return &options->specs[i];
    return NULL;
}

/* Whether only @specs are known. */
static bool is_command(const beamc_options *options)
{
    return options->line == BEAMC__OPTION_LINE_COMMAND ||
           options->line == BEAMC__OPTION_LINE_PREFIX;
}

const beamc_option_spec *beamc__option_find(const beamc_options *options, const char *name)
{
    const beamc_option_spec *own = find_own(options, name);

    return own != NULL || is_command(options) ? own : find_known(name);
}

/* jobName and job-name as job_name; false if it is too long for any option. */
static bool canonical_name(char out[NAME_MAX_SIZE], const char *name, size_t size)
{
    size_t length = 0;

    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)name[i];
        if (length + 3 > NAME_MAX_SIZE)
            return false;
        if (isupper(c) && i > 0 && name[i - 1] != '-' && name[i - 1] != '_' &&
            !isupper((unsigned char)name[i - 1]))
            out[length++] = '_';
        out[length++] = c == '-' ? '_' : (char)tolower(c);
    }
    out[length] = '\0';
    return true;
}

const char *beamc__option_nearest(const beamc_options *options, const char *name,
                                  const beamc__option_names *more)
{
    beamc__nearest nearest;

    beamc__nearest_init(&nearest, name);
    for (size_t i = 0; i < options->spec_count; i++)
        beamc__nearest_try(&nearest, options->specs[i].name);
    for (size_t i = 0; !is_command(options) && i < beamc__options_known_count; i++)
        beamc__nearest_try(&nearest, beamc__options_known[i].spec.name);
    for (size_t i = 0; more != NULL && i < more->count; i++)
        beamc__nearest_try(&nearest, more->items[i]);
    return nearest.found;
}

/* ---- keeping values -------------------------------------------------------------------------- */

static bool append_item(beamc_options *options, beamc__option_values *values, const char *item)
{
    if (values->count == values->capacity) {
        size_t capacity = values->capacity == 0 ? 4 : values->capacity * 2;
        const char **items = (const char **)beamc_arena_calloc(options->arena, capacity,
                                                               sizeof(*items));
        if (items == NULL)
            return false;
        if (values->count > 0)
            memcpy(items, values->items, values->count * sizeof(*items));
        values->items = items;
        values->capacity = capacity;
    }
    values->items[values->count++] = item;
    return true;
}

static bool append_list(beamc_options *options, beamc__option_values *values, const char *text)
{
    values->joined = values->joined == NULL
                         ? beamc_arena_strdup(options->arena, text)
                         : beamc_arena_printf(options->arena, "%s,%s", values->joined, text);
    while (*text != '\0') {
        size_t size = strcspn(text, ",");
        char *item = beamc_arena_strndup(options->arena, text, size);
        if (item == NULL || (size > 0 && !append_item(options, values, item)))
            return false;
        text += size;
        text += *text == ',';
    }
    return values->joined != NULL;
}

static beamc__option_values *values_of(beamc_options *options, const char *name)
{
    beamc__option_values *values = (beamc__option_values *)beamc__table_gets(options->given, name);

    if (values != NULL)
        return values;
    values = (beamc__option_values *)beamc_arena_calloc(options->arena, 1, sizeof(*values));
    if (values == NULL || beamc__table_puts(options->given, name, values) < 0)
        return NULL;
    return values;
}

static beamc_error *wrong_value(const beamc_option_spec *spec, int code, const char *text)
{
    if (code == BEAMC_ELIMIT)
        return beamc_error_new(BEAMC_EINVAL, "--%s=%s: the number is too large", spec->name, text);
    return beamc_error_new(BEAMC_EINVAL, "--%s=%s: the value must be %s", spec->name, text,
                           beamc__option_kind_text(spec->kind));
}

static beamc_error *set_option(beamc_options *options, const beamc_option_spec *spec,
                               const char *text)
{
    int code = beamc__option_check(spec->kind, text);
    if (code < 0)
        return wrong_value(spec, code, text);
    beamc__option_values *values = values_of(options, spec->name);
    if (values == NULL)
        return beamc_error_nomem();
    if (spec->kind == BEAMC_OPTION_LIST)
        return append_list(options, values, text) ? NULL : beamc_error_nomem();
    values->count = 0;
    text = beamc_arena_strdup(options->arena, text);
    return text != NULL && append_item(options, values, text) ? NULL : beamc_error_nomem();
}

/* ---- reading a command line ------------------------------------------------------------------ */

bool beamc__option_is_direct(const char *runner)
{
    return strcmp(runner, "direct") == 0 || strcasecmp(runner, "DirectRunner") == 0;
}

/* The runner that the command line names, before it is read. */
static bool names_another_runner(int argc, const char *const *argv)
{
    const char *runner = "direct";

    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--runner=", 9) == 0)
            runner = argv[i] + 9;
        else if (strcmp(argv[i], "--runner") == 0 && i + 1 < argc)
            runner = argv[i + 1];
    }
    return !beamc__option_is_direct(runner);
}

beamc_error *beamc__option_unknown_error(const beamc_options *options, const char *name,
                                         size_t size, const beamc__option_names *more)
{
    char canonical[NAME_MAX_SIZE];
    const char *nearest = NULL;

    if (canonical_name(canonical, name, size))
        nearest = beamc__option_nearest(options, canonical, more);
    if (nearest == NULL)
        return beamc_error_new(BEAMC_EINVAL, "unknown option --%.*s; --help lists them all",
                               (int)size, name);
    return beamc_error_new(BEAMC_EINVAL, "unknown option --%.*s; did you mean --%s?", (int)size,
                           name, nearest);
}

/* Refuses an unknown option, or keeps it for the runner with its value from there or from @next. */
static beamc_error *meet_unknown(beamc_options *options, const char *given, const char *next,
                                 int *used)
{
    char canonical[NAME_MAX_SIZE];
    size_t size = strcspn(given, "=");
    bool has_value = given[size] == '=';

    if (!options->keeps_unknown || size == 0 || !canonical_name(canonical, given, size))
        return beamc__option_unknown_error(options, given, size, NULL);
    beamc__option_unknown *unknown =
        (beamc__option_unknown *)beamc_arena_calloc(options->arena, 1, sizeof(*unknown));
    if (unknown == NULL)
        return beamc_error_nomem();
    unknown->name = beamc_arena_strdup(options->arena, canonical);
    unknown->given = beamc_arena_strndup(options->arena, given, size);
    if (has_value) {
        unknown->value = beamc_arena_strdup(options->arena, given + size + 1);
    } else if (next != NULL && strncmp(next, "--", 2) != 0) {
        unknown->value = beamc_arena_strdup(options->arena, next);
        *used = 2;
    }
    *options->unknown_end = unknown;
    options->unknown_end = &unknown->next;
    return beamc_arena_failed(options->arena) ? beamc_error_nomem() : NULL;
}

/* "--no_x": x, if that is a boolean. */
static const beamc_option_spec *find_negated(const beamc_options *options, const char *canonical)
{
    if (strncmp(canonical, "no_", 3) != 0)
        return NULL;
    const beamc_option_spec *spec = beamc__option_find(options, canonical + 3);
    return spec != NULL && spec->kind == BEAMC_OPTION_BOOL ? spec : NULL;
}

static bool is_truth(const char *text)
{
    bool truth;

    return text != NULL && beamc__option_read_bool(&truth, text) == BEAMC_OK;
}

/* Reads the option in @arg, with its value from there or from @next; *@used counts both. */
static beamc_error *read_option(beamc_options *options, const char *arg, const char *next,
                                int *used)
{
    char canonical[NAME_MAX_SIZE];
    const char *name = arg + 2;
    size_t size = strcspn(name, "=");
    const char *value = name[size] == '=' ? name + size + 1 : NULL;

    *used = 1;
    if (!canonical_name(canonical, name, size))
        return beamc__option_unknown_error(options, name, size, NULL);
    const beamc_option_spec *spec = beamc__option_find(options, canonical);
    if (spec == NULL && (spec = find_negated(options, canonical)) != NULL) {
        if (value != NULL)
            return beamc_error_new(BEAMC_EINVAL, "--%.*s takes no value", (int)size, name);
        return set_option(options, spec, "false");
    }
    if (spec == NULL)
        return meet_unknown(options, name, next, used);
    if (value == NULL && spec->kind == BEAMC_OPTION_BOOL &&
        (is_command(options) || !is_truth(next))) {
        value = "true";
    } else if (value == NULL) {
        if (next == NULL || strncmp(next, "--", 2) == 0)
            return beamc_error_new(BEAMC_EINVAL, "--%s needs a value: --%s=%s", spec->name,
                                   spec->name,
                                   spec->placeholder != NULL
                                       ? spec->placeholder
                                       : beamc__option_kind_placeholder(spec->kind));
        value = next;
        *used = 2;
    }
    return set_option(options, spec, value);
}

/* What is no option: a mistake, but for commands. */
static beamc_error *meet_argument(beamc_options *options, const char *arg)
{
    if (!is_command(options))
        return beamc_error_new(BEAMC_EINVAL,
                               "'%s' belongs to no option; options are --name=value", arg);
    arg = beamc_arena_strdup(options->arena, arg);
    return arg != NULL && append_item(options, &options->arguments, arg) ? NULL
                                                                         : beamc_error_nomem();
}

static beamc_error *read_arguments(beamc_options *options, int argc, const char *const *argv)
{
    bool only_arguments = false;
    int used;

    for (int i = 1; i < argc; i += used) {
        const char *arg = argv[i];
        used = 1;
        if (only_arguments) {
            BEAMC_TRY(meet_argument(options, arg));
            continue;
        }
        only_arguments = is_command(options) && strcmp(arg, "--") == 0;
        if (only_arguments)
            continue;
        if (strcmp(arg, "-h") == 0)
            arg = "--help";
        if (arg[0] == '-' && arg[1] != '-' && isalpha((unsigned char)arg[1]))
            return beamc_error_new(BEAMC_EINVAL, "%s: options begin with two dashes: -%s", arg,
                                   arg);
        if (strncmp(arg, "--", 2) == 0 && arg[2] != '\0') {
            BEAMC_TRY(read_option(options, arg, i + 1 < argc ? argv[i + 1] : NULL, &used));
            continue;
        }
        BEAMC_TRY(meet_argument(options, arg));
        only_arguments = options->line == BEAMC__OPTION_LINE_PREFIX;
    }
    return NULL;
}

static bool is_name(const char *name)
{
    if (name == NULL || !islower((unsigned char)name[0]) || strlen(name) >= NAME_MAX_SIZE)
        return false;
    for (const char *c = name; *c != '\0'; c++)
        if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '_')
            return false;
    return true;
}

/* Mistakes in the program's own table show at once, not when a user meets them. */
static beamc_error *check_specs(const beamc_options *options)
{
    for (size_t i = 0; i < options->spec_count; i++) {
        const beamc_option_spec *spec = &options->specs[i];
        if (!is_name(spec->name))
            return beamc_error_new(BEAMC_EINVAL,
                                   "the program's option %zu is named '%s'; names are made of "
                                   "small letters, digits and _",
                                   i, spec->name != NULL ? spec->name : "");
        if (find_own(options, spec->name) != spec)
            return beamc_error_new(BEAMC_EINVAL, "the program has two options named %s",
                                   spec->name);
        if (spec->default_value == NULL)
            continue;
        int code = beamc__option_check(spec->kind, spec->default_value);
        if (code < 0)
            return beamc_error_wrap(wrong_value(spec, code, spec->default_value),
                                    "default of a program's option");
    }
    return NULL;
}

static beamc_error *missing(const beamc_option_spec *spec)
{
    if (spec->help == NULL)
        return beamc_error_new(BEAMC_EINVAL, "option --%s is needed", spec->name);
    return beamc_error_new(BEAMC_EINVAL, "option --%s is needed: %s", spec->name, spec->help);
}

/* An option that asks about the program, and for nothing else; a command may be without. */
static bool asks_only(const beamc_options *options, const char *name)
{
    return beamc__option_find(options, name) != NULL && beamc_option_bool(options, name, false);
}

static beamc_error *check_required(const beamc_options *options)
{
    if (asks_only(options, "help") || asks_only(options, "version"))
        return NULL;
    for (size_t i = 0; i < options->spec_count; i++) {
        const beamc_option_spec *spec = &options->specs[i];
        if (spec->required && spec->default_value == NULL &&
            !beamc_option_given(options, spec->name))
            return missing(spec);
    }
    return NULL;
}

const char *beamc__option_program(int argc, const char *const *argv)
{
    const char *path = argc > 0 ? argv[0] : "beamc";
    const char *slash = strrchr(path, '/');

    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

static beamc_error *parse(beamc_options *options, int argc, const char *const *argv)
{
    options->arena = beamc_arena_new();
    options->given = beamc__table_new();
    options->problem = (beamc_error **)calloc(1, sizeof(*options->problem));
    if (options->arena == NULL || options->given == NULL || options->problem == NULL)
        return beamc_error_nomem();
    options->program = beamc_arena_strdup(
        options->arena, options->line != BEAMC__OPTION_LINE_PROGRAM ? argv[0] : beamc__option_program(argc, argv));
    if (options->program == NULL)
        return beamc_error_nomem();
    BEAMC_TRY(check_specs(options));
    options->keeps_unknown =
        options->line == BEAMC__OPTION_LINE_FOREIGN ||
        (options->line == BEAMC__OPTION_LINE_PROGRAM && names_another_runner(argc, argv));
    options->unknown_end = &options->unknown;
    BEAMC_TRY(read_arguments(options, argc, argv));
    return check_required(options);
}

static beamc_error *new_options(beamc_options **out, beamc__option_line line, int argc,
                                const char *const *argv, const beamc_option_spec *specs,
                                size_t spec_count)
{
    beamc_options *options = (beamc_options *)calloc(1, sizeof(*options));

    *out = NULL;
    if (options == NULL)
        return beamc_error_nomem();
    options->line = line;
    options->specs = specs;
    options->spec_count = spec_count;
    beamc_error *error = parse(options, argc, argv);
    if (error != NULL) {
        beamc_options_free(options);
        return error;
    }
    *out = options;
    return NULL;
}

beamc_error *beamc_options_parse(beamc_options **out, int argc, const char *const *argv,
                                 const beamc_option_spec *specs, size_t spec_count)
{
    return new_options(out, BEAMC__OPTION_LINE_PROGRAM, argc, argv, specs, spec_count);
}

beamc_error *beamc__options_parse_line(beamc_options **out, beamc__option_line line, int argc,
                                       const char *const *argv, const beamc_option_spec *specs,
                                       size_t spec_count)
{
    return new_options(out, line, argc, argv, specs, spec_count);
}

void beamc_options_free(beamc_options *options)
{
    if (options == NULL)
        return;
    if (options->problem != NULL)
        beamc_error_free(*options->problem);
    free(options->problem);
    beamc__table_free(options->given);
    beamc_arena_free(options->arena);
    free(options);
}

const beamc_error *beamc_options_error(const beamc_options *options)
{
    return *options->problem;
}

const char *beamc_options_program(const beamc_options *options)
{
    return options->program;
}

/* ---- answering ------------------------------------------------------------------------------- */

static void stick(const beamc_options *options, beamc_error *take_error)
{
    if (*options->problem == NULL)
        *options->problem = take_error;
    else
        beamc_error_free(take_error); /* the first one is what gets reported */
}

const beamc__option_values *beamc__option_values_of(const beamc_options *options, const char *name)
{
    return (const beamc__option_values *)beamc__table_gets(options->given, name);
}

/* The spec, or NULL with an error that sticks: the program asks for what it did not declare. */
static const beamc_option_spec *asked(const beamc_options *options, const char *name)
{
    const beamc_option_spec *spec = beamc__option_find(options, name);

    if (spec == NULL)
        stick(options, beamc_error_new(BEAMC_EINVAL,
                                       "the program asks for option --%s, which is not in its "
                                       "table of options (see beamc_main_options)",
                                       name));
    return spec;
}

/* As given or by default; NULL if there is neither. */
static const char *text_of(const beamc_options *options, const beamc_option_spec *spec)
{
    const beamc__option_values *values = beamc__option_values_of(options, spec->name);

    if (values == NULL)
        return spec->default_value;
    if (values->joined != NULL)
        return values->joined;
    return values->items[0];
}

const char *beamc_option(const beamc_options *options, const char *name)
{
    const beamc_option_spec *spec = asked(options, name);

    if (spec == NULL)
        return "";
    const char *text = text_of(options, spec);
    if (text != NULL)
        return text;
    stick(options, missing(spec));
    return "";
}

const char *beamc_option_or(const beamc_options *options, const char *name, const char *fallback)
{
    const beamc_option_spec *spec = asked(options, name);
    const char *text = spec != NULL ? text_of(options, spec) : NULL;

    return text != NULL ? text : fallback;
}

bool beamc_option_given(const beamc_options *options, const char *name)
{
    return beamc__option_values_of(options, name) != NULL;
}

/* The program may ask for another kind than the one the text was checked to be. */
static void stick_code(const beamc_options *options, const char *name, beamc_option_kind kind,
                       int code, const char *text)
{
    const beamc_option_spec as = { .name = name, .kind = kind };

    if (code < 0)
        stick(options, wrong_value(&as, code, text));
}

int64_t beamc_option_int64(const beamc_options *options, const char *name, int64_t fallback)
{
    const char *text = beamc_option_or(options, name, NULL);

    if (text != NULL)
        stick_code(options, name, BEAMC_OPTION_INT64, beamc__option_read_int64(&fallback, text),
                   text);
    return fallback;
}

double beamc_option_double(const beamc_options *options, const char *name, double fallback)
{
    const char *text = beamc_option_or(options, name, NULL);

    if (text != NULL)
        stick_code(options, name, BEAMC_OPTION_DOUBLE, beamc__option_read_double(&fallback, text),
                   text);
    return fallback;
}

bool beamc_option_bool(const beamc_options *options, const char *name, bool fallback)
{
    const char *text = beamc_option_or(options, name, NULL);

    if (text != NULL)
        stick_code(options, name, BEAMC_OPTION_BOOL, beamc__option_read_bool(&fallback, text),
                   text);
    return fallback;
}

uint64_t beamc_option_size(const beamc_options *options, const char *name, uint64_t fallback)
{
    const char *text = beamc_option_or(options, name, NULL);

    if (text != NULL)
        stick_code(options, name, BEAMC_OPTION_SIZE, beamc__option_read_size(&fallback, text),
                   text);
    return fallback;
}

int64_t beamc_option_duration(const beamc_options *options, const char *name, int64_t fallback_ms)
{
    const char *text = beamc_option_or(options, name, NULL);

    if (text != NULL)
        stick_code(options, name, BEAMC_OPTION_DURATION,
                   beamc__option_read_duration(&fallback_ms, text), text);
    return fallback_ms;
}

size_t beamc_option_count(const beamc_options *options, const char *name)
{
    if (asked(options, name) == NULL)
        return 0;
    const beamc__option_values *values = beamc__option_values_of(options, name);
    return values != NULL ? values->count : 0;
}

const char *beamc_option_value(const beamc_options *options, const char *name, size_t index)
{
    if (asked(options, name) == NULL)
        return NULL;
    const beamc__option_values *values = beamc__option_values_of(options, name);
    return values != NULL && index < values->count ? values->items[index] : NULL;
}

void beamc__options_without_effect(const beamc_options *options,
                                   void (*each)(void *ctx, const char *name), void *ctx)
{
    for (size_t i = 0; i < beamc__options_known_count; i++) {
        const beamc__option_known *known = &beamc__options_known[i];
        if (known->group >= BEAMC__OPTIONS_GENERAL && beamc_option_given(options, known->spec.name)
            && find_own(options, known->spec.name) == NULL)
            each(ctx, known->spec.name);
    }
}
