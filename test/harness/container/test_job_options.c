/* SPDX-License-Identifier: Apache-2.0 */
/* Options of a job as its workers read them, in all forms that runners hand on. */
#include "harness/container/job_options.h"

#include "harness/container/log_overrides.h"
#include <check.h>
#include <stdlib.h>

typedef Google__Protobuf__Value value;
typedef Google__Protobuf__Struct object;

static beamc_arena *arena;
static beamc__job_options read_options;

static void setup(void)
{
    arena = beamc_arena_new();
}

static void teardown(void)
{
    beamc_arena_free(arena);
}

static value *new_value(Google__Protobuf__Value__KindCase kind)
{
    value *out = beamc_arena_alloc(arena, sizeof(*out));

    google__protobuf__value__init(out);
    out->kind_case = kind;
    return out;
}

static value *text(const char *of)
{
    value *out = new_value(GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE);

    out->string_value = (char *)of;
    return out;
}

static value *number(double of)
{
    value *out = new_value(GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE);

    out->number_value = of;
    return out;
}

static value *list(const char *first, const char *second)
{
    value *out = new_value(GOOGLE__PROTOBUF__VALUE__KIND_LIST_VALUE);

    out->list_value = beamc_arena_alloc(arena, sizeof(*out->list_value));
    google__protobuf__list_value__init(out->list_value);
    out->list_value->values = beamc_arena_calloc(arena, 2, sizeof(value *));
    out->list_value->values[out->list_value->n_values++] = text(first);
    out->list_value->values[out->list_value->n_values++] = text(second);
    return out;
}

static void set(object *to, const char *key, value *of)
{
    Google__Protobuf__Struct__FieldsEntry *field = beamc_arena_alloc(arena, sizeof(*field));

    google__protobuf__struct__fields_entry__init(field);
    field->key = (char *)key;
    field->value = of;
    to->fields[to->n_fields++] = field;
}

static object *new_object(void)
{
    object *out = beamc_arena_alloc(arena, sizeof(*out));

    google__protobuf__struct__init(out);
    out->fields = beamc_arena_calloc(arena, 8, sizeof(*out->fields));
    return out;
}

START_TEST(without_options_nothing_is_told)
{
    for (int i = 0; i < 2; i++) {
        beamc__job_options_read(&read_options, i == 0 ? NULL : new_object());
        ck_assert_ptr_null(read_options.build_id);
        ck_assert_ptr_null(read_options.job_name);
        ck_assert_int_eq((int)read_options.log_level, 0);
        ck_assert_int_eq(read_options.data_buffer_size, 0);
        ck_assert_int_eq(read_options.state_cache_size, -1);
        ck_assert(!read_options.sample_data && !read_options.sample_exceptions &&
                  !read_options.trust_files);
    }
}
END_TEST

START_TEST(options_are_found_by_their_urns)
{
    object *options = new_object();

    set(options, "beam:option:beamc_build_id:v1", text("0f"));
    set(options, "beam:option:job_name:v1", text("j"));
    set(options, "beam:option:default_sdk_harness_log_level:v1", text("DEBUG"));
    set(options, "beam:option:max_cache_memory_usage_mb:v1", number(3));
    set(options, "beam:option:experiments:v1",
        list("data_buffer_size_limit=65536", "enable_data_sampling"));
    set(options, "beam:option:element_processing_timeout_minutes:v1", text("5"));
    beamc__job_options_read(&read_options, options);
    ck_assert_str_eq(read_options.build_id, "0f");
    ck_assert_str_eq(read_options.job_name, "j");
    ck_assert_int_eq(read_options.log_level, BEAMC_LOG_DEBUG);
    ck_assert_int_eq(read_options.state_cache_size, 3 << 20);
    ck_assert_int_eq(read_options.data_buffer_size, 65536);
    ck_assert_int_eq(read_options.element_timeout_ms, 300000);
    ck_assert(read_options.sample_data && read_options.sample_exceptions);
}
END_TEST

START_TEST(options_are_found_in_the_old_form)
{
    object *options = new_object(), *old = new_object();
    value *all = new_value(GOOGLE__PROTOBUF__VALUE__KIND_STRUCT_VALUE);

    all->struct_value = old;
    set(options, "options", all);
    set(old, "beamcBuildId", text("0f"));
    set(old, "maxCacheMemoryUsageMb", text("7"));
    beamc__job_options_read(&read_options, options);
    ck_assert_str_eq(read_options.build_id, "0f");
    ck_assert_int_eq(read_options.state_cache_size, 7 << 20);
}
END_TEST

