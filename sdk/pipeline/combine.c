/* SPDX-License-Identifier: Apache-2.0 */
/* Combining: per key, globally, with fan-out, and of values that are grouped already.
 *
 *     CombinePerKey (beam:transform:combine_per_key:v1) ── GroupByKey ── CombineValues (ParDo)
 *
 * A runner that lifts combines does the composite by its parts; others run what is inside. */
#include "sdk/pipeline/context.h"
#include "sdk/pipeline/graph.h"
#include "sdk/pipeline/key_fns.h"

#define URN_PER_KEY "beam:transform:combine_per_key:v1"
#define URN_GLOBALLY "beam:transform:combine_globally:v1"
#define FANOUT_MAX 1000000

/* One use of a CombineFn. */
typedef struct {
    beamc_pipeline *pipeline;
    beamc_location at;
    const char *name;
    const beamc_combine_fn *fn;
    const void *config;
    beamc__call call;
    const beamc_type *input;
    beamc_combine_types types;
} combine_use;

/* ---- checking --------------------------------------------------------------------------------- */

static beamc_error *find_types(combine_use *use, const beamc__collection *in)
{
    const beamc_combine_fn *fn = use->fn;

    if (fn->create == NULL || fn->add == NULL || fn->merge == NULL || fn->extract == NULL)
        return beamc_error_new(BEAMC_EINVAL,
                               "transform %s: its table lacks create, add, merge or extract",
                               use->name);
    if (fn->input != NULL && !beamc_type_equal(fn->input, use->input))
        return beamc_error_new(BEAMC_ETYPE, "transform %s combines %s, but %s gives %s", use->name,
                               fn->input->name, beamc__producer_name(use->pipeline, in),
                               in->type->name);
    if (fn->infer != NULL)
        BEAMC_TRY(beamc_error_wrap(fn->infer(fn, use->input, use->config, use->pipeline->arena,
                                             &use->types),
                                   "transform %s after %s", use->name,
                                   beamc__producer_name(use->pipeline, in)));
    if (fn->accumulator != NULL)
        use->types.accumulator = fn->accumulator;
    if (fn->output != NULL)
        use->types.output = fn->output;
    if (use->types.accumulator == NULL || use->types.output == NULL)
        return beamc_error_new(BEAMC_ETYPE, "transform %s: its %s has no type", use->name,
                               use->types.accumulator == NULL ? "accumulator" : "output");
    return NULL;
}

static beamc_error *check_use(combine_use *use, const beamc__collection *in)
{
    BEAMC_TRY(beamc__config_freeze(use->pipeline, &use->call, use->name, use->config,
                                   use->fn->config, use->fn->freeze));
    BEAMC_TRY(find_types(use, in));
    return beamc_arena_failed(use->pipeline->arena) ? beamc_error_nomem() : NULL;
}

/* Sets up @use for values of @input found in @in; false, and an error of the pipeline. */
static bool begin(combine_use *use, beamc_location at, const beamc__collection *in,
                  beamc_pipeline *pipeline, const char *name, const beamc_combine_fn *fn,
                  const beamc_combine_options *options, const beamc_type *input)
{
    memset(use, 0, sizeof(*use));
    use->pipeline = pipeline;
    use->at = at;
    use->name = name;
    use->fn = fn;
    use->config = options == NULL ? NULL : options->config;
    use->input = input;
    use->call.function = &fn->function;
    use->call.kind = CSK(FUNCTION__KIND__COMBINE_FN);
    beamc_error *err = check_use(use, in);
    beamc_pipeline_fail(pipeline, at, err);
    return err == NULL;
}

static bool check_call(beamc_location at, beamc_pipeline *pipeline, const beamc_combine_fn *fn,
                       const beamc_combine_options *options)
{
    beamc_error *err = beamc__function_require(pipeline, fn == NULL ? NULL : &fn->function,
                                               BEAMC_FUNCTION_COMBINE);
    if (err == NULL && options != NULL && (options->fanout < 0 || options->fanout > FANOUT_MAX))
        err = beamc_error_new(BEAMC_EINVAL, "transform %s: a fan-out of %d is not in [0, %d]",
                              fn->function.name, options->fanout, FANOUT_MAX);
    beamc_pipeline_fail(pipeline, at, err);
    return err == NULL;
}

