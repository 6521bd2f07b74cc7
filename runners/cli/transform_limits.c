/* SPDX-License-Identifier: Apache-2.0 */
/* A table: each row has a way to see a feature in a transform, and the runners without it. */
#include "transform_limits.h"

#include "proto/urns.h"
#include <string.h>

/* ---- features of a transform ----------------------------------------------------------------- */

static bool has_state(const beamc__graph_node *node)
{
    return node->par_do != NULL && node->par_do->n_state_specs > 0;
}

static bool has_state_of(const beamc__graph_node *node, const char *protocol)
{
    for (size_t i = 0; node->par_do != NULL && i < node->par_do->n_state_specs; i++) {
        const PB(StateSpec) *spec = node->par_do->state_specs[i]->value;
        if (spec != NULL && spec->protocol != NULL && strcmp(spec->protocol->urn, protocol) == 0)
            return true;
    }
    return false;
}

static bool has_multimap_state(const beamc__graph_node *node)
{
    return has_state_of(node, BEAMC_URN_USER_STATE_MULTIMAP);
}

static bool has_list_state(const beamc__graph_node *node)
{
    return has_state_of(node, BEAMC_URN_USER_STATE_ORDERED_LIST);
}

static bool has_timers(const beamc__graph_node *node)
{
    return node->par_do != NULL && node->par_do->n_timer_family_specs > 0;
}

static bool has_expiration(const beamc__graph_node *node)
{
    return node->par_do != NULL && node->par_do->on_window_expiration_timer_family_spec[0] != '\0';
}

static bool has_finalization(const beamc__graph_node *node)
{
    return node->par_do != NULL && node->par_do->requests_finalization;
}

static bool wants_sorted_input(const beamc__graph_node *node)
{
    return node->par_do != NULL && node->par_do->requires_time_sorted_input;
}

static bool wants_stable_input(const beamc__graph_node *node)
{
    return node->par_do != NULL && node->par_do->requires_stable_input;
}

static bool has_side_inputs(const beamc__graph_node *node)
{
    return node->par_do != NULL && node->par_do->n_side_inputs > 0;
}

static bool is_splittable(const beamc__graph_node *node)
{
    return node->par_do != NULL && node->par_do->restriction_coder_id[0] != '\0';
}

static bool is_test_stream(const beamc__graph_node *node)
{
    return strcmp(node->urn, BEAMC_URN_TEST_STREAM) == 0;
}

static bool is_old_read(const beamc__graph_node *node)
{
    return strcmp(node->urn, BEAMC_URN_READ) == 0;
}

/* Functions of other SDKs run in their workers, and the direct runner has none. */
static bool is_foreign(const beamc__graph_node *node)
{
    return node->function == NULL && (strcmp(node->urn, BEAMC_URN_PARDO) == 0 ||
                                      strcmp(node->urn, BEAMC_URN_COMBINE_PER_KEY) == 0);
}

static bool groups_into_batches(const beamc__graph_node *node)
{
    return strcmp(node->urn, BEAMC_URN_GROUP_INTO_BATCHES) == 0 ||
           strcmp(node->urn, BEAMC_URN_GROUP_INTO_BATCHES_WITH_SHARDED_KEY) == 0;
}

/* ---- the table ------------------------------------------------------------------------------- */

/* Sets of runners. */
enum {
    DIRECT = 1 << BEAMC__MODE_DIRECT,
    PRISM = 1 << BEAMC__MODE_PRISM,
    FLINK_BATCH = 1 << BEAMC__MODE_FLINK_BATCH,
    FLINK = FLINK_BATCH | 1 << BEAMC__MODE_FLINK_STREAMING,
    SPARK_STREAMING = 1 << BEAMC__MODE_SPARK_STREAMING,
    SPARK = 1 << BEAMC__MODE_SPARK_BATCH | SPARK_STREAMING
};

