/* SPDX-License-Identifier: Apache-2.0 */
/* A graph in the language of graphviz: composites are clusters, leaves are boxes coloured by kind,
 * edges carry the type of what flows, dashed for side inputs. */
#include "graph.h"
#include "proto/urns.h"
#include <stdio.h>
#include <string.h>

/* What does not fit in a box is cut; all of it is in the tooltip or the JSON. */
enum { VALUE_MAX = 48, TYPE_MAX = 60, DISPLAY_LINES_MAX = 8 };

static const struct {
    const char *urn;
    const char *color;
} colors[] = {
    { BEAMC_URN_IMPULSE, "#d5e8d4" },      { BEAMC_URN_PARDO, "#dae8fc" },
    { BEAMC_URN_GROUP_BY_KEY, "#ffe6cc" }, { BEAMC_URN_FLATTEN, "#f5f5f5" },
    { BEAMC_URN_WINDOW_INTO, "#e1d5e7" },
};

static const char *color_of(const beamc__graph_node *node)
{
    for (size_t i = 0; i < sizeof(colors) / sizeof(*colors); i++)
        if (strcmp(colors[i].urn, node->urn) == 0)
            return colors[i].color;
    return "#fff2cc";
}

/* The inside of a quoted string of DOT, at most @most bytes of it. */
static void escape(beamc_buffer *out, const char *text, size_t most)
{
    size_t size = strlen(text);
    bool cut = size > most;

    /* A character of UTF-8 is not cut in two. */
    if (cut)
        for (size = most - 3; size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80; size--)
            ;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\') {
            beamc_buffer_append_byte(out, '\\');
            beamc_buffer_append_byte(out, c);
        } else {
            beamc_buffer_append_byte(out, c < 0x20 || c == 0x7f ? ' ' : c);
        }
    }
    if (cut)
        beamc_buffer_append_string(out, "...");
}

/* The function's name stands in the box already. */
static bool is_function(const beamc__graph_node *node, const PB(LabelledPayload) *display)
{
    return node->function != NULL && strcmp(display->key, "fn") == 0 &&
           display->value_case == PBK(LABELLED_PAYLOAD__VALUE_STRING_VALUE) &&
           strcmp(display->string_value, node->function) == 0;
}

static void write_display(const beamc__graph_node *node, beamc_buffer *out)
{
    size_t lines = 0, more = 0;

    for (size_t i = 0; i < node->display_count; i++) {
        const PB(LabelledPayload) *display = node->display[i];
        beamc_buffer value;
        if (is_function(node, display))
            continue;
        if (lines++ == DISPLAY_LINES_MAX)
            more = node->display_count - i;
        if (lines > DISPLAY_LINES_MAX)
            continue;
        beamc_buffer_init(&value);
        beamc__graph_print_display(display, &value);
        beamc_buffer_append_byte(&value, '\0');
        beamc_buffer_append_string(out, "\\n");
        escape(out, display->label[0] != '\0' ? display->label : display->key, VALUE_MAX);
        beamc_buffer_append_string(out, ": ");
        if (!beamc_buffer_failed(&value))
            escape(out, (const char *)value.data, VALUE_MAX);
        beamc_buffer_dispose(&value);
    }
    if (more > 0)
        beamc_buffer_printf(out, "\\n(and %zu more)", more);
}

static void write_hints(const beamc__graph *graph, const beamc__graph_node *node,
                        beamc_buffer *out)
{
    static const char prefix[] = "beam:resources:";
    size_t count;
    PB(Environment__ResourceHintsEntry) **hints = beamc__graph_hints(graph, node, &count);

    for (size_t i = 0; i < count; i++) {
        const char *name = hints[i]->key;
        if (strncmp(name, prefix, sizeof(prefix) - 1) == 0)
            name += sizeof(prefix) - 1;
        char value[VALUE_MAX + 1];
        size_t size = hints[i]->value.len < VALUE_MAX ? hints[i]->value.len : VALUE_MAX;
        if (size > 0)
            memcpy(value, hints[i]->value.data, size);
        value[size] = '\0';
        beamc_buffer_append_string(out, "\\n");
        char key[VALUE_MAX];
        snprintf(key, sizeof(key), "%.*s", (int)strcspn(name, ":"), name);
        escape(out, key, VALUE_MAX);
        beamc_buffer_append_string(out, ": ");
        escape(out, value, VALUE_MAX);
    }
}

