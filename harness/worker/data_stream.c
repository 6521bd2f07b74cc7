/* SPDX-License-Identifier: Apache-2.0 */
/* Elements messages are taken apart and made by hand: their bulk is the bytes of `data`, which are
 * used where they lie.
 *
 *     Elements   data 1*:   instruction_id 1, transform_id 2, data 3, is_last 4
 *                timers 2*: what this harness has no use for */
#include "harness/worker/data_stream.h"

#include "sdk/coders/varint.h"
#include <beamc/arena.h>
#include <stdlib.h>
#include <uv.h>

#define METHOD "/org.apache.beam.model.fn_execution.v1.BeamFnData/Data"

#define BUFFER_SLACK ((size_t)4 << 10) /* so that most elements end before a buffer has to grow */
/* How long a full stream is waited for, at first and once that was in vain. */
#define PATIENCE_MS 1000
#define PATIENCE_STUCK_MS 50
#define SEND_LIMIT ((size_t)512 << 10)
/* What comes in before it is asked for.  The transport's own choice grows to megabytes, which are out of
 * the caches when they are read: a quarter more CPU time. */
#define WINDOW ((size_t)256 << 10)

/* Protobuf wire: field << 3 | type. */
enum {
    TAG_DATA = 1 << 3 | 2,
    TAG_INSTRUCTION_ID = 1 << 3 | 2,
    TAG_TRANSFORM_ID = 2 << 3 | 2,
    TAG_BYTES = 3 << 3 | 2,
    TAG_IS_LAST = 4 << 3 | 0
};

struct beamc__data_stream {
    const beamc__data_registry *registry;
    char *url;
    beamc__rpc_channel *channel;
    int paused; /* atomic */
    int takes;  /* of beamc__flush */
    uv_mutex_t lock; /* guards what follows */
    beamc__rpc_stream *call; /* the latest */
    bool ended;              /* it has */
};

/* ---- inbound --------------------------------------------------------------------------------- */

static void message_release(void *ctx)
{
    beamc__rpc_message_unref(ctx);
}

/* What holds @message's bytes: the message itself if they are in one piece, else a copy.  NULL: no
 * memory. */
static beamc__block *block_of(beamc__rpc_message *message, beamc_bytes *bytes)
{
    uint8_t *copy;

    bytes->data = beamc__rpc_message_flat(message, &copy);
    bytes->size = beamc__rpc_message_size(message);
    if (bytes->data == NULL)
        return NULL;
    if (copy != NULL)
        return beamc__block_new(free, copy);
    return beamc__block_new(message_release, beamc__rpc_message_ref(message));
}

/* One field: its tag, and its bytes or its number. */
typedef struct {
    uint64_t tag;
    beamc_bytes bytes;
    uint64_t number;
} field;

static int read_field(beamc_reader *in, field *out)
{
    size_t size;
    int rc = beamc__varint_decode(in, &out->tag);

    if (rc < 0)
        return rc;
    switch (out->tag & 7) {
    case 0:
        return beamc__varint_decode(in, &out->number);
    case 2:
        rc = beamc__size_decode(in, &size);
        if (rc < 0)
            return rc;
        break;
    case 1:
        size = 8;
        break;
    case 5:
        size = 4;
        break;
    default:
        return BEAMC_ECORRUPT;
    }
    if (beamc_reader_left(in) < size)
        return BEAMC_ESHORT;
    out->bytes = (beamc_bytes){ in->at, size };
    in->at += size;
    return BEAMC_OK;
}

static int deliver(beamc__data_stream *stream, beamc_bytes data, beamc__block *block)
{
    beamc_reader in = beamc_reader_of(data.data, data.size);
    beamc_bytes instruction_id = { (const uint8_t *)"", 0 };
    beamc_bytes transform_id = instruction_id;
    beamc_bytes elements = { NULL, 0 };
    bool is_last = false;
    field next;

    while (in.at < in.end) {
        int rc = read_field(&in, &next);
        if (rc < 0)
            return rc;
        if (next.tag == TAG_INSTRUCTION_ID)
            instruction_id = next.bytes;
        else if (next.tag == TAG_TRANSFORM_ID)
            transform_id = next.bytes;
        else if (next.tag == TAG_BYTES)
            elements = next.bytes;
        else if (next.tag == TAG_IS_LAST)
            is_last = next.number != 0;
    }
    const beamc__data_registry *registry = stream->registry;
    beamc__inbox *inbox =
        registry->find(registry->ctx, (const char *)instruction_id.data, instruction_id.size);
    if (inbox == NULL)
        return BEAMC_OK;
    int rc = beamc__inbox_put(inbox, (const char *)transform_id.data, transform_id.size, elements,
                              block, is_last);
    beamc__inbox_unref(inbox);
    return rc;
}

