/* SPDX-License-Identifier: Apache-2.0 */
/* beamc_windowing and WindowingStrategy, to and fro. */
#include "sdk/windowing/window_proto.h"
#include <inttypes.h>
#include <stdlib.h>

#define SECOND INT64_C(1000)
#define NANOS_PER_MS 1000000

/* ---- reading --------------------------------------------------------------------------------- */

static beamc_error *read_millis(int64_t *out, int64_t seconds, int32_t nanos, const char *what)
{
    if (seconds < -(BEAMC_TIMESTAMP_MAX / SECOND) || seconds > BEAMC_TIMESTAMP_MAX / SECOND ||
        nanos <= -1000000000 || nanos >= 1000000000)
        return beamc_error_new(BEAMC_ECORRUPT, "%s of %" PRId64 " s and %" PRId32 " ns", what,
                               seconds, nanos);
    if (nanos % NANOS_PER_MS != 0)
        return beamc_error_new(BEAMC_EUNSUPPORTED,
                               "%s of %" PRId64 " s and %" PRId32 " ns is finer than milliseconds",
                               what, seconds, nanos);
    *out = seconds * SECOND + nanos / NANOS_PER_MS;
    return NULL;
}

static beamc_error *read_duration(int64_t *out, const Google__Protobuf__Duration *duration,
                                  const char *what)
{
    *out = 0;
    return duration == NULL ? NULL : read_millis(out, duration->seconds, duration->nanos, what);
}

static beamc_error *read_timestamp(int64_t *out, const Google__Protobuf__Timestamp *timestamp,
                                   const char *what)
{
    *out = 0;
    return timestamp == NULL ? NULL : read_millis(out, timestamp->seconds, timestamp->nanos, what);
}

/* Unpacking answers NULL for bad bytes and for no memory alike: this one remembers which. */
static void *unpack_alloc(void *failed, size_t size)
{
    void *memory = malloc(size);
    if (memory == NULL)
        *(bool *)failed = true;
    return memory;
}

static void unpack_free(void *failed BEAMC_UNUSED, void *memory)
{
    free(memory);
}

static beamc_error *unpack(ProtobufCMessage **out, const ProtobufCMessageDescriptor *descriptor,
                           const PB(FunctionSpec) *spec)
{
    bool failed = false;
    ProtobufCAllocator allocator = { unpack_alloc, unpack_free, &failed };

    *out = protobuf_c_message_unpack(descriptor, &allocator, spec->payload.len, spec->payload.data);
    if (*out != NULL)
        return NULL;
    if (failed)
        return beamc_error_nomem();
    return beamc_error_new(BEAMC_ECORRUPT, "payload of %s: %s", spec->urn,
                           beamc_code_text(BEAMC_ECORRUPT));
}

static beamc_error *read_fixed(beamc_windowing *out, const ProtobufCMessage *message)
{
    const PB(FixedWindowsPayload) *payload = (const PB(FixedWindowsPayload) *)message;

    out->kind = BEAMC_WINDOW_FIXED;
    BEAMC_TRY(read_duration(&out->size, payload->size, "size"));
    return read_timestamp(&out->offset, payload->offset, "offset");
}

static beamc_error *read_sliding(beamc_windowing *out, const ProtobufCMessage *message)
{
    const PB(SlidingWindowsPayload) *payload = (const PB(SlidingWindowsPayload) *)message;

    out->kind = BEAMC_WINDOW_SLIDING;
    BEAMC_TRY(read_duration(&out->size, payload->size, "size"));
    BEAMC_TRY(read_duration(&out->period, payload->period, "period"));
    return read_timestamp(&out->offset, payload->offset, "offset");
}

static beamc_error *read_sessions(beamc_windowing *out, const ProtobufCMessage *message)
{
    const PB(SessionWindowsPayload) *payload = (const PB(SessionWindowsPayload) *)message;

    out->kind = BEAMC_WINDOW_SESSIONS;
    return read_duration(&out->size, payload->gap_size, "gap");
}

typedef struct {
    const char *urn;
    const ProtobufCMessageDescriptor *payload;
    beamc_error *(*read)(beamc_windowing *out, const ProtobufCMessage *payload);
} window_reader;

static const window_reader readers[] = {
    { BEAMC__URN_FIXED_WINDOWS, &pb(fixed_windows_payload__descriptor), read_fixed },
    { BEAMC__URN_SLIDING_WINDOWS, &pb(sliding_windows_payload__descriptor), read_sliding },
    { BEAMC__URN_SESSION_WINDOWS, &pb(session_windows_payload__descriptor), read_sessions },
};

