/* SPDX-License-Identifier: Apache-2.0 */
/* Types as messages of schema.proto, and back: the part of type_proto.h that is about rows. */
#ifndef BEAMC_CODERS_SCHEMA_H
#define BEAMC_CODERS_SCHEMA_H

#include "sdk/coders/type_proto.h"

/* What building types from messages uses up. */
typedef struct {
    beamc_arena *arena;
    size_t parts; /* made so far, see BEAMC__TYPE_PARTS_MAX */
    unsigned depth;
} beamc__type_maker;

/* One level deeper and one part more, or BEAMC_ELIMIT.  Leave with depth--. */
BEAMC_MUST_USE beamc_error *beamc__type_maker_enter(beamc__type_maker *maker);

/* A new type of @kind whose size, alignment and fields follow from its parts; names are made up.
 * @fields are copied. */
BEAMC_MUST_USE beamc_error *beamc__type_make(beamc_type **out, beamc__type_maker *maker,
                                             beamc_kind kind, const beamc_field *fields,
                                             size_t field_count);

BEAMC_MUST_USE beamc_error *beamc__schema_to_type(const beamc_type **out, beamc__type_maker *maker,
                                                  const PB(Schema) *schema);
BEAMC_MUST_USE beamc_error *beamc__field_type_to_type(const beamc_type **out,
                                                      beamc__type_maker *maker,
                                                      const PB(FieldType) *message);

BEAMC_MUST_USE beamc_error *beamc__type_to_field_type(PB(FieldType) **out, const beamc_type *type,
                                                      beamc_arena *arena);

/* Values of a schema, such as the argument of a logical type, and back. */
BEAMC_MUST_USE beamc_error *beamc__value_from_proto(const beamc_type *type, void *value,
                                                    const PB(FieldValue) *message,
                                                    beamc_arena *arena);
BEAMC_MUST_USE beamc_error *beamc__value_to_proto(PB(FieldValue) **out, const beamc_type *type,
                                                  const void *value, beamc_arena *arena);

/* Memory for protobuf-c. */
ProtobufCAllocator beamc__arena_protobuf(beamc_arena *arena);

#endif
