/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of one request and one response: all of one in one batch, so one event. */
#include "channel.h"

#include "channel_core.h"
#include "explain.h"
#include <grpc/support/alloc.h>
#include <stdlib.h>

/* How long to ask why there is no connection, when the time for having one is already up. */
enum { PROBE_MS = 200 };

enum { REASON_SIZE = 512 };

typedef struct {
    beamc__rpc_link link;
    beamc__rpc_tag tag;
    beamc__rpc_where where;
    beamc__rpc_verdict verdict;
    grpc_call *core;
    beamc__rpc_done *done; /* NULL: this one asks why there is no connection, and .. */
    beamc__rpc_told *told; /* .. tells it */
    void *ctx;
    beamc__rpc_ending ending;
    grpc_metadata_array head;
    grpc_byte_buffer *request;
    grpc_byte_buffer *response;
    char method[];
} call;

static void free_call(call *one)
{
    if (one->core != NULL)
        grpc_call_unref(one->core);
    beamc__rpc_ending_dispose(&one->ending);
    grpc_metadata_array_destroy(&one->head);
    grpc_byte_buffer_destroy(one->request);
    grpc_byte_buffer_destroy(one->response);
    free(one);
}

/* The link is removed before the core's call is gone, so this is always safe. */
static void cancel(beamc__rpc_link *link)
{
    grpc_call_cancel(BEAMC__RPC_CONTAINER(link, call, link)->core, NULL);
}

/* The channel may be gone once the call is not among its calls. */
static void end(call *one)
{
    beamc__rpc_calls_remove(&one->where.channel->calls, &one->link);
    free_call(one);
}

/* Queue thread. */
static void on_verdict(beamc__rpc_verdict *verdict, beamc__rpc_code code, beamc_error *take_error)
{
    call *one = BEAMC__RPC_CONTAINER(verdict, call, verdict);
    beamc__rpc_message *response = NULL;

    if (code == BEAMC__RPC_OK && one->response != NULL) {
        response = beamc__rpc_message_received(one->response);
        one->response = NULL;
        if (response == NULL)
            take_error = beamc_error_nomem();
    } else if (code == BEAMC__RPC_OK) {
        take_error = beamc_error_new(BEAMC_EIO, "endpoint %s: %s: the server sent no response",
                                     one->where.channel->endpoint.url, one->method);
    }
    if (code == BEAMC__RPC_OK && take_error != NULL)
        code = BEAMC__RPC_INTERNAL;
    beamc__rpc_status status = { code, take_error };
    one->done(one->ctx, &status, response);
    beamc_error_free(take_error);
    beamc__rpc_message_unref(response);
    end(one);
}

static void tell_reason(call *one)
{
    char *details = grpc_slice_to_c_string(one->ending.details);
    char text[REASON_SIZE];

    one->told(one->ctx, one->ending.code == GRPC_STATUS_DEADLINE_EXCEEDED
                            ? "no answer to the connection attempt"
                            : beamc__rpc_explain_connect(details, one->where.channel->tls, text,
                                                         sizeof(text)));
    gpr_free(details);
    end(one);
}

/* Queue thread. */
static void on_done(beamc__rpc_tag *tag, bool ok)
{
    call *one = BEAMC__RPC_CONTAINER(tag, call, tag);

    (void)ok;
    if (one->done == NULL)
        tell_reason(one);
    else
        beamc__rpc_verdict_start(&one->verdict);
}

static call *new_call(beamc__rpc_channel *channel, const char *method, int64_t timeout_ms)
{
    size_t size = strlen(method) + 1;
    call *one = calloc(1, sizeof(*one) + size);

    if (one == NULL)
        return NULL;
    memcpy(one->method, method, size);
    one->link.cancel = cancel;
    one->tag.done = on_done;
    one->where = (beamc__rpc_where){ channel, one->method, timeout_ms };
    one->verdict = (beamc__rpc_verdict){ &one->where, &one->ending, on_verdict };
    beamc__rpc_ending_init(&one->ending);
    grpc_metadata_array_init(&one->head);
    return one;
}

