/* SPDX-License-Identifier: Apache-2.0 */
/* Running stages.
 *
 * A stage is ready when all it waits for is done; then its input is cut into parts, each a bundle.
 * Worker threads take bundles of any ready stage.  Whoever ends a stage's last bundle makes its
 * outputs readable and looks which stages are ready now.  The calling thread watches. */
#include "runners/engine/engine.h"

#include "proto/urns.h"
#include "runners/engine/collection.h"
#include "runners/engine/shuffle.h"
#include "runners/engine/side_index.h"
#include "runners/engine/stage.h"
#include "sdk/coders/type_proto.h"
#include "sdk/coders/windowed.h"
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#define PARTS_MAX 64                     /* of one input */
#define PART_BYTES_MIN ((uint64_t)1 << 20) /* of a part, unless the elements were spread */
/* Of an index that orders what is written: stage, bundle of it, writer of that. */
#define INDEX_BUNDLE_BITS 20
#define INDEX_WRITER_BITS 24
#define WATCH_MS 20
#define PROGRESS_MS 200

typedef struct run run;

/* A kept PCollection in memory and on disk. */
typedef struct {
    beamc__collection *collection;
    beamc__shuffle *shuffle; /* groups, side inputs */
    beamc__side_index *index;
    size_t readers_left;
} storage;

/* What one bundle reads. */
typedef struct {
    const beamc__kept *kept; /* NULL: the impulse */
    beamc__part part;        /* of a collection */
    size_t shuffle_part;
} bundle_input;

typedef struct {
    beamc__stage *stage;
    void *executor_stage;
    bool started;
    bundle_input *bundles; /* owned */
    size_t bundle_count;
    size_t next_bundle; /* to hand out */
    size_t done;
    bool has_written;         /* its last bundle is done; it is not itself until all is put away */
    beamc__kept **finishing;  /* owned: what it is the last to write */
    bool counts_input;        /* nobody before it counts the elements that it reads */
    beamc_stage_state state;
    int64_t elements; /* atomic */
    int64_t bytes;    /* atomic */
    int64_t started_ms, ended_ms;
} stage_run;

