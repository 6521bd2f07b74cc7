/* SPDX-License-Identifier: Apache-2.0 */
/* Fusion: which leaves run together, what is kept between stages, and what they wait for. */
#include "runners/engine/stage.h"

#include "proto/unpack.h"
#include "proto/urns.h"
#include "sdk/base/arena_proto.h"
#include "test/runners/engine/pipeline_kit.h"
#include "test/sdk/pipeline/pipelines.h"
#include <check.h>
#include <stdio.h>

static beamc_arena *arena;

static void set_up(void)
{
    arena = beamc_arena_new();
    ck_assert_ptr_nonnull(arena);
}

static void tear_down(void)
{
    beamc_arena_free(arena);
}

static void expect(beamc_error *take_error, beamc_code code, const char *part)
{
    char text[512] = "";

    (void)beamc_error_print(take_error, text, sizeof(text));
    beamc_code found = beamc_error_code(take_error);
    beamc_error_free(take_error);
    ck_assert_msg(found == code && strstr(text, part) != NULL, "expected %s with \"%s\", got %s: %s",
                  beamc_code_name(code), part, beamc_code_name(found), text);
}

static beamc_error *make(beamc__stages *stages, beamc__leaves *leaves, const PB(Pipeline) *pipeline)
{
    BEAMC_TRY(beamc__leaves_read(leaves, pipeline, arena));
    return beamc__stages_make(stages, leaves);
}

static void print_kept(beamc_buffer *out, const beamc__kept *kept)
{
    static const char *const forms[] = { "", "group:", "side:" };
    beamc_buffer_printf(out, "%s%s%s", forms[kept->as], kept->is_multimap ? "map:" : "",
                        kept->node->id);
}

/* For each stage "from > leaves > output=to,to" and what it waits for: "0: impulse > A B > p2=p2". */
static char *print_stages(const beamc__stages *stages)
{
    beamc_buffer out;

    beamc_buffer_init(&out);
    for (size_t i = 0; i < stages->stage_count; i++) {
        const beamc__stage *stage = stages->stages[i];
        ck_assert_uint_eq(stage->index, i);
        beamc_buffer_printf(&out, "%zu:%s", i, stage->from_impulse ? " impulse" : "");
        for (size_t k = 0; k < stage->from_count; k++) {
            beamc_buffer_append_byte(&out, ' ');
            print_kept(&out, stage->from[k]);
        }
        beamc_buffer_append_string(&out, " >");
        for (size_t k = 0; k < stage->leaf_count; k++)
            beamc_buffer_printf(&out, " %s", stage->leaves[k]->id);
        for (size_t k = 0; k < stage->output_count; k++) {
            beamc_buffer_printf(&out, "%s %s=", k == 0 ? " >" : "", stage->outputs[k].node->id);
            for (size_t t = 0; t < stage->outputs[k].to_count; t++) {
                beamc_buffer_append_string(&out, t == 0 ? "" : ",");
                print_kept(&out, stage->outputs[k].to[t]);
            }
        }
        for (size_t k = 0; k < stage->wait_count; k++)
            beamc_buffer_printf(&out, "%s%zu", k == 0 ? " after " : ",", stage->waits_for[k]->index);
        beamc_buffer_append_string(&out, "\n");
    }
    char *text = beamc_arena_strndup(arena, (const char *)out.data, out.size);
    beamc_buffer_dispose(&out);
    return text;
}

