/* SPDX-License-Identifier: Apache-2.0 */
/* The elements that came for one bundle and are not taken yet.  The data stream puts, the bundle's
 * thread takes; neither waits for the other longer than it must.
 *
 *     source "a":  [block] [block] last        each source of the bundle has a queue of its own
 *     source "b":  [block]
 *
 * Elements may come before the bundle itself: then nobody knows its sources yet, and a queue is made
 * for whatever transform is named.  Any thread. */
#ifndef BEAMC_WORKER_INBOX_H
#define BEAMC_WORKER_INBOX_H

#include <beamc/type.h>

/* Bytes of a message, kept as long as somebody counts on them. */
typedef struct beamc__block beamc__block;

/* @release(@ctx) is called with the last reference; NULL: no memory, and it was called. */
BEAMC_MUST_USE beamc__block *beamc__block_new(void (*release)(void *ctx), void *ctx);
beamc__block *beamc__block_ref(beamc__block *block);
void beamc__block_unref(beamc__block *block);

/* Of all inboxes of a worker, which it outlives.  Numbers are atomic. */
typedef struct {
    int64_t held;    /* bytes in them, but for those whose threads wait for elements of another source */
    int64_t starved; /* how many threads wait for elements */
    /* One more does: called by that thread before it waits, without locks.  May be NULL. */
    void (*on_starved)(void *ctx);
    void *ctx;
} beamc__inbox_load;

typedef struct beamc__inbox beamc__inbox;

/* With one reference. */
BEAMC_MUST_USE beamc__inbox *beamc__inbox_new(beamc__inbox_load *load);
beamc__inbox *beamc__inbox_ref(beamc__inbox *inbox);
void beamc__inbox_unref(beamc__inbox *inbox);

/* Puts elements for a source; they are in @block.  BEAMC_OK or BEAMC_ENOMEM.  What comes after the
 * last, or after the inbox was closed, is dropped. */
BEAMC_MUST_USE int beamc__inbox_put(beamc__inbox *inbox, const char *transform_id,
                                    size_t transform_id_size, beamc_bytes elements,
                                    beamc__block *block, bool is_last);

/* Waits for elements of a source; one thread does.  *@block is the caller's to unref; it is NULL at the end.  An error
 * if the inbox was closed first.  @nudged may be NULL: then nothing but elements ends the waiting. */
BEAMC_MUST_USE beamc_error *beamc__inbox_take(beamc__inbox *inbox, const char *transform_id,
                                              beamc_bytes *elements, beamc__block **block,
                                              bool *nudged);

/* Whether all of a source is in the box, or was. */
bool beamc__inbox_has_end(beamc__inbox *inbox, const char *transform_id);

/* A transform whose elements nobody gets: @is_source says that it is none, or they came behind its end.  As
 * long as the inbox; NULL: there is none. */
const char *beamc__inbox_stray(beamc__inbox *inbox,
                               bool (*is_source)(const void *ctx, const char *transform_id),
                               const void *ctx);

/* Lets the thread that waits for elements, or the next one that would, have a look: its take answers no
 * elements, a NULL block and *nudged. */
void beamc__inbox_nudge(beamc__inbox *inbox);

/* Drops what is inside; whoever waits gets @take_error (NULL: cancelled). */
void beamc__inbox_close(beamc__inbox *inbox, beamc_error *take_error);

#endif
