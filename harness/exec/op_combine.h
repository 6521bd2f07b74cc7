/* SPDX-License-Identifier: Apache-2.0 */
/* What the operators of combines have in common, and the one of them that has files of its own: the
 * precombine, which keeps its keys in a table and sends them when the bundle ends or the table is
 * too large. */
#ifndef BEAMC_EXEC_OP_COMBINE_H
#define BEAMC_EXEC_OP_COMBINE_H

#include "harness/exec/combine_table.h"
#include "harness/exec/op.h"
#include "sdk/base/table.h"

typedef struct {
    beamc__op op;
    const beamc_combine_fn *fn;
    beamc_combine_context ctx;
    bool adds_accumulators; /* FROM_ACCUMULATOR */
    bool gives_accumulator; /* TO_ACCUMULATOR */
    const beamc_type *in;   /* the KV that comes, bare */
    const beamc_type *out;  /* the KV that goes, bare */
    size_t in_offset, out_offset; /* of their values */
    size_t key_size;
    void *result;      /* one element of out */
    void *accumulator; /* one */
    void *other;       /* one value that comes */
} beamc__combine;

/* Adds one input, or merges one that is an accumulator already.  @scratch has room for it. */
static inline beamc_error *beamc__combine_add(beamc__combine *op, void *accumulator,
                                              const void *input, void *scratch)
{
    if (BEAMC_LIKELY(!op->adds_accumulators))
        return op->fn->add(&op->ctx, accumulator, input);
    memcpy(scratch, input, op->ctx.accumulator->size); /* merge may change it */
    return op->fn->merge(&op->ctx, accumulator, scratch);
}

/* ---- precombine ------------------------------------------------------------------------------- */

enum {
    BEAMC__PRECOMBINE_BATCH = 64, /* look-ups that are put off */
    BEAMC__PRECOMBINE_INPUT = 16  /* bytes of an input that may be put off */
};

/* A window that has keys in the table; its number is its place in the list. */
typedef struct {
    const uint8_t *bytes;
    uint32_t size;
    beamc_timestamp max_timestamp;
} beamc__precombine_window;

typedef enum {
    BEAMC__KEY_IS_TEXT,
    BEAMC__KEY_IS_INT64,
    BEAMC__KEY_IS_ENCODED
} beamc__precombine_key;

typedef struct {
    beamc__combine base;
    beamc_receiver keys;  /* takes keys alone; their input is `paired` */
    const void *paired;
    beamc__combine_table table;
    beamc__precombine_key form;
    bool is_small;      /* accumulators lie in the slots */
    bool can_wait;      /* inputs can be copied as they are and put off */
    bool is_text;       /* short keys go the way of precombine_text.c, and wait without their hash */
    size_t input_size;
    beamc__slot *next;  /* the first free place of `waiting` */
    beamc__slot waiting[BEAMC__PRECOMBINE_BATCH]; /* with inputs of up to 8 bytes as accumulators */
    _Alignas(16) uint8_t inputs[BEAMC__PRECOMBINE_BATCH][BEAMC__PRECOMBINE_INPUT]; /* larger ones */
    beamc__table *window_ids;          /* encoded window -> 1 + number */
    beamc__precombine_window *windows; /* in the table's arena */
    size_t window_count, window_capacity;
    uint32_t last_window;
    beamc_buffer key; /* scratch: an encoded key */
} beamc__precombine;

extern const beamc__op_ops beamc__precombine_ops;

/* What elements do that come with their input; and without, to `keys`. */
beamc_error *beamc__precombine_process(beamc_receiver *self, const beamc_element_info *info,
                                       const void *element);
beamc_error *beamc__precombine_process_key(beamc_receiver *self, const beamc_element_info *info,
                                           const void *key);

/* Completes an op whose base is. */
beamc_error *beamc__precombine_init(beamc__precombine *op);

/* Looks up all that wait; sends the table's content if it has become too large. */
beamc_error *beamc__precombine_drain(beamc__precombine *op);

/* Adds @input to a slot that was looked up (NULL: no memory). */
beamc_error *beamc__precombine_add(beamc__precombine *op, beamc__slot *slot, bool is_new,
                                   const void *input, beamc_timestamp timestamp);

/* ---- its way for text ------------------------------------------------------------------------- */

/* Whether precombine_text.c can take what this one gets, and then: has it do so. */
bool beamc__precombine_can_be_text(const beamc__precombine *op);
void beamc__precombine_make_text(beamc__precombine *op);

#endif
