/* SPDX-License-Identifier: Apache-2.0 */
/* What the transforms here ask about the types they are applied to, and how they are put into the
 * graph: each is a composite of its name around one or several primitives. */
#ifndef BEAMC_TRANSFORMS_SHAPE_H
#define BEAMC_TRANSFORMS_SHAPE_H

#include <beamc/pipeline.h>

/* The type without length prefixes around it, which a runner may have added; the same layout. */
static inline const beamc_type *beamc__shape_bare(const beamc_type *type)
{
    while (type->kind == BEAMC_KIND_LENGTH_PREFIX)
        type = type->fields[0].type;
    return type;
}

static inline bool beamc__shape_is_iterable(const beamc_type *type)
{
    return type->kind == BEAMC_KIND_ITERABLE || type->kind == BEAMC_KIND_STATE_BACKED_ITERABLE;
}

/* Copies a part of an element; most are of one or two words. */
static inline void beamc__shape_move(void *to, const void *from, size_t size)
{
    if (size == 16) {
        /* As two words, since it was most likely written as two (a string): one load of both would
         * wait for both stores to reach the cache.  The empty statement keeps them apart. */
        uint64_t words[2];
        memcpy(words, from, 16);
        __asm__("" : "+r"(words[0]), "+r"(words[1]));
        memcpy(to, words, 16);
    } else if (size == 8)
        memcpy(to, from, 8);
    else if (size > 0)
        memcpy(to, from, size);
}

/* The type without any length prefix in it: what is encoded by it here is decoded there, whatever a
 * runner added in between.  NULL: no memory. */
const beamc_type *beamc__shape_strip(beamc_arena *arena, const beamc_type *type);

/* The part of @type at @path ("cents", "value.cents"; empty: the whole) and where it begins. */
BEAMC_MUST_USE beamc_error *beamc__shape_field(const beamc_type **out, size_t *offset,
                                               const beamc_type *type, beamc_string path);

/* NULL if @type is a KV, an iterable; else the error. */
BEAMC_MUST_USE beamc_error *beamc__shape_need_kv(const beamc_type *type);
BEAMC_MUST_USE beamc_error *beamc__shape_need_iterable(const beamc_type *type);

/* What the last calls of infer have in common: the made type, or no memory. */
BEAMC_MUST_USE beamc_error *beamc__shape_told(const beamc_type **out, const beamc_type *made);

/* A composite @name that holds one ParDo. */
beamc_pcollection beamc__apply(beamc_location at, beamc_pcollection in, const char *name,
                               const beamc_dofn *dofn, const void *config);

/* The ParDo @step of a composite. */
beamc_pcollection beamc__step(beamc_location at, beamc_pcollection in, const char *step,
                              const beamc_dofn *dofn, const void *config);

/* A composite @name that holds one Combine.  Globally @has_empty says that no input has a result,
 * which is given in the global window. */
beamc_pcollection beamc__apply_globally(beamc_location at, beamc_pcollection in, const char *name,
                                        const beamc_combine_fn *fn, const void *config,
                                        bool has_empty);
beamc_pcollection beamc__apply_per_key(beamc_location at, beamc_pcollection in, const char *name,
                                       const beamc_combine_fn *fn, const void *config);

/* The Combine of a composite. */
beamc_pcollection beamc__step_globally(beamc_location at, beamc_pcollection in, const char *step,
                                       const beamc_combine_fn *fn, const void *config,
                                       bool has_empty);
beamc_pcollection beamc__step_per_key(beamc_location at, beamc_pcollection in, const char *step,
                                      const beamc_combine_fn *fn, const void *config);

/* Ends the composite of @out; answers @out. */
beamc_pcollection beamc__leave(beamc_location at, beamc_pcollection out);

/* Makes @take_error the pipeline's; what to go on with. */
beamc_pcollection beamc__refuse(beamc_location at, beamc_pcollection in, const char *name,
                                beamc_error *take_error);

/* ---- instances ------------------------------------------------------------------------------- */

/* The memory of DoFns that build each output in one place: a value of the main output's type and
 * where in input and output the values of KVs begin.  For .instance_size, .setup, .teardown. */
typedef struct {
    char *out;
    size_t out_value; /* offset of the output's value, if it is a KV */
    size_t in_value;  /* of the input's */
    size_t key_size;  /* of the output's key */
    size_t value_size;
    size_t in_size; /* of the element */
} beamc__pair;

BEAMC_MUST_USE beamc_error *beamc__pair_setup(beamc_context *ctx);
void beamc__pair_teardown(beamc_context *ctx);

#endif
