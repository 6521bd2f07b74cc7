/* SPDX-License-Identifier: Apache-2.0 */
/* Reading pipelines into leaves, and pipelines that are wrong. */
#include "runners/engine/leaves.h"

#include "proto/urns.h"
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

/* "impulse I; gbk G p1; ..." with main inputs. */
static char *print_leaves(const beamc__leaves *leaves)
{
    static const char *const kinds[] = { "impulse", "group", "flatten", "reshuffle", "run" };
    beamc_buffer out;

    beamc_buffer_init(&out);
    for (size_t i = 0; i < leaves->leaf_count; i++) {
        const beamc__leaf *leaf = leaves->leaves[i];
        beamc_buffer_printf(&out, "%s %s", kinds[leaf->kind], leaf->id);
        for (size_t k = 0; k < leaf->input_count; k++)
            beamc_buffer_printf(&out, " %s", leaf->inputs[k]->id);
        for (size_t k = 0; k < leaf->side_count; k++)
            beamc_buffer_printf(&out, " %s%s", leaf->sides[k].is_multimap ? "map=" : "side=",
                                leaf->sides[k].from->id);
        for (size_t k = 0; k < leaf->output_count; k++)
            beamc_buffer_printf(&out, "%s %s", k == 0 ? " ->" : "", leaf->outputs[k]->id);
        beamc_buffer_append_string(&out, "; ");
    }
    char *text = beamc_arena_strndup(arena, (const char *)out.data, out.size);
    beamc_buffer_dispose(&out);
    return text;
}

static const struct {
    const char *pipeline;
    const char *leaves;
} shapes[] = {
    { "impulse I -> p1; pardo A p1 -> p2 p3", "impulse I -> p1; run A p1 -> p2 p3; " },
    /* in any order */
    { "pardo B p2 -> p3; pardo A p1 -> p2; impulse I -> p1",
      "impulse I -> p1; run A p1 -> p2; run B p2 -> p3; " },
    { "impulse I -> p1; pardo A p1 -> p2; pardo B p1 side=p2 map=p2 -> p3",
      "impulse I -> p1; run A p1 -> p2; run B p1 side=p2 map=p2 -> p3; " },
    /* composites within each other, and empty ones */
    { "composite X Y; composite Y A; bare Z; impulse I -> p1; pardo A p1 -> p2",
      "impulse I -> p1; run A p1 -> p2; " },
    { "impulse I -> p1; pardo A p1 -> p2; flatten F p1 p2 p2 -> p3; pardo B p3 -> p4",
      "impulse I -> p1; run A p1 -> p2; run I/copy p1 -> p1/copy; flatten F p1/copy p2 p2 -> p3; "
      "run B p3 -> p4; " },
    /* what the engine makes is copied where something written is needed, once */
    { "impulse I -> p1; pardo A p1 -> p2; gbk G p2 -> p3; gbk H p3 -> p4; reshuffle R p3 -> p5; "
      "pardo B p5 side=p3 -> p6",
      "impulse I -> p1; run A p1 -> p2; group G p2 -> p3; run G/copy p3 -> p3/copy; "
      "group H p3/copy -> p4; reshuffle R p3/copy -> p5; run B p5 side=p3/copy -> p6; " },
    { "impulse I -> p1; pardo A p1 -> p2; combine C p2 -> p3",
      "impulse I -> p1; run A p1 -> p2; run C/Precombine p2 -> C/precombined; "
      "group C/Group C/precombined -> C/grouped; run C/Merge C/grouped -> C/merged; "
      "run C/Extract C/merged -> p3; " },
    /* ids that are taken */
    { "impulse I -> p1; pardo A p1 -> p2 C/precombined; combine C p2 -> p3",
      "impulse I -> p1; run A p1 -> p2 C/precombined; run C/Precombine p2 -> C/precombined_2; "
      "group C/Group C/precombined_2 -> C/grouped; run C/Merge C/grouped -> C/merged; "
      "run C/Extract C/merged -> p3; " },
    { "bare X p1 -> p1; impulse I -> p1; pardo A p1", "impulse I -> p1; run A p1; " },
};

