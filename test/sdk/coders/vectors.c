/* SPDX-License-Identifier: Apache-2.0 */
#include "vectors.h"

#include "sdk/coders/type_proto.h"
#include "sdk/types/layout.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the file ------------------------------------------------------------------------------- */

typedef struct {
    char *at;
    beamc_arena *arena;
} word_reader;

/* The next word, ended by NUL; NULL at the end. */
static char *next_word(word_reader *reader)
{
    char *word = reader->at + strspn(reader->at, " \n");
    if (*word == '\0')
        return NULL;
    char *end = word + strcspn(word, " \n");
    reader->at = *end == '\0' ? end : end + 1;
    *end = '\0';
    return word;
}

static int64_t next_number(word_reader *reader)
{
    return strtoll(next_word(reader), NULL, 10);
}

static beamc_bytes next_bytes(word_reader *reader)
{
    const char *word = next_word(reader);
    size_t size = strcmp(word, "-") == 0 ? 0 : strlen(word) / 2;
    uint8_t *data = beamc_arena_alloc(reader->arena, size);
    for (size_t i = 0; i < size; i++) {
        unsigned byte;
        ck_assert_int_eq(sscanf(word + 2 * i, "%2x", &byte), 1);
        data[i] = (uint8_t)byte;
    }
    return (beamc_bytes){ data, size };
}

static void read_node(word_reader *reader, vector_node *node)
{
    memset(node, 0, sizeof(*node));
    node->kind = *next_word(reader);
    if (node->kind == 'b' || node->kind == 'i') {
        node->number = next_number(reader);
    } else if (node->kind == 's') {
        beamc_bytes text = next_bytes(reader);
        node->text = (beamc_string){ (const char *)text.data, text.size };
    } else if (node->kind == 'l' || node->kind == 'm') {
        node->count = (size_t)next_number(reader) * (node->kind == 'm' ? 2 : 1);
        node->items = beamc_arena_calloc(reader->arena, node->count, sizeof(*node));
        for (size_t i = 0; i < node->count; i++)
            read_node(reader, &node->items[i]);
    } else {
        ck_assert_int_eq(node->kind, 'n');
    }
}

/* The rest of a coder's line, and the coders of its parts.  Answers its index. */
static size_t read_coder(word_reader *reader, vector_case *test)
{
    size_t index = test->coder_count++;
    ck_assert_uint_lt(index, VECTOR_CODERS_MAX);
    PB(Coder) *coder = &test->coders[index];
    PB(FunctionSpec) *spec = &test->specs[index];
    *coder = (PB(Coder))PBK(CODER__INIT);
    *spec = (PB(FunctionSpec))PBK(FUNCTION_SPEC__INIT);
    coder->spec = spec;
    spec->urn = next_word(reader);
    beamc_bytes payload = next_bytes(reader);
    spec->payload.data = (uint8_t *)payload.data;
    spec->payload.len = payload.size;
    coder->n_component_coder_ids = (size_t)next_number(reader);
    coder->component_coder_ids =
        beamc_arena_calloc(reader->arena, coder->n_component_coder_ids, sizeof(char *));
    for (size_t i = 0; i < coder->n_component_coder_ids; i++) {
        ck_assert_str_eq(next_word(reader), "coder");
        coder->component_coder_ids[i] =
            beamc_arena_printf(reader->arena, "%zu", read_coder(reader, test));
    }
    return index;
}

static void read_case(word_reader *reader, vector_case *test)
{
    test->index = (int)next_number(reader);
    char contexts = *next_word(reader);
    test->contexts[false] = contexts != 'n';
    test->contexts[true] = contexts != 'o';
    test->exact = next_number(reader) != 0;
}

