/* SPDX-License-Identifier: Apache-2.0 */
/* The property of coders that tests and fuzz targets check: what can be decoded can be encoded, and
 * comes back as the same value; skipping agrees with decoding; a copy is equal. */
#ifndef BEAMC_TEST_ROUND_TRIP_H
#define BEAMC_TEST_ROUND_TRIP_H

#include "sdk/coders/fast.h"

#include <stdio.h>
#include <stdlib.h>

static inline void round_trip_require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "round trip: %s\n", what);
    abort();
}

#define ROUND_TRIP_REQUIRE(condition) round_trip_require(condition, #condition)

/* Decodes all of @in; answers a value in @arena, or NULL. */
static inline void *round_trip_decode(const beamc_type *type, bool nested, beamc_reader *in,
                                      const beamc__decode_context *context)
{
    void *value = beamc_arena_calloc(context->arena, 1, type->size);
    ROUND_TRIP_REQUIRE(value != NULL);
    return beamc__decode(type, value, nested, in, context) == BEAMC_OK ? value : NULL;
}

/* Checks the property for one input, which may be anything.  Answers whether it could be decoded. */
static inline bool round_trip(const beamc_type *type, bool nested, const uint8_t *data, size_t size,
                              const beamc__decode_context *context)
{
    beamc_reader in = beamc_reader_of(data, size);
    beamc_reader skipped = in;
    int skip_rc = beamc__skip(type, nested, &skipped, context);
    void *value = round_trip_decode(type, nested, &in, context);

    ROUND_TRIP_REQUIRE((value != NULL) == (skip_rc == BEAMC_OK));
    if (value == NULL)
        return false;
    ROUND_TRIP_REQUIRE(skipped.at == in.at);

    beamc_buffer encoded;
    beamc_buffer again;
    beamc_buffer_init(&encoded);
    beamc_buffer_init(&again);
    ROUND_TRIP_REQUIRE(beamc_encode(type, value, nested, &encoded) == BEAMC_OK);
    in = beamc_reader_of(encoded.data, encoded.size);
    void *second = round_trip_decode(type, nested, &in, context);
    ROUND_TRIP_REQUIRE(second != NULL);
    ROUND_TRIP_REQUIRE(in.at == in.end);
    ROUND_TRIP_REQUIRE(beamc_compare(type, value, second) == 0);
    ROUND_TRIP_REQUIRE(beamc_encode(type, second, nested, &again) == BEAMC_OK);
    ROUND_TRIP_REQUIRE(encoded.size == again.size &&
                       (encoded.size == 0 || memcmp(encoded.data, again.data, again.size) == 0));

    void *copy = beamc_arena_calloc(context->arena, 1, type->size);
    ROUND_TRIP_REQUIRE(copy != NULL);
    ROUND_TRIP_REQUIRE(beamc_copy(type, copy, value, context->arena) == BEAMC_OK);
    ROUND_TRIP_REQUIRE(beamc_compare(type, value, copy) == 0);
    ROUND_TRIP_REQUIRE(beamc_compare(type, copy, value) == 0);
    beamc_buffer_clear(&again);
    beamc_print(type, value, &again);
    ROUND_TRIP_REQUIRE(!beamc_buffer_failed(&again));
    beamc_buffer_dispose(&encoded);
    beamc_buffer_dispose(&again);
    return true;
}

#endif
