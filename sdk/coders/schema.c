/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/coders/schema.h"

#include "proto/unpack.h"
#include "sdk/base/hash.h"
#include "sdk/coders/logical.h"
#include "sdk/coders/varint.h"
#include "sdk/types/layout.h"

#include <inttypes.h>

#define IN_ARENA(arena, Message, INIT)                                                             \
    ((PB(Message) *)beamc_arena_memdup(arena, &(const PB(Message))INIT, sizeof(PB(Message))))

static void *allocate(void *arena, size_t size)
{
    return beamc_arena_alloc(arena, size);
}

static void release(void *arena BEAMC_UNUSED, void *memory BEAMC_UNUSED)
{
}

ProtobufCAllocator beamc__arena_protobuf(beamc_arena *arena)
{
    return (ProtobufCAllocator){ allocate, release, arena };
}

/* ---- making types --------------------------------------------------------------------------- */

beamc_error *beamc__type_maker_enter(beamc__type_maker *maker)
{
    if (maker->depth >= BEAMC__TYPE_DEPTH_MAX)
        return beamc_error_new(BEAMC_ELIMIT, "nested deeper than %d", BEAMC__TYPE_DEPTH_MAX);
    if (maker->parts >= BEAMC__TYPE_PARTS_MAX)
        return beamc_error_new(BEAMC_ELIMIT, "more than %d parts", BEAMC__TYPE_PARTS_MAX);
    maker->depth++;
    maker->parts++;
    return NULL;
}

/* Names are cut at a length: they would grow with each level. */
static const char *name_of(beamc_arena *arena, beamc_kind kind, const beamc_field *fields,
                           size_t field_count)
{
    const char *first = field_count > 0 ? fields[0].type->name : "";
    const char *second = field_count > 1 ? fields[1].type->name : "";

    switch (kind) {
    case BEAMC_KIND_KV:
        return beamc_arena_printf(arena, "KV<%.60s, %.60s>", first, second);
    case BEAMC_KIND_ITERABLE:
    case BEAMC_KIND_STATE_BACKED_ITERABLE:
        return beamc_arena_printf(arena, "Iterable<%.100s>", first);
    case BEAMC_KIND_NULLABLE:
        return beamc_arena_printf(arena, "Nullable<%.100s>", first);
    case BEAMC_KIND_ARRAY:
        return beamc_arena_printf(arena, "Array<%.100s>", first);
    case BEAMC_KIND_MAP:
        return beamc_arena_printf(arena, "Map<%.60s, %.60s>", first, second);
    case BEAMC_KIND_LENGTH_PREFIX:
        return first;
    case BEAMC_KIND_CUSTOM_WINDOW:
        return beamc_arena_printf(arena, "CustomWindow<%.100s>", first);
    case BEAMC_KIND_WINDOWED_VALUE:
    case BEAMC_KIND_PARAM_WINDOWED_VALUE:
        return beamc_arena_printf(arena, "WindowedValue<%.60s, %.60s>", first, second);
    case BEAMC_KIND_TIMER:
        return beamc_arena_printf(arena, "Timer<%.60s, %.60s>", first, second);
    case BEAMC_KIND_SHARDED_KEY:
        return beamc_arena_printf(arena, "ShardedKey<%.100s>", first);
    default:
        return field_count == 0
                   ? "Row<>"
                   : beamc_arena_printf(arena, "Row<%.60s%s>", fields[0].name,
                                        field_count > 1 ? ", ..." : "");
    }
}

/* Size and alignment of a struct of @fields. */
static void lay_out(beamc_type *type, size_t start)
{
    size_t at = start;
    for (size_t i = 0; i < type->field_count; i++) {
        const beamc_type *part = type->fields[i].type;
        beamc__next_offset(part, &at);
        if (part->align > type->align)
            type->align = part->align;
    }
    type->size = BEAMC_ALIGN_UP(at, type->align);
}

#define LAY_OUT_AS(ctype) (type->size = sizeof(ctype), type->align = BEAMC_ALIGN_OF(ctype))

