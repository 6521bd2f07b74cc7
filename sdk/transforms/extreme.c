/* SPDX-License-Identifier: Apache-2.0 */
/* Min, Max, and Latest, which is the Max of KV<timestamp, T>.
 *
 * The accumulator is a Nullable<T> where T is one piece of memory; where T points to memory, it is
 * the best one behind an iterable (best.h), which reuses that memory. */
#include <beamc/aggregate.h>
#include <beamc/kv.h>

#include "sdk/transforms/best.h"
#include "sdk/transforms/reify.h"
#include "sdk/transforms/shape.h"
#include "sdk/types/layout.h"

static beamc_error *infer_extreme(const beamc_combine_fn *fn BEAMC_UNUSED, const beamc_type *input,
                                  const void *config BEAMC_UNUSED, beamc_arena *arena,
                                  beamc_combine_types *out)
{
    out->output = input;
    return beamc__shape_told(&out->accumulator, beamc__type_is_flat(input)
                                                    ? beamc_type_nullable(arena, input)
                                                    : beamc_type_iterable(arena, input));
}

static beamc__best_order order_of(const beamc_type *type, bool smallest)
{
    beamc__best_order order = { .type = type, .limit = 1, .smallest = smallest };

    return order;
}

static beamc_error *create(beamc_combine_context *ctx, void *accumulator)
{
    const beamc_type *type = beamc__shape_bare(ctx->accumulator);

    if (type->kind == BEAMC_KIND_NULLABLE)
        memset(accumulator, 0, type->size);
    else
        *(beamc_iterable *)accumulator = beamc__best_new(type->fields[0].type);
    return NULL;
}

static int compare(const beamc_type *type, const void *a, const void *b)
{
    if (type->kind != BEAMC_KIND_INT64)
        return beamc_compare(type, a, b);
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void add_flat(const beamc_type *nullable, char *accumulator, const void *input,
                     bool smallest)
{
    const beamc_type *type = nullable->fields[0].type;
    char *kept = accumulator + beamc__nullable_offset(nullable);
    bool *present = (bool *)accumulator;

    if (*present) {
        int way = compare(type, input, kept);
        if (smallest ? way >= 0 : way <= 0)
            return;
    }
    *present = true;
    beamc__shape_move(kept, input, type->size);
}

static beamc_error *add(beamc_combine_context *ctx, void *accumulator, const void *input,
                        bool smallest)
{
    const beamc_type *type = beamc__shape_bare(ctx->accumulator);

    if (type->kind == BEAMC_KIND_NULLABLE) {
        add_flat(type, accumulator, input, smallest);
        return NULL;
    }
    beamc__best_order order = order_of(type->fields[0].type, smallest);
    return beamc__best_add(accumulator, &order, input, ctx->arena);
}

static beamc_error *merge(beamc_combine_context *ctx, void *accumulator, void *other, bool smallest)
{
    const beamc_type *type = beamc__shape_bare(ctx->accumulator);

    if (type->kind == BEAMC_KIND_NULLABLE) {
        if (*(const bool *)other)
            add_flat(type, accumulator, beamc__at(other, beamc__nullable_offset(type)), smallest);
        return NULL;
    }
    beamc__best_order order = order_of(type->fields[0].type, smallest);
    return beamc__best_merge(accumulator, &order, other, ctx->arena);
}

static beamc_error *min_add(beamc_combine_context *ctx, void *accumulator, const void *input)
{
    return add(ctx, accumulator, input, true);
}

static beamc_error *min_merge(beamc_combine_context *ctx, void *accumulator, void *other)
{
    return merge(ctx, accumulator, other, true);
}

static beamc_error *max_add(beamc_combine_context *ctx, void *accumulator, const void *input)
{
    return add(ctx, accumulator, input, false);
}

static beamc_error *max_merge(beamc_combine_context *ctx, void *accumulator, void *other)
{
    return merge(ctx, accumulator, other, false);
}

static beamc_error *no_value(void)
{
    return beamc_error_new(BEAMC_EINVAL, "of no values");
}

static beamc_error *extract(beamc_combine_context *ctx, void *accumulator, void *output)
{
    const beamc_type *type = beamc__shape_bare(ctx->accumulator);
    const beamc_type *value = type->fields[0].type;

    if (type->kind == BEAMC_KIND_NULLABLE) {
        if (!*(const bool *)accumulator)
            return no_value();
        beamc__shape_move(output, beamc__at(accumulator, beamc__nullable_offset(type)),
                          value->size);
        return NULL;
    }
    beamc__best_order order = order_of(value, true); /* of one value: either way */
    beamc_iterable one;
    beamc_iterator iterator;
    BEAMC_TRY(beamc__best_sorted(&one, accumulator, &order, ctx->arena));
    beamc_iterate(&iterator, &one);
    bool found = beamc_next(&iterator, output);
    BEAMC_TRY(beamc_iterator_finish(&iterator));
    return found ? NULL : no_value();
}

const beamc_combine_fn beamc_min_fn = {
    .function = { BEAMC_FUNCTION_COMBINE, "beamc_min_fn" },
    .create = create,
    .add = min_add,
    .merge = min_merge,
    .extract = extract,
    .infer = infer_extreme,
};
BEAMC_REGISTER(beamc_min_fn)

const beamc_combine_fn beamc_max_fn = {
    .function = { BEAMC_FUNCTION_COMBINE, "beamc_max_fn" },
    .create = create,
    .add = max_add,
    .merge = max_merge,
    .extract = extract,
    .infer = infer_extreme,
};
BEAMC_REGISTER(beamc_max_fn)

beamc_pcollection beamc_min_globally_at(beamc_location at, beamc_pcollection in)
{
    return beamc__apply_globally(at, in, "MinGlobally", &beamc_min_fn, NULL, false);
}

beamc_pcollection beamc_max_globally_at(beamc_location at, beamc_pcollection in)
{
    return beamc__apply_globally(at, in, "MaxGlobally", &beamc_max_fn, NULL, false);
}

beamc_pcollection beamc_min_per_key_at(beamc_location at, beamc_pcollection in)
{
    return beamc__apply_per_key(at, in, "MinPerKey", &beamc_min_fn, NULL);
}

beamc_pcollection beamc_max_per_key_at(beamc_location at, beamc_pcollection in)
{
    return beamc__apply_per_key(at, in, "MaxPerKey", &beamc_max_fn, NULL);
}

/* ---- latest ---------------------------------------------------------------------------------- */

beamc_pcollection beamc_latest_globally_at(beamc_location at, beamc_pcollection in)
{
    beamc_enter_at(at, in.pipeline, "LatestGlobally", NULL);
    beamc_pcollection stamped =
        beamc__step(at, in, "Stamp", &beamc__reify_timestamps_fn, NULL);
    beamc_pcollection last =
        beamc__step_globally(at, stamped, "Combine", &beamc_max_fn, NULL, false);
    return beamc__leave(at, beamc_values_at(at, last));
}

/* KV<K, V> -> KV<K, KV<int64, V>> and back: the parts inside move, so their places are kept. */
typedef struct {
    beamc__pair pair;
    size_t inner; /* where V begins in KV<int64, V> */
} inside;

static beamc_error *stamped_value_type(const beamc_dofn *dofn BEAMC_UNUSED,
                                       const beamc_type *input, const void *config BEAMC_UNUSED,
                                       beamc_arena *arena, beamc_dofn_types *out)
{
    BEAMC_TRY(beamc__shape_need_kv(input));
    const beamc_type *value = beamc_type_kv(arena, BEAMC_TYPE(int64), input->fields[1].type);
    return beamc__shape_told(&out->output,
                             value == NULL ? NULL
                                           : beamc_type_kv(arena, input->fields[0].type, value));
}

static beamc_error *setup_stamp(beamc_context *ctx)
{
    inside *self = beamc_instance(ctx);

    BEAMC_TRY(beamc__pair_setup(ctx));
    const beamc_type *out = beamc__shape_bare(ctx->output_types[0]);
    const beamc_type *stamped = beamc__shape_bare(out->fields[1].type);
    self->inner = beamc_kv_value_offset(stamped);
    self->pair.value_size = stamped->fields[1].type->size;
    return NULL;
}

static beamc_error *stamp_value(beamc_context *ctx, const void *element)
{
    const inside *self = beamc_instance(ctx);
    const beamc__pair *pair = &self->pair;
    char *value = pair->out + pair->out_value;

    beamc__shape_move(pair->out, element, pair->key_size);
    *(int64_t *)(void *)value = beamc_context_timestamp(ctx);
    beamc__shape_move(value + self->inner, (const char *)element + pair->in_value,
                      pair->value_size);
    return beamc_emit_value(ctx, 0, pair->out);
}

static const beamc_dofn beamc_stamp_value_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_stamp_value_fn" },
    .process = stamp_value,
    .setup = setup_stamp,
    .teardown = beamc__pair_teardown,
    .instance_size = sizeof(inside),
    .infer = stamped_value_type,
};
BEAMC_REGISTER(beamc_stamp_value_fn)

