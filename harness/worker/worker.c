/* SPDX-License-Identifier: Apache-2.0 */
/* Control: takes instructions, lets bundles run on threads of their own, answers all others at once.
 *
 * Handlers of the control stream run on its queue's thread and never wait: what may wait (asking for
 * a descriptor, opening a data stream, running the bundle) is done on the bundle's thread. */
#include "harness/worker/worker.h"

#include "harness/exec/bundle_view.h"
#include "harness/exec/data_channel.h"
#include "harness/worker/activity.h"
#include "harness/worker/crash.h"
#include "harness/worker/data_stream.h"
#include "harness/worker/descriptors.h"
#include "harness/worker/instructions.h"
#include "harness/worker/log_stream.h"
#include "harness/worker/lull.h"
#include "harness/worker/report.h"
#include "harness/worker/state_client.h"
#include "harness/worker/status.h"
#include "harness/worker/threads.h"
#include "sdk/base/log_trace.h"
#include "sdk/base/utf8.h"
#include "sdk/rpc/pack.h"
#include "sdk/rpc/stream.h"
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

#define CONTROL_METHOD "/org.apache.beam.model.fn_execution.v1.BeamFnControl/Control"

#define BUNDLES_MAX 1024                     /* that run at once */
#define HELD_ENOUGH ((int64_t)512 << 10)       /* bytes that came and wait for busy bundles .. */
#define HELD_LIMIT ((int64_t)256 << 20)      /* .. and where others need theirs */
#define CONTROL_LIMIT ((size_t)1 << 30)      /* answers that wait to be sent */
#define STATE_CACHE_SIZE ((size_t)100 << 20)
#define SAMPLE_MS 200
#define READY_MS 60000
#define LOG_READY_MS 5000 /* the log is not worth a worker */
#define SLICE_MS 250      /* between looks at whether the worker was stopped */
#define ERROR_SIZE 4096
#define LULL_MS ((int64_t)5 * 60 * 1000)
#define LAST_WORDS_MS 2000 /* for the runner to take them */

typedef struct {
    beamc__data_stream **streams;
    size_t count;
} data_streams;

typedef struct {
    beamc__state_client **clients;
    size_t count;
} state_clients;

struct beamc__worker {
    char *id;
    bool short_ids;
    bool embed_output;
    bool fenced; /* there is no barrier: see harness/exec/data_channel.h */
    beamc_log_level log_level;
    int64_t ready_ms;
    size_t flush_size;
    int64_t flush_ms; /* 0: none */
    const beamc_log_sink *log;
    beamc__plan_options plan_options;
    beamc__rpc_queue *control_queue; /* control, state, log, status */
    beamc__rpc_queue *data_queue;
    beamc__rpc_channel *control_channel;
    beamc__rpc_stream *control;
    beamc__rpc_channel *log_channel; /* until the log stream has it */
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
    data_streams data;
    state_clients state;
    bool heard; /* an instruction came */
    bool ended; /* the control stream */
    bool stopped;
    bool closing; /* no streams are opened any more */
    beamc_error *error;
    int active; /* bundles */
};

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
} bundle;

/* ---- answering ------------------------------------------------------------------------------- */

static void send_response(beamc__worker *worker, FN(InstructionResponse) *response,
                          const char *instruction_id)
{
    response->instruction_id = (char *)instruction_id;
    beamc__rpc_message *message = beamc__rpc_pack(&response->base);
    /* It has ended, or there is no memory for the answer: the runner sees the stream end. */
    if (message == NULL ||
        beamc__rpc_stream_try_send(worker->control, message) != BEAMC__RPC_SENT)
        beamc__rpc_stream_cancel(worker->control);
    beamc__rpc_message_unref(message);
}

static void send_text(beamc__worker *worker, const char *instruction_id, const char *error)
{
    FN(InstructionResponse) response = FNK(INSTRUCTION_RESPONSE__INIT);

    response.error = (char *)error;
    send_response(worker, &response, instruction_id);
}

static void send_error(beamc__worker *worker, const char *instruction_id, beamc_error *take_error)
{
    char text[ERROR_SIZE];

    beamc_error_print(take_error, text, sizeof(text));
    beamc_error_free(take_error);
    beamc__utf8_clean(text); /* users' text, and cut */
    send_text(worker, instruction_id, text);
}

/* ---- streams by URL -------------------------------------------------------------------------- */

static void *grown(void *list, size_t count, size_t size)
{
    return realloc(list, (count + 1) * size);
}

/* These two are called with the lock. */

static beamc_error *find_data_stream(beamc__worker *worker, const char *url,
                                     beamc__data_stream **out)
{
    data_streams *all = &worker->data;

    if (worker->closing)
        return beamc_error_new(BEAMC_ECANCELLED, "the worker is stopped");
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(beamc__data_stream_url(all->streams[i]), url) == 0) {
            *out = all->streams[i];
            return beamc__data_stream_reopen(*out);
        }
    }
    beamc__data_stream **more = grown(all->streams, all->count, sizeof(*more));
    if (more == NULL)
        return beamc_error_nomem();
    all->streams = more;
    BEAMC_TRY(beamc__data_stream_open(out, worker->data_queue, url, worker->id, &worker->registry));
    all->streams[all->count++] = *out;
    return NULL;
}

static beamc_error *find_state_client(beamc__worker *worker, const char *url,
                                      beamc__state_client **out)
{
    state_clients *all = &worker->state;

    if (worker->closing)
        return beamc_error_new(BEAMC_ECANCELLED, "the worker is stopped");
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(beamc__state_client_url(all->clients[i]), url) == 0) {
            *out = all->clients[i];
            return NULL;
        }
    }
    beamc__state_client **more = grown(all->clients, all->count, sizeof(*more));
    if (more == NULL)
        return beamc_error_nomem();
    all->clients = more;
    BEAMC_TRY(beamc__state_client_open(out, worker->control_queue, url, worker->id));
    all->clients[all->count++] = *out;
    return NULL;
}

static beamc_error *data_stream_of(beamc__worker *worker, const char *url,
                                   beamc__data_stream **out)
{
    uv_mutex_lock(&worker->lock);
    beamc_error *error = find_data_stream(worker, url, out);
    uv_mutex_unlock(&worker->lock);
    return error;
}

