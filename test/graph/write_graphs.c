/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the test pipelines, serialized, to files DIR/<name>.pb for other SDKs and runners to read. */
#include "test/sdk/pipeline/pipelines.h"
#include <stdio.h>
#include <stdlib.h>

static beamc_error *write_file(const char *dir, const char *name, const beamc_buffer *bytes)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s/%s.pb", dir, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return beamc_error_new(BEAMC_EIO, "%s does not open", path);
    bool written = fwrite(bytes->data, 1, bytes->size, file) == bytes->size;
    if (fclose(file) != 0 || !written)
        return beamc_error_new(BEAMC_EIO, "%s cannot be written", path);
    return NULL;
}

static beamc_error *write_pipeline(const char *dir, const test_pipeline *test)
{
    beamc_buffer bytes;
    beamc_pipeline *pipeline = test_pipeline_new();

    if (pipeline == NULL)
        return beamc_error_nomem();
    beamc_buffer_init(&bytes);
    test->build(pipeline);
    beamc_error *err = beamc_pipeline_serialize(pipeline, &bytes);
    if (err == NULL)
        err = write_file(dir, test->name, &bytes);
    beamc_buffer_dispose(&bytes);
    beamc_pipeline_free(pipeline);
    return beamc_error_wrap(err, "%s", test->name);
}

int main(int argc, char **argv)
{
    char text[1024];

    if (argc != 2) {
        fprintf(stderr, "usage: write_graphs DIR\n");
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < test_pipeline_count; i++) {
        beamc_error *err = write_pipeline(argv[1], &test_pipelines[i]);
        if (err == NULL)
            continue;
        beamc_error_print(err, text, sizeof(text));
        fprintf(stderr, "write_graphs: %s\n", text);
        beamc_error_free(err);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