beamc_error *beamc__type_make(beamc_type **out, beamc__type_maker *maker, beamc_kind kind,
                              const beamc_field *fields, size_t field_count)
{
    beamc_type *type = beamc_arena_calloc(maker->arena, 1, sizeof(*type));
    const char *name = name_of(maker->arena, kind, fields, field_count);
    const beamc_field *own = beamc_arena_memdup(maker->arena, fields, field_count * sizeof(*own));

    *out = NULL;
    if (type == NULL || name == NULL || own == NULL)
        return beamc_error_nomem();
    type->name = name;
    type->kind = kind;
    type->fields = own;
    type->field_count = field_count;
    type->align = 1;
    switch (kind) {
    case BEAMC_KIND_KV:
    case BEAMC_KIND_ROW:
    case BEAMC_KIND_LENGTH_PREFIX:
        lay_out(type, 0);
        break;
    case BEAMC_KIND_NULLABLE:
        type->align = BEAMC_ALIGN_OF(bool);
        lay_out(type, sizeof(bool));
        break;
    case BEAMC_KIND_ITERABLE:
    case BEAMC_KIND_STATE_BACKED_ITERABLE:
        LAY_OUT_AS(beamc_iterable);
        break;
    case BEAMC_KIND_ARRAY:
    case BEAMC_KIND_MAP:
        LAY_OUT_AS(beamc_array);
        break;
    case BEAMC_KIND_CUSTOM_WINDOW:
        LAY_OUT_AS(beamc_custom_window);
        break;
    case BEAMC_KIND_WINDOWED_VALUE:
    case BEAMC_KIND_PARAM_WINDOWED_VALUE:
        LAY_OUT_AS(beamc_windowed_value);
        break;
    case BEAMC_KIND_TIMER:
        LAY_OUT_AS(beamc_timer);
        break;
    case BEAMC_KIND_SHARDED_KEY:
        LAY_OUT_AS(beamc_sharded_key);
        break;
    default:
        return beamc_error_new(BEAMC_EINVAL, "kind %d has no parts", (int)kind);
    }
    if (type->size > BEAMC__TYPE_SIZE_MAX)
        return beamc_error_new(BEAMC_ELIMIT, "%s: values of %zu bytes", name, type->size);
    *out = type;
    return NULL;
}

/* ---- messages to types ----------------------------------------------------------------------- */

static beamc_error *atomic_to_type(const beamc_type **out, PB(AtomicType) atomic)
{
    switch (atomic) {
    case PBK(ATOMIC_TYPE__BYTE):
        *out = &beamc_type_int8;
        return NULL;
    case PBK(ATOMIC_TYPE__INT16):
        *out = &beamc_type_int16;
        return NULL;
    case PBK(ATOMIC_TYPE__INT32):
        *out = &beamc_type_int32;
        return NULL;
    case PBK(ATOMIC_TYPE__INT64):
        *out = &beamc_type_int64;
        return NULL;
    case PBK(ATOMIC_TYPE__FLOAT):
        *out = &beamc_type_float32;
        return NULL;
    case PBK(ATOMIC_TYPE__DOUBLE):
        *out = &beamc_type_float64;
        return NULL;
    case PBK(ATOMIC_TYPE__STRING):
        *out = &beamc_type_string;
        return NULL;
    case PBK(ATOMIC_TYPE__BOOLEAN):
        *out = &beamc_type_boolean;
        return NULL;
    case PBK(ATOMIC_TYPE__BYTES):
        *out = &beamc_type_bytes;
        return NULL;
    default:
        return beamc_error_new(BEAMC_ECORRUPT, "atomic type %d", (int)atomic);
    }
}

static beamc_error *element_to_type(const beamc_type **out, beamc__type_maker *maker,
                                    beamc_kind kind, const PB(FieldType) *element)
{
    beamc_field field = { "element", NULL };
    beamc_type *type = NULL;
    BEAMC_TRY(beamc__field_type_to_type(&field.type, maker, element));
    BEAMC_TRY(beamc__type_make(&type, maker, kind, &field, 1));
    *out = type;
    return NULL;
}

static beamc_error *map_to_type(const beamc_type **out, beamc__type_maker *maker,
                                const PB(MapType) *map)
{
    beamc_field fields[2] = { { "key", NULL }, { "value", NULL } };
    beamc_type *type = NULL;
    BEAMC_TRY(beamc_error_wrap(beamc__field_type_to_type(&fields[0].type, maker, map->key_type),
                               "map key"));
    BEAMC_TRY(beamc_error_wrap(beamc__field_type_to_type(&fields[1].type, maker, map->value_type),
                               "map value"));
    BEAMC_TRY(beamc__type_make(&type, maker, BEAMC_KIND_MAP, fields, 2));
    *out = type;
    return NULL;
}

