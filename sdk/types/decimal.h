/* SPDX-License-Identifier: Apache-2.0 */
/* The digits of decimals, to compare and to print them. */
#ifndef BEAMC_TYPES_DECIMAL_H
#define BEAMC_TYPES_DECIMAL_H

#include <beamc/type.h>

/* Longer ones are not turned into digits, which takes time by the square of their length. */
#define BEAMC__DECIMAL_DIGITS_MAX 1024 /* bytes of the unscaled integer */

/* Appends the digits of the unscaled integer without sign and leading zeros, at least one; tells
 * whether it is negative.  BEAMC_OK, BEAMC_ENOMEM, or BEAMC_ELIMIT if it is too long. */
int beamc__decimal_digits(const beamc_decimal *decimal, bool *negative, beamc_buffer *digits);

int beamc__decimal_compare(const beamc_decimal *a, const beamc_decimal *b);
void beamc__decimal_print(const beamc_decimal *decimal, beamc_buffer *out);

#endif
