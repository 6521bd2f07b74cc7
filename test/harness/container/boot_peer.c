/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers run on the server's one queue; tests wait on one condition for what they record. */
#include "test/harness/container/boot_peer.h"

#include "proto/urns.h"
#include "sdk/base/sha256.h"
#include "sdk/rpc/rpc.h"
#include "sdk/rpc/server.h"
#include "test/sdk/rpc/packed.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define FN_SERVICE "/org.apache.beam.model.fn_execution.v1."
#define ARTIFACTS  "/org.apache.beam.model.job_management.v1.ArtifactRetrievalService/"

enum { MOST = 1024, PATIENCE_MS = 300000 };

struct boot_peer {
    beamc__rpc_queue *queue;
    beamc__rpc_server *server;
    beamc_arena *arena; /* the test's, until something starts; then the handlers' */
    FN(ProvisionInfo) info;
    Google__Protobuf__Struct options;
    Google__Protobuf__Struct__FieldsEntry *fields[MOST];
    PB(ArtifactInformation) *artifacts[MOST];
    ProtobufCBinaryData bytes[MOST]; /* of those */
    uv_mutex_t lock;         /* guards what follows */
    uv_cond_t changed;
    int failures, gather, downloads, at_once, under_way;
    beamc__rpc_stream *held[MOST];
    size_t held_files[MOST];
    int held_count;
    char worker_id[128];
    beamc__rpc_stream *controls[MOST]; /* NULL: gone */
    const char *workers[MOST];
    int came, went, data;
    const FN(InstructionResponse) *answers[MOST];
    size_t answer_count;
    const char *logs[MOST];
    size_t log_count;
};

static void changed(boot_peer *peer)
{
    uv_cond_broadcast(&peer->changed);
    uv_mutex_unlock(&peer->lock);
}

static ProtobufCBinaryData pack(boot_peer *peer, const ProtobufCMessage *message)
{
    ProtobufCBinaryData out = { protobuf_c_message_get_packed_size(message), NULL };

    out.data = beamc_arena_alloc(peer->arena, out.len);
    protobuf_c_message_pack(message, out.data);
    return out;
}

/* ---- provision and artifacts; queue's thread ------------------------------------------------- */

static void on_provision(void *ctx, beamc__rpc_stream *stream,
                         beamc__rpc_message *request BEAMC_UNUSED)
{
    FN(GetProvisionInfoResponse) response = FNK(GET_PROVISION_INFO_RESPONSE__INIT);
    const char *id = beamc__rpc_stream_metadata(stream, "worker_id");
    boot_peer *peer = ctx;

    uv_mutex_lock(&peer->lock);
    snprintf(peer->worker_id, sizeof(peer->worker_id), "%s", id == NULL ? "" : id);
    response.info = &peer->info;
    packed_reply(stream, &response.base);
    changed(peer);
}

static void on_resolve(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *message)
{
    JOB(ResolveArtifactsResponse) response = JOBK(RESOLVE_ARTIFACTS_RESPONSE__INIT);
    boot_peer *peer = ctx;

    uv_mutex_lock(&peer->lock);
    const JOB(ResolveArtifactsRequest) *request =
        packed_read(message, &job(resolve_artifacts_request__descriptor), peer->arena);
    response.n_replacements = request->n_artifacts;
    response.replacements = request->artifacts;
    packed_reply(stream, &response.base);
    uv_mutex_unlock(&peer->lock);
}

static size_t find_file(const boot_peer *peer, const PB(ArtifactInformation) *artifact)
{
    for (size_t i = 0; i < peer->info.n_dependencies; i++)
        if (peer->artifacts[i]->type_payload.len == artifact->type_payload.len &&
            memcmp(peer->artifacts[i]->type_payload.data, artifact->type_payload.data,
                   artifact->type_payload.len) == 0)
            return i;
    ck_abort_msg("an artifact that was not given");
}

static void send_part(beamc__rpc_stream *stream, const uint8_t *bytes, size_t size)
{
    JOB(GetArtifactResponse) response = JOBK(GET_ARTIFACT_RESPONSE__INIT);

    response.data = (ProtobufCBinaryData){ size, (uint8_t *)bytes };
    ck_assert_int_eq(packed_send(stream, &response.base), BEAMC__RPC_SENT);
}

