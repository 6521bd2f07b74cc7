/* SPDX-License-Identifier: Apache-2.0 */
/* Text for messages: a protobuf string that is no UTF-8 makes its receiver refuse all of the
 * message, and some receivers the stream that it came on. */
#ifndef BEAMC_BASE_UTF8_H
#define BEAMC_BASE_UTF8_H

#include <stddef.h>

/* The length of the well-formed character at @text, 1 to 4; 0: there is none in @size bytes. */
size_t beamc__utf8_char(const char *text, size_t size);

/* Puts '?' for each byte of @text, which ends in NUL, that belongs to no well-formed character. */
void beamc__utf8_clean(char *text);

#endif
