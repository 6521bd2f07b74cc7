/* SPDX-License-Identifier: Apache-2.0 */
/* A text file being written: lines gather in a buffer, which goes through the compression to the
 * file when it is full.  The file is made with the first bytes that go to it, and may be closed in
 * between (suspended): compressed, it then has several members, frames or streams. */
#ifndef BEAMC_IO_TEXT_WRITER_H
#define BEAMC_IO_TEXT_WRITER_H

#include "sdk/io/codec.h"
#include <beamc/filesystem.h>

/* Borrowed by the writer for its life. */
typedef struct {
    beamc_compression compression; /* not AUTO */
    beamc_string delimiter;        /* after each line */
    beamc_string header;           /* first line; empty: none */
    beamc_string footer;           /* last line; empty: none */
    bool sync;                     /* on the disk when it is closed */
    size_t buffer_size;            /* 0: what is fastest */
} beamc__text_format;

/* Cleared to begin with; used for one file after the other. */
typedef struct {
    const beamc__text_format *format;
    char *path;            /* owned; NULL: there is no file in work */
    uint8_t *buffer;
    size_t size, capacity; /* of the buffer: full, allocated */
    uint64_t written;      /* bytes of text that have left the buffer */
    beamc_output *output;  /* NULL: suspended, or not made yet */
    bool made;             /* the file is there */
    beamc__encoder *encoder;
    bool in_member;        /* the encoder has begun one */
    beamc_buffer packed;
} beamc__text_writer;

/* Begins a file at @path, with its header.  Its directory is made if it is not there. */
BEAMC_MUST_USE beamc_error *beamc__text_writer_begin(beamc__text_writer *writer,
                                                     const beamc__text_format *format,
                                                     const char *path);

BEAMC_MUST_USE beamc_error *beamc__text_writer_line_slowly(beamc__text_writer *writer,
                                                           beamc_string line);

/* Adds a line. */
static inline BEAMC_MUST_USE beamc_error *beamc__text_writer_line(beamc__text_writer *writer,
                                                                  beamc_string line)
{
    const beamc_string *delimiter = &writer->format->delimiter;
    size_t room = writer->capacity - writer->size;

    if (BEAMC_UNLIKELY(room < delimiter->size || room - delimiter->size < line.size))
        return beamc__text_writer_line_slowly(writer, line);
    uint8_t *to = writer->buffer + writer->size;
    if (line.size > 0)
        memcpy(to, line.data, line.size);
    if (BEAMC_LIKELY(delimiter->size == 1))
        to[line.size] = (uint8_t)delimiter->data[0];
    else
        memcpy(to + line.size, delimiter->data, delimiter->size);
    writer->size += line.size + delimiter->size;
    return NULL;
}

/* Bytes of text so far. */
static inline uint64_t beamc__text_writer_bytes(const beamc__text_writer *writer)
{
    return writer->written + writer->size;
}

/* Puts what is in the buffer into the file, and gives back file and memory until there is more.
 * Only of file systems that can append. */
BEAMC_MUST_USE beamc_error *beamc__text_writer_suspend(beamc__text_writer *writer);

/* Ends the file, with its footer.  After a failure, _abandon. */
BEAMC_MUST_USE beamc_error *beamc__text_writer_end(beamc__text_writer *writer);

/* Ends work on a file that is not wanted, and removes it.  Nothing if there is none. */
void beamc__text_writer_abandon(beamc__text_writer *writer);

/* Abandons and frees its memory, not the struct. */
void beamc__text_writer_dispose(beamc__text_writer *writer);

#endif
