/* SPDX-License-Identifier: Apache-2.0 */
/* A process that is started for a run and does not outlive it: not even a run that is killed. */
#ifndef BEAMC_PORTABLE_CHILD_H
#define BEAMC_PORTABLE_CHILD_H

#include <beamc/error.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct beamc__child beamc__child;

/* All of it is borrowed for the call. */
typedef struct {
    const char *name;           /* for messages: "Prism" */
    const char *path;           /* of the program; no shell and no PATH */
    const char *const *args;    /* from its own name on; NULL ends them */
    const char *const *changes; /* "NAME=value" in its environment; NULL ends them */
} beamc__child_options;

/* Starts it in a session of its own, so that Ctrl-C is ours alone.  What it says is kept
 * aside. */
BEAMC_MUST_USE beamc_error *beamc__child_start(beamc__child **out,
                                               const beamc__child_options *options);

/* NULL while it runs; then how it ended and the last of what it said.  Any thread. */
BEAMC_MUST_USE beamc_error *beamc__child_check(beamc__child *child);

/* Waits for its end; false if @timeout_ms have passed before.  *@status is as waitpid has it. */
BEAMC_MUST_USE bool beamc__child_wait(beamc__child *child, int64_t timeout_ms, int *status);

/* The last of all that it said, to @out of @size > 0.  Any thread. */
void beamc__child_output(const beamc__child *child, char *out, size_t size);

/* Writes ": " and the last line that it said, or the reason it gave, to @out of @size > 0; "" if it
 * said nothing.  Any thread. */
void beamc__child_words(const beamc__child *child, char *out, size_t size);

/* Asks it to end, and kills it if it does not within some seconds.  Accepts NULL. */
void beamc__child_free(beamc__child *child);

#endif
