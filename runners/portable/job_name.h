/* SPDX-License-Identifier: Apache-2.0 */
/* What a job is called.  Servers show it, make file names of it, and Prism calls workers by it, in
 * what gRPC allows to be of printable ASCII only: it ends if there is anything else. */
#ifndef BEAMC_PORTABLE_JOB_NAME_H
#define BEAMC_PORTABLE_JOB_NAME_H

#include <beamc/portable.h>

/* Whether a job can be called @name, which may be NULL: then it is chosen. */
BEAMC_MUST_USE beamc_error *beamc__job_name_check(const char *name);

/* The name that @options give, or the program's and the time; cut off at @size. */
void beamc__job_name_choose(char *out, size_t size, const beamc_portable_options *options);

#endif
