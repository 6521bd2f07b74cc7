/* SPDX-License-Identifier: Apache-2.0 */
/* Lanes double their buffers from 1 KiB, so that a bundle with few elements needs little, and 64
 * lanes of each thread never much. */
#include "runners/engine/segment.h"
#include <stdlib.h>

enum {
    LANE_MIN = 1 << 10,
    LANE_LEAST_MAX = 4 << 10, /* what a lane may have under the smallest budget */
    LANE_MAX = 64 << 10,
    BLOCK = 512 << 10
};

void beamc__scatter_init(beamc__scatter *scatter, beamc__store *store, beamc__spill *spill)
{
    memset(scatter, 0, sizeof(*scatter));
    scatter->store = store;
    scatter->spill = spill;
    scatter->buffer_size =
        beamc__store_buffer_size(store, BEAMC__LANES, LANE_LEAST_MAX, LANE_MAX);
}

void beamc__segment_dispose(beamc__segment *segment, beamc__store *store, beamc__spill *spill,
                            bool drop)
{
    if (segment->data == NULL && drop && !segment->in_block)
        beamc__spill_drop(spill, segment->offset, segment->size);
    beamc__store_give(store, segment->booked);
    free(segment->data);
    segment->data = NULL;
    segment->booked = 0;
}

static void lane_empty(beamc__scatter *scatter, beamc__lane *lane)
{
    beamc__store_give(scatter->store, lane->capacity);
    free(lane->data);
    memset(lane, 0, sizeof(*lane));
}

void beamc__scatter_dispose(beamc__scatter *scatter, bool drop)
{
    for (size_t i = 0; i < scatter->segment_count; i++)
        beamc__segment_dispose(&scatter->segments[i], scatter->store, scatter->spill, drop);
    for (size_t i = 0; i < BEAMC__LANES; i++)
        lane_empty(scatter, &scatter->lanes[i]);
    beamc__store_give(scatter->store, scatter->block_capacity);
    free(scatter->segments);
    free(scatter->block);
    memset(scatter, 0, sizeof(*scatter));
}

/* ---- closing a lane's buffer ----------------------------------------------------------------- */

static beamc_error *write_block(beamc__scatter *scatter)
{
    uint64_t offset;

    if (scatter->block_size == 0)
        return NULL;
    BEAMC_TRY(beamc__spill_write(scatter->spill, scatter->block, scatter->block_size, &offset));
    for (size_t i = scatter->block_first; i < scatter->segment_count; i++) {
        if (!scatter->segments[i].in_block)
            continue;
        scatter->segments[i].offset += offset;
        scatter->segments[i].in_block = false;
    }
    scatter->block_first = scatter->segment_count;
    scatter->block_size = 0;
    return NULL;
}

/* Puts the lane's bytes where @segment (the next) can find them later. */
static beamc_error *spill_lane(beamc__scatter *scatter, const beamc__lane *lane,
                               beamc__segment *segment)
{
    if (segment->size > BLOCK)
        return beamc__spill_write(scatter->spill, lane->data, segment->size, &segment->offset);
    if (scatter->block == NULL) {
        scatter->block = malloc(BLOCK);
        if (scatter->block == NULL)
            return beamc_error_nomem();
        scatter->block_capacity = BLOCK;
        beamc__store_force(scatter->store, BLOCK);
    }
    if (segment->size > BLOCK - scatter->block_size)
        BEAMC_TRY(write_block(scatter));
    memcpy(scatter->block + scatter->block_size, lane->data, segment->size);
    segment->offset = scatter->block_size;
    segment->in_block = true;
    scatter->block_size += segment->size;
    return NULL;
}

/* Leaves the lane without a buffer, which is the segment's now. */
static void keep_lane(beamc__scatter *scatter, beamc__lane *lane, beamc__segment *segment)
{
    size_t used = segment->size + BEAMC__SEGMENT_SLACK;

    if (used < lane->capacity - lane->capacity / 8) {
        uint8_t *smaller = realloc(lane->data, used);
        if (smaller != NULL) {
            beamc__store_give(scatter->store, lane->capacity - used);
            lane->data = smaller;
            lane->capacity = used;
        }
    }
    segment->data = lane->data;
    segment->booked = lane->capacity;
    lane->data = NULL;
    lane->end = NULL;
    lane->capacity = 0;
}

static beamc_error *close_lane(beamc__scatter *scatter, uint32_t lane_index, bool keep)
{
    beamc__lane *lane = &scatter->lanes[lane_index];

    if (scatter->segment_count == scatter->segment_room) {
        size_t room = scatter->segment_room == 0 ? BEAMC__LANES : 2 * scatter->segment_room;
        beamc__segment *more = reallocarray(scatter->segments, room, sizeof(*more));
        if (more == NULL)
            return beamc_error_nomem();
        scatter->segments = more;
        scatter->segment_room = room;
    }
    beamc__segment segment = { .size = (size_t)(lane->at - lane->data),
                               .heads = lane->heads,
                               .count = lane->count,
                               .lane = lane_index };
    if (keep)
        keep_lane(scatter, lane, &segment);
    else
        BEAMC_TRY(spill_lane(scatter, lane, &segment));
    scatter->segments[scatter->segment_count++] = segment;
    lane->at = lane->data;
    lane->heads = 0;
    lane->count = 0;
    lane->head = 0;
    return NULL;
}