static beamc_error *unstamped_value_type(const beamc_dofn *dofn BEAMC_UNUSED,
                                         const beamc_type *input, const void *config BEAMC_UNUSED,
                                         beamc_arena *arena, beamc_dofn_types *out)
{
    BEAMC_TRY(beamc__shape_need_kv(input));
    const beamc_type *stamped = input->fields[1].type;

    BEAMC_TRY(beamc__shape_need_kv(stamped));
    return beamc__shape_told(&out->output, beamc_type_kv(arena, input->fields[0].type,
                                                         stamped->fields[1].type));
}

static beamc_error *setup_unstamp(beamc_context *ctx)
{
    inside *self = beamc_instance(ctx);

    BEAMC_TRY(beamc__pair_setup(ctx));
    const beamc_type *stamped = beamc__shape_bare(beamc__shape_bare(ctx->input)->fields[1].type);
    self->inner = self->pair.in_value + beamc_kv_value_offset(stamped);
    return NULL;
}

static beamc_error *unstamp_value(beamc_context *ctx, const void *element)
{
    const inside *self = beamc_instance(ctx);
    const beamc__pair *pair = &self->pair;

    beamc__shape_move(pair->out, element, pair->key_size);
    beamc__shape_move(pair->out + pair->out_value, (const char *)element + self->inner,
                      pair->value_size);
    return beamc_emit_value(ctx, 0, pair->out);
}

static const beamc_dofn beamc_unstamp_value_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_unstamp_value_fn" },
    .process = unstamp_value,
    .setup = setup_unstamp,
    .teardown = beamc__pair_teardown,
    .instance_size = sizeof(inside),
    .infer = unstamped_value_type,
};
BEAMC_REGISTER(beamc_unstamp_value_fn)

beamc_pcollection beamc_latest_per_key_at(beamc_location at, beamc_pcollection in)
{
    beamc_enter_at(at, in.pipeline, "LatestPerKey", NULL);
    beamc_pcollection stamped = beamc__step(at, in, "Stamp", &beamc_stamp_value_fn, NULL);
    beamc_pcollection last = beamc__step_per_key(at, stamped, "Combine", &beamc_max_fn, NULL);
    return beamc__leave(at, beamc__step(at, last, "Unstamp", &beamc_unstamp_value_fn, NULL));
}
