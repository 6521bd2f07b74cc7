/* SPDX-License-Identifier: Apache-2.0 */
/* How files are cut into ranges: by their sizes alone, so that a run has the same ranges whatever
 * it runs on.
 *
 *     all files together    ranges
 *     below 16 MiB          1
 *     below 128 MiB         2, 4, 8 of 8 MiB or more
 *     below 1 GiB           16
 *     more                  of 64 MiB
 *
 * and at least one per file. */
#ifndef BEAMC_IO_RANGES_H
#define BEAMC_IO_RANGES_H

#include <stdint.h>

/* The size of ranges for files of @total bytes; > 0.  @least is the smallest allowed, 0: 8 MiB. */
uint64_t beamc__range_size(uint64_t total, uint64_t least);

/* Into how many ranges of about @range_size to cut @size bytes; at least 1. */
uint64_t beamc__range_count(uint64_t size, uint64_t range_size);

/* Where range number @index of @count begins; of number @count: the end, @size. */
uint64_t beamc__range_start(uint64_t size, uint64_t count, uint64_t index);

#endif
