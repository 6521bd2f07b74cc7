/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/coders/windowed.h"

#include "sdk/coders/parts.h"
#include "sdk/types/layout.h"

static const uint8_t no_firing = BEAMC__PANE_NO_FIRING;

const beamc_element_info beamc_element_info_initial = { BEAMC_TIMESTAMP_MIN, &no_firing, 0, 1,
                                                        &no_firing, 1 };

/* ---- panes ----------------------------------------------------------------------------------
 *
 *     bit   7         6 5 4             3 2      1       0
 *           metadata  count of indexes  timing   last    first
 *
 * Then the index and the index among panes that were not early, as far as they cannot be told. */

#define PANE_FIRST 0x01u
#define PANE_LAST 0x02u
#define PANE_TIMING_SHIFT 2
#define PANE_FORM_SHIFT 4
#define PANE_FORM_MASK 0x7u

int beamc__pane_encode(const beamc_pane *pane, beamc_buffer *out)
{
    int64_t implied = pane->timing == BEAMC_PANE_EARLY ? -1 : pane->index;
    unsigned form = pane->index == 0 && pane->non_speculative_index == 0 ? 0
                    : pane->non_speculative_index == implied             ? 1
                                                                         : 2;
    if ((unsigned)pane->timing > BEAMC_PANE_UNKNOWN)
        return BEAMC_EINVAL;
    uint8_t *to = beamc_buffer_reserve(out, BEAMC__PANE_MAX);
    if (to == NULL)
        return BEAMC_ENOMEM;
    *to++ = (uint8_t)(form << PANE_FORM_SHIFT | (unsigned)pane->timing << PANE_TIMING_SHIFT |
                      (pane->is_last ? PANE_LAST : 0) | (pane->is_first ? PANE_FIRST : 0));
    if (form >= 1)
        to = beamc__varint_put(to, (uint64_t)pane->index);
    if (form == 2)
        to = beamc__varint_put(to, (uint64_t)pane->non_speculative_index);
    out->size = (size_t)(to - out->data);
    return BEAMC_OK;
}

int beamc__pane_decode(beamc_pane *pane, beamc_reader *in)
{
    uint64_t indexes[2] = { 0, 0 };
    if (in->at == in->end)
        return BEAMC_ESHORT;
    uint8_t head = *in->at++;
    unsigned form = head >> PANE_FORM_SHIFT & PANE_FORM_MASK;
    if (form > 2)
        return BEAMC_ECORRUPT;
    for (unsigned i = 0; i < form; i++) {
        int rc = beamc__varint_decode(in, &indexes[i]);
        if (rc < 0)
            return rc;
    }
    pane->is_first = (head & PANE_FIRST) != 0;
    pane->is_last = (head & PANE_LAST) != 0;
    pane->timing = (beamc_pane_timing)(head >> PANE_TIMING_SHIFT & 3);
    pane->index = (int64_t)indexes[0];
    pane->non_speculative_index = (int64_t)indexes[1];
    if (form == 1)
        pane->non_speculative_index = pane->timing == BEAMC_PANE_EARLY ? -1 : pane->index;
    if ((head & BEAMC__PANE_METADATA) != 0) {
        beamc_bytes metadata;
        return beamc__bytes_decode(&metadata, true, in);
    }
    return BEAMC_OK;
}

int beamc__pane_skip_long(beamc_reader *in)
{
    beamc_pane pane;
    return beamc__pane_decode(&pane, in);
}

beamc_pane beamc_element_pane(const beamc_element_info *info)
{
    beamc_pane pane = { true, true, BEAMC_PANE_UNKNOWN, 0, 0 };
    beamc_reader in = beamc_reader_of(info->pane, info->pane_size);
    /* The bytes were checked when they were read; what is none of ours counts as not fired. */
    if (info->pane_size == 0 || beamc__pane_decode(&pane, &in) < 0)
        pane = (beamc_pane){ true, true, BEAMC_PANE_UNKNOWN, 0, 0 };
    return pane;
}

