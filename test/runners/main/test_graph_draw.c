/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs of pipelines: what is drawn, and what bytes are refused. */
#include "runners/main/graph.h"
#include "test/alloc.h"
#include <beamc/pipeline.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

BEAMC_KV(pair, string, int64)
BEAMC_NULLABLE(maybe, int64)
BEAMC_ARRAY(names, string)
BEAMC_MAP(prices, string, float64)
#define SALE(F) F(string, shop) F(maybe, cents) F(timestamp, at) F(names, tags) F(prices, prices)
BEAMC_ROW(sale, SALE)

#define LOOK_CONFIG(F) F(string, word) F(int64, least)
BEAMC_ROW(look_config, LOOK_CONFIG)

static void look_display(const void *config, beamc_display *display)
{
    const look_config *self = (const look_config *)config;

    beamc_display_string(display, "word", "Looks for", self->word);
    beamc_display_int64(display, "least", "At \"least\"", self->least);
    beamc_display_bool(display, "exact", "Exact", true);
    beamc_display_double(display, "ratio", "Ratio", 0.1);
}

static const beamc_dofn_side look_sides[] = { { "stop", NULL, BEAMC_VIEW_ITERABLE } };
static const beamc_dofn_output look_outputs[] = { { "sales", &beamc_type_sale } };

BEAMC_DOFN_WITH(look, bytes, pair, .config = BEAMC_TYPE(look_config), .display = look_display,
                .sides = look_sides, .side_count = 1, .outputs = look_outputs, .output_count = 1)
{
    return NULL;
}

static beamc_pipeline *pipeline;
static beamc_buffer bytes;
static beamc__graph *graph;

static void set_up(void)
{
    const look_config config = { beamc_string_of("a\tb"), 3 };

    pipeline = beamc_pipeline_new(BEAMC_PROGRAM_FUNCTIONS);
    ck_assert_ptr_nonnull(pipeline);
    beamc_buffer_init(&bytes);
    graph = NULL;
    beamc_pcollection start = beamc_impulse(pipeline);
    beamc_pcollection stop = beamc_impulse(beamc_named_root(pipeline, "Stop"));
    const beamc_side_input side = { stop, NULL };
    const beamc_par_do_options options = { .config = &config, .sides = &side, .side_count = 1,
                                           .cpu_count = 4 };
    beamc_enter(pipeline, "Outer", NULL);
    beamc_enter(pipeline, "Inner", NULL);
    beamc_pcollection looked = beamc_par_do_with(start, &look, &options);
    beamc_leave(pipeline);
    beamc_window_into(beamc_tagged(looked, "sales"), beamc_fixed_windows(5000));
    beamc_leave(pipeline);
    beamc_group_by_key(looked);
    ck_assert_ptr_null(beamc_pipeline_error(pipeline));
    ck_assert_ptr_null(beamc_pipeline_serialize(pipeline, &bytes));
}

static void tear_down(void)
{
    test_alloc_fail_at(-1);
    beamc__graph_free(graph);
    beamc_buffer_dispose(&bytes);
    beamc_pipeline_free(pipeline);
}

static void read_graph(void)
{
    beamc_error *error = beamc__graph_read(&graph, bytes.data, bytes.size, "a \"test\"");
    ck_assert_msg(error == NULL, "%s", beamc_error_message(error));
}

static const beamc__graph_node *node_named(const char *name)
{
    for (size_t i = 0; i < graph->node_count; i++)
        if (strcmp(graph->nodes[i]->unique_name, name) == 0)
            return graph->nodes[i];
    ck_abort_msg("no node %s", name);
    return NULL;
}

START_TEST(transforms_are_a_tree_and_leaves_have_edges)
{
    read_graph();
    const beamc__graph_node *looks = node_named("Outer/Inner/look");
    ck_assert_str_eq(looks->name, "look");
    ck_assert_str_eq(looks->kind, "ParDo");
    ck_assert_str_eq(looks->function, "look");
    ck_assert_str_eq(looks->parent->unique_name, "Outer/Inner");
    ck_assert_str_eq(looks->parent->name, "Inner");
    ck_assert_str_eq(looks->parent->parent->name, "Outer");
    ck_assert_ptr_null(looks->parent->parent->parent);
    ck_assert_uint_eq(graph->edge_count, 4);
    for (size_t i = 0; i < graph->edge_count; i++) {
        const beamc__graph_edge *edge = &graph->edges[i];
        if (strcmp(edge->tag, "stop") != 0)
            continue;
        ck_assert_str_eq(edge->view, "iterable");
        ck_assert_str_eq(edge->collection->producer->unique_name, "Stop");
        ck_assert_ptr_eq(edge->to, looks);
    }
}
END_TEST

