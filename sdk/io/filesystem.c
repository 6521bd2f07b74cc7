/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the file system of a path, and calls it.  A file system joins by its table in the list. */
#include <beamc/filesystem.h>

#include "sdk/io/glob.h"
#include "sdk/io/local_files.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const beamc_filesystem *const filesystems[] = { &beamc__local_files };

enum { FILESYSTEM_COUNT = sizeof(filesystems) / sizeof(filesystems[0]) };

/* The size of the scheme in front of "://"; 0 if there is none. */
static size_t scheme_size(const char *path)
{
    size_t size = 0;

    if (!isalpha((unsigned char)path[0]))
        return 0;
    while (isalnum((unsigned char)path[size]) || strchr("+-.", path[size]) != NULL) {
        if (path[size] == '\0')
            return 0;
        size++;
    }
    return strncmp(path + size, "://", 3) == 0 ? size : 0;
}

beamc_error *beamc_filesystem_find(const beamc_filesystem **out, const char *path)
{
    size_t size = scheme_size(path);

    *out = NULL;
    if (path[0] == '\0')
        return beamc_error_new(BEAMC_EINVAL, "a file's path is empty");
    if (size == 0) {
        *out = &beamc__local_files;
        return NULL;
    }
    for (size_t i = 0; i < FILESYSTEM_COUNT; i++) {
        if (strlen(filesystems[i]->scheme) == size &&
            strncasecmp(filesystems[i]->scheme, path, size) == 0) {
            *out = filesystems[i];
            return NULL;
        }
    }
    return beamc_error_new(BEAMC_EUNSUPPORTED, "%s: there is no file system for %.*s://", path,
                           (int)size, path);
}

bool beamc_pattern_is_wild(const char *pattern)
{
    return beamc__glob_is_wild(pattern, strlen(pattern));
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const beamc_file_info *)a)->path, ((const beamc_file_info *)b)->path);
}

beamc_error *beamc_files_match(beamc_file_list *out, const char *pattern, beamc_arena *arena)
{
    const beamc_filesystem *filesystem;

    *out = (beamc_file_list){ NULL, 0 };
    BEAMC_TRY(beamc_filesystem_find(&filesystem, pattern));
    BEAMC_TRY(filesystem->match(out, pattern, arena));
    if (out->count > 1)
        qsort((void *)(uintptr_t)out->files, out->count, sizeof(*out->files), compare_paths);
    return NULL;
}

beamc_error *beamc_input_open(beamc_input **out, const char *path)
{
    const beamc_filesystem *filesystem;

    *out = NULL;
    BEAMC_TRY(beamc_filesystem_find(&filesystem, path));
    return filesystem->open(out, path);
}

beamc_error *beamc_input_read_at(beamc_input *input, void *to, size_t size, uint64_t offset,
                                 size_t *got)
{
    return input->filesystem->read_at(input, to, size, offset, got);
}

void beamc_input_close(beamc_input *input)
{
    if (input != NULL)
        input->filesystem->close_input(input);
}

beamc_error *beamc_file_stat(beamc_file_info *out, const char *path)
{
    const beamc_filesystem *filesystem;

    BEAMC_TRY(beamc_filesystem_find(&filesystem, path));
    return filesystem->info(out, path);
}

beamc_error *beamc_output_create(beamc_output **out, const char *path, bool append)
{
    const beamc_filesystem *filesystem;

    *out = NULL;
    BEAMC_TRY(beamc_filesystem_find(&filesystem, path));
    return filesystem->create(out, path, append);
}

beamc_error *beamc_output_write(beamc_output *output, const void *bytes, size_t size)
{
    return output->filesystem->write(output, bytes, size);
}

beamc_error *beamc_output_close(beamc_output *take_output, bool sync)
{
    return take_output->filesystem->close_output(take_output, sync);
}

beamc_error *beamc_file_rename(const char *from, const char *to)
{
    const beamc_filesystem *filesystem;
    const beamc_filesystem *other;

    BEAMC_TRY(beamc_filesystem_find(&filesystem, from));
    BEAMC_TRY(beamc_filesystem_find(&other, to));
    if (filesystem != other)
        return beamc_error_new(BEAMC_EINVAL, "%s cannot be renamed to %s: another file system",
                               from, to);
    return filesystem->rename(from, to);
}

beamc_error *beamc_file_remove(const char *path)
{
    const beamc_filesystem *filesystem;

    BEAMC_TRY(beamc_filesystem_find(&filesystem, path));
    return filesystem->remove(path);
}

beamc_error *beamc_directory_make(const char *path)
{
    const beamc_filesystem *filesystem;

    BEAMC_TRY(beamc_filesystem_find(&filesystem, path));
    return filesystem->make_directory(path);
}

beamc_error *beamc_directory_remove(const char *path, bool with_contents)
{
    const beamc_filesystem *filesystem;

    BEAMC_TRY(beamc_filesystem_find(&filesystem, path));
    return filesystem->remove_directory(path, with_contents);
}

beamc_error *beamc_directory_check_writable(const char *path)
{
    const beamc_filesystem *filesystem;

    BEAMC_TRY(beamc_filesystem_find(&filesystem, path));
    return filesystem->check_writable(path);
}
