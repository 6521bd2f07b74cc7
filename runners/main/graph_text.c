/* SPDX-License-Identifier: Apache-2.0 */
/* A graph as text for a terminal: a line for each transform, indented below its composite, and
 * below a leaf what goes in and what comes out.
 *
 *     Count  (CombinePerKey count)
 *       GroupByKey  (GroupByKey)
 *           <- KV<string, int64>  from Words/ParDo(extract_words)
 *           -> KV<string, Iterable<int64>> */
#include "graph.h"
#include "proto/urns.h"
#include <string.h>

/* Composites nested deeper than this are not indented further. */
enum { INDENT = 2, DEPTH_MAX = 30 };

static int depth_of(const beamc__graph_node *node)
{
    int depth = 0;

    while (depth < DEPTH_MAX && (node = node->parent) != NULL)
        depth++;
    return depth;
}

/* A name that has line breaks would look like several. */
static void put_name(beamc_buffer *out, const char *name)
{
    for (; *name != '\0'; name++)
        beamc_buffer_append_byte(out, (unsigned char)*name < 0x20 ? ' ' : (uint8_t)*name);
}

static void put_indent(beamc_buffer *out, int columns)
{
    beamc_buffer_printf(out, "%*s", columns, "");
}

static void put_collection(beamc_buffer *out, const beamc__graph_collection *collection)
{
    beamc_buffer_append_string(out, collection->type);
    if (collection->windowing[0] != '\0')
        beamc_buffer_printf(out, ", %s", collection->windowing);
}

static void write_head(const beamc__graph_node *node, int columns, beamc_buffer *out)
{
    put_indent(out, columns);
    put_name(out, node->name);
    /* That a composite is just one says nothing. */
    if (node->urn[0] != '\0' && strcmp(node->urn, BEAMC_URN_GENERIC_COMPOSITE) != 0) {
        beamc_buffer_append_string(out, "  (");
        put_name(out, node->kind);
        if (node->function != NULL) {
            beamc_buffer_append_byte(out, ' ');
            put_name(out, node->function);
        }
        beamc_buffer_append_byte(out, ')');
    }
    beamc_buffer_append_byte(out, '\n');
}

static void write_input(const beamc__graph_edge *edge, int columns, beamc_buffer *out)
{
    put_indent(out, columns);
    beamc_buffer_append_string(out, "<- ");
    put_collection(out, edge->collection);
    if (edge->collection->producer != NULL) {
        beamc_buffer_append_string(out, "  from ");
        put_name(out, edge->collection->producer->unique_name);
        if (edge->collection->producer->transform->n_outputs > 1) {
            beamc_buffer_append_byte(out, '.');
            put_name(out, edge->collection->producer_tag);
        }
    }
    if (edge->view != NULL) {
        beamc_buffer_append_string(out, "  as side input ");
        put_name(out, edge->tag);
        beamc_buffer_printf(out, " (%s)", edge->view);
    }
    beamc_buffer_append_byte(out, '\n');
}

static void write_outputs(const beamc__graph *graph, const beamc__graph_node *node, int columns,
                          beamc_buffer *out)
{
    for (size_t i = 0; i < node->transform->n_outputs; i++) {
        const beamc__graph_collection *collection =
            (const beamc__graph_collection *)beamc__table_gets(graph->collection_of,
                                                               node->transform->outputs[i]->value);
        if (collection == NULL)
            continue;
        put_indent(out, columns);
        beamc_buffer_append_string(out, "-> ");
        put_collection(out, collection);
        if (node->transform->n_outputs > 1) {
            beamc_buffer_append_string(out, "  as ");
            put_name(out, node->transform->outputs[i]->key);
        }
        beamc_buffer_append_byte(out, '\n');
    }
}

void beamc__graph_write_text(const beamc__graph *graph, beamc_buffer *out)
{
    size_t edge = 0; /* those of a node come together, and nodes in order */

    for (size_t i = 0; i < graph->node_count; i++) {
        const beamc__graph_node *node = graph->nodes[i];
        int columns = depth_of(node) * INDENT;
        write_head(node, columns, out);
        if (node->first_child != NULL)
            continue;
        for (; edge < graph->edge_count && graph->edges[edge].to == node; edge++)
            write_input(&graph->edges[edge], columns + 2 * INDENT, out);
        write_outputs(graph, node, columns + 2 * INDENT, out);
    }
}