struct run {
    const beamc_direct_options *options;
    beamc__executor *executor;
    beamc__leaves graph;
    beamc__stages stages;
    beamc__store *store;
    stage_run *runs; /* owned; by stage index */
    int workers;
    uv_mutex_t lock;      /* guards all below and the stage_runs' plain fields */
    uv_cond_t changed;    /* work was added, or all is over */
    uv_cond_t watch;      /* for the watching thread: a stage ended, or a worker */
    int workers_left;
    size_t stages_done;
    beamc_error *error;
    beamc__metrics *metrics;
    volatile int cancel; /* non-zero: bundles stop */
    bool stage_changed;  /* progress is to be told at once */
    beamc_stage_progress *progress; /* owned */
    const beamc_log_sink *log;
    beamc_log_level log_level;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the bundle's inputs ----------------------------------------------------------------------- */

typedef struct {
    beamc__input input;
    beamc__collection_reader *collection;
    beamc__shuffle_reader *shuffle;
    bool impulse_given;
} engine_input;

static beamc_error *next_of_collection(beamc__input *self, beamc_bytes *out)
{
    engine_input *input = (engine_input *)self;
    return beamc__collection_next(input->collection, out);
}

static beamc_error *next_of_shuffle(beamc__input *self, beamc__group *out, bool *got)
{
    engine_input *input = (engine_input *)self;
    return beamc__shuffle_next(input->shuffle, out, got);
}

/* The one element: start of time, global window, no firing, no bytes. */
static beamc_error *next_of_impulse(beamc__input *self, beamc_bytes *out)
{
    static const uint8_t element[] = { 0x7f, 0xdf, 0x3b, 0x64, 0x5a, 0x1c, 0xac,
                                       0x09, 0,    0,    0,    1,    0x0f, 0 };
    engine_input *input = (engine_input *)self;

    *out = (beamc_bytes){ element, input->impulse_given ? 0 : sizeof(element) };
    input->impulse_given = true;
    return NULL;
}

static beamc_error *input_open(engine_input *input, const beamc__stage *stage,
                               const bundle_input *from)
{
    memset(input, 0, sizeof(*input));
    input->input.transform_id = stage->port_id;
    if (from->kept == NULL) {
        input->input.next_chunk = next_of_impulse;
        return NULL;
    }
    const storage *kept = from->kept->storage;
    if (from->kept->as == BEAMC__KEPT_GROUPS) {
        input->input.next_group = next_of_shuffle;
        return beamc__shuffle_reader_new(&input->shuffle, kept->shuffle, from->shuffle_part);
    }
    input->input.next_chunk = next_of_collection;
    return beamc__collection_reader_new(&input->collection, kept->collection, &from->part);
}

static void input_close(engine_input *input)
{
    if (input->collection != NULL)
        beamc__collection_reader_free(input->collection);
    if (input->shuffle != NULL)
        beamc__shuffle_reader_free(input->shuffle);
}

/* ---- its outputs ------------------------------------------------------------------------------- */

typedef struct {
    beamc__kept_as as;
    bool keyed; /* the key is the element's own */
    beamc__collection_writer *collection;
    beamc__shuffle_writer *shuffle;
} engine_target;

typedef struct {
    beamc__output output;
    stage_run *stage;
    engine_target *targets;
    size_t target_count;
    size_t bytes; /* written so far */
} engine_output;

static beamc_error *wrote(beamc__output *self, size_t start, size_t head_size, size_t key_size)
{
    engine_output *output = (engine_output *)self;
    const uint8_t *element = self->buffer.data + start;
    size_t size = self->buffer.size - start;

    for (size_t i = 0; i < output->target_count; i++) {
        engine_target *target = &output->targets[i];
        if (target->as == BEAMC__KEPT_COLLECTION) {
            BEAMC_TRY(beamc__collection_put(target->collection, element, size));
            continue;
        }
        size_t key = target->keyed ? key_size : 0;
        BEAMC_TRY(beamc__shuffle_put(target->shuffle, element, head_size, element + head_size, key,
                                     element + head_size + key, size - head_size - key));
    }
    output->bytes += size;
    self->buffer.size = start;
    return NULL;
}

static beamc_error *target_open(engine_target *target, const beamc__kept *to,
                                uint64_t bundle_index)
{
    const storage *kept = to->storage;

    target->as = to->as;
    target->keyed = to->as == BEAMC__KEPT_GROUPS || to->is_multimap;
    if (to->as == BEAMC__KEPT_COLLECTION)
        return beamc__collection_writer_new(&target->collection, kept->collection, bundle_index);
    return beamc__shuffle_writer_new(&target->shuffle, kept->shuffle, bundle_index);
}

/* @index is of its first target; the others follow. */
static beamc_error *output_open(engine_output *output, stage_run *stage,
                                const beamc__stage_output *from, uint64_t index)
{
    memset(output, 0, sizeof(*output));
    output->output.transform_id = from->port_id;
    output->output.wrote = wrote;
    output->stage = stage;
    output->targets = calloc(from->to_count + 1, sizeof(*output->targets));
    if (output->targets == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < from->to_count; i++) {
        output->target_count++;
        BEAMC_TRY(target_open(&output->targets[i], from->to[i], index + i));
    }
    return NULL;
}

/* Commits, or aborts if @failed; ends the output. */
static beamc_error *output_close(engine_output *output, bool failed)
{
    beamc_error *error = NULL;

    for (size_t i = 0; i < output->target_count; i++) {
        engine_target *target = &output->targets[i];
        if (failed || error != NULL) {
            beamc__collection_abort(target->collection);
            beamc__shuffle_abort(target->shuffle);
        } else if (target->collection != NULL) {
            error = beamc__collection_commit(target->collection);
        } else {
            error = beamc__shuffle_commit(target->shuffle);
        }
    }
    __atomic_fetch_add(&output->stage->bytes, (int64_t)output->bytes, __ATOMIC_RELAXED);
    beamc_buffer_dispose(&output->output.buffer);
    free(output->targets);
    return error;
}

/* ---- its state --------------------------------------------------------------------------------- */

typedef struct {
    beamc__state state;
    const beamc__stage *stage;
} engine_state;

static beamc_error *state_get(beamc__state *self, const beamc__state_key *key,
                              beamc_bytes from BEAMC_UNUSED, beamc__state_page *page)
{
    const beamc__stage *stage = ((engine_state *)self)->stage;

    if (key->kind == BEAMC__STATE_RUNNER)
        return beamc_error_new(BEAMC_EINVAL, "a token of an iterable that this runner did not make");
    for (size_t i = 0; i < stage->side_count; i++) {
        const beamc__stage_side *side = &stage->sides[i];
        if (strcmp(side->transform_id, key->transform_id) != 0 ||
            strcmp(side->tag, key->id) != 0)
            continue;
        const storage *kept = side->from->storage;
        beamc_bytes none = { NULL, 0 };
        beamc_bytes values = beamc__side_index_get(
            kept->index, key->window, key->kind == BEAMC__STATE_MULTIMAP_SIDE_INPUT ? key->key : none);
        page->data = values.data;
        page->size = values.size;
        return NULL;
    }
    return beamc_error_new(BEAMC_ENOENT, "transform %s has no side input %s", key->transform_id,
                           key->id);
}

/* ---- running a bundle --------------------------------------------------------------------------- */

/* Bundles are ordered by stage, then by their place in it, what one writes by the writer: two of one
 * bundle may write to the same place. */
static uint64_t writer_index(const stage_run *stage, size_t bundle, size_t writer)
{
    return ((uint64_t)stage->stage->index << INDEX_BUNDLE_BITS | bundle) << INDEX_WRITER_BITS | writer;
}

static size_t writer_count(const beamc__stage *stage)
{
    size_t count = 0;

    for (size_t i = 0; i < stage->output_count; i++)
        count += stage->outputs[i].to_count;
    return count;
}

static beamc_error *run_with_outputs(run *r, stage_run *stage, size_t index, engine_input *input,
                                     engine_output *outputs, beamc__metrics *metrics)
{
    char id[64];
    beamc__input *inputs[1] = { &input->input };
    engine_state state = { { .get = state_get }, stage->stage };
    beamc__output **list = calloc(stage->stage->output_count + 1, sizeof(*list));
    beamc_error *error;

    if (list == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < stage->stage->output_count; i++)
        list[i] = &outputs[i].output;
    snprintf(id, sizeof(id), "%s-%zu", stage->stage->descriptor->id, index);
    beamc__bundle bundle = {
        .instruction_id = id,
        .inputs = inputs,
        .input_count = 1,
        .outputs = list,
        .output_count = stage->stage->output_count,
        .state = &state.state,
        .log = r->log,
        .log_level = r->log_level,
        .cancel = &r->cancel,
        .elements_read = &stage->elements,
    };
    error = r->executor->run(r->executor, stage->executor_stage, &bundle, metrics);
    free(list);
    return error;
}

static beamc_error *run_bundle(run *r, stage_run *stage, size_t index, beamc__metrics *metrics)
{
    const beamc__stage *plan = stage->stage;
    engine_input input;
    engine_output *outputs = calloc(plan->output_count + 1, sizeof(*outputs));
    size_t opened = 0;
    size_t writer = 0;

    if (outputs == NULL)
        return beamc_error_nomem();
    beamc_error *error = input_open(&input, plan, &stage->bundles[index]);
    while (error == NULL && opened < plan->output_count) {
        error = output_open(&outputs[opened], stage, &plan->outputs[opened],
                            writer_index(stage, index, writer));
        writer += plan->outputs[opened].to_count;
        opened++;
    }
    if (error == NULL)
        error = run_with_outputs(r, stage, index, &input, outputs, metrics);
    for (size_t i = 0; i < opened; i++) {
        beamc_error *closing = output_close(&outputs[i], error != NULL);
        error = error == NULL ? closing : error;
    }
    input_close(&input);
    free(outputs);
    return error;
}

/* ---- stages ------------------------------------------------------------------------------------ */

static beamc_error *cut_collection(stage_run *stage, const beamc__kept *kept)
{
    const storage *from = kept->storage;
    beamc__part *parts = NULL;
    size_t count = 0;

    BEAMC_TRY(beamc__collection_parts(from->collection, PARTS_MAX,
                                      kept->spread ? 0 : PART_BYTES_MIN, &parts, &count));
    for (size_t i = 0; i < count; i++)
        stage->bundles[stage->bundle_count++] = (bundle_input){ kept, parts[i], 0 };
    free(parts);
    return NULL;
}

/* Cuts the stage's input into bundles. */
static beamc_error *cut(stage_run *stage)
{
    const beamc__stage *plan = stage->stage;
    size_t most = (plan->from_count + 1) * PARTS_MAX;
    size_t writers = writer_count(plan);

    if (most >> INDEX_BUNDLE_BITS != 0 || writers >> INDEX_WRITER_BITS != 0)
        return beamc_error_new(BEAMC_ELIMIT, "stage %s: reads %zu and writes %zu results at once",
                               plan->name, plan->from_count, writers);
    stage->finishing = calloc(writers + 1, sizeof(*stage->finishing));
    stage->bundles = calloc(most, sizeof(*stage->bundles));
    if (stage->bundles == NULL || stage->finishing == NULL)
        return beamc_error_nomem();
    if (plan->from_impulse)
        stage->bundle_count = 1; /* all zero: the impulse */
    for (size_t i = 0; i < plan->from_count; i++) {
        const beamc__kept *kept = plan->from[i];
        const storage *from = kept->storage;
        if (kept->as == BEAMC__KEPT_COLLECTION) {
            BEAMC_TRY(cut_collection(stage, kept));
            continue;
        }
        for (size_t p = 0; p < beamc__shuffle_part_count(from->shuffle); p++)
            stage->bundles[stage->bundle_count++] = (bundle_input){ .kept = kept,
                                                                    .shuffle_part = p };
    }
    return NULL;
}

static beamc_error *stage_start(run *r, stage_run *stage)
{
    stage->state = BEAMC_STAGE_RUNNING;
    stage->started_ms = now_ms();
    BEAMC_TRY(cut(stage));
    BEAMC_TRY(r->executor->stage_start(r->executor, stage->stage->descriptor,
                                       &stage->executor_stage));
    stage->started = true;
    return NULL;
}

/* Makes what the stage wrote readable, if it was the last to write it. */
static beamc_error *finish_kept(run *r, beamc__kept *kept)
{
    storage *at = kept->storage;

    if (kept->as == BEAMC__KEPT_COLLECTION)
        return beamc__collection_finish(at->collection);
    BEAMC_TRY(beamc__shuffle_finish(at->shuffle));
    if (kept->as == BEAMC__KEPT_GROUPS)
        return NULL;
    BEAMC_TRY(beamc__side_index_new(&at->index, r->store, at->shuffle));
    beamc__shuffle_free(at->shuffle);
    at->shuffle = NULL;
    return NULL;
}

static bool is_written_by(const beamc__kept *kept, const beamc__stage *stage)
{
    for (size_t i = 0; i < stage->output_count; i++) {
        for (size_t k = 0; k < stage->outputs[i].to_count; k++) {
            if (stage->outputs[i].to[k] == kept)
                return true;
        }
    }
    return false;
}

static bool is_complete(const run *r, const beamc__kept *kept)
{
    for (size_t i = 0; i < r->stages.stage_count; i++) {
        if (!r->runs[i].has_written && is_written_by(kept, r->stages.stages[i]))
            return false;
    }
    return true;
}

static void storage_free(storage *at)
{
    beamc__side_index_free(at->index);
    if (at->shuffle != NULL)
        beamc__shuffle_free(at->shuffle);
    if (at->collection != NULL)
        beamc__collection_free(at->collection);
    memset(at, 0, sizeof(*at));
}

/* Gives back what no stage will read any more. */
static void release_inputs(const beamc__stage *stage)
{
    for (size_t i = 0; i < stage->from_count; i++) {
        storage *at = stage->from[i]->storage;
        if (--at->readers_left == 0)
            storage_free(at);
    }
}

static beamc_error *start_ready(run *r);

/* Lists what the stage was the last to write; with the lock. */
static size_t claim_kept(run *r, stage_run *stage)
{
    size_t count = 0;

    stage->has_written = true;
    for (size_t i = 0; i < r->stages.kept_count; i++) {
        beamc__kept *kept = r->stages.kept[i];
        if (is_written_by(kept, stage->stage) && is_complete(r, kept))
            stage->finishing[count++] = kept;
    }
    return count;
}

/* The stage's last bundle is done.  Called with the lock, which it gives away while teardowns run
 * and what was written is made readable. */
static beamc_error *stage_end(run *r, stage_run *stage)
{
    size_t count = claim_kept(r, stage);
    beamc_error *error = NULL;

    stage->started = false;
    uv_mutex_unlock(&r->lock);
    r->executor->stage_end(r->executor, stage->executor_stage);
    for (size_t i = 0; error == NULL && i < count; i++)
        error = finish_kept(r, stage->finishing[i]);
    uv_mutex_lock(&r->lock);
    stage->state = BEAMC_STAGE_DONE;
    stage->ended_ms = now_ms();
    r->stages_done++;
    r->stage_changed = true;
    release_inputs(stage->stage);
    free(stage->bundles);
    stage->bundles = NULL;
    uv_cond_signal(&r->watch);
    return error == NULL && r->error == NULL ? start_ready(r) : error;
}

static bool is_ready(const run *r, const stage_run *stage)
{
    const beamc__stage *plan = stage->stage;

    if (stage->state != BEAMC_STAGE_WAITING)
        return false;
    for (size_t i = 0; i < plan->wait_count; i++) {
        if (r->runs[plan->waits_for[i]->index].state != BEAMC_STAGE_DONE)
            return false;
    }
    return true;
}

/* Starts all stages that are ready; those without input end at once.  Called with the lock. */
static beamc_error *start_ready(run *r)
{
    for (size_t i = 0; i < r->stages.stage_count; i++) {
        stage_run *stage = &r->runs[i];
        if (!is_ready(r, stage))
            continue;
        BEAMC_TRY(stage_start(r, stage));
        if (stage->bundle_count == 0)
            BEAMC_TRY(stage_end(r, stage));
    }
    uv_cond_broadcast(&r->changed);
    return NULL;
}

/* ---- workers ----------------------------------------------------------------------------------- */

static bool is_over(const run *r)
{
    return r->error != NULL || r->stages_done == r->stages.stage_count;
}

static stage_run *stage_with_work(run *r)
{
    for (size_t i = 0; i < r->stages.stage_count; i++) {
        stage_run *stage = &r->runs[i];
        if (stage->state == BEAMC_STAGE_RUNNING && stage->next_bundle < stage->bundle_count)
            return stage;
    }
    return NULL;
}

/* Keeps the first error and stops the others; with the lock. */
static void fail(run *r, beamc_error *take_error)
{
    bool is_better = r->error == NULL || (beamc_error_code(r->error) == BEAMC_ECANCELLED &&
                                          beamc_error_code(take_error) != BEAMC_ECANCELLED);
    if (is_better) {
        beamc_error_free(r->error); /* that others were cancelled says less */
        r->error = take_error;
    } else {
        beamc_error_free(take_error); /* the first one is told */
    }
    __atomic_store_n(&r->cancel, 1, __ATOMIC_RELAXED);
    uv_cond_broadcast(&r->changed);
    uv_cond_signal(&r->watch);
}

/* Ends the run if whoever started it wants that; with the lock. */
static void check_cancel(run *r)
{
    if (r->options->cancel != NULL && r->error == NULL &&
        __atomic_load_n(r->options->cancel, __ATOMIC_RELAXED) != 0)
        fail(r, beamc_error_new(BEAMC_ECANCELLED, "cancelled"));
}

/* Whether the shuffle part can go: the one stage that reads it has read it. */
static void release_part(const bundle_input *input)
{
    if (input->kept == NULL || input->kept->as != BEAMC__KEPT_GROUPS)
        return;
    const storage *at = input->kept->storage;
    if (input->kept->readers == 1)
        beamc__shuffle_release_part(at->shuffle, input->shuffle_part);
}

/* What a stage reads was counted by who wrote it. */
static beamc_error *drop_counts(const stage_run *stage, beamc__metrics *metrics)
{
    beamc__metric_id id = { .urn = BEAMC_URN_METRIC_ELEMENT_COUNT,
                            .pcollection = stage->stage->input->id };

    if (stage->counts_input)
        return NULL;
    beamc__cell *cell = beamc__metrics_cell(metrics, &id, BEAMC__CELL_SUM);
    if (cell == NULL)
        return beamc_error_nomem();
    cell->value = 0;
    cell->count = 0;
    return NULL;
}

static void work(void *arg)
{
    run *r = arg;
    beamc__metrics *metrics = beamc__metrics_new();

    uv_mutex_lock(&r->lock);
    if (metrics == NULL)
        fail(r, beamc_error_nomem());
    while (!is_over(r)) {
        stage_run *stage = stage_with_work(r);
        if (stage == NULL) {
            uv_cond_wait(&r->changed, &r->lock);
            continue;
        }
        size_t index = stage->next_bundle++;
        uv_mutex_unlock(&r->lock);
        beamc__metrics_clear(metrics);
        beamc_error *error = run_bundle(r, stage, index, metrics);
        if (error == NULL)
            error = drop_counts(stage, metrics);
        if (error == NULL)
            release_part(&stage->bundles[index]);
        uv_mutex_lock(&r->lock);
        if (error == NULL && beamc__metrics_merge(r->metrics, metrics) < 0)
            error = beamc_error_nomem();
        if (error == NULL && ++stage->done == stage->bundle_count && r->error == NULL)
            error = stage_end(r, stage);
        if (error != NULL)
            fail(r, error);
        check_cancel(r); /* no stage begins once it is asked for, however short the ones before */
    }
    r->workers_left--;
    uv_cond_broadcast(&r->changed);
    uv_cond_signal(&r->watch);
    uv_mutex_unlock(&r->lock);
    beamc__metrics_free(metrics);
}

/* ---- watching ---------------------------------------------------------------------------------- */

static void tell_progress(run *r)
{
    if (r->options->progress == NULL)
        return;
    for (size_t i = 0; i < r->stages.stage_count; i++) {
        const stage_run *stage = &r->runs[i];
        r->progress[i] = (beamc_stage_progress){
            .name = stage->stage->name,
            .state = stage->state,
            .elements = __atomic_load_n(&stage->elements, __ATOMIC_RELAXED),
            .bytes = __atomic_load_n(&stage->bytes, __ATOMIC_RELAXED),
            .bundles_done = (int64_t)stage->done,
            .bundles = (int64_t)stage->bundle_count,
            .started_ms = stage->started_ms,
            .ended_ms = stage->ended_ms,
        };
    }
    beamc_progress progress = { r->progress, r->stages.stage_count,
                                (int64_t)beamc__store_spilled(r->store) };
    uv_mutex_unlock(&r->lock);
    r->options->progress(r->options->progress_ctx, &progress);
    uv_mutex_lock(&r->lock);
}

static void sample(run *r, int64_t elapsed_ms)
{
    for (size_t i = 0; i < r->stages.stage_count; i++) {
        stage_run *stage = &r->runs[i];
        if (stage->started && elapsed_ms > 0)
            r->executor->sample(r->executor, stage->executor_stage, elapsed_ms);
    }
}

/* Until all workers have left. */
static void watch(run *r)
{
    int64_t interval = r->options->progress_interval_ms > 0 ? r->options->progress_interval_ms
                                                            : PROGRESS_MS;
    int64_t told = now_ms();
    int64_t last = told;

    while (r->workers_left > 0) {
        uv_cond_timedwait(&r->watch, &r->lock, WATCH_MS * UINT64_C(1000000));
        int64_t now = now_ms();
        sample(r, now - last);
        last = now;
        check_cancel(r);
        if (r->stage_changed || now - told >= interval) {
            r->stage_changed = false;
            told = now;
            tell_progress(r);
        }
    }
}

/* ---- the run ----------------------------------------------------------------------------------- */

static int skip_window(const void *type, beamc_reader *in)
{
    beamc__decode_context context = { NULL, NULL };
    return beamc__skip(type, true, in, &context);
}

static const PB(Coder) *find_coder(void *graph, const char *id)
{
    return beamc__leaves_coder(graph, id);
}

static beamc_error *window_type(run *r, const beamc__collection_node *node, const beamc_type **out)
{
    const PB(Components) *components = r->graph.pipeline->components;
    beamc__coder_resolver resolver = { find_coder, &r->graph, NULL, 0 };
    const char *id = node->pcollection->windowing_strategy_id;

    for (size_t i = 0; i < components->n_windowing_strategies; i++) {
        if (strcmp(components->windowing_strategies[i]->key, id) == 0)
            return beamc__type_from_coder(
                out, &resolver, components->windowing_strategies[i]->value->window_coder_id,
                r->graph.arena);
    }
    return beamc_error_new(BEAMC_ENOENT, "windowing strategy %s does not exist", id);
}

static beamc_error *storage_open(run *r, beamc__kept *kept)
{
    storage *at = beamc_arena_calloc(r->graph.arena, 1, sizeof(*at));
    const beamc_type *window;

    if (at == NULL)
        return beamc_error_nomem();
    kept->storage = at;
    at->readers_left = kept->readers;
    if (kept->as == BEAMC__KEPT_COLLECTION)
        return beamc__collection_new(&at->collection, r->store);
    BEAMC_TRY(window_type(r, kept->node, &window));
    beamc__shuffle_options options = {
        .fn = kept->node->strategy.fn,
        .output_time = kept->node->strategy.output_time,
        .skip_window = skip_window,
        .skip_window_ctx = window,
        .read_once = kept->readers == 1,
    };
    if (kept->as == BEAMC__KEPT_SIDE)
        options.fn.merges = false;
    return beamc_error_wrap(beamc__shuffle_new(&at->shuffle, r->store, &options), "PCollection %s",
                            kept->node->pcollection->unique_name);
}

static uint64_t quarter_of_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long size = sysconf(_SC_PAGE_SIZE);

