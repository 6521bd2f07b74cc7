/* SPDX-License-Identifier: Apache-2.0 */
/* The reading half of a shuffle.  A lane is grouped in memory if it and the tables fit into the
 * reader's share.  Else it is divided into 64 by further bits of the hash, on disk, in order, and
 * each of those is read the same way:
 *
 *     lane --fits--> groups in memory
 *       \--else--> divided by hash --fits--> groups in memory
 *                    \--one hash left--> one group: streamed from disk
 *                                   \--else--> divided by groups, in order --> ...
 *
 * Sources wait on a stack, the next one on top. */
#include "runners/engine/grouping.h"
#include "runners/engine/shuffle.h"
#include "runners/engine/shuffle_fields.h"
#include "sdk/base/hash.h"
#include <stdlib.h>

/* What dividing a source gave. */
typedef struct {
    beamc__spill *spill;      /* owned */
    beamc__segment *segments; /* owned */
} division;

/* Segments to be grouped: a lane of the shuffle or of a division. */
typedef struct {
    const beamc__segment *segments;
    size_t count;
    const beamc__spill *spill;
    unsigned bits;   /* of the hashes, from the top, that are the same for all */
    bool one_hash;   /* all are */
    division *owner; /* owned by its last source, NULL for the others */
} source;

/* Goes through the records of a source with one segment in memory. */
typedef struct {
    source from;
    beamc__store *store;
    size_t next; /* segment */
    beamc_reader in;
    beamc__head head;
    uint8_t *buffer; /* owned; for what comes from the file */
    size_t capacity;
} walk;

typedef struct {
    const uint8_t *from;
    const uint8_t *to;
} value_range;

struct beamc__shuffle_reader {
    const beamc__shuffle *shuffle;
    uint32_t lane; /* the next */
    uint32_t lane_end;
    source *stack; /* owned */
    size_t stack_count;
    size_t stack_room;
    source now; /* whose groups are handed out */
    bool streams; /* its one group from disk */
    size_t group;      /* the next of the order */
    value_range values; /* of the group handed out */
    beamc__grouping grouping;
    uint8_t *loaded; /* owned; what the segments have in the file */
    size_t loaded_capacity;
    size_t booked;
};

static beamc_error *grouping_error(int rc)
{
    if (rc == BEAMC_ENOMEM)
        return beamc_error_nomem();
    if (rc == BEAMC_ECORRUPT)
        return beamc_error_new(BEAMC_EIO, "a temporary file is damaged");
    return beamc_error_new((beamc_code)rc, "too many keys or windows at once");
}

/* Tells the store what the reader holds. */
static void book(beamc__shuffle_reader *reader)
{
    size_t holds = reader->loaded_capacity + reader->grouping.memory;

    beamc__store_force(reader->shuffle->store, holds);
    beamc__store_give(reader->shuffle->store, reader->booked);
    reader->booked = holds;
}

/* ---- walks ----------------------------------------------------------------------------------- */

static void walk_start(walk *on, const source *from, beamc__store *store)
{
    memset(on, 0, sizeof(*on));
    on->from = *from;
    on->store = store;
}

static void walk_end(walk *on)
{
    beamc__store_give(on->store, on->capacity);
    free(on->buffer);
    memset(on, 0, sizeof(*on));
}

/* The bytes of the next segment, in memory; NULL at the end. */
static beamc_error *walk_segment(walk *on, const uint8_t **bytes, size_t *size)
{
    *bytes = NULL;
    *size = 0;
    if (on->next == on->from.count)
        return NULL;
    const beamc__segment *segment = &on->from.segments[on->next];
    *bytes = segment->data;
    if (segment->data == NULL) {
        size_t need = segment->size + BEAMC__SEGMENT_SLACK;
        if (need > on->capacity) {
            free(on->buffer);
            beamc__store_give(on->store, on->capacity);
            on->capacity = 0;
            on->buffer = malloc(need);
            if (on->buffer == NULL)
                return beamc_error_nomem();
            on->capacity = need;
            beamc__store_force(on->store, need);
        }
        BEAMC_TRY(beamc__spill_read(on->from.spill, segment->offset, on->buffer, segment->size));
        *bytes = on->buffer;
    }
    *size = segment->size;
    on->next++;
    return NULL;
}

