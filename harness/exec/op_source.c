/* SPDX-License-Identifier: Apache-2.0 */
/* beam:runner:source:v1: decodes the bundle's input and drives the plan. */
#include "harness/exec/op.h"

#include "harness/exec/data_channel.h"
#include "harness/exec/port.h"
#include <inttypes.h>
#include <stdlib.h>

/* How often a long bundle looks up: whether it is cancelled, to tell how far it is. */
#define LOOK_UP_EVERY 1024

typedef struct source source;

/* What the iterable of a group needs. */
typedef struct {
    const beamc__group *group;
    const beamc_type *element;
    const beamc__state_fetch *fetch;
    bool needs_arena;
} group_values;

struct source {
    beamc__op op;
    const beamc_type *coder;  /* of elements: the port's, with the length prefixes it has */
    const beamc_type *type;   /* the same, bare */
    beamc__parts parts;       /* of coder */
    bool is_plain;            /* they are, and heads are usual ones */
    const beamc_type *window; /* NULL: the port's head is constant */
    beamc_element_info constant;
    void *value; /* one element */
    beamc_arena *arena; /* of the element in work */
    group_values values;
    beamc__data_channel channel;
    bool has_channel;  /* it was initialized */
    uint64_t told;     /* of the elements: those that whoever watches was told of */
};

bool beamc__op_is_source(const beamc__op *op)
{
    return op->input == NULL && op->receiver.process == NULL;
}

/* ---- the values of a group as an iterable ------------------------------------------------------ */

enum { CURSOR = 0, ARENA = 4 }; /* in beamc_iterator.state */

static void group_start(const beamc_iterable *iterable, beamc_iterator *iterator)
{
    const group_values *values = iterable->source;

    values->group->ops->start(values->group, &iterator->state[CURSOR]);
    if (values->needs_arena) {
        beamc_arena *arena = beamc_arena_new();
        iterator->state[ARENA] = (uintptr_t)arena;
        if (arena == NULL)
            iterator->error = beamc_error_nomem();
    }
}

static bool group_next(beamc_iterator *iterator, void *value)
{
    const group_values *values = iterator->iterable->source;
    beamc_arena *arena = (beamc_arena *)iterator->state[ARENA];
    beamc_bytes bytes;

    if (BEAMC_UNLIKELY(iterator->error != NULL))
        return false;
    iterator->error = values->group->ops->next(values->group, &iterator->state[CURSOR], &bytes);
    if (BEAMC_UNLIKELY(iterator->error != NULL) || bytes.data == NULL)
        return false;
    if (arena != NULL)
        beamc__arena_rewind_all(arena);
    beamc_reader in = beamc_reader_of(bytes.data, bytes.size);
    beamc__decode_context context = { arena, values->fetch };
    int rc = beamc__decode(values->element, value, true, &in, &context);
    if (BEAMC_UNLIKELY(rc < 0)) {
        iterator->error = beamc_error_new((beamc_code)rc, "a grouped value of %s: %s",
                                          values->element->name, beamc_code_text(rc));
        return false;
    }
    return true;
}

static int64_t group_count(const beamc_iterable *iterable)
{
    const group_values *values = iterable->source;
    return values->group->count;
}

static void group_end(beamc_iterator *iterator)
{
    const group_values *values = iterator->iterable->source;

    if (values->group->ops->end != NULL)
        values->group->ops->end(values->group, &iterator->state[CURSOR]);
    beamc_arena_free((beamc_arena *)iterator->state[ARENA]);
}

static const beamc_iterable_ops group_iterable_ops = { group_start, group_next, group_count,
                                                       group_end };

/* ---- driving ---------------------------------------------------------------------------------- */

/* Now and then: tells how far it is, sees whether it is to go on, and has an element measured. */
static beamc_error *look_up(source *op)
{
    const beamc__bundle *bundle = op->op.plan->bundle;

    if (bundle->elements_read != NULL)
        __atomic_fetch_add(bundle->elements_read, (int64_t)(op->op.count - op->told),
                           __ATOMIC_RELAXED);
    op->told = op->op.count;
    if (bundle->cancel != NULL && __atomic_load_n(bundle->cancel, __ATOMIC_RELAXED) != 0)
        return beamc_error_new(BEAMC_ECANCELLED, "cancelled");
    beamc__gauges_place(op->op.plan->gauges);
    return NULL;
}

