/* SPDX-License-Identifier: Apache-2.0 */
/* All handlers run on the server's one queue; tests wait on one condition for what they record. */
#include "test/harness/worker/peer.h"

#include "proto/unpack.h"
#include "proto/urns.h"
#include "sdk/base/arena_proto.h"
#include "sdk/base/table.h"
#include "sdk/coders/varint.h"
#include "sdk/coders/windowed.h"
#include "sdk/rpc/pack.h"
#include "sdk/rpc/rpc.h"
#include "sdk/rpc/server.h"
#include <beamc/pipeline.h>
#include <check.h>
#include <stdlib.h>
#include <uv.h>

#define PATIENCE_MS 300000
#define SEND_LIMIT ((size_t)64 << 20)
#define MOST 4096 /* of anything that is recorded, but for */
#define LOGS_MOST 65536
#define SERVICE "/org.apache.beam.model.fn_execution.v1."

typedef struct {
    beamc__rpc_stream *stream; /* the last one */
    char worker_id[100];
    int opened, closed;
} service;

typedef struct {
    const char *id;
    ProtobufCBinaryData bytes;
} given;

typedef struct {
    const char *side;
    beamc_buffer key; /* encoded */
    bool has_key;
    beamc_buffer values;
} side_values;

struct fn_peer {
    beamc__rpc_queue *queue;
    beamc__rpc_server *server;
    bool vanished; /* the test's */
    uv_mutex_t lock; /* guards what follows */
    uv_cond_t changed;
    beamc_arena *arena;
    service services[FN_SERVICES];
    given descriptors[64];
    size_t descriptor_count;
    int asked;
    bool holds;
    beamc__rpc_stream *held[64];
    given *held_answer[64];
    size_t held_count;
    const FN(InstructionResponse) *responses[MOST];
    size_t response_count;
    fn_output *outputs[MOST];
    size_t output_count;
    int data_count;
    side_values sides[64];
    size_t side_count;
    size_t page;
    const char *refusal;
    bool babbles, ignores;
    int state_count;
    const FN(StateRequest) *state_request; /* the last one */
    beamc__table *user_state;              /* packed StateKey -> beamc_buffer */
    const FN(LogEntry) *logs[LOGS_MOST];
    size_t log_count;
    const FN(WorkerStatusResponse) *status;
    int status_count;
};

/* ---- waiting --------------------------------------------------------------------------------- */

static void need(bool holds)
{
    if (!holds)
        ck_abort_msg("the peer has no memory, or no room");
}

static uint64_t patience(void)
{
    return uv_hrtime() + (uint64_t)PATIENCE_MS * 1000000;
}

/* With the lock. */
static void wait_changed(fn_peer *peer, uint64_t until, const char *what)
{
    uint64_t now = uv_hrtime();

    if (now >= until || uv_cond_timedwait(&peer->changed, &peer->lock, until - now) < 0) {
        uv_mutex_unlock(&peer->lock);
        ck_abort_msg("waited too long for %s", what);
    }
}

static void *unpack(fn_peer *peer, const ProtobufCMessageDescriptor *type,
                    const beamc__rpc_message *message)
{
    ProtobufCMessage *out;
    exec_ok(beamc__rpc_unpack(&out, message, type, peer->arena));
    return out;
}

static char *copy(fn_peer *peer, const char *text)
{
    char *made = beamc_arena_strdup(peer->arena, text);
    need(made != NULL);
    return made;
}

/* ---- control --------------------------------------------------------------------------------- */

static void reply(beamc__rpc_stream *stream, const given *answer)
{
    if (answer == NULL) {
        beamc__rpc_stream_finish(stream, BEAMC__RPC_NOT_FOUND, "no such descriptor");
        return;
    }
    beamc__rpc_message *message = beamc__rpc_message_copy(answer->bytes.data, answer->bytes.len);
    need(message != NULL);
    beamc__rpc_reply(stream, message);
    beamc__rpc_message_unref(message);
}

static given *find_given(fn_peer *peer, const char *id)
{
    for (size_t i = 0; i < peer->descriptor_count; i++) {
        if (strcmp(peer->descriptors[i].id, id) == 0)
            return &peer->descriptors[i];
    }
    return NULL;
}

static void on_ask(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *request)
{
    fn_peer *peer = ctx;

    uv_mutex_lock(&peer->lock);
    const FN(GetProcessBundleDescriptorRequest) *asked =
        unpack(peer, &fn(get_process_bundle_descriptor_request__descriptor), request);
    given *answer = find_given(peer, asked->process_bundle_descriptor_id);
    bool holds = peer->holds;
    peer->asked++;
    if (holds) {
        need(peer->held_count < 64);
        peer->held[peer->held_count] = beamc__rpc_stream_ref(stream);
        peer->held_answer[peer->held_count++] = answer;
    }
    uv_cond_broadcast(&peer->changed);
    uv_mutex_unlock(&peer->lock);
    if (!holds)
        reply(stream, answer);
}

