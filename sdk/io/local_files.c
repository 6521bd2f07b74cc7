/* SPDX-License-Identifier: Apache-2.0 */
/* The files of this machine.  A pattern is walked name by name, so that only directories that can
 * hold a match are read; from a name with "**" on, all below is walked and compared as a whole. */
#include "sdk/io/local_files.h"

#include "sdk/io/glob.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- paths ---------------------------------------------------------------------------------- */

/* "file:///x" is /x; everything else is as it is. */
static const char *plain_path(const char *path)
{
    return strncasecmp(path, "file://", 7) == 0 ? path + 7 : path;
}

/* Files named with a scheme are answered with it. */
static bool has_scheme(const char *path)
{
    return plain_path(path) != path;
}

static beamc_timestamp modified_ms(const struct stat *status)
{
    return (beamc_timestamp)status->st_mtim.tv_sec * 1000 + status->st_mtim.tv_nsec / 1000000;
}

static beamc_file_info info_of(const char *path, const struct stat *status)
{
    bool sequential = !S_ISREG(status->st_mode);
    beamc_file_info info = { path, sequential ? 0 : (uint64_t)status->st_size, modified_ms(status),
                             sequential };
    return info;
}

static beamc_error *local_info(beamc_file_info *out, const char *path)
{
    struct stat status;

    if (stat(plain_path(path), &status) < 0)
        return beamc_error_system(errno, "%s", path);
    *out = info_of(path, &status);
    return NULL;
}

/* With what means something in a pattern taken as it is. */
static void append_escaped(beamc_buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("*?[\\", *text) != NULL)
            beamc_buffer_append_byte(out, '\\');
        beamc_buffer_append_byte(out, (uint8_t)*text);
    }
}

beamc_error *beamc__local_absolute(const char **out, const char *path, bool is_pattern,
                                   beamc_arena *arena)
{
    char directory[PATH_MAX];
    beamc_buffer text;

    *out = path;
    if (path[0] == '/' || strstr(path, "://") != NULL)
        return NULL;
    if (getcwd(directory, sizeof(directory)) == NULL)
        return beamc_error_system(errno, "the working directory");
    beamc_buffer_init(&text);
    if (is_pattern)
        append_escaped(&text, directory);
    else
        beamc_buffer_append_string(&text, directory);
    if (directory[1] != '\0')
        beamc_buffer_append_byte(&text, '/');
    beamc_buffer_append_string(&text, path);
    *out = beamc_buffer_failed(&text)
               ? NULL
               : beamc_arena_strndup(arena, (const char *)text.data, text.size);
    beamc_buffer_dispose(&text);
    return *out == NULL ? beamc_error_nomem() : NULL;
}

/* ---- matching ------------------------------------------------------------------------------- */

typedef struct {
    const char *pattern; /* without the scheme */
    size_t size;
    bool scheme; /* put "file://" in front of what matches */
    beamc_arena *arena;
    beamc_buffer path; /* of where the walk is, ended by NUL, which its size does not count */
    beamc_buffer found; /* beamc_file_info */
} walk;

static const char *walk_path(const walk *w)
{
    return (const char *)w->path.data;
}

static const char *directory_path(const walk *w)
{
    return w->path.size == 0 ? "." : walk_path(w);
}

/* Adds a name to the path.  False: no memory. */
static bool push(walk *w, const char *name, size_t size)
{
    if (w->path.size > 0 && w->path.data[w->path.size - 1] != '/')
        beamc_buffer_append_byte(&w->path, '/');
    beamc_buffer_append(&w->path, name, size);
    beamc_buffer_append_byte(&w->path, '\0');
    if (w->path.failed)
        return false;
    w->path.size--;
    return true;
}

static void pop(walk *w, size_t size)
{
    w->path.size = size;
    if (w->path.data != NULL)
        w->path.data[size] = '\0';
}

static beamc_error *add_found(walk *w, const struct stat *status)
{
    const char *path = beamc_arena_printf(w->arena, "%s%s", w->scheme ? "file://" : "",
                                          walk_path(w));

    if (path == NULL)
        return beamc_error_nomem();
    beamc_file_info info = info_of(path, status);
    beamc_buffer_append(&w->found, &info, sizeof(info));
    return w->found.failed ? beamc_error_nomem() : NULL;
}

/* Whether something is not there, and did not merely fail to show. */
static bool is_missing(int errnum)
{
    return errnum == ENOENT || errnum == ENOTDIR;
}

/* The path as it stands is one that matches: adds it if it is a file.  Those that go away while we
 * walk, and links to nothing, are no files. */
