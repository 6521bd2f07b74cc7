/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the words of text files.
 *
 *     wordcount --input='*.txt' --output=counts */
#include <beamc/beamc.h>

BEAMC_KV(word_count, string, int64)

BEAMC_DOFN(extract_words, string, string)
{
    beamc_words words = beamc_words_of(*element);
    beamc_string word;
    while (beamc_words_next(&words, &word))
        BEAMC_TRY(beamc_emit(ctx, &word));
    return NULL;
}

BEAMC_DOFN(format_count, word_count, string)
{
    return beamc_emitf(ctx, "%.*s: %" PRId64, BEAMC_STR(element->key), element->value);
}

static void build(beamc_pipeline *p, const beamc_options *options)
{
    beamc_pcollection lines  = beamc_read_text(p, beamc_option(options, "input"));
    beamc_pcollection words  = beamc_par_do(lines, &extract_words);
    beamc_pcollection counts = beamc_count_per_element(words);
    beamc_write_text(beamc_par_do(counts, &format_count), beamc_option(options, "output"));
}

int main(int argc, char **argv)
{
    return beamc_main(argc, argv, build);
}
