/* SPDX-License-Identifier: Apache-2.0 */
/* What the system knows of another process of ours. */
#ifndef BEAMC_BENCH_PROCESS_H
#define BEAMC_BENCH_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

/* Resident memory in bytes; 0: it is not known. */
uint64_t process_memory(pid_t pid);
/* Negative: it is not known. */
int process_threads(pid_t pid);
int process_files(pid_t pid);

#endif
