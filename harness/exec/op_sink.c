/* SPDX-License-Identifier: Apache-2.0 */
/* beam:runner:sink:v1: encodes elements straight into the bundle's output. */
#include "harness/exec/port.h"

typedef struct {
    beamc__op op;
    const beamc_type *type; /* the port's */
    beamc__parts parts;     /* of it */
    bool has_head;
    beamc__output *output; /* of the bundle in work */
} sink;

static int encode(const sink *op, const beamc_element_info *info, const void *value,
                  beamc_buffer *to, size_t *head_size, size_t *key_size)
{
    const beamc__parts *parts = &op->parts;
    size_t start = to->size;
    int rc = op->has_head ? beamc__element_info_encode(info, to) : BEAMC_OK;

    if (BEAMC_UNLIKELY(rc < 0))
        return rc;
    *head_size = to->size - start;
    *key_size = 0;
    rc = beamc__encode_part(parts->key, value, true, to);
    if (parts->rest == NULL || BEAMC_UNLIKELY(rc < 0))
        return rc;
    *key_size = to->size - start - *head_size;
    return beamc__encode_part(parts->rest, (const char *)value + parts->rest_offset, true, to);
}

/* The same for a plain element: room for all of it is made once. */
static int encode_plain(const sink *op, const beamc_element_info *info, const void *value,
                        beamc_buffer *to, size_t *head_size, size_t *key_size)
{
    const beamc__parts *parts = &op->parts;
    const char *rest = (const char *)value + parts->rest_offset;
    uint8_t *start =
        beamc_buffer_reserve(to, (op->has_head ? beamc__element_info_bound(info) : 0) +
                                     beamc__plain_bound(parts->key, value) +
                                     (parts->rest ? beamc__plain_bound(parts->rest, rest) : 0));

    if (BEAMC_UNLIKELY(start == NULL))
        return BEAMC_ENOMEM;
    uint8_t *key = op->has_head ? beamc__element_info_put(start, info) : start;
    uint8_t *end = beamc__plain_put(key, parts->key, value);
    *head_size = (size_t)(key - start);
    *key_size = 0;
    if (parts->rest != NULL) {
        *key_size = (size_t)(end - key);
        end = beamc__plain_put(end, parts->rest, rest);
    }
    to->size = (size_t)(end - to->data);
    return BEAMC_OK;
}

static beamc_error *sink_process(beamc_receiver *self, const beamc_element_info *info,
                                 const void *value)
{
    sink *op = (sink *)self;
    beamc__output *output = op->output;
    size_t start = output->buffer.size;
    size_t head_size;
    size_t key_size;

    beamc__count_up(&op->op.count);
    BEAMC_TRY(beamc__op_look_up(&op->op));
    int rc = op->parts.is_plain
                 ? encode_plain(op, info, value, &output->buffer, &head_size, &key_size)
                 : encode(op, info, value, &output->buffer, &head_size, &key_size);
    if (BEAMC_UNLIKELY(rc < 0))
        return beamc__op_failed(&op->op, beamc_error_new((beamc_code)rc, "a value of %s: %s",
                                                         op->type->name, beamc_code_text(rc)));
    /* An element of no bytes would be lost among the others. */
    if (BEAMC_UNLIKELY(output->buffer.size == start)) {
        beamc_buffer_append_byte(&output->buffer, 0);
        if (beamc_buffer_failed(&output->buffer))
            return beamc__op_failed(&op->op, beamc_error_nomem());
    }
    if (BEAMC_LIKELY(output->buffer.size < output->due) &&
        BEAMC_LIKELY(__atomic_load_n(output->ticks, __ATOMIC_RELAXED) == output->tick))
        return NULL;
    return beamc__op_pass(&op->op, output->wrote(output, start, head_size, key_size));
}

static beamc_error *sink_start(beamc__op *head)
{
    sink *op = (sink *)head;
    const beamc__bundle *bundle = head->plan->bundle;

    for (size_t i = 0; i < bundle->output_count; i++) {
        if (strcmp(bundle->outputs[i]->transform_id, head->id) == 0) {
            op->output = bundle->outputs[i];
            return NULL;
        }
    }
    return beamc_error_new(BEAMC_ENOENT, "the bundle has no output for it");
}

beamc_error *beamc__op_sink(beamc__op **out, const beamc__op_spec *spec)
{
    static const beamc__op_ops ops = { .start = sink_start };
    beamc__port port;

    if (spec->head.output_count != 0 || spec->head.input == NULL)
        return beamc_error_new(BEAMC_ECORRUPT, "a sink has one input and no outputs");
    BEAMC_TRY(beamc__port_read(&port, spec));
    if (!beamc_type_equal(port.value, spec->head.input->type))
        return beamc_error_new(BEAMC_ETYPE, "its port holds %s, its PCollection %s",
                               port.value->name, spec->head.input->type->name);
    sink *op = beamc__op_alloc(spec, sizeof(*op), &ops, sink_process);
    if (op == NULL)
        return beamc_error_nomem();
    *out = &op->op;
    op->type = port.value;
    op->parts = beamc__parts_of(op->type);
    op->has_head = port.constant == NULL;
    return NULL;
}