/* ---- windows -------------------------------------------------------------------------------- */

/* End, then how long before it the window starts. */
int beamc__interval_window_encode(const beamc_interval_window *window, beamc_buffer *out)
{
    if (window->start > window->end)
        return BEAMC_EINVAL;
    int rc = beamc__timestamp_encode(window->end, out);
    return rc < 0 ? rc
                  : beamc__varint_encode((uint64_t)window->end - (uint64_t)window->start, out);
}

int beamc__interval_window_decode(beamc_interval_window *window, beamc_reader *in)
{
    uint64_t span;
    int rc = beamc__timestamp_decode(in, &window->end);
    if (rc < 0 || (rc = beamc__varint_decode(in, &span)) < 0)
        return rc;
    if (span > (uint64_t)window->end - (uint64_t)INT64_MIN)
        return BEAMC_ECORRUPT; /* starts before all time */
    window->start = (int64_t)((uint64_t)window->end - span);
    return BEAMC_OK;
}

bool beamc_element_next_interval(const beamc_element_info *info, uint32_t *at,
                                 beamc_interval_window *window)
{
    if (*at >= info->windows_size)
        return false;
    beamc_reader in = beamc_reader_of(info->windows + *at, info->windows_size - *at);
    if (beamc__interval_window_decode(window, &in) < 0)
        return false;
    *at = (uint32_t)(in.at - info->windows);
    return true;
}

static int encode_custom_window(const beamc_type *type, const beamc_custom_window *window,
                                beamc_buffer *out)
{
    int rc = beamc__timestamp_encode(window->max_timestamp, out);
    return rc < 0 ? rc : beamc__encode(type->fields[0].type, window->window, true, out);
}

static int decode_custom_window(const beamc_type *type, beamc_custom_window *window,
                                beamc_reader *in, const beamc__decode_context *context)
{
    int rc = beamc__timestamp_decode(in, &window->max_timestamp);
    if (rc < 0)
        return rc;
    void *inner = beamc__decode_room(type->fields[0].type, context);
    if (inner == NULL)
        return BEAMC_ENOMEM;
    window->window = inner;
    return beamc__decode(type->fields[0].type, inner, true, in, context);
}

/* ---- heads of elements ----------------------------------------------------------------------- */

/* Windows in blocks: counts them, and their bytes without the counts.  With @joined, copies these. */
static int walk_window_blocks(beamc_element_info *info, const beamc_type *window_type,
                              beamc_reader *in, const beamc__decode_context *context,
                              uint8_t *joined, size_t *blocks)
{
    uint64_t total = 0;
    size_t size = 0;
    *blocks = 0;
    for (;;) {
        uint64_t count;
        int rc = beamc__varint_decode(in, &count);
        if (rc < 0)
            return rc;
        if (count == 0)
            break;
        if (count > INT64_MAX)
            return BEAMC_ECORRUPT;
        const uint8_t *block = in->at;
        total += count;
        for (uint64_t i = 0; i < count; i++) {
            if ((rc = beamc__skip(window_type, true, in, context)) < 0)
                return rc;
            if (in->at == block && total > BEAMC__EMPTY_VALUES_MAX)
                return BEAMC_ELIMIT;
        }
        size_t more = (size_t)(in->at - block);
        if (joined != NULL)
            memcpy(joined + size, block, more);
        if (*blocks == 0)
            info->windows = block;
        size += more;
        ++*blocks;
        if (total > UINT32_MAX || size > UINT32_MAX)
            return BEAMC_ELIMIT;
    }
    info->windows_size = (uint32_t)size;
    info->window_count = (uint32_t)total;
    return BEAMC_OK;
}

