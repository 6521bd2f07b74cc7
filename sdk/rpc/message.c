/* SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include "core.h"
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <stdlib.h>

/* Most messages have few slices: these need no memory of their own. */
enum { SLICES_INSIDE = 4 };

/* Up to here a copy is cheaper than telling the transport whom to call when it is done. */
enum { COPY_MAX = 128 };

/* How an appended slice ends. */
typedef struct {
    void (*release)(void *ctx); /* or NULL */
    void *ctx;
} ending;

struct beamc__rpc_message {
    int refs; /* atomic */
    size_t size;
    size_t count;
    size_t capacity;
    beamc__rpc_slice *slices;   /* inside, or owned */
    ending *endings;            /* of each slice; NULL in a received message */
    grpc_byte_buffer *received; /* owned; what the slices lie in */
    beamc__rpc_slice slices_inside[SLICES_INSIDE];
    ending endings_inside[SLICES_INSIDE];
};

beamc__rpc_message *beamc__rpc_message_new(void)
{
    beamc__rpc_message *message = malloc(sizeof(*message));

    if (message == NULL)
        return NULL;
    message->refs = 1;
    message->size = 0;
    message->count = 0;
    message->capacity = SLICES_INSIDE;
    message->slices = message->slices_inside;
    message->endings = message->endings_inside;
    message->received = NULL;
    return message;
}

/* Releasing: what this thread wrote to the bytes is seen by whoever frees them. */
beamc__rpc_message *beamc__rpc_message_ref(beamc__rpc_message *message)
{
    __atomic_fetch_add(&message->refs, 1, __ATOMIC_ACQ_REL);
    return message;
}

