/* SPDX-License-Identifier: Apache-2.0 */
/* A pipeline: the graph of transforms between PCollections, built by calls that each add a node.
 *
 * A beamc_pcollection is a small value to pass around.  Errors of construction stick to the
 * pipeline: the call that is wrong remembers its file, line and transform, answers a PCollection
 * that goes on taking calls, and running reports the first error.  So building needs no checks.
 *
 * Functions here are named f_at(location, ...); the macros f(...) fill in __FILE__ and __LINE__.
 * One thread builds; strings and configurations are copied, tables (DoFns, types) are borrowed for
 * the pipeline's life. */
#ifndef BEAMC_PIPELINE_H
#define BEAMC_PIPELINE_H

#include <beamc/combine.h>
#include <beamc/dofn.h>
#include <beamc/window.h>

BEAMC_EXTERN_C_BEGIN

typedef struct beamc_pipeline beamc_pipeline;

typedef struct {
    beamc_pipeline *pipeline;
    uint32_t id; /* 0 after an error */
} beamc_pcollection;

/* Where in the user's program a transform is made. */
typedef struct {
    const char *file;
    int line;
} beamc_location;

static inline beamc_location beamc_location_of(const char *file, int line)
{
    beamc_location location = { file, line };
    return location;
}

#define BEAMC_HERE beamc_location_of(__FILE__, __LINE__)

/** A new, empty pipeline; NULL without memory.
 *  @functions: where the program's DoFns and CombineFns are (beamc_main passes them); a table that
 *  is not among them or the library's own is refused when it is used. */
BEAMC_API BEAMC_MUST_USE beamc_pipeline *
beamc_pipeline_new(const beamc_function *const *functions, size_t count);
/** Accepts NULL. */
BEAMC_API void beamc_pipeline_free(beamc_pipeline *pipeline);

/* The program's registered functions (see BEAMC_REGISTER). */
extern const beamc_function *const __start_beamc_functions[] __attribute__((weak));
extern const beamc_function *const __stop_beamc_functions[] __attribute__((weak));
#define BEAMC_PROGRAM_FUNCTIONS                                                                    \
    __start_beamc_functions, (size_t)(__stop_beamc_functions - __start_beamc_functions)

/** The first error of construction, borrowed; NULL if all is well. */
BEAMC_API const beamc_error *beamc_pipeline_error(const beamc_pipeline *pipeline);

/** Makes @take_error the pipeline's error unless it has one.  For composites written by users. */
BEAMC_API void beamc_pipeline_fail(beamc_pipeline *pipeline, beamc_location at,
                                   beamc_error *take_error);

/** Memory that lives as long as the pipeline; for types and configurations of composites. */
BEAMC_API beamc_arena *beamc_pipeline_arena(beamc_pipeline *pipeline);

/** Calls @fn with @arg once, when the next run of the pipeline from this process is over, for better
 *  or worse: to put away what the run leaves behind.  Last given, first called, by the thread that
 *  runs the pipeline.  @arg lives as long as the pipeline. */
BEAMC_API void beamc_pipeline_on_end(beamc_pipeline *pipeline,
                                     void (*fn)(void *arg, bool succeeded), void *arg);

/** The whole as serialized Beam proto Pipeline, appended to @out. */
BEAMC_API BEAMC_MUST_USE beamc_error *beamc_pipeline_serialize(beamc_pipeline *pipeline,
                                                               beamc_buffer *out);

/** The element type and windowing of a PCollection; NULL and the global window after an error. */
BEAMC_API const beamc_type *beamc_pcollection_type(beamc_pcollection in);
BEAMC_API beamc_windowing beamc_pcollection_windowing(beamc_pcollection in);

/* ---- names, composites ------------------------------------------------------------------------ */

/** Names the next transform that is applied (to anything); answers @in.
 *      beamc_count_per_element(beamc_named(words, "CountWords"))
 *  Without it a transform has its DoFn's or its own name; names that repeat get "_2", "_3" ... */
BEAMC_API beamc_pcollection beamc_named(beamc_pcollection in, const char *name);
BEAMC_API beamc_pipeline *beamc_named_root(beamc_pipeline *pipeline, const char *name);

typedef struct {
    const char *urn;         /* what it is, if other SDKs or runners may know it; or NULL */
    const void *payload;
    size_t payload_size;
    void (*display)(const void *config, beamc_display *display); /* may be NULL */
    const void *config;                                          /* for display */
    /* resource hints for all within (Beam's URNs beam:resources:*); 0 or NULL: none */
    uint64_t min_ram_bytes;
    uint32_t cpu_count;
    const char *accelerator; /* "type:<t>;count:<n>;<options>" */
} beamc_composite_options;

/** Opens a composite: what is added until beamc_leave is inside it, nested as deep as one likes, and
 *  shows so in the graph.  @options may be NULL. */
BEAMC_API void beamc_enter_at(beamc_location at, beamc_pipeline *pipeline, const char *name,
                              const beamc_composite_options *options);
#define beamc_enter(pipeline, name, options) beamc_enter_at(BEAMC_HERE, pipeline, name, options)

/** Closes it; @out (may be NULL) are its outputs beside those that others come to read. */
BEAMC_API void beamc_leave_at(beamc_location at, beamc_pipeline *pipeline,
                              const beamc_pcollection *out, size_t count);
#define beamc_leave(pipeline) beamc_leave_at(BEAMC_HERE, pipeline, NULL, 0)

/* ---- primitives ------------------------------------------------------------------------------ */

/** One empty element of bytes, at the start of time.  -> bytes */
BEAMC_API beamc_pcollection beamc_impulse_at(beamc_location at, beamc_pipeline *pipeline);
#define beamc_impulse(pipeline) beamc_impulse_at(BEAMC_HERE, pipeline)

