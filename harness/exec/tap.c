/* SPDX-License-Identifier: Apache-2.0 */
/* Where elements are sampled: a tap stands before whatever receives those of a PCollection.  There is
 * one only where samples are wanted. */
#include "harness/exec/op.h"

#include "harness/exec/excerpt.h"
#include <stdio.h>

typedef struct {
    beamc_receiver receiver; /* first */
    beamc__plan *plan;
    const beamc__node *node;
    beamc_receiver *to;
    uint64_t seen;
} tap;

#define ERROR_SIZE 4096
#define CUT        "\n(the sample has the first values only of the element's iterables)"

/* @error (NULL: none) is told of what was cut. */
static void sample(tap *at, const void *value, const beamc__sample_error *error)
{
    beamc__sample_error both;
    char text[ERROR_SIZE + sizeof(CUT)];
    beamc_buffer bytes;
    bool cut = false;

    beamc_buffer_init(&bytes);
    int rc = beamc__excerpt_encode(at->node->type, value, &bytes, &cut);
    if (cut && error != NULL) {
        snprintf(text, sizeof(text), "%s" CUT, error->error);
        both = *error;
        both.error = text;
        error = &both;
    }
    if (rc == BEAMC_OK)
        beamc__samples_add(at->plan->options.samples, at->node->id,
                           (beamc_bytes){ bytes.data, bytes.size }, error);
    beamc_buffer_dispose(&bytes);
}

/* The innermost tap is the first to see an error, with the element that met it. */
static void sample_error(tap *at, const void *value, const beamc_error *error)
{
    beamc__plan *plan = at->plan;
    char text[ERROR_SIZE];

    if (plan->error_sampled || plan->failed == NULL || plan->bundle == NULL ||
        beamc_error_code(error) == BEAMC_ECANCELLED)
        return;
    plan->error_sampled = true;
    beamc_error_print(error, text, sizeof(text));
    const beamc__sample_error what = { plan->bundle->instruction_id, plan->failed->id, text };
    sample(at, value, &what);
}

static beamc_error *tap_process(beamc_receiver *self, const beamc_element_info *info,
                                const void *value)
{
    tap *at = (tap *)self;

    if (BEAMC_UNLIKELY(beamc__samples_want(at->plan->options.samples, ++at->seen)))
        sample(at, value, NULL);
    beamc_error *error = at->to->process(at->to, info, value);
    if (BEAMC_UNLIKELY(error != NULL))
        sample_error(at, value, error);
    return error;
}

beamc_error *beamc__tap_insert(beamc__plan *plan, beamc__node *node)
{
    if (plan->options.samples == NULL || node->producer == NULL ||
        !beamc__excerpt_is_possible(node->type))
        return NULL;
    tap *made = beamc_arena_calloc(plan->arena, 1, sizeof(*made));
    if (made == NULL)
        return beamc_error_nomem();
    made->receiver.process = tap_process;
    made->plan = plan;
    made->node = node;
    made->to = node->receiver;
    node->receiver = &made->receiver;
    return NULL;
}
