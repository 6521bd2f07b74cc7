/* SPDX-License-Identifier: Apache-2.0 */
#include "runners/result/result.h"

#include "proto/urns.h"
#include <beamc/arena.h>
#include <stdlib.h>

struct beamc_result {
    beamc_arena *arena;
    beamc_metric_value *metrics;
    size_t metric_count;
    beamc_pcollection_count *pcollections;
    size_t pcollection_count;
};

static const char *transform_name(const PB(Pipeline) *pipeline, const char *id)
{
    for (size_t i = 0; i < pipeline->components->n_transforms; i++) {
        if (strcmp(pipeline->components->transforms[i]->key, id) == 0)
            return pipeline->components->transforms[i]->value->unique_name;
    }
    return id;
}

/* NULL: the runner's own, which nobody asks for. */
static const char *pcollection_name(const PB(Pipeline) *pipeline, const char *id)
{
    for (size_t i = 0; i < pipeline->components->n_pcollections; i++) {
        if (strcmp(pipeline->components->pcollections[i]->key, id) == 0)
            return pipeline->components->pcollections[i]->value->unique_name;
    }
    return NULL;
}

static bool is_user_metric(const beamc__cell *cell, beamc_metric_kind *kind)
{
    static const struct {
        const char *urn;
        beamc_metric_kind kind;
    } kinds[] = {
        { BEAMC_URN_METRIC_USER_SUM_INT64, BEAMC_METRIC_COUNTER },
        { BEAMC_URN_METRIC_USER_DISTRIBUTION_INT64, BEAMC_METRIC_DISTRIBUTION },
        { BEAMC_URN_METRIC_USER_LATEST_INT64, BEAMC_METRIC_GAUGE },
        { BEAMC_URN_METRIC_USER_SET_STRING, BEAMC_METRIC_STRING_SET },
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (strcmp(cell->id.urn, kinds[i].urn) == 0) {
            *kind = kinds[i].kind;
            return cell->count > 0;
        }
    }
    return false;
}

static int copy_metric(beamc_result *result, const beamc__cell *cell, beamc_metric_kind kind,
                       const PB(Pipeline) *pipeline)
{
    beamc_string *strings =
        beamc_arena_calloc(result->arena, cell->string_count + 1, sizeof(*strings));
    beamc_metric_value value = {
        .kind = kind,
        .transform =
            beamc_arena_strdup(result->arena, transform_name(pipeline, cell->id.transform)),
        .space = beamc_arena_strdup(result->arena, cell->id.space == NULL ? "" : cell->id.space),
        .name = beamc_arena_strdup(result->arena, cell->id.name == NULL ? "" : cell->id.name),
        .value = cell->value,
        .count = cell->count,
        .sum = cell->sum,
        .min = cell->min,
        .max = cell->max,
        .strings = strings,
        .string_count = cell->string_count,
    };

    for (size_t i = 0; strings != NULL && i < cell->string_count; i++) {
        strings[i].size = cell->strings[i].size;
        strings[i].data =
            beamc_arena_strndup(result->arena, cell->strings[i].data, cell->strings[i].size);
    }
    if (beamc_arena_failed(result->arena))
        return BEAMC_ENOMEM;
    result->metrics[result->metric_count++] = value;
    return BEAMC_OK;
}

static int copy_count(beamc_result *result, const beamc__cell *cell, const char *name)
{
    beamc_pcollection_count count = { beamc_arena_strdup(result->arena, name), cell->value };

    if (count.pcollection == NULL)
        return BEAMC_ENOMEM;
    result->pcollections[result->pcollection_count++] = count;
    return BEAMC_OK;
}

static int compare_metrics(const void *a, const void *b)
{
    const beamc_metric_value *x = a;
    const beamc_metric_value *y = b;
    int order = strcmp(x->transform, y->transform);

    if (order == 0)
        order = strcmp(x->space, y->space);
    return order != 0 ? order : strcmp(x->name, y->name);
}

static int compare_counts(const void *a, const void *b)
{
    return strcmp(((const beamc_pcollection_count *)a)->pcollection,
                  ((const beamc_pcollection_count *)b)->pcollection);
}

static int fill(beamc_result *result, const beamc__metrics *metrics, const PB(Pipeline) *pipeline)
{
    size_t cells = beamc__metrics_count(metrics);

    result->metrics = beamc_arena_calloc(result->arena, cells + 1, sizeof(*result->metrics));
    result->pcollections =
        beamc_arena_calloc(result->arena, cells + 1, sizeof(*result->pcollections));
    if (result->metrics == NULL || result->pcollections == NULL)
        return BEAMC_ENOMEM;
    for (size_t i = 0; i < cells; i++) {
        const beamc__cell *cell = beamc__metrics_at(metrics, i);
        beamc_metric_kind kind;
        int rc = BEAMC_OK;
        if (is_user_metric(cell, &kind))
            rc = copy_metric(result, cell, kind, pipeline);
        else if (strcmp(cell->id.urn, BEAMC_URN_METRIC_ELEMENT_COUNT) == 0 &&
                 pcollection_name(pipeline, cell->id.pcollection) != NULL)
            rc = copy_count(result, cell, pcollection_name(pipeline, cell->id.pcollection));
        if (rc < 0)
            return rc;
    }
    qsort(result->metrics, result->metric_count, sizeof(*result->metrics), compare_metrics);
    qsort(result->pcollections, result->pcollection_count, sizeof(*result->pcollections),
          compare_counts);
    return BEAMC_OK;
}

beamc_error *beamc__result_new(beamc_result **out, const beamc__metrics *metrics,
                               const PB(Pipeline) *pipeline)
{
    beamc_result *result = calloc(1, sizeof(*result));

    *out = NULL;
    if (result == NULL)
        return beamc_error_nomem();
    result->arena = beamc_arena_new();
    if (result->arena == NULL || fill(result, metrics, pipeline) < 0) {
        beamc_result_free(result);
        return beamc_error_nomem();
    }
    *out = result;
    return NULL;
}

void beamc_result_free(beamc_result *result)
{
    if (result == NULL)
        return;
    beamc_arena_free(result->arena);
    free(result);
}

size_t beamc_result_metric_count(const beamc_result *result)
{
    return result->metric_count;
}

const beamc_metric_value *beamc_result_metric(const beamc_result *result, size_t index)
{
    return index < result->metric_count ? &result->metrics[index] : NULL;
}

size_t beamc_result_pcollection_count(const beamc_result *result)
{
    return result->pcollection_count;
}

const beamc_pcollection_count *beamc_result_pcollection(const beamc_result *result, size_t index)
{
    return index < result->pcollection_count ? &result->pcollections[index] : NULL;
}

int64_t beamc_result_counter(const beamc_result *result, const beamc_metric *metric)
{
    int64_t sum = 0;

    for (size_t i = 0; i < result->metric_count; i++) {
        const beamc_metric_value *value = &result->metrics[i];
        if (value->kind == BEAMC_METRIC_COUNTER && strcmp(value->space, metric->space) == 0 &&
            strcmp(value->name, metric->name) == 0)
            sum += value->value;
    }
    return sum;
}
