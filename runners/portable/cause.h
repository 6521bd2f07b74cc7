/* SPDX-License-Identifier: Apache-2.0 */
/* The reason of a failure, out of the stack trace that a runner sends for it. */
#ifndef BEAMC_PORTABLE_CAUSE_H
#define BEAMC_PORTABLE_CAUSE_H

#include <stddef.h>

/* Writes the one line of @text that says most to @out of @size > 0, as snprintf does: what a worker
 * said; else Java's innermost cause, without the names of its exceptions, or Python's last line;
 * else the first line. */
void beamc__cause_of(const char *text, char *out, size_t size);

#endif
