/* SPDX-License-Identifier: Apache-2.0 */
#include "runners/engine/stage.h"

#include "proto/urns.h"
#include <stdio.h>

#define STEPS_MAX 1000000 /* of one walk through flattens */
#define CODERS_MAX 10000  /* compared in one comparison */

typedef struct {
    beamc__leaves *graph;
    beamc__stages *out;
    size_t search; /* number of the one that runs */
    size_t steps;  /* of the walk that runs */
} maker;

static void *list_of(maker *m, size_t most, size_t size)
{
    return beamc_arena_calloc(m->graph->arena, most, size);
}

/* A list with room for one more item of @size; NULL: no memory. */
static void *grown(maker *m, void *list, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return list;
    size_t more = *capacity == 0 ? 4 : 2 * *capacity;
    void *made = list_of(m, more, size);
    if (made == NULL)
        return NULL;
    if (count > 0)
        memcpy(made, list, count * size);
    *capacity = more;
    return made;
}

/* ---- which stages wait for which ------------------------------------------------------------- */

static bool reaches(beamc__stage *from, const beamc__stage *to)
{
    if (from == to)
        return true;
    if (from->mark)
        return false;
    from->mark = true;
    for (size_t i = 0; i < from->wait_count; i++) {
        if (reaches(from->waits_for[i], to))
            return true;
    }
    return false;
}

/* Whether @stage must be done before @later can start (or is it). */
static bool waits_for(maker *m, beamc__stage *later, const beamc__stage *stage)
{
    for (size_t i = 0; i < m->out->stage_count; i++)
        m->out->stages[i]->mark = false;
    return reaches(later, stage);
}

static void wait_for(beamc__stage *stage, beamc__stage *earlier)
{
    for (size_t i = 0; i < stage->wait_count; i++) {
        if (stage->waits_for[i] == earlier)
            return;
    }
    stage->waits_for[stage->wait_count++] = earlier;
}

typedef bool visitor(maker *m, beamc__stage *maker_stage, void *ctx);

static bool search_makers(maker *m, beamc__collection_node *node, visitor *visit, void *ctx)
{
    const beamc__leaf *leaf = node->producer;

    if (node->seen == m->search)
        return false;
    node->seen = m->search;
    if (leaf->kind == BEAMC__LEAF_EXECUTABLE)
        return visit(m, leaf->stage, ctx);
    for (size_t i = 0; i < leaf->input_count; i++) {
        if (search_makers(m, leaf->inputs[i], visit, ctx))
            return true;
    }
    return false;
}

/* Calls @visit for all executable leaves that make the elements of @node, through flattens,
 * groupings and reshuffles, until one answers true. */
static bool any_maker(maker *m, beamc__collection_node *node, visitor *visit, void *ctx)
{
    m->search++;
    return search_makers(m, node, visit, ctx);
}

static bool made_after(maker *m, beamc__stage *maker_stage, void *stage)
{
    return waits_for(m, maker_stage, stage);
}

static bool note_wait(maker *m BEAMC_UNUSED, beamc__stage *maker_stage, void *stage)
{
    wait_for(stage, maker_stage);
    return false;
}

/* ---- putting leaves into stages -------------------------------------------------------------- */

static bool can_join(maker *m, const beamc__leaf *leaf, beamc__stage *stage)
{
    if (strcmp(stage->environment_id, leaf->transform->environment_id) != 0)
        return false;
    for (size_t i = 0; i < leaf->side_count; i++) {
        if (any_maker(m, leaf->sides[i].from, made_after, stage))
            return false;
    }
    return true;
}

static beamc__stage *stage_to_join(maker *m, const beamc__leaf *leaf)
{
    const beamc__collection_node *input = leaf->inputs[0];

    if (input->producer->kind == BEAMC__LEAF_EXECUTABLE) {
        beamc__stage *stage = input->producer->stage;
        if (can_join(m, leaf, stage))
            return stage;
    }
    for (size_t i = 0; i < m->out->stage_count; i++) {
        if (m->out->stages[i]->input == input && can_join(m, leaf, m->out->stages[i]))
            return m->out->stages[i];
    }
    return NULL;
}