static void read_file(word_reader *reader, vector_case *cases, size_t *count)
{
    vector_case *test = NULL;
    for (char *word; (word = next_word(reader)) != NULL;) {
        if (strcmp(word, "case") == 0) {
            test = &cases[(*count)++];
            read_case(reader, test);
        } else if (strcmp(word, "coder") == 0) {
            read_coder(reader, test);
        } else if (strcmp(word, "state") == 0) {
            beamc_bytes *state = test->state[test->state_count++];
            state[0] = next_bytes(reader);
            state[1] = next_bytes(reader);
        } else {
            ck_assert_str_eq(word, "example");
            ck_assert_uint_lt(test->example_count, VECTOR_EXAMPLES_MAX);
            vector_example *example = &test->examples[test->example_count++];
            example->encoded = next_bytes(reader);
            read_node(reader, &example->value);
        }
    }
}

vector_case *vectors_load(const char *path, size_t *count, beamc_arena *arena)
{
    FILE *file = fopen(path, "rb");
    *count = 0;
    if (file == NULL)
        return NULL;
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    rewind(file);
    char *text = beamc_arena_calloc(arena, size + 1, 1);
    ck_assert_uint_eq(fread(text, 1, size, file), size);
    fclose(file);

    size_t cases_max = 0;
    for (const char *at = text; (at = strstr(at, "case ")) != NULL; at++)
        cases_max++;
    vector_case *cases = beamc_arena_calloc(arena, cases_max, sizeof(*cases));
    word_reader reader = { text, arena };
    read_file(&reader, cases, count);
    return cases;
}

/* ---- types ---------------------------------------------------------------------------------- */

static const PB(Coder) *find_coder(void *ctx, const char *id)
{
    const vector_case *test = ctx;
    size_t index = (size_t)atoi(id);
    return index < test->coder_count ? &test->coders[index] : NULL;
}

const beamc_type *vector_type(const vector_case *test, beamc_arena *arena)
{
    const beamc__coder_resolver resolver = { find_coder, (void *)test, NULL, 0 };
    const beamc_type *type = NULL;
    char text[200];
    beamc_error *error = beamc__type_from_coder(&type, &resolver, "0", arena);
    if (error != NULL) {
        beamc_error_print(error, text, sizeof(text));
        ck_abort_msg("case %d: %s", test->index, text);
    }
    return type;
}

static beamc_error *get_state(const beamc__state_fetch *fetch, beamc_bytes token, beamc_bytes from,
                              beamc__state_page *page)
{
    const vector_case *test = fetch->ctx;
    ck_assert_uint_eq(from.size, 0);
    for (size_t i = 0; i < test->state_count; i++) {
        if (beamc_compare(&beamc_type_bytes, &token, &test->state[i][0]) == 0) {
            page->data = test->state[i][1].data;
            page->size = test->state[i][1].size;
            return NULL;
        }
    }
    return beamc_error_new(BEAMC_ENOENT, "no state for %.*s", (int)token.size,
                           (const char *)token.data);
}

beamc__state_fetch vector_fetch(const vector_case *test)
{
    return (beamc__state_fetch){ get_state, NULL, (void *)test };
}

/* ---- values --------------------------------------------------------------------------------- */

static const vector_node *find(const vector_node *map, const char *key)
{
    ck_assert_int_eq(map->kind, 'm');
    for (size_t i = 0; i < map->count; i += 2)
        if (beamc_string_equal(map->items[i].text, beamc_string_of(key)))
            return &map->items[i + 1];
    ck_abort_msg("no %s", key);
    return NULL;
}

static double number_of(const vector_node *node)
{
    char text[64];
    ck_assert_int_eq(node->kind, 's');
    snprintf(text, sizeof(text), "%.*s", BEAMC_STR(node->text));
    return strtod(text, NULL);
}

/* "-100.123" */
static beamc_decimal decimal_of(const vector_node *node, beamc_arena *arena)
{
    beamc_decimal decimal = { 0, { NULL, 0 } };
    int64_t unscaled = 0;
    bool negative = false;
    bool fraction = false;
    for (size_t i = 0; i < node->text.size; i++) {
        char c = node->text.data[i];
        if (c == '-') {
            negative = true;
        } else if (c == '.') {
            fraction = true;
        } else {
            unscaled = unscaled * 10 + (c - '0');
            decimal.scale += fraction;
        }
    }
    uint8_t *bytes = beamc_arena_alloc(arena, 8);
    beamc__store_be64(bytes, (uint64_t)(negative ? -unscaled : unscaled));
    decimal.unscaled = (beamc_bytes){ bytes, 8 };
    return decimal;
}

