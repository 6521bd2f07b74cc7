/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/flush.h"

#define FIRST ((size_t)64 << 10)     /* what a stream carries most cheaply */
#define TOLD_MAX ((size_t)64 << 20)  /* that may be asked for */
#define TAKEN_MAX ((size_t)512 << 10)
#define KEPT_MAX ((size_t)4 << 20)
#define MESSAGES_OF_SIZE 12
#define MANY_MESSAGES 128 /* that many, and the runner does take them */

size_t beamc__flush_start(beamc__flush *flush, size_t told, int *takes)
{
    *flush = (beamc__flush){ .takes = takes, .is_told = told > 0 };
    if (told == 0)
        return FIRST;
    return told < TOLD_MAX ? told : TOLD_MAX;
}

size_t beamc__flush_sent(beamc__flush *flush, size_t due)
{
    if (flush->is_told)
        return due;
    if (++flush->sent == MANY_MESSAGES)
        __atomic_store_n(flush->takes, 1, __ATOMIC_RELAXED);
    size_t most = __atomic_load_n(flush->takes, __ATOMIC_RELAXED) != 0 ? TAKEN_MAX : KEPT_MAX;
    if (flush->sent % MESSAGES_OF_SIZE == 0)
        due *= 2;
    return due < most ? due : most;
}

void beamc__flush_stuck(beamc__flush *flush)
{
    flush->sent = 0;
    __atomic_store_n(flush->takes, 0, __ATOMIC_RELAXED);
}
