/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/coders/type_proto.h"

#include "proto/unpack.h"
#include "sdk/base/table.h"
#include "sdk/coders/schema.h"
#include "sdk/coders/windowed.h"
#include "sdk/types/layout.h"

#include <stdlib.h>

#define URN_LENGTH_PREFIX "beam:coder:length_prefix:v1"
#define URN_PARAM_WINDOWED_VALUE "beam:coder:param_windowed_value:v1"
#define URN_ROW "beam:coder:row:v1"
#define URN_SCHEMA "beam:coder:schema:v1"

/* The model's coders that are their URN and their parts. */
static const struct {
    const char *urn;
    beamc_kind kind;
    const beamc_type *type; /* of those without parts */
    const char *parts[2];
} coders[] = {
    { "beam:coder:bytes:v1", BEAMC_KIND_BYTES, &beamc_type_bytes, { NULL, NULL } },
    { "beam:coder:string_utf8:v1", BEAMC_KIND_STRING, &beamc_type_string, { NULL, NULL } },
    { "beam:coder:varint:v1", BEAMC_KIND_INT64, &beamc_type_int64, { NULL, NULL } },
    { "beam:coder:double:v1", BEAMC_KIND_DOUBLE, &beamc_type_float64, { NULL, NULL } },
    { "beam:coder:bool:v1", BEAMC_KIND_BOOL, &beamc_type_boolean, { NULL, NULL } },
    { "beam:coder:global_window:v1",
      BEAMC_KIND_GLOBAL_WINDOW,
      &beamc_type_global_window,
      { NULL, NULL } },
    { "beam:coder:interval_window:v1",
      BEAMC_KIND_INTERVAL_WINDOW,
      &beamc_type_interval_window,
      { NULL, NULL } },
    { "beam:coder:kv:v1", BEAMC_KIND_KV, NULL, { "key", "value" } },
    { "beam:coder:iterable:v1", BEAMC_KIND_ITERABLE, NULL, { "element", NULL } },
    { "beam:coder:state_backed_iterable:v1",
      BEAMC_KIND_STATE_BACKED_ITERABLE,
      NULL,
      { "element", NULL } },
    { "beam:coder:nullable:v1", BEAMC_KIND_NULLABLE, NULL, { "value", NULL } },
    { URN_LENGTH_PREFIX, BEAMC_KIND_LENGTH_PREFIX, NULL, { "value", NULL } },
    { "beam:coder:custom_window:v1", BEAMC_KIND_CUSTOM_WINDOW, NULL, { "window", NULL } },
    { "beam:coder:windowed_value:v1", BEAMC_KIND_WINDOWED_VALUE, NULL, { "value", "window" } },
    { URN_PARAM_WINDOWED_VALUE, BEAMC_KIND_PARAM_WINDOWED_VALUE, NULL, { "value", "window" } },
    { "beam:coder:timer:v1", BEAMC_KIND_TIMER, NULL, { "key", "window" } },
    { "beam:coder:sharded_key:v1", BEAMC_KIND_SHARDED_KEY, NULL, { "key", NULL } },
};

#define CODER_COUNT (sizeof(coders) / sizeof(coders[0]))

static size_t part_count(size_t coder)
{
    return coders[coder].parts[0] == NULL ? 0 : coders[coder].parts[1] == NULL ? 1 : 2;
}

/* ---- coders to types ------------------------------------------------------------------------- */

/* The coders that are being resolved, innermost first. */
typedef struct coder_path {
    const char *id;
    const struct coder_path *outer;
} coder_path;

typedef struct {
    beamc__type_maker maker;
    const beamc__coder_resolver *resolver;
} coder_reader;

static beamc_error *read_coder(const beamc_type **out, coder_reader *reader, const char *id,
                               const coder_path *outer);

static beamc_error *malformed(const char *what, beamc_arena *arena)
{
    if (beamc_arena_failed(arena))
        return beamc_error_nomem();
    return beamc_error_new(BEAMC_ECORRUPT, "its payload is not a %s", what);
}

#define UNPACK(arena, Message, descriptor, payload)                                                \
    BEAMC__UNPACK(PB(Message), pb(descriptor), &allocator, (payload)->len, (payload)->data)

static beamc_error *read_row(const beamc_type **out, coder_reader *reader,
                             const ProtobufCBinaryData *payload)
{
    beamc_arena *arena = reader->maker.arena;
    ProtobufCAllocator allocator = beamc__arena_protobuf(arena);
    const PB(Schema) *schema = UNPACK(arena, Schema, schema__descriptor, payload);
    return schema == NULL ? malformed("Schema", arena)
                          : beamc__schema_to_type(out, &reader->maker, schema);
}

