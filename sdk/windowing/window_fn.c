/* SPDX-License-Identifier: Apache-2.0 */
/* The standard window functions.  All results are cut to [start of time, end of the global window],
 * so that windows at the edges encode and expire like any other. */
#include "sdk/windowing/window_fn.h"
#include <inttypes.h>
#include <stdlib.h>

/* The exclusive end of the last window there can be. */
#define TIME_END (BEAMC_TIMESTAMP_MAX_GLOBAL + 1)

/* ---- windows as bytes ------------------------------------------------------------------------ */

#define SIGN_BIT (UINT64_C(1) << 63)

size_t beamc__interval_encode(beamc_interval_window interval, uint8_t *out)
{
    beamc__store_be64(out, (uint64_t)interval.end ^ SIGN_BIT);
    return (size_t)(beamc__varint_put(out + 8, (uint64_t)interval.end - (uint64_t)interval.start) -
                    out);
}

int beamc__interval_decode(beamc_interval_window *out, beamc_reader *in)
{
    uint64_t end;
    uint64_t span;
    int rc = beamc__be64_decode(in, &end);

    if (rc < 0 || (rc = beamc__varint_decode(in, &span)) < 0)
        return rc;
    beamc_timestamp last = (beamc_timestamp)(end ^ SIGN_BIT);
    beamc_timestamp first;
    if (span > INT64_MAX || __builtin_sub_overflow(last, (int64_t)span, &first))
        return BEAMC_ECORRUPT;
    out->start = first;
    out->end = last;
    return BEAMC_OK;
}

int beamc__window_max_timestamp(beamc__window_form form, const uint8_t *window, size_t size,
                                beamc_timestamp *out)
{
    if (form == BEAMC__WINDOW_FORM_GLOBAL) {
        *out = BEAMC_TIMESTAMP_MAX_GLOBAL;
        return BEAMC_OK;
    }
    if (form == BEAMC__WINDOW_FORM_UNKNOWN)
        return BEAMC_EUNSUPPORTED;
    if (size < 8)
        return BEAMC_ESHORT;
    beamc_timestamp at = (beamc_timestamp)(beamc__load_be64(window) ^ SIGN_BIT);
    if (form == BEAMC__WINDOW_FORM_INTERVAL && at > INT64_MIN)
        at--;
    *out = at;
    return BEAMC_OK;
}

int beamc__window_skip(beamc__window_form form, beamc_reader *in)
{
    beamc_interval_window interval;

    if (form == BEAMC__WINDOW_FORM_GLOBAL)
        return BEAMC_OK;
    if (form == BEAMC__WINDOW_FORM_INTERVAL)
        return beamc__interval_decode(&interval, in);
    return BEAMC_EUNSUPPORTED;
}

/* ---- checking -------------------------------------------------------------------------------- */

/* Sums of two such stay far inside 64 bits. */
static bool in_range(int64_t value, int64_t least)
{
    return value >= least && value <= BEAMC_TIMESTAMP_MAX;
}

static const char *kind_name(beamc_window_kind kind)
{
    switch (kind) {
    case BEAMC_WINDOW_GLOBAL:
        return "the global window";
    case BEAMC_WINDOW_FIXED:
        return "fixed windows";
    case BEAMC_WINDOW_SLIDING:
        return "sliding windows";
    case BEAMC_WINDOW_SESSIONS:
        return "sessions";
    }
    return NULL;
}

