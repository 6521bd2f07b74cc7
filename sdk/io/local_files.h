/* SPDX-License-Identifier: Apache-2.0 */
/* The files of this machine: plain paths and file:///... */
#ifndef BEAMC_IO_LOCAL_FILES_H
#define BEAMC_IO_LOCAL_FILES_H

#include <beamc/filesystem.h>

extern const beamc_filesystem beamc__local_files;

#endif
