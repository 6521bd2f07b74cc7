/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/worker/descriptors.h"

#include "proto/unpack.h"
#include "proto/urns.h"
#include "sdk/base/arena_proto.h"
#include "sdk/rpc/pack.h"
#include <stdlib.h>
#include <uv.h>

#define METHOD                                                                                     \
    "/org.apache.beam.model.fn_execution.v1.BeamFnControl/GetProcessBundleDescriptor"
#define ASK_MS 60000

enum { ERROR_SIZE = 4096 };

/* One that is known, or that somebody asks for. */
typedef struct known known;
struct known {
    known *next;
    beamc__descriptor descriptor;
    beamc_arena *arena; /* of all that belongs to it */
    const char *id;
    bool ready;
    int waiting;     /* threads */
    const char *why; /* it will never be ready; only they still know it */
    beamc_code code;
};

struct beamc__descriptors {
    beamc__rpc_channel *control;
    const beamc__plan_options *options;
    uv_mutex_t lock; /* guards what follows; not held while asking, which waits */
    uv_cond_t changed;
    known *all;
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
    if (uv_cond_init(&descriptors->changed) < 0) {
        uv_mutex_destroy(&descriptors->lock);
        free(descriptors);
        return NULL;
    }
    descriptors->control = control;
    descriptors->options = options;
    return descriptors;
}

static void known_free(known *one)
{
    beamc__plan_pool_free(one->descriptor.pool);
    beamc_arena_free(one->arena); /* itself in it */
}

void beamc__descriptors_free(beamc__descriptors *descriptors)
{
    if (descriptors == NULL)
        return;
    for (known *next, *each = descriptors->all; each != NULL; each = next) {
        next = each->next;
        known_free(each);
    }
    uv_cond_destroy(&descriptors->changed);
    uv_mutex_destroy(&descriptors->lock);
    free(descriptors);
}

/* ---- understanding one ----------------------------------------------------------------------- */

static beamc_error *read_port(known *one, const char *id, const PB(PTransform) *transform,
                              beamc__descriptor_port *out)
{
    ProtobufCAllocator allocator = beamc__arena_allocator(one->arena);
    const ProtobufCBinaryData *payload = &transform->spec->payload;
    const FN(RemoteGrpcPort) *port =
        BEAMC__UNPACK(FN(RemoteGrpcPort), fn(remote_grpc_port__descriptor), &allocator,
                      payload->len, payload->data);

    if (port == NULL)
        return beamc_arena_failed(one->arena)
                   ? beamc_error_nomem()
                   : beamc_error_new(BEAMC_ECORRUPT, "port %s is malformed", id);
    if (port->api_service_descriptor == NULL)
        return beamc_error_new(BEAMC_ECORRUPT, "port %s names no service", id);
    *out = (beamc__descriptor_port){ id, port->api_service_descriptor->url };
    return NULL;
}

static beamc_error *read_ports(known *one)
{
    beamc__descriptor *to = &one->descriptor;
    const FN(ProcessBundleDescriptor) *from = to->descriptor;

    to->sources = beamc_arena_calloc(one->arena, from->n_transforms, sizeof(*to->sources));
    to->sinks = beamc_arena_calloc(one->arena, from->n_transforms, sizeof(*to->sinks));
    if (beamc_arena_failed(one->arena))
        return beamc_error_nomem();
    for (size_t i = 0; i < from->n_transforms; i++) {
        const PB(PTransform) *transform = from->transforms[i]->value;
        const char *id = from->transforms[i]->key;
        if (transform == NULL || transform->spec == NULL)
            continue; /* the plan will name it */
        if (strcmp(transform->spec->urn, BEAMC_URN_DATA_SOURCE) == 0)
            BEAMC_TRY(read_port(one, id, transform, &to->sources[to->source_count++]));
        else if (strcmp(transform->spec->urn, BEAMC_URN_DATA_SINK) == 0)
            BEAMC_TRY(read_port(one, id, transform, &to->sinks[to->sink_count++]));
    }
    return NULL;
}

