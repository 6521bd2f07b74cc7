/* SPDX-License-Identifier: Apache-2.0 */
/* Two streams of the server come into one mailbox.  States decide; messages are logged, but for the
 * last error: if the job fails, that is why, and is what the caller gets.  It may come after the
 * state, so messages are read for a little longer. */
#include "job_follow.h"

#include "runners/portable/cause.h"
#include "runners/portable/mailbox.h"
#include "sdk/rpc/pack.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { STATES, MESSAGES };

enum {
    LOOK_MS = 50,         /* how soon a request to cancel is seen */
    SILENCE_MS = 30000,   /* after which the server is asked whether it is there */
    LAST_WORDS_MS = 2000, /* how long the next message may take to come after the end */
    AGAIN_MS = 500,       /* between two looks at a server that ends streams early */
    TRIES_MAX = 20,       /* to read messages */
    CAUSE_SIZE = 2048
};

typedef struct {
    beamc__job_client *client;
    const beamc__job_follow_options *options;
    beamc__mailbox *mailbox;
    JOB(JobState__Enum) state;
    size_t events;         /* of states that were told */
    size_t events_to_skip; /* of a stream that tells them again */
    int tries;             /* to open messages again */
    char *last_error;      /* text of an error that was not logged yet; owned */
    bool cancel_sent;
    uint64_t heard_at; /* hrtime of the last sign of the server */
} follower;

/* ---- messages -------------------------------------------------------------------------------- */

static void log_text(const follower *in, beamc_log_level level, const char *text)
{
    if (in->options->log != NULL && in->options->on_message == NULL)
        beamc_log_to(in->options->log, level, "%s", text);
}

/* One line at the level of the message; all of it for who wants to see everything. */
static void log_message(const follower *in, beamc_log_level level, const char *text)
{
    char line[CAUSE_SIZE];

    beamc__cause_of(text, line, sizeof(line));
    log_text(in, level, line);
    if (strchr(text, '\n') != NULL)
        log_text(in, BEAMC_LOG_DEBUG, text);
}

beamc_log_level beamc__job_message_level(JOB(JobMessage__MessageImportance) importance)
{
    switch (importance) {
    case JOBK(JOB_MESSAGE__MESSAGE_IMPORTANCE__JOB_MESSAGE_DEBUG):
    case JOBK(JOB_MESSAGE__MESSAGE_IMPORTANCE__JOB_MESSAGE_DETAILED):
        return BEAMC_LOG_DEBUG;
    case JOBK(JOB_MESSAGE__MESSAGE_IMPORTANCE__JOB_MESSAGE_WARNING):
        return BEAMC_LOG_WARN;
    case JOBK(JOB_MESSAGE__MESSAGE_IMPORTANCE__JOB_MESSAGE_ERROR):
        return BEAMC_LOG_ERROR;
    default:
        return BEAMC_LOG_INFO;
    }
}

static beamc_error *on_message(follower *in, const JOB(JobMessage) *message)
{
    beamc_log_level level = beamc__job_message_level(message->importance);

    if (in->options->on_message != NULL)
        in->options->on_message(in->options->ctx, message);
    if (level != BEAMC_LOG_ERROR) {
        log_message(in, level, message->message_text);
        return NULL;
    }
    char *text = strdup(message->message_text);
    if (text == NULL)
        return beamc_error_nomem();
    if (in->last_error != NULL)
        log_message(in, BEAMC_LOG_ERROR, in->last_error);
    free(in->last_error);
    in->last_error = text;
    return NULL;
}

/* ---- states ---------------------------------------------------------------------------------- */

static bool is_over(const follower *in)
{
    return beamc__job_state_is_final(in->state);
}

static void on_state(follower *in, JOB(JobState__Enum) state)
{
    /* Streams repeat themselves, and what comes after the end is no news. */
    if (state == in->state || is_over(in))
        return;
    in->state = state;
    if (in->options->on_state != NULL)
        in->options->on_state(in->options->ctx, state);
}

/* A stream that was opened again tells the job's history again. */
static void on_state_event(follower *in, JOB(JobState__Enum) state)
{
    if (in->events_to_skip > 0 && !beamc__job_state_is_final(state)) {
        in->events_to_skip--;
        return;
    }
    in->events++;
    on_state(in, state);
}

