/* SPDX-License-Identifier: Apache-2.0 */
#include "channel.h"

#include "channel_core.h"
#include "explain.h"
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A worker may be up before its runner's servers: try again soon, and keep trying. */
enum { RECONNECT_FIRST_MS = 100, RECONNECT_MOST_MS = 1000 };

/* How long an attempt to connect may still take when the channel is freed. */
enum { SETTLE_MS = 200 };

/* Status texts travel as metadata; the default of 8 KB turns a long one into another error. */
enum { METADATA_MAX = 1 << 20 };

enum { REASON_SIZE = 512, ARGS_MAX = 16 };

/* ---- making one ---- */

static beamc_error *check_metadata(const beamc__rpc_metadata *metadata)
{
    if (!grpc_header_key_is_legal(beamc__rpc_static_slice(metadata->key)))
        return beamc_error_new(
            BEAMC_EINVAL, "metadata key \"%s\": only a-z, 0-9, _ - . may be in it", metadata->key);
    if (!grpc_header_nonbin_value_is_legal(beamc__rpc_static_slice(metadata->value)))
        return beamc_error_new(BEAMC_EINVAL, "metadata %s: \"%s\" is not printable ASCII",
                               metadata->key, metadata->value);
    return NULL;
}

/* Calls point into the copy, which lives as long as the channel. */
static beamc_error *copy_metadata(beamc__rpc_channel *channel,
                                  const beamc__rpc_channel_options *options)
{
    size_t size = 0;

    if (options->metadata_count == 0)
        return NULL;
    for (size_t i = 0; i < options->metadata_count; i++) {
        BEAMC_TRY(check_metadata(&options->metadata[i]));
        size += strlen(options->metadata[i].key) + strlen(options->metadata[i].value) + 2;
    }
    channel->metadata = calloc(options->metadata_count, sizeof(*channel->metadata));
    channel->texts = malloc(size);
    if (channel->metadata == NULL || channel->texts == NULL)
        return beamc_error_nomem();
    char *at = channel->texts;
    for (size_t i = 0; i < options->metadata_count; i++) {
        channel->metadata[i].key = beamc__rpc_static_slice(strcpy(at, options->metadata[i].key));
        at += strlen(at) + 1;
        channel->metadata[i].value =
            beamc__rpc_static_slice(strcpy(at, options->metadata[i].value));
        at += strlen(at) + 1;
    }
    channel->metadata_count = options->metadata_count;
    return NULL;
}

static grpc_arg int_arg(const char *key, int value)
{
    grpc_arg arg = { .type = GRPC_ARG_INTEGER, .key = (char *)key };

    arg.value.integer = value;
    return arg;
}

static grpc_arg string_arg(const char *key, const char *value)
{
    grpc_arg arg = { .type = GRPC_ARG_STRING, .key = (char *)key };

    arg.value.string = (char *)value;
    return arg;
}

static grpc_channel_credentials *make_credentials(const beamc__rpc_tls *tls)
{
    if (tls == NULL)
        return grpc_insecure_credentials_create();
    grpc_ssl_pem_key_cert_pair pair = { tls->private_key, tls->certificate };
    return grpc_ssl_credentials_create(tls->roots, tls->certificate == NULL ? NULL : &pair, NULL,
                                       NULL);
}

