/* SPDX-License-Identifier: Apache-2.0 */
/* Growing buffers: what is too much to inline. */
#include <beamc/buffer.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { CAPACITY_MIN = 64 };

void beamc_buffer_dispose(beamc_buffer *buffer)
{
    free(buffer->data);
    beamc_buffer_init(buffer);
}

static bool fail(beamc_buffer *buffer)
{
    buffer->failed = true;
    buffer->size = 0;
    return false;
}

bool beamc_buffer_grow(beamc_buffer *buffer, size_t more)
{
    size_t need;

    if (buffer->failed)
        return false;
    if (__builtin_add_overflow(buffer->size, more, &need) || need > PTRDIFF_MAX)
        return fail(buffer);
    if (need <= buffer->capacity && buffer->data != NULL)
        return true;

    size_t capacity = buffer->capacity > PTRDIFF_MAX / 2 ? PTRDIFF_MAX : 2 * buffer->capacity;
    if (capacity < need)
        capacity = need;
    if (capacity < CAPACITY_MIN)
        capacity = CAPACITY_MIN;
    uint8_t *data = realloc(buffer->data, capacity);
    if (data == NULL)
        return fail(buffer);
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

void beamc_buffer_printf(beamc_buffer *buffer, const char *format, ...)
{
    size_t room = buffer->failed ? 0 : buffer->capacity - buffer->size;
    va_list args;

    /* Most texts fit what is there: then they are formatted once. */
    va_start(args, format);
    int length = vsnprintf(room == 0 ? NULL : (char *)buffer->data + buffer->size, room, format,
                           args);
    va_end(args);
    if (length < 0) {
        fail(buffer);
        return;
    }
    if ((size_t)length >= room) {
        uint8_t *to = beamc_buffer_reserve(buffer, (size_t)length + 1);
        if (to == NULL)
            return;
        va_start(args, format);
        vsnprintf((char *)to, (size_t)length + 1, format, args);
        va_end(args);
    }
    buffer->size += (size_t)length;
}
