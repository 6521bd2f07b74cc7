/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/descriptors.h"

#include "proto/unpack.h"
#include "proto/urns.h"
#include "sdk/base/arena_proto.h"
#include "sdk/base/table.h"
#include "sdk/rpc/pack.h"
#include <stdlib.h>
#include <uv.h>

#define METHOD                                                                                     \
    "/org.apache.beam.model.fn_execution.v1.BeamFnControl/GetProcessBundleDescriptor"
#define ASK_MS 60000

struct beamc__descriptors {
    beamc__rpc_channel *control;
    const beamc__plan_options *options;
    uv_mutex_t lock; /* guards what follows; held while asking, so that one asks */
    beamc_arena *arena;
    beamc__table *all;
    uv_mutex_t sampling; /* guards `all` against sampling, which must not wait for an answer */
};

beamc__descriptors *beamc__descriptors_new(beamc__rpc_channel *control,
                                           const beamc__plan_options *options)
{
    beamc__descriptors *descriptors = calloc(1, sizeof(*descriptors));

    if (descriptors == NULL)
        return NULL;
    if (uv_mutex_init(&descriptors->lock) < 0) {
        free(descriptors);
        return NULL;
    }
    if (uv_mutex_init(&descriptors->sampling) < 0) {
        uv_mutex_destroy(&descriptors->lock);
        free(descriptors);
        return NULL;
    }
    descriptors->control = control;
    descriptors->options = options;
    descriptors->arena = beamc_arena_new();
    descriptors->all = beamc__table_new();
    if (descriptors->arena == NULL || descriptors->all == NULL) {
        beamc__descriptors_free(descriptors);
        return NULL;
    }
    return descriptors;
}

void beamc__descriptors_free(beamc__descriptors *descriptors)
{
    if (descriptors == NULL)
        return;
    for (size_t i = 0; descriptors->all != NULL && i < beamc__table_count(descriptors->all); i++) {
        beamc__descriptor *each = beamc__table_value(descriptors->all, i);
        beamc__plan_pool_free(each->pool);
    }
    beamc__table_free(descriptors->all);
    beamc_arena_free(descriptors->arena);
    uv_mutex_destroy(&descriptors->sampling);
    uv_mutex_destroy(&descriptors->lock);
    free(descriptors);
}

/* ---- understanding one ------------------------------------------------------------------------- */

static beamc_error *read_port(beamc__descriptors *descriptors, const char *id,
                              const PB(PTransform) *transform, beamc__descriptor_port *out)
{
    ProtobufCAllocator allocator = beamc__arena_allocator(descriptors->arena);
    const ProtobufCBinaryData *payload = &transform->spec->payload;
    const FN(RemoteGrpcPort) *port =
        BEAMC__UNPACK(FN(RemoteGrpcPort), fn(remote_grpc_port__descriptor), &allocator,
                      payload->len, payload->data);

    if (port == NULL)
        return beamc_arena_failed(descriptors->arena)
                   ? beamc_error_nomem()
                   : beamc_error_new(BEAMC_ECORRUPT, "port %s is malformed", id);
    if (port->api_service_descriptor == NULL)
        return beamc_error_new(BEAMC_ECORRUPT, "port %s names no service", id);
    *out = (beamc__descriptor_port){ id, port->api_service_descriptor->url };
    return NULL;
}

static beamc_error *read_ports(beamc__descriptors *descriptors, beamc__descriptor *one)
{
    const FN(ProcessBundleDescriptor) *from = one->descriptor;

    one->sources = beamc_arena_calloc(descriptors->arena, from->n_transforms, sizeof(*one->sources));
    one->sinks = beamc_arena_calloc(descriptors->arena, from->n_transforms, sizeof(*one->sinks));
    if (one->sources == NULL || one->sinks == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < from->n_transforms; i++) {
        const PB(PTransform) *transform = from->transforms[i]->value;
        const char *id = from->transforms[i]->key;
        if (transform == NULL || transform->spec == NULL)
            continue; /* the plan will name it */
        if (strcmp(transform->spec->urn, BEAMC_URN_DATA_SOURCE) == 0)
            BEAMC_TRY(read_port(descriptors, id, transform, &one->sources[one->source_count++]));
        else if (strcmp(transform->spec->urn, BEAMC_URN_DATA_SINK) == 0)
            BEAMC_TRY(read_port(descriptors, id, transform, &one->sinks[one->sink_count++]));
    }
    return NULL;
}

