/* SPDX-License-Identifier: Apache-2.0 */
#include "job_name.h"

#include <stdio.h>
#include <time.h>

static bool is_printable(char c)
{
    return c >= ' ' && c <= '~';
}

beamc_error *beamc__job_name_check(const char *name)
{
    const char *at = name;

    if (name == NULL)
        return NULL;
    while (is_printable(*at))
        at++;
    if (name[0] != '\0' && *at == '\0')
        return NULL;
    return beamc_error_new(BEAMC_EINVAL, "--job_name=%s: a name is of printable ASCII characters",
                           name);
}

void beamc__job_name_choose(char *out, size_t size, const beamc_portable_options *options)
{
    const char *program =
        options->options == NULL ? "beamc" : beamc_options_program(options->options);
    time_t now = time(NULL);
    struct tm parts;
    char when[32];

    if (options->job_name != NULL) {
        snprintf(out, size, "%s", options->job_name);
        return;
    }
    gmtime_r(&now, &parts);
    strftime(when, sizeof(when), "%Y%m%d-%H%M%S", &parts);
    snprintf(out, size, "%.200s-%s", program, when);
    /* Files may be called anything. */
    for (; *out != '\0'; out++)
        if (!is_printable(*out))
            *out = '_';
}
