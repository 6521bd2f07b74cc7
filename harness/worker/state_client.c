/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/state_client.h"

#include "proto/beam.h"
#include "proto/unpack.h"
#include "sdk/coders/varint.h"
#include <inttypes.h>
#include <stdlib.h>
#include <uv.h>

#define METHOD "/org.apache.beam.model.fn_execution.v1.BeamFnState/State"
#define KEPT_MAX ((size_t)32 << 20)   /* of answers, by one bundle */
#define WRITES_MAX 256                /* of a bundle, that are not answered yet */
#define APPEND_MAX ((size_t)10 << 20) /* bytes in one request, as other SDKs have it */

/* A question under way. */
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

/* ---- requests -------------------------------------------------------------------------------- */

/* Written by hand: ten kinds of keys that differ by a number only, and name the answers that are kept.
 *
 *     StateRequest  id 1, instruction_id 2, state_key 3, get 1000 | append 1001 | clear 1002
 *     StateKey      a message by the kind's number:
 *                   transform_id 1, the id 2, window 3, key 4, map_key 5 | range 5;  runner: key 1
 *     get           continuation_token 1
 *     append        data 1 */
enum { GET = 1000, APPEND = 1001, CLEAR = 1002 };

static void put_varint(beamc_buffer *to, uint64_t number)
{
    uint8_t bytes[10];

    beamc_buffer_append(to, bytes, (size_t)(beamc__varint_put(bytes, number) - bytes));
}

static void put_bytes(beamc_buffer *to, unsigned field, const void *data, size_t size)
{
    put_varint(to, field << 3 | 2);
    put_varint(to, size);
    if (size > 0)
        beamc_buffer_append(to, data, size);
}

static void put_part(beamc_buffer *to, unsigned field, beamc_bytes bytes)
{
    if (bytes.size > 0)
        put_bytes(to, field, bytes.data, bytes.size);
}

/* OrderedListRange{start 1, end 2} */
static void put_range(beamc_buffer *to, const beamc__state_key *key)
{
    uint8_t range[22];
    uint8_t *at = range;

    *at++ = 1 << 3 | 0;
    at = beamc__varint_put(at, (uint64_t)key->start);
    *at++ = 2 << 3 | 0;
    at = beamc__varint_put(at, (uint64_t)key->end);
    put_bytes(to, 5, range, (size_t)(at - range));
}

/* The cell that a key is of: all kinds of questions about it see what is written to it. */
static void put_cell(beamc_buffer *to, const beamc__state_key *key)
{
    if (key->kind == BEAMC__STATE_RUNNER) {
        put_part(to, 1, key->key);
        return;
    }
    put_bytes(to, 1, key->transform_id, strlen(key->transform_id));
    put_bytes(to, 2, key->id, strlen(key->id));
    put_part(to, 3, key->window);
    put_part(to, 4, key->key);
}

/* What of the cell is asked for. */
static void put_rest(beamc_buffer *to, const beamc__state_key *key)
{
    if (key->kind == BEAMC__STATE_MULTIMAP)
        put_part(to, 5, key->map_key);
    else if (key->kind == BEAMC__STATE_ORDERED_LIST)
        put_range(to, key);
}

typedef struct {
    int kind; /* GET, APPEND, CLEAR */
    const beamc__state_key *key;
    beamc_bytes argument; /* the continuation token, or the values */
} request;

