/* SPDX-License-Identifier: Apache-2.0 */
#include "endpoint.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PORT_MAX 65535

/* How an address may begin. */
typedef struct {
    const char *prefix;
    enum { HOST, UNIX, ABSTRACT } kind;
    beamc__rpc_security security;
} scheme;

/* Longer prefixes first. */
static const scheme schemes[] = {
    { "unix-abstract:", ABSTRACT, BEAMC__RPC_SECURITY_UNSAID },
    { "unix:", UNIX, BEAMC__RPC_SECURITY_UNSAID },
    { "dns:///", HOST, BEAMC__RPC_SECURITY_UNSAID },
    { "dns:", HOST, BEAMC__RPC_SECURITY_UNSAID },
    { "ipv4:", HOST, BEAMC__RPC_SECURITY_UNSAID },
    { "ipv6:", HOST, BEAMC__RPC_SECURITY_UNSAID },
    { "tcp://", HOST, BEAMC__RPC_SECURITY_UNSAID },
    { "http://", HOST, BEAMC__RPC_SECURITY_PLAIN },
    { "grpc://", HOST, BEAMC__RPC_SECURITY_PLAIN },
    { "https://", HOST, BEAMC__RPC_SECURITY_TLS },
    { "grpcs://", HOST, BEAMC__RPC_SECURITY_TLS },
};

static const scheme *find_scheme(const char *url)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (strncmp(url, schemes[i].prefix, strlen(schemes[i].prefix)) == 0)
            return &schemes[i];
    return NULL;
}

beamc__rpc_security beamc__rpc_endpoint_security(const char *url)
{
    const scheme *found = find_scheme(url);

    return found == NULL ? BEAMC__RPC_SECURITY_UNSAID : found->security;
}

beamc_error *beamc__rpc_endpoint_tls(const beamc__rpc_tls **out,
                                     const beamc__rpc_endpoint *endpoint,
                                     const beamc__rpc_tls *given)
{
    static const beamc__rpc_tls empty;

    *out = given != NULL || endpoint->security != BEAMC__RPC_SECURITY_TLS ? given : &empty;
    if (given == NULL || endpoint->security != BEAMC__RPC_SECURITY_PLAIN)
        return NULL;
    return beamc_error_new(BEAMC_EINVAL, "endpoint %s: it is one without TLS, and TLS is wanted",
                           endpoint->url);
}

static beamc_error *parse_port(unsigned *out, const char *url, const char *digits, bool listen)
{
    unsigned long port = 0;
    size_t length = strspn(digits, "0123456789");

    if (length == 0 || length > 5 || digits[length] != '\0')
        return beamc_error_new(BEAMC_EINVAL, "endpoint %s: \"%s\" is no port", url, digits);
    port = strtoul(digits, NULL, 10);
    if (port > PORT_MAX || (port == 0 && !listen))
        return beamc_error_new(BEAMC_EINVAL, "endpoint %s: port %lu is not in 1 to %d", url, port,
                               PORT_MAX);
    *out = (unsigned)port;
    return NULL;
}

/* "host:port" or "[address]:port" in @rest. */
static beamc_error *parse_host(beamc__rpc_endpoint *endpoint, const char *rest, bool listen)
{
    const char *url = endpoint->url;
    const char *colon = strrchr(rest, ':');
    const char *host = rest;
    size_t size = colon == NULL ? strlen(rest) : (size_t)(colon - rest);

    if (strchr(rest, '/') != NULL)
        return beamc_error_new(BEAMC_EINVAL, "endpoint %s: a path makes no sense here", url);
    if (rest[0] == '[') {
        const char *end = strchr(rest, ']');
        if (end == NULL || (end[1] != ':' && end[1] != '\0'))
            return beamc_error_new(BEAMC_EINVAL, "endpoint %s: no \"]:port\" after the address",
                                   url);
        colon = end[1] == ':' ? end + 1 : NULL;
        host = rest + 1;
        size = (size_t)(end - host);
    } else if (memchr(rest, ':', size) != NULL) {
        return beamc_error_new(
            BEAMC_EINVAL, "endpoint %s: write an IPv6 address in brackets, as [::1]:8099", url);
    }
    if (colon == NULL)
        return beamc_error_new(BEAMC_EINVAL, "endpoint %s: the port is missing", url);
    if (size == 0)
        return beamc_error_new(BEAMC_EINVAL, "endpoint %s: the host is missing", url);
    BEAMC_TRY(parse_port(&endpoint->port, url, colon + 1, listen));
    endpoint->host = strndup(host, size);
    if (endpoint->host == NULL)
        return beamc_error_nomem();
    /* A bare target: the library's resolver takes names and both kinds of addresses. */
    const char *format = strchr(endpoint->host, ':') != NULL ? "[%s]:%u" : "%s:%u";
    int length = snprintf(NULL, 0, format, endpoint->host, endpoint->port);
    endpoint->target = malloc((size_t)length + 1);
    if (endpoint->target == NULL)
        return beamc_error_nomem();
    snprintf(endpoint->target, (size_t)length + 1, format, endpoint->host, endpoint->port);
    return NULL;
}

