/* SPDX-License-Identifier: Apache-2.0 */
/* Building and running plans.
 *
 * PCollections become nodes, transforms become ops; an op's output node names the receiver that
 * consumes it: the one consumer itself, a fan for several, a drain for none.  Ops are kept with
 * producers before consumers: bundles start from the back and finish from the front. */
#include "harness/exec/plan.h"

#include "harness/exec/bundle_view.h"
#include "harness/exec/data_channel.h"
#include "harness/exec/op.h"
#include "proto/unpack.h"
#include "proto/urns.h"
#include "sdk/coders/type_proto.h"
#include "sdk/windowing/window_proto.h"
#include <inttypes.h>
#include <stdlib.h>

#define COMBINE_MEMORY ((size_t)64 << 20)

/* ---- errors ---------------------------------------------------------------------------------- */

#define NAMED "transform "

bool beamc__plan_has_told(const beamc__plan *plan, const beamc_error *error)
{
    for (; error != NULL; error = beamc_error_cause(error)) {
        /* Another one may lie where one that was freed lay. */
        if (error == plan->told &&
            strncmp(beamc_error_message(error), NAMED, strlen(NAMED)) == 0)
            return true;
    }
    return false;
}

static beamc_error *tell(beamc__op *op, const char *when, beamc_error *take_error)
{
    beamc__plan *plan = op->plan;

    if (take_error == NULL || beamc__plan_has_told(plan, take_error))
        return take_error;
    if (plan->failed == NULL)
        plan->failed = op;
    if (beamc_error_code(take_error) == BEAMC_ECANCELLED)
        return take_error;
    if (when != NULL)
        take_error = beamc_error_wrap(take_error, NAMED "%s: %s", op->name, when);
    else if (op->count == 0)
        take_error = beamc_error_wrap(take_error, NAMED "%s", op->name);
    else
        take_error = beamc_error_wrap(take_error, NAMED "%s: element %" PRIu64, op->name,
                                      op->count);
    plan->told = take_error;
    return take_error;
}

beamc_error *beamc__op_failed(beamc__op *op, beamc_error *take_error)
{
    return tell(op, NULL, take_error);
}

beamc_error *beamc__op_failed_when(beamc__op *op, const char *when, beamc_error *take_error)
{
    return tell(op, when, take_error);
}

/* ---- our own payloads --------------------------------------------------------------------------- */

beamc_error *beamc__function_unpack(const CS(Function) **out, beamc__plan *plan,
                                    const PB(FunctionSpec) *spec, const char *urn)
{
    ProtobufCAllocator allocator = beamc__arena_allocator(plan->arena);

    *out = NULL;
    if (spec == NULL || strcmp(spec->urn, urn) != 0)
        return beamc_error_new(BEAMC_EUNSUPPORTED, "its function is a %s, not a %s of this SDK",
                               spec == NULL || *spec->urn == '\0' ? "missing one" : spec->urn, urn);
    *out = BEAMC__UNPACK(CS(Function), cs(function__descriptor), &allocator, spec->payload.len,
                         spec->payload.data);
    if (*out != NULL)
        return NULL;
    if (beamc_arena_failed(plan->arena))
        return beamc_error_nomem();
    return beamc_error_new(BEAMC_ECORRUPT, "its function's payload of %zu bytes is malformed",
                           spec->payload.len);
}

beamc_error *beamc__config_thaw(void **out, beamc__plan *plan, const CS(Function) *function,
                                const beamc_type *type,
                                beamc_error *(*thaw)(void **, const uint8_t *, size_t,
                                                     beamc_arena *))
{
    *out = NULL;
    if (function->optional_config_case != CSK(FUNCTION__OPTIONAL_CONFIG_CONFIG))
        return type == NULL && thaw == NULL
                   ? NULL
                   : beamc_error_new(BEAMC_ECORRUPT, "%s comes without its configuration",
                                     function->name);
    const ProtobufCBinaryData *config = &function->config;
    if (thaw != NULL)
        return beamc_error_wrap(thaw(out, config->data, config->len, plan->arena),
                                "the configuration of %s", function->name);
    if (type == NULL)
        return beamc_error_new(BEAMC_ECORRUPT, "%s takes no configuration, but comes with one",
                               function->name);
    void *value = beamc_arena_calloc(plan->arena, 1, type->size);
    if (value == NULL)
        return beamc_error_nomem();
    beamc_reader in = beamc_reader_of(config->data, config->len);
    int rc = beamc_decode(type, value, false, &in, plan->arena);
    if (rc == BEAMC_OK && beamc_reader_left(&in) > 0)
        rc = BEAMC_ECORRUPT;
    if (rc < 0)
        return beamc_error_new((beamc_code)rc, "the configuration of %s (%s) of %zu bytes: %s",
                               function->name, type->name, config->len, beamc_code_text(rc));
    *out = value;
    return NULL;
}

