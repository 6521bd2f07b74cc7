/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include "command.h"
#include "help.h"
#include "sdk/pipeline/options.h"
#include <stdlib.h>
#include <string.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, NAME_SIZE = 128, MESSAGE_SIZE = 8192 };

static int report(FILE *err, const char *name, const beamc_error *error)
{
    char message[MESSAGE_SIZE];

    beamc_error_print(error, message, sizeof(message));
    fprintf(err, "%s: %s\n", name, message);
    return beamc_error_code(error) == BEAMC_EINVAL ? EXIT_USAGE : EXIT_FAILED;
}

static int report_take(FILE *err, const char *name, beamc_error *take_error)
{
    int status = report(err, name, take_error);

    beamc_error_free(take_error);
    return status;
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
    int status = EXIT_OK;

    if (beamc_option_bool(options, "help", false))
        return beamc__help_command(command, out) ? EXIT_OK : EXIT_FAILED;
    beamc_error *error = check_arguments(command, options);
    if (error == NULL)
        error = take_problem(options, command->run(&call, &status));
    if (error != NULL)
        return report_take(err, name, error);
    /* What cannot be written, to a full disk or a closed pipe, was not told. */
    if (fflush(out) != 0 || ferror(out))
        return report_take(err, name,
                           beamc_error_new(BEAMC_EIO, "standard output cannot be written"));
    return status;
}

/* @argv begins with the last word of the command's name. */
static int run_command(const beamc__command *command, int argc, const char **argv, FILE *out,
                       FILE *err)
{
    char name[NAME_SIZE];
    beamc_options *options;

    snprintf(name, sizeof(name), "beamc %s", command->name);
    argv[0] = name;
    beamc_error *error = beamc__options_parse_command(&options, argc, argv, command->options,
                                                      command->option_count);
    if (error != NULL)
        return report_take(err, name, error);
    int status = run(command, name, options, out, err);
    beamc_options_free(options);
    return status;
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
        return beamc__help_all(out) ? EXIT_OK : EXIT_FAILED;
    if (count == 1 && beamc__command_is_group(words[0]))
        return beamc__help_group(words[0], out) ? EXIT_OK : EXIT_FAILED;
    const beamc__command *command = beamc__command_find(count, words, &used);
    if (command == NULL)
        return report_take(err, "beamc", unknown_command(count, words));
    return beamc__help_command(command, out) ? EXIT_OK : EXIT_FAILED;
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
        return EXIT_USAGE;
    }
    if (is_help(words[0]))
        return help(count - 1, words + 1, out, err);
    if (strcmp(words[0], "--version") == 0 || strcmp(words[0], "version") == 0)
        return fprintf(out, "beamc %s\n", BEAMC_VERSION) < 0 || fflush(out) != 0 ? EXIT_FAILED
                                                                                 : EXIT_OK;
    const beamc__command *command = beamc__command_find(count, words, &used);
    if (command != NULL)
        return run_command(command, argc - used, argv + used, out, err);
    if (beamc__command_is_group(words[0]) && (count == 1 || is_help(words[1]))) {
        beamc__help_group(words[0], count == 1 ? err : out);
        return count == 1 ? EXIT_USAGE : EXIT_OK;
    }
    if (words[0][0] == '-')
        return report_take(err, "beamc",
                           beamc_error_new(BEAMC_EINVAL,
                                           "%s: options come behind a command; beamc --help lists "
                                           "the commands",
                                           words[0]));
    return report_take(err, "beamc", unknown_command(count, words));
}

int beamc__cli(int argc, const char *const *argv, FILE *out, FILE *err)
{
    const char **words = calloc((size_t)argc + 1, sizeof(*words));

    if (words == NULL)
        return report_take(err, "beamc", beamc_error_nomem());
    memcpy(words, argv, (size_t)argc * sizeof(*words));
    int status = run_words(argc, words, out, err);
    free(words);
    return status;
}
