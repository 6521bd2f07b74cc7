/* SPDX-License-Identifier: Apache-2.0 */
/* The program beamc: from its command line to an exit status. */
#ifndef BEAMC_CLI_CLI_H
#define BEAMC_CLI_CLI_H

#include <stdio.h>

/* Exit statuses: 0 it went well; 1 it did not; 2 the command line is wrong; 130 after Ctrl-C. */
int beamc__cli(int argc, const char *const *argv, FILE *out, FILE *err);

#endif
