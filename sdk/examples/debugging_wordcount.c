/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the words that match a pattern, and shows how a pipeline is watched: options of its own,
 * log entries, metrics, and a DoFn with configuration and a life cycle.
 *
 *     debugging_wordcount --input='*.txt' --output=counts --filter='^[Ll]icen[cs]e' \
 *         --sdk_harness_log_level_overrides='{"filter_words": "DEBUG"}' */
#include <beamc/beamc.h>
#include <regex.h>
#include <stdio.h>

BEAMC_KV(word_count, string, int64)

BEAMC_COUNTER(lines_without_words, "debugging_wordcount")
BEAMC_COUNTER(matched, "debugging_wordcount")
BEAMC_COUNTER(unmatched, "debugging_wordcount")
BEAMC_DISTRIBUTION(word_length, "debugging_wordcount")
BEAMC_STRING_SET(capitals, "debugging_wordcount")

BEAMC_DOFN(extract_words, string, string)
{
    beamc_words words = beamc_words_of(*element);
    beamc_string word;
    bool any = false;

    for (; beamc_words_next(&words, &word); any = true) {
        beamc_distribution_update(ctx, &word_length, (int64_t)word.size);
        BEAMC_TRY(beamc_emit(ctx, &word));
    }
    if (!any)
        beamc_counter_add(ctx, &lines_without_words, 1);
    return NULL;
}

/* The configuration travels to the workers; what setup makes of it does not. */
#define FILTER_CONFIG(F) F(string, pattern)
BEAMC_ROW(filter_config, FILTER_CONFIG)

typedef struct {
    regex_t regex;
    bool compiled;
} filter;

static beamc_error *filter_setup(beamc_context *ctx)
{
    const filter_config *config = (const filter_config *)beamc_config(ctx);
    filter *self = (filter *)beamc_instance(ctx);
    char pattern[256];

    snprintf(pattern, sizeof(pattern), "%.*s", BEAMC_STR(config->pattern));
    int code = regcomp(&self->regex, pattern, REG_EXTENDED | REG_NOSUB);
    if (code != 0) {
        char reason[256];
        regerror(code, &self->regex, reason, sizeof(reason));
        return beamc_error_new(BEAMC_EINVAL, "--filter=%s: %s", pattern, reason);
    }
    self->compiled = true;
    return NULL;
}

static void filter_teardown(beamc_context *ctx)
{
    filter *self = (filter *)beamc_instance(ctx);

    if (self->compiled)
        regfree(&self->regex);
}

static void filter_display(const void *config, beamc_display *display)
{
    beamc_display_string(display, "filter", "Words that match",
                         ((const filter_config *)config)->pattern);
}

BEAMC_DOFN_WITH(filter_words, word_count, word_count, .setup = filter_setup,
                .teardown = filter_teardown, .display = filter_display,
                .config = BEAMC_TYPE(filter_config), .instance_size = sizeof(filter))
{
    filter *self = (filter *)beamc_instance(ctx);
    char *word = (char *)beamc_alloc(ctx, element->key.size + 1);

    if (word == NULL)
        return beamc_error_nomem();
    memcpy(word, element->key.data, element->key.size);
    word[element->key.size] = '\0';
    if (regexec(&self->regex, word, 0, NULL, 0) != 0) {
        beamc_counter_add(ctx, &unmatched, 1);
        beamc_log(ctx, BEAMC_LOG_TRACE, "does not match: %s", word);
        return NULL;
    }
    beamc_counter_add(ctx, &matched, 1);
    if (word[0] >= 'A' && word[0] <= 'Z')
        beamc_string_set_add(ctx, &capitals, element->key);
    beamc_log_fields(ctx, BEAMC_LOG_DEBUG, "matches", beamc_log_text("word", word),
                     beamc_log_int64("count", element->value));
    return beamc_emit(ctx, element);
}

BEAMC_DOFN(format_count, word_count, string)
{
    return beamc_emitf(ctx, "%.*s: %" PRId64, BEAMC_STR(element->key), element->value);
}

static const beamc_option_spec program_options[] = {
    { .name = "filter",
      .help = "counts words that match this extended regular expression",
      .default_value = "^[Ll]icen[cs]e",
      .placeholder = "PATTERN" },
};

static void build(beamc_pipeline *p, const beamc_options *options)
{
    const filter_config config = { beamc_string_of(beamc_option(options, "filter")) };
    const beamc_par_do_options configured = { .config = &config };

    beamc_pcollection lines = beamc_read_text(p, beamc_option(options, "input"));
    beamc_pcollection words = beamc_par_do(lines, &extract_words);
    beamc_pcollection counts = beamc_count_per_element(words);
    beamc_pcollection filtered = beamc_par_do_with(counts, &filter_words, &configured);
    beamc_write_text(beamc_par_do(filtered, &format_count), beamc_option(options, "output"));
}

int main(int argc, char **argv)
{
    return beamc_main_options(argc, argv, build, program_options, 1);
}
