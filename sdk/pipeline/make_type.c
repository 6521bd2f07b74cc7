/* SPDX-License-Identifier: Apache-2.0 */
/* Types made while a pipeline is built: laid out as the macros of type.h lay theirs. */
#include <beamc/dofn.h>

static const beamc_type *make(beamc_arena *arena, beamc_kind kind, const char *name, size_t size,
                              size_t align, const beamc_field *fields, size_t field_count)
{
    beamc_type *type = beamc_arena_calloc(arena, 1, sizeof(*type));
    const beamc_field *own = beamc_arena_memdup(arena, fields, field_count * sizeof(*fields));

    if (type == NULL || own == NULL || name == NULL)
        return NULL;
    type->name = name;
    type->kind = kind;
    type->size = BEAMC_ALIGN_UP(size, align);
    type->align = align;
    type->fields = own;
    type->field_count = field_count;
    return type;
}

const beamc_type *beamc_type_kv(beamc_arena *arena, const beamc_type *key, const beamc_type *value)
{
    if (key == NULL || value == NULL)
        return NULL;
    const beamc_field fields[2] = { { "key", key }, { "value", value } };
    size_t align = key->align > value->align ? key->align : value->align;
    size_t size = BEAMC_ALIGN_UP(key->size, value->align) + value->size;
    const char *name = beamc_arena_printf(arena, "KV<%s, %s>", key->name, value->name);

    return make(arena, BEAMC_KIND_KV, name, size, align, fields, 2);
}

const beamc_type *beamc_type_iterable(beamc_arena *arena, const beamc_type *element)
{
    if (element == NULL)
        return NULL;
    const beamc_field fields[1] = { { "element", element } };
    const char *name = beamc_arena_printf(arena, "Iterable<%s>", element->name);

    return make(arena, BEAMC_KIND_ITERABLE, name, sizeof(beamc_iterable),
                BEAMC_ALIGN_OF(beamc_iterable), fields, 1);
}

const beamc_type *beamc_type_nullable(beamc_arena *arena, const beamc_type *value)
{
    if (value == NULL)
        return NULL;
    const beamc_field fields[1] = { { "value", value } };
    size_t align = value->align > BEAMC_ALIGN_OF(bool) ? value->align : BEAMC_ALIGN_OF(bool);
    size_t size = BEAMC_ALIGN_UP(sizeof(bool), value->align) + value->size;
    const char *name = beamc_arena_printf(arena, "Nullable<%s>", value->name);

    return make(arena, BEAMC_KIND_NULLABLE, name, size, align, fields, 1);
}
