/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/container/serve.h"

#include "harness/container/provision.h"
#include "harness/worker/worker.h"
#include "proto/urns.h"
#include "sdk/rpc/rpc.h"
#include <string.h>

bool beamc__serve_is_asked(int argc, char *const *argv)
{
    static const char *const signs[] = { "--worker", "--provision_endpoint", "--control_endpoint" };

    for (int i = 1; i < argc; i++) {
        for (size_t k = 0; k < sizeof(signs) / sizeof(*signs); k++) {
            size_t size = strlen(signs[k]);
            if (strncmp(argv[i], signs[k], size) == 0 &&
                (argv[i][size] == '\0' || argv[i][size] == '='))
                return true;
        }
    }
    return false;
}

static beamc_error *serve(const beamc__worker_flags *flags, const FN(ProvisionInfo) *info,
                          const beamc_function *const *functions, size_t count)
{
    beamc__worker_options options = {
        .id = flags->id,
        .control_url = flags->control_endpoint,
        .logging_url = flags->logging_endpoint,
        .status_url = flags->status_endpoint,
        .functions = functions,
        .function_count = count,
        .short_ids = beamc__provision_has(info, BEAMC_URN_PROTOCOL_MONITORING_INFO_SHORT_IDS),
        .embed_output =
            beamc__provision_has(info, BEAMC_URN_PROTOCOL_CONTROL_RESPONSE_ELEMENTS_EMBEDDING),
    };
    beamc__worker *worker;

    BEAMC_TRY(beamc__worker_start(&worker, &options));
    beamc_error *error = beamc__worker_wait(worker);
    beamc__worker_free(worker);
    return error;
}

static beamc_error *serve_in(beamc_arena *arena, int argc, char *const *argv,
                             const beamc_function *const *functions, size_t count)
{
    beamc__worker_flags flags;
    const FN(ProvisionInfo) *info;
    beamc__rpc_queue *queue;
    int unknown;

    BEAMC_TRY(beamc__worker_flags_read(&flags, argc, argv, arena, &unknown));
    BEAMC_TRY(beamc__rpc_queue_new(&queue, "beamc-boot"));
    beamc_error *error = beamc__provision(&flags, queue, arena, &info);
    beamc__rpc_queue_free(queue);
    return error != NULL ? error : serve(&flags, info, functions, count);
}

beamc_error *beamc__serve(int argc, char *const *argv, const beamc_function *const *functions,
                          size_t count)
{
    beamc_arena *arena = beamc_arena_new();

    if (arena == NULL)
        return beamc_error_nomem();
    beamc__rpc_init();
    beamc_error *error = serve_in(arena, argc, argv, functions, count);
    beamc__rpc_shutdown();
    beamc_arena_free(arena);
    return error;
}
