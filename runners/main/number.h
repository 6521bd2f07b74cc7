/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers for people. */
#ifndef BEAMC_MAIN_NUMBER_H
#define BEAMC_MAIN_NUMBER_H

#include <stddef.h>
#include <stdint.h>

enum { BEAMC__NUMBER_SIZE = 48 };

/* "1,234,567". */
const char *beamc__number_count(char out[BEAMC__NUMBER_SIZE], int64_t value);
/* "12.3 MB"; powers of 1000. */
const char *beamc__number_bytes(char out[BEAMC__NUMBER_SIZE], int64_t bytes);
/* "3.2 M/s": @count in @ms; "" for no time. */
const char *beamc__number_rate(char out[BEAMC__NUMBER_SIZE], int64_t count, int64_t ms);
/* "0.41 s", "3 min 5 s", "2 h 10 min". */
const char *beamc__number_time(char out[BEAMC__NUMBER_SIZE], int64_t ms);
/* As short as reads back the same. */
const char *beamc__number_double(char out[BEAMC__NUMBER_SIZE], double value);

#endif
