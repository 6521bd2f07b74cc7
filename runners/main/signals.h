/* SPDX-License-Identifier: Apache-2.0 */
/* Ctrl-C: the first SIGINT or SIGTERM asks for what the program is to do then and says so, the last
 * one ends the process at once; where a job can be left to itself after it was asked to end, one
 * between them asks for that.  A thread with a loop of its own takes the signals, so no handler
 * needs a global. */
#ifndef BEAMC_MAIN_SIGNALS_H
#define BEAMC_MAIN_SIGNALS_H

#include "console.h"

typedef struct beamc__signals beamc__signals;

/* What the first signal asks for. */
typedef enum {
    BEAMC__SIGNALS_END,    /* the end of a run in this process */
    BEAMC__SIGNALS_CANCEL, /* the end of a job elsewhere; the second one is for leaving it */
    BEAMC__SIGNALS_LEAVE   /* leaving a job that is only watched */
} beamc__signals_use;

/* Takes signals until freed.  @console is borrowed. */
BEAMC_MUST_USE beamc_error *beamc__signals_new(beamc__signals **out, beamc__console *console,
                                               beamc__signals_use use);
void beamc__signals_free(beamc__signals *signals); /* accepts NULL */

/* Non-zero once a signal has come: its number.  To be read atomically; lives as long as
 * @signals. */
const volatile int *beamc__signals_came(const beamc__signals *signals);
/* The same for the one that is for leaving. */
const volatile int *beamc__signals_left(const beamc__signals *signals);

#endif
