/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline_sum.h"

#include "proto/unpack.h"
#include "proto/urns.h"
#include "sdk/base/arena_proto.h"
#include <string.h>

/* ---- environments ---------------------------------------------------------------------------- */

static void put_payload(const PB(Environment) *environment, beamc_arena *arena, beamc_buffer *out)
{
    ProtobufCAllocator allocator = beamc__arena_allocator(arena);
    size_t size = environment->payload.len;
    const uint8_t *bytes = environment->payload.data;

    if (strcmp(environment->urn, BEAMC_URN_ENV_DOCKER) == 0) {
        const PB(DockerPayload) *docker = BEAMC__UNPACK(
            PB(DockerPayload), pb(docker_payload__descriptor), &allocator, size, bytes);
        beamc_buffer_printf(out, "DOCKER %s", docker == NULL ? "?" : docker->container_image);
    } else if (strcmp(environment->urn, BEAMC_URN_ENV_PROCESS) == 0) {
        const PB(ProcessPayload) *process = BEAMC__UNPACK(
            PB(ProcessPayload), pb(process_payload__descriptor), &allocator, size, bytes);
        beamc_buffer_printf(out, "PROCESS %s", process == NULL ? "?" : process->command);
    } else if (strcmp(environment->urn, BEAMC_URN_ENV_EXTERNAL) == 0) {
        const PB(ExternalPayload) *external = BEAMC__UNPACK(
            PB(ExternalPayload), pb(external_payload__descriptor), &allocator, size, bytes);
        beamc_buffer_printf(
            out, "EXTERNAL %s",
            external == NULL || external->endpoint == NULL ? "?" : external->endpoint->url);
    } else {
        beamc_buffer_append_string(out, environment->urn);
    }
}

void beamc__environment_text(const PB(Environment) *environment, beamc_buffer *out)
{
    beamc_arena *arena = beamc_arena_new();

    if (arena == NULL)
        out->failed = true;
    else
        put_payload(environment, arena, out);
    beamc_arena_free(arena);
}

/* ---- transforms ------------------------------------------------------------------------------ */

/* How many leaves there are of each kind, in order of their first; NULL without memory. */
static beamc__table *count_leaves(const beamc__graph *graph, size_t *all)
{
    beamc__table *counts = beamc__table_new();

    *all = 0;
    for (size_t i = 0; counts != NULL && i < graph->node_count; i++) {
        const beamc__graph_node *node = graph->nodes[i];
        const char *kind = node->kind[0] == '\0' ? "without URN" : node->kind;
        if (node->first_child != NULL)
            continue;
        ++*all;
        uintptr_t count = (uintptr_t)beamc__table_gets(counts, kind) + 1;
        if (beamc__table_puts(counts, kind, (void *)count) < 0) {
            beamc__table_free(counts);
            return NULL;
        }
    }
    return counts;
}

static size_t count_at(const beamc__table *counts, size_t index)
{
    return (size_t)(uintptr_t)beamc__table_value(counts, index);
}

/* ---- writing --------------------------------------------------------------------------------- */

static void put_count(beamc_buffer *out, size_t count, const char *one, const char *many)
{
    beamc_buffer_printf(out, "%zu %s", count, count == 1 ? one : many);
}

bool beamc__pipeline_sum_text(const beamc__graph *graph, beamc_buffer *out)
{
    const PB(Components) *components = graph->pipeline->components;
    size_t leaves;
    beamc__table *counts = count_leaves(graph, &leaves);

    if (counts == NULL)
        return false;
    beamc_buffer_append_string(out, "  ");
    put_count(out, graph->node_count, "transform", "transforms");
    beamc_buffer_printf(out, ", %zu of them leaves", leaves);
    for (size_t i = 0; i < beamc__table_count(counts); i++)
        beamc_buffer_printf(out, "%s %zu %s", i == 0 ? ":" : ",", count_at(counts, i),
                            beamc__table_key(counts, i));
    beamc_buffer_append_string(out, "\n  ");
    put_count(out, components->n_pcollections, "PCollection, ", "PCollections, ");
    put_count(out, components->n_coders, "coder, ", "coders, ");
    put_count(out, components->n_windowing_strategies, "windowing strategy\n",
              "windowing strategies\n");
    for (size_t i = 0; i < components->n_environments; i++) {
        if (components->environments[i]->value == NULL)
            continue;
        beamc_buffer_printf(out, "  environment %s: ", components->environments[i]->key);
        beamc__environment_text(components->environments[i]->value, out);
        beamc_buffer_append_byte(out, '\n');
    }
    for (size_t i = 0; i < graph->pipeline->n_requirements; i++)
        beamc_buffer_printf(out, "  requires %s\n", graph->pipeline->requirements[i]);
    beamc__table_free(counts);
    return true;
}

static void write_environments(const PB(Components) *components, beamc__json *json)
{
    beamc_buffer text;

    beamc_buffer_init(&text);
    beamc__json_open(json, "environments", '{');
    for (size_t i = 0; i < components->n_environments; i++) {
        if (components->environments[i]->value == NULL)
            continue;
        beamc_buffer_clear(&text);
        beamc__environment_text(components->environments[i]->value, &text);
        beamc__json_bytes(json, components->environments[i]->key, text.data, text.size);
    }
    beamc__json_close(json, '}');
    beamc_buffer_dispose(&text);
}

bool beamc__pipeline_sum_json(const beamc__graph *graph, beamc__json *json, const char *key)
{
    const PB(Components) *components = graph->pipeline->components;
    size_t leaves;
    beamc__table *counts = count_leaves(graph, &leaves);

    if (counts == NULL)
        return false;
    beamc__json_open(json, key, '{');
    beamc__json_int(json, "transforms", (int64_t)graph->node_count);
    beamc__json_open(json, "leaves", '{');
    for (size_t i = 0; i < beamc__table_count(counts); i++)
        beamc__json_int(json, beamc__table_key(counts, i), (int64_t)count_at(counts, i));
    beamc__json_close(json, '}');
    beamc__json_int(json, "pcollections", (int64_t)components->n_pcollections);
    beamc__json_int(json, "coders", (int64_t)components->n_coders);
    beamc__json_int(json, "windowing_strategies", (int64_t)components->n_windowing_strategies);
    write_environments(components, json);
    beamc__json_open(json, "requirements", '[');
    for (size_t i = 0; i < graph->pipeline->n_requirements; i++)
        beamc__json_string(json, NULL, graph->pipeline->requirements[i]);
    beamc__json_close(json, ']');
    beamc__json_close(json, '}');
    beamc__table_free(counts);
    return true;
}
