/* SPDX-License-Identifier: Apache-2.0 */
/* The nearest of several names to one that was mistyped.
 *
 *     beamc__nearest nearest;
 *
 *     beamc__nearest_init(&nearest, "strage_level");
 *     for (...)
 *         beamc__nearest_try(&nearest, candidate);
 *     ... nearest.found, NULL if none is near ... */
#ifndef BEAMC_BASE_NEAREST_H
#define BEAMC_BASE_NEAREST_H

#include <stddef.h>

/* Longer names are near to none. */
enum { BEAMC__NEAREST_SIZE = 128 };

typedef struct {
    const char *name;  /* borrowed */
    const char *found; /* borrowed */
    size_t distance;   /* of @found; of less than this is a nearer one */
} beamc__nearest;

void beamc__nearest_init(beamc__nearest *nearest, const char *name);
void beamc__nearest_try(beamc__nearest *nearest, const char *candidate);

#endif