static beamc_error *take_path(walk *w, bool wild)
{
    struct stat status;

    if (stat(walk_path(w), &status) < 0)
        return is_missing(errno) ? NULL : beamc_error_system(errno, "%s", walk_path(w));
    if (S_ISREG(status.st_mode))
        return add_found(w, &status);
    if (wild)
        return NULL;
    if (S_ISDIR(status.st_mode))
        return beamc_error_new(BEAMC_EINVAL,
                               "%s is a directory; a pattern such as %s/* names the files in it",
                               walk_path(w), walk_path(w));
    return add_found(w, &status);
}

typedef beamc_error *(*entry_fn)(walk *w, size_t at, size_t end, const struct dirent *entry);

/* Calls @each with every entry of the directory the walk is in. */
static beamc_error *each_entry(walk *w, size_t at, size_t end, entry_fn each)
{
    DIR *dir = opendir(directory_path(w));
    beamc_error *err = NULL;

    if (dir == NULL) {
        if (is_missing(errno))
            return NULL;
        return errno == ENOMEM ? beamc_error_nomem()
                               : beamc_error_system(errno, "%s", directory_path(w));
    }
    while (err == NULL) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL) {
            if (errno != 0)
                err = beamc_error_system(errno, "%s", directory_path(w));
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        size_t size = w->path.size;
        if (push(w, entry->d_name, strlen(entry->d_name)))
            err = each(w, at, end, entry);
        else
            err = beamc_error_nomem();
        pop(w, size);
    }
    closedir(dir);
    return err;
}

static beamc_error *glob_matches(bool *out, const char *pattern, size_t pattern_size,
                                 const char *path, size_t path_size)
{
    int rc = beamc__glob_match(out, pattern, pattern_size, path, path_size);
    return rc < 0 ? beamc_error_new((beamc_code)rc, "matching %s", path) : NULL;
}

static bool is_directory(const walk *w, const struct dirent *entry)
{
    struct stat status;

    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR; /* a link to one may lead back up: it is not followed */
    return lstat(walk_path(w), &status) == 0 && S_ISDIR(status.st_mode);
}

/* Below a "**": the pattern from @at on is compared with the path from @base on. */
static beamc_error *walk_deep(walk *w, size_t at, size_t base, const struct dirent *entry)
{
    bool matches;
    const char *path = walk_path(w) + base;

    BEAMC_TRY(glob_matches(&matches, w->pattern + at, w->size - at, path, strlen(path)));
    if (is_directory(w, entry))
        return entry->d_name[0] == '.' ? NULL : each_entry(w, at, base, walk_deep);
    return matches ? take_path(w, true) : NULL;
}

static beamc_error *walk_from(walk *w, size_t at);

/* In the directory of the name [at, end) of the pattern. */
static beamc_error *walk_entry(walk *w, size_t at, size_t end, const struct dirent *entry)
{
    bool matches;

    BEAMC_TRY(glob_matches(&matches, w->pattern + at, end - at, entry->d_name,
                           strlen(entry->d_name)));
    return matches ? walk_from(w, end) : NULL;
}

/* The path matches the pattern up to @at: goes on with its next name. */
static beamc_error *walk_from(walk *w, size_t at)
{
    if (at == w->size)
        return take_path(w, beamc__glob_is_wild(w->pattern, w->size));
    while (at < w->size && w->pattern[at] == '/')
        at++;
    if (at == w->size) /* a trailing '/': directories only */
        return NULL;

    size_t end = at;
    while (end < w->size && w->pattern[end] != '/')
        end += w->pattern[end] == '\\' && end + 1 < w->size ? 2 : 1;
    if (beamc__glob_is_deep(w->pattern + at, end - at)) {
        size_t base = w->path.size;
        if (base > 0 && w->path.data[base - 1] != '/')
            base++;
        return each_entry(w, at, base, walk_deep);
    }
    if (beamc__glob_is_wild(w->pattern + at, end - at))
        return each_entry(w, at, end, walk_entry);

    beamc_error *err = NULL;
    size_t size = w->path.size;
    char *name = malloc(end - at);
    if (name == NULL || !push(w, name, beamc__glob_literal(name, w->pattern + at, end - at)))
        err = beamc_error_nomem();
    else
        err = walk_from(w, end);
    free(name);
    pop(w, size);
    return err;
}

