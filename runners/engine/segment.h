/* SPDX-License-Identifier: Apache-2.0 */
/* Keyed records in 64 lanes, as bytes.  A shuffle's writers have their lanes by hash, and a reader
 * whose data is too large for memory divides it again the same way.
 *
 *     lane 0   [segment][segment][ being filled ...   A full buffer becomes a segment: it stays in
 *     lane 1   [ being filled .........               memory, or is copied to a block of many lanes
 *     ...                                             that goes to the temporary file at once.
 *
 * A segment:
 *
 *     record   key size << 4 | value size, 1 byte | sizes that do not fit, varints | key | value
 *     head     0xf0 | size, varint | bytes             for the records from there on
 *
 *     key size   0..13, or 14: a varint follows        value size   0..14, or 15: a varint follows
 *
 * Before the first head of a segment the head is empty. */
#ifndef BEAMC_ENGINE_SEGMENT_H
#define BEAMC_ENGINE_SEGMENT_H

#include "runners/engine/store.h"
#include "sdk/base/copy.h"
#include "sdk/coders/varint.h"

#define BEAMC__LANES 64
#define BEAMC__LANE_BITS 6

/* Bytes after the end of a segment that may be read, whatever they are. */
#define BEAMC__SEGMENT_SLACK 16

enum {
    BEAMC__KEY_SIZE_LONG = 14,
    BEAMC__RECORD_HEAD = 0xf0,
    BEAMC__VALUE_SIZE_LONG = 15,
    BEAMC__RECORD_MORE = 1 + 2 * BEAMC__VARINT_MAX, /* than key and value */
    BEAMC__HEAD_MORE = 1 + BEAMC__VARINT_MAX        /* than the head's bytes */
};

typedef struct {
    uint8_t *data;   /* owned, with slack; NULL: in the temporary file */
    uint64_t offset; /* there */
    size_t size;
    size_t heads; /* of which heads are so many bytes */
    size_t booked;
    uint64_t count; /* of records */
    uint32_t lane;
    bool in_block; /* offset is still that in the block */
} beamc__segment;

/* ---- writing --------------------------------------------------------------------------------- */

typedef struct {
    uint8_t *at;
    uint8_t *end; /* without slack */
    uint8_t *data; /* owned */
    size_t capacity; /* with slack */
    size_t heads;
    uint64_t count;
    uint64_t head; /* serial of the last head written; 0: the empty one */
} beamc__lane;

/* Owner thread only. */
typedef struct {
    beamc__store *store;
    beamc__spill *spill; /* borrowed */
    bool spill_all;      /* nothing stays in memory */
    size_t buffer_size;  /* of a lane at most */
    beamc__segment *segments; /* owned */
    size_t segment_count;
    size_t segment_room;
    uint8_t *block; /* owned */
    size_t block_size;
    size_t block_capacity;
    size_t block_first; /* no segment before it is in the block */
    beamc__lane lanes[BEAMC__LANES];
} beamc__scatter;

/* The head of the records to come; another one has another serial.  The empty one has 0. */
typedef struct {
    const uint8_t *bytes;
    size_t size;
    uint64_t serial;
} beamc__head;

void beamc__scatter_init(beamc__scatter *scatter, beamc__store *store, beamc__spill *spill);
/* Frees it and all its segments; @drop: also gives their space in the file back. */
void beamc__scatter_dispose(beamc__scatter *scatter, bool drop);
/* Makes segments of all that was put. */
BEAMC_MUST_USE beamc_error *beamc__scatter_finish(beamc__scatter *scatter);
/* Makes room for @need bytes in the lane. */
BEAMC_MUST_USE beamc_error *beamc__scatter_room(beamc__scatter *scatter, uint32_t lane,
                                                size_t need);

/* Sorts segments by lane, otherwise leaves their order; those of lane i are then from starts[i] up
 * to starts[i + 1].  @sorted has room for all. */
void beamc__segments_sort(const beamc__segment *segments, size_t count, beamc__segment *sorted,
                          size_t starts[BEAMC__LANES + 1]);
void beamc__segment_dispose(beamc__segment *segment, beamc__store *store, beamc__spill *spill,
                            bool drop);

/* Appends a record to a lane. */
BEAMC_MUST_USE static inline beamc_error *
beamc__scatter_put(beamc__scatter *scatter, uint32_t lane_index, const beamc__head *head,
                   const uint8_t *key, size_t key_size, const uint8_t *value, size_t value_size)
{
    beamc__lane *lane = &scatter->lanes[lane_index];
    size_t need = key_size + value_size + head->size + BEAMC__RECORD_MORE + BEAMC__HEAD_MORE;

    if (BEAMC_UNLIKELY((size_t)(lane->end - lane->at) < need))
        BEAMC_TRY(beamc__scatter_room(scatter, lane_index, need));
    uint8_t *to = lane->at;
    if (BEAMC_UNLIKELY(lane->head != head->serial)) {
        *to++ = BEAMC__RECORD_HEAD;
        to = beamc__varint_put(to, head->size);
        if (head->size > 0)
            memcpy(to, head->bytes, head->size);
        to += head->size;
        lane->heads += (size_t)(to - lane->at);
        lane->head = head->serial;
    }
    lane->count++;
    if (BEAMC_LIKELY(key_size < BEAMC__KEY_SIZE_LONG && value_size < BEAMC__VALUE_SIZE_LONG)) {
        *to++ = (uint8_t)(key_size << 4 | value_size);
        beamc__copy_16(to, key, key_size);
        to += key_size;
        beamc__copy_16(to, value, value_size);
        lane->at = to + value_size;
        return NULL;
    }
    uint8_t *tag = to++;
    if (key_size < BEAMC__KEY_SIZE_LONG) {
        *tag = (uint8_t)(key_size << 4);
    } else {
        *tag = BEAMC__KEY_SIZE_LONG << 4;
        to = beamc__varint_put(to, key_size);
    }
    if (value_size < BEAMC__VALUE_SIZE_LONG) {
        *tag |= (uint8_t)value_size;
    } else {
        *tag |= BEAMC__VALUE_SIZE_LONG;
        to = beamc__varint_put(to, value_size);
    }
    if (key_size > 0)
        memcpy(to, key, key_size);
    to += key_size;
    if (value_size > 0)
        memcpy(to, value, value_size);
    lane->at = to + value_size;
    return NULL;
}

/* ---- reading --------------------------------------------------------------------------------- */

typedef struct {
    const uint8_t *key;
    size_t key_size;
    const uint8_t *value;
    size_t value_size;
} beamc__record;

/* Reads what is not the quick case; see beamc__record_next. */
int beamc__record_next_long(beamc_reader *in, beamc__record *out, beamc__head *head);

/* Reads the next record of a segment that is not at its end.  A head in front of it is put into
 * @head (borrowed) and its serial counted up.  BEAMC_ECORRUPT: the file was damaged. */
static inline int beamc__record_next(beamc_reader *in, beamc__record *out, beamc__head *head)
{
    size_t tag = *in->at;
    size_t key_size = tag >> 4;
    size_t value_size = tag & 15;

    if (BEAMC_UNLIKELY(key_size >= BEAMC__KEY_SIZE_LONG || value_size == BEAMC__VALUE_SIZE_LONG ||
                       beamc_reader_left(in) <= key_size + value_size))
        return beamc__record_next_long(in, out, head);
    out->key = in->at + 1;
    out->key_size = key_size;
    out->value = out->key + key_size;
    out->value_size = value_size;
    in->at = out->value + value_size;
    return BEAMC_OK;
}

#endif
