/* SPDX-License-Identifier: Apache-2.0 */
/* Options: what the command line says, by Beam's own names and by the program's.
 *
 *     static const beamc_option_spec options[] = {
 *         { "min_count", "words seen less often are left out", "1", false, BEAMC_OPTION_INT64, NULL },
 *     };
 *     ...
 *     int64_t least = beamc_option_int64(options, "min_count", 1);
 *
 * Accepted are `--name=value` and `--name value`; for booleans `--name`, `--name=false` and
 * `--no_name`; names as Beam's Python and Go SDKs write them (job_name), as its Java SDK does
 * (jobName) and with dashes.  A list may be given several times and with commas.  Of others the
 * last one counts.
 *
 * Getting an option needs no checks: what is wrong sticks to the options (beamc_options_error), the
 * call answers something harmless, and beamc_main reports it before anything runs.  One thread. */
#ifndef BEAMC_OPTIONS_H
#define BEAMC_OPTIONS_H

#include <beamc/buffer.h>
#include <beamc/error.h>
#include <stdint.h>

BEAMC_EXTERN_C_BEGIN

typedef struct beamc_options beamc_options;

typedef enum {
    BEAMC_OPTION_STRING = 0,
    BEAMC_OPTION_BOOL,
    BEAMC_OPTION_INT64,
    BEAMC_OPTION_DOUBLE,
    BEAMC_OPTION_SIZE,     /* bytes: 4096, 64KB, 64KiB, 64K (= KiB), M, G, T */
    BEAMC_OPTION_DURATION, /* 250ms, 10s, 5m, 1h30m, 2d */
    BEAMC_OPTION_LIST
} beamc_option_kind;

/* An option of a program.  A name that Beam has too gives that option the program's help, default
 * and kind. */
typedef struct {
    const char *name; /* small letters, digits and underscores: "min_count" */
    const char *help; /* a line for --help */
    const char *default_value; /* as text; NULL: none */
    bool required;             /* missing it ends the program with exit status 2 */
    beamc_option_kind kind;    /* checked when the command line is read */
    const char *placeholder;   /* of the value in --help: "PATTERN"; NULL: by the kind */
} beamc_option_spec;

/** Reads a command line; argv[0] is the program.  @specs (borrowed as long as the options, may be
 *  NULL) are the program's own.  On success *@out is the caller's; on an error, which says what is
 *  wrong with which option, it is NULL.  With --help, required options may be missing. */
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_options_parse(beamc_options **out, int argc,
                                                          const char *const *argv,
                                                          const beamc_option_spec *specs,
                                                          size_t spec_count);
/** Accepts NULL. */
BEAMC_API void beamc_options_free(beamc_options *options);

/** The first thing that went wrong when an option was asked for, borrowed; NULL if nothing did. */
BEAMC_API const beamc_error *beamc_options_error(const beamc_options *options);

/** Appends what --help shows. */
BEAMC_API void beamc_options_help(const beamc_options *options, beamc_buffer *out);

/** The last part of argv[0]. */
BEAMC_API const char *beamc_options_program(const beamc_options *options);

/** The text of an option the program needs: as given, or its default.  If there is neither, the
 *  program ends with exit status 2 before anything runs; this answers "".  A list is joined with
 *  commas.  Borrowed from @options. */
BEAMC_API const char *beamc_option(const beamc_options *options, const char *name);

/** The same, with @fallback if it is not given and has no default. */
BEAMC_API const char *beamc_option_or(const beamc_options *options, const char *name,
                                      const char *fallback);

/** True if the command line gives it. */
BEAMC_API bool beamc_option_given(const beamc_options *options, const char *name);

/** The value read as a number, true or false, bytes, or milliseconds; the fallback if it is not given
 *  and has no default, or cannot be read so, which is an error. */
BEAMC_API int64_t beamc_option_int64(const beamc_options *options, const char *name,
                                     int64_t fallback);
BEAMC_API double beamc_option_double(const beamc_options *options, const char *name,
                                     double fallback);
BEAMC_API bool beamc_option_bool(const beamc_options *options, const char *name, bool fallback);
BEAMC_API uint64_t beamc_option_size(const beamc_options *options, const char *name,
                                     uint64_t fallback);
BEAMC_API int64_t beamc_option_duration(const beamc_options *options, const char *name,
                                        int64_t fallback_ms);

/** How many values a list has, and each of them, borrowed from @options; NULL past its end. */
BEAMC_API size_t beamc_option_count(const beamc_options *options, const char *name);
BEAMC_API const char *beamc_option_value(const beamc_options *options, const char *name,
                                         size_t index);

BEAMC_EXTERN_C_END

#endif
