/* SPDX-License-Identifier: Apache-2.0 */
/* The DoFns of key_fns.h. */
#include "sdk/pipeline/key_fns.h"
#include "sdk/base/hash.h"

/* As many keys as elements are spread over: enough for the largest cluster, few enough to group. */
#define SPREAD_BITS 16

/* Room for a value of the main output, cleared. */
static void *new_output(beamc_context *ctx, const beamc_type **type)
{
    *type = beamc__bare(ctx->output_types[0]);
    void *value = beamc_alloc(ctx, (*type)->size);
    if (value != NULL)
        memset(value, 0, (*type)->size);
    return value;
}

static beamc_error *emit_with_key(beamc_context *ctx, const void *key, size_t key_size,
                                  const void *element)
{
    const beamc_type *type;
    char *out = new_output(ctx, &type);

    if (out == NULL)
        return beamc_error_nomem();
    memcpy(out, key, key_size);
    memcpy(out + beamc_kv_value_offset(type), element, type->fields[1].type->size);
    return beamc_emit_value(ctx, 0, out);
}

/* ---- spreading -------------------------------------------------------------------------------- */

static beamc_error *spread(beamc_context *ctx, const void *element)
{
    uint64_t *count = beamc_instance(ctx);
    int64_t key = (int64_t)(beamc__hash(count, sizeof(*count)) >> (64 - SPREAD_BITS));

    ++*count;
    return emit_with_key(ctx, &key, sizeof(key), element);
}

/* T -> KV<int64, T> */
static beamc_error *spread_type(const beamc_dofn *dofn BEAMC_UNUSED, const beamc_type *input,
                                const void *config BEAMC_UNUSED, beamc_arena *arena,
                                beamc_dofn_types *out)
{
    return beamc__tell(out, beamc_type_kv(arena, &beamc_type_int64, input));
}

const beamc_dofn beamc__spread_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc.spread" },
    .process = spread,
    .instance_size = sizeof(uint64_t),
    .infer = spread_type,
};
BEAMC_REGISTER(beamc__spread_fn)

/* ---- one key ---------------------------------------------------------------------------------- */

/* The key is empty, but not nowhere: a processor may load none of the bytes at an address quickly
 * only if the address is one. */
static const uint8_t somewhere[16];

static beamc_error *add_one_key(beamc_context *ctx, const void *element)
{
    const beamc_bytes key = { somewhere, 0 };

    return emit_with_key(ctx, &key, sizeof(key), element);
}

/* T -> KV<bytes, T> */
static beamc_error *one_key_type(const beamc_dofn *dofn BEAMC_UNUSED, const beamc_type *input,
                                 const void *config BEAMC_UNUSED, beamc_arena *arena,
                                 beamc_dofn_types *out)
{
    return beamc__tell(out, beamc_type_kv(arena, &beamc_type_bytes, input));
}

const beamc_dofn beamc__one_key_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc.one_key" },
    .process = add_one_key,
    .infer = one_key_type,
};
BEAMC_REGISTER(beamc__one_key_fn)

static beamc_error *drop_key(beamc_context *ctx, const void *element)
{
    return beamc_emit_value(ctx, 0,
                            (const char *)element + beamc_kv_value_offset(beamc__bare(ctx->input)));
}

/* KV<K, V> -> V */
static beamc_error *value_type(const beamc_dofn *dofn BEAMC_UNUSED, const beamc_type *input,
                               const void *config BEAMC_UNUSED, beamc_arena *arena BEAMC_UNUSED,
                               beamc_dofn_types *out)
{
    BEAMC_TRY(beamc__need_kv(input));
    return beamc__tell(out, beamc__bare(input)->fields[1].type);
}

const beamc_dofn beamc__drop_key_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc.drop_key" },
    .process = drop_key,
    .infer = value_type,
    .light = true,
};
BEAMC_REGISTER(beamc__drop_key_fn)

/* ---- shards of a key -------------------------------------------------------------------------- */

static beamc_error *shard_key(beamc_context *ctx, const void *element)
{
    const int64_t *shards = (const int64_t *)beamc_config(ctx);
    int64_t *next = beamc_instance(ctx);
    const beamc_type *in = beamc__bare(ctx->input);
    const beamc_type *type;
    char *out = new_output(ctx, &type);

    if (out == NULL)
        return beamc_error_nomem();
    const beamc_type *key = beamc__bare(type->fields[0].type);
    memcpy(out, next, sizeof(*next));
    *next = *next + 1 >= *shards ? 0 : *next + 1;
    memcpy(out + beamc_kv_value_offset(key), element, in->fields[0].type->size);
    memcpy(out + beamc_kv_value_offset(type), (const char *)element + beamc_kv_value_offset(in),
           in->fields[1].type->size);
    return beamc_emit_value(ctx, 0, out);
}

/* KV<K, V> -> KV<KV<int64, K>, V> */
static beamc_error *sharded_type(const beamc_dofn *dofn BEAMC_UNUSED, const beamc_type *input,
                                 const void *config BEAMC_UNUSED, beamc_arena *arena,
                                 beamc_dofn_types *out)
{
    BEAMC_TRY(beamc__need_kv(input));
    const beamc_type *in = beamc__bare(input);
    const beamc_type *key = beamc_type_kv(arena, &beamc_type_int64, in->fields[0].type);
    return beamc__tell(out, key == NULL ? NULL : beamc_type_kv(arena, key, in->fields[1].type));
}

const beamc_dofn beamc__shard_key_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc.shard_key" },
    .process = shard_key,
    .config = &beamc_type_int64,
    .instance_size = sizeof(int64_t),
    .infer = sharded_type,
};
BEAMC_REGISTER(beamc__shard_key_fn)

static beamc_error *unshard_key(beamc_context *ctx, const void *element)
{
    const beamc_type *in = beamc__bare(ctx->input);
    const beamc_type *key = beamc__bare(in->fields[0].type);
    const beamc_type *type;
    char *out = new_output(ctx, &type);

    if (out == NULL)
        return beamc_error_nomem();
    memcpy(out, (const char *)element + beamc_kv_value_offset(key), key->fields[1].type->size);
    memcpy(out + beamc_kv_value_offset(type), (const char *)element + beamc_kv_value_offset(in),
           in->fields[1].type->size);
    return beamc_emit_value(ctx, 0, out);
}

/* And back. */
static beamc_error *unsharded_type(const beamc_dofn *dofn BEAMC_UNUSED, const beamc_type *input,
                                   const void *config BEAMC_UNUSED, beamc_arena *arena,
                                   beamc_dofn_types *out)
{
    BEAMC_TRY(beamc__need_kv(input));
    const beamc_type *in = beamc__bare(input);
    BEAMC_TRY(beamc__need_kv(in->fields[0].type));
    return beamc__tell(out, beamc_type_kv(arena, beamc__bare(in->fields[0].type)->fields[1].type,
                                          in->fields[1].type));
}

const beamc_dofn beamc__unshard_key_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc.unshard_key" },
    .process = unshard_key,
    .infer = unsharded_type,
};
BEAMC_REGISTER(beamc__unshard_key_fn)
