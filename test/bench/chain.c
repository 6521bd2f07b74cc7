/* SPDX-License-Identifier: Apache-2.0 */
/* Ten trivial ParDos over 20 million int64: the cost of a call of a DoFn.  One range of numbers for
 * each of eight elements, so that bundles can run at once. */
#include <beamc/beamc.h>

#define NUMBERS INT64_C(20000000)
#define RANGES 8

BEAMC_DOFN(numbers_of_range, int64, int64)
{
    int64_t end = (*element + 1) * (NUMBERS / RANGES);

    for (int64_t number = *element * (NUMBERS / RANGES); number < end; number++)
        BEAMC_TRY(beamc_emit(ctx, &number));
    return NULL;
}

BEAMC_DOFN(add_one, int64, int64)
{
    int64_t sum = *element + 1;
    return beamc_emit(ctx, &sum);
}

/* Lets nothing but the last through, so that the chain and not what follows is measured. */
BEAMC_DOFN(keep_last, int64, int64)
{
    return *element == NUMBERS - 1 + 10 ? beamc_emit(ctx, element) : NULL;
}

static void build(beamc_pipeline *p, const beamc_options *options BEAMC_UNUSED)
{
    int64_t ranges[RANGES];

    for (int64_t i = 0; i < RANGES; i++)
        ranges[i] = i;
    beamc_pcollection at = beamc_create(p, BEAMC_TYPE(int64), ranges, RANGES);
    at = beamc_par_do(beamc_reshuffle(at), &numbers_of_range);
    for (int i = 0; i < 10; i++)
        at = beamc_par_do(at, &add_one);
    beamc_par_do(at, &keep_last);
}

int main(int argc, char **argv)
{
    return beamc_main(argc, argv, build);
}
