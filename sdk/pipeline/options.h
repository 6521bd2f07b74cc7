/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the options share: the table of Beam's names, and reading values. */
#ifndef BEAMC_PIPELINE_OPTIONS_H
#define BEAMC_PIPELINE_OPTIONS_H

#include <beamc/arena.h>
#include <beamc/options.h>
#include "sdk/base/table.h"

/* Who makes use of a Beam option; also the headings of --help. */
typedef enum {
    BEAMC__OPTIONS_DATA,    /* the program, by convention */
    BEAMC__OPTIONS_RUN,     /* beamc_main */
    BEAMC__OPTIONS_DIRECT,  /* the direct runner */
    BEAMC__OPTIONS_GENERAL, /* every runner's, without an effect on the direct runner */
    BEAMC__OPTIONS_PORTABLE,
    BEAMC__OPTIONS_WORKER,
    BEAMC__OPTIONS_FLINK,
    BEAMC__OPTIONS_SPARK,
    BEAMC__OPTIONS_DATAFLOW,
    BEAMC__OPTIONS_GROUPS
} beamc__option_group;

typedef struct {
    beamc__option_group group;
    beamc_option_spec spec;
} beamc__option_known;

extern const beamc__option_known beamc__options_known[];
extern const size_t beamc__options_known_count;
extern const char *const beamc__option_group_titles[BEAMC__OPTIONS_GROUPS];

/* An option that only the runner may know: it is asked when the job is submitted. */
typedef struct beamc__option_unknown {
    const char *name;  /* canonical, also with the "no_" of a negation */
    const char *given; /* as it was written, for messages */
    const char *value; /* NULL: none */
    struct beamc__option_unknown *next;
} beamc__option_unknown;

typedef struct {
    const char **items;
    size_t count, capacity;
    const char *joined; /* with commas; of a list only */
} beamc__option_values;

/* What kind of command line it is. */
typedef enum {
    BEAMC__OPTION_LINE_PROGRAM, /* Beam's options and the program's, and those of another runner */
    BEAMC__OPTION_LINE_COMMAND, /* options of its own only, and arguments */
    BEAMC__OPTION_LINE_PREFIX,  /* the same up to the first argument; what follows are arguments */
    BEAMC__OPTION_LINE_FOREIGN  /* Beam's options; others are some program's, which is not known */
} beamc__option_line;

struct beamc_options {
    beamc_arena *arena;
    const char *program;
    beamc__option_line line;
    beamc__option_values arguments; /* of a command */
    const beamc_option_spec *specs; /* borrowed */
    size_t spec_count;
    beamc__table *given;  /* canonical name -> beamc__option_values */
    beamc_error **problem; /* sticky; behind a pointer, since asking takes const options */
    bool keeps_unknown;    /* the runner is another than direct */
    beamc__option_unknown *unknown; /* in the order of the command line */
    beamc__option_unknown **unknown_end;
};

/* The name of the program: the last part of argv[0]. */
const char *beamc__option_program(int argc, const char *const *argv);

/* Reads a command line of another kind than a program's.  argv[0] is what messages call the
 * command; "--" ends the options of one.  Else as beamc_options_parse. */
BEAMC_MUST_USE beamc_error *beamc__options_parse_line(beamc_options **out, beamc__option_line line,
                                                      int argc, const char *const *argv,
                                                      const beamc_option_spec *specs,
                                                      size_t spec_count);

/* The program's, else Beam's; NULL if neither has it. */
const beamc_option_spec *beamc__option_find(const beamc_options *options, const char *name);

/* The values of a name that was given; NULL if it was not. */
const beamc__option_values *beamc__option_values_of(const beamc_options *options, const char *name);

/* Whether @runner is this machine: the options are then all known. */
bool beamc__option_is_direct(const char *runner);

/* Names that are known besides those of the program and of Beam. */
typedef struct {
    const char *const *items;
    size_t count;
} beamc__option_names;

/* That nobody knows the option written as @given, of @size bytes; @more may be NULL. */
BEAMC_MUST_USE beamc_error *beamc__option_unknown_error(const beamc_options *options,
                                                        const char *given, size_t size,
                                                        const beamc__option_names *more);

/* The known name nearest to @name, NULL if none is near; @more may be NULL. */
const char *beamc__option_nearest(const beamc_options *options, const char *name,
                                  const beamc__option_names *more);

/* Leaf: BEAMC_OK, BEAMC_EINVAL or BEAMC_ELIMIT. */
int beamc__option_read_bool(bool *out, const char *text);
int beamc__option_read_int64(int64_t *out, const char *text);
int beamc__option_read_double(double *out, const char *text);
int beamc__option_read_size(uint64_t *out, const char *text);
int beamc__option_read_duration(int64_t *out_ms, const char *text);
/* Reads @text as @kind and forgets the value. */
int beamc__option_check(beamc_option_kind kind, const char *text);
/* "a whole number, such as 42": for messages. */
const char *beamc__option_kind_text(beamc_option_kind kind);
/* "NUMBER": for --help. */
const char *beamc__option_kind_placeholder(beamc_option_kind kind);

/* Appends the lines of an option in --help. */
void beamc__option_help(beamc_buffer *out, const beamc_option_spec *spec);

/* Options that were given, that no runner of this build's direct kind makes use of: calls @each. */
void beamc__options_without_effect(const beamc_options *options,
                                   void (*each)(void *ctx, const char *name), void *ctx);

#endif
