/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/log_entry.h"

#include "proto/beam.h"
#include "sdk/base/log_fields.h"
#include "sdk/base/utf8.h"
#include "sdk/rpc/pack.h"
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIECE = 4096 }; /* a pipe that has room takes so much without waiting */

/* ---- copying --------------------------------------------------------------------------------- */

static char *put(char *to, const char **field, const char *text)
{
    if (text == NULL)
        return to;
    size_t size = strlen(text) + 1;
    memcpy(to, text, size);
    beamc__utf8_clean(to);
    *field = to;
    return to + size;
}

static size_t room_for(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

static size_t room_for_field(const beamc_log_field *field)
{
    size_t size = sizeof(*field) + room_for(field->name);

    return field->kind == BEAMC_LOG_FIELD_STRING ? size + field->value.string.size + 1 : size;
}

/* Fields come first, for their alignment. */
static char *put_fields(char *to, beamc__log_entry *made, const beamc_log_entry *from)
{
    made->fields = (beamc_log_field *)(void *)to;
    made->field_count = from->field_count;
    to += from->field_count * sizeof(*made->fields);
    for (size_t i = 0; i < from->field_count; i++) {
        beamc_log_field *field = &made->fields[i];
        *field = from->fields[i];
        to = put(to, &field->name, from->fields[i].name);
        if (field->kind != BEAMC_LOG_FIELD_STRING)
            continue;
        size_t size = field->value.string.size;
        for (size_t at = 0; at < size; at++) /* what ends strings cannot be in one */
            to[at] = field->value.string.data[at] != '\0' ? field->value.string.data[at] : '?';
        to[size] = '\0';
        beamc__utf8_clean(to);
        field->value.string.data = to;
        to += size + 1;
    }
    return to;
}

static beamc__stack *stack_here(uintptr_t from)
{
    beamc__stack *stack = malloc(sizeof(*stack));

    if (stack != NULL)
        beamc__stack_take(stack, from);
    return stack;
}

beamc__log_entry *beamc__log_entry_new(const beamc_log_entry *from, uintptr_t stack_from)
{
    char location[512];

    snprintf(location, sizeof(location), "%s:%d", from->file == NULL ? "" : from->file, from->line);
    const char *place = from->file == NULL ? NULL : location;
    size_t size = room_for(from->message) + room_for(from->instruction) +
                  room_for(from->transform) + room_for(place) + room_for(from->trace);
    for (size_t i = 0; i < from->field_count; i++)
        size += room_for_field(&from->fields[i]);
    beamc__log_entry *made = malloc(sizeof(*made) + size);
    if (made == NULL)
        return NULL;
    *made = (beamc__log_entry){ .size = size, .level = from->level, .time_ms = from->time_ms };
    char *to = put_fields((char *)(made + 1), made, from);
    to = put(to, &made->message, from->message);
    to = put(to, &made->instruction, from->instruction);
    to = put(to, &made->transform, from->transform);
    to = put(to, &made->location, place);
    put(to, &made->trace, from->trace);
    pthread_getname_np(pthread_self(), made->thread, sizeof(made->thread));
    if (stack_from != 0 && from->trace == NULL)
        made->stack = stack_here(stack_from);
    return made;
}

void beamc__log_entry_free(beamc__log_entry *entry)
{
    if (entry != NULL)
        free(entry->stack);
    free(entry);
}

/* ---- as a message ---------------------------------------------------------------------------- */

/* A field, in custom_data. */
typedef struct {
    Google__Protobuf__Struct__FieldsEntry member;
    Google__Protobuf__Value value;
    char number[32]; /* where it goes as text */
} packed_field;

/* What an entry's message points to. */
typedef struct {
    FN(LogEntry) entry;
    Google__Protobuf__Timestamp time;
    char *trace; /* owned, or NULL */
    Google__Protobuf__Struct custom;
    Google__Protobuf__Struct__FieldsEntry **members; /* owned, as are the fields */
    packed_field *fields;
} packed;

#define EXACT_MAX (INT64_C(1) << 53) /* whole numbers up to here are doubles, too */

/* JSON has neither numbers of 64 bits nor NaN: those go as text, as protobuf has it. */
static void fill_value(packed_field *to, const beamc_log_field *from)
{
    Google__Protobuf__Value *value = &to->value;
    int64_t whole = from->value.int64;
    double number = from->value.float64;

    value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE;
    switch (from->kind) {
    case BEAMC_LOG_FIELD_STRING:
        value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE;
        value->string_value = (char *)from->value.string.data;
        return;
    case BEAMC_LOG_FIELD_BOOLEAN:
        value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_BOOL_VALUE;
        value->bool_value = from->value.boolean;
        return;
    case BEAMC_LOG_FIELD_INT64:
        value->number_value = (double)whole;
        if (whole >= -EXACT_MAX && whole <= EXACT_MAX)
            return;
        snprintf(to->number, sizeof(to->number), "%" PRId64, whole);
        break;
    case BEAMC_LOG_FIELD_FLOAT64:
        value->number_value = number;
        if (isfinite(number))
            return;
        snprintf(to->number, sizeof(to->number), "%s",
                 isnan(number) ? "NaN" : number < 0 ? "-Infinity" : "Infinity");
        break;
    }
    value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE;
    value->string_value = to->number;
}

/* Of fields with one name the last counts: a map has each once.  Without memory there are none. */
static void fill_custom(packed *to, const beamc__log_entry *from)
{
    size_t count = from->field_count;

    if (count == 0)
        return;
    to->fields = calloc(count, sizeof(*to->fields));
    to->members = calloc(count, sizeof(*to->members));
    if (to->fields == NULL || to->members == NULL)
        return;
    google__protobuf__struct__init(&to->custom);
    for (size_t i = 0; i < count; i++) {
        packed_field *field = &to->fields[i];
        google__protobuf__struct__fields_entry__init(&field->member);
        google__protobuf__value__init(&field->value);
        fill_value(field, &from->fields[i]);
        field->member.key = (char *)from->fields[i].name;
        field->member.value = &field->value;
        to->members[i] = &field->member;
    }
    to->custom.fields = to->members;
    to->custom.n_fields = count;
    to->entry.custom_data = &to->custom;
}

static void packed_dispose(packed *entry)
{
    free(entry->trace);
    free(entry->members);
    free(entry->fields);
}

/* Beam's severities have our levels' numbers. */
static void fill(packed *to, const beamc__log_entry *from)
{
    FN(LogEntry) *entry = &to->entry;

    fn(log_entry__init)(entry);
    google__protobuf__timestamp__init(&to->time);
    to->time.seconds = from->time_ms / 1000;
    to->time.nanos = (int32_t)(from->time_ms % 1000) * 1000000;
    entry->severity = (FN(LogEntry__Severity__Enum))from->level;
    entry->timestamp = &to->time;
    entry->message = (char *)from->message;
    entry->thread = (char *)from->thread;
    if (from->instruction != NULL)
        entry->instruction_id = (char *)from->instruction;
    if (from->transform != NULL)
        entry->transform_id = (char *)from->transform;
    if (from->location != NULL)
        entry->log_location = (char *)from->location;
    if (from->stack != NULL && (to->trace = malloc(BEAMC__STACK_TEXT)) != NULL)
        beamc__stack_print(from->stack, to->trace, BEAMC__STACK_TEXT);
    if (from->trace != NULL || to->trace != NULL)
        entry->trace = to->trace != NULL ? to->trace : (char *)from->trace;
    fill_custom(to, from);
}

beamc__rpc_message *beamc__log_entries_pack(const beamc__log_entry *first, size_t count)
{
    packed *entries = calloc(count, sizeof(*entries));
    FN(LogEntry) **list = calloc(count, sizeof(*list));
    beamc__rpc_message *message = NULL;

    if (entries != NULL && list != NULL) {
        FN(LogEntry__List) all = FNK(LOG_ENTRY__LIST__INIT);
        for (size_t i = 0; i < count; i++, first = first->next) {
            fill(&entries[i], first);
            list[i] = &entries[i].entry;
        }
        all.log_entries = list;
        all.n_log_entries = count;
        message = beamc__rpc_pack(&all.base);
        for (size_t i = 0; i < count; i++)
            packed_dispose(&entries[i]);
    }
    free(entries);
    free(list);
    return message;
}

/* ---- on standard error ----------------------------------------------------------------------- */

bool beamc__log_entry_spill(const beamc_log_entry *entry)
{
    struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };
    const char *level = beamc_log_level_name(entry->level);
    char text[PIECE];
    beamc_buffer fields;

    beamc_buffer_init(&fields);
    beamc__log_fields_print(entry, &fields);
    int fields_size = beamc_buffer_failed(&fields) ? 0 : (int)fields.size;
    const char *shown = fields_size == 0 ? "" : (const char *)fields.data;
    int size = entry->transform == NULL
                   ? snprintf(text, sizeof(text), "%s %s%.*s\n", level, entry->message, fields_size,
                              shown)
                   : snprintf(text, sizeof(text), "%s [%s] %s%.*s\n", level, entry->transform,
                              entry->message, fields_size, shown);
    beamc_buffer_dispose(&fields);
    if (size < 0)
        return false;
    if ((size_t)size >= sizeof(text)) {
        size = sizeof(text) - 1;
        text[size - 1] = '\n';
    }
    return poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0 &&
           write(STDERR_FILENO, text, (size_t)size) == size;
}
