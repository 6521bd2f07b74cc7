/* SPDX-License-Identifier: Apache-2.0 */
/* A DoFn: a function of elements, and what it needs around it.
 *
 *     BEAMC_DOFN(extract_words, string, string)
 *     {
 *         ... *element is a beamc_string; BEAMC_TRY(beamc_emit(ctx, &word)); ...
 *         return NULL;
 *     }
 *
 * makes the const table `extract_words`, known by that name to every worker that runs this program.
 * A DoFn travels as its name and its frozen configuration; the table itself never changes.
 *
 * Life on a worker, once per copy of it (one copy per thread, never two calls at once):
 *     setup, { start_bundle, process..., finish_bundle }..., teardown
 * Each answers NULL, or an error that stops the pipeline with its message and the transform's
 * name.  After an error the copy is torn down and not used again. */
#ifndef BEAMC_DOFN_H
#define BEAMC_DOFN_H

#include <beamc/element.h>
#include <beamc/log.h>
#include <beamc/metric.h>
#include <beamc/type.h>

BEAMC_EXTERN_C_BEGIN

typedef struct beamc_context beamc_context;
typedef struct beamc_display beamc_display;

/* ---- functions known by name ---------------------------------------------------------------- */

typedef enum { BEAMC_FUNCTION_DOFN = 1, BEAMC_FUNCTION_COMBINE = 2 } beamc_function_kind;

/* The head of every table that a worker finds by name. */
typedef struct {
    beamc_function_kind kind;
    const char *name; /* unique in the program */
} beamc_function;

/* Puts a table where beamc_main finds it: the linker gathers the pointers of all files of the
 * program in one array, so nothing runs before main. */
#define BEAMC_REGISTER(table)                                                                      \
    static const beamc_function *const beamc_registered_##table                                    \
        __attribute__((used, section("beamc_functions"))) = &table.function;

/* ---- the table ------------------------------------------------------------------------------ */

/* An output beside the main one. */
typedef struct {
    const char *tag;
    const beamc_type *type; /* NULL: told by infer */
} beamc_dofn_output;

typedef enum {
    BEAMC_VIEW_ITERABLE, /* all elements */
    BEAMC_VIEW_SINGLETON, /* the one element */
    BEAMC_VIEW_MULTIMAP  /* of KVs: the values of a key */
} beamc_view;

/* A side input: asked for by its index in this list. */
typedef struct {
    const char *name;
    const beamc_type *type; /* of its elements; NULL: any */
    beamc_view view;
} beamc_dofn_side;

/* What infer tells: types for this use of a DoFn whose table leaves them open. */
typedef struct {
    const beamc_type *output;
    const beamc_type *outputs[64]; /* of the tagged outputs, in order */
} beamc_dofn_types;

typedef struct beamc_dofn {
    beamc_function function;
    const beamc_type *input;  /* NULL: any, see infer */
    const beamc_type *output; /* NULL: told by infer, or there is none */
    beamc_error *(*process)(beamc_context *ctx, const void *element);
    /* all that follows may be left 0 */
    beamc_error *(*setup)(beamc_context *ctx);
    beamc_error *(*start_bundle)(beamc_context *ctx);
    beamc_error *(*finish_bundle)(beamc_context *ctx);
    void (*teardown)(beamc_context *ctx);
    const beamc_type *config; /* of its configuration, frozen by the coder of this type (a row) */
    size_t instance_size;     /* bytes of its own per copy, cleared before setup */
    const beamc_dofn_output *outputs; /* tagged outputs 1, 2, ...; output 0 is the main one */
    size_t output_count;
    const beamc_dofn_side *sides;
    size_t side_count;
    bool observes_window; /* process is called once per window of an element */
    /** Checks @input and says the open types; new types come from @arena (beamc_type_kv, ...).
     *  @config is the value given when the transform was built; may be NULL.  Called again where it
     *  runs, unless it thaws by itself: there @input may be anything that a runner sends. */
    beamc_error *(*infer)(const struct beamc_dofn *dofn, const beamc_type *input,
                          const void *config, beamc_arena *arena, beamc_dofn_types *out);
    /** Adds the configuration to what graphs and job pages show. */
    void (*display)(const void *config, beamc_display *display);
    /** In place of the coder of `config`, for configurations it cannot carry.  thaw's memory comes
     *  from @arena and lasts as long as the copy of the DoFn. */
    beamc_error *(*freeze)(const void *config, beamc_buffer *out);
    beamc_error *(*thaw)(void **config, const uint8_t *bytes, size_t size, beamc_arena *arena);
    /** process does nothing but emit, at most once: it allocates nothing, asks the context for
     *  nothing, and has no errors but those of emitting.  It is then called without bookkeeping, and
     *  its time counts as that of the DoFn before it. */
    bool light;
    /** With `light`: process emits KV<element, int64> whose value is always this one, and does nothing
     *  else.  A harness may then do it itself, or give what follows the element and the value apart. */
    const int64_t *pairs_with;
} beamc_dofn;

