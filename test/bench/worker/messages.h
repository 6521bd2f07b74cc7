/* SPDX-License-Identifier: Apache-2.0 */
/* Elements messages for bundles: all refer to one page of encoded elements, so that making and sending
 * them costs no more than it does in raw_stream.c. */
#ifndef BEAMC_BENCH_MESSAGES_H
#define BEAMC_BENCH_MESSAGES_H

#include "sdk/rpc/message.h"
#include "test/bench/worker/descriptor.h"

typedef struct {
    uint8_t *bytes;
    size_t element_size;
    size_t count; /* elements in it */
} fed_page;

/* Elements with keys of @key_size bytes, as many as fit into @size, at least one; the rest of an
 * element is 16 bytes, or a little more for large keys. */
BEAMC_MUST_USE beamc_error *fed_page_make(fed_page *out, size_t size, size_t key_size);
void fed_page_dispose(fed_page *page);

/* The first @count elements of the page for an instruction; 0: the mark of the end.  The page outlives
 * the message.  NULL: no memory. */
beamc__rpc_message *fed_message(const fed_page *page, const char *instruction, size_t count);

#endif
