/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/coders/type_proto.h"

#include "sdk/coders/logical.h"
#include "sdk/types/layout.h"
#include "test/alloc.h"
#include "test/fuzz/round_trip.h"
#include "test/sdk/types/samples.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static beamc_arena *arena;
static beamc__coder_set *set;

static void set_up(void)
{
    arena = beamc_arena_new();
    set = beamc__coder_set_new("c");
}

static void tear_down(void)
{
    beamc__coder_set_free(set);
    beamc_arena_free(arena);
}

static const PB(Coder) *find_in_set(void *ctx, const char *id)
{
    const beamc__coder_set *coders = ctx;
    for (size_t i = 0; i < beamc__coder_set_count(coders); i++)
        if (strcmp(beamc__coder_set_id(coders, i), id) == 0)
            return beamc__coder_set_coder(coders, i);
    return NULL;
}

static const char *add(const beamc_type *type)
{
    const char *id = NULL;
    ck_assert_ptr_null(beamc__type_to_coder(&id, set, type));
    ck_assert_ptr_nonnull(id);
    return id;
}

static const beamc_type *back(const char *id)
{
    const beamc__coder_resolver resolver = { find_in_set, set, NULL, 0 };
    const beamc_type *type = NULL;
    char text[200];
    beamc_error *error = beamc__type_from_coder(&type, &resolver, id, arena);
    beamc_error_print(error, text, sizeof(text));
    ck_assert_msg(error == NULL, "%s", text);
    return type;
}

/* ---- there and back -------------------------------------------------------------------------- */

static const beamc_type *const samples[] = {
    BEAMC_TYPE(bytes),          BEAMC_TYPE(string),       BEAMC_TYPE(boolean),
    BEAMC_TYPE(int64),          BEAMC_TYPE(float64),      BEAMC_TYPE(word_count),
    BEAMC_TYPE(groups),         BEAMC_TYPE(maybe_string), BEAMC_TYPE(sale),
    BEAMC_TYPE(everything),     BEAMC_TYPE(int8),         BEAMC_TYPE(int16),
    BEAMC_TYPE(int32),          BEAMC_TYPE(float32),      BEAMC_TYPE(timestamp),
    BEAMC_TYPE(decimal),        BEAMC_TYPE(date),         BEAMC_TYPE(micros_instant),
    BEAMC_TYPE(tags),           BEAMC_TYPE(prices),       BEAMC_TYPE(sales),
    BEAMC_TYPE(global_window),  BEAMC_TYPE(interval_window),
};

#define SAMPLE_COUNT ((int)(sizeof(samples) / sizeof(samples[0])))

START_TEST(type_comes_back_from_its_coder)
{
    const beamc_type *type = back(add(samples[_i]));
    ck_assert(beamc_type_equal(samples[_i], type));
    ck_assert_uint_eq(type->size, samples[_i]->size);
    ck_assert_uint_eq(type->align, samples[_i]->align);
    /* And once more: what was made from messages becomes the same messages. */
    size_t count = beamc__coder_set_count(set);
    add(type);
    ck_assert_uint_eq(beamc__coder_set_count(set), count);
}
END_TEST

START_TEST(type_from_a_coder_has_the_layout_of_the_struct)
{
    const everything row = sample_everything();
    const beamc_type *type = back(add(BEAMC_TYPE(everything)));
    const beamc__decode_context context = { arena, NULL };
    beamc_buffer out;
    beamc_buffer again;
    beamc_buffer_init(&out);
    beamc_buffer_init(&again);
    ck_assert_int_eq(beamc_encode(BEAMC_TYPE(everything), &row, true, &out), BEAMC_OK);
    ck_assert_int_eq(beamc_encode(type, &row, true, &again), BEAMC_OK);
    ck_assert_uint_eq(out.size, again.size);
    ck_assert_mem_eq(out.data, again.data, out.size);
    ck_assert(round_trip(type, true, out.data, out.size, &context));
    beamc_buffer_dispose(&out);
    beamc_buffer_dispose(&again);
}
END_TEST

