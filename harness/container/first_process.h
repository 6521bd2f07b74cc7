/* SPDX-License-Identifier: Apache-2.0 */
/* A container's first process is treated otherwise than others, by the kernel and by runners. */
#ifndef BEAMC_CONTAINER_FIRST_PROCESS_H
#define BEAMC_CONTAINER_FIRST_PROCESS_H

/* SIGTERM and SIGINT end us, as they do any other process: to a first process they are nothing
 * unless it wants them.  Does nothing in others. */
void beamc__first_process_begin(void);

/* Our work is done.  Runners kill the container of a worker that they need no more, and remove it
 * if that went well; so we are there to be killed, for some seconds.  Does nothing in others. */
void beamc__first_process_end(void);

#endif
