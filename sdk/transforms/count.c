/* SPDX-License-Identifier: Apache-2.0 */
/* Counting, and Distinct, which is counting without the counts.
 *
 *     CountPerElement   T -> KV<T, int64> -> Combine per key -> KV<T, int64>
 *
 * A T whose equal values may have different encodings (doubles, maps) is no key; its encoding is:
 *
 *                       T -> bytes -> KV<bytes, int64> -> Combine per key -> KV<bytes, int64>
 *                         -> KV<T, int64> */
#include <beamc/aggregate.h>
#include <beamc/kv.h>

#include "sdk/transforms/shape.h"
#include <stdlib.h>

static beamc_error *count_create(beamc_combine_context *ctx BEAMC_UNUSED, void *accumulator)
{
    *(int64_t *)accumulator = 0;
    return NULL;
}

static beamc_error *count_add(beamc_combine_context *ctx BEAMC_UNUSED, void *accumulator,
                              const void *input BEAMC_UNUSED)
{
    ++*(int64_t *)accumulator;
    return NULL;
}

static beamc_error *count_merge(beamc_combine_context *ctx BEAMC_UNUSED, void *accumulator,
                                void *other)
{
    *(int64_t *)accumulator += *(const int64_t *)other;
    return NULL;
}

static beamc_error *count_extract(beamc_combine_context *ctx BEAMC_UNUSED, void *accumulator,
                                  void *output)
{
    *(int64_t *)output = *(const int64_t *)accumulator;
    return NULL;
}

const beamc_combine_fn beamc_count_fn = {
    .function = { BEAMC_FUNCTION_COMBINE, "beamc_count_fn" },
    .accumulator = BEAMC_TYPE(int64),
    .output = BEAMC_TYPE(int64),
    .create = count_create,
    .add = count_add,
    .merge = count_merge,
    .extract = count_extract,
    .counts = true,
};
BEAMC_REGISTER(beamc_count_fn)

beamc_pcollection beamc_count_globally_at(beamc_location at, beamc_pcollection in)
{
    return beamc__apply_globally(at, in, "CountGlobally", &beamc_count_fn, NULL, true);
}

beamc_pcollection beamc_count_per_key_at(beamc_location at, beamc_pcollection in)
{
    return beamc__apply_per_key(at, in, "CountPerKey", &beamc_count_fn, NULL);
}

/* ---- elements as keys ------------------------------------------------------------------------ */

/* The 1 is not looked at; it makes the intermediate KV what other SDKs have there. */
static beamc_error *paired_type(const beamc_dofn *dofn BEAMC_UNUSED, const beamc_type *input,
                                const void *config BEAMC_UNUSED, beamc_arena *arena,
                                beamc_dofn_types *out)
{
    return beamc__shape_told(&out->output, beamc_type_kv(arena, input, BEAMC_TYPE(int64)));
}

static const int64_t one = 1;

static beamc_error *setup_paired(beamc_context *ctx)
{
    const beamc__pair *pair = beamc_instance(ctx);

    BEAMC_TRY(beamc__pair_setup(ctx));
    memcpy(pair->out + pair->out_value, &one, sizeof(one));
    return NULL;
}

/* Out of line, so that the usual way below needs no stack. */
static __attribute__((noinline)) beamc_error *emit_paired_of_any_size(beamc_context *ctx,
                                                                      const void *element)
{
    const beamc__pair *pair = beamc_instance(ctx);

    beamc__shape_move(pair->out, element, pair->key_size);
    return beamc_emit_value(ctx, 0, pair->out);
}

static beamc_error *emit_paired(beamc_context *ctx, const void *element)
{
    const beamc__pair *pair = beamc_instance(ctx);

    if (BEAMC_UNLIKELY(pair->key_size != 16))
        return emit_paired_of_any_size(ctx, element);
    beamc__shape_move(pair->out, element, 16);
    return beamc_emit_value(ctx, 0, pair->out);
}

static const beamc_dofn beamc_pair_with_one_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_pair_with_one_fn" },
    .process = emit_paired,
    .setup = setup_paired,
    .teardown = beamc__pair_teardown,
    .instance_size = sizeof(beamc__pair),
    .infer = paired_type,
    .light = true,
    .pairs_with = &one,
};
BEAMC_REGISTER(beamc_pair_with_one_fn)

/* ---- encodings as keys ----------------------------------------------------------------------- */

typedef struct {
    beamc__pair pair;
    beamc_arena *types;      /* of `type` */
    const beamc_type *type;  /* T, without length prefixes */
    beamc_buffer bytes;
} coder;

static void teardown_coder(beamc_context *ctx)
{
    coder *self = beamc_instance(ctx);

    beamc__pair_teardown(ctx);
    beamc_buffer_dispose(&self->bytes);
    beamc_arena_free(self->types);
    self->types = NULL;
}