void beamc__rpc_message_unref(beamc__rpc_message *message)
{
    if (message == NULL || __atomic_sub_fetch(&message->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (message->received != NULL)
        grpc_byte_buffer_destroy(message->received);
    else
        for (size_t i = 0; i < message->count; i++)
            if (message->endings[i].release != NULL)
                message->endings[i].release(message->endings[i].ctx);
    if (message->slices != message->slices_inside)
        free(message->slices);
    if (message->endings != message->endings_inside)
        free(message->endings);
    free(message);
}

static bool grow(beamc__rpc_message *message)
{
    size_t capacity = 2 * message->capacity;
    beamc__rpc_slice *slices = malloc(capacity * sizeof(*slices));
    ending *endings = malloc(capacity * sizeof(*endings));

    if (slices == NULL || endings == NULL) {
        free(slices);
        free(endings);
        return false;
    }
    memcpy(slices, message->slices, message->count * sizeof(*slices));
    memcpy(endings, message->endings, message->count * sizeof(*endings));
    if (message->slices != message->slices_inside) {
        free(message->slices);
        free(message->endings);
    }
    message->slices = slices;
    message->endings = endings;
    message->capacity = capacity;
    return true;
}

int beamc__rpc_message_append_owned(beamc__rpc_message *message, const void *bytes, size_t size,
                                    void (*release)(void *ctx), void *ctx)
{
    int code = BEAMC_OK;

    if (size > BEAMC__RPC_MESSAGE_MAX - message->size)
        code = BEAMC_ELIMIT;
    else if (message->count == message->capacity && !grow(message))
        code = BEAMC_ENOMEM;
    if (code < 0 || size == 0) {
        if (release != NULL)
            release(ctx);
        return code;
    }
    message->slices[message->count] = (beamc__rpc_slice){ bytes, size };
    message->endings[message->count] = (ending){ release, ctx };
    message->count++;
    message->size += size;
    return BEAMC_OK;
}

int beamc__rpc_message_append(beamc__rpc_message *message, const void *bytes, size_t size)
{
    if (size == 0)
        return BEAMC_OK;
    if (size > BEAMC__RPC_MESSAGE_MAX)
        return BEAMC_ELIMIT;
    void *copy = malloc(size);
    if (copy == NULL)
        return BEAMC_ENOMEM;
    memcpy(copy, bytes, size);
    return beamc__rpc_message_append_owned(message, copy, size, free, copy);
}

beamc__rpc_message *beamc__rpc_message_sized(uint8_t **out, size_t size)
{
    beamc__rpc_message *message = size > BEAMC__RPC_MESSAGE_MAX ? NULL : beamc__rpc_message_new();

    *out = NULL;
    if (message == NULL || size == 0)
        return message;
    uint8_t *bytes = malloc(size);
    if (bytes == NULL) {
        beamc__rpc_message_unref(message);
        return NULL;
    }
    message->slices[0] = (beamc__rpc_slice){ bytes, size };
    message->endings[0] = (ending){ free, bytes };
    message->count = 1;
    message->size = size;
    *out = bytes;
    return message;
}

beamc__rpc_message *beamc__rpc_message_copy(const void *bytes, size_t size)
{
    uint8_t *to = NULL;
    beamc__rpc_message *message = beamc__rpc_message_sized(&to, size);

    if (message != NULL && size > 0)
        memcpy(to, bytes, size);
    return message;
}

beamc__rpc_message *beamc__rpc_message_of(beamc_buffer *take_buffer)
{
    beamc__rpc_message *message =
        beamc_buffer_failed(take_buffer) ? NULL : beamc__rpc_message_new();
    uint8_t *data = take_buffer->data;
    size_t size = take_buffer->size;

    if (message == NULL) {
        beamc_buffer_dispose(take_buffer);
        return NULL;
    }
    beamc_buffer_init(take_buffer);
    if (beamc__rpc_message_append_owned(message, data, size, free, data) < 0) {
        beamc__rpc_message_unref(message);
        return NULL;
    }
    return message;
}

size_t beamc__rpc_message_size(const beamc__rpc_message *message)
{
    return message->size;
}

const beamc__rpc_slice *beamc__rpc_message_slices(const beamc__rpc_message *message, size_t *count)
{
    *count = message->count;
    return message->slices;
}

const uint8_t *beamc__rpc_message_flat(const beamc__rpc_message *message, uint8_t **take_copy)
{
    *take_copy = NULL;
    if (message->count == 0)
        return (const uint8_t *)"";
    if (message->count == 1)
        return message->slices[0].data;
    uint8_t *at = *take_copy = malloc(message->size);
    for (size_t i = 0; at != NULL && i < message->count; i++) {
        memcpy(at, message->slices[i].data, message->slices[i].size);
        at += message->slices[i].size;
    }
    return *take_copy;
}

/* ---- from and to the core ---- */

/* Peeked slices lie in the buffer and are counted by it. */
static size_t list_slices(beamc__rpc_slice *out, grpc_byte_buffer *buffer)
{
    grpc_byte_buffer_reader reader;
    grpc_slice *slice;
    size_t count = 0;

    if (!grpc_byte_buffer_reader_init(&reader, buffer))
        return 0;
    while (grpc_byte_buffer_reader_peek(&reader, &slice)) {
        if (GRPC_SLICE_IS_EMPTY(*slice))
            continue;
        if (out != NULL)
            out[count] =
                (beamc__rpc_slice){ GRPC_SLICE_START_PTR(*slice), GRPC_SLICE_LENGTH(*slice) };
        count++;
    }
    grpc_byte_buffer_reader_destroy(&reader);
    return count;
}

beamc__rpc_message *beamc__rpc_message_received(grpc_byte_buffer *take_buffer)
{
    beamc__rpc_message *message = beamc__rpc_message_new();
    size_t count = list_slices(NULL, take_buffer);

    if (message != NULL && count > SLICES_INSIDE) {
        message->slices = malloc(count * sizeof(*message->slices));
        if (message->slices == NULL) {
            free(message);
            message = NULL;
        }
    }
    if (message == NULL) {
        grpc_byte_buffer_destroy(take_buffer);
        return NULL;
    }
    message->received = take_buffer;
    message->size = grpc_byte_buffer_length(take_buffer);
    message->count = list_slices(message->slices, take_buffer);
    return message;
}

static void unref(void *ctx)
{
    beamc__rpc_message_unref(ctx);
}

static grpc_slice slice_to_core(beamc__rpc_message *message, beamc__rpc_slice slice)
{
    if (slice.size <= COPY_MAX)
        return grpc_slice_from_copied_buffer((const char *)slice.data, slice.size);
    return grpc_slice_new_with_user_data((void *)slice.data, slice.size, unref,
                                         beamc__rpc_message_ref(message));
}

grpc_byte_buffer *beamc__rpc_message_to_core(beamc__rpc_message *message)
{
    /* The buffer counts its slices itself. */
    if (message->received != NULL)
        return grpc_byte_buffer_copy(message->received);
    grpc_slice one = grpc_empty_slice();
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&one, 0);
    for (size_t i = 0; i < message->count; i++) {
        grpc_slice slice = slice_to_core(message, message->slices[i]);
        grpc_slice_buffer_add(&buffer->data.raw.slice_buffer, slice);
    }
    return buffer;
}