static const struct {
    bool (*has)(const beamc__graph_node *node);
    const char *what; /* "TRANSFORM what" */
    const char *todo;
    unsigned cannot; /* which runners do not do it .. */
    unsigned errs;   /* .. or not always right */
} limits[] = {
    { has_state, "has state", "keep what it keeps in the key or the value of a GroupByKey",
      DIRECT | SPARK_STREAMING, 0 },
    { has_multimap_state, "has state that is a map, a set or a multimap", "use a bag or a value",
      DIRECT | FLINK | SPARK, PRISM },
    { has_list_state, "has state that is an ordered list", "use a bag and sort it",
      DIRECT | FLINK | SPARK, 0 },
    { has_timers, "has timers", "use another runner", DIRECT | SPARK_STREAMING, 0 },
    { has_expiration, "wants a call when a window expires", "set a timer for the window's end",
      DIRECT | FLINK | SPARK, 0 },
    { has_finalization, "wants its bundles finalized", "use another runner",
      DIRECT | FLINK_BATCH | SPARK, 0 },
    { wants_sorted_input, "requires input sorted by time", "sort the values of a GroupByKey",
      DIRECT | SPARK, 0 },
    { wants_stable_input, "requires stable input", "put a Reshuffle before it",
      DIRECT | SPARK | PRISM, 0 },
    { has_side_inputs, "has side inputs", "join by CoGroupByKey", SPARK_STREAMING, 0 },
    { is_splittable, "is splittable", "use another runner", DIRECT, 0 },
    { is_test_stream, "is a TestStream", "try it with --runner=prism", DIRECT | FLINK_BATCH | SPARK,
      0 },
    { is_old_read, "reads in the way before splittable DoFns (beam:transform:read:v1)",
      "build the pipeline without the experiment use_deprecated_read",
      DIRECT | PRISM | FLINK_BATCH | SPARK, 0 },
    { is_foreign, "runs a function that was not made with beamc", "use --runner=prism", DIRECT, 0 },
    { groups_into_batches, "groups into batches, of which elements were seen to be lost",
      "compare the counts of elements", 0, PRISM },
};

/* "Count/Sum", or "Count/Sum (and 2 others)": the first transform that has a feature. */
static size_t find_having(const beamc__graph *graph, bool (*has)(const beamc__graph_node *node),
                          char name[BEAMC__LIMITS_NAME_SIZE])
{
    const char *first = "";
    size_t count = 0;

    for (size_t i = 0; i < graph->node_count; i++) {
        if (!has(graph->nodes[i]))
            continue;
        if (count++ == 0)
            first = graph->nodes[i]->unique_name;
    }
    if (count <= 1)
        snprintf(name, BEAMC__LIMITS_NAME_SIZE, "%s", first);
    else
        snprintf(name, BEAMC__LIMITS_NAME_SIZE, "%s (and %zu other%s)", first, count - 1,
                 count == 2 ? "" : "s");
    return count;
}

void beamc__check_limits(beamc__findings *findings, const beamc__graph *graph,
                         beamc__runner_mode runner)
{
    char name[BEAMC__LIMITS_NAME_SIZE];

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        bool cannot = (limits[i].cannot & 1u << runner) != 0;
        bool errs = (limits[i].errs & 1u << runner) != 0;
        if ((!cannot && !errs) || find_having(graph, limits[i].has, name) == 0)
            continue;
        beamc__find(findings, cannot ? BEAMC__FINDING_PROBLEM : BEAMC__FINDING_WARNING,
                    "%s %s, which %s %s: %s", name, limits[i].what, beamc__runner_mode_name(runner),
                    cannot ? "cannot do" : "does not always do right", limits[i].todo);
    }
}

size_t beamc__limits_splittable(const beamc__graph *graph, char name[BEAMC__LIMITS_NAME_SIZE])
{
    return find_having(graph, is_splittable, name);
}

size_t beamc__limits_test_streams(const beamc__graph *graph, char name[BEAMC__LIMITS_NAME_SIZE])
{
    return find_having(graph, is_test_stream, name);
}