/* In two parts; under the lock. */
static void serve_file(boot_peer *peer, beamc__rpc_stream *stream, size_t i)
{
    const ProtobufCBinaryData *bytes = &peer->bytes[i];
    size_t half = bytes->len / 2;

    send_part(stream, bytes->data, half);
    if (peer->failures > 0) {
        peer->failures--;
        beamc__rpc_stream_finish(stream, BEAMC__RPC_UNAVAILABLE, "broken off");
    } else {
        send_part(stream, bytes->data + half, bytes->len - half);
        beamc__rpc_stream_finish(stream, BEAMC__RPC_OK, NULL);
    }
    peer->under_way--;
}

static void on_get_message(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *message)
{
    boot_peer *peer = ctx;

    uv_mutex_lock(&peer->lock);
    const JOB(GetArtifactRequest) *request =
        packed_read(message, &job(get_artifact_request__descriptor), peer->arena);
    peer->downloads++;
    if (++peer->under_way > peer->at_once)
        peer->at_once = peer->under_way;
    peer->held_files[peer->held_count] = find_file(peer, request->artifact);
    peer->held[peer->held_count++] = beamc__rpc_stream_ref(stream);
    if (peer->held_count >= peer->gather) {
        peer->gather = 0;
        for (int i = 0; i < peer->held_count; i++) {
            serve_file(peer, peer->held[i], peer->held_files[i]);
            beamc__rpc_stream_unref(peer->held[i]);
        }
        peer->held_count = 0;
    }
    changed(peer);
}

static void on_get(void *ctx, beamc__rpc_stream *stream)
{
    static const beamc__rpc_stream_handlers handlers = { .on_message = on_get_message };

    beamc__rpc_stream_accept(stream, &handlers, ctx, NULL);
}

/* ---- control and log; queue's thread --------------------------------------------------------- */

static void on_answer(void *ctx, beamc__rpc_stream *stream BEAMC_UNUSED,
                      beamc__rpc_message *message)
{
    boot_peer *peer = ctx;

    uv_mutex_lock(&peer->lock);
    ck_assert_uint_lt(peer->answer_count, MOST);
    peer->answers[peer->answer_count++] =
        packed_read(message, &fn(instruction_response__descriptor), peer->arena);
    changed(peer);
}

static void on_control_end(void *ctx, beamc__rpc_stream *stream,
                           const beamc__rpc_status *status BEAMC_UNUSED)
{
    boot_peer *peer = ctx;

    uv_mutex_lock(&peer->lock);
    for (int i = 0; i < peer->came; i++) {
        if (peer->controls[i] == stream) {
            beamc__rpc_stream_unref(stream);
            peer->controls[i] = NULL;
        }
    }
    peer->went++;
    changed(peer);
}

static void on_control(void *ctx, beamc__rpc_stream *stream)
{
    static const beamc__rpc_stream_handlers handlers = { .on_message = on_answer,
                                                         .on_end = on_control_end };
    boot_peer *peer = ctx;

    beamc__rpc_stream_accept(stream, &handlers, ctx, NULL);
    uv_mutex_lock(&peer->lock);
    ck_assert_int_lt(peer->came, MOST);
    const char *id = beamc__rpc_stream_metadata(stream, "worker_id");
    peer->workers[peer->came] = beamc_arena_strdup(peer->arena, id == NULL ? "" : id);
    peer->controls[peer->came++] = beamc__rpc_stream_ref(stream);
    changed(peer);
}

/* One source, at this runner's data service. */
static void on_descriptor(void *ctx, beamc__rpc_stream *stream,
                          beamc__rpc_message *request BEAMC_UNUSED)
{
    FN(ProcessBundleDescriptor) descriptor = FNK(PROCESS_BUNDLE_DESCRIPTOR__INIT);
    FN(ProcessBundleDescriptor__TransformsEntry)
    entry = FNK(PROCESS_BUNDLE_DESCRIPTOR__TRANSFORMS_ENTRY__INIT);
    FN(ProcessBundleDescriptor__TransformsEntry) *entries[] = { &entry };
    PB(PTransform) transform = PBK(PTRANSFORM__INIT);
    PB(FunctionSpec) spec = PBK(FUNCTION_SPEC__INIT);
    FN(RemoteGrpcPort) port = FNK(REMOTE_GRPC_PORT__INIT);
    boot_peer *peer = ctx;

    uv_mutex_lock(&peer->lock);
    port.api_service_descriptor = peer->info.control_endpoint;
    spec.urn = (char *)BEAMC_URN_DATA_SOURCE;
    spec.payload = pack(peer, &port.base);
    transform.spec = &spec;
    entry.key = "source";
    entry.value = &transform;
    descriptor.transforms = entries;
    descriptor.n_transforms = 1;
    packed_reply(stream, &descriptor.base);
    uv_mutex_unlock(&peer->lock);
}

