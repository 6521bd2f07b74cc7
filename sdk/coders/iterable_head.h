/* SPDX-License-Identifier: Apache-2.0 */
/* The first values of an iterable: what can be shown of it without a walk that may fetch from state or
 * read files. */
#ifndef BEAMC_CODERS_ITERABLE_HEAD_H
#define BEAMC_CODERS_ITERABLE_HEAD_H

#include <beamc/type.h>

/* Makes @out an iterable of those values of @iterable, from the first on, that lie in memory and are
 * of at most *left bytes encoded, which are taken off *left.  It borrows from @iterable and @arena.
 * *cut is set if there are more.  BEAMC_ENOENT: there are values, but none of them is such a one;
 * BEAMC_ENOMEM. */
BEAMC_MUST_USE int beamc__iterable_head(beamc_iterable *out, const beamc_iterable *iterable,
                                        size_t *left, bool *cut, beamc_arena *arena);

#endif
