/* SPDX-License-Identifier: Apache-2.0 */
/* What some logical types ask of their values beyond the representation's encoding:
 *
 *     fixed_bytes, fixed_char    exactly so long; shorter ones are padded with 0 or spaces
 *     var_bytes, var_char        at most so long
 *     micros_instant             micros in [0, 1000000)
 *     timestamp                  subseconds in [0, 10^precision)
 *
 * All others, known or not, are as their representation. */
#ifndef BEAMC_CODERS_LOGICAL_H
#define BEAMC_CODERS_LOGICAL_H

#include <beamc/type.h>

#define BEAMC__MICROS_INSTANT_URN "beam:logical_type:micros_instant:v1"
#define BEAMC__MILLIS_INSTANT_URN "beam:logical_type:millis_instant:v1"
#define BEAMC__DECIMAL_URN "beam:logical_type:decimal:v1"
#define BEAMC__FIXED_BYTES_URN "beam:logical_type:fixed_bytes:v1"
#define BEAMC__VAR_BYTES_URN "beam:logical_type:var_bytes:v1"
#define BEAMC__FIXED_CHAR_URN "beam:logical_type:fixed_char:v1"
#define BEAMC__VAR_CHAR_URN "beam:logical_type:var_char:v1"
#define BEAMC__TIMESTAMP_URN "beam:logical_type:timestamp:v1"

/* How many bytes of padding a text or byte string of a logical type needs: BEAMC_OK, or BEAMC_EINVAL
 * if it is too long.  Lengths of text are in characters. */
int beamc__logical_padding(const beamc_type *type, const beamc_bytes *value, size_t *padding);

/* The byte to pad with. */
static inline uint8_t beamc__logical_pad(const beamc_type *type)
{
    return type->kind == BEAMC_KIND_STRING ? ' ' : 0;
}

/* @type is a row with a rule for its values. */
bool beamc__logical_has_row_rule(const beamc_type *type);

/* BEAMC_OK, or BEAMC_EINVAL if a row's value breaks its type's rule. */
int beamc__logical_check_row(const beamc_type *type, const void *value);

#endif
