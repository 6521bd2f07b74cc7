/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_server.h"

#include "test/sdk/io/scratch.h"
#include "test/sdk/rpc/certificates.h"
#include <beamc/pipeline.h>
#include <check.h>
#include <stdlib.h>

BEAMC_DOFN(copy, bytes, bytes)
{
    return beamc_emit(ctx, element);
}

job_server *cli_server;

void cli_server_setup(void)
{
    scratch_setup();
    cli_server = NULL;
    unsetenv("BEAMC_JOB_ENDPOINT");
}

void cli_server_teardown(void)
{
    if (cli_server != NULL)
        job_server_free(cli_server);
    certificates_remove();
    scratch_teardown();
}

/* To be disposed of. */
static beamc_buffer make_pipeline(void)
{
    beamc_pipeline *pipeline = beamc_pipeline_new(BEAMC_PROGRAM_FUNCTIONS);
    beamc_buffer bytes;

    ck_assert_ptr_nonnull(pipeline);
    beamc_buffer_init(&bytes);
    beamc_par_do(beamc_impulse(pipeline), &copy);
    ck_assert_ptr_null(beamc_pipeline_serialize(pipeline, &bytes));
    beamc_pipeline_free(pipeline);
    return bytes;
}

void cli_pipeline_write(const char *path)
{
    beamc_buffer bytes = make_pipeline();

    scratch_write(path, bytes.data, bytes.size);
    beamc_buffer_dispose(&bytes);
}

void cli_serve(job_script script)
{
    beamc_buffer bytes = make_pipeline();

    cli_server = job_server_new_with_jobs(script, bytes.data, bytes.size);
    beamc_buffer_dispose(&bytes);
    setenv("BEAMC_JOB_ENDPOINT", job_server_url(cli_server), 1);
}

void cli_serve_with_tls(const char *roots)
{
    beamc__rpc_tls tls = certificates_load(roots, "server");

    cli_server = job_server_new_with_tls(JOB_IS_DONE, &tls, "");
    beamc__rpc_tls_dispose(&tls);
    setenv("BEAMC_JOB_ENDPOINT", job_server_url(cli_server), 1);
}