static void record_response(fn_peer *peer, beamc__rpc_message *message)
{
    need(peer->response_count < MOST);
    peer->responses[peer->response_count++] =
        unpack(peer, &fn(instruction_response__descriptor), message);
}

/* ---- data ------------------------------------------------------------------------------------ */

static fn_output *find_output(fn_peer *peer, const char *instruction, const char *sink)
{
    for (size_t i = peer->output_count; i > 0; i--) {
        if (strcmp(peer->outputs[i - 1]->instruction, instruction) == 0 &&
            strcmp(peer->outputs[i - 1]->sink, sink) == 0)
            return peer->outputs[i - 1];
    }
    return NULL;
}

static fn_output *output_of(fn_peer *peer, const char *instruction, const char *sink)
{
    fn_output *output = find_output(peer, instruction, sink);

    if (output != NULL)
        return output;
    need(peer->output_count < MOST);
    output = calloc(1, sizeof(*output));
    need(output != NULL);
    output->instruction = copy(peer, instruction);
    output->sink = copy(peer, sink);
    return peer->outputs[peer->output_count++] = output;
}

static void record_data(fn_peer *peer, beamc__rpc_message *message)
{
    beamc_arena *arena = beamc_arena_new();
    ProtobufCMessage *unpacked;

    need(arena != NULL);
    exec_ok(beamc__rpc_unpack(&unpacked, message, &fn(elements__descriptor), arena));
    const FN(Elements) *elements = (const FN(Elements) *)unpacked;
    for (size_t i = 0; i < elements->n_data; i++) {
        const FN(Elements__Data) *data = elements->data[i];
        fn_output *output = output_of(peer, data->instruction_id, data->transform_id);
        output->after |= output->lasts > 0;
        output->messages++;
        output->lasts += data->is_last;
        output->with_data |= data->is_last && data->data.len > 0;
        beamc_buffer_append(&output->bytes, data->data.data, data->data.len);
        need(!beamc_buffer_failed(&output->bytes));
        peer->data_count++;
    }
    beamc_arena_free(arena);
}

/* ---- state ----------------------------------------------------------------------------------- */

static side_values *find_side(fn_peer *peer, const FN(StateKey) *key)
{
    for (size_t i = 0; i < peer->side_count; i++) {
        side_values *side = &peer->sides[i];
        if (key->type_case == FNK(STATE_KEY__TYPE_ITERABLE_SIDE_INPUT) && !side->has_key &&
            strcmp(side->side, key->iterable_side_input->side_input_id) == 0)
            return side;
        if (key->type_case == FNK(STATE_KEY__TYPE_MULTIMAP_SIDE_INPUT) && side->has_key &&
            strcmp(side->side, key->multimap_side_input->side_input_id) == 0 &&
            side->key.size == key->multimap_side_input->key.len &&
            memcmp(side->key.data, key->multimap_side_input->key.data, side->key.size) == 0)
            return side;
    }
    return NULL;
}

static void try_send(beamc__rpc_stream *stream, const void *packable)
{
    beamc__rpc_message *message = beamc__rpc_pack(packable);

    need(message != NULL);
    /* Where the worker has hung up, it does not want it. */
    beamc__rpc_sent sent = beamc__rpc_stream_try_send(stream, message);
    need(sent == BEAMC__RPC_SENT || sent == BEAMC__RPC_ENDED);
    beamc__rpc_message_unref(message);
}

static beamc_buffer *user_state(fn_peer *peer, const FN(StateKey) *key)
{
    size_t size = fn(state_key__get_packed_size)(key);
    uint8_t *name = beamc_arena_alloc(peer->arena, size + 1);

    need(name != NULL);
    fn(state_key__pack)(key, name);
    beamc_buffer *found = beamc__table_get(peer->user_state, name, size);
    if (found == NULL) {
        found = malloc(sizeof(*found));
        need(found != NULL);
        beamc_buffer_init(found);
        need(beamc__table_put(peer->user_state, name, size, found) == BEAMC_OK);
    }
    return found;
}