/* There is usually one block, whose windows lie together as they are; else they are copied. */
static int decode_window_blocks(beamc_element_info *info, const beamc_type *window_type,
                                beamc_reader *in, const beamc__decode_context *context)
{
    beamc_reader again = *in;
    size_t blocks;
    info->windows = in->at;
    int rc = walk_window_blocks(info, window_type, in, context, NULL, &blocks);
    if (rc < 0 || blocks <= 1 || info->windows_size == 0)
        return rc;
    uint8_t *joined = beamc_arena_alloc(context->arena, info->windows_size);
    if (joined == NULL)
        return BEAMC_ENOMEM;
    rc = walk_window_blocks(info, window_type, &again, context, joined, &blocks);
    info->windows = joined;
    return rc;
}

int beamc__element_windows_decode(beamc_element_info *info, const beamc_type *window_type,
                                  beamc_reader *in, const beamc__decode_context *context)
{
    if (beamc_reader_left(in) < 4)
        return BEAMC_ESHORT;
    uint32_t count = beamc__load_be32(in->at);
    in->at += 4;
    if (count == UINT32_MAX)
        return decode_window_blocks(info, window_type, in, context);
    if (count > INT32_MAX)
        return BEAMC_ECORRUPT;
    info->windows = in->at;
    info->window_count = count;
    if (window_type->kind == BEAMC_KIND_GLOBAL_WINDOW) {
        info->windows_size = 0;
        return count > BEAMC__EMPTY_VALUES_MAX ? BEAMC_ELIMIT : BEAMC_OK;
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *before = in->at;
        int rc = beamc__skip(window_type, true, in, context);
        if (rc < 0)
            return rc;
        if (in->at == before && count > BEAMC__EMPTY_VALUES_MAX)
            return BEAMC_ELIMIT;
    }
    if ((size_t)(in->at - info->windows) > UINT32_MAX)
        return BEAMC_ELIMIT;
    info->windows_size = (uint32_t)(in->at - info->windows);
    return BEAMC_OK;
}

/* ---- windowed values ------------------------------------------------------------------------- */

static const beamc_type *window_type_of(const beamc_type *type)
{
    return type->fields[1].type;
}

/* An iterable of windows, as a field of the types here. */
static int decode_windows(const beamc_type *window_type, beamc_iterable *windows, beamc_reader *in,
                          const beamc__decode_context *context)
{
    const beamc_field element = { "window", window_type };
    const beamc_type type = { .name = "windows",
                              .kind = BEAMC_KIND_ITERABLE,
                              .size = sizeof(beamc_iterable),
                              .align = BEAMC_ALIGN_OF(beamc_iterable),
                              .fields = &element,
                              .field_count = 1 };
    return beamc__iterable_decode(&type, windows, in, context);
}

static int skip_windows(const beamc_type *window_type, beamc_reader *in,
                        const beamc__decode_context *context)
{
    beamc_iterable windows;
    return decode_windows(window_type, &windows, in, context);
}

static int decode_value(const beamc_type *type, beamc_windowed_value *value, bool nested,
                        beamc_reader *in, const beamc__decode_context *context)
{
    void *inner = beamc__decode_room(type->fields[0].type, context);
    if (inner == NULL)
        return BEAMC_ENOMEM;
    value->value = inner;
    return beamc__decode(type->fields[0].type, inner, nested, in, context);
}

static int encode_windowed_value(const beamc_type *type, const beamc_windowed_value *value,
                                 bool nested, beamc_buffer *out)
{
    int rc = beamc__timestamp_encode(value->timestamp, out);
    if (rc < 0 || (rc = beamc__iterable_encode(&value->windows, window_type_of(type), out)) < 0 ||
        (rc = beamc__pane_encode(&value->pane, out)) < 0)
        return rc;
    return beamc__encode(type->fields[0].type, value->value, nested, out);
}

static int decode_windowed_value(const beamc_type *type, beamc_windowed_value *value, bool nested,
                                 beamc_reader *in, const beamc__decode_context *context)
{
    int rc = beamc__timestamp_decode(in, &value->timestamp);
    if (rc < 0 || (rc = decode_windows(window_type_of(type), &value->windows, in, context)) < 0 ||
        (rc = beamc__pane_decode(&value->pane, in)) < 0)
        return rc;
    return decode_value(type, value, nested, in, context);
}

