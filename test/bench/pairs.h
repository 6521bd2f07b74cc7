/* SPDX-License-Identifier: Apache-2.0 */
/* The pairs of the grouping benchmark.  Pair i is a pure function of i, so the program that groups
 * them and the text file that sort(1) reads hold the same pairs, and neither reads the other. */
#ifndef BENCH_PAIRS_H
#define BENCH_PAIRS_H

#include <stdint.h>

#define BENCH_PAIR_KEYS 1000000u

/* splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators"), as a function
 * of its position instead of a running state. */
static inline uint64_t bench_mix(uint64_t position)
{
    uint64_t z = (position + 1) * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 1 .. BENCH_PAIR_KEYS, uniform. */
static inline int64_t bench_pair_key(uint64_t i)
{
    return 1 + (int64_t)(bench_mix(2 * i) % BENCH_PAIR_KEYS);
}

/* 1 .. 2^31 - 1, uniform. */
static inline int64_t bench_pair_value(uint64_t i)
{
    return 1 + (int64_t)(bench_mix(2 * i + 1) % UINT64_C(0x7fffffff));
}

#endif
