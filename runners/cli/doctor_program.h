/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that have a pipeline, which is asked of them without running it. */
#ifndef BEAMC_CLI_DOCTOR_PROGRAM_H
#define BEAMC_CLI_DOCTOR_PROGRAM_H

#include <beamc/buffer.h>

/* Whether this is a file of a Pipeline, by the end of its name. */
bool beamc__doctor_is_pipeline(const char *path);

/* The absolute path of a program that was typed, to @out of @size > 0; without a slash in it, it is
 * looked for in the PATH. */
BEAMC_MUST_USE beamc_error *beamc__doctor_find_program(const char *typed, char *out, size_t size);

/* Has the program at @path build its pipeline, with the @count - 1 @arguments behind the first, and
 * appends it to @out.  The error says what the program said. */
BEAMC_MUST_USE beamc_error *beamc__doctor_run_program(beamc_buffer *out, const char *path,
                                                      const char *const *arguments, size_t count,
                                                      int64_t timeout_ms);

/* An error if the program at @path does not take @option, "--name=value"; it says why. */
BEAMC_MUST_USE beamc_error *beamc__doctor_ask_option(const char *path, const char *option,
                                                     int64_t timeout_ms);

#endif
