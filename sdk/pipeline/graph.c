/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline object: its transforms and collections, names, first error, composites. */
#include "sdk/pipeline/graph.h"
#include "sdk/pipeline/functions.h"
#include <stdlib.h>

/* ---- the pipeline ----------------------------------------------------------------------------- */

static bool set_up(beamc_pipeline *pipeline)
{
    pipeline->arena = beamc_arena_new();
    pipeline->names = beamc__table_new();
    if (pipeline->arena == NULL || pipeline->names == NULL)
        return false;
    pipeline->root = beamc_arena_calloc(pipeline->arena, 1, sizeof(*pipeline->root));
    if (pipeline->root == NULL)
        return false;
    pipeline->root->unique_name = "";
    pipeline->root->name = "";
    pipeline->current = pipeline->root;
    return true;
}

beamc_pipeline *beamc_pipeline_new(const beamc_function *const *functions, size_t count)
{
    beamc_pipeline *pipeline = calloc(1, sizeof(*pipeline));

    if (pipeline == NULL)
        return NULL;
    if (!set_up(pipeline)) {
        beamc_pipeline_free(pipeline);
        return NULL;
    }
    pipeline->functions = functions;
    pipeline->function_count = functions == NULL ? 0 : count;
    pipeline->error = beamc__functions_check(functions, pipeline->function_count);
    return pipeline;
}

void beamc_pipeline_free(beamc_pipeline *pipeline)
{
    if (pipeline == NULL)
        return;
    free(pipeline->collections);
    beamc__table_free(pipeline->names);
    beamc_arena_free(pipeline->arena);
    beamc_error_free(pipeline->error);
    free(pipeline);
}

beamc_arena *beamc_pipeline_arena(beamc_pipeline *pipeline)
{
    return pipeline->arena;
}

/* ---- errors ----------------------------------------------------------------------------------- */

const beamc_error *beamc_pipeline_error(const beamc_pipeline *pipeline)
{
    return pipeline->error;
}

void beamc_pipeline_fail(beamc_pipeline *pipeline, beamc_location at, beamc_error *take_error)
{
    if (take_error == NULL)
        return;
    if (pipeline == NULL || pipeline->error != NULL) {
        beamc_error_free(take_error); /* only the first is kept */
        return;
    }
    if (at.file != NULL)
        take_error = beamc_error_wrap(take_error, "%s:%d", at.file, at.line);
    pipeline->error = take_error;
}

beamc_pcollection beamc__fail_with(beamc_pipeline *pipeline, beamc_location at,
                                   beamc_error *take_error)
{
    beamc_pipeline_fail(pipeline, at, take_error);
    return beamc__no_collection(pipeline);
}

beamc_pcollection beamc__fail(beamc_pipeline *pipeline, beamc_location at, beamc_code code,
                              const char *format, ...)
{
    va_list args;

    va_start(args, format);
    beamc_error *err = beamc_error_vnew(code, format, args);
    va_end(args);
    return beamc__fail_with(pipeline, at, err);
}

static beamc_pcollection fail_nomem(beamc_pipeline *pipeline, beamc_location at)
{
    return beamc__fail_with(pipeline, at, beamc_error_nomem());
}

bool beamc__pipeline_is_good(const beamc_pipeline *pipeline)
{
    return pipeline != NULL && pipeline->error == NULL;
}

static beamc_error *copy_error(const beamc_error *error)
{
    if (beamc_error_code(error) == BEAMC_ENOMEM)
        return beamc_error_nomem();
    size_t size = beamc_error_print(error, NULL, 0) + 1;
    char *text = malloc(size);
    if (text == NULL)
        return beamc_error_nomem();
    beamc_error_print(error, text, size);
    beamc_error *copy = beamc_error_new(beamc_error_code(error), "%s", text);
    free(text);
    return copy;
}

beamc_error *beamc__pipeline_check(const beamc_pipeline *pipeline)
{
    const beamc__transform *open = pipeline->current;

    if (pipeline->error != NULL)
        return copy_error(pipeline->error);
    if (open == pipeline->root)
        return NULL;
    return beamc_error_wrap(beamc_error_new(BEAMC_EINVAL, "composite %s is entered here but never left",
                                            open->unique_name),
                            "%s:%d", open->at.file, open->at.line);
}

/* ---- collections ------------------------------------------------------------------------------ */