static beamc__stage *stage_new(maker *m, const beamc__leaf *leaf)
{
    size_t leaves = m->graph->leaf_count;
    beamc__stage *stage = beamc_arena_calloc(m->graph->arena, 1, sizeof(*stage));

    if (stage == NULL)
        return NULL;
    stage->environment_id = leaf->transform->environment_id;
    stage->input = leaf->inputs[0];
    stage->leaves = list_of(m, leaves, sizeof(*stage->leaves));
    stage->waits_for = list_of(m, leaves, sizeof(*stage->waits_for));
    stage->port_id = beamc_arena_printf(m->graph->arena, "fn/read/%s", stage->input->id);
    stage->from_impulse = stage->input->producer->kind == BEAMC__LEAF_IMPULSE;
    if (stage->leaves == NULL || stage->waits_for == NULL || stage->port_id == NULL)
        return NULL;
    any_maker(m, stage->input, note_wait, stage);
    m->out->stages[m->out->stage_count++] = stage;
    return stage;
}

static beamc_error *place_leaves(maker *m)
{
    for (size_t i = 0; i < m->graph->leaf_count; i++) {
        beamc__leaf *leaf = m->graph->leaves[i];
        if (leaf->kind != BEAMC__LEAF_EXECUTABLE)
            continue;
        beamc__stage *stage = stage_to_join(m, leaf);
        if (stage == NULL)
            stage = stage_new(m, leaf);
        if (stage == NULL)
            return beamc_error_nomem();
        leaf->stage = stage;
        stage->leaves[stage->leaf_count++] = leaf;
        for (size_t k = 0; k < leaf->side_count; k++)
            any_maker(m, leaf->sides[k].from, note_wait, stage);
    }
    return NULL;
}

/* A stage may have come to wait for one that was made after it. */
static beamc_error *sort_stages(maker *m)
{
    size_t count = m->out->stage_count;
    beamc__stage **sorted = list_of(m, count, sizeof(*sorted));
    size_t placed = 0;

    if (sorted == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < count; i++)
        m->out->stages[i]->mark = false;
    while (placed < count) {
        size_t before = placed;
        for (size_t i = 0; i < count; i++) {
            beamc__stage *stage = m->out->stages[i];
            bool is_ready = !stage->mark;
            for (size_t k = 0; is_ready && k < stage->wait_count; k++)
                is_ready = stage->waits_for[k]->mark;
            if (!is_ready)
                continue;
            stage->mark = true;
            stage->index = placed;
            sorted[placed++] = stage;
        }
        if (placed == before)
            return beamc_error_new(BEAMC_ECORRUPT, "stages wait for each other");
    }
    m->out->stages = sorted;
    return NULL;
}

/* ---- what is kept between stages -------------------------------------------------------------- */

static beamc__kept *keep(maker *m, beamc__kept_as as, beamc__collection_node *node,
                         const beamc__leaf *group, bool is_multimap)
{
    for (size_t i = 0; i < m->out->kept_count; i++) {
        beamc__kept *kept = m->out->kept[i];
        if (kept->as == as && kept->node == node && kept->group == group &&
            kept->is_multimap == is_multimap)
            return kept;
    }
    beamc__kept *kept = beamc_arena_calloc(m->graph->arena, 1, sizeof(*kept));
    beamc__kept **kepts =
        grown(m, m->out->kept, m->out->kept_count, &m->out->kept_capacity, sizeof(*kepts));
    if (kept == NULL || kepts == NULL)
        return NULL;
    *kept = (beamc__kept){ .as = as, .node = node, .group = group, .is_multimap = is_multimap };
    m->out->kept = kepts;
    kepts[m->out->kept_count++] = kept;
    return kept;
}

