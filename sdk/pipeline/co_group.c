/* SPDX-License-Identifier: Apache-2.0 */
/* CoGroupByKey: KVs of one key type joined by key.
 *
 *     CoGroupByKey ─┬─ Tag_emails   KV<K, V0> -> KV<K, KV<0, bytes of V0>> ─┐
 *                   ├─ Tag_phones   KV<K, V1> -> KV<K, KV<1, bytes of V1>> ─┴─ Flatten ─ GroupByKey
 *                   └─ Join         KV<K, Iterable<KV<i, bytes>>> -> KV<K, {emails, phones}>
 *
 * The iterables of the result are filters over the grouped one: nothing is gathered in memory, and
 * each can be walked again. */
#include "sdk/pipeline/graph.h"
#include "sdk/pipeline/key_fns.h"
#include "sdk/types/layout.h"
#include "sdk/windowing/window_fn.h"
#include <stdlib.h>

BEAMC_KV(tagged_value, int64, bytes)

/* ---- tagging ---------------------------------------------------------------------------------- */

static beamc_error *tag_value(beamc_context *ctx, const void *element)
{
    const int64_t *tag = (const int64_t *)beamc_config(ctx);
    beamc_buffer *bytes = beamc_instance(ctx);
    const beamc_type *in = beamc__bare(ctx->input);
    const beamc_type *out = beamc__bare(ctx->output_types[0]);
    char *value = beamc_alloc(ctx, out->size);

    if (value == NULL)
        return beamc_error_nomem();
    beamc_buffer_clear(bytes);
    int rc = beamc_encode(in->fields[1].type, (const char *)element + beamc_kv_value_offset(in),
                          false, bytes);
    if (rc < 0)
        return beamc_error_new((beamc_code)rc, "value to join: %s", beamc_code_text(rc));
    tagged_value tagged = { *tag, { bytes->data, bytes->size } };
    memcpy(value, element, in->fields[0].type->size);
    memcpy(value + beamc_kv_value_offset(out), &tagged, sizeof(tagged));
    return beamc_emit_value(ctx, 0, value);
}

static void free_tag(beamc_context *ctx)
{
    beamc_buffer_dispose(beamc_instance(ctx));
}

static beamc_error *tagged_type(const beamc_dofn *dofn BEAMC_UNUSED, const beamc_type *input,
                                const void *config BEAMC_UNUSED, beamc_arena *arena,
                                beamc_dofn_types *out)
{
    BEAMC_TRY(beamc__need_kv(input));
    return beamc__tell(out, beamc_type_kv(arena, beamc__bare(input)->fields[0].type,
                                          &beamc_type_tagged_value));
}

static const beamc_dofn tag_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc.tag_value" },
    .process = tag_value,
    .teardown = free_tag,
    .config = &beamc_type_int64,
    .instance_size = sizeof(beamc_buffer),
    .infer = tagged_type,
};
BEAMC_REGISTER(tag_fn)

/* ---- joined iterables ------------------------------------------------------------------------- */

/* A walk over a joined iterable. */
typedef struct walker {
    struct walker *next_free;
    struct walker *next_made;
    beamc_iterator inner;
    bool open;          /* inner is not finished */
    beamc_arena *arena; /* of the value given last */
} walker;

/* The instance: walkers are used again. */
typedef struct {
    walker *free;
    walker *made;
} walker_pool;

/* The source of a joined iterable, in the element's arena. */
typedef struct {
    beamc_iterable grouped;
    int64_t tag;
    walker_pool *pool;
} joined_source;

static walker *take_walker(walker_pool *pool)
{
    walker *taken = pool->free;

    if (taken != NULL) {
        pool->free = taken->next_free;
        return taken;
    }
    taken = calloc(1, sizeof(*taken));
    if (taken == NULL)
        return NULL;
    taken->arena = beamc_arena_new();
    if (taken->arena == NULL) {
        free(taken);
        return NULL;
    }
    taken->next_made = pool->made;
    pool->made = taken;
    return taken;
}

static walker *walker_of(const beamc_iterator *iterator)
{
    return (walker *)iterator->state[0];
}

static void joined_start(const beamc_iterable *iterable, beamc_iterator *iterator)
{
    const joined_source *source = (const joined_source *)iterable->source;
    walker *walk = take_walker(source->pool);

    iterator->state[0] = (uintptr_t)walk;
    if (walk == NULL)
        return; /* next tells */
    beamc_iterate(&walk->inner, &source->grouped);
    walk->open = true;
}

