/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/container/serve.h"

#include "harness/container/provision.h"
#include "harness/worker/crash.h"
#include "harness/worker/worker.h"
#include "proto/urns.h"
#include "sdk/rpc/rpc.h"
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the allocator keeps for messages to come, and from which size on it does not. */
#define KEPT_MEMORY (32 << 20)
#define OWN_PAGES (4 << 20)

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

/* A thread that is stuck cannot be ended, but by the end of its process.  The log is written. */
static void leave(void)
{
    _exit(EXIT_FAILURE);
}

/* 0: for ever; what is more than some thousand years is that. */
static int64_t stuck_ms(const FN(ProvisionInfo) *info)
{
    int64_t minutes = beamc__provision_number(info, "element_processing_timeout_minutes", 0);
    return minutes > 0 && minutes < INT64_MAX / 60000 ? minutes * 60000 : 0;
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
        .stuck_ms = stuck_ms(info),
        .give_up = leave,
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

/* A worker takes and drops messages of 64 KB all the time.  Left to itself the allocator gives their
 * memory back and asks for it again, page by page, which costs a worker that has little else to do a
 * seventh of its time. */
static void keep_memory(void)
{
#if defined(M_TRIM_THRESHOLD) && defined(M_MMAP_THRESHOLD)
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_MEMORY);
    (void)mallopt(M_MMAP_THRESHOLD, OWN_PAGES);
#endif
}

beamc_error *beamc__serve(int argc, char *const *argv, const beamc_function *const *functions,
                          size_t count)
{
    beamc_arena *arena = beamc_arena_new();

    if (arena == NULL)
        return beamc_error_nomem();
    keep_memory();
    beamc_error *unwatched = beamc__crash_watch(false);
    beamc__rpc_init();
    beamc_error *error = serve_in(arena, argc, argv, functions, count);
    beamc__rpc_shutdown();
    if (unwatched == NULL)
        beamc__crash_unwatch();
    beamc_error_free(unwatched); /* then a crash is as silent as ever, which is no reason not to work */
    beamc_arena_free(arena);
    return error;
}
