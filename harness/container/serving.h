/* SPDX-License-Identifier: Apache-2.0 */
/* How a pool knows that the runner hears from its worker itself, be it work or a refusal: a file
 * that the worker makes, whose path is in its environment.  If a worker ends without it, the pool
 * has to speak for it. */
#ifndef BEAMC_CONTAINER_SERVING_H
#define BEAMC_CONTAINER_SERVING_H

/* The variable that has the path. */
#define BEAMC__SERVING_VARIABLE "BEAMC_WORKER_SERVING"

/* Makes the file, if anybody wants it. */
void beamc__serving_tell(void);

#endif