beamc__collection *beamc__collection_of(beamc_pipeline *pipeline, beamc_location at,
                                        beamc_pcollection handle, const char *who)
{
    if (!beamc__pipeline_is_good(pipeline))
        return NULL;
    if (handle.pipeline != NULL && handle.pipeline != pipeline) {
        beamc__fail(pipeline, at, BEAMC_EINVAL,
                    "transform %s is given a PCollection of another pipeline", who);
        return NULL;
    }
    if (handle.pipeline == NULL || handle.id == 0 || handle.id > pipeline->collection_count) {
        beamc__fail(pipeline, at, BEAMC_EINVAL, "transform %s is given no PCollection", who);
        return NULL;
    }
    return pipeline->collections[handle.id - 1];
}

static const beamc__collection *look_up(beamc_pcollection in)
{
    if (in.pipeline == NULL || in.id == 0 || in.id > in.pipeline->collection_count)
        return NULL;
    return in.pipeline->collections[in.id - 1];
}

const beamc_type *beamc_pcollection_type(beamc_pcollection in)
{
    const beamc__collection *collection = look_up(in);
    return collection == NULL ? NULL : collection->type;
}

beamc_windowing beamc_pcollection_windowing(beamc_pcollection in)
{
    const beamc__collection *collection = look_up(in);
    return collection == NULL ? beamc_global_windows() : collection->windowing;
}

static bool is_within(const beamc__transform *inner, const beamc__transform *outer)
{
    for (; inner != NULL; inner = inner->parent)
        if (inner == outer)
            return true;
    return false;
}

const char *beamc__producer_name(const beamc_pipeline *pipeline,
                                 const beamc__collection *collection)
{
    const beamc__transform *producer = collection->producer;

    while (!is_within(pipeline->current, producer->parent))
        producer = producer->parent;
    return producer->name;
}

static bool make_room(beamc_pipeline *pipeline)
{
    if (pipeline->collection_count < pipeline->collection_room)
        return true;
    size_t room = pipeline->collection_room == 0 ? 16 : 2 * pipeline->collection_room;
    if (room >= UINT32_MAX)
        return false;
    beamc__collection **grown = realloc(pipeline->collections, room * sizeof(*grown));
    if (grown == NULL)
        return false;
    pipeline->collections = grown;
    pipeline->collection_room = room;
    return true;
}

beamc__collection *beamc__output_add(beamc_pipeline *pipeline, beamc__transform *transform,
                                     size_t output, const char *tag, const beamc_type *type,
                                     const beamc_windowing *windowing)
{
    beamc__collection *collection = beamc_arena_calloc(pipeline->arena, 1, sizeof(*collection));

    if (collection == NULL || type == NULL || !make_room(pipeline)) {
        fail_nomem(pipeline, transform->at);
        return NULL;
    }
    pipeline->collections[pipeline->collection_count++] = collection;
    collection->id = (uint32_t)pipeline->collection_count;
    collection->type = type;
    collection->windowing = *windowing;
    collection->producer = transform;
    collection->output = output;
    transform->outputs[output].tag = tag;
    transform->outputs[output].collection = collection;
    return collection;
}

/* ---- text ------------------------------------------------------------------------------------- */

/* The size of the UTF-8 sequence at @at, 0 if it is none: too short, too long a form, a surrogate or
 * beyond Unicode. */
static size_t sequence_size(const uint8_t *at, size_t left)
{
    const uint8_t first = at[0];
    size_t size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    if (size == 0 || size > left || first > 0xf4)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if ((first == 0xe0 && at[1] < 0xa0) || (first == 0xed && at[1] > 0x9f) ||
        (first == 0xf0 && at[1] < 0x90) || (first == 0xf4 && at[1] > 0x8f))
        return 0;
    return size;
}

const char *beamc__text_copy(beamc_arena *arena, const char *text, size_t size)
{
    char *copy = beamc_arena_strndup(arena, text, size);
    size_t step;

    if (copy == NULL)
        return NULL;
    for (size_t at = 0; at < size && copy[at] != '\0'; at += step) {
        step = sequence_size((const uint8_t *)copy + at, size - at);
        if (step == 0) {
            copy[at] = '?';
            step = 1;
        }
    }
    return copy;
}

/* ---- names ------------------------------------------------------------------------------------ */

