/* SPDX-License-Identifier: Apache-2.0 */
/* Programs, as a shell finds them. */
#ifndef BEAMC_PORTABLE_PATH_H
#define BEAMC_PORTABLE_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* Whether @path is a file that may be executed. */
bool beamc__path_is_program(const char *path);

/* Looks for a program in the directories of PATH, and writes its path to @out of @size > 0. */
bool beamc__path_find(const char *name, char *out, size_t size);

#endif
