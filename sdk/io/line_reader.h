/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of a range of a file.
 *
 *     file     one\ntwo\nthree\nfour
 *     ranges   [0, 6)   [6, 14)   [14, 18)
 *     lines    one two  three     four
 *
 * A line belongs to the range in which it begins, so that any cut into ranges gives each line once.
 * Lines are given where they lie in the buffer, which holds as much as the longest line needs:
 *
 *     buffer ... at [line \n line \n begin of a line] filled ... capacity
 */
#ifndef BEAMC_IO_LINE_READER_H
#define BEAMC_IO_LINE_READER_H

#include "sdk/io/byte_source.h"

#define BEAMC__TO_END UINT64_MAX /* the end of a range: that of the file, wherever it is */

typedef struct {
    beamc_string delimiter; /* empty: "\n" or "\r\n"; must not overlap itself, see below */
    bool keep_delimiter;    /* lines are given with it */
    size_t block_size;      /* bytes read at a time; 0: what is fastest */
} beamc__line_options;

/* Cleared and set up by _init. */
typedef struct {
    const uint8_t *at;      /* what comes next */
    const uint8_t *stop;    /* lines that begin here or later belong to others; <= filled */
    const uint8_t *filled;
    int quick;              /* the delimiter if it is one byte and left out; else -1 */
    int before;             /* '\r' if it is left out in front of it; else -1 */
    /* not of the quick way */
    uint8_t *buffer;
    size_t scanned;         /* no delimiter begins in [at, buffer + scanned) */
    size_t capacity;
    size_t block_size;
    uint64_t base;          /* place of the buffer's first byte in the (decompressed) file */
    uint64_t end;           /* of the range */
    bool ended;             /* there are no bytes after `filled` */
    bool keep_delimiter;
    char *delimiter;
    size_t delimiter_size;
    beamc__byte_source source;
} beamc__line_reader;

/* @options may be NULL.  On failure there is nothing to dispose of. */
BEAMC_MUST_USE beamc_error *beamc__line_reader_init(beamc__line_reader *reader,
                                                    const beamc__line_options *options);
void beamc__line_reader_dispose(beamc__line_reader *reader); /* accepts a cleared one */

/* Goes to the first line of [start, end) of a file.  Compressed files: [0, BEAMC__TO_END).  A file
 * that ends before @end is an error, unless that is BEAMC__TO_END. */
BEAMC_MUST_USE beamc_error *beamc__line_reader_open(beamc__line_reader *reader, const char *path,
                                                    beamc_compression compression, uint64_t start,
                                                    uint64_t end);
void beamc__line_reader_close(beamc__line_reader *reader);

bool beamc__line_reader_next_slowly(beamc__line_reader *reader, beamc_string *line,
                                    beamc_error **error);

/* The next line, valid until the next call; false at the end of the range, or with *@error. */
static inline bool beamc__line_reader_next(beamc__line_reader *reader, beamc_string *line,
                                           beamc_error **error)
{
    const uint8_t *at = reader->at;

    if (BEAMC_LIKELY(at < reader->stop && reader->quick >= 0)) {
        const uint8_t *end = memchr(at, reader->quick, (size_t)(reader->filled - at));
        if (BEAMC_LIKELY(end != NULL)) {
            reader->at = end + 1;
            line->data = (const char *)at;
            line->size = (size_t)(end - at) - (end > at && end[-1] == reader->before);
            return true;
        }
    }
    return beamc__line_reader_next_slowly(reader, line, error);
}

/* The place in the file of the line that comes next. */
static inline uint64_t beamc__line_reader_position(const beamc__line_reader *reader)
{
    return reader->base + (uint64_t)(reader->at - reader->buffer);
}

/* Whether a delimiter can begin inside of itself, as "aa" in "aaa": then where lines end would
 * depend on where one begins to look. */
bool beamc__delimiter_overlaps(beamc_string delimiter);

#endif
