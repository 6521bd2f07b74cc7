/* SPDX-License-Identifier: Apache-2.0 */
/* What a DoFn's functions may call, as far as it needs no harness. */
#include "sdk/pipeline/context.h"

#include "sdk/pipeline/format.h"
#include "sdk/windowing/window_fn.h"
#include <stdio.h>

static const uint8_t no_firing[1] = { 0x0f };

beamc_error *beamc_emit_refused(beamc_context *ctx, size_t output, size_t size)
{
    if (output >= ctx->output_count)
        return beamc_error_new(BEAMC_ETYPE, "emits to output %zu, but has %zu output%s", output,
                               ctx->output_count, ctx->output_count == 1 ? "" : "s");
    return beamc_error_new(BEAMC_ETYPE, "emits a value of %zu bytes to output %zu of %s, which has %zu",
                           size, output, ctx->output_types[output]->name,
                           ctx->output_sizes[output]);
}

static beamc_error *check_output(const beamc_context *ctx, size_t output, beamc_timestamp timestamp)
{
    if (output >= ctx->output_count)
        return beamc_error_new(BEAMC_ETYPE, "emits to output %zu, but has %zu output%s", output,
                               ctx->output_count, ctx->output_count == 1 ? "" : "s");
    if (timestamp < BEAMC_TIMESTAMP_MIN || timestamp > BEAMC_TIMESTAMP_MAX)
        return beamc_error_new(BEAMC_EINVAL, "emits at %lld ms, outside of Beam's time",
                               (long long)timestamp);
    return NULL;
}

beamc_error *beamc_emit_at(beamc_context *ctx, size_t output, const void *value,
                           beamc_timestamp timestamp)
{
    BEAMC_TRY(check_output(ctx, output, timestamp));
    if (timestamp < ctx->info->timestamp)
        return beamc_error_new(BEAMC_EINVAL, "emits at %lld ms, before its element's %lld ms",
                               (long long)timestamp, (long long)ctx->info->timestamp);
    beamc_element_info info = *ctx->info;
    info.timestamp = timestamp;
    beamc_receiver *receiver = ctx->outputs[output];
    return receiver->process(receiver, &info, value);
}

beamc_error *beamc_emit_windowed(beamc_context *ctx, size_t output, const void *value,
                                 beamc_timestamp timestamp, const beamc_interval_window *window)
{
    uint8_t bytes[BEAMC__WINDOW_SIZE_MAX];

    BEAMC_TRY(check_output(ctx, output, timestamp));
    if (window != NULL && (window->start > window->end || window->start < BEAMC_TIMESTAMP_MIN ||
                           window->end > BEAMC_TIMESTAMP_MAX))
        return beamc_error_new(BEAMC_EINVAL, "emits into a window from %lld to %lld ms",
                               (long long)window->start, (long long)window->end);
    if (ctx->ops->check_window != NULL)
        BEAMC_TRY(ctx->ops->check_window(ctx, output, window));
    beamc_element_info info = { timestamp, bytes, 0, 1, no_firing, sizeof(no_firing) };
    if (window != NULL)
        info.windows_size = (uint32_t)beamc__interval_encode(*window, bytes);
    beamc_receiver *receiver = ctx->ops->output(ctx, output);
    return receiver->process(receiver, &info, value);
}

/* By the C library, into memory of any size. */
static beamc_error *print_large(beamc_context *ctx, beamc_string *out, const char *format,
                                va_list args)
{
    va_list again;

    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (size < 0)
        return beamc_error_new(BEAMC_EINVAL, "beamc_emitf: the format \"%s\" does not print", format);
    char *large = beamc_alloc(ctx, (size_t)size + 1);
    if (large == NULL)
        return beamc_error_nomem();
    vsnprintf(large, (size_t)size + 1, format, args);
    *out = (beamc_string){ large, (size_t)size };
    return NULL;
}

beamc_error *beamc_emitf(beamc_context *ctx, const char *format, ...)
{
    char small[256];
    beamc_string text = { small, 0 };
    beamc_error *error = NULL;
    va_list args;

    if (ctx->output_count == 0 || ctx->output_types[0]->kind != BEAMC_KIND_STRING)
        return beamc_error_new(BEAMC_ETYPE, "beamc_emitf: the main output does not hold strings");
    va_start(args, format);
    if (!beamc__format(small, sizeof(small), &text.size, format, args))
        error = print_large(ctx, &text, format, args);
    va_end(args);
    return error != NULL ? error : beamc_emit_value(ctx, 0, &text);
}

beamc_error *beamc_side_iterable(beamc_context *ctx, size_t side, beamc_iterable *out)
{
    memset(out, 0, sizeof(*out));
    return ctx->ops->side_iterable(ctx, side, out);
}

beamc_error *beamc_side_singleton(beamc_context *ctx, size_t side, void *out)
{
    return ctx->ops->side_singleton(ctx, side, out);
}

beamc_error *beamc_side_lookup(beamc_context *ctx, size_t side, const void *key,
                               beamc_iterable *out)
{
    memset(out, 0, sizeof(*out));
    return ctx->ops->side_lookup(ctx, side, key, out);
}

static const beamc_string no_string = { NULL, 0 };

void beamc_counter_add(beamc_context *ctx, const beamc_metric *metric, int64_t more)
{
    ctx->ops->metric(ctx, metric, BEAMC_METRIC_COUNTER, more, no_string);
}

void beamc_distribution_update(beamc_context *ctx, const beamc_metric *metric, int64_t value)
{
    ctx->ops->metric(ctx, metric, BEAMC_METRIC_DISTRIBUTION, value, no_string);
}

void beamc_gauge_set(beamc_context *ctx, const beamc_metric *metric, int64_t value)
{
    ctx->ops->metric(ctx, metric, BEAMC_METRIC_GAUGE, value, no_string);
}

void beamc_string_set_add(beamc_context *ctx, const beamc_metric *metric, beamc_string value)
{
    ctx->ops->metric(ctx, metric, BEAMC_METRIC_STRING_SET, 0, value);
}
