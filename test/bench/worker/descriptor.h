/* SPDX-License-Identifier: Apache-2.0 */
/* The bundles that a worker is fed: in -> DoFn -> out, of KV<string, int64> in the global window. */
#ifndef BEAMC_BENCH_DESCRIPTOR_H
#define BEAMC_BENCH_DESCRIPTOR_H

#include <beamc/buffer.h>
#include <beamc/dofn.h>

BEAMC_KV(fed, string, int64)

/* Packs the ProcessBundleDescriptor @id; both of its ports are at @url. */
BEAMC_MUST_USE beamc_error *fed_descriptor(beamc_buffer *out, const char *id, const char *url,
                                           const beamc_dofn *dofn);

#endif