START_TEST(types_are_spelt_out)
{
    read_graph();
    const beamc__graph_node *window = node_named("Outer/WindowInto");
    const beamc__graph_collection *in = NULL, *out = NULL;
    for (size_t i = 0; i < graph->collection_count; i++) {
        if (strcmp(graph->collections[i].id, window->transform->inputs[0]->value) == 0)
            in = &graph->collections[i];
        if (strcmp(graph->collections[i].id, window->transform->outputs[0]->value) == 0)
            out = &graph->collections[i];
    }
    ck_assert_ptr_nonnull(in);
    ck_assert_ptr_nonnull(out);
    ck_assert_str_eq(in->type, "{shop: string, cents: int64?, at: millis_instant, tags: "
                               "Array<string>, prices: Map<string, float64>}");
    ck_assert_str_eq(in->windowing, "");
    ck_assert_str_eq(in->producer_tag, "sales");
    ck_assert_str_eq(out->windowing, "fixed windows of 5000 ms");
}
END_TEST

static const char *const dot_parts[] = {
    "digraph \"a \\\"test\\\"\" {\n  label=\"a \\\"test\\\"\" labelloc=t",
    "  subgraph cluster_2 {\n    label=\"Outer\" tooltip=\"Outer\" bgcolor=\"#fafafa\";\n"
    "    subgraph cluster_3 {\n      label=\"Inner\" tooltip=\"Outer/Inner\" "
    "bgcolor=\"#f0f0f0\";\n",
    "      n4 [label=\"look\\nParDo\\nLooks for: a b\\nAt \\\"least\\\": 3\\nExact: true\\n"
    "Ratio: 0.1\\ncpu_count: 4\" tooltip=\"Outer/Inner/look\" fillcolor=\"#dae8fc\"];\n",
    "  n0 -> n4 [label=\"bytes\"];\n",
    "  n1 -> n4 [label=\"bytes\\nas iterable\" style=dashed];\n",
    "  n4 -> n5 [label=\"sales: {shop: string, cents: int64?, at: millis_instant, tags: A...\"];\n",
    "  n4 -> n6 [label=\"output: KV<string, int64>\"];\n",
};

START_TEST(dot_has_clusters_labels_and_types)
{
    beamc_buffer out;

    read_graph();
    beamc_buffer_init(&out);
    beamc__graph_write_dot(graph, &out);
    beamc_buffer_append_byte(&out, '\0');
    const char *part = dot_parts[_i];
    ck_assert_msg(strstr((const char *)out.data, part) != NULL, "no\n%s\nin\n%s", part,
                  (const char *)out.data);
    beamc_buffer_dispose(&out);
}
END_TEST

static const char *const json_parts[] = {
    "{\n  \"name\": \"a \\\"test\\\"\",\n  \"transforms\": [\n    {\n",
    "\"name\": \"Outer/Inner/look\",\n      \"composite\": false,\n",
    "\"function\": \"look\"",
    "{\"key\": \"word\", \"label\": \"Looks for\", \"value\": \"a\\tb\"",
    "{\"key\": \"least\", \"label\": \"At \\\"least\\\"\", \"value\": 3",
    "{\"key\": \"exact\", \"label\": \"Exact\", \"value\": true",
    "{\"key\": \"ratio\", \"label\": \"Ratio\", \"value\": 0.1",
    "\"beam:resources:cpu_count:v1\": \"4\"",
    "\"windowing\": \"fixed windows of 5000 ms\"",
    "\"type\": \"KV<string, int64>\"",
    "\"side_input\": \"stop\", \"view\": \"iterable\"}",
    "\"urn\": \"beam:coder:kv:v1\", \"components\": [\"",
    "\"requirements\": []\n}\n",
};

