/* SPDX-License-Identifier: Apache-2.0 */
#include "staging.h"

#include "proto/urns.h"
#include "runners/portable/mailbox.h"
#include "sdk/rpc/pack.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define METHOD                                                                                     \
    "/org.apache.beam.model.job_management.v1.ArtifactStagingService/"                             \
    "ReverseArtifactRetrievalService"

/* Servers take messages of 4 MB at least. */
enum { CHUNK_SIZE = 1 << 20, LOOK_MS = 50, END_MS = 1000 };

typedef struct {
    const beamc__artifacts *artifacts;
    const beamc__staging_options *options;
    beamc__mailbox *mailbox;
    uint8_t *chunk;
} session;

static bool is_cancelled(const session *with)
{
    return with->options->cancel != NULL &&
           __atomic_load_n(with->options->cancel, __ATOMIC_RELAXED) != 0;
}

static beamc_error *cancelled(void)
{
    return beamc_error_new(BEAMC_ECANCELLED, "cancelled while files were staged");
}

/* ---- answers --------------------------------------------------------------------------------- */

static beamc_error *send_answer(session *with, JOB(ArtifactResponseWrapper) *answer)
{
    beamc__rpc_message *message = beamc__rpc_pack(&answer->base);

    if (message == NULL)
        return beamc_error_nomem();
    beamc_error *error = beamc__rpc_stream_send(beamc__mailbox_stream(with->mailbox, 0), message,
                                                with->options->timeout_ms);
    beamc__rpc_message_unref(message);
    return error;
}

/* The artifacts that were asked for, in their order: all of them can be had as they are. */
static beamc_error *answer_resolve(session *with, const JOB(ResolveArtifactsRequest) *request)
{
    JOB(ArtifactResponseWrapper) answer = JOBK(ARTIFACT_RESPONSE_WRAPPER__INIT);
    JOB(ResolveArtifactsResponse) response = JOBK(RESOLVE_ARTIFACTS_RESPONSE__INIT);

    response.n_replacements = request->n_artifacts;
    response.replacements = request->artifacts;
    answer.response_case = JOBK(ARTIFACT_RESPONSE_WRAPPER__RESPONSE_RESOLVE_ARTIFACT_RESPONSE);
    answer.resolve_artifact_response = &response;
    answer.is_last = true;
    return send_answer(with, &answer);
}

static beamc_error *send_chunk(session *with, size_t size, bool is_last)
{
    JOB(ArtifactResponseWrapper) answer = JOBK(ARTIFACT_RESPONSE_WRAPPER__INIT);
    JOB(GetArtifactResponse) response = JOBK(GET_ARTIFACT_RESPONSE__INIT);

    response.data.data = with->chunk;
    response.data.len = size;
    answer.response_case = JOBK(ARTIFACT_RESPONSE_WRAPPER__RESPONSE_GET_ARTIFACT_RESPONSE);
    answer.get_artifact_response = &response;
    answer.is_last = is_last;
    return send_answer(with, &answer);
}

/* A whole chunk but for the file's last; 0 at its end. */
static beamc_error *read_chunk(session *with, const beamc__artifact *artifact, int file,
                               size_t *size)
{
    *size = 0;
    while (*size < CHUNK_SIZE) {
        ssize_t got = read(file, with->chunk + *size, CHUNK_SIZE - *size);
        if (got < 0 && errno != EINTR)
            return beamc_error_system(errno, "%s", artifact->path);
        if (got == 0)
            break;
        if (got > 0)
            *size += (size_t)got;
    }
    return NULL;
}

/* The last chunk is only sent when all bytes were those that were told before. */
static beamc_error *send_file(session *with, const beamc__artifact *artifact, int file,
                              beamc__sha256 *hash)
{
    char sha256[BEAMC__SHA256_TEXT_SIZE];
    size_t size;

    for (;;) {
        if (is_cancelled(with))
            return cancelled();
        BEAMC_TRY(read_chunk(with, artifact, file, &size));
        if (beamc__sha256_update(hash, with->chunk, size) < 0)
            return beamc_error_nomem();
        if (size == 0)
            break;
        BEAMC_TRY(send_chunk(with, size, false));
    }
    if (beamc__sha256_finish(hash, sha256) < 0)
        return beamc_error_nomem();
    if (strcmp(sha256, artifact->sha256) != 0)
        return beamc_error_new(BEAMC_EIO, "%s: the file was changed while it was staged",
                               artifact->path);
    return send_chunk(with, 0, true);
}

