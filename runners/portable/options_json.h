/* SPDX-License-Identifier: Apache-2.0 */
/* Options in the form in which they go to a job server and on to the workers: an object whose
 * members are named beam:option:<name>:v1. */
#ifndef BEAMC_PORTABLE_OPTIONS_JSON_H
#define BEAMC_PORTABLE_OPTIONS_JSON_H

#include "runners/portable/json_value.h"
#include <beamc/options.h>

/* What @options (NULL: none) were given, but for those that only this program acts on.  Options
 * that it does not know are looked up in @described (NULL: the server describes none) and read as
 * they are described there; those that are not there either are an error.  In @arena. */
BEAMC_MUST_USE beamc_error *
beamc__options_to_json(beamc__json_object **out, const beamc_options *options,
                       const JOB(DescribePipelineOptionsResponse) *described, beamc_arena *arena);

/* Sets option @name unless it is there; @text NULL does nothing.  False without memory. */
BEAMC_MUST_USE bool beamc__options_json_set(beamc__json_object *object, const char *name,
                                            const char *text, beamc_arena *arena);

#endif