static beamc_error *copy_logical(beamc_logical_type *logical, beamc__type_maker *maker,
                                 const PB(LogicalType) *message)
{
    beamc_arena *arena = maker->arena;
    logical->urn = beamc_arena_strdup(arena, message->urn);
    if (logical->urn == NULL)
        return beamc_error_nomem();
    if (message->payload.len > 0) {
        logical->payload = beamc_arena_memdup(arena, message->payload.data, message->payload.len);
        logical->payload_size = message->payload.len;
        if (logical->payload == NULL)
            return beamc_error_nomem();
    }
    if (message->argument_type == NULL)
        return NULL;
    BEAMC_TRY(beamc__field_type_to_type(&logical->argument_type, maker, message->argument_type));
    if (message->argument == NULL)
        return NULL;
    void *argument = beamc_arena_calloc(arena, 1, logical->argument_type->size);
    if (argument == NULL)
        return beamc_error_nomem();
    logical->argument = argument;
    return beamc_error_wrap(
        beamc__value_from_proto(logical->argument_type, argument, message->argument, arena),
        "argument");
}

static beamc_error *make_logical(const beamc_type **out, beamc__type_maker *maker,
                                 const PB(LogicalType) *message)
{
    /* The two whose bytes are not those of the representation. */
    if (strcmp(message->urn, BEAMC__MILLIS_INSTANT_URN) == 0) {
        *out = &beamc_type_timestamp;
        return NULL;
    }
    if (strcmp(message->urn, BEAMC__DECIMAL_URN) == 0) {
        *out = &beamc_type_decimal;
        return NULL;
    }
    const beamc_type *representation = NULL;
    BEAMC_TRY(beamc__field_type_to_type(&representation, maker, message->representation));
    beamc_type *type = beamc_arena_memdup(maker->arena, representation, sizeof(*representation));
    beamc_logical_type *logical = beamc_arena_calloc(maker->arena, 1, sizeof(*logical));
    if (type == NULL || logical == NULL)
        return beamc_error_nomem();
    BEAMC_TRY(copy_logical(logical, maker, message));
    type->logical = logical;
    type->name = logical->urn;
    *out = type;
    return NULL;
}

static beamc_error *logical_to_type(const beamc_type **out, beamc__type_maker *maker,
                                    const PB(LogicalType) *message)
{
    return beamc_error_wrap(make_logical(out, maker, message), "logical type %s", message->urn);
}

static beamc_error *info_to_type(const beamc_type **out, beamc__type_maker *maker,
                                 const PB(FieldType) *message)
{
    switch (message->type_info_case) {
    case PBK(FIELD_TYPE__TYPE_INFO_ATOMIC_TYPE):
        return atomic_to_type(out, message->atomic_type);
    case PBK(FIELD_TYPE__TYPE_INFO_ARRAY_TYPE):
        return element_to_type(out, maker, BEAMC_KIND_ARRAY, message->array_type->element_type);
    case PBK(FIELD_TYPE__TYPE_INFO_ITERABLE_TYPE):
        return element_to_type(out, maker, BEAMC_KIND_ITERABLE,
                               message->iterable_type->element_type);
    case PBK(FIELD_TYPE__TYPE_INFO_MAP_TYPE):
        return map_to_type(out, maker, message->map_type);
    case PBK(FIELD_TYPE__TYPE_INFO_ROW_TYPE):
        return beamc__schema_to_type(out, maker, message->row_type->schema);
    case PBK(FIELD_TYPE__TYPE_INFO_LOGICAL_TYPE):
        return logical_to_type(out, maker, message->logical_type);
    default:
        return beamc_error_new(BEAMC_ECORRUPT, "no type that is known");
    }
}

beamc_error *beamc__field_type_to_type(const beamc_type **out, beamc__type_maker *maker,
                                       const PB(FieldType) *message)
{
    *out = NULL;
    if (message == NULL)
        return beamc_error_new(BEAMC_ECORRUPT, "no type");
    BEAMC_TRY(beamc__type_maker_enter(maker));
    beamc_error *error = info_to_type(out, maker, message);
    maker->depth--;
    if (error != NULL || !message->nullable)
        return error;
    const beamc_field field = { "value", *out };
    beamc_type *type = NULL;
    BEAMC_TRY(beamc__type_make(&type, maker, BEAMC_KIND_NULLABLE, &field, 1));
    *out = type;
    return NULL;
}