static beamc_error *read_payload(beamc_windowing *out, const window_reader *reader,
                                 const PB(FunctionSpec) *spec)
{
    ProtobufCMessage *payload;

    BEAMC_TRY(unpack(&payload, reader->payload, spec));
    beamc_error *err = reader->read(out, payload);
    protobuf_c_message_free_unpacked(payload, NULL);
    return err;
}

static beamc_error *read_windowing(beamc_windowing *out, bool *opaque, const PB(FunctionSpec) *spec)
{
    *out = beamc_global_windows();
    *opaque = false;
    if (spec == NULL)
        return beamc_error_new(BEAMC_ECORRUPT, "a window function without its spec");
    if (strcmp(spec->urn, BEAMC__URN_GLOBAL_WINDOWS) == 0)
        return NULL;
    for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++)
        if (strcmp(spec->urn, readers[i].urn) == 0)
            return read_payload(out, &readers[i], spec);
    *opaque = true;
    return NULL;
}

beamc_error *beamc__window_fn_read(beamc__window_fn *out, const PB(FunctionSpec) *spec)
{
    beamc_windowing windowing;
    bool opaque;

    memset(out, 0, sizeof(*out));
    BEAMC_TRY(read_windowing(&windowing, &opaque, spec));
    if (opaque) {
        out->opaque = true;
        out->form = BEAMC__WINDOW_FORM_UNKNOWN;
        return NULL;
    }
    BEAMC_TRY(beamc__windowing_check(&windowing));
    return beamc__window_fn_init(out, &windowing) < 0 ? beamc_error_nomem() : NULL;
}

static beamc__window_form form_of_coder(const PB(Coder) *coder)
{
    if (coder == NULL || coder->spec == NULL)
        return BEAMC__WINDOW_FORM_UNKNOWN;
    if (strcmp(coder->spec->urn, "beam:coder:global_window:v1") == 0)
        return BEAMC__WINDOW_FORM_GLOBAL;
    if (strcmp(coder->spec->urn, "beam:coder:interval_window:v1") == 0)
        return BEAMC__WINDOW_FORM_INTERVAL;
    if (strcmp(coder->spec->urn, "beam:coder:custom_window:v1") == 0)
        return BEAMC__WINDOW_FORM_CUSTOM;
    return BEAMC__WINDOW_FORM_UNKNOWN;
}

