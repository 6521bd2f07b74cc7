/* SPDX-License-Identifier: Apache-2.0 */
/* A GroupByKey: keyed elements written by many bundles at once, read as groups.
 *
 *     puts --hash of the key--> 64 partitions --coalesced--> parts --> groups: window, key, values
 *
 * Groups and values come in an order that depends on what was put by which bundle index, and on
 * nothing else: not on threads, not on memory, not on spills.  Groups are ordered by the hash of
 * the key, those of a key by their windows' bytes (for intervals: by their ends); the values of a
 * group by bundle index, then as they were put. */
#ifndef BEAMC_ENGINE_SHUFFLE_H
#define BEAMC_ENGINE_SHUFFLE_H

#include "harness/exec/bundle.h"
#include "runners/engine/store.h"
#include "sdk/windowing/window_fn.h"

typedef struct beamc__shuffle beamc__shuffle;
typedef struct beamc__shuffle_writer beamc__shuffle_writer;
typedef struct beamc__shuffle_reader beamc__shuffle_reader;

typedef struct {
    beamc__window_fn fn; /* of the input; if it merges, a group is a merged window */
    beamc_output_time output_time;
    /* Moves @in behind one encoded window, answers BEAMC_OK or a negative beamc_code.  NULL: by the
     * form; windows of the unknown form, and what follows the timestamp of a custom one, are then
     * taken to begin with their length. */
    int (*skip_window)(const void *ctx, beamc_reader *in);
    const void *skip_window_ctx; /* borrowed as long as the shuffle */
    bool read_once;              /* release_part gives memory back */
} beamc__shuffle_options;

/* @store is borrowed as long as the shuffle.  EUNSUPPORTED: windows of another SDK's function are
 * to be merged, or to give a timestamp that is not known here. */
BEAMC_MUST_USE beamc_error *beamc__shuffle_new(beamc__shuffle **out, beamc__store *store,
                                               const beamc__shuffle_options *options);
/* No writer or reader of it may be left. */
void beamc__shuffle_free(beamc__shuffle *shuffle);

/* ---- writing: any number of writers at once, each with an owner thread ----------------------- */

/* @bundle_index: no two committed writers of a shuffle have the same. */
BEAMC_MUST_USE beamc_error *beamc__shuffle_writer_new(beamc__shuffle_writer **out,
                                                      beamc__shuffle *shuffle,
                                                      uint64_t bundle_index);
/* Copies one element.  @head: timestamp, count of windows, windows, pane, as encoded; @key and
 * @value: nested encodings.  An element in no window is dropped. */
BEAMC_MUST_USE beamc_error *beamc__shuffle_put(beamc__shuffle_writer *writer, const uint8_t *head,
                                               size_t head_size, const uint8_t *key,
                                               size_t key_size, const uint8_t *value,
                                               size_t value_size);
/* Makes what was put part of the shuffle; the writer is gone, whatever the answer. */
BEAMC_MUST_USE beamc_error *beamc__shuffle_commit(beamc__shuffle_writer *take_writer);
/* Leaves nothing of it.  Accepts NULL. */
void beamc__shuffle_abort(beamc__shuffle_writer *take_writer);

/* ---- after the last commit ------------------------------------------------------------------- */

/* Ends writing: after it, everything below may be called by any thread. */
BEAMC_MUST_USE beamc_error *beamc__shuffle_finish(beamc__shuffle *shuffle);

uint64_t beamc__shuffle_count(const beamc__shuffle *shuffle); /* elements put */
uint64_t beamc__shuffle_bytes(const beamc__shuffle *shuffle); /* of their keys and values, about */

/* How many parts there are, 0 for an empty shuffle, 64 at most; few if there are few bytes. */
size_t beamc__shuffle_part_count(const beamc__shuffle *shuffle);
uint64_t beamc__shuffle_part_bytes(const beamc__shuffle *shuffle, size_t part);

/* Reads the groups of a part.  Owner thread only; several readers may read the same part. */
BEAMC_MUST_USE beamc_error *beamc__shuffle_reader_new(beamc__shuffle_reader **out,
                                                      const beamc__shuffle *shuffle, size_t part);
/* The next group, borrowed until the next call; false in *@got: the end.  Its values can be walked
 * any number of times, several walks at once; a walk over a group too large for memory reads from
 * disk.  After an error the reader is only good for being freed. */
BEAMC_MUST_USE beamc_error *beamc__shuffle_next(beamc__shuffle_reader *reader, beamc__group *out,
                                                bool *got);
void beamc__shuffle_reader_free(beamc__shuffle_reader *reader);

/* Says that nothing of @part will be read again, and none of its readers is left.  Each part once;
 * without read_once it does nothing. */
void beamc__shuffle_release_part(beamc__shuffle *shuffle, size_t part);

#endif
