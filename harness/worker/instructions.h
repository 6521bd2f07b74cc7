/* SPDX-License-Identifier: Apache-2.0 */
/* Which instructions there are: elements came early for them, they run, or they ended.  Any thread. */
#ifndef BEAMC_WORKER_INSTRUCTIONS_H
#define BEAMC_WORKER_INSTRUCTIONS_H

#include "harness/worker/inbox.h"

typedef struct beamc__instructions beamc__instructions;

/* A bundle that runs, as others see it. */
typedef struct {
    char *id;          /* owned */
    beamc__inbox *inbox; /* owned */
    void *bundle;      /* of the worker */
    int64_t started_ms;
} beamc__instruction;

/* @load is of all their inboxes; it outlives them.  NULL: no memory. */
BEAMC_MUST_USE beamc__instructions *beamc__instructions_new(beamc__inbox_load *load);
void beamc__instructions_free(beamc__instructions *instructions);

/* The inbox for elements of @id, made if it is not known; NULL if it has ended, or without memory. */
beamc__inbox *beamc__instructions_inbox(beamc__instructions *instructions, const char *id,
                                        size_t size);

/* Begins @id, with the inbox of what came early.  EEXIST if it runs or ran,
 * ECANCELLED after they were stopped. */
BEAMC_MUST_USE int beamc__instructions_begin(beamc__instructions *instructions, const char *id,
                                             void *bundle, beamc__inbox **inbox);

/* Ends @id: later elements are dropped. */
void beamc__instructions_end(beamc__instructions *instructions, const char *id);

/* Calls @visit with the bundle of @id under the lock, if it runs; answers whether it does. */
bool beamc__instructions_visit(beamc__instructions *instructions, const char *id,
                               void (*visit)(void *ctx, const beamc__instruction *at), void *ctx);
/* The same for all that run. */
void beamc__instructions_visit_all(beamc__instructions *instructions,
                                   void (*visit)(void *ctx, const beamc__instruction *at),
                                   void *ctx);

/* Closes all inboxes with copies of @text as the error. */
void beamc__instructions_close(beamc__instructions *instructions, const char *text);
/* The same, and none begins any more. */
void beamc__instructions_stop(beamc__instructions *instructions, const char *text);

#endif
