/* SPDX-License-Identifier: Apache-2.0 */
/* Collections are lists of chunks, which hold whole elements:
 *
 *     bundle 3   [4 KiB] [8 KiB] [16 KiB] ... [256 KiB] [256 KiB] [ one large element ] [256 KiB]
 *
 * Where chunks break depends on the sizes of a bundle's elements only, so parts may break there.
 * Whether a chunk stays in memory or goes to the temporary file is decided when it is full.  Of a
 * collection with few elements the size of each is known too, so that parts may break anywhere. */
#include "runners/engine/collection.h"
#include <uv.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK_MIN = 4 << 10,
    CHUNK_MAX = 256 << 10,
    FEW = 16384 /* elements of which each size is known */
};

typedef struct {
    uint8_t *data;   /* owned; NULL: in the temporary file */
    uint64_t offset; /* there */
    size_t size;
    size_t booked;
    uint64_t count; /* of elements */
} chunk;

/* What a bundle wrote. */
typedef struct {
    uint64_t bundle_index;
    chunk *chunks; /* owned */
    size_t chunk_count;
    size_t chunk_room;
    uint32_t *sizes; /* owned, of each element; only if there are few and none is huge */
    size_t size_room;
    bool many;
    uint64_t count; /* of elements */
    uint64_t bytes;
} output;

struct beamc__collection_writer {
    beamc__collection *collection;
    output output;
    /* The chunk being filled. */
    uint8_t *data; /* owned */
    size_t size;
    size_t limit;    /* of this chunk */
    size_t next_limit;
    size_t capacity; /* of its memory */
    uint64_t count;
};

struct beamc__collection {
    beamc__store *store;
    beamc__spill *spill;
    uv_mutex_t lock;
    /* Under the lock until finished; then all is in the first output. */
    output *outputs; /* owned */
    size_t output_count;
    size_t output_room;
};

struct beamc__collection_reader {
    const beamc__collection *collection;
    beamc__part part;
    size_t chunk; /* the next */
    uint8_t *buffer; /* owned; for what comes from the file */
    size_t capacity;
};

/* ---- chunks ---------------------------------------------------------------------------------- */

static void output_dispose(beamc__collection *collection, output *out, bool drop)
{
    for (size_t i = 0; i < out->chunk_count; i++) {
        chunk *each = &out->chunks[i];
        if (each->data == NULL && drop)
            beamc__spill_drop(collection->spill, each->offset, each->size);
        beamc__store_give(collection->store, each->booked);
        free(each->data);
    }
    free(out->chunks);
    free(out->sizes);
    memset(out, 0, sizeof(*out));
}

/* Room for one more of @size in an array that doubles; false: no memory. */
static bool grow(void *array, size_t *room, size_t count, size_t size)
{
    void *old;

    if (count < *room)
        return true;
    memcpy(&old, array, sizeof(old));
    size_t wanted = *room == 0 ? 8 : 2 * *room;
    void *bigger = reallocarray(old, wanted, size);
    if (bigger == NULL)
        return false;
    memcpy(array, &bigger, sizeof(bigger));
    *room = wanted;
    return true;
}

/* Adds the filled chunk to the output.  It is kept if @keep; else written, its memory stays. */
static beamc_error *close_chunk(beamc__collection_writer *writer, bool keep)
{
    beamc__collection *collection = writer->collection;
    output *out = &writer->output;

    if (!grow(&out->chunks, &out->chunk_room, out->chunk_count, sizeof(*out->chunks)))
        return beamc_error_nomem();
    chunk *made = &out->chunks[out->chunk_count];
    memset(made, 0, sizeof(*made));
    made->size = writer->size;
    made->count = writer->count;
    if (!keep) {
        BEAMC_TRY(beamc__spill_write(collection->spill, writer->data, writer->size, &made->offset));
    } else {
        if (writer->size < writer->capacity - writer->capacity / 4) {
            uint8_t *smaller = realloc(writer->data, writer->size);
            if (smaller != NULL) {
                beamc__store_give(collection->store, writer->capacity - writer->size);
                writer->data = smaller;
                writer->capacity = writer->size;
            }
        }
        made->data = writer->data;
        made->booked = writer->capacity;
        writer->data = NULL;
        writer->capacity = 0;
    }
    out->chunk_count++;
    writer->size = 0;
    writer->count = 0;
    return NULL;
}

