/* SPDX-License-Identifier: Apache-2.0 */
/* A directory for the files of one test, and reading and writing small files whole. */
#ifndef BEAMC_TEST_SCRATCH_H
#define BEAMC_TEST_SCRATCH_H

#include <beamc/buffer.h>
#include <beamc/error.h>
#include <stdbool.h>

/* Checked fixtures: make the directory and go there; leave and remove it. */
void scratch_setup(void);
void scratch_teardown(void);

/* Its absolute path. */
const char *scratch_path(void);

void scratch_write(const char *path, const void *bytes, size_t size);
void scratch_write_text(const char *path, const char *text);

/* The bytes of a file, ended by NUL that the size does not count; fails the test if it cannot. */
beamc_buffer scratch_read(const char *path);

bool scratch_exists(const char *path);

/* The names in a directory, sorted, each with a blank behind; "." and ".." left out.  To free. */
char *scratch_list(const char *path);

/* Runs a shell command, which must succeed. */
void scratch_run(const char *command);

/* The whole of an error as text; frees the error.  Valid until the next call. */
const char *scratch_text(beamc_error *take_error);

#endif