static int skip_windowed_value(const beamc_type *type, bool nested, beamc_reader *in,
                               const beamc__decode_context *context)
{
    beamc_timestamp timestamp;
    beamc_pane pane;
    int rc = beamc__timestamp_decode(in, &timestamp);
    if (rc < 0 || (rc = skip_windows(window_type_of(type), in, context)) < 0 ||
        (rc = beamc__pane_decode(&pane, in)) < 0)
        return rc;
    return beamc__skip(type->fields[0].type, nested, in, context);
}

int beamc__param_window_decode(beamc__param_window *out, beamc_bytes payload,
                               const beamc_type *window_type, const beamc__decode_context *context)
{
    static const uint8_t one_window[4] = { 0, 0, 0, 1 };

    out->payload = payload;
    if (payload.size == 0) {
        if (window_type->kind != BEAMC_KIND_GLOBAL_WINDOW)
            return BEAMC_ESHORT;
        out->info = beamc_element_info_initial;
        out->timestamp = BEAMC_TIMESTAMP_MIN;
        out->windows = beamc__iterable_of_bytes(window_type, one_window, sizeof(one_window));
        out->pane = beamc_element_pane(&out->info);
        return BEAMC_OK;
    }
    beamc_reader in = beamc_reader_of(payload.data, payload.size);
    int rc = beamc__element_info_decode(&out->info, window_type, &in, context);
    if (rc < 0)
        return rc;
    /* The value is empty bytes: nothing, or a size of 0. */
    if (in.at != in.end && (beamc_reader_left(&in) > 1 || *in.at != 0))
        return BEAMC_ECORRUPT;
    out->timestamp = out->info.timestamp;
    out->pane = beamc_element_pane(&out->info);
    in = beamc_reader_of(payload.data + 8, payload.size - 8);
    return decode_windows(window_type, &out->windows, &in, context);
}

static int decode_param_windowed_value(const beamc_type *type, beamc_windowed_value *value,
                                       bool nested, beamc_reader *in,
                                       const beamc__decode_context *context)
{
    const beamc__param_window *head = type->extra;
    value->timestamp = head->timestamp;
    value->windows = head->windows;
    value->pane = head->pane;
    return decode_value(type, value, nested, in, context);
}

/* ---- timers --------------------------------------------------------------------------------- */

static int encode_timer(const beamc_type *type, const beamc_timer *timer, beamc_buffer *out)
{
    int rc = beamc__encode(type->fields[0].type, timer->key, true, out);
    if (rc < 0 ||
        (rc = beamc__bytes_encode(timer->tag.data, timer->tag.size, true, out)) < 0 ||
        (rc = beamc__iterable_encode(&timer->windows, window_type_of(type), out)) < 0)
        return rc;
    beamc_buffer_append_byte(out, timer->clear);
    if (out->failed)
        return BEAMC_ENOMEM;
    if (timer->clear)
        return BEAMC_OK;
    if ((rc = beamc__timestamp_encode(timer->fire, out)) < 0 ||
        (rc = beamc__timestamp_encode(timer->hold, out)) < 0)
        return rc;
    return beamc__pane_encode(&timer->pane, out);
}

/* What follows the key; @timer is cleared. */
static int decode_timer_rest(const beamc_type *type, beamc_timer *timer, beamc_reader *in,
                             const beamc__decode_context *context)
{
    beamc_bytes tag;
    int rc = beamc__bytes_decode(&tag, true, in);
    if (rc < 0 || (rc = decode_windows(window_type_of(type), &timer->windows, in, context)) < 0)
        return rc;
    timer->tag = (beamc_string){ (const char *)tag.data, tag.size };
    if (in->at == in->end)
        return BEAMC_ESHORT;
    if (*in->at > 1)
        return BEAMC_ECORRUPT;
    timer->clear = *in->at++ == 1;
    if (timer->clear)
        return BEAMC_OK;
    if ((rc = beamc__timestamp_decode(in, &timer->fire)) < 0 ||
        (rc = beamc__timestamp_decode(in, &timer->hold)) < 0)
        return rc;
    return beamc__pane_decode(&timer->pane, in);
}

