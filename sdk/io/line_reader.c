/* SPDX-License-Identifier: Apache-2.0 */
/* Fills the buffer block by block and finds delimiters in it.  Only the begin of a line that goes
 * on in the next block is moved; a buffer that is one line grows to twice its size. */
#include "sdk/io/line_reader.h"

#include <stdlib.h>

enum {
    BLOCK_SIZE = 256 << 10, /* fits the second-level cache, and a system call is nothing to it */
    OVERRUN = 4 << 10,      /* read beyond a range's end first, for its last line */
    KEPT_BLOCKS = 4         /* a buffer larger than this is not kept for the next file */
};

bool beamc__delimiter_overlaps(beamc_string delimiter)
{
    for (size_t shift = 1; shift < delimiter.size; shift++)
        if (memcmp(delimiter.data, delimiter.data + shift, delimiter.size - shift) == 0)
            return true;
    return false;
}

beamc_error *beamc__line_reader_init(beamc__line_reader *reader, const beamc__line_options *options)
{
    static const beamc__line_options defaults = { { NULL, 0 }, false, 0 };
    const beamc_string newline = { "\n", 1 };

    if (options == NULL)
        options = &defaults;
    bool lines = options->delimiter.size == 0;
    beamc_string delimiter = lines ? newline : options->delimiter;
    memset(reader, 0, sizeof(*reader));
    reader->block_size = options->block_size == 0 ? BLOCK_SIZE : options->block_size;
    reader->keep_delimiter = options->keep_delimiter;
    reader->delimiter_size = delimiter.size;
    reader->before = lines ? '\r' : -1;
    reader->quick = -1;
    if (delimiter.size == 1 && !options->keep_delimiter)
        reader->quick = (unsigned char)delimiter.data[0];
    if ((reader->delimiter = malloc(delimiter.size)) == NULL)
        return beamc_error_nomem();
    memcpy(reader->delimiter, delimiter.data, delimiter.size);
    return NULL;
}

void beamc__line_reader_dispose(beamc__line_reader *reader)
{
    beamc__byte_source_dispose(&reader->source);
    free(reader->buffer);
    free(reader->delimiter);
    memset(reader, 0, sizeof(*reader));
}

/* ---- the buffer ------------------------------------------------------------------------------ */

static void set_stop(beamc__line_reader *reader)
{
    uint64_t held = (uint64_t)(reader->filled - reader->buffer);

    if (reader->end <= reader->base)
        reader->stop = reader->buffer;
    else if (reader->end - reader->base < held)
        reader->stop = reader->buffer + (reader->end - reader->base);
    else
        reader->stop = reader->filled;
}

/* Puts what begins at `at` first in the buffer. */
static void move_to_front(beamc__line_reader *reader)
{
    size_t moved = (size_t)(reader->at - reader->buffer);
    size_t kept = (size_t)(reader->filled - reader->at);

    if (moved == 0)
        return;
    memmove(reader->buffer, reader->at, kept);
    reader->base += moved;
    reader->at = reader->buffer;
    reader->scanned -= moved;
    reader->filled = reader->buffer + kept;
}

static beamc_error *grow(beamc__line_reader *reader)
{
    size_t kept = (size_t)(reader->filled - reader->buffer);
    size_t capacity = reader->capacity * 2;
    uint8_t *buffer = capacity < reader->capacity ? NULL : realloc(reader->buffer, capacity);

    if (buffer == NULL)
        return beamc_error_new(BEAMC_ENOMEM,
                               "%s: no memory for the line at byte %llu, longer than %zu bytes",
                               reader->source.path, (unsigned long long)reader->base, kept);
    reader->buffer = buffer;
    reader->capacity = capacity;
    reader->at = buffer;
    reader->filled = buffer + kept;
    return NULL;
}

/* How many bytes to read next: beyond the range's end only what its last line needs, or about. */
static size_t read_size(const beamc__line_reader *reader, uint64_t place, size_t room)
{
    uint64_t wanted = reader->block_size;

    if (place < reader->end) {
        if (reader->end - place < wanted)
            wanted = reader->end - place + OVERRUN;
    } else {
        wanted = place - reader->end;
        if (wanted < OVERRUN)
            wanted = OVERRUN;
        if (wanted > reader->block_size)
            wanted = reader->block_size;
    }
    return wanted < room ? (size_t)wanted : room;
}

