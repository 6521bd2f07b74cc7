/* SPDX-License-Identifier: Apache-2.0 */
/* Timestamps given to elements, and timestamps and windows as part of them. */
#include <beamc/timestamps.h>

#include "sdk/transforms/reify.h"
#include "sdk/transforms/shape.h"
#include <inttypes.h>

beamc_error *beamc_emit_skewed(beamc_context *ctx, size_t output, const void *value,
                               beamc_timestamp timestamp, int64_t allowed_skew)
{
    beamc_timestamp now = beamc_context_timestamp(ctx);

    if (timestamp < BEAMC_TIMESTAMP_MIN || timestamp > BEAMC_TIMESTAMP_MAX)
        return beamc_error_new(BEAMC_EINVAL, "timestamp %" PRId64 " is out of range", timestamp);
    if (timestamp < now && now - timestamp > allowed_skew)
        return beamc_error_new(BEAMC_EINVAL,
                               "timestamp %" PRId64 " is %" PRId64
                               " ms earlier than the element's: a skew of %" PRId64 " is allowed",
                               timestamp, now - timestamp, allowed_skew);
    beamc_element_info info = *ctx->info;
    info.timestamp = timestamp;
    beamc_receiver *receiver = ctx->outputs[output];
    return receiver->process(receiver, &info, value);
}

/* ---- timestamps of fields -------------------------------------------------------------------- */

#define TIMESTAMP_OF(F) F(string, field) F(int64, skew)
BEAMC_ROW(timestamp_of_config, TIMESTAMP_OF)

typedef struct {
    size_t offset;
    const beamc_type *type;
} timestamp_field;

/* The row coder may give the representation for a logical type, so this tells by layout. */
static bool is_micros(const beamc_type *type)
{
    return type->kind == BEAMC_KIND_ROW && type->field_count == 2 && type->logical != NULL &&
           strcmp(type->logical->urn, "beam:logical_type:micros_instant:v1") == 0;
}

static beamc_error *find_timestamp(timestamp_field *out, const beamc_type *input,
                                   beamc_string path)
{
    const beamc_type *type;

    BEAMC_TRY(beamc__shape_field(&type, &out->offset, input, path));
    out->type = beamc__shape_bare(type);
    if (out->type->kind == BEAMC_KIND_TIMESTAMP || out->type->kind == BEAMC_KIND_INT64 ||
        is_micros(out->type))
        return NULL;
    return beamc_error_new(BEAMC_ETYPE,
                           "takes a timestamp, micros_instant or int64, but \"%.*s\" is %s",
                           BEAMC_STR(path), type->name);
}

static beamc_error *check_timestamp(const beamc_dofn *dofn BEAMC_UNUSED, const beamc_type *input,
                                    const void *config, beamc_arena *arena BEAMC_UNUSED,
                                    beamc_dofn_types *out)
{
    const timestamp_of_config *told = config;
    timestamp_field field;

    out->output = input;
    return find_timestamp(&field, input, told->field);
}

static beamc_error *setup_timestamp(beamc_context *ctx)
{
    const timestamp_of_config *config = beamc_config(ctx);

    return find_timestamp(beamc_instance(ctx), ctx->input, config->field);
}

static beamc_error *stamp(beamc_context *ctx, const void *element)
{
    const timestamp_of_config *config = beamc_config(ctx);
    const timestamp_field *field = beamc_instance(ctx);
    const void *at = (const char *)element + field->offset;
    beamc_timestamp timestamp;

    if (field->type->kind == BEAMC_KIND_ROW) {
        const beamc_micros_instant *instant = at;
        /* A time past the range stays past it, instead of wrapping around. */
        if (__builtin_mul_overflow(instant->seconds, 1000, &timestamp) ||
            __builtin_add_overflow(timestamp, instant->micros / 1000, &timestamp))
            timestamp = instant->seconds < 0 ? INT64_MIN : INT64_MAX;
    } else {
        memcpy(&timestamp, at, sizeof(timestamp));
    }
    return beamc_emit_skewed(ctx, 0, element, timestamp, config->skew);
}

