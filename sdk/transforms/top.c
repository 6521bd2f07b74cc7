/* SPDX-License-Identifier: Apache-2.0 */
/* Top. */
#include "sdk/transforms/top.h"

#include "sdk/transforms/best.h"
#include "sdk/transforms/shape.h"
#include <beamc/aggregate.h>
#include <inttypes.h>

static beamc_error *order_of(beamc__best_order *out, const beamc_type *type,
                             const beamc__top_config *config)
{
    memset(out, 0, sizeof(*out));
    out->type = type;
    out->limit = (size_t)config->count;
    out->smallest = config->smallest;
    if (config->field.size == 0)
        return NULL;
    return beamc__shape_field(&out->field, &out->field_offset, type, config->field);
}

static beamc_error *order_in(beamc__best_order *out, const beamc_combine_context *ctx)
{
    const beamc_type *type = beamc__shape_bare(ctx->accumulator)->fields[0].type;

    return order_of(out, type, ctx->config);
}

static beamc_error *infer_top(const beamc_combine_fn *fn BEAMC_UNUSED, const beamc_type *input,
                              const void *config, beamc_arena *arena, beamc_combine_types *out)
{
    const beamc__top_config *told = config;
    beamc__best_order order;

    if (told->count <= 0)
        return beamc_error_new(BEAMC_EINVAL, "a count of %" PRId64, told->count);
    BEAMC_TRY(order_of(&order, input, told));
    BEAMC_TRY(beamc__shape_told(&out->accumulator, beamc_type_iterable(arena, input)));
    out->output = out->accumulator;
    return NULL;
}

static beamc_error *top_create(beamc_combine_context *ctx, void *accumulator)
{
    *(beamc_iterable *)accumulator =
        beamc__best_new(beamc__shape_bare(ctx->accumulator)->fields[0].type);
    return NULL;
}

static beamc_error *top_add(beamc_combine_context *ctx, void *accumulator, const void *input)
{
    beamc__best_order order;

    BEAMC_TRY(order_in(&order, ctx));
    return beamc__best_add(accumulator, &order, input, ctx->arena);
}

static beamc_error *top_merge(beamc_combine_context *ctx, void *accumulator, void *other)
{
    beamc__best_order order;

    BEAMC_TRY(order_in(&order, ctx));
    return beamc__best_merge(accumulator, &order, other, ctx->arena);
}

static beamc_error *top_extract(beamc_combine_context *ctx, void *accumulator, void *output)
{
    beamc__best_order order;

    BEAMC_TRY(order_in(&order, ctx));
    return beamc__best_sorted(output, accumulator, &order, ctx->arena);
}

static void show_top(const void *config, beamc_display *display)
{
    const beamc__top_config *shown = config;

    beamc_display_int64(display, "count", "Number of elements", shown->count);
    beamc_display_bool(display, "smallest", "Smallest first", shown->smallest);
    if (shown->field.size > 0)
        beamc_display_string(display, "field", "Ordered by", shown->field);
}

const beamc_combine_fn beamc__top_fn = {
    .function = { BEAMC_FUNCTION_COMBINE, "beamc_top_fn" },
    .create = top_create,
    .add = top_add,
    .merge = top_merge,
    .extract = top_extract,
    .config = BEAMC_TYPE(beamc__top_config),
    .infer = infer_top,
    .display = show_top,
};
BEAMC_REGISTER(beamc__top_fn)

static beamc__top_config config_of(beamc_top_options options)
{
    beamc__top_config config = { options.count, options.smallest,
                                 beamc_string_of(options.field == NULL ? "" : options.field) };

    return config;
}

beamc_pcollection beamc_top_globally_at(beamc_location at, beamc_pcollection in,
                                        beamc_top_options options)
{
    const beamc__top_config config = config_of(options);

    return beamc__apply_globally(at, in, "TopGlobally", &beamc__top_fn, &config, true);
}

beamc_pcollection beamc_top_per_key_at(beamc_location at, beamc_pcollection in,
                                       beamc_top_options options)
{
    const beamc__top_config config = config_of(options);

    return beamc__apply_per_key(at, in, "TopPerKey", &beamc__top_fn, &config);
}
