/* SPDX-License-Identifier: Apache-2.0 */
/* A command of the program beamc: what it is called, what it takes, what --help teaches, and what
 * it does.  Each has a file of its own and a row in commands.c. */
#ifndef BEAMC_CLI_COMMAND_H
#define BEAMC_CLI_COMMAND_H

#include <beamc/options.h>
#include <stdio.h>

enum {
    BEAMC__EXIT_OK = 0,
    BEAMC__EXIT_FAILED = 1,
    BEAMC__EXIT_USAGE = 2,
    BEAMC__EXIT_SIGNAL = 128
};

/* One call of a command. */
typedef struct {
    const char *name;             /* "beamc jobs list": for messages */
    const beamc_options *options; /* those of the command */
    const char *const *arguments;
    size_t argument_count; /* as many as the command takes */
    FILE *out;             /* gets what was asked for */
    FILE *err;             /* gets all else */
} beamc__call;

typedef struct {
    const char *name;    /* "jobs list" */
    const char *takes;   /* arguments in --help: "ID"; "" for none */
    const char *summary; /* one line */
    const char *help;    /* paragraphs and examples; lines of at most 96 columns */
    const beamc_option_spec *options;
    size_t option_count;
    size_t least, most; /* arguments; SIZE_MAX: any number */
    bool takes_command; /* the first argument is a program, and all behind it is the program's */
    /* *@status is the exit status; it is BEAMC__EXIT_OK before, and then BEAMC__EXIT_FAILED if
     * there is an error, which is printed. */
    beamc_error *(*run)(const beamc__call *call, int *status);
} beamc__command;

/* All of them, in the order of --help. */
extern const beamc__command *const beamc__commands[];
extern const size_t beamc__command_count;

/* The name of the command that the words of a command line begin with, NULL if there is none; and
 * how many words that are. */
const beamc__command *beamc__command_find(int count, const char *const *words, int *used);

/* The name nearest to @words' beginning: of a command, or of the second word of one; NULL if none
 * is near. */
const char *beamc__command_nearest(int count, const char *const *words);

/* Whether commands of two words begin with @word: "jobs". */
bool beamc__command_is_group(const char *word);

/* An error of the command line, for a command's run to return. */
beamc_error *beamc__command_usage(int *status, const char *format, ...) BEAMC_PRINTF(2, 3);

/* The option that every command has. */
#define BEAMC__COMMAND_HELP                                                                        \
    {                                                                                              \
        .name = "help", .help = "shows this", .kind = BEAMC_OPTION_BOOL, .default_value = "false"  \
    }

#endif