static beamc_error *read_schema_coder(const beamc_type **out, coder_reader *reader,
                                      const ProtobufCBinaryData *payload)
{
    beamc_arena *arena = reader->maker.arena;
    ProtobufCAllocator allocator = beamc__arena_protobuf(arena);
    const PB(SchemaCoderPayload) *message =
        UNPACK(arena, SchemaCoderPayload, schema_coder_payload__descriptor, payload);
    return message == NULL ? malformed("SchemaCoderPayload", arena)
                           : beamc__schema_to_type(out, &reader->maker, message->schema);
}

static beamc_error *read_csdk(const beamc_type **out, coder_reader *reader,
                              const ProtobufCBinaryData *payload)
{
    beamc_arena *arena = reader->maker.arena;
    ProtobufCAllocator allocator = beamc__arena_protobuf(arena);
    const PB(FieldType) *message = UNPACK(arena, FieldType, field_type__descriptor, payload);
    return message == NULL ? malformed("FieldType", arena)
                           : beamc__field_type_to_type(out, &reader->maker, message);
}

/* The program's type with this URN; the payload tells which, if one coder serves several. */
static const beamc_type *find_custom(const beamc__coder_resolver *resolver,
                                     const PB(FunctionSpec) *spec)
{
    for (size_t i = 0; i < resolver->custom_count; i++) {
        const beamc_type *type = resolver->customs[i];
        if (strcmp(type->coder->urn, spec->urn) == 0 &&
            (spec->payload.len == 0 || (spec->payload.len == strlen(type->name) &&
                                        memcmp(spec->payload.data, type->name,
                                               spec->payload.len) == 0)))
            return type;
    }
    return NULL;
}

static beamc_error *read_param_window(beamc_type *type, coder_reader *reader,
                                      const ProtobufCBinaryData *payload)
{
    beamc_arena *arena = reader->maker.arena;
    const beamc__decode_context context = { arena, NULL };
    beamc__param_window *head = beamc_arena_calloc(arena, 1, sizeof(*head));
    beamc_bytes bytes = { beamc_arena_memdup(arena, payload->data, payload->len), payload->len };
    if (head == NULL || bytes.data == NULL)
        return beamc_error_nomem();
    int rc = beamc__param_window_decode(head, bytes, type->fields[1].type, &context);
    if (rc == BEAMC_ENOMEM)
        return beamc_error_nomem();
    if (rc < 0)
        return beamc_error_new((beamc_code)rc, "its payload is not a windowed value");
    type->extra = head;
    return NULL;
}

static beamc_error *read_parts(const beamc_type **out, coder_reader *reader, size_t coder,
                               const PB(Coder) *message, const coder_path *path)
{
    beamc_field fields[2];
    size_t count = part_count(coder);
    beamc_type *type = NULL;

    for (size_t i = 0; i < count; i++) {
        fields[i].name = coders[coder].parts[i];
        beamc_error *error =
            read_coder(&fields[i].type, reader, message->component_coder_ids[i], path);
        /* A runner puts a length prefix around what it does not know; nor need we. */
        if (error != NULL && coders[coder].kind == BEAMC_KIND_LENGTH_PREFIX &&
            beamc_error_code(error) == BEAMC_EUNSUPPORTED) {
            beamc_error_free(error); /* it is bytes then */
            error = NULL;
            fields[i].type = &beamc_type_bytes;
        }
        if (error != NULL)
            return error;
    }
    BEAMC_TRY(beamc__type_make(&type, &reader->maker, coders[coder].kind, fields, count));
    if (type->kind == BEAMC_KIND_PARAM_WINDOWED_VALUE)
        BEAMC_TRY(read_param_window(type, reader, &message->spec->payload));
    *out = type;
    return NULL;
}

static beamc_error *expect_parts(const PB(Coder) *message, size_t count)
{
    if (message->n_component_coder_ids == count)
        return NULL;
    return beamc_error_new(BEAMC_ECORRUPT, "it has %zu component coders, not %zu",
                           message->n_component_coder_ids, count);
}

