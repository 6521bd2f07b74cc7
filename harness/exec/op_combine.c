/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a combine:
 *
 *     precombine   KV<K, In>            -> KV<K, Acc>   many into one, before the shuffle
 *     merge        KV<K, Iterable<Acc>> -> KV<K, Acc>
 *     extract      KV<K, Acc>           -> KV<K, Out>
 *     convert      KV<K, In>            -> KV<K, Acc>
 *     grouped      KV<K, Iterable<In>>  -> KV<K, Out>   all at once, where nothing is lifted
 *
 * Function.part: In or Out may be the accumulator itself, see function.proto. */
#include "harness/exec/op_combine.h"

#include "proto/unpack.h"
#include "proto/urns.h"
#include "sdk/pipeline/functions.h"

typedef beamc__combine combine;

/* ---- steps ------------------------------------------------------------------------------------ */

static beamc_error *send(combine *op, const beamc_element_info *info, const void *key)
{
    memcpy(op->result, key, op->key_size);
    return beamc__op_emit(&op->op, 0, info, op->result);
}

/* From op->accumulator to the value in op->result. */
static beamc_error *extract(combine *op)
{
    void *value = (char *)op->result + op->out_offset;

    if (!op->gives_accumulator)
        return op->fn->extract(&op->ctx, op->accumulator, value);
    if (op->fn->compact != NULL)
        BEAMC_TRY(op->fn->compact(&op->ctx, op->accumulator));
    memcpy(value, op->accumulator, op->ctx.accumulator->size);
    return NULL;
}

static beamc_error *create(combine *op)
{
    memset(op->accumulator, 0, op->ctx.accumulator->size);
    return op->fn->create(&op->ctx, op->accumulator);
}

/* Puts all values of an iterable into a new accumulator. */
static beamc_error *fold(combine *op, const beamc_iterable *values, bool merges)
{
    beamc_iterator iterator;
    beamc_error *error;

    BEAMC_TRY(create(op));
    beamc_iterate(&iterator, values);
    while (beamc_next(&iterator, op->other)) {
        error = merges || op->adds_accumulators
                    ? op->fn->merge(&op->ctx, op->accumulator, op->other)
                    : op->fn->add(&op->ctx, op->accumulator, op->other);
        if (error != NULL) {
            beamc_error_free(beamc_iterator_finish(&iterator)); /* none: the walk went well */
            return error;
        }
    }
    return beamc_iterator_finish(&iterator);
}

static const beamc_iterable *values_of(const combine *op, const void *element)
{
    return (const beamc_iterable *)(const void *)((const char *)element + op->in_offset);
}

static beamc_error *merge_one(combine *op, const beamc_element_info *info, const void *element)
{
    BEAMC_TRY(fold(op, values_of(op, element), true));
    if (op->fn->compact != NULL)
        BEAMC_TRY(op->fn->compact(&op->ctx, op->accumulator));
    memcpy((char *)op->result + op->out_offset, op->accumulator, op->ctx.accumulator->size);
    return send(op, info, element);
}

static beamc_error *extract_one(combine *op, const beamc_element_info *info, const void *element)
{
    memcpy(op->accumulator, (const char *)element + op->in_offset, op->ctx.accumulator->size);
    BEAMC_TRY(extract(op));
    return send(op, info, element);
}

static beamc_error *convert_one(combine *op, const beamc_element_info *info, const void *element)
{
    BEAMC_TRY(create(op));
    BEAMC_TRY(beamc__combine_add(op, op->accumulator, (const char *)element + op->in_offset, op->other));
    memcpy((char *)op->result + op->out_offset, op->accumulator, op->ctx.accumulator->size);
    return send(op, info, element);
}

static beamc_error *grouped_one(combine *op, const beamc_element_info *info, const void *element)
{
    BEAMC_TRY(fold(op, values_of(op, element), false));
    BEAMC_TRY(extract(op));
    return send(op, info, element);
}

/* One element, with the arena given back after it. */
#define PROCESS(name, one)                                                                         \
    static beamc_error *name(beamc_receiver *self, const beamc_element_info *info,                 \
                             const void *element)                                                  \
    {                                                                                              \
        combine *op = (combine *)self;                                                             \
        beamc__count_up(&op->op.count);                                                            \
        beamc__op *outer = beamc__plan_enter(op->op.plan, &op->op);                                \
        beamc_error *error = one(op, info, element);                                               \
        beamc__plan_leave(op->op.plan, outer);                                                     \
        beamc__arena_rewind_all(op->ctx.arena);                                                    \
        return beamc__op_pass(&op->op, error);                                                     \
    }

PROCESS(merge_process, merge_one)
PROCESS(extract_process, extract_one)
PROCESS(convert_process, convert_one)
PROCESS(grouped_process, grouped_one)

static void combine_free(beamc__op *head)
{
    combine *op = (combine *)head;
    beamc_arena_free(op->ctx.arena);
}

/* ---- making ----------------------------------------------------------------------------------- */