/* The next record, borrowed until the next call, with its head in the walk; false in *@got: the
 * end. */
static beamc_error *walk_next(walk *on, beamc__record *record, bool *got)
{
    *got = false;
    if (on->in.at == on->in.end) {
        const uint8_t *bytes;
        size_t size;
        BEAMC_TRY(walk_segment(on, &bytes, &size));
        if (bytes == NULL)
            return NULL;
        on->in = beamc_reader_of(bytes, size);
        on->head = (beamc__head){ NULL, 0, on->head.serial + 1 };
    }
    int rc = beamc__record_next(&on->in, record, &on->head);
    if (rc < 0)
        return grouping_error(rc);
    *got = true;
    return NULL;
}

/* ---- the stack ------------------------------------------------------------------------------- */

static void division_free(division *divided)
{
    if (divided == NULL)
        return;
    beamc__spill_free(divided->spill);
    free(divided->segments);
    free(divided);
}

/* Frees what belongs to the source being read. */
static void leave_source(beamc__shuffle_reader *reader)
{
    division_free(reader->now.owner);
    memset(&reader->now, 0, sizeof(reader->now));
    reader->streams = false;
    reader->group = 0;
    reader->grouping.order_count = 0;
}

/* Puts what @scatter (finished) wrote on the stack, the first lane on top; takes the spill. */
static beamc_error *push_division(beamc__shuffle_reader *reader, beamc__scatter *scatter,
                                  beamc__spill *take_spill, unsigned bits, const bool *one_hash)
{
    size_t starts[BEAMC__LANES + 1];
    size_t room = reader->stack_count + BEAMC__LANES;
    division *divided = calloc(1, sizeof(*divided));

    if (divided == NULL) {
        beamc__spill_free(take_spill);
        return beamc_error_nomem();
    }
    divided->spill = take_spill;
    divided->segments = calloc(scatter->segment_count + 1, sizeof(*divided->segments));
    if (divided->segments != NULL && room > reader->stack_room) {
        source *more = reallocarray(reader->stack, room, sizeof(*more));
        if (more == NULL) {
            division_free(divided);
            return beamc_error_nomem();
        }
        reader->stack = more;
        reader->stack_room = room;
    }
    if (divided->segments == NULL) {
        division_free(divided);
        return beamc_error_nomem();
    }
    beamc__segments_sort(scatter->segments, scatter->segment_count, divided->segments, starts);
    division *owner = divided;
    for (size_t lane = BEAMC__LANES; lane-- > 0;) {
        if (starts[lane] == starts[lane + 1])
            continue;
        reader->stack[reader->stack_count++] = (source){
            .segments = divided->segments + starts[lane],
            .count = starts[lane + 1] - starts[lane],
            .spill = divided->spill,
            .bits = bits,
            .one_hash = one_hash[lane] || bits >= 64,
            .owner = owner,
        };
        owner = NULL;
    }
    division_free(owner); /* nothing was written */
    return NULL;
}

/* ---- in memory ------------------------------------------------------------------------------- */

static beamc_error *load(beamc__shuffle_reader *reader, const source *from, size_t size)
{
    size_t need = size + BEAMC__SEGMENT_SLACK;
    size_t at = 0;

    if (size == 0)
        return NULL;
    if (need > reader->loaded_capacity) {
        free(reader->loaded);
        reader->loaded_capacity = 0;
        reader->loaded = malloc(need);
        if (reader->loaded == NULL)
            return beamc_error_nomem();
        reader->loaded_capacity = need;
    }
    for (size_t i = 0; i < from->count; i++) {
        const beamc__segment *segment = &from->segments[i];
        if (segment->data != NULL)
            continue;
        BEAMC_TRY(beamc__spill_read(from->spill, segment->offset, reader->loaded + at,
                                    segment->size));
        at += segment->size;
    }
    return NULL;
}

/* One pass over all segments. */
static int pass(beamc__shuffle_reader *reader, const source *from,
                int (*each)(beamc__grouping *grouping, const uint8_t *bytes, size_t size))
{
    size_t at = 0;

    for (size_t i = 0; i < from->count; i++) {
        const beamc__segment *segment = &from->segments[i];
        const uint8_t *bytes = segment->data;
        if (bytes == NULL) {
            bytes = reader->loaded + at;
            at += segment->size;
        }
        int rc = each(&reader->grouping, bytes, segment->size);
        if (rc < 0)
            return rc;
    }
    return BEAMC_OK;
}