static void write_state(fn_peer *peer, beamc__rpc_stream *stream, const FN(StateRequest) *request,
                        FN(StateResponse) *response)
{
    FN(StateAppendResponse) appended = FNK(STATE_APPEND_RESPONSE__INIT);
    FN(StateClearResponse) cleared = FNK(STATE_CLEAR_RESPONSE__INIT);
    beamc_buffer *values = user_state(peer, request->state_key);

    if (request->request_case == FNK(STATE_REQUEST__REQUEST_APPEND)) {
        beamc_buffer_append(values, request->append->data.data, request->append->data.len);
        need(!beamc_buffer_failed(values));
        response->response_case = FNK(STATE_RESPONSE__RESPONSE_APPEND);
        response->append = &appended;
    } else {
        beamc_buffer_clear(values);
        response->response_case = FNK(STATE_RESPONSE__RESPONSE_CLEAR);
        response->clear = &cleared;
    }
    try_send(stream, response);
}

/* The token of a page is where it starts. */
static void answer_state(fn_peer *peer, beamc__rpc_stream *stream, beamc__rpc_message *message)
{
    FN(StateResponse) response = FNK(STATE_RESPONSE__INIT);
    FN(StateGetResponse) get = FNK(STATE_GET_RESPONSE__INIT);
    const FN(StateRequest) *request = unpack(peer, &fn(state_request__descriptor), message);
    size_t start = 0;

    peer->state_count++;
    peer->state_request = request;
    if (peer->ignores)
        return;
    response.id = request->id;
    if (peer->refusal != NULL)
        response.error = (char *)peer->refusal;
    if (request->request_case != FNK(STATE_REQUEST__REQUEST_GET)) {
        write_state(peer, stream, request, &response);
        return;
    }
    response.response_case = FNK(STATE_RESPONSE__RESPONSE_GET);
    response.get = &get;
    const side_values *side = find_side(peer, request->state_key);
    const beamc_buffer *values =
        side != NULL ? &side->values : user_state(peer, request->state_key);
    if (request->get->continuation_token.len == sizeof(start))
        memcpy(&start, request->get->continuation_token.data, sizeof(start));
    if (start < values->size && peer->refusal == NULL) {
        size_t size = values->size - start;
        if (peer->page != 0 && size > peer->page)
            size = peer->page;
        get.data = (ProtobufCBinaryData){ size, values->data + start };
        start += size;
        if (start < values->size)
            get.continuation_token = (ProtobufCBinaryData){ sizeof(start), (uint8_t *)&start };
    }
    if (peer->babbles) {
        response.id = "nobody asked";
        try_send(stream, &response);
        response.id = request->id;
        try_send(stream, &response);
    }
    try_send(stream, &response);
}

/* ---- logging, status ------------------------------------------------------------------------- */

static void record_logs(fn_peer *peer, beamc__rpc_message *message)
{
    const FN(LogEntry__List) *list = unpack(peer, &fn(log_entry__list__descriptor), message);

    for (size_t i = 0; i < list->n_log_entries; i++) {
        need(peer->log_count < LOGS_MOST);
        peer->logs[peer->log_count++] = list->log_entries[i];
    }
}

/* ---- the server ------------------------------------------------------------------------------ */

static fn_service service_of(const beamc__rpc_stream *stream)
{
    static const char *const ends[FN_SERVICES] = { "/Control", "/Data", "/State", "/Logging",
                                                   "/WorkerStatus" };
    const char *method = strrchr(beamc__rpc_stream_method(stream), '/');

    for (int i = 0; i < FN_SERVICES; i++) {
        if (strcmp(method, ends[i]) == 0)
            return (fn_service)i;
    }
    ck_abort_msg("nobody serves %s", method);
}

static void on_message(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *message)
{
    fn_peer *peer = ctx;

    uv_mutex_lock(&peer->lock);
    switch (service_of(stream)) {
    case FN_CONTROL:
        record_response(peer, message);
        break;
    case FN_DATA:
        record_data(peer, message);
        break;
    case FN_STATE:
        answer_state(peer, stream, message);
        break;
    case FN_LOGGING:
        record_logs(peer, message);
        break;
    default:
        peer->status = unpack(peer, &fn(worker_status_response__descriptor), message);
        peer->status_count++;
        break;
    }
    uv_cond_broadcast(&peer->changed);
    uv_mutex_unlock(&peer->lock);
}

static void on_half_close(void *ctx, beamc__rpc_stream *stream)
{
    (void)ctx;
    beamc__rpc_stream_finish(stream, BEAMC__RPC_OK, NULL);
}

static void on_end(void *ctx, beamc__rpc_stream *stream, const beamc__rpc_status *status)
{
    fn_peer *peer = ctx;

    (void)status;
    uv_mutex_lock(&peer->lock);
    peer->services[service_of(stream)].closed++;
    uv_cond_broadcast(&peer->changed);
    uv_mutex_unlock(&peer->lock);
}

