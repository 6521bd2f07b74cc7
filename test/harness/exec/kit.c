/* SPDX-License-Identifier: Apache-2.0 */
#include "test/harness/exec/kit.h"

#include "proto/urns.h"
#include "sdk/coders/type_proto.h"
#include "sdk/coders/windowed.h"
#include "sdk/windowing/window_proto.h"
#include "test/alloc.h"
#include <beamc/pipeline.h>
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST 128 /* of anything in a kit */
#define URN_DOFN "beam:dofn:csdk:v1"
#define URN_COMBINE_FN "beam:combinefn:csdk:v1"

typedef struct {
    beamc_buffer key;
    beamc_buffer values;
    size_t ends[MOST];
    size_t count;
    uint8_t window[BEAMC__WINDOW_SIZE_MAX];
    uint32_t window_size;
    beamc_timestamp timestamp;
} kit_group;

typedef struct {
    beamc__input input;
    const exec_kit *kit;
    beamc_buffer bytes;
    size_t ends[4 * MOST]; /* of elements */
    size_t count;
    size_t next;
    kit_group *groups;
    size_t group_count;
} kit_input;

typedef struct {
    beamc__output output;
    const exec_kit *kit;
    const beamc_type *type;
    const beamc_type *window;
    beamc_buffer lines;
} kit_output;

typedef struct {
    char *side;
    beamc_buffer window, key, values;
    bool is_multimap;
} kit_side;

struct exec_kit {
    beamc_arena *arena;
    FN(ProcessBundleDescriptor) descriptor;
    beamc__coder_set *coders;
    beamc__plan_options options;
    beamc__plan *plan;
    kit_input inputs[8];
    size_t input_count;
    kit_output outputs[8];
    size_t output_count;
    beamc__state state;
    kit_side sides[MOST];
    size_t side_count;
    size_t chunk, page;
    bool quiet;
    size_t state_calls;
    long state_open;
    const beamc_type *const *customs; /* for the kit; the plan finds them itself */
    size_t custom_count;
    const beamc_log_sink *log;
    const volatile int *cancel;
    char *text; /* what exec_lines answered last */
};

static void must(bool holds)
{
    if (!holds)
        ck_abort_msg("the kit has no memory, or no room");
}

exec_kit *exec_kit_new(void)
{
    exec_kit *kit = calloc(1, sizeof(*kit));

    must(kit != NULL);
    kit->arena = beamc_arena_new();
    kit->coders = beamc__coder_set_new("c");
    must(kit->arena != NULL && kit->coders != NULL);
    kit->descriptor = (FN(ProcessBundleDescriptor))FNK(PROCESS_BUNDLE_DESCRIPTOR__INIT);
    kit->descriptor.id = "kit";
    kit->options.functions = __start_beamc_functions;
    kit->options.function_count = (size_t)(__stop_beamc_functions - __start_beamc_functions);
    return kit;
}

static void clear_input(kit_input *input)
{
    for (size_t i = 0; i < input->group_count; i++) {
        beamc_buffer_dispose(&input->groups[i].key);
        beamc_buffer_dispose(&input->groups[i].values);
    }
    free(input->groups);
    input->groups = NULL;
    input->group_count = 0;
    beamc_buffer_clear(&input->bytes);
    input->count = 0;
    input->next = 0;
}

void exec_clear(exec_kit *kit)
{
    for (size_t i = 0; i < kit->input_count; i++)
        clear_input(&kit->inputs[i]);
    for (size_t i = 0; i < kit->output_count; i++)
        beamc_buffer_clear(&kit->outputs[i].lines);
}

void exec_kit_free(exec_kit *kit)
{
    exec_clear(kit);
    beamc__plan_free(kit->plan);
    for (size_t i = 0; i < kit->input_count; i++)
        beamc_buffer_dispose(&kit->inputs[i].bytes);
    for (size_t i = 0; i < kit->output_count; i++) {
        beamc_buffer_dispose(&kit->outputs[i].lines);
        beamc_buffer_dispose(&kit->outputs[i].output.buffer);
    }
    for (size_t i = 0; i < kit->side_count; i++) {
        beamc_buffer_dispose(&kit->sides[i].window);
        beamc_buffer_dispose(&kit->sides[i].key);
        beamc_buffer_dispose(&kit->sides[i].values);
    }
    beamc__coder_set_free(kit->coders);
    beamc_arena_free(kit->arena);
    free(kit->text);
    free(kit);
}

/* ---- the descriptor -------------------------------------------------------------------------- */

