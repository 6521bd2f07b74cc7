/* SPDX-License-Identifier: Apache-2.0 */
/* A CombineFn: many values into one, by way of an accumulator, in any order and grouping.
 *
 *     BEAMC_COMBINE(sum_cents, int64, int64, int64)
 *
 * declares and gathers four functions that the program then defines:
 *
 *     static beamc_error *sum_cents_create(beamc_combine_context *ctx, int64_t *accumulator);
 *     static beamc_error *sum_cents_add(ctx, int64_t *accumulator, const int64_t *input);
 *     static beamc_error *sum_cents_merge(ctx, int64_t *accumulator, int64_t *other);
 *     static beamc_error *sum_cents_extract(ctx, int64_t *accumulator, int64_t *output);
 *
 * Memory that an accumulator points to comes from ctx->arena, which lives as long as it.  Inputs
 * and @other are borrowed for the call: copy what is kept (beamc_copy).  The result must not depend
 * on order or grouping.  @other may be changed by merge.  Never two calls at once for one copy. */
#ifndef BEAMC_COMBINE_H
#define BEAMC_COMBINE_H

#include <beamc/dofn.h>

BEAMC_EXTERN_C_BEGIN

typedef struct {
    beamc_arena *arena;
    const void *config; /* NULL if it has none */
    const beamc_type *accumulator;
    const beamc_type *input;  /* NULL where only accumulators are at hand: in merge, extract */
    const beamc_type *output; /* NULL likewise: in create, add, merge, compact */
} beamc_combine_context;

/* The types of one use, for tables that leave them open. */
typedef struct {
    const beamc_type *accumulator;
    const beamc_type *output;
} beamc_combine_types;

typedef struct beamc_combine_fn {
    beamc_function function;
    const beamc_type *input;       /* NULL: any, see infer */
    const beamc_type *accumulator; /* NULL: told by infer */
    const beamc_type *output;      /* NULL: told by infer */
    beamc_error *(*create)(beamc_combine_context *ctx, void *accumulator);
    beamc_error *(*add)(beamc_combine_context *ctx, void *accumulator, const void *input);
    beamc_error *(*merge)(beamc_combine_context *ctx, void *accumulator, void *other);
    beamc_error *(*extract)(beamc_combine_context *ctx, void *accumulator, void *output);
    /* all that follows may be left 0 */
    /** Makes an accumulator smaller before it is sent. */
    beamc_error *(*compact)(beamc_combine_context *ctx, void *accumulator);
    const beamc_type *config;
    beamc_error *(*infer)(const struct beamc_combine_fn *fn, const beamc_type *input,
                          const void *config, beamc_arena *arena, beamc_combine_types *out);
    void (*display)(const void *config, beamc_display *display);
    beamc_error *(*freeze)(const void *config, beamc_buffer *out);
    beamc_error *(*thaw)(void **config, const uint8_t *bytes, size_t size, beamc_arena *arena);
    /** add does ++*(int64_t *)accumulator and nothing else.  A harness may then do it itself. */
    bool counts;
} beamc_combine_fn;

#define BEAMC_COMBINE_BODY(name, in, acc, out)                                                     \
    static beamc_error *name##_create(beamc_combine_context *ctx, beamc_t_##acc *accumulator);     \
    static beamc_error *name##_add(beamc_combine_context *ctx, beamc_t_##acc *accumulator,         \
                                   const beamc_t_##in *input);                                     \
    static beamc_error *name##_merge(beamc_combine_context *ctx, beamc_t_##acc *accumulator,       \
                                     beamc_t_##acc *other);                                        \
    static beamc_error *name##_extract(beamc_combine_context *ctx, beamc_t_##acc *accumulator,     \
                                       beamc_t_##out *output);                                     \
    static beamc_error *name##_call_create(beamc_combine_context *ctx, void *accumulator)          \
    {                                                                                              \
        return name##_create(ctx, (beamc_t_##acc *)accumulator);                                   \
    }                                                                                              \
    static beamc_error *name##_call_add(beamc_combine_context *ctx, void *accumulator,             \
                                        const void *input)                                         \
    {                                                                                              \
        return name##_add(ctx, (beamc_t_##acc *)accumulator, (const beamc_t_##in *)input);         \
    }                                                                                              \
    static beamc_error *name##_call_merge(beamc_combine_context *ctx, void *accumulator,           \
                                          void *other)                                             \
    {                                                                                              \
        return name##_merge(ctx, (beamc_t_##acc *)accumulator, (beamc_t_##acc *)other);            \
    }                                                                                              \
    static beamc_error *name##_call_extract(beamc_combine_context *ctx, void *accumulator,         \
                                            void *output)                                          \
    {                                                                                              \
        return name##_extract(ctx, (beamc_t_##acc *)accumulator, (beamc_t_##out *)output);         \
    }

/** BEAMC_COMBINE(name, input word, accumulator word, output word). */
#define BEAMC_COMBINE(name, in, acc, out)                                                          \
    BEAMC_COMBINE_BODY(name, in, acc, out)                                                         \
    static const beamc_combine_fn name = { { BEAMC_FUNCTION_COMBINE, #name },                      \
                                           &beamc_type_##in,                                       \
                                           &beamc_type_##acc,                                      \
                                           &beamc_type_##out,                                      \
                                           name##_call_create,                                     \
                                           name##_call_add,                                        \
                                           name##_call_merge,                                      \
                                           name##_call_extract,                                    \
                                           NULL, NULL, NULL, NULL, NULL, NULL, false };            \
    BEAMC_REGISTER(name)

/** The same with more of the table, as BEAMC_DOFN_WITH. */
#define BEAMC_COMBINE_WITH(name_, in, acc, out, ...)                                               \
    BEAMC_COMBINE_BODY(name_, in, acc, out)                                                        \
    static const beamc_combine_fn name_ = { .function = { BEAMC_FUNCTION_COMBINE, #name_ },        \
                                            .input = &beamc_type_##in,                             \
                                            .accumulator = &beamc_type_##acc,                      \
                                            .output = &beamc_type_##out,                           \
                                            .create = name_##_call_create,                         \
                                            .add = name_##_call_add,                               \
                                            .merge = name_##_call_merge,                           \
                                            .extract = name_##_call_extract,                       \
                                            __VA_ARGS__ };                                         \
    BEAMC_REGISTER(name_)

BEAMC_EXTERN_C_END

#endif
