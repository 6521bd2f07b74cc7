/* SPDX-License-Identifier: Apache-2.0 */
/* Assertions inside a pipeline.
 *
 *     T -> KV<int64, evidence>          \
 *                                        Flatten -> GroupByKey -> check
 *     Impulse -> KV<int64, evidence>    /
 *
 * The impulse makes one more element, so that there is a group to check for no input, too.  What a
 * worker compares is not values but their canonical bytes, so checking needs no types. */
#include <beamc/aggregate.h>
#include <beamc/assert_that.h>
#include <beamc/metric.h>

#include "sdk/transforms/shape.h"
#include "sdk/types/layout.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SHOWN_MAX = 10,       /* elements of a kind in a message */
    SHOWN_BYTES_MAX = 200 /* of an element in it */
};

BEAMC_COUNTER(held, "beamc_assert_that")

/* An element: the same bytes for equal ones, and how it looks. */
#define EVIDENCE(F) F(boolean, is_element) F(bytes, canonical) F(bytes, text)
BEAMC_ROW(evidence, EVIDENCE)
BEAMC_KV(keyed_evidence, int64, evidence)
BEAMC_ITERABLE(evidence_list, evidence)
BEAMC_KV(grouped_evidence, int64, evidence_list)
BEAMC_ARRAY(evidence_array, evidence)

/* Where an assertion is written says its transform, which errors name. */
#define ASSERTION(F) F(evidence_array, expected)
BEAMC_ROW(assertion, ASSERTION)

#define COUNT_ASSERTION(F) F(int64, count)
BEAMC_ROW(count_assertion, COUNT_ASSERTION)

/* ---- canonical bytes ------------------------------------------------------------------------- */

static int add_canonical(const beamc_type *type, const void *value, beamc_buffer *out);

static int by_bytes(const void *a, const void *b)
{
    const beamc_buffer *left = a;
    const beamc_buffer *right = b;
    size_t size = left->size < right->size ? left->size : right->size;
    int order = size == 0 ? 0 : memcmp(left->data, right->data, size);

    return order != 0 ? order : (left->size > right->size) - (left->size < right->size);
}

static void add_size(uint64_t size, beamc_buffer *out)
{
    beamc_buffer_append(out, &size, sizeof(size));
}

/* Parts whose order has no meaning, in the order of their bytes. */
typedef struct {
    beamc_buffer *items;
    size_t count;
    size_t capacity;
} parts;

static beamc_buffer *next_part(parts *list)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 16 : 2 * list->capacity;
        beamc_buffer *items = reallocarray(list->items, capacity, sizeof(*items));
        if (items == NULL)
            return NULL;
        list->items = items;
        list->capacity = capacity;
    }
    beamc_buffer_init(&list->items[list->count]);
    return &list->items[list->count++];
}

static int add_parts(parts *list, beamc_buffer *out)
{
    int rc = BEAMC_OK;

    if (list->count > 0)
        qsort(list->items, list->count, sizeof(*list->items), by_bytes);
    add_size(list->count, out);
    for (size_t i = 0; i < list->count; i++) {
        const beamc_buffer *part = &list->items[i];
        if (beamc_buffer_failed(part))
            rc = BEAMC_ENOMEM;
        add_size(part->size, out);
        beamc_buffer_append(out, part->data, part->size);
    }
    return rc;
}

static void dispose_parts(parts *list)
{
    for (size_t i = 0; i < list->count; i++)
        beamc_buffer_dispose(&list->items[i]);
    free(list->items);
}

static int gather_values(parts *list, const beamc_iterable *values, const beamc_type *type)
{
    beamc__scratch scratch;
    beamc_iterator iterator;
    int rc = BEAMC_OK;

    beamc__scratch_init(&scratch, type);
    if (scratch.value == NULL)
        return BEAMC_ENOMEM;
    beamc_iterate(&iterator, values);
    while (rc == BEAMC_OK && beamc_next(&iterator, scratch.value)) {
        beamc_buffer *part = next_part(list);
        rc = part == NULL ? BEAMC_ENOMEM : add_canonical(type, scratch.value, part);
    }
    beamc_error *error = beamc_iterator_finish(&iterator);
    if (error != NULL && rc == BEAMC_OK)
        rc = (int)beamc_error_code(error);
    beamc_error_free(error); /* its code says what leaf code can */
    beamc__scratch_dispose(&scratch);
    return rc;
}

static int add_iterable(const beamc_type *type, const beamc_iterable *values, beamc_buffer *out)
{
    parts list = { 0 };
    int rc = gather_values(&list, values, type->fields[0].type);

    if (rc == BEAMC_OK)
        rc = add_parts(&list, out);
    dispose_parts(&list);
    return rc;
}

