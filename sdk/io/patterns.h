/* SPDX-License-Identifier: Apache-2.0 */
/* What transforms on files share: patterns as elements, and looking at them while the pipeline is
 * built. */
#ifndef BEAMC_IO_PATTERNS_H
#define BEAMC_IO_PATTERNS_H

#include <beamc/filesystem.h>
#include <beamc/text_io.h>

/* The files of a pattern; an error if there are none and @empty_match, which is not DEFAULT, does
 * not allow that.  Memory from @arena. */
BEAMC_MUST_USE beamc_error *beamc__pattern_match(beamc_file_list *out, beamc_string pattern,
                                                 beamc_empty_match empty_match,
                                                 beamc_arena *arena);

/* The same for local files, to know early; other file systems must only be there. */
BEAMC_MUST_USE beamc_error *beamc__pattern_check(const char *pattern,
                                                 beamc_empty_match empty_match);

/* A string ended by NUL, in @arena; an error if it has a NUL inside. */
BEAMC_MUST_USE beamc_error *beamc__path_of(const char **out, beamc_string path,
                                           beamc_arena *arena);

/* BEAMC_EMPTY_MATCH_DEFAULT as what it stands for. */
BEAMC_MUST_USE beamc_error *beamc__empty_match_of(beamc_empty_match *out,
                                                  beamc_empty_match given,
                                                  beamc_empty_match by_default);

/* The one pattern of a transform as a PCollection of string. */
beamc_pcollection beamc__pattern_create(beamc_location at, beamc_pipeline *pipeline,
                                        const char *pattern);

/* Makes @take_error the error of transform @name; answers no collection. */
beamc_pcollection beamc__io_refuse(beamc_location at, beamc_pipeline *pipeline, const char *name,
                                   beamc_error *take_error);

/* An error unless @in is there and holds strings. */
BEAMC_MUST_USE beamc_error *beamc__io_need_strings(beamc_pcollection in);

/* A ParDo inside a composite, by the name of its step. */
beamc_pcollection beamc__io_step(beamc_location at, beamc_pcollection in, const char *step,
                                 const beamc_dofn *dofn, const void *config);

#endif
