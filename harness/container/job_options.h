/* SPDX-License-Identifier: Apache-2.0 */
/* What a job's options say to its workers.  They come with ProvisionInfo as JSON:
 *
 *     "beam:option:data_buffer_size_limit:v1": "1048576"     as most SDKs have it
 *     "options": { "dataBufferSizeLimit": 1048576 }          as some runners did */
#ifndef BEAMC_CONTAINER_JOB_OPTIONS_H
#define BEAMC_CONTAINER_JOB_OPTIONS_H

#include "proto/beam.h"
#include <beamc/arena.h>
#include <beamc/log.h>

typedef struct {
    const char *build_id;      /* of the program that submitted the job; NULL: not told */
    const char *job_name;      /* NULL: not told */
    beamc_log_level log_level; /* 0: not told */
    const Google__Protobuf__Struct *log_levels; /* of single places: log_overrides.h; NULL: not told */
    beamc_log_overrides log_overrides;          /* that, read; not filled in here */
    int64_t data_buffer_size;  /* bytes of output that are sent at once; 0: not told */
    int64_t data_buffer_ms;    /* how long output may wait to be sent; 0: not told */
    int64_t state_cache_size;  /* bytes of state kept over bundles; 0: none; -1: not told */
    int64_t element_timeout_ms; /* how long one element may take; 0: not told */
    bool sample_data;          /* a sample of the elements is to be kept */
    bool sample_exceptions;    /* of those that failed */
    bool trust_files;          /* staged files need not be checked */
} beamc__job_options;

/* What cannot be understood counts as not told.  Texts are borrowed from @options, which may be
 * NULL. */
void beamc__job_options_read(beamc__job_options *out, const Google__Protobuf__Struct *options);

#endif
