/* SPDX-License-Identifier: Apache-2.0 */
/* Reshuffle: the same elements, spread anew.
 *
 *     Reshuffle ── AddKeys     T -> KV<int64, T>
 *               ├─ ReshufflePerKey (beam:transform:reshuffle:v1, which runners may do themselves)
 *               │    ├─ Reify       KV<K, V> -> KV<K, KV<head, V>>
 *               │    ├─ WindowInto  the global window
 *               │    ├─ GroupByKey
 *               │    └─ Restore     back to KV<K, V>, each with its own head
 *               └─ DropKeys    KV<int64, T> -> T
 *
 * The head is what comes with an element, so that grouping in the global window loses nothing:
 *
 *     timestamp 8 bytes | count of windows 4 | their size 4 | windows | pane      (big-endian) */
#include "sdk/coders/varint.h"
#include "sdk/pipeline/graph.h"
#include "sdk/pipeline/key_fns.h"

#define HEAD_SIZE 16

static beamc_error *encode_head(beamc_context *ctx, beamc_bytes *out)
{
    const beamc_element_info *info = ctx->info;
    size_t size = HEAD_SIZE + (size_t)info->windows_size + info->pane_size;
    uint8_t *to = beamc_alloc(ctx, size);

    if (to == NULL)
        return beamc_error_nomem();
    beamc__store_be64(to, (uint64_t)info->timestamp);
    beamc__store_be32(to + 8, info->window_count);
    beamc__store_be32(to + 12, info->windows_size);
    if (info->windows_size > 0)
        memcpy(to + HEAD_SIZE, info->windows, info->windows_size);
    if (info->pane_size > 0)
        memcpy(to + HEAD_SIZE + info->windows_size, info->pane, info->pane_size);
    out->data = to;
    out->size = size;
    return NULL;
}

static beamc_error *decode_head(beamc_element_info *out, beamc_bytes head)
{
    if (head.size < HEAD_SIZE || head.size > UINT32_MAX ||
        head.size - HEAD_SIZE < beamc__load_be32(head.data + 12))
        return beamc_error_new(BEAMC_ECORRUPT, "the head of a reshuffled element has %zu bytes",
                               head.size);
    out->timestamp = (beamc_timestamp)beamc__load_be64(head.data);
    out->window_count = beamc__load_be32(head.data + 8);
    out->windows_size = beamc__load_be32(head.data + 12);
    out->windows = head.data + HEAD_SIZE;
    out->pane = out->windows + out->windows_size;
    out->pane_size = (uint32_t)head.size - HEAD_SIZE - out->windows_size;
    return NULL;
}

static beamc_error *reify(beamc_context *ctx, const void *element)
{
    const beamc_type *in = beamc__bare(ctx->input);
    const beamc_type *out = beamc__bare(ctx->output_types[0]);
    const beamc_type *reified = beamc__bare(out->fields[1].type);
    char *value = beamc_alloc(ctx, out->size);
    beamc_bytes head;

    BEAMC_TRY(encode_head(ctx, &head));
    if (value == NULL)
        return beamc_error_nomem();
    char *inner = value + beamc_kv_value_offset(out);
    memcpy(value, element, in->fields[0].type->size);
    memcpy(inner, &head, sizeof(head));
    memcpy(inner + beamc_kv_value_offset(reified),
           (const char *)element + beamc_kv_value_offset(in), in->fields[1].type->size);
    return beamc_emit_value(ctx, 0, value);
}

/* KV<K, V> -> KV<K, KV<bytes, V>> */
static beamc_error *reified_type(const beamc_dofn *dofn BEAMC_UNUSED, const beamc_type *input,
                                 const void *config BEAMC_UNUSED, beamc_arena *arena,
                                 beamc_dofn_types *out)
{
    BEAMC_TRY(beamc__need_kv(input));
    const beamc_type *in = beamc__bare(input);
    const beamc_type *value = beamc_type_kv(arena, &beamc_type_bytes, in->fields[1].type);
    return beamc__tell(out, value == NULL ? NULL : beamc_type_kv(arena, in->fields[0].type, value));
}

static const beamc_dofn reify_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc.reify" },
    .process = reify,
    .infer = reified_type,
};
BEAMC_REGISTER(reify_fn)

static beamc_error *restore_one(beamc_context *ctx, char *out, char *reified,
                                const beamc_type *reified_type)
{
    const beamc_type *type = beamc__bare(ctx->output_types[0]);
    beamc_receiver *receiver = ctx->outputs[0];
    beamc_element_info info;
    beamc_bytes head;

    memcpy(&head, reified, sizeof(head));
    BEAMC_TRY(decode_head(&info, head));
    memcpy(out + beamc_kv_value_offset(type), reified + beamc_kv_value_offset(reified_type),
           type->fields[1].type->size);
    return receiver->process(receiver, &info, out);
}

