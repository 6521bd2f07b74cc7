/* SPDX-License-Identifier: Apache-2.0 */
/* The CombineFn behind Top, for what is made of it: T -> Iterable<T>, the best one first. */
#ifndef BEAMC_TRANSFORMS_TOP_H
#define BEAMC_TRANSFORMS_TOP_H

#include <beamc/combine.h>

#define BEAMC__TOP_CONFIG(F) F(int64, count) F(boolean, smallest) F(string, field)
BEAMC_ROW(beamc__top_config, BEAMC__TOP_CONFIG)

extern const beamc_combine_fn beamc__top_fn;

#endif
