/* SPDX-License-Identifier: Apache-2.0 */
/* A whole program around a pipeline: options, --help, the choice of a runner, progress, a summary,
 * drawing, Ctrl-C and an exit status.
 *
 *     int main(int argc, char **argv)
 *     {
 *         return beamc_main(argc, argv, build);
 *     }
 *
 * Exit status: 0 the pipeline has run; 1 it could not be built, or failed; 2 the options are wrong;
 * 130 ended by Ctrl-C, 143 by SIGTERM.  Messages, progress and summary go to standard error, so
 * that standard output is the program's. */
#ifndef BEAMC_MAIN_H
#define BEAMC_MAIN_H

#include <beamc/options.h>
#include <beamc/pipeline.h>

BEAMC_EXTERN_C_BEGIN

/* Adds the program's transforms to an empty pipeline. */
typedef void beamc_build_fn(beamc_pipeline *pipeline, const beamc_options *options);

/** What the two below call, with the places of the program's DoFns and CombineFns. */
BEAMC_API int beamc_main_with(int argc, char **argv, beamc_build_fn *build,
                              const beamc_option_spec *specs, size_t spec_count,
                              const beamc_function *const *functions, size_t function_count);

/** Runs the program; answers its exit status. */
static inline int beamc_main(int argc, char **argv, beamc_build_fn *build)
{
    return beamc_main_with(argc, argv, build, NULL, 0, BEAMC_PROGRAM_FUNCTIONS);
}

/** The same with options of the program's own. */
static inline int beamc_main_options(int argc, char **argv, beamc_build_fn *build,
                                     const beamc_option_spec *specs, size_t spec_count)
{
    return beamc_main_with(argc, argv, build, specs, spec_count, BEAMC_PROGRAM_FUNCTIONS);
}

BEAMC_EXTERN_C_END

#endif
