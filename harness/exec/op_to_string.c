/* SPDX-License-Identifier: Apache-2.0 */
/* beam:transform:to_string:v1: KV<nonce, element> to KV<nonce, string>, the element as text for
 * people.  Runners use it to show elements whose coder they do not know. */
#include "harness/exec/nonce_op.h"

typedef struct {
    beamc__nonce_op head;
    beamc_buffer text;
} to_string;

static beamc_error *process(beamc_receiver *self, const beamc_element_info *info, const void *value)
{
    to_string *op = (to_string *)self;

    beamc__count_up(&op->head.op.count);
    BEAMC_TRY(beamc__op_look_up(&op->head.op));
    beamc_buffer_clear(&op->text);
    beamc_print(op->head.asked, beamc__nonce_op_asked(&op->head, value), &op->text);
    if (beamc_buffer_failed(&op->text))
        return beamc__op_failed(&op->head.op, beamc_error_nomem());
    *(beamc_string *)beamc__nonce_op_answered(&op->head) =
        (beamc_string){ (const char *)op->text.data, op->text.size };
    return beamc__nonce_op_send(&op->head, info, value);
}

static void to_string_free(beamc__op *head)
{
    to_string *op = (to_string *)head;
    beamc_buffer_dispose(&op->text);
}

beamc_error *beamc__op_to_string(beamc__op **out, const beamc__op_spec *spec)
{
    static const beamc__op_ops ops = { .free = to_string_free };
    to_string *op = beamc__op_alloc(spec, sizeof(*op), &ops, process);

    if (op == NULL)
        return beamc_error_nomem();
    *out = &op->head.op;
    beamc_buffer_init(&op->text);
    BEAMC_TRY(beamc__nonce_op_init(&op->head));
    if (op->head.answered->kind != BEAMC_KIND_STRING)
        return beamc_error_new(BEAMC_ETYPE, "it gives string, but its output has %s",
                               op->head.answered->name);
    return NULL;
}