static beamc_error *unpack_and_tell(follower *in, const beamc__mail *mail, beamc_arena *arena)
{
    ProtobufCMessage *message;

    if (mail->stream == STATES) {
        BEAMC_TRY(
            beamc__rpc_unpack(&message, mail->message, &job(job_state_event__descriptor), arena));
        on_state_event(in, ((JOB(JobStateEvent) *)message)->state);
        return NULL;
    }
    BEAMC_TRY(
        beamc__rpc_unpack(&message, mail->message, &job(job_messages_response__descriptor), arena));
    const JOB(JobMessagesResponse) *response = (JOB(JobMessagesResponse) *)message;
    /* States are told here, too, but the other stream has them in order. */
    if (response->response_case == JOBK(JOB_MESSAGES_RESPONSE__RESPONSE_MESSAGE_RESPONSE))
        return on_message(in, response->message_response);
    return NULL;
}

static beamc_error *read_mail(follower *in, const beamc__mail *mail)
{
    beamc_arena *arena = beamc_arena_new();

    if (arena == NULL)
        return beamc_error_nomem();
    beamc_error *error = unpack_and_tell(in, mail, arena);
    beamc_arena_free(arena);
    return error;
}

/* ---- the server ------------------------------------------------------------------------------ */

static beamc_error *open_stream(follower *in, size_t number)
{
    JOB(GetJobStateRequest) state_request = JOBK(GET_JOB_STATE_REQUEST__INIT);
    JOB(JobMessagesRequest) messages_request = JOBK(JOB_MESSAGES_REQUEST__INIT);

    state_request.job_id = messages_request.job_id = (char *)in->options->job_id;
    beamc__rpc_message *request =
        beamc__rpc_pack(number == STATES ? &state_request.base : &messages_request.base);
    if (request == NULL)
        return beamc_error_nomem();
    beamc_error *error =
        beamc__mailbox_open(in->mailbox, number, beamc__job_client_channel(in->client),
                            number == STATES ? BEAMC__JOB_METHOD("GetStateStream")
                                             : BEAMC__JOB_METHOD("GetMessageStream"),
                            request, true);
    beamc__rpc_message_unref(request);
    return error;
}

/* By a call of its own: the error says that the server does not answer. */
static beamc_error *ask_state(follower *in)
{
    JOB(JobState__Enum) state;

    BEAMC_TRY(beamc__job_state(in->client, in->options->job_id, &state));
    in->heard_at = uv_hrtime();
    /* What came before the end is told by the stream. */
    if (beamc__job_state_is_final(state))
        on_state(in, state);
    return NULL;
}

/* States must be known: where their stream was cut, a server that is still there opens it again. */
static beamc_error *on_states_end(follower *in)
{
    BEAMC_TRY(ask_state(in));
    if (is_over(in))
        return NULL;
    in->events_to_skip = in->events;
    uv_sleep(AGAIN_MS);
    return open_stream(in, STATES);
}

/* Messages may be missing. */
static beamc_error *on_messages_end(follower *in, beamc__rpc_code code)
{
    if (code == BEAMC__RPC_OK || code == BEAMC__RPC_UNIMPLEMENTED || in->tries == TRIES_MAX)
        return NULL;
    in->tries++;
    uv_sleep(AGAIN_MS);
    return open_stream(in, MESSAGES);
}

static beamc_error *on_stream_end(follower *in, const beamc__mail *mail)
{
    if (is_over(in))
        return NULL;
    return mail->stream == STATES ? on_states_end(in) : on_messages_end(in, mail->code);
}

static beamc_error *cancel_job(follower *in)
{
    JOB(JobState__Enum) state;
    beamc_error *error = beamc__job_cancel(in->client, in->options->job_id, &state);

    if (error == NULL) {
        on_state(in, state);
        return NULL;
    }
    /* A job that has just ended cannot be cancelled, which is no error. */
    beamc_error *gone = ask_state(in);
    if (gone == NULL && !is_over(in))
        return beamc_error_wrap(error, "cancelling the job");
    beamc_error_free(error); /* the job's end, or the server's, says more */
    return gone;
}

static beamc_error *look_around(follower *in)
{
    const volatile int *cancel = in->options->cancel;

    if (!in->cancel_sent && cancel != NULL && __atomic_load_n(cancel, __ATOMIC_RELAXED) != 0) {
        in->cancel_sent = true;
        BEAMC_TRY(cancel_job(in));
    }
    if ((uv_hrtime() - in->heard_at) / 1000000 >= SILENCE_MS)
        return ask_state(in);
    return NULL;
}

