/* SPDX-License-Identifier: Apache-2.0 */
/* Operators: the nodes of a plan.  Each receives elements by a plain function call and passes on
 * what it makes by another, so that a chain of them runs like one nested loop. */
#ifndef BEAMC_EXEC_OP_H
#define BEAMC_EXEC_OP_H

#include "harness/exec/plan.h"
#include "sdk/base/arena_proto.h"
#include "sdk/base/arena_used.h"
#include "sdk/coders/windowed.h"
#include "sdk/windowing/window_fn.h"
#include <beamc/combine.h>

typedef struct beamc__op beamc__op;

/* A PCollection of the descriptor, understood. */
typedef struct {
    const char *id;
    const beamc_type *type;
    const beamc_type *window_type;
    beamc__window_fn window_fn;
    beamc_output_time output_time;
    beamc__op **consumers; /* in order of id */
    size_t consumer_count;
    beamc_receiver *receiver; /* where its elements go; a gauge may come and go in a bundle */
    uint64_t *count;          /* of its elements in this bundle: a consumer's */
    beamc__op *producer; /* NULL: none, as of a side input */
    size_t consumer_capacity;
} beamc__node;

typedef struct {
    beamc_error *(*start)(beamc__op *op);  /* may be NULL */
    beamc_error *(*finish)(beamc__op *op); /* may be NULL */
    /* Any thread, also while the bundle runs; may be NULL. */
    beamc_error *(*report)(const beamc__op *op, beamc__metrics *into);
    void (*free)(beamc__op *op); /* ends what the op holds beside arena memory; may be NULL */
} beamc__op_ops;

/* Of a bundle; BEAMC__PHASES itself: of none, when DoFns are set up or torn down. */
enum { BEAMC__PHASE_START, BEAMC__PHASE_PROCESS, BEAMC__PHASE_FINISH, BEAMC__PHASES };

struct beamc__op {
    beamc_receiver receiver; /* first: elements of its main input come here */
    uint64_t count;          /* atomic: of elements received in this bundle; the plan's thread writes */
    const beamc__op_ops *ops;
    beamc__plan *plan;
    const char *id;   /* in the descriptor */
    const char *name; /* unique name, for people */
    const beamc__node *input; /* NULL: a source */
    beamc__node **outputs;
    size_t output_count;
    int64_t msecs[BEAMC__PHASES]; /* atomic: sampled */
    size_t memory; /* atomic: bytes held from one element to the next, now and then told */
    size_t pending; /* while the plan is sorted: producers not yet placed */
};

typedef struct beamc__gauges beamc__gauges;

struct beamc__plan {
    const FN(ProcessBundleDescriptor) *descriptor;
    beamc__plan_options options;
    beamc_arena *arena; /* of everything in the plan */
    beamc__node *nodes;
    size_t node_count;
    beamc__op **ops; /* producers before consumers */
    size_t op_count;
    beamc__gauges *gauges; /* NULL: none are wanted */
    const beamc__bundle *bundle; /* in work */
    beamc__op *current;          /* at work now; atomic */
    int phase;                   /* atomic */
    beamc__op *failed;           /* where the bundle's first error arose */
    bool error_sampled;          /* the element of that error was */
    const beamc_error *told;     /* the error that was named last; may be gone, only compared */
    beamc_error *sticky;         /* of calls that cannot answer an error; owned */
    beamc__state_fetch token_fetch; /* state-backed iterables */
    beamc__state_fetch key_fetch;   /* the token is a beamc__state_key */
    beamc__decode_context decode;   /* for values that live as long as the plan */
    const beamc_type **customs;     /* the program's types with coders of its own */
    size_t custom_count, custom_capacity;
};

/* One more element; the plan's thread. */
static inline void beamc__count_up(uint64_t *count)
{
    __atomic_store_n(count, *count + 1, __ATOMIC_RELAXED);
}

/* Makes the operator at work known to whoever samples; answers the one before. */
static inline beamc__op *beamc__plan_enter(beamc__plan *plan, beamc__op *op)
{
    beamc__op *outer = __atomic_load_n(&plan->current, __ATOMIC_RELAXED);
    __atomic_store_n(&plan->current, op, __ATOMIC_RELAXED);
    return outer;
}