START_TEST(numbers_come_in_two_forms_and_nonsense_is_not_told)
{
    const struct {
        value *given;
        int64_t megabytes; /* -1: not told */
    } cases[] = {
        { number(0), 0 },      { text("0"), 0 },       { text("12"), 12 },  { number(12.7), 12 },
        { number(-1), -1 },    { text("-5"), -1 },     { text("12x"), -1 }, { text(""), -1 },
        { number(1e300), -1 }, { list("1", "2"), -1 },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        object *options = new_object();
        set(options, "beam:option:max_cache_memory_usage_mb:v1", cases[i].given);
        beamc__job_options_read(&read_options, options);
        ck_assert_msg(read_options.state_cache_size ==
                          (cases[i].megabytes < 0 ? -1 : cases[i].megabytes << 20),
                      "case %zu: %lld", i, (long long)read_options.state_cache_size);
    }
}
END_TEST

START_TEST(experiments_are_known_by_their_whole_names)
{
    object *options = new_object();

    set(options, "beam:option:experiments:v1",
        list("enable_data_sampling_later", "disable_staged_file_integrity_checks"));
    beamc__job_options_read(&read_options, options);
    ck_assert(!read_options.sample_data);
    ck_assert(read_options.trust_files);
}
END_TEST

START_TEST(single_places_have_log_levels)
{
    static const char urn[] = "beam:option:sdk_harness_log_level_overrides:v1";
    object *options = new_object();
    value *levels = new_value(GOOGLE__PROTOBUF__VALUE__KIND_STRUCT_VALUE);
    beamc_log_overrides overrides;
    const char *wrong;

    levels->struct_value = new_object();
    set(levels->struct_value, "a", text("DEBUG"));
    set(levels->struct_value, "b", text("LOUD"));
    set(levels->struct_value, "c", number(10));
    set(levels->struct_value, "d", text("WARNING"));
    set(options, urn, levels);
    beamc__job_options_read(&read_options, options);
    ck_assert_ptr_null(
        beamc__log_overrides_read(&overrides, read_options.log_levels, &wrong, arena));
    ck_assert_uint_eq(overrides.count, 2);
    ck_assert_str_eq(overrides.list[0].name, "a");
    ck_assert_int_eq(overrides.list[0].level, BEAMC_LOG_DEBUG);
    ck_assert_str_eq(overrides.list[1].name, "d");
    ck_assert_int_eq(overrides.list[1].level, BEAMC_LOG_WARN);
    ck_assert_str_eq(wrong, "b");
    /* As a list, and not at all. */
    for (int i = 0; i < 2; i++) {
        options = new_object();
        if (i == 0)
            set(options, urn, list("a", "DEBUG"));
        beamc__job_options_read(&read_options, options);
        ck_assert_ptr_null(
            beamc__log_overrides_read(&overrides, read_options.log_levels, NULL, arena));
        ck_assert_uint_eq(overrides.count, 0);
    }
}
END_TEST

START_TEST(samples_of_exceptions_can_be_switched_off)
{
    object *options = new_object();

    set(options, "beam:option:experiments:v1",
        list("enable_data_sampling", "disable_always_on_exception_sampling"));
    beamc__job_options_read(&read_options, options);
    ck_assert(read_options.sample_data && !read_options.sample_exceptions);
}
END_TEST

Suite *suite_job_options(void)
{
    Suite *suite = suite_create("job_options");
    TCase *tc = tcase_create("job_options");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, without_options_nothing_is_told);
    tcase_add_test(tc, options_are_found_by_their_urns);
    tcase_add_test(tc, options_are_found_in_the_old_form);
    tcase_add_test(tc, numbers_come_in_two_forms_and_nonsense_is_not_told);
    tcase_add_test(tc, experiments_are_known_by_their_whole_names);
    tcase_add_test(tc, single_places_have_log_levels);
    tcase_add_test(tc, samples_of_exceptions_can_be_switched_off);
    suite_add_tcase(suite, tc);
    return suite;
}
