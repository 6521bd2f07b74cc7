/* SPDX-License-Identifier: Apache-2.0 */
/* What a PCollection holds, by running its pipeline: each element as beamc_print shows it, a line
 * each, sorted. */
#ifndef BEAMC_TEST_COLLECT_H
#define BEAMC_TEST_COLLECT_H

#include <beamc/pipeline.h>

/* A pipeline with the functions of the test program. */
beamc_pipeline *collect_pipeline(void);

/* Runs the pipeline of @in (once with one worker, once with three) and checks that the lines of
 * @in are those of @expected, in any order; then frees the pipeline. */
void collect_check_at(const char *file, int line, beamc_pcollection in, const char *expected);
#define collect_check(in, expected) collect_check_at(__FILE__, __LINE__, in, expected)

/* Runs it and answers the sorted lines, for the caller to free; frees the pipeline. */
char *collect_lines_at(const char *file, int line, beamc_pcollection in);
#define collect_lines(in) collect_lines_at(__FILE__, __LINE__, in)

/* Checks that building or running the pipeline of @in fails with an error that contains @part; then
 * frees the pipeline. */
void collect_check_error_at(const char *file, int line, beamc_pcollection in, const char *part);
#define collect_check_error(in, part) collect_check_error_at(__FILE__, __LINE__, in, part)

/* The same of an error that is there when the pipeline is built. */
void collect_check_refused_at(const char *file, int line, beamc_pcollection in, const char *part);
#define collect_check_refused(in, part) collect_check_refused_at(__FILE__, __LINE__, in, part)

#endif
