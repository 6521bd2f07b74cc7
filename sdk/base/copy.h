/* SPDX-License-Identifier: Apache-2.0 */
/* Copying what is short, as words are: a call would cost more than the copying. */
#ifndef BEAMC_BASE_COPY_H
#define BEAMC_BASE_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Copies up to 16 bytes, and touches no others. */
static inline void beamc__copy_16(uint8_t *to, const uint8_t *from, size_t size)
{
    if (size >= 8) {
        uint64_t first, last;
        memcpy(&first, from, 8);
        memcpy(&last, from + size - 8, 8);
        memcpy(to, &first, 8);
        memcpy(to + size - 8, &last, 8);
    } else if (size >= 4) {
        uint32_t first, last;
        memcpy(&first, from, 4);
        memcpy(&last, from + size - 4, 4);
        memcpy(to, &first, 4);
        memcpy(to + size - 4, &last, 4);
    } else if (size > 0) {
        to[0] = from[0];
        to[size >> 1] = from[size >> 1];
        to[size - 1] = from[size - 1];
    }
}

#endif
