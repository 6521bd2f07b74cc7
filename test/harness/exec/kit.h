/* SPDX-License-Identifier: Apache-2.0 */
/* Plans by hand: descriptors built call by call, bundles with inputs, outputs and state in memory.
 *
 *     exec_kit *kit = exec_kit_new();
 *     exec_collection(kit, "p1", BEAMC_TYPE(string), beamc_global_windows());
 *     exec_source(kit, "in", "p1");
 *     exec_par_do(kit, "upper", "p1", &upper, "p2");
 *     ...
 *     exec_put(kit, "in", BEAMC_TYPE(string), &text, 5);
 *     exec_check(kit, "out", "...");
 *     exec_kit_free(kit);
 *
 * Outputs are compared as text, a line for each element: the value as beamc_print shows it, then
 * " @5" if its timestamp is not the earliest, then each interval window as " [0,10)".  Memory that is
 * given to calls is copied; whatever goes wrong in the kit itself fails the test. */
#ifndef BEAMC_TEST_EXEC_KIT_H
#define BEAMC_TEST_EXEC_KIT_H

#include "harness/exec/plan.h"
#include <beamc/combine.h>
#include <beamc/window.h>

typedef struct exec_kit exec_kit;

exec_kit *exec_kit_new(void);
/* Frees the plan, too. */
void exec_kit_free(exec_kit *kit);

/* ---- the descriptor -------------------------------------------------------------------------- */

/* The coder of @type, or one made of its URN and the ids of its parts; answers its id. */
const char *exec_coder(exec_kit *kit, const beamc_type *type);
const char *exec_coder_of(exec_kit *kit, const char *urn, const char *first, const char *second);

void exec_collection(exec_kit *kit, const char *id, const beamc_type *type,
                     beamc_windowing windowing);
void exec_collection_of(exec_kit *kit, const char *id, const char *coder_id,
                        beamc_windowing windowing);

/* Transforms; later calls add to the one with that id. */
void exec_transform(exec_kit *kit, const char *id, const char *urn, const void *payload,
                    size_t size);
void exec_input(exec_kit *kit, const char *id, const char *tag, const char *collection);
void exec_output(exec_kit *kit, const char *id, const char *tag, const char *collection);

void exec_source(exec_kit *kit, const char *id, const char *collection);
void exec_sink(exec_kit *kit, const char *id, const char *collection);
/* A port with another coder than the PCollection's windowed values. */
void exec_port(exec_kit *kit, const char *id, const char *collection, const char *coder_id,
               bool is_source);

/* A side input: of index i in the DoFn's table. */
typedef struct {
    const char *collection;
    beamc_bytes default_value; /* encoded; no data: none */
} exec_side;

typedef struct {
    const char *outputs[4]; /* the main one, then the tagged ones */
    exec_side sides[4];
    beamc_bytes config; /* frozen; no data: none */
} exec_par_do_options;

void exec_par_do(exec_kit *kit, const char *id, const char *input, const beamc_dofn *dofn,
                 const char *output);
void exec_par_do_with(exec_kit *kit, const char *id, const char *input, const beamc_dofn *dofn,
                      const exec_par_do_options *options);

/* A part of a combine by its URN; @part is a beamc.v1.Function.Part. */
void exec_combine(exec_kit *kit, const char *id, const char *urn, const char *input,
                  const beamc_combine_fn *fn, const beamc_type *accumulator, int part,
                  const char *output);

void exec_window_into(exec_kit *kit, const char *id, const char *input, beamc_windowing windowing,
                      const char *output);
void exec_flatten(exec_kit *kit, const char *id, const char *const *inputs, size_t count,
                  const char *output);

/* The message, for tests that spoil it; the arena is the kit's. */
FN(ProcessBundleDescriptor) *exec_descriptor(exec_kit *kit);
beamc_arena *exec_arena(exec_kit *kit);
PB(PTransform) *exec_find_transform(exec_kit *kit, const char *id);
PB(PCollection) *exec_find_collection(exec_kit *kit, const char *id);

/* ---- inputs, state --------------------------------------------------------------------------- */

/* Adds an element for a source: in the global window, or in those of @windows. */
void exec_put(exec_kit *kit, const char *source, const beamc_type *type, const void *value,
              beamc_timestamp timestamp);
