/* SPDX-License-Identifier: Apache-2.0 */
/* An element as bytes, for those who only look at it: of its iterables, which may have to be fetched or
 * have no end to speak of, the values at hand, 64 KB at most. */
#ifndef BEAMC_EXEC_EXCERPT_H
#define BEAMC_EXEC_EXCERPT_H

#include <beamc/buffer.h>
#include <beamc/type.h>

/* Whether all iterables of values of @type can be reached. */
bool beamc__excerpt_is_possible(const beamc_type *type);

/* Appends @value, nested; *cut: it has more than that.  BEAMC_ENOENT: none of the values of one of its
 * iterables is at hand.  After an error @out may have a part. */
BEAMC_MUST_USE int beamc__excerpt_encode(const beamc_type *type, const void *value,
                                         beamc_buffer *out, bool *cut);

#endif
