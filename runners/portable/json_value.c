/* SPDX-License-Identifier: Apache-2.0 */
#include "json_value.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *text; /* its start */
    const char *at;
    beamc_arena *arena;
    int depth;
} reader;

/* ---- making values --------------------------------------------------------------------------- */

static beamc__json_value *new_value(beamc_arena *arena, Google__Protobuf__Value__KindCase kind)
{
    beamc__json_value *value = beamc_arena_alloc(arena, sizeof(*value));

    if (value == NULL)
        return NULL;
    google__protobuf__value__init(value);
    value->kind_case = kind;
    return value;
}

beamc__json_value *beamc__json_value_text(beamc_arena *arena, const char *text)
{
    beamc__json_value *value = new_value(arena, GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE);

    if (value != NULL)
        value->string_value = (char *)text;
    return value;
}

beamc__json_value *beamc__json_value_bool(beamc_arena *arena, bool truth)
{
    beamc__json_value *value = new_value(arena, GOOGLE__PROTOBUF__VALUE__KIND_BOOL_VALUE);

    if (value != NULL)
        value->bool_value = truth;
    return value;
}

beamc__json_value *beamc__json_value_number(beamc_arena *arena, double number)
{
    beamc__json_value *value = new_value(arena, GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE);

    if (value != NULL)
        value->number_value = number;
    return value;
}

beamc__json_value *beamc__json_value_list(beamc_arena *arena, size_t room)
{
    beamc__json_value *value = new_value(arena, GOOGLE__PROTOBUF__VALUE__KIND_LIST_VALUE);
    Google__Protobuf__ListValue *list = beamc_arena_alloc(arena, sizeof(*list));

    if (value == NULL || list == NULL)
        return NULL;
    google__protobuf__list_value__init(list);
    list->values = beamc_arena_calloc(arena, room, sizeof(*list->values));
    value->list_value = list;
    return list->values == NULL ? NULL : value;
}

/* Room is made by doubling: @count values are there, and one more comes. */
static void *grow(beamc_arena *arena, void *items, size_t count, size_t size)
{
    if (count > 0 && (count & (count - 1)) != 0)
        return items;
    char *more = beamc_arena_calloc(arena, count == 0 ? 1 : 2 * count, size);
    if (more != NULL && count > 0)
        memcpy(more, items, count * size);
    return more;
}

beamc__json_object *beamc__json_object_new(beamc_arena *arena)
{
    beamc__json_object *object = beamc_arena_alloc(arena, sizeof(*object));

    if (object != NULL)
        google__protobuf__struct__init(object);
    return object;
}

static Google__Protobuf__Struct__FieldsEntry *find_member(const beamc__json_object *object,
                                                          const char *name)
{
    for (size_t i = 0; i < object->n_fields; i++)
        if (strcmp(object->fields[i]->key, name) == 0)
            return object->fields[i];
    return NULL;
}

bool beamc__json_object_set(beamc__json_object *object, const char *name, beamc__json_value *value,
                            beamc_arena *arena)
{
    if (value == NULL)
        return false;
    Google__Protobuf__Struct__FieldsEntry *member = find_member(object, name);
    if (member == NULL) {
        void *fields = grow(arena, object->fields, object->n_fields, sizeof(*object->fields));
        member = beamc_arena_alloc(arena, sizeof(*member));
        if (fields == NULL || member == NULL)
            return false;
        google__protobuf__struct__fields_entry__init(member);
        member->key = (char *)name;
        object->fields = fields;
        object->fields[object->n_fields++] = member;
    }
    member->value = value;
    return true;
}

const beamc__json_value *beamc__json_object_get(const beamc__json_object *object, const char *name)
{
    const Google__Protobuf__Struct__FieldsEntry *member = find_member(object, name);

    return member == NULL ? NULL : member->value;
}

const char *beamc__json_as_text(const beamc__json_value *value)
{
    return value != NULL && value->kind_case == GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE
               ? value->string_value
               : NULL;
}