/* A new entry of a map of the descriptor. */
#define ADD(kit, Entry, entry, field, id, message)                                                 \
    do {                                                                                           \
        FN(ProcessBundleDescriptor__##Entry) *add_entry = new_message(kit, sizeof(*add_entry));    \
        fn(process_bundle_descriptor__##entry##__init)(add_entry);                                 \
        add_entry->key = copy(kit, id);                                                            \
        add_entry->value = (message);                                                              \
        void *add_list = kit->descriptor.field;                                                    \
        kit->descriptor.field = append(kit, add_list, kit->descriptor.n_##field, add_entry);       \
        kit->descriptor.n_##field++;                                                               \
    } while (0)

static void *new_message(exec_kit *kit, size_t size)
{
    void *made = beamc_arena_calloc(kit->arena, 1, size);
    must(made != NULL);
    return made;
}

static char *copy(exec_kit *kit, const char *text)
{
    char *made = beamc_arena_strdup(kit->arena, text);
    must(made != NULL);
    return made;
}

static void *append(exec_kit *kit, void *list, size_t count, void *item)
{
    void **more = beamc_arena_calloc(kit->arena, count + 1, sizeof(*more));

    must(more != NULL);
    if (count > 0)
        memcpy(more, list, count * sizeof(*more));
    more[count] = item;
    return more;
}

static ProtobufCBinaryData copy_bytes(exec_kit *kit, const void *bytes, size_t size)
{
    ProtobufCBinaryData made = { size, beamc_arena_memdup(kit->arena, bytes, size) };
    must(made.data != NULL);
    return made;
}

static ProtobufCBinaryData pack(exec_kit *kit, const void *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    ProtobufCBinaryData made = { size, beamc_arena_alloc(kit->arena, size) };

    must(made.data != NULL);
    protobuf_c_message_pack(message, made.data);
    return made;
}

static bool has_coder(const exec_kit *kit, const char *id)
{
    for (size_t i = 0; i < kit->descriptor.n_coders; i++) {
        if (strcmp(kit->descriptor.coders[i]->key, id) == 0)
            return true;
    }
    return false;
}

const char *exec_coder(exec_kit *kit, const beamc_type *type)
{
    const char *id;

    exec_ok(beamc__type_to_coder(&id, kit->coders, type));
    for (size_t i = 0; i < beamc__coder_set_count(kit->coders); i++) {
        const char *each = beamc__coder_set_id(kit->coders, i);
        if (!has_coder(kit, each))
            ADD(kit, CodersEntry, coders_entry, coders, each,
                beamc__coder_set_coder(kit->coders, i));
    }
    return id;
}

const char *exec_coder_of(exec_kit *kit, const char *urn, const char *first, const char *second)
{
    const char *parts[] = { first, second };
    char *id = beamc_arena_printf(kit->arena, "%s(%s,%s)", urn, first == NULL ? "" : first,
                                  second == NULL ? "" : second);
    PB(Coder) *coder = new_message(kit, sizeof(*coder));

    must(id != NULL);
    if (has_coder(kit, id))
        return id;
    pb(coder__init)(coder);
    coder->spec = new_message(kit, sizeof(*coder->spec));
    pb(function_spec__init)(coder->spec);
    coder->spec->urn = copy(kit, urn);
    for (size_t i = 0; i < 2 && parts[i] != NULL; i++)
        coder->component_coder_ids = append(kit, coder->component_coder_ids,
                                            coder->n_component_coder_ids++, copy(kit, parts[i]));
    ADD(kit, CodersEntry, coders_entry, coders, id, coder);
    return id;
}

static const char *window_coder(exec_kit *kit, const beamc_windowing *windowing)
{
    return exec_coder_of(kit, beamc__window_coder_urn(windowing), NULL, NULL);
}

static const char *strategy(exec_kit *kit, const beamc_windowing *windowing)
{
    const char *coder = window_coder(kit, windowing);
    const char *id = beamc_arena_printf(kit->arena, "w%zu", kit->descriptor.n_windowing_strategies);
    PB(WindowingStrategy) *made = beamc__strategy_write(windowing, coder, "", kit->arena);

    must(id != NULL && made != NULL);
    ADD(kit, WindowingStrategiesEntry, windowing_strategies_entry, windowing_strategies, id, made);
    return id;
}

void exec_collection_of(exec_kit *kit, const char *id, const char *coder_id,
                        beamc_windowing windowing)
{
    PB(PCollection) *made = new_message(kit, sizeof(*made));

    pb(pcollection__init)(made);
    made->unique_name = copy(kit, id);
    made->coder_id = copy(kit, coder_id);
    made->windowing_strategy_id = copy(kit, strategy(kit, &windowing));
    ADD(kit, PcollectionsEntry, pcollections_entry, pcollections, id, made);
}

void exec_collection(exec_kit *kit, const char *id, const beamc_type *type,
                     beamc_windowing windowing)
{
    exec_collection_of(kit, id, exec_coder(kit, type), windowing);
}

PB(PTransform) *exec_find_transform(exec_kit *kit, const char *id)
{
    for (size_t i = 0; i < kit->descriptor.n_transforms; i++) {
        if (strcmp(kit->descriptor.transforms[i]->key, id) == 0)
            return kit->descriptor.transforms[i]->value;
    }
    ck_abort_msg("the kit has no transform %s", id);
}

PB(PCollection) *exec_find_collection(exec_kit *kit, const char *id)
{
    for (size_t i = 0; i < kit->descriptor.n_pcollections; i++) {
        if (strcmp(kit->descriptor.pcollections[i]->key, id) == 0)
            return kit->descriptor.pcollections[i]->value;
    }
    ck_abort_msg("the kit has no PCollection %s", id);
}

void exec_transform(exec_kit *kit, const char *id, const char *urn, const void *payload,
                    size_t size)
{
    PB(PTransform) *made = new_message(kit, sizeof(*made));

    pb(ptransform__init)(made);
    made->unique_name = copy(kit, id);
    made->spec = new_message(kit, sizeof(*made->spec));
    pb(function_spec__init)(made->spec);
    made->spec->urn = copy(kit, urn);
    made->spec->payload = copy_bytes(kit, payload, size);
    ADD(kit, TransformsEntry, transforms_entry, transforms, id, made);
}

void exec_input(exec_kit *kit, const char *id, const char *tag, const char *collection)
{
    PB(PTransform) *transform = exec_find_transform(kit, id);
    PB(PTransform__InputsEntry) *entry = new_message(kit, sizeof(*entry));

    pb(ptransform__inputs_entry__init)(entry);
    entry->key = copy(kit, tag);
    entry->value = copy(kit, collection);
    transform->inputs = append(kit, transform->inputs, transform->n_inputs++, entry);
}

void exec_output(exec_kit *kit, const char *id, const char *tag, const char *collection)
{
    PB(PTransform) *transform = exec_find_transform(kit, id);
    PB(PTransform__OutputsEntry) *entry = new_message(kit, sizeof(*entry));

    pb(ptransform__outputs_entry__init)(entry);
    entry->key = copy(kit, tag);
    entry->value = copy(kit, collection);
    transform->outputs = append(kit, transform->outputs, transform->n_outputs++, entry);
}

static const beamc_type *type_of(exec_kit *kit, const char *coder_id);

static kit_input *find_input(exec_kit *kit, const char *id)
{
    for (size_t i = 0; i < kit->input_count; i++) {
        if (strcmp(kit->inputs[i].input.transform_id, id) == 0)
            return &kit->inputs[i];
    }
    ck_abort_msg("the kit has no source %s", id);
}

static beamc_error *wrote(beamc__output *self, size_t start, size_t head_size, size_t key_size);
static beamc_error *next_chunk(beamc__input *self, beamc_bytes *out);
static beamc_error *next_group(beamc__input *self, beamc__group *out, bool *got);

void exec_port(exec_kit *kit, const char *id, const char *collection, const char *coder_id,
               bool is_source)
{
    FN(RemoteGrpcPort) port = FNK(REMOTE_GRPC_PORT__INIT);

    port.coder_id = (char *)coder_id;
    ProtobufCBinaryData payload = pack(kit, &port);
    exec_transform(kit, id, is_source ? BEAMC_URN_DATA_SOURCE : BEAMC_URN_DATA_SINK, payload.data,
                   payload.len);
    const beamc_type *type = type_of(kit, coder_id);
    if (is_source) {
        must(kit->input_count < 8);
        exec_output(kit, id, "out", collection);
        kit_input *input = &kit->inputs[kit->input_count++];
        input->input.transform_id = copy(kit, id);
        input->input.next_chunk = next_chunk;
        input->kit = kit;
        return;
    }
    must(kit->output_count < 8);
    exec_input(kit, id, "in", collection);
    kit_output *output = &kit->outputs[kit->output_count++];
    output->output.transform_id = copy(kit, id);
    output->output.wrote = wrote;
    output->kit = kit;
    output->type = type->fields[0].type;
    output->window = type->kind == BEAMC_KIND_PARAM_WINDOWED_VALUE ? NULL : type->fields[1].type;
}

static const char *port_coder(exec_kit *kit, const char *collection)
{
    const PB(PCollection) *from = exec_find_collection(kit, collection);

    for (size_t i = 0; i < kit->descriptor.n_windowing_strategies; i++) {
        if (strcmp(kit->descriptor.windowing_strategies[i]->key, from->windowing_strategy_id) == 0)
            return exec_coder_of(kit, BEAMC_URN_CODER_WINDOWED_VALUE, from->coder_id,
                                 kit->descriptor.windowing_strategies[i]->value->window_coder_id);
    }
    ck_abort_msg("the kit has no strategy %s", from->windowing_strategy_id);
}

void exec_source(exec_kit *kit, const char *id, const char *collection)
{
    exec_port(kit, id, collection, port_coder(kit, collection), true);
}

void exec_sink(exec_kit *kit, const char *id, const char *collection)
{
    exec_port(kit, id, collection, port_coder(kit, collection), false);
}

static PB(FunctionSpec) *function_spec(exec_kit *kit, const char *urn, CS(Function) *function)
{
    PB(FunctionSpec) *spec = new_message(kit, sizeof(*spec));

    pb(function_spec__init)(spec);
    spec->urn = (char *)urn;
    spec->payload = pack(kit, function);
    return spec;
}

static void add_side(exec_kit *kit, const char *id, const beamc_dofn_side *side,
                     const exec_side *from, CS(Function) *function, PB(ParDoPayload) *payload)
{
    CS(Side) *made = new_message(kit, sizeof(*made));
    PB(ParDoPayload__SideInputsEntry) *entry = new_message(kit, sizeof(*entry));

    cs(side__init)(made);
    made->tag = copy(kit, side->name);
    made->view = (CS(Side__View))side->view;
    if (from->default_value.data != NULL) {
        made->optional_default_case = CSK(SIDE__OPTIONAL_DEFAULT_DEFAULT_VALUE);
        made->default_value = copy_bytes(kit, from->default_value.data, from->default_value.size);
    }
    function->sides = append(kit, function->sides, function->n_sides++, made);
    pb(par_do_payload__side_inputs_entry__init)(entry);
    entry->key = made->tag;
    entry->value = new_message(kit, sizeof(*entry->value));
    pb(side_input__init)(entry->value);
    payload->side_inputs = append(kit, payload->side_inputs, payload->n_side_inputs++, entry);
    exec_input(kit, id, side->name, from->collection);
}

void exec_par_do_with(exec_kit *kit, const char *id, const char *input, const beamc_dofn *dofn,
                      const exec_par_do_options *options)
{
    PB(ParDoPayload) payload = PBK(PAR_DO_PAYLOAD__INIT);
    CS(Function) function;

    exec_transform(kit, id, BEAMC_URN_PARDO, "", 0);
    exec_input(kit, id, "in", input);
    cs(function__init)(&function);
    function.name = (char *)dofn->function.name;
    function.file = "kit.c";
    function.line = 7;
    if (options->config.data != NULL) {
        function.optional_config_case = CSK(FUNCTION__OPTIONAL_CONFIG_CONFIG);
        function.config = copy_bytes(kit, options->config.data, options->config.size);
    }
    for (size_t i = 0; i < 4 && options->outputs[i] != NULL; i++) {
        const char *tag = i == 0 ? "output" : dofn->outputs[i - 1].tag;
        function.outputs = append(kit, function.outputs, function.n_outputs++, copy(kit, tag));
        exec_output(kit, id, tag, options->outputs[i]);
    }
    for (size_t i = 0; i < 4 && options->sides[i].collection != NULL; i++)
        add_side(kit, id, &dofn->sides[i], &options->sides[i], &function, &payload);
    payload.do_fn = function_spec(kit, URN_DOFN, &function);
    exec_find_transform(kit, id)->spec->payload = pack(kit, &payload);
}

void exec_par_do(exec_kit *kit, const char *id, const char *input, const beamc_dofn *dofn,
                 const char *output)
{
    exec_par_do_options options = { .outputs = { output } };
    exec_par_do_with(kit, id, input, dofn, &options);
}

void exec_combine(exec_kit *kit, const char *id, const char *urn, const char *input,
                  const beamc_combine_fn *fn, const beamc_type *accumulator, int part,
                  const char *output)
{
    PB(CombinePayload) payload = PBK(COMBINE_PAYLOAD__INIT);
    CS(Function) function;

    cs(function__init)(&function);
    function.name = (char *)fn->function.name;
    function.kind = CSK(FUNCTION__KIND__COMBINE_FN);
    function.part = (CS(Function__Part))part;
    payload.combine_fn = function_spec(kit, URN_COMBINE_FN, &function);
    payload.accumulator_coder_id = copy(kit, exec_coder(kit, accumulator));
    ProtobufCBinaryData packed = pack(kit, &payload);
    exec_transform(kit, id, urn, packed.data, packed.len);
    exec_input(kit, id, "in", input);
    exec_output(kit, id, "out", output);
}

void exec_window_into(exec_kit *kit, const char *id, const char *input, beamc_windowing windowing,
                      const char *output)
{
    PB(WindowIntoPayload) payload = PBK(WINDOW_INTO_PAYLOAD__INIT);

    payload.window_fn = beamc__window_fn_write(&windowing, kit->arena);
    must(payload.window_fn != NULL);
    ProtobufCBinaryData packed = pack(kit, &payload);
    exec_transform(kit, id, BEAMC_URN_WINDOW_INTO, packed.data, packed.len);
    exec_input(kit, id, "in", input);
    exec_output(kit, id, "out", output);
}

void exec_flatten(exec_kit *kit, const char *id, const char *const *inputs, size_t count,
                  const char *output)
{
    exec_transform(kit, id, BEAMC_URN_FLATTEN, "", 0);
    for (size_t i = 0; i < count; i++)
        exec_input(kit, id, beamc_arena_printf(kit->arena, "%zu", i), inputs[i]);
    exec_output(kit, id, "out", output);
}

FN(ProcessBundleDescriptor) *exec_descriptor(exec_kit *kit)
{
    return &kit->descriptor;
}

beamc_arena *exec_arena(exec_kit *kit)
{
    return kit->arena;
}

static const PB(Coder) *find_coder(void *ctx, const char *id)
{
    const exec_kit *kit = ctx;

    for (size_t i = 0; i < kit->descriptor.n_coders; i++) {
        if (strcmp(kit->descriptor.coders[i]->key, id) == 0)
            return kit->descriptor.coders[i]->value;
    }
    return NULL;
}

static const beamc_type *type_of(exec_kit *kit, const char *coder_id)
{
    beamc__coder_resolver resolver = { find_coder, kit, kit->customs, kit->custom_count };
    const beamc_type *type;

    exec_ok(beamc__type_from_coder(&type, &resolver, coder_id, kit->arena));
    return type;
}

/* ---- inputs ---------------------------------------------------------------------------------- */

static const uint8_t no_firing = BEAMC__PANE_NO_FIRING;

void exec_put_bytes(exec_kit *kit, const char *source, const void *bytes, size_t size)
{
    kit_input *input = find_input(kit, source);

    must(input->count < 4 * MOST);
    beamc_buffer_append(&input->bytes, bytes, size);
    must(!beamc_buffer_failed(&input->bytes));
    input->ends[input->count++] = input->bytes.size;
}

void exec_put_in(exec_kit *kit, const char *source, const beamc_type *type, const void *value,
                 beamc_timestamp timestamp, const beamc_interval_window *windows, size_t count)
{
    beamc_buffer encoded, element;
    beamc_element_info info = { timestamp, NULL, 0, (uint32_t)count, &no_firing, 1 };

    beamc_buffer_init(&encoded);
    beamc_buffer_init(&element);
    for (size_t i = 0; windows != NULL && i < count; i++)
        ck_assert_int_eq(beamc__interval_window_encode(&windows[i], &encoded), BEAMC_OK);
    info.windows = encoded.data;
    info.windows_size = (uint32_t)encoded.size;
    ck_assert_int_eq(beamc__element_info_encode(&info, &element), BEAMC_OK);
    ck_assert_int_eq(beamc_encode(type, value, true, &element), BEAMC_OK);
    exec_put_bytes(kit, source, element.data, element.size);
    beamc_buffer_dispose(&encoded);
    beamc_buffer_dispose(&element);
}

void exec_put(exec_kit *kit, const char *source, const beamc_type *type, const void *value,
              beamc_timestamp timestamp)
{
    exec_put_in(kit, source, type, value, timestamp, NULL, 1);
}

void exec_put_group(exec_kit *kit, const char *source, const beamc_type *key_type, const void *key,
                    const beamc_type *value_type, const void *values, size_t count,
                    const beamc_interval_window *window)
{
    kit_input *input = find_input(kit, source);
    kit_group *more = realloc(input->groups, (input->group_count + 1) * sizeof(*more));

    must(more != NULL && count <= MOST);
    input->groups = more;
    input->input.next_chunk = NULL;
    input->input.next_group = next_group;
    kit_group *group = &more[input->group_count++];
    memset(group, 0, sizeof(*group));
    ck_assert_int_eq(beamc_encode(key_type, key, true, &group->key), BEAMC_OK);
    for (size_t i = 0; i < count; i++) {
        const char *value = (const char *)values + i * value_type->size;
        ck_assert_int_eq(beamc_encode(value_type, value, true, &group->values), BEAMC_OK);
        group->ends[group->count++] = group->values.size;
    }
    group->timestamp = BEAMC_TIMESTAMP_MAX_GLOBAL;
    if (window != NULL) {
        group->timestamp = window->end - 1;
        group->window_size = (uint32_t)beamc__interval_encode(*window, group->window);
    }
}

void exec_set_chunk(exec_kit *kit, size_t bytes)
{
    kit->chunk = bytes;
}

static beamc_error *next_chunk(beamc__input *self, beamc_bytes *out)
{
    kit_input *input = (kit_input *)self;
    size_t start = input->next == 0 ? 0 : input->ends[input->next - 1];

    while (input->next < input->count) {
        size_t end = input->ends[input->next++];
        size_t last = input->next == input->count ? 0 : input->ends[input->next];
        if (last == 0 || (input->kit->chunk != 0 && last - start > input->kit->chunk)) {
            *out = (beamc_bytes){ input->bytes.data + start, end - start };
            return NULL;
        }
    }
    *out = (beamc_bytes){ NULL, 0 };
    return NULL;
}

/* A cursor is the number of the next value, plus 1. */
static void start_values(const beamc__group *group BEAMC_UNUSED, uintptr_t cursor[4])
{
    cursor[0] = 1;
}

static beamc_error *next_value(const beamc__group *group, uintptr_t cursor[4], beamc_bytes *value)
{
    const kit_group *from = group->source;
    size_t at = cursor[0] - 1;

    *value = (beamc_bytes){ NULL, 0 };
    if (at == from->count)
        return NULL;
    size_t start = at == 0 ? 0 : from->ends[at - 1];
    *value = (beamc_bytes){ from->values.data + start, from->ends[at] - start };
    cursor[0]++;
    return NULL;
}

static beamc_error *next_group(beamc__input *self, beamc__group *out, bool *got)
{
    static const uint8_t on_time = 0x07;
    static const beamc__group_ops ops = { start_values, next_value, NULL };
    kit_input *input = (kit_input *)self;

    *got = input->next < input->group_count;
    if (!*got)
        return NULL;
    const kit_group *group = &input->groups[input->next++];
    *out = (beamc__group){
        .info = { group->timestamp, group->window, group->window_size, 1, &on_time, 1 },
        .key = { group->key.data, group->key.size },
        .ops = &ops,
        .source = group,
        .count = (int64_t)group->count,
    };
    return NULL;
}

/* ---- outputs --------------------------------------------------------------------------------- */

static void print_head(const beamc_element_info *info, beamc_buffer *out)
{
    beamc_interval_window window;
    uint32_t at = 0;

    if (info->timestamp != BEAMC_TIMESTAMP_MIN)
        beamc_buffer_printf(out, " @%" PRId64, info->timestamp);
    while (beamc_element_next_interval(info, &at, &window))
        beamc_buffer_printf(out, " [%" PRId64 ",%" PRId64 ")", window.start, window.end);
    if (at == 0 && info->window_count != 1)
        beamc_buffer_printf(out, " in %u windows", info->window_count);
}

/* Decodes what was written: it must be all of it, and its key where it is said to be. */
static beamc_error *wrote(beamc__output *self, size_t start, size_t head_size, size_t key_size)
{
    kit_output *output = (kit_output *)self;
    const uint8_t *element = self->buffer.data + start;
    beamc_reader in = beamc_reader_of(element, self->buffer.size - start);
    beamc_element_info info = beamc_element_info_initial;

    if (output->kit->quiet) {
        self->buffer.size = start;
        return NULL;
    }
    beamc_arena *arena = beamc_arena_new();
    beamc__decode_context context = { arena, NULL };
    must(arena != NULL);
    if (output->window != NULL)
        ck_assert_int_eq(beamc__element_info_decode(&info, output->window, &in, &context), BEAMC_OK);
    ck_assert_uint_eq((size_t)(in.at - element), head_size);
    if (key_size > 0) {
        beamc_reader key = in;
        ck_assert_int_eq(beamc__skip(output->type->fields[0].type, true, &key, &context), BEAMC_OK);
        ck_assert_uint_eq((size_t)(key.at - in.at), key_size);
    }
    void *value = beamc_arena_calloc(arena, 1, output->type->size);
    ck_assert_int_eq(beamc__decode(output->type, value, true, &in, &context), BEAMC_OK);
    ck_assert_uint_le(beamc_reader_left(&in), output->window == NULL ? 1 : 0);
    beamc_print(output->type, value, &output->lines);
    print_head(&info, &output->lines);
    beamc_buffer_append_byte(&output->lines, '\n');
    must(!beamc_buffer_failed(&output->lines));
    beamc_arena_free(arena);
    self->buffer.size = start;
    return NULL;
}

const char *exec_lines(exec_kit *kit, const char *sink)
{
    for (size_t i = 0; i < kit->output_count; i++) {
        const kit_output *output = &kit->outputs[i];
        if (strcmp(output->output.transform_id, sink) != 0)
            continue;
        free(kit->text);
        kit->text = malloc(output->lines.size + 1);
        must(kit->text != NULL);
        if (output->lines.size > 0)
            memcpy(kit->text, output->lines.data, output->lines.size);
        kit->text[output->lines.size] = '\0';
        return kit->text;
    }
    ck_abort_msg("the kit has no sink %s", sink);
}

/* ---- state ----------------------------------------------------------------------------------- */

void exec_put_side(exec_kit *kit, const char *name, const beamc_interval_window *window,
                   const beamc_type *key_type, const void *key, const beamc_type *type,
                   const void *values, size_t count)
{
    must(kit->side_count < MOST);
    kit_side *side = &kit->sides[kit->side_count++];
    side->side = copy(kit, name);
    if (window != NULL)
        ck_assert_int_eq(beamc__interval_window_encode(window, &side->window), BEAMC_OK);
    side->is_multimap = key_type != NULL;
    if (key_type != NULL)
        ck_assert_int_eq(beamc_encode(key_type, key, true, &side->key), BEAMC_OK);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(beamc_encode(type, (const char *)values + i * type->size, true,
                                      &side->values),
                         BEAMC_OK);
}

void exec_set_page(exec_kit *kit, size_t bytes)
{
    kit->page = bytes;
}

size_t exec_state_calls(const exec_kit *kit)
{
    return kit->state_calls;
}

long exec_state_open(const exec_kit *kit)
{
    return kit->state_open;
}

static bool same_bytes(const beamc_buffer *a, beamc_bytes b)
{
    return a->size == b.size && (b.size == 0 || memcmp(a->data, b.data, b.size) == 0);
}

/* The token of a page is where it starts, as a number. */
static beamc_error *state_get(beamc__state *self, const beamc__state_key *key, beamc_bytes from,
                              beamc__state_page *page)
{
    exec_kit *kit = (exec_kit *)(void *)((char *)self - offsetof(exec_kit, state));
    bool is_multimap = key->kind == BEAMC__STATE_MULTIMAP_SIDE_INPUT;
    size_t start = 0;

    kit->state_calls++;
    kit->state_open++;
    if (from.size == sizeof(start))
        memcpy(&start, from.data, sizeof(start));
    for (size_t i = 0; i < kit->side_count; i++) {
        kit_side *side = &kit->sides[i];
        if (key->kind == BEAMC__STATE_RUNNER || side->is_multimap != is_multimap ||
            strcmp(side->side, key->id) != 0 || !same_bytes(&side->window, key->window) ||
            (is_multimap && !same_bytes(&side->key, key->key)))
            continue;
        size_t size = side->values.size - start;
        if (kit->page != 0 && size > kit->page)
            size = kit->page;
        page->data = side->values.data + start;
        page->size = size;
        start += size;
        if (start < side->values.size) {
            page->owner = malloc(sizeof(start));
            must(page->owner != NULL);
            memcpy(page->owner, &start, sizeof(start));
            page->next = page->owner;
            page->next_size = sizeof(start);
        }
        return NULL;
    }
    return NULL;
}

static void state_release(beamc__state *self, beamc__state_page *page)
{
    exec_kit *kit = (exec_kit *)(void *)((char *)self - offsetof(exec_kit, state));

    free(page->owner);
    kit->state_open--;
}

/* ---- running --------------------------------------------------------------------------------- */

void exec_set_memory(exec_kit *kit, size_t combine_memory)
{
    kit->options.combine_memory = combine_memory;
}

void exec_set_customs(exec_kit *kit, const beamc_type *const *customs, size_t count)
{
    beamc_type **copied = beamc_arena_memdup(kit->arena, customs, count * sizeof(*customs));

    must(copied != NULL);
    kit->customs = (const beamc_type *const *)copied;
    kit->custom_count = count;
}

void exec_set_samples(exec_kit *kit, beamc__samples *samples)
{
    kit->options.samples = samples;
}

void exec_set_byte_sizes(exec_kit *kit)
{
    kit->options.byte_sizes = true;
}

void exec_set_log_overrides(exec_kit *kit, const beamc_log_overrides *overrides)
{
    kit->options.log_overrides = overrides;
}

void exec_set_log(exec_kit *kit, const beamc_log_sink *log)
{
    kit->options.log = log;
    kit->options.log_level = BEAMC_LOG_INFO;
    kit->log = log;
}

void exec_set_cancel(exec_kit *kit, const volatile int *cancel)
{
    kit->cancel = cancel;
}

beamc_error *exec_make(exec_kit *kit)
{
    return kit->plan != NULL ? NULL
                             : beamc__plan_new(&kit->plan, &kit->descriptor, &kit->options);
}

beamc__plan *exec_plan(exec_kit *kit)
{
    return kit->plan;
}

void exec_drop_plan(exec_kit *kit)
{
    beamc__plan_free(kit->plan);
    kit->plan = NULL;
}

beamc_error *exec_run(exec_kit *kit)
{
    beamc__input *inputs[8];
    beamc__output *outputs[8];

    BEAMC_TRY(exec_make(kit));
    for (size_t i = 0; i < kit->input_count; i++) {
        inputs[i] = &kit->inputs[i].input;
        kit->inputs[i].next = 0;
    }
    for (size_t i = 0; i < kit->output_count; i++) {
        outputs[i] = &kit->outputs[i].output;
        beamc_buffer_clear(&kit->outputs[i].output.buffer);
        beamc_buffer_clear(&kit->outputs[i].lines);
    }
    kit->state = (beamc__state){ .get = state_get, .release = state_release };
    beamc__bundle bundle = {
        .instruction_id = "bundle",
        .inputs = inputs,
        .input_count = kit->input_count,
        .outputs = outputs,
        .output_count = kit->output_count,
        .state = &kit->state,
        .log = kit->log,
        .log_level = BEAMC_LOG_INFO,
        .cancel = kit->cancel,
    };
    return beamc__plan_run(kit->plan, &bundle);
}

void exec_fail_allocations(exec_kit *kit, long at_least)
{
    bool failed = true;
    long n = 0;

    for (kit->quiet = true; failed; n++) {
        test_alloc_fail_at(n);
        beamc_error *error = exec_run(kit);
        failed = test_alloc_failed();
        exec_drop_plan(kit);
        test_alloc_fail_at(-1);
        if (!failed)
            exec_ok(error);
        else
            ck_assert_int_eq(beamc_error_code(error), BEAMC_ENOMEM);
        beamc_error_free(error);
    }
    ck_assert_int_gt(n, at_least);
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines of @text in order; for the caller to free. */
static char *sort_lines(const char *text)
{
    char *copied = strdup(text);
    char *sorted = malloc(strlen(text) + 2);
    char *lines[4 * MOST];
    size_t count = 0;
    char *rest = copied;

    must(copied != NULL && sorted != NULL);
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        must(count < 4 * MOST);
        if (*line != '\0')
            lines[count++] = line;
    }
    qsort(lines, count, sizeof(*lines), compare_lines);
    char *to = sorted;
    for (size_t i = 0; i < count; i++)
        to += sprintf(to, "%s\n", lines[i]);
    *to = '\0';
    free(copied);
    return sorted;
}

void exec_expect_at(const char *file, int line, beamc_error *take_error, beamc_code code,
                    const char *part)
{
    char text[512] = "";

    beamc_error_print(take_error, text, sizeof(text));
    beamc_code found = beamc_error_code(take_error);
    beamc_error_free(take_error);
    if (part == NULL)
        ck_assert_msg(take_error == NULL, "%s:%d: %s", file, line, text);
    else
        ck_assert_msg(found == code && strstr(text, part) != NULL,
                      "%s:%d: expected %s with \"%s\", got %s: %s", file, line,
                      beamc_code_name(code), part, beamc_code_name(found), text);
}

void exec_check_at(const char *file, int line, exec_kit *kit, const char *sink,
                   const char *expected, bool sorted)
{
    exec_expect_at(file, line, exec_run(kit), BEAMC_OK, NULL);
    const char *lines = exec_lines(kit, sink);
    char *got = sorted ? sort_lines(lines) : strdup(lines);
    must(got != NULL);
    ck_assert_msg(strcmp(got, expected) == 0, "%s:%d: expected\n%s\ngot\n%s", file, line, expected,
                  got);
    free(got);
}

void exec_check_error_at(const char *file, int line, exec_kit *kit, beamc_code code,
                         const char *part)
{
    exec_expect_at(file, line, exec_run(kit), code, part);
}