static int decode_timer(const beamc_type *type, beamc_timer *timer, beamc_reader *in,
                        const beamc__decode_context *context)
{
    memset(timer, 0, sizeof(*timer));
    void *key = beamc__decode_room(type->fields[0].type, context);
    if (key == NULL)
        return BEAMC_ENOMEM;
    timer->key = key;
    int rc = beamc__decode(type->fields[0].type, key, true, in, context);
    return rc < 0 ? rc : decode_timer_rest(type, timer, in, context);
}

static int skip_timer(const beamc_type *type, beamc_reader *in,
                      const beamc__decode_context *context)
{
    beamc_timer timer;
    int rc = beamc__skip(type->fields[0].type, true, in, context);
    return rc < 0 ? rc : decode_timer_rest(type, &timer, in, context);
}

/* ---- by kind -------------------------------------------------------------------------------- */

int beamc__windowed_encode(const beamc_type *type, const void *value, bool nested,
                           beamc_buffer *out)
{
    switch (type->kind) {
    case BEAMC_KIND_GLOBAL_WINDOW:
        return BEAMC_OK;
    case BEAMC_KIND_INTERVAL_WINDOW:
        return beamc__interval_window_encode(value, out);
    case BEAMC_KIND_CUSTOM_WINDOW:
        return encode_custom_window(type, value, out);
    case BEAMC_KIND_WINDOWED_VALUE:
        return encode_windowed_value(type, value, nested, out);
    case BEAMC_KIND_PARAM_WINDOWED_VALUE:
        return beamc__encode(type->fields[0].type, ((const beamc_windowed_value *)value)->value,
                             nested, out);
    case BEAMC_KIND_TIMER:
        return encode_timer(type, value, out);
    default:
        return BEAMC_ETYPE;
    }
}

int beamc__windowed_decode(const beamc_type *type, void *value, bool nested, beamc_reader *in,
                           const beamc__decode_context *context)
{
    switch (type->kind) {
    case BEAMC_KIND_GLOBAL_WINDOW:
        return BEAMC_OK;
    case BEAMC_KIND_INTERVAL_WINDOW:
        return beamc__interval_window_decode(value, in);
    case BEAMC_KIND_CUSTOM_WINDOW:
        return decode_custom_window(type, value, in, context);
    case BEAMC_KIND_WINDOWED_VALUE:
        return decode_windowed_value(type, value, nested, in, context);
    case BEAMC_KIND_PARAM_WINDOWED_VALUE:
        return decode_param_windowed_value(type, value, nested, in, context);
    case BEAMC_KIND_TIMER:
        return decode_timer(type, value, in, context);
    default:
        return BEAMC_ETYPE;
    }
}

int beamc__windowed_skip(const beamc_type *type, bool nested, beamc_reader *in,
                         const beamc__decode_context *context)
{
    beamc_interval_window interval;
    beamc_timestamp timestamp;
    int rc;

    switch (type->kind) {
    case BEAMC_KIND_GLOBAL_WINDOW:
        return BEAMC_OK;
    case BEAMC_KIND_INTERVAL_WINDOW:
        return beamc__interval_window_decode(&interval, in);
    case BEAMC_KIND_CUSTOM_WINDOW:
        rc = beamc__timestamp_decode(in, &timestamp);
        return rc < 0 ? rc : beamc__skip(type->fields[0].type, true, in, context);
    case BEAMC_KIND_WINDOWED_VALUE:
        return skip_windowed_value(type, nested, in, context);
    case BEAMC_KIND_PARAM_WINDOWED_VALUE:
        return beamc__skip(type->fields[0].type, nested, in, context);
    case BEAMC_KIND_TIMER:
        return skip_timer(type, in, context);
    default:
        return BEAMC_ETYPE;
    }
}