/* Takes @take_call.  From here the batch's tag ends the call. */
static beamc_error *start(call *take_call)
{
    call *one = take_call;
    beamc__rpc_channel *channel = one->where.channel;
    grpc_op ops[6];

    memset(ops, 0, sizeof(ops));
    beamc__rpc_op_head(&ops[0], channel);
    if (one->done == NULL)
        ops[0].flags = 0;
    ops[1].op = GRPC_OP_SEND_MESSAGE;
    ops[1].data.send_message.send_message = one->request;
    ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
    ops[3].op = GRPC_OP_RECV_INITIAL_METADATA;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &one->head;
    ops[4].op = GRPC_OP_RECV_MESSAGE;
    ops[4].data.recv_message.recv_message = &one->response;
    beamc__rpc_op_status(&ops[5], &one->ending);

    one->core =
        beamc__rpc_core_call(channel, one->method, beamc__rpc_deadline(one->where.timeout_ms));
    if (!beamc__rpc_calls_add(&channel->calls, &one->link)) {
        free_call(one);
        return beamc_error_new(BEAMC_ECANCELLED, "endpoint %s: the channel is closed",
                               channel->endpoint.url);
    }
    grpc_call *core = one->core;
    void *tag = beamc__rpc_tag_arm(&one->tag);
    grpc_call_error code = grpc_call_start_batch(core, ops, 6, tag, NULL);
    if (code == GRPC_CALL_OK)
        return NULL;
    beamc__rpc_calls_remove(&channel->calls, &one->link);
    free_call(one);
    return beamc_error_new(BEAMC_EINVAL, "endpoint %s: %s", channel->endpoint.url,
                           grpc_call_error_to_string(code));
}

beamc_error *beamc__rpc_call_start(beamc__rpc_channel *channel, const char *method,
                                   beamc__rpc_message *request, int64_t timeout_ms,
                                   beamc__rpc_done *done, void *ctx)
{
    call *one = new_call(channel, method, timeout_ms > 0 ? timeout_ms : channel->timeout_ms);

    if (one == NULL)
        return beamc_error_nomem();
    one->done = done;
    one->ctx = ctx;
    one->request = beamc__rpc_message_to_core(request);
    return start(one);
}

beamc_error *beamc__rpc_probe_start(beamc__rpc_channel *channel, beamc__rpc_told *told, void *ctx)
{
    call *one = new_call(channel, "/", PROBE_MS);

    if (one == NULL)
        return beamc_error_nomem();
    one->told = told;
    one->ctx = ctx;
    one->request = grpc_raw_byte_buffer_create(NULL, 0);
    return start(one);
}

/* ---- waiting for one ---- */

typedef struct {
    uv_mutex_t lock;
    uv_cond_t came;
    bool done;
    beamc__rpc_code code;
    beamc_error *error;
    beamc__rpc_message *response;
} waiter;

/* A copy, cause for cause: the original is the queue thread's. */
static beamc_error *copy_error(const beamc_error *error)
{
    if (error == NULL)
        return NULL;
    beamc_error *cause = copy_error(beamc_error_cause(error));
    if (cause != NULL)
        return beamc_error_wrap(cause, "%s", beamc_error_message(error));
    return beamc_error_new(beamc_error_code(error), "%s", beamc_error_message(error));
}

static void on_answer(void *ctx, const beamc__rpc_status *status, beamc__rpc_message *response)
{
    waiter *wait = ctx;

    uv_mutex_lock(&wait->lock);
    wait->code = status->code;
    wait->error = copy_error(status->error);
    if (response != NULL)
        wait->response = beamc__rpc_message_ref(response);
    wait->done = true;
    uv_cond_signal(&wait->came);
    uv_mutex_unlock(&wait->lock);
}

static beamc_error *call_and_wait(waiter *wait, beamc__rpc_channel *channel, const char *method,
                                  beamc__rpc_message *request, int64_t timeout_ms)
{
    BEAMC_TRY(beamc__rpc_call_start(channel, method, request, timeout_ms, on_answer, wait));
    uv_mutex_lock(&wait->lock);
    while (!wait->done)
        uv_cond_wait(&wait->came, &wait->lock);
    uv_mutex_unlock(&wait->lock);
    return wait->error;
}

beamc_error *beamc__rpc_call(beamc__rpc_message **response, beamc__rpc_code *code,
                             beamc__rpc_channel *channel, const char *method,
                             beamc__rpc_message *request, int64_t timeout_ms)
{
    waiter wait = { .code = BEAMC__RPC_CANCELLED };

    *response = NULL;
    if (code != NULL)
        *code = BEAMC__RPC_UNKNOWN;
    if (beamc__rpc_queue_is_mine(channel->queue))
        return beamc_error_new(BEAMC_EINVAL,
                               "endpoint %s: %s: the queue's own thread must not wait",
                               channel->endpoint.url, method);
    if (uv_mutex_init(&wait.lock) < 0)
        return beamc_error_nomem();
    if (uv_cond_init(&wait.came) < 0) {
        uv_mutex_destroy(&wait.lock);
        return beamc_error_nomem();
    }
    beamc_error *error = call_and_wait(&wait, channel, method, request, timeout_ms);
    uv_cond_destroy(&wait.came);
    uv_mutex_destroy(&wait.lock);
    if (code != NULL)
        *code = wait.code;
    *response = wait.response;
    return error;
}
