/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns of paths, as <beamc/filesystem.h> describes them. */
#ifndef BEAMC_IO_GLOB_H
#define BEAMC_IO_GLOB_H

#include <beamc/error.h>

/* Whether all of @path matches all of @pattern.  *@out is written on success; BEAMC_OK or
 * BEAMC_ENOMEM.  Takes at most the product of both sizes. */
BEAMC_MUST_USE int beamc__glob_match(bool *out, const char *pattern, size_t pattern_size,
                                     const char *path, size_t path_size);

/* Whether it has wildcards. */
bool beamc__glob_is_wild(const char *pattern, size_t size);

/* Whether it has "**". */
bool beamc__glob_is_deep(const char *pattern, size_t size);

/* Writes a pattern without wildcards as the name it stands for: \x becomes x.  Answers its size,
 * at most @size; not ended by NUL. */
size_t beamc__glob_literal(char *out, const char *pattern, size_t size);

#endif
