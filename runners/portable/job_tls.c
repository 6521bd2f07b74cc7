/* SPDX-License-Identifier: Apache-2.0 */
#include "job_tls.h"

#include "sdk/rpc/endpoint.h"
#include <stddef.h>

static const struct {
    const char *option;
    size_t offset; /* of its path */
} parts[] = {
    { "--tls_roots", offsetof(beamc__job_tls, roots) },
    { "--tls_certificate", offsetof(beamc__job_tls, certificate) },
    { "--tls_private_key", offsetof(beamc__job_tls, private_key) },
};

enum { PARTS = sizeof(parts) / sizeof(*parts) };

static const char *path_of(const beamc__job_tls *files, size_t part)
{
    return *(const char *const *)(const void *)((const char *)files + parts[part].offset);
}

/* The first option that was given; PARTS: none was. */
static size_t find_given(const beamc__job_tls *files)
{
    size_t i = 0;

    while (i < PARTS && path_of(files, i) == NULL)
        i++;
    return i;
}

beamc_error *beamc__job_tls_check(const beamc__job_tls *files, const char *endpoint)
{
    size_t given = find_given(files);

    if (given < PARTS && endpoint == NULL)
        return beamc_error_new(BEAMC_EINVAL,
                               "%s is for a job server with TLS: give its "
                               "--job_endpoint=https://HOST:PORT",
                               parts[given].option);
    if (given < PARTS && beamc__rpc_endpoint_security(endpoint) != BEAMC__RPC_SECURITY_TLS)
        return beamc_error_new(BEAMC_EINVAL,
                               "%s is for a job server with TLS, and the endpoint %s is without: "
                               "write https://HOST:PORT",
                               parts[given].option, endpoint);
    if ((files->certificate == NULL) != (files->private_key == NULL))
        return beamc_error_new(BEAMC_EINVAL, "--tls_certificate and --tls_private_key belong "
                                             "together; give both");
    return NULL;
}

beamc_error *beamc__job_tls_load(beamc__rpc_tls *out, const beamc__job_tls *files,
                                 const char *endpoint)
{
    *out = (beamc__rpc_tls){ 0 };
    BEAMC_TRY(beamc__job_tls_check(files, endpoint));
    return beamc__rpc_tls_load(out, files->roots, files->certificate, files->private_key);
}

const char *beamc__job_tls_line(const beamc__job_tls *files, beamc_arena *arena)
{
    const char *line = "";

    for (size_t i = 0; line != NULL && i < PARTS; i++)
        if (path_of(files, i) != NULL)
            line = beamc_arena_printf(arena, "%s %s=%s", line, parts[i].option, path_of(files, i));
    return line;
}
