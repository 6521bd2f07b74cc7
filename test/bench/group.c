/* SPDX-License-Identifier: Apache-2.0 */
/* GroupByKey of 50 million KV<int64, int64> with a million keys; checks that each pair came out once
 * by the sums of keys and values. */
#include "pairs.h"

#include <beamc/beamc.h>

#define PAIRS INT64_C(50000000)
#define RANGES 16

BEAMC_KV(pair, int64, int64)
BEAMC_ITERABLE(values, int64)
BEAMC_KV(group, int64, values)

BEAMC_DOFN(pairs_of_range, int64, pair)
{
    int64_t end = (*element + 1) * (PAIRS / RANGES);

    for (int64_t i = *element * (PAIRS / RANGES); i < end; i++) {
        pair made = { bench_pair_key((uint64_t)i), bench_pair_value((uint64_t)i) };
        BEAMC_TRY(beamc_emit(ctx, &made));
    }
    return NULL;
}

/* Of a group: how many values, and a sum that depends on each with its key. */
BEAMC_DOFN(check_group, group, pair)
{
    pair sum = { 0, 0 };
    beamc_iterator iterator;
    int64_t value;

    beamc_iterate(&iterator, &element->value);
    while (beamc_next(&iterator, &value)) {
        sum.key++;
        sum.value += value % 1000 * (element->key % 1000);
    }
    BEAMC_TRY(beamc_iterator_finish(&iterator));
    return beamc_emit(ctx, &sum);
}

BEAMC_COMBINE(add_pairs, pair, pair, pair)

static beamc_error *add_pairs_create(beamc_combine_context *ctx BEAMC_UNUSED, pair *sum)
{
    *sum = (pair){ 0, 0 };
    return NULL;
}

static beamc_error *add_pairs_add(beamc_combine_context *ctx BEAMC_UNUSED, pair *sum,
                                  const pair *more)
{
    sum->key += more->key;
    sum->value += more->value;
    return NULL;
}

static beamc_error *add_pairs_merge(beamc_combine_context *ctx, pair *sum, pair *other)
{
    return add_pairs_add(ctx, sum, other);
}

static beamc_error *add_pairs_extract(beamc_combine_context *ctx BEAMC_UNUSED, pair *sum,
                                      pair *out)
{
    *out = *sum;
    return NULL;
}

BEAMC_DOFN(compare, pair, pair)
{
    pair expected = { PAIRS, 0 };

    for (uint64_t i = 0; i < (uint64_t)PAIRS; i++)
        expected.value += bench_pair_value(i) % 1000 * (bench_pair_key(i) % 1000);
    if (element->key == expected.key && element->value == expected.value)
        return NULL;
    return beamc_error_new(BEAMC_EUSER, "%" PRId64 " pairs of sum %" PRId64 " came out, not %" PRId64
                                        " of %" PRId64,
                           element->key, element->value, expected.key, expected.value);
}

static void build(beamc_pipeline *p, const beamc_options *options BEAMC_UNUSED)
{
    int64_t ranges[RANGES];

    for (int64_t i = 0; i < RANGES; i++)
        ranges[i] = i;
    beamc_pcollection at = beamc_create(p, BEAMC_TYPE(int64), ranges, RANGES);
    at = beamc_par_do(beamc_reshuffle(at), &pairs_of_range);
    at = beamc_par_do(beamc_group_by_key(at), &check_group);
    beamc_par_do(beamc_combine_globally(at, &add_pairs), &compare);
}

int main(int argc, char **argv)
{
    return beamc_main(argc, argv, build);
}
