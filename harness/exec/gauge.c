/* SPDX-License-Identifier: Apache-2.0 */
/* How large elements are: a gauge stands before whatever receives those of a PCollection until it has
 * measured one, and steps aside.  A bundle begins with all of them in place, and its source puts them
 * back now and then; other elements do not meet them, and cost nothing. */
#include "harness/exec/op.h"

#include "harness/exec/excerpt.h"
#include "proto/urns.h"

typedef struct {
    beamc_receiver receiver; /* first */
    beamc__node *node;
    beamc_receiver *to;
    beamc__parts parts;
    beamc__cell *cell; /* of the set below */
} gauge;

struct beamc__gauges {
    beamc__metrics *sizes; /* of one bundle */
    size_t count;
    gauge all[];
};

static void send_to(beamc__node *node, beamc_receiver *to)
{
    node->receiver = to;
    beamc__par_do_redirect(node->producer, node);
}

/* False: nobody knows before it is walked, or there is no memory. */
static bool measure(const gauge *at, const void *value, size_t *out)
{
    const beamc__parts *parts = &at->parts;
    beamc_buffer bytes;
    bool cut;

    if (parts->is_plain) {
        *out = beamc__plain_size(parts->key, value);
        if (parts->rest != NULL)
            *out += beamc__plain_size(parts->rest, (const char *)value + parts->rest_offset);
        return true;
    }
    beamc_buffer_init(&bytes);
    int rc = beamc__excerpt_encode(at->node->type, value, &bytes, &cut);
    *out = bytes.size;
    beamc_buffer_dispose(&bytes);
    return rc == BEAMC_OK && !cut;
}

static beamc_error *gauge_process(beamc_receiver *self, const beamc_element_info *info,
                                  const void *value)
{
    gauge *at = (gauge *)self;
    size_t size;

    send_to(at->node, at->to);
    if (measure(at, value, &size))
        beamc__cell_update(at->cell, (int64_t)size);
    return at->to->process(at->to, info, value);
}

static beamc_error *insert(beamc__gauges *gauges, beamc__node *node)
{
    const beamc__metric_id id = { .urn = BEAMC_URN_METRIC_SAMPLED_BYTE_SIZE,
                                  .pcollection = node->id };
    gauge *at = &gauges->all[gauges->count];

    if (node->producer == NULL || !beamc__excerpt_is_possible(node->type))
        return NULL;
    *at = (gauge){ .receiver.process = gauge_process,
                   .node = node,
                   .to = node->receiver,
                   .parts = beamc__parts_of(node->type),
                   .cell = beamc__metrics_cell(gauges->sizes, &id, BEAMC__CELL_DISTRIBUTION) };
    if (at->cell == NULL)
        return beamc_error_nomem();
    gauges->count++;
    return NULL;
}

beamc_error *beamc__gauges_insert(beamc__plan *plan)
{
    if (!plan->options.byte_sizes)
        return NULL;
    beamc__gauges *made = beamc_arena_calloc(plan->arena, 1,
                                             sizeof(*made) + plan->node_count * sizeof(gauge));
    if (made == NULL)
        return beamc_error_nomem();
    plan->gauges = made;
    made->sizes = beamc__metrics_new();
    if (made->sizes == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < plan->node_count; i++)
        BEAMC_TRY(insert(made, &plan->nodes[i]));
    return NULL;
}

void beamc__gauges_free(beamc__gauges *gauges)
{
    if (gauges != NULL)
        beamc__metrics_free(gauges->sizes);
}

void beamc__gauges_place(beamc__gauges *gauges)
{
    for (size_t i = 0; gauges != NULL && i < gauges->count; i++)
        send_to(gauges->all[i].node, &gauges->all[i].receiver);
}

void beamc__gauges_start(beamc__gauges *gauges)
{
    if (gauges != NULL)
        beamc__metrics_clear(gauges->sizes);
    beamc__gauges_place(gauges);
}

beamc_error *beamc__gauges_report(const beamc__gauges *gauges, beamc__metrics *into)
{
    return gauges == NULL || beamc__metrics_merge(into, gauges->sizes) == BEAMC_OK
               ? NULL
               : beamc_error_nomem();
}
