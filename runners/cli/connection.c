/* SPDX-License-Identifier: Apache-2.0 */
#include "connection.h"

#include "sdk/rpc/rpc.h"
#include <inttypes.h>
#include <stdlib.h>

const char *beamc__connection_endpoint(const beamc__call *call)
{
    const char *given = beamc_option_or(call->options, "job_endpoint", NULL);

    if (given != NULL)
        return given;
    given = getenv("BEAMC_JOB_ENDPOINT");
    return given != NULL && given[0] != '\0' ? given : NULL;
}

beamc_error *beamc__connection_open(beamc__connection *out, const beamc__call *call)
{
    const char *endpoint = beamc__connection_endpoint(call);
    int64_t seconds = beamc_option_int64(call->options, "job_server_timeout", 0);

    out->client = NULL;
    if (endpoint == NULL)
        return beamc_error_new(BEAMC_EINVAL, "which job server? give --job_endpoint=HOST:PORT, or "
                                             "set BEAMC_JOB_ENDPOINT");
    if (seconds <= 0 || seconds > INT32_MAX)
        return beamc_error_new(BEAMC_EINVAL,
                               "--job_server_timeout=%" PRId64 ": it is more than 0 seconds",
                               seconds);
    out->arena = beamc_arena_new();
    if (out->arena == NULL)
        return beamc_error_nomem();
    beamc__rpc_init();
    beamc_error *error = beamc__job_client_new(&out->client, endpoint, seconds * 1000);
    if (error != NULL)
        beamc__connection_close(out);
    return error;
}

void beamc__connection_close(beamc__connection *connection)
{
    beamc__job_client_free(connection->client);
    beamc_arena_free(connection->arena);
    beamc__rpc_shutdown();
}
