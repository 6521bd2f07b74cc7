/* SPDX-License-Identifier: Apache-2.0 */
/* What a finished run tells: the values of metrics, and how many elements went where. */
#ifndef BEAMC_RESULT_H
#define BEAMC_RESULT_H

#include <beamc/metric.h>

BEAMC_EXTERN_C_BEGIN

typedef struct beamc_result beamc_result;

/* A user's metric in one transform, summed over all bundles that succeeded. */
typedef struct {
    beamc_metric_kind kind;
    const char *transform; /* unique name */
    const char *space;
    const char *name;
    int64_t value;               /* counter: sum; gauge: latest */
    int64_t count, sum, min, max; /* distribution */
    const beamc_string *strings; /* string set, in byte order */
    size_t string_count;
} beamc_metric_value;

/* Elements that were put into a PCollection. */
typedef struct {
    const char *pcollection; /* unique name */
    int64_t elements;
} beamc_pcollection_count;

/** Accepts NULL. */
BEAMC_API void beamc_result_free(beamc_result *result);

/* Borrowed from the result; in order of transform and name.  NULL past the last. */
BEAMC_API size_t beamc_result_metric_count(const beamc_result *result);
BEAMC_API const beamc_metric_value *beamc_result_metric(const beamc_result *result, size_t index);
BEAMC_API size_t beamc_result_pcollection_count(const beamc_result *result);
BEAMC_API const beamc_pcollection_count *beamc_result_pcollection(const beamc_result *result,
                                                                  size_t index);

/** The sum of a counter over all transforms; 0 if it was never touched. */
BEAMC_API int64_t beamc_result_counter(const beamc_result *result, const beamc_metric *metric);

BEAMC_EXTERN_C_END

#endif
