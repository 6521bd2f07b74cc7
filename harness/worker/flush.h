/* SPDX-License-Identifier: Apache-2.0 */
/* How much a sink gathers before it goes as one message.
 *
 *     12 x 64 KB, 12 x 128 KB, 12 x 256 KB, ... 4 MB     a runner that may take no more than a hundred
 *     12 x 64 KB, 12 x 128 KB, 12 x 256 KB, 512 KB       one that was seen to take more
 *
 * Java's runners take a hundred messages of a bundle and then none before they have its response: so the
 * hundred should hold much, 160 MB in the end.  Other runners take what comes, and what stays in the
 * caches is cheapest.  What the job's options say stays as it is. */
#ifndef BEAMC_WORKER_FLUSH_H
#define BEAMC_WORKER_FLUSH_H

#include <stdbool.h>
#include <stddef.h>

/* Of one sink in one bundle.  Bundle thread. */
typedef struct {
    int *takes;   /* atomic, of the stream: the runner was seen to take all */
    size_t sent;  /* messages that the runner took at once */
    bool is_told;
} beamc__flush;

/* Answers how much is to be gathered at first; @told 0: nobody said.  @takes is 0 at first, and borrowed. */
size_t beamc__flush_start(beamc__flush *flush, size_t told, int *takes);

/* A message of @due bytes or more went: answers how many the next should have. */
size_t beamc__flush_sent(beamc__flush *flush, size_t due);

/* The runner took nothing for a while. */
void beamc__flush_stuck(beamc__flush *flush);

#endif
