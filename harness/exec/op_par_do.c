/* SPDX-License-Identifier: Apache-2.0 */
/* beam:transform:pardo:v1: calls a DoFn of the program. */
#include "harness/exec/op.h"

#include "proto/unpack.h"
#include "proto/urns.h"
#include "sdk/base/log_levels.h"
#include "sdk/pipeline/context.h"
#include "sdk/pipeline/functions.h"
#include "sdk/transforms/shape.h"
#include <stdlib.h>
#include <time.h>
#include <uv.h>

/* A metric's cell in this op; found by the metric's address. */
typedef struct {
    const beamc_metric *metric;
    beamc__cell *cell;
} metric_cell;

typedef struct par_do par_do;
struct par_do {
    beamc__op op;
    beamc_context ctx;
    beamc_error *(*call)(beamc_context *ctx, const void *element);
    const beamc_dofn *dofn;
    const char *where; /* "wordcount.c:31" */
    beamc_receiver **receivers;
    beamc_receiver **refusing; /* all of them refuser: where plain emits cannot be */
    beamc_receiver refuser;
    bool is_global;
    bool was_set_up;
    beamc__sides *sides;
    beamc_log_target log;
    beamc_log_files log_files; /* of it */
    beamc__metrics *metrics;
    uv_mutex_t lock; /* of the metrics; but for counting and updating cells that are there */
    bool has_lock;
    metric_cell *cells;
    size_t cell_count, cell_capacity;
};

/* The context is a part of the op. */
static par_do *of_context(beamc_context *ctx)
{
    return (par_do *)(void *)((char *)ctx - offsetof(par_do, ctx));
}

/* Puts the place in the source before an error of the DoFn's own. */
static beamc_error *locate(const par_do *op, beamc_error *take_error)
{
    if (op->where == NULL || beamc_error_code(take_error) == BEAMC_ECANCELLED ||
        beamc__plan_has_told(op->op.plan, take_error))
        return take_error;
    return beamc_error_wrap(take_error, "%s", op->where);
}

static beamc_error *failed(par_do *op, beamc_error *take_error)
{
    return beamc__op_failed(&op->op, locate(op, take_error));
}

/* ---- elements --------------------------------------------------------------------------------- */

static inline beamc_error *call(par_do *op, const beamc_element_info *info, const void *value)
{
    op->ctx.info = info;
    beamc__op *outer = beamc__plan_enter(op->op.plan, &op->op);
    beamc_error *error = op->call(&op->ctx, value);
    beamc__plan_leave(op->op.plan, outer);
    beamc__arena_rewind_all(op->ctx.arena);
    return BEAMC_LIKELY(error == NULL) ? NULL : failed(op, error);
}

static beamc_error *process(beamc_receiver *self, const beamc_element_info *info,
                            const void *value)
{
    par_do *op = (par_do *)self;

    /* Before each: a DoFn may take its time, and what is cancelled waits for no more of them. */
    beamc__count_up(&op->op.count);
    BEAMC_TRY(beamc__plan_look_up(op->op.plan));
    return call(op, info, value);
}

/* For a light DoFn: what is left of the above. */
static beamc_error *process_light(beamc_receiver *self, const beamc_element_info *info,
                                  const void *value)
{
    par_do *op = (par_do *)self;

    beamc__count_up(&op->op.count);
    op->ctx.info = info;
    return op->call(&op->ctx, value);
}

/* For a DoFn that looks at windows: one call for each window. */
static beamc_error *process_windows(beamc_receiver *self, const beamc_element_info *info,
                                    const void *value)
{
    par_do *op = (par_do *)self;
    beamc_element_info one = *info;
    beamc_reader in = beamc_reader_of(info->windows, info->windows_size);
    beamc__decode_context context = { op->ctx.arena, NULL };

    beamc__count_up(&op->op.count);
    BEAMC_TRY(beamc__plan_look_up(op->op.plan));
    if (BEAMC_LIKELY(info->window_count == 1))
        return call(op, info, value);
    one.window_count = 1;
    for (uint32_t i = 0; i < info->window_count; i++) {
        one.windows = in.at;
        int rc = beamc__skip(op->op.input->window_type, true, &in, &context);
        if (rc < 0)
            return failed(op, beamc_error_new((beamc_code)rc, "window %u of an element: %s", i,
                                              beamc_code_text(rc)));
        one.windows_size = (uint32_t)(in.at - one.windows);
        BEAMC_TRY(call(op, &one, value));
    }
    return NULL;
}

