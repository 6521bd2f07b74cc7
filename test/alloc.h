/* SPDX-License-Identifier: Apache-2.0 */
/* Allocations that fail when told to.
 *
 * The test program is linked with --wrap=malloc and the like, so each allocation made by our code
 * (not by other libraries) is counted here, on all threads, and one of them can be made to fail.
 * Under sanitizers too: what is not failed goes on to their allocator.
 *
 *     for (long n = 0;; n++) {
 *         test_alloc_fail_at(n);
 *         err = what_is_tested();
 *         if (!test_alloc_failed())
 *             break;              // it never got to allocation n: err must be NULL
 *         ...                     // only BEAMC_ENOMEM may come
 *     }
 *     test_alloc_fail_at(-1); */
#ifndef BEAMC_TEST_ALLOC_H
#define BEAMC_TEST_ALLOC_H

#include <stdbool.h>

/* Counts from 0 again and fails the allocation of that number, once; negative: none. */
void test_alloc_fail_at(long n);

/* Allocations since the last test_alloc_fail_at. */
long test_alloc_count(void);

/* Whether the allocation to fail was reached. */
bool test_alloc_failed(void);

#endif