#define BEAMC_DOFN_BODY(name, in)                                                                  \
    static beamc_error *name##_process(beamc_context *ctx, const beamc_t_##in *element);           \
    static beamc_error *name##_call(beamc_context *ctx, const void *element)                       \
    {                                                                                              \
        return name##_process(ctx, (const beamc_t_##in *)element);                                 \
    }

/* The table of a DoFn without configuration or anything around it.  By position, as C++ wants it. */
#define BEAMC_PLAIN_DOFN(name, in_type, out_type, call, outputs, output_count)                     \
    static const beamc_dofn name = { { BEAMC_FUNCTION_DOFN, #name },                               \
                                     in_type,                                                      \
                                     out_type,                                                     \
                                     call,                                                         \
                                     NULL, NULL, NULL, NULL, NULL, 0,                              \
                                     outputs, output_count, NULL, 0, false,                        \
                                     NULL, NULL, NULL, NULL, false, NULL };                        \
    BEAMC_REGISTER(name)

/** BEAMC_DOFN(name, input word, output word) { body }: in the body `ctx` and `element`. */
#define BEAMC_DOFN(name, in, out)                                                                  \
    BEAMC_DOFN_BODY(name, in)                                                                      \
    BEAMC_PLAIN_DOFN(name, &beamc_type_##in, &beamc_type_##out, name##_call, NULL, 0)              \
    static beamc_error *name##_process(beamc_context *ctx BEAMC_UNUSED,                            \
                                       const beamc_t_##in *element BEAMC_UNUSED)

/** The same with more of the table: BEAMC_DOFN_WITH(name, in, out, .setup = open_file,
 *  .config = BEAMC_TYPE(sink_config), .instance_size = sizeof(struct sink)) { body }. */
#define BEAMC_DOFN_WITH(name_, in, out, ...)                                                       \
    BEAMC_DOFN_BODY(name_, in)                                                                     \
    static const beamc_dofn name_ = { .function = { BEAMC_FUNCTION_DOFN, #name_ },                 \
                                      .input = &beamc_type_##in,                                   \
                                      .output = &beamc_type_##out,                                 \
                                      .process = name_##_call,                                     \
                                      __VA_ARGS__ };                                               \
    BEAMC_REGISTER(name_)                                                                          \
    static beamc_error *name_##_process(beamc_context *ctx BEAMC_UNUSED,                           \
                                        const beamc_t_##in *element BEAMC_UNUSED)

/* ---- what its functions may call ------------------------------------------------------------ */

/* Where elements go.  Made by the harness. */
typedef struct beamc_receiver beamc_receiver;
struct beamc_receiver {
    beamc_error *(*process)(beamc_receiver *self, const beamc_element_info *info,
                            const void *value);
};

typedef struct beamc_context_ops beamc_context_ops;

/* Read by the functions below; written by the harness. */
struct beamc_context {
    const beamc_element_info *info; /* of the element in work */
    beamc_receiver *const *outputs;
    const size_t *output_sizes;
    size_t output_count;
    const void *config;
    void *instance;
    beamc_arena *arena;           /* rewound after each element */
    const beamc_log_target *log;
    const beamc_type *input;      /* of this use */
    const beamc_type *const *output_types;
    const beamc_context_ops *ops; /* what the harness answers; private */
};

/* The error of a value of @size bytes that the output does not take, or of an output that is none. */
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_emit_refused(beamc_context *ctx, size_t output,
                                                         size_t size);

/** Sends a value to an output, with the element's own timestamp, windows and pane.  The value is
 *  borrowed for the call.  On an error, return it: the bundle has failed. */
static inline BEAMC_MUST_USE beamc_error *beamc_emit_value(beamc_context *ctx, size_t output,
                                                           const void *value)
{
    beamc_receiver *receiver = ctx->outputs[output];
    return receiver->process(receiver, ctx->info, value);
}

static inline BEAMC_MUST_USE beamc_error *beamc_emit_sized(beamc_context *ctx, size_t output,
                                                           const void *value, size_t size)
{
    /* The first size is there even if there is no output. */
    if (BEAMC_UNLIKELY((output > 0 && output >= ctx->output_count) ||
                       ctx->output_sizes[output] != size))
        return beamc_emit_refused(ctx, output, size);
    return beamc_emit_value(ctx, output, value);
}

/** beamc_emit(ctx, &value): to the main output.  The size of what is pointed at is checked against
 *  the output's type. */
#define beamc_emit(ctx, pointer) beamc_emit_sized((ctx), 0, (pointer), sizeof(*(pointer)))

/** To output @index: 0 the main one, then the tagged ones in the table's order. */
#define beamc_emit_to(ctx, index, pointer)                                                         \
    beamc_emit_sized((ctx), (index), (pointer), sizeof(*(pointer)))

/** With another timestamp (the same windows and pane); it may not go back before the element's. */
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_emit_at(beamc_context *ctx, size_t output,
                                                    const void *value, beamc_timestamp timestamp);

/** With everything told, as start_bundle and finish_bundle must outside the global window (inside it
 *  beamc_emit there gives an element at the start of time).  @window NULL: the
 *  global window. */
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_emit_windowed(beamc_context *ctx, size_t output,
                                                          const void *value,
                                                          beamc_timestamp timestamp,
                                                          const beamc_interval_window *window);

/** Formats text as printf does and emits it; the main output holds strings. */
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_emitf(beamc_context *ctx, const char *format, ...)
    BEAMC_PRINTF(2, 3);

/** The element's event time. */
static inline beamc_timestamp beamc_context_timestamp(const beamc_context *ctx)
{
    return ctx->info->timestamp;
}

/** The window of the element, for a DoFn that observes windows; false in the global window. */
static inline bool beamc_context_window(const beamc_context *ctx, beamc_interval_window *window)
{
    uint32_t at = 0;
    return ctx->info->windows_size > 0 && beamc_element_next_interval(ctx->info, &at, window);
}

/** The element's pane: which firing of its window it is from. */
static inline beamc_pane beamc_context_pane(const beamc_context *ctx)
{
    return beamc_element_pane(ctx->info);
}

/** The thawed configuration: a value of the table's `config` type. */
static inline const void *beamc_config(const beamc_context *ctx)
{
    return ctx->config;
}

/** The copy's own memory, instance_size bytes. */
static inline void *beamc_instance(const beamc_context *ctx)
{
    return ctx->instance;
}

/** Memory that ends when this call of process returns; NULL if there is none. */
static inline void *beamc_alloc(beamc_context *ctx, size_t size)
{
    return beamc_arena_alloc(ctx->arena, size);
}

/** beamc_log(ctx, BEAMC_LOG_WARN, "%" PRId64 " cents are strange", cents) */
#define beamc_log(ctx, level, ...) beamc_log_to((ctx)->log, (level), __VA_ARGS__)

/** beamc_log_fields(ctx, BEAMC_LOG_WARN, "strange sale", beamc_log_string("shop", sale->shop),
 *                   beamc_log_int64("cents", sale->cents)): a plain message with fields that log
 *  viewers can search for. */
#define beamc_log_fields(ctx, level, message, ...)                                                 \
    beamc_log_fields_to((ctx)->log, (level), (message), __VA_ARGS__)

/** A field with a string, borrowed. */
static inline beamc_log_field beamc_log_string(const char *name, beamc_string value)
{
    return beamc_log_text_of(name, value.data, value.size);
}

/** Side input number @side as a whole: its elements in the window that belongs to the element's. */
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_side_iterable(beamc_context *ctx, size_t side,
                                                          beamc_iterable *out);

/** The one element of a singleton; an error if there are none (and no default) or several. */
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_side_singleton(beamc_context *ctx, size_t side,
                                                           void *out);

/** The values of @key in a multimap; empty if there are none. */
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_side_lookup(beamc_context *ctx, size_t side,
                                                        const void *key, beamc_iterable *out);

/* ---- display data --------------------------------------------------------------------------- */

/** Adds a labelled value (Beam proto LabelledPayload) under @key; strings are copied. */
BEAMC_API void beamc_display_string(beamc_display *display, const char *key, const char *label,
                                    beamc_string value);
BEAMC_API void beamc_display_int64(beamc_display *display, const char *key, const char *label,
                                   int64_t value);
BEAMC_API void beamc_display_double(beamc_display *display, const char *key, const char *label,
                                    double value);
BEAMC_API void beamc_display_bool(beamc_display *display, const char *key, const char *label,
                                  bool value);

/* ---- types made while a pipeline is built, for infer ----------------------------------------- */

/** Types in @arena with the names and layouts that the macros of type.h would give; NULL without
 *  memory. */
BEAMC_API const beamc_type *beamc_type_kv(beamc_arena *arena, const beamc_type *key,
                                          const beamc_type *value);
BEAMC_API const beamc_type *beamc_type_iterable(beamc_arena *arena, const beamc_type *element);
BEAMC_API const beamc_type *beamc_type_nullable(beamc_arena *arena, const beamc_type *value);

BEAMC_EXTERN_C_END

#endif
