/* SPDX-License-Identifier: Apache-2.0 */
#include "runners/engine/leaves.h"

#include "proto/unpack.h"
#include "proto/urns.h"
#include "sdk/base/arena_proto.h"
#include <stdio.h>

#define DEPTH_MAX 100 /* of composites */
#define ROW_MAX 1000  /* of flattens, reshuffles and groupings with nothing between them */

typedef PB(PTransform) transform_type;

/* ---- growing lists in the arena --------------------------------------------------------------- */

/* Room for one more pointer in a list; false: no memory. */
static bool grow(beamc_arena *arena, void *list, size_t count, size_t *capacity)
{
    void **old;

    if (count < *capacity)
        return true;
    size_t more = *capacity == 0 ? 8 : 2 * *capacity;
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

/* ---- finding ---------------------------------------------------------------------------------- */

#define FIND(name, field, value_type)                                                              \
    static value_type *name(const PB(Pipeline) *pipeline, const char *id)                          \
    {                                                                                              \
        const PB(Components) *components = pipeline->components;                                   \
        for (size_t i = 0; i < components->n_##field; i++) {                                       \
            if (strcmp(components->field[i]->key, id) == 0)                                        \
                return components->field[i]->value;                                                \
        }                                                                                          \
        return NULL;                                                                               \
    }

FIND(find_transform, transforms, transform_type)
FIND(find_pcollection, pcollections, PB(PCollection))
FIND(find_strategy, windowing_strategies, PB(WindowingStrategy))

const PB(Coder) *beamc__leaves_coder(const beamc__leaves *graph, const char *id)
{
    for (size_t i = 0; i < graph->coder_count; i++) {
        if (strcmp(graph->coders[i]->key, id) == 0)
            return graph->coders[i]->value;
    }
    return NULL;
}

/* ---- coders ----------------------------------------------------------------------------------- */

static bool add_coder_entry(beamc__leaves *graph, PB(Components__CodersEntry) *entry)
{
    if (!grow(graph->arena, &graph->coders, graph->coder_count, &graph->coder_capacity))
        return false;
    graph->coders[graph->coder_count++] = entry;
    return true;
}

const char *beamc__leaves_add_coder(beamc__leaves *graph, const char *urn, const char *first,
                                   const char *second)
{
    beamc_arena *arena = graph->arena;
    const char *id = beamc_arena_printf(arena, "engine:%s(%s%s%s)", urn, first,
                                        second == NULL ? "" : ",", second == NULL ? "" : second);
    if (id == NULL)
        return NULL;
    if (beamc__leaves_coder(graph, id) != NULL)
        return id;
    PB(Components__CodersEntry) *entry = beamc_arena_alloc(arena, sizeof(*entry));
    PB(Coder) *coder = beamc_arena_alloc(arena, sizeof(*coder));
    PB(FunctionSpec) *spec = beamc_arena_alloc(arena, sizeof(*spec));
    char **components = beamc_arena_alloc(arena, 2 * sizeof(*components));
    if (entry == NULL || coder == NULL || spec == NULL || components == NULL)
        return NULL;
    pb(components__coders_entry__init)(entry);
    pb(coder__init)(coder);
    pb(function_spec__init)(spec);
    spec->urn = (char *)urn;
    components[0] = (char *)first;
    components[1] = (char *)second;
    coder->spec = spec;
    coder->component_coder_ids = components;
    coder->n_component_coder_ids = second == NULL ? 1 : 2;
    entry->key = (char *)id;
    entry->value = coder;
    return add_coder_entry(graph, entry) ? id : NULL;
}

/* ---- PCollections ----------------------------------------------------------------------------- */

static beamc__collection_node *node_by_id(const beamc__leaves *graph, const char *id)
{
    for (size_t i = 0; i < graph->node_count; i++) {
        if (strcmp(graph->nodes[i]->id, id) == 0)
            return graph->nodes[i];
    }
    return NULL;
}

static beamc_error *add_node(beamc__leaves *graph, const char *id, PB(PCollection) *pcollection,
                             beamc__collection_node **out)
{
    const PB(WindowingStrategy) *strategy =
        find_strategy(graph->pipeline, pcollection->windowing_strategy_id);
    beamc__collection_node *node = beamc_arena_calloc(graph->arena, 1, sizeof(*node));

    if (node == NULL ||
        !grow(graph->arena, &graph->nodes, graph->node_count, &graph->node_capacity))
        return beamc_error_nomem();
    node->id = id;
    node->pcollection = pcollection;
    if (strategy == NULL)
        return beamc_error_new(BEAMC_ENOENT, "windowing strategy %s does not exist",
                               pcollection->windowing_strategy_id);
    if (beamc__leaves_coder(graph, pcollection->coder_id) == NULL)
        return beamc_error_new(BEAMC_ENOENT, "coder %s does not exist", pcollection->coder_id);
    if (pcollection->is_bounded == PBK(IS_BOUNDED__ENUM__UNBOUNDED))
        return beamc_error_new(BEAMC_EUNSUPPORTED, "it is unbounded, and this runner is for bounded "
                                                   "data");
    BEAMC_TRY(beamc__strategy_read(&node->strategy, strategy,
                                   beamc__leaves_coder(graph, strategy->window_coder_id)));
    graph->nodes[graph->node_count++] = node;
    *out = node;
    return NULL;
}

static beamc_error *node_of(beamc__leaves *graph, const char *id, beamc__collection_node **out)
{
    *out = node_by_id(graph, id);
    if (*out != NULL)
        return NULL;
    PB(PCollection) *pcollection = find_pcollection(graph->pipeline, id);
    if (pcollection == NULL)
        return beamc_error_new(BEAMC_ENOENT, "PCollection %s does not exist", id);
    return beamc_error_wrap(add_node(graph, id, pcollection, out), "PCollection %s", id);
}

/* A PCollection that the pipeline does not have: in the windows of @like. */
static beamc_error *new_node(beamc__leaves *graph, const char *id, const char *coder_id,
                             const beamc__collection_node *like, beamc__collection_node **out)
{
    PB(PCollection) *pcollection = beamc_arena_alloc(graph->arena, sizeof(*pcollection));

    if (pcollection == NULL || id == NULL || coder_id == NULL)
        return beamc_error_nomem();
    pb(pcollection__init)(pcollection);
    pcollection->unique_name = (char *)id;
    pcollection->coder_id = (char *)coder_id;
    pcollection->windowing_strategy_id = like->pcollection->windowing_strategy_id;
    pcollection->is_bounded = PBK(IS_BOUNDED__ENUM__BOUNDED);
    return add_node(graph, id, pcollection, out);
}

/* ---- leaves ----------------------------------------------------------------------------------- */

static beamc__leaf *leaf_new(beamc__leaves *graph, beamc__leaf_kind kind, const char *id,
                             transform_type *transform)
{
    beamc__leaf *leaf = beamc_arena_calloc(graph->arena, 1, sizeof(*leaf));

    if (leaf == NULL || id == NULL || transform == NULL ||
        !grow(graph->arena, &graph->leaves, graph->leaf_count, &graph->leaf_capacity))
        return NULL;
    leaf->kind = kind;
    leaf->id = id;
    leaf->transform = transform;
    graph->leaves[graph->leaf_count++] = leaf;
    return leaf;
}

static bool is_side(const PB(ParDoPayload) *payload, const char *tag, bool *is_multimap)
{
    for (size_t i = 0; payload != NULL && i < payload->n_side_inputs; i++) {
        if (strcmp(payload->side_inputs[i]->key, tag) != 0)
            continue;
        const PB(SideInput) *side = payload->side_inputs[i]->value;
        *is_multimap = side != NULL && side->access_pattern != NULL &&
                       strcmp(side->access_pattern->urn, BEAMC_URN_SIDE_INPUT_MULTIMAP) == 0;
        return true;
    }
    return false;
}

static beamc_error *connect_inputs(beamc__leaves *graph, beamc__leaf *leaf,
                                   const PB(ParDoPayload) *payload)
{
    const transform_type *transform = leaf->transform;

    leaf->inputs = beamc_arena_calloc(graph->arena, transform->n_inputs, sizeof(*leaf->inputs));
    leaf->sides = beamc_arena_calloc(graph->arena, transform->n_inputs, sizeof(*leaf->sides));
    if (leaf->inputs == NULL || leaf->sides == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < transform->n_inputs; i++) {
        const char *tag = transform->inputs[i]->key;
        bool is_multimap;
        beamc__collection_node *node;
        BEAMC_TRY(node_of(graph, transform->inputs[i]->value, &node));
        if (is_side(payload, tag, &is_multimap))
            leaf->sides[leaf->side_count++] = (beamc__leaf_side){ tag, node, is_multimap };
        else
            leaf->inputs[leaf->input_count++] = node;
    }
    size_t wanted = leaf->kind == BEAMC__LEAF_IMPULSE ? 0 : 1;
    if (leaf->kind != BEAMC__LEAF_FLATTEN && leaf->input_count != wanted)
        return beamc_error_new(BEAMC_ECORRUPT, "it has %zu main inputs, not %zu", leaf->input_count,
                               wanted);
    return NULL;
}

static beamc_error *connect_outputs(beamc__leaves *graph, beamc__leaf *leaf)
{
    const transform_type *transform = leaf->transform;

    leaf->outputs = beamc_arena_calloc(graph->arena, transform->n_outputs, sizeof(*leaf->outputs));
    if (leaf->outputs == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < transform->n_outputs; i++) {
        beamc__collection_node *node;
        BEAMC_TRY(node_of(graph, transform->outputs[i]->value, &node));
        if (node->producer != NULL)
            return beamc_error_new(BEAMC_ECORRUPT, "PCollection %s is also made by %s", node->id,
                                   node->producer->transform->unique_name);
        node->producer = leaf;
        leaf->outputs[leaf->output_count++] = node;
    }
    if (leaf->kind != BEAMC__LEAF_EXECUTABLE && leaf->output_count != 1)
        return beamc_error_new(BEAMC_ECORRUPT, "it has %zu outputs, not one", leaf->output_count);
    return NULL;
}

static beamc_error *read_par_do(beamc__leaves *graph, const transform_type *transform,
                                const PB(ParDoPayload) **out)
{
    ProtobufCAllocator allocator = beamc__arena_allocator(graph->arena);
    const ProtobufCBinaryData *bytes = &transform->spec->payload;

    *out = BEAMC__UNPACK(PB(ParDoPayload), pb(par_do_payload__descriptor), &allocator, bytes->len,
                         bytes->data);
    if (*out == NULL)
        return beamc_arena_failed(graph->arena)
                   ? beamc_error_nomem()
                   : beamc_error_new(BEAMC_ECORRUPT, "its ParDoPayload is malformed");
    if ((*out)->n_state_specs > 0 || (*out)->n_timer_family_specs > 0)
        return beamc_error_new(BEAMC_EUNSUPPORTED, "it has state or timers, which this runner lacks");
    if (*(*out)->restriction_coder_id != '\0')
        return beamc_error_new(BEAMC_EUNSUPPORTED, "it is splittable, which this runner lacks");
    return NULL;
}

static beamc_error *add_leaf(beamc__leaves *graph, beamc__leaf_kind kind, const char *id,
                             transform_type *transform, const PB(ParDoPayload) *payload)
{
    beamc__leaf *leaf = leaf_new(graph, kind, id, transform);

    if (leaf == NULL)
        return beamc_error_nomem();
    BEAMC_TRY(connect_inputs(graph, leaf, payload));
    return connect_outputs(graph, leaf);
}

/* ---- lifting a combine ------------------------------------------------------------------------- */

typedef PB(PTransform__InputsEntry) inputs_entry;
typedef PB(PTransform__OutputsEntry) outputs_entry;

/* One of the four transforms: the composite's payload, environment and name, other ends. */
static transform_type *part_of(beamc__leaves *graph, const transform_type *composite,
                               const char *urn, const char *suffix, const char *input,
                               const char *output)
{
    beamc_arena *arena = graph->arena;
    transform_type *made = beamc_arena_alloc(arena, sizeof(*made));
    PB(FunctionSpec) *spec = beamc_arena_alloc(arena, sizeof(*spec));
    inputs_entry *in = beamc_arena_alloc(arena, sizeof(*in));
    outputs_entry *out = beamc_arena_alloc(arena, sizeof(*out));
    inputs_entry **inputs = beamc_arena_alloc(arena, sizeof(*inputs));
    outputs_entry **outputs = beamc_arena_alloc(arena, sizeof(*outputs));
    char *name = beamc_arena_printf(arena, "%s/%s", composite->unique_name, suffix);

    if (made == NULL || spec == NULL || in == NULL || out == NULL || inputs == NULL ||
        outputs == NULL || name == NULL || input == NULL || output == NULL)
        return NULL;
    pb(ptransform__init)(made);
    pb(function_spec__init)(spec);
    pb(ptransform__inputs_entry__init)(in);
    pb(ptransform__outputs_entry__init)(out);
    spec->urn = (char *)urn;
    spec->payload = composite->spec->payload;
    in->key = "input";
    in->value = (char *)input;
    out->key = "output";
    out->value = (char *)output;
    inputs[0] = in;
    outputs[0] = out;
    made->spec = spec;
    made->unique_name = name;
    made->environment_id = composite->environment_id;
    made->inputs = inputs;
    made->n_inputs = 1;
    made->outputs = outputs;
    made->n_outputs = 1;
    return made;
}

/* The ids of the coders and PCollections between the four. */
typedef struct {
    const char *kv;      /* KV<K, Acc> */
    const char *grouped; /* KV<K, Iterable<Acc>> */
} lifted_coders;

static beamc_error *coders_for(beamc__leaves *graph, const transform_type *composite,
                               const beamc__collection_node *input, lifted_coders *out)
{
    ProtobufCAllocator allocator = beamc__arena_allocator(graph->arena);
    const ProtobufCBinaryData *bytes = &composite->spec->payload;
    const PB(CombinePayload) *payload =
        BEAMC__UNPACK(PB(CombinePayload), pb(combine_payload__descriptor), &allocator, bytes->len,
                      bytes->data);
    const PB(Coder) *kv = beamc__leaves_coder(graph, input->pcollection->coder_id);

    if (payload == NULL)
        return beamc_arena_failed(graph->arena)
                   ? beamc_error_nomem()
                   : beamc_error_new(BEAMC_ECORRUPT, "its CombinePayload is malformed");
    if (kv->spec == NULL || strcmp(kv->spec->urn, BEAMC_URN_CODER_KV) != 0 ||
        kv->n_component_coder_ids != 2)
        return beamc_error_new(BEAMC_ETYPE, "its input's coder %s is not of KVs",
                               input->pcollection->coder_id);
    if (beamc__leaves_coder(graph, payload->accumulator_coder_id) == NULL)
        return beamc_error_new(BEAMC_ENOENT, "accumulator coder %s does not exist",
                               payload->accumulator_coder_id);
    const char *key = kv->component_coder_ids[0];
    const char *accumulator = payload->accumulator_coder_id;
    const char *iterable =
        beamc__leaves_add_coder(graph, BEAMC_URN_CODER_ITERABLE, accumulator, NULL);
    out->kv = beamc__leaves_add_coder(graph, BEAMC_URN_CODER_KV, key, accumulator);
    out->grouped = iterable == NULL
                       ? NULL
                       : beamc__leaves_add_coder(graph, BEAMC_URN_CODER_KV, key, iterable);
    return out->kv == NULL || out->grouped == NULL ? beamc_error_nomem() : NULL;
}

/* An id that no PCollection of the pipeline has; NULL: no memory. */
static const char *free_id(const beamc__leaves *graph, const char *of, const char *what)
{
    const char *id = beamc_arena_printf(graph->arena, "%s/%s", of, what);

    for (int i = 2; id != NULL && find_pcollection(graph->pipeline, id) != NULL; i++)
        id = beamc_arena_printf(graph->arena, "%s/%s_%d", of, what, i);
    return id;
}

static beamc_error *lift(beamc__leaves *graph, const char *id, const transform_type *composite)
{
    beamc_arena *arena = graph->arena;
    beamc__collection_node *input;
    beamc__collection_node *made;
    lifted_coders coders = { NULL, NULL };

    if (composite->n_inputs != 1 || composite->n_outputs != 1)
        return beamc_error_new(BEAMC_ECORRUPT, "a combine has one input and one output");
    BEAMC_TRY(node_of(graph, composite->inputs[0]->value, &input));
    BEAMC_TRY(coders_for(graph, composite, input, &coders));
    const char *precombined = free_id(graph, id, "precombined");
    const char *grouped = free_id(graph, id, "grouped");
    const char *merged = free_id(graph, id, "merged");
    BEAMC_TRY(new_node(graph, precombined, coders.kv, input, &made));
    BEAMC_TRY(new_node(graph, grouped, coders.grouped, input, &made));
    BEAMC_TRY(new_node(graph, merged, coders.kv, input, &made));

    const struct {
        beamc__leaf_kind kind;
        const char *urn, *suffix, *from, *to;
    } parts[] = {
        { BEAMC__LEAF_EXECUTABLE, BEAMC_URN_COMBINE_PER_KEY_PRECOMBINE, "Precombine",
          input->id, precombined },
        { BEAMC__LEAF_GROUP, BEAMC_URN_GROUP_BY_KEY, "Group", precombined, grouped },
        { BEAMC__LEAF_EXECUTABLE, BEAMC_URN_COMBINE_PER_KEY_MERGE_ACCUMULATORS, "Merge", grouped,
          merged },
        { BEAMC__LEAF_EXECUTABLE, BEAMC_URN_COMBINE_PER_KEY_EXTRACT_OUTPUTS, "Extract", merged,
          composite->outputs[0]->value },
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        transform_type *part = part_of(graph, composite, parts[i].urn, parts[i].suffix,
                                       parts[i].from, parts[i].to);
        const char *part_id = beamc_arena_printf(arena, "%s/%s", id, parts[i].suffix);
        if (part == NULL || part_id == NULL)
            return beamc_error_nomem();
        BEAMC_TRY(add_leaf(graph, parts[i].kind, part_id, part, NULL));
    }
    return NULL;
}

/* ---- reading ---------------------------------------------------------------------------------- */

static const char *urn_of(const transform_type *transform)
{
    return transform->spec == NULL ? "" : transform->spec->urn;
}

static beamc_error *read_transform(beamc__leaves *graph, const char *id, int depth);

/* Whether a leaf of that URN can be run, and as what. */
static bool find_kind(const char *urn, beamc__leaf_kind *kind)
{
    static const struct {
        const char *urn;
        beamc__leaf_kind kind;
    } kinds[] = {
        { BEAMC_URN_IMPULSE, BEAMC__LEAF_IMPULSE },
        { BEAMC_URN_GROUP_BY_KEY, BEAMC__LEAF_GROUP },
        { BEAMC_URN_FLATTEN, BEAMC__LEAF_FLATTEN },
        { BEAMC_URN_PARDO, BEAMC__LEAF_EXECUTABLE },
        { BEAMC_URN_WINDOW_INTO, BEAMC__LEAF_EXECUTABLE },
        { BEAMC_URN_COMBINE_PER_KEY_PRECOMBINE, BEAMC__LEAF_EXECUTABLE },
        { BEAMC_URN_COMBINE_PER_KEY_MERGE_ACCUMULATORS, BEAMC__LEAF_EXECUTABLE },
        { BEAMC_URN_COMBINE_PER_KEY_EXTRACT_OUTPUTS, BEAMC__LEAF_EXECUTABLE },
        { BEAMC_URN_COMBINE_PER_KEY_CONVERT_TO_ACCUMULATORS, BEAMC__LEAF_EXECUTABLE },
        { BEAMC_URN_COMBINE_GROUPED_VALUES, BEAMC__LEAF_EXECUTABLE },
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (strcmp(urn, kinds[i].urn) == 0) {
            *kind = kinds[i].kind;
            return true;
        }
    }
    return false;
}

/* Has no subtransforms and gives only what it takes. */
static bool is_identity(const transform_type *transform)
{
    for (size_t i = 0; i < transform->n_outputs; i++) {
        bool found = false;
        for (size_t k = 0; k < transform->n_inputs; k++)
            found = found || strcmp(transform->inputs[k]->value, transform->outputs[i]->value) == 0;
        if (!found)
            return false;
    }
    return *urn_of(transform) == '\0' || transform->n_outputs > 0;
}

static beamc_error *read_leaf(beamc__leaves *graph, const char *id, transform_type *transform)
{
    const char *urn = urn_of(transform);
    const PB(ParDoPayload) *payload = NULL;
    beamc__leaf_kind kind;

    if (!find_kind(urn, &kind)) {
        if (is_identity(transform))
            return NULL;
        return beamc_error_new(BEAMC_EUNSUPPORTED, "%s is no transform that this runner runs",
                               *urn == '\0' ? "a leaf without a URN" : urn);
    }
    if (strcmp(urn, BEAMC_URN_PARDO) == 0)
        BEAMC_TRY(read_par_do(graph, transform, &payload));
    return add_leaf(graph, kind, id, transform, payload);
}

static beamc_error *read_children(beamc__leaves *graph, const char *id, transform_type *transform,
                                  int depth)
{
    const char *urn = urn_of(transform);

    /* One with side inputs cannot be lifted, but is run by what is inside. */
    if (strcmp(urn, BEAMC_URN_COMBINE_PER_KEY) == 0 &&
        (transform->n_inputs == 1 || transform->n_subtransforms == 0))
        return lift(graph, id, transform);
    if (strcmp(urn, BEAMC_URN_RESHUFFLE) == 0)
        return add_leaf(graph, BEAMC__LEAF_RESHUFFLE, id, transform, NULL);
    if (transform->n_subtransforms == 0)
        return read_leaf(graph, id, transform);
    if (depth >= DEPTH_MAX)
        return beamc_error_new(BEAMC_ECORRUPT, "composites are nested without end");
    for (size_t i = 0; i < transform->n_subtransforms; i++)
        BEAMC_TRY(read_transform(graph, transform->subtransforms[i], depth + 1));
    return NULL;
}

static beamc_error *read_transform(beamc__leaves *graph, const char *id, int depth)
{
    transform_type *transform = find_transform(graph->pipeline, id);

    if (transform == NULL)
        return beamc_error_new(BEAMC_ENOENT, "transform %s does not exist", id);
    if (++graph->visited > graph->pipeline->components->n_transforms)
        return beamc_error_new(BEAMC_ECORRUPT, "transform %s is in more than one composite, or in "
                                               "itself",
                               id);
    beamc_error *error = read_children(graph, id, transform, depth);
    /* The innermost transform is the one to name. */
    if (error == NULL || transform->n_subtransforms > 0)
        return error;
    return beamc_error_wrap(error, "transform %s",
                            *transform->unique_name == '\0' ? id : transform->unique_name);
}

/* ---- copies ----------------------------------------------------------------------------------- */

/* Groups and the impulse are made by the engine, not written by a stage.  Where they are wanted as
 * something written (grouped anew, flattened, looked up), a stage of one flatten copies them. */
static beamc_error *copy_of(beamc__leaves *graph, beamc__collection_node *node,
                            const char *environment_id, beamc__collection_node **out)
{
    beamc_arena *arena = graph->arena;
    const char *id = free_id(graph, node->id, "copy");

    *out = node->copy;
    if (*out != NULL)
        return NULL;
    transform_type like = PBK(PTRANSFORM__INIT);
    PB(FunctionSpec) spec = PBK(FUNCTION_SPEC__INIT);
    like.spec = &spec;
    like.unique_name = node->producer->transform->unique_name;
    like.environment_id = (char *)environment_id;
    BEAMC_TRY(new_node(graph, id, node->pcollection->coder_id, node, out));
    node->copy = *out;
    transform_type *copy = part_of(graph, &like, BEAMC_URN_FLATTEN, "Copy", node->id, id);
    const char *copy_id = beamc_arena_printf(arena, "%s/copy", node->producer->id);
    if (copy == NULL || copy_id == NULL)
        return beamc_error_nomem();
    return add_leaf(graph, BEAMC__LEAF_EXECUTABLE, copy_id, copy, NULL);
}

static bool is_from_engine(const beamc__collection_node *node)
{
    return node->producer != NULL && (node->producer->kind == BEAMC__LEAF_GROUP ||
                                      node->producer->kind == BEAMC__LEAF_IMPULSE);
}

static beamc_error *add_copies(beamc__leaves *graph)
{
    size_t count = graph->leaf_count;
    const char *environment_id = "";

    for (size_t i = 0; i < count && *environment_id == '\0'; i++)
        environment_id = graph->leaves[i]->transform->environment_id;
    for (size_t i = 0; i < count; i++) {
        beamc__leaf *leaf = graph->leaves[i];
        for (size_t k = 0; leaf->kind != BEAMC__LEAF_EXECUTABLE && k < leaf->input_count; k++) {
            if (is_from_engine(leaf->inputs[k]))
                BEAMC_TRY(copy_of(graph, leaf->inputs[k], environment_id, &leaf->inputs[k]));
        }
        for (size_t k = 0; k < leaf->side_count; k++) {
            if (is_from_engine(leaf->sides[k].from))
                BEAMC_TRY(copy_of(graph, leaf->sides[k].from, environment_id, &leaf->sides[k].from));
        }
    }
    return NULL;
}

/* ---- connecting -------------------------------------------------------------------------------- */

static beamc_error *add_consumer(beamc__leaves *graph, beamc__collection_node *node,
                                 beamc__leaf *leaf)
{
    if (!grow(graph->arena, &node->consumers, node->consumer_count, &node->consumer_capacity))
        return beamc_error_nomem();
    node->consumers[node->consumer_count++] = leaf;
    return NULL;
}

static beamc_error *check_node(const beamc__leaf *leaf, const beamc__collection_node *node)
{
    if (node->producer != NULL)
        return NULL;
    return beamc_error_new(BEAMC_ECORRUPT, "transform %s: PCollection %s is made by no transform",
                           leaf->transform->unique_name, node->id);
}

static beamc_error *connect_leaf(beamc__leaves *graph, beamc__leaf *leaf)
{
    for (size_t i = 0; i < leaf->input_count; i++) {
        BEAMC_TRY(check_node(leaf, leaf->inputs[i]));
        BEAMC_TRY(add_consumer(graph, leaf->inputs[i], leaf));
    }
    for (size_t i = 0; i < leaf->side_count; i++) {
        BEAMC_TRY(check_node(leaf, leaf->sides[i].from));
        leaf->sides[i].from->is_side = true;
    }
    return NULL;
}

/* Makers before consumers, otherwise in the order they stand. */
static beamc_error *sort(beamc__leaves *graph)
{
    beamc__leaf **sorted = beamc_arena_calloc(graph->arena, graph->leaf_count, sizeof(*sorted));
    size_t placed = 0;

    if (sorted == NULL)
        return beamc_error_nomem();
    for (size_t before = SIZE_MAX; placed < graph->leaf_count && placed != before;) {
        before = placed;
        for (size_t i = 0; i < graph->leaf_count; i++) {
            beamc__leaf *leaf = graph->leaves[i];
            bool is_ready = leaf->pending == 0;
            for (size_t k = 0; is_ready && k < leaf->input_count; k++)
                is_ready = leaf->inputs[k]->producer->pending == 1;
            for (size_t k = 0; is_ready && k < leaf->side_count; k++)
                is_ready = leaf->sides[k].from->producer->pending == 1;
            if (!is_ready)
                continue;
            leaf->pending = 1; /* placed */
            sorted[placed++] = leaf;
        }
    }
    for (size_t i = 0; placed < graph->leaf_count && i < graph->leaf_count; i++) {
        if (graph->leaves[i]->pending == 0)
            return beamc_error_new(BEAMC_ECORRUPT, "transform %s waits for its own output",
                                   graph->leaves[i]->transform->unique_name);
    }
    graph->leaves = sorted;
    return NULL;
}

/* What is not executed is looked through recursively. */
static beamc_error *check_depths(beamc__leaves *graph)
{
    for (size_t i = 0; i < graph->leaf_count; i++) {
        const beamc__leaf *leaf = graph->leaves[i];
        size_t depth = 0;
        for (size_t k = 0; leaf->kind != BEAMC__LEAF_EXECUTABLE && k < leaf->input_count; k++) {
            if (leaf->inputs[k]->depth + 1 > depth)
                depth = leaf->inputs[k]->depth + 1;
        }
        if (depth > ROW_MAX)
            return beamc_error_new(BEAMC_ELIMIT,
                                   "transform %s: more than %d flattens and groupings in a row",
                                   leaf->transform->unique_name, ROW_MAX);
        for (size_t k = 0; k < leaf->output_count; k++)
            leaf->outputs[k]->depth = depth;
    }
    return NULL;
}

/* Every entry of the maps has a value. */
static beamc_error *check_components(const PB(Pipeline) *pipeline)
{
    const PB(Components) *components = pipeline->components;

    if (components == NULL)
        return beamc_error_new(BEAMC_ECORRUPT, "the pipeline has no components");
#define CHECK(field, what)                                                                         \
    for (size_t i = 0; i < components->n_##field; i++) {                                           \
        if (components->field[i]->value == NULL)                                                   \
            return beamc_error_new(BEAMC_ECORRUPT, what " %s is empty", components->field[i]->key); \
    }
    CHECK(transforms, "transform")
    CHECK(pcollections, "PCollection")
    CHECK(coders, "coder")
    CHECK(windowing_strategies, "windowing strategy")
#undef CHECK
    return NULL;
}

beamc_error *beamc__leaves_read(beamc__leaves *out, const PB(Pipeline) *pipeline, beamc_arena *arena)
{
    memset(out, 0, sizeof(*out));
    out->arena = arena;
    out->pipeline = pipeline;
    BEAMC_TRY(check_components(pipeline));
    if (pipeline->n_requirements > 0)
        return beamc_error_new(BEAMC_EUNSUPPORTED, "the pipeline requires %s, which this runner lacks",
                               pipeline->requirements[0]);
    for (size_t i = 0; i < pipeline->components->n_coders; i++) {
        if (!add_coder_entry(out, pipeline->components->coders[i]))
            return beamc_error_nomem();
    }
    for (size_t i = 0; i < pipeline->n_root_transform_ids; i++)
        BEAMC_TRY(read_transform(out, pipeline->root_transform_ids[i], 0));
    BEAMC_TRY(add_copies(out));
    for (size_t i = 0; i < out->leaf_count; i++)
        BEAMC_TRY(connect_leaf(out, out->leaves[i]));
    BEAMC_TRY(sort(out));
    return check_depths(out);
}