/* Adds to the end of a list of what is kept. */
static beamc_error *append_kept(maker *m, beamc__kept ***list, size_t *count, size_t *capacity,
                                beamc__kept *kept)
{
    beamc__kept **more = grown(m, *list, *count, capacity, sizeof(*more));

    if (kept == NULL || more == NULL)
        return beamc_error_nomem();
    *list = more;
    more[(*count)++] = kept;
    return NULL;
}

/* ---- coders ----------------------------------------------------------------------------------- */

static bool same_coder(maker *m, const char *a, const char *b)
{
    if (strcmp(a, b) == 0)
        return true;
    if (++m->steps > CODERS_MAX)
        return false;
    const PB(Coder) *x = beamc__leaves_coder(m->graph, a);
    const PB(Coder) *y = beamc__leaves_coder(m->graph, b);
    if (x == NULL || y == NULL || x->spec == NULL || y->spec == NULL ||
        strcmp(x->spec->urn, y->spec->urn) != 0 ||
        x->spec->payload.len != y->spec->payload.len ||
        (x->spec->payload.len > 0 &&
         memcmp(x->spec->payload.data, y->spec->payload.data, x->spec->payload.len) != 0) ||
        x->n_component_coder_ids != y->n_component_coder_ids)
        return false;
    for (size_t i = 0; i < x->n_component_coder_ids; i++) {
        if (!same_coder(m, x->component_coder_ids[i], y->component_coder_ids[i]))
            return false;
    }
    return true;
}

static const PB(WindowingStrategy) *strategy_of(maker *m, const beamc__collection_node *node)
{
    const PB(Components) *components = m->graph->pipeline->components;

    for (size_t i = 0; i < components->n_windowing_strategies; i++) {
        if (strcmp(components->windowing_strategies[i]->key,
                   node->pcollection->windowing_strategy_id) == 0)
            return components->windowing_strategies[i]->value;
    }
    return NULL; /* not of a node: they were all read */
}

/* Elements of a flatten's or reshuffle's inputs become those of its output as they are written. */
static beamc_error *check_coders(maker *m, const beamc__leaf *leaf)
{
    const beamc__collection_node *out = leaf->outputs[0];

    for (size_t i = 0; i < leaf->input_count; i++) {
        const beamc__collection_node *in = leaf->inputs[i];
        m->steps = 0;
        if (!same_coder(m, in->pcollection->coder_id, out->pcollection->coder_id))
            return beamc_error_new(BEAMC_EUNSUPPORTED,
                                   "transform %s: it takes elements of coder %s and gives them of %s",
                                   leaf->transform->unique_name, in->pcollection->coder_id,
                                   out->pcollection->coder_id);
        if (!same_coder(m, strategy_of(m, in)->window_coder_id,
                        strategy_of(m, out)->window_coder_id))
            return beamc_error_new(BEAMC_EUNSUPPORTED,
                                   "transform %s: it takes windows of %s and gives them of %s",
                                   leaf->transform->unique_name,
                                   in->pcollection->windowing_strategy_id,
                                   out->pcollection->windowing_strategy_id);
    }
    return NULL;
}

static beamc_error *check_all_coders(maker *m)
{
    for (size_t i = 0; i < m->graph->leaf_count; i++) {
        const beamc__leaf *leaf = m->graph->leaves[i];
        if (leaf->kind == BEAMC__LEAF_FLATTEN || leaf->kind == BEAMC__LEAF_RESHUFFLE)
            BEAMC_TRY(check_coders(m, leaf));
    }
    return NULL;
}

/* ---- inputs ----------------------------------------------------------------------------------- */

/* A flatten's input that stands several times comes several times: nested flattens may multiply
 * without end. */
static beamc_error *count_step(maker *m, const beamc__leaf *leaf)
{
    if (++m->steps <= STEPS_MAX)
        return NULL;
    return beamc_error_new(BEAMC_ELIMIT, "transform %s: flattens lead to it on more than %d ways",
                           leaf->transform->unique_name, STEPS_MAX);
}

