/* SPDX-License-Identifier: Apache-2.0 */
/* What --help shows. */
#ifndef BEAMC_CLI_HELP_H
#define BEAMC_CLI_HELP_H

#include "command.h"

/* Each: false if it could not be written. */
bool beamc__help_all(FILE *out);
bool beamc__help_group(const char *word, FILE *out); /* "jobs" */
bool beamc__help_command(const beamc__command *command, FILE *out);

#endif
