/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/container/fetch.h"

#include "proto/unpack.h"
#include "proto/urns.h"
#include "sdk/base/arena_proto.h"
#include "sdk/base/sha256.h"
#include "sdk/rpc/pack.h"
#include "sdk/rpc/stream.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#define RESOLVE "/org.apache.beam.model.job_management.v1.ArtifactRetrievalService/ResolveArtifacts"
#define GET     "/org.apache.beam.model.job_management.v1.ArtifactRetrievalService/GetArtifact"

enum {
    ASK_MS = 60000,
    TRIES = 3,
    PAUSE_MS = 1000, /* before the second try */
    AT_ONCE = 10
};

bool beamc__fetch_name_is_safe(const char *name)
{
    if (*name == '\0' || *name == '/')
        return false;
    for (const char *part = name; *part != '\0';) {
        size_t size = strcspn(part, "/");
        if (size == 0 || (size == 1 && part[0] == '.') ||
            (size == 2 && part[0] == '.' && part[1] == '.'))
            return false;
        part += size;
        if (*part == '/' && *++part == '\0')
            return false;
    }
    return true;
}

/* ---- what an artifact says of itself --------------------------------------------------------- */

static beamc_error *unpack(const ProtobufCMessageDescriptor *type, const ProtobufCBinaryData *bytes,
                           beamc_arena *arena, ProtobufCMessage **out)
{
    ProtobufCAllocator allocator = beamc__arena_allocator(arena);

    *out = beamc__proto_unpack(type, &allocator, bytes->len, bytes->data);
    if (*out != NULL)
        return NULL;
    return beamc_arena_failed(arena) ? beamc_error_nomem()
                                     : beamc_error_new(BEAMC_ECORRUPT, "its payload is malformed");
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* The name to stage it to: the role's, else the last part of the file's path. */
static beamc_error *name_of(const PB(ArtifactInformation) *artifact, beamc_arena *arena,
                            const char **out)
{
    ProtobufCMessage *message;

    if (strcmp(artifact->role_urn, BEAMC_URN_ARTIFACT_ROLE_STAGING_TO) == 0) {
        BEAMC_TRY(unpack(&pb(artifact_staging_to_role_payload__descriptor), &artifact->role_payload,
                         arena, &message));
        *out = ((PB(ArtifactStagingToRolePayload) *)message)->staged_name;
    } else if (strcmp(artifact->type_urn, BEAMC_URN_ARTIFACT_TYPE_FILE) == 0) {
        BEAMC_TRY(unpack(&pb(artifact_file_payload__descriptor), &artifact->type_payload, arena,
                         &message));
        *out = last_part(((PB(ArtifactFilePayload) *)message)->path);
    } else {
        return beamc_error_new(BEAMC_EUNSUPPORTED, "an artifact of type %s and role %s has no name",
                               artifact->type_urn, artifact->role_urn);
    }
    if (!beamc__fetch_name_is_safe(*out))
        return beamc_error_new(BEAMC_EINVAL, "an artifact may not be named \"%s\"", *out);
    return NULL;
}

/* The promised SHA-256; empty: none was. */
static beamc_error *hash_of(const PB(ArtifactInformation) *artifact, beamc_arena *arena,
                            const char **out)
{
    ProtobufCMessage *message;

    *out = "";
    if (strcmp(artifact->type_urn, BEAMC_URN_ARTIFACT_TYPE_FILE) == 0) {
        BEAMC_TRY(unpack(&pb(artifact_file_payload__descriptor), &artifact->type_payload, arena,
                         &message));
        *out = ((PB(ArtifactFilePayload) *)message)->sha256;
    } else if (strcmp(artifact->type_urn, BEAMC_URN_ARTIFACT_TYPE_URL) == 0) {
        BEAMC_TRY(unpack(&pb(artifact_url_payload__descriptor), &artifact->type_payload, arena,
                         &message));
        *out = ((PB(ArtifactUrlPayload) *)message)->sha256;
    }
    return NULL;
}

/* ---- getting one ----------------------------------------------------------------------------- */

/* Written by the queue's thread until `ended`. */
typedef struct {
    int fd;
    beamc__sha256 *hash;
    const char *path;
    beamc_error *error;
    uv_mutex_t lock;
    uv_cond_t changed;
    bool ended;
} download;

static beamc_error *write_all(download *to, const uint8_t *bytes, size_t size)
{
    if (beamc__sha256_update(to->hash, bytes, size) < 0)
        return beamc_error_nomem();
    while (size > 0) {
        ssize_t written = write(to->fd, bytes, size);
        if (written < 0 && errno != EINTR)
            return beamc_error_system(errno, "writing %s", to->path);
        if (written > 0) {
            bytes += written;
            size -= (size_t)written;
        }
    }
    return NULL;
}

static beamc_error *write_chunk(download *to, beamc__rpc_message *message)
{
    beamc_arena *arena = beamc_arena_new();
    ProtobufCMessage *response;

    if (arena == NULL)
        return beamc_error_nomem();
    beamc_error *error =
        beamc__rpc_unpack(&response, message, &job(get_artifact_response__descriptor), arena);
    if (error == NULL) {
        const ProtobufCBinaryData *data = &((JOB(GetArtifactResponse) *)response)->data;
        error = write_all(to, data->data, data->len);
    }
    beamc_arena_free(arena);
    return error;
}

static void on_message(void *ctx, beamc__rpc_stream *stream, beamc__rpc_message *message)
{
    download *to = ctx;

    if (to->error != NULL)
        return;
    to->error = write_chunk(to, message);
    if (to->error != NULL)
        beamc__rpc_stream_cancel(stream);
}

static void on_end(void *ctx, beamc__rpc_stream *stream BEAMC_UNUSED,
                   const beamc__rpc_status *status)
{
    download *to = ctx;
    char text[1024];

    if (to->error == NULL && status->error != NULL) {
        beamc_error_print(status->error, text, sizeof(text));
        to->error = beamc_error_new(beamc_error_code(status->error), "%s", text);
    }
    uv_mutex_lock(&to->lock);
    to->ended = true;
    uv_cond_signal(&to->changed);
    uv_mutex_unlock(&to->lock);
}

static const beamc__rpc_stream_handlers handlers = { .on_message = on_message, .on_end = on_end };

static beamc_error *receive(download *to, beamc__rpc_channel *channel,
                            const PB(ArtifactInformation) *artifact)
{
    JOB(GetArtifactRequest) request = JOBK(GET_ARTIFACT_REQUEST__INIT);
    beamc__rpc_stream *stream;

    request.artifact = (PB(ArtifactInformation) *)artifact;
    beamc__rpc_message *message = beamc__rpc_pack(&request.base);
    if (message == NULL)
        return beamc_error_nomem();
    beamc_error *error = beamc__rpc_stream_open(&stream, channel, GET, &handlers, to, NULL);
    if (error != NULL) {
        beamc__rpc_message_unref(message);
        return error;
    }
    error = beamc__rpc_stream_send(stream, message, ASK_MS);
    beamc__rpc_message_unref(message);
    if (error == NULL)
        beamc__rpc_stream_half_close(stream);
    else
        beamc__rpc_stream_cancel(stream);
    uv_mutex_lock(&to->lock);
    while (!to->ended)
        uv_cond_wait(&to->changed, &to->lock);
    uv_mutex_unlock(&to->lock);
    beamc__rpc_stream_unref(stream);
    if (error != NULL) {
        beamc_error_free(to->error); /* that it was cancelled; why is in the other */
        return error;
    }
    return to->error;
}

static beamc_error *check_hash(download *to, const char *promised)
{
    char hash[BEAMC__SHA256_TEXT_SIZE];

    if (beamc__sha256_finish(to->hash, hash) < 0)
        return beamc_error_nomem();
    if (*promised != '\0' && strcasecmp(hash, promised) != 0)
        return beamc_error_new(BEAMC_ECORRUPT, "its SHA-256 is %s, not %s", hash, promised);
    return NULL;
}

static beamc_error *download_to(const char *path, beamc__rpc_channel *channel,
                                const PB(ArtifactInformation) *artifact, const char *promised)
{
    download to = { .path = path, .hash = beamc__sha256_new() };

    if (to.hash == NULL)
        return beamc_error_nomem();
    if (uv_mutex_init(&to.lock) < 0 || uv_cond_init(&to.changed) < 0) {
        beamc__sha256_free(to.hash);
        return beamc_error_nomem();
    }
    to.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    beamc_error *error =
        to.fd < 0 ? beamc_error_system(errno, "making %s", path) : receive(&to, channel, artifact);
    if (error == NULL)
        error = check_hash(&to, promised);
    if (to.fd >= 0 && close(to.fd) < 0 && error == NULL)
        error = beamc_error_system(errno, "writing %s", path);
    uv_cond_destroy(&to.changed);
    uv_mutex_destroy(&to.lock);
    beamc__sha256_free(to.hash);
    return error;
}

/* Makes the directories that @path lies in. */
static beamc_error *make_parents(const char *path, beamc_arena *arena)
{
    char *part = beamc_arena_strdup(arena, path);

    if (part == NULL)
        return beamc_error_nomem();
    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0755) < 0 && errno != EEXIST)
            return beamc_error_system(errno, "making directory %s", part);
        *slash = '/';
    }
    return NULL;
}

