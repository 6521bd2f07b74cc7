/* SPDX-License-Identifier: Apache-2.0 */
#include "artifacts.h"

#include "proto/urns.h"
#include "sdk/base/arena_proto.h"
#include "sdk/pipeline/graph.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* The program that is running, whatever happened to the name it was started by. */
#define PROGRAM_PATH "/proc/self/exe"

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* The packed @message; data is NULL without memory. */
static ProtobufCBinaryData pack(const ProtobufCMessage *message, beamc_arena *arena)
{
    ProtobufCBinaryData bytes = { protobuf_c_message_get_packed_size(message), NULL };

    bytes.data = beamc_arena_alloc(arena, bytes.len);
    if (bytes.data != NULL)
        protobuf_c_message_pack(message, bytes.data);
    return bytes;
}

static beamc_error *describe(beamc__artifact *artifact, beamc_arena *arena)
{
    PB(ArtifactFilePayload) file = PBK(ARTIFACT_FILE_PAYLOAD__INIT);
    PB(ArtifactStagingToRolePayload) role = PBK(ARTIFACT_STAGING_TO_ROLE_PAYLOAD__INIT);
    PB(ArtifactInformation) *information = beamc_arena_alloc(arena, sizeof(*information));

    if (information == NULL)
        return beamc_error_nomem();
    file.path = (char *)beamc__text_copy(arena, artifact->path, strlen(artifact->path));
    file.sha256 = artifact->sha256;
    role.staged_name = (char *)artifact->name;
    if (file.path == NULL)
        return beamc_error_nomem();
    pb(artifact_information__init)(information);
    information->type_urn = (char *)BEAMC_URN_ARTIFACT_TYPE_FILE;
    information->type_payload = pack(&file.base, arena);
    information->role_urn = (char *)BEAMC_URN_ARTIFACT_ROLE_STAGING_TO;
    information->role_payload = pack(&role.base, arena);
    artifact->information = information;
    return beamc_arena_failed(arena) ? beamc_error_nomem() : NULL;
}

/* No file name leads out of a directory but these. */
static bool is_plain_name(const char *name)
{
    return name[0] != '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static beamc_error *check_name(const beamc__artifacts *artifacts, const beamc__artifact *artifact)
{
    if (!is_plain_name(artifact->name))
        return beamc_error_new(BEAMC_EINVAL, "%s: this does not name a file", artifact->path);
    for (size_t i = 0; i < artifacts->count; i++) {
        const beamc__artifact *other = &artifacts->items[i];
        if (strcmp(other->name, artifact->name) == 0)
            return beamc_error_new(BEAMC_EEXIST,
                                   "%s: its name on the workers, %s, is already that of %s",
                                   artifact->path, artifact->name, other->path);
    }
    return NULL;
}

static beamc_error *add(beamc__artifacts *to, const char *path, const char *name,
                        beamc_arena *arena)
{
    beamc__artifact *artifact = &to->items[to->count];

    artifact->path = beamc_arena_strdup(arena, path);
    artifact->name = beamc__text_copy(arena, name, strlen(name));
    if (artifact->path == NULL || artifact->name == NULL)
        return beamc_error_nomem();
    BEAMC_TRY(check_name(to, artifact));
    BEAMC_TRY(beamc__sha256_file(artifact->sha256, &artifact->size, path));
    BEAMC_TRY(describe(artifact, arena));
    to->count++;
    return NULL;
}

beamc_error *beamc__artifacts_collect(beamc__artifacts *out, bool program, const char *const *paths,
                                      size_t path_count, beamc_arena *arena)
{
    beamc_error *error = NULL;

    out->count = 0;
    out->items = beamc_arena_calloc(arena, path_count + 1, sizeof(*out->items));
    if (out->items == NULL)
        return beamc_error_nomem();
    if (program)
        error = beamc_error_wrap(add(out, PROGRAM_PATH, BEAMC_TEXT_STAGED_PROGRAM, arena),
                                 "staging this program");
    for (size_t i = 0; error == NULL && i < path_count; i++)
        error = beamc_error_wrap(add(out, paths[i], base_name(paths[i]), arena), "files to stage");
    return error;
}

/* A server gives the information back as it was, so its bytes are the same. */
static bool is_same(const ProtobufCBinaryData *a, const ProtobufCBinaryData *b)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

const beamc__artifact *beamc__artifacts_find(const beamc__artifacts *artifacts,
                                             const PB(ArtifactInformation) *information)
{
    for (size_t i = 0; i < artifacts->count; i++) {
        const PB(ArtifactInformation) *own = artifacts->items[i].information;
        if (strcmp(own->type_urn, information->type_urn) == 0 &&
            is_same(&own->type_payload, &information->type_payload))
            return &artifacts->items[i];
    }
    return NULL;
}