static void *boxed(const beamc_type *type, const vector_node *node, beamc_arena *arena)
{
    void *value = beamc_arena_calloc(arena, 1, type->size);
    vector_value(type, value, node, arena);
    return value;
}

static void *list_items(const beamc_type *element, const vector_node *node, beamc_arena *arena)
{
    ck_assert_int_eq(node->kind, 'l');
    char *items = beamc_arena_calloc(arena, node->count, element->size);
    for (size_t i = 0; i < node->count; i++)
        vector_value(element, items + i * element->size, &node->items[i], arena);
    return items;
}

static beamc_iterable iterable_of(const beamc_type *element, const vector_node *node,
                                  beamc_arena *arena)
{
    return beamc_iterable_of_array(element, list_items(element, node, arena), node->count);
}

static beamc_array map_of(const beamc_type *type, const vector_node *node, beamc_arena *arena)
{
    size_t step = beamc__entry_size(type);
    char *items = beamc_arena_calloc(arena, node->count / 2, step);
    for (size_t i = 0; i < node->count / 2; i++) {
        char *entry = items + i * step;
        vector_value(type->fields[0].type, entry, &node->items[2 * i], arena);
        vector_value(type->fields[1].type, entry + beamc_kv_value_offset(type),
                     &node->items[2 * i + 1], arena);
    }
    return (beamc_array){ items, node->count / 2 };
}

static beamc_pane pane_of(const vector_node *node)
{
    static const char *const timings[] = { "EARLY", "ON_TIME", "LATE", "UNKNOWN" };
    beamc_string timing = find(node, "timing")->text;
    beamc_pane pane = { find(node, "is_first")->number != 0, find(node, "is_last")->number != 0,
                        BEAMC_PANE_EARLY, find(node, "index")->number,
                        find(node, "on_time_index")->number };
    while (!beamc_string_equal(timing, beamc_string_of(timings[pane.timing])))
        pane.timing++;
    return pane;
}

static beamc_interval_window interval_of(const vector_node *node)
{
    int64_t end = find(node, "end")->number;
    return (beamc_interval_window){ end - find(node, "span")->number, end };
}

static beamc_windowed_value windowed_value_of(const beamc_type *type, const vector_node *node,
                                              beamc_arena *arena)
{
    return (beamc_windowed_value){ find(node, "timestamp")->number,
                                   iterable_of(type->fields[1].type, find(node, "windows"), arena),
                                   pane_of(find(node, "pane")),
                                   boxed(type->fields[0].type, find(node, "value"), arena) };
}

static beamc_timer timer_of(const beamc_type *type, const vector_node *node, beamc_arena *arena)
{
    beamc_timer timer = { boxed(type->fields[0].type, find(node, "userKey"), arena),
                          find(node, "dynamicTimerTag")->text,
                          iterable_of(type->fields[1].type, find(node, "windows"), arena),
                          find(node, "clearBit")->number != 0,
                          0,
                          0,
                          { false, false, BEAMC_PANE_EARLY, 0, 0 } };
    if (timer.clear)
        return timer;
    timer.fire = find(node, "fireTimestamp")->number;
    timer.hold = find(node, "holdTimestamp")->number;
    timer.pane = pane_of(find(node, "pane"));
    return timer;
}

static void fill_row(const beamc_type *type, void *value, const vector_node *node,
                     beamc_arena *arena)
{
    size_t at = 0;
    ck_assert_uint_eq(node->count, 2 * type->field_count);
    for (size_t i = 0; i < type->field_count; i++) {
        size_t offset = beamc__next_offset(type->fields[i].type, &at);
        vector_value(type->fields[i].type, (char *)value + offset,
                     find(node, type->fields[i].name), arena);
    }
}

