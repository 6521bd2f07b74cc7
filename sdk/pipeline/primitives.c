/* SPDX-License-Identifier: Apache-2.0 */
/* The transforms of the model itself, beside ParDo: Impulse, GroupByKey, Flatten, WindowInto. */
#include "sdk/pipeline/graph.h"
#include "sdk/windowing/window_fn.h"

/* ---- Impulse ---------------------------------------------------------------------------------- */

beamc_pcollection beamc_impulse_at(beamc_location at, beamc_pipeline *pipeline)
{
    beamc_windowing global = beamc_global_windows();

    if (!beamc__pipeline_is_good(pipeline))
        return beamc__no_collection(pipeline);
    beamc__transform *impulse =
        beamc__transform_add(pipeline, at, BEAMC__TRANSFORM_IMPULSE, "Impulse");
    if (impulse == NULL || !beamc__transform_ports(pipeline, impulse, 0, 1))
        return beamc__no_collection(pipeline);
    return beamc__handle(pipeline, beamc__output_add(pipeline, impulse, 0, "output",
                                                     &beamc_type_bytes, &global));
}

/* ---- transforms of one input ------------------------------------------------------------------ */

static beamc_pcollection add_simple(beamc_location at, beamc_pipeline *pipeline,
                                    beamc__transform_kind kind, const char *name,
                                    beamc__collection *in, const beamc_type *type,
                                    const beamc_windowing *windowing)
{
    beamc__transform *transform = beamc__transform_add(pipeline, at, kind, name);

    if (transform == NULL || !beamc__transform_ports(pipeline, transform, 1, 1))
        return beamc__no_collection(pipeline);
    transform->inputs[0].tag = "input";
    transform->inputs[0].collection = in;
    return beamc__handle(pipeline,
                         beamc__output_add(pipeline, transform, 0, "output", type, windowing));
}

beamc_pcollection beamc__group_by_key_add(beamc_location at, beamc_pcollection in)
{
    const char *name = beamc__next_name(in.pipeline, "GroupByKey");
    beamc__collection *from = beamc__collection_of(in.pipeline, at, in, name);

    if (from == NULL)
        return beamc__no_collection(in.pipeline);
    beamc_arena *arena = in.pipeline->arena;
    const beamc_type *kv = from->type;
    const beamc_type *grouped = beamc__type_made(
        in.pipeline,
        beamc_type_kv(arena, kv->fields[0].type, beamc_type_iterable(arena, kv->fields[1].type)));
    if (grouped == NULL)
        return beamc__no_collection(in.pipeline);
    return add_simple(at, in.pipeline, BEAMC__TRANSFORM_GROUP_BY_KEY, name, from, grouped,
                      &from->windowing);
}

beamc_pcollection beamc_group_by_key_at(beamc_location at, beamc_pcollection in)
{
    if (!beamc__pipeline_is_good(in.pipeline))
        return beamc__no_collection(in.pipeline);
    const char *name = beamc__next_name(in.pipeline, "GroupByKey");
    beamc__collection *from = beamc__collection_of(in.pipeline, at, in, name);
    if (from == NULL || !beamc__require_keyed(in.pipeline, at, name, from))
        return beamc__no_collection(in.pipeline);
    return beamc__group_by_key_add(at, in);
}

beamc_pcollection beamc_window_into_at(beamc_location at, beamc_pcollection in,
                                       beamc_windowing windowing)
{
    if (!beamc__pipeline_is_good(in.pipeline))
        return beamc__no_collection(in.pipeline);
    const char *name = beamc__next_name(in.pipeline, "WindowInto");
    beamc__collection *from = beamc__collection_of(in.pipeline, at, in, name);
    if (from == NULL)
        return beamc__no_collection(in.pipeline);
    beamc_error *err = beamc__windowing_check(&windowing);
    if (err != NULL)
        return beamc__fail_with(in.pipeline, at, beamc_error_wrap(err, "transform %s", name));
    return add_simple(at, in.pipeline, BEAMC__TRANSFORM_WINDOW_INTO, name, from, from->type,
                      &windowing);
}

/* ---- Flatten ---------------------------------------------------------------------------------- */

static bool same_windows(beamc_pipeline *pipeline, beamc_location at, const char *name,
                         const beamc__collection *a, const beamc__collection *b)
{
    beamc_buffer text;

    if (beamc__windowing_equal(&a->windowing, &b->windowing))
        return true;
    beamc_buffer_init(&text);
    beamc__windowing_print(&a->windowing, &text);
    beamc_buffer_append_string(&text, ", but ");
    beamc_buffer_append_string(&text, beamc__producer_name(pipeline, b));
    beamc_buffer_append_string(&text, " in ");
    beamc__windowing_print(&b->windowing, &text);
    if (beamc_buffer_failed(&text))
        beamc__fail_with(pipeline, at, beamc_error_nomem());
    else
        beamc__fail(pipeline, at, BEAMC_EINVAL, "transform %s: %s is in %.*s", name,
                    beamc__producer_name(pipeline, a), (int)text.size, (const char *)text.data);
    beamc_buffer_dispose(&text);
    return false;
}

static bool fits_first(beamc_pipeline *pipeline, beamc_location at, const char *name,
                       const beamc__transform *flatten, size_t index, const beamc_type *type)
{
    const beamc__collection *from = flatten->inputs[index].collection;

    if (!beamc_type_equal(type, from->type)) {
        beamc__fail(pipeline, at, BEAMC_ETYPE, "transform %s: %s gives %s, but the others give %s",
                    name, beamc__producer_name(pipeline, from), from->type->name, type->name);
        return false;
    }
    return same_windows(pipeline, at, name, flatten->inputs[0].collection, from);
}

beamc_pcollection beamc_flatten_at(beamc_location at, beamc_pipeline *pipeline,
                                   const beamc_pcollection *in, size_t count,
                                   const beamc_type *type)
{
    beamc_windowing windowing = beamc_global_windows();

    if (!beamc__pipeline_is_good(pipeline))
        return beamc__no_collection(pipeline);
    if (count > 0 && in == NULL)
        return beamc__fail(pipeline, at, BEAMC_EINVAL, "transform Flatten: %zu inputs at NULL",
                           count);
    if (count == 0 && type == NULL)
        return beamc__fail(pipeline, at, BEAMC_EINVAL,
                           "transform Flatten has neither inputs nor a type");
    beamc__transform *flatten =
        beamc__transform_add(pipeline, at, BEAMC__TRANSFORM_FLATTEN, "Flatten");
    if (flatten == NULL || !beamc__transform_ports(pipeline, flatten, count, 1))
        return beamc__no_collection(pipeline);
    for (size_t i = 0; i < count; i++) {
        beamc__collection *from = beamc__collection_of(pipeline, at, in[i], flatten->name);
        if (from == NULL)
            return beamc__no_collection(pipeline);
        flatten->inputs[i].collection = from;
        flatten->inputs[i].tag = beamc_arena_printf(pipeline->arena, "input_%zu", i + 1);
        if (flatten->inputs[i].tag == NULL)
            return beamc__fail_with(pipeline, at, beamc_error_nomem());
        if (i == 0 && type == NULL)
            type = from->type;
        if (i == 0)
            windowing = from->windowing;
        if (!fits_first(pipeline, at, flatten->name, flatten, i, type))
            return beamc__no_collection(pipeline);
    }
    return beamc__handle(pipeline,
                         beamc__output_add(pipeline, flatten, 0, "output", type, &windowing));
}