static void on_data(void *ctx, beamc__rpc_stream *stream)
{
    static const beamc__rpc_stream_handlers handlers;
    boot_peer *peer = ctx;

    beamc__rpc_stream_accept(stream, &handlers, ctx, NULL);
    uv_mutex_lock(&peer->lock);
    peer->data++;
    changed(peer);
}

static void on_log(void *ctx, beamc__rpc_stream *stream BEAMC_UNUSED, beamc__rpc_message *message)
{
    boot_peer *peer = ctx;

    uv_mutex_lock(&peer->lock);
    const FN(LogEntry__List) *list =
        packed_read(message, &fn(log_entry__list__descriptor), peer->arena);
    for (size_t i = 0; i < list->n_log_entries && peer->log_count < MOST; i++)
        peer->logs[peer->log_count++] = list->log_entries[i]->message;
    changed(peer);
}

static void on_log_close(void *ctx BEAMC_UNUSED, beamc__rpc_stream *stream)
{
    beamc__rpc_stream_finish(stream, BEAMC__RPC_OK, NULL);
}

static void on_logging(void *ctx, beamc__rpc_stream *stream)
{
    static const beamc__rpc_stream_handlers handlers = { .on_message = on_log,
                                                         .on_half_close = on_log_close };

    beamc__rpc_stream_accept(stream, &handlers, ctx, NULL);
}

static const beamc__rpc_method methods[] = {
    { .path = FN_SERVICE "ProvisionService/GetProvisionInfo", .unary = on_provision },
    { .path = ARTIFACTS "ResolveArtifacts", .unary = on_resolve },
    { .path = ARTIFACTS "GetArtifact", .open = on_get },
    { .path = FN_SERVICE "BeamFnControl/Control", .open = on_control },
    { .path = FN_SERVICE "BeamFnControl/GetProcessBundleDescriptor", .unary = on_descriptor },
    { .path = FN_SERVICE "BeamFnData/Data", .open = on_data },
    { .path = FN_SERVICE "BeamFnLogging/Logging", .open = on_logging },
};

/* ---- beginning and end ----------------------------------------------------------------------- */

static PB(ApiServiceDescriptor) *own_endpoint(boot_peer *peer)
{
    PB(ApiServiceDescriptor) *endpoint = beamc_arena_alloc(peer->arena, sizeof(*endpoint));

    pb(api_service_descriptor__init)(endpoint);
    endpoint->url = (char *)beamc__rpc_server_url(peer->server);
    return endpoint;
}

boot_peer *boot_peer_new(void)
{
    static beamc__rpc_service service = { methods, sizeof(methods) / sizeof(*methods), NULL, NULL };
    boot_peer *peer = calloc(1, sizeof(*peer));

    ck_assert_ptr_nonnull(peer);
    beamc__rpc_init();
    ck_assert_int_eq(uv_mutex_init(&peer->lock), 0);
    ck_assert_int_eq(uv_cond_init(&peer->changed), 0);
    peer->arena = beamc_arena_new();
    ck_assert_ptr_null(beamc__rpc_queue_new(&peer->queue, "runner"));
    service.ctx = peer;
    ck_assert_ptr_null(beamc__rpc_server_new(&peer->server, peer->queue, &service, 1, NULL));
    fn(provision_info__init)(&peer->info);
    google__protobuf__struct__init(&peer->options);
    peer->options.fields = peer->fields;
    peer->info.pipeline_options = &peer->options;
    peer->info.dependencies = peer->artifacts;
    peer->info.control_endpoint = own_endpoint(peer);
    peer->info.logging_endpoint = own_endpoint(peer);
    peer->info.artifact_endpoint = own_endpoint(peer);
    return peer;
}

