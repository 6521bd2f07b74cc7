/* SPDX-License-Identifier: Apache-2.0 */
/* Create: values of the program as a PCollection.  They travel encoded, as the configuration of a
 * DoFn that an Impulse starts. */
#include "sdk/pipeline/graph.h"

BEAMC_KV(created, int64, bytes) /* how many; nested encodings one after the other */

static beamc_error *emit_created(beamc_context *ctx, const void *element BEAMC_UNUSED)
{
    const created *config = (const created *)beamc_config(ctx);
    const beamc_type *type = ctx->output_types[0];
    beamc_reader in = beamc_reader_of(config->value.data, config->value.size);
    void *value = beamc_alloc(ctx, type->size);

    if (value == NULL)
        return beamc_error_nomem();
    for (int64_t i = 0; i < config->key; i++) {
        beamc_arena_mark mark = beamc_arena_save(ctx->arena);
        int rc = beamc_decode(type, value, true, &in, ctx->arena);
        if (rc < 0)
            return beamc_error_new((beamc_code)rc, "created element %lld: %s", (long long)i,
                                   beamc_code_text(rc));
        BEAMC_TRY(beamc_emit_value(ctx, 0, value));
        beamc_arena_rewind(ctx->arena, mark);
    }
    return NULL;
}

static void display_created(const void *config, beamc_display *display)
{
    beamc_display_int64(display, "count", "Elements", ((const created *)config)->key);
}

static const beamc_dofn create_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc.create" },
    .input = &beamc_type_bytes,
    .process = emit_created,
    .config = &beamc_type_created,
    .display = display_created,
};
BEAMC_REGISTER(create_fn)

static beamc_error *encode_values(beamc_buffer *out, const beamc_type *type, const void *values,
                                  size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int rc = beamc_encode(type, (const char *)values + i * type->size, true, out);
        if (rc < 0)
            return beamc_error_new((beamc_code)rc, "element %zu: %s", i, beamc_code_text(rc));
    }
    return beamc_buffer_failed(out) ? beamc_error_nomem() : NULL;
}

static beamc_pcollection add_create(beamc_location at, beamc_pipeline *pipeline,
                                    const beamc_type *type, const created *config)
{
    beamc__transform *composite = beamc__composite_enter(pipeline, at, "Create", NULL);
    if (composite == NULL)
        return beamc__no_collection(pipeline);
    beamc_par_do_options options = { .config = config };
    beamc__par_do_spec spec = {
        .name = "Values", .dofn = &create_fn, .options = &options, .output = type
    };
    beamc_pcollection values = beamc__par_do_add(at, beamc_impulse_at(at, pipeline), &spec);
    return beamc__composite_leave(pipeline, composite, values);
}

beamc_pcollection beamc_create_at(beamc_location at, beamc_pipeline *pipeline,
                                  const beamc_type *type, const void *values, size_t count)
{
    beamc_buffer bytes;

    if (!beamc__pipeline_is_good(pipeline))
        return beamc__no_collection(pipeline);
    const char *name = beamc__next_name(pipeline, "Create");
    if (type == NULL)
        return beamc__fail(pipeline, at, BEAMC_EINVAL, "transform %s is given no type", name);
    if (values == NULL && count > 0 && type->size > 0)
        return beamc__fail(pipeline, at, BEAMC_EINVAL, "transform %s: %zu values at NULL", name,
                           count);
    beamc_buffer_init(&bytes);
    beamc_error *err = encode_values(&bytes, type, values, count);
    beamc_pcollection out;
    if (err != NULL) {
        out = beamc__fail_with(pipeline, at, beamc_error_wrap(err, "transform %s", name));
    } else {
        created config = { (int64_t)count, { bytes.data, bytes.size } };
        out = add_create(at, pipeline, type, &config);
    }
    beamc_buffer_dispose(&bytes);
    return out;
}
