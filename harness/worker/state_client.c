/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/state_client.h"

#include "proto/beam.h"
#include "proto/unpack.h"
#include "sdk/base/table.h"
#include "sdk/rpc/pack.h"
#include <inttypes.h>
#include <stdlib.h>
#include <uv.h>

#define METHOD "/org.apache.beam.model.fn_execution.v1.BeamFnState/State"
#define KEPT_MAX ((size_t)100 << 20) /* of answers, by one bundle */

/* A question under way, on the stack of who asks. */
typedef struct question question;
struct question {
    question *next;
    char id[24];
    beamc__rpc_stream *stream; /* that it went to */
    bool answered;
    beamc_error *error; /* instead of a response */
    FN(StateResponse) *response;
};

struct beamc__state_client {
    char *url;
    beamc__rpc_channel *channel;
    uv_mutex_t lock; /* guards what follows */
    uv_cond_t changed;
    beamc__rpc_stream *stream; /* the latest */
    bool ended;                /* it has: the next question opens another */
    uint64_t last_id;
    question *questions;
};

/* ---- the stream ------------------------------------------------------------------------------ */

static void on_message(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *message)
{
    beamc__state_client *client = ctx;
    uint8_t *copy = NULL;
    const uint8_t *bytes = beamc__rpc_message_flat(message, &copy);
    FN(StateResponse) *response =
        bytes == NULL ? NULL
                      : BEAMC__UNPACK(FN(StateResponse), fn(state_response__descriptor), NULL,
                                      beamc__rpc_message_size(message), bytes);

    free(copy);
    if (response == NULL) {
        beamc__rpc_stream_cancel(stream); /* nobody knows whose answer it was */
        return;
    }
    uv_mutex_lock(&client->lock);
    question *asked = client->questions;
    while (asked != NULL && strcmp(asked->id, response->id) != 0)
        asked = asked->next;
    if (asked != NULL && !asked->answered) {
        asked->answered = true;
        asked->response = response;
        response = NULL;
        uv_cond_broadcast(&client->changed);
    }
    uv_mutex_unlock(&client->lock);
    if (response != NULL)
        fn(state_response__free_unpacked)(response, NULL);
}

/* Nothing that was asked will be answered. */
static void on_end(void *ctx, beamc__rpc_stream *stream, const beamc__rpc_status *status)
{
    beamc__state_client *client = ctx;
    char text[512] = "the runner ended it";

    if (status->error != NULL)
        beamc_error_print(status->error, text, sizeof(text));
    uv_mutex_lock(&client->lock);
    if (client->stream == stream)
        client->ended = true;
    for (question *each = client->questions; each != NULL; each = each->next) {
        if (each->stream != stream || each->answered)
            continue;
        each->answered = true;
        each->error = beamc_error_new(BEAMC_EIO, "the state stream to %s: %s", client->url, text);
    }
    uv_cond_broadcast(&client->changed);
    uv_mutex_unlock(&client->lock);
}

static const beamc__rpc_stream_handlers handlers = { .on_message = on_message, .on_end = on_end };

static beamc_error *open_channel(beamc__state_client *client, beamc__rpc_queue *queue,
                                 const char *worker_id)
{
    beamc__rpc_metadata metadata[] = { { "worker_id", worker_id } };
    beamc__rpc_channel_options options = { .metadata = metadata, .metadata_count = 1 };

    return beamc__rpc_channel_new(&client->channel, queue, client->url, &options);
}

/* With the lock: the stream for another question. */
static beamc_error *provide_stream(beamc__state_client *client)
{
    beamc__rpc_stream *stream;

    if (client->stream != NULL && !client->ended)
        return NULL;
    BEAMC_TRY(beamc__rpc_stream_open(&stream, client->channel, METHOD, &handlers, client, NULL));
    beamc__rpc_stream_unref(client->stream);
    client->stream = stream;
    client->ended = false;
    return NULL;
}

beamc_error *beamc__state_client_open(beamc__state_client **out, beamc__rpc_queue *queue,
                                      const char *url, const char *worker_id)
{
    beamc__state_client *client = calloc(1, sizeof(*client));

    *out = NULL;
    if (client == NULL)
        return beamc_error_nomem();
    if (uv_mutex_init(&client->lock) < 0 || uv_cond_init(&client->changed) < 0) {
        free(client);
        return beamc_error_nomem();
    }
    client->url = strdup(url);
    beamc_error *error =
        client->url == NULL ? beamc_error_nomem() : open_channel(client, queue, worker_id);
    if (error != NULL) {
        beamc__state_client_free(client);
        return error;
    }
    *out = client;
    return NULL;
}

