/* SPDX-License-Identifier: Apache-2.0 */
/* Window functions at work: assigning windows to elements, merging sessions, mapping to a side
 * input's window.  Windows stay encoded, as elements carry them:
 *
 *     global     nothing
 *     interval   end: 8 bytes, big-endian, top bit flipped | span end - start: varint
 *     custom     max timestamp: 8 bytes likewise | whatever its inner coder writes
 *
 * Everything here is leaf code: it answers BEAMC_OK or a negative beamc_code. */
#ifndef BEAMC_WINDOWING_WINDOW_FN_H
#define BEAMC_WINDOWING_WINDOW_FN_H

#include "sdk/coders/varint.h"
#include <beamc/window.h>

/* ---- windows as bytes ------------------------------------------------------------------------ */

typedef enum {
    BEAMC__WINDOW_FORM_GLOBAL,
    BEAMC__WINDOW_FORM_INTERVAL,
    BEAMC__WINDOW_FORM_CUSTOM, /* beam:coder:custom_window:v1 */
    BEAMC__WINDOW_FORM_UNKNOWN /* another SDK's coder: bytes to carry */
} beamc__window_form;

/* Room for a global or an interval window. */
#define BEAMC__WINDOW_SIZE_MAX 18

/* Writes an interval (start <= end) to @out (BEAMC__WINDOW_SIZE_MAX bytes); answers its size. */
size_t beamc__interval_encode(beamc_interval_window interval, uint8_t *out);

/* Reads one interval window. */
BEAMC_MUST_USE int beamc__interval_decode(beamc_interval_window *out, beamc_reader *in);

/* The last timestamp inside the encoded window.  EUNSUPPORTED if the form is unknown. */
BEAMC_MUST_USE int beamc__window_max_timestamp(beamc__window_form form, const uint8_t *window,
                                               size_t size, beamc_timestamp *out);

/* Moves @in past one window of the global or interval form; EUNSUPPORTED for the others. */
BEAMC_MUST_USE int beamc__window_skip(beamc__window_form form, beamc_reader *in);

/* ---- the window function --------------------------------------------------------------------- */

/* Ready to be used; const after its _init, shared by threads. */
typedef struct {
    beamc_window_kind kind;  /* not of an opaque one */
    bool opaque;             /* another SDK's: cannot be run here, only carried */
    bool merges;             /* sessions */
    beamc__window_form form; /* of its windows */
    int64_t size;
    int64_t period;
    int64_t offset;
    uint32_t most; /* windows of one element at most */
} beamc__window_fn;

/* Checks @windowing and sets up its function.  EINVAL: a size, period or offset is out of range;
 * ELIMIT: more than BEAMC__WINDOWS_MAX windows per element. */
#define BEAMC__WINDOWS_MAX 100000
BEAMC_MUST_USE int beamc__window_fn_init(beamc__window_fn *out, const beamc_windowing *windowing);

/* The same, but says what is wrong: "fixed windows of -5 ms: the size must be above 0". */
BEAMC_MUST_USE beamc_error *beamc__windowing_check(const beamc_windowing *windowing);

/* Equal in all fields that matter for the kind. */
bool beamc__windowing_equal(const beamc_windowing *a, const beamc_windowing *b);

/* Appends "fixed windows of 5000 ms" and the like. */
void beamc__windowing_print(const beamc_windowing *windowing, beamc_buffer *out);

/* The windows of the element put to it last.  Elements near in time have the same windows, so
 * they are kept for all timestamps in [from, until).  Owner thread only. */
typedef struct {
    const beamc__window_fn *fn;
    beamc_timestamp from;
    beamc_timestamp until;
    uint32_t windows_size;
    uint32_t window_count; /* 0: between windows (a period above the size) */
    uint8_t *windows;      /* owned; encoded one after the other */
} beamc__window_assigner;

/* EUNSUPPORTED: @fn (borrowed) is opaque; ENOMEM. */
BEAMC_MUST_USE int beamc__window_assigner_init(beamc__window_assigner *out,
                                               const beamc__window_fn *fn);
void beamc__window_assigner_dispose(beamc__window_assigner *assigner);

void beamc__window_assign_anew(beamc__window_assigner *assigner, beamc_timestamp timestamp);

/* Puts the windows for @timestamp into the assigner; they stay until the next call. */
static inline void beamc__window_assign(beamc__window_assigner *assigner, beamc_timestamp timestamp)
{
    if (BEAMC_UNLIKELY(timestamp < assigner->from || timestamp >= assigner->until))
        beamc__window_assign_anew(assigner, timestamp);
}

/* ---- merging --------------------------------------------------------------------------------- */

/* Windows of a key in order of their start: joins @next to @session if they overlap (touching is
 * not overlapping), else leaves it and answers false. */
static inline bool beamc__window_join(beamc_interval_window *session,
                                      const beamc_interval_window *next)
{
    if (next->start >= session->end || session->start >= next->end)
        return false;
    if (next->start < session->start)
        session->start = next->start;
    if (next->end > session->end)
        session->end = next->end;
    return true;
}

/* Merges those of @count windows, in any order, that overlap.  Writes the results to @merged,
 * ordered by start, and for each window the index of its result to @group; both have room for
 * @count, as has @order, which is scratch and afterwards holds the windows' indexes by start.
 * Answers the number of results. */
size_t beamc__windows_merge(const beamc_interval_window *windows, size_t count, uint32_t *order,
                            uint32_t *group, beamc_interval_window *merged);

/* ---- side inputs, timestamps ------------------------------------------------------------------ */

/* The default mapping: the window of the side input (of @side) that belongs to a window of the main
 * input: of those that hold the main window's last timestamp the earliest.  @out has room for
 * BEAMC__WINDOW_SIZE_MAX.  EUNSUPPORTED for sessions and opaque ones; ENOENT if no window holds it. */
BEAMC_MUST_USE int beamc__window_map_side(const beamc__window_fn *side, beamc__window_form main_form,
                                          const uint8_t *main_window, size_t main_size,
                                          uint8_t *out, size_t *out_size);

/* The timestamp of what an aggregation gives: fold the elements' timestamps, then finish with the
 * window's last one. */
static inline beamc_timestamp beamc__output_time_fold(beamc_output_time how, beamc_timestamp so_far,
                                                      beamc_timestamp timestamp)
{
    if (how == BEAMC_OUTPUT_LATEST)
        return timestamp > so_far ? timestamp : so_far;
    return timestamp < so_far ? timestamp : so_far;
}

static inline beamc_timestamp beamc__output_time_finish(beamc_output_time how,
                                                        beamc_timestamp folded,
                                                        beamc_timestamp window_max)
{
    if (how == BEAMC_OUTPUT_END_OF_WINDOW)
        return window_max;
    return folded < window_max ? folded : window_max;
}

#endif
