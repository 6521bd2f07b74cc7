/* SPDX-License-Identifier: Apache-2.0 */
/* What single transforms want is in a table, transform_limits.c; what else must be so for a runner
 * is checked here. */
#include "check_pipeline.h"

#include "proto/urns.h"
#include "transform_limits.h"
#include <string.h>

typedef struct {
    beamc__findings *findings;
    const beamc__graph *graph;
    beamc__runner_mode runner;
} check;

/* ---- requirements ---------------------------------------------------------------------------- */

/* Those that a transform shows are told by the table; what is not known at all must be refused. */
static void check_requirements(const check *of)
{
    static const char *const known[] = {
        BEAMC_URN_REQUIREMENT_STATEFUL,        BEAMC_URN_REQUIREMENT_FINALIZATION,
        BEAMC_URN_REQUIREMENT_STABLE_INPUT,    BEAMC_URN_REQUIREMENT_TIME_SORTED_INPUT,
        BEAMC_URN_REQUIREMENT_SPLITTABLE_DOFN, BEAMC_URN_REQUIREMENT_ON_WINDOW_EXPIRATION,
    };
    const PB(Pipeline) *pipeline = of->graph->pipeline;

    for (size_t i = 0; i < pipeline->n_requirements; i++) {
        size_t k = 0;
        while (k < sizeof(known) / sizeof(known[0]) &&
               strcmp(known[k], pipeline->requirements[i]) != 0)
            k++;
        if (k == sizeof(known) / sizeof(known[0]))
            beamc__find(of->findings, BEAMC__FINDING_PROBLEM,
                        "the pipeline requires %s, which no runner is known to have, and which %s "
                        "has to refuse",
                        pipeline->requirements[i], beamc__runner_mode_name(of->runner));
    }
}

/* ---- leaves ---------------------------------------------------------------------------------- */

static bool is_any(const char *urn, const char *const *urns)
{
    for (; *urns != NULL; urns++)
        if (strcmp(urn, *urns) == 0)
            return true;
    return false;
}

static bool is_leaf_known(const beamc__graph_node *node)
{
    static const char *const urns[] = { BEAMC_URN_PARDO,
                                        BEAMC_URN_FLATTEN,
                                        BEAMC_URN_GROUP_BY_KEY,
                                        BEAMC_URN_IMPULSE,
                                        BEAMC_URN_WINDOW_INTO,
                                        BEAMC_URN_MAP_WINDOWS,
                                        BEAMC_URN_MERGE_WINDOWS,
                                        BEAMC_URN_TO_STRING,
                                        BEAMC_URN_TEST_STREAM,
                                        BEAMC_URN_READ,
                                        BEAMC_URN_COMBINE_PER_KEY_PRECOMBINE,
                                        BEAMC_URN_COMBINE_PER_KEY_MERGE_ACCUMULATORS,
                                        BEAMC_URN_COMBINE_PER_KEY_EXTRACT_OUTPUTS,
                                        BEAMC_URN_COMBINE_PER_KEY_CONVERT_TO_ACCUMULATORS,
                                        BEAMC_URN_COMBINE_GROUPED_VALUES,
                                        BEAMC_URN_SDF_PAIR_WITH_RESTRICTION,
                                        BEAMC_URN_SDF_SPLIT_AND_SIZE_RESTRICTIONS,
                                        BEAMC_URN_SDF_PROCESS_SIZED_ELEMENT_AND_RESTRICTIONS,
                                        BEAMC_URN_SDF_TRUNCATE_SIZED_RESTRICTIONS,
                                        BEAMC_URN_EXECUTABLE_STAGE,
                                        NULL };

    return is_any(node->urn, urns);
}

/* A composite of nothing, whose outputs are its inputs. */
static bool is_identity(const beamc__graph_node *node)
{
    const PB(PTransform) *transform = node->transform;

    for (size_t i = 0; i < transform->n_outputs; i++) {
        bool found = false;
        for (size_t k = 0; k < transform->n_inputs; k++)
            found = found || strcmp(transform->outputs[i]->value, transform->inputs[k]->value) == 0;
        if (!found)
            return false;
    }
    return true;
}

