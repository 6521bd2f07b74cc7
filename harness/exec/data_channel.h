/* SPDX-License-Identifier: Apache-2.0 */
/* How far a source has come, and where it ends: the bundle's thread takes one element after another,
 * and a runner may split the rest off meanwhile.
 *
 *     0 1 2 3 4 5 6 7 8 9 ...
 *         ^ index       ^ stop: the first element that is not this bundle's any more
 *
 * Taking an element costs no lock and no fence: the thread writes the index and reads the limit, who
 * splits writes the limit, has the kernel put a barrier into all threads, and reads the index.  One of
 * them sees the other.  Past the limit the thread asks under the lock, where it learns what holds.
 *
 * Source of the rules: Beam's ProcessBundleSplitRequest; positions are those of the data channel. */
#ifndef BEAMC_EXEC_DATA_CHANNEL_H
#define BEAMC_EXEC_DATA_CHANNEL_H

#include "harness/exec/split.h"
#include <beamc/error.h>
#include <stdbool.h>
#include <uv.h>

typedef struct beamc__data_channel beamc__data_channel;
struct beamc__data_channel {
    int64_t index; /* atomic: of the element in work; -1 before the first */
    int64_t limit; /* atomic: no element from here on is taken without asking */
    bool fenced;   /* there is no barrier from outside: taking has its own */
    uv_mutex_t lock;
    int64_t stop; /* guarded */
};

/* Once in a process that splits, best before it has threads: false if the kernel gives no barrier, and
 * channels have to be fenced. */
bool beamc__data_channel_prepare(void);

BEAMC_MUST_USE int beamc__data_channel_init(beamc__data_channel *channel);
void beamc__data_channel_dispose(beamc__data_channel *channel);

/* ---- bundle thread ---- */

/* A new bundle.  */
void beamc__data_channel_start(beamc__data_channel *channel, bool fenced);

/* Takes the next element; false: ask. */
static inline bool beamc__data_channel_take(beamc__data_channel *channel)
{
    int64_t index = __atomic_load_n(&channel->index, __ATOMIC_RELAXED) + 1;

    if (BEAMC_UNLIKELY(channel->fenced))
        __atomic_store_n(&channel->index, index, __ATOMIC_SEQ_CST);
    else
        __atomic_store_n(&channel->index, index, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return index < __atomic_load_n(&channel->limit, __ATOMIC_SEQ_CST);
}

/* Whether the element is this bundle's after all; the next time to ask is in @again elements. */
bool beamc__data_channel_ask(beamc__data_channel *channel, int64_t again);

/* All elements were taken, or those left are not this bundle's.  Nothing can be split off any more. */
void beamc__data_channel_end(beamc__data_channel *channel);

/* ---- any thread ---- */

/* Beam's read index: of the element in work, -1 before the first; at the end how many were taken. */
int64_t beamc__data_channel_index(const beamc__data_channel *channel);

/* Splits; false: it cannot be, or there is nothing to give away. */
bool beamc__data_channel_split(beamc__data_channel *channel, const beamc__desired_split *desired,
                               beamc__channel_split *out);

#endif