/* Adds to @stage what holds the elements of @node, which no stage makes under that name. */
static beamc_error *find_sources(maker *m, beamc__stage *stage, beamc__collection_node *node,
                                 bool spread)
{
    const beamc__leaf *leaf = node->producer;

    BEAMC_TRY(count_step(m, leaf));
    switch (leaf->kind) {
    case BEAMC__LEAF_IMPULSE:
        stage->from_impulse = true;
        return NULL;
    case BEAMC__LEAF_GROUP: {
        beamc__kept *kept = keep(m, BEAMC__KEPT_GROUPS, leaf->inputs[0], leaf, false);
        return append_kept(m, &stage->from, &stage->from_count, &stage->from_capacity, kept);
    }
    case BEAMC__LEAF_RESHUFFLE:
        return find_sources(m, stage, leaf->inputs[0], true);
    case BEAMC__LEAF_FLATTEN:
        for (size_t i = 0; i < leaf->input_count; i++)
            BEAMC_TRY(find_sources(m, stage, leaf->inputs[i], spread));
        return NULL;
    case BEAMC__LEAF_EXECUTABLE: {
        beamc__kept *kept = keep(m, BEAMC__KEPT_COLLECTION, node, NULL, false);
        if (kept != NULL)
            kept->spread = kept->spread || spread;
        return append_kept(m, &stage->from, &stage->from_count, &stage->from_capacity, kept);
    }
    }
    return NULL;
}

static beamc_error *keep_inputs(maker *m)
{
    for (size_t i = 0; i < m->out->stage_count; i++) {
        beamc__stage *stage = m->out->stages[i];
        stage->from_impulse = false;
        m->steps = 0;
        BEAMC_TRY(find_sources(m, stage, stage->input, false));
        for (size_t k = 0; k < stage->from_count; k++)
            stage->from[k]->readers++;
    }
    return NULL;
}

static beamc_error *keep_sides(maker *m)
{
    for (size_t i = 0; i < m->out->stage_count; i++) {
        beamc__stage *stage = m->out->stages[i];
        size_t count = 0;
        for (size_t k = 0; k < stage->leaf_count; k++)
            count += stage->leaves[k]->side_count;
        stage->sides = list_of(m, count, sizeof(*stage->sides));
        if (stage->sides == NULL)
            return beamc_error_nomem();
        for (size_t k = 0; k < stage->leaf_count; k++) {
            const beamc__leaf *leaf = stage->leaves[k];
            for (size_t s = 0; s < leaf->side_count; s++) {
                const beamc__leaf_side *side = &leaf->sides[s];
                beamc__kept *kept =
                    keep(m, BEAMC__KEPT_SIDE, side->from, NULL, side->is_multimap);
                if (kept == NULL)
                    return beamc_error_nomem();
                stage->sides[stage->side_count++] =
                    (beamc__stage_side){ leaf->id, side->tag, kept };
            }
        }
    }
    return NULL;
}

/* ---- outputs ---------------------------------------------------------------------------------- */

static beamc__stage_output *output_of(maker *m, beamc__stage *stage, beamc__collection_node *node)
{
    for (size_t i = 0; i < stage->output_count; i++) {
        if (stage->outputs[i].node == node)
            return &stage->outputs[i];
    }
    beamc__stage_output *outputs =
        grown(m, stage->outputs, stage->output_count, &stage->output_capacity, sizeof(*outputs));
    if (outputs == NULL)
        return NULL;
    stage->outputs = outputs;
    beamc__stage_output *output = &outputs[stage->output_count++];
    output->node = node;
    output->port_id = beamc_arena_printf(m->graph->arena, "fn/write/%s", node->id);
    return output->port_id == NULL ? NULL : output;
}

