/* SPDX-License-Identifier: Apache-2.0 */
/* A run refuses what neither the program nor the server knows, but only when the server has started
 * and was asked. */
#include "check_options.h"

#include "doctor_program.h"
#include "runners/portable/job_client.h"
#include "sdk/pipeline/options.h"
#include <string.h>

static bool is_described(const JOB(DescribePipelineOptionsResponse) *described, const char *name)
{
    const char *bare = strncmp(name, "no_", 3) == 0 ? name + 3 : name;

    for (size_t i = 0; i < described->n_options; i++)
        if (strcmp(described->options[i]->name, name) == 0 ||
            strcmp(described->options[i]->name, bare) == 0)
            return true;
    return false;
}

static beamc_error *ask_program(const char *program, const beamc__option_unknown *unknown,
                                int64_t timeout_ms, beamc_arena *arena)
{
    bool has_value = unknown->value != NULL;
    const char *option = beamc_arena_printf(arena, "--%s%s%s", unknown->given,
                                            has_value ? "=" : "", has_value ? unknown->value : "");

    return option == NULL ? beamc_error_nomem()
                          : beamc__doctor_ask_option(program, option, timeout_ms);
}

static beamc_error *describe(JOB(DescribePipelineOptionsResponse) **out,
                             const beamc_portable_options *options, int64_t timeout_ms,
                             beamc_arena *arena)
{
    const beamc__job_tls tls = { options->tls_roots, options->tls_certificate,
                                 options->tls_private_key };
    beamc__job_client *client;

    BEAMC_TRY(beamc__job_client_new(&client, options->job_endpoint, &tls, timeout_ms));
    beamc_error *error = beamc__job_describe_options(client, out, arena);
    beamc__job_client_free(client);
    return error;
}

void beamc__check_options(beamc__findings *findings, const beamc_portable_options *options,
                          const char *program, int64_t timeout_ms)
{
    const beamc__option_unknown *unknown = options->options->unknown;
    JOB(DescribePipelineOptionsResponse) *described;

    if (unknown == NULL)
        return;
    beamc_arena *arena = beamc_arena_new();
    beamc_error *error = arena == NULL ? beamc_error_nomem()
                                       : describe(&described, options, timeout_ms, arena);
    for (; error == NULL && unknown != NULL; unknown = unknown->next)
        if (!is_described(described, unknown->name))
            beamc__find_error(findings, ask_program(program, unknown, timeout_ms, arena));
    beamc_error_free(error); /* whoever looked at the server has told it */
    beamc_arena_free(arena);
}