/* ---- what the DoFn asks for ------------------------------------------------------------------- */

static beamc_error *check_in_process(const par_do *op)
{
    if (op->op.plan->phase != BEAMC__PHASE_PROCESS)
        return beamc_error_new(BEAMC_EINVAL, "side inputs belong to an element: ask in process");
    if (op->sides == NULL)
        return beamc_error_new(BEAMC_EINVAL, "asks for a side input, but has none");
    return NULL;
}

static beamc_error *side_iterable(beamc_context *ctx, size_t side, beamc_iterable *out)
{
    par_do *op = of_context(ctx);
    BEAMC_TRY(check_in_process(op));
    return beamc__sides_iterable(op->sides, ctx->info, side, ctx->arena, out);
}

static beamc_error *side_singleton(beamc_context *ctx, size_t side, void *out)
{
    par_do *op = of_context(ctx);
    BEAMC_TRY(check_in_process(op));
    return beamc__sides_singleton(op->sides, ctx->info, side, out);
}

static beamc_error *side_lookup(beamc_context *ctx, size_t side, const void *key,
                                beamc_iterable *out)
{
    par_do *op = of_context(ctx);
    BEAMC_TRY(check_in_process(op));
    return beamc__sides_lookup(op->sides, ctx->info, side, key, ctx->arena, out);
}

