/* SPDX-License-Identifier: Apache-2.0 */
/* Types of the inputs, and transforms as composites. */
#include "sdk/transforms/shape.h"

#include "sdk/types/layout.h"
#include <stdlib.h>

/* The field of a row or KV by name, its offset added to *@offset. */
static const beamc_type *find_part(const beamc_type *type, beamc_string name, size_t *offset)
{
    size_t at = 0;

    for (size_t i = 0; i < type->field_count; i++) {
        const beamc_field *field = &type->fields[i];
        size_t begin = beamc__next_offset(field->type, &at);
        if (!beamc_string_equal(beamc_string_of(field->name), name))
            continue;
        *offset += begin;
        return field->type;
    }
    return NULL;
}

beamc_error *beamc__shape_field(const beamc_type **out, size_t *offset, const beamc_type *type,
                                beamc_string path)
{
    *offset = 0;
    while (path.size > 0) {
        const char *dot = memchr(path.data, '.', path.size);
        size_t size = dot == NULL ? path.size : (size_t)(dot - path.data);
        size_t step = dot == NULL ? size : size + 1;
        beamc_string name = { path.data, size };
        const beamc_type *bare = beamc__shape_bare(type);
        bool has_parts = bare->kind == BEAMC_KIND_ROW || bare->kind == BEAMC_KIND_KV;
        const beamc_type *part = has_parts ? find_part(bare, name, offset) : NULL;
        if (part == NULL)
            return beamc_error_new(BEAMC_ENOENT, "%s has no field \"%.*s\"", bare->name,
                                   BEAMC_STR(name));
        type = part;
        path.data += step;
        path.size -= step;
    }
    *out = type;
    return NULL;
}

const beamc_type *beamc__shape_strip(beamc_arena *arena, const beamc_type *type)
{
    type = beamc__shape_bare(type);
    switch (type->kind) { /* rows have no length prefixes inside */
    case BEAMC_KIND_KV: {
        const beamc_type *key = beamc__shape_strip(arena, type->fields[0].type);
        const beamc_type *value = beamc__shape_strip(arena, type->fields[1].type);
        return key == NULL || value == NULL ? NULL : beamc_type_kv(arena, key, value);
    }
    case BEAMC_KIND_ITERABLE:
    case BEAMC_KIND_STATE_BACKED_ITERABLE: {
        const beamc_type *element = beamc__shape_strip(arena, type->fields[0].type);
        return element == NULL ? NULL : beamc_type_iterable(arena, element);
    }
    case BEAMC_KIND_NULLABLE: {
        const beamc_type *value = beamc__shape_strip(arena, type->fields[0].type);
        return value == NULL ? NULL : beamc_type_nullable(arena, value);
    }
    default:
        return type;
    }
}

beamc_error *beamc__shape_need_kv(const beamc_type *type)
{
    if (beamc__shape_bare(type)->kind == BEAMC_KIND_KV)
        return NULL;
    return beamc_error_new(BEAMC_ETYPE, "takes KV<K, V>, but gets %s", type->name);
}

beamc_error *beamc__shape_need_iterable(const beamc_type *type)
{
    if (beamc__shape_is_iterable(beamc__shape_bare(type)))
        return NULL;
    return beamc_error_new(BEAMC_ETYPE, "takes Iterable<T>, but gets %s", type->name);
}

beamc_error *beamc__shape_told(const beamc_type **out, const beamc_type *made)
{
    *out = made;
    return made == NULL ? beamc_error_nomem() : NULL;
}

/* ---- the graph ------------------------------------------------------------------------------- */

beamc_pcollection beamc__step(beamc_location at, beamc_pcollection in, const char *step,
                              const beamc_dofn *dofn, const void *config)
{
    const beamc_par_do_options options = { .config = config };

    return beamc_par_do_at(at, beamc_named(in, step), dofn, &options);
}

beamc_pcollection beamc__step_globally(beamc_location at, beamc_pcollection in, const char *step,
                                       const beamc_combine_fn *fn, const void *config,
                                       bool has_empty)
{
    bool global = beamc_pcollection_windowing(in).kind == BEAMC_WINDOW_GLOBAL;
    const beamc_combine_options options = { .config = config,
                                            .without_default = !has_empty || !global };

    return beamc_combine_globally_at(at, beamc_named(in, step), fn, &options);
}

beamc_pcollection beamc__step_per_key(beamc_location at, beamc_pcollection in, const char *step,
                                      const beamc_combine_fn *fn, const void *config)
{
    const beamc_combine_options options = { .config = config };

    return beamc_combine_per_key_at(at, beamc_named(in, step), fn, &options);
}

beamc_pcollection beamc__leave(beamc_location at, beamc_pcollection out)
{
    beamc_leave_at(at, out.pipeline, &out, 1);
    return out;
}

beamc_pcollection beamc__apply(beamc_location at, beamc_pcollection in, const char *name,
                               const beamc_dofn *dofn, const void *config)
{
    beamc_enter_at(at, in.pipeline, name, NULL);
    return beamc__leave(at, beamc__step(at, in, "ParDo", dofn, config));
}

beamc_pcollection beamc__apply_globally(beamc_location at, beamc_pcollection in, const char *name,
                                        const beamc_combine_fn *fn, const void *config,
                                        bool has_empty)
{
    beamc_enter_at(at, in.pipeline, name, NULL);
    return beamc__leave(at, beamc__step_globally(at, in, "Combine", fn, config, has_empty));
}

beamc_pcollection beamc__apply_per_key(beamc_location at, beamc_pcollection in, const char *name,
                                       const beamc_combine_fn *fn, const void *config)
{
    beamc_enter_at(at, in.pipeline, name, NULL);
    return beamc__leave(at, beamc__step_per_key(at, in, "Combine", fn, config));
}

beamc_pcollection beamc__refuse(beamc_location at, beamc_pcollection in, const char *name,
                                beamc_error *take_error)
{
    beamc_pcollection none = { in.pipeline, 0 };

    beamc_pipeline_fail(in.pipeline, at, beamc_error_wrap(take_error, "%s", name));
    return none;
}

/* ---- instances ------------------------------------------------------------------------------- */

beamc_error *beamc__pair_setup(beamc_context *ctx)
{
    beamc__pair *pair = beamc_instance(ctx);
    const beamc_type *in = beamc__shape_bare(ctx->input);
    const beamc_type *out = beamc__shape_bare(ctx->output_types[0]);

    pair->in_size = in->size;
    if (in->kind == BEAMC_KIND_KV)
        pair->in_value = beamc_kv_value_offset(in);
    if (out->kind == BEAMC_KIND_KV) {
        pair->out_value = beamc_kv_value_offset(out);
        pair->key_size = out->fields[0].type->size;
        pair->value_size = out->fields[1].type->size;
    }
    pair->out = calloc(1, out->size > 0 ? out->size : 1);
    return pair->out == NULL ? beamc_error_nomem() : NULL;
}

void beamc__pair_teardown(beamc_context *ctx)
{
    beamc__pair *pair = beamc_instance(ctx);

    free(pair->out);
    pair->out = NULL;
}
