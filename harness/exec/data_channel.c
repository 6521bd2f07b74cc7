/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/exec/data_channel.h"

#include <linux/membarrier.h>
#include <math.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- the barrier ----------------------------------------------------------------------------- */

bool beamc__data_channel_prepare(void)
{
    return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

/* In all threads of the process. */
static bool barrier(void)
{
    return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

/* ---- bundle thread --------------------------------------------------------------------------- */

int beamc__data_channel_init(beamc__data_channel *channel)
{
    *channel = (beamc__data_channel){ .index = -1, .stop = INT64_MAX };
    return uv_mutex_init(&channel->lock) < 0 ? BEAMC_ENOMEM : BEAMC_OK;
}

void beamc__data_channel_dispose(beamc__data_channel *channel)
{
    uv_mutex_destroy(&channel->lock);
}

void beamc__data_channel_start(beamc__data_channel *channel, bool fenced)
{
    uv_mutex_lock(&channel->lock);
    __atomic_store_n(&channel->index, -1, __ATOMIC_RELAXED);
    __atomic_store_n(&channel->limit, 0, __ATOMIC_RELAXED);
    channel->fenced = fenced;
    channel->stop = INT64_MAX;
    uv_mutex_unlock(&channel->lock);
}

bool beamc__data_channel_ask(beamc__data_channel *channel, int64_t again)
{
    uv_mutex_lock(&channel->lock);
    int64_t index = __atomic_load_n(&channel->index, __ATOMIC_RELAXED);
    bool mine = index < channel->stop;
    int64_t limit = channel->stop - index < again ? channel->stop : index + again;
    __atomic_store_n(&channel->limit, limit, __ATOMIC_RELAXED);
    uv_mutex_unlock(&channel->lock);
    return mine;
}

void beamc__data_channel_end(beamc__data_channel *channel)
{
    uv_mutex_lock(&channel->lock);
    int64_t index = __atomic_load_n(&channel->index, __ATOMIC_RELAXED);
    /* At a stop it was moved when an element was refused. */
    if (index < channel->stop)
        __atomic_store_n(&channel->index, ++index, __ATOMIC_RELAXED);
    channel->stop = index;
    __atomic_store_n(&channel->limit, 0, __ATOMIC_RELAXED);
    uv_mutex_unlock(&channel->lock);
}

/* ---- any thread ------------------------------------------------------------------------------ */

int64_t beamc__data_channel_index(const beamc__data_channel *channel)
{
    return __atomic_load_n(&channel->index, __ATOMIC_RELAXED);
}

/* The allowed position that is closest to @wanted and after @index, the larger one of two; the stop
 * if there is none. */
static int64_t closest(const beamc__desired_split *desired, int64_t wanted, int64_t index,
                       int64_t stop)
{
    int64_t best = stop;

    if (desired->allowed_count == 0)
        return wanted;
    for (size_t i = 0; i < desired->allowed_count; i++) {
        int64_t at = desired->allowed[i];
        if (at <= index || at >= stop)
            continue;
        int64_t distance = at > wanted ? at - wanted : wanted - at;
        int64_t least = best > wanted ? best - wanted : wanted - best;
        if (best == stop || distance < least || (distance == least && at > best))
            best = at;
    }
    return best;
}

/* Where a channel that is at @index is to stop; elements themselves are not split. */
static int64_t choose_stop(const beamc__desired_split *desired, int64_t index, int64_t stop)
{
    double done = index < 0 ? 1 : 0.5; /* of the element in work: nobody knows better */
    int64_t all = desired->estimate;
    double fraction = desired->fraction;

    if (!(fraction > 0)) /* nor a number */
        fraction = 0;
    if (fraction > 1)
        fraction = 1;
    if (all < index + 1)
        all = index + 1;
    if (all > stop)
        all = stop;
    double keep = ((double)(all - index) - done) * fraction;
    double more = round(done + keep);
    /* All are more than a double counts exactly: so many are not split. */
    int64_t wanted = more < 1 ? index + 1 : more > 9e15 ? stop : index + (int64_t)more;
    return closest(desired, wanted, index, stop);
}

/* With the lock. */
static bool split(beamc__data_channel *channel, const beamc__desired_split *desired,
                  beamc__channel_split *out)
{
    const int64_t old = channel->stop;
    int64_t index = beamc__data_channel_index(channel);

    if (index >= old)
        return false;
    int64_t stop = choose_stop(desired, index, old);
    if (stop <= index || stop >= old)
        return false;
    channel->stop = stop;
    int64_t limit = __atomic_load_n(&channel->limit, __ATOMIC_RELAXED);
    if (stop < limit)
        __atomic_store_n(&channel->limit, stop, __ATOMIC_SEQ_CST);
    bool seen = channel->fenced || barrier();
    index = __atomic_load_n(&channel->index, __ATOMIC_SEQ_CST);
    if (!seen || index >= stop) {
        /* The thread was quicker.  Whether it has seen this or not, it will ask, or need not. */
        channel->stop = old;
        return false;
    }
    *out = (beamc__channel_split){ stop - 1, stop };
    return true;
}

bool beamc__data_channel_split(beamc__data_channel *channel, const beamc__desired_split *desired,
                               beamc__channel_split *out)
{
    uv_mutex_lock(&channel->lock);
    bool done = split(channel, desired, out);
    uv_mutex_unlock(&channel->lock);
    return done;
}