/* Makes an empty chunk for an element of @size: twice as large as the one before, or its own. */
static beamc_error *next_chunk(beamc__collection_writer *writer, size_t size)
{
    beamc__store *store = writer->collection->store;
    size_t limit = writer->next_limit < size ? size : writer->next_limit;
    bool booked = false;

    if (writer->next_limit < CHUNK_MAX)
        writer->next_limit *= 2;
    writer->limit = writer->size; /* if this fails nothing fits any more */
    if (writer->size > 0) {
        booked = beamc__store_take(store, limit);
        beamc_error *err = close_chunk(writer, booked);
        if (err != NULL) {
            if (booked)
                beamc__store_give(store, limit);
            return err;
        }
        writer->limit = 0;
    }
    if (writer->capacity < limit || writer->capacity > 2 * CHUNK_MAX) {
        free(writer->data);
        beamc__store_give(store, writer->capacity);
        writer->capacity = 0;
        writer->data = malloc(limit);
        if (writer->data == NULL) {
            if (booked)
                beamc__store_give(store, limit);
            return beamc_error_nomem();
        }
        if (!booked)
            beamc__store_force(store, limit);
        writer->capacity = limit;
    }
    writer->limit = limit;
    return NULL;
}

/* ---- writing --------------------------------------------------------------------------------- */

beamc_error *beamc__collection_new(beamc__collection **out, beamc__store *store)
{
    beamc__collection *collection = calloc(1, sizeof(*collection));

    *out = NULL;
    if (collection == NULL)
        return beamc_error_nomem();
    collection->store = store;
    collection->spill = beamc__spill_new(store);
    if (collection->spill == NULL || uv_mutex_init(&collection->lock) < 0) {
        beamc__spill_free(collection->spill);
        free(collection);
        return beamc_error_nomem();
    }
    *out = collection;
    return NULL;
}

void beamc__collection_free(beamc__collection *collection)
{
    if (collection == NULL)
        return;
    for (size_t i = 0; i < collection->output_count; i++)
        output_dispose(collection, &collection->outputs[i], false);
    free(collection->outputs);
    beamc__spill_free(collection->spill);
    uv_mutex_destroy(&collection->lock);
    free(collection);
}

beamc_error *beamc__collection_writer_new(beamc__collection_writer **out,
                                          beamc__collection *collection, uint64_t bundle_index)
{
    *out = calloc(1, sizeof(**out));
    if (*out == NULL)
        return beamc_error_nomem();
    (*out)->collection = collection;
    (*out)->output.bundle_index = bundle_index;
    (*out)->next_limit = CHUNK_MIN;
    return NULL;
}

/* Remembers the size of an element as long as there are few. */
static beamc_error *note_size(output *out, size_t size)
{
    if (out->many)
        return NULL;
    if (out->count >= FEW || size > UINT32_MAX) {
        free(out->sizes);
        out->sizes = NULL;
        out->many = true;
        return NULL;
    }
    if (!grow(&out->sizes, &out->size_room, out->count, sizeof(*out->sizes)))
        return beamc_error_nomem();
    out->sizes[out->count] = (uint32_t)size;
    return NULL;
}

beamc_error *beamc__collection_put(beamc__collection_writer *writer, const void *element,
                                   size_t size)
{
    if (BEAMC_UNLIKELY(size == 0))
        return beamc_error_new(BEAMC_EINVAL, "an element of no bytes");
    if (BEAMC_UNLIKELY(size > writer->limit - writer->size))
        BEAMC_TRY(next_chunk(writer, size));
    if (BEAMC_UNLIKELY(!writer->output.many))
        BEAMC_TRY(note_size(&writer->output, size));
    memcpy(writer->data + writer->size, element, size);
    writer->size += size;
    writer->count++;
    writer->output.count++;
    writer->output.bytes += size;
    return NULL;
}