void beamc__windowing_print(const beamc_windowing *windowing, beamc_buffer *out)
{
    const char *name = kind_name(windowing->kind);

    if (name == NULL) {
        beamc_buffer_printf(out, "windows of kind %d", (int)windowing->kind);
        return;
    }
    beamc_buffer_append_string(out, name);
    if (windowing->kind == BEAMC_WINDOW_SESSIONS)
        beamc_buffer_printf(out, " with a gap of %" PRId64 " ms", windowing->size);
    else if (windowing->kind != BEAMC_WINDOW_GLOBAL)
        beamc_buffer_printf(out, " of %" PRId64 " ms", windowing->size);
    if (windowing->kind == BEAMC_WINDOW_SLIDING)
        beamc_buffer_printf(out, " every %" PRId64 " ms", windowing->period);
    if (windowing->offset != 0)
        beamc_buffer_printf(out, " from %" PRId64 " ms", windowing->offset);
    if (windowing->allowed_lateness != 0)
        beamc_buffer_printf(out, " with a lateness of %" PRId64 " ms", windowing->allowed_lateness);
    if (windowing->output_time == BEAMC_OUTPUT_LATEST)
        beamc_buffer_append_string(out, " with the latest timestamp");
    else if (windowing->output_time == BEAMC_OUTPUT_EARLIEST)
        beamc_buffer_append_string(out, " with the earliest timestamp");
}

/* What is wrong, or NULL; *@code says how. */
static const char *find_fault(const beamc_windowing *windowing, int *code)
{
    int64_t step = windowing->kind == BEAMC_WINDOW_SLIDING ? windowing->period : windowing->size;

    *code = BEAMC_EINVAL;
    if (windowing->allowed_lateness < 0)
        return "the allowed lateness must not be negative";
    if (windowing->output_time < BEAMC_OUTPUT_END_OF_WINDOW ||
        windowing->output_time > BEAMC_OUTPUT_EARLIEST)
        return "there is no such output time";
    switch (windowing->kind) {
    case BEAMC_WINDOW_GLOBAL:
        return NULL;
    case BEAMC_WINDOW_FIXED:
    case BEAMC_WINDOW_SLIDING:
    case BEAMC_WINDOW_SESSIONS:
        break;
    default:
        return "there is no such kind";
    }
    if (!in_range(windowing->size, 1))
        return windowing->kind == BEAMC_WINDOW_SESSIONS ? "the gap must be above 0"
                                                        : "the size must be above 0";
    if (!in_range(step, 1))
        return "the period must be above 0";
    if (windowing->kind != BEAMC_WINDOW_SESSIONS &&
        (windowing->offset < 0 || windowing->offset >= step))
        return windowing->kind == BEAMC_WINDOW_FIXED ? "the offset must be in [0, size)"
                                                     : "the offset must be in [0, period)";
    if ((windowing->size - 1) / step >= BEAMC__WINDOWS_MAX) {
        *code = BEAMC_ELIMIT;
        return "each element would be in too many of them";
    }
    return NULL;
}

int beamc__window_fn_init(beamc__window_fn *out, const beamc_windowing *windowing)
{
    int code;

    memset(out, 0, sizeof(*out));
    if (find_fault(windowing, &code) != NULL)
        return code;
    out->kind = windowing->kind;
    out->merges = windowing->kind == BEAMC_WINDOW_SESSIONS;
    out->form = windowing->kind == BEAMC_WINDOW_GLOBAL ? BEAMC__WINDOW_FORM_GLOBAL
                                                       : BEAMC__WINDOW_FORM_INTERVAL;
    out->most = 1;
    if (windowing->kind == BEAMC_WINDOW_GLOBAL)
        return BEAMC_OK;
    out->size = windowing->size;
    out->period = windowing->kind == BEAMC_WINDOW_SLIDING ? windowing->period : windowing->size;
    out->offset = windowing->kind == BEAMC_WINDOW_SESSIONS ? 0 : windowing->offset;
    out->most = (uint32_t)((out->size - 1) / out->period) + 1;
    return BEAMC_OK;
}