/* Lets all stages that make elements of @node write them to @kept. */
static beamc_error *write_to(maker *m, beamc__collection_node *node, beamc__kept *kept)
{
    const beamc__leaf *leaf = node->producer;

    BEAMC_TRY(count_step(m, leaf));
    if (leaf->kind == BEAMC__LEAF_EXECUTABLE) {
        beamc__stage_output *output = output_of(m, leaf->stage, node);
        return output == NULL
                   ? beamc_error_nomem()
                   : append_kept(m, &output->to, &output->to_count, &output->to_capacity, kept);
    }
    if (leaf->kind == BEAMC__LEAF_FLATTEN || leaf->kind == BEAMC__LEAF_RESHUFFLE) {
        for (size_t i = 0; i < leaf->input_count; i++)
            BEAMC_TRY(write_to(m, leaf->inputs[i], kept));
        return NULL;
    }
    return beamc_error_new(BEAMC_EUNSUPPORTED,
                           "transform %s: its output goes to a grouping or a side input with "
                           "nothing between",
                           leaf->transform->unique_name);
}

static beamc_error *find_outputs(maker *m)
{
    for (size_t i = 0; i < m->out->kept_count; i++) {
        m->steps = 0;
        BEAMC_TRY(write_to(m, m->out->kept[i]->node, m->out->kept[i]));
    }
    return NULL;
}

/* ---- names ------------------------------------------------------------------------------------ */

/* The outermost composite's name and below, without what library transforms hold inside. */
static void append_name(beamc_buffer *name, const char *unique_name, const char **last)
{
    size_t size = strcspn(unique_name, "/");

    if (*last != NULL && strlen(*last) >= size && strncmp(*last, unique_name, size) == 0 &&
        ((*last)[size] == '\0' || (*last)[size] == '/'))
        return;
    if (*last != NULL)
        beamc_buffer_append_byte(name, '+');
    beamc_buffer_append(name, unique_name, size);
    *last = unique_name;
}

static beamc_error *name_stage(maker *m, beamc__stage *stage, beamc_buffer *name)
{
    const char *last = NULL;

    beamc_buffer_clear(name);
    for (size_t i = 0; i < stage->leaf_count; i++)
        append_name(name, stage->leaves[i]->transform->unique_name, &last);
    if (beamc_buffer_failed(name))
        return beamc_error_nomem();
    stage->name = beamc_arena_strndup(m->graph->arena, (const char *)name->data, name->size);
    return stage->name == NULL ? beamc_error_nomem() : NULL;
}

static beamc_error *name_stages(maker *m)
{
    beamc_buffer name;
    beamc_error *error = NULL;

    beamc_buffer_init(&name);
    for (size_t i = 0; error == NULL && i < m->out->stage_count; i++)
        error = name_stage(m, m->out->stages[i], &name);
    beamc_buffer_dispose(&name);
    return error;
}

/* ---- descriptors ------------------------------------------------------------------------------ */

typedef PB(PTransform) transform_type;
typedef FN(ProcessBundleDescriptor__TransformsEntry) transforms_entry;
typedef FN(ProcessBundleDescriptor__PcollectionsEntry) pcollections_entry;

/* A port's RemoteGrpcPort, packed. */
static beamc_error *port_spec(maker *m, const char *urn, const beamc__collection_node *node,
                              PB(FunctionSpec) **out)
{
    beamc_arena *arena = m->graph->arena;
    FN(RemoteGrpcPort) port = FNK(REMOTE_GRPC_PORT__INIT);

    port.coder_id = (char *)beamc__leaves_add_coder(
        m->graph, BEAMC_URN_CODER_WINDOWED_VALUE, node->pcollection->coder_id,
        strategy_of(m, node)->window_coder_id);
    *out = beamc_arena_alloc(arena, sizeof(**out));
    if (*out == NULL || port.coder_id == NULL)
        return beamc_error_nomem();
    pb(function_spec__init)(*out);
    (*out)->urn = (char *)urn;
    (*out)->payload.len = fn(remote_grpc_port__get_packed_size)(&port);
    (*out)->payload.data = beamc_arena_alloc(arena, (*out)->payload.len);
    if ((*out)->payload.data == NULL)
        return beamc_error_nomem();
    fn(remote_grpc_port__pack)(&port, (*out)->payload.data);
    return NULL;
}

