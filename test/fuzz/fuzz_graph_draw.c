/* SPDX-License-Identifier: Apache-2.0 */
/* Pipelines to draw: what is read can be written as DOT, JSON and text, twice the same, and every node is
 * after its parent. */
#include "runners/main/graph.h"
#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    beamc__graph *graph;
    beamc_buffer once, again;
    beamc_error *error = beamc__graph_read(&graph, data, size, "fuzz");

    REQUIRE((error == NULL) == (graph != NULL));
    beamc_error_free(error);
    if (graph == NULL)
        return 0;
    for (size_t i = 0; i < graph->node_count; i++)
        REQUIRE(graph->nodes[i]->index == i && (graph->nodes[i]->parent == NULL ||
                                                graph->nodes[i]->parent->index < i));
    beamc_buffer_init(&once);
    beamc_buffer_init(&again);
    beamc__graph_write_dot(graph, &once);
    beamc__graph_write_json(graph, &once);
    beamc__graph_write_text(graph, &once);
    beamc__graph_write_dot(graph, &again);
    beamc__graph_write_json(graph, &again);
    beamc__graph_write_text(graph, &again);
    REQUIRE(once.size == again.size && memcmp(once.data, again.data, once.size) == 0);
    beamc_buffer_dispose(&once);
    beamc_buffer_dispose(&again);
    beamc__graph_free(graph);
    return 0;
}
