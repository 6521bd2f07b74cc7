/* SPDX-License-Identifier: Apache-2.0 */
/* Growing bytes to write into, and a window on bytes to read from.
 *
 * A buffer's failure is sticky: once an allocation failed, everything written is dropped and
 * beamc_buffer_failed tells, until it is cleared.  Owner thread only. */
#ifndef BEAMC_BUFFER_H
#define BEAMC_BUFFER_H

#include <beamc/error.h>
#include <stdint.h>
#include <string.h>

BEAMC_EXTERN_C_BEGIN

typedef struct {
    uint8_t *data;   /* owned */
    size_t size;     /* bytes written */
    size_t capacity; /* bytes allocated */
    bool failed;     /* an allocation failed; see above */
} beamc_buffer;

/* The bytes still to be read: [at, end).  Borrowed. */
typedef struct {
    const uint8_t *at;
    const uint8_t *end;
} beamc_reader;

/** A reader of @size bytes, borrowed. */
static inline beamc_reader beamc_reader_of(const void *bytes, size_t size)
{
    beamc_reader reader = { (const uint8_t *)bytes, (const uint8_t *)bytes + size };
    return reader;
}

/** How many bytes are still to be read. */
static inline size_t beamc_reader_left(const beamc_reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

/** An empty buffer without memory. */
static inline void beamc_buffer_init(beamc_buffer *buffer)
{
    memset(buffer, 0, sizeof(*buffer));
}

/** Frees its memory; it may be used again. */
BEAMC_API void beamc_buffer_dispose(beamc_buffer *buffer);

/** Forgets the bytes and a failure, keeps the memory. */
static inline void beamc_buffer_clear(beamc_buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
}

/** Makes room for @more bytes; false, and failed, if there is none. */
BEAMC_API bool beamc_buffer_grow(beamc_buffer *buffer, size_t more);

/** A pointer to room for @more bytes at the end, or NULL.  Write there, then add to size. */
static inline uint8_t *beamc_buffer_reserve(beamc_buffer *buffer, size_t more)
{
    if (BEAMC_UNLIKELY(buffer->capacity - buffer->size < more || buffer->failed) &&
        !beamc_buffer_grow(buffer, more))
        return NULL;
    return buffer->data + buffer->size;
}

/** Appends @size bytes, one byte, a string without its NUL. */
static inline void beamc_buffer_append(beamc_buffer *buffer, const void *bytes, size_t size)
{
    uint8_t *to = beamc_buffer_reserve(buffer, size);
    if (to == NULL || size == 0)
        return;
    memcpy(to, bytes, size);
    buffer->size += size;
}

static inline void beamc_buffer_append_byte(beamc_buffer *buffer, uint8_t byte)
{
    uint8_t *to = beamc_buffer_reserve(buffer, 1);
    if (to == NULL)
        return;
    *to = byte;
    buffer->size++;
}

static inline void beamc_buffer_append_string(beamc_buffer *buffer, const char *string)
{
    beamc_buffer_append(buffer, string, strlen(string));
}

/** Appends text as printf writes it, without a NUL that counts. */
BEAMC_API void beamc_buffer_printf(beamc_buffer *buffer, const char *format, ...)
    BEAMC_PRINTF(2, 3);

/** Whether an allocation failed since the buffer was made or cleared. */
static inline bool beamc_buffer_failed(const beamc_buffer *buffer)
{
    return buffer->failed;
}

BEAMC_EXTERN_C_END

#endif