/* ---- the leaf --------------------------------------------------------------------------------- */

static const beamc_type *part_output(const combine_use *use, CS(Function__Part) part)
{
    return part == CSK(FUNCTION__PART__TO_ACCUMULATOR) ? use->types.accumulator
                                                       : use->types.output;
}

/* KV<K, Iterable<V>> -> KV<K, Out> */
static beamc_pcollection add_grouped(const combine_use *use, beamc_pcollection in, const char *name,
                                     CS(Function__Part) part)
{
    beamc_pipeline *pipeline = use->pipeline;
    beamc__collection *from = beamc__collection_of(pipeline, use->at, in, use->name);
    if (from == NULL)
        return beamc__no_collection(pipeline);
    beamc__transform *leaf =
        beamc__transform_add(pipeline, use->at, BEAMC__TRANSFORM_PAR_DO, name);
    const beamc_type *type = beamc__type_made(
        pipeline, beamc_type_kv(pipeline->arena, from->type->fields[0].type,
                                part_output(use, part)));
    if (leaf == NULL || type == NULL || !beamc__transform_ports(pipeline, leaf, 1, 1))
        return beamc__no_collection(pipeline);
    leaf->call = use->call;
    leaf->call.kind = CSK(FUNCTION__KIND__COMBINE_GROUPED_VALUES);
    leaf->call.part = part;
    leaf->inputs[0].tag = "input";
    leaf->inputs[0].collection = from;
    beamc__display_call(pipeline, leaf, use->fn->function.name, use->fn->display, use->config);
    return beamc__handle(pipeline, beamc__output_add(pipeline, leaf, 0, "output", type,
                                                     &from->windowing));
}

beamc_pcollection beamc_combine_grouped_values_at(beamc_location at, beamc_pcollection in,
                                                  const beamc_combine_fn *fn,
                                                  const beamc_combine_options *options)
{
    beamc_pipeline *pipeline = in.pipeline;
    combine_use use;

    if (!beamc__pipeline_is_good(pipeline) || !check_call(at, pipeline, fn, options))
        return beamc__no_collection(pipeline);
    const char *name = beamc__next_name(pipeline, fn->function.name);
    const beamc__collection *from = beamc__collection_of(pipeline, at, in, name);
    if (from == NULL || !beamc__require_kv(pipeline, at, name, from))
        return beamc__no_collection(pipeline);
    const beamc_type *values = from->type->fields[1].type;
    if (values->kind != BEAMC_KIND_ITERABLE && values->kind != BEAMC_KIND_STATE_BACKED_ITERABLE)
        return beamc__fail(pipeline, at, BEAMC_ETYPE,
                           "transform %s takes a KV of an iterable, but %s gives %s", name,
                           beamc__producer_name(pipeline, from), from->type->name);
    if (!begin(&use, at, from, pipeline, name, fn, options, values->fields[0].type))
        return beamc__no_collection(pipeline);
    return add_grouped(&use, in, name, CSK(FUNCTION__PART__WHOLE));
}

/* ---- per key ---------------------------------------------------------------------------------- */

/* KV<K, V> -> KV<K, Out> */
static beamc_pcollection add_per_key(const combine_use *use, beamc_pcollection in, const char *name,
                                     CS(Function__Part) part)
{
    beamc_pipeline *pipeline = use->pipeline;

    if (!beamc__pipeline_is_good(pipeline))
        return beamc__no_collection(pipeline);
    beamc__transform *composite = beamc__composite_enter(pipeline, use->at, name, URN_PER_KEY);
    if (composite == NULL)
        return beamc__no_collection(pipeline);
    composite->call = use->call;
    composite->call.part = part;
    composite->accumulator = use->types.accumulator;
    beamc__display_call(pipeline, composite, use->fn->function.name, use->fn->display, use->config);
    beamc_pcollection grouped = beamc__group_by_key_add(use->at, in);
    return beamc__composite_leave(pipeline, composite,
                                  add_grouped(use, grouped, "CombineValues", part));
}

