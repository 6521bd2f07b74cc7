/* SPDX-License-Identifier: Apache-2.0 */
#include "worker_environment.h"

#include "proto/urns.h"
#include "runners/portable/json_value.h"
#include "runners/portable/path.h"
#include "sdk/pipeline/environment.h"
#include "sdk/rpc/endpoint.h"
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static const char *const type_names[] = {
    [BEAMC__WORKERS_LOOPBACK] = "LOOPBACK",
    [BEAMC__WORKERS_EXTERNAL] = "EXTERNAL",
    [BEAMC__WORKERS_PROCESS] = "PROCESS",
    [BEAMC__WORKERS_DOCKER] = "DOCKER",
};

bool beamc__endpoint_is_local(const char *endpoint)
{
    static const char *const starts[] = { "localhost:", "127.",
                                          "[::1]:", "unix:", "unix-abstract:" };
    const char *at = strstr(endpoint, "://");

    if (at != NULL && strncmp(endpoint, "unix", 4) != 0)
        endpoint = at + 3;
    for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++)
        if (strncmp(endpoint, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

beamc_error *beamc__workers_choose(beamc__workers *out, const beamc__worker_options_given *given,
                                   bool is_local)
{
    enum { TYPES = sizeof(type_names) / sizeof(*type_names) };
    const char *config = given->config != NULL ? "--environment_config" : "--environment_options";
    bool has_image = given->image != NULL;
    size_t type = is_local && !has_image ? BEAMC__WORKERS_LOOPBACK : BEAMC__WORKERS_DOCKER;

    if (given->config != NULL && given->option_count > 0)
        return beamc_error_new(BEAMC_EINVAL,
                               "--environment_config and --environment_options say the same; give "
                               "one of them");
    if (given->type != NULL) {
        type = 0;
        while (type < TYPES && strcasecmp(given->type, type_names[type]) != 0)
            type++;
    }
    if (type == TYPES)
        return beamc_error_new(BEAMC_EINVAL,
                               "--environment_type=%s: it is LOOPBACK, EXTERNAL, PROCESS or DOCKER",
                               given->type);
    *out = (beamc__workers)type;
    /* To run with other workers than those described would be a surprise. */
    if (*out == BEAMC__WORKERS_LOOPBACK && (given->config != NULL || given->option_count > 0))
        return beamc_error_new(BEAMC_EINVAL,
                               "%s says nothing of LOOPBACK, where workers are threads of this "
                               "program: give --environment_type=EXTERNAL, PROCESS or DOCKER with "
                               "it",
                               config);
    return NULL;
}

/* ---- payloads -------------------------------------------------------------------------------- */

typedef struct {
    const beamc__worker_options_given *given;
    const char *pool_url;
    beamc_arena *arena;
    beamc__environment *out;
    PB(ExternalPayload) external; /* one of them is what is written */
    PB(ProcessPayload) process;
    PB(DockerPayload) docker;
} writer;

/* The value of "name=value" among the options; NULL: none. */
static const char *find_option(const beamc__worker_options_given *given, const char *name)
{
    size_t size = strlen(name);

    for (size_t i = 0; i < given->option_count; i++)
        if (strncmp(given->options[i], name, size) == 0 && given->options[i][size] == '=')
            return given->options[i] + size + 1;
    return NULL;
}

/* Of types that have a single option. */
static beamc_error *check_options(const beamc__worker_options_given *given, const char *name)
{
    size_t size = strlen(name);

    for (size_t i = 0; i < given->option_count; i++)
        if (strncmp(given->options[i], name, size) != 0 || given->options[i][size] != '=')
            return beamc_error_new(BEAMC_EINVAL,
                                   "--environment_options: %s: workers of this type have %s=...",
                                   given->options[i], name);
    return NULL;
}

static beamc_error *finish(const writer *to, const char *urn, const ProtobufCMessage *payload)
{
    size_t size = protobuf_c_message_get_packed_size(payload);
    uint8_t *bytes = beamc_arena_alloc(to->arena, size);

    if (bytes == NULL)
        return beamc_error_nomem();
    protobuf_c_message_pack(payload, bytes);
    to->out->urn = urn;
    to->out->payload = (beamc_bytes){ bytes, size };
    return NULL;
}

/* A text that a message may hold. */
static char *text_of(const writer *to, const char *text)
{
    return (char *)beamc__text_copy(to->arena, text, strlen(text));
}

static beamc_error *read_json(const writer *to, const beamc__json_object **out)
{
    beamc__json_value *value;
    const char *text = text_of(to, to->given->config);

    if (text == NULL)
        return beamc_error_nomem();
    beamc_error *error = beamc__json_parse(&value, text, to->arena);
    if (error != NULL)
        return beamc_error_wrap(error, "--environment_config");
    *out = beamc__json_as_object(value);
    if (*out == NULL)
        return beamc_error_new(BEAMC_EINVAL, "--environment_config: this is no JSON object");
    return NULL;
}

static beamc_error *check_members(const beamc__json_object *config, const char *const *names)
{
    for (size_t i = 0; i < config->n_fields; i++) {
        size_t n = 0;
        while (names[n] != NULL && strcmp(names[n], config->fields[i]->key) != 0)
            n++;
        if (names[n] == NULL)
            return beamc_error_new(BEAMC_EINVAL, "--environment_config: unknown member \"%s\"",
                                   config->fields[i]->key);
    }
    return NULL;
}

/* A member that is a text; "" if it is not there. */
static beamc_error *read_member(char **out, const beamc__json_object *config, const char *name)
{
    const beamc__json_value *value = beamc__json_object_get(config, name);
    const char *text = value == NULL ? "" : beamc__json_as_text(value);

    if (text == NULL)
        return beamc_error_new(BEAMC_EINVAL, "--environment_config: \"%s\" must be a text", name);
    *out = (char *)text;
    return NULL;
}

/* The members of an object of texts; NULL: none.  @each gets them. */
static beamc_error *read_texts(const beamc__json_object *config, const char *name,
                               bool (*each)(void *ctx, const char *key, const char *value),
                               void *ctx)
{
    const beamc__json_value *value = beamc__json_object_get(config, name);
    const beamc__json_object *object = beamc__json_as_object(value);

    if (value != NULL && object == NULL)
        return beamc_error_new(BEAMC_EINVAL, "--environment_config: \"%s\" must be an object",
                               name);
    for (size_t i = 0; object != NULL && i < object->n_fields; i++) {
        const char *text = beamc__json_as_text(object->fields[i]->value);
        if (text == NULL)
            return beamc_error_new(BEAMC_EINVAL, "--environment_config: %s \"%s\" must be a text",
                                   name, object->fields[i]->key);
        if (!each(ctx, object->fields[i]->key, text))
            return beamc_error_nomem();
    }
    return NULL;
}

/* ---- external -------------------------------------------------------------------------------- */

static bool add_param(void *ctx, const char *key, const char *value)
{
    writer *to = ctx;
    PB(ExternalPayload) *payload = &to->external;
    PB(ExternalPayload__ParamsEntry) **entries =
        beamc_arena_calloc(to->arena, payload->n_params + 1, sizeof(*entries));
    PB(ExternalPayload__ParamsEntry) *entry = beamc_arena_alloc(to->arena, sizeof(*entry));

    if (entries == NULL || entry == NULL)
        return false;
    if (payload->n_params > 0)
        memcpy(entries, payload->params, payload->n_params * sizeof(*entries));
    pb(external_payload__params_entry__init)(entry);
    entry->key = (char *)key;
    entry->value = (char *)value;
    entries[payload->n_params++] = entry;
    payload->params = entries;
    return true;
}

/* It is the runner that goes there, and not all take an address that is none well: Prism ends. */
static beamc_error *check_address(const char *url)
{
    beamc__rpc_endpoint endpoint;

    beamc_error *error = beamc__rpc_endpoint_parse(&endpoint, url, false);
    if (error != NULL)
        return beamc_error_wrap(error, "the worker pool (--environment_type=EXTERNAL)");
    bool plain = endpoint.security == BEAMC__RPC_SECURITY_UNSAID;
    beamc__rpc_endpoint_dispose(&endpoint);
    if (plain)
        return NULL;
    return beamc_error_new(BEAMC_EINVAL,
                           "the worker pool (--environment_type=EXTERNAL): %s: runners want "
                           "HOST:PORT, and go there without TLS",
                           url);
}

static beamc_error *read_address(writer *to, PB(ApiServiceDescriptor) *endpoint)
{
    static const char *const names[] = { "url", "params", NULL };
    const char *given = to->given->config;
    const beamc__json_object *config;

    BEAMC_TRY(check_options(to->given, "external_service_address"));
    if (given == NULL)
        given = find_option(to->given, "external_service_address");
    if (given == NULL)
        return beamc_error_new(BEAMC_EINVAL, "--environment_type=EXTERNAL needs the worker pool: "
                                             "--environment_config=HOST:PORT");
    if (given[0] != '{') {
        endpoint->url = text_of(to, given);
        return endpoint->url == NULL ? beamc_error_nomem() : NULL;
    }
    BEAMC_TRY(read_json(to, &config));
    BEAMC_TRY(check_members(config, names));
    BEAMC_TRY(read_member(&endpoint->url, config, "url"));
    if (endpoint->url[0] == '\0')
        return beamc_error_new(BEAMC_EINVAL, "--environment_config: \"url\" is missing");
    return read_texts(config, "params", add_param, to);
}

static beamc_error *read_external(writer *to, PB(ApiServiceDescriptor) *endpoint)
{
    BEAMC_TRY(read_address(to, endpoint));
    return check_address(endpoint->url);
}

beamc_error *beamc__workers_pool(const char **out, beamc__workers workers,
                                 const beamc__worker_options_given *given, beamc_arena *arena)
{
    PB(ApiServiceDescriptor) endpoint = PBK(API_SERVICE_DESCRIPTOR__INIT);
    writer to = { .given = given, .arena = arena };

    *out = NULL;
    if (workers != BEAMC__WORKERS_EXTERNAL)
        return NULL;
    pb(external_payload__init)(&to.external);
    BEAMC_TRY(read_external(&to, &endpoint));
    *out = endpoint.url;
    return NULL;
}

static beamc_error *write_external(writer *to)
{
    PB(ApiServiceDescriptor) endpoint = PBK(API_SERVICE_DESCRIPTOR__INIT);

    pb(external_payload__init)(&to->external);
    to->external.endpoint = &endpoint;
    if (to->pool_url != NULL)
        endpoint.url = (char *)to->pool_url;
    else
        BEAMC_TRY(read_external(to, &endpoint));
    return finish(to, BEAMC_URN_ENV_EXTERNAL, &to->external.base);
}

/* ---- process --------------------------------------------------------------------------------- */

static bool add_variable(void *ctx, const char *key, const char *value)
{
    writer *to = ctx;
    PB(ProcessPayload) *payload = &to->process;
    PB(ProcessPayload__EnvEntry) **entries =
        beamc_arena_calloc(to->arena, payload->n_env + 1, sizeof(*entries));
    PB(ProcessPayload__EnvEntry) *entry = beamc_arena_alloc(to->arena, sizeof(*entry));

    if (entries == NULL || entry == NULL)
        return false;
    if (payload->n_env > 0)
        memcpy(entries, payload->env, payload->n_env * sizeof(*entries));
    pb(process_payload__env_entry__init)(entry);
    entry->key = (char *)key;
    entry->value = (char *)value;
    entries[payload->n_env++] = entry;
    payload->env = entries;
    return true;
}

/* "process_variables=a=1,b=2": a list option has cut it at the commas, so what comes after it and
 * is none of the names is one of the variables, too. */
static beamc_error *read_process_options(writer *to)
{
    static const char variables[] = "process_variables=";
    const char *command = find_option(to->given, "process_command");
    bool within = false;

    if (command == NULL)
        return beamc_error_new(BEAMC_EINVAL, "--environment_options: process_command is missing");
    to->process.command = text_of(to, command);
    if (to->process.command == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < to->given->option_count; i++) {
        const char *at = to->given->options[i];
        if (strncmp(at, "process_command=", 16) == 0) {
            within = false;
            continue;
        }
        if (strncmp(at, variables, sizeof(variables) - 1) == 0) {
            at += sizeof(variables) - 1;
            within = true;
        }
        const char *equal = strchr(at, '=');
        if (!within || equal == NULL || equal == at)
            return beamc_error_new(BEAMC_EINVAL,
                                   "--environment_options: %s: a process has "
                                   "process_command=... and process_variables=NAME=VALUE,...",
                                   at);
        const char *key = beamc__text_copy(to->arena, at, (size_t)(equal - at));
        const char *value = text_of(to, equal + 1);
        if (key == NULL || value == NULL || !add_variable(to, key, value))
            return beamc_error_nomem();
    }
    return NULL;
}

static beamc_error *read_process_config(writer *to)
{
    PB(ProcessPayload) *payload = &to->process;
    static const char *const names[] = { "command", "env", "os", "arch", NULL };
    const beamc__json_object *config;

    BEAMC_TRY(read_json(to, &config));
    BEAMC_TRY(check_members(config, names));
    BEAMC_TRY(read_member(&payload->command, config, "command"));
    BEAMC_TRY(read_member(&payload->os, config, "os"));
    BEAMC_TRY(read_member(&payload->arch, config, "arch"));
    if (payload->command[0] == '\0')
        return beamc_error_new(BEAMC_EINVAL, "--environment_config: \"command\" is missing");
    return read_texts(config, "env", add_variable, to);
}

/* A program of ours is a worker if it is started as one; on this machine its own file will do. */
static beamc_error *find_program(writer *to)
{
    char path[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (size < 0)
        return beamc_error_system(errno, "/proc/self/exe");
    path[size] = '\0';
    to->process.command = text_of(to, path);
    return to->process.command == NULL ? beamc_error_nomem() : NULL;
}

/* Nothing given leaves the command empty. */
static beamc_error *read_process(writer *to)
{
    pb(process_payload__init)(&to->process);
    if (to->given->config != NULL)
        return read_process_config(to);
    return to->given->option_count > 0 ? read_process_options(to) : NULL;
}

beamc_error *beamc__workers_command(const char **out, beamc__workers workers,
                                    const beamc__worker_options_given *given, beamc_arena *arena)
{
    writer to = { .given = given, .arena = arena };

    *out = NULL;
    if (workers != BEAMC__WORKERS_PROCESS)
        return NULL;
    BEAMC_TRY(read_process(&to));
    if (to.process.command[0] != '\0')
        *out = to.process.command;
    return NULL;
}

beamc_error *beamc__workers_check_command(const char *command)
{
    if (beamc__path_is_program(command))
        return NULL;
    if (access(command, F_OK) < 0)
        return beamc_error_new(BEAMC_ENOENT, "workers are started as %s, which is not there: %s",
                               command, strerror(errno));
    return beamc_error_new(BEAMC_EIO,
                           "workers are started as %s, which cannot be executed: chmod +x %s",
                           command, command);
}

static beamc_error *write_process(writer *to)
{
    BEAMC_TRY(read_process(to));
    if (to->process.command[0] == '\0')
        BEAMC_TRY(find_program(to));
    return finish(to, BEAMC_URN_ENV_PROCESS, &to->process.base);
}

/* ---- docker ---------------------------------------------------------------------------------- */

static beamc_error *write_docker(writer *to)
{
    const char *image = to->given->config;

    BEAMC_TRY(check_options(to->given, "docker_container_image"));
    if (image == NULL)
        image = find_option(to->given, "docker_container_image");
    if (image == NULL)
        image = to->given->image;
    if (image == NULL)
        image = BEAMC_TEXT_WORKER_IMAGE;
    pb(docker_payload__init)(&to->docker);
    to->docker.container_image = text_of(to, image);
    if (to->docker.container_image == NULL)
        return beamc_error_nomem();
    return finish(to, BEAMC_URN_ENV_DOCKER, &to->docker.base);
}

/* ---- the environment ------------------------------------------------------------------------- */

static beamc_error *write_artifacts(const writer *to, const beamc__artifacts *artifacts)
{
    beamc_bytes *packed = beamc_arena_calloc(to->arena, artifacts->count, sizeof(*packed));

    if (packed == NULL)
        return beamc_error_nomem();
    for (size_t i = 0; i < artifacts->count; i++) {
        const ProtobufCMessage *message = &artifacts->items[i].information->base;
        size_t size = protobuf_c_message_get_packed_size(message);
        uint8_t *bytes = beamc_arena_alloc(to->arena, size);
        if (bytes == NULL)
            return beamc_error_nomem();
        protobuf_c_message_pack(message, bytes);
        packed[i] = (beamc_bytes){ bytes, size };
    }
    to->out->dependencies = packed;
    to->out->dependency_count = artifacts->count;
    return NULL;
}

static beamc_error *write_payload(writer *to, beamc__workers workers)
{
    switch (workers) {
    case BEAMC__WORKERS_LOOPBACK:
    case BEAMC__WORKERS_EXTERNAL:
        return write_external(to);
    case BEAMC__WORKERS_PROCESS:
        return write_process(to);
    case BEAMC__WORKERS_DOCKER:
        break;
    }
    return write_docker(to);
}

beamc_error *beamc__workers_set(beamc_pipeline *pipeline, beamc__workers workers,
                                const beamc__worker_options_given *given, const char *pool_url,
                                const beamc__artifacts *artifacts)
{
    beamc__environment environment = { 0 };
    beamc_arena *arena = beamc_arena_new();

    if (arena == NULL)
        return beamc_error_nomem();
    writer to = { .given = given, .pool_url = pool_url, .arena = arena, .out = &environment };
    beamc_error *error = write_payload(&to, workers);
    if (error == NULL)
        error = write_artifacts(&to, artifacts);
    if (error == NULL)
        error = beamc__pipeline_set_environment(pipeline, &environment);
    beamc_arena_free(arena);
    return error;
}
