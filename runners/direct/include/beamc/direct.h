/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a pipeline on this machine, in this process: threads for workers, no sockets. */
#ifndef BEAMC_DIRECT_H
#define BEAMC_DIRECT_H

#include <beamc/log.h>
#include <beamc/pipeline.h>
#include <beamc/result.h>

BEAMC_EXTERN_C_BEGIN

typedef enum {
    BEAMC_STAGE_WAITING,
    BEAMC_STAGE_RUNNING,
    BEAMC_STAGE_DONE
} beamc_stage_state;

/* How far a stage (transforms run together) is. */
typedef struct {
    const char *name; /* of its transforms: "ReadText+extract_words+Count" */
    beamc_stage_state state;
    int64_t elements;     /* read so far */
    int64_t bytes;        /* written into shuffles and intermediate results so far */
    int64_t bundles_done;
    int64_t bundles;
    int64_t started_ms, ended_ms; /* monotonic; 0: not yet */
} beamc_stage_progress;

typedef struct {
    const beamc_stage_progress *stages;
    size_t stage_count;
    int64_t spilled_bytes; /* written to temporary files so far */
} beamc_progress;

typedef struct {
    int workers;               /* threads; 0: one for each core */
    uint64_t memory_budget;    /* bytes for shuffles before they spill; 0: a quarter of RAM */
    const char *temp_location; /* directory for spills; NULL: TMPDIR or /tmp */
    const beamc_log_sink *log; /* NULL: standard error */
    beamc_log_level log_level; /* 0: INFO */
    beamc_log_overrides log_overrides; /* levels of single places; borrowed for the run */
    /** Called about every @progress_interval_ms and at each stage's end, never two at once, from a
     *  thread of the run.  May be NULL. */
    void (*progress)(void *ctx, const beamc_progress *progress);
    void *progress_ctx;
    int64_t progress_interval_ms; /* 0: 200 */
    /** Becomes non-zero (from a signal handler or any thread) to end the run; may be NULL. */
    const volatile int *cancel;
} beamc_direct_options;

/** Runs @pipeline to its end.  On success *@out (may be NULL) is the result, owned by the caller.
 *  On an error, its transform named, all workers have stopped and temporary files are gone;
 *  cancelled gives BEAMC_ECANCELLED.  @options may be NULL. */
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_run_direct(beamc_result **out,
                                                       beamc_pipeline *pipeline,
                                                       const beamc_direct_options *options);

BEAMC_EXTERN_C_END

#endif
