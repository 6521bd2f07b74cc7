/* SPDX-License-Identifier: Apache-2.0 */
/* Files, wherever they are: each file system is a const table of functions, found by the scheme of
 * a path.  Paths without a scheme and file:///... are local files.
 *
 *     beamc_file_list files;
 *     BEAMC_TRY(beamc_files_match(&files, "logs/2024-*.txt", arena));
 *
 * Patterns: * and ? do not cross a '/', [a-z] and [!a-z] are one byte, ** crosses (and "**" "/" may
 * be nothing), \ takes the next byte as it is.  As in shells a wildcard does not match a '.' that
 * begins a name.  Any thread; an open file belongs to one. */
#ifndef BEAMC_FILESYSTEM_H
#define BEAMC_FILESYSTEM_H

#include <beamc/type.h>

BEAMC_EXTERN_C_BEGIN

typedef struct {
    const char *path;
    uint64_t size;            /* 0 if it is not known before it is read: pipes, /proc */
    beamc_timestamp modified;
    bool sequential;          /* cannot be read from a place in it: a pipe, a terminal */
} beamc_file_info;

typedef struct {
    const beamc_file_info *files;
    size_t count;
} beamc_file_list;

typedef struct beamc_filesystem beamc_filesystem;

/* An open file; the head of what a file system makes of it. */
typedef struct {
    const beamc_filesystem *filesystem;
} beamc_input;

typedef struct {
    const beamc_filesystem *filesystem;
} beamc_output;

/* Errors of all of these name the path. */
struct beamc_filesystem {
    const char *scheme; /* "file" of "file://" */
    /** The files that match, in any order; none is no error.  Strings come from @arena. */
    beamc_error *(*match)(beamc_file_list *out, const char *pattern, beamc_arena *arena);
    /** For reading. */
    beamc_error *(*open)(beamc_input **out, const char *path);
    /** Up to @size bytes at @offset (sequential files: go on from there); *@got is less only at the
     *  end. */
    beamc_error *(*read_at)(beamc_input *input, void *to, size_t size, uint64_t offset,
                            size_t *got);
    void (*close_input)(beamc_input *input);
    /** What there is at @path, taken as it is; the path in @out is @path.  BEAMC_ENOENT. */
    beamc_error *(*info)(beamc_file_info *out, const char *path);
    /** A new file in place of an old one; @append (if can_append): goes on at its end. */
    beamc_error *(*create)(beamc_output **out, const char *path, bool append);
    /** All of @size bytes. */
    beamc_error *(*write)(beamc_output *output, const void *bytes, size_t size);
    /** Ends the file; @sync: it is on the disk when this returns.  Frees @take_output always. */
    beamc_error *(*close_output)(beamc_output *take_output, bool sync);
    /** In one step, replacing what is there; ENOENT if @from is not. */
    beamc_error *(*rename)(const char *from, const char *to);
    /** BEAMC_ENOENT if there is none. */
    beamc_error *(*remove)(const char *path);
    /** With those above it; there already is fine. */
    beamc_error *(*make_directory)(const char *path);
    /** @with_contents: with all in it; else an error if there is something in it.  None is fine. */
    beamc_error *(*remove_directory)(const char *path, bool with_contents);
    /** Whether a file could be made in directory @path, or in it once it is made; changes
     *  nothing. */
    beamc_error *(*check_writable)(const char *path);
    bool can_append;
};

/** The file system of a path or pattern; an error that names the scheme if this build has none. */
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_filesystem_find(const beamc_filesystem **out,
                                                            const char *path);

/** True if @pattern has wildcards, so that it may match several files, or none. */
BEAMC_API bool beamc_pattern_is_wild(const char *pattern);

/** The files that match @pattern, sorted by path; none is no error.  A pattern without wildcards
 *  that names a directory is one.  Memory from @arena. */
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_files_match(beamc_file_list *out, const char *pattern,
                                                        beamc_arena *arena);

/* The functions of the table, for a path's file system.  See there. */
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_input_open(beamc_input **out, const char *path);
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_input_read_at(beamc_input *input, void *to, size_t size,
                                                          uint64_t offset, size_t *got);
BEAMC_API void beamc_input_close(beamc_input *input); /* accepts NULL */

BEAMC_API BEAMC_MUST_USE beamc_error *beamc_file_stat(beamc_file_info *out, const char *path);

BEAMC_API BEAMC_MUST_USE beamc_error *beamc_output_create(beamc_output **out, const char *path,
                                                          bool append);
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_output_write(beamc_output *output, const void *bytes,
                                                         size_t size);
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_output_close(beamc_output *take_output, bool sync);

/** Both on the same file system. */
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_file_rename(const char *from, const char *to);
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_file_remove(const char *path);
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_directory_make(const char *path);
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_directory_remove(const char *path,
                                                             bool with_contents);
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_directory_check_writable(const char *path);

BEAMC_EXTERN_C_END

#endif
