/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/coders/logical.h"

#include "sdk/types/layout.h"

/* Longer ones are not padded: a schema of two lines must not make values of gigabytes. */
#define PADDED_MAX 65536

static bool is_urn(const beamc_type *type, const char *urn)
{
    return type->logical != NULL && strcmp(type->logical->urn, urn) == 0;
}

/* The number a logical type was made with; false if it has none. */
static bool int_argument(const beamc_type *type, int32_t *out)
{
    const beamc_logical_type *logical = type->logical;
    if (logical->argument_type == NULL || logical->argument == NULL ||
        logical->argument_type->kind != BEAMC_KIND_INT32)
        return false;
    *out = *(const int32_t *)logical->argument;
    return *out >= 0;
}

/* Bytes, or the characters of UTF-8: all bytes but those that continue one. */
static size_t length_of(const beamc_type *type, const beamc_bytes *value)
{
    if (type->kind != BEAMC_KIND_STRING)
        return value->size;
    size_t length = 0;
    for (size_t i = 0; i < value->size; i++)
        length += (value->data[i] & 0xc0) != 0x80;
    return length;
}

int beamc__logical_padding(const beamc_type *type, const beamc_bytes *value, size_t *padding)
{
    bool text = type->kind == BEAMC_KIND_STRING;
    bool fixed = is_urn(type, text ? BEAMC__FIXED_CHAR_URN : BEAMC__FIXED_BYTES_URN);
    int32_t limit;

    *padding = 0;
    if (!fixed && !is_urn(type, text ? BEAMC__VAR_CHAR_URN : BEAMC__VAR_BYTES_URN))
        return BEAMC_OK;
    if (!int_argument(type, &limit))
        return BEAMC_OK;
    size_t length = length_of(type, value);
    if (length > (size_t)limit)
        return BEAMC_EINVAL;
    if (fixed && limit <= PADDED_MAX)
        *padding = (size_t)limit - length;
    return BEAMC_OK;
}

static bool has_fields(const beamc_type *type, beamc_kind first, beamc_kind second)
{
    return type->field_count == 2 && type->fields[0].type->kind == first &&
           type->fields[1].type->kind == second;
}

/* One more than the greatest part of a second, 0 if there is no rule. */
static int64_t second_limit(const beamc_type *type)
{
    if (type->logical == NULL || type->kind != BEAMC_KIND_ROW)
        return 0;
    if (is_urn(type, BEAMC__MICROS_INSTANT_URN))
        return has_fields(type, BEAMC_KIND_INT64, BEAMC_KIND_INT64) ? 1000000 : 0;
    if (!is_urn(type, BEAMC__TIMESTAMP_URN) ||
        (!has_fields(type, BEAMC_KIND_INT64, BEAMC_KIND_INT16) &&
         !has_fields(type, BEAMC_KIND_INT64, BEAMC_KIND_INT32)))
        return 0;
    int32_t precision;
    if (!int_argument(type, &precision) || precision > 9)
        return 0;
    int64_t limit = 1;
    while (precision-- > 0)
        limit *= 10;
    return limit;
}

bool beamc__logical_has_row_rule(const beamc_type *type)
{
    return second_limit(type) > 0;
}

int beamc__logical_check_row(const beamc_type *type, const void *value)
{
    int64_t limit = second_limit(type);
    if (limit == 0)
        return BEAMC_OK;

    /* Both rows begin with an int64_t, so the second field follows without a gap. */
    const beamc_type *second = type->fields[1].type;
    const void *at = beamc__at(value, sizeof(int64_t));
    int64_t part = second->kind == BEAMC_KIND_INT64   ? *(const int64_t *)at
                   : second->kind == BEAMC_KIND_INT32 ? *(const int32_t *)at
                                                      : *(const int16_t *)at;
    return part >= 0 && part < limit ? BEAMC_OK : BEAMC_EINVAL;
}
