/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BEAMC_TEST_PROGRAM_H
#define BEAMC_TEST_PROGRAM_H

#include <stddef.h>

/* The absolute path of one of the programs that were built with the tests; BIN is their directory. */
void test_program(char *out, size_t size, const char *name);

#endif