static bool is_left(const follower *in)
{
    return in->options->leave != NULL && __atomic_load_n(in->options->leave, __ATOMIC_RELAXED) != 0;
}

/* Reads what came within @timeout_ms, if anything. */
static beamc_error *read_one(follower *in, int64_t timeout_ms, bool *came)
{
    beamc__mail mail;
    beamc_error *error;

    *came = beamc__mailbox_take(in->mailbox, &mail, timeout_ms);
    if (!*came)
        return NULL;
    in->heard_at = uv_hrtime();
    error = mail.message != NULL ? read_mail(in, &mail) : on_stream_end(in, &mail);
    beamc__mail_dispose(&mail);
    return error;
}

static beamc_error *follow_to_end(follower *in)
{
    bool came;

    in->heard_at = uv_hrtime();
    BEAMC_TRY(open_stream(in, STATES));
    BEAMC_TRY(open_stream(in, MESSAGES));
    while (!is_over(in) && !is_left(in)) {
        BEAMC_TRY(read_one(in, LOOK_MS, &came));
        BEAMC_TRY(look_around(in));
    }
    /* By looks, not by the clock: while this machine stands still nothing can come. */
    for (int quiet_ms = 0; beamc__mailbox_is_open(in->mailbox, MESSAGES) && !is_left(in) &&
                           quiet_ms < LAST_WORDS_MS;
         quiet_ms = came ? 0 : quiet_ms + LOOK_MS)
        BEAMC_TRY(read_one(in, LOOK_MS, &came));
    return NULL;
}

/* ---- the outcome ----------------------------------------------------------------------------- */

static beamc_error *outcome(follower *in)
{
    char cause[CAUSE_SIZE];

    switch (in->state) {
    case JOBK(JOB_STATE__ENUM__DONE):
    case JOBK(JOB_STATE__ENUM__DRAINED):
        return NULL;
    case JOBK(JOB_STATE__ENUM__CANCELLED):
        return beamc_error_new(BEAMC_ECANCELLED, "job %s was cancelled", in->options->job_id);
    case JOBK(JOB_STATE__ENUM__UPDATED):
        return beamc_error_new(BEAMC_ECANCELLED, "job %s was replaced by another",
                               in->options->job_id);
    case JOBK(JOB_STATE__ENUM__FAILED):
        break;
    case JOBK(JOB_STATE__ENUM__UNSPECIFIED):
        return beamc_error_new(BEAMC_ECANCELLED, "job %s was left behind before its state was known",
                               in->options->job_id);
    default:
        return beamc_error_new(BEAMC_ECANCELLED, "job %s was left behind while it is %s",
                               in->options->job_id, beamc__job_state_name(in->state));
    }
    if (in->last_error == NULL)
        return beamc_error_new(BEAMC_EUSER, "job %s failed, and the server does not say why",
                               in->options->job_id);
    beamc__cause_of(in->last_error, cause, sizeof(cause));
    if (strchr(in->last_error, '\n') != NULL)
        log_text(in, BEAMC_LOG_DEBUG, in->last_error);
    return beamc_error_new(BEAMC_EUSER, "job %s failed: %s", in->options->job_id, cause);
}

beamc_error *beamc__job_follow(beamc__job_client *client, const beamc__job_follow_options *options,
                               JOB(JobState__Enum) *state)
{
    follower in = { .client = client, .options = options };

    *state = JOBK(JOB_STATE__ENUM__UNSPECIFIED);
    in.mailbox = beamc__mailbox_new();
    if (in.mailbox == NULL)
        return beamc_error_nomem();
    beamc_error *error = follow_to_end(&in);
    if (error != NULL)
        error = beamc_error_wrap(error, "following job %s, last seen %s", options->job_id,
                                 beamc__job_state_name(in.state));
    else
        error = outcome(&in);
    /* It did not end the job. */
    if (in.last_error != NULL && in.state != JOBK(JOB_STATE__ENUM__FAILED))
        log_message(&in, BEAMC_LOG_ERROR, in.last_error);
    beamc__mailbox_free(in.mailbox);
    free(in.last_error);
    *state = in.state;
    return error;
}
