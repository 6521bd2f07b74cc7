/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a tar archive, in the form of POSIX.1-1988 (ustar), with nothing in it that depends on
 * when and by whom it is made: the same files give the same bytes.
 *
 *     | header: 512 | contents, filled up with zeros to 512 | header | ... | two blocks of zeros |
 */
#ifndef BEAMC_CONTAINER_TAR_H
#define BEAMC_CONTAINER_TAR_H

#include <beamc/buffer.h>

/* All belongs to root.  BEAMC_OK, or BEAMC_ELIMIT for a name over 99 bytes or a file over 8 GB;
 * that there is no memory @out knows.  A directory's name ends in "/". */
BEAMC_MUST_USE int beamc__tar_directory(beamc_buffer *out, const char *name, unsigned mode,
                                        int64_t time);
BEAMC_MUST_USE int beamc__tar_file(beamc_buffer *out, const char *name, unsigned mode, int64_t time,
                                   const void *bytes, size_t size);
void beamc__tar_end(beamc_buffer *out);

#endif
