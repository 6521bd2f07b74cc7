/* SPDX-License-Identifier: Apache-2.0 */
/* From the graph to Beam's Pipeline message.  Ids follow the order in which things were made, so the
 * same program always gives the same bytes:
 *
 *     t3_extract_words   transform 3       p2   collection 2       e1   environment
 *     c1                 coder             w1   windowing strategy
 *
 * What a composite takes and gives is found from its leaves: a collection that crosses its edge. */
#include "sdk/coders/type_proto.h"
#include "sdk/pipeline/environment.h"
#include "sdk/windowing/window_fn.h"
#include "sdk/windowing/window_proto.h"

#define URN_DOFN "beam:dofn:csdk:v1"
#define URN_COMBINE_FN "beam:combinefn:csdk:v1"
#define URN_VIEW_FN "beam:view_fn:csdk:v1"
#define URN_COMPOSITE "beam:transform:generic_composite:v1"
#define ID_NAME_MAX 40

/* Collections that cross a composite's edge, in order. */
typedef struct crossing {
    struct crossing *next;
    const beamc__collection *collection;
} crossing;

typedef struct {
    crossing *first;
    crossing **end;
    size_t count;
    uint32_t last; /* id of the collection added last */
} crossing_list;

/* What is found out about a transform. */
typedef struct {
    const beamc__transform *transform;
    char *id;
    size_t leaf_count; /* leaves within; composites without any are left out */
    crossing_list inputs;
    crossing_list outputs;
} transform_info;

typedef struct reader_link {
    struct reader_link *next;
    const beamc__transform *reader;
} reader_link;

typedef struct {
    beamc_pipeline *pipeline;
    beamc_arena *arena;
    transform_info *infos;  /* by transform id - 1 */
    reader_link **readers;  /* by collection id - 1: who consumes it or hands it out */
    beamc__hints *hints;    /* of each environment */
    const beamc_windowing **windowings; /* of each strategy */
    beamc__coder_set *coders; /* owned while writing */
    PB(Components) *components;
    PB(Pipeline) *message;
} writer;

static transform_info *info_of(const writer *w, const beamc__transform *transform)
{
    return &w->infos[transform->id - 1];
}

/* ---- the shape -------------------------------------------------------------------------------- */

static const beamc__transform *next_in_tree(const beamc__transform *at)
{
    if (at->first_child != NULL)
        return at->first_child;
    while (at != NULL && at->next == NULL)
        at = at->parent;
    return at == NULL ? NULL : at->next;
}

#define FOR_EACH_TRANSFORM(transform, pipeline)                                                    \
    for (const beamc__transform *transform = next_in_tree((pipeline)->root); transform != NULL;    \
         transform = next_in_tree(transform))

static bool is_leaf(const beamc__transform *transform)
{
    return transform->kind != BEAMC__TRANSFORM_COMPOSITE;
}

static bool is_within(const beamc__transform *inner, const beamc__transform *outer)
{
    for (; inner != NULL; inner = inner->parent)
        if (inner == outer)
            return true;
    return false;
}

/* Adds @collection unless it was added last: lists are filled collection by collection. */
static bool cross(const writer *w, crossing_list *list, const beamc__collection *collection)
{
    if (list->last == collection->id)
        return true;
    crossing *link = beamc_arena_alloc(w->arena, sizeof(*link));
    if (link == NULL)
        return false;
    link->next = NULL;
    link->collection = collection;
    *list->end = link;
    list->end = &link->next;
    list->count++;
    list->last = collection->id;
    return true;
}

/* @collection is read by @reader (or handed out by that composite). */
static bool cross_edges(const writer *w, const beamc__collection *collection,
                        const beamc__transform *reader)
{
    const beamc__transform *root = w->pipeline->root;
    const beamc__transform *from = collection->producer->parent;
    const beamc__transform *to = reader;

    for (; from != root && !is_within(reader, from); from = from->parent)
        if (!cross(w, &info_of(w, from)->outputs, collection))
            return false;
    for (; to != root && !is_within(collection->producer, to); to = to->parent)
        if (!is_leaf(to) && !cross(w, &info_of(w, to)->inputs, collection))
            return false;
    return true;
}

