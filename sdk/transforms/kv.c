/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and values. */
#include <beamc/kv.h>

#include "sdk/transforms/shape.h"
#include <stdlib.h>

/* ---- keys, values, swap ---------------------------------------------------------------------- */

static beamc_error *key_type(const beamc_dofn *dofn BEAMC_UNUSED, const beamc_type *input,
                             const void *config BEAMC_UNUSED, beamc_arena *arena BEAMC_UNUSED,
                             beamc_dofn_types *out)
{
    BEAMC_TRY(beamc__shape_need_kv(input));
    out->output = input->fields[0].type;
    return NULL;
}

static beamc_error *emit_key(beamc_context *ctx, const void *element)
{
    return beamc_emit_value(ctx, 0, element); /* a KV begins with its key */
}

static const beamc_dofn beamc_keys_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_keys_fn" },
    .process = emit_key,
    .infer = key_type,
    .light = true,
};
BEAMC_REGISTER(beamc_keys_fn)

static beamc_error *value_type(const beamc_dofn *dofn BEAMC_UNUSED, const beamc_type *input,
                               const void *config BEAMC_UNUSED, beamc_arena *arena BEAMC_UNUSED,
                               beamc_dofn_types *out)
{
    BEAMC_TRY(beamc__shape_need_kv(input));
    out->output = input->fields[1].type;
    return NULL;
}

static beamc_error *find_value(beamc_context *ctx)
{
    *(size_t *)beamc_instance(ctx) = beamc_kv_value_offset(beamc__shape_bare(ctx->input));
    return NULL;
}

static beamc_error *emit_value(beamc_context *ctx, const void *element)
{
    size_t offset = *(const size_t *)beamc_instance(ctx);

    return beamc_emit_value(ctx, 0, (const char *)element + offset);
}

static const beamc_dofn beamc_values_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_values_fn" },
    .process = emit_value,
    .setup = find_value,
    .instance_size = sizeof(size_t),
    .infer = value_type,
    .light = true,
};
BEAMC_REGISTER(beamc_values_fn)

static beamc_error *swapped_type(const beamc_dofn *dofn BEAMC_UNUSED, const beamc_type *input,
                                 const void *config BEAMC_UNUSED, beamc_arena *arena,
                                 beamc_dofn_types *out)
{
    BEAMC_TRY(beamc__shape_need_kv(input));
    return beamc__shape_told(
        &out->output, beamc_type_kv(arena, input->fields[1].type, input->fields[0].type));
}

static beamc_error *emit_swapped(beamc_context *ctx, const void *element)
{
    const beamc__pair *pair = beamc_instance(ctx);

    beamc__shape_move(pair->out, (const char *)element + pair->in_value, pair->key_size);
    beamc__shape_move(pair->out + pair->out_value, element, pair->value_size);
    return beamc_emit_value(ctx, 0, pair->out);
}

static const beamc_dofn beamc_kv_swap_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_kv_swap_fn" },
    .process = emit_swapped,
    .setup = beamc__pair_setup,
    .teardown = beamc__pair_teardown,
    .instance_size = sizeof(beamc__pair),
    .infer = swapped_type,
    .light = true,
};
BEAMC_REGISTER(beamc_kv_swap_fn)

beamc_pcollection beamc_keys_at(beamc_location at, beamc_pcollection in)
{
    return beamc__apply(at, in, "Keys", &beamc_keys_fn, NULL);
}

beamc_pcollection beamc_values_at(beamc_location at, beamc_pcollection in)
{
    return beamc__apply(at, in, "Values", &beamc_values_fn, NULL);
}

beamc_pcollection beamc_kv_swap_at(beamc_location at, beamc_pcollection in)
{
    return beamc__apply(at, in, "KvSwap", &beamc_kv_swap_fn, NULL);
}

/* ---- a constant key -------------------------------------------------------------------------- */

/* The key travels as its encoding; its type is known from the output's coder. */
typedef struct {
    const beamc_type *type; /* NULL when thawed */
    const void *key;
    beamc_bytes encoded; /* when thawed */
} constant_key;

static beamc_error *freeze_key(const void *config, beamc_buffer *out)
{
    const constant_key *constant = config;
    int rc = beamc_encode(constant->type, constant->key, false, out);

    return rc < 0 ? beamc_error_new((beamc_code)rc, "the constant key") : NULL;
}

static beamc_error *thaw_key(void **config, const uint8_t *bytes, size_t size, beamc_arena *arena)
{
    constant_key *constant = beamc_arena_calloc(arena, 1, sizeof(*constant));
    const uint8_t *copy = beamc_arena_memdup(arena, bytes, size);

    if (constant == NULL || copy == NULL)
        return beamc_error_nomem();
    constant->encoded.data = copy;
    constant->encoded.size = size;
    *config = constant;
    return NULL;
}

static beamc_error *constant_key_type(const beamc_dofn *dofn BEAMC_UNUSED, const beamc_type *input,
                                      const void *config, beamc_arena *arena,
                                      beamc_dofn_types *out)
{
    const constant_key *constant = config;

    return beamc__shape_told(&out->output, beamc_type_kv(arena, constant->type, input));
}

typedef struct {
    beamc__pair pair;
    beamc_arena *arena; /* of the decoded key */
} keyed;

static void teardown_keyed(beamc_context *ctx)
{
    keyed *self = beamc_instance(ctx);

    beamc__pair_teardown(ctx);
    beamc_arena_free(self->arena);
    self->arena = NULL;
}

static beamc_error *setup_keyed(beamc_context *ctx)
{
    keyed *self = beamc_instance(ctx);
    const constant_key *constant = beamc_config(ctx);
    const beamc_type *out = beamc__shape_bare(ctx->output_types[0]);

    if (out->kind != BEAMC_KIND_KV || !beamc_type_equal(out->fields[1].type, ctx->input))
        return beamc_error_new(BEAMC_ETYPE, "gives KV<K, %s>, but the pipeline has %s",
                               ctx->input->name, out->name);
    BEAMC_TRY(beamc__pair_setup(ctx));
    self->arena = beamc_arena_new();
    if (self->arena == NULL)
        return beamc_error_nomem();
    const beamc_type *type = out->fields[0].type;
    beamc_reader in = beamc_reader_of(constant->encoded.data, constant->encoded.size);
    type = beamc__shape_strip(self->arena, type);
    if (type == NULL)
        return beamc_error_nomem();
    int rc = beamc_decode(type, self->pair.out, false, &in, self->arena);
    return rc < 0 ? beamc_error_new((beamc_code)rc, "the constant key") : NULL;
}

static beamc_error *emit_keyed(beamc_context *ctx, const void *element)
{
    const beamc__pair *pair = &((const keyed *)beamc_instance(ctx))->pair;

    beamc__shape_move(pair->out + pair->out_value, element, pair->value_size);
    return beamc_emit_value(ctx, 0, pair->out);
}

static const beamc_dofn beamc_constant_key_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_constant_key_fn" },
    .process = emit_keyed,
    .setup = setup_keyed,
    .teardown = teardown_keyed,
    .instance_size = sizeof(keyed),
    .infer = constant_key_type,
    .freeze = freeze_key,
    .thaw = thaw_key,
    .light = true,
};
BEAMC_REGISTER(beamc_constant_key_fn)

beamc_pcollection beamc_with_constant_key_at(beamc_location at, beamc_pcollection in,
                                             const beamc_type *type, const void *key)
{
    const constant_key config = { .type = type, .key = key };

    return beamc__apply(at, in, "WithKeys", &beamc_constant_key_fn, &config);
}