START_TEST(json_has_all_of_it)
{
    beamc_buffer out;

    read_graph();
    beamc_buffer_init(&out);
    beamc__graph_write_json(graph, &out);
    beamc_buffer_append_byte(&out, '\0');
    const char *part = json_parts[_i];
    ck_assert_msg(strstr((const char *)out.data, part) != NULL, "no\n%s\nin\n%s", part,
                  (const char *)out.data);
    beamc_buffer_dispose(&out);
}
END_TEST

START_TEST(text_is_a_tree_with_what_flows)
{
    static const char expected[] =
        "Impulse  (Impulse)\n"
        "    -> bytes\n"
        "Stop  (Impulse)\n"
        "    -> bytes\n"
        "Outer\n"
        "  Inner\n"
        "    look  (ParDo look)\n"
        "        <- bytes  from Impulse\n"
        "        <- bytes  from Stop  as side input stop (iterable)\n"
        "        -> KV<string, int64>  as output\n";
    beamc_buffer out;

    read_graph();
    beamc_buffer_init(&out);
    beamc__graph_write_text(graph, &out);
    beamc_buffer_append_byte(&out, '\0');
    ck_assert_msg(strncmp((const char *)out.data, expected, strlen(expected)) == 0, "%s",
                  (const char *)out.data);
    ck_assert_msg(strstr((const char *)out.data,
                         "GroupByKey  (GroupByKey)\n"
                         "    <- KV<string, int64>  from Outer/Inner/look.output\n"
                         "    -> KV<string, Iterable<int64>>\n") != NULL,
                  "%s", (const char *)out.data);
    beamc_buffer_dispose(&out);
}
END_TEST

/* The message that a file holds is the one that was drawn. */
static void check_is_pipeline(const char *path)
{
    static uint8_t read[1 << 16];
    FILE *file = fopen(path, "rb");

    ck_assert_ptr_nonnull(file);
    size_t size = fread(read, 1, sizeof(read), file);
    fclose(file);
    ck_assert_uint_eq(size, bytes.size);
    ck_assert_mem_eq(read, bytes.data, size);
}

START_TEST(files_are_drawn_by_their_ending)
{
    char directory[] = "/tmp/beamc-graph-XXXXXX", path[128];
    static const char *const ends[] = { "dot", "json", "txt", "pb" };

    ck_assert_ptr_nonnull(mkdtemp(directory));
    read_graph();
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        snprintf(path, sizeof(path), "%s/drawn.%s", directory, ends[i]);
        ck_assert_ptr_null(beamc__graph_check_path(path));
        ck_assert_ptr_null(beamc__graph_draw(graph, path));
        ck_assert_int_eq(access(path, R_OK), 0);
        if (strcmp(ends[i], "pb") == 0)
            check_is_pipeline(path);
        ck_assert_int_eq(unlink(path), 0);
    }
    ck_assert_msg(rmdir(directory) == 0, "something is left in %s", directory);

    beamc_error *error = beamc__graph_check_path("a.svg/b");
    ck_assert_int_eq(beamc_error_code(error), BEAMC_EINVAL);
    beamc_error_free(error);
    error = beamc__graph_check_path("graph");
    ck_assert_int_eq(beamc_error_code(error), BEAMC_EINVAL);
    beamc_error_free(error);
    error = beamc__graph_draw(graph, "graph.png");
    ck_assert_int_eq(beamc_error_code(error), BEAMC_EINVAL);
    beamc_error_free(error);
    error = beamc__graph_draw(graph, "/tmp/no such directory/graph.dot");
    ck_assert_int_eq(beamc_error_code(error), BEAMC_ENOENT);
    beamc_error_free(error);
}
END_TEST

/* ---- bad bytes ------------------------------------------------------------------------------- */

static void read_any(const uint8_t *data, size_t size)
{
    beamc_buffer out;
    beamc__graph *any;
    beamc_error *error = beamc__graph_read(&any, data, size, "any");

    ck_assert((error == NULL) == (any != NULL));
    beamc_error_free(error);
    if (any == NULL)
        return;
    beamc_buffer_init(&out);
    beamc__graph_write_dot(any, &out);
    beamc__graph_write_json(any, &out);
    beamc_buffer_dispose(&out);
    beamc__graph_free(any);
}

