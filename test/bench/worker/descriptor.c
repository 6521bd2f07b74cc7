/* SPDX-License-Identifier: Apache-2.0 */
#include "test/bench/worker/descriptor.h"

#include "proto/beam.h"
#include "proto/urns.h"
#include "sdk/coders/type_proto.h"
#include "sdk/windowing/window_proto.h"
#include <beamc/window.h>

#define CODERS_MAX 16

typedef struct {
    PB(Coder) coder;
    PB(FunctionSpec) spec;
    FN(ProcessBundleDescriptor__CodersEntry) entry;
} coder;

/* What all of it hangs on until it is packed. */
typedef struct {
    beamc_arena *arena;
    beamc__coder_set *set;
    FN(ProcessBundleDescriptor) *descriptor;
    coder window, windowed; /* beside those of the set */
    const char *fed_id;
} making;

static ProtobufCBinaryData pack(beamc_arena *arena, const void *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = beamc_arena_alloc(arena, size);

    if (bytes == NULL)
        return (ProtobufCBinaryData){ 0, NULL };
    protobuf_c_message_pack(message, bytes);
    return (ProtobufCBinaryData){ size, bytes };
}

/* ---- coders ------------------------------------------------------------------------------------ */

static void add_coder(making *of, FN(ProcessBundleDescriptor__CodersEntry) *entry, const char *id,
                      PB(Coder) *message)
{
    fn(process_bundle_descriptor__coders_entry__init)(entry);
    entry->key = (char *)id;
    entry->value = message;
    of->descriptor->coders[of->descriptor->n_coders++] = entry;
}

static void add_standard_coder(making *of, coder *made, const char *id, const char *urn,
                               char **parts, size_t count)
{
    pb(coder__init)(&made->coder);
    pb(function_spec__init)(&made->spec);
    made->spec.urn = (char *)urn;
    made->coder.spec = &made->spec;
    made->coder.component_coder_ids = parts;
    made->coder.n_component_coder_ids = count;
    add_coder(of, &made->entry, id, &made->coder);
}

static beamc_error *add_coders(making *of, char **windowed_parts)
{
    BEAMC_TRY(beamc__type_to_coder(&of->fed_id, of->set, &beamc_type_fed));
    size_t count = beamc__coder_set_count(of->set);
    of->descriptor->coders =
        beamc_arena_calloc(of->arena, count + 2, sizeof(*of->descriptor->coders));
    FN(ProcessBundleDescriptor__CodersEntry) *entries =
        beamc_arena_calloc(of->arena, count, sizeof(*entries));
    if (beamc_arena_failed(of->arena))
        return beamc_error_nomem();
    for (size_t i = 0; i < count; i++)
        add_coder(of, &entries[i], beamc__coder_set_id(of->set, i),
                  beamc__coder_set_coder(of->set, i));
    windowed_parts[0] = (char *)of->fed_id;
    windowed_parts[1] = "window";
    add_standard_coder(of, &of->window, "window", BEAMC_URN_CODER_GLOBAL_WINDOW, NULL, 0);
    add_standard_coder(of, &of->windowed, "windowed", BEAMC_URN_CODER_WINDOWED_VALUE,
                       windowed_parts, 2);
    return NULL;
}

/* ---- transforms -------------------------------------------------------------------------------- */

static ProtobufCBinaryData port_payload(beamc_arena *arena, const char *url)
{
    PB(ApiServiceDescriptor) service = PBK(API_SERVICE_DESCRIPTOR__INIT);
    FN(RemoteGrpcPort) port = FNK(REMOTE_GRPC_PORT__INIT);

    service.url = (char *)url;
    port.api_service_descriptor = &service;
    port.coder_id = "windowed";
    return pack(arena, &port);
}

static ProtobufCBinaryData par_do_payload(beamc_arena *arena, const beamc_dofn *dofn)
{
    PB(ParDoPayload) payload = PBK(PAR_DO_PAYLOAD__INIT);
    PB(FunctionSpec) spec = PBK(FUNCTION_SPEC__INIT);
    char *outputs[] = { "output" };
    CS(Function) function;

    cs(function__init)(&function);
    function.name = (char *)dofn->function.name;
    function.outputs = outputs;
    function.n_outputs = 1;
    spec.urn = BEAMC_URN_OWN_DOFN;
    spec.payload = pack(arena, &function);
    payload.do_fn = &spec;
    return pack(arena, &payload);
}

