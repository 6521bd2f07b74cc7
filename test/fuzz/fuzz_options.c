/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines, an argument per line: what is accepted answers every option of its kind without an
 * error, what is refused says why. */
#include "sdk/pipeline/options.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARGUMENTS_MAX = 64 };

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static void ask(const beamc_options *options, const beamc_option_spec *spec)
{
    switch (spec->kind) {
    case BEAMC_OPTION_BOOL: beamc_option_bool(options, spec->name, false); break;
    case BEAMC_OPTION_INT64: beamc_option_int64(options, spec->name, 0); break;
    case BEAMC_OPTION_DOUBLE: beamc_option_double(options, spec->name, 0); break;
    case BEAMC_OPTION_SIZE: beamc_option_size(options, spec->name, 0); break;
    case BEAMC_OPTION_DURATION: beamc_option_duration(options, spec->name, 0); break;
    case BEAMC_OPTION_STRING: beamc_option_or(options, spec->name, ""); break;
    case BEAMC_OPTION_LIST:
        for (size_t i = 0; i < beamc_option_count(options, spec->name); i++)
            REQUIRE(beamc_option_value(options, spec->name, i) != NULL);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const beamc_option_spec own[] = {
        { .name = "gap", .kind = BEAMC_OPTION_DURATION, .default_value = "10m" },
        { .name = "ratio", .kind = BEAMC_OPTION_DOUBLE },
    };
    const char *argv[ARGUMENTS_MAX] = { "fuzz" };
    beamc_options *options;
    int argc = 1;

    char *text = (char *)malloc(size + 1);
    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    char *rest = text;
    for (char *line; argc < ARGUMENTS_MAX && (line = strsep(&rest, "\n")) != NULL;)
        argv[argc++] = line;

    beamc_error *error = beamc_options_parse(&options, argc, argv, own, 2);
    REQUIRE((error == NULL) == (options != NULL));
    REQUIRE(error == NULL || beamc_error_message(error)[0] != '\0');
    beamc_error_free(error);
    if (options != NULL) {
        for (size_t i = 0; i < beamc__options_known_count; i++)
            ask(options, &beamc__options_known[i].spec);
        ask(options, &own[0]);
        ask(options, &own[1]);
        REQUIRE(beamc_options_error(options) == NULL);
    }
    beamc_options_free(options);
    free(text);
    return 0;
}
