/* SPDX-License-Identifier: Apache-2.0 */
/* Many elements into one: counts, sums, extremes, samples, lists.
 *
 * Each per window.  In the global window f_globally gives exactly one element, also for no input
 * where nothing has a value (0, an empty list); in other windows, and for min, max and latest, no
 * input gives no element.  Per key: KV<K, V>, where K's coder is deterministic.
 *
 * No result depends on the order of the elements or on how they were spread over bundles: sums of
 * doubles are exact before the last rounding, lists are sorted, samples are drawn by hash. */
#ifndef BEAMC_AGGREGATE_H
#define BEAMC_AGGREGATE_H

#include <beamc/pipeline.h>

BEAMC_EXTERN_C_BEGIN

/* ---- count, distinct ------------------------------------------------------------------------- */

/** T -> int64 */
BEAMC_API beamc_pcollection beamc_count_globally_at(beamc_location at, beamc_pcollection in);
#define beamc_count_globally(in) beamc_count_globally_at(BEAMC_HERE, in)

/** KV<K, V> -> KV<K, int64> */
BEAMC_API beamc_pcollection beamc_count_per_key_at(beamc_location at, beamc_pcollection in);
#define beamc_count_per_key(in) beamc_count_per_key_at(BEAMC_HERE, in)

/** T -> KV<T, int64>: each different element (by its encoding) and how often it is there. */
BEAMC_API beamc_pcollection beamc_count_per_element_at(beamc_location at, beamc_pcollection in);
#define beamc_count_per_element(in) beamc_count_per_element_at(BEAMC_HERE, in)

/** T -> T: each different element (by its encoding) once. */
BEAMC_API beamc_pcollection beamc_distinct_at(beamc_location at, beamc_pcollection in);
#define beamc_distinct(in) beamc_distinct_at(BEAMC_HERE, in)

/* ---- sum, mean ------------------------------------------------------------------------------- */

/** int64 -> int64, or float64 -> float64.  A sum beyond int64 is an error when it is given (what
 *  is added on the way may be); nothing sums to 0. */
BEAMC_API beamc_pcollection beamc_sum_globally_at(beamc_location at, beamc_pcollection in);
#define beamc_sum_globally(in) beamc_sum_globally_at(BEAMC_HERE, in)

/** KV<K, int64> -> KV<K, int64>, or KV<K, float64> -> KV<K, float64> */
BEAMC_API beamc_pcollection beamc_sum_per_key_at(beamc_location at, beamc_pcollection in);
#define beamc_sum_per_key(in) beamc_sum_per_key_at(BEAMC_HERE, in)

/** int64 or float64 -> float64; the mean of nothing is NaN. */
BEAMC_API beamc_pcollection beamc_mean_globally_at(beamc_location at, beamc_pcollection in);
#define beamc_mean_globally(in) beamc_mean_globally_at(BEAMC_HERE, in)

/** KV<K, int64> or KV<K, float64> -> KV<K, float64> */
BEAMC_API beamc_pcollection beamc_mean_per_key_at(beamc_location at, beamc_pcollection in);
#define beamc_mean_per_key(in) beamc_mean_per_key_at(BEAMC_HERE, in)

/* ---- min, max, latest, top ------------------------------------------------------------------- */

/** T -> T: the first, the last by beamc_compare.  No element for no input. */
BEAMC_API beamc_pcollection beamc_min_globally_at(beamc_location at, beamc_pcollection in);
BEAMC_API beamc_pcollection beamc_max_globally_at(beamc_location at, beamc_pcollection in);
#define beamc_min_globally(in) beamc_min_globally_at(BEAMC_HERE, in)
#define beamc_max_globally(in) beamc_max_globally_at(BEAMC_HERE, in)

/** KV<K, V> -> KV<K, V> */
BEAMC_API beamc_pcollection beamc_min_per_key_at(beamc_location at, beamc_pcollection in);
BEAMC_API beamc_pcollection beamc_max_per_key_at(beamc_location at, beamc_pcollection in);
#define beamc_min_per_key(in) beamc_min_per_key_at(BEAMC_HERE, in)
#define beamc_max_per_key(in) beamc_max_per_key_at(BEAMC_HERE, in)

/** T -> T: the element with the latest timestamp; of several the last by beamc_compare.  No
 *  element for no input. */
BEAMC_API beamc_pcollection beamc_latest_globally_at(beamc_location at, beamc_pcollection in);
#define beamc_latest_globally(in) beamc_latest_globally_at(BEAMC_HERE, in)

/** KV<K, V> -> KV<K, V> */
BEAMC_API beamc_pcollection beamc_latest_per_key_at(beamc_location at, beamc_pcollection in);
#define beamc_latest_per_key(in) beamc_latest_per_key_at(BEAMC_HERE, in)

