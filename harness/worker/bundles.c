/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles: their elements, their plan, their answer. */
#include "harness/worker/worker_core.h"

#include "harness/worker/report.h"
#include <stdlib.h>

typedef beamc__running_bundle bundle;

/* ---- streams by URL -------------------------------------------------------------------------- */

static void *grown(void *list, size_t count, size_t size)
{
    return realloc(list, (count + 1) * size);
}

/* These two are called with the lock. */

static beamc_error *find_data_stream(beamc__worker *worker, const char *url,
                                     beamc__data_stream **out)
{
    beamc__data_streams *all = &worker->data;

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
    BEAMC_TRY(beamc__data_stream_open(out, worker->queue, url, worker->id, &worker->registry));
    all->streams[all->count++] = *out;
    return NULL;
}

static beamc_error *find_state_client(beamc__worker *worker, const char *url,
                                      beamc__state_client **out)
{
    beamc__state_clients *all = &worker->state;

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
    BEAMC_TRY(beamc__state_client_open(out, worker->queue, url, worker->id));
    all->clients[all->count++] = *out;
    return NULL;
}

static beamc_error *data_stream_of(beamc__worker *worker, const char *url, beamc__data_stream **out)
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

void beamc__make_room(void *ctx)
{
    beamc__worker *worker = ctx;

    uv_mutex_lock(&worker->lock);
    for (size_t i = 0; i < worker->data.count; i++)
        beamc__data_stream_room(worker->data.streams[i]);
    uv_mutex_unlock(&worker->lock);
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
    __atomic_store_n(&of->consuming, false, __ATOMIC_RELAXED);
    do {
        nudged = false;
        for (size_t i = 0; i < of->output_count; i++)
            BEAMC_TRY(beamc__data_output_flush(&of->outputs[i]));
        BEAMC_TRY(beamc__inbox_take(of->inbox, self->transform_id, out, &input->block, &nudged));
    } while (nudged);
    /* Now, and not when these have been worked off: others may wait for what is behind. */
    beamc__make_room(of->worker);
    __atomic_store_n(&of->consuming, out->size > 0, __ATOMIC_RELAXED);
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
        return beamc_error_new(BEAMC_ECORRUPT,
                               "the elements in the request lack the end of port %s",
                               port->transform_id);
    return NULL;
}

static beamc_error *open_ports(bundle *of, const beamc__descriptor *from, ports *out)
{
    beamc__worker *worker = of->worker;
    beamc_arena *arena = of->arena;
    beamc__state_client *client;

    /* Those who do not offer it are not sent it; elements would come where nobody waits. */
    if (*of->request->data_stream_id != '\0')
        return beamc_error_new(BEAMC_EUNSUPPORTED,
                               "elements are to come by data stream %s: named ones are not offered",
                               of->request->data_stream_id);
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

/* Elements of a small bundle travel with its answer, if the runner takes them there: all or none.
 */
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

static beamc_error *finish_outputs(bundle *of, ports *opened, FN(ProcessBundleResponse) *response)
{
    if (opened->output_count > 0 && can_embed(of, opened))
        return embed_outputs(of, opened, response);
    for (size_t i = 0; i < opened->output_count; i++)
        BEAMC_TRY(beamc__data_output_finish(&opened->outputs[i]));
    return NULL;
}

static bool is_source(const void *ctx, const char *transform_id)
{
    const beamc__descriptor *from = ctx;

    for (size_t i = 0; i < from->source_count; i++) {
        if (strcmp(from->sources[i].transform_id, transform_id) == 0)
            return true;
    }
    return false;
}

/* What came for a port that is not there, or has ended, would be lost, and nobody would know. */
static beamc_error *check_strays(const bundle *of, const beamc__descriptor *from)
{
    const char *stray = beamc__inbox_stray(of->inbox, is_source, from);

    return stray == NULL ? NULL
                         : beamc_error_new(BEAMC_ECORRUPT,
                                           "the runner sent elements for transform %s, which is no "
                                           "source of the descriptor, or sent them behind its end",
                                           stray);
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
        error = check_strays(of, from);
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
    beamc__make_room(worker); /* elements of a bundle that failed were dropped */
    /* Before it is answered: the runner may end the control stream the moment it has the answer. */
    uv_mutex_lock(&worker->lock);
    worker->active--;
    uv_cond_broadcast(&worker->changed);
    uv_mutex_unlock(&worker->lock);
    beamc__threads_over(worker->threads);
    if (__atomic_exchange_n(&of->answered, true, __ATOMIC_ACQ_REL)) {
        beamc_error_free(error); /* it was given up, which has been told */
    } else if (error != NULL) {
        beamc__answer_error(worker, of->instruction_id, error);
    } else {
        response.response_case = FNK(INSTRUCTION_RESPONSE__RESPONSE_PROCESS_BUNDLE);
        response.process_bundle = &done;
        beamc__answer(worker, &response, of->instruction_id);
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
    of->is_embedded = elements != NULL; /* also if they are none: nothing else comes */
    if (elements == NULL)
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
    return rc < 0 ? beamc_error_nomem() : NULL;
}

void beamc__process_bundle(beamc__worker *worker, const FN(InstructionRequest) *request,
                           beamc_arena *take_arena)
{
    const char *id = request->instruction_id;
    bundle *of = calloc(1, sizeof(*of));

    if (of == NULL || beamc__bundle_view_init(&of->view, worker->fenced) < 0) {
        free(of);
        beamc__answer_error(worker, id, beamc_error_nomem());
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
        beamc__make_room(worker);
        uv_mutex_lock(&worker->lock);
        worker->active--;
        uv_mutex_unlock(&worker->lock);
    }
    beamc__answer_error(worker, id, error);
    bundle_free(of);
}