    if (pages <= 0 || size <= 0)
        return UINT64_C(1) << 30;
    return (uint64_t)pages * (uint64_t)size / 4;
}

static int count_cores(void)
{
    int cores = (int)uv_available_parallelism();
    return cores < 1 ? 1 : cores;
}

/* Nobody counts the elements of a grouping or a flatten as they are made, so the first stage that
 * reads them does. */
static bool is_first_to_count(const run *r, const beamc__stage *stage)
{
    if (stage->input->producer->kind == BEAMC__LEAF_EXECUTABLE)
        return false;
    for (size_t i = 0; i < stage->index; i++) {
        if (r->stages.stages[i]->input == stage->input)
            return false;
    }
    return true;
}

static bool is_written(const run *r, const beamc__kept *kept)
{
    for (size_t i = 0; i < r->stages.stage_count; i++) {
        if (is_written_by(kept, r->stages.stages[i]))
            return true;
    }
    return false;
}

static beamc_error *prepare(run *r, const PB(Pipeline) *pipeline)
{
    const beamc_direct_options *options = r->options;

    r->workers = options->workers > 0 ? options->workers : count_cores();
    BEAMC_TRY(beamc__leaves_read(&r->graph, pipeline, r->graph.arena));
    BEAMC_TRY(beamc__stages_make(&r->stages, &r->graph));
    r->runs = calloc(r->stages.stage_count + 1, sizeof(*r->runs));
    r->progress = calloc(r->stages.stage_count + 1, sizeof(*r->progress));
    if (r->runs == NULL || r->progress == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < r->stages.stage_count; i++) {
        r->runs[i].stage = r->stages.stages[i];
        r->runs[i].counts_input = is_first_to_count(r, r->stages.stages[i]);
    }
    beamc__store_options store = {
        .budget = options->memory_budget > 0 ? options->memory_budget : quarter_of_memory(),
        .temp_location = options->temp_location,
        .workers = r->workers,
    };
    BEAMC_TRY(beamc__store_new(&r->store, &store));
    for (size_t i = 0; i < r->stages.kept_count; i++) {
        beamc__kept *kept = r->stages.kept[i];
        BEAMC_TRY(storage_open(r, kept));
        if (!is_written(r, kept)) /* a flatten of nothing */
            BEAMC_TRY(finish_kept(r, kept));
    }
    return NULL;
}