static beamc_error *state_client_of(beamc__worker *worker, const char *url,
                                    beamc__state_client **out)
{
    *out = NULL;
    if (url == NULL)
        return NULL;
    uv_mutex_lock(&worker->lock);
    beamc_error *error = find_state_client(worker, url, out);
    uv_mutex_unlock(&worker->lock);
    return error;
}

/* What all streams hold is counted together, so what one frees may let another go on. */
static void make_room(void *ctx)
{
    beamc__worker *worker = ctx;

    uv_mutex_lock(&worker->lock);
    for (size_t i = 0; i < worker->data.count; i++)
        beamc__data_stream_room(worker->data.streams[i]);
    uv_mutex_unlock(&worker->lock);
}

static beamc__inbox *find_inbox(void *ctx, const char *instruction_id, size_t size)
{
    beamc__worker *worker = ctx;
    return beamc__instructions_inbox(worker->instructions, instruction_id, size);
}

/* A data stream has ended: bundles that wait for its elements would wait for ever. */
static void data_lost(void *ctx, const beamc_error *error)
{
    beamc__worker *worker = ctx;
    char text[ERROR_SIZE] = "the runner ended the data stream";

    if (error != NULL)
        beamc_error_print(error, text, sizeof(text));
    beamc__instructions_close(worker->instructions, text);
}

/* ---- a bundle's inputs ----------------------------------------------------------------------- */

typedef struct {
    beamc__input input; /* first */
    bundle *of;
    beamc__block *block; /* of the chunk in work */
} remote_input;

static beamc_error *next_chunk(beamc__input *self, beamc_bytes *out)
{
    remote_input *input = (remote_input *)self;
    bundle *of = input->of;
    bool nudged;

    beamc__block_unref(input->block);
    input->block = NULL;
    make_room(of->worker);
    __atomic_store_n(&of->consuming, false, __ATOMIC_RELAXED);
    do {
        nudged = false;
        for (size_t i = 0; i < of->output_count; i++)
            BEAMC_TRY(beamc__data_output_flush(&of->outputs[i]));
        BEAMC_TRY(beamc__inbox_take(of->inbox, self->transform_id, out, &input->block, &nudged));
    } while (nudged);
    __atomic_store_n(&of->consuming, true, __ATOMIC_RELAXED);
    return NULL;
}

/* ---- running it ------------------------------------------------------------------------------ */

/* What a bundle reads and writes, as exec wants it. */
typedef struct {
    remote_input *inputs;
    beamc__input **input_list;
    beamc__data_output *outputs;
    beamc__output **output_list;
    size_t output_count;
    beamc__bundle_state *state;
} ports;

/* What came with the request is all there is, or a part that nothing will complete. */
static beamc_error *open_source(const bundle *of, const beamc__descriptor_port *port)
{
    beamc__data_stream *stream;

    if (!of->is_embedded)
        return data_stream_of(of->worker, port->url, &stream);
    if (!beamc__inbox_has_end(of->inbox, port->transform_id))
        return beamc_error_new(BEAMC_ECORRUPT, "the elements in the request lack the end of port %s",
                               port->transform_id);
    return NULL;
}

static beamc_error *open_ports(bundle *of, const beamc__descriptor *from, ports *out)
{
    beamc__worker *worker = of->worker;
    beamc_arena *arena = of->arena;
    beamc__state_client *client;

    out->inputs = beamc_arena_calloc(arena, from->source_count, sizeof(*out->inputs));
    out->input_list = beamc_arena_calloc(arena, from->source_count, sizeof(*out->input_list));
    out->outputs = beamc_arena_calloc(arena, from->sink_count, sizeof(*out->outputs));
    out->output_list = beamc_arena_calloc(arena, from->sink_count, sizeof(*out->output_list));
    if (beamc_arena_failed(arena))
        return beamc_error_nomem();
    for (size_t i = 0; i < from->source_count; i++) {
        remote_input *input = &out->inputs[i];
        BEAMC_TRY(open_source(of, &from->sources[i]));
        input->input.transform_id = from->sources[i].transform_id;
        input->input.next_chunk = next_chunk;
        input->of = of;
        out->input_list[i] = &input->input;
    }
    for (size_t i = 0; i < from->sink_count; i++) {
        beamc__data_stream *stream;
        BEAMC_TRY(data_stream_of(worker, from->sinks[i].url, &stream));
        beamc__data_output_init(&out->outputs[i], stream, of->instruction_id,
                                from->sinks[i].transform_id, worker->flush_size, &of->ticks);
        out->output_list[i] = &out->outputs[i].output;
        out->output_count++;
    }
    of->outputs = out->outputs;
    of->output_count = out->output_count;
    BEAMC_TRY(state_client_of(worker, from->state_url, &client));
    out->state =
        beamc__bundle_state_new(client, of->instruction_id, of->request, worker->state_cache);
    return out->state == NULL ? beamc_error_nomem() : NULL;
}

static void close_ports(const beamc__descriptor *from, ports *opened)
{
    for (size_t i = 0; opened->inputs != NULL && i < from->source_count; i++)
        beamc__block_unref(opened->inputs[i].block);
    for (size_t i = 0; i < opened->output_count; i++)
        beamc__data_output_dispose(&opened->outputs[i]);
    beamc__bundle_state_free(opened->state);
}

/* Elements of a small bundle travel with its answer, if the runner takes them there: all or none. */
static bool can_embed(const bundle *of, const ports *opened)
{
    bool can = of->worker->embed_output;

    for (size_t i = 0; i < opened->output_count; i++)
        can = can && !opened->outputs[i].has_sent;
    return can;
}

static beamc_error *embed_outputs(bundle *of, ports *opened, FN(ProcessBundleResponse) *response)
{
    FN(Elements) *elements = beamc_arena_alloc(of->arena, sizeof(*elements));
    int rc = elements == NULL ? BEAMC_ENOMEM : BEAMC_OK;

    if (rc == BEAMC_OK) {
        fn(elements__init)(elements);
        elements->data =
            beamc_arena_calloc(of->arena, 2 * opened->output_count + 1, sizeof(*elements->data));
        rc = elements->data == NULL ? BEAMC_ENOMEM : BEAMC_OK;
    }
    for (size_t i = 0; rc == BEAMC_OK && i < opened->output_count; i++)
        rc = beamc__data_output_embed(&opened->outputs[i], elements, of->arena);
    response->elements = elements;
    return rc < 0 ? beamc_error_nomem() : NULL;
}

