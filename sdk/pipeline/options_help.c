/* SPDX-License-Identifier: Apache-2.0 */
/* What --help shows: how to call the program, then the options by group. */
#include "options.h"
#include <stdio.h>
#include <string.h>

enum { HELP_COLUMN = 34, LINE_WIDTH = 96 };

static void pad(beamc_buffer *out, size_t count)
{
    while (count-- > 0)
        beamc_buffer_append_byte(out, ' ');
}

/* Appends @text broken at blanks so that lines end before LINE_WIDTH; the first begins at @at, the
 * others at HELP_COLUMN. */
static void wrap(beamc_buffer *out, size_t at, const char *text)
{
    while (*text != '\0') {
        size_t word = strcspn(text, " ");
        if (at > HELP_COLUMN && at + 1 + word > LINE_WIDTH) {
            beamc_buffer_append_byte(out, '\n');
            pad(out, HELP_COLUMN);
            at = HELP_COLUMN;
        } else if (at > HELP_COLUMN) {
            beamc_buffer_append_byte(out, ' ');
            at++;
        }
        beamc_buffer_append(out, text, word);
        at += word;
        text += word;
        text += strspn(text, " ");
    }
}

void beamc__option_help(beamc_buffer *out, const beamc_option_spec *spec)
{
    char head[256];
    char text[1024];
    const char *placeholder = spec->placeholder != NULL
                                  ? spec->placeholder
                                  : beamc__option_kind_placeholder(spec->kind);
    /* What is on by default is turned off. */
    bool negated = spec->kind == BEAMC_OPTION_BOOL && spec->default_value != NULL &&
                   strcmp(spec->default_value, "true") == 0;
    const char *help = spec->help != NULL ? spec->help : "";

    if (placeholder != NULL)
        snprintf(head, sizeof(head), "  --%s=%s", spec->name, placeholder);
    else
        snprintf(head, sizeof(head), "  --%s%s", negated ? "no_" : "", spec->name);
    if (negated)
        snprintf(text, sizeof(text), "not: %s", help);
    else if (spec->default_value != NULL && spec->kind != BEAMC_OPTION_BOOL)
        snprintf(text, sizeof(text), "%s (default %s)", help, spec->default_value);
    else
        snprintf(text, sizeof(text), "%s%s", help, spec->required ? " (needed)" : "");

    beamc_buffer_append_string(out, head);
    size_t at = strlen(head);
    if (at + 2 > HELP_COLUMN) {
        beamc_buffer_append_byte(out, '\n');
        at = 0;
    }
    pad(out, HELP_COLUMN - at);
    wrap(out, HELP_COLUMN, text);
    beamc_buffer_append_byte(out, '\n');
}

static bool is_own(const beamc_options *options, const beamc_option_spec *spec)
{
    return beamc__option_find(options, spec->name) != spec;
}

static void help_group(beamc_buffer *out, const beamc_options *options, beamc__option_group group)
{
    bool titled = false;

    for (size_t i = 0; i < beamc__options_known_count; i++) {
        const beamc__option_known *known = &beamc__options_known[i];
        if (known->group != group || is_own(options, &known->spec))
            continue;
        if (!titled)
            beamc_buffer_printf(out, "\n%s:\n", beamc__option_group_titles[group]);
        titled = true;
        beamc__option_help(out, &known->spec);
    }
}

void beamc_options_help(const beamc_options *options, beamc_buffer *out)
{
    beamc_buffer_printf(out,
                        "usage: %s --name=value ...\n\n"
                        "Builds a pipeline and runs it. The exit status is 0 when it has run, 1 "
                        "when it failed, 2 when the\noptions are wrong, 130 after Ctrl-C.\n",
                        options->program);
    if (options->spec_count > 0)
        beamc_buffer_append_string(out, "\nThis program:\n");
    for (size_t i = 0; i < options->spec_count; i++)
        beamc__option_help(out, &options->specs[i]);
    for (int group = 0; group < BEAMC__OPTIONS_GROUPS; group++)
        help_group(out, options, (beamc__option_group)group);
    beamc_buffer_printf(
        out,
        "\nSizes are 4096, 64KB (1000s), 64K or 64KiB (1024s), up to T. Times are 250ms, 10s, "
        "1h30m, 2d.\nA boolean is --name, --no_name or --name=false. A list may be given again "
        "or with commas.\nNames may be written job_name, job-name or jobName.\n"
        "\nExamples:\n"
        "  %s ... --direct_num_workers=2 --memory_budget=256MB\n"
        "  %s ... --graph=pipeline.svg --dry_run\n",
        options->program, options->program);
}
