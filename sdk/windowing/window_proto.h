/* SPDX-License-Identifier: Apache-2.0 */
/* Windowing as Beam's messages say it: FunctionSpecs of window functions, WindowingStrategies. */
#ifndef BEAMC_WINDOWING_WINDOW_PROTO_H
#define BEAMC_WINDOWING_WINDOW_PROTO_H

#include "proto/beam.h"
#include "sdk/windowing/window_fn.h"

#define BEAMC__URN_GLOBAL_WINDOWS "beam:window_fn:global_windows:v1"
#define BEAMC__URN_FIXED_WINDOWS "beam:window_fn:fixed_windows:v1"
#define BEAMC__URN_SLIDING_WINDOWS "beam:window_fn:sliding_windows:v1"
#define BEAMC__URN_SESSION_WINDOWS "beam:window_fn:session_windows:v1"

/* Sets up the window function that @spec names; one that is no standard one becomes opaque, of
 * unknown form.  An error: a payload that is malformed or has values out of range. */
BEAMC_MUST_USE beamc_error *beamc__window_fn_read(beamc__window_fn *out,
                                                  const PB(FunctionSpec) *spec);

/* What a WindowingStrategy says of its window function, lateness and output time.  Triggers and
 * pane behaviour are left to who runs them. */
typedef struct {
    beamc__window_fn fn; /* form by the function; an opaque one's by @window_coder, see below */
    int64_t allowed_lateness;
    beamc_output_time output_time;
    bool needs_merge; /* at the next aggregation */
} beamc__strategy;

/* @window_coder, the strategy's (may be NULL), tells an opaque function's form.  An error: a window
 * function as above, or a negative lateness. */
BEAMC_MUST_USE beamc_error *beamc__strategy_read(beamc__strategy *out,
                                                 const PB(WindowingStrategy) *strategy,
                                                 const PB(Coder) *window_coder);

/* The strategy for @windowing, which has been checked, in @arena; ids are borrowed.  NULL without
 * memory. */
PB(WindowingStrategy) *beamc__strategy_write(const beamc_windowing *windowing,
                                             const char *window_coder_id,
                                             const char *environment_id, beamc_arena *arena);

/* The window function alone, likewise. */
PB(FunctionSpec) *beamc__window_fn_write(const beamc_windowing *windowing, beamc_arena *arena);

/* The URN of the coder of its windows. */
const char *beamc__window_coder_urn(const beamc_windowing *windowing);

#endif
