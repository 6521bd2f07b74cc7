/* SPDX-License-Identifier: Apache-2.0 */
/* The writing half of a shuffle; reading is in shuffle_reader.c.
 *
 * Of an element's head only what grouping needs is kept: the windows, and the timestamp unless the
 * groups' timestamps are the ends of their windows.  Mostly it is that of the element before, or,
 * in the global window, empty. */
#include "runners/engine/shuffle.h"
#include "runners/engine/shuffle_fields.h"
#include "sdk/base/hash.h"
#include <inttypes.h>
#include <stdlib.h>

enum { PART_LEAST = 1 << 20 }; /* bytes of a part, about, if there are several */

struct beamc__shuffle_writer {
    beamc__shuffle *shuffle;
    uint64_t bundle_index;
    bool dropped; /* the last head has no window */
    beamc__head head;
    beamc_buffer raw;    /* the last head, as it came; none: to be read anew */
    beamc_buffer stored; /* what is kept of it */
    uint64_t serial;     /* of the last head that is not empty */
    beamc__scatter scatter;
};

/* ---- begin and end --------------------------------------------------------------------------- */

static beamc_error *check_options(const beamc__shuffle_options *options)
{
    const beamc__window_fn *fn = &options->fn;

    if (fn->merges && (fn->opaque || fn->form != BEAMC__WINDOW_FORM_INTERVAL))
        return beamc_error_new(BEAMC_EUNSUPPORTED,
                               "cannot merge windows of another SDK's window function");
    if (fn->form == BEAMC__WINDOW_FORM_UNKNOWN && !beamc__shuffle_keeps_time(options))
        return beamc_error_new(BEAMC_EUNSUPPORTED,
                               "cannot tell the end of another SDK's kind of window");
    return NULL;
}

beamc_error *beamc__shuffle_new(beamc__shuffle **out, beamc__store *store,
                                const beamc__shuffle_options *options)
{
    *out = NULL;
    BEAMC_TRY(check_options(options));
    beamc__shuffle *shuffle = calloc(1, sizeof(*shuffle));
    if (shuffle == NULL)
        return beamc_error_nomem();
    shuffle->options = *options;
    shuffle->store = store;
    shuffle->spill = beamc__spill_new(store);
    if (shuffle->spill == NULL || uv_mutex_init(&shuffle->lock) < 0) {
        beamc__spill_free(shuffle->spill);
        free(shuffle);
        return beamc_error_nomem();
    }
    *out = shuffle;
    return NULL;
}

static void free_segments(beamc__shuffle *shuffle, beamc__segment *segments, size_t count)
{
    for (size_t i = 0; i < count; i++)
        beamc__segment_dispose(&segments[i], shuffle->store, shuffle->spill, false);
    free(segments);
}

void beamc__shuffle_free(beamc__shuffle *shuffle)
{
    if (shuffle == NULL)
        return;
    for (size_t i = 0; i < shuffle->output_count; i++)
        free_segments(shuffle, shuffle->outputs[i].segments, shuffle->outputs[i].segment_count);
    free(shuffle->outputs);
    free_segments(shuffle, shuffle->segments, shuffle->starts[BEAMC__LANES]);
    beamc__spill_free(shuffle->spill);
    uv_mutex_destroy(&shuffle->lock);
    free(shuffle);
}

/* ---- heads ----------------------------------------------------------------------------------- */

int beamc__shuffle_skip_window(const beamc__shuffle_options *options, beamc_reader *in)
{
    size_t size;

    if (options->skip_window != NULL)
        return options->skip_window(options->skip_window_ctx, in);
    switch (options->fn.form) {
    case BEAMC__WINDOW_FORM_GLOBAL:
    case BEAMC__WINDOW_FORM_INTERVAL:
        return beamc__window_skip(options->fn.form, in);
    case BEAMC__WINDOW_FORM_CUSTOM:
        if (beamc_reader_left(in) < 8)
            return BEAMC_ESHORT;
        in->at += 8;
        break;
    case BEAMC__WINDOW_FORM_UNKNOWN:
        break;
    }
    int rc = beamc__size_decode(in, &size);
    if (rc == BEAMC_OK)
        in->at += size;
    return rc;
}

