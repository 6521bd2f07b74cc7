/* SPDX-License-Identifier: Apache-2.0 */
/* The graph of a pipeline as people look at it, read from a serialized Beam proto Pipeline:
 *
 *     composite  ── first_child ──> node ── next ──> node ...        a tree of transforms
 *     leaf       <─ edge (a PCollection, maybe as side input) ─ leaf  drawn between leaves only
 *
 * Any SDK's pipeline will do.  Everything is const once read; owner thread only. */
#ifndef BEAMC_MAIN_GRAPH_H
#define BEAMC_MAIN_GRAPH_H

#include "proto/beam.h"
#include "sdk/base/table.h"
#include <beamc/arena.h>
#include <beamc/buffer.h>

typedef struct beamc__graph_node beamc__graph_node;

struct beamc__graph_node {
    size_t index; /* in graph->nodes */
    const char *id;
    const char *unique_name;
    const char *name; /* the unique name without its parent's */
    const char *urn;  /* "" if it has none */
    const char *kind; /* "ParDo", ...; the URN if it is none of the model's */
    const char *function; /* the DoFn or CombineFn if it is one of ours, else NULL */
    const PB(PTransform) *transform;
    const PB(ParDoPayload) *par_do; /* NULL if it is none */
    const PB(LabelledPayload) **display;
    size_t display_count;
    beamc__graph_node *parent; /* NULL: a root */
    beamc__graph_node *first_child, *last_child;
    beamc__graph_node *next; /* sibling, in the pipeline's order */
};

typedef struct {
    const char *id;
    const char *type;      /* "KV<string, int64>" */
    const char *windowing; /* "fixed windows of 5000 ms"; "" for the global window */
    const PB(PCollection) *pcollection;
    beamc__graph_node *producer; /* the leaf; NULL if nothing produces it */
    const char *producer_tag;
} beamc__graph_collection;

typedef struct {
    const beamc__graph_collection *collection;
    const beamc__graph_node *to;
    const char *tag;  /* of the input */
    const char *view; /* of a side input: "iterable", "multimap"; NULL for a main input */
} beamc__graph_edge;

typedef struct {
    beamc_arena *arena;
    ProtobufCAllocator allocator;
    const PB(Pipeline) *pipeline;
    const char *name;
    beamc__graph_node **nodes; /* parents before children */
    size_t node_count;
    beamc__graph_node *first_root, *last_root;
    beamc__graph_collection *collections;
    size_t collection_count;
    beamc__graph_edge *edges;
    size_t edge_count;
    beamc__table *seen; /* ids of the transforms that are in the tree */
    /* by id */
    beamc__table *collection_of;
    beamc__table *coder_of;
    beamc__table *strategy_of;
    beamc__table *environment_of;
} beamc__graph;

/* Reads @size bytes of a Pipeline (copied).  An error names what does not fit together. */
BEAMC_MUST_USE beamc_error *beamc__graph_read(beamc__graph **out, const void *bytes, size_t size,
                                              const char *name);
void beamc__graph_free(beamc__graph *graph);

/* The type that a coder carries, as text in the graph's arena; NULL without memory. */
const char *beamc__graph_coder_type(beamc__graph *graph, const char *coder_id);

/* The value of display data as text. */
void beamc__graph_print_display(const PB(LabelledPayload) *display, beamc_buffer *out);

/* The resource hints of a node's environment; *count is 0 if it has none. */
PB(Environment__ResourceHintsEntry) **beamc__graph_hints(const beamc__graph *graph,
                                                         const beamc__graph_node *node,
                                                         size_t *count);

void beamc__graph_write_dot(const beamc__graph *graph, beamc_buffer *out);
void beamc__graph_write_json(const beamc__graph *graph, beamc_buffer *out);

void beamc__graph_write_text(const beamc__graph *graph, beamc_buffer *out);

/* Draws into a file by the end of its name: .dot, .json, .txt; .svg through graphviz's dot; .pb is
 * the Pipeline itself.  The file appears whole or not at all. */
BEAMC_MUST_USE beamc_error *beamc__graph_draw(const beamc__graph *graph, const char *path);

/* NULL if beamc__graph_draw knows the end of @path; else an error that says which it knows. */
BEAMC_MUST_USE beamc_error *beamc__graph_check_path(const char *path);

#endif
