/* SPDX-License-Identifier: Apache-2.0 */
/* What tells one build of the running program from another: the id that its linker gave it. */
#ifndef BEAMC_BASE_BUILD_ID_H
#define BEAMC_BASE_BUILD_ID_H

#include <stdbool.h>

/* Hexadecimal digits and a NUL. */
enum { BEAMC__BUILD_ID_SIZE = 65 };

/* False, and "", if the program has none. */
bool beamc__build_id(char out[BEAMC__BUILD_ID_SIZE]);

#endif