START_TEST(pipelines_become_leaves)
{
    beamc__leaves leaves;

    beamc_error *error =
        beamc__leaves_read(&leaves, pipeline_of(arena, shapes[_i].pipeline), arena);
    ck_assert_ptr_null(error);
    ck_assert_str_eq(print_leaves(&leaves), shapes[_i].leaves);
    for (size_t i = 0; i < leaves.node_count; i++)
        ck_assert_ptr_nonnull(leaves.nodes[i]->producer);
}
END_TEST

static const struct {
    const char *pipeline;
    beamc_code code;
    const char *error;
} wrong[] = {
    { "pardo A p1 -> p2", BEAMC_ECORRUPT, "transform A: PCollection p1 is made by no transform" },
    { "impulse I -> p1; pardo A p1 side=p9 -> p2", BEAMC_ECORRUPT,
      "transform A: PCollection p9 is made by no transform" },
    { "impulse I -> p1; pardo A p1 p1 -> p2", BEAMC_ECORRUPT,
      "transform A: it has 2 main inputs, not 1" },
    { "impulse I -> p1; pardo A -> p2", BEAMC_ECORRUPT, "transform A: it has 0 main inputs, not 1" },
    { "impulse I -> p1; impulse J p1 -> p2", BEAMC_ECORRUPT,
      "transform J: it has 1 main inputs, not 0" },
    { "impulse I -> p1; gbk G p1 -> p2 p3", BEAMC_ECORRUPT, "transform G: it has 2 outputs, not one" },
    { "impulse I -> p1; gbk G p1", BEAMC_ECORRUPT, "transform G: it has 0 outputs, not one" },
    { "impulse I -> p1; pardo A p1 -> p1", BEAMC_ECORRUPT,
      "transform A: PCollection p1 is also made by I" },
    { "impulse I -> p1; pardo A p1 -> p2 p2", BEAMC_ECORRUPT,
      "transform A: PCollection p2 is also made by A" },
    { "pardo A p1 -> p2; pardo B p2 -> p1", BEAMC_ECORRUPT, "transform A waits for its own output" },
    { "impulse I -> p0; pardo A p0 side=p2 -> p1; pardo B p1 -> p2", BEAMC_ECORRUPT,
      "transform A waits for its own output" },
    { "flatten F p1 -> p1", BEAMC_ECORRUPT, "transform F waits for its own output" },
    { "unknown X p1 -> p2", BEAMC_EUNSUPPORTED,
      "transform X: beam:transform:flight:v1 is no transform that this runner runs" },
    { "bare X -> p2", BEAMC_EUNSUPPORTED, "transform X: a leaf without a URN is no transform" },
    { "composite X Y", BEAMC_ENOENT, "transform Y does not exist" },
    { "composite X X; composite R X", BEAMC_ECORRUPT,
      "transform X is in more than one composite, or in itself" },
    { "composite R X X; composite X Y Y; composite Y Z Z; composite Z V V; composite V W W; "
      "bare W",
      BEAMC_ECORRUPT, "is in more than one composite, or in itself" },
    { "impulse I -> p1; combine C p1 p1 -> p2", BEAMC_ECORRUPT,
      "transform C: a combine has one input and one output" },
    { "impulse I -> p1; combine C p1", BEAMC_ECORRUPT,
      "transform C: a combine has one input and one output" },
};

START_TEST(wrong_pipelines_are_refused_by_name)
{
    beamc__leaves leaves;

    expect(beamc__leaves_read(&leaves, pipeline_of(arena, wrong[_i].pipeline), arena),
           wrong[_i].code, wrong[_i].error);
}
END_TEST

/* ---- spoilt messages ---------------------------------------------------------------------------- */

#define GOOD "impulse I -> p1; pardo A p1 -> p2; combine C p2 -> p3"

static void no_components(PB(Pipeline) *pipeline)
{
    pipeline->components = NULL;
}

static void empty_transform(PB(Pipeline) *pipeline)
{
    pipeline->components->transforms[0]->value = NULL;
}

static void empty_collection(PB(Pipeline) *pipeline)
{
    pipeline->components->pcollections[0]->value = NULL;
}

static void empty_coder(PB(Pipeline) *pipeline)
{
    pipeline->components->coders[0]->value = NULL;
}

static void empty_strategy(PB(Pipeline) *pipeline)
{
    pipeline->components->windowing_strategies[0]->value = NULL;
}