static beamc_error *finish_outputs(bundle *of, ports *opened,
                                   FN(ProcessBundleResponse) *response)
{
    if (opened->output_count > 0 && can_embed(of, opened))
        return embed_outputs(of, opened, response);
    for (size_t i = 0; i < opened->output_count; i++)
        BEAMC_TRY(beamc__data_output_finish(&opened->outputs[i]));
    return NULL;
}

static beamc_error *run_plan(bundle *of, const beamc__descriptor *from, ports *opened,
                             FN(ProcessBundleResponse) *response)
{
    beamc__worker *worker = of->worker;
    beamc__metrics *metrics = beamc__metrics_new();
    beamc__bundle run = {
        .instruction_id = of->instruction_id,
        .inputs = opened->input_list,
        .input_count = from->source_count,
        .outputs = opened->output_list,
        .output_count = from->sink_count,
        .state = beamc__bundle_state_of(opened->state),
        .log = worker->log,
        .log_level = worker->log_level,
        .cancel = &of->cancel,
        .elements_read = &of->elements,
        .view = &of->view,
        .watch = &of->activity.watch,
    };

    if (metrics == NULL)
        return beamc_error_nomem();
    beamc_error *error = beamc__plan_pool_run(from->pool, &run, metrics);
    if (error == NULL)
        error = beamc__bundle_state_finish(opened->state);
    if (error == NULL)
        error = finish_outputs(of, opened, response);
    if (error == NULL)
        error = beamc__report_bundle(response, metrics, !worker->short_ids, worker->ids, of->arena);
    beamc__metrics_free(metrics);
    return error;
}

static void bundle_free(bundle *of)
{
    beamc__inbox_unref(of->inbox);
    beamc_arena_free(of->arena);
    beamc__bundle_view_dispose(&of->view);
    free(of);
}

static void run_bundle(void *arg)
{
    bundle *of = arg;
    beamc__worker *worker = of->worker;
    const beamc__descriptor *from = NULL;
    FN(InstructionResponse) response = FNK(INSTRUCTION_RESPONSE__INIT);
    FN(ProcessBundleResponse) done = FNK(PROCESS_BUNDLE_RESPONSE__INIT);
    ports opened = { 0 };
    const char *descriptor_id = of->request->process_bundle_descriptor_id;

    beamc__activity_begin(worker->activities, &of->activity, of->instruction_id, descriptor_id,
                          &of->elements);
    beamc_error *error = beamc__descriptors_get(worker->descriptors, descriptor_id, &from);
    if (error == NULL)
        error = open_ports(of, from, &opened);
    if (error == NULL)
        error = run_plan(of, from, &opened, &done);
    if (from != NULL)
        close_ports(from, &opened);
    beamc__activity_end(&of->activity);
    /* No elements after the answer; and none for it are wanted any more. */
    beamc__instructions_end(worker->instructions, of->instruction_id);
    make_room(worker); /* elements of a bundle that failed were dropped */
    /* Before it is answered: the runner may end the control stream the moment it has the answer. */
    uv_mutex_lock(&worker->lock);
    worker->active--;
    uv_cond_broadcast(&worker->changed);
    uv_mutex_unlock(&worker->lock);
    if (__atomic_exchange_n(&of->answered, true, __ATOMIC_ACQ_REL)) {
        beamc_error_free(error); /* it was given up, which has been told */
    } else if (error != NULL) {
        send_error(worker, of->instruction_id, error);
    } else {
        response.response_case = FNK(INSTRUCTION_RESPONSE__RESPONSE_PROCESS_BUNDLE);
        response.process_bundle = &done;
        send_response(worker, &response, of->instruction_id);
    }
    bundle_free(of);
}

/* The request's arena outlives the inbox's entries, so nobody needs to release it. */
static void release_nothing(void *ctx BEAMC_UNUSED)
{
}

/* Puts the elements that came with the request where those of a data stream would be. */
static beamc_error *take_embedded(bundle *of, const FN(Elements) *elements)
{
    if (elements == NULL || elements->n_data == 0)
        return NULL;
    beamc__block *block = beamc__block_new(release_nothing, NULL);
    int rc = block == NULL ? BEAMC_ENOMEM : BEAMC_OK;
    for (size_t i = 0; rc == BEAMC_OK && i < elements->n_data; i++) {
        const FN(Elements__Data) *data = elements->data[i];
        const beamc_bytes bytes = { data->data.data, data->data.len };
        rc = beamc__inbox_put(of->inbox, data->transform_id, strlen(data->transform_id), bytes,
                              block, data->is_last);
    }
    beamc__block_unref(block);
    of->is_embedded = true;
    return rc < 0 ? beamc_error_nomem() : NULL;
}

static void process_bundle(beamc__worker *worker, const FN(InstructionRequest) *request,
                           beamc_arena *take_arena)
{
    const char *id = request->instruction_id;
    bundle *of = calloc(1, sizeof(*of));

    if (of == NULL || beamc__bundle_view_init(&of->view, worker->fenced) < 0) {
        free(of);
        send_error(worker, id, beamc_error_nomem());
        beamc_arena_free(take_arena);
        return;
    }
    of->worker = worker;
    of->arena = take_arena;
    of->instruction_id = id;
    of->request = request->process_bundle;
    /* Known before its thread begins: progress may be asked for next. */
    int rc = beamc__instructions_begin(worker->instructions, id, of, &of->inbox);
    beamc_error *error =
        rc < 0 ? beamc_error_new((beamc_code)rc, "instruction %s: %s", id, beamc_code_text(rc))
               : NULL;
    if (error == NULL) {
        uv_mutex_lock(&worker->lock);
        worker->active++;
        uv_mutex_unlock(&worker->lock);
        error = take_embedded(of, request->process_bundle->elements);
        if (error == NULL)
            error = beamc__threads_start(worker->threads, run_bundle, of);
        if (error == NULL)
            return;
        beamc__instructions_end(worker->instructions, id);
        uv_mutex_lock(&worker->lock);
        worker->active--;
        uv_mutex_unlock(&worker->lock);
    }
    send_error(worker, id, error);
    bundle_free(of);
}