static void start_workers(run *r, uv_thread_t *threads, int *started)
{
    beamc_error *error = start_ready(r);

    if (error != NULL)
        fail(r, error);
    for (*started = 0; *started < r->workers && r->error == NULL; (*started)++) {
        int rc = uv_thread_create(&threads[*started], work, r);
        if (rc < 0) {
            fail(r, beamc_error_new(BEAMC_EIO, "starting a thread: %s", uv_strerror(rc)));
            break;
        }
        r->workers_left++;
    }
}

static beamc__cell *count_of(run *r, const beamc__collection_node *node)
{
    beamc__metric_id id = { .urn = BEAMC_URN_METRIC_ELEMENT_COUNT, .pcollection = node->id };
    return beamc__metrics_cell(r->metrics, &id, BEAMC__CELL_SUM);
}

/* What flattens and reshuffles give, where no stage read it as such. */
static beamc_error *count_joined(run *r)
{
    for (size_t i = 0; i < r->graph.leaf_count; i++) {
        const beamc__leaf *leaf = r->graph.leaves[i];
        if (leaf->kind != BEAMC__LEAF_FLATTEN && leaf->kind != BEAMC__LEAF_RESHUFFLE)
            continue;
        beamc__cell *out = count_of(r, leaf->outputs[0]);
        if (out == NULL)
            return beamc_error_nomem();
        for (size_t k = 0, counted = (size_t)out->count; counted == 0 && k < leaf->input_count; k++) {
            const beamc__cell *in = count_of(r, leaf->inputs[k]);
            if (in == NULL)
                return beamc_error_nomem();
            beamc__cell_add(out, in->value);
        }
    }
    return NULL;
}