beamc_error *beamc__strategy_read(beamc__strategy *out, const PB(WindowingStrategy) *strategy,
                                  const PB(Coder) *window_coder)
{
    memset(out, 0, sizeof(*out));
    BEAMC_TRY(beamc__window_fn_read(&out->fn, strategy->window_fn));
    if (out->fn.opaque) {
        out->fn.form = form_of_coder(window_coder);
        out->fn.merges = strategy->merge_status == PBK(MERGE_STATUS__ENUM__NEEDS_MERGE);
    }
    if (strategy->allowed_lateness < 0)
        return beamc_error_new(BEAMC_ECORRUPT, "allowed lateness of %" PRId64 " ms",
                               strategy->allowed_lateness);
    out->allowed_lateness = strategy->allowed_lateness;
    if (strategy->output_time == PBK(OUTPUT_TIME__ENUM__LATEST_IN_PANE))
        out->output_time = BEAMC_OUTPUT_LATEST;
    else if (strategy->output_time == PBK(OUTPUT_TIME__ENUM__EARLIEST_IN_PANE))
        out->output_time = BEAMC_OUTPUT_EARLIEST;
    out->needs_merge =
        out->fn.merges && strategy->merge_status != PBK(MERGE_STATUS__ENUM__ALREADY_MERGED);
    return NULL;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void write_duration(Google__Protobuf__Duration *out, int64_t millis)
{
    google__protobuf__duration__init(out);
    out->seconds = millis / SECOND;
    out->nanos = (int32_t)(millis % SECOND) * NANOS_PER_MS;
}

static void write_timestamp(Google__Protobuf__Timestamp *out, int64_t millis)
{
    google__protobuf__timestamp__init(out);
    out->seconds = millis / SECOND;
    out->nanos = (int32_t)(millis % SECOND) * NANOS_PER_MS;
}

static bool pack_into(ProtobufCBinaryData *out, const ProtobufCMessage *message, beamc_arena *arena)
{
    out->len = protobuf_c_message_get_packed_size(message);
    out->data = beamc_arena_alloc(arena, out->len);
    if (out->data == NULL)
        return false;
    protobuf_c_message_pack(message, out->data);
    return true;
}

PB(FunctionSpec) *beamc__window_fn_write(const beamc_windowing *windowing, beamc_arena *arena)
{
    PB(FunctionSpec) *spec = beamc_arena_alloc(arena, sizeof(*spec));
    PB(FixedWindowsPayload) fixed = PBK(FIXED_WINDOWS_PAYLOAD__INIT);
    PB(SlidingWindowsPayload) sliding = PBK(SLIDING_WINDOWS_PAYLOAD__INIT);
    PB(SessionWindowsPayload) sessions = PBK(SESSION_WINDOWS_PAYLOAD__INIT);
    Google__Protobuf__Duration size;
    Google__Protobuf__Duration period;
    Google__Protobuf__Timestamp offset;
    const ProtobufCMessage *payload = NULL;
    const char *urn = BEAMC__URN_GLOBAL_WINDOWS;

    if (spec == NULL)
        return NULL;
    pb(function_spec__init)(spec);
    write_duration(&size, windowing->size);
    write_duration(&period, windowing->period);
    write_timestamp(&offset, windowing->offset);
    switch (windowing->kind) {
    case BEAMC_WINDOW_GLOBAL:
        break;
    case BEAMC_WINDOW_FIXED:
        fixed.size = &size;
        fixed.offset = &offset;
        urn = BEAMC__URN_FIXED_WINDOWS;
        payload = &fixed.base;
        break;
    case BEAMC_WINDOW_SLIDING:
        sliding.size = &size;
        sliding.offset = &offset;
        sliding.period = &period;
        urn = BEAMC__URN_SLIDING_WINDOWS;
        payload = &sliding.base;
        break;
    case BEAMC_WINDOW_SESSIONS:
        sessions.gap_size = &size;
        urn = BEAMC__URN_SESSION_WINDOWS;
        payload = &sessions.base;
        break;
    }
    spec->urn = beamc_arena_strdup(arena, urn);
    if (spec->urn == NULL || (payload != NULL && !pack_into(&spec->payload, payload, arena)))
        return NULL;
    return spec;
}

const char *beamc__window_coder_urn(const beamc_windowing *windowing)
{
    return windowing->kind == BEAMC_WINDOW_GLOBAL ? "beam:coder:global_window:v1"
                                                  : "beam:coder:interval_window:v1";
}

PB(WindowingStrategy) *beamc__strategy_write(const beamc_windowing *windowing,
                                             const char *window_coder_id,
                                             const char *environment_id, beamc_arena *arena)
{
    PB(WindowingStrategy) *strategy = beamc_arena_alloc(arena, sizeof(*strategy));
    PB(Trigger) *trigger = beamc_arena_alloc(arena, sizeof(*trigger));
    PB(Trigger__Default) *by_default = beamc_arena_alloc(arena, sizeof(*by_default));

    if (strategy == NULL || trigger == NULL || by_default == NULL)
        return NULL;
    pb(trigger__default__init)(by_default);
    pb(trigger__init)(trigger);
    trigger->trigger_case = PBK(TRIGGER__TRIGGER_DEFAULT);
    trigger->default_ = by_default;

    pb(windowing_strategy__init)(strategy);
    strategy->window_fn = beamc__window_fn_write(windowing, arena);
    if (strategy->window_fn == NULL)
        return NULL;
    bool sessions = windowing->kind == BEAMC_WINDOW_SESSIONS;
    strategy->merge_status = sessions ? PBK(MERGE_STATUS__ENUM__NEEDS_MERGE)
                                      : PBK(MERGE_STATUS__ENUM__NON_MERGING);
    strategy->window_coder_id = (char *)window_coder_id;
    strategy->trigger = trigger;
    strategy->accumulation_mode = PBK(ACCUMULATION_MODE__ENUM__DISCARDING);
    strategy->output_time = PBK(OUTPUT_TIME__ENUM__END_OF_WINDOW);
    if (windowing->output_time == BEAMC_OUTPUT_LATEST)
        strategy->output_time = PBK(OUTPUT_TIME__ENUM__LATEST_IN_PANE);
    else if (windowing->output_time == BEAMC_OUTPUT_EARLIEST)
        strategy->output_time = PBK(OUTPUT_TIME__ENUM__EARLIEST_IN_PANE);
    strategy->closing_behavior = PBK(CLOSING_BEHAVIOR__ENUM__EMIT_IF_NONEMPTY);
    strategy->allowed_lateness = windowing->allowed_lateness;
    strategy->on_time_behavior = PBK(ON_TIME_BEHAVIOR__ENUM__FIRE_ALWAYS);
    strategy->assigns_to_one_window =
        windowing->kind != BEAMC_WINDOW_SLIDING || windowing->size <= windowing->period;
    strategy->environment_id = (char *)environment_id;
    return strategy;
}
