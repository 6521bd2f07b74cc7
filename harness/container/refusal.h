/* SPDX-License-Identifier: Apache-2.0 */
/* A worker that cannot do its work says so where it is heard.  A runner that asked a pool for a
 * worker waits for it for ever, and of a process that ends it knows a number; so the worker comes,
 * and answers whatever it is told to do with the reason. */
#ifndef BEAMC_CONTAINER_REFUSAL_H
#define BEAMC_CONTAINER_REFUSAL_H

#include "harness/container/provision.h"

/* Logs @why at the logging endpoint, if there is one, and answers instructions with it until the
 * runner ends the control stream.  Returns at once if there is no control endpoint, and soon if
 * nobody is there. */
void beamc__refusal_serve(const beamc__worker_flags *flags, const beamc_error *why);

#endif
