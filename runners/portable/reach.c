/* SPDX-License-Identifier: Apache-2.0 */
#include "reach.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HOST_SIZE = 256 };

/* 0, or the errno that says why not. */
static int try_address(const struct addrinfo *to, int timeout_ms)
{
    int socket_fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int problem = 0;
    socklen_t size = sizeof(problem);

    if (socket_fd < 0)
        return errno;
    if (connect(socket_fd, to->ai_addr, to->ai_addrlen) < 0)
        problem = errno;
    if (problem == EINPROGRESS) {
        struct pollfd writable = { socket_fd, POLLOUT, 0 };
        if (poll(&writable, 1, timeout_ms) != 1)
            problem = ETIMEDOUT;
        else if (getsockopt(socket_fd, SOL_SOCKET, SO_ERROR, &problem, &size) < 0)
            problem = errno;
    }
    close(socket_fd);
    return problem;
}

beamc_error *beamc__reach(const char *host, unsigned port, int timeout_ms)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found;
    char text[16];
    int problem = EADDRNOTAVAIL;

    snprintf(text, sizeof(text), "%u", port);
    int code = getaddrinfo(host, text, &hints, &found);
    if (code != 0)
        return beamc_error_new(BEAMC_ENOENT, "%s: %s", host, gai_strerror(code));
    for (const struct addrinfo *at = found; at != NULL && problem != 0; at = at->ai_next)
        problem = try_address(at, timeout_ms);
    freeaddrinfo(found);
    return problem == 0 ? NULL : beamc_error_system(problem, "%s:%u", host, port);
}

beamc_error *beamc__reach_cluster(const char *master, unsigned standard_port, int timeout_ms)
{
    const char *scheme = strstr(master, "://");
    char host[HOST_SIZE];
    char *end;

    if (scheme != NULL && strncmp(master, "spark:", 6) != 0 && strncmp(master, "http", 4) != 0)
        return NULL;
    snprintf(host, sizeof(host), "%s", scheme == NULL ? master : scheme + 3);
    char *colon = strrchr(host, ':');
    /* Several, or one of the words of runners. */
    if (host[strcspn(host, ",[]/ ")] != '\0' || (colon == NULL && standard_port == 0))
        return NULL;
    if (colon == NULL)
        return beamc__reach(host, standard_port, timeout_ms);
    *colon = '\0';
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (host[0] == '\0' || *end != '\0' || port == 0 || port > 65535)
        return beamc_error_new(BEAMC_EINVAL, "it is HOST:PORT");
    return beamc__reach(host, (unsigned)port, timeout_ms);
}
