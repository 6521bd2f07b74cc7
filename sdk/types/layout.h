/* SPDX-License-Identifier: Apache-2.0 */
/* Where the parts of a value lie: the rules of C, read off the type. */
#ifndef BEAMC_TYPES_LAYOUT_H
#define BEAMC_TYPES_LAYOUT_H

#include <beamc/type.h>

/* Where a nullable's value begins, after its flag. */
static inline size_t beamc__nullable_offset(const beamc_type *nullable)
{
    return BEAMC_ALIGN_UP(sizeof(bool), nullable->fields[0].type->align);
}

/* The size of a map's entry, struct { K key; V value; }. */
static inline size_t beamc__entry_size(const beamc_type *map)
{
    const beamc_type *key = map->fields[0].type;
    const beamc_type *value = map->fields[1].type;
    size_t align = key->align > value->align ? key->align : value->align;
    return BEAMC_ALIGN_UP(beamc_kv_value_offset(map) + value->size, align);
}

/* The part at @at bytes or the next multiple of its alignment; *@at moves behind it.  Walks the
 * fields of a row in order. */
static inline size_t beamc__next_offset(const beamc_type *part, size_t *at)
{
    size_t offset = BEAMC_ALIGN_UP(*at, part->align);
    *at = offset + part->size;
    return offset;
}

static inline const void *beamc__at(const void *value, size_t offset)
{
    return (const char *)value + offset;
}

static inline void *beamc__at_mutable(void *value, size_t offset)
{
    return (char *)value + offset;
}

/* What a row's type may know besides its fields (type->extra); BEAMC_ROW gives none. */
typedef struct {
    const uint32_t *order;   /* the field at each encoding position */
    const uint32_t *offsets; /* of each field */
    beamc_bytes schema;      /* the Schema message it was made from, serialized */
} beamc__row_info;

/* Values that take no bytes cost nothing to send, so their number needs a limit. */
#define BEAMC__EMPTY_VALUES_MAX 4096u

/* It was made by beamc_iterable_of_array. */
bool beamc__iterable_is_array(const beamc_iterable *iterable);

/* A value held for a moment: on the stack if it is small.  @value is NULL if there is no memory. */
typedef struct {
    void *value;
    void *heap;
    max_align_t small[16];
} beamc__scratch;

void beamc__scratch_init(beamc__scratch *scratch, const beamc_type *type);
void beamc__scratch_dispose(beamc__scratch *scratch);

/* Decoding a value of @type may take memory from the arena. */
bool beamc__type_needs_memory(const beamc_type *type);

/* @type is or holds an iterable that may end in a state token. */
bool beamc__type_is_state_backed(const beamc_type *type);

/* Values of @type are one piece of memory: copying is memcpy. */
bool beamc__type_is_flat(const beamc_type *type);

/* The bytes that every encoding of a part of @type has, -1 if they vary or must be checked. */
int64_t beamc__type_fixed_size(const beamc_type *type);

#endif
