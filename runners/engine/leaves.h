/* SPDX-License-Identifier: Apache-2.0 */
/* A Runner API Pipeline as the engine sees it: leaves and the PCollections between them.
 *
 * Composites are opened until leaves are reached; two kinds are run as a whole: reshuffle, and
 * combine_per_key, which is lifted into four leaves of its own:
 *
 *     precombine -> group -> merge -> extract */
#ifndef BEAMC_ENGINE_LEAVES_H
#define BEAMC_ENGINE_LEAVES_H

#include "proto/beam.h"
#include "sdk/windowing/window_proto.h"
#include <beamc/arena.h>

typedef struct beamc__leaf beamc__leaf;
typedef struct beamc__collection_node beamc__collection_node;

typedef enum {
    BEAMC__LEAF_IMPULSE,
    BEAMC__LEAF_GROUP,     /* group_by_key */
    BEAMC__LEAF_FLATTEN,
    BEAMC__LEAF_RESHUFFLE,
    BEAMC__LEAF_EXECUTABLE /* run by a harness */
} beamc__leaf_kind;

/* A side input of an executable leaf. */
typedef struct {
    const char *tag;
    beamc__collection_node *from;
    bool is_multimap;
} beamc__leaf_side;

struct beamc__leaf {
    beamc__leaf_kind kind;
    const char *id;
    PB(PTransform) *transform;
    beamc__collection_node **inputs; /* main inputs; several of a flatten only */
    size_t input_count;
    beamc__collection_node **outputs;
    size_t output_count;
    beamc__leaf_side *sides;
    size_t side_count;
    size_t pending; /* while sorting: inputs whose makers are not placed yet */
    void *stage;    /* of fusion */
};

struct beamc__collection_node {
    const char *id;
    PB(PCollection) *pcollection;
    beamc__strategy strategy;
    beamc__leaf *producer;
    beamc__leaf **consumers; /* as main input */
    size_t consumer_count, consumer_capacity;
    bool is_side; /* of some leaf */
    beamc__collection_node *copy; /* of what the engine makes; NULL if nobody wants one */
    size_t depth; /* flattens, reshuffles and groupings in a row before it */
    size_t seen;  /* the search of fusion that came by last */
};

typedef struct {
    beamc_arena *arena; /* of everything in the graph; owned by its maker */
    const PB(Pipeline) *pipeline;
    beamc__leaf **leaves; /* makers before consumers */
    size_t leaf_count, leaf_capacity;
    beamc__collection_node **nodes;
    size_t node_count, node_capacity;
    /* The pipeline's and those that lifting made. */
    PB(Components__CodersEntry) **coders;
    size_t coder_count, coder_capacity;
    size_t visited; /* transforms, while they are read */
} beamc__leaves;

/* Reads and checks @pipeline (borrowed as long as the graph): ids that do not exist, loops, PCollections
 * of two makers or none, leaves and requirements that the engine does not run. */
BEAMC_MUST_USE beamc_error *beamc__leaves_read(beamc__leaves *out, const PB(Pipeline) *pipeline,
                                              beamc_arena *arena);

/* The coder's entry; NULL if there is none. */
const PB(Coder) *beamc__leaves_coder(const beamc__leaves *graph, const char *id);

/* Adds a coder of that URN and components; answers its id, the same for the same; NULL: no memory. */
const char *beamc__leaves_add_coder(beamc__leaves *graph, const char *urn, const char *first,
                                   const char *second);

#endif