static beamc_error *setup_coder(beamc_context *ctx, const beamc_type *type)
{
    coder *self = beamc_instance(ctx);

    BEAMC_TRY(beamc__pair_setup(ctx));
    beamc_buffer_init(&self->bytes);
    self->types = beamc_arena_new();
    if (self->types == NULL)
        return beamc_error_nomem();
    self->type = beamc__shape_strip(self->types, type);
    return self->type == NULL ? beamc_error_nomem() : NULL;
}

static beamc_error *setup_encode(beamc_context *ctx)
{
    return setup_coder(ctx, ctx->input);
}

static beamc_error *emit_encoded(beamc_context *ctx, const void *element)
{
    coder *self = beamc_instance(ctx);

    beamc_buffer_clear(&self->bytes);
    int rc = beamc_encode(self->type, element, false, &self->bytes);
    if (rc == BEAMC_OK && beamc_buffer_failed(&self->bytes))
        rc = BEAMC_ENOMEM;
    if (rc < 0)
        return beamc_error_new((beamc_code)rc, "encoding %s", self->type->name);
    beamc_bytes bytes = { self->bytes.data, self->bytes.size };
    return beamc_emit_value(ctx, 0, &bytes);
}

static const beamc_dofn beamc_encode_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_encode_fn" },
    .output = BEAMC_TYPE(bytes),
    .process = emit_encoded,
    .setup = setup_encode,
    .teardown = teardown_coder,
    .instance_size = sizeof(coder),
};
BEAMC_REGISTER(beamc_encode_fn)

/* The configuration is T, which infer needs; a worker knows it from the output's coder. */
static beamc_error *freeze_nothing(const void *config BEAMC_UNUSED, beamc_buffer *out BEAMC_UNUSED)
{
    return NULL;
}

static beamc_error *thaw_nothing(void **config, const uint8_t *bytes BEAMC_UNUSED,
                                 size_t size BEAMC_UNUSED, beamc_arena *arena BEAMC_UNUSED)
{
    *config = NULL;
    return NULL;
}

static beamc_error *decoded_type(const beamc_dofn *dofn BEAMC_UNUSED,
                                 const beamc_type *input BEAMC_UNUSED, const void *config,
                                 beamc_arena *arena, beamc_dofn_types *out)
{
    const beamc_type *const *type = config;

    return beamc__shape_told(&out->output, beamc_type_kv(arena, *type, BEAMC_TYPE(int64)));
}

static beamc_error *setup_decode(beamc_context *ctx)
{
    const beamc_type *out = beamc__shape_bare(ctx->output_types[0]);

    if (out->kind != BEAMC_KIND_KV ||
        beamc__shape_bare(out->fields[1].type)->kind != BEAMC_KIND_INT64)
        return beamc_error_new(BEAMC_ETYPE, "gives KV<T, int64>, but the pipeline has %s", out->name);
    return setup_coder(ctx, out->fields[0].type);
}

BEAMC_KV(encoded_count, bytes, int64)

static beamc_error *emit_decoded(beamc_context *ctx, const void *element)
{
    const coder *self = beamc_instance(ctx);
    const encoded_count *counted = element;
    beamc_reader in = beamc_reader_of(counted->key.data, counted->key.size);

    int rc = beamc_decode(self->type, self->pair.out, false, &in, ctx->arena);
    if (rc < 0)
        return beamc_error_new((beamc_code)rc, "decoding %s", self->type->name);
    *(int64_t *)(void *)(self->pair.out + self->pair.out_value) = counted->value;
    return beamc_emit_value(ctx, 0, self->pair.out);
}

static const beamc_dofn beamc_decode_counted_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_decode_counted_fn" },
    .input = BEAMC_TYPE(encoded_count),
    .process = emit_decoded,
    .setup = setup_decode,
    .teardown = teardown_coder,
    .instance_size = sizeof(coder),
    .infer = decoded_type,
    .freeze = freeze_nothing,
    .thaw = thaw_nothing,
};
BEAMC_REGISTER(beamc_decode_counted_fn)

/* ---- the transforms -------------------------------------------------------------------------- */

beamc_pcollection beamc_count_per_element_at(beamc_location at, beamc_pcollection in)
{
    const beamc_type *type = beamc_pcollection_type(in);
    bool is_key = type == NULL || beamc_type_is_deterministic(type);

    beamc_enter_at(at, in.pipeline, "CountPerElement", NULL);
    beamc_pcollection keys = is_key ? in : beamc__step(at, in, "Encode", &beamc_encode_fn, NULL);
    beamc_pcollection pairs =
        beamc__step(at, keys, "PairWithOne", &beamc_pair_with_one_fn, NULL);
    beamc_pcollection counts = beamc__step_per_key(at, pairs, "Combine", &beamc_count_fn, NULL);
    if (!is_key)
        counts = beamc__step(at, counts, "Decode", &beamc_decode_counted_fn, &type);
    return beamc__leave(at, counts);
}

beamc_pcollection beamc_distinct_at(beamc_location at, beamc_pcollection in)
{
    beamc_enter_at(at, in.pipeline, "Distinct", NULL);
    return beamc__leave(at, beamc_keys_at(at, beamc_count_per_element_at(at, in)));
}
