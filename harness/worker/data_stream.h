/* SPDX-License-Identifier: Apache-2.0 */
/* One BeamFnData.Data stream: all bundles' elements from and to one URL.
 *
 * Inbound, elements are put into the inbox of their instruction, which the registry finds or makes.
 * Outbound, each sink gathers elements in a buffer and sends it when it is large enough; the sender
 * waits while the runner does not take what was sent, but not for ever: Java's runners take only a
 * hundred messages of a bundle before they have its response, and none of others meanwhile.
 *
 * When the call breaks, all bundles under way fail: what they were sent or have sent may be lost.  The
 * next bundle opens another. */
#ifndef BEAMC_WORKER_DATA_STREAM_H
#define BEAMC_WORKER_DATA_STREAM_H

#include "harness/exec/bundle.h"
#include "harness/worker/flush.h"
#include "harness/worker/inbox.h"
#include "proto/beam.h"
#include "sdk/rpc/stream.h"

/* Finds the inbox of an instruction, one reference to the caller; NULL: its elements are dropped, it
 * ended before.  Queue thread. */
typedef struct {
    beamc__inbox *(*find)(void *ctx, const char *instruction_id, size_t size);
    void (*lost)(void *ctx, const beamc_error *error); /* the stream has ended; borrowed */
    void *ctx;
    const beamc__inbox_load *load;
    int64_t enough; /* bytes held; past it nothing more is read while no thread waits for elements */
    int64_t limit;  /* past it nothing more is read at all */
} beamc__data_registry;

typedef struct beamc__data_stream beamc__data_stream;

/* @registry is borrowed as long as the stream. */
BEAMC_MUST_USE beamc_error *beamc__data_stream_open(beamc__data_stream **out,
                                                    beamc__rpc_queue *queue, const char *url,
                                                    const char *worker_id,
                                                    const beamc__data_registry *registry);
/* Cancels the call: who waits for it gets an error.  Any thread. */
void beamc__data_stream_close(beamc__data_stream *stream);
void beamc__data_stream_free(beamc__data_stream *stream);

/* Opens another call if the last one has ended.  Before a bundle uses the stream.  Any thread. */
BEAMC_MUST_USE beamc_error *beamc__data_stream_reopen(beamc__data_stream *stream);

/* Reading goes on if it had stopped and need not any more.  Any thread. */
void beamc__data_stream_room(beamc__data_stream *stream);

const char *beamc__data_stream_url(const beamc__data_stream *stream);

/* The elements of one sink in one bundle; its `output` is what exec writes to.  Bundle thread. */
typedef struct {
    beamc__output output; /* first */
    beamc__data_stream *stream;
    beamc__rpc_stream *call; /* one bundle's elements all go to the same */
    const char *instruction_id;
    bool has_sent;
    beamc__flush flush;
    bool stuck; /* the runner took nothing for a while */
} beamc__data_output;

/* @flush_size as of beamc__flush_start.  @ticks, atomic, is borrowed as long as the output:
 * a new number there, and what is gathered is sent with the next element. */
void beamc__data_output_init(beamc__data_output *out, beamc__data_stream *stream,
                             const char *instruction_id, const char *transform_id,
                             size_t flush_size, const uint32_t *ticks);
/* Sends what is gathered, if there is a new tick. */
BEAMC_MUST_USE beamc_error *beamc__data_output_flush(beamc__data_output *output);
/* Instead of sending: adds the elements and the mark of the end to @to, which has room for two; all of
 * it is in @arena.  For an output that has sent nothing.  BEAMC_OK or BEAMC_ENOMEM. */
BEAMC_MUST_USE int beamc__data_output_embed(beamc__data_output *output, FN(Elements) *to,
                                            beamc_arena *arena);
/* Sends what is left and the mark of the end. */
BEAMC_MUST_USE beamc_error *beamc__data_output_finish(beamc__data_output *output);
void beamc__data_output_dispose(beamc__data_output *output);

#endif