/* @booked: the bytes are already. */
static beamc_error *resize_lane(beamc__scatter *scatter, beamc__lane *lane, size_t capacity,
                                bool booked)
{
    size_t used = (size_t)(lane->at - lane->data);
    uint8_t *data = realloc(lane->data, capacity);

    if (data == NULL)
        return beamc_error_nomem();
    if (!booked) {
        beamc__store_give(scatter->store, lane->capacity);
        beamc__store_force(scatter->store, capacity);
    }
    lane->data = data;
    lane->at = data + used;
    lane->end = data + capacity - BEAMC__SEGMENT_SLACK;
    lane->capacity = capacity;
    return NULL;
}

beamc_error *beamc__scatter_room(beamc__scatter *scatter, uint32_t lane_index, size_t need)
{
    beamc__lane *lane = &scatter->lanes[lane_index];
    size_t used = lane->at == NULL ? 0 : (size_t)(lane->at - lane->data);
    size_t most = scatter->buffer_size;

    if (need > PTRDIFF_MAX / 4)
        return beamc_error_nomem();
    need += BEAMC__SEGMENT_SLACK;
    if (used + need <= most || used == 0) {
        size_t capacity = lane->capacity == 0 ? LANE_MIN : 2 * lane->capacity;
        if (capacity > most)
            capacity = most;
        if (capacity < used + need)
            capacity = used + need;
        return resize_lane(scatter, lane, capacity, false);
    }
    size_t capacity = need > most ? need : most;
    bool keep = !scatter->spill_all && beamc__store_take(scatter->store, capacity);
    beamc_error *err = close_lane(scatter, lane_index, keep);
    if (err == NULL && (lane->capacity < need || lane->capacity > 2 * most)) {
        if (!keep) {
            beamc__store_give(scatter->store, lane->capacity);
            lane->capacity = 0;
            free(lane->data);
            lane->data = NULL;
            lane->at = NULL;
            lane->end = NULL;
        }
        err = resize_lane(scatter, lane, capacity, keep);
    }
    if (err != NULL && keep)
        beamc__store_give(scatter->store, capacity);
    return err;
}

beamc_error *beamc__scatter_finish(beamc__scatter *scatter)
{
    for (uint32_t i = 0; i < BEAMC__LANES; i++) {
        beamc__lane *lane = &scatter->lanes[i];
        if (lane->count > 0)
            BEAMC_TRY(close_lane(scatter, i,
                                 !scatter->spill_all && beamc__store_take(scatter->store, 0)));
        lane_empty(scatter, lane);
    }
    BEAMC_TRY(write_block(scatter));
    beamc__store_give(scatter->store, scatter->block_capacity);
    free(scatter->block);
    scatter->block = NULL;
    scatter->block_capacity = 0;
    return NULL;
}

void beamc__segments_sort(const beamc__segment *segments, size_t count, beamc__segment *sorted,
                          size_t starts[BEAMC__LANES + 1])
{
    size_t at[BEAMC__LANES + 1] = { 0 };

    for (size_t i = 0; i < count; i++)
        at[segments[i].lane + 1]++;
    for (size_t i = 1; i <= BEAMC__LANES; i++)
        at[i] += at[i - 1];
    memcpy(starts, at, sizeof(at));
    for (size_t i = 0; i < count; i++)
        sorted[at[segments[i].lane]++] = segments[i];
}

/* ---- reading --------------------------------------------------------------------------------- */

int beamc__record_next_long(beamc_reader *in, beamc__record *out, beamc__head *head)
{
    uint64_t key_size;
    uint64_t value_size;
    size_t size;

    if (*in->at >= BEAMC__RECORD_HEAD) {
        in->at++;
        if (beamc__size_decode(in, &size) < 0)
            return BEAMC_ECORRUPT;
        head->bytes = in->at;
        head->size = size;
        head->serial++;
        in->at += size;
        if (in->at == in->end || *in->at >= BEAMC__RECORD_HEAD)
            return BEAMC_ECORRUPT;
    }
    uint8_t tag = *in->at++;
    key_size = tag >> 4;
    value_size = tag & 15;
    if ((key_size == BEAMC__KEY_SIZE_LONG && beamc__varint_decode(in, &key_size) < 0) ||
        (value_size == BEAMC__VALUE_SIZE_LONG && beamc__varint_decode(in, &value_size) < 0) ||
        key_size > beamc_reader_left(in) || value_size > beamc_reader_left(in) - key_size)
        return BEAMC_ECORRUPT;
    out->key = in->at;
    out->key_size = key_size;
    out->value = out->key + key_size;
    out->value_size = value_size;
    in->at = out->value + value_size;
    return BEAMC_OK;
}
