/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of one element: what to give for it, whether to keep it, where to send it.
 *
 *     BEAMC_MAP_FN(square, int64, int64) { return *element * *element; }
 *     BEAMC_FILTER_FN(is_even, int64) { return *element % 2 == 0; }
 *     BEAMC_PARTITION_FN(by_sign, int64, 2) { return *element < 0; }
 *
 *     beamc_pcollection squares = beamc_map(numbers, &square);
 *     beamc_pcollection even = beamc_filter(numbers, &is_even);
 *     beamc_pcollection parts[2];
 *     beamc_partition(parts, 2, numbers, &by_sign);
 *
 * Each macro makes the const DoFn table of that name.  In the body are `element` (a pointer to the
 * element) and `ctx`, as in a DoFn's.  These bodies cannot fail, but for that of a flat map, which is
 * a DoFn's: what can is a BEAMC_DOFN. */
#ifndef BEAMC_MAP_FUNCTIONS_H
#define BEAMC_MAP_FUNCTIONS_H

#include <beamc/pipeline.h>

BEAMC_EXTERN_C_BEGIN

/** BEAMC_MAP_FN(name, input word, output word) { return a value of the output; }.  What the value
 *  points to may be the element's or come from beamc_alloc. */
#define BEAMC_MAP_FN(name, in, out)                                                                \
    static beamc_t_##out name##_map(beamc_context *ctx, const beamc_t_##in *element);              \
    static beamc_error *name##_call(beamc_context *ctx, const void *element)                       \
    {                                                                                              \
        beamc_t_##out name##_result = name##_map(ctx, (const beamc_t_##in *)element);              \
        return beamc_emit_value(ctx, 0, &name##_result);                                           \
    }                                                                                              \
    BEAMC_PLAIN_DOFN(name, &beamc_type_##in, &beamc_type_##out, name##_call, NULL, 0)              \
    static beamc_t_##out name##_map(beamc_context *ctx BEAMC_UNUSED,                               \
                                    const beamc_t_##in *element BEAMC_UNUSED)

/** BEAMC_FLAT_MAP_FN(name, input word, output word) { beamc_emit(...) any number of times; return
 *  NULL or an error; }: a DoFn. */
#define BEAMC_FLAT_MAP_FN(name, in, out) BEAMC_DOFN(name, in, out)

/** BEAMC_FILTER_FN(name, word) { return whether to keep the element; }. */
#define BEAMC_FILTER_FN(name, word)                                                                \
    static bool name##_keep(beamc_context *ctx, const beamc_t_##word *element);                    \
    static beamc_error *name##_call(beamc_context *ctx, const void *element)                       \
    {                                                                                              \
        if (!name##_keep(ctx, (const beamc_t_##word *)element))                                    \
            return NULL;                                                                           \
        return beamc_emit_value(ctx, 0, element);                                                  \
    }                                                                                              \
    BEAMC_PLAIN_DOFN(name, &beamc_type_##word, &beamc_type_##word, name##_call, NULL, 0)           \
    static bool name##_keep(beamc_context *ctx BEAMC_UNUSED,                                       \
                            const beamc_t_##word *element BEAMC_UNUSED)

/** in: the DoFn's input -> its output. */
#define beamc_map(in, fn) beamc_par_do_at(BEAMC_HERE, in, fn, NULL)
#define beamc_flat_map(in, fn) beamc_par_do_at(BEAMC_HERE, in, fn, NULL)
/** T -> T */
#define beamc_filter(in, fn) beamc_par_do_at(BEAMC_HERE, in, fn, NULL)

/* ---- partition ------------------------------------------------------------------------------- */

#define BEAMC_PARTITIONS_MAX 64

/* clang-format off */
#define BEAMC_PARTITION_OUTPUTS_10(a, type)                                                        \
    { a "0", type }, { a "1", type }, { a "2", type }, { a "3", type }, { a "4", type },           \
    { a "5", type }, { a "6", type }, { a "7", type }, { a "8", type }, { a "9", type }
/* The main output is partition 0; this is of 1 to 63. */
#define BEAMC_PARTITION_OUTPUTS(type)                                                              \
    { "1", type }, { "2", type }, { "3", type }, { "4", type }, { "5", type }, { "6", type },      \
    { "7", type }, { "8", type }, { "9", type },                                                   \
    BEAMC_PARTITION_OUTPUTS_10("1", type), BEAMC_PARTITION_OUTPUTS_10("2", type),                  \
    BEAMC_PARTITION_OUTPUTS_10("3", type), BEAMC_PARTITION_OUTPUTS_10("4", type),                  \
    BEAMC_PARTITION_OUTPUTS_10("5", type),                                                         \
    { "60", type }, { "61", type }, { "62", type }, { "63", type }
/* clang-format on */

/* For BEAMC_PARTITION_FN: sends to a partition, or answers an error if there is none of it. */
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_emit_partition(beamc_context *ctx, int64_t partition,
                                                           int64_t count, const void *element);

/** BEAMC_PARTITION_FN(name, word, count) { return a number in [0, count); }; count: 1 to 64, a
 *  constant.  Another number is an error that stops the pipeline. */
#define BEAMC_PARTITION_FN(name, word, count)                                                      \
    static int64_t name##_partition(beamc_context *ctx, const beamc_t_##word *element);            \
    static beamc_error *name##_call(beamc_context *ctx, const void *element)                       \
    {                                                                                              \
        return beamc_emit_partition(                                                               \
            ctx, name##_partition(ctx, (const beamc_t_##word *)element), count, element);          \
    }                                                                                              \
    typedef char name##_has_1_to_64[(count) >= 1 && (count) <= BEAMC_PARTITIONS_MAX ? 1 : -1];     \
    static const beamc_dofn_output name##_outputs[] = { BEAMC_PARTITION_OUTPUTS(                   \
        &beamc_type_##word) };                                                                     \
    BEAMC_PLAIN_DOFN(name, &beamc_type_##word, &beamc_type_##word, name##_call, name##_outputs,    \
                     (count)-1)                                                                    \
    static int64_t name##_partition(beamc_context *ctx BEAMC_UNUSED,                               \
                                    const beamc_t_##word *element BEAMC_UNUSED)

/** T -> @count times T: @out[i] are the elements for which @fn, a BEAMC_PARTITION_FN of so many
 *  partitions, returns i. */
BEAMC_API void beamc_partition_at(beamc_location at, beamc_pcollection *out, size_t count,
                                  beamc_pcollection in, const beamc_dofn *fn);
#define beamc_partition(out, count, in, fn) beamc_partition_at(BEAMC_HERE, out, count, in, fn)

/* ---- elements to look at, elements in elements ----------------------------------------------- */

typedef struct {
    beamc_log_level level; /* 0: BEAMC_LOG_INFO */
    const char *prefix;    /* put in front of each; may be NULL */
    bool with_timestamp;   /* ", timestamp=..." in milliseconds */
    bool with_window;      /* ", window=[start, end)" */
} beamc_log_elements_options;

/** T -> T.  Logs every element as beamc_print shows it, and passes it on.  @options may be NULL. */
BEAMC_API beamc_pcollection beamc_log_elements_at(beamc_location at, beamc_pcollection in,
                                                  const beamc_log_elements_options *options);
#define beamc_log_elements(in, options) beamc_log_elements_at(BEAMC_HERE, in, options)

/** Iterable<T> -> T: each value of each iterable. */
BEAMC_API beamc_pcollection beamc_flatten_iterables_at(beamc_location at, beamc_pcollection in);
#define beamc_flatten_iterables(in) beamc_flatten_iterables_at(BEAMC_HERE, in)

BEAMC_EXTERN_C_END

#endif
