/* SPDX-License-Identifier: Apache-2.0 */
/* Sums and means.
 *
 * Sums of int64 are kept in 128 bits, so only a result that does not fit is an error, whatever the
 * order.  Sums of doubles are kept exact, as numbers of falling size that do not overlap (Shewchuk,
 * "Adaptive Precision Floating-Point Arithmetic", 1997), and rounded once at the end: order and
 * grouping do not show.  There are seldom more than three such parts. */
#include <beamc/aggregate.h>

#include "sdk/transforms/shape.h"
#include <inttypes.h>
#include <math.h>

/* ---- int64 ----------------------------------------------------------------------------------- */

__extension__ typedef __int128 wide;

BEAMC_KV(wide_sum, int64, int64) /* upper and lower half */
BEAMC_KV(wide_mean, int64, wide_sum) /* how many, their sum */

static wide wide_of(wide_sum sum)
{
    return (wide)((unsigned __int128)(uint64_t)sum.key << 64 | (uint64_t)sum.value);
}

static void add_wide(wide_sum *sum, wide more)
{
    wide total = wide_of(*sum) + more;

    sum->key = (int64_t)(total >> 64);
    sum->value = (int64_t)(uint64_t)total;
}

static beamc_error *beamc_sum_int64_fn_create(beamc_combine_context *ctx BEAMC_UNUSED,
                                              wide_sum *accumulator)
{
    memset(accumulator, 0, sizeof(*accumulator));
    return NULL;
}

static beamc_error *beamc_sum_int64_fn_add(beamc_combine_context *ctx BEAMC_UNUSED,
                                           wide_sum *accumulator, const int64_t *input)
{
    add_wide(accumulator, *input);
    return NULL;
}

static beamc_error *beamc_sum_int64_fn_merge(beamc_combine_context *ctx BEAMC_UNUSED,
                                             wide_sum *accumulator, wide_sum *other)
{
    add_wide(accumulator, wide_of(*other));
    return NULL;
}

static beamc_error *beamc_sum_int64_fn_extract(beamc_combine_context *ctx BEAMC_UNUSED,
                                               wide_sum *accumulator, int64_t *output)
{
    wide sum = wide_of(*accumulator);

    if (sum < INT64_MIN || sum > INT64_MAX)
        return beamc_error_new(BEAMC_ELIMIT, "the sum, about %.0f, does not fit int64",
                               (double)sum);
    *output = (int64_t)sum;
    return NULL;
}

static beamc_error *beamc_mean_int64_fn_create(beamc_combine_context *ctx BEAMC_UNUSED,
                                               wide_mean *accumulator)
{
    memset(accumulator, 0, sizeof(*accumulator));
    return NULL;
}

static beamc_error *beamc_mean_int64_fn_add(beamc_combine_context *ctx BEAMC_UNUSED,
                                            wide_mean *accumulator, const int64_t *input)
{
    accumulator->key++;
    add_wide(&accumulator->value, *input);
    return NULL;
}

static beamc_error *beamc_mean_int64_fn_merge(beamc_combine_context *ctx BEAMC_UNUSED,
                                              wide_mean *accumulator, wide_mean *other)
{
    accumulator->key += other->key;
    add_wide(&accumulator->value, wide_of(other->value));
    return NULL;
}

static beamc_error *beamc_mean_int64_fn_extract(beamc_combine_context *ctx BEAMC_UNUSED,
                                                wide_mean *accumulator, double *output)
{
    double sum = (double)wide_of(accumulator->value);

    *output = accumulator->key == 0 ? NAN : sum / (double)accumulator->key;
    return NULL;
}

/* ---- float64 --------------------------------------------------------------------------------- */

/* An accumulator is an iterable of these parts, so that it has a coder that everyone knows. */
BEAMC_ITERABLE(parts, float64)
BEAMC_KV(parts_mean, int64, parts)

enum { FIRST_PARTS = 4 };

typedef struct {
    double special; /* the sum of infinities and NaNs; 0 if there are none */
    size_t count;
    size_t capacity;
    double *parts; /* smallest first, none overlap */
    double first[FIRST_PARTS];
} exact;

static void exact_start(const beamc_iterable *iterable BEAMC_UNUSED,
                        beamc_iterator *iterator BEAMC_UNUSED)
{
}

/* The parts, then `special`. */
static bool exact_next(beamc_iterator *iterator, void *value)
{
    const exact *sum = iterator->iterable->source;
    size_t index = iterator->state[0]++;
    bool is_part = index < sum->count;

    if (!is_part && (index > sum->count || sum->special == 0))
        return false;
    memcpy(value, is_part ? &sum->parts[index] : &sum->special, sizeof(double));
    return true;
}

static int64_t exact_count(const beamc_iterable *iterable)
{
    const exact *sum = iterable->source;

    return (int64_t)sum->count + (sum->special != 0);
}

static const beamc_iterable_ops exact_ops = { exact_start, exact_next, exact_count, NULL };

