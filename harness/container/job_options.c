/* SPDX-License-Identifier: Apache-2.0 */
#include "job_options.h"

#include "proto/urns.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 128, NUMBER_SIZE = 32 };

typedef Google__Protobuf__Struct json_object;
typedef Google__Protobuf__Value json_value;

/* ---- finding --------------------------------------------------------------------------------- */

static const json_value *member(const json_object *object, const char *name)
{
    for (size_t i = 0; object != NULL && i < object->n_fields; i++)
        if (strcmp(object->fields[i]->key, name) == 0)
            return object->fields[i]->value;
    return NULL;
}

/* "job_name" becomes "jobName". */
static void to_camel(char out[NAME_SIZE], const char *name)
{
    size_t size = 0;

    for (; *name != '\0' && size < NAME_SIZE - 1; name++) {
        if (*name == '_' && name[1] != '\0')
            out[size++] = (char)toupper((unsigned char)*++name);
        else
            out[size++] = *name;
    }
    out[size] = '\0';
}

static const json_value *option(const json_object *options, const char *name)
{
    const json_value *old = member(options, "options");
    char key[NAME_SIZE];

    snprintf(key, sizeof(key), "beam:option:%s:v1", name);
    const json_value *value = member(options, key);
    if (value == NULL && old != NULL &&
        old->kind_case == GOOGLE__PROTOBUF__VALUE__KIND_STRUCT_VALUE) {
        to_camel(key, name);
        value = member(old->struct_value, key);
    }
    return value;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* NULL: it is no text. */
static const char *text_of(const json_value *value)
{
    return value != NULL && value->kind_case == GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE
               ? value->string_value
               : NULL;
}

/* A whole number from 0 on, or -1. */
static int64_t parse_number(const char *text)
{
    char *end;
    long long number = strtoll(text, &end, 10);

    return end == text || *end != '\0' || number < 0 ? -1 : number;
}

/* Numbers come as such and, where JSON's are held to be too short, as texts. */
static int64_t number_of(const json_value *value)
{
    if (value != NULL && value->kind_case == GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE)
        return parse_number(value->string_value);
    if (value != NULL && value->kind_case == GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE &&
        value->number_value >= 0 && value->number_value < 9e18)
        return (int64_t)value->number_value;
    return -1;
}

/* The value of "name=value", or "" of "name", in the list of experiments; NULL: it is not there. */
static const char *experiment(const json_object *options, const char *name)
{
    const json_value *list = option(options, "experiments");
    size_t size = strlen(name);

    if (list == NULL || list->kind_case != GOOGLE__PROTOBUF__VALUE__KIND_LIST_VALUE)
        return NULL;
    for (size_t i = 0; i < list->list_value->n_values; i++) {
        const char *text = text_of(list->list_value->values[i]);
        if (text == NULL || strncmp(text, name, size) != 0)
            continue;
        if (text[size] == '\0')
            return "";
        if (text[size] == '=')
            return text + size + 1;
    }
    return NULL;
}

static int64_t experiment_number(const json_object *options, const char *name)
{
    const char *text = experiment(options, name);

    return text == NULL ? -1 : parse_number(text);
}

static int64_t at_least_0(int64_t number)
{
    return number < 0 ? 0 : number;
}

static int64_t megabytes(int64_t count)
{
    if (count < 0)
        return -1;
    return count > INT64_MAX >> 20 ? INT64_MAX : count << 20;
}

/* What is more than some thousand years is for ever. */
static int64_t minutes(int64_t count)
{
    return count > 0 && count < INT64_MAX / 60000 ? count * 60000 : 0;
}

static beamc_log_level read_level(const json_object *options)
{
    const char *text = text_of(option(options, "default_sdk_harness_log_level"));
    beamc_log_level level;

    return text != NULL && beamc_log_level_parse(&level, text) ? level : 0;
}

static const json_object *object_of(const json_value *value)
{
    return value != NULL && value->kind_case == GOOGLE__PROTOBUF__VALUE__KIND_STRUCT_VALUE
               ? value->struct_value
               : NULL;
}

void beamc__job_options_read(beamc__job_options *out, const Google__Protobuf__Struct *options)
{
    bool sample_data = experiment(options, "enable_data_sampling") != NULL;

    *out = (beamc__job_options){
        .build_id = text_of(option(options, BEAMC_TEXT_BUILD_ID_OPTION)),
        .job_name = text_of(option(options, "job_name")),
        .log_level = read_level(options),
        .log_levels = object_of(option(options, "sdk_harness_log_level_overrides")),
        .data_buffer_size = at_least_0(experiment_number(options, "data_buffer_size_limit")),
        .data_buffer_ms = at_least_0(experiment_number(options, "data_buffer_time_limit_ms")),
        .state_cache_size = megabytes(number_of(option(options, "max_cache_memory_usage_mb"))),
        .element_timeout_ms =
            minutes(number_of(option(options, "element_processing_timeout_minutes"))),
        .sample_data = sample_data,
        .sample_exceptions =
            experiment(options, "disable_always_on_exception_sampling") == NULL &&
            (sample_data || experiment(options, "enable_always_on_exception_sampling") != NULL),
        .trust_files = experiment(options, "disable_staged_file_integrity_checks") != NULL,
    };
    if (out->state_cache_size < 0)
        out->state_cache_size = megabytes(experiment_number(options, "state_cache_size"));
}
