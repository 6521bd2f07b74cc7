/* SPDX-License-Identifier: Apache-2.0 */
/* What runners answered about state, in bounded memory: a bundle has one for itself, and the worker one
 * for all bundles, where entries stand behind the cache token that they hold for.
 *
 *     name of the entry (a cell of state) --> page, page, ...      each by what was asked of the cell
 *
 * The entries that were used least lately go when there is no more room.  Any thread. */
#ifndef BEAMC_WORKER_STATE_STORE_H
#define BEAMC_WORKER_STATE_STORE_H

#include "proto/beam.h"
#include <beamc/type.h>

/* A response, for as long as somebody counts on it. */
typedef struct beamc__state_block beamc__state_block;

/* NULL: no memory, and the response is gone. */
BEAMC_MUST_USE beamc__state_block *beamc__state_block_new(FN(StateResponse) *take_response);
beamc__state_block *beamc__state_block_ref(beamc__state_block *block);
void beamc__state_block_unref(beamc__state_block *block); /* accepts NULL */
const FN(StateResponse) *beamc__state_block_response(const beamc__state_block *block);

typedef struct beamc__state_store beamc__state_store;

typedef struct {
    size_t bytes;
    size_t limit;
    uint64_t entries;
    uint64_t hits;
    uint64_t misses;
} beamc__state_store_stats;

/* Of at most @limit bytes.  NULL: no memory. */
BEAMC_MUST_USE beamc__state_store *beamc__state_store_new(size_t limit);
void beamc__state_store_free(beamc__state_store *store); /* accepts NULL */

/* The page @part of entry @name, a reference to the caller; NULL: it is not there. */
beamc__state_block *beamc__state_store_get(beamc__state_store *store, beamc_bytes name,
                                           beamc_bytes part);

/* Keeps a page, if there is room; @is_first: it continues no other one.  BEAMC_OK or BEAMC_ENOMEM. */
BEAMC_MUST_USE int beamc__state_store_put(beamc__state_store *store, beamc_bytes name,
                                          beamc_bytes part, beamc__state_block *block,
                                          bool is_first);

/* Forgets an entry. */
void beamc__state_store_drop(beamc__state_store *store, beamc_bytes name);
/* The same, and nothing is kept for it any more: it was written.  BEAMC_OK or BEAMC_ENOMEM. */
BEAMC_MUST_USE int beamc__state_store_close(beamc__state_store *store, beamc_bytes name);

/* Puts the entries that @wanted says into @to; but not those that lack a page, since continuation
 * tokens end with the bundle. */
BEAMC_MUST_USE int beamc__state_store_copy(beamc__state_store *from, beamc__state_store *to,
                                           bool (*wanted)(void *ctx, beamc_bytes name), void *ctx);

beamc__state_store_stats beamc__state_store_tell(beamc__state_store *store);

#endif