/* ---- looking things up in the descriptor ------------------------------------------------------- */

typedef FN(ProcessBundleDescriptor) descriptor_type;

#define FIND(name, field, entry_type)                                                              \
    static const entry_type *name(const descriptor_type *descriptor, const char *id)               \
    {                                                                                              \
        for (size_t i = 0; i < descriptor->n_##field; i++) {                                       \
            if (strcmp(descriptor->field[i]->key, id) == 0)                                        \
                return descriptor->field[i]->value;                                                \
        }                                                                                          \
        return NULL;                                                                               \
    }

FIND(find_strategy, windowing_strategies, PB(WindowingStrategy))
FIND(find_coder, coders, PB(Coder))

static const PB(Coder) *resolve_coder(void *ctx, const char *id)
{
    return find_coder(ctx, id);
}

static beamc_error *type_of(beamc__plan *plan, const char *coder_id, const beamc_type **out)
{
    beamc__coder_resolver resolver = { resolve_coder, (void *)plan->descriptor, plan->customs,
                                       plan->custom_count };
    return beamc__type_from_coder(out, &resolver, coder_id, plan->arena);
}

static beamc__node *find_node(beamc__plan *plan, const char *id)
{
    for (size_t i = 0; i < plan->node_count; i++) {
        if (strcmp(plan->nodes[i].id, id) == 0)
            return &plan->nodes[i];
    }
    return NULL;
}

/* ---- types with coders of their own ----------------------------------------------------------- */

/* Room for one more in a list of pointers in the arena; false: no memory. */
static bool grow(beamc_arena *arena, void *list, size_t count, size_t *capacity)
{
    void **old;

    if (count < *capacity)
        return true;
    size_t more = *capacity == 0 ? 4 : 2 * *capacity;
    void **made = beamc_arena_calloc(arena, more, sizeof(*made));
    if (made == NULL)
        return false;
    memcpy(&old, list, sizeof(old));
    if (count > 0)
        memcpy(made, old, count * sizeof(*made));
    memcpy(list, &made, sizeof(made));
    *capacity = more;
    return true;
}

/* Notes the custom types in @type; NULL is none. */
static bool note_customs(beamc__plan *plan, const beamc_type *type)
{
    if (type == NULL)
        return true;
    for (size_t i = 0; i < type->field_count; i++) {
        if (!note_customs(plan, type->fields[i].type))
            return false;
    }
    if (type->kind != BEAMC_KIND_CUSTOM)
        return true;
    for (size_t i = 0; i < plan->custom_count; i++) {
        if (plan->customs[i] == type)
            return true;
    }
    if (!grow(plan->arena, &plan->customs, plan->custom_count, &plan->custom_capacity))
        return false;
    plan->customs[plan->custom_count++] = type;
    return true;
}

static bool note_customs_of_dofn(beamc__plan *plan, const beamc_dofn *dofn)
{
    bool noted = note_customs(plan, dofn->input) && note_customs(plan, dofn->output) &&
                 note_customs(plan, dofn->config);

    for (size_t i = 0; noted && i < dofn->output_count; i++)
        noted = note_customs(plan, dofn->outputs[i].type);
    for (size_t i = 0; noted && i < dofn->side_count; i++)
        noted = note_customs(plan, dofn->sides[i].type);
    return noted;
}