static int group_loaded(beamc__shuffle_reader *reader, const source *from, size_t limit)
{
    beamc__grouping *grouping = &reader->grouping;
    int rc;

    grouping->bits = from->bits;
    grouping->copies = false;
    grouping->limit = limit;
    beamc__grouping_start(grouping);
    if ((rc = pass(reader, from, beamc__grouping_add)) < 0 ||
        (rc = beamc__grouping_order(grouping)) < 0 ||
        (rc = beamc__grouping_place_start(grouping)) < 0)
        return rc;
    return pass(reader, from, beamc__grouping_place);
}

/* Memory of tables and values grown for other sources is given back. */
static beamc_error *start_over(beamc__shuffle_reader *reader)
{
    beamc__grouping_dispose(&reader->grouping);
    int rc = beamc__grouping_init(&reader->grouping, &reader->shuffle->options);
    return rc < 0 ? grouping_error(rc) : NULL;
}

static beamc_error *try_memory(beamc__shuffle_reader *reader, const source *from, bool *fits)
{
    size_t share = beamc__store_share(reader->shuffle->store);
    uint64_t spilled = 0;
    uint64_t count = 0;

    for (size_t i = 0; i < from->count; i++) {
        count += from->segments[i].count;
        if (from->segments[i].data == NULL)
            spilled += from->segments[i].size;
    }
    *fits = false;
    if (spilled > share || count * (sizeof(uint32_t) + 1) > share - spilled)
        return NULL;
    size_t limit = share - (size_t)spilled;
    BEAMC_TRY(load(reader, from, (size_t)spilled));
    bool fresh = reader->grouping.memory == 0;
    int rc = group_loaded(reader, from, limit);
    if (rc == BEAMC_ELIMIT && !fresh) {
        BEAMC_TRY(start_over(reader));
        rc = group_loaded(reader, from, limit);
    }
    book(reader);
    if (rc < 0 && rc != BEAMC_ELIMIT)
        return grouping_error(rc);
    *fits = rc == BEAMC_OK;
    return NULL;
}

/* ---- dividing by hash ------------------------------------------------------------------------ */

typedef struct {
    uint64_t hash;
    bool any;
    bool several;
} lane_hashes;

static beamc_error *scatter_by_hash(beamc__scatter *scatter, walk *on, lane_hashes *hashes)
{
    beamc__record record;
    bool got;

    for (;;) {
        BEAMC_TRY(walk_next(on, &record, &got));
        if (!got)
            return beamc__scatter_finish(scatter);
        uint64_t hash = beamc__hash(record.key, record.key_size);
        uint32_t lane = (uint32_t)(hash << on->from.bits >> (64 - BEAMC__LANE_BITS));
        hashes[lane].several |= hashes[lane].any && hashes[lane].hash != hash;
        hashes[lane].any = true;
        hashes[lane].hash = hash;
        BEAMC_TRY(beamc__scatter_put(scatter, lane, &on->head, record.key, record.key_size,
                                     record.value, record.value_size));
    }
}

static beamc_error *divide_by_hash(beamc__shuffle_reader *reader)
{
    beamc__store *store = reader->shuffle->store;
    lane_hashes hashes[BEAMC__LANES] = { { 0, false, false } };
    bool one_hash[BEAMC__LANES];
    beamc__scatter scatter;
    walk on;

    beamc__spill *spill = beamc__spill_new(store);
    if (spill == NULL)
        return beamc_error_nomem();
    beamc__scatter_init(&scatter, store, spill);
    scatter.spill_all = true;
    walk_start(&on, &reader->now, store);
    beamc_error *err = scatter_by_hash(&scatter, &on, hashes);
    walk_end(&on);
    for (size_t i = 0; i < BEAMC__LANES; i++)
        one_hash[i] = !hashes[i].several;
    if (err == NULL)
        err = push_division(reader, &scatter, spill, reader->now.bits + BEAMC__LANE_BITS,
                            one_hash);
    else
        beamc__spill_free(spill);
    beamc__scatter_dispose(&scatter, false);
    return err;
}

