/* SPDX-License-Identifier: Apache-2.0 */
/* Ten trivial ParDos over 20 million int64: the cost of a call of a DoFn.  One range of numbers for
 * each of eight elements, so that bundles can run at once.
 *
 *     chain --numbers=5000000 --output=PREFIX      so many; the last number is written to a file */
#include <beamc/beamc.h>

#define RANGES 8

/* Of all ranges the same size, and the last number of all behind the chain. */
#define SIZES(F) F(int64, size) F(int64, last)
BEAMC_ROW(sizes, SIZES)

BEAMC_DOFN_WITH(numbers_of_range, int64, int64, .config = BEAMC_TYPE(sizes))
{
    const struct sizes *config = beamc_config(ctx);
    int64_t end = (*element + 1) * config->size;

    for (int64_t number = *element * config->size; number < end; number++)
        BEAMC_TRY(beamc_emit(ctx, &number));
    return NULL;
}

BEAMC_DOFN(add_one, int64, int64)
{
    int64_t sum = *element + 1;
    return beamc_emit(ctx, &sum);
}

/* Lets nothing but the last through, so that the chain and not what follows is measured. */
BEAMC_DOFN_WITH(keep_last, int64, string, .config = BEAMC_TYPE(sizes))
{
    const struct sizes *config = beamc_config(ctx);
    return *element == config->last ? beamc_emitf(ctx, "%" PRId64, *element) : NULL;
}

static void build(beamc_pipeline *p, const beamc_options *options)
{
    int64_t size = beamc_option_int64(options, "numbers", 0) / RANGES;
    const struct sizes config = { size, size * RANGES - 1 + 10 };
    const beamc_par_do_options configured = { .config = &config };
    const char *output = beamc_option_or(options, "output", NULL);
    int64_t ranges[RANGES];

    for (int64_t i = 0; i < RANGES; i++)
        ranges[i] = i;
    beamc_pcollection at = beamc_create(p, BEAMC_TYPE(int64), ranges, RANGES);
    at = beamc_par_do_with(beamc_reshuffle(at), &numbers_of_range, &configured);
    for (int i = 0; i < 10; i++)
        at = beamc_par_do(at, &add_one);
    at = beamc_par_do_with(at, &keep_last, &configured);
    if (output != NULL)
        beamc_write_text(at, output);
}

static const beamc_option_spec specs[] = {
    { .name = "numbers", .help = "how many", .default_value = "20000000",
      .kind = BEAMC_OPTION_INT64 },
    { .name = "output", .help = "prefix of a file for the last number" },
};

int main(int argc, char **argv)
{
    return beamc_main_options(argc, argv, build, specs, sizeof(specs) / sizeof(*specs));
}
