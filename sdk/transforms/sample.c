/* SPDX-License-Identifier: Apache-2.0 */
/* Sample: each element draws a number and the smallest numbers win.
 *
 * The number is a hash of the element's encoding, so it does not matter which worker draws it, nor
 * when.  Equal elements would draw equal numbers and win or lose together, so they are counted
 * first and the i-th of them draws hash(seed, element, i):
 *
 *     SampleGlobally   T -> KV<T, count> -> count times KV<number, T> -> Top -> Iterable<T>
 *     SamplePerKey     KV<K, V> -> KV<KV<K, V>, count> -> count times KV<K, KV<number, V>>
 *                        -> Top per key -> KV<K, Iterable<V>>
 *
 * SampleAny promises no equal chances and does without the counting. */
#include <beamc/aggregate.h>

#include "sdk/base/hash.h"
#include "sdk/transforms/shape.h"
#include "sdk/transforms/top.h"
#include "sdk/types/layout.h"
#include <inttypes.h>
#include <stdlib.h>

#define SAMPLE(F) F(int64, seed)
BEAMC_ROW(sample_config, SAMPLE)

/* A value of a KV<int64, T>, where numbers are drawn and winners unpacked. */
typedef struct {
    beamc__pair pair;
    beamc_arena *types;     /* of `drawn` */
    const beamc_type *drawn; /* whose encoding is hashed; without length prefixes */
    beamc_buffer bytes;
    size_t drawn_offset;  /* in the element */
    size_t number_offset; /* in the output */
    size_t value_offset;
} draw;

static void teardown_draw(beamc_context *ctx)
{
    draw *self = beamc_instance(ctx);

    beamc__pair_teardown(ctx);
    beamc_buffer_dispose(&self->bytes);
    beamc_arena_free(self->types);
    self->types = NULL;
}

static beamc_error *open_draw(beamc_context *ctx, const beamc_type *drawn)
{
    draw *self = beamc_instance(ctx);

    BEAMC_TRY(beamc__pair_setup(ctx));
    beamc_buffer_init(&self->bytes);
    self->types = beamc_arena_new();
    if (self->types == NULL)
        return beamc_error_nomem();
    self->drawn = beamc__shape_strip(self->types, drawn);
    return self->drawn == NULL ? beamc_error_nomem() : NULL;
}

static beamc_error *hash_value(uint64_t *out, draw *self, const void *value)
{
    beamc_buffer_clear(&self->bytes);
    int rc = beamc_encode(self->drawn, value, false, &self->bytes);
    if (rc == BEAMC_OK && beamc_buffer_failed(&self->bytes))
        rc = BEAMC_ENOMEM;
    if (rc < 0)
        return beamc_error_new((beamc_code)rc, "encoding %s", self->drawn->name);
    *out = beamc__hash(self->bytes.data, self->bytes.size);
    return NULL;
}

/* What the value with this hash draws as the @index-th of its equals. */
static int64_t number_of(uint64_t hash, int64_t seed, int64_t index)
{
    uint64_t own = hash + UINT64_C(0x9e3779b97f4a7c15) * ((uint64_t)index + 1);

    return (int64_t)beamc__hash_mix(beamc__hash_mix(own ^ UINT64_C(0xd6e8feb86659fd93),
                                                    (uint64_t)seed ^ UINT64_C(0xa0761d6478bd642f)),
                                    own | 1);
}

/* ---- drawing --------------------------------------------------------------------------------- */

static beamc_error *numbered_type(const beamc_dofn *dofn BEAMC_UNUSED, const beamc_type *input,
                                  const void *config BEAMC_UNUSED, beamc_arena *arena,
                                  beamc_dofn_types *out)
{
    return beamc__shape_told(&out->output, beamc_type_kv(arena, BEAMC_TYPE(int64), input));
}

static beamc_error *setup_number(beamc_context *ctx)
{
    return open_draw(ctx, ctx->input);
}

