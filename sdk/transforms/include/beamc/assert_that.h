/* SPDX-License-Identifier: Apache-2.0 */
/* Assertions inside a pipeline, for tests that run on any runner: the run fails unless a PCollection
 * holds what it should.
 *
 *     static const int64_t expected[] = { 2, 4, 6 };
 *     beamc_assert_that(doubled, expected, 3);
 *
 * The error says where the assertion is written, what is missing and what is too much:
 *
 *     test.c:12: 3 elements are not what is expected: missing 6; unexpected 5
 *
 * All elements of all windows go to one worker and into its memory, so this is for small data.  Each
 * assertion that held counts in the metric beamc_assert_that/held. */
#ifndef BEAMC_ASSERT_THAT_H
#define BEAMC_ASSERT_THAT_H

#include <beamc/pipeline.h>

BEAMC_EXTERN_C_BEGIN

/** @in holds, in all its windows together and in any order, exactly the @count values (of its type,
 *  @size bytes each, copied) lying one after the other at @expected.  Values are the same if their
 *  encodings are; those of an iterable and the entries of a map may have any order, and 0 is -0. */
BEAMC_API void beamc_assert_that_at(beamc_location at, beamc_pcollection in, const void *expected,
                                    size_t size, size_t count);
#define beamc_assert_that(in, expected, count)                                                     \
    beamc_assert_that_at(BEAMC_HERE, in, expected, sizeof(*(expected)), count)

/** @in holds nothing. */
#define beamc_assert_that_empty(in) beamc_assert_that_at(BEAMC_HERE, in, NULL, 0, 0)

/** @in holds so many elements, in all its windows together.  For data of any size. */
BEAMC_API void beamc_assert_that_count_at(beamc_location at, beamc_pcollection in, int64_t count);
#define beamc_assert_that_count(in, count) beamc_assert_that_count_at(BEAMC_HERE, in, count)

BEAMC_EXTERN_C_END

#endif