static const struct {
    const char *pipeline;
    const char *stages;
} shapes[] = {
    /* a chain is one stage, and nothing of it is kept */
    { "impulse I -> p1; pardo A p1 -> p2; pardo B p2 -> p3; window W p3 -> p4",
      "0: impulse > A B W\n" },
    /* branches, and siblings that read the same */
    { "impulse I -> p1; pardo A p1 -> p2; pardo B p1 -> p3; pardo C p2 -> p4; pardo D p2 -> p5",
      "0: impulse > A B C D\n" },
    { "impulse I -> p1; pardo A p1 -> p2; gbk G p2 -> p3; pardo B p3 -> p4; pardo C p3 -> p5",
      "0: impulse > A > p2=group:p2\n1: group:p2 > B C after 0\n" },
    /* two groupings of one PCollection are kept twice */
    { "impulse I -> p1; pardo A p1 -> p2; gbk G p2 -> p3; gbk H p2 -> p4; pardo B p3; pardo C p4",
      "0: impulse > A > p2=group:p2,group:p2\n1: group:p2 > B after 0\n2: group:p2 > C after 0\n" },
    /* a grouping nobody reads is not kept */
    { "impulse I -> p1; pardo A p1 -> p2; gbk G p2 -> p3", "0: impulse > A\n" },
    /* a grouping of a grouping goes through a copy */
    { "impulse I -> p1; pardo A p1 -> p2; gbk G p2 -> p3; gbk H p3 -> p4; pardo B p4",
      "0: impulse > A > p2=group:p2\n"
      "1: group:p2 > G/copy > p3/copy=group:p3/copy after 0\n"
      "2: group:p3/copy > B after 1\n" },
    /* a combine is lifted: its first part joins what is before, its last what is after */
    { "impulse I -> p1; pardo A p1 -> p2; combine C p2 -> p3; pardo B p3 -> p4",
      "0: impulse > A C/Precombine > C/precombined=group:C/precombined\n"
      "1: group:C/precombined > C/Merge C/Extract B after 0\n" },
    /* a reshuffle is kept as it is and read anew */
    { "impulse I -> p1; pardo A p1 -> p2; reshuffle R p2 -> p3; pardo B p3 -> p4",
      "0: impulse > A > p2=p2\n1: p2 > B after 0\n" },
    { "impulse I -> p1; pardo A p1 -> p2; reshuffle R p2 -> p3; reshuffle S p3 -> p4; gbk G p4 -> p5;"
      "pardo B p5",
      "0: impulse > A > p2=group:p4\n1: group:p4 > B after 0\n" },
    /* flattens are never run: what they join is read, or written, one after the other */
    { "impulse I -> p1; pardo A p1 -> p2; pardo B p1 -> p3; flatten F p2 p3 -> p4; pardo C p4",
      "0: impulse > A B > p2=p2 p3=p3\n1: p2 p3 > C after 0\n" },
    { "impulse I -> p1; pardo A p1 -> p2 p3; flatten F p2 p3 p2 -> p4; gbk G p4 -> p5; pardo C p5",
      "0: impulse > A > p2=group:p4,group:p4 p3=group:p4\n1: group:p4 > C after 0\n" },
    { "impulse I -> p1; pardo A p1 -> p2; flatten F p2 p2 -> p3; flatten G p3 p3 p2 -> p4; pardo C p4",
      "0: impulse > A > p2=p2\n1: p2 p2 p2 p2 p2 > C after 0\n" },
    { "flatten F -> p1; pardo A p1 -> p2; gbk G p1 -> p3; pardo B p3",
      "0: > A\n1: group:p1 > B\n" },
    { "impulse I -> p1; gbk G p1 -> p2; flatten F p1 p2 -> p3; pardo A p3",
      "0: impulse > I/copy > p1/copy=group:p1/copy,p1/copy\n"
      "1: group:p1/copy > G/copy > p2/copy=p2/copy after 0\n"
      "2: p1/copy p2/copy > A after 0,1\n" },
    /* a side input is complete before who asks for it starts */
    { "impulse I -> p1; pardo A p1 -> p2; pardo B p1 -> p3; pardo C p2 side=p3 map=p3 -> p4",
      "0: impulse > A B > p2=p2 p3=side:p3,side:map:p3\n1: p2 > C after 0\n" },
    { "impulse I -> p1; impulse J -> p2; pardo A p1 -> p3; pardo B p2 -> p4; pardo C p3 side=p4 -> p5",
      "0: impulse > B > p4=side:p4\n1: impulse > A C after 0\n" },
    /* each asks for what the other's stage makes: they cannot run together */
    { "impulse I -> p1; pardo A p1 -> p2; pardo B p1 -> p3; pardo C p2 side=p3 -> p4; "
      "pardo D p3 side=p2 -> p5",
      "0: impulse > A B > p2=p2,side:p2 p3=p3,side:p3\n1: p2 > C after 0\n2: p3 > D after 0\n" },
    { "impulse I -> p1; impulse J -> p2; pardo A p1 -> p3; pardo B p2 -> p4; "
      "pardo C p3 side=p4 -> p5; pardo D p4 side=p3 -> p6",
      "0: impulse > B > p4=p4,side:p4\n1: impulse > A C > p3=side:p3 after 0\n"
      "2: p4 > D after 0,1\n" },
    /* a side input through a flatten and a grouping */
    { "impulse I -> p1; pardo A p1 -> p2; gbk G p2 -> p3; flatten F p3 p2 -> p4; "
      "pardo C p2 side=p4 -> p5",
      "0: impulse > A > p2=group:p2,p2,side:p4\n1: group:p2 > G/copy > p3/copy=side:p4 after 0\n"
      "2: p2 > C after 0,1\n" },
    /* environments are kept apart */
    { "impulse I -> p1; pardo A p1 -> p2; pardo@other B p2 -> p3; pardo C p3 -> p4; "
      "pardo@other D p2 -> p5",
      "0: impulse > A > p2=p2\n1: p2 > B D > p3=p3 after 0\n2: p3 > C after 1\n" },
};