static beamc_error *emit_number(beamc_context *ctx, const void *element)
{
    draw *self = beamc_instance(ctx);
    uint64_t hash;

    BEAMC_TRY(hash_value(&hash, self, element));
    *(int64_t *)(void *)self->pair.out = number_of(hash, 0, 0);
    beamc__shape_move(self->pair.out + self->pair.out_value, element, self->pair.value_size);
    return beamc_emit_value(ctx, 0, self->pair.out);
}

static const beamc_dofn beamc_sample_number_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_sample_number_fn" },
    .process = emit_number,
    .setup = setup_number,
    .teardown = teardown_draw,
    .instance_size = sizeof(draw),
    .infer = numbered_type,
};
BEAMC_REGISTER(beamc_sample_number_fn)

/* These are parts of composites, where they get what they take; a worker may be sent anything. */
static beamc_error *need_counted(const beamc_type *type)
{
    BEAMC_TRY(beamc__shape_need_kv(type));
    if (type->fields[1].type->kind == BEAMC_KIND_INT64)
        return NULL;
    return beamc_error_new(BEAMC_ETYPE, "takes KV<T, int64>, but gets %s", type->name);
}

static beamc_error *need_numbered(const beamc_type *type)
{
    BEAMC_TRY(beamc__shape_need_iterable(type));
    BEAMC_TRY(beamc__shape_need_kv(type->fields[0].type));
    if (type->fields[0].type->fields[0].type->kind == BEAMC_KIND_INT64)
        return NULL;
    return beamc_error_new(BEAMC_ETYPE, "takes Iterable<KV<int64, T>>, but gets %s", type->name);
}

/* KV<T, int64> -> KV<int64, T> */
static beamc_error *drawn_type(const beamc_dofn *dofn BEAMC_UNUSED, const beamc_type *input,
                               const void *config BEAMC_UNUSED, beamc_arena *arena,
                               beamc_dofn_types *out)
{
    BEAMC_TRY(need_counted(input));
    return beamc__shape_told(&out->output,
                             beamc_type_kv(arena, BEAMC_TYPE(int64), input->fields[0].type));
}

static beamc_error *setup_drawn(beamc_context *ctx)
{
    draw *self = beamc_instance(ctx);

    BEAMC_TRY(open_draw(ctx, beamc__shape_bare(ctx->input)->fields[0].type));
    self->value_offset = self->pair.out_value;
    return NULL;
}

/* Emits the output, which has its value, once for each of the equal elements. */
static beamc_error *emit_draws(beamc_context *ctx, const void *element)
{
    draw *self = beamc_instance(ctx);
    const sample_config *config = beamc_config(ctx);
    int64_t count = *(const int64_t *)beamc__at(element, self->pair.in_value);
    uint64_t hash;

    BEAMC_TRY(hash_value(&hash, self, beamc__at(element, self->drawn_offset)));
    for (int64_t i = 0; i < count; i++) {
        *(int64_t *)(void *)(self->pair.out + self->number_offset) =
            number_of(hash, config->seed, i);
        BEAMC_TRY(beamc_emit_value(ctx, 0, self->pair.out));
    }
    return NULL;
}

static beamc_error *draw_global(beamc_context *ctx, const void *element)
{
    draw *self = beamc_instance(ctx);

    beamc__shape_move(self->pair.out + self->value_offset, element, self->drawn->size);
    return emit_draws(ctx, element);
}

static void show_sample(const void *config, beamc_display *display)
{
    beamc_display_int64(display, "seed", "Seed", ((const sample_config *)config)->seed);
}

static const beamc_dofn beamc_sample_draw_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_sample_draw_fn" },
    .process = draw_global,
    .setup = setup_drawn,
    .teardown = teardown_draw,
    .config = BEAMC_TYPE(sample_config),
    .instance_size = sizeof(draw),
    .infer = drawn_type,
    .display = show_sample,
};
BEAMC_REGISTER(beamc_sample_draw_fn)

