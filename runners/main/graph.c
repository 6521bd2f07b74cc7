/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a Pipeline into the tree and the edges that get drawn. */
#include "graph.h"
#include "number.h"
#include "proto/unpack.h"
#include "proto/urns.h"
#include "sdk/base/arena_proto.h"
#include "sdk/windowing/window_proto.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Composites within each other; what is deeper was not written by people. */
enum { DEPTH_MAX = 200 };

static const struct {
    const char *urn;
    const char *kind;
} kinds[] = {
    { BEAMC_URN_PARDO, "ParDo" },
    { BEAMC_URN_FLATTEN, "Flatten" },
    { BEAMC_URN_GROUP_BY_KEY, "GroupByKey" },
    { BEAMC_URN_IMPULSE, "Impulse" },
    { BEAMC_URN_WINDOW_INTO, "WindowInto" },
    { BEAMC_URN_COMBINE_PER_KEY, "CombinePerKey" },
    { BEAMC_URN_COMBINE_GLOBALLY, "CombineGlobally" },
    { BEAMC_URN_RESHUFFLE, "Reshuffle" },
    { BEAMC_URN_TEST_STREAM, "TestStream" },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- tables ---------------------------------------------------------------------------------- */

/* A missing value is as good as a missing entry. */
static void put(beamc__table *table, const char *key, void *value, bool *failed)
{
    if (value != NULL && beamc__table_puts(table, key, value) < 0)
        *failed = true;
}

static beamc_error *index_components(beamc__graph *graph, const PB(Components) *components)
{
    bool failed = false;

    graph->seen = beamc__table_new();
    graph->collection_of = beamc__table_new();
    graph->coder_of = beamc__table_new();
    graph->strategy_of = beamc__table_new();
    graph->environment_of = beamc__table_new();
    if (graph->seen == NULL || graph->collection_of == NULL || graph->coder_of == NULL ||
        graph->strategy_of == NULL || graph->environment_of == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < components->n_coders; i++)
        put(graph->coder_of, components->coders[i]->key, components->coders[i]->value, &failed);
    for (size_t i = 0; i < components->n_windowing_strategies; i++)
        put(graph->strategy_of, components->windowing_strategies[i]->key,
            components->windowing_strategies[i]->value, &failed);
    for (size_t i = 0; i < components->n_environments; i++)
        put(graph->environment_of, components->environments[i]->key,
            components->environments[i]->value, &failed);
    return failed ? beamc_error_nomem() : NULL;
}

/* ---- transforms ------------------------------------------------------------------------------ */

static const char *kind_of(const char *urn)
{
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (strcmp(kinds[i].urn, urn) == 0)
            return kinds[i].kind;
    return urn;
}

static const char *own_function(beamc__graph *graph, const PB(FunctionSpec) *spec)
{
    if (spec == NULL || (strcmp(spec->urn, BEAMC_URN_OWN_DOFN) != 0 &&
                         strcmp(spec->urn, BEAMC_URN_OWN_COMBINE_FN) != 0))
        return NULL;
    const CS(Function) *function = BEAMC__UNPACK(CS(Function), cs(function__descriptor),
                                                 &graph->allocator, spec->payload.len,
                                                 spec->payload.data);
    return function != NULL && function->name[0] != '\0' ? function->name : NULL;
}

static beamc_error *read_payload(beamc__graph *graph, beamc__graph_node *node)
{
    const PB(FunctionSpec) *spec = node->transform->spec;

    if (strcmp(node->urn, BEAMC_URN_PARDO) == 0) {
        node->par_do = BEAMC__UNPACK(PB(ParDoPayload), pb(par_do_payload__descriptor),
                                     &graph->allocator, spec->payload.len, spec->payload.data);
        if (node->par_do == NULL)
            return beamc_error_new(BEAMC_ECORRUPT, "transform %s: malformed ParDoPayload",
                                   node->unique_name);
        node->function = own_function(graph, node->par_do->do_fn);
    }
    if (strcmp(node->urn, BEAMC_URN_COMBINE_PER_KEY) == 0 ||
        strcmp(node->urn, BEAMC_URN_COMBINE_GLOBALLY) == 0) {
        const PB(CombinePayload) *combine =
            BEAMC__UNPACK(PB(CombinePayload), pb(combine_payload__descriptor), &graph->allocator,
                          spec->payload.len, spec->payload.data);
        node->function = combine != NULL ? own_function(graph, combine->combine_fn) : NULL;
    }
    return NULL;
}

/* Display data that is not labelled text, of other SDKs perhaps, is left out. */
static beamc_error *read_display(beamc__graph *graph, beamc__graph_node *node)
{
    const PB(PTransform) *transform = node->transform;

    node->display = (const PB(LabelledPayload) **)beamc_arena_calloc(
        graph->arena, transform->n_display_data, sizeof(*node->display));
    if (node->display == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < transform->n_display_data; i++) {
        const PB(DisplayData) *data = transform->display_data[i];
        if (strcmp(data->urn, BEAMC_URN_DISPLAY_DATA_LABELLED) != 0)
            continue;
        const PB(LabelledPayload) *labelled =
            BEAMC__UNPACK(PB(LabelledPayload), pb(labelled_payload__descriptor), &graph->allocator,
                          data->payload.len, data->payload.data);
        if (labelled != NULL)
            node->display[node->display_count++] = labelled;
    }
    return NULL;
}

static const char *name_within(const beamc__graph_node *parent, const char *unique_name)
{
    size_t size = parent != NULL ? strlen(parent->unique_name) : 0;

    if (size > 0 && strncmp(parent->unique_name, unique_name, size) == 0 &&
        unique_name[size] == '/' && unique_name[size + 1] != '\0')
        return unique_name + size + 1;
    return unique_name;
}

static void link_node(beamc__graph *graph, beamc__graph_node *node)
{
    beamc__graph_node *parent = node->parent;
    beamc__graph_node **first = parent != NULL ? &parent->first_child : &graph->first_root;
    beamc__graph_node **last = parent != NULL ? &parent->last_child : &graph->last_root;

    if (*last != NULL)
        (*last)->next = node;
    else
        *first = node;
    *last = node;
}

static beamc_error *add_nodes_of(beamc__graph *graph, beamc__table *transforms,
                                 const PB(PTransform) *composite, beamc__graph_node *parent,
                                 int depth);

static beamc_error *add_node(beamc__graph *graph, beamc__table *transforms, const char *id,
                             beamc__graph_node *parent, int depth)
{
    const PB(PTransform) *transform = (const PB(PTransform) *)beamc__table_gets(transforms, id);

    if (transform == NULL)
        return beamc_error_new(BEAMC_ENOENT, "transform '%s' is not in the pipeline", id);
    if (beamc__table_gets(graph->seen, id) != NULL)
        return beamc_error_new(BEAMC_ECORRUPT, "transform '%s' has two parents", id);
    if (depth > DEPTH_MAX)
        return beamc_error_new(BEAMC_ELIMIT, "composites are nested deeper than %d", DEPTH_MAX);
    if (beamc__table_puts(graph->seen, id, (void *)transform) < 0)
        return beamc_error_nomem();
    /* Some SDKs put all transforms into one without a name; it would be a frame around nothing. */
    if (transform->unique_name[0] == '\0' && parent == NULL && transform->n_subtransforms > 0)
        return add_nodes_of(graph, transforms, transform, NULL, depth);
    beamc__graph_node *node =
        (beamc__graph_node *)beamc_arena_calloc(graph->arena, 1, sizeof(*node));
    if (node == NULL)
        return beamc_error_nomem();
    node->index = graph->node_count;
    graph->nodes[graph->node_count++] = node;
    node->id = id;
    node->transform = transform;
    node->unique_name = transform->unique_name;
    node->name = name_within(parent, node->unique_name);
    node->urn = transform->spec != NULL ? transform->spec->urn : "";
    node->kind = kind_of(node->urn);
    node->parent = parent;
    link_node(graph, node);
    BEAMC_TRY(read_payload(graph, node));
    BEAMC_TRY(read_display(graph, node));
    return add_nodes_of(graph, transforms, transform, node, depth);
}

static beamc_error *add_nodes_of(beamc__graph *graph, beamc__table *transforms,
                                 const PB(PTransform) *composite, beamc__graph_node *parent,
                                 int depth)
{
    for (size_t i = 0; i < composite->n_subtransforms; i++)
        BEAMC_TRY(add_node(graph, transforms, composite->subtransforms[i], parent, depth + 1));
    return NULL;
}

static beamc_error *add_nodes(beamc__graph *graph, const PB(Components) *components)
{
    beamc__table *transforms = beamc__table_new();
    bool failed = transforms == NULL;

    graph->nodes = (beamc__graph_node **)beamc_arena_calloc(
        graph->arena, components->n_transforms, sizeof(*graph->nodes));
    for (size_t i = 0; !failed && i < components->n_transforms; i++)
        put(transforms, components->transforms[i]->key, components->transforms[i]->value, &failed);
    beamc_error *error = failed || graph->nodes == NULL ? beamc_error_nomem() : NULL;
    for (size_t i = 0; error == NULL && i < graph->pipeline->n_root_transform_ids; i++)
        error = add_node(graph, transforms, graph->pipeline->root_transform_ids[i], NULL, 0);
    beamc__table_free(transforms);
    return error;
}

/* ---- collections and edges ------------------------------------------------------------------- */

/* "" for the global window, NULL without memory. */
static const char *windowing_text(beamc__graph *graph, const char *strategy_id)
{
    const PB(WindowingStrategy) *strategy =
        (const PB(WindowingStrategy) *)beamc__table_gets(graph->strategy_of, strategy_id);
    beamc__window_fn fn;

    if (strategy == NULL || strategy->window_fn == NULL ||
        strcmp(strategy->window_fn->urn, BEAMC__URN_GLOBAL_WINDOWS) == 0)
        return "";
    beamc_error *error = beamc__window_fn_read(&fn, strategy->window_fn);
    if (beamc_error_code(error) == BEAMC_ENOMEM) {
        beamc_error_free(error);
        return NULL;
    }
    if (error != NULL || fn.opaque) {
        beamc_error_free(error); /* a graph shows what it can; running tells what is wrong */
        return strategy->window_fn->urn;
    }
    beamc_windowing windowing = beamc_global_windows();
    windowing.kind = fn.kind;
    windowing.size = fn.size;
    windowing.period = fn.period;
    windowing.offset = fn.offset;
    beamc_buffer text;
    beamc_buffer_init(&text);
    beamc__windowing_print(&windowing, &text);
    const char *copy = NULL;
    if (!beamc_buffer_failed(&text))
        copy = beamc_arena_strndup(graph->arena, (const char *)text.data, text.size);
    beamc_buffer_dispose(&text);
    return copy;
}

static beamc_error *add_collections(beamc__graph *graph, const PB(Components) *components)
{
    graph->collections = (beamc__graph_collection *)beamc_arena_calloc(
        graph->arena, components->n_pcollections, sizeof(*graph->collections));
    if (graph->collections == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < components->n_pcollections; i++) {
        const PB(PCollection) *pcollection = components->pcollections[i]->value;
        if (pcollection == NULL)
            continue;
        beamc__graph_collection *collection = &graph->collections[graph->collection_count++];
        collection->id = components->pcollections[i]->key;
        collection->pcollection = pcollection;
        collection->type = beamc__graph_coder_type(graph, pcollection->coder_id);
        collection->windowing = windowing_text(graph, pcollection->windowing_strategy_id);
        if (collection->type == NULL || collection->windowing == NULL ||
            beamc__table_puts(graph->collection_of, collection->id, collection) < 0)
            return beamc_error_nomem();
    }
    return NULL;
}

static beamc_error *find_collection(beamc__graph_collection **out, const beamc__graph *graph,
                                    const beamc__graph_node *node, const char *id)
{
    *out = (beamc__graph_collection *)beamc__table_gets(graph->collection_of, id);
    if (*out == NULL)
        return beamc_error_new(BEAMC_ENOENT,
                               "transform %s: PCollection '%s' is not in the pipeline",
                               node->unique_name, id);
    return NULL;
}

static beamc_error *add_producer(beamc__graph *graph, beamc__graph_node *node)
{
    for (size_t i = 0; i < node->transform->n_outputs; i++) {
        beamc__graph_collection *collection;
        BEAMC_TRY(find_collection(&collection, graph, node, node->transform->outputs[i]->value));
        if (collection->producer != NULL)
            return beamc_error_new(BEAMC_ECORRUPT,
                                   "PCollection '%s' is an output of both %s and %s",
                                   collection->id, collection->producer->unique_name,
                                   node->unique_name);
        collection->producer = node;
        collection->producer_tag = node->transform->outputs[i]->key;
    }
    return NULL;
}

static const char *view_of(const beamc__graph_node *node, const char *tag)
{
    if (node->par_do == NULL)
        return NULL;
    for (size_t i = 0; i < node->par_do->n_side_inputs; i++) {
        const PB(SideInput) *side = node->par_do->side_inputs[i]->value;
        if (strcmp(node->par_do->side_inputs[i]->key, tag) != 0)
            continue;
        if (side == NULL || side->access_pattern == NULL)
            return "side input";
        if (strcmp(side->access_pattern->urn, BEAMC_URN_SIDE_INPUT_ITERABLE) == 0)
            return "iterable";
        if (strcmp(side->access_pattern->urn, BEAMC_URN_SIDE_INPUT_MULTIMAP) == 0)
            return "multimap";
        return side->access_pattern->urn;
    }
    return NULL;
}

static beamc_error *add_edges_to(beamc__graph *graph, beamc__graph_node *node)
{
    for (size_t i = 0; i < node->transform->n_inputs; i++) {
        beamc__graph_collection *collection;
        BEAMC_TRY(find_collection(&collection, graph, node, node->transform->inputs[i]->value));
        beamc__graph_edge *edge = &graph->edges[graph->edge_count++];
        edge->collection = collection;
        edge->to = node;
        edge->tag = node->transform->inputs[i]->key;
        edge->view = view_of(node, edge->tag);
    }
    return NULL;
}

static beamc_error *add_edges(beamc__graph *graph)
{
    size_t most = 0;

    for (size_t i = 0; i < graph->node_count; i++) {
        most += graph->nodes[i]->transform->n_inputs;
        if (graph->nodes[i]->first_child == NULL)
            BEAMC_TRY(add_producer(graph, graph->nodes[i]));
    }
    graph->edges =
        (beamc__graph_edge *)beamc_arena_calloc(graph->arena, most, sizeof(*graph->edges));
    if (graph->edges == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < graph->node_count; i++)
        if (graph->nodes[i]->first_child == NULL)
            BEAMC_TRY(add_edges_to(graph, graph->nodes[i]));
    return NULL;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static beamc_error *read_pipeline(beamc__graph *graph, const void *bytes, size_t size,
                                  const char *name)
{
    graph->arena = beamc_arena_new();
    if (graph->arena == NULL)
        return beamc_error_nomem();
    graph->allocator = beamc__arena_allocator(graph->arena);
    graph->name = beamc_arena_strdup(graph->arena, name);
    graph->pipeline = BEAMC__UNPACK(PB(Pipeline), pb(pipeline__descriptor), &graph->allocator,
                                    size, (const uint8_t *)bytes);
    if (beamc_arena_failed(graph->arena))
        return beamc_error_nomem();
    if (graph->pipeline == NULL)
        return beamc_error_new(BEAMC_ECORRUPT, "these bytes are no Beam Pipeline");
    const PB(Components) *components = graph->pipeline->components;
    if (components == NULL)
        return beamc_error_new(BEAMC_ECORRUPT, "the Pipeline has no components");
    BEAMC_TRY(index_components(graph, components));
    BEAMC_TRY(add_nodes(graph, components));
    BEAMC_TRY(add_collections(graph, components));
    return add_edges(graph);
}

beamc_error *beamc__graph_read(beamc__graph **out, const void *bytes, size_t size,
                               const char *name)
{
    beamc__graph *graph = (beamc__graph *)calloc(1, sizeof(*graph));

    *out = NULL;
    if (graph == NULL)
        return beamc_error_nomem();
    beamc_error *error = read_pipeline(graph, bytes, size, name);
    /* Unpacking answers NULL for bad bytes and for no memory; the arena knows which. */
    if (error != NULL && graph->arena != NULL && beamc_arena_failed(graph->arena)) {
        beamc_error_free(error);
        error = beamc_error_nomem();
    }
    if (error == NULL && beamc_arena_failed(graph->arena))
        error = beamc_error_nomem();
    if (error != NULL) {
        beamc__graph_free(graph);
        return error;
    }
    *out = graph;
    return NULL;
}

void beamc__graph_free(beamc__graph *graph)
{
    if (graph == NULL)
        return;
    beamc__table_free(graph->seen);
    beamc__table_free(graph->collection_of);
    beamc__table_free(graph->coder_of);
    beamc__table_free(graph->strategy_of);
    beamc__table_free(graph->environment_of);
    beamc_arena_free(graph->arena);
    free(graph);
}

void beamc__graph_print_display(const PB(LabelledPayload) *display, beamc_buffer *out)
{
    char number[BEAMC__NUMBER_SIZE];

    switch (display->value_case) {
    case PBK(LABELLED_PAYLOAD__VALUE_STRING_VALUE):
        beamc_buffer_append_string(out, display->string_value);
        break;
    case PBK(LABELLED_PAYLOAD__VALUE_BOOL_VALUE):
        beamc_buffer_append_string(out, display->bool_value ? "true" : "false");
        break;
    case PBK(LABELLED_PAYLOAD__VALUE_DOUBLE_VALUE):
        beamc_buffer_append_string(out, beamc__number_double(number, display->double_value));
        break;
    case PBK(LABELLED_PAYLOAD__VALUE_INT_VALUE):
        beamc_buffer_printf(out, "%" PRId64, display->int_value);
        break;
    default: break;
    }
}

PB(Environment__ResourceHintsEntry) **beamc__graph_hints(const beamc__graph *graph,
                                                         const beamc__graph_node *node,
                                                         size_t *count)
{
    const PB(Environment) *environment = (const PB(Environment) *)beamc__table_gets(
        graph->environment_of, node->transform->environment_id);

    *count = environment != NULL ? environment->n_resource_hints : 0;
    return environment != NULL ? environment->resource_hints : NULL;
}
