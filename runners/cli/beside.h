/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that are installed in one directory with this one. */
#ifndef BEAMC_CLI_BESIDE_H
#define BEAMC_CLI_BESIDE_H

#include <beamc/error.h>
#include <limits.h>

/* The path of the program @name beside ours; an error if there is none. */
BEAMC_MUST_USE beamc_error *beamc__beside(char out[PATH_MAX], const char *name);

#endif
