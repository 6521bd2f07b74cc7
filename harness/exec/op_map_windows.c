/* SPDX-License-Identifier: Apache-2.0 */
/* beam:transform:map_windows:v1: KV<nonce, window of a main input> to KV<nonce, the window of a
 * side input that belongs to it>, by the mapping function in the payload
 * (SideInput.window_mapping_fn):
 *
 *     identity               the same window
 *     global                 the global one
 *     assign_max_timestamp   the one that the window function in its payload (a FunctionSpec) gives
 *                            for the main window's last timestamp */
#include "harness/exec/nonce_op.h"

#include "proto/unpack.h"
#include "proto/urns.h"
#include "sdk/windowing/window_proto.h"

typedef struct {
    beamc__nonce_op head;
    beamc__window_fn side;
    beamc__window_form form; /* of the main input's windows */
    beamc_buffer window;     /* one of them, encoded */
} map_windows;

static beamc_error *map(map_windows *op, const void *window)
{
    uint8_t mapped[BEAMC__WINDOW_SIZE_MAX];
    size_t size = 0;

    beamc_buffer_clear(&op->window);
    int rc = beamc_encode(op->head.asked, window, true, &op->window);
    if (rc == BEAMC_OK)
        rc = beamc__window_map_side(&op->side, op->form, op->window.data, op->window.size, mapped,
                                    &size);
    if (rc == BEAMC_ENOENT)
        return beamc_error_new(BEAMC_ENOENT, "no window of the side input holds the last timestamp "
                                             "of this window of the main input");
    if (rc == BEAMC_OK && op->side.form == BEAMC__WINDOW_FORM_INTERVAL) {
        beamc_reader in = beamc_reader_of(mapped, size);
        rc = beamc__interval_decode(beamc__nonce_op_answered(&op->head), &in);
    }
    return rc < 0 ? beamc_error_new((beamc_code)rc, "mapping a window: %s", beamc_code_text(rc))
                  : NULL;
}

static beamc_error *process(beamc_receiver *self, const beamc_element_info *info, const void *value)
{
    map_windows *op = (map_windows *)self;

    beamc__count_up(&op->head.op.count);
    BEAMC_TRY(beamc__op_look_up(&op->head.op));
    BEAMC_TRY(beamc__op_pass(&op->head.op, map(op, beamc__nonce_op_asked(&op->head, value))));
    return beamc__nonce_op_send(&op->head, info, value);
}

/* What goes out is what came in. */
static beamc_error *process_same(beamc_receiver *self, const beamc_element_info *info,
                                 const void *value)
{
    map_windows *op = (map_windows *)self;

    beamc__count_up(&op->head.op.count);
    BEAMC_TRY(beamc__op_look_up(&op->head.op));
    return beamc__op_emit(&op->head.op, 0, info, value);
}

static void map_windows_free(beamc__op *head)
{
    map_windows *op = (map_windows *)head;
    beamc_buffer_dispose(&op->window);
}

/* ---- making ---------------------------------------------------------------------------------- */

static beamc_error *read_payload(const PB(FunctionSpec) * *out, const ProtobufCBinaryData *payload,
                                 const char *of, beamc_arena *arena)
{
    ProtobufCAllocator allocator = beamc__arena_allocator(arena);

    *out = BEAMC__UNPACK(PB(FunctionSpec), pb(function_spec__descriptor), &allocator, payload->len,
                         payload->data);
    if (*out != NULL)
        return NULL;
    return beamc_arena_failed(arena)
               ? beamc_error_nomem()
               : beamc_error_new(BEAMC_ECORRUPT, "the FunctionSpec of its %s is malformed", of);
}

/* The window function that the windows of the side input come from. */
static beamc_error *read_side(beamc__window_fn *out, const PB(FunctionSpec) * mapping,
                              beamc_arena *arena)
{
    const PB(FunctionSpec) * fn;

    if (strcmp(mapping->urn, BEAMC_URN_WINDOW_MAPPING_FN_GLOBAL) == 0) {
        beamc_windowing global = beamc_global_windows();
        return beamc__window_fn_init(out, &global) < 0 ? beamc_error_nomem() : NULL;
    }
    if (strcmp(mapping->urn, BEAMC_URN_WINDOW_MAPPING_FN_ASSIGN_MAX_TIMESTAMP) != 0)
        return beamc_error_new(BEAMC_EUNSUPPORTED, "%s is another SDK's window mapping",
                               *mapping->urn == '\0' ? "a mapping without a URN" : mapping->urn);
    BEAMC_TRY(read_payload(&fn, &mapping->payload, "window function", arena));
    if (*fn->urn == '\0')
        return beamc_error_new(BEAMC_ECORRUPT, "its window mapping has no window function");
    BEAMC_TRY(beamc__window_fn_read(out, fn));
    if (out->opaque)
        return beamc_error_new(BEAMC_EUNSUPPORTED, "%s is another SDK's window function", fn->urn);
    if (out->merges)
        return beamc_error_new(BEAMC_EUNSUPPORTED, "no window of %s belongs to another one",
                               fn->urn);
    return NULL;
}

static beamc_error *check_windows(map_windows *op)
{
    static const struct {
        beamc_kind kind;
        beamc__window_form form;
    } forms[] = {
        { BEAMC_KIND_GLOBAL_WINDOW, BEAMC__WINDOW_FORM_GLOBAL },
        { BEAMC_KIND_INTERVAL_WINDOW, BEAMC__WINDOW_FORM_INTERVAL },
        { BEAMC_KIND_CUSTOM_WINDOW, BEAMC__WINDOW_FORM_CUSTOM },
    };
    bool to_global = op->side.form == BEAMC__WINDOW_FORM_GLOBAL;

    op->form = BEAMC__WINDOW_FORM_UNKNOWN;
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        if (forms[i].kind == op->head.asked->kind)
            op->form = forms[i].form;
    }
    if (op->form == BEAMC__WINDOW_FORM_UNKNOWN && !to_global)
        return beamc_error_new(BEAMC_ETYPE, "it takes windows, but its input has %s",
                               op->head.asked->name);
    if (op->head.answered->kind !=
        (to_global ? BEAMC_KIND_GLOBAL_WINDOW : BEAMC_KIND_INTERVAL_WINDOW))
        return beamc_error_new(BEAMC_ETYPE,
                               "its mapping does not give windows of %s, which its "
                               "output has",
                               op->head.answered->name);
    return NULL;
}

beamc_error *beamc__op_map_windows(beamc__op **out, const beamc__op_spec *spec)
{
    static const beamc__op_ops ops = { .free = map_windows_free };
    const PB(FunctionSpec) * mapping;
    map_windows *op = beamc__op_alloc(spec, sizeof(*op), &ops, process);

    if (op == NULL)
        return beamc_error_nomem();
    *out = &op->head.op;
    beamc_buffer_init(&op->window);
    BEAMC_TRY(beamc__nonce_op_init(&op->head));
    BEAMC_TRY(read_payload(&mapping, &spec->transform->spec->payload, "window mapping",
                           spec->plan->arena));
    if (strcmp(mapping->urn, BEAMC_URN_WINDOW_MAPPING_FN_IDENTITY) != 0) {
        BEAMC_TRY(read_side(&op->side, mapping, spec->plan->arena));
        return check_windows(op);
    }
    op->head.op.receiver.process = process_same;
    if (!beamc_type_equal(op->head.asked, op->head.answered))
        return beamc_error_new(BEAMC_ETYPE, "%s is no mapping of %s to %s", mapping->urn,
                               op->head.asked->name, op->head.answered->name);
    return NULL;
}
