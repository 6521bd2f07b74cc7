/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline_of.h"

#include <errno.h>
#include <string.h>

enum { CHUNK = 1 << 16 };

/* Messages are no larger. */
#define SIZE_MOST ((size_t)1 << 31)

static beamc_error *read_all(beamc_buffer *out, FILE *file, const char *name)
{
    size_t got;

    do {
        uint8_t *at = beamc_buffer_reserve(out, CHUNK);
        if (at == NULL)
            return beamc_error_nomem();
        errno = 0;
        got = fread(at, 1, CHUNK, file);
        out->size += got;
        if (out->size > SIZE_MOST)
            return beamc_error_new(BEAMC_ELIMIT, "%s: larger than any pipeline", name);
    } while (got > 0);
    return ferror(file) ? beamc_error_system(errno, "reading %s", name) : NULL;
}

beamc_error *beamc__pipeline_of_file(beamc_buffer *out, const char *path)
{
    if (strcmp(path, "-") == 0)
        return read_all(out, stdin, "standard input");
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return beamc_error_system(errno, "%s", path);
    beamc_error *error = read_all(out, file, path);
    fclose(file);
    return error;
}

beamc_error *beamc__pipeline_of_job(beamc_buffer *out, beamc__connection *connection,
                                    const char *job_id)
{
    JOB(GetJobPipelineResponse) *response;

    BEAMC_TRY(beamc__job_pipeline(connection->client, job_id, &response, connection->arena));
    if (response->pipeline == NULL)
        return beamc_error_new(BEAMC_ENOENT, "the job server at %s has no pipeline of job %s",
                               beamc__job_client_endpoint(connection->client), job_id);
    size_t size = pb(pipeline__get_packed_size)(response->pipeline);
    uint8_t *at = beamc_buffer_reserve(out, size);
    if (at == NULL)
        return beamc_error_nomem();
    out->size += pb(pipeline__pack)(response->pipeline, at);
    return NULL;
}