static beamc_error *open_core(beamc__rpc_channel *channel,
                              const beamc__rpc_channel_options *options, const beamc__rpc_tls *tls)
{
    grpc_arg list[ARGS_MAX];
    size_t count = 0;

    list[count++] = int_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, -1);
    list[count++] = int_arg(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, -1);
    list[count++] = int_arg(GRPC_ARG_MAX_METADATA_SIZE, METADATA_MAX);
    list[count++] = int_arg(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    list[count++] = int_arg(GRPC_ARG_ENABLE_HTTP_PROXY, options->use_proxy);
    list[count++] = int_arg(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
    list[count++] = int_arg(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, RECONNECT_FIRST_MS);
    list[count++] = int_arg(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, RECONNECT_MOST_MS);
    list[count++] = int_arg(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, RECONNECT_MOST_MS);
    if (options->window > 0) {
        list[count++] = int_arg(GRPC_ARG_HTTP2_BDP_PROBE, 0);
        list[count++] = int_arg(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, (int)options->window);
    }
    if (options->keepalive_ms > 0)
        list[count++] = int_arg(GRPC_ARG_KEEPALIVE_TIME_MS, (int)options->keepalive_ms);
    if (tls != NULL && tls->server_name != NULL)
        list[count++] = string_arg(GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, tls->server_name);
    else if (channel->endpoint.path != NULL)
        list[count++] = string_arg(GRPC_ARG_DEFAULT_AUTHORITY, "localhost");

    grpc_channel_args args = { count, list };
    grpc_channel_credentials *credentials = make_credentials(tls);
    if (credentials == NULL)
        return beamc_error_new(BEAMC_EINVAL, "TLS: the roots or the certificate cannot be used");
    channel->core = grpc_channel_create(channel->endpoint.target, credentials, &args);
    grpc_channel_credentials_release(credentials);
    return NULL;
}

static void free_channel(beamc__rpc_channel *channel)
{
    if (channel->core != NULL)
        grpc_channel_destroy(channel->core);
    beamc__rpc_endpoint_dispose(&channel->endpoint);
    free(channel->metadata);
    free(channel->texts);
    free(channel);
}

static beamc_error *open_channel(beamc__rpc_channel *channel, const char *url,
                                 const beamc__rpc_channel_options *options)
{
    const beamc__rpc_tls *tls;

    BEAMC_TRY(beamc__rpc_endpoint_parse(&channel->endpoint, url, false));
    BEAMC_TRY(beamc__rpc_endpoint_tls(&tls, &channel->endpoint, options->tls));
    channel->tls = tls != NULL;
    if (tls != NULL)
        BEAMC_TRY(beamc_error_wrap(beamc__rpc_tls_check(tls, false), "endpoint %s", url));
    BEAMC_TRY(beamc_error_wrap(copy_metadata(channel, options), "endpoint %s", url));
    return beamc_error_wrap(open_core(channel, options, tls), "endpoint %s", url);
}

beamc_error *beamc__rpc_channel_new(beamc__rpc_channel **out, beamc__rpc_queue *queue,
                                    const char *url, const beamc__rpc_channel_options *options)
{
    static const beamc__rpc_channel_options none = { 0 };
    beamc__rpc_channel *channel = calloc(1, sizeof(*channel));

    *out = NULL;
    if (channel == NULL)
        return beamc_error_nomem();
    if (options == NULL)
        options = &none;
    channel->queue = queue;
    channel->wait_for_ready = options->wait_for_ready;
    channel->timeout_ms = options->timeout_ms;
    beamc_error *error = open_channel(channel, url, options);
    if (error == NULL && beamc__rpc_calls_init(&channel->calls) < 0)
        error = beamc_error_nomem();
    if (error != NULL) {
        free_channel(channel);
        return error;
    }
    *out = channel;
    return NULL;
}

void beamc__rpc_channel_close(beamc__rpc_channel *channel)
{
    beamc__rpc_calls_close(&channel->calls);
}

const char *beamc__rpc_channel_url(const beamc__rpc_channel *channel)
{
    return channel->endpoint.url;
}

/* ---- calls, ops and endings ---- */

grpc_call *beamc__rpc_core_call(beamc__rpc_channel *channel, const char *method,
                                gpr_timespec deadline)
{
    grpc_slice path = grpc_slice_from_copied_string(method);
    grpc_call *call =
        grpc_channel_create_call(channel->core, NULL, GRPC_PROPAGATE_DEFAULTS,
                                 beamc__rpc_queue_core(channel->queue), path, NULL, deadline, NULL);

    grpc_slice_unref(path); /* the core has a reference of its own */
    return call;
}

void beamc__rpc_ending_init(beamc__rpc_ending *ending)
{
    ending->code = GRPC_STATUS_UNKNOWN;
    ending->details = grpc_empty_slice();
    ending->error_string = NULL;
    grpc_metadata_array_init(&ending->metadata);
}

void beamc__rpc_ending_dispose(beamc__rpc_ending *ending)
{
    grpc_slice_unref(ending->details);
    gpr_free((void *)ending->error_string);
    grpc_metadata_array_destroy(&ending->metadata);
    beamc__rpc_ending_init(ending);
}

void beamc__rpc_op_head(grpc_op *op, beamc__rpc_channel *channel)
{
    op->op = GRPC_OP_SEND_INITIAL_METADATA;
    op->data.send_initial_metadata.count = channel->metadata_count;
    op->data.send_initial_metadata.metadata = channel->metadata;
    if (channel->wait_for_ready)
        op->flags = GRPC_INITIAL_METADATA_WAIT_FOR_READY |
                    GRPC_INITIAL_METADATA_WAIT_FOR_READY_EXPLICITLY_SET;
}

void beamc__rpc_op_status(grpc_op *op, beamc__rpc_ending *ending)
{
    op->op = GRPC_OP_RECV_STATUS_ON_CLIENT;
    op->data.recv_status_on_client.trailing_metadata = &ending->metadata;
    op->data.recv_status_on_client.status = &ending->code;
    op->data.recv_status_on_client.status_details = &ending->details;
    op->data.recv_status_on_client.error_string = &ending->error_string;
}

/* The error of an ending; @reason as in beamc__rpc_failure. */
static beamc_error *explain(const beamc__rpc_where *where, const beamc__rpc_ending *ending,
                            const char *reason)
{
    if (ending->code == GRPC_STATUS_OK)
        return NULL;
    char *details = grpc_slice_to_c_string(ending->details);
    beamc__rpc_failure failure = {
        .url = where->channel->endpoint.url,
        .method = where->method,
        .tls = where->channel->tls,
        .timeout_ms = where->timeout_ms,
        .code = (beamc__rpc_code)ending->code,
        .details = details,
        .from_peer = ending->error_string != NULL &&
                     strstr(ending->error_string, "Error received from peer") != NULL,
        .reason = reason,
    };
    beamc_error *error = beamc__rpc_explain(&failure);
    gpr_free(details);
    return error;
}

static void on_probed(void *ctx, const char *reason)
{
    beamc__rpc_verdict *verdict = ctx;

    verdict->told(verdict, (beamc__rpc_code)verdict->ending->code,
                  explain(verdict->where, verdict->ending, reason));
}

static bool is_unconnected(beamc__rpc_channel *channel)
{
    grpc_connectivity_state state = grpc_channel_check_connectivity_state(channel->core, 0);

    return state == GRPC_CHANNEL_TRANSIENT_FAILURE || state == GRPC_CHANNEL_CONNECTING;
}

void beamc__rpc_verdict_start(beamc__rpc_verdict *verdict)
{
    const beamc__rpc_ending *ending = verdict->ending;

    if (ending->code == GRPC_STATUS_DEADLINE_EXCEEDED && is_unconnected(verdict->where->channel)) {
        beamc_error *error = beamc__rpc_probe_start(verdict->where->channel, on_probed, verdict);
        if (error == NULL)
            return;
        /* The channel is being closed: the deadline alone is told. */
        beamc_error_free(error);
    }
    verdict->told(verdict, (beamc__rpc_code)ending->code, explain(verdict->where, ending, NULL));
}

/* ---- connecting ---- */

typedef struct {
    beamc__rpc_tag tag;
    uv_mutex_t lock;
    uv_cond_t came;
    bool done;
    bool ok;
    char reason[REASON_SIZE];
} waiter;

static int waiter_init(waiter *wait)
{
    memset(wait, 0, sizeof(*wait));
    if (uv_mutex_init(&wait->lock) < 0)
        return BEAMC_ENOMEM;
    if (uv_cond_init(&wait->came) < 0) {
        uv_mutex_destroy(&wait->lock);
        return BEAMC_ENOMEM;
    }
    return BEAMC_OK;
}

static void waiter_dispose(waiter *wait)
{
    uv_cond_destroy(&wait->came);
    uv_mutex_destroy(&wait->lock);
}

static bool waiter_wait(waiter *wait)
{
    uv_mutex_lock(&wait->lock);
    while (!wait->done)
        uv_cond_wait(&wait->came, &wait->lock);
    wait->done = false;
    bool ok = wait->ok;
    uv_mutex_unlock(&wait->lock);
    return ok;
}

static void on_state(beamc__rpc_tag *tag, bool ok)
{
    waiter *wait = BEAMC__RPC_CONTAINER(tag, waiter, tag);

    uv_mutex_lock(&wait->lock);
    wait->done = true;
    wait->ok = ok;
    uv_cond_signal(&wait->came);
    uv_mutex_unlock(&wait->lock);
}

static void on_connect_probed(void *ctx, const char *reason)
{
    waiter *wait = ctx;

    if (reason != NULL)
        snprintf(wait->reason, sizeof(wait->reason), "%s", reason);
    on_state(&wait->tag, true);
}

static beamc_error *explain_unconnected(beamc__rpc_channel *channel, waiter *wait,
                                        int64_t timeout_ms)
{
    BEAMC_TRY(beamc__rpc_probe_start(channel, on_connect_probed, wait));
    waiter_wait(wait);
    return beamc_error_new(BEAMC_ETIMEOUT, "endpoint %s: not reached within %" PRId64 " ms%s%s",
                           channel->endpoint.url, timeout_ms, wait->reason[0] == '\0' ? "" : ": ",
                           wait->reason);
}

beamc_error *beamc__rpc_channel_connect(beamc__rpc_channel *channel, int64_t timeout_ms)
{
    gpr_timespec deadline = beamc__rpc_deadline(timeout_ms);
    beamc_error *error = NULL;
    waiter wait;

    if (beamc__rpc_queue_is_mine(channel->queue))
        return beamc_error_new(BEAMC_EINVAL, "endpoint %s: its own thread must not wait for it",
                               channel->endpoint.url);
    if (waiter_init(&wait) < 0)
        return beamc_error_nomem();
    wait.tag.done = on_state;
    for (;;) {
        grpc_connectivity_state state = grpc_channel_check_connectivity_state(channel->core, 1);
        if (state == GRPC_CHANNEL_READY)
            break;
        grpc_channel_watch_connectivity_state(channel->core, state, deadline,
                                              beamc__rpc_queue_core(channel->queue),
                                              beamc__rpc_tag_arm(&wait.tag));
        if (!waiter_wait(&wait)) {
            error = explain_unconnected(channel, &wait, timeout_ms);
            break;
        }
    }
    waiter_dispose(&wait);
    return error;
}

/* ---- the end ---- */

/* A core of 1.51 loses a connection for good, socket and all, that comes about after its channel
 * was destroyed (grpc pull request 32071 mends it).  So an attempt under way gets a moment to end.
 */
static void settle(beamc__rpc_channel *channel)
{
    gpr_timespec deadline = beamc__rpc_deadline(SETTLE_MS);
    waiter wait;

    if (grpc_channel_check_connectivity_state(channel->core, 0) != GRPC_CHANNEL_CONNECTING ||
        waiter_init(&wait) < 0)
        return;
    wait.tag.done = on_state;
    grpc_channel_watch_connectivity_state(channel->core, GRPC_CHANNEL_CONNECTING, deadline,
                                          beamc__rpc_queue_core(channel->queue),
                                          beamc__rpc_tag_arm(&wait.tag));
    waiter_wait(&wait);
    waiter_dispose(&wait);
}

void beamc__rpc_channel_free(beamc__rpc_channel *channel)
{
    if (channel == NULL)
        return;
    beamc__rpc_calls_close(&channel->calls);
    beamc__rpc_calls_wait(&channel->calls);
    beamc__rpc_calls_dispose(&channel->calls);
    settle(channel);
    free_channel(channel);
}