/* Hot keys: each is first combined in @fanout parts, then their accumulators are. */
static beamc_pcollection add_with_fanout(const combine_use *use, beamc_pcollection in,
                                         const char *name, int64_t fanout)
{
    beamc_pipeline *pipeline = use->pipeline;
    beamc_arena *arena = pipeline->arena;
    beamc_par_do_options config = { .config = &fanout };
    beamc__transform *composite = beamc__composite_enter(pipeline, use->at, name, NULL);
    if (composite == NULL)
        return beamc__no_collection(pipeline);
    const beamc_type *kv = beamc_pcollection_type(in);
    const beamc_type *key = kv->fields[0].type;
    const beamc_type *sharded = beamc__type_made(
        pipeline, beamc_type_kv(arena, beamc_type_kv(arena, &beamc_type_int64, key),
                                kv->fields[1].type));
    const beamc_type *partial =
        beamc__type_made(pipeline, beamc_type_kv(arena, key, use->types.accumulator));
    beamc__par_do_spec shard = {
        .name = "ShardKeys", .dofn = &beamc__shard_key_fn, .options = &config, .output = sharded
    };
    beamc__par_do_spec unshard = {
        .name = "UnshardKeys", .dofn = &beamc__unshard_key_fn, .output = partial
    };
    beamc_pcollection out = beamc__par_do_add(use->at, in, &shard);
    out = add_per_key(use, out, "CombineShards", CSK(FUNCTION__PART__TO_ACCUMULATOR));
    out = beamc__par_do_add(use->at, out, &unshard);
    out = add_per_key(use, out, "CombineKeys", CSK(FUNCTION__PART__FROM_ACCUMULATOR));
    return beamc__composite_leave(pipeline, composite, out);
}

static beamc_pcollection add_keyed(const combine_use *use, beamc_pcollection in, const char *name,
                                   const beamc_combine_options *options)
{
    if (!beamc__pipeline_is_good(use->pipeline))
        return beamc__no_collection(use->pipeline);
    if (options != NULL && options->fanout > 1)
        return add_with_fanout(use, in, name, options->fanout);
    return add_per_key(use, in, name, CSK(FUNCTION__PART__WHOLE));
}

beamc_pcollection beamc_combine_per_key_at(beamc_location at, beamc_pcollection in,
                                           const beamc_combine_fn *fn,
                                           const beamc_combine_options *options)
{
    beamc_pipeline *pipeline = in.pipeline;
    combine_use use;

    if (!beamc__pipeline_is_good(pipeline) || !check_call(at, pipeline, fn, options))
        return beamc__no_collection(pipeline);
    const char *name = beamc__next_name(pipeline, fn->function.name);
    const beamc__collection *from = beamc__collection_of(pipeline, at, in, name);
    if (from == NULL || !beamc__require_keyed(pipeline, at, name, from) ||
        !begin(&use, at, from, pipeline, name, fn, options, from->type->fields[1].type))
        return beamc__no_collection(pipeline);
    return add_keyed(&use, in, name, options);
}

/* ---- globally --------------------------------------------------------------------------------- */

static const beamc_dofn_side result_side[] = { { "result", NULL, BEAMC_VIEW_SINGLETON } };

static beamc_error *emit_result(beamc_context *ctx, const void *element BEAMC_UNUSED)
{
    void *value = beamc_alloc(ctx, ctx->output_types[0]->size);

    if (value == NULL)
        return beamc_error_nomem();
    BEAMC_TRY(beamc_side_singleton(ctx, 0, value));
    return beamc_emit_value(ctx, 0, value);
}

static beamc_error *check_result(beamc_context *ctx)
{
    const beamc_type *side = ctx->ops->side_type(ctx, 0);
    const beamc_type *out = ctx->output_types[0];

    if (side != NULL && beamc_type_equal(side, out))
        return NULL;
    return beamc_error_new(BEAMC_ETYPE, "gives %s, but its result is %s", out->name,
                           side == NULL ? "nowhere" : side->name);
}

/* The singleton side input, or its default, as an element. */
static const beamc_dofn result_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc.result_or_default" },
    .input = &beamc_type_bytes,
    .process = emit_result,
    .setup = check_result,
    .sides = result_side,
    .side_count = 1,
};
BEAMC_REGISTER(result_fn)