START_TEST(coder_set_has_equal_coders_once)
{
    const char *first = add(BEAMC_TYPE(word_count));
    ck_assert_uint_eq(beamc__coder_set_count(set), 3);
    ck_assert_str_eq(beamc__coder_set_id(set, 0), "c_1");
    ck_assert_ptr_eq(add(BEAMC_TYPE(word_count)), first);
    add(BEAMC_TYPE(grouped));
    ck_assert_uint_eq(beamc__coder_set_count(set), 5);
    add(BEAMC_TYPE(sale));
    add(BEAMC_TYPE(sale));
    ck_assert_uint_eq(beamc__coder_set_count(set), 6);
}
END_TEST

START_TEST(schema_has_an_id_that_follows_from_its_content)
{
    PB(Schema) *a;
    PB(Schema) *b;
    PB(Schema) *c;
    ck_assert_ptr_null(beamc__type_to_schema(&a, BEAMC_TYPE(sale), arena));
    ck_assert_ptr_null(beamc__type_to_schema(&b, BEAMC_TYPE(sale), arena));
    ck_assert_ptr_null(beamc__type_to_schema(&c, BEAMC_TYPE(everything), arena));
    ck_assert_str_eq(a->id, b->id);
    ck_assert_str_ne(a->id, c->id);
    ck_assert_uint_eq(strlen(a->id), 36);
    ck_assert_int_eq(a->id[14], '8');
    ck_assert_uint_eq(a->n_fields, 3);
    ck_assert_str_eq(a->fields[2]->name, "at");
    ck_assert_str_eq(a->fields[2]->type->logical_type->urn, BEAMC__MILLIS_INSTANT_URN);
    ck_assert_int_eq(a->fields[2]->encoding_position, 2);
}
END_TEST

START_TEST(nothing_is_sent_as_bytes)
{
    const char *id = add(BEAMC_TYPE(nothing));
    ck_assert_str_eq(find_in_set(set, id)->spec->urn, "beam:coder:bytes:v1");
}
END_TEST

BEAMC_KV(kv_of_row, sale, int64)
#define BAD(F) F(int64, fine) F(word_count, pair)
BEAMC_ROW(bad_row, BAD)
BEAMC_NULLABLE(maybe_maybe, maybe_int64)
#define TWICE(F) F(maybe_maybe, value)
BEAMC_ROW(twice, TWICE)

START_TEST(what_cannot_be_in_a_row_is_an_error_that_names_the_field)
{
    const char *id;
    char text[200];
    beamc_error *error = beamc__type_to_coder(&id, set, BEAMC_TYPE(bad_row));
    ck_assert_int_eq(beamc_error_code(error), BEAMC_ETYPE);
    beamc_error_print(error, text, sizeof(text));
    ck_assert_str_eq(text, "row bad_row: field pair: a KV<string, int64> cannot be in a row");
    beamc_error_free(error);
    error = beamc__type_to_coder(&id, set, BEAMC_TYPE(twice));
    ck_assert_int_eq(beamc_error_code(error), BEAMC_ETYPE);
    beamc_error_free(error);
    add(BEAMC_TYPE(kv_of_row));
}
END_TEST

/* ---- logical types with arguments ------------------------------------------------------------- */

BEAMC_MAP(enum_values, string, int32)
BEAMC_ITERABLE(samples_of, int64)
#define ARGUMENT(F)                                                                                \
    F(enum_values, values) F(maybe_int64, none) F(maybe_string, some) F(tags, names)               \
    F(float32, single) F(float64, real) F(boolean, flag) F(bytes, raw) F(int8, tiny)               \
    F(int16, small) F(timestamp, at) F(samples_of, numbers)
BEAMC_ROW(argument, ARGUMENT)