static beamc_error *parse_unix(beamc__rpc_endpoint *endpoint, const char *path)
{
    const struct sockaddr_un *address = NULL;
    bool is_abstract = strncmp(endpoint->url, "unix-", 5) == 0;

    /* unix:///path is unix:/path. */
    if (!is_abstract && strncmp(path, "//", 2) == 0)
        path += 2;
    if (path[0] == '\0')
        return beamc_error_new(BEAMC_EINVAL, "endpoint %s: the path is missing", endpoint->url);
    if (strlen(path) >= sizeof(address->sun_path))
        return beamc_error_new(BEAMC_EINVAL,
                               "endpoint %s: the path of a socket has at most %zu bytes",
                               endpoint->url, sizeof(address->sun_path) - 1);
    const char *prefix = is_abstract ? "unix-abstract:" : "unix:";
    endpoint->target = malloc(strlen(prefix) + strlen(path) + 1);
    if (endpoint->target == NULL)
        return beamc_error_nomem();
    strcpy(endpoint->target, prefix);
    strcat(endpoint->target, path);
    endpoint->path = endpoint->target + strlen(prefix);
    return NULL;
}

static beamc_error *parse(beamc__rpc_endpoint *endpoint, bool listen)
{
    const char *url = endpoint->url;
    const scheme *found = find_scheme(url);
    const char *rest = found == NULL ? url : url + strlen(found->prefix);

    endpoint->security = beamc__rpc_endpoint_security(url);
    if (url[0] == '\0')
        return beamc_error_new(BEAMC_EINVAL, "endpoint: the address is empty");
    if (url[strcspn(url, " \t\r\n")] != '\0')
        return beamc_error_new(BEAMC_EINVAL, "endpoint \"%s\": blanks make no sense here", url);
    if (found != NULL && found->kind != HOST)
        return parse_unix(endpoint, rest);
    return parse_host(endpoint, rest, listen);
}

beamc_error *beamc__rpc_endpoint_parse(beamc__rpc_endpoint *out, const char *url, bool listen)
{
    memset(out, 0, sizeof(*out));
    out->url = strdup(url);
    beamc_error *error = out->url == NULL ? beamc_error_nomem() : parse(out, listen);
    if (error != NULL)
        beamc__rpc_endpoint_dispose(out);
    return error;
}

void beamc__rpc_endpoint_dispose(beamc__rpc_endpoint *endpoint)
{
    free(endpoint->url);
    free(endpoint->target);
    free(endpoint->host);
    memset(endpoint, 0, sizeof(*endpoint));
}

static int try_bind(int family, const void *address, socklen_t size)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0)
        return errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    int errnum = bind(fd, address, size) < 0 || listen(fd, 1) < 0 ? errno : 0;
    close(fd);
    return errnum;
}

static beamc_error *try_bind_unix(const beamc__rpc_endpoint *endpoint)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    if (strncmp(endpoint->target, "unix-", 5) == 0)
        return NULL;
    if (access(endpoint->path, F_OK) == 0)
        return beamc_error_system(EADDRINUSE, "endpoint %s", endpoint->url);
    strcpy(address.sun_path, endpoint->path);
    int errnum = try_bind(AF_UNIX, &address, sizeof(address));
    if (errnum == 0) {
        unlink(endpoint->path);
        return NULL;
    }
    return beamc_error_system(errnum, "endpoint %s", endpoint->url);
}

beamc_error *beamc__rpc_endpoint_try_bind(const beamc__rpc_endpoint *endpoint)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
    struct addrinfo *found = NULL;
    char port[8];
    int errnum = 0;

    if (endpoint->path != NULL)
        return try_bind_unix(endpoint);
    snprintf(port, sizeof(port), "%u", endpoint->port);
    int code = getaddrinfo(endpoint->host, port, &hints, &found);
    if (code != 0)
        return beamc_error_new(BEAMC_ENOENT, "endpoint %s: %s", endpoint->url, gai_strerror(code));
    for (const struct addrinfo *at = found; at != NULL && errnum == 0; at = at->ai_next)
        errnum = try_bind(at->ai_family, at->ai_addr, at->ai_addrlen);
    freeaddrinfo(found);
    return errnum == 0 ? NULL : beamc_error_system(errnum, "endpoint %s", endpoint->url);
}