/* KV<KV<K, V>, int64> -> KV<K, KV<int64, V>> */
static beamc_error *drawn_value_type(const beamc_dofn *dofn BEAMC_UNUSED, const beamc_type *input,
                                     const void *config BEAMC_UNUSED, beamc_arena *arena,
                                     beamc_dofn_types *out)
{
    BEAMC_TRY(need_counted(input));
    const beamc_type *kv = input->fields[0].type;

    BEAMC_TRY(beamc__shape_need_kv(kv));
    const beamc_type *numbered = beamc_type_kv(arena, BEAMC_TYPE(int64), kv->fields[1].type);
    return beamc__shape_told(&out->output,
                             numbered == NULL ? NULL
                                              : beamc_type_kv(arena, kv->fields[0].type, numbered));
}

static beamc_error *setup_drawn_value(beamc_context *ctx)
{
    draw *self = beamc_instance(ctx);
    const beamc_type *kv = beamc__shape_bare(beamc__shape_bare(ctx->input)->fields[0].type);
    const beamc_type *out = beamc__shape_bare(ctx->output_types[0]);

    BEAMC_TRY(open_draw(ctx, kv->fields[1].type));
    self->drawn_offset = beamc_kv_value_offset(kv);
    self->number_offset = self->pair.out_value;
    self->value_offset = self->pair.out_value +
                         beamc_kv_value_offset(beamc__shape_bare(out->fields[1].type));
    return NULL;
}

static beamc_error *draw_per_key(beamc_context *ctx, const void *element)
{
    draw *self = beamc_instance(ctx);

    beamc__shape_move(self->pair.out, element, self->pair.key_size);
    beamc__shape_move(self->pair.out + self->value_offset,
                      beamc__at(element, self->drawn_offset), self->drawn->size);
    return emit_draws(ctx, element);
}

static const beamc_dofn beamc_sample_draw_per_key_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_sample_draw_per_key_fn" },
    .process = draw_per_key,
    .setup = setup_drawn_value,
    .teardown = teardown_draw,
    .config = BEAMC_TYPE(sample_config),
    .instance_size = sizeof(draw),
    .infer = drawn_value_type,
    .display = show_sample,
};
BEAMC_REGISTER(beamc_sample_draw_per_key_fn)

/* ---- the winners ----------------------------------------------------------------------------- */

/* Where the KV<int64, T>s of an iterable lie, and where in them T does. */
typedef struct {
    beamc__pair pair;
    const beamc_type *numbered;
    const beamc_type *value;
    size_t value_offset;
    void *room; /* for a KV<int64, T> */
} winners;

static beamc_error *open_winners(beamc_context *ctx, const beamc_type *iterable)
{
    winners *self = beamc_instance(ctx);

    BEAMC_TRY(beamc__pair_setup(ctx));
    self->numbered = beamc__shape_bare(beamc__shape_bare(iterable)->fields[0].type);
    self->value = self->numbered->fields[1].type;
    self->value_offset = beamc_kv_value_offset(self->numbered);
    self->room = malloc(self->numbered->size + 1);
    return self->room == NULL ? beamc_error_nomem() : NULL;
}

static void teardown_winners(beamc_context *ctx)
{
    winners *self = beamc_instance(ctx);

    beamc__pair_teardown(ctx);
    free(self->room);
    self->room = NULL;
}