static int deliver_all(beamc__data_stream *stream, beamc_bytes bytes, beamc__block *block)
{
    beamc_reader in = beamc_reader_of(bytes.data, bytes.size);
    field next;

    while (in.at < in.end) {
        int rc = read_field(&in, &next);
        if (rc == BEAMC_OK && next.tag == TAG_DATA)
            rc = deliver(stream, next.bytes, block);
        if (rc < 0)
            return rc;
    }
    return BEAMC_OK;
}

/* What waits here is out of the caches when it is taken, so a little is enough, as long as it is for
 * those who are at work.  A bundle that is slow, or has not begun, must not keep elements from one that
 * waits for them: then reading goes on to the limit. */
static bool is_enough(const beamc__data_stream *stream, int64_t enough)
{
    const beamc__data_registry *registry = stream->registry;
    int64_t held = __atomic_load_n(&registry->load->held, __ATOMIC_SEQ_CST);

    if (held > registry->limit)
        return true;
    return held > enough && __atomic_load_n(&registry->load->starved, __ATOMIC_SEQ_CST) == 0;
}

static void on_message(void *ctx, beamc__rpc_stream *call, beamc__rpc_message *message)
{
    beamc__data_stream *stream = ctx;
    beamc_bytes bytes;
    beamc__block *block = block_of(message, &bytes);
    int rc = block == NULL ? BEAMC_ENOMEM : deliver_all(stream, bytes, block);

    beamc__block_unref(block);
    /* Elements were lost, and of which bundle is not known any more. */
    if (rc < 0)
        beamc__rpc_stream_cancel(call);
    if (is_enough(stream, stream->registry->enough)) {
        /* In this order: who sees the flag may resume at once. */
        beamc__rpc_stream_pause(call);
        __atomic_store_n(&stream->paused, 1, __ATOMIC_SEQ_CST);
        beamc__data_stream_room(stream); /* it may have been emptied meanwhile */
    }
}

static void on_end(void *ctx, beamc__rpc_stream *call BEAMC_UNUSED,
                   const beamc__rpc_status *status)
{
    beamc__data_stream *stream = ctx;

    uv_mutex_lock(&stream->lock);
    stream->ended = true;
    uv_mutex_unlock(&stream->lock);
    stream->registry->lost(stream->registry->ctx, status->error);
}

void beamc__data_stream_room(beamc__data_stream *stream)
{
    /* Not before half of it is gone, so that many messages come before it stops again. */
    if (__atomic_load_n(&stream->paused, __ATOMIC_SEQ_CST) != 0 &&
        !is_enough(stream, stream->registry->enough / 2) &&
        __atomic_exchange_n(&stream->paused, 0, __ATOMIC_SEQ_CST) != 0) {
        uv_mutex_lock(&stream->lock);
        beamc__rpc_stream_resume(stream->call);
        uv_mutex_unlock(&stream->lock);
    }
}

/* ---- outbound -------------------------------------------------------------------------------- */

static uint8_t *put_string(uint8_t *to, uint8_t tag, const char *string, size_t size)
{
    *to++ = tag;
    to = beamc__varint_put(to, size);
    memcpy(to, string, size);
    return to + size;
}

/* A message of one Data: what the sink has gathered, and whether it was the last.  The bytes are not
 * copied: the message takes the buffer's memory. */
