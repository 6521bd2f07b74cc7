/* SPDX-License-Identifier: Apache-2.0 */
/* Measures a worker: what it takes from a stream, what it keeps of bundles.  bench_worker.py calls
 * it; one line of JSON comes out.
 *
 *     bench_worker raw MESSAGES SIZE
 *     bench_worker feed pass|drop KEY=VALUE...     bundles, concurrent, elements, key, warm
 *     bench_worker --id=.. --control_endpoint=..   the worker itself, started by feed */
#include "harness/container/serve.h"
#include "test/bench/worker/feeder.h"
#include "test/bench/worker/raw_stream.h"
#include <beamc/pipeline.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define MESSAGE_SIZE ((size_t)64 << 10)

BEAMC_DOFN(pass, fed, fed)
{
    return beamc_emit(ctx, element);
}

BEAMC_DOFN(drop, fed, fed)
{
    return element->value < 0 ? beamc_emit(ctx, element) : NULL;
}

static int usage(void)
{
    fprintf(stderr, "usage: bench_worker raw MESSAGES SIZE\n"
                    "       bench_worker feed pass|drop [bundles=N] [concurrent=N] [elements=N] "
                    "[key=BYTES] [warm=N]\n");
    return 2;
}

static double cpu_of(int whom)
{
    struct rusage used;

    if (getrusage(whom, &used) < 0)
        return 0;
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static int raw(size_t messages, size_t size)
{
    double seconds = raw_stream(messages, size);

    if (seconds < 0)
        return 1;
    printf("{\"seconds\": %.6f, \"cpu\": %.6f, \"bytes\": %zu}\n", seconds,
           cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN), messages * size);
    return 0;
}

static void print(const feeder_job *job, const feeder_result *took)
{
    printf("{\"seconds\": %.6f, \"worker_cpu\": %.6f, \"feeder_cpu\": %.6f, \"elements\": %zu, "
           "\"bytes_in\": %" PRIu64 ", \"bytes_out\": %" PRIu64 ", \"bundles\": %zu, "
           "\"wait_p50\": %.6f, \"wait_p99\": %.6f, \"memory_at_tenth\": %" PRIu64 ", "
           "\"memory_after\": %" PRIu64 ", \"memory_peak\": %" PRIu64 ", \"threads\": %d, "
           "\"files\": %d}\n",
           took->seconds, took->worker_cpu, took->feeder_cpu, job->bundles * job->elements,
           took->bytes_in, took->bytes_out, job->bundles, took->wait_p50, took->wait_p99,
           took->memory_at_tenth, took->memory_after, took->memory_peak, took->worker_threads,
           took->worker_files);
}

/* Sets what "NAME=NUMBER" names; @warm is how many bundles go before, unmeasured. */
static bool set(feeder_job *job, size_t *warm, const char *text)
{
    const struct {
        const char *name;
        size_t *to;
    } all[] = { { "bundles=", &job->bundles },   { "concurrent=", &job->concurrent },
                { "elements=", &job->elements }, { "key=", &job->key_size },
                { "warm=", warm } };

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        size_t size = strlen(all[i].name);
        if (strncmp(text, all[i].name, size) == 0) {
            *all[i].to = (size_t)strtoull(text + size, NULL, 10);
            return true;
        }
    }
    return false;
}

static int feed(const char *program, int argc, char **argv)
{
    feeder_job job = { .bundles = 1, .concurrent = 1, .elements = 1, .key_size = 4 };
    feeder_result took;
    size_t warm = 0;

    job.message_size = MESSAGE_SIZE;
    job.dofn = strcmp(argv[0], "drop") == 0 ? &drop : &pass;
    for (int i = 1; i < argc; i++) {
        if (!set(&job, &warm, argv[i]))
            return usage();
    }
    feeder *of = feeder_new(program);
    if (of == NULL)
        return 1;
    feeder_job before = job;
    before.bundles = warm;
    bool good = warm == 0 || feeder_run(of, &before, &took);
    good = good && feeder_run(of, &job, &took);
    good = feeder_free(of) && good;
    if (good)
        print(&job, &took);
    return good ? 0 : 1;
}

/* As in any program: what it runs are its own functions. */
static int serve(int argc, char **argv)
{
    size_t count = (size_t)(__stop_beamc_functions - __start_beamc_functions);
    beamc_error *error = beamc__serve(argc, argv, __start_beamc_functions, count);
    char text[1000];

    if (error == NULL)
        return 0;
    beamc_error_print(error, text, sizeof(text));
    fprintf(stderr, "%s\n", text);
    beamc_error_free(error);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "raw") == 0)
        return raw((size_t)atoll(argv[2]), (size_t)atoll(argv[3]));
    if (argc >= 3 && strcmp(argv[1], "feed") == 0)
        return feed(argv[0], argc - 2, argv + 2);
    if (beamc__serve_is_asked(argc, argv))
        return serve(argc, argv);
    return usage();
}