/* Reads on, with at least one byte more in the buffer unless it has ended. */
static beamc_error *fill(beamc__line_reader *reader)
{
    move_to_front(reader);
    size_t kept = (size_t)(reader->filled - reader->buffer);
    if (kept == reader->capacity)
        BEAMC_TRY(grow(reader));

    uint64_t place = reader->base + kept;
    size_t got;
    BEAMC_TRY(beamc__byte_source_read(&reader->source, reader->buffer + kept,
                                      read_size(reader, place, reader->capacity - kept), &got));
    reader->filled += got;
    reader->ended = got == 0;
    set_stop(reader);
    if (got == 0 && reader->end != BEAMC__TO_END && place < reader->end)
        return beamc_error_new(BEAMC_ESHORT,
                               "%s: ends at byte %llu, but had %llu bytes or more when it was "
                               "matched",
                               reader->source.path, (unsigned long long)place,
                               (unsigned long long)reader->end);
    return NULL;
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* The first delimiter at `scanned` or later; without one, moves `scanned` to where the next can
 * begin. */
static const uint8_t *find_delimiter(beamc__line_reader *reader)
{
    const uint8_t *from = reader->buffer + reader->scanned;
    size_t left = (size_t)(reader->filled - from);
    const uint8_t *found;

    if (left == 0) /* also of a buffer that is not there yet */
        return NULL;
    if (reader->delimiter_size == 1)
        found = memchr(from, (unsigned char)reader->delimiter[0], left);
    else
        found = memmem(from, left, reader->delimiter, reader->delimiter_size);
    if (found == NULL && left >= reader->delimiter_size)
        reader->scanned += left - (reader->delimiter_size - 1);
    return found;
}

/* Goes behind the first delimiter. */
static beamc_error *skip_begun_line(beamc__line_reader *reader)
{
    for (;;) {
        const uint8_t *found = find_delimiter(reader);
        if (found != NULL) {
            reader->at = found + reader->delimiter_size;
            return NULL;
        }
        reader->at = reader->ended ? reader->filled : reader->buffer + reader->scanned;
        if (reader->ended || beamc__line_reader_position(reader) >= reader->end)
            return NULL;
        BEAMC_TRY(fill(reader));
    }
}

beamc_error *beamc__line_reader_open(beamc__line_reader *reader, const char *path,
                                     beamc_compression compression, uint64_t start, uint64_t end)
{
    size_t back = start < reader->delimiter_size ? (size_t)start : reader->delimiter_size;

    beamc__line_reader_close(reader);
    if (reader->capacity > KEPT_BLOCKS * reader->block_size) {
        free(reader->buffer);
        reader->buffer = NULL;
        reader->capacity = 0;
    }
    if (reader->buffer == NULL) {
        if ((reader->buffer = malloc(reader->block_size)) == NULL)
            return beamc_error_nomem();
        reader->capacity = reader->block_size;
    }
    reader->at = reader->filled = reader->stop = reader->buffer;
    reader->scanned = 0;
    reader->base = start - back;
    reader->end = end;
    reader->ended = false;
    beamc_error *err = beamc__byte_source_open(&reader->source, path, compression, reader->base);
    if (err == NULL && start > 0)
        err = skip_begun_line(reader);
    if (err != NULL)
        beamc__line_reader_close(reader);
    return err;
}

void beamc__line_reader_close(beamc__line_reader *reader)
{
    beamc__byte_source_close(&reader->source);
    reader->at = reader->filled = reader->stop = reader->buffer;
    reader->scanned = 0;
    reader->ended = true;
}

static void give_line(beamc__line_reader *reader, const uint8_t *end, size_t delimiter_size,
                      beamc_string *line)
{
    const uint8_t *at = reader->at;
    size_t size = (size_t)(end - at);

    if (reader->keep_delimiter)
        size += delimiter_size;
    else if (delimiter_size > 0 && size > 0 && end[-1] == reader->before)
        size--;
    line->data = (const char *)at;
    line->size = size;
    reader->at = end + delimiter_size;
}

bool beamc__line_reader_next_slowly(beamc__line_reader *reader, beamc_string *line,
                                    beamc_error **error)
{
    *error = NULL;
    while (beamc__line_reader_position(reader) < reader->end) {
        size_t at = (size_t)(reader->at - reader->buffer);
        if (reader->scanned < at) /* a line was given in between */
            reader->scanned = at;
        const uint8_t *found = find_delimiter(reader);
        if (found != NULL) {
            give_line(reader, found, reader->delimiter_size, line);
            return true;
        }
        if (reader->ended && reader->at == reader->filled)
            return false;
        if (reader->ended) {
            give_line(reader, reader->filled, 0, line);
            return true;
        }
        if ((*error = fill(reader)) != NULL)
            return false;
    }
    return false;
}