static int add_struct(const beamc_type *type, const void *value, beamc_buffer *out)
{
    size_t at = 0;
    int rc = BEAMC_OK;

    for (size_t i = 0; i < type->field_count && rc == BEAMC_OK; i++) {
        size_t offset = beamc__next_offset(type->fields[i].type, &at);
        rc = add_canonical(type->fields[i].type, beamc__at(value, offset), out);
    }
    return rc;
}

static int add_map(const beamc_type *type, const beamc_array *entries, beamc_buffer *out)
{
    size_t stride = beamc__entry_size(type);
    parts list = { 0 };
    int rc = BEAMC_OK;

    for (size_t i = 0; i < entries->count && rc == BEAMC_OK; i++) {
        beamc_buffer *part = next_part(&list);
        rc = part == NULL ? BEAMC_ENOMEM
                          : add_struct(type, beamc__at(entries->items, i * stride), part);
    }
    if (rc == BEAMC_OK)
        rc = add_parts(&list, out);
    dispose_parts(&list);
    return rc;
}

static int add_array(const beamc_type *type, const beamc_array *array, beamc_buffer *out)
{
    const beamc_type *element = type->fields[0].type;
    int rc = BEAMC_OK;

    add_size(array->count, out);
    for (size_t i = 0; i < array->count && rc == BEAMC_OK; i++)
        rc = add_canonical(element, beamc__at(array->items, i * element->size), out);
    return rc;
}

static int add_nullable(const beamc_type *type, const void *value, beamc_buffer *out)
{
    bool present = *(const bool *)value;

    beamc_buffer_append_byte(out, present);
    if (!present)
        return BEAMC_OK;
    return add_canonical(type->fields[0].type, beamc__at(value, beamc__nullable_offset(type)), out);
}

/* 0 and -0 are one, and so are all that is no number. */
static void add_double(double value, beamc_buffer *out)
{
    if (isnan(value))
        value = NAN;
    else if (value == 0)
        value = 0;
    beamc_buffer_append(out, &value, sizeof(value));
}

static int add_canonical(const beamc_type *type, const void *value, beamc_buffer *out)
{
    type = beamc_type_bare(type);
    switch (type->kind) {
    case BEAMC_KIND_ITERABLE:
    case BEAMC_KIND_STATE_BACKED_ITERABLE: return add_iterable(type, value, out);
    case BEAMC_KIND_KV:
    case BEAMC_KIND_ROW: return add_struct(type, value, out);
    case BEAMC_KIND_MAP: return add_map(type, value, out);
    case BEAMC_KIND_ARRAY: return add_array(type, value, out);
    case BEAMC_KIND_NULLABLE: return add_nullable(type, value, out);
    case BEAMC_KIND_DOUBLE: add_double(*(const double *)value, out); return BEAMC_OK;
    case BEAMC_KIND_FLOAT: add_double((double)*(const float *)value, out); return BEAMC_OK;
    default: return beamc_encode(type, value, true, out);
    }
}

/* ---- evidence -------------------------------------------------------------------------------- */

typedef struct {
    beamc_buffer canonical;
    beamc_buffer text;
} describer;

/* Cuts after SHOWN_BYTES_MAX bytes, but not within a character. */
static beamc_bytes shorten(beamc_buffer *text)
{
    size_t size = text->size;

    if (size > SHOWN_BYTES_MAX) {
        for (size = SHOWN_BYTES_MAX; size > 0 && (text->data[size] & 0xc0) == 0x80;)
            size--;
        text->size = size;
        beamc_buffer_append(text, "...", 3);
    }
    return (beamc_bytes){ text->data, text->size };
}

/* The evidence of a value; it borrows from @self until the next call. */
static beamc_error *describe(describer *self, const beamc_type *type, const void *value,
                             evidence *out)
{
    beamc_buffer_clear(&self->canonical);
    beamc_buffer_clear(&self->text);
    int rc = add_canonical(type, value, &self->canonical);
    if (rc < 0)
        return beamc_error_new((beamc_code)rc, "encoding %s", type->name);
    beamc_print(type, value, &self->text);
    out->is_element = true;
    out->text = shorten(&self->text);
    out->canonical = (beamc_bytes){ self->canonical.data, self->canonical.size };
    if (beamc_buffer_failed(&self->canonical) || beamc_buffer_failed(&self->text))
        return beamc_error_nomem();
    return NULL;
}

static void init_describer(describer *self)
{
    beamc_buffer_init(&self->canonical);
    beamc_buffer_init(&self->text);
}

static void dispose_describer(describer *self)
{
    beamc_buffer_dispose(&self->canonical);
    beamc_buffer_dispose(&self->text);
}