/* What comes in and goes out must be what the part and the function say. */
static beamc_error *check_types(const combine *op, beamc__combine_part part)
{
    const beamc_type *accumulator = op->ctx.accumulator;
    const beamc_type *in = op->in->fields[1].type;
    const beamc_type *out = op->out->fields[1].type;
    bool takes_iterable = part == BEAMC__COMBINE_MERGE || part == BEAMC__COMBINE_GROUPED;
    bool takes_accumulators =
        part == BEAMC__COMBINE_MERGE || part == BEAMC__COMBINE_EXTRACT || op->adds_accumulators;
    bool gives_accumulators = (part != BEAMC__COMBINE_EXTRACT && part != BEAMC__COMBINE_GROUPED) ||
                              op->gives_accumulator;

    if (takes_iterable) {
        if (in->kind != BEAMC_KIND_ITERABLE && in->kind != BEAMC_KIND_STATE_BACKED_ITERABLE)
            return beamc_error_new(BEAMC_ETYPE, "it takes KV<K, Iterable<V>>, not %s", op->in->name);
        in = in->fields[0].type;
    }
    const beamc_type *takes = takes_accumulators ? accumulator : op->ctx.input;
    const beamc_type *gives = gives_accumulators ? accumulator : op->ctx.output;
    if (takes != NULL && !beamc_type_equal(takes, in))
        return beamc_error_new(BEAMC_ETYPE, "%s takes %s, but gets %s", op->fn->function.name,
                               takes->name, in->name);
    if (gives != NULL && !beamc_type_equal(gives, out))
        return beamc_error_new(BEAMC_ETYPE, "%s gives %s, but its PCollection has %s",
                               op->fn->function.name, gives->name, out->name);
    if (!beamc_type_equal(op->in->fields[0].type, op->out->fields[0].type))
        return beamc_error_new(BEAMC_ETYPE, "keys of %s come in, of %s go out", op->in->name,
                               op->out->name);
    return NULL;
}

/* What the table says must be what there is. */
static beamc_error *check_declared(const combine *op, const char *what, const beamc_type *declared,
                                   const beamc_type *given)
{
    if (declared == NULL || given == NULL || beamc_type_equal(declared, given))
        return NULL;
    return beamc_error_new(BEAMC_ETYPE, "the %s of %s is %s, but the pipeline has %s", what,
                           op->fn->function.name, declared->name, given->name);
}

/* The types of this use: what the PCollections show, or what the table says or infers. */
static beamc_error *find_types(combine *op, beamc__combine_part part, beamc_arena *arena,
                               const beamc_type *accumulator)
{
    const beamc_type *in = op->in->fields[1].type;
    const beamc_combine_fn *fn = op->fn;
    bool has_inputs = part != BEAMC__COMBINE_MERGE && part != BEAMC__COMBINE_EXTRACT &&
                      !op->adds_accumulators;

    BEAMC_TRY(check_declared(op, "accumulator", fn->accumulator, accumulator));
    op->ctx.accumulator = accumulator != NULL ? accumulator : fn->accumulator;
    op->ctx.input = fn->input;
    op->ctx.output = fn->output;
    if (part == BEAMC__COMBINE_GROUPED && in->field_count == 1)
        in = in->fields[0].type;
    if (has_inputs) {
        op->ctx.input = beamc__type_bare(in);
        BEAMC_TRY(check_declared(op, "input", fn->input, op->ctx.input));
    } else if (op->ctx.accumulator == NULL && op->adds_accumulators) {
        op->ctx.accumulator = beamc__type_bare(in);
    }
    if (part == BEAMC__COMBINE_EXTRACT || part == BEAMC__COMBINE_GROUPED)
        op->ctx.output = beamc__type_bare(op->out->fields[1].type);
    if (op->ctx.output != fn->output && !op->gives_accumulator)
        BEAMC_TRY(check_declared(op, "output", fn->output, op->ctx.output));
    if (op->ctx.accumulator == NULL && has_inputs && fn->infer != NULL) {
        beamc_combine_types types = { NULL, NULL };
        BEAMC_TRY(fn->infer(fn, op->ctx.input, op->ctx.config, arena, &types));
        op->ctx.accumulator = types.accumulator;
        if (!op->gives_accumulator)
            BEAMC_TRY(check_declared(op, "output", types.output, op->ctx.output));
    }
    if (op->ctx.accumulator == NULL)
        return beamc_error_new(BEAMC_ETYPE, "%s does not say its accumulator's type",
                               fn->function.name);
    return NULL;
}