void exec_put_in(exec_kit *kit, const char *source, const beamc_type *type, const void *value,
                 beamc_timestamp timestamp, const beamc_interval_window *windows, size_t count);
/* Adds bytes as they are. */
void exec_put_bytes(exec_kit *kit, const char *source, const void *bytes, size_t size);
/* How an element begins whose time is the earliest: in the global window, without a pane. */
#define EXEC_HEAD "\x7f\xdf\x3b\x64\x5a\x1c\xac\x09\0\0\0\1\x0f"
/* Adds such an element with a literal for its value. */
#define exec_put_literal(kit, source, value)                                                       \
    exec_put_bytes(kit, source, EXEC_HEAD value, sizeof(EXEC_HEAD value) - 1)
/* Adds a group whose values lie one after the other; the source then gives groups. */
void exec_put_group(exec_kit *kit, const char *source, const beamc_type *key_type, const void *key,
                    const beamc_type *value_type, const void *values, size_t count,
                    const beamc_interval_window *window);
/* How many bytes a chunk of the input has at most; elements are not cut.  0: all in one. */
void exec_set_chunk(exec_kit *kit, size_t bytes);

/* Adds values (of @type, one after the other) to a side input: of @window (NULL: the global one) and,
 * if @key_type is given, of a key. */
void exec_put_side(exec_kit *kit, const char *side, const beamc_interval_window *window,
                   const beamc_type *key_type, const void *key, const beamc_type *type,
                   const void *values, size_t count);
/* Pages of state have at most so many bytes, wherever that cuts; 0: all in one. */
void exec_set_page(exec_kit *kit, size_t bytes);
/* How often state was asked, and pages are not released. */
size_t exec_state_calls(const exec_kit *kit);
long exec_state_open(const exec_kit *kit);

/* Forgets inputs and outputs, not state; for another bundle. */
void exec_clear(exec_kit *kit);

/* ---- running --------------------------------------------------------------------------------- */

/* Before the plan is made; custom types before ports of them. */
void exec_set_memory(exec_kit *kit, size_t combine_memory);
void exec_set_customs(exec_kit *kit, const beamc_type *const *customs, size_t count);
void exec_set_log(exec_kit *kit, const beamc_log_sink *log);
void exec_set_log_overrides(exec_kit *kit, const beamc_log_overrides *overrides);
void exec_set_samples(exec_kit *kit, beamc__samples *samples);
void exec_set_byte_sizes(exec_kit *kit);
void exec_set_cancel(exec_kit *kit, const volatile int *cancel);

/* Makes the plan if there is none, and runs a bundle. */
beamc_error *exec_run(exec_kit *kit);
beamc_error *exec_make(exec_kit *kit);
beamc__plan *exec_plan(exec_kit *kit);
/* Frees the plan: the next run makes another. */
void exec_drop_plan(exec_kit *kit);

/* Runs again and again, each time with a new plan and with the next allocation failing, until none is
 * left to fail: @at_least as many.  Elements that are written are dropped, so that a run allocates
 * nothing outside of the plan. */
void exec_fail_allocations(exec_kit *kit, long at_least);

/* The lines of an output, in the order they came; ended by NUL, the kit's. */
const char *exec_lines(exec_kit *kit, const char *sink);

/* Runs, and compares the lines of @sink with @expected in that order, or in any. */
void exec_check_at(const char *file, int line, exec_kit *kit, const char *sink,
                   const char *expected, bool sorted);
#define exec_check(kit, sink, expected)                                                            \
    exec_check_at(__FILE__, __LINE__, kit, sink, expected, false)
#define exec_check_sorted(kit, sink, expected)                                                     \
    exec_check_at(__FILE__, __LINE__, kit, sink, expected, true)

/* Runs, and checks that it fails with an error of @code whose text has @part. */
void exec_check_error_at(const char *file, int line, exec_kit *kit, beamc_code code,
                         const char *part);
#define exec_check_error(kit, code, part) exec_check_error_at(__FILE__, __LINE__, kit, code, part)

/* Checks an error (taken) the same way; a NULL @part: that there is none. */
void exec_expect_at(const char *file, int line, beamc_error *take_error, beamc_code code,
                    const char *part);
#define exec_expect(error, code, part) exec_expect_at(__FILE__, __LINE__, error, code, part)
#define exec_ok(error) exec_expect_at(__FILE__, __LINE__, error, BEAMC_OK, NULL)

#endif