void beamc__collection_abort(beamc__collection_writer *take_writer)
{
    if (take_writer == NULL)
        return;
    output_dispose(take_writer->collection, &take_writer->output, true);
    beamc__store_give(take_writer->collection->store, take_writer->capacity);
    free(take_writer->data);
    free(take_writer);
}

beamc_error *beamc__collection_commit(beamc__collection_writer *take_writer)
{
    beamc__collection *collection = take_writer->collection;
    beamc_error *err = NULL;

    if (take_writer->size > 0)
        err = close_chunk(take_writer, beamc__store_take(collection->store, 0));
    if (err == NULL && take_writer->output.count > 0) {
        uv_mutex_lock(&collection->lock);
        if (grow(&collection->outputs, &collection->output_room, collection->output_count,
                 sizeof(*collection->outputs))) {
            collection->outputs[collection->output_count++] = take_writer->output;
            memset(&take_writer->output, 0, sizeof(take_writer->output));
        } else {
            err = beamc_error_nomem();
        }
        uv_mutex_unlock(&collection->lock);
    }
    beamc__collection_abort(take_writer);
    return err;
}

static int compare_outputs(const void *a, const void *b)
{
    uint64_t x = ((const output *)a)->bundle_index;
    uint64_t y = ((const output *)b)->bundle_index;

    return (x > y) - (x < y);
}

/* Joins all outputs, sorted, into the first. */
beamc_error *beamc__collection_finish(beamc__collection *collection)
{
    output all = { 0 };

    if (collection->output_count == 0)
        return NULL;
    qsort(collection->outputs, collection->output_count, sizeof(output), compare_outputs);
    for (size_t i = 0; i < collection->output_count; i++) {
        all.chunk_room += collection->outputs[i].chunk_count;
        all.count += collection->outputs[i].count;
        all.bytes += collection->outputs[i].bytes;
        all.many |= collection->outputs[i].many;
    }
    all.many |= all.count > FEW;
    all.chunks = calloc(all.chunk_room, sizeof(*all.chunks));
    all.sizes = all.many ? NULL : calloc(all.count, sizeof(*all.sizes));
    if (all.chunks == NULL || (all.sizes == NULL && !all.many)) {
        free(all.chunks);
        free(all.sizes);
        return beamc_error_nomem();
    }
    uint64_t sizes = 0;
    for (size_t i = 0; i < collection->output_count; i++) {
        output *each = &collection->outputs[i];
        memcpy(all.chunks + all.chunk_count, each->chunks, each->chunk_count * sizeof(chunk));
        all.chunk_count += each->chunk_count;
        if (!all.many)
            memcpy(all.sizes + sizes, each->sizes, each->count * sizeof(*each->sizes));
        sizes += each->count;
        free(each->chunks);
        free(each->sizes);
    }
    collection->outputs[0] = all;
    collection->output_count = 1;
    return NULL;
}

/* ---- parts ----------------------------------------------------------------------------------- */

uint64_t beamc__collection_count(const beamc__collection *collection)
{
    return collection->output_count == 0 ? 0 : collection->outputs[0].count;
}

uint64_t beamc__collection_bytes(const beamc__collection *collection)
{
    return collection->output_count == 0 ? 0 : collection->outputs[0].bytes;
}

beamc__part beamc__collection_whole(const beamc__collection *collection)
{
    beamc__part part = { 0 };

    if (collection->output_count > 0) {
        part.elements = collection->outputs[0].count;
        part.bytes = collection->outputs[0].bytes;
        part.end_chunk = collection->outputs[0].chunk_count;
    }
    return part;
}

/* Goes through what parts may consist of: elements if there are few, else chunks. */
typedef struct {
    const output *all;
    uint64_t at; /* unit */
    uint64_t units;
    size_t chunk;
    size_t offset;
} unit_walk;

static uint64_t unit_bytes(const unit_walk *walk)
{
    return walk->all->many ? walk->all->chunks[walk->at].size : walk->all->sizes[walk->at];
}

static uint64_t unit_elements(const unit_walk *walk)
{
    return walk->all->many ? walk->all->chunks[walk->at].count : 1;
}

