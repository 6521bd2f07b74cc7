/* SPDX-License-Identifier: Apache-2.0 */
/* JSON texts: what is read can be sent as a message that comes back whole, and what is refused says
 * why. */
#include "proto/unpack.h"
#include "runners/portable/json_value.h"
#include "sdk/base/arena_proto.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_message(const beamc__json_value *value, beamc_arena *arena)
{
    ProtobufCAllocator allocator = beamc__arena_allocator(arena);
    size_t size = google__protobuf__value__get_packed_size(value);
    uint8_t *packed = beamc_arena_alloc(arena, size);
    uint8_t *again = beamc_arena_alloc(arena, size);

    REQUIRE(packed != NULL && again != NULL);
    google__protobuf__value__pack(value, packed);
    const Google__Protobuf__Value *back = BEAMC__UNPACK(
        Google__Protobuf__Value, google__protobuf__value__descriptor, &allocator, size, packed);
    REQUIRE(back != NULL);
    REQUIRE(google__protobuf__value__get_packed_size(back) == size);
    google__protobuf__value__pack(back, again);
    REQUIRE(memcmp(packed, again, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    beamc_arena *arena = beamc_arena_new();
    beamc__json_value *value;

    REQUIRE(arena != NULL);
    char *text = beamc_arena_strndup(arena, (const char *)data, size);
    REQUIRE(text != NULL);
    beamc_error *error = beamc__json_parse(&value, text, arena);
    if (error == NULL)
        check_message(value, arena);
    else
        REQUIRE(beamc_error_code(error) == BEAMC_EINVAL && beamc_error_message(error)[0] != '\0');
    beamc_error_free(error);
    beamc_arena_free(arena);
    return 0;
}