/* The result of combining nothing, in @arena. */
static beamc_error *combine_nothing(void **out, const combine_use *use, beamc_arena *arena)
{
    beamc_combine_context ctx = { .arena = arena,
                                  .config = use->config,
                                  .input = use->input,
                                  .accumulator = use->types.accumulator,
                                  .output = use->types.output };
    void *accumulator = beamc_arena_calloc(arena, 1, use->types.accumulator->size);

    *out = beamc_arena_calloc(arena, 1, use->types.output->size);
    if (accumulator == NULL || *out == NULL)
        return beamc_error_nomem();
    BEAMC_TRY(use->fn->create(&ctx, accumulator));
    return use->fn->extract(&ctx, accumulator, *out);
}

static beamc_pcollection add_default(const combine_use *use, beamc_pcollection result)
{
    beamc_pipeline *pipeline = use->pipeline;
    beamc_arena *arena = beamc_arena_new();
    void *nothing = NULL;

    if (arena == NULL)
        return beamc__fail_with(pipeline, use->at, beamc_error_nomem());
    beamc_error *err = combine_nothing(&nothing, use, arena);
    beamc_pcollection out;
    if (err != NULL) {
        err = beamc_error_wrap(err, "transform %s: result for no input", use->name);
        out = beamc__fail_with(pipeline, use->at, err);
    } else {
        beamc_side_input side = { result, nothing };
        beamc_par_do_options options = { .sides = &side, .side_count = 1 };
        beamc__par_do_spec spec = { .name = "ResultOrDefault",
                                    .dofn = &result_fn,
                                    .options = &options,
                                    .output = use->types.output };
        out = beamc__par_do_add(use->at, beamc_impulse_at(use->at, pipeline), &spec);
    }
    beamc_arena_free(arena);
    return out;
}

static beamc_pcollection add_globally(const combine_use *use, beamc_pcollection in,
                                      const beamc_combine_options *options)
{
    beamc_pipeline *pipeline = use->pipeline;
    const beamc_type *keyed = beamc__type_made(
        pipeline, beamc_type_kv(pipeline->arena, &beamc_type_bytes, use->input));
    beamc__par_do_spec add = { .name = "AddKey", .dofn = &beamc__one_key_fn, .output = keyed };
    beamc__par_do_spec drop = {
        .name = "DropKey", .dofn = &beamc__drop_key_fn, .output = use->types.output
    };
    beamc_pcollection out = beamc__par_do_add(use->at, in, &add);

    out = beamc__par_do_add(use->at, add_keyed(use, out, "CombinePerKey", options), &drop);
    if (!beamc__pipeline_is_good(pipeline) || (options != NULL && options->without_default))
        return out;
    return add_default(use, out);
}

beamc_pcollection beamc_combine_globally_at(beamc_location at, beamc_pcollection in,
                                            const beamc_combine_fn *fn,
                                            const beamc_combine_options *options)
{
    beamc_pipeline *pipeline = in.pipeline;
    combine_use use;

    if (!beamc__pipeline_is_good(pipeline) || !check_call(at, pipeline, fn, options))
        return beamc__no_collection(pipeline);
    const char *name = beamc__next_name(pipeline, fn->function.name);
    const beamc__collection *from = beamc__collection_of(pipeline, at, in, name);
    if (from == NULL)
        return beamc__no_collection(pipeline);
    if (from->windowing.kind != BEAMC_WINDOW_GLOBAL &&
        (options == NULL || !options->without_default))
        return beamc__fail(pipeline, at, BEAMC_EINVAL,
                           "transform %s: empty windows cannot have a default, but %s is not in the "
                           "global window: set without_default",
                           name, beamc__producer_name(pipeline, from));
    if (!begin(&use, at, from, pipeline, name, fn, options, from->type))
        return beamc__no_collection(pipeline);
    beamc__transform *composite = beamc__composite_enter(pipeline, at, name, URN_GLOBALLY);
    if (composite == NULL)
        return beamc__no_collection(pipeline);
    composite->call = use.call;
    composite->accumulator = use.types.accumulator;
    return beamc__composite_leave(pipeline, composite, add_globally(&use, in, options));
}
