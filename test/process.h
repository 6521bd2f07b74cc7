/* SPDX-License-Identifier: Apache-2.0 */
/* What this process holds, and what a directory does, for tests that nothing is left behind. */
#ifndef BEAMC_TEST_PROCESS_H
#define BEAMC_TEST_PROCESS_H

/* Of a directory; with "." and "..". */
int count_entries(const char *path);

int count_threads(void);
int count_descriptors(void);

/* Waits until there are no more than that: a thread that was joined is there for a moment yet. */
void wait_for_few(int threads, int descriptors);

#endif