START_TEST(damaged_bytes_do_no_harm)
{
    uint8_t *copy = malloc(bytes.size);

    ck_assert_ptr_nonnull(copy);
    for (size_t size = 0; size < bytes.size; size++) {
        memcpy(copy, bytes.data, size);
        read_any(copy, size);
    }
    for (size_t i = 0; i < bytes.size; i++) {
        memcpy(copy, bytes.data, bytes.size);
        copy[i] ^= (uint8_t)(1u << (i % 8));
        read_any(copy, bytes.size);
    }
    free(copy);
}
END_TEST

static PB(PTransform) *transform_named(PB(Pipeline) *from, const char *name)
{
    for (size_t i = 0; i < from->components->n_transforms; i++)
        if (strcmp(from->components->transforms[i]->value->unique_name, name) == 0)
            return from->components->transforms[i]->value;
    ck_abort_msg("no transform %s", name);
    return NULL;
}

static void set_text(char **field, const char *text)
{
    free(*field);
    *field = strdup(text);
}

static void unknown_collection(PB(Pipeline) *from)
{
    set_text(&transform_named(from, "Outer/Inner/look")->inputs[0]->value, "none");
}

static void unknown_transform(PB(Pipeline) *from)
{
    set_text(&from->root_transform_ids[0], "none");
}

static void own_child(PB(Pipeline) *from)
{
    set_text(&transform_named(from, "Outer/Inner")->subtransforms[0],
             from->components->transforms[0]->key);
}

static void two_producers(PB(Pipeline) *from)
{
    set_text(&transform_named(from, "GroupByKey")->outputs[0]->value,
             transform_named(from, "Stop")->outputs[0]->value);
}

static const struct {
    void (*damage)(PB(Pipeline) *from);
    const char *message;
} damages[] = {
    { unknown_collection, "transform Outer/Inner/look: PCollection 'none' is not in the pipeline" },
    { unknown_transform, "transform 'none' is not in the pipeline" },
    { own_child, "two parents" },
    { two_producers, "is an output of both Stop and GroupByKey" },
};

START_TEST(what_does_not_fit_together_is_named)
{
    PB(Pipeline) *from = pb(pipeline__unpack)(NULL, bytes.size, bytes.data);

    ck_assert_ptr_nonnull(from);
    damages[_i].damage(from);
    size_t size = pb(pipeline__get_packed_size)(from);
    uint8_t *packed = malloc(size);
    ck_assert_ptr_nonnull(packed);
    pb(pipeline__pack)(from, packed);
    pb(pipeline__free_unpacked)(from, NULL);
    beamc_error *error = beamc__graph_read(&graph, packed, size, "damaged");
    ck_assert_ptr_nonnull(error);
    ck_assert_msg(strstr(beamc_error_message(error), damages[_i].message) != NULL, "%s",
                  beamc_error_message(error));
    beamc_error_free(error);
    free(packed);
}
END_TEST

START_TEST(no_memory_is_an_error)
{
    for (long n = 0;; n++) {
        test_alloc_fail_at(n);
        beamc_error *error = beamc__graph_read(&graph, bytes.data, bytes.size, "any");
        if (!test_alloc_failed()) {
            ck_assert_ptr_null(error);
            break;
        }
        ck_assert_int_eq(beamc_error_code(error), BEAMC_ENOMEM);
        ck_assert_ptr_null(graph);
        beamc_error_free(error);
    }
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

Suite *suite_graph_draw(void)
{
    Suite *suite = suite_create("graph_draw");
    TCase *tc = tcase_create("graph_draw");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, transforms_are_a_tree_and_leaves_have_edges);
    tcase_add_test(tc, types_are_spelt_out);
    tcase_add_loop_test(tc, dot_has_clusters_labels_and_types, 0, COUNT(dot_parts));
    tcase_add_loop_test(tc, json_has_all_of_it, 0, COUNT(json_parts));
    tcase_add_test(tc, text_is_a_tree_with_what_flows);
    tcase_add_test(tc, files_are_drawn_by_their_ending);
    tcase_add_test(tc, damaged_bytes_do_no_harm);
    tcase_add_loop_test(tc, what_does_not_fit_together_is_named, 0, COUNT(damages));
    tcase_add_test(tc, no_memory_is_an_error);
    suite_add_tcase(suite, tc);
    return suite;
}
