/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/container/provision.h"

#include "sdk/rpc/pack.h"
#include "sdk/rpc/queue.h"
#include <string.h>

#define METHOD "/org.apache.beam.model.fn_execution.v1.ProvisionService/GetProvisionInfo"
#define ASK_MS 120000 /* the runner's servers may come up after its workers */

/* ---- flags ----------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    size_t offset;
} known_flags[] = {
    { "id", offsetof(beamc__worker_flags, id) },
    { "provision_endpoint", offsetof(beamc__worker_flags, provision_endpoint) },
    { "control_endpoint", offsetof(beamc__worker_flags, control_endpoint) },
    { "logging_endpoint", offsetof(beamc__worker_flags, logging_endpoint) },
    { "artifact_endpoint", offsetof(beamc__worker_flags, artifact_endpoint) },
    { "status_endpoint", offsetof(beamc__worker_flags, status_endpoint) },
    { "semi_persist_dir", offsetof(beamc__worker_flags, semi_persist_dir) },
    { "sibling", offsetof(beamc__worker_flags, sibling) },
    { "refusal", offsetof(beamc__worker_flags, refusal) },
};

enum { FLAGS = sizeof(known_flags) / sizeof(*known_flags) };

static const char **flag_of(beamc__worker_flags *flags, const char *name, size_t size)
{
    for (size_t i = 0; i < FLAGS; i++) {
        if (strlen(known_flags[i].name) == size && memcmp(known_flags[i].name, name, size) == 0)
            return (const char **)(void *)((char *)flags + known_flags[i].offset);
    }
    return NULL;
}

static char *without_quotes(beamc_arena *arena, const char *value)
{
    size_t size = strlen(value);

    if (size >= 2 && (value[0] == '\'' || value[0] == '"') && value[size - 1] == value[0])
        return beamc_arena_strndup(arena, value + 1, size - 2);
    return beamc_arena_strdup(arena, value);
}

beamc_error *beamc__worker_flags_read(beamc__worker_flags *out, int argc, char *const *argv,
                                      beamc_arena *arena, int *unknown)
{
    memset(out, 0, sizeof(*out));
    *unknown = 0;
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i] + strspn(argv[i], "-");
        size_t size = strcspn(name, "=");
        const char **flag = name == argv[i] ? NULL : flag_of(out, name, size);
        if (flag == NULL) {
            ++*unknown;
            continue;
        }
        const char *value = name[size] == '=' ? name + size + 1 : ++i < argc ? argv[i] : NULL;
        if (value == NULL)
            return beamc_error_new(BEAMC_EINVAL, "--%s has no value", name);
        *flag = without_quotes(arena, value);
        if (*flag == NULL)
            return beamc_error_nomem();
    }
    return NULL;
}

const char *const *beamc__worker_flags_write(const beamc__worker_flags *flags, const char *program,
                                             beamc_arena *arena)
{
    const char **args = beamc_arena_calloc(arena, FLAGS + 3, sizeof(*args));
    size_t count = 0;

    if (args == NULL)
        return NULL;
    args[count++] = program;
    args[count++] = "--worker";
    for (size_t i = 0; i < FLAGS; i++) {
        const char *value;
        memcpy(&value, (const char *)flags + known_flags[i].offset, sizeof(value));
        if (value != NULL)
            args[count++] = beamc_arena_printf(arena, "--%s=%s", known_flags[i].name, value);
    }
    return beamc_arena_failed(arena) ? NULL : args;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void prefer(const char **flag, const PB(ApiServiceDescriptor) *told)
{
    if (told != NULL && *told->url != '\0')
        *flag = told->url;
}

static beamc_error *ask_on(beamc__rpc_queue *queue, const beamc__worker_flags *flags,
                           beamc_arena *arena, const FN(ProvisionInfo) **info)
{
    FN(GetProvisionInfoRequest) request = FNK(GET_PROVISION_INFO_REQUEST__INIT);
    beamc__rpc_metadata metadata[] = { { "worker_id", flags->id } };
    beamc__rpc_channel_options options = { .metadata = metadata,
                                           .metadata_count = 1,
                                           .wait_for_ready = true,
                                           .timeout_ms = ASK_MS };
    beamc__rpc_channel *channel;
    ProtobufCMessage *response;

    BEAMC_TRY(beamc__rpc_channel_new(&channel, queue, flags->provision_endpoint, &options));
    beamc_error *error = beamc__rpc_call_packed(&response, NULL, channel, METHOD, &request.base,
                                                &fn(get_provision_info_response__descriptor),
                                                arena, 0);
    beamc__rpc_channel_free(channel);
    if (error == NULL)
        *info = ((FN(GetProvisionInfoResponse) *)response)->info;
    return error;
}

static beamc_error *ask(const beamc__worker_flags *flags, beamc_arena *arena,
                        const FN(ProvisionInfo) **info)
{
    beamc__rpc_queue *queue;

    BEAMC_TRY(beamc__rpc_queue_new(&queue, "beamc-boot"));
    beamc_error *error = ask_on(queue, flags, arena, info);
    beamc__rpc_queue_free(queue);
    return error;
}

beamc_error *beamc__provision(beamc__worker_flags *flags, beamc_arena *arena,
                              const FN(ProvisionInfo) **info)
{
    *info = NULL;
    if (flags->id == NULL)
        return beamc_error_new(BEAMC_EINVAL, "a worker needs --id");
    if (flags->provision_endpoint == NULL) {
        if (flags->control_endpoint == NULL)
            return beamc_error_new(BEAMC_EINVAL,
                                   "a worker needs --provision_endpoint, or --control_endpoint");
        return NULL;
    }
    BEAMC_TRY(beamc_error_wrap(ask(flags, arena, info), "provision info of worker %s",
                               flags->id));
    if (*info != NULL) {
        prefer(&flags->control_endpoint, (*info)->control_endpoint);
        prefer(&flags->logging_endpoint, (*info)->logging_endpoint);
        prefer(&flags->artifact_endpoint, (*info)->artifact_endpoint);
        prefer(&flags->status_endpoint, (*info)->status_endpoint);
    }
    if (flags->control_endpoint == NULL)
        return beamc_error_new(BEAMC_EINVAL, "neither %s nor the command line names the control "
                                             "endpoint",
                               flags->provision_endpoint);
    return NULL;
}

bool beamc__provision_has(const FN(ProvisionInfo) *info, const char *urn)
{
    for (size_t i = 0; info != NULL && i < info->n_runner_capabilities; i++) {
        if (strcmp(info->runner_capabilities[i], urn) == 0)
            return true;
    }
    return false;
}
