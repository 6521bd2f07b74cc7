/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a process that ends no later than we do. */
#ifndef BEAMC_CONTAINER_SPAWN_H
#define BEAMC_CONTAINER_SPAWN_H

#include <sys/types.h>

/* All of it is borrowed for the call. */
typedef struct {
    const char *path;           /* of the program; no shell and no PATH */
    const char *const *args;    /* from its own name on; NULL ends them */
    const char *const *changes; /* "NAME=value" in its environment; NULL ends them; may be NULL */
    int output;                 /* where what it says goes; -1: where what we say does */
} beamc__spawn_options;

/* Answers 0 once the program itself runs, or an errno: of exec, too.  It leads a session of its
 * own, so that Ctrl-C is ours alone, reads nothing, and gets SIGTERM from the kernel when the
 * calling thread ends, however that comes about.  Its parent is to wait for it. */
int beamc__spawn(pid_t *pid, const beamc__spawn_options *options);

#endif