START_TEST(logical_type_keeps_its_argument_and_payload)
{
    static const enum_values_entry values[] = { { { "ON", 2 }, 1 }, { { "OFF", 3 }, 0 } };
    argument value;
    memset(&value, 0, sizeof(value));
    value.values = (enum_values){ values, 2 };
    value.some = (maybe_string){ true, { "x", 1 } };
    value.names = (tags){ sample_tags, 3 };
    value.single = 1.5f;
    value.real = -2.5;
    value.flag = true;
    value.raw = (beamc_bytes){ (const uint8_t *)"\0\1", 2 };
    value.tiny = -1;
    value.small = -300;
    value.at = 12345;
    value.numbers = beamc_iterable_of_array(BEAMC_TYPE(int64), sample_votes, 3);
    const beamc_logical_type logical = { "beam:logical_type:of_someone:v1", BEAMC_TYPE(argument),
                                         &value, (const uint8_t *)"pay\0load", 8 };
    beamc_type type = beamc_type_int32;
    type.logical = &logical;
    const beamc_type *again = back(add(&type));
    ck_assert(beamc_type_equal(&type, again));
    ck_assert_str_eq(again->logical->urn, logical.urn);
    ck_assert_uint_eq(again->logical->payload_size, 8);
    ck_assert_int_eq(
        beamc_compare(again->logical->argument_type, again->logical->argument, &value), 0);
    value.small++;
    ck_assert(!beamc_type_equal(&type, again));
}
END_TEST

/* ---- coders of others ------------------------------------------------------------------------- */

/* Coders written as text: "id urn part part; id ...". */
typedef struct {
    PB(Coder) coders[80];
    PB(FunctionSpec) specs[80];
    const char *ids[80];
    size_t count;
} coder_list;

static const PB(Coder) *find_in_list(void *ctx, const char *id)
{
    const coder_list *list = ctx;
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->ids[i], id) == 0)
            return &list->coders[i];
    return NULL;
}

static coder_list *list_of(const char *text)
{
    coder_list *list = beamc_arena_calloc(arena, 1, sizeof(*list));
    char *copy = beamc_arena_strdup(arena, text);
    char *rest_of_text = NULL;
    for (char *line = strtok_r(copy, ";", &rest_of_text); line != NULL;
         line = strtok_r(NULL, ";", &rest_of_text)) {
        char *rest = NULL;
        PB(Coder) *coder = &list->coders[list->count];
        PB(FunctionSpec) *spec = &list->specs[list->count];
        *coder = (PB(Coder))PBK(CODER__INIT);
        *spec = (PB(FunctionSpec))PBK(FUNCTION_SPEC__INIT);
        list->ids[list->count++] = strtok_r(line, " ", &rest);
        const char *name = strtok_r(NULL, " ", &rest);
        coder->spec = spec;
        spec->urn = name == NULL ? "" : beamc_arena_printf(arena, "beam:coder:%s:v1", name);
        coder->component_coder_ids = beamc_arena_calloc(arena, 4, sizeof(char *));
        for (char *part; (part = strtok_r(NULL, " ", &rest)) != NULL;)
            coder->component_coder_ids[coder->n_component_coder_ids++] = part;
    }
    return list;
}

static beamc_error *resolve(const beamc_type **out, coder_list *list)
{
    const beamc__coder_resolver resolver = { find_in_list, list, NULL, 0 };
    return beamc__type_from_coder(out, &resolver, "a", arena);
}

