/* SPDX-License-Identifier: Apache-2.0 */
/* Formats log entries and gives them to their sink. */
#include "sdk/base/log_fields.h"
#include "sdk/base/log_levels.h"
#include "sdk/base/log_trace.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MESSAGE_USUAL = 1024 };

/* By value of beamc_log_level; 0 is SEVERITY UNSPECIFIED of Beam's LogEntry. */
static const char *const level_names[] = { "UNSPECIFIED", "TRACE", "DEBUG", "INFO",
                                           "NOTICE",      "WARN",  "ERROR", "CRITICAL" };

/* As other SDKs have them. */
static const beamc_log_override other_names[] = { { "WARNING", BEAMC_LOG_WARN },
                                                  { "OFF", BEAMC_LOG_CRITICAL } };

enum { LEVEL_COUNT = sizeof(level_names) / sizeof(level_names[0]) };

static int64_t now_ms(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_REALTIME, &now) < 0)
        return 0;
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool passes(const beamc_log_target *target, beamc_log_level level, const char *file)
{
    return target->sink != NULL &&
           (target->files == NULL || level >= beamc__log_level_of_file(target->files, file));
}

/* What all entries of a target have in common is filled in. */
static void give(const beamc_log_target *target, beamc_log_entry entry)
{
    entry.time_ms = now_ms();
    entry.instruction = target->instruction;
    entry.transform = target->transform;
    target->sink->write(target->sink->ctx, &entry);
}

void beamc_log_write(const beamc_log_target *target, beamc_log_level level, const char *file,
                     int line, const char *format, ...)
{
    char usual[MESSAGE_USUAL];
    char *longer = NULL;
    va_list args;

    if (!passes(target, level, file))
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
    give(target, (beamc_log_entry){ .level = level,
                                    .message = longer != NULL ? longer : usual,
                                    .file = file,
                                    .line = line });
    free(longer);
}

void beamc_log_write_fields(const beamc_log_target *target, beamc_log_level level, const char *file,
                            int line, const char *message, const beamc_log_field *fields,
                            size_t field_count)
{
    if (passes(target, level, file))
        give(target, (beamc_log_entry){ .level = level,
                                        .message = message,
                                        .file = file,
                                        .line = line,
                                        .fields = fields,
                                        .field_count = field_count });
}

void beamc__log_trace(const beamc_log_target *target, beamc_log_level level, const char *message,
                      const char *trace)
{
    if (target->sink != NULL && level >= target->level)
        give(target, (beamc_log_entry){ .level = level, .message = message, .trace = trace });
}

/* ---- as text --------------------------------------------------------------------------------- */

/* Words stay as they are. */
static bool needs_quotes(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] <= ' ' || text[i] == '"' || text[i] == '=' || text[i] == 0x7f)
            return true;
    }
    return size == 0;
}

static void print_text(const char *text, size_t size, beamc_buffer *out)
{
    if (!needs_quotes(text, size)) {
        beamc_buffer_append(out, text, size);
        return;
    }
    beamc_buffer_append_byte(out, '"');
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte == '"' || byte == '\\')
            beamc_buffer_printf(out, "\\%c", byte);
        else if (byte == '\n')
            beamc_buffer_append_string(out, "\\n");
        else if (byte < ' ' || byte == 0x7f)
            beamc_buffer_printf(out, "\\x%02x", byte);
        else
            beamc_buffer_append_byte(out, byte);
    }
    beamc_buffer_append_byte(out, '"');
}

void beamc__log_fields_print(const beamc_log_entry *entry, beamc_buffer *out)
{
    for (size_t i = 0; i < entry->field_count; i++) {
        const beamc_log_field *field = &entry->fields[i];
        beamc_buffer_printf(out, " %s=", field->name);
        switch (field->kind) {
        case BEAMC_LOG_FIELD_STRING:
            print_text(field->value.string.data, field->value.string.size, out);
            break;
        case BEAMC_LOG_FIELD_INT64:
            beamc_buffer_printf(out, "%" PRId64, field->value.int64);
            break;
        case BEAMC_LOG_FIELD_FLOAT64:
            beamc_buffer_printf(out, "%.15g", field->value.float64);
            break;
        case BEAMC_LOG_FIELD_BOOLEAN:
            beamc_buffer_append_string(out, field->value.boolean ? "true" : "false");
            break;
        }
    }
}

void beamc_log_write_stderr(void *ctx, const beamc_log_entry *entry)
{
    const char *trace = entry->trace == NULL ? "" : entry->trace;
    beamc_buffer fields;

    (void)ctx;
    beamc_buffer_init(&fields);
    beamc__log_fields_print(entry, &fields);
    /* One call per entry, so that those of several threads stay apart.  Without memory the message is
     * what can be told. */
    int size = beamc_buffer_failed(&fields) ? 0 : (int)fields.size;
    const char *text = size == 0 ? "" : (const char *)fields.data;
    if (entry->transform != NULL)
        fprintf(stderr, "%s [%s] %s%.*s\n%s", beamc_log_level_name(entry->level), entry->transform,
                entry->message, size, text, trace);
    else
        fprintf(stderr, "%s %s%.*s\n%s", beamc_log_level_name(entry->level), entry->message, size,
                text, trace);
    beamc_buffer_dispose(&fields);
}

/* ---- levels ---------------------------------------------------------------------------------- */

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
    for (size_t i = 0; i < sizeof(other_names) / sizeof(other_names[0]); i++) {
        if (strcmp(other_names[i].name, name) == 0) {
            *out = other_names[i].level;
            return true;
        }
    }
    return false;
}
