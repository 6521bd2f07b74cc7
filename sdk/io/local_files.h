/* SPDX-License-Identifier: Apache-2.0 */
/* The files of this machine: plain paths and file:///... */
#ifndef BEAMC_IO_LOCAL_FILES_H
#define BEAMC_IO_LOCAL_FILES_H

#include <beamc/filesystem.h>

extern const beamc_filesystem beamc__local_files;

/* @path or, @is_pattern, a pattern as it is named from any directory: workers of other machines'
 * runners begin in one of their own.  Only relative names of local files change.  *@out is @path or
 * in @arena. */
BEAMC_MUST_USE beamc_error *beamc__local_absolute(const char **out, const char *path,
                                                  bool is_pattern, beamc_arena *arena);

#endif