/* Which field is at each encoding position: the schema's word is checked to be a permutation. */
static beamc_error *fill_order(uint32_t *order, const PB(Schema) *schema)
{
    size_t count = schema->n_fields;
    if (!schema->encoding_positions_set) {
        for (size_t i = 0; i < count; i++)
            order[i] = (uint32_t)i;
        return NULL;
    }
    memset(order, 0xff, count * sizeof(*order));
    for (size_t i = 0; i < count; i++) {
        int32_t position = schema->fields[i]->encoding_position;
        if (position < 0 || (size_t)position >= count || order[position] != UINT32_MAX)
            return beamc_error_new(BEAMC_ECORRUPT, "field %s: encoding position %" PRId32,
                                   schema->fields[i]->name, position);
        order[position] = (uint32_t)i;
    }
    return NULL;
}

static beamc_error *pack(beamc_bytes *out, const ProtobufCMessage *message, beamc_arena *arena)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *data = beamc_arena_alloc(arena, size);
    if (data == NULL)
        return beamc_error_nomem();
    out->data = data;
    out->size = protobuf_c_message_pack(message, data);
    return NULL;
}

static beamc_error *make_row_info(beamc_type *row, const PB(Schema) *schema, beamc_arena *arena)
{
    size_t count = schema->n_fields;
    beamc__row_info *info = beamc_arena_calloc(arena, 1, sizeof(*info));
    uint32_t *order = beamc_arena_calloc(arena, count, sizeof(*order));
    uint32_t *offsets = beamc_arena_calloc(arena, count, sizeof(*offsets));
    if (info == NULL || order == NULL || offsets == NULL)
        return beamc_error_nomem();
    BEAMC_TRY(fill_order(order, schema));
    size_t at = 0;
    for (size_t i = 0; i < count; i++)
        offsets[i] = (uint32_t)beamc__next_offset(row->fields[i].type, &at);
    info->order = order;
    info->offsets = offsets;
    row->extra = info;
    return pack(&info->schema, &schema->base, arena);
}

beamc_error *beamc__schema_to_type(const beamc_type **out, beamc__type_maker *maker,
                                   const PB(Schema) *schema)
{
    *out = NULL;
    if (schema == NULL)
        return beamc_error_new(BEAMC_ECORRUPT, "no schema");
    if (schema->n_fields > BEAMC__TYPE_PARTS_MAX)
        return beamc_error_new(BEAMC_ELIMIT, "%zu fields", schema->n_fields);
    beamc_field *fields = beamc_arena_calloc(maker->arena, schema->n_fields, sizeof(*fields));
    if (fields == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < schema->n_fields; i++) {
        const PB(Field) *field = schema->fields[i];
        fields[i].name = beamc_arena_strdup(maker->arena, field->name);
        if (fields[i].name == NULL)
            return beamc_error_nomem();
        BEAMC_TRY(beamc_error_wrap(beamc__field_type_to_type(&fields[i].type, maker, field->type),
                                   "field %s", field->name));
    }
    beamc_type *row = NULL;
    BEAMC_TRY(beamc__type_make(&row, maker, BEAMC_KIND_ROW, fields, schema->n_fields));
    BEAMC_TRY(make_row_info(row, schema, maker->arena));
    *out = row;
    return NULL;
}

beamc_error *beamc__type_from_schema(const beamc_type **out, const PB(Schema) *schema,
                                     beamc_arena *arena)
{
    beamc__type_maker maker = { arena, 0, 0 };
    return beamc__schema_to_type(out, &maker, schema);
}

/* ---- types to messages ----------------------------------------------------------------------- */

static beamc_error *set_atomic(PB(FieldType) *message, PB(AtomicType) atomic)
{
    message->type_info_case = PBK(FIELD_TYPE__TYPE_INFO_ATOMIC_TYPE);
    message->atomic_type = atomic;
    return NULL;
}

static beamc_error *set_array(PB(FieldType) *message, const beamc_type *type, beamc_arena *arena)
{
    message->type_info_case = PBK(FIELD_TYPE__TYPE_INFO_ARRAY_TYPE);
    message->array_type = IN_ARENA(arena, ArrayType, PBK(ARRAY_TYPE__INIT));
    if (message->array_type == NULL)
        return beamc_error_nomem();
    return beamc__type_to_field_type(&message->array_type->element_type, type->fields[0].type,
                                     arena);
}

