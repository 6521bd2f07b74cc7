/* SPDX-License-Identifier: Apache-2.0 */
#include "worker_hint.h"

#include <string.h>

enum { TEXT_SIZE = 4096 };

static const struct {
    beamc__workers workers;
    const char *words; /* the runner's */
    const char *meaning;
} hints[] = {
    /* Flink, Spark */
    { BEAMC__WORKERS_DOCKER, "No container running for id",
      "the worker's container ended as soon as it was started; is the image for this kind of "
      "machine?" },
    { BEAMC__WORKERS_DOCKER, "Received exit code 125 for command 'docker run",
      "the container could not be started; is there such an image where workers run?" },
    { BEAMC__WORKERS_DOCKER, "Cannot run program \"docker\"",
      "the runner needs the docker command in its PATH to start workers" },
    { BEAMC__WORKERS_PROCESS, "Process died with exit code",
      "the worker's command ended before it came; it is run where the runner is" },
    { BEAMC__WORKERS_PROCESS, "error=2, No such file or directory",
      "the worker's command is not where the runner starts it" },
    { BEAMC__WORKERS_PROCESS, "error=13, Permission denied",
      "the worker's command may not be executed where the runner starts it" },
    { BEAMC__WORKERS_EXTERNAL, "finishConnect(..) failed: Connection refused",
      "the worker pool is not there, as the runner sees it" },
    { BEAMC__WORKERS_EXTERNAL, "UNAVAILABLE: io exception",
      "the worker pool is not there, as the runner sees it" },
    /* Prism */
    { BEAMC__WORKERS_DOCKER, "didn't get control connection",
      "the worker's container ended or did not come; is the image for this kind of machine?" },
    { BEAMC__WORKERS_PROCESS, "didn't get control connection",
      "the worker's command ended or did not come; it is run where the runner is" },
    { BEAMC__WORKERS_EXTERNAL, "didn't get control connection",
      "no worker came from the worker pool; what it logs says why" },
    { BEAMC__WORKERS_DOCKER, "Cannot connect to the Docker daemon",
      "the runner finds no Docker engine; DOCKER_HOST says where one is" },
    { BEAMC__WORKERS_DOCKER, "failed to connect to the docker API",
      "the runner finds no Docker engine; DOCKER_HOST says where one is" },
};

beamc_error *beamc__worker_hint(beamc_error *take_error, beamc__workers workers)
{
    char text[TEXT_SIZE];

    if (take_error == NULL)
        return NULL;
    beamc_error_print(take_error, text, sizeof(text));
    for (size_t i = 0; i < sizeof(hints) / sizeof(*hints); i++) {
        if (hints[i].workers != workers || strstr(text, hints[i].words) == NULL)
            continue;
        beamc_error *error =
            beamc_error_new(beamc_error_code(take_error), "%s (%s)", text, hints[i].meaning);
        beamc_error_free(take_error);
        return error;
    }
    return take_error;
}