static beamc_error *local_match(beamc_file_list *out, const char *pattern, beamc_arena *arena)
{
    walk w = { .pattern = plain_path(pattern), .scheme = has_scheme(pattern), .arena = arena };
    beamc_error *err = NULL;

    *out = (beamc_file_list){ NULL, 0 };
    w.size = strlen(w.pattern);
    beamc_buffer_init(&w.path);
    beamc_buffer_init(&w.found);
    if (w.pattern[0] == '/') {
        beamc_buffer_append(&w.path, "/", 2);
        if (w.path.failed)
            err = beamc_error_nomem();
        else
            w.path.size = 1;
    }
    if (err == NULL)
        err = walk_from(&w, 0);
    if (err == NULL && w.found.size > 0) {
        out->files = beamc_arena_memdup(arena, w.found.data, w.found.size);
        out->count = w.found.size / sizeof(*out->files);
        if (out->files == NULL)
            err = beamc_error_nomem();
    }
    if (err != NULL)
        *out = (beamc_file_list){ NULL, 0 };
    beamc_buffer_dispose(&w.path);
    beamc_buffer_dispose(&w.found);
    return err;
}

/* ---- reading -------------------------------------------------------------------------------- */

typedef struct {
    beamc_input input;
    int fd;
    bool sequential;
    char path[];
} local_input;

