/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/log_limit.h"

#define EACH 1000 /* tokens of an entry: a millisecond brings BEAMC__LOG_PER_SECOND */

static beamc__log_place *find(beamc__log_limit *limit, const char *file, int line)
{
    size_t start = ((uintptr_t)file >> 3) * 31 + (size_t)line * 7;

    for (size_t i = 0; i < BEAMC__LOG_PLACES; i++) {
        beamc__log_place *place = &limit->places[(start + i) % BEAMC__LOG_PLACES];
        if (place->file == NULL) {
            *place = (beamc__log_place){ .file = file,
                                         .line = line,
                                         .tokens = BEAMC__LOG_BURST * EACH };
            return place;
        }
        if (place->file == file && place->line == line)
            return place;
    }
    return NULL;
}

static void fill(beamc__log_place *place, int64_t now_ms)
{
    const int64_t most = BEAMC__LOG_BURST * EACH;
    int64_t passed = now_ms - place->time_ms;

    place->time_ms = now_ms;
    if (passed <= 0)
        return; /* clocks may be set back */
    place->tokens = passed >= most ? most : place->tokens + passed * BEAMC__LOG_PER_SECOND;
    if (place->tokens > most)
        place->tokens = most;
}

bool beamc__log_limit_pass(beamc__log_limit *limit, const char *file, int line, int64_t now_ms,
                           uint64_t *left_out)
{
    beamc__log_place *place = find(limit, file, line);

    *left_out = 0;
    if (place == NULL)
        return true;
    fill(place, now_ms);
    if (place->tokens < EACH) {
        *left_out = ++place->left_out;
        return false;
    }
    place->tokens -= EACH;
    *left_out = place->left_out;
    place->left_out = 0;
    return true;
}
