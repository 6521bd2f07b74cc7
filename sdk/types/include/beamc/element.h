/* SPDX-License-Identifier: Apache-2.0 */
/* What surrounds an element: its event time, its windows, its pane.  Windows and pane stay as they
 * are encoded, since most of the time they are only passed on or compared. */
#ifndef BEAMC_ELEMENT_H
#define BEAMC_ELEMENT_H

#include <beamc/type.h>

BEAMC_EXTERN_C_BEGIN

/* Everything is borrowed, as the element's value is. */
typedef struct beamc_element_info {
    beamc_timestamp timestamp;
    const uint8_t *windows; /* window_count windows, encoded one after the other */
    uint32_t windows_size;
    uint32_t window_count;
    const uint8_t *pane; /* encoded; with the metadata that may follow it */
    uint32_t pane_size;
} beamc_element_info;

/** An element that comes out of nothing: the earliest timestamp, the global window, no firing. */
BEAMC_API extern const beamc_element_info beamc_element_info_initial;

/** The pane; "no firing" if its bytes are none. */
BEAMC_API beamc_pane beamc_element_pane(const beamc_element_info *info);

/** The interval window at *@at, which starts at 0 and is moved on; false when there is none left.
 *  Only for elements whose windows are interval windows. */
BEAMC_API bool beamc_element_next_interval(const beamc_element_info *info, uint32_t *at,
                                           beamc_interval_window *window);

BEAMC_EXTERN_C_END

#endif
