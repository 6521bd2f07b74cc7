/* SPDX-License-Identifier: Apache-2.0 */
/* What transforms have in common that a runner puts between a source and a sink to have something
 * worked out that only an SDK knows:
 *
 *     KV<nonce, X> -> KV<nonce, Y>
 *
 * By the nonce the runner tells which question an answer is for; it goes through as it came. */
#ifndef BEAMC_EXEC_NONCE_OP_H
#define BEAMC_EXEC_NONCE_OP_H

#include "harness/exec/op.h"

typedef struct {
    beamc__op op;            /* first */
    const beamc_type *asked; /* X and Y, without length prefixes around them */
    const beamc_type *answered;
    size_t asked_at; /* where they lie in their KVs */
    size_t answered_at;
    size_t nonce_size;
    char *answer; /* the KV that goes out */
} beamc__nonce_op;

/* Reads the types of @op's input and output. */
BEAMC_MUST_USE static inline beamc_error *beamc__nonce_op_init(beamc__nonce_op *op)
{
    if (op->op.input == NULL || op->op.output_count != 1)
        return beamc_error_new(BEAMC_ECORRUPT, "it has one input and one output");
    const beamc_type *in = beamc__type_bare(op->op.input->type);
    const beamc_type *out = beamc__type_bare(op->op.outputs[0]->type);
    if (in->kind != BEAMC_KIND_KV || out->kind != BEAMC_KIND_KV ||
        !beamc_type_equal(in->fields[0].type, out->fields[0].type))
        return beamc_error_new(BEAMC_ETYPE,
                               "it takes and gives KVs of the same keys, not %s and %s", in->name,
                               out->name);
    op->asked = beamc__type_bare(in->fields[1].type);
    op->answered = beamc__type_bare(out->fields[1].type);
    op->asked_at = beamc_kv_value_offset(in);
    op->answered_at = beamc_kv_value_offset(out);
    op->nonce_size = in->fields[0].type->size;
    op->answer = beamc_arena_calloc(op->op.plan->arena, 1, out->size);
    return op->answer == NULL ? beamc_error_nomem() : NULL;
}

static inline const void *beamc__nonce_op_asked(const beamc__nonce_op *op, const void *question)
{
    return (const char *)question + op->asked_at;
}

/* Where the answer is to be put before it is sent. */
static inline void *beamc__nonce_op_answered(const beamc__nonce_op *op)
{
    return op->answer + op->answered_at;
}

static inline beamc_error *beamc__nonce_op_send(const beamc__nonce_op *op,
                                                const beamc_element_info *info,
                                                const void *question)
{
    if (op->nonce_size > 0)
        memcpy(op->answer, question, op->nonce_size);
    return beamc__op_emit(&op->op, 0, info, op->answer);
}

#endif