void boot_peer_free(boot_peer *peer)
{
    beamc__rpc_server_free(peer->server);
    for (int i = 0; i < peer->came; i++)
        beamc__rpc_stream_unref(peer->controls[i]);
    beamc__rpc_queue_free(peer->queue);
    beamc_arena_free(peer->arena);
    uv_cond_destroy(&peer->changed);
    uv_mutex_destroy(&peer->lock);
    free(peer);
    beamc__rpc_shutdown();
}

const char *boot_peer_url(const boot_peer *peer)
{
    return beamc__rpc_server_url(peer->server);
}

beamc__rpc_queue *boot_peer_queue(boot_peer *peer)
{
    return peer->queue;
}

/* ---- the script ------------------------------------------------------------------------------ */

void boot_peer_option(boot_peer *peer, const char *name, const char *value)
{
    Google__Protobuf__Struct__FieldsEntry *field = beamc_arena_alloc(peer->arena, sizeof(*field));

    google__protobuf__struct__fields_entry__init(field);
    field->key = beamc_arena_printf(peer->arena, "beam:option:%s:v1", name);
    field->value = beamc_arena_alloc(peer->arena, sizeof(*field->value));
    google__protobuf__value__init(field->value);
    field->value->kind_case = GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE;
    field->value->string_value = beamc_arena_strdup(peer->arena, value);
    peer->fields[peer->options.n_fields++] = field;
}

void boot_peer_sibling(boot_peer *peer, const char *id)
{
    char **ids = beamc_arena_calloc(peer->arena, peer->info.n_sibling_worker_ids + 1, sizeof(*ids));

    if (peer->info.n_sibling_worker_ids > 0)
        memcpy(ids, peer->info.sibling_worker_ids, peer->info.n_sibling_worker_ids * sizeof(*ids));
    ids[peer->info.n_sibling_worker_ids++] = beamc_arena_strdup(peer->arena, id);
    peer->info.sibling_worker_ids = ids;
}

/* @hash as in boot_peer_file. */
static void add_file(boot_peer *peer, const char *name, const void *bytes, size_t size,
                     const char *hash)
{
    PB(ArtifactInformation) *artifact = beamc_arena_alloc(peer->arena, sizeof(*artifact));
    PB(ArtifactFilePayload) file = PBK(ARTIFACT_FILE_PAYLOAD__INIT);
    PB(ArtifactStagingToRolePayload) role = PBK(ARTIFACT_STAGING_TO_ROLE_PAYLOAD__INIT);
    beamc__sha256 *sum = beamc__sha256_new();
    char digits[BEAMC__SHA256_TEXT_SIZE];

    ck_assert_int_eq(beamc__sha256_update(sum, bytes, size), BEAMC_OK);
    ck_assert_int_eq(beamc__sha256_finish(sum, digits), BEAMC_OK);
    beamc__sha256_free(sum);
    /* The path tells one artifact from another. */
    file.path = beamc_arena_printf(peer->arena, "/staging/%zu", peer->info.n_dependencies);
    file.sha256 = (char *)(hash == NULL ? digits : hash);
    role.staged_name = (char *)name;
    pb(artifact_information__init)(artifact);
    artifact->type_urn = (char *)BEAMC_URN_ARTIFACT_TYPE_FILE;
    artifact->type_payload = pack(peer, &file.base);
    artifact->role_urn = (char *)BEAMC_URN_ARTIFACT_ROLE_STAGING_TO;
    artifact->role_payload = pack(peer, &role.base);
    ProtobufCBinaryData *copy = &peer->bytes[peer->info.n_dependencies];
    copy->len = size;
    copy->data = beamc_arena_alloc(peer->arena, size);
    memcpy(copy->data, bytes, size);
    peer->artifacts[peer->info.n_dependencies++] = artifact;
}

void boot_peer_file(boot_peer *peer, const char *name, const char *text, const char *hash)
{
    add_file(peer, name, text, strlen(text), hash);
}

void boot_peer_bytes(boot_peer *peer, const char *name, const void *bytes, size_t size)
{
    add_file(peer, name, bytes, size, NULL);
}

PB(ArtifactInformation) **boot_peer_files(boot_peer *peer, size_t *count)
{
    *count = peer->info.n_dependencies;
    return peer->artifacts;
}

void boot_peer_fail(boot_peer *peer, int count)
{
    uv_mutex_lock(&peer->lock);
    peer->failures = count;
    uv_mutex_unlock(&peer->lock);
}