static void write_leaf(const beamc__graph *graph, const beamc__graph_node *node, int depth,
                       beamc_buffer *out)
{
    beamc_buffer_printf(out, "%*sn%zu [label=\"", depth * 2, "", node->index);
    escape(out, node->name, VALUE_MAX);
    if (node->kind[0] != '\0' && strcmp(node->kind, node->name) != 0) {
        beamc_buffer_append_string(out, "\\n");
        escape(out, node->kind, VALUE_MAX);
    }
    if (node->function != NULL && strcmp(node->function, node->name) != 0) {
        beamc_buffer_append_string(out, " by ");
        escape(out, node->function, VALUE_MAX);
    }
    write_display(node, out);
    write_hints(graph, node, out);
    beamc_buffer_append_string(out, "\" tooltip=\"");
    escape(out, node->unique_name, 1000);
    beamc_buffer_printf(out, "\" fillcolor=\"%s\"];\n", color_of(node));
}

static void write_node(const beamc__graph *graph, const beamc__graph_node *node, int depth,
                       beamc_buffer *out)
{
    if (node->first_child == NULL) {
        write_leaf(graph, node, depth, out);
        return;
    }
    beamc_buffer_printf(out, "%*ssubgraph cluster_%zu {\n", depth * 2, "", node->index);
    beamc_buffer_printf(out, "%*slabel=\"", depth * 2 + 2, "");
    escape(out, node->name, VALUE_MAX);
    write_display(node, out);
    beamc_buffer_append_string(out, "\" tooltip=\"");
    escape(out, node->unique_name, 1000);
    /* Every second level is a little darker. */
    beamc_buffer_printf(out, "\" bgcolor=\"%s\";\n", depth % 2 == 1 ? "#fafafa" : "#f0f0f0");
    for (const beamc__graph_node *child = node->first_child; child != NULL; child = child->next)
        write_node(graph, child, depth + 1, out);
    beamc_buffer_printf(out, "%*s}\n", depth * 2, "");
}

static void write_edge(const beamc__graph_edge *edge, beamc_buffer *out)
{
    const beamc__graph_collection *collection = edge->collection;
    const beamc__graph_node *from = collection->producer;

    if (from == NULL)
        return;
    beamc_buffer_printf(out, "  n%zu -> n%zu [label=\"", from->index, edge->to->index);
    if (from->transform->n_outputs > 1) {
        escape(out, collection->producer_tag, VALUE_MAX);
        beamc_buffer_append_string(out, ": ");
    }
    escape(out, collection->type, TYPE_MAX);
    if (collection->windowing[0] != '\0') {
        beamc_buffer_append_string(out, "\\n");
        escape(out, collection->windowing, TYPE_MAX);
    }
    if (edge->view != NULL) {
        beamc_buffer_append_string(out, "\\nas ");
        escape(out, edge->view, VALUE_MAX);
    }
    beamc_buffer_append_string(out, "\"");
    if (edge->view != NULL)
        beamc_buffer_append_string(out, " style=dashed");
    beamc_buffer_append_string(out, "];\n");
}

void beamc__graph_write_dot(const beamc__graph *graph, beamc_buffer *out)
{
    beamc_buffer_append_string(out, "digraph \"");
    escape(out, graph->name, 200);
    beamc_buffer_append_string(out, "\" {\n  label=\"");
    escape(out, graph->name, 200);
    beamc_buffer_append_string(
        out, "\" labelloc=t rankdir=TB fontname=\"Helvetica\" fontsize=12;\n"
             "  node [shape=box style=\"rounded,filled\" fontname=\"Helvetica\" fontsize=11];\n"
             "  edge [fontname=\"Helvetica\" fontsize=9 color=\"#555555\"];\n");
    for (const beamc__graph_node *root = graph->first_root; root != NULL; root = root->next)
        write_node(graph, root, 1, out);
    for (size_t i = 0; i < graph->edge_count; i++)
        write_edge(&graph->edges[i], out);
    beamc_buffer_append_string(out, "}\n");
}
