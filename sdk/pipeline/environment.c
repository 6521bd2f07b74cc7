/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/pipeline/environment.h"

#include "proto/urns.h"
#include <inttypes.h>

/* What our workers can do: protocols first, then coders, then transforms. */
static const char *const capabilities[] = {
    "beam:protocol:control_request_elements_embedding:v1",
    "beam:protocol:data_sampling:v1",
    "beam:protocol:harness_monitoring_infos:v1",
    "beam:protocol:multi_core_bundle_processing:v1",
    "beam:protocol:progress_reporting:v1",
    "beam:protocol:sdk_consuming_received_data:v1",
    "beam:protocol:state_caching:v1",
    "beam:protocol:worker_status:v1",
    "beam:coder:bool:v1",
    "beam:coder:bytes:v1",
    "beam:coder:custom_window:v1",
    "beam:coder:double:v1",
    "beam:coder:global_window:v1",
    "beam:coder:interval_window:v1",
    "beam:coder:iterable:v1",
    "beam:coder:kv:v1",
    "beam:coder:length_prefix:v1",
    "beam:coder:nullable:v1",
    "beam:coder:param_windowed_value:v1",
    "beam:coder:row:v1",
    "beam:coder:sharded_key:v1",
    "beam:coder:state_backed_iterable:v1",
    "beam:coder:string_utf8:v1",
    "beam:coder:timer:v1",
    "beam:coder:varint:v1",
    "beam:coder:windowed_value:v1",
    "beam:transform:to_string:v1",
};

#define CAPABILITY_COUNT (sizeof(capabilities) / sizeof(*capabilities))

/* Used unless a runner is told another. */
#define DEFAULT_URN "beam:env:docker:v1"

/* ---- hints ------------------------------------------------------------------------------------ */

beamc__hints beamc__hints_of(const beamc__transform *transform)
{
    beamc__hints hints = { 0, 0, NULL };

    for (; transform != NULL; transform = transform->parent) {
        const beamc__hints *own = &transform->hints;
        if (own->min_ram_bytes > hints.min_ram_bytes)
            hints.min_ram_bytes = own->min_ram_bytes;
        if (own->cpu_count > hints.cpu_count)
            hints.cpu_count = own->cpu_count;
        if (hints.accelerator == NULL)
            hints.accelerator = own->accelerator;
    }
    return hints;
}

bool beamc__hints_equal(const beamc__hints *a, const beamc__hints *b)
{
    if (a->min_ram_bytes != b->min_ram_bytes || a->cpu_count != b->cpu_count ||
        (a->accelerator == NULL) != (b->accelerator == NULL))
        return false;
    return a->accelerator == NULL || strcmp(a->accelerator, b->accelerator) == 0;
}

static bool add_hint(PB(Environment) *environment, const char *urn, const char *value,
                     beamc_arena *arena)
{
    PB(Environment__ResourceHintsEntry) *entry = beamc_arena_alloc(arena, sizeof(*entry));

    if (entry == NULL || value == NULL)
        return false;
    pb(environment__resource_hints_entry__init)(entry);
    entry->key = (char *)urn;
    entry->value.data = (uint8_t *)value;
    entry->value.len = strlen(value);
    environment->resource_hints[environment->n_resource_hints++] = entry;
    return true;
}

static bool add_hints(PB(Environment) *environment, const beamc__hints *hints, beamc_arena *arena)
{
    environment->resource_hints =
        beamc_arena_calloc(arena, 3, sizeof(*environment->resource_hints));
    if (environment->resource_hints == NULL)
        return false;
    if (hints->accelerator != NULL &&
        !add_hint(environment, "beam:resources:accelerator:v1", hints->accelerator, arena))
        return false;
    if (hints->cpu_count > 0 &&
        !add_hint(environment, "beam:resources:cpu_count:v1",
                  beamc_arena_printf(arena, "%" PRIu32, hints->cpu_count), arena))
        return false;
    return hints->min_ram_bytes == 0 ||
           add_hint(environment, "beam:resources:min_ram_bytes:v1",
                    beamc_arena_printf(arena, "%" PRIu64, hints->min_ram_bytes), arena);
}

/* ---- the message ------------------------------------------------------------------------------ */

/* For protobuf-c to take memory from an arena. */
static void *arena_alloc(void *arena, size_t size)
{
    return beamc_arena_alloc(arena, size);
}

static void arena_free(void *arena BEAMC_UNUSED, void *memory BEAMC_UNUSED)
{
}

static beamc_error *add_dependencies(PB(Environment) *out, const beamc__environment *environment,
                                     beamc_arena *arena)
{
    ProtobufCAllocator allocator = { arena_alloc, arena_free, arena };

    out->dependencies =
        beamc_arena_calloc(arena, environment->dependency_count, sizeof(*out->dependencies));
    if (out->dependencies == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < environment->dependency_count; i++) {
        const beamc_bytes *bytes = &environment->dependencies[i];
        PB(ArtifactInformation) *artifact =
            pb(artifact_information__unpack)(&allocator, bytes->size, bytes->data);
        if (artifact == NULL)
            return beamc_arena_failed(arena)
                       ? beamc_error_nomem()
                       : beamc_error_new(BEAMC_ECORRUPT, "artifact %zu of the environment: %s", i,
                                         beamc_code_text(BEAMC_ECORRUPT));
        out->dependencies[out->n_dependencies++] = artifact;
    }
    return NULL;
}

static bool set_default(PB(Environment) *out, beamc_arena *arena)
{
    PB(DockerPayload) docker = PBK(DOCKER_PAYLOAD__INIT);

    docker.container_image = (char *)BEAMC_TEXT_WORKER_IMAGE;
    out->urn = (char *)DEFAULT_URN;
    out->payload.len = pb(docker_payload__get_packed_size)(&docker);
    out->payload.data = beamc_arena_alloc(arena, out->payload.len);
    if (out->payload.data == NULL)
        return false;
    pb(docker_payload__pack)(&docker, out->payload.data);
    return true;
}

beamc_error *beamc__environment_write(PB(Environment) **out, const beamc__environment *environment,
                                      const beamc__hints *hints, beamc_arena *arena)
{
    PB(Environment) *message = beamc_arena_alloc(arena, sizeof(*message));

    *out = message;
    if (message == NULL)
        return beamc_error_nomem();
    pb(environment__init)(message);
    message->capabilities = (char **)capabilities;
    message->n_capabilities = CAPABILITY_COUNT;
    if (!add_hints(message, hints, arena))
        return beamc_error_nomem();
    if (environment->urn == NULL)
        return set_default(message, arena) ? NULL : beamc_error_nomem();
    message->urn = (char *)environment->urn;
    message->payload.data = (uint8_t *)environment->payload.data;
    message->payload.len = environment->payload.size;
    return add_dependencies(message, environment, arena);
}
