/* SPDX-License-Identifier: Apache-2.0 */
/* Pipelines of every shape, for tests that look at graphs. */
#ifndef BEAMC_TEST_PIPELINES_H
#define BEAMC_TEST_PIPELINES_H

#include <beamc/pipeline.h>

typedef struct {
    const char *name;
    void (*build)(beamc_pipeline *p);
} test_pipeline;

extern const test_pipeline test_pipelines[];
extern const size_t test_pipeline_count;

/* A new pipeline that knows this program's functions; NULL without memory. */
beamc_pipeline *test_pipeline_new(void);

#endif