/* An artifact, and where it goes. */
typedef struct {
    const PB(ArtifactInformation) *artifact;
    const char *hash; /* "" if none was promised */
    const char *path;
    const char *part; /* where it is until it is whole */
    bool is_twice;    /* it is fetched by an earlier one */
} goal;

/* Until it is there and whole, or for some times.  @pause_ms grows. */
static beamc_error *get(const goal *one, beamc__rpc_channel *channel, int64_t pause_ms)
{
    beamc_error *error = download_to(one->part, channel, one->artifact, one->hash);

    for (int i = 1; i < TRIES && error != NULL; i++, pause_ms *= 3) {
        beamc_error_free(error); /* it is tried again */
        (void)poll(NULL, 0, (int)pause_ms);
        error = download_to(one->part, channel, one->artifact, one->hash);
    }
    if (error == NULL && rename(one->part, one->path) < 0)
        error = beamc_error_system(errno, "renaming %s", one->part);
    if (error != NULL)
        (void)unlink(one->part); /* half of a file is of no use to anybody */
    return error;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static beamc_error *resolve(beamc__rpc_channel *channel,
                            PB(ArtifactInformation) *const *dependencies, size_t count,
                            beamc_arena *arena, JOB(ResolveArtifactsResponse) **out)
{
    JOB(ResolveArtifactsRequest) request = JOBK(RESOLVE_ARTIFACTS_REQUEST__INIT);
    ProtobufCMessage *response;

    request.artifacts = (PB(ArtifactInformation) **)dependencies;
    request.n_artifacts = count;
    BEAMC_TRY(beamc__rpc_call_packed(&response, NULL, channel, RESOLVE, &request.base,
                                     &job(resolve_artifacts_response__descriptor), arena, ASK_MS));
    *out = (JOB(ResolveArtifactsResponse) *)response;
    return NULL;
}

/* Where all go: names are checked before anything is fetched. */
static beamc_error *set_goal(goal *goals, beamc__fetched *files, size_t i,
                             const beamc__fetch_options *options, beamc_arena *arena)
{
    goal *one = &goals[i];
    beamc__fetched *file = &files[i];

    BEAMC_TRY(name_of(one->artifact, arena, &file->name));
    BEAMC_TRY(hash_of(one->artifact, arena, &one->hash));
    if (options->trust)
        one->hash = "";
    for (size_t k = 0; k < i && !one->is_twice; k++) {
        if (strcmp(files[k].name, file->name) != 0)
            continue;
        if (strcasecmp(goals[k].hash, one->hash) != 0)
            return beamc_error_new(BEAMC_EEXIST, "two different artifacts are named \"%s\"",
                                   file->name);
        one->is_twice = true;
    }
    one->path = file->path = beamc_arena_printf(arena, "%s/%s", options->directory, file->name);
    one->part = beamc_arena_printf(arena, "%s.part/%zu", options->directory, i);
    file->is_program =
        strcmp(one->artifact->role_urn, BEAMC_URN_ARTIFACT_ROLE_GO_WORKER_BINARY) == 0;
    if (one->path == NULL || one->part == NULL)
        return beamc_error_nomem();
    BEAMC_TRY(make_parents(one->part, arena));
    return make_parents(one->path, arena);
}

/* What the threads share that fetch. */
typedef struct {
    beamc__rpc_channel *channel;
    const goal *goals;
    const beamc__fetched *files;
    size_t count;
    int64_t pause_ms;
    uv_mutex_t lock;
    size_t next;        /* guarded, as what follows */
    beamc_error *error; /* of the first that failed; then no other is begun */
} fetching;

static const goal *take(fetching *all, size_t *index)
{
    const goal *one = NULL;

    uv_mutex_lock(&all->lock);
    while (all->error == NULL && one == NULL && all->next < all->count) {
        *index = all->next++;
        if (!all->goals[*index].is_twice)
            one = &all->goals[*index];
    }
    uv_mutex_unlock(&all->lock);
    return one;
}

static void fetch_some(void *ctx)
{
    fetching *all = ctx;
    const goal *one;
    size_t i;

    while ((one = take(all, &i)) != NULL) {
        beamc_error *error = get(one, all->channel, all->pause_ms);
        uv_mutex_lock(&all->lock);
        if (all->error == NULL) {
            all->error = beamc_error_wrap(error, "artifact %s", all->files[i].name);
            error = NULL;
        }
        uv_mutex_unlock(&all->lock);
        beamc_error_free(error); /* one reason is enough */
    }
}

static beamc_error *fetch_goals(fetching *all)
{
    uv_thread_t threads[AT_ONCE - 1];
    size_t count = 0;

    if (uv_mutex_init(&all->lock) < 0)
        return beamc_error_nomem();
    /* This thread is one of them; without others it fetches all. */
    while (count < AT_ONCE - 1 && count + 1 < all->count &&
           uv_thread_create(&threads[count], fetch_some, all) == 0)
        count++;
    fetch_some(all);
    while (count > 0)
        uv_thread_join(&threads[--count]);
    uv_mutex_destroy(&all->lock);
    return all->error;
}

static beamc_error *fetch_resolved(beamc__fetched *files,
                                   const JOB(ResolveArtifactsResponse) *from,
                                   beamc__rpc_channel *channel, const beamc__fetch_options *options,
                                   beamc_arena *arena)
{
    size_t count = from->n_replacements;
    goal *goals = beamc_arena_calloc(arena, count, sizeof(*goals));
    char *parts = beamc_arena_printf(arena, "%s.part", options->directory);

    if (goals == NULL || parts == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < count; i++) {
        goals[i].artifact = from->replacements[i];
        BEAMC_TRY(set_goal(goals, files, i, options, arena));
    }
    fetching all = { .channel = channel,
                     .goals = goals,
                     .files = files,
                     .count = count,
                     .pause_ms = options->pause_ms > 0 ? options->pause_ms : PAUSE_MS };
    beamc_error *error = fetch_goals(&all);
    (void)rmdir(parts);
    return error;
}

beamc_error *beamc__fetch_all(beamc__fetched **files, size_t *count,
                              PB(ArtifactInformation) *const *dependencies, size_t dependency_count,
                              const beamc__fetch_options *options, beamc_arena *arena)
{
    beamc__rpc_metadata metadata[] = { { "worker_id", options->worker_id } };
    beamc__rpc_channel_options channel_options = { .metadata = metadata, .metadata_count = 1 };
    beamc__rpc_channel *channel;
    JOB(ResolveArtifactsResponse) *resolved = NULL;

    *files = NULL;
    *count = 0;
    if (dependency_count == 0)
        return NULL;
    BEAMC_TRY(beamc__rpc_channel_new(&channel, options->queue, options->url, &channel_options));
    beamc_error *error = resolve(channel, dependencies, dependency_count, arena, &resolved);
    if (error == NULL) {
        *files = beamc_arena_calloc(arena, resolved->n_replacements, sizeof(**files));
        error = *files == NULL ? beamc_error_nomem()
                               : fetch_resolved(*files, resolved, channel, options, arena);
    }
    if (error == NULL)
        *count = resolved->n_replacements;
    beamc__rpc_channel_free(channel);
    return error;
}