static void stick(par_do *op, beamc_error *take_error)
{
    if (op->op.plan->sticky == NULL)
        op->op.plan->sticky = failed(op, take_error);
    else
        beamc_error_free(take_error); /* the first one is told */
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static beamc__cell *cell_of(par_do *op, const beamc_metric *metric)
{
    static const struct {
        const char *urn;
        beamc__cell_kind kind;
    } kinds[] = {
        [BEAMC_METRIC_COUNTER] = { BEAMC_URN_METRIC_USER_SUM_INT64, BEAMC__CELL_SUM },
        [BEAMC_METRIC_DISTRIBUTION] = { BEAMC_URN_METRIC_USER_DISTRIBUTION_INT64,
                                        BEAMC__CELL_DISTRIBUTION },
        [BEAMC_METRIC_GAUGE] = { BEAMC_URN_METRIC_USER_LATEST_INT64, BEAMC__CELL_LATEST },
        [BEAMC_METRIC_STRING_SET] = { BEAMC_URN_METRIC_USER_SET_STRING, BEAMC__CELL_STRING_SET },
    };

    for (size_t i = 0; i < op->cell_count; i++) {
        if (op->cells[i].metric == metric)
            return op->cells[i].cell;
    }
    if (op->cell_count == op->cell_capacity) {
        size_t capacity = op->cell_capacity == 0 ? 4 : 2 * op->cell_capacity;
        metric_cell *more = realloc(op->cells, capacity * sizeof(*more));
        if (more == NULL)
            return NULL;
        op->cells = more;
        op->cell_capacity = capacity;
    }
    beamc__metric_id id = { .urn = kinds[metric->kind].urn,
                            .transform = op->op.id,
                            .space = metric->space,
                            .name = metric->name };
    uv_mutex_lock(&op->lock);
    beamc__cell *cell = beamc__metrics_cell(op->metrics, &id, kinds[metric->kind].kind);
    uv_mutex_unlock(&op->lock);
    if (cell != NULL)
        op->cells[op->cell_count++] = (metric_cell){ metric, cell };
    return cell;
}

/* What others cannot read meanwhile. */
static int update_locked(par_do *op, beamc__cell *cell, int64_t value, beamc_string string)
{
    int rc = BEAMC_OK;

    uv_mutex_lock(&op->lock);
    if (cell->kind == BEAMC__CELL_LATEST)
        beamc__cell_set(cell, value, now_ms());
    else
        rc = beamc__cell_insert(cell, string);
    uv_mutex_unlock(&op->lock);
    return rc;
}

static void metric(beamc_context *ctx, const beamc_metric *metric_, beamc_metric_kind kind,
                   int64_t value, beamc_string string)
{
    par_do *op = of_context(ctx);

    if (metric_->kind != kind) {
        stick(op, beamc_error_new(BEAMC_EINVAL, "metric %s/%s is used as another kind",
                                  metric_->space, metric_->name));
        return;
    }
    beamc__cell *cell = cell_of(op, metric_);
    int rc = cell == NULL ? BEAMC_ENOMEM : BEAMC_OK;
    if (rc == BEAMC_OK && kind == BEAMC_METRIC_COUNTER)
        beamc__cell_add(cell, value);
    else if (rc == BEAMC_OK && kind == BEAMC_METRIC_DISTRIBUTION)
        beamc__cell_update(cell, value);
    else if (rc == BEAMC_OK)
        rc = update_locked(op, cell, value, string);
    if (rc < 0)
        stick(op, beamc_error_nomem());
}

static beamc_error *refuse_plain(beamc_receiver *self BEAMC_UNUSED,
                                 const beamc_element_info *info BEAMC_UNUSED,
                                 const void *value BEAMC_UNUSED)
{
    return beamc_error_new(BEAMC_EINVAL, "outside of process, say the timestamp and the window: "
                                         "beamc_emit_windowed");
}

static beamc_error *refuse_all(beamc_receiver *self BEAMC_UNUSED,
                               const beamc_element_info *info BEAMC_UNUSED,
                               const void *value BEAMC_UNUSED)
{
    return beamc_error_new(BEAMC_EINVAL, "setup and teardown belong to no bundle: they cannot emit");
}

/* Where beamc_emit_windowed sends to. */
static beamc_receiver *output(beamc_context *ctx, size_t index)
{
    par_do *op = of_context(ctx);

    return op->op.plan->bundle == NULL ? &op->refuser : op->receivers[index];
}

static beamc_error *check_window(beamc_context *ctx, size_t index,
                                 const beamc_interval_window *window)
{
    const beamc__node *node = of_context(ctx)->op.outputs[index];
    const beamc_type *type = beamc__type_bare(node->window_type);

    if (type->kind == (window == NULL ? BEAMC_KIND_GLOBAL_WINDOW : BEAMC_KIND_INTERVAL_WINDOW))
        return NULL;
    return beamc_error_new(BEAMC_EINVAL, "emits into %s, but the windows of its output are of %s",
                           window == NULL ? "the global window" : "an interval", type->name);
}

static const beamc_type *side_type(const beamc_context *ctx, size_t side)
{
    const par_do *op = of_context((beamc_context *)ctx);
    return op->sides == NULL ? NULL : beamc__sides_type(op->sides, side);
}

static const beamc_context_ops context_ops = { side_iterable, side_singleton, side_lookup, metric,
                                               output,        check_window,   side_type };

/* ---- bundles ---------------------------------------------------------------------------------- */

/* Calls one of the functions that have no element. */
static beamc_error *call_without_element(par_do *op, beamc_error *(*function)(beamc_context *))
{
    bool in_bundle = op->op.plan->bundle != NULL;

    if (function == NULL)
        return NULL;
    op->refuser.process = in_bundle ? refuse_plain : refuse_all;
    op->ctx.info = &beamc_element_info_initial;
    op->ctx.outputs = in_bundle && op->is_global ? op->receivers : op->refusing;
    beamc__op *outer = beamc__plan_enter(op->op.plan, &op->op);
    beamc_error *error = function(&op->ctx);
    beamc__plan_leave(op->op.plan, outer);
    beamc__arena_rewind_all(op->ctx.arena);
    op->ctx.outputs = op->receivers;
    return error == NULL ? NULL : locate(op, error);
}

static beamc_error *tear_down(beamc_context *ctx)
{
    of_context(ctx)->dofn->teardown(ctx);
    return NULL;
}

static void log_to(par_do *op, const beamc_log_sink *sink, beamc_log_level level,
                   const char *instruction)
{
    const beamc__plan_options *options = &op->op.plan->options;

    op->log = (beamc_log_target){ .sink = sink,
                                  .instruction = instruction,
                                  .transform = options->log_ids ? op->op.id : op->op.name };
    beamc__log_levels_set(&op->log, &op->log_files, options->log_overrides, level, op->op.name,
                          op->dofn->function.name);
}

/* Between bundles it logs as the plan does. */
static void log_as_plan(par_do *op)
{
    const beamc__plan_options *options = &op->op.plan->options;

    log_to(op, options->log, options->log_level, NULL);
}

static beamc_error *start(beamc__op *head)
{
    par_do *op = (par_do *)head;
    const beamc__bundle *bundle = head->plan->bundle;

    log_to(op, bundle->log, bundle->log_level, bundle->instruction_id);
    uv_mutex_lock(&op->lock);
    beamc__metrics_clear(op->metrics);
    uv_mutex_unlock(&op->lock);
    if (op->sides != NULL)
        beamc__sides_start(op->sides);
    return call_without_element(op, op->dofn->start_bundle);
}

static beamc_error *finish(beamc__op *head)
{
    par_do *op = (par_do *)head;
    return call_without_element(op, op->dofn->finish_bundle);
}

static beamc_error *report(const beamc__op *head, beamc__metrics *into)
{
    par_do *op = (par_do *)head;

    uv_mutex_lock(&op->lock);
    int rc = beamc__metrics_merge(into, op->metrics);
    uv_mutex_unlock(&op->lock);
    return rc < 0 ? beamc_error_nomem() : NULL;
}

static void par_do_free(beamc__op *head)
{
    par_do *op = (par_do *)head;

    if (op->was_set_up && op->dofn->teardown != NULL) {
        log_as_plan(op);
        (void)!call_without_element(op, tear_down); /* which has no error to give */
    }
    beamc__sides_free(op->sides);
    beamc__metrics_free(op->metrics);
    if (op->has_lock)
        uv_mutex_destroy(&op->lock);
    free(op->cells);
    beamc_arena_free(op->ctx.arena);
}

/* ---- making ----------------------------------------------------------------------------------- */

static beamc_error *check_type(const char *what, const beamc_type *declared, const beamc_type *given,
                               const char *name)
{
    if (declared == NULL || beamc_type_equal(declared, given))
        return NULL;
    /* No coder is of nothing; PCollections that stay empty travel as bytes. */
    if (declared->kind == BEAMC_KIND_VOID && given->kind == BEAMC_KIND_BYTES)
        return NULL;
    return beamc_error_new(BEAMC_ETYPE, "%s %s %s, but the pipeline has %s", name, what,
                           declared->name, given->name);
}

/* Types that the table leaves open are those that the DoFn says for this use: it lays its outputs out by
 * them.  One that thaws by itself has another configuration here than where the graph was built, so it
 * cannot be asked; it checks at setup. */
static beamc_error *check_inferred(par_do *op, const beamc__op_spec *spec, const char *name)
{
    const beamc_dofn *dofn = op->dofn;
    beamc_dofn_types types = { .output = NULL };

    if (dofn->infer == NULL || dofn->thaw != NULL)
        return NULL;
    const beamc_type *input = beamc__shape_strip(spec->plan->arena, op->op.input->type);
    if (input == NULL)
        return beamc_error_nomem();
    BEAMC_TRY(beamc_error_wrap(
        dofn->infer(dofn, input, op->ctx.config, spec->plan->arena, &types), "%s", name));
    BEAMC_TRY(check_type("gives", types.output, op->op.outputs[0]->type, name));
    for (size_t i = 0; i < dofn->output_count; i++)
        BEAMC_TRY(check_type("gives", types.outputs[i], op->op.outputs[1 + i]->type, name));
    return NULL;
}

/* Puts the op's outputs into the order of the DoFn's table. */
static beamc_error *order_outputs(par_do *op, const beamc__op_spec *spec,
                                  const CS(Function) *function)
{
    const PB(PTransform) *transform = spec->transform;
    size_t count = function->n_outputs;
    beamc_arena *arena = spec->plan->arena;

    if (count != 1 + op->dofn->output_count)
        return beamc_error_new(BEAMC_ECORRUPT, "%s has %zu outputs here, but %zu in its table",
                               function->name, count, 1 + op->dofn->output_count);
    beamc__node **outputs = beamc_arena_calloc(arena, count, sizeof(*outputs));
    size_t *sizes = beamc_arena_calloc(arena, count + 1, sizeof(*sizes)); /* 0: no output */
    const beamc_type **types = beamc_arena_calloc(arena, count, sizeof(*types));
    op->receivers = beamc_arena_calloc(arena, count, sizeof(*op->receivers));
    op->refusing = beamc_arena_calloc(arena, count, sizeof(*op->refusing));
    if (outputs == NULL || sizes == NULL || types == NULL || op->receivers == NULL ||
        op->refusing == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < count; i++) {
        const char *id = NULL;
        for (size_t k = 0; k < transform->n_outputs; k++) {
            if (strcmp(transform->outputs[k]->key, function->outputs[i]) == 0)
                id = transform->outputs[k]->value;
        }
        outputs[i] = id == NULL ? NULL : spec->find_node(spec->plan, id);
        if (outputs[i] == NULL)
            return beamc_error_new(BEAMC_ENOENT, "output %s of %s is not in the descriptor",
                                   function->outputs[i], function->name);
        types[i] = outputs[i]->type;
        sizes[i] = types[i]->size;
        op->refusing[i] = &op->refuser;
        const beamc_type *declared =
            i == 0 ? op->dofn->output : op->dofn->outputs[i - 1].type;
        BEAMC_TRY(check_type("gives", declared, types[i], function->name));
    }
    op->op.outputs = outputs;
    op->op.output_count = count;
    op->is_global = count == 0 || outputs[0]->window_fn.form == BEAMC__WINDOW_FORM_GLOBAL;
    op->ctx.output_count = count;
    op->ctx.output_sizes = sizes;
    op->ctx.output_types = types;
    op->ctx.outputs = op->receivers;
    return NULL;
}

static beamc_error *set_up(par_do *op, const beamc__op_spec *spec, const CS(Function) *function)
{
    const beamc_dofn *dofn = op->dofn;
    void *config;

    op->ctx.arena = beamc_arena_new();
    op->metrics = beamc__metrics_new();
    op->has_lock = uv_mutex_init(&op->lock) == 0;
    if (op->ctx.arena == NULL || op->metrics == NULL || !op->has_lock)
        return beamc_error_nomem();
    op->call = dofn->process;
    BEAMC_TRY(check_type("takes", dofn->input, op->op.input->type, function->name));
    BEAMC_TRY(order_outputs(op, spec, function));
    BEAMC_TRY(beamc__config_thaw(&config, spec->plan, function, dofn->config, dofn->thaw));
    op->ctx.config = config;
    BEAMC_TRY(check_inferred(op, spec, function->name));
    op->ctx.instance = beamc_arena_calloc(spec->plan->arena, 1, dofn->instance_size);
    if (op->ctx.instance == NULL)
        return beamc_error_nomem();
    op->ctx.input = beamc__type_bare(op->op.input->type);
    op->ctx.ops = &context_ops;
    op->ctx.info = &beamc_element_info_initial;
    op->ctx.log = &op->log;
    if (function->n_sides > 0 || dofn->side_count > 0)
        BEAMC_TRY(beamc__sides_new(&op->sides, spec, dofn, function));
    if (*function->file != '\0')
        op->where = beamc_arena_printf(spec->plan->arena, "%s:%d", function->file, function->line);
    return beamc_arena_failed(spec->plan->arena) ? beamc_error_nomem() : NULL;
}

beamc_error *beamc__op_par_do(beamc__op **out, const beamc__op_spec *spec)
{
    static const beamc__op_ops ops = { start, finish, report, par_do_free };
    ProtobufCAllocator allocator = beamc__arena_allocator(spec->plan->arena);
    const ProtobufCBinaryData *bytes = &spec->transform->spec->payload;
    const PB(ParDoPayload) *payload =
        BEAMC__UNPACK(PB(ParDoPayload), pb(par_do_payload__descriptor), &allocator, bytes->len,
                      bytes->data);
    const CS(Function) *function;

    if (payload == NULL)
        return beamc_error_nomem(); /* the plan's builder has read it before */
    if (spec->head.input == NULL)
        return beamc_error_new(BEAMC_ECORRUPT, "it has no main input");
    if (payload->n_state_specs > 0 || payload->n_timer_family_specs > 0 ||
        *payload->restriction_coder_id != '\0')
        return beamc_error_new(BEAMC_EUNSUPPORTED,
                               "it has state, timers or restrictions, which this harness lacks");
    BEAMC_TRY(beamc__function_unpack(&function, spec->plan, payload->do_fn, BEAMC_URN_OWN_DOFN));
    if (function->kind == CSK(FUNCTION__KIND__COMBINE_GROUPED_VALUES))
        return beamc__op_combine_function(out, spec, function, BEAMC__COMBINE_GROUPED);

    const beamc_dofn *dofn = (const beamc_dofn *)beamc__function_find(
        spec->plan->options.functions, spec->plan->options.function_count, BEAMC_FUNCTION_DOFN,
        function->name);
    if (dofn == NULL)
        return beamc_error_new(BEAMC_ENOENT, "this program has no DoFn %s", function->name);
    par_do *op = beamc__op_alloc(spec, sizeof(*op), &ops, process);
    if (op == NULL)
        return beamc_error_nomem();
    *out = &op->op;
    op->dofn = dofn;
    if (dofn->light)
        op->op.receiver.process = process_light;
    if (dofn->observes_window || function->n_sides > 0)
        op->op.receiver.process = process_windows;
    return set_up(op, spec, function);
}

/* Once the plan is connected: the receivers are known. */
beamc_error *beamc__par_do_set_up(beamc__op *head)
{
    par_do *op = (par_do *)head;

    if (head->ops->start != start)
        return NULL;
    for (size_t i = 0; i < head->output_count; i++)
        op->receivers[i] = head->outputs[i]->receiver;
    op->was_set_up = true;
    log_as_plan(op);
    return beamc__op_failed_when(head, "setup", call_without_element(op, op->dofn->setup));
}

void beamc__par_do_redirect(beamc__op *head, const beamc__node *node)
{
    par_do *op = (par_do *)head;

    for (size_t i = 0; head->ops->start == start && i < head->output_count; i++) {
        if (head->outputs[i] == node)
            op->receivers[i] = node->receiver;
    }
}

const int64_t *beamc__par_do_pairs_with(const beamc__op *head)
{
    const par_do *op = (const par_do *)head;

    if (head->receiver.process != process_light || op->dofn->pairs_with == NULL ||
        head->output_count != 1)
        return NULL;
    const beamc_type *pair = beamc__type_bare(head->outputs[0]->type);
    if (pair->kind != BEAMC_KIND_KV || !beamc_type_equal(pair->fields[0].type, head->input->type))
        return NULL;
    return op->dofn->pairs_with;
}