static void check_leaf(const check *of, const beamc__graph_node *node)
{
    bool has_payload = node->transform->spec != NULL && node->transform->spec->payload.len > 0;

    if (is_leaf_known(node))
        return;
    if (is_identity(node)) {
        if (node->urn[0] == '\0' && of->runner != BEAMC__MODE_PRISM &&
            of->runner != BEAMC__MODE_DIRECT)
            beamc__find(of->findings, BEAMC__FINDING_PROBLEM,
                        "%s is a transform without URN that does nothing, which %s refuses: leave "
                        "it out",
                        node->unique_name, beamc__runner_mode_name(of->runner));
        return;
    }
    if (of->runner == BEAMC__MODE_PRISM && !has_payload && node->urn[0] != '\0')
        return; /* it looks no closer */
    beamc__find(of->findings, BEAMC__FINDING_PROBLEM,
                "%s is %s, which %s does not know, and has no parts of its own: expand it by an "
                "expansion service",
                node->unique_name, node->urn[0] == '\0' ? "a leaf without URN" : node->urn,
                beamc__runner_mode_name(of->runner));
}

/* ---- what flows ------------------------------------------------------------------------------ */

static const beamc__graph_collection *collection(const check *of, const char *id)
{
    return (const beamc__graph_collection *)beamc__table_gets(of->graph->collection_of, id);
}

/* Flink gives the bytes of one on as those of the other. */
static void check_flatten(const check *of, const beamc__graph_node *node)
{
    const PB(PTransform) *transform = node->transform;
    const beamc__graph_collection *out =
        transform->n_outputs == 0 ? NULL : collection(of, transform->outputs[0]->value);

    if (strcmp(node->urn, BEAMC_URN_FLATTEN) != 0 || out == NULL ||
        (of->runner != BEAMC__MODE_FLINK_BATCH && of->runner != BEAMC__MODE_FLINK_STREAMING))
        return;
    for (size_t i = 0; i < transform->n_inputs; i++) {
        const beamc__graph_collection *in = collection(of, transform->inputs[i]->value);
        if (in == NULL || strcmp(in->type, out->type) == 0)
            continue;
        beamc__find(
            of->findings, BEAMC__FINDING_PROBLEM,
            "%s flattens %s into %s, and Flink does not translate between coders: make both "
            "the same",
            node->unique_name, in->type, out->type);
        return;
    }
}

/* ---- windows --------------------------------------------------------------------------------- */

static bool is_standard_window_fn(const char *urn)
{
    static const char *const urns[] = { BEAMC_URN_WINDOW_FN_GLOBAL_WINDOWS,
                                        BEAMC_URN_WINDOW_FN_FIXED_WINDOWS,
                                        BEAMC_URN_WINDOW_FN_SLIDING_WINDOWS,
                                        BEAMC_URN_WINDOW_FN_SESSION_WINDOWS, NULL };

    return is_any(urn, urns);
}

