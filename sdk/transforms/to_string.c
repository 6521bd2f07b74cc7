/* SPDX-License-Identifier: Apache-2.0 */
/* Elements as text. */
#include <beamc/kv.h>

#include "sdk/transforms/shape.h"
#include <stdlib.h>

#define TO_STRING(F) F(string, delimiter)
BEAMC_ROW(to_string_config, TO_STRING)

typedef struct {
    beamc_buffer text;
    void *value;         /* room for one of an iterable */
    size_t value_offset; /* in a KV */
} printer;

static beamc_error *setup_printer(beamc_context *ctx)
{
    printer *self = beamc_instance(ctx);
    const beamc_type *type = beamc__shape_bare(ctx->input);

    beamc_buffer_init(&self->text);
    if (type->kind == BEAMC_KIND_KV)
        self->value_offset = beamc_kv_value_offset(type);
    if (!beamc__shape_is_iterable(type))
        return NULL;
    self->value = malloc(type->fields[0].type->size + 1);
    return self->value == NULL ? beamc_error_nomem() : NULL;
}

static void teardown_printer(beamc_context *ctx)
{
    printer *self = beamc_instance(ctx);

    beamc_buffer_dispose(&self->text);
    free(self->value);
    self->value = NULL;
}

static beamc_error *emit_text(beamc_context *ctx, beamc_buffer *text)
{
    if (beamc_buffer_failed(text))
        return beamc_error_nomem();
    beamc_string string = { (const char *)text->data, text->size };
    return beamc_emit_value(ctx, 0, &string);
}

static beamc_error *print_element(beamc_context *ctx, const void *element)
{
    printer *self = beamc_instance(ctx);

    beamc_buffer_clear(&self->text);
    beamc_print(ctx->input, element, &self->text);
    return emit_text(ctx, &self->text);
}

static beamc_error *print_kv(beamc_context *ctx, const void *element)
{
    printer *self = beamc_instance(ctx);
    const to_string_config *config = beamc_config(ctx);
    const beamc_field *fields = beamc__shape_bare(ctx->input)->fields;

    beamc_buffer_clear(&self->text);
    beamc_print(fields[0].type, element, &self->text);
    beamc_buffer_append(&self->text, config->delimiter.data, config->delimiter.size);
    beamc_print(fields[1].type, (const char *)element + self->value_offset, &self->text);
    return emit_text(ctx, &self->text);
}

static beamc_error *print_iterable(beamc_context *ctx, const void *element)
{
    printer *self = beamc_instance(ctx);
    const to_string_config *config = beamc_config(ctx);
    const beamc_type *type = beamc__shape_bare(ctx->input)->fields[0].type;
    bool first = true;
    beamc_iterator iterator;

    beamc_buffer_clear(&self->text);
    beamc_iterate(&iterator, element);
    while (beamc_next(&iterator, self->value)) {
        if (!first)
            beamc_buffer_append(&self->text, config->delimiter.data, config->delimiter.size);
        first = false;
        beamc_print(type, self->value, &self->text);
    }
    BEAMC_TRY(beamc_iterator_finish(&iterator));
    return emit_text(ctx, &self->text);
}

static beamc_error *take_kv(const beamc_dofn *dofn BEAMC_UNUSED, const beamc_type *input,
                            const void *config BEAMC_UNUSED, beamc_arena *arena BEAMC_UNUSED,
                            beamc_dofn_types *out)
{
    out->output = BEAMC_TYPE(string);
    return beamc__shape_need_kv(input);
}

static beamc_error *take_iterable(const beamc_dofn *dofn BEAMC_UNUSED, const beamc_type *input,
                                  const void *config BEAMC_UNUSED, beamc_arena *arena BEAMC_UNUSED,
                                  beamc_dofn_types *out)
{
    out->output = BEAMC_TYPE(string);
    return beamc__shape_need_iterable(input);
}

static const beamc_dofn beamc_to_string_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_to_string_fn" },
    .output = BEAMC_TYPE(string),
    .process = print_element,
    .setup = setup_printer,
    .teardown = teardown_printer,
    .instance_size = sizeof(printer),
};
BEAMC_REGISTER(beamc_to_string_fn)

static const beamc_dofn beamc_kvs_to_string_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_kvs_to_string_fn" },
    .output = BEAMC_TYPE(string),
    .process = print_kv,
    .setup = setup_printer,
    .teardown = teardown_printer,
    .config = BEAMC_TYPE(to_string_config),
    .instance_size = sizeof(printer),
    .infer = take_kv,
};
BEAMC_REGISTER(beamc_kvs_to_string_fn)

static const beamc_dofn beamc_iterables_to_string_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_iterables_to_string_fn" },
    .output = BEAMC_TYPE(string),
    .process = print_iterable,
    .setup = setup_printer,
    .teardown = teardown_printer,
    .config = BEAMC_TYPE(to_string_config),
    .instance_size = sizeof(printer),
    .infer = take_iterable,
};
BEAMC_REGISTER(beamc_iterables_to_string_fn)

beamc_pcollection beamc_to_string_at(beamc_location at, beamc_pcollection in)
{
    return beamc__apply(at, in, "ToString", &beamc_to_string_fn, NULL);
}

beamc_pcollection beamc_to_string_kvs_at(beamc_location at, beamc_pcollection in,
                                         const char *delimiter)
{
    const to_string_config config = { beamc_string_of(delimiter == NULL ? "," : delimiter) };

    return beamc__apply(at, in, "ToStringKvs", &beamc_kvs_to_string_fn, &config);
}

beamc_pcollection beamc_to_string_iterables_at(beamc_location at, beamc_pcollection in,
                                               const char *delimiter)
{
    const to_string_config config = { beamc_string_of(delimiter == NULL ? "," : delimiter) };

    return beamc__apply(at, in, "ToStringIterables", &beamc_iterables_to_string_fn, &config);
}