/* Finds what is to be kept of a head. */
static int read_head(beamc__shuffle_writer *writer, const uint8_t *head, size_t size)
{
    const beamc__shuffle_options *options = &writer->shuffle->options;
    beamc_reader in = beamc_reader_of(head, size);

    if (size < 12)
        return BEAMC_ESHORT;
    uint32_t count = beamc__load_be32(head + 8);
    if (count > INT32_MAX)
        return BEAMC_ECORRUPT;
    in.at += 12;
    const uint8_t *windows = in.at;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *before = in.at;
        int rc = beamc__shuffle_skip_window(options, &in);
        if (rc < 0)
            return rc;
        if (in.at == before)
            break; /* windows without bytes are all the same one */
    }
    size_t time_size = beamc__shuffle_keeps_time(options) ? 8 : 0;
    size_t windows_size = (size_t)(in.at - windows);
    const beamc_buffer *kept = &writer->stored;
    bool same = kept->size == time_size + windows_size &&
                (time_size == 0 || memcmp(kept->data, head, time_size) == 0) &&
                (windows_size == 0 || memcmp(kept->data + time_size, windows, windows_size) == 0);
    beamc_buffer_clear(&writer->raw);
    beamc_buffer_append(&writer->raw, head, size);
    writer->dropped = count == 0;
    if (!same) {
        beamc_buffer_clear(&writer->stored);
        beamc_buffer_append(&writer->stored, head, time_size);
        beamc_buffer_append(&writer->stored, windows, windows_size);
        writer->head.bytes = writer->stored.data;
        writer->head.size = writer->stored.size;
        writer->head.serial = writer->stored.size == 0 ? 0 : ++writer->serial;
    }
    return beamc_buffer_failed(&writer->raw) || beamc_buffer_failed(&writer->stored)
               ? BEAMC_ENOMEM
               : BEAMC_OK;
}