static beamc_error *malformed(const source *op, int rc, const char *what)
{
    return beamc_error_new((beamc_code)rc, "%s of %s: %s", what, op->type->name,
                           beamc_code_text(rc));
}

/* Takes the next element; false in *taken: it is not this bundle's any more, nor are those behind. */
static inline beamc_error *take(source *op, bool *taken)
{
    *taken = beamc__data_channel_take(&op->channel);
    if (BEAMC_UNLIKELY(!*taken)) {
        BEAMC_TRY(look_up(op));
        *taken = beamc__data_channel_ask(&op->channel, LOOK_UP_EVERY);
    }
    if (*taken)
        beamc__count_up(&op->op.count);
    return NULL;
}

/* Most elements: a usual head, if any, and a plain value.  Answers where it ends; NULL: it is another. */
static inline const uint8_t *get_plain(const source *op, beamc_element_info *info,
                                       const uint8_t *at, const uint8_t *end)
{
    const beamc__parts *parts = &op->parts;

    if (!op->is_plain)
        return NULL;
    if (op->window != NULL)
        at = beamc__element_info_get(info, at, end);
    if (BEAMC_LIKELY(at != NULL))
        at = beamc__plain_get(parts->key, op->value, at, end);
    if (parts->rest == NULL || BEAMC_UNLIKELY(at == NULL))
        return at;
    return beamc__plain_get(parts->rest, (char *)op->value + parts->rest_offset, at, end);
}

static beamc_error *decode(source *op, beamc_element_info *info, beamc_reader *in)
{
    beamc__decode_context context = { op->arena, &op->op.plan->token_fetch };
    int rc = BEAMC_OK;

    if (op->window != NULL)
        rc = beamc__element_info_decode(info, op->window, in, &context);
    if (BEAMC_UNLIKELY(rc < 0))
        return beamc__op_failed(&op->op, malformed(op, rc, "timestamp and windows"));
    const uint8_t *start = in->at;
    rc = beamc__decode(op->coder, op->value, true, in, &context);
    if (BEAMC_UNLIKELY(rc < 0))
        return beamc__op_failed(&op->op, malformed(op, rc, "a value"));
    /* A port without heads writes one byte for a value that has none. */
    if (BEAMC_UNLIKELY(op->window == NULL && in->at == start))
        in->at++;
    return NULL;
}

/* Decodes and passes on all elements of @chunk. */
static beamc_error *run_chunk(source *op, beamc_bytes chunk, bool *taken)
{
    const beamc__node *output = op->op.outputs[0];
    beamc_element_info info = op->constant;
    const uint8_t *end = chunk.data + chunk.size;

    for (const uint8_t *at = chunk.data; at < end;) {
        BEAMC_TRY(take(op, taken));
        if (BEAMC_UNLIKELY(!*taken))
            return NULL;
        const uint8_t *next = get_plain(op, &info, at, end);
        if (next == NULL) {
            beamc_reader in = { at, end };
            BEAMC_TRY(decode(op, &info, &in));
            next = in.at;
        }
        at = next;
        /* In no window it is nowhere. */
        if (BEAMC_LIKELY(info.window_count > 0))
            BEAMC_TRY(output->receiver->process(output->receiver, &info, op->value));
        beamc__arena_rewind_all(op->arena);
    }
    return NULL;
}

static beamc_error *run_group(source *op, const beamc__group *group)
{
    const beamc_type *kv = op->type;
    beamc__decode_context context = { op->arena, &op->op.plan->token_fetch };
    beamc_reader in = beamc_reader_of(group->key.data, group->key.size);

    int rc = beamc__decode(kv->fields[0].type, op->value, true, &in, &context);
    if (BEAMC_UNLIKELY(rc < 0))
        return beamc__op_failed(&op->op, malformed(op, rc, "the key"));
    op->values.group = group;
    beamc_iterable values = { &group_iterable_ops, op->values.element, &op->values, 0 };
    memcpy((char *)op->value + beamc_kv_value_offset(kv), &values, sizeof(values));
    BEAMC_TRY(beamc__op_emit(&op->op, 0, &group->info, op->value));
    beamc__arena_rewind_all(op->arena);
    return NULL;
}