START_TEST(coders_that_are_wrong_are_named)
{
    static const struct {
        const char *coders;
        beamc_code code;
        const char *message;
    } cases[] = {
        { "x bytes", BEAMC_ENOENT, "coder a is missing" },
        { "a", BEAMC_ECORRUPT, "coder a has no URN" },
        { "a kv b b", BEAMC_ENOENT, "coder a (beam:coder:kv:v1): coder b is missing" },
        { "a kv b; b bytes", BEAMC_ECORRUPT,
          "coder a (beam:coder:kv:v1): it has 1 component coders, not 2" },
        { "a bytes b; b bytes", BEAMC_ECORRUPT,
          "coder a (beam:coder:bytes:v1): it has 1 component coders, not 0" },
        { "a iterable b; b nullable a", BEAMC_ECORRUPT,
          "coder a (beam:coder:iterable:v1): coder b (beam:coder:nullable:v1): "
          "coder a contains itself" },
        { "a iterable b; b odd", BEAMC_EUNSUPPORTED,
          "coder a (beam:coder:iterable:v1): coder b (beam:coder:odd:v1): "
          "it is not known to this SDK" },
        { "a param_windowed_value b c; b bytes; c interval_window", BEAMC_ESHORT,
          "coder a (beam:coder:param_windowed_value:v1): its payload is not a windowed value" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const beamc_type *type = BEAMC_TYPE(int64);
        char text[300];
        beamc_error *error = resolve(&type, list_of(cases[i].coders));
        beamc_error_print(error, text, sizeof(text));
        ck_assert_str_eq(text, cases[i].message);
        ck_assert_int_eq(beamc_error_code(error), cases[i].code);
        ck_assert_ptr_null(type);
        beamc_error_free(error);
    }
}
END_TEST

START_TEST(coders_not_known_are_bytes_below_a_length_prefix)
{
    const beamc_type *type;
    ck_assert_ptr_null(resolve(&type, list_of("a length_prefix b; b odd c; c odder")));
    ck_assert_int_eq(type->kind, BEAMC_KIND_LENGTH_PREFIX);
    ck_assert_int_eq(type->fields[0].type->kind, BEAMC_KIND_BYTES);
    ck_assert_ptr_null(resolve(&type, list_of("a length_prefix b; b kv c d; c bytes; d odd")));
    ck_assert_int_eq(type->fields[0].type->kind, BEAMC_KIND_BYTES);
    ck_assert_ptr_null(resolve(&type, list_of("a length_prefix b; b kv c c; c varint")));
    ck_assert_int_eq(type->fields[0].type->kind, BEAMC_KIND_KV);
}
END_TEST

START_TEST(coders_may_not_be_too_deep_or_too_many)
{
    const beamc_type *type;
    char text[4000] = "";
    size_t used = 0;
    for (int i = 0; i < 70; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%d iterable %d;",
                                 i == 0 ? "a iterable 0;" : "", i, i + 1);
    snprintf(text + used, sizeof(text) - used, "70 bytes");
    beamc_error *error = resolve(&type, list_of(text));
    ck_assert_int_eq(beamc_error_code(error), BEAMC_ELIMIT);
    beamc_error_free(error);

    /* Each in the one before twice: 2^40 parts of no bytes. */
    used = 0;
    for (int i = 0; i < 40; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%d kv %d %d;",
                                 i == 0 ? "a kv 0 0;" : "", i, i + 1, i + 1);
    snprintf(text + used, sizeof(text) - used, "40 global_window");
    error = resolve(&type, list_of(text));
    ck_assert_int_eq(beamc_error_code(error), BEAMC_ELIMIT);
    beamc_error_free(error);

    /* 2^13 pairs of 16 bytes each are not too many, but more than a type may hold. */
    used = 0;
    for (int i = 0; i < 17; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%d kv %d %d;",
                                 i == 0 ? "a varint;" : "", i, i + 1, i + 1);
    snprintf(text + used, sizeof(text) - used, "17 timer 18 18; 18 bytes");
    coder_list *list = list_of(text);
    list->ids[0] = "unused";
    list->ids[3] = "a";
    error = resolve(&type, list);
    ck_assert_int_eq(beamc_error_code(error), BEAMC_ELIMIT);
    beamc_error_free(error);
}
END_TEST

static int never_called(void)
{
    ck_abort_msg("called");
    return BEAMC_EINVAL;
}

static int encode_never(const beamc_type *type BEAMC_UNUSED, const void *value BEAMC_UNUSED,
                        bool nested BEAMC_UNUSED, beamc_buffer *out BEAMC_UNUSED)
{
    return never_called();
}

static int decode_never(const beamc_type *type BEAMC_UNUSED, void *value BEAMC_UNUSED,
                        bool nested BEAMC_UNUSED, beamc_reader *in BEAMC_UNUSED,
                        beamc_arena *memory BEAMC_UNUSED)
{
    return never_called();
}

static int copy_never(const beamc_type *type BEAMC_UNUSED, void *to BEAMC_UNUSED,
                      const void *from BEAMC_UNUSED, beamc_arena *memory BEAMC_UNUSED)
{
    return never_called();
}

START_TEST(custom_coders_are_found_by_urn_and_name)
{
    static const beamc_coder_ops ops = { "beam:coder:shape:v1", encode_never, decode_never,
                                         copy_never,            NULL,         NULL,
                                         true };
    static const beamc_type square = { "square", BEAMC_KIND_CUSTOM, 8, 8, NULL, 0, NULL, &ops,
                                       NULL };
    static const beamc_type circle = { "circle", BEAMC_KIND_CUSTOM, 8, 8, NULL, 0, NULL, &ops,
                                       NULL };
    const beamc_type *const customs[] = { &square, &circle };
    const beamc__coder_resolver resolver = { find_in_set, set, customs, 2 };
    const beamc_type *type;
    ck_assert(!beamc_type_equal(&square, &circle));
    ck_assert_ptr_null(beamc__type_from_coder(&type, &resolver, add(&circle), arena));
    ck_assert_ptr_eq(type, &circle);
    ck_assert_ptr_null(beamc__type_from_coder(&type, &resolver, add(&square), arena));
    ck_assert_ptr_eq(type, &square);
}
END_TEST

/* ---- schemas of others ------------------------------------------------------------------------ */

static int schema_code(void (*change)(PB(Schema) *schema))
{
    PB(Schema) *schema;
    const beamc_type *type;
    ck_assert_ptr_null(beamc__type_to_schema(&schema, BEAMC_TYPE(sale), arena));
    change(schema);
    beamc_error *error = beamc__type_from_schema(&type, schema, arena);
    int code = (int)beamc_error_code(error);
    beamc_error_free(error);
    return code;
}

static void move_out(PB(Schema) *schema)
{
    schema->encoding_positions_set = true;
    schema->fields[1]->encoding_position = 3;
}

static void move_together(PB(Schema) *schema)
{
    schema->encoding_positions_set = true;
    schema->fields[1]->encoding_position = 0;
}

static void turn_around(PB(Schema) *schema)
{
    schema->encoding_positions_set = true;
    schema->fields[0]->encoding_position = 2;
    schema->fields[2]->encoding_position = 0;
}

static void drop_type(PB(Schema) *schema)
{
    schema->fields[1]->type = NULL;
}

static void unknown_atomic(PB(Schema) *schema)
{
    schema->fields[1]->type->atomic_type = (PB(AtomicType))77;
}

static void no_representation(PB(Schema) *schema)
{
    schema->fields[2]->type->logical_type->urn = "beam:logical_type:of_someone:v1";
    schema->fields[2]->type->logical_type->representation = NULL;
}

static void one_within_another(PB(Schema) *schema)
{
    for (int i = 0; i < 70; i++) {
        PB(FieldType) *outer = beamc_arena_calloc(arena, 1, sizeof(*outer));
        PB(ArrayType) *array = beamc_arena_calloc(arena, 1, sizeof(*array));
        *outer = (PB(FieldType))PBK(FIELD_TYPE__INIT);
        *array = (PB(ArrayType))PBK(ARRAY_TYPE__INIT);
        array->element_type = schema->fields[0]->type;
        outer->type_info_case = PBK(FIELD_TYPE__TYPE_INFO_ARRAY_TYPE);
        outer->array_type = array;
        schema->fields[0]->type = outer;
    }
}

START_TEST(schemas_that_are_wrong_are_refused)
{
    ck_assert_int_eq(schema_code(move_out), BEAMC_ECORRUPT);
    ck_assert_int_eq(schema_code(move_together), BEAMC_ECORRUPT);
    ck_assert_int_eq(schema_code(drop_type), BEAMC_ECORRUPT);
    ck_assert_int_eq(schema_code(unknown_atomic), BEAMC_ECORRUPT);
    ck_assert_int_eq(schema_code(no_representation), BEAMC_ECORRUPT);
    ck_assert_int_eq(schema_code(one_within_another), BEAMC_ELIMIT);
    ck_assert_int_eq(schema_code(turn_around), BEAMC_OK);
}
END_TEST

START_TEST(schema_with_positions_orders_the_bytes)
{
    PB(Schema) *schema;
    const beamc_type *type;
    const beamc__decode_context context = { arena, NULL };
    ck_assert_ptr_null(beamc__type_to_schema(&schema, BEAMC_TYPE(sale), arena));
    turn_around(schema);
    ck_assert_ptr_null(beamc__type_from_schema(&type, schema, arena));
    ck_assert(!beamc_type_equal(type, BEAMC_TYPE(sale)));
    ck_assert(beamc_type_equal(type, back(add(type))));
    beamc_buffer out;
    beamc_buffer_init(&out);
    ck_assert_int_eq(beamc_encode(type, &sample_sales[0], true, &out), BEAMC_OK);
    static const char expected[] = "\x03\x00\x80\x00\x01\x73\xe8\x2b\xd7\x6b\xfa\x01\x05north";
    ck_assert_uint_eq(out.size, sizeof(expected) - 1);
    ck_assert_mem_eq(out.data, expected, out.size);
    ck_assert(round_trip(type, true, out.data, out.size, &context));
    beamc_buffer_dispose(&out);
}
END_TEST

START_TEST(schema_coders_are_rows)
{
    PB(SchemaCoderPayload) payload = PBK(SCHEMA_CODER_PAYLOAD__INIT);
    coder_list *list = list_of("a schema");
    const beamc_type *type;
    ck_assert_ptr_null(beamc__type_to_schema(&payload.schema, BEAMC_TYPE(sale), arena));
    ProtobufCBinaryData *bytes = &list->specs[0].payload;
    bytes->data = beamc_arena_alloc(arena, pb(schema_coder_payload__get_packed_size)(&payload));
    bytes->len = pb(schema_coder_payload__pack)(&payload, bytes->data);
    ck_assert_ptr_null(resolve(&type, list));
    ck_assert(beamc_type_equal(type, BEAMC_TYPE(sale)));
    bytes->len--;
    beamc_error *error = resolve(&type, list);
    ck_assert_int_eq(beamc_error_code(error), BEAMC_ECORRUPT);
    beamc_error_free(error);
}
END_TEST

/* ---- no memory -------------------------------------------------------------------------------- */

static beamc_error *there_and_back(void)
{
    beamc__coder_set *own = beamc__coder_set_new("c");
    beamc_arena *memory = beamc_arena_new();
    const char *id;
    const beamc_type *type;
    beamc_error *error = own == NULL || memory == NULL ? beamc_error_nomem() : NULL;
    if (error == NULL)
        error = beamc__type_to_coder(&id, own, BEAMC_TYPE(everything));
    if (error == NULL) {
        const beamc__coder_resolver resolver = { find_in_set, own, NULL, 0 };
        error = beamc__type_from_coder(&type, &resolver, id, memory);
    }
    beamc_arena_free(memory);
    beamc__coder_set_free(own);
    return error;
}

START_TEST(types_and_coders_say_when_there_is_no_memory)
{
    for (long n = 0;; n++) {
        test_alloc_fail_at(n);
        beamc_error *error = there_and_back();
        bool failed = test_alloc_failed();
        test_alloc_fail_at(-1);
        ck_assert_int_eq(beamc_error_code(error), failed ? BEAMC_ENOMEM : BEAMC_OK);
        beamc_error_free(error);
        if (!failed)
            break;
    }
}
END_TEST

Suite *suite_type_proto(void);

Suite *suite_type_proto(void)
{
    Suite *suite = suite_create("type_proto");
    TCase *tc = tcase_create("type_proto");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, type_comes_back_from_its_coder, 0, SAMPLE_COUNT);
    tcase_add_test(tc, type_from_a_coder_has_the_layout_of_the_struct);
    tcase_add_test(tc, coder_set_has_equal_coders_once);
    tcase_add_test(tc, schema_has_an_id_that_follows_from_its_content);
    tcase_add_test(tc, nothing_is_sent_as_bytes);
    tcase_add_test(tc, what_cannot_be_in_a_row_is_an_error_that_names_the_field);
    tcase_add_test(tc, logical_type_keeps_its_argument_and_payload);
    tcase_add_test(tc, coders_that_are_wrong_are_named);
    tcase_add_test(tc, coders_not_known_are_bytes_below_a_length_prefix);
    tcase_add_test(tc, coders_may_not_be_too_deep_or_too_many);
    tcase_add_test(tc, custom_coders_are_found_by_urn_and_name);
    tcase_add_test(tc, schemas_that_are_wrong_are_refused);
    tcase_add_test(tc, schema_with_positions_orders_the_bytes);
    tcase_add_test(tc, schema_coders_are_rows);
    tcase_add_test(tc, types_and_coders_say_when_there_is_no_memory);
    suite_add_tcase(suite, tc);
    return suite;
}