/* ---- one hash: nearly always one key --------------------------------------------------------- */

/* Says for each pair the lane it goes to: runs of groups that follow one another, about as large as
 * can be grouped in memory, and large groups alone.  There are at least two runs and at most 63. */
static void choose_lanes(const beamc__grouping *grouping, size_t share, uint8_t *lanes)
{
    uint64_t total = 0;
    uint64_t in_lane = 0;
    uint8_t lane = 0;

    for (size_t i = 0; i < grouping->order_count; i++) {
        const beamc__group_pair *pair = &grouping->pairs[grouping->order[i]];
        total += pair->bytes + pair->count * beamc__grouping_key(grouping, grouping->order[i]).size;
    }
    uint64_t target = total / 2 < share / 4 ? total / 2 : share / 4;
    if (target < total / 31 + 1)
        target = total / 31 + 1;
    for (size_t i = 0; i < grouping->order_count; i++) {
        const beamc__group_pair *pair = &grouping->pairs[grouping->order[i]];
        uint64_t bytes =
            pair->bytes + pair->count * beamc__grouping_key(grouping, grouping->order[i]).size;
        if (in_lane > 0 && (bytes >= target || in_lane >= target)) {
            lane++;
            in_lane = 0;
        }
        lanes[grouping->order[i]] = lane;
        in_lane += bytes;
    }
}

/* Writes each record once for each of its groups, with the group's window. */
static beamc_error *scatter_by_group(beamc__shuffle_reader *reader, beamc__scatter *scatter,
                                     walk *on, const uint8_t *lanes, beamc_buffer *stored)
{
    beamc__grouping *grouping = &reader->grouping;
    bool keeps_time = beamc__shuffle_keeps_time(grouping->options);
    beamc__head head = { NULL, 0, 0 };
    uint64_t last_pair = UINT64_MAX;
    beamc_timestamp last_time = 0;
    const uint32_t *pairs;
    size_t count;
    beamc__record record;
    bool got;

    grouping->head_serial = UINT64_MAX;
    for (;;) {
        BEAMC_TRY(walk_next(on, &record, &got));
        if (!got)
            return beamc__scatter_finish(scatter);
        int rc = beamc__grouping_find(grouping, &on->head, &record, &pairs, &count);
        if (rc < 0)
            return grouping_error(rc);
        for (size_t i = 0; i < count; i++) {
            if (pairs[i] != last_pair || (keeps_time && grouping->time != last_time)) {
                beamc__group_window window = beamc__grouping_window(grouping, pairs[i]);
                beamc_buffer_clear(stored);
                if (keeps_time && beamc__timestamp_encode(grouping->time, stored) < 0)
                    return beamc_error_nomem();
                beamc_buffer_append(stored, window.bytes, window.size);
                if (beamc_buffer_failed(stored))
                    return beamc_error_nomem();
                head.bytes = stored->data;
                head.size = stored->size;
                head.serial++;
                last_pair = pairs[i];
                last_time = grouping->time;
            }
            BEAMC_TRY(beamc__scatter_put(scatter, lanes[pairs[i]], &head, record.key,
                                         record.key_size, record.value, record.value_size));
        }
    }
}

static beamc_error *divide_by_group(beamc__shuffle_reader *reader)
{
    beamc__store *store = reader->shuffle->store;
    bool one_hash[BEAMC__LANES];
    beamc__scatter scatter;
    beamc_buffer stored;
    walk on;

    uint8_t *lanes = calloc(reader->grouping.pair_count, 1);
    if (lanes == NULL)
        return beamc_error_nomem();
    choose_lanes(&reader->grouping, beamc__store_share(store), lanes);
    beamc__spill *spill = beamc__spill_new(store);
    if (spill == NULL) {
        free(lanes);
        return beamc_error_nomem();
    }
    beamc__scatter_init(&scatter, store, spill);
    scatter.spill_all = true;
    beamc_buffer_init(&stored);
    walk_start(&on, &reader->now, store);
    beamc_error *err = scatter_by_group(reader, &scatter, &on, lanes, &stored);
    walk_end(&on);
    beamc_buffer_dispose(&stored);
    free(lanes);
    memset(one_hash, true, sizeof(one_hash));
    if (err == NULL)
        err = push_division(reader, &scatter, spill, reader->now.bits, one_hash);
    else
        beamc__spill_free(spill);
    beamc__scatter_dispose(&scatter, false);
    return err;
}

