/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/container/log_overrides.h"

static bool read_level(beamc_log_level *out, const Google__Protobuf__Value *value)
{
    return value != NULL && value->kind_case == GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE &&
           beamc_log_level_parse(out, value->string_value);
}

beamc_error *beamc__log_overrides_read(beamc_log_overrides *out,
                                       const Google__Protobuf__Struct *object, const char **wrong,
                                       beamc_arena *arena)
{
    const char *first_wrong = NULL;
    size_t count = object == NULL ? 0 : object->n_fields;
    beamc_log_override *list = beamc_arena_calloc(arena, count, sizeof(*list));

    *out = (beamc_log_overrides){ list, 0 };
    if (list == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < count; i++) {
        beamc_log_override *next = &list[out->count];
        next->name = object->fields[i]->key;
        if (read_level(&next->level, object->fields[i]->value))
            out->count++;
        else if (first_wrong == NULL)
            first_wrong = next->name;
    }
    if (wrong != NULL)
        *wrong = first_wrong;
    return NULL;
}
