/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include "command.h"
#include "help.h"
#include "sdk/pipeline/options.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 128, MESSAGE_SIZE = 8192 };

static int report(FILE *err, const char *name, beamc_error *take_error, int status)
{
    char message[MESSAGE_SIZE];

    beamc_error_print(take_error, message, sizeof(message));
    fprintf(err, "%s: %s\n", name, message);
    beamc_error_free(take_error);
    return status;
}

/* What cannot be written, to a full disk or a closed pipe, was not told. */
static int report_written(FILE *err, const char *name, bool written, int status)
{
    if (written)
        return status;
    return report(err, name, beamc_error_new(BEAMC_EIO, "standard output cannot be written"),
                  BEAMC__EXIT_FAILED);
}

/* ---- a command ------------------------------------------------------------------------------- */

static beamc_error *check_arguments(const beamc__command *command, const beamc_options *options)
{
    size_t count = options->arguments.count;

    if (count >= command->least && count <= command->most)
        return NULL;
    if (count < command->least)
        return beamc_error_new(BEAMC_EINVAL, "%s is missing; beamc help %s says more",
                               command->takes, command->name);
    return beamc_error_new(BEAMC_EINVAL, "what is '%s' for? beamc help %s says what it takes",
                           options->arguments.items[command->most], command->name);
}

/* An option that was asked for may have been of the wrong kind. */
static beamc_error *take_problem(const beamc_options *options, beamc_error *take_error)
{
    beamc_error *problem = *options->problem;

    if (problem == NULL)
        return take_error;
    *options->problem = NULL;
    beamc_error_free(take_error); /* it came of the other */
    return problem;
}

static int run(const beamc__command *command, const char *name, const beamc_options *options,
               FILE *out, FILE *err)
{
    const beamc__call call = {
        .name = name,
        .options = options,
        .arguments = options->arguments.items,
        .argument_count = options->arguments.count,
        .out = out,
        .err = err,
    };
    int status = BEAMC__EXIT_OK;

    if (beamc_option_bool(options, "help", false))
        return report_written(err, name, beamc__help_command(command, out), BEAMC__EXIT_OK);
    beamc_error *error = check_arguments(command, options);
    if (error != NULL)
        return report(err, name, error, BEAMC__EXIT_USAGE);
    error = take_problem(options, command->run(&call, &status));
    if (error != NULL)
        return report(err, name, error, status == BEAMC__EXIT_OK ? BEAMC__EXIT_FAILED : status);
    return report_written(err, name, fflush(out) == 0 && !ferror(out), status);
}

/* @argv begins with the last word of the command's name. */
static int run_command(const beamc__command *command, int argc, const char **argv, FILE *out,
                       FILE *err)
{
    char name[NAME_SIZE];
    beamc_options *options;

    snprintf(name, sizeof(name), "beamc %s", command->name);
    argv[0] = name;
    beamc_error *error = beamc__options_parse_line(
        &options, command->takes_command ? BEAMC__OPTION_LINE_PREFIX : BEAMC__OPTION_LINE_COMMAND,
        argc, argv, command->options, command->option_count);
    if (error != NULL)
        return report(err, name, error, BEAMC__EXIT_USAGE);
    int status = run(command, name, options, out, err);
    beamc_options_free(options);
    return status;
}

beamc_error *beamc__command_usage(int *status, const char *format, ...)
{
    char message[MESSAGE_SIZE];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    *status = BEAMC__EXIT_USAGE;
    return beamc_error_new(BEAMC_EINVAL, "%s", message);
}

/* ---- the program itself ---------------------------------------------------------------------- */

/* That no command is named by @words. */
static beamc_error *unknown_command(int count, const char *const *words)
{
    const char *nearest = beamc__command_nearest(count, words);
    bool two = count > 1 && beamc__command_is_group(words[0]);

    if (nearest == NULL)
        return beamc_error_new(BEAMC_EINVAL,
                               "there is no command '%s%s%s'; beamc --help lists them all",
                               words[0], two ? " " : "", two ? words[1] : "");
    return beamc_error_new(BEAMC_EINVAL, "there is no command '%s%s%s'; did you mean beamc %s?",
                           words[0], two ? " " : "", two ? words[1] : "", nearest);
}

/* "help", and the words behind it. */
static int help(int count, const char *const *words, FILE *out, FILE *err)
{
    int used;

    if (count == 0)
        return report_written(err, "beamc", beamc__help_all(out), BEAMC__EXIT_OK);
    if (count == 1 && beamc__command_is_group(words[0]))
        return report_written(err, "beamc", beamc__help_group(words[0], out), BEAMC__EXIT_OK);
    const beamc__command *command = beamc__command_find(count, words, &used);
    if (command == NULL)
        return report(err, "beamc", unknown_command(count, words), BEAMC__EXIT_USAGE);
    return report_written(err, "beamc", beamc__help_command(command, out), BEAMC__EXIT_OK);
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static int run_words(int argc, const char **argv, FILE *out, FILE *err)
{
    const char *const *words = (const char *const *)argv + 1;
    int count = argc - 1;
    int used = 0;

    if (count == 0) {
        beamc__help_all(err);
        return BEAMC__EXIT_USAGE;
    }
    if (is_help(words[0]))
        return help(count - 1, words + 1, out, err);
    if (strcmp(words[0], "--version") == 0 || strcmp(words[0], "version") == 0)
        return report_written(err, "beamc",
                              fprintf(out, "beamc %s\n", BEAMC_VERSION) >= 0 && fflush(out) == 0,
                              BEAMC__EXIT_OK);
    const beamc__command *command = beamc__command_find(count, words, &used);
    if (command != NULL)
        return run_command(command, argc - used, argv + used, out, err);
    if (beamc__command_is_group(words[0]) && count == 1) {
        beamc__help_group(words[0], err);
        return BEAMC__EXIT_USAGE;
    }
    if (beamc__command_is_group(words[0]) && is_help(words[1]))
        return report_written(err, "beamc", beamc__help_group(words[0], out), BEAMC__EXIT_OK);
    const char *word = beamc__command_is_group(words[0]) ? words[1] : words[0];
    if (word[0] == '-')
        return report(err, "beamc",
                      beamc_error_new(BEAMC_EINVAL,
                                      "%s: options come behind a command; beamc --help lists the "
                                      "commands",
                                      word),
                      BEAMC__EXIT_USAGE);
    return report(err, "beamc", unknown_command(count, words), BEAMC__EXIT_USAGE);
}

int beamc__cli(int argc, const char *const *argv, FILE *out, FILE *err)
{
    const char **words = calloc((size_t)argc + 1, sizeof(*words));

    if (words == NULL)
        return report(err, "beamc", beamc_error_nomem(), BEAMC__EXIT_FAILED);
    memcpy(words, argv, (size_t)argc * sizeof(*words));
    int status = run_words(argc, words, out, err);
    free(words);
    return status;
}
