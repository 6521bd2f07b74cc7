/* SPDX-License-Identifier: Apache-2.0 */
/* Ctrl-C: the first SIGINT or SIGTERM asks the run to end and says so, the last one ends the
 * process at once; where a run can be left to itself, one between them asks for that.  A thread
 * with a loop of its own takes the signals, so no handler needs a global. */
#ifndef BEAMC_MAIN_SIGNALS_H
#define BEAMC_MAIN_SIGNALS_H

#include "console.h"

typedef struct beamc__signals beamc__signals;

/* Takes signals until freed.  @console is borrowed.  @can_leave: a second signal is for leaving. */
BEAMC_MUST_USE beamc_error *beamc__signals_new(beamc__signals **out, beamc__console *console,
                                               bool can_leave);
void beamc__signals_free(beamc__signals *signals); /* accepts NULL */

/* Non-zero once a signal has come: its number.  To be read atomically; lives as long as
 * @signals. */
const volatile int *beamc__signals_came(const beamc__signals *signals);
/* The same for the second one. */
const volatile int *beamc__signals_left(const beamc__signals *signals);

#endif