beamc_pipeline *beamc_named_root(beamc_pipeline *pipeline, const char *name)
{
    beamc_location nowhere = { NULL, 0 };

    if (!beamc__pipeline_is_good(pipeline))
        return pipeline;
    if (name == NULL || name[0] == '\0') {
        beamc__fail(pipeline, nowhere, BEAMC_EINVAL, "beamc_named is given no name");
        return pipeline;
    }
    pipeline->next_name = beamc__text_copy(pipeline->arena, name, strlen(name));
    if (pipeline->next_name == NULL)
        fail_nomem(pipeline, nowhere);
    return pipeline;
}

beamc_pcollection beamc_named(beamc_pcollection in, const char *name)
{
    beamc_named_root(in.pipeline, name);
    return in;
}

const char *beamc__next_name(const beamc_pipeline *pipeline, const char *name)
{
    return pipeline->next_name != NULL ? pipeline->next_name : name;
}

/* Sets the names of @transform, the first "_2", "_3" ... that is free behind it. */
static bool take_name(beamc_pipeline *pipeline, beamc__transform *transform, const char *name)
{
    beamc_arena *arena = pipeline->arena;
    const char *path = pipeline->current->unique_name;
    const char *slash = path[0] == '\0' ? "" : "/";
    const char *text = beamc__text_copy(arena, name, strlen(name));
    const char *unique =
        text == NULL ? NULL : beamc_arena_printf(arena, "%s%s%s", path, slash, text);

    if (unique == NULL)
        return false;
    uint32_t *last = beamc__table_gets(pipeline->names, unique);
    const char *own = unique;
    while (last != NULL && beamc__table_gets(pipeline->names, own) != NULL) {
        own = beamc_arena_printf(arena, "%s_%u", unique, ++*last);
        if (own == NULL)
            return false;
    }
    uint32_t *counter = beamc_arena_alloc(arena, sizeof(*counter));
    if (counter == NULL)
        return false;
    *counter = 1;
    if (beamc__table_puts(pipeline->names, own, counter) < 0)
        return false;
    transform->unique_name = own;
    transform->name = own + strlen(path) + strlen(slash);
    return true;
}

/* ---- transforms ------------------------------------------------------------------------------- */

static void append_child(beamc__transform *parent, beamc__transform *child)
{
    child->parent = parent;
    if (parent->last_child == NULL)
        parent->first_child = child;
    else
        parent->last_child->next = child;
    parent->last_child = child;
}

beamc__transform *beamc__transform_add(beamc_pipeline *pipeline, beamc_location at,
                                       beamc__transform_kind kind, const char *name)
{
    beamc__transform *transform = beamc_arena_calloc(pipeline->arena, 1, sizeof(*transform));
    const char *file =
        at.file == NULL ? "" : beamc__text_copy(pipeline->arena, at.file, strlen(at.file));
    const char *taken = beamc__next_name(pipeline, name);

    pipeline->next_name = NULL;
    if (transform == NULL || file == NULL || !take_name(pipeline, transform, taken)) {
        fail_nomem(pipeline, at);
        return NULL;
    }
    transform->kind = kind;
    transform->id = ++pipeline->transform_count;
    transform->at = beamc_location_of(file, at.line);
    transform->display.end = &transform->display.first;
    append_child(pipeline->current, transform);
    return transform;
}

bool beamc__transform_ports(beamc_pipeline *pipeline, beamc__transform *transform, size_t inputs,
                            size_t outputs)
{
    transform->inputs = beamc_arena_calloc(pipeline->arena, inputs, sizeof(*transform->inputs));
    transform->outputs = beamc_arena_calloc(pipeline->arena, outputs, sizeof(*transform->outputs));
    if (transform->inputs == NULL || transform->outputs == NULL) {
        fail_nomem(pipeline, transform->at);
        return false;
    }
    transform->input_count = inputs;
    transform->output_count = outputs;
    return true;
}

/* ---- composites ------------------------------------------------------------------------------- */

beamc__transform *beamc__composite_enter(beamc_pipeline *pipeline, beamc_location at,
                                         const char *name, const char *urn)
{
    beamc__transform *composite =
        beamc__transform_add(pipeline, at, BEAMC__TRANSFORM_COMPOSITE, name);

    if (composite == NULL)
        return NULL;
    composite->urn = urn;
    pipeline->current = composite;
    return composite;
}

static void leave(beamc_pipeline *pipeline)
{
    pipeline->current = pipeline->current->parent;
    pipeline->next_name = NULL; /* a name is for what comes next in the same place */
}

