/* SPDX-License-Identifier: Apache-2.0 */
/* Files of one test. */
#include "scratch.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each test runs in a process of its own. */
static char directory[4096];
static char error_text[20000];

void scratch_setup(void)
{
    const char *base = getenv("TMP");

    snprintf(directory, sizeof(directory), "%s/beamc-test-XXXXXX",
             base != NULL && base[0] != '\0' ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_int_eq(chdir(directory), 0);
}

void scratch_teardown(void)
{
    char command[5000];

    ck_assert_int_eq(chdir("/"), 0);
    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    scratch_run(command);
}

const char *scratch_path(void)
{
    return directory;
}

void scratch_write(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");

    ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

void scratch_write_text(const char *path, const char *text)
{
    scratch_write(path, text, strlen(text));
}

beamc_buffer scratch_read(const char *path)
{
    beamc_buffer out;
    FILE *file = fopen(path, "rb");

    ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
    beamc_buffer_init(&out);
    for (;;) {
        uint8_t *to = beamc_buffer_reserve(&out, 4096);
        ck_assert_ptr_nonnull(to);
        size_t got = fread(to, 1, 4095, file);
        out.size += got;
        if (got == 0)
            break;
    }
    out.data[out.size] = '\0';
    fclose(file);
    return out;
}

bool scratch_exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

char *scratch_list(const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    char *names = calloc(1, 1);

    ck_assert_msg(count >= 0, "%s: %s", path, strerror(errno));
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
            names = realloc(names, strlen(names) + strlen(name) + 2);
            ck_assert_ptr_nonnull(names);
            strcat(strcat(names, name), " ");
        }
        free(entries[i]);
    }
    free(entries);
    return names;
}

void scratch_run(const char *command)
{
    int status = system(command);
    ck_assert_msg(status == 0, "%s: status %d", command, status);
}

const char *scratch_text(beamc_error *take_error)
{
    beamc_error_print(take_error, error_text, sizeof(error_text));
    beamc_error_free(take_error);
    return error_text;
}