static beamc_error *set_iterable(PB(FieldType) *message, const beamc_type *type,
                                 beamc_arena *arena)
{
    message->type_info_case = PBK(FIELD_TYPE__TYPE_INFO_ITERABLE_TYPE);
    message->iterable_type = IN_ARENA(arena, IterableType, PBK(ITERABLE_TYPE__INIT));
    if (message->iterable_type == NULL)
        return beamc_error_nomem();
    return beamc__type_to_field_type(&message->iterable_type->element_type, type->fields[0].type,
                                     arena);
}

static beamc_error *set_map(PB(FieldType) *message, const beamc_type *type, beamc_arena *arena)
{
    message->type_info_case = PBK(FIELD_TYPE__TYPE_INFO_MAP_TYPE);
    message->map_type = IN_ARENA(arena, MapType, PBK(MAP_TYPE__INIT));
    if (message->map_type == NULL)
        return beamc_error_nomem();
    BEAMC_TRY(beamc__type_to_field_type(&message->map_type->key_type, type->fields[0].type, arena));
    return beamc__type_to_field_type(&message->map_type->value_type, type->fields[1].type, arena);
}

static beamc_error *set_row(PB(FieldType) *message, const beamc_type *type, beamc_arena *arena)
{
    message->type_info_case = PBK(FIELD_TYPE__TYPE_INFO_ROW_TYPE);
    message->row_type = IN_ARENA(arena, RowType, PBK(ROW_TYPE__INIT));
    if (message->row_type == NULL)
        return beamc_error_nomem();
    return beamc__type_to_schema(&message->row_type->schema, type, arena);
}

static beamc_error *set_logical(PB(FieldType) *message, const char *urn,
                                const beamc_type *representation, beamc_arena *arena)
{
    message->type_info_case = PBK(FIELD_TYPE__TYPE_INFO_LOGICAL_TYPE);
    message->logical_type = IN_ARENA(arena, LogicalType, PBK(LOGICAL_TYPE__INIT));
    if (message->logical_type == NULL)
        return beamc_error_nomem();
    message->logical_type->urn = beamc_arena_strdup(arena, urn);
    if (message->logical_type->urn == NULL)
        return beamc_error_nomem();
    return beamc__type_to_field_type(&message->logical_type->representation, representation, arena);
}

/* A type with a logical type around it. */
static beamc_error *set_annotated(PB(FieldType) *message, const beamc_type *type,
                                  beamc_arena *arena)
{
    const beamc_logical_type *logical = type->logical;
    beamc_type plain = *type;
    plain.logical = NULL;
    BEAMC_TRY(set_logical(message, logical->urn, &plain, arena));
    PB(LogicalType) *out = message->logical_type;
    if (logical->payload_size > 0) {
        out->payload.data = beamc_arena_memdup(arena, logical->payload, logical->payload_size);
        out->payload.len = logical->payload_size;
        if (out->payload.data == NULL)
            return beamc_error_nomem();
    }
    if (logical->argument_type == NULL)
        return NULL;
    BEAMC_TRY(beamc__type_to_field_type(&out->argument_type, logical->argument_type, arena));
    if (logical->argument == NULL)
        return NULL;
    return beamc__value_to_proto(&out->argument, logical->argument_type, logical->argument, arena);
}

static beamc_error *set_type(PB(FieldType) *message, const beamc_type *type, beamc_arena *arena)
{
    if (type->logical != NULL)
        return set_annotated(message, type, arena);
    switch (type->kind) {
    case BEAMC_KIND_INT8:
        return set_atomic(message, PBK(ATOMIC_TYPE__BYTE));
    case BEAMC_KIND_INT16:
        return set_atomic(message, PBK(ATOMIC_TYPE__INT16));
    case BEAMC_KIND_INT32:
        return set_atomic(message, PBK(ATOMIC_TYPE__INT32));
    case BEAMC_KIND_INT64:
        return set_atomic(message, PBK(ATOMIC_TYPE__INT64));
    case BEAMC_KIND_FLOAT:
        return set_atomic(message, PBK(ATOMIC_TYPE__FLOAT));
    case BEAMC_KIND_DOUBLE:
        return set_atomic(message, PBK(ATOMIC_TYPE__DOUBLE));
    case BEAMC_KIND_STRING:
        return set_atomic(message, PBK(ATOMIC_TYPE__STRING));
    case BEAMC_KIND_BOOL:
        return set_atomic(message, PBK(ATOMIC_TYPE__BOOLEAN));
    case BEAMC_KIND_BYTES:
        return set_atomic(message, PBK(ATOMIC_TYPE__BYTES));
    case BEAMC_KIND_ARRAY:
        return set_array(message, type, arena);
    case BEAMC_KIND_ITERABLE:
        return set_iterable(message, type, arena);
    case BEAMC_KIND_MAP:
        return set_map(message, type, arena);
    case BEAMC_KIND_ROW:
        return set_row(message, type, arena);
    case BEAMC_KIND_TIMESTAMP:
        return set_logical(message, BEAMC__MILLIS_INSTANT_URN, &beamc_type_int64, arena);
    case BEAMC_KIND_DECIMAL:
        return set_logical(message, BEAMC__DECIMAL_URN, &beamc_type_bytes, arena);
    default:
        return beamc_error_new(BEAMC_ETYPE, "a %s cannot be in a row", type->name);
    }
}