/* Most heads of the global window have 13 bytes. */
static inline bool same_head(const beamc_buffer *raw, const uint8_t *head, size_t size)
{
    if (BEAMC_UNLIKELY(raw->size != size || size == 0))
        return false;
    if (BEAMC_LIKELY(size >= 8 && size <= 16))
        return beamc__load64(raw->data) == beamc__load64(head) &&
               beamc__load64(raw->data + size - 8) == beamc__load64(head + size - 8);
    return memcmp(raw->data, head, size) == 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

beamc_error *beamc__shuffle_writer_new(beamc__shuffle_writer **out, beamc__shuffle *shuffle,
                                       uint64_t bundle_index)
{
    beamc__shuffle_writer *writer = calloc(1, sizeof(*writer));

    *out = writer;
    if (writer == NULL)
        return beamc_error_nomem();
    writer->shuffle = shuffle;
    writer->bundle_index = bundle_index;
    beamc__scatter_init(&writer->scatter, shuffle->store, shuffle->spill);
    return NULL;
}

beamc_error *beamc__shuffle_put(beamc__shuffle_writer *writer, const uint8_t *head,
                                size_t head_size, const uint8_t *key, size_t key_size,
                                const uint8_t *value, size_t value_size)
{
    if (BEAMC_UNLIKELY(!same_head(&writer->raw, head, head_size))) {
        int rc = read_head(writer, head, head_size);
        if (BEAMC_UNLIKELY(rc < 0)) {
            beamc_buffer_clear(&writer->raw);
            return beamc_error_new((beamc_code)rc, "the head of an element: %s",
                                   beamc_code_text(rc));
        }
    }
    if (BEAMC_UNLIKELY(writer->dropped))
        return NULL;
    if (BEAMC_UNLIKELY(key_size > UINT32_MAX))
        return beamc_error_new(BEAMC_ELIMIT, "a key of %zu bytes", key_size);
    uint32_t lane = (uint32_t)(beamc__hash(key, key_size) >> (64 - BEAMC__LANE_BITS));
    return beamc__scatter_put(&writer->scatter, lane, &writer->head, key, key_size, value,
                              value_size);
}

void beamc__shuffle_abort(beamc__shuffle_writer *take_writer)
{
    if (take_writer == NULL)
        return;
    beamc__scatter_dispose(&take_writer->scatter, true);
    beamc_buffer_dispose(&take_writer->raw);
    beamc_buffer_dispose(&take_writer->stored);
    free(take_writer);
}

static beamc_error *add_output(beamc__shuffle *shuffle, beamc__shuffle_writer *writer)
{
    beamc_error *err = NULL;

    uv_mutex_lock(&shuffle->lock);
    if (shuffle->output_count == shuffle->output_room) {
        size_t room = shuffle->output_room == 0 ? 16 : 2 * shuffle->output_room;
        beamc__shuffle_output *more = reallocarray(shuffle->outputs, room, sizeof(*more));
        if (more == NULL) {
            err = beamc_error_nomem();
        } else {
            shuffle->outputs = more;
            shuffle->output_room = room;
        }
    }
    if (err == NULL) {
        beamc__shuffle_output *output = &shuffle->outputs[shuffle->output_count++];
        output->bundle_index = writer->bundle_index;
        output->segments = writer->scatter.segments;
        output->segment_count = writer->scatter.segment_count;
        writer->scatter.segments = NULL;
        writer->scatter.segment_count = 0;
    }
    uv_mutex_unlock(&shuffle->lock);
    return err;
}

beamc_error *beamc__shuffle_commit(beamc__shuffle_writer *take_writer)
{
    beamc_error *err = beamc__scatter_finish(&take_writer->scatter);

    if (err == NULL && take_writer->scatter.segment_count > 0)
        err = add_output(take_writer->shuffle, take_writer);
    beamc__shuffle_abort(take_writer);
    return err;
}

/* ---- parts ----------------------------------------------------------------------------------- */

static int compare_outputs(const void *a, const void *b)
{
    uint64_t x = ((const beamc__shuffle_output *)a)->bundle_index;
    uint64_t y = ((const beamc__shuffle_output *)b)->bundle_index;

    return (x > y) - (x < y);
}

/* Joins lanes to parts.  Heads do not count: how often they are repeated depends on the memory. */
static void make_parts(beamc__shuffle *shuffle)
{
    uint64_t in_part = 0;

    for (uint32_t lane = 0; lane < BEAMC__LANES; lane++) {
        for (size_t i = shuffle->starts[lane]; i < shuffle->starts[lane + 1]; i++) {
            const beamc__segment *segment = &shuffle->segments[i];
            shuffle->count += segment->count;
            shuffle->bytes += segment->size - segment->heads;
            in_part += segment->size - segment->heads;
        }
        shuffle->part_lanes[shuffle->part_count + 1] = lane + 1;
        if (in_part < PART_LEAST)
            continue;
        shuffle->part_bytes[shuffle->part_count++] = in_part;
        in_part = 0;
    }
    if (in_part > 0)
        shuffle->part_bytes[shuffle->part_count++] = in_part;
}

beamc_error *beamc__shuffle_finish(beamc__shuffle *shuffle)
{
    size_t count = 0;
    size_t at = 0;

    for (size_t i = 0; i < shuffle->output_count; i++)
        count += shuffle->outputs[i].segment_count;
    if (count == 0)
        return NULL;
    beamc__segment *all = reallocarray(NULL, count, sizeof(*all));
    beamc__segment *sorted = reallocarray(NULL, count, sizeof(*sorted));
    if (all == NULL || sorted == NULL) {
        free(all);
        free(sorted);
        return beamc_error_nomem();
    }
    qsort(shuffle->outputs, shuffle->output_count, sizeof(*shuffle->outputs), compare_outputs);
    for (size_t i = 0; i < shuffle->output_count; i++) {
        beamc__shuffle_output *output = &shuffle->outputs[i];
        memcpy(all + at, output->segments, output->segment_count * sizeof(*all));
        at += output->segment_count;
        free(output->segments);
    }
    free(shuffle->outputs);
    shuffle->outputs = NULL;
    shuffle->output_count = 0;
    beamc__segments_sort(all, count, sorted, shuffle->starts);
    free(all);
    shuffle->segments = sorted;
    make_parts(shuffle);
    return NULL;
}

uint64_t beamc__shuffle_count(const beamc__shuffle *shuffle)
{
    return shuffle->count;
}

uint64_t beamc__shuffle_bytes(const beamc__shuffle *shuffle)
{
    return shuffle->bytes;
}

size_t beamc__shuffle_part_count(const beamc__shuffle *shuffle)
{
    return shuffle->part_count;
}

uint64_t beamc__shuffle_part_bytes(const beamc__shuffle *shuffle, size_t part)
{
    return shuffle->part_bytes[part];
}

void beamc__shuffle_release_part(beamc__shuffle *shuffle, size_t part)
{
    if (!shuffle->options.read_once)
        return;
    size_t end = shuffle->starts[shuffle->part_lanes[part + 1]];
    for (size_t i = shuffle->starts[shuffle->part_lanes[part]]; i < end; i++)
        beamc__segment_dispose(&shuffle->segments[i], shuffle->store, shuffle->spill, true);
}
