/* SPDX-License-Identifier: Apache-2.0 */
/* A log entry that waits to be sent: a copy of what was logged, in one piece. */
#ifndef BEAMC_WORKER_LOG_ENTRY_H
#define BEAMC_WORKER_LOG_ENTRY_H

#include "harness/worker/stack.h"
#include "sdk/rpc/message.h"
#include <beamc/log.h>

typedef struct beamc__log_entry beamc__log_entry;
struct beamc__log_entry {
    beamc__log_entry *next;
    size_t size; /* of its texts and fields */
    beamc_log_level level;
    int64_t time_ms;
    const char *instruction; /* these lie behind the struct, or are NULL */
    const char *transform;
    const char *message;
    const char *location;
    const char *trace;
    beamc_log_field *fields; /* their strings end in NUL, too */
    size_t field_count;
    char thread[16];     /* that logged it */
    beamc__stack *stack; /* owned, or NULL: where a trace is yet to be made of */
};

/* Of the calling thread, with its stack, from the frame that returns to @stack_from on, if that is not 0.
 * NULL: no memory. */
beamc__log_entry *beamc__log_entry_new(const beamc_log_entry *from, uintptr_t stack_from);
/* Accepts NULL. */
void beamc__log_entry_free(beamc__log_entry *entry);

/* The first @count of a list as a LogEntry.List.  NULL: no memory. */
beamc__rpc_message *beamc__log_entries_pack(const beamc__log_entry *first, size_t count);

/* Writes it to standard error if whoever reads that takes it at once; false: it is lost. */
bool beamc__log_entry_spill(const beamc_log_entry *entry);

#endif
