/* SPDX-License-Identifier: Apache-2.0 */
/* A side input in memory: by window (and key, for a multimap) the values, encoded one after the
 * other, as state requests ask for them. */
#ifndef BEAMC_ENGINE_SIDE_INDEX_H
#define BEAMC_ENGINE_SIDE_INDEX_H

#include "runners/engine/shuffle.h"

typedef struct beamc__side_index beamc__side_index;

/* Takes what was written to @shuffle, which has been finished; for an iterable all keys are empty. */
BEAMC_MUST_USE beamc_error *beamc__side_index_new(beamc__side_index **out, beamc__store *store,
                                                  const beamc__shuffle *shuffle);
void beamc__side_index_free(beamc__side_index *index);

/* Borrowed as long as the index; empty if there are none.  Any thread. */
beamc_bytes beamc__side_index_get(const beamc__side_index *index, beamc_bytes window,
                                  beamc_bytes key);

#endif