/** @count values lying one after the other at @values (copied).  -> type */
BEAMC_API beamc_pcollection beamc_create_at(beamc_location at, beamc_pipeline *pipeline,
                                            const beamc_type *type, const void *values,
                                            size_t count);
#define beamc_create(pipeline, type, values, count)                                                \
    beamc_create_at(BEAMC_HERE, pipeline, type, values, count)

/* A side input of a par_do: which PCollection answers the DoFn's side number i.  A singleton may
 * have a default (a value of its type, copied). */
typedef struct {
    beamc_pcollection from;
    const void *default_value;
} beamc_side_input;

typedef struct {
    const void *config;            /* a value of the DoFn's config type (copied) */
    const beamc_side_input *sides; /* as many as the DoFn has */
    size_t side_count;
    uint64_t min_ram_bytes; /* resource hints, as of a composite */
    uint32_t cpu_count;
    const char *accelerator;
} beamc_par_do_options;

/** Applies @dofn to every element.  in: dofn->input; -> its main output.  Other outputs by
 *  beamc_tagged.  @options may be NULL. */
BEAMC_API beamc_pcollection beamc_par_do_at(beamc_location at, beamc_pcollection in,
                                            const beamc_dofn *dofn,
                                            const beamc_par_do_options *options);
#define beamc_par_do(in, dofn) beamc_par_do_at(BEAMC_HERE, in, dofn, NULL)
#define beamc_par_do_with(in, dofn, options) beamc_par_do_at(BEAMC_HERE, in, dofn, options)

/** Another output of the par_do that made @main_output. */
BEAMC_API beamc_pcollection beamc_tagged_at(beamc_location at, beamc_pcollection main_output,
                                            const char *tag);
#define beamc_tagged(main_output, tag) beamc_tagged_at(BEAMC_HERE, main_output, tag)

/** KV<K, V> -> KV<K, Iterable<V>>, per window.  K's coder must be deterministic. */
BEAMC_API beamc_pcollection beamc_group_by_key_at(beamc_location at, beamc_pcollection in);
#define beamc_group_by_key(in) beamc_group_by_key_at(BEAMC_HERE, in)

/** All elements of several PCollections of one type and windowing.  @count may be 0: then @type
 *  and @pipeline say what of. */
BEAMC_API beamc_pcollection beamc_flatten_at(beamc_location at, beamc_pipeline *pipeline,
                                             const beamc_pcollection *in, size_t count,
                                             const beamc_type *type);
#define beamc_flatten(in, count) beamc_flatten_at(BEAMC_HERE, (in)[0].pipeline, in, count, NULL)

/** The same elements in other windows. */
BEAMC_API beamc_pcollection beamc_window_into_at(beamc_location at, beamc_pcollection in,
                                                 beamc_windowing windowing);
#define beamc_window_into(in, windowing) beamc_window_into_at(BEAMC_HERE, in, windowing)

/** The same elements, spread anew over the workers; ends fusion.  T -> T */
BEAMC_API beamc_pcollection beamc_reshuffle_at(beamc_location at, beamc_pcollection in);
#define beamc_reshuffle(in) beamc_reshuffle_at(BEAMC_HERE, in)

typedef struct {
    const void *config;  /* of the CombineFn */
    int fanout;          /* > 1: hot keys are first combined in so many parts */
    bool without_default; /* globally: no element for no input (needed outside the global window) */
} beamc_combine_options;

/** KV<K, In> -> KV<K, Out>, per window. */
BEAMC_API beamc_pcollection beamc_combine_per_key_at(beamc_location at, beamc_pcollection in,
                                                     const beamc_combine_fn *fn,
                                                     const beamc_combine_options *options);
#define beamc_combine_per_key(in, fn) beamc_combine_per_key_at(BEAMC_HERE, in, fn, NULL)
#define beamc_combine_per_key_with(in, fn, options)                                                \
    beamc_combine_per_key_at(BEAMC_HERE, in, fn, options)

/** In -> Out: one element; that of no input too, unless without_default. */
BEAMC_API beamc_pcollection beamc_combine_globally_at(beamc_location at, beamc_pcollection in,
                                                      const beamc_combine_fn *fn,
                                                      const beamc_combine_options *options);
#define beamc_combine_globally(in, fn) beamc_combine_globally_at(BEAMC_HERE, in, fn, NULL)
#define beamc_combine_globally_with(in, fn, options)                                               \
    beamc_combine_globally_at(BEAMC_HERE, in, fn, options)

/** KV<K, Iterable<V>> (of a group_by_key) -> KV<K, Out>. */
BEAMC_API beamc_pcollection beamc_combine_grouped_values_at(beamc_location at,
                                                            beamc_pcollection in,
                                                            const beamc_combine_fn *fn,
                                                            const beamc_combine_options *options);
#define beamc_combine_grouped_values(in, fn)                                                       \
    beamc_combine_grouped_values_at(BEAMC_HERE, in, fn, NULL)

/** Joins @count KV PCollections with one key type K:
 *  -> KV<K, row> where the row has one iterable per input, named as @tags: describe it as
 *      #define JOINED(F) F(emails, emails) F(phones, phones)     (words of BEAMC_ITERABLE)
 *  and pass its type, whose fields' element types must be the inputs' value types. */
BEAMC_API beamc_pcollection beamc_co_group_by_key_at(beamc_location at,
                                                     const beamc_pcollection *in, size_t count,
                                                     const beamc_type *joined);
#define beamc_co_group_by_key(in, count, joined)                                                   \
    beamc_co_group_by_key_at(BEAMC_HERE, in, count, joined)

BEAMC_EXTERN_C_END

#endif