static void requirement(PB(Pipeline) *pipeline)
{
    static char *requirements[] = { "beam:requirement:pardo:stateful:v1" };
    pipeline->requirements = requirements;
    pipeline->n_requirements = 1;
}

static void missing_root(PB(Pipeline) *pipeline)
{
    pipeline->root_transform_ids[0] = "nothing";
}

static void missing_coder(PB(Pipeline) *pipeline)
{
    pipeline_collection(pipeline, "p1")->coder_id = "nothing";
}

static void missing_strategy(PB(Pipeline) *pipeline)
{
    pipeline_collection(pipeline, "p1")->windowing_strategy_id = "nothing";
}

static void missing_window_fn(PB(Pipeline) *pipeline)
{
    pipeline->components->windowing_strategies[0]->value->window_fn = NULL;
}

static void unbounded(PB(Pipeline) *pipeline)
{
    pipeline_collection(pipeline, "p1")->is_bounded = PBK(IS_BOUNDED__ENUM__UNBOUNDED);
}

static void spoilt_par_do(PB(Pipeline) *pipeline)
{
    ProtobufCBinaryData *payload = &pipeline_transform(pipeline, "A")->spec->payload;
    payload->data = (uint8_t *)"\x0a\x7f";
    payload->len = 2;
}

static void spoilt_combine(PB(Pipeline) *pipeline)
{
    ProtobufCBinaryData *payload = &pipeline_transform(pipeline, "C")->spec->payload;
    payload->data = (uint8_t *)"\x0a\x7f";
    payload->len = 2;
}

static void no_kv(PB(Pipeline) *pipeline)
{
    pipeline_collection(pipeline, "p2")->coder_id = "bytes";
}

static void no_accumulator(PB(Pipeline) *pipeline)
{
    pipeline_transform(pipeline, "C")->spec->payload.len = 0;
}

static void splittable(PB(Pipeline) *pipeline)
{
    static uint8_t bytes[32];
    PB(ParDoPayload) payload = PBK(PAR_DO_PAYLOAD__INIT);
    ProtobufCBinaryData *to = &pipeline_transform(pipeline, "A")->spec->payload;

    payload.restriction_coder_id = "bytes";
    to->data = bytes;
    to->len = pb(par_do_payload__pack)(&payload, bytes);
}

static const struct {
    void (*spoil)(PB(Pipeline) *pipeline);
    beamc_code code;
    const char *error;
} spoilt[] = {
    { no_components, BEAMC_ECORRUPT, "the pipeline has no components" },
    { empty_transform, BEAMC_ECORRUPT, "transform I is empty" },
    { empty_collection, BEAMC_ECORRUPT, "PCollection p1 is empty" },
    { empty_coder, BEAMC_ECORRUPT, "coder bytes is empty" },
    { empty_strategy, BEAMC_ECORRUPT, "windowing strategy global is empty" },
    { requirement, BEAMC_EUNSUPPORTED, "requires beam:requirement:pardo:stateful:v1" },
    { missing_root, BEAMC_ENOENT, "transform nothing does not exist" },
    { missing_coder, BEAMC_ENOENT, "PCollection p1: coder nothing does not exist" },
    { missing_strategy, BEAMC_ENOENT, "PCollection p1: windowing strategy nothing does not exist" },
    { missing_window_fn, BEAMC_ECORRUPT, "PCollection p1: " },
    { unbounded, BEAMC_EUNSUPPORTED, "PCollection p1: it is unbounded" },
    { spoilt_par_do, BEAMC_ECORRUPT, "transform A: its ParDoPayload is malformed" },
    { spoilt_combine, BEAMC_ECORRUPT, "transform C: its CombinePayload is malformed" },
    { no_kv, BEAMC_ETYPE, "transform C: its input's coder bytes is not of KVs" },
    { no_accumulator, BEAMC_ENOENT, "transform C: accumulator coder  does not exist" },
    { splittable, BEAMC_EUNSUPPORTED, "transform A: it is splittable" },
};

START_TEST(spoilt_pipelines_are_refused_by_name)
{
    PB(Pipeline) *pipeline = pipeline_of(arena, GOOD);
    beamc__leaves leaves;

    spoilt[_i].spoil(pipeline);
    expect(beamc__leaves_read(&leaves, pipeline, arena), spoilt[_i].code, spoilt[_i].error);
}
END_TEST

/* ---- sizes ------------------------------------------------------------------------------------- */

