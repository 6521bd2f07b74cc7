/* SPDX-License-Identifier: Apache-2.0 */
/* Partition, logging of elements, flattening of iterables. */
#include <beamc/map.h>

#include "sdk/transforms/shape.h"
#include <inttypes.h>
#include <stdlib.h>

/* ---- partition ------------------------------------------------------------------------------- */

beamc_error *beamc_emit_partition(beamc_context *ctx, int64_t partition, int64_t count,
                                  const void *element)
{
    if (partition < 0 || partition >= count)
        return beamc_error_new(BEAMC_EUSER, "partition %" PRId64 " is not in [0, %" PRId64 ")",
                               partition, count);
    return beamc_emit_value(ctx, (size_t)partition, element);
}

void beamc_partition_at(beamc_location at, beamc_pcollection *out, size_t count,
                        beamc_pcollection in, const beamc_dofn *fn)
{
    if (fn->output_count + 1 != count) {
        beamc_error *err = beamc_error_new(BEAMC_EINVAL, "has %zu partitions, not %zu",
                                           fn->output_count + 1, count);
        beamc_pcollection none = beamc__refuse(at, in, fn->function.name, err);
        for (size_t i = 0; i < count; i++)
            out[i] = none;
        return;
    }
    out[0] = beamc_par_do_at(at, in, fn, NULL);
    for (size_t i = 1; i < count; i++)
        out[i] = beamc_tagged_at(at, out[0], fn->outputs[i - 1].tag);
}

/* ---- logging of elements --------------------------------------------------------------------- */

#define LOG_ELEMENTS(F)                                                                            \
    F(int64, level) F(string, prefix) F(boolean, with_timestamp) F(boolean, with_window)
BEAMC_ROW(log_elements_config, LOG_ELEMENTS)

static beamc_error *same_type(const beamc_dofn *dofn BEAMC_UNUSED, const beamc_type *input,
                              const void *config BEAMC_UNUSED, beamc_arena *arena BEAMC_UNUSED,
                              beamc_dofn_types *out)
{
    out->output = input;
    return NULL;
}

static beamc_error *log_element(beamc_context *ctx, const void *element)
{
    const log_elements_config *config = beamc_config(ctx);
    beamc_log_level level = (beamc_log_level)config->level;
    beamc_interval_window window;
    beamc_buffer text;

    if (ctx->log->sink == NULL || level < ctx->log->level)
        return beamc_emit_value(ctx, 0, element);
    beamc_buffer_init(&text);
    beamc_buffer_append(&text, config->prefix.data, config->prefix.size);
    beamc_print(ctx->input, element, &text);
    if (config->with_timestamp)
        beamc_buffer_printf(&text, ", timestamp=%" PRId64, beamc_context_timestamp(ctx));
    if (config->with_window && beamc_context_window(ctx, &window))
        beamc_buffer_printf(&text, ", window=[%" PRId64 ", %" PRId64 ")", window.start, window.end);
    else if (config->with_window)
        beamc_buffer_append_string(&text, ", window=global");
    if (beamc_buffer_failed(&text)) {
        beamc_buffer_dispose(&text);
        return beamc_error_nomem();
    }
    beamc_log(ctx, level, "%.*s", (int)text.size, (const char *)text.data);
    beamc_buffer_dispose(&text);
    return beamc_emit_value(ctx, 0, element);
}

static void show_log_elements(const void *config, beamc_display *display)
{
    const log_elements_config *shown = config;

    beamc_display_string(
        display, "level", "Level",
        beamc_string_of(beamc_log_level_name((beamc_log_level)shown->level)));
    beamc_display_string(display, "prefix", "Prefix", shown->prefix);
}

static const beamc_dofn beamc_log_elements_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_log_elements_fn" },
    .process = log_element,
    .config = BEAMC_TYPE(log_elements_config),
    .infer = same_type,
    .display = show_log_elements,
};
BEAMC_REGISTER(beamc_log_elements_fn)

/* Only what shows windows is called once per window: otherwise windows stay together. */
static const beamc_dofn beamc_log_windows_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_log_windows_fn" },
    .process = log_element,
    .config = BEAMC_TYPE(log_elements_config),
    .observes_window = true,
    .infer = same_type,
    .display = show_log_elements,
};
BEAMC_REGISTER(beamc_log_windows_fn)

beamc_pcollection beamc_log_elements_at(beamc_location at, beamc_pcollection in,
                                        const beamc_log_elements_options *options)
{
    log_elements_config config = { .level = BEAMC_LOG_INFO, .prefix = { "", 0 } };

    if (options != NULL) {
        if (options->level != 0)
            config.level = options->level;
        if (options->prefix != NULL)
            config.prefix = beamc_string_of(options->prefix);
        config.with_timestamp = options->with_timestamp;
        config.with_window = options->with_window;
    }
    if (config.level < BEAMC_LOG_TRACE || config.level > BEAMC_LOG_CRITICAL)
        return beamc__refuse(at, in, "LogElements",
                             beamc_error_new(BEAMC_EINVAL, "there is no level %" PRId64,
                                             config.level));
    return beamc__apply(at, in, "LogElements",
                        config.with_window ? &beamc_log_windows_fn : &beamc_log_elements_fn,
                        &config);
}

/* ---- flattening of iterables ----------------------------------------------------------------- */

static beamc_error *element_of_iterable(const beamc_dofn *dofn BEAMC_UNUSED,
                                        const beamc_type *input, const void *config BEAMC_UNUSED,
                                        beamc_arena *arena BEAMC_UNUSED, beamc_dofn_types *out)
{
    BEAMC_TRY(beamc__shape_need_iterable(input));
    out->output = beamc__shape_bare(input)->fields[0].type;
    return NULL;
}

static beamc_error *emit_values(beamc_context *ctx, const void *element)
{
    beamc__pair *pair = beamc_instance(ctx);
    beamc_iterator iterator;
    beamc_error *err = NULL;

    beamc_iterate(&iterator, element);
    while (err == NULL && beamc_next(&iterator, pair->out))
        err = beamc_emit_value(ctx, 0, pair->out);
    beamc_error *walk = beamc_iterator_finish(&iterator);
    if (err == NULL)
        return walk;
    beamc_error_free(walk); /* the first error is the one to tell */
    return err;
}

static const beamc_dofn beamc_flatten_iterables_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_flatten_iterables_fn" },
    .process = emit_values,
    .setup = beamc__pair_setup,
    .teardown = beamc__pair_teardown,
    .instance_size = sizeof(beamc__pair),
    .infer = element_of_iterable,
};
BEAMC_REGISTER(beamc_flatten_iterables_fn)

beamc_pcollection beamc_flatten_iterables_at(beamc_location at, beamc_pcollection in)
{
    return beamc__apply(at, in, "FlattenIterables", &beamc_flatten_iterables_fn, NULL);
}
