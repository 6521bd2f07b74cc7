/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the model's coders: a line that names the coder, such as kv(bytes,varint), ended by \n
 * (nested) or \r (not nested), then the value's bytes. */
#include "round_trip.h"

#include "sdk/coders/type_proto.h"

enum { CODERS_MAX = 24, NAME_MAX_SIZE = 40 };

typedef struct {
    PB(Coder) coders[CODERS_MAX];
    PB(FunctionSpec) specs[CODERS_MAX];
    char urns[CODERS_MAX][NAME_MAX_SIZE + 20];
    char ids[CODERS_MAX][4];
    char *parts[CODERS_MAX][2];
    size_t count;
} shape;

static const PB(Coder) *find_coder(void *ctx, const char *id)
{
    const shape *coders = ctx;
    size_t index = (size_t)atoi(id);
    return index < coders->count ? &coders->coders[index] : NULL;
}

/* One coder of the line at *@at; answers its id, NULL if it is none. */
static char *read_shape(shape *coders, const char **at, const char *end)
{
    size_t index = coders->count++;
    char name[NAME_MAX_SIZE + 1];
    size_t size = 0;
    if (index >= CODERS_MAX) {
        coders->count = CODERS_MAX;
        return NULL;
    }
    while (*at < end && **at != '(' && **at != ')' && **at != ',') {
        if (size == NAME_MAX_SIZE)
            return NULL;
        name[size++] = *(*at)++;
    }
    name[size] = '\0';
    PB(Coder) *coder = &coders->coders[index];
    *coder = (PB(Coder))PBK(CODER__INIT);
    coders->specs[index] = (PB(FunctionSpec))PBK(FUNCTION_SPEC__INIT);
    coder->spec = &coders->specs[index];
    snprintf(coders->urns[index], sizeof(coders->urns[index]), "beam:coder:%s:v1", name);
    snprintf(coders->ids[index], sizeof(coders->ids[index]), "%u", (unsigned)index % 100);
    coder->spec->urn = coders->urns[index];
    coder->component_coder_ids = coders->parts[index];
    if (*at == end || **at != '(')
        return coders->ids[index];
    do {
        ++*at;
        char *part = read_shape(coders, at, end);
        if (part == NULL || coder->n_component_coder_ids == 2)
            return NULL;
        coder->component_coder_ids[coder->n_component_coder_ids++] = part;
    } while (*at < end && **at == ',');
    if (*at < end)
        ++*at;
    return coders->ids[index];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t line = 0;
    while (line < size && data[line] != '\n' && data[line] != '\r')
        line++;
    if (line == size)
        return 0;

    beamc_arena *arena = beamc_arena_new();
    shape *coders = beamc_arena_calloc(arena, 1, sizeof(*coders));
    ROUND_TRIP_REQUIRE(coders != NULL);
    const char *at = (const char *)data;
    const char *id = read_shape(coders, &at, at + line);
    const beamc__coder_resolver resolver = { find_coder, coders, NULL, 0 };
    const beamc_type *type;
    beamc_error *error =
        id == NULL ? beamc_error_nomem() : beamc__type_from_coder(&type, &resolver, id, arena);
    if (error == NULL) {
        const beamc__decode_context context = { arena, NULL };
        round_trip(type, data[line] == '\n', data + line + 1, size - line - 1, &context);
    }
    beamc_error_free(error);
    beamc_arena_free(arena);
    return 0;
}