/* Finds the groups, whose tables have to fit; *@one: there is one, to be read as it is. */
static beamc_error *find_groups(beamc__shuffle_reader *reader, bool *one)
{
    beamc__grouping *grouping = &reader->grouping;
    uint64_t records = 0;
    const uint8_t *bytes;
    size_t size;
    walk on;
    int rc = BEAMC_OK;

    BEAMC_TRY(start_over(reader));
    free(reader->loaded);
    reader->loaded = NULL;
    reader->loaded_capacity = 0;
    grouping->copies = true;
    grouping->bits = reader->now.bits;
    beamc__grouping_start(grouping);
    walk_start(&on, &reader->now, reader->shuffle->store);
    beamc_error *err = walk_segment(&on, &bytes, &size);
    while (err == NULL && bytes != NULL && (rc = beamc__grouping_add(grouping, bytes, size)) >= 0)
        err = walk_segment(&on, &bytes, &size);
    walk_end(&on);
    if (err == NULL && rc >= 0)
        rc = beamc__grouping_order(grouping);
    book(reader);
    if (err == NULL && rc < 0)
        err = grouping_error(rc);
    for (size_t i = 0; i < reader->now.count; i++)
        records += reader->now.segments[i].count;
    *one = grouping->order_count == 1 && grouping->id_count == records;
    return err;
}

/* ---- groups ---------------------------------------------------------------------------------- */

static const uint8_t pane_once[1] = { 0x07 }; /* on time, first and last */

static void values_start(const beamc__group *group, uintptr_t cursor[4])
{
    const value_range *values = group->source;

    cursor[0] = (uintptr_t)values->from;
    cursor[1] = (uintptr_t)values->to;
}

static beamc_error *values_next(BEAMC_UNUSED const beamc__group *group, uintptr_t cursor[4],
                                beamc_bytes *value)
{
    const uint8_t *at = (const uint8_t *)cursor[0];
    uintptr_t address;
    uint64_t size;

    value->data = NULL;
    value->size = 0;
    if (cursor[0] == cursor[1])
        return NULL;
    if (BEAMC_LIKELY(*at <= BEAMC__GROUP_INLINE)) {
        value->size = *at;
        value->data = at + 1;
        cursor[0] = (uintptr_t)(value->data + value->size);
        return NULL;
    }
    beamc_reader in = { at, (const uint8_t *)cursor[1] };
    if (beamc__varint_decode(&in, &size) < 0)
        return beamc_error_new(BEAMC_ECORRUPT, "the size of a value");
    memcpy(&address, in.at, sizeof(address));
    value->size = (size_t)size;
    value->data = (const uint8_t *)address;
    cursor[0] = (uintptr_t)(in.at + sizeof(address));
    return NULL;
}

static const beamc__group_ops memory_ops = { values_start, values_next, NULL };

/* From disk: the first word of the cursor is the walk, the second tells whether it has ended. */
static void stream_start(BEAMC_UNUSED const beamc__group *group, uintptr_t cursor[4])
{
    cursor[0] = 0;
    cursor[1] = false;
}

static void stream_end(BEAMC_UNUSED const beamc__group *group, uintptr_t cursor[4])
{
    walk *on = (walk *)cursor[0];

    cursor[0] = 0;
    cursor[1] = true;
    if (on == NULL)
        return;
    walk_end(on);
    free(on);
}

static beamc_error *stream_next(const beamc__group *group, uintptr_t cursor[4], beamc_bytes *value)
{
    const beamc__shuffle_reader *reader = group->source;
    walk *on = (walk *)cursor[0];
    beamc__record record;
    bool got;

    value->data = NULL;
    value->size = 0;
    if (cursor[1])
        return NULL;
    if (on == NULL) {
        on = malloc(sizeof(*on));
        if (on == NULL)
            return beamc_error_nomem();
        walk_start(on, &reader->now, reader->shuffle->store);
        cursor[0] = (uintptr_t)on;
    }
    beamc_error *err = walk_next(on, &record, &got);
    if (err != NULL || !got) {
        stream_end(group, cursor);
        return err;
    }
    value->data = record.value;
    value->size = record.value_size;
    return NULL;
}