static const beamc__rpc_stream_handlers handlers = { on_message, on_half_close, NULL, on_end };

static void on_open(void *ctx, beamc__rpc_stream *stream)
{
    fn_peer *peer = ctx;
    const beamc__rpc_stream_options options = { .send_limit = SEND_LIMIT };
    const char *worker_id = beamc__rpc_stream_metadata(stream, "worker_id");

    beamc__rpc_stream_accept(stream, &handlers, peer, &options);
    uv_mutex_lock(&peer->lock);
    service *at = &peer->services[service_of(stream)];
    beamc__rpc_stream *old = at->stream;
    at->stream = beamc__rpc_stream_ref(stream);
    at->opened++;
    snprintf(at->worker_id, sizeof(at->worker_id), "%s", worker_id == NULL ? "(none)" : worker_id);
    uv_cond_broadcast(&peer->changed);
    uv_mutex_unlock(&peer->lock);
    beamc__rpc_stream_unref(old);
}

static const beamc__rpc_method methods[] = {
    { SERVICE "BeamFnControl/Control", NULL, on_open },
    { SERVICE "BeamFnControl/GetProcessBundleDescriptor", on_ask, NULL },
    { SERVICE "BeamFnData/Data", NULL, on_open },
    { SERVICE "BeamFnState/State", NULL, on_open },
    { SERVICE "BeamFnLogging/Logging", NULL, on_open },
    { SERVICE "BeamFnWorkerStatus/WorkerStatus", NULL, on_open },
};

fn_peer *fn_peer_new(void)
{
    fn_peer *peer = calloc(1, sizeof(*peer));

    need(peer != NULL && uv_mutex_init(&peer->lock) == 0 && uv_cond_init(&peer->changed) == 0);
    peer->arena = beamc_arena_new();
    peer->user_state = beamc__table_new();
    need(peer->arena != NULL && peer->user_state != NULL);
    beamc__rpc_init();
    exec_ok(beamc__rpc_queue_new(&peer->queue, "peer"));
    const beamc__rpc_service served = { methods, sizeof(methods) / sizeof(*methods), peer, NULL };
    exec_ok(beamc__rpc_server_new(&peer->server, peer->queue, &served, 1, NULL));
    return peer;
}

void fn_peer_free(fn_peer *peer)
{
    if (!peer->vanished)
        beamc__rpc_server_stop(peer->server, 0);
    for (int i = 0; i < FN_SERVICES; i++)
        beamc__rpc_stream_unref(peer->services[i].stream);
    for (size_t i = 0; i < peer->held_count; i++)
        beamc__rpc_stream_unref(peer->held[i]);
    beamc__rpc_server_free(peer->server);
    beamc__rpc_queue_free(peer->queue);
    beamc__rpc_shutdown();
    for (size_t i = 0; i < peer->output_count; i++) {
        beamc_buffer_dispose(&peer->outputs[i]->bytes);
        free(peer->outputs[i]->lines);
        free(peer->outputs[i]);
    }
    for (size_t i = 0; i < peer->side_count; i++) {
        beamc_buffer_dispose(&peer->sides[i].key);
        beamc_buffer_dispose(&peer->sides[i].values);
    }
    for (size_t i = 0; i < beamc__table_count(peer->user_state); i++) {
        beamc_buffer *values = beamc__table_value(peer->user_state, i);
        beamc_buffer_dispose(values);
        free(values);
    }
    beamc__table_free(peer->user_state);
    for (size_t i = 0; i < peer->descriptor_count; i++)
        free(peer->descriptors[i].bytes.data);
    beamc_arena_free(peer->arena);
    uv_cond_destroy(&peer->changed);
    uv_mutex_destroy(&peer->lock);
    free(peer);
}

const char *fn_peer_url(const fn_peer *peer)
{
    return beamc__rpc_server_url(peer->server);
}

beamc__worker *fn_peer_worker(fn_peer *peer, const beamc__worker_options *options)
{
    beamc__worker_options all = { .id = "worker-1" };
    beamc__worker *worker;

    if (options != NULL)
        all = *options;
    all.control_url = fn_peer_url(peer);
    all.logging_url = fn_peer_url(peer);
    all.status_url = fn_peer_url(peer);
    all.functions = __start_beamc_functions;
    all.function_count = (size_t)(__stop_beamc_functions - __start_beamc_functions);
    exec_ok(beamc__worker_start(&worker, &all));
    fn_peer_wait_open(peer, FN_CONTROL, 1);
    return worker;
}

