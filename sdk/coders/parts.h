/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds that have a file of their own, as coder.c calls them. */
#ifndef BEAMC_CODERS_PARTS_H
#define BEAMC_CODERS_PARTS_H

#include "sdk/coders/fast.h"

/* row.c: rows, and what is in rows only. */
int beamc__row_encode(const beamc_type *type, const void *value, beamc_buffer *out);
int beamc__row_decode(const beamc_type *type, void *value, beamc_reader *in,
                      const beamc__decode_context *context);
int beamc__row_skip(const beamc_type *type, beamc_reader *in, const beamc__decode_context *context);

int beamc__array_encode(const beamc_type *type, const beamc_array *array, beamc_buffer *out);
int beamc__array_decode(const beamc_type *type, beamc_array *array, beamc_reader *in,
                        const beamc__decode_context *context);
int beamc__array_skip(const beamc_type *type, beamc_reader *in,
                      const beamc__decode_context *context);

int beamc__decimal_encode(const beamc_decimal *decimal, beamc_buffer *out);
int beamc__decimal_decode(beamc_decimal *decimal, beamc_reader *in);

int beamc__int32_decode(int32_t *value, beamc_reader *in);

/* iterable.c */
int beamc__iterable_encode(const beamc_iterable *iterable, const beamc_type *element,
                           beamc_buffer *out);
int beamc__iterable_decode(const beamc_type *type, beamc_iterable *iterable, beamc_reader *in,
                           const beamc__decode_context *context);
int beamc__iterable_skip(const beamc_type *type, beamc_reader *in,
                         const beamc__decode_context *context);

/* An iterable over @size bytes, one whole and valid encoding of an iterable without a token;
 * elements that may be state-backed need more than this. */
beamc_iterable beamc__iterable_of_bytes(const beamc_type *element, const uint8_t *bytes,
                                        size_t size);

/* What is in memory of @iterable's encoding, the count at its start included; *is_all: nothing is
 * missing.  False: it has no such bytes. */
bool beamc__iterable_bytes(const beamc_iterable *iterable, beamc_bytes *out, bool *is_all);

/* windowed.c: windows, panes, windowed values, timers. */
int beamc__windowed_encode(const beamc_type *type, const void *value, bool nested,
                           beamc_buffer *out);
int beamc__windowed_decode(const beamc_type *type, void *value, bool nested, beamc_reader *in,
                           const beamc__decode_context *context);
int beamc__windowed_skip(const beamc_type *type, bool nested, beamc_reader *in,
                         const beamc__decode_context *context);

/* A new value of @type in the context's arena, cleared. */
static inline void *beamc__decode_room(const beamc_type *type, const beamc__decode_context *context)
{
    return beamc_arena_calloc(context->arena, 1, type->size);
}

/* A custom type's value, decoded and dropped. */
int beamc__custom_skip(const beamc_type *type, bool nested, beamc_reader *in,
                       const beamc__decode_context *context);

#endif
