/* SPDX-License-Identifier: Apache-2.0 */
/* What the gRPC C core does at best: a server streams messages to a client in another process, which
 * throws them away.  The yardstick for what a worker does with such a stream. */
#ifndef BEAMC_BENCH_RAW_STREAM_H
#define BEAMC_BENCH_RAW_STREAM_H

#include <stddef.h>

/* Streams @count messages of @size bytes and says how many seconds passed from the first to the last
 * one's arrival; negative after an error, which was told. */
double raw_stream(size_t count, size_t size);

#endif
