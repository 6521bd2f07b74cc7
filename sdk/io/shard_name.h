/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the files of a sharded write.  In a template, a run of S is the shard's number and a run
 * of N the count of shards, with that many digits at least; a run of W is the window,
 * start-end. */
#ifndef BEAMC_IO_SHARD_NAME_H
#define BEAMC_IO_SHARD_NAME_H

#include <beamc/buffer.h>
#include <beamc/type.h>

#define BEAMC__SHARD_TEMPLATE "-SSSSS-of-NNNNN"
#define BEAMC__SHARD_TEMPLATE_WINDOWED "-W-SSSSS-of-NNNNN"

/* Refuses a template by which two files could get one name. */
BEAMC_MUST_USE beamc_error *beamc__shard_template_check(beamc_string shard_template,
                                                        bool one_shard, bool windowed);

/* Appends the template filled in; @window may be NULL for one without W. */
void beamc__shard_name(beamc_buffer *out, beamc_string shard_template, uint64_t shard,
                       uint64_t count, const beamc_interval_window *window);

/* Appends a time as 2024-05-06T07:08:09Z, with milliseconds if it has any. */
void beamc__print_time(beamc_buffer *out, beamc_timestamp time);

#endif