void fn_peer_finish(fn_peer *peer, beamc__worker *worker)
{
    fn_peer_end(peer, FN_CONTROL, BEAMC__RPC_OK, NULL);
    exec_ok(beamc__worker_wait(worker));
    beamc__worker_free(worker);
    fn_peer_free(peer);
}

/* ---- streams --------------------------------------------------------------------------------- */

void fn_peer_wait_open(fn_peer *peer, fn_service which, int count)
{
    uint64_t until = patience();

    uv_mutex_lock(&peer->lock);
    while (peer->services[which].opened < count)
        wait_changed(peer, until, "a stream to be opened");
    uv_mutex_unlock(&peer->lock);
}

void fn_peer_wait_closed(fn_peer *peer, fn_service which, int count)
{
    uint64_t until = patience();

    uv_mutex_lock(&peer->lock);
    while (peer->services[which].closed < count)
        wait_changed(peer, until, "a stream to be closed");
    uv_mutex_unlock(&peer->lock);
}

const char *fn_peer_worker_id(fn_peer *peer, fn_service which)
{
    fn_peer_wait_open(peer, which, 1);
    return peer->services[which].worker_id;
}

static beamc__rpc_stream *stream_of(fn_peer *peer, fn_service which)
{
    fn_peer_wait_open(peer, which, 1);
    uv_mutex_lock(&peer->lock);
    beamc__rpc_stream *stream = beamc__rpc_stream_ref(peer->services[which].stream);
    uv_mutex_unlock(&peer->lock);
    return stream;
}

void fn_peer_pause(fn_peer *peer, fn_service which)
{
    beamc__rpc_stream *stream = stream_of(peer, which);

    beamc__rpc_stream_pause(stream);
    beamc__rpc_stream_unref(stream);
}

void fn_peer_resume(fn_peer *peer, fn_service which)
{
    beamc__rpc_stream *stream = stream_of(peer, which);

    beamc__rpc_stream_resume(stream);
    beamc__rpc_stream_unref(stream);
}

void fn_peer_cut(fn_peer *peer, fn_service which)
{
    beamc__rpc_stream *stream = stream_of(peer, which);

    beamc__rpc_stream_cancel(stream);
    beamc__rpc_stream_unref(stream);
}

void fn_peer_end(fn_peer *peer, fn_service which, beamc__rpc_code code, const char *text)
{
    beamc__rpc_stream *stream = stream_of(peer, which);

    beamc__rpc_stream_finish(stream, code, text);
    beamc__rpc_stream_unref(stream);
}

void fn_peer_vanish(fn_peer *peer)
{
    beamc__rpc_server_stop(peer->server, 0);
    peer->vanished = true;
}

static void send_message(fn_peer *peer, fn_service which, beamc__rpc_message *take_message)
{
    beamc__rpc_stream *stream = stream_of(peer, which);

    need(take_message != NULL);
    exec_ok(beamc__rpc_stream_send(stream, take_message, PATIENCE_MS));
    beamc__rpc_message_unref(take_message);
    beamc__rpc_stream_unref(stream);
}

void fn_peer_send_raw(fn_peer *peer, fn_service which, const void *bytes, size_t size)
{
    send_message(peer, which, beamc__rpc_message_copy(bytes, size));
}

void fn_peer_send(fn_peer *peer, fn_service which, const void *message)
{
    send_message(peer, which, beamc__rpc_pack(message));
}

/* ---- control --------------------------------------------------------------------------------- */

/* Ports of the kit name no service; here they name this one. */
static void fill_port(fn_peer *peer, exec_kit *kit, PB(PTransform) *transform,
                      PB(ApiServiceDescriptor) *service_here)
{
    ProtobufCAllocator allocator = beamc__arena_allocator(exec_arena(kit));
    const char *urn = transform->spec->urn;

    (void)peer;
    if (strcmp(urn, BEAMC_URN_DATA_SOURCE) != 0 && strcmp(urn, BEAMC_URN_DATA_SINK) != 0)
        return;
    FN(RemoteGrpcPort) *port =
        BEAMC__UNPACK(FN(RemoteGrpcPort), fn(remote_grpc_port__descriptor), &allocator,
                      transform->spec->payload.len, transform->spec->payload.data);
    need(port != NULL);
    port->api_service_descriptor = service_here;
    size_t size = fn(remote_grpc_port__get_packed_size)(port);
    uint8_t *bytes = beamc_arena_alloc(exec_arena(kit), size);
    need(bytes != NULL);
    fn(remote_grpc_port__pack)(port, bytes);
    transform->spec->payload = (ProtobufCBinaryData){ size, bytes };
}