START_TEST(leaves_are_fused)
{
    beamc__stages stages;
    beamc__leaves leaves;

    expect(make(&stages, &leaves, pipeline_of(arena, shapes[_i].pipeline)), BEAMC_OK, "");
    ck_assert_str_eq(print_stages(&stages), shapes[_i].stages);
}
END_TEST

START_TEST(readers_are_counted)
{
    beamc__stages stages;
    beamc__leaves leaves;

    expect(make(&stages, &leaves,
                pipeline_of(arena, "impulse I -> p1; pardo A p1 -> p2; reshuffle R p2 -> p3; "
                                   "pardo B p3; pardo@other C p3; flatten F p2 p2 -> p4; "
                                   "pardo@third D p4")),
           BEAMC_OK, "");
    ck_assert_uint_eq(stages.kept_count, 1);
    ck_assert_uint_eq(stages.kept[0]->readers, 4);
    ck_assert(stages.kept[0]->spread);
}
END_TEST

/* Every descriptor is whole: what its transforms name is there, and ports are of windowed values. */
static void check_descriptor(const beamc__leaves *leaves, const beamc__stage *stage)
{
    const FN(ProcessBundleDescriptor) *descriptor = stage->descriptor;

    ck_assert_uint_eq(descriptor->n_transforms, stage->leaf_count + stage->output_count + 1);
    ck_assert_uint_eq(descriptor->n_coders, leaves->coder_count);
    for (size_t i = 0; i < descriptor->n_transforms; i++) {
        const PB(PTransform) *transform = descriptor->transforms[i]->value;
        for (size_t k = 0; k < transform->n_inputs + transform->n_outputs; k++) {
            const char *id = k < transform->n_inputs
                                 ? transform->inputs[k]->value
                                 : transform->outputs[k - transform->n_inputs]->value;
            size_t found = 0;
            for (size_t p = 0; p < descriptor->n_pcollections; p++)
                found += strcmp(descriptor->pcollections[p]->key, id) == 0;
            ck_assert_uint_eq(found, 1);
        }
    }
    ck_assert_str_eq(descriptor->transforms[0]->value->spec->urn, BEAMC_URN_DATA_SOURCE);
    ck_assert_str_eq(descriptor->transforms[0]->key, stage->port_id);
    for (size_t i = 0; i < stage->output_count; i++) {
        const PB(PTransform) *sink =
            descriptor->transforms[1 + stage->leaf_count + i]->value;
        ProtobufCAllocator allocator = beamc__arena_allocator(arena);
        ck_assert_str_eq(sink->spec->urn, BEAMC_URN_DATA_SINK);
        const FN(RemoteGrpcPort) *port =
            BEAMC__UNPACK(FN(RemoteGrpcPort), fn(remote_grpc_port__descriptor), &allocator,
                          sink->spec->payload.len, sink->spec->payload.data);
        const PB(Coder) *coder = beamc__leaves_coder(leaves, port->coder_id);
        ck_assert_str_eq(coder->spec->urn, BEAMC_URN_CODER_WINDOWED_VALUE);
        ck_assert_str_eq(coder->component_coder_ids[0],
                         stage->outputs[i].node->pcollection->coder_id);
    }
}