/* The values without their numbers, in memory of this call. */
static beamc_error *strip_numbers(beamc_iterable *out, const winners *self,
                                  const beamc_iterable *numbered, beamc_arena *arena)
{
    beamc_iterator iterator;
    int64_t count;
    size_t filled = 0;
    int rc = BEAMC_OK;

    BEAMC_TRY(beamc_iterable_count(&count, numbered));
    char *values = beamc_arena_calloc(arena, (size_t)count, self->value->size);
    if (values == NULL)
        return beamc_error_nomem();
    beamc_iterate(&iterator, numbered);
    while (rc == BEAMC_OK && filled < (size_t)count && beamc_next(&iterator, self->room))
        rc = beamc_copy(self->value, values + self->value->size * filled++,
                        beamc__at(self->room, self->value_offset), arena);
    BEAMC_TRY(beamc_iterator_finish(&iterator));
    if (rc < 0)
        return beamc_error_new((beamc_code)rc, "a sampled value of %s", self->value->name);
    *out = beamc_iterable_of_array(self->value, values, filled);
    return NULL;
}

/* Iterable<KV<int64, T>> -> T */
static beamc_error *single_type(const beamc_dofn *dofn BEAMC_UNUSED, const beamc_type *input,
                                const void *config BEAMC_UNUSED, beamc_arena *arena BEAMC_UNUSED,
                                beamc_dofn_types *out)
{
    BEAMC_TRY(need_numbered(input));
    out->output = input->fields[0].type->fields[1].type;
    return NULL;
}

static beamc_error *setup_single(beamc_context *ctx)
{
    return open_winners(ctx, ctx->input);
}

static beamc_error *emit_each(beamc_context *ctx, const void *element)
{
    const winners *self = beamc_instance(ctx);
    beamc_iterator iterator;
    beamc_error *err = NULL;

    beamc_iterate(&iterator, element);
    while (err == NULL && beamc_next(&iterator, self->room))
        err = beamc_emit_value(ctx, 0, beamc__at(self->room, self->value_offset));
    beamc_error *walk = beamc_iterator_finish(&iterator);
    if (err == NULL)
        return walk;
    beamc_error_free(walk); /* the first error is the one to tell */
    return err;
}

static const beamc_dofn beamc_sample_each_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_sample_each_fn" },
    .process = emit_each,
    .setup = setup_single,
    .teardown = teardown_winners,
    .instance_size = sizeof(winners),
    .infer = single_type,
};
BEAMC_REGISTER(beamc_sample_each_fn)

/* Iterable<KV<int64, T>> -> Iterable<T> */
static beamc_error *sample_type(const beamc_dofn *dofn BEAMC_UNUSED, const beamc_type *input,
                                const void *config BEAMC_UNUSED, beamc_arena *arena,
                                beamc_dofn_types *out)
{
    BEAMC_TRY(need_numbered(input));
    return beamc__shape_told(
        &out->output, beamc_type_iterable(arena, input->fields[0].type->fields[1].type));
}

static beamc_error *emit_sample(beamc_context *ctx, const void *element)
{
    beamc_iterable sample;

    BEAMC_TRY(strip_numbers(&sample, beamc_instance(ctx), element, ctx->arena));
    return beamc_emit_value(ctx, 0, &sample);
}

static const beamc_dofn beamc_sample_strip_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_sample_strip_fn" },
    .process = emit_sample,
    .setup = setup_single,
    .teardown = teardown_winners,
    .instance_size = sizeof(winners),
    .infer = sample_type,
};
BEAMC_REGISTER(beamc_sample_strip_fn)

/* KV<K, Iterable<KV<int64, V>>> -> KV<K, Iterable<V>> */
static beamc_error *sample_value_type(const beamc_dofn *dofn BEAMC_UNUSED, const beamc_type *input,
                                      const void *config BEAMC_UNUSED, beamc_arena *arena,
                                      beamc_dofn_types *out)
{
    BEAMC_TRY(beamc__shape_need_kv(input));
    BEAMC_TRY(need_numbered(input->fields[1].type));
    const beamc_type *numbered = input->fields[1].type->fields[0].type;
    const beamc_type *sample = beamc_type_iterable(arena, numbered->fields[1].type);

    return beamc__shape_told(&out->output,
                             sample == NULL ? NULL
                                            : beamc_type_kv(arena, input->fields[0].type, sample));
}