static beamc_error *restore(beamc_context *ctx, const void *element)
{
    const beamc_type *in = beamc__bare(ctx->input);
    const beamc_type *type = beamc__bare(ctx->output_types[0]);
    beamc_iterable grouped;
    beamc_iterator iterator;
    beamc_error *err = NULL;

    memcpy(&grouped, (const char *)element + beamc_kv_value_offset(in), sizeof(grouped));
    const beamc_type *reified_type = beamc__bare(beamc__bare(in->fields[1].type)->fields[0].type);
    char *out = beamc_alloc(ctx, type->size);
    char *reified = beamc_alloc(ctx, reified_type->size);
    if (out == NULL || reified == NULL)
        return beamc_error_nomem();
    memcpy(out, element, in->fields[0].type->size);
    beamc_iterate(&iterator, &grouped);
    while (err == NULL && beamc_next(&iterator, reified))
        err = restore_one(ctx, out, reified, reified_type);
    beamc_error *broken = beamc_iterator_finish(&iterator);
    if (err == NULL)
        return broken;
    beamc_error_free(broken); /* the walk was cut short by err, which says more */
    return err;
}

/* KV<K, Iterable<KV<bytes, V>>> -> KV<K, V> */
static beamc_error *restored_type(const beamc_dofn *dofn BEAMC_UNUSED, const beamc_type *input,
                                  const void *config BEAMC_UNUSED, beamc_arena *arena,
                                  beamc_dofn_types *out)
{
    BEAMC_TRY(beamc__need_kv(input));
    const beamc_type *in = beamc__bare(input);
    const beamc_type *reified = beamc__element_of(in->fields[1].type);
    if (reified == NULL || beamc__bare(reified)->kind != BEAMC_KIND_KV ||
        beamc__bare(beamc__bare(reified)->fields[0].type)->kind != BEAMC_KIND_BYTES)
        return beamc_error_new(BEAMC_ETYPE, "takes KV<K, Iterable<KV<bytes, V>>>, but gets %s",
                               input->name);
    return beamc__tell(out, beamc_type_kv(arena, in->fields[0].type,
                                          beamc__bare(reified)->fields[1].type));
}

static const beamc_dofn restore_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc.restore" },
    .process = restore,
    .infer = restored_type,
};
BEAMC_REGISTER(restore_fn)

/* KV<K, V> -> KV<K, V> */
static beamc_pcollection reshuffle_per_key(beamc_location at, beamc_pcollection in)
{
    beamc_pipeline *pipeline = in.pipeline;
    const beamc_type *kv = beamc_pcollection_type(in);
    beamc_windowing windowing = beamc_pcollection_windowing(in);
    beamc__transform *composite = beamc__composite_enter(pipeline, at, "ReshufflePerKey",
                                                         "beam:transform:reshuffle:v1");
    if (composite == NULL)
        return beamc__no_collection(pipeline);
    const beamc_type *reified = beamc__type_made(
        pipeline, beamc_type_kv(pipeline->arena, kv->fields[0].type,
                                beamc_type_kv(pipeline->arena, &beamc_type_bytes,
                                              kv->fields[1].type)));
    beamc__par_do_spec take = { .name = "Reify", .dofn = &reify_fn, .output = reified };
    beamc__par_do_spec give = {
        .name = "Restore", .dofn = &restore_fn, .output = kv, .windowing = &windowing
    };
    beamc_pcollection out = beamc__par_do_add(at, in, &take);
    out = beamc_window_into_at(at, out, beamc_global_windows());
    out = beamc__group_by_key_add(at, out);
    return beamc__composite_leave(pipeline, composite, beamc__par_do_add(at, out, &give));
}

beamc_pcollection beamc_reshuffle_at(beamc_location at, beamc_pcollection in)
{
    beamc_pipeline *pipeline = in.pipeline;

    if (!beamc__pipeline_is_good(pipeline))
        return beamc__no_collection(pipeline);
    const beamc__collection *from = beamc__collection_of(
        pipeline, at, in, beamc__next_name(pipeline, "Reshuffle"));
    if (from == NULL)
        return beamc__no_collection(pipeline);
    beamc__transform *composite = beamc__composite_enter(pipeline, at, "Reshuffle", NULL);
    const beamc_type *keyed = beamc__type_made(
        pipeline, beamc_type_kv(pipeline->arena, &beamc_type_int64, from->type));
    if (composite == NULL || keyed == NULL)
        return beamc__no_collection(pipeline);
    beamc__par_do_spec add = { .name = "AddKeys", .dofn = &beamc__spread_fn, .output = keyed };
    beamc__par_do_spec drop = {
        .name = "DropKeys", .dofn = &beamc__drop_key_fn, .output = from->type
    };
    beamc_pcollection out = beamc__par_do_add(at, in, &add);
    if (beamc__pipeline_is_good(pipeline))
        out = reshuffle_per_key(at, out);
    return beamc__composite_leave(pipeline, composite, beamc__par_do_add(at, out, &drop));
}