/* Takes one in that lies in the arena; with the lock. */
static beamc_error *add(beamc__descriptors *descriptors, const FN(ProcessBundleDescriptor) *from,
                        beamc__descriptor **out)
{
    beamc__descriptor *one = beamc_arena_calloc(descriptors->arena, 1, sizeof(*one));

    if (one == NULL)
        return beamc_error_nomem();
    one->descriptor = from;
    BEAMC_TRY(read_ports(descriptors, one));
    if (from->state_api_service_descriptor != NULL &&
        *from->state_api_service_descriptor->url != '\0')
        one->state_url = from->state_api_service_descriptor->url;
    one->pool = beamc__plan_pool_new(from, descriptors->options);
    if (one->pool == NULL)
        return beamc_error_nomem();
    uv_mutex_lock(&descriptors->sampling);
    int rc = beamc__table_puts(descriptors->all, from->id, one);
    uv_mutex_unlock(&descriptors->sampling);
    if (rc < 0) {
        beamc__plan_pool_free(one->pool);
        return beamc_error_nomem();
    }
    *out = one;
    return NULL;
}

/* ---- asking ------------------------------------------------------------------------------------ */

static beamc_error *ask(beamc__descriptors *descriptors, const char *id, beamc__descriptor **out)
{
    FN(GetProcessBundleDescriptorRequest) request = FNK(GET_PROCESS_BUNDLE_DESCRIPTOR_REQUEST__INIT);
    ProtobufCMessage *response;

    request.process_bundle_descriptor_id = (char *)id;
    BEAMC_TRY(beamc__rpc_call_packed(&response, NULL, descriptors->control, METHOD, &request.base,
                                     &fn(process_bundle_descriptor__descriptor),
                                     descriptors->arena, ASK_MS));
    FN(ProcessBundleDescriptor) *from = (FN(ProcessBundleDescriptor) *)response;
    if (strcmp(from->id, id) != 0)
        return beamc_error_new(BEAMC_ECORRUPT, "the runner answered with descriptor %s", from->id);
    return add(descriptors, from, out);
}

beamc_error *beamc__descriptors_get(beamc__descriptors *descriptors, const char *id,
                                    const beamc__descriptor **out)
{
    beamc_error *error = NULL;

    uv_mutex_lock(&descriptors->lock);
    beamc__descriptor *one = beamc__table_gets(descriptors->all, id);
    if (one == NULL)
        error = beamc_error_wrap(ask(descriptors, id, &one), "descriptor %s", id);
    uv_mutex_unlock(&descriptors->lock);
    *out = one;
    return error;
}

beamc_error *beamc__descriptors_add(beamc__descriptors *descriptors,
                                    const FN(ProcessBundleDescriptor) *descriptor)
{
    size_t size = fn(process_bundle_descriptor__get_packed_size)(descriptor);
    uint8_t *bytes = malloc(size + 1);
    beamc_error *error = NULL;
    beamc__descriptor *one;

    if (bytes == NULL)
        return beamc_error_nomem();
    fn(process_bundle_descriptor__pack)(descriptor, bytes);
    uv_mutex_lock(&descriptors->lock);
    if (beamc__table_gets(descriptors->all, descriptor->id) == NULL) {
        ProtobufCAllocator allocator = beamc__arena_allocator(descriptors->arena);
        const FN(ProcessBundleDescriptor) *copy =
            BEAMC__UNPACK(FN(ProcessBundleDescriptor), fn(process_bundle_descriptor__descriptor),
                          &allocator, size, bytes);
        error = copy == NULL ? beamc_error_nomem() : add(descriptors, copy, &one);
    }
    uv_mutex_unlock(&descriptors->lock);
    free(bytes);
    return beamc_error_wrap(error, "descriptor %s", descriptor->id);
}

void beamc__descriptors_sample(beamc__descriptors *descriptors, int64_t elapsed_ms)
{
    uv_mutex_lock(&descriptors->sampling);
    for (size_t i = 0; i < beamc__table_count(descriptors->all); i++) {
        beamc__descriptor *each = beamc__table_value(descriptors->all, i);
        beamc__plan_pool_sample(each->pool, elapsed_ms);
    }
    uv_mutex_unlock(&descriptors->sampling);
}
