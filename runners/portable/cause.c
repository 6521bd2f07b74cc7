/* SPDX-License-Identifier: Apache-2.0 */
#include "cause.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* What comes before a worker's own words. */
static const char *const from_worker[] = {
    "Error received from SDK harness for instruction ",
    "failed on SDK harness: ",
};

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && isspace((unsigned char)*at))
        at++;
    return at;
}

/* What follows @mark where it was found: past "12: " of an instruction. */
static const char *worker_text(const char *text)
{
    for (size_t i = 0; i < sizeof(from_worker) / sizeof(*from_worker); i++) {
        const char *found = strstr(text, from_worker[i]);
        if (found == NULL)
            continue;
        found += strlen(from_worker[i]);
        const char *colon = strstr(found, ": ");
        return i == 0 && colon != NULL ? colon + 2 : found;
    }
    return NULL;
}

static const char *innermost_cause(const char *text)
{
    static const char mark[] = "Caused by: ";
    const char *last = NULL;

    for (const char *at = text; (at = strstr(at, mark)) != NULL; at += sizeof(mark) - 1)
        last = at + sizeof(mark) - 1;
    return last;
}

/* The last line that is not indented, as Python ends its traces; NULL if @text is none. */
static const char *python_reason(const char *text)
{
    const char *last = NULL;

    if (strstr(text, "Traceback (most recent call last):") == NULL)
        return NULL;
    for (const char *line = text; *line != '\0'; line += *line == '\n') {
        if (!isspace((unsigned char)*line))
            last = line;
        line += strcspn(line, "\n");
    }
    return last;
}

/* Past "bundle inst001 stage-002 failed:", by which Prism names what nobody else knows. */
static const char *skip_bundle(const char *at, const char *end)
{
    static const char start[] = "bundle ", mark[] = " failed:";
    size_t size = sizeof(start) - 1;

    if ((size_t)(end - at) < size || memcmp(at, start, size) != 0)
        return at;
    const char *found = memmem(at, (size_t)(end - at), mark, sizeof(mark) - 1);
    return found == NULL ? at : skip_blanks(found + sizeof(mark) - 1, end);
}

/* The length of a name such as java.lang.IllegalStateException at @at; 0 if it is none. */
static size_t class_name(const char *at, const char *end)
{
    const char *start = at;
    const char *last = NULL; /* part of it */

    while (at < end && (isalnum((unsigned char)*at) || strchr("._$", *at) != NULL)) {
        if (*at == '.')
            last = at + 1;
        at++;
    }
    return last != NULL && last < at && islower((unsigned char)*start) &&
                   isupper((unsigned char)*last)
               ? (size_t)(at - start)
               : 0;
}

/* Past all names of exceptions that are followed by more. */
static const char *skip_class_names(const char *at, const char *end)
{
    for (;;) {
        size_t size = class_name(at, end);
        if (size == 0 || at + size + 2 >= end || at[size] != ':' || at[size + 1] != ' ')
            return at;
        at = skip_blanks(at + size + 1, end);
    }
}

void beamc__cause_of(const char *text, char *out, size_t size)
{
    const char *end = text + strlen(text);
    const char *at = worker_text(text);

    if (at == NULL)
        at = innermost_cause(text);
    if (at == NULL)
        at = python_reason(text);
    at = skip_blanks(at == NULL ? text : at, end);
    end = at + strcspn(at, "\r\n");
    at = skip_class_names(skip_bundle(at, end), end);
    while (end > at && isspace((unsigned char)end[-1]))
        end--;
    snprintf(out, size, "%.*s", (int)(end - at), at);
}
