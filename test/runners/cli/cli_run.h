/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of the program beamc within a test. */
#ifndef BEAMC_TEST_CLI_RUN_H
#define BEAMC_TEST_CLI_RUN_H

/* How it ended, and what it wrote to both. */
typedef struct {
    int status;
    char out[1 << 16];
    char err[1 << 14];
} cli_run;

/* The call of @line, split at blanks, without the program's name: "jobs list".  Valid until the
 * next one. */
const cli_run *cli(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