static char *make_id(beamc_arena *arena, const beamc__transform *transform)
{
    char *id = beamc_arena_printf(arena, "t%u_%.*s", transform->id, ID_NAME_MAX, transform->name);

    for (char *c = id; c != NULL && *c != '\0'; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9')))
            *c = '_';
    return id;
}

static bool add_reader(writer *w, const beamc__collection *collection,
                       const beamc__transform *reader)
{
    reader_link *link = beamc_arena_alloc(w->arena, sizeof(*link));
    if (link == NULL)
        return false;
    link->reader = reader;
    link->next = w->readers[collection->id - 1];
    w->readers[collection->id - 1] = link;
    return true;
}

/* Who reads what: leaves by their inputs, composites what they are said to give. */
static bool find_readers(writer *w)
{
    FOR_EACH_TRANSFORM (transform, w->pipeline) {
        bool leaf = is_leaf(transform);
        const beamc__port *ports = leaf ? transform->inputs : transform->outputs;
        size_t count = leaf ? transform->input_count : transform->output_count;
        for (size_t i = 0; i < count; i++)
            if (!add_reader(w, ports[i].collection, transform))
                return false;
    }
    return true;
}

static bool find_crossings(writer *w)
{
    for (size_t i = 0; i < w->pipeline->collection_count; i++) {
        const beamc__collection *collection = w->pipeline->collections[i];
        for (const reader_link *link = w->readers[i]; link != NULL; link = link->next) {
            if (!cross_edges(w, collection, link->reader))
                return false;
            if (!is_leaf(link->reader) &&
                !cross(w, &info_of(w, link->reader)->outputs, collection))
                return false;
        }
    }
    return true;
}

static bool find_shape(writer *w)
{
    w->infos = beamc_arena_calloc(w->arena, w->pipeline->transform_count, sizeof(*w->infos));
    w->readers = beamc_arena_calloc(w->arena, w->pipeline->collection_count, sizeof(*w->readers));
    if (w->infos == NULL || w->readers == NULL)
        return false;
    FOR_EACH_TRANSFORM (transform, w->pipeline) {
        transform_info *info = info_of(w, transform);
        info->inputs.end = &info->inputs.first;
        info->outputs.end = &info->outputs.first;
        info->id = make_id(w->arena, transform);
        if (info->id == NULL)
            return false;
        for (const beamc__transform *t = transform; is_leaf(transform) && t->parent != NULL;
             t = t->parent)
            info_of(w, t)->leaf_count++;
    }
    return find_readers(w) && find_crossings(w);
}

/* ---- components: each made once --------------------------------------------------------------- */

static char *numbered(const writer *w, const char *prefix, size_t number)
{
    return beamc_arena_printf(w->arena, "%s%zu", prefix, number);
}

static char *collection_id(const writer *w, const beamc__collection *collection)
{
    return numbered(w, "p", collection->id);
}

static beamc_error *coder_id(char **out, writer *w, const beamc_type *type)
{
    const char *id;

    BEAMC_TRY(beamc__type_to_coder(&id, w->coders, type));
    *out = beamc_arena_strdup(w->arena, id);
    return *out == NULL ? beamc_error_nomem() : NULL;
}

/* A new entry of one of the maps of Components; the arrays have room. */
#define ADD_ENTRY(w, Entry, entry, field, id, message)                                             \
    do {                                                                                           \
        PB(Components__##Entry) *add_entry = beamc_arena_alloc((w)->arena, sizeof(*add_entry));    \
        char *add_id = (id);                                                                       \
        if (add_entry == NULL || add_id == NULL)                                                   \
            return beamc_error_nomem();                                                            \
        pb(components__##entry##__init)(add_entry);                                                \
        add_entry->key = add_id;                                                                   \
        add_entry->value = (message);                                                              \
        (w)->components->field[(w)->components->n_##field++] = add_entry;                          \
    } while (0)

static beamc_error *environment_id(char **out, writer *w, const beamc__transform *transform)
{
    beamc__hints hints = beamc__hints_of(transform);
    size_t count = w->components->n_environments;
    PB(Environment) *environment;

    for (size_t i = 0; i < count; i++)
        if (beamc__hints_equal(&hints, &w->hints[i])) {
            *out = w->components->environments[i]->key;
            return NULL;
        }
    w->hints[count] = hints;
    *out = numbered(w, "e", count + 1);
    BEAMC_TRY(beamc__environment_write(&environment, &w->pipeline->environment, &hints, w->arena));
    ADD_ENTRY(w, EnvironmentsEntry, environments_entry, environments, *out, environment);
    return NULL;
}

static beamc_error *strategy_id(char **out, writer *w, const beamc_windowing *windowing)
{
    size_t count = w->components->n_windowing_strategies;
    char *environment;
    char *coder;

    for (size_t i = 0; i < count; i++)
        if (beamc__windowing_equal(windowing, w->windowings[i])) {
            *out = w->components->windowing_strategies[i]->key;
            return NULL;
        }
    w->windowings[count] = windowing;
    *out = numbered(w, "w", count + 1);
    BEAMC_TRY(environment_id(&environment, w, w->pipeline->root));
    BEAMC_TRY(coder_id(&coder, w,
                       windowing->kind == BEAMC_WINDOW_GLOBAL ? &beamc_type_global_window
                                                              : &beamc_type_interval_window));
    PB(WindowingStrategy) *strategy =
        beamc__strategy_write(windowing, coder, environment, w->arena);
    if (strategy == NULL)
        return beamc_error_nomem();
    ADD_ENTRY(w, WindowingStrategiesEntry, windowing_strategies_entry, windowing_strategies, *out,
              strategy);
    return NULL;
}

static beamc_error *write_collection(writer *w, const beamc__collection *collection)
{
    PB(PCollection) *message = beamc_arena_alloc(w->arena, sizeof(*message));
    const beamc__transform *producer = collection->producer;

    if (message == NULL)
        return beamc_error_nomem();
    pb(pcollection__init)(message);
    message->unique_name = beamc_arena_printf(w->arena, "%s.%s", producer->unique_name,
                                              producer->outputs[collection->output].tag);
    if (message->unique_name == NULL)
        return beamc_error_nomem();
    BEAMC_TRY(beamc_error_wrap(coder_id(&message->coder_id, w, collection->type), "transform %s",
                               producer->unique_name));
    BEAMC_TRY(strategy_id(&message->windowing_strategy_id, w, &collection->windowing));
    message->is_bounded = PBK(IS_BOUNDED__ENUM__BOUNDED);
    ADD_ENTRY(w, PcollectionsEntry, pcollections_entry, pcollections, collection_id(w, collection),
              message);
    return NULL;
}

/* For protobuf-c to take memory from an arena. */
static void *arena_alloc(void *arena, size_t size)
{
    return beamc_arena_alloc(arena, size);
}

static void arena_free(void *arena BEAMC_UNUSED, void *memory BEAMC_UNUSED)
{
}

/* The set's coders, copied: it ends before the message does. */
static beamc_error *write_coders(writer *w)
{
    ProtobufCAllocator allocator = { arena_alloc, arena_free, w->arena };
    size_t count = beamc__coder_set_count(w->coders);

    w->components->coders = beamc_arena_calloc(w->arena, count, sizeof(*w->components->coders));
    if (w->components->coders == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < count; i++) {
        const PB(Coder) *coder = beamc__coder_set_coder(w->coders, i);
        char *id = beamc_arena_strdup(w->arena, beamc__coder_set_id(w->coders, i));
        size_t size = pb(coder__get_packed_size)(coder);
        uint8_t *bytes = beamc_arena_alloc(w->arena, size);
        if (bytes == NULL)
            return beamc_error_nomem();
        pb(coder__pack)(coder, bytes);
        PB(Coder) *copy = pb(coder__unpack)(&allocator, size, bytes);
        if (copy == NULL)
            return beamc_error_nomem();
        ADD_ENTRY(w, CodersEntry, coders_entry, coders, id, copy);
    }
    return NULL;
}

/* ---- payloads --------------------------------------------------------------------------------- */

static PB(FunctionSpec) *make_spec(const writer *w, const char *urn, const ProtobufCMessage *payload)
{
    PB(FunctionSpec) *spec = beamc_arena_alloc(w->arena, sizeof(*spec));

    if (spec == NULL)
        return NULL;
    pb(function_spec__init)(spec);
    spec->urn = (char *)urn;
    if (payload == NULL)
        return spec;
    spec->payload.len = protobuf_c_message_get_packed_size(payload);
    spec->payload.data = beamc_arena_alloc(w->arena, spec->payload.len);
    if (spec->payload.data == NULL)
        return NULL;
    protobuf_c_message_pack(payload, spec->payload.data);
    return spec;
}

static bool write_sides(const writer *w, CS(Function) *out, const beamc__transform *transform)
{
    size_t count = transform->side_count;
    CS(Side) *sides = beamc_arena_calloc(w->arena, count, sizeof(*sides));

    out->sides = beamc_arena_calloc(w->arena, count, sizeof(*out->sides));
    if (sides == NULL || out->sides == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        const beamc__side *from = &transform->sides[i];
        cs(side__init)(&sides[i]);
        sides[i].tag = (char *)from->tag;
        sides[i].view = (CS(Side__View))from->view; /* the same numbers */
        if (from->has_default) {
            sides[i].optional_default_case = CSK(SIDE__OPTIONAL_DEFAULT_DEFAULT_VALUE);
            sides[i].default_value.data = (uint8_t *)from->default_value.data;
            sides[i].default_value.len = from->default_value.size;
        }
        out->sides[i] = &sides[i];
    }
    out->n_sides = count;
    return true;
}

/* The FunctionSpec of @transform's call; NULL without memory. */
static PB(FunctionSpec) *write_call(const writer *w, const beamc__transform *transform)
{
    const beamc__call *call = &transform->call;
    const char *urn = call->kind == CSK(FUNCTION__KIND__COMBINE_FN) ? URN_COMBINE_FN : URN_DOFN;
    CS(Function) function;

    cs(function__init)(&function);
    function.name = (char *)call->function->name;
    function.kind = call->kind;
    function.part = call->part;
    function.file = (char *)transform->at.file;
    function.line = transform->at.line;
    if (call->has_config) {
        function.optional_config_case = CSK(FUNCTION__OPTIONAL_CONFIG_CONFIG);
        function.config.data = (uint8_t *)call->config.data;
        function.config.len = call->config.size;
    }
    if (is_leaf(transform)) {
        function.outputs =
            beamc_arena_calloc(w->arena, transform->output_count, sizeof(*function.outputs));
        if (function.outputs == NULL || !write_sides(w, &function, transform))
            return NULL;
        for (size_t i = 0; i < transform->output_count; i++)
            function.outputs[function.n_outputs++] = (char *)transform->outputs[i].tag;
    }
    return make_spec(w, urn, &function.base);
}

/* From windows of the main input to those of a side input.  A worker that is asked to map windows has
 * nothing but this, so it says how the side's are made. */
static PB(FunctionSpec) *write_mapping(const writer *w, const beamc_windowing *main_input,
                                       const beamc_windowing *side)
{
    if (side->kind == BEAMC_WINDOW_GLOBAL)
        return make_spec(w,
                         main_input->kind == BEAMC_WINDOW_GLOBAL
                             ? "beam:window_mapping_fn:identity:v1"
                             : "beam:window_mapping_fn:global:v1",
                         NULL);
    const PB(FunctionSpec) *fn = beamc__window_fn_write(side, w->arena);
    return fn == NULL ? NULL
                      : make_spec(w, "beam:window_mapping_fn:assign_max_timestamp:v1", &fn->base);
}

static PB(ParDoPayload__SideInputsEntry) *write_side_input(const writer *w,
                                                           const beamc__transform *transform,
                                                           size_t index)
{
    PB(ParDoPayload__SideInputsEntry) *entry = beamc_arena_alloc(w->arena, sizeof(*entry));
    PB(SideInput) *side = beamc_arena_alloc(w->arena, sizeof(*side));
    const beamc__port *ports = transform->inputs;
    bool multimap = transform->sides[index].view == BEAMC_VIEW_MULTIMAP;

    if (entry == NULL || side == NULL)
        return NULL;
    pb(side_input__init)(side);
    side->access_pattern = make_spec(
        w, multimap ? "beam:side_input:multimap:v1" : "beam:side_input:iterable:v1", NULL);
    side->view_fn = make_spec(w, URN_VIEW_FN, NULL);
    side->window_mapping_fn =
        write_mapping(w, &ports[0].collection->windowing, &ports[1 + index].collection->windowing);
    if (side->access_pattern == NULL || side->view_fn == NULL || side->window_mapping_fn == NULL)
        return NULL;
    pb(par_do_payload__side_inputs_entry__init)(entry);
    entry->key = (char *)transform->sides[index].tag;
    entry->value = side;
    return entry;
}

static PB(FunctionSpec) *write_par_do(const writer *w, const beamc__transform *transform)
{
    PB(ParDoPayload) payload = PBK(PAR_DO_PAYLOAD__INIT);

    payload.do_fn = write_call(w, transform);
    payload.side_inputs =
        beamc_arena_calloc(w->arena, transform->side_count, sizeof(*payload.side_inputs));
    if (payload.do_fn == NULL || payload.side_inputs == NULL)
        return NULL;
    for (size_t i = 0; i < transform->side_count; i++) {
        payload.side_inputs[i] = write_side_input(w, transform, i);
        if (payload.side_inputs[i] == NULL)
            return NULL;
    }
    payload.n_side_inputs = transform->side_count;
    return make_spec(w, "beam:transform:pardo:v1", &payload.base);
}

static PB(FunctionSpec) *write_window_into(const writer *w, const beamc__transform *transform)
{
    PB(WindowIntoPayload) payload = PBK(WINDOW_INTO_PAYLOAD__INIT);

    payload.window_fn =
        beamc__window_fn_write(&transform->outputs[0].collection->windowing, w->arena);
    return payload.window_fn == NULL
               ? NULL
               : make_spec(w, "beam:transform:window_into:v1", &payload.base);
}

/* A composite's spec is its combine, what the user said, or that there is nothing to say. */
static beamc_error *write_composite(PB(FunctionSpec) **out, writer *w,
                                    const beamc__transform *transform)
{
    PB(CombinePayload) combine = PBK(COMBINE_PAYLOAD__INIT);

    *out = NULL;
    if (transform->accumulator != NULL) {
        BEAMC_TRY(coder_id(&combine.accumulator_coder_id, w, transform->accumulator));
        combine.combine_fn = write_call(w, transform);
        if (combine.combine_fn != NULL)
            *out = make_spec(w, transform->urn, &combine.base);
        return *out == NULL ? beamc_error_nomem() : NULL;
    }
    *out = make_spec(w, transform->urn != NULL ? transform->urn : URN_COMPOSITE, NULL);
    if (*out == NULL)
        return beamc_error_nomem();
    (*out)->payload.data = (uint8_t *)transform->payload.data;
    (*out)->payload.len = transform->payload.size;
    return NULL;
}

static beamc_error *write_spec(PB(FunctionSpec) **out, writer *w, const beamc__transform *transform)
{
    switch (transform->kind) {
    case BEAMC__TRANSFORM_COMPOSITE:
        return write_composite(out, w, transform);
    case BEAMC__TRANSFORM_IMPULSE:
        *out = make_spec(w, "beam:transform:impulse:v1", NULL);
        break;
    case BEAMC__TRANSFORM_PAR_DO:
        *out = write_par_do(w, transform);
        break;
    case BEAMC__TRANSFORM_GROUP_BY_KEY:
        *out = make_spec(w, "beam:transform:group_by_key:v1", NULL);
        break;
    case BEAMC__TRANSFORM_FLATTEN:
        *out = make_spec(w, "beam:transform:flatten:v1", NULL);
        break;
    case BEAMC__TRANSFORM_WINDOW_INTO:
        *out = write_window_into(w, transform);
        break;
    }
    return *out == NULL ? beamc_error_nomem() : NULL;
}

/* Where a runner may run it: not what it does itself, nor composites that only show structure. */
static bool has_environment(const beamc__transform *transform)
{
    switch (transform->kind) {
    case BEAMC__TRANSFORM_IMPULSE:
    case BEAMC__TRANSFORM_GROUP_BY_KEY:
        return false;
    case BEAMC__TRANSFORM_COMPOSITE:
        return transform->accumulator != NULL;
    default:
        return true;
    }
}

/* ---- display data ----------------------------------------------------------------------------- */

static PB(DisplayData) *write_item(const writer *w, const beamc__display_item *item)
{
    PB(DisplayData) *message = beamc_arena_alloc(w->arena, sizeof(*message));
    PB(LabelledPayload) payload = PBK(LABELLED_PAYLOAD__INIT);

    payload.label = (char *)item->label;
    payload.key = (char *)item->key;
    payload.namespace_ = (char *)"beamc";
    payload.value_case = item->kind;
    if (item->kind == PBK(LABELLED_PAYLOAD__VALUE_STRING_VALUE))
        payload.string_value = (char *)item->string_value;
    else if (item->kind == PBK(LABELLED_PAYLOAD__VALUE_INT_VALUE))
        payload.int_value = item->int_value;
    else if (item->kind == PBK(LABELLED_PAYLOAD__VALUE_DOUBLE_VALUE))
        payload.double_value = item->double_value;
    else
        payload.bool_value = item->bool_value;
    if (message == NULL)
        return NULL;
    pb(display_data__init)(message);
    message->urn = (char *)"beam:display_data:labelled:v1";
    message->payload.len = pb(labelled_payload__get_packed_size)(&payload);
    message->payload.data = beamc_arena_alloc(w->arena, message->payload.len);
    if (message->payload.data == NULL)
        return NULL;
    pb(labelled_payload__pack)(&payload, message->payload.data);
    return message;
}

static beamc_error *write_display(const writer *w, PB(PTransform) *out,
                                  const beamc__display_list *list)
{
    size_t count = 0;

    for (const beamc__display_item *item = list->first; item != NULL; item = item->next)
        count++;
    out->display_data = beamc_arena_calloc(w->arena, count, sizeof(*out->display_data));
    if (out->display_data == NULL)
        return beamc_error_nomem();
    for (const beamc__display_item *item = list->first; item != NULL; item = item->next) {
        PB(DisplayData) *message = write_item(w, item);
        if (message == NULL)
            return beamc_error_nomem();
        out->display_data[out->n_display_data++] = message;
    }
    return NULL;
}

/* ---- transforms ------------------------------------------------------------------------------- */

/* Inputs and outputs are maps of one shape but of two types. */
typedef struct {
    const char *tag;
    const beamc__collection *collection;
} named_port;

static beamc_error *leaf_ports(named_port **out, const writer *w, const beamc__port *ports,
                               size_t count)
{
    *out = beamc_arena_calloc(w->arena, count, sizeof(**out));
    if (*out == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < count; i++) {
        (*out)[i].tag = ports[i].tag;
        (*out)[i].collection = ports[i].collection;
    }
    return NULL;
}

static beamc_error *composite_ports(named_port **out, const writer *w, const crossing_list *list,
                                    const char *tag)
{
    size_t at = 0;

    *out = beamc_arena_calloc(w->arena, list->count, sizeof(**out));
    if (*out == NULL)
        return beamc_error_nomem();
    for (const crossing *link = list->first; link != NULL; link = link->next, at++) {
        (*out)[at].collection = link->collection;
        (*out)[at].tag = at == 0 ? tag : beamc_arena_printf(w->arena, "%s_%zu", tag, at + 1);
        if ((*out)[at].tag == NULL)
            return beamc_error_nomem();
    }
    return NULL;
}

static beamc_error *write_inputs(const writer *w, PB(PTransform) *out, const named_port *ports,
                                 size_t count)
{
    out->inputs = beamc_arena_calloc(w->arena, count, sizeof(*out->inputs));
    if (out->inputs == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < count; i++) {
        PB(PTransform__InputsEntry) *entry = beamc_arena_alloc(w->arena, sizeof(*entry));
        char *id = collection_id(w, ports[i].collection);
        if (entry == NULL || id == NULL)
            return beamc_error_nomem();
        pb(ptransform__inputs_entry__init)(entry);
        entry->key = (char *)ports[i].tag;
        entry->value = id;
        out->inputs[out->n_inputs++] = entry;
    }
    return NULL;
}

static beamc_error *write_outputs(const writer *w, PB(PTransform) *out, const named_port *ports,
                                  size_t count)
{
    out->outputs = beamc_arena_calloc(w->arena, count, sizeof(*out->outputs));
    if (out->outputs == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < count; i++) {
        PB(PTransform__OutputsEntry) *entry = beamc_arena_alloc(w->arena, sizeof(*entry));
        char *id = collection_id(w, ports[i].collection);
        if (entry == NULL || id == NULL)
            return beamc_error_nomem();
        pb(ptransform__outputs_entry__init)(entry);
        entry->key = (char *)ports[i].tag;
        entry->value = id;
        out->outputs[out->n_outputs++] = entry;
    }
    return NULL;
}

static beamc_error *write_ports(const writer *w, PB(PTransform) *out,
                                const beamc__transform *transform)
{
    const transform_info *info = info_of(w, transform);
    named_port *ports;

    if (is_leaf(transform)) {
        BEAMC_TRY(leaf_ports(&ports, w, transform->inputs, transform->input_count));
        BEAMC_TRY(write_inputs(w, out, ports, transform->input_count));
        BEAMC_TRY(leaf_ports(&ports, w, transform->outputs, transform->output_count));
        return write_outputs(w, out, ports, transform->output_count);
    }
    BEAMC_TRY(composite_ports(&ports, w, &info->inputs, "input"));
    BEAMC_TRY(write_inputs(w, out, ports, info->inputs.count));
    BEAMC_TRY(composite_ports(&ports, w, &info->outputs, "output"));
    return write_outputs(w, out, ports, info->outputs.count);
}

/* The ids of what is directly within. */
static beamc_error *write_children(const writer *w, char ***out, size_t *count,
                                   const beamc__transform *parent)
{
    size_t room = 0;

    for (const beamc__transform *child = parent->first_child; child != NULL; child = child->next)
        room++;
    *count = 0;
    *out = beamc_arena_calloc(w->arena, room, sizeof(**out));
    if (*out == NULL)
        return beamc_error_nomem();
    for (const beamc__transform *child = parent->first_child; child != NULL; child = child->next)
        if (info_of(w, child)->leaf_count > 0)
            (*out)[(*count)++] = info_of(w, child)->id;
    return NULL;
}

static beamc_error *write_transform(writer *w, const beamc__transform *transform)
{
    PB(PTransform) *message = beamc_arena_alloc(w->arena, sizeof(*message));

    if (message == NULL)
        return beamc_error_nomem();
    pb(ptransform__init)(message);
    message->unique_name = (char *)transform->unique_name;
    BEAMC_TRY(beamc_error_wrap(write_spec(&message->spec, w, transform), "transform %s",
                               transform->unique_name));
    BEAMC_TRY(write_ports(w, message, transform));
    BEAMC_TRY(write_display(w, message, &transform->display));
    BEAMC_TRY(write_children(w, &message->subtransforms, &message->n_subtransforms, transform));
    if (has_environment(transform))
        BEAMC_TRY(environment_id(&message->environment_id, w, transform));
    ADD_ENTRY(w, TransformsEntry, transforms_entry, transforms, info_of(w, transform)->id, message);
    return NULL;
}

/* ---- the whole -------------------------------------------------------------------------------- */

static bool set_up(writer *w)
{
    size_t transforms = w->pipeline->transform_count;
    size_t collections = w->pipeline->collection_count;
    PB(Components) *components = beamc_arena_alloc(w->arena, sizeof(*components));

    w->message = beamc_arena_alloc(w->arena, sizeof(*w->message));
    if (components == NULL || w->message == NULL)
        return false;
    pb(components__init)(components);
    pb(pipeline__init)(w->message);
    w->components = components;
    w->message->components = components;
    components->transforms =
        beamc_arena_calloc(w->arena, transforms + 1, sizeof(*components->transforms));
    components->pcollections =
        beamc_arena_calloc(w->arena, collections, sizeof(*components->pcollections));
    components->windowing_strategies =
        beamc_arena_calloc(w->arena, collections, sizeof(*components->windowing_strategies));
    components->environments =
        beamc_arena_calloc(w->arena, transforms + 1, sizeof(*components->environments));
    w->windowings = beamc_arena_calloc(w->arena, collections, sizeof(*w->windowings));
    w->hints = beamc_arena_calloc(w->arena, transforms + 1, sizeof(*w->hints));
    return !beamc_arena_failed(w->arena);
}

/* One composite without a name around all, as the Python SDK has it and wants it. */
static beamc_error *write_root(writer *w)
{
    PB(PTransform) *root = beamc_arena_alloc(w->arena, sizeof(*root));

    w->message->root_transform_ids =
        beamc_arena_calloc(w->arena, 1, sizeof(*w->message->root_transform_ids));
    if (root == NULL || w->message->root_transform_ids == NULL)
        return beamc_error_nomem();
    pb(ptransform__init)(root);
    BEAMC_TRY(write_children(w, &root->subtransforms, &root->n_subtransforms, w->pipeline->root));
    if (root->n_subtransforms == 0)
        return NULL;
    ADD_ENTRY(w, TransformsEntry, transforms_entry, transforms,
              beamc_arena_strdup(w->arena, "root"), root);
    w->message->root_transform_ids[w->message->n_root_transform_ids++] = (char *)"root";
    return NULL;
}

static beamc_error *write_all(writer *w)
{
    char *environment;

    if (!set_up(w) || !find_shape(w))
        return beamc_error_nomem();
    BEAMC_TRY(environment_id(&environment, w, w->pipeline->root)); /* e1: without hints */
    for (size_t i = 0; i < w->pipeline->collection_count; i++)
        BEAMC_TRY(write_collection(w, w->pipeline->collections[i]));
    FOR_EACH_TRANSFORM (transform, w->pipeline)
        if (info_of(w, transform)->leaf_count > 0)
            BEAMC_TRY(write_transform(w, transform));
    BEAMC_TRY(write_coders(w));
    return write_root(w);
}

beamc_error *beamc__pipeline_to_proto(PB(Pipeline) **out, beamc_pipeline *pipeline,
                                      beamc_arena *arena)
{
    writer w = { .pipeline = pipeline, .arena = arena };

    *out = NULL;
    BEAMC_TRY(beamc__pipeline_check(pipeline));
    w.coders = beamc__coder_set_new("c");
    if (w.coders == NULL)
        return beamc_error_nomem();
    beamc_error *err = write_all(&w);
    beamc__coder_set_free(w.coders);
    if (err == NULL)
        *out = w.message;
    return err;
}

beamc_error *beamc_pipeline_serialize(beamc_pipeline *pipeline, beamc_buffer *out)
{
    PB(Pipeline) *message;
    beamc_arena *arena = beamc_arena_new();

    if (arena == NULL)
        return beamc_error_nomem();
    beamc_error *err = beamc__pipeline_to_proto(&message, pipeline, arena);
    if (err == NULL) {
        size_t size = pb(pipeline__get_packed_size)(message);
        uint8_t *to = beamc_buffer_reserve(out, size);
        if (to == NULL)
            err = beamc_error_nomem();
        else
            out->size += pb(pipeline__pack)(message, to);
    }
    beamc_arena_free(arena);
    return err;
}