/* ---- the other instructions ------------------------------------------------------------------ */

/* A question about a bundle.  It is answered while the bundle cannot end, so that no answer comes after
 * the bundle's own. */
typedef struct {
    beamc__worker *worker;
    const FN(InstructionRequest) *request;
    beamc_arena *arena;
} question;

static beamc_error *fill_progress(const question *asked, bundle *of,
                                  FN(ProcessBundleProgressResponse) *answer)
{
    beamc__worker *worker = asked->worker;
    beamc__metrics *metrics = beamc__metrics_new();

    if (metrics == NULL)
        return beamc_error_nomem();
    beamc_error *error = beamc__bundle_view_report(&of->view, metrics);
    if (error == NULL)
        error = beamc__report_progress(answer, metrics, !worker->short_ids, worker->ids,
                                       asked->arena);
    beamc__metrics_free(metrics);
    answer->optional_consuming_received_data_case = FNK(
        PROCESS_BUNDLE_PROGRESS_RESPONSE__OPTIONAL_CONSUMING_RECEIVED_DATA_CONSUMING_RECEIVED_DATA);
    answer->consuming_received_data = __atomic_load_n(&of->consuming, __ATOMIC_RELAXED);
    return error;
}

/* @at is NULL for an instruction that does not run: then nothing is known, which is no error. */
static void answer_progress(void *ctx, const beamc__instruction *at)
{
    const question *asked = ctx;
    FN(InstructionResponse) response = FNK(INSTRUCTION_RESPONSE__INIT);
    FN(ProcessBundleProgressResponse) answer = FNK(PROCESS_BUNDLE_PROGRESS_RESPONSE__INIT);
    beamc_error *error = at == NULL ? NULL : fill_progress(asked, at->bundle, &answer);

    if (error != NULL) {
        send_error(asked->worker, asked->request->instruction_id, error);
        return;
    }
    response.response_case = FNK(INSTRUCTION_RESPONSE__RESPONSE_PROCESS_BUNDLE_PROGRESS);
    response.process_bundle_progress = &answer;
    send_response(asked->worker, &response, asked->request->instruction_id);
}

typedef FN(ProcessBundleSplitResponse__ChannelSplit) channel_split;

/* Splits what can be split of what is desired; elements themselves are not. */
static beamc_error *fill_split(const question *asked, bundle *of,
                               FN(ProcessBundleSplitResponse) *answer)
{
    const FN(ProcessBundleSplitRequest) *request = asked->request->process_bundle_split;
    beamc_arena *arena = asked->arena;

    answer->channel_splits =
        beamc_arena_calloc(arena, request->n_desired_splits + 1, sizeof(*answer->channel_splits));
    channel_split *splits =
        beamc_arena_calloc(arena, request->n_desired_splits + 1, sizeof(*splits));
    if (beamc_arena_failed(arena))
        return beamc_error_nomem();
    for (size_t i = 0; i < request->n_desired_splits; i++) {
        const FN(ProcessBundleSplitRequest__DesiredSplit) *one = request->desired_splits[i]->value;
        beamc__channel_split at;
        if (one == NULL)
            continue;
        const beamc__desired_split desired = { one->fraction_of_remainder,
                                               one->estimated_input_elements,
                                               one->allowed_split_points,
                                               one->n_allowed_split_points };
        if (!beamc__bundle_view_split(&of->view, request->desired_splits[i]->key, &desired, &at))
            continue;
        channel_split *split = &splits[answer->n_channel_splits];
        fn(process_bundle_split_response__channel_split__init)(split);
        split->transform_id = request->desired_splits[i]->key;
        split->last_primary_element = at.last_primary;
        split->first_residual_element = at.first_residual;
        answer->channel_splits[answer->n_channel_splits++] = split;
    }
    return NULL;
}

/* As above: what does not run cannot be split. */
static void answer_split(void *ctx, const beamc__instruction *at)
{
    const question *asked = ctx;
    FN(InstructionResponse) response = FNK(INSTRUCTION_RESPONSE__INIT);
    FN(ProcessBundleSplitResponse) answer = FNK(PROCESS_BUNDLE_SPLIT_RESPONSE__INIT);
    beamc_error *error = at == NULL ? NULL : fill_split(asked, at->bundle, &answer);

    if (error != NULL) {
        send_error(asked->worker, asked->request->instruction_id, error);
        return;
    }
    response.response_case = FNK(INSTRUCTION_RESPONSE__RESPONSE_PROCESS_BUNDLE_SPLIT);
    response.process_bundle_split = &answer;
    send_response(asked->worker, &response, asked->request->instruction_id);
}

static void answer_about(beamc__worker *worker, const FN(InstructionRequest) *request,
                         const char *instruction_id, beamc_arena *arena,
                         void (*answer)(void *ctx, const beamc__instruction *at))
{
    question asked = { worker, request, arena };

    if (!beamc__instructions_visit(worker->instructions, instruction_id, answer, &asked))
        answer(&asked, NULL);
}

static void finalize(beamc__worker *worker, const FN(InstructionRequest) *request)
{
    FN(InstructionResponse) response = FNK(INSTRUCTION_RESPONSE__INIT);
    FN(FinalizeBundleResponse) answer = FNK(FINALIZE_BUNDLE_RESPONSE__INIT);

    response.response_case = FNK(INSTRUCTION_RESPONSE__RESPONSE_FINALIZE_BUNDLE);
    response.finalize_bundle = &answer;
    send_response(worker, &response, request->instruction_id);
}

static void harness_infos(beamc__worker *worker, const FN(InstructionRequest) *request)
{
    FN(InstructionResponse) response = FNK(INSTRUCTION_RESPONSE__INIT);
    FN(HarnessMonitoringInfosResponse) answer = FNK(HARNESS_MONITORING_INFOS_RESPONSE__INIT);

    response.response_case = FNK(INSTRUCTION_RESPONSE__RESPONSE_HARNESS_MONITORING_INFOS);
    response.harness_monitoring_infos = &answer;
    send_response(worker, &response, request->instruction_id);
}