static beamc_error *setup_per_key(beamc_context *ctx)
{
    return open_winners(ctx, beamc__shape_bare(ctx->input)->fields[1].type);
}

static beamc_error *emit_sample_per_key(beamc_context *ctx, const void *element)
{
    const winners *self = beamc_instance(ctx);
    const beamc__pair *pair = &self->pair;

    beamc__shape_move(pair->out, element, pair->key_size);
    BEAMC_TRY(strip_numbers((beamc_iterable *)(void *)(pair->out + pair->out_value), self,
                            beamc__at(element, pair->in_value), ctx->arena));
    return beamc_emit_value(ctx, 0, pair->out);
}

static const beamc_dofn beamc_sample_strip_per_key_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_sample_strip_per_key_fn" },
    .process = emit_sample_per_key,
    .setup = setup_per_key,
    .teardown = teardown_winners,
    .instance_size = sizeof(winners),
    .infer = sample_value_type,
};
BEAMC_REGISTER(beamc_sample_strip_per_key_fn)

/* ---- the transforms -------------------------------------------------------------------------- */

static beamc_error *check_count(int64_t count)
{
    if (count > 0)
        return NULL;
    return beamc_error_new(BEAMC_EINVAL, "a sample of %" PRId64 " elements", count);
}

static beamc__top_config smallest_of(int64_t count)
{
    beamc__top_config config = { .count = count, .smallest = true, .field = { "", 0 } };

    return config;
}

beamc_pcollection beamc_sample_any_at(beamc_location at, beamc_pcollection in, int64_t count)
{
    const beamc__top_config top = smallest_of(count);
    beamc_error *err = check_count(count);

    if (err != NULL)
        return beamc__refuse(at, in, "SampleAny", err);
    beamc_enter_at(at, in.pipeline, "SampleAny", NULL);
    beamc_pcollection drawn = beamc__step(at, in, "Draw", &beamc_sample_number_fn, NULL);
    beamc_pcollection won =
        beamc__step_globally(at, drawn, "Combine", &beamc__top_fn, &top, false);
    return beamc__leave(at, beamc__step(at, won, "Each", &beamc_sample_each_fn, NULL));
}

beamc_pcollection beamc_sample_globally_at(beamc_location at, beamc_pcollection in, int64_t count,
                                           int64_t seed)
{
    const beamc__top_config top = smallest_of(count);
    const sample_config config = { seed };
    beamc_error *err = check_count(count);

    if (err != NULL)
        return beamc__refuse(at, in, "SampleGlobally", err);
    beamc_enter_at(at, in.pipeline, "SampleGlobally", NULL);
    beamc_pcollection counted = beamc_count_per_element_at(at, in);
    beamc_pcollection drawn = beamc__step(at, counted, "Draw", &beamc_sample_draw_fn, &config);
    beamc_pcollection won =
        beamc__step_globally(at, drawn, "Combine", &beamc__top_fn, &top, true);
    return beamc__leave(at, beamc__step(at, won, "Strip", &beamc_sample_strip_fn, NULL));
}

beamc_pcollection beamc_sample_per_key_at(beamc_location at, beamc_pcollection in, int64_t count,
                                          int64_t seed)
{
    const beamc__top_config top = smallest_of(count);
    const sample_config config = { seed };
    beamc_error *err = check_count(count);

    if (err != NULL)
        return beamc__refuse(at, in, "SamplePerKey", err);
    beamc_enter_at(at, in.pipeline, "SamplePerKey", NULL);
    beamc_pcollection counted = beamc_count_per_element_at(at, in);
    beamc_pcollection drawn =
        beamc__step(at, counted, "Draw", &beamc_sample_draw_per_key_fn, &config);
    beamc_pcollection won = beamc__step_per_key(at, drawn, "Combine", &beamc__top_fn, &top);
    return beamc__leave(at, beamc__step(at, won, "Strip", &beamc_sample_strip_per_key_fn, NULL));
}