static bool keep_output(beamc_pipeline *pipeline, beamc__transform *composite,
                        beamc__collection *collection, size_t index)
{
    const char *tag = index == 0 ? "output"
                                 : beamc_arena_printf(pipeline->arena, "output_%zu", index + 1);
    if (tag == NULL)
        return false;
    composite->outputs[index].tag = tag;
    composite->outputs[index].collection = collection;
    return true;
}

beamc_pcollection beamc__composite_leave(beamc_pipeline *pipeline, beamc__transform *composite,
                                         beamc_pcollection out)
{
    beamc__collection *collection =
        beamc__collection_of(pipeline, composite->at, out, composite->name);

    if (collection == NULL || !beamc__transform_ports(pipeline, composite, 0, 1))
        return beamc__no_collection(pipeline);
    keep_output(pipeline, composite, collection, 0);
    leave(pipeline);
    return out;
}

static bool copy_options(beamc_pipeline *pipeline, beamc__transform *composite,
                         const beamc_composite_options *options)
{
    beamc_arena *arena = pipeline->arena;

    if (options->urn != NULL)
        composite->urn = beamc_arena_strdup(arena, options->urn);
    if (options->payload != NULL) {
        composite->payload.data =
            beamc_arena_memdup(arena, options->payload, options->payload_size);
        composite->payload.size = options->payload_size;
    }
    composite->hints.min_ram_bytes = options->min_ram_bytes;
    composite->hints.cpu_count = options->cpu_count;
    if (options->accelerator != NULL)
        composite->hints.accelerator = beamc_arena_strdup(arena, options->accelerator);
    if (options->display != NULL) {
        beamc_display display = { arena, &composite->display };
        options->display(options->config, &display);
    }
    return !beamc_arena_failed(arena);
}

void beamc_enter_at(beamc_location at, beamc_pipeline *pipeline, const char *name,
                    const beamc_composite_options *options)
{
    if (!beamc__pipeline_is_good(pipeline))
        return;
    if (name == NULL || name[0] == '\0') {
        beamc__fail(pipeline, at, BEAMC_EINVAL, "a composite has no name");
        return;
    }
    if (options != NULL && options->payload != NULL && options->urn == NULL) {
        beamc__fail(pipeline, at, BEAMC_EINVAL, "composite %s has a payload but no URN", name);
        return;
    }
    beamc__transform *composite = beamc__composite_enter(pipeline, at, name, NULL);
    if (composite != NULL && options != NULL && !copy_options(pipeline, composite, options))
        fail_nomem(pipeline, at);
}

void beamc_leave_at(beamc_location at, beamc_pipeline *pipeline, const beamc_pcollection *out,
                    size_t count)
{
    if (!beamc__pipeline_is_good(pipeline))
        return;
    beamc__transform *composite = pipeline->current;
    if (composite == pipeline->root) {
        beamc__fail(pipeline, at, BEAMC_EINVAL, "beamc_leave without an open composite");
        return;
    }
    if (count > 0 && out == NULL) {
        beamc__fail(pipeline, at, BEAMC_EINVAL, "composite %s: %zu outputs at NULL",
                    composite->name, count);
        return;
    }
    if (!beamc__transform_ports(pipeline, composite, 0, count))
        return;
    for (size_t i = 0; i < count; i++) {
        beamc__collection *collection =
            beamc__collection_of(pipeline, at, out[i], composite->name);
        if (collection == NULL)
            return;
        if (!keep_output(pipeline, composite, collection, i)) {
            fail_nomem(pipeline, at);
            return;
        }
    }
    leave(pipeline);
}

/* ---- what transforms share -------------------------------------------------------------------- */

beamc_error *beamc__function_require(const beamc_pipeline *pipeline,
                                     const beamc_function *function, beamc_function_kind kind)
{
    const char *macro = kind == BEAMC_FUNCTION_COMBINE ? "BEAMC_COMBINE" : "BEAMC_DOFN";

    if (function == NULL)
        return beamc_error_new(BEAMC_EINVAL, "a transform is given no %s",
                               beamc__function_kind_name(kind));
    if (function->name == NULL || function->kind != kind)
        return beamc_error_new(BEAMC_EINVAL, "%s is not the table of a %s",
                               function->name == NULL ? "what is given" : function->name,
                               beamc__function_kind_name(kind));
    if (!beamc__function_is_known(pipeline->functions, pipeline->function_count, function))
        return beamc_error_new(BEAMC_ENOENT, "%s is not known to the worker: define it with %s",
                               function->name, macro);
    return NULL;
}

