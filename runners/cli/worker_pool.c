/* SPDX-License-Identifier: Apache-2.0 */
/* beamc worker-pool */
#include "commands.h"
#include "beside.h"
#include "harness/container/elf.h"
#include "harness/container/process_pool.h"
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const beamc_option_spec options[] = {
    { .name = "port",
      .help = "where to listen; 0: a free one, which is told",
      .kind = BEAMC_OPTION_INT64,
      .default_value = "50000" },
    { .name = "host",
      .help = "the address to listen on; 0.0.0.0 lets everybody start processes here",
      .default_value = "127.0.0.1" },
    { .name = "program",
      .help = "what workers run; if not given, the program that the job staged",
      .placeholder = "FILE" },
    { .name = "semi_persist_dir",
      .help = "where workers keep their files while they run",
      .default_value = "/tmp",
      .placeholder = "DIR" },
    BEAMC__COMMAND_HELP,
};

/* Its workers would end before they can say so. */
static beamc_error *check_loads(const char *program)
{
    beamc_arena *arena = beamc_arena_new();

    if (arena == NULL)
        return beamc_error_nomem();
    beamc_error *error = beamc__elf_check(program, arena);
    beamc_arena_free(arena);
    return beamc_error_wrap(error, "--program=%s cannot be loaded", program);
}

/* What to start, with room for an argument. */
static beamc_error *choose_command(const beamc__call *call, char *path, const char **command,
                                   int *status)
{
    const char *program = beamc_option_or(call->options, "program", NULL);

    command[0] = path;
    if (program == NULL)
        return beamc__beside(path, "beamc-boot");
    /* Workers may live in other directories. */
    if (realpath(program, path) == NULL || access(path, X_OK) < 0)
        return beamc__command_usage(status, "--program=%s: this is no program that can be started",
                                    program);
    command[1] = "--worker";
    return check_loads(path);
}

static beamc_error *run(const beamc__call *call, int *status)
{
    static const beamc_log_sink sink = { beamc_log_write_stderr, NULL };
    const beamc_log_target log = { .sink = &sink, .level = BEAMC_LOG_INFO };
    int64_t port = beamc_option_int64(call->options, "port", BEAMC__POOL_PORT);
    const char *host = beamc_option(call->options, "host");
    const char *command[] = { NULL, NULL, NULL };
    char path[PATH_MAX], url[NAME_MAX];

    if (port < 0 || port > UINT16_MAX)
        return beamc__command_usage(status, "--port=%" PRId64 ": it is 0 to %d", port, UINT16_MAX);
    BEAMC_TRY(choose_command(call, path, command, status));
    bool bare = strchr(host, ':') != NULL && host[0] != '['; /* of IP version 6 */
    snprintf(url, sizeof(url), "%s%s%s:%" PRId64, bare ? "[" : "", host, bare ? "]" : "", port);
    const beamc__process_pool_options pool = {
        .url = url,
        .command = command,
        /* Other programs may be workers of other kinds. */
        .refuser = command[1] == NULL ? path : NULL,
        .semi_persist_dir = beamc_option(call->options, "semi_persist_dir"),
        .log = &log,
    };
    return beamc__process_pool_serve(&pool);
}

const beamc__command beamc__command_worker_pool = {
    .name = "worker-pool",
    .takes = "",
    .summary = "starts workers when runners ask for them",
    .help =
        "Serves runners whose jobs have --environment_type=EXTERNAL and this pool's address as\n"
        "--environment_config. Each worker is a process: of the program that the job has staged,\n"
        "fetched anew for each worker, or of a program that is here already. Workers end when the\n"
        "runner says so, or with the pool: by Ctrl-C or SIGTERM. Who starts what is logged. The\n"
        "environment of a worker is that of the pool, with the \"params\" of the job's\n"
        "--environment_config as further variables.\n"
        "\n"
        "Whoever reaches the pool can have it run programs. So it listens on this machine's own\n"
        "address only, unless --host says otherwise.\n"
        "\n"
        "Examples:\n"
        "  beamc worker-pool\n"
        "  beamc worker-pool --port=50001 --program=build/bin/wordcount\n"
        "  wordcount --runner=flink --environment_type=EXTERNAL "
        "--environment_config=localhost:50000\n"
        "  wordcount --runner=flink --environment_type=EXTERNAL \\\n"
        "      --environment_config='{\"url\": \"localhost:50000\", "
        "\"params\": {\"TZ\": \"UTC\"}}'",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .run = run,
};
