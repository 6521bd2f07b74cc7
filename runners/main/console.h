/* SPDX-License-Identifier: Apache-2.0 */
/* What a run shows on standard error while it lasts: log lines and, below them on a terminal, a
 * block with a line per stage that is drawn anew in place.
 *
 *     WARN [extract_words] line 7 has no words         log entries scroll by
 *           stage                    elements       rate  written   bundles      time
 *     done  Read+extract_words      1,234,567   3.20 M/s  12.3 MB       4/4    0.41 s    the block
 *     run   Count+format_count         50,000  ...
 *
 * Where there is no terminal, a line is printed when a stage ends.  All functions lock: any
 * thread. */
#ifndef BEAMC_MAIN_CONSOLE_H
#define BEAMC_MAIN_CONSOLE_H

#include <beamc/direct.h>
#include <stdio.h>

typedef struct beamc__console beamc__console;

typedef enum {
    BEAMC__CONSOLE_QUIET, /* log entries only */
    BEAMC__CONSOLE_PLAIN,
    BEAMC__CONSOLE_TERMINAL
} beamc__console_mode;

/* @file is borrowed.  NULL without memory. */
beamc__console *beamc__console_new(FILE *file, beamc__console_mode mode);
void beamc__console_free(beamc__console *console); /* accepts NULL; the block stays as it is */

/* How a program should talk to @file. */
beamc__console_mode beamc__console_mode_of(FILE *file, bool quiet);

/* The terminal's size; 0 rows: asks the file.  For tests. */
void beamc__console_set_size(beamc__console *console, int rows, int columns);

/* Shapes of beamc_direct_options.progress and beamc_log_sink.write; ctx is the console. */
void beamc__console_progress(void *ctx, const beamc_progress *progress);
void beamc__console_log(void *ctx, const beamc_log_entry *entry);

/* Leaves the block where it is: the run is over, and what comes now stands below. */
void beamc__console_finish(beamc__console *console);

/* A line of the program itself, above the block; nothing when quiet. */
void beamc__console_say(beamc__console *console, const char *format, ...) BEAMC_PRINTF(2, 3);

/* Lines that were made elsewhere, likewise. */
void beamc__console_print(beamc__console *console, const beamc_buffer *lines);

#endif