static void unit_step(unit_walk *walk)
{
    walk->offset += unit_bytes(walk);
    walk->at++;
    if (walk->offset == walk->all->chunks[walk->chunk].size) {
        walk->chunk++;
        walk->offset = 0;
    }
}

beamc_error *beamc__collection_parts(const beamc__collection *collection, size_t max_parts,
                                     uint64_t min_bytes, beamc__part **parts, size_t *count)
{
    *parts = NULL;
    *count = 0;
    if (collection->output_count == 0)
        return NULL;
    const output *all = &collection->outputs[0];
    unit_walk walk = { .all = all, .units = all->many ? all->chunk_count : all->count };
    uint64_t wanted = max_parts < 1 ? 1 : max_parts;
    if (min_bytes > 0 && wanted > all->bytes / min_bytes)
        wanted = all->bytes < min_bytes ? 1 : all->bytes / min_bytes;
    if (wanted > walk.units)
        wanted = walk.units;
    uint64_t total = min_bytes > 0 ? all->bytes : all->count;
    *parts = calloc((size_t)wanted, sizeof(**parts));
    if (*parts == NULL)
        return beamc_error_nomem();

    uint64_t so_far = 0;
    for (uint64_t i = 0; i < wanted; i++) {
        beamc__part *part = &(*parts)[i];
        uint64_t after = wanted - 1 - i; /* each of those needs a unit */
        uint64_t until = total / wanted * (i + 1) + total % wanted * (i + 1) / wanted;
        part->first_chunk = walk.chunk;
        part->first_offset = walk.offset;
        do {
            uint64_t weight = min_bytes > 0 ? unit_bytes(&walk) : unit_elements(&walk);
            if (part->elements > 0 && after > 0 && so_far + weight / 2 >= until)
                break; /* ends nearer to the mark without it */
            part->elements += unit_elements(&walk);
            part->bytes += unit_bytes(&walk);
            so_far += weight;
            unit_step(&walk);
        } while (walk.units - walk.at > after);
        part->end_chunk = walk.chunk;
        part->end_offset = walk.offset;
    }
    *count = (size_t)wanted;
    return NULL;
}

/* ---- reading --------------------------------------------------------------------------------- */

beamc_error *beamc__collection_reader_new(beamc__collection_reader **out,
                                          const beamc__collection *collection,
                                          const beamc__part *part)
{
    *out = calloc(1, sizeof(**out));
    if (*out == NULL)
        return beamc_error_nomem();
    (*out)->collection = collection;
    (*out)->part = *part;
    (*out)->chunk = part->first_chunk;
    return NULL;
}

void beamc__collection_reader_free(beamc__collection_reader *reader)
{
    if (reader == NULL)
        return;
    beamc__store_give(reader->collection->store, reader->capacity);
    free(reader->buffer);
    free(reader);
}

static beamc_error *reader_reserve(beamc__collection_reader *reader, size_t size)
{
    if (size <= reader->capacity)
        return NULL;
    free(reader->buffer);
    beamc__store_give(reader->collection->store, reader->capacity);
    reader->capacity = 0;
    reader->buffer = malloc(size);
    if (reader->buffer == NULL)
        return beamc_error_nomem();
    reader->capacity = size;
    beamc__store_force(reader->collection->store, size);
    return NULL;
}

beamc_error *beamc__collection_next(beamc__collection_reader *reader, beamc_bytes *out)
{
    const beamc__part *part = &reader->part;

    out->data = NULL;
    out->size = 0;
    if (reader->chunk > part->end_chunk ||
        (reader->chunk == part->end_chunk && part->end_offset == 0))
        return NULL;
    const chunk *each = &reader->collection->outputs[0].chunks[reader->chunk];
    size_t from = reader->chunk == part->first_chunk ? part->first_offset : 0;
    size_t to = reader->chunk == part->end_chunk ? part->end_offset : each->size;
    if (each->data != NULL) {
        out->data = each->data + from;
    } else {
        BEAMC_TRY(reader_reserve(reader, to - from));
        BEAMC_TRY(beamc__spill_read(reader->collection->spill, each->offset + from, reader->buffer,
                                    to - from));
        out->data = reader->buffer;
    }
    out->size = to - from;
    reader->chunk++;
    return NULL;
}