void beamc__state_client_close(beamc__state_client *client)
{
    beamc__rpc_channel_close(client->channel);
}

void beamc__state_client_free(beamc__state_client *client)
{
    if (client == NULL)
        return;
    beamc__rpc_channel_free(client->channel);
    beamc__rpc_stream_unref(client->stream);
    uv_cond_destroy(&client->changed);
    uv_mutex_destroy(&client->lock);
    free(client->url);
    free(client);
}

const char *beamc__state_client_url(const beamc__state_client *client)
{
    return client->url;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void forget(beamc__state_client *client, const question *asked)
{
    question **at = &client->questions;

    while (*at != asked)
        at = &(*at)->next;
    *at = asked->next;
}

/* Sends @request, whose id is set here, and waits for the response, which is the caller's. */
static beamc_error *ask(beamc__state_client *client, FN(StateRequest) *request,
                        FN(StateResponse) **out)
{
    question asked = { 0 };

    uv_mutex_lock(&client->lock);
    beamc_error *error = provide_stream(client);
    if (error != NULL) {
        uv_mutex_unlock(&client->lock);
        return error;
    }
    snprintf(asked.id, sizeof(asked.id), "%" PRIu64, ++client->last_id);
    asked.stream = beamc__rpc_stream_ref(client->stream);
    asked.next = client->questions;
    client->questions = &asked;
    uv_mutex_unlock(&client->lock);

    request->id = asked.id;
    beamc__rpc_message *message = beamc__rpc_pack(&request->base);
    error = message == NULL ? beamc_error_nomem()
                            : beamc__rpc_stream_send(asked.stream, message, 0);
    beamc__rpc_message_unref(message);

    uv_mutex_lock(&client->lock);
    while (error == NULL && !asked.answered)
        uv_cond_wait(&client->changed, &client->lock);
    forget(client, &asked);
    uv_mutex_unlock(&client->lock);
    beamc__rpc_stream_unref(asked.stream);

    if (error == NULL)
        error = asked.error;
    else
        beamc_error_free(asked.error); /* the stream's end, which sending told as well */
    *out = asked.response;
    if (error == NULL && asked.response->error != NULL && *asked.response->error != '\0') {
        error = beamc_error_new(BEAMC_EIO, "the runner's answer about state: %s",
                                asked.response->error);
    } else if (error == NULL &&
               asked.response->response_case != FNK(STATE_RESPONSE__RESPONSE_GET)) {
        error = beamc_error_new(BEAMC_ECORRUPT, "the runner answered another question about state");
    }
    if (error != NULL && asked.response != NULL) {
        fn(state_response__free_unpacked)(asked.response, NULL);
        *out = NULL;
    }
    return error;
}

/* ---- a bundle's state ------------------------------------------------------------------------ */

struct beamc__bundle_state {
    beamc__state state; /* first */
    beamc__state_client *client;
    const char *instruction_id;
    beamc__table *answers; /* packed StateRequest without ids -> StateResponse */
    size_t kept;           /* bytes */
};

static ProtobufCBinaryData binary(beamc_bytes bytes)
{
    return (ProtobufCBinaryData){ bytes.size, (uint8_t *)bytes.data };
}

/* The three kinds of keys that exec asks for, as parts of one message. */
typedef struct {
    FN(StateRequest) request;
    FN(StateKey) key;
    FN(StateKey__Runner) runner;
    FN(StateKey__IterableSideInput) iterable;
    FN(StateKey__MultimapSideInput) multimap;
    FN(StateGetRequest) get;
} request_parts;

static void fill_request(request_parts *parts, const beamc__state_key *key, beamc_bytes from)
{
    fn(state_request__init)(&parts->request);
    fn(state_key__init)(&parts->key);
    fn(state_get_request__init)(&parts->get);
    parts->request.state_key = &parts->key;
    parts->request.request_case = FNK(STATE_REQUEST__REQUEST_GET);
    parts->request.get = &parts->get;
    parts->get.continuation_token = binary(from);
    switch (key->kind) {
    case BEAMC__STATE_RUNNER:
        fn(state_key__runner__init)(&parts->runner);
        parts->runner.key = binary(key->key);
        parts->key.type_case = FNK(STATE_KEY__TYPE_RUNNER);
        parts->key.runner = &parts->runner;
        break;
    case BEAMC__STATE_ITERABLE_SIDE_INPUT:
        fn(state_key__iterable_side_input__init)(&parts->iterable);
        parts->iterable.transform_id = (char *)key->transform_id;
        parts->iterable.side_input_id = (char *)key->side_id;
        parts->iterable.window = binary(key->window);
        parts->key.type_case = FNK(STATE_KEY__TYPE_ITERABLE_SIDE_INPUT);
        parts->key.iterable_side_input = &parts->iterable;
        break;
    case BEAMC__STATE_MULTIMAP_SIDE_INPUT:
        fn(state_key__multimap_side_input__init)(&parts->multimap);
        parts->multimap.transform_id = (char *)key->transform_id;
        parts->multimap.side_input_id = (char *)key->side_id;
        parts->multimap.window = binary(key->window);
        parts->multimap.key = binary(key->key);
        parts->key.type_case = FNK(STATE_KEY__TYPE_MULTIMAP_SIDE_INPUT);
        parts->key.multimap_side_input = &parts->multimap;
        break;
    }
}

static void page_of(beamc__state_page *page, const FN(StateResponse) *response)
{
    const FN(StateGetResponse) *get = response->get;

    page->data = get->data.data;
    page->size = get->data.len;
    page->next = get->continuation_token.data;
    page->next_size = get->continuation_token.len;
}

/* Keeps the answer if there is room; else it belongs to the page. */
static int keep(beamc__bundle_state *state, const uint8_t *name, size_t size,
                FN(StateResponse) *response, beamc__state_page *page)
{
    size_t bytes = response->get->data.len + size;

    page->owner = NULL;
    if (state->kept + bytes > KEPT_MAX) {
        page->owner = response;
        return BEAMC_OK;
    }
    state->kept += bytes;
    return beamc__table_put(state->answers, name, size, response);
}

static beamc_error *get_named(beamc__bundle_state *state, request_parts *parts, const uint8_t *name,
                              size_t size, beamc__state_page *page)
{
    FN(StateResponse) *response = beamc__table_get(state->answers, name, size);

    if (response == NULL) {
        parts->request.instruction_id = (char *)state->instruction_id;
        BEAMC_TRY(ask(state->client, &parts->request, &response));
        if (keep(state, name, size, response, page) < 0) {
            fn(state_response__free_unpacked)(response, NULL);
            return beamc_error_nomem();
        }
    }
    page_of(page, response);
    return NULL;
}

static beamc_error *get(beamc__state *self, const beamc__state_key *key, beamc_bytes from,
                        beamc__state_page *page)
{
    beamc__bundle_state *state = (beamc__bundle_state *)self;
    request_parts parts;

    if (state->client == NULL)
        return beamc_error_new(BEAMC_EUNSUPPORTED, "the runner named no service for state");
    fill_request(&parts, key, from);
    size_t size = fn(state_request__get_packed_size)(&parts.request);
    uint8_t *name = malloc(size);
    if (name == NULL)
        return beamc_error_nomem();
    fn(state_request__pack)(&parts.request, name);
    beamc_error *error = get_named(state, &parts, name, size, page);
    free(name);
    return error;
}

static void release(beamc__state *self BEAMC_UNUSED, beamc__state_page *page)
{
    if (page->owner != NULL)
        fn(state_response__free_unpacked)(page->owner, NULL);
}

beamc__bundle_state *beamc__bundle_state_new(beamc__state_client *client,
                                             const char *instruction_id)
{
    beamc__bundle_state *state = calloc(1, sizeof(*state));

    if (state == NULL)
        return NULL;
    state->state = (beamc__state){ get, release };
    state->client = client;
    state->instruction_id = instruction_id;
    state->answers = beamc__table_new();
    if (state->answers == NULL) {
        free(state);
        return NULL;
    }
    return state;
}

void beamc__bundle_state_free(beamc__bundle_state *state)
{
    if (state == NULL)
        return;
    for (size_t i = 0; i < beamc__table_count(state->answers); i++)
        fn(state_response__free_unpacked)(beamc__table_value(state->answers, i), NULL);
    beamc__table_free(state->answers);
    free(state);
}

beamc__state *beamc__bundle_state_of(beamc__bundle_state *state)
{
    return &state->state;
}
