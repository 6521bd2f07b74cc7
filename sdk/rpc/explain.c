/* SPDX-License-Identifier: Apache-2.0 */
/* The core's texts differ between releases; what is not recognised is passed on as it is. */
#include "explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { REASON_SIZE = 512 };

/* A piece of the core's text, and what it means to a person. */
typedef struct {
    const char *found;
    const char *plain; /* over a plain connection; NULL: as tls */
    const char *tls;
} meaning;

#define MAYBE_TLS                                                                                  \
    "the server closes the connection at once: it may want TLS (https://), or speak something "    \
    "else than gRPC"

static const meaning connect_meanings[] = {
    { "Connection refused", NULL, "connection refused" },
    { "No route to host", NULL, "no route to host" },
    { "Network is unreachable", NULL, "network is unreachable" },
    { "Connection timed out", NULL, "no answer to the connection attempt" },
    { "connect() timed out", NULL, "no answer to the connection attempt" },
    { "FD shutdown", NULL, "no answer to the connection attempt" },
    { "Permission denied", NULL, "permission denied" },
    { "No such file or directory", NULL, "no such socket file" },
    { "Trying to connect an http1.x server", NULL, "the server speaks HTTP/1, not gRPC" },
    { "Failed parsing HTTP/2", NULL, "the server does not speak HTTP/2, so not gRPC" },
    { "certificate verify failed", NULL,
      "TLS handshake failed: the server's certificate is not signed by a known root, or out of "
      "date" },
    { "Hostname Verification Check failed", NULL,
      "TLS handshake failed: the server's certificate is for another name" },
    { "is not in peer certificate", NULL,
      "TLS handshake failed: the server's certificate is for another name" },
    { "Peer name ", NULL, "TLS handshake failed: the server's certificate is for another name" },
    { "wrong version number", NULL, "TLS handshake failed: the server does not speak TLS" },
    { "packet length too long", NULL, "TLS handshake failed: the server does not speak TLS" },
    { "missing selected ALPN", NULL,
      "TLS handshake failed: the server offers no HTTP/2, so not gRPC" },
    { "certificate required", NULL,
      "TLS handshake failed: the server wants a certificate of the client" },
    { "Domain name not found", NULL, "no such host" },
    { "Name or service not known", NULL, "no such host" },
    { "DNS server returned answer with no data", NULL, "no such host" },
    { "DNS resolution failed", NULL, "the host's name cannot be resolved" },
    { "Socket closed", MAYBE_TLS,
      "TLS handshake failed: the server closes the connection; it may speak no TLS, or want a "
      "certificate of the client" },
    { "Connection reset by peer", MAYBE_TLS,
      "TLS handshake failed: the server closes the connection; it may speak no TLS, or want a "
      "certificate of the client" },
    { "Handshake read failed", MAYBE_TLS,
      "TLS handshake failed: the server closes the connection; it may speak no TLS, or want a "
      "certificate of the client" },
};

static const char *find_meaning(const char *details, bool tls)
{
    for (size_t i = 0; i < sizeof(connect_meanings) / sizeof(connect_meanings[0]); i++) {
        const meaning *at = &connect_meanings[i];
        if (strstr(details, at->found) != NULL)
            return tls || at->plain == NULL ? at->tls : at->plain;
    }
    return NULL;
}

const char *beamc__rpc_explain_connect(const char *details, bool tls, char *out, size_t size)
{
    const char *last = strstr(details, "last error: ");

    if (last == NULL && strstr(details, "failed to connect to all addresses") == NULL &&
        strstr(details, "DNS resolution failed") == NULL)
        return NULL;
    const char *meant = find_meaning(details, tls);
    if (meant != NULL)
        snprintf(out, size, "%s", meant);
    else
        snprintf(out, size, "%s%s",
                 strstr(details, "andshake") != NULL ? "TLS handshake failed: " : "",
                 last == NULL ? details : last + strlen("last error: "));
    return out;
}

/* A connection that was there and is no more. */
static bool is_lost(const beamc__rpc_failure *failure)
{
    static const char *const texts[] = { "Socket closed", "Connection reset by peer",
                                         "Broken pipe",   "Transport closed",
                                         "GOAWAY",        "keepalive watchdog timeout" };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (failure->code == BEAMC__RPC_UNAVAILABLE &&
            strcasestr(failure->details, texts[i]) != NULL)
            return true;
    return false;
}

/* The other side's core says the same, and may be the first to. */
static bool is_time_up(const beamc__rpc_failure *failure)
{
    return failure->code == BEAMC__RPC_DEADLINE_EXCEEDED && failure->timeout_ms > 0 &&
           (!failure->from_peer || strcasecmp(failure->details, "Deadline Exceeded") == 0);
}

static beamc_error *explain_ours(const beamc__rpc_failure *failure)
{
    beamc_code code = beamc__rpc_error_code(failure->code);
    const char *name = beamc__rpc_code_name(failure->code);
    char text[REASON_SIZE];

    if (failure->reason != NULL && failure->timeout_ms > 0)
        return beamc_error_new(code, "endpoint %s: not reached within %" PRId64 " ms: %s (%s)",
                               failure->url, failure->timeout_ms, failure->reason, name);
    if (is_time_up(failure))
        return beamc_error_new(code, "endpoint %s: %s: no answer within %" PRId64 " ms (%s)",
                               failure->url, failure->method, failure->timeout_ms, name);
    if (beamc__rpc_explain_connect(failure->details, failure->tls, text, sizeof(text)) != NULL)
        return beamc_error_new(code, "endpoint %s: %s (%s)", failure->url, text, name);
    if (is_lost(failure))
        return beamc_error_new(code, "endpoint %s: %s: the connection was lost: %s (%s)",
                               failure->url, failure->method, failure->details, name);
    if (failure->code == BEAMC__RPC_CANCELLED)
        return beamc_error_new(code, "endpoint %s: %s: cancelled (%s)", failure->url,
                               failure->method, name);
    return beamc_error_new(code, "endpoint %s: %s: %s (%s)", failure->url, failure->method,
                           failure->details, name);
}

beamc_error *beamc__rpc_explain(const beamc__rpc_failure *failure)
{
    static const char http_status[] = "Received http2 header with status: ";
    const char *details = failure->details;

    if (failure->code == BEAMC__RPC_OK)
        return NULL;
    /* The core claims that a lost connection came from the peer. */
    if (!failure->from_peer || is_time_up(failure) || is_lost(failure))
        return explain_ours(failure);
    if (strncmp(details, http_status, strlen(http_status)) == 0)
        return beamc_error_new(
            beamc__rpc_error_code(failure->code),
            "endpoint %s: %s: the server speaks HTTP/2, but not gRPC: it answered "
            "HTTP status %s (%s)",
            failure->url, failure->method, details + strlen(http_status),
            beamc__rpc_code_name(failure->code));
    return beamc_error_new(beamc__rpc_error_code(failure->code), "endpoint %s: %s: %s%s%s",
                           failure->url, failure->method, beamc__rpc_code_name(failure->code),
                           details[0] == '\0' ? "" : ": ", details);
}
