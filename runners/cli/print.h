/* SPDX-License-Identifier: Apache-2.0 */
/* What commands have in common when they show what they found. */
#ifndef BEAMC_CLI_PRINT_H
#define BEAMC_CLI_PRINT_H

#include "command.h"

#define BEAMC__PRINT_JSON_OPTION                                                                   \
    {                                                                                              \
        .name = "json", .help = "as JSON", .kind = BEAMC_OPTION_BOOL, .default_value = "false"     \
    }

/* Writes @text to where the call wants it, and disposes of it.  Names are given by others: '?' stands
 * for each control character in them. */
BEAMC_MUST_USE beamc_error *beamc__print(const beamc__call *call, beamc_buffer *text);

/* Makes a column as wide as @text. */
void beamc__print_widen(size_t *columns, const char *text);

#endif