/* @count lines of @format, with 0, 1, ... for $ and the number after for #. */
static char *repeat(const char *first, const char *format, int count)
{
    beamc_buffer out;

    beamc_buffer_init(&out);
    beamc_buffer_append_string(&out, first);
    for (int i = 0; i < count; i++) {
        char line[128];
        int from = i, to = i + 1;
        snprintf(line, sizeof(line), "%s", format);
        for (char *at = line; *at != '\0'; at++) {
            if (*at == '$' || *at == '#')
                beamc_buffer_printf(&out, "%d", *at == '$' ? from : to);
            else
                beamc_buffer_append_byte(&out, (uint8_t)*at);
        }
    }
    char *text = beamc_arena_strndup(arena, (const char *)out.data, out.size);
    beamc_buffer_dispose(&out);
    return text;
}

START_TEST(long_chains_are_read_and_endless_rows_refused)
{
    beamc__leaves leaves;
    const char *text = repeat("impulse I -> p0;", "pardo A$ p$ -> p#;", 3000);

    expect(beamc__leaves_read(&leaves, pipeline_of(arena, text), arena), BEAMC_OK, "");
    ck_assert_uint_eq(leaves.leaf_count, 3001);
    text = repeat("impulse I -> q; pardo A q -> p0;", "flatten F$ p$ -> p#;", 1000);
    ck_assert_ptr_null(beamc__leaves_read(&leaves, pipeline_of(arena, text), arena));
    text = repeat("impulse I -> q; pardo A q -> p0;", "flatten F$ p$ -> p#;", 1001);
    expect(beamc__leaves_read(&leaves, pipeline_of(arena, text), arena), BEAMC_ELIMIT,
           "more than 1000 flattens and groupings in a row");
}
END_TEST

START_TEST(combines_with_side_inputs_are_run_by_what_is_inside)
{
    PB(Pipeline) *pipeline =
        pipeline_of(arena, "impulse I -> p1; pardo A p1 -> p2; gbk G p2 -> p3; pardo B p3 -> p4; "
                           "composite C G B");
    PB(PTransform) *composite = pipeline_transform(pipeline, "C");
    beamc__leaves leaves;

    composite->spec->urn = BEAMC_URN_COMBINE_PER_KEY;
    composite->inputs = pipeline_transform(pipeline, "B")->inputs;
    composite->n_inputs = 0;
    ck_assert_ptr_null(beamc__leaves_read(&leaves, pipeline, arena));
    ck_assert_str_eq(print_leaves(&leaves), "impulse I -> p1; run A p1 -> p2; group G p2 -> p3; "
                                            "run B p3 -> p4; ");
}
END_TEST

START_TEST(our_own_pipelines_are_read)
{
    beamc_pipeline *made = test_pipeline_new();
    beamc_buffer bytes;
    beamc__leaves leaves;

    beamc_buffer_init(&bytes);
    test_pipelines[_i].build(made);
    ck_assert_ptr_null(beamc_pipeline_serialize(made, &bytes));
    const PB(Pipeline) *pipeline = pb(pipeline__unpack)(NULL, bytes.size, bytes.data);
    ck_assert_ptr_nonnull(pipeline);
    ck_assert_ptr_null(beamc__leaves_read(&leaves, pipeline, arena));
    pb(pipeline__free_unpacked)((PB(Pipeline) *)pipeline, NULL);
    beamc_buffer_dispose(&bytes);
    beamc_pipeline_free(made);
}
END_TEST

Suite *suite_leaves(void)
{
    Suite *suite = suite_create("leaves");
    TCase *tc = tcase_create("read");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, pipelines_become_leaves, 0, sizeof(shapes) / sizeof(*shapes));
    tcase_add_loop_test(tc, wrong_pipelines_are_refused_by_name, 0, sizeof(wrong) / sizeof(*wrong));
    tcase_add_loop_test(tc, spoilt_pipelines_are_refused_by_name, 0,
                        sizeof(spoilt) / sizeof(*spoilt));
    tcase_add_test(tc, long_chains_are_read_and_endless_rows_refused);
    tcase_add_test(tc, combines_with_side_inputs_are_run_by_what_is_inside);
    tcase_add_loop_test(tc, our_own_pipelines_are_read, 0, 13);
    suite_add_tcase(suite, tc);
    return suite;
}