static const beamc__group_ops stream_ops = { stream_start, stream_next, stream_end };

static void hand_out(beamc__shuffle_reader *reader, beamc__group *out)
{
    const beamc__grouping *grouping = &reader->grouping;
    beamc__grouping_prefetch(grouping, reader->group);
    uint32_t id = grouping->order[reader->group++];
    const beamc__group_pair *pair = &grouping->pairs[id];
    beamc__group_window window = beamc__grouping_window(grouping, id);

    out->info = (beamc_element_info){
        .timestamp = beamc__grouping_timestamp(grouping, id),
        .windows = window.bytes,
        .windows_size = (uint32_t)window.size,
        .window_count = 1,
        .pane = pane_once,
        .pane_size = sizeof(pane_once),
    };
    out->key = beamc__grouping_key(grouping, id);
    out->count = (int64_t)pair->count;
    if (reader->streams) {
        out->ops = &stream_ops;
        out->source = reader;
        return;
    }
    reader->values.to = grouping->values + pair->at;
    reader->values.from = reader->values.to - pair->bytes;
    out->ops = &memory_ops;
    out->source = &reader->values;
}

/* ---- the reader ------------------------------------------------------------------------------ */

beamc_error *beamc__shuffle_reader_new(beamc__shuffle_reader **out, const beamc__shuffle *shuffle,
                                       size_t part)
{
    beamc__shuffle_reader *reader = calloc(1, sizeof(*reader));

    *out = NULL;
    if (reader == NULL)
        return beamc_error_nomem();
    reader->shuffle = shuffle;
    reader->lane = shuffle->part_lanes[part];
    reader->lane_end = shuffle->part_lanes[part + 1];
    if (beamc__grouping_init(&reader->grouping, &shuffle->options) < 0) {
        free(reader);
        return beamc_error_nomem();
    }
    *out = reader;
    return NULL;
}

void beamc__shuffle_reader_free(beamc__shuffle_reader *reader)
{
    if (reader == NULL)
        return;
    beamc__store_give(reader->shuffle->store, reader->booked);
    leave_source(reader);
    while (reader->stack_count > 0)
        division_free(reader->stack[--reader->stack_count].owner);
    free(reader->stack);
    free(reader->loaded);
    beamc__grouping_dispose(&reader->grouping);
    free(reader);
}

/* Makes the next source the current one; false: there is none. */
static bool enter_source(beamc__shuffle_reader *reader)
{
    const beamc__shuffle *shuffle = reader->shuffle;

    leave_source(reader);
    if (reader->stack_count > 0) {
        reader->now = reader->stack[--reader->stack_count];
        return true;
    }
    while (reader->lane < reader->lane_end) {
        uint32_t lane = reader->lane++;
        if (shuffle->starts[lane] == shuffle->starts[lane + 1])
            continue;
        reader->now.segments = shuffle->segments + shuffle->starts[lane];
        reader->now.count = shuffle->starts[lane + 1] - shuffle->starts[lane];
        reader->now.spill = shuffle->spill;
        reader->now.bits = BEAMC__LANE_BITS;
        return true;
    }
    return false;
}

/* Groups the current source, or divides it. */
static beamc_error *open_source(beamc__shuffle_reader *reader)
{
    bool fits;
    bool one;

    BEAMC_TRY(try_memory(reader, &reader->now, &fits));
    if (fits)
        return NULL;
    reader->grouping.order_count = 0;
    if (!reader->now.one_hash)
        return divide_by_hash(reader);
    BEAMC_TRY(find_groups(reader, &one));
    if (one) {
        reader->streams = true;
        return NULL;
    }
    beamc_error *err = divide_by_group(reader);
    reader->grouping.order_count = 0;
    return err;
}

beamc_error *beamc__shuffle_next(beamc__shuffle_reader *reader, beamc__group *out, bool *got)
{
    *got = false;
    while (reader->group == reader->grouping.order_count) {
        if (!enter_source(reader))
            return NULL;
        BEAMC_TRY(open_source(reader));
    }
    hand_out(reader, out);
    *got = true;
    return NULL;
}