START_TEST(our_own_pipelines_become_stages)
{
    beamc_pipeline *made = test_pipeline_new();
    beamc_buffer bytes;
    beamc__stages stages;
    beamc__leaves leaves;

    beamc_buffer_init(&bytes);
    test_pipelines[_i].build(made);
    ck_assert_ptr_null(beamc_pipeline_serialize(made, &bytes));
    PB(Pipeline) *pipeline = pb(pipeline__unpack)(NULL, bytes.size, bytes.data);
    ck_assert_ptr_nonnull(pipeline);
    expect(make(&stages, &leaves, pipeline), BEAMC_OK, "");
    for (size_t i = 0; i < stages.stage_count; i++)
        check_descriptor(&leaves, stages.stages[i]);
    pb(pipeline__free_unpacked)(pipeline, NULL);
    beamc_buffer_dispose(&bytes);
    beamc_pipeline_free(made);
}
END_TEST

/* ---- coders ---------------------------------------------------------------------------------- */

#define TWO_IN_ONE                                                                                 \
    "impulse I -> p1; pardo A p1 -> p2; flatten F p2 -> p3; reshuffle R p3 -> p4; pardo B p4"

START_TEST(coders_are_compared_by_what_they_are)
{
    PB(Pipeline) *pipeline = pipeline_of(arena, TWO_IN_ONE);
    beamc__stages stages;
    beamc__leaves leaves;

    pipeline_collection(pipeline, "p3")->coder_id = "kv2";
    expect(make(&stages, &leaves, pipeline), BEAMC_OK, "");
    pipeline_collection(pipeline, "p3")->coder_id = "bytes";
    expect(make(&stages, &leaves, pipeline), BEAMC_EUNSUPPORTED,
           "transform F: it takes elements of coder kv and gives them of bytes");
    pipeline_collection(pipeline, "p3")->coder_id = "kv2";
    pipeline_collection(pipeline, "p4")->coder_id = "bytes";
    expect(make(&stages, &leaves, pipeline), BEAMC_EUNSUPPORTED,
           "transform R: it takes elements of coder kv2 and gives them of bytes");
    pipeline_collection(pipeline, "p4")->coder_id = "kv";
    pipeline_collection(pipeline, "p4")->windowing_strategy_id = "fixed";
    expect(make(&stages, &leaves, pipeline), BEAMC_EUNSUPPORTED,
           "transform R: it takes windows of global and gives them of fixed");
}
END_TEST

/* Two coders that hold themselves, and two trees that would take 2 to the 60 comparisons. */
START_TEST(coders_without_end_are_not_compared_without_end)
{
    PB(Pipeline) *pipeline = pipeline_of(arena, TWO_IN_ONE);
    beamc__stages stages;
    beamc__leaves leaves;

    pipeline_add_coder(pipeline, arena, "x", BEAMC_URN_CODER_ITERABLE, "x", NULL);
    pipeline_add_coder(pipeline, arena, "y", BEAMC_URN_CODER_ITERABLE, "y", NULL);
    pipeline_collection(pipeline, "p2")->coder_id = "x";
    pipeline_collection(pipeline, "p3")->coder_id = "y";
    expect(make(&stages, &leaves, pipeline), BEAMC_EUNSUPPORTED, "transform F: it takes elements");
    for (int side = 0; side < 2; side++) {
        for (int i = 0; i < 60; i++) {
            char id[16], part[16];
            snprintf(id, sizeof(id), "%c%d", "ab"[side], i + 1);
            snprintf(part, sizeof(part), i == 0 ? "bytes" : "%c%d", "ab"[side], i);
            pipeline_add_coder(pipeline, arena, id, BEAMC_URN_CODER_KV, part, part);
        }
    }
    pipeline_collection(pipeline, "p2")->coder_id = "a60";
    pipeline_collection(pipeline, "p3")->coder_id = "b60";
    expect(make(&stages, &leaves, pipeline), BEAMC_EUNSUPPORTED, "transform F: it takes elements");
}
END_TEST

/* ---- sizes ------------------------------------------------------------------------------------- */