typedef FN(MonitoringInfosMetadataResponse__MonitoringInfoEntry) info_entry;

static void monitoring_infos(beamc__worker *worker, const FN(InstructionRequest) *request,
                             beamc_arena *arena)
{
    FN(InstructionResponse) response = FNK(INSTRUCTION_RESPONSE__INIT);
    FN(MonitoringInfosMetadataResponse) answer = FNK(MONITORING_INFOS_METADATA_RESPONSE__INIT);
    const FN(MonitoringInfosMetadataRequest) *asked = request->monitoring_infos;
    size_t count = asked->n_monitoring_info_id;

    answer.monitoring_info = beamc_arena_calloc(arena, count + 1, sizeof(info_entry *));
    for (size_t i = 0; answer.monitoring_info != NULL && i < count; i++) {
        info_entry *entry = beamc_arena_alloc(arena, sizeof(*entry));
        if (entry == NULL)
            break;
        fn(monitoring_infos_metadata_response__monitoring_info_entry__init)(entry);
        entry->key = asked->monitoring_info_id[i];
        entry->value = beamc__short_ids_info(worker->ids, entry->key, arena);
        if (entry->value != NULL)
            answer.monitoring_info[answer.n_monitoring_info++] = entry;
    }
    if (beamc_arena_failed(arena)) {
        send_error(worker, request->instruction_id, beamc_error_nomem());
        return;
    }
    response.response_case = FNK(INSTRUCTION_RESPONSE__RESPONSE_MONITORING_INFOS);
    response.monitoring_infos = &answer;
    send_response(worker, &response, request->instruction_id);
}

/* Where nothing is sampled there are no samples, which is an answer. */
static void sample_data(beamc__worker *worker, const FN(InstructionRequest) *request,
                        beamc_arena *arena)
{
    FN(InstructionResponse) response = FNK(INSTRUCTION_RESPONSE__INIT);
    FN(SampleDataResponse) answer = FNK(SAMPLE_DATA_RESPONSE__INIT);
    const FN(SampleDataRequest) *asked = request->sample_data;

    if (worker->samples != NULL &&
        beamc__samples_take(worker->samples, asked->pcollection_ids, asked->n_pcollection_ids,
                            &answer, arena) < 0) {
        send_error(worker, request->instruction_id, beamc_error_nomem());
        return;
    }
    response.response_case = FNK(INSTRUCTION_RESPONSE__RESPONSE_SAMPLE_DATA);
    response.sample_data = &answer;
    send_response(worker, &response, request->instruction_id);
}

static void register_descriptors(beamc__worker *worker, const FN(InstructionRequest) *request)
{
    FN(InstructionResponse) response = FNK(INSTRUCTION_RESPONSE__INIT);
    FN(RegisterResponse) answer = FNK(REGISTER_RESPONSE__INIT);
    const FN(RegisterRequest) *asked = request->register_;
    beamc_error *error = NULL;

    for (size_t i = 0; error == NULL && i < asked->n_process_bundle_descriptor; i++)
        error = beamc__descriptors_add(worker->descriptors, asked->process_bundle_descriptor[i]);
    if (error != NULL) {
        send_error(worker, request->instruction_id, error);
        return;
    }
    response.response_case = FNK(INSTRUCTION_RESPONSE__RESPONSE_REGISTER);
    response.register_ = &answer;
    send_response(worker, &response, request->instruction_id);
}

/* Answers @request; true if it has taken the arena. */
static bool dispatch(beamc__worker *worker, const FN(InstructionRequest) *request,
                     beamc_arena *arena)
{
    switch ((int)request->request_case) {
    case FNK(INSTRUCTION_REQUEST__REQUEST_PROCESS_BUNDLE):
        process_bundle(worker, request, arena);
        return true;
    case FNK(INSTRUCTION_REQUEST__REQUEST_PROCESS_BUNDLE_PROGRESS):
        answer_about(worker, request, request->process_bundle_progress->instruction_id, arena,
                     answer_progress);
        break;
    case FNK(INSTRUCTION_REQUEST__REQUEST_PROCESS_BUNDLE_SPLIT):
        answer_about(worker, request, request->process_bundle_split->instruction_id, arena,
                     answer_split);
        break;
    case FNK(INSTRUCTION_REQUEST__REQUEST_FINALIZE_BUNDLE):
        finalize(worker, request);
        break;
    case FNK(INSTRUCTION_REQUEST__REQUEST_MONITORING_INFOS):
        monitoring_infos(worker, request, arena);
        break;
    case FNK(INSTRUCTION_REQUEST__REQUEST_HARNESS_MONITORING_INFOS):
        harness_infos(worker, request);
        break;
    case FNK(INSTRUCTION_REQUEST__REQUEST_SAMPLE_DATA):
        sample_data(worker, request, arena);
        break;
    case FNK(INSTRUCTION_REQUEST__REQUEST_REGISTER):
        register_descriptors(worker, request);
        break;
    default:
        send_error(worker, request->instruction_id,
                   beamc_error_new(BEAMC_EUNSUPPORTED, "an instruction of kind %d is not known here",
                                   (int)request->request_case));
        break;
    }
    return false;
}

/* ---- the control stream ---------------------------------------------------------------------- */

/* Keeps the first error and lets the waiting thread go on. */
static void end(beamc__worker *worker, beamc_error *take_error)
{
    uv_mutex_lock(&worker->lock);
    if (worker->error == NULL && !worker->ended)
        worker->error = take_error;
    else
        beamc_error_free(take_error); /* it is over already */
    worker->ended = true;
    uv_cond_broadcast(&worker->changed);
    uv_mutex_unlock(&worker->lock);
}

static void on_message(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *message)
{
    beamc__worker *worker = ctx;
    beamc_arena *arena = beamc_arena_new();
    ProtobufCMessage *request;

    uv_mutex_lock(&worker->lock);
    worker->heard = true;
    uv_mutex_unlock(&worker->lock);
    beamc_error *error = arena == NULL ? beamc_error_nomem()
                                       : beamc__rpc_unpack(&request, message,
                                                           &fn(instruction_request__descriptor),
                                                           arena);
    if (error != NULL) {
        end(worker, beamc_error_wrap(error, "an instruction of the runner"));
        beamc__rpc_stream_cancel(stream);
        beamc_arena_free(arena);
        return;
    }
    if (!dispatch(worker, (FN(InstructionRequest) *)request, arena))
        beamc_arena_free(arena);
}