typedef struct {
    int64_t count;     /* how many, > 0 */
    bool smallest;     /* the first ones by beamc_compare, not the last ones */
    const char *field; /* order by this part: "cents" of a row, "value" of a KV, "value.cents";
                          NULL: the whole.  Equal parts are ordered by the whole. */
} beamc_top_options;

static inline beamc_top_options beamc_top_of(int64_t count, bool smallest, const char *field)
{
    beamc_top_options options = { count, smallest, field };
    return options;
}

/** T -> Iterable<T>: the best @options.count, the best one first. */
BEAMC_API beamc_pcollection beamc_top_globally_at(beamc_location at, beamc_pcollection in,
                                                  beamc_top_options options);
#define beamc_top_globally(in, options) beamc_top_globally_at(BEAMC_HERE, in, options)
#define beamc_largest_globally(in, count)                                                          \
    beamc_top_globally_at(BEAMC_HERE, in, beamc_top_of(count, false, NULL))
#define beamc_smallest_globally(in, count)                                                         \
    beamc_top_globally_at(BEAMC_HERE, in, beamc_top_of(count, true, NULL))

/** KV<K, V> -> KV<K, Iterable<V>>; options.field is of V. */
BEAMC_API beamc_pcollection beamc_top_per_key_at(beamc_location at, beamc_pcollection in,
                                                 beamc_top_options options);
#define beamc_top_per_key(in, options) beamc_top_per_key_at(BEAMC_HERE, in, options)
#define beamc_largest_per_key(in, count)                                                           \
    beamc_top_per_key_at(BEAMC_HERE, in, beamc_top_of(count, false, NULL))
#define beamc_smallest_per_key(in, count)                                                          \
    beamc_top_per_key_at(BEAMC_HERE, in, beamc_top_of(count, true, NULL))

/* ---- sample, lists --------------------------------------------------------------------------- */

/** T -> T: any @count (> 0) elements, or all if there are fewer. */
BEAMC_API beamc_pcollection beamc_sample_any_at(beamc_location at, beamc_pcollection in,
                                                int64_t count);
#define beamc_sample_any(in, count) beamc_sample_any_at(BEAMC_HERE, in, count)

/** T -> Iterable<T>: @count (> 0) elements drawn without replacement, each with the same chance,
 *  or all if there are fewer.  The same elements and @seed give the same sample. */
BEAMC_API beamc_pcollection beamc_sample_globally_at(beamc_location at, beamc_pcollection in,
                                                     int64_t count, int64_t seed);
#define beamc_sample_globally(in, count, seed)                                                     \
    beamc_sample_globally_at(BEAMC_HERE, in, count, seed)

/** KV<K, V> -> KV<K, Iterable<V>> */
BEAMC_API beamc_pcollection beamc_sample_per_key_at(beamc_location at, beamc_pcollection in,
                                                    int64_t count, int64_t seed);
#define beamc_sample_per_key(in, count, seed) beamc_sample_per_key_at(BEAMC_HERE, in, count, seed)

/** T -> Iterable<T>: all elements in one, which must fit in memory, sorted by beamc_compare. */
BEAMC_API beamc_pcollection beamc_to_list_globally_at(beamc_location at, beamc_pcollection in);
#define beamc_to_list_globally(in) beamc_to_list_globally_at(BEAMC_HERE, in)

/** KV<K, V> -> KV<K, Iterable<V>>: beamc_group_by_key does the same without sorting, and without
 *  the need for memory. */
BEAMC_API beamc_pcollection beamc_to_list_per_key_at(beamc_location at, beamc_pcollection in);
#define beamc_to_list_per_key(in) beamc_to_list_per_key_at(BEAMC_HERE, in)

/* ---- the CombineFns -------------------------------------------------------------------------- */

/* For beamc_combine_* with options of one's own (fanout, grouped values); none has a
 * configuration. */
BEAMC_API extern const beamc_combine_fn beamc_count_fn;        /* any -> int64 */
BEAMC_API extern const beamc_combine_fn beamc_sum_int64_fn;    /* int64 -> int64 */
BEAMC_API extern const beamc_combine_fn beamc_sum_float64_fn;  /* float64 -> float64 */
BEAMC_API extern const beamc_combine_fn beamc_mean_int64_fn;   /* int64 -> float64 */
BEAMC_API extern const beamc_combine_fn beamc_mean_float64_fn; /* float64 -> float64 */
BEAMC_API extern const beamc_combine_fn beamc_min_fn;          /* T -> T */
BEAMC_API extern const beamc_combine_fn beamc_max_fn;          /* T -> T */
BEAMC_API extern const beamc_combine_fn beamc_to_list_fn;      /* T -> Iterable<T> */

BEAMC_EXTERN_C_END

#endif