static beamc_error *read_spec(const beamc_type **out, coder_reader *reader,
                              const PB(Coder) *message, const coder_path *path)
{
    const PB(FunctionSpec) *spec = message->spec;
    for (size_t i = 0; i < CODER_COUNT; i++) {
        if (strcmp(coders[i].urn, spec->urn) != 0)
            continue;
        BEAMC_TRY(expect_parts(message, part_count(i)));
        *out = coders[i].type;
        return *out != NULL ? NULL : read_parts(out, reader, i, message, path);
    }
    if (strcmp(spec->urn, URN_ROW) == 0)
        return read_row(out, reader, &spec->payload);
    if (strcmp(spec->urn, URN_SCHEMA) == 0)
        return read_schema_coder(out, reader, &spec->payload);
    if (strcmp(spec->urn, BEAMC__CODER_CSDK) == 0)
        return read_csdk(out, reader, &spec->payload);
    *out = find_custom(reader->resolver, spec);
    if (*out == NULL)
        return beamc_error_new(BEAMC_EUNSUPPORTED, "it is not known to this SDK");
    return NULL;
}

static beamc_error *read_coder(const beamc_type **out, coder_reader *reader, const char *id,
                               const coder_path *outer)
{
    const coder_path path = { id, outer };

    *out = NULL;
    for (const coder_path *at = outer; at != NULL; at = at->outer)
        if (strcmp(at->id, id) == 0)
            return beamc_error_new(BEAMC_ECORRUPT, "coder %s contains itself", id);
    const PB(Coder) *message = reader->resolver->find(reader->resolver->ctx, id);
    if (message == NULL)
        return beamc_error_new(BEAMC_ENOENT, "coder %s is missing", id);
    if (message->spec == NULL || message->spec->urn[0] == '\0')
        return beamc_error_new(BEAMC_ECORRUPT, "coder %s has no URN", id);
    beamc_error *error = beamc__type_maker_enter(&reader->maker);
    if (error == NULL) {
        error = read_spec(out, reader, message, &path);
        reader->maker.depth--;
    }
    return beamc_error_wrap(error, "coder %s (%s)", id, message->spec->urn);
}

beamc_error *beamc__type_from_coder(const beamc_type **out, const beamc__coder_resolver *resolver,
                                    const char *id, beamc_arena *arena)
{
    coder_reader reader = { { arena, 0, 0 }, resolver };
    beamc_error *error = read_coder(out, &reader, id, NULL);
    if (error != NULL)
        *out = NULL;
    return error;
}

/* ---- types to coders ------------------------------------------------------------------------- */

typedef struct {
    char *id;
    PB(Coder) *coder;
} set_entry;

struct beamc__coder_set {
    beamc_arena *arena;
    const char *prefix;
    beamc__table *by_content; /* set_entry by URN, payload and parts */
};

beamc__coder_set *beamc__coder_set_new(const char *prefix)
{
    beamc__coder_set *set = calloc(1, sizeof(*set));
    if (set == NULL)
        return NULL;
    set->arena = beamc_arena_new();
    set->by_content = beamc__table_new();
    if (set->arena != NULL)
        set->prefix = beamc_arena_strdup(set->arena, prefix);
    if (set->prefix != NULL && set->by_content != NULL)
        return set;
    beamc__coder_set_free(set);
    return NULL;
}

void beamc__coder_set_free(beamc__coder_set *set)
{
    if (set == NULL)
        return;
    beamc__table_free(set->by_content);
    beamc_arena_free(set->arena);
    free(set);
}

size_t beamc__coder_set_count(const beamc__coder_set *set)
{
    return beamc__table_count(set->by_content);
}

const char *beamc__coder_set_id(const beamc__coder_set *set, size_t index)
{
    return ((const set_entry *)beamc__table_value(set->by_content, index))->id;
}

PB(Coder) *beamc__coder_set_coder(const beamc__coder_set *set, size_t index)
{
    return ((const set_entry *)beamc__table_value(set->by_content, index))->coder;
}