/* The coder of a custom type is known by the functions that take or give it. */
static beamc_error *find_customs(beamc__plan *plan)
{
    for (size_t i = 0; i < plan->options.function_count; i++) {
        const beamc_function *function = plan->options.functions[i];
        bool noted = true;
        if (function->kind == BEAMC_FUNCTION_DOFN) {
            noted = note_customs_of_dofn(plan, (const beamc_dofn *)function);
        } else {
            const beamc_combine_fn *fn = (const beamc_combine_fn *)function;
            noted = note_customs(plan, fn->input) && note_customs(plan, fn->accumulator) &&
                    note_customs(plan, fn->output) && note_customs(plan, fn->config);
        }
        if (!noted)
            return beamc_error_nomem();
    }
    return NULL;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static beamc_error *node_init(beamc__plan *plan, beamc__node *node, const char *id,
                              const PB(PCollection) *pcollection)
{
    node->id = id;
    BEAMC_TRY(type_of(plan, pcollection->coder_id, &node->type));
    const PB(WindowingStrategy) *strategy =
        find_strategy(plan->descriptor, pcollection->windowing_strategy_id);
    if (strategy == NULL)
        return beamc_error_new(BEAMC_ENOENT, "windowing strategy %s is not in the descriptor",
                               pcollection->windowing_strategy_id);
    beamc__strategy read;
    BEAMC_TRY(beamc__strategy_read(&read, strategy,
                                   find_coder(plan->descriptor, strategy->window_coder_id)));
    node->window_fn = read.fn;
    node->output_time = read.output_time;
    return beamc_error_wrap(type_of(plan, strategy->window_coder_id, &node->window_type),
                            "windowing strategy %s", pcollection->windowing_strategy_id);
}

static beamc_error *make_nodes(beamc__plan *plan)
{
    const descriptor_type *descriptor = plan->descriptor;

    plan->nodes = beamc_arena_calloc(plan->arena, descriptor->n_pcollections, sizeof(*plan->nodes));
    if (plan->nodes == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < descriptor->n_pcollections; i++) {
        const char *id = descriptor->pcollections[i]->key;
        if (descriptor->pcollections[i]->value == NULL)
            return beamc_error_new(BEAMC_ECORRUPT, "PCollection %s is empty", id);
        plan->node_count++;
        BEAMC_TRY(beamc_error_wrap(
            node_init(plan, &plan->nodes[i], id, descriptor->pcollections[i]->value),
            "PCollection %s", id));
    }
    return NULL;
}

/* ---- ops ------------------------------------------------------------------------------------- */

void *beamc__op_alloc(const beamc__op_spec *spec, size_t size, const beamc__op_ops *ops,
                      beamc_error *(*process)(beamc_receiver *, const beamc_element_info *,
                                              const void *))
{
    beamc__op *op = beamc_arena_calloc(spec->plan->arena, 1, size);

    if (op == NULL)
        return NULL;
    *op = spec->head;
    op->ops = ops;
    op->receiver.process = process;
    return op;
}

static beamc_error *pass_flat(beamc_receiver *self, const beamc_element_info *info,
                              const void *value)
{
    beamc__op *op = (beamc__op *)self;
    beamc__count_up(&op->count);
    return beamc__op_emit(op, 0, info, value);
}

beamc_error *beamc__op_flatten(beamc__op **out, const beamc__op_spec *spec)
{
    static const beamc__op_ops ops = { 0 };

    if (spec->head.output_count != 1)
        return beamc_error_new(BEAMC_ECORRUPT, "a flatten has one output, not %zu",
                               spec->head.output_count);
    *out = beamc__op_alloc(spec, sizeof(beamc__op), &ops, pass_flat);
    return *out == NULL ? beamc_error_nomem() : NULL;
}

static beamc_error *op_precombine(beamc__op **out, const beamc__op_spec *spec)
{
    return beamc__op_combine(out, spec, BEAMC__COMBINE_PRECOMBINE);
}

static beamc_error *op_merge(beamc__op **out, const beamc__op_spec *spec)
{
    return beamc__op_combine(out, spec, BEAMC__COMBINE_MERGE);
}

static beamc_error *op_extract(beamc__op **out, const beamc__op_spec *spec)
{
    return beamc__op_combine(out, spec, BEAMC__COMBINE_EXTRACT);
}

static beamc_error *op_convert(beamc__op **out, const beamc__op_spec *spec)
{
    return beamc__op_combine(out, spec, BEAMC__COMBINE_CONVERT);
}

static beamc_error *op_grouped(beamc__op **out, const beamc__op_spec *spec)
{
    return beamc__op_combine(out, spec, BEAMC__COMBINE_GROUPED);
}

static const struct {
    const char *urn;
    beamc_error *(*make)(beamc__op **out, const beamc__op_spec *spec);
} makers[] = {
    { BEAMC_URN_DATA_SOURCE, beamc__op_source },
    { BEAMC_URN_DATA_SINK, beamc__op_sink },
    { BEAMC_URN_PARDO, beamc__op_par_do },
    { BEAMC_URN_WINDOW_INTO, beamc__op_window_into },
    { BEAMC_URN_FLATTEN, beamc__op_flatten },
    { BEAMC_URN_MAP_WINDOWS, beamc__op_map_windows },
    { BEAMC_URN_MERGE_WINDOWS, beamc__op_merge_windows },
    { BEAMC_URN_TO_STRING, beamc__op_to_string },
    { BEAMC_URN_COMBINE_PER_KEY_PRECOMBINE, op_precombine },
    { BEAMC_URN_COMBINE_PER_KEY_MERGE_ACCUMULATORS, op_merge },
    { BEAMC_URN_COMBINE_PER_KEY_EXTRACT_OUTPUTS, op_extract },
    { BEAMC_URN_COMBINE_PER_KEY_CONVERT_TO_ACCUMULATORS, op_convert },
    { BEAMC_URN_COMBINE_GROUPED_VALUES, op_grouped },
};

/* The main input: of a ParDo the one that is no side input (exactly one remains). */
static beamc_error *main_input(beamc__plan *plan, const PB(PTransform) *transform,
                               const PB(ParDoPayload) *par_do, const beamc__node **out)
{
    *out = NULL;
    for (size_t i = 0; i < transform->n_inputs; i++) {
        bool is_side = false;
        for (size_t s = 0; par_do != NULL && s < par_do->n_side_inputs; s++)
            is_side = is_side || strcmp(par_do->side_inputs[s]->key, transform->inputs[i]->key) == 0;
        if (is_side)
            continue;
        if (*out != NULL && strcmp(transform->spec->urn, BEAMC_URN_FLATTEN) != 0)
            return beamc_error_new(BEAMC_ECORRUPT, "it has more than one main input");
        *out = find_node(plan, transform->inputs[i]->value);
        if (*out == NULL)
            return beamc_error_new(BEAMC_ENOENT, "its input %s is not in the descriptor",
                                   transform->inputs[i]->value);
    }
    return NULL;
}

static beamc_error *outputs_of(beamc__plan *plan, const PB(PTransform) *transform, beamc__op *head)
{
    head->output_count = transform->n_outputs;
    head->outputs = beamc_arena_calloc(plan->arena, transform->n_outputs, sizeof(*head->outputs));
    if (head->outputs == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < transform->n_outputs; i++) {
        head->outputs[i] = find_node(plan, transform->outputs[i]->value);
        if (head->outputs[i] == NULL)
            return beamc_error_new(BEAMC_ENOENT, "its output %s is not in the descriptor",
                                   transform->outputs[i]->value);
    }
    return NULL;
}

static beamc_error *add_consumer(beamc__plan *plan, const beamc__node *input, beamc__op *op)
{
    beamc__node *node = &plan->nodes[input - plan->nodes];

    if (!grow(plan->arena, &node->consumers, node->consumer_count, &node->consumer_capacity))
        return beamc_error_nomem();
    node->consumers[node->consumer_count++] = op;
    return NULL;
}

/* All inputs of a flatten come to the one op; what stands there twice comes twice. */
static beamc_error *add_consumers(beamc__plan *plan, const PB(PTransform) *transform, beamc__op *op)
{
    if (op->input == NULL)
        return NULL;
    if (strcmp(transform->spec->urn, BEAMC_URN_FLATTEN) != 0)
        return add_consumer(plan, op->input, op);
    for (size_t i = 0; i < transform->n_inputs; i++) {
        const beamc__node *node = find_node(plan, transform->inputs[i]->value);
        BEAMC_TRY(add_consumer(plan, node, op));
    }
    return NULL;
}

static beamc_error *make_op(beamc__plan *plan, const char *id, const PB(PTransform) *transform,
                            beamc__op **out)
{
    if (transform == NULL || transform->spec == NULL || transform->n_subtransforms > 0)
        return beamc_error_new(BEAMC_ECORRUPT, "it is no leaf with a URN");
    beamc__op_spec spec = { .plan = plan, .transform = transform, .find_node = find_node,
                            .type_of = type_of };
    spec.head.plan = plan;
    spec.head.id = id;
    spec.head.name = *transform->unique_name != '\0' ? transform->unique_name : id;
    BEAMC_TRY(outputs_of(plan, transform, &spec.head));

    const PB(ParDoPayload) *par_do = NULL;
    if (strcmp(transform->spec->urn, BEAMC_URN_PARDO) == 0) {
        ProtobufCAllocator allocator = beamc__arena_allocator(plan->arena);
        par_do = BEAMC__UNPACK(PB(ParDoPayload), pb(par_do_payload__descriptor), &allocator,
                               transform->spec->payload.len, transform->spec->payload.data);
        if (par_do == NULL)
            return beamc_arena_failed(plan->arena)
                       ? beamc_error_nomem()
                       : beamc_error_new(BEAMC_ECORRUPT, "its ParDoPayload is malformed");
    }
    BEAMC_TRY(main_input(plan, transform, par_do, &spec.head.input));
    for (size_t i = 0; i < sizeof(makers) / sizeof(*makers); i++) {
        if (strcmp(makers[i].urn, transform->spec->urn) == 0)
            return makers[i].make(out, &spec);
    }
    return beamc_error_new(BEAMC_EUNSUPPORTED, "%s is no transform that this harness runs",
                           transform->spec->urn);
}

static beamc_error *make_ops(beamc__plan *plan)
{
    const descriptor_type *descriptor = plan->descriptor;

    plan->ops = beamc_arena_calloc(plan->arena, descriptor->n_transforms, sizeof(*plan->ops));
    if (plan->ops == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < descriptor->n_transforms; i++) {
        const PB(PTransform) *transform = descriptor->transforms[i]->value;
        const char *id = descriptor->transforms[i]->key;
        beamc__op *op = NULL;
        beamc_error *error = make_op(plan, id, transform, &op);
        if (op != NULL)
            plan->ops[plan->op_count++] = op;
        if (error == NULL)
            error = add_consumers(plan, transform, op);
        BEAMC_TRY(beamc_error_wrap(error, "transform %s",
                                   transform != NULL && *transform->unique_name != '\0'
                                       ? transform->unique_name
                                       : id));
    }
    return NULL;
}

/* ---- order ----------------------------------------------------------------------------------- */

/* Puts producers before consumers.  A PCollection has one producer here, so a loop is what leaves
 * ops over. */
static beamc_error *sort_ops(beamc__plan *plan)
{
    beamc__op **sorted = beamc_arena_calloc(plan->arena, plan->op_count, sizeof(*sorted));
    size_t placed = 0;

    if (sorted == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < plan->op_count; i++) {
        const beamc__op *op = plan->ops[i];
        for (size_t k = 0; k < op->output_count; k++) {
            for (size_t c = 0; c < op->outputs[k]->consumer_count; c++)
                op->outputs[k]->consumers[c]->pending++;
        }
    }
    for (size_t i = 0; i < plan->op_count; i++) {
        if (plan->ops[i]->pending == 0)
            sorted[placed++] = plan->ops[i];
    }
    for (size_t at = 0; at < placed; at++) {
        for (size_t k = 0; k < sorted[at]->output_count; k++) {
            const beamc__node *node = sorted[at]->outputs[k];
            for (size_t c = 0; c < node->consumer_count; c++) {
                if (--node->consumers[c]->pending == 0)
                    sorted[placed++] = node->consumers[c];
            }
        }
    }
    if (placed < plan->op_count) {
        for (size_t i = 0; i < plan->op_count; i++) {
            if (plan->ops[i]->pending > 0)
                return beamc_error_new(BEAMC_ECORRUPT, "transform %s: the descriptor has a loop",
                                       plan->ops[i]->name);
        }
    }
    plan->ops = sorted;
    return NULL;
}

/* Every PCollection that is read has one producer. */
static beamc_error *check_producers(beamc__plan *plan)
{
    for (size_t i = 0; i < plan->op_count; i++) {
        beamc__op *op = plan->ops[i];
        for (size_t k = 0; k < op->output_count; k++) {
            beamc__node *node = op->outputs[k];
            if (node->producer != NULL)
                return beamc_error_new(BEAMC_ECORRUPT, "PCollection %s is made by both %s and %s",
                                       node->id, node->producer->name, op->name);
            node->producer = op;
        }
    }
    for (size_t i = 0; i < plan->node_count; i++) {
        const beamc__node *node = &plan->nodes[i];
        if (node->consumer_count > 0 && node->producer == NULL)
            return beamc_error_new(BEAMC_ECORRUPT,
                                   "transform %s: its input %s is made by no transform",
                                   node->consumers[0]->name, node->id);
    }
    return NULL;
}

/* ---- receivers ------------------------------------------------------------------------------- */

/* For several consumers, or none. */
typedef struct {
    beamc_receiver receiver;
    uint64_t count;
    size_t to_count;
    beamc_receiver *to[];
} fan;

static beamc_error *fan_process(beamc_receiver *self, const beamc_element_info *info,
                                const void *value)
{
    fan *op = (fan *)self;

    beamc__count_up(&op->count);
    for (size_t i = 0; i < op->to_count; i++)
        BEAMC_TRY(op->to[i]->process(op->to[i], info, value));
    return NULL;
}

/* The one consumer of a PCollection, or NULL.  A flatten receives from several PCollections and cannot
 * count each. */
static beamc__op *only_consumer(const beamc__node *node)
{
    bool alone = node->consumer_count == 1 && node->consumers[0]->input == node &&
                 node->consumers[0]->receiver.process != pass_flat;

    return alone ? node->consumers[0] : NULL;
}

/* Elements that would only be paired with a number before they are combined go there by themselves,
 * unless someone wants to see pairs. */
static bool connect_past_pairing(beamc__node *node, const beamc__op *consumer)
{
    const int64_t *number = beamc__par_do_pairs_with(consumer);
    beamc__op *next = number == NULL ? NULL : only_consumer(consumer->outputs[0]);
    beamc_receiver *keys = next == NULL ? NULL : beamc__precombine_keys(next, number);

    if (keys == NULL)
        return false;
    node->receiver = keys;
    node->count = &next->count;
    return true;
}

static beamc_error *connect_consumers(beamc__plan *plan, beamc__node *node)
{
    beamc__op *consumer = only_consumer(node);

    if (consumer != NULL && plan->options.samples == NULL && connect_past_pairing(node, consumer))
        return NULL;
    if (consumer != NULL) {
        node->receiver = &consumer->receiver;
        node->count = &consumer->count;
        return NULL;
    }
    fan *made = beamc_arena_calloc(plan->arena, 1,
                                   sizeof(fan) + node->consumer_count * sizeof(*made->to));
    if (made == NULL)
        return beamc_error_nomem();
    made->receiver.process = fan_process;
    made->to_count = node->consumer_count;
    for (size_t i = 0; i < node->consumer_count; i++)
        made->to[i] = &node->consumers[i]->receiver;
    node->receiver = &made->receiver;
    node->count = &made->count;
    return NULL;
}

static beamc_error *connect_node(beamc__plan *plan, beamc__node *node)
{
    BEAMC_TRY(connect_consumers(plan, node));
    return beamc__tap_insert(plan, node);
}

/* ---- state ----------------------------------------------------------------------------------- */

static beamc_error *fetch_key(const beamc__plan *plan, const beamc__state_key *key, beamc_bytes from,
                              beamc__state_page *page)
{
    beamc__state *state = plan->bundle == NULL ? NULL : plan->bundle->state;

    if (state == NULL)
        return beamc_error_new(BEAMC_EUNSUPPORTED, "this bundle has no access to state");
    return state->get(state, key, from, page);
}

static beamc_error *get_by_key(const beamc__state_fetch *fetch, beamc_bytes token, beamc_bytes from,
                               beamc__state_page *page)
{
    beamc__state_key key;
    memcpy(&key, token.data, sizeof(key));
    return fetch_key(fetch->ctx, &key, from, page);
}

static beamc_error *get_by_token(const beamc__state_fetch *fetch, beamc_bytes token,
                                 beamc_bytes from, beamc__state_page *page)
{
    beamc__state_key key = { .kind = BEAMC__STATE_RUNNER, .key = token };
    return fetch_key(fetch->ctx, &key, from, page);
}

static void release_page(const beamc__state_fetch *fetch, beamc__state_page *page)
{
    const beamc__plan *plan = fetch->ctx;
    beamc__state *state = plan->bundle == NULL ? NULL : plan->bundle->state;
    if (state != NULL && state->release != NULL)
        state->release(state, page);
}

/* ---- the plan -------------------------------------------------------------------------------- */

static beamc_error *build(beamc__plan *plan)
{
    BEAMC_TRY(find_customs(plan));
    BEAMC_TRY(make_nodes(plan));
    BEAMC_TRY(make_ops(plan));
    BEAMC_TRY(check_producers(plan));
    BEAMC_TRY(sort_ops(plan));
    for (size_t i = 0; i < plan->node_count; i++)
        BEAMC_TRY(connect_node(plan, &plan->nodes[i]));
    return beamc__gauges_insert(plan);
}

static void tell_watch(beamc__plan_watch *watch, const beamc__plan *plan)
{
    if (watch != NULL)
        watch->at(watch, plan);
}

static beamc_error *set_up(beamc__plan *plan)
{
    beamc__plan_watch *watch = plan->options.watch;
    beamc_error *error = NULL;

    tell_watch(watch, plan);
    for (size_t i = 0; error == NULL && i < plan->op_count; i++)
        error = beamc__par_do_set_up(plan->ops[i]);
    tell_watch(watch, NULL);
    return error;
}

beamc_error *beamc__plan_new(beamc__plan **out, const FN(ProcessBundleDescriptor) *descriptor,
                             const beamc__plan_options *options)
{
    beamc__plan *plan = calloc(1, sizeof(*plan));

    *out = NULL;
    if (plan == NULL)
        return beamc_error_nomem();
    plan->arena = beamc_arena_new();
    if (plan->arena == NULL) {
        free(plan);
        return beamc_error_nomem();
    }
    plan->descriptor = descriptor;
    plan->options = *options;
    if (plan->options.combine_memory == 0)
        plan->options.combine_memory = COMBINE_MEMORY;
    plan->token_fetch = (beamc__state_fetch){ get_by_token, release_page, plan };
    plan->key_fetch = (beamc__state_fetch){ get_by_key, release_page, plan };
    plan->decode = (beamc__decode_context){ plan->arena, &plan->token_fetch };
    plan->phase = BEAMC__PHASES;
    beamc_error *error = build(plan);
    if (error == NULL)
        error = set_up(plan);
    plan->options.watch = NULL; /* it was there for this */
    if (error != NULL) {
        beamc__plan_free(plan);
        return error;
    }
    *out = plan;
    return NULL;
}

void beamc__plan_free(beamc__plan *plan)
{
    if (plan == NULL)
        return;
    for (size_t i = 0; i < plan->op_count; i++) {
        if (plan->ops[i]->ops->free != NULL)
            plan->ops[i]->ops->free(plan->ops[i]);
    }
    beamc__gauges_free(plan->gauges);
    beamc_error_free(plan->sticky); /* told by the run it belongs to, or nobody ran it */
    beamc_arena_free(plan->arena);
    free(plan);
}

/* ---- a bundle -------------------------------------------------------------------------------- */

static void set_phase(beamc__plan *plan, int phase)
{
    __atomic_store_n(&plan->phase, phase, __ATOMIC_RELAXED);
}

/* What a DoFn swallowed, or could not answer. */
static beamc_error *take_sticky(beamc__plan *plan)
{
    beamc_error *error = plan->sticky;

    plan->sticky = NULL;
    if (error == NULL && plan->failed != NULL)
        error = beamc_error_new(BEAMC_EUSER,
                                "transform %s failed, but the DoFn that emitted to it went on "
                                "without returning its error",
                                plan->failed->name);
    return error;
}

static beamc_error *run_ops(beamc__plan *plan)
{
    set_phase(plan, BEAMC__PHASE_START);
    for (size_t i = plan->op_count; i-- > 0;) {
        beamc__op *op = plan->ops[i];
        if (op->ops->start != NULL)
            BEAMC_TRY(beamc__op_failed_when(op, "start_bundle", op->ops->start(op)));
    }
    set_phase(plan, BEAMC__PHASE_PROCESS);
    for (size_t i = 0; i < plan->op_count; i++) {
        if (beamc__op_is_source(plan->ops[i]))
            BEAMC_TRY(beamc__source_run(plan->ops[i]));
    }
    set_phase(plan, BEAMC__PHASE_FINISH);
    for (size_t i = 0; i < plan->op_count; i++) {
        beamc__op *op = plan->ops[i];
        if (op->ops->finish != NULL)
            BEAMC_TRY(beamc__op_failed_when(op, "finish_bundle", op->ops->finish(op)));
    }
    return take_sticky(plan);
}

beamc_error *beamc__plan_run(beamc__plan *plan, const beamc__bundle *bundle)
{
    plan->bundle = bundle;
    plan->failed = NULL;
    plan->told = NULL;
    plan->error_sampled = false;
    for (size_t i = 0; i < plan->op_count; i++) {
        __atomic_store_n(&plan->ops[i]->count, 0, __ATOMIC_RELAXED);
        for (int phase = 0; phase < BEAMC__PHASES; phase++)
            __atomic_store_n(&plan->ops[i]->msecs[phase], 0, __ATOMIC_RELAXED);
        if (beamc__op_is_source(plan->ops[i]))
            beamc__data_channel_start(beamc__source_channel(plan->ops[i]),
                                      bundle->view != NULL && bundle->view->fenced);
    }
    for (size_t i = 0; i < plan->node_count; i++)
        __atomic_store_n(plan->nodes[i].count, 0, __ATOMIC_RELAXED);
    beamc__gauges_start(plan->gauges);
    if (bundle->view != NULL)
        beamc__bundle_view_set(bundle->view, plan);
    tell_watch(bundle->watch, plan);
    beamc_error *error = run_ops(plan);
    tell_watch(bundle->watch, NULL);
    set_phase(plan, BEAMC__PHASES);
    if (bundle->view != NULL)
        beamc__bundle_view_set(bundle->view, NULL);
    beamc__plan_leave(plan, NULL);
    plan->bundle = NULL;
    return error;
}

bool beamc__plan_split(beamc__plan *plan, const char *transform_id,
                       const beamc__desired_split *desired, beamc__channel_split *out)
{
    for (size_t i = 0; i < plan->op_count; i++) {
        if (beamc__op_is_source(plan->ops[i]) && strcmp(plan->ops[i]->id, transform_id) == 0)
            return beamc__data_channel_split(beamc__source_channel(plan->ops[i]), desired, out);
    }
    return false;
}

void beamc__plan_sample(beamc__plan *plan, int64_t elapsed_ms)
{
    beamc__op *op = __atomic_load_n(&plan->current, __ATOMIC_RELAXED);
    int phase = __atomic_load_n(&plan->phase, __ATOMIC_RELAXED);

    if (op != NULL && phase < BEAMC__PHASES)
        __atomic_fetch_add(&op->msecs[phase], elapsed_ms, __ATOMIC_RELAXED);
}

void beamc__plan_look(const beamc__plan *plan, beamc__plan_place *out)
{
    static const char *const phases[] = { "start_bundle", "process", "finish_bundle", "setup" };
    const beamc__op *op = __atomic_load_n(&plan->current, __ATOMIC_RELAXED);
    int phase = __atomic_load_n(&plan->phase, __ATOMIC_RELAXED);

    *out = (beamc__plan_place){ .phase = phases[phase] };
    for (size_t i = 0; i < plan->op_count; i++)
        out->moved += __atomic_load_n(&plan->ops[i]->count, __ATOMIC_RELAXED);
    if (op == NULL)
        return;
    out->transform = op->id;
    out->name = op->name;
    out->is_source = beamc__op_is_source(op);
    if (phase == BEAMC__PHASE_PROCESS)
        out->element = __atomic_load_n(&op->count, __ATOMIC_RELAXED);
}

void beamc__plan_memory(const beamc__plan *plan,
                        void (*visit)(void *ctx, const char *transform, size_t bytes), void *ctx)
{
    for (size_t i = 0; i < plan->op_count; i++) {
        size_t bytes = __atomic_load_n(&plan->ops[i]->memory, __ATOMIC_RELAXED);
        if (bytes > 0)
            visit(ctx, plan->ops[i]->id, bytes);
    }
}

/* ---- its metrics ----------------------------------------------------------------------------- */

static beamc_error *add_sum(beamc__metrics *into, const char *urn, const char *transform,
                            const char *pcollection, int64_t value)
{
    beamc__metric_id id = { .urn = urn, .transform = transform, .pcollection = pcollection };
    beamc__cell *cell = beamc__metrics_cell(into, &id, BEAMC__CELL_SUM);

    if (cell == NULL)
        return beamc_error_nomem();
    beamc__cell_add(cell, value);
    return NULL;
}

static beamc_error *report_op(const beamc__op *op, beamc__metrics *into)
{
    static const char *const urns[BEAMC__PHASES] = {
        [BEAMC__PHASE_START] = BEAMC_URN_METRIC_START_BUNDLE_MSECS,
        [BEAMC__PHASE_PROCESS] = BEAMC_URN_METRIC_PROCESS_BUNDLE_MSECS,
        [BEAMC__PHASE_FINISH] = BEAMC_URN_METRIC_FINISH_BUNDLE_MSECS,
    };
    int64_t total = 0;

    for (int phase = 0; phase < BEAMC__PHASES; phase++) {
        int64_t msecs = __atomic_load_n(&op->msecs[phase], __ATOMIC_RELAXED);
        total += msecs;
        BEAMC_TRY(add_sum(into, urns[phase], op->id, NULL, msecs));
    }
    BEAMC_TRY(add_sum(into, BEAMC_URN_METRIC_TOTAL_MSECS, op->id, NULL, total));
    if (beamc__op_is_source(op))
        BEAMC_TRY(add_sum(into, BEAMC_URN_METRIC_DATA_CHANNEL_READ_INDEX, op->id, NULL,
                          beamc__data_channel_index(beamc__source_channel((beamc__op *)op))));
    return op->ops->report == NULL ? NULL : op->ops->report(op, into);
}

beamc_error *beamc__plan_report(const beamc__plan *plan, beamc__metrics *into)
{
    for (size_t i = 0; i < plan->node_count; i++)
        BEAMC_TRY(add_sum(into, BEAMC_URN_METRIC_ELEMENT_COUNT, NULL, plan->nodes[i].id,
                          (int64_t)__atomic_load_n(plan->nodes[i].count, __ATOMIC_RELAXED)));
    for (size_t i = 0; i < plan->op_count; i++)
        BEAMC_TRY(report_op(plan->ops[i], into));
    return beamc__gauges_report(plan->gauges, into);
}
