/* SPDX-License-Identifier: Apache-2.0 */
/* A graph as JSON, for programs and for people:
 *
 *     { "name", "transforms": [...], "pcollections": [...], "edges": [...], "coders": [...],
 *       "requirements": [...] } */
#include "graph.h"
#include "json.h"

static void write_display(beamc__json *json, const beamc__graph_node *node)
{
    if (node->display_count == 0)
        return;
    beamc__json_open(json, "display", '[');
    for (size_t i = 0; i < node->display_count; i++) {
        const PB(LabelledPayload) *display = node->display[i];
        beamc__json_open(json, NULL, '{');
        json->flat = true;
        beamc__json_string(json, "key", display->key);
        beamc__json_string(json, "label", display->label);
        switch (display->value_case) {
        case PBK(LABELLED_PAYLOAD__VALUE_BOOL_VALUE):
            beamc__json_bool(json, "value", display->bool_value);
            break;
        case PBK(LABELLED_PAYLOAD__VALUE_DOUBLE_VALUE):
            beamc__json_double(json, "value", display->double_value);
            break;
        case PBK(LABELLED_PAYLOAD__VALUE_INT_VALUE):
            beamc__json_int(json, "value", display->int_value);
            break;
        case PBK(LABELLED_PAYLOAD__VALUE_STRING_VALUE):
            beamc__json_string(json, "value", display->string_value);
            break;
        default: break;
        }
        if (display->namespace_[0] != '\0')
            beamc__json_string(json, "namespace", display->namespace_);
        beamc__json_close(json, '}');
        json->flat = false;
    }
    beamc__json_close(json, ']');
}

static void write_hints(beamc__json *json, const beamc__graph *graph,
                        const beamc__graph_node *node)
{
    size_t count;
    PB(Environment__ResourceHintsEntry) **hints = beamc__graph_hints(graph, node, &count);

    if (count == 0)
        return;
    beamc__json_open(json, "resource_hints", '{');
    for (size_t i = 0; i < count; i++)
        beamc__json_bytes(json, hints[i]->key, hints[i]->value.data, hints[i]->value.len);
    beamc__json_close(json, '}');
}

static void write_transform(beamc__json *json, const beamc__graph *graph,
                            const beamc__graph_node *node)
{
    const PB(PTransform) *transform = node->transform;

    beamc__json_open(json, NULL, '{');
    beamc__json_string(json, "id", node->id);
    beamc__json_string(json, "name", node->unique_name);
    beamc__json_bool(json, "composite", node->first_child != NULL);
    if (node->parent != NULL)
        beamc__json_string(json, "parent", node->parent->id);
    if (node->urn[0] != '\0') {
        beamc__json_string(json, "kind", node->kind);
        beamc__json_string(json, "urn", node->urn);
    }
    if (node->function != NULL)
        beamc__json_string(json, "function", node->function);
    if (transform->environment_id[0] != '\0')
        beamc__json_string(json, "environment", transform->environment_id);
    beamc__json_open(json, "inputs", '{');
    for (size_t i = 0; i < transform->n_inputs; i++)
        beamc__json_string(json, transform->inputs[i]->key, transform->inputs[i]->value);
    beamc__json_close(json, '}');
    beamc__json_open(json, "outputs", '{');
    for (size_t i = 0; i < transform->n_outputs; i++)
        beamc__json_string(json, transform->outputs[i]->key, transform->outputs[i]->value);
    beamc__json_close(json, '}');
    write_display(json, node);
    write_hints(json, graph, node);
    beamc__json_close(json, '}');
}

static void write_collection(beamc__json *json, const beamc__graph_collection *collection)
{
    beamc__json_open(json, NULL, '{');
    beamc__json_string(json, "id", collection->id);
    beamc__json_string(json, "name", collection->pcollection->unique_name);
    beamc__json_string(json, "type", collection->type);
    beamc__json_string(json, "coder", collection->pcollection->coder_id);
    beamc__json_string(json, "windowing",
                       collection->windowing[0] != '\0' ? collection->windowing : "global window");
    beamc__json_bool(json, "bounded",
                     collection->pcollection->is_bounded != PBK(IS_BOUNDED__ENUM__UNBOUNDED));
    beamc__json_close(json, '}');
}

static void write_edge(beamc__json *json, const beamc__graph_edge *edge)
{
    beamc__json_open(json, NULL, '{');
    json->flat = true;
    if (edge->collection->producer != NULL)
        beamc__json_string(json, "from", edge->collection->producer->id);
    beamc__json_string(json, "to", edge->to->id);
    beamc__json_string(json, "pcollection", edge->collection->id);
    if (edge->view != NULL) {
        beamc__json_string(json, "side_input", edge->tag);
        beamc__json_string(json, "view", edge->view);
    }
    beamc__json_close(json, '}');
    json->flat = false;
}

static void write_coder(beamc__json *json, const char *id, const PB(Coder) *coder)
{
    beamc__json_open(json, NULL, '{');
    json->flat = true;
    beamc__json_string(json, "id", id);
    beamc__json_string(json, "urn", coder->spec != NULL ? coder->spec->urn : "");
    if (coder->n_component_coder_ids > 0) {
        beamc__json_open(json, "components", '[');
        for (size_t i = 0; i < coder->n_component_coder_ids; i++)
            beamc__json_string(json, NULL, coder->component_coder_ids[i]);
        beamc__json_close(json, ']');
    }
    beamc__json_close(json, '}');
    json->flat = false;
}

void beamc__graph_write_json(const beamc__graph *graph, beamc_buffer *out)
{
    beamc__json writer = { out, 0, true, false }, *json = &writer;

    beamc__json_open(json, NULL, '{');
    beamc__json_string(json, "name", graph->name);
    beamc__json_open(json, "transforms", '[');
    for (size_t i = 0; i < graph->node_count; i++)
        write_transform(json, graph, graph->nodes[i]);
    beamc__json_close(json, ']');
    beamc__json_open(json, "pcollections", '[');
    for (size_t i = 0; i < graph->collection_count; i++)
        write_collection(json, &graph->collections[i]);
    beamc__json_close(json, ']');
    beamc__json_open(json, "edges", '[');
    for (size_t i = 0; i < graph->edge_count; i++)
        write_edge(json, &graph->edges[i]);
    beamc__json_close(json, ']');
    beamc__json_open(json, "coders", '[');
    for (size_t i = 0; i < beamc__table_count(graph->coder_of); i++)
        write_coder(json, beamc__table_key(graph->coder_of, i),
                    (const PB(Coder) *)beamc__table_value(graph->coder_of, i));
    beamc__json_close(json, ']');
    beamc__json_open(json, "requirements", '[');
    for (size_t i = 0; i < graph->pipeline->n_requirements; i++)
        beamc__json_string(json, NULL, graph->pipeline->requirements[i]);
    beamc__json_close(json, ']');
    beamc__json_close(json, '}');
    beamc_buffer_append_byte(out, '\n');
}
