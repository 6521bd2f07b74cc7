/* SPDX-License-Identifier: Apache-2.0 */
/* beam:transform:window_into:v1: gives elements the windows of their timestamps. */
#include "harness/exec/op.h"

#include "proto/unpack.h"
#include "sdk/windowing/window_proto.h"

typedef struct {
    beamc__op op;
    beamc__window_fn fn;
    beamc__window_assigner assigner;
} window_into;

static beamc_error *window_process(beamc_receiver *self, const beamc_element_info *info,
                                   const void *value)
{
    window_into *op = (window_into *)self;
    beamc__window_assigner *assigner = &op->assigner;

    beamc__count_up(&op->op.count);
    beamc__window_assign(assigner, info->timestamp);
    if (assigner->window_count == 0)
        return NULL; /* between two windows: in none of them */
    beamc_element_info windowed = *info;
    windowed.windows = assigner->windows;
    windowed.windows_size = assigner->windows_size;
    windowed.window_count = assigner->window_count;
    return beamc__op_emit(&op->op, 0, &windowed, value);
}

static void window_free(beamc__op *head)
{
    window_into *op = (window_into *)head;
    beamc__window_assigner_dispose(&op->assigner);
}

beamc_error *beamc__op_window_into(beamc__op **out, const beamc__op_spec *spec)
{
    static const beamc__op_ops ops = { .free = window_free };
    ProtobufCAllocator allocator = beamc__arena_allocator(spec->plan->arena);
    const ProtobufCBinaryData *payload = &spec->transform->spec->payload;
    const PB(WindowIntoPayload) *window =
        BEAMC__UNPACK(PB(WindowIntoPayload), pb(window_into_payload__descriptor), &allocator,
                      payload->len, payload->data);

    if (spec->head.output_count != 1 || spec->head.input == NULL)
        return beamc_error_new(BEAMC_ECORRUPT, "it has one input and one output");
    if (window == NULL)
        return beamc_arena_failed(spec->plan->arena)
                   ? beamc_error_nomem()
                   : beamc_error_new(BEAMC_ECORRUPT, "its WindowIntoPayload is malformed");
    if (window->window_fn == NULL)
        return beamc_error_new(BEAMC_ECORRUPT, "it has no window function");
    window_into *op = beamc__op_alloc(spec, sizeof(*op), &ops, window_process);
    if (op == NULL)
        return beamc_error_nomem();
    *out = &op->op;
    BEAMC_TRY(beamc__window_fn_read(&op->fn, window->window_fn));
    /* Its windows go on as bytes: as global windows of none, or as intervals. */
    const beamc_type *windows = beamc__type_bare(op->op.outputs[0]->window_type);
    if (!op->fn.opaque && windows->kind != (op->fn.form == BEAMC__WINDOW_FORM_GLOBAL
                                                ? BEAMC_KIND_GLOBAL_WINDOW
                                                : BEAMC_KIND_INTERVAL_WINDOW))
        return beamc_error_new(BEAMC_ETYPE, "%s does not give windows of %s, which its output has",
                               window->window_fn->urn, windows->name);
    int rc = beamc__window_assigner_init(&op->assigner, &op->fn);
    if (rc == BEAMC_EUNSUPPORTED)
        return beamc_error_new(BEAMC_EUNSUPPORTED, "%s is another SDK's window function",
                               window->window_fn->urn);
    return rc < 0 ? beamc_error_nomem() : NULL;
}