beamc_error *beamc__windowing_check(const beamc_windowing *windowing)
{
    int code;
    const char *fault = find_fault(windowing, &code);

    if (fault == NULL)
        return NULL;
    beamc_buffer text;
    beamc_buffer_init(&text);
    beamc__windowing_print(windowing, &text);
    beamc_error *err = beamc_buffer_failed(&text)
                           ? beamc_error_nomem()
                           : beamc_error_new((beamc_code)code, "%.*s: %s", (int)text.size,
                                             (const char *)text.data, fault);
    beamc_buffer_dispose(&text);
    return err;
}

bool beamc__windowing_equal(const beamc_windowing *a, const beamc_windowing *b)
{
    if (a->kind != b->kind || a->allowed_lateness != b->allowed_lateness ||
        a->output_time != b->output_time)
        return false;
    if (a->kind == BEAMC_WINDOW_GLOBAL)
        return true;
    if (a->size != b->size)
        return false;
    if (a->kind == BEAMC_WINDOW_SESSIONS)
        return true;
    return a->offset == b->offset && (a->kind == BEAMC_WINDOW_FIXED || a->period == b->period);
}

/* ---- assigning ------------------------------------------------------------------------------- */

static beamc_timestamp clamp(beamc_timestamp at, beamc_timestamp least, beamc_timestamp most)
{
    return at < least ? least : at > most ? most : at;
}

/* The start of the period that @timestamp is in; also right before the epoch. */
static beamc_timestamp period_start(const beamc__window_fn *fn, beamc_timestamp timestamp)
{
    int64_t into = (timestamp - fn->offset) % fn->period;
    return timestamp - (into < 0 ? into + fn->period : into);
}

static beamc_interval_window cut(beamc_timestamp start, int64_t size)
{
    beamc_interval_window window = { clamp(start, BEAMC_TIMESTAMP_MIN, BEAMC_TIMESTAMP_MAX_GLOBAL),
                                     start + size < TIME_END ? start + size : TIME_END };
    return window;
}

int beamc__window_assigner_init(beamc__window_assigner *out, const beamc__window_fn *fn)
{
    memset(out, 0, sizeof(*out));
    if (fn->opaque)
        return BEAMC_EUNSUPPORTED;
    out->fn = fn;
    out->windows = malloc((size_t)fn->most * BEAMC__WINDOW_SIZE_MAX);
    if (out->windows == NULL)
        return BEAMC_ENOMEM;
    if (fn->kind == BEAMC_WINDOW_GLOBAL) {
        out->from = INT64_MIN;
        out->until = INT64_MAX;
        out->window_count = 1;
    }
    return BEAMC_OK;
}

void beamc__window_assigner_dispose(beamc__window_assigner *assigner)
{
    free(assigner->windows);
    memset(assigner, 0, sizeof(*assigner));
}

static void assign_one(beamc__window_assigner *assigner, beamc_interval_window window)
{
    assigner->windows_size = (uint32_t)beamc__interval_encode(window, assigner->windows);
    assigner->window_count = 1;
}

/* All windows that start in (timestamp - size, timestamp], the latest first. */
static void assign_sliding(beamc__window_assigner *assigner, beamc_timestamp timestamp)
{
    const beamc__window_fn *fn = assigner->fn;
    beamc_timestamp start = period_start(fn, timestamp);
    uint8_t *to = assigner->windows;

    assigner->window_count = 0;
    assigner->from = start;
    assigner->until = start + fn->period;
    for (; start > timestamp - fn->size; start -= fn->period) {
        if (start > BEAMC_TIMESTAMP_MAX_GLOBAL && start - fn->period > timestamp - fn->size)
            continue; /* cut to the same window as the one before it */
        to += beamc__interval_encode(cut(start, fn->size), to);
        assigner->window_count++;
        if (start + fn->size < assigner->until)
            assigner->until = start + fn->size;
    }
    if (start + fn->size > assigner->from)
        assigner->from = start + fn->size; /* before, one more was open */
    assigner->windows_size = (uint32_t)(to - assigner->windows);
}

