/* SPDX-License-Identifier: Apache-2.0 */
/* The graph behind a beamc_pipeline: a tree of transforms, and the collections between its leaves.
 *
 *     pipeline ── root ─┬─ Create (composite) ─┬─ Impulse
 *                       │                      └─ Create (ParDo) ──> collection 2
 *                       └─ extract_words (ParDo): input collection 2
 *
 * Everything lies in the pipeline's arena and ends with it.  Owner thread only. */
#ifndef BEAMC_PIPELINE_GRAPH_H
#define BEAMC_PIPELINE_GRAPH_H

#include "proto/beam.h"
#include "sdk/base/table.h"
#include <beamc/pipeline.h>

typedef enum {
    BEAMC__TRANSFORM_COMPOSITE,
    BEAMC__TRANSFORM_IMPULSE,
    BEAMC__TRANSFORM_PAR_DO,
    BEAMC__TRANSFORM_GROUP_BY_KEY,
    BEAMC__TRANSFORM_FLATTEN,
    BEAMC__TRANSFORM_WINDOW_INTO
} beamc__transform_kind;

typedef struct beamc__transform beamc__transform;
typedef struct beamc__collection beamc__collection;
typedef struct beamc__display_item beamc__display_item;

/* Where a collection enters or leaves a leaf. */
typedef struct {
    const char *tag;
    beamc__collection *collection;
} beamc__port;

/* What a ParDo knows of a side input, beside its port; both in the order of the DoFn's table. */
typedef struct {
    const char *tag;
    beamc_view view;
    bool has_default;
    beamc_bytes default_value; /* encoded, nested */
} beamc__side;

/* A call of a function of the program. */
typedef struct {
    const beamc_function *function; /* NULL: none */
    CS(Function__Kind) kind;
    CS(Function__Part) part;
    bool has_config;
    beamc_bytes config; /* frozen */
} beamc__call;

/* 0 and NULL: none. */
typedef struct {
    uint64_t min_ram_bytes;
    uint32_t cpu_count;
    const char *accelerator;
} beamc__hints;

typedef struct {
    beamc__display_item *first;
    beamc__display_item **end;
} beamc__display_list;

struct beamc__transform {
    beamc__transform_kind kind;
    uint32_t id; /* from 1, in the order they were made */
    const char *name;
    const char *unique_name; /* "Outer/Inner/name" */
    beamc_location at;
    beamc__transform *parent; /* NULL: the root itself */
    beamc__transform *first_child;
    beamc__transform *last_child;
    beamc__transform *next; /* sibling */
    beamc__hints hints;     /* its own; those of its parents count too */
    beamc__display_list display;

    beamc__port *inputs; /* of leaves: the main input first, then the side inputs */
    size_t input_count;
    beamc__port *outputs; /* of leaves; of composites: what leave named beside what is read */
    size_t output_count;

    beamc__call call; /* ParDo, combine composite */
    beamc__side *sides;
    size_t side_count;
    const beamc_type *accumulator; /* combine composite */

    const char *urn; /* composite; NULL: none */
    beamc_bytes payload;
};

struct beamc__collection {
    uint32_t id; /* from 1 */
    const beamc_type *type;
    beamc_windowing windowing;
    beamc__transform *producer;
    size_t output; /* which of the producer's */
};

struct beamc__display_item {
    beamc__display_item *next;
    const char *key;
    const char *label;
    PB(LabelledPayload__ValueCase) kind;
    const char *string_value;
    int64_t int_value;
    double double_value;
    bool bool_value;
};

struct beamc_display {
    beamc_arena *arena;
    beamc__display_list *list;
};

/* Where the pipeline's functions run. */
typedef struct {
    const char *urn;
    beamc_bytes payload;
    const beamc_bytes *dependencies; /* serialized ArtifactInformations */
    size_t dependency_count;
} beamc__environment;

/* What beamc_pipeline_on_end was given. */
typedef struct beamc__end_call beamc__end_call;

struct beamc_pipeline {
    beamc_arena *arena;
    beamc_error *error; /* the first */
    const beamc_function *const *functions;
    size_t function_count;
    beamc__transform *root;
    beamc__transform *current; /* the innermost open composite */
    beamc__table *names;       /* of all unique names */
    beamc__collection **collections; /* by id - 1; owned */
    size_t collection_count;
    size_t collection_room;
    uint32_t transform_count;
    const char *next_name; /* given by beamc_named */
    beamc__environment environment;
    beamc__end_call *end_calls; /* the last given first */
};

/* ---- building -------------------------------------------------------------------------------- */

static inline beamc_pcollection beamc__no_collection(beamc_pipeline *pipeline)
{
    beamc_pcollection none = { pipeline, 0 };
    return none;
}

static inline beamc_pcollection beamc__handle(beamc_pipeline *pipeline,
                                              const beamc__collection *collection)
{
    beamc_pcollection handle = { pipeline, collection == NULL ? 0 : collection->id };
    return handle;
}

/* Whether there is a pipeline to add to, without an error so far. */
bool beamc__pipeline_is_good(const beamc_pipeline *pipeline);