static beamc_error *find_kvs(combine *op, const beamc__op_spec *spec)
{
    if (spec->head.input == NULL || spec->head.output_count != 1)
        return beamc_error_new(BEAMC_ECORRUPT, "it has one input and one output");
    op->in = beamc__type_bare(spec->head.input->type);
    op->out = beamc__type_bare(spec->head.outputs[0]->type);
    if (op->in->kind != BEAMC_KIND_KV || op->out->kind != BEAMC_KIND_KV)
        return beamc_error_new(BEAMC_ETYPE, "it takes and gives KVs, not %s and %s", op->in->name,
                               op->out->name);
    op->in_offset = beamc_kv_value_offset(op->in);
    op->out_offset = beamc_kv_value_offset(op->out);
    op->key_size = op->in->fields[0].type->size;
    return NULL;
}

static beamc_error *combine_init(combine *op, const beamc__op_spec *spec,
                                 const CS(Function) *function, beamc__combine_part part,
                                 const beamc_type *accumulator)
{
    beamc_arena *arena = spec->plan->arena;
    void *config;

    BEAMC_TRY(find_kvs(op, spec));
    BEAMC_TRY(beamc__config_thaw(&config, spec->plan, function, op->fn->config, op->fn->thaw));
    op->ctx.config = config;
    op->adds_accumulators = function->part == CSK(FUNCTION__PART__FROM_ACCUMULATOR);
    op->gives_accumulator = function->part == CSK(FUNCTION__PART__TO_ACCUMULATOR);
    BEAMC_TRY(find_types(op, part, arena, accumulator));
    BEAMC_TRY(check_types(op, part));
    size_t other = op->in->fields[1].type->size;
    if (other < op->ctx.accumulator->size)
        other = op->ctx.accumulator->size;
    if (op->in->fields[1].type->field_count > 0 && other < op->in->fields[1].type->fields[0].type->size)
        other = op->in->fields[1].type->fields[0].type->size;
    op->result = beamc_arena_calloc(arena, 1, op->out->size);
    op->accumulator = beamc_arena_calloc(arena, 1, op->ctx.accumulator->size);
    op->other = beamc_arena_calloc(arena, 1, other);
    return beamc_arena_failed(arena) ? beamc_error_nomem() : NULL;
}

static beamc_error *make(beamc__op **out, const beamc__op_spec *spec, const CS(Function) *function,
                         beamc__combine_part part, const beamc_type *accumulator)
{
    static const beamc__op_ops ops = { .free = combine_free };
    static beamc_error *(*const processes[])(beamc_receiver *, const beamc_element_info *,
                                             const void *) = {
        [BEAMC__COMBINE_PRECOMBINE] = beamc__precombine_process,
        [BEAMC__COMBINE_MERGE] = merge_process,
        [BEAMC__COMBINE_EXTRACT] = extract_process,
        [BEAMC__COMBINE_CONVERT] = convert_process,
        [BEAMC__COMBINE_GROUPED] = grouped_process,
    };
    bool is_precombine = part == BEAMC__COMBINE_PRECOMBINE;
    const beamc_combine_fn *fn = (const beamc_combine_fn *)beamc__function_find(
        spec->plan->options.functions, spec->plan->options.function_count, BEAMC_FUNCTION_COMBINE,
        function->name);

    if (fn == NULL)
        return beamc_error_new(BEAMC_ENOENT, "this program has no CombineFn %s", function->name);
    combine *op = beamc__op_alloc(spec, is_precombine ? sizeof(beamc__precombine) : sizeof(combine),
                                  is_precombine ? &beamc__precombine_ops : &ops, processes[part]);
    if (op == NULL)
        return beamc_error_nomem();
    *out = &op->op;
    op->fn = fn;
    BEAMC_TRY(combine_init(op, spec, function, part, accumulator));
    if (is_precombine)
        return beamc__precombine_init((beamc__precombine *)op);
    op->ctx.arena = beamc_arena_new();
    return op->ctx.arena == NULL ? beamc_error_nomem() : NULL;
}

beamc_error *beamc__op_combine_function(beamc__op **out, const beamc__op_spec *spec,
                                        const CS(Function) *function, beamc__combine_part part)
{
    return make(out, spec, function, part, NULL);
}

beamc_error *beamc__op_combine(beamc__op **out, const beamc__op_spec *spec,
                               beamc__combine_part part)
{
    ProtobufCAllocator allocator = beamc__arena_allocator(spec->plan->arena);
    const ProtobufCBinaryData *bytes = &spec->transform->spec->payload;
    const PB(CombinePayload) *payload =
        BEAMC__UNPACK(PB(CombinePayload), pb(combine_payload__descriptor), &allocator, bytes->len,
                      bytes->data);
    const CS(Function) *function;
    const beamc_type *accumulator;

    if (payload == NULL)
        return beamc_arena_failed(spec->plan->arena)
                   ? beamc_error_nomem()
                   : beamc_error_new(BEAMC_ECORRUPT, "its CombinePayload is malformed");
    BEAMC_TRY(beamc__function_unpack(&function, spec->plan, payload->combine_fn,
                                     BEAMC_URN_OWN_COMBINE_FN));
    BEAMC_TRY(spec->type_of(spec->plan, payload->accumulator_coder_id, &accumulator));
    return make(out, spec, function, part, beamc__type_bare(accumulator));
}