static beamc__rpc_message *make_message(beamc__data_output *output, bool is_last)
{
    const char *transform_id = output->output.transform_id;
    size_t id_size = strlen(output->instruction_id);
    size_t transform_size = strlen(transform_id);
    size_t size = output->output.buffer.size;
    size_t inner = 1 + beamc__varint_size(id_size) + id_size + 1 +
                   beamc__varint_size(transform_size) + transform_size + (is_last ? 2 : 0);
    size_t head_size = inner;
    uint8_t *to;

    if (size > 0)
        inner += 1 + beamc__varint_size(size) + size;
    head_size += 1 + beamc__varint_size(inner) + (size > 0 ? 1 + beamc__varint_size(size) : 0);
    beamc__rpc_message *message = beamc__rpc_message_sized(&to, head_size);
    if (message == NULL)
        return NULL;
    *to++ = TAG_DATA;
    to = beamc__varint_put(to, inner);
    to = put_string(to, TAG_INSTRUCTION_ID, output->instruction_id, id_size);
    to = put_string(to, TAG_TRANSFORM_ID, transform_id, transform_size);
    if (is_last) {
        *to++ = TAG_IS_LAST;
        *to++ = 1;
    }
    if (size == 0)
        return message;
    *to++ = TAG_BYTES;
    beamc__varint_put(to, size);
    uint8_t *bytes = output->output.buffer.data;
    beamc_buffer_init(&output->output.buffer);
    if (beamc__rpc_message_append_owned(message, bytes, size, free, bytes) == BEAMC_OK)
        return message;
    beamc__rpc_message_unref(message);
    return NULL;
}

/* A runner that takes nothing may be slow, or wait for the bundle's response, which comes behind all of
 * this: then the elements wait here, where they come the slower. */
static beamc_error *send_message(beamc__data_output *output, beamc__rpc_message *message)
{
    beamc_error *error = beamc__rpc_stream_send(output->call, message,
                                                output->stuck ? PATIENCE_STUCK_MS : PATIENCE_MS);

    output->stuck = beamc_error_code(error) == BEAMC_ETIMEOUT;
    if (!output->stuck)
        return error;
    beamc__flush_stuck(&output->flush);
    beamc__rpc_sent sent = beamc__rpc_stream_push(output->call, message);
    if (sent == BEAMC__RPC_ENDED)
        return beamc_error_wrap(error, "the call has ended");
    beamc_error_free(error); /* it was worth the try */
    return sent == BEAMC__RPC_SENT ? NULL : beamc_error_nomem();
}

static beamc_error *send_buffer(beamc__data_output *output, bool is_last)
{
    if (output->output.buffer.size > BEAMC__RPC_MESSAGE_MAX / 2)
        return beamc_error_new(BEAMC_ELIMIT, "an element of %zu bytes is too large to send",
                               output->output.buffer.size);
    beamc__rpc_message *message = make_message(output, is_last);
    if (message == NULL)
        return beamc_error_nomem();
    output->has_sent = true;
    beamc_error *error = send_message(output, message);
    beamc__rpc_message_unref(message);
    return beamc_error_wrap(error, "sending elements to %s", output->stream->url);
}

beamc_error *beamc__data_output_flush(beamc__data_output *output)
{
    uint32_t tick = __atomic_load_n(output->output.ticks, __ATOMIC_RELAXED);

    if (tick == output->output.tick)
        return NULL;
    output->output.tick = tick;
    return output->output.buffer.size == 0 ? NULL : send_buffer(output, false);
}

static beamc_error *wrote(beamc__output *self, size_t start BEAMC_UNUSED,
                          size_t head_size BEAMC_UNUSED, size_t key_size BEAMC_UNUSED)
{
    beamc__data_output *output = (beamc__data_output *)self;

    if (self->buffer.size < self->due)
        return beamc__data_output_flush(output);
    BEAMC_TRY(send_buffer(output, false));
    self->due = beamc__flush_sent(&output->flush, self->due);
    /* More comes, as much again. */
    return beamc_buffer_grow(&self->buffer, self->due + BUFFER_SLACK) ? NULL : beamc_error_nomem();
}

void beamc__data_output_init(beamc__data_output *out, beamc__data_stream *stream,
                             const char *instruction_id, const char *transform_id,
                             size_t flush_size, const uint32_t *ticks)
{
    memset(out, 0, sizeof(*out));
    out->output.due = beamc__flush_start(&out->flush, flush_size, &stream->takes);
    out->output.ticks = ticks;
    out->output.tick = __atomic_load_n(ticks, __ATOMIC_RELAXED);
    out->output.transform_id = transform_id;
    out->output.wrote = wrote;
    out->stream = stream;
    uv_mutex_lock(&stream->lock);
    out->call = beamc__rpc_stream_ref(stream->call);
    uv_mutex_unlock(&stream->lock);
    out->instruction_id = instruction_id;
}

