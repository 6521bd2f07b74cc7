/* SPDX-License-Identifier: Apache-2.0 */
/* What beamc doctor finds: a line each, as
 *
 *     ok       the job server at localhost:8099 answers: it is Flink's
 *     warning  ...
 *     problem  ... what is wrong: what to do */
#ifndef BEAMC_CLI_FINDINGS_H
#define BEAMC_CLI_FINDINGS_H

#include <beamc/error.h>
#include <stdio.h>

typedef enum {
    BEAMC__FINDING_OK,
    BEAMC__FINDING_WARNING, /* it may work */
    BEAMC__FINDING_PROBLEM, /* it will not */
    BEAMC__FINDINGS
} beamc__finding;

typedef struct {
    FILE *out; /* borrowed */
    size_t counts[BEAMC__FINDINGS];
} beamc__findings;

void beamc__find(beamc__findings *findings, beamc__finding kind, const char *format, ...)
    BEAMC_PRINTF(3, 4);

/* A problem if there is an error, which is freed; whether there was one. */
bool beamc__find_error(beamc__findings *findings, beamc_error *take_error);

/* The line at the end. */
void beamc__findings_sum(const beamc__findings *findings);

#endif