/* The end of the stream is the end of the work, also where a runner just hangs up; but not while
 * bundles run, or before anything came. */
static void on_end(void *ctx, beamc__rpc_stream *stream BEAMC_UNUSED,
                   const beamc__rpc_status *status)
{
    beamc__worker *worker = ctx;
    beamc_error *error = NULL;
    char text[ERROR_SIZE];

    uv_mutex_lock(&worker->lock);
    bool at_work = worker->active > 0 || !worker->heard;
    bool stopped = worker->stopped;
    uv_mutex_unlock(&worker->lock);
    if (status->error != NULL && at_work && !stopped) {
        beamc_error_print(status->error, text, sizeof(text));
        error = beamc_error_new(BEAMC_EIO, "the control stream: %s", text);
    }
    end(worker, error);
    beamc__instructions_stop(worker->instructions, "the control stream has ended");
}

static const beamc__rpc_stream_handlers control_handlers = { .on_message = on_message,
                                                             .on_end = on_end };

/* ---- what others are told of it -------------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The part of the status that only the worker knows: what it keeps for all bundles. */
static void print_status(void *ctx, beamc_buffer *text)
{
    beamc__worker *worker = ctx;
    const beamc__state_store_stats cache = beamc__state_store_tell(worker->state_cache);

    beamc_buffer_printf(text, "  elements that wait for their bundles: %" PRId64 " bytes\n",
                        __atomic_load_n(&worker->load.held, __ATOMIC_RELAXED));
    beamc_buffer_printf(text,
                        "\nstate cache\n  %zu of %zu bytes, %" PRIu64 " entries\n  %" PRIu64
                        " hits, %" PRIu64 " misses\n",
                        cache.bytes, cache.limit, cache.entries, cache.hits, cache.misses);
}

typedef struct {
    beamc__worker *worker;
    const char *text;
} last_words;

static void answer_for(void *ctx, const beamc__instruction *at)
{
    const last_words *words = ctx;
    bundle *of = at->bundle;

    if (!__atomic_exchange_n(&of->answered, true, __ATOMIC_ACQ_REL))
        send_text(words->worker, at->id, words->text);
}

/* A bundle's thread will not come back, and is answered for: to a runner the worker would else just be
 * gone.  Returns when that is sent, or not soon enough. */
static void answer_in_place(beamc__worker *worker, const char *instruction, const char *message,
                            const char *stack)
{
    const int64_t until = now_ms() + LAST_WORDS_MS;
    const struct timespec nap = { .tv_nsec = 1000000 };
    char text[ERROR_SIZE];
    last_words words = { worker, text };

    snprintf(text, sizeof(text), "%s\n%s", message, stack == NULL ? "" : stack);
    beamc__utf8_clean(text);
    beamc__instructions_visit(worker->instructions, instruction, answer_for, &words);
    while (beamc__rpc_stream_unsent(worker->control) > 0 && now_ms() < until)
        nanosleep(&nap, NULL);
}

static beamc__worker *of_crash(beamc__crash_listener *listener)
{
    return (beamc__worker *)(void *)((char *)listener - offsetof(beamc__worker, crash));
}

static bool find_crashed(beamc__crash_listener *self, pid_t thread, beamc__crash_place *out)
{
    return beamc__activities_find_crashed(of_crash(self)->activities, thread, out);
}

/* Standard error has been told by whoever watches. */
static void tell_crash(beamc__crash_listener *self, const beamc__crash *crash, bool is_mine)
{
    beamc__worker *worker = of_crash(self);
    const beamc__crash_place *place = is_mine ? crash->place : NULL;
    const beamc_log_target log = {
        worker->log, worker->log_level, place == NULL ? NULL : place->instruction,
        place == NULL || place->transform[0] == '\0' ? NULL : place->transform
    };

    if (worker->log_stream != NULL)
        beamc__log_trace(&log, BEAMC_LOG_CRITICAL, crash->message, crash->stack);
    if (place != NULL)
        answer_in_place(worker, place->instruction, crash->message, crash->stack);
    if (worker->log_stream != NULL)
        beamc__log_stream_finish(worker->log_stream, LAST_WORDS_MS);
}

static void give_up(void *ctx, beamc__activity *activity BEAMC_UNUSED,
                    const beamc__activity_view *view, const char *message, const char *stack)
{
    beamc__worker *worker = ctx;
    const beamc_log_target log = { worker->log, worker->log_level, view->instruction,
                                   view->place.transform };

    beamc__log_trace(&log, BEAMC_LOG_CRITICAL, message, stack);
    answer_in_place(worker, view->instruction, message, stack);
    if (worker->give_up == NULL)
        return;
    if (worker->log_stream != NULL)
        beamc__log_stream_finish(worker->log_stream, LAST_WORDS_MS);
    worker->give_up();
}

/* ---- opening --------------------------------------------------------------------------------- */

static bool is_stopped(beamc__worker *worker)
{
    uv_mutex_lock(&worker->lock);
    bool stopped = worker->stopped;
    uv_mutex_unlock(&worker->lock);
    return stopped;
}

/* Waits for the server; runners start theirs and their workers at once. */
static beamc_error *await_server(beamc__worker *worker, beamc__rpc_channel *channel, int64_t ms)
{
    const int64_t until = now_ms() + ms;

    for (;;) {
        int64_t left = until - now_ms();
        beamc_error *error = beamc__rpc_channel_connect(
            channel, left < 1 ? 1 : left < SLICE_MS ? left : SLICE_MS);
        if (error == NULL || is_stopped(worker) || now_ms() >= until)
            return beamc_error_wrap(error, "after %" PRId64 " ms", ms);
        beamc_error_free(error); /* it may yet come up */
    }
}

static beamc_error *open_call(beamc__worker *worker, beamc__rpc_channel *channel,
                              const char *method, const beamc__rpc_stream_handlers *handlers,
                              beamc__rpc_stream **out)
{
    beamc__rpc_stream_options options = { .send_limit = CONTROL_LIMIT };
    return beamc__rpc_stream_open(out, channel, method, handlers, worker, &options);
}