void fn_peer_give(fn_peer *peer, const char *id, exec_kit *kit)
{
    FN(ProcessBundleDescriptor) *descriptor = exec_descriptor(kit);
    PB(ApiServiceDescriptor) here = PBK(API_SERVICE_DESCRIPTOR__INIT);

    here.url = (char *)fn_peer_url(peer);
    descriptor->id = (char *)id;
    descriptor->state_api_service_descriptor = &here;
    for (size_t i = 0; i < descriptor->n_transforms; i++)
        fill_port(peer, kit, descriptor->transforms[i]->value, &here);
    size_t size = fn(process_bundle_descriptor__get_packed_size)(descriptor);
    uint8_t *bytes = malloc(size);
    need(bytes != NULL && peer->descriptor_count < 64);
    fn(process_bundle_descriptor__pack)(descriptor, bytes);
    descriptor->state_api_service_descriptor = NULL;
    uv_mutex_lock(&peer->lock);
    peer->descriptors[peer->descriptor_count++] = (given){ copy(peer, id), { size, bytes } };
    uv_mutex_unlock(&peer->lock);
}

beamc_bytes fn_peer_descriptor(fn_peer *peer, const char *id)
{
    const given *found = find_given(peer, id);
    return (beamc_bytes){ found->bytes.data, found->bytes.len };
}

int fn_peer_asked(fn_peer *peer)
{
    uv_mutex_lock(&peer->lock);
    int asked = peer->asked;
    uv_mutex_unlock(&peer->lock);
    return asked;
}

void fn_peer_hold_descriptors(fn_peer *peer)
{
    uv_mutex_lock(&peer->lock);
    peer->holds = true;
    uv_mutex_unlock(&peer->lock);
}

void fn_peer_release_descriptors(fn_peer *peer)
{
    uint64_t until = patience();

    uv_mutex_lock(&peer->lock);
    peer->holds = false;
    while (peer->held_count == 0)
        wait_changed(peer, until, "a question for a descriptor");
    size_t count = peer->held_count;
    peer->held_count = 0;
    uv_mutex_unlock(&peer->lock);
    for (size_t i = 0; i < count; i++) {
        reply(peer->held[i], peer->held_answer[i]);
        beamc__rpc_stream_unref(peer->held[i]);
    }
}

void fn_peer_process(fn_peer *peer, const char *instruction, const char *descriptor)
{
    FN(InstructionRequest) request = FNK(INSTRUCTION_REQUEST__INIT);
    FN(ProcessBundleRequest) process = FNK(PROCESS_BUNDLE_REQUEST__INIT);

    request.instruction_id = (char *)instruction;
    request.request_case = FNK(INSTRUCTION_REQUEST__REQUEST_PROCESS_BUNDLE);
    request.process_bundle = &process;
    process.process_bundle_descriptor_id = (char *)descriptor;
    fn_peer_send(peer, FN_CONTROL, &request);
}

void fn_peer_ask_progress(fn_peer *peer, const char *instruction, const char *about)
{
    FN(InstructionRequest) request = FNK(INSTRUCTION_REQUEST__INIT);
    FN(ProcessBundleProgressRequest) progress = FNK(PROCESS_BUNDLE_PROGRESS_REQUEST__INIT);

    request.instruction_id = (char *)instruction;
    request.request_case = FNK(INSTRUCTION_REQUEST__REQUEST_PROCESS_BUNDLE_PROGRESS);
    request.process_bundle_progress = &progress;
    progress.instruction_id = (char *)about;
    fn_peer_send(peer, FN_CONTROL, &request);
}

static const FN(InstructionResponse) *find_response(fn_peer *peer, const char *instruction,
                                                    int count)
{
    for (size_t i = 0; i < peer->response_count; i++) {
        if (strcmp(peer->responses[i]->instruction_id, instruction) == 0 && --count == 0)
            return peer->responses[i];
    }
    return NULL;
}

const FN(InstructionResponse) *fn_peer_response(fn_peer *peer, const char *instruction, int count)
{
    const FN(InstructionResponse) *found;
    uint64_t until = patience();

    uv_mutex_lock(&peer->lock);
    while ((found = find_response(peer, instruction, count)) == NULL)
        wait_changed(peer, until, instruction);
    uv_mutex_unlock(&peer->lock);
    return found;
}

bool fn_peer_has_response(fn_peer *peer, const char *instruction)
{
    uv_mutex_lock(&peer->lock);
    bool has = find_response(peer, instruction, 1) != NULL;
    uv_mutex_unlock(&peer->lock);
    return has;
}

int fn_peer_response_count(fn_peer *peer, const char *instruction)
{
    int count = 0;

    uv_mutex_lock(&peer->lock);
    while (find_response(peer, instruction, count + 1) != NULL)
        count++;
    uv_mutex_unlock(&peer->lock);
    return count;
}