static const char *repeat(const char *first, const char *format, int count, const char *last)
{
    beamc_buffer out;

    beamc_buffer_init(&out);
    beamc_buffer_append_string(&out, first);
    for (int i = 0; i < count; i++) {
        for (const char *at = format; *at != '\0'; at++) {
            if (*at == '$' || *at == '#')
                beamc_buffer_printf(&out, "%d", *at == '$' ? i : i + 1);
            else
                beamc_buffer_append_byte(&out, (uint8_t)*at);
        }
    }
    beamc_buffer_append_string(&out, last);
    const char *text = beamc_arena_strndup(arena, (const char *)out.data, out.size);
    beamc_buffer_dispose(&out);
    return text;
}

START_TEST(flattens_that_multiply_without_end_are_refused)
{
    beamc__stages stages;
    beamc__leaves leaves;
    const char *const lasts[] = { "pardo Z p40", "gbk G p40 -> q2; pardo Z q2", "pardo Z q side=p40" };
    const char *text = repeat("impulse I -> q1; pardo A q1 -> p0; pardo B q1 -> q;",
                              "flatten F$ p$ p$ -> p#;", 40, lasts[_i]);

    expect(make(&stages, &leaves, pipeline_of(arena, text)), BEAMC_ELIMIT,
           "flattens lead to it on more than");
}
END_TEST

START_TEST(many_stages_are_made)
{
    beamc__stages stages;
    beamc__leaves leaves;
    const char *text = repeat("impulse I -> q; pardo A q -> p0;",
                              "gbk G$ p$ -> g#; pardo B# g# -> p#;", 300, "");

    expect(make(&stages, &leaves, pipeline_of(arena, text)), BEAMC_OK, "");
    ck_assert_uint_eq(stages.stage_count, 301);
    for (size_t i = 0; i < stages.stage_count; i++)
        for (size_t k = 0; k < stages.stages[i]->wait_count; k++)
            ck_assert_uint_lt(stages.stages[i]->waits_for[k]->index, i);

    /* one flatten of many */
    beamc_buffer wide;
    beamc_buffer_init(&wide);
    beamc_buffer_append_string(&wide, "flatten F");
    for (int i = 0; i < 1000; i++)
        beamc_buffer_printf(&wide, " p%d", i + 1);
    beamc_buffer_printf(&wide, " -> f; pardo Z f");
    beamc_buffer_append_byte(&wide, 0);
    text = repeat("impulse I -> q;", "pardo A# q -> p#;", 1000, (const char *)wide.data);
    beamc_buffer_dispose(&wide);
    expect(make(&stages, &leaves, pipeline_of(arena, text)), BEAMC_OK, "");
    ck_assert_uint_eq(stages.stage_count, 2);
    ck_assert_uint_eq(stages.stages[1]->from_count, 1000);
}
END_TEST

START_TEST(stages_have_names_for_people)
{
    PB(Pipeline) *pipeline =
        pipeline_of(arena, "impulse I -> p1; pardo A p1 -> p2; pardo B p2 -> p3; pardo C p3 -> p4");
    beamc__stages stages;
    beamc__leaves leaves;

    pipeline_transform(pipeline, "A")->unique_name = "Read/Open";
    pipeline_transform(pipeline, "B")->unique_name = "Read/Split";
    pipeline_transform(pipeline, "C")->unique_name = "Reading";
    expect(make(&stages, &leaves, pipeline), BEAMC_OK, "");
    ck_assert_str_eq(stages.stages[0]->name, "Read+Reading");
}
END_TEST

Suite *suite_stage(void)
{
    Suite *suite = suite_create("stage");
    TCase *tc = tcase_create("fusion");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, leaves_are_fused, 0, sizeof(shapes) / sizeof(*shapes));
    tcase_add_test(tc, readers_are_counted);
    tcase_add_loop_test(tc, our_own_pipelines_become_stages, 0, 13);
    tcase_add_test(tc, coders_are_compared_by_what_they_are);
    tcase_add_test(tc, coders_without_end_are_not_compared_without_end);
    tcase_add_loop_test(tc, flattens_that_multiply_without_end_are_refused, 0, 3);
    tcase_add_test(tc, many_stages_are_made);
    tcase_add_test(tc, stages_have_names_for_people);
    suite_add_tcase(suite, tc);
    return suite;
}