const beamc__json_object *beamc__json_as_object(const beamc__json_value *value)
{
    return value != NULL && value->kind_case == GOOGLE__PROTOBUF__VALUE__KIND_STRUCT_VALUE
               ? value->struct_value
               : NULL;
}

/* ---- reading --------------------------------------------------------------------------------- */

static beamc_error *wrong(const reader *in, const char *what)
{
    return beamc_error_new(BEAMC_EINVAL, "character %zu: %s", (size_t)(in->at - in->text) + 1,
                           what);
}

static void skip_blanks(reader *in)
{
    in->at += strspn(in->at, " \t\r\n");
}

/* Whether the next character is @c, which is then passed. */
static bool pass(reader *in, char c)
{
    skip_blanks(in);
    if (*in->at != c)
        return false;
    in->at++;
    return true;
}

/* Four hexadecimal digits; -1 if they are not. */
static int32_t read_hex(const char *at)
{
    int32_t code = 0;

    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        code = code << 4 | digit;
    }
    return code;
}

static char *write_utf8(char *to, uint32_t code)
{
    if (code < 0x80) {
        *to++ = (char)code;
        return to;
    }
    int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t heads[] = { 0, 0xc0, 0xe0, 0xf0 };
    *to++ = (char)(heads[more] | code >> (6 * more));
    while (more-- > 0)
        *to++ = (char)(0x80 | (code >> (6 * more) & 0x3f));
    return to;
}

/* What follows "\u": one code, or a pair of surrogates. */
static beamc_error *read_unicode(reader *in, char **to)
{
    int32_t code = read_hex(in->at);

    if (code < 0)
        return wrong(in, "\\u needs four hexadecimal digits");
    /* A value of the C kind cannot hold it. */
    if (code == 0)
        return wrong(in, "\\u0000 cannot be part of a text");
    if (code >= 0xd800 && code < 0xe000) {
        int32_t low = in->at[4] == '\\' && in->at[5] == 'u' ? read_hex(in->at + 6) : -1;
        if (code >= 0xdc00 || low < 0xdc00 || low >= 0xe000)
            return wrong(in, "half of a surrogate pair");
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        in->at += 6;
    }
    in->at += 4;
    *to = write_utf8(*to, (uint32_t)code);
    return NULL;
}

static beamc_error *read_escape(reader *in, char **to)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    const char *found = *in->at == '\0' ? NULL : strchr(letters, *in->at);

    if (*in->at == 'u') {
        in->at++;
        return read_unicode(in, to);
    }
    if (found == NULL)
        return wrong(in, "unknown escape in a text");
    in->at++;
    *(*to)++ = meant[found - letters];
    return NULL;
}

/* After the opening quote. */
static beamc_error *read_text(const char **out, reader *in)
{
    const char *end = in->at;

    while (*end != '\0' && *end != '"')
        end += *end == '\\' && end[1] != '\0' ? 2 : 1;
    /* No escape stands for more bytes than it has. */
    char *text = beamc_arena_alloc(in->arena, (size_t)(end - in->at) + 1);
    if (text == NULL)
        return beamc_error_nomem();
    *out = text;
    while (*in->at != '"') {
        if (*in->at == '\0')
            return wrong(in, "the text has no end");
        if ((unsigned char)*in->at < 0x20)
            return wrong(in, "control characters in a text must be escaped");
        if (*in->at != '\\') {
            *text++ = *in->at++;
            continue;
        }
        in->at++;
        BEAMC_TRY(read_escape(in, &text));
    }
    in->at++;
    *text = '\0';
    return NULL;
}

static size_t count_digits(const char *at)
{
    return strspn(at, "0123456789");
}

/* The length of the number at @at as JSON writes them; 0 if it is none. */
static size_t number_size(const char *at)
{
    const char *start = at;

    at += *at == '-';
    size_t digits = count_digits(at);
    if (digits == 0 || (digits > 1 && *at == '0'))
        return 0;
    at += digits;
    if (*at == '.') {
        digits = count_digits(at + 1);
        if (digits == 0)
            return 0;
        at += 1 + digits;
    }
    if (*at == 'e' || *at == 'E') {
        at++;
        at += *at == '+' || *at == '-';
        digits = count_digits(at);
        if (digits == 0)
            return 0;
        at += digits;
    }
    return (size_t)(at - start);
}

