/* SPDX-License-Identifier: Apache-2.0 */
/* Counts words with the library's transforms alone: there is no DoFn of one's own. */
#include <beamc/beamc.h>

static void build(beamc_pipeline *p, const beamc_options *options)
{
    beamc_pcollection lines = beamc_read_text(p, beamc_option(options, "input"));
    beamc_pcollection words = beamc_regex_find_all(lines, "[A-Za-z']+", NULL);
    beamc_pcollection counts = beamc_count_per_element(words);
    beamc_write_text(beamc_to_string_kvs(counts, ": "), beamc_option(options, "output"));
}

int main(int argc, char **argv)
{
    return beamc_main(argc, argv, build);
}
