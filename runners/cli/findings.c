/* SPDX-License-Identifier: Apache-2.0 */
#include "findings.h"

#include <string.h>

enum { TEXT_SIZE = 4096 };

static void print(beamc__findings *findings, beamc__finding kind, char *text)
{
    static const char *const names[] = { "ok", "warning", "problem" };

    /* Words of servers and programs come in as they are. */
    for (char *at = text; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20)
            *at = ' ';
    fprintf(findings->out, "%-8s %s\n", names[kind], text);
    fflush(findings->out);
    findings->counts[kind]++;
}

void beamc__find(beamc__findings *findings, beamc__finding kind, const char *format, ...)
{
    char text[TEXT_SIZE];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    print(findings, kind, text);
}

bool beamc__find_error(beamc__findings *findings, beamc_error *take_error)
{
    char text[TEXT_SIZE];

    if (take_error == NULL)
        return false;
    beamc_error_print(take_error, text, sizeof(text));
    beamc_error_free(take_error);
    print(findings, BEAMC__FINDING_PROBLEM, text);
    return true;
}

void beamc__findings_sum(const beamc__findings *findings)
{
    size_t problems = findings->counts[BEAMC__FINDING_PROBLEM];
    size_t warnings = findings->counts[BEAMC__FINDING_WARNING];

    if (problems == 0 && warnings == 0) {
        fprintf(findings->out, "nothing speaks against it\n");
        return;
    }
    fprintf(findings->out, "%zu problem%s, %zu warning%s\n", problems, problems == 1 ? "" : "s",
            warnings, warnings == 1 ? "" : "s");
}