void boot_peer_gather(boot_peer *peer, int count)
{
    uv_mutex_lock(&peer->lock);
    peer->gather = count;
    uv_mutex_unlock(&peer->lock);
}

/* ---- what was seen --------------------------------------------------------------------------- */

static int read_count(boot_peer *peer, const int *count)
{
    uv_mutex_lock(&peer->lock);
    int value = *count;
    uv_mutex_unlock(&peer->lock);
    return value;
}

int boot_peer_downloads(boot_peer *peer)
{
    return read_count(peer, &peer->downloads);
}

int boot_peer_at_once(boot_peer *peer)
{
    return read_count(peer, &peer->at_once);
}

const char *boot_peer_worker_id(boot_peer *peer)
{
    return peer->worker_id;
}

/* Under the lock. */
static void wait_more(boot_peer *peer, const char *what)
{
    if (uv_cond_timedwait(&peer->changed, &peer->lock, (uint64_t)PATIENCE_MS * 1000000) != 0)
        ck_abort_msg("waited in vain for %s", what);
}

void boot_peer_send(boot_peer *peer, const char *instruction)
{
    FN(InstructionRequest) request = FNK(INSTRUCTION_REQUEST__INIT);
    FN(ProcessBundleRequest) bundle = FNK(PROCESS_BUNDLE_REQUEST__INIT);

    request.instruction_id = (char *)instruction;
    request.request_case = FNK(INSTRUCTION_REQUEST__REQUEST_PROCESS_BUNDLE);
    request.process_bundle = &bundle;
    uv_mutex_lock(&peer->lock);
    while (peer->came == 0 || peer->controls[peer->came - 1] == NULL)
        wait_more(peer, "a worker");
    ck_assert_int_eq(packed_send(peer->controls[peer->came - 1], &request.base), BEAMC__RPC_SENT);
    uv_mutex_unlock(&peer->lock);
}

const char *boot_peer_answer(boot_peer *peer, const char *instruction)
{
    const char *found = NULL;

    uv_mutex_lock(&peer->lock);
    for (size_t i = 0; found == NULL; i++) {
        while (i >= peer->answer_count)
            wait_more(peer, "an answer");
        if (strcmp(peer->answers[i]->instruction_id, instruction) == 0)
            found = peer->answers[i]->error;
    }
    uv_mutex_unlock(&peer->lock);
    return found;
}

void boot_peer_dismiss(boot_peer *peer)
{
    uv_mutex_lock(&peer->lock);
    while (peer->came == 0)
        wait_more(peer, "a worker");
    for (int i = 0; i < peer->came; i++)
        if (peer->controls[i] != NULL)
            beamc__rpc_stream_finish(peer->controls[i], BEAMC__RPC_OK, NULL);
    uv_mutex_unlock(&peer->lock);
}

static void wait_count(boot_peer *peer, const int *count, int least, const char *what)
{
    uv_mutex_lock(&peer->lock);
    while (*count < least)
        wait_more(peer, what);
    uv_mutex_unlock(&peer->lock);
}

void boot_peer_wait_came(boot_peer *peer, int count)
{
    wait_count(peer, &peer->came, count, "a worker to come");
}

void boot_peer_wait_went(boot_peer *peer, int count)
{
    wait_count(peer, &peer->went, count, "a worker to go");
}

void boot_peer_wait_data(boot_peer *peer)
{
    wait_count(peer, &peer->data, 1, "a data stream");
}

int boot_peer_came(boot_peer *peer)
{
    return read_count(peer, &peer->came);
}

void boot_peer_wait_worker(boot_peer *peer, const char *id)
{
    uv_mutex_lock(&peer->lock);
    for (int i = 0;; i++) {
        while (i >= peer->came)
            wait_more(peer, id);
        if (strcmp(peer->workers[i], id) == 0)
            break;
    }
    uv_mutex_unlock(&peer->lock);
}

const char *boot_peer_log(boot_peer *peer, const char *part)
{
    const char *found = NULL;

    uv_mutex_lock(&peer->lock);
    for (size_t i = 0; found == NULL; i++) {
        while (i >= peer->log_count)
            wait_more(peer, "a log entry");
        if (strstr(peer->logs[i], part) != NULL)
            found = peer->logs[i];
    }
    uv_mutex_unlock(&peer->lock);
    return found;
}