/* Understands @from, which lies in the arena. */
static beamc_error *fill(const beamc__descriptors *descriptors, known *one,
                         const FN(ProcessBundleDescriptor) *from)
{
    one->descriptor.descriptor = from;
    BEAMC_TRY(read_ports(one));
    if (from->state_api_service_descriptor != NULL &&
        *from->state_api_service_descriptor->url != '\0')
        one->descriptor.state_url = from->state_api_service_descriptor->url;
    one->descriptor.pool = beamc__plan_pool_new(from, descriptors->options);
    return one->descriptor.pool == NULL ? beamc_error_nomem() : NULL;
}

/* ---- the list -------------------------------------------------------------------------------- */

/* These are called with the lock. */

static known *find(const beamc__descriptors *descriptors, const char *id)
{
    known *each = descriptors->all;

    while (each != NULL && strcmp(each->id, id) != 0)
        each = each->next;
    return each;
}

/* An entry that is not ready; NULL: no memory. */
static known *add(beamc__descriptors *descriptors, const char *id)
{
    beamc_arena *arena = beamc_arena_new();
    known *one = arena == NULL ? NULL : beamc_arena_calloc(arena, 1, sizeof(*one));

    if (one != NULL)
        one->id = beamc_arena_strdup(arena, id);
    if (one == NULL || one->id == NULL) {
        beamc_arena_free(arena);
        return NULL;
    }
    one->arena = arena;
    one->next = descriptors->all;
    descriptors->all = one;
    return one;
}

/* It is ready; or, with an error, it was never there, but for those who wait for it. */
static void settle(beamc__descriptors *descriptors, known *one, const beamc_error *error)
{
    known **at = &descriptors->all;
    char text[ERROR_SIZE];

    uv_cond_broadcast(&descriptors->changed);
    one->ready = error == NULL;
    if (one->ready)
        return;
    while (*at != one)
        at = &(*at)->next;
    *at = one->next;
    if (one->waiting == 0) {
        known_free(one);
        return;
    }
    beamc_error_print(error, text, sizeof(text));
    one->code = beamc_error_code(error);
    one->why = beamc_arena_strdup(one->arena, text);
    if (one->why == NULL)
        one->why = beamc_code_text(BEAMC_ENOMEM);
}