static void check_windowing(const check *of, const char *id, const PB(WindowingStrategy) *strategy)
{
    const char *urn = strategy->window_fn == NULL ? "" : strategy->window_fn->urn;
    bool has_trigger = strategy->trigger != NULL &&
                       strategy->trigger->trigger_case != PBK(TRIGGER__TRIGGER_DEFAULT) &&
                       strategy->trigger->trigger_case != PBK(TRIGGER__TRIGGER__NOT_SET);
    bool is_session = strcmp(urn, BEAMC_URN_WINDOW_FN_SESSION_WINDOWS) == 0;

    if (of->runner != BEAMC__MODE_PRISM && of->runner != BEAMC__MODE_DIRECT)
        return;
    if (!is_standard_window_fn(urn))
        beamc__find(of->findings, BEAMC__FINDING_PROBLEM,
                    "windowing %s has window function %s, and %s knows global, fixed, sliding and "
                    "session windows only",
                    id, urn[0] == '\0' ? "(none)" : urn, beamc__runner_mode_name(of->runner));
    if (of->runner != BEAMC__MODE_PRISM)
        return;
    if (is_session && has_trigger)
        beamc__find(of->findings, BEAMC__FINDING_PROBLEM,
                    "windowing %s has sessions with a trigger, which Prism refuses: leave the "
                    "trigger out",
                    id);
    if (is_session && strategy->output_time != PBK(OUTPUT_TIME__ENUM__END_OF_WINDOW) &&
        strategy->output_time != PBK(OUTPUT_TIME__ENUM__UNSPECIFIED))
        beamc__find(of->findings, BEAMC__FINDING_PROBLEM,
                    "windowing %s has sessions whose output has the earliest or latest time of the "
                    "input, with which Prism fails: let it have the end of the window",
                    id);
    if (strategy->accumulation_mode == PBK(ACCUMULATION_MODE__ENUM__RETRACTING))
        beamc__find(of->findings, BEAMC__FINDING_PROBLEM,
                    "windowing %s retracts what it gave before, which Prism cannot: discard or "
                    "accumulate",
                    id);
}

/* ---- environments, coders -------------------------------------------------------------------- */

/* Those that start a worker on Flink and Spark; Prism also looks into one of several. */
static void check_environments(const check *of)
{
    static const char *const urns[] = { BEAMC_URN_ENV_DOCKER, BEAMC_URN_ENV_PROCESS,
                                        BEAMC_URN_ENV_EXTERNAL, NULL };
    const PB(Components) *components = of->graph->pipeline->components;

    for (size_t i = 0; i < components->n_environments && of->runner != BEAMC__MODE_DIRECT; i++) {
        const PB(Environment) *environment = components->environments[i]->value;
        if (environment == NULL || is_any(environment->urn, urns) ||
            (of->runner == BEAMC__MODE_PRISM && strcmp(environment->urn, BEAMC_URN_ENV_ANYOF) == 0))
            continue;
        beamc__find(of->findings, BEAMC__FINDING_PROBLEM,
                    "environment %s is %s, which %s cannot start: build the pipeline for DOCKER, "
                    "PROCESS or EXTERNAL workers",
                    components->environments[i]->key,
                    environment->urn[0] == '\0' ? "of no kind" : environment->urn,
                    beamc__runner_mode_name(of->runner));
    }
}

static bool is_coder_known(const check *of, const char *urn)
{
    static const char *const all[] = { BEAMC_URN_CODER_BYTES,
                                       BEAMC_URN_CODER_STRING_UTF8,
                                       BEAMC_URN_CODER_KV,
                                       BEAMC_URN_CODER_BOOL,
                                       BEAMC_URN_CODER_VARINT,
                                       BEAMC_URN_CODER_DOUBLE,
                                       BEAMC_URN_CODER_ITERABLE,
                                       BEAMC_URN_CODER_TIMER,
                                       BEAMC_URN_CODER_INTERVAL_WINDOW,
                                       BEAMC_URN_CODER_LENGTH_PREFIX,
                                       BEAMC_URN_CODER_GLOBAL_WINDOW,
                                       BEAMC_URN_CODER_WINDOWED_VALUE,
                                       BEAMC_URN_CODER_PARAM_WINDOWED_VALUE,
                                       BEAMC_URN_CODER_STATE_BACKED_ITERABLE,
                                       BEAMC_URN_CODER_CUSTOM_WINDOW,
                                       BEAMC_URN_CODER_SHARDED_KEY,
                                       BEAMC_URN_CODER_NULLABLE,
                                       NULL };

    if (strcmp(urn, BEAMC_URN_CODER_ROW) == 0)
        return of->runner != BEAMC__MODE_PRISM;
    return is_any(urn, all);
}

