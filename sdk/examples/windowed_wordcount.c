/* SPDX-License-Identifier: Apache-2.0 */
/* Counts words per window of event time.  Each line begins with when it was said:
 *
 *     2026-03-02T08:05:12Z the quick brown fox
 *
 *     windowed_wordcount --input='*.log' --output=counts --window_size=10m
 *
 * The lines may be in any order: a word belongs to the window of its line's time.  Each window gets
 * files of its own: counts-2026-03-02T08:00:00Z-2026-03-02T08:10:00Z-00000-of-00001. */
#include "times.h"
#include <beamc/beamc.h>

BEAMC_KV(word_count, string, int64)

BEAMC_COUNTER(lines_without_time, "windowed_wordcount")

BEAMC_DOFN(take_time, string, string)
{
    beamc_timestamp time;
    size_t used = time_read(&time, *element);

    if (used == 0) {
        beamc_counter_add(ctx, &lines_without_time, 1);
        return NULL;
    }
    beamc_string text = { element->data + used, element->size - used };
    return beamc_emit_at(ctx, 0, &text, time);
}

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

static const beamc_option_spec program_options[] = {
    { .name = "window_size",
      .help = "length of the windows",
      .default_value = "10m",
      .kind = BEAMC_OPTION_DURATION },
};

static void build(beamc_pipeline *p, const beamc_options *options)
{
    int64_t size = beamc_option_duration(options, "window_size", 0);

    beamc_pcollection lines = beamc_read_text(p, beamc_option(options, "input"));
    beamc_pcollection texts = beamc_par_do(lines, &take_time);
    beamc_pcollection windowed = beamc_window_into(texts, beamc_fixed_windows(size));
    beamc_pcollection words = beamc_par_do(windowed, &extract_words);
    beamc_pcollection counts = beamc_count_per_element(words);
    beamc_write_text(beamc_par_do(counts, &format_count), beamc_option(options, "output"));
}

int main(int argc, char **argv)
{
    return beamc_main_options(argc, argv, build, program_options, 1);
}