/* Waits for what another thread asks for. */
static beamc_error *await(beamc__descriptors *descriptors, known *one)
{
    beamc_error *error = NULL;

    one->waiting++;
    while (!one->ready && one->why == NULL)
        uv_cond_wait(&descriptors->changed, &descriptors->lock);
    one->waiting--;
    if (one->ready)
        return NULL;
    error = beamc_error_new(one->code, "%s", one->why);
    if (one->waiting == 0)
        known_free(one);
    return error;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static beamc_error *ask(beamc__descriptors *descriptors, known *one)
{
    FN(GetProcessBundleDescriptorRequest) request = FNK(GET_PROCESS_BUNDLE_DESCRIPTOR_REQUEST__INIT);
    ProtobufCMessage *response;

    request.process_bundle_descriptor_id = (char *)one->id;
    BEAMC_TRY(beamc__rpc_call_packed(&response, NULL, descriptors->control, METHOD, &request.base,
                                     &fn(process_bundle_descriptor__descriptor), one->arena,
                                     ASK_MS));
    const FN(ProcessBundleDescriptor) *from = (FN(ProcessBundleDescriptor) *)response;
    if (*from->id != '\0' && strcmp(from->id, one->id) != 0)
        return beamc_error_new(BEAMC_ECORRUPT, "the runner answered with descriptor %s", from->id);
    return fill(descriptors, one, from);
}

/* With the lock, which it gives back while it asks. */
static beamc_error *fetch(beamc__descriptors *descriptors, const char *id, known **out)
{
    known *one = add(descriptors, id);

    if (one == NULL)
        return beamc_error_nomem();
    uv_mutex_unlock(&descriptors->lock);
    beamc_error *error = beamc_error_wrap(ask(descriptors, one), "descriptor %s", id);
    uv_mutex_lock(&descriptors->lock);
    settle(descriptors, one, error);
    *out = one;
    return error;
}

beamc_error *beamc__descriptors_get(beamc__descriptors *descriptors, const char *id,
                                    const beamc__descriptor **out)
{
    uv_mutex_lock(&descriptors->lock);
    known *one = find(descriptors, id);
    beamc_error *error =
        one != NULL ? await(descriptors, one) : fetch(descriptors, id, &one);
    *out = error == NULL ? &one->descriptor : NULL;
    uv_mutex_unlock(&descriptors->lock);
    return error;
}

/* With the lock.  A copy of @from becomes that of @one. */
static beamc_error *copy(const beamc__descriptors *descriptors, known *one,
                         const FN(ProcessBundleDescriptor) *from)
{
    ProtobufCAllocator allocator = beamc__arena_allocator(one->arena);
    size_t size = fn(process_bundle_descriptor__get_packed_size)(from);
    uint8_t *bytes = malloc(size + 1);

    if (bytes == NULL)
        return beamc_error_nomem();
    fn(process_bundle_descriptor__pack)(from, bytes);
    const FN(ProcessBundleDescriptor) *made =
        BEAMC__UNPACK(FN(ProcessBundleDescriptor), fn(process_bundle_descriptor__descriptor),
                      &allocator, size, bytes);
    free(bytes);
    return made == NULL ? beamc_error_nomem() : fill(descriptors, one, made);
}

beamc_error *beamc__descriptors_add(beamc__descriptors *descriptors,
                                    const FN(ProcessBundleDescriptor) *descriptor)
{
    beamc_error *error = NULL;

    uv_mutex_lock(&descriptors->lock);
    if (find(descriptors, descriptor->id) == NULL) {
        known *one = add(descriptors, descriptor->id);
        error = one == NULL ? beamc_error_nomem() : copy(descriptors, one, descriptor);
        if (one != NULL)
            settle(descriptors, one, error);
    }
    uv_mutex_unlock(&descriptors->lock);
    return beamc_error_wrap(error, "descriptor %s", descriptor->id);
}

bool beamc__descriptors_are_stale(beamc__descriptors *descriptors, int64_t ms)
{
    bool stale = false;

    uv_mutex_lock(&descriptors->lock);
    for (known *each = descriptors->all; each != NULL && !stale; each = each->next)
        stale = each->ready && beamc__plan_pool_is_stale(each->descriptor.pool, ms);
    uv_mutex_unlock(&descriptors->lock);
    return stale;
}

/* DoFns are torn down without the lock; what is ready stays in the list. */
void beamc__descriptors_trim(beamc__descriptors *descriptors, int64_t ms)
{
    uv_mutex_lock(&descriptors->lock);
    for (known *each = descriptors->all; each != NULL; each = each->next) {
        if (!each->ready)
            continue;
        uv_mutex_unlock(&descriptors->lock);
        beamc__plan_pool_trim(each->descriptor.pool, ms);
        uv_mutex_lock(&descriptors->lock);
    }
    uv_mutex_unlock(&descriptors->lock);
}

void beamc__descriptors_sample(beamc__descriptors *descriptors, int64_t elapsed_ms)
{
    uv_mutex_lock(&descriptors->lock);
    for (known *each = descriptors->all; each != NULL; each = each->next) {
        if (each->ready)
            beamc__plan_pool_sample(each->descriptor.pool, elapsed_ms);
    }
    uv_mutex_unlock(&descriptors->lock);
}

void beamc__descriptors_memory(beamc__descriptors *descriptors,
                               void (*visit)(void *ctx, const char *transform, size_t bytes),
                               void *ctx)
{
    uv_mutex_lock(&descriptors->lock);
    for (known *each = descriptors->all; each != NULL; each = each->next) {
        if (each->ready)
            beamc__plan_pool_memory(each->descriptor.pool, visit, ctx);
    }
    uv_mutex_unlock(&descriptors->lock);
}