static void show_timestamp(const void *config, beamc_display *display)
{
    const timestamp_of_config *shown = config;

    beamc_display_string(display, "field", "Timestamp field", shown->field);
    beamc_display_int64(display, "skew", "Allowed skew in milliseconds", shown->skew);
}

static const beamc_dofn beamc_timestamp_of_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_timestamp_of_fn" },
    .process = stamp,
    .setup = setup_timestamp,
    .config = BEAMC_TYPE(timestamp_of_config),
    .instance_size = sizeof(timestamp_field),
    .infer = check_timestamp,
    .display = show_timestamp,
};
BEAMC_REGISTER(beamc_timestamp_of_fn)

beamc_pcollection beamc_with_timestamps_of_at(beamc_location at, beamc_pcollection in,
                                              const char *field, int64_t allowed_skew)
{
    const timestamp_of_config config = { beamc_string_of(field == NULL ? "" : field),
                                         allowed_skew };

    if (allowed_skew < 0)
        return beamc__refuse(at, in, "WithTimestamps",
                             beamc_error_new(BEAMC_EINVAL, "a skew of %" PRId64 " ms",
                                             allowed_skew));
    return beamc__apply(at, in, "WithTimestamps", &beamc_timestamp_of_fn, &config);
}

/* ---- reify ----------------------------------------------------------------------------------- */

static beamc_error *stamped_type(const beamc_dofn *dofn BEAMC_UNUSED, const beamc_type *input,
                                 const void *config BEAMC_UNUSED, beamc_arena *arena,
                                 beamc_dofn_types *out)
{
    return beamc__shape_told(&out->output, beamc_type_kv(arena, BEAMC_TYPE(int64), input));
}

static beamc_error *emit_stamped(beamc_context *ctx, const void *element)
{
    const beamc__pair *pair = beamc_instance(ctx);

    *(int64_t *)(void *)pair->out = beamc_context_timestamp(ctx);
    beamc__shape_move(pair->out + pair->out_value, element, pair->value_size);
    return beamc_emit_value(ctx, 0, pair->out);
}

const beamc_dofn beamc__reify_timestamps_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_reify_timestamps_fn" },
    .process = emit_stamped,
    .setup = beamc__pair_setup,
    .teardown = beamc__pair_teardown,
    .instance_size = sizeof(beamc__pair),
    .infer = stamped_type,
};
BEAMC_REGISTER(beamc__reify_timestamps_fn)

static beamc_error *windowed_type(const beamc_dofn *dofn BEAMC_UNUSED, const beamc_type *input,
                                  const void *config BEAMC_UNUSED, beamc_arena *arena,
                                  beamc_dofn_types *out)
{
    return beamc__shape_told(&out->output,
                             beamc_type_kv(arena, BEAMC_TYPE(interval_window), input));
}

static beamc_error *emit_window(beamc_context *ctx, const void *element)
{
    const beamc__pair *pair = beamc_instance(ctx);
    beamc_interval_window *window = (void *)pair->out;

    if (!beamc_context_window(ctx, window)) {
        window->start = BEAMC_TIMESTAMP_MIN;
        window->end = BEAMC_TIMESTAMP_MAX_GLOBAL + 1;
    }
    beamc__shape_move(pair->out + pair->out_value, element, pair->value_size);
    return beamc_emit_value(ctx, 0, pair->out);
}

static const beamc_dofn beamc_reify_windows_fn = {
    .function = { BEAMC_FUNCTION_DOFN, "beamc_reify_windows_fn" },
    .process = emit_window,
    .setup = beamc__pair_setup,
    .teardown = beamc__pair_teardown,
    .instance_size = sizeof(beamc__pair),
    .observes_window = true,
    .infer = windowed_type,
};
BEAMC_REGISTER(beamc_reify_windows_fn)

beamc_pcollection beamc_reify_timestamps_at(beamc_location at, beamc_pcollection in)
{
    return beamc__apply(at, in, "ReifyTimestamps", &beamc__reify_timestamps_fn, NULL);
}

beamc_pcollection beamc_reify_windows_at(beamc_location at, beamc_pcollection in)
{
    return beamc__apply(at, in, "ReifyWindows", &beamc_reify_windows_fn, NULL);
}