static beamc_error *add_transform(maker *m, FN(ProcessBundleDescriptor) *descriptor,
                                  const char *id, transform_type *transform)
{
    transforms_entry *entry = beamc_arena_alloc(m->graph->arena, sizeof(*entry));

    if (entry == NULL)
        return beamc_error_nomem();
    fn(process_bundle_descriptor__transforms_entry__init)(entry);
    entry->key = (char *)id;
    entry->value = transform;
    descriptor->transforms[descriptor->n_transforms++] = entry;
    return NULL;
}

static beamc_error *add_pcollection(maker *m, FN(ProcessBundleDescriptor) *descriptor,
                                    const beamc__collection_node *node)
{
    for (size_t i = 0; i < descriptor->n_pcollections; i++) {
        if (strcmp(descriptor->pcollections[i]->key, node->id) == 0)
            return NULL;
    }
    pcollections_entry *entry = beamc_arena_alloc(m->graph->arena, sizeof(*entry));
    if (entry == NULL)
        return beamc_error_nomem();
    fn(process_bundle_descriptor__pcollections_entry__init)(entry);
    entry->key = (char *)node->id;
    entry->value = node->pcollection;
    descriptor->pcollections[descriptor->n_pcollections++] = entry;
    return NULL;
}

static beamc_error *add_port(maker *m, FN(ProcessBundleDescriptor) *descriptor, const char *id,
                             const beamc__collection_node *node, bool is_source)
{
    beamc_arena *arena = m->graph->arena;
    transform_type *transform = beamc_arena_alloc(arena, sizeof(*transform));

    if (transform == NULL)
        return beamc_error_nomem();
    pb(ptransform__init)(transform);
    transform->unique_name = (char *)id;
    BEAMC_TRY(port_spec(m, is_source ? BEAMC_URN_DATA_SOURCE : BEAMC_URN_DATA_SINK, node,
                        &transform->spec));
    if (is_source) {
        PB(PTransform__OutputsEntry) *entry = beamc_arena_alloc(arena, sizeof(*entry));
        transform->outputs = beamc_arena_alloc(arena, sizeof(*transform->outputs));
        if (entry == NULL || transform->outputs == NULL)
            return beamc_error_nomem();
        pb(ptransform__outputs_entry__init)(entry);
        entry->key = "output";
        entry->value = (char *)node->id;
        transform->outputs[transform->n_outputs++] = entry;
    } else {
        PB(PTransform__InputsEntry) *entry = beamc_arena_alloc(arena, sizeof(*entry));
        transform->inputs = beamc_arena_alloc(arena, sizeof(*transform->inputs));
        if (entry == NULL || transform->inputs == NULL)
            return beamc_error_nomem();
        pb(ptransform__inputs_entry__init)(entry);
        entry->key = "input";
        entry->value = (char *)node->id;
        transform->inputs[transform->n_inputs++] = entry;
    }
    return add_transform(m, descriptor, id, transform);
}

static beamc_error *add_leaf(maker *m, FN(ProcessBundleDescriptor) *descriptor,
                             const beamc__leaf *leaf)
{
    BEAMC_TRY(add_transform(m, descriptor, leaf->id, leaf->transform));
    for (size_t i = 0; i < leaf->input_count; i++)
        BEAMC_TRY(add_pcollection(m, descriptor, leaf->inputs[i]));
    for (size_t i = 0; i < leaf->side_count; i++)
        BEAMC_TRY(add_pcollection(m, descriptor, leaf->sides[i].from));
    for (size_t i = 0; i < leaf->output_count; i++)
        BEAMC_TRY(add_pcollection(m, descriptor, leaf->outputs[i]));
    return NULL;
}

