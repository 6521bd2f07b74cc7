/* SPDX-License-Identifier: Apache-2.0 */
#include "nearest.h"

#include <string.h>

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters to add, drop, change or swap with their neighbour. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t rows[3][BEAMC__NEAREST_SIZE + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    size_t a_size = strlen(a), b_size = strlen(b);

    for (size_t j = 0; j <= b_size; j++)
        last[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t change = last[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = least(change, least(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[b_size];
}

void beamc__nearest_init(beamc__nearest *nearest, const char *name)
{
    nearest->name = name;
    nearest->found = NULL;
    /* Further than this is no slip of the finger. */
    nearest->distance = strlen(name) / 3 + 2;
}

void beamc__nearest_try(beamc__nearest *nearest, const char *candidate)
{
    const char *name = nearest->name;

    if (strlen(name) >= BEAMC__NEAREST_SIZE || strlen(candidate) >= BEAMC__NEAREST_SIZE)
        return;
    size_t distance = edit_distance(name, candidate);
    /* "direct_num" for "direct_num_workers": its beginning, long enough to say something. */
    if (strlen(name) >= 4 && strncmp(name, candidate, strlen(name)) == 0)
        distance = least(distance, 2);
    if (distance < nearest->distance) {
        nearest->distance = distance;
        nearest->found = candidate;
    }
}