static inline void beamc__plan_leave(beamc__plan *plan, beamc__op *outer)
{
    __atomic_store_n(&plan->current, outer, __ATOMIC_RELAXED);
}

/* Puts the transform's name and the element's number before an error that arose in @op; one from
 * further down has them already and stays. */
beamc_error *beamc__op_failed(beamc__op *op, beamc_error *take_error);
/* The same for one that came without an element: @when is "setup" and the like. */
beamc_error *beamc__op_failed_when(beamc__op *op, const char *when, beamc_error *take_error);
/* Whether @error, or what caused it, was named already. */
bool beamc__plan_has_told(const beamc__plan *plan, const beamc_error *error);

static inline beamc_error *beamc__op_pass(beamc__op *op, beamc_error *error)
{
    return BEAMC_LIKELY(error == NULL) ? NULL : beamc__op_failed(op, error);
}

/* Whether the bundle in work was cancelled: then its error. */
static inline beamc_error *beamc__plan_look_up(const beamc__plan *plan)
{
    const volatile int *cancel = plan->bundle == NULL ? NULL : plan->bundle->cancel;

    if (BEAMC_LIKELY(cancel == NULL || __atomic_load_n(cancel, __ATOMIC_RELAXED) == 0))
        return NULL;
    return beamc_error_new(BEAMC_ECANCELLED, "cancelled");
}

/* For an op that has counted an element: now and then it looks up.  One element of the source may
 * become any number further down, so the source's own look is not enough. */
static inline beamc_error *beamc__op_look_up(const beamc__op *op)
{
    return BEAMC_UNLIKELY(op->count % 1024 == 0) ? beamc__plan_look_up(op->plan) : NULL;
}

/* The type below length prefixes: the same layout. */
static inline const beamc_type *beamc__type_bare(const beamc_type *type)
{
    while (type->kind == BEAMC_KIND_LENGTH_PREFIX)
        type = type->fields[0].type;
    return type;
}

/* Sends to all consumers of the op's output number @index. */
static inline beamc_error *beamc__op_emit(const beamc__op *op, size_t index,
                                          const beamc_element_info *info, const void *value)
{
    beamc_receiver *receiver = op->outputs[index]->receiver;
    return receiver->process(receiver, info, value);
}

/* ---- making them: one function for each kind of transform ------------------------------------ */

/* What the plan's builder knows when it makes an op. */
typedef struct {
    beamc__plan *plan;
    const PB(PTransform) *transform;
    beamc__op head; /* filled in: to be copied to the start of the new op */
    beamc__node *(*find_node)(beamc__plan *plan, const char *id); /* NULL if there is none */
    beamc_error *(*type_of)(beamc__plan *plan, const char *coder_id, const beamc_type **out);
} beamc__op_spec;

/* Allocates an op of @size bytes from the plan's arena, its head copied in; NULL: no memory. */
void *beamc__op_alloc(const beamc__op_spec *spec, size_t size, const beamc__op_ops *ops,
                      beamc_error *(*process)(beamc_receiver *, const beamc_element_info *,
                                              const void *));

beamc_error *beamc__op_source(beamc__op **out, const beamc__op_spec *spec);
beamc_error *beamc__op_sink(beamc__op **out, const beamc__op_spec *spec);
beamc_error *beamc__op_par_do(beamc__op **out, const beamc__op_spec *spec);
/* Calls setup of an op that is a ParDo, once all receivers are known; others pass. */
beamc_error *beamc__par_do_set_up(beamc__op *op);
/* The receiver of @node is another; an @op that is a ParDo, and keeps it, sends there. */
void beamc__par_do_redirect(beamc__op *op, const beamc__node *node);
/* The value that it does nothing but pair its elements with; NULL: it does more, or is no ParDo. */
const int64_t *beamc__par_do_pairs_with(const beamc__op *op);
beamc_error *beamc__op_window_into(beamc__op **out, const beamc__op_spec *spec);
beamc_error *beamc__op_flatten(beamc__op **out, const beamc__op_spec *spec);
beamc_error *beamc__op_map_windows(beamc__op **out, const beamc__op_spec *spec);
beamc_error *beamc__op_merge_windows(beamc__op **out, const beamc__op_spec *spec);
beamc_error *beamc__op_to_string(beamc__op **out, const beamc__op_spec *spec);

