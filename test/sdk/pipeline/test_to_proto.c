/* SPDX-License-Identifier: Apache-2.0 */
/* Pipelines as messages: the rules that runners check, and what each transform says of itself. */
#include "sdk/base/table.h"
#include "sdk/pipeline/graph.h"
#include "test/sdk/pipeline/pipelines.h"
#include <check.h>
#include <stdio.h>

#define PARDO "beam:transform:pardo:v1"
#define GBK "beam:transform:group_by_key:v1"

/* ---- finding things --------------------------------------------------------------------------- */

static PB(Pipeline) *build_named(beamc_pipeline **p, beamc_arena **arena, const char *name)
{
    PB(Pipeline) *message;
    *p = test_pipeline_new();
    *arena = beamc_arena_new();
    for (size_t i = 0; i < test_pipeline_count; i++)
        if (strcmp(test_pipelines[i].name, name) == 0)
            test_pipelines[i].build(*p);
    ck_assert_ptr_null(beamc__pipeline_to_proto(&message, *p, *arena));
    return message;
}

#define FIND(name, map, Type)                                                                      \
    static const Type *name(const PB(Pipeline) *message, const char *id)                           \
    {                                                                                              \
        const PB(Components) *components = message->components;                                    \
        for (size_t i = 0; i < components->n_##map; i++)                                           \
            if (strcmp(components->map[i]->key, id) == 0)                                          \
                return components->map[i]->value;                                                  \
        ck_abort_msg("no %s is named %s", #map, id);                                               \
        return NULL;                                                                               \
    }

FIND(find_transform, transforms, PB(PTransform))
FIND(find_collection, pcollections, PB(PCollection))
FIND(find_strategy, windowing_strategies, PB(WindowingStrategy))
FIND(find_coder, coders, PB(Coder))
FIND(find_environment, environments, PB(Environment))

static const PB(PTransform) *find_named(const PB(Pipeline) *message, const char *unique_name)
{
    const PB(Components) *components = message->components;
    for (size_t i = 0; i < components->n_transforms; i++)
        if (strcmp(components->transforms[i]->value->unique_name, unique_name) == 0)
            return components->transforms[i]->value;
    ck_abort_msg("no transform is named %s", unique_name);
    return NULL;
}

static const char *urn_of(const PB(PTransform) *transform)
{
    return transform->spec == NULL ? "" : transform->spec->urn;
}

static PB(ParDoPayload) *par_do_of(const PB(PTransform) *transform)
{
    ck_assert_str_eq(urn_of(transform), PARDO);
    PB(ParDoPayload) *payload = pb(par_do_payload__unpack)(NULL, transform->spec->payload.len,
                                                           transform->spec->payload.data);
    ck_assert_ptr_nonnull(payload);
    return payload;
}

static CS(Function) *function_of(const PB(FunctionSpec) *spec)
{
    CS(Function) *function = cs(function__unpack)(NULL, spec->payload.len, spec->payload.data);
    ck_assert_ptr_nonnull(function);
    return function;
}

/* ---- rules ------------------------------------------------------------------------------------ */

static void check_new(beamc__table *seen, const char *name)
{
    ck_assert_msg(beamc__table_gets(seen, name) == NULL, "%s is there twice", name);
    ck_assert_int_eq(beamc__table_puts(seen, name, seen), BEAMC_OK);
}

static void check_coders(const PB(Pipeline) *message)
{
    const PB(Components) *components = message->components;
    for (size_t i = 0; i < components->n_coders; i++) {
        const PB(Coder) *coder = components->coders[i]->value;
        ck_assert_ptr_nonnull(coder->spec);
        for (size_t j = 0; j < coder->n_component_coder_ids; j++)
            find_coder(message, coder->component_coder_ids[j]);
    }
}

static void check_collections(const PB(Pipeline) *message)
{
    const PB(Components) *components = message->components;
    beamc__table *names = beamc__table_new();
    for (size_t i = 0; i < components->n_pcollections; i++) {
        const PB(PCollection) *collection = components->pcollections[i]->value;
        const PB(WindowingStrategy) *strategy =
            find_strategy(message, collection->windowing_strategy_id);
        check_new(names, collection->unique_name);
        find_coder(message, collection->coder_id);
        find_coder(message, strategy->window_coder_id);
        find_environment(message, strategy->environment_id);
        ck_assert_int_eq(collection->is_bounded, PBK(IS_BOUNDED__ENUM__BOUNDED));
    }
    beamc__table_free(names);
}

static void check_leaf(const PB(PTransform) *transform, beamc__table *made)
{
    const char *urn = urn_of(transform);
    bool bare = strcmp(urn, GBK) == 0 || strcmp(urn, "beam:transform:impulse:v1") == 0;
    ck_assert_str_ne(urn, "");
    ck_assert_msg(bare == (transform->environment_id[0] == '\0'), "%s", transform->unique_name);
    for (size_t i = 0; i < transform->n_inputs; i++)
        ck_assert_msg(beamc__table_gets(made, transform->inputs[i]->value) != NULL,
                      "%s reads %s before it is made", transform->unique_name,
                      transform->inputs[i]->value);
    for (size_t i = 0; i < transform->n_outputs; i++)
        check_new(made, transform->outputs[i]->value);
}

static void check_side_inputs(const PB(PTransform) *transform)
{
    PB(ParDoPayload) *payload = par_do_of(transform);
    CS(Function) *function = function_of(payload->do_fn);
    ck_assert_uint_eq(transform->n_inputs, payload->n_side_inputs + 1);
    ck_assert_uint_eq(function->n_sides, payload->n_side_inputs);
    ck_assert_uint_eq(function->n_outputs, transform->n_outputs);
    for (size_t i = 0; i < payload->n_side_inputs; i++) {
        ck_assert_str_eq(payload->side_inputs[i]->key, transform->inputs[1 + i]->key);
        ck_assert_str_eq(payload->side_inputs[i]->key, function->sides[i]->tag);
    }
    for (size_t i = 0; i < transform->n_outputs; i++)
        ck_assert_str_eq(function->outputs[i], transform->outputs[i]->key);
    cs(function__free_unpacked)(function, NULL);
    pb(par_do_payload__free_unpacked)(payload, NULL);
}

/* Answers the number of transforms at and below @id. */
static size_t check_tree(const PB(Pipeline) *message, const char *id, beamc__table *made)
{
    const PB(PTransform) *transform = find_transform(message, id);
    size_t count = 1;
    for (size_t i = 0; i < transform->n_inputs; i++)
        find_collection(message, transform->inputs[i]->value);
    for (size_t i = 0; i < transform->n_outputs; i++)
        find_collection(message, transform->outputs[i]->value);
    if (transform->environment_id[0] != '\0')
        find_environment(message, transform->environment_id);
    if (transform->n_subtransforms == 0)
        check_leaf(transform, made);
    if (strcmp(urn_of(transform), PARDO) == 0)
        check_side_inputs(transform);
    for (size_t i = 0; i < transform->n_subtransforms; i++)
        count += check_tree(message, transform->subtransforms[i], made);
    return count;
}

START_TEST(message_keeps_the_rules)
{
    beamc_pipeline *p;
    beamc_arena *arena;
    PB(Pipeline) *message = build_named(&p, &arena, test_pipelines[_i].name);
    beamc__table *made = beamc__table_new();
    beamc__table *names = beamc__table_new();
    size_t count = 0;

    for (size_t i = 0; i < message->n_root_transform_ids; i++)
        count += check_tree(message, message->root_transform_ids[i], made);
    ck_assert_uint_eq(count, message->components->n_transforms);
    ck_assert_uint_eq(beamc__table_count(made), message->components->n_pcollections);
    for (size_t i = 0; i < count; i++)
        check_new(names, message->components->transforms[i]->value->unique_name);
    check_collections(message);
    check_coders(message);
    ck_assert_uint_eq(message->n_requirements, 0);
    beamc__table_free(made);
    beamc__table_free(names);
    beamc_arena_free(arena);
    beamc_pipeline_free(p);
}
END_TEST

START_TEST(same_program_gives_same_bytes)
{
    beamc_buffer bytes[2];
    for (int i = 0; i < 2; i++) {
        beamc_pipeline *p = test_pipeline_new();
        beamc_buffer_init(&bytes[i]);
        test_pipelines[_i].build(p);
        ck_assert_ptr_null(beamc_pipeline_serialize(p, &bytes[i]));
        beamc_pipeline_free(p);
    }
    ck_assert_uint_eq(bytes[0].size, bytes[1].size);
    ck_assert_mem_eq(bytes[0].data, bytes[1].data, bytes[0].size);
    beamc_buffer_dispose(&bytes[0]);
    beamc_buffer_dispose(&bytes[1]);
}
END_TEST

/* ---- single transforms ------------------------------------------------------------------------ */

START_TEST(par_do_tells_all_that_a_worker_needs)
{
    beamc_pipeline *p;
    beamc_arena *arena;
    PB(Pipeline) *message = build_named(&p, &arena, "sides");
    const PB(PTransform) *transform = find_named(message, "limit_counts");
    PB(ParDoPayload) *payload = par_do_of(transform);
    CS(Function) *function = function_of(payload->do_fn);
    const char *urns[] = { "beam:side_input:iterable:v1", "beam:side_input:multimap:v1",
                           "beam:side_input:iterable:v1" };
    const CS(Side__View) views[] = { CSK(SIDE__VIEW__SINGLETON), CSK(SIDE__VIEW__MULTIMAP),
                                     CSK(SIDE__VIEW__ITERABLE) };

    ck_assert_str_eq(payload->do_fn->urn, "beam:dofn:csdk:v1");
    ck_assert_str_eq(function->name, "limit_counts");
    ck_assert_int_eq(function->kind, CSK(FUNCTION__KIND__DOFN));
    ck_assert_int_eq(function->optional_config_case, CSK(FUNCTION__OPTIONAL_CONFIG_CONFIG));
    ck_assert_str_eq(function->file + strlen(function->file) - strlen("pipelines.c"),
                     "pipelines.c");
    ck_assert_int_gt(function->line, 0);
    ck_assert_uint_eq(function->n_outputs, 3);
    ck_assert_str_eq(function->outputs[0], "output");
    ck_assert_str_eq(function->outputs[1], "low");
    ck_assert_str_eq(function->outputs[2], "high");
    for (size_t i = 0; i < 3; i++) {
        const PB(SideInput) *side = payload->side_inputs[i]->value;
        ck_assert_str_eq(side->access_pattern->urn, urns[i]);
        ck_assert_str_eq(side->view_fn->urn, "beam:view_fn:csdk:v1");
        ck_assert_str_eq(side->window_mapping_fn->urn, "beam:window_mapping_fn:identity:v1");
        ck_assert_int_eq(function->sides[i]->view, views[i]);
    }
    ck_assert_int_eq(function->sides[0]->optional_default_case,
                     CSK(SIDE__OPTIONAL_DEFAULT_DEFAULT_VALUE));
    ck_assert_uint_eq(function->sides[0]->default_value.len, 1);
    ck_assert_uint_eq(function->sides[0]->default_value.data[0], 2);
    ck_assert_int_eq(function->sides[1]->optional_default_case,
                     CSK(SIDE__OPTIONAL_DEFAULT__NOT_SET));
    ck_assert_uint_eq(transform->n_display_data, 5);
    cs(function__free_unpacked)(function, NULL);
    pb(par_do_payload__free_unpacked)(payload, NULL);
    beamc_arena_free(arena);
    beamc_pipeline_free(p);
}
END_TEST

static const struct {
    const char *pipeline;
    const char *name;
    const char *urn;
    CS(Function__Part) part;
} combines[] = {
    { "word_count", "sum", "beam:transform:combine_per_key:v1", CSK(FUNCTION__PART__WHOLE) },
    { "combines", "sum", "beam:transform:combine_globally:v1", CSK(FUNCTION__PART__WHOLE) },
    { "combines", "sum/CombinePerKey", "beam:transform:combine_per_key:v1",
      CSK(FUNCTION__PART__WHOLE) },
    { "combines", "sum_2/CombinePerKey/CombineShards", "beam:transform:combine_per_key:v1",
      CSK(FUNCTION__PART__TO_ACCUMULATOR) },
    { "combines", "sum_3/CombineKeys", "beam:transform:combine_per_key:v1",
      CSK(FUNCTION__PART__FROM_ACCUMULATOR) },
};

START_TEST(combine_can_be_lifted)
{
    beamc_pipeline *p;
    beamc_arena *arena;
    PB(Pipeline) *message = build_named(&p, &arena, combines[_i].pipeline);
    const PB(PTransform) *transform = find_named(message, combines[_i].name);
    ck_assert_str_eq(urn_of(transform), combines[_i].urn);
    PB(CombinePayload) *payload = pb(combine_payload__unpack)(NULL, transform->spec->payload.len,
                                                              transform->spec->payload.data);
    CS(Function) *function = function_of(payload->combine_fn);
    ck_assert_str_eq(payload->combine_fn->urn, "beam:combinefn:csdk:v1");
    ck_assert_str_eq(function->name, "sum");
    ck_assert_int_eq(function->kind, CSK(FUNCTION__KIND__COMBINE_FN));
    ck_assert_int_eq(function->part, combines[_i].part);
    ck_assert_str_eq(find_coder(message, payload->accumulator_coder_id)->spec->urn,
                     "beam:coder:varint:v1");
    ck_assert_str_ne(transform->environment_id, "");
    cs(function__free_unpacked)(function, NULL);
    pb(combine_payload__free_unpacked)(payload, NULL);
    beamc_arena_free(arena);
    beamc_pipeline_free(p);
}
END_TEST

START_TEST(side_windows_are_mapped)
{
    beamc_pipeline *p;
    beamc_arena *arena;
    PB(Pipeline) *message = build_named(&p, &arena, "window_sides");
    PB(ParDoPayload) *payload = par_do_of(find_named(message, "limit_counts"));
    const char *urns[] = { "beam:window_mapping_fn:global:v1",
                           "beam:window_mapping_fn:assign_max_timestamp:v1",
                           "beam:window_mapping_fn:assign_max_timestamp:v1" };
    for (size_t i = 0; i < 3; i++) {
        const PB(FunctionSpec) *mapping = payload->side_inputs[i]->value->window_mapping_fn;
        ck_assert_str_eq(mapping->urn, urns[i]);
        if (i == 0) {
            ck_assert_uint_eq(mapping->payload.len, 0);
            continue;
        }
        /* A worker is asked to map windows without being told of the side input. */
        PB(FunctionSpec) *fn =
            pb(function_spec__unpack)(NULL, mapping->payload.len, mapping->payload.data);
        ck_assert_ptr_nonnull(fn);
        ck_assert_str_eq(fn->urn, "beam:window_fn:fixed_windows:v1");
        pb(function_spec__free_unpacked)(fn, NULL);
    }
    pb(par_do_payload__free_unpacked)(payload, NULL);
    beamc_arena_free(arena);
    beamc_pipeline_free(p);
}
END_TEST

START_TEST(composites_say_what_crosses_their_edge)
{
    beamc_pipeline *p;
    beamc_arena *arena;
    PB(Pipeline) *message = build_named(&p, &arena, "composites");
    const PB(PTransform) *outer = find_named(message, "Outer");
    const PB(PTransform) *first = find_named(message, "Outer/Inner");
    const PB(PTransform) *second = find_named(message, "Outer/Inner_2");
    const PB(PTransform) *words = find_named(message, "Outer/split_words");

    ck_assert_str_eq(urn_of(outer), "beam:transform:test_outer:v1");
    ck_assert_mem_eq(outer->spec->payload.data, "abc", outer->spec->payload.len);
    ck_assert_uint_eq(outer->n_subtransforms, 3); /* not the one that has nothing inside */
    ck_assert_uint_eq(outer->n_inputs, 1);
    ck_assert_uint_eq(outer->n_outputs, 2);
    ck_assert_uint_eq(outer->n_display_data, 1);
    ck_assert_str_eq(urn_of(first), "beam:transform:generic_composite:v1");
    ck_assert_str_eq(first->inputs[0]->value, words->outputs[0]->value);
    ck_assert_str_eq(first->outputs[0]->value, outer->outputs[0]->value);
    ck_assert_str_eq(second->outputs[0]->value, outer->outputs[1]->value);
    beamc_arena_free(arena);
    beamc_pipeline_free(p);
}
END_TEST

static const char *hint_of(const PB(Environment) *environment, const char *urn)
{
    static char text[100];
    for (size_t i = 0; i < environment->n_resource_hints; i++)
        if (strcmp(environment->resource_hints[i]->key, urn) == 0) {
            ProtobufCBinaryData value = environment->resource_hints[i]->value;
            snprintf(text, sizeof(text), "%.*s", (int)value.len, (const char *)value.data);
            return text;
        }
    return "";
}

static const struct {
    const char *name;
    const char *ram;
    const char *cpus;
    const char *accelerator;
} hinted[] = {
    { "Large/split_words", "4294967296", "8", "type:nvidia-tesla-k80;count:1" },
    { "Large/pair_with_one", "4294967296", "2", "" },
    { "pair_with_one", "", "", "" },
};

START_TEST(hints_merge_from_outside_in)
{
    beamc_pipeline *p;
    beamc_arena *arena;
    PB(Pipeline) *message = build_named(&p, &arena, "hints");
    const PB(Environment) *environment =
        find_environment(message, find_named(message, hinted[_i].name)->environment_id);
    ck_assert_uint_eq(message->components->n_environments, 3);
    ck_assert_str_eq(hint_of(environment, "beam:resources:min_ram_bytes:v1"), hinted[_i].ram);
    ck_assert_str_eq(hint_of(environment, "beam:resources:cpu_count:v1"), hinted[_i].cpus);
    ck_assert_str_eq(hint_of(environment, "beam:resources:accelerator:v1"), hinted[_i].accelerator);
    beamc_arena_free(arena);
    beamc_pipeline_free(p);
}
END_TEST

START_TEST(environment_can_be_set)
{
    PB(ArtifactInformation) artifact = PBK(ARTIFACT_INFORMATION__INIT);
    uint8_t packed[100];
    artifact.type_urn = (char *)"beam:artifact:type:file:v1";
    beamc_bytes dependency = { packed, pb(artifact_information__pack)(&artifact, packed) };
    const uint8_t payload[] = { 1, 2, 3 };
    beamc__environment environment = { "beam:env:external:v1", { payload, 3 }, &dependency, 1 };
    PB(Pipeline) *message;
    beamc_pipeline *p = test_pipeline_new();
    beamc_arena *arena = beamc_arena_new();

    ck_assert_ptr_null(beamc__pipeline_set_environment(p, &environment));
    beamc_impulse(p);
    ck_assert_ptr_null(beamc__pipeline_to_proto(&message, p, arena));
    const PB(Environment) *made = find_environment(message, "e1");
    ck_assert_str_eq(made->urn, "beam:env:external:v1");
    ck_assert_mem_eq(made->payload.data, payload, 3);
    ck_assert_uint_eq(made->n_dependencies, 1);
    ck_assert_str_eq(made->dependencies[0]->type_urn, artifact.type_urn);

    const uint8_t broken[] = { 0xff };
    beamc_bytes bad = { broken, sizeof(broken) };
    environment.dependencies = &bad;
    ck_assert_ptr_null(beamc__pipeline_set_environment(p, &environment));
    beamc_error *err = beamc__pipeline_to_proto(&message, p, arena);
    ck_assert_int_eq(beamc_error_code(err), BEAMC_ECORRUPT);
    beamc_error_free(err);
    beamc_arena_free(arena);
    beamc_pipeline_free(p);
}
END_TEST

START_TEST(window_into_carries_its_function)
{
    beamc_pipeline *p;
    beamc_arena *arena;
    PB(Pipeline) *message = build_named(&p, &arena, "windows");
    const char *urns[] = { "beam:window_fn:fixed_windows:v1", "beam:window_fn:sliding_windows:v1",
                           "beam:window_fn:session_windows:v1", "beam:window_fn:global_windows:v1" };
    const char *names[] = { "WindowInto", "WindowInto_2", "WindowInto_3", "WindowInto_4" };
    for (size_t i = 0; i < 4; i++) {
        const PB(PTransform) *transform = find_named(message, names[i]);
        PB(WindowIntoPayload) *payload = pb(window_into_payload__unpack)(
            NULL, transform->spec->payload.len, transform->spec->payload.data);
        const PB(WindowingStrategy) *strategy = find_strategy(
            message,
            find_collection(message, transform->outputs[0]->value)->windowing_strategy_id);
        ck_assert_str_eq(payload->window_fn->urn, urns[i]);
        ck_assert_str_eq(strategy->window_fn->urn, urns[i]);
        pb(window_into_payload__free_unpacked)(payload, NULL);
    }
    ck_assert_uint_eq(message->components->n_windowing_strategies, 4);
    beamc_arena_free(arena);
    beamc_pipeline_free(p);
}
END_TEST

Suite *suite_to_proto(void)
{
    Suite *suite = suite_create("to_proto");
    TCase *tc = tcase_create("to_proto");
    tcase_add_loop_test(tc, message_keeps_the_rules, 0, (int)test_pipeline_count);
    tcase_add_loop_test(tc, same_program_gives_same_bytes, 0, (int)test_pipeline_count);
    tcase_add_test(tc, par_do_tells_all_that_a_worker_needs);
    tcase_add_loop_test(tc, combine_can_be_lifted, 0, sizeof(combines) / sizeof(*combines));
    tcase_add_test(tc, side_windows_are_mapped);
    tcase_add_test(tc, composites_say_what_crosses_their_edge);
    tcase_add_loop_test(tc, hints_merge_from_outside_in, 0, sizeof(hinted) / sizeof(*hinted));
    tcase_add_test(tc, environment_can_be_set);
    tcase_add_test(tc, window_into_carries_its_function);
    suite_add_tcase(suite, tc);
    return suite;
}