static beamc_error *local_open(beamc_input **out, const char *path)
{
    size_t size = strlen(path) + 1;
    local_input *file = malloc(sizeof(*file) + size);
    struct stat status;

    *out = NULL;
    if (file == NULL)
        return beamc_error_nomem();
    memcpy(file->path, path, size);
    file->input.filesystem = &beamc__local_files;
    do
        file->fd = open(plain_path(path), O_RDONLY | O_CLOEXEC);
    while (file->fd < 0 && errno == EINTR);
    if (file->fd < 0 || fstat(file->fd, &status) < 0) {
        beamc_error *err = beamc_error_system(errno, "%s", path);
        beamc_input_close(&file->input);
        return err;
    }
    file->sequential = !S_ISREG(status.st_mode);
    /* A hint only: what it answers makes no difference. */
    (void)posix_fadvise(file->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    *out = &file->input;
    return NULL;
}

static beamc_error *local_read_at(beamc_input *input, void *to, size_t size, uint64_t offset,
                                  size_t *got)
{
    local_input *file = (local_input *)input;

    *got = 0;
    while (*got < size) {
        char *at = (char *)to + *got;
        size_t left = size - *got;
        ssize_t n = file->sequential ? read(file->fd, at, left)
                                     : pread(file->fd, at, left, (off_t)(offset + *got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return beamc_error_system(errno, "%s: byte %llu", file->path,
                                      (unsigned long long)(offset + *got));
        if (n == 0)
            break;
        *got += (size_t)n;
        if (file->sequential) /* what is typed or piped is wanted when it comes */
            break;
    }
    return NULL;
}

static void local_close_input(beamc_input *input)
{
    local_input *file = (local_input *)input;

    if (file->fd >= 0)
        close(file->fd);
    free(file);
}

/* ---- writing -------------------------------------------------------------------------------- */

typedef struct {
    beamc_output output;
    int fd;
    char path[];
} local_output;

static beamc_error *local_create(beamc_output **out, const char *path, bool append)
{
    size_t size = strlen(path) + 1;
    local_output *file = malloc(sizeof(*file) + size);

    *out = NULL;
    if (file == NULL)
        return beamc_error_nomem();
    memcpy(file->path, path, size);
    file->output.filesystem = &beamc__local_files;
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC);
    do
        file->fd = open(plain_path(path), flags, 0666);
    while (file->fd < 0 && errno == EINTR);
    if (file->fd < 0) {
        beamc_error *err = beamc_error_system(errno, "%s", path);
        free(file);
        return err;
    }
    *out = &file->output;
    return NULL;
}

static beamc_error *local_write(beamc_output *output, const void *bytes, size_t size)
{
    const local_output *file = (const local_output *)output;
    const char *at = bytes;

    while (size > 0) {
        ssize_t n = write(file->fd, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return beamc_error_system(errno, "writing %s", file->path);
        at += n;
        size -= (size_t)n;
    }
    return NULL;
}

static beamc_error *local_close_output(beamc_output *take_output, bool sync)
{
    local_output *file = (local_output *)take_output;
    beamc_error *err = NULL;

    /* Pipes and devices have no disk to be on. */
    if (sync && fsync(file->fd) < 0 && errno != EINVAL && errno != EROFS)
        err = beamc_error_system(errno, "writing %s", file->path);
    /* After EINTR, Linux has closed it all the same. */
    if (close(file->fd) < 0 && errno != EINTR && err == NULL)
        err = beamc_error_system(errno, "writing %s", file->path);
    free(file);
    return err;
}

/* ---- names ---------------------------------------------------------------------------------- */

static beamc_error *local_rename(const char *from, const char *to)
{
    if (rename(plain_path(from), plain_path(to)) < 0)
        return beamc_error_system(errno, "renaming %s to %s", from, to);
    return NULL;
}

static beamc_error *local_remove(const char *path)
{
    if (unlink(plain_path(path)) < 0)
        return beamc_error_system(errno, "removing %s", path);
    return NULL;
}

static beamc_error *make_one_directory(const char *path)
{
    struct stat status;

    if (mkdir(path, 0777) == 0)
        return NULL;
    int errnum = errno;
    if (stat(path, &status) == 0) {
        if (S_ISDIR(status.st_mode))
            return NULL;
        errnum = ENOTDIR;
    }
    return beamc_error_system(errnum, "making directory %s", path);
}

static beamc_error *local_make_directory(const char *path)
{
    beamc_error *err = NULL;
    char *copy = strdup(plain_path(path));

    if (copy == NULL)
        return beamc_error_nomem();
    for (char *at = copy; err == NULL && *at != '\0'; at++) {
        if (*at != '/' || at == copy || at[-1] == '/')
            continue;
        *at = '\0';
        err = make_one_directory(copy);
        *at = '/';
    }
    if (err == NULL)
        err = make_one_directory(copy);
    free(copy);
    return err;
}

static beamc_error *empty_directory(int parent, const char *name, const char *path);

/* Removes entry @name of the open directory @parent; @path is for messages. */
static beamc_error *remove_entry(int parent, const char *name, const char *path)
{
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return NULL;
    if (errno != EISDIR && errno != EPERM)
        return beamc_error_system(errno, "removing %s/%s", path, name);
    BEAMC_TRY(empty_directory(parent, name, path));
    if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return beamc_error_system(errno, "removing %s/%s", path, name);
    return NULL;
}

static beamc_error *empty_directory(int parent, const char *name, const char *path)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    beamc_error *err = NULL;

    if (dir == NULL) {
        if (fd < 0 && errno == ENOENT)
            return NULL;
        err = beamc_error_system(errno, "removing %s", path);
        if (fd >= 0)
            close(fd);
        return err;
    }
    while (err == NULL) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL) {
            if (errno != 0)
                err = beamc_error_system(errno, "removing %s", path);
            break;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            err = remove_entry(fd, entry->d_name, path);
    }
    closedir(dir);
    return err;
}

static beamc_error *local_remove_directory(const char *path, bool with_contents)
{
    const char *plain = plain_path(path);

    if (with_contents)
        BEAMC_TRY(empty_directory(AT_FDCWD, plain, path));
    if (rmdir(plain) < 0 && errno != ENOENT)
        return beamc_error_system(errno, "removing %s", path);
    return NULL;
}

/* Cuts the last name off @path, in place; false if there is none left. */
static bool cut_name(char *path)
{
    size_t size = strlen(path);

    while (size > 0 && path[size - 1] == '/')
        size--;
    while (size > 0 && path[size - 1] != '/')
        size--;
    if (size == 0) {
        if (strcmp(path, ".") == 0 || path[0] == '/')
            return false;
        memcpy(path, ".", 2);
        return true;
    }
    path[size] = '\0';
    return true;
}

static beamc_error *local_check_writable(const char *path)
{
    char *at = strdup(plain_path(path));
    struct stat status;
    beamc_error *err = NULL;

    if (at == NULL)
        return beamc_error_nomem();
    int found = stat(at, &status);
    while (found < 0 && errno == ENOENT && cut_name(at))
        found = stat(at, &status);
    if (found < 0)
        err = beamc_error_system(errno, "%s", at);
    else if (!S_ISDIR(status.st_mode))
        err = beamc_error_system(ENOTDIR, "%s", at);
    else if (access(at, W_OK | X_OK) < 0)
        err = beamc_error_system(errno, "%s", at);
    free(at);
    return err;
}

const beamc_filesystem beamc__local_files = {
    .scheme = "file",
    .match = local_match,
    .open = local_open,
    .read_at = local_read_at,
    .close_input = local_close_input,
    .info = local_info,
    .create = local_create,
    .write = local_write,
    .close_output = local_close_output,
    .rename = local_rename,
    .remove = local_remove,
    .make_directory = local_make_directory,
    .remove_directory = local_remove_directory,
    .check_writable = local_check_writable,
    .can_append = true,
};
