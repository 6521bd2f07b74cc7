/* SPDX-License-Identifier: Apache-2.0 */
/* Many jobs in one process, whose workers are its own threads: is anything left of them?
 *
 *     bench_jobs localhost:8073 200 */
#include <beamc/beamc.h>
#include <beamc/portable.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

/* What comes and goes: after so many jobs all threads of the transport are there. */
#define WARM 10
#define SLACK 10

BEAMC_DOFN(twice, int64, int64)
{
    int64_t product = 2 * *element;
    return beamc_emit(ctx, &product);
}

static beamc_error *run_job(const char *endpoint)
{
    static const int64_t numbers[] = { 1, 2, 3 };
    beamc_pipeline *p = beamc_pipeline_new(BEAMC_PROGRAM_FUNCTIONS);
    beamc_portable_options options = { .job_endpoint = endpoint,
                                       .environment_type = "LOOPBACK",
                                       .log_level = BEAMC_LOG_ERROR };
    beamc_result *result;

    beamc_pcollection at = beamc_create(p, BEAMC_TYPE(int64), numbers, 3);
    beamc_par_do(beamc_reshuffle(beamc_par_do(at, &twice)), &twice);
    beamc_error *error = beamc_run_portable(&result, p, &options);
    beamc_result_free(result);
    beamc_pipeline_free(p);
    return error;
}

static int count(const char *path)
{
    DIR *directory = opendir(path);
    int entries = 0;

    if (directory == NULL)
        return -1;
    while (readdir(directory) != NULL)
        entries++;
    closedir(directory);
    return entries;
}

int main(int argc, char **argv)
{
    int jobs = argc == 3 ? atoi(argv[2]) : 0;
    int threads = 0, files = 0;
    char text[1000];

    if (jobs <= WARM) {
        fprintf(stderr, "usage: bench_jobs HOST:PORT JOBS, more than %d\n", WARM);
        return 2;
    }
    for (int i = 0; i < jobs; i++) {
        beamc_error *error = run_job(argv[1]);
        if (error != NULL) {
            beamc_error_print(error, text, sizeof(text));
            fprintf(stderr, "job %d: %s\n", i + 1, text);
            beamc_error_free(error);
            return 1;
        }
        if (i + 1 == WARM) {
            threads = count("/proc/self/task");
            files = count("/proc/self/fd");
        }
    }
    int more_threads = count("/proc/self/task") - threads;
    int more_files = count("/proc/self/fd") - files;
    printf("{\"jobs\": %d, \"more_threads\": %d, \"more_files\": %d}\n", jobs - WARM, more_threads,
           more_files);
    return more_threads > SLACK || more_files > SLACK ? 1 : 0;
}
