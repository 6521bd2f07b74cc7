/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of any schema: its size in two bytes, the Schema message, the row.  A type made from a message
 * becomes one that makes an equal type. */
#include "round_trip.h"

#include "proto/unpack.h"
#include "sdk/coders/schema.h"

static void check_fields(const beamc_type *row, beamc_arena *arena)
{
    for (size_t i = 0; i < row->field_count; i++) {
        const beamc_type *type = row->fields[i].type;
        const beamc_type *again;
        PB(FieldType) *message;
        beamc__type_maker maker = { arena, 0, 0 };
        ROUND_TRIP_REQUIRE(beamc__type_to_field_type(&message, type, arena) == NULL);
        ROUND_TRIP_REQUIRE(beamc__field_type_to_type(&again, &maker, message) == NULL);
        ROUND_TRIP_REQUIRE(beamc_type_equal(type, again));
        ROUND_TRIP_REQUIRE(type->size == again->size && type->align == again->align);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t schema_size = size < 2 ? 0 : (size_t)data[0] << 8 | data[1];
    if (size < 2 || schema_size > size - 2)
        return 0;

    beamc_arena *arena = beamc_arena_new();
    ProtobufCAllocator allocator = beamc__arena_protobuf(arena);
    const PB(Schema) *schema =
        BEAMC__UNPACK(PB(Schema), pb(schema__descriptor), &allocator, schema_size, data + 2);
    const beamc_type *type = NULL;
    beamc_error *error =
        schema == NULL ? beamc_error_nomem() : beamc__type_from_schema(&type, schema, arena);
    if (error == NULL) {
        const beamc__decode_context context = { arena, NULL };
        check_fields(type, arena);
        round_trip(type, true, data + 2 + schema_size, size - 2 - schema_size, &context);
    }
    beamc_error_free(error);
    beamc_arena_free(arena);
    return 0;
}