void beamc__window_assign_anew(beamc__window_assigner *assigner, beamc_timestamp timestamp)
{
    const beamc__window_fn *fn = assigner->fn;
    beamc_timestamp at = clamp(timestamp, BEAMC_TIMESTAMP_MIN, BEAMC_TIMESTAMP_MAX);

    switch (fn->kind) {
    case BEAMC_WINDOW_GLOBAL:
        return; /* only for the very last timestamp; the window is there already */
    case BEAMC_WINDOW_FIXED:
        assigner->from = period_start(fn, at);
        assigner->until = assigner->from + fn->size;
        assign_one(assigner, cut(assigner->from, fn->size));
        return;
    case BEAMC_WINDOW_SLIDING:
        assign_sliding(assigner, at);
        return;
    case BEAMC_WINDOW_SESSIONS:
        assigner->from = at;
        assigner->until = at + 1;
        assign_one(assigner, cut(at, fn->size));
        return;
    }
}

/* ---- merging --------------------------------------------------------------------------------- */

/* Sorts indexes by start, then end: bottom-up merge sort needs as much room again, so a heap. */
static bool starts_before(const beamc_interval_window *windows, uint32_t a, uint32_t b)
{
    if (windows[a].start != windows[b].start)
        return windows[a].start < windows[b].start;
    if (windows[a].end != windows[b].end)
        return windows[a].end < windows[b].end;
    return a < b;
}

static void sift(const beamc_interval_window *windows, uint32_t *order, size_t at, size_t count)
{
    uint32_t moving = order[at];

    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && starts_before(windows, order[child], order[child + 1]))
            child++;
        if (!starts_before(windows, moving, order[child]))
            break;
        order[at] = order[child];
    }
    order[at] = moving;
}

static void sort_by_start(const beamc_interval_window *windows, uint32_t *order, size_t count)
{
    bool sorted = true;

    for (size_t i = 0; i < count; i++) {
        order[i] = (uint32_t)i;
        if (i > 0 && !starts_before(windows, (uint32_t)i - 1, (uint32_t)i))
            sorted = false;
    }
    if (sorted)
        return;
    for (size_t i = count / 2; i-- > 0;)
        sift(windows, order, i, count);
    for (size_t last = count; last-- > 1;) {
        uint32_t top = order[0];
        order[0] = order[last];
        order[last] = top;
        sift(windows, order, 0, last);
    }
}

size_t beamc__windows_merge(const beamc_interval_window *windows, size_t count, uint32_t *order,
                            uint32_t *group, beamc_interval_window *merged)
{
    size_t results = 0;

    sort_by_start(windows, order, count);
    for (size_t i = 0; i < count; i++) {
        const beamc_interval_window *next = &windows[order[i]];
        if (results == 0 || !beamc__window_join(&merged[results - 1], next))
            merged[results++] = *next;
        group[order[i]] = (uint32_t)(results - 1);
    }
    return results;
}

/* ---- side inputs ----------------------------------------------------------------------------- */

int beamc__window_map_side(const beamc__window_fn *side, beamc__window_form main_form,
                           const uint8_t *main_window, size_t main_size, uint8_t *out,
                           size_t *out_size)
{
    beamc_timestamp last;

    if (side->opaque || side->merges)
        return BEAMC_EUNSUPPORTED;
    if (side->kind == BEAMC_WINDOW_GLOBAL) {
        *out_size = 0;
        return BEAMC_OK;
    }
    int rc = beamc__window_max_timestamp(main_form, main_window, main_size, &last);
    if (rc < 0)
        return rc;
    last = clamp(last, BEAMC_TIMESTAMP_MIN, BEAMC_TIMESTAMP_MAX_GLOBAL);
    beamc_timestamp start = period_start(side, last);
    if (start + side->size <= last)
        return BEAMC_ENOENT;
    start -= (start - (last - side->size) - 1) / side->period * side->period;
    *out_size = beamc__interval_encode(cut(start, side->size), out);
    return BEAMC_OK;
}
