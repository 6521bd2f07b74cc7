/* SPDX-License-Identifier: Apache-2.0 */
/* What comes with an element: its timestamp, windows and pane, kept as Beam encodes them, so that
 * carrying, comparing and writing them costs no decoding.
 *
 *     timestamp 8 bytes | windows: count 4 bytes, then each by the window coder | pane 1.. bytes
 *
 * (Beam's windowed_value coder.)  Passed down a chain of operators by pointer; borrowed. */
#ifndef BEAMC_ELEMENT_H
#define BEAMC_ELEMENT_H

#include <beamc/type.h>

BEAMC_EXTERN_C_BEGIN

typedef struct {
    beamc_timestamp timestamp;
    const uint8_t *windows; /* encoded one after the other, without the count */
    uint32_t windows_size;
    uint32_t window_count;
    const uint8_t *pane;
    uint32_t pane_size;
} beamc_element_info;

/** The start of time, in the global window, no firing: what Impulse gives. */
BEAMC_API extern const beamc_element_info beamc_element_info_initial;

/** The pane of an element. */
BEAMC_API beamc_pane beamc_element_pane(const beamc_element_info *info);

/** The element's window number @index if its windows are intervals; false if they are not, or are
 *  fewer.  The global window is no interval. */
BEAMC_API bool beamc_element_interval(const beamc_element_info *info, uint32_t index,
                                      beamc_interval_window *out);

BEAMC_EXTERN_C_END

#endif