static beamc_error *answer_get(session *with, const JOB(GetArtifactRequest) *request)
{
    const beamc__artifact *artifact =
        request->artifact == NULL ? NULL
                                  : beamc__artifacts_find(with->artifacts, request->artifact);

    if (artifact == NULL)
        return beamc_error_new(BEAMC_ENOENT,
                               "the server asks for an artifact that is not one of this job's");
    int file = open(artifact->path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return beamc_error_system(errno, "%s", artifact->path);
    beamc__sha256 *hash = beamc__sha256_new();
    beamc_error *error = hash == NULL ? beamc_error_nomem() : send_file(with, artifact, file, hash);
    beamc__sha256_free(hash);
    close(file);
    return error;
}

/* ---- the stream ------------------------------------------------------------------------------ */

static beamc_error *answer_message(session *with, const beamc__rpc_message *message)
{
    beamc_arena *arena = beamc_arena_new();
    ProtobufCMessage *request;

    if (arena == NULL)
        return beamc_error_nomem();
    beamc_error *error =
        beamc__rpc_unpack(&request, message, &job(artifact_request_wrapper__descriptor), arena);
    if (error == NULL) {
        const JOB(ArtifactRequestWrapper) *wrapper = (JOB(ArtifactRequestWrapper) *)request;
        switch (wrapper->request_case) {
        case JOBK(ARTIFACT_REQUEST_WRAPPER__REQUEST_RESOLVE_ARTIFACT):
            error = answer_resolve(with, wrapper->resolve_artifact);
            break;
        case JOBK(ARTIFACT_REQUEST_WRAPPER__REQUEST_GET_ARTIFACT):
            error = answer_get(with, wrapper->get_artifact);
            break;
        default:
            error = beamc_error_new(BEAMC_EUNSUPPORTED,
                                    "the server asks for something that Beam does not have");
            break;
        }
    }
    beamc_arena_free(arena);
    return error;
}

/* The next mail; an error once the server was silent for too long. */
static beamc_error *wait_for_mail(session *with, beamc__mail *mail)
{
    uint64_t start = uv_hrtime();

    while (!beamc__mailbox_take(with->mailbox, mail, LOOK_MS)) {
        if (is_cancelled(with))
            return cancelled();
        if ((int64_t)((uv_hrtime() - start) / 1000000) >= with->options->timeout_ms)
            return beamc_error_new(BEAMC_ETIMEOUT, "the server said nothing for %" PRId64 " ms",
                                   with->options->timeout_ms);
    }
    return NULL;
}

/* What the server says about the stream's end explains more than a send that failed by it; it comes
 * at once. */
static beamc_error *prefer_end(session *with, beamc_error *take_error)
{
    beamc__mail mail;

    if (beamc_error_code(take_error) != BEAMC_ECANCELLED)
        return take_error;
    while (beamc__mailbox_take(with->mailbox, &mail, END_MS)) {
        bool better = mail.message == NULL && mail.error != NULL;
        if (better) {
            beamc_error_free(take_error); /* it only says that there is no stream */
            take_error = mail.error;
            mail.error = NULL;
        }
        beamc__mail_dispose(&mail);
        if (better)
            break;
    }
    return take_error;
}

static beamc_error *answer_all(session *with)
{
    for (;;) {
        beamc__mail mail;
        BEAMC_TRY(wait_for_mail(with, &mail));
        bool ended = mail.message == NULL;
        beamc_error *error = mail.error;
        mail.error = NULL;
        if (!ended)
            error = answer_message(with, mail.message);
        beamc__mail_dispose(&mail);
        if (error != NULL)
            return ended || is_cancelled(with) ? error : prefer_end(with, error);
        if (ended)
            return NULL;
    }
}

static beamc_error *serve_on(beamc__rpc_channel *channel, session *with)
{
    JOB(ArtifactResponseWrapper) hello = JOBK(ARTIFACT_RESPONSE_WRAPPER__INIT);

    hello.staging_token = (char *)with->options->token;
    beamc__rpc_message *message = beamc__rpc_pack(&hello.base);
    if (message == NULL)
        return beamc_error_nomem();
    beamc_error *error = beamc__mailbox_open(with->mailbox, 0, channel, METHOD, message, false);
    beamc__rpc_message_unref(message);
    return error == NULL ? answer_all(with) : error;
}

static beamc_error *serve(session *with)
{
    const beamc__rpc_channel_options options = { .tls = with->options->tls };
    beamc__rpc_channel *channel;

    with->mailbox = beamc__mailbox_new();
    with->chunk = malloc(CHUNK_SIZE);
    if (with->mailbox == NULL || with->chunk == NULL)
        return beamc_error_nomem();
    BEAMC_TRY(
        beamc__rpc_channel_new(&channel, with->options->queue, with->options->endpoint, &options));
    beamc_error *error = serve_on(channel, with);
    /* Its streams end before the channel. */
    beamc__mailbox_free(with->mailbox);
    with->mailbox = NULL;
    beamc__rpc_channel_free(channel);
    return error;
}

beamc_error *beamc__staging_serve(const beamc__artifacts *artifacts,
                                  const beamc__staging_options *options)
{
    session with = { artifacts, options, NULL, NULL };

    beamc_error *error = serve(&with);
    beamc__mailbox_free(with.mailbox);
    free(with.chunk);
    return beamc_error_wrap(error, "staging files");
}
