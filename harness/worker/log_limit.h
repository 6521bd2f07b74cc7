/* SPDX-License-Identifier: Apache-2.0 */
/* How much one place in the source may log: a burst, then so many entries a second.  A line that is
 * logged for each of a billion elements says nothing that the first thousand did not. */
#ifndef BEAMC_WORKER_LOG_LIMIT_H
#define BEAMC_WORKER_LOG_LIMIT_H

#include <beamc/error.h>
#include <stdint.h>

#define BEAMC__LOG_BURST 1000
#define BEAMC__LOG_PER_SECOND 100

enum { BEAMC__LOG_PLACES = 256 };

typedef struct {
    const char *file; /* compared by address: it is a literal; NULL: free */
    int line;
    int64_t tokens; /* thousandths of entries that may go */
    int64_t time_ms;
    uint64_t left_out; /* since the last that went */
} beamc__log_place;

/* All zero at first.  Whoever owns it sees to it that one thread uses it at a time. */
typedef struct {
    beamc__log_place places[BEAMC__LOG_PLACES];
} beamc__log_limit;

/* Whether an entry from there may go now.  *left_out: how many before it could not, if it may;
 * else how many cannot by now, itself one of them.  Places past the most that are known have no limit.
 */
bool beamc__log_limit_pass(beamc__log_limit *limit, const char *file, int line, int64_t now_ms,
                           uint64_t *left_out);

#endif