static beamc_error *setup_evidence(beamc_context *ctx)
{
    init_describer(beamc_instance(ctx));
    return NULL;
}

static void teardown_evidence(beamc_context *ctx)
{
    dispose_describer(beamc_instance(ctx));
}

static beamc_error *give_evidence(beamc_context *ctx, const void *element)
{
    keyed_evidence out = { 0 };

    BEAMC_TRY(describe(beamc_instance(ctx), ctx->input, element, &out.value));
    return beamc_emit(ctx, &out);
}

static const beamc_dofn beamc_assert_evidence_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_assert_evidence_fn" },
    .output = BEAMC_TYPE(keyed_evidence),
    .process = give_evidence,
    .setup = setup_evidence,
    .teardown = teardown_evidence,
    .instance_size = sizeof(describer),
};
BEAMC_REGISTER(beamc_assert_evidence_fn)

BEAMC_DOFN(beamc_assert_nothing_fn, bytes, keyed_evidence)
{
    const keyed_evidence none = { 0 };

    return beamc_emit(ctx, &none);
}

/* ---- checking -------------------------------------------------------------------------------- */

typedef struct {
    evidence *items;
    size_t count;
    size_t capacity;
} evidences;

static beamc_error *keep(evidences *list, const evidence *one, beamc_arena *arena)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 64 : 2 * list->capacity;
        evidence *items = beamc_arena_calloc(arena, capacity, sizeof(*items));
        if (items == NULL)
            return beamc_error_nomem();
        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof(*items));
        list->items = items;
        list->capacity = capacity;
    }
    int rc = beamc_copy(BEAMC_TYPE(evidence), &list->items[list->count], one, arena);
    if (rc < 0)
        return beamc_error_new((beamc_code)rc, "keeping an element");
    list->count++;
    return NULL;
}

static int by_canonical(const void *a, const void *b)
{
    return beamc_compare(BEAMC_TYPE(bytes), &((const evidence *)a)->canonical,
                         &((const evidence *)b)->canonical);
}

static void sort(evidences *list)
{
    if (list->count > 0)
        qsort(list->items, list->count, sizeof(*list->items), by_canonical);
}

static beamc_error *gather(evidences *actual, const beamc_iterable *values, beamc_arena *arena)
{
    beamc_iterator iterator;
    beamc_error *error = NULL;
    evidence one;

    beamc_iterate(&iterator, values);
    while (error == NULL && beamc_next(&iterator, &one))
        if (one.is_element)
            error = keep(actual, &one, arena);
    beamc_error *walk = beamc_iterator_finish(&iterator);
    if (error == NULL)
        return walk;
    beamc_error_free(walk); /* the first error is the one to tell */
    return error;
}

/* Adds an element to a list in a message. */
static void tell(beamc_buffer *message, size_t *told, const char *what, const evidence *one)
{
    if (*told == 0)
        beamc_buffer_append(message, what, strlen(what));
    if (*told < SHOWN_MAX) {
        beamc_buffer_append(message, *told == 0 ? " " : ", ", *told == 0 ? 1 : 2);
        beamc_buffer_append(message, one->text.data, one->text.size);
    }
    ++*told;
}

static void tell_rest(beamc_buffer *message, size_t told)
{
    char text[48];

    if (told > SHOWN_MAX) {
        snprintf(text, sizeof(text), " and %zu more", told - SHOWN_MAX);
        beamc_buffer_append(message, text, strlen(text));
    }
}

/* Those of the sorted @of that have no partner in the sorted @other. */
static size_t tell_difference(beamc_buffer *message, const char *what, const evidences *of,
                              const evidences *other)
{
    size_t told = 0;

    for (size_t i = 0, k = 0; i < of->count;) {
        int order = k == other->count ? -1 : by_canonical(&of->items[i], &other->items[k]);
        if (order < 0)
            tell(message, &told, what, &of->items[i]);
        i += order <= 0;
        k += order >= 0;
    }
    tell_rest(message, told);
    return told;
}

static beamc_error *compare(const evidences *expected, const evidences *actual)
{
    beamc_buffer message;
    beamc_error *error = NULL;

    beamc_buffer_init(&message);
    size_t missing = tell_difference(&message, "missing", expected, actual);
    size_t unexpected =
        tell_difference(&message, missing == 0 ? "unexpected" : "; unexpected", actual, expected);
    if (beamc_buffer_failed(&message))
        error = beamc_error_nomem();
    else if (missing + unexpected > 0)
        error = beamc_error_new(BEAMC_EUSER, "%zu element%s not what is expected: %.*s",
                                actual->count, actual->count == 1 ? " is" : "s are",
                                (int)message.size, (const char *)message.data);
    beamc_buffer_dispose(&message);
    return error;
}

