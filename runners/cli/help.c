/* SPDX-License-Identifier: Apache-2.0 */
#include "help.h"

#include "sdk/pipeline/options.h"
#include <string.h>

enum { NAME_COLUMNS = 24 };

static bool write_all(beamc_buffer *text, FILE *out)
{
    bool ok = !beamc_buffer_failed(text) && fwrite(text->data, 1, text->size, out) == text->size &&
              fflush(out) == 0;

    beamc_buffer_dispose(text);
    return ok;
}

static void append_row(beamc_buffer *text, const beamc__command *command)
{
    char head[256];

    snprintf(head, sizeof(head), "%s%s%s", command->name, command->takes[0] == '\0' ? "" : " ",
             command->takes);
    beamc_buffer_printf(text, "  %-*s  %s\n", NAME_COLUMNS, head, command->summary);
}

bool beamc__help_all(FILE *out)
{
    beamc_buffer text;

    beamc_buffer_init(&text);
    beamc_buffer_append_string(&text,
                               "usage: beamc COMMAND ...\n\n"
                               "Looks after Apache Beam jobs and what they run on. Pipelines "
                               "themselves are programs of their own.\n\n"
                               "Commands:\n");
    for (size_t i = 0; i < beamc__command_count; i++)
        append_row(&text, beamc__commands[i]);
    beamc_buffer_append_string(&text,
                               "\nbeamc help COMMAND says more, with examples. "
                               "beamc --version tells the version.\n"
                               "The exit status is 0 when it went well, 1 when it did not, 2 when "
                               "the command line is wrong.\n");
    return write_all(&text, out);
}

bool beamc__help_group(const char *word, FILE *out)
{
    size_t size = strlen(word);
    beamc_buffer text;

    beamc_buffer_init(&text);
    beamc_buffer_printf(&text, "usage: beamc %s COMMAND ...\n\nCommands:\n", word);
    for (size_t i = 0; i < beamc__command_count; i++) {
        const char *name = beamc__commands[i]->name;
        if (strncmp(name, word, size) == 0 && name[size] == ' ')
            append_row(&text, beamc__commands[i]);
    }
    beamc_buffer_printf(&text, "\nbeamc help %s COMMAND says more, with examples.\n", word);
    return write_all(&text, out);
}

bool beamc__help_command(const beamc__command *command, FILE *out)
{
    beamc_buffer text;

    beamc_buffer_init(&text);
    beamc_buffer_printf(&text, "usage: beamc %s%s%s --name=value ...\n\n%s\n", command->name,
                        command->takes[0] == '\0' ? "" : " ", command->takes, command->help);
    beamc_buffer_append_string(&text, "\nOptions:\n");
    for (size_t i = 0; i < command->option_count; i++)
        beamc__option_help(&text, &command->options[i]);
    return write_all(&text, out);
}
