/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_run.h"

#include "runners/cli/cli.h"
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { WORDS_MAX = 32 };

static void read_back(FILE *file, char *out, size_t size)
{
    rewind(file);
    size_t got = fread(out, 1, size - 1, file);
    ck_assert_uint_lt(got, size - 1);
    out[got] = '\0';
    fclose(file);
}

const cli_run *cli(const char *format, ...)
{
    static cli_run run; /* of a test, which is a process */
    static char line[4096];
    const char *argv[WORDS_MAX] = { "build/bin/beamc" };
    int argc = 1;
    va_list args;
    FILE *out = tmpfile(), *err = tmpfile();

    ck_assert_ptr_nonnull(out);
    ck_assert_ptr_nonnull(err);
    va_start(args, format);
    ck_assert_int_lt(vsnprintf(line, sizeof(line), format, args), (int)sizeof(line));
    va_end(args);
    for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " ")) {
        ck_assert_int_lt(argc, WORDS_MAX - 1);
        argv[argc++] = word;
    }
    run.status = beamc__cli(argc, argv, out, err);
    read_back(out, run.out, sizeof(run.out));
    read_back(err, run.err, sizeof(run.err));
    return &run;
}
