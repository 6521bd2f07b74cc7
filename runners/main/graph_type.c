/* SPDX-License-Identifier: Apache-2.0 */
/* The types of a graph as text, read from coders and schemas: "KV<string, {shop: string}>". */
#include "graph.h"
#include "proto/unpack.h"
#include "proto/urns.h"
#include <string.h>

/* Deeper than this nobody reads; coders that contain themselves end here too. */
enum { TYPE_DEPTH = 12, TYPE_SIZE_MAX = 400 };

static const struct {
    const char *urn;
    const char *name;
    bool parts; /* shows its components in <> */
} coder_names[] = {
    { BEAMC_URN_CODER_BYTES, "bytes", false },
    { BEAMC_URN_CODER_STRING_UTF8, "string", false },
    { BEAMC_URN_CODER_BOOL, "boolean", false },
    { BEAMC_URN_CODER_VARINT, "int64", false },
    { BEAMC_URN_CODER_DOUBLE, "float64", false },
    { BEAMC_URN_CODER_KV, "KV", true },
    { BEAMC_URN_CODER_ITERABLE, "Iterable", true },
    { BEAMC_URN_CODER_STATE_BACKED_ITERABLE, "Iterable", true },
    { BEAMC_URN_CODER_NULLABLE, "Nullable", true },
    { BEAMC_URN_CODER_TIMER, "Timer", true },
    { BEAMC_URN_CODER_SHARDED_KEY, "ShardedKey", true },
    { BEAMC_URN_CODER_WINDOWED_VALUE, "WindowedValue", true },
    { BEAMC_URN_CODER_PARAM_WINDOWED_VALUE, "WindowedValue", true },
    { BEAMC_URN_CODER_GLOBAL_WINDOW, "GlobalWindow", false },
    { BEAMC_URN_CODER_INTERVAL_WINDOW, "IntervalWindow", false },
    { BEAMC_URN_CODER_CUSTOM_WINDOW, "CustomWindow", true },
};

static const char *const atomic_names[] = { "?",     "int8",    "int16",  "int32",   "int64",
                                            "float32", "float64", "string", "boolean", "bytes" };

static void print_schema(const PB(Schema) *schema, int depth, beamc_buffer *out);

static void print_field_type(const PB(FieldType) *type, int depth, beamc_buffer *out)
{
    if (type == NULL || depth > TYPE_DEPTH || out->size > TYPE_SIZE_MAX) {
        beamc_buffer_append_string(out, "...");
        return;
    }
    switch (type->type_info_case) {
    case PBK(FIELD_TYPE__TYPE_INFO_ATOMIC_TYPE):
        beamc_buffer_append_string(
            out, (size_t)type->atomic_type < sizeof(atomic_names) / sizeof(*atomic_names)
                     ? atomic_names[type->atomic_type]
                     : "?");
        break;
    case PBK(FIELD_TYPE__TYPE_INFO_ARRAY_TYPE):
        beamc_buffer_append_string(out, "Array<");
        print_field_type(type->array_type->element_type, depth + 1, out);
        beamc_buffer_append_byte(out, '>');
        break;
    case PBK(FIELD_TYPE__TYPE_INFO_ITERABLE_TYPE):
        beamc_buffer_append_string(out, "Iterable<");
        print_field_type(type->iterable_type->element_type, depth + 1, out);
        beamc_buffer_append_byte(out, '>');
        break;
    case PBK(FIELD_TYPE__TYPE_INFO_MAP_TYPE):
        beamc_buffer_append_string(out, "Map<");
        print_field_type(type->map_type->key_type, depth + 1, out);
        beamc_buffer_append_string(out, ", ");
        print_field_type(type->map_type->value_type, depth + 1, out);
        beamc_buffer_append_byte(out, '>');
        break;
    case PBK(FIELD_TYPE__TYPE_INFO_ROW_TYPE):
        print_schema(type->row_type->schema, depth + 1, out);
        break;
    case PBK(FIELD_TYPE__TYPE_INFO_LOGICAL_TYPE): {
        /* "beam:logical_type:millis_instant:v1" is millis_instant. */
        const char *name = type->logical_type->urn;
        static const char prefix[] = "beam:logical_type:";
        if (strncmp(name, prefix, sizeof(prefix) - 1) == 0)
            name += sizeof(prefix) - 1;
        beamc_buffer_append(out, name, strcspn(name, ":"));
        break;
    }
    default: beamc_buffer_append_byte(out, '?');
    }
    if (type->nullable)
        beamc_buffer_append_byte(out, '?');
}

static void print_schema(const PB(Schema) *schema, int depth, beamc_buffer *out)
{
    if (schema == NULL) {
        beamc_buffer_append_string(out, "{}");
        return;
    }
    beamc_buffer_append_byte(out, '{');
    for (size_t i = 0; i < schema->n_fields; i++) {
        beamc_buffer_printf(out, "%s%s: ", i > 0 ? ", " : "", schema->fields[i]->name);
        print_field_type(schema->fields[i]->type, depth + 1, out);
        if (out->size > TYPE_SIZE_MAX)
            break;
    }
    beamc_buffer_append_byte(out, '}');
}

static void print_row(beamc__graph *graph, const PB(Coder) *coder, beamc_buffer *out)
{
    const PB(Schema) *schema =
        BEAMC__UNPACK(PB(Schema), pb(schema__descriptor), &graph->allocator,
                      coder->spec->payload.len, coder->spec->payload.data);

    if (schema == NULL)
        beamc_buffer_append_string(out, "row");
    else
        print_schema(schema, 0, out);
}

static void print_coder(beamc__graph *graph, const char *id, int depth, beamc_buffer *out)
{
    const PB(Coder) *coder = (const PB(Coder) *)beamc__table_gets(graph->coder_of, id);
    size_t i = 0;

    if (coder == NULL || coder->spec == NULL || depth > TYPE_DEPTH || out->size > TYPE_SIZE_MAX) {
        beamc_buffer_append_string(out, coder == NULL ? "?" : "...");
        return;
    }
    const char *urn = coder->spec->urn;
    if (strcmp(urn, BEAMC_URN_CODER_ROW) == 0) {
        print_row(graph, coder, out);
        return;
    }
    /* What only frames another coder is not worth a word. */
    if (strcmp(urn, BEAMC_URN_CODER_LENGTH_PREFIX) == 0 && coder->n_component_coder_ids == 1) {
        print_coder(graph, coder->component_coder_ids[0], depth + 1, out);
        return;
    }
    while (i < sizeof(coder_names) / sizeof(*coder_names) && strcmp(coder_names[i].urn, urn) != 0)
        i++;
    bool known = i < sizeof(coder_names) / sizeof(*coder_names);
    beamc_buffer_append_string(out, known ? coder_names[i].name : urn);
    if ((known && !coder_names[i].parts) || coder->n_component_coder_ids == 0)
        return;
    for (size_t part = 0; part < coder->n_component_coder_ids; part++) {
        beamc_buffer_append_string(out, part == 0 ? "<" : ", ");
        print_coder(graph, coder->component_coder_ids[part], depth + 1, out);
    }
    beamc_buffer_append_byte(out, '>');
}

const char *beamc__graph_coder_type(beamc__graph *graph, const char *coder_id)
{
    beamc_buffer text;

    beamc_buffer_init(&text);
    print_coder(graph, coder_id, 0, &text);
    const char *type = NULL;
    if (!beamc_buffer_failed(&text))
        type = beamc_arena_strndup(graph->arena, (const char *)text.data, text.size);
    beamc_buffer_dispose(&text);
    return type;
}