/* Makes an error the pipeline's; answers no collection, for return. */
beamc_pcollection beamc__fail(beamc_pipeline *pipeline, beamc_location at, beamc_code code,
                              const char *format, ...) BEAMC_PRINTF(4, 5);
beamc_pcollection beamc__fail_with(beamc_pipeline *pipeline, beamc_location at,
                                   beamc_error *take_error);

/* The collection behind a handle; NULL, and an error, if it is none of this pipeline.  @who takes
 * it, for the message. */
beamc__collection *beamc__collection_of(beamc_pipeline *pipeline, beamc_location at,
                                        beamc_pcollection handle, const char *who);

/* A copy that is UTF-8, as Beam's messages demand of their strings: other bytes become '?'.  NULL
 * without memory. */
const char *beamc__text_copy(beamc_arena *arena, const char *text, size_t size);

/* The name that people know @collection's producer by, from where the graph is built now. */
const char *beamc__producer_name(const beamc_pipeline *pipeline,
                                 const beamc__collection *collection);

/* The name that the next transform will have: beamc_named's or @name. */
const char *beamc__next_name(const beamc_pipeline *pipeline, const char *name);

/* A new transform in the open composite; NULL, and an error, without memory.  Names are copied. */
beamc__transform *beamc__transform_add(beamc_pipeline *pipeline, beamc_location at,
                                       beamc__transform_kind kind, const char *name);

/* Room for ports; false, and an error, without memory. */
bool beamc__transform_ports(beamc_pipeline *pipeline, beamc__transform *transform, size_t inputs,
                            size_t outputs);

/* A new collection as output number @output. */
beamc__collection *beamc__output_add(beamc_pipeline *pipeline, beamc__transform *transform,
                                     size_t output, const char *tag, const beamc_type *type,
                                     const beamc_windowing *windowing);

/* Opens a composite of the library; NULL, and an error, without memory. */
beamc__transform *beamc__composite_enter(beamc_pipeline *pipeline, beamc_location at,
                                         const char *name, const char *urn);
/* Closes it with one output; answers that. */
beamc_pcollection beamc__composite_leave(beamc_pipeline *pipeline, beamc__transform *composite,
                                         beamc_pcollection out);

/* A ParDo that is told its types: for the library's own DoFns, whose tables leave them open. */
typedef struct {
    const char *name; /* NULL: the DoFn's */
    const beamc_dofn *dofn;
    const beamc_par_do_options *options; /* may be NULL */
    const beamc_type *output;            /* NULL: by the table and infer */
    const beamc_windowing *windowing;    /* of the outputs; NULL: the input's */
} beamc__par_do_spec;

beamc_pcollection beamc__par_do_add(beamc_location at, beamc_pcollection in,
                                    const beamc__par_do_spec *spec);

/* Freezes @config by @type or @freeze into the pipeline's arena.  @who, a @kind ("DoFn"), is for
 * messages. */
beamc_error *beamc__config_freeze(beamc_pipeline *pipeline, beamc__call *out, const char *who,
                                  const void *config, const beamc_type *type,
                                  beamc_error *(*freeze)(const void *config, beamc_buffer *out));

/* An error unless the program or the library knows @function; also if it is NULL. */
beamc_error *beamc__function_require(const beamc_pipeline *pipeline,
                                     const beamc_function *function, beamc_function_kind kind);

/* KV or an error: what @who takes. */
bool beamc__require_kv(beamc_pipeline *pipeline, beamc_location at, const char *who,
                       const beamc__collection *in);
/* Also that its keys may be grouped. */
bool beamc__require_keyed(beamc_pipeline *pipeline, beamc_location at, const char *who,
                          const beamc__collection *in);

/* NULL answers become the pipeline's out-of-memory error. */
const beamc_type *beamc__type_made(beamc_pipeline *pipeline, const beamc_type *type);

/* Adds "fn: name" and what @show tells. */
void beamc__display_call(beamc_pipeline *pipeline, beamc__transform *transform, const char *function,
                         void (*show)(const void *config, beamc_display *display),
                         const void *config);

/* GroupByKey without a look at the types, for composites. */
beamc_pcollection beamc__group_by_key_add(beamc_location at, beamc_pcollection in);

/* ---- for runners ----------------------------------------------------------------------------- */

/* Where the functions run: Environment's URN, payload and dependencies (all copied).  Without this
 * call: the SDK's container image. */
BEAMC_MUST_USE beamc_error *beamc__pipeline_set_environment(beamc_pipeline *pipeline,
                                                            const beamc__environment *environment);

/* The message of the whole, in @arena; an error if the pipeline has one. */
BEAMC_MUST_USE beamc_error *beamc__pipeline_to_proto(PB(Pipeline) **out, beamc_pipeline *pipeline,
                                                     beamc_arena *arena);

/* A runner's, after its last thread and process has ended: calls what beamc_pipeline_on_end was
 * given. */
void beamc__pipeline_ended(beamc_pipeline *pipeline, bool succeeded);

/* The pipeline's error, copied, also that of composites left open; NULL if all is well. */
BEAMC_MUST_USE beamc_error *beamc__pipeline_check(const beamc_pipeline *pipeline);

#endif
