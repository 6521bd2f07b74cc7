/* SPDX-License-Identifier: Apache-2.0 */
/* Finding DoFns and CombineFns by name: those of the program, then the library's own. */
#ifndef BEAMC_PIPELINE_FUNCTIONS_H
#define BEAMC_PIPELINE_FUNCTIONS_H

#include <beamc/dofn.h>

/* The function of that kind and name among @functions (@count of them) or the library's own; NULL if
 * there is none. */
const beamc_function *beamc__function_find(const beamc_function *const *functions, size_t count,
                                           beamc_function_kind kind, const char *name);

/* Whether this very table is among them. */
bool beamc__function_is_known(const beamc_function *const *functions, size_t count,
                              const beamc_function *function);

/* An error if two tables of one kind have one name, or a table has none. */
BEAMC_MUST_USE beamc_error *beamc__functions_check(const beamc_function *const *functions,
                                                   size_t count);

/* "DoFn" or "CombineFn". */
const char *beamc__function_kind_name(beamc_function_kind kind);

#endif
