/* SPDX-License-Identifier: Apache-2.0 */
/* The DoFn that pairs elements with their timestamps: T -> KV<int64, T>. */
#ifndef BEAMC_TRANSFORMS_REIFY_H
#define BEAMC_TRANSFORMS_REIFY_H

#include <beamc/dofn.h>

extern const beamc_dofn beamc__reify_timestamps_fn;

#endif
