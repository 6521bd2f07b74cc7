/* SPDX-License-Identifier: Apache-2.0 */
/* The buffer grows from little to BUFFER_SIZE, so that many small files at once stay small. */
#include "sdk/io/text_writer.h"

#include <stdlib.h>

enum { BUFFER_SIZE = 256 << 10, BUFFER_FIRST = 4 << 10 };

static size_t full_size(const beamc__text_writer *writer)
{
    return writer->format->buffer_size == 0 ? BUFFER_SIZE : writer->format->buffer_size;
}

static beamc_error *grow(beamc__text_writer *writer)
{
    size_t full = full_size(writer);
    size_t capacity = writer->capacity == 0 ? BUFFER_FIRST : writer->capacity * 2;

    if (capacity > full)
        capacity = full;
    uint8_t *buffer = realloc(writer->buffer, capacity);
    if (buffer == NULL)
        return beamc_error_nomem();
    writer->buffer = buffer;
    writer->capacity = capacity;
    return NULL;
}

static beamc_error *make_directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL || slash == path)
        return NULL;
    char *directory = strndup(path, (size_t)(slash - path));
    beamc_error *err = directory == NULL ? beamc_error_nomem() : beamc_directory_make(directory);
    free(directory);
    return err;
}

static beamc_error *open_output(beamc__text_writer *writer)
{
    if (writer->output != NULL)
        return NULL;
    beamc_error *err = beamc_output_create(&writer->output, writer->path, writer->made);
    if (beamc_error_code(err) == BEAMC_ENOENT && !writer->made) {
        beamc_error_free(err); /* what making the directory says is more to the point */
        BEAMC_TRY(make_directory_of(writer->path));
        err = beamc_output_create(&writer->output, writer->path, false);
    }
    writer->made = writer->made || err == NULL;
    return err;
}

/* Sends bytes of text to the file; @end ends the member. */
static beamc_error *put(beamc__text_writer *writer, const void *bytes, size_t size, bool end)
{
    BEAMC_TRY(open_output(writer));
    writer->written += size;
    if (writer->format->compression == BEAMC_COMPRESSION_NONE)
        return size == 0 ? NULL : beamc_output_write(writer->output, bytes, size);

    if (writer->encoder == NULL)
        BEAMC_TRY(beamc__encoder_new(&writer->encoder, writer->format->compression));
    beamc_buffer_clear(&writer->packed);
    writer->in_member = !end;
    BEAMC_TRY(beamc_error_wrap(
        beamc__encoder_step(writer->encoder, bytes, size, end, &writer->packed), "writing %s",
        writer->path));
    return beamc_output_write(writer->output, writer->packed.data, writer->packed.size);
}

static beamc_error *flush(beamc__text_writer *writer, bool end)
{
    size_t size = writer->size;

    if (size == 0 && !(end && writer->in_member))
        return NULL;
    writer->size = 0;
    return put(writer, writer->buffer, size, end);
}

beamc_error *beamc__text_writer_begin(beamc__text_writer *writer, const beamc__text_format *format,
                                      const char *path)
{
    beamc__text_writer_abandon(writer);
    if ((writer->path = strdup(path)) == NULL)
        return beamc_error_nomem();
    writer->format = format;
    writer->size = 0;
    writer->written = 0;
    writer->made = false;
    return format->header.size == 0 ? NULL : beamc__text_writer_line(writer, format->header);
}

beamc_error *beamc__text_writer_line_slowly(beamc__text_writer *writer, beamc_string line)
{
    const beamc_string *delimiter = &writer->format->delimiter;
    size_t full = full_size(writer);

    if (line.size > full || delimiter->size > full - line.size) { /* larger than any buffer */
        BEAMC_TRY(flush(writer, false));
        BEAMC_TRY(put(writer, line.data, line.size, false));
        return put(writer, delimiter->data, delimiter->size, false);
    }
    while (writer->capacity - writer->size < line.size + delimiter->size) {
        if (writer->capacity < full)
            BEAMC_TRY(grow(writer));
        else
            BEAMC_TRY(flush(writer, false));
    }
    return beamc__text_writer_line(writer, line);
}

static void free_buffers(beamc__text_writer *writer)
{
    free(writer->buffer);
    writer->buffer = NULL;
    writer->capacity = 0;
    beamc_buffer_dispose(&writer->packed);
    beamc__encoder_free(writer->encoder);
    writer->encoder = NULL;
    writer->in_member = false;
}

beamc_error *beamc__text_writer_suspend(beamc__text_writer *writer)
{
    BEAMC_TRY(flush(writer, true));
    free_buffers(writer);
    if (writer->output == NULL)
        return NULL;
    beamc_output *output = writer->output;
    writer->output = NULL;
    return beamc_output_close(output, false);
}

beamc_error *beamc__text_writer_end(beamc__text_writer *writer)
{
    if (writer->format->footer.size > 0)
        BEAMC_TRY(beamc__text_writer_line(writer, writer->format->footer));
    if (!writer->made && writer->size == 0) /* an empty file is one, too */
        BEAMC_TRY(put(writer, NULL, 0, true));
    else
        BEAMC_TRY(flush(writer, true));
    if (writer->output == NULL) /* suspended, and has to be put on the disk */
        BEAMC_TRY(open_output(writer));
    beamc_output *output = writer->output;
    writer->output = NULL;
    BEAMC_TRY(beamc_output_close(output, writer->format->sync));
    free(writer->path);
    writer->path = NULL;
    return NULL;
}

void beamc__text_writer_abandon(beamc__text_writer *writer)
{
    if (writer->path == NULL)
        return;
    /* Nobody wants the file, nor to hear what became of it. */
    if (writer->output != NULL)
        beamc_error_free(beamc_output_close(writer->output, false));
    writer->output = NULL;
    if (writer->made)
        beamc_error_free(beamc_file_remove(writer->path));
    free(writer->path);
    writer->path = NULL;
    beamc__encoder_free(writer->encoder);
    writer->encoder = NULL;
    writer->in_member = false;
}

void beamc__text_writer_dispose(beamc__text_writer *writer)
{
    beamc__text_writer_abandon(writer);
    free_buffers(writer);
    memset(writer, 0, sizeof(*writer));
}