static bool joined_next(beamc_iterator *iterator, void *value)
{
    const joined_source *source = (const joined_source *)iterator->iterable->source;
    walker *walk = walker_of(iterator);
    tagged_value tagged;

    if (walk == NULL) {
        iterator->error = beamc_error_nomem();
        return false;
    }
    if (!walk->open)
        return false;
    while (beamc_next(&walk->inner, &tagged)) {
        if (tagged.key != source->tag)
            continue;
        beamc_reader in = beamc_reader_of(tagged.value.data, tagged.value.size);
        beamc_arena_reset(walk->arena);
        int rc = beamc_decode(iterator->iterable->element, value, false, &in, walk->arena);
        if (rc == BEAMC_OK)
            return true;
        iterator->error =
            beamc_error_new((beamc_code)rc, "joined value: %s", beamc_code_text(rc));
        return false;
    }
    walk->open = false;
    iterator->error = beamc_iterator_finish(&walk->inner);
    return false;
}

static void joined_end(beamc_iterator *iterator)
{
    const joined_source *source = (const joined_source *)iterator->iterable->source;
    walker *walk = walker_of(iterator);

    if (walk == NULL)
        return;
    if (walk->open)
        beamc_error_free(beamc_iterator_finish(&walk->inner)); /* the walk ends before its end */
    walk->open = false;
    walk->next_free = source->pool->free;
    source->pool->free = walk;
    iterator->state[0] = 0;
}

static const beamc_iterable_ops joined_ops = { joined_start, joined_next, NULL, joined_end };

/* ---- joining ---------------------------------------------------------------------------------- */

static beamc_error *join(beamc_context *ctx, const void *element)
{
    const beamc_type *in = beamc__bare(ctx->input);
    const beamc_type *out = beamc__bare(ctx->output_types[0]);
    const beamc_type *row = beamc__bare(out->fields[1].type);
    char *value = beamc_alloc(ctx, out->size);
    joined_source *sources = beamc_alloc(ctx, row->field_count * sizeof(*sources));
    size_t at = 0;

    if (value == NULL || sources == NULL)
        return beamc_error_nomem();
    memcpy(value, element, in->fields[0].type->size);
    char *joined = value + beamc_kv_value_offset(out);
    for (size_t i = 0; i < row->field_count; i++) {
        const beamc_type *field = row->fields[i].type;
        beamc_iterable iterable = { &joined_ops, field->fields[0].type, &sources[i], 0 };
        memcpy(&sources[i].grouped, (const char *)element + beamc_kv_value_offset(in),
               sizeof(sources[i].grouped));
        sources[i].tag = (int64_t)i;
        sources[i].pool = beamc_instance(ctx);
        memcpy(joined + beamc__next_offset(field, &at), &iterable, sizeof(iterable));
    }
    return beamc_emit_value(ctx, 0, value);
}

/* The row is the program's: each of its fields is an iterable of what was tagged with its number. */
static bool is_joined(const beamc_type *in, const beamc_type *out)
{
    if (in->kind != BEAMC_KIND_KV || out->kind != BEAMC_KIND_KV ||
        !beamc_type_equal(in->fields[0].type, out->fields[0].type))
        return false;
    const beamc_type *tagged = beamc__element_of(in->fields[1].type);
    const beamc_type *row = beamc__bare(out->fields[1].type);
    bool fits = tagged != NULL && beamc_type_equal(tagged, &beamc_type_tagged_value) &&
                row->kind == BEAMC_KIND_ROW;
    for (size_t i = 0; fits && i < row->field_count; i++)
        fits = row->fields[i].type->kind == BEAMC_KIND_ITERABLE;
    return fits;
}

static beamc_error *set_up_join(beamc_context *ctx)
{
    const beamc_type *out = ctx->output_types[0];

    return is_joined(beamc__bare(ctx->input), beamc__bare(out))
               ? NULL
               : beamc_error_new(BEAMC_ETYPE, "joins no %s into %s", ctx->input->name, out->name);
}

static void free_join(beamc_context *ctx)
{
    walker_pool *pool = beamc_instance(ctx);

    while (pool->made != NULL) {
        walker *walk = pool->made;
        pool->made = walk->next_made;
        beamc_arena_free(walk->arena);
        free(walk);
    }
}

static const beamc_dofn join_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc.join" },
    .process = join,
    .setup = set_up_join,
    .teardown = free_join,
    .instance_size = sizeof(walker_pool),
};
BEAMC_REGISTER(join_fn)

/* ---- the transform ---------------------------------------------------------------------------- */

static beamc_error *check_field(const beamc_pipeline *pipeline, const char *name,
                                const beamc_field *field, const beamc__collection *from)
{
    const beamc_type *value = from->type->fields[1].type;

    if (field->type->kind != BEAMC_KIND_ITERABLE)
        return beamc_error_new(BEAMC_ETYPE, "transform %s: field %s is %s instead of an iterable",
                               name, field->name, field->type->name);
    if (!beamc_type_equal(field->type->fields[0].type, value))
        return beamc_error_new(BEAMC_ETYPE, "transform %s: field %s is %s, but %s gives %s", name,
                               field->name, field->type->name, beamc__producer_name(pipeline, from),
                               from->type->name);
    return NULL;
}