static bool gives_groups(const source *op)
{
    if (op->coder->kind != BEAMC_KIND_KV)
        return false;
    beamc_kind kind = op->type->fields[1].type->kind;
    return kind == BEAMC_KIND_ITERABLE || kind == BEAMC_KIND_STATE_BACKED_ITERABLE;
}

/* What was split off comes all the same, and is dropped. */
static beamc_error *run_chunks(source *op, beamc__input *input)
{
    bool taken = true;

    for (;;) {
        beamc_bytes chunk;
        BEAMC_TRY(beamc__op_pass(&op->op, input->next_chunk(input, &chunk)));
        if (chunk.size == 0)
            return NULL;
        if (taken)
            BEAMC_TRY(run_chunk(op, chunk, &taken));
    }
}

static beamc_error *run_groups(source *op, beamc__input *input)
{
    if (!gives_groups(op))
        return beamc_error_new(BEAMC_ETYPE, "transform %s: its elements are %s, not groups",
                               op->op.name, op->type->name);
    for (;;) {
        beamc__group group;
        bool got = false;
        BEAMC_TRY(beamc__op_pass(&op->op, input->next_group(input, &group, &got)));
        if (got)
            BEAMC_TRY(take(op, &got));
        if (!got)
            return NULL;
        BEAMC_TRY(run_group(op, &group));
    }
}

beamc_error *beamc__source_run(beamc__op *head)
{
    source *op = (source *)head;
    const beamc__bundle *bundle = head->plan->bundle;

    beamc__plan_enter(head->plan, head);
    for (size_t i = 0; i < bundle->input_count; i++) {
        if (strcmp(bundle->inputs[i]->transform_id, head->id) != 0)
            continue;
        op->told = 0;
        beamc_error *error = bundle->inputs[i]->next_chunk != NULL
                                 ? run_chunks(op, bundle->inputs[i])
                                 : run_groups(op, bundle->inputs[i]);
        beamc_arena_reset(op->arena);
        beamc__data_channel_end(&op->channel);
        return error != NULL ? error : look_up(op);
    }
    return beamc_error_new(BEAMC_ENOENT, "transform %s: the bundle has no input for it",
                           head->name);
}

/* ---- making ----------------------------------------------------------------------------------- */

static void source_free(beamc__op *head)
{
    source *op = (source *)head;

    if (op->has_channel)
        beamc__data_channel_dispose(&op->channel);
    beamc_arena_free(op->arena);
}

beamc__data_channel *beamc__source_channel(beamc__op *head)
{
    return &((source *)head)->channel;
}

beamc_error *beamc__op_source(beamc__op **out, const beamc__op_spec *spec)
{
    static const beamc__op_ops ops = { .free = source_free };
    beamc__port port;

    if (spec->head.output_count != 1 || spec->head.input != NULL)
        return beamc_error_new(BEAMC_ECORRUPT, "a source has one output and no inputs");
    BEAMC_TRY(beamc__port_read(&port, spec));
    source *op = beamc__op_alloc(spec, sizeof(*op), &ops, NULL);
    if (op == NULL)
        return beamc_error_nomem();
    *out = &op->op;
    const beamc__node *node = op->op.outputs[0];
    if (!beamc_type_equal(port.value, node->type))
        return beamc_error_new(BEAMC_ETYPE, "its port holds %s, its PCollection %s",
                               port.value->name, node->type->name);
    op->coder = port.value;
    op->type = beamc__type_bare(port.value);
    op->window = port.constant == NULL ? port.window : NULL;
    op->parts = beamc__parts_of(op->coder);
    /* Heads are usual ones in the global window only. */
    op->is_plain = op->parts.is_plain &&
                   (op->window == NULL || op->window->kind == BEAMC_KIND_GLOBAL_WINDOW);
    if (port.constant != NULL)
        op->constant = port.constant->info;
    op->arena = beamc_arena_new();
    op->value = beamc_arena_calloc(spec->plan->arena, 1, op->type->size);
    op->has_channel = beamc__data_channel_init(&op->channel) == BEAMC_OK;
    if (op->value == NULL || op->arena == NULL || !op->has_channel)
        return beamc_error_nomem();
    if (gives_groups(op)) {
        op->values.element = op->type->fields[1].type->fields[0].type;
        op->values.fetch = &spec->plan->token_fetch;
        op->values.needs_arena = beamc__type_needs_arena(op->values.element);
    }
    return NULL;
}