static set_entry *new_entry(beamc__coder_set *set, const char *urn, beamc_bytes payload,
                            const char *const *parts, size_t count)
{
    static const PB(Coder) empty_coder = PBK(CODER__INIT);
    static const PB(FunctionSpec) empty_spec = PBK(FUNCTION_SPEC__INIT);
    beamc_arena *arena = set->arena;
    set_entry *entry = beamc_arena_alloc(arena, sizeof(*entry));
    PB(Coder) *coder = beamc_arena_memdup(arena, &empty_coder, sizeof(empty_coder));
    PB(FunctionSpec) *spec = beamc_arena_memdup(arena, &empty_spec, sizeof(empty_spec));
    char **ids = beamc_arena_calloc(arena, count, sizeof(*ids));
    char *id = beamc_arena_printf(arena, "%s_%zu", set->prefix, beamc__coder_set_count(set) + 1);
    if (entry == NULL || coder == NULL || spec == NULL || ids == NULL || id == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if ((ids[i] = beamc_arena_strdup(arena, parts[i])) == NULL)
            return NULL;
    spec->urn = beamc_arena_strdup(arena, urn);
    if (payload.size > 0)
        spec->payload.data = beamc_arena_memdup(arena, payload.data, payload.size);
    spec->payload.len = payload.size;
    coder->spec = spec;
    coder->component_coder_ids = ids;
    coder->n_component_coder_ids = count;
    entry->id = id;
    entry->coder = coder;
    return beamc_arena_failed(arena) ? NULL : entry;
}

/* Adds a coder, or finds the one like it. */
static beamc_error *add(const char **id, beamc__coder_set *set, const char *urn,
                        beamc_bytes payload, const char *const *parts, size_t count)
{
    beamc_buffer key;
    beamc_buffer_init(&key);
    beamc_buffer_append(&key, urn, strlen(urn) + 1);
    for (size_t i = 0; i < count; i++)
        beamc_buffer_append(&key, parts[i], strlen(parts[i]) + 1);
    beamc_buffer_append_byte(&key, 0); /* no part has an empty id, so the rest is payload */
    beamc_buffer_append(&key, payload.data, payload.size);

    set_entry *entry = NULL;
    int rc = beamc_buffer_failed(&key) ? BEAMC_ENOMEM : BEAMC_OK;
    if (rc == BEAMC_OK)
        entry = beamc__table_get(set->by_content, key.data, key.size);
    if (rc == BEAMC_OK && entry == NULL) {
        entry = new_entry(set, urn, payload, parts, count);
        rc = entry == NULL ? BEAMC_ENOMEM
                           : beamc__table_put(set->by_content, key.data, key.size, entry);
    }
    beamc_buffer_dispose(&key);
    if (rc < 0)
        return beamc_error_nomem();
    *id = entry->id;
    return NULL;
}

static const beamc_bytes no_payload = { NULL, 0 };

static beamc_error *add_message(const char **id, beamc__coder_set *set, const char *urn,
                                const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *data = beamc_arena_alloc(set->arena, size);
    if (data == NULL)
        return beamc_error_nomem();
    protobuf_c_message_pack(message, data);
    return add(id, set, urn, (beamc_bytes){ data, size }, NULL, 0);
}

static beamc_error *add_row(const char **id, beamc__coder_set *set, const beamc_type *row)
{
    PB(Schema) *schema;
    BEAMC_TRY(beamc__type_to_schema(&schema, row, set->arena));
    return add_message(id, set, URN_ROW, &schema->base);
}

static beamc_error *add_csdk(const char **id, beamc__coder_set *set, const beamc_type *type)
{
    PB(FieldType) *message;
    BEAMC_TRY(beamc__type_to_field_type(&message, type, set->arena));
    return add_message(id, set, BEAMC__CODER_CSDK, &message->base);
}

static beamc_error *add_model(const char **id, beamc__coder_set *set, const beamc_type *type,
                              size_t coder)
{
    const char *parts[2];
    size_t count = part_count(coder);
    beamc_bytes payload = no_payload;
    if (count > type->field_count)
        return beamc_error_new(BEAMC_ETYPE, "type %s has %zu parts", type->name,
                               type->field_count);
    for (size_t i = 0; i < count; i++)
        BEAMC_TRY(beamc__type_to_coder(&parts[i], set, type->fields[i].type));
    if (type->kind == BEAMC_KIND_PARAM_WINDOWED_VALUE)
        payload = ((const beamc__param_window *)type->extra)->payload;
    return add(id, set, coders[coder].urn, payload, parts, count);
}

beamc_error *beamc__type_to_coder(const char **id, beamc__coder_set *set, const beamc_type *type)
{
    *id = NULL;
    if (type->logical != NULL)
        return add_csdk(id, set, type);
    switch (type->kind) {
    case BEAMC_KIND_VOID: /* empty bytes */
        return add(id, set, "beam:coder:bytes:v1", no_payload, NULL, 0);
    case BEAMC_KIND_ROW:
        return add_row(id, set, type);
    case BEAMC_KIND_CUSTOM:
        return add(id, set, type->coder->urn,
                   (beamc_bytes){ (const uint8_t *)type->name, strlen(type->name) }, NULL, 0);
    default:
        break;
    }
    for (size_t i = 0; i < CODER_COUNT; i++)
        if (coders[i].kind == type->kind)
            return add_model(id, set, type, i);
    return add_csdk(id, set, type);
}