const FN(ProcessBundleResponse) *fn_peer_done(fn_peer *peer, const char *instruction)
{
    const FN(InstructionResponse) *response = fn_peer_response(peer, instruction, 1);

    ck_assert_msg(*response->error == '\0', "%s: %s", instruction, response->error);
    ck_assert_int_eq(response->response_case, FNK(INSTRUCTION_RESPONSE__RESPONSE_PROCESS_BUNDLE));
    return response->process_bundle;
}

const char *fn_peer_failed(fn_peer *peer, const char *instruction, const char *part)
{
    const char *error = fn_peer_response(peer, instruction, 1)->error;

    ck_assert_msg(strstr(error, part) != NULL, "%s: no \"%s\" in \"%s\"", instruction, part, error);
    return error;
}

/* ---- data ------------------------------------------------------------------------------------ */

enum { HEAD_SIZE = sizeof(EXEC_HEAD) - 1 };

void fn_element(beamc_buffer *out, const char *text, size_t size)
{
    beamc_string value = { text, size };

    beamc_buffer_append(out, EXEC_HEAD, HEAD_SIZE);
    ck_assert_int_eq(beamc_encode(BEAMC_TYPE(string), &value, true, out), BEAMC_OK);
    need(!beamc_buffer_failed(out));
}

/* Calls @put with each word. */
static void each_word(const char *words, void (*put)(beamc_buffer *out, const char *, size_t),
                      beamc_buffer *out)
{
    while (*(words += strspn(words, " ")) != '\0') {
        size_t size = strcspn(words, " ");
        put(out, words, size);
        words += size;
    }
}

void fn_peer_put_bytes(fn_peer *peer, const char *instruction, const char *source,
                       const void *bytes, size_t size, bool is_last)
{
    FN(Elements) elements = FNK(ELEMENTS__INIT);
    FN(Elements__Data) data = FNK(ELEMENTS__DATA__INIT);
    FN(Elements__Data) *list[] = { &data };

    data.instruction_id = (char *)instruction;
    data.transform_id = (char *)source;
    data.data = (ProtobufCBinaryData){ size, (uint8_t *)bytes };
    data.is_last = is_last;
    elements.data = list;
    elements.n_data = 1;
    fn_peer_send(peer, FN_DATA, &elements);
}

void fn_peer_put(fn_peer *peer, const char *instruction, const char *source, const char *words)
{
    beamc_buffer bytes;

    beamc_buffer_init(&bytes);
    each_word(words, fn_element, &bytes);
    if (bytes.size > 0)
        fn_peer_put_bytes(peer, instruction, source, bytes.data, bytes.size, false);
    fn_peer_put_bytes(peer, instruction, source, NULL, 0, true);
    beamc_buffer_dispose(&bytes);
}

const fn_output *fn_peer_output(fn_peer *peer, const char *instruction, const char *sink)
{
    const fn_output *output;
    uint64_t until = patience();

    uv_mutex_lock(&peer->lock);
    while ((output = find_output(peer, instruction, sink)) == NULL || output->lasts == 0)
        wait_changed(peer, until, sink);
    uv_mutex_unlock(&peer->lock);
    return output;
}

const char *fn_peer_lines(fn_peer *peer, const char *instruction, const char *sink)
{
    fn_output *output = (fn_output *)fn_peer_output(peer, instruction, sink);
    beamc_reader in = beamc_reader_of(output->bytes.data, output->bytes.size);
    size_t size;

    free(output->lines);
    char *to = output->lines = malloc(output->bytes.size + 1);
    need(to != NULL);
    while (in.at < in.end) {
        ck_assert_uint_gt(beamc_reader_left(&in), HEAD_SIZE);
        in.at += HEAD_SIZE;
        ck_assert_int_eq(beamc__size_decode(&in, &size), BEAMC_OK);
        ck_assert_uint_ge(beamc_reader_left(&in), size);
        memcpy(to, in.at, size);
        to += size;
        *to++ = '\n';
        in.at += size;
    }
    *to = '\0';
    return output->lines;
}

void fn_peer_wait_data(fn_peer *peer, int count)
{
    uint64_t until = patience();

    uv_mutex_lock(&peer->lock);
    while (peer->data_count < count)
        wait_changed(peer, until, "elements");
    uv_mutex_unlock(&peer->lock);
}

int fn_peer_data_count(fn_peer *peer)
{
    uv_mutex_lock(&peer->lock);
    int count = peer->data_count;
    uv_mutex_unlock(&peer->lock);
    return count;
}

