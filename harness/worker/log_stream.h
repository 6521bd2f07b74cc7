/* SPDX-License-Identifier: Apache-2.0 */
/* A sink that sends log entries to a BeamFnLogging service.  Writing never waits:
 *
 *     entry --> limit of its place --> queue of 10,000 --> batches --> the runner
 *                    |                      | full, or no call
 *                 left out            standard error --> lost, if nobody reads that either
 *
 * What is left out, spilled or lost is counted, and told as soon as it can be.  A call that breaks is
 * opened again; one that the runner ended is not, since it has had enough. */
#ifndef BEAMC_WORKER_LOG_STREAM_H
#define BEAMC_WORKER_LOG_STREAM_H

#include "sdk/rpc/stream.h"
#include <beamc/log.h>

typedef struct beamc__log_stream beamc__log_stream;

/* @take_channel is of @queue, and connected: the stream does not wait for its server. */
BEAMC_MUST_USE beamc_error *beamc__log_stream_open(beamc__log_stream **out,
                                                   beamc__rpc_queue *queue,
                                                   beamc__rpc_channel *take_channel);
/* Sends what is there first, as far as the runner takes it soon.  Accepts NULL. */
void beamc__log_stream_free(beamc__log_stream *stream);

/* Opens a call that broke again, if it is time to try; waits for the server, but not for long.  One
 * thread, now and then, not the queue's. */
void beamc__log_stream_mend(beamc__log_stream *stream, int64_t now_ms);

/* Sends what is there and ends the stream, as a process does that goes: true if the runner has it all
 * within @ms.  What is logged after it goes to standard error.  Any thread but the queue's. */
bool beamc__log_stream_finish(beamc__log_stream *stream, int64_t ms);

/* Borrowed as long as the stream. */
const beamc_log_sink *beamc__log_stream_sink(const beamc__log_stream *stream);

#endif