int beamc__data_output_embed(beamc__data_output *output, FN(Elements) *to, beamc_arena *arena)
{
    const beamc_buffer *elements = &output->output.buffer;
    FN(Elements__Data) *data = beamc_arena_calloc(arena, 2, sizeof(*data));
    uint8_t *copy = beamc_arena_memdup(arena, elements->data, elements->size);

    if (data == NULL || copy == NULL)
        return BEAMC_ENOMEM;
    /* The mark stands alone, as on the stream. */
    for (int i = elements->size > 0 ? 0 : 1; i < 2; i++) {
        fn(elements__data__init)(&data[i]);
        data[i].instruction_id = (char *)output->instruction_id;
        data[i].transform_id = (char *)output->output.transform_id;
        to->data[to->n_data++] = &data[i];
    }
    data[0].data = (ProtobufCBinaryData){ elements->size, copy };
    data[1].is_last = true;
    return BEAMC_OK;
}

beamc_error *beamc__data_output_finish(beamc__data_output *output)
{
    /* The mark goes alone: some receivers drop what comes with it. */
    if (output->output.buffer.size > 0)
        BEAMC_TRY(send_buffer(output, false));
    return send_buffer(output, true);
}

void beamc__data_output_dispose(beamc__data_output *output)
{
    beamc__rpc_stream_unref(output->call);
    beamc_buffer_dispose(&output->output.buffer);
}

/* ---- the stream ------------------------------------------------------------------------------ */

static const beamc__rpc_stream_handlers handlers = { .on_message = on_message, .on_end = on_end };

/* With the lock, so that the end of the call is seen after its begin. */
static beamc_error *open_call(beamc__data_stream *stream)
{
    beamc__rpc_stream_options options = { .send_limit = SEND_LIMIT };
    beamc__rpc_stream *call;

    __atomic_store_n(&stream->paused, 0, __ATOMIC_SEQ_CST); /* it was the old call that paused */
    BEAMC_TRY(beamc__rpc_stream_open(&call, stream->channel, METHOD, &handlers, stream, &options));
    beamc__rpc_stream_unref(stream->call);
    stream->call = call;
    stream->ended = false;
    return NULL;
}

beamc_error *beamc__data_stream_reopen(beamc__data_stream *stream)
{
    beamc_error *error = NULL;

    uv_mutex_lock(&stream->lock);
    if (stream->call == NULL || stream->ended)
        error = open_call(stream);
    uv_mutex_unlock(&stream->lock);
    return error;
}

static beamc_error *start(beamc__data_stream *stream, beamc__rpc_queue *queue,
                          const char *worker_id)
{
    beamc__rpc_metadata metadata[] = { { "worker_id", worker_id } };
    beamc__rpc_channel_options options = { .metadata = metadata,
                                           .metadata_count = 1,
                                           .window = WINDOW };

    BEAMC_TRY(beamc__rpc_channel_new(&stream->channel, queue, stream->url, &options));
    return beamc__data_stream_reopen(stream);
}

beamc_error *beamc__data_stream_open(beamc__data_stream **out, beamc__rpc_queue *queue,
                                     const char *url, const char *worker_id,
                                     const beamc__data_registry *registry)
{
    beamc__data_stream *stream = calloc(1, sizeof(*stream));

    *out = NULL;
    if (stream == NULL)
        return beamc_error_nomem();
    if (uv_mutex_init(&stream->lock) < 0) {
        free(stream);
        return beamc_error_nomem();
    }
    stream->registry = registry;
    stream->url = strdup(url);
    beamc_error *error =
        stream->url == NULL ? beamc_error_nomem() : start(stream, queue, worker_id);
    if (error != NULL) {
        beamc__data_stream_free(stream);
        return error;
    }
    *out = stream;
    return NULL;
}

void beamc__data_stream_close(beamc__data_stream *stream)
{
    beamc__rpc_channel_close(stream->channel);
}

void beamc__data_stream_free(beamc__data_stream *stream)
{
    if (stream == NULL)
        return;
    beamc__rpc_channel_free(stream->channel);
    beamc__rpc_stream_unref(stream->call);
    uv_mutex_destroy(&stream->lock);
    free(stream->url);
    free(stream);
}

const char *beamc__data_stream_url(const beamc__data_stream *stream)
{
    return stream->url;
}
