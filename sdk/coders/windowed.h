/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an element on a data stream, and panes and windows as bytes:
 *
 *     timestamp, 8 bytes | count of windows, int32 | windows | pane, 1 byte and more | value
 *
 * See beam:coder:windowed_value:v1.  Windows and pane are kept as they are encoded. */
#ifndef BEAMC_CODERS_WINDOWED_H
#define BEAMC_CODERS_WINDOWED_H

#include "sdk/coders/fast.h"
#include <beamc/element.h>

#define BEAMC__PANE_MAX 21      /* bytes of a pane without metadata */
#define BEAMC__PANE_METADATA 0x80u /* in its first byte: an ElementMetadata follows, as nested bytes */
#define BEAMC__PANE_NO_FIRING 0x0fu

BEAMC_MUST_USE int beamc__pane_encode(const beamc_pane *pane, beamc_buffer *out);
/* Metadata is passed over. */
BEAMC_MUST_USE int beamc__pane_decode(beamc_pane *pane, beamc_reader *in);
/* Moves @in behind a pane and its metadata. */
BEAMC_MUST_USE int beamc__pane_skip_long(beamc_reader *in);

BEAMC_MUST_USE int beamc__interval_window_encode(const beamc_interval_window *window,
                                                 beamc_buffer *out);
BEAMC_MUST_USE int beamc__interval_window_decode(beamc_interval_window *window, beamc_reader *in);

/* The windows of an element, of any kind and in any form of iterable. */
BEAMC_MUST_USE int beamc__element_windows_decode(beamc_element_info *info,
                                                 const beamc_type *window_type, beamc_reader *in,
                                                 const beamc__decode_context *context);

/* The usual head, 8 + 4 + 0 + 1 bytes: in the global window, not fired.  Answers where it ends; NULL: it
 * is another, or not whole. */
static inline const uint8_t *beamc__element_info_get(beamc_element_info *info, const uint8_t *at,
                                                     const uint8_t *end)
{
    if (BEAMC_UNLIKELY(end - at < 13 || beamc__load_be32(at + 8) != 1 || at[12] >= 0x10))
        return NULL;
    info->timestamp = (int64_t)(beamc__load_be64(at) ^ UINT64_C(0x8000000000000000));
    info->windows = at + 12;
    info->windows_size = 0;
    info->window_count = 1;
    info->pane = at + 12;
    info->pane_size = 1;
    return at + 13;
}

/* Reads the head of an element whose windows are of @window_type into @info, which borrows from the
 * input.  @context serves custom windows and windows in many blocks. */
BEAMC_MUST_USE static inline int beamc__element_info_decode(beamc_element_info *info,
                                                            const beamc_type *window_type,
                                                            beamc_reader *in,
                                                            const beamc__decode_context *context)
{
    if (BEAMC_LIKELY(window_type->kind == BEAMC_KIND_GLOBAL_WINDOW)) {
        const uint8_t *end = beamc__element_info_get(info, in->at, in->end);
        if (BEAMC_LIKELY(end != NULL)) {
            in->at = end;
            return BEAMC_OK;
        }
    }
    int rc = beamc__timestamp_decode(in, &info->timestamp);
    if (BEAMC_UNLIKELY(rc < 0))
        return rc;
    rc = beamc__element_windows_decode(info, window_type, in, context);
    if (BEAMC_UNLIKELY(rc < 0))
        return rc;
    info->pane = in->at;
    if (BEAMC_LIKELY(in->at < in->end && *in->at < 0x10))
        in->at++;
    else if (BEAMC_UNLIKELY((rc = beamc__pane_skip_long(in)) < 0))
        return rc;
    if (BEAMC_UNLIKELY((size_t)(in->at - info->pane) > UINT32_MAX))
        return BEAMC_ELIMIT;
    info->pane_size = (uint32_t)(in->at - info->pane);
    return BEAMC_OK;
}

/* At least as many bytes as the head of an element takes. */
static inline size_t beamc__element_info_bound(const beamc_element_info *info)
{
    return 13 + (size_t)info->windows_size + info->pane_size;
}

/* Writes the head of an element where there is room; answers where it ends. */
static inline uint8_t *beamc__element_info_put(uint8_t *to, const beamc_element_info *info)
{
    beamc__store_be64(to, (uint64_t)info->timestamp ^ UINT64_C(0x8000000000000000));
    beamc__store_be32(to + 8, info->window_count);
    to += 12;
    if (info->windows_size > 0)
        memcpy(to, info->windows, info->windows_size);
    to += info->windows_size;
    if (BEAMC_LIKELY(info->pane_size == 1)) {
        *to = *info->pane;
        return to + 1;
    }
    if (info->pane_size == 0) {
        *to = BEAMC__PANE_NO_FIRING;
        return to + 1;
    }
    memcpy(to, info->pane, info->pane_size);
    return to + info->pane_size;
}

/* Writes the head of an element; the value follows. */
BEAMC_MUST_USE static inline int beamc__element_info_encode(const beamc_element_info *info,
                                                            beamc_buffer *out)
{
    uint8_t *to = beamc_buffer_reserve(out, beamc__element_info_bound(info));
    if (BEAMC_UNLIKELY(to == NULL))
        return BEAMC_ENOMEM;
    out->size = (size_t)(beamc__element_info_put(to, info) - out->data);
    return BEAMC_OK;
}

/* What beam:coder:param_windowed_value:v1 says of all its elements; the type's extra. */
typedef struct {
    beamc_timestamp timestamp;
    beamc_iterable windows;
    beamc_pane pane;
    beamc_element_info info; /* the same as bytes */
    beamc_bytes payload;     /* the coder's */
} beamc__param_window;

/* Parses the coder's payload; all of it borrows from @payload and the context's arena. */
BEAMC_MUST_USE int beamc__param_window_decode(beamc__param_window *out, beamc_bytes payload,
                                              const beamc_type *window_type,
                                              const beamc__decode_context *context);

#endif