static beamc_error *check_elements(beamc_context *ctx, const void *element)
{
    const grouped_evidence *group = element;
    const assertion *config = beamc_config(ctx);
    evidences expected = { 0 };
    evidences actual = { 0 };

    for (size_t i = 0; i < config->expected.count; i++)
        BEAMC_TRY(keep(&expected, &config->expected.items[i], ctx->arena));
    BEAMC_TRY(gather(&actual, &group->value, ctx->arena));
    sort(&expected);
    sort(&actual);
    BEAMC_TRY(compare(&expected, &actual));
    beamc_counter_add(ctx, &held, 1);
    return NULL;
}

static const beamc_dofn beamc_assert_check_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_assert_check_fn" },
    .input = BEAMC_TYPE(grouped_evidence),
    .process = check_elements,
    .config = BEAMC_TYPE(assertion),
};
BEAMC_REGISTER(beamc_assert_check_fn)

static beamc_error *check_count(beamc_context *ctx, const void *element)
{
    const count_assertion *config = beamc_config(ctx);
    int64_t count = *(const int64_t *)element;

    if (count != config->count)
        return beamc_error_new(BEAMC_EUSER, "%" PRId64 " elements, not %" PRId64, count,
                               config->count);
    beamc_counter_add(ctx, &held, 1);
    return NULL;
}

static const beamc_dofn beamc_assert_count_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_assert_count_fn" },
    .input = BEAMC_TYPE(int64),
    .process = check_count,
    .config = BEAMC_TYPE(count_assertion),
};
BEAMC_REGISTER(beamc_assert_count_fn)

/* ---- the transforms -------------------------------------------------------------------------- */

static beamc_error *describe_all(evidences *list, const beamc_type *type, const void *values,
                                 size_t count, beamc_arena *arena)
{
    describer self;
    beamc_error *error = NULL;

    init_describer(&self);
    for (size_t i = 0; i < count && error == NULL; i++) {
        evidence one;
        error = describe(&self, type, beamc__at(values, i * type->size), &one);
        if (error == NULL)
            error = keep(list, &one, arena);
    }
    dispose_describer(&self);
    return error;
}

static beamc_error *make_assertion(assertion *out, beamc_pcollection in, const void *values,
                                   size_t size, size_t count)
{
    const beamc_type *type = beamc_pcollection_type(in);
    beamc_arena *arena = beamc_pipeline_arena(in.pipeline);
    evidences list = { 0 };

    if (count > 0 && size != type->size)
        return beamc_error_new(BEAMC_ETYPE, "%s has %zu bytes, and what is expected %zu",
                               type->name, type->size, size);
    BEAMC_TRY(describe_all(&list, type, values, count, arena));
    out->expected.items = list.items;
    out->expected.count = list.count;
    return NULL;
}

/* Elements of all windows meet in the global one. */
static beamc_pcollection in_global_window(beamc_location at, beamc_pcollection in)
{
    return beamc_window_into_at(at, beamc_named(in, "InOneWindow"), beamc_global_windows());
}

void beamc_assert_that_at(beamc_location at, beamc_pcollection in, const void *expected,
                          size_t size, size_t count)
{
    assertion config = { 0 };

    if (beamc_pcollection_type(in) == NULL)
        return; /* the pipeline has an error already */
    beamc_error *error = make_assertion(&config, in, expected, size, count);
    if (error != NULL) {
        beamc_pipeline_fail(in.pipeline, at, error);
        return;
    }
    beamc_enter_at(at, in.pipeline, "AssertThat", NULL);
    const beamc_pcollection evidence_of[] = {
        beamc__step(at, in_global_window(at, in), "Evidence", &beamc_assert_evidence_fn, NULL),
        beamc__step(at, beamc_impulse_at(at, in.pipeline), "Nothing", &beamc_assert_nothing_fn,
                    NULL),
    };
    beamc_pcollection all = beamc_flatten_at(at, in.pipeline, evidence_of, 2, NULL);
    beamc__step(at, beamc_group_by_key_at(at, all), "Check", &beamc_assert_check_fn, &config);
    beamc_leave_at(at, in.pipeline, NULL, 0);
}

void beamc_assert_that_count_at(beamc_location at, beamc_pcollection in, int64_t count)
{
    if (beamc_pcollection_type(in) == NULL)
        return; /* the pipeline has an error already */
    const count_assertion config = { count };
    beamc_enter_at(at, in.pipeline, "AssertThatCount", NULL);
    beamc_pcollection counted =
        beamc__step_globally(at, in_global_window(at, in), "Count", &beamc_count_fn, NULL, true);
    beamc__step(at, counted, "Check", &beamc_assert_count_fn, &config);
    beamc_leave_at(at, in.pipeline, NULL, 0);
}
