/* SPDX-License-Identifier: Apache-2.0 */
/* Formats log entries and gives them to their sink. */
#include "sdk/base/log_trace.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MESSAGE_USUAL = 1024 };

/* By value of beamc_log_level; 0 is SEVERITY UNSPECIFIED of Beam's LogEntry. */
static const char *const level_names[] = { "UNSPECIFIED", "TRACE", "DEBUG", "INFO",
                                           "NOTICE",      "WARN",  "ERROR", "CRITICAL" };

enum { LEVEL_COUNT = sizeof(level_names) / sizeof(level_names[0]) };

static int64_t now_ms(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_REALTIME, &now) < 0)
        return 0;
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void beamc_log_write(const beamc_log_target *target, beamc_log_level level, const char *file,
                     int line, const char *format, ...)
{
    char usual[MESSAGE_USUAL];
    char *longer = NULL;
    va_list args;

    if (target->sink == NULL)
        return;
    va_start(args, format);
    int length = vsnprintf(usual, sizeof(usual), format, args);
    va_end(args);
    if (length < 0)
        snprintf(usual, sizeof(usual), "%s", format);
    /* With no memory the beginning of the message is what can be told. */
    if (length >= MESSAGE_USUAL && (longer = malloc((size_t)length + 1)) != NULL) {
        va_start(args, format);
        vsnprintf(longer, (size_t)length + 1, format, args);
        va_end(args);
    }
    const beamc_log_entry entry = {
        .level = level,
        .time_ms = now_ms(),
        .message = longer != NULL ? longer : usual,
        .instruction = target->instruction,
        .transform = target->transform,
        .file = file,
        .line = line,
    };
    target->sink->write(target->sink->ctx, &entry);
    free(longer);
}

void beamc__log_trace(const beamc_log_target *target, beamc_log_level level, const char *message,
                      const char *trace)
{
    const beamc_log_entry entry = {
        .level = level,
        .time_ms = now_ms(),
        .message = message,
        .instruction = target->instruction,
        .transform = target->transform,
        .trace = trace,
    };

    if (target->sink != NULL && level >= target->level)
        target->sink->write(target->sink->ctx, &entry);
}

void beamc_log_write_stderr(void *ctx, const beamc_log_entry *entry)
{
    const char *trace = entry->trace == NULL ? "" : entry->trace;

    (void)ctx;
    /* One call per entry, so that those of several threads stay apart. */
    if (entry->transform != NULL)
        fprintf(stderr, "%s [%s] %s\n%s", beamc_log_level_name(entry->level), entry->transform,
                entry->message, trace);
    else
        fprintf(stderr, "%s %s\n%s", beamc_log_level_name(entry->level), entry->message, trace);
}

const char *beamc_log_level_name(beamc_log_level level)
{
    return level_names[(unsigned)level < LEVEL_COUNT ? (unsigned)level : 0];
}

bool beamc_log_level_parse(beamc_log_level *out, const char *name)
{
    for (unsigned level = BEAMC_LOG_TRACE; level < LEVEL_COUNT; level++) {
        if (strcmp(level_names[level], name) == 0) {
            *out = (beamc_log_level)level;
            return true;
        }
    }
    return false;
}
