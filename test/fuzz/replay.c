/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target without a fuzzer: over each file named, or found in a directory named, and over
 * each of its beginnings when it is short.  Every input lies in memory of exactly its size, so that
 * AddressSanitizer sees a read past its end. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CUT_LIMIT = 2048 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int fail(const char *path)
{
    perror(path);
    return -1;
}

static int run_one(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size == 0 ? 1 : size);

    if (exact == NULL)
        return fail("replay");
    if (size > 0)
        memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 0;
}

static int run_file(const char *path, size_t size)
{
    int rc = -1;
    uint8_t *data = malloc(size + 1);
    FILE *file = fopen(path, "rb");

    if (data == NULL || file == NULL || fread(data, 1, size, file) != size) {
        fail(path);
        goto out;
    }
    rc = run_one(data, size);
    if (size <= CUT_LIMIT)
        for (size_t cut = 0; cut < size && rc == 0; cut++)
            rc = run_one(data, cut);

out:
    if (file != NULL)
        fclose(file);
    free(data);
    return rc;
}

static int run_path(const char *path);

static int run_directory(const char *path)
{
    DIR *directory = opendir(path);
    if (directory == NULL)
        return fail(path);

    int rc = 0;
    for (struct dirent *entry; rc == 0 && (entry = readdir(directory)) != NULL;) {
        char inside[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(inside, sizeof(inside), "%s/%s", path, entry->d_name);
        rc = run_path(inside);
    }
    closedir(directory);
    return rc;
}

static int run_path(const char *path)
{
    struct stat info;

    if (stat(path, &info) < 0)
        return fail(path);
    return S_ISDIR(info.st_mode) ? run_directory(path) : run_file(path, (size_t)info.st_size);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (run_path(argv[i]) < 0)
            return EXIT_FAILURE;
    return EXIT_SUCCESS;
}