/* Without a server for the log, entries go to standard error. */
static beamc_error *open_logging(beamc__worker *worker)
{
    const int64_t ms = worker->ready_ms < LOG_READY_MS ? worker->ready_ms : LOG_READY_MS;
    char text[ERROR_SIZE];

    if (worker->log_channel == NULL)
        return NULL;
    beamc_error *error = await_server(worker, worker->log_channel, ms);
    if (error != NULL) {
        const beamc_log_target log = { worker->log, worker->log_level, NULL, NULL };
        beamc_error_print(error, text, sizeof(text));
        beamc_log_to(&log, BEAMC_LOG_WARN, "the log is written here: %s", text);
        beamc_error_free(error);
        return NULL;
    }
    beamc__rpc_channel *channel = worker->log_channel;
    worker->log_channel = NULL;
    BEAMC_TRY(beamc__log_stream_open(&worker->log_stream, worker->control_queue, channel));
    worker->log = beamc__log_stream_sink(worker->log_stream);
    worker->plan_options.log = worker->log;
    return NULL;
}

static beamc_error *open_status(beamc__worker *worker)
{
    const beamc__status_parts parts = { worker->id, worker->activities, worker->descriptors,
                                        print_status, worker };
    beamc__rpc_channel *channel = worker->status_channel;

    worker->status_channel = NULL;
    return channel == NULL ? NULL : beamc__status_open(&worker->status, channel, &parts);
}

/* Control last, and only when the log is connected: a runner whose work is done ends the streams that
 * it knows of, and waits for those that come while it does. */
static beamc_error *open_streams(beamc__worker *worker)
{
    BEAMC_TRY(open_logging(worker));
    BEAMC_TRY(open_status(worker));
    BEAMC_TRY(beamc_error_wrap(await_server(worker, worker->control_channel, worker->ready_ms),
                               "the control stream"));
    return open_call(worker, worker->control_channel, CONTROL_METHOD, &control_handlers,
                     &worker->control);
}

/* ---- what is done now and then --------------------------------------------------------------- */