typedef enum {
    BEAMC__COMBINE_PRECOMBINE,
    BEAMC__COMBINE_MERGE,
    BEAMC__COMBINE_EXTRACT,
    BEAMC__COMBINE_CONVERT,
    BEAMC__COMBINE_GROUPED
} beamc__combine_part;

beamc_error *beamc__op_combine(beamc__op **out, const beamc__op_spec *spec,
                               beamc__combine_part part);
/* For a ParDo whose function combines grouped values. */
beamc_error *beamc__op_combine_function(beamc__op **out, const beamc__op_spec *spec,
                                        const CS(Function) *function, beamc__combine_part part);

/* A precombine takes keys alone, each with the input @paired (borrowed): here is where to.  NULL: @op
 * is none, or takes no int64.  What it received still counts as its elements. */
beamc_receiver *beamc__precombine_keys(beamc__op *op, const int64_t *paired);

/* The thawed configuration of a function, in the plan's arena; *out NULL if it has none. */
beamc_error *beamc__config_thaw(void **out, beamc__plan *plan, const CS(Function) *function,
                                const beamc_type *type,
                                beamc_error *(*thaw)(void **, const uint8_t *, size_t,
                                                     beamc_arena *));

/* Reads our own payload into the plan's arena. */
beamc_error *beamc__function_unpack(const CS(Function) **out, beamc__plan *plan,
                                    const PB(FunctionSpec) *spec, const char *urn);

/* Drives a source to its end. */
beamc_error *beamc__source_run(beamc__op *op);
bool beamc__op_is_source(const beamc__op *op);
/* Of a source: how far it has come. */
typedef struct beamc__data_channel beamc__data_channel;
beamc__data_channel *beamc__source_channel(beamc__op *op);

/* ---- what elements are like --------------------------------------------------------------------
 *
 * A plan whose options do not ask for these has none. */

/* Puts a tap before the receiver of @node, if the plan has its elements sampled. */
beamc_error *beamc__tap_insert(beamc__plan *plan, beamc__node *node);

/* Makes gauges of the sizes of elements for a plan that is connected.  Each function takes NULL. */
beamc_error *beamc__gauges_insert(beamc__plan *plan);
void beamc__gauges_free(beamc__gauges *gauges);
void beamc__gauges_start(beamc__gauges *gauges); /* of a bundle */
/* From now on each measures one more element. */
void beamc__gauges_place(beamc__gauges *gauges);
beamc_error *beamc__gauges_report(const beamc__gauges *gauges, beamc__metrics *into);

/* ---- side inputs ------------------------------------------------------------------------------ */

typedef struct beamc__sides beamc__sides;

/* The sides that @dofn declares, as @function says where they come from. */
beamc_error *beamc__sides_new(beamc__sides **out, const beamc__op_spec *spec,
                              const beamc_dofn *dofn, const CS(Function) *function);
void beamc__sides_free(beamc__sides *sides);
/* Of a side's elements; NULL: there is no such side. */
const beamc_type *beamc__sides_type(const beamc__sides *sides, size_t side);
/* A new bundle: forget what was fetched. */
void beamc__sides_start(beamc__sides *sides);
beamc_error *beamc__sides_iterable(beamc__sides *sides, const beamc_element_info *info, size_t side,
                                   beamc_arena *arena, beamc_iterable *out);
beamc_error *beamc__sides_singleton(beamc__sides *sides, const beamc_element_info *info,
                                    size_t side, void *out);
beamc_error *beamc__sides_lookup(beamc__sides *sides, const beamc_element_info *info, size_t side,
                                 const void *key, beamc_arena *arena, beamc_iterable *out);

#endif