static bool add_part(exact *sum, double part, beamc_arena *arena)
{
    if (sum->count == sum->capacity) {
        double *more = beamc_arena_alloc(arena, 2 * sum->capacity * sizeof(double));
        if (more == NULL)
            return false;
        memcpy(more, sum->parts, sum->count * sizeof(double));
        sum->parts = more;
        sum->capacity *= 2;
    }
    sum->parts[sum->count++] = part;
    return true;
}

/* Takes @x through the parts, smallest first: each gives up what of the sum it can hold exactly. */
static bool add_exact(exact *sum, double x, beamc_arena *arena)
{
    size_t kept = 0;

    if (BEAMC_UNLIKELY(!isfinite(x))) {
        sum->special += x;
        return true;
    }
    for (size_t i = 0; i < sum->count; i++) {
        double y = sum->parts[i];
        if (fabs(x) < fabs(y)) {
            double swap = x;
            x = y;
            y = swap;
        }
        double high = x + y;
        if (BEAMC_UNLIKELY(!isfinite(high))) { /* past the range of double */
            sum->special += high;
            sum->count = 0;
            return true;
        }
        double low = y - (high - x);
        if (low != 0)
            sum->parts[kept++] = low;
        x = high;
    }
    sum->count = kept;
    return add_part(sum, x, arena);
}

/* The sum rounded once, to even at a tie. */
static double round_exact(const exact *sum)
{
    size_t left = sum->count;

    if (sum->special != 0)
        return sum->special;
    if (left == 0)
        return 0;
    double high = sum->parts[--left];
    double low = 0;
    while (left > 0 && low == 0) {
        double x = high;
        double y = sum->parts[--left];
        high = x + y;
        low = y - (high - x);
    }
    /* `low` may be half a unit of `high`: what is left below decides where a tie goes. */
    if (left > 0 && ((low < 0 && sum->parts[left - 1] < 0) ||
                     (low > 0 && sum->parts[left - 1] > 0))) {
        double twice = low * 2;
        double other = high + twice;
        if (twice == other - high)
            high = other;
    }
    return high;
}

static beamc_error *walk_exact(exact *sum, const beamc_iterable *parts, beamc_arena *arena)
{
    beamc_iterator iterator;
    bool ok = true;
    double part;

    beamc_iterate(&iterator, parts);
    while (ok && beamc_next(&iterator, &part))
        ok = add_exact(sum, part, arena);
    beamc_error *err = beamc_iterator_finish(&iterator);
    return err == NULL && !ok ? beamc_error_nomem() : err;
}

/* The sum behind an accumulator; one that was decoded, copied or is still empty becomes ours. */
static beamc_error *open_exact(exact **out, beamc_iterable *accumulator, beamc_arena *arena)
{
    *out = NULL;
    if (BEAMC_LIKELY(accumulator->ops == &exact_ops)) {
        *out = (exact *)accumulator->source;
        return NULL;
    }
    exact *sum = beamc_arena_calloc(arena, 1, sizeof(*sum));
    if (sum == NULL)
        return beamc_error_nomem();
    sum->parts = sum->first;
    sum->capacity = FIRST_PARTS;
    BEAMC_TRY(walk_exact(sum, accumulator, arena));
    accumulator->ops = &exact_ops;
    accumulator->source = sum;
    accumulator->size = 0;
    *out = sum;
    return NULL;
}

static void create_exact(beamc_iterable *accumulator)
{
    memset(accumulator, 0, sizeof(*accumulator));
    accumulator->element = BEAMC_TYPE(float64);
}

static beamc_error *add_to_exact(beamc_iterable *accumulator, double x, beamc_arena *arena)
{
    exact *sum;

    BEAMC_TRY(open_exact(&sum, accumulator, arena));
    return BEAMC_LIKELY(add_exact(sum, x, arena)) ? NULL : beamc_error_nomem();
}

static beamc_error *merge_exact(beamc_iterable *accumulator, const beamc_iterable *other,
                                beamc_arena *arena)
{
    exact *sum;

    BEAMC_TRY(open_exact(&sum, accumulator, arena));
    return walk_exact(sum, other, arena);
}

static beamc_error *extract_exact(double *out, beamc_iterable *accumulator, beamc_arena *arena)
{
    exact *sum;

    BEAMC_TRY(open_exact(&sum, accumulator, arena));
    *out = round_exact(sum);
    return NULL;
}

static beamc_error *beamc_sum_float64_fn_create(beamc_combine_context *ctx BEAMC_UNUSED,
                                                beamc_iterable *accumulator)
{
    create_exact(accumulator);
    return NULL;
}

static beamc_error *beamc_sum_float64_fn_add(beamc_combine_context *ctx,
                                             beamc_iterable *accumulator, const double *input)
{
    return add_to_exact(accumulator, *input, ctx->arena);
}

static beamc_error *beamc_sum_float64_fn_merge(beamc_combine_context *ctx,
                                               beamc_iterable *accumulator, beamc_iterable *other)
{
    return merge_exact(accumulator, other, ctx->arena);
}

static beamc_error *beamc_sum_float64_fn_extract(beamc_combine_context *ctx,
                                                 beamc_iterable *accumulator, double *output)
{
    return extract_exact(output, accumulator, ctx->arena);
}