beamc_error *beamc__type_to_field_type(PB(FieldType) **out, const beamc_type *type,
                                       beamc_arena *arena)
{
    PB(FieldType) *message = IN_ARENA(arena, FieldType, PBK(FIELD_TYPE__INIT));
    *out = message;
    if (message == NULL)
        return beamc_error_nomem();
    if (type->kind == BEAMC_KIND_NULLABLE && type->logical == NULL) {
        type = type->fields[0].type;
        message->nullable = true;
        if (type->kind == BEAMC_KIND_NULLABLE && type->logical == NULL)
            return beamc_error_new(BEAMC_ETYPE, "a nullable of a %s", type->name);
    }
    return set_type(message, type, arena);
}

/* A UUID that follows from the content, so that equal schemas have equal ids: version 8, which is
 * for ids of one's own making. */
static beamc_error *make_id(PB(Schema) *schema, beamc_arena *arena)
{
    beamc_bytes packed = { NULL, 0 };
    BEAMC_TRY(pack(&packed, &schema->base, arena));
    uint8_t *more = beamc_arena_calloc(arena, packed.size + 1, 1);
    if (more == NULL)
        return beamc_error_nomem();
    memcpy(more, packed.data, packed.size);
    uint64_t high = beamc__hash(packed.data, packed.size);
    uint64_t low = beamc__hash(more, packed.size + 1);
    high = (high & ~UINT64_C(0xf000)) | 0x8000;
    low = (low & ~(UINT64_C(3) << 62)) | UINT64_C(1) << 63;
    schema->id = beamc_arena_printf(
        arena, "%08" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%012" PRIx64, high >> 32,
        high >> 16 & 0xffff, high & 0xffff, low >> 48, low & UINT64_C(0xffffffffffff));
    return schema->id == NULL ? beamc_error_nomem() : NULL;
}

static beamc_error *add_field(PB(Schema) *schema, size_t index, const beamc_field *field,
                              beamc_arena *arena)
{
    PB(Field) *message = IN_ARENA(arena, Field, PBK(FIELD__INIT));
    if (message == NULL)
        return beamc_error_nomem();
    schema->fields[schema->n_fields++] = message;
    message->id = (int32_t)index;
    message->encoding_position = (int32_t)index;
    message->name = beamc_arena_strdup(arena, field->name);
    if (message->name == NULL)
        return beamc_error_nomem();
    return beamc_error_wrap(beamc__type_to_field_type(&message->type, field->type, arena),
                            "field %s", field->name);
}

beamc_error *beamc__type_to_schema(PB(Schema) **out, const beamc_type *row, beamc_arena *arena)
{
    const beamc__row_info *info = row->extra;
    *out = NULL;
    if (info != NULL) {
        ProtobufCAllocator allocator = beamc__arena_protobuf(arena);
        *out = BEAMC__UNPACK(PB(Schema), pb(schema__descriptor), &allocator, info->schema.size,
                             info->schema.data);
        return *out == NULL ? beamc_error_nomem() : NULL;
    }
    PB(Schema) *schema = IN_ARENA(arena, Schema, PBK(SCHEMA__INIT));
    if (schema == NULL)
        return beamc_error_nomem();
    schema->fields = beamc_arena_calloc(arena, row->field_count, sizeof(schema->fields[0]));
    if (schema->fields == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < row->field_count; i++)
        BEAMC_TRY(beamc_error_wrap(add_field(schema, i, &row->fields[i], arena), "row %s",
                                   row->name));
    BEAMC_TRY(make_id(schema, arena));
    *out = schema;
    return NULL;
}