/* A runner puts a length before what it cannot decode, so nothing is wrong with that. */
static void tell_coders(const check *of)
{
    const PB(Components) *components = of->graph->pipeline->components;
    const char *first = NULL;
    size_t opaque = 0;

    for (size_t i = 0; i < components->n_coders; i++) {
        const PB(Coder) *coder = components->coders[i]->value;
        const char *urn = coder == NULL || coder->spec == NULL ? "" : coder->spec->urn;
        if (is_coder_known(of, urn))
            continue;
        if (opaque++ == 0)
            first = urn;
    }
    if (opaque == 0)
        beamc__find(of->findings, BEAMC__FINDING_OK, "%s knows all %zu coders",
                    beamc__runner_mode_name(of->runner), components->n_coders);
    else
        beamc__find(of->findings, BEAMC__FINDING_OK,
                    "%s knows %zu of %zu coders; the others (%s) travel as bytes with their length",
                    beamc__runner_mode_name(of->runner), components->n_coders - opaque,
                    components->n_coders, first);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static bool is_unbounded(const beamc__graph *graph)
{
    for (size_t i = 0; i < graph->collection_count; i++)
        if (graph->collections[i].pcollection->is_bounded == PBK(IS_BOUNDED__ENUM__UNBOUNDED))
            return true;
    return false;
}

static void check_unbounded(const check *of)
{
    char name[BEAMC__LIMITS_NAME_SIZE];

    if (of->runner == BEAMC__MODE_DIRECT)
        beamc__find(of->findings, BEAMC__FINDING_PROBLEM,
                    "the input has no end, and the direct runner is for input that has one: use "
                    "--runner=prism or flink");
    if (of->runner == BEAMC__MODE_SPARK_STREAMING && beamc__limits_splittable(of->graph, name) > 0)
        beamc__find(of->findings, BEAMC__FINDING_PROBLEM,
                    "%s reads without an end, which Spark cannot interrupt: use --runner=flink",
                    name);
}

static void check_test_streams(const check *of)
{
    char name[BEAMC__LIMITS_NAME_SIZE];

    if (of->runner == BEAMC__MODE_PRISM && beamc__limits_test_streams(of->graph, name) > 1)
        beamc__find(of->findings, BEAMC__FINDING_PROBLEM,
                    "%s is a TestStream, and Prism takes one per pipeline", name);
}

void beamc__check_pipeline(beamc__findings *findings, const beamc__graph *graph,
                           beamc__runner_kind runner, bool streaming, bool has_environments)
{
    const PB(Components) *components = graph->pipeline->components;
    bool unbounded = is_unbounded(graph);
    size_t problems = findings->counts[BEAMC__FINDING_PROBLEM];

    if (runner == BEAMC__RUNNER_OTHER) {
        beamc__find(findings, BEAMC__FINDING_WARNING,
                    "which runner this is for is not known, so what it can do is not: give "
                    "--runner=prism, flink or spark");
        return;
    }
    const check of = { findings, graph, beamc__runner_mode_of(runner, streaming || unbounded) };
    check_requirements(&of);
    beamc__check_limits(findings, graph, of.runner);
    for (size_t i = 0; i < graph->node_count; i++) {
        if (graph->nodes[i]->first_child != NULL)
            continue;
        check_leaf(&of, graph->nodes[i]);
        check_flatten(&of, graph->nodes[i]);
    }
    for (size_t i = 0; i < components->n_windowing_strategies; i++)
        if (components->windowing_strategies[i]->value != NULL)
            check_windowing(&of, components->windowing_strategies[i]->key,
                            components->windowing_strategies[i]->value);
    if (unbounded)
        check_unbounded(&of);
    check_test_streams(&of);
    if (has_environments)
        check_environments(&of);
    tell_coders(&of);
    if (findings->counts[BEAMC__FINDING_PROBLEM] == problems)
        beamc__find(findings, BEAMC__FINDING_OK, "%s can run all %zu transforms",
                    beamc__runner_mode_name(of.runner), graph->node_count);
}