static beamc_error *beamc_mean_float64_fn_create(beamc_combine_context *ctx BEAMC_UNUSED,
                                                 parts_mean *accumulator)
{
    accumulator->key = 0;
    create_exact(&accumulator->value);
    return NULL;
}

static beamc_error *beamc_mean_float64_fn_add(beamc_combine_context *ctx, parts_mean *accumulator,
                                              const double *input)
{
    accumulator->key++;
    return add_to_exact(&accumulator->value, *input, ctx->arena);
}

static beamc_error *beamc_mean_float64_fn_merge(beamc_combine_context *ctx, parts_mean *accumulator,
                                                parts_mean *other)
{
    accumulator->key += other->key;
    return merge_exact(&accumulator->value, &other->value, ctx->arena);
}

static beamc_error *beamc_mean_float64_fn_extract(beamc_combine_context *ctx,
                                                  parts_mean *accumulator, double *output)
{
    BEAMC_TRY(extract_exact(output, &accumulator->value, ctx->arena));
    *output = accumulator->key == 0 ? NAN : *output / (double)accumulator->key;
    return NULL;
}

/* ---- the tables ------------------------------------------------------------------------------ */

/* clang-format off */
#define ARITHMETIC_FN(name, in, acc, out)                                                          \
    BEAMC_COMBINE_BODY(name, in, acc, out)                                                         \
    const beamc_combine_fn name = {                                                                \
        .function = { BEAMC_FUNCTION_COMBINE, #name },                                             \
        .input = BEAMC_TYPE(in), .accumulator = BEAMC_TYPE(acc), .output = BEAMC_TYPE(out),        \
        .create = name##_call_create, .add = name##_call_add, .merge = name##_call_merge,          \
        .extract = name##_call_extract                                                             \
    };                                                                                             \
    BEAMC_REGISTER(name)
/* clang-format on */

ARITHMETIC_FN(beamc_sum_int64_fn, int64, wide_sum, int64)
ARITHMETIC_FN(beamc_mean_int64_fn, int64, wide_mean, float64)
ARITHMETIC_FN(beamc_sum_float64_fn, float64, parts, float64)
ARITHMETIC_FN(beamc_mean_float64_fn, float64, parts_mean, float64)

/* @of_int64 or @of_float64, by what @type is; NULL if it is neither. */
static const beamc_combine_fn *choose(const beamc_type *type, const beamc_combine_fn *of_int64,
                                      const beamc_combine_fn *of_float64)
{
    if (type == NULL || type->kind == BEAMC_KIND_INT64)
        return of_int64; /* without a type the pipeline has failed already */
    return type->kind == BEAMC_KIND_DOUBLE ? of_float64 : NULL;
}

static beamc_pcollection globally(beamc_location at, beamc_pcollection in, const char *name,
                                  const beamc_combine_fn *of_int64,
                                  const beamc_combine_fn *of_float64)
{
    const beamc_type *type = beamc_pcollection_type(in);
    const beamc_combine_fn *fn = choose(type, of_int64, of_float64);

    if (fn == NULL)
        return beamc__refuse(at, in, name,
                             beamc_error_new(BEAMC_ETYPE, "takes int64 or float64, but gets %s",
                                             type->name));
    return beamc__apply_globally(at, in, name, fn, NULL, true);
}

static beamc_pcollection per_key(beamc_location at, beamc_pcollection in, const char *name,
                                 const beamc_combine_fn *of_int64,
                                 const beamc_combine_fn *of_float64)
{
    const beamc_type *type = beamc_pcollection_type(in);
    const beamc_combine_fn *fn = of_int64;

    if (type != NULL)
        fn = type->kind != BEAMC_KIND_KV ? NULL
                                         : choose(type->fields[1].type, of_int64, of_float64);
    if (fn == NULL)
        return beamc__refuse(at, in, name,
                             beamc_error_new(BEAMC_ETYPE,
                                             "takes KV<K, int64> or KV<K, float64>, but gets %s",
                                             type->name));
    return beamc__apply_per_key(at, in, name, fn, NULL);
}

beamc_pcollection beamc_sum_globally_at(beamc_location at, beamc_pcollection in)
{
    return globally(at, in, "SumGlobally", &beamc_sum_int64_fn, &beamc_sum_float64_fn);
}

beamc_pcollection beamc_sum_per_key_at(beamc_location at, beamc_pcollection in)
{
    return per_key(at, in, "SumPerKey", &beamc_sum_int64_fn, &beamc_sum_float64_fn);
}

beamc_pcollection beamc_mean_globally_at(beamc_location at, beamc_pcollection in)
{
    return globally(at, in, "MeanGlobally", &beamc_mean_int64_fn, &beamc_mean_float64_fn);
}

beamc_pcollection beamc_mean_per_key_at(beamc_location at, beamc_pcollection in)
{
    return per_key(at, in, "MeanPerKey", &beamc_mean_int64_fn, &beamc_mean_float64_fn);
}