static beamc_error *describe(maker *m, beamc__stage *stage)
{
    beamc_arena *arena = m->graph->arena;
    FN(ProcessBundleDescriptor) *descriptor = beamc_arena_alloc(arena, sizeof(*descriptor));

    if (descriptor == NULL)
        return beamc_error_nomem();
    fn(process_bundle_descriptor__init)(descriptor);
    descriptor->id = beamc_arena_printf(arena, "stage-%zu", stage->index);
    descriptor->transforms =
        list_of(m, stage->leaf_count + stage->output_count + 1, sizeof(*descriptor->transforms));
    descriptor->pcollections =
        list_of(m, m->graph->node_count, sizeof(*descriptor->pcollections));
    if (descriptor->id == NULL || descriptor->transforms == NULL ||
        descriptor->pcollections == NULL)
        return beamc_error_nomem();
    BEAMC_TRY(add_port(m, descriptor, stage->port_id, stage->input, true));
    for (size_t i = 0; i < stage->leaf_count; i++)
        BEAMC_TRY(add_leaf(m, descriptor, stage->leaves[i]));
    for (size_t i = 0; i < stage->output_count; i++)
        BEAMC_TRY(
            add_port(m, descriptor, stage->outputs[i].port_id, stage->outputs[i].node, false));
    stage->descriptor = descriptor;
    return NULL;
}

/* Every descriptor has all coders and windowing strategies. */
static beamc_error *share_components(maker *m)
{
    const PB(Components) *components = m->graph->pipeline->components;
    size_t coders = m->graph->coder_count;
    size_t strategies = components->n_windowing_strategies;
    FN(ProcessBundleDescriptor__CodersEntry) **coder_list = list_of(m, coders, sizeof(*coder_list));
    FN(ProcessBundleDescriptor__WindowingStrategiesEntry) **strategy_list =
        list_of(m, strategies, sizeof(*strategy_list));

    if (coder_list == NULL || strategy_list == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < coders; i++) {
        FN(ProcessBundleDescriptor__CodersEntry) *entry = list_of(m, 1, sizeof(*entry));
        if (entry == NULL)
            return beamc_error_nomem();
        fn(process_bundle_descriptor__coders_entry__init)(entry);
        entry->key = m->graph->coders[i]->key;
        entry->value = m->graph->coders[i]->value;
        coder_list[i] = entry;
    }
    for (size_t i = 0; i < strategies; i++) {
        FN(ProcessBundleDescriptor__WindowingStrategiesEntry) *entry = list_of(m, 1, sizeof(*entry));
        if (entry == NULL)
            return beamc_error_nomem();
        fn(process_bundle_descriptor__windowing_strategies_entry__init)(entry);
        entry->key = components->windowing_strategies[i]->key;
        entry->value = components->windowing_strategies[i]->value;
        strategy_list[i] = entry;
    }
    for (size_t i = 0; i < m->out->stage_count; i++) {
        FN(ProcessBundleDescriptor) *descriptor = m->out->stages[i]->descriptor;
        descriptor->coders = coder_list;
        descriptor->n_coders = coders;
        descriptor->windowing_strategies = strategy_list;
        descriptor->n_windowing_strategies = strategies;
    }
    return NULL;
}

beamc_error *beamc__stages_make(beamc__stages *out, beamc__leaves *graph)
{
    maker m = { .graph = graph, .out = out };

    memset(out, 0, sizeof(*out));
    out->stages = list_of(&m, graph->leaf_count, sizeof(*out->stages));
    if (out->stages == NULL)
        return beamc_error_nomem();
    BEAMC_TRY(check_all_coders(&m));
    BEAMC_TRY(place_leaves(&m));
    BEAMC_TRY(sort_stages(&m));
    BEAMC_TRY(keep_inputs(&m));
    BEAMC_TRY(keep_sides(&m));
    BEAMC_TRY(find_outputs(&m));
    BEAMC_TRY(name_stages(&m));
    for (size_t i = 0; i < out->stage_count; i++)
        BEAMC_TRY(describe(&m, out->stages[i]));
    return share_components(&m);
}