/* ---- state ----------------------------------------------------------------------------------- */

static void put_value(beamc_buffer *out, const char *text, size_t size)
{
    beamc_string value = { text, size };
    ck_assert_int_eq(beamc_encode(BEAMC_TYPE(string), &value, true, out), BEAMC_OK);
}

void fn_peer_side(fn_peer *peer, const char *side, const char *key, const char *words)
{
    uv_mutex_lock(&peer->lock);
    need(peer->side_count < 64);
    side_values *made = &peer->sides[peer->side_count++];
    made->side = copy(peer, side);
    made->has_key = key != NULL;
    if (key != NULL)
        put_value(&made->key, key, strlen(key));
    each_word(words, put_value, &made->values);
    uv_mutex_unlock(&peer->lock);
}

#define SET(peer, field, to)                                                                       \
    do {                                                                                           \
        uv_mutex_lock(&(peer)->lock);                                                              \
        (peer)->field = (to);                                                                      \
        uv_mutex_unlock(&(peer)->lock);                                                            \
    } while (0)

void fn_peer_set_page(fn_peer *peer, size_t bytes)
{
    SET(peer, page, bytes);
}

void fn_peer_refuse_state(fn_peer *peer, const char *text)
{
    SET(peer, refusal, text);
}

void fn_peer_babble(fn_peer *peer)
{
    SET(peer, babbles, true);
}

void fn_peer_ignore_state(fn_peer *peer)
{
    SET(peer, ignores, true);
}

int fn_peer_state_count(fn_peer *peer)
{
    uv_mutex_lock(&peer->lock);
    int count = peer->state_count;
    uv_mutex_unlock(&peer->lock);
    return count;
}

const FN(StateRequest) *fn_peer_state_request(fn_peer *peer)
{
    uv_mutex_lock(&peer->lock);
    const FN(StateRequest) *request = peer->state_request;
    uv_mutex_unlock(&peer->lock);
    return request;
}

void fn_peer_wait_state(fn_peer *peer, int count)
{
    uint64_t until = patience();

    uv_mutex_lock(&peer->lock);
    while (peer->state_count < count)
        wait_changed(peer, until, "a question about state");
    uv_mutex_unlock(&peer->lock);
}

/* ---- logging, status ------------------------------------------------------------------------- */

/* The @nth (1: first), or NULL; how many there are. */
static const FN(LogEntry) *find_log(const fn_peer *peer, const char *part, int nth, int *count)
{
    const FN(LogEntry) *found = NULL;

    *count = 0;
    for (size_t i = 0; i < peer->log_count; i++) {
        if (strstr(peer->logs[i]->message, part) != NULL && ++*count == nth)
            found = peer->logs[i];
    }
    return found;
}

const FN(LogEntry) *fn_peer_nth_log(fn_peer *peer, const char *part, int nth)
{
    const FN(LogEntry) *found;
    uint64_t until = patience();
    int count;

    uv_mutex_lock(&peer->lock);
    while ((found = find_log(peer, part, nth, &count)) == NULL)
        wait_changed(peer, until, part);
    uv_mutex_unlock(&peer->lock);
    return found;
}

const FN(LogEntry) *fn_peer_log(fn_peer *peer, const char *part)
{
    return fn_peer_nth_log(peer, part, 1);
}

void fn_peer_hold_logs(fn_peer *peer, bool hold)
{
    beamc__rpc_stream *stream = stream_of(peer, FN_LOGGING);

    if (hold)
        beamc__rpc_stream_pause(stream);
    else
        beamc__rpc_stream_resume(stream);
    beamc__rpc_stream_unref(stream);
}

int fn_peer_log_count(fn_peer *peer, const char *part)
{
    int count;

    uv_mutex_lock(&peer->lock);
    find_log(peer, part, 1, &count);
    uv_mutex_unlock(&peer->lock);
    return count;
}

const char *fn_peer_status(fn_peer *peer)
{
    FN(WorkerStatusRequest) request = FNK(WORKER_STATUS_REQUEST__INIT);
    uint64_t until = patience();

    uv_mutex_lock(&peer->lock);
    int before = peer->status_count;
    uv_mutex_unlock(&peer->lock);
    request.id = "s1";
    fn_peer_send(peer, FN_STATUS, &request);
    uv_mutex_lock(&peer->lock);
    while (peer->status_count == before)
        wait_changed(peer, until, "the status");
    const FN(WorkerStatusResponse) *status = peer->status;
    uv_mutex_unlock(&peer->lock);
    ck_assert_str_eq(status->id, "s1");
    ck_assert_str_eq(status->error, "");
    return status->status_info;
}