void vector_value(const beamc_type *type, void *value, const vector_node *node, beamc_arena *arena)
{
    switch (type->kind) {
    case BEAMC_KIND_BYTES:
    case BEAMC_KIND_STRING:
        ck_assert_int_eq(node->kind, 's');
        *(beamc_string *)value = node->text;
        break;
    case BEAMC_KIND_BOOL:
        ck_assert_int_eq(node->kind, 'b');
        *(bool *)value = node->number != 0;
        break;
    case BEAMC_KIND_INT64:
        ck_assert_int_eq(node->kind, 'i');
        *(int64_t *)value = node->number;
        break;
    case BEAMC_KIND_INT32:
        *(int32_t *)value = (int32_t)node->number;
        break;
    case BEAMC_KIND_INT16:
        *(int16_t *)value = (int16_t)node->number;
        break;
    case BEAMC_KIND_TIMESTAMP: /* the file has the representation: the bytes read as a number */
        *(beamc_timestamp *)value = (int64_t)((uint64_t)node->number ^ (UINT64_C(1) << 63));
        break;
    case BEAMC_KIND_DOUBLE:
        *(double *)value = number_of(node);
        break;
    case BEAMC_KIND_FLOAT:
        *(float *)value = (float)number_of(node);
        break;
    case BEAMC_KIND_DECIMAL:
        *(beamc_decimal *)value = decimal_of(node, arena);
        break;
    case BEAMC_KIND_KV:
        vector_value(type->fields[0].type, value, find(node, "key"), arena);
        vector_value(type->fields[1].type, (char *)value + beamc_kv_value_offset(type),
                     find(node, "value"), arena);
        break;
    case BEAMC_KIND_ITERABLE:
    case BEAMC_KIND_STATE_BACKED_ITERABLE:
        *(beamc_iterable *)value = iterable_of(type->fields[0].type, node, arena);
        break;
    case BEAMC_KIND_ARRAY:
        *(beamc_array *)value =
            (beamc_array){ list_items(type->fields[0].type, node, arena), node->count };
        break;
    case BEAMC_KIND_MAP:
        *(beamc_array *)value = map_of(type, node, arena);
        break;
    case BEAMC_KIND_NULLABLE:
        memset(value, 0, type->size);
        if (node->kind == 'n')
            break;
        *(bool *)value = true;
        vector_value(type->fields[0].type, (char *)value + beamc__nullable_offset(type), node,
                     arena);
        break;
    case BEAMC_KIND_ROW:
        fill_row(type, value, node, arena);
        break;
    case BEAMC_KIND_GLOBAL_WINDOW:
        break;
    case BEAMC_KIND_INTERVAL_WINDOW:
        *(beamc_interval_window *)value = interval_of(node);
        break;
    case BEAMC_KIND_CUSTOM_WINDOW: {
        beamc_interval_window *window =
            boxed(type->fields[0].type, find(node, "window"), arena);
        *(beamc_custom_window *)value = (beamc_custom_window){ window->end - 1, window };
        break;
    }
    case BEAMC_KIND_WINDOWED_VALUE:
    case BEAMC_KIND_PARAM_WINDOWED_VALUE:
        *(beamc_windowed_value *)value = windowed_value_of(type, node, arena);
        break;
    case BEAMC_KIND_TIMER:
        *(beamc_timer *)value = timer_of(type, node, arena);
        break;
    case BEAMC_KIND_SHARDED_KEY: {
        beamc_string shard = find(node, "shardId")->text;
        *(beamc_sharded_key *)value =
            (beamc_sharded_key){ { (const uint8_t *)shard.data, shard.size },
                                 boxed(type->fields[0].type, find(node, "key"), arena) };
        break;
    }
    default:
        ck_abort_msg("the file has no values of %s", type->name);
    }
}
