/* SPDX-License-Identifier: Apache-2.0 */
/* Stages: executable leaves that run together in one bundle, without anything between them.
 *
 *     impulse, collection or shuffle --> [ leaf -> leaf -> leaf ] --> collections, shuffles
 *
 * A leaf joins the stage of its input's maker if that is executable in the same environment and
 * nothing the leaf waits for waits for that stage.  Flattens are never run: what they join is written
 * to where they lead, or read from where it comes. */
#ifndef BEAMC_ENGINE_STAGE_H
#define BEAMC_ENGINE_STAGE_H

#include "runners/engine/leaves.h"
#include <beamc/buffer.h>

typedef struct beamc__stage beamc__stage;

/* How a PCollection's elements are kept between stages. */
typedef enum {
    BEAMC__KEPT_COLLECTION, /* in order, read by stages */
    BEAMC__KEPT_GROUPS,     /* for a group_by_key */
    BEAMC__KEPT_SIDE        /* looked up as a side input */
} beamc__kept_as;

typedef struct {
    beamc__kept_as as;
    beamc__collection_node *node; /* what is kept; of groups the grouping's input */
    const beamc__leaf *group;     /* BEAMC__KEPT_GROUPS: the leaf */
    bool is_multimap;             /* BEAMC__KEPT_SIDE */
    bool spread;                  /* a collection behind a reshuffle: few elements may be much work */
    size_t readers;               /* stages that read it */
    void *storage;                /* of the run */
} beamc__kept;

/* Where elements that leave a stage go: one PCollection to several places. */
typedef struct {
    beamc__collection_node *node;
    const char *port_id; /* id of the sink */
    beamc__kept **to; /* the same one may be there several times */
    size_t to_count, to_capacity;
} beamc__stage_output;

/* What a side input of a leaf in the stage looks into. */
typedef struct {
    const char *transform_id;
    const char *tag;
    beamc__kept *from;
} beamc__stage_side;

struct beamc__stage {
    size_t index; /* stages before it in the list may be waited for */
    const char *environment_id;
    beamc__collection_node *input;
    const char *port_id;    /* id of the source */
    bool from_impulse;
    beamc__kept **from;     /* what holds the input's elements, in order; the same one may be there
                               several times */
    size_t from_count, from_capacity;
    beamc__leaf **leaves;
    size_t leaf_count;
    beamc__stage_output *outputs;
    size_t output_count, output_capacity;
    beamc__stage_side *sides;
    size_t side_count;
    beamc__stage **waits_for;
    size_t wait_count;
    const char *name; /* "ReadText+extract_words" */
    FN(ProcessBundleDescriptor) *descriptor;
    bool mark; /* while searching */
};

typedef struct {
    beamc__stage **stages; /* those that others wait for first */
    size_t stage_count;
    beamc__kept **kept;
    size_t kept_count, kept_capacity;
} beamc__stages;

/* All of it in the graph's arena. */
BEAMC_MUST_USE beamc_error *beamc__stages_make(beamc__stages *out, beamc__leaves *graph);

#endif