static void tick(void *ctx BEAMC_UNUSED, const beamc__instruction *at)
{
    bundle *of = at->bundle;

    __atomic_fetch_add(&of->ticks, 1, __ATOMIC_RELAXED);
    beamc__inbox_nudge(at->inbox); /* it may wait for more to do */
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Samples where plans are, and lets bundles send what they have. */
static void watch(beamc__worker *worker)
{
    const int64_t flush_ms = worker->flush_ms > 0 ? worker->flush_ms : INT64_MAX / 2;
    const int64_t sample_ms = least(SAMPLE_MS, worker->lulls.after_ms);
    int64_t sampled = now_ms();
    int64_t flushed = sampled;

    worker->lull_log = (beamc_log_target){ worker->log, worker->log_level, NULL, NULL };
    uv_mutex_lock(&worker->lock);
    while (!worker->stopped) {
        int64_t now = now_ms();
        int64_t wait = least(sampled + sample_ms, flushed + flush_ms) - now;
        if (wait > 0) {
            uv_cond_timedwait(&worker->changed, &worker->lock, (uint64_t)wait * 1000000);
            continue;
        }
        uv_mutex_unlock(&worker->lock);
        if (now - flushed >= flush_ms) {
            beamc__instructions_visit_all(worker->instructions, tick, NULL);
            flushed = now;
        }
        if (now - sampled >= sample_ms) {
            beamc__descriptors_sample(worker->descriptors, now - sampled);
            beamc__activities_sample(worker->activities, now);
            beamc__lulls_check(&worker->lulls, now);
            if (worker->log_stream != NULL)
                beamc__log_stream_mend(worker->log_stream, now);
            sampled = now;
        }
        uv_mutex_lock(&worker->lock);
    }
    uv_mutex_unlock(&worker->lock);
}

/* The thread of what is neither a stream's nor a bundle's. */
static void keep(void *arg)
{
    beamc__worker *worker = arg;

    pthread_setname_np(pthread_self(), "beamc-keeper");
    beamc_error *error = open_streams(worker);
    if (error != NULL)
        end(worker, error);
    watch(worker);
}

/* ---- the worker ------------------------------------------------------------------------------ */

static beamc_error *make_parts(beamc__worker *worker, const beamc__worker_options *options)
{
    static const beamc_log_sink stderr_sink = { beamc_log_write_stderr, NULL };
    char prefix[256];

    worker->id = strdup(options->id);
    snprintf(prefix, sizeof(prefix), "%s/", options->id);
    worker->ids = beamc__short_ids_new(prefix);
    worker->load.on_starved = make_room;
    worker->load.ctx = worker;
    worker->instructions = beamc__instructions_new(&worker->load);
    worker->threads = beamc__threads_new(BUNDLES_MAX);
    worker->activities = beamc__activities_new();
    worker->state_cache = beamc__state_store_new(
        options->state_cache_size > 0 ? options->state_cache_size : STATE_CACHE_SIZE);
    if (options->sample_elements || options->sample_errors)
        worker->samples = beamc__samples_new(!options->sample_elements);
    if ((options->sample_elements || options->sample_errors) && worker->samples == NULL)
        return beamc_error_nomem();
    if (worker->id == NULL || worker->ids == NULL || worker->instructions == NULL ||
        worker->threads == NULL || worker->state_cache == NULL || worker->activities == NULL)
        return beamc_error_nomem();
    worker->short_ids = options->short_ids;
    worker->embed_output = options->embed_output;
    worker->fenced = !beamc__data_channel_prepare();
    worker->log = &stderr_sink;
    worker->log_level = options->log_level != 0 ? options->log_level : BEAMC_LOG_INFO;
    worker->flush_size = options->flush_size;
    worker->flush_ms = options->flush_ms > 0 ? options->flush_ms : 0;
    worker->ready_ms = options->ready_ms > 0 ? options->ready_ms : READY_MS;
    worker->plan_options = (beamc__plan_options){ .functions = options->functions,
                                                  .function_count = options->function_count,
                                                  .log = worker->log,
                                                  .log_level = worker->log_level,
                                                  .log_ids = true,
                                                  .samples = worker->samples };
    worker->registry = (beamc__data_registry){ .find = find_inbox,
                                               .lost = data_lost,
                                               .ctx = worker,
                                               .load = &worker->load,
                                               .enough = HELD_ENOUGH,
                                               .limit = HELD_LIMIT };
    worker->lulls = (beamc__lulls){ .activities = worker->activities,
                                    .log = &worker->lull_log,
                                    .after_ms = options->lull_ms > 0 ? options->lull_ms : LULL_MS,
                                    .limit_ms = options->stuck_ms,
                                    .give_up = give_up,
                                    .ctx = worker };
    worker->give_up = options->give_up;
    worker->crash = (beamc__crash_listener){ .find = find_crashed, .tell = tell_crash };
    beamc__crash_join(&worker->crash);
    worker->listens = true;
    return NULL;
}

/* A channel connects when it is first used. */
static beamc_error *make_channel(beamc__worker *worker, const char *url, beamc__rpc_channel **out)
{
    beamc__rpc_metadata metadata[] = { { "worker_id", worker->id } };
    beamc__rpc_channel_options options = { .metadata = metadata, .metadata_count = 1 };

    if (url == NULL || *url == '\0')
        return NULL;
    return beamc__rpc_channel_new(out, worker->control_queue, url, &options);
}

static beamc_error *start(beamc__worker *worker, const beamc__worker_options *options)
{
    BEAMC_TRY(make_parts(worker, options));
    BEAMC_TRY(beamc__rpc_queue_new(&worker->control_queue, "beamc-control"));
    BEAMC_TRY(beamc__rpc_queue_new(&worker->data_queue, "beamc-data"));
    BEAMC_TRY(make_channel(worker, options->logging_url, &worker->log_channel));
    BEAMC_TRY(make_channel(worker, options->status_url, &worker->status_channel));
    BEAMC_TRY(make_channel(worker, options->control_url, &worker->control_channel));
    worker->descriptors = beamc__descriptors_new(worker->control_channel, &worker->plan_options);
    if (worker->descriptors == NULL)
        return beamc_error_nomem();
    int rc = uv_thread_create(&worker->keeper, keep, worker);
    if (rc < 0)
        return beamc_error_new(BEAMC_EIO, "starting a thread: %s", uv_strerror(rc));
    worker->has_keeper = true;
    return NULL;
}

beamc_error *beamc__worker_start(beamc__worker **out, const beamc__worker_options *options)
{
    beamc__worker *worker = calloc(1, sizeof(*worker));

    *out = NULL;
    if (worker == NULL)
        return beamc_error_nomem();
    if (uv_mutex_init(&worker->lock) < 0 || uv_cond_init(&worker->changed) < 0) {
        free(worker);
        return beamc_error_nomem();
    }
    beamc_error *error = start(worker, options);
    if (error != NULL) {
        beamc__worker_free(worker);
        return beamc_error_wrap(error, "worker %s", options->id);
    }
    *out = worker;
    return NULL;
}

beamc_error *beamc__worker_wait(beamc__worker *worker)
{
    uv_mutex_lock(&worker->lock);
    while (!worker->ended && !worker->stopped)
        uv_cond_wait(&worker->changed, &worker->lock);
    beamc_error *error = worker->error;
    worker->error = NULL;
    uv_mutex_unlock(&worker->lock);
    return beamc_error_wrap(error, "worker %s", worker->id);
}

void beamc__worker_stop(beamc__worker *worker)
{
    uv_mutex_lock(&worker->lock);
    worker->stopped = true;
    uv_cond_broadcast(&worker->changed);
    uv_mutex_unlock(&worker->lock);
}

static void cancel_bundle(void *ctx BEAMC_UNUSED, const beamc__instruction *at)
{
    bundle *of = at->bundle;
    __atomic_store_n(&of->cancel, 1, __ATOMIC_RELAXED);
}

/* Bundles under way end with errors: they are cancelled, their inboxes closed, their streams, too. */
static void end_bundles(beamc__worker *worker)
{
    if (worker->instructions != NULL) {
        beamc__instructions_stop(worker->instructions, "the worker is stopped");
        beamc__instructions_visit_all(worker->instructions, cancel_bundle, NULL);
    }
    beamc__rpc_channel_close(worker->control_channel);
    uv_mutex_lock(&worker->lock);
    worker->closing = true;
    for (size_t i = 0; i < worker->state.count; i++)
        beamc__state_client_close(worker->state.clients[i]);
    for (size_t i = 0; i < worker->data.count; i++)
        beamc__data_stream_close(worker->data.streams[i]);
    uv_mutex_unlock(&worker->lock);
    beamc__threads_end(worker->threads);
}

void beamc__worker_free(beamc__worker *worker)
{
    if (worker == NULL)
        return;
    if (worker->listens)
        beamc__crash_leave(&worker->crash);
    beamc__worker_stop(worker);
    if (worker->has_keeper)
        uv_thread_join(&worker->keeper);
    if (worker->control_channel != NULL)
        end_bundles(worker);
    beamc__rpc_channel_free(worker->control_channel); /* from here on no instruction comes */
    beamc__threads_free(worker->threads);
    beamc__rpc_stream_unref(worker->control);
    beamc__status_free(worker->status);
    beamc__rpc_channel_free(worker->status_channel);
    for (size_t i = 0; i < worker->data.count; i++)
        beamc__data_stream_free(worker->data.streams[i]);
    for (size_t i = 0; i < worker->state.count; i++)
        beamc__state_client_free(worker->state.clients[i]);
    free(worker->data.streams);
    free(worker->state.clients);
    beamc__descriptors_free(worker->descriptors); /* DoFns are torn down, and may log */
    beamc__log_stream_free(worker->log_stream);
    beamc__rpc_channel_free(worker->log_channel);
    beamc__rpc_queue_free(worker->data_queue);
    beamc__rpc_queue_free(worker->control_queue);
    beamc__instructions_free(worker->instructions);
    beamc__state_store_free(worker->state_cache);
    beamc__samples_free(worker->samples);
    beamc__activities_free(worker->activities);
    beamc__short_ids_free(worker->ids);
    beamc_error_free(worker->error); /* nobody waited */
    uv_cond_destroy(&worker->changed);
    uv_mutex_destroy(&worker->lock);
    free(worker->id);
    free(worker);
}