/* With one input or none, and one output or none. */
static void add_transform(making *of, const char *id, const char *urn, ProtobufCBinaryData payload,
                          const char *input, const char *output)
{
    struct {
        PB(PTransform) transform;
        PB(FunctionSpec) spec;
        PB(PTransform__InputsEntry) input, *inputs[1];
        PB(PTransform__OutputsEntry) output, *outputs[1];
        FN(ProcessBundleDescriptor__TransformsEntry) entry;
    } *made = beamc_arena_calloc(of->arena, 1, sizeof(*made));

    if (made == NULL)
        return; /* the arena remembers */
    pb(ptransform__init)(&made->transform);
    pb(function_spec__init)(&made->spec);
    made->spec.urn = (char *)urn;
    made->spec.payload = payload;
    made->transform.unique_name = (char *)id;
    made->transform.spec = &made->spec;
    pb(ptransform__inputs_entry__init)(&made->input);
    made->input.key = "in";
    made->input.value = (char *)input;
    made->inputs[0] = &made->input;
    made->transform.inputs = made->inputs;
    made->transform.n_inputs = input != NULL;
    pb(ptransform__outputs_entry__init)(&made->output);
    made->output.key = "output";
    made->output.value = (char *)output;
    made->outputs[0] = &made->output;
    made->transform.outputs = made->outputs;
    made->transform.n_outputs = output != NULL;
    fn(process_bundle_descriptor__transforms_entry__init)(&made->entry);
    made->entry.key = (char *)id;
    made->entry.value = &made->transform;
    of->descriptor->transforms[of->descriptor->n_transforms++] = &made->entry;
}

/* ---- all of it --------------------------------------------------------------------------------- */

static beamc_error *make(making *of, beamc_buffer *out, const char *url, const beamc_dofn *dofn)
{
    FN(ProcessBundleDescriptor) *descriptor = of->descriptor;
    const beamc_windowing windowing = beamc_global_windows();
    FN(ProcessBundleDescriptor__TransformsEntry) *transforms[3];
    FN(ProcessBundleDescriptor__PcollectionsEntry) entries[2], *collections[2];
    FN(ProcessBundleDescriptor__WindowingStrategiesEntry) strategy, *strategies[] = { &strategy };
    PB(PCollection) collection = PBK(PCOLLECTION__INIT);
    char *parts[2];

    BEAMC_TRY(add_coders(of, parts));
    fn(process_bundle_descriptor__windowing_strategies_entry__init)(&strategy);
    strategy.key = "global";
    strategy.value = beamc__strategy_write(&windowing, "window", "", of->arena);
    descriptor->windowing_strategies = strategies;
    descriptor->n_windowing_strategies = 1;

    collection.unique_name = "fed";
    collection.coder_id = (char *)of->fed_id;
    collection.windowing_strategy_id = "global";
    for (size_t i = 0; i < 2; i++) {
        fn(process_bundle_descriptor__pcollections_entry__init)(&entries[i]);
        entries[i].key = i == 0 ? "fed" : "made";
        entries[i].value = &collection;
        collections[i] = &entries[i];
    }
    descriptor->pcollections = collections;
    descriptor->n_pcollections = 2;

    descriptor->transforms = transforms;
    ProtobufCBinaryData port = port_payload(of->arena, url);
    add_transform(of, "in", BEAMC_URN_DATA_SOURCE, port, NULL, "fed");
    add_transform(of, "fn", BEAMC_URN_PARDO, par_do_payload(of->arena, dofn), "fed", "made");
    add_transform(of, "out", BEAMC_URN_DATA_SINK, port, "made", NULL);
    if (beamc_arena_failed(of->arena))
        return beamc_error_nomem();
    uint8_t *to = beamc_buffer_reserve(
        out, fn(process_bundle_descriptor__get_packed_size)(descriptor));
    if (to == NULL)
        return beamc_error_nomem();
    out->size += fn(process_bundle_descriptor__pack)(descriptor, to);
    return NULL;
}

beamc_error *fed_descriptor(beamc_buffer *out, const char *id, const char *url,
                            const beamc_dofn *dofn)
{
    FN(ProcessBundleDescriptor) descriptor = FNK(PROCESS_BUNDLE_DESCRIPTOR__INIT);
    making of = { .arena = beamc_arena_new(),
                  .set = beamc__coder_set_new("c"),
                  .descriptor = &descriptor };

    descriptor.id = (char *)id;
    beamc_error *error = of.arena == NULL || of.set == NULL ? beamc_error_nomem()
                                                            : make(&of, out, url, dofn);
    beamc__coder_set_free(of.set);
    beamc_arena_free(of.arena);
    return error;
}
