/* SPDX-License-Identifier: Apache-2.0 */
/* Values as FieldValue messages, and back.  Schemas hold few and small ones: arguments of logical
 * types. */
#include "sdk/coders/schema.h"
#include "sdk/types/layout.h"

#include <inttypes.h>

#define IN_ARENA(arena, Message, INIT)                                                             \
    ((PB(Message) *)beamc_arena_memdup(arena, &(const PB(Message))INIT, sizeof(PB(Message))))

static beamc_error *mismatch(const beamc_type *type)
{
    return beamc_error_new(BEAMC_ECORRUPT, "the value is not of type %s", type->name);
}

/* ---- messages to values ---------------------------------------------------------------------- */

static beamc_error *copy_bytes(beamc_bytes *to, const void *data, size_t size, beamc_arena *arena)
{
    to->data = beamc_arena_memdup(arena, data, size);
    to->size = size;
    return to->data == NULL ? beamc_error_nomem() : NULL;
}

#define NUMBER(KIND, CASE, ctype, member)                                                          \
    case BEAMC_KIND_##KIND:                                                                        \
        if (atomic->value_case != PBK(ATOMIC_TYPE_VALUE__VALUE_##CASE))                            \
            return mismatch(type);                                                                 \
        *(ctype *)value = (ctype)atomic->member;                                                   \
        return NULL;

static beamc_error *from_atomic(const beamc_type *type, void *value,
                                const PB(AtomicTypeValue) *atomic, beamc_arena *arena)
{
    switch (type->kind) {
        NUMBER(INT8, BYTE, int8_t, byte)
        NUMBER(INT16, INT16, int16_t, int16)
        NUMBER(INT32, INT32, int32_t, int32)
        NUMBER(INT64, INT64, int64_t, int64)
        NUMBER(TIMESTAMP, INT64, int64_t, int64)
        NUMBER(FLOAT, FLOAT, float, float_)
        NUMBER(DOUBLE, DOUBLE, double, double_)
        NUMBER(BOOL, BOOLEAN, bool, boolean)
    case BEAMC_KIND_STRING:
        if (atomic->value_case != PBK(ATOMIC_TYPE_VALUE__VALUE_STRING))
            return mismatch(type);
        return copy_bytes(value, atomic->string, strlen(atomic->string), arena);
    case BEAMC_KIND_BYTES:
        if (atomic->value_case != PBK(ATOMIC_TYPE_VALUE__VALUE_BYTES))
            return mismatch(type);
        return copy_bytes(value, atomic->bytes.data, atomic->bytes.len, arena);
    default:
        return mismatch(type);
    }
}

/* Elements of an array or an iterable into memory of their own. */
static beamc_error *from_elements(const beamc_type *element, char **items,
                                  PB(FieldValue) **messages, size_t count, beamc_arena *arena)
{
    *items = beamc_arena_calloc(arena, count, element->size);
    if (*items == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < count; i++)
        BEAMC_TRY(beamc__value_from_proto(element, *items + i * element->size, messages[i], arena));
    return NULL;
}

static beamc_error *from_map(const beamc_type *type, beamc_array *map, const PB(MapTypeValue) *from,
                             beamc_arena *arena)
{
    size_t step = beamc__entry_size(type);
    char *items = beamc_arena_calloc(arena, from->n_entries, step);
    if (items == NULL)
        return beamc_error_nomem();
    map->items = items;
    map->count = from->n_entries;
    for (size_t i = 0; i < from->n_entries; i++) {
        char *entry = items + i * step;
        BEAMC_TRY(beamc__value_from_proto(type->fields[0].type, entry, from->entries[i]->key,
                                          arena));
        BEAMC_TRY(beamc__value_from_proto(type->fields[1].type,
                                          entry + beamc_kv_value_offset(type),
                                          from->entries[i]->value, arena));
    }
    return NULL;
}

static beamc_error *from_row(const beamc_type *type, void *value, const PB(Row) *row,
                             beamc_arena *arena)
{
    size_t at = 0;
    if (row->n_values != type->field_count)
        return mismatch(type);
    for (size_t i = 0; i < type->field_count; i++) {
        const beamc_type *field = type->fields[i].type;
        void *part = beamc__at_mutable(value, beamc__next_offset(field, &at));
        BEAMC_TRY(beamc__value_from_proto(field, part, row->values[i], arena));
    }
    return NULL;
}

static beamc_error *from_nullable(const beamc_type *type, void *value,
                                  const PB(FieldValue) *message, beamc_arena *arena)
{
    bool present = message->field_value_case != PBK(FIELD_VALUE__FIELD_VALUE__NOT_SET);
    *(bool *)value = present;
    if (!present)
        return NULL;
    return beamc__value_from_proto(type->fields[0].type,
                                   beamc__at_mutable(value, beamc__nullable_offset(type)), message,
                                   arena);
}

beamc_error *beamc__value_from_proto(const beamc_type *type, void *value,
                                     const PB(FieldValue) *message, beamc_arena *arena)
{
    static const PB(FieldValue) null = PBK(FIELD_VALUE__INIT);
    char *items;

    if (message == NULL)
        message = &null;
    if (type->kind == BEAMC_KIND_NULLABLE)
        return from_nullable(type, value, message, arena);
    switch (message->field_value_case) {
    case PBK(FIELD_VALUE__FIELD_VALUE_ATOMIC_VALUE):
        return from_atomic(type, value, message->atomic_value, arena);
    case PBK(FIELD_VALUE__FIELD_VALUE_ARRAY_VALUE):
        if (type->kind != BEAMC_KIND_ARRAY)
            return mismatch(type);
        BEAMC_TRY(from_elements(type->fields[0].type, &items, message->array_value->element,
                                message->array_value->n_element, arena));
        *(beamc_array *)value = (beamc_array){ items, message->array_value->n_element };
        return NULL;
    case PBK(FIELD_VALUE__FIELD_VALUE_ITERABLE_VALUE):
        if (type->kind != BEAMC_KIND_ITERABLE)
            return mismatch(type);
        BEAMC_TRY(from_elements(type->fields[0].type, &items, message->iterable_value->element,
                                message->iterable_value->n_element, arena));
        *(beamc_iterable *)value = beamc_iterable_of_array(type->fields[0].type, items,
                                                           message->iterable_value->n_element);
        return NULL;
    case PBK(FIELD_VALUE__FIELD_VALUE_MAP_VALUE):
        if (type->kind != BEAMC_KIND_MAP)
            return mismatch(type);
        return from_map(type, value, message->map_value, arena);
    case PBK(FIELD_VALUE__FIELD_VALUE_ROW_VALUE):
        if (type->kind != BEAMC_KIND_ROW)
            return mismatch(type);
        return from_row(type, value, message->row_value, arena);
    case PBK(FIELD_VALUE__FIELD_VALUE_LOGICAL_TYPE_VALUE):
        /* A value of the representation; depth is limited by that of the message. */
        return beamc__value_from_proto(type, value, message->logical_type_value->value, arena);
    default:
        return mismatch(type);
    }
}

/* ---- values to messages ---------------------------------------------------------------------- */

static beamc_error *to_atomic(PB(FieldValue) *message, const beamc_type *type, const void *value,
                              beamc_arena *arena)
{
    PB(AtomicTypeValue) *atomic =
        IN_ARENA(arena, AtomicTypeValue, PBK(ATOMIC_TYPE_VALUE__INIT));
    if (atomic == NULL)
        return beamc_error_nomem();
    message->field_value_case = PBK(FIELD_VALUE__FIELD_VALUE_ATOMIC_VALUE);
    message->atomic_value = atomic;
    switch (type->kind) {
#define SET(KIND, CASE, ctype, member)                                                             \
    case BEAMC_KIND_##KIND:                                                                        \
        atomic->value_case = PBK(ATOMIC_TYPE_VALUE__VALUE_##CASE);                                 \
        atomic->member = *(const ctype *)value;                                                    \
        return NULL;
        SET(INT8, BYTE, int8_t, byte)
        SET(INT16, INT16, int16_t, int16)
        SET(INT32, INT32, int32_t, int32)
        SET(INT64, INT64, int64_t, int64)
        SET(TIMESTAMP, INT64, int64_t, int64)
        SET(FLOAT, FLOAT, float, float_)
        SET(DOUBLE, DOUBLE, double, double_)
        SET(BOOL, BOOLEAN, bool, boolean)
#undef SET
    case BEAMC_KIND_STRING: {
        const beamc_string *string = value;
        atomic->value_case = PBK(ATOMIC_TYPE_VALUE__VALUE_STRING);
        atomic->string = beamc_arena_strndup(arena, string->data, string->size);
        return atomic->string == NULL ? beamc_error_nomem() : NULL;
    }
    case BEAMC_KIND_BYTES: {
        const beamc_bytes *bytes = value;
        atomic->value_case = PBK(ATOMIC_TYPE_VALUE__VALUE_BYTES);
        atomic->bytes.data = beamc_arena_memdup(arena, bytes->data, bytes->size);
        atomic->bytes.len = bytes->size;
        return atomic->bytes.data == NULL ? beamc_error_nomem() : NULL;
    }
    default:
        return beamc_error_new(BEAMC_ETYPE, "a %s cannot be a value in a schema", type->name);
    }
}

static beamc_error *to_array(PB(FieldValue) *message, const beamc_type *type,
                             const beamc_array *array, beamc_arena *arena)
{
    const beamc_type *element = type->fields[0].type;
    PB(ArrayTypeValue) *to = IN_ARENA(arena, ArrayTypeValue, PBK(ARRAY_TYPE_VALUE__INIT));
    if (to == NULL ||
        (to->element = beamc_arena_calloc(arena, array->count, sizeof(to->element[0]))) == NULL)
        return beamc_error_nomem();
    message->field_value_case = PBK(FIELD_VALUE__FIELD_VALUE_ARRAY_VALUE);
    message->array_value = to;
    for (size_t i = 0; i < array->count; i++)
        BEAMC_TRY(beamc__value_to_proto(&to->element[to->n_element++], element,
                                        beamc__at(array->items, i * element->size), arena));
    return NULL;
}

static beamc_error *to_iterable(PB(FieldValue) *message, const beamc_type *type,
                                const beamc_iterable *iterable, beamc_arena *arena)
{
    const beamc_type *element = type->fields[0].type;
    PB(IterableTypeValue) *to = IN_ARENA(arena, IterableTypeValue, PBK(ITERABLE_TYPE_VALUE__INIT));
    int64_t count;
    beamc_iterator walk;
    BEAMC_TRY(beamc_iterable_count(&count, iterable));
    void *value = beamc_arena_calloc(arena, 1, element->size);
    if (to == NULL || value == NULL ||
        (to->element = beamc_arena_calloc(arena, (size_t)count, sizeof(to->element[0]))) == NULL)
        return beamc_error_nomem();
    message->field_value_case = PBK(FIELD_VALUE__FIELD_VALUE_ITERABLE_VALUE);
    message->iterable_value = to;
    beamc_iterate(&walk, iterable);
    beamc_error *error = NULL;
    while (error == NULL && to->n_element < (size_t)count && beamc_next(&walk, value))
        error = beamc__value_to_proto(&to->element[to->n_element++], element, value, arena);
    beamc_error *ended = beamc_iterator_finish(&walk);
    if (error == NULL)
        return ended;
    beamc_error_free(ended); /* the walk was left because of the other one */
    return error;
}

static beamc_error *to_map(PB(FieldValue) *message, const beamc_type *type, const beamc_array *map,
                           beamc_arena *arena)
{
    size_t step = beamc__entry_size(type);
    PB(MapTypeValue) *to = IN_ARENA(arena, MapTypeValue, PBK(MAP_TYPE_VALUE__INIT));
    if (to == NULL ||
        (to->entries = beamc_arena_calloc(arena, map->count, sizeof(to->entries[0]))) == NULL)
        return beamc_error_nomem();
    message->field_value_case = PBK(FIELD_VALUE__FIELD_VALUE_MAP_VALUE);
    message->map_value = to;
    for (size_t i = 0; i < map->count; i++) {
        const void *from = beamc__at(map->items, i * step);
        PB(MapTypeEntry) *entry = IN_ARENA(arena, MapTypeEntry, PBK(MAP_TYPE_ENTRY__INIT));
        if (entry == NULL)
            return beamc_error_nomem();
        to->entries[to->n_entries++] = entry;
        BEAMC_TRY(beamc__value_to_proto(&entry->key, type->fields[0].type, from, arena));
        BEAMC_TRY(beamc__value_to_proto(&entry->value, type->fields[1].type,
                                        beamc__at(from, beamc_kv_value_offset(type)), arena));
    }
    return NULL;
}

static beamc_error *to_row(PB(FieldValue) *message, const beamc_type *type, const void *value,
                           beamc_arena *arena)
{
    size_t at = 0;
    PB(Row) *row = IN_ARENA(arena, Row, PBK(ROW__INIT));
    if (row == NULL ||
        (row->values = beamc_arena_calloc(arena, type->field_count, sizeof(row->values[0]))) ==
            NULL)
        return beamc_error_nomem();
    message->field_value_case = PBK(FIELD_VALUE__FIELD_VALUE_ROW_VALUE);
    message->row_value = row;
    for (size_t i = 0; i < type->field_count; i++) {
        const beamc_type *field = type->fields[i].type;
        const void *part = beamc__at(value, beamc__next_offset(field, &at));
        BEAMC_TRY(beamc__value_to_proto(&row->values[row->n_values++], field, part, arena));
    }
    return NULL;
}

beamc_error *beamc__value_to_proto(PB(FieldValue) **out, const beamc_type *type, const void *value,
                                   beamc_arena *arena)
{
    PB(FieldValue) *message = IN_ARENA(arena, FieldValue, PBK(FIELD_VALUE__INIT));
    *out = message;
    if (message == NULL)
        return beamc_error_nomem();
    while (type->kind == BEAMC_KIND_NULLABLE) {
        if (!*(const bool *)value)
            return NULL;
        value = beamc__at(value, beamc__nullable_offset(type));
        type = type->fields[0].type;
    }
    switch (type->kind) {
    case BEAMC_KIND_ARRAY:
        return to_array(message, type, value, arena);
    case BEAMC_KIND_ITERABLE:
        return to_iterable(message, type, value, arena);
    case BEAMC_KIND_MAP:
        return to_map(message, type, value, arena);
    case BEAMC_KIND_ROW:
        return to_row(message, type, value, arena);
    default:
        return to_atomic(message, type, value, arena);
    }
}