static beamc_error *read_number(beamc__json_value **out, reader *in)
{
    size_t size = number_size(in->at);

    if (size == 0)
        return wrong(in, "a value is missing");
    *out = beamc__json_value_number(in->arena, strtod(in->at, NULL));
    in->at += size;
    return *out == NULL ? beamc_error_nomem() : NULL;
}

static beamc_error *read_value(beamc__json_value **out, reader *in);

/* After the opening brace. */
static beamc_error *read_object(beamc__json_value **out, reader *in)
{
    beamc__json_value *value = new_value(in->arena, GOOGLE__PROTOBUF__VALUE__KIND_STRUCT_VALUE);
    beamc__json_object *object = beamc__json_object_new(in->arena);

    if (value == NULL || object == NULL)
        return beamc_error_nomem();
    value->struct_value = object;
    *out = value;
    if (pass(in, '}'))
        return NULL;
    do {
        const char *name;
        beamc__json_value *member;
        if (!pass(in, '"'))
            return wrong(in, "the name of a member is missing");
        BEAMC_TRY(read_text(&name, in));
        if (!pass(in, ':'))
            return wrong(in, "':' is missing");
        BEAMC_TRY(read_value(&member, in));
        if (!beamc__json_object_set(object, name, member, in->arena))
            return beamc_error_nomem();
    } while (pass(in, ','));
    return pass(in, '}') ? NULL : wrong(in, "',' or '}' is missing");
}

/* After the opening bracket. */
static beamc_error *read_list(beamc__json_value **out, reader *in)
{
    beamc__json_value *value = beamc__json_value_list(in->arena, 0);

    if (value == NULL)
        return beamc_error_nomem();
    Google__Protobuf__ListValue *list = value->list_value;
    *out = value;
    if (pass(in, ']'))
        return NULL;
    do {
        void *values = grow(in->arena, list->values, list->n_values, sizeof(*list->values));
        if (values == NULL)
            return beamc_error_nomem();
        list->values = values;
        BEAMC_TRY(read_value(&list->values[list->n_values], in));
        list->n_values++;
    } while (pass(in, ','));
    return pass(in, ']') ? NULL : wrong(in, "',' or ']' is missing");
}

static beamc_error *read_nested(beamc__json_value **out, reader *in, bool object)
{
    if (in->depth == BEAMC__JSON_DEPTH)
        return wrong(in, "too many objects and lists in each other");
    in->depth++;
    BEAMC_TRY(object ? read_object(out, in) : read_list(out, in));
    in->depth--;
    return NULL;
}

static bool pass_word(reader *in, const char *word)
{
    size_t size = strlen(word);

    if (strncmp(in->at, word, size) != 0)
        return false;
    in->at += size;
    return true;
}

static beamc_error *read_value(beamc__json_value **out, reader *in)
{
    *out = NULL;
    if (pass(in, '{'))
        return read_nested(out, in, true);
    if (pass(in, '['))
        return read_nested(out, in, false);
    if (pass(in, '"')) {
        const char *text;
        BEAMC_TRY(read_text(&text, in));
        *out = beamc__json_value_text(in->arena, text);
    } else if (pass_word(in, "true")) {
        *out = beamc__json_value_bool(in->arena, true);
    } else if (pass_word(in, "false")) {
        *out = beamc__json_value_bool(in->arena, false);
    } else if (pass_word(in, "null")) {
        *out = new_value(in->arena, GOOGLE__PROTOBUF__VALUE__KIND_NULL_VALUE);
    } else {
        return read_number(out, in);
    }
    return *out == NULL ? beamc_error_nomem() : NULL;
}

beamc_error *beamc__json_parse(beamc__json_value **out, const char *text, beamc_arena *arena)
{
    reader in = { text, text, arena, 0 };

    BEAMC_TRY(read_value(out, &in));
    skip_blanks(&in);
    return *in.at == '\0' ? NULL : wrong(&in, "something follows the value");
}
