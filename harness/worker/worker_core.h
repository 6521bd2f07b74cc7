/* SPDX-License-Identifier: Apache-2.0 */
/* A worker from within: what its files share; nobody else includes this.
 *
 *     worker.c    its life: what it opens, what it does now and then, its end
 *     control.c   the control stream: takes instructions and answers them
 *     bundles.c   bundles, each on a thread of its own
 *
 * Handlers of the control stream run on its queue's thread and never wait: what may wait (asking
 * for a descriptor, opening a data stream, running the bundle) is done on the bundle's thread. */
#ifndef BEAMC_WORKER_WORKER_CORE_H
#define BEAMC_WORKER_WORKER_CORE_H

#include "harness/worker/worker.h"

#include "harness/exec/bundle_view.h"
#include "harness/worker/activity.h"
#include "harness/worker/crash.h"
#include "harness/worker/data_stream.h"
#include "harness/worker/descriptors.h"
#include "harness/worker/instructions.h"
#include "harness/worker/log_stream.h"
#include "harness/worker/lull.h"
#include "harness/worker/short_ids.h"
#include "harness/worker/state_client.h"
#include "harness/worker/status.h"
#include "harness/worker/threads.h"
#include <uv.h>

#define BEAMC__WORKER_ERROR_SIZE 4096 /* of texts for people */

typedef struct {
    beamc__data_stream **streams;
    size_t count;
} beamc__data_streams;

typedef struct {
    beamc__state_client **clients;
    size_t count;
} beamc__state_clients;

struct beamc__worker {
    char *id;
    bool short_ids;
    bool embed_output;
    bool fenced; /* there is no barrier: see harness/exec/data_channel.h */
    beamc_log_level log_level;
    int64_t ready_ms;
    int64_t idle_ms; /* of plans, until they are torn down */
    bool trims;      /* atomic: a thread does that */
    size_t flush_size;
    int64_t flush_ms; /* 0: none */
    const beamc_log_sink *log;
    beamc__plan_options plan_options;
    beamc__rpc_queue *queue; /* of all streams */
    beamc__rpc_channel *control_channel;
    beamc__rpc_stream *control;
    beamc__rpc_channel *log_channel;    /* until the log stream has it */
    beamc__rpc_channel *status_channel; /* until the status has it */
    beamc__status *status;
    beamc__activities *activities;
    beamc__crash_listener crash;
    bool listens; /* for crashes */
    beamc_log_target lull_log;
    beamc__lulls lulls;
    void (*give_up)(void);
    beamc__log_stream *log_stream;
    beamc__descriptors *descriptors;
    beamc__instructions *instructions;
    beamc__short_ids *ids;
    beamc__state_store *state_cache;
    beamc__samples *samples; /* NULL: none are wanted */
    beamc__threads *threads;
    beamc__data_registry registry;
    beamc__inbox_load load;
    uv_thread_t keeper;
    bool has_keeper;
    uv_mutex_t lock; /* guards what follows */
    uv_cond_t changed;
    beamc__data_streams data;
    beamc__state_clients state;
    bool heard; /* an instruction came */
    bool ended; /* the control stream */
    bool stopped;
    bool closing; /* no streams are opened any more */
    beamc_error *error;
    int active; /* bundles */
};

/* A bundle from its instruction to its answer. */
typedef struct {
    beamc__worker *worker;
    beamc_arena *arena; /* of the request */
    const char *instruction_id;
    const FN(ProcessBundleRequest) *request;
    beamc__inbox *inbox;
    bool is_embedded; /* all its elements came with the request */
    int64_t elements; /* atomic: read so far */
    bool consuming;   /* atomic: it does not wait for elements */
    int cancel;
    uint32_t ticks; /* atomic: see data_stream.h */
    beamc__data_output *outputs;
    size_t output_count;
    beamc__bundle_view view;
    bool answered; /* atomic */
    beamc__activity activity;
} beamc__running_bundle;

/* ---- answers: exactly one for each instruction ---- */

void beamc__answer(beamc__worker *worker, FN(InstructionResponse) *response,
                   const char *instruction_id);
/* @text is clean UTF-8. */
void beamc__answer_text(beamc__worker *worker, const char *instruction_id, const char *text);
void beamc__answer_error(beamc__worker *worker, const char *instruction_id,
                         beamc_error *take_error);

/* ---- parts ---- */

extern const beamc__rpc_stream_handlers beamc__control_handlers; /* their ctx is the worker */

/* Ends the work: the waiting thread goes on, with the first error. */
void beamc__worker_end(beamc__worker *worker, beamc_error *take_error);

/* Lets the bundle of @request run; its answer follows. */
void beamc__process_bundle(beamc__worker *worker, const FN(InstructionRequest) *request,
                           beamc_arena *take_arena);

/* What all data streams hold is counted together, so what one frees may let another go on.  @worker
 * is a beamc__worker; any thread. */
void beamc__make_room(void *worker);

#endif