static beamc__rpc_message *make_message(const request *from, const char *id,
                                        const char *instruction_id)
{
    beamc_buffer all, key, cell, argument;
    beamc__rpc_message *message = NULL;
    uint8_t *to;

    beamc_buffer_init(&all);
    beamc_buffer_init(&key);
    beamc_buffer_init(&cell);
    beamc_buffer_init(&argument);
    put_cell(&cell, from->key);
    put_rest(&cell, from->key);
    put_bytes(&key, from->key->kind, cell.data, cell.size);
    put_part(&argument, 1, from->argument);
    put_bytes(&all, 1, id, strlen(id));
    put_bytes(&all, 2, instruction_id, strlen(instruction_id));
    put_bytes(&all, 3, key.data, key.size);
    put_bytes(&all, (unsigned)from->kind, argument.data, argument.size);
    bool failed = beamc_buffer_failed(&all) || beamc_buffer_failed(&key) ||
                  beamc_buffer_failed(&cell) || beamc_buffer_failed(&argument);
    if (!failed && (message = beamc__rpc_message_sized(&to, all.size)) != NULL)
        memcpy(to, all.data, all.size);
    beamc_buffer_dispose(&argument);
    beamc_buffer_dispose(&cell);
    beamc_buffer_dispose(&key);
    beamc_buffer_dispose(&all);
    return message;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void forget(beamc__state_client *client, const question *asked)
{
    question **at = &client->questions;

    while (*at != NULL && *at != asked)
        at = &(*at)->next;
    if (*at != NULL)
        *at = asked->next;
}

/* Nobody wants the answer any more. */
static void end_question(beamc__state_client *client, question *asked)
{
    uv_mutex_lock(&client->lock);
    forget(client, asked);
    uv_mutex_unlock(&client->lock);
    beamc__rpc_stream_unref(asked->stream);
    beamc_error_free(asked->error); /* it was told, or the bundle has another one */
    if (asked->response != NULL)
        fn(state_response__free_unpacked)(asked->response, NULL);
}

/* Makes @asked known, and sends it.  After an error it is forgotten. */
static beamc_error *send_question(beamc__state_client *client, question *asked, const request *what,
                                  const char *instruction_id)
{
    memset(asked, 0, sizeof(*asked));
    uv_mutex_lock(&client->lock);
    beamc_error *error = provide_stream(client);
    if (error != NULL) {
        uv_mutex_unlock(&client->lock);
        return error;
    }
    snprintf(asked->id, sizeof(asked->id), "%" PRIu64, ++client->last_id);
    asked->stream = beamc__rpc_stream_ref(client->stream);
    asked->next = client->questions;
    client->questions = asked;
    uv_mutex_unlock(&client->lock);

    beamc__rpc_message *message = make_message(what, asked->id, instruction_id);
    error = message == NULL ? beamc_error_nomem()
                            : beamc__rpc_stream_send(asked->stream, message, 0);
    beamc__rpc_message_unref(message);
    if (error != NULL)
        end_question(client, asked);
    return error;
}

static beamc_error *check_response(const FN(StateResponse) *response, int kind)
{
    if (response->error != NULL && *response->error != '\0')
        return beamc_error_new(BEAMC_EIO, "the runner's answer about state: %s", response->error);
    /* For writes some say nothing but the id. */
    if ((int)response->response_case == kind ||
        (kind != GET && response->response_case == FNK(STATE_RESPONSE__RESPONSE__NOT_SET)))
        return NULL;
    return beamc_error_new(BEAMC_ECORRUPT, "the runner answered another question about state");
}

/* Waits for the answer, and ends the question.  *@out (may be NULL) is the caller's. */
static beamc_error *wait_answer(beamc__state_client *client, question *asked, int kind,
                                FN(StateResponse) **out)
{
    uv_mutex_lock(&client->lock);
    while (!asked->answered)
        uv_cond_wait(&client->changed, &client->lock);
    uv_mutex_unlock(&client->lock);
    beamc_error *error = asked->error;
    asked->error = NULL;
    if (error == NULL)
        error = check_response(asked->response, kind);
    if (error == NULL && out != NULL) {
        *out = asked->response;
        asked->response = NULL;
    }
    end_question(client, asked);
    return error;
}

/* ---- a bundle's state ------------------------------------------------------------------------ */

/* One that was written and is not answered yet. */
typedef struct pending pending;
struct pending {
    pending *next;
    int kind;
    question asked;
};

struct beamc__bundle_state {
    beamc__state state; /* first */
    beamc__state_client *client;
    const char *instruction_id;
    const FN(ProcessBundleRequest) *request; /* for the cache tokens; NULL: none */
    beamc__state_store *answers;             /* of this bundle; entries begin with their tokens */
    beamc__state_store *cache;               /* of all bundles; NULL: none */
    pending *writes, **last_write;
    size_t write_count;
    beamc_buffer name, part; /* scratch */
};

static beamc_bytes bytes_of(const beamc_buffer *buffer)
{
    return (beamc_bytes){ buffer->data, buffer->size };
}

static bool is_side_input(beamc__state_kind kind)
{
    return kind == BEAMC__STATE_MULTIMAP_SIDE_INPUT || kind == BEAMC__STATE_ITERABLE_SIDE_INPUT ||
           kind == BEAMC__STATE_MULTIMAP_KEYS_SIDE_INPUT ||
           kind == BEAMC__STATE_MULTIMAP_KEYS_VALUES_SIDE_INPUT;
}

typedef FN(ProcessBundleRequest__CacheToken) cache_token;

static bool is_token_of(const cache_token *token, const beamc__state_key *key)
{
    if (token->type_case == FNK(PROCESS_BUNDLE_REQUEST__CACHE_TOKEN__TYPE_USER_STATE))
        return key->kind != BEAMC__STATE_RUNNER && !is_side_input(key->kind);
    return token->type_case == FNK(PROCESS_BUNDLE_REQUEST__CACHE_TOKEN__TYPE_SIDE_INPUT) &&
           is_side_input(key->kind) &&
           strcmp(token->side_input->transform_id, key->transform_id) == 0 &&
           strcmp(token->side_input->side_input_id, key->id) == 0;
}

/* No bytes: what is answered holds for this bundle only. */
static beamc_bytes token_of(const beamc__bundle_state *state, const beamc__state_key *key)
{
    for (size_t i = 0; state->request != NULL && i < state->request->n_cache_tokens; i++) {
        const cache_token *token = state->request->cache_tokens[i];
        if (is_token_of(token, key))
            return (beamc_bytes){ token->token.data, token->token.len };
    }
    return (beamc_bytes){ NULL, 0 };
}

/* The name of a cell's entry: its token, whether it is a side input's, itself. */
static int name_cell(beamc__bundle_state *state, const beamc__state_key *key, bool *has_token)
{
    beamc_bytes token = token_of(state, key);

    beamc_buffer_clear(&state->name);
    put_varint(&state->name, token.size);
    beamc_buffer_append(&state->name, token.data, token.size);
    beamc_buffer_append_byte(&state->name, key->kind == BEAMC__STATE_RUNNER ? 'r'
                                           : is_side_input(key->kind)       ? 's'
                                                                            : 'u');
    put_cell(&state->name, key);
    *has_token = token.size > 0;
    return beamc_buffer_failed(&state->name) ? BEAMC_ENOMEM : BEAMC_OK;
}

static bool has_token(void *ctx BEAMC_UNUSED, beamc_bytes name)
{
    return name.data[0] != 0;
}

static int name_part(beamc__bundle_state *state, const beamc__state_key *key, beamc_bytes from)
{
    beamc_buffer_clear(&state->part);
    beamc_buffer_append_byte(&state->part, (uint8_t)key->kind);
    put_part(&state->part, 1, from);
    put_rest(&state->part, key);
    return beamc_buffer_failed(&state->part) ? BEAMC_ENOMEM : BEAMC_OK;
}

/* From this bundle's answers, from those of earlier ones, or NULL. */
static beamc__state_block *find_answer(beamc__bundle_state *state, bool may_cache)
{
    const beamc_bytes name = bytes_of(&state->name);
    const beamc_bytes part = bytes_of(&state->part);
    beamc__state_block *block = beamc__state_store_get(state->answers, name, part);

    if (block != NULL || !may_cache || state->cache == NULL)
        return block;
    /* A cell that this bundle has written is not there any more. */
    return beamc__state_store_get(state->cache, name, part);
}

static beamc_error *ask(beamc__bundle_state *state, const beamc__state_key *key, beamc_bytes from,
                        beamc__state_block **out)
{
    const request what = { GET, key, from };
    FN(StateResponse) *response;
    question asked;

    BEAMC_TRY(send_question(state->client, &asked, &what, state->instruction_id));
    BEAMC_TRY(wait_answer(state->client, &asked, GET, &response));
    *out = beamc__state_block_new(response);
    return *out == NULL ? beamc_error_nomem() : NULL;
}

static beamc_error *check_client(const beamc__bundle_state *state)
{
    return state->client != NULL
               ? NULL
               : beamc_error_new(BEAMC_EUNSUPPORTED, "the runner named no service for state");
}

static beamc_error *get(beamc__state *self, const beamc__state_key *key, beamc_bytes from,
                        beamc__state_page *page)
{
    beamc__bundle_state *state = (beamc__bundle_state *)self;
    bool may_cache;

    BEAMC_TRY(check_client(state));
    if (name_cell(state, key, &may_cache) < 0 || name_part(state, key, from) < 0)
        return beamc_error_nomem();
    beamc__state_block *block = find_answer(state, may_cache);
    if (block == NULL) {
        BEAMC_TRY(ask(state, key, from, &block));
        if (beamc__state_store_put(state->answers, bytes_of(&state->name), bytes_of(&state->part),
                                   block, from.size == 0) < 0) {
            beamc__state_block_unref(block);
            return beamc_error_nomem();
        }
    }
    const FN(StateGetResponse) *answer = beamc__state_block_response(block)->get;
    page->data = answer->data.data;
    page->size = answer->data.len;
    page->next = answer->continuation_token.data;
    page->next_size = answer->continuation_token.len;
    page->owner = block;
    return NULL;
}

static void release(beamc__state *self BEAMC_UNUSED, beamc__state_page *page)
{
    beamc__state_block_unref(page->owner);
}

/* ---- writing --------------------------------------------------------------------------------- */

/* Waits for the oldest write. */
static beamc_error *end_write(beamc__bundle_state *state)
{
    pending *oldest = state->writes;

    state->writes = oldest->next;
    if (state->writes == NULL)
        state->last_write = &state->writes;
    state->write_count--;
    beamc_error *error = wait_answer(state->client, &oldest->asked, oldest->kind, NULL);
    free(oldest);
    return error;
}

/* Answers about the cell are not true any more, here and in later bundles, also if this one fails. */
static beamc_error *forget_cell(beamc__bundle_state *state, const beamc__state_key *key)
{
    bool may_cache;

    if (name_cell(state, key, &may_cache) < 0 ||
        beamc__state_store_close(state->answers, bytes_of(&state->name)) < 0)
        return beamc_error_nomem();
    if (may_cache && state->cache != NULL)
        beamc__state_store_drop(state->cache, bytes_of(&state->name));
    return NULL;
}

static beamc_error *send_write(beamc__bundle_state *state, const request *what)
{
    pending *made = malloc(sizeof(*made));

    if (made == NULL)
        return beamc_error_nomem();
    beamc_error *error = send_question(state->client, &made->asked, what, state->instruction_id);
    if (error != NULL) {
        free(made);
        return error;
    }
    made->next = NULL;
    made->kind = what->kind;
    *state->last_write = made;
    state->last_write = &made->next;
    return ++state->write_count > WRITES_MAX ? end_write(state) : NULL;
}

static beamc_error *check_writable(const beamc__bundle_state *state, const beamc__state_key *key)
{
    BEAMC_TRY(check_client(state));
    return key->kind == BEAMC__STATE_RUNNER || is_side_input(key->kind)
               ? beamc_error_new(BEAMC_EINVAL, "side inputs are not written")
               : NULL;
}

/* A large one goes in parts: a bag is the same however it is cut. */
static beamc_error *append(beamc__state *self, const beamc__state_key *key, beamc_bytes values)
{
    beamc__bundle_state *state = (beamc__bundle_state *)self;

    BEAMC_TRY(check_writable(state, key));
    BEAMC_TRY(forget_cell(state, key));
    do {
        size_t size = values.size < APPEND_MAX ? values.size : APPEND_MAX;
        const request what = { APPEND, key, { values.data, size } };
        BEAMC_TRY(send_write(state, &what));
        values = (beamc_bytes){ values.data + size, values.size - size };
    } while (values.size > 0);
    return NULL;
}

static beamc_error *clear(beamc__state *self, const beamc__state_key *key)
{
    beamc__bundle_state *state = (beamc__bundle_state *)self;
    const request what = { CLEAR, key, { NULL, 0 } };

    BEAMC_TRY(check_writable(state, key));
    BEAMC_TRY(forget_cell(state, key));
    return send_write(state, &what);
}

beamc_error *beamc__bundle_state_finish(beamc__bundle_state *state)
{
    while (state->writes != NULL)
        BEAMC_TRY(end_write(state));
    if (state->cache == NULL)
        return NULL;
    return beamc__state_store_copy(state->answers, state->cache, has_token, NULL) < 0
               ? beamc_error_nomem()
               : NULL;
}

/* ---- its life -------------------------------------------------------------------------------- */

beamc__bundle_state *beamc__bundle_state_new(beamc__state_client *client,
                                             const char *instruction_id,
                                             const FN(ProcessBundleRequest) *request_,
                                             beamc__state_store *cache)
{
    beamc__bundle_state *state = calloc(1, sizeof(*state));

    if (state == NULL)
        return NULL;
    state->state = (beamc__state){ get, release, append, clear };
    state->client = client;
    state->instruction_id = instruction_id;
    state->request = request_;
    state->cache = cache;
    state->last_write = &state->writes;
    state->answers = beamc__state_store_new(KEPT_MAX);
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
    for (pending *next, *each = state->writes; each != NULL; each = next) {
        next = each->next;
        end_question(state->client, &each->asked);
        free(each);
    }
    beamc__state_store_free(state->answers);
    beamc_buffer_dispose(&state->name);
    beamc_buffer_dispose(&state->part);
    free(state);
}

beamc__state *beamc__bundle_state_of(beamc__bundle_state *state)
{
    return &state->state;
}