static beamc_error *check_input(const beamc_pipeline *pipeline, const char *name,
                                const beamc__collection *first, const beamc__collection *from)
{
    const beamc_type *key = first->type->fields[0].type;

    if (!beamc_type_equal(from->type->fields[0].type, key))
        return beamc_error_new(BEAMC_ETYPE, "transform %s: keys are %s, but %s gives %s", name,
                               key->name, beamc__producer_name(pipeline, from), from->type->name);
    if (!beamc__windowing_equal(&first->windowing, &from->windowing))
        return beamc_error_new(BEAMC_EINVAL, "transform %s: %s and %s are windowed differently",
                               name, beamc__producer_name(pipeline, first),
                               beamc__producer_name(pipeline, from));
    return NULL;
}

static bool check_all(beamc_location at, beamc_pipeline *pipeline, const char *name,
                      const beamc_pcollection *in, size_t count, const beamc_type *joined)
{
    const beamc__collection *first = NULL;

    for (size_t i = 0; i < count; i++) {
        const beamc__collection *from = beamc__collection_of(pipeline, at, in[i], name);
        if (from == NULL || !beamc__require_keyed(pipeline, at, name, from))
            return false;
        if (first == NULL)
            first = from;
        beamc_error *err = check_input(pipeline, name, first, from);
        if (err == NULL)
            err = check_field(pipeline, name, &joined->fields[i], from);
        if (err != NULL) {
            beamc_pipeline_fail(pipeline, at, err);
            return false;
        }
    }
    return true;
}

static beamc_pcollection add_tag(beamc_location at, beamc_pcollection in, const char *field,
                                 int64_t index)
{
    beamc_pipeline *pipeline = in.pipeline;
    const beamc_type *kv = beamc_pcollection_type(in);
    const beamc_type *tagged = beamc__type_made(
        pipeline,
        beamc_type_kv(pipeline->arena, kv->fields[0].type, &beamc_type_tagged_value));
    beamc_par_do_options options = { .config = &index };
    beamc__par_do_spec spec = { .name = beamc_arena_printf(pipeline->arena, "Tag_%s", field),
                                .dofn = &tag_fn,
                                .options = &options,
                                .output = tagged };
    return beamc__par_do_add(at, in, &spec);
}

static beamc_pcollection add_join(beamc_location at, beamc_pipeline *pipeline,
                                  const beamc_pcollection *in, size_t count,
                                  const beamc_type *joined)
{
    const beamc_type *key = beamc_pcollection_type(in[0])->fields[0].type;
    beamc_pcollection *tagged = beamc_arena_calloc(pipeline->arena, count, sizeof(*tagged));
    const beamc_type *type =
        beamc__type_made(pipeline, beamc_type_kv(pipeline->arena, key, joined));

    if (tagged == NULL || type == NULL)
        return beamc__fail_with(pipeline, at, beamc_error_nomem());
    for (size_t i = 0; i < count; i++)
        tagged[i] = add_tag(at, in[i], joined->fields[i].name, (int64_t)i);
    beamc_pcollection out = beamc_flatten_at(at, pipeline, tagged, count, NULL);
    if (!beamc__pipeline_is_good(pipeline))
        return beamc__no_collection(pipeline);
    beamc__par_do_spec spec = { .name = "Join", .dofn = &join_fn, .output = type };
    return beamc__par_do_add(at, beamc__group_by_key_add(at, out), &spec);
}

beamc_pcollection beamc_co_group_by_key_at(beamc_location at, const beamc_pcollection *in,
                                           size_t count, const beamc_type *joined)
{
    beamc_pipeline *pipeline = in == NULL || count == 0 ? NULL : in[0].pipeline;

    if (!beamc__pipeline_is_good(pipeline))
        return beamc__no_collection(pipeline);
    const char *name = beamc__next_name(pipeline, "CoGroupByKey");
    if (joined == NULL || joined->kind != BEAMC_KIND_ROW || joined->field_count != count)
        return beamc__fail(pipeline, at, BEAMC_ETYPE,
                           "transform %s joins %zu inputs: %s is no row of so many iterables", name,
                           count, joined == NULL ? "NULL" : joined->name);
    if (!check_all(at, pipeline, name, in, count, joined))
        return beamc__no_collection(pipeline);
    beamc__transform *composite = beamc__composite_enter(pipeline, at, name, NULL);
    if (composite == NULL)
        return beamc__no_collection(pipeline);
    return beamc__composite_leave(pipeline, composite,
                                  add_join(at, pipeline, in, count, joined));
}
