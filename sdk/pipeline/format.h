/* SPDX-License-Identifier: Apache-2.0 */
/* The formats that lines of output mostly have, without the C library's printf: it takes longer for a
 * line than all else that is done to it. */
#ifndef BEAMC_PIPELINE_FORMAT_H
#define BEAMC_PIPELINE_FORMAT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Writes what vsnprintf would write if @format has only text, %%, %s, %.*s, %c, and d, i and u with or
 * without l, ll, z and j, and if it fits into @size bytes (no NUL is written).  Else answers false.
 * @args may be used again in both cases. */
bool beamc__format(char *out, size_t size, size_t *written, const char *format, va_list args);

#endif