bool beamc__require_kv(beamc_pipeline *pipeline, beamc_location at, const char *who,
                       const beamc__collection *in)
{
    if (in->type->kind == BEAMC_KIND_KV)
        return true;
    beamc__fail(pipeline, at, BEAMC_ETYPE, "transform %s takes a KV, but %s gives %s", who,
                beamc__producer_name(pipeline, in), in->type->name);
    return false;
}

bool beamc__require_keyed(beamc_pipeline *pipeline, beamc_location at, const char *who,
                          const beamc__collection *in)
{
    if (!beamc__require_kv(pipeline, at, who, in))
        return false;
    const beamc_type *key = in->type->fields[0].type;
    if (beamc_type_is_deterministic(key))
        return true;
    beamc__fail(pipeline, at, BEAMC_ETYPE,
                "transform %s: %s cannot be a key, because equal values may be encoded differently",
                who, key->name);
    return false;
}

const beamc_type *beamc__type_made(beamc_pipeline *pipeline, const beamc_type *type)
{
    beamc_location nowhere = { NULL, 0 };

    if (type == NULL)
        fail_nomem(pipeline, nowhere);
    return type;
}

static beamc_error *freeze_into(beamc_buffer *bytes, const void *config, const beamc_type *type,
                                beamc_error *(*freeze)(const void *config, beamc_buffer *out))
{
    if (freeze != NULL)
        return freeze(config, bytes);
    int rc = beamc_encode(type, config, false, bytes);
    return rc < 0 ? beamc_error_new((beamc_code)rc, "%s: %s", type->name, beamc_code_text(rc))
                  : NULL;
}

beamc_error *beamc__config_freeze(beamc_pipeline *pipeline, beamc__call *out, const char *who,
                                  const void *config, const beamc_type *type,
                                  beamc_error *(*freeze)(const void *config, beamc_buffer *out))
{
    beamc_buffer bytes;

    if (type == NULL && freeze == NULL) {
        if (config != NULL)
            return beamc_error_new(BEAMC_EINVAL,
                                   "transform %s is given a configuration, but its table has no type for it",
                                   who);
        return NULL;
    }
    if (config == NULL)
        return beamc_error_new(BEAMC_EINVAL, "transform %s needs a configuration%s%s", who,
                               type == NULL ? "" : " of type ", type == NULL ? "" : type->name);
    beamc_buffer_init(&bytes);
    beamc_error *err = freeze_into(&bytes, config, type, freeze);
    if (err == NULL && beamc_buffer_failed(&bytes))
        err = beamc_error_nomem();
    if (err == NULL) {
        out->has_config = true;
        out->config.data = beamc_arena_memdup(pipeline->arena, bytes.data, bytes.size);
        out->config.size = bytes.size;
        if (out->config.data == NULL)
            err = beamc_error_nomem();
    }
    beamc_buffer_dispose(&bytes);
    return beamc_error_wrap(err, "transform %s: configuration", who);
}

static bool copy_environment(beamc_arena *arena, beamc__environment *out,
                             const beamc__environment *from)
{
    out->urn = beamc_arena_strdup(arena, from->urn);
    out->payload.data = beamc_arena_memdup(arena, from->payload.data, from->payload.size);
    out->payload.size = from->payload.size;
    out->dependency_count = from->dependency_count;
    beamc_bytes *dependencies =
        beamc_arena_calloc(arena, from->dependency_count, sizeof(*dependencies));
    if (dependencies == NULL)
        return false;
    for (size_t i = 0; i < from->dependency_count; i++) {
        const beamc_bytes *bytes = &from->dependencies[i];
        dependencies[i].data = beamc_arena_memdup(arena, bytes->data, bytes->size);
        dependencies[i].size = bytes->size;
    }
    out->dependencies = dependencies;
    return !beamc_arena_failed(arena);
}

beamc_error *beamc__pipeline_set_environment(beamc_pipeline *pipeline,
                                             const beamc__environment *environment)
{
    beamc__environment copy;

    if (!copy_environment(pipeline->arena, &copy, environment))
        return beamc_error_nomem();
    pipeline->environment = copy;
    return NULL;
}
