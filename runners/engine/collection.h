/* SPDX-License-Identifier: Apache-2.0 */
/* A materialized PCollection: encoded elements, written by many bundles at once, read in parts.
 *
 *     bundle 0  | element | element | ...        The order is that of bundle indexes, then of puts.
 *     bundle 1  | element | ...                  It and the parts depend on nothing else: not on
 *     ...                                        threads, not on memory, not on spills. */
#ifndef BEAMC_ENGINE_COLLECTION_H
#define BEAMC_ENGINE_COLLECTION_H

#include "runners/engine/store.h"
#include <beamc/type.h>

typedef struct beamc__collection beamc__collection;
typedef struct beamc__collection_writer beamc__collection_writer;
typedef struct beamc__collection_reader beamc__collection_reader;

/* @store is borrowed as long as the collection. */
BEAMC_MUST_USE beamc_error *beamc__collection_new(beamc__collection **out, beamc__store *store);
/* No writer or reader of it may be left; those that are not committed are the caller's to abort. */
void beamc__collection_free(beamc__collection *collection);

/* ---- writing: any number of writers at once, each with an owner thread ----------------------- */

/* @bundle_index: no two committed writers of a collection have the same. */
BEAMC_MUST_USE beamc_error *beamc__collection_writer_new(beamc__collection_writer **out,
                                                         beamc__collection *collection,
                                                         uint64_t bundle_index);
/* Copies one element (any bytes, at least one). */
BEAMC_MUST_USE beamc_error *beamc__collection_put(beamc__collection_writer *writer,
                                                  const void *element, size_t size);
/* Makes what was put part of the collection; the writer is gone, whatever the answer. */
BEAMC_MUST_USE beamc_error *beamc__collection_commit(beamc__collection_writer *take_writer);
/* Leaves nothing of it.  Accepts NULL. */
void beamc__collection_abort(beamc__collection_writer *take_writer);

/* ---- after the last commit ------------------------------------------------------------------- */

/* Ends writing: after it, everything below may be called by any thread, any number of times. */
BEAMC_MUST_USE beamc_error *beamc__collection_finish(beamc__collection *collection);

uint64_t beamc__collection_count(const beamc__collection *collection); /* elements */
uint64_t beamc__collection_bytes(const beamc__collection *collection); /* of the elements */

/* A run of elements: from a byte of a chunk up to a byte of a chunk.  A plain value. */
typedef struct {
    uint64_t elements; /* at least 1 */
    uint64_t bytes;
    size_t first_chunk, first_offset;
    size_t end_chunk, end_offset; /* up to end_offset of end_chunk; 0: nothing of that one */
} beamc__part;

/* Parts that follow one another and are the whole.  There are at most @max_parts (> 0); they are
 * about equal in bytes and no smaller than about @min_bytes.  With @min_bytes 0 they are about
 * equal in elements, one each if there are few: for elements that mean much work each.  *@parts is
 * owned by the caller: free().  An empty collection has none. */
BEAMC_MUST_USE beamc_error *beamc__collection_parts(const beamc__collection *collection,
                                                    size_t max_parts, uint64_t min_bytes,
                                                    beamc__part **parts, size_t *count);

/* The whole as one part; elements is 0 if the collection is empty. */
beamc__part beamc__collection_whole(const beamc__collection *collection);

/* Owner thread only. */
BEAMC_MUST_USE beamc_error *beamc__collection_reader_new(beamc__collection_reader **out,
                                                         const beamc__collection *collection,
                                                         const beamc__part *part);
/* The next elements, whole, one after the other; borrowed until the next call; size 0: the end. */
BEAMC_MUST_USE beamc_error *beamc__collection_next(beamc__collection_reader *reader,
                                                   beamc_bytes *out);
void beamc__collection_reader_free(beamc__collection_reader *reader);

#endif
