/* SPDX-License-Identifier: Apache-2.0 */
/* A stream tells the history, and then goes on with what happens.  Where the history ends is known
 * by asking for the state first: it is its last one. */
#include "job_history.h"

#include "runners/portable/mailbox.h"
#include "sdk/rpc/pack.h"
#include <string.h>
#include <uv.h>

/* A server whose stream does not get to the state that it told is not waited for longer. */
enum { QUIET_MS = 2000, EVENTS_MAX = 1000 };

static beamc_error *append(beamc__job_history *out, JOB(JobStateEvent) *event, beamc_arena *arena)
{
    if (out->count > 0 && out->events[out->count - 1]->state == event->state)
        return NULL;
    if ((out->count & (out->count - 1)) == 0) { /* room for a power of two */
        JOB(JobStateEvent) **more =
            beamc_arena_calloc(arena, out->count == 0 ? 1 : 2 * out->count, sizeof(*more));
        if (more == NULL)
            return beamc_error_nomem();
        if (out->count > 0)
            memcpy(more, out->events, out->count * sizeof(*more));
        out->events = more;
    }
    out->events[out->count++] = event;
    return NULL;
}

/* Whether @event is the one that the server told as the job's state, or a later one: some servers
 * tell the time of asking. */
static bool is_now(const JOB(JobStateEvent) *event, const JOB(JobStateEvent) *now)
{
    const Google__Protobuf__Timestamp *a = event->timestamp, *b = now->timestamp;

    return event->state == now->state && (a == NULL || b == NULL || a->seconds > b->seconds ||
                                          (a->seconds == b->seconds && a->nanos >= b->nanos));
}

/* *@more: another event may follow. */
static beamc_error *read_mail(beamc__job_history *out, const beamc__mail *mail,
                              const JOB(JobStateEvent) *now, beamc_arena *arena, bool *more)
{
    ProtobufCMessage *message;

    *more = false;
    if (mail->message == NULL)
        return NULL; /* the end, however it came: what was told before is true */
    BEAMC_TRY(beamc__rpc_unpack(&message, mail->message, &job(job_state_event__descriptor), arena));
    JOB(JobStateEvent) *event = (JOB(JobStateEvent) *)message;
    *more = !beamc__job_state_is_final(event->state) && !is_now(event, now);
    return append(out, event, arena);
}

static beamc_error *read_events(beamc__job_history *out, beamc__mailbox *mailbox,
                                const JOB(JobStateEvent) *now, beamc_arena *arena)
{
    beamc_error *error = NULL;
    bool more = true;
    beamc__mail mail;

    while (error == NULL && more && out->count < EVENTS_MAX &&
           beamc__mailbox_take(mailbox, &mail, QUIET_MS)) {
        error = read_mail(out, &mail, now, arena, &more);
        beamc__mail_dispose(&mail);
    }
    return error;
}

static beamc_error *read_stream(beamc__job_history *out, beamc__job_client *client,
                                const char *job_id, JOB(JobStateEvent) *now, beamc_arena *arena)
{
    JOB(GetJobStateRequest) request = JOBK(GET_JOB_STATE_REQUEST__INIT);
    beamc__mailbox *mailbox = beamc__mailbox_new();
    beamc__rpc_message *message = NULL;
    beamc_error *error = NULL;

    request.job_id = (char *)job_id;
    if (mailbox == NULL || (message = beamc__rpc_pack(&request.base)) == NULL)
        error = beamc_error_nomem();
    if (error == NULL)
        error = beamc__mailbox_open(mailbox, 0, beamc__job_client_channel(client),
                                    BEAMC__JOB_METHOD("GetStateStream"), message, true);
    if (error == NULL)
        error = read_events(out, mailbox, now, arena);
    beamc__rpc_message_unref(message);
    beamc__mailbox_free(mailbox);
    return error;
}

beamc_error *beamc__job_history_read(beamc__job_history *out, beamc__job_client *client,
                                     const char *job_id, beamc_arena *arena)
{
    JOB(JobStateEvent) *now;

    memset(out, 0, sizeof(*out));
    BEAMC_TRY(beamc__job_state_event(client, job_id, &now, arena));
    beamc_error *error = read_stream(out, client, job_id, now, arena);
    if (beamc_error_code(error) == BEAMC_ENOMEM)
        return error;
    beamc_error_free(error); /* a server without that stream has at least the state it is in */
    return append(out, now, arena);
}
