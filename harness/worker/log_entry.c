/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/log_entry.h"

#include "proto/beam.h"
#include "sdk/base/utf8.h"
#include "sdk/rpc/pack.h"
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
    beamc__log_entry *made = malloc(sizeof(*made) + size);
    if (made == NULL)
        return NULL;
    *made = (beamc__log_entry){ .size = size, .level = from->level, .time_ms = from->time_ms };
    char *to = (char *)(made + 1);
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

/* What an entry's message points to. */
typedef struct {
    FN(LogEntry) entry;
    Google__Protobuf__Timestamp time;
    char *trace; /* owned, or NULL */
} packed;

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
            free(entries[i].trace);
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

    int size = entry->transform == NULL
                   ? snprintf(text, sizeof(text), "%s %s\n", level, entry->message)
                   : snprintf(text, sizeof(text), "%s [%s] %s\n", level, entry->transform,
                              entry->message);
    if (size < 0)
        return false;
    if ((size_t)size >= sizeof(text)) {
        size = sizeof(text) - 1;
        text[size - 1] = '\n';
    }
    return poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0 &&
           write(STDERR_FILENO, text, (size_t)size) == size;
}