static beamc_error *execute(run *r)
{
    int started = 0;
    uv_thread_t *threads = calloc((size_t)r->workers, sizeof(*threads));

    if (threads == NULL)
        return beamc_error_nomem();
    uv_mutex_lock(&r->lock);
    start_workers(r, threads, &started);
    watch(r);
    tell_progress(r);
    uv_mutex_unlock(&r->lock);
    for (int i = 0; i < started; i++)
        uv_thread_join(&threads[i]);
    free(threads);
    for (size_t i = 0; i < r->stages.stage_count; i++) {
        if (r->runs[i].started)
            r->executor->stage_end(r->executor, r->runs[i].executor_stage);
        free(r->runs[i].bundles);
        free(r->runs[i].finishing);
    }
    if (r->error == NULL)
        r->error = count_joined(r);
    return r->error;
}

static void dispose(run *r)
{
    for (size_t i = 0; i < r->stages.kept_count; i++) {
        if (r->stages.kept[i]->storage != NULL)
            storage_free(r->stages.kept[i]->storage);
    }
    beamc__store_free(r->store);
    free(r->runs);
    free(r->progress);
    beamc_arena_free(r->graph.arena);
}

static const beamc_log_sink stderr_sink = { beamc_log_write_stderr, NULL };

beamc_error *beamc__engine_run(const PB(Pipeline) *pipeline, beamc__executor *executor,
                               const beamc_direct_options *options, beamc__metrics *metrics)
{
    run r = { .options = options, .executor = executor, .metrics = metrics };

    r.log = options->log != NULL ? options->log : &stderr_sink;
    r.log_level = options->log_level != 0 ? options->log_level : BEAMC_LOG_INFO;
    beamc_arena *arena = beamc_arena_new();
    if (arena == NULL)
        return beamc_error_nomem();
    r.graph.arena = arena;
    if (uv_mutex_init(&r.lock) < 0 || uv_cond_init(&r.changed) < 0 || uv_cond_init(&r.watch) < 0) {
        beamc_arena_free(arena);
        return beamc_error_nomem();
    }
    beamc_error *error = prepare(&r, pipeline);
    if (error == NULL)
        error = execute(&r);
    r.graph.arena = arena;
    dispose(&r);
    uv_cond_destroy(&r.watch);
    uv_cond_destroy(&r.changed);
    uv_mutex_destroy(&r.lock);
    return error;
}
